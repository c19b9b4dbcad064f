# SPDX-License-Identifier: Apache-2.0
"""Whoever has neither a key nor a token: it can't close a listener of a node, fill it, or stay."""

import os
import resource
import socket
import time

from hostile import HELLO, MESSAGE, Hostile
from support import ClusterCase, main_together, plan, wages

THREE = [wages(1, 2), wages(3, 4), wages(5, 6)]
HALF = b"POST /peer/v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 198\r\n\r\ns"
STRANGER_SECONDS = 10


class Strangers(ClusterCase):
    def hold(self, listen, source, count, data=HALF):
        """Opens connections from an address, each with the begin of a request."""
        host, port = listen.rsplit(":", 1)
        held = []
        for _ in range(count):
            try:
                stranger = socket.create_connection((host, int(port)), 5, (source, 0))
                self.addCleanup(stranger.close)
                stranger.sendall(data)
                held.append(stranger)
            except OSError:
                pass
        return held

    def count_open(self, held):
        count = 0
        for stranger in held:
            stranger.setblocking(False)
            try:
                count += stranger.recv(1) != b""
            except BlockingIOError:
                count += 1
            except OSError:
                pass
        return count

    def test_half_requests_close_no_listener(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit[1], 4096), limit[1]))
        cluster = self.cluster(THREE)
        a, b, c = cluster.nodes
        cluster.wait_connected()
        held = [*self.hold(a.peer_listen, "127.0.0.2", 520), *self.hold(a.peer_listen, "127.0.0.3", 520),
                *self.hold(a.listen, "127.0.0.4", 300, b"GET /v1/tasks HTTP/1.1\r\n")]
        b.kill()
        b.start()
        task = a.create(plan())
        self.assertEqual(a.wait_end(task), "FINISHED", a.messages(task))
        self.assertEqual(a.result(task)["parties"]["joined"], 3)
        self.assertLessEqual(self.count_open(held), 3 * 32)

    def test_bytes_now_and_then_hold_no_place(self):
        cluster = self.cluster(THREE, start=False)
        a = cluster.nodes[0].start()
        b = Hostile(cluster.nodes[1].folder / "node.key", a)
        replayed = b.connect()
        self.addCleanup(replayed.close)
        replayed.connect()
        body = b.envelope(HELLO, bytes(32), session=os.urandom(16))
        replayed.sock.sendall(b"POST /peer/v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        known = b.connect()
        self.addCleanup(known.close)
        known.request("POST", "/peer/v1/message", b.envelope(MESSAGE, b""))
        self.assertEqual(known.getresponse().read()[:8], b"sottoper")
        started = time.monotonic()
        held = [*self.hold(a.peer_listen, "127.0.0.2", 1), *self.hold(a.listen, "127.0.0.2", 1, b"GET /heal"),
                replayed.sock]
        while time.monotonic() < started + STRANGER_SECONDS - 2:
            time.sleep(1)
            for stranger in held[:2]:
                stranger.setblocking(True)
                stranger.sendall(b"s")
        self.assertEqual(self.count_open(held[:2]), 2)
        time.sleep(4)
        while replayed.sock and replayed.sock.recv(4096):  # the answer to the hello, then the end
            pass
        self.assertEqual(self.count_open(held[:2]), 0)
        known.request("POST", "/peer/v1/message", b.envelope(MESSAGE, b""))
        self.assertEqual(known.getresponse().status, 200)  # on the connection that it had

    def test_replayed_hellos_lock_nobody_out(self):
        """Whoever recorded hellos sends them again and again, while a caller is between its first two requests."""
        cluster = self.cluster(THREE, start=False)
        a = cluster.nodes[0].start()
        key = cluster.nodes[1].folder / "node.key"
        honest = Hostile(key, a)
        sniffed = [honest.envelope(HELLO, bytes(32), session=os.urandom(16)) for _ in range(50)]
        for _ in range(3):
            caller = Hostile(key, a)
            connection = caller.connect()
            for body in sniffed:
                connection.request("POST", "/peer/v1/hello", body)
                self.assertEqual(connection.getresponse().read()[:8], b"sottoper")
            connection.close()
            self.assertEqual(caller.call(MESSAGE, b"")[0], 200)
            self.assertEqual(honest.call(MESSAGE, b"")[0], 409)  # an older session
            honest = caller


if __name__ == "__main__":
    main_together()
