#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generalised linear models: published numbers, solutions of 50 digits, and every named outcome."""

import csv
import decimal
import json
import pathlib
import random
import re
import sys
import tempfile
import unittest

import support

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import cases  # noqa: E402

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors" / "models"
Number = decimal.Decimal
ONE = Number(1)
ROOT_OF_TAU = Number("2.5066282746310005024157652848110452530069867406099383166299")
# What is not a family's own link, and how it is asked for.
LINKS = {"probit": "binomial, link=probit", "cloglog": "binomial, link=cloglog", "gamma log": "gamma, link=log"}

# Of prog explained by math and num_awards: General, then Vocational, against Academic.
LEVELS_COEFFICIENTS = [2.781637121544581, -0.05954036290249766, -1.0074767758974001,
                       6.331928027574691, -0.13315410654728754, -0.5530772013653994]
LEVELS_ERRORS = [1.2968325338592674, 0.025295189641821165, 0.36804538228664857,
                 1.3743558864611882, 0.028115062524252245, 0.3349284322304775]
LEVELS_LIKELIHOOD, LEVELS_NULL = -172.14812568873703, -204.09667423199568


def fields_of(files, output):
    command = ["local", "--json", "--data"] if len(files) == 1 else ["simulate", "--json"]
    got = json.loads(support.run(*command, *map(str, files), "--", f"f={output}").stdout)
    return got["outputs"]["f"]["fields"]


def values_of(field):
    return [value["value"] for value in field["values"]]


# --- A reference of 50 digits ---


def solve(matrix, right):
    """Gauss's elimination with the largest pivot, of several right sides."""
    k = len(matrix)
    rows = [list(matrix[i]) + list(right[i]) for i in range(k)]
    for i in range(k):
        pivot = max(range(i, k), key=lambda j: abs(rows[j][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(k):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i])]
    return [row[k:] for row in rows]


def log_factorial(n):
    return sum((Number(i).ln() for i in range(2, n + 1)), Number(0))


def normal_above(x):
    """P(Z > x) over the density at x, x above 0: a series of P(0 < Z < x), or a continued fraction."""
    if x > 6:
        ratio = x
        for i in range(400, 0, -1):
            ratio = x + i / ratio
        return 1 / ratio
    term, total, i = x, x, 1
    while term > Number(10) ** -60:
        i += 2
        term = term * x * x / i
        total += term
    return ROOT_OF_TAU / 2 * (x * x / 2).exp() - total


def normal(s):
    """log P(Z <= s), and its slope."""
    density, ratio = (-s * s / 2).exp() / ROOT_OF_TAU, normal_above(abs(s))
    share = density * ratio if s < 0 else 1 - density * ratio
    return share.ln(), density / share


def at_link(link, y, eta):
    if link == "gamma log":
        ratio = y * (-eta).exp()
        return ratio - 1, ratio, ratio.ln() - ratio, ONE
    if link == "probit":
        s = eta if y else -eta
        log, slope = normal(s)
        return slope if y else -slope, slope * (slope + s), log, slope * normal(-s)[1]
    mean = eta.exp()
    rest = (-mean).exp()
    slope = mean * rest / (1 - rest)
    expected = mean * slope
    return (slope, expected - slope * (1 - slope), (1 - rest).ln(), expected) if y else (-mean, mean, -mean, expected)


def at(family, y, eta):
    """Of one row: the score's factor, the weight, and the log-likelihood; of a link that is not the
    family's own the expected weight too."""
    if family in LINKS:
        return at_link(family, y, eta)
    if family == "binomial":
        mean = 1 / (1 + (-eta).exp())
        return y - mean, mean * (1 - mean), -(1 + (-eta if y else eta).exp()).ln()
    if family == "poisson":
        mean = eta.exp()
        return y - mean, mean, y * eta - mean - log_factorial(int(y))
    mean = 1 / eta
    return mean - y, mean * mean, (eta * y).ln() - eta * y


def fit(family, rows, ys, start):
    """Newton's steps from numbers that are near. Returns: coefficients, errors, the log-likelihood
    and the condition number of the scaled information."""
    beta = [Number(value) for value in start]
    k = len(beta)
    for _ in range(8):
        found = [at(family, y, sum(a * b for a, b in zip(x, beta))) for x, y in zip(rows, ys)]
        score = [sum(one[0] * x[i] for one, x in zip(found, rows)) for i in range(k)]
        info, expected = ([[sum(one[w] * x[i] * x[j] for one, x in zip(found, rows)) for j in range(k)]
                           for i in range(k)] for w in (1, -1 if family in LINKS else 1))
        unit = [[Number(i == j) for j in range(k)] for i in range(k)]
        inverse = solve(info, unit)
        step = [sum(a * b for a, b in zip(row, score)) for row in inverse]
        beta = [a + b for a, b in zip(beta, step)]
    scales = [info[i][i].sqrt() for i in range(k)]
    norms = [max(sum(abs(m[i][j] / (s(i) * s(j))) for i in range(k)) for j in range(k))
             for m, s in ((info, lambda i: scales[i]), (inverse, lambda i: 1 / scales[i]))]
    inverse = solve(expected, unit)
    return (beta, [inverse[i][i].sqrt() for i in range(k)], sum(one[2] for one in found), norms[0] * norms[1])


