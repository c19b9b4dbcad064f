# SPDX-License-Identifier: Apache-2.0
"""The plan that a task becomes, without a node."""

import datetime
import decimal
import json
import logging
import math
import pathlib
import re
import subprocess
import sys

import numpy
import pandas
import pytest

import sotto
from sotto.errors import NotAnAggregate, NotSupported, PlanError


class Asked(sotto.HorizontalAnalytics):
    def __init__(self, execute, datasets=("wages",), **options):
        super().__init__("asked", **options)
        self.asked = execute
        self.names = datasets

    def dataset(self):
        return {name: sotto.dataset.DataFrame(f"{name}.csv") for name in self.names}

    def execute(self, **frames):
        return self.asked(**frames)


def plan_of(execute, **options):
    return Asked(execute, **options).build().plan


def text_of(execute):
    plan = plan_of(execute)
    assert list(plan["select"]) == ["result"]
    assert "where" not in plan
    return plan["select"]["result"]


def test_the_whole_plan():
    class WageAvg(sotto.HorizontalAnalytics):
        def __init__(self):
            super().__init__(
                name="wage_avg",
                min_clients=3,
                max_clients=4,
                wait_timeout=5.5,
                connection_timeout=5,
            )

        def dataset(self):
            return {"wages": sotto.dataset.DataFrame("wages.csv")}

        def execute(self, wages):
            return wages.mean()

    task = WageAvg().build()
    assert task.plan == {
        "version": 1,
        "name": "wage_avg",
        "type": "analytics",
        "datasets": {"wages": "wages.csv"},
        "select": {"result": "mean(wages.*)"},
        "strategy": {
            "min_clients": 3,
            "max_clients": 4,
            "wait_timeout": 6,
            "connection_timeout": 5,
        },
    }
    assert json.loads(task.json) == task.plan
    assert repr(task) == "<Task 'wage_avg'\n    result: mean(wages.*)>"


@pytest.mark.parametrize(
    ("execute", "text"),
    [
        (lambda wages: wages["wage"].mean(), "mean(wages.wage)"),
        (lambda wages: wages["my wage`"].sum(), "sum(wages.`my wage```)"),
        (lambda wages: wages["not"].sum(), "sum(wages.`not`)"),
        (lambda wages: wages["Löhne"].sum(), "sum(wages.Löhne)"),
        (lambda wages: wages[["a", "b"]].std(ddof=0), "std([wages.a, wages.b], ddof=0)"),
        (lambda wages: (wages.a - (wages.b - 1)).sum(), "sum(wages.a - (wages.b - 1))"),
        (lambda wages: (wages.a - wages.b - 1).sum(), "sum(wages.a - wages.b - 1)"),
        (lambda wages: (-(wages.a**2)).sum(), "sum(-wages.a ** 2)"),
        (lambda wages: ((-wages.a) ** 2).sum(), "sum((-wages.a) ** 2)"),
        (lambda wages: (wages.a**65).sum(), "sum(pow(wages.a, 65))"),
        (lambda wages: (wages.a * -0.1).sum(), "sum(wages.a * -0.1)"),
        (lambda wages: (wages.a * decimal.Decimal("1.10")).sum(), "sum(wages.a * 1.10)"),
        (lambda wages: (numpy.int64(3) * wages.a).sum(), "sum(3 * wages.a)"),
        (lambda wages: (wages.d == "it's").sum(), "sum(wages.d == 'it''s')"),
        (
            lambda wages: ((wages.a > 1) == (wages.b > 1)).sum(),
            "sum((wages.a > 1) == (wages.b > 1))",
        ),
        (
            lambda wages: (~((wages.a > 1) | (wages.b > 1))).sum(),
            "sum(not (wages.a > 1 or wages.b > 1))",
        ),
        (lambda wages: (wages.mean() / wages.std())["a"], "mean(wages.a) / std(wages.a)"),
        (lambda wages: (wages * 2)[["b"]].mean(), "mean([wages.b] * 2)"),
        (
            lambda wages: wages.sub(wages.sum(axis=1), axis=0)["a"].mean(),
            "mean(wages.a - row_sum(wages.*))",
        ),
        (lambda wages: wages.a.hist(bins=2, range=(0, 10)), "hist(wages.a, 0.0, 5.0, 10.0)"),
        (lambda wages: (wages.a.mean() < wages.a).sum(), "sum(wages.a > mean(wages.a))"),
        (lambda wages: wages.a.mean() ** -2, "mean(wages.a) ** -2"),
        (lambda wages: numpy.sqrt(wages.a.var()), "sqrt(var(wages.a))"),
        (
            lambda wages: wages.a.where(wages.b > 0, numpy.nan).sum(),
            "sum(if(wages.b > 0, wages.a, na))",
        ),
    ],
)
def test_expressions(execute, text):
    assert text_of(execute) == text


