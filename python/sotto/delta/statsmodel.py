# SPDX-License-Identifier: Apache-2.0
"""delta.statsmodel."""

from ._missing import REGRESSION, stand_in

LogitTask = stand_in("delta.statsmodel.LogitTask", REGRESSION)
MNLogitTask = stand_in("delta.statsmodel.MNLogitTask", REGRESSION)

__all__ = ["LogitTask", "MNLogitTask"]
