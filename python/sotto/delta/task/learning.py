# SPDX-License-Identifier: Apache-2.0
"""delta.task.learning."""

from .._missing import LEARNING, stand_in

HorizontalLearning = stand_in("delta.task.HorizontalLearning", LEARNING)
FedAvg = stand_in("delta.task.learning.FedAvg", LEARNING)
FaultTolerantFedAvg = stand_in("delta.task.learning.FaultTolerantFedAvg", LEARNING)

__all__ = ["FaultTolerantFedAvg", "FedAvg", "HorizontalLearning"]
