# SPDX-License-Identifier: Apache-2.0
"""NumPy's functions of lazy objects that are no ufuncs: numpy.mean(s), numpy.where(s > 0, s, 0)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy

from .._expression import Missing, choose, literal
from ..errors import PlanError
from ._aggregate import Aggregate
from ._array import Array
from ._frame import DataFrame
from ._refusals import not_supported
from ._rowwise import RowWise
from ._series import Series, declared_edges
from ._ufuncs import plain


def _reduction(name: str, **fixed: Any) -> Callable[..., Any]:
    """The reduction of that name, without NumPy's options that say where a result goes."""

    def reduce(
        a: Any, axis: Any = None, dtype: None = None, out: None = None, **options: Any
    ) -> Any:
        if not isinstance(a, RowWise) or dtype is not None or out is not None:
            raise not_supported(
                f"numpy.{name} with dtype= or out=, or of {a!r}", f"say df.{name}()"
            )
        if isinstance(a, DataFrame) and axis is None:
            raise not_supported(
                f"numpy.{name} of a frame as a whole", f"df.{name}() has each column"
            )
        return getattr(a, name)(axis=axis or 0, **(fixed | options))

    return reduce


def _median(a: Any, axis: Any = None, **options: Any) -> Any:
    return _reduction("median", skipna=False)(a, axis, **options)


def _quantile(a: Any, q: Any, axis: Any = None, **options: Any) -> Any:
    if not isinstance(a, Series) or axis is not None or options.keys() - {"method"}:
        raise not_supported(f"numpy.nanquantile of {a!r}", "say df.quantile(q)")
    return a.quantile(q, interpolation=options.get("method", "linear"))


def _percentile(a: Any, q: Any, axis: Any = None, **options: Any) -> Any:
    share = q / 100 if isinstance(q, Real) else [each / 100 for each in q]
    return _quantile(a, share, axis, **options)


def _average(a: Any, axis: Any = None, weights: Any = None) -> Any:
    if not isinstance(a, Series) or axis is not None:
        raise not_supported(f"numpy.average of {a!r}", "average each column by itself")
    if weights is None:
        return a.mean(skipna=False)
    return (a * weights).sum(skipna=False) / weights.sum(skipna=False)


def _where(condition: Any, *branches: Any) -> Any:
    if not isinstance(condition, RowWise) or len(branches) != 2:
        raise not_supported(
            f"numpy.where of {condition!r}", "say numpy.where(condition on rows, a, b)"
        )
    return select([condition], [branches[0]], branches[1])


def select(conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Any:
    """For each row the choice of the first condition that is true, or default; as numpy.select.

    An array, whose reductions are NumPy's.
    """
    if not conditions or len(conditions) != len(choices):
        raise PlanError("numpy.select: expected as many choices as conditions, at least one")
    first = conditions[0]
    if not isinstance(first, Series):
        raise not_supported(f"numpy.where or select of {first!r}", "say df.where(df > 0, 0)")
    chosen = _branch(first, default)
    for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
        _, test, _ = first._aligned("==", condition)
        chosen = choose(test, _branch(first, choice), chosen)
    return Array(chosen, first._condition)


def _branch(rows: RowWise, value: Any) -> Any:
    if isinstance(value, Aggregate):
        return rows._broadcast("where", value, None)
    if isinstance(value, RowWise):
        return rows._aligned("==", value)[1]
    value = plain(value)
    return Missing() if value is None else literal(value)


def _histogram(a: Any, bins: Any = 10, range: Any = None, **options: Any) -> Any:
    if not isinstance(a, Series) or options:
        raise not_supported(f"numpy.histogram of {a!r}", "say df['wage'].hist(bins=[...])")
    return a.hist(bins, range), numpy.asarray(declared_edges(bins, range))


def _count_nonzero(a: Any) -> Any:
    return (a.fillna(1) != 0).sum()


def _with_missing(name: str) -> Callable[..., Any]:
    def refuse(*arguments: Any, **options: Any) -> Any:
        raise not_supported(
            f"numpy.{name}", f"numpy.nan{name} leaves out what is missing, as df.quantile(q) does"
        )

    return refuse


def _corrcoef(*arguments: Any, **options: Any) -> Any:
    raise not_supported("numpy.corrcoef", "df[['age', 'wage']].corr() is that table")


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    numpy.mean: _reduction("mean"),
    numpy.sum: _reduction("sum"),
    numpy.std: _reduction("std", ddof=0),
    numpy.var: _reduction("var", ddof=0),
    numpy.min: _reduction("min"),
    numpy.max: _reduction("max"),
    numpy.any: _reduction("any"),
    numpy.all: _reduction("all"),
    numpy.median: _median,
    numpy.nanmean: _reduction("mean", skipna=True),
    numpy.nansum: _reduction("sum", skipna=True),
    numpy.nanstd: _reduction("std", skipna=True, ddof=0),
    numpy.nanvar: _reduction("var", skipna=True, ddof=0),
    numpy.nanmedian: _reduction("median", skipna=True),
    numpy.nanmin: _reduction("min", skipna=True),
    numpy.nanmax: _reduction("max", skipna=True),
    numpy.nanquantile: _quantile,
    numpy.nanpercentile: _percentile,
    numpy.quantile: _with_missing("quantile"),
    numpy.percentile: _with_missing("percentile"),
    numpy.average: _average,
    numpy.count_nonzero: _count_nonzero,
    numpy.where: _where,
    numpy.select: select,
    numpy.clip: lambda a, a_min=None, a_max=None: a.clip(a_min, a_max),
    numpy.round: lambda a, decimals=0: a.round(decimals),
    numpy.histogram: _histogram,
    numpy.corrcoef: _corrcoef,
    numpy.cov: _corrcoef,
}
