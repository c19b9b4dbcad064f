# SPDX-License-Identifier: Apache-2.0
"""What a node declines by its owner's policy: the detail in the owner's log, the class elsewhere."""

import unittest

from support import ClusterCase, plan, wages

ROWS = [wages(*range(1, 21))] * 3
# Each would take something out of single rows.
PACKED = ["sum(wages.wage * wages.wage * wages.wage)", "sum(wages.wage**3)", "sum(if(wages.wage == 17, wages.wage, 0))",
          "sum(wages.wage / 3)", "mean(wages.wage > 5)"]
HARMLESS = ["mean(wages.wage)", "std(wages.wage)", "sum(wages.wage * wages.wage)",
            "sum((wages.wage - 3)**2) / count(wages.wage)"]


class Policy(ClusterCase):
    def ends(self, creator, output, **more):
        task = creator.create(plan({"m": output}, **more))
        return task, creator.wait_end(task)

    def test_expressions_by_default(self):
        cluster = self.cluster(ROWS)
        creator, other = cluster.nodes[0], cluster.nodes[1]
        for output in HARMLESS:
            task, status = self.ends(creator, output)
            self.assertEqual(status, "FINISHED", (output, creator.messages(task)))
        for output in PACKED:
            task, status = self.ends(creator, output)
            self.assertEqual(status, "ERROR", output)
            self.assertTrue(any("declined: refused" in line for line in creator.messages(task)))
            self.assertFalse(any("policy" in line for line in creator.messages(task)))
        other.wait_log("policy.expressions does not take what the plan opens")

    def test_the_types_that_were_agreed_on_count(self):
        # Two hold integers, for whom this is a polynomial; beside doubles it picks rows.
        floats = {"wages.csv": "wage\n" + "".join(f"{i}.5e0\n" for i in range(20))}
        cluster = self.cluster([wages(*range(1, 21)), wages(*range(1, 21)), floats], start=False)
        cluster.nodes[2].policy = {"expressions": "any"}
        cluster.start()
        creator = cluster.nodes[0]
        task, status = self.ends(creator, "sum((wages.wage + 1e300) - 1e300)")
        self.assertEqual(status, "ERROR", creator.messages(task))
        cluster.nodes[1].wait_log("policy.expressions does not take what the plan opens")
        self.assertEqual(self.ends(creator, "std(wages.wage)")[1], "FINISHED")

    def test_a_condition_on_rows_is_refused_too(self):
        creator = self.cluster(ROWS).nodes[0]
        task, status = self.ends(creator, "mean(wages.wage)", where="wages.wage == 17")
        self.assertEqual(status, "ERROR", creator.messages(task))

    def test_an_owner_may_take_any(self):
        cluster = self.cluster(ROWS, start=False)
        for node in cluster.nodes:
            node.policy = {"expressions": "any"}
        cluster.start()
        creator = cluster.nodes[0]
        for output in PACKED:
            task, status = self.ends(creator, output)
            self.assertEqual(status, "FINISHED", (output, creator.messages(task)))

    def test_an_owner_may_take_columns_only(self):
        cluster = self.cluster(ROWS, start=False)
        cluster.nodes[2].policy = {"expressions": "bare"}
        cluster.start()
        creator = cluster.nodes[0]
        self.assertEqual(self.ends(creator, "mean(wages.wage)")[1], "FINISHED")
        self.assertEqual(self.ends(creator, "sum((wages.wage - 3)**2)")[1], "ERROR")

    def test_few_rows(self):
        cluster = self.cluster(ROWS, start=False)
        cluster.nodes[1].policy = {"min_rows": 21}
        cluster.start()
        creator = cluster.nodes[0]
        task, status = self.ends(creator, "mean(wages.wage)")
        self.assertEqual(status, "ERROR")
        cluster.nodes[1].wait_log("wages.csv has 20 rows, policy.min_rows is 21")


if __name__ == "__main__":
    unittest.main()
