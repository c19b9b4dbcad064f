# SPDX-License-Identifier: Apache-2.0
"""Nodes with rows in a database, through a driver of tests: the same answers as over a file, and
whatever a driver does, its owner is told all of it and others a class."""

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
        of_sources = self.nodes(source(), None, source()).nodes[0]
        expected, got = (node.result(self.ask(node)) for node in (of_files, of_sources))
        self.assertEqual(got["outputs"], expected["outputs"])

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
        told += run("check", "--config", str(creator.folder / "node.yaml"), "-", check=False,
                    stdin='{"x": 1}').stderr
        lines = [path.read_bytes() for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")
                 if path.exists() and os.access(path, os.R_OK)]
        self.assertNotIn("s3cr", told)
        self.assertFalse(any(b"s3cr" in line for line in lines))
        (creator.folder / "uri").chmod(0o644)
        self.refuse(creator, plan(OUTPUTS, {"x": "pay"}), "can't be read")
        creator.wait_log("holds a secret that others may read")

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
