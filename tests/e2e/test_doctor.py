#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`sotto doctor`: everything that is wrong with a node is said at once, with what to do, and nothing is changed."""
import json
import os
import re
import shutil
import subprocess
import time
import unittest

from support import SOTTO, ClusterCase, free_port, plan, run, wages


class Doctor(ClusterCase):
    def look(self, node, code):
        done = run("doctor", "--config", str(node.folder / "node.yaml"), check=False)
        self.assertEqual((done.returncode, done.stderr), (code, ""), done.stdout)
        return [tuple(re.split(r"  +", line, maxsplit=2)) for line in done.stdout.splitlines()]

    def test_a_node_that_is_well(self):
        cluster = self.cluster([wages(1, 2), wages(3), wages(4)], start=False)
        for node in cluster.nodes[:2]:
            node.listen = f"127.0.0.1:{free_port()}"  # of a port that it picks itself nobody else knows
        cluster.start()
        cluster.wait_connected()
        cluster.nodes[1].files = [{"file": "wages.csv", "complete": ["wage"]}]
        cluster.nodes[1].configure()
        found = self.look(cluster.nodes[1], 0)
        self.assertEqual([line[1] for line in found if line[0] == "ok" and line[1] != "clock"],
                         ["config", "identity", "token", "disk", "data", "data", "node", "peer", "peer"])
        self.assertIn(("ok", "data", "wages.csv: offered are the rows that have all of wage (0 lack it)"), found)
        self.assertIn(("ok", "peer", "c and this node don't call each other: tasks of others join them"), found)
        self.assertIn(("ok", "data", "wages.csv: 1 rows, 2 columns"), found)
        self.assertIn(("ok", "peer", "b is connected"), self.look(cluster.nodes[0], 0))
        self.status_is_one_screen(cluster)

    def status_is_one_screen(self, cluster):
        """What the token may not see is left out; a node that can't work says so, and exits with 1."""
        creator, other, last = cluster.nodes
        creator.wait_log("c is connected")
        task = creator.create(plan({"n": "count(wages.wage)"}))
        state = creator.wait_end(task)
        config = ("--config", str(creator.folder / "node.yaml"))
        lines = run("status", *config).stdout.splitlines()
        self.assertEqual(lines[1:5], ["token     the one that init made (admin: may do everything)", "ready     yes", "peers     2 of 2 connected",
                                      f"tasks     {task}  {state}  wage_avg"])
        self.assertRegex(lines[0], r"^node      a, \d+\.\d+\.\d+, at http://127\.0\.0\.1:\d+$")
        watcher = run("token", "new", "bo", "--role", "watch", *config).stdout.split()[-1]
        seen = json.loads(run("status", "--json", "--node", creator.api_url, env={"SOTTO_TOKEN": watcher}).stdout)
        self.assertEqual((sorted(seen), seen["me"]["role"]), (["me", "nodes", "ready"], "watch"))
        other.stop()
        last.stop()
        while any(node["connected"] for node in creator.get("/v1/nodes")["nodes"][1:]):
            time.sleep(0.05)
        done = run("status", *config, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("ready     no peer is connected\n          sotto doctor says more\n"
                      "peers     0 of 2 connected\n          b is not, as it has no url; no fault where it does not call this node either\n", done.stdout)

    def test_all_that_is_wrong_is_said(self):
        cluster = self.cluster([wages(1, 2), wages(3), wages(4)], start=False)
        node = cluster.nodes[1]
        cluster.nodes[0].peer_url = f"http://127.0.0.1:{free_port()}"
        node.policy = {"datasets": ["wages.csv", "gone.csv"]}
        node.configure()
        before = sorted(os.walk(node.folder))
        (node.data / "wages.csv").write_text('name,wage\n"open\n')
        os.chmod(node.folder / "node.key", 0o644)
        found = self.look(node, 1)
        wrong = {what: [text for verdict, other, text in found if (verdict, other) == ("FAIL", what)]
                 for what in ("identity", "data", "peer")}
        self.assertIn("chmod 600", wrong["identity"][0])
        self.assertIn("wages.csv:2: column \"name\": unclosed quote", wrong["data"][0])
        self.assertIn("gone.csv", wrong["data"][1])
        self.assertRegex(wrong["peer"][0], r"^a: http://127\.0\.0\.1:\d+: .*connect")
        self.assertIn(("note", "node"), [line[:2] for line in found])
        self.assertEqual(sorted(os.walk(node.folder)), before)

    def test_certificates(self):
        """Another key's certificate is told, and another certificate than the pinned one."""
        folder = self.cluster([wages(1)], start=False).nodes[0].folder
        for name in ("acorn", "birch"):
            (folder / name).mkdir()
        run("init", "acorn", "--listen", f"127.0.0.1:{free_port()}", "--api", str(free_port()), cwd=folder / "acorn")
        line = re.search(r"sotto1,\S+", run("init", "--show", cwd=folder / "acorn").stdout)[0]
        run("init", "birch", "--listen", "127.0.0.1:1", cwd=folder / "birch")
        shutil.copy(folder / "birch" / "cert.pem", folder / "acorn" / "cert.pem")
        done = run("doctor", cwd=folder / "acorn", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"FAIL  tls        peer: \S*cert\.pem is not the certificate of \S*cert\.key\n")
        shutil.copy(folder / "birch" / "cert.key", folder / "acorn" / "cert.key")
        run("peer", "add", line, cwd=folder / "birch")
        with subprocess.Popen([SOTTO, "node"], cwd=folder / "acorn", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True) as other:
            self.addCleanup(other.kill)
            other.stdout.readline()
            found = run("doctor", cwd=folder / "birch", check=False).stdout
            other.terminate()
        self.assertIn("FAIL  peer       acorn: another key than the pinned one answers at https://127.0.0.1", found)

    def test_a_file_without_rows_has_any_key(self):
        node = self.cluster([{"wages.csv": "id,wage\n"}], start=False).nodes[0]
        node.files = [{"file": "wages.csv", "key": "id"}]
        node.configure()
        self.assertIn(("ok", "data", "wages.csv: 0 rows, 2 columns"), self.look(node, 0))

    def test_a_column_that_became_text(self):
        rows = "".join(f"{i},{5000 + i}\n" for i in range(20))
        node = self.cluster([{"wages.csv": f'id,wage\n{rows}20,"5,200.00"\n'}], start=False).nodes[0]
        node.configure()
        found = [line[2] for line in self.look(node, 0) if line[:2] == ("note", "data")]
        self.assertEqual(found, ['wages.csv:22: column "wage": expected a number, as in most rows, found "5,200.00": '
                                 "take out the thousands separators"])

    def test_a_configuration_that_can_not_be_read(self):
        node = self.cluster([wages(1)], start=False).nodes[0]
        (node.folder / "node.yaml").write_text("name: [\n")
        found = self.look(node, 1)
        self.assertEqual([line[:2] for line in found], [("FAIL", "config")])


if __name__ == "__main__":
    unittest.main()
