# SPDX-License-Identifier: Apache-2.0
"""Series.str: conditions on texts, by the names of pandas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas

from .._expression import Text, call
from ..errors import PlanError
from ._refusals import no_attribute, not_supported

if TYPE_CHECKING:
    from ._series import Series


class Texts:
    """Conditions on a Series of texts, and what is done to them before they are compared.

    A missing text fulfils none, where pandas has NaN.
    """

    def __init__(self, series: Series) -> None:
        self._series = series

    def __repr__(self) -> str:
        return f"<texts of {self._series!r}>"

    def _of(self, function: str, *texts: Text) -> Series:
        return self._series._with(call(function, self._series._expression, *texts))

    def startswith(self, pat: str) -> Series:
        """Where a text begins so."""
        return self._of("startswith", _text("startswith", pat))

    def contains(self, pat: str, regex: bool | None = None) -> Series:
        """Where a text has this part, letter by letter: no regular expression."""
        if regex or (regex is None and re.escape(pat) != pat.replace(" ", "\\ ")):
            raise not_supported(
                f"contains({pat!r}) as a regular expression", "say regex=False to mean the text"
            )
        return self._of("contains", _text("contains", pat))

    def lower(self) -> Series:
        """The texts with a to z for A to Z, to compare with ==, < and the like."""
        return self._of("lower")

    def strip(self) -> Series:
        """The texts without blanks around them, to compare."""
        return self._of("strip")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(pandas.Series.str, name):
            raise no_attribute(self, name)
        raise not_supported(
            f"str.{name} of {self._series!r}", "there are startswith, contains, lower and strip"
        )


def _text(function: str, pat: Any) -> Text:
    if not isinstance(pat, str):
        raise PlanError(f"{function}({pat!r}): expected a text")
    return Text(pat)
