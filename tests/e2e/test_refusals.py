# SPDX-License-Identifier: Apache-2.0
"""What is refused, with which status, and what the answer says."""

import http.client
import json
import os
import unittest

from support import ClusterCase, plan, run, wages


class Refusals(ClusterCase):
    def test_bad_plans(self):
        creator = self.cluster([wages(1, 2)] * 3).nodes[0]
        good = plan()
        self.refuse(creator, plan({"x": "wages.wage"}), "must be an aggregate")
        self.refuse(creator, plan({"x": "median_of(wages.wage)"}), "median_of")
        self.refuse(creator, json.dumps(good)[:-1], "JSON")
        self.refuse(creator, "", "empty")
        self.refuse(creator, "[]", "")
        self.refuse(creator, "{" + '"version": 1, ' + json.dumps(good)[1:], "version")
        self.refuse(creator, {**good, "colour": "blue"}, "colour")
        self.refuse(creator, plan(min_clients=2), "min_clients")
        self.refuse(creator, plan(min_clients=2), "3")
        self.refuse(creator, plan(min_clients=4, max_clients=3), "max_clients")
        self.refuse(creator, {**good, "enable_verify": True}, "enable_verify")
        self.refuse(creator, plan(min_clients=4, max_clients=4), "3")  # more than there are
        self.refuse(creator, b"\x80\x03}q\x00." * 10, "JSON")  # a pickle
        self.refuse(creator, "x" * (256 * 1024 + 1), "longer than", status=413)
        # Where the creator offers the dataset, its columns are known at once.
        self.refuse(creator, plan({"m": "mean(wages.wag)"}), "wage")
        self.assertEqual(creator.get("/v1/tasks"), {"tasks": [], "total_pages": 0})

    def test_path_tricks(self):
        cluster = self.cluster([wages(1, 2)] * 3, start=False)
        creator = cluster.nodes[0]
        secret = cluster.folder / "secret.csv"
        secret.write_text("wage\n1\n")
        os.symlink("../../secret.csv", creator.data / "link.csv")
        os.symlink(secret, creator.data / "absolute.csv")
        creator.datasets += ["link.csv", "absolute.csv"]
        cluster.start()
        for name in ("../secret.csv", str(secret), "a/../../secret.csv", "wages.csv\0.png", ""):
            status, answer = creator.request("POST", "/v1/task", plan(files={"wages": name}))
            self.assertEqual(status, 400, (name, answer))
        for name in ("link.csv", "absolute.csv"):
            self.refuse(creator, plan(files={"wages": name}), "out of data_dir")
        self.assertEqual(creator.get("/v1/tasks")["tasks"], [])

    def test_the_token_does_not_travel_in_the_clear(self):
        """A client sends it over TLS or within this machine only, whatever the name looks like."""
        for node in ("http://192.0.2.1:6700", "192.0.2.1", "http://127.0.0.1@192.0.2.1/",
                     "http://127.0.0.1.example", "http://localhost.example:6700"):
            done = run("list", "--node", node, check=False, env={"SOTTO_TOKEN": "0" * 64})
            self.assertEqual(done.returncode, 1)
            self.assertIn("in the clear", done.stderr, node)
        for node in ("https://127.0.0.1:1", "http://localhost:1", "127.0.0.1:1", "http://[::1]:1/"):
            done = run("list", "--node", node, check=False, env={"SOTTO_TOKEN": "0" * 64})
            self.assertIn("can't be reached", done.stderr, node)

    def test_every_route_wants_the_token(self):
        creator = self.cluster([wages(1, 2)] * 3).nodes[0]
        task = creator.create(plan())
        creator.wait_end(task)
        routes = [("POST", "/v1/task"), ("GET", "/v1/task/metadata?task_id=1"),
                  ("GET", "/v1/task/status?task_id=1"), ("GET", "/v1/task/list?task_ids=1"),
                  ("GET", "/v1/tasks"), ("GET", "/v1/task/logs?task_id=1"),
                  ("GET", "/v1/task/result?task_id=1"), ("GET", "/v1/nodes"),
                  ("POST", "/v1/task/cancel?task_id=1"), ("GET", "/metrics"), ("GET", "//"),
                  ("GET", "/v1/nowhere"), ("DELETE", "/v1/task")]
        wrong = [{}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "},
                 {"Authorization": "Bearer " + "0" * 64},
                 {"Authorization": "Bearer " + creator.token[:-1]},
                 {"Authorization": "Bearer " + creator.token + "0"},
                 {"Authorization": "Basic " + creator.token}, {"X-Token": creator.token}]
        for method, path in routes:
            for headers in wrong:
                body = json.dumps(plan()) if method == "POST" else None
                status, answer = creator.request(method, path, body, token="", headers=headers)
                self.assertEqual(status, 401, (method, path, headers))
                self.assertIn("token", answer["detail"])
                self.assertEqual(answer["code"], "auth")
        self.assertEqual(creator.request("GET", "/healthz", token=""), (200, {"status": "ok"}))
        self.assertEqual(creator.get("/v1/tasks")["tasks"][0]["id"], task)  # and nothing new

    def test_bad_parameters(self):
        creator = self.cluster([wages(1, 2)] * 3).nodes[0]

        def expect(status, path, part, method="GET"):
            got, answer = creator.request(method, path, body=None)
            self.assertEqual(got, status, (path, answer))
            self.assertIn(part, answer["detail"])
            if status in (400, 422):
                self.assertEqual(answer["code"], {400: "not_found", 422: "input"}[status])

        for route in ("metadata", "status", "logs", "result"):
            expect(400, f"/v1/task/{route}?task_id=7", "task 7 does not exist")
            expect(422, f"/v1/task/{route}", "task_id")
            for bad in ("x", "-1", "1.5", "", "99999999999999999999", "1%00"):
                expect(422, f"/v1/task/{route}?task_id={bad}", "task_id")
        expect(400, "/v1/task/list?task_ids=7", "task 7 does not exist")
        expect(422, "/v1/task/list?task_ids=7x", "task_ids")
        longest = "&".join(["task_ids=9223372036854775807"] * 256)
        expect(400, f"/v1/task/list?{longest}", "does not exist")
        known = "&".join([f"task_ids={creator.create(plan())}"] * 257)
        expect(422, f"/v1/task/list?{known}", "at most 256")
        expect(400, "/v1/task/cancel?task_id=7", "task 7 does not exist", "POST")
        expect(422, "/v1/tasks?page=0", "page")
        expect(422, "/v1/tasks?page_size=1001", "page_size")
        expect(422, "/v1/tasks?order=up", "order")
        expect(422, "/v1/nodes?page=x", "page")
        expect(422, "/v1/task/logs?task_id=1&limit=0", "limit")
        expect(422, "/v1/task/status?task_id=1&wait=26", "wait")
        expect(404, "/v1/nowhere", "no such path")
        expect(405, "/v1/task", "POST")
        expect(405, "/v1/tasks", "GET", "POST")

    def test_an_endless_body_is_cut(self):
        creator = self.cluster([wages(1, 2)]).nodes[0]
        host, port = creator.listen.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.putrequest("POST", "/v1/task")
        connection.putheader("Authorization", "Bearer " + creator.token)
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        try:
            for _ in range(64):
                connection.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            connection.send(b"0\r\n\r\n")
            self.assertEqual(connection.getresponse().status, 413)
        except (ConnectionError, http.client.HTTPException):
            pass  # cut while we were still sending: as good
        finally:
            connection.close()
        self.assertEqual(creator.request("GET", "/healthz")[0], 200)

    def test_the_command_line(self):
        creator = self.cluster([wages(1, 2)] * 3).nodes[0]

        def expect(code, part, *arguments, **more):
            done = run(*arguments, check=False, **more)
            self.assertEqual(done.returncode, code, (arguments, done.stderr))
            self.assertIn(part, done.stdout + done.stderr)
            return done

        env = {"SOTTO_NODE": creator.api_url, "SOTTO_TOKEN": creator.token}
        expect(1, "token", "list", env={**env, "SOTTO_TOKEN": "wrong"})
        expect(0, "status", "list", "--node", creator.api_url, "--token-file",
               str(creator.folder / "token"), env={"SOTTO_TOKEN": "", "SOTTO_NODE": ""})
        expect(1, "can't be reached", "list", env={**env, "SOTTO_NODE": "http://127.0.0.1:1"})
        expect(1, "task 7 does not exist", "result", "7", env=env)
        expect(1, "task 7 does not exist", "wait", "7", env=env)
        expect(1, "must be an aggregate", "run", "--data", "wages.csv", "--", "x=wage", env=env)
        expect(1, "nowhere.json", "create", "nowhere.json", env=env)
        expect(2, "task number", "trace", env=env)
        expect(2, "task number", "trace", "x", env=env)
        expect(2, "unknown option", "list", "--colour", env=env)
        expect(2, "takes no --data", "list", "--data", "x", env=env)
        expect(2, "needs a value", "run", "--data", env=env)
        expect(2, "no command", "frobnicate")
        expect(2, "sotto local FILE...", "local")
        expect(0, "sotto run plan.json", "run", "--help")
        expect(0, "sotto help COMMAND", "--help")
        path = creator.folder / "plan.json"
        path.write_text(json.dumps(plan()))
        self.assertEqual(expect(0, "1", "create", str(path), env=env).stdout, "1\n")
        expect(0, "m  1.5", "run", str(path), env=env)
        failed = plan(files={"wages": "others.csv"})  # offered by nobody
        done = expect(1, "declined", "run", "-", env=env, stdin=json.dumps(failed))
        self.assertEqual(done.stdout, "")

    def test_a_bad_configuration_does_not_start(self):
        cluster = self.cluster([wages(1)], start=False)
        node = cluster.nodes[0]
        node.configure()
        path = node.folder / "node.yaml"
        good = path.read_text()
        for text, part in ((good + "colour: blue\n", "colour"),
                           (good.replace("min_rows: 0", "min_rows: none"), "min_rows"),
                           (good.replace("127.0.0.1:0", "0.0.0.0:0", 1), "loopback")):
            path.write_text(text)
            done = run("node", "--config", str(path), check=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(part, done.stderr)
        path.write_text(good)
        os.chmod(node.folder / "node.key", 0o644)
        done = run("node", "--config", str(path), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("chmod 600", done.stderr)
        os.chmod(node.folder / "node.key", 0o600)
        node.start()
        done = run("node", "--config", str(path), check=False)  # the same state_dir
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use by another", done.stderr)


if __name__ == "__main__":
    unittest.main()
