# SPDX-License-Identifier: Apache-2.0
"""From what execute() returned to the plan, and how outputs are named.

The names alone tell how a result is put together again (_results.py), so that any client can read
it: one output is "result"; those of a tuple are "result 1", "result 2", ...; those of a dict have
its keys; the parts of a summary stand in brackets, "result[mean]", and parts of parts in more,
"result[wage][mean]". A part that has brackets or quotes itself is a JSON text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pandas import Index

from ._definitions import settled
from ._expression import common_filter, render
from .errors import NotAnAggregate, PlanError
from .pandas import Aggregate, DataFrame, GroupBy, Series, Summary
from .pandas._aggregate import GroupKey

RESERVED_NAME = re.compile(r"result( \d+)?\Z|.*\[.*\]\Z", re.DOTALL)


def compose(
    name: str, datasets: Mapping[str, str], returned: Any, strategy: Mapping[str, int]
) -> dict[str, Any]:
    """The plan. Raises NotAnAggregate, PlanError."""
    outputs = _flat(_named(returned))
    plan: dict[str, Any] = {
        "version": 1,
        "name": name,
        "type": "analytics",
        "datasets": dict(datasets),
    }
    are_alone = len(datasets) == 1
    expressions, definitions = settled([each._expression for each in outputs.values()], are_alone)
    if definitions:
        plan["define"] = definitions
    condition = common_filter(expressions) if are_alone else None
    if condition is not None:
        plan["where"] = render(condition)
    groups = _common_groups(outputs)
    if groups:
        if len(datasets) > 1:
            raise PlanError("a task with groupby reads one dataset: make a task for each")
        plan["group_by"] = [_group(key) for key in groups]
    plan["select"] = {
        label: render(expression, condition)
        for label, expression in zip(outputs, expressions, strict=True)
    }
    plan["strategy"] = dict(strategy)
    return plan


def _named(returned: Any) -> dict[str, Any]:
    if isinstance(returned, Mapping):
        for label in returned:
            if not isinstance(label, str) or not label or RESERVED_NAME.match(label):
                raise PlanError(
                    f"execute() returned a dict with the key {label!r}: expected a text, neither "
                    "'result' nor with brackets at its end"
                )
        named = dict(returned)
    elif isinstance(returned, tuple | list):
        named = {f"result {i}": value for i, value in enumerate(returned, 1)}
    else:
        named = {"result": returned}
    if not named:
        raise NotAnAggregate(
            "execute() returned nothing: return an aggregate, such as wages.mean()"
        )
    for label, value in named.items():
        _check_aggregate(label, value)
    return named


def _check_aggregate(label: str, value: Any) -> None:
    if isinstance(value, Aggregate | Summary):
        return
    which = "" if label == "result" else f" as {label}"
    if isinstance(value, DataFrame | Series):
        raise NotAnAggregate(
            f"execute() returned rows{which}, {value!r}: rows never leave their party. Return an "
            "aggregate of them, such as .mean(), .sum() or .count()"
        )
    if isinstance(value, GroupBy):
        raise NotAnAggregate(
            f"execute() returned {value!r}{which}: add .mean() or another reduction"
        )
    if isinstance(value, str | Index):
        raise NotAnAggregate(
            f"execute() returned {value!r}{which}: names of columns are no result; a node tells "
            "them without a task, DeltaNode(...).columns('wages.csv')"
        )
    if value is None:
        raise NotAnAggregate(f"execute() returned None{which}: is a return missing?")
    raise NotAnAggregate(
        f"execute() returned {type(value).__name__} {value!r}{which}: expected an aggregate "
        "computed from the datasets, such as wages.mean()"
    )


def _flat(named: Mapping[str, Aggregate | Summary]) -> dict[str, Aggregate]:
    flat: dict[str, Aggregate] = {}
    for label, value in named.items():
        if isinstance(value, Summary):
            flat.update(
                _flat({f"{label}[{_part(part)}]": each for part, each in value._parts.items()})
            )
        else:
            flat[label] = value
    return flat


def _part(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) if re.search(r'[]["]', name) else name


def _common_groups(outputs: Mapping[str, Aggregate]) -> tuple[GroupKey, ...]:
    groups = {output._groups for output in outputs.values()}
    if len(groups) > 1:
        raise PlanError(
            "all results of a task have the same groups, or none: make one task for each groupby"
        )
    return groups.pop()


def _group(key: GroupKey) -> dict[str, Any]:
    kind = "bins" if key.are_edges else "levels"
    column = f"{key.part}({render(key.column)})" if key.part else render(key.column)
    group: dict[str, Any] = {"column": column, kind: list(map(_level, key.levels))}
    if key.other:
        group["other"] = True
    if key.na:
        group["na"] = True
    return group


def _level(level: Any) -> Any:
    """A level as a plan writes it: a number with a fraction is a text, 0.5 as "0.5"."""
    return repr(level) if isinstance(level, float) else level
