# SPDX-License-Identifier: Apache-2.0
"""Honest work under profile safe: what analysts ask of companies and hospitals, each at parties that
have answered nothing before. What a ledger lets pass after other answers is in tests/unit/test_tally.c,
and all of it in any order in test_sequences.py."""

import json
import pathlib
import random
import tempfile
import unittest

from support import run


class Honest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sotto-honest-")
        self.addCleanup(self.folder.cleanup)
        self.rng = random.Random(11)

    def ask(self, row_of, *arguments, rows=200, parties=3, check=True):
        """The result over parties' files of rows that row_of(party, i) makes, as dicts."""
        files = []
        for party in range(parties):
            made = [row_of(party, i) for i in range(rows)]
            lines = [",".join(made[0]), *(",".join(map(str, row.values())) for row in made)]
            files.append(str(pathlib.Path(self.folder.name) / f"{party}.csv"))
            pathlib.Path(files[-1]).write_text("\n".join(lines) + "\n")
        done = run("simulate", "--policy", "safe", "--json", *files, *arguments, check=check)
        return json.loads(done.stdout)

    def values(self, result, output):
        return [one["value"] for one in result["outputs"][output]["values"]]

    def wages(self, party, i):
        return {"wage": self.rng.randint(2000, 6000), "age": self.rng.randint(20, 65),
                "flag": int(self.rng.random() < 0.3),
                "bonus": 0 if self.rng.random() < 0.8 else self.rng.randint(100, 2000)}

    def test_three_missing_of_sixty(self):
        def row(party, i):
            return {"a": "" if i in (3, 17, 40) else self.rng.randint(100, 999),
                    "b": "" if i in (5, 9, 33) else self.rng.randint(20, 65)}
        result = self.ask(row, "--", "n=count(a)", "m=mean(a)", "o=mean(b)", "s=std(a)", rows=60)
        self.assertEqual(result["outputs"]["n"]["value"], 3 * 57)
        self.ask(row, "--", "corr(a, b)", rows=60)
        # Over other rows for each column, three would be between the sums: the refusal says what helps.
        refused = self.ask(row, "--", "corr([a, b])", "mean(a)", rows=60, check=False)["refused"]
        self.assertEqual(refused["rule"], "presence")
        self.assertIn('"rows": "complete"', refused["text"])

    def test_a_flag_at_thirty_per_cent(self):
        self.ask(self.wages, "--", "mean(flag)", "sum(flag * wage)", "mean(wage)", "std(flag)")

    def test_whole_wages_in_a_regression(self):
        self.ask(self.wages, "--", "ols(wage, age, flag)")

    def test_a_bonus_of_mostly_zeros(self):
        self.ask(self.wages, "--", "mean(bonus)", "std(bonus)")

    def test_ten_bins(self):
        edges = ", ".join(str(edge) for edge in range(2000, 6001, 400))
        values = self.values(self.ask(self.wages, "--", f"h=hist(wage, {edges})"), "h")
        self.assertEqual((len(values), sum(values)), (10, 600))

    def test_a_rare_level_is_withheld(self):
        """With a second one, which the total would give back else: the same at all three."""
        def row(party, i):
            return {"level": "rare" if i < 4 else self.rng.choice("abc")}
        values = self.values(self.ask(row, "--", "v=value_counts(level, 'a', 'b', 'c', 'rare')"), "v")
        self.assertEqual([value is None for value in values], [False, False, True, True])

    def test_rare_events_at_one_of_five_sites(self):
        """Four events at one site, 25 at the others, which stand behind the sum of those."""
        def row(party, i):
            return {"event": int(i < (25 if party > 0 else 4))}
        result = self.ask(row, "--", "v=value_counts(event, 0, 1)", parties=5)
        self.assertEqual(self.values(result, "v")[1], 4 * 25)
        self.assertEqual(result["outputs"]["v"]["values"][1]["withheld"], 1)

    def test_forty_rows_on_each_side(self):
        def row(party, i):
            return {"age": 20 + i % 20 + 20 * (i < 40), "wage": self.rng.randint(2000, 6000)}
        result = self.ask(row, "--where", "age < 40", "--", "n=count(wage)", "mean(wage)", "std(wage)", rows=80)
        self.assertEqual(result["outputs"]["n"]["value"], 120)

    def test_sums_of_a_logistic_fit(self):
        def row(party, i):
            return {**{f"x{k}": round(self.rng.gauss(0, 1), 3) for k in range(10)},
                    "y": int(self.rng.random() < 0.4)}
        columns = [f"x{k}" for k in range(10)]
        self.ask(row, "--", "sum(y)", *(f"sum({x})" for x in columns), *(f"sum({x} * y)" for x in columns),
                 rows=300)

    def test_models(self):
        """Rare counts are a few sums of y away, which likelihood=0 leaves out."""
        def row(party, i):
            age, ward = self.rng.randint(20, 80), self.rng.choice("abc")
            return {"ill": int(self.rng.random() < 0.2 + age / 200), "age": age, "ward": ward,
                    "visits": int(self.rng.expovariate(1.4)),
                    "cost": round(self.rng.gammavariate(2, 50 + age), 2)}
        wards = "C(ward in ('a', 'b', 'c'))"
        result = self.ask(row, "--", f"m=glm(ill, age, {wards}, family=binomial)", rows=300)
        self.assertEqual(result["outputs"]["m"]["fields"]["count"]["value"], 900)
        self.ask(row, "--", f"ols(cost, age, {wards})", rows=300)
        self.ask(row, "--", f"glm(cost, age, {wards}, family=gamma)", rows=300)
        self.ask(row, "--", f"glm(visits, age, {wards}, family=poisson, likelihood=0)", rows=300)
        refused = self.ask(row, "--", "glm(visits, age, family=poisson)", rows=300, check=False)
        self.assertEqual(refused["refused"]["rule"], "hidden")

    def test_scores_of_models_with_many_columns(self):
        """Each is a sum of its own, however many columns have to be present: two models are 69 sums."""
        def row(party, i):
            return {"ill": int(self.rng.random() < 0.4), **{f"x{k}": round(self.rng.gauss(50, 9), 2) for k in range(10)}}
        columns = ", ".join(f"x{k}" for k in range(10))
        asked = ("--", f"a=glm(ill, {columns}, family=binomial)", f"b=glm(ill, {columns}, family=binomial, link=probit)")
        refused = self.ask(row, *asked, rows=208, check=False)  # a third of the rows are 68
        self.assertEqual(refused["refused"]["rule"], "budget")

    def test_std_of_heavy_tails(self):
        self.ask(lambda party, i: {"v": round(self.rng.lognormvariate(0, 1), 4)}, "--", "std(v)")


if __name__ == "__main__":
    unittest.main()
