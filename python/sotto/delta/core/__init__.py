# SPDX-License-Identifier: Apache-2.0
"""delta.core."""

from . import strategy, task

__all__ = ["strategy", "task"]