def test_a_filter_of_all_results_is_the_plans_where():
    plan = plan_of(lambda wages: wages[wages.age >= 18][wages.dept == "R&D"].mean())
    assert plan["where"] == "wages.age >= 18 and wages.dept == 'R&D'"
    assert plan["select"] == {"result": "mean(wages.*)"}


def test_filters_that_differ_stay_where_they_are():
    plan = plan_of(lambda wages: (wages[wages.age >= 18].mean(), wages.mean()))
    assert "where" not in plan
    assert plan["select"] == {
        "result 1": "mean(if(wages.age >= 18, wages.*, na))",
        "result 2": "mean(wages.*)",
    }


def test_groups():
    plan = plan_of(
        lambda wages: wages.groupby(
            ["my dept", "level"], levels={"my dept": ["a"], "level": [1, 0.5]}, other=True
        )["wage"].describe()
    )
    assert plan["group_by"] == [
        {"column": "wages.`my dept`", "levels": ["a"], "other": True},
        {"column": "wages.level", "levels": [1, "0.5"], "other": True},
    ]
    names = [f"result[{name}]" for name in ("count", "mean", "std", "25%", "50%", "75%")]
    assert list(plan["select"]) == names


def test_a_group_of_missing_keys():
    key = {"column": "wages.a", "levels": [1, 2], "na": True}
    for missing in (None, math.nan, pandas.NA):
        plan = plan_of(
            lambda wages, missing=missing: wages.groupby("a", levels=[1, missing, 2]).wage.mean()
        )
        assert plan["group_by"] == [key]
    plan = plan_of(lambda wages: wages.groupby("a", levels=[1, 2], dropna=False).wage.mean())
    assert plan["group_by"] == [key]
    plan = plan_of(lambda wages: wages.groupby("a", bins=[1, 2], dropna=False).wage.mean())
    assert plan["group_by"] == [{"column": "wages.a", "bins": [1, 2], "na": True}]
    with pytest.raises(PlanError, match="expected at least one"):
        plan_of(lambda wages: wages.groupby("a", levels=[None]).wage.mean())


def test_bins():
    plan = plan_of(
        lambda wages: wages.groupby(
            ["age", "dept"], bins={"age": [0, 18, 65.5]}, levels={"dept": ["a"]}
        )["wage"].mean()
    )
    assert plan["group_by"] == [
        {"column": "wages.age", "bins": [0, 18, "65.5"]},
        {"column": "wages.dept", "levels": ["a"]},
    ]
    plan = plan_of(
        lambda wages: wages.groupby(
            [wages.came.dt.month, "left"],
            levels={"month(came)": [1, 2]},
            bins={"left": [datetime.date(2020, 1, 1), "2020-02-01"]},
        ).wage.mean()
    )
    assert plan["group_by"] == [
        {"column": "month(wages.came)", "levels": [1, 2]},
        {"column": "wages.left", "bins": ["2020-01-01", "2020-02-01"]},
    ]
    for bins in ([1], [2, 1], ["a", "b"], 3, [True, False], ["2020-02-30", "2020-03-01"]):
        with pytest.raises(PlanError, match="edges"):
            plan_of(lambda wages, bins=bins: wages.groupby("age", bins=bins).wage.mean())
    with pytest.raises(PlanError, match="not both"):
        plan_of(lambda wages: wages.groupby("age", bins=[1, 2], levels=[1]).wage.mean())


def test_a_key_is_no_column_of_its_groups():
    plan = plan_of(lambda wages: wages[["a", "b"]].groupby("a", levels=[1]).mean())
    assert plan["select"] == {"result": "mean([wages.b])"}


