#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What programs hold a node to. openapi.json: schemathesis makes requests of every kind, and holds each answer
against what the contract says of it; SOTTO_CONTRACT_SECONDS=600 asks for longer. Metrics: Prometheus reads them;
SOTTO_CONTRACT_TASKS=10000 asks for as many tasks between two readings."""
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from prometheus_client.parser import text_string_to_metric_families
from support import ClusterCase, plan, wages

SECONDS = os.environ.get("SOTTO_CONTRACT_SECONDS", "40")
TASKS = int(os.environ.get("SOTTO_CONTRACT_TASKS", "50"))
IN_FLIGHT = 8
# Most are asked once only.
QUESTIONS = ("mean(wage)", "sum(wage * {})", "std(wage + {})", "hist(wage, 0, {}.5)")
HERE = pathlib.Path(__file__).resolve().parent
SCHEMATHESIS = pathlib.Path(sys.executable).with_name("schemathesis")


class Contract(ClusterCase):
    def test_a_node_keeps_its_contract(self):
        """Of positive_data_acceptance: a number may be right and nothing of that number be there, which is a 400."""
        node = self.cluster([wages(1, 2), wages(3), wages(4)]).nodes[0]
        contract = node.get("/openapi.json")
        example = contract["paths"]["/v1/task"]["post"]["requestBody"]["content"]["application/json"]["example"]
        self.assertEqual(node.wait_end(node.create(json.dumps(example))), "FINISHED")
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [SCHEMATHESIS, "run", f"{node.api_url}/openapi.json", "-H", f"Authorization: Bearer {node.token}",
                 "--checks", "all", "--exclude-checks", "positive_data_acceptance", "--max-time", SECONDS,
                 "--continue-on-failure", "--no-color"], cwd=folder, capture_output=True, text=True,
                env={**os.environ, "SCHEMATHESIS_HOOKS": "contract_hooks", "PYTHONPATH": str(HERE)})
        self.assertEqual(done.returncode, 0, done.stdout[-8000:] + done.stderr[-2000:])
        operations = sum(map(len, contract["paths"].values()))
        self.assertIn(f"Tested: {operations - 1}\n", done.stdout)  # it reads the contract itself, and does not test it
        self.assertNotIn("error", node.log().lower())

    def series(self, node):
        return {(sample.name, *sample.labels.values()): sample.value
                for family in text_string_to_metric_families(node.get("/metrics")) for sample in family.samples}

    def test_metrics(self):
        """Prometheus's own parser takes them, and they count what happened."""
        cluster = self.cluster([wages(1, 2), wages(3), wages(4), wages(5)], start=False)
        cluster.nodes[1].policy = {"min_rows": 2}
        cluster.start()
        creator, strict = cluster.nodes[0], cluster.nodes[1]
        cluster.wait_connected()
        before = [self.series(node) for node in (creator, strict)]
        for i in range(5):
            creator.wait_end(creator.create(plan(name=f"task {i}", max_clients=4)))
        after = [self.series(node) for node in (creator, strict)]
        for one, other in zip(before, after, strict=True):
            self.assertEqual(set(one), set(other))
            self.assertGreater(len(one), 35)
        self.assertEqual(after[0]["sotto_joined_total",], 5)
        self.assertEqual(after[1]["sotto_joined_total",], 0)
        self.assertEqual(after[1]["sotto_declined_total", "rows"], 5)
        self.assertEqual(after[1]["sotto_step_seconds_count", "offer"], 5)

    def ask(self, creator, i):
        """One task out of many, to its end: some don't start in time, and some are called off."""
        text = QUESTIONS[i % len(QUESTIONS)].format(i + 1)
        table = "late.csv" if i % 50 == 49 else "wages.csv"
        task = creator.create(plan({f"m{i}": text}, {f"w{i}": table}, name=f"task {i}"))
        if i % 7 == 6:
            creator.request("POST", f"/v1/task/cancel?task_id={task}", "")
        return creator.wait_end(task)

    def test_many_tasks(self):
        """No task, creator, file or failure makes one more series."""
        cluster = self.cluster([{**wages(i, i + 0.5), "late.csv": "wage\n1\n"} for i in range(3)], start=False)
        cluster.nodes[2].policy = {"datasets": ["wages.csv"]}
        cluster.start()
        cluster.wait_connected()
        creator = cluster.nodes[0]
        before = [self.series(node) for node in cluster.nodes]
        with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
            ends = collections.Counter(pool.map(lambda i: self.ask(creator, i), range(TASKS)))
        after = [self.series(node) for node in cluster.nodes]
        self.assertLessEqual({"FINISHED", "ERROR"}, set(ends))
        for one, other in zip(before, after, strict=True):
            self.assertEqual(set(one), set(other))
        self.assertEqual({name[1]: count for name, count in after[0].items() if name[0] == "sotto_tasks" and count}, ends)


if __name__ == "__main__":
    unittest.main()
