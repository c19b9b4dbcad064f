# SPDX-License-Identifier: Apache-2.0
"""Sums that databases make themselves: random plans give the same results, bit for bit, by the SQL of DuckDB,
PostgreSQL and SQLite, by reading the same rows of them, and of a file; the share of rounds that is pushed down is
printed. What a plan or a table calls things never becomes SQL. Drivers come by ./dev setup more."""

import itertools
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

import skip
from cases import cases
from drivers import PLACES, DuckDB, PostgreSQL, csv_table, find, sql_table, sql_value

SOTTO, MANY_PLANS = os.environ["SOTTO_BINARY"], os.environ["SOTTO_MANY_PLANS"]
PLANS = 1000  # of a dialect
NAMES = ["i", "big", "d", "f", "g", "b", "s"]
TYPES = {
    "duckdb": "integer bigint decimal(38,10) double real boolean varchar",
    "postgresql": "integer bigint numeric(38,10) float8 float4 boolean text",
    "sqlite": "integer integer integer real real integer text",
}
CSV = ["--na", "NULL", "--type", "i=int64", "--type", "big=int64", "--type", "f=float64", "--type", "g=float64",
       "--type", "s=string"]
TEXTS = ["", "a", "a ", "A", "b'; DROP TABLE t; --", "\\", "\\x61", "%", "\u00e9", "e\u0301", "\u6f22", "x\ty", '"']
ASCII = [text for text in TEXTS if text.isascii() and text.isprintable()]
SHARE = 0.6
ODD = 'q"; DROP TABLE odd; --'


def make_rows(seed, len_, kind):
    """Rows as Python has them. SQLite has neither booleans nor decimals."""
    draw = random.Random(seed)
    wide = seed % 2
    rows = []
    for _ in range(len_):
        f = draw.choice([-0.0, 0.1, 1e15 / 3, draw.random(), -draw.gauss(0, 1000), draw.choice([5e-324, 1e308, -1e-300])
                         if wide else 2.5, draw.choice([float("inf"), float("-inf"), float("nan")]) if wide else 1.0])
        row = [
            draw.randrange(-20, 20),
            draw.choice([2**63 - 1, -2**63 + 1, draw.randrange(-2**62, 2**62)]) if wide else draw.randrange(-9999, 9999),
            draw.randrange(-9999, 9999) if kind == "sqlite" else draw.choice(
                [f"{draw.randrange(-999, 999)}.2500000000", "-0.0000000001", "123456789.0123456789"]),
            None if f != f and kind == "sqlite" else f,
            draw.choice([0.5, -1.25, 3.0, 1024.0]),
            draw.choice([0, 1]) if kind == "sqlite" else draw.choice([True, False]),
            draw.choice(ASCII if kind == "sqlite" else TEXTS),
        ]
        rows.append([None if draw.random() < (0.15 if seed % 3 else 0) else value for value in row])
    return rows


def quote(text):
    """A text of an expression."""
    return '"' + text.replace('"', '""') + '"' if "'" in text else "'" + text + "'"


