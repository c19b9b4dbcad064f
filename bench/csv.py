#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench csv [--quick] [--rows N] [--threads N]: reading CSV, against libcsv, DuckDB, polars and pandas.

JSON lines on standard output, everything else on standard error. All read the same file, from the page cache, with
the same number of threads (pandas' and libcsv's readers have one). Every answer is checked against the exact sums
that the generator printed.

`mean_*` and `load_all` are of a file that is catalogued, as a node's are after the first use; `catalogue` and
`cold_mean_int` (a mean of a file never seen, as `sotto local` finds it) stand beside them. duckdb finds the types itself;
`duckdb_typed` is told them, as our catalogued file is.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from fractions import Fraction

from peers import ROOT, peers_python, say

PEERS = ["duckdb", "polars", "pandas", "pyarrow"]
TYPES = "{'id':'BIGINT','name':'VARCHAR','age':'BIGINT','dept':'BIGINT','amount':'DOUBLE','score':'DOUBLE','level':'VARCHAR'}"


def make(binaries, rows):
    """The table, made once, and its exact sums."""
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"csv-{rows}.csv"
    facts = folder / f"csv-{rows}.json"
    if not facts.exists() or not isinstance(json.loads(facts.read_text())["cents"], list):
        say(f"making {path.relative_to(ROOT)} ...")
        out = subprocess.run([binaries / "bench/bench_csv_make", path, str(rows)], check=True, capture_output=True)
        facts.write_bytes(out.stdout)
    with open(path, "rb") as file:  # into the page cache
        while file.read(1 << 24):
            pass
    return path, json.loads(facts.read_text())


# Runs in the peers' Python: argv = peer, case, file, runs, threads. Prints seconds and the answer.
PEER = r"""
import json, sys, time, os
peer, case, path, runs, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
types = __TYPES__
column = "age" if case in ("mean_int", "cold_mean_int") else "amount"
def duckdb_run(typed):
    import duckdb
    base = duckdb.connect()
    base.execute(f"SET threads={threads}")
    base.execute("SET enable_progress_bar=false")
    extra = f", header=true, auto_detect=false, delim=',', quote='\"', columns={types}" if typed else ""
    read = f"read_csv('{path}'{extra})"
    def run():
        if case == "load_all":
            base.execute(f"CREATE OR REPLACE TABLE t AS SELECT * FROM {read}")
            return lambda: base.execute("SELECT sum(age) FROM t").fetchone()[0]
        moments = f"kurtosis({column}), skewness({column}), var_samp({column}), avg({column})"
        value = base.execute(f"SELECT {moments if case == 'moments4' else f'avg({column})'} FROM {read}").fetchone()[0]
        return lambda: value
    return run
def polars_run():
    import polars as pl
    def run():
        if case == "load_all":
            frame = pl.read_csv(path)
            return lambda: frame["age"].sum()
        c = pl.col(column)
        moments = [c.kurtosis(bias=False).alias("k"), c.skew(bias=False).alias("s"), c.var().alias("v"), c.mean()]
        value = pl.scan_csv(path).select(moments if case == "moments4" else [c.mean()]).collect().row(0)[0]
        return lambda: value
    return run
def pandas_run():
    import pandas as pd
    def run():
        if case == "load_all":
            frame = pd.read_csv(path)
            return lambda: int(frame["age"].sum())
        values = pd.read_csv(path, usecols=[column])[column]
        value = float(values.mean())
        if case == "moments4":
            value = [float(values.kurt()), float(values.skew()), float(values.var())][0]
        return lambda: value
    return run
def pyarrow_run():
    import pyarrow.csv, pyarrow.compute
    pyarrow.set_cpu_count(threads)
    def run():
        include = None if case == "load_all" else [column]
        options = pyarrow.csv.ConvertOptions(include_columns=include)
        table = pyarrow.csv.read_csv(path, convert_options=options)
        if case == "load_all":
            return lambda: pyarrow.compute.sum(table["age"]).as_py()
        value = pyarrow.compute.mean(table[column]).as_py()
        return lambda: value
    return run
run = {"duckdb": lambda: duckdb_run(False), "duckdb_typed": lambda: duckdb_run(True), "polars": polars_run,
       "pandas": pandas_run, "pyarrow": pyarrow_run}[peer]()
run()
seconds = []
for _ in range(runs):
    start = time.perf_counter()
    keep = run()
    seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": seconds, "answer": keep()}))
"""


def kurtosis(n, s1, s2, s3, s4):
    """pandas' unbiased excess kurtosis from sums of powers, exactly."""
    mean = s1 / n
    m2 = s2 - mean * s1
    m4 = s4 - 4 * mean * s3 + 6 * mean ** 2 * s2 - 3 * n * mean ** 4
    return (Fraction(n * (n + 1) * (n - 1)) * m4 / m2 ** 2 - 3 * (n - 1) ** 2) / ((n - 2) * (n - 3))


