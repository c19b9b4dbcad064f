# SPDX-License-Identifier: Apache-2.0
"""A party's rows in three files: the script of engine/PARTS.md prints what sotto local says of one file, in methods
of many rounds, too. Parts that are missing, cut short, there twice or of something else are errors that say so."""

import json
import os
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import time
import unittest

from support import PATIENCE, SOTTO, ClusterCase, plan, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUTS = ["m=median(pay)", "f=glm(ill, pay, family=binomial)", "a=var(pay * age)", "h=hist(age, 0, 40, 80)"]


def script_of(name, title=""):
    return re.search(rf"^```sh{title}\n(.*?)^```$", (ROOT / name).read_text(), re.M | re.S)[1]


class Parts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        rng = random.Random(22)
        rows = [f"{rng.choice('ab')},{rng.gauss(50, 9):.{i % 3}f},{rng.choice(['', rng.randrange(90)])},"
                f"{rng.randrange(2)}\n" for i in range(700)]
        self.write("all.csv", rows)
        for i in range(3):
            self.write(f"part-{i + 1}.csv", rows[i::3])
        self.plan("plan.json", *OUTPUTS)

    def write(self, name, rows):
        (self.folder / name).write_text("dept,pay,age,ill\n" + "".join(rows))

    def plan(self, name, *outputs):
        done = self.sotto("run", "--dry-run", "--data", "staff=all.csv", "--by", "dept in ('a', 'b')", "--", *outputs)
        (self.folder / name).write_text(done.stdout)

    def sotto(self, *arguments):
        return run(*arguments, cwd=self.folder)

    def refuse(self, arguments, *parts):
        done = run(*arguments, check=False, cwd=self.folder)
        self.assertEqual(done.returncode, 1, done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)

    def partial(self, i, *more, out=None, of=3):
        self.sotto("partial", "--plan", "plan.json", "--part", f"{i}/{of}", "--out", out or f"{i}.slots", *more,
                   f"part-{i}.csv")

    def test_the_script_gives_what_one_file_gives(self):
        where = {**os.environ, "PATH": f"{pathlib.Path(SOTTO).resolve().parent}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-c", script_of("engine/PARTS.md")], cwd=self.folder, env=where, timeout=600,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        local = self.sotto("local", "--json", "--by", "dept in ('a', 'b')", "--data", "staff=all.csv", "--", *OUTPUTS)
        self.assertEqual((self.folder / "result.json").read_text(), local.stdout)
        self.assertIn("opened", json.loads((self.folder / "round.json").read_text()))

    def test_what_a_node_asks(self):
        (self.folder / "ask.json").write_text('{"sotto": "ask", "version": 1}')
        for i in (1, 2, 3):
            self.sotto("partial", "--ask", "ask.json", "--part", f"{i}/3", "--out", f"{i}.slots", f"part-{i}.csv")
        self.sotto("merge", "--out", "all.slots", "1.slots", "3.slots", "2.slots")
        self.partial(1, out="round.slots")
        self.refuse(["merge", "1.slots", "round.slots"], "round.slots: expected a part of the same plan")
        self.refuse(["advance", "--plan", "plan.json", "--out", "round.json", "all.slots"], "of the same plan")
        self.refuse(["partial", "--ask", "ask.json", "part-1.csv", "part-2.csv"], "expected one file", "found 2")
        self.refuse(["partial", "--ask", "plan.json", "part-1.csv"],
                    "plan.json: expected what a node asks its workers, found another text")
        done = run("partial", "--ask", "ask.json", "--plan", "plan.json", "part-1.csv", check=False, cwd=self.folder)
        self.assertEqual(done.returncode, 2, done.stderr)

    def test_parts_that_are_missing_or_there_twice(self):
        for i in (1, 2, 3):
            self.partial(i)
        advance = ["advance", "--plan", "plan.json", "--out", "round.json"]
        self.sotto("merge", "--out", "two.slots", "3.slots", "1.slots")
        self.refuse([*advance, "two.slots"], "expected all 3 parts, found 2: part 2 is missing")
        self.refuse(["merge", "two.slots", "1.slots"], "1.slots: expected each part once, found part 1 of 3 again")
        killed = (self.folder / "2.slots").read_bytes()[:-9]
        (self.folder / "killed.slots").write_bytes(killed)
        self.refuse(["merge", "two.slots", "killed.slots"], "killed.slots: expected a part", "cut short")
        self.assertFalse((self.folder / "round.json").exists())
        self.sotto("merge", "--out", "all.slots", "two.slots", "2.slots")
        self.sotto(*advance, "all.slots")
        self.refuse([*advance, "all.slots", "--round", "round.json"],
                    "all.slots: expected a part of round 1, found one of round 0")
        self.refuse(["advance", "--plan", "plan.json", "all.slots"], "expected --out FILE: another round follows")

    def test_dates_beside_times(self):
        """What one file reads as times is of two types in parts, unless it is stated; no party is to blame."""
        days, times = [f"a,2024-01-0{i},," + "1\n" for i in range(1, 9)], [f"b,2024-02-0{i} 10:00,," + "1\n" for i in range(1, 9)]
        self.write("all.csv", days + times)
        for i, rows in enumerate([times, days, []]):
            self.write(f"part-{i + 1}.csv", rows)
        self.plan("plan.json", "n=count(pay)", "h=sum(hour(pay))", "d=sum(pay < '2024-02-04')")
        expected = json.loads(self.sotto("local", "--json", "--by", "dept in ('a', 'b')", "--data", "staff=all.csv", "--",
                                         "n=count(pay)", "h=sum(hour(pay))", "d=sum(pay < '2024-02-04')").stdout)
        advance = ["advance", "--plan", "plan.json", "--out", "round.json", "--json", "all.slots"]
        for stated, more in [([], []), (["--type", "pay=datetime"], []), (["--type", "pay=datetime"], ["--round", "round.json"])]:
            for i in (1, 2, 3):
                self.partial(i, *stated, *more)
            self.sotto("merge", "--out", "all.slots", "1.slots", "3.slots", "2.slots")
            if stated:
                found = self.sotto(*advance, *more).stdout
            else:
                self.refuse(advance, "column staff.pay is date at some parts, but datetime at some parts: dates, times",
                            "--type COLUMN=datetime")
        self.assertEqual(json.loads(found)["groups"], expected["groups"])

    def test_rows_that_change_between_rounds(self):
        for i in (1, 2, 3):
            self.partial(i)
        advance = ["advance", "--plan", "plan.json", "--out", "round.json"]
        self.sotto("merge", "--out", "all.slots", "1.slots", "2.slots", "3.slots")
        self.sotto(*advance, "all.slots")
        later = ["--round", "round.json"]
        (self.folder / "part-2.csv").write_text("dept,pay,age,ill\n")
        for i in (1, 2, 3):
            self.partial(i, *later)
        self.sotto("merge", "--out", "all.slots", "1.slots", "2.slots", "3.slots")
        self.refuse([*advance, *later, "all.slots"], "expected 700 rows in all parts, as in round 0, found 467")
        self.refuse(["partial", "--plan", "plan.json", *later, "--snapshot", "v2", "part-1.csv"],
                    'expected rows of snapshot "", as in round 0, found "v2"')
        self.plan("other.json", "m=mean(pay)")
        self.refuse(["partial", "--plan", "other.json", *later, "part-1.csv"],
                    "round.json: expected a round of this plan, found one of another")

    def test_what_a_command_takes(self):
        for part in ("0/3", "4/3", "3", "1/0", "x/3", "1/3x", "1/1048577", "-1/3"):
            done = run("partial", "--plan", "plan.json", "--part", part, "part-1.csv", check=False, cwd=self.folder)
            self.assertEqual(done.returncode, 2, part)
            self.assertIn(f"--part {part}: expected which part it is", done.stderr)
        self.refuse(["merge", "part-1.csv"], "part-1.csv: expected a part")
        self.refuse(["partial", "--plan", "plan.json", "part-1.csv", "part-2.csv"],
                    "expected a file for each of the plan's datasets, 1, found 2")
        self.refuse(["partial", "--plan", "plan.json", "--round", "plan.json", "part-1.csv"],
                    "plan.json: expected a round as sotto advance writes it")


