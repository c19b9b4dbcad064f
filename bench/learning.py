#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench learning: what a round of learning costs beside the training (bench_learning.c), and the
same sum by Flower's SecAgg+: a million weights of 100 parties, nobody leaves, one process each.

Flower is what its package has, unchanged: the workflow of its server, and the mod of its clients,
joined by a grid that hands each message to the client that it is for. Each of its clients shares
secrets and masks with 20 others, which is what SecAgg+ is for; ours with all 99. Of both are said a
party's milliseconds, and the server's (our aggregator's); there is no network."""

import argparse
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from peers import peers_python, say  # noqa: E402

FLOWER = r"""
import copy
import json
import logging
import sys
import time

import numpy
from flwr.app import ConfigRecord, Context, Message, RecordDict
import flwr.compat.common.recorddict_compat as compat
from flwr.client.mod.secure_aggregation import secaggplus_mod
from flwr.common import Code, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.server import LegacyContext, ServerConfig
from flwr.server.client_manager import SimpleClientManager
from flwr.server.compat.grid_client_proxy import GridClientProxy
from flwr.server.strategy import FedAvg
from flwr.server.workflow import SecAggPlusWorkflow
from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD, Key
from flwr.supercore.task_identity import TaskIdentity

TaskIdentity.run_id = TaskIdentity.node_id = TaskIdentity.task_id = 0
logging.getLogger("flwr").setLevel(logging.ERROR)
parties, elements = int(sys.argv[1]), int(sys.argv[2])
client_s = other_s = 0.0  # other: training, and what stands for a transport


def weights(party):
    return (numpy.random.default_rng(party).random(elements) * 2 - 1).astype(numpy.float32)


def rows(party):
    return 100 + party


class Grid:
    # Clients in this process; their own training is not counted.
    def __init__(self):
        self.contexts = {}

    def send_and_receive(self, messages, **_):
        return [self.ask(message) for message in messages]

    def ask(self, message):
        global client_s, other_s
        begin = time.perf_counter()
        message = copy.deepcopy(message)  # clients change what they get
        other_s += time.perf_counter() - begin
        party = message.metadata.dst_node_id
        if party not in self.contexts:
            self.contexts[party] = Context(0, party, {}, RecordDict(), {})
        trained_s = 0.0

        def train(message, context):
            nonlocal trained_s
            begin = time.perf_counter()
            result = FitRes(Status(Code.OK, ""), ndarrays_to_parameters([weights(party)]), rows(party), {})
            reply = Message(compat.fitres_to_recorddict(result, keep_input=False), reply_to=message)
            trained_s = time.perf_counter() - begin
            return reply

        begin = time.perf_counter()
        reply = secaggplus_mod(message, self.contexts[party], train)
        client_s += time.perf_counter() - begin - trained_s
        other_s += trained_s
        return reply


context = LegacyContext(
    Context(0, 0, {}, RecordDict(), {}),
    ServerConfig(num_rounds=1),
    FedAvg(fraction_fit=1, min_fit_clients=parties, min_available_clients=parties),
    SimpleClientManager(),
)
grid = Grid()
for party in range(1, parties + 1):
    context.client_manager.register(GridClientProxy(node_id=party, grid=grid, run_id=0))
context.state.config_records[MAIN_CONFIGS_RECORD] = ConfigRecord({Key.CURRENT_ROUND: 1})
begun = compat.parameters_to_arrayrecord(ndarrays_to_parameters([numpy.zeros(elements, numpy.float32)]), True)
context.state.array_records[MAIN_PARAMS_RECORD] = begun
begin = time.perf_counter()
SecAggPlusWorkflow(num_shares=21, reconstruction_threshold=15, max_weight=1000)(grid, context)
whole_s = time.perf_counter() - begin
ended = context.state.array_records[MAIN_PARAMS_RECORD]
model = parameters_to_ndarrays(compat.arrayrecord_to_parameters(ended, True))[0]
sample = slice(0, min(elements, 1000))
total = sum(rows(party) for party in range(1, parties + 1))
mean = sum(weights(party)[sample].astype(float) * rows(party) for party in range(1, parties + 1)) / total
print(json.dumps({"party_s": client_s / parties, "server_s": whole_s - client_s - other_s,
                  "error": float(abs(model[sample] - mean).max())}))
"""


def run_flower(python, parties, elements):
    out = subprocess.run([python, "-c", FLOWER, str(parties), str(elements)], capture_output=True, text=True)
    if out.returncode:
        say(f"*** FLOWER IS SKIPPED: {out.stderr.strip().splitlines()[-1]} ***")
        return None
    return json.loads(out.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--quick", action="store_true", help="few parties and weights: whether it works")
    arguments = parser.parse_args()
    program = pathlib.Path(arguments.bin) / "bench" / "bench_learning"
    quick = ["--quick"] if arguments.quick else []
    ours = subprocess.run([program, *quick], check=True, capture_output=True, text=True)
    print(ours.stdout, end="", flush=True)
    parties, elements = (25, 1000) if arguments.quick else (100, 1000000)
    python = peers_python(["flwr"], "venv-flower")  # it wants versions of its own of much that others have too
    theirs = run_flower(python, parties, elements)
    if theirs is None:
        return
    line = {"bench": "learning", "case": f"flower_secaggplus_n{parties}_m{elements}",
            "value": 1e3 * (theirs["party_s"] + theirs["server_s"]), "unit": "ms", "party_ms": 1e3 * theirs["party_s"],
            "server_ms": 1e3 * theirs["server_s"], "largest_error": theirs["error"]}
    if not arguments.quick:
        own = json.loads(ours.stdout.splitlines()[-1])
        line["party_ratio"] = line["party_ms"] / (own["encode_ms"] + own["party_ms"] + own["decode_ms"])
        line["server_ratio"] = line["server_ms"] / own["aggregator_ms"]
    short = {key: float(f"{value:.4g}") for key, value in line.items() if isinstance(value, float)}
    print(json.dumps(line | short))


if __name__ == "__main__":
    main()
