# SPDX-License-Identifier: Apache-2.0
"""delta.delta_node."""

from __future__ import annotations

from typing import Any

from .. import _client
from .statsmodel import as_delta
from .task.learning import as_learned


class DeltaNode(_client.DeltaNode):
    """Sotto's, whose results are as Delta's."""

    def get_result(self, task_id: int, exact: bool = False) -> Any:
        """As sotto.DeltaNode.get_result; of a LogitTask (params, f_val, iterations), of a
        HorizontalLearning {"weight": tensors by name, "metrics": numbers by name}."""
        return as_delta(as_learned(super().get_result(task_id, exact)))


__all__ = ["DeltaNode"]
