# SPDX-License-Identifier: Apache-2.0
"""Expressions of the plan (engine/PLAN.md) as trees, and their text."""

from __future__ import annotations

import datetime
import decimal
import math
import numbers
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .errors import PlanError

REDUCTIONS = frozenset(
    (
        "count sum mean var std sem skew kurt median quantile any all cov corr dot hist "
        "value_counts mode nunique missing_patterns ols glm mnlogit describe iqr mad missing "
        "ttest ttest_paired ttest_one weighted weighted_ttest smd anova anova_two pearson var_ci "
        "proportion binomial crosstab chi2 fisher"
    ).split()
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "na"})
_NAME = re.compile(r"[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*\Z")
_STRENGTH = {
    **dict.fromkeys(["or"], 1),
    **dict.fromkeys(["and"], 2),
    **dict.fromkeys(["not"], 3),
    **dict.fromkeys(["==", "!=", "<", "<=", ">", ">=", "in"], 4),
    **dict.fromkeys(["+", "-"], 5),
    **dict.fromkeys(["*", "/", "//", "%"], 6),
    **dict.fromkeys(["negative"], 7),
    **dict.fromkeys(["**"], 8),
}
_ATOM = 9


class Expression:
    """A tree; str() is its text in a plan."""

    def children(self) -> tuple[Expression, ...]:
        """The operands, in order."""
        return ()

    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """The same node over other operands."""
        return self

    def walk(self) -> Iterator[Expression]:
        """This node and all below it."""
        yield self
        for child in self.children():
            yield from child.walk()

    def datasets(self) -> set[str]:
        """The datasets whose rows it is about: what aggregates in it read is the same for all."""
        return set().union(*(child.datasets() for child in self.children()))

    def __str__(self) -> str:
        return render(self)


Option = int | str | Expression


@dataclass(frozen=True)
class Column(Expression):
    """A column, or with name None every numeric column of a dataset."""

    dataset: str
    name: str | None

    def datasets(self) -> set[str]:
        """Its own."""
        return {self.dataset}


@dataclass(frozen=True)
class Number(Expression):
    """An exact decimal that is not negative; 0 and 1 may stand for a boolean of Python."""

    digits: str
    is_boolean: bool = False


@dataclass(frozen=True)
class Text(Expression):
    """A text."""

    value: str


@dataclass(frozen=True)
class Missing(Expression):
    """The missing value."""


@dataclass(frozen=True)
class Named(Expression):
    """What is computed of a dataset's columns, under a name of its own: a plan's definition."""

    dataset: str
    name: str
    definition: Expression

    def datasets(self) -> set[str]:
        """Its own."""
        return {self.dataset}

    def children(self) -> tuple[Expression, ...]:
        """The definition."""
        return (self.definition,)

    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """The same name for another definition."""
        return Named(self.dataset, self.name, *children)


@dataclass(frozen=True)
class Frame(Expression):
    """Columns side by side, labelled by their names."""

    columns: tuple[Column | Named, ...]

    def children(self) -> tuple[Expression, ...]:
        """The columns."""
        return self.columns

    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """Other columns side by side."""
        return Frame(tuple(child for child in children if isinstance(child, Column | Named)))


@dataclass(frozen=True)
class Operation(Expression):
    """An operator between its operands; "negative" and "not" have one."""

    operator: str
    operands: tuple[Expression, ...]

    def children(self) -> tuple[Expression, ...]:
        """The operands."""
        return self.operands

    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """The same operator over other operands."""
        return Operation(self.operator, children)


@dataclass(frozen=True)
class Call(Expression):
    """A function of arguments; options are written name=value after them.

    An option that is an expression itself, such as weights, is an operand as the arguments are.
    """

    function: str
    arguments: tuple[Expression, ...]
    options: tuple[tuple[str, Option], ...] = ()

    def datasets(self) -> set[str]:
        """None, if it is an aggregate."""
        return set() if self.function in REDUCTIONS else super().datasets()

    def children(self) -> tuple[Expression, ...]:
        """The arguments, then the options that are expressions."""
        options = (value for _, value in self.options if isinstance(value, Expression))
        return (*self.arguments, *options)

    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """The same function of other operands."""
        count = len(self.arguments)
        others = iter(children[count:])
        options = (
            (name, next(others) if isinstance(value, Expression) else value)
            for name, value in self.options
        )
        return Call(self.function, children[:count], tuple(options))


