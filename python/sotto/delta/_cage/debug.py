# SPDX-License-Identifier: Apache-2.0
"""delta.debug: a cage tries no task, but what stands there may be imported."""

from __future__ import annotations

from typing import Any


def debug(*arguments: Any, **frames: Any) -> Any:
    """Where a task trains there is nothing to try."""
    raise RuntimeError("code that trains is no place to try a task")
