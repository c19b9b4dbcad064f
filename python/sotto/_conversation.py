# SPDX-License-Identifier: Apache-2.0
"""What is said to a node, without I/O: generators that yield requests and are sent responses.

DeltaNode and AsyncDeltaNode only carry them over. node/API.md specifies the other side.
"""

from __future__ import annotations

import base64
import datetime
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas

from ._results import from_json
from .errors import (
    AccessDenied,
    NodeError,
    PlanRefused,
    TaskFailed,
    TaskNotFinished,
    TaskNotFound,
)
from .learning import HorizontalLearning, LearningTask, learned, read_model
from .task import ColumnsOf, HorizontalAnalytics, LateTask, Task, unwarned

HELD_S = 20  # how long the node may hold a request until there is something to tell
_UNDER_WAY = ("PENDING", "RUNNING")
_DONE = ("FINISHED", "CONFIRMED")

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Request:
    """One request; body is JSON text, or bytes that are none."""

    method: str
    path: str
    parameters: Mapping[str, Any]
    body: str | bytes | None


@dataclass(frozen=True)
class Response:
    """Its answer: HTTP status, and what the JSON says (a text where it is none)."""

    status: int
    said: Any


Conversation = Generator[Request, Response, Answer]
Show = Callable[[list[tuple[float, str]]], None]  # takes new lines: seconds since 1970, message


def _ask(
    method: str, path: str, body: str | bytes | None = None, **parameters: Any
) -> Conversation[Any]:
    """One request; gives what the answer says. Raises NodeError for any status but 200."""
    response = yield Request(method, path, parameters, body)
    if response.status == 200 and not isinstance(response.said, str):
        return response.said
    raise _error(path, response.status, response.said)


def _error(path: str, status: int, said: Any) -> NodeError:
    """The error that an answer stands for, with the node's own words."""
    if status == 200:
        return NodeError("the answer is no JSON: is this the address of a node's API?", status)
    detail, code = str(said)[:200], ""
    if isinstance(said, dict):
        detail, code = said.get("detail", ""), said.get("code", "")
    if status == 401:
        return AccessDenied(
            f"the node refuses the token ({detail}): it is in the file `token` beside the node's "
            "node.yaml; set SOTTO_TOKEN to it, or say DeltaNode(url, token=...)",
            status,
            detail,
            code,
        )
    if status == 403:
        return AccessDenied(
            f"{detail}: take a token of another role, which the node's owner makes by "
            "`sotto token new`",
            status,
            detail,
            code,
        )
    if code == "not_found" and path.startswith("/v1/task/"):
        return TaskNotFound(f"{detail}: tasks() lists those that do", status, detail, code)
    return NodeError(
        f"the node answered {status}: {detail or 'nothing more'}", status, detail, code
    )


def create_task(
    task: Task | LateTask | HorizontalAnalytics | HorizontalLearning | Mapping[str, Any] | None,
    start_from: int | None,
) -> Conversation[int]:
    """Creates a task, whose models start where those of another one have ended; gives its id."""
    if task is None and start_from is None:
        raise TypeError("create_task(): expected a task, or start_from, the id of one that failed")
    if isinstance(task, HorizontalAnalytics | HorizontalLearning):
        task = task.build()
    if isinstance(task, LateTask):
        task = yield from _written(task)
    elif isinstance(task, Mapping):
        task = Task(task)
    elif task is not None and not isinstance(task, Task):
        raise TypeError(
            f"create_task({task!r}): expected a task, as `MyTask().build()` gives it; "
            "functions are never sent to a node, and code only as text, by HorizontalLearning"
        )
    try:
        if isinstance(task, LearningTask):
            yield from _ask("POST", "/v1/code/offer", task.bundle)
        start = {} if start_from is None else {"start_from": start_from}
        answer = yield from _ask("POST", "/v1/task", task.json if task else None, **start)
    except NodeError as error:
        if error.status == 400:
            text = f"the node does not take the plan: {error.detail}"
            raise PlanRefused(text, 400, error.detail, error.code) from None
        raise
    return int(answer["task_id"])


def _written(task: LateTask) -> Conversation[Task]:
    """The task, its plan written by what the node answers."""
    asking = task.questions()
    try:
        question = next(asking)
        while True:
            question = asking.send((yield from _answered(question)))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def _answered(question: ColumnsOf | Task) -> Conversation[Any]:
    if isinstance(question, ColumnsOf):
        types = yield from columns(question.file)
        return list(types.index[types != "string"] if question.are_numeric else types.index)
    task_id = yield from create_task(question, None)
    yield from follow(task_id)
    result = yield from get_result_json(task_id)
    with unwarned():
        return from_json(result)