@dataclass(frozen=True)
class Filtered(Expression):
    """An expression where a condition on rows is true, missing elsewhere."""

    condition: Expression
    expression: Expression

    def children(self) -> tuple[Expression, ...]:
        """The condition, then what it filters."""
        return (self.condition, self.expression)

    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """The same over another condition and expression."""
        return Filtered(*children)


def call(function: str, *arguments: Expression, **options: Option) -> Call:
    """function(arguments, options)."""
    return Call(function, arguments, tuple(options.items()))


def binary(operator: str, left: Expression, right: Expression) -> Operation:
    """Two operands and what stands between them."""
    return Operation(operator, (left, right))


def choose(condition: Expression, then: Expression, otherwise: Expression) -> Call:
    """then where the condition is true, else otherwise."""
    return call("if", condition, then, otherwise)


def literal(value: Any, beside: Expression | None = None) -> Expression:
    """A number, text, date or missing value of Python, NumPy or pandas as an exact literal.

    A float is the decimal that Python prints for it: 0.1 is one tenth. A date or a time is its ISO
    text, a timedelta its days: where it stands beside a difference of dates, which is in days.
    Raises PlanError for one beside anything else.
    """
    if type(value).__name__ in ("datetime64", "timedelta64"):
        value = microseconds(value)
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return Missing()
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, datetime.date):
        return Text(date_text(value))
    if isinstance(value, datetime.timedelta):
        days = whole_days(value)
        if beside is None or not has_difference(beside):
            raise PlanError(
                f"{value!r}: expected it beside a difference of dates, df['left'] - df['came'], "
                "which is in days; beside a column of durations, which is in seconds, say its "
                "total_seconds()"
            )
        return literal(days)
    if isinstance(value, bool):
        return Number(str(int(value)), is_boolean=True)
    if isinstance(value, float | decimal.Decimal) and math.isnan(value):
        return Missing()
    if isinstance(value, numbers.Integral | float | decimal.Decimal):
        if math.isinf(value):
            raise PlanError("an infinity can't be written in a plan: use a finite number")
        digits = str(abs(value)).replace("E", "e")
        return Operation("negative", (Number(digits),)) if value < 0 else Number(digits)
    raise PlanError(
        f"{value!r} ({type(value).__name__}) can't be part of an expression: expected a number, a "
        "text, None, or something computed from the datasets"
    )


_CONDITIONS = frozenset("== != < <= > >= in and or not".split())
_CONDITION_CALLS = frozenset("isna row_any row_all startswith contains".split())


def is_condition(expression: Expression) -> bool:
    """Whether an expression is surely true or false. A column of a file may be, but is not known
    to be."""
    match expression:
        case Number(_, is_boolean):
            return is_boolean
        case Named(_, _, definition):
            return is_condition(definition)
        case Frame(columns):
            return all(map(is_condition, columns))
        case Operation(operator, _):
            return operator in _CONDITIONS
        case Call("if", (_, *branches)):
            return all(is_condition(each) or each == Missing() for each in branches)
        case Call("fillna", (filled, _)):
            return is_condition(filled)
        case Call(function, _):
            return function in _CONDITION_CALLS
    return False


def has_difference(expression: Expression) -> bool:
    """Whether columns, or a column and a date, are subtracted in it: perhaps dates."""
    return any(
        isinstance(each, Operation)
        and each.operator == "-"
        and all(side.datasets() or isinstance(side, Text) for side in each.operands)
        for each in expression.walk()
    )


def microseconds(value: Any) -> Any:
    """A datetime64 or timedelta64 of NumPy in microseconds, of which item() is no integer. Raises
    PlanError where it has nanoseconds."""
    found = value.astype(f"{type(value).__name__}[us]")
    if found == found and found != value:  # no NaT
        raise PlanError(f"{value!r}: expected whole microseconds: round it to them")
    return found


def date_text(value: datetime.date) -> str:
    """A date or a time as plans write it, in UTC where it has a zone; a midnight without one is
    written as a date, which is both. Raises PlanError for nanoseconds."""
    if not isinstance(value, datetime.datetime):
        return value.isoformat()
    if getattr(value, "nanosecond", 0):
        raise PlanError(f"{value!r}: expected whole microseconds: round it to them")
    if value.tzinfo is not None:
        utc = value.astimezone(datetime.UTC).replace(tzinfo=None)
        return f"{utc.isoformat()}Z"
    return value.date().isoformat() if value.time() == datetime.time() else value.isoformat()


