#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench methods [--quick] [--threads N] [--case NAME]: statistics with rounds of their own, of values in memory,
against NumPy, DuckDB and polars.

JSON lines on standard output, everything else on standard error. bench_methods runs all rounds of a plan of three
parties in one process, with the keys, shares and masks of their secure sums, over 2^25 values, and writes the values into files; then each peer answers the same question on the same values, with as many
threads. `describe_20` is of a CSV file of 20 columns and 411 MB, read, typed and described by `sotto local`, exactly,
which never saw it before; pandas reads and describes it, DuckDB has SUMMARIZE, whose quartiles are approximate.
`round_bytes` is the largest vector that a party would mask and send, `ratio` a peer's time over ours.
`logistic_10_iteration` is a step of a logistic regression on ten columns and 10,000,000 rows, with exact sums, against
NumPy's inexact (X * w[:, None]).T @ X alone; `passes` is what is left of it without the exponentials, in readings of all
columns at the speed of memory. `logistic_10` is the whole fit, against statsmodels and scikit-learn (lbfgs) run until
their coefficients are as near to ours as `off` says. `logistic_csv` is the first iteration on a file, the only one that
reads it (`read_later_mb`).
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from peers import case_folder, ours, peer, peers_python, read_arguments

CASES = {"median_float64": ["numpy", "duckdb", "polars"], "median_int64": ["numpy", "duckdb", "polars"],
         "median_decimal": ["numpy", "duckdb", "polars"], "median_20": ["numpy", "duckdb", "polars"],
         "median_by_1000": ["duckdb", "polars"]}
OF_MODELS = {"logistic_10": ["statsmodels", "scikit-learn"], "logistic_csv": []}
GOALS = {"numpy": 2, "statsmodels": 3, "scikit-learn": 1}
OF_FILES = {"describe_20": ["pandas", "duckdb"]}
COLUMNS, ROWS = 20, 3_300_000  # 411 MB

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


# Runs in the peers' Python: argv = file, columns, rows.
MAKE = r"""
import sys
import numpy as np, pyarrow as pa, pyarrow.csv
path, columns, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random = np.random.default_rng(1)
kinds = [lambda: random.integers(0, 100000, rows), lambda: np.round(random.normal(5000, 900, rows), 2),
         lambda: random.integers(-500, 500, rows), lambda: np.round(random.lognormal(3, 1, rows), 3)]
pa.csv.write_csv(pa.table({f"c{i}": kinds[i % 4]() for i in range(columns)}), path)
"""

# Runs in the peers' Python: argv = peer, file, threads. Prints seconds, and count, mean, std and quartiles by column.
DESCRIBE = r"""
import json, sys, time
peer, path, threads = sys.argv[1], sys.argv[2], sys.argv[3]
if peer == "pandas":
    import pandas
    run = lambda: pandas.read_csv(path).describe().drop(index=["min", "max"]).to_numpy().tolist()
else:
    import duckdb
    base = duckdb.connect()
    base.execute(f"SET threads={threads}")
    base.execute("SET enable_progress_bar=false")
    query = f"SELECT count, avg, std, q25, q50, q75 FROM (SUMMARIZE SELECT * FROM read_csv('{path}'))"
    run = lambda: [list(map(float, row)) for row in zip(*base.execute(query).fetchall())]
seconds = []
for _ in range(3):
    start = time.perf_counter()
    rows = run()
    seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": seconds, "rows": rows}))
"""


def describe(arguments, path):
    """Seconds of three runs of `sotto local`, and what the last one says."""
    columns = ", ".join(f"c{i}" for i in range(COLUMNS))
    command = [pathlib.Path(arguments.bin) / "node/sotto", "local", "--json", "--data", path, "--",
               f"d=describe([{columns}], exact=1)"]
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        out = subprocess.run(command, check=True, capture_output=True,
                             env=dict(os.environ, OMP_NUM_THREADS=str(arguments.threads)))
        seconds.append(time.perf_counter() - start)
    values = json.loads(out.stdout)["outputs"]["d"]["values"]
    return sorted(seconds), [[one["value"] for one in row] for row in values]


def furthest(found, wanted):
    """By how much one of these is off, relatively, at most."""
    return max(abs(one - other) / max(abs(other), 1e-300)
               for row, others in zip(found, wanted, strict=True) for one, other in zip(row, others, strict=True))


