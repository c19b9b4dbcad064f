# SPDX-License-Identifier: Apache-2.0
"""sotto.stats, crosstab and quantiles over three parties, against scipy and pandas on all rows."""

import numpy
import pandas
import pytest
from scipy import stats
from statsmodels.stats import weightstats

import sotto

LEVELS = {"dept": ["R&D", "Sales", "HR"], "sex": ["f", "m"]}


@pytest.fixture(scope="module")
def rows():
    rng = numpy.random.default_rng(5)
    size = 240
    frame = pandas.DataFrame(
        {
            "dept": rng.choice(["R&D", "Sales", "HR"], size, p=[0.5, 0.3, 0.2]),
            "sex": rng.choice(["f", "m"], size),
            "wage": rng.normal(4000, 600, size).round(2),
            "age": rng.integers(20, 65, size),
        }
    )
    frame.loc[rng.choice(size, 9, replace=False), "wage"] = None
    return frame


@pytest.fixture(scope="module")
def ask(rows):
    parties = [rows.iloc[party::3].reset_index(drop=True) for party in range(3)]
    return lambda question: sotto.simulate(parties, question)


def near(found, wanted):
    assert found == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("equal_var", [True, False])
def test_ttest_ind(rows, ask, equal_var):
    def question(wages):
        of = {sex: wages[wages["sex"] == sex]["wage"] for sex in "fm"}
        return sotto.stats.ttest_ind(of["f"], of["m"], equal_var=equal_var, confidence_level=0.9)

    found = ask(question)
    wanted = stats.ttest_ind(
        *(rows.wage[rows.sex == sex] for sex in "fm"), equal_var=equal_var, nan_policy="omit"
    )
    statistic, pvalue = found
    near([statistic, pvalue, found.df], [wanted.statistic, wanted.pvalue, wanted.df])
    near(found.confidence_interval(), tuple(wanted.confidence_interval(0.9)))
    assert found.count_x == rows.wage[rows.sex == "f"].count()
    assert "pvalue" in repr(found)
    assert found.status is None


def test_paired_and_one_sample(rows, ask):
    found = ask(
        lambda wages: (
            sotto.stats.ttest_rel(wages["wage"], wages["age"]),
            sotto.stats.ttest_1samp(wages["age"], 40),
            sotto.stats.ttest_1samp(wages["age"] - 40, 0),
        )
    )
    both = rows.dropna()
    wanted = stats.ttest_rel(both.wage, both.age)
    near(tuple(found[0]), (wanted.statistic, wanted.pvalue))
    wanted = stats.ttest_1samp(rows.age, 40)
    near(tuple(found[1]), (wanted.statistic, wanted.pvalue))
    assert tuple(found[1]) == tuple(found[2])


def test_analysis_of_variance(rows, ask):
    found = ask(
        lambda wages: sotto.stats.f_oneway(
            *(wages[wages["dept"] == dept]["wage"] for dept in LEVELS["dept"])
        )
    )
    samples = [rows.wage[rows.dept == dept].dropna() for dept in LEVELS["dept"]]
    near(tuple(found), tuple(stats.f_oneway(*samples)))
    assert found.counts.tolist() == [len(sample) for sample in samples]
    assert "means" in repr(found)


def test_correlation_and_intervals(rows, ask):
    found = ask(
        lambda wages: {
            "r": sotto.stats.pearsonr(wages["wage"], wages["age"]),
            "p": sotto.stats.proportion(wages["age"] > 30),
            "v": sotto.stats.var_interval(wages["age"]),
        }
    )
    both = rows.dropna()
    wanted = stats.pearsonr(both.wage, both.age)
    near(tuple(found["r"]), (wanted.statistic, wanted.pvalue))
    near(found["r"].confidence_interval(), tuple(wanted.confidence_interval()))
    near(found["p"].statistic, (rows.age > 30).mean())
    near(found["v"].statistic, rows.age.var())
    assert numpy.isnan(list(found["v"])[1])


@pytest.mark.parametrize("side", ["two-sided", "less", "greater"])
def test_sides(rows, ask, side):
    levels = {**LEVELS, "dept": ["R&D", "HR"]}
    found = ask(
        lambda wages: {
            "r": sotto.stats.pearsonr(wages["wage"], wages["age"], alternative=side),
            "b": sotto.stats.binomtest(wages["age"] > 40, 0.45, alternative=side),
            "half": sotto.stats.binomtest(wages["sex"] == "f"),
            "p": sotto.stats.proportion(wages["age"] > 40, alternative=side),
            "f": sotto.stats.fisher_exact(
                sotto.stats.crosstab(wages["dept"], wages["sex"], levels=levels), alternative=side
            ),
        }
    )
    both = rows.dropna()
    wanted = stats.pearsonr(both.wage, both.age, alternative=side)
    near(tuple(found["r"]), (wanted.statistic, wanted.pvalue))
    near(found["r"].confidence_interval(), tuple(wanted.confidence_interval()))
    k = int((rows.age > 40).sum())
    wanted = stats.binomtest(k, len(rows), 0.45, alternative=side)
    near(tuple(found["b"]), (wanted.statistic, wanted.pvalue))
    near(found["p"].confidence_interval(), tuple(wanted.proportion_ci(method="wilson")))
    assert (found["b"].count_true, found["b"].count) == (k, len(rows))
    near(found["half"].pvalue, stats.binomtest(int((rows.sex == "f").sum()), len(rows)).pvalue)
    table = pandas.crosstab(rows.dept, rows.sex).loc[["R&D", "HR"]]
    near(found["f"].pvalue, stats.fisher_exact(table, alternative=side).pvalue)


