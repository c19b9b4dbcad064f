# SPDX-License-Identifier: Apache-2.0
"""Lazy objects that look like pandas and write a plan: nothing runs before the task does."""

from ._aggregate import Aggregate, Summary
from ._crosstab import crosstab
from ._frame import DataFrame
from ._groupby import GroupBy
from ._regression import Logit, MNLogit, glm, ols
from ._series import Series

__all__ = [
    "Aggregate",
    "DataFrame",
    "GroupBy",
    "Logit",
    "MNLogit",
    "Series",
    "Summary",
    "crosstab",
    "glm",
    "ols",
]
