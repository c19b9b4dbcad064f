# SPDX-License-Identifier: Apache-2.0
"""A progress bar from the lines of a task's log."""

from __future__ import annotations

import re
import sys
import warnings
from types import TracebackType
from typing import Any, Self

from .errors import SottoWarning

_STEPS = (
    "Start Round",
    "Select Candidates",
    "Secret Sharing Parts Commitments",
    "Start Calculation",
    "Start Aggregation",
    "Secret Sharing Parts Data",
    "End Round",
)
_LINE = re.compile(r"\[(.*?)\](?: task \d+ round (\d+))?")


def is_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return "IPKernelApp" in getattr(shell, "config", ())


def is_watched() -> bool:
    """Whether somebody looks: a terminal, or a notebook."""
    return sys.stderr.isatty() or is_notebook()


class Progress:
    """A bar of the steps of a task's rounds, as far as they are known. Use it in a `with`."""

    def __init__(self, task_id: int, shown: bool) -> None:
        self._task_id = task_id
        self._models = ""  # how far they were after the last round
        self._reason = ""
        self._last_line = ""  # of a restart there is no other
        with warnings.catch_warnings():
            # In a notebook without widgets the bar is text, which needs no warning.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
        self._bar: Any = tqdm(
            total=len(_STEPS),
            desc=f"task {task_id}",
            disable=not shown,
            bar_format="{desc} |{bar}| {elapsed} {postfix}",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def take(self, lines: list[tuple[float, str]]) -> None:
        """Moves on by new lines of the log."""
        for _, message in lines:
            found = _LINE.match(message)
            self._last_line = message
            if found and found[1] == "Error" and not self._reason:
                self._reason = message[found.end() :].removeprefix(f" task {self._task_id}: ")
            if found and found[1] == "Model":
                self._models = message[found.end() :].strip()
            if found and found[1] == "Join" and message[found.end() :].startswith(" waits"):
                self._bar.set_postfix_str(message[found.end() :].strip(), refresh=False)
            if found and found[1] in _STEPS:
                done = _STEPS.index(found[1]) + 1
                before = (int(found[2] or 1) - 1) * len(_STEPS)
                self._bar.total = before + len(_STEPS)
                self._bar.n = before + done
                self._bar.set_postfix_str(f"{found[1].lower()}  {self._models}", refresh=False)
        self._bar.refresh()

    def end(self, ended_well: bool) -> None:
        """Says how the task ended: on the bar, and where it failed as a SottoWarning."""
        self._bar.set_postfix_str("finished" if ended_well else "failed", refresh=True)
        if not ended_well:
            reason = self._reason or self._last_line
            warnings.warn(f"task {self._task_id}: {reason}", SottoWarning, stacklevel=3)
