# SPDX-License-Identifier: Apache-2.0
"""Nodes whose rows are in SQLite, DuckDB or PostgreSQL, with the ranks of an MPI job, or in a DataFrame of Spark: the answers,
refusals and ledger of the same rows in a file, whatever happens to a table while a task is under way. Drivers, MPI and Spark come
by ./dev test more."""

import json
import os
import pathlib
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from drivers import PLACES, DuckDB, PostgreSQL, find
from support import PATIENCE, ClusterCase, plan, run, skip

COLUMNS = ["id", "dept", "wage", "score", "secret"]
TYPES = ["bigint", "text", "bigint", "double precision", "text"]
DIRECTIONS = ["types", ["dept=string", "score=float64", "secret=string"]]
COUNT = 60
ROOT = pathlib.Path(__file__).resolve().parents[2]
RANKS = ["/usr/bin/mpirun", *"--mca plm isolated --allow-run-as-root --oversubscribe -n 4".split(), os.environ["SOTTO_MPI"]]


def make_rows(first):
    return [[first + i, "abc"[min(i // 25, 2)], None if i % 11 == 0 else first + 10 * i, (i * 37 % 50) / 8, f"s{i}"]
            for i in range(COUNT)]


def csv_of(rows):
    lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
    return "\n".join([",".join(COLUMNS), *lines]) + "\n"


def sql_of(rows):
    """Statements that make the table pay anew."""
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(COLUMNS, TYPES, strict=True))
    values = ", ".join("(" + ", ".join("NULL" if value is None else repr(value) for value in row) + ")" for row in rows)
    return f"DROP TABLE IF EXISTS pay; CREATE TABLE pay ({columns}); INSERT INTO pay VALUES {values};"


# The program that a dataset of Spark's names: it passes on what is asked, and what is answered.
TO_SPARK = f"""#!{sys.executable}
import shutil, socket, sys
with socket.socket(socket.AF_UNIX) as spark:
    spark.connect("spark")
    spark.sendall(sys.stdin.buffer.read())
    spark.shutdown(socket.SHUT_WR)
    shutil.copyfileobj(spark.makefile("rb"), sys.stdout.buffer)
"""


class Rows:
    """The rows of a node, which can be given others."""

    def __init__(self, node, kind, server):
        self.node, self.kind, self.server = node, kind, server
        words = {"csv": {"types": DIRECTIONS[1]},
                 "sqlite": self.source("SQLITE", "sqlite:pay.sqlite", table="pay"),
                 "duckdb": self.source("DUCKDB", "duckdb:pay.duckdb", query="SELECT * FROM pay -- all"),
                 "postgresql": self.source("POSTGRESQL", server and server.uri("").rstrip("#"), table="public.pay")}
        node.files = [{"file": "pay", "key": "id", **words[kind]} if kind in words else
                      {"file": "pay", "workers": "workers.sh", "key": "id"}]
        node.datasets = ["pay"]
        (node.data / "version").write_text("v1")
        if kind == "spark":
            (node.folder / "workers.sh").write_text(TO_SPARK)
            (node.folder / "workers.sh").chmod(0o700)
            return
        guide = re.search("^```sh mpi\n(.*?)^```$", (ROOT / "node/SOURCES.md").read_text(), re.M | re.S)[1]
        (node.folder / "workers.sh").write_text(guide.replace("mpirun -n 4 sotto-mpi", shlex.join(RANKS)))
        (node.folder / "workers.sh").chmod(0o700)

    @staticmethod
    def source(name, uri, **what):
        return {"source": {"adbc": find(f"SOTTO_ADBC_{name}"), "uri": uri, **what}}

    def give(self, rows):
        if self.kind == "csv":
            (self.node.data / "pay").write_text(csv_of(rows))
        elif self.kind == "mpi":
            rows = [[*row[:3], f"{row[3]}e0", *row[4:]] for row in rows]  # doubles, without any word that says so
            for i in range(6):
                (self.node.data / f"part-{i}.csv").write_text(csv_of(rows[i::6]))
        elif self.kind == "spark":
            (self.node.data / "pay.csv").write_text(csv_of(rows))
            subprocess.run([PYTHON, "-c", TO_PARQUET], cwd=self.node.data, check=True, timeout=PATIENCE)
        elif self.kind == "sqlite":
            database = sqlite3.connect(self.node.folder / "pay.sqlite")
            database.executescript(sql_of(rows))
            database.close()
        elif self.kind == "duckdb":
            database = DuckDB(self.node.folder / "pay.duckdb")
            database.run(sql_of(rows))
            database.close()
        else:
            self.server.run("SET client_min_messages = error; " + sql_of(rows))


# Two files, of columns that are of the same types whatever rows are in them.
TO_PARQUET = """
import pathlib, pandas
pay = pandas.read_csv("pay.csv").astype({"wage": "Int64", "score": float})
pathlib.Path("wages").mkdir(exist_ok=True)
for i in range(2):
    pay.iloc[i::2].to_parquet(f"wages/{i}.parquet")
"""
PYTHON = str(ROOT / "build" / "venv" / "bin" / "python")


def has_spark():
    return shutil.which("java") is not None and pathlib.Path(PYTHON).exists() and subprocess.run(
        [PYTHON, "-c", "import pyspark"], capture_output=True).returncode == 0


ASKED = [
    ({"m": "mean(x.wage)", "s": "std(x.wage)", "n": "count(x.dept)"}, {}),
    ({"m": "mean(x.score)", "c": "corr(x.score, x.wage)"}, {}),
    ({"q": "median(x.wage)"}, {}),
    ({"h": "hist(x.wage, 0, 1200, 1400, 2000)", "v": "value_counts(x.dept, 'a', 'b', 'c', 'd')"}, {}),
    ({"m": "sum(x.score)"}, {"group_by": [{"column": "x.dept", "levels": ["a", "b", "c"]}]}),
    ({"m": "mean(x.wage)"}, {"where": "x.score > 2"}),
    ({"m": "mean(x.wage)"}, {"where": "x.wage < 1150"}),  # few rows
    ({"m": "mean(x.wage)"}, {"where": "x.id != 1020"}),  # all but one
    ({"m": "mean(x.secret)"}, {}),  # hidden
    ({"m": "mean(x.nothing)"}, {}),
    ({"m": "mean(x.dept)"}, {}),
    ({"m": "dot(x.id, x.wage)"}, {}),
    ({"m": "max(x.wage)"}, {}),
    ({"m": "mean(x.wage + x.score)"}, {"where": "x.dept == 'c'"}),
]


class SourcesOfNodes(ClusterCase):
    missing = ()
    server = None

    @classmethod
    def setUpClass(cls):
        cls.missing = [name for name in PLACES if find(name) is None]
        cls.has_mpi = os.environ["SOTTO_MPI"] != "" and pathlib.Path(RANKS[0]).exists()
        if not cls.has_mpi:
            cls.missing.append("MPI (sotto-mpi)")
        cls.has_spark = has_spark()
        if not cls.has_spark:
            cls.missing.append("Spark (pyspark in build/venv, and Java)")
        folder = tempfile.TemporaryDirectory()
        cls.folder = folder.name
        cls.addClassCleanup(folder.cleanup)
        pathlib.Path(folder.name).chmod(0o755)
        (pathlib.Path(folder.name) / "pg").mkdir()
        server = PostgreSQL(pathlib.Path(folder.name) / "pg")
        if server.bin is None:
            cls.missing.append("PostgreSQL's server")
        elif "SOTTO_ADBC_POSTGRESQL" not in cls.missing:
            cls.addClassCleanup(server.stop)
            server.start()
            cls.server = server

    def kinds(self):
        names = ["csv"] + [kind for kind in ("sqlite", "duckdb") if find(f"SOTTO_ADBC_{kind.upper()}")]
        return names + (["postgresql"] if self.server else [])

    def nodes(self, kind, len_=3, start=True, **policy):
        """Nodes of which the last one has its rows in a database of a kind."""
        cluster = self.cluster([{}] * len_, start=False)
        for i, node in enumerate(cluster.nodes):
            hidden = {"columns": [{"dataset": "pay", "hide": ["secret"]}]}
            judging = {"min_rows": 5, "refusals": 100, **policy}  # the others would be heard first
            node.policy = {**hidden, **(judging if node is cluster.nodes[-1] else {"profile": "open"})}
            rows = Rows(node, kind if node is cluster.nodes[-1] else "csv", self.server)
            rows.give(make_rows(1000 + i))
        if start:
            cluster.start()
            cluster.wait_connected()
        return cluster, rows

    def ask(self, creator, outputs, **more):
        """Returns: how a plan ends, and with what."""
        status, answer = creator.request("POST", "/v1/task", plan(outputs, {"x": "pay"}, **{"wait": 5, "connection": 5, **more}))
        if status != 200:
            return status, answer["detail"]
        state = creator.wait_end(answer["task_id"])
        said = creator.messages(answer["task_id"])
        return (state, creator.result(answer["task_id"])["outputs"]) if state == "FINISHED" else (
            state, re.findall(r"declined: (\w+ \(\w+\))", " ".join(said)))

    @staticmethod
    def verdicts(node):
        """What the owner's log says of each refusal, but when and of which task."""
        return [re.sub(r"task \w+ of a \(\w+\)|of 20\d\d-[-0-9: ]+|since task [^,;.]*", "", line[20:])
                for line in node.log().splitlines() if "declined (" in line or "refused" in line]

    def test_the_same_answers_and_refusals(self):
        expected = {}
        for kind in [*self.kinds(), *(["mpi"] if self.has_mpi else [])]:
            with self.subTest(kind):
                cluster, rows = self.nodes(kind, dominance=20)
                creator, _, last = cluster.nodes
                found = [self.ask(creator, outputs, **more) for outputs, more in ASKED]
                changed = make_rows(1002)
                rows.give([*changed, [9999, "a", 1234, 1.5, "s"]])
                found.append(self.ask(creator, *[{"m": "mean(x.wage)"}]))
                changed[7][2] += 1
                rows.give(changed)
                found.append(self.ask(creator, *[{"m": "mean(x.wage)"}]))
                verdicts = self.verdicts(last)
                states = [state for state, _ in found]
                expected = expected or {"found": found, "verdicts": verdicts}
                for i, (one, other) in enumerate(zip(found, expected["found"], strict=True)):
                    self.assertEqual(one, other, (ASKED + ["a row more", "a row changed"])[i])
                self.assertEqual(verdicts, expected["verdicts"])
                self.assertEqual(states[-2:], ["ERROR", "ERROR"])
                self.assertGreater(states.count("FINISHED"), 4)
                self.assertIn("ledger: fewer than 5", "".join(verdicts))

    def test_a_task_has_the_rows_that_it_first_read(self):
        """A table that is gone while the other party is away, for tasks of several rounds."""
        for kind in self.kinds()[1:]:
            with self.subTest(kind):
                cluster, rows = self.nodes(kind)
                creator, other, last = cluster.nodes
                outputs = {"q": "median(x.wage)"}
                state, expected = self.ask(creator, outputs)
                other.stop()
                body = plan(outputs, {"x": "pay"}, wait=PATIENCE, connection=PATIENCE)
                task = creator.create(body)
                last.wait_log(": joined", times=2)
                rows.give(make_rows(5000)[:3])
                other.start()
                self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
                self.assertEqual((state, creator.result(task)["outputs"]), ("FINISHED", expected))

    def test_a_node_that_restarts_knows_its_rows_again(self):
        if find("SOTTO_ADBC_SQLITE") is None:
            self.skipTest("no driver")
        cluster, rows = self.nodes("sqlite", 5, profile="open")
        creator, last = cluster.nodes[0], cluster.nodes[-1]
        outputs = {"v": "mean(abs(x.wage - mean(abs(x.wage - mean(x.wage)))))"}
        expected = self.ask(creator, outputs, min_clients=5, max_clients=5)
        for given, text in ((make_rows(1004)[::-1], "goes on after a restart"),
                            (make_rows(1005), "pay has other rows than when the task began")):
            last.stop()
            last.start({"SOTTO_TEST_STOP_AT": "send-17", "SOTTO_TEST_STOP_ROUND": "3"})
            last.wait_log("connected to ")
            task = creator.create(plan(outputs, {"x": "pay"}, min_clients=4, max_clients=5, wait=5, connection=10))
            last.process.wait(PATIENCE)
            last.process.stdout.close()
            last.process = None
            rows.give(given)
            last.start()
            last.wait_log(text)
            if "goes on" in text:
                self.assertEqual((creator.wait_end(task), creator.result(task)["outputs"]), expected)

    def follow(self, blocks, setting):
        """A folder of a node whose configuration says what the guide does. Returns: what its commands print."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        (folder / "data").mkdir()
        run("keygen", "--out", str(folder / "node.key"))
        for name, change in setting.items():
            blocks = {label: text.replace(name, change) for label, text in blocks.items()}
        (folder / "node.yaml").write_text("name: n\ndata_dir: data\nstate_dir: state\nidentity: node.key\n")
        return folder, blocks

    def test_the_guide(self):
        """Both halves of SOURCES.md, as an owner would follow them."""
        text = (ROOT / "node" / "SOURCES.md").read_text()
        blocks = {name: body for name, body in re.findall(r"(?ms)^```\w+ (\w+)\n(.*?)^```$", text)}
        rows = make_rows(1000)
        if find("SOTTO_ADBC_DUCKDB"):
            folder, blocks_here = self.follow(blocks, {"/opt/drivers/libduckdb.so": find("SOTTO_ADBC_DUCKDB")})
            (folder / "wages").mkdir()
            duckdb = DuckDB()
            duckdb.run(sql_of(rows))
            for part in range(2):
                duckdb.run(f"COPY (SELECT id, dept, wage FROM pay WHERE id % 2 = {part}) TO '{folder}/wages/{part}.parquet'")
            duckdb.close()
            self.try_guide(folder, blocks_here["parquet"], blocks_here["try"], "wage    int64                  may name it")
        if self.server:
            self.server.run("DROP TABLE IF EXISTS wages CASCADE; " + sql_of(rows).replace("pay", "wages") + blocks["reader"])
            folder, blocks_here = self.follow(blocks, {
                "/opt/drivers/libadbc_driver_postgresql.so": find("SOTTO_ADBC_POSTGRESQL"),
                "db.example/staff": f"/postgres?host={self.server.folder}"})
            subprocess.run(["bash", "-euc", blocks_here["uri"]], cwd=folder, check=True)
            told = self.try_guide(folder, blocks_here["postgresql"], blocks_here["try"],
                                  "wage    decimal(2)             may name it")
            self.assertIn("the key, hidden by policy", told)
            (folder / "node.yaml").write_text((folder / "node.yaml").read_text().replace("wages_asked", "wages"))
            done = run("sources", "wages", cwd=folder, check=False)
            self.assertEqual((done.returncode, "permission denied" in done.stderr), (1, True), done.stderr)

    def try_guide(self, folder, words, commands, expected):
        with open(folder / "node.yaml", "a") as config:
            config.write(words)
        told = ""
        for line in commands.splitlines():
            done = run(*shlex.split(line)[1:], cwd=folder, check=False)
            told += done.stdout + done.stderr
        self.assertIn(expected, told)
        self.assertIn(f"wages: {COUNT} rows", told)
        self.assertIn("This node lets it pass", told)
        return told

    def start_spark(self, node):
        """Starts what a node's dataset of Spark asks, and waits until it listens."""
        log = open(node.folder / "spark.log", "wb")
        self.addCleanup(log.close)
        spark = subprocess.Popen([PYTHON, str(ROOT / "tests/support/spark_service.py"), "spark", "wages"], cwd=node.data,
                                 stdout=log, stderr=log)
        self.addCleanup(spark.wait)
        self.addCleanup(spark.kill)
        deadline = time.monotonic() + 3 * PATIENCE
        while not (node.data / "spark").exists() and spark.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertTrue((node.data / "spark").exists(), (node.folder / "spark.log").read_text())
        return spark

    def test_every_place_at_once(self):
        """Parties on a file, on PostgreSQL, on four ranks of MPI and on Spark: the bits of one file with all rows. Where
        Spark is killed its party declines, and there is no sum of the others."""
        places = {"csv": True, "postgresql": self.server is not None, "mpi": self.has_mpi, "spark": self.has_spark}
        kinds = [kind for kind, is_there in places.items() if is_there]
        if len(kinds) < 3:
            self.skipTest("only " + ", ".join(kinds))
        cluster = self.cluster([{}] * len(kinds), start=False)
        rows = [make_rows(1000 + i) for i in range(len(kinds))]
        spark = None
        for node, kind, own in zip(cluster.nodes, kinds, rows, strict=True):
            node.policy = {"profile": "open", "quantiles": "exact"}
            Rows(node, kind, self.server).give(own)
            spark = self.start_spark(node) if kind == "spark" else spark
        cluster.start()
        cluster.wait_connected()
        (cluster.folder / "all.csv").write_text(csv_of(sum(rows, [])))
        everybody = {"min_clients": len(kinds), "max_clients": len(kinds), "wait": PATIENCE, "connection": PATIENCE}
        several = {"q": "median(x.wage, exact=1)", "f": "glm(x.score > 3, x.wage, family=binomial)"}
        for outputs, by in (({"m": "mean(x.score)", "s": "sum(x.wage)"}, "dept in ('a', 'b')"), (several, None)):
            group_by = {"group_by": [{"column": "x.dept", "levels": ["a", "b"]}]} if by else {}
            state, found = self.ask(cluster.nodes[0], outputs, **everybody, **group_by)
            self.assertEqual(state, "FINISHED", found)
            asked = [f"{name}={text}" for name, text in outputs.items()]
            pooled = run("local", "--json", "--data", f"x={cluster.folder / 'all.csv'}", "--type", "score=float64",
                         *(["--by", by] if by else []), "--", *asked)
            self.assertEqual(found, json.loads(pooled.stdout)["outputs"])
        if spark is not None:
            spark.kill()
            state, found = self.ask(cluster.nodes[0], several, **everybody)
            self.assertEqual(state, "ERROR", found)
            cluster.nodes[-1].wait_log("workers.sh: it failed with exit status 1")

    def test_databases_sum_up_themselves(self):
        """Under a profile without a ledger no row comes where a plan has one round that SQL says exactly; a plan that
        has several, or a rule that looks at values, has the rows read: whatever it is, answers are those of a file."""
        plans = [(outputs, more) for outputs, more in ASKED if "max" not in str(outputs)]
        expected = {}
        for kind in self.kinds():
            for policy in ({}, {"min_rows": 5, "dominance": 20}):
                with self.subTest(kind, policy=policy):
                    cluster, rows = self.nodes(kind, start=False)
                    creator, last = cluster.nodes[0], cluster.nodes[-1]
                    last.policy = {"columns": [{"dataset": "pay", "hide": ["secret"]}], "profile": "open", **policy}
                    last.files = [{name: value for name, value in words.items() if name != "key"} for words in last.files]
                    for words in last.files if kind == "duckdb" else []:  # of a query rows are read
                        del words["source"]["query"]
                        words["source"]["table"] = "pay"
                    rows.give(make_rows(1002))
                    cluster.start()
                    cluster.wait_connected()
                    found = [self.ask(creator, outputs, **more) for outputs, more in plans]
                    self.assertEqual(found, expected.setdefault(str(policy), found))
                    sums = last.log().count("pay: its database sums up a round")
                    self.assertEqual(sums > 0, kind != "csv" and not policy, last.log())
                    if kind == "csv" or policy:
                        continue
                    told = last.cli("check", "--config", str(last.folder / "node.yaml"), "--data", "x=pay", "--where", "x.wage > 1150", "--",
                                    "mean(x.wage)")
                    self.assertRegex(told.stdout, "sums +by the database: SELECT ")

    def test_a_part_that_only_its_owner_reads(self):
        """A part holds values of rows, whatever others may do with the files of this folder."""
        if not self.has_mpi:
            self.skipTest("no MPI")
        folder = pathlib.Path(self.folder)
        (folder / "pay.csv").write_text(csv_of(make_rows(1)))
        umask = os.umask(0o022)
        try:
            subprocess.run([*RANKS, "--snapshot", "v1", "--out", "pay.slots", "pay.csv"], cwd=folder, check=True, timeout=PATIENCE,
                           input=b'{"sotto": "ask", "version": 1}')
        finally:
            os.umask(umask)
        self.assertEqual((folder / "pay.slots").stat().st_mode & 0o777, 0o600)

    def test_a_rank_that_is_killed(self):
        """The others wait for it to take part when it goes: there is no part of their rows."""
        if not self.has_mpi:
            self.skipTest("no MPI")
        folder = pathlib.Path(self.folder)
        (folder / "pay.csv").write_text(csv_of(make_rows(1)))
        rank = 'echo $$ >pid.$OMPI_COMM_WORLD_RANK.new; mv pid.$OMPI_COMM_WORLD_RANK.new pid.$OMPI_COMM_WORLD_RANK; exec "$0" "$@"'
        job = subprocess.Popen([*RANKS[:-1], "sh", "-c", rank, RANKS[-1], "--snapshot", "v1", *["pay.csv"] * 4], cwd=folder,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while len(list(folder.glob("pid.?"))) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(int((folder / "pid.2").read_text()), 9)
        told, _ = job.communicate(b'{"sotto": "ask", "version": 1}', timeout=PATIENCE)
        self.assertNotEqual(job.returncode, 0)
        self.assertEqual(told, b"")

    def test_a_column_that_cannot_be_read_is_hidden(self):
        if self.server is None:
            self.skipTest("no PostgreSQL")
        cluster, _ = self.nodes("postgresql")
        creator, last = cluster.nodes[0], cluster.nodes[-1]
        self.server.run("ALTER TABLE pay ADD COLUMN bonus money")
        self.assertEqual(self.ask(creator, {"m": "mean(x.wage)"}), ("ERROR", ["c (input)"]))
        last.wait_log("cannot cast type money")
        last.policy["columns"] = [{"dataset": "pay", "hide": ["secret", "bonus"]}]
        last.configure()
        last.cli("reload")
        self.assertEqual(self.ask(creator, {"m": "mean(x.wage)"})[0], "FINISHED")

    def test_two_tasks_at_once(self):
        for kind in self.kinds()[1:]:
            with self.subTest(kind):
                cluster, _ = self.nodes(kind)
                told = run("sources", "pay", "--config", str(cluster.nodes[-1].folder / "node.yaml")).stdout
                self.assertRegex(told, r"(?m)^secret +hidden by policy, not read$")
                creator = cluster.nodes[0]
                tasks = [creator.create(plan({"q": question}, {"x": "pay"})) for question in ("median(x.wage)", "sum(x.wage)")]
                self.assertEqual([creator.wait_end(task) for task in tasks], ["FINISHED"] * 2)


if __name__ == "__main__":
    program = unittest.main(exit=False)
    if not program.result.wasSuccessful():
        sys.exit(1)
    if SourcesOfNodes.missing:
        skip("e2e/sources_nodes", "not there: " + ", ".join(SourcesOfNodes.missing))
