# SPDX-License-Identifier: Apache-2.0
"""Tasks: a class says which data and what is computed, build() writes the plan."""

from __future__ import annotations

import inspect
import json
import logging
import math
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from . import dataset as _dataset
from ._expression import Column, Frame
from ._plan import compose
from .errors import ColumnsUnknown, PlanError, SottoWarning
from .pandas import DataFrame

_log = logging.getLogger("sotto")

_TWO_PARTIES = (
    "two parties can't be private: each learns the other's value by subtracting its own from the "
    "result. Use min_clients=3 or more"
)
_CLIENTS_MAX = 1000


@dataclass(frozen=True)
class Task:
    """A built task: nothing but its plan, which engine/PLAN.md specifies."""

    plan: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.plan["name"])

    @property
    def json(self) -> str:
        """The plan as it is sent."""
        try:
            return json.dumps(self.plan, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise PlanError(f"a plan is data, and this is none: {error}") from None

    def __repr__(self) -> str:
        outputs = "\n".join(f"    {name}: {text}" for name, text in self.plan["select"].items())
        where = f"\n    where {self.plan['where']}" if "where" in self.plan else ""
        groups = [key["column"] for key in self.plan.get("group_by", ())]
        by = f"\n    by {', '.join(groups)}" if groups else ""
        return f"<Task {self.name!r}\n{outputs}{where}{by}>"


Answer = TypeVar("Answer")


@dataclass(frozen=True)
class ColumnsOf:
    """The question which columns the file of a dataset has; or which of numbers."""

    dataset: str
    file: str
    are_numeric: bool = False


# What yields questions and returns what they lead to: ColumnsOf is answered by a list of names, a
# Task by its result.
Questions = Generator[ColumnsOf | Task, Any, Answer]


def unwarned() -> warnings.catch_warnings[None]:
    """While a task's own question is answered: what there is to know of that is not for people."""
    return warnings.catch_warnings(action="ignore", category=SottoWarning)


def ask_columns(
    datasets: Mapping[str, str], are_numeric: bool = False
) -> Questions[dict[str, list[str] | None]]:
    """The columns of each dataset."""
    columns: dict[str, list[str] | None] = {}
    for name, file in datasets.items():
        columns[name] = yield ColumnsOf(name, file, are_numeric)
    return columns


def lazy_frame(dataset: str, columns: Sequence[str] | None) -> DataFrame:
    """The frame of these columns of a dataset, or with None of all that are numeric."""
    if columns is None:
        return DataFrame(Column(dataset, None))
    return DataFrame(Frame(tuple(Column(dataset, name) for name in columns)))


def without_columns(
    name: str,
    datasets: Mapping[str, str],
    write: Callable[[Mapping[str, DataFrame]], Task],
) -> Task | LateTask:
    """The task that is written for frames: at once, or when the names of columns are known."""

    def late() -> Questions[Task]:
        told = yield from ask_columns(datasets, are_numeric=True)
        frames = {each: DataFrame(Column(each, None), told=told[each]) for each in datasets}
        return write(frames)

    try:
        return write({dataset: lazy_frame(dataset, None) for dataset in datasets})
    except ColumnsUnknown:
        return LateTask(name, late)


class LateTask:
    """A task whose plan is written when the node has answered what the plan depends on.

    questions: begins to ask.
    """

    def __init__(self, name: str, questions: Callable[[], Questions[Task]]) -> None:
        self.name = name
        self.questions = questions

    def written(self, answer: Callable[[ColumnsOf | Task], Any]) -> Task:
        """The task, by what answers its questions."""
        asking = self.questions()
        try:
            question = next(asking)
            while True:
                question = asking.send(answer(question))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<Task {self.name!r}, whose plan is written for a node>"


class HorizontalAnalytics:
    """A statistic over the rows of several parties. Subclass it, then build().

    name: for people. min_clients, max_clients: how many parties there must and may be, 3 to 1000;
    without max_clients all who are invited and willing take part, with it those of them whose names
    come first.
    wait_timeout: seconds for local computation; connection_timeout: for each other step.
    results: who gets the result, "initiator" or "participants"; else as the node's owner has it.
    enable_verify: whether all who take part check the sums that they are shown, and confirm the
    result. None: where they are shown them anyway. True needs results="participants", or a node
    whose owner has it so: everybody who takes part then learns the sums.
    precision, curve: of Delta; without meaning here, results are exact.
    """

    def __init__(
        self,
        name: str,
        min_clients: int = 3,
        max_clients: int | None = None,
        wait_timeout: float = 60,
        connection_timeout: float = 60,
        precision: int | None = None,
        curve: str | None = None,
        enable_verify: bool | None = None,
        results: str | None = None,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise PlanError(f"name={name!r}: expected a text that tells people what this is")
        _check_clients("min_clients", min_clients)
        if max_clients is not None:
            _check_clients("max_clients", max_clients)
            if max_clients < min_clients:
                raise PlanError(f"max_clients={max_clients} is below min_clients={min_clients}")
        for option, value in (("precision", precision), ("curve", curve)):
            if value is not None:
                _log.warning(
                    "%s=%r is ignored: results are exact, masks need no curve of the task's choice",
                    option,
                    value,
                )
        self.name = name
        self.showing = _showing(enable_verify, results)
        self.strategy = {
            "min_clients": min_clients,
            **({} if max_clients is None else {"max_clients": max_clients}),
            "wait_timeout": _seconds("wait_timeout", wait_timeout),
            "connection_timeout": _seconds("connection_timeout", connection_timeout),
        }

    def dataset(self) -> Mapping[str, _dataset.DataFrame]:
        """The data: {name of an argument of execute: dataset.DataFrame(file)}. Override it."""
        raise PlanError(
            f"{type(self).__name__} has no dataset(): return the data that it reads, "
            '{"wages": sotto.dataset.DataFrame("wages.csv")}'
        )

    def execute(self, **frames: Any) -> Any:
        """What is computed: one aggregate, a tuple or a dict of them. Override it."""
        raise PlanError(
            f"{type(self).__name__} has no execute(): return what it computes, such as wages.mean()"
        )

    def build(self) -> Task | LateTask:
        """The task as a plan. Raises PlanError, NotSupported, NotAnAggregate."""
        datasets = datasets_of(self.dataset())
        check_arguments(self.execute, datasets)
        return without_columns(
            self.name, datasets, lambda frames: self._task(datasets, self.execute(**frames))
        )

    def _task(self, datasets: Mapping[str, str], outputs: Any) -> Task:
        return Task({**compose(self.name, datasets, outputs, self.strategy), **self.showing})


def check_arguments(method: Callable[..., Any], datasets: Mapping[str, str]) -> None:
    """Raises PlanError unless a method's arguments are the names of datasets."""
    try:
        inspect.signature(method).bind(**datasets)
    except TypeError as error:
        raise PlanError(
            f"dataset() has {', '.join(datasets)}, and {method.__name__}() must take just these "
            f"arguments: {error}"
        ) from None


def datasets_of(datasets: Any) -> dict[str, str]:
    """The files of what dataset() returned, by their names. Raises PlanError."""
    if isinstance(datasets, Mapping) and datasets:
        for name, data in datasets.items():
            if not isinstance(name, str) or not name.isidentifier():
                raise PlanError(f"dataset(): {name!r} can't be an argument of execute()")
            if not isinstance(data, _dataset.DataFrame):
                raise PlanError(
                    f"dataset()[{name!r}]: expected a sotto.dataset.DataFrame, "
                    f"found {type(data).__name__}"
                )
        return {name: data.dataset for name, data in datasets.items()}
    raise PlanError(
        f"dataset() returned {datasets!r}: expected a dict of name and data, such as "
        '{"wages": sotto.dataset.DataFrame("wages.csv")}'
    )


def _showing(enable_verify: Any, results: Any) -> dict[str, Any]:
    if enable_verify is not None and not isinstance(enable_verify, bool):
        raise PlanError(f"enable_verify={enable_verify!r}: expected True, False or None")
    if results not in (None, "initiator", "participants"):
        raise PlanError(f'results={results!r}: expected "initiator" or "participants"')
    if enable_verify and results == "initiator":
        raise PlanError(
            'enable_verify=True needs results="participants": who checks a sum is shown it'
        )
    said = {"enable_verify": enable_verify, "results": results}
    return {key: value for key, value in said.items() if value is not None}


def _check_clients(option: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _CLIENTS_MAX:
        raise PlanError(f"{option}={value!r}: expected a number of parties, 3 to {_CLIENTS_MAX}")
    if value < 3:
        raise PlanError(f"{option}={value}: {_TWO_PARTIES}")


def _seconds(option: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 604800:
        raise PlanError(f"{option}={value!r}: expected seconds, up to a week")
    return math.ceil(value)
