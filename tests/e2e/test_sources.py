# SPDX-License-Identifier: Apache-2.0
"""Rows where they are: the same table as CSV, Parquet, DuckDB, SQLite and PostgreSQL gives the same
results, bit for bit, and what can't be read is said. Drivers come by ./dev setup more."""
import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

import skip  # noqa: E402
from drivers import PLACES, DuckDB, PostgreSQL, csv_table, find, is_nan, sql_table  # noqa: E402

SOTTO = os.environ["SOTTO_BINARY"]
NAMES = ["id", "d", "f", "g", "s", "code", "b", "day", "t", "z"]
TYPES = {  # by database; SQLite has texts and integers in place of the types that it lacks
    "duckdb": "bigint decimal(38,10) double double varchar varchar boolean date timestamp timestamptz",
    "postgresql": "bigint numeric(38,10) float8 float8 text text boolean date timestamp timestamptz",
    "sqlite": "integer text real real text text integer text text text",
}
LACKED = ["--type", "d=decimal(10)", "--type", "b=bool", "--type", "day=date", "--type", "t=datetime",
          "--type", "z=datetime(utc)"]
CSV = ["--na", "NULL", "--type", "id=int64", "--type", "f=float64", "--type", "g=float64", "--type", "s=string",
       "--type", "code=string", *LACKED]
ASKED = [
    "sum(id)", "mean(id)", "count(id)", "var(id)", "sum(f)", "mean(f)", "var(f)", "sum(f * f)", "sum(id * f)", "sum(g)",
    "mean(g)", "count(g)", "count(s)", "value_counts(code, \"007\", \"7\", \"1e3\")", "median(f)",
    "quantile(id, 0.25)", "corr(f, id)", "sum(id * (f < 0.5))", "mean(f + id)", "hist(f, -1, 0, 0.5, 1)",
    "value_counts(s, \"\", \"007\", \"7\", \"a \", \"a\", \"\u00e9\", \"e\u0301\", \"\u6f22\", \"'\")",
    "s=sum(x.*)", "sum(d)", "mean(d)", "var(d)", "sum(d * id)", "count(b)", "mean(b)", "sum(b * d)", "count(day)", "mean(year(day))",
    "sum((day > \"2000-01-01\") * d)", "mean(hour(t))", "mean(hour(z))", "count(t)", "count(z)",
]


def make_rows(seed, len_):
    """Rows as Python has them; None is missing."""
    draw = random.Random(seed)
    rows = []
    for i in range(len_):
        row = [
            draw.choice([2**63 - 1, -2**63 + 1, 0, draw.randrange(-10**6, 10**6)]),
            draw.choice(["12.5000000000", "-0.0000000001", "123456789.0123456789", f"{i}.0000000000"]),
            draw.choice([-0.0, 5e-324, 1e308, -1e308, 0.1, draw.random(), float("nan")]),
            draw.choice([float("inf"), 1.0, float("nan")]),
            draw.choice(["", "007", "7", "a ", "a", "\u00e9", "e\u0301", "\u6f22", "'", "x\"y"]),
            draw.choice(["007", "7", "1e3"]),
            draw.choice([True, False]),
            f"{draw.randrange(1900, 2100)}-02-28",
            f"{draw.randrange(1900, 2100)}-02-28 23:59:{draw.randrange(60):02}.{draw.randrange(10**6):06}",
            f"{draw.randrange(1900, 2100)}-02-28 01:30:00.000001+00:00",
        ]
        rows.append([None if draw.random() < 0.15 else value for value in row])
    return rows


def sotto(*arguments, env=()):
    known = {name: find(name) for name in PLACES if find(name)}
    return subprocess.run([SOTTO, *arguments], capture_output=True, text=True, timeout=120,
                          env={**known, **dict(env)})


def ask(place, plan, *options):
    """Returns: the values of a plan's outputs, as JSON has them."""
    done = sotto("local", "--json", "--data", f"x={place}", *options, "--", *plan)
    if done.returncode != 0:
        raise AssertionError(f"{place} {plan}: {done.stderr}")
    return json.loads(done.stdout)["outputs"]


def strip_exact(value):
    """Of a CSV file doubles have no exact text: it writes others than it has."""
    if isinstance(value, dict):
        return {key: strip_exact(item) for key, item in value.items() if key != "exact"}
    return [strip_exact(item) for item in value] if isinstance(value, list) else value


