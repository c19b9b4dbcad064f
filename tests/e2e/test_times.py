# SPDX-License-Identifier: Apache-2.0
"""Random times through the command line, against Python's own: of one file and of three parties, in
ISO form and in forms that an owner declares. SOTTO_CASES scales how many tables."""

import collections
import datetime
import json
import pathlib
import random
import sys
import tempfile
import unittest
from fractions import Fraction

from support import run

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from cases import cases  # noqa: E402

EPOCH = datetime.datetime(1970, 1, 1)
LAST = (datetime.datetime.max - datetime.datetime.min) // datetime.timedelta(microseconds=1)
# A form, its unit in microseconds, and whether it has a zone. "": ISO 8601.
FORMS = [("", 1, False), ("", 1000, True), ("%d.%m.%Y %H:%M:%S", 10**6, False),
         ("%m/%d/%Y %I:%M %p", 60 * 10**6, False), ("%Y%m%dT%H%M%S.%f", 1, False),
         ("%H:%M:%S %z on %d %b %Y", 10**6, True)]


def seconds(time):
    return Fraction((time - EPOCH) // datetime.timedelta(microseconds=1), 10**6)


def text_of(number, has_zone):
    """A number of seconds as results write it: to the nearest microsecond, the later of two."""
    moment = EPOCH + datetime.timedelta(microseconds=(number * 10**6 + Fraction(1, 2)) // 1)
    return moment.isoformat() + ("Z" if has_zone else "")


def random_time(rng, unit, span):
    first = rng.randrange(400 * 10**6 * 86400, LAST - span - 400 * 10**6 * 86400)
    return lambda: datetime.datetime.min + datetime.timedelta(
        microseconds=(first + rng.randrange(span)) // unit * unit)


def written(rng, time, form, has_zone):
    """As strftime, which leaves out the zeros of small years; in any zone that there is."""
    offset = datetime.timedelta(minutes=rng.randrange(-14 * 60, 14 * 60)) if has_zone else datetime.timedelta()
    minutes = abs(offset) // datetime.timedelta(minutes=1)
    zone = f"{'-' if offset < datetime.timedelta() else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
    if rng.random() < 0.2 and has_zone:
        zone, offset = "Z", datetime.timedelta()
    time = time + offset
    if not form:
        return time.isoformat(rng.choice("T ")) + (zone if has_zone else "")
    year = f"{time.year:04d}"
    return time.strftime(form.replace("%Y", "<year>").replace("%z", "<zone>")).replace("<year>", year).replace(
        "<zone>", zone)


class Times(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-times-")
        self.addCleanup(self.folder.cleanup)

    def ask(self, files, form, outputs, *options):
        """The answers over one file with all rows, and over three; they are the same bytes."""
        types = [f"came=datetime({form})", f"left=datetime({form})"] if form else []
        options = [*(word for each in types for word in ("--type", each)), "--json", *options]
        asked = [f"{name}={output}" for name, output in outputs.items()]
        paths = []
        for name, rows in [("all", sum(files, [])), *zip("abc", files)]:
            paths.append(str(pathlib.Path(self.folder.name, f"{name}.csv")))
            pathlib.Path(paths[-1]).write_text("\n".join(["came,left,x", *rows, ""]))
        pooled = json.loads(run("local", "--data", paths[0], *options, "--", *asked).stdout)
        parts = json.loads(run("simulate", *paths[1:], *options, "--", *asked).stdout)
        self.assertEqual(pooled["outputs"], parts["outputs"])
        self.assertEqual(pooled.get("groups"), parts.get("groups"))
        return pooled["outputs"]

    def test_values_parts_and_groups(self):
        rng = random.Random(7)
        for case in range(cases(6)):
            form, unit, has_zone = FORMS[case % len(FORMS)]
            at = random_time(rng, unit, rng.choice([3, 3600, 86400 * 90, 86400 * 366 * 900]) * 10**6)
            table = [(at() if rng.random() < 0.9 else None, at()) for _ in range(3 + rng.randrange(30))]
            came = sorted(time for time, _ in table if time is not None)
            rows = [f"{'NA' if time is None else written(rng, time, form, has_zone)},"
                    f"{written(rng, left, form, has_zone)},1" for time, left in table]
            if not came:
                continue
            limit = rng.choice(came)
            asked = limit.isoformat(rng.choice("T ")) + ("Z" if has_zone else "")
            numbers = list(map(seconds, came))
            spans = [seconds(left) - seconds(time) for time, left in table if time is not None]
            expected = {
                "mean(came)": sum(numbers) / len(numbers),
                "median(came)": (numbers[(len(came) - 1) // 2] + numbers[len(came) // 2]) / 2,
                "quantile(came, 0)": numbers[0],
                "sum(seconds(left - came))": sum(spans),
                f"sum(seconds(came - '{asked}'))": sum(number - seconds(limit) for number in numbers),
                f"sum(came < '{asked}')": sum(time < limit for time in came),
                f"sum('{asked}' == came)": came.count(limit),
                "sum(came <= left)": sum(span >= 0 for span in spans),
                "sum(year(came))": sum(time.year for time in came),
                "sum(weekday(came))": sum(time.weekday() for time in came),
                "sum(hour(came))": sum(time.hour for time in came),
                "sum(minute(came))": sum(time.minute for time in came),
                f"sum(date(came) == '{limit.date()}')": sum(time.date() == limit.date() for time in came),
            }
            files = [rows[i::3] for i in range(3)]
            found = self.ask(files, form, {f"o{i}": output for i, output in enumerate(expected)})
            for i, (output, number) in enumerate(expected.items()):
                self.assertEqual(Fraction(found[f"o{i}"]["exact"]), number, (form, output, rows))
                if output.startswith(("mean", "median", "quantile")):
                    self.assertEqual(found[f"o{i}"]["value"], text_of(number, has_zone), (form, output))
            hours = collections.Counter(time.hour for time in came)
            found = self.ask(files, form, {"n": "count(x)"}, "--by", "hour(came) in (0, 7, 23, na, other)")
            self.assertEqual([value["value"] for value in found["n"]["values"]],
                             [hours[0], hours[7], hours[23], len(came) - hours[0] - hours[7] - hours[23],
                              len(table) - len(came)])

    def test_a_time_that_means_missing(self):
        path = pathlib.Path(self.folder.name, "a.csv")
        path.write_text("came,x\n1.1.1900 0:00,1\n2.1.2020 7:30,2\n")
        options = ["--data", str(path), "--type", "came=datetime(%d.%m.%Y %H:%M)", "--na", "1.1.1900 0:00"]
        done = run("local", *options, "--", "sum(came == '1900-01-01')", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("written 1.1.1900 0:00", done.stderr)

    def test_a_time_that_is_none(self):
        path = pathlib.Path(self.folder.name, "a.csv")
        path.write_text("came\n2020-01-31 12:00\n2020-01-31 24:00\n")
        done = run("describe", str(path), "--type", "came=datetime", check=False)
        self.assertIn('a.csv:3: column "came": expected datetime as configured, found "2020-01-31 24:00"', done.stderr)
        for wrong in ("datetime()", "datetime(%d.%m.%Y)", "date(%d.%m.%Y %H:%M)", "datetime(%d.%m.%Y %M)",
                      "datetime(utc", "datetime(UTC)", "datetime(%d.%m.%Y %I)"):
            done = run("describe", str(path), "--type", f"came={wrong}", check=False)
            self.assertEqual(done.returncode, 1, wrong)
            self.assertIn("datetime(%d.%m.%Y %H:%M)", done.stderr)


if __name__ == "__main__":
    unittest.main()
