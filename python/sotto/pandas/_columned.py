# SPDX-License-Identifier: Apache-2.0
"""The columns of a lazy DataFrame: chosen, computed under a name, renamed, left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, Self

import pandas

from .._expression import Column, Expression, Frame, Missing, Named, call, choose, substitute
from ..errors import ColumnsUnknown, PlanError
from ._aggregate import Aggregate, Summary, pick
from ._named_operators import Axis, NamedOperators, axis_number
from ._query import assignments, evaluated
from ._refusals import caller_names, not_supported
from ._rowwise import RowWise, is_function, labels
from ._series import Series
from ._ufuncs import reduction_of


class _Change(NamedTuple):
    """A column that went, one that came, or both at its place."""

    gone: str | None
    come: str | None = None
    expression: Expression | None = None


_Edit = tuple[_Change, ...]  # at once


class Columned(NamedOperators):
    """A frame's columns.

    Where a frame is all numeric columns of a file, their names are not known; a column that is
    asked for by name is found all the same, and what is asked of all of them at once raises
    ColumnsUnknown after an assignment: a task is then written when a node has told the names.
    """

    def __init__(
        self,
        expression: Expression,
        condition: Expression | None = None,
        told: Sequence[str] | None = None,
    ) -> None:
        """told: the names of all numeric columns, where a node has told them."""
        super().__init__(expression, condition)
        self._told = None if told is None else tuple(told)
        self._edits: tuple[_Edit, ...] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise PlanError(f"df.{name} = ...: say df[{name!r}] = ...")
        super().__setattr__(name, value)

    @property
    def _expression(self) -> Expression:
        if not self._edits:
            return self._own
        return Frame(tuple(self._columns().values()))

    def __repr__(self) -> str:
        known = not self._edits or labels(self._own) is not None
        return super().__repr__() if known else f"<{self._kind} {self._own} with changes>"

    def _like(self, expression: Expression, condition: Expression | None) -> Self:
        """This frame's columns, over other rows."""
        other = type(self)(expression, condition, self._told)
        other._edits = self._edits
        return other

    def _filtered(self, mask: RowWise) -> Self:
        return self._like(self._own, self._narrowed(mask))

    # --- By name ---

    def _item(self, name: str, expression: Expression) -> Column | Named:
        """An expression as a column called so."""
        called = isinstance(expression, Column | Named) and expression.name == name
        if called and isinstance(expression, Column | Named):
            return expression
        (dataset,) = self._own.datasets()
        return Named(dataset, name, expression)

    def _column(self, name: str) -> Expression:
        for edit in reversed(self._edits):
            for change in edit:
                if change.come == name and change.expression is not None:
                    return self._item(name, change.expression)
            if any(change.gone == name for change in edit):
                raise PlanError(f"there is no column {name!r} here: it was dropped or renamed")
        return pick(self._own, name)

    def _columns(self) -> dict[str, Column | Named]:
        """All columns. Raises ColumnsUnknown."""
        columns = {
            name: self._item(name, pick(self._own, name)) for name in self._own_names("columns")
        }
        for edit in self._edits:
            columns = self._edited(columns, edit)
        return columns

    def _edited(
        self, columns: Mapping[str, Column | Named], edit: _Edit
    ) -> dict[str, Column | Named]:
        """A column that came stands where the one that went was, or one of its name; else last."""
        places: dict[str, Column | Named | None] = {}
        last: dict[str, Column | Named] = {}
        for change in edit:
            item = None
            if change.come is not None and change.expression is not None:
                item = self._item(change.come, change.expression)
            place = change.come if change.gone is None else change.gone
            if place in columns:
                places[str(place)] = item
            elif change.gone is None and item is not None:
                last[str(item.name)] = item
            elif labels(self._own) is not None:  # else it may be one of text, or of a wrong name
                raise PlanError(
                    f"there is no column {place!r} here: these are {', '.join(columns)}"
                )
        edited: dict[str, Column | Named] = {}
        for name, before in columns.items():
            item = places.get(name, before)
            if item is not None:
                edited[str(item.name)] = item
        return edited | last

    def _own_names(self, what: str) -> tuple[str, ...]:
        names = labels(self._own)
        if names is None and isinstance(self._own, Column):
            names = self._told
        if names is None:
            raise ColumnsUnknown(
                f"{what} are not known where a plan is written: choose by name, df[['a', 'b']]"
            )
        return names

    def _known_columns(self, what: str) -> tuple[str, ...]:
        if self._edits:
            return tuple(self._columns())
        return self._own_names(what)

    def _chosen_columns(self, names: Sequence[str]) -> Self:
        if len(set(names)) != len(names):
            raise PlanError(f"{list(names)}: a column is there twice")
        if self._edits:
            return self._of(names, self._column)

        def replace(node: Expression) -> Expression | None:
            if isinstance(node, Frame) or (isinstance(node, Column) and node.name is None):
                return self._of(names, lambda name: pick(node, name))._own
            return None

        return self._with(substitute(self._own, replace))

    def _of(self, names: Sequence[str], column: Callable[[str], Expression]) -> Self:
        items = [self._item(name, column(name)) for name in names]
        return type(self)(Frame(tuple(items)), self._condition)

    @property
    def columns(self) -> pandas.Index:
        """The names of the columns, which must be known: chosen, or told by a node."""
        return pandas.Index(self._known_columns("columns of a file"))

    @property
    def shape(self) -> tuple[Aggregate, int]:
        """How many rows there are, known when the task has run, and how many columns."""
        names = self._known_columns("the number of columns, and a column to count rows by,")
        rows = Series(call("isna", self._column(names[0])), self._condition)
        return rows.count(), len(names)

    # --- Other columns ---

    def _assign(self, name: str, value: Any) -> None:
        if not isinstance(name, str) or not name:
            raise PlanError(f"df[{name!r}] = ...: expected the name of a column")
        if not isinstance(value, Series):
            raise not_supported(
                f"df[{name!r}] = {value!r}",
                "expected a value for each row, computed of columns; what is the same in all rows "
                "needs no column",
            )
        expression = value._expression
        if value._condition != self._condition and value._condition is not None:
            if self._condition is not None:
                raise not_supported(
                    f"df[{name!r}] = {value!r}", "filter both alike, or assign before you filter"
                )
            expression = choose(value._condition, expression, Missing())
        if not expression.datasets() <= self._own.datasets():
            raise PlanError(f"df[{name!r}] = {value!r}: these are rows of another dataset")
        self._edits = (*self._edits, (_Change(None, name, expression),))

    def __setitem__(self, key: Any, value: Any) -> None:
        """A column under a name of its own, which the plan defines: df["bmi"] = ..."""
        self._assign(key, value)

    def __delitem__(self, key: str) -> None:
        self._edits = (*self._edits, (_Change(key),))

    def insert(self, loc: int, column: str, value: Any, allow_duplicates: bool = False) -> None:
        """As df[column] = value; columns stand in the order in which they came."""
        self._assign(column, value)

    def pop(self, item: str) -> Series:
        """A column, which the frame has no more."""
        column = Series(self._column(item), self._condition)
        del self[item]
        return column

    def assign(self, **columns: Any) -> Self:
        """This frame with more columns: assign(bmi=df.kg / df.m**2), or a function of it."""
        frame = self.copy()
        for name, value in columns.items():
            frame._assign(name, value(frame) if is_function(value) else value)
        return frame

    def copy(self, deep: bool = True) -> Self:
        """The same frame; columns that one of both is given later are not the other's."""
        return self._like(self._own, self._condition)

    def drop(
        self,
        labels: Sequence[str] | str | None = None,
        axis: Axis = 0,
        *,
        columns: Sequence[str] | str | None = None,
    ) -> Self:
        """The frame without some of its columns."""
        given = labels if columns is None else columns
        if given is None or (columns is None and axis_number(axis) != 1):
            raise not_supported(
                "drop() of rows", "filter them, df[df['age'] >= 18], or say drop(columns=[...])"
            )
        frame = self.copy()
        for name in [given] if isinstance(given, str) else given:
            del frame[name]
        return frame._checked()

    def rename(
        self,
        mapper: Any = None,
        *,
        columns: Mapping[str, str] | Callable[[str], str] | None = None,
        axis: Axis = 0,
    ) -> Self:
        """The frame with other names for some of its columns."""
        names = columns if columns is not None else mapper if axis_number(axis) == 1 else None
        if names is None:
            raise not_supported("rename() of rows", "say rename(columns={'wage': 'pay'})")
        if not isinstance(names, Mapping):
            function = names
            names = {name: function(name) for name in self._known_columns("columns to rename")}
        changes = (_Change(old, new, self._column(old)) for old, new in names.items())
        frame = self.copy()
        frame._edits = (*self._edits, tuple(changes))
        return frame._checked()

    def _checked(self) -> Self:
        """Raises where all columns are known, and none is left, or one went that was not there."""
        if labels(self._own) is not None and not self._columns():
            raise PlanError("no column is left: expected some")
        return self

    def filter(
        self,
        items: Sequence[str] | None = None,
        like: str | None = None,
        regex: str | None = None,
        axis: Axis = 1,
    ) -> Self:
        """The columns of these names, or of names with such a text in them."""
        if axis_number(axis) != 1:
            raise not_supported("filter() of rows", "filter them: df[df['age'] >= 18]")
        if items is not None:
            return self._chosen_columns(list(items))
        names = self._known_columns("columns to choose from")
        pattern = re.escape(like) if like is not None else regex or ""
        return self._chosen_columns([name for name in names if re.search(pattern, name)])

    def astype(self, dtype: Any) -> Self:
        """The values as numbers of another type; a dict has those of some columns."""
        if not isinstance(dtype, Mapping):
            return super().astype(dtype)
        return self.assign(
            **{
                name: Series(self._column(name), self._condition).astype(kind)
                for name, kind in dtype.items()
            }
        )

    def set_index(self, keys: Sequence[str] | str, *, drop: bool = True) -> Self:
        """The frame without the columns that would name its rows."""
        return self.drop(columns=keys) if drop else self

    # --- Rows ---

    @property
    def loc(self) -> Loc:
        """df.loc[condition], df.loc[condition, columns], df.loc[:, columns]."""
        return Loc(self)

    def query(self, expr: str) -> Self:
        """The rows where a text is true: query("age > 60 and sex == 'f'"); @name is a variable."""
        mask = self._evaluated(expr, caller_names())
        if not isinstance(mask, Series):
            raise PlanError(f"query({expr!r}): expected a condition on columns")
        return self._filtered(mask)

    def eval(self, expr: str) -> Any:
        """What a text gives, computed of columns: "weight / height ** 2"; of lines such as
        "bmi = weight / height ** 2" the frame with these columns."""
        names = caller_names()
        assigned = assignments(expr)
        if not assigned:
            return self._evaluated(expr, names)
        frame = self.copy()
        for name, text in assigned:
            frame._assign(name, frame._evaluated(text, names))
        return frame

    def _evaluated(self, expr: str, names: Mapping[str, Any]) -> Any:
        return evaluated(expr, lambda name: Series(self._column(name), self._condition), names)

    def apply(self, func: Any, axis: Axis = 0) -> Any:
        """axis=1: func of a row, called once for all rows; axis=0: func of each column."""
        if axis_number(axis) == 1:
            return _applied(func, self, axis=1)
        names = self._known_columns("columns to apply a function to")
        found = {
            name: _applied(func, Series(self._column(name), self._condition)) for name in names
        }
        if all(isinstance(value, Aggregate) for value in found.values()):
            return Summary(found)
        if not all(isinstance(value, Series) for value in found.values()):
            raise not_supported("apply() of such a function", "expected one value of each column")
        return self._of(names, lambda name: found[name]._expression)


