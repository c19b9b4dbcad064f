# SPDX-License-Identifier: Apache-2.0
"""Learning tasks at three daemons: code that its owners approved runs in cages, and only sums of weights leave."""

import base64
import fractions
import json
import os
import pathlib
import random
import re
import signal
import struct
import subprocess
import time
import unittest

from support import SOTTO, ClusterCase, make_bundle, run, skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = pathlib.Path(SOTTO).resolve().with_name("sotto-fence")
# Training adds the mean of a party's numbers to both weights, so that the test can say what comes out.
SOURCE = """import os

import torch


class Rows(list):
    @property
    def dataset(self):
        return self


class Model:
    def __init__(self):
        self.weight = torch.tensor([0.5, -1.25], dtype=torch.float64)
        if os.path.exists("/data/numbers"):  # never where a party begins: others are told of these weights
            with open("/data/numbers") as file:
                self.weight *= float(file.readline())

    def make_train_dataloader(self, data):
        with open(data["numbers"]) as file:
            return Rows(float(line) for line in file)

    def train(self, batches):
        numbers = list(batches)
        self.weight += sum(numbers) / len(numbers)

    def state_dict(self):
        return {"w": self.weight}
"""
# As scripts for Delta are: the class, and below it what creates its task.
DELTA = """from typing import Any, Dict, Iterable

import torch
from torch.utils.data import DataLoader, Dataset

from delta.debug import debug
from delta.delta_node import DeltaNode
from delta.task.learning import HorizontalLearning, FaultTolerantFedAvg
import delta.dataset


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([0.5, -1.25], dtype=torch.float64))
        self.register_buffer("batches", torch.tensor(0))


class Example(HorizontalLearning):
    def __init__(self) -> None:
        super().__init__(
            name="example",
            max_rounds=2,
            validate_interval=1,
            validate_frac=0.25,
            strategy=FaultTolerantFedAvg(min_clients=2, max_clients=3, merge_epoch=1, merge_iteration=0,
                                         wait_timeout=60, connection_timeout=10),
        )
        self.model = Model()

    def dataset(self) -> delta.dataset.Dataset:
        return delta.dataset.Dataset(dataset="numbers.npy")

    def make_train_dataloader(self, dataset: Dataset) -> DataLoader:
        return DataLoader(dataset, batch_size=2, shuffle=False)

    def make_validate_dataloader(self, dataset: Dataset) -> DataLoader:
        return DataLoader(dataset, batch_size=2, shuffle=False)

    def train(self, dataloader: Iterable):
        for batch in dataloader:
            with torch.no_grad():
                self.model.weight += batch.sum()
            self.model.batches += 1

    def validate(self, dataloader: Iterable) -> Dict[str, Any]:
        total = sum(batch.sum().item() for batch in dataloader)
        return {"loss": total, "weight": self.model.weight[0].item()}

    def state_dict(self) -> Dict[str, torch.Tensor]:
        return self.model.state_dict()


task = Example().build()
delta_node = DeltaNode("NODE_URL")
task_id = delta_node.create_task(task)
if delta_node.trace(task_id):
    found = delta_node.get_result(task_id)
    model = Model()
    model.load_state_dict(found["weight"])
    print(found["metrics"], model.weight.tolist(), model.batches.item())
"""
NUMBERS = [[1.5, 2.0], [0.1, 0.2, 0.7], [-3.0], [41.0, 43.0], [0.25]]
SCALE = 20


def expect(*rounds):
    """The exact mean of the parties' fixed-point weights, weighted by rows, rounded once; of the parties of each
    round."""
    model = [0.5, -1.25]
    for numbers in rounds:
        parts = [[round(fractions.Fraction(w + sum(rows) / len(rows)) * 2**SCALE) * len(rows) for w in model]
                 for rows in numbers]
        total = sum(map(len, numbers)) << SCALE
        model = [float(fractions.Fraction(sum(part[i] for part in parts), total)) for i in range(2)]
    return model


def images(seed, rows):
    """Labels and images of 12 by 12 pixels for tests/learning/model.py: a third of each are drawn anew."""
    patterns = random.Random(20)
    kinds = [[patterns.choice((0, 255)) for _ in range(144)] for _ in range(10)]
    own = random.Random(seed)
    data = bytearray()
    for _ in range(rows):
        label = own.randrange(10)
        data.append(label)
        data += bytes(own.randrange(256) if own.randrange(3) == 0 else pixel for pixel in kinds[label])
    return bytes(data)


