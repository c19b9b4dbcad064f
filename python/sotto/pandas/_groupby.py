# SPDX-License-Identifier: Apache-2.0
"""groupby with declared levels."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NoReturn

import pandas
from pandas.core.groupby import DataFrameGroupBy, SeriesGroupBy

from .._expression import Call, Column, has_reduction
from ..errors import PlanError
from ._aggregate import Aggregate, GroupKey, Summary, key_name
from ._dates import DATE_PARTS, rise, written
from ._frame import DataFrame
from ._reductions import QUARTILES, Rows, reduce_rows
from ._refusals import RefusingResult, not_supported
from ._rowwise import labels
from ._series import (
    Series,
    aggregated,
    column_of,
    quantile_arguments,
    summarised,
)

_GROUPS_MAX = 2


def declared_groups(
    rows: DataFrame | Series, by: Any, levels: Any, bins: Any, other: bool, dropna: bool = True
) -> tuple[GroupKey, ...]:
    """The keys of a groupby. Raises NotSupported where neither levels nor bins are declared."""
    keys = list(by) if isinstance(by, list | tuple) else [by]
    if not 1 <= len(keys) <= _GROUPS_MAX:
        raise not_supported(f"groupby by {len(keys)} columns", "group by one or two")
    if has_reduction(rows._expression, rows._condition):
        raise not_supported(
            f"groupby of {rows!r}",
            "an aggregate within rows is that of each group in a plan, not that of all rows; "
            "make a task of its own for it",
        )
    (dataset,) = rows._expression.datasets()
    columns = [_key_column(key, rows, dataset) for key in keys]
    names = [key_name(*key) for key in columns]
    if levels is None and bins is None:
        key, levels = (
            ("...", "[1, 2, 3]")
            if columns[0][1]
            else (repr(names[0]), "['R&D', 'Sales'], or of booleans [True, False]")
        )
        raise not_supported(
            "groupby() without levels",
            "which values there are is not told; declare the groups: "
            f"groupby({key}, levels={levels})",
        )
    by_level = _by_column("levels", levels, names)
    by_bin = _by_column("bins", bins, names)
    declared = {**by_level, **by_bin}
    missing = [name for name in names if name not in declared]
    if missing:
        raise PlanError(f"levels: no list for {', '.join(missing)}")
    if by_level.keys() & by_bin.keys():
        raise PlanError(f"groupby({by!r}): expected levels or bins of a column, not both")
    return tuple(
        GroupKey(
            column,
            _edges(name, declared[name]),
            bool(other),
            are_edges=True,
            part=part,
            na=not dropna,
        )
        if name in by_bin
        else GroupKey(
            column,
            _levels(name, _present(declared[name])),
            bool(other),
            part=part,
            na=not dropna or _present(declared[name]) is not declared[name],
        )
        for (column, part), name in zip(columns, names, strict=True)
    )


def _present(levels: Any) -> Any:
    """Levels without those that stand for missing values: None, NaN, pandas.NA."""
    if isinstance(levels, str):
        return levels
    given = list(levels)
    present = [
        level
        for level in given
        if level is not None
        and level is not pandas.NA
        and not (isinstance(level, float) and math.isnan(level))
    ]
    return levels if len(present) == len(given) else present


def _by_column(name: str, declared: Any, keys: list[str]) -> dict[str, Any]:
    if declared is None:
        return {}
    if isinstance(declared, dict):
        return declared
    if len(keys) > 1:
        raise PlanError(f"{name}={declared!r}: expected a dict, a list for each column")
    return {keys[0]: declared}


def _key_column(key: Any, rows: DataFrame | Series, dataset: str) -> tuple[Column, str]:
    """The column, and which part of its dates: df['came'].dt.month is one of "came"."""
    if isinstance(key, str) and isinstance(rows, DataFrame):
        key = rows[key]
    column = Column(dataset, key) if isinstance(key, str) else None
    part = ""
    if isinstance(key, Series):
        expression = key._expression
        if isinstance(expression, Call) and expression.function in DATE_PARTS:
            part = expression.function
            key = Series(expression.arguments[0], key._condition)
        column = column_of(key)
    if column is None or column.dataset != dataset:
        raise PlanError(
            f"groupby({key!r}): expected the name of a column of {dataset}, or df[name]"
        )
    return column, part


def _levels(name: str, levels: Any) -> tuple[Any, ...]:
    if isinstance(levels, str):
        raise PlanError(f"levels={levels!r}: expected a list, [{levels!r}]")
    found = tuple(written(level) for level in levels)
    if not found or len(set(found)) != len(found):
        raise PlanError(f"levels of {name}: expected at least one, each once")
    for level in found:
        if not isinstance(level, str | int | float):
            raise PlanError(f"levels of {name}: {level!r} is no text, number, date or boolean")
    return found


def _edges(name: str, bins: Any) -> tuple[Any, ...]:
    edges = tuple(written(edge) for edge in bins) if isinstance(bins, Iterable) else ()
    if len(edges) < 2 or any(isinstance(edge, bool) for edge in edges) or not rise(edges):
        raise PlanError(
            f"bins of {name}: expected at least two edges, numbers, dates or times, that rise"
        )
    return edges


class GroupBy(RefusingResult):
    """Rows in declared groups; its reductions give an Aggregate with a value for each group."""

    _refused_because = (
        "groups have count, size, sum, mean, var, std, sem, skew, kurt, median, quantile, min, "
        "max, any, all"
    )

    _alternatives: ClassVar = {  # what is written of rows is none of groups
        name: instead
        for name, instead in RefusingResult._alternatives.items()
        if name not in ("apply", "transform")
    }

    def __init__(self, rows: DataFrame | Series, groups: tuple[GroupKey, ...]) -> None:
        by_column = isinstance(rows, DataFrame)
        self._pandas_type = DataFrameGroupBy if by_column else SeriesGroupBy
        self._rows_of = rows
        self._groups = groups
        self._names = {key.name for key in groups}

    def __repr__(self) -> str:
        return f"<groups of {self._rows_of!r} by {', '.join(sorted(self._names))}>"

    def __getitem__(self, key: str | list[str]) -> GroupBy:
        """The groups of a column, or of a frame of columns."""
        if not isinstance(self._rows_of, DataFrame):
            self._refuse(f"[{key!r}]")
        if isinstance(key, list) and self._names & set(key):
            raise not_supported(
                f"groupby(...)[{key!r}]", "a key is the same in its whole group; leave it out"
            )
        return GroupBy(self._rows_of[key], self._groups)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or hasattr(self._pandas_type, name):
            return super().__getattr__(name)
        return self[name]

    def __array_function__(self, function: Any, types: Any, *rest: Any) -> NoReturn:
        raise not_supported(
            f"numpy.{function.__name__} of {self!r}",
            "name the function, agg(numpy.std), or say std(ddof=0)",
        )

    def _source(self) -> Rows:
        rows = self._rows_of
        names = labels(rows._expression) if isinstance(rows, DataFrame) else None
        if isinstance(rows, DataFrame) and names is not None and self._names & set(names):
            rows = rows[[name for name in names if name not in self._names]]
        return rows._rows

    def _reduced(
        self,
        function: str,
        skipna: bool = True,
        min_count: int = 0,
        ddof: int = 1,
        exact: bool = False,
    ) -> Aggregate:
        expression = reduce_rows(self._source(), function, skipna, min_count, ddof, exact)
        by_column = isinstance(self._rows_of, DataFrame)
        return Aggregate(expression, "series" if by_column else "scalar", self._groups)

    def count(self) -> Aggregate:
        """The number of values that are present."""
        return self._reduced("count")

    def size(self) -> Aggregate:
        """The number of rows."""
        keys = Rows(self._groups[0].column, self._rows_of._condition)
        return Aggregate(keys.reduced("count"), "scalar", self._groups)

    def sum(
        self, numeric_only: bool = False, min_count: int = 0, *, skipna: bool = True
    ) -> Aggregate:
        """The sums; 0 of none, NaN of fewer than min_count."""
        return self._reduced("sum", skipna, min_count)

    def mean(self, numeric_only: bool = False) -> Aggregate:
        """The means."""
        return self._reduced("mean")

    def var(self, ddof: int = 1, numeric_only: bool = False) -> Aggregate:
        """The variances."""
        return self._reduced("var", ddof=ddof)

    def std(self, ddof: int = 1, numeric_only: bool = False) -> Aggregate:
        """The standard deviations."""
        return self._reduced("std", ddof=ddof)

    def sem(self, ddof: int = 1, numeric_only: bool = False) -> Aggregate:
        """The standard errors of the mean."""
        return self._reduced("sem", ddof=ddof)

    def skew(self, numeric_only: bool = False) -> Aggregate:
        """The unbiased skewness."""
        return self._reduced("skew")

    def kurt(self, numeric_only: bool = False) -> Aggregate:
        """The unbiased excess kurtosis."""
        return self._reduced("kurt")

    def median(
        self, numeric_only: bool = False, *, skipna: bool = True, exact: bool = False
    ) -> Aggregate:
        """The medians, or the intervals that hold them, as DataFrame.median has them."""
        return self._reduced("median", skipna, exact=exact)

    def min(self, numeric_only: bool = False, *, exact: bool = False) -> Aggregate:
        """The least values, as DataFrame.min has them."""
        return self._reduced("min", exact=exact)

    def max(self, numeric_only: bool = False, *, exact: bool = False) -> Aggregate:
        """The greatest values, as DataFrame.max has them."""
        return self._reduced("max", exact=exact)

    def any(self, skipna: bool = True) -> Aggregate:
        """Whether any value is not 0."""
        return self._reduced("any")

    def all(self, skipna: bool = True) -> Aggregate:
        """Whether every value that is present is not 0."""
        return self._reduced("all")

    def agg(self, func: Any = None, **named: tuple[str, Any]) -> Aggregate | Summary:
        """One reduction by its name, several as a summary, or those of each column by its name.

        named: a column and its reduction, agg(mean_wage=("wage", "mean")).
        """
        return aggregated(self, func, named)  # type: ignore[no-any-return]

    aggregate = agg

    def quantile(
        self, q: Any = 0.5, interpolation: str = "linear", *, exact: bool = False
    ) -> Aggregate:
        """What a share q of the values of each group is below, as median."""
        if not isinstance(q, numbers.Real):
            raise not_supported("quantile() of several shares by group", "ask for each of them")
        (share,), options = quantile_arguments(q, interpolation, exact)
        by_column = isinstance(self._rows_of, DataFrame)
        expression = self._source().reduced("quantile", share, **options)
        return Aggregate(expression, "series" if by_column else "scalar", self._groups)

    def describe(self, percentiles: Sequence[float] = QUARTILES, exact: bool = False) -> Summary:
        """count, mean and std of each group, and the quantiles of percentiles."""
        return summarised(self, percentiles, exact)