def compare_files(arguments, python, case):
    with case_folder() as folder:
        path = pathlib.Path(folder) / "rows.csv"
        subprocess.run([python, "-c", MAKE, path, str(COLUMNS), str(ROWS)], check=True)
        seconds, rows = describe(arguments, path)
        line = {"bench": "methods", "case": case, "value": round(seconds[1], 3), "unit": "s",
                "p10": round(seconds[0], 3), "p90": round(seconds[2], 3), "threads": arguments.threads,
                "rows": ROWS, "peers": {}, "ratio": {}, "off": {}, "ok": True}
        for name in OF_FILES[case]:
            found = peer(arguments, python, DESCRIBE, name, str(path))
            if found is not None:
                line["peers"][name] = round(statistics.median(found["seconds"]), 3)
                line["ratio"][name] = round(statistics.median(found["seconds"]) / line["value"], 3)
                line["off"][name] = furthest(found["rows"], rows)
        line["ok"] = line["off"].get("pandas", 0) < 1e-9
    print(json.dumps(line), flush=True)
    return line["ok"]


# Runs in the peers' Python: argv = peer, case, folder, threads. Prints seconds, and by how much coefficients are off.
MODEL = r"""
import json, pathlib, sys, time
import numpy as np
peer, case, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
x = np.column_stack([np.fromfile(folder / n, dtype=np.float64) for n in "abcdefghij"])
y = np.fromfile(folder / "k", dtype=np.int64)
answers = np.fromfile(folder / "answers")
off, runs = 0.0, 1
if peer == "numpy":
    p = 1 / (1 + np.exp(-(x @ answers[1:] + answers[0])))
    w, runs = p * (1 - p), 3
    run = lambda: (x * w[:, None]).T @ x
elif peer == "statsmodels":
    import statsmodels.api as sm
    run = lambda: sm.Logit(y, np.column_stack([np.ones(len(y)), x])).fit(disp=0, method="newton").params
else:
    from sklearn.linear_model import LogisticRegression
    def run():
        model = LogisticRegression(C=np.inf, solver="lbfgs", tol=1e-9, max_iter=1000).fit(x, y)
        return np.concatenate([model.intercept_, model.coef_[0]])
seconds = []
for _ in range(runs):
    start = time.perf_counter()
    found = run()
    seconds.append(time.perf_counter() - start)
if peer != "numpy":
    off = float(np.max(np.abs(found - answers) / np.max(np.abs(answers))))
print(json.dumps({"seconds": seconds, "off": off}))
"""


def add_peer(arguments, python, line, name, folder):
    """A peer's seconds, its ratio beside the goal, and how far off its coefficients are."""
    found = peer(arguments, python, MODEL, name, line["case"], folder)
    line.setdefault("goals", {}).setdefault("ratio", {})[name] = GOALS[name]
    if found is not None:
        line["peers"][name] = round(statistics.median(found["seconds"]), 3)
        line["ratio"][name] = round(line["peers"][name] / line["value"], 3)
        line.setdefault("off", {})[name] = found["off"]


def compare_models(arguments, python, case):
    """A line for what bench_logistic measured, and one for the whole fit where it was of a table."""
    with case_folder() as folder:
        line = ours(arguments, "bench_logistic", case, folder)
        lines = [line]
        if OF_MODELS[case]:
            whole = {key: line[key] for key in ("bench", "unit", "threads", "isa", "rows", "ok")}
            lines.append({**whole, "case": case, "value": line["fit_s"], "peers": {}, "ratio": {}})
            add_peer(arguments, python, line, "numpy", folder)
        for name in OF_MODELS[case]:
            add_peer(arguments, python, lines[-1], name, folder)
    for line in lines:
        print(json.dumps(line), flush=True)
    return line["ok"]


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
    everything = {**dict.fromkeys(CASES, compare), **dict.fromkeys(OF_FILES, compare_files),
                  **dict.fromkeys(OF_MODELS, compare_models)}
    arguments = read_arguments(everything)
    if arguments.quick:
        programs = [pathlib.Path(arguments.bin) / "bench" / name for name in ("bench_methods", "bench_logistic")]
        return max(subprocess.run([program, "--quick"]).returncode for program in programs)
    python = peers_python(["numpy", "duckdb", "polars", "pyarrow", "pandas", "statsmodels", "sklearn"])
    results = [everything[case](arguments, python, case) for case in arguments.case or everything]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
