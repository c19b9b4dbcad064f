# SPDX-License-Identifier: Apache-2.0
"""Tables of two columns' declared levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._expression import Expression, Operation, call, literal
from ..errors import PlanError
from ._aggregate import Aggregate
from ._refusals import not_supported, refuse_other_options
from ._rowwise import check_one_dataset
from ._series import Series, column_of
from ._ufuncs import plain


@refuse_other_options(
    "it gives counts; divide them: counts.div(counts.sum(axis=1), axis=0) is each row's shares"
)
def crosstab(
    index: Series, columns: Series, *, levels: Mapping[str, Iterable[Any]] | None = None
) -> Aggregate:
    """How many rows have each pair of levels, as pandas.crosstab: a DataFrame.

    levels: those of both columns by their names, {"dept": ["R&D", "Sales"], "sex": ["f", "m"]}.
    Rows with another value are in no cell. Margins are sums of what it gives.
    """
    names = [str(column_of(side).name) for side in (index, columns)]
    if levels is None:
        raise not_supported(
            "crosstab() without levels",
            "which values there are is not told; declare them: "
            f"levels={{{names[0]!r}: [...], {names[1]!r}: [...]}}",
        )
    check_one_dataset(index._expression, columns._expression)
    if index._condition is not None or columns._condition is not None:
        raise not_supported(
            "crosstab() of filtered rows", "group the rows: groupby(..., levels=[...]).size()"
        )
    sides = [_side(side, levels) for side in (index, columns)]
    return Aggregate(call("crosstab", *sides), "test")


def _side(side: Series, levels: Mapping[str, Iterable[Any]]) -> Expression:
    column = column_of(side)
    if str(column.name) not in levels:
        raise PlanError(f"levels: no list for {column.name}")
    choices = [literal(plain(level)) for level in levels[str(column.name)]]
    if not choices:
        raise PlanError(f"levels of {column.name}: expected at least one")
    return Operation("in", (column, *choices))
