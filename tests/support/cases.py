# SPDX-License-Identifier: Apache-2.0
"""The environment variable that scales all property tests; cases.h is the same for C."""

import os


def cases(usual):
    """SOTTO_CASES times as many as usual, at least one; SOTTO_CASES is 1 unless set."""
    text = os.environ.get("SOTTO_CASES") or "1"
    try:
        times = float(text)
    except ValueError:
        times = 0
    if not 0 < times <= 1e6:
        raise SystemExit(f"SOTTO_CASES={text}: expected a number above 0, at most 1e6")
    return max(int(usual * times), 1)
