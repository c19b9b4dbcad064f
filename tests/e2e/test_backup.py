# SPDX-License-Identifier: Apache-2.0
"""Backups of nodes that run, and what a node that is restored from one has forgotten, and has not."""

import os
import shutil
import sqlite3
import stat
import threading
import unittest

from support import ClusterCase, plan, run, wages

THREE = [wages(*range(i, i + 30)) for i in range(3)]
SAFE = {"min_rows": 10}


class Backup(ClusterCase):
    def cluster_of_three(self, **policy):
        cluster = self.cluster(THREE, start=False)
        for node in cluster.nodes:
            node.policy = {**SAFE, **policy}
        cluster.start()
        cluster.wait_connected()
        return cluster

    def back_up(self, node, name="backup", *more):
        folder = node.folder.parent / name
        done = run("backup", f"{folder}/", "--config", str(node.folder / "node.yaml"), *more)
        return folder, done.stdout

    def restore(self, node, folder, *more, check=True):
        return run("restore", str(folder), "--config", str(node.folder / "node.yaml"), *more, check=check)

    def lose_state(self, node):
        node.stop()
        shutil.rmtree(node.folder / "state")

    def audit(self, node):
        return run("audit", "--config", str(node.folder / "node.yaml")).stdout

    def test_a_node_that_runs_is_backed_up_and_restored(self):
        cluster = self.cluster_of_three()
        a = cluster.nodes[0]
        task = a.create(plan())
        self.assertEqual(a.wait_end(task), "FINISHED")
        stop = threading.Event()

        def keep_asking():
            while not stop.is_set():
                a.wait_end(a.create(plan()))

        asking = threading.Thread(target=keep_asking)
        asking.start()
        try:
            copies = [self.back_up(a, f"backup{i}", "--keys") for i in range(5)]
        finally:
            stop.set()
            asking.join()
        for folder, said in copies:  # each is whole, and its head is the one that was said
            for file in folder.iterdir():
                self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600, file)
            self.assertRegex(said, "The ledger's head in it is [0-9]+ [0-9a-f]{64}")
        folder, said = copies[-1]
        head = said.split("head in it is ")[1].splitlines()[0]
        self.lose_state(a)
        for name in ("node.key", "token"):
            (a.folder / name).unlink()
        token = a.token
        done = self.restore(a, folder, "--forget")
        self.assertIn(head, done.stdout)
        self.assertIn("restored     a copy of ", self.audit(a))
        a.start()
        self.assertEqual(a.token, token)
        self.assertEqual(a.get(f"/v1/task/status?task_id={task}")["status"], "FINISHED")
        self.assertEqual(a.result(task)["outputs"]["m"]["value"], 15.5)
        later = a.create(plan())
        self.assertEqual(a.wait_end(later), "FINISHED", a.messages(later))

    def test_what_the_backup_has_answered_counts(self):
        """With one row more than before the same question tells it, also after a restore."""
        cluster = self.cluster_of_three()
        a, b = cluster.nodes[:2]
        self.assertEqual(a.wait_end(a.create(plan(connection=5))), "FINISHED")
        folder, _ = self.back_up(b)
        self.lose_state(b)
        self.restore(b, folder, "--forget")
        with open(b.data / "wages.csv", "a") as out:
            out.write("one more,5000\n")
        b.start()
        while not all(node["connected"] for node in a.get("/v1/nodes")["nodes"]):
            pass
        task = a.create(plan(connection=5))
        self.assertEqual(a.wait_end(task), "ERROR")
        b.wait_log("that answer stands")

    def test_what_would_forget_answers_needs_a_word(self):
        cluster = self.cluster_of_three()
        b = cluster.nodes[1]
        folder, _ = self.back_up(b)
        self.assertIn("in use by another sotto node", self.restore(b, folder, "--forget", check=False).stderr)
        b.stop()
        before = (b.folder / "state" / "node.db").read_bytes()
        done = self.restore(b, folder, "--forget", check=False)
        self.assertIn("is there already", done.stderr)
        self.assertEqual((b.folder / "state" / "node.db").read_bytes(), before)
        shutil.rmtree(b.folder / "state")
        done = self.restore(b, folder, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("say --forget", done.stderr)
        self.assertEqual(sorted(os.listdir(b.folder / "state")), ["lock"])

    def test_a_log_that_is_left_belongs_to_another_database(self):
        """SQLite would write what a log has over the pages of whatever database stands beside it."""
        cluster = self.cluster_of_three()
        a, b = cluster.nodes[:2]
        state = b.folder / "state"
        folder, _ = self.back_up(b)
        self.assertEqual(a.wait_end(a.create(plan())), "FINISHED")
        b.kill()
        self.assertIn("node.db-wal", os.listdir(state))
        (state / "node.db").rename(state / "node.db.away")
        done = self.restore(b, folder, "--forget", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "node.db-wal is there already")
        for name in ("node.db-wal", "node.db-shm"):
            (state / name).unlink()
        self.restore(b, folder, "--forget")
        self.assertIn("restored     a copy of ", self.audit(b))

    def test_what_is_refused_leaves_nothing_to_start(self):
        """A node without its ledger, but with its key and node.yaml, would answer all anew."""
        cluster = self.cluster_of_three()
        a, b = cluster.nodes[:2]
        self.assertEqual(a.wait_end(a.create(plan())), "FINISHED")
        folder, _ = self.back_up(b, "backup", "--keys")
        self.lose_state(b)
        names = ["node.key", "token", "node.yaml"]
        for name in names:
            (b.folder / name).unlink()
        with sqlite3.connect(folder / "node.db") as database:
            database.execute("CREATE TRIGGER again AFTER UPDATE ON code BEGIN UPDATE code SET state='APPROVED'; END")
        self.assertIn("a trigger", self.restore(b, folder, "--forget", check=False).stderr)
        with sqlite3.connect(folder / "node.db") as database:
            database.execute("DROP TRIGGER again")
        self.assertIn("say --forget", self.restore(b, folder, check=False).stderr)
        self.assertEqual([name for name in names if (b.folder / name).exists()], [])
        self.restore(b, folder, "--forget")
        self.assertEqual([name for name in names if (b.folder / name).exists()], names)

    def test_keys_are_there_when_asked_for(self):
        cluster = self.cluster_of_three()
        a, b = cluster.nodes[:2]
        self.assertEqual(a.wait_end(a.create(plan())), "FINISHED")
        folder, said = self.back_up(b)
        self.assertEqual(sorted(os.listdir(folder)), ["backup", "node.db", "node.yaml"])
        self.assertIn("not its keys", said)
        again = run("backup", str(folder), "--config", str(b.folder / "node.yaml"), check=False)
        self.assertIn("File exists", again.stderr)
        nowhere = run("backup", str(folder / "none/first"), "--config", str(b.folder / "node.yaml"), check=False)
        self.assertIn("none/first: the folder that it would be in is not there", nowhere.stderr)
        self.what_stands_beside_stays(b, folder)
        self.lose_state(b)
        (b.folder / "node.key").unlink()
        done = self.restore(b, folder, "--forget", check=False)
        self.assertIn("which was made without --keys", done.stderr)
        run("keygen", "--out", str(b.folder / "node.key"))  # another node's ledger is none
        done = self.restore(b, folder, "--forget", check=False)
        self.assertIn("is not what was written", done.stderr)
        self.assertEqual(os.listdir(b.folder / "state"), ["lock"])

    def what_stands_beside_stays(self, node, folder):
        """A backup is made in NAME.new: what is there is taken away only if a backup has left it."""
        beside = folder.with_name("other.new")
        folder.rename(beside)
        arguments = ("backup", str(folder.with_name("other")), "--config", str(node.folder / "node.yaml"))
        self.assertIn("other.new: File exists", run(*arguments, check=False).stderr)
        self.assertIn("node.db", os.listdir(beside))
        shutil.copytree(beside, folder)
        (beside / "unfinished").touch()
        run(*arguments)
        self.assertFalse(beside.exists())
        self.assertEqual(sorted(os.listdir(folder.with_name("other"))), ["backup", "node.db", "node.yaml"])

    def test_a_backup_that_somebody_changed(self):
        cluster = self.cluster_of_three()
        a, b = cluster.nodes[:2]
        self.assertEqual(a.wait_end(a.create(plan())), "FINISHED")
        folder, _ = self.back_up(b)
        self.lose_state(b)
        with sqlite3.connect(folder / "node.db") as database:
            database.execute("DELETE FROM ledger WHERE id = (SELECT min(id) FROM ledger)")
        done = self.restore(b, folder, "--forget", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("node.db", os.listdir(b.folder / "state"))
        (folder / "backup").unlink()
        self.assertIn("backup: No such file", self.restore(b, folder, "--forget", check=False).stderr)

    def test_what_could_be_used_twice_is_over(self):
        cluster = self.cluster_of_three(approve="manual")
        a, b = cluster.nodes[:2]
        for number in (1, 2):
            a.create(plan(name=f"number {number}", connection=600))
            b.wait_log(f"waits for its owner: sotto approve {number}")
        b.cli("approve", "1")
        b.wait_log("joined, as its owner approved")
        folder, _ = self.back_up(b)
        with sqlite3.connect(folder / "node.db") as database:  # as if a task of two rounds was under way
            database.execute("INSERT INTO underway(uid, creator_key, bytes) VALUES (x'00', x'00', x'00')")
            database.execute("INSERT INTO code(digest, bytes, state, offered_at, creator_key, creator, rounds_left)"
                             " VALUES (x'00', x'00', 'APPROVED', 1, x'00', 'a', 7)")
        self.lose_state(b)
        self.restore(b, folder, "--forget")
        with sqlite3.connect(b.folder / "state" / "node.db") as database:
            states = [row[0] for row in database.execute("SELECT state FROM asked")]
            self.assertEqual(states, ["ENDED", "ENDED"])
            self.assertEqual(database.execute("SELECT count(*) FROM underway").fetchone()[0], 0)
            self.assertEqual(database.execute("SELECT state, rounds_left FROM code").fetchall(), [("REVOKED", 0)])

    def test_usage(self):
        for bad in (["backup"], ["restore"], ["backup", "a", "b"], ["restore", "x", "--keys"], ["backup", "x", "--forget"]):
            self.assertEqual(run(*bad, check=False).returncode, 2, bad)


if __name__ == "__main__":
    unittest.main()
