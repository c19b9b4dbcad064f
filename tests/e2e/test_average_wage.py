# SPDX-License-Identifier: Apache-2.0
"""Three companies, one average wage; and what the API tells on the way."""

import json
import threading
import time
import unittest

from support import ClusterCase, plan, run, wages


class AverageWage(ClusterCase):
    def test_three_daemons_give_the_pooled_mean(self):
        parties = [("5549.44", "", "NA", "4000"), ("1.5e3", "7200.25"), ("3", "9007199254740993")]
        cluster = self.cluster([wages(*values) for values in parties])
        creator = cluster.nodes[0]
        outputs = {"m": "mean(wages.wage)", "n": "count(wages.wage)", "s": "sum(wages.wage)"}
        task = creator.create(plan(outputs))
        self.assertEqual(creator.wait_end(task), "FINISHED")
        result = creator.result(task)
        names = result["parties"].pop("names")
        self.assertEqual(sorted(names), ["a", "b", "c"])
        self.assertEqual(result["parties"], {"invited": 3, "joined": 3, "survived": 3})

        pooled = cluster.folder / "wages.csv"
        pooled.write_text(wages(*[v for values in parties for v in values])["wages.csv"])
        local = json.loads(run("local", "--json", "--data", str(pooled), "--",
                               *[f"{k}={v}" for k, v in outputs.items()]).stdout)
        self.assertEqual(result["outputs"], local["outputs"])

    def test_metadata_logs_lists_and_the_command_line(self):
        cluster = self.cluster([wages(1, 2), wages(3, 4), wages(5, 6)])
        creator = cluster.nodes[0]
        tasks = [creator.create(plan(name=f"t{i}")) for i in range(3)]
        self.assertEqual(tasks, [1, 2, 3])
        for task in tasks:
            self.assertEqual(creator.wait_end(task), "FINISHED")
            self.assertEqual(creator.result(task)["outputs"]["m"]["value"], 3.5)

        metadata = creator.get("/v1/task/metadata?task_id=2")
        self.assertLess(abs(metadata.pop("created_at") - time.time() * 1000), 600_000)
        self.assertEqual(metadata, {"id": 2, "name": "t1", "type": "analytics", "creator": "a",
                                    "status": "FINISHED", "enable_verify": False})
        listed = creator.get("/v1/task/list?task_ids=1&task_ids=3")
        self.assertEqual([task["id"] for task in listed], [1, 3])
        self.assertEqual(creator.get("/v1/task/list"), [])
        page = creator.get("/v1/tasks?page=2&page_size=2&order=desc")
        self.assertEqual(([t["id"] for t in page["tasks"]], page["total_pages"]), ([1], 2))

        lines = creator.get("/v1/task/logs?task_id=1&start=0&limit=1000")
        ids = [line["id"] for line in lines]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(lines[0]["message"], "[Create Task] create task 1")
        self.assertEqual(lines[-1]["message"], "[Finish Task] task 1 finished")
        self.assertIn("no dead members", " ".join(line["message"] for line in lines))
        rest = creator.get(f"/v1/task/logs?task_id=1&start={ids[3]}&limit=2")
        self.assertEqual([line["id"] for line in rest], ids[3:5])

        nodes = creator.get("/v1/nodes")
        self.assertEqual([node["name"] for node in nodes["nodes"]], ["a", "b", "c"])
        self.assertTrue(all(node["connected"] for node in nodes["nodes"]))
        metrics = creator.get("/metrics")
        self.assertIn('sotto_tasks{status="FINISHED"} 3\n', metrics)
        self.assertIn("sotto_peers_connected 2\n", metrics)

        trace = creator.cli("trace", "1").stdout.splitlines()
        self.assertEqual([line[21:] for line in trace], [line["message"] for line in lines])
        self.assertRegex(trace[0], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  \[Create Task\]")
        creator.cli("wait", "1")
        self.assertEqual(creator.cli("result", "1").stdout.splitlines()[0], "m  3.5")
        self.assertEqual(json.loads(creator.cli("result", "1", "--json").stdout),
                         creator.result(1))
        self.assertIn("FINISHED", creator.cli("list").stdout)
        done = creator.cli("run", "--data", "wages=wages.csv", "--name", "by_hand", "--",
                           "n=count(wage)")
        self.assertEqual(done.stdout.splitlines()[0], "n  6")
        self.assertIn("[Finish Task] task 4 finished", done.stderr)
        # Nobody's values are in any log.
        for node in cluster.nodes:
            self.assertNotIn("3.5", node.log())

    def test_a_result_asked_for_too_early(self):
        cluster = self.cluster([wages(1), wages(2), wages(3), wages(4)], start=False)
        for node in cluster.nodes[:3]:
            node.start()  # the fourth is not there yet
        creator = cluster.nodes[0]
        task = creator.create(plan(min_clients=4, max_clients=4))
        self.assertEqual(creator.request("GET", f"/v1/task/result?task_id={task}"),
                         (400, {"detail": f"task {task} is not finished", "code": "state"}))
        self.assertEqual(creator.get(f"/v1/task/status?task_id={task}"), {"status": "RUNNING"})
        tracer = []
        thread = threading.Thread(target=lambda: tracer.append(creator.cli("trace", str(task))))
        thread.start()
        cluster.nodes[3].start()
        self.assertEqual(creator.wait_end(task), "FINISHED")
        thread.join()
        self.assertIn("[Finish Task]", tracer[0].stdout)
        self.assertEqual(creator.result(task)["outputs"]["m"]["value"], 2.5)

    def test_many_tasks_at_once(self):
        cluster = self.cluster([wages(1, 2), wages(3, 4), wages(5, 6)])
        creator = cluster.nodes[0]
        tasks = [creator.create(plan(name=f"t{i}")) for i in range(20)]
        for task in tasks:
            self.assertEqual(creator.wait_end(task), "FINISHED")
            self.assertEqual(creator.result(task)["outputs"]["m"]["value"], 3.5)

    def test_any_node_with_a_peer_side_creates(self):
        cluster = self.cluster([wages(1, 2), wages(3, 4), wages(5, 6)], start=False)
        a, b, c = cluster.nodes
        b.peer_listen = "127.0.0.1:0"
        c.peers = [(a, True), (b, True)]
        a.peers = [(b, False), (c, False)]
        a.start()
        b.peers = [(a, True), (c, False)]
        b.start()
        c.start()
        a.stop()  # learns where b is
        a.peers = [(b, True), (c, False)]
        a.start()
        for creator in (a, b):
            task = creator.create(plan())
            self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
            self.assertEqual(creator.result(task)["outputs"]["m"]["value"], 3.5)


if __name__ == "__main__":
    unittest.main()
