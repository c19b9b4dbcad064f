# SPDX-License-Identifier: Apache-2.0
"""README's three machines, step by step as written there: hosts are network namespaces with addresses of
their own on one switch. Where namespaces are not permitted the test is skipped (skip.sh)."""

import ctypes
import fractions
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import support

SOTTO = os.environ.get("SOTTO_BINARY", "sotto")
README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
HOSTS = {"acorn": [4000.5, 5000.25] * 20, "birch": [3000, 3500] * 15, "cedar": [9000.01, 8000.5, 7000] * 5}
PATIENCE = 60


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


def permitted():
    probe = f"sotto-probe-{os.getpid()}"
    try:
        ip("netns", "add", probe)
        ip("-n", probe, "link", "add", "v0", "type", "bridge")
        return True
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        if shutil.which("ip"):
            ip("netns", "del", probe, check=False)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class ThreeHosts(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sotto-hosts-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.processes = []
        self.lines = {}
        self.addCleanup(self.stop)
        switch = self.namespace("switch")
        ip("-n", switch, "link", "add", "br0", "type", "bridge")
        ip("-n", switch, "link", "set", "br0", "up")
        for number, host in enumerate(HOSTS, 1):
            (self.folder / host).mkdir()
            space = self.namespace(host)
            ip("-n", switch, "link", "add", f"p{number}", "type", "veth", "peer", "name", "eth0",
               "netns", space)
            ip("-n", switch, "link", "set", f"p{number}", "master", "br0", "up")
            ip("-n", space, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", space, "link", "set", device, "up")
            names = pathlib.Path("/etc/netns") / space
            names.mkdir(parents=True)
            self.addCleanup(shutil.rmtree, names)
            (names / "hosts").write_text("127.0.0.1 localhost\n10.77.0.1 acorn.example\n")

    def namespace(self, name):
        space = f"sotto-{os.getpid()}-{name}"
        ip("netns", "add", space)
        self.addCleanup(ip, "netns", "del", space, check=False)
        return space

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, 0)

    def start(self, host, command):
        """The step in a shell on its host; `sotto` is found as after an installation."""
        binary = pathlib.Path(SOTTO).resolve().parent
        return subprocess.Popen(
            ["ip", "netns", "exec", f"sotto-{os.getpid()}-{host}", "sh", "-c",
             command if command != "sotto node" else "exec sotto node"],
            cwd=self.folder / host, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=die_with_parent,
            env={**os.environ, "PATH": f"{binary}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"})

    def step(self, host, command):
        for name, line in self.lines.items():
            command = command.replace(name.upper(), line)
        process = self.start(host, command)
        if command == "sotto node":
            self.processes.append(process)
            self.assertIn("api http://127.0.0.1:6700", process.stdout.readline())
            return None
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, f"{host}$ {command}: {err}")
        if command.startswith("sotto init"):
            self.lines[host] = out.strip()
            rows = "".join(f"p{i},{value}\n" for i, value in enumerate(HOSTS[host]))
            (self.folder / host / "data" / "wages.csv").write_text("name,wage\n" + rows)
        return out, err

    def open_ports(self, host):
        """What listens on other addresses than loopback, from the kernel's tables."""
        out, _ = self.start(host, "cat /proc/net/tcp /proc/net/tcp6").communicate()
        listening = [line.split()[1] for line in out.splitlines() if " 0A " in line]
        return [int(at.split(":")[1], 16) for at in listening if not at.startswith("0100007F:")]

    def test_the_steps_of_the_readme(self):
        text = README.read_text()
        section = text[text.index("## Three companies on three machines"):]
        section = section[:section.index("\n## ", 3)]
        steps = re.findall(r"^ +(acorn|birch|cedar)\$ (.*)$", section, re.MULTILINE)
        self.assertEqual(len(steps), 13)
        plan = re.search(r"^ +(\{\"version\".*?\}\})$", section, re.MULTILINE | re.DOTALL)[1]
        (self.folder / "acorn" / "plan.json").write_text(plan)
        digits = {}
        for host, command in steps:
            done = self.step(host, command)
            if command.startswith("sotto init"):
                digits[host] = re.search(r"(\d{5} ?){6}", done[1])[0].strip()
            if command.startswith("sotto peer add"):
                other = next(name for name in HOSTS if name.upper() in command)
                self.assertIn(digits[other], done[0])
        out, err = done
        values = [fractions.Fraction(str(value)) for part in HOSTS.values() for value in part]
        self.assertIn(f"mean_wage  {float(sum(values) / len(values))}", out)
        self.assertIn(f"employees  {len(values)}", out)
        self.assertIn("3 survived", err)
        self.assertEqual([self.open_ports(host) for host in HOSTS], [[6701], [], []])
        yaml = self.folder / "birch" / "node.yaml"
        self.assertIn('url: "https://acorn.example:6701"', yaml.read_text())
        self.wrong_certificate_is_no_acorn()

    def wrong_certificate_is_no_acorn(self):
        """Another certificate in acorn's place, with acorn's own node behind it: nobody calls it."""
        birch = self.processes.pop(1)
        birch.terminate()
        birch.communicate(timeout=PATIENCE)
        yaml = self.folder / "birch" / "node.yaml"
        pin = re.search(r'pin: "(.*)"', yaml.read_text())[1]
        yaml.write_text(yaml.read_text().replace(pin, "A" * 43))
        self.step("birch", "sotto node")
        end = time.monotonic() + PATIENCE
        log = self.folder / "birch" / "state" / "node.log"
        while "can't be reached" not in log.read_text():
            self.assertLess(time.monotonic(), end, log.read_text())
            time.sleep(0.02)


if __name__ == "__main__":
    if not permitted():
        support.skip("e2e/three_hosts", "network namespaces (ip netns, as root) are not permitted here")
    unittest.main()
