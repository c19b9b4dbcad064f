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
import time
import unittest

from support import PATIENCE, SOTTO, ClusterCase, has_tool, wages

BUILD = pathlib.Path(os.environ["SOTTO_BINARY"]).parent
ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNNER = ROOT / "python/sotto/_runner.py"
EXPOSURE_MAX = 15  # tenths
UNIT_EXPOSURE_MAX = 20
NOBODY = 65534
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

    def test_the_units_are_hardened(self):
        """The node's, and those that code of others runs in."""
        if not has_tool(self, "systemd-analyze"):
            return
        for name, most in (("sotto", EXPOSURE_MAX), ("sotto-runner@", UNIT_EXPOSURE_MAX),
                           ("sotto-source@", UNIT_EXPOSURE_MAX)):
            with tempfile.TemporaryDirectory() as folder:
                unit = shutil.copy(BUILD / f"{name}.service", folder)
                done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={most}", unit],
                                      capture_output=True, text=True,
                                      env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"})
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertEqual(len(re.findall("Service may create .* namespaces", done.stdout)),
                                 7 if name == "sotto-runner@" else 0)

    def listen_as_units(self, folder, calls, user):
        """What systemd does with the sockets of units: a keeper for each connection, with the calls that are left."""
        def become():
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            confine(calls)

        for name, words in (("runner", ["runner", str(BUILD / "sotto-fence")]), ("source", ["source"])):
            listening = subprocess.Popen(
                ["systemd-socket-activate", "--accept", "--inetd", "--seqpacket", "-l", f"{folder}/{name}.sock", SOTTO,
                 "keeper", *words], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                preexec_fn=become if os.getuid() == 0 else lambda: confine(calls))
            self.addCleanup(listening.wait)
            self.addCleanup(listening.kill)
            end = time.monotonic() + PATIENCE
            while not pathlib.Path(folder, f"{name}.sock").exists():
                self.assertLess(time.monotonic(), end)
                time.sleep(0.01)

    def test_cages_are_built_in_units_of_their_own(self):
        """The node's unit lets it build none; that of runners does, for a node that has no more than its own calls."""
        if not all(has_tool(self, tool) for tool in ("systemd-analyze", "systemd-socket-activate", "bwrap")):
            return
        cluster = self.cluster([wages(1)], start=False)
        node = cluster.nodes[0]
        node.policy = {"code": "approved"}
        node.learning = {"fence": str(BUILD / "sotto-fence"), "runner": str(RUNNER)}
        node.configure()
        units = tempfile.mkdtemp(prefix="sotto-units-")
        self.addCleanup(shutil.rmtree, units)
        os.chmod(units, 0o777)
        self.listen_as_units(units, filtered_calls(BUILD / "sotto-runner@.service"), NOBODY)
        calls = filtered_calls(BUILD / "sotto.service")
        said = {}
        for folder in ("", units, "/nowhere"):
            done = subprocess.run([SOTTO, "doctor", "--config", str(node.folder / "node.yaml")], capture_output=True,
                                  text=True, preexec_fn=lambda: confine(calls), env={**os.environ, "SOTTO_UNITS": folder})
            said[folder] = re.search(r"^\w+ +learning .*", done.stdout, re.MULTILINE)[0]
        self.assertRegex(said[""], "FAIL +learning +no cage can be built here")
        self.assertRegex(said[units], "ok +learning +namespaces, no network, limits, .*, a unit of its own")
        self.assertRegex(said["/nowhere"], "FAIL +learning +no unit is had at '/nowhere/runner.sock'")


if __name__ == "__main__":
    unittest.main()