def test_weights(rows, ask):
    def question(wages):
        of = {sex: wages[wages["sex"] == sex]["wage"] for sex in "fm"}
        return {
            "f": sotto.stats.weighted(wages["wage"], wages["age"], kind="frequency"),
            "p": sotto.stats.weighted(wages["wage"], wages["age"], kind="probability"),
            "two": sotto.stats.weighted_ttest(of["f"], of["m"], wages["age"], kind="frequency"),
            "smd": sotto.stats.smd(of["f"], of["m"]),
        }

    found = ask(question)
    both = rows.dropna()
    wanted = weightstats.DescrStatsW(both.wage, both.age)
    near([*found["f"], found["f"].df], wanted.ttest_mean())
    near(found["f"].confidence_interval(), wanted.tconfint_mean())
    mean = numpy.average(both.wage, weights=both.age)
    parts = both.age * (both.wage - mean) / both.age.sum()
    size = len(both)
    near(
        [found["p"].mean, found["p"].standard_error],
        [mean, (size / (size - 1) * (parts**2).sum()) ** 0.5],
    )
    samples = [weightstats.DescrStatsW(one.wage, one.age) for _, one in both.groupby("sex")]
    near([*found["two"]], weightstats.CompareMeans(*samples).ttest_ind(usevar="unequal")[:2])
    female, male = (one.wage for _, one in both.groupby("sex"))
    near(
        found["smd"].statistic,
        (female.mean() - male.mean()) / ((female.var() + male.var()) / 2) ** 0.5,
    )
    low, high = found["smd"].confidence_interval()
    assert low < found["smd"].statistic < high


def test_tables(rows, ask):
    found = ask(
        lambda wages: {
            "table": sotto.pandas.crosstab(wages["dept"], wages["sex"], levels=LEVELS),
            "chi2": sotto.stats.chi2_contingency(
                sotto.stats.crosstab(wages["dept"], wages["sex"], levels=LEVELS)
            ),
            "fisher": sotto.stats.fisher_exact(
                sotto.stats.crosstab(
                    wages["dept"], wages["sex"], levels={**LEVELS, "dept": ["R&D", "HR"]}
                )
            ),
            "yates": sotto.stats.chi2_contingency(
                sotto.stats.crosstab(
                    wages["dept"], wages["sex"], levels={**LEVELS, "dept": ["R&D", "HR"]}
                )
            ),
        }
    )
    table = pandas.crosstab(rows.dept, rows.sex).reindex(LEVELS["dept"])
    assert (found["table"] == table).all(axis=None)
    wanted = stats.chi2_contingency(table)
    near(found["chi2"].statistic, wanted.statistic)
    near(found["chi2"].pvalue, wanted.pvalue)
    assert found["chi2"].dof == wanted.dof
    near(found["chi2"].expected_freq.to_numpy(), wanted.expected_freq)
    small = table.loc[["R&D", "HR"]]
    near(tuple(found["fisher"]), tuple(stats.fisher_exact(small)))
    near(found["yates"].pvalue, stats.chi2_contingency(small).pvalue)


def test_levels(rows, ask):
    found = ask(
        lambda wages: {
            "mode": wages["dept"].mode(levels=LEVELS["dept"]),
            "nunique": wages["dept"].nunique(levels=["R&D", "IT", "HR"]),
            "missing": wages[["wage", "age"]].missing_patterns(),
        }
    )
    assert found["mode"].tolist() == rows.dept.mode().tolist()
    assert found["nunique"] == 2
    lacks = int(rows.wage.isna().sum())
    assert found["missing"].patterns.to_dict() == {
        "(complete)": len(rows) - lacks,
        "age": 0,
        "wage": lacks,
        "wage, age": 0,
    }
    assert (found["missing"].rows, found["missing"].missing["wage"]) == (len(rows), lacks)
    assert "(complete)" in repr(found["missing"])
    assert "<table" in found["missing"]._repr_html_()


def test_levels_that_are_withheld(rows):
    parties = [rows.iloc[party::3].reset_index(drop=True) for party in range(3)]

    def ask(question):
        return sotto.simulate(parties, question, policy="safe")

    with pytest.warns(sotto.errors.SottoWarning):
        found = ask(lambda wages: wages["dept"].nunique(levels=["R&D", "Sales", "IT"]))
    assert found == pandas.Interval(1, 3, closed="both")
    with pytest.warns(sotto.errors.SottoWarning, match="mode: levels are withheld"):
        assert ask(lambda wages: wages["dept"].mode(levels=["R&D", "Sales", "IT"])).empty


