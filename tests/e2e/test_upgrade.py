# SPDX-License-Identifier: Apache-2.0
"""A database of the version before code of others (store_8/) goes on with this program."""

import os
import pathlib
import shutil
import sqlite3
import unittest

from support import ClusterCase, run, wages

OLD = pathlib.Path(__file__).resolve().parent / "store_8"


class Upgrade(ClusterCase):
    def node_with_the_old_state(self):
        node = self.cluster([wages(*range(30))], start=False).nodes[0]
        shutil.copy(OLD / "node.key", node.folder / "node.key")
        os.chmod(node.folder / "node.key", 0o600)
        (node.folder / "state").mkdir(mode=0o700)
        with sqlite3.connect(node.folder / "state" / "node.db") as database:
            database.executescript((OLD / "node.sql").read_text())
        node.configure()
        return node

    def test_what_was_there_is_there(self):
        node = self.node_with_the_old_state()
        audit = ("audit", "--config", str(node.folder / "node.yaml"))
        before = run(*audit).stdout
        self.assertIn("The chain is whole. Its head is 9 ", before)
        folder = node.folder / "backup"
        run("backup", str(folder), "--config", str(node.folder / "node.yaml"))
        node.start()
        self.assertEqual(node.get("/v1/task/list?task_ids=1")[0]["name"], "wage_avg")
        self.assertEqual(node.result(1)["outputs"]["m"]["value"], 15.5)
        self.assertEqual(len(node.messages(1)), 18)
        self.assertEqual(node.get("/v1/code"), {"code": []})
        node.stop()
        with sqlite3.connect(node.folder / "state" / "node.db") as database:
            self.assertGreater(database.execute("PRAGMA user_version").fetchone()[0], 8)
        # So does a backup of then.
        shutil.rmtree(node.folder / "state")
        run("restore", str(folder), "--forget", "--config", str(node.folder / "node.yaml"))
        self.assertIn("restored", run(*audit).stdout)
        node.start()
        self.assertEqual(node.result(1)["outputs"]["m"]["value"], 15.5)


if __name__ == "__main__":
    unittest.main()
