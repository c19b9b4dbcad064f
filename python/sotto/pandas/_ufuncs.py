# SPDX-License-Identifier: Apache-2.0
"""NumPy's functions on lazy objects: numpy.log(wages["wage"]), numpy.float64(2) * wages."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy

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
}


def plain(value: Any) -> Any:
    """A scalar of NumPy as the Python object it stands for; anything else as it is."""
    return value.item() if isinstance(value, numpy.generic) else value


class Ufuncs:
    """Turns NumPy's functions into the operators and methods of the object."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        function = _OPERATORS.get(ufunc)
        if function is None or method != "__call__" or options:
            raise not_supported(
                f"numpy.{ufunc.__name__} of {self!r}",
                "there are " + ", ".join(sorted(known.__name__ for known in _OPERATORS)),
            )
        return function(*map(plain, inputs))
