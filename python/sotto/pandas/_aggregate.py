# SPDX-License-Identifier: Apache-2.0
"""Aggregates, which may leave: a number, one for each column, a square of columns; by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy
import pandas

from .._expression import (
    Column,
    Expression,
    Frame,
    Operation,
    binary,
    call,
    is_whole_number,
    literal,
    substitute,
)
from ..errors import PlanError
from ._refusals import RefusingResult, not_supported
from ._ufuncs import Ufuncs, plain

Shape = Literal["scalar", "series", "counts", "square", "fit", "test"]


@dataclass(frozen=True)
class GroupKey:
    """A column, the levels or edges of bins that make groups, and whether the rest is one.

    part: of the column's dates, such as "month". na: whether rows whose value is missing are one.
    """

    column: Column
    levels: tuple[Any, ...]
    other: bool
    are_edges: bool = False
    part: str = ""
    na: bool = False

    @property
    def name(self) -> str:
        """As results call it."""
        return key_name(self.column, self.part)


def key_name(column: Column, part: str) -> str:
    """The name of a key: a column's, or month(came)."""
    return f"{part}({column.name})" if part else str(column.name)


class Aggregate(Ufuncs, RefusingResult):
    """Numbers about all rows together, known once the task has run.

    Shapes: "scalar"; "series", one for each column; "counts", one for each bin, level or share;
    "square", columns by columns; "fit", what ols() gives; "test", what sotto.stats and crosstab()
    give. With `groups` one of that for each group.
    """

    __hash__ = object.__hash__

    def __init__(
        self, expression: Expression, shape: Shape, groups: tuple[GroupKey, ...] = ()
    ) -> None:
        self._expression = expression
        self._shape: Shape = shape
        self._groups = groups
        self._pandas_type = {"scalar": numpy.float64, "square": pandas.DataFrame}.get(
            shape, pandas.Series
        )

    def __repr__(self) -> str:
        groups = "".join(f" by {key.name}" for key in self._groups)
        return f"<{self._shape} {self._expression}{groups}>"

    def __getitem__(self, label: str) -> Aggregate:
        """The aggregate of one column."""
        if self._shape != "series" or not isinstance(label, str):
            self._refuse(f"[{label!r}]")
        return Aggregate(pick(self._expression, label), "scalar", self._groups)

    def _binary(self, operator: str, other: Any, reflected: bool = False) -> Any:
        other = plain(other)
        if self._shape in ("fit", "test"):
            self._refuse(operator)
        if isinstance(other, Aggregate):
            shape = self._common_shape(operator, other)
            right = other._expression
        elif isinstance(other, int | float) or type(other).__name__ == "Decimal":
            shape, right = self._shape, literal(other)
        else:
            return NotImplemented
        left, right = (right, self._expression) if reflected else (self._expression, right)
        return Aggregate(binary(operator, left, right), shape, self._groups)

    def _common_shape(self, operator: str, other: Aggregate) -> Shape:
        if self._groups != other._groups:
            raise not_supported(
                f"{self!r} {operator} {other!r}",
                "both must be of the same groups, or of none; make two tasks",
            )
        shapes = {self._shape, other._shape}
        if len(shapes) == 1 or shapes in ({"scalar", "series"}, {"scalar", "counts"}):
            return other._shape if self._shape == "scalar" else self._shape
        if shapes == {"scalar", "square"}:
            return "square"
        raise not_supported(f"{self!r} {operator} {other!r}", "the shapes differ; " + _later)

    def __add__(self, other: Any) -> Aggregate:
        return self._binary("+", other)  # type: ignore[no-any-return]

    def __radd__(self, other: Any) -> Aggregate:
        return self._binary("+", other, reflected=True)  # type: ignore[no-any-return]

    def __sub__(self, other: Any) -> Aggregate:
        return self._binary("-", other)  # type: ignore[no-any-return]

    def __rsub__(self, other: Any) -> Aggregate:
        return self._binary("-", other, reflected=True)  # type: ignore[no-any-return]

    def __mul__(self, other: Any) -> Aggregate:
        return self._binary("*", other)  # type: ignore[no-any-return]

    def __rmul__(self, other: Any) -> Aggregate:
        return self._binary("*", other, reflected=True)  # type: ignore[no-any-return]

    def __truediv__(self, other: Any) -> Aggregate:
        return self._binary("/", other)  # type: ignore[no-any-return]

    def __rtruediv__(self, other: Any) -> Aggregate:
        return self._binary("/", other, reflected=True)  # type: ignore[no-any-return]

    add, radd, sub, rsub = __add__, __radd__, __sub__, __rsub__
    mul, rmul, truediv, rtruediv = __mul__, __rmul__, __truediv__, __rtruediv__
    multiply, subtract, div, rdiv = __mul__, __sub__, __truediv__, __rtruediv__

    def __pow__(self, exponent: Any) -> Aggregate:
        if exponent == 0.5:
            return self.sqrt()
        if not is_whole_number(exponent):
            raise not_supported(
                f"{self!r} ** {exponent!r}", "expected an integer that is written out, or 0.5"
            )
        return Aggregate(
            binary("**", self._expression, literal(exponent)), self._shape, self._groups
        )

    pow = __pow__

    def __neg__(self) -> Aggregate:
        return Aggregate(Operation("negative", (self._expression,)), self._shape, self._groups)

    def __pos__(self) -> Aggregate:
        return self

    def __abs__(self) -> Aggregate:
        return Aggregate(call("abs", self._expression), self._shape, self._groups)

    abs = __abs__

    def sqrt(self) -> Aggregate:
        """The square root."""
        return Aggregate(call("sqrt", self._expression), self._shape, self._groups)

    def _refused_operator(self, operator: str, other: object) -> Any:
        if isinstance(other, Ufuncs) and not isinstance(other, Aggregate):
            return NotImplemented  # rows take an aggregate on either side
        raise not_supported(f"{operator} of {self!r}", _later)

    def __eq__(self, other: object) -> Any:
        return self._refused_operator("==", other)

    def __ne__(self, other: object) -> Any:
        return self._refused_operator("!=", other)

    def __lt__(self, other: Any) -> Any:
        return self._refused_operator("<", other)

    def __le__(self, other: Any) -> Any:
        return self._refused_operator("<=", other)

    def __gt__(self, other: Any) -> Any:
        return self._refused_operator(">", other)

    def __ge__(self, other: Any) -> Any:
        return self._refused_operator(">=", other)

    def __floordiv__(self, other: Any) -> Any:
        return self._refused_operator("//", other)

    def __mod__(self, other: Any) -> Any:
        return self._refused_operator("%", other)

    def __divmod__(self, other: Any) -> Any:
        return self._refused_operator("divmod", other)

    def __and__(self, other: Any) -> Any:
        return self._refused_operator("&", other)

    def __or__(self, other: Any) -> Any:
        return self._refused_operator("|", other)

    def __round__(self, digits: int = 0) -> Any:
        return self._refused_operator("round()", None)

    def __invert__(self) -> Any:
        return self._refused_operator("~", None)


class Summary(RefusingResult):
    """Several aggregates under one heading each, as describe() and agg([...]) give them."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = dict(parts)
        self._pandas_type = pandas.DataFrame

    def __repr__(self) -> str:
        return f"<summary {', '.join(f'{name}: {part!r}' for name, part in self._parts.items())}>"

    def __getitem__(self, label: str) -> Summary:
        """The summary of one column."""
        return Summary({name: part[label] for name, part in self._parts.items()})


_later = "take the result with get_result() and do it there"


def pick(expression: Expression, label: str) -> Expression:
    """One column of an expression over a frame. Raises PlanError where it has no such column."""

    def replace(node: Expression) -> Expression | None:
        if isinstance(node, Column) and node.name is None:
            return Column(node.dataset, label)
        if isinstance(node, Frame):
            for column in node.columns:
                if column.name == label:
                    return column
            names = ", ".join(str(column.name) for column in node.columns)
            raise PlanError(f"there is no column {label!r} here: these are {names}")
        return None

    return substitute(expression, replace)
