#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench methods [--quick] [--threads N] [--case NAME]: statistics with rounds of their own, of values in memory,
against NumPy, DuckDB and polars.

JSON lines on standard output, everything else on standard error. bench_methods runs all rounds of a plan of three
parties in one process, with the keys, shares and masks of their secure sums, over 2^25 values, and writes the values into files; then each peer answers the same question on the same values, with as many
threads. `round_bytes` is the largest vector that a party would mask and send, `ratio` a peer's time over ours.
"""
import json
import pathlib
import statistics
import subprocess
import sys

from peers import case_folder, ours, peer, peers_python, read_arguments

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
    base.execute("SET enable_progress_bar=false")
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


def compare(arguments, python, case):
    with case_folder() as folder:
        line = ours(arguments, "bench_methods", case, folder)
        line["ulps"] = {}
        for name in CASES[case]:
            found = peer(arguments, python, PEER, name, case, folder)
            if found is not None:
                seconds = statistics.median(found["seconds"])
                line["peers"][name] = round(seconds, 3)
                line["ratio"][name] = round(seconds / line["value"], 3)
                line["ulps"][name] = found["ulps"]
    print(json.dumps(line), flush=True)
    return line["ok"]


def main():
    arguments = read_arguments(CASES)
    if arguments.quick:
        return subprocess.run([pathlib.Path(arguments.bin) / "bench/bench_methods", "--quick"]).returncode
    python = peers_python(["numpy", "duckdb", "polars", "pyarrow"])
    results = [compare(arguments, python, case) for case in arguments.case or CASES]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
