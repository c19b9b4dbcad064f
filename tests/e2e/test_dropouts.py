# SPDX-License-Identifier: Apache-2.0
"""Nodes that die, and nodes that come back. SOTTO_TEST_STOP_AT (test builds) kills a node at a step
as a power cut would: offer (it has joined), partial (between sharing and masking), pledge (that its
masked rows leave is on disk, and they have not left), record (its consent is on disk and has not
left)."""

import sqlite3
import time

from support import ClusterCase, main_together, plan, wages

FOUR = [wages(1, 2), wages(3, 4), wages(5, 6), wages(100)]


class Dropouts(ClusterCase):
    def stopping(self, step, files=FOUR):
        """Four nodes, the last dies at a step."""
        return self.cluster(files, env={len(files) - 1: {"SOTTO_TEST_STOP_AT": step}})

    def willing(self, files, step="", **more):
        """The same, and all take any expression."""
        cluster = self.cluster(files, start=False)
        for node in cluster.nodes:
            node.policy = {"profile": "open"}
        stops = {len(files) - 1: {"SOTTO_TEST_STOP_AT": step, **more}}
        return cluster.start(stops if step else None)

    def finish(self, creator, task):
        state = creator.wait_end(task)
        self.assertEqual(state, "FINISHED", creator.messages(task))
        return creator.result(task)

    def assert_parties(self, result, joined, names, **missing):
        """Four were invited: whose rows are in the result, and why the others' are not."""
        expected = {"invited": 4, "joined": joined, "survived": len(names)}
        found = result["parties"]
        self.assertEqual({key: found[key] for key in expected}, expected)
        self.assertEqual(sorted(found["names"]), list(names))
        self.assertEqual({one["name"]: one["why"] for one in found.get("missing", [])}, missing)
        self.assertEqual(result["warnings"],
                         [f"{name} was invited, and its rows are not in the result: {why}"
                          for name, why in missing.items()])

    def test_killed_between_sharing_and_masking(self):
        creator = self.stopping("partial").nodes[0]
        task = creator.create(plan(min_clients=3, max_clients=4, wait=2, connection=2))
        result = self.finish(creator, task)
        self.assert_parties(result, 4, "abc", d="it dropped out")
        self.assertEqual(result["outputs"]["m"]["value"], 3.5)
        self.assertIn("dead members [d]", " ".join(creator.messages(task)))

    def test_killed_between_sharing_and_masking_and_needed(self):
        cluster = self.stopping("partial")
        creator = cluster.nodes[0]
        begin = time.monotonic()
        task = creator.create(plan(min_clients=4, max_clients=4, wait=1, connection=1))
        self.assertEqual(creator.wait_end(task), "ERROR")
        self.assertLess(time.monotonic() - begin, 15)
        self.assertIn("(parties)", creator.messages(task)[-1])
        status, answer = creator.request("GET", f"/v1/task/result?task_id={task}")
        self.assertEqual(status, 400)
        self.assertIn("ERROR", answer["detail"])
        self.assertEqual(creator.cli("trace", str(task), check=False).returncode, 1)
        self.assertEqual(creator.cli("wait", str(task), check=False).returncode, 1)
        for node in cluster.nodes[:3]:
            node.wait_log("ended (")  # nothing hangs there either

    def test_three_survive_no_loss(self):
        creator = self.stopping("partial", FOUR[:3]).nodes[0]
        task = creator.create(plan(wait=1, connection=1))
        self.assertEqual(creator.wait_end(task), "ERROR")
        self.assertIn("(parties)", creator.messages(task)[-1])

    def test_killed_before_the_round_starts(self):
        creator = self.stopping("offer").nodes[0]
        task = creator.create(plan(min_clients=3, max_clients=4, wait=2, connection=2))
        result = self.finish(creator, task)
        self.assertEqual(result["parties"]["survived"], 3)
        self.assertEqual(result["outputs"]["m"]["value"], 3.5)

    def test_never_there(self):
        cluster = self.cluster(FOUR, start=False)
        for node in cluster.nodes[:3]:
            node.start()
        creator = cluster.nodes[0]
        task = creator.create(plan(min_clients=3, max_clients=4, connection=1))
        result = self.finish(creator, task)
        self.assert_parties(result, 3, "abc", d="it did not answer in time")
        task = creator.create(plan(min_clients=4, max_clients=4, connection=1))
        self.assertEqual(creator.wait_end(task), "ERROR")
        self.assertIn("3 of 4", creator.messages(task)[-1])

    def test_who_takes_part_is_no_race(self):
        creator = self.cluster(FOUR).nodes[0]
        everybody = plan({"s": "sum(wage)"})
        del everybody["strategy"]["max_clients"]
        for body, names, total in ((everybody, "abcd", 121), (plan({"s": "sum(wage)"}), "abc", 21)):
            for _ in range(5):
                result = self.finish(creator, creator.create(body))
                self.assertEqual(result["parties"]["names"], list(names))
                self.assertEqual(result["outputs"]["s"]["value"], total)
        self.assertEqual(result["warnings"],
                         ["d was invited, and its rows are not in the result: max_clients others "
                          "come before it in the order of names"])
        done = creator.cli("result", "10", "--csv")
        self.assertEqual(done.stdout, "output,row,column,value,exact\ns,,,21,21\n")
        self.assertIn("4 invited, 3 joined, 3 survived: a, b, c\n", done.stderr)
        self.assertIn("warning: d was invited, and its rows are not in the result", done.stderr)

    def test_who_is_known_to_be_away_is_not_waited_for(self):
        cluster = self.cluster(FOUR, start=False)
        a, b, c, d = cluster.nodes
        d.peer_listen = "127.0.0.1:0"
        d.peers = [(peer, False) for peer in (a, b, c)]
        a.peers = [(b, False), (c, False), (d, True)]
        for node in (d, a, b, c):
            node.start()
        a.wait_log("connected to d")
        d.kill()
        a.wait_log("d can't be reached")
        begin = time.monotonic()
        task = a.create(plan(max_clients=4, wait=60, connection=60))
        self.assert_parties(self.finish(a, task), 3, "abc", d="it was away")
        self.assertLess(time.monotonic() - begin, 30)

    def test_who_goes_is_named_and_not_waited_for(self):
        cluster = self.cluster(FOUR)
        a, *_, d = cluster.nodes
        a.wait_log("d is connected")
        d.kill()
        task = a.create(plan(max_clients=4, wait=600, connection=600))
        self.assert_parties(self.finish(a, task), 3, "abc", d="it was away")
        log = "\n".join(a.messages(task))
        self.assertIn("round 1 waits for d\n", log)
        self.assertIn("round 1 d is away\n", log)
        self.assertFalse(next(n for n in a.get("/v1/nodes")["nodes"] if n["name"] == "d")["connected"])

    def test_comes_back_while_joining_is_open(self):
        cluster = self.stopping("offer")
        creator, d = cluster.nodes[0], cluster.nodes[3]
        task = creator.create(plan(min_clients=4, max_clients=4, wait=30, connection=30))
        d.process.wait()
        d.kill()
        d.start()  # with the memory of nothing
        result = self.finish(creator, task)
        self.assert_parties(result, 4, "abcd")
        self.assertIn("d is back, restarted", creator.log())

    def test_comes_back_after_sharing(self):
        cluster = self.stopping("partial")
        creator, d = cluster.nodes[0], cluster.nodes[3]
        begin = time.monotonic()
        task = creator.create(plan(min_clients=3, max_clients=4, wait=60, connection=60))
        d.process.wait()
        d.kill()
        d.start()  # its keys are gone: it is out of this task, and nobody waits for it
        result = self.finish(creator, task)
        self.assertEqual(result["parties"]["survived"], 3)
        self.assertLess(time.monotonic() - begin, 45)
        task = creator.create(plan(min_clients=4, max_clients=4))
        self.assertEqual(self.finish(creator, task)["parties"]["survived"], 4)

    def test_killed_when_its_answer_is_on_disk(self):
        cluster = self.stopping("record")
        creator, d = cluster.nodes[0], cluster.nodes[3]
        task = creator.create(plan(min_clients=3, max_clients=4, wait=2, connection=2))
        result = self.finish(creator, task)
        # It masked, so its rows are in; the others' shares are enough to open the sum.
        self.assertEqual(result["parties"]["survived"], 4)
        self.assertEqual(result["outputs"]["m"]["value"], 121 / 7)
        d.process.wait()
        with sqlite3.connect(d.folder / "state" / "node.db") as database:
            self.assertEqual(database.execute("SELECT count(*) FROM answered").fetchone(), (2,))

    def test_killed_before_its_rows_leave(self):
        cluster = self.stopping("pledge")
        creator, d = cluster.nodes[0], cluster.nodes[3]
        task = creator.create(plan(min_clients=3, max_clients=4, wait=2, connection=2))
        result = self.finish(creator, task)
        self.assert_parties(result, 4, "abc", d="it dropped out")
        d.process.wait()
        with sqlite3.connect(d.folder / "state" / "node.db") as database:
            self.assertEqual(database.execute("SELECT count(*) FROM answered").fetchone(), (1,))

    def test_two_rounds(self):
        creator = self.willing(FOUR[:3]).nodes[0]
        task = creator.create(plan({"v": "mean((wage - mean(wage)) ** 2)", "m": "mean(wage)"}))
        result = self.finish(creator, task)
        self.assertEqual(result["outputs"]["m"]["value"], 3.5)
        self.assertEqual(result["outputs"]["v"]["value"], 35 / 12)
        self.assertEqual(result["parties"]["survived"], 3)
        messages = creator.messages(task)
        for message in ("[Start Round] task 1 round 1 start",
                        "[Start Round] task 1 round 1 opens mean(wage)",
                        "[End Round] task 1 round 1 finish", "[Start Round] task 1 round 2 start",
                        "[Start Round] task 1 round 2 opens mean((wage - mean(wage)) ** 2)",
                        "[End Round] task 1 round 2 finish"):
            self.assertIn(message, messages)

    def test_killed_in_a_later_round(self):
        cluster = self.willing(FOUR, "partial", SOTTO_TEST_STOP_ROUND="2")
        creator = cluster.nodes[0]
        task = creator.create(plan({"v": "mean((wage - mean(wage)) ** 2)"}, min_clients=3,
                                   max_clients=4, wait=1, connection=1))
        self.assertEqual(creator.wait_end(task), "ERROR")
        self.assertIn("d was lost in round 2", creator.messages(task)[-1])
        self.assertIn("all its survivors must stay", creator.messages(task)[-1])
        for node in cluster.nodes[:3]:
            node.wait_log("ended (")

    def test_killed_between_rounds(self):
        cluster = self.willing(FOUR, "record")  # its rows are in the first sum
        creator = cluster.nodes[0]
        task = creator.create(plan({"v": "mean((wage - mean(wage)) ** 2)"}, min_clients=3,
                                   max_clients=4, wait=2, connection=2))
        self.assertEqual(creator.wait_end(task), "ERROR")
        self.assertIn("d was lost in round 2", creator.messages(task)[-1])
        self.assertNotIn("result", creator.messages(task)[-1])


if __name__ == "__main__":
    main_together()
