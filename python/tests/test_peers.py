# SPDX-License-Identifier: Apache-2.0
"""The engine's statistics against scipy's and statsmodels' on ordinary data, to 1e-9."""

import numpy
import pandas
import pytest
import statsmodels.api as api
import statsmodels.formula.api as smf
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


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "gamma"])
def test_models(family):
    rng = numpy.random.default_rng(7)
    groups = rng.choice(list("abc"), 300)
    frame = pandas.DataFrame({"x": rng.normal(size=300).round(3), "g": groups})
    eta = 0.3 + 0.4 * frame.x.clip(-1, 1) + (frame.g == "b") * 0.5
    draws = {
        "gaussian": lambda: rng.normal(eta),
        "binomial": lambda: rng.binomial(1, 1 / (1 + numpy.exp(-eta))),
        "poisson": lambda: rng.poisson(numpy.exp(eta)),
        "gamma": lambda: rng.gamma(2, 0.5 + 1 / (1 + eta)),
    }
    frame["y"] = draws[family]()
    formula = "y ~ x + C(g, levels=['a', 'b', 'c'])"
    found = sotto.local(frame, lambda rows: sotto.glm(formula, rows, family))
    design = api.add_constant(
        pandas.DataFrame({"x": frame.x, "b": frame.g == "b", "c": frame.g == "c"}).astype(float)
    )
    peer = api.GLM(frame.y, design, getattr(api.families, family.title())())
    wanted = peer.fit(tol=1e-13, maxiter=100)
    assert list(found.params.index) == ["const", "x", "g[b]", "g[c]"]
    close(found.params.to_numpy(), wanted.params.to_numpy())
    has_dispersion = family in ("gaussian", "gamma")  # statsmodels' p and bounds are the normal's
    for name in ("bse", "tvalues", *(() if has_dispersion else ("pvalues",))):
        assert getattr(found, name).to_numpy() == pytest.approx(
            getattr(wanted, name).to_numpy(), rel=1e-6
        )
    if not has_dispersion:
        assert found.conf_int().to_numpy() == pytest.approx(wanted.conf_int().to_numpy(), rel=1e-6)
        close(found.llf, wanted.llf)
        close(found.aic, wanted.aic)
    for name in ("deviance", "null_deviance", "nobs", "df_resid"):
        close(getattr(found, name), getattr(wanted, name))
    assert found.scale == pytest.approx(wanted.scale, rel=1e-6)
    close(found.predict(frame).to_numpy(), wanted.predict(design).to_numpy())
    assert "iterations" in found.summary()


def test_weights_offset_and_levels_times_a_column():
    rng = numpy.random.default_rng(4)
    frame = pandas.DataFrame({"x": rng.normal(size=300).round(2), "g": rng.choice(list("ab"), 300)})
    frame["y"] = rng.poisson(numpy.exp(0.2 * frame.x + 0.4))
    frame["w"], frame["o"] = rng.integers(1, 4, 300), rng.normal(size=300).round(1)
    found = sotto.local(
        frame,
        lambda t: sotto.glm(
            "y ~ C(g, levels=['a', 'b']) * x", t, family="poisson", weights=t.w, offset=t.o
        ),
    )
    design = pandas.DataFrame({"b": frame.g == "b", "x": frame.x}).astype(float)
    design = api.add_constant(design.assign(both=design.b * design.x))
    peer = api.GLM(
        frame.y, design, api.families.Poisson(), freq_weights=frame.w, offset=frame.o
    ).fit(tol=1e-13)
    close(found.params.to_numpy(), peer.params.to_numpy())
    close(found.deviance, peer.deviance)
    close(found.predict(frame).to_numpy(), peer.predict(design).to_numpy())


@pytest.mark.parametrize(
    ("family", "link", "peers"),
    [
        ("binomial", "probit", api.families.links.Probit),
        ("binomial", "cloglog", api.families.links.CLogLog),
        ("gamma", "log", api.families.links.Log),
    ],
)
def test_links(family, link, peers):
    rng = numpy.random.default_rng(11)
    frame = pandas.DataFrame({"x": rng.normal(size=300).round(2), "o": rng.normal(size=300)})
    frame["y"] = (
        rng.gamma(2, numpy.exp(0.3 * frame.x))
        if family == "gamma"
        else (rng.random(300) < 0.4 + 0.1 * frame.x).astype(int)
    )
    found = sotto.local(
        frame, lambda t: sotto.glm("y ~ x", t, family=family, link=link, offset=t.o)
    )
    design = api.add_constant(frame[["x"]])
    kind = getattr(api.families, family.title())(peers())
    wanted = api.GLM(frame.y, design, kind, offset=frame.o).fit(tol=1e-14, maxiter=200)
    assert found.params.to_numpy() == pytest.approx(wanted.params.to_numpy(), rel=1e-6)
    assert found.bse.to_numpy() == pytest.approx(wanted.bse.to_numpy(), rel=1e-6)
    close(found.deviance, wanted.deviance)
    close(found.null_deviance, wanted.null_deviance)
    assert found.predict(frame).to_numpy() == pytest.approx(
        wanted.predict(design, offset=numpy.zeros(300)).to_numpy(), rel=1e-6
    )
    assert f"{family} ({link})" in found.summary()