class Bench:
    def __init__(self, arguments):
        self.binaries = pathlib.Path(arguments.bin)
        self.threads = arguments.threads
        self.runs = 5 if arguments.quick else arguments.runs
        self.quick = arguments.quick
        self.only = arguments.case
        self.path, self.facts = make(self.binaries, arguments.rows)
        self.bytes = self.path.stat().st_size
        self.python = None if arguments.quick else peers_python(PEERS)
        self.failed = False

    def ours(self, case):
        environment = dict(os.environ, OMP_NUM_THREADS=str(self.threads))
        out = subprocess.run([self.binaries / "bench/bench_csv_run", case, self.path, str(self.runs)], check=True,
                             capture_output=True, env=environment)
        return json.loads(out.stdout)

    def peer(self, peer, case):
        runs = min(self.runs, 5)
        if self.python is None:
            return None
        environment = dict(os.environ, POLARS_MAX_THREADS=str(self.threads), OMP_NUM_THREADS=str(self.threads))
        out = subprocess.run([self.python, "-c", PEER.replace("__TYPES__", repr(TYPES)), peer, case, self.path, str(runs),
                              str(self.threads)], capture_output=True, env=environment)
        if out.returncode:
            say(f"*** {peer} IS SKIPPED in {case}: {out.stderr.decode().strip().splitlines()[-1]} ***")
            return None
        return json.loads(out.stdout)

    def expected(self, case):
        rows = self.facts["rows"]
        cents = [Fraction(int(total), 100 ** (i + 1)) for i, total in enumerate(self.facts["cents"])]
        if case == "mean_decimal":
            return cents[0] / rows
        if case == "moments4":
            return kurtosis(rows, *cents)
        if case in ("load_all", "libcsv_mean", "libcsv_load"):
            return Fraction(self.facts["age"])
        return Fraction(rows) if case == "catalogue" else Fraction(self.facts["age"], rows)

    def right(self, case, answer, exact):
        expected = self.expected(case)
        if exact:
            return Fraction(answer) == expected
        return abs(float(answer) - float(expected)) <= 1e-9 * abs(float(expected))

    def emit(self, line):
        self.failed = self.failed or not line["ok"]
        print(json.dumps(line), flush=True)

    def speed(self, case, peers, fields=None):
        """Our speed and the peers', interleaved in time so that other load hits all alike."""
        if self.only and case not in self.only:
            return
        ours = self.ours(case)
        ok = self.right(case, ours["answer"], True)
        rates = {}
        for peer in peers:
            if peer == "libcsv":
                plain = "libcsv_load" if case == "load_all" else "libcsv_mean"
                found = self.ours(plain)
                good = self.right(plain, found["answer"], True)
            else:
                found = self.peer(peer, case)
                good = found is None or self.right(case, found["answer"], False)
            if found is None:
                continue
            if not good:
                say(f"*** {peer} answers {found['answer']} in {case} ***")
                ok = False
            rates[peer] = self.bytes / statistics.median(found["seconds"]) / 1e9
        times = sorted(ours["seconds"] + self.ours(case)["seconds"])
        rate = [self.bytes / seconds / 1e9 for seconds in reversed(times)]
        value = statistics.median(rate)
        self.emit({"bench": "csv", "case": case, "value": round(value, 3), "unit": "GB/s",
                   "p10": round(rate[len(rate) // 10], 3), "p90": round(rate[-1 - len(rate) // 10], 3),
                   "threads": self.threads, "isa": ours["isa"], "bytes": self.bytes,
                   "peers": {peer: round(rate, 3) for peer, rate in rates.items()},
                   "ratio": {peer: round(value / rate, 2) for peer, rate in rates.items()}, "ok": ok})

    def flatness(self, sizes):
        """How much more a byte costs in the dearest file than in the cheapest, from 1 MB to 4 GB."""
        if self.only and "flat" not in self.only:
            return
        rates = {}
        ok = True
        isa = ""
        for rows in sizes:
            self.path, self.facts = make(self.binaries, rows)
            found = self.ours("mean_int")
            ok = ok and self.right("mean_int", found["answer"], True)
            isa = found["isa"]
            size = self.path.stat().st_size
            rates[f"{size / 1e6:.0f} MB"] = round(size / min(found["seconds"]) / 1e9, 3)
        self.emit({"bench": "csv", "case": "flat", "value": round(max(rates.values()) / min(rates.values()), 2),
                   "unit": "times", "threads": self.threads, "isa": isa, "gb_per_s": rates, "peers": {}, "ratio": {},
                   "ok": ok})

    def memory(self):
        """Anonymous memory of a streaming mean, catalogue included."""
        if self.only and "stream_rss" not in self.only:
            return
        found = self.ours("cold_mean_int")
        ok = self.right("mean_int", found["answer"], True)
        self.emit({"bench": "csv", "case": "stream_rss", "value": found["anon_mb"], "unit": "MB", "threads": self.threads,
                   "isa": found["isa"], "bytes": self.bytes, "peers": {}, "ratio": {}, "ok": ok})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--case", action="append")
    arguments = parser.parse_args()
    arguments.rows = arguments.rows or (20000 if arguments.quick else 8000000)
    bench = Bench(arguments)
    every = ["duckdb", "duckdb_typed", "polars", "pandas", "pyarrow", "libcsv"]
    bench.speed("mean_int", every)
    bench.speed("mean_decimal", ["duckdb", "duckdb_typed", "polars", "pandas", "pyarrow"])
    bench.speed("moments4", ["duckdb", "duckdb_typed", "polars", "pandas"])
    bench.speed("load_all", every)
    bench.speed("catalogue", [])
    bench.speed("cold_mean_int", ["duckdb", "polars", "pyarrow"])
    bench.memory()
    bench.flatness([20000, 320000] if arguments.quick else [20000, 320000, 8000000, 80000000])
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