def test_two_datasets():
    plan = plan_of(
        lambda wages, staff: wages.a.mean() + staff.a.mean(), datasets=("wages", "staff")
    )
    assert plan["select"] == {"result": "mean(wages.a) + mean(staff.a)"}


def test_medians_and_quantiles():
    def execute(wages):
        return {
            "m": wages.a.median(),
            "f": wages[["a", "b"]].median(),
            "q": wages[wages.b > 0].a.quantile([0.25, 0.75], interpolation="lower"),
            "h": (wages.a - wages.a.quantile(0.5)).abs().mean(),
        }

    assert plan_of(execute)["select"] == {
        "m": "median(wages.a)",
        "f": "median([wages.a, wages.b])",
        "q": "quantile(if(wages.b > 0, wages.a, na), 0.25, 0.75, interpolation=lower)",
        "h": "mean(abs(wages.a - quantile(wages.a, 0.5)))",
    }
    levels = plan_of(
        lambda wages: {
            "m": wages["dept"].mode(levels=["R&D", "it's"]),
            "n": wages[wages.a > 0]["dept"].nunique(levels=["R&D", "HR"]),
            "p": wages[["a", "b"]].missing_patterns(),
        }
    )
    assert levels["select"] == {
        "m": "mode(wages.dept, 'R&D', 'it''s')",
        "n": "nunique(if(wages.a > 0, wages.dept, na), 'R&D', 'HR')",
        "p": "missing_patterns([wages.a, wages.b])",
    }
    with pytest.raises(PlanError, match="one of linear, lower"):
        plan_of(lambda wages: wages.a.quantile(0.5, interpolation="up"))


@pytest.mark.parametrize(
    "operation",
    """head tail iloc values sample unique idxmax transform
    cumsum sort_values to_numpy to_csv iterrows dtypes merge rolling""".split(),
)
def test_what_a_plan_cant_express_is_refused_by_name(operation):
    for rows in (lambda wages: wages, lambda wages: wages["wage"]):

        def execute(wages, rows=rows):
            getattr(rows(wages), operation)

        owner = pandas.DataFrame if rows is rows else None
        if not hasattr(owner, operation):
            continue
        with pytest.raises((NotSupported, AttributeError), match=operation):
            Asked(execute).build()


