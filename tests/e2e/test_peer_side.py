# SPDX-License-Identifier: Apache-2.0
"""The peer side against forged, replayed, foreign and endless requests: nothing changes."""

import http.client
import socket
import ssl
import subprocess
import threading
import unittest
import warnings

from support import ClusterCase, Node, plan, wages

THREE = [wages(1, 2), wages(3, 4), wages(5, 6)]
PREFIX_BYTES = 198  # header and signature, PEER.md


class Recorder:
    """A TCP relay that keeps what the client sent."""

    def __init__(self, target, cut_after=None):
        self.target = target
        self.cut_after = cut_after  # bytes of either direction, then the connection is cut
        self.streams = []
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            stream = bytearray()
            self.streams.append(stream)
            self.sockets += [client, server]
            threading.Thread(target=self.relay, args=(client, server, stream), daemon=True).start()
            threading.Thread(target=self.relay, args=(server, client, None), daemon=True).start()

    def relay(self, source, sink, keep):
        passed = 0
        try:
            while data := source.recv(65536):
                if keep is not None:
                    keep += data
                passed += len(data)
                if self.cut_after and passed > self.cut_after:
                    sink.sendall(data[:len(data) // 2])
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def requests(self):
        """(path, body) of all whole requests."""
        found = []
        for stream in self.streams:
            data = bytes(stream)
            while b"\r\n\r\n" in data:
                head, data = data.split(b"\r\n\r\n", 1)
                lines = head.decode().split("\r\n")
                length = next(int(line.split(":")[1]) for line in lines
                              if line.lower().startswith("content-length"))
                found.append((lines[0].split()[1], data[:length]))
                data = data[length:]
        return found

    def close(self):
        for end in [self.listener, *self.sockets]:
            try:
                end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits on it
            except OSError:
                pass
            end.close()


class PeerSide(ClusterCase):
    def post(self, node, path, body, method="POST"):
        host, port = node.peer_listen.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def recorded(self):
        """Three nodes after one task, b's traffic recorded."""
        cluster = self.cluster(THREE, start=False)
        a, b, c = cluster.nodes
        a.start()
        recorder = Recorder(tuple(a.peer_listen.rsplit(":", 1)))
        self.addCleanup(recorder.close)
        b.peers = [(a, recorder.url), (c, False)]
        b.start()
        c.start()
        self.finish(a)
        return cluster, recorder.requests()

    def finish(self, creator):
        task = creator.create(plan())
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        self.assertEqual(creator.result(task)["outputs"]["m"]["value"], 3.5)

    def test_replayed_requests(self):
        cluster, requests = self.recorded()
        creator = cluster.nodes[0]
        paths = {path for path, _ in requests}
        self.assertEqual(paths, {"/peer/v1/hello", "/peer/v1/poll", "/peer/v1/message"})
        for _ in range(3):
            for path, body in requests:
                status, _ = self.post(creator, path, body)
                # A hello again is the same hello: it opens nothing by itself.
                self.assertEqual(status, 200 if path == "/peer/v1/hello" else 409, path)
        self.assertNotIn("restarted", creator.log())
        self.assertEqual(creator.log().count("b is connected"), 1)
        self.finish(creator)
        # A restarted node knows no session of the past.
        creator.kill()
        creator.start()
        for path, body in requests:
            if path != "/peer/v1/hello":
                self.assertEqual(self.post(creator, path, body)[0], 409)
        self.finish(creator)

    def test_forged_requests(self):
        cluster, requests = self.recorded()
        creator = cluster.nodes[0]
        for path, body in requests[:6]:
            # Whoever says that it has a session, and has none, is told to say hello, peer or not.
            nobody = 401 if path == "/peer/v1/hello" else 409
            for at in (0, 8, 9, 10, 42, 74, 90, 98, 102, 134, 166, PREFIX_BYTES - 1):
                forged = bytearray(body)
                forged[at] ^= 1
                status = 426 if at == 8 else nobody if at in (10, 74, 134, 166) else 401
                self.assertEqual(self.post(creator, path, bytes(forged)), (status, b""), (path, at))
            for short in (b"", body[:100]):
                self.assertEqual(self.post(creator, path, short), (401, b""), path)
            # A good header over another body; of all but hello the header is a replay as well.
            for other in (body[:-1] + bytes([body[-1] ^ 1]), body[:-1], body + b"x"):
                self.assertEqual(self.post(creator, path, other), (nobody, b""), path)
            unsigned = body[:134] + bytes(64) + body[PREFIX_BYTES:]
            self.assertEqual(self.post(creator, path, unsigned)[0], nobody)
        self.assertEqual(self.post(creator, "/peer/v1/hello", b"x" * 100000), (401, b""))
        self.assertEqual(self.post(creator, "/peer/v1/other", b""), (404, b""))
        self.assertEqual(self.post(creator, "/v1/tasks", None, "GET"), (404, b""))
        self.assertEqual(self.post(creator, "/peer/v1/poll", None, "GET"), (405, b""))
        # A request of one kind does not pass as another.
        hello = next(body for path, body in requests if path == "/peer/v1/hello")
        self.assertEqual(self.post(creator, "/peer/v1/message", hello)[0], 400)
        self.assertEqual(creator.log().count("b is connected"), 1)
        self.finish(creator)

    def test_requests_for_another_node(self):
        cluster, requests = self.recorded()
        c = cluster.nodes[2]
        c.stop()
        c.peer_listen = "127.0.0.1:0"
        c.start()
        for path, body in requests:
            self.assertEqual(self.post(c, path, body), (401, b""))

    def test_a_node_that_is_not_pinned(self):
        cluster = self.cluster(THREE)
        creator = cluster.nodes[0]
        stranger = Node(cluster.folder / "s", "s", wages(9))
        cluster.nodes.append(stranger)
        stranger.peers = [(creator, True)]
        stranger.peer_listen = None
        stranger.start()
        stranger.wait_log("does not know this node's key")
        # And one that pins another key for the creator takes no answer of it.
        fooled = Node(cluster.folder / "f", "f", wages(9))
        cluster.nodes.append(fooled)
        fooled.peers = [(cluster.nodes[1], creator.peer_url)]
        fooled.peer_listen = None
        fooled.start()
        fooled.wait_log("does not know this node's key")
        self.finish(creator)
        names = [node["name"] for node in creator.get("/v1/nodes")["nodes"]]
        self.assertEqual(names, ["a", "b", "c"])

    def test_connections_that_are_cut(self):
        """Whatever was on its way comes again, once: every task ends with the right result."""
        cluster = self.cluster(THREE, start=False)
        a, b, c = cluster.nodes
        a.start()
        relay = Recorder(tuple(a.peer_listen.rsplit(":", 1)), cut_after=12_000)
        self.addCleanup(relay.close)
        b.peers = [(a, relay.url), (c, False)]
        b.start()
        c.start()
        for _ in range(20):
            self.finish(a)
        self.assertGreater(len(relay.streams), 5)
        self.assertNotIn("restarted", a.log())

    @staticmethod
    def certificate(node):
        cert, key = str(node.folder / "tls.crt"), str(node.folder / "tls.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                        "-days", "2", "-subj", "/CN=a", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        return cert, key

    def test_tls(self):
        cluster = self.cluster(THREE, start=False)
        a = cluster.nodes[0]
        a.tls = self.certificate(a)
        cluster.start()
        self.assertTrue(a.peer_url.startswith("https://"))
        self.finish(a)
        host, port = a.peer_listen.rsplit(":", 1)
        context = ssl.create_default_context(cafile=a.tls[0])
        with socket.create_connection((host, int(port))) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                self.assertIn(secure.version(), ("TLSv1.2", "TLSv1.3"))
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # these versions are what the test is about
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection((host, int(port))) as plain:
            with self.assertRaises(ssl.SSLError):
                context.wrap_socket(plain, server_hostname="127.0.0.1")

    def test_tls_with_another_certificate(self):
        cluster = self.cluster(THREE[:2], start=False)
        a, b = cluster.nodes
        a.tls = self.certificate(a)
        a.start()
        a.tls = self.certificate(b)  # what b is told to trust
        b.start()
        b.wait_log("can't be reached")
        self.assertNotIn("b is connected", a.log())

    def test_api_tls(self):
        cluster = self.cluster(THREE, start=False)
        a = cluster.nodes[0]
        a.api_tls = self.certificate(a)
        cluster.start()
        self.assertTrue(a.api_url.startswith("https://"))
        done = a.cli("run", "--ca", a.api_tls[0], "--data", "wages.csv", "--", "m=mean(wage)")
        self.assertEqual(done.stdout.splitlines()[0], "m  3.5")
        done = a.cli("list", check=False)  # nobody vouches for it
        self.assertEqual(done.returncode, 1)
        self.assertIn("can't be reached", done.stderr)


if __name__ == "__main__":
    unittest.main()
