# SPDX-License-Identifier: Apache-2.0
"""The named columns of a plan's outputs as its definitions (engine/PLAN.md, "Definitions")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ._expression import Column, Expression, Named, quoted, render


def settled(
    outputs: Sequence[Expression], are_bare: bool
) -> tuple[list[Expression], dict[str, str]]:
    """The outputs with a name of its own for each definition, and the definitions by their names.

    are_bare: the plan has one dataset, and the names stand without it. A name keeps its text where
    nothing else in the plan is called so; a column of the file may be, within the definition alone.
    """
    outputs = [_flattened(output) for output in outputs]
    named = list(dict.fromkeys(each for output in outputs for each in _named(output)))
    names: dict[Named, str] = {}
    for each in named:
        names[each] = _free(each, outputs, names)

    def rename(node: Expression) -> Expression | None:
        if isinstance(node, Named):
            return Named(node.dataset, names[node], node.definition)
        return None

    definitions = {}
    for each, name in names.items():
        key = quoted(name) if are_bare else f"{quoted(each.dataset)}.{quoted(name)}"
        definitions[key] = render(_replaced(each.definition, rename))
    return [_replaced(output, rename) for output in outputs], definitions


def _replaced(
    expression: Expression, replace: Callable[[Expression], Expression | None]
) -> Expression:
    replaced = replace(expression)
    if replaced is not None:
        return replaced
    children = tuple(_replaced(child, replace) for child in expression.children())
    return expression.rebuilt(children) if children else expression


def _flattened(expression: Expression) -> Expression:
    """A column that was assigned again, from itself, has one definition."""

    def replace(node: Expression) -> Expression | None:
        if not isinstance(node, Named):
            return None
        key = (node.dataset, node.name)

        def inline(inner: Expression) -> Expression | None:
            if isinstance(inner, Named) and (inner.dataset, inner.name) == key:
                return _replaced(inner.definition, inline)
            return None

        return Named(*key, _replaced(_flattened(node.definition), inline))

    return _replaced(expression, replace)


def _named(expression: Expression) -> Iterator[Named]:
    """The named columns, each after those that it is computed from."""
    for child in expression.children():
        yield from _named(child)
    if isinstance(expression, Named):
        yield expression


def _reads(expression: Expression, name: str, but_within: Named) -> bool:
    """Whether a column of a file is read anywhere but within a definition."""
    if expression == but_within:
        return False
    if isinstance(expression, Column):
        return expression.dataset == but_within.dataset and expression.name == name
    return any(_reads(child, name, but_within) for child in expression.children())


def _free(each: Named, outputs: Sequence[Expression], names: dict[Named, str]) -> str:
    """A name that no other definition has, and no column that is read outside this one."""
    used = {name for other, name in names.items() if other.dataset == each.dataset}
    name, number = each.name, 1
    while name in used or any(_reads(output, name, each) for output in outputs):
        number += 1
        name = f"{each.name}_{number}"
    return name
