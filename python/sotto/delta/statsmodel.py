# SPDX-License-Identifier: Apache-2.0
"""delta.statsmodel: logistic regression by Delta's steps, with the true sigmoid.

Delta adds no intercept, begins at zeros, and ends where no element of the score, over the number of
rows, is above tol; its f_val is the value at which the last step began.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from typing import Any

import numpy

from .._expression import Column, Frame, call
from .._fit import Model
from ..errors import ColumnsUnknown, NotSupported, PlanError
from ..pandas import Aggregate, DataFrame, Logit, Series
from ..task import ColumnsOf, LateTask, Task, check_arguments, datasets_of
from ._missing import MULTINOMIAL, stand_in
from .task.analytics import HorizontalAnalytics

__all__ = ["LogitTask", "MNLogitTask"]

MNLogitTask = stand_in("delta.statsmodel.MNLogitTask", MULTINOMIAL)

# The output's name tells delta_node.py that this is what Delta's users expect as a tuple.
_OUTPUT = "delta.statsmodel.LogitTask"
_OPTIONS: dict[str, Any] = {
    "maxiter": 35,
    "method": "newton",
    "ord": numpy.inf,
    "tol": 1e-8,
    "ridge_factor": 1e-10,
}


class LogitTask(HorizontalAnalytics):
    """A logistic regression of y on x, which preprocess() returns: (params, f_val, iterations).

    preprocess() is run here, on a frame without rows, and says which columns explain which. Where
    it asks for all columns of a file, the node is asked for their names when the task is created.
    """

    def __init__(
        self,
        name: str,
        min_clients: int = 2,
        max_clients: int = 2,
        wait_timeout: float = 60,
        connection_timeout: float = 60,
        precision: int | None = None,
        curve: str | None = None,
        verify_timeout: float | None = None,
        enable_verify: bool = True,
    ) -> None:
        super().__init__(
            name,
            min_clients,
            max_clients,
            wait_timeout,
            connection_timeout,
            precision,
            curve,
            enable_verify,
        )

    def preprocess(self, **inputs: Any) -> tuple[Any, Any]:
        """The frame x and the column y, of the datasets. Override it."""
        raise PlanError(f"{type(self).__name__} has no preprocess(): return x and y")

    def options(self) -> dict[str, Any]:
        """maxiter, method, ord, tol, ridge_factor, and perhaps start_params. Override it."""
        return dict(_OPTIONS)

    def build(self) -> Task | LateTask:
        """As HorizontalAnalytics.build."""
        datasets = datasets_of(self.dataset())
        check_arguments(self.preprocess, datasets)
        try:
            return self._fit(datasets, dict.fromkeys(datasets))
        except ColumnsUnknown:
            return LateTask(self.name, lambda: self._ask(datasets))

    def _ask(self, datasets: Mapping[str, str]) -> Generator[ColumnsOf, list[str], Task]:
        columns = {}
        for name, file in datasets.items():
            columns[name] = yield ColumnsOf(name, file)
        return self._fit(datasets, columns)

    def _fit(self, datasets: Mapping[str, str], columns: Mapping[str, list[str] | None]) -> Task:
        frames = {name: _frame(name, known) for name, known in columns.items()}
        x, y = self.preprocess(**frames)
        if isinstance(y, DataFrame) and len(y.columns) == 1:
            y = y[y.columns[0]]
        if not isinstance(x, DataFrame) or not isinstance(y, Series):
            raise PlanError(f"preprocess() returned {x!r} and {y!r}: expected a frame and a column")
        options = _written(self.options(), len(x.columns))
        arguments = Logit(y, x)._arguments
        model = call("glm", *arguments, family="binomial", intercept=0, **options)
        return self._task(datasets, {_OUTPUT: Aggregate(model, "fit")})


def _frame(dataset: str, columns: list[str] | None) -> DataFrame:
    if columns is None:
        return DataFrame(Column(dataset, None))
    return DataFrame(Frame(tuple(Column(dataset, name) for name in columns)))


def _written(options: Mapping[str, Any], params_len: int) -> dict[str, str]:
    """Delta's options as those of a plan."""
    given = _OPTIONS | dict(options)
    start = given.pop("start_params", None)
    start = [0.0] * params_len if start is None else numpy.ravel(start, order="F").tolist()
    unknown = sorted(given.keys() - _OPTIONS.keys())
    if unknown:
        raise NotSupported(f"options(): {', '.join(unknown)}: expected {', '.join(_OPTIONS)}")
    if given["method"] != "newton" or given["ord"] != numpy.inf:
        raise NotSupported("options(): expected method='newton' and ord=numpy.inf")
    if given["maxiter"] < _OPTIONS["maxiter"]:
        raise NotSupported(
            f"options(): maxiter={given['maxiter']}: expected {_OPTIONS['maxiter']} or more. A "
            "model that has not converged is an error here, not a result"
        )
    return {
        "start": f"({', '.join(map(repr, map(float, start)))})",
        "ridge": repr(float(given["ridge_factor"])),
        "tolerance": repr(float(given["tol"])),
    }


def as_delta(result: Any) -> Any:
    """A result as Delta gives it: of LogitTask the tuple, else what it is."""
    if not isinstance(result, dict) or list(result) != [_OUTPUT]:
        return result
    model: Model = result[_OUTPUT]
    mean = model.deviance_before / 2 / model.nobs
    f_val = math.inf if math.isnan(mean) else mean
    return model.params.to_numpy(), f_val, model.iterations
