# SPDX-License-Identifier: Apache-2.0
"""The names of delta-task, for scripts written for it: `python -m sotto.delta script.py`.

Here `delta.x` is `sotto.delta.x`. What Sotto does not have yet raises NotSupported when it is used.
"""

from __future__ import annotations

from .. import pandas
from . import core, dataset, debug, delta_node, statsmodel, task
from .delta_node import DeltaNode

__all__ = ["DeltaNode", "core", "dataset", "debug", "delta_node", "pandas", "statsmodel", "task"]
