# SPDX-License-Identifier: Apache-2.0
"""Tests and tables under profile safe: three parties of 200 rows each answer them, and small cells
are withheld, each with a second one where a total would give it back."""

import json
import pathlib
import random
import tempfile
import unittest

import support

OUTPUTS = ["t=ttest(wage, dept in ('R&D', 'Sales'))", "a=anova(wage, dept in ('R&D', 'Sales', 'HR'))",
           "c=crosstab(dept in ('R&D', 'Sales', 'HR'), sex in ('f', 'm'))",
           "x=chi2(dept in ('R&D', 'Sales', 'HR'), sex in ('f', 'm'))",
           "w=anova_two(wage, dept in ('R&D', 'Sales', 'HR'), sex in ('f', 'm'))",
           "f=fisher(dept in ('R&D', 'Sales'), sex in ('f', 'm'))", "p=proportion(age > 40)",
           "r=pearson(wage, age)", "o=ttest_one(wage)", "d=ttest_paired(wage, age)", "v=var_ci(age)",
           "s=smd(age, sex in ('f', 'm'))", "b=binomial(age > 40, 0.5)"]


# An owner whose rules look at rows, and remember nothing: with more questions at once, or cells that
# two outputs count, a ledger asks for more rows than 200.
ROWS = """name: a
state_dir: state
identity: node.key
policy:
  profile: open
  min_rows: 10
  dominance: 10
"""


def draw(rng, few):
    """200 rows; few of HR's are men."""
    rows = []
    for i in range(200):
        dept = ("R&D", "Sales", "HR")[i % 3]
        sex = ("m" if few > 0 else "f") if dept == "HR" and few < 60 else rng.choice("fm")
        few -= dept == "HR"
        rows.append(f"{dept},{sex},{rng.gauss(4000, 500):.2f},{rng.randint(20, 64)}")
    return rows


