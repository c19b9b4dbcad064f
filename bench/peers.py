# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks against other libraries share: a Python with the peers in it."""

import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent


def say(text):
    print(text, file=sys.stderr, flush=True)


def peers_python(peers):
    """The interpreter of build/venv, with these packages where they can be had; missing ones are said loudly."""
    folder = ROOT / "build" / "venv"
    python = folder / "bin" / "python"
    if not python.exists():
        say("making build/venv ...")
        venv.create(folder, with_pip=True)
    wanted = [peer for peer in peers if subprocess.run([python, "-c", f"import {peer}"], capture_output=True).returncode]
    if wanted:
        say(f"installing {' '.join(wanted)} into build/venv ...")
        if subprocess.run([python, "-m", "pip", "install", "-q", *wanted], stdout=sys.stderr).returncode:
            say("*** PyPI CAN'T BE REACHED: peers that are not installed ARE SKIPPED, ratios are missing. ***")
    return python
