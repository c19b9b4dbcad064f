# SPDX-License-Identifier: Apache-2.0
"""delta.debug."""

from ..debug import debug

__all__ = ["debug"]
