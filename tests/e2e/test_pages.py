#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The board's files as the node serves them: what they are sent with, packed and not. No browser is needed."""

import gzip
import http.client
import pathlib
import re
import unittest

from support import ClusterCase, wages

DIST = pathlib.Path(__file__).resolve().parents[2] / "node/board/dist"
FILES = {"/": "index.html", "/app.js": "app.js", "/app.css": "app.css", "/icon.svg": "icon.svg",
         "/licences.txt": "licences.txt"}


class Pages(ClusterCase):
    def fetch(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection(*self.node.listen.rsplit(":", 1), timeout=60)
        try:
            connection.request(method, path, None, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def test_pages_are_the_boards_files(self):
        self.node = self.cluster([wages(1), wages(2)], start=False).nodes[0].start()
        packed_bytes = 0
        for path, file in FILES.items():
            plain = (DIST / file).read_bytes()
            status, headers, body = self.fetch(path)
            self.assertEqual(status, 200)
            self.assertTrue(body == plain, path)  # no difference of long lines is drawn
            self.assertNotIn("Content-Encoding", headers)
            self.assertRegex(headers["Content-Security-Policy"], r"^default-src 'self'; .*frame-ancestors 'none'")
            self.assertNotIn("unsafe", headers["Content-Security-Policy"])
            for name, value in (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                                ("Cache-Control", "no-store"), ("Vary", "Accept-Encoding")):
                self.assertEqual(headers[name], value)
            _, headers, body = self.fetch(path, **{"Accept-Encoding": "br, gzip"})
            self.assertEqual(headers["Content-Encoding"], "gzip")
            self.assertTrue(gzip.decompress(body) == plain, path)
            self.assertIn("Content-Security-Policy", headers)
            packed_bytes += len(body)
            self.assertTrue(self.fetch(path, **{"Accept-Encoding": "gzip;q=0"})[2] == plain, path)
            status, headers, _ = self.fetch(path, "POST")
            self.assertEqual((status, headers["Allow"]), (405, "GET"))
        self.assertLess(packed_bytes, 150_000)
        for path in ("/index.html", "/app.js/", "//", "/node.yaml"):
            self.assertEqual(self.fetch(path)[0], 401, path)

    def test_nothing_runs_or_comes_from_elsewhere(self):
        """The policy would stop it in a browser: here it is known before."""
        page = (DIST / "index.html").read_text()
        self.assertNotRegex(page, r"<style|style=|\son\w+=|https?:|<script(?! type=\"module\" src=\"/app\.js\"></script>)")
        sources = sorted((DIST.parent / "src").glob("*.js"))
        self.assertGreater(len(sources), 5)
        for source in sources:
            self.assertNotRegex(source.read_text(), r"innerHTML|InnerHTML|insertAdjacent|document\.write|eval\(|new Function")

    def test_both_languages_have_all_texts(self):
        folder = DIST.parent / "src"
        tables = {name: re.findall(r"(?:^|[{,]\s)\s*(\w+): \"", (folder / f"words_{name}.js").read_text(), re.M)
                  for name in ("en", "zh")}
        self.assertEqual(tables["en"], tables["zh"])
        self.assertEqual(len(tables["en"]), len(set(tables["en"])))
        used = {key for source in folder.glob("*.js") for key in re.findall(r"\bt\(\"(\w+)\"", source.read_text())}
        self.assertGreater(len(used), 50)
        self.assertEqual({key for key in used if not key.endswith("_")} - set(tables["en"]), set())


if __name__ == "__main__":
    unittest.main()
