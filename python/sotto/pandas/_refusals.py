# SPDX-License-Identifier: Apache-2.0
"""What lazy objects refuse, and what to do instead."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, NoReturn, ParamSpec, TypeVar

import pandas

from ..errors import NotSupported

_HIST = "hist(bins=[...]) counts the rows between edges that you declare"
_EXTREMES = "min() and max() give values; a row by itself is not told"
_LEVELS = "value_counts(levels=[...]) counts the levels that you declare"
_ROWS = "rows never leave their party; return an aggregate such as mean()"
_FINISH = "take the result with get_result() and do it there"
_EXPRESSION = "write it with operators, comparisons, where(), abs(), round() and numpy.exp or log"

_ALTERNATIVES = {
    **dict.fromkeys(["idxmin", "idxmax", "argmin", "argmax"], _EXTREMES),
    **dict.fromkeys(["nlargest", "nsmallest", "rank", "boxplot"], _HIST),
    **dict.fromkeys(["unique", "duplicated", "drop_duplicates"], _LEVELS),
    "nunique": "ask a column: df['dept'].nunique(levels=[...])",
    "mode": "ask a column: df['dept'].mode(levels=[...])",
    **dict.fromkeys(["head", "tail", "sample", "iloc", "at", "iat", "values", "array"], _ROWS),
    **dict.fromkeys(["items", "iterrows", "itertuples", "to_numpy", "to_list", "tolist"], _ROWS),
    **dict.fromkeys(["to_csv", "to_dict", "to_parquet", "to_json", "sort_values", "take"], _ROWS),
    **dict.fromkeys(["apply", "map", "transform", "applymap", "eval"], _EXPRESSION),
    "pivot_table": "df.groupby(['dept', 'sex'], levels={...})['wage'].mean() has the same cells",
    "T": "take the result with get_result() and transpose that",
    **dict.fromkeys(["get_dummies", "factorize"], "models take C(df['dept'], levels=[...])"),
    "reset_index": "rows have no index; nothing is to be reset",
    "select_dtypes": "choose the columns: df[['wage', 'age']]",
    **dict.fromkeys(["cumsum", "cumprod", "cummax", "cummin", "diff", "shift"], _ROWS),
    **dict.fromkeys(["rolling", "expanding", "ewm", "pct_change"], _ROWS),
    "resample": "group by a part of the date: df.groupby(df['came'].dt.month, levels=range(1, 13))",
    "value_counts": "sotto.pandas.crosstab(df['dept'], df['sex'], levels={...}) counts pairs",
    **dict.fromkeys(
        ["merge", "join", "combine", "combine_first"], "a plan reads each dataset apart"
    ),
    **dict.fromkeys(
        ["keys", "dtypes", "dtype", "info"],
        "a node tells names and types of columns: DeltaNode(...).columns('wages.csv')",
    ),
    **dict.fromkeys(["size", "index", "empty"], "df.shape[0] is how many rows there are"),
    **dict.fromkeys(["plot"], _FINISH),
    **dict.fromkeys(
        ["prod", "product"], "exp(sum(log(x))): numpy.log(s).sum() gives its logarithm"
    ),
    **dict.fromkeys(["dot"], "(a * b).sum() is the product of two columns"),
}


def not_supported(operation: str, instead: str) -> NotSupported:
    """The error for an operation, with what to do instead."""
    return NotSupported(f"{operation} is not supported: {instead}")


class MissingOperation(NotSupported, AttributeError):
    """A method of pandas that lazy objects don't have; hasattr() is False for it."""


def no_attribute(of: object, name: str) -> AttributeError:
    """The error of a name that neither pandas nor of has, with the nearest that of has."""
    public = [known for known in dir(of) if not known.startswith("_")]
    nearest = [f"; did you mean {known!r}?" for known in get_close_matches(name, public, 1)]
    return AttributeError(f"{of!r} has no attribute {name!r}{''.join(nearest)}")


P = ParamSpec("P")
T = TypeVar("T")


def refuse_other_options(instead: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Makes of a function one that says of an option of scipy's or pandas' which it does not have
    what to do instead."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        known = inspect.signature(function).parameters

        @functools.wraps(function)
        def checked(*arguments: P.args, **options: P.kwargs) -> T:
            for name in options.keys() - known.keys():
                raise not_supported(f"{function.__name__}({name}=...)", instead)
            return function(*arguments, **options)

        return checked

    return decorate


C = TypeVar("C", bound=type)


def refuse_inplace(of: type) -> Callable[[C], C]:
    """Makes of a class one whose methods say of options that they don't have, where those of
    pandas' class have `inplace`, what to do instead."""

    def decorate(cls: C) -> C:
        for name, function in inspect.getmembers(cls, inspect.isfunction):
            theirs = getattr(of, name, None)
            if not name.startswith("_") and "inplace" in _options_of(theirs):
                instead = f"write x = x.{name}(...), which gives a new one; help() has its options"
                setattr(cls, name, refuse_other_options(instead)(function))
        return cls

    return decorate


def _options_of(function: Any) -> Mapping[str, Any]:
    return inspect.signature(function).parameters if callable(function) else {}


def caller_names(depth: int = 2) -> dict[str, Any]:
    """The variables of who called the method that asks, whatever checks its options."""
    frame = sys._getframe(depth)
    while frame.f_globals.get("__name__") == __name__ and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_globals | frame.f_locals


class Refusing:
    """Refuses what needs the rows here and now: truth, length, iteration, conversion."""

    _pandas_type: type = pandas.Series
    _refused_because = _ROWS
    _alternatives: ClassVar[Mapping[str, str]] = _ALTERNATIVES

    def _refuse(self, operation: str) -> NoReturn:
        raise not_supported(f"{operation} of {self!r}", self._refused_because)

    def __bool__(self) -> bool:
        raise not_supported(
            f"bool() of {self!r}",
            "nothing is computed before the task runs; use & | ~ and where() instead of "
            "and, or, not and if",
        )

    def __len__(self) -> int:
        raise not_supported(
            f"len() of {self!r}",
            "df.shape[0] and count() are known when the task has run; in place of pandas.crosstab "
            "there is sotto.pandas.crosstab, of pandas.get_dummies C(df['sex'], levels=[...]) in "
            "models; what is a date, a file's types say",
        )

    def __iter__(self) -> NoReturn:
        self._refuse("iteration over the values")

    def __contains__(self, item: object) -> bool:
        self._refuse("in")

    def __float__(self) -> float:
        self._refuse("float()")

    def __int__(self) -> int:
        self._refuse("int()")

    def __array__(self, *arguments: Any, **options: Any) -> NoReturn:
        raise not_supported(
            f"conversion to a NumPy array of {self!r}",
            "rows never leave their party; numpy.where, clip, mean and many more work, and a "
            "column's own astype(), isna() and fillna(); in place of pandas.cut there are "
            "groupby('age', bins=[...]) and hist(bins=[...])",
        )

    def __setitem__(self, key: Any, value: Any) -> None:
        raise not_supported(
            f"assignment to [{key!r}] of {self!r}", "frames take columns: df['bmi'] = ..."
        )

    def __format__(self, spec: str) -> str:
        if spec:
            self._refuse(f"format with {spec!r}")
        return repr(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(self._pandas_type, name):
            raise no_attribute(self, name)
        instead = self._alternatives.get(name, self._refused_because)
        raise MissingOperation(f"{name} of {self!r} is not supported: {instead}")


class RefusingResult(Refusing):
    """The same for aggregates, whose values are known only when the task has run."""

    _refused_because = _FINISH
