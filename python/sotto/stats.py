# SPDX-License-Identifier: Apache-2.0
"""Tests of columns of the datasets, with the names and results of scipy.stats.

They take lazy columns and give what a task may return; nothing runs before the task does:

    def execute(self, wages):
        women, men = wages[wages.sex == "f"], wages[wages.sex == "m"]
        return sotto.stats.ttest_ind(women.wage, men.wage, equal_var=False)

Missing values are left out, as with nan_policy="omit". Probabilities are two-sided, unless
alternative says less or greater.
"""

from __future__ import annotations

from typing import NoReturn

from ._expression import Call, Expression, call, literal
from .errors import PlanError
from .pandas._aggregate import Aggregate
from .pandas._crosstab import crosstab
from .pandas._refusals import MissingOperation, refuse_other_options
from .pandas._rowwise import check_one_dataset
from .pandas._series import Series
from .pandas._ufuncs import plain

__all__ = [
    "binomtest",
    "chi2_contingency",
    "crosstab",
    "f_oneway",
    "fisher_exact",
    "pearsonr",
    "proportion",
    "smd",
    "ttest_1samp",
    "ttest_ind",
    "ttest_rel",
    "var_interval",
    "weighted",
    "weighted_ttest",
]

_LEVEL = 0.95


_as_omit = refuse_other_options(
    "missing values are left out, as with nan_policy='omit', and rows are not drawn again"
)


def __getattr__(name: str) -> NoReturn:
    if name.startswith("_"):
        raise AttributeError(f"module 'sotto.stats' has no attribute {name!r}")
    raise MissingOperation(
        f"sotto.stats.{name} is not supported: there are {', '.join(__all__)}; what ranks rows, as "
        "mannwhitneyu and kruskal do, can't be asked"
    )


def _samples(name: str, samples: tuple[Series, ...]) -> list[Expression]:
    """What the columns are, each missing where it is filtered out."""
    for sample in samples:
        if not isinstance(sample, Series):
            raise PlanError(f"{name}({sample!r}): expected columns, such as df['wage']")
    check_one_dataset(*(sample._expression for sample in samples))
    return [sample._rows.only_where_filtered() for sample in samples]


def _options(confidence_level: float) -> dict[str, int | str]:
    percent = round(confidence_level * 100, 9)
    if percent != int(percent) or not 1 <= percent <= 99:
        raise PlanError(
            f"confidence_level={confidence_level!r}: expected whole per cents, 0.01 to 0.99"
        )
    return {} if percent == 95 else {"level": int(percent)}


def _sided(alternative: str) -> dict[str, int | str]:
    if alternative not in ("two-sided", "less", "greater"):
        raise PlanError(f"alternative={alternative!r}: expected two-sided, less or greater")
    return {} if alternative == "two-sided" else {"alternative": alternative}


@_as_omit
def ttest_ind(
    a: Series,
    b: Series,
    *,
    equal_var: bool = True,
    alternative: str = "two-sided",
    confidence_level: float = _LEVEL,
) -> Aggregate:
    """Student's t-test of two samples; with equal_var=False Welch's.

    The result has statistic, pvalue, df, confidence_interval() of the difference of the means, and
    difference, standard_error, d (Cohen's), mean_x, mean_y, count_x, count_y.
    """
    options = _options(confidence_level) | ({"equal_var": 1} if equal_var else {})
    options |= _sided(alternative)
    return Aggregate(call("ttest", *_samples("ttest_ind", (a, b)), **options), "test")


@_as_omit
def ttest_rel(
    a: Series, b: Series, *, alternative: str = "two-sided", confidence_level: float = _LEVEL
) -> Aggregate:
    """The t-test of the differences of pairs, over the rows where both are present."""
    arguments = _samples("ttest_rel", (a, b))
    options = _options(confidence_level) | _sided(alternative)
    return Aggregate(call("ttest_paired", *arguments, **options), "test")


@_as_omit
def ttest_1samp(
    a: Series,
    popmean: float,
    *,
    alternative: str = "two-sided",
    confidence_level: float = _LEVEL,
) -> Aggregate:
    """The t-test of one sample's mean against a number.

    confidence_interval() and mean are of the values less popmean.
    """
    (sample,) = _samples("ttest_1samp", (a if popmean == 0 else a - popmean,))
    options = _options(confidence_level) | _sided(alternative)
    return Aggregate(call("ttest_one", sample, **options), "test")


def _weights(kind: str) -> dict[str, int | str]:
    if kind not in ("frequency", "probability"):
        raise PlanError(f"kind={kind!r}: expected frequency or probability")
    return {"weights": kind}


