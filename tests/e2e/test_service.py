#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node as a service: what it tells systemd, and how little of the machine its unit leaves it."""
import ctypes
import errno
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from support import SOTTO, ClusterCase, has_tool, wages

BUILD = pathlib.Path(os.environ["SOTTO_BINARY"]).parent
ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNNER = ROOT / "python/sotto/_runner.py"
PACKAGING = ROOT / "packaging/systemd"
EXPOSURE_MAX = 15  # tenths
LEARNING_EXPOSURE_MAX = 25
ACT_ALLOW, ACT_ERRNO = 0x7FFF0000, 0x00050000 | errno.EPERM  # of seccomp.h


def expand(words):
    """The system calls that words of SystemCallFilter name: some stand for sets of them."""
    calls = set()
    for word in words:
        if word.startswith("@"):
            lines = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True,
                                   check=True).stdout.splitlines()[1:]
            calls |= expand(line.strip() for line in lines if not line.strip().startswith("#"))
        else:
            calls.add(word)
    return calls


def filtered_calls(*units):
    """What SystemCallFilter of a unit and its drop-ins lets pass, as systemd.exec says: lists add up, ~ takes away."""
    calls = expand(["@default"])
    for unit in units:
        for words in re.findall(r"^SystemCallFilter=(.*)", unit.read_text(), re.MULTILINE):
            named = expand(words.removeprefix("~").split())
            calls = calls - named if words.startswith("~") else calls | named
    return calls


def confine(calls):
    """Leaves this process these system calls, as systemd does before it starts a service."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    made = ctypes.c_void_p(library.seccomp_init(ACT_ERRNO))
    for call in calls:
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0 and library.seccomp_rule_add(made, ACT_ALLOW, number, 0) != 0:
            raise OSError(call)
    if library.seccomp_load(made) != 0:
        raise OSError("seccomp_load")


class Service(ClusterCase):
    def listen(self, path, watched, **env):
        """What a node tells: READY=1, so many signs of life, and what it says at its end."""
        cluster = self.cluster([wages(1)], start=False)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            address = path if path.startswith("@") else str(cluster.folder / path)
            heard.bind("\0" + address[1:] if path.startswith("@") else address)
            heard.settimeout(60)
            cluster.nodes[0].start({"NOTIFY_SOCKET": address, **env})
            told = [heard.recv(100) for _ in range(1 + watched)]
            cluster.nodes[0].stop()
            while told[-1] != b"STOPPING=1":
                told.append(heard.recv(100))
        return told

    def test_systemd_hears_of_it(self):
        for path in ("notify", f"@sotto-test-{os.getpid()}"):
            self.assertEqual(self.listen(path, 0), [b"READY=1", b"STOPPING=1"])
        told = self.listen("notify", 2, WATCHDOG_USEC="100000")
        self.assertEqual(told[:3], [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"])
        other = self.listen("notify", 0, WATCHDOG_USEC="1000", WATCHDOG_PID="1")  # it is for another process
        self.assertEqual(other, [b"READY=1", b"STOPPING=1"])

    def test_the_unit_is_hardened(self):
        """By itself, and with what a cage needs."""
        if not has_tool(self, "systemd-analyze"):
            return
        with tempfile.TemporaryDirectory() as folder:
            unit = shutil.copy(BUILD / "sotto.service", folder)
            exposure = ["systemd-analyze", "security", "--offline=true", unit]
            env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}
            done = subprocess.run([*exposure, f"--threshold={EXPOSURE_MAX}"], capture_output=True, text=True, env=env)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            with_cage = pathlib.Path(folder, "sotto.service.d")
            with_cage.mkdir()
            shutil.copy(PACKAGING / "learning.conf", with_cage)
            done = subprocess.run([*exposure, f"--threshold={LEARNING_EXPOSURE_MAX}"], capture_output=True, text=True,
                                  env=env)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
            self.assertEqual(len(re.findall("Service may create .* namespaces", done.stdout)), 7)

    def test_a_cage_is_built_with_the_calls_that_are_left(self):
        """By itself the unit lets no cage be built; with its drop-in a node builds one."""
        if not all(has_tool(self, tool) for tool in ("systemd-analyze", "bwrap")):
            return
        cluster = self.cluster([wages(1)], start=False)
        node = cluster.nodes[0]
        node.policy = {"code": "approved"}
        node.learning = {"fence": str(BUILD / "sotto-fence"), "runner": str(RUNNER)}
        node.configure()
        said = {}
        for units in ([BUILD / "sotto.service"], [BUILD / "sotto.service", PACKAGING / "learning.conf"]):
            calls = filtered_calls(*units)
            done = subprocess.run([SOTTO, "doctor", "--config", str(node.folder / "node.yaml")], capture_output=True,
                                  text=True, preexec_fn=lambda calls=calls: confine(calls))
            said[len(units)] = re.search(r"^\w+ +learning .*", done.stdout, re.MULTILINE)[0]
        self.assertRegex(said[1], "FAIL +learning +no cage can be built here")
        self.assertRegex(said[2], "ok +learning +namespaces, no network, limits")


if __name__ == "__main__":
    unittest.main()
