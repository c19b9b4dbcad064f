# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for what is not there yet."""

from __future__ import annotations

from typing import Any

from ..errors import NotSupported


def stand_in(name: str, instead: str) -> type:
    """A class that can be imported and subclassed, and that raises NotSupported when it is used."""

    def refuse(self: Any, *arguments: Any, **options: Any) -> None:
        raise NotSupported(f"{name} is not in this version of Sotto: {instead}")

    return type(name, (), {"__init__": refuse, "__doc__": f"Not in this version: {instead}"})