# The guide's, with a place where it breaks.
WORKERS = script_of("node/SOURCES.md", " wages.sh").replace("exit\n", f"""exit
PATH={pathlib.Path(SOTTO).resolve().parent}:$PATH
[ ! -e broken ] || . ./broken
""", 1)
# What a command does instead, and what its owner is told.
BROKEN = {
    "kill -9 $$": "it was killed: Killed",
    "echo where; echo is it >&2; exit 0": "staff: its workers say: is it",
    "sotto partial --ask $ask --part 1/2 --snapshot v1 part-1.csv; exit": "expected all 2 parts, found 1",
    "sotto partial --ask $ask --part 1/1 part-1.csv; exit": "expected parts that name the state of their rows",
    "! grep -q plan $ask || echo v2 >version": "expected rows of snapshot",
}
ASKED = {"m": "median(x.pay)", "f": "glm(x.ill, x.pay, family=binomial)", "v": "corr(x.pay, x.age)"}
BY = [{"column": "x.dept", "levels": ["a", "b"]}]


class Workers(ClusterCase):
    """Nodes whose rows are in three parts, of which a script of the owner's has the sums made."""

    def nodes(self, in_parts, only_last=False, **policy):
        cluster = self.cluster([{}] * 3, start=False)
        rng = random.Random(7)
        for node in cluster.nodes:
            rows = [f"{rng.choice('ab')},{rng.gauss(50, 9):.2f},{rng.randrange(90)},{rng.randrange(2)}\n"
                    for _ in range(300)]
            for name, part in {"staff": rows, **{f"part-{i + 1}.csv": rows[i::3] for i in range(3)}}.items():
                (node.data / name).write_text("dept,pay,age,ill\n" + "".join(part))
            (node.data / "version").write_text("v1")
            (node.folder / "workers.sh").write_text(WORKERS)
            (node.folder / "workers.sh").chmod(0o700)
            node.datasets = ["staff"]
            has_workers = in_parts and (not only_last or node is cluster.nodes[-1])
            node.files = [{"file": "staff", "workers": "workers.sh"}] if has_workers else []
            node.policy = dict(policy)
        cluster.start()
        cluster.wait_connected()
        return cluster.nodes

    def ask(self, creator, expected="FINISHED", **more):
        task = creator.create(plan(ASKED, {"x": "staff"}, wait=20, connection=20, group_by=BY, **more))
        self.assertEqual(creator.wait_end(task), expected, creator.messages(task))
        return task

    def test_parts_are_judged_as_files_are(self):
        told = []
        for in_parts in (False, True):
            creator, _, owner = self.nodes(in_parts, profile="open", min_rows=10)
            told.append(creator.result(self.ask(creator))["outputs"])
            self.ask(creator, "ERROR", where="x.age < 3")  # 10 rows of 300, or fewer in a group
            owner.wait_log("declined (refused)")
        self.assertEqual(*told)

    def test_what_goes_wrong_is_told_to_the_owner_only(self):
        creator, _, owner = self.nodes(True, only_last=True, profile="open")
        for script, text in BROKEN.items():
            (owner.data / "broken").write_text(script)
            task = self.ask(creator, "ERROR")
            owner.wait_log(text)
            said = "\n".join(creator.messages(task))
            self.assertIn("c declined: ", said)
            self.assertNotIn(text, said + creator.log())
        (owner.data / "version").write_text("v1")
        (owner.data / "broken").write_text("sleep 1; echo; exit")
        self.ask(creator, "ERROR")  # and whoever may ask could go on so, and keep the node
        (owner.data / "broken").unlink()
        self.ask(creator, "ERROR")
        owner.wait_log("waited for in vain before")
        owner.cli("reload")
        (owner.data / "broken").write_text("yes it works | head -n 40 >&2")
        self.ask(creator)
        self.assertLess(owner.log().count("its workers say"), 120)  # LOG_LINES_OF_CAUSE, and one in 10 s

    def test_who_is_answered_goes_on(self):
        """A question that fails for long keeps others from asking, and ends no task that is under way."""
        creator, _, owner = self.nodes(True, only_last=True, profile="open")
        (owner.data / "broken").write_text("""grep -q plan "$ask" || { [ -e slow ] && sleep 1 && exit 1; }
grep -q plan "$ask" && [ ! -e begun ] && touch begun && while [ ! -e slow ]; do sleep 0.1; done""")
        asked = plan({"m": "mean(x.pay - mean(x.pay))"}, {"x": "staff"}, wait=20, connection=20)  # two rounds
        task = creator.create(asked)
        while not (owner.data / "begun").exists():
            time.sleep(0.01)
        other = creator.create(asked)
        time.sleep(0.5)  # until it waits for the thread that the first one holds
        (owner.data / "slow").touch()
        self.assertEqual(creator.wait_end(other), "ERROR")
        self.assertEqual(creator.wait_end(task), "FINISHED", creator.messages(task))
        self.ask(creator, "ERROR")
        owner.wait_log("waited for in vain before")

    def test_an_owner_tries_them(self):
        creator = self.nodes(True, profile="open")[0]
        where = ["--config", str(creator.folder / "node.yaml")]
        self.assertIn("staff: in parts, by ", creator.cli("sources", *where).stdout)
        told = creator.cli("sources", "staff", *where).stdout
        self.assertIn("staff: 300 rows", told)
        self.assertRegex(told, r"pay +decimal\(2\) +may name it")
        columns = creator.get("/v1/columns?dataset=staff")["columns"]
        self.assertEqual([column["name"] for column in columns], ["dept", "pay", "age", "ill"])
        (creator.data / "broken").write_text("trap 'exit 7' EXIT")  # also where who started sotto heeds no child
        done = subprocess.run([SOTTO, "sources", "staff", *where], capture_output=True, text=True,
                              preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("it failed with exit status 7", done.stderr)
        (creator.data / "broken").unlink()
        checked = creator.cli("check", "--data", "x=staff", *where, "--", "mean(pay)").stdout
        self.assertIn("This node lets it pass", checked)
        creator.policy = {"profile": "safe", "min_rows": 10}
        creator.files = [{"file": "staff", "workers": "workers.sh", "key": "age"}]
        creator.configure()
        self.assertIn("the key", creator.cli("sources", "staff", *where).stdout)
        done = creator.cli("check", "--data", "x=staff", *where, "--", "mean(pay)", check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn('key "age": expected another value in each row, found one in two rows', done.stdout)
        creator.files = creator.files[:1]
        creator.files[0].pop("key")
        creator.configure()
        checked = creator.cli("check", "--data", "x=staff", *where, "--", "mean(pay)").stdout
        self.assertIn("This node lets it pass", checked)
        creator.files[0]["key"] = "pay"
        creator.configure()
        done = creator.cli("sources", "staff", *where, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn('staff: key "pay": expected whole numbers or texts, found decimal', done.stderr)


class Remembered(ClusterCase):
    """A party whose rows are in parts remembers what it answered, as one does that has a file. The others have files."""

    def nodes(self, in_parts, key):
        cluster = self.cluster([{}] * 3, start=False)
        rng = random.Random(14)
        self.rows = {}
        for node in cluster.nodes:
            self.rows[node] = [f"{1000 + i},{rng.choice('ab')},{rng.gauss(50, 9):.2f},{rng.randrange(20, 90)}"
                               for i in range(120)]
            self.write(node, "v1")
            (node.folder / "workers.sh").write_text(WORKERS)
            (node.folder / "workers.sh").chmod(0o700)
            node.datasets = ["staff"]
            word = {"workers": "workers.sh"} if in_parts and node is cluster.nodes[-1] else {}
            word |= {"key": key} if key else {}
            node.files = [{"file": "staff", **word}] if word else []
            node.policy = {"profile": "safe", "min_rows": 10, "refusals": 100}
        cluster.start()
        cluster.wait_connected()
        return cluster.nodes

    def write(self, node, version):
        """The rows as a file, and in parts that are cut anew each time."""
        rows = [row + "\n" for row in self.rows[node]]
        random.Random(version).shuffle(rows)
        for name, part in {"staff": rows, **{f"part-{i + 1}.csv": rows[i::3] for i in range(3)}}.items():
            (node.data / name).write_text("id,dept,pay,age\n" + "".join(part))
        (node.data / "version").write_text(version)

    def ask(self, nodes, outputs, **more):
        """The outputs, or None where the last node declines."""
        creator, _, owner = nodes
        before = owner.log().count(": declined ")
        task = creator.create(plan(outputs, {"x": "staff"}, wait=20, connection=20, **more))
        if creator.wait_end(task) == "FINISHED":
            return creator.result(task)["outputs"]
        deadline = time.monotonic() + PATIENCE
        while owner.log().count(": declined ") == before:
            self.assertLess(time.monotonic(), deadline, creator.messages(task))
            time.sleep(0.05)
        return None

    def story(self, in_parts, key=None):
        """Questions while rows change at one party, and what came of each."""
        nodes = self.nodes(in_parts, key)
        owner = nodes[2]
        rows = self.rows[owner]
        wage = {"m": "mean(x.pay)", "v": "var(x.pay)"}
        some = {"s": "sum(x.pay)"}
        by_dept = [{"column": "x.dept", "levels": ["a", "b"]}]
        told = [self.ask(nodes, wage), self.ask(nodes, {"a": "mean(x.age)"}, group_by=by_dept)]
        self.write(owner, "v2")  # other parts of the same rows
        told += [self.ask(nodes, wage), self.ask(nodes, some, where="x.age < 50")]
        left = next(row for row in rows if int(row.split(",")[3]) < 50)
        rows.remove(left)
        self.write(owner, "v3")  # one person's wage is all answers less those after it
        told += [self.ask(nodes, wage), self.ask(nodes, some, where="x.age < 50 or x.dept == 'a'"),
                 self.ask(nodes, {"a": "mean(x.age)"}, group_by=by_dept), self.ask(nodes, some, where="x.age >= 50")]
        rows.append(left)
        rows[:] = [f"{int(row.split(',')[0]) + 500},{row.split(',', 1)[1]}" if i < 3 else row
                   for i, row in enumerate(rows)]
        self.write(owner, "v4")  # three other people, who earn the same
        told.append(self.ask(nodes, wage))
        rows.extend(f"{3000 + i},a,{40 + i}.25,{30 + i}" for i in range(12))
        self.write(owner, "v5")
        told.append(self.ask(nodes, wage))
        return told, [re.sub("task [0-9a-f]{8}", "task", line.split("declined ")[1])
                      for line in owner.log().splitlines() if ": declined " in line]

    def test_a_file_and_its_parts_have_the_same_story(self):
        for key in (None, "id"):
            of_parts, of_file = self.story(True, key), self.story(False, key)
            self.assertEqual(of_parts, of_file)
            same = key is None  # who is known by nothing else but the same values is the same
            self.assertEqual([told is not None for told in of_parts[0]],
                             [True, True, True, True, False, False, True, False, same, same])
            withheld = [value.get("special") for value in of_parts[0][6]["a"]["values"]]
            self.assertEqual(withheld, ["withheld", None])


if __name__ == "__main__":
    unittest.main()