def test_no_answer_has_a_reason(ask):
    found = ask(
        lambda wages: sotto.stats.f_oneway(
            wages[wages["dept"] == "nobody"]["wage"], wages[wages["dept"] == "HR"]["wage"]
        )
    )
    assert numpy.isnan(found.pvalue)
    assert found.status == "fewer than two samples have values"
    assert "status" in repr(found)


def test_quantiles(rows, ask):
    numeric = rows[["wage", "age"]]
    found = ask(
        lambda wages: {
            "median": wages[["wage", "age"]].quantile(),
            "lower": wages[["wage", "age"]].quantile(0.3, interpolation="lower"),
            "some": wages[["wage", "age"]].quantile([0.25, 0.75]),
            "describe": wages[["wage", "age"]].describe(percentiles=[0.25, 0.5, 0.75]),
            "of_one": wages["age"].describe(percentiles=[0.5]),
        }
    )
    assert (found["median"] == numeric.median()).all()
    assert (found["lower"] == numeric.quantile(0.3, interpolation="lower")).all()
    near(found["some"].to_numpy(), numeric.quantile([0.25, 0.75]).to_numpy())
    assert list(found["some"].index) == ["0.25", "0.75"]
    wanted = numeric.describe().drop(index=["min", "max"])
    assert list(found["describe"].index) == list(wanted.index)
    near(found["describe"].to_numpy(), wanted.to_numpy())
    near(found["of_one"]["50%"], rows.age.median())


def test_groups(rows, ask):
    def question(wages):
        groups = wages.groupby("dept", levels=LEVELS["dept"])
        return groups.agg({"wage": "mean", "age": "median"}), groups["age"].quantile(0.9)

    by_name, ninth = ask(question)
    groups = rows.groupby("dept")
    wanted = groups.agg({"wage": "mean", "age": "median"}).reindex(LEVELS["dept"])
    near(by_name.to_numpy(), wanted.to_numpy())
    assert list(by_name.columns) == ["wage", "age"]
    near(ninth.to_numpy(), groups["age"].quantile(0.9).reindex(LEVELS["dept"]).to_numpy())


def test_agg_by_column(rows, ask):
    found = ask(lambda wages: wages.agg({"wage": "mean", "age": "std"}))
    near(found.to_numpy(), rows.agg({"wage": "mean", "age": "std"}).to_numpy())


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (lambda w: sotto.stats.ttest_ind(w, w["age"]), "expected columns"),
        (lambda w: sotto.stats.ttest_ind(w["age"], w["age"], confidence_level=0.999), "per cents"),
        (lambda w: sotto.stats.f_oneway(w["age"]), "two samples or more"),
        (lambda w: sotto.stats.pearsonr(w["age"], w["age"], alternative="both"), "two-sided, less"),
        (lambda w: sotto.stats.weighted(w["age"], w["age"], kind="fweight"), "frequency or prob"),
        (lambda w: w["dept"].mode(), "declare them"),
        (lambda w: w["dept"].nunique(levels=[]), "at least one level"),
        (lambda w: w["dept"].nunique(dropna=False, levels=["a"]), "counts what is missing"),
        (lambda w: w[["age"]].mode(levels=["a"]), "ask a column"),
        (lambda w: w.missing_patterns(), "choose columns"),
        (lambda w: sotto.stats.binomtest(w["age"] > 3, 2), "number from 0 to 1"),
        (lambda w: sotto.stats.chi2_contingency(w["age"].mean()), "expected crosstab"),
        (lambda w: sotto.stats.crosstab(w["dept"], w["sex"]), "declare them"),
        (lambda w: sotto.stats.crosstab(w["dept"], w["sex"], levels={"dept": ["a"]}), "no list"),
        (lambda w: sotto.stats.crosstab(w["age"] + 1, w["sex"], levels=LEVELS), "as it is in"),
        (lambda w: sotto.stats.pearsonr(w["age"], w["wage"]) * 2, "get_result"),
        (lambda w: w[["age"]].quantile(axis=1), "rows"),
        (lambda w: w[["age"]].quantile([]), "at least one share"),
        (lambda w: w.agg({"age": ["rank"]}), "hist"),
        (lambda w: w.groupby("dept", levels=["a"])["age"].quantile([0.1, 0.2]), "each of them"),
    ],
)
def test_what_is_refused(ask, question, says):
    with pytest.raises((sotto.PlanError, sotto.NotSupported), match=says):
        ask(question)


def test_filtered_rows_make_no_table(ask):
    def question(wages):
        some = wages[wages["age"] > 30]
        return sotto.stats.crosstab(some["dept"], some["sex"], levels=LEVELS)

    with pytest.raises(sotto.NotSupported, match="groupby"):
        ask(question)
