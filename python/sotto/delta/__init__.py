# SPDX-License-Identifier: Apache-2.0
"""The names of delta-task, for scripts written for it: `python -m sotto.delta script.py`.

In a notebook `import sotto.delta` comes first; then `import delta` means it too.

Here `delta.x` is `sotto.delta.x`. What Sotto does not have yet raises NotSupported when it is used.
"""

from __future__ import annotations

from .. import pandas
from .._progress import is_notebook
from . import _install, core, dataset, debug, delta_node, statsmodel, task
from .delta_node import DeltaNode

if is_notebook():
    _install.install()

__all__ = ["DeltaNode", "core", "dataset", "debug", "delta_node", "pandas", "statsmodel", "task"]
