# SPDX-License-Identifier: Apache-2.0
"""Real daemons on loopback for the e2e tests and the benchmark. Python's standard library only."""

import concurrent.futures
import ctypes
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from bundles import make_bundle  # noqa: E402,F401
from cases import cases  # noqa: E402,F401  (the tests take these from here)
from skip import record, skip  # noqa: E402,F401

SOTTO = os.environ.get("SOTTO_BINARY", "sotto")
# Generous: the sanitizer builds on a busy machine are slow. Nothing waits this long when all is well.
PATIENCE = 60


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def run(*arguments, check=True, env=None, stdin=None, cwd=None):
    """Runs the sotto executable to its end."""
    done = subprocess.run([SOTTO, *arguments], capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, **(env or {})}, input=stdin, cwd=cwd)
    if check and done.returncode != 0:
        raise AssertionError(f"sotto {arguments} gave {done.returncode}: {done.stderr}")
    return done


def free_port(host="127.0.0.1"):
    """A port that nobody listens on, for a moment."""
    with socket.create_server((host, 0)) as one:
        return one.getsockname()[1]


def plan(outputs=None, files=None, name="wage_avg", min_clients=3, max_clients=3, wait=20,
         connection=20, **more):
    return {"version": 1, "name": name, "type": "analytics",
            "datasets": files or {"wages": "wages.csv"},
            "select": outputs or {"m": "mean(wages.wage)"},
            "strategy": {"min_clients": min_clients, "max_clients": max_clients,
                         "wait_timeout": wait, "connection_timeout": connection}, **more}