class Plans:
    """Random plans, of outputs that have one round and are mostly pushed down."""

    def __init__(self, seed, texts):
        self.draw = random.Random(seed)
        self.texts = [text for text in texts if text.isprintable() and '"' not in text and "\\" not in text]

    def condition(self):
        draw = self.draw
        simple = draw.choice([
            f"i {draw.choice(['<', '<=', '==', '!=', '>', '>='])} {draw.randrange(-21, 21)}", "b == 1",
            f"big > {draw.choice([0, 2**62, -2**63 + 1])}", f"f < {draw.choice(['0.1', '0', '-1e-300', '1e308'])}",
            f"d {draw.choice(['<', '>='])} {draw.choice(['0', '123456789.0123456789', '-0.0000000001', '1.5'])}",
            "isna(f)", "isna(s)", f"s == {quote(draw.choice(self.texts))}", f"s != {quote(draw.choice(self.texts))}",
            f"i in ({draw.randrange(-9, 9)}, 7)", "g == 0.5", "2 * i + 1 > 5"])
        return f"({simple}) {draw.choice(['and', 'or'])} ({self.condition()})" if draw.random() < 0.25 else simple

    def output(self):
        draw = self.draw
        value = draw.choice(["i", "big", "d", "f", "g", "b", "i + d", "2 * i - big", "-d", "fillna(i, 3)", "clip(d, -5, 100)",
                             "b * d", "i * b"])
        shape = draw.randrange(8)
        if shape == 0:
            return f"{draw.choice(['sum', 'mean', 'count'])}(if({self.condition()}, {value}, na))"
        if shape == 1:
            return f"sum(({self.condition()}) * {draw.choice(['i', 'd', 'big'])})"
        if shape == 2:
            return draw.choice(["hist(d, -10, 0, 2.5, 1000)", "hist(f, -1, 0, 0.1, 1, 1000)", "corr(f, g)", "cov(i, big)",
                                "hist(i, -20, -15, -10, -5, 0, 1, 2, 3, 4, 5, 10)", "count(s)",
                                f"value_counts(s, {', '.join(map(quote, dict.fromkeys(draw.choices(self.texts, k=3))))})"])
        if shape == 3:
            return draw.choice([f"median({value})", "sum((f * g))", "mean(f + i)", "mean(exp(g / 2000))"])
        return f"{draw.choice(['sum', 'mean', 'var', 'std', 'count'])}({value})"

    def plan(self):
        """Returns: arguments behind the data, as many outputs as make asking worthwhile."""
        draw = self.draw
        out = ["--where", self.condition()] if draw.random() < 0.5 else []
        if draw.random() < 0.34:
            levels = list(dict.fromkeys(draw.choices(self.texts, k=3)))
            out += ["--by", draw.choice(["i in (1, -3, 5, other)", "hist(f, -1, 0, 2.5, na, other)", "hist(d, -10, 0, 50)",
                                         f"s in ({', '.join(map(quote, levels))}, na)"])]
        return [*out, "--", *(f"o{i}={self.output()}" for i in range(draw.randrange(1, 4)))]


def strip_exact(value):
    """Of a CSV file doubles have no exact text: it writes others than it has."""
    if isinstance(value, dict):
        return {key: strip_exact(item) for key, item in value.items() if key != "exact"}
    return [strip_exact(item) for item in value] if isinstance(value, list) else value


def sotto(*arguments):
    known = {name: find(name) for name in PLACES if find(name)}
    return subprocess.run([SOTTO, *arguments], capture_output=True, text=True, timeout=120, env=known)


def ask(place, *arguments):
    done = sotto("local", "--json", "--log", "--data", f"x={place}", *arguments)
    if done.returncode != 0:
        raise AssertionError(f"{place} {arguments}: {done.stderr}")
    return json.loads(done.stdout), done.stderr


