#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The units of a node under a systemd that runs: units.py DRIVER, started by units.sh in a machine of its own, as root.

Acorn is the service; birch and cedar are started by hand as the same user, whose units they find by themselves.
"""
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from bundles import make_bundle

PATIENCE = 120
HOME = pathlib.Path("/var/lib/sotto")
NAMES = ["acorn", "birch", "cedar"]
FOLDERS = [HOME, pathlib.Path("/srv/birch"), pathlib.Path("/srv/cedar")]
APIS = [6701, 6702, 6703]
# It trains only where it is kept from what the node has.
MODEL = """import os

import torch

KEY = "/var/lib/sotto/node.key"


class Rows(list):
    @property
    def dataset(self):
        return self


class Model:
    def __init__(self):
        self.weight = torch.tensor([0.5, -1.25], dtype=torch.float64)

    def make_train_dataloader(self, data):
        assert not os.path.exists(KEY)
        with open(data["numbers"]) as file:
            return Rows(float(line) for line in file)

    def train(self, batches):
        numbers = list(batches)
        self.weight += sum(numbers) / len(numbers)
        while SLOW:
            pass

    def state_dict(self):
        return {"w": self.weight}
"""


def run(*words, check=True, **more):
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{words} gave {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def sotto(folder, *words, check=True):
    """A command of the owner, as the page for owners has it said."""
    return run("setpriv", "--reuid=sotto", "--regid=sotto", "--init-groups", "sotto", *words, check=check, cwd=folder,
               env={"PATH": "/usr/bin:/bin", "HOME": str(folder)})


def until(what, holds):
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < end, f"{what}: it does not come about"
        time.sleep(0.2)
    return found


def api(i, path, data=None):
    token = (FOLDERS[i] / "token").read_text().strip()
    asked = urllib.request.Request(f"http://127.0.0.1:{APIS[i]}{path}", data, {"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
        return json.load(answer)


def processes(unit):
    """The processes of all instances of a unit: (process, user, control group, command)."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            group = (entry / "cgroup").read_text()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            user = re.search(r"^Uid:\s+(\d+)", (entry / "status").read_text(), re.M)[1]
        except (OSError, ProcessLookupError):
            continue
        if re.search(rf"/{unit}(@|\.)[^\n]*service", group):
            found.append((int(entry.name), int(user), group, command))
    return found


def nodes_by_hand():
    started = []
    for i in (1, 2):
        with open(FOLDERS[i] / "out", "w") as out:
            started.append(subprocess.Popen(
                ["setpriv", "--reuid=sotto", "--regid=sotto", "--init-groups", "sotto", "node"], cwd=FOLDERS[i],
                stdout=out, stderr=out, env={"PATH": "/usr/bin:/bin", "HOME": str(FOLDERS[i])}))
        until(f"{NAMES[i]} starts", lambda i=i: "api " in (FOLDERS[i] / "out").read_text())
    return started


def await_peers():
    until("all are connected", lambda: re.search("^ready +yes", sotto(HOME, "status", check=False), re.M))


def set_up(driver):
    lines = []
    for i, folder in enumerate(FOLDERS):
        run("install", "-d", "-o", "sotto", "-g", "sotto", "-m", "0700" if i == 0 else "0711", str(folder))
        listen = ["--listen", "127.0.0.1:6700"] if i == 0 else []
        lines.append(sotto(folder, "init", NAMES[i], "--api", str(APIS[i]), "--data", "wages.csv", *listen).strip())
    for i, folder in enumerate(FOLDERS):
        for other in range(3):
            if i != other:
                sotto(folder, "peer", "add", lines[other])
        data = folder / "data"
        (data / "numbers").write_text("1.5\n" * 12)
        with sqlite3.connect(data / "pay.db") as database:
            database.execute("CREATE TABLE pay (wage INTEGER)")
            database.executemany("INSERT INTO pay VALUES (?)", [(1000 + 3 * row + i,) for row in range(100)])
        yaml = folder / "node.yaml"
        text = yaml.read_text().partition("policy:")[0] + (
            "policy: {datasets: [pay, numbers], profile: open, min_parties: 3, min_rows: 10, approve: automatic, "
            "code: approved}\n")
        text += f"files: [{{file: pay, source: {{adbc: {driver}, uri: 'sqlite:data/pay.db', table: pay}}}}]\n"
        yaml.write_text(text)
        run("chown", "-R", "sotto:sotto", str(data))
        run("chmod", "-R", "g-rwx,o-rwx", str(data))


