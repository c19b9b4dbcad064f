# SPDX-License-Identifier: Apache-2.0
"""The code of a learning task that was written for Delta, as files for a bundle.

Delta sends the object. Here the file in which its class stands travels as source, but for what
would run when it is imported and that no definition needs, such as the lines that create the task;
the files beside it that it imports travel whole. What cages have under the name `delta` is _cage.
"""

from __future__ import annotations

import ast
import inspect
import symtable
import textwrap
from collections.abc import Iterator
from pathlib import Path

from ..errors import NotSupported, PlanError

_CAGE = Path(__file__).parent / "_cage"
_ENTRY = "delta_entry"
_SHIM = {
    "delta/__init__.py": "",
    "delta/dataset.py": "dataset.py",
    "delta/debug.py": "debug.py",
    "delta/delta_node.py": "delta_node.py",
    "delta/task/__init__.py": "",
    "delta/task/learning.py": "learning.py",
}
_NAMES = {
    "delta/__init__.py": "from .delta_node import DeltaNode\n",
    "delta/task/__init__.py": "from .learning import HorizontalLearning\n",
}


def gather(of: type, metrics: tuple[str, ...] = ()) -> tuple[dict[str, str], str]:
    """The files of a class by their names in a bundle, and the entry. metrics: what is measured.

    Raises NotSupported where the source of the class is in no file, PlanError where a file is not
    to be had by the name that it is imported by.
    """
    file = _file_of(of)
    files: dict[str, str] = {}
    _add_file(files, file, file.parent)
    for name, part in _SHIM.items():
        files[name] = (_CAGE / part).read_text(encoding="utf-8") if part else _NAMES[name]
    files[f"{_ENTRY}.py"] = (
        "from delta.task.learning import Training\n"
        f"from {file.stem} import {of.__name__}\n\n\n"
        f"class Task(Training):\n    of = {of.__name__}\n    metrics = {metrics!r}\n"
    )
    return files, f"{_ENTRY}:Task"


def find_metrics(of: type) -> tuple[str, ...]:
    """The names that validate() returns, where it writes them into a dict, in their order."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(of.validate)))  # type: ignore[attr-defined]
    dicts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict)
    ]
    keys = [key.value for found in dicts[:1] for key in found.keys if isinstance(key, ast.Constant)]
    return tuple(key for key in keys if isinstance(key, str))


def _file_of(of: type) -> Path:
    try:
        file = Path(inspect.getfile(of)).resolve()
    except TypeError:
        file = None
    if file is None or not file.is_file():
        raise NotSupported(
            f"the source of {of.__name__} stands in no file, and code is sent as files that owners "
            "read: write it into one, and import it"
        )
    if "." in of.__qualname__:
        raise PlanError(f"{of.__qualname__}: expected a class at the top level of its file")
    if not file.stem.isidentifier() or file.stem in {"delta", _ENTRY}:
        raise PlanError(f"{file.name}: expected another name: the file is imported by it")
    return file


def _add_file(files: dict[str, str], file: Path, folder: Path) -> None:
    """Adds a file, and those below the folder that it imports. The first is the class's."""
    name = file.relative_to(folder).as_posix()
    if name in files:
        return
    source = file.read_text(encoding="utf-8-sig")
    tree = ast.parse(source, filename=str(file))
    kept = tree.body if files else _definitions(tree)
    files[name] = _without(source, [node for node in tree.body if node not in kept], kept, name)
    package = file.relative_to(folder).parent.parts
    for statement in kept:
        for node in ast.walk(statement):
            if isinstance(node, ast.ImportFrom) and node.level > len(package):
                raise PlanError(
                    f"line {node.lineno} of {name}: expected an import by the whole name: in a "
                    "cage the file of the class stands in no package"
                )
            for module in _imported(node, package):
                for found in _files_of_module(module, folder):
                    _add_file(files, found, folder)


def _definitions(tree: ast.Module) -> list[ast.stmt]:
    """Imports, functions and classes, and what sets the names of the module that they read."""
    kept = [
        node
        for node in tree.body
        if isinstance(
            node,
            ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        )
    ]
    others = [node for node in tree.body if node not in kept and not _is_for_scripts(node)]
    found: list[ast.stmt] = [*kept]
    while True:
        named = {name for statement in found for name in _named(statement)}
        more = [node for node in others if node not in found and _set_by(node) & named]
        if not more:
            return [node for node in tree.body if node in found]
        found += more


def _is_for_scripts(node: ast.stmt) -> bool:
    """Whether it is an `if __name__ == ...`."""
    return isinstance(node, ast.If) and any(
        isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test)
    )


def _named(statement: ast.stmt) -> set[str]:
    """The names of the module that a statement reads: what is local to a function is none."""
    found: set[str] = set()
    tables = [symtable.symtable(ast.unparse(statement), "", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        is_function = table.get_type() == "function"
        for symbol in table.get_symbols():
            is_read = symbol.is_referenced() and (symbol.is_global() or not is_function)
            if is_read or symbol.is_declared_global():
                found.add(symbol.get_name())
    return found


def _set_by(statement: ast.stmt) -> set[str]:
    """The names that a statement sets, of whatever it changes a part, or imports."""
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            found |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.split(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
    return found


def _without(source: str, dropped: list[ast.stmt], kept: list[ast.stmt], name: str) -> str:
    """The source without the lines of some statements."""
    lines = source.split("\n")
    gone = {line for node in dropped for line in _lines(node)}
    for node in kept:
        if not gone.isdisjoint(_lines(node)):
            raise PlanError(
                f"line {node.lineno} of {name}: expected a line of its own for each statement"
            )
    return "\n".join(line for i, line in enumerate(lines) if i not in gone)


def _lines(node: ast.stmt) -> range:
    return range(node.lineno - 1, node.end_lineno or node.lineno)


def _imported(node: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The modules that an import may mean, from the folder of the class on."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield tuple(alias.name.split("."))
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) + 1 - node.level] if node.level else ()
        module = (*base, *(node.module or "").split(".")) if node.module else base
        yield module
        for alias in node.names:
            yield (*module, alias.name)


def _files_of_module(module: tuple[str, ...], folder: Path) -> Iterator[Path]:
    """The file of a module below the folder, and those of the packages that it stands in."""
    for i in range(1, len(module) + 1):
        path = folder.joinpath(*module[:i])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file() and module[0] != "delta":
                yield file
