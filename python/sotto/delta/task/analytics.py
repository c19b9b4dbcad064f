# SPDX-License-Identifier: Apache-2.0
"""delta.task.analytics."""

from __future__ import annotations

import warnings

from ... import task
from ...errors import SottoWarning

_LEAST = 3


def at_least_three(name: str, min_clients: int, max_clients: int) -> tuple[int, int]:
    """How many clients there are at least and at most; warns where fewer than three were asked."""
    if min_clients < _LEAST:
        warnings.warn(
            f"{name}: min_clients={min_clients} is raised to {_LEAST}, because of two parties "
            "each learns the other's value",
            SottoWarning,
            stacklevel=4,
        )
    return max(min_clients, _LEAST), max(max_clients, _LEAST)


class HorizontalAnalytics(task.HorizontalAnalytics):
    """Sotto's, with Delta's options and defaults; fewer than three clients become three."""

    def __init__(
        self,
        name: str,
        min_clients: int = 2,
        max_clients: int = 2,
        wait_timeout: float = 60,
        connection_timeout: float = 60,
        precision: int | None = None,
        curve: str | None = None,
        enable_verify: bool = False,
    ) -> None:
        least, most = at_least_three(name, min_clients, max_clients)
        if enable_verify:
            warnings.warn(
                f"{name}: enable_verify=True gives the sums and the result to all who take part "
                '(results="participants"): they check both',
                SottoWarning,
                stacklevel=3,
            )
        super().__init__(
            name,
            least,
            most,
            wait_timeout,
            connection_timeout,
            precision,
            curve,
            # Delta's False is its default: sums that are shown anyway are checked anyway.
            enable_verify=True if enable_verify else None,
            results="participants" if enable_verify else None,
        )
