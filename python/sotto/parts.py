# SPDX-License-Identifier: Apache-2.0
"""A party's rows on many machines: parts that are made where the rows are, and merged anywhere.

asked = sotto.parts.begin(plan)
while not asked.is_over:
    parts = [asked.part(table, i + 1, len(tables)) for i, table in enumerate(tables)]
    asked = asked.advance(sotto.parts.merge(parts))
print(asked.result())

Rounds and parts are plain data: parts may be made on other machines (engine/PARTS.md). answer
makes them for a node whose dataset has `workers` (node/SOURCES.md).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ._results import from_json
from .errors import PlanError
from .research import (
    ParsedPlan,
    Policy,
    Query,
    Scope,
    built_of,
    by_name,
    plan_of,
    rules_of,
    source_of,
    sources_of,
)
from .task import HorizontalAnalytics, LateTask, Task

__all__ = ["Round", "answer", "begin", "merge"]


@dataclass(frozen=True)
class Round:
    """What is asked of all parts next.

    plan: as JSON text. text: of the round, None in the first one, which asks for types, and once
    the last one is over.
    """

    plan: str
    text: str | None = None
    _result: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is a result, and nothing more is asked."""
        return self._result is not None

    def part(
        self,
        data: Any,
        part: int = 1,
        parts: int = 1,
        *,
        snapshot: str = "",
        policy: Policy = "safe",
    ) -> bytes:
        """What these rows say.

        data: a pandas, polars or pyarrow table, a dict of arrays, the path of a CSV file; or a dict
        of these by the names of datasets. part, parts: which part of all rows it is, from 1, and of
        how many. snapshot: a name of the state of all rows. policy: the rules that will judge all
        rows, as for `sotto.local`.
        Raises EngineError.
        """
        with ExitStack() as stack:
            scope = Scope(stack)
            rules = rules_of(scope, policy)
            place = _place(scope, part, parts, snapshot, max(1, rules.min_rows))
            return self._part(scope, place, data)

    def advance(self, party: bytes) -> Round:
        """The round that follows from all parts together. Raises EngineError."""
        with ExitStack() as stack:
            scope = Scope(stack)
            opened = self._open(scope)
            scope.call("sotto_round_advance", opened, _given(scope, [party]))
            over = scope.lib.sotto_round_is_over(opened)
            function = "sotto_round_result" if over else "sotto_round_write"
            made = scope.made("char", "sotto_free", function, opened, at=1)
            text = scope.engine.text(made)
            return Round(self.plan, None, text) if over else Round(self.plan, text)

    def result(self, exact: bool = False) -> Any:
        """The result as pandas, as `sotto.local` gives it of all rows. Raises PlanError."""
        if self._result is None:
            raise PlanError("there are rounds to come: advance until is_over")
        return from_json(json.loads(self._result), exact)

    def _part(self, scope: Scope, place: Any, data: Any) -> bytes:
        return _part_of(scope, self._open(scope), self.plan, place, data)

    def _open(self, scope: Scope) -> Any:
        if self.is_over:
            raise PlanError("the last round is over: result() has its answer")
        plan = self.plan.encode()
        arguments: list[Any] = [plan, len(plan)]
        if self.text is not None:
            text = self.text.encode()
            arguments += [text, len(text)]
        function = "sotto_round_new" if self.text is None else "sotto_round_read"
        return scope.made("struct sotto_round", "sotto_round_free", function, *arguments)


def begin(
    query: Query,
    datasets: Sequence[str] | None = None,
    *,
    where: str | None = None,
) -> Round:
    """The first round of a question.

    query: as for `sotto.local`; of a function's frames columns are named. datasets: of expressions,
    the names of tables where there are several. where: a condition on rows, for expressions.
    """
    built: Any = query
    if isinstance(query, HorizontalAnalytics):
        built = query.build()
    elif callable(query):
        built = built_of(query)
    if isinstance(built, LateTask):
        raise PlanError(
            "a task on all columns of a table: name them, parts may have different ones"
        )
    return Round(Task(plan_of(built, list(datasets) if datasets else None, where)).json)


def answer(
    ask: str | bytes,
    data: Any,
    part: int = 1,
    parts: int = 1,
    *,
    snapshot: str,
) -> bytes:
    """What these rows say to what a node asks its workers: a part, whatever is asked.

    ask: the text that the node's program gets on standard input. data, part, parts, snapshot: as
    for `Round.part`; data is one table or path.
    Raises PlanError for a text that asks nothing, EngineError.
    """
    asked = _asked(ask)
    with ExitStack() as stack:
        scope = Scope(stack)
        place = _place(scope, part, parts, snapshot, asked.get("min_rows", 1))
        if "plan" not in asked:
            return _bytes(scope, "sotto_catalogue_part", place, source_of(scope, data))
        text = ask.encode() if isinstance(ask, str) else ask
        least = scope.ffi.new("uint32_t *")
        opened = scope.made(
            "struct sotto_round", "sotto_round_free", "sotto_ask_read", least, text, len(text)
        )
        return _part_of(scope, opened, asked["plan"], place, data)


def _part_of(scope: Scope, opened: Any, plan_json: str, place: Any, data: Any) -> bytes:
    task = Task(json.loads(plan_json))
    plan = ParsedPlan(scope, task.plan)
    sources, _ = sources_of(scope, plan, plan.ordered(by_name(data, task)))
    watch = scope.lib.sotto_tally_parts()
    return _bytes(scope, "sotto_round_part", opened, place, sources, watch, at=1)


def _asked(ask: str | bytes) -> dict[str, Any]:
    try:
        asked = json.loads(ask)
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or (asked.get("sotto"), asked.get("version")) != ("ask", 1):
        raise PlanError("expected what a node asks its workers, found another text")
    return asked


def merge(parts: Sequence[bytes]) -> bytes:
    """Several parts as one, in any order. Raises EngineError."""
    if not parts:
        raise PlanError("expected at least one part, found none")
    with ExitStack() as stack:
        scope = Scope(stack)
        watch = scope.lib.sotto_tally_parts()
        return _bytes(scope, "sotto_part_merge", _given(scope, parts), len(parts), watch)


def _place(scope: Scope, part: int, parts: int, snapshot: str, min_rows: int) -> Any:
    if not (0 < part <= parts < 2**32):
        raise PlanError(f"part {part} of {parts}: expected a part from 1 to all of them")
    place = scope.ffi.new("struct sotto_part_place *")
    name = scope.ffi.new("char[]", snapshot.encode())
    scope.stack.callback(lambda _: None, name)
    place.part, place.parts_len, place.snapshot = part, parts, name
    place.min_rows = min_rows
    return place


def _given(scope: Scope, parts: Sequence[bytes]) -> Any:
    """Parts as C has them, by their place in errors. They last as long as the scope."""
    given = scope.ffi.new("struct sotto_part_bytes[]", len(parts))
    for i, data in enumerate(parts):
        held = scope.ffi.from_buffer(data)
        name = scope.ffi.new("char[]", f"parts[{i}]".encode())
        scope.stack.callback(lambda *_: None, held, name)
        given[i].data, given[i].data_bytes, given[i].name = held, len(data), name
    return given


def _bytes(scope: Scope, function: str, *arguments: Any, at: int = 0) -> bytes:
    """What a function puts into its argument number `at`, a buffer."""
    buffer = scope.ffi.new("struct sotto_buffer *")
    scope.call(function, *arguments[:at], buffer, *arguments[at:])
    data = bytes(scope.ffi.buffer(buffer.data, buffer.data_bytes))
    scope.lib.sotto_buffer_release(buffer)
    return data