class Tables(unittest.TestCase):
    def simulate(self, fews, *outputs, check=True, policy="safe", change=lambda i, row: row):
        rng = random.Random(17)
        parties = [[change(i, row) for i, row in enumerate(draw(rng, few))] for few in fews]
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for i, rows in enumerate(parties):
                files.append(str(pathlib.Path(folder) / f"{i}.csv"))
                pathlib.Path(files[-1]).write_text("\n".join(["dept,sex,wage,age", *rows]) + "\n")
            (pathlib.Path(folder) / "rows.yaml").write_text(ROWS)
            policy = str(pathlib.Path(folder) / policy) if policy == "rows.yaml" else policy
            done = support.run("simulate", "--policy", policy, "--json", *files, "--", *outputs,
                               check=check)
        return json.loads(done.stdout), [row.split(",") for rows in parties for row in rows]

    def counts(self, rows):
        return [[sum(row[:2] == [dept, sex] for row in rows) for sex in "fm"]
                for dept in ("R&D", "Sales", "HR")]

    def test_three_parties_answer(self):
        result, rows = self.simulate((99, 99, 99), *OUTPUTS, policy="rows.yaml")
        fields = {name: output["fields"] for name, output in result["outputs"].items()}
        self.assertEqual(result["warnings"], [])
        self.assertEqual([[one["value"] for one in row] for row in fields["c"]["counts"]["values"]],
                         self.counts(rows))
        self.assertEqual(fields["c"]["total"]["value"], 600)
        for name in "taxfprodvsb":
            self.assertIsNotNone(fields["w"]["p"]["values"][0]["value"])
            key = {"p": "proportion", "v": "variance", "s": "smd"}.get(name, "p")
            self.assertIsNotNone(fields[name][key]["value"], name)

    def test_small_cells_are_withheld(self):
        result, rows = self.simulate((3, 99, 99, 99), *OUTPUTS[2:4], policy="rows.yaml")
        table = result["outputs"]["c"]["fields"]
        shown = table["counts"]["values"]
        true = self.counts(rows)
        self.assertEqual(shown[2][1]["withheld"], 1)
        self.assertEqual(shown[2][1]["value"], true[2][1] - 3)
        withheld = [(i, j) for i in range(3) for j in range(2) if "withheld" in shown[i][j]]
        self.assertGreaterEqual(len(withheld), 2)  # of all rows less all others one would be known
        for i in range(3):
            for j in range(2):
                if (i, j) not in withheld:
                    self.assertEqual(shown[i][j]["value"], true[i][j])
        # What lacks a cell says so, and is the sum of what is shown.
        for i, total in enumerate(table["row_totals"]["values"]):
            self.assertEqual("withheld" in total, any(row == i for row, _ in withheld))
            self.assertEqual(total["value"], sum(one["value"] for one in shown[i]))
        self.assertEqual(table["total"]["withheld"], 1)
        self.assertEqual(result["outputs"]["x"]["status"], "cells are withheld")
        self.assertIsNone(result["outputs"]["x"]["fields"]["p"]["value"])

    def test_what_is_told_of_withheld_levels(self):
        """Levels and patterns are withheld as bins are: no mode among them, and an interval of how many
        occur."""
        levels = "'R&D', 'Sales', 'HR', 'IT'"
        result, rows = self.simulate((99, 99, 99), f"m=mode(dept, {levels})", f"n=nunique(dept, {levels})",
                                     "all=nunique(dept, 'R&D', 'Sales', 'HR')",
                                     "most=mode(sex, 'f', 'm')", f"v=value_counts(dept, {levels})")
        outputs = result["outputs"]
        self.assertEqual(outputs["m"]["fields"]["counts"]["values"], outputs["v"]["values"])
        self.assertEqual(outputs["m"]["status"], "levels are withheld")
        self.assertIsNone(outputs["m"]["fields"]["count"]["value"])
        shown = [one["value"] for one in outputs["v"]["values"] if one["value"] is not None]
        self.assertEqual(len(shown), 2)  # one of no rows, and a second one, or the rest would tell
        self.assertEqual([outputs["n"]["fields"]["nunique"][end] for end in ("low", "high")], [2, 4])
        women = sum(row[1] == "f" for row in rows)
        self.assertEqual(outputs["most"]["fields"]["count"]["value"], max(women, len(rows) - women))

    def test_patterns_of_few_rows_are_withheld(self):
        """Five rows of each party lack both: a second pattern goes with theirs, as how many rows there
        are would tell. Where missing(x) is asked beside it, too."""
        wages, ages = {*range(30, 35), *range(60, 90)}, {*range(30, 35), *range(100, 120)}

        def lack(i, row):
            dept, sex, wage, age = row.split(",")
            return ",".join([dept, sex, "" if i in wages else wage, "" if i in ages else age])

        asked = ["p=missing_patterns(wage, age)"]
        for outputs in (asked, [*asked, "m=missing([wage, age])"]):
            result, rows = self.simulate((99, 99, 99), *outputs, change=lack)
            fields = result["outputs"]["p"]["fields"]
            shown = [one["value"] for one in fields["patterns"]["values"]]
            true = [sum((row[2] == "", row[3] == "") == pattern for row in rows)
                    for pattern in ((False, False), (False, True), (True, False), (True, True))]
            self.assertEqual(true, [435, 60, 90, 15])
            self.assertIsNone(shown[3])
            self.assertGreaterEqual(shown.count(None), 2)
            for found, wanted in zip(shown, true, strict=True):
                self.assertIn(found, (None, wanted))
            self.assertEqual(fields["rows"]["withheld"], 3)

    def test_a_margin_gives_no_cell_back(self):
        """The count of a level from another output, less the cells that are shown, is no small
        cell either."""
        result, rows = self.simulate((3, 99, 99, 99), OUTPUTS[2], "n=value_counts(dept, 'R&D', 'Sales', 'HR')")
        shown = result["outputs"]["c"]["fields"]["counts"]["values"]
        margins = result["outputs"]["n"]["values"]
        for i, row in enumerate(shown):
            hidden = [one for one in row if "withheld" in one]
            if "withheld" not in margins[i] and hidden:
                self.assertGreaterEqual(margins[i]["value"] - sum(one["value"] or 0 for one in row), 10)

    def test_a_cell_that_too_few_parties_have_is_closed(self):
        """Two of three parties: each would know the other's. Nor do margins or counts tell it."""
        result, _ = self.simulate((3, 99, 99), OUTPUTS[2], "n=value_counts(dept, 'R&D', 'Sales', 'HR')")
        table = result["outputs"]["c"]["fields"]
        shown = table["counts"]["values"]
        self.assertEqual((shown[2][1]["value"], shown[2][1]["withheld"]), (None, 3))
        self.assertEqual(table["row_totals"]["values"][2]["withheld"], 3)
        self.assertGreaterEqual(sum("withheld" in one for row in shown for one in row), 2)
        margin = result["outputs"]["n"]["values"][2]
        self.assertTrue("withheld" in margin or "withheld" in shown[2][0])

    def test_what_safe_takes(self):
        """Differences in standard deviations, and a mean with weights; all else of weights is of a degree
        that owners decide about."""
        for output in ("s=smd(wage, sex in ('f', 'm'))", "b=binomial(sex == 'f', 0.5)",
                       "w=dot(wage, age) / sum(age)"):
            result, _ = self.simulate((99, 99, 99), output)
            self.assertEqual(result["warnings"], [])
        for call in ("weighted(wage, age, weights=frequency)",
                     "weighted_ttest(wage, sex in ('f', 'm'), age, weights=probability)"):
            done, _ = self.simulate((99, 99, 99), f"w={call}", check=False)
            self.assertEqual(done["refused"]["rule"], "grammar")
            self.assertIn("degree above 2", json.dumps(done["refused"]))

    def test_a_small_sample_is_refused(self):
        done, _ = self.simulate((3, 99, 99), "t=ttest(wage, dept in ('R&D', 'IT'))", check=False)
        self.assertEqual(done["refused"]["rule"], "rows")


