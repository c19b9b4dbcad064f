# SPDX-License-Identifier: Apache-2.0
"""Random dates through the command line, against Python's own: of one file and of three parties, in
ISO form and in the formats that an owner declares. SOTTO_CASES scales how many tables."""

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

EPOCH = datetime.date(1970, 1, 1)
FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%d %b %Y", "%b %d %Y", "%d-%m-%y"]


def days(date):
    return (date - EPOCH).days


def text_of(number):
    """A number of days as results write it."""
    moment = round(number * 86400 * 10**6)  # no case below lies between two microseconds
    date = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=moment)
    return date.date().isoformat() if date.time() == datetime.time() else date.isoformat()


def written(date, form):
    """As strftime, which leaves out the zeros of small years."""
    return date.strftime(form.replace("%Y", "<year>")).replace("<year>", f"{date.year:04d}")


def random_date(rng, form):
    if "%y" in form:
        return datetime.date(1969, 1, 1) + datetime.timedelta(rng.randrange(36524))
    span = rng.choice([10, 400, 40000, 3652059])
    first = rng.randrange(3652059 - span + 1)
    return datetime.date.fromordinal(1 + first + rng.randrange(span))


class Dates(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-dates-")
        self.addCleanup(self.folder.cleanup)

    def write(self, name, rows, form):
        lines = ["came;left;x"]
        for came, left, x in rows:
            cells = ["NA" if date is None else written(date, form) for date in (came, left)]
            lines.append(";".join([*cells, str(x)]))
        path = pathlib.Path(self.folder.name) / name
        path.write_text("\n".join([*lines, ""]))
        return str(path)

    def ask(self, files, form, outputs, *options):
        """The answers over one file with all rows, and over three; they are the same bytes."""
        rows = [row for file in files for row in file]
        types = [] if form == FORMATS[0] else ["--type", f"came=date({form})", "--type", f"left=date({form})"]
        options = ["--delimiter", ";", *types, "--json", *options]
        asked = [f"{name}={output}" for name, output in outputs.items()]
        pooled = run("local", "--data", self.write("all.csv", rows, form), *options, "--", *asked)
        paths = [self.write(f"{i}.csv", file, form) for i, file in enumerate(files)]
        parts = run("simulate", *paths, *options, "--", *asked)
        found = [json.loads(done.stdout) for done in (pooled, parts)]
        self.assertEqual(found[0]["outputs"], found[1]["outputs"])
        self.assertEqual(found[0].get("groups"), found[1].get("groups"))
        return found[0]

    def test_values_and_parts(self):
        rng = random.Random(7)
        for case in range(cases(14)):
            form = FORMATS[case % len(FORMATS)]
            files = [[(random_date(rng, form) if rng.random() < 0.9 else None, random_date(rng, form), rng.randrange(9))
                      for _ in range(1 + rng.randrange(12))] for _ in range(3)]
            rows = [row for file in files for row in file]
            came = sorted(row[0] for row in rows if row[0] is not None)
            if not came:
                continue
            limit = rng.choice(came)
            numbers = list(map(days, came))
            middle = Fraction(numbers[(len(came) - 1) // 2] + numbers[len(came) // 2], 2)
            spans = [days(left) - days(date) for date, left, _ in rows if date is not None]
            expected = {
                "mean(came)": Fraction(sum(numbers), len(numbers)),
                "median(came)": middle,
                "quantile(came, 0)": Fraction(numbers[0]),
                "sum(left - came)": Fraction(sum(spans)),
                f"sum(came - '{limit}')": Fraction(sum(number - days(limit) for number in numbers)),
                f"sum(came < '{limit}')": sum(date < limit for date in came),
                f"sum(came >= '{limit}')": sum(date >= limit for date in came),
                f"sum('{limit}' == came)": sum(date == limit for date in came),
                f"sum(came in ('{limit}', '{came[0]}'))": sum(date in (limit, came[0]) for date in came),
                "sum(came <= left)": sum(span >= 0 for span in spans),
                "sum(year(came))": sum(date.year for date in came),
                "sum(month(came))": sum(date.month for date in came),
                "sum(day(came))": sum(date.day for date in came),
                "sum(weekday(came))": sum(date.weekday() for date in came),
                "count(came)": len(came),
            }
            found = self.ask(files, form, {f"o{i}": output for i, output in enumerate(expected)})["outputs"]
            for i, (output, number) in enumerate(expected.items()):
                self.assertEqual(Fraction(found[f"o{i}"]["exact"]), number, (form, output, rows))
                if output.startswith(("mean", "median", "quantile")):
                    self.assertEqual(found[f"o{i}"]["value"], text_of(number), (form, output))

    def test_groups_and_bins(self):
        rng = random.Random(11)
        for case in range(cases(6)):
            form = FORMATS[case % len(FORMATS)]
            first = random_date(rng, "%y")
            near = [first + datetime.timedelta(rng.randrange(90)) for _ in range(60)]
            files = [[(date, date, rng.randrange(9)) for date in near[i::3]] for i in range(3)]
            months = collections.Counter(date.month for date in near)
            found = self.ask(files, form, {"n": "count(x)"}, "--by",
                             f"month(came) in ({', '.join(map(str, range(1, 13)))})")
            self.assertEqual([value["value"] for value in found["outputs"]["n"]["values"]],
                             [months[month] for month in range(1, 13)])
            self.assertEqual(found["groups"]["keys"], ["month(came)"])
            edges = sorted({first + datetime.timedelta(day) for day in (0, 20, 21, 50, 89)})
            written = ", ".join(f'"{edge}"' for edge in edges)
            expected = [sum(low <= date and (date < high or (high == edges[-1] and date == high)) for date in near)
                        for low, high in zip(edges, edges[1:])]
            found = self.ask(files, form, {"n": "count(x)"}, "--by", f"hist(came, {written})")
            self.assertEqual([value["value"] for value in found["outputs"]["n"]["values"]], expected)
            found = self.ask(files, form, {"h": f"hist(came, {written})", "v": f"value_counts(came, {written})"})
            self.assertEqual([value["value"] for value in found["outputs"]["h"]["values"]], expected)
            self.assertEqual([value["value"] for value in found["outputs"]["v"]["values"]],
                             [near.count(edge) for edge in edges])

    def test_a_date_that_means_missing(self):
        rows = [(datetime.date(1900, 1, 1), EPOCH, 1), (EPOCH, EPOCH, 2), (EPOCH, EPOCH, 3)]
        path = self.write("a.csv", rows, "%d.%m.%Y")
        options = ["--data", path, "--delimiter", ";", "--type", "came=date(%d.%m.%Y)", "--na", "01.01.1900"]
        done = run("local", *options, "--json", "--", "n=count(came)", "m=sum(came < '1950-01-01')")
        self.assertEqual([output["exact"] for output in json.loads(done.stdout)["outputs"].values()], ["2", "0"])
        for asked in (["--", "sum(came == '1900-01-01')"], ["--by", "came in ('1900-01-01')", "--", "count(x)"]):
            done = run("local", *options, *asked, check=False)
            self.assertEqual(done.returncode, 1, asked)
            self.assertIn("written 01.01.1900", done.stderr)
        run("local", *options, "--na", "3", "--by", "month(came) in (1, 3)", "--", "count(x)")

    def test_a_date_that_is_none(self):
        path = self.write("a.csv", [(EPOCH, EPOCH, 1)] * 3, "%Y-%m-%d")
        text = pathlib.Path(path).read_text() + "2023-02-29;2023-03-01;2\n"
        pathlib.Path(path).write_text(text)
        done = run("local", "--data", path, "--delimiter", ";", "--", "mean(came)", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("column a.came is string", done.stderr)
        done = run("describe", path, "--delimiter", ";", "--type", "came=date", check=False)
        self.assertIn("a.csv:5: column \"came\": expected date", done.stderr)
        for wrong in ("date()", "date(%d)", "date(%d.%m.%Y", "date(%H)", "dates", "date(%d%d.%m.%Y)"):
            done = run("describe", path, "--type", f"came={wrong}", check=False)
            self.assertEqual(done.returncode, 1, wrong)
            self.assertIn("date(%d.%m.%Y)", done.stderr)

    def test_a_column_that_nobody_has(self):
        for name in ("a.csv", "b.csv", "c.csv"):
            (pathlib.Path(self.folder.name) / name).write_text("came,x\n,1\n,2\n")
        asked = ["count(clip(came, '2019-01-01', '2020-01-01'))", "sum(came > '2019-01-01')", "n=count(x)"]
        outputs = self.simulated(*asked)["outputs"]
        self.assertEqual([output["value"] for output in outputs.values()], [0, 0, 6])
        groups = self.simulated("n=count(x)", options=["--by", "hist(came, '2019-01-01', '2020-01-01')"])
        self.assertEqual([value["value"] for value in groups["outputs"]["n"]["values"]], [0])

    def test_guarded_intervals_end_at_the_last_dates(self):
        """Sentinels are in cells that reach beyond all dates."""
        for sentinel, side in (("9999-12-31", 1), ("0001-01-01", 0)):
            for name in ("a.csv", "b.csv", "c.csv"):
                rows = [sentinel] * 12 + [f"2020-01-{1 + i % 28:02d}" for i in range(8)]
                (pathlib.Path(self.folder.name) / name).write_text("\n".join(["came", *rows, ""]))
            median = self.simulated("m=median(came)", options=["--policy", "safe"])["outputs"]["m"]
            ends = [datetime.date.fromisoformat(median[end][:10]) for end in ("low", "high")]
            self.assertEqual(ends[side].isoformat(), sentinel, median)

    def simulated(self, *asked, options=()):
        files = ["a.csv", "b.csv", "c.csv"]
        done = run("simulate", *files, *options, "--json", "--", *asked, cwd=self.folder.name)
        return json.loads(done.stdout)


if __name__ == "__main__":
    unittest.main()
