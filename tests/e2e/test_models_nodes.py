# SPDX-License-Identifier: Apache-2.0
"""Models at three nodes under profile safe, with ledgers: the bits of the pooled rows, confirmed, and
what owners are told of them."""

import json
import random
import tempfile
from pathlib import Path

from support import ClusterCase, main_together, plan, run

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
    def start(self, rows=150):
        self.files = [hospital(seed, rows) for seed in range(3)]
        cluster = self.cluster([{"wages.csv": text} for text in self.files], start=False)
        for node in cluster.nodes:
            node.policy = {"min_rows": 10}
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
        told = json.loads(run("audit", "--config", str(last.folder / "node.yaml"), "--json").stdout)
        spent = {column["column"]: column["told"] for column in told["columns"]}
        self.assertLessEqual(max(spent.values()), 9 + 5)

    def test_sums_that_nobody_checks_are_refused(self):
        creator, _, last = self.start().nodes
        self.ask(creator, "ERROR", enable_verify=False)
        self.assertIn("a model of sums that nobody checks", last.log())


if __name__ == "__main__":
    main_together()