def follow(task_id: int, show: Show = lambda lines: None) -> Conversation[bool]:
    """Shows each line of the log until the task ends; gives whether it ended well."""
    start, held, ended = 0, HELD_S, None
    while True:
        lines = yield from _ask(
            "GET", "/v1/task/logs", task_id=task_id, start=start, limit=1000, wait=held
        )
        if lines:
            start = lines[-1]["id"] + 1
            show([(line["created_at"] / 1000, line["message"]) for line in lines])
        elif ended is not None:
            return ended in _DONE
        else:
            answer = yield from _ask("GET", "/v1/task/status", task_id=task_id)
            awaited = answer.get("confirmation") == "awaited"  # there is a result, being checked
            if answer["status"] not in _UNDER_WAY and not awaited:
                ended, held = answer["status"], 0  # once more: what was logged before the end


def get_result(task_id: int, exact: bool) -> Conversation[Any]:
    """The result as pandas objects."""
    result = yield from get_result_json(task_id)
    return learned(result) if result.get("type") == "learning" else from_json(result, exact)


def get_result_json(task_id: int) -> Conversation[dict[str, Any]]:
    """The result as the node tells it."""
    try:
        return (yield from _ask("GET", "/v1/task/result", task_id=task_id))  # type: ignore[no-any-return]
    except TaskNotFound:
        raise
    except NodeError as error:
        if error.status != 400:
            raise
    answer = yield from _ask("GET", "/v1/task/status", task_id=task_id)
    if answer["status"] in _UNDER_WAY:
        raise TaskNotFinished(
            f"task {task_id} is not finished: call trace({task_id}) or wait({task_id}) first", 400
        )
    reason = answer.get("error") or "no reason was told"
    raise TaskFailed(
        f"task {task_id} ended in {answer['status']}, without a result: {reason}",
        400,
        answer.get("reached", []),
    )


def get_receipt(task_id: int, full: bool) -> Conversation[bytes]:
    """The file that shows who confirmed the result."""
    answer = yield from _ask("GET", "/v1/task/receipt", task_id=task_id, full=int(full))
    return base64.b64decode(answer["receipt"])


def get_model(task_id: int, round: int) -> Conversation[dict[str, Any]]:
    """The model after a round."""
    answer = yield from _ask("GET", "/v1/task/model", task_id=task_id, round=round)
    return read_model(answer["weight"]) | {"round": answer["round"]}


def cancel(task_id: int) -> Conversation[None]:
    """Ends a task that is under way."""
    yield from _ask("POST", "/v1/task/cancel", task_id=task_id)


def tasks(page: int, page_size: int) -> Conversation[pandas.DataFrame]:
    """The node's tasks, the latest first."""
    answer = yield from _ask("GET", "/v1/tasks", page=page, page_size=page_size, order="desc")
    columns = ["id", "name", "type", "creator", "status", "created_at"]
    frame = pandas.DataFrame(answer["tasks"], columns=columns).set_index("id")
    here = datetime.datetime.now().astimezone().tzinfo
    times = pandas.to_datetime(frame["created_at"], unit="ms", utc=True)
    frame["created_at"] = times.dt.tz_convert(here)
    return frame


def columns(dataset: str) -> Conversation[pandas.Series]:
    """The types of the columns of a file of the node's, by their names."""
    answer = yield from _ask("GET", "/v1/columns", dataset=dataset)
    types = {column["name"]: column["type"] for column in answer["columns"]}
    return pandas.Series(types, dtype=object)


def datasets(name: str | None) -> Conversation[pandas.DataFrame]:
    """What all nodes publish of their files."""
    answer = yield from _ask("GET", "/v1/datasets")
    labels = ["node", "dataset", "about", "rows", "column", "type", "unit", "range", "levels"]
    labels += ["description"]
    rows = []
    for node in answer["nodes"]:
        for dataset in node.get("datasets", []):
            if name not in (None, dataset["dataset"]):
                continue
            known = {
                "node": node["name"],
                "dataset": dataset["dataset"],
                "about": dataset.get("description"),
                "rows": dataset.get("rows"),
            }
            columns = [{**column, "column": column["name"]} for column in dataset["columns"]]
            rows += [known | column for column in columns or [{}]]
    frame = pandas.DataFrame(rows, columns=labels).astype({"rows": "Int64"})
    away = [node["name"] for node in answer["nodes"] if node["state"] != "answered"]
    frame.attrs["missing"] = away
    return frame


def nodes() -> Conversation[pandas.DataFrame]:
    """The node and its peers."""
    answer = yield from _ask("GET", "/v1/nodes", page=1, page_size=1000)
    return pandas.DataFrame(answer["nodes"], columns=["name", "url", "connected", "key"])


def log_line(seconds: float, message: str) -> str:
    """A line of a log as people read it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) + "  " + message
