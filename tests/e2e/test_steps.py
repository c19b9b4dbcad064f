#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which party has done which step of a task: while it runs, afterwards, and where parties stay away."""

import sqlite3
import time
import unittest

from support import ClusterCase, plan, wages

STEPS = ["joined", "chosen", "dealt", "masked", "counted"]


class Steps(ClusterCase):
    def steps(self, node, task):
        """The last round, the steps of each party in their order, and the remarks."""
        answer = node.get(f"/v1/task/steps?task_id={task}")
        parties = {party["name"]: party for party in answer["parties"]}
        for party in parties.values():
            times = [party["steps"][step] for step in STEPS if step in party["steps"]]
            self.assertEqual(times, sorted(times))
        return answer["round"], {name: sorted(party["steps"]) for name, party in parties.items()}, {
            name: party["remark"] for name, party in parties.items() if party["remark"]}

    def test_who_takes_part_and_who_stays_away(self):
        cluster = self.cluster([wages(1, 2), wages(3), wages(4), wages(5), wages(6)], start=False)
        a, b, _, d, _ = cluster.nodes
        b.policy = {"min_rows": 9}
        cluster.start({3: {"SOTTO_TEST_STOP_AT": "partial"}})
        cluster.wait_connected()
        task = a.create(plan(max_clients=5, wait=3, connection=3))
        self.assertEqual(a.wait_end(task), "FINISHED")
        last, done, remarks = self.steps(a, task)
        self.assertEqual((last, done), (1, {
            "a": sorted(STEPS), "b": [], "c": sorted(STEPS), "d": ["chosen", "joined"], "e": sorted(STEPS)}))
        self.assertEqual(remarks, {"b": "declined: refused"})
        self.assertEqual(a.result(task)["parties"]["survived"], sum("counted" in steps for steps in done.values()))
        a.kill()
        a.start()
        self.assertEqual(self.steps(a, task), (last, done, remarks))
        said = "left: refused: c declined: d joined"  # what a party says is no step of anybody
        with sqlite3.connect(a.folder / "state" / "node.db") as database:
            database.execute("INSERT INTO logs(task_id, created_at, message) VALUES (?, 1, ?)",
                             (task, f"[Join] task {task} round 1 b {said}"))
        self.assertEqual(self.steps(a, task), (last, done, {"b": said}))

    def test_a_later_round_begins_anew(self):
        cluster = self.cluster([wages(*range(1, 40))] * 3, start=False)
        for node in cluster.nodes:
            node.policy = {"profile": "open", "results": "participants"}
        cluster.start()
        cluster.wait_connected()
        a, b = cluster.nodes[:2]
        task = a.create(plan({"m": "median(wage)"}))
        self.assertEqual(a.wait_end(task), "CONFIRMED")
        last, done, remarks = self.steps(a, task)
        self.assertGreater(last, 1)
        self.assertEqual((done, remarks), (dict.fromkeys("abc", sorted([*STEPS, "confirmed"])), {}))
        b.policy["approve"] = "manual"
        b.configure()
        self.assertEqual(b.request("POST", "/v1/reload", "")[0], 200)
        task = a.create(plan({"m": "median(wage)"}))
        end = time.monotonic() + 30
        while len(self.steps(a, task)[1]) < 3 and time.monotonic() < end:  # its log names who is waited for
            time.sleep(0.05)
        self.assertEqual(self.steps(a, task), (
            1, {"a": ["joined"], "b": [], "c": ["joined"]}, {"b": "has not answered"}))
        a.request("POST", f"/v1/task/cancel?task_id={task}", "")

    def test_more_names_than_a_line_of_the_log_has_room_for(self):
        """Twelve parties of long names, as a hundred of short ones are: none is lost, and none is made up."""
        cluster = self.cluster([wages(i, i + 1) for i in range(12)], start=False)
        for i, node in enumerate(cluster.nodes):
            node.name = f"n{i:02}-" + "x" * 56
            node.policy = {"results": "participants", "approve": "manual" if i == 11 else "automatic"}
        a, *_, dead, owner = cluster.nodes
        cluster.start({10: {"SOTTO_TEST_STOP_AT": "partial"}})
        cluster.wait_connected()
        task = a.create(plan(max_clients=11, wait=8, connection=4))
        self.assertIn(a.wait_end(task), ("FINISHED", "CONFIRMED"))
        names = [node.name for node in cluster.nodes]
        done = self.steps(a, task)[1]
        survived = {name for name in names if "counted" in done.get(name, [])}
        self.assertEqual(survived, set(names) - {dead.name, owner.name})
        self.assertEqual({name for name in names if "dealt" in done.get(name, [])}, survived)
        self.assertEqual({name for name in names if "chosen" in done.get(name, [])}, survived | {dead.name})
        self.assertLessEqual(set(done), set(names))
        for line in a.messages(task):
            self.assertLess(len(line), 512)
        for node in cluster.nodes[1:10]:
            node.policy["approve"] = "manual"
            node.configure()
            self.assertEqual(node.request("POST", "/v1/reload", "")[0], 200)
        task = a.create(plan(max_clients=11, wait=300, connection=4))
        end = time.monotonic() + 30
        while not any("waits" in line for line in a.messages(task)) and time.monotonic() < end:
            time.sleep(0.05)
        told = next(line for line in a.messages(task) if "waits" in line)
        self.assertRegex(told, r", [0-9]+ more")
        done = self.steps(a, task)[1]
        self.assertGreater(len(done), 3)
        self.assertLessEqual(set(done), set(names))
        a.request("POST", f"/v1/task/cancel?task_id={task}", "")


if __name__ == "__main__":
    unittest.main()
