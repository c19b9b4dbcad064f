# SPDX-License-Identifier: Apache-2.0
"""delta.statsmodel: logistic regression by Delta's steps, with the true sigmoid.

Delta adds no intercept, begins at zeros, and ends where no element of the score, over the number of
rows, is above tol; its f_val is the value at which the last step began.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy

from .._expression import call
from .._fit import LevelsModel, Model
from ..errors import ColumnsUnknown, NotSupported, PlanError
from ..pandas import Aggregate, DataFrame, Logit, MNLogit, Series
from ..task import LateTask, Questions, Task, ask_columns, check_arguments, datasets_of, lazy_frame
from .task.analytics import HorizontalAnalytics

__all__ = ["LogitTask", "MNLogitTask"]

# No model takes more steps; one that has not converged by then, or by maxiter, is an error.
_STEPS_MAX = 40
# The output's name tells delta_node.py that this is what Delta's users expect as a tuple.
_OUTPUT = "delta.statsmodel"
_OPTIONS: dict[str, Any] = {
    "maxiter": 35,
    "method": "newton",
    "ord": numpy.inf,
    "tol": 1e-8,
    "ridge_factor": 1e-10,
}


class _LogisticTask(HorizontalAnalytics):
    """What both have in common: preprocess(), options(), and when the plan is written.

    preprocess() is run here, on a frame without rows, and says which columns explain which. Where
    it asks for all columns of a file, the node is asked for their names when the task is created.
    """

    def preprocess(self, **inputs: Any) -> tuple[Any, Any]:
        """The frame x and the column y, of the datasets. Override it."""
        raise PlanError(f"{type(self).__name__} has no preprocess(): return x and y")

    def options(self) -> dict[str, Any]:
        """maxiter, method, ord, tol, ridge_factor, and perhaps start_params. Override it.

        Where as many steps as maxiter do not lead to tol the task ends with an error that says so:
        Delta gives the coefficients of the last step then, which are no model's."""
        return dict(_OPTIONS)

    def _chosen(self, columns: Mapping[str, list[str] | None]) -> tuple[DataFrame, Series]:
        frames = {name: lazy_frame(name, known) for name, known in columns.items()}
        x, y = self.preprocess(**frames)
        if isinstance(y, DataFrame) and len(y.columns) == 1:
            y = y[y.columns[0]]
        if not isinstance(x, DataFrame) or not isinstance(y, Series):
            raise PlanError(f"preprocess() returned {x!r} and {y!r}: expected a frame and a column")
        return x, y

    def _checked_datasets(self) -> dict[str, str]:
        datasets = datasets_of(self.dataset())
        check_arguments(self.preprocess, datasets)
        return datasets


class LogitTask(_LogisticTask):
    """A logistic regression of y on x, which preprocess() returns: (params, f_val, iterations)."""

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

    def build(self) -> Task | LateTask:
        """As HorizontalAnalytics.build."""
        datasets = self._checked_datasets()
        try:
            return self._fit(datasets, dict.fromkeys(datasets))
        except ColumnsUnknown:
            return LateTask(self.name, lambda: self._ask(datasets))

    def _ask(self, datasets: Mapping[str, str]) -> Questions[Task]:
        return self._fit(datasets, (yield from ask_columns(datasets)))

    def _fit(self, datasets: Mapping[str, str], columns: Mapping[str, list[str] | None]) -> Task:
        x, y = self._chosen(columns)
        options = _written(self.options(), len(x.columns))
        arguments = Logit(y, x)._arguments
        model = call("glm", *arguments, family="binomial", intercept=0, **options)
        return self._task(datasets, {_OUTPUT: Aggregate(model, "fit")})


class MNLogitTask(_LogisticTask):
    """Which of the classes 0, 1, 2, ... y is, by x: (params, f_val, iterations), params having a
    column for each class but 0.

    How many classes there are is asked by a task of its own, before: how many rows each has.
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
        max_n_classes: int = 100,
    ) -> None:
        super().__init__(
            name, min_clients, max_clients, wait_timeout, connection_timeout, precision, curve
        )
        self.max_n_classes = max_n_classes

    def build(self) -> LateTask:
        """As HorizontalAnalytics.build."""
        datasets = self._checked_datasets()
        return LateTask(self.name, lambda: self._ask(datasets))

    def _ask(self, datasets: Mapping[str, str]) -> Questions[Task]:
        try:
            x, y = self._chosen(dict.fromkeys(datasets))
            names = x.columns
        except ColumnsUnknown:
            x, y = self._chosen((yield from ask_columns(datasets)))
            names = x.columns
        counts = yield self._task(datasets, y.value_counts(levels=range(self.max_n_classes)))
        present = [place for place, rows in enumerate(counts) if rows > 0]
        if len(present) < 2:
            raise PlanError("MNLogitTask: y has fewer than two of the classes 0, 1, 2, ...")
        classes = range(present[-1] + 1)
        model = MNLogit(y, x, levels=classes)
        options = _written(self.options(), len(names) * (len(classes) - 1))
        fit = call("mnlogit", *model._arguments, intercept=0, **options)
        return self._task(datasets, {_OUTPUT: Aggregate(fit, "fit")})


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
    steps = int(given["maxiter"])
    if steps < 1:
        raise NotSupported(f"options(): maxiter={given['maxiter']}: expected 1 or more")
    return {
        "start": f"({', '.join(map(repr, map(float, start)))})",
        "ridge": repr(float(given["ridge_factor"])),
        "tolerance": repr(float(given["tol"])),
    } | ({"maxiter": str(steps)} if steps < _STEPS_MAX else {})


def as_delta(result: Any) -> Any:
    """A result as Delta gives it: of these tasks the tuple, else what it is."""
    if not isinstance(result, dict) or list(result) != [_OUTPUT]:
        return result
    model: Model | LevelsModel = result[_OUTPUT]
    mean = model.deviance_before / 2 / model.nobs
    f_val = math.inf if math.isnan(mean) else mean
    return model.params.to_numpy(), f_val, model.iterations
