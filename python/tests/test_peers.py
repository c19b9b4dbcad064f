# SPDX-License-Identifier: Apache-2.0
"""The engine's statistics against scipy's and statsmodels' on ordinary data, to 1e-9."""

import numpy
import pandas
import pytest
import statsmodels.api as api
from scipy import stats as scipy_stats

import sotto


@pytest.fixture(scope="module")
def table():
    rng = numpy.random.default_rng(5)
    x1, x2 = rng.normal(size=200), rng.gamma(2, size=200)
    y = 3 + 2 * x1 - x2 + rng.normal(scale=0.3, size=200)
    frame = pandas.DataFrame({"y": y, "x1": x1, "x2": x2, "n": rng.integers(0, 50, 200)})
    frame.loc[[3, 50], "x1"] = numpy.nan
    frame.loc[[4, 50, 51], "y"] = numpy.nan
    return frame


def close(found, wanted):
    assert found == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("column", ["y", "x2", "n"])
def test_moments(table, column):
    values = table[column].dropna().to_numpy()
    found = sotto.local(
        table,
        {name: f"{name}({column})" for name in ("mean", "var", "std", "sem", "skew", "kurt")},
    )
    close(found["mean"], values.mean())
    close(found["var"], scipy_stats.tvar(values))
    close(found["std"], scipy_stats.tstd(values))
    close(found["sem"], scipy_stats.sem(values))
    close(found["skew"], scipy_stats.skew(values, bias=False))
    close(found["kurt"], scipy_stats.kurtosis(values, bias=False))


def test_correlation_and_bins(table):
    complete = table[["y", "x2"]].dropna()
    close(sotto.local(table, "corr(y, x2)"), scipy_stats.pearsonr(complete.y, complete.x2)[0])
    weights = sotto.local(table, "dot(x2, n) / sum(n)")
    close(weights, numpy.average(table.x2, weights=table.n))
    counts = sotto.local(table, "hist(n, 0, 10, 25, 49)")
    assert list(counts) == list(numpy.histogram(table.n, [0, 10, 25, 49])[0])


@pytest.mark.parametrize("intercept", [True, False])
def test_regression(table, intercept):
    complete = table.dropna()
    design = complete[["x1", "x2"]]
    wanted = api.OLS(complete.y, api.add_constant(design) if intercept else design).fit()
    found = sotto.local(table, f"ols(y, [x1, x2], intercept={int(intercept)})")
    for name in ("params", "bse", "tvalues", "pvalues"):
        close(getattr(found, name).to_numpy(), getattr(wanted, name).to_numpy())
    for name in ("rsquared", "rsquared_adj", "fvalue", "f_pvalue"):
        close(getattr(found, name), getattr(wanted, name))
    close(found.conf_int().to_numpy(), wanted.conf_int().to_numpy())
    narrow = sotto.local(table, f"ols(y, [x1, x2], intercept={int(intercept)}, level=80)")
    close(narrow.conf_int().to_numpy(), wanted.conf_int(0.2).to_numpy())
    close(found.residual_sd, numpy.sqrt(wanted.scale))
    assert (found.nobs, found.df_resid) == (wanted.nobs, wanted.df_resid)
    assert wanted.condition_number <= found.condition * (1 + 1e-9)
    assert found.condition <= wanted.condition_number * numpy.sqrt(len(wanted.params)) * (1 + 1e-9)


def test_regression_of_anova(table):
    """Groups' means and variances say what a one-way analysis of variance says."""
    groups = table.assign(g=table.n % 3).dropna()
    samples = [groups.y[groups.g == level] for level in range(3)]
    parts = sotto.local(
        groups, lambda t: t.groupby("g", levels=[0, 1, 2])["y"].agg(["mean", "var", "count"])
    )
    mean = (parts["mean"] * parts["count"]).sum() / parts["count"].sum()
    between = (parts["count"] * (parts["mean"] - mean) ** 2).sum() / 2
    within = (parts["var"] * (parts["count"] - 1)).sum() / (parts["count"].sum() - 3)
    close(between / within, scipy_stats.f_oneway(*samples)[0])
