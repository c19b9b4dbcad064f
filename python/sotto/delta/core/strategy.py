# SPDX-License-Identifier: Apache-2.0
"""delta.core.strategy: a task's options are arguments of its class."""

from .._cage.learning import LearningStrategy
from .._missing import stand_in

_ARGUMENTS = "say min_clients, max_clients and the timeouts to HorizontalAnalytics itself"
Strategy = stand_in("delta.core.strategy.Strategy", _ARGUMENTS)
AnalyticsStrategy = stand_in("delta.core.strategy.AnalyticsStrategy", _ARGUMENTS)
CURVE_TYPE = str

__all__ = ["CURVE_TYPE", "AnalyticsStrategy", "LearningStrategy", "Strategy"]