def fit_levels(rows, ys, start):
    """As fit, of a model of the levels 0, 1, ...; coefficients are equation after equation."""
    k, levels = len(rows[0]), len(start) // len(rows[0])
    beta = [Number(value) for value in start]
    for _ in range(6):
        size = k * levels
        score, info, likelihood = [Number(0)] * size, [[Number(0)] * size for _ in range(size)], Number(0)
        for x, y in zip(rows, ys):
            e = [ONE] + [sum(a * b for a, b in zip(x, beta[j * k:])).exp() for j in range(levels)]
            p = [value / sum(e) for value in e]
            likelihood += p[y].ln()
            for i in range(size):
                score[i] += ((y == i // k + 1) - p[i // k + 1]) * x[i % k]
                for j in range(size):
                    a, b = i // k + 1, j // k + 1
                    info[i][j] += (p[a] * (a == b) - p[a] * p[b]) * x[i % k] * x[j % k]
        inverse = solve(info, [[Number(i == j) for j in range(size)] for i in range(size)])
        beta = [a + sum(b * c for b, c in zip(row, score)) for a, row in zip(beta, inverse)]
    return beta, [inverse[i][i].sqrt() for i in range(size)], likelihood


def flat(field):
    return [value["value"] for row in field["values"] for value in row]


class Models(unittest.TestCase):
    def near(self, found, wanted, digits):
        for a, b in zip(found, wanted, strict=True):
            self.assertTrue(abs(a - b) <= digits * max(abs(b), 1e-300), f"{a} against {b}")

    def write(self, folder, header, rows):
        path = pathlib.Path(folder) / "rows.csv"
        with open(path, "w", newline="") as out:
            csv.writer(out).writerows([header.split(","), *rows])
        return path

    # --- Published numbers ---

    def test_spector(self):
        """Of statsmodels, its last digits by mpmath."""
        found = fields_of([VECTORS / "spector.csv"], "glm(grade, gpa, tuce, psi, family=binomial)")
        self.assertEqual(found["coefficients"]["labels"], [["const", "gpa", "tuce", "psi"]])
        self.near(values_of(found["coefficients"]),
                  [-13.021346858115667, 2.826112594889317, 0.095157661317909, 2.378687655093351], 1e-14)
        self.near([found["log_likelihood"]["value"]], [-12.889634222131415], 1e-15)
        self.assertEqual(found["df"]["value"], 28)

    def test_three_sites(self):
        """As R, vantage6's v6-glm-py and UCLA have them."""
        sites = [VECTORS / f"awards_{site}.csv" for site in "abc"]
        found = fields_of(sites, "glm(num_awards, C(prog in ('General', 'Academic', 'Vocational')), "
                                 "math, family=poisson)")
        self.assertEqual(found["coefficients"]["labels"],
                         [["const", "prog[Academic]", "prog[Vocational]", "math"]])
        self.near(values_of(found["coefficients"]), [-5.24712, 1.08386, 0.36981, 0.07015], 5e-5)
        self.near(values_of(found["standard_errors"]), [0.65845, 0.35825, 0.44107, 0.01060], 5e-4)
        self.near([found["deviance"]["value"], found["null_deviance"]["value"]],
                  [189.4496, 287.67223], 2e-7)
        self.near([found["aic"]["value"]], [373.5045], 1e-7)

    def test_clotting(self):
        """McCullagh and Nelder's gamma model, as R's help of glm prints it."""
        rows = zip([5, 10, 15, 20, 30, 40, 60, 80, 100], [118, 58, 42, 35, 27, 25, 21, 19, 18])
        with tempfile.TemporaryDirectory() as folder:
            found = fields_of([self.write(folder, "u,lot", rows)], "glm(lot, log(u), family=gamma)")
        self.near(values_of(found["coefficients"]), [-0.01655438, 0.01534311], 1e-6)
        self.near(values_of(found["standard_errors"]), [0.0009275466, 0.0004149596], 1e-5)
        self.near([found["dispersion"]["value"]], [0.002446059], 1e-5)
        self.near([found["deviance"]["value"], found["null_deviance"]["value"]],
                  [0.01672972, 3.512826], 1e-6)
        self.near([found["aic"]["value"]], [37.98992], 1e-6)

    def test_levels_at_three_sites(self):
        """As statsmodels' MNLogit has it of the 200 rows."""
        sites = [VECTORS / f"awards_{site}.csv" for site in "abc"]
        model = "mnlogit(prog in ('Academic', 'General', 'Vocational'), math, num_awards"
        found = fields_of(sites, model + ")")
        self.assertEqual(found["coefficients"]["labels"],
                         [["General", "Vocational"], ["const", "math", "num_awards"]])
        self.near(flat(found["coefficients"]), LEVELS_COEFFICIENTS, 1e-12)
        self.near(flat(found["standard_errors"]), LEVELS_ERRORS, 1e-11)
        self.near([found["log_likelihood"]["value"], found["null_deviance"]["value"] / -2],
                  [LEVELS_LIKELIHOOD, LEVELS_NULL], 1e-13)
        self.near([found["aic"]["value"]], [12 - 2 * LEVELS_LIKELIHOOD], 1e-13)
        self.assertEqual(found["df"]["value"], 194)
        there = ", ".join(map(repr, flat(found["coefficients"])))
        again = fields_of(sites, f"{model}, start=({there}))")
        self.assertLessEqual(again["iterations"]["value"], 1)
        self.near(flat(again["coefficients"]), flat(found["coefficients"]), 1e-13)

    def test_errors_and_weights_of_levels(self):
        """As statsmodels has HC0, its last digits apart, and weights as rows that stand there so often;
        HC0 of these by numpy."""
        sites = [VECTORS / f"awards_{site}.csv" for site in "abc"]
        model = "mnlogit(prog in ('Academic', 'General', 'Vocational'), math{})"
        errors = [1.2050436088227154, 0.02343142947425889, 0.3110829020703411,
                  1.4715279056511226, 0.0302209848151644, 0.3190141265620878]
        hc0, hc1 = (fields_of(sites, model.format(f", num_awards, cov={cov}")) for cov in ("hc0", "hc1"))
        self.near(flat(hc0["standard_errors"]), errors, 1e-13)
        self.near(flat(hc1["standard_errors"]), [error * (200 / 194) ** 0.5 for error in errors], 1e-13)
        self.near(flat(hc0["coefficients"]), LEVELS_COEFFICIENTS, 1e-12)
        weighted = fields_of(sites, model.format(", weights=num_awards + 1"))
        self.near(flat(weighted["coefficients"]), [4.977430614403232, -0.1155333858081105,
                                                   7.289260710129384, -0.1599571292204583], 1e-14)
        self.near(flat(weighted["standard_errors"]), [1.0497843338728605, 0.019714869566009395,
                                                      1.1019015603604931, 0.021519826052293994], 1e-13)
        self.near([weighted["log_likelihood"]["value"], weighted["null_deviance"]["value"] / -2],
                  [-243.2525736607354, -292.3484944876118], 1e-14)
        robust = fields_of(sites, model.format(", weights=num_awards + 1, cov=hc0"))
        self.near(flat(robust["standard_errors"]), [1.1560592535330452, 0.02158592008936378,
                                                    1.9294059680217361, 0.03922661547347225], 1e-13)
        for more in ("", ", cov=hc0", ", cov=hc1"):
            levels = fields_of([VECTORS / "spector.csv"], f"mnlogit(grade in (0, 1), gpa, weights=tuce{more})")
            line = fields_of([VECTORS / "spector.csv"], f"glm(grade, gpa, family=binomial, weights=tuce{more})")
            self.near(flat(levels["standard_errors"]), values_of(line["standard_errors"]), 1e-12)
            self.near([levels["null_deviance"]["value"]], [line["null_deviance"]["value"]], 1e-14)

    def test_links(self):
        """As R has them: standard errors are those of the expected information. R's own steps end
        sooner, so its last digits are apart."""
        named = [
            ("grade, gpa, tuce, psi, family=binomial, link=probit", 25.637608137778887, 41.183459393234578,
             [-7.452319648217995, 1.6258100394536863, 0.051728945507231783, 1.4263323420071603],
             [2.5715582188323478, 0.689731394711949, 0.081194845851936218, 0.58695887190191065]),
            ("grade, gpa, tuce, psi, family=binomial, link=cloglog", 26.016007392636855, 41.183459393234578,
             [-10.031418785336729, 2.2935526655017173, 0.041155972677090008, 1.5622758812810589],
             [3.4360443894380377, 0.91767132866623213, 0.096971065155687236, 0.72615547091553911]),
            ("gpa, tuce, psi, family=gamma, link=log", 0.60441996239202667, 0.70722602259020584,
             [0.81500435692866535, 0.014583849810569913, 0.00088513401510208309],
             [0.14595638684519804, 0.006590115976780637, 0.051013046559929429]),
            ("grade, gpa, intercept=0, family=binomial, link=cloglog", 43.556251099132155, 52.090853198515802,
             [-0.24147572340966617], None),
            ("gpa, psi, intercept=0, family=gamma, link=log", 35.602755826922468, 63.443632232494444,
             [1.1435401283724296], None),
        ]
        for model, deviance, null, coefficients, errors in named:
            with self.subTest(model):
                found = fields_of([VECTORS / "spector.csv"], f"glm({model})")
                self.near(values_of(found["coefficients"]), coefficients, 2e-7)
                self.near(values_of(found["standard_errors"]), errors or values_of(found["standard_errors"]), 2e-7)
                self.near([found["deviance"]["value"], found["null_deviance"]["value"]], [deviance, null], 1e-13)
                self.assertLess(found["iterations"]["value"], 8)
        spector = [VECTORS / "spector.csv"]
        for family, link in (("gaussian", "identity"), ("binomial", "logit"), ("poisson", "log"), ("gamma", "inverse")):
            y = "grade" if family == "binomial" else "gpa"
            self.assertEqual(fields_of(spector, f"glm({y}, tuce, link={link}, family={family})"),
                             fields_of(spector, f"glm({y}, tuce, family={family})"))
        for family, link, known in (("binomial", "log", "logit, probit, cloglog"), ("gamma", "probit", "inverse, log"),
                                    ("gaussian", "log", "identity"), ("poisson", "identity", "log")):
            done = support.run("local", "--data", str(spector[0]), "--", f"glm(grade, gpa, link={link}, family={family})",
                               check=False)
            self.assertIn(f"link={link}: this family takes {known}", done.stderr)

    def test_robust_errors_of_links(self):
        """Around the expected information, as R's sandwich has them: bread and meat by hand."""
        decimal.getcontext().prec = 50
        with open(VECTORS / "spector.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        xs = [[ONE, Number(row["gpa"])] for row in rows]
        for link in ("probit", "cloglog"):
            found = fields_of([VECTORS / "spector.csv"], f"glm(grade, gpa, family=binomial, link={link}, cov=hc0)")
            beta = [Number(value) for value in values_of(found["coefficients"])]
            at_rows = [at(link, Number(row["grade"]), sum(a * b for a, b in zip(x, beta))) for x, row in zip(xs, rows)]
            bread = solve([[sum(one[3] * x[i] * x[j] for one, x in zip(at_rows, xs)) for j in (0, 1)] for i in (0, 1)],
                          [[ONE, ONE * 0], [ONE * 0, ONE]])
            meat = [[sum(one[0] ** 2 * x[i] * x[j] for one, x in zip(at_rows, xs)) for j in (0, 1)] for i in (0, 1)]
            errors = [sum(a * meat[i][j] * b for i, a in enumerate(line) for j, b in enumerate(line)).sqrt()
                      for line in bread]
            self.near([Number(value) for value in values_of(found["standard_errors"])], errors, Number(1e-11))

    def test_two_levels_are_a_logistic_model(self):
        spector = VECTORS / "spector.csv"
        for more in ("", ", intercept=0", ", start=(0, 0, 0, 0), ridge=1e-10, tolerance=1e-8"):
            levels = fields_of([spector], f"mnlogit(grade in (0, 1), gpa, tuce, psi{more})")
            line = fields_of([spector], f"glm(grade, gpa, tuce, psi, family=binomial{more})")
            for name in ("coefficients", "standard_errors", "p", "low"):
                self.near(flat(levels[name]), values_of(line[name]), 1e-12)
            for name in ("deviance", "null_deviance", "log_likelihood", "aic", "condition", "df"):
                self.near([levels[name]["value"]], [line[name]["value"]], 1e-12)

    def test_without_likelihood(self):
        """The same steps; what is of y alone is neither opened nor told."""
        rows = [[i % 4, i % 7, 1 + i % 5] for i in range(60)]
        for family in ("poisson", "gamma"):
            with tempfile.TemporaryDirectory() as folder:
                path = self.write(folder, "count,x,cost", rows)
                output = f"glm({'count' if family == 'poisson' else 'cost'}, x, family={family}"
                whole, part = (fields_of([path], output + more) for more in (")", ", likelihood=0)"))
            self.near(values_of(part["coefficients"]), values_of(whole["coefficients"]), 1e-13)
            self.near(values_of(part["standard_errors"]), values_of(whole["standard_errors"]), 1e-13)
            self.assertEqual(part["deviance"]["special"], "NaN")
            self.assertEqual(part["log_likelihood"]["special"], "NaN")

    def test_robust_errors(self):
        """As statsmodels has HC0, its last digits apart, and HC1 of its OLS; that of a model is as
        R's sandwich and Stata have it, n / (n - k) times HC0's squares."""
        spector, sites = VECTORS / "spector.csv", [VECTORS / f"awards_{site}.csv" for site in "abc"]
        named = [([spector], "ols(gpa, tuce, psi, cov={})", 29,
                  [0.3222741783647657, 0.014971487227919928, 0.1599717549005898]),
                 ([spector], "glm(grade, gpa, tuce, psi, family=binomial, cov={})", 28,
                  [5.197585410299452, 1.267545982015747, 0.11792226774939177, 0.9644192096528813]),
                 ([spector], "glm(tuce, gpa, family=gamma, cov={})", 30,
                  [0.008453635786199827, 0.0025442754800357086]),
                 (sites, "glm(num_awards, math, family=poisson, cov={})", 198,
                  [0.5932509318463903, 0.009827967648608533])]
        for files, model, freedom, errors in named:
            with self.subTest(model):
                plain, hc0, hc1 = (fields_of(files, model.format(cov)) for cov in ("nonrobust", "hc0", "hc1"))
                self.near(values_of(hc0["standard_errors"]), errors, 2e-12)
                grown = ((freedom + len(errors)) / freedom) ** 0.5
                self.near(values_of(hc1["standard_errors"]),
                          [error * grown for error in values_of(hc0["standard_errors"])], 1e-14)
                self.assertEqual(values_of(hc0["coefficients"]), values_of(plain["coefficients"]))
                z = [a / b for a, b in zip(values_of(hc0["coefficients"]), values_of(hc0["standard_errors"]))]
                self.near(values_of(hc0["t" if "t" in hc0 else "statistic"]), z, 1e-14)
        self.near(values_of(fields_of([spector], named[0][1].format("hc1"))["standard_errors"]),
                  [0.3385333821110028, 0.015726820660024492, 0.16804256395445027], 1e-13)

    def test_robust_errors_that_are_none(self):
        named = [("y,x", ["1,1e200", "0,1", "3,2", "4,1e180"], "x, cov=hc0", "too large: scale them"),
                 ("y,x", ["1,1", "2,3"], "x, cov=hc1", "NaN"),
                 ("y,x", ["1,1", "2,1", "3,1"], "x, cov=hc1", "x is collinear with const"),
                 ("y,x", ["1,1"], "x, cov=hc2", "expected cov: one of nonrobust, hc0, hc1")]
        for header, rows, arguments, text in named:
            with self.subTest(arguments), tempfile.TemporaryDirectory() as folder:
                path = self.write(folder, header, [row.split(",") for row in rows])
                done = support.run("local", "--data", str(path), "--", f"f=ols(y, {arguments})", check=False)
                self.assertIn(text, done.stdout + done.stderr)

    def test_weights_and_offsets(self):
        """As statsmodels has var_weights, offset and WLS."""
        spector = [VECTORS / "spector.csv"]
        named = [
            ("grade, gpa, psi, family=binomial, weights=tuce", 603.9156193711809, 924.382747031888,
             [-11.373962412204015, 3.0233199582403434, 2.2561641499122844],
             [0.8833605916694258, 0.25544892501895133, 0.21621660213540722], -301.95780968559046),
            ("psi, gpa, family=poisson, weights=tuce", 505.13303277437086, 505.2513825778263,
             [-0.9362802182826706, 0.04178482161950085], [0.3876117512438028, 0.12145776689831568],
             -566.5665163871854),
            ("gpa, psi, family=gamma, weights=tuce", 15.719673822971362, 15.72433545063073,
             [0.31836942340671703, -0.0016455985126278098], [0.011530212291851017, 0.017190954426718922],
             None),
            ("psi, gpa, family=poisson, offset=log(tuce)", 22.951635664124687, 22.958716456962502,
             [-3.7627090819214084, -0.048413327986093185], [1.825156694810255, 0.5753872104971185],
             -25.47581783206234),
            ("psi, gpa, family=poisson, weights=tuce, offset=log(tuce)", 500.61295258908604,
             501.23365080564599,
             [-3.620954880425152, -0.0953261401389667], [0.38599936409770585, 0.12094156203518977],
             -564.306476294543),
        ]
        for model, deviance, null, coefficients, errors, likelihood in named:
            with self.subTest(model):
                found = fields_of(spector, f"glm({model})")
                self.near(values_of(found["coefficients"]), coefficients, 1e-11)
                self.near(values_of(found["standard_errors"]), errors, 1e-8)
                self.near([found["deviance"]["value"]], [deviance], 1e-13)
                for name, value in (("null_deviance", null), ("log_likelihood", likelihood)):
                    if value is None:
                        self.assertEqual(found[name]["special"], "NaN")
                    else:
                        self.near([found[name]["value"]], [value], 1e-13)
        for model, null in (("grade, gpa, family=binomial, link=cloglog, offset=tuce / 20", 39.389990817959493),
                            ("gpa, psi, offset=tuce / 20", 5.7476968749999982),
                            ("gpa, psi, family=gamma, offset=tuce / 200", 1.0429293721238246),
                            ("psi, gpa, intercept=0, family=poisson, offset=log(tuce)", 1289.342186373467)):
            self.near([fields_of(spector, f"glm({model})")["null_deviance"]["value"]], [null], 1e-13)
        swapped = fields_of(spector, "glm(psi, gpa, family=poisson, offset=log(tuce), weights=tuce)")
        self.assertEqual(swapped, found)
        line = fields_of(spector, "ols(gpa, tuce, psi, weights=tuce + 1)")
        self.near(values_of(line["coefficients"]),
                  [1.9823270687348502, 0.052050666012151026, -0.023950630904790104], 1e-12)
        self.near(values_of(line["standard_errors"]),
                  [0.5002347622923775, 0.021993705237149937, 0.1597255034389812], 1e-12)
        self.near([line[name]["value"] for name in ("r2", "adjusted_r2", "f", "f_p", "residual_sd")],
                  [0.162156945519785, 0.10437466590045985, 2.8063438581532174, 0.07688803647893143,
                   2.138602909585647], 1e-11)
        robust = fields_of(spector, "ols(gpa, tuce, psi, weights=tuce + 1, cov=hc0)")
        self.near(values_of(robust["standard_errors"]),
                  [0.3737316635094671, 0.016980383556194786, 0.16118961735692028], 1e-12)
        bare = fields_of(spector, "ols(gpa, tuce, psi, weights=tuce + 1, intercept=0)")
        self.near(values_of(bare["coefficients"]), [0.1372227802846394, -0.002140216917765031], 1e-12)
        ones = fields_of(spector, "ols(gpa, tuce, psi, weights=if(tuce > 0, 1, 1))")
        self.assertEqual(ones, fields_of(spector, "ols(gpa, tuce, psi)"))

    def test_an_offset_that_fits_all_rows(self):
        """A small deviance is no separation then: coefficients are finite. As R has them."""
        rng = random.Random(3)
        rows = [[i % 2, round(rng.gauss(0, 1), 2), 8 if i % 2 else -8] for i in range(40)]
        with tempfile.TemporaryDirectory() as folder:
            found = fields_of([self.write(folder, "y,x,o", rows)], "glm(y, x, family=binomial, offset=o)")
        self.near(values_of(found["coefficients"]), [-0.00394707721139302, -0.01817006442353762], 1e-9)
        self.near([found["deviance"]["value"], found["null_deviance"]["value"]],
                  [0.0268283687743587, 0.0268325098316707], 1e-12)

    def test_a_null_model_of_its_own(self):
        """It may take more steps than the model, or have no deviance: nothing else changes."""
        rows = [[i % 3, 30 * (i % 2), i % 5] for i in range(40)]
        with tempfile.TemporaryDirectory() as folder:
            path = self.write(folder, "y,o,x", rows)
            far = fields_of([path], "glm(y, o, family=poisson, offset=o)")
            flat_ = fields_of([path], "glm(y, o, family=poisson)")
            self.near([far["deviance"]["value"]], [flat_["deviance"]["value"]], 1e-13)
            self.near([values_of(far["coefficients"])[1] + 1], values_of(flat_["coefficients"])[1:], 1e-13)
            self.near([far["null_deviance"]["value"]], [1183.952962328223], 1e-12)
            bad = fields_of([path], "glm(y + 1, x, family=gamma, offset=x - 1)")
            self.assertEqual(bad["null_deviance"]["special"], "NaN")
            part = fields_of([path], "glm(y, x, family=poisson, offset=o / 9, likelihood=0)")
            self.assertEqual(part["null_deviance"]["special"], "NaN")

    def test_weights_that_are_none(self):
        rows = ["1,1,1", "0,2,2", "1,3,{}", "1,4,1", "0,5,3"]
        named = [("0", "a weight is 0 or below"), ("-1", "a weight is 0 or below"), ("inf", "infinite values")]
        for weight, text in named:
            for model in ("glm(y, x, family=binomial, weights=w)", "ols(y, x, weights=w)",
                          "glm(y, x, weights=w)"):
                with self.subTest(model, weight=weight), tempfile.TemporaryDirectory() as folder:
                    path = self.write(folder, "y,x,w", [row.format(weight).split(",") for row in rows])
                    done = support.run("local", "--data", str(path), "--", f"f={model}", check=False)
                    self.assertIn(text, done.stdout + done.stderr)
        for model, text in (("glm(y, x, weights=[x, w])", "this takes a single column"),
                            ("ols(y, x, weights=w, weights=w)", "weights is there already"),
                            ("ols(y, x, offset=w)", 'found "="')):
            with self.subTest(model), tempfile.TemporaryDirectory() as folder:
                path = self.write(folder, "y,x,w", [row.format(1).split(",") for row in rows])
                done = support.run("local", "--data", str(path), "--", f"f={model}", check=False)
                self.assertIn(text, done.stderr)

    def test_levels_times_a_column(self):
        """A slope for each level, and none: as if the products were columns of the file."""
        rng = random.Random(8)
        rows = [[rng.randrange(9), rng.choice("abc"), rng.gauss(0, 1)] for _ in range(60)]
        rows = [[y, g, x, x if g == "b" else 0, x if g == "c" else 0] for y, g, x in rows]
        with tempfile.TemporaryDirectory() as folder:
            path = self.write(folder, "y,g,x,bx,cx", rows)
            for model in ("ols(y, {})", "glm(y, {}, family=poisson)", "ols(y, {}, cov=hc1)"):
                with self.subTest(model):
                    levels = "C(g in ('a', 'b', 'c'))"
                    found = fields_of([path], model.format(f"{levels}, x, {levels} * x"))
                    wanted = fields_of([path], model.format(f"{levels}, x, bx, cx"))
                    self.assertEqual(found["coefficients"]["labels"],
                                     [["const", "g[b]", "g[c]", "x", "g[b] * x", "g[c] * x"]])
                    for name in ("coefficients", "standard_errors", "p"):
                        self.assertEqual(values_of(found[name]), values_of(wanted[name]))
            done = support.run("local", "--data", str(path), "--", f"ols(y, {levels} * [x, bx])", check=False)
            self.assertIn("this takes a single column", done.stderr)

    def test_levels_of_two_columns(self):
        """A coefficient for each two levels, those of the first column changing fastest: as if the
        products were columns of the file. A row without one of the levels is left out."""
        rng = random.Random(8)
        rows = [[rng.randrange(9), rng.choice("aabbcz"), rng.choice([1, 1.5, 3])] for _ in range(90)]
        pairs = [(g, h) for h in (1.5, 3) for g in "bc"]
        rows = [[*row, *(int(row[1:] == list(pair)) for pair in pairs)] for row in rows]
        one, two = "C(g in ('a', 'b', 'c'))", "C(h in (1, 1.5, 3))"
        with tempfile.TemporaryDirectory() as folder:
            path = self.write(folder, "y,g,h,p,q,r,s", rows)
            for model in ("ols(y, {})", "glm(y, {}, family=poisson)", "ols(y, {}, cov=hc1)"):
                with self.subTest(model):
                    found = fields_of([path], model.format(f"{one}, {two}, {one} * {two}"))
                    wanted = fields_of([path], model.format(f"{one}, {two}, [p, q, r, s]"))
                    self.assertEqual(found["coefficients"]["labels"],
                                     [["const", "g[b]", "g[c]", "h[1.5]", "h[3]", *(f"g[{g}] * h[{h}]" for g, h in pairs)]])
                    for name in ("coefficients", "standard_errors", "p"):
                        self.assertEqual(values_of(found[name]), values_of(wanted[name]))
            self.assertEqual(found["count"]["value"], sum(row[1] != "z" for row in rows))
            for model, text in ((f"{one} * {two} * y", 'expected ","'), (f"{one} * C(h)", "expected a column and its levels"),
                                (f"{one} * C(h in (1, 9))", "the regressor g[b] * h[9] is 0 in every row")):
                done = support.run("local", "--data", str(path), "--", f"ols(y, {model})", check=False)
                self.assertIn(text, done.stderr)

    def test_so_many_steps(self):
        spector = VECTORS / "spector.csv"
        for model in ("glm(grade, gpa, tuce, psi, family=binomial{})", "mnlogit(grade in (0, 1), gpa, tuce, psi{})"):
            whole = fields_of([spector], model.format(""))
            steps = whole["iterations"]["value"]
            self.assertEqual(fields_of([spector], model.format(f", maxiter={steps}")), whole)
            done = support.run("local", "--data", str(spector), "--", model.format(f", maxiter={steps - 1}"), check=False)
            self.assertIn("no convergence in the steps that maxiter= allows", done.stderr)
            done = support.run("local", "--data", str(spector), "--", model.format(", maxiter=41"), check=False)
            self.assertIn("expected maxiter: a whole number up to 40", done.stderr)

    def test_what_levels_are_held_against(self):
        for levels, first in (("1, 0", "1"), ("0, 1", "0")):
            done = support.run("local", "--json", "--data", str(VECTORS / "spector.csv"), "--",
                               f"f=mnlogit(grade in ({levels}), gpa)")
            self.assertEqual(json.loads(done.stdout)["outputs"]["f"]["reference"], first)
        self.assertNotIn("reference", json.loads(support.run(
            "local", "--json", "--data", str(VECTORS / "spector.csv"), "--", "f=glm(grade, gpa)").stdout)["outputs"]["f"])

    def test_gaussian_is_ols(self):
        spector = VECTORS / "spector.csv"
        model = fields_of([spector], "glm(grade, gpa, tuce, psi, level=90)")
        line = fields_of([spector], "ols(grade, gpa, tuce, psi, level=90)")
        self.near(values_of(model["statistic"]), values_of(line["t"]), 1e-12)
        for name in ("coefficients", "standard_errors", "p", "low", "high"):
            self.near(values_of(model[name]), values_of(line[name]), 1e-12)

    # --- Beginnings and ends of one's own ---

    def test_delta(self):
        """What Delta's LogitTask computes, with the true sigmoid: Newton's steps from 0, until no
        element of a row's share of the score is above 1e-8; the value is that of the step before."""
        found = fields_of([VECTORS / "spector.csv"], "glm(grade, gpa, tuce, psi, family=binomial, "
                          "intercept=0, start=(0, 0, 0), ridge=1e-10, tolerance=1e-8)")
        self.near(values_of(found["coefficients"]),
                  [0.29933592277495014, -0.10147248179221835, 1.6363573902308648], 1e-15)
        self.assertEqual(found["deviance_before"]["value"] / 2 / 32, 0.5865803799171717)
        self.assertEqual(found["iterations"]["value"], 4)

    def test_what_safe_takes(self):
        """Of first coefficients those of 0; the bits are those of the pooled rows."""
        rng = random.Random(4)
        rows = [[int(rng.random() < 0.5), rng.randrange(3), rng.randint(20, 80), rng.randrange(9)]
                for _ in range(450)]
        begun = "start=({}), ridge=1e-10, tolerance=1e-8)"
        zeros = [("glm(ill, age, score, family=binomial, intercept=0, ", 2), ("glm(score, age, family=poisson, "
                 "likelihood=0, ", 2), ("mnlogit(kind in (0, 1, 2), age, score, intercept=0, ", 4), ("glm(ill, age, family=binomial, "
                 "link=probit, ", 2), ("glm(ill, age, link=cloglog, family=binomial, ", 2)]
        with tempfile.TemporaryDirectory() as folder:
            folders = [pathlib.Path(folder, name) for name in "abc"]
            for i, one in enumerate(folders):
                one.mkdir()
                self.write(one, "ill,kind,age,score", rows[150 * i:150 * i + 150])
            files = [str(one / "rows.csv") for one in folders]
            whole = self.write(folder, "ill,kind,age,score", rows)
            for model, len_ in zeros:
                with self.subTest(model):
                    output = "f=" + model + begun.format(", ".join(["0"] * len_))
                    done = support.run("simulate", *files, "--policy", "safe", "--json", "--", output)
                    self.assertEqual(json.loads(done.stdout)["outputs"]["f"]["fields"],
                                     fields_of([whole], output[2:]))
                    output = "f=" + model + begun.format(", ".join(["0"] * (len_ - 1) + ["0.1"]))
                    done = support.run("simulate", *files, "--policy", "safe", "--", output, check=False)
                    self.assertIn("coefficients that the plan chooses", done.stderr)
            done = support.run("simulate", *files, "--policy", "safe", "--json", "--",
                               "f=mnlogit(kind in (0, 1, 2), age, C(ill in (0, 1)))")
            self.assertEqual(json.loads(done.stdout)["outputs"]["f"]["fields"],
                             fields_of([whole], "mnlogit(kind in (0, 1, 2), age, C(ill in (0, 1)))"))

    def test_start(self):
        """The coefficients of a fit are where another one ends at once; near ones are a few steps
        away, and what comes out is the same."""
        for family, y in (("binomial", "grade"), ("poisson", "psi"), ("gamma", "gpa"), ("gaussian", "gpa")):
            with self.subTest(family):
                model = f"glm({y}, tuce, {'gpa' if y != 'gpa' else 'psi'}, family={family}"
                whole = fields_of([VECTORS / "spector.csv"], model + ")")
                there = ", ".join(map(repr, values_of(whole["coefficients"])))
                again = fields_of([VECTORS / "spector.csv"], f"{model}, start=({there}))")
                self.assertLessEqual(again["iterations"]["value"], 1)
                near = ", ".join(str(value * 1.001) for value in values_of(whole["coefficients"]))
                moved = fields_of([VECTORS / "spector.csv"], f"{model}, start=({near}))")
                for found in (again, moved):
                    for name in ("coefficients", "standard_errors", "p"):
                        self.near(values_of(found[name]), values_of(whole[name]), 1e-12)

    def test_options_that_are_none(self):
        named = [("start=(0, 0)", "start has 2 coefficients, the model has 4: const, then"),
                 ("intercept=0, start=(0, 0, 0, 0)", "start has 4 coefficients, the model has 3: the"),
                 ("start=(0, x, 0, 0)", "expected a coefficient: a number"),
                 ("start=0", r'expected "("'), ("ridge=1e-5", "expected ridge: a number from 0 to 1e-06"),
                 ("ridge=-1", "expected ridge"), ("tolerance=1.5", "tolerance: a number from 0 to 1,"),
                 ("ridge=0, ridge=0", "ridge is there already"),
                 ("start=(0, 1e308, 1e308, 1e308)", "at the coefficients of start= some rows have no mean")]
        for options, text in named:
            with self.subTest(options):
                done = support.run("local", "--data", str(VECTORS / "spector.csv"), "--",
                                   f"glm(grade, gpa, tuce, psi, family=binomial, {options})", check=False)
                self.assertIn(text, done.stderr)
        done = support.run("local", "--data", str(VECTORS / "spector.csv"), "--",
                           "glm(grade, *, family=binomial, start=(0, 0))", check=False)
        self.assertIn("the model has 5", done.stderr)

    # --- 50 digits ---

    def draw(self, rng, family):
        n, k = rng.choice([12, 40]), rng.choice([2, 3])
        scale, far = rng.choice([1, 1, 1000]), rng.choice([0, 0, 5000, 25000])
        xs = [[ONE] + [Number(float(round(far + rng.gauss(2, 1) * scale, 3))) for _ in range(k - 1)]
              for _ in range(n)]
        eta = [0.5 + sum(float(value) - far for value in x[1:]) / scale / 4 - 0.5 * (k - 1)
               for x in xs]
        if family in ("binomial", "probit", "cloglog"):
            return xs, [Number(int(rng.random() < 1 / (1 + 2.718 ** -value))) for value in eta]
        if family == "poisson":
            return xs, [Number(int(2.718 ** value * rng.expovariate(1) + 0.5)) for value in eta]
        return xs, [Number(float(round(rng.gammavariate(2, 1 / (1 + abs(value))), 4) + 0.0001))
                    for value in eta]

    def test_solutions_of_50_digits(self):
        decimal.getcontext().prec = 50
        compared, hardest = 0, 0
        for seed in range(cases(42)):
            rng = random.Random(seed)
            family = ["binomial", "poisson", "gamma", *LINKS][seed % 6 if seed >= 24 else seed % 3]
            xs, ys = self.draw(rng, family)
            names = ["y", *(f"x{i}" for i in range(1, len(xs[0])))]
            rows = [[y, *x[1:]] for x, y in zip(xs, ys)]
            rows = [[repr(float(value)) for value in row] for row in rows]
            with tempfile.TemporaryDirectory() as folder:
                path = self.write(folder, ",".join(names), rows)
                output = f"glm({', '.join(names)}, family={LINKS.get(family, family)})"
                done = support.run("local", "--json", "--data", str(path), "--", f"f={output}",
                                   check=False)
            if done.returncode != 0:
                self.assertRegex(done.stderr, "separation|no part of a step|or nearly")
                continue
            found = json.loads(done.stdout)["outputs"]["f"]["fields"]
            start = values_of(found["coefficients"])
            beta, errors, likelihood, condition = fit(family, xs, ys, start)
            allowed = Number(1e-13) * condition
            dispersion = Number(found["dispersion"]["value"]).sqrt()
            self.near([Number(value) for value in start], beta, allowed)
            self.near([Number(value) for value in values_of(found["standard_errors"])],
                      [error * dispersion for error in errors], allowed)
            if "gamma" not in family:
                self.near([Number(found["log_likelihood"]["value"])], [likelihood], allowed)
            self.near([Number(found["condition"]["value"])], [condition], Number(1e-6))
            compared, hardest = compared + 1, max(hardest, condition)
        self.assertGreater(compared, cases(42) // 2)
        self.assertTrue(cases(42) < 24 or 1e9 < hardest <= 1e10 * (1 + 1e-6), hardest)

    def test_levels_of_50_digits(self):
        decimal.getcontext().prec = 50
        compared = 0
        for seed in range(cases(6)):
            rng = random.Random(seed)
            n, k, levels = rng.choice([30, 60]), rng.choice([1, 2, 3]), rng.choice([2, 3, 4])
            xs = [[ONE] + [Number(float(round(rng.gauss(0, 2), 2))) for _ in range(k - 1)] for _ in range(n)]
            odds = [[rng.gauss(0, 0.4) for _ in range(k)] for _ in range(levels)]
            chances = [[2.718 ** sum(a * float(b) for a, b in zip(one, x)) for one in odds] for x in xs]
            ys = [rng.choices(range(levels), one)[0] for one in chances]
            rows = [[f"level {y}", *map(str, map(float, x[1:])), 7] for x, y in zip(xs, ys)]
            names = [f"x{i}" for i in range(1, k)]
            texts = ", ".join(f"'level {i}'" for i in range(levels))
            with tempfile.TemporaryDirectory() as folder:
                path = self.write(folder, ",".join(["y", *names, "c"]), rows)
                output = f"f=mnlogit(y in ({texts}), {', '.join(names or ['if(c > 8, 1, 1)'])}"
                output += ", intercept=0)" if k == 1 else ")"
                done = support.run("local", "--json", "--data", str(path), "--", output, check=False)
            if done.returncode != 0:
                self.assertRegex(done.stderr, "separation|no row has one")
                continue
            found = json.loads(done.stdout)["outputs"]["f"]["fields"]
            beta, errors, likelihood = fit_levels(xs, ys, flat(found["coefficients"]))
            allowed = Number(1e-13) * Number(found["condition"]["value"])
            for a, b in zip(flat(found["coefficients"]), beta):
                self.assertLessEqual(abs(Number(a) - b), allowed * max(map(abs, beta)))
            self.near([Number(value) for value in flat(found["standard_errors"])], errors, allowed)
            self.near([Number(found["log_likelihood"]["value"])], [likelihood], allowed)
            compared += 1
        self.assertGreater(compared, cases(6) // 2)

    # --- What has no answer, by its name ---

    def test_starts_far_away(self):
        """They lead to the model or have a name, whichever of its rounds is the last one."""
        with tempfile.TemporaryDirectory() as folder:
            path = self.write(folder, "y,x", [[i % 4, i % 5] for i in range(40)])
            model = "y, x, family=poisson"
            whole = values_of(fields_of([path], f"glm({model})")["coefficients"])
            for start in range(-26, -10):
                done = support.run("local", "--json", "--data", str(path), "--",
                                   f"f=glm({model}, start=({start}, 0))", check=False)
                if done.returncode != 0:
                    self.assertRegex(done.stderr, "no convergence|no part of a step")
                    continue
                fields = json.loads(done.stdout)["outputs"]["f"]["fields"]
                for found, expected in zip(values_of(fields["coefficients"]), whole):
                    self.assertAlmostEqual(found, expected, 12, start)

    def test_named_outcomes(self):
        named = [
            ("y,x", ["0,1", "0,2", "1,3", "1,4"], "x, family=binomial", "complete separation: a comb"),
            ("y,x", ["1,1", "1,2", "1,3"], "x, family=binomial", "y is the same in all rows"),
            ("y,x", ["0,1", "0,2", "0,3"], "x, family=poisson", "y is 0 in all rows"),
            ("y,x", ["0,1", "0,2", "0,3", "1,3", "1,4"], "x, family=binomial", "quasi-complete sep"),
            ("y,g", ["0,0", "0,0", "0,0", "1,1", "3,1"], "g, family=poisson", "quasi-complete sep"),
            ("y,x", ["0,1", "0,2", "1,3", "1,4"], "x, family=binomial, link=probit", "complete separation: a comb"),
            ("y,x", ["0,1", "0,2", "1,3", "1,4"], "x, family=binomial, link=cloglog", "complete separation: a comb"),
            ("y,x", ["0,1", "0,2", "0,3", "1,3", "1,4"], "x, family=binomial, link=probit", "quasi-complete sep"),
            ("y,x", ["0,1", "0,2", "0,3", "1,3", "1,4"], "x, family=binomial, link=cloglog", "quasi-complete sep"),
            ("y,x", ["1,1", "1,2", "1,3"], "x, family=binomial, link=probit", "y is the same in all rows"),
            ("y,x", ["1,1", "0,2", "2,3"], "x, family=binomial", "y is not 0 or 1 in some rows"),
            ("y,x", ["1,1", "-1,2", "2,3"], "x, family=poisson", "y is below 0 in some rows"),
            ("y,x", ["1,1", "0,2", "2,3"], "x, family=gamma", "y is 0 or below in some rows"),
            ("y,x", ["1,1", "0,2", "2,3"], "x, 2 * x, family=poisson", "no more rows than"),
            ("y,x", ["1,1", "0,2", "2,3", "3,5"], "x, 2 * x, family=poisson",
             "the regressor 2 * x is collinear with x"),
            ("y,x", ["1,1", "0,1", "2,1"], "x, family=poisson", "x is collinear with const"),
            ("y,g", ["1,a", "0,b", "2,a", "3,b", "2,b"], "C(g in ('a', 'b', 'nobody')), family=poisson",
             "the regressor g[nobody] is 0 in every row"),
            ("y,a,b", ["1,0.1,1", "0,0.2,2.0000001", "3,1.3,13.0000000001", "4,3,30", "2,6,60.0000001"],
             "a, b, family=poisson", "a combination of the others, or nearly so"),
            ("y,x", ["1,inf", "0,2", "2,3", "1,1"], "x, family=poisson", "infinite values"),
            ("y,x", ["NA,1", "NA,2", "NA,3"], "x, family=poisson", "no more rows than coefficients"),
            ("y,x", ["1,1e200", "0,1", "3,2"], "x, family=poisson", "no part of a step lowers"),
            ("y,x", ["1,1", "2,100", "1,-90", "1,3"], "x, intercept=0, family=gamma",
             "no part of a step lowers"),
        ]
        for header, rows, arguments, text in named:
            with self.subTest(text), tempfile.TemporaryDirectory() as folder:
                path = self.write(folder, header, [row.split(",") for row in rows])
                done = support.run("local", "--data", str(path), "--", f"f=glm(y, {arguments})",
                                   check=False)
                self.assertIn(text, done.stdout + done.stderr)
                self.assertNotRegex(done.stdout, "[0-9]e[+]?[0-9]")

    def test_named_outcomes_of_levels(self):
        named = [
            ("y,x", ["a,1", "a,2", "b,3", "b,4", "c,5", "c,6", "c,7"], "y in ('a', 'b', 'c'), x",
             "complete separation: combinations"),
            ("y,x", ["a,1", "b,2", "a,3", "b,4", "c,8", "c,9", "c,10"], "y in ('a', 'b', 'c'), x",
             "quasi-complete separation"),
            ("y,x", ["a,1", "b,2", "a,3", "b,4"], "y in ('a', 'b', 'c'), x",
             "no more rows than coefficients"),
            ("y,x", ["a,1", "b,2", "a,3", "b,4", "a,7"], "y in ('a', 'c'), x",
             "no row has one of the levels"),
            ("y,x", ["a,1", "b,2", "a,3", "b,4", "a,7"], "y in ('c', 'a'), x",
             "no row has one of the levels"),
            ("y,x", ["1,1", "0,1", "2,1", "1,1", "1,1", "2,1", "0,1"], "y in (0, 1, 2), x",
             "x is collinear with const"),
            ("y,x", ["1,1", "0,inf", "2,3", "1,4", "1,5", "2,6", "0,7"], "y in (0, 1, 2), x",
             "infinite values"),
            ("y,x", ["a,1"], "y in ('a'), x", "mnlogit takes at least two levels, found one"),
            ("y,x", ["a,1"], "y in ('a', 'a'), x", "this level is there already"),
            ("y,x", ["a,1"], "y, x", "expected a column and its levels, such as dept in"),
            ("y,x", ["a,1"], "y in ('a', 'b')", "mnlogit takes two arguments or more"),
            ("y,x", ["a,1"], "y in ('a', 'b', 'c'), x, start=(1, 2, 3)",
             "start has 3 coefficients, the model has 4: for each level but the first const, then"),
            ("y,x", ["1,1"], "y in (1, 2, 3, 4, 5, 6), x, x, x, x, x, x, x, x, x",
             "this model has 50 coefficients, at most 48 are fitted"),
        ]
        for header, rows, arguments, text in named:
            with self.subTest(text), tempfile.TemporaryDirectory() as folder:
                path = self.write(folder, header, [row.split(",") for row in rows])
                done = support.run("local", "--data", str(path), "--", f"f=mnlogit({arguments})",
                                   check=False)
                self.assertIn(text, done.stdout + done.stderr)

    def test_groups_have_outcomes_of_their_own(self):
        rows = [["a", int(i % 3 == 0), i % 7] for i in range(40)]
        rows += [["b", int(i > 3), i] for i in range(9)] + [["c", 1, 2]]
        with tempfile.TemporaryDirectory() as folder:
            path = self.write(folder, "g,y,x", rows)
            whole = json.loads(support.run(
                "local", "--json", "--data", str(path), "--by", "g in ('a', 'b', 'c')", "--",
                "f=glm(y, x, family=binomial)").stdout)["outputs"]["f"]
            alone = json.loads(support.run(
                "local", "--json", "--data", str(path), "--where", "g == 'a'", "--",
                "f=glm(y, x, family=binomial)").stdout)["outputs"]["f"]
        self.assertEqual(whole["status"][0], "ok")
        self.assertIn("complete separation", whole["status"][1])
        self.assertEqual(whole["status"][2], "no more rows than coefficients")
        self.assertEqual(whole["fields"]["coefficients"]["values"][0],
                         alone["fields"]["coefficients"]["values"])
        self.assertEqual(whole["fields"]["coefficients"]["values"][1][0]["special"], "NaN")


class Tables(unittest.TestCase):
    """As people are shown them; numbers are those of the tests above."""

    def shown(self, *arguments):
        lines = support.run("local", "--data", str(VECTORS / "spector.csv"), *arguments).stdout
        self.assertLessEqual(max(map(len, lines.splitlines())), 80)
        return lines.splitlines()

    def test_one_model(self):
        lines = self.shown("--", "f=glm(grade, gpa, tuce, psi, family=binomial, level=90)")
        self.assertEqual(re.split("  +", lines[1].strip()),
                         ["coef", "std err", "z", "P>|z|", "5 %", "95 %"])
        self.assertEqual(lines[2].split()[:5], "const -13.0213 4.9313 -2.641 0.0083".split())
        self.assertEqual(lines[4].split()[:5], "tuce 0.0952 0.1416 0.672 0.5014".split())
        # Points stand below each other.
        points = [[i for i, c in enumerate(line) if c == "."] for line in lines[2:6]]
        self.assertEqual(points, [points[0]] * 4)
        self.assertIn("log likelihood              -12.8896", "\n".join(lines))

    def test_no_probability_is_0(self):
        """Below all doubles a p is 0 in JSON; people are told that it is small, of a model, of all its coefficients
        together, of groups, and of a test."""
        rows = "x,y,g\n" + "".join(f"{i},{100000 * i + i % 7}.5,{'ab'[i % 2]}\n" for i in range(400))
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "t.csv")
            path.write_text(rows)
            fit = support.run("local", str(path), "--", "f=ols(y, x)").stdout
            self.assertEqual(fit.splitlines()[3].split()[4], "<1e-300")
            self.assertRegex(fit, r"f p +<1e-300\n")
            for more in ([], ["--by", "g in ('a', 'b')"]):
                test = support.run("local", str(path), *more, "--", "f=pearson(x, y)").stdout
                self.assertIn("<1e-300", test)
            self.assertIn('"p": {"value": 0.0}', support.run("local", str(path), "--json", "--", "f=pearson(x, y)").stdout)

    def test_groups_have_tables_of_their_own(self):
        lines = self.shown("--by", "psi in (0, 1)", "--", "f=ols(grade, gpa)")
        self.assertEqual(lines.count("0"), 1)
        self.assertEqual(lines[lines.index("1") + 2].split()[:4], "const -0.6812 0.8040 -0.847".split())
        self.assertEqual(re.split("  +", lines[lines.index("1") + 1].strip())[2:4], ["t", "P>|t|"])

    def test_levels_have_tables_of_their_own(self):
        lines = self.shown("--", "f=mnlogit(tuce in (25, 23, 19), gpa)")
        self.assertEqual([lines[1], lines[6]], ["  23", "  19"])
        self.assertEqual(re.split("  +", lines[7].strip())[2:4], ["z", "P>|z|"])
        self.assertEqual([line.split()[0] for line in lines[3:5] + lines[8:10]], ["const", "gpa"] * 2)

    def test_a_long_name_has_a_line_of_its_own(self):
        long = "gpa * 2 + tuce * 3 - gpa * tuce * 5 / 7"
        lines = self.shown("--", f"f=ols(grade, psi, {long})")
        self.assertEqual(lines[4].strip(), long)
        self.assertEqual(len(lines[5].split()), 6)
        self.assertEqual(len(lines[3].split()), 7)

    def test_scales_that_no_decimals_fit(self):
        lines = self.shown("--", "f=ols(grade * 1000000, gpa, tuce * 1000000)")
        self.assertEqual(lines[2].split()[:3], ["const", "-1.4494e+06", "5.7847e+05"])

    def test_no_values(self):
        lines = self.shown("--where", "grade > 9", "--", "f=ols(grade, gpa)")
        self.assertEqual(lines[1].split(), "status fewer rows than coefficients".split())
        self.assertEqual(lines[3].split(), ["const", *["NaN"] * 6])


if __name__ == "__main__":
    unittest.main()