def weighted(
    x: Series,
    weights: Series,
    *,
    kind: str,
    alternative: str = "two-sided",
    confidence_level: float = _LEVEL,
) -> Aggregate:
    """The mean of rows with weights, tested against 0, with its interval.

    kind: "frequency", a row stands for so many (statsmodels' DescrStatsW), or "probability", it was
    drawn with one over so much (R's svymean). The result has statistic (t), pvalue, df,
    confidence_interval(), mean, standard_error, variance, std, sum_weights, effective_count, count.
    """
    options = _weights(kind) | _options(confidence_level) | _sided(alternative)
    return Aggregate(call("weighted", *_samples("weighted", (x, weights)), **options), "test")


def weighted_ttest(
    a: Series,
    b: Series,
    weights: Series,
    *,
    kind: str,
    alternative: str = "two-sided",
    confidence_level: float = _LEVEL,
) -> Aggregate:
    """The t-test of two samples of rows with weights: Welch's of frequencies, or R's svyttest.

    The result is that of ttest_ind, with sum_weights_x and sum_weights_y.
    """
    arguments = _samples("weighted_ttest", (a, b, weights))
    options = _weights(kind) | _options(confidence_level) | _sided(alternative)
    return Aggregate(call("weighted_ttest", *arguments, **options), "test")


def smd(a: Series, b: Series, *, confidence_level: float = _LEVEL) -> Aggregate:
    """The standardised mean difference, in units of the root of the mean of both variances.

    The result has statistic (smd), confidence_interval(), standard_error, mean_x, mean_y, std_x,
    std_y, count_x, count_y. The variance of a condition is p (1 - p).
    """
    return Aggregate(call("smd", *_samples("smd", (a, b)), **_options(confidence_level)), "test")


def f_oneway(*samples: Series) -> Aggregate:
    """Analysis of variance of one way, of two samples or more.

    The result has statistic, pvalue, df_between, df_within, ss_between, ss_within, ms_between,
    ms_within, eta_squared, residual_sd, and counts and means as Series.
    """
    if len(samples) < 2:
        raise PlanError("f_oneway(): expected two samples or more")
    return Aggregate(call("anova", *_samples("f_oneway", samples)), "test")


def pearsonr(
    x: Series, y: Series, *, alternative: str = "two-sided", confidence_level: float = _LEVEL
) -> Aggregate:
    """Pearson's correlation with its test, over the rows where both are present.

    The result has statistic (r), pvalue, confidence_interval(), t, df, r2 and count.
    """
    arguments = _samples("pearsonr", (x, y))
    options = _options(confidence_level) | _sided(alternative)
    return Aggregate(call("pearson", *arguments, **options), "test")


def _of_table(name: str, table: Aggregate, **options: int | str) -> Aggregate:
    expression = table._expression if isinstance(table, Aggregate) else None
    if not isinstance(expression, Call) or expression.function != "crosstab":
        raise PlanError(f"{name}({table!r}): expected crosstab(index, columns, levels={{...}})")
    return Aggregate(call(name, *expression.arguments, **options), "test")


def chi2_contingency(observed: Aggregate, correction: bool = True) -> Aggregate:
    """Pearson's chi-squared test of a crosstab(), with Yates' correction if it is two by two.

    The result has statistic, pvalue, dof, expected_freq (a DataFrame), cramers_v and count.
    """
    return _of_table("chi2", observed, **({"yates": 1} if correction else {}))


def fisher_exact(table: Aggregate, alternative: str = "two-sided") -> Aggregate:
    """Fisher's exact test of a crosstab() of two by two levels.

    The result has statistic (the odds ratio), pvalue and count.
    """
    return _of_table("fisher", table, **_sided(alternative))


def proportion(
    condition: Series, *, alternative: str = "two-sided", confidence_level: float = _LEVEL
) -> Aggregate:
    """The share of rows where a condition is true, with Wilson's interval.

    The result has statistic (the share), confidence_interval(), standard_error, count_true, count.
    """
    (rows,) = _samples("proportion", (condition,))
    options = _options(confidence_level) | _sided(alternative)
    return Aggregate(call("proportion", rows, **options), "test")


def binomtest(
    condition: Series,
    p: float = 0.5,
    alternative: str = "two-sided",
    *,
    confidence_level: float = _LEVEL,
) -> Aggregate:
    """The exact test that a condition is true with probability p.

    The result has statistic (the share), pvalue and what proportion() gives; scipy's k and n are
    count_true and count.
    """
    (rows,) = _samples("binomtest", (condition,))
    if not 0 <= p <= 1:
        raise PlanError(f"p={p!r}: expected a number from 0 to 1")
    options = _options(confidence_level) | _sided(alternative)
    return Aggregate(call("binomial", rows, literal(plain(p)), **options), "test")


def var_interval(x: Series, *, confidence_level: float = _LEVEL) -> Aggregate:
    """The variance with its interval by chi-squared.

    The result has statistic (the variance), confidence_interval(), std, df and count.
    """
    (rows,) = _samples("var_interval", (x,))
    return Aggregate(call("var_ci", rows, **_options(confidence_level)), "test")
