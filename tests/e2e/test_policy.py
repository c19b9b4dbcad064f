# SPDX-License-Identifier: Apache-2.0
"""What a node declines by its owner's policy: the detail in the owner's log, the class elsewhere."""

import unittest

from support import ClusterCase, plan, wages

ROWS = [wages(*range(1, 21))] * 3
# Each would take something out of single rows.
PACKED = ["sum(wages.wage * wages.wage * wages.wage)", "sum(wages.wage**3)", "sum(if(wages.wage == 17, wages.wage, 0))",
          "sum(wages.wage / 3)", "sum(2 * wages.wage < 12)"]
HARMLESS = ["mean(wages.wage)", "std(wages.wage)", "sum(wages.wage * wages.wage)",
            "sum((wages.wage - 3)**2) / count(wages.wage)", "mean(wages.wage > 5)",
            "mean(if(wages.wage > 5, wages.wage, na))", "hist(wages.wage, 0, 5, 20)"]


class Policy(ClusterCase):
    def ends(self, creator, output, **more):
        task = creator.create(plan({"m": output}, **more))
        return task, creator.wait_end(task)

    def test_grammar_by_default(self):
        cluster = self.cluster(ROWS)
        creator, other = cluster.nodes[0], cluster.nodes[1]
        for output in HARMLESS:
            task, status = self.ends(creator, output)
            self.assertEqual(status, "FINISHED", (output, creator.messages(task)))
        for output in PACKED:  # by its own node at once
            self.refuse(creator, plan({"m": output}), "this node's own policy refuses it (grammar): profile safe")
        status, answer = creator.request("POST", "/v1/task", plan({"m": PACKED[0]}))
        self.assertEqual((status, answer["rule"]), (400, "grammar"))
        creator.policy = {"profile": "open"}
        creator.configure()
        creator.cli("reload")
        for output in PACKED:
            task, status = self.ends(creator, output)
            self.assertEqual(status, "ERROR", output)
            self.assertTrue(any("declined: refused" in line for line in creator.messages(task)))
            self.assertFalse(any("policy" in line for line in creator.messages(task)))
        other.wait_log("with approve: manual its owner decides")

    def test_the_types_that_were_agreed_on_count(self):
        # Two hold integers, for whom this is a polynomial; beside doubles it picks rows.
        floats = {"wages.csv": "wage\n" + "".join(f"{i}.5e0\n" for i in range(20))}
        cluster = self.cluster([wages(*range(1, 21)), wages(*range(1, 21)), floats], start=False)
        cluster.nodes[2].policy = {"profile": "open"}
        cluster.start()
        creator = cluster.nodes[0]
        task, status = self.ends(creator, "sum((wages.wage + 1e300) - 1e300)")
        self.assertEqual(status, "ERROR", creator.messages(task))
        cluster.nodes[1].wait_log("profile safe does not admit")
        self.assertEqual(self.ends(creator, "std(wages.wage)")[1], "FINISHED")

    def test_a_condition_on_rows_is_refused_too(self):
        creator = self.cluster(ROWS).nodes[0]
        self.refuse(creator, plan({"m": "mean(wages.wage)"}, where="2 * wages.wage < 30"), "(grammar): profile safe")

    def test_the_own_policy_speaks_of_its_own_files_only(self):
        """What is hidden is not there; a file that is not offered here is for the others to judge."""
        cluster = self.cluster([{**rows, "more.csv": "a\n1\n"} for rows in ROWS], start=False)
        creator = cluster.nodes[0]
        creator.policy = {"columns": [{"dataset": "wages.csv", "hide": ["wage"]}], "statistics": ["mean"],
                          "min_parties": 4, "rounds": 1}
        creator.datasets = ["wages.csv"]
        cluster.start()
        cluster.wait_connected()
        for column in ("wage", "wages_of_none"):
            self.refuse(creator, plan({"m": f"mean(wages.{column})"}), f'no column "{column}"')
        self.refuse(creator, plan({"m": "count(wages.name)"}, min_clients=4, max_clients=4), "(statistics)")
        self.refuse(creator, plan({"m": "count(wages.name)"}), "(min_parties): the plan's min_clients is 3")
        task, status = self.ends(creator, "count(wages.a)", files={"wages": "more.csv"}, wait=5, connection=5)
        self.assertEqual(status, "ERROR")
        self.assertIn("a declined: refused: the plan's min_clients is 3, policy.min_parties is 4",
                      "\n".join(creator.messages(task)))

    def test_a_misspelt_file(self):
        others = [{"wage.csv": own["wages.csv"]} for own in ROWS[1:]]  # who decline nothing before it
        creator = self.cluster([ROWS[0], *others]).nodes[0]
        task, status = self.ends(creator, "count(wages.id)", files={"wages": "wage.csv"}, wait=5, connection=5)
        self.assertEqual(status, "ERROR")
        self.assertIn("a declined: not_found: wage.csv is not offered: policy.datasets of node.yaml does not list it; "
                      'did you mean "wages.csv"?', "\n".join(creator.messages(task)))

    def test_what_the_own_rows_refuse_is_the_owners_to_tell(self):
        """Who asks at a node whose rows refuse is told where to look, and no number of them."""
        cluster = self.cluster(ROWS, start=False)
        creator = cluster.nodes[0]
        creator.policy = {"min_rows": 10}
        cluster.start()
        cluster.wait_connected()
        task, status = self.ends(creator, "mean(wages.wage)", where="wages.wage > 15")
        self.assertEqual(status, "ERROR")
        said = "\n".join(creator.messages(task))
        self.assertIn("a declined: refused: this is the node that was asked: its owner reads why in its log, and "
                      "sotto check says it there beforehand", said)
        self.assertIn("declined: a (refused); owners read in their logs why they refuse, and sotto check", said)
        creator.wait_log("rule rows: where leaves 5 rows in and 15 out here")

    def test_an_owner_gives_leave_by_hand(self):
        cluster = self.cluster(ROWS, start=False)
        cluster.nodes[1].policy = {"profile": "open"}
        cluster.nodes[2].policy = {"approve": "manual"}
        cluster.start()
        owner = cluster.nodes[2]
        cluster.nodes[0].policy = {"profile": "open"}
        cluster.nodes[0].configure()
        cluster.nodes[0].cli("reload")
        task = cluster.nodes[0].create(plan({"m": "sum(wages.wage // 3)"}))
        owner.wait_log("waits for its owner: sotto approve 1")
        words = owner.cli("asked", "1").stdout.splitlines()
        self.assertEqual(words[1], "grammar REFUSES 1 of its 1 clause, which can single out rows")
        self.assertIn('output "m": sum(wages.wage // 3)', words)
        owner.cli("approve", "1")
        self.assertEqual(cluster.nodes[0].wait_end(task), "FINISHED")

    def test_what_the_owner_saw_as_harmless_must_stay_so(self):
        # By the owner's own types the grammar admits it; beside doubles it picks rows.
        floats = {"wages.csv": "wage\n" + "".join(f"{i}.5e0\n" for i in range(20))}
        cluster = self.cluster([floats, floats, wages(*range(1, 21))], start=False)
        for node in cluster.nodes[:2]:
            node.policy = {"profile": "open"}
        cluster.nodes[2].policy = {"approve": "manual"}
        cluster.start()
        creator, owner = cluster.nodes[0], cluster.nodes[2]
        task = creator.create(plan({"m": "sum((wages.wage + 1e300) - 1e300)"}))
        owner.wait_log("waits for its owner: sotto approve 1")
        self.assertIn("grammar admits all of it", owner.cli("asked", "1").stdout)
        owner.cli("approve", "1")
        self.assertEqual(creator.wait_end(task), "ERROR")
        owner.wait_log("profile safe does not admit")

    def test_nothing_of_what_is_asked_is_cut(self):
        cluster = self.cluster(ROWS, start=False)
        for node in cluster.nodes:
            node.policy = {"profile": "open"}
        cluster.nodes[2].policy = {"approve": "manual"}
        cluster.start()
        owner = cluster.nodes[2]
        hidden = "wages.wage + 0 * wages.wage" * 1
        long = "sum(" + " + ".join([hidden] * 40) + " + if(wages.wage == 17, 1000000, 0))"
        cluster.nodes[0].create(plan({"m": long}, where="wages.wage >= 0" + " " * 1500 + "and wages.wage == 17"))
        owner.wait_log("waits for its owner: sotto approve 1")
        words = owner.cli("asked", "1").stdout
        self.assertIn(long, words)
        self.assertIn("where wages.wage >= 0 [1500 blanks] and wages.wage == 17\n", words)
        self.assertIn("REFUSED by grammar, column 1: a choice, if", words)

    def test_an_owner_may_take_any(self):
        cluster = self.cluster(ROWS, start=False)
        for node in cluster.nodes:
            node.policy = {"profile": "open"}
        cluster.start()
        creator = cluster.nodes[0]
        for output in PACKED:
            task, status = self.ends(creator, output)
            self.assertEqual(status, "FINISHED", (output, creator.messages(task)))

    def test_few_rows(self):
        cluster = self.cluster(ROWS, start=False)
        cluster.nodes[1].policy = {"min_rows": 21}
        cluster.start()
        creator = cluster.nodes[0]
        task, status = self.ends(creator, "mean(wages.wage)")
        self.assertEqual(status, "ERROR")
        cluster.nodes[1].wait_log("there are 20 rows here, at least 21 are needed")


if __name__ == "__main__":
    unittest.main()
