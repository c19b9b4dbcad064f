# SPDX-License-Identifier: Apache-2.0
"""delta.debug."""

from __future__ import annotations

from typing import Any

from .. import debug as _debug
from ..task import HorizontalAnalytics, LateTask, Task
from .statsmodel import as_delta
from .task.learning import HorizontalLearning, as_learned


def debug(task: Task | LateTask | HorizontalAnalytics | HorizontalLearning, **frames: Any) -> Any:
    """As sotto.debug.debug; of a LogitTask (params, f_val, iterations), of a HorizontalLearning
    {"weight": tensors by name, "metrics": numbers by name}."""
    built = task.build() if isinstance(task, HorizontalLearning) else task
    return as_delta(as_learned(_debug.debug(built, **frames)))


__all__ = ["debug"]
