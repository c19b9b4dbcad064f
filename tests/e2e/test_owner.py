# SPDX-License-Identifier: Apache-2.0
"""What the owner of a node sees of others: all of it, harmless, and not pushed out by anybody."""

import json
import os
import re
import socket
import struct
import time

from hostile import Hostile
from support import ClusterCase, main_together, plan, run, wages

ROWS = {"wages.csv": "id,wage_of_the_employee\n" + "".join(f"{i},{i * 100}\n" for i in range(1, 40))}
THREE = [wages(1, 2), wages(3, 4), wages(5, 6)]


class Owner(ClusterCase):
    def by_hand(self):
        cluster = self.cluster([ROWS] * 3, start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 0, "profile": "open", "approve": "manual"}
        cluster.start()
        cluster.wait_connected()
        return cluster.nodes[:2]

    def asked(self, creator, owner, body, number=1):
        creator.create(body)
        owner.wait_log(f"sotto approve {number},")
        return owner.cli("asked", str(number)).stdout

    def test_nothing_of_what_is_asked_is_cut(self):
        """A condition behind much text stands in what the owner approves."""
        creator, owner = self.by_hand()
        pad = " + 0*wage_of_the_employee" * 60
        long = self.asked(creator, owner, plan({"total": "sum(wage_of_the_employee" + pad +
                                                         " + if(id == 17, 1000000*wage_of_the_employee, 0))"}))
        self.assertIn("if(id == 17, 1000000*wage_of_the_employee, 0))", long)
        blank = self.asked(creator, owner, plan({"total": "sum(wage_of_the_employee)"},
                                                where="id >= 0" + " " * 1500 + "and id == 17"), 2)
        self.assertIn("where id >= 0 [1500 blanks] and id == 17\n", blank)

    def test_an_owner_has_the_time_that_policy_gives(self):
        """A plan waits longer than its task, and what was decided counts when the same is asked again."""
        cluster = self.cluster([ROWS] * 3, start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 0, "profile": "open"}
        creator, owner = cluster.nodes[:2]
        owner.policy["approve"] = "manual"
        cluster.start()
        cluster.wait_connected()
        body = plan({"m": "sum(wage_of_the_employee)"}, connection=2, wait=2)
        first = creator.create(body)
        self.assertEqual(creator.wait_end(first), "ERROR")
        self.assertIn("WAITING", owner.cli("asked").stdout)
        owner.kill()
        owner.start()
        cluster.wait_connected()
        owner.cli("approve", "1")
        self.assertEqual(creator.wait_end(creator.create(body)), "FINISHED")
        self.assertIn("ENDED", owner.cli("asked").stdout)  # once for each answer
        self.assertEqual(creator.wait_end(creator.create(body)), "ERROR")
        owner.cli("reject", "2")
        self.assertEqual(creator.wait_end(creator.create(body)), "ERROR")
        owner.wait_log("declined (refused): the owner rejected it")
        entries = owner.get("/v1/record")["record"]
        self.assertEqual([entry["event"] for entry in reversed(entries)],
                         ["WAITING", "APPROVED", "JOINED", "ANSWERED", "WAITING", "REJECTED", "DECLINED"])
        self.assertEqual({entry["text"] for entry in entries if entry["event"] in ("APPROVED", "REJECTED")},
                         {"by the token the first one"})
        head, *lines = owner.cli("record").stdout.splitlines()  # in columns, whatever length a name has
        self.assertEqual([line[head.index("name"):].split("  ")[0] for line in lines], [entry["name"] for entry in entries])
        self.assertEqual(len(owner.get("/v1/asked")["asked"]), 2)

    def one_by_hand(self):
        """A creator, and an owner who approved a plan whose task ended meanwhile."""
        cluster = self.cluster([ROWS] * 3, start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 0, "profile": "open"}
        creator, owner = cluster.nodes[:2]
        owner.policy["approve"] = "manual"
        cluster.start()
        cluster.wait_connected()
        body = plan({"m": "sum(wage_of_the_employee)"}, connection=3, wait=3)
        self.assertEqual(creator.wait_end(creator.create(body)), "ERROR")
        owner.cli("approve", "1")
        return cluster, creator, owner, body

    def test_a_decision_is_used_once_though_the_node_dies(self):
        """What was approved has left, and the node is killed before its task ends."""
        cluster, creator, owner, body = self.one_by_hand()
        owner.kill()
        owner.start({"SOTTO_TEST_STOP_AT": "record"})
        cluster.wait_connected()
        self.assertEqual(creator.wait_end(creator.create(body)), "ERROR")
        owner.kill()
        owner.start()
        cluster.wait_connected()
        self.assertEqual(creator.wait_end(creator.create(body)), "ERROR")
        owner.wait_log("sotto approve 2,")

    def test_a_decision_is_used_once_by_tasks_at_once(self):
        _, creator, owner, body = self.one_by_hand()
        tasks = [creator.create(body) for _ in range(3)]
        self.assertEqual(sorted(creator.wait_end(task) for task in tasks), ["ERROR", "ERROR", "FINISHED"])
        self.assertEqual(sum(entry["event"] == "ANSWERED" for entry in owner.get("/v1/record")["record"]), 1)


    def test_names_deceive_nobody(self):
        """Marks of direction, characters without width and controls are shown as what they are not."""
        creator, owner = self.by_hand()
        name = "x\u202egnp.\u200b\u2066e\ufeff\u00ad\U000e0041"
        shown = self.asked(creator, owner, plan({"m": "sum(wage_of_the_employee)"}, name=name))
        texts = [shown, owner.cli("asked").stdout, creator.cli("list").stdout, owner.log(), creator.log(),
                 (owner.folder / "state/node.log").read_text()]
        for text in texts:
            self.assertNotRegex(text, "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
        self.assertRegex(shown, r"x(<U\+202E>|\?+)gnp")

    def test_a_column_hidden_meanwhile(self):
        """Policy counts as it is when a round is computed, also for what * meant when the files were opened."""
        cluster = self.cluster([{"wages.csv": "wage,secret\n" + "".join(f"{i},{i * 7}\n" for i in range(40))}] * 3,
                               start=False)
        a, b, c = cluster.nodes
        a.start()
        b.start()
        b.wait_log("connected to ")
        task = a.create(plan({"m": "sum(wages.*)"}, connection=60))
        b.wait_log(": joined")
        b.policy["columns"] = [{"dataset": "wages.csv", "hide": ["secret"]}]
        b.configure()
        self.assertEqual(b.request("POST", "/v1/reload", "")[0], 200)
        c.start()
        self.assertEqual(a.wait_end(task), "ERROR")
        b.wait_log("policy.columns does not show column secret of wages.csv")

    def test_the_record(self):
        """What was asked and decided stays, however much a peer asks afterwards."""
        cluster = self.cluster(THREE, start=False)
        a, b, c = cluster.nodes
        a.policy = {"ask": ["c"]}
        cluster.start()
        task = a.create(plan(name="first"))
        self.assertEqual(a.wait_end(task), "FINISHED")
        b.stop()
        hostile = Hostile(b.folder / "node.key", a)
        wanted = json.dumps(plan(name="of b")).encode()
        for _ in range(0, 1005, 201):
            self.assertEqual(hostile.send(*[hostile.message(1, os.urandom(16), wanted) for _ in range(201)]), 200)
        self.assertEqual(hostile.send(hostile.message(1, os.urandom(16), b"no plan")), 200)
        c.stop()
        asker = Hostile(c.folder / "node.key", a)
        self.assertEqual(asker.invite(os.urandom(16), plan(name="next")), 200)
        self.assertEqual(asker.send(asker.message(1, os.urandom(16), b"no plan")), 200)
        a.wait_log("of c (its plan is not read): ended (plan)")
        end = time.monotonic() + 30
        while time.monotonic() < end:  # what c asks is served in turns with what b asks
            record = a.get("/v1/record?limit=100000")["record"]
            if sum(entry["times"] for entry in record if entry["creator"] == "b") == 1006:
                break
        declined = [entry for entry in record if entry["creator"] == "b"]
        self.assertEqual({(entry["event"], entry["reason"], entry["text"]) for entry in declined},
                         {("DECLINED", "refused", "policy.ask does not list b")})
        self.assertEqual(sorted(entry["times"] for entry in declined), [1] * 999 + [7])
        self.assertEqual([(entry["event"], entry["creator"], entry["name"]) for entry in record
                          if entry["creator"] != "b"],
                         [("DECLINED", "c", ""), ("JOINED", "c", "next"), ("ANSWERED", "a", "first"),
                          ("JOINED", "a", "first")])
        answered = next(entry["number"] for entry in record if entry["event"] == "ANSWERED")
        self.assertEqual(json.loads(a.get(f"/v1/record/one?number={answered}")["plan"])["name"], "first")
        lines = a.cli("record").stdout.splitlines()
        self.assertEqual(len(lines), len(record) + 1)
        self.assertIn("(refused) policy.ask does not list b  (and 6 more)", "\n".join(lines))
        self.assertIn('"name": "first"', a.cli("record", str(answered)).stdout)
        a.kill()
        a.start()
        self.assertEqual(a.get("/v1/record?limit=100000")["record"], record)

    def test_columns_are_told_as_policy_shows_them(self):
        node = self.cluster([{"wages.csv": "wage,id,dept\n1.5,1,x\n2,2,y\n", "other.csv": "a\n1\n"}],
                            start=False).nodes[0]
        node.policy = {"datasets": ["wages.csv"], "columns": [{"dataset": "wages.csv", "hide": ["id"]}]}
        node.start()
        self.assertEqual(node.get("/v1/columns?dataset=wages.csv"), {"columns": [
            {"name": "wage", "type": "decimal"}, {"name": "dept", "type": "string"}]})
        for query, status, text in (("?dataset=other.csv", 400, "policy.datasets of node.yaml does not"),
                                    ("?dataset=../token", 400, "refused"), ("", 422, "dataset is missing")):
            found, body = node.request("GET", "/v1/columns" + query)
            self.assertEqual(found, status)
            self.assertIn(text, body["detail"])
        # What is wrong in a hidden column is for the owner.
        (node.data / "wages.csv").write_text('wage,id,dept\n1.5,"1"x,x\n')
        found, body = node.request("GET", "/v1/columns?dataset=wages.csv")
        self.assertEqual((found, body), (400, {"detail": "the file can't be read: the owner's log says "
                                                         "why", "code": "input"}))
        self.assertIn('column "id"', node.log())

    def test_tokens_have_roles(self):
        """Who creates tasks, reads, decides for the data, keeps the node running, and may do all of it: five people."""
        a = self.cluster(THREE, start=False).nodes[0].start()
        yaml = ("--config", str(a.folder / "node.yaml"))
        tokens = {role: run("token", "new", "my-" + role, "--role", role, *yaml).stdout.strip()
                  for role in ("ask", "read", "approve", "watch", "admin")}
        routes = {("POST", "/v1/task"): "ask", ("POST", "/v1/task/cancel?task_id=9"): "ask",
                  ("GET", "/v1/task/metadata?task_id=9"): "ask read", ("GET", "/v1/task/status?task_id=9"): "ask read",
                  ("GET", "/v1/task/list?task_ids=9"): "ask read", ("GET", "/v1/tasks"): "ask read",
                  ("GET", "/v1/task/logs?task_id=9"): "ask read", ("GET", "/v1/task/result?task_id=9"): "ask read",
                  ("GET", "/v1/task/steps?task_id=9"): "ask read",
                  ("GET", "/v1/task/words?task_id=9"): "ask read", ("POST", "/v1/task/check"): "ask",
                  ("GET", "/v1/asked/rules?number=9"): "approve",
                  ("GET", "/v1/policy"): "approve", ("GET", "/v1/ledger"): "approve",
                  ("GET", "/v1/columns?dataset=wages.csv"): "ask", ("GET", "/v1/datasets"): "ask",
                  ("GET", "/v1/asked"): "approve", ("GET", "/v1/asked/one?number=9"): "approve",
                  ("POST", "/v1/asked/approve?number=9"): "approve", ("POST", "/v1/asked/reject?number=9"): "approve",
                  ("GET", "/v1/code"): "approve", ("GET", "/v1/code/one?digest=" + "0" * 64): "approve",
                  ("POST", "/v1/code/offer"): "ask", ("POST", "/v1/code/approve?digest=" + "0" * 64): "approve",
                  ("POST", "/v1/code/revoke?digest=" + "0" * 64): "approve",
                  ("GET", "/v1/record"): "approve", ("GET", "/v1/record/one?number=9"): "approve",
                  ("GET", "/v1/me"): "ask read approve watch", ("POST", "/v1/logout"): "ask read approve watch",
                  ("GET", "/v1/nodes"): "ask read approve watch", ("GET", "/metrics"): "approve watch",
                  ("GET", "/readyz"): "ask read approve watch", ("POST", "/v1/reload"): "",
                  ("GET", "/healthz"): "ask read approve watch"}
        for (method, path), may in routes.items():
            for role, token in tokens.items():
                status, _ = a.request(method, path, token=token)
                allowed = role == "admin" or role in may.split()
                self.assertEqual(status != 403, allowed, (method, path, role))
                self.assertNotEqual(status, 401)
        listed = run("token", "list", *yaml).stdout
        self.assertIn("my-approve                        approve", listed)
        for token in tokens.values():
            self.assertNotIn(token, (a.folder / "tokens").read_text())
        again = run("token", "new", "my-ask", "--role", "ask", *yaml, check=False)
        self.assertIn("revoke it first", again.stderr)
        run("token", "revoke", "my-ask", *yaml)
        self.assertEqual(a.request("GET", "/v1/tasks", token=tokens["ask"])[0], 401)
        self.assertEqual(a.request("GET", "/v1/tasks", token=tokens["read"])[0], 200)
        lines = (a.folder / "tokens").read_text().splitlines()
        for i, line in enumerate(lines):
            name, role, _, digest = line.split()
            lines[i] = f"{name} {role} {int(time.time() * 1000) - 1} {digest}"  # its time is over
        (a.folder / "tokens").write_text("\n".join(lines) + "\n")
        self.assertEqual(a.request("GET", "/v1/tasks", token=tokens["read"])[0], 401)
        for broken in ("x\n", lines[0] + "\n" + "y" * 300):
            (a.folder / "tokens").write_text(broken)
            self.assertEqual(a.request("GET", "/v1/tasks", token=tokens["admin"])[0], 401)
        self.assertEqual(a.request("GET", "/v1/tasks")[0], 200)  # the first one

    def rubbish(self, node, count):
        """Requests of somebody without a key, each of which libmicrohttpd complains of."""
        host, port = node.peer_listen.rsplit(":", 1)
        for i in range(count):
            bad = (b"\x00\x01\x02\r\n\r\n", b"POST /peer/v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: EVIL\r\n\r\n",
                   b"GET /x HTTP/1.1\r\nA: " + b"x" * 40000 + b"\r\n\r\n")[i % 3]
            try:
                with socket.create_connection((host, int(port)), 5) as stranger:
                    stranger.sendall(bad)
            except OSError:
                pass

    def test_nobody_writes_the_log_full(self):
        cluster = self.cluster(THREE, start=False)
        a, b, _ = cluster.nodes
        a.start()
        b = Hostile(b.folder / "node.key", a)
        first = a.log().splitlines()[0]
        self.rubbish(a, 900)
        foreign = (b"SOTO" + struct.pack("<HHHH", 2, 1, 1, 0) + bytes(16) + struct.pack("<II", 1, 1) + bytes(128))
        for _ in range(20):
            b.send(*[foreign] * 4000)
        for _ in range(20):
            b.send(*[b.message(1, os.urandom(16), b"{}") for _ in range(50)])
        a.stop()
        log = (a.folder / "state/node.log").read_text()
        self.assertEqual(log.splitlines()[0], first)
        self.assertLess(len(log), 200_000)
        self.assertNotIn("EVIL", log)
        told = {cause: int(number) for number, cause in re.findall(r"and (\d+) more lines about (.*)", log)}
        self.assertGreater(told["requests of peer"], 300)
        self.assertGreater(told["messages of b"], 10_000)


if __name__ == "__main__":
    main_together()
