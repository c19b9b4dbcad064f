# SPDX-License-Identifier: Apache-2.0
"""A lazy Series: one value for each row."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy
import pandas

from .._expression import Column, Expression, call, literal
from ..errors import PlanError
from ._aggregate import Aggregate, Summary
from ._named_operators import Axis, NamedOperators, axis_number
from ._reductions import QUARTILES, exact_option, reduce_rows, spread_options
from ._refusals import not_supported
from ._rowwise import RowWise, check_one_dataset
from ._ufuncs import plain

SUMMARISED = ("count", "mean", "std")
_INTERPOLATIONS = ("linear", "lower", "higher", "nearest", "midpoint")


def check_series_axis(axis: Any) -> None:
    """Raises unless axis is 0, the only one that a Series has."""
    if axis_number(axis) != 0:
        raise PlanError(f"axis={axis!r}: a Series has only axis 0")


def declared_edges(bins: Any, limits: tuple[float, float] | None) -> list[float]:
    """The edges of a histogram, which may not depend on the data."""
    if isinstance(bins, int):
        if limits is None:
            raise not_supported(
                "hist() with a number of bins only",
                "declare the edges, bins=[0, 1000, 2000], or range=(0, 2000) beside the number",
            )
        return [float(edge) for edge in numpy.linspace(limits[0], limits[1], bins + 1)]
    edges = [plain(edge) for edge in bins]
    if len(edges) < 2 or any(high <= low for low, high in pairwise(edges)):
        raise PlanError(f"bins={edges}: expected at least two edges that rise")
    return edges


class Series(NamedOperators):
    """A value for each row of a dataset: a column, or what is computed from columns.

    Operators and functions work as in pandas and give another Series; reductions give an
    Aggregate. Nothing is computed before the task runs.
    """

    _kind = "Series"
    _pandas_type = pandas.Series

    def _check_beside(self, operator: str, other: RowWise, axis: int | None) -> None:
        if not isinstance(other, Series):
            raise not_supported(
                f"{self!r} {operator} {other!r}",
                "let the frame come first and say axis=0: df.add(df['a'], axis=0)",
            )

    def copy(self, deep: bool = True) -> Self:
        """The same values: nothing changes them."""
        return self

    def __getitem__(self, key: Any) -> Self:
        """The values where a condition is true."""
        if isinstance(key, Series):
            return self._filtered(key)
        self._refuse(f"[{key!r}]")

    # --- Reductions ---

    def _aggregate(self, expression: Expression) -> Aggregate:
        return Aggregate(expression, "scalar")

    def count(self) -> Aggregate:
        """The number of values that are present."""
        return self._aggregate(reduce_rows(self._rows, "count"))

    def sum(
        self, axis: Axis = 0, skipna: bool = True, numeric_only: bool = False, min_count: int = 0
    ) -> Aggregate:
        """The sum; 0 of none, NaN of fewer than min_count."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "sum", skipna, min_count))

    def mean(self, axis: Axis = 0, skipna: bool = True, numeric_only: bool = False) -> Aggregate:
        """The mean; NaN of none."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "mean", skipna))

    def var(
        self, axis: Axis = 0, skipna: bool = True, ddof: int = 1, numeric_only: bool = False
    ) -> Aggregate:
        """The variance; NaN where there are no more than ddof values."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "var", skipna, ddof=ddof))

    def std(
        self, axis: Axis = 0, skipna: bool = True, ddof: int = 1, numeric_only: bool = False
    ) -> Aggregate:
        """The standard deviation."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "std", skipna, ddof=ddof))

    def sem(
        self, axis: Axis = 0, skipna: bool = True, ddof: int = 1, numeric_only: bool = False
    ) -> Aggregate:
        """The standard error of the mean."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "sem", skipna, ddof=ddof))

    def skew(self, axis: Axis = 0, skipna: bool = True, numeric_only: bool = False) -> Aggregate:
        """The unbiased skewness."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "skew", skipna))

    def kurt(self, axis: Axis = 0, skipna: bool = True, numeric_only: bool = False) -> Aggregate:
        """The unbiased excess kurtosis."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "kurt", skipna))

    kurtosis = kurt

    def any(self, axis: Axis = 0, bool_only: bool = False, skipna: bool = True) -> Aggregate:
        """Whether any value is not 0."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "any", skipna))

    def all(self, axis: Axis = 0, bool_only: bool = False, skipna: bool = True) -> Aggregate:
        """Whether every value that is present is not 0."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "all", skipna))

    def _with_other(self, function: str, other: Series, **options: int) -> Aggregate:
        if not isinstance(other, Series) or other._condition != self._condition:
            raise PlanError(f"{function}({other!r}): expected another column, filtered alike")
        arguments = (self._rows.only_where_filtered(), other._rows.only_where_filtered())
        check_one_dataset(self._expression, other._expression)
        return Aggregate(call(function, *arguments, **options), "scalar")

    def cov(self, other: Series, min_periods: None = None, ddof: int = 1) -> Aggregate:
        """The covariance with another column, over rows where both are present."""
        if min_periods is not None:
            raise not_supported("cov(min_periods=)", "ask for count() beside it")
        return self._with_other("cov", other, **spread_options(ddof))

    def corr(self, other: Series, method: str = "pearson", min_periods: None = None) -> Aggregate:
        """Pearson's correlation with another column, over rows where both are present."""
        check_correlation(method, min_periods)
        return self._with_other("corr", other)

    def agg(self, func: str | Sequence[str]) -> Aggregate | Summary:
        """One reduction by its name, or several as a summary."""
        if isinstance(func, str):
            return reduction_named(self, func)
        return Summary({name: reduction_named(self, name) for name in func})

    aggregate = agg

    def describe(self, percentiles: Sequence[float] = QUARTILES, exact: bool = False) -> Summary:
        """count, mean and std, and the quantiles of percentiles, as median() gives them.

        Extremes are single rows, and no part of it.
        """
        return summarised(self, percentiles, exact)

    # --- Distributions ---

    def median(
        self,
        axis: Axis = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        *,
        exact: bool = False,
    ) -> Aggregate:
        """The median, or the pandas.Interval that holds it; with exact=True the value."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "median", skipna, exact=exact))

    def quantile(
        self, q: Any = 0.5, interpolation: str = "linear", *, exact: bool = False
    ) -> Aggregate:
        """What a share q of the values is below; of several shares a series. As median.

        interpolation between two values: linear, lower, higher, nearest or midpoint.
        """
        shares, options = quantile_arguments(q, interpolation, exact)
        source = self._rows.only_where_filtered()
        return Aggregate(
            call("quantile", source, *shares, **options), "counts" if len(shares) > 1 else "scalar"
        )

    def value_counts(
        self, normalize: bool = False, *, levels: Iterable[Any] | None = None
    ) -> Aggregate:
        """How often each of the declared levels occurs, in the order of their declaration.

        With normalize, as a share of all values that are present.
        """
        counts = Aggregate(self._of_levels("value_counts", levels), "counts")
        return counts / self.count() if normalize else counts

    def _of_levels(self, function: str, levels: Iterable[Any] | None) -> Expression:
        if levels is None:
            raise not_supported(
                f"{function}() without levels",
                "which values there are is not told; declare them, levels=['R&D', 'Sales']",
            )
        choices = [literal(plain(level)) for level in levels]
        if not choices:
            raise PlanError(f"{function}(levels=[]): expected at least one level")
        return call(function, self._rows.only_where_filtered(), *choices)

    def mode(self, dropna: bool = True, *, levels: Iterable[Any] | None = None) -> Aggregate:
        """The declared levels that occur most often, as texts: several where there are ties.

        None, with a SottoWarning, where parties keep rows of some levels back, or no row has any.
        """
        _refuse_missing("mode", dropna)
        return Aggregate(self._of_levels("mode", levels), "test")

    def nunique(self, dropna: bool = True, *, levels: Iterable[Any] | None = None) -> Aggregate:
        """How many of the declared levels occur.

        A pandas.Interval that holds the number where parties keep all rows of some level back.
        """
        _refuse_missing("nunique", dropna)
        return Aggregate(self._of_levels("nunique", levels), "test")

    def hist(self, bins: Any = 10, range: tuple[float, float] | None = None) -> Aggregate:
        """Counts between declared edges, as numpy.histogram: [a, b), [b, c), and the last closed.

        bins: the edges; or a number of equal bins, with range=(low, high).
        """
        edges = [literal(edge) for edge in declared_edges(bins, range)]
        return Aggregate(call("hist", self._rows.only_where_filtered(), *edges), "counts")

    # --- Conditions ---

    def between(self, left: Any, right: Any, inclusive: str = "both") -> Self:
        """Where left <= value <= right; inclusive: both, neither, left or right."""
        if inclusive not in ("both", "neither", "left", "right"):
            raise PlanError(f"inclusive={inclusive!r}: expected both, neither, left or right")
        low = self >= left if inclusive in ("both", "left") else self > left
        high = self <= right if inclusive in ("both", "right") else self < right
        return low & high  # type: ignore[no-any-return]

    def dropna(self) -> Self:
        """The values that are present."""
        return self._filtered(self.notna())

    def groupby(self, by: Any, *, levels: Any = None, bins: Any = None, other: bool = False) -> Any:
        """The values in groups of declared levels or bins, as DataFrame.groupby has them."""
        from ._groupby import GroupBy, declared_groups

        return GroupBy(self, declared_groups(self, by, levels, bins, other))


def _refuse_missing(function: str, dropna: bool) -> None:
    if not dropna:
        raise not_supported(f"{function}(dropna=False)", "isna().sum() counts what is missing")


def quantile_arguments(
    q: Any, interpolation: str, exact: bool
) -> tuple[list[Expression], dict[str, int | str]]:
    """The shares and options of quantile(). Raises PlanError for what is none."""
    if interpolation not in _INTERPOLATIONS:
        raise PlanError(
            f"interpolation={interpolation!r}: expected one of {', '.join(_INTERPOLATIONS)}"
        )
    shares = [literal(plain(share)) for share in ([q] if isinstance(q, numbers.Real) else q)]
    if not shares:
        raise PlanError("quantile([]): expected at least one share, from 0 to 1")
    options: dict[str, int | str] = {}
    if interpolation != "linear":
        options["interpolation"] = interpolation
    return shares, options | exact_option(exact)


def summarised(rows: Any, percentiles: Sequence[float], exact: bool) -> Summary:
    """What describe() gives of a Series, a DataFrame or groups."""
    parts = {name: reduction_named(rows, name) for name in SUMMARISED}
    for share in percentiles:
        parts[f"{100 * share:g}%"] = rows.quantile(share, exact=exact)
    return Summary(parts)


def one_reduction(rows: Any, name: Any) -> Aggregate:
    """A reduction by its name, in agg({column: name})."""
    if not isinstance(name, str):
        raise not_supported(
            f"agg() with {name!r} for a column", "one reduction for each column; ask twice"
        )
    return reduction_named(rows, name)


def check_correlation(method: str, min_periods: object) -> None:
    """Raises NotSupported for anything but Pearson's correlation."""
    if method != "pearson":
        raise not_supported(f"corr(method={method!r})", "ranks need all rows; use 'pearson'")
    if min_periods not in (None, 1):
        raise not_supported("corr(min_periods=)", "ask for count() beside it")


_BY_NAME = frozenset("count sum mean var std sem skew kurt any all median".split())


def reduction_named(rows: Any, name: str) -> Aggregate:
    """The reduction of a Series, a DataFrame or groups by its name."""
    if not isinstance(name, str):
        raise not_supported(f"agg({name!r})", f"name one of {', '.join(sorted(_BY_NAME))}")
    if name not in _BY_NAME:
        getattr(rows, name)  # says why, where pandas has it
        raise PlanError(f"agg({name!r}): expected one of {', '.join(sorted(_BY_NAME))}")
    return getattr(rows, name)()  # type: ignore[no-any-return]


def column_of(series: Series) -> Column:
    """The column that a Series is. Raises PlanError where it is computed or filtered."""
    if isinstance(series._expression, Column) and series._expression.name is not None:
        return series._expression
    raise PlanError(f"{series!r}: expected a column as it is in the file, such as df['dept']")
