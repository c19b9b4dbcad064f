# SPDX-License-Identifier: Apache-2.0
"""python -m sotto.delta script.py [arguments]: runs a script that imports from `delta`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from ._install import install

_USAGE = "usage: python -m sotto.delta script.py [arguments]"


def main(arguments: list[str]) -> int:
    """Runs the script as Python would; gives the exit code."""
    if not arguments or arguments[0].startswith("-"):
        print(_USAGE, file=sys.stderr)
        return 2
    script = Path(arguments[0])
    if not script.is_file():
        print(f"python -m sotto.delta: there is no file {script}\n{_USAGE}", file=sys.stderr)
        return 2
    install()
    sys.argv = arguments
    sys.path.insert(0, str(script.resolve().parent))
    runpy.run_path(str(script), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
