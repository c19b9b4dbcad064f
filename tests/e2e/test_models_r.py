#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generalised linear models and linear regressions beside R's glm and lm, to their own accuracy.

Our side is `sotto simulate` over three parties; R has the pooled rows.
"""

import csv
import json
import math
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

import support

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import cases  # noqa: E402
from skip import skip  # noqa: E402

# As they are asked for.
FAMILIES = {"gaussian": "gaussian", "binomial": "binomial", "poisson": "poisson", "gamma": "gamma",
            "probit": "binomial, link=probit", "cloglog": "binomial, link=cloglog",
            "loggamma": "gamma, link=log"}
# R's steps of links that are not canonical gain as many digits each time, and end early.
SLOW = ("probit", "cloglog", "loggamma")
DIGITS, DIGITS_OF_SLOW = 1e-8, 1e-5
# R takes the errors from the weights of its last step but one.
DIGITS_OF = dict.fromkeys(["standard_errors", "statistic", "dispersion"], 1e-6) | {"p": 1e-5}
# Prints "file name numbers" for each file of a folder, whose name begins with a family.
SCRIPT = r"""
show <- function(file, name, values)
  cat(basename(file), name, sprintf("%.17g", as.numeric(values)), "\n")
for (file in list.files(commandArgs(TRUE), full.names = TRUE)) {
  rows <- read.csv(file)
  rows$g <- factor(rows$g, levels = c("a", "b", "c"))
  family <- strsplit(basename(file), "-")[[1]][1]
  kind <- switch(family, gamma = Gamma(), loggamma = Gamma("log"), probit = binomial("probit"),
                 cloglog = binomial("cloglog"), family)
  fit <- glm(y ~ g + x1 + x2, family = kind, data = rows, control = glm.control(1e-14, 100))
  table <- summary(fit)$coefficients
  show(file, "coefficients", table[, 1])
  show(file, "standard_errors", table[, 2])
  show(file, "statistic", table[, 3])
  show(file, "p", table[, 4])
  show(file, "deviance", fit$deviance)
  show(file, "null_deviance", fit$null.deviance)
  show(file, "log_likelihood", logLik(fit))
  show(file, "aic", AIC(fit))
  show(file, "dispersion", summary(fit)$dispersion)
  if (family != "gamma") {
    other <- glm(y ~ g + x1, family = kind, data = rows, offset = x2 / 10, control = glm.control(1e-14, 100))
    show(file, "offset_deviance", other$deviance)
    show(file, "offset_null_deviance", other$null.deviance)
  }
  if (family == "gaussian") {
    line <- summary(lm(y ~ g + x1 + x2, data = rows))
    show(file, "r2", line$r.squared)
    show(file, "adjusted_r2", line$adj.r.squared)
    show(file, "residual_sd", line$sigma)
    show(file, "f", line$fstatistic[1])
    show(file, "f_p", pf(line$fstatistic[1], line$fstatistic[2], line$fstatistic[3], lower.tail = FALSE))
  }
}
"""


def draw(rng, family):
    """Rows of g, x1, x2 and y, which no combination separates."""
    rows = []
    for _ in range(rng.choice([60, 200])):
        g, x1, x2 = rng.choice("aabbc"), round(rng.gauss(0, 1), 3), rng.randint(-3, 3)
        eta = 0.4 + 0.3 * math.tanh(x1) + 0.1 * x2 + 0.3 * "abc".index(g)
        y = {"gaussian": lambda: round(rng.gauss(eta, 1), 3),
             "binomial": lambda: int(rng.random() < 1 / (1 + math.exp(-eta))),
             "probit": lambda: int(rng.random() < math.erfc(-eta / 2) / 2),
             "cloglog": lambda: int(rng.random() < 1 - math.exp(-math.exp(eta - 0.7))),
             "poisson": lambda: int(rng.expovariate(math.exp(-eta))),
             "gamma": lambda: round(rng.gammavariate(3, 1 / (1 + abs(eta))), 4) + 0.0001,
             "loggamma": lambda: round(rng.gammavariate(3, math.exp(eta) / 3), 4) + 0.0001}[family]()
        rows.append([g, x1, x2, repr(y) if "gamma" in family else y])
    return rows


class R(unittest.TestCase):
    def ask(self, rows, *outputs):
        """The fields of each output."""
        with tempfile.TemporaryDirectory() as folder:
            files = [pathlib.Path(folder) / f"{i}.csv" for i in range(3)]
            for i, file in enumerate(files):
                self.write(file, rows[i::3])
            done = support.run("simulate", "--json", *map(str, files), "--", *outputs)
        return [output["fields"] for output in json.loads(done.stdout)["outputs"].values()]

    def write(self, path, rows):
        with open(path, "w", newline="") as out:
            csv.writer(out).writerows([["g", "x1", "x2", "y"], *rows])

    def test_models(self):
        designs = {}
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(cases(21)):
                family = list(FAMILIES)[seed % len(FAMILIES)]
                designs[f"{family}-{seed}.csv"] = draw(random.Random(seed), family)
            for name, rows in designs.items():
                self.write(pathlib.Path(folder) / name, rows)
            script = pathlib.Path(folder).with_suffix(".R")
            script.write_text(SCRIPT)
            done = subprocess.run(["Rscript", "--vanilla", script, folder], capture_output=True, text=True)
            script.unlink()
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {}
        for line in done.stdout.splitlines():
            file, name, *wanted = line.split()
            if file not in found:
                factor = "C(g in ('a', 'b', 'c')), x1, x2"
                family = file.split("-")[0]
                model, other, line_ = self.ask(
                    designs[file], f"m=glm(y, {factor}, family={FAMILIES[family]})",
                    f"o=glm(y, {factor.replace(', x2', '')}, family={FAMILIES[family]}, offset=x2 / 10)"
                    if family != "gamma" else f"o=ols(y, {factor})", f"l=ols(y, {factor})")
                found[file] = {**line_, **model, **{f"offset_{name}": field for name, field in other.items()}}
            field = found[file][name]
            got = [one["value"] for one in field.get("values", [field])]
            digits = DIGITS_OF.get(name, DIGITS)
            if file.split("-")[0] in SLOW and "deviance" not in name:
                digits = DIGITS_OF_SLOW
            for one, other in zip(got, map(float, wanted), strict=True):
                self.assertTrue(math.isclose(one, other, rel_tol=digits, abs_tol=1e-300),
                                f"{file} {name}: {one} against {other}")
        self.assertEqual(len(found), len(designs))


if __name__ == "__main__":
    if shutil.which("Rscript") is None:
        skip("e2e/models_r", "Rscript is not there: apt-get install r-base-core")
    unittest.main()
