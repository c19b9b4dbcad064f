# SPDX-License-Identifier: Apache-2.0
"""./dev bench sources: rows that are in no file of text. A JSON line for each case; seconds are the best of three.

    parts     one round of all rows by 1, 2 and 4 workers at a time, and what merging their parts takes
    merge     1,000 parts to one
    parquet   mean over a folder of Parquet files, beside DuckDB's
    stream    the values of a DuckDB table, into the engine
    sums      mean and var of a column, by DuckDB's sums of integers (sotto local), beside its own avg and var_samp
              of doubles: of integers, decimals and doubles (of which many are read), these also as judged

DuckDB's driver comes by ./dev setup more; without it the last three cases are left out, and said so. --rows sets how
many rows there are."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "support"))

from drivers import DuckDB, find

PARTS_LEN = 1000
QUERY = ["--by", "dept in ('a', 'b')", "--", "m=mean(pay)", "v=var(pay)", "q=median(age)"]


def best(call):
    took = []
    for _ in range(3):
        begin = time.perf_counter()
        call()
        took.append(time.perf_counter() - begin)
    return round(min(took), 3)


class Bench:
    def __init__(self, program, folder, rows):
        self.program, self.folder, self.rows = program, folder, rows

    def sotto(self, *arguments, threads=None):
        environment = dict(os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {}))
        environment.setdefault("SOTTO_ADBC_DUCKDB", find("SOTTO_ADBC_DUCKDB") or "")
        return subprocess.run([self.program, *arguments], cwd=self.folder, env=environment, check=True,
                              capture_output=True, text=True).stdout

    def tell(self, case, value, unit="s", **more):
        print(json.dumps({"bench": "sources", "case": case, "value": value, "unit": unit, **more}), flush=True)

    def write(self, name, first, len_):
        lines = ["dept,pay,age\n"] + [f"{'ab'[i % 2]},{i * 7919 % 100003 / 8},{i % 89}\n"
                                      for i in range(first, first + len_)]
        (self.folder / name).write_text("".join(lines))

    def plan(self):
        (self.folder / "plan.json").write_text(self.sotto("run", "--dry-run", "--data", "x=all.csv", *QUERY))

    def advance(self, *parts):
        self.sotto("merge", "--out", "all.slots", *parts)
        self.sotto("advance", "--plan", "plan.json", "--out", "round.json", "all.slots")

    def partial(self, i, of, *more):
        self.sotto("partial", "--plan", "plan.json", "--part", f"{i}/{of}", "--out", f"{i}.slots", *more, f"part-{i}.csv",
                   threads=1)

    def bench_parts(self):
        for workers in (1, 2, 4):
            for i in range(workers):
                self.write(f"part-{i + 1}.csv", i * self.rows // workers, self.rows // workers)
            names = [f"{i + 1}.slots" for i in range(workers)]

            def work(*more, workers=workers):
                with concurrent.futures.ThreadPoolExecutor(workers) as pool:
                    list(pool.map(lambda i: self.partial(i + 1, workers, *more), range(workers)))

            work()
            self.advance(*names)
            took = best(lambda work=work: work("--round", "round.json"))
            merged = best(lambda names=names: self.sotto("merge", "--out", "all.slots", *names))
            self.tell(f"parts_{workers}", took, rows=self.rows, merge_s=merged)

    def bench_merge(self):
        few = 50
        names = []
        for i in range(PARTS_LEN):
            self.write(f"part-{i + 1}.csv", i * few, few)
            self.partial(i + 1, PARTS_LEN)
            names.append(f"{i + 1}.slots")
        self.advance(*names)
        for i in range(PARTS_LEN):
            self.partial(i + 1, PARTS_LEN, "--round", "round.json")
        took = best(lambda: self.sotto("merge", "--out", "all.slots", *names))
        size = (self.folder / "1.slots").stat().st_size
        self.tell("merge", took, parts=PARTS_LEN, bytes_of_one=size)

    def bench_parquet(self):
        (self.folder / "wages").mkdir()
        database = DuckDB()
        for i in range(4):
            database.run(f"COPY (SELECT (range * 7919 % 100003)::DOUBLE / 8 AS pay, range % 89 AS age FROM range({self.rows // 4})) "
                         f"TO '{self.folder}/wages/{i}.parquet'")
        theirs = best(lambda: database.run(f"SELECT avg(pay) FROM '{self.folder}/wages/*.parquet'"))
        ours = best(lambda: self.sotto("local", "--data", "x=wages/*.parquet", "--", "mean(pay)"))
        database.close()
        self.tell("parquet", ours, rows=self.rows, peers={"duckdb": theirs}, ratio={"duckdb": round(theirs / ours, 3)})

    def bench_stream(self):
        database = DuckDB(self.folder / "pay.duckdb")
        database.run(f"CREATE TABLE pay AS SELECT range AS a, range * 3 AS b, range::DOUBLE AS c, range / 8 AS d "
                     f"FROM range({self.rows})")
        database.close()
        took = best(lambda: self.sotto("local", "--data", "x=duckdb:pay.duckdb#pay", "--",
                                       *(f"{name}=sum({name})" for name in "abcd")))
        self.tell("stream", round(self.rows * 32 / took / 1e6, 1), "MB/s", rows=self.rows, seconds=took)

    def bench_sums(self):
        database = DuckDB(self.folder / "sums.duckdb")
        database.run(f"CREATE TABLE t AS SELECT (range * 7919 % 100003)::BIGINT AS i, "
                     f"(range * 7919 % 10000019 / 100)::DECIMAL(12, 2) AS d, "
                     f"(range * 7919 % 100003)::DOUBLE / 7 AS f FROM range({self.rows})")
        for case, column, more, limit in (("sums_int", "i", [], 1), ("sums_decimal", "d", [], 1), ("sums_double", "f", [], 4),
                                          ("sums_double_evidence", "f", ["--policy", "open"], 6)):
            database = database or DuckDB(self.folder / "sums.duckdb")
            theirs = best(lambda column=column, database=database: database.run(f"SELECT avg({column}), var_samp({column}) FROM t"))
            database.close()
            database = None
            asked = ["local", "--data", "t=duckdb:sums.duckdb#t", *more, "--", f"mean({column})", f"var({column})"]
            ours = best(lambda asked=asked: self.sotto(*asked))
            self.tell(case, ours, rows=self.rows, peers={"duckdb": theirs}, ratio={"duckdb": round(theirs / ours, 3)},
                      ok=ours <= limit * theirs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--case", action="append", choices=["parts", "merge", "parquet", "stream", "sums"])
    arguments = parser.parse_args()
    program = pathlib.Path(arguments.bin).resolve() / "node" / "sotto"
    for case in arguments.case or ["parts", "merge", "parquet", "stream", "sums"]:
        if case in ("parquet", "stream", "sums") and find("SOTTO_ADBC_DUCKDB") is None:
            print(f"*** DuckDB's driver is not there: {case} IS LEFT OUT (./dev setup more) ***", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows = arguments.rows or (20_000 if arguments.quick else 4_000_000)
            bench = Bench(program, pathlib.Path(folder), rows)
            bench.write("all.csv", 0, 10)
            bench.plan()
            getattr(bench, f"bench_{case}")()


if __name__ == "__main__":
    main()
