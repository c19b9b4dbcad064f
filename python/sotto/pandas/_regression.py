# SPDX-License-Identifier: Apache-2.0
"""Linear regression."""

from __future__ import annotations

from .._expression import call
from ..errors import PlanError
from ._aggregate import Aggregate
from ._frame import DataFrame
from ._rowwise import check_one_dataset
from ._series import Series


def ols(y: Series, *x: Series | DataFrame, intercept: bool = True) -> Aggregate:
    """Ordinary least squares of y on columns and frames x, over the rows where all are present.

    The result has params, bse, tvalues and pvalues as Series ("const" is the intercept),
    conf_int(), rsquared, rsquared_adj, residual_sd, fvalue, f_pvalue, nobs, df_resid, and condition
    (engine/PLAN.md).
    """
    if not isinstance(y, Series):
        raise PlanError(f"ols({y!r}, ...): expected a column to explain, such as df['wage']")
    if not x or not all(isinstance(regressor, Series | DataFrame) for regressor in x):
        raise PlanError("ols(y, x1, x2, ...): expected columns or frames to explain it by")
    if any(regressor._condition != y._condition for regressor in x):
        raise PlanError("ols(): expected y and the regressors to be filtered alike")
    check_one_dataset(y._expression, *(regressor._expression for regressor in x))
    arguments = [part._rows.only_where_filtered() for part in (y, *x)]
    return Aggregate(call("ols", *arguments, **({} if intercept else {"intercept": 0})), "fit")
