# SPDX-License-Identifier: Apache-2.0
"""Questions without a network: on one table, or with every table a party in this process."""

from __future__ import annotations

import inspect
import itertools
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from ._library import library
from ._plan import compose
from ._results import from_json
from ._secure_sum import MIN_PARTIES, SecureSum, secure_sum
from ._tables import column_names, is_path, is_table, record_batch
from .errors import EngineError, PlanError, RuleRefused
from .pandas import DataFrame
from .task import ColumnsOf, HorizontalAnalytics, LateTask, Task, unwarned, without_columns

__all__ = ["SecureSum", "local", "run_plan", "secure_sum", "simulate"]

Settled = str | Mapping[str, str] | Sequence[str] | Task
Query = Settled | Callable[..., Any] | HorizontalAnalytics | LateTask
Policy = str | Mapping[str, Any]

_STRATEGY = {"min_clients": 3, "max_clients": 3, "wait_timeout": 60, "connection_timeout": 60}


def local(
    data: Any,
    query: Query,
    *,
    where: str | None = None,
    exact: bool = False,
    policy: Policy | None = None,
) -> Any:
    """The answer on one table, by the engine that nodes use.

    data: a pandas, polars or pyarrow table, a dict of arrays, the path of a CSV file; or a dict of
    these by the names of datasets. query: an expression, "mean(wage)"; a dict of them by output; a
    list of them, which are their own names; a function of lazy frames, lambda wages: wages.mean();
    or a task. where: a condition on rows, for expressions. exact: fractions.Fraction instead of
    float wherever the result is rational.
    policy: the rules of an owner, "safe" or "open", or a dict of `profile`, `min_rows` and
    `dominance` as node.yaml has them: what they refuse raises RuleRefused.
    """
    asked = _settled(query, data)
    return run_plan(plan_of(asked, _names(data), where), by_name(data, asked), exact, policy)


def simulate(
    parties: Sequence[Any],
    query: Query,
    *,
    where: str | None = None,
    exact: bool = False,
    seed: int = 0,
    log: Callable[[str], Any] | None = None,
    policy: Policy | None = None,
) -> Any:
    """The answer over several parties' tables, by the real protocol between them in this process.

    parties: at least three, each what `local` takes as data; all take part, whatever a task's
    min_clients and max_clients are. seed: of all keys, to repeat a run. log: takes each line of the
    aggregator's log, such as print. policy: of each party, as for `local`.
    """
    if isinstance(parties, Mapping):
        raise PlanError("expected a list of the parties' tables, found a dict: list(x.values())")
    if len(parties) < MIN_PARTIES:
        raise PlanError(
            f"{len(parties)} parties: expected at least {MIN_PARTIES}, fewer can't be private"
        )
    asked = _settled(query, parties[0])
    plan = plan_of(asked, _names(parties[0]), where)
    clients = {"min_clients": len(parties), "max_clients": len(parties)}
    plan = {**plan, "strategy": {**plan["strategy"], **clients}}
    with ExitStack() as stack:
        scope = Scope(stack)
        parsed = ParsedPlan(scope, plan)
        data = [parsed.ordered(by_name(each, asked)) for each in parties]
        rules = rules_of(scope, policy)
        return from_json(_simulated(scope, parsed, data, seed, log, rules), exact)


def run_plan(
    plan: Mapping[str, Any],
    data: Mapping[str, Any],
    exact: bool = False,
    policy: Policy | None = None,
) -> Any:
    """The result of a plan on one table for each of its datasets, as pandas."""
    with ExitStack() as stack:
        scope = Scope(stack)
        parsed = ParsedPlan(scope, plan)
        rules = rules_of(scope, policy)
        return from_json(_computed(scope, parsed, parsed.ordered(data), rules), exact)


# --- From a query to a plan ---


def _settled(query: Query, data: Any) -> Settled:
    """A task built, its plan written; any other query as it is."""
    built: Any = query
    if isinstance(query, HorizontalAnalytics):
        built = query.build()
    elif callable(query):
        built = built_of(query)
    if not isinstance(built, LateTask):
        return built  # type: ignore[no-any-return]

    def answer(question: ColumnsOf | Task) -> Any:
        if isinstance(question, Task):
            with unwarned():
                return local(data, question)
        return columns_of(data[question.dataset] if _is_datasets(data) else data, question)

    return built.written(answer)


