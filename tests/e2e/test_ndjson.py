# SPDX-License-Identifier: Apache-2.0
"""Random rows as JSON lines through the command line, against Python's json with exact decimals: of
one file and of three parties, and the same rows as CSV. SOTTO_CASES scales how many tables."""

import gzip
import json
import pathlib
import random
import sys
import tempfile
import unittest
from decimal import Decimal
from fractions import Fraction

from support import ClusterCase, plan, run

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from cases import cases  # noqa: E402

NAMES = ["n", "x", "s", "ok"]
WORDS = ["", "a", "NA", "12", "true", "é\U0001f600", 'q"\\/\n', "2020-13-01", "\u2028", "null"]


def random_row(rng):
    number = rng.choice([str(rng.randrange(-10**18, 10**18)), f"{rng.randrange(-10**9, 10**9)}.{rng.randrange(1000):03d}"])
    row = {"n": str(rng.randrange(-2**63, 2**63)), "x": number, "s": json.dumps(rng.choice(WORDS), ensure_ascii=rng.random() < 0.5),
           "ok": rng.choice(["true", "false"])}
    return {name: rng.choice([value, value, value, "null"]) for name, value in row.items() if rng.random() < 0.9}


def line_of(rng, row):
    blank = rng.choice(["", " ", "\t "])
    members = [f'{blank}"{name}"{blank}:{blank}{value}' for name, value in sorted(row.items(), key=lambda _: rng.random())]
    if rng.random() < 0.3:
        members.append('"more": {"x": [1, null, "]"]}')
    return f"{blank}{{{','.join(members)}{blank}}}"


class JsonLines(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-ndjson-")
        self.addCleanup(self.folder.cleanup)

    def write(self, name, rows, rng):
        path = pathlib.Path(self.folder.name, name)
        text = rng.choice(["\n", "\r\n", "\n\n"]).join(line_of(rng, row) for row in rows)
        path.write_bytes((gzip.compress if name.endswith(".gz") else bytes)(text.encode()))
        return str(path)

    def test_values_as_python_reads_them(self):
        rng = random.Random(3)
        everything = dict(zip(NAMES, ["1", "0.5", '"a"', "true"]))
        for case in range(cases(8)):
            files = [[everything, *(random_row(rng) for _ in range(rng.randrange(20)))] for _ in range(3)]
            rows = sum(files, [])
            known = [json.loads(line_of(rng, row), parse_float=Decimal) for row in rows]
            of = {name: [row[name] for row in known if row.get(name) is not None] for name in NAMES}
            word = rng.choice(of["s"])
            outputs = {
                "count(n)": len(of["n"]), "sum(n)": sum(of["n"]), "sum(x)": sum(map(Fraction, of["x"])),
                "sum(n * n)": sum(n * n for n in of["n"]), "sum(ok)": sum(of["ok"]),
                "missing(s)": len(rows) - len(of["s"]),
                f"sum(s == '{word}')": of["s"].count(word),
            }
            asked = [f"o{i}={output}" for i, output in enumerate(outputs)]
            ending = rng.choice([".ndjson", ".jsonl", ".ndjson.gz"])
            path = self.write(f"all{ending}", rows, rng)
            pooled = json.loads(run("local", "--data", path, "--json", "--", *asked).stdout)["outputs"]
            paths = [self.write(f"{name}{ending}", file, rng) for name, file in zip("abc", files)]
            parts = json.loads(run("simulate", *paths, "--json", "--", *asked).stdout)["outputs"]
            self.assertEqual(pooled, parts)
            for i, (output, number) in enumerate(outputs.items()):
                self.assertEqual(Fraction(pooled[f"o{i}"]["exact"]), Fraction(number), (case, output, rows))

    def test_describe_and_format(self):
        path = pathlib.Path(self.folder.name, "rows.txt")
        path.write_text('{"a": 1, "n": []}\n{"a": "x"}\n{"a": 3}\n{"a": 4}\n')
        found = json.loads(run("describe", str(path), "--format", "ndjson", "--json").stdout)
        self.assertEqual([(column["name"], column["type"], column.get("nested")) for column in found["columns"]],
                         [("a", "string", None), ("n", "null", True)])
        self.assertIn('rows.txt:2: column "a": expected a number, as in most rows, found "x"', found["columns"][0]["text_because"])
        done = run("local", "--data", str(path), "--format", "ndjson", "--", "count(n)", check=False)
        self.assertIn('column "n" holds lists or objects, which are not read', done.stderr)
        done = run("describe", str(path), "--format", "json", check=False)
        self.assertIn("expected csv or ndjson", done.stderr)
        done = run("describe", str(path), "--format", "ndjson", "--type", "a=int64", check=False)
        self.assertIn('rows.txt:2: column "a": expected int64 as configured, found "x"', done.stderr)


class Nodes(ClusterCase):
    def test_at_three_nodes(self):
        """With the same bits as CSV; a nested column that policy hides is as one that is not there."""
        rows = [[{"wage": 1000.25 * k + i, "tags": [i]} for i in range(20)] for k in range(1, 4)]
        cluster = self.cluster([{"rows.ndjson": "".join(json.dumps(row) + "\n" for row in part)} for part in rows], start=False)
        creator = cluster.nodes[0]
        cluster.start()
        cluster.wait_connected()
        files = {"wages": "rows.ndjson"}
        task = creator.create(plan({"m": "mean(wages.wage)", "n": "count(wages.wage)"}, files=files))
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        outputs = creator.result(task)["outputs"]
        wages = [Fraction(row["wage"]) for part in rows for row in part]
        self.assertEqual((Fraction(outputs["m"]["exact"]), outputs["n"]["value"]), (sum(wages) / 60, 60))
        for hide, said in (([], "holds lists or objects"), (["tags"], 'has no column "tags"')):
            creator.policy = {"columns": [{"dataset": "rows.ndjson", "hide": hide}]} if hide else {}
            creator.configure()
            creator.cli("reload")
            status, answer = creator.request("POST", "/v1/task", plan({"m": "count(wages.tags)"}, files=files))
            self.assertEqual((status, said in answer["detail"]), (400, True), answer)


if __name__ == "__main__":
    unittest.main()