def let_units_read():
    """What the page for owners says of it."""
    for folder in FOLDERS:
        run("chmod", "-R", "g+rX", str(folder / "data"))


def journal():
    return run("journalctl", "-u", "sotto", "-o", "cat")


def offer(slow):
    source = f"SLOW = {slow}\n" + MODEL
    data, digest = make_bundle({"model.py": source}, memory_mib=4096, rounds=1)
    for i in range(3):
        api(i, "/v1/code/offer", data)
        sotto(FOLDERS[i], "code", "approve", digest)
    plan = {"version": 1, "name": "weights", "type": "learning", "bundle": digest, "rounds": 1,
            "strategy": {"min_clients": 3, "max_clients": 3, "wait_timeout": 90, "connection_timeout": 60}}
    return api(0, "/v1/task", json.dumps(plan).encode())["task_id"]


def check_outside(unit, command):
    """One of its processes runs this command. All are of a user of their own and in the unit's group."""
    found = until(f"{unit}: {command}", lambda: (all_ := processes(unit)) and any(command in each[3] for each in all_)
                  and all_)
    nodes = {user for _, user, _, _ in processes("sotto")}
    assert len(nodes) == 1
    for _, user, group, _ in found:
        assert user not in {0, *nodes}, found
        assert "sotto.service" not in group, found
    return found


def main():
    driver = sys.argv[1]
    set_up(driver)
    run("systemctl", "start", "sotto")
    by_hand = nodes_by_hand()
    await_peers()

    # Neither unit may read what its owner did not let it, and the owner is told what to do.
    said = sotto(HOME, "doctor", check=False)
    assert re.search("^FAIL +data +pay: .*unit sotto-source", said, re.M), said
    let_units_read()
    said = sotto(HOME, "doctor", check=False)
    assert re.search("^ok +learning .*a unit of its own", said, re.M), said
    assert re.search("^ok +data +pay: 100 rows", said, re.M), said

    mean = sotto(HOME, "run", "--data", "pay=pay", "--csv", "--", "m=mean(wage)")
    assert "1149.5" in mean, mean
    print("a source is read by a unit")

    task = offer(False)
    until("the model is trained", lambda: api(0, f"/v1/task/status?task_id={task}")["status"] not in
          ("PENDING", "RUNNING"))
    assert api(0, f"/v1/task/status?task_id={task}")["status"] == "FINISHED", journal()
    assert "a unit of its own" in journal(), journal()
    print("a model is trained in units")

    # A runner that never ends, and a node that is killed.
    for way in ("kill", "stop"):
        task = offer(True)
        check_outside("sotto-runner", "runner.py")
        keepers = check_outside("sotto-runner", "keeper runner")
        for pid, _, _, command in keepers:
            if "keeper runner" in command:  # what it sees
                seen = run("nsenter", "--mount", "--target", str(pid), "ls", "-A", "/var/lib/sotto").split()
                assert seen == ["data"], seen
        theirs = {each[0] for each in keepers}
        run("systemctl", *(["kill", "-s", "KILL", "sotto"] if way == "kill" else ["stop", "sotto"]))
        for node in by_hand:
            node.kill() if way == "kill" else node.terminate()
            node.wait()
        until("no runner is left", lambda: not {each[0] for each in processes("sotto-runner")})
        print(f"{way}: all {len(theirs)} processes of runners are gone")
        if way == "kill":
            run("systemctl", "reset-failed", "sotto", check=False)
            until("the node is started again", lambda: "active" == run("systemctl", "is-active", "sotto",
                                                                       check=False).strip())
            by_hand = nodes_by_hand()
            await_peers()
    assert run("systemctl", "list-units", "--all", "--no-legend", "sotto-runner@*") == ""
    for path in ("/run/sotto/runner.sock", "/run/sotto/source.sock"):
        done = subprocess.run(["setpriv", "--reuid=nobody", "--clear-groups", "python3", "-c",
                               "import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)"
                               f".connect({path!r})"], capture_output=True, text=True)
        assert done.returncode != 0 and "Error" in done.stderr, done
    print("all of it holds")


if __name__ == "__main__":
    main()
