#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Logging in to the board: what a cookie may, and what other pages of the same browser can't make it do."""

import http.client
import ssl
import subprocess
import unittest

from support import ClusterCase, run, wages

MARK = {"X-Sotto-Board": "1"}


class Login(ClusterCase):
    def setUp(self):
        self.node = self.cluster([wages(1, 2), wages(3)], start=False).nodes[0].start()
        self.own = {**MARK, "Origin": self.node.api_url}

    def login(self, token=None):
        """The cookie, as a browser sends it back, and the attributes that it came with."""
        connection = http.client.HTTPConnection(*self.node.listen.rsplit(":", 1), timeout=60)
        try:
            connection.request("POST", "/v1/login", None, {"Authorization": "Bearer " + (token or self.node.token)})
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200, answer.read())
            cookie, *attributes = answer.getheader("Set-Cookie").split("; ")
        finally:
            connection.close()
        return cookie, attributes

    def ask(self, method, path, cookie, headers=None):
        return self.node.request(method, path, token="", headers={"Cookie": cookie, **(headers or {})})

    def new_token(self, role):
        return run("token", "new", "my-" + role, "--role", role, "--config",
                   str(self.node.folder / "node.yaml")).stdout.strip()

    def test_a_login_is_its_token(self):
        read = self.new_token("read")
        cookie, attributes = self.login(read)
        self.assertEqual(attributes, ["Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=43200"])
        self.assertRegex(cookie, rf"^sotto_{self.node.key[:8]}=[0-9a-f]{{64}}$")
        self.assertEqual(self.ask("GET", "/v1/me", cookie),
                         (200, {"name": "my-read", "role": "read", "node": "a", "version": "0.1.0"}))
        self.assertEqual(self.ask("GET", "/v1/tasks", cookie)[0], 200)
        self.assertEqual(self.ask("GET", "/v1/asked", cookie)[0], 403)
        second, _ = self.login(read)
        self.assertEqual(self.ask("POST", "/v1/logout", cookie, self.own)[0], 200)
        self.assertEqual(self.ask("GET", "/v1/tasks", cookie)[0], 401)
        self.assertEqual(self.ask("GET", "/v1/tasks", second)[0], 200)
        run("token", "revoke", "my-read", "--config", str(self.node.folder / "node.yaml"))
        self.assertEqual(self.ask("GET", "/v1/tasks", second)[0], 401)
        self.assertNotIn(cookie[-64:], self.node.log())

    def test_logins_end_with_the_node(self):
        cookie, _ = self.login()
        self.node.kill()
        self.node.start()
        self.assertEqual(self.ask("GET", "/v1/tasks", cookie)[0], 401)

    def test_only_the_boards_own_pages_use_the_cookie(self):
        cookie, _ = self.login()
        site = "Sec-Fetch-Site"
        host, port = self.node.listen.rsplit(":", 1)
        elsewhere = {"Origin": f"http://{host}:{int(port) + 1}"}
        for status, method, headers in (
                (200, "GET", {}), (200, "GET", {site: "same-origin"}), (401, "GET", {site: "same-site"}),
                (401, "GET", {site: "cross-site"}), (401, "GET", {site: "none"}),
                (401, "POST", {}), (401, "POST", MARK), (401, "POST", {"Origin": self.node.api_url}),
                (401, "POST", {**MARK, **elsewhere}), (401, "POST", {**MARK, "Origin": "null"}),
                (401, "POST", {**MARK, "Origin": self.node.api_url.replace("http", "https")}),
                (401, "POST", {**self.own, site: "same-site"}), (200, "POST", self.own),
                (200, "POST", {**self.own, site: "same-origin"})):
            path = "/v1/tasks" if method == "GET" else "/v1/reload"
            self.assertEqual(self.ask(method, path, cookie, headers)[0], status, (method, headers))
        # A token in the header is no browser's doing: it counts whatever else there is, and alone.
        self.assertEqual(self.node.request("POST", "/v1/reload", headers=elsewhere)[0], 200)
        self.assertEqual(self.node.request("GET", "/v1/tasks", token="x", headers={"Cookie": cookie})[0], 401)

    def test_what_is_no_login(self):
        cookie, _ = self.login()
        name, _, digits = cookie.partition("=")
        for wrong in ("", name, name + "=", f"{name}={digits[:-1]}", f"{name}={digits}0", f"{name}={'0' * 64}",
                      f"{name}={digits[:-1]}x", f"sotto_00000000={digits}", f"{name}={digits[::-1]}"):
            self.assertEqual(self.ask("GET", "/v1/tasks", wrong)[0], 401, wrong)
        # A login does not make another one: it would outlive the time that it has.
        self.assertEqual(self.ask("POST", "/v1/login", cookie, self.own)[0], 401)
        for path in ("/v1/login", "/healthz", "/"):  # a stranger's bytes take no memory
            method = "POST" if path == "/v1/login" else "GET"
            for token, status in (("wrong", 413), (None, 200)):
                self.assertEqual(self.node.request(method, path, "x" * 70000, token=token)[0], status, (path, token))
        status, answer = self.node.request("POST", "/v1/login", token="wrong")
        self.assertEqual((status, answer["code"]), (401, "auth"))

    def test_over_tls(self):
        """The cookie then travels by TLS only, and an origin without it is another one."""
        cert, key = (str(self.node.folder / name) for name in ("tls.crt", "tls.key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=a", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        self.node.stop()
        self.node.api_tls = (cert, key)
        self.node.start()
        context = ssl.create_default_context(cafile=cert)

        def ask(method, path, headers):
            connection = http.client.HTTPSConnection(*self.node.listen.rsplit(":", 1), timeout=60, context=context)
            try:
                connection.request(method, path, None, headers)
                answer = connection.getresponse()
                answer.read()
                return answer
            finally:
                connection.close()

        cookie, *attributes = ask("POST", "/v1/login", {"Authorization": "Bearer " + self.node.token}).getheader(
            "Set-Cookie").split("; ")
        self.assertIn("Secure", attributes)
        url = self.node.api_url
        for status, origin in ((401, url.replace("https", "http")), (200, url)):
            self.assertEqual(ask("POST", "/v1/reload", {"Cookie": cookie, **MARK, "Origin": origin}).status, status)


if __name__ == "__main__":
    unittest.main()
