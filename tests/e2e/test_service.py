#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node as a service: what it tells systemd, and how little of the machine its unit leaves it."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from support import ClusterCase, has_tool, wages

BUILD = pathlib.Path(os.environ["SOTTO_BINARY"]).parent
PACKAGING = pathlib.Path(__file__).resolve().parents[2] / "packaging/systemd"
EXPOSURE_MAX = 15  # tenths
LEARNING_EXPOSURE_MAX = 25


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


if __name__ == "__main__":
    unittest.main()
