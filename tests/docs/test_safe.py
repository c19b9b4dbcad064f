# SPDX-License-Identifier: Apache-2.0
"""What the documents ask, under profile safe, of parties with 200 rows each.

Each plan of a console block runs by --policy safe. It passes, or is one that the grammar leaves to
an owner who decides by hand; no rule on rows may refuse what a document shows. And --policy itself.
"""

import csv
import datetime
import json
import pathlib
import random
import tempfile
import unittest

from test_examples import arguments_of, blocks_of, run, split_session

DOCUMENTS = ["README.md", "engine/PLAN.md"]
DEPTS = ["R&D", "Sales", "HR"]


def write_rows(path, rng):
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["name", "dept", "wage", "age", "part_time", "joined", "came", "left", "login", "opened",
                       "closed"])
        for i in range(200):
            came = datetime.date(2019, 12, 1) + datetime.timedelta(rng.randrange(150))
            rows.writerow([f"p{i}", rng.choice(DEPTS), f"{rng.uniform(2500, 9000):.2f}", rng.randint(18, 66),
                           rng.choice(["true", "false", "false"]), came - datetime.timedelta(rng.randrange(3000)),
                           came, came + datetime.timedelta(rng.randrange(20)),
                           *(f"{came} {hour:02d}:{rng.randrange(60):02d}" for hour in (7, 8, 9))])


class Safe(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-safe-")
        self.addCleanup(self.folder.cleanup)
        rng = random.Random(7)
        self.files = [f"{name}.csv" for name in "abc"]
        for name in self.files:
            write_rows(pathlib.Path(self.folder.name) / name, rng)

    def simulate(self, *arguments, policy="safe"):
        return run(["simulate", *self.files, "--policy", policy, "--json", *arguments], self.folder.name)

    def refused(self, *arguments, policy="safe"):
        done = self.simulate(*arguments, policy=policy)
        self.assertEqual(done.returncode, 1, (arguments, done.stdout))
        return json.loads(done.stdout)["refused"]

    def commands(self):
        """The arguments after the files of each sotto local and sotto simulate that gives an answer."""
        for name in DOCUMENTS:
            for kind, _, text in blocks_of(name):
                for line, printed in split_session(text) if kind == "console" else []:
                    arguments = arguments_of(line)
                    if arguments[0] not in ("local", "simulate") or "--" not in arguments or "sotto: " in printed:
                        continue
                    at = arguments.index("--")
                    options = ("--where", "--by", "--define")
                    kept = [word for i, word in enumerate(arguments[1:at], 1)
                            if word in options or arguments[i - 1] in options]
                    yield [*kept, *arguments[at:]]

    def test_what_documents_ask(self):
        passed = left = 0
        for arguments in self.commands():
            with self.subTest(arguments=arguments):
                done = self.simulate(*arguments)
                if done.returncode == 0:
                    passed += 1
                    self.assertEqual(json.loads(done.stdout)["rules"],
                                     [{"profile": "safe", "min_rows": 10, "dominance": 10, "parties": 3}])
                    continue
                self.assertIn("refused", done.stdout, done.stderr)
                self.assertEqual(json.loads(done.stdout)["refused"]["rule"], "grammar", done.stderr)
                left += 1
        self.assertGreater(passed, 8)
        self.assertGreater(left, 3)

    def test_each_rule_has_its_code(self):
        for rule, arguments in {
            "grammar": ["--", "sum(wage // 2)"],
            # Bins would cut the cells that a median counts.
            "ledger": ["--", "median(wage)", "hist(wage, 0, 5000, 9000)"],
            "rows": ["--where", "name == 'p17'", "--", "mean(wage)"],
            "presence": ["--", "corr([wage, age])"],
            "hidden": ["--", "mean(age)"],
            "dominance": ["--", "sum(wage)"],
        }.items():
            if rule == "presence":
                self.replace("a.csv", 3, lambda i: "" if i == 12 else str(20 + i % 40))
            if rule == "hidden":
                self.replace("a.csv", 3, lambda i: "44" if i != 12 else "45")
            if rule == "dominance":
                self.replace("a.csv", 2, lambda i: "100000000.00" if i == 12 else f"{3000 + i}.00")
            refused = self.refused(*arguments)
            self.assertEqual(refused["rule"], rule, refused)

    def test_two_conditions(self):
        """Each set is large, and their overlap is not: nobody can make its count of theirs."""
        both = ["--", "count(if(age > 62, wage, na))", "count(if(part_time, wage, na))"]
        self.assertEqual(self.simulate(*both).returncode, 0)
        joined = self.refused(*both, "count(if(age > 62 or part_time, wage, na))")
        self.assertEqual(joined["rule"], "rows")

    def replace(self, name, column, value_of):
        path = pathlib.Path(self.folder.name) / name
        with path.open(newline="") as file:
            rows = list(csv.reader(file))
        for i, row in enumerate(rows[1:]):
            row[column] = value_of(i)
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)

    def test_policies(self):
        few = ["--where", "name == 'p17'", "--", "mean(wage)"]
        self.assertEqual(self.simulate(*few, policy="open").returncode, 0)
        wrong = self.simulate(*few, policy="strict")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("--policy: expected safe, open or a node.yaml", wrong.stderr)
        node = pathlib.Path(self.folder.name) / "node.yaml"
        node.write_text("name: a\nstate_dir: state\nidentity: node.key\npolicy:\n  profile: open\n  min_rows: 30\n")
        self.assertEqual(self.refused(*few, policy="node.yaml")["rule"], "rows")
        self.assertEqual(self.simulate("--", "sum(wage // 2)", policy="node.yaml").returncode, 0)
        local = run(["local", "--data", "a.csv", "--policy", "safe", "--json", *few], self.folder.name)
        self.assertEqual(json.loads(local.stdout)["refused"]["rule"], "rows")
        counts = run(["local", "--data", "a.csv", "--policy", "safe", "--json", "--by", "dept in ('HR', 'none')",
                      "--", "mean(wage)"], self.folder.name)
        self.assertEqual(json.loads(counts.stdout)["groups"]["withheld"], [0, 1])


if __name__ == "__main__":
    unittest.main()
