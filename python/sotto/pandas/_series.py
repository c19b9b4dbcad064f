# SPDX-License-Identifier: Apache-2.0
"""A lazy Series: one value for each row."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, Self

import numpy
import pandas

from .._expression import (
    Column,
    Expression,
    Frame,
    Missing,
    Named,
    binary,
    call,
    choose,
    literal,
)
from ..errors import PlanError
from ._aggregate import Aggregate, Summary
from ._dates import Dates, rise, written
from ._named_operators import Axis, NamedOperators, axis_number
from ._reductions import QUARTILES, exact_option, reduce_rows, spread_options
from ._refusals import no_attribute, not_supported, refuse_inplace
from ._rowwise import RowWise, check_one_dataset, is_function, key_literal
from ._texts import Texts
from ._ufuncs import plain, reduction_of

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
    edges = [written(edge) for edge in bins]
    if len(edges) < 2 or not rise(edges):
        raise PlanError(f"bins={edges}: expected at least two edges that rise")
    return edges


@refuse_inplace(pandas.Series)
class Series(NamedOperators):
    """A value for each row of a dataset: a column, or what is computed from columns.

    Operators and functions work as in pandas and give another Series; reductions give an
    Aggregate. Nothing is computed before the task runs.
    """

    _kind = "Series"
    _pandas_type = pandas.Series
    _attribute: tuple[object, str] | None = None  # the frame that it was named of, and how

    def _check_beside(self, operator: str, other: RowWise, axis: int | None) -> None:
        if not isinstance(other, Series):
            raise not_supported(
                f"{self!r} {operator} {other!r}",
                "let the frame come first and say axis=0: df.add(df['a'], axis=0)",
            )

    def copy(self, deep: bool = True) -> Self:
        """The same values: nothing changes them."""
        return self

    def __call__(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refuses: of a frame any name may be a column's, and this was meant for a method's."""
        if self._attribute is None:
            raise TypeError(f"{self!r} is a column, no function")
        raise no_attribute(*self._attribute)

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

    def agg(self, func: Any) -> Aggregate | Summary:
        """One reduction by its name, or several as a summary."""
        return reductions(self, func)

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

    def min(
        self,
        axis: Axis = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        *,
        exact: bool = False,
    ) -> Aggregate:
        """The least value, where owners give it away, or the pandas.Interval that holds it."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "min", skipna, exact=exact))

    def max(
        self,
        axis: Axis = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        *,
        exact: bool = False,
    ) -> Aggregate:
        """The greatest value, where owners give it away, or the pandas.Interval that holds it."""
        check_series_axis(axis)
        return self._aggregate(reduce_rows(self._rows, "max", skipna, exact=exact))

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

    # --- Other values ---

    def map(self, arg: Any, na_action: None = None) -> Series:
        """What a dict has for each value, missing for others; or as apply(arg)."""
        if not isinstance(arg, Mapping):
            return self.apply(arg)
        return self._replaced("map", arg, Missing())

    def apply(self, func: Any, **options: Any) -> Series:
        """func of the values, which is called once with all of them."""
        if not is_function(func):
            raise not_supported(f"apply({func!r})", "expected a function; agg('mean') takes names")
        found = func(self, **options)
        if not isinstance(found, Series):
            raise not_supported(
                f"apply() of a function that gives {found!r}",
                "it is called once, for all rows: write it with operators, comparisons, where() "
                "and numpy's functions",
            )
        return found

    def replace(self, to_replace: Any, value: Any = None) -> Series:
        """The values, with others in place of some: replace({99: None}), replace(99, None)."""
        if isinstance(to_replace, Mapping):
            return self._replaced("replace", to_replace, self._expression)
        olds = to_replace if isinstance(to_replace, list | tuple) else [to_replace]
        news = value if isinstance(value, list | tuple) else [value] * len(olds)
        if len(olds) != len(news):
            raise PlanError(f"replace({to_replace!r}, {value!r}): expected as many values for them")
        values = dict(zip(olds, news, strict=True))
        return self._replaced("replace", values, self._expression)

    def _replaced(self, function: str, values: Mapping[Any, Any], others: Expression) -> Series:
        """A key that is missing stands for the values that are."""
        replaced = others
        for old, new in reversed(list(values.items())):
            key = key_literal(function, old, self._expression)
            is_missing = call("isna", self._expression)
            equal = is_missing if key == Missing() else binary("==", self._expression, key)
            replaced = choose(equal, literal(plain(new), self._expression), replaced)
        return self._with(replaced)

    def to_frame(self, name: str | None = None) -> Any:
        """A frame of this column."""
        from ._frame import DataFrame

        if name is None:
            name = getattr(self._expression, "name", None)
        if name is None:
            raise PlanError(f"to_frame() of {self!r}: expected a name, to_frame('bmi')")
        (dataset,) = self._expression.datasets()
        column = self._expression
        if not isinstance(column, Column | Named) or column.name != name:
            column = Named(dataset, name, column)
        return DataFrame(Frame((column,)), self._condition)

    @property
    def loc(self) -> Self:
        """s.loc[condition] is s[condition]."""
        return self

    # --- Dates ---

    @property
    def dt(self) -> Dates:
        """The parts of dates and times."""
        return Dates(self)

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

    def groupby(
        self,
        by: Any,
        *,
        levels: Any = None,
        bins: Any = None,
        other: bool = False,
        dropna: bool = True,
    ) -> Any:
        """The values in groups of declared levels or bins, as DataFrame.groupby has them."""
        from ._groupby import GroupBy, declared_groups

        return GroupBy(self, declared_groups(self, by, levels, bins, other, dropna))

    # --- Texts: last, as the name hides that of the type ---

    @property
    def str(self) -> Texts:
        """Conditions on texts: startswith, contains, lower, strip."""
        return Texts(self)


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


def reductions(rows: Any, func: Any) -> Aggregate | Summary:
    """What agg() gives: a reduction by its name or a function, or several as a summary."""
    if isinstance(func, list | tuple):
        return Summary({_label(each): reduction_named(rows, each) for each in func})
    return reduction_named(rows, func)


def aggregated(rows: Any, func: Any, named: Mapping[str, Any]) -> Any:
    """What agg() gives of a frame or groups: of all columns, or of each column by its name."""
    if func is None:
        return _named_reductions(rows, named)
    if named:
        raise PlanError("agg(): expected reductions, or names with theirs, not both")
    if not isinstance(func, Mapping):
        return reductions(rows, func)
    several = any(isinstance(each, list | tuple) for each in func.values())
    return Summary(
        {
            name: reductions(rows[name], [each] if several and not _is_list(each) else each)
            for name, each in func.items()
        }
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _named_reductions(rows: Any, named: Mapping[str, Any]) -> Summary:
    """agg(mean_wage=("wage", "mean")): of groups a column for each name, else columns by names."""
    if not named:
        raise PlanError("agg(): expected what to compute, such as agg({'wage': 'mean'})")
    for name, each in named.items():
        if not _is_list(each) or len(each) != 2 or not isinstance(each[0], str):
            raise PlanError(f"agg({name}={each!r}): expected a column and its reduction")
    parts = {name: reduction_named(rows[column], of) for name, (column, of) in named.items()}
    if isinstance(rows, RowWise):
        columns = dict.fromkeys(column for column, _ in named.values())
        return Summary(
            {
                column: Summary({name: parts[name] for name in parts if named[name][0] == column})
                for column in columns
            }
        )
    return Summary(parts)


def _label(function: Any) -> str:
    return function if isinstance(function, str) else str(getattr(function, "__name__", function))


def check_correlation(method: str, min_periods: object) -> None:
    """Raises NotSupported for anything but Pearson's correlation."""
    if method != "pearson":
        raise not_supported(f"corr(method={method!r})", "ranks need all rows; use 'pearson'")
    if min_periods not in (None, 1):
        raise not_supported("corr(min_periods=)", "ask for count() beside it")


