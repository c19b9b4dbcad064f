#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""coverage.py BUILD_DIR: which lines of the modules ran, by room, as gcov says: ./dev test --preset
coverage. A line that is in several objects counts once."""

import collections
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ("base", "dataset", "engine", "disclosure", "aggregation", "learning", "federation", "node")


def executed(build):
    """By source: the set of its lines, and the set of those that ran."""
    lines, ran = collections.defaultdict(set), collections.defaultdict(set)
    data = sorted(build.glob("**/sotto*.dir/**/*.gcda"))
    with tempfile.TemporaryDirectory() as folder:
        for i in range(0, len(data), 50):
            subprocess.run(["gcov", "--json-format", *map(str, data[i:i + 50])], cwd=folder, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for file in pathlib.Path(folder).glob("*.json.gz"):
                with gzip.open(file) as stream:
                    report = json.load(stream)
                for source in report["files"]:
                    path = os.path.join(report["current_working_directory"], source["file"])
                    name = os.path.relpath(path, ROOT)
                    lines[name].update(line["line_number"] for line in source["lines"])
                    ran[name].update(line["line_number"] for line in source["lines"] if line["count"])
                file.unlink()
    return lines, ran


def room_of(name):
    parts = name.split("/")
    if "include" in parts:
        return parts[0]
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def show(name, total, ran):
    print(f"{name:<24} {ran:6} of {total:6} lines {ran / total:6.1%}")


def main():
    lines, ran = executed(pathlib.Path(sys.argv[1]).resolve())
    totals = collections.defaultdict(lambda: [0, 0])
    for name in lines:
        if name.split("/")[0] not in MODULES:
            continue
        for key in {room_of(name), name.split("/")[0], "all"}:
            totals[key][0] += len(lines[name])
            totals[key][1] += len(ran[name])
    if not totals:
        sys.exit(f"{sys.argv[1]} has no counts: is it built with the preset coverage?")
    for key in sorted(totals, key=lambda key: (key == "all", key)):
        show(("  " if "/" in key else "") + key, *totals[key])


if __name__ == "__main__":
    main()