def whole_days(value: datetime.timedelta) -> int:
    """A difference of dates. Raises PlanError where it is no number of whole days."""
    if value % datetime.timedelta(1):
        raise PlanError(
            f"{value!r}: expected whole days: differences of dates have no others; of times "
            "compare (a - b).dt.total_seconds() with a number of seconds"
        )
    return value // datetime.timedelta(1)


def is_whole_number(value: Any) -> bool:
    """Whether a value is an integer of Python or NumPy, no boolean."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def substitute(
    expression: Expression, replace: Callable[[Expression], Expression | None]
) -> Expression:
    """Replaces the nodes for which replace gives another; what is reduced by row stays."""
    replaced = replace(expression)
    if replaced is not None:
        return replaced
    if isinstance(expression, Call) and expression.function.startswith("row_"):
        return expression
    children = tuple(substitute(child, replace) for child in expression.children())
    return expression.rebuilt(children) if children else expression


def quoted(name: str) -> str:
    """A name as it is written in an expression."""
    if _NAME.match(name) and name not in _KEYWORDS:
        return name
    return "`" + name.replace("`", "``") + "`"


def render(expression: Expression, hoisted: Expression | None = None) -> str:
    """The text of an expression; filters by `hoisted` are left to the plan's where."""
    return _render(expression, hoisted)[0]


def _render(expression: Expression, hoisted: Expression | None) -> tuple[str, int]:
    def at_least(strength: int, child: Expression) -> str:
        text, own = _render(child, hoisted)
        return text if own >= strength else f"({text})"

    def separated(children: tuple[Expression, ...]) -> str:
        return ", ".join(at_least(0, child) for child in children)

    match expression:
        case Column(dataset, name):
            return f"{quoted(dataset)}.{'*' if name is None else quoted(name)}", _ATOM
        case Named(dataset, name):
            return f"{quoted(dataset)}.{quoted(name)}", _ATOM
        case Number(digits):
            return digits, _ATOM
        case Text(value):
            return "'" + value.replace("'", "''") + "'", _ATOM
        case Missing():
            return "na", _ATOM
        case Frame(columns):
            return f"[{separated(columns)}]", _ATOM
        case Filtered(condition, filtered):
            if condition == hoisted:
                return _render(filtered, hoisted)
            return _render(choose(condition, filtered, Missing()), hoisted)
        case Call(function, arguments, options):
            extra = "".join(
                f", {name}={at_least(0, value) if isinstance(value, Expression) else value}"
                for name, value in options
            )
            return f"{function}({separated(arguments)}{extra})", _ATOM
        case Operation("negative", (operand,)):
            return "-" + at_least(_STRENGTH["negative"], operand), _STRENGTH["negative"]
        case Operation("not", (operand,)):
            return "not " + at_least(_STRENGTH["not"], operand), _STRENGTH["not"]
        case Operation("in", (operand, *choices)):
            text = at_least(_STRENGTH["in"] + 1, operand)
            return f"{text} in ({separated(tuple(choices))})", _STRENGTH["in"]
        case Operation("**", (base, exponent)):
            return f"{at_least(_ATOM, base)} ** {at_least(0, exponent)}", _STRENGTH["**"]
        case Operation(operator, (left, right)):
            strength = _STRENGTH[operator]
            # Comparisons don't chain; the others group to the left.
            left_text = at_least(strength + (strength == _STRENGTH["=="]), left)
            return f"{left_text} {operator} {at_least(strength + 1, right)}", strength
    raise AssertionError(f"no text for {type(expression).__name__}")


def has_reduction(*expressions: Expression | None) -> bool:
    """Whether any of the expressions has an aggregate in it."""
    return any(
        isinstance(node, Call) and node.function in REDUCTIONS
        for expression in expressions
        if expression is not None
        for node in expression.walk()
    )


def common_filter(outputs: list[Expression]) -> Expression | None:
    """The condition by which every aggregate of all outputs is filtered: a plan's `where`.

    None where there is no such condition, or where it is itself computed from an aggregate.
    """
    conditions = set()
    for output in outputs:
        for node in output.walk():
            if isinstance(node, Call) and node.function in REDUCTIONS:
                for argument in node.arguments:
                    if isinstance(argument, Filtered):
                        conditions.add(argument.condition)
                    elif argument.datasets():
                        return None
    if len(conditions) != 1:
        return None
    (condition,) = conditions
    return None if has_reduction(condition) else condition
