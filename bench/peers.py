# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks against other libraries share: a Python with the peers in it, a case that a program of ours
computes and writes into files, and the same case by a peer that reads them."""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent


# Packages whose modules have other names; versions where a benchmark goes below what is documented.
PACKAGES = {"flwr": "flwr==1.42.0", "sklearn": "scikit-learn"}


def say(text):
    print(text, file=sys.stderr, flush=True)


def peers_python(peers, name="venv"):
    """The interpreter of build/venv, or of another name, with these packages where they can be had; missing ones are
    said loudly."""
    folder = ROOT / "build" / name
    python = folder / "bin" / "python"
    if not python.exists():
        say(f"making build/{name} ...")
        venv.create(folder, with_pip=True)
    wanted = [PACKAGES.get(peer, peer) for peer in peers if subprocess.run([python, "-c", f"import {peer}"], capture_output=True).returncode]
    if wanted:
        say(f"installing {' '.join(wanted)} into build/{name} ...")
        if subprocess.run([python, "-m", "pip", "install", "-q", *wanted], stdout=sys.stderr).returncode:
            say("*** PyPI CAN'T BE REACHED: peers that are not installed ARE SKIPPED, ratios are missing. ***")
    return python


def read_arguments(cases):
    """--bin, --quick, --threads and --case, as all of them take them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--case", action="append", choices=cases)
    return parser.parse_args()


@contextlib.contextmanager
def case_folder():
    """An empty folder on the disk of the build, for the values of one case."""
    (ROOT / "build" / "bench").mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(dir=ROOT / "build" / "bench")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def ours(arguments, program, case, folder):
    """The line that our program prints for a case, whose values and answers it writes into the folder."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads))
    out = subprocess.run([pathlib.Path(arguments.bin) / "bench" / program, "--case", case, folder], check=True,
                         capture_output=True, env=environment)
    return json.loads(out.stdout)


def peer(arguments, python, source, name, *words):
    """What a peer's program prints, with as many threads; None, said loudly, if it fails."""
    threads = str(arguments.threads)
    environment = dict(os.environ, POLARS_MAX_THREADS=threads, OMP_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads)
    out = subprocess.run([python, "-c", source, name, *words, threads], capture_output=True, env=environment)
    if out.returncode:
        say(f"*** {name} IS SKIPPED in {words[0]}: {out.stderr.decode().strip().splitlines()[-1]} ***")
        return None
    return json.loads(out.stdout)
