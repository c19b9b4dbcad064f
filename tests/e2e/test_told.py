# SPDX-License-Identifier: Apache-2.0
"""Whoever can repair a file is told where: its owner, in the owner's log; others get the class."""

import unittest

from support import ClusterCase, plan, run, wages

GOOD = "name,wage\nann,3000\nbob,3100\ncy,3200\n"
SECRET = "4,711"
BAD = f'name,wage\nann,3000\nbob,"{SECRET}"\ncy,3200\n'


class Told(ClusterCase):
    def nobody_else(self, cluster, owner, task, text):
        """No other node's log, no message of the task and no result has the text."""
        creator = cluster.nodes[0]
        for node in cluster.nodes:
            if node is not owner:
                self.assertNotIn(text, node.log())
        self.assertNotIn(text, "\n".join(creator.messages(task)))
        self.assertNotIn(text, str(creator.get(f"/v1/task/status?task_id={task}")))

    def test_a_value_that_makes_a_column_text(self):
        cluster = self.cluster([{"wages.csv": GOOD}, {"wages.csv": GOOD}, {"wages.csv": BAD}])
        creator, owner = cluster.nodes[0], cluster.nodes[2]
        task = creator.create(plan())
        self.assertEqual(creator.wait_end(task), "ERROR")
        self.assertIn("string at c", "\n".join(creator.messages(task)))
        owner.wait_log(f'wages.csv:3: column "wage": expected a number, as in most rows, found "{SECRET}": '
                       "take out the comma, if it parts thousands")
        self.nobody_else(cluster, owner, task, SECRET)

    def test_a_value_that_its_stated_type_refuses(self):
        cluster = self.cluster([{"wages.csv": GOOD}, {"wages.csv": GOOD}, {"wages.csv": BAD}], start=False)
        creator, owner = cluster.nodes[0], cluster.nodes[2]
        owner.files = [{"file": "wages.csv", "types": ["wage=int64"]}]
        cluster.start()
        task = creator.create(plan())
        self.assertEqual(creator.wait_end(task), "ERROR")
        owner.wait_log(f'wages.csv:3: column "wage": expected int64 as configured, found "{SECRET}"')
        self.nobody_else(cluster, owner, task, SECRET)

    def test_an_analyst_of_the_same_node_is_told_no_value(self):
        cluster = self.cluster([{"wages.csv": BAD}, {"wages.csv": GOOD}, {"wages.csv": GOOD}], start=False)
        creator = cluster.nodes[0]
        creator.files = [{"file": "wages.csv", "types": ["wage=int64"]}]
        cluster.start()
        status, answer = creator.request("POST", "/v1/task", plan())
        self.assertEqual((status, answer["detail"]),
                         (400, "wages.csv:3: it can't be read: the owner's log of this node says why"))
        creator.wait_log(f'found "{SECRET}"')

    def test_an_analyst_of_the_same_node_is_told_of_no_hidden_key(self):
        cluster = self.cluster([{"wages.csv": "ssn,wage\n1.5,2\n2.5,3\n"}] * 3, start=False)
        creator = cluster.nodes[0]
        creator.policy = {"columns": [{"dataset": "wages.csv", "hide": ["ssn"]}]}
        creator.files = [{"file": "wages.csv", "key": "ssn"}]
        cluster.start()
        for text in ('key "ssn": expected whole numbers', 'expected the column "ssn"'):
            for asked in (("POST", "/v1/task", plan()), ("GET", "/v1/columns?dataset=wages.csv")):
                status, answer = creator.request(*asked)
                self.assertEqual((status, answer["code"]), (400, "input"))
                self.assertNotIn("ssn", answer["detail"])
            creator.wait_log(text)
            (creator.data / "wages.csv").write_text("id,wage\n1,2\n2,3\n")

    def test_a_level_that_the_plan_does_not_have(self):
        rows = {"wages.csv": "sex,age,wage\nF,30,1\nM,40,2\n"}
        stray = {"wages.csv": "sex,age,wage\nF,30,1\nM,200,2\n\n\"x\u00a0y\",40,3\nq,50,4\n"}
        cluster = self.cluster([rows, rows, stray])
        creator, owner = cluster.nodes[0], cluster.nodes[2]
        task = creator.create(plan({"n": "count(wages.wage)"}, group_by=[
            {"column": "wages.sex", "levels": ["F", "M"]}, {"column": "wages.age", "bins": [0, 100]}]))
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        owner.wait_log('wages.csv:5: column "sex": "x<U+00A0 no-break space>y" is in none of the plan\'s levels')
        owner.wait_log('wages.csv:3: column "age": "200" is in none of the plan\'s bins')
        self.assertNotIn("is in none of", cluster.nodes[0].log() + cluster.nodes[1].log())
        self.nobody_else(cluster, owner, task, "no-break")

    def test_names_that_look_alike(self):
        cluster = self.cluster([{"wages.csv": "gr\u00f6\u00dfe\n1\n"}, {"wages.csv": "gr\u00f6\u00dfe\n1\n"},
                                {"wages.csv": "gro\u0308\u00dfe\n1\n"}])
        creator, owner = cluster.nodes[0], cluster.nodes[2]
        task = creator.create(plan({"m": "mean(wages.gr\u00f6\u00dfe)"}))
        self.assertEqual(creator.wait_end(task), "ERROR")
        owner.wait_log('did you mean "gro<U+0308 combining diaeresis>\u00dfe"?')

    def test_a_dead_proxy_is_named(self):
        dead = {"http_proxy": "http://me:secret@127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
        cluster = self.cluster([wages(1, 2, 3)] * 2, start=False)
        caller = cluster.nodes[1]
        caller.peers = [(cluster.nodes[0], "http://peer.invalid:6701")]
        cluster.nodes[0].peer_url = "http://peer.invalid:6701"
        caller.start(dead)
        caller.wait_log("a can't be reached at http://peer.invalid:6701 through the proxy "
                        "http_proxy=http://127.0.0.1:9 (")
        self.assertNotIn("secret", caller.log())
        done = run("list", check=False, env={**dead, "SOTTO_NODE": "https://peer.invalid:6700", "SOTTO_TOKEN": "0" * 64})
        self.assertIn("through the proxy https_proxy=http://127.0.0.1:9", done.stderr)

    def test_a_plain_column_of_text_is_nobodys_fault(self):
        cluster = self.cluster([wages(1, 2, 3)] * 3)
        creator = cluster.nodes[0]
        task = creator.create(plan({"m": "mean(wages.name)"}))
        self.assertEqual(creator.wait_end(task), "ERROR")
        cluster.nodes[2].wait_log("ended (type)")
        self.assertNotIn("as in most rows", "".join(node.log() for node in cluster.nodes))


if __name__ == "__main__":
    unittest.main()
