# SPDX-License-Identifier: Apache-2.0
"""Sotto: statistics over the rows of several parties, none of which leave their building.

task = WageAvg().build()             # class WageAvg(sotto.HorizontalAnalytics)
node = sotto.DeltaNode("http://127.0.0.1:6700")
task_id = node.create_task(task)
if node.trace(task_id):
    print(node.get_result(task_id))
"""

from . import dataset, debug, errors, pandas, parts, plot, spark, stats
from ._client import AsyncDeltaNode, DeltaNode
from .errors import NotAnAggregate, NotSupported, PlanError, SottoError
from .learning import HorizontalLearning
from .pandas import Logit, MNLogit, glm
from .research import SecureSum, local, secure_sum, simulate
from .task import HorizontalAnalytics, Task

__version__ = "0.1.0"

__all__ = [
    "AsyncDeltaNode",
    "DeltaNode",
    "HorizontalAnalytics",
    "HorizontalLearning",
    "Logit",
    "MNLogit",
    "NotAnAggregate",
    "NotSupported",
    "PlanError",
    "SecureSum",
    "SottoError",
    "Task",
    "__version__",
    "dataset",
    "debug",
    "errors",
    "glm",
    "local",
    "pandas",
    "parts",
    "plot",
    "secure_sum",
    "simulate",
    "spark",
    "stats",
]
