# SPDX-License-Identifier: Apache-2.0
"""One process (ask.c) that answers plans as `sotto local` and `sotto simulate` would, without their start."""

import json
import subprocess


class Refused(Exception):
    pass


class Engine:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        """Returns: how the process ended."""
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()

    def ask(self, plan, texts, seed=0):
        """The result over one file's text, or over parties, each with one. Raises Refused."""
        parts = [part.encode() for part in (json.dumps(plan), *texts)]
        numbers = [seed, len(parts[0]), len(texts), *map(len, parts[1:])]
        self.process.stdin.write(" ".join(map(str, numbers)).encode() + b"\n" + b"".join(parts))
        self.process.stdin.flush()
        head = self.process.stdout.readline().split()
        if not head:
            raise SystemExit(f"{self.process.args} ended with {self.process.wait()} at seed {seed}")
        text = self.process.stdout.read(int(head[1]))
        if head[0] == b"no":
            raise Refused(text.decode())
        return json.loads(text)
