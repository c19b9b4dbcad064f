# SPDX-License-Identifier: Apache-2.0
"""delta.task."""

from ...task import Task
from .analytics import HorizontalAnalytics
from .learning import HorizontalLearning

__all__ = ["HorizontalAnalytics", "HorizontalLearning", "Task"]
