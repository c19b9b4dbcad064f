# SPDX-License-Identifier: Apache-2.0
"""add, radd, lt and their kin, for DataFrame and Series."""

from __future__ import annotations

from typing import Any, Literal, Self

from ..errors import PlanError
from ._refusals import not_supported
from ._rowwise import RowWise

Axis = Literal[0, 1, "index", "rows", "columns"]


def axis_number(axis: Any) -> int:
    """0 or 1 for one of pandas' names of an axis. Raises PlanError for anything else."""
    if axis in (0, "index", "rows") and axis is not False:
        return 0
    if axis in (1, "columns") and axis is not True:
        return 1
    if axis is None:
        raise not_supported("axis=None", "reduce by axis=0, or the rows by axis=1 first")
    raise PlanError(f"axis={axis!r}: expected 0 ('index') or 1 ('columns')")


def _method(operator: str, reflected: bool = False) -> Any:
    def method(
        self: RowWise,
        other: Any,
        axis: Axis | None = None,
        level: None = None,
        fill_value: Any = None,
    ) -> Any:
        if level is not None:
            raise not_supported("level=", "rows have no index")
        number = None if axis is None else axis_number(axis)
        return self._binary(operator, other, reflected, axis=number, fill_value=fill_value)

    order = f"other {operator} self" if reflected else f"self {operator} other"
    method.__doc__ = f"{order}, with fill_value where one of both is missing."
    return method


class NamedOperators(RowWise):
    """The methods that stand for operators, with (other, axis, level, fill_value)."""

    add, radd = _method("+"), _method("+", reflected=True)
    sub, rsub = _method("-"), _method("-", reflected=True)
    mul, rmul = _method("*"), _method("*", reflected=True)
    truediv, rtruediv = _method("/"), _method("/", reflected=True)
    floordiv, rfloordiv = _method("//"), _method("//", reflected=True)
    mod, rmod = _method("%"), _method("%", reflected=True)
    pow, rpow = _method("**"), _method("**", reflected=True)
    eq, ne = _method("=="), _method("!=")
    lt, le, gt, ge = _method("<"), _method("<="), _method(">"), _method(">=")
    div, rdiv, divide = truediv, rtruediv, truediv
    subtract, multiply = sub, mul

    def divmod(self, other: Any) -> tuple[Self, Self]:
        """(self // other, self % other)."""
        return self.floordiv(other), self.mod(other)

    def rdivmod(self, other: Any) -> tuple[Self, Self]:
        """(other // self, other % self)."""
        return self.rfloordiv(other), self.rmod(other)
