# SPDX-License-Identifier: Apache-2.0
"""Peers that come and go while nodes run: who is out is out at once, and a mistake changes nothing."""

import http.client
import json
import pathlib
import signal
import ssl
import subprocess
import time
import unittest

from support import PATIENCE, ClusterCase, plan, run, wages

FOUR = [wages(*range(i, i + 20)) for i in range(4)]


class Peers(ClusterCase):
    def list_without(self, node, *names):
        """node.yaml without some peers; it is not read again yet."""
        node.peers = [(peer, url) for peer, url in node.peers if peer.name not in names]
        node.configure()

    def names(self, node):
        return [other["name"] for other in node.get("/v1/nodes")["nodes"]]

    def wait_connected(self, node, name, is_connected=True):
        end = time.monotonic() + PATIENCE
        while {other["name"]: other["connected"] for other in node.get("/v1/nodes")["nodes"]}[name] != is_connected:
            self.assertLess(time.monotonic(), end, node.log())
            time.sleep(0.02)

    def test_who_is_removed_is_out_until_it_is_added_again(self):
        cluster = self.cluster(FOUR)
        a, d = cluster.nodes[0], cluster.nodes[3]
        cluster.wait_connected()
        peers = a.peers
        self.list_without(a, "d")
        self.assertIn("reloaded", a.cli("reload").stdout)
        self.assertEqual(self.names(a), ["a", "b", "c"])
        self.assertIn("d (removed) is a peer no more", a.log())
        d.wait_log("it does not know this node's key")
        task = a.create(plan(max_clients=4))
        self.assertEqual(a.wait_end(task), "FINISHED")
        self.assertEqual(a.result(task)["parties"]["invited"], 3)
        self.refuse(a, plan(min_clients=4, max_clients=4), "wants at least 4 parties, and this node knows 3")
        self.assertNotIn("d", [node["name"] for node in a.get("/v1/datasets")["nodes"]])
        self.assertIn("\nsotto_peers 2\n", a.get("/metrics"))
        a.peers = peers
        a.configure()
        a.process.send_signal(signal.SIGHUP)
        a.wait_log("d is a peer now")
        self.wait_connected(a, "d")
        task = a.create(plan(min_clients=4, max_clients=4))
        self.assertEqual(a.wait_end(task), "FINISHED", a.messages(task))

    def test_a_task_goes_on_without_who_is_removed(self):
        cluster = self.cluster(FOUR, start=False)
        a, d = cluster.nodes[0], cluster.nodes[3]
        d.policy = {"approve": "manual"}
        cluster.start()
        cluster.wait_connected()
        task = a.create(plan(max_clients=4, connection=600))
        d.wait_log("waits for its owner")
        self.list_without(a, "d")
        a.cli("reload")
        self.assertEqual(a.wait_end(task), "FINISHED", a.messages(task))
        missing = a.result(task)["parties"]["missing"]
        self.assertEqual(missing, [{"name": "d", "why": "it is no peer of the node that asks any more"}])

    def test_who_removes_a_creator_leaves_its_tasks(self):
        cluster = self.cluster(FOUR, start=False)
        a, b, _, d = cluster.nodes
        b.policy = d.policy = {"approve": "manual"}
        cluster.start()
        cluster.wait_connected()
        a.create(plan(min_clients=4, max_clients=4, connection=600))
        b.wait_log("waits for its owner")
        self.list_without(b, "a")
        b.cli("reload")
        b.wait_log("declined (refused): its creator is no peer any more")
        self.assertEqual(self.names(b), ["b", "c", "d"])
        # The decision of its owner comes too late.
        b.cli("approve", "1")
        self.assertNotIn("joined", b.log().split("no peer any more")[1])

    def test_nothing_is_summed_up_with_who_is_removed(self):
        """The creator has it among its peers still: b's owner decides for b alone."""
        cluster = self.cluster(FOUR, start=False)
        a, b, _, d = cluster.nodes
        d.policy = {"approve": "manual"}
        cluster.start()
        cluster.wait_connected()
        task = a.create(plan(max_clients=4, connection=600))
        d.wait_log("waits for its owner")
        b.wait_log(": joined")
        self.list_without(b, "c")
        b.cli("reload")
        d.cli("approve", "1")
        self.assertEqual(a.wait_end(task), "FINISHED", a.messages(task))
        b.wait_log("declined (refused): c (removed) is among the parties")
        self.assertEqual(a.result(task)["parties"]["names"], ["a", "c", "d"])

    def test_another_key_under_the_same_name_is_another_peer(self):
        cluster = self.cluster(FOUR)
        a, b = cluster.nodes[0], cluster.nodes[1]
        cluster.wait_connected()
        old = b.key
        b.stop()
        (b.folder / "node.key").rename(b.folder / "old.key")
        b.key = run("keygen", "--out", str(b.folder / "node.key")).stdout.strip()
        a.configure()
        a.cli("reload")
        b.start()
        self.wait_connected(a, "b")
        self.assertEqual([other["key"] for other in a.get("/v1/nodes")["nodes"] if other["name"] == "b"], [b.key])
        b.stop()
        (b.folder / "node.key").rename(b.folder / "new.key")
        (b.folder / "old.key").rename(b.folder / "node.key")
        lines = len(b.log())
        b.start()
        while "it does not know this node's key" not in b.log()[lines:]:
            time.sleep(0.02)
        self.assertNotIn(old, [other["key"] for other in a.get("/v1/nodes")["nodes"]])

    def test_a_mistake_changes_nothing(self):
        cluster = self.cluster(FOUR)
        a = cluster.nodes[0]
        cluster.wait_connected()
        peers, good = a.peers, (a.folder / "node.yaml").read_text()
        mistakes = [
            (lambda: self.list_without(a, "d") or setattr(a, "policy", {"ask": ["b", "d"]}), "policy.ask"),
            (lambda: self.list_without(a, "d") or setattr(a, "policy", {"min_partys": 3}), "line: "),
            (lambda: setattr(a, "peers", [(a, False), *peers]), "two nodes named a"),
            (lambda: setattr(a, "policy", {"with": ["b", "e"]}), "policy.with"),
        ]
        for make, part in mistakes:
            a.peers, a.policy = peers, {}
            make()
            a.configure()
            status, answer = a.request("POST", "/v1/reload", "")
            self.assertEqual(status, 400, part)
            self.assertIn("the old configuration stays in force", answer["detail"])
            self.assertIn(part, answer["detail"])
            a.process.send_signal(signal.SIGHUP)
            self.assertEqual(self.names(a), ["a", "b", "c", "d"])
            self.assertEqual(a.get("/v1/policy")["min_parties"], 0)
            checked = run("node", "--check", "--config", str(a.folder / "node.yaml"), check=False)
            self.assertNotEqual(checked.returncode, 0)
            self.assertIn(part, checked.stderr)
        own = good.replace(a.peers[0][0].key, a.key)
        (a.folder / "node.yaml").write_text(own)
        self.assertIn("has this node's own key", a.request("POST", "/v1/reload", "")[1]["detail"])
        checked = run("node", "--check", "--config", str(a.folder / "node.yaml"), check=False)
        self.assertIn("has this node's own key", checked.stderr)
        a.wait_log("the old one stays in force")
        task = a.create(plan(min_clients=4, max_clients=4))
        self.assertEqual(a.wait_end(task), "FINISHED", a.messages(task))
        (a.folder / "node.yaml").write_text(good)
        self.assertIn("is right: a, with 3 peers and 1 datasets",
                      run("node", "--check", "--config", str(a.folder / "node.yaml")).stdout)
        (a.folder / "node.yaml").write_text(good.replace("name: a\n", "name: z\n", 1).replace("_dir: state", "_dir: other"))
        self.assertEqual(a.request("POST", "/v1/reload", ""),
                         (200, {"status": "ok", "restart": "name, state_dir"}))
        self.assertEqual(self.names(a)[0], "a")

    def certificate(self, node, name):
        cert, key = (str(node.folder / f"{name}.{kind}") for kind in ("pem", "key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        return cert, key

    def shown(self, node):
        """The certificate that a listener shows to a new connection."""
        host, port = node.listen.rsplit(":", 1)
        return ssl.get_server_certificate((host, int(port))).strip()

    def test_certificates_are_read_again(self):
        """Under other files or the same; a connection under the old one ends with its next answer."""
        cluster = self.cluster(FOUR[:3], start=False)
        a = cluster.nodes[0]
        first, second = self.certificate(a, "first"), self.certificate(a, "second")
        old, new = (pathlib.Path(pair[0]).read_text() for pair in (first, second))
        for name, text in (("old.pem", old), ("new.pem", new)):
            (a.folder / name).write_text(text)
        a.tls = a.api_tls = first
        cluster.start()
        cluster.wait_connected()
        env = {"SOTTO_NODE": a.api_url, "SOTTO_TOKEN": a.token, "SOTTO_CA": str(a.folder / "old.pem")}
        host, port = a.listen.rsplit(":", 1)
        kept = http.client.HTTPSConnection(host, int(port), context=ssl.create_default_context(cadata=old))
        self.addCleanup(kept.close)
        for is_last in (False, True):
            kept.request("GET", "/v1/nodes", headers={"Authorization": "Bearer " + a.token})
            answer = kept.getresponse()
            self.assertIn(b'"a"', answer.read())
            self.assertEqual(answer.getheader("Connection") == "close", is_last)
            a.api_tls = second
            a.configure()
            run("reload", env=env if not is_last else {**env, "SOTTO_CA": str(a.folder / "new.pem")})
        self.assertEqual(self.shown(a), new.strip())
        env["SOTTO_CA"] = str(a.folder / "new.pem")
        task = run("create", "-", env=env, stdin=json.dumps(plan())).stdout.strip()
        run("wait", task, env=env)  # the peers' connections are under the first one
        pathlib.Path(second[0]).write_text(old)
        self.assertIn("is not the certificate of", run("reload", env=env, check=False).stderr)
        self.assertEqual(self.shown(a), new.strip())
        pathlib.Path(second[1]).write_text(pathlib.Path(first[1]).read_text())
        run("reload", env=env)
        self.assertEqual(self.shown(a), old.strip())

    def test_the_log_as_objects(self):
        """From a reload on; the file is begun again where it was moved away."""
        cluster = self.cluster(FOUR[:3])
        a = cluster.nodes[0]
        log, yaml = a.folder / "state" / "node.log", a.folder / "node.yaml"
        text = yaml.read_text()
        yaml.write_text(text + "log: jason\n")
        self.assertIn('log: expected text or json, found "jason"', a.request("POST", "/v1/reload", "")[1]["detail"])
        yaml.write_text(text + "log: json\n")
        yaml.write_text(text + "log_level: debug\n")
        self.assertIn('log_level: expected info or warning, found "debug"', a.request("POST", "/v1/reload", "")[1]["detail"])
        yaml.write_text(text + "log: json\n")
        log.rename(a.folder / "state" / "moved")
        self.assertEqual(a.request("POST", "/v1/reload", "")[0], 200)
        self.assertEqual(a.wait_end(a.create(plan())), "FINISHED")
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        self.assertIn('task 1 "wage_avg" created here', [line["message"] for line in lines])
        self.assertTrue(all(line["time"].endswith("Z") for line in lines))
        self.assertNotIn(a.token, log.read_text())
        yaml.write_text(text + "log: json\nlog_level: warning\n")
        self.assertEqual(a.request("POST", "/v1/reload", "")[0], 200)
        before = len(log.read_text().splitlines())
        self.assertEqual(a.wait_end(a.create(plan())), "FINISHED")
        self.assertEqual(a.wait_end(a.create(plan(files={"wages": "none.csv"}, wait=1, connection=1))), "ERROR")
        end = time.monotonic() + PATIENCE
        while "none.csv is not offered" not in log.read_text() and time.monotonic() < end:
            time.sleep(0.01)  # it is said once the task has ended
        lines = [json.loads(line) for line in log.read_text().splitlines()[before:]]
        self.assertEqual({line["level"] for line in lines}, {"warning"})
        self.assertIn("none.csv is not offered", "".join(line["message"] for line in lines))

    def test_reloads_under_load(self):
        """Whoever asks while d is out gets nothing of d; every task ends; the node lives."""
        cluster = self.cluster(FOUR)
        a = cluster.nodes[0]
        cluster.wait_connected()
        peers = a.peers
        for turn in range(12):
            tasks = [a.create(plan(max_clients=4, connection=5, wait=5)) for _ in range(3)]
            a.peers = [pair for pair in peers if pair[0].name != "d"] if turn % 2 == 0 else peers
            a.configure()
            self.assertEqual(a.request("POST", "/v1/reload", "")[0], 200)
            if turn % 2 == 0:
                later = a.create(plan(max_clients=4, connection=5, wait=5))
                self.assertEqual(a.wait_end(later), "FINISHED", a.messages(later))
                self.assertEqual(a.result(later)["parties"]["names"], ["a", "b", "c"])
            for task in tasks:
                self.assertIn(a.wait_end(task), ("FINISHED", "ERROR"))
        self.assertEqual(self.names(a), ["a", "b", "c", "d"])


if __name__ == "__main__":
    unittest.main()
