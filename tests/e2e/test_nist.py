# SPDX-License-Identifier: Apache-2.0
"""NIST's Statistical Reference Datasets: every certified digit, from CSV, split over three parties.

Sets and certified values are read from NIST's files (tests/vectors/nist); large generated sets are
made from their definitions (https://www.itl.nist.gov/div898/strd/)."""

import decimal
import fractions
import json
import math
import pathlib
import re
import tempfile
import unittest

import support

NIST = pathlib.Path(__file__).resolve().parent.parent / "vectors" / "nist"
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


def read(name):
    return (NIST / f"{name}.dat").read_text().splitlines()


def data(lines, title):
    """The rows after the line with the columns' titles, of which the first is given."""
    start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["Data:", title])
    return [line.split() for line in lines[start + 1:] if line.strip(" -")]


class Nist(unittest.TestCase):
    def same_digits(self, found, certified):
        """What lies in found, rounded to as many digits as certified has (NIST certifies 15), can be
        certified."""
        wanted = decimal.Context(prec=15).create_decimal(certified)
        unit = decimal.Decimal(1).scaleb(wanted.as_tuple().exponent)
        low, high = found
        if wanted == 0:
            self.assertEqual((low, high), (0, 0))
        self.assertTrue(low <= wanted + unit / 2 and high >= wanted - unit / 2,
                        f"{low} to {high} against {certified}")

    def regression(self, name):
        lines = read(name)
        parameters = [line.split()[1:3] for line in lines if re.match(r" +B\d+ +[-\d.]", line)]
        residual_sd = next(line for line in lines if re.match(r" *Standard Deviation +[\d.]", line))
        r2 = next(line for line in lines if line.split()[:1] == ["R-Squared"])
        f = next(line for line in lines if re.match(r"Regression +\d", line)).split()[-1]
        table = data(lines, "y")
        columns = len(table[0]) - 1
        degree = len(parameters) - 1
        if columns > 1:
            names = [f"x{i}" for i in range(1, columns + 1)]
            regressors = ", ".join(names)
        elif name.startswith("NoInt"):
            names, regressors = ["x"], "x, intercept=0"
        else:
            names = ["x"]
            regressors = ", ".join(["x"] + [f"x**{i}" for i in range(2, degree + 1)])
        fields = simulate([",".join(row) for row in table], ",".join(["y", *names]),
                          f"fit=ols(y, {regressors})")["outputs"]["fit"]["fields"]
        self.assertEqual(len(fields["coefficients"]["values"]), len(parameters))
        for i, (estimate, deviation) in enumerate(parameters):
            self.same_digits(interval(fields["coefficients"]["values"][i]), estimate)
            self.same_digits(interval(fields["standard_errors"]["values"][i]), deviation)
        self.same_digits(interval(fields["residual_sd"]), residual_sd.split()[-1])
        self.same_digits(interval(fields["r2"]), r2.split()[-1])
        if f != "Infinity":
            self.same_digits(interval(fields["f"]), f)

    def test_regressions(self):
        for name in ("Filip", "Longley", "NoInt1", "NoInt2", "Norris", "Pontius", "Wampler1",
                     "Wampler2", "Wampler3", "Wampler4", "Wampler5"):
            with self.subTest(name):
                self.regression(name)

    def test_univariate(self):
        for name in ("Lew", "Lottery", "Mavro", "Michelso", "NumAcc1", "NumAcc2", "NumAcc3",
                     "NumAcc4"):
            with self.subTest(name):
                lines = read(name)
                mean, deviation = (
                    next(line for line in lines if line.startswith(title)).split(":")[1].split()[0]
                    for title in ("Sample Mean", "Sample Standard Deviation"))
                outputs = simulate([row[0] for row in data(lines, "Y")], "y", "m=mean(y)",
                                   "s=std(y)")["outputs"]
                self.same_digits(interval(outputs["m"]), mean)
                self.same_digits(interval(outputs["s"]), deviation)

    def anova(self, groups, certified):
        """groups: lists of values as text. certified: SS between, SS within, F, R2, residual sd."""
        rows = [f"g{i},{value}" for i, values in enumerate(groups) for value in values]
        levels = ", ".join(f'"g{i}"' for i in range(len(groups)))
        fields = simulate(rows, "g,y", f"r=anova(y, g in ({levels}))")["outputs"]["r"]["fields"]
        found = ["ss_between", "ss_within", "f", "eta_squared", "residual_sd"]
        for name, wanted in zip(found, certified, strict=True):
            self.same_digits(interval(fields[name]), wanted)
        self.assertEqual(fields["df_between"]["value"], len(groups) - 1)
        self.assertEqual(fields["df_within"]["value"], len(rows) - len(groups))

    def test_analyses_of_variance(self):
        for name in ("AtmWtAgt", "SiRstvt", "SmLs01t", "SmLs02t", "SmLs04t", "SmLs05t", "SmLs07t",
                     "SmLs08t"):
            with self.subTest(name):
                lines = read(name)
                between = next(line for line in lines if line.startswith("Between")).split()
                within = next(line for line in lines if line.startswith("Within")).split()
                r2 = next(line for line in lines if "Certified R-Squared" in line).split()[-1]
                deviation = next(line for line in lines
                                 if re.match(r" +Standard Deviation +\d", line)).split()[-1]
                groups = [list(column) for column in zip(*(line.split() for line in lines[60:]
                                                           if line.strip()))]
                self.anova(groups, [between[-3], within[-2], between[-1], r2, deviation])

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
