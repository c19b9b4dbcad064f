# SPDX-License-Identifier: Apache-2.0
"""delta.delta_node: a cage reaches no node, but what stands there may be imported."""

from __future__ import annotations

from typing import Any


class DeltaNode:
    """Where a task trains there is no node."""

    def __init__(self, *arguments: Any) -> None:
        raise RuntimeError("code that trains has no network, and reaches no node")