@pytest.mark.parametrize(
    ("execute", "words"),
    [
        (lambda wages: wages.a.nlargest(3), "hist"),
        (lambda wages: wages.a.mean() if wages.a > 3 else 0, "where"),
        (lambda wages: list(wages.a), "iteration"),
        (lambda wages: len(wages), "len"),
        (lambda wages: wages.groupby(wages.a.dt.month).b.mean(), r"levels=\[1, 2, 3\]"),
        (lambda wages: float(wages.a.mean()), "get_result"),
        (lambda wages: numpy.array(wages.a), "NumPy"),
        (lambda wages: wages.a[0], r"\[0\]"),
        (lambda wages: wages[0:3], "slice"),
        (lambda wages: wages + wages.a, "axis=0"),
        (lambda wages: wages.a + wages, "axis=0"),
        (lambda wages: wages[["a"]] + wages[["b"]], "columns differ"),
        (lambda wages: wages * [1, 2], "list"),
        (lambda wages: wages.a + pandas.Series([1]), "Series"),
        (lambda wages: wages.mean(axis=None), "axis=None"),
        (lambda wages: wages.any(bool_only=True), "bool_only"),
        (lambda wages: wages.a.value_counts(), "levels"),
        (lambda wages: wages.a.hist(), "edges"),
        (lambda wages: wages.groupby("a"), "levels"),
        (lambda wages: wages.dropna(), "subset"),
        (lambda wages: wages.corr(method="spearman"), "pearson"),
        (lambda wages: wages.a.mean() > 3, "get_result"),
        (lambda wages: wages.a.mean() // 3, "get_result"),
        (lambda wages: wages.mean().sum(), "get_result"),
        (lambda wages: wages.a.mean().round(2), "get_result"),
        (lambda wages: round(wages.a.mean(), 2), "get_result"),
        (lambda wages: wages.groupby("a", levels=[1]).rank(), "hist"),
        (lambda wages: wages.groupby("a", levels=[1]).ngroup(), "groups have"),
        (lambda wages: wages.groupby("a", levels=[1]).b.nth(0), "groups have"),
        (lambda wages: wages.a.agg("rank"), "hist"),
        (lambda wages: wages.a.add(1, level=0), "level"),
        (lambda wages: numpy.sin(wages.a), "numpy.sin"),
        (lambda wages: wages.groupby("a", levels=[1]).mean() + wages.mean(), "groups"),
        (lambda wages: wages.a - wages.groupby("a", levels=[1]).a.mean(), "groups"),
        (lambda wages: (wages.a - wages.a.mean()).groupby("d", levels=[1]).sum(), "each group"),
        (lambda wages: wages[wages.a > wages.a.mean()].groupby("d", levels=[1]), "each group"),
        (lambda wages: wages[wages.a > 1].a + wages[wages.a > 2].a, "filter"),
    ],
)
def test_not_supported_says_what_to_do(execute, words):
    with pytest.raises(NotSupported, match=words):
        Asked(execute).build()


def test_assignment_to_a_column_is_refused():
    def execute(wages):
        wages.a[wages.a > 3] = 2

    with pytest.raises(NotSupported, match="frames take columns"):
        Asked(execute).build()


def test_hasattr_and_completion_are_harmless():
    def execute(wages):
        assert not hasattr(wages, "head")
        assert not hasattr(wages["a"], "rank")
        assert not hasattr(wages, "_repr_html_")
        return wages.mean()

    Asked(execute).build()


def test_two_datasets_in_one_row_are_refused():
    with pytest.raises(NotSupported, match="staff and wages"):
        Asked(lambda wages, staff: (wages.a + staff.a).sum(), datasets=("wages", "staff")).build()


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda wages: wages, "never leave"),
        (lambda wages: wages["a"] * 2, "never leave"),
        (lambda wages: wages.sum(axis=1), "never leave"),
        (lambda wages: (wages.mean(), wages.a), "result 2"),
        (lambda wages: {"x": wages.a}, "as x"),
        (lambda wages: wages.groupby("a", levels=[1]), "reduction"),
        (lambda wages: None, "return missing"),
        (lambda wages: 5, "int 5"),
        (lambda wages: (), "nothing"),
        (lambda wages: lambda: 3, "function"),
    ],
)
def test_only_aggregates_are_returned(returned, words):
    with pytest.raises(NotAnAggregate, match=words):
        Asked(returned).build()


@pytest.mark.parametrize(
    ("execute", "words"),
    [
        (lambda wages: {"result": wages.mean()}, "key 'result'"),
        (lambda wages: {"a[b]": wages.mean()}, "brackets"),
        (lambda wages: {3: wages.mean()}, "key 3"),
        (lambda wages: wages.a.mean(axis=2), "axis=2"),
        (lambda wages: wages.a.mean(axis=1), "only axis 0"),
        (lambda wages: wages.a.std(ddof=-1), "ddof=-1"),
        (lambda wages: wages.a.hist(bins=[3, 2]), "rise"),
        (lambda wages: wages.a.isin([]), "at least one"),
        (lambda wages: wages.a.isin("xy"), "list"),
        (lambda wages: wages.a.sum(min_count=0.5), "min_count"),
        (lambda wages: wages.a.value_counts(levels=[]), "at least one"),
        (lambda wages: wages.groupby("a", levels="xy").a.mean(), "list"),
        (lambda wages: wages.groupby("a", levels=["x", "x"]).a.mean(), "each once"),
        (lambda wages: wages.groupby(wages.a * 2, levels=[1]).a.mean(), "as it is in the file"),
        (lambda wages: wages.groupby(wages.a.dt.quarter, levels=[1]).b.mean(), r"bins=\[1, 4, 7"),
        (lambda wages: wages[["a", "a"]].mean(), "twice"),
        (lambda wages: wages[["a"]]["b"].mean(), "no column 'b'"),
        (lambda wages: (wages.a + object()).sum(), "can't be part"),
        (lambda wages: (wages.a + float("inf")).sum(), "infinity"),
        (lambda wages: (wages.mean(), wages.groupby("a", levels=[1]).mean()), "same groups"),
    ],
)
def test_bad_arguments_are_named(execute, words):
    with pytest.raises(PlanError, match=words):
        Asked(execute).build()