class Sources(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.folder.chmod(0o755)
        cls.tables = {"wages": make_rows(1, 500), "few": make_rows(2, 7), "empty": []}
        cls.postgresql = None
        cls.missing = [name for name in PLACES if find(name) is None]
        for table, rows in cls.tables.items():
            (cls.folder / f"{table}.csv").write_text(csv_table(NAMES, rows))
        if "SOTTO_ADBC_DUCKDB" not in cls.missing:
            cls.fill_duckdb()
        if "SOTTO_ADBC_SQLITE" not in cls.missing:
            cls.fill_sqlite()
        (cls.folder / "pg").mkdir()
        server = PostgreSQL(cls.folder / "pg")
        if server.bin is None:
            cls.missing.append("PostgreSQL's server")
        elif "SOTTO_ADBC_POSTGRESQL" not in cls.missing:
            cls.addClassCleanup(server.stop)
            server.start()
            for table, rows in cls.tables.items():
                server.run(sql_table(table, dict(zip(NAMES, TYPES["postgresql"].split(), strict=True)), rows))
            cls.postgresql = server

    @classmethod
    def fill_duckdb(cls):
        duckdb = DuckDB(cls.folder / "x.duckdb")
        duckdb.run("SET TimeZone = 'Asia/Tokyo'")
        (cls.folder / "parts").mkdir()
        for table, rows in cls.tables.items():
            duckdb.run(sql_table(table, dict(zip(NAMES, TYPES["duckdb"].split(), strict=True)), rows))
            duckdb.run(f"COPY {table} TO '{cls.folder}/{table}.parquet'")
        for part in range(3):
            duckdb.run(f"COPY (SELECT * FROM wages WHERE rowid % 3 = {part}) TO '{cls.folder}/parts/{part}.parquet'")
        duckdb.run("CREATE TABLE odd AS SELECT [1, 2] AS list, {'a': 1} AS object, 'x'::blob AS bytes, "
                   "1::ubigint AS big, time '10:00' AS clock, 'a'::enum('a', 'b') AS word, 7::hugeint AS huge, "
                   "1.5::decimal(38,20) AS \"long\", 2 AS \"we\"\"ird; --\"")
        duckdb.close()

    @classmethod
    def fill_sqlite(cls):
        sqlite = sqlite3.connect(cls.folder / "x.sqlite")
        kinds = TYPES["sqlite"].split()
        for table, rows in cls.tables.items():
            sqlite.execute(f'CREATE TABLE "{table}" ({", ".join(map(" ".join, zip(NAMES, kinds, strict=True)))})')
            sqlite.executemany(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(NAMES))})', rows)
        sqlite.commit()
        sqlite.close()

    def places(self, table):
        """Returns: where a table is, beside CSV."""
        out = []
        if "SOTTO_ADBC_DUCKDB" not in self.missing:
            out += [self.folder / f"{table}.parquet", f"duckdb:{self.folder}/x.duckdb#main.{table}"]
            out += [self.folder / "parts/*.parquet"] if table == "wages" else []
        if "SOTTO_ADBC_SQLITE" not in self.missing:
            out.append(f"sqlite:{self.folder}/x.sqlite#{table}")
        if self.postgresql is not None:
            out.append(self.postgresql.uri(f"public.{table}"))
        return out

    def check_same(self, table, plan, *options):
        first = None
        expected = ask(self.folder / f"{table}.csv", plan, *CSV, *options)
        for place in self.places(table):
            types = LACKED if str(place).startswith("sqlite:") else []
            with self.subTest(place=str(place)):
                found = ask(place, plan, *types, *options)
                first = first or found
                for name, value in found.items():
                    self.assertEqual(repr(strip_exact(value)), repr(strip_exact(expected[name])), name)
                    self.assertEqual(repr(value), repr(first[name]), name)

    def need(self, *names):
        if any(name in self.missing for name in names):
            self.skipTest("no driver")

    def test_the_same_bits_everywhere(self):
        self.check_same("wages", ASKED)

    def test_conditions_and_groups(self):
        self.check_same("wages", ["mean(f)", "count(id)"], "--where", 's != "a " and f < 2',
                        "--by", 's in ("\u00e9", "e\u0301", other)')

    def test_empty_tables(self):
        self.check_same("empty", ["count(id)", "sum(id)", "mean(f)", "count(s)", "sum(d)", "count(day)"])

    def test_types_that_there_are_not(self):
        self.need("SOTTO_ADBC_DUCKDB")
        place = f"duckdb:{self.folder}/x.duckdb#odd"
        for column, what in (("list", "lists"), ("object", "objects"), ("bytes", "bytes"),
                             ("big", "unsigned integers of 64 bits"), ("clock", "times of day"),
                             ("long", "decimals of more than 18 digits")):
            self.assertIn(f'column "{column}": its values are {what}',
                          sotto("local", "--data", f"x={place}", "--", f"count({column})").stderr)
        found = ask(place, ["value_counts(word, \"a\", \"b\")", "sum(huge)"])
        self.assertEqual(found["sum(huge)"]["value"], 7)
        self.assertIn("did you mean", sotto("local", "--data", f"x={place}", "--", "sum(hug)").stderr)

    def test_describe(self):
        self.need("SOTTO_ADBC_DUCKDB")
        place = f"duckdb:{self.folder}/x.duckdb#odd"
        lines = sotto("describe", place).stdout.splitlines()
        self.assertEqual(lines[0], "1 row")
        self.assertIn("list        lists, which can't be read", lines)
        self.assertIn("huge        decimal(0)                        0", lines)
        found = json.loads(sotto("describe", "--json", f"{self.folder}/wages.parquet").stdout)
        missing = [sum(row[i] is None or is_nan(row[i]) for row in self.tables["wages"]) for i in range(len(NAMES))]
        self.assertEqual([column["missing"] for column in found["columns"]], missing)
        self.assertEqual([column["type"] for column in found["columns"]],
                         ["int64", "decimal", "float64", "float64", "string", "string", "bool", "date", "datetime",
                          "datetime(utc)"])
        self.assertEqual((found["rows"], found["columns"][1]["scale"]), (500, 10))
        found = json.loads(sotto("describe", "--json", place).stdout)
        self.assertIn({"name": "list", "unreadable": "lists"}, found["columns"])

    def test_rules_refuse_the_same(self):
        """What a policy says of rows does not depend on where they are."""
        codes = []
        for table, plan in (("wages", "count(id)"), ("few", "count(id)"), ("empty", "count(id)"), ("wages", "mean(f)"),
                            ("wages", 'value_counts(code, "007", "none")')):
            arguments = ["--policy", "safe", "--json", "--", plan]
            expected = sotto("local", "--data", f"x={self.folder}/{table}.csv", *CSV, *arguments)
            codes.append(expected.returncode)
            for place in self.places(table):
                with self.subTest(place=str(place), plan=plan):
                    found = sotto("local", "--data", f"x={place}", *arguments)
                    self.assertEqual((found.returncode, found.stderr), (expected.returncode, expected.stderr))
                    if found.returncode == 0:
                        self.assertEqual(strip_exact(json.loads(found.stdout)["outputs"]),
                                         strip_exact(json.loads(expected.stdout)["outputs"]))
                    else:
                        self.assertEqual(found.stdout, expected.stdout)
        self.assertEqual(codes[:4], [0, 1, 1, 1])  # the last: two rows make most of the sum

    def test_each_party_where_its_rows_are(self):
        """The real protocol in one process between a file and all databases, over several rounds."""
        plan = ["--json", "--", "median(id)", "mean(f)", "corr(f, id)"]
        files = [self.folder / "wages.csv", *self.places("wages")]
        if len(files) < 3:
            self.skipTest("no driver, and a task has three parties")
        typed = self.folder / "typed.csv"
        typed.write_text("id,f\n" + "".join(
            f"{row[0] if row[0] is not None else ''},{'' if row[2] is None or is_nan(row[2]) else repr(row[2])}\n"
            for row in self.tables["wages"]))
        expected = sotto("simulate", *[str(typed)] * len(files), *plan)
        found = sotto("simulate", str(typed), *map(str, self.places("wages")), *plan)
        self.assertEqual((expected.returncode, found.returncode), (0, 0), expected.stderr + found.stderr)
        self.assertEqual(strip_exact(json.loads(found.stdout)["outputs"]),
                         strip_exact(json.loads(expected.stdout)["outputs"]))
        done = sotto("simulate", str(typed), str(typed), f"sqlite:{self.folder}/absent#wages", "--", "mean(f)")
        self.assertEqual((done.returncode, "party 3: " in done.stderr), (1, True), done.stderr)

    def test_what_is_wrong_is_said(self):
        self.need("SOTTO_ADBC_DUCKDB", "SOTTO_ADBC_SQLITE")
        (self.folder / "no.sqlite").write_text("this is no database, but long enough for its header" * 20)
        for place, text in ((f"sqlite:{self.folder}/no.sqlite#t", "not a database"),
                            (f"sqlite:{self.folder}/x.sqlite#nope", "no such table"),
                            (f"sqlite:{self.folder}/x.sqlite", "expected sqlite:FILE#TABLE"),
                            (f"sqlite:{self.folder}/absent#t", "no such file"),
                            (f"duckdb:{self.folder}/x.duckdb#\"nope", "expected a name"),
                            (f"duckdb:{self.folder}/x.sqlite#t", "x"),
                            ("postgresql://u:p@ss@h/d#t", "%40"),
                            (f"{self.folder}/*.none.parquet", "No files found")):
            done = sotto("local", "--data", f"x={place}", "--", "count(id)")
            self.assertEqual(done.returncode, 1, place)
            self.assertIn(text, done.stderr)
            self.assertNotIn("p@ss", done.stderr)
        done = sotto("local", f"{self.folder}/wages.parquet", "--", "count(id)", env={"SOTTO_ADBC_DUCKDB": "/none"})
        self.assertIn("--driver or SOTTO_ADBC_DUCKDB", done.stderr)
        self.assertIn("npm pack @duckdb/node-bindings-linux-x64", done.stderr)
        done = sotto("local", f"{self.folder}/wages.parquet", "--na", "x", "--", "count(id)")
        self.assertIn("--na is for files of text", done.stderr)

    def test_types_that_do_not_fit_are_refused(self):
        self.need("SOTTO_ADBC_SQLITE")
        for stated, text in (("day=int64", 'column "day": expected int64 as configured, found "'),
                             ("id=bool", 'column "id": expected bool as configured, found "'),
                             ("b=bool(1/2)", 'column "b": expected "1" or "2" as configured, found "0"'),
                             ("day=date(%d.%m.%Y)", 'column "day": expected date as configured, found "'),
                             ("d=decimal(9)", 'column "d": expected decimal(9) as configured, found "'),
                             ("f=bool", 'column "f": expected bool as configured, found float64: cast it in a view'),
                             ("id=string", "expected string as configured, found int64: cast it in a view"),
                             ("day=dat", '"day=dat": expected COLUMN=TYPE'),
                             ("nope=date", 'there is no column "nope", whose type is configured')):
            with self.subTest(stated):
                column = stated.partition("=")[0].replace("nope", "id")
                done = sotto("local", f"x=sqlite:{self.folder}/x.sqlite#wages", "--type", stated, "--", f"count({column})")
                self.assertEqual((done.returncode, text in done.stderr), (1, True), done.stderr)

    def test_columns_that_begin_empty(self):
        """SQLite's driver takes types from the rows that come first, which need not be the first thousand."""
        self.need("SOTTO_ADBC_SQLITE")
        place = f"sqlite:{self.folder}/empty.sqlite#t"
        database = sqlite3.connect(self.folder / "empty.sqlite")
        database.execute("CREATE TABLE t (f real, s text)")
        database.executemany("INSERT INTO t VALUES (?, ?)", [(None, None)] * 3000 + [(0.5, "a"), (-2.25, "b")])
        database.commit()
        database.close()
        self.assertIn("float64", sotto("describe", place).stdout)
        found = json.loads(sotto("simulate", "--json", place, place, place, "--", "s=sum(f)", "n=count(s)").stdout)["outputs"]
        self.assertEqual((found["s"]["value"], found["n"]["value"]), (-5.25, 6))
        database = sqlite3.connect(self.folder / "empty.sqlite")
        database.execute("CREATE TABLE longer (f real)")
        database.executemany("INSERT INTO longer VALUES (?)", [(None,)] * 65536 + [(0.5,), (-2.25,)])
        database.execute("CREATE VIEW sorted AS SELECT * FROM longer ORDER BY f IS NULL")
        database.commit()
        database.close()
        done = sotto("local", "--data", f"x=sqlite:{self.folder}/empty.sqlite#longer", "--", "median(f)")
        self.assertEqual((done.returncode, 'column "f": its values were float64, and come as int64' in done.stderr), (1, True),
                         done.stderr)
        done = sotto("simulate", *[f"sqlite:{self.folder}/empty.sqlite#longer"] * 3, "--", "median(f)")
        self.assertEqual((done.returncode, "Type mismatch" in done.stderr), (1, True), done.stderr)
        self.assertEqual(ask(f"sqlite:{self.folder}/empty.sqlite#sorted", ["m=median(f)"])["m"]["value"], -0.875)

    def test_a_server_that_lets_nobody_in(self):
        self.need("SOTTO_ADBC_POSTGRESQL", "PostgreSQL's server")
        server = self.postgresql
        rules = server.folder / "data" / "pg_hba.conf"
        rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
        server.run("CREATE ROLE locked LOGIN PASSWORD 'the-right-one'; GRANT SELECT ON few TO locked; SELECT pg_reload_conf()")
        uri = f"postgresql://locked:{{}}@/postgres?host={server.folder}#few"
        self.assertEqual(ask(uri.format("the-right-one"), ["count(id)"])["count(id)"]["value"], 7)
        done = sotto("local", "--data", f"x={uri.format('another-one')}", "--", "count(id)")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn('password authentication failed for user "locked"', done.stderr)
        self.assertNotIn("another-one", done.stderr)

    def test_a_connection_that_is_lost(self):
        """Rows that came before count for nothing."""
        self.need("SOTTO_ADBC_POSTGRESQL", "PostgreSQL's server")
        server = self.postgresql
        server.run("CREATE VIEW slow AS SELECT id, pg_sleep(id * 0.02) IS NULL AS slept FROM generate_series(1, 999) AS id")
        busy = "FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%slow%' AND pid <> pg_backend_pid()"
        is_over = threading.Event()

        def cut():
            while not is_over.wait(0.05):
                server.run(f"SELECT pg_terminate_backend(pid) {busy} AND query_start < clock_timestamp() - interval '1 s'")

        thread = threading.Thread(target=cut)
        thread.start()
        try:
            done = sotto("local", "--data", f"x={server.uri('slow')}", "--", "sum(id)", "count(slept)")
        finally:
            is_over.set()
            thread.join()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("x: reading rows: ", done.stderr)
        self.assertIn("terminating connection", done.stderr)

    def test_postgresql(self):
        self.need("SOTTO_ADBC_POSTGRESQL", "PostgreSQL's server")
        server = self.postgresql
        server.run('CREATE TABLE "Odd.x" AS SELECT 12.50::money AS pay, \'{"a":1}\'::jsonb AS j, \'NaN\'::numeric AS n, '
                   "ARRAY[1] AS list, interval '1 day' AS span, 'x'::char(3) AS c, 1.5::numeric AS v; "
                   'INSERT INTO "Odd.x" SELECT pay, j, 0.000000000000000001, list, span, c, -12.25 FROM "Odd.x"; '
                   "CREATE VIEW infinite AS SELECT 'Infinity'::numeric AS x; "
                   "CREATE FUNCTION wicked() RETURNS int LANGUAGE sql AS 'DELETE FROM \"Odd.x\"; SELECT 1'; "
                   "CREATE VIEW trap AS SELECT wicked() AS x")
        place = server.uri('"Odd.x"')
        found = ask(place, ["sum(v)", "sum(n)", "count(n)", "count(c)"])
        self.assertEqual(found["sum(v)"]["exact"], "-10.75")
        self.assertEqual((found["sum(n)"]["exact"], found["count(n)"]["value"]), ("0.000000000000000001", 1))
        self.assertIn("cannot cast type money", sotto("local", "--data", f"x={place}", "--", "sum(pay)").stderr)
        for column, what in (("list", "lists"), ("span", "intervals")):
            self.assertIn(f'column "{column}": its values are {what}',
                          sotto("local", "--data", f"x={place}", "--", f"count({column})").stderr)
        self.assertIn("found infinity", sotto("local", "--data", f"x={server.uri('infinite')}", "--", "sum(x)").stderr)
        self.assertIn("read-only transaction",
                      sotto("local", "--data", f"x={server.uri('trap')}", "--", "sum(x)").stderr)
        self.assertEqual(server.run('SELECT count(*) FROM "Odd.x"').strip(), "2")
        self.assertIn("does not exist", sotto("local", "--data", f"x={server.uri('odd')}", "--", "sum(x)").stderr)
        self.assertIn("nowhere", sotto("local", "--data", "x=postgresql:///d?host=/nowhere#t", "--", "sum(x)").stderr)


if __name__ == "__main__":
    program = unittest.main(exit=False)
    if not program.result.wasSuccessful():
        sys.exit(1)
    if Sources.missing:
        skip.skip("e2e/sources", "not there: " + ", ".join(Sources.missing))
