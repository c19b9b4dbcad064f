# SPDX-License-Identifier: Apache-2.0
"""Three honest nodes work on while four addresses flood the peer side of one of them with rubbish."""

import os
import subprocess
import time
import unittest

from support import ClusterCase, plan, wages

THREE = [wages(1, 2), wages(3, 4), wages(5, 6)]
FLOOD = os.environ["SOTTO_FLOOD"]
SOURCES = 4
SOCKETS = 5000
REQUESTS_A_SECOND = 10000
SECONDS = 3


def memory_kb(node):
    with open(f"/proc/{node.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


class Flood(ClusterCase):
    def test_a_flood(self):
        cluster = self.cluster(THREE)
        a, _, c = cluster.nodes
        cluster.wait_connected()
        host, port = a.peer_listen.rsplit(":", 1)
        floods = [subprocess.Popen([FLOOD, host, port, f"127.0.1.{i + 1}", str(SOCKETS // SOURCES),
                                    str(REQUESTS_A_SECOND // SOURCES), str(SECONDS)], stdout=subprocess.PIPE, text=True)
                  for i in range(SOURCES)]
        time.sleep(0.5)
        tasks, calls = [], []
        c.kill()
        c.start()  # it has to get in again
        c.wait_log("connected to ")
        while all(flood.poll() is None for flood in floods):
            started = time.monotonic()
            self.assertEqual(a.request("GET", "/v1/tasks")[0], 200)
            calls.append(time.monotonic() - started)
            task = a.create(plan())
            self.assertEqual(a.wait_end(task), "FINISHED", a.messages(task))
            self.assertEqual(a.result(task)["parties"]["survived"], 3)
            tasks.append(time.monotonic() - started)
        sent = sum(int(flood.communicate()[0]) for flood in floods)
        print(f"{sent / SECONDS:.0f} requests a second; {len(tasks)} tasks, at most {max(tasks):.3f} s; "
              f"the API at most {max(calls):.3f} s; {memory_kb(a) / 1024:.0f} MiB; {len(a.log())} bytes of log")
        self.assertGreater(sent, 0)
        self.assertGreater(len(tasks), 0)
        if not os.environ.get("SOTTO_SANITIZED"):
            self.assertLess(memory_kb(a), 64 * 1024)
        self.assertLess((a.folder / "state/node.log").stat().st_size, 1024 * 1024)


if __name__ == "__main__":
    unittest.main()