def test_two_parties_are_refused_and_why():
    for options in ({"min_clients": 2}, {"max_clients": 2}, {"min_clients": 1}):
        with pytest.raises(PlanError, match="subtracting"):
            Asked(None, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"min_clients": 5, "max_clients": 4},
        {"min_clients": "3"},
        {"min_clients": 1001},
        {"wait_timeout": 0},
        {"connection_timeout": "x"},
    ],
)
def test_impossible_options_are_refused(options):
    with pytest.raises(PlanError, match=next(iter(options)).split("_")[0]):
        Asked(None, **options)


def test_all_who_are_willing_by_default():
    assert "max_clients" not in Asked(None).strategy
    assert "max_clients" not in Asked(None, min_clients=5).strategy
    assert Asked(None, max_clients=5).strategy["max_clients"] == 5


def test_who_is_shown_what():
    def keys(**options):
        plan = Asked(lambda wages: wages.mean(), **options).build().plan
        return {key: plan[key] for key in ("enable_verify", "results") if key in plan}

    assert keys() == {}
    both = {"enable_verify": True, "results": "participants"}
    assert keys(**both) == both
    assert keys(enable_verify=False) == {"enable_verify": False}
    with pytest.raises(PlanError, match="who checks a sum is shown it"):
        keys(enable_verify=True, results="initiator")
    with pytest.raises(PlanError, match="expected True, False or None"):
        keys(enable_verify="yes")
    with pytest.raises(PlanError, match="participants"):
        keys(results="all")


def test_precision_and_curve_are_ignored_aloud(caplog):
    with caplog.at_level(logging.WARNING, "sotto"):
        Asked(None, precision=8, curve="secp256k1")
    assert [record.args[0] for record in caplog.records] == ["precision", "curve"]


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../wages.csv", "a\\b.csv", None])
def test_files_are_below_the_data_of_a_node(path):
    with pytest.raises(PlanError, match=r"wages\.csv"):
        sotto.dataset.DataFrame(path)


def test_dataset_and_execute_fit_together():
    class Misfit(sotto.HorizontalAnalytics):
        data: object = None

        def dataset(self):
            return self.data

        def execute(self, wages):
            return wages.mean()

    misfit = Misfit("misfit")
    for data in (None, {}, [], {"wages": "wages.csv"}, {"my wages": sotto.dataset.DataFrame("a")}):
        misfit.data = data
        with pytest.raises(PlanError, match="dataset"):
            misfit.build()
    misfit.data = {"staff": sotto.dataset.DataFrame("staff.csv")}
    with pytest.raises(PlanError, match="execute"):
        misfit.build()
    with pytest.raises(PlanError, match="dataset"):
        sotto.HorizontalAnalytics("nothing").build()


TREE = pathlib.Path(__file__).resolve().parents[2]


def test_what_the_readme_names_is_there_after_one_import():
    text = (TREE / "python" / "README.md").read_text()
    names = sorted(set(re.findall(r"`(sotto\.[a-z_.]*[a-z_])\(", text)))
    assert "sotto.debug.debug" in names
    program = "import sotto, sys\nfor name in sys.argv[1:]: assert callable(eval(name)), name\n"
    program += "assert 'cffi' not in sys.modules, 'it is optional'"
    subprocess.run([sys.executable, "-c", program, *names], check=True)


def test_nobody_is_sent_to_another_program_of_that_name():
    """The package is installed from a path, or as sotto-engine: on PyPI "sotto" is another's."""
    texts = [p for p in TREE.glob("python/**/*") if p.suffix in (".py", ".md", ".ipynb", ".toml")]
    texts += [*TREE.glob("*.md"), *TREE.glob("*/*.md"), *TREE.glob("*/*.c"), *TREE.glob("*/*.sh")]
    assert TREE / "README.md" in texts
    for path in texts:
        for line in path.read_text().splitlines():
            asked = re.findall(r"pip3? install ([^`]*)", line)
            named = [rest for rest in asked if re.match(r"(-\S+ )*'?sotto\b(?![-_]engine)", rest)]
            assert not named, f"{path}: {line}"


def planned(formula, **options):
    class Asked(sotto.HorizontalAnalytics):
        def dataset(self):
            return {"wards": sotto.dataset.DataFrame("wards.csv")}

        def execute(self, wards):
            return sotto.glm(formula, wards, **options)

    return Asked("model").build().plan["select"]["result"]


