# SPDX-License-Identifier: Apache-2.0
"""What people who know pandas write: answered as pandas does, or refused with what to do."""

import inspect

import numpy as np
import pandas as pd
import pytest

import sotto
from sotto.errors import NotAnAggregate, NotSupported

LEVELS = ["R&D", "Sales", "HR"]
BOTH = {"dept": LEVELS, "sex": ["f", "m"]}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(5)
    rows = 400
    data = pd.DataFrame(
        {
            "id": range(rows),
            "age": rng.integers(18, 90, rows),
            "wage": np.round(rng.uniform(1500, 9000, rows), 2),
            "hours": np.round(rng.uniform(10, 45, rows), 1),
            "dept": rng.choice(LEVELS, rows),
            "sex": rng.choice(["f", "m"], rows),
            "smokes": rng.choice([True, False], rows),
            "height": np.round(rng.normal(1.7, 0.1, rows), 2),
            "weight": np.round(rng.normal(75, 12, rows), 1),
        }
    )
    data.loc[::17, "wage"] = np.nan
    return data


# Lines, and where ours has to say more than pandas', pandas' line.
ANSWERED = """
df.wage.mean()
df["wage"].sum()
df["wage"].std()
df.wage.count()
df.wage.var(ddof=0)
df.wage.sem()
df.wage.skew()
df[["age", "wage"]].mean()
df.mean(numeric_only=True)
df.sum(numeric_only=True)
df.wage.median()
df.wage.quantile(0.9)
df.wage.quantile([0.25, 0.75])
df.wage.min()
df.wage.max()
df.wage.max() - df.wage.min()
df[["age", "wage"]].max()
df.wage.describe() ~ df.wage.describe().drop(["min", "max"])
df[["age", "wage"]].describe() ~ df[["age", "wage"]].describe().drop(["min", "max"])
df.wage.agg("mean")
df.wage.agg(["mean", "std"])
df.agg({"wage": "mean"})
df.agg({"wage": "mean", "age": "std"})
df.agg({"wage": ["mean", "std"], "age": ["mean"]})
df[["age", "wage"]].agg(["mean", "std"])
df.agg(avg=("wage", "mean"), n=("wage", "count"))
df.agg(low=("wage", "min"), high=("age", "max"))
df.agg({"wage": np.mean})
df.wage.agg(np.mean)
df[["age", "wage"]].agg(lambda s: s.max() - s.min())
df.wage.agg(np.std)
df.wage.agg([np.std, np.var])
df.agg({"wage": np.var, "age": np.std})
df[["age", "wage"]].apply(np.std)
df[["age", "wage"]].agg(np.median)
df[["age", "wage"]].agg(sum)
df[["age", "hours"]].apply(np.std, axis=1).mean()
df[["age", "wage"]].apply(sum, axis=1).count()
df[["age", "wage"]].apply("mean", axis=1).mean()
np.mean(df.wage)
np.std(df.wage)
np.var(df.wage)
np.sum(df.wage)
np.max(df.wage)
np.median(df.wage)
np.nanmedian(df.wage)
np.nanpercentile(df.wage, 90)
np.average(df.hours, weights=df.age)
np.count_nonzero(df.smokes)
df.shape[0]
df[df.age > 60].shape[0]
df.wage.isna().sum()
df[["age", "wage"]].isna().sum()
df.isnull().mean(numeric_only=True) ~ df.drop(columns=["dept", "sex"]).isnull().mean()
df[["age", "wage"]].isna().any()
(df.age > 60).sum()
(df.age > 60).mean()
df[df.age > 60].wage.mean()
df.loc[df.age > 60, "wage"].mean()
df.loc[df.age > 60].wage.mean()
df.loc[:, "wage"].mean()
df.loc[df.sex == "f", ["wage", "age"]].mean()
df.wage.loc[df.age > 60].mean()
df.query("age > 60").wage.mean()
df.query("age > 60 and sex == 'f'").wage.mean()
df.query("age > @limit").wage.mean()
df.query("18 <= age < 65").wage.mean()
df.query("not smokes and dept in ['HR', 'Sales']").wage.mean()
df.query("dept != ['HR', 'Sales'] or `wage` > 5000").age.mean()
df.query("wage.isna()").age.mean()
df[(df.age > 30) & (df.sex == "f")].wage.mean()
df[df.dept.isin(["R&D", "HR"])].wage.mean()
df[~df.smokes].wage.mean()
df[df.age.between(30, 50)].wage.mean()
df.assign(bmi=df.weight / df.height**2).bmi.mean()
df.assign(bmi=lambda d: d.weight / d.height**2)["bmi"].mean()
df.assign(a=df.age * 2, b=lambda d: d.a + 1)[["a", "b", "age"]].mean()
df["bmi"] = df.weight / df.height**2; df.bmi.mean()
df["bmi"] = df.weight / df.height**2; df[["bmi", "age"]].corr()
df["wage"] = df["wage"] * 12; df.wage.mean()
df["wage"] = df["wage"] * 12; df["wage"] = df["wage"] + 1; df[["age", "wage"]].mean()
x = df.wage.mean(); df["wage"] = df["wage"] * 12; df.wage.mean() - x
df.loc[df.age > 60, "wage"] = 0; df.wage.mean()
df["old"] = df.age > 65; df[df.old].wage.mean()
del df["id"]; df[["age", "wage"]].mean()
df.pop("age").mean()
df["bmi"] = df.weight / df.height**2; df.mean(numeric_only=True)
df.eval("weight / height**2").mean()
df.eval("bmi = weight / height**2").bmi.mean()
df.eval("a = age * 2\\n`b` = a == @limit").b.mean()
df.rename(columns={"wage": "pay"}).pay.mean()
df.rename(columns={"wage": "pay"})[["pay", "age"]].mean()
df.rename(columns={"wage": "age", "age": "wage"})[["wage", "age"]].mean()
df.rename(columns={"wage": "pay"}).mean(numeric_only=True)
df.drop(columns=["id"]).mean(numeric_only=True)
df.drop("id", axis=1).corr(numeric_only=True)
df.filter(items=["wage", "age"]).mean()
df[["age", "wage", "weight"]].filter(like="w").mean()
df.wage.to_frame().mean()
df.set_index("id").wage.mean()
df.wage.astype(float).mean()
df.age.astype("int64").mean()
df.hours.astype(int).mean()
(-df.hours).astype(int).mean()
df.smokes.astype(int).sum()
df.astype({"age": float}).age.mean()
df.wage.fillna(0).mean()
df.wage.fillna(df.wage.mean()).std()
df.dropna(subset=["wage"]).age.mean()
df[["age", "wage"]].dropna().mean()
df[["age", "wage"]].dropna(axis=0).mean()
df[df[["age", "wage"]].count(axis=1) >= 2].wage.mean()
df.groupby("dept", levels=LEVELS).wage.mean() ~ df.groupby("dept").wage.mean()[LEVELS]
df.groupby("dept", levels=LEVELS).wage.max() ~ df.groupby("dept").wage.max()[LEVELS]
df.groupby("dept", levels=LEVELS).size() ~ df.groupby("dept").size()[LEVELS]
df.groupby("dept", levels=LEVELS).agg({"wage": "mean", "age": "std"}) \
    ~ df.groupby("dept").agg({"wage": "mean", "age": "std"}).loc[LEVELS]
df.groupby("dept", levels=LEVELS).agg({"wage": ["mean", "sum"]}) \
    ~ df.groupby("dept").agg({"wage": ["mean", "sum"]}).loc[LEVELS]
df.groupby("dept", levels=LEVELS).agg(avg=("wage", "mean"), n=("age", "count")) \
    ~ df.groupby("dept").agg(avg=("wage", "mean"), n=("age", "count")).loc[LEVELS]
df.groupby("dept", levels=LEVELS).wage.agg(["mean", "std"]) \
    ~ df.groupby("dept").wage.agg(["mean", "std"]).loc[LEVELS]
df.groupby("dept", levels=LEVELS)[["wage", "age"]].agg(np.std) \
    ~ df.groupby("dept")[["wage", "age"]].agg(np.std).loc[LEVELS]
df.groupby("dept", levels=LEVELS).agg({"wage": sum, "age": np.median}) \
    ~ df.groupby("dept").agg({"wage": sum, "age": np.median}).loc[LEVELS]
df.groupby(["dept", "sex"], levels=BOTH).wage.mean() \
    ~ df.groupby(["dept", "sex"]).wage.mean().reindex(LEVELS, level="dept")
df.rename(columns={"dept": "unit"}).groupby("unit", levels=LEVELS).age.mean() \
    ~ df.groupby("dept").age.mean()[LEVELS]
sotto.pandas.crosstab(df.dept, df.sex, levels=BOTH) ~ pd.crosstab(df.dept, df.sex).loc[LEVELS]
df.dept.value_counts(levels=LEVELS) ~ df.dept.value_counts()[LEVELS]
df.dept.value_counts(normalize=True, levels=LEVELS) ~ df.dept.value_counts(normalize=True)[LEVELS]
df.dept.mode(levels=LEVELS) ~ df.dept.mode()
df.dept.nunique(levels=LEVELS) ~ df.dept.nunique()
np.histogram(df.wage, bins=[0, 3000, 9000])[0]
df.wage.corr(df.age)
df.corr(numeric_only=True)
df[["age", "wage"]].cov()
np.where(df.age > 60, 1, 0).mean()
np.where(df.sex == "f", df.wage, 0).sum()
np.where(df.sex == "f", df.age, 0).sum()
np.nansum(np.where(df.sex == "f", df.wage, 0))
np.nanstd(np.where(df.sex == "f", df.wage, 0))
np.mean(np.where(df.sex == "f", df.wage, 0))
np.where(df.sex == "f", df.age, 0).std()
np.where(df.age > 60, 1, 0).var()
np.where(df.age > 60, 1, 0).var(ddof=1)
(np.where(df.age > 60, 1, 0) * 2 + 1).std()
np.log(np.where(df.age > 60, 2, 1)).std()
(np.where(df.age > 60, 1, 0) + df.wage).std()
(df.wage * np.where(df.age > 60, 1, 0)).sum()
np.maximum(np.where(df.age > 60, 2000, 0), df.wage).sum()
np.maximum(np.where(df.age > 60, 2000, 0), 1000).std()
df["x"] = np.where(df.age > 60, df.wage, 0); df.x.std()
np.select([df.age < 30, df.age < 60], [df.wage, 2], 3).mean()
np.select([df.age < 30, df.age < 60], [1, 2], 3).std()
np.select([df.age < 30, df.age < 60], [1, 2], 3).mean()
np.log(df.wage).mean()
np.sqrt(df.wage).mean()
np.clip(df.wage, 0, 5000).mean()
np.maximum(df.wage, 2000).mean()
np.minimum(df.hours, df.age).mean()
np.minimum(df.wage, df.age * 100).mean()
np.round(df.wage).mean()
df.wage.clip(upper=5000).mean()
df.wage.clip(5000, 2000).mean()
df[["age", "hours"]].clip(40, 20).sum()
df.age.clip(df.hours * 2, 50).mean()
df.age.clip(df.hours * 2, df.hours + 20).mean()
df.age.clip(30, np.nan).mean()
((df.age > 60) | (df.hours > 30)).sum()
((df.age > 60).astype(int) + (df.hours > 30)).sum()
((df.age > 60) * 1 + (df.hours > 30)).sum()
(np.where(df.age > 60, 1, 0) + np.where(df.hours > 30, 1, 0)).sum()
sum([df.age > 60, df.hours > 30]).sum()
(df.wage * 12).mean()
(df.wage / df.hours).mean()
((df.wage - df.wage.mean()) ** 2).sum()
((df.wage - df.wage.mean()) / df.wage.std()).pow(3).mean()
df.wage.apply(lambda x: x * 2).mean()
df.wage.apply(np.log).mean()
df[["age", "hours"]].apply(np.mean)
df.apply(lambda row: row["weight"] / row["height"] ** 2, axis=1).mean()
df.wage.map(lambda x: x + 1).mean()
df.wage.pipe(np.log).mean()
df.sex.map({"m": 0, "f": 1}).mean()
df.age.replace(18, np.nan).mean()
df.age.replace({18: 19, 19: 20}).mean()
df.wage.replace(np.nan, 0).count()
df.wage.replace({np.nan: 0}).mean()
df.wage.replace([np.nan, 18], [7, 8]).sum()
df.wage.isin([1500, np.nan]).sum()
df.wage.isin([pd.NaT, np.nan]).sum()
(~df.wage.isin([np.nan])).sum()
df[["age", "wage"]].isin([18, np.nan]).sum()
df.wage.map({np.nan: 7}).sum()
df.wage.round(-2).mean()
df[["age", "wage"]].sum(axis=1).mean()
df.age.gt(60).sum()
"""

