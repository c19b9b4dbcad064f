# SPDX-License-Identifier: Apache-2.0
"""What can go wrong. Every message says what to do about it.

SottoError
    PlanError           the task can't be built as it is written
        NotSupported    an operation that no plan can express, or not yet
            ColumnsUnknown  it asks which columns a file has
        NotAnAggregate  execute() returns rows
    NodeError           what a node answered, or that it didn't
        NodeUnreachable, AccessDenied, PlanRefused, TaskNotFound, TaskNotFinished, TaskFailed
    EngineError         libsotto, in this process
        LibraryNotFound, RuleRefused
"""

from __future__ import annotations

from typing import Any


class SottoError(Exception):
    """Everything that this package raises on purpose."""


class PlanError(SottoError, ValueError):
    """The task can't be built as it is written."""


class NotSupported(PlanError, NotImplementedError):
    """An operation that a plan can't express; the message names it and an alternative."""


class ColumnsUnknown(NotSupported):
    """An operation on all columns of a file, and they are not known where the plan is written."""


class NotAnAggregate(PlanError):
    """execute() returns something that would let rows leave."""


class NodeError(SottoError):
    """A node refused, failed, or did not answer.

    status: the HTTP status, if there was an answer. detail: the node's own words. code: the class
    of the failure, such as "not_found" or "plan", which stays the same when words change.
    """

    def __init__(
        self, message: str, status: int | None = None, detail: str = "", code: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail
        self.code = code


class NodeUnreachable(NodeError, ConnectionError):
    """Nobody answers at the node's address."""


class AccessDenied(NodeError, PermissionError):
    """The token is missing or wrong, or its role may not do this."""


class PlanRefused(NodeError, ValueError):
    """The node where the task was to be created does not take its plan."""


class TaskNotFound(NodeError, LookupError):
    """The node has no such task."""


class TaskNotFinished(NodeError):
    """The result was asked for before the end: call trace or wait first."""


class TaskFailed(NodeError):
    """The task ended in ERROR or was cancelled, so there is no result.

    reached: how far each of its models had come, with "output", "iterations", "names" and
    "coefficients"; `create_task(start_from=...)` goes on there.
    """

    def __init__(self, message: str, status: int, reached: list[dict[str, Any]]) -> None:
        super().__init__(message, status)
        self.reached = reached


class EngineError(SottoError):
    """libsotto refused or failed. `status` is its short name: "type", "input", "parties", ..."""

    def __init__(self, message: str, status: str | None = None) -> None:
        super().__init__(message)
        self.status = status


class RuleRefused(EngineError):
    """A rule of the policy that was given refuses the task. `rule`: its code, such as "rows"."""

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message, "refused")
        self.rule = rule


class LibraryNotFound(EngineError, ImportError):
    """libsotto is not there, or is another version."""


class SottoWarning(UserWarning):
    """Something in a task or a result that its reader has to know."""
