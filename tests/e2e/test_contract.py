#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What programs hold a node to. openapi.json: schemathesis makes requests of every kind, and holds each answer
against what the contract says of it; SOTTO_CONTRACT_SECONDS=600 asks for longer. Metrics: Prometheus reads them."""
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
        """Prometheus's own parser takes them; no task, creator, file or refusal makes one more series."""
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


if __name__ == "__main__":
    unittest.main()
