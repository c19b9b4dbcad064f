# SPDX-License-Identifier: Apache-2.0
"""Makes `import delta` mean sotto.delta."""

from __future__ import annotations

import importlib
import pkgutil
import sys

from .. import delta, pandas


def install() -> None:
    """Makes `delta` and its modules those of this package, whatever else is installed."""
    own = delta.__name__
    names = [
        module.name
        for module in pkgutil.walk_packages(delta.__path__, own + ".")
        if "._" not in module.name.removeprefix(own)
    ]
    for name in [own, *names]:
        sys.modules["delta" + name[len(own) :]] = importlib.import_module(name)
    sys.modules["delta.pandas"] = pandas
