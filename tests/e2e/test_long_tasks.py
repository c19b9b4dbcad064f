# SPDX-License-Identifier: Apache-2.0
"""Tasks of six rounds, and one of five nodes killed in a later one. SOTTO_TEST_STOP_AT and
SOTTO_TEST_STOP_ROUND (test builds) kill a node at a step of a round, as a power cut would."""

import json
import sqlite3
import time

from support import PATIENCE, ClusterCase, main_together, plan, run, wages

ROWS = 20
ROUNDS = 6
# Before each of its messages (ADVERT, DEAL, MASKED, CONSENT, REVEAL); after it has written down that
# its rows leave, and that it consents; when it was shown the sum, before and after it has that on
# its disk.
STEPS = ("send-16", "send-17", "pledge", "send-18", "record", "send-19", "send-20", "opened", "keep")


def nested(depth):
    """A sum that needs all those inside of it first."""
    return "mean(wage)" if depth == 1 else f"mean(abs(wage - {nested(depth - 1)}))"


def rows(first):
    return wages(*(first + 10 * i * i for i in range(ROWS)))


class LongTasks(ClusterCase):
    def start(self, **policy):
        cluster = self.cluster([rows(first) for first in (100, 203, 306, 409, 512)], start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 5, "profile": "open", **policy}
        cluster.start()
        cluster.wait_connected()
        return cluster

    @staticmethod
    def long_plan(**more):
        return plan({"v": nested(ROUNDS)}, min_clients=5, max_clients=5, **more)

    def end(self, creator, task, state="FINISHED"):
        self.assertEqual(creator.wait_end(task), state, creator.messages(task))

    @staticmethod
    def wait_killed(node):
        node.process.wait(PATIENCE)
        node.process.stdout.close()
        node.process = None

    @staticmethod
    def list_told(node):
        done = run("audit", "--config", str(node.folder / "node.yaml"), "--json")
        return json.loads(done.stdout)["columns"]

    def wait_forgotten(self, node):
        end = time.monotonic() + PATIENCE
        while self.count_kept(node) > 0:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    @staticmethod
    def count_kept(node):
        database = sqlite3.connect(next((node.folder / "state").glob("*.db")))
        try:
            return database.execute("SELECT COUNT(*) FROM underway").fetchone()[0]
        finally:
            database.close()

    def test_one_of_five_is_killed_at_each_step(self):
        cluster = self.start()
        creator, last = cluster.nodes[0], cluster.nodes[4]
        task = creator.create(self.long_plan())
        self.end(creator, task)
        outputs = creator.result(task)["outputs"]
        for step in STEPS:
            with self.subTest(step):
                last.stop()
                last.start({"SOTTO_TEST_STOP_AT": step, "SOTTO_TEST_STOP_ROUND": "4"})
                last.wait_log("connected to ")
                task = creator.create(self.long_plan())
                self.wait_killed(last)
                self.assertGreater(self.count_kept(last), 0)
                last.start()
                self.end(creator, task)
                self.assertEqual(creator.result(task)["outputs"], outputs)
                self.assertIn(f"[Join] task {task} round",
                              "\n".join(line for line in creator.messages(task)
                                        if "is back, restarted" in line))
                last.wait_log("goes on after a restart")
        self.wait_forgotten(last)

    def test_a_receipt_after_a_restart(self):
        """A round that was dealt again, or missed by one who confirms in the end, is as any other."""
        cluster = self.start(transcripts="keep")
        creator, reader, last = cluster.nodes[0], cluster.nodes[1], cluster.nodes[4]
        for step in ("send-18", "send-19"):
            last.stop()
            last.start({"SOTTO_TEST_STOP_AT": step, "SOTTO_TEST_STOP_ROUND": "4"})
            task = creator.create(self.long_plan(results="participants"))
            self.wait_killed(last)
            last.start()
            self.end(creator, task, "CONFIRMED")
            for more in ((), ("--full",)):
                path = str(creator.folder / "receipt.sotto")
                creator.cli("receipt", str(task), "--out", path, *more)
                done = reader.cli("verify", path, "--peers", str(reader.folder / "node.yaml"))
                self.assertIn("confirmed by 5 of 5 parties", done.stdout)

    def test_the_ledger_counts_once(self):
        """Under `profile: safe` an owner decides on a later round, once, and the ledger counts it."""
        cluster = self.cluster([rows(first) for first in (100, 203, 306, 409, 512)], start=False)
        creator, last = cluster.nodes[0], cluster.nodes[4]
        for node in cluster.nodes:
            node.policy = {"min_rows": 5, "profile": "open"}
        last.policy = {"min_rows": 5, "approve": "manual", "budget": 50}
        cluster.start()
        cluster.wait_connected()
        told = []
        for number, step in enumerate(("none", "ledger", "pledge"), 1):
            last.stop()
            last.start({"SOTTO_TEST_STOP_AT": step, "SOTTO_TEST_STOP_ROUND": "2"})
            task = creator.create(plan({"v": "mean((wage - mean(wage)) ** 2)"}, min_clients=5,
                                       max_clients=5))
            last.wait_log(f"sotto approve {number}")
            last.cli("approve", str(number))
            if step != "none":
                self.wait_killed(last)
                last.start()
            self.end(creator, task)
            last.stop()
            told.append(self.list_told(last))
            last.start()
        self.assertGreater(told[0][0]["told"], 0)
        self.assertEqual(told[1:], told[:1] * 2)

    def test_who_stays_away_ends_it(self):
        cluster = self.start()
        creator, last = cluster.nodes[0], cluster.nodes[4]
        last.stop()
        last.start({"SOTTO_TEST_STOP_AT": "pledge", "SOTTO_TEST_STOP_ROUND": "4"})
        task = creator.create(self.long_plan() | {
            "strategy": {"min_clients": 5, "max_clients": 5, "wait_timeout": 1,
                         "connection_timeout": 2}})
        self.wait_killed(last)
        self.end(creator, task, "ERROR")
        self.assertIn("e was lost in round 4 (no answer)", creator.messages(task)[-1])
        for node in cluster.nodes[1:4]:
            node.wait_log("ended (parties)")
            self.wait_forgotten(node)
        last.start()  # the task is over: it waits for its creator, and gives up
        last.wait_log("ended (timeout)")
        self.wait_forgotten(last)

    def test_other_files_than_before(self):
        cluster = self.start()
        creator, last = cluster.nodes[0], cluster.nodes[4]
        last.stop()
        last.start({"SOTTO_TEST_STOP_AT": "send-17", "SOTTO_TEST_STOP_ROUND": "4"})
        task = creator.create(self.long_plan())
        self.wait_killed(last)
        for name, text in rows(513).items():
            (last.data / name).write_text(text)
        last.start()
        last.wait_log("wages.csv is another file than when the task began")
        self.end(creator, task, "ERROR")
        self.assertIn("e was lost in round 4", creator.messages(task)[-1])


if __name__ == "__main__":
    main_together()
