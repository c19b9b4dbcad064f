# SPDX-License-Identifier: Apache-2.0
"""DataFrame.query and DataFrame.eval: a text over the columns' names, as pandas reads it."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ..errors import PlanError
from ._refusals import not_supported
from ._rowwise import RowWise

_LOCAL = "__local_"
_QUOTED = "__column_"

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_UNARY: dict[type, Callable[[Any], Any]] = {
    ast.Not: operator.invert,
    ast.Invert: operator.invert,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_METHODS = frozenset("isna isnull notna notnull isin between abs round fillna clip".split())


_ASSIGNED = re.compile(r"\s*(?:([^\W\d]\w*)|`([^`]+)`)\s*=(?!=)(.*)")


def assignments(text: str) -> list[tuple[str, str]]:
    """Names and what they are, of a text that has nothing but lines "bmi = kg / m ** 2"."""
    lines = [line for line in str(text).splitlines() if line.strip()]
    found = [_ASSIGNED.fullmatch(line) for line in lines]
    return [(line[1] or line[2], line[3]) for line in found if line] if all(found) else []


def evaluated(text: str, column: Callable[[str], Any], names: Mapping[str, Any]) -> Any:
    """What a text says, `column` giving columns by their names and `names` what is after an @."""
    if not isinstance(text, str):
        raise PlanError(f"{text!r}: expected a text, such as 'age > 60 and sex == \"f\"'")
    quoted: list[str] = []

    def keep(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        quoted.append(found[1])
        return f"{_QUOTED}{len(quoted) - 1}"

    # Texts in quotes stay as they are; names in backticks become names of Python.
    readable = re.sub(r"'[^']*'|\"[^\"]*\"|`([^`]*)`", keep, text)
    readable = re.sub(r"@(?=[^\W\d])", _LOCAL, readable)
    try:
        tree = ast.parse(readable.strip(), mode="eval")
    except SyntaxError as error:
        raise PlanError(f"{text!r}: {error.msg}") from None
    try:
        return _Reader(text, quoted, column, names).value(tree.body)
    except (TypeError, ArithmeticError) as error:  # of what has no column in it: -"x", 1 / 0
        raise PlanError(f"{text!r}: {error}") from None


class _Reader:
    def __init__(
        self,
        text: str,
        quoted: list[str],
        column: Callable[[str], Any],
        names: Mapping[str, Any],
    ) -> None:
        self.text, self.quoted, self.column, self.names = text, quoted, column, names

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value):
                return value
            case ast.Name(name):
                return self._named(name)
            case ast.List(elements) | ast.Tuple(elements) | ast.Set(elements):
                return [self.value(element) for element in elements]
            case ast.BinOp(left, kind, right) if type(kind) in _BINARY:
                return _BINARY[type(kind)](self.value(left), self.value(right))
            case ast.UnaryOp(kind, operand):
                return _UNARY[type(kind)](self.value(operand))
            case ast.BoolOp(kind, operands):
                found = self.value(operands[0])
                for operand in operands[1:]:
                    both = isinstance(kind, ast.And)
                    found = found & self.value(operand) if both else found | self.value(operand)
                return found
            case ast.Compare(left, kinds, others):
                return self._compared(left, kinds, others)
            case ast.Call(ast.Attribute(rows, method), arguments, options) if method in _METHODS:
                given = {option.arg: self.value(option.value) for option in options if option.arg}
                return getattr(self.value(rows), method)(*map(self.value, arguments), **given)
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise not_supported(
            f"{self.text!r}",
            "there are columns, numbers, texts, @names, operators, comparisons, and, or, not, in "
            f"and the methods {', '.join(sorted(_METHODS))}",
        )

    def _named(self, name: str) -> Any:
        if name.startswith(_QUOTED):
            return self.column(self.quoted[int(name.removeprefix(_QUOTED))])
        if not name.startswith(_LOCAL):
            return self.column(name)
        local = name.removeprefix(_LOCAL)
        if local not in self.names:
            raise PlanError(f"{self.text!r}: there is no @{local} where this was called")
        return self.names[local]

    def _compared(self, left: ast.expr, kinds: list[ast.cmpop], others: list[ast.expr]) -> Any:
        found, before = None, self.value(left)
        for kind, other in zip(kinds, others, strict=True):
            after = self.value(other)
            is_choice = isinstance(kind, ast.In | ast.NotIn) or isinstance(after, list)
            if is_choice and not isinstance(before, RowWise):
                raise not_supported(
                    f"{self.text!r}", "in asks whether a column is one of a list: age in [18, 19]"
                )
            match kind:
                case ast.Is() | ast.IsNot():
                    self._refuse()
                case ast.In():
                    one = before.isin(after)
                case ast.NotIn():
                    one = ~before.isin(after)
                case _ if isinstance(after, list):  # as pandas: == [...] is in
                    one = before.isin(after)
                    one = ~one if isinstance(kind, ast.NotEq) else one
                case _:
                    one = _BINARY[type(kind)](before, after)
            found = one if found is None else found & one
            before = after
        return found
