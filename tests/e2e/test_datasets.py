# SPDX-License-Identifier: Apache-2.0
"""What nodes publish of their files: as their owners say, nothing else, and from a hostile peer too."""

import concurrent.futures
import json
import os

from hostile import Hostile
from support import ClusterCase, main_together, wages

LISTING, BROWSE = 27, 12
FILES = {"wages.csv": "name,wage,dept,id\np,1.5,x,1\nq,2,y,2\n", "other.csv": "a\n1\n"}


class Datasets(ClusterCase):
    def start(self, publish):
        """The node that is asked publishes nothing, b as is said, c something else."""
        cluster = self.cluster([wages(1, 2), FILES, wages(5, 6)], start=False)
        a, b, c = cluster.nodes
        b.policy = {"columns": [{"dataset": "wages.csv", "hide": ["id"]}], "publish": publish}
        c.policy = {"publish": [{"dataset": "wages.csv", "description": "of Cedar"}]}
        cluster.start()
        cluster.wait_connected()
        return a, b, c

    def test_what_is_listed_is_told_and_nothing_else(self):
        a, b, c = self.start([{
            "dataset": "wages.csv", "rows": 1900, "types": True, "description": "of December",
            "columns": [{"column": "wage", "unit": "EUR", "range": ["0", "20000"]},
                        {"column": "dept", "levels": ["x", "R&D"]}]}])
        found = {node["name"]: node for node in a.get("/v1/datasets")["nodes"]}
        self.assertEqual(found["a"], {"name": "a", "state": "answered", "datasets": []})
        self.assertEqual(found["c"]["datasets"], [
            {"dataset": "wages.csv", "description": "of Cedar", "columns": []}])
        self.assertEqual(found["b"]["datasets"], [{
            "dataset": "wages.csv", "rows": 1900, "description": "of December", "columns": [
                {"name": "name", "type": "string"},
                {"name": "wage", "type": "decimal", "unit": "EUR", "range": ["0", "20000"]},
                {"name": "dept", "type": "string", "levels": ["x", "R&D"]}]}])
        b.wait_log("wages.csv has fewer rows than the 1900 that others are told")
        lines = a.cli("datasets").stdout.splitlines()
        self.assertEqual(lines, [
            "a  publishes nothing",
            "b  wages.csv  at least 1900 rows  of December",
            "  name  string",
            "  wage  decimal  EUR  0 to 20000",
            "  dept  string   x, R&D",
            "c  wages.csv  of Cedar"])
        self.assertEqual(json.loads(a.cli("datasets", "--json").stdout), a.get("/v1/datasets"))
        done = a.cli("datasets", "none.csv", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no node that answered publishes none.csv", done.stderr)
        # Rows that come change nothing of what is told.
        (b.data / "wages.csv").write_text(FILES["wages.csv"] + "r,3,z,3\n" * 3000)
        b.cli("reload")
        self.assertEqual({node["name"]: node for node in a.get("/v1/datasets")["nodes"]}, found)
        # Who may not ask is told nothing.
        hub = b.get("/v1/datasets")["nodes"]
        self.assertEqual([(node["name"], node["state"]) for node in hub],
                         [("b", "answered"), ("a", "answered"), ("c", "away")])
        b.policy["ask"] = ["c"]
        b.configure()
        b.cli("reload")
        self.assertEqual(a.get("/v1/datasets")["nodes"][1]["datasets"], [])

    def test_columns_alone_and_wrong_entries(self):
        a, b, _ = self.start([{"dataset": "wages.csv", "columns": [{"column": "wage"},
                                                                   {"column": "gone"}]}])
        self.assertEqual(a.get("/v1/datasets")["nodes"][1]["datasets"][0]["columns"],
                         [{"name": "wage", "type": "decimal"}])
        b.wait_log("wages.csv lacks 1 of the columns that node.yaml describes")
        for entry, text in (
                ({"rows": 1925}, "rows 1925: expected a round number from 100 on"),
                ({"rows": 90}, "rows 90: expected a round number from 100 on"),
                ({"columns": [{"column": "id"}]}, 'policy.columns hides "id"'),
                ({"columns": [{"column": "wage"}, {"column": "wage"}]}, 'column "wage" is there twice'),
                ({"description": "x" * 256}, "description: expected less than 256 bytes"),
                ({"dataset": "wage.csv"}, 'did you mean "wages.csv"?'),
                ({"types": "maybe"}, 'types "maybe": expected true or false')):
            b.policy["publish"] = [{"dataset": "wages.csv", **entry}]
            b.configure()
            self.assertIn(text, b.cli("reload", check=False).stderr)

    def test_a_hostile_peer(self):
        a, b = self.cluster([wages(1, 2), wages(3, 4)], start=False).nodes
        a.policy = {"publish": [{"dataset": "wages.csv"}]}
        a.start()
        b = Hostile(b.folder / "node.key", a)
        # It is told what the others are told, so often and no more.
        task = os.urandom(16)
        for _ in range(70):
            b.send(b.message(BROWSE, task, b""))
        a.wait_log("b asks too often what is published; ignored")
        told = [m for m in b.fetch() if m[8] == LISTING and m[12:28] == task]
        self.assertEqual(len(told), 60)
        self.assertEqual(json.loads(told[0][100:-64]),
                         {"datasets": [{"dataset": "wages.csv", "columns": []}]})
        # What it says itself is taken as far as it is known, short and of its kind.
        column = {"name": "w\u202ege\n", "type": "decimal", "unit": "\u200b"}
        good = {"datasets": [{"dataset": "x.csv", "columns": [column], "more": {}}], "x": 1}
        self.assertEqual(self.told(a, b, json.dumps(good)),
                         {"name": "b", "state": "answered",
                          "datasets": [{"dataset": "x.csv", "columns": [column]}]})
        words = self.told(a, b, json.dumps(good), lambda: a.cli("datasets").stdout).splitlines()
        self.assertEqual(len(words), 3, words)
        self.assertIn("w<U+202E", words[2])
        self.assertIn("decimal  <U+200B", words[2])
        for bad in ("", "[]", "{}", '{"datasets": 1}', '{"datasets": [1]}', "[" * 200_000,
                    '{"datasets": [{"dataset": "x"}]}', json.dumps({"datasets": [{"dataset": "x" * 2000,
                                                                                 "columns": []}]}),
                    json.dumps({"datasets": [{"dataset": "x", "columns": [{"name": "a", "type": "z"}]}]}),
                    json.dumps({"datasets": [{"dataset": "x", "rows": -1, "columns": []}]}),
                    json.dumps({"datasets": [{"dataset": "x", "columns": []}] * 1001}),
                    '{"datasets": [], "datasets": []}'):
            self.assertEqual(self.told(a, b, bad), {"name": "b", "state": "unreadable"}, bad[:80])

    def told(self, a, b, text, ask=None):
        """What node a says of b after b told this, or what ask gives."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask or (lambda: a.get("/v1/datasets")["nodes"][1]))
            browse = next(m for m in b.fetch() if m[8] == BROWSE)
            b.send(b.message(LISTING, browse[12:28], text.encode()))
            return asked.result()


if __name__ == "__main__":
    main_together()
