# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment, cancelling, and policy."""

import gzip
import http.client
import os
import resource
import socket
import threading
import time
import unittest

from support import ClusterCase, plan, wages

THREE = [wages(1, 2), wages(3, 4), wages(5, 6)]


class Restart(ClusterCase):
    def test_kill_keeps_results_and_ends_what_was_under_way(self):
        cluster = self.cluster(THREE + [wages(7)])
        cluster.wait_connected()
        creator, last = cluster.nodes[0], cluster.nodes[3]
        finished = creator.create(plan(min_clients=3, max_clients=3))
        self.assertEqual(creator.wait_end(finished), "FINISHED")
        result = creator.result(finished)
        messages = creator.messages(finished)
        last.stop()
        waiting = creator.create(plan(min_clients=4, max_clients=4))
        creator.kill()
        creator.start()
        last.start()
        self.assertEqual(creator.result(finished), result)
        self.assertEqual(creator.messages(finished), messages)
        status = creator.get(f"/v1/task/status?task_id={waiting}")
        self.assertEqual(status, {"status": "ERROR", "error": "the node was restarted"})
        self.assertEqual(creator.messages(waiting)[-1], "the node was restarted")
        # The others find it again by themselves.
        again = creator.create(plan(min_clients=3, max_clients=3))
        self.assertEqual(again, waiting + 1)
        self.assertEqual(creator.wait_end(again), "FINISHED", creator.messages(again))

    def test_kill_right_after_the_answer(self):
        cluster = self.cluster(THREE)
        creator = cluster.nodes[0]
        for _ in range(5):
            task = creator.create(plan())
            self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
            creator.kill()  # not a moment to write anything more
            creator.start()
            self.assertEqual(creator.result(task)["outputs"]["m"]["value"], 3.5)

    def test_stop_with_long_polls_open(self):
        cluster = self.cluster(THREE[:2])
        cluster.wait_connected()  # b's poll is held at a
        cluster.nodes[0].stop()  # must not wait for it

    def test_stop_while_long_polls_come(self):
        """One that arrives as the node stops is refused, and the node ends well."""
        node = self.cluster(THREE, start=False).nodes[0]

        def poll(task):
            host, port = node.listen.rsplit(":", 1)
            request = (f"GET /v1/task/status?task_id={task}&wait=25 HTTP/1.1\r\nHost: a\r\n"
                       f"Authorization: Bearer {node.token}\r\n\r\n").encode()
            try:
                while True:
                    with socket.create_connection((host, int(port))) as connection:
                        connection.sendall(request)
                        time.sleep(0.001)
            except OSError:
                pass  # it has stopped

        for _ in range(8):
            node.start()
            task = node.create(plan())
            threads = [threading.Thread(target=poll, args=(task,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.05)
            node.stop()
            for thread in threads:
                thread.join()

    def test_cancel(self):
        cluster = self.cluster(THREE + [wages(7)], start=False)
        creator = cluster.nodes[0]
        for node in cluster.nodes[:3]:
            node.start()
        task = creator.create(plan(min_clients=4, max_clients=4, connection=60))
        for node in cluster.nodes[1:3]:
            node.wait_log("joined")
        creator.cli("cancel", str(task))
        self.assertEqual(creator.wait_end(task), "CANCELLED")
        self.assertIn("cancelled", creator.messages(task)[-1])
        for node in cluster.nodes[:3]:
            node.wait_log("ended (cancelled)")
        status, answer = creator.request("POST", f"/v1/task/cancel?task_id={task}")
        self.assertEqual(status, 400)
        self.assertIn("ended already", answer["detail"])
        status, answer = creator.request("GET", f"/v1/task/result?task_id={task}")
        self.assertEqual(status, 400)
        self.assertIn("CANCELLED", answer["detail"])


class Disk(ClusterCase):
    def test_a_full_disk_at_the_end_of_a_task(self):
        """The task ends when there is room again, with its result, without a restart."""
        cluster = self.cluster([{}] + THREE)
        cluster.wait_connected()
        creator = cluster.nodes[0]
        nodes = cluster.nodes[1:]
        task = creator.create(plan(min_clients=3, max_clients=4))
        pid = creator.process.pid
        limit = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        for node in nodes:
            node.wait_log("ended (ok)")
        self.assertEqual(creator.get(f"/v1/task/status?task_id={task}"), {"status": "RUNNING"})
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)
        self.assertEqual(creator.wait_end(task), "FINISHED")
        self.assertEqual(creator.result(task)["outputs"]["m"]["value"], 3.5)

    def test_logs_do_not_grow_without_end(self):
        node = self.cluster([{}], start=False).nodes[0].start()
        log = node.folder / "state" / "node.log"
        for i in range(1, 6):
            node.stop()
            with open(log, "a") as out:
                out.truncate(16 * 1024 * 1024)
            node.start()
            end = time.monotonic() + 60
            while not self.is_rotated(log):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.01)
            self.assertEqual(len(list(log.parent.glob("node.log*"))), min(i, 3) + 1)

    @staticmethod
    def has_open(node, name):
        folder = f"/proc/{node.process.pid}/fd"
        for descriptor in os.listdir(folder):
            try:
                if os.path.basename(os.readlink(f"{folder}/{descriptor}")) == name:
                    return True
            except FileNotFoundError:
                pass  # closed meanwhile
        return False

    @staticmethod
    def is_rotated(log):
        # Between the node's rename and its open there is no file of that name.
        try:
            return log.stat().st_size <= 10_000
        except FileNotFoundError:
            return False

    def test_a_stop_does_not_wait_for_what_is_queued(self):
        cluster = self.cluster(THREE)
        for _ in range(100):
            cluster.nodes[0].create(plan(min_clients=3, max_clients=3))
        begin = time.monotonic()
        cluster.nodes[1].stop()
        self.assertLess(time.monotonic() - begin, 30)

    def test_a_stop_does_not_wait_for_a_file_to_be_read(self):
        packed = gzip.compress(b"wage\n") + gzip.compress(b"1\n" * 2**25) * 1000  # minutes
        node = self.cluster([{"wages.csv": packed}]).nodes[0]

        def create():
            try:
                node.create(plan())
            except (AssertionError, OSError, http.client.HTTPException):
                pass  # the node stops before it can answer

        asking = threading.Thread(target=create)
        asking.start()
        end = time.monotonic() + 60
        while not self.has_open(node, "wages.csv"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        node.stop()
        asking.join()


class Memory(ClusterCase):
    def test_rows_stay_in_memory(self):
        """A node that dies leaves no core."""
        a = self.cluster(THREE, start=False).nodes[0].start()
        with open(f"/proc/{a.process.pid}/limits") as file:
            core = next(line.split() for line in file if line.startswith("Max core file size"))
        self.assertEqual(core[4:6], ["0", "0"])


class Policy(ClusterCase):
    def decline(self, policy, part, changed=2):
        """Node c has another policy: the task fails, its log says why, the creator's does not."""
        cluster = self.cluster(THREE, start=False)
        cluster.nodes[changed].policy = policy
        cluster.start()
        creator = cluster.nodes[0]
        task = creator.create(plan())
        self.assertEqual(creator.wait_end(task), "ERROR")
        cluster.nodes[changed].wait_log(part)
        log = "\n".join(creator.messages(task))
        self.assertIn(cluster.nodes[changed].name, log)
        self.assertNotIn("policy", log)
        return log

    def test_who_may_ask(self):
        self.assertIn("refused", self.decline({"ask": ["b"]}, "policy.ask does not list a"))

    def test_min_parties(self):
        log = self.decline({"min_parties": 4}, "policy.min_parties is 4")
        self.assertIn("refused", log)

    def test_min_rows(self):
        log = self.decline({"min_rows": 3}, "there are 2 rows here, at least 3 are needed")
        self.assertIn("refused", log)

    def test_datasets(self):
        log = self.decline({"datasets": []}, "wages.csv is not offered")
        self.assertIn("not_found", log)

    def test_a_node_without_data_creates(self):
        cluster = self.cluster([{}] + THREE)
        creator = cluster.nodes[0]
        task = creator.create(plan())
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        self.assertEqual(creator.result(task)["parties"]["invited"], 3)
        # What it can't check itself, the others tell as a class.
        task = creator.create(plan({"m": "mean(wages.wag)"}))
        self.assertEqual(creator.wait_end(task), "ERROR")
        log = "\n".join(creator.messages(task))
        self.assertIn("not_found", log)
        self.assertNotIn("wag\"", log)
        for node in cluster.nodes[1:]:
            node.wait_log("no column \"wag\"")


if __name__ == "__main__":
    unittest.main()
