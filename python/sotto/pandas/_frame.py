# SPDX-License-Identifier: Apache-2.0
"""A lazy DataFrame: columns of numbers, each with a value for each row."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, overload

import pandas

from .._expression import Expression, call
from ..errors import PlanError
from ._aggregate import Aggregate, Summary
from ._columned import Columned
from ._named_operators import Axis, axis_number
from ._reductions import QUARTILES, complete, reduce_columns, reduce_rows, spread_options
from ._refusals import not_supported, refuse_inplace
from ._rowwise import RowWise, is_function, labels
from ._series import (
    Series,
    aggregated,
    check_correlation,
    quantile_arguments,
    summarised,
)


@refuse_inplace(pandas.DataFrame)
class DataFrame(Columned):
    """The rows of a dataset: all numeric columns (bool, int64, decimal, float64), or those chosen.

    df["wage"] or df.wage is a column, df[["age", "wage"]] a frame of some, df[df["age"] >= 18] the
    rows where a condition is true. Columns of text are there by name only: df["dept"] == "R&D".
    Reductions by axis=0 give an Aggregate with a value for each column; by axis=1 a Series.
    """

    _kind = "DataFrame"
    _pandas_type = pandas.DataFrame

    def _check_beside(self, operator: str, other: RowWise, axis: int | None) -> None:
        if isinstance(other, Series):
            if axis != 0:
                raise not_supported(
                    f"{self!r} {operator} {other!r}",
                    "pandas would align rows with columns; say df.add(df['a'], axis=0)",
                )
            return
        mine, theirs = labels(self._expression), labels(other._expression)
        if mine is not None and theirs is not None and set(mine) != set(theirs):
            raise not_supported(
                f"{self!r} {operator} {other!r}",
                f"the columns differ, {list(mine)} and {list(theirs)}; choose the same",
            )

    def _broadcast(self, operator: str, other: Aggregate, axis: int | None) -> Expression:
        if other._shape == "series" and not other._groups and axis != 0:
            return other._expression
        return super()._broadcast(operator, other, axis)

    @overload
    def __getitem__(self, key: str) -> Series: ...
    @overload
    def __getitem__(self, key: list[str] | RowWise) -> DataFrame: ...
    def __getitem__(self, key: Any) -> Series | DataFrame:
        """A column, a frame of columns, or the rows where a condition is true."""
        if isinstance(key, str):
            return Series(self._column(key), self._condition)
        if isinstance(key, Series):
            return self._filtered(key)
        if isinstance(key, DataFrame):
            return self.where(key)
        if isinstance(key, list) and key and all(isinstance(name, str) for name in key):
            return self._chosen_columns(key)
        self._refuse(f"[{key!r}]")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or hasattr(pandas.DataFrame, name):
            return super().__getattr__(name)
        column = self[name]
        column._attribute = (self, name)
        return column

    # --- Reductions ---

    def _reduced(
        self,
        function: str,
        axis: Axis,
        skipna: bool = True,
        min_count: int = 0,
        ddof: int = 1,
        exact: bool = False,
    ) -> Any:
        if axis_number(axis) == 1:
            by_row = reduce_columns(self._expression, function, skipna, min_count, ddof)
            return Series(by_row, self._condition)
        aggregate = reduce_rows(self._rows, function, skipna, min_count, ddof, exact)
        return Aggregate(aggregate, "series")

    def count(self, axis: Axis = 0, numeric_only: bool = False) -> Any:
        """The number of values that are present in each numeric column; axis=1: in each row."""
        return self._reduced("count", axis)

    def sum(
        self, axis: Axis = 0, skipna: bool = True, numeric_only: bool = False, min_count: int = 0
    ) -> Any:
        """The sum of each column; axis=1: of each row."""
        return self._reduced("sum", axis, skipna, min_count)

    def mean(self, axis: Axis = 0, skipna: bool = True, numeric_only: bool = False) -> Any:
        """The mean of each column; axis=1: of each row."""
        return self._reduced("mean", axis, skipna)

    def var(
        self, axis: Axis = 0, skipna: bool = True, ddof: int = 1, numeric_only: bool = False
    ) -> Any:
        """The variance of each column; axis=1: of each row."""
        return self._reduced("var", axis, skipna, ddof=ddof)

    def std(
        self, axis: Axis = 0, skipna: bool = True, ddof: int = 1, numeric_only: bool = False
    ) -> Any:
        """The standard deviation of each column; axis=1: of each row."""
        return self._reduced("std", axis, skipna, ddof=ddof)

    def sem(
        self, axis: Axis = 0, skipna: bool = True, ddof: int = 1, numeric_only: bool = False
    ) -> Any:
        """The standard error of the mean of each column; axis=1: of each row."""
        return self._reduced("sem", axis, skipna, ddof=ddof)

    def skew(self, axis: Axis = 0, skipna: bool = True, numeric_only: bool = False) -> Any:
        """The unbiased skewness of each column."""
        return self._reduced_by_column("skew", axis, skipna)

    def kurt(self, axis: Axis = 0, skipna: bool = True, numeric_only: bool = False) -> Any:
        """The unbiased excess kurtosis of each column."""
        return self._reduced_by_column("kurt", axis, skipna)

    kurtosis = kurt

    def median(
        self,
        axis: Axis = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        *,
        exact: bool = False,
    ) -> Any:
        """The median of each column, or the pandas.Interval that holds it.

        Where parties ask for rows in each cell that is counted, it may be an interval. exact=True
        finds the value, down to counts of single rows: owners must give leave for that.
        """
        return self._reduced_by_column("median", axis, skipna, exact)

    def quantile(
        self,
        q: Any = 0.5,
        axis: Axis = 0,
        numeric_only: bool = False,
        interpolation: str = "linear",
        *,
        exact: bool = False,
    ) -> Any:
        """What a share q of each column is below; of several shares a frame. As median.

        The index of a frame has the shares as texts, as they are written in a plan.
        """
        if axis_number(axis) == 1:
            raise not_supported("quantile(axis=1)", "there are var, std and sem of rows")
        shares, options = quantile_arguments(q, interpolation, exact)
        parts = [
            Aggregate(self._rows.reduced("quantile", share, **options), "series")
            for share in shares
        ]
        if isinstance(q, numbers.Real):
            return parts[0]
        return Summary({str(share): part for share, part in zip(shares, parts, strict=True)})

    def min(
        self,
        axis: Axis = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        *,
        exact: bool = False,
    ) -> Any:
        """The least value of each column, where owners give it away; guarded as median."""
        return self._reduced_by_column("min", axis, skipna, exact)

    def max(
        self,
        axis: Axis = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        *,
        exact: bool = False,
    ) -> Any:
        """The greatest value of each column, where owners give it away; guarded as median."""
        return self._reduced_by_column("max", axis, skipna, exact)

    def _reduced_by_column(
        self, function: str, axis: Axis, skipna: bool, exact: bool = False
    ) -> Any:
        if axis_number(axis) == 1:
            raise not_supported(f"{function}(axis=1)", "there are var, std and sem of rows")
        return self._reduced(function, axis, skipna, exact=exact)

    def any(self, axis: Axis = 0, bool_only: bool = False, skipna: bool = True) -> Any:
        """Whether any value of each column is not 0; axis=1: of each row."""
        _refuse_bool_only(bool_only)
        return self._reduced("any", axis, skipna)

    def all(self, axis: Axis = 0, bool_only: bool = False, skipna: bool = True) -> Any:
        """Whether every value that is present in each column is not 0; axis=1: in each row."""
        _refuse_bool_only(bool_only)
        return self._reduced("all", axis, skipna)

    def cov(self, min_periods: None = None, ddof: int = 1, numeric_only: bool = False) -> Aggregate:
        """The covariances of all columns, each over the rows where both are present."""
        if min_periods is not None:
            raise not_supported("cov(min_periods=)", "ask for count() beside it")
        return Aggregate(self._rows.reduced("cov", **spread_options(ddof)), "square")

    def corr(
        self, method: str = "pearson", min_periods: int = 1, numeric_only: bool = False
    ) -> Aggregate:
        """Pearson's correlations of all columns, each over the rows where both are present."""
        check_correlation(method, min_periods)
        return Aggregate(self._rows.reduced("corr"), "square")

    def agg(self, func: Any = None, axis: Axis = 0, **named: tuple[str, Any]) -> Any:
        """One reduction by its name, several as a summary, or those of each column by its name.

        named: a column and its reduction, agg(mean_wage=("wage", "mean")).
        """
        if axis_number(axis) != 0:
            raise not_supported("agg(axis=1)", "there are sum, mean and more of rows, by axis=1")
        return aggregated(self, func, named)

    aggregate = agg

    def describe(self, percentiles: Sequence[float] = QUARTILES, exact: bool = False) -> Summary:
        """count, mean and std, and the quantiles of percentiles, as median() gives them.

        Extremes are single rows, and no part of it.
        """
        return summarised(self, percentiles, exact)

    def missing_patterns(self) -> Aggregate:
        """Which of the chosen columns, up to 8, are missing together in how many rows.

        The result has patterns and missing as Series, and rows. A pattern is called by the names of
        the columns that are missing.
        """
        if labels(self._expression) is None or self._condition is not None:
            raise not_supported(
                "missing_patterns() of all columns, or of filtered rows",
                "choose columns of all rows: df[['age', 'wage']].missing_patterns()",
            )
        return Aggregate(call("missing_patterns", self._expression), "test")

    # --- Rows and columns ---

    def dropna(
        self,
        *,
        axis: Axis = 0,
        how: str = "any",
        thresh: int | None = None,
        subset: Sequence[str] | str | None = None,
    ) -> DataFrame:
        """The rows where no column is missing, of subset or of the columns that were chosen."""
        if axis_number(axis) == 1:
            raise not_supported("dropna(axis=1)", "choose the columns: df[['age', 'wage']]")
        if thresh is not None:
            raise not_supported(
                f"dropna(thresh={thresh!r})",
                "filter by how many are present: df[df[['age', 'wage']].count(axis=1) >= 1]",
            )
        if subset is None and labels(self._expression) is None:
            raise not_supported(
                "dropna() of all columns",
                "columns of text count in pandas and are no part of a frame here; name the "
                "columns: df.dropna(subset=['age', 'wage'])",
            )
        names = [subset] if isinstance(subset, str) else subset
        checked = self if names is None else self._chosen_columns(list(names))
        if how == "any":
            condition = complete(checked._expression)
        elif how == "all":
            condition = call("row_any", (~checked.isna())._expression)
        else:
            raise PlanError(f"how={how!r}: expected 'any' or 'all'")
        return self._filtered(Series(condition, self._condition))

    def where(self, cond: Any, other: Any = None) -> DataFrame:
        """The values where cond, a frame or a Series, is true; elsewhere other, or missing."""
        if is_function(cond):
            raise not_supported("where() with a function", "give a condition: df > 0")
        return super().where(cond, other)

    def groupby(
        self,
        by: Any,
        *,
        levels: Any = None,
        bins: Any = None,
        other: bool = False,
        dropna: bool = True,
    ) -> Any:
        """The rows in groups of declared levels, or of bins.

        by: one or two columns. levels: the values that make groups; for two columns a dict of
        both. bins: instead, edges of numbers that rise, the last bin with both its edges; for two
        columns a dict of one or both. Rows of another value are in the group "(other)" if `other`,
        else in none. Rows whose key is missing take part in no group, unless None is among the
        levels or `dropna` is False: then they are the group "(na)".
        """
        from ._groupby import GroupBy, declared_groups

        return GroupBy(self, declared_groups(self, by, levels, bins, other, dropna))


def _refuse_bool_only(bool_only: bool) -> None:
    if bool_only:
        raise not_supported("bool_only=True", "choose the columns: df[['smokes', 'drinks']].any()")
