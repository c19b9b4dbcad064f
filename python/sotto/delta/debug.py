# SPDX-License-Identifier: Apache-2.0
"""delta.debug."""

from __future__ import annotations

from typing import Any

from .. import debug as _debug
from ..task import HorizontalAnalytics, LateTask, Task
from .statsmodel import as_delta


def debug(task: Task | LateTask | HorizontalAnalytics, **frames: Any) -> Any:
    """As sotto.debug.debug; of a LogitTask (params, f_val, iterations)."""
    return as_delta(_debug.debug(task, **frames))


__all__ = ["debug"]
