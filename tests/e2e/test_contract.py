#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""openapi.json against a node that runs: schemathesis makes requests of every kind, and holds each answer against
what the contract says of it. SOTTO_CONTRACT_SECONDS=600 asks for longer."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from support import ClusterCase, wages

SECONDS = os.environ.get("SOTTO_CONTRACT_SECONDS", "40")
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
                 "--continue-on-failure", "--no-color"], cwd=folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-8000:] + done.stderr[-2000:])
        operations = sum(map(len, contract["paths"].values()))
        self.assertIn(f"Tested: {operations - 1}\n", done.stdout)  # it reads the contract itself, and does not test it
        self.assertNotIn("error", node.log().lower())


if __name__ == "__main__":
    unittest.main()
