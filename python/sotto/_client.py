# SPDX-License-Identifier: Apache-2.0
"""The client of a node, and its asynchronous twin."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import pandas

from . import _conversation as say
from ._conversation import Conversation, Request, Response, log_line
from ._progress import Progress, is_watched
from .errors import NodeUnreachable, PlanError
from .learning import HorizontalLearning
from .task import HorizontalAnalytics, LateTask, Task

Answer = TypeVar("Answer")
Anything = Task | LateTask | HorizontalAnalytics | HorizontalLearning | Mapping[str, Any]


_CONTENT: dict[type, str] = {str: "application/json", bytes: "application/octet-stream"}


def _print_lines(lines: list[tuple[float, str]]) -> None:
    for seconds, message in lines:
        print(log_line(seconds, message))
    sys.stdout.flush()


def _is_own(host: str) -> bool:
    """Whether a host is this machine, which no network is between."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _trusting(path: str | os.PathLike[str]) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise PlanError(f"{path}: expected a file of certificates ({error})") from None


class _Node:
    """Address, token, and how requests and answers look, for both clients."""

    def __init__(self, url: str, token: str | None = None, verify: Any = True) -> None:
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise PlanError(
                f"{type(self).__name__}({url!r}): expected the address of a node's API, such as "
                "'http://127.0.0.1:6700'"
            )
        self.url = url.rstrip("/")
        host = httpx.URL(self.url).host
        token = os.environ.get("SOTTO_TOKEN", "") if token is None else token
        if token and self.url.startswith("http://") and not _is_own(host):
            raise PlanError(
                f"{self.url}: expected https:// for another machine than this one, since the "
                "token would travel in the clear"
            )
        if verify is True:
            verify = os.environ.get("SOTTO_CA") or True
        if isinstance(verify, str | os.PathLike):
            verify = _trusting(verify)
        self._options: dict[str, Any] = {
            "base_url": self.url,
            "headers": {"Authorization": f"Bearer {token.strip()}"} if token else {},
            "timeout": httpx.Timeout(30, read=say.HELD_S + 30),
            "verify": verify,
            # A proxy of the environment can't reach this machine's own addresses.
            "trust_env": not _is_own(host),
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _httpx_request(self, request: Request) -> dict[str, Any]:
        return {
            "method": request.method,
            "url": request.path,
            "params": dict(request.parameters),
            "content": request.body,
            "headers": {"Content-Type": _CONTENT[type(request.body)]} if request.body else {},
        }

    def _response(self, response: httpx.Response) -> Response:
        try:
            return Response(response.status_code, response.json())
        except ValueError:
            return Response(response.status_code, response.text)

    def _unreachable(self, error: httpx.TransportError) -> NodeUnreachable:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return NodeUnreachable(
                f"{self.url} has a certificate that is not known here ({error}): verify=, or "
                "SOTTO_CA in the environment, names the file that it is checked against, a copy of "
                "the node's"
            )
        return NodeUnreachable(
            f"no answer from {self.url} ({error or type(error).__name__}): is the node running "
            "(`sotto node --config node.yaml`), and is this the address that it printed?"
        )


class DeltaNode(_Node):
    """A node that creates tasks, watches them and gives results.

    url: of the node's API. token: default the environment's SOTTO_TOKEN; the node keeps it in the
    file `token`. verify: a file of certificates to check an https node by; default the
    environment's SOTTO_CA, or the system's.
    """

    def __init__(self, url: str, token: str | None = None, verify: Any = True) -> None:
        super().__init__(url, token, verify)
        self._http = httpx.Client(**self._options)

    def create_task(self, task: Anything | None = None, start_from: int | None = None) -> int:
        """Creates a task from what build() gave; returns its id. Only its plan is sent, and of
        HorizontalLearning the code.

        start_from: a task that failed; models start from its last coefficients. Without a task
        that one is asked again. Raises PlanRefused where the node does not take the plan.
        """
        return self._run(say.create_task(task, start_from))

    def trace(self, task_id: int) -> bool:
        """Prints the log of a task until it ends. Returns whether it ended well."""
        return self._run(say.follow(task_id, _print_lines))

    def wait(self, task_id: int, progress: bool | None = None) -> bool:
        """Waits until a task ends. Returns whether it ended well; why not, a SottoWarning says.

        progress: a bar on standard error; default: in a terminal and in a notebook.
        """
        with Progress(task_id, is_watched() if progress is None else progress) as bar:
            ended_well = self._run(say.follow(task_id, bar.take))
            bar.end(ended_well)
        return ended_well

    def get_result(self, task_id: int, exact: bool = False) -> Any:
        """The result: what execute() returned, as pandas; of HorizontalLearning a dict of the
        weights, numpy arrays or, where torch is imported, its tensors, and of the rounds.

        exact: fractions.Fraction instead of float wherever the result is rational.
        Raises TaskNotFinished before the end, TaskFailed where there is none.
        """
        return self._run(say.get_result(task_id, exact))

    def get_result_json(self, task_id: int) -> dict[str, Any]:
        """The result with all that is told of it: exact values, parties, schema, conversions."""
        return self._run(say.get_result_json(task_id))

    def get_receipt(self, task_id: int, full: bool = False) -> bytes:
        """The file that shows who confirmed the result; `sotto verify` checks it anywhere.

        full: with all that opens the sums, where every owner lets that be kept.
        Raises NodeError where there is none: the parties were not given the result.
        """
        return self._run(say.get_receipt(task_id, full))

    def get_model(self, task_id: int, round: int = 0) -> dict[str, Any]:
        """The model after a round of a learning task: {"weight": tensors by name, "metrics":
        numbers by name, "round": which one}. round: 0: the last one that is kept.

        Raises NodeError where it is not kept: the node has no room for it (learning.models_mb).
        """
        return self._run(say.get_model(task_id, round))

    def cancel(self, task_id: int) -> None:
        """Ends a task that is under way."""
        self._run(say.cancel(task_id))

    def tasks(self, page: int = 1, page_size: int = 20) -> pandas.DataFrame:
        """The node's tasks, the latest first: name, type, creator, status, created_at by id."""
        return self._run(say.tasks(page, page_size))

    def columns(self, dataset: str) -> pandas.Series:
        """The types of the columns of a file that this node itself has, by their names."""
        return self._run(say.columns(dataset))

    def datasets(self, name: str | None = None) -> pandas.DataFrame:
        """What all nodes publish of their files, a row for each column: node, dataset, what it is
        about, rows (at least so many), column, type, unit, range, levels, description. name: of
        this file only. Who is away or has not answered is named in attrs["missing"]."""
        return self._run(say.datasets(name))

    def nodes(self) -> pandas.DataFrame:
        """The node and its peers: name, url, connected, key."""
        return self._run(say.nodes())

    def close(self) -> None:
        """Closes the connections; the object is of no use afterwards."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, conversation: Conversation[Answer]) -> Answer:
        try:
            request = next(conversation)
            while True:
                response = self._http.request(**self._httpx_request(request))
                request = conversation.send(self._response(response))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        except httpx.TransportError as error:
            raise self._unreachable(error) from None


class AsyncDeltaNode(_Node):
    """DeltaNode for asyncio: the same methods, to be awaited."""

    def __init__(self, url: str, token: str | None = None, verify: Any = True) -> None:
        super().__init__(url, token, verify)
        self._http = httpx.AsyncClient(**self._options)

    async def create_task(self, task: Anything | None = None, start_from: int | None = None) -> int:
        """As DeltaNode.create_task."""
        return await self._run(say.create_task(task, start_from))

    async def trace(self, task_id: int) -> bool:
        """As DeltaNode.trace."""
        return await self._run(say.follow(task_id, _print_lines))

    async def wait(self, task_id: int, progress: bool | None = None) -> bool:
        """As DeltaNode.wait."""
        with Progress(task_id, is_watched() if progress is None else progress) as bar:
            ended_well = await self._run(say.follow(task_id, bar.take))
            bar.end(ended_well)
        return ended_well

    async def get_result(self, task_id: int, exact: bool = False) -> Any:
        """As DeltaNode.get_result."""
        return await self._run(say.get_result(task_id, exact))

    async def get_result_json(self, task_id: int) -> dict[str, Any]:
        """As DeltaNode.get_result_json."""
        return await self._run(say.get_result_json(task_id))

    async def get_receipt(self, task_id: int, full: bool = False) -> bytes:
        """As DeltaNode.get_receipt."""
        return await self._run(say.get_receipt(task_id, full))

    async def get_model(self, task_id: int, round: int = 0) -> dict[str, Any]:
        """As DeltaNode.get_model."""
        return await self._run(say.get_model(task_id, round))

    async def cancel(self, task_id: int) -> None:
        """As DeltaNode.cancel."""
        await self._run(say.cancel(task_id))

    async def tasks(self, page: int = 1, page_size: int = 20) -> pandas.DataFrame:
        """As DeltaNode.tasks."""
        return await self._run(say.tasks(page, page_size))

    async def columns(self, dataset: str) -> pandas.Series:
        """As DeltaNode.columns."""
        return await self._run(say.columns(dataset))

    async def datasets(self, name: str | None = None) -> pandas.DataFrame:
        """As DeltaNode.datasets."""
        return await self._run(say.datasets(name))

    async def nodes(self) -> pandas.DataFrame:
        """As DeltaNode.nodes."""
        return await self._run(say.nodes())

    async def close(self) -> None:
        """As DeltaNode.close."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _run(self, conversation: Conversation[Answer]) -> Answer:
        try:
            request = next(conversation)
            while True:
                response = await self._http.request(**self._httpx_request(request))
                request = conversation.send(self._response(response))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        except httpx.TransportError as error:
            raise self._unreachable(error) from None
