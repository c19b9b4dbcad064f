# SPDX-License-Identifier: Apache-2.0
"""The command line as people see it: on a terminal, piped, interrupted; help, manual, completion."""

import csv
import fcntl
import io
import json
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

from support import PATIENCE, SOTTO, ClusterCase, has_tool, plan, run, wages

COMMANDS = ["local", "simulate", "describe", "init", "peer", "node", "poc", "keygen", "create", "trace", "wait",
            "result", "run", "list", "cancel", "check", "asked", "approve", "reject", "reload",
            "completion", "man", "version"]


class Terminal:
    """A command on a terminal of some width."""

    def __init__(self, arguments, columns=80, **env):
        self.out = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execvpe(SOTTO, [SOTTO, *arguments], {**os.environ, "TERM": "xterm", **env})

    def read_until(self, text):
        end = time.monotonic() + PATIENCE
        while text not in self.out and time.monotonic() < end and self.read():
            pass
        assert text in self.out, self.out

    def read(self):
        if not select.select([self.fd], [], [], 1)[0]:
            return True
        try:
            data = os.read(self.fd, 65536).decode(errors="replace")
        except OSError:
            return False
        self.out += data
        return data != ""

    def end(self):
        while self.read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Run(ClusterCase):
    def three(self, names=("a", "b", "c"), started=3):
        cluster = self.cluster([wages(*range(20))] * 3, start=False)
        for node, name in zip(cluster.nodes, names):
            node.name = name
        for node in cluster.nodes[:started]:
            node.start()
        return cluster

    def arguments(self, node, *more, body=None):
        path = node.folder / "plan.json"
        path.write_text(json.dumps(body or plan()))
        return ["run", str(path), *more], {"SOTTO_NODE": node.api_url, "SOTTO_TOKEN": node.token}

    def test_live(self):
        cluster = self.three(("acorn", "birch", "c\u00e9dar"), started=2)
        creator = cluster.nodes[0]
        arguments, env = self.arguments(creator)
        for columns, more, code in ((40, {"LC_ALL": "C"}, "\033[36m"), (200, {"NO_COLOR": "1",
                                                                          "LC_ALL": "C.UTF-8"}, "")):
            terminal = Terminal(arguments, columns, **env, **more)
            terminal.read_until("2 j")
            if not cluster.nodes[2].process:
                cluster.nodes[2].start()
            self.assertEqual(terminal.end(), 0, terminal.out)
            lines = re.split(r"\r|\n", re.sub(r"\033\[[0-9;]*[mK]", "", terminal.out))
            self.assertTrue(all(len(line) < columns for line in lines if "waiting" in line), lines)
            self.assertIn("waiting for parties", terminal.out)
            self.assertIn("m  9.5", lines)  # on a line of its own
            self.assertEqual("\033[3" in terminal.out, code != "", terminal.out)
            self.assertTrue(any(line.startswith("task ") and " s, of " in line for line in lines))
            self.assertIn("c?dar" if "C" == more["LC_ALL"] else "c\u00e9dar", terminal.out)
            cluster.nodes[2].stop() if columns == 40 else None

    def test_models_say_how_far_they_are(self):
        rows = "ill,age\n" + "".join(f"{int(i * 7 % 10 > 4)},{20 + i}\n" for i in range(40))
        cluster = self.cluster([{"wages.csv": rows}] * 3, start=False)
        for node in cluster.nodes:
            node.policy = {"profile": "open"}
        cluster.start()
        cluster.wait_connected()
        creator = cluster.nodes[0]
        model = plan({"f": "glm(wages.ill, wages.age, family=binomial)"})
        arguments, env = self.arguments(creator, body=model)
        done = run(*arguments, env={**env, "TERM": "xterm"})
        first = re.search(r"\[Model\] task 1 round 1 (f: iteration 1, deviance \S+)\n", done.stderr)
        terminal = Terminal(arguments, 120, **env)
        self.assertEqual(terminal.end(), 0, terminal.out)
        lines = re.split(r"\r|\n", re.sub(r"\033\[[0-9;]*[mK]", "", terminal.out))
        live = [line for line in lines if first[1] in line]
        self.assertTrue(all(line.startswith("task 2 ") for line in live) and live, lines)
        self.assertRegex(terminal.out, "round 3, [a-z ]+  f: iteration 2, deviance .* step of")

    def test_piped(self):
        creator = self.three().nodes[0]
        arguments, env = self.arguments(creator)
        done = run(*arguments, env={**env, "TERM": "xterm"})
        self.assertEqual(done.stdout, "m  9.5\n")
        self.assertIn("[Join] task 1 round 1 b joined\n", done.stderr)
        self.assertNotIn("\033", done.stderr)

    def test_interrupted(self):
        creator = self.three(started=2).nodes[0]
        arguments, env = self.arguments(creator)
        terminal = Terminal(arguments, **env)
        terminal.read_until("2 joined")
        os.write(terminal.fd, b"\x03")
        self.assertEqual(terminal.end(), 130)
        self.assertIn("task 1 goes on at the node", terminal.out)
        for command in ("trace 1", "result 1", "cancel 1"):
            self.assertIn(f"sotto {command} ", terminal.out)
        self.assertEqual(creator.get("/v1/task/status?task_id=1"), {"status": "RUNNING"})
        creator.cli("cancel", "1")

    def test_what_failed(self):
        cluster = self.three(started=0)
        cluster.nodes[2].policy = {"statistics": ["sum"]}
        cluster.start()
        arguments, env = self.arguments(cluster.nodes[0])
        terminal = Terminal(arguments, **env)
        self.assertEqual(terminal.end(), 1)
        self.assertIn("c declined: refused", terminal.out)
        self.assertIn("at least 3 needed", terminal.out)

    def test_columns_that_are_not_there(self):
        creator = self.three().nodes[0]
        arguments, env = self.arguments(creator, body=plan({"m": "mean(wages.wag)"}))
        done = run(*arguments, env=env, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('"wage"', done.stderr)

    def test_formats(self):
        creator = self.three().nodes[0]
        arguments, env = self.arguments(creator, "--csv")
        self.assertEqual(run(*arguments, env=env).stdout,
                         "output,row,column,value,exact\nm,,,9.5,9.5\n")
        arguments, env = self.arguments(creator, "--json")
        self.assertEqual(json.loads(run(*arguments, env=env).stdout)["outputs"]["m"]["value"], 9.5)
        arguments, env = self.arguments(creator, "--json", "--csv")
        self.assertEqual(run(*arguments, env=env, check=False).returncode, 2)


class Csv(unittest.TestCase):
    def test_all_shapes(self):
        text = 'x,y,dept\n1,5,"a, b"\n2,7,"say ""hi"""\n4,1,"a, b"\n8,3,"a, b"\n'
        levels = """dept in ("a, b", 'say "hi"')"""
        with open("/dev/shm/sotto-test.csv" if os.path.isdir("/dev/shm") else "/tmp/sotto-test.csv",
                  "w") as file:
            file.write(text)
        self.addCleanup(os.unlink, file.name)
        done = run("local", "--data", f"t={file.name}", "--csv", "--", "n=count(x)", "s=sum([x, y])",
                   "c=corr([x, y])", "m=mean(x / 0)", "r=ols(y, x)")
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertIn({"output": "n", "row": "", "column": "", "value": "4", "exact": "4"}, rows)
        self.assertIn({"output": "s", "row": "y", "column": "", "value": "16", "exact": "16"}, rows)
        self.assertEqual(sum(row["output"] == "c" for row in rows), 4)
        self.assertIn(("m", "inf"), [(row["output"], row["value"]) for row in rows])
        self.assertIn(("r.coefficients", "x"), [(row["output"], row["row"]) for row in rows])
        self.assertIn("<1e-300", run("local", "--data", f"t={file.name}", "--", "ols(x * 2, x)").stdout)
        done = run("local", "--data", f"t={file.name}", "--by", levels, "--csv", "--", "s=sum([x, y])")
        rows = list(csv.reader(io.StringIO(done.stdout)))
        self.assertEqual(rows[0], ["output", "dept", "row", "column", "value", "exact"])
        self.assertIn(["s", 'say "hi"', "y", "", "7", "7"], rows)


class Conversions(unittest.TestCase):
    """What was lost on reading is said in every form, and nothing beside it is called exact."""

    CASES = [(["18446744073709551615", "1", "2"], "digits are lost"),
             (["9007199254740993", "1e0", "1.5"], "read as float64"),
             (["0.1", "1e0", "2"], "read as float64"),
             (["0.1\n1e0", "1", "2"], "its decimals became the doubles nearest to them"),
             (["9007199254740993\n1e0", "1", "2"], "digits are lost"),
             (["9.007199254740993e15", "1", "2"], "digits are lost"),
             (["12345678901234567890e0\n0.1e0", "1e0", "2e0"], "digits are lost")]

    def test_every_form(self):
        for texts, sentence in self.CASES:
            with self.subTest(texts), tempfile.TemporaryDirectory() as folder:
                files = [os.path.join(folder, f"{name}.csv") for name in "abc"]
                for file, text in zip(files, texts):
                    with open(file, "w") as out:
                        out.write(f"x\n{text}\n")
                for outputs in (["s=sum(x)"], ["s=mean(*)"], ["s=ols(x, x ** 2)"]):
                    done = run("simulate", *files, "--", *outputs)
                    self.assertIn("warning: a.x: ", done.stderr)
                    self.assertIn(sentence, done.stderr)
                    self.assertNotIn("=", done.stdout)
                    done = run("simulate", *files, "--csv", "--", *outputs)
                    self.assertIn(sentence, done.stderr)
                    rows = list(csv.DictReader(io.StringIO(done.stdout)))
                    self.assertEqual({row["exact"] for row in rows
                                      if row["output"] not in ("s.count", "s.df")}, {""})
                    result = json.loads(run("simulate", *files, "--json", "--", *outputs).stdout)
                    self.assertIn(sentence, " ".join(result["conversions"]))


class Numbers(unittest.TestCase):
    """Terminal and --csv write doubles as Python does, but for the .0 of whole numbers."""

    VALUES = ["50", "100", "620", "1200", "-40", "1e15", "9999999999999998", "1e16", "1.5e300", "0.1",
              "0.0001", "0.00001", "123456.789", "5e-324", "-0.5", "9007199254740994", "0"]

    def expected(self, text):
        return repr(float(text)).removesuffix(".0")

    def test_both_forms(self):
        with tempfile.TemporaryDirectory() as folder:
            names = [f"x{i}" for i in range(len(self.VALUES))]
            file = os.path.join(folder, "x.csv")
            with open(file, "w") as out:
                out.write(",".join(names) + "\n" + ",".join(self.VALUES) + "\n")
            arguments = ["local", "--data", file]
            outputs = ["--", *[f"{name}=sum({name})" for name in names]]
            for line, text in zip(run(*arguments, *outputs).stdout.splitlines(), self.VALUES):
                self.assertEqual(line.split()[1], self.expected(text), line)
            rows = list(csv.DictReader(io.StringIO(run(*arguments, "--csv", *outputs).stdout)))
            self.assertEqual([row["value"] for row in rows],
                             [self.expected(text) for text in self.VALUES])


class Tables(unittest.TestCase):
    """Six columns beside each other: as many digits as fit the terminal."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sotto-tables-")
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "t.csv")
        rng = random.Random(3)
        with open(self.file, "w") as file:
            file.write("age,wage,hours,height,weight,smokes\n")
            for _ in range(50):
                file.write(f"{rng.randint(18, 80)},{rng.uniform(2e3, 9e3):.2f},{rng.uniform(1, 40):.1f},"
                           f"{rng.gauss(1.7, 0.1):.2f},{rng.gauss(75, 12):.1f},{rng.choice(['true', 'false'])}\n")

    def test_why_a_median_is_an_interval(self):
        done = run("simulate", self.file, self.file, self.file, "--policy", "safe", "--", "median(age)")
        self.assertRegex(done.stdout, r"^median\(age\)  \[\d+, \d+\]\n$")
        self.assertIn("[low, high]: the value is in it", done.stderr)
        done = run("simulate", self.file, self.file, self.file, "--policy", "open", "--", "median(age, exact=1)")
        self.assertNotIn("[low, high]", done.stderr)

    def shown(self, columns, *arguments):
        terminal = Terminal(["local", "--data", self.file, *arguments], columns)
        self.assertEqual(terminal.end(), 0, terminal.out)
        return terminal.out.replace("\r", "").splitlines()

    def test_they_fit(self):
        for columns, rows in ((200, 8), (120, 8), (80, 8), (40, 16)):
            lines = self.shown(columns, "--", "corr(*)")
            self.assertLessEqual(max(map(len, lines)), columns, lines)
            self.assertEqual(len(lines), rows, lines)
        points = {line.index(".") for line in self.shown(80, "--", "corr(*)")[3:5]}
        self.assertEqual(len(points), 1)

    def test_piped_they_have_all_digits(self):
        done = run("local", "--data", self.file, "--", "corr(age, wage)", "corr([age, wage])")
        value = done.stdout.splitlines()[0].split()[-1]
        self.assertGreater(len(value), 15)
        self.assertEqual(done.stdout.count(value), 3)

    def test_digits_and_fractions(self):
        for options, expected in ((["--digits", "3"], "0.333"), (["--exact"], "0.3333333333333333  = 1/3"),
                                  (["--exact", "--digits", "5"], "0.33333  = 1/3"), ([], "0.3333333333333333")):
            done = run("local", "--data", self.file, *options, "--", "x=sum(age) / sum(age) / 3")
            self.assertEqual(done.stdout, f"x  {expected}\n")
        done = run("local", "--data", self.file, "--digits", "2", "--", "x=count(age) * 1234567 / 2")
        self.assertEqual(done.stdout, "x  30864175\n")
        for options in (["--json", "--exact"], ["--csv", "--digits", "4"], ["--digits", "0"], ["--digits", "18"]):
            done = run("local", "--data", self.file, *options, "--", "mean(age)", check=False)
            self.assertEqual(done.returncode, 2, done.stdout)


class Help(unittest.TestCase):
    def test_every_help_fits_a_screen(self):
        for command in [None, *COMMANDS]:
            shown = run(*([command] if command else []), "--help").stdout
            lines = shown.splitlines()
            self.assertLessEqual(len(lines), 24, shown)
            self.assertLessEqual(max(map(len, lines)), 80, shown)

    def test_near_misses(self):
        done = run("simulat", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn('did you mean "simulate"?', done.stderr)

    def test_manual(self):
        page = run("man").stdout
        for command in COMMANDS:
            self.assertIn(f".SS sotto {command}\n", page)
        if has_tool(self, "man"):
            shown = subprocess.run(["man", "--warnings", "-l", "-"], input=page, text=True,
                                   capture_output=True, env={**os.environ, "MANWIDTH": "100"})
            self.assertEqual(shown.stderr, "")

    def test_bash(self):
        script = run("completion", "bash").stdout
        for words, expected in ((["sotto", "ru"], "run"), (["sotto", "run", "--jso"], "--json"),
                                (["sotto", "approve", "--no"], "--node"), (["sotto", "pe"], "peer")):
            quoted = " ".join(f"'{word}'" for word in words)
            done = subprocess.run(["bash", "-c", f"{script}\nCOMP_WORDS=({quoted})\n"
                                   f"COMP_CWORD={len(words) - 1}\n_sotto\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""],
                                  capture_output=True, text=True)
            self.assertEqual((done.stdout.split(), done.stderr), ([expected], ""))

    def test_zsh(self):
        script = run("completion", "zsh").stdout
        self.assertIn("#compdef sotto", script)
        if has_tool(self, "zsh"):
            done = subprocess.run(["zsh", "-n"], input=script, text=True, capture_output=True)
            self.assertEqual(done.stderr, "")
        self.assertEqual(run("completion", "fish", check=False).returncode, 2)


if __name__ == "__main__":
    unittest.main()