def columns_of(data: Any, question: ColumnsOf) -> list[str]:
    """The names of a table's or file's columns, or of those of numbers."""
    if not question.are_numeric:
        return column_names(data)
    with unwarned():
        return list(local(data, "count(*)").index)


def built_of(query: Callable[..., Any]) -> Task | LateTask:
    """The task of a function of lazy frames."""
    datasets = {name: name for name in _parameters(query)}

    def write(frames: Mapping[str, DataFrame]) -> Task:
        return Task(compose("query", datasets, query(**frames), _STRATEGY))

    return without_columns("query", datasets, write)


def _is_datasets(data: Any) -> bool:
    return isinstance(data, Mapping) and not is_table(data)


def _names(data: Any) -> list[str] | None:
    """The names of datasets; None for one table, which has none."""
    return [str(name) for name in data] if _is_datasets(data) else None


def _parameters(query: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(query).parameters.values()
    return [parameter.name for parameter in parameters if parameter.default is parameter.empty]


def by_name(data: Any, query: Settled) -> Mapping[str, Any]:
    if _is_datasets(data):
        return data  # type: ignore[no-any-return]
    names = list(query.plan["datasets"]) if isinstance(query, Task) else ["data"]
    if len(names) != 1:
        raise PlanError(f"there are the datasets {', '.join(names)}: give a dict of their tables")
    return {names[0]: data}


def plan_of(query: Settled, names: list[str] | None, where: str | None) -> Mapping[str, Any]:
    if isinstance(query, Task):
        if where is not None:
            raise PlanError(
                "where= goes with expressions; filter the frame: wages[wages['age'] > 18]"
            )
        return query.plan
    if isinstance(query, str):
        select = {"result": query}
    elif isinstance(query, Mapping):
        select = dict(query)
    elif isinstance(query, Sequence) and all(isinstance(each, str) for each in query):
        select = {each: each for each in query}
    else:
        raise PlanError(
            "expected an expression, a dict or a list of them, a function or a task, found "
            f"{query!r}"
        )
    plan: dict[str, Any] = {
        "version": 1,
        "name": "query",
        "type": "analytics",
        "datasets": {name: name for name in names or ["data"]},
        "select": select,
        "strategy": _STRATEGY,
    }
    return plan | ({} if where is None else {"where": where})


# --- Running a plan in libsotto ---


class Scope:
    """Objects of libsotto that end together, after those that were made later."""

    def __init__(self, stack: ExitStack) -> None:
        self.engine = library()
        self.ffi, self.lib, self.call = self.engine.ffi, self.engine.lib, self.engine.call
        self.stack = stack

    def made(self, kind: str, free: str, function: str, *arguments: Any, at: int = 0) -> Any:
        """The object that a function puts into its argument number `at`."""
        out = self.ffi.new(f"{kind} **")
        self.call(function, *arguments[:at], out, *arguments[at:])
        self.stack.callback(getattr(self.lib, free), out[0])
        return out[0]

    def schema(self, function: str, *arguments: Any) -> Any:
        """The schema that a function fills in."""
        out = self.ffi.new("struct sotto_schema *")
        self.call(function, out, *arguments)
        self.stack.callback(self.lib.sotto_schema_release, out)
        return out


class ParsedPlan:
    """A plan that was parsed: `pointer`, its JSON text, and the names of its datasets in order."""

    def __init__(self, scope: Scope, plan: Mapping[str, Any]) -> None:
        self.text = Task(plan).json.encode()
        self.pointer = scope.made(
            "struct sotto_plan",
            "sotto_plan_free",
            "sotto_plan_parse",
            self.text,
            len(self.text),
        )
        datasets = range(scope.lib.sotto_plan_datasets_len(self.pointer))
        alias = scope.lib.sotto_plan_dataset_alias
        self.datasets = [scope.engine.text(alias(self.pointer, i)) for i in datasets]

    def ordered(self, data: Mapping[str, Any]) -> list[Any]:
        """The data of the datasets. Raises PlanError where they are not those that are read."""
        problems = [f"{name} is missing" for name in self.datasets if name not in data]
        problems += [f"the task reads no {name}" for name in data if name not in self.datasets]
        if problems:
            expected = ", ".join(self.datasets)
            raise PlanError(f"expected tables for {expected}: {'; '.join(problems)}")
        return [data[name] for name in self.datasets]


def _opened(scope: Scope, path: Any) -> Any:
    return scope.made(
        "struct sotto_csv",
        "sotto_csv_close",
        "sotto_csv_open",
        str(path).encode(),
        scope.ffi.NULL,
    )


def _imported(scope: Scope, table: Any) -> Any:
    schema, array = scope.ffi.new("struct ArrowSchema *"), scope.ffi.new("struct ArrowArray *")
    addresses = [int(scope.ffi.cast("uintptr_t", struct)) for struct in (array, schema)]
    record_batch(table)._export_to_c(*addresses)
    return scope.made("struct sotto_table", "sotto_table_free", "sotto_arrow_import", schema, array)


def _source(scope: Scope, kind: str, *what: Any) -> Any:
    return scope.made("struct sotto_source", "sotto_source_free", f"sotto_source_new_{kind}", *what)


def _profiles(scope: Scope) -> list[str]:
    names = iter(map(scope.lib.sotto_profile_name, itertools.count()))
    return [scope.engine.text(name) for name in iter(lambda: next(names), scope.ffi.NULL)]


def rules_of(scope: Scope, policy: Policy | None) -> Any:
    """The rules of a policy, None for none. Raises PlanError for a policy that is none."""
    if policy is None:
        return None
    wanted = {"profile": policy} if isinstance(policy, str) else dict(policy)
    unknown = sorted(set(wanted) - {"profile", "min_rows", "dominance"})
    profiles = _profiles(scope)
    if unknown or wanted.get("profile", "safe") not in profiles:
        raise PlanError(
            f"policy {policy!r}: expected {' or '.join(profiles)}, or a dict of profile, min_rows "
            "and dominance"
        )
    rules = scope.ffi.new("struct sotto_rules *")
    scope.lib.sotto_rules_init(rules, profiles.index(wanted.get("profile", "safe")))
    if "min_rows" in wanted:
        scope.lib.sotto_rules_set_min_rows(rules, wanted["min_rows"])
    if "dominance" in wanted:
        scope.lib.sotto_rules_set_dominance(rules, wanted["dominance"])
    return rules


def _refused(scope: Scope, error: EngineError, rule: int) -> RuleRefused:
    return RuleRefused(str(error), scope.engine.text(scope.lib.sotto_rule_code(rule)))


def _contribute(scope: Scope, rehearsal: Any, plan: Any, *arguments: Any) -> None:
    """One party's partial, by the rules of a rehearsal; None: there are none."""
    driver, limbs, limbs_len, sources = arguments
    if rehearsal is None:
        nothing = scope.ffi.NULL
        call = ("sotto_driver_contribute", driver, limbs, limbs_len, nothing, sources, nothing)
        scope.call(*call)
        return
    try:
        scope.call("sotto_rehearsal_contribute", rehearsal, limbs, limbs_len, driver, plan, sources)
    except EngineError as error:
        if error.status == "refused":
            raise _refused(scope, error, scope.lib.sotto_rehearsal_refused(rehearsal)) from None
        raise


def _are_files(data: Sequence[Any]) -> bool:
    paths = [is_path(each) for each in data]
    if any(paths) and not all(paths):
        raise PlanError("the data are either all files or all tables in memory")
    return all(paths)


def source_of(scope: Scope, data: Any) -> Any:
    """A source of a table, or of the file at a path."""
    if _are_files([data]):
        return _source(scope, "file", _opened(scope, data), scope.ffi.NULL)
    return _source(scope, "table", _imported(scope, data))


def sources_of(scope: Scope, plan: ParsedPlan, data: Sequence[Any]) -> tuple[Any, Any]:
    """A source for each dataset, and the types that they offer."""
    ffi = scope.ffi
    files: list[Any] = []
    if _are_files(data):
        files = [_opened(scope, path) for path in data]
        made = [_source(scope, "file", file, ffi.NULL) for file in files]
    else:
        made = [_source(scope, "table", _imported(scope, table)) for table in data]
    sources = ffi.new("struct sotto_source *[]", made)
    offer = scope.schema("sotto_source_offer", plan.pointer, sources)
    if files:
        handles = ffi.new("struct sotto_csv *[]", files)
        scope.call("sotto_schema_check_words", plan.pointer, offer, handles)
    return sources, offer


def _computed(scope: Scope, plan: ParsedPlan, data: Sequence[Any], rules: Any) -> dict[str, Any]:
    """The result over one table for each dataset: its partials are the aggregates."""
    ffi, lib = scope.ffi, scope.lib
    sources, offer = sources_of(scope, plan, data)
    agreed = scope.schema("sotto_schema_agree", plan.pointer, offer, ffi.NULL, 1)
    driver = scope.made(
        "struct sotto_driver", "sotto_driver_free", "sotto_driver_new", plan.pointer, agreed
    )
    rehearsal = None
    if rules is not None:
        offer.rules = lib.sotto_rules_offered(rules)
        seed = secrets.randbits(64)
        rehearsal = scope.made(
            "struct sotto_rehearsal", "sotto_rehearsal_free", "sotto_rehearsal_new", rules, seed
        )
    while lib.sotto_driver_round(driver) != 0:
        limbs_len = lib.sotto_driver_limbs_len(driver)
        limbs = ffi.new("uint64_t[]", limbs_len)
        _contribute(scope, rehearsal, plan.pointer, driver, limbs, limbs_len, sources)
        scope.call("sotto_driver_advance", driver, limbs, limbs_len)
    alone = ffi.new("struct sotto_result_parties *", [1, 1, 1])
    result = scope.made("char", "sotto_free", "sotto_driver_result", driver, alone, offer, 1, at=1)
    return json.loads(scope.engine.text(result))  # type: ignore[no-any-return]


def _simulated(
    scope: Scope,
    plan: ParsedPlan,
    parties: Sequence[Sequence[Any]],
    seed: int,
    log: Callable[[str], Any] | None,
    rules: Any,
) -> dict[str, Any]:
    """The result over parties, each with one table for each dataset, by the protocol."""
    ffi = scope.ffi
    data = [each for party in parties for each in party]
    simulation = ffi.new("struct sotto_simulation *")
    if _are_files(data):
        sources = ffi.new("struct sotto_csv *[]", [_opened(scope, path) for path in data])
        simulation.files = sources
    else:
        sources = ffi.new("struct sotto_table *[]", [_imported(scope, table) for table in data])
        simulation.tables = ffi.cast("const struct sotto_table *const *", sources)
    text = ffi.from_buffer("char[]", plan.text)
    simulation.plan_json, simulation.plan_json_bytes = text, len(plan.text)
    simulation.datasets_len, simulation.parties_len = len(plan.datasets), len(parties)
    simulation.seed = seed
    refused = ffi.new("int *", len(rules.is_on) if rules is not None else 0)
    if rules is not None:
        simulation.rules, simulation.refused = rules, refused
    raised: list[BaseException] = []

    def tell(context: Any, line: Any) -> None:
        try:
            if log is not None and not raised:
                log(scope.engine.text(line))
        except BaseException as error:
            # C can't carry it: it is raised when the simulation is over.
            raised.append(error)

    c_tell = ffi.callback("void(void *, const char *)", tell)
    simulation.log = c_tell
    try:
        result = scope.made("char", "sotto_free", "sotto_simulate", simulation)
    except EngineError as error:
        if rules is not None and refused[0] < len(rules.is_on):
            raise _refused(scope, error, refused[0]) from None
        raise
    if raised:
        raise raised[0]
    return json.loads(scope.engine.text(result))  # type: ignore[no-any-return]