class Node:
    """One daemon: folder, key, configuration, process."""

    def __init__(self, folder, name, files):
        self.folder = pathlib.Path(folder)
        self.name = name
        self.data = self.folder / "data"
        self.data.mkdir(parents=True)
        for file, content in (files or {}).items():
            mode = "wb" if isinstance(content, bytes) else "w"
            with open(self.data / file, mode) as out:
                out.write(content)
        self.datasets = list(files or {})
        self.key = run("keygen", "--out", str(self.folder / "node.key")).stdout.strip()
        self.peers = []  # (node, with url)
        self.policy = {}
        self.files = []  # how they are read
        self.learning = {}  # programs of a cage
        self.more = []  # other lines of node.yaml
        self.listen = "127.0.0.1:0"
        self.peer_listen = "127.0.0.1:0"
        self.tls = None  # certificate and key of the peer side
        self.api_tls = None
        self.process = None
        self.log_start = 0
        self.api_url = self.peer_url = None

    def configure(self):
        lines = [f"name: {self.name}", "data_dir: data", "state_dir: state", "identity: node.key",
                 *self.more,
                 "api:", f'  listen: "{self.listen}"', "  token_file: token"]
        if self.api_tls:
            lines += [f"  tls_cert: {self.api_tls[0]}", f"  tls_key: {self.api_tls[1]}"]
        if self.peer_listen:
            lines += ["peer:", f'  listen: "{self.peer_listen}"']
            if self.tls:
                lines += [f"  tls_cert: {self.tls[0]}", f"  tls_key: {self.tls[1]}"]
        if self.peers:
            lines += ["peers:"]
        for peer, url in self.peers:
            lines += [f"  - name: {peer.name}", f"    key: {peer.key}"]
            if url:
                lines += [f"    url: {url if isinstance(url, str) else peer.peer_url}"]
            if url and peer.tls:
                lines += [f"    ca: {peer.tls[0]}"]
        policy = {"min_rows": 0, "dominance": 0, "datasets": self.datasets, **self.policy}
        lines += ["policy:"]
        for key, value in policy.items():
            lines += [f"  {key}: {json.dumps(value)}"]
        if self.learning:
            lines += [f"learning: {json.dumps(self.learning)}"]
        if self.files:
            lines += [f"files: {json.dumps(self.files)}"]
        (self.folder / "node.yaml").write_text("\n".join(lines) + "\n")

    def start(self, env=None):
        self.configure()
        with open(self.folder / "stderr", "ab") as errors:
            self.log_start = len(self.log())
            self.process = subprocess.Popen(
                [SOTTO, "node", "--config", str(self.folder / "node.yaml")],
                stdout=subprocess.PIPE, stderr=errors, text=True, preexec_fn=_die_with_parent,
                env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})})
        words = self.process.stdout.readline().split()
        if not words:
            self.process.wait()
            raise AssertionError(f"{self.name} does not start: {self.log()}")
        self.api_url = words[1]
        self.peer_url = words[3] if len(words) > 3 else None
        self.token = (self.folder / "token").read_text().strip()
        # A restart listens where the first start did.
        self.listen = self.api_url.split("//")[1]
        if self.peer_url:
            self.peer_listen = self.peer_url.split("//")[1]
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def stop(self):
        """Ends the daemon as an operator would; it has to be gone soon, and say 0."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.terminate()
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} does not stop: {self.log()}")
        finally:
            process.stdout.close()
        if code not in (0, -signal.SIGKILL):  # SIGKILL: SOTTO_TEST_STOP_AT
            raise AssertionError(f"{self.name} ended with {code}: {self.log()}")

    def log(self):
        return (self.folder / "stderr").read_text()

    def count_log(self, text):
        """How often the owner's log has a text, of all tasks since the last start."""
        return self.log()[self.log_start:].count(text)

    def wait_log(self, text, times=1):
        """Waits until count_log(text) is so many, or more."""
        end = time.monotonic() + PATIENCE
        while self.count_log(text) < times:
            if time.monotonic() > end:
                raise AssertionError(f"{self.name}'s log lacks {text!r} ({times}): {self.log()}")
            time.sleep(0.01)

    # --- API ---

    def request(self, method, path, body=None, token=None, headers=None):
        """Returns (status, parsed JSON or text)."""
        host, port = self.listen.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        sent = dict(headers or {})
        token = self.token if token is None else token
        if token:
            sent["Authorization"] = "Bearer " + token
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text

    def get(self, path):
        status, answer = self.request("GET", path)
        if status != 200:
            raise AssertionError(f"GET {path} gave {status}: {answer}")
        return answer

    def create(self, body):
        status, answer = self.request("POST", "/v1/task", body)
        if status != 200:
            raise AssertionError(f"a plan was refused with {status}: {answer}")
        return answer["task_id"]

    def wait_end(self, task):
        """Waits for the end of a task; gives its state."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            state = self.get(f"/v1/task/status?task_id={task}&wait=25")["status"]
            if state not in ("PENDING", "RUNNING"):
                return state
        raise AssertionError(f"task {task} does not end: {self.messages(task)}")

    def messages(self, task):
        return [line["message"]
                for line in self.get(f"/v1/task/logs?task_id={task}&start=0&limit=1000")]

    def result(self, task):
        return self.get(f"/v1/task/result?task_id={task}")

    def cli(self, *arguments, check=True):
        return run(*arguments, check=check, env={"SOTTO_NODE": self.api_url,
                                                 "SOTTO_TOKEN": self.token})


class Cluster:
    """Nodes that pin each other; the first creates tasks, the others call it."""

    def __init__(self, files):
        """files[i]: what node i holds, as {file name: text}."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sotto-e2e-"))
        names = [chr(ord("a") + i) if len(files) <= 26 else f"n{i}" for i in range(len(files))]
        self.nodes = [Node(self.folder / name, name, own) for name, own in zip(names, files)]
        for i, node in enumerate(self.nodes):
            node.peers = [(peer, i > 0 and j == 0) for j, peer in enumerate(self.nodes) if i != j]
            if i > 0:
                node.peer_listen = None

    def start(self, env=None):
        """env[i]: more environment of node i."""
        for i, node in enumerate(self.nodes):
            node.start((env or {}).get(i))
        return self

    def wait_connected(self, len_=None):
        for node in self.nodes[1:]:
            if node.process:
                node.wait_log("connected to ")

    def stop(self):
        try:
            errors = []
            for node in reversed(self.nodes):
                try:
                    node.stop()
                except AssertionError as error:
                    errors.append(str(error))
            if errors:
                raise AssertionError("\n".join(errors))
        finally:
            for node in self.nodes:
                if node.process:
                    node.kill()
            shutil.rmtree(self.folder)


def has_tool(case, tool):
    """Whether a test can ask a tool; where it is not installed that is a skip, or a failure (CI)."""
    if shutil.which(tool):
        return True
    if record(f"{case.id()}: {tool}", f"{tool} is not installed") != 77:
        case.fail(f"{tool} is not installed")
    return False


def wages(*values):
    return {"wages.csv": "name,wage\n" + "".join(f"p{i},{v}\n" for i, v in enumerate(values))}


class ClusterCase(unittest.TestCase):
    """A test with daemons that are gone afterwards, whatever happened."""

    def cluster(self, files, start=True, env=None):
        cluster = Cluster(files)
        self.addCleanup(cluster.stop)
        return cluster.start(env) if start else cluster

    def refuse(self, node, body, part, status=400):
        got, answer = node.request("POST", "/v1/task", body)
        self.assertEqual(got, status, answer)
        self.assertIn(part, answer["detail"])


def main_together():
    """unittest.main for tests that wait for timeouts most of the time: four at a time."""
    suites = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    tests = [test for suite in suites for test in suite]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda test: test.run(), tests))
    for test, result in zip(tests, results):
        print("ok    " if result.wasSuccessful() else "FAIL  ", test.id())
        for _, text in result.failures + result.errors:
            print(text)
    sys.exit(0 if tests and all(result.wasSuccessful() for result in results) else 1)
