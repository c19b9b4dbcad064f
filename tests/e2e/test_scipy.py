#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests and tables beside scipy and statsmodels, to their own accuracy.

It runs in build/venv, where ./dev test all installs them. Our side is `sotto simulate` over three
parties; theirs is the pooled rows.
"""

import csv
import json
import pathlib
import random
import tempfile
import unittest

import numpy as np
import pandas as pd
import support
from scipy import stats
from statsmodels.formula.api import ols, wls
from statsmodels.stats import proportion, weightstats
from statsmodels.stats.anova import anova_lm

# What they reach: their p-values have about 13 digits, and lose more where they cancel.
DIGITS = 1e-9


def draw(rng):
    """Rows of g, h, x, y: with ties, groups of other sizes, and missing values."""
    rows = []
    for _ in range(rng.choice([12, 60, 400])):
        g, h = rng.choice("aaabbc"), rng.choice("uvvw")
        x = round(rng.gauss(10 + "abc".index(g) * rng.random(), 3), rng.choice([0, 2]))
        y = round(x * rng.random() + rng.gauss(0, 2), 2)
        rows.append([g, h, x, None if rng.random() < 0.05 else y])
    return rows


class Scipy(unittest.TestCase):
    def ask(self, rows, *outputs):
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for party in range(3):
                files.append(str(pathlib.Path(folder) / f"{party}.csv"))
                with open(files[-1], "w", newline="") as out:
                    writer = csv.writer(out)
                    writer.writerow("ghxy")
                    writer.writerows(rows[party::3])
            got = json.loads(support.run("simulate", "--json", *files, "--", *outputs).stdout)
        return [one["fields"] for one in got["outputs"].values()]

    def near(self, field, wanted):
        found = field["value"]
        if found is None:
            self.assertTrue(np.isnan(wanted) or np.isinf(wanted), f"{field} against {wanted}")
        else:
            self.assertTrue(abs(found - wanted) <= DIGITS * max(abs(wanted), 1e-280),
                            f"{found} against {wanted}")

    def same(self, fields, **wanted):
        for name, value in wanted.items():
            with self.subTest(name):
                self.near(fields[name], value)

    def check_samples(self, rows):
        a, b, c = (np.array([row[2] for row in rows if row[0] == g]) for g in "abc")
        both = np.array([row[2:] for row in rows if row[3] is not None])
        every = np.array([row[2] for row in rows])
        welch, student, paired, one, anova, r, var = self.ask(
            rows, "welch=ttest(x, g in ('a', 'b'))",
            "student=ttest(x, g in ('a', 'b'), equal_var=1, level=90)", "paired=ttest_paired(x, y)",
            "one=ttest_one(x - 10.5)", "anova=anova(x, g in ('a', 'b', 'c'))", "r=pearson(x, y)",
            "var=var_ci(x, level=99)")
        for fields, equal, level in ((welch, False, 0.95), (student, True, 0.9)):
            wanted = stats.ttest_ind(a, b, equal_var=equal)
            low, high = wanted.confidence_interval(level)
            self.same(fields, t=wanted.statistic, p=wanted.pvalue, low=low, high=high)
            if fields["df"]["value"] is not None:  # of one value scipy says 1
                self.same(fields, df=wanted.df)
        compared = weightstats.CompareMeans(weightstats.DescrStatsW(a), weightstats.DescrStatsW(b))
        low, high = compared.tconfint_diff(usevar="unequal")
        self.same(welch, low=low, high=high)
        wanted = stats.ttest_rel(both[:, 0], both[:, 1])
        low, high = wanted.confidence_interval()
        self.same(paired, t=wanted.statistic, p=wanted.pvalue, df=wanted.df, low=low, high=high)
        wanted = stats.ttest_1samp(every, 10.5)
        self.same(one, t=wanted.statistic, p=wanted.pvalue, df=wanted.df)
        # Ours leaves out a sample without values, scipy has no answer then.
        wanted = stats.f_oneway(*(sample for sample in (a, b, c) if len(sample)))
        self.same(anova, f=wanted.statistic, p=wanted.pvalue)
        wanted = stats.pearsonr(both[:, 0], both[:, 1])
        low, high = wanted.confidence_interval()
        self.same(r, r=wanted.statistic, p=wanted.pvalue, low=low, high=high)
        squares = (len(every) - 1) * np.var(every, ddof=1)
        self.same(var, variance=np.var(every, ddof=1),
                  low=squares / stats.chi2.isf(0.005, len(every) - 1),
                  high=squares / stats.chi2.isf(0.995, len(every) - 1))

    def check_sides(self, rows):
        """Tests of one side, and the exact test of a share."""
        both = np.array([row[2:] for row in rows if row[3] is not None])
        small = np.array([[sum(row[0] == g and row[1] == h for row in rows) for h in "uv"] for g in "ab"])
        successes = sum(row[0] == "b" for row in rows)
        sides = ("two-sided", "less", "greater")
        found = self.ask(rows, *(
            one for side in ("two_sided", "less", "greater")
            for one in (f"r_{side}=pearson(x, y, level=90, alternative={side})",
                        f"b_{side}=binomial(g == 'b', 0.3, alternative={side})",
                        f"f_{side}=fisher(g in ('a', 'b'), h in ('u', 'v'), alternative={side})")))
        for at, side in enumerate(sides):
            r, share, fisher = found[3 * at:3 * at + 3]
            wanted = stats.pearsonr(both[:, 0], both[:, 1], alternative=side)
            low, high = wanted.confidence_interval(0.9)
            self.same(r, r=wanted.statistic, p=wanted.pvalue, low=low, high=high)
            wanted = stats.binomtest(successes, len(rows), 0.3, alternative=side)
            low, high = wanted.proportion_ci(method="wilson")
            self.same(share, p=wanted.pvalue, proportion=wanted.statistic, low=low, high=high)
            if 0 not in small.sum(0) and 0 not in small.sum(1):
                wanted = stats.fisher_exact(small, alternative=side)
                self.same(fisher, odds_ratio=wanted.statistic, p=wanted.pvalue)

    def check_weights(self, rows):
        """Frequencies as statsmodels has them; of probabilities its sandwich, with n / (n - 1), which
        is the variance of R's survey."""
        rows = [[g, h, x, None if y is None else abs(round(y)) + 1] for g, h, x, y in rows]
        frame = pd.DataFrame([row for row in rows if row[3] is not None], columns=list("ghxw"))
        one, two, drawn, drawn_two, smd, smd_binary = self.ask(
            rows, "a=weighted(x, y, weights=frequency, level=90)",
            "b=weighted_ttest(x, g in ('a', 'b'), y, weights=frequency)",
            "c=weighted(x, y, weights=probability)",
            "d=weighted_ttest(x, g in ('a', 'b'), y, weights=probability)",
            "e=smd(x, g in ('a', 'b'))", "f=smd(h == 'u', g in ('a', 'b'))")
        wanted = weightstats.DescrStatsW(frame.x, frame.w, ddof=1)
        t, p, df = wanted.ttest_mean()
        low, high = wanted.tconfint_mean(0.1)
        self.same(one, t=t, p=p, df=df, mean=wanted.mean, variance=wanted.var, std=wanted.std,
                  standard_error=weightstats.DescrStatsW(frame.x, frame.w).std_mean, low=low, high=high,
                  sum_weights=frame.w.sum())
        samples = [frame[frame.g == g] for g in "ab"]
        compared = weightstats.CompareMeans(*(weightstats.DescrStatsW(of.x, of.w) for of in samples))
        t, p, df = compared.ttest_ind(usevar="unequal")
        low, high = compared.tconfint_diff(usevar="unequal")
        self.same(two, t=t, p=p, df=df, low=low, high=high)
        fit = wls("x ~ 1", frame, weights=frame.w).fit(cov_type="HC0")
        n = len(frame)
        self.same(drawn, mean=fit.params.iloc[0], standard_error=fit.bse.iloc[0] * (n / (n - 1)) ** 0.5, df=n - 1)
        both = frame[frame.g.isin(["a", "b"])]
        fit = wls("x ~ g == 'a'", both, weights=both.w).fit(cov_type="HC0")
        n = len(both)
        self.same(drawn_two, difference=fit.params.iloc[1], df=n - 2,
                  standard_error=fit.bse.iloc[1] * (n / (n - 1)) ** 0.5)
        a, b = (np.array([row[2] for row in rows if row[0] == g]) for g in "ab")
        self.same(smd, smd=(a.mean() - b.mean()) / ((a.var(ddof=1) + b.var(ddof=1)) / 2) ** 0.5)
        a, b = (np.array([row[1] == "u" for row in rows if row[0] == g]) for g in "ab")
        if a.var() + b.var() > 0:
            self.same(smd_binary, smd=(a.mean() - b.mean()) / ((a.var() + b.var()) / 2) ** 0.5)

    def check_tables(self, rows):
        table = np.array([[sum(row[0] == g and row[1] == h for row in rows) for h in "uvw"]
                          for g in "abc"])
        small = table[:2, :2]
        chi2, plain, yates, fisher, share = self.ask(
            rows, "chi2=chi2(g in ('a', 'b', 'c'), h in ('u', 'v', 'w'))",
            "plain=chi2(g in ('a', 'b'), h in ('u', 'v'))",
            "yates=chi2(g in ('a', 'b'), h in ('u', 'v'), yates=1)",
            "fisher=fisher(g in ('a', 'b'), h in ('u', 'v'))", "share=proportion(g == 'b')")
        for fields, of, correction in ((chi2, table, False), (plain, small, False), (yates, small, True)):
            if 0 in of.sum(0) or 0 in of.sum(1):
                self.assertIsNone(fields["p"]["value"])
                continue
            wanted = stats.chi2_contingency(of, correction=correction)
            self.same(fields, chi2=wanted.statistic, p=wanted.pvalue, df=wanted.dof,
                      cramers_v=stats.contingency.association(of))
        if 0 not in small.sum(0) and 0 not in small.sum(1):
            wanted = stats.fisher_exact(small)
            self.same(fisher, odds_ratio=wanted.statistic, p=wanted.pvalue)
        successes = sum(row[0] == "b" for row in rows)
        low, high = proportion.proportion_confint(successes, len(rows), method="wilson")
        self.same(share, proportion=successes / len(rows), low=low, high=high)

    def test_random_rows(self):
        for seed in range(support.cases(6)):
            with self.subTest(seed):
                rows = draw(random.Random(seed))
                self.check_samples(rows)
                self.check_tables(rows)
                self.check_sides(rows)
                self.check_weights(rows)

    def test_two_ways(self):
        """statsmodels' type I, of cells of any size, and empty ones."""
        for seed in range(support.cases(5)):
            rng = random.Random(seed)
            rows = [row for row in draw(rng) + draw(rng) if seed != 1 or row[:2] != ["b", "v"]]
            (fields,) = self.ask(rows, "r=anova_two(x, g in ('a', 'b', 'c'), h in ('u', 'v', 'w'))")
            frame = pd.DataFrame(rows, columns=list("ghxy"))
            # Without an interaction the residual is another one: sums of squares are compared there.
            wanted = anova_lm(ols("x ~ C(g) + C(h)", frame).fit(), typ=1)
            with self.subTest(seed):
                for at, name in ((0, "C(g)"), (1, "C(h)")):
                    self.near(fields["ss"]["values"][at], wanted["sum_sq"][name])
                    self.near(fields["df"]["values"][at], wanted["df"][name])
                cells = frame.groupby(["g", "h"]).x
                residual = ((frame.x - cells.transform("mean")) ** 2).sum()
                freedom = len(frame) - cells.ngroups
                self.near(fields["df"]["values"][3], freedom)
                self.near(fields["ss"]["values"][3], residual)
                self.near(fields["df"]["values"][2], wanted["df"]["Residual"] - freedom)
                if cells.ngroups == 9:
                    whole = anova_lm(ols("x ~ C(g) * C(h)", frame).fit(), typ=1)
                    for column, name in (("sum_sq", "ss"), ("mean_sq", "ms"), ("F", "f"), ("PR(>F)", "p")):
                        for found, value in zip(fields[name]["values"][:3], whole[column], strict=False):
                            self.near(found, value)

    def test_descriptions(self):
        """pandas' describe, of numbers that are missing too."""
        rows = draw(random.Random(7))
        frame = pd.DataFrame(rows, columns=list("ghxy"))
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for party in range(3):
                files.append(str(pathlib.Path(folder) / f"{party}.csv"))
                frame.iloc[party::3].to_csv(files[-1], index=False)
            outputs = json.loads(support.run(
                "simulate", "--json", *files, "--", "d=describe([x, y], extremes=1)", "i=iqr(x)",
                "m=mad(y)", "n=missing([x, y])").stdout)["outputs"]
        wanted = frame.describe()
        self.assertEqual(outputs["d"]["labels"], [list(wanted.index), list(wanted.columns)])
        for found, row in zip(outputs["d"]["values"], wanted.to_numpy(), strict=True):
            for one, value in zip(found, row, strict=True):
                self.near(one, value)
        self.near(outputs["i"], stats.iqr(frame.x))
        self.near(outputs["m"], stats.median_abs_deviation(frame.y, nan_policy="omit"))
        self.assertEqual([one["value"] for one in outputs["n"]["values"]],
                         list(frame[["x", "y"]].isna().sum()))

    def test_fisher_of_many(self):
        """Tables far from what is expected, and wide ones."""
        for table in ([[1, 9], [11, 3]], [[0, 10], [7, 0]], [[3, 1], [1, 3]], [[40, 2], [4, 90]],
                      [[200, 10], [190, 200]], [[8, 2], [1, 5]]):
            rows = [[g, h, 1, 1] for i, g in enumerate("ab") for j, h in enumerate("uv")
                    for _ in range(table[i][j])]
            (fields,) = self.ask(rows, "r=fisher(g in ('a', 'b'), h in ('u', 'v'))")
            wanted = stats.fisher_exact(table)
            self.same(fields, odds_ratio=wanted.statistic, p=wanted.pvalue)


if __name__ == "__main__":
    unittest.main()
