# SPDX-License-Identifier: Apache-2.0
"""Each rule of a policy: what it refuses, in which words to the owner and which class elsewhere, and
what it lets pass. `sotto check` says the same without data."""

import base64
import json
import time
import unittest

from support import ClusterCase, plan, run

DEPTS = ["a"] * 12 + ["b"] * 5 + ["c"] * 3


def table():
    lines = [f"{i},{10 * i},{dept},{i % 7}" for i, dept in enumerate(DEPTS, 1)]
    return "id,wage,dept,age\n" + "\n".join(lines) + "\n"


FILES = {"wages.csv": table()}
BY_DEPT = {"group_by": [{"column": "wages.dept", "levels": ["a", "b", "c"]}]}


class Rules(ClusterCase):
    def three(self, policy, **settings):
        """A creator, a node that takes anything, and one with a policy."""
        cluster = self.cluster([FILES] * 3, start=False)
        for node in cluster.nodes[:2]:
            node.policy = {"profile": "open"}
        cluster.nodes[2].policy = policy
        for key, value in settings.items():
            setattr(cluster.nodes[2], key, value)
        cluster.start()
        return cluster.nodes[0], cluster.nodes[2]

    def passes(self, creator, outputs, **more):
        task = creator.create(plan(outputs if isinstance(outputs, dict) else {"m": outputs}, **more))
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        return creator.result(task)

    def refuses(self, creator, owner, output, words, class_="refused", **more):
        said = owner.count_log(words)
        task = creator.create(plan({"m": output}, **more))
        self.assertEqual(creator.wait_end(task), "ERROR", creator.messages(task))
        owner.wait_log(words, times=said + 1)
        lines = creator.messages(task)
        self.assertTrue(any(f"{owner.name} declined: {class_}" in line or
                            (owner.name in line and class_ in line) for line in lines), lines)
        self.assertFalse(any("policy" in line or words in line for line in lines), lines)
        return task

    def test_statistics(self):
        creator, owner = self.three({"statistics": ["mean", "count"]})
        self.passes(creator, "mean(wages.wage)")
        self.refuses(creator, owner, "var(wages.wage)", "policy.statistics does not list var")

    def test_columns(self):
        creator, owner = self.three({"columns": [{"dataset": "wages.csv", "allow": ["wage", "age"],
                                                  "hide": ["age"]}]})
        self.passes(creator, "mean(wages.wage)")
        for column in ("id", "age"):
            self.refuses(creator, owner, f"sum(wages.{column})",
                         f"policy.columns does not show column {column} of wages.csv")

    def test_hidden_columns_are_not_in_the_star(self):
        hide = {"columns": [{"dataset": "wages.csv", "hide": ["id", "age"]}]}
        cluster = self.cluster([FILES] * 3, start=False)
        for node in cluster.nodes:
            node.policy = hide
        cluster.start()
        result = self.passes(cluster.nodes[0], "mean(wages.*)")
        self.assertEqual(result["outputs"]["m"]["labels"], [["wage"]])
        self.assertEqual(list(result["schema"]["wages"]), ["wage"])

    def test_identifiers(self):
        """Looked at, declared, and let through."""
        columns = [{"dataset": "wages.csv", "identifiers": ["age"], "multiply": ["wage"]}]
        creator, owner = self.three({"columns": columns})
        self.passes(creator, "mean(wages.id) + mean(wages.age)")
        for column in ("id", "age"):
            self.refuses(creator, owner, f"dot(wages.wage, wages.{column})", "is an identifier here")

    def test_complete_rows(self):
        """Rows that lack a column are not offered, by one owner, whatever a plan reads."""
        creator, owner = self.three({"profile": "open"},
                                    files=[{"file": "wages.csv", "complete": ["age"]}])
        lines = table().splitlines()
        (owner.data / "wages.csv").write_text("\n".join([*lines, "21,1000000,a,", "22,2000000,b,"]) + "\n")
        result = self.passes(creator, {"n": "count(wages.id)", "most": "sum(wages.wage)"})
        self.assertEqual(result["outputs"]["n"]["value"], 60)
        self.assertEqual(result["outputs"]["most"]["value"], 3 * 2100)

    def test_rounds(self):
        two = "mean((wages.wage - mean(wages.wage)) ** 2)"
        creator, owner = self.three({"rounds": 1, "profile": "open"})
        self.passes(creator, "var(wages.wage)")
        self.refuses(creator, owner, two, "the plan takes 2 rounds, policy.rounds is 1")

    def test_min_parties(self):
        creator, owner = self.three({"min_parties": 3})
        self.passes(creator, "mean(wages.wage)")
        creator, owner = self.three({"min_parties": 4})
        self.refuses(creator, owner, "mean(wages.wage)", "policy.min_parties is 4")

    def test_who_may_ask(self):
        creator, owner = self.three({"ask": ["a"]})
        self.passes(creator, "mean(wages.wage)")
        creator, owner = self.three({"ask": ["b"]})
        self.refuses(creator, owner, "mean(wages.wage)", "policy.ask does not list a")

    def test_datasets(self):
        creator, owner = self.three({"datasets": []})
        self.refuses(creator, owner, "mean(wages.wage)", "wages.csv is not offered", "not_found")

    def test_min_rows_on_both_sides(self):
        creator, owner = self.three({"profile": "open", "min_rows": 5})
        few = "rule rows: "
        self.passes(creator, "mean(wages.wage)", where="wages.id > 10")
        self.passes(creator, "sum(if(wages.id > 10, wages.wage, 0))")
        self.refuses(creator, owner, "mean(wages.wage)",
                     few + "where leaves 1 rows in and 19 out", where="wages.id == 17")
        self.refuses(creator, owner, "mean(wages.wage)",
                     few + "where leaves 19 rows in and 1 out", where="wages.id != 17")
        self.refuses(creator, owner, "sum(if(wages.id == 16, wages.wage, 0))",
                     few + "the condition at column 17 of sum(if(wages.id == 16")
        self.refuses(creator, owner, "any(wages.id == 15)", "of any(wages.id == 15) holds for 1 rows")
        # Sums of 0 and 1 have no few rows behind them that a later round would not have.
        self.refuses(creator, owner, "sum(if(wages.wage > 1.8 * mean(wages.wage), 1, 0))",
                     "holds for 2 rows here")
        result = self.passes(creator, "value_counts(wages.dept, 'a', 'b', 'c')")
        counts = [(value["value"], value.get("withheld", 0)) for value in result["outputs"]["m"]["values"]]
        self.assertEqual(counts, [(36, 0), (None, 3), (None, 3)])
        owner.wait_log("2 bins or levels are withheld")

    def test_parties_are_counted_by_what_they_have(self):
        """What one party alone has is nobody's sum, in whatever words it is asked."""
        def rows(bonus, level):
            return "id,bonus,level\n" + "".join(
                f"{i},{i if bonus else 'NA'},{level if i < 12 else 'x'}\n" for i in range(40))
        cluster = self.cluster([{"w.csv": rows(True, "only")}, {"w.csv": rows(False, "y")},
                                {"w.csv": rows(False, "y")}], start=False)
        for node in cluster.nodes:
            node.policy = {"profile": "safe"}
        cluster.start()
        creator = cluster.nodes[0]
        def ask(**keys):
            task = creator.create({"version": 1, "name": "n", "type": "analytics",
                                   "datasets": {"w": "w.csv"}, "strategy": {"min_clients": 3}, **keys})
            return task, creator.wait_end(task)
        task, end = ask(select={"m": "sum(w.bonus)"})
        self.assertEqual(end, "ERROR")
        self.assertTrue(any("rule cover: fewer than 3 parties" in line for line in creator.messages(task)))
        # Nor by the difference of two sums that all have: of one's rows before "x".
        task, end = ask(select={"p": "sum(if(w.level in ('only', 'x'), w.id, na))",
                                "q": "sum(if(w.level == 'x', w.id, na))"})
        self.assertEqual(end, "ERROR")
        self.assertTrue(any("rule cover: fewer than 3 parties" in line for line in creator.messages(task)))
        task, end = ask(select={"p": "sum(if(w.level in ('only', 'y', 'x'), w.id, na))",
                                "q": "sum(if(w.level == 'x', w.id, na))"})
        self.assertEqual(end, "FINISHED", creator.messages(task))
        task, end = ask(select={"m": "value_counts(w.level, 'only', 'x', 'y')"})
        self.assertEqual(end, "FINISHED", creator.messages(task))
        values = [(value["value"], value.get("withheld", 0))
                  for value in creator.result(task)["outputs"]["m"]["values"]]
        # "y" is two parties', "only" one's: together they are known, and all three's.
        self.assertEqual(values, [(None, 3), (3 * 28, 0), (None, 3)])
        task, end = ask(select={"m": "mean(w.id)"},
                        group_by=[{"column": "w.level", "levels": ["only", "x"]}])
        self.assertEqual(creator.result(task)["groups"]["withheld"], [3, 0])

    def test_check_knows_what_was_answered(self):
        """It says what the node would, and writes nothing down."""
        creator, owner = self.three({"profile": "safe", "min_rows": 5})
        self.passes(creator, "sum(wages.wage)", where="wages.id > 9")
        path = owner.folder / "plan.json"
        path.write_text(json.dumps(plan({"m": "sum(wages.wage)"}, where="wages.id > 10")))
        before = owner.cli("audit", "--config", str(owner.folder / "node.yaml")).stdout
        for _ in range(2):
            done = run("check", str(path), "--config", str(owner.folder / "node.yaml"), check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("rows         lets it pass", done.stdout)
            self.assertIn("ledger       refuses (refused)", done.stdout)
        self.assertEqual(owner.cli("audit", "--config", str(owner.folder / "node.yaml")).stdout, before)

    def test_results_say_which_rules_were_in_force(self):
        creator, _ = self.three({"profile": "safe", "min_rows": 5, "dominance": 20})
        result = self.passes(creator, "mean(wages.wage)", **BY_DEPT)
        self.assertEqual(result["rules"],
                         [{"profile": "open", "min_rows": 0, "dominance": 0, "parties": 2},
                          {"profile": "safe", "min_rows": 5, "dominance": 20, "parties": 1}])
        for form in ((), ("--csv",)):
            shown = creator.cli("result", "1", *form).stderr
            self.assertIn("rules: profile open, min_rows 0, dominance 0, at 2 parties\n", shown)
            self.assertIn("rules: profile safe, min_rows 5, dominance 20, at 1 party\n", shown)
            self.assertIn("group c: withheld by 3 parties", shown)
        self.assertEqual(json.loads(creator.cli("result", "1", "--json").stdout), result)

    def test_withheld_groups(self):
        creator, owner = self.three({"profile": "open", "min_rows": 5})
        result = self.passes(creator, "sum(wages.id)", **BY_DEPT)
        # Two parties alone are in no sum: each would know the other's.
        self.assertEqual(result["groups"]["withheld"], [0, 3, 3])
        values = [value["value"] for value in result["outputs"]["m"]["values"]]
        self.assertEqual(values, [3 * 78, None, None])
        owner.wait_log("2 of 3 groups are withheld")
        shown = creator.cli("result", "1")
        self.assertIn("group c: withheld by 3 parties", shown.stderr)
        creator, owner = self.three({"profile": "open", "min_rows": 3})
        self.assertNotIn("withheld", self.passes(creator, "sum(wages.id)", **BY_DEPT)["groups"])

    def test_packed_rows_by_default(self):
        creator, owner = self.three({})
        packed = {
            "sum(if(wages.id == 17, wages.wage, 0))": "a choice, if",
            "mean(2 * wages.id == 34)": "a condition",
            "sum(exp(27 * wages.id))": ": exp",
            "sum(wages.wage ** 5)": "it opens sums of a degree above 2",
            "sum(wages.wage // 1000)": "a division",
            "sum(fillna(wages.wage, 0))": "a choice, fillna",
            "hist(wages.wage + 0, 0, 17, 18)": ": hist",
            "mean((wages.wage - mean(wages.wage)) ** 2)": "a later round computes with numbers",
        }
        for output, words in packed.items():
            self.refuses(creator, owner, output, words)
        self.refuses(creator, owner, "mean(wages.wage)",
                     "where, column 1 of wages.id * 1 == 17: a condition",
                     where="wages.id * 1 == 17")
        self.refuse(creator, plan({"m": "sum(wages.wage * 2**(40*wages.id))"}), "exponent")
        self.passes(creator, "mean(wages.wage)", **BY_DEPT)
        self.passes(creator, "var(wages.wage)")

    def test_columns_that_are_not_there(self):
        both = {"wages.csv": table().replace("age\n", "wag\n", 1)}
        cluster = self.cluster([{}, FILES, both, both], start=False)
        creator, owner = cluster.nodes[:2]
        owner.policy = {"explain": "true"}
        cluster.start()

        def declined(column="wag"):
            task = creator.create(plan({"m": f"mean(wages.{column})"}))
            self.assertEqual(creator.wait_end(task), "ERROR")
            return next(line for line in creator.messages(task) if "declined" in line)

        said = declined()
        self.assertIn("b declined: not_found: dataset", said)
        self.assertIn('has no column "wag"; did you mean "wage"?', said)
        hide = [{"dataset": "wages.csv", "hide": ["wage"]}]
        for policy, column, end in (({"explain": "true", "columns": hide}, "wag", None),
                                    ({"explain": "true", "columns": hide}, "wage", "refused"),
                                    ({}, "wag", "not_found")):
            owner.policy = policy
            owner.configure()
            owner.cli("reload")
            said = declined(column)
            self.assertNotIn('"wage"', said)  # hidden: as if it were not there
            self.assertTrue(end is None or said.endswith("b declined: " + end), said)

    def test_exact_texts(self):
        cluster = self.cluster([FILES] * 3, start=False)
        cluster.nodes[0].policy = {"exact": False, "profile": "open"}
        cluster.start()
        creator = cluster.nodes[0]
        result = self.passes(creator, {"m": "mean(wages.wage)", "exact": "sum(wages.id)"})
        self.assertEqual(result["outputs"], {"m": {"value": 105.0}, "exact": {"value": 630.0}})
        creator, _ = self.three({})
        self.assertIn("exact", self.passes(creator, "mean(wages.wage)")["outputs"]["m"])

    def test_results_for_all(self):
        cluster = self.cluster([FILES] * 3, start=False)
        cluster.nodes[0].policy = {"results": "participants"}
        cluster.start()
        a, b, _ = cluster.nodes
        task = a.create(plan({"m": "mean(wages.wage)"}))
        self.assertEqual(a.wait_end(task), "CONFIRMED", a.messages(task))
        self.assertEqual(a.get(f"/v1/task/status?task_id={task}"),
                         {"status": "CONFIRMED", "confirmation": "confirmed by all 3 parties"})
        self.assertIn("CONFIRMED", a.cli("list").stdout)
        b.wait_log("ended (ok): the task ended: confirmed by 3 of 3 parties")
        self.check_receipt(a, b, task)
        b.wait_log("its result is here: sotto asked 1")
        asked = b.get("/v1/asked/one?number=1")
        self.assertEqual(json.loads(asked["result"])["outputs"]["m"]["value"], 105.0)
        self.assertEqual(asked["plan"]["select"], {"m": "mean(wages.wage)"})
        self.assertIn("m  105", b.cli("asked", "1").stdout)
        creator, owner = self.three({})
        self.passes(creator, "mean(wages.wage)")
        owner.wait_log("ended (ok)")
        self.assertEqual(owner.get("/v1/asked"), {"asked": []})

    def check_receipt(self, creator, other, task):
        """The receipt holds at another node, offline; one changed byte is found."""
        path = creator.folder / "r.sotto"
        self.assertEqual(creator.cli("receipt", str(task), "--out", str(path)).stdout, f"{path}\n")
        peers = ["--peers", str(other.folder / "node.yaml")]
        said = other.cli("verify", str(path), *peers).stdout
        self.assertIn("m  105", said)
        self.assertIn("confirmed by 3 of 3 parties: ", said)
        self.assertIn("as each gave", said)
        receipt = json.loads(other.cli("verify", str(path), *peers, "--json").stdout)
        self.assertEqual(receipt["creator"], creator.name)
        self.assertEqual(len(receipt["confirmed"]), 3)
        self.assertEqual(receipt["result"], creator.result(task))
        answer = creator.get(f"/v1/task/receipt?task_id={task}")
        self.assertEqual(base64.b64decode(answer["receipt"]), path.read_bytes())
        changed = bytearray(path.read_bytes())
        changed[len(changed) // 2] ^= 1
        (creator.folder / "changed.sotto").write_bytes(changed)
        done = other.cli("verify", str(creator.folder / "changed.sotto"), *peers, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("a byte of it was changed", done.stderr)

    def test_an_owner_may_sign_nothing(self):
        creator, owner = self.three({"confirm": False})
        task = creator.create(plan({"m": "mean(wages.wage)"}, results="participants"))
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        status = creator.get(f"/v1/task/status?task_id={task}")
        self.assertEqual(status["confirmation"],
                         f"confirmed by 2 of 3 parties; {owner.name} signs no results")
        owner.wait_log("its result is here: sotto asked 1")
        done = creator.cli("receipt", str(task), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no receipt", done.stderr)

    def test_the_plan_says_who_gets_results(self):
        creator, owner = self.three({})
        asked = {**plan({"m": "mean(wages.wage)"}), "results": "participants"}
        task = creator.create({**asked, "enable_verify": True})
        self.assertEqual(creator.wait_end(task), "CONFIRMED", creator.messages(task))
        self.assertIs(creator.get(f"/v1/task/metadata?task_id={task}")["enable_verify"], True)
        owner.wait_log("its result is here: sotto asked 1")
        self.assertEqual(json.loads(owner.get("/v1/asked/one?number=1")["result"]),
                         creator.result(task))
        # Told, and checked by nobody: the task says so.
        task = creator.create({**asked, "enable_verify": False})
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        status = creator.get(f"/v1/task/status?task_id={task}")
        self.assertIn("not verified: the plan says", status["confirmation"])

    def test_an_owner_may_require_that_sums_are_checked(self):
        creator, owner = self.three({"verify": "require"})
        why = "the plan does not say \"enable_verify\": true"
        self.refuses(creator, owner, "mean(wages.wage)", why)
        self.refuses(creator, owner, "mean(wages.wage)", why, results="participants")
        task = creator.create(plan({"m": "mean(wages.wage)"}, results="participants",
                                   enable_verify=True))
        self.assertEqual(creator.wait_end(task), "CONFIRMED", creator.messages(task))

    def test_who_does_not_answer_is_named(self):
        # It dies before it consents, and the others open the sum, which has its rows.
        cluster = self.cluster([FILES] * 4, env={3: {"SOTTO_TEST_STOP_AT": "record"}})
        creator = cluster.nodes[0]
        asked = plan({"m": "mean(wages.wage)"}, max_clients=4, connection=4, results="participants")
        task = creator.create(asked)
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        status = creator.get(f"/v1/task/status?task_id={task}")
        self.assertEqual(status["confirmation"],
                         f"confirmed by 3 of 4 parties; no answer of {cluster.nodes[3].name}")


class Files(ClusterCase):
    def test_how_a_file_is_read(self):
        text = "id;wage\n" + "".join(f"{i:03};{i},5\n" for i in range(1, 20)) + "020;none\n"
        cluster = self.cluster([{"wages.csv": text}] * 3, start=False)
        for node in cluster.nodes:
            node.files = [{"file": "wages.csv", "delimiter": ";", "decimal": ",", "na": ["none"],
                           "types": ["id=string", "wage=decimal(1)"]}]
            node.policy = {"profile": "open"}
        cluster.start()
        creator = cluster.nodes[0]
        task = creator.create(plan({"m": "sum(wages.wage)", "n": "sum(if(wages.id == '003', 1, 0))"}))
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        outputs = creator.result(task)["outputs"]
        self.assertEqual((outputs["m"]["value"], outputs["n"]["value"]), (598.5, 3.0))
        # With other options the file is another one, though it is the same.
        for node in cluster.nodes:
            node.files[0]["na"] = ["1,5", "none"]
            node.configure()
            node.cli("reload")
        task = creator.create(plan({"m": "sum(wages.wage)"}))
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        self.assertEqual(creator.result(task)["outputs"]["m"]["value"], 594.0)


class Approve(ClusterCase):
    def waiting(self, **more):
        cluster = self.cluster([FILES] * 3, start=False)
        cluster.nodes[2].policy = {"approve": "manual", **more}
        cluster.start()
        cluster.wait_connected()
        creator, owner = cluster.nodes[0], cluster.nodes[2]
        task = creator.create(plan({"m": "mean(wages.wage)"}))
        owner.wait_log("waits for its owner: sotto approve 1")
        return creator, owner, task

    def test_approved(self):
        creator, owner, task = self.waiting()
        shown = owner.cli("asked").stdout
        self.assertIn("WAITING", shown)
        words = owner.cli("asked", "1").stdout
        self.assertIn('a asks for "wage_avg", with at least 3 parties', words)
        self.assertIn("reads wage of wages.csv", words)
        self.assertIn('output "m": mean(wages.wage)', words)
        self.assertIn("grammar admits all of it, 1 clause", words)
        self.assertEqual(creator.get(f"/v1/task/status?task_id={task}")["status"], "RUNNING")
        owner.cli("approve", "1")
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        self.assertIn("waits no longer", owner.cli("approve", "1", check=False).stderr)
        owner.wait_log("ended (ok)")
        self.assertIn("ENDED", owner.cli("asked").stdout)
        # The owner's own tasks need no approval; what was approved once is no rule.
        second = creator.create(plan({"m": "mean(wages.wage)"}))
        owner.wait_log("sotto approve 2")
        owner.cli("reject", "2")
        self.assertEqual(creator.wait_end(second), "ERROR")

    def test_rejected(self):
        creator, owner, task = self.waiting()
        owner.cli("reject", "1")
        self.assertEqual(creator.wait_end(task), "ERROR")
        self.assertTrue(any("refused" in line for line in creator.messages(task)))
        self.assertIn("REJECTED", owner.cli("asked").stdout)
        owner.wait_log("the owner rejected it")

    def test_a_restart_keeps_it(self):
        creator, owner, task = self.waiting()
        owner.stop()
        owner.start()
        owner.wait_log("waits for its owner: sotto approve 1")
        owner.cli("approve", "1")
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))

    def test_it_outlives_its_task(self):
        creator, owner, task = self.waiting()
        creator.cli("cancel", str(task))
        owner.wait_log("ended (cancelled)")
        self.assertIn("WAITING", owner.cli("asked").stdout)
        owner.cli("approve", "1")
        self.assertIn("waits no longer", owner.cli("approve", "1", check=False).stderr)

    def test_policy_comes_first_and_again(self):
        creator, owner, task = self.waiting()
        owner.policy["statistics"] = ["count"]
        owner.configure()
        owner.cli("reload")
        owner.cli("approve", "1")
        self.assertEqual(creator.wait_end(task), "ERROR")
        owner.wait_log("policy.statistics does not list mean")

    def test_names_as_long_as_they_may_be(self):
        creator, owner, _ = self.waiting()
        many = {f"{'x' * 200}{i}": "sum(wages.wage)" for i in range(1000)}
        task = creator.create(plan(many, name="\u00e9" * 128))
        owner.wait_log("waits for its owner: sotto approve 2")
        asked = owner.get("/v1/asked?waiting=1")["asked"]
        self.assertEqual([entry["number"] for entry in asked], [2, 1])
        self.assertEqual(asked[0]["name"], "\u00e9" * 128)
        one = owner.get("/v1/asked/one?number=2")
        self.assertEqual(one["words"].count("sum(wages.wage)"), 1000)
        self.assertEqual(len(one["plan"]["select"]), 1000)
        self.assertEqual(creator.get(f"/v1/task/metadata?task_id={task}")["name"], "\u00e9" * 128)

    def test_numbers_that_are_none(self):
        owner = self.cluster([FILES], start=False).nodes[0].start()
        for command in ("approve", "reject", "asked"):
            self.assertIn("nothing of number 7", owner.cli(command, "7", check=False).stderr)
            self.assertEqual(owner.cli(command, "-7", check=False).returncode, 2)
        self.assertEqual(owner.request("POST", "/v1/asked/approve")[0], 422)
        self.assertEqual(owner.request("POST", "/v1/asked/approve?number=x")[0], 422)
        self.assertEqual(owner.request("GET", "/v1/asked/one?number=99999999999999999999")[0], 422)
        self.assertEqual(owner.request("GET", "/v1/asked/approve?number=1")[0], 405)


class Reload(ClusterCase):
    def test_a_bad_file_keeps_the_old_policy(self):
        cluster = self.cluster([FILES] * 3)
        creator, owner = cluster.nodes[0], cluster.nodes[2]
        owner.policy = {"profil": "open"}
        owner.configure()
        owner.process.send_signal(1)  # SIGHUP
        owner.wait_log("the configuration is not reloaded, the old one stays in force: ")
        owner.wait_log('unknown key "profil"; did you mean "profile"?, line: ')
        failed = owner.cli("reload", check=False)
        self.assertEqual(failed.returncode, 1)
        self.assertIn('did you mean "profile"?', failed.stderr)
        task = creator.create(plan())
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        owner.policy = {"statistics": ["sum"]}
        owner.configure()
        owner.process.send_signal(1)
        owner.wait_log("the configuration is reloaded")
        task = creator.create(plan())
        self.assertEqual(creator.wait_end(task), "ERROR")
        owner.wait_log("policy.statistics does not list mean")

    def test_what_needs_a_restart(self):
        owner = self.cluster([FILES], start=False).nodes[0].start()
        owner.peers = [(owner, "http://127.0.0.1:1")]
        (owner.folder / "node.yaml").write_text(
            (owner.folder / "node.yaml").read_text().replace("name: a", "name: other"))
        owner.cli("reload")
        owner.wait_log("these keys need a restart: name")


class Check(ClusterCase):
    def check(self, policy, body, *arguments, code=1, has_data=True):
        node = self.cluster([FILES, FILES], start=False).nodes[0]
        node.policy = policy
        node.configure()
        if not has_data:
            (node.data / "wages.csv").unlink()
        path = node.folder / "plan.json"
        path.write_text(json.dumps(body))
        done = run("check", str(path), "--config", str(node.folder / "node.yaml"), *arguments,
                   check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_every_rule_that_refuses(self):
        packed = plan({"m": "sum(if(wages.id == 17, wages.wage, 0))"})
        said = self.check({"ask": ["a"], "statistics": ["mean"], "min_parties": 5, "rounds": 1,
                           "columns": [{"dataset": "wages.csv", "hide": ["id"]}]},
                          packed, "--from", "b")
        for words in ("ask          refuses (refused)", "policy.ask does not list b",
                      "policy.statistics does not list sum", "policy.min_parties is 5",
                      "rounds       lets it pass", "column id of wages.csv",
                      "grammar      refuses (refused)", "column 1 of sum(if(", "a choice, if", "This node would decline."):
            self.assertIn(words, said)
        self.assertIn("not_found", self.check({"datasets": []}, plan()))

    def test_what_the_owner_says_of_columns(self):
        product = plan({"m": "dot(wages.wage, wages.age)"})
        columns = [{"dataset": "wages.csv", "identifiers": ["age"], "multiply": ["wage"]}]
        self.assertIn("is an identifier here", self.check({"columns": columns}, product))
        columns[0]["multiply"] += columns[0].pop("identifiers")
        self.assertNotIn("is an identifier here", self.check({"columns": columns}, product, code=0))

    def test_what_passes(self):
        said = self.check({"approve": "manual", "min_rows": 5}, plan(), code=0)
        self.assertIn("This node lets it pass.", said)
        self.assertIn("rows         lets it pass", said)
        self.assertIn("ledger       empty: the node has not run yet", said)
        self.assertIn("cover        this node has enough of 1 of 1 groups, bins and levels", said)
        self.assertIn("approve      manual", said)
        self.assertIn('a asks for "wage_avg"', said)

    def test_rows(self):
        said = self.check({"min_rows": 5}, plan({"m": "sum(wages.wage)"}, where="wages.id == 17"))
        self.assertIn("rows         refuses (refused)", said)
        self.assertIn("rule rows: where leaves 1 rows in and 19 out", said)
        self.assertIn("This node would decline.", said)
        said = self.check({"min_rows": 5}, plan({"m": "mean(wages.wage)"}, **BY_DEPT), code=0)
        self.assertIn("withholds    2 of 3 groups", said)
        self.assertIn("enough of 1 of 3 groups, bins and levels", said)
        said = self.check({}, plan(), has_data=False)
        self.assertIn("Policy lets it pass, and its rows can't be asked: wages.csv", said)

    def test_a_question_as_run_takes_it(self):
        """The same words and verdict as of the plan that `sotto run` makes of it."""
        node = self.cluster([FILES, FILES], start=False).nodes[0]
        node.policy = {"min_rows": 5}
        node.configure()
        question = ["--data", "wages=wages.csv", "--where", "id == 17", "--", "sum(wage)"]
        path = node.folder / "plan.json"
        path.write_text(run("run", "--dry-run", *question).stdout)
        config = ["--config", str(node.folder / "node.yaml")]
        said = run("check", *config, *question, check=False)
        self.assertEqual(said.returncode, 1, said.stderr)
        self.assertIn("rule rows: where leaves 1 rows in and 19 out", said.stdout)
        self.assertEqual(said.stdout, run("check", *config, str(path), check=False).stdout)
        both = run("check", *config, "--where", "id == 17", str(path), check=False)
        self.assertEqual(both.returncode, 2)
        self.assertIn("sotto check PLAN, which says it all itself", both.stderr)

    def test_usage(self):
        self.assertIn("no peer is named so", self.check({}, plan(), "--from", "zeta", code=2))
        self.assertIn("must be an aggregate", self.check({}, plan({"m": "wages.wage"}), code=2))
        self.assertEqual(run("check", check=False).returncode, 2)


if __name__ == "__main__":
    unittest.main()
