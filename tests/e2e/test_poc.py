#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sotto poc: nodes that stay, answer what is printed as the next step, and stop."""

import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

from support import SOTTO

NAMES = ("acorn", "birch", "cedar")


class Poc(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="sotto-poc-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.addCleanup(subprocess.run, [SOTTO, "poc", "stop"], cwd=self.root, capture_output=True)

    def say(self, *arguments, folder=".", code=0):
        done = subprocess.run([SOTTO, *arguments], cwd=self.root / folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def processes(self):
        return [int((self.root / "sotto-poc" / name / "pid").read_text()) for name in NAMES]

    def await_end(self, process):
        until = time.monotonic() + 10
        while os.path.exists(f"/proc/{process}/cwd"):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.01)

    def test_a_network_that_stays(self):
        told = self.say("poc", "3")
        found = re.findall(r"^(\w+) +(http://127\.0\.0\.1:\d+)  ([0-9a-f]{64})$", told, re.M)
        self.assertEqual([name for name, _, _ in found], list(NAMES))
        for name, board, token in found:
            with urllib.request.urlopen(board) as page:
                self.assertIn(b"<html", page.read())
            request = urllib.request.Request(f"{board}/v1/me", headers={"Authorization": f"Bearer {token}"})
            with urllib.request.urlopen(request) as answer:
                self.assertIn(f'"{name}"'.encode(), answer.read())

        # What is printed as the next steps are commands that do it.
        steps = [shlex.split(step) for step in re.findall(r"^    (sotto .*)$", told, re.M)]
        self.assertEqual([step[1] for step in steps], ["run", "run", "run", "status"])
        pooled = self.root / "pooled.csv"
        tables = [(self.root / "sotto-poc" / name / "data/wages.csv").read_text() for name in NAMES]
        pooled.write_text(tables[0] + "".join(table.split("\n", 1)[1] for table in tables[1:]))
        for step in steps[:3]:
            answer = self.say(*step[1:], folder="sotto-poc/acorn")
            options = step[step.index("wages=wages.csv") + 1:]
            self.assertEqual(answer, self.say("local", "--data", str(pooled), *options))
        self.assertIn("2 of 2 connected", self.say("status", folder="sotto-poc/acorn"))

        processes = self.processes()
        self.assertEqual(self.say("poc", "3"), told)  # they run: nothing is done
        self.assertEqual(self.processes(), processes)
        self.assertEqual(self.say("poc", "stop").count(" stopped\n"), 3)
        for process in processes:  # which has given its memory back, but perhaps not its folder yet
            self.await_end(process)
        self.assertEqual(self.say("poc", "stop").count(" was not running\n"), 3)
        self.assertEqual(self.say("poc", "3"), told)  # the same nodes
        self.assertIn("FINISHED", self.say("show", "1", folder="sotto-poc/acorn"))

    def test_only_its_own_processes_are_stopped(self):
        self.say("poc", "3")
        pid = self.root / "sotto-poc/birch/pid"
        birch = pid.read_text()
        for folder in (self.root, pid.parent):
            with subprocess.Popen(["sleep", "600"], cwd=folder) as stranger:
                pid.write_text(f"{stranger.pid}\n")
                self.assertIn("birch    was not running", self.say("poc", "stop"))
                self.assertIsNone(stranger.poll())
                stranger.kill()
        os.kill(int(birch), signal.SIGTERM)

    def test_what_is_refused(self):
        for words in ((), ("2",), ("10",), ("x",), ("3", "a", "b")):
            self.assertIn("expected: sotto poc NUMBER", self.say("poc", *words, code=2))
        (self.root / "sotto-poc").mkdir()
        self.assertIn("expected a folder that is not there yet", self.say("poc", "3", code=1))
        self.assertIn("expected a folder that sotto poc made", self.say("poc", "stop", code=1))
        self.assertEqual(os.listdir(self.root / "sotto-poc"), [])
        (self.root / "sotto-poc/acorn").mkdir()
        (self.root / "sotto-poc/acorn/node.yaml").write_text("")
        self.assertIn("has 1 nodes", self.say("poc", "3", code=2))
        (self.root / "sotto-poc").chmod(0o777)
        self.assertIn("nobody else may write to", self.say("poc", "3", code=1))


if __name__ == "__main__":
    unittest.main()
