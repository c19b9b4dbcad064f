# SPDX-License-Identifier: Apache-2.0
"""Models at three nodes under profile safe, with ledgers: the bits of the pooled rows, confirmed, and
what owners are told of them."""

import json
import math
import random
import tempfile
from pathlib import Path

from support import PATIENCE, ClusterCase, main_together, plan, run

MODEL = "glm(wages.ill, wages.age, C(wages.ward in ('a', 'b', 'c')), family=binomial)"


def hospital(seed, rows=150):
    rng = random.Random(seed)
    lines = ["ill,age,ward"]
    for _ in range(rows):
        age, ward = rng.randint(20, 90), rng.choice("abc")
        chance = 0.1 + 0.007 * (age - 20) + 0.2 * (ward == "b")
        lines.append(f"{int(rng.random() < chance)},{age},{ward}")
    return "\n".join(lines) + "\n"


class Models(ClusterCase):
    def start(self, rows=150, **policy):
        self.files = [hospital(seed, rows) for seed in range(3)]
        cluster = self.cluster([{"wages.csv": text} for text in self.files], start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 10, **policy}
        cluster.start()
        cluster.wait_connected()
        return cluster

    def ask(self, creator, expected, model=MODEL, **more):
        task = creator.create(plan(wait=10, connection=10, outputs={"f": model}, **more))
        self.assertEqual(creator.wait_end(task), expected, creator.messages(task))
        return task

    def pooled(self, output):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "wages.csv"
            lines = [text.split("\n", 1)[1] for text in self.files]
            path.write_text("ill,age,ward\n" + "".join(lines))
            done = run("local", "--json", "--data", f"wages={path}", "--", f"f={output}")
        return json.loads(done.stdout)["outputs"]["f"]["fields"]

    @staticmethod
    def spent(node):
        told = json.loads(run("audit", "--config", str(node.folder / "node.yaml"), "--json").stdout)
        return {column["column"]: column["told"] for column in told["columns"]}

    def test_the_pooled_bits_confirmed(self):
        cluster = self.start()
        creator, _, last = cluster.nodes
        task = self.ask(creator, "CONFIRMED", results="participants")
        found = creator.result(task)["outputs"]["f"]["fields"]
        self.assertEqual(found, self.pooled(MODEL))
        self.assertLessEqual(found["decrement"]["value"], 1e-16)
        # Once more, and beside it a regression of the same columns.
        self.ask(creator, "FINISHED")
        self.ask(creator, "FINISHED", model="ols(wages.age, wages.ill)")
        # Three sums of the first round are over age. Of the second, each is over all columns: beside
        # those that are 0, as nobody is in two wards, its scores, its weights and its deviance.
        self.assertEqual(self.spent(last), {"age": 3 + 7, "ill": 3 + 7, "ward": 7})
        # Another link has other weights, of which probit has two.
        self.ask(creator, "FINISHED", model=MODEL.replace("family", "link=probit, family"))
        self.assertEqual(self.spent(last), {"age": 3 + 7 + 9, "ill": 3 + 7 + 9, "ward": 7 + 9})

    def test_few_of_a_kind_in_groups_that_were_asked(self):
        """Of the ill in a ward fewer than 10: with other coefficients their weights alone are others,
        and no row has changed."""
        cluster = self.start(rows=60)
        creator, _, last = cluster.nodes
        ill = [line for line in self.files[2].splitlines() if line.startswith("1,")]
        self.assertLess(min(sum(line.endswith(ward) for line in ill) for ward in "abc"), 10)
        task = creator.create(plan({"n": "count(wages.age)"},
                                   group_by=[{"column": "wages.ward", "levels": ["a", "b", "c"]}]))
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        model = "glm(wages.ill, wages.age, family=binomial)"
        first = creator.result(self.ask(creator, "FINISHED", model=model))
        self.assertGreater(first["outputs"]["f"]["fields"]["iterations"]["value"], 2)
        again = creator.result(self.ask(creator, "FINISHED", model=model))
        self.assertEqual(again["outputs"], first["outputs"])
        self.assertEqual(self.spent(last), {"age": 3 + 7, "ill": 2 + 7})
        # A row that has changed is seen in the first round, whose sums have no coefficients.
        path = last.folder / "data" / "wages.csv"
        path.write_text(self.files[2].replace("\n1,", "\n0,", 1))
        self.ask(creator, "ERROR", model=model)
        last.wait_log("fewer than 10 values of `ill` in wages.csv changed")

    def test_sums_that_nobody_checks_are_refused(self):
        creator = self.start().nodes[0]
        self.refuse(creator, plan({"f": MODEL}, enable_verify=False), "a model of sums that nobody checks")

    @staticmethod
    def lose(cluster, who):
        """A fit of which a node is killed for good in its fourth round; its number."""
        return Models.lose_in(cluster.nodes[who], 4, lambda: cluster.nodes[0].create(
            plan({"f": MODEL}, wait=1, connection=3)))

    @staticmethod
    def lose_in(node, round, create):
        """A task during which the node is killed for good."""
        node.stop()
        node.start({"SOTTO_TEST_STOP_AT": "pledge", "SOTTO_TEST_STOP_ROUND": str(round)})
        task = create()
        node.process.wait(PATIENCE)
        node.process.stdout.close()
        node.process = None
        return task

    def test_a_party_lost_in_the_fourth_round(self):
        """The coefficients are kept, and another task goes on there, to the pooled bits: under
        profile safe too, since every node has computed them itself."""
        cluster = self.start()
        creator, last = cluster.nodes[0], cluster.nodes[2]
        task = self.lose(cluster, 2)
        self.assertEqual(creator.wait_end(task), "ERROR", creator.messages(task))
        log = creator.messages(task)
        self.assertIn("was lost in round 4", log[-2])
        self.assertIn(f"sotto create --start-from {task}", log[-1])
        models = [line for line in log if line.startswith("[Model]")]
        self.assertRegex(models[-1], r"f: iteration 3, deviance [0-9.]+, step of [0-9.]+ standard")
        self.assertIn("start_from", creator.cli("result", str(task), check=False).stderr)
        reached = creator.get(f"/v1/task/status?task_id={task}")["reached"]
        self.assertEqual([reached[0][key] for key in ("output", "call", "iterations")],
                         ["f", MODEL, 3])
        self.assertEqual(len(reached[0]["coefficients"]), len(reached[0]["names"]))
        last.start()
        again = int(creator.cli("create", "--start-from", str(task)).stdout)
        self.assertEqual(creator.wait_end(again), "FINISHED", creator.messages(again))
        found = creator.result(again)["outputs"]["f"]["fields"]
        start = ", ".join(repr(number) for number in reached[0]["coefficients"])
        self.assertEqual(found, self.pooled(MODEL[:-1] + f", start=({start}))"))
        whole = self.pooled(MODEL)
        self.assertLess(found["iterations"]["value"], whole["iterations"]["value"])
        for i, coefficient in enumerate(whole["coefficients"]["values"]):
            self.assertAlmostEqual(found["coefficients"]["values"][i]["value"],
                                   coefficient["value"], 12)

    def test_only_what_was_computed_goes_on(self):
        """Coefficients that differ in the last bit, or other rows, are the creator's choice."""
        cluster = self.start()
        creator, last = cluster.nodes[0], cluster.nodes[2]
        task = self.lose(cluster, 2)
        self.assertEqual(creator.wait_end(task), "ERROR", creator.messages(task))
        last.start()
        last.wait_log("ended (timeout)")
        numbers = creator.get(f"/v1/task/status?task_id={task}")["reached"][0]["coefficients"]

        def ask(expected, numbers, **more):
            start = ", ".join(repr(number) for number in numbers)
            self.ask(creator, expected, model=MODEL[:-1] + f", start=({start}))", **more)

        ask("FINISHED", numbers)
        for other, more in (([math.nextafter(numbers[0], 9), *numbers[1:]], {}),
                            (numbers, {"where": "wages.age > 40"}),
                            ([0.1] * len(numbers), {})):
            before = creator.log().count("coefficients that the plan chooses")
            ask("ERROR", other, **more)
            self.assertEqual(creator.log().count("coefficients that the plan chooses"), before + 1)

    def test_a_party_lost_twice(self):
        """A plan that went on goes on again: the grammar judges that with which it all began."""
        cluster = self.start()
        creator, last = cluster.nodes[0], cluster.nodes[2]

        def go_on():
            return int(creator.cli("create", "--start-from", str(task)).stdout)

        task = self.lose(cluster, 2)
        self.assertEqual(creator.wait_end(task), "ERROR", creator.messages(task))
        last.start()
        last.wait_log("ended (timeout)")
        task = self.lose_in(last, 3, go_on)
        self.assertEqual(creator.wait_end(task), "ERROR", creator.messages(task))
        last.start()
        task = go_on()
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))

    def test_a_creator_that_is_restarted(self):
        """What its models have reached is on its disk."""
        cluster = self.start(profile="open")
        creator = cluster.nodes[0]
        task = self.lose(cluster, 0)
        creator.start()
        self.assertEqual(creator.wait_end(task), "ERROR")
        done = creator.cli("run", "--json", "--start-from", str(task))
        self.assertIn('"coefficients"', done.stdout)

    def test_tasks_that_nothing_goes_on_from(self):
        creator = self.start().nodes[0]
        task = self.ask(creator, "FINISHED", model="mean(wages.age)")
        for number, words in ((task, "there is no model to go on with"), (99, "does not exist")):
            done = creator.cli("create", "--start-from", str(number), check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    main_together()
