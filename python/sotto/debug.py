# SPDX-License-Identifier: Apache-2.0
"""Trying a task on local frames, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .task import ColumnsOf, HorizontalAnalytics, LateTask, Task, unwarned


def debug(task: Task | LateTask | HorizontalAnalytics, **frames: Any) -> Any:
    """What the task would give on these rows alone, by the same plan and the same engine.

    frames: for each dataset of the task a pandas, polars or pyarrow table, a dict of arrays, or
    the path of a CSV file.
    """
    from .research import run_plan

    built = task.build() if isinstance(task, HorizontalAnalytics) else task
    if isinstance(built, LateTask):
        built = built.written(lambda question: _answer(question, frames))
    return run_plan(built.plan, frames)


def _answer(question: ColumnsOf | Task, frames: Mapping[str, Any]) -> Any:
    from .research import columns_of, run_plan

    if isinstance(question, ColumnsOf):
        return columns_of(frames[question.dataset], question)
    with unwarned():
        return run_plan(question.plan, frames)
