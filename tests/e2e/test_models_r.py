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

FAMILIES = ["gaussian", "binomial", "poisson", "gamma"]
DIGITS = 1e-8
# R takes the errors from the weights of its last step but one.
DIGITS_OF = dict.fromkeys(["standard_errors", "statistic", "p", "dispersion"], 1e-6)
# Prints "file name numbers" for each file of a folder, whose name begins with a family.
SCRIPT = r"""
show <- function(file, name, values)
  cat(basename(file), name, sprintf("%.17g", as.numeric(values)), "\n")
for (file in list.files(commandArgs(TRUE), full.names = TRUE)) {
  rows <- read.csv(file)
  rows$g <- factor(rows$g, levels = c("a", "b", "c"))
  family <- strsplit(basename(file), "-")[[1]][1]
  kind <- switch(family, gamma = Gamma(), family)
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
             "poisson": lambda: int(rng.expovariate(math.exp(-eta))),
             "gamma": lambda: round(rng.gammavariate(3, 1 / (1 + abs(eta))), 4) + 0.0001}[family]()
        rows.append([g, x1, x2, repr(y) if family == "gamma" else y])
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
            for seed in range(cases(16)):
                family = FAMILIES[seed % 4]
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
                model, line_ = self.ask(designs[file], f"m=glm(y, {factor}, family={file.split('-')[0]})",
                                        f"l=ols(y, {factor})")
                found[file] = {**line_, **model}
            field = found[file][name]
            got = [one["value"] for one in field.get("values", [field])]
            for one, other in zip(got, map(float, wanted), strict=True):
                self.assertTrue(math.isclose(one, other, rel_tol=DIGITS_OF.get(name, DIGITS), abs_tol=1e-300),
                                f"{file} {name}: {one} against {other}")
        self.assertEqual(len(found), len(designs))


if __name__ == "__main__":
    if shutil.which("Rscript") is None:
        skip("e2e/models_r", "Rscript is not there: apt-get install r-base-core")
    unittest.main()
