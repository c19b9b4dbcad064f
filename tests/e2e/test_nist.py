# SPDX-License-Identifier: Apache-2.0
"""NIST's Statistical Reference Datasets: every certified digit, from CSV, split over three parties.

Observed sets are read where a copy lies beside the project (SOTTO_TEST_NIST); constructed ones are
made from their definitions (https://www.itl.nist.gov/div898/strd/)."""

import decimal
import fractions
import json
import math
import os
import pathlib
import tempfile
import unittest

import support

NIST = pathlib.Path(os.environ.get("SOTTO_TEST_NIST", "/nonexistent"))
decimal.getcontext().prec = 60


def simulate(rows, header, *outputs, options=()):
    """The results over three parties; the first row goes to the first one, the next to the third."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for party in range(3):
            file = pathlib.Path(folder) / f"{party}.csv"
            mine = [row for i, row in enumerate(rows) if i * 7 % 3 == party]
            file.write_text("\n".join([header, *mine]) + "\n")
            files.append(str(file))
        return json.loads(
            support.run("simulate", "--json", *options, *files, "--", *outputs).stdout)


def quotient(fraction):
    return decimal.Decimal(fraction.numerator) / fraction.denominator


def interval(value):
    """What the value is, or (from a rounded double) where it lies."""
    if "exact" in value:
        exactly = quotient(fractions.Fraction(value["exact"]))
        return exactly, exactly
    half = decimal.Decimal(math.ulp(value["value"])) / 2
    return decimal.Decimal(value["value"]) - half, decimal.Decimal(value["value"]) + half


class Nist(unittest.TestCase):
    def same_digits(self, found, certified):
        """What lies in found, rounded to as many digits as certified has, can be certified."""
        wanted = decimal.Decimal(certified)
        unit = decimal.Decimal(1).scaleb(wanted.as_tuple().exponent)
        low, high = found
        if wanted == 0:
            self.assertEqual((low, high), (0, 0))
        self.assertTrue(low <= wanted + unit / 2 and high >= wanted - unit / 2,
                        f"{low} to {high} against {certified}")

    def regression(self, rows, header, output, certified, residual_sd, r2, f=None):
        fields = simulate(rows, header, f"fit={output}")["outputs"]["fit"]["fields"]
        for i, (estimate, deviation) in enumerate(certified):
            self.same_digits(interval(fields["coefficients"]["values"][i]), estimate)
            self.same_digits(interval(fields["standard_errors"]["values"][i]), deviation)
        self.same_digits(interval(fields["residual_sd"]), residual_sd)
        self.same_digits(interval(fields["r2"]), r2)
        if f is not None:
            self.same_digits(interval(fields["f"]), f)

    def observed(self, name):
        path = NIST / name
        if not path.exists():
            self.skipTest(f"SKIPPED: there is no {name} beside the project")
        lines = path.read_text().splitlines()
        data = next(i for i, line in enumerate(lines)
                    if line.startswith("Data:") and line.split()[1:2] in (["y"], ["Y"]))
        return [",".join(line.split()) for line in lines[data + 1:] if line.strip()]

    def test_norris(self):
        self.regression(self.observed("Norris.dat"), "y,x", "ols(y, x)",
                        [("-0.262323073774029", "0.232818234301152"),
                         ("1.00211681802045", "0.429796848199937E-03")],
                        "0.884796396144373", "0.999993745883712", "5436385.54079785")

    def test_longley(self):
        self.regression(self.observed("Longley.dat"), "y,x1,x2,x3,x4,x5,x6",
                        "ols(y, [x1, x2, x3, x4, x5, x6])",
                        [("-3482258.63459582", "890420.383607373"),
                         ("15.0618722713733", "84.9149257747669"),
                         ("-0.358191792925910E-01", "0.334910077722432E-01"),
                         ("-2.02022980381683", "0.488399681651699"),
                         ("-1.03322686717359", "0.214274163161675"),
                         ("-0.511041056535807E-01", "0.226073200069370"),
                         ("1829.15146461355", "455.478499142212")],
                        "304.854073561965", "0.995479004577296", "330.285339234588")

    WAMPLER = "ols(y, x, x**2, x**3, x**4, x**5)"

    def wampler(self, ys, certified, residual_sd, r2, f=None):
        self.regression([f"{x},{y}" for x, y in enumerate(ys)], "x,y", self.WAMPLER, certified,
                        residual_sd, r2, f)

    def test_wampler_polynomials(self):
        ones = [sum(x ** i for i in range(6)) for x in range(21)]
        tenths = [sum(fractions.Fraction(x ** i, 10 ** i) for i in range(6)) for x in range(21)]
        self.wampler(ones, [("1", "0")] * 6, "0", "1")
        self.wampler([f"{decimal.Decimal(y.numerator) / y.denominator:f}" for y in tenths],
                     [(f"1E-{i}", "0") for i in range(6)], "0", "1")

    def test_wampler_noise(self):
        delta = [759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048, 2048, -2048, 1838,
                 -2048, 2048, -2048, 2523, -2048, 2048, -2048, 759]
        deviations = ["2152.32624678170", "2363.55173469681", "779.343524331583",
                      "101.475507550350", "5.64566512170752", "0.112324854679312"]
        for times, residual_sd, r2, f in [
                (0, "2360.14502379268", "0.999995559025820", "675524.458240122"),
                (2, "236014.502379268", "0.957478440825662", "67.5524458240122"),
                (4, "23601450.2379268", "0.224668921574940E-02", "0.675524458240122E-02")]:
            ys = [sum(x ** i for i in range(6)) + 10 ** times * delta[x] for x in range(21)]
            certified = [("1", decimal.Decimal(one).scaleb(times)) for one in deviations]
            self.wampler(ys, certified, residual_sd, r2, f)

    def anova(self, groups, certified):
        """groups: lists of values as text. certified: SS between, SS within, F, R2, residual sd."""
        rows = [f"g{i},{value}" for i, values in enumerate(groups) for value in values]
        levels = ", ".join(f'"g{i}"' for i in range(len(groups)))
        outputs = simulate(rows, "g,y", "n=count(y)", "m=mean(y)", "v=var(y)",
                           options=["--by", f"g in ({levels})"])["outputs"]
        n, m, v = ([fractions.Fraction(one["exact"]) for one in outputs[name]["values"]]
                   for name in ("n", "m", "v"))
        mean = sum(map(lambda a, b: a * b, n, m)) / sum(n)
        between = sum(count * (of - mean) ** 2 for count, of in zip(n, m))
        within = sum(var * (count - 1) for var, count in zip(v, n))
        freedom = sum(n) - len(groups)
        found = [between, within, between / (len(groups) - 1) / (within / freedom),
                 between / (between + within)]
        for value, wanted in zip(found, certified):
            self.same_digits((quotient(value),) * 2, wanted)
        self.same_digits((quotient(within / freedom).sqrt(),) * 2, certified[4])

    def test_atomic_weight_of_silver(self):
        rows = self.observed_anova("AtmWtAgt.dat")
        self.anova([[row[0] for row in rows], [row[1] for row in rows]],
                   ["3.63834187500000E-09", "1.04951729166667E-08", "1.59467335677930E+01",
                    "2.57426544538321E-01", "1.51048314446410E-05"])

    def observed_anova(self, name):
        path = NIST / name
        if not path.exists():
            self.skipTest(f"SKIPPED: there is no {name} beside the project")
        return [line.split() for line in path.read_text().splitlines()[60:] if line.strip()]

    def test_simon_lesage(self):
        certified = {
            21: ["1.68", "1.80", "2.1E1", "4.82758620689655E-01", "1.0E-01"],
            201: ["1.60800000000000E+01", "1.80000000000000E+01", "2.01000000000000E+02",
                  "4.71830985915493E-01", "1.00000000000000E-01"],
            2001: ["1.60080000000000E+02", "1.80000000000000E+02", "2.00100000000000E+03",
                   "4.70712773465067E-01", "1.00000000000000E-01"]}
        for offset in ("", "1000000", "1000000000000"):
            for replicates, wanted in certified.items():
                groups = []
                for treatment in range(9):
                    centre = 4 if treatment == 0 else 3 if treatment % 2 == 1 else 5
                    tenths = [centre] + [centre - 1, centre + 1] * (replicates // 2)
                    whole = str(int(offset or 0) + 1)
                    groups.append([f"{whole}.{tenth}" for tenth in tenths])
                self.anova(groups, wanted)

    def test_polynomial_of_degree_10_of_one_decimal_column(self):
        """A design like Filip's, whose coefficients are known: nothing is lost in x ** 10."""
        xs = [decimal.Decimal(-8882 + 71 * i).scaleb(-3) + decimal.Decimal(i).scaleb(-9)
              for i in range(82)]
        coefficients = [decimal.Decimal(one) for one in
                        "-1467.25 -2772.5 -2316.375 -1127.75 -354.5 -75.125 -10.875 -1.0625 -0.0675 "
                        "-0.00246 -0.0000403".split()]
        powers = ", ".join(["x"] + [f"x**{i}" for i in range(2, 11)])
        signal = ["+".join(f"({c})*x**{i}" for i, c in enumerate(coefficients) if i > 0)]
        fields = simulate([f"{x:f},0" for x in xs], "x,y",
                          f"fit=ols(y + {signal[0]} + ({coefficients[0]}), {powers})")[
                              "outputs"]["fit"]["fields"]
        self.assertEqual([decimal.Decimal(one["exact"])
                          for one in fields["coefficients"]["values"]], coefficients)
        self.assertEqual(fields["residual_sd"]["exact"], "0")
        self.assertEqual(fields["r2"]["exact"], "1")


if __name__ == "__main__":
    unittest.main()