class Nodes(support.ClusterCase):
    """Three nodes with the numbers that a policy has by default, and their ledgers."""

    def ask(self, creator, outputs, expected="FINISHED"):
        task = creator.create(support.plan(dict(one.split("=", 1) for one in outputs), wait=20))
        self.assertEqual(creator.wait_end(task), expected, creator.messages(task))
        return creator.result(task)["outputs"] if expected == "FINISHED" else creator.messages(task)

    def test_nodes_answer_and_remember(self):
        rng = random.Random(5)
        files = [{"wages.csv": "\n".join(["dept,sex,wage,age", *draw(rng, 99)]) + "\n"} for _ in range(3)]
        cluster = self.cluster(files, start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 10, "dominance": 10}
        cluster.start()
        cluster.wait_connected()
        creator = cluster.nodes[0]
        first = self.ask(creator, OUTPUTS[:4])
        self.assertEqual(self.ask(creator, OUTPUTS[:4]), first)
        self.assertEqual(first["c"]["fields"]["total"]["value"], 600)
        self.assertIsNotNone(first["t"]["fields"]["p"]["value"])
        # The counts of these levels were told, whatever is computed of them.
        most = self.ask(creator, ["n=nunique(sex, 'f', 'm')", "m=mode(sex, 'f', 'm')"])
        counts = self.ask(creator, ["v=value_counts(sex, 'f', 'm')"])["v"]["values"]
        self.assertEqual(most["m"]["fields"]["counts"]["values"], counts)
        patterns = self.ask(creator, ["p=missing_patterns(wage, age)"])
        self.assertEqual(self.ask(creator, ["p=missing_patterns(wage, age)"]), patterns)
        # Nobody has the level: a set that is too small, whatever else is asked.
        self.ask(creator, ["t=ttest(wage, dept in ('R&D', 'IT'))"], "ERROR")
        # A difference to the answer before, of few rows.
        self.ask(creator, ["t=ttest_one(if(age > 20, wage, na))"], "ERROR")


if __name__ == "__main__":
    unittest.main()
