#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench stats [--quick] [--threads N] [--case NAME]: exact statistics of values in memory, against NumPy,
DuckDB and polars.

JSON lines on standard output, everything else on standard error. bench_stats computes each case and a plain SIMD sum
(what memory allows) and writes the values into files; then each peer answers the same question on the same values, with
as many threads. `ulps` counts the units in the last place by which a peer's answers are off, at worst: ours are the
doubles nearest to the exact ones.
"""
import json
import pathlib
import statistics
import subprocess
import sys

from peers import case_folder, ours, peer, peers_python, read_arguments

PEERS = {
    "sum_float64": ["numpy", "duckdb", "polars"], "sum_float64_wide": ["numpy", "duckdb", "polars"],
    "var_float64": ["numpy", "duckdb", "polars"], "var_float64_wide": ["numpy", "duckdb", "polars"],
    "sum_int64": ["numpy", "duckdb", "polars"], "sum_decimal": [], "var_int64": ["numpy", "duckdb", "polars"],
    "expr_int64": ["numpy", "duckdb", "polars"], "expr_fma": ["numpy", "duckdb", "polars"],
    "groupby_4": ["duckdb", "polars"], "groupby_1000": ["duckdb", "polars"], "hist_256": ["numpy", "polars"],
    "xtx_20": ["numpy"],
}

# Runs in the peers' Python: argv = peer, case, folder, runs, threads. Prints seconds and how far off the answers are.
PEER = r"""
import json, pathlib, sys, time
import numpy as np
peer, case, folder, runs, threads = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
is_int = "int64" in case
names = sorted(f.name for f in folder.iterdir() if len(f.name) == 1)
columns = {n: np.fromfile(folder / n, dtype=np.int64 if is_int or ("groupby" in case and n == "b") else np.float64)
           for n in names}
answers = np.fromfile(folder / "answers")
if peer == "numpy":
    a = columns["a"]
    b, c = columns.get("b"), columns.get("c")
    if case == "xtx_20":
        x = np.stack([columns[n] for n in names], axis=1)
        pairs = np.triu_indices(len(names))
    run = {"sum": lambda: a.sum(), "var": lambda: a.var(ddof=1), "expr_int64": lambda: (a * a + a).sum(),
           "expr_fma": lambda: (a * b + c).sum(), "xtx": lambda: (x.T @ x)[pairs],
           "hist": lambda: np.histogram(a, 256, (-4, 4))[0]}
    run = run[case if case in run else case.split("_")[0]]
elif peer == "duckdb":
    import duckdb, pyarrow
    base = duckdb.connect()
    base.execute(f"SET threads={threads}")
    memory = pyarrow.table(columns)
    base.execute("CREATE TABLE t AS SELECT * FROM memory")
    query = {"sum": "SELECT sum(a) FROM t", "var": "SELECT var_samp(a) FROM t",
             "expr_int64": "SELECT sum(a::HUGEINT * a + a) FROM t", "expr_fma": "SELECT sum(a * b + c) FROM t",
             "groupby": "SELECT sum(a) FROM t GROUP BY b ORDER BY b"}
    query = query[case if case in query else case.split("_")[0]]
    run = lambda: np.array([float(row[0]) for row in base.execute(query).fetchall()])
else:
    import polars as pl
    frame = pl.DataFrame(columns).lazy()
    a = pl.col("a")
    edges = list(np.linspace(-4, 4, 257))
    query = {"sum": frame.select(a.sum()), "var": frame.select(a.var()), "expr_int64": frame.select((a * a + a).sum()),
             "expr_fma": frame.select((a * pl.col("b") + pl.col("c")).sum()) if "c" in columns else None,
             "hist": frame.select(a.hist(edges).cast(pl.Float64)),
             "groupby": frame.group_by("b").agg(a.sum()).sort("b").select("a") if "b" in columns else None}
    query = query[case if case in query else case.split("_")[0]]
    run = lambda: query.collect().to_series().to_numpy()
found = np.atleast_1d(run()).astype(float)
seconds = []
for _ in range(runs):
    start = time.perf_counter()
    run()
    seconds.append(time.perf_counter() - start)
off = np.abs(found - answers) / np.spacing(np.abs(answers))
print(json.dumps({"seconds": seconds, "ulps": float(off.max())}))
"""


def compare(arguments, python, case):
    with case_folder() as folder:
        line = ours(arguments, "bench_stats", case, folder)
        values = sum(f.stat().st_size for f in pathlib.Path(folder).iterdir() if len(f.name) == 1)
        line["ulps"] = {}
        for name in PEERS[case]:
            found = peer(arguments, python, PEER, name, case, folder, "5")
            if found is not None:
                speed = values / statistics.median(found["seconds"]) / 1e9
                line["peers"][name] = round(speed, 3)
                line["ratio"][name] = round(line["value"] / speed, 3)
                line["ulps"][name] = found["ulps"]
    print(json.dumps(line), flush=True)
    return line["ok"]


def main():
    arguments = read_arguments(PEERS)
    if arguments.quick:
        return subprocess.run([pathlib.Path(arguments.bin) / "bench/bench_stats", "--quick"]).returncode
    python = peers_python(["numpy", "duckdb", "polars", "pyarrow"])
    results = [compare(arguments, python, case) for case in arguments.case or PEERS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
