#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench methods [--quick] [--threads N] [--case NAME]: statistics with rounds of their own, of values in memory,
against NumPy, DuckDB and polars.

JSON lines on standard output, everything else on standard error. bench_methods runs all rounds of a plan over 2^24
values and writes the values into files; then each peer answers the same question on the same values, with as many
threads. `round_bytes` is the largest vector that a party would mask and send, `ratio` a peer's time over ours.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from peers import ROOT, peers_python, say

CASES = {"median_float64": ["numpy", "duckdb", "polars"], "median_int64": ["numpy", "duckdb", "polars"],
         "median_decimal": ["numpy", "duckdb", "polars"], "median_20": ["numpy", "duckdb", "polars"],
         "median_by_1000": ["duckdb", "polars"]}

# Runs in the peers' Python: argv = peer, case, folder, threads. Prints seconds, and by how much answers are off.
PEER = r"""
import json, pathlib, sys, time
import numpy as np
peer, case, folder, threads = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])
names = sorted(f.name for f in folder.iterdir() if len(f.name) == 1)
kinds = {n: np.int64 if case in ("median_int64", "median_decimal") or (case == "median_by_1000" and n == "b")
         else np.float64 for n in names}
columns = {n: np.fromfile(folder / n, dtype=kinds[n]) for n in names}
answers = np.fromfile(folder / "answers")
if peer == "numpy":
    run = lambda: [np.median(columns[n]) for n in names]
elif peer == "duckdb":
    import duckdb, pyarrow
    base = duckdb.connect()
    base.execute(f"SET threads={threads}")
    memory = pyarrow.table(columns)
    base.execute("CREATE TABLE t AS SELECT * FROM memory")
    query = ("SELECT median(a) FROM t GROUP BY b ORDER BY b" if case == "median_by_1000"
             else "SELECT " + ", ".join(f"median({n})" for n in names) + " FROM t")
    if case == "median_by_1000":
        run = lambda: [row[0] for row in base.execute(query).fetchall()]
    else:
        run = lambda: base.execute(query).fetchall()[0]
else:
    import polars as pl
    frame = pl.DataFrame(columns).lazy()
    if case == "median_by_1000":
        query = frame.group_by("b").agg(pl.col("a").median()).sort("b").select("a")
        run = lambda: query.collect().to_series().to_numpy()
    else:
        run = lambda: frame.select(pl.all().median()).collect().row(0)
found = np.asarray(run(), dtype=float) / (100 if case == "median_decimal" else 1)
seconds = []
for _ in range(3):
    start = time.perf_counter()
    run()
    seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": seconds, "ulps": float((np.abs(found - answers) / np.spacing(np.abs(answers))).max())}))
"""


def ours(arguments, case, folder):
    environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads))
    out = subprocess.run([pathlib.Path(arguments.bin) / "bench/bench_methods", "--case", case, folder], check=True,
                         capture_output=True, env=environment)
    return json.loads(out.stdout)


def peer(arguments, python, name, case, folder):
    threads = str(arguments.threads)
    environment = dict(os.environ, POLARS_MAX_THREADS=threads, OMP_NUM_THREADS=threads)
    out = subprocess.run([python, "-c", PEER, name, case, folder, threads], capture_output=True, env=environment)
    if out.returncode:
        say(f"*** {name} IS SKIPPED in {case}: {out.stderr.decode().strip().splitlines()[-1]} ***")
        return None
    return json.loads(out.stdout)


def compare(arguments, python, case):
    (ROOT / "build" / "bench").mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(dir=ROOT / "build" / "bench")
    try:
        line = ours(arguments, case, folder)
        line["ulps"] = {}
        for name in CASES[case]:
            found = peer(arguments, python, name, case, folder)
            if found is not None:
                seconds = statistics.median(found["seconds"])
                line["peers"][name] = round(seconds, 3)
                line["ratio"][name] = round(seconds / line["value"], 3)
                line["ulps"][name] = found["ulps"]
    finally:
        shutil.rmtree(folder)
    print(json.dumps(line), flush=True)
    return line["ok"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--case", action="append", choices=CASES)
    arguments = parser.parse_args()
    if arguments.quick:
        return subprocess.run([pathlib.Path(arguments.bin) / "bench/bench_methods", "--quick"]).returncode
    python = peers_python(["numpy", "duckdb", "polars", "pyarrow"])
    results = [compare(arguments, python, case) for case in arguments.case or CASES]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