def ask_many(place, file, plans):
    """Returns: for each plan what each way to compute it gives (tests/support/many_plans.c)."""
    known = {name: find(name) for name in PLACES if find(name)}
    done = subprocess.run([MANY_PLANS, place, file or "-", *(CSV if file else [])], capture_output=True, text=True, timeout=1200,
                          env=dict(known, SOTTO_BINARY=SOTTO), input="".join("\x1f".join(plan) + "\n" for plan in plans))
    if done.returncode != 0:
        raise AssertionError(f"{place} {plans[len(done.stdout.splitlines()) - 1]}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


class Pushed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.folder.chmod(0o755)
        cls.missing = [name for name in PLACES if find(name) is None]
        (cls.folder / "open.yaml").write_text("name: a\nstate_dir: state\nidentity: k\ndata_dir: .\npolicy:\n  profile: open\n")
        (cls.folder / "pg").mkdir()
        cls.server = PostgreSQL(cls.folder / "pg")
        if cls.server.bin is None or "SOTTO_ADBC_POSTGRESQL" in cls.missing:
            cls.missing.append("PostgreSQL's server")
        else:
            cls.addClassCleanup(cls.server.stop)
            cls.server.start()

    def fill(self, kind, table, rows, names=NAMES, types=None):
        """types: of all columns, as a database has them. Returns: where the rows are."""
        types = (types or TYPES[kind]).split()
        if kind == "duckdb":
            database = DuckDB(self.folder / "x.duckdb")
            database.run(sql_table(table, dict(zip(names, types, strict=True)), rows))
            database.close()
            return f"duckdb:{self.folder}/x.duckdb#{table}"
        if kind == "postgresql":
            self.server.run(sql_table(table, dict(zip(names, types, strict=True)), rows))
            return self.server.uri(table)
        database = sqlite3.connect(self.folder / "x.sqlite")
        columns = ", ".join(f'"{name}" {type_}' for name, type_ in zip(names, types, strict=True))
        database.execute(f"CREATE TABLE {table} ({columns})")
        database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})", rows)
        database.commit()
        database.close()
        return f"sqlite:{self.folder}/x.sqlite#{table}"

    def check_alone(self, place, file, plan, answer):
        """A command gives what many plans in one process give, and reads rows where they do."""
        found, log = ask(place, *plan)
        judged, log_of_judged = ask(place, "--policy", "open", *plan)
        streamed, log_of_rows = ask(place, "--policy", str(self.folder / "open.yaml"), *plan)
        for own, name in [(found, "pushed"), (judged, "judged"), (streamed, "streamed")]:
            self.assertEqual(repr(own["outputs"]), repr(answer[name]["outputs"]))
        self.assertEqual(answer["is_read"], "rows are read for a round" in log + log_of_judged)
        self.assertEqual(log_of_rows, "")
        if file:
            expected, _ = ask(file, *CSV, *plan)
            self.assertEqual(repr(expected["outputs"]), repr(answer["file"]["outputs"]))

    def check_plans(self, kind):
        if f"SOTTO_ADBC_{kind.upper()}" in self.missing or (kind == "postgresql" and "PostgreSQL's server" in self.missing):
            self.skipTest("no driver")
        pushed = read = 0
        tables = 12
        for at in range(tables):
            rows = make_rows(at, [40, 7 if kind == "sqlite" else 1, 300, 7 if kind == "sqlite" else 0][at % 4], kind)
            place = self.fill(kind, f"t{at}", rows)
            file = self.folder / f"{kind}{at}.csv" if rows else None
            if file:
                file.write_text(csv_table(NAMES, rows))
            plans = Plans(1000 * at, ASCII if kind == "sqlite" else TEXTS)
            asked = [plans.plan() for _ in range(cases(PLANS) // tables + 1)]
            answers = ask_many(place, file, asked)
            self.check_alone(place, file, asked[0], answers[0])
            for plan, answer in zip(asked, answers, strict=True):
                with self.subTest(kind=kind, table=at, plan=plan):
                    self.assertEqual(repr(answer["pushed"]["outputs"]), repr(answer["judged"]["outputs"]))
                    self.assertEqual(repr(answer["pushed"]["outputs"]), repr(answer["streamed"]["outputs"]))
                    self.assertEqual(answer["judged"]["warnings"], answer["streamed"]["warnings"])
                    self.assertEqual(answer["judged_cover"], answer["streamed_cover"])
                    if file:
                        self.assertEqual(repr(strip_exact(answer["pushed"]["outputs"])),
                                         repr(strip_exact(answer["file"]["outputs"])))
                    pushed += not answer["is_read"]
                    read += answer["is_read"]
        print(f"{kind}: {pushed} of {pushed + read} plans pushed down", flush=True)
        self.assertGreater(pushed, SHARE * (pushed + read))

    def test_duckdb(self):
        self.check_plans("duckdb")

    def test_postgresql(self):
        self.check_plans("postgresql")

    def test_sqlite(self):
        self.check_plans("sqlite")

    def check_names(self, kind, place, count):
        """Columns that are called like SQL, and texts that would end theirs, are sums and levels as any others."""
        for text in [text for text in ASCII if '"' not in text and "\\" not in text] + ["' OR 1=1 --", "'; DROP TABLE odd; --"]:
            plan = ["--where", f"s == {quote(text)} or isna(s)", "--", f"a=sum(`{ODD}`)", f"n=value_counts(s, {quote(text)})",
                    f"c=sum((s != {quote(text)}) * `{ODD}`)"]
            with self.subTest(kind=kind, text=text):
                found, log = ask(place, *plan)
                streamed, _ = ask(place, "--policy", str(self.folder / "open.yaml"), *plan)
                self.assertEqual(found["outputs"], streamed["outputs"])
                self.assertIn("summed up by the database: SELECT", log)
                if kind != "sqlite" and "'" in text:
                    self.assertNotIn(text, log)  # of a plan only the hexadecimal digits
        self.assertEqual(count(), len(ASCII) + 2)

    def test_names_and_texts_are_no_sql(self):
        texts = [*ASCII, "' OR 1=1 --", None]
        rows = ", ".join(f"({i}, {sql_value(text)})" for i, text in enumerate(texts))
        quoted = ODD.replace('"', '""')
        sql = f'CREATE TABLE odd ("{quoted}" bigint, s text); INSERT INTO odd VALUES {rows};'
        if "SOTTO_ADBC_DUCKDB" not in self.missing:
            database = DuckDB(self.folder / "odd.duckdb")
            database.run(sql)
            database.close()
            self.check_names("duckdb", f"duckdb:{self.folder}/odd.duckdb#odd", lambda: len(texts))
        if "PostgreSQL's server" not in self.missing:
            self.server.run(sql)
            self.check_names("postgresql", self.server.uri("odd"), lambda: int(self.server.run("SELECT count(*) FROM odd")))
        if "SOTTO_ADBC_SQLITE" not in self.missing:
            database = sqlite3.connect(self.folder / "odd.sqlite")
            database.executescript(sql)
            self.check_names("sqlite", f"sqlite:{self.folder}/odd.sqlite#odd",
                             lambda: database.execute("SELECT count(*) FROM odd").fetchone()[0])
            database.close()

    def test_decimals_of_all_widths(self):
        """DuckDB has decimals of four sizes, whose products are of others; sums of them are texts with a point."""
        if "SOTTO_ADBC_DUCKDB" in self.missing:
            self.skipTest("no driver")
        database = DuckDB(self.folder / "widths.duckdb")
        widths = [(4, 1), (9, 2), (18, 2), (18, 9), (19, 2), (38, 9), (38, 18)]
        for i, (width, scale) in enumerate(widths):
            database.run(f"CREATE TABLE t{i} AS SELECT ((range * 7 % 17 - 5) / 20)::DECIMAL({width},{scale}) AS d, "
                         "(range * 5 % 3 / 4)::DECIMAL(9,3) AS e FROM range(100)")
        database.close()
        for i, width in enumerate(widths):
            with self.subTest(width):
                place, plan = f"duckdb:{self.folder}/widths.duckdb#t{i}", ["--", "sum(d)", "var(d)", "cov(d, e)", "sum(e * 2)"]
                found, log = ask(place, *plan)
                streamed, _ = ask(place, "--policy", str(self.folder / "open.yaml"), *plan)
                self.assertEqual(found["outputs"], streamed["outputs"])
                self.assertIn("AS w", log)

    def test_nan_where_nothing_is_null(self):
        """The only values that are missing are NaN: SQL has them between the others, if nobody looks."""
        made = "CREATE TABLE nans (f DOUBLE PRECISION, g DOUBLE PRECISION); INSERT INTO nans VALUES "
        made += "(1.5, -1.5), ('NaN', -2.5), (2.25, -4), (-1, 'NaN'), (7, -3);"
        (self.folder / "nans.csv").write_text("f,g\n1.5e0,-1.5e0\n,-2.5e0\n2.25e0,-4e0\n-1e0,\n7e0,-3e0\n")
        asked = ["--", "s=sum(f)", "n=count(f)", "v=var(g)", "c=cov(f, g)", "m=count(if(f < 2, g, na))"]
        expected, _ = ask(self.folder / "nans.csv", *asked)
        for kind in ("duckdb", "postgresql"):
            if f"SOTTO_ADBC_{kind.upper()}" in self.missing or (kind == "postgresql" and self.server.bin is None):
                continue
            with self.subTest(kind):
                if kind == "duckdb":
                    database = DuckDB(self.folder / "nans.duckdb")
                    database.run(made)
                    database.close()
                else:
                    self.server.run(made)
                place = f"duckdb:{self.folder}/nans.duckdb#nans" if kind == "duckdb" else self.server.uri("nans")
                found, log = ask(place, *asked)
                self.assertNotIn("rows are read for a round", log)
                self.assertEqual(strip_exact(found["outputs"]), strip_exact(expected["outputs"]))

    def test_products_that_are_nothing(self):
        """Whether a group has anything of a product is whether one of its rows has, as doubles are multiplied: products
        too small for one are 0. Of too large ones, and in PostgreSQL of too small ones, SQL knows nothing."""
        small = [("a", 1e-200, 1e-200), ("a", -1e-200, 1e-190), ("a", 3e-170, 0), ("a", 0, -3e-170), ("a", 2e-200, -1e-200)]
        zero = [("a", 1, 0), ("a", -1, 0), ("a", 0, 2), ("a", 0, -2)]
        some = [("b", 1, 2), ("b", -1, 2), ("b", 0, -1), ("b", 3, 0)]
        none = [("a", 0, 2), ("a", 0, -3), ("b", 0, 1)]
        large = [("a", 1e200, 1e200), ("a", -1e200, 1e200), ("a", 1, -1)]
        plan = ["--by", "s in ('a', 'b')", "--", "c=cov(f, g)"]
        for kind in ("duckdb", "postgresql", "sqlite"):
            if f"SOTTO_ADBC_{kind.upper()}" in self.missing or (kind == "postgresql" and "PostgreSQL's server" in self.missing):
                continue
            for name, rows in (("small", small + some), ("zero", zero + some), ("large", large + some), ("none", none)):
                with self.subTest(kind=kind, rows=name):
                    table = [(s, float(f), float(g)) for s, f, g in rows]
                    real = "real" if kind == "sqlite" else "float8"
                    place = self.fill(kind, f"nothing_{name}", table, "sfg", f"text {real} {real}")
                    answer = ask_many(place, None, [plan])[0]
                    self.assertEqual(repr(answer["judged"]["outputs"]), repr(answer["streamed"]["outputs"]))
                    self.assertEqual(answer["judged_cover"], answer["streamed_cover"])
                    self.assertEqual(answer["is_read"], name == "large" or (name, kind) == ("small", "postgresql"))

    def check_refused(self, place, *plan):
        """What no rows can be is refused in the same words, whoever looks at it."""
        known = ["local", "--data", f"x={place}"]
        pushed = sotto(*known, *plan)
        streamed = sotto(*known, "--policy", str(self.folder / "open.yaml"), *plan)
        self.assertNotEqual(streamed.returncode, 0)
        self.assertEqual(pushed.stderr, streamed.stderr)
        self.assertEqual(pushed.returncode, streamed.returncode)

    def test_what_is_no_value_here(self):
        """Texts with NUL are refused, and integers that a database adds up as doubles are read."""
        plans = [["--", "count(s)"], ["--", "value_counts(s, 'a')"], ["--where", "s != 'a'", "--", "count(s)"]]
        if "SOTTO_ADBC_DUCKDB" not in self.missing:
            database = DuckDB(self.folder / "odd_values.duckdb")
            database.run("CREATE TABLE nul AS SELECT unnest(['a', 'a' || chr(0) || 'b', NULL]) AS s")
            database.run("CREATE TABLE fine AS SELECT unnest(['a', 'b', NULL]) AS s")
            database.run("CREATE TABLE wide AS SELECT unnest([1, 200, NULL])::UHUGEINT AS u")
            database.run("CREATE TABLE huge AS SELECT unnest([1, -200, NULL])::HUGEINT AS u")
            database.close()
            for plan in plans:
                with self.subTest(plan=plan):
                    self.check_refused(f"duckdb:{self.folder}/odd_values.duckdb#nul", *plan)
                    self.assertIn("summed up", ask(f"duckdb:{self.folder}/odd_values.duckdb#fine", *plan)[1])
            for table, total, how in [("wide", 201, "rows are read"), ("huge", -199, "summed up")]:
                with self.subTest(table):
                    found, log = ask(f"duckdb:{self.folder}/odd_values.duckdb#{table}", "--", "s=sum(u)", "var(u)")
                    self.assertEqual(found["outputs"]["s"]["value"], total)
                    self.assertIn(how, log)
        if "SOTTO_ADBC_SQLITE" not in self.missing:
            database = sqlite3.connect(self.folder / "odd_values.sqlite")
            database.execute("CREATE TABLE nul (s text)")
            database.executemany("INSERT INTO nul VALUES (?)", [["a"], ["a\0b"], [None]])
            database.commit()
            database.close()
            for plan in plans:
                with self.subTest(plan=plan):
                    self.check_refused(f"sqlite:{self.folder}/odd_values.sqlite#nul", *plan)

    def test_views_are_read(self):
        """No transaction is known to keep what is behind them; in PostgreSQL, behind a table that others inherit from."""
        sql = 'CREATE TABLE "A b" (i integer); INSERT INTO "A b" VALUES (1), (2); CREATE VIEW seen AS SELECT * FROM "A b";'
        places = []
        if "SOTTO_ADBC_DUCKDB" not in self.missing:
            database = DuckDB(self.folder / "views.duckdb")
            database.run(sql + "CREATE TABLE made (x integer, i integer GENERATED ALWAYS AS (x + 0 * random()));"
                         "INSERT INTO made VALUES (1), (2)")
            database.close()
            places += [(f"duckdb:{self.folder}/views.duckdb#", table, table == '"A b"') for table in ('"A b"', "seen", "made")]
        if "SOTTO_ADBC_SQLITE" not in self.missing:
            database = sqlite3.connect(self.folder / "views.sqlite")
            database.executescript(sql)
            database.close()
            places += [(f"sqlite:{self.folder}/views.sqlite#", '"A b"', True), (f"sqlite:{self.folder}/views.sqlite#", "seen", False)]
        if "PostgreSQL's server" not in self.missing:
            self.server.run(sql + "CREATE TABLE parent (i integer); CREATE TABLE child (i integer) INHERITS (parent);"
                            "INSERT INTO child VALUES (3)")
            root = self.server.uri("")
            places += [(root, '"A b"', True), (root, 'public."A b"', True), (root, "seen", False), (root, "parent", False),
                       (root, "child", True)]
        for root, table, is_pushed in places:
            with self.subTest(root + table):
                found, log = ask(root + table, "--", "s=sum(i)")
                self.assertEqual(found["outputs"]["s"]["value"], 3)
                self.assertIn("summed up by the database" if is_pushed else "a view or a query", log)

    def test_views_that_are_others_each_time(self):
        """A view of random numbers or of a file has the rows of one reading in all rounds: as many are up to the median as
        there must be. SQL that asked twice would find others."""
        places = []
        if "SOTTO_ADBC_DUCKDB" not in self.missing:
            (self.folder / "seen.csv").write_text("i,x\n" + "".join(f"{i},{i * 37 % 101}\n" for i in range(101)))
            database = DuckDB(self.folder / "drawn.duckdb")
            database.run("CREATE TABLE few AS SELECT range AS i FROM range(101); CREATE VIEW drawn AS SELECT i, random() AS x FROM few;"
                         f"CREATE VIEW kept AS SELECT * FROM read_csv('{self.folder}/seen.csv')")
            database.close()
            places += [f"duckdb:{self.folder}/drawn.duckdb#{view}" for view in ("drawn", "kept")]
        if "SOTTO_ADBC_SQLITE" not in self.missing:
            database = sqlite3.connect(self.folder / "drawn.sqlite")
            database.executescript("CREATE TABLE few (i integer); CREATE VIEW drawn AS SELECT i, random() AS x FROM few")
            database.executemany("INSERT INTO few VALUES (?)", [[i] for i in range(101)])
            database.commit()
            database.close()
            places.append(f"sqlite:{self.folder}/drawn.sqlite#drawn")
        if "PostgreSQL's server" not in self.missing:
            self.server.run("CREATE VIEW drawn AS SELECT i, random() AS x FROM generate_series(0, 100) AS i")
            places.append(self.server.uri("drawn"))
        for place in places:
            with self.subTest(place):
                found, log = ask(place, "--", "n=sum(x <= median(x))")
                self.assertEqual(found["outputs"]["n"]["value"], 51)
                self.assertIn("a view or a query", log)

    def test_files_that_change(self):
        """Whichever of the files changes while they are asked is seen, also one that is hidden."""
        if "SOTTO_ADBC_DUCKDB" in self.missing:
            self.skipTest("no driver")
        (self.folder / "changed").mkdir()
        database = DuckDB()
        for name in ("a", ".b"):
            database.run(f"COPY (SELECT 1 AS i) TO '{self.folder}/changed/{name}.parquet'")
        database.close()
        for name, outputs in itertools.product(("a", ".b"), ("sum(i)", "median(i)")):
            with self.subTest(name, outputs=outputs):
                is_over = threading.Event()

                def touch(path, event):
                    while not event.wait(0.0005):
                        os.utime(path)

                thread = threading.Thread(target=touch, args=(self.folder / f"changed/{name}.parquet", is_over))
                thread.start()
                try:
                    done = sotto("local", "--data", f"t={self.folder}/changed/*.parquet", "--", outputs)
                finally:
                    is_over.set()
                    thread.join()
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("its files have changed while they were read", done.stderr)
        for pattern in ("[^b].parquet", "**/a.parquet"):
            done = sotto("local", "--data", f"t={self.folder}/changed/{pattern}", "--", "sum(i)")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("expected a pattern of * and ? only", done.stderr)

    def test_ends_that_are_no_more(self):
        """DuckDB has the ends of columns at hand, also where the rows that had them were changed or deleted."""
        if "SOTTO_ADBC_DUCKDB" in self.missing:
            self.skipTest("no driver")
        database = DuckDB(self.folder / "ends.duckdb")
        changes = ["DELETE FROM t WHERE i < 5000", "UPDATE t SET i = -i WHERE i > 128000",
                   "UPDATE t SET d = NULL WHERE i % 3 = 0", "INSERT INTO t VALUES (9223372036854775807, -99999.99, false, 'z')",
                   "DELETE FROM t WHERE i < 0", "UPDATE t SET i = 7, d = 0.5, b = NULL", "DELETE FROM t"]
        asked = [["--", "a=sum(i)", "v=var(i)", "d=mean(d)", "w=var(d)", "n=count(s)", "b=sum(b)"],
                 ["--where", "i > 4000 or d < -5", "--by", "hist(d, -10, 0, 50)", "--", "a=sum(i)", "c=count(s)", "d=var(d)"]]
        database.run("CREATE TABLE t AS SELECT range AS i, (range / 100)::DECIMAL(9, 2) AS d, range % 2 = 0 AS b, 'x' AS s "
                     "FROM range(130000)")
        for change in changes:
            database.run(change)
            database.close()
            for answer in ask_many(f"duckdb:{self.folder}/ends.duckdb#t", None, asked):
                with self.subTest(change):
                    self.assertFalse(answer["is_read"])
                    self.assertEqual(repr(answer["pushed"]["outputs"]), repr(answer["streamed"]["outputs"]))
                    self.assertEqual(repr(answer["judged"]["outputs"]), repr(answer["streamed"]["outputs"]))
            database = DuckDB(self.folder / "ends.duckdb")
        database.close()

    def test_footers_that_lie(self):
        """What a Parquet file says of its values, it need not have."""
        if "SOTTO_ADBC_DUCKDB" in self.missing:
            self.skipTest("no driver")
        path = self.folder / "lie.parquet"
        database = DuckDB()
        database.run(f"COPY (SELECT range + 1 AS i FROM range(1000)) TO '{path}'")
        database.close()
        data = path.read_bytes()
        footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
        most, less = ((value).to_bytes(8, "little") for value in (1000, 100))
        self.assertIn(most, data[footer:])
        path.write_bytes(data[:footer] + data[footer:].replace(most, less))
        found, log = ask(path, "--where", "i > 300", "--", "n=count(i)", "s=sum(i > 500)")
        self.assertIn("summed up by the database", log)
        self.assertEqual((found["outputs"]["n"]["value"], found["outputs"]["s"]["value"]), (700, 500))

    def test_folders_of_files(self):
        """Rounds that are summed up and rounds that are read, of one folder of Parquet files."""
        if "SOTTO_ADBC_DUCKDB" in self.missing:
            self.skipTest("no driver")
        (self.folder / "parts").mkdir()
        database = DuckDB()
        database.run(f"COPY (SELECT range AS i FROM range(1000)) TO '{self.folder}/parts/0.parquet'")
        found, log = ask(self.folder / "parts/*.parquet", "--", "sum(i)", "v=var(i)")
        self.assertEqual(found["outputs"]["sum(i)"]["value"], 499500)
        self.assertIn("summed up by the database", log)
        found, log = ask(self.folder / "parts/*.parquet", "--", "sum((i - mean(i)) ** 2)", "median(i)")
        self.assertIn("rows are read", log)
        self.assertEqual(found["outputs"]["median(i)"]["value"], 499.5)
        database.close()


if __name__ == "__main__":
    program = unittest.main(exit=False)
    if not program.result.wasSuccessful():
        sys.exit(1)
    if Pushed.missing:
        skip.skip("e2e/pushed", "not there: " + ", ".join(Pushed.missing))