def test_levels_of_two_columns():
    """Coefficients as statsmodels has them, in its order."""
    rng = numpy.random.default_rng(5)
    frame = pandas.DataFrame({"g": rng.choice(list("abc"), 300), "h": rng.integers(1, 4, 300)})
    frame["y"] = rng.normal(size=300).round(2) + (frame.g == "b") * frame.h
    one, two = "C(g, levels=['a', 'b', 'c'])", "C(h, levels=[1, 2, 3])"
    found = sotto.local(frame, lambda t: sotto.glm(f"y ~ {one} * {two}", t))
    wanted = smf.ols("y ~ C(g) * C(h)", frame).fit()
    names = [
        name.replace("C(", "").replace(")[T.", "[").replace(":", " * ")
        for name in wanted.params.index
    ]
    assert list(found.params.index) == ["const", *names[1:]]
    close(found.params.to_numpy(), wanted.params.to_numpy())
    close(found.bse.to_numpy(), wanted.bse.to_numpy())
    close(found.predict(frame).to_numpy(), wanted.predict(frame).to_numpy())
    alone = sotto.local(frame, lambda t: sotto.glm(f"y ~ {one} + {two} + {one}:{two}", t))
    assert alone.params.equals(found.params)


def test_products(table):
    rows = table.dropna().assign(high=lambda frame: (frame.y > 3).astype(int))
    found = sotto.local(rows, lambda t: sotto.glm("high ~ x2 * n", t, family="binomial"))
    design = api.add_constant(rows[["x2", "n"]].assign(both=rows.x2 * rows.n))
    wanted = api.Logit(rows.high, design).fit(disp=0, method="newton", tol=1e-12)
    close(found.params.to_numpy(), wanted.params.to_numpy())
    close(found.predict(rows).to_numpy(), wanted.predict(design).to_numpy())


def test_mnlogit():
    rng = numpy.random.default_rng(9)
    frame = pandas.DataFrame({"x": rng.normal(size=400).round(2), "n": rng.integers(0, 5, 400)})
    frame["g"] = numpy.where(
        rng.random(400) < 0.4 + 0.1 * frame.x, "b", rng.choice(list("ac"), 400)
    )
    levels = ["b", "a", "c"]
    found = sotto.local(
        frame, lambda t: sotto.MNLogit(t.g, t[["x", "n"]], levels=levels, intercept=True).fit()
    )
    design = api.add_constant(frame[["x", "n"]]).astype(float)
    peer = api.MNLogit(frame.g.map(levels.index), design)
    wanted = peer.fit(disp=0, method="newton", tol=1e-13)
    assert (list(found.params.index), list(found.params)) == (["const", "x", "n"], ["a", "c"])
    for name in ("params", "bse", "tvalues", "pvalues"):
        close(getattr(found, name).to_numpy(), getattr(wanted, name).to_numpy())
    for name in ("llf", "aic"):
        close(getattr(found, name), getattr(wanted, name))
    close(found.conf_int().to_numpy(), wanted.conf_int().to_numpy())
    close(found.predict(frame).to_numpy(), wanted.predict().astype(float))
    assert list(found.predict(frame)) == levels
    assert "against b\n" in found.summary()
    robust = sotto.local(
        frame,
        lambda t: sotto.MNLogit(t.g, t[["x", "n"]], levels=levels, intercept=True).fit(
            cov_type="HC0"
        ),
    )
    close(
        robust.bse.to_numpy(),
        peer.fit(disp=0, method="newton", tol=1e-13, cov_type="HC0").bse.to_numpy(),
    )
    weighted = sotto.local(
        frame, lambda t: sotto.MNLogit(t.g, t[["x"]], levels=levels).fit(weights=t.n + 1)
    )
    rows = frame.loc[frame.index.repeat(frame.n + 1)]
    twin = api.MNLogit(rows.g.map(levels.index), rows[["x"]])
    close(weighted.bse.to_numpy(), twin.fit(disp=0, method="newton", tol=1e-13).bse.to_numpy())
    again = sotto.local(
        frame,
        lambda t: sotto.MNLogit(t.g, t[["x", "n"]], levels=levels, intercept=True).fit(
            found.params.to_numpy().ravel(order="F")
        ),
    )
    assert again.iterations <= 1


def test_logit(table):
    """Without an intercept, as statsmodels has it, and with one."""
    rows = table.dropna().assign(high=lambda frame: (frame.y > 3).astype(int))
    found = sotto.local(rows, lambda t: sotto.Logit(t.high, t[["x2", "n"]]).fit())
    wanted = api.Logit(rows.high, rows[["x2", "n"]]).fit(disp=0, method="newton", tol=1e-12)
    close(found.params.to_numpy(), wanted.params.to_numpy())
    close(found.llf, wanted.llf)
    found = sotto.local(rows, lambda t: sotto.Logit(t.high, t[["x2", "n"]], intercept=True).fit())
    assert list(found.params.index) == ["const", "x2", "n"]
