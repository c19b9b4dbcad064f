# SPDX-License-Identifier: Apache-2.0
"""Every operation, over three nodes, against pandas on all rows together.

Documented departures (python/README.md): a frame is its numeric columns; sums of integers are
floats; groups, levels and bins are declared, and come in that order, also where they are empty.
"""

import numpy
import pandas
import pytest
from companies import pooled

import sotto

TOLERANCE = 1e-12
LEVELS = ["Sales", "R&D", "Ops"]


class Asked(sotto.HorizontalAnalytics):
    def __init__(self, function):
        super().__init__("operation", wait_timeout=20, connection_timeout=20)
        self.function = function

    def dataset(self):
        file = {"numbers": "numbers.csv", "staff": "staff.csv"}[argument(self.function)]
        return {argument(self.function): sotto.dataset.DataFrame(file)}

    def execute(self, **frames):
        return self.function(*frames.values())


def argument(function):
    return function.__code__.co_varnames[0]


# The same code on lazy objects and on pandas' own.
SAME = {
    # Reductions of a frame.
    "frame_all": lambda numbers: numbers.all(),
    "frame_any": lambda numbers: numbers.any(),
    "frame_any_keeping_na": lambda numbers: numbers.any(skipna=False),
    "frame_all_keeping_na": lambda numbers: numbers.all(skipna=False),
    "frame_count": lambda numbers: numbers.count(),
    "frame_sum": lambda numbers: numbers.sum(),
    "frame_sum_min_count": lambda numbers: numbers.sum(min_count=8),
    "frame_sum_keeping_na": lambda numbers: numbers.sum(skipna=False),
    "frame_mean": lambda numbers: numbers.mean(),
    "frame_mean_keeping_na": lambda numbers: numbers.mean(skipna=False),
    "frame_var": lambda numbers: numbers.var(),
    "frame_var_ddof": lambda numbers: numbers.var(ddof=0),
    "frame_std": lambda numbers: numbers.std(),
    "frame_std_keeping_na": lambda numbers: numbers.std(skipna=False, ddof=2),
    "frame_sem": lambda numbers: numbers.sem(),
    "frame_skew": lambda numbers: numbers.skew(),
    "frame_kurt": lambda numbers: numbers.kurt(),
    "frame_chosen": lambda numbers: numbers[["wage", "age"]].mean(),
    "frame_agg": lambda numbers: numbers.agg(["mean", "count", "std"]),
    "frame_agg_by_name": lambda numbers: numbers.agg("sem"),
    # Reductions of a column.
    "all": lambda numbers: numbers["hours"].all(),
    "any": lambda numbers: numbers["smokes"].any(),
    "count": lambda numbers: numbers["wage"].count(),
    "sum": lambda numbers: numbers["wage"].sum(),
    "sum_of_nothing": lambda numbers: numbers["nothing"].sum(),
    "sum_min_count": lambda numbers: numbers["wage"].sum(min_count=7),
    "sum_min_count_met": lambda numbers: numbers["hours"].sum(min_count=9),
    "mean": lambda numbers: numbers.wage.mean(),
    "mean_of_nothing": lambda numbers: numbers.nothing.mean(),
    "mean_keeping_na": lambda numbers: numbers["wage"].mean(skipna=False),
    "mean_keeping_none": lambda numbers: numbers["age"].mean(skipna=False),
    "var": lambda numbers: numbers["bonus"].var(),
    "std": lambda numbers: numbers["bonus"].std(ddof=0),
    "sem": lambda numbers: numbers["age"].sem(),
    "skew": lambda numbers: numbers["age"].skew(),
    "kurt": lambda numbers: numbers["age"].kurt(),
    "agg": lambda numbers: numbers["age"].agg(["sum", "var"]),
    "cov": lambda numbers: numbers["age"].cov(numbers["hours"]),
    "corr": lambda numbers: numbers["age"].corr(numbers["wage"]),
    "frame_cov": lambda numbers: numbers[["age", "wage", "bonus"]].cov(),
    "frame_cov_all": lambda numbers: numbers[["age", "hours"]].cov(ddof=0),
    "frame_corr": lambda numbers: numbers[["age", "hours", "bonus"]].corr(),
    # Reductions of each row.
    "rows_sum": lambda numbers: numbers.sum(axis=1).mean(),
    "rows_sum_keeping_na": lambda numbers: numbers[["age", "wage"]].sum(axis=1, skipna=False).sum(),
    "rows_sum_min_count": lambda numbers: numbers[["wage", "bonus"]].sum(axis=1, min_count=2).sum(),
    "rows_mean": lambda numbers: numbers.mean(axis=1).std(),
    "rows_count": lambda numbers: numbers.count(axis=1).sum(),
    "rows_any": lambda numbers: numbers[["hours", "smokes"]].any(axis=1).sum(),
    "rows_all": lambda numbers: numbers[["hours", "smokes"]].all(axis=1).sum(),
    "rows_var": lambda numbers: numbers[["age", "hours"]].var(axis=1).mean(),
    "rows_std": lambda numbers: numbers[["age", "hours"]].std(axis=1, ddof=0).mean(),
    "rows_sem": lambda numbers: numbers[["age", "hours", "bonus"]].sem(axis=1).mean(),
    # Operators.
    "add": lambda numbers: (numbers["wage"] + numbers["bonus"]).sum(),
    "sub": lambda numbers: (numbers["wage"] - 1000).mean(),
    "mul": lambda numbers: (numbers["age"] * numbers["hours"]).sum(),
    "truediv": lambda numbers: (numbers["wage"] / numbers["age"]).mean(),
    "floordiv": lambda numbers: (numbers["hours"] // 7).sum(),
    "mod": lambda numbers: (numbers["hours"] % 7).sum(),
    "floordiv_of_columns": lambda numbers: (numbers["wage"] // numbers["age"]).sum(),
    "mod_negative": lambda numbers: (numbers["hours"] % -7).sum(),
    "pow": lambda numbers: (numbers["age"] ** 3).sum(),
    "pow_of_doubles": lambda numbers: (numbers["age"] ** 1.5).sum(),
    "divmod": lambda numbers: tuple(part.sum() for part in divmod(numbers["age"], 10)),
    "radd": lambda numbers: (1 + numbers["wage"]).sum(),
    "rsub": lambda numbers: (10000 - numbers["wage"]).sum(),
    "rmul": lambda numbers: (0.5 * numbers["wage"]).sum(),
    "rtruediv": lambda numbers: (1 / numbers["age"]).sum(),
    "rfloordiv": lambda numbers: (100 // numbers["age"]).sum(),
    "rmod": lambda numbers: (100 % numbers["age"]).sum(),
    "rpow": lambda numbers: (1.01 ** numbers["age"]).sum(),
    "rdivmod": lambda numbers: tuple(part.sum() for part in divmod(100, numbers["age"])),
    "negative": lambda numbers: (-numbers["wage"]).sum(),
    "abs": lambda numbers: numbers["hours"].abs().sum(),
    "round": lambda numbers: numbers["bonus"].round().sum(),
    "round_tens": lambda numbers: numbers["wage"].round(-1).sum(),
    "round_digits": lambda numbers: numbers["wage"].round(1).sum(),
    "frame_operators": lambda numbers: (2 * numbers[["age", "wage"]] - 1).mean(),
    "frame_with_frame": lambda numbers: (numbers * numbers).sum(),
    "frame_negative_abs": lambda numbers: (-numbers[["age", "bonus"]]).abs().sum(),
    "frame_by_column": lambda numbers: numbers[["age", "wage"]].sub(numbers["age"], axis=0).sum(),
    # Named operators.
    "add_fill": lambda numbers: numbers["wage"].add(numbers["bonus"], fill_value=0).sum(),
    "radd_fill": lambda numbers: numbers["wage"].radd(3, fill_value=10).sum(),
    "sub_fill": lambda numbers: numbers["wage"].sub(numbers["nothing"], fill_value=1).sum(),
    "rsub_named": lambda numbers: numbers["wage"].rsub(10).sum(),
    "mul_fill": lambda numbers: numbers["wage"].mul(2, fill_value=1).sum(),
    "rmul_named": lambda numbers: numbers["wage"].rmul(numbers["age"]).sum(),
    "div_named": lambda numbers: numbers["wage"].div(numbers["age"]).sum(),
    "rdiv_named": lambda numbers: numbers["age"].rdiv(1).sum(),
    "truediv_named": lambda numbers: numbers["age"].truediv(7).sum(),
    "rtruediv_named": lambda numbers: numbers["age"].rtruediv(7).sum(),
    "floordiv_named": lambda numbers: numbers["age"].floordiv(7).sum(),
    "rfloordiv_named": lambda numbers: numbers["age"].rfloordiv(1000).sum(),
    "mod_named": lambda numbers: numbers["age"].mod(7).sum(),
    "rmod_named": lambda numbers: numbers["age"].rmod(1000).sum(),
    "pow_named": lambda numbers: numbers["age"].pow(2).sum(),
    "rpow_named": lambda numbers: (
        numbers["smokes"].astype(int).rpow(2).sum()
        if isinstance(numbers, pandas.DataFrame)
        else numbers["smokes"].rpow(2).sum()
    ),
    "divmod_named": lambda numbers: numbers["age"].divmod(9)[1].sum(),
    "rdivmod_named": lambda numbers: numbers["age"].rdivmod(900)[0].sum(),
    "frame_add_fill": lambda numbers: numbers[["wage", "bonus"]].add(1, fill_value=2).sum(),
    "frames_add_fill": lambda numbers: (
        numbers[["wage", "bonus"]].add(numbers[["wage", "bonus"]] / 2, fill_value=2).sum()
    ),
    # Comparisons, filters, missing values.
    "comparison": lambda numbers: (numbers["age"] >= 33).sum(),
    "comparison_not_equal": lambda numbers: (numbers["wage"] != 3200).sum(),
    "comparison_named": lambda numbers: numbers["wage"].gt(numbers["bonus"]).mean(),
    "frame_comparison": lambda numbers: (numbers[["age", "hours"]] < 35).sum(),
    "between": lambda numbers: numbers["age"].between(28, 39).sum(),
    "between_neither": lambda numbers: numbers["age"].between(28, 39, inclusive="neither").sum(),
    "comparison_with_bool": lambda numbers: (numbers["smokes"] == True).sum(),  # noqa: E712
    "isin": lambda numbers: numbers["age"].isin([28, 61]).sum(),
    "logic": lambda numbers: ((numbers["age"] > 30) & ~(numbers["hours"] == 40)).sum(),
    "logic_or": lambda numbers: ((numbers["age"] > 50) | (numbers["wage"] < 5000)).sum(),
    "filter": lambda numbers: numbers[numbers["age"] >= 30].mean(),
    "filter_column": lambda numbers: numbers["wage"][numbers["age"] >= 30].sum(),
    "filter_of_filter": lambda numbers: (lambda f: f[f["wage"] > 5000].age.mean())(
        numbers[numbers["smokes"]]
    ),
    "filter_by_bool": lambda numbers: numbers[~numbers["smokes"]].std(),
    "filters_that_differ": lambda numbers: (
        numbers[numbers["age"] > 30].wage.sum(),
        numbers.wage.sum(),
    ),
    "filter_and_all": lambda numbers: (
        numbers["wage"][numbers["age"] > 30] + numbers["age"]
    ).count(),
    "filter_keeping_na": lambda numbers: numbers[numbers["age"] > 50].wage.mean(skipna=False),
    "filter_of_none": lambda numbers: numbers[numbers["age"] > 99].wage.sum(),
    "frame_mask": lambda numbers: numbers[["age", "hours"]][numbers[["age", "hours"]] > 20].sum(),
    "isna": lambda numbers: numbers.isna().sum(),
    "notna": lambda numbers: numbers["wage"].notna().mean(),
    "fillna": lambda numbers: numbers["wage"].fillna(1000).mean(),
    "frame_fillna": lambda numbers: numbers.fillna(0).mean(),
    "dropna": lambda numbers: numbers["wage"].dropna().count(),
    "frame_dropna": lambda numbers: numbers[["wage", "bonus"]].dropna().mean(),
    "frame_dropna_subset": lambda numbers: numbers.dropna(subset=["wage"]).sum(),
    "frame_dropna_all": lambda numbers: numbers[["wage", "bonus"]].dropna(how="all").count(),
    "where": lambda numbers: numbers["wage"].where(numbers["age"] > 30, 0).sum(),
    "where_missing": lambda numbers: numbers["wage"].where(numbers["age"] > 30).count(),
    "mask": lambda numbers: numbers["age"].mask(numbers["smokes"], -1).sum(),
    "clip": lambda numbers: numbers["hours"].clip(0, 38).sum(),
    "frame_clip": lambda numbers: numbers[["age", "hours"]].clip(lower=20).sum(),
    # Functions.
    "sqrt": lambda numbers: numpy.sqrt(numbers["age"]).sum(),
    "exp": lambda numbers: numpy.exp(numbers["age"] / 100).sum(),
    "log": lambda numbers: numpy.log(numbers["age"]).mean(),
    "floor": lambda numbers: numpy.floor(numbers["wage"] / 7).sum(),
    "ceil": lambda numbers: numpy.ceil(numbers["bonus"]).sum(),
    "ufunc_operators": lambda numbers: numpy.multiply(numpy.float64(2), numbers["age"]).sum(),
    # Arithmetic on aggregates.
    "of_aggregates": lambda numbers: (numbers["wage"].sum() / numbers["age"].count()) * 2 - 1,
    "of_frame_aggregates": lambda numbers: (
        numbers[["age", "wage"]].std() / numbers[["age", "wage"]].mean()
    ),
    "of_frame_aggregate_and_number": lambda numbers: 1 - numbers.mean() / 100,
    "power_of_aggregate": lambda numbers: numbers["age"].std() ** 2 + abs(-numbers["age"].sum()),
    "aggregate_of_one_column": lambda numbers: numbers.mean()["wage"],
    "tuple": lambda numbers: (numbers.mean(), numbers["wage"].std()),
    "dict": lambda numbers: {"m": numbers.mean(), "s": numbers["age"].sum()},
    # Aggregates within rows: another round.
    "centred": lambda numbers: ((numbers["age"] - numbers["age"].mean()) ** 3).mean(),
    "frame_centred": lambda numbers: (lambda f: (f - f.mean()).abs().mean())(
        numbers[["age", "hours"]]
    ),
    "standardised": lambda numbers: (lambda f: ((f - f.mean()) / f.std()).sem())(
        numbers[["age", "hours"]]
    ),
    "three_rounds": lambda numbers: (lambda x: (x - x[x > x.mean()].mean()).abs().sum())(
        numbers["age"]
    ),
    "above_the_mean": lambda numbers: (numbers["age"] > numbers["age"].mean()).sum(),
    "filter_above_the_mean": lambda numbers: numbers["wage"][
        numbers["age"] > numbers["age"].mean()
    ].sum(),
    "filled_with_mean": lambda numbers: numbers["wage"].fillna(numbers["wage"].mean()).std(),
    # Text.
    "text_count": lambda staff: staff["dept"].count(),
    "text_equal": lambda staff: staff["wage"][staff["dept"] == "R&D"].mean(),
    "text_isin": lambda staff: staff["dept"].isin(["Ops", "Sales"]).sum(),
    "text_isna": lambda staff: staff["dept"].isna().sum(),
}

# (Sotto, pandas): where levels and edges have to be declared, or columns of text left out.
DECLARED = {
    "numeric_columns": (
        lambda staff: staff.mean(),
        lambda staff: staff.mean(numeric_only=True),
    ),
    "describe": (
        lambda numbers: numbers.describe(),
        lambda numbers: (
            numbers.assign(smokes=numbers["smokes"].astype(int))
            .describe()
            .drop(index=["min", "max"])
        ),
    ),
    "describe_column": (
        lambda numbers: numbers["wage"].describe(),
        lambda numbers: numbers["wage"].describe().drop(index=["min", "max"]),
    ),
    "value_counts": (
        lambda staff: staff["dept"].value_counts(levels=["R&D", "Ops", "Nobody"]),
        lambda staff: staff["dept"].value_counts().reindex(["R&D", "Ops", "Nobody"], fill_value=0),
    ),
    "value_counts_of_numbers": (
        lambda staff: staff["level"].value_counts(levels=[2, 1]).__truediv__(1),
        lambda staff: pandas.Series([3, 5], index=["2", "1"]),
    ),
    "value_counts_normalize": (
        lambda staff: staff["dept"].value_counts(normalize=True, levels=LEVELS),
        lambda staff: staff["dept"].value_counts(normalize=True).reindex(LEVELS),
    ),
    "hist": (
        lambda numbers: numbers["age"].hist(bins=[20, 28, 45, 61]),
        lambda numbers: pandas.Series(
            numpy.histogram(numbers["age"], [20, 28, 45, 61])[0],
            index=["[20, 28)", "[28, 45)", "[45, 61]"],
        ),
    ),
    "groupby": (
        lambda staff: staff.groupby("dept", levels=LEVELS).mean(),
        lambda staff: grouped(staff).mean(numeric_only=True),
    ),
    "groupby_column": (
        lambda staff: staff.groupby("dept", levels=LEVELS)["wage"].sum(),
        lambda staff: grouped(staff)["wage"].sum(),
    ),
    "groupby_attribute": (
        lambda staff: staff.groupby("dept", levels=LEVELS).wage.std(ddof=0),
        lambda staff: grouped(staff).wage.std(ddof=0),
    ),
    "groupby_columns": (
        lambda staff: staff.groupby("dept", levels=LEVELS)[["wage"]].count(),
        lambda staff: grouped(staff)[["wage"]].count(),
    ),
    "groupby_size": (
        lambda staff: staff.groupby("dept", levels=LEVELS).size(),
        lambda staff: grouped(staff).size(),
    ),
    "groupby_min_count": (
        lambda staff: staff.groupby("dept", levels=LEVELS)["wage"].sum(min_count=3),
        lambda staff: grouped(staff)["wage"].sum(min_count=3),
    ),
    "groupby_agg": (
        lambda staff: staff.groupby("dept", levels=LEVELS)["wage"].agg(["mean", "count"]),
        lambda staff: grouped(staff)["wage"].agg(["mean", "count"]),
    ),
    "groupby_agg_frame": (
        lambda staff: staff.groupby("dept", levels=LEVELS).agg(["mean", "count"]),
        lambda staff: grouped(staff)[["level", "wage"]].agg(["mean", "count"]),
    ),
    "groupby_any_all": (
        lambda staff: staff["level"].groupby(staff["dept"], levels=LEVELS).all(),
        lambda staff: grouped(staff)["level"].all(),
    ),
    "groupby_arithmetic": (
        lambda staff: (lambda g: g.sum() / g.count())(staff.groupby("dept", levels=LEVELS)["wage"]),
        lambda staff: grouped(staff)["wage"].mean(),
    ),
    "groupby_of_filtered": (
        lambda staff: staff[staff["wage"] > 4000].groupby("dept", levels=LEVELS)["wage"].mean(),
        lambda staff: grouped(staff[staff["wage"] > 4000])["wage"].mean(),
    ),
    "groupby_number": (
        lambda staff: staff.groupby("level", levels=[1, 2, 3]).mean(),
        lambda staff: staff.groupby("level").mean(numeric_only=True),
    ),
    "groupby_two": (
        lambda staff: staff.groupby(["dept", "level"], levels={"dept": LEVELS, "level": [1, 2, 3]})[
            "wage"
        ].sum(),
        lambda staff: (
            staff.assign(
                dept=pandas.Categorical(staff["dept"], LEVELS),
                level=pandas.Categorical(staff["level"], [1, 2, 3]),
            )
            .groupby(["dept", "level"], observed=False)["wage"]
            .sum()
        ),
    ),
    "groupby_bins": (
        lambda staff: staff.groupby("wage", bins=[0, 4000, 5500.5, 99999])["level"].sum(),
        lambda staff: staff.groupby(
            pandas.cut(staff["wage"], [0, 4000, 5500.5, 1e5], right=False).cat.rename_categories(
                ["[0, 4000)", "[4000, 5500.5)", "[5500.5, 99999]"]
            ),
            observed=False,
        )["level"].sum(),
    ),
    "groupby_other": (
        lambda staff: staff.groupby("dept", levels=["Ops"], other=True)["wage"].sum(),
        lambda staff: (
            staff.assign(dept=staff["dept"].replace({"R&D": "(other)", "Sales": "(other)"}))
            .groupby("dept")["wage"]
            .sum()
            .reindex(["Ops", "(other)"])
        ),
    ),
}

CASES = {name: (function, function) for name, function in SAME.items()} | DECLARED


def grouped(staff):
    key = pandas.Categorical(staff["dept"], LEVELS)
    return staff.assign(dept=key).groupby("dept", observed=False)


def plain_index(index):
    """The same labels without pandas' type of categories, which a result does not have."""
    if isinstance(index, pandas.MultiIndex):
        return pandas.MultiIndex.from_tuples(list(index), names=index.names)
    return pandas.Index(list(index), name=index.name)


def check_equal(found, expected):
    if isinstance(expected, tuple | dict):
        assert type(found) is type(expected)
        assert len(found) == len(expected)
        keys = expected if isinstance(expected, dict) else range(len(expected))
        for key in keys:
            check_equal(found[key], expected[key])
    elif isinstance(expected, pandas.DataFrame | pandas.Series):
        expected.index = plain_index(expected.index)
        loose = {"check_dtype": False, "check_index_type": False, "rtol": TOLERANCE, "atol": 0}
        if isinstance(expected, pandas.DataFrame):
            pandas.testing.assert_frame_equal(found, expected, check_column_type=False, **loose)
        else:
            pandas.testing.assert_series_equal(found, expected, check_names=False, **loose)
    else:
        assert found == pytest.approx(expected, rel=TOLERANCE, abs=0, nan_ok=True)


@pytest.mark.parametrize("name", CASES)
def test_an_operation_is_that_of_pandas(node, name):
    asked, expected = CASES[name]
    task = node.create_task(Asked(asked).build())
    assert node.wait(task), node.get_result(task)
    frame = pooled(f"{argument(asked)}.csv")
    check_equal(node.get_result(task), expected(frame))


def test_every_public_operation_of_delta_is_there():
    """The list of DELTA: reductions, operators and their named forms."""
    reductions = "all any count sum mean var std sem"
    named = "add sub mul div truediv floordiv mod pow"
    reflected = "radd rsub rmul rdiv rtruediv rfloordiv rmod rpow"
    for name in f"{reductions} {named} {reflected}".split():
        assert callable(getattr(sotto.pandas.Series, name))
        assert callable(getattr(sotto.pandas.DataFrame, name))


def test_a_regression_is_that_of_numpy(node):
    def fit(numbers):
        return sotto.pandas.ols(numbers["wage"], numbers[["age", "hours"]], numbers["smokes"])

    task = node.create_task(Asked(fit).build())
    assert node.wait(task)
    found = node.get_result(task)
    rows = pooled("numbers.csv")[["wage", "age", "hours", "smokes"]].dropna().astype(float)
    x = rows[["age", "hours", "smokes"]].to_numpy()
    x = numpy.column_stack([numpy.ones(len(x)), x])
    params, squares, *_ = numpy.linalg.lstsq(x, rows["wage"], rcond=None)
    assert list(found.params.index) == ["const", "age", "hours", "smokes"]
    assert found.params.to_numpy() == pytest.approx(params, rel=1e-9)
    assert (found.nobs, found.df_resid) == (len(x), len(x) - 4)
    assert found.residual_sd == pytest.approx((squares[0] / (len(x) - 4)) ** 0.5, rel=1e-9)
    covariance = found.residual_sd**2 * numpy.linalg.inv(x.T @ x)
    assert found.bse.to_numpy() == pytest.approx(numpy.sqrt(numpy.diag(covariance)), rel=1e-9)
    assert found.tvalues.to_numpy() == pytest.approx(found.params / found.bse, rel=1e-12)
    assert "R-squared" in repr(found)
    with pytest.raises(sotto.NotSupported, match="get_result"):
        Asked(lambda numbers: fit(numbers) * 2).build()


def test_a_regression_without_intercept():
    def fit(numbers):
        return sotto.pandas.ols(numbers["wage"], numbers["age"], intercept=False)

    plan = Asked(fit).build().plan
    assert plan["select"] == {"result": "ols(numbers.wage, numbers.age, intercept=0)"}
    for bad in (
        lambda numbers: sotto.pandas.ols(numbers, numbers["age"]),
        lambda numbers: sotto.pandas.ols(numbers["wage"]),
        lambda numbers: sotto.pandas.ols(numbers["wage"], 3),
        lambda numbers: sotto.pandas.ols(numbers[numbers["age"] > 3]["wage"], numbers["age"]),
    ):
        with pytest.raises(sotto.PlanError, match="ols"):
            Asked(bad).build()