_BY_NAME = frozenset("count sum mean var std sem skew kurt any all median min max".split())


def reduction_named(rows: Any, name: Any) -> Aggregate:
    """The reduction of a Series, a DataFrame or groups by its name, or by a function of them."""
    if is_function(name):
        found = reduction_of(name)(rows)
        if not isinstance(found, Aggregate):
            raise not_supported(
                f"agg() of a function that gives {found!r}", "expected an aggregate, such as mean()"
            )
        return found
    if not isinstance(name, str):
        raise not_supported(f"agg({name!r})", f"name one of {', '.join(sorted(_BY_NAME))}")
    if name not in _BY_NAME:
        getattr(rows, name)  # says why, where pandas has it
        raise PlanError(f"agg({name!r}): expected one of {', '.join(sorted(_BY_NAME))}")
    return getattr(rows, name)()  # type: ignore[no-any-return]


def column_of(series: Series) -> Column:
    """The column that a Series is. Raises PlanError where it is computed or filtered."""
    column = series._expression
    while isinstance(column, Named):
        column = column.definition
    if isinstance(column, Column) and column.name is not None:
        return column
    raise PlanError(
        f"{series!r}: expected a column as it is in the file, such as df['dept'], or in groupby a "
        "part of its dates, df['day'].dt.month; bins make groups of numbers, groupby('age', "
        "bins=[0, 18, 65, 120]), and quarters are bins=[1, 4, 7, 10, 13] of months"
    )
