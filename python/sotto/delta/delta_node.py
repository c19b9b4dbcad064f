# SPDX-License-Identifier: Apache-2.0
"""delta.delta_node."""

from .._client import DeltaNode

__all__ = ["DeltaNode"]
