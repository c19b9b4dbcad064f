# SPDX-License-Identifier: Apache-2.0
"""What numpy.where and numpy.select give: a Series with the reductions of an array of NumPy."""

from __future__ import annotations

from typing import Any

from .._expression import Call, Expression, Number, Operation, is_condition
from ._rowwise import RowWise
from ._series import Series

_OF_PRESENT = frozenset("+ - * negative".split())
_CALLS_OF_PRESENT = frozenset("abs round floor ceil float clip".split())


def _is_present(expression: Expression) -> bool:
    """Whether no row can be missing, whatever is in the file."""
    match expression:
        case Number():
            return True
        case Operation(operator, operands):
            is_sure = operator in _OF_PRESENT and all(map(_is_present, operands))
            return is_sure or is_condition(expression)
        case Call("if", (_, *branches)):
            return all(map(_is_present, branches))
        case Call("fillna", (_, value)):
            return _is_present(value)
        case Call("isna", _):
            return True
        case Call(function, arguments):
            return function in _CALLS_OF_PRESENT and all(map(_is_present, arguments))
    return False


def _reduction(name: str, **defaults: Any) -> Any:
    def method(self: Array, axis: Any = None, **options: Any) -> Any:
        given = {"skipna": _is_present(self._expression)} | defaults | options
        return getattr(Series, name)(self, axis=axis or 0, **given)

    method.__doc__ = f"{name} as NumPy has it."
    return method


class Array(Series):
    """A value for each row, as an array of NumPy: std and var are a population's (ddof=0), and a
    missing value makes the sum NaN, as every other reduction; numpy.nansum leaves it out.

    With a Series beside it, or as a column of a frame, it is a Series.
    """

    _kind = "array"
    _is_array = True

    def _type_beside(self, other: Any) -> type[RowWise]:
        return Series if isinstance(other, RowWise) and not other._is_array else Array

    sum, mean = _reduction("sum"), _reduction("mean")
    std, var = _reduction("std", ddof=0), _reduction("var", ddof=0)
    min, max = _reduction("min"), _reduction("max")
    any, all = _reduction("any"), _reduction("all")
