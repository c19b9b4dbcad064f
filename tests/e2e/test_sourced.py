# SPDX-License-Identifier: Apache-2.0
"""Nodes with rows in a database, through a driver of tests: the same answers as over a file, and
whatever a driver does, its owner is told all of it and others a class."""

import json
import os
import pathlib
import unittest

from support import ClusterCase, plan, run

DRIVER = os.environ["SOTTO_TEST_DRIVER"]  # seven rows, see tests/support/hostile_driver.c
ROWS = "n,\"odd \"\"name\"\"\"\n1,a\n-2,\u00e9\n9223372036854775807,\"\"\nNA,07\n0,x\n6,yz\n7,z\n"
OUTPUTS = {"s": "sum(x.n)", "m": "mean(x.n)", "q": "median(x.n)", "v": "value_counts(x.`odd \"name\"`, '07', '')"}


def source(mode="", **more):
    return {"file": "pay", "source": {"adbc": DRIVER, "uri": "postgresql://h/d", "table": "t",
                                      "options": [f"mode={mode}"]}, **more}


class Sourced(ClusterCase):
    def nodes(self, *files, **policy):
        """Three nodes with the dataset pay, each read as files[i] says; None: it is a file."""
        cluster = self.cluster([{}] * len(files), start=False)
        for node, how in zip(cluster.nodes, files):
            (node.data / "pay").write_text(ROWS)
            node.datasets = ["pay"]
            node.files = [how or {"file": "pay", "types": ["odd \"name\"=string"], "na": ["NA"]}]
            node.policy = dict(policy)
        cluster.start()
        cluster.wait_connected()
        return cluster

    def ask(self, creator, expected="FINISHED", outputs=None, **more):
        task = creator.create(plan(outputs or OUTPUTS, {"x": "pay"}, wait=5, connection=5, **more))
        self.assertEqual(creator.wait_end(task), expected, creator.messages(task))
        return task

    def test_rows_are_those_of_a_file(self):
        of_files = self.nodes(None, None, None).nodes[0]
        of_sources = self.nodes(source(), None, source(types=["n=decimal(2)"])).nodes[0]
        expected, got = (node.result(self.ask(node)) for node in (of_files, of_sources))
        self.assertEqual(got["outputs"], expected["outputs"])
        self.assertEqual(got["schema"]["x"]["n"], {"type": "decimal", "scale": 2})

    def test_what_a_driver_does_is_told_to_its_owner_only(self):
        cluster = self.nodes(None, None, source())
        creator, _, owner = cluster.nodes
        for mode, text in (("crash", "the driver's process"), ("exit", "exit status 3"), ("garbage", "none of its kinds"),
                           ("lost", "the connection was lost"), ("refuse", "password authentication"),
                           ("changed", "other columns")):
            owner.stop()
            owner.files = [source(mode)]
            owner.start()
            task = self.ask(creator, "ERROR")
            owner.wait_log(text)
            said = "\n".join(creator.messages(task))
            self.assertIn("c declined: input", said)
            self.assertNotIn(text, said + creator.log())

    def test_an_analyst_of_the_same_node_is_told_a_class(self):
        cluster = self.nodes(source("refuse"), None, None)
        creator = cluster.nodes[0]
        for asked in (("POST", "/v1/task", plan(OUTPUTS, {"x": "pay"})), ("GET", "/v1/columns?dataset=pay")):
            status, answer = creator.request(*asked)
            self.assertEqual((status, answer["code"]), (400, "input"))
            self.assertIn("owner's log", answer["detail"])
            self.assertNotIn("password", answer["detail"])
        creator.wait_log("password authentication")

    def test_what_is_told_of_columns_costs_no_reading(self):
        """Peers may ask 60 times a minute, and rows may be many; a task reads them all the same. Of
        other rows nothing is told before they are read."""
        creator = self.nodes(source(), None, None).nodes[0]
        before = creator.get("/v1/columns?dataset=pay")
        self.assertEqual([column["name"] for column in before["columns"]], ["n", 'odd "name"'])
        for places in ({}, {"table": "other"}, {"uri": "postgresql://h/other"}, {"uri": None, "uri_file": "uri"},
                       {"table": None, "query": "SELECT n FROM t"}, {"options": ["mode=echo"]}):
            there = {**source()["source"], "adbc": DRIVER + ".gone", **places}
            creator.files = [source(source={word: text for word, text in there.items() if text})]
            creator.configure()
            creator.cli("reload")
            status, told = creator.request("GET", "/v1/columns?dataset=pay")
            self.assertEqual((status, told) if not places else status, 400 if places else (200, before), places)
            self.refuse(creator, plan(OUTPUTS, {"x": "pay"}), "can't be read")

    def test_a_source_that_fails_late_is_left_alone(self):
        """What it costs a node to hear so is not for whoever asks to repeat; a reload ends it."""
        creator = self.nodes(source("late"), None, None).nodes[0]
        self.refuse(creator, plan(OUTPUTS, {"x": "pay"}), "can't be read")
        creator.wait_log("too many clients")
        self.refuse(creator, plan(OUTPUTS, {"x": "pay"}), "can't be read")
        creator.wait_log("waited for in vain before, and is asked again in")
        creator.files = [source()]
        creator.configure()
        creator.cli("reload")
        self.ask(creator)

    def test_hidden_columns_are_not_asked_for(self):
        cluster = self.nodes(source("echo", key="n"), None, None,
                             columns=[{"dataset": "pay", "hide": ["odd \"name\""]}])
        creator = cluster.nodes[0]
        self.refuse(creator, plan({"s": "sum(x.n)"}, {"x": "pay"}), "can't be read")
        creator.wait_log('SELECT CAST("n" AS int8) AS "n" FROM "t"')

    def test_a_hidden_key_is_checked(self):
        cluster = self.nodes(source(key="n"), None, None, columns=[{"dataset": "pay", "hide": ["n"]}])
        creator = cluster.nodes[0]
        self.refuse(creator, plan({"s": "count(x.`odd \"name\"`)"}, {"x": "pay"}), "can't be read")
        creator.wait_log('pay: key "n": expected a value in each row, found none in 1')

    def test_a_password_is_nowhere(self):
        """A driver that repeats its URI: in no log, no answer and no command line."""
        cluster = self.cluster([{}] * 3, start=False)
        creator = cluster.nodes[0]
        secret = "s3cr%3ft"
        (creator.folder / "uri").write_text(f"postgresql://u:{secret}@h/d\n")
        (creator.folder / "uri").chmod(0o600)
        creator.datasets = ["pay"]
        creator.files = [{"file": "pay", "source": {"adbc": DRIVER, "uri_file": "uri", "table": "t",
                                                    "options": ["mode=repeat"]}}]
        cluster.start()
        self.refuse(creator, plan(OUTPUTS, {"x": "pay"}), "can't be read")
        creator.wait_log("***")
        told = creator.log() + (creator.folder / "state" / "node.log").read_text()
        config = ("--config", str(creator.folder / "node.yaml"))
        for done in (run("check", "-", *config, check=False, stdin=json.dumps(plan(OUTPUTS, {"x": "pay"}))),
                     run("sources", "pay", *config, check=False), run("doctor", *config, check=False)):
            self.assertIn("***", done.stdout + done.stderr)
            told += done.stdout + done.stderr
        told += run("sources", *config).stdout + str(creator.get("/metrics"))
        lines = [path.read_bytes() for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")
                 if path.exists() and os.access(path, os.R_OK)]
        self.assertNotIn("s3cr", told)
        self.assertFalse(any(b"s3cr" in line for line in lines))
        (creator.folder / "uri").chmod(0o644)
        self.refuse(creator, plan(OUTPUTS, {"x": "pay"}), "can't be read")
        creator.wait_log("holds a secret that others may read")

    def test_an_owner_sees_columns_and_no_value(self):
        cluster = self.nodes(source(key="odd \"name\""), None, None,
                             columns=[{"dataset": "pay", "hide": ["odd \"name\""]}])
        node = cluster.nodes[0]
        config = ("--config", str(node.folder / "node.yaml"))
        self.assertEqual(run("sources", *config).stdout, f"pay: t of postgresql://h/d, by {DRIVER}\n")
        listed = json.loads(run("sources", *config, "--json").stdout)
        self.assertEqual(listed, {"sources": [{"dataset": "pay", "adbc": DRIVER, "uri": "postgresql://h/d", "table": "t"}]})
        lines = run("sources", "pay", *config).stdout.splitlines()
        self.assertEqual((lines[0], lines[3].split()), ("pay: 7 rows", ["n", "int64", "may", "name", "it"]))
        self.assertIn("the key, hidden by policy", lines[4])
        self.assertIn("can't be read", lines[5])
        self.assertNotIn("xyz", "".join(lines))
        self.assertIn("pay: 7 rows, 2 columns", run("doctor", *config, check=False).stdout)
        self.assertTrue(node.get("/readyz")["data"])
        done = run("sources", "wages", *config, check=False)
        self.assertEqual((done.returncode, "no such dataset" in done.stderr), (1, True))
        node.files = [source("lost")]
        node.files[0]["source"]["adbc"] = DRIVER + ".gone"
        node.configure()
        node.cli("reload")
        self.assertEqual(node.request("GET", "/readyz")[1]["data"], False)
        self.assertIn("there is no such file", run("sources", "pay", *config, check=False).stderr)
        self.assertIn("there is no such file", run("doctor", *config, check=False).stdout)

    def test_a_plan_is_checked_beforehand(self):
        cluster = self.nodes(source(), None, None)
        config = ("--config", str(cluster.nodes[0].folder / "node.yaml"))
        asked = json.dumps(plan({"s": "sum(x.n)"}, {"x": "pay"}))
        self.assertIn("This node lets it pass", run("check", "-", *config, stdin=asked).stdout)
        cluster.nodes[0].policy["min_rows"] = 10
        cluster.nodes[0].configure()
        self.assertIn("refuses", run("check", "-", *config, stdin=asked, check=False).stdout)

    def test_memory_is_bounded(self):
        cluster = self.nodes(source("endless"), None, None)
        creator = cluster.nodes[0]
        creator.stop()
        creator.more = ["sources_memory_mb: 1"]
        creator.start()
        self.refuse(creator, plan(OUTPUTS, {"x": "pay"}), "can't be read")
        creator.wait_log("at most 1 MiB")


if __name__ == "__main__":
    unittest.main()