def read_tensors(text):
    data = base64.b64decode(text)
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    begin, end = (8 + length + offset for offset in header["w"]["data_offsets"])
    return list(struct.unpack("<2d", data[begin:end]))


class Learning(ClusterCase):
    def make(self, parties=3, **policy):
        cluster = self.cluster([{"numbers": "".join(f"{number}\n" for number in rows)}
                                for rows in NUMBERS[:parties]], start=False)
        for node in cluster.nodes:
            node.policy = {"code": "approved", "min_rows": 0, **policy}
            node.learning = {"fence": str(FENCE), "runner": str(ROOT / "python/sotto/_runner.py")}
        return cluster

    def begin(self, cluster, env=None):
        cluster.start(env)
        cluster.wait_connected()
        return cluster.nodes

    def plan(self, digest, rounds=2, wait=60, connection=20, most=5, **more):
        return {"version": 1, "name": "two weights", "type": "learning", "bundle": digest, "rounds": rounds,
                "strategy": {"min_clients": 3, "max_clients": most, "wait_timeout": wait,
                             "connection_timeout": connection}, **more}

    def offer(self, nodes, source=SOURCE, approve=True, **manifest):
        """Offers code at the first node, and at the others to approve it there too."""
        data, digest = make_bundle({"model.py": source}, memory_mib=4096, **manifest)
        for node in nodes if approve else nodes[:1]:
            self.assertEqual(node.request("POST", "/v1/code/offer", data)[0], 200)
            if approve:
                node.cli("code", "approve", digest)
        return digest

    def test_approved_code_trains_at_three_nodes(self):
        cluster = self.make()
        cluster.nodes[0].learning["models_mb"] = 1
        nodes = self.begin(cluster)
        digest = self.offer(nodes, approve=False)
        first = nodes[0].create(self.plan(digest, connection=5))
        self.assertEqual(nodes[0].wait_end(first), "ERROR")  # nobody has approved it
        self.assertIn("declined", nodes[0].messages(first)[-1])
        nodes[1].wait_log(f"sotto code show {digest}, and approve it")
        for node in nodes:
            node.cli("code", "approve", digest)
        unchecked = nodes[0].create(self.plan(digest, enable_verify=False, connection=5))
        self.assertEqual(nodes[0].wait_end(unchecked), "ERROR")  # its models could be made up
        nodes[1].wait_log("the plan says \"enable_verify\": false, so that nobody checks what code trains on")
        task = nodes[0].create(self.plan(digest, results="participants"))
        self.assertEqual(nodes[0].wait_end(task), "CONFIRMED", nodes[0].messages(task))
        for node in nodes:
            self.assertRegex(node.get("/metrics"), 'sotto_step_seconds_count{step="train"} [1-9]')
        result = nodes[0].result(task)
        self.assertEqual(read_tensors(result["weight"]), expect(*[NUMBERS[:3]] * 2))
        self.assertEqual(result["rounds"], [{"parties": 3, "rows": 6, "clipped": 0}] * 2)
        self.assertEqual(result["parties"]["names"], ["a", "b", "c"])
        self.assertEqual([node.get(f"/v1/code/one?digest={digest}")["rounds_left"] for node in nodes], [0, 0, 0])
        self.assertIn("    2        3             6             0\n", nodes[0].cli("result", str(task)).stdout)
        self.assertIn("2,3,6,0\n", nodes[0].cli("result", str(task), "--csv").stdout)
        for asked, kept in ((1, 1), (2, 2), (0, 2)):
            model = nodes[0].get(f"/v1/task/model?task_id={task}&round={asked}")
            self.assertEqual((read_tensors(model["weight"]), model["round"]), (expect(*[NUMBERS[:3]] * kept), kept))
        status, refusal = nodes[0].request("GET", f"/v1/task/model?task_id={first}")
        self.assertEqual(status, 400)
        self.assertIn("learning.models_mb of node.yaml", str(refusal))
        receipt = str(nodes[0].folder / "model.sotto")
        nodes[0].cli("receipt", str(task), "--out", receipt)
        said = run("verify", receipt, "--peers", str(nodes[1].folder / "node.yaml")).stdout
        self.assertIn("confirmed by 3 of 3 parties: a, b, c\n", said)
        self.assertIn("over the weights of each round's parties", said)
        answered = [entry["text"] for entry in nodes[1].get("/v1/record")["record"] if entry["event"] == "ANSWERED"]
        self.assertEqual(answered, [f"round {i}: weights of 3 rows, in a sum of at most 3 parties, by the code "
                                    f"{digest}" for i in (2, 1)])
        self.assertRegex(nodes[1].log(), "round 2 opens the mean of [abc], [abc], [abc]\n")
        again = nodes[0].create(self.plan(digest, connection=5))
        self.assertEqual(nodes[0].wait_end(again), "ERROR")  # its rounds are used up
        nodes[1].wait_log("its code is APPROVED and has 0 rounds left of the 2 that it needs")

    def test_a_network_learns_as_it_does_centrally(self):
        """LeNet at three nodes, beside federated averaging in one process and in doubles, with the same seeds."""
        rounds, rows = 5, (400, 250, 550)
        cluster = self.cluster([{"train": images(seed, len_), "validate": images(seed + 9, 200)}
                                for seed, len_ in enumerate(rows)], start=False)
        for node in cluster.nodes:
            node.policy = {"code": "approved", "min_rows": 10}
            node.learning = {"fence": str(FENCE), "runner": str(ROOT / "python/sotto/_runner.py")}
        nodes = self.begin(cluster)
        source = (ROOT / "tests/learning/model.py").read_text()
        data, digest = make_bundle({"model.py": source}, entry="model:LeNet", datasets=["train", "validate"],
                                   memory_mib=4096, rounds=rounds, validate_every=1, weighted=True, rows_max=1000,
                                   parameters_max=100000, range_bits=5, scale_bits=30, round_seconds=120)
        for node in nodes:
            self.assertEqual(node.request("POST", "/v1/code/offer", data)[0], 200)
            node.cli("code", "approve", digest)
        task = nodes[0].create(self.plan(digest, rounds=rounds))
        self.assertEqual(nodes[0].wait_end(task), "FINISHED", nodes[0].messages(task))
        found = [each["metrics"]["accuracy"] for each in nodes[0].result(task)["rounds"]]
        bundle = nodes[0].folder / "bundle"
        bundle.write_bytes(data)
        # Its last round changes no weight: it measures those of the round before.
        central = float(subprocess.run(
            ["/usr/bin/python3", ROOT / "tests/learning/central.py", ROOT / "python/sotto", bundle, str(rounds - 1),
             *(node.data for node in nodes)], check=True, capture_output=True, text=True).stdout)
        self.assertLess(found[0], 0.3)
        self.assertGreaterEqual(central, 0.9)
        self.assertAlmostEqual(found[-1], central, delta=0.01)
        audited = run("audit", "--json", "--config", str(nodes[1].folder / "node.yaml")).stdout
        entries = [(entry["kind"], entry["text"].partition(", ")[2]) for entry in json.loads(audited)["entries"]]
        self.assertEqual(entries, [pair for i in range(rounds)
                                   for pair in (("answered", f"round {i + 1}, 3 parties"), ("consented", ""))])

    def test_an_approval_is_for_one_key(self):
        """Who comes later under the name of a peer was not meant."""
        nodes = self.begin(self.make())
        a, b, _ = nodes
        digest = self.offer(nodes)
        b.cli("code", "approve", digest, "--peer", "a")
        a.stop()
        (a.folder / "node.key").unlink()
        a.key = run("keygen", "--out", str(a.folder / "node.key")).stdout.strip()
        for node in nodes[1:]:
            node.configure()
            node.cli("reload")
        a.start()
        task = a.create(self.plan(digest, connection=5))
        self.assertEqual(a.wait_end(task), "ERROR")
        b.wait_log(f"its code {digest} is approved for a alone, with the key that it had then")

    def run_delta(self, node, text):
        """A script, by Debian's Python, where torch is."""
        script = node.folder / "example.py"
        script.write_text(text.replace("NODE_URL", node.api_url))
        return subprocess.run(["/usr/bin/python3", "-m", "sotto.delta", str(script)], capture_output=True, text=True,
                              check=True, env={**os.environ, "PYTHONPATH": str(ROOT / "python"),
                                               "SOTTO_TOKEN": node.token})

    def test_a_script_that_was_written_for_delta(self):
        numbers = [[i / 8 + k for i in range(8)] for k in range(3)]
        cluster = self.make()
        for node, rows in zip(cluster.nodes, numbers):
            header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({len(rows)},), }}".ljust(117) + "\n"
            data = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode()
            (node.data / "numbers.npy").write_bytes(data + struct.pack(f"<{len(rows)}d", *rows))
            node.datasets = ["numbers.npy"]
        nodes = self.begin(cluster)
        first = self.run_delta(nodes[0], DELTA)
        self.assertIn("declined", first.stdout)  # owners have not read it
        (digest,) = [code["digest"] for code in nodes[1].get("/v1/code")["code"]]
        shown = nodes[1].cli("code", "show", digest).stdout
        self.assertIn("self.model.weight += batch.sum()", shown)
        self.assertNotIn("create_task", shown)
        for node in nodes:
            node.cli("code", "approve", digest)
        done = self.run_delta(nodes[0], DELTA)
        self.assertIn("is raised to 3", done.stderr)
        order = list(range(8))
        random.Random(0).shuffle(order)
        model = [0.5, -1.25]
        for _ in range(2):  # unweighted, of the rows that are not kept for validation
            parts = [[round(fractions.Fraction(w + sum(rows[i] for i in order[2:])) * 2**27) for w in model]
                     for rows in numbers]
            model = [float(fractions.Fraction(sum(part[i] for part in parts), 3 << 27)) for i in range(2)]
        losses = [rows[order[0]] + rows[order[1]] for rows in numbers]
        metrics = {"loss": sum(losses) / 3, "weight": model[0]}
        self.assertEqual(done.stdout.splitlines()[-1], f"{metrics} {model} 6")  # three batches in each round

    def test_the_doctor_builds_a_cage(self):
        node = self.make().nodes[0].start()
        yaml = ("--config", str(node.folder / "node.yaml"))
        self.assertRegex(run("doctor", *yaml, check=False).stdout, r"ok +learning +namespaces, no network, limits")
        node.learning["fence"] = "/bin/false"
        node.configure()
        self.assertRegex(run("doctor", *yaml, check=False).stdout, "FAIL +learning +no cage can be built here")
        node.policy["code"] = "deny"
        node.configure()
        self.assertNotIn("learning", run("doctor", *yaml, check=False).stdout)

    def test_a_node_that_denies_code_keeps_none(self):
        cluster = self.make()
        cluster.nodes[2].policy["code"] = "deny"
        nodes = self.begin(cluster)
        digest = self.offer(nodes[:2])
        task = nodes[0].create(self.plan(digest))
        self.assertEqual(nodes[0].wait_end(task), "ERROR")
        self.assertIn("declined: c", nodes[0].messages(task)[-1])
        nodes[2].wait_log("policy.code denies all code that others bring")
        self.assertEqual(nodes[2].get("/v1/code")["code"], [])

    def test_what_code_says_as_it_fails_is_its_owners(self):
        nodes = self.begin(self.make())
        status = 128 + signal.SIGXCPU  # which has a text of its own
        source = SOURCE.replace("numbers = list(batches)",
                                f"print(f'leak {{list(batches)}}', flush=True); os._exit({status})")
        digest = self.offer(nodes, source)
        task = nodes[0].create(self.plan(digest))
        self.assertEqual(nodes[0].wait_end(task), "ERROR")
        leaks = [f"leak {rows}" for rows in NUMBERS[:3]]
        self.assertTrue(any(leak in node.log() for leak, node in zip(leaks, nodes)))  # who was first
        self.assertNotIn("leak", "\n".join(nodes[0].messages(task)))
        # Whoever was first; of itself the node that was asked says where to look, and no more.
        self.assertRegex("\n".join(nodes[0].messages(task)),
                         r"(declined|left): state(: this is the node that was asked: its owner reads why in its log)?\n")
        # That it failed is something of its rows: who failed has used up a round.
        self.assertIn(1, [node.get(f"/v1/code/one?digest={digest}")["rounds_left"] for node in nodes])
        for i, node in enumerate(nodes):
            self.assertNotRegex(node.log(), "|".join(map(re.escape, leaks[:i] + leaks[i + 1:])))

    def test_a_party_that_dies_in_the_first_round(self):
        """The others go on, and their mean is exact; who died has nothing left behind."""
        nodes = self.begin(self.make(4), {3: {"SOTTO_TEST_STOP_AT": "pledge"}})
        task = nodes[0].create(self.plan(self.offer(nodes), wait=1, connection=10))
        self.assertEqual(nodes[0].wait_end(task), "FINISHED", nodes[0].messages(task))
        result = nodes[0].result(task)
        self.assertEqual(read_tensors(result["weight"]), expect(*[NUMBERS[:3]] * 2))
        self.assertEqual(result["parties"]["names"], ["a", "b", "c"])
        self.assertEqual([missing["name"] for missing in result["parties"]["missing"]], ["d"])

    def test_one_of_five_is_killed_in_the_third_round(self):
        """Five rounds finish, each the exact mean over its own parties, where the code says that they may."""
        nodes = self.begin(self.make(5), {4: {"SOTTO_TEST_STOP_AT": "pledge", "SOTTO_TEST_STOP_ROUND": "3"}})
        digest = self.offer(nodes, rounds=5, strategy="fault_tolerant_fedavg")
        self.assertIn("fault_tolerant_fedavg", nodes[1].cli("code", "show", digest).stdout)
        task = nodes[0].create(self.plan(digest, rounds=5))
        nodes[4].process.wait()
        nodes[4].stop()
        nodes[4].start()  # of the task it has nothing: the others need not wait for it
        self.assertEqual(nodes[0].wait_end(task), "FINISHED", nodes[0].messages(task))
        result = nodes[0].result(task)
        self.assertEqual(read_tensors(result["weight"]), expect(*[NUMBERS] * 2, *[NUMBERS[:4]] * 3))
        self.assertEqual([each["rows"] for each in result["rounds"]], [9, 9, 8, 8, 8])
        self.assertEqual([each["parties"] for each in result["rounds"]], [5, 5, 4, 4, 4])
        self.assertEqual(result["parties"]["missing"], [{"name": "e", "why": "it dropped out"}])
        answered = [entry["text"] for entry in nodes[1].get("/v1/record")["record"] if entry["event"] == "ANSWERED"]
        self.assertEqual([re.search("at most . parties", text).group() for text in reversed(answered)],
                         ["at most 5 parties"] * 3 + ["at most 4 parties"] * 2)
        log = nodes[1].log()
        for i, names in enumerate(["a, b, c, d, e"] * 2 + ["a, b, c, d"] * 3, 1):
            opened = re.search(f"round {i} opens the mean of (.*)", log).group(1)
            self.assertEqual(", ".join(sorted(opened.split(", "))), names)

    def test_restarts(self):
        """Of a party: its loss is no measurement, so the others stop as the code says. Of the node that asks: the
        task ends there at once, and no runner is left."""
        nodes = self.begin(self.make(4), {3: {"SOTTO_TEST_STOP_AT": "pledge", "SOTTO_TEST_STOP_ROUND": "2"}})
        source = SOURCE + """
    metrics = ("loss",)

    def make_validate_dataloader(self, data):
        return Rows([1])

    def validate(self, batches):
        return {"loss": 1}
"""
        stopping = self.offer(nodes, source, rounds=9, strategy="fault_tolerant_fedavg", validate_every=1, stop_after=2)
        slow = self.offer(nodes, SOURCE.replace("numbers = list(batches)", "import time; time.sleep(600)"))
        task = nodes[0].create(self.plan(stopping, rounds=9))
        nodes[3].process.wait()
        nodes[3].stop()
        nodes[3].start()
        self.assertEqual(nodes[0].wait_end(task), "FINISHED", nodes[0].messages(task))
        result = nodes[0].result(task)
        self.assertEqual([each["parties"] for each in result["rounds"]], [4, 3, 3])  # the last one only measures
        self.assertEqual([each["metrics"] for each in result["rounds"]], [{"loss": 1}] * 3)
        self.assertEqual(read_tensors(result["weight"]), expect(NUMBERS[:4], NUMBERS[:3]))
        task = nodes[0].create(self.plan(slow))
        nodes[0].wait_log("trains for round 1", times=2)  # the first task did, too
        children = ["pgrep", "-P", str(nodes[0].process.pid)]
        runners = subprocess.run(children, capture_output=True, text=True, check=True).stdout.split()
        nodes[0].kill()
        nodes[0].start()
        self.assertEqual(nodes[0].wait_end(task), "ERROR")
        self.assertEqual(nodes[0].messages(task)[-1], "the node was restarted")
        end = time.monotonic() + 60
        while any(pathlib.Path("/proc", runner).exists() for runner in runners):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_three_of_four_are_drawn(self):
        """Where the code says so; who is not drawn trains nothing, and has no round taken off."""
        nodes = self.begin(self.make(4))
        digest = self.offer(nodes, rounds=3, strategy="drawn_fedavg")
        task = nodes[0].create(self.plan(digest, rounds=3, most=3))
        self.assertEqual(nodes[0].wait_end(task), "FINISHED", nodes[0].messages(task))
        lines = "\n".join(nodes[0].messages(task))
        drawn = [re.search(rf"round {i} drawn \[(.*)\]", lines).group(1).split(", ") for i in (1, 2, 3)]
        self.assertEqual([len(names) for names in drawn], [3] * 3)
        result = nodes[0].result(task)
        self.assertEqual(read_tensors(result["weight"]),
                         expect(*([NUMBERS["abcd".index(name)] for name in names] for names in drawn)))
        self.assertEqual(result["parties"]["names"], ["a", "b", "c", "d"])
        for node in nodes:
            rounds = sum(node.name in names for names in drawn)
            self.assertEqual(node.get(f"/v1/code/one?digest={digest}")["rounds_left"], 3 - rounds)
            self.assertEqual(node.log().count(": trains for round"), rounds)
            said = [entry["text"] for entry in node.get("/v1/record")["record"] if entry["event"] == "ANSWERED"]
            self.assertEqual(sum("nothing of any row, as others are drawn" in text for text in said), 3 - rounds)
            self.assertEqual(sum("in a sum of at most 3 parties" in text for text in said), rounds)
            opened = re.findall(r"round \d opens the mean of (.*)", node.log())
            self.assertEqual([sorted(names.split(", ")) for names in opened], [sorted(names) for names in drawn])

    def test_four_runners_at_once(self):
        """A fifth task is declined while four are at work; when one is over there is room again."""
        nodes = self.make(4).nodes[:2]  # the others are away: a task waits for them
        for node in nodes:
            node.start()
        nodes[1].wait_log("connected to ")
        digest = self.offer(nodes, "import time\n\ntime.sleep(600)\n", rounds=1)
        nodes[0].cli("code", "revoke", digest)  # only one of the two runs anything
        tasks = [nodes[0].create(self.plan(digest, rounds=1, connection=300)) for _ in range(5)]
        nodes[1].wait_log("4 runners are at work here, and that is the most")
        self.assertEqual(nodes[1].log().count("its code runs"), 4)
        for task in tasks:
            nodes[0].cli("cancel", str(task), check=False)
        tasks = [nodes[0].create(self.plan(digest, rounds=1, connection=300))]
        nodes[1].wait_log("its code runs", times=5)
        self.assertEqual(nodes[1].log().count("4 runners are at work"), 1)

    def test_code_that_begins_with_chance(self):
        """Without a seed every party begins with other weights: that ends the task, and says so."""
        nodes = self.begin(self.make())
        source = SOURCE.replace("torch.tensor([0.5, -1.25], dtype=torch.float64)", "torch.rand(2, dtype=torch.float64)")
        task = nodes[0].create(self.plan(self.offer(nodes, source)))
        self.assertEqual(nodes[0].wait_end(task), "ERROR")
        self.assertRegex(nodes[0].messages(task)[-1], "the code begins with other weights at [abc] than at [abc]")


def find_missing():
    """Why there can be no learning here, or None."""
    for module in ("torch", "httpx", "pandas", "tqdm"):
        if subprocess.run(["/usr/bin/python3", "-c", f"import {module}"], capture_output=True).returncode != 0:
            return f"python3-{module} is not installed"
    return None if os.access("/usr/bin/bwrap", os.X_OK) else "bubblewrap is not installed"


if __name__ == "__main__":
    reason = find_missing()
    if reason:
        skip("e2e/learning", reason)
    unittest.main()