def test_formulas():
    assert planned("ill ~ age") == "glm(wards.ill, wards.age, family=gaussian)"
    assert planned("ill ~ age + C(ward, levels=['a', 'b']) - 1", family="binomial") == (
        "glm(wards.ill, wards.age, C(wards.ward in ('a', 'b')), family=binomial, intercept=0)"
    )
    assert planned("I(ill * 2) ~ 0 + Q('body mass') + I(age ** 2)", confidence_level=0.9) == (
        "glm(wards.ill * 2, wards.`body mass`, wards.age ** 2, family=gaussian, intercept=0, "
        "level=90)"
    )
    assert planned("ill ~ age", family="poisson", likelihood=False).endswith(", likelihood=0)")
    products = planned("ill ~ age * Q('body mass') + age:weight")
    assert products.startswith(
        "glm(wards.ill, wards.age, wards.`body mass`, wards.age * wards.`body mass`, "
        "wards.age * wards.weight, "
    )
    assert planned("ill ~ C(ward, levels=['a', 'b']) * age").startswith(
        "glm(wards.ill, C(wards.ward in ('a', 'b')), wards.age, C(wards.ward in ('a', 'b')) * "
        "wards.age, "
    )
    one, two = "C(wards.ward in ('a', 'b'))", "C(wards.age in (1, 2))"
    factors = ["C(ward, levels=['a', 'b'])", "C(age, levels=[1, 2])"]
    for formula in ("{0} * {1}", "{0} + {1} + {0}:{1}"):
        assert planned(f"ill ~ {formula.format(*factors)}").startswith(
            f"glm(wards.ill, {one}, {two}, {one} * {two}, "
        )
    assert planned("ill ~ age", family="binomial", link="probit").endswith(
        "family=binomial, link=probit)"
    )
    assert planned("ill ~ age", start=[0.5, -2], cov_type="HC1").endswith(
        "family=gaussian, start=(0.5, -2.0), cov=hc1)"
    )


@pytest.mark.parametrize(
    ("formula", "options", "text"),
    [
        ("ill", {}, "expected a formula"),
        ("ill ~ ", {}, "no part of a formula"),
        ("ill ~ 1", {}, "columns that explain"),
        ("ill ~ age * weight * ward", {}, "is not known here"),
        ("ill ~ age : C(ward, levels=['a', 'b'])", {}, "is not known here"),
        ("ill ~ age", {"link": "probit"}, "expected of gaussian identity"),
        ("ill ~ age", {"weights": 2}, "expected a column, or what"),
        ("ill ~ age : ", {}, "no part of a formula"),
        ("ill ~ age - weight", {}, "is not known here"),
        ("ill ~ age - (weight + 1)", {}, "no sum in brackets"),
        ("ill ~ age + (weight - 1)", {}, "no sum in brackets"),
        ("ill ~ age + (0 + weight)", {}, "no sum in brackets"),
        ("ill ~ age * (weight - 1)", {}, "no sum in brackets"),
        ("ill ~ (weight - 1) * age", {}, "no sum in brackets"),
        ("ill ~ age - weight * ward", {}, "is not known here"),
        ("ill ~ age:age", {}, "write it once"),
        ("ill ~ age * Q('age')", {}, "write it once"),
        ("ill ~ C(ward, levels=['a', 'b']):C(ward, levels=['a', 'b'])", {}, "write it once"),
        ("ill ~ log(age)", {}, "is not known here"),
        ("ill ~ C(ward)", {}, "needs levels"),
        ("ill ~ C(ward, levels=names)", {}, "written out"),
        ("ill ~ C(ward, levels=['a'])", {}, "at least two levels"),
        ("ill ~ I(__import__('os').system('true'))", {}, "is not known here"),
        ("ill ~ age", {"family": "probit"}, "expected one of gaussian"),
        ("ill ~ age", {"confidence_level": 0.999}, "whole per cents"),
        ("ill ~ age", {"cov_type": "HC3"}, "expected one of nonrobust, HC0, HC1"),
    ],
)
def test_formulas_that_are_refused(formula, options, text):
    with pytest.raises(sotto.PlanError, match=text):
        planned(formula, **options)
