# SPDX-License-Identifier: Apache-2.0
"""NumPy's functions on lazy objects: numpy.log(wages["wage"]), numpy.float64(2) * wages."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable
from typing import Any

import numpy

from .._expression import microseconds
from ._refusals import not_supported

_OPERATORS: dict[Any, Callable[..., Any]] = {
    numpy.add: operator.add,
    numpy.subtract: operator.sub,
    numpy.multiply: operator.mul,
    numpy.true_divide: operator.truediv,
    numpy.floor_divide: operator.floordiv,
    numpy.remainder: operator.mod,
    numpy.divmod: divmod,
    numpy.power: operator.pow,
    numpy.float_power: operator.pow,
    numpy.square: lambda x: x**2,
    numpy.negative: operator.neg,
    numpy.positive: operator.pos,
    numpy.absolute: abs,
    numpy.fabs: abs,
    numpy.equal: operator.eq,
    numpy.not_equal: operator.ne,
    numpy.less: operator.lt,
    numpy.less_equal: operator.le,
    numpy.greater: operator.gt,
    numpy.greater_equal: operator.ge,
    numpy.bitwise_and: operator.and_,
    numpy.bitwise_or: operator.or_,
    numpy.logical_and: operator.and_,
    numpy.logical_or: operator.or_,
    numpy.logical_not: operator.invert,
    numpy.invert: operator.invert,
    numpy.isnan: lambda x: x.isna(),
    numpy.sqrt: lambda x: x.sqrt(),
    numpy.exp: lambda x: x.exp(),
    numpy.log: lambda x: x.log(),
    numpy.floor: lambda x: x.floor(),
    numpy.ceil: lambda x: x.ceil(),
    numpy.rint: lambda x: x.round(),
    numpy.maximum: lambda x, y: _beyond(x, y, operator.lt),
    numpy.minimum: lambda x, y: _beyond(x, y, operator.gt),
}


# Functions that agg() and apply() take, as the method and its options that give what pandas does:
# NumPy's std and var are those of a population, its median and Python's sum of a missing value NaN.
_REDUCTIONS: dict[Any, tuple[str, dict[str, Any]]] = {
    **{getattr(numpy, name): (name, {}) for name in "mean sum min max any all".split()},
    numpy.std: ("std", {"ddof": 0}),
    numpy.var: ("var", {"ddof": 0}),
    numpy.median: ("median", {"skipna": False}),
    sum: ("sum", {"skipna": False}),
    min: ("min", {}),
    max: ("max", {}),
}


def reduction_of(function: Any, **more: Any) -> Any:
    """What agg() or apply() calls with the rows: for a name or function of a reduction the method,
    with more options."""
    if isinstance(function, str):
        return operator.methodcaller(function, **more)
    if isinstance(function, Hashable) and function in _REDUCTIONS:
        name, options = _REDUCTIONS[function]
        return operator.methodcaller(name, **options, **more)
    return function


def _beyond(x: Any, y: Any, is_beyond: Callable[[Any, Any], Any]) -> Any:
    """x, or y where x is below (above) it; missing where one of both is."""
    is_beside_series = getattr(x, "_is_array", False) and not getattr(y, "_is_array", True)
    if not isinstance(x, Ufuncs) or is_beside_series:
        x, y = y, x
    if isinstance(y, float) and numpy.isnan(y):
        raise not_supported(
            f"numpy.maximum or minimum of {x!r} and NaN", "all would be NaN; say clip() for limits"
        )
    chosen = x.mask(is_beyond(x, y), y)
    return chosen.where(y == y) if isinstance(y, Ufuncs) else chosen


def plain(value: Any) -> Any:
    """A scalar of NumPy as the Python object it stands for; anything else as it is."""
    if isinstance(value, numpy.datetime64 | numpy.timedelta64):
        value = microseconds(value)
    return value.item() if isinstance(value, numpy.generic) else value


class Ufuncs:
    """Turns NumPy's functions into the operators and methods of the object."""

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        from ._functions import FUNCTIONS

        if function not in FUNCTIONS:
            raise not_supported(
                f"numpy.{function.__name__} of {self!r}",
                "there are " + ", ".join(sorted(known.__name__ for known in FUNCTIONS)),
            )
        return FUNCTIONS[function](*arguments, **options)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        function = _OPERATORS.get(ufunc)
        if function is None or method != "__call__" or options:
            raise not_supported(
                f"numpy.{ufunc.__name__} of {self!r}",
                "there are " + ", ".join(sorted(known.__name__ for known in _OPERATORS)),
            )
        try:
            return function(*map(plain, inputs))
        except AttributeError:  # an aggregate has fewer of them than rows
            raise not_supported(
                f"numpy.{ufunc.__name__} of {self!r}",
                "take the result with get_result() and do it there",
            ) from None
