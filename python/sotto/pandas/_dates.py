# SPDX-License-Identifier: Apache-2.0
"""Series.dt: parts of dates and times, by the names of pandas."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas

from .._expression import Number, binary, call, date_text, has_difference
from ._refusals import no_attribute, not_supported
from ._ufuncs import plain

if TYPE_CHECKING:
    from ._series import Series

DATE_PARTS = frozenset(["year", "month", "day", "weekday", "hour", "minute", "date"])
_PARTS = (
    "year, month, day, weekday, quarter, hour, minute, date, and days or total_seconds() of a "
    "difference"
)
_TEXT = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)


def written(level: Any) -> Any:
    """A level or an edge as plans have it: a date or a time is its ISO text."""
    level = plain(level)
    return date_text(level) if isinstance(level, datetime.date) else level


def moment(text: Any) -> datetime.datetime | None:
    """The time that a text is as plans write it, 2020-01-31 or 2020-01-31T12:00, or None."""
    try:
        is_one = isinstance(text, str) and _TEXT.fullmatch(text)
        return datetime.datetime.fromisoformat(text) if is_one else None
    except ValueError:
        return None


def rise(edges: Sequence[Any]) -> bool:
    """Whether edges rise, all of them numbers, or dates and times, these with a zone or without."""
    ordered: list[Any] = [moment(edge) if isinstance(edge, str) else edge for edge in edges]
    try:
        return all(a < b for a, b in pairwise(ordered))
    except TypeError:  # None, and what can't be compared
        return False


class Dates:
    """The parts of a Series of dates or times. Each is a Series of whole numbers, or of dates."""

    def __init__(self, series: Series) -> None:
        self._series = series

    def __repr__(self) -> str:
        return f"<dates of {self._series!r}>"

    def _part(self, function: str) -> Series:
        return self._series._with(call(function, self._series._expression))

    @property
    def year(self) -> Series:
        """The years."""
        return self._part("year")

    @property
    def month(self) -> Series:
        """The months, 1 to 12."""
        return self._part("month")

    @property
    def day(self) -> Series:
        """The days of the month, 1 to 31."""
        return self._part("day")

    @property
    def weekday(self) -> Series:
        """The weekdays, 0 (Monday) to 6."""
        return self._part("weekday")

    dayofweek = day_of_week = weekday

    @property
    def hour(self) -> Series:
        """The hours of times, 0 to 23."""
        return self._part("hour")

    @property
    def minute(self) -> Series:
        """The minutes of times, 0 to 59."""
        return self._part("minute")

    @property
    def date(self) -> Series:
        """The dates of times."""
        return self._part("date")

    @property
    def quarter(self) -> Series:
        """The quarters of the year, 1 to 4."""
        month = call("month", self._series._expression)
        return self._series._with(binary("//", binary("+", month, Number("2")), Number("3")))

    @property
    def days(self) -> Series:
        """A difference of dates in days, which it is already; of times there is total_seconds()."""
        self._check_difference("days")
        return self._series

    def total_seconds(self) -> Series:
        """A difference of times in seconds."""
        self._check_difference("total_seconds()")
        return self._part("seconds")

    def _check_difference(self, name: str) -> None:
        if not has_difference(self._series._expression):
            raise not_supported(
                f"dt.{name} of {self._series!r}", "subtract first: (df['left'] - df['came'])"
            )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(pandas.Series.dt, name):
            raise no_attribute(self, name)
        raise not_supported(f"dt.{name} of {self._series!r}", f"there are {_PARTS}")