class Loc:
    """df.loc: rows by a condition, columns by name."""

    def __init__(self, frame: Columned) -> None:
        self._frame = frame

    def _refuse(self, key: Any) -> NoReturn:
        raise not_supported(
            f"loc[{key!r}] of {self._frame!r}",
            "rows are chosen by a condition, columns by name: df.loc[df['age'] >= 18, 'wage']",
        )

    def _rows(self, rows: Any) -> Any:
        if isinstance(rows, slice) and rows == slice(None):
            return self._frame
        if not isinstance(rows, Series):
            self._refuse(rows)
        return self._frame._filtered(rows)

    def __getitem__(self, key: Any) -> Any:
        rows, columns = key if isinstance(key, tuple) and len(key) == 2 else (key, slice(None))
        if isinstance(columns, slice):
            if columns != slice(None):
                self._refuse(columns)
            return self._rows(rows)
        return self._rows(rows)[columns]

    def __setitem__(self, key: Any, value: Any) -> None:
        rows, column = key if isinstance(key, tuple) and len(key) == 2 else (key, None)
        if not isinstance(column, str):
            self._refuse(key)
        if isinstance(rows, slice) and rows == slice(None):
            self._frame[column] = value
            return
        if not isinstance(rows, Series):
            self._refuse(rows)
        before = Series(self._frame._column(column), self._frame._condition)
        self._frame[column] = before.mask(rows, value)


def _applied(func: Any, rows: Any, **axis: int) -> Any:
    found = reduction_of(func, **axis)(rows)
    if not isinstance(found, RowWise | Aggregate):
        raise not_supported(
            f"apply() of a function that gives {found!r}",
            "it is called once, for all rows: write it with operators, comparisons, where() and "
            "numpy's functions",
        )
    return found
