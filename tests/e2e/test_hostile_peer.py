# SPDX-License-Identifier: Apache-2.0
"""A pinned peer that spends what it is given: it must not use up the node, nor take another's place."""

import json
import os
import resource
import socket
import threading
import time
import unittest

from hostile import MESSAGE, Hostile
from support import ClusterCase, plan, wages

THREE = [wages(1, 2), wages(3, 4), wages(5, 6)]


def memory_kb(node):
    with open(f"/proc/{node.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


class HostilePeer(ClusterCase):
    def hostile(self, names="b", **policy):
        """A node, and those of its peers that are named, in a program that is not Sotto's."""
        cluster = self.cluster(THREE, start=False)
        a = cluster.nodes[0]
        a.policy = policy
        a.start()
        return a, *(Hostile(node.folder / "node.key", a) for node in cluster.nodes[1:]
                    if node.name in names)

    def test_messages_of_nothing(self):
        """Each would cost a job and a line of the log: many times what it costs to send."""
        a, b = self.hostile()
        before = memory_kb(a)
        status, _ = b.call(MESSAGE, bytes(1000 * 1000))
        a.get("/v1/tasks")
        self.assertEqual(status, 400)
        self.assertLess(memory_kb(a) - before, 64 * 1024)
        self.assertLess(len(a.log()), 10_000)

    def test_bodies_that_do_not_end(self):
        """What one peer makes a node hold at once is bounded, whatever its number of connections."""
        a, b, c = self.hostile("bc")
        length = 2 * 1024 * 1024  # no task is under way: no body may be longer
        self.assertTrue(self.is_cut(b, length + 1))
        a.wait_log("bytes is refused: it is longer than any message of a task under way with it")
        large = b.message(16, os.urandom(16), bytes(100_000))  # an advert of no task
        self.assertEqual(b.send(large), 200)
        connections = []
        for _ in range(2):
            connections.append(self.announce(b, length))
        self.wait_status(503, b.send, large)
        self.assertEqual(b.send(b.message(16, os.urandom(16), b"")), 200)  # small
        self.assertEqual(c.send(large), 200)
        a.wait_log("bytes is refused: others of it are under way")
        self.assertLess(memory_kb(a), 64 * 1024)
        for connection in connections:
            connection.close()
        self.wait_status(200, b.send, large)
        task = c.invite(os.urandom(16), plan())
        self.assertEqual(task, 200)
        a.wait_log("of c (wage_avg): joined")  # and then the creator's bodies may have its vectors
        self.wait_status(200, c.send, c.message(16, os.urandom(16), bytes(4 * 1024 * 1024)))
        self.assertTrue(self.is_cut(b, 4 * 1024 * 1024))

    def is_cut(self, peer, length):
        """Whether a body is refused by its length: a little of it is read, and the rest is not."""
        connection = self.announce(peer, length)
        try:
            connection.send(bytes(length - 100_000))
            return connection.getresponse().status == 503
        except OSError:
            return True

    def announce(self, peer, length):
        """Begins a body of a length."""
        connection = peer.connect()
        self.addCleanup(connection.close)
        connection.putrequest("POST", "/peer/v1/message")
        connection.putheader("Content-Length", 198 + length)
        connection.endheaders(peer.envelope(MESSAGE, bytes(100_000), length=length))
        return connection

    def test_too_many_messages(self):
        a, b = self.hostile()
        one = b.message(16, os.urandom(16), b"")
        self.assertEqual(b.send(*[one] * 4096), 200)
        self.assertEqual(b.send(*[one] * 4097), 400)
        a.wait_log("a request of b is refused: it has more than MESSAGES_MAX messages")

    def wait_status(self, status, call, *arguments):
        for _ in range(200):
            if (got := call(*arguments)) == status:
                return
        self.assertEqual(got, status)

    def test_connections_of_one_address(self):
        """A stranger that opens connections and says nothing keeps nobody else out."""
        a, b = self.hostile()
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limit)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit[1], 4096), limit[1]))
        address = tuple(a.peer_listen.rsplit(":", 1))
        for _ in range(1200):
            try:
                stranger = socket.create_connection(address, 1, ("127.0.0.2", 0))
            except OSError:
                continue
            self.addCleanup(stranger.close)
        self.assertEqual(b.send(b.message(16, os.urandom(16), b"")), 200)

    def test_an_answer_without_end(self):
        """Whoever answers at a peer's address, unsigned, fills no memory."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            while True:
                try:
                    client, _ = listener.accept()
                    client.recv(65536)
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                    for _ in range(200):
                        client.sendall(bytes(1024 * 1024))
                except OSError:
                    if listener.fileno() < 0:
                        return

        threading.Thread(target=serve, daemon=True).start()
        cluster = self.cluster(THREE, start=False)
        a, b, _ = cluster.nodes
        b.peers = [(a, "http://127.0.0.1:%d" % listener.getsockname()[1])]
        a.peer_url = ""
        b.start()
        b.wait_log("can't be reached")
        self.assertLess(memory_kb(b), 48 * 1024)

    def test_task_ids_of_others(self):
        """The name of a task is its creator's key and its number: nobody can occupy another's."""
        a, b, c = self.hostile("bc")
        task = os.urandom(16)
        self.assertEqual(b.invite(task, plan()), 200)
        a.wait_log("of b (wage_avg): joined")
        self.assertEqual(c.invite(task, plan()), 200)
        a.wait_log("of c (wage_avg): joined")

    def test_an_invitation_that_another_brings(self):
        """A peer that kept another's old invitation makes this node work for nobody."""
        a, b, c = self.hostile("bc")
        invitation = b.message(1, os.urandom(16), json.dumps(plan()).encode())
        self.assertEqual(c.send(invitation), 200)
        a.wait_log("c brought a message of b; ignored")
        self.assertNotIn("joined", a.log())
        self.assertEqual(b.send(invitation), 200)
        a.wait_log("of b (wage_avg): joined")

    def test_invitations_of_who_may_not_ask(self):
        """Their plans are not read, and the owner waits for none of them."""
        cluster = self.cluster(THREE, start=False)
        a = cluster.nodes[0]
        a.policy = {"ask": ["c"]}
        a.start()
        b = Hostile(cluster.nodes[1].folder / "node.key", a)
        dear = plan({f"o{i}": "sum(" + "*".join(["wages.wage"] * 17) + ")" for i in range(1000)})
        body = json.dumps(dear).encode()
        many = [b.message(1, os.urandom(16), body) for _ in range(40)]
        started = time.monotonic()
        self.assertEqual(b.send(*many[:4]), 200)
        a.wait_log("(its plan is not read): declined (refused): policy.ask does not list b")
        for i in range(4, len(many), 4):
            self.wait_status(200, b.send, *many[i:i + 4])  # 503 while more waits than may
        a.create(plan())
        self.assertLess(time.monotonic() - started, 1)  # to read one of these plans takes 24 ms

    def test_dear_invitations_delay_only_their_sender(self):
        """Between any two plans of one peer comes what the owner, and another peer, have to say."""
        a, b, c = self.hostile("bc")
        dear = plan({f"o{i}": "sum(" + "*".join(["wages.wage"] * 17) + ")" for i in range(1000)})
        body = json.dumps(dear).encode()
        sent = 0
        while b.send(*[b.message(1, os.urandom(16), body) for _ in range(4)]) == 200:
            sent += 4  # until what waits of it is as much as it may be
        self.assertEqual(c.invite(os.urandom(16), plan()), 200)
        a.create(plan())
        a.wait_log("of c (wage_avg): joined")
        self.assertLess(a.log().count("of b (wage_avg)"), sent)  # b's go on

    def test_tasks_without_end(self):
        """One peer's tasks leave room for those of the others, and files for the node."""
        a, b, c = self.hostile("bc", profile="open")  # one file has many names
        resource.prlimit(a.process.pid, resource.RLIMIT_NOFILE, (1000, 1000))
        many = {f"w{i}": "wages.csv" for i in range(64)}
        wanted = plan(outputs={"m": "mean(w0.wage)"}, files=many, wait=600000, connection=600000)
        for _ in range(300):
            self.assertEqual(b.invite(os.urandom(16), wanted), 200)
        a.wait_log("declined (limit)")
        self.assertEqual(c.invite(os.urandom(16), plan()), 200)
        a.wait_log("of c (wage_avg): joined")


if __name__ == "__main__":
    unittest.main()
