# SPDX-License-Identifier: Apache-2.0
"""What DataFrame and Series share: values that stay with their party, and operators on them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from numbers import Real
from typing import Any, NoReturn, Self

import pandas

from .._expression import (
    Call,
    Expression,
    Frame,
    Missing,
    Number,
    Operation,
    binary,
    call,
    choose,
    is_condition,
    literal,
)
from ..errors import NotSupported, PlanError
from ._aggregate import Aggregate
from ._reductions import Rows
from ._refusals import Refusing, not_supported
from ._ufuncs import Ufuncs, plain

_COMPARISONS = frozenset(["==", "!=", "<", "<=", ">", ">=", "and", "or"])
# For two columns of booleans pandas has "or" for +, "and" for *, and refuses most others.
_COUNTED = "count them as 0 and 1: (df['age'] > 60).astype(int)"
_OF_CONDITIONS = {
    "+": f"say | for where either is true, or {_COUNTED}",
    "-": f"say != for where one of both is true, or {_COUNTED}",
    **dict.fromkeys(["/", "//", "%", "**"], _COUNTED),
}
_EXPONENT_MAX = 64
_KINDS = {
    **dict.fromkeys(["float", "float64", "double"], "float"),
    **dict.fromkeys(["int", "int64", "int32", "int8", "uint8"], "int"),
    **dict.fromkeys(["bool", "bool_", "boolean"], "bool"),
}


def operation(operator: str, left: Expression, right: Expression) -> Expression:
    """left operator right, for any operator of Python that rows have."""
    if operator != "**":
        return binary(operator, left, right)
    if isinstance(right, Number) and right.digits.isdigit() and int(right.digits) <= _EXPONENT_MAX:
        return binary("**", left, right)
    return call("pow", left, right)


def check_one_dataset(*expressions: Expression | None) -> None:
    """Raises NotSupported where the expressions are about rows of several datasets."""
    datasets: set[str] = set().union(*(each.datasets() for each in expressions if each))
    if len(datasets) > 1:
        raise NotSupported(
            f"rows of {' and '.join(sorted(datasets))} in one expression are not supported: "
            "a plan reads each dataset apart; combine their aggregates"
        )


def key_literal(function: str, value: Any, beside: Expression) -> Expression:
    """A value that others are compared with, Missing for NaN and NaT.

    Raises NotSupported for None and NA, which pandas takes for what is missing in some types only.
    """
    if value is None or value is pandas.NA:
        raise not_supported(
            f"{function}() of {value!r}",
            "say numpy.nan for what is missing, or use isna(), fillna()",
        )
    return literal(plain(value), beside)


def filled(operator: str, left: Expression, right: Expression, fill_value: Any) -> Expression:
    """The operation with fill_value for an operand that is missing, unless both are."""
    fill = literal(fill_value)
    missing = [call("isna", side) for side in (left, right) if side.datasets()]
    sides = [call("fillna", side, fill) if side.datasets() else side for side in (left, right)]
    result = operation(operator, sides[0], sides[1])
    return choose(binary("and", *missing), Missing(), result) if len(missing) == 2 else result


class RowWise(Ufuncs, Refusing):
    """An expression over the rows of one dataset, which never leave their party."""

    __hash__ = object.__hash__
    _kind = "rows"
    _is_array = False

    def __init__(self, expression: Expression, condition: Expression | None = None) -> None:
        check_one_dataset(expression, condition)
        self._own = expression
        self._condition = condition

    @property
    def _expression(self) -> Expression:
        return self._own

    def __repr__(self) -> str:
        where = f" where {self._condition}" if self._condition else ""
        return f"<{self._kind} {self._expression}{where}>"

    @property
    def _rows(self) -> Rows:
        return Rows(self._expression, self._condition)

    def _with(self, expression: Expression) -> Self:
        return type(self)(expression, self._condition)

    def _filtered(self, mask: RowWise) -> Self:
        """The rows where a mask is true; the mask is over the same rows, or over all."""
        return type(self)(self._expression, self._narrowed(mask))

    def _narrowed(self, mask: RowWise) -> Expression:
        condition = mask._expression
        if mask._condition is not None and mask._condition != self._condition:
            raise not_supported(
                f"the filter {mask!r} on {self!r}", "make the mask of the object that it filters"
            )
        if self._condition is not None:
            condition = binary("and", self._condition, condition)
        return condition

    # --- Operators ---

    def _check_beside(self, operator: str, other: RowWise, axis: int | None) -> None:
        """Raises NotSupported where pandas would not put other's values beside this object's."""
        raise NotImplementedError

    def _binary(
        self,
        operator: str,
        other: Any,
        reflected: bool = False,
        axis: int | None = None,
        fill_value: Any = None,
    ) -> Any:
        other = plain(other)
        left, condition = self._expression, self._condition
        if isinstance(other, RowWise):
            self._check_beside(operator, other, axis)
            left, right, condition = self._aligned(operator, other)
        elif isinstance(other, Aggregate):
            right = self._broadcast(operator, other, axis)
        elif isinstance(other, list | tuple | dict | set) or hasattr(other, "__array__"):
            raise not_supported(
                f"{self!r} {operator} {type(other).__name__}",
                "use numbers, columns or aggregates; for a value by column, do each column",
            )
        else:
            right = literal(other, left)
        if operator in _OF_CONDITIONS and is_condition(left) and is_condition(right):
            raise not_supported(
                f"{self!r} {operator} {other!r}, of conditions,", _OF_CONDITIONS[operator]
            )
        if reflected:
            left, right = right, left
        if fill_value is None:
            result = operation(operator, left, right)
        else:
            result = filled(operator, left, right, fill_value)
        return self._type_beside(other)(result, condition)

    def _type_beside(self, other: Any) -> type[RowWise]:
        """What an operation with another operand gives."""
        return type(self)

    def _aligned(
        self, operator: str, other: RowWise
    ) -> tuple[Expression, Expression, Expression | None]:
        """Both expressions over common rows: as pandas aligns, missing where one has no row."""
        mine, theirs = self._condition, other._condition
        if mine == theirs:
            return self._expression, other._expression, mine
        if operator in _COMPARISONS or (mine is not None and theirs is not None):
            raise not_supported(
                f"{self!r} {operator} {other!r}", "filter both alike, or filter the result"
            )
        left, right = (
            choose(side._condition, side._expression, Missing())
            if side._condition is not None
            else side._expression
            for side in (self, other)
        )
        return left, right, None

    def _broadcast(self, operator: str, other: Aggregate, axis: int | None) -> Expression:
        if other._groups or other._shape != "scalar":
            raise not_supported(
                f"{self!r} {operator} {other!r}", "expected one number for all rows and groups"
            )
        return other._expression

    def __add__(self, other: Any) -> Self:
        return self._binary("+", other)  # type: ignore[no-any-return]

    def __radd__(self, other: Any) -> Self:
        return self._binary("+", other, reflected=True)  # type: ignore[no-any-return]

    def __sub__(self, other: Any) -> Self:
        return self._binary("-", other)  # type: ignore[no-any-return]

    def __rsub__(self, other: Any) -> Self:
        return self._binary("-", other, reflected=True)  # type: ignore[no-any-return]

    def __mul__(self, other: Any) -> Self:
        return self._binary("*", other)  # type: ignore[no-any-return]

    def __rmul__(self, other: Any) -> Self:
        return self._binary("*", other, reflected=True)  # type: ignore[no-any-return]

    def __truediv__(self, other: Any) -> Self:
        return self._binary("/", other)  # type: ignore[no-any-return]

    def __rtruediv__(self, other: Any) -> Self:
        return self._binary("/", other, reflected=True)  # type: ignore[no-any-return]

    def __floordiv__(self, other: Any) -> Self:
        return self._binary("//", other)  # type: ignore[no-any-return]

    def __rfloordiv__(self, other: Any) -> Self:
        return self._binary("//", other, reflected=True)  # type: ignore[no-any-return]

    def __mod__(self, other: Any) -> Self:
        return self._binary("%", other)  # type: ignore[no-any-return]

    def __rmod__(self, other: Any) -> Self:
        return self._binary("%", other, reflected=True)  # type: ignore[no-any-return]

    def __pow__(self, other: Any) -> Self:
        return self._binary("**", other)  # type: ignore[no-any-return]

    def __rpow__(self, other: Any) -> Self:
        return self._binary("**", other, reflected=True)  # type: ignore[no-any-return]

    def __divmod__(self, other: Any) -> tuple[Self, Self]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Self, Self]:
        return other // self, other % self

    def __eq__(self, other: object) -> Self:  # type: ignore[override]
        return self._binary("==", other)  # type: ignore[no-any-return]

    def __ne__(self, other: object) -> Self:  # type: ignore[override]
        return self._binary("!=", other)  # type: ignore[no-any-return]

    def __lt__(self, other: Any) -> Self:
        return self._binary("<", other)  # type: ignore[no-any-return]

    def __le__(self, other: Any) -> Self:
        return self._binary("<=", other)  # type: ignore[no-any-return]

    def __gt__(self, other: Any) -> Self:
        return self._binary(">", other)  # type: ignore[no-any-return]

    def __ge__(self, other: Any) -> Self:
        return self._binary(">=", other)  # type: ignore[no-any-return]

    def __and__(self, other: Any) -> Self:
        return self._binary("and", other)  # type: ignore[no-any-return]

    def __rand__(self, other: Any) -> Self:
        return self._binary("and", other, reflected=True)  # type: ignore[no-any-return]

    def __or__(self, other: Any) -> Self:
        return self._binary("or", other)  # type: ignore[no-any-return]

    def __ror__(self, other: Any) -> Self:
        return self._binary("or", other, reflected=True)  # type: ignore[no-any-return]

    def _no_operator(self, other: Any) -> NoReturn:
        raise not_supported(
            f"^, <<, >> or @ of {self!r}",
            "say != for where one of two conditions is true, (a * b).sum() for a sum of products",
        )

    __xor__ = __rxor__ = __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _no_operator
    __matmul__ = __rmatmul__ = _no_operator

    def __invert__(self) -> Self:
        return self._with(Operation("not", (self._expression,)))

    def __neg__(self) -> Self:
        if is_condition(self._expression):
            raise not_supported(
                f"- of the condition {self!r}",
                f"say ~ for where it is not true, or {_COUNTED}",
            )
        return self._with(Operation("negative", (self._expression,)))

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self.abs()

    def __round__(self, digits: int = 0) -> Self:
        return self.round(digits)

    # --- Functions of each value ---

    def abs(self) -> Self:
        """The absolute values."""
        return self._with(call("abs", self._expression))

    def round(self, decimals: int = 0) -> Self:
        """The values rounded half to even to so many decimals; -1 is to tens."""
        if not isinstance(decimals, int) or not -22 <= decimals <= 22:
            raise PlanError(f"round({decimals!r}): expected an integer from -22 to 22")
        digits = [literal(decimals)] if decimals else []
        return self._with(call("round", self._expression, *digits))

    def sqrt(self) -> Self:
        """The square roots; numpy.sqrt gives them too."""
        return self._with(call("sqrt", self._expression))

    def exp(self) -> Self:
        """The exponentials; numpy.exp gives them too."""
        return self._with(call("exp", self._expression))

    def log(self) -> Self:
        """The natural logarithms; numpy.log gives them too."""
        return self._with(call("log", self._expression))

    def floor(self) -> Self:
        """The largest integers not above the values; numpy.floor gives them too."""
        return self._with(call("floor", self._expression))

    def ceil(self) -> Self:
        """The smallest integers not below the values; numpy.ceil gives them too."""
        return self._with(call("ceil", self._expression))

    def isna(self) -> Self:
        """Where values are missing."""
        return self._with(call("isna", self._expression))

    def notna(self) -> Self:
        """Where values are present."""
        return ~self.isna()

    isnull, notnull = isna, notna

    def fillna(self, value: Any) -> Self:
        """The values with another in place of the missing ones: a number, text or column."""
        if isinstance(value, dict):
            raise not_supported("fillna() with a dict", "fill each column: df['a'].fillna(0)")
        if isinstance(value, RowWise | Aggregate):
            return self._chosen(self.notna(), value)
        return self._with(call("fillna", self._expression, literal(value, self._expression)))

    def where(self, cond: Any, other: Any = None) -> Self:
        """The values where cond is true; elsewhere other, or missing."""
        return self._chosen(cond, other)

    def mask(self, cond: Any, other: Any = None) -> Self:
        """The values where cond is false; elsewhere other, or missing."""
        return self._chosen(cond, other, negated=True)

    def _chosen(self, cond: Any, other: Any, negated: bool = False) -> Self:
        if not isinstance(cond, RowWise):
            raise PlanError(f"the condition {cond!r}: expected a condition such as df['age'] >= 18")
        if isinstance(other, Aggregate):
            otherwise = self._broadcast("where", other, None)
        elif isinstance(other, RowWise):
            _, otherwise, _ = self._aligned("==", other)
        else:
            otherwise = literal(plain(other), self._expression)
        self._aligned("==", cond)
        branches = (otherwise, self._expression) if negated else (self._expression, otherwise)
        return self._with(choose(cond._expression, *branches))

    def clip(self, lower: Any = None, upper: Any = None) -> Self:
        """The values, none below lower or above upper; two numbers may stand in any order."""
        limits = [plain(limit) for limit in (lower, upper) if isinstance(limit, Real | date)]
        if len(limits) == 2 and all(isinstance(limit, Real) for limit in limits):
            limits.sort()
        if len(limits) == 2 and limits[0] <= limits[1]:
            return self._with(call("clip", self._expression, *map(literal, limits)))
        clipped = self if lower is None else self.mask(self < lower, lower)
        if upper is None:
            return clipped
        # As pandas: what lower gave is compared with a number, what there was with a column.
        compared = clipped if isinstance(upper, Real) else self
        return clipped.mask(compared > upper, upper)

    def astype(self, dtype: Any) -> Self:
        """The values as numbers of another type: float, int (fractions cut off) or bool."""
        kind = _KINDS.get(str(getattr(dtype, "__name__", dtype)).lower())
        if kind == "float":
            return self._with(call("float", self._expression))
        if kind == "int":
            whole = [self._with(call(each, self._expression)) for each in ("ceil", "floor")]
            return whole[1].mask(self < 0, whole[0])
        if kind == "bool":
            return self._binary("!=", 0)  # type: ignore[no-any-return]
        raise not_supported(
            f"astype({dtype!r}) of {self!r}",
            "there are float, int and bool; texts and categories stay as they are in the file",
        )

    def pipe(self, func: Any, *arguments: Any, **options: Any) -> Any:
        """func(self, ...)."""
        return func(self, *arguments, **options)

    def isin(self, values: Any) -> Self:
        """Where the value is one of these; NaN and NaT are what is missing."""
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise PlanError(f"isin({values!r}): expected a list, [{values!r}]")
        choices = tuple(key_literal("isin", value, self._expression) for value in values)
        if not choices:
            raise PlanError("isin([]): expected at least one value")
        present = tuple(choice for choice in choices if choice != Missing())
        found: Expression = Operation("in", (self._expression, *present))
        if len(present) < len(choices):
            missing = call("isna", self._expression)
            found = binary("or", found, missing) if present else missing
        return self._with(found)


def labels(expression: Expression) -> tuple[str, ...] | None:
    """The names of a frame's columns; None where they are whatever is numeric in the file."""
    if isinstance(expression, Frame):
        return tuple(str(column.name) for column in expression.columns)
    if isinstance(expression, Call) and expression.function.startswith("row_"):
        return None
    known = (labels(child) for child in expression.children())
    return next((names for names in known if names is not None), None)


def is_function(value: Any) -> bool:
    """Whether pandas would call it: a column is none."""
    return callable(value) and not isinstance(value, RowWise)
