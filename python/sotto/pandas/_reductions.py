# SPDX-License-Identifier: Apache-2.0
"""Reductions over rows, as expressions: what pandas' skipna and min_count mean in a plan."""

from __future__ import annotations

from dataclasses import dataclass

from .._expression import (
    Expression,
    Filtered,
    Missing,
    Operation,
    binary,
    call,
    choose,
    is_whole_number,
    literal,
)
from ..errors import PlanError


@dataclass(frozen=True)
class Rows:
    """An expression over rows, and the condition on rows under which they take part."""

    expression: Expression
    condition: Expression | None = None

    def only_where_filtered(self) -> Expression:
        """The expression, missing where the condition is not true."""
        if self.condition is None:
            return self.expression
        return Filtered(self.condition, self.expression)

    def replaced(self, expression: Expression) -> Rows:
        """Another expression over the same rows."""
        return Rows(expression, self.condition)

    def reduced(self, function: str, *more: Expression, **options: int | str) -> Expression:
        """The aggregate function(expression, more) over the rows that take part."""
        return call(function, self.only_where_filtered(), *more, **options)


def spread_options(ddof: int) -> dict[str, int]:
    """The options of var, std and sem. Raises PlanError unless ddof is an integer from 0 on."""
    if not is_whole_number(ddof) or ddof < 0:
        raise PlanError(f"ddof={ddof!r}: expected an integer, 0 or more")
    return {} if ddof == 1 else {"ddof": ddof}


def _check_min_count(min_count: int) -> None:
    if not is_whole_number(min_count):
        raise PlanError(f"min_count={min_count!r}: expected an integer")


QUARTILES = (0.25, 0.5, 0.75)
_SHARES = {"min": 0, "max": 1}


def exact_option(exact: bool) -> dict[str, int | str]:
    """The option of an order statistic."""
    return {"exact": 1} if exact else {}


def reduce_rows(
    rows: Rows,
    function: str,
    skipna: bool = True,
    min_count: int = 0,
    ddof: int = 1,
    exact: bool = False,
) -> Expression:
    """A reduction over rows by its name, as pandas defines it."""
    _check_min_count(min_count)
    if function in ("any", "all") and not skipna:
        # A missing value counts as true, as NaN does.
        return rows.replaced(call("fillna", rows.expression, literal(1))).reduced(function)
    if function in _SHARES:
        share = literal(_SHARES[function])
        aggregate: Expression = rows.reduced("quantile", share, **exact_option(exact))
    else:
        aggregate = rows.reduced(function, **spread_options(ddof), **exact_option(exact))
    if not skipna:
        missing = rows.replaced(call("isna", rows.expression)).reduced("sum")
        aggregate = _where_positive(binary("-", literal(0.5), missing), aggregate)
    if min_count > 0:
        present = rows.reduced("count")
        spare = binary("-", present, literal(min_count - 0.5))
        aggregate = _where_positive(spare, aggregate)
    return aggregate


def _where_positive(sign: Expression, aggregate: Expression) -> Expression:
    """The aggregate where sign > 0, NaN where sign < 0, by a factor of sqrt(sign) ** 2 / sign.

    The factor is exactly 1 or NaN: roots of rationals are kept as such (SEMANTICS.md, "Exact").
    """
    root = call("sqrt", sign)
    factor = binary("/", binary("**", root, literal(2)), sign)
    return binary("*", aggregate, factor)


def reduce_columns(
    frame: Expression, function: str, skipna: bool = True, min_count: int = 0, ddof: int = 1
) -> Expression:
    """The same reductions over the columns of each row: pandas' axis=1. Gives a value for a row."""
    _check_min_count(min_count)
    if function in ("any", "all") and not skipna:
        return call(f"row_{function}", call("fillna", frame, literal(1)))
    reduced: Expression = call(f"row_{function}", frame, **spread_options(ddof))
    if not skipna:
        incomplete = call("row_any", call("isna", frame))
        reduced = choose(incomplete, Missing(), reduced)
    if min_count > 0:
        enough = binary(">=", call("row_count", frame), literal(min_count))
        reduced = choose(enough, reduced, Missing())
    return reduced


def complete(frame: Expression) -> Expression:
    """The condition that no column of a row is missing."""
    return Operation("not", (call("row_any", call("isna", frame)),))
