# SPDX-License-Identifier: Apache-2.0
"""Learning tasks: how they are written, sent and read. What runs them, tests/e2e has."""

import base64
import json
import struct

import numpy
import pytest
import support

import sotto
from sotto.errors import PlanError, PlanRefused, SottoWarning, TaskFailed
from sotto.learning import learned, read_tensors

SOURCE = "class Model:\n    '''平均'''\n"


def learning(**options):
    return sotto.HorizontalLearning(
        "two weights",
        {"b/model.py": SOURCE, "a.py": ""},
        "b.model:Model",
        ["train", "images"],
        5,
        **options,
    )


def test_a_bundle_is_as_its_reader_wants_it():
    asked = learning(iterations=7, range=10, precision=8, weighted=False)
    assert asked.manifest["range_bits"] == 4
    assert asked.manifest["scale_bits"] == 27
    task = asked.build()
    stated = {**asked.manifest, "merge": "iteration", "merge_every": 7, "weighted": False}
    data, digest = support.make_bundle({"a.py": "", "b/model.py": SOURCE}, **stated)
    assert task.bundle == data
    assert task.plan["bundle"] == digest
    assert task.plan["rounds"] == 5
    assert task.plan["type"] == "learning"
    assert digest in repr(task)
    assert learning(server_momentum=0.9).manifest["momentum_percent"] == 90


@pytest.mark.parametrize("momentum", [0.004, 0.905, 1, -0.1, float("nan")])
def test_momentum_is_in_hundredths(momentum):
    with pytest.raises(PlanError, match=r"expected 0 to 0\.99, in hundredths"):
        learning(server_momentum=momentum)


def test_what_a_loss_means_is_in_the_code_that_owners_approve():
    assert learning().manifest["strategy"] == "fedavg"
    tolerant = learning(strategy="fault_tolerant_fedavg")
    assert tolerant.manifest["strategy"] == "fault_tolerant_fedavg"
    assert tolerant.build().plan["bundle"] != learning().build().plan["bundle"]
    with pytest.raises(PlanError, match="expected 'fedavg' or 'fault_tolerant_fedavg' or"):
        learning(strategy="fedsgd")


def test_files_by_their_paths(tmp_path):
    (tmp_path / "model.py").write_text(SOURCE, encoding="utf-8")
    asked = sotto.HorizontalLearning(
        "n", [tmp_path / "model.py"], "model:Model", ["numbers"], 1, results="participants"
    )
    assert asked.files == {"model.py": SOURCE}
    assert asked.build().plan["results"] == "participants"
    with pytest.raises(PlanError, match="expected a list of paths"):
        sotto.HorizontalLearning("n", "model.py", "model:Model", ["numbers"], 1)
    with pytest.raises(PlanError, match="two files are named model"):
        sotto.HorizontalLearning("n", [tmp_path / "model.py"] * 2, "model:Model", ["numbers"], 1)


def safetensors(**arrays):
    header, data = {}, b""
    for name, (kind, array) in arrays.items():
        end = len(data) + array.nbytes
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def test_tensors_of_a_result():
    matrix = numpy.array([[1.5, -2.0, 3.25]], "<f4")
    scalar = numpy.array(7, "<i8")
    data = safetensors(matrix=("F32", matrix), scalar=("I64", scalar))
    result = {
        "type": "learning",
        "weight": base64.b64encode(data).decode(),
        "rounds": [{"parties": 3, "rows": 9, "clipped": i} for i in (0, 2)],
        "parties": {"missing": [{"name": "dogwood", "why": "it was away"}]},
    }
    with pytest.warns(SottoWarning) as told:
        got = learned(result)
    assert [str(each.message).split()[0] for each in told] == ["dogwood", "2"]
    assert got["rounds"] == result["rounds"]
    assert list(got["weight"]) == ["matrix", "scalar"]
    numpy.testing.assert_array_equal(got["weight"]["matrix"], matrix)
    assert got["weight"]["matrix"].dtype == numpy.float32
    assert got["weight"]["scalar"].shape == ()
    with pytest.raises(NotImplementedError, match="import torch first"):
        read_tensors(safetensors(half=("BF16", numpy.zeros(2, "<u2"))))


def test_a_node_that_denies_code(node, cluster):
    """Its code is offered with the task, as the text that it is; nobody approved it."""
    task_id = node.create_task(learning(connection_timeout=20))
    assert not node.wait(task_id, progress=False)
    with pytest.raises(TaskFailed, match="declined: "):
        node.get_result(task_id)
    digest = learning().build().plan["bundle"]
    offered = cluster.nodes[0].get(f"/v1/code/one?digest={digest}")
    assert offered["state"] == "OFFERED"
    assert "class Model" in offered["text"]


def test_code_that_no_bundle_can_have(node):
    wrong = sotto.HorizontalLearning("n", {"../m.py": ""}, "m:Model", ["numbers"], 1)
    with pytest.raises(PlanRefused, match="the node does not take the plan"):
        node.create_task(wrong)