REFUSED = """
len(df) ~ df.shape[0]
df.size ~ df.shape[0]
df.empty ~ df.shape[0]
list(df.columns) ~ columns('wages.csv')
df.columns ~ columns('wages.csv')
df.dtypes ~ columns('wages.csv')
df.head() ~ rows never leave
df.wage.values ~ rows never leave
df.iloc[0] ~ rows never leave
df.loc[5] ~ by a condition
[row for row in df.iterrows()] ~ rows never leave
sorted(df.dept) ~ rows never leave
df.wage.sort_values() ~ rows never leave
df.wage.cumsum() ~ rows never leave
df.wage.nlargest(3) ~ hist(bins=[...])
df.wage.rank() ~ hist(bins=[...])
df.wage.idxmax() ~ min() and max()
df.to_csv("x.csv") ~ rows never leave
df.groupby("dept").wage.mean() ~ levels=['R&D', 'Sales']
df.dept.value_counts() ~ levels=['R&D', 'Sales']
df.dept.unique() ~ value_counts(levels=[...])
np.where(df[["age", "hours"]] > 30, 1, 0).sum() ~ df.where
pd.cut(df.age, [0, 30, 60]) ~ bins=[...]
pd.crosstab(df.dept, df.sex) ~ sotto.pandas.crosstab
df.pivot_table(values="wage", index="dept") ~ groupby(['dept', 'sex'], levels
np.percentile(df.age, 90) ~ numpy.nanpercentile
np.corrcoef(df.age, df.hours) ~ .corr()
df.corr(method="spearman") ~ pearson
df.merge(df, on="id") ~ each dataset apart
df.wage.prod() ~ numpy.log
df.wage.apply(lambda x: max(x, 0)) ~ bool()
df.wage.apply(str) ~ operators
((df.age > 60) + (df.hours > 30)).sum() ~ say |
((df.age > 60) - (df.hours > 30)).sum() ~ astype(int)
(df.age > 60).add(df.wage.isna()).sum() ~ say |
np.add(df.age.isin([18]), ~(df.age > 60)).sum() ~ say |
((df.age > 60) + True).sum() ~ say |
((df.age > 60).where(df.age > 20, False) + df.age.between(20, 30)).sum() ~ say |
df["old"] = df.age > 60; (df.old + (df.hours > 30)).sum() ~ say |
(df[["age", "hours"]].isna() + (df[["age", "hours"]] > 60)).sum() ~ say |
(df.sex.str.startswith("f") + df.smokes.astype(bool)).sum() ~ say |
((df.age > 60) / (df.hours > 30)).sum() ~ astype(int)
(-(df.age > 60)).sum() ~ say ~
np.negative(df.wage.isna()).sum() ~ say ~
df.wage.isin([None]).sum() ~ numpy.nan
df.wage.replace({pd.NA: 0}).sum() ~ isna()
df.wage.map({None: 7}).sum() ~ numpy.nan
df.wage.astype(str).count() ~ float, int and bool
df["one"] = 1; df.one.mean() ~ needs no column
df.query("age.sum() > 60").wage.mean() ~ there are columns
df.query("3 in age").wage.mean() ~ age in [18, 19]
df.query("[3] in age").wage.mean() ~ age in [18, 19]
df.query("age ^ smokes").wage.mean() ~ there are columns
df.query("age is smokes").wage.mean() ~ there are columns
((df.age > 60) ^ df.smokes).sum() ~ say !=
(True ^ df.smokes).sum() ~ say !=
df.age @ df.hours ~ .sum()
df.dropna(thresh=3).wage.mean() ~ count(axis=1)
df.dropna(axis=1).mean() ~ choose the columns
df.wage.apply("mean") ~ agg('mean')
df.groupby("dept", levels=LEVELS).wage.agg(lambda s: np.std(s)) ~ agg(numpy.std)
np.maximum(df.wage, np.nan).count() ~ all would be NaN
np.log(df.wage.mean()) ~ get_result()
round(df.wage.mean(), 2) ~ get_result()
f"{df.wage.mean():.2f}" ~ get_result()
df.T ~ transpose
pd.to_numeric(df.wage).mean() ~ astype()
pd.get_dummies(df.dept) ~ C(df['sex'], levels=[...])
pd.to_datetime(df.dept) ~ a file's types
df.resample("M", on="age").wage.mean() ~ dt.month
df[["dept", "sex"]].value_counts() ~ sotto.pandas.crosstab
df.groupby("dept", levels=LEVELS).wage.transform("mean") ~ groups have count
df.groupby("smokes").wage.mean() ~ [True, False]
sotto.pandas.crosstab(df.dept, df.sex, levels=BOTH, normalize="index") ~ counts.div(
sotto.stats.ttest_ind(df.wage, df.age, nan_policy="omit") ~ are left out
sotto.stats.kruskal(df.wage, df.age) ~ f_oneway
df.reset_index().wage.mean() ~ no index
df.select_dtypes("number").mean() ~ df[['wage', 'age']]
"""


