# SPDX-License-Identifier: Apache-2.0
"""What was answered is remembered: questions that differ by few rows, a node killed at any moment, a
disk that is full, a ledger that somebody changed."""

import json
import os
import resource
import sqlite3

from support import ClusterCase, main_together, plan, run, wages

ROWS = 40
# Where a party can die: after it wrote the answer down and before its masked partial leaves; between
# its two notes of a consent; before the consent leaves.
STEPS = ("ledger", "consent", "record")


def rows(first, changed=0, erased=0, added=0):
    """A file of 40 wages; some of them are changed, erased or new."""
    values = [first + 10 * i for i in range(ROWS)]
    for i in range(changed):
        values[i] += 1
    return wages(*values[erased:], *(9000 + first + i for i in range(added)))


class Ledger(ClusterCase):
    def start(self, env=None, **policy):
        cluster = self.cluster([rows(1000), rows(1003), rows(1006)], start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 10, **policy}
        cluster.start(env)
        cluster.wait_connected()
        return cluster

    def give(self, node, files):
        for name, text in files.items():
            (node.data / name).write_text(text)

    def audit(self, node, check=True):
        done = run("audit", "--config", str(node.folder / "node.yaml"), "--json", check=check)
        return json.loads(done.stdout) if done.returncode == 0 else done

    def kinds(self, node):
        return [entry["kind"] for entry in self.audit(node)["entries"]]

    def ask(self, creator, expected="FINISHED", **more):
        task = creator.create(plan(wait=5, connection=5, **more))
        self.assertEqual(creator.wait_end(task), expected, creator.messages(task))
        return task

    def assert_one_says(self, cluster, text):
        """Of nodes that all refuse one may be told that the task is over before it has said why."""
        logs = [node.log() for node in cluster.nodes]
        self.assertTrue(any(text in log for log in logs), logs)

    def test_few_changed_rows(self):
        cluster = self.start()
        creator, _, last = cluster.nodes
        self.ask(creator)
        self.assertEqual(self.kinds(last), ["answered", "consented"])
        self.ask(creator)  # the same again
        self.give(last, rows(1006, changed=3))
        self.ask(creator, "ERROR")
        self.assertIn("ledger: fewer than 10 values of `wage` in wages.csv changed since task",
                      last.log())
        last.wait_log("(wage_avg) of 2")  # its date
        self.give(last, rows(1006, erased=1, added=12))
        self.ask(creator)
        self.assertEqual(self.kinds(last), ["answered", "consented"] * 2 + ["refused"] +
                         ["answered", "consented"])
        last.stop()
        last.start()
        self.give(last, rows(1006, erased=1, added=13))
        cluster.wait_connected()
        self.ask(creator, "ERROR")

    def test_what_is_withheld_was_not_told(self):
        """A rare level and a small group: asked twice, with others beside them, and in other words."""
        cluster = self.start()
        creator, _, last = cluster.nodes
        for node in cluster.nodes:
            depts = ["a"] * 40 + ["b"] * 35 + ["c"] * 5
            lines = [f"{dept},{1000 + 7 * i},{i % 2}" for i, dept in enumerate(depts)]
            self.give(node, {"wages.csv": "dept,wage,shift\n" + "\n".join(lines) + "\n"})
        counts = {"n": "value_counts(wages.dept, 'a', 'b', 'c')"}
        groups = [{"column": "wages.dept", "levels": ["a", "b", "c"]}]
        for _ in range(2):
            task = self.ask(creator, outputs=counts)
            values = creator.result(task)["outputs"]["n"]["values"]
            self.assertEqual([value.get("withheld", 0) for value in values], [0, 3, 3])
            task = self.ask(creator, group_by=groups)
            self.assertEqual(creator.result(task)["groups"]["withheld"], [0, 3, 3])
            self.ask(creator)
            self.ask(creator, where="wages.shift == 1")
        self.assertIn('value_counts(`dept`, "a", "b", "c") without 2 3',
                      run("audit", "--config", str(last.folder / "node.yaml")).stdout)
        self.ask(creator, "ERROR", where="wages.dept == 'b'")
        self.assertIn("ledger: together with what wages.csv was asked before, this singles out",
                      "".join(node.log() for node in cluster.nodes))  # who refused first ended it
        self.ask(creator, "ERROR", where="wages.dept in ('a', 'b')")
        self.refuse(creator, plan({"n": "sum(if(wages.dept == 'c', 1, 0))"}), "(grammar)")

    def test_a_group_of_missing_keys_is_told(self):
        """With it and a condition within it, three rows whose key is missing would be the difference."""
        cluster = self.cluster([rows(1000), rows(1003), rows(1006)], start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 10}
            keys = ["a"] * 20 + [""] * 20
            lines = [f"{key},{1000 + 10 * i}" for i, key in enumerate(keys)]
            self.give(node, {"wages.csv": "g,wage\n" + "\n".join(lines) + "\n"})
        cluster.start()
        cluster.wait_connected()
        creator = cluster.nodes[0]
        outputs = {"s": "sum(wages.wage)"}
        self.ask(creator, outputs=outputs, group_by=[{"column": "wages.g", "levels": ["a"], "na": True}])
        self.assertIn("isna(`g`)", json.dumps(self.audit(creator)))
        self.ask(creator, "ERROR", outputs=outputs, where="isna(wages.g) and wages.wage < 1370")
        self.assert_one_says(cluster, "ledger: ")

    def test_a_column_that_became_dates(self):
        """A condition on it as text can't be held against new rows; the owner is told what to do."""
        cluster = self.cluster([rows(1000), rows(1003), rows(1006)], start=False)

        def came(values):
            lines = [f"{value},{1000 + 10 * i}" for i, value in enumerate(values)]
            return {"wages.csv": "came,wage\n" + "\n".join(lines) + "\n"}

        for node in cluster.nodes:
            node.policy = {"min_rows": 10}
            self.give(node, came(["winter"] * 20 + ["summer"] * 20))
        cluster.start()
        cluster.wait_connected()
        creator = cluster.nodes[0]
        outputs = {"s": "sum(wages.wage)"}
        self.ask(creator, outputs=outputs, where="wages.came == 'winter'")
        for node in cluster.nodes:
            self.give(node, came([f"2020-01-{1 + i % 28:02d}" for i in range(40)]))
        self.ask(creator, "ERROR", outputs=outputs)
        self.assert_one_says(cluster, "a column has another type than when the file was asked about it before")

    def test_audit(self):
        cluster = self.start()
        creator, _, last = cluster.nodes
        self.ask(creator, where="wages.wage >= 1200")
        before = self.audit(last)
        text = run("audit", "--config", str(last.folder / "node.yaml")).stdout
        self.assertIn("of a (wage_avg), round 1, 3 parties", text)
        self.assertIn("wages.csv: (`wage` >= 1200)", text)
        self.assertEqual(before["columns"],
                         [{"file": "wages.csv", "column": "wage", "told": 1, "left": 12}])
        self.assertIn("wages.csv: 1 sums of wage told within a year, 12 left", text)
        head = before["head"]
        self.assertIn(f"The chain is whole. Its head is {head['number']} {head['digest']}", text)
        busy = run("audit", "--config", str(last.folder / "node.yaml"), "--epoch", "wages.csv",
                   check=False)
        self.assertEqual(busy.returncode, 1)
        self.assertIn("stop the node first", busy.stderr)
        last.stop()
        run("audit", "--config", str(last.folder / "node.yaml"), "--epoch", "wages.csv")
        self.assertEqual(self.kinds(last)[-1], "epoch")
        last.start()
        self.give(last, rows(1006, changed=3))
        cluster.wait_connected()
        self.ask(creator, where="wages.wage >= 1200")

    def test_killed_at_every_step(self):
        """What may have left is never forgotten: the next question of one row more is refused."""
        for step in STEPS:
            with self.subTest(step):
                cluster = self.start(env={2: {"SOTTO_TEST_STOP_AT": step}})
                creator, _, last = cluster.nodes
                task = creator.create(plan(wait=5, connection=5))
                last.process.wait(60)
                self.assertIn(creator.wait_end(task), ("ERROR", "FINISHED"))
                kinds = self.kinds(last)
                self.assertEqual(kinds, ["answered"] + ["consented"] * (step != "ledger"))
                last.process.stdout.close()
                last.process = None
                last.start()
                self.assertEqual(self.kinds(last), kinds)
                self.give(last, rows(1006, changed=1))
                cluster.nodes[1].wait_log("connected to ")
                self.ask(creator, "ERROR")
                last.wait_log("that answer stands")

    def test_never_masked_is_no_answer(self):
        """A party that deals no shares: nobody masks anything, and what was computed is annulled."""
        cluster = self.start(env={1: {"SOTTO_TEST_STOP_AT": "send-17"}})
        creator, second, last = cluster.nodes
        task = creator.create(plan(wait=5, connection=5))
        second.process.wait(60)
        self.assertEqual(creator.wait_end(task), "ERROR")
        last.wait_log("ended (")
        self.assertEqual(self.kinds(last), ["answered", "annulled"])
        self.give(last, rows(1006, changed=1))
        second.process.stdout.close()
        second.process = None
        second.start({"SOTTO_TEST_STOP_AT": "none"})
        second.wait_log("connected to ")
        self.ask(creator)

    def test_a_full_disk(self):
        """Nothing leaves that can't be written down."""
        cluster = self.start()
        creator, _, last = cluster.nodes
        self.ask(creator)
        limit = resource.prlimit(last.process.pid, resource.RLIMIT_FSIZE,
                                 (0, resource.RLIM_INFINITY))
        self.give(last, rows(1006, added=20))
        self.ask(creator, "ERROR")
        self.assertEqual(self.kinds(last), ["answered", "consented"])
        resource.prlimit(last.process.pid, resource.RLIMIT_FSIZE, limit)
        self.ask(creator)
        self.assertEqual(self.kinds(last), ["answered", "consented"] * 2)

    def test_a_changed_ledger(self):
        cluster = self.start()
        creator, _, last = cluster.nodes
        self.ask(creator)
        last.stop()
        path = last.folder / "state" / "node.db"
        database = sqlite3.connect(path)
        with database:
            database.execute("UPDATE ledger SET created_at = created_at + 1 WHERE id = 2")
        database.close()
        with self.assertRaises(AssertionError) as failure:
            last.start()
        last.process.stdout.close()
        last.process = None
        self.assertIn("the ledger of answers was changed by somebody else: entry 2",
                      str(failure.exception))
        audit = self.audit(last, check=False)
        self.assertEqual(audit.returncode, 1)
        self.assertIn("entry 2", audit.stderr)

    def test_one_party_less(self):
        """A sum over four parties less the sum over three of them would be the fourth's."""
        cluster = self.cluster([rows(1000), rows(1003), rows(1006), rows(1009)], start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 10}
        cluster.start()
        cluster.wait_connected()
        creator, second, third, last = cluster.nodes
        self.ask(creator, min_clients=4, max_clients=4)
        last.stop()
        self.ask(creator, "ERROR", min_clients=3, max_clients=3)
        self.assertIn("parties: these 3 and the 4 of an answer over the same rows of this node "
                      "differ by 1", second.log())
        for i, node in enumerate((creator, second, third)):
            self.give(node, rows(1000 + 3 * i, changed=ROWS))
        self.ask(creator, min_clients=3, max_clients=3)

    def test_a_survivor_less(self):
        """The fourth is in the roster, and lost after it masked: nobody consents to the three."""
        cluster = self.cluster([rows(1000), rows(1003), rows(1006), rows(1009)], start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 10}
        cluster.start()
        cluster.wait_connected()
        creator, second, _, last = cluster.nodes
        self.ask(creator, min_clients=4, max_clients=4)
        last.stop()
        last.start({"SOTTO_TEST_STOP_AT": "ledger"})
        last.wait_log("connected to ")
        self.ask(creator, "ERROR", min_clients=3, max_clients=4)
        self.assertIn("parties: these 3 and the 4", second.log())
        last.process.wait(60)
        last.process.stdout.close()
        last.process = None

    def test_one_set_of_parties(self):
        """policy.with: a node answers with these others only."""
        cluster = self.cluster([rows(1000), rows(1003), rows(1006), rows(1009)], start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 10}
        second, _, last = cluster.nodes[1:]
        second.policy["with"] = ["a", "c"]
        cluster.start()
        cluster.wait_connected()
        creator = cluster.nodes[0]
        last.stop()
        self.ask(creator, min_clients=3, max_clients=3)
        last.start()
        last.wait_log("connected to ")
        self.ask(creator, "ERROR", min_clients=4, max_clients=4)
        self.assertIn("policy.with: expected a, c and this node, found 4 parties", second.log())

    def test_the_owner_s_key(self):
        """Of as many persons as had 50 it is 51 now, and the other way round."""
        cluster = self.cluster([rows(1000), rows(1003), rows(1006)], start=False)
        creator, _, last = cluster.nodes
        bonus = [50 + i % 2 for i in range(ROWS)]

        def write(ids, values):
            lines = [f"{who},{value}" for who, value in zip(ids, values)]
            return "\n".join(["id,wage", *lines]) + "\n"

        for node in cluster.nodes:
            node.policy = {"min_rows": 10}
            node.files = [{"file": "wages.csv", "key": "id"}]
            self.give(node, {"wages.csv": write(range(ROWS), bonus)})
        cluster.start()
        cluster.wait_connected()
        self.ask(creator)
        for changed, expected in ((20, "FINISHED"), (4, "ERROR")):
            bonus = [101 - value for value in bonus[:changed]] + bonus[changed:]
            self.give(last, {"wages.csv": write(range(ROWS), bonus)})
            self.ask(creator, expected)
        last.wait_log("fewer than 10")
        self.give(last, {"wages.csv": write([*range(ROWS - 1), 3], bonus)})
        self.ask(creator, "ERROR")
        self.assertIn('wages.csv:41: key "id": expected another value in each row, found that of '
                      "line 5", last.log())

    def test_a_budget_is_used_up(self):
        cluster = self.start(budget=5)  # of 40 rows: 2 sums
        creator, _, last = cluster.nodes
        outputs = {"m": "mean(wages.wage)", "s": "std(wages.wage)"}
        self.ask(creator, outputs=outputs)
        self.ask(creator, outputs=outputs)
        self.ask(creator, "ERROR", where="wages.wage >= 1200")
        self.assertIn("budget: 2 sums of column wage in wages.csv were told within a year",
                      last.log())
        self.assertEqual(self.audit(last)["columns"][0]["left"], 0)

    def test_refusals_make_the_owner_decide(self):
        cluster = self.start(refusals=2)
        creator, _, last = cluster.nodes
        self.ask(creator)
        self.give(last, rows(1006, changed=2))
        self.ask(creator, "ERROR")
        self.ask(creator, "ERROR")
        self.assertNotIn("waits for its owner", last.log())
        self.give(last, rows(1006, changed=ROWS))
        task = creator.create(plan(wait=20, connection=20))
        why = "so many of its creator's questions were refused today (policy.refusals)"
        last.wait_log(f"waits for its owner, as {why}: sotto approve 1")
        self.assertIn(f"WAITING   a                 wage_avg  {why}\n", last.cli("record").stdout)
        self.assertIn(f"it waits for you, as {why}\n", last.cli("asked", "1").stdout)
        last.configure()  # its port stands there then
        for changed, text in ((2, "This node would decline"), (ROWS, "This node lets it pass")):
            self.give(last, rows(1006, changed=changed))
            shown = run("asked", "1", "--config", str(last.folder / "node.yaml")).stdout
            self.assertIn(text, shown)
            self.assertEqual("ledger       refuses" in shown, changed == 2, shown)
        last.cli("approve", "1")
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))

    def test_what_waits_for_an_owner_says_so(self):
        """Where nobody decides in time, whoever asked reads what may be, and to ask the same again."""
        cluster = self.start(approve="manual")
        creator, _, last = cluster.nodes
        task = creator.create(plan(wait=1, connection=1))
        self.assertEqual(creator.wait_end(task), "ERROR")
        self.assertIn("an owner may have to decide, by policy or after many refusals in a day: "
                      "ask the same again later", creator.messages(task)[-1])
        self.assertNotIn("it waits for you", last.cli("asked", "1").stdout)


if __name__ == "__main__":
    os.environ.pop("SOTTO_TEST_STOP_AT", None)
    main_together()
