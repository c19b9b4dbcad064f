# SPDX-License-Identifier: Apache-2.0
"""delta.core.task: the names that appear in annotations, and the built task."""

from ...pandas import Aggregate, DataFrame
from ...task import Task

GraphNode = DataNode = Aggregate
InputGraphNode = DataFrame

__all__ = ["DataNode", "GraphNode", "InputGraphNode", "Task"]
