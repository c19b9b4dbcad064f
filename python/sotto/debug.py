# SPDX-License-Identifier: Apache-2.0
"""Trying a task on local frames, without a network."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._practice import practise
from .errors import PlanError
from .learning import HorizontalLearning, LearningTask, learned
from .task import ColumnsOf, HorizontalAnalytics, LateTask, Task, unwarned


def debug(task: Task | LateTask | HorizontalAnalytics | HorizontalLearning, **frames: Any) -> Any:
    """What the task would give on these rows alone, by the same plan and the same engine.

    frames: for each dataset of the task a pandas, polars or pyarrow table, a dict of arrays, or
    the path of a CSV file. Of a learning task the path of a file or folder for each dataset; of
    one dataset, whose name may be no keyword, by any name. Its code runs here, in no cage.
    """
    from .research import run_plan

    built = task.build() if isinstance(task, HorizontalAnalytics | HorizontalLearning) else task
    if isinstance(built, LearningTask):
        return _train(built, frames)
    if isinstance(built, LateTask):
        built = built.written(lambda question: _answer(question, frames))
    return run_plan(built.plan, frames)


def _train(task: LearningTask, paths: Mapping[str, Any]) -> Any:
    """All parties have the same rows, so that the mean of their weights is the weights of each."""
    datasets = task.datasets
    if len(datasets) == 1 == len(paths):
        paths = dict.fromkeys(datasets, *paths.values())
    if set(paths) != set(datasets):
        raise PlanError(f"expected a path for each of {', '.join(datasets)}")
    with tempfile.TemporaryDirectory() as folder:
        for name, path in paths.items():
            (Path(folder) / name).symlink_to(Path(path).resolve(strict=True))
        folders = [folder] * task.plan["strategy"]["min_clients"]
        return learned(practise(task.json, task.bundle, folders, None, 0, None))


def _answer(question: ColumnsOf | Task, frames: Mapping[str, Any]) -> Any:
    from .research import columns_of, run_plan

    if isinstance(question, ColumnsOf):
        return columns_of(frames[question.dataset], question)
    with unwarned():
        return run_plan(question.plan, frames)
