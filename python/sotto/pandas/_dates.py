# SPDX-License-Identifier: Apache-2.0
"""Series.dt: parts of dates, by the names of pandas."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pandas

from .._expression import Number, Operation, binary, call, date_text
from ._refusals import not_supported
from ._ufuncs import plain

if TYPE_CHECKING:
    from ._series import Series

DATE_PARTS = frozenset(["year", "month", "day", "weekday"])
_PARTS = "year, month, day, weekday, quarter, and days of a difference"


def written(level: Any) -> Any:
    """A level or an edge as plans have it: a date is its ISO text."""
    level = plain(level)
    return date_text(level) if isinstance(level, datetime.date) else level


def is_date(text: Any) -> bool:
    """Whether a text is a date as plans write it, 2020-01-31."""
    try:
        return isinstance(text, str) and datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class Dates:
    """The parts of a Series of dates. Each is a Series of whole numbers."""

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
    def quarter(self) -> Series:
        """The quarters of the year, 1 to 4."""
        month = call("month", self._series._expression)
        return self._series._with(binary("//", binary("+", month, Number("2")), Number("3")))

    @property
    def days(self) -> Series:
        """A difference of dates in days, which it is already."""
        if not isinstance(self._series._expression, Operation):
            raise not_supported(
                f"dt.days of {self._series!r}", "subtract a date first: (df['left'] - df['came'])"
            )
        return self._series

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(pandas.Series.dt, name):
            raise AttributeError(f"{self!r} has no attribute {name!r}")
        raise not_supported(f"dt.{name} of {self._series!r}", f"there are {_PARTS}")