def lines(text):
    joined = text.replace("\\\n", "").strip().splitlines()
    return [[part.strip() for part in line.split(" ~ ")] for line in joined]


def asked(line, df):
    scope = {"df": df, "np": np, "pd": pd, "sotto": sotto, "limit": 60}
    scope |= {"LEVELS": LEVELS, "BOTH": BOTH, "glm": sotto.glm, "MNLogit": sotto.MNLogit}
    *before, last = line.split("; ")
    for statement in before:
        exec(statement, scope)
    return eval(last, scope)


def numbers(value):
    flat = value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)
    return flat.ravel()


@pytest.mark.parametrize("line", lines(ANSWERED), ids=lambda line: line[0])
def test_it_is_answered_as_pandas_does(line, frame):
    found = sotto.local(frame, lambda df: asked(line[0], df))
    expected = asked(line[-1], frame.copy())
    if isinstance(expected, pd.DataFrame):
        assert list(found.columns) == list(expected.columns)
        assert list(found.index) == list(expected.index)
    elif isinstance(expected, pd.Series) and expected.index.dtype == object:
        assert list(found.index) == list(expected.index)
    if numbers(expected).dtype == object or numbers(expected).dtype.kind in "UT":
        assert list(numbers(found)) == list(numbers(expected))
    else:
        np.testing.assert_allclose(
            numbers(found).astype(float), numbers(expected).astype(float), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("line", lines(REFUSED), ids=lambda line: line[0])
def test_it_is_refused_with_what_to_do(line, frame):
    with pytest.raises((NotSupported, NotAnAggregate)) as refused:
        sotto.local(frame, lambda df: asked(line[0], df))
    assert line[1] in str(refused.value)


def test_most_is_answered():
    answered, refused = len(lines(ANSWERED)), len(lines(REFUSED))
    assert answered + refused >= 115
    assert answered >= 0.7 * (answered + refused)


@pytest.mark.parametrize(
    ("line", "define", "select"),
    [
        (
            "df['bmi'] = df.kg / df.m**2; df.bmi.mean()",
            {"bmi": "data.kg / data.m ** 2"},
            "mean(data.bmi)",
        ),
        (
            "df['a'] = df.a * 2; df['a'] = df.a + 1; df.a.sum()",
            {"a": "data.a * 2 + 1"},
            "sum(data.a)",
        ),
        (
            "b = df.a.mean(); df['a'] = df.a * 2; df.a.mean() - b",
            {"a_2": "data.a * 2"},
            "mean(data.a_2) - mean(data.a)",
        ),
        (
            "c = df.copy(); c['x'] = df.a * 2; df['x'] = df.a * 3; c.x.sum() + df.x.sum()",
            {"x": "data.a * 2", "x_2": "data.a * 3"},
            "sum(data.x) + sum(data.x_2)",
        ),
        (
            "df['odd name'] = -df.a; df['odd name'].sum()",
            {"`odd name`": "-data.a"},
            "sum(data.`odd name`)",
        ),
    ],
)
def test_columns_are_defined_in_the_plan(line, define, select):
    plan = sotto.task.without_columns(
        "query",
        {"data": "data.csv"},
        lambda frames: sotto.task.Task(
            sotto._plan.compose("query", {"data": "data.csv"}, asked(line, frames["data"]), {})
        ),
    ).plan
    assert plan["define"] == define
    assert plan["select"]["result"] == select


def test_parts_with_brackets_in_their_names():
    data = pd.DataFrame({"a[b]": [1.0, 2, 3], 'c]["d': [1.0, 2, 6]})
    found = sotto.local(data, lambda df: df.agg({"a[b]": "mean", 'c]["d': "mean"}))
    assert found.to_dict() == {"a[b]": 2.0, 'c]["d': 3.0}


@pytest.mark.parametrize(
    "line",
    [
        "df.t.isin(['x', np.nan]).sum()",
        "df.t.map({'x': 1, np.nan: 5}).sum()",
        "df.d.isin([pd.NaT]).sum()",
    ],
)
def test_keys_that_are_missing_among_texts_and_dates(line):
    dates = pd.to_datetime(["2020-01-01", None, "2021-01-01", None])
    data = pd.DataFrame({"t": ["x", None, "y", "x"], "d": dates})
    assert sotto.local(data, lambda df: asked(line, df)) == asked(line, data)


@pytest.mark.parametrize("rows", [lambda df: df, lambda df: df[df.age > 30]])
def test_a_mistyped_method_of_a_frame_is_no_column(rows, frame):
    """Of a whole frame any name may be a column's: it is known when it is called."""
    with pytest.raises(AttributeError, match="has no attribute 'maen'; did you mean 'mean'"):
        sotto.local(frame, lambda df: rows(df).maen())
    with pytest.raises(AttributeError, match="did you mean 'groupby'"):
        sotto.local(frame, lambda df: rows(df).groupbyy("dept"))
    with pytest.raises(TypeError, match="is a column, no function"):
        sotto.local(frame, lambda df: rows(df)["wage"]())
    found = sotto.local(frame, lambda df: rows(df)[["wage"]].where(rows(df).smokes).count())
    assert found["wage"] == rows(frame)[["wage"]].where(rows(frame).smokes).wage.count()


def test_a_column_is_no_function(frame):
    """Where pandas takes functions: apply() and agg() say what they expect, of any column."""
    for ask in (lambda df: df.age.apply(df.wage), lambda df: df.age.map(df["wage"])):
        with pytest.raises(sotto.errors.NotSupported, match=r"apply.*expected a function"):
            sotto.local(frame, ask)
    with pytest.raises(sotto.errors.NotSupported, match=r"agg.*name one of"):
        sotto.local(frame, lambda df: df.age.agg(df.wage))


def test_a_frame_is_not_given_attributes(frame):
    with pytest.raises(sotto.errors.PlanError, match=r"df\['wage'\] = "):
        sotto.local(frame, lambda df: setattr(df, "wage", df.age))


WEIGHTED = """
df["n"] = df.age * 3; glm("wage~hours", df, weights=df.n) \
    ~ glm("wage~hours", df, weights=df.age * 3)
df["age"] = df.age * 3; glm("wage~hours", df, weights=df.age) \
    ~ glm("wage~hours", df, weights=df.age * 3)
df["age"] = df.age * 0; glm("wage~hours", df, "poisson", offset=df.age) \
    ~ glm("wage~hours", df, "poisson")
old = df.height; df["height"] = df.hours; glm("id~height", df, "poisson", offset=2 * old) \
    ~ glm("id~hours", df, "poisson", offset=2 * df.height)
df["hours"] = df.hours + 1; df = df[df.sex == "f"]; glm("wage~age", df, weights=df.hours) \
    ~ df = df[df.sex == "f"]; glm("wage~age", df, weights=df.hours + 1)
w = df.hours; glm("wage~age", df[df.sex == "f"], weights=w) \
    ~ df = df[df.sex == "f"]; glm("wage~age", df, weights=df.hours)
df["hours"] = df.hours * 3; MNLogit(df.dept, df[["weight"]], levels=LEVELS).fit(weights=df.hours) \
    ~ MNLogit(df.dept, df[["weight"]], levels=LEVELS).fit(weights=df.hours * 3)
"""


@pytest.mark.parametrize("line", lines(WEIGHTED), ids=lambda line: line[0])
def test_weights_and_offsets_are_those_of_assigned_columns(line, frame):
    found = sotto.local(frame, lambda df: asked(line[0], df))
    expected = sotto.local(frame, lambda df: asked(line[1], df))
    np.testing.assert_array_equal(numbers(found.params), numbers(expected.params))
    np.testing.assert_array_equal(numbers(found.bse), numbers(expected.bse))


@pytest.mark.parametrize(
    "line",
    [
        "glm('wage ~ age', df, weights=df.hours[df.sex == 'f'])",
        "glm('wage ~ age', df[df.sex == 'f'], offset=df[df.sex == 'm'].hours)",
        "MNLogit(df.dept, df.age, levels=LEVELS).fit(weights=df.hours[df.sex == 'f'])",
    ],
)
def test_weights_of_other_rows_are_refused(line, frame):
    with pytest.raises(NotSupported, match="filter the frame"):
        sotto.local(frame, lambda df: asked(line, df))


@pytest.mark.parametrize("line", ["df", "df.age"])
def test_nothing_is_changed_in_place(line, frame):
    """Every method that pandas lets change its object says what to write instead."""
    theirs = eval(line, {"df": frame})
    named = [
        name
        for name in dir(type(theirs))
        if callable(getattr(type(theirs), name))
        and not name.startswith("_")
        and "inplace" in inspect.signature(getattr(type(theirs), name)).parameters
    ]
    assert len(named) > 10

    def ask(df, name):
        getattr(eval(line, {"df": df}), name)("age = wage", inplace=True)

    for name in named:
        with pytest.raises((NotSupported, AttributeError), match=name) as caught:
            sotto.local(frame, lambda df, name=name: ask(df, name))
        if isinstance(caught.value, NotSupported) and "inplace" in str(caught.value):
            assert f"write x = x.{name}(...)" in str(caught.value)
