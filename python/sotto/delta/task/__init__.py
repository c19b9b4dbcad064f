# SPDX-License-Identifier: Apache-2.0
"""delta.task."""

from typing import NoReturn

from ...errors import NotSupported
from ...task import Task
from .analytics import HorizontalAnalytics
from .learning import HorizontalLearning

__all__ = ["HorizontalAnalytics", "HorizontalLearning", "Task"]

# Of Delta's first versions, and what Delta calls it now.
_FORMER = {"LearningTask": "HorizontalLearning", "HorizontalTask": "HorizontalAnalytics"}


def __getattr__(name: str) -> NoReturn:
    if name in _FORMER:
        raise NotSupported(
            f"delta.task.{name} is of Delta's first versions: {_FORMER[name]} is in its place"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
