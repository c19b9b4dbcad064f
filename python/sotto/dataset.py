# SPDX-License-Identifier: Apache-2.0
"""What a task reads: each party's own file of a name."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import PlanError


@dataclass(frozen=True)
class DataFrame:
    """A file of every party, such as "wages.csv": a path below the node's data_dir."""

    dataset: str

    def __post_init__(self) -> None:
        path = self.dataset
        if not isinstance(path, str) or not path:
            raise PlanError(
                f"DataFrame({path!r}): expected the name of a file, such as 'wages.csv'"
            )
        if path.startswith("/") or ".." in path.split("/") or "\\" in path:
            raise PlanError(
                f"DataFrame({path!r}): expected a path below the data_dir of each node, "
                "such as 'wages.csv'; every party reads its own file of that name"
            )
