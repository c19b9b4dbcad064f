#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What people are shown of a plan before they ask it or let it be answered, and of the rules by which it is."""

import json
import unittest

from support import ClusterCase, make_bundle, plan, run, wages

RULES = ["ask", "min_parties", "datasets", "columns", "statistics", "rounds", "verify", "grammar"]
ROWS = wages(*range(1, 40))


class Checked(ClusterCase):
    def check(self, node, body, status=200):
        got, answer = node.request("POST", "/v1/task/check", body)
        self.assertEqual(got, status, answer)
        return answer

    def refusing(self, answer):
        self.assertEqual([rule["rule"] for rule in answer["rules"]], RULES)
        self.assertEqual({rule["text"] for rule in answer["rules"] if rule["passes"]}, {""})
        return {rule["rule"]: rule["text"] for rule in answer["rules"] if not rule["passes"]}

    def test_a_plan_before_it_is_asked(self):
        node = self.cluster([ROWS] * 3, start=False).nodes[0]
        node.policy = {"statistics": ["mean"], "profile": "safe"}
        node.start()
        good = self.check(node, plan({"m": "mean(wage)"}))
        self.assertEqual((self.refusing(good), good["approve"]), ({}, "automatic"))
        self.assertIn('a asks for "wage_avg", with at least 3 parties\noutput "m": mean(wage)\n', good["words"])
        bad = self.check(node, plan({"s": "sum(sqrt(wage))"}, {"w": "other.csv"}))
        self.assertEqual(set(self.refusing(bad)), {"datasets", "statistics", "grammar"})
        # What its refusal at creation would say, of a column too.
        _, refused = node.request("POST", "/v1/task", plan({"s": "sum(wage)"}))
        texts = self.refusing(self.check(node, plan({"s": "sum(wage)"})))
        self.assertEqual(list(texts), [refused["rule"]])
        self.assertIn(texts[refused["rule"]], refused["detail"])
        for body, part in ((plan({"m": "mean(pay)"}), 'has no column "pay"'), ("{", "line 1"), ("", "")):
            answer = self.check(node, body, 400)
            self.assertIn(part, answer["detail"])
        self.assertEqual(node.get("/v1/tasks")["tasks"], [])

    def test_a_task_in_words_and_the_one_before(self):
        cluster = self.cluster([ROWS] * 3)
        cluster.wait_connected()
        node = cluster.nodes[0]
        first, other, second = (node.create(plan({"m": text}, name=name)) for text, name in
                                (("mean(wage)", "x"), ("mean(wage)", "y"), ("sum(wage)", "x")))
        words = [node.get(f"/v1/task/words?task_id={task}") for task in (first, other, second)]
        self.assertNotIn("previous", words[0])
        self.assertNotIn("previous", words[1])
        self.assertEqual(words[2]["previous"], {"task_id": first, "words": words[0]["words"]})
        self.assertIn('output "m": sum(wage)\n', words[2]["words"])
        self.assertEqual(node.request("GET", "/v1/task/words?task_id=99")[0], 400)
        for task in (first, other, second):
            node.wait_end(task)

    def test_a_task_that_runs_code_in_words(self):
        node = self.cluster([ROWS] * 3).nodes[0]
        data, digest = make_bundle({"model.py": "class Model:\n    pass\n"})
        self.assertEqual(node.request("POST", "/v1/code/offer", data)[0], 200)
        task = node.create({"version": 1, "name": "two\u202eweights", "type": "learning", "bundle": digest, "rounds": 2,
                            "strategy": {"min_clients": 3, "wait_timeout": 1, "connection_timeout": 1}})
        self.assertEqual(node.get(f"/v1/task/words?task_id={task}"), {"words": (
            f'a asks for "two<U+202E>weights", with at least 3 parties\nruns the code {digest}\n'
            "for 2 rounds, each of which opens the mean of all parties' weights\n")})
        node.request("POST", f"/v1/task/cancel?task_id={task}", "")

    def test_what_others_asked(self):
        cluster = self.cluster([ROWS] * 3, start=False)
        creator, owner, _ = cluster.nodes
        creator.policy = {"profile": "open"}
        owner.policy = {"approve": "manual", "profile": "safe", "ask": ["a"]}
        cluster.start()
        cluster.wait_connected()
        task = creator.create(plan({"m": "sum(sqrt(wage))"}))
        owner.wait_log("sotto approve 1,")
        answer = owner.get("/v1/asked/rules?number=1")
        self.assertEqual(answer["approve"], "manual")
        self.assertEqual(self.refusing(answer), {})  # the owner's leave goes beyond the grammar
        owner.policy["ask"] = ["c"]
        owner.configure()
        self.assertEqual(owner.request("POST", "/v1/reload", "")[0], 200)
        self.assertEqual(self.refusing(owner.get("/v1/asked/rules?number=1")), {"ask": "policy.ask does not list a"})
        self.assertEqual(owner.request("GET", "/v1/asked/rules?number=9")[0], 400)
        creator.request("POST", f"/v1/task/cancel?task_id={task}", "")

    def test_what_is_in_force_and_what_was_told(self):
        cluster = self.cluster([ROWS] * 3, start=False)
        creator, owner, _ = cluster.nodes
        owner.policy = {"min_rows": 2}
        cluster.start()
        cluster.wait_connected()
        self.assertEqual(creator.wait_end(creator.create(plan({"m": "mean(wage)"}))), "FINISHED")
        ledger = owner.get("/v1/ledger")
        audited = run("audit", "--json", "--config", str(owner.folder / "node.yaml")).stdout
        self.assertEqual(ledger, json.loads(audited))
        self.assertEqual(ledger["columns"], [{"file": "wages.csv", "column": "wage", "told": 1, "left": 11}])
        self.assertEqual(owner.get("/v1/ledger?limit=1")["entries"], ledger["entries"][-1:])
        before = owner.get("/v1/policy")
        self.assertEqual((before["profile"], before["code"], before["approve"], before["min_rows"], before["datasets"], before["ask"]),
                         ("safe", "deny", "automatic", 2, ["wages.csv"], "every peer"))
        owner.policy = {"min_rows": 7, "approve": "manual", "ask": ["a"], "profile": "open",
                        "columns": [{"dataset": "wages.csv", "hide": ["name"]}]}
        owner.configure()
        self.assertEqual(owner.get("/v1/policy"), before)  # what is in force, not what is written
        self.assertEqual(owner.request("POST", "/v1/reload", "")[0], 200)
        after = owner.get("/v1/policy")
        self.assertEqual((after["profile"], after["approve"], after["min_rows"], after["ask"]),
                         ("open", "manual", 7, ["a"]))
        self.assertEqual(after["columns"], [{"dataset": "wages.csv", "allow": "all", "hide": ["name"],
                                             "identifiers": [], "multiply": []}])


if __name__ == "__main__":
    unittest.main()
