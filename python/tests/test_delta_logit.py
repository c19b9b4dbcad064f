# SPDX-License-Identifier: Apache-2.0
"""Delta's logistic regressions, over tables in this process and at nodes."""

import math

import numpy
import pytest
from companies import SPECTOR_BY_DELTA, pooled

import sotto
from sotto.delta.debug import debug
from sotto.delta.delta_node import DeltaNode
from sotto.delta.statsmodel import LogitTask, MNLogitTask
from sotto.errors import EngineError, NodeError, NotSupported, PlanError


class SpectorTask(LogitTask):
    """How well students do, by all other columns."""

    def __init__(self, options=None, file="spector.csv"):
        super().__init__("logit", 3, 3, enable_verify=False)
        self.given = options or {}
        self.file = file

    def dataset(self):
        return {"data": sotto.dataset.DataFrame(self.file)}

    def preprocess(self, data):
        return data[["gpa", "tuce", "psi"]], data[["grade"]]

    def options(self):
        return self.given


def debugged(options):
    task = SpectorTask(options).build()
    assert "start=(" in task.plan["select"]["delta.statsmodel"]  # it had no question
    return debug(task, data=pooled("spector.csv"))


def test_options():
    params, f_val, iterations = debugged({})
    assert [*params, f_val, iterations] == pytest.approx(SPECTOR_BY_DELTA, rel=1e-15, abs=0)
    again = debugged({"start_params": params})
    assert again[0].tolist() == params.tolist()
    assert (again[1], again[2]) == (math.inf, 0)
    coarse = debugged({"tol": 0.1, "maxiter": 50})
    assert coarse[2] < 4
    enough = debugged({"maxiter": 4})
    assert (enough[0].tolist(), enough[2]) == (params.tolist(), 4)
    with pytest.raises(EngineError, match="no convergence in the steps that maxiter= allows"):
        debugged({"maxiter": 3})


class Classes(MNLogitTask):
    """Which class a student is in, by all other columns."""

    def __init__(self, name="psi"):
        super().__init__("classes", 3, 3)
        self.explained = name

    def dataset(self):
        return {"data": sotto.dataset.DataFrame("spector.csv")}

    def preprocess(self, data):
        return data.drop(self.explained, axis=1), data[self.explained].copy()


class Psi(SpectorTask):
    def preprocess(self, data):
        return data[["gpa", "tuce", "grade"]], data["psi"]


def test_two_classes_are_a_logistic_regression(cluster):
    creator = cluster.nodes[0]
    with DeltaNode(creator.api_url, creator.token) as node:
        task_id = node.create_task(Classes().build())
        assert node.wait(task_id, progress=False)
        params, f_val, iterations = node.get_result(task_id)
    expected = debug(Psi(), data=pooled("spector.csv"))
    assert params.shape == (3, 1)
    assert params[:, 0] == pytest.approx(expected[0], rel=1e-12)
    assert f_val == pytest.approx(expected[1], rel=1e-12)
    assert iterations == expected[2]


def test_classes():
    rows = pooled("spector.csv").assign(band=lambda frame: frame.tuce.clip(18, 24) // 3 - 6)
    rows = rows.drop(columns="tuce")
    params, f_val, _ = debug(Classes("band"), data=rows)
    x = rows.drop(columns="band").to_numpy(float)
    odds = numpy.exp(numpy.column_stack([numpy.zeros(len(x)), x @ params]))
    chances = odds / odds.sum(axis=1, keepdims=True)
    of_class = numpy.eye(3)[rows.band]
    assert params.shape == (3, 2)
    assert numpy.abs(x.T @ (of_class - chances)).max() / len(x) < 1e-7
    assert f_val == pytest.approx(-numpy.log(chances[of_class == 1]).mean(), rel=1e-6)
    with pytest.raises(PlanError, match="fewer than two of the classes"):
        debug(Classes("band"), data=rows.assign(band=0))


@pytest.mark.parametrize(
    "options", [{"method": "bfgs"}, {"ord": 2}, {"maxiter": 0}, {"solver": "newton"}]
)
def test_options_that_are_not_there(options):
    with pytest.raises(NotSupported, match=r"options\(\)"):
        debugged(options)


class TwoNumbers(SpectorTask):
    def preprocess(self, data):
        return 1, 2


class OtherArguments(SpectorTask):
    def preprocess(self, rows):
        return rows[["gpa"]], rows["grade"]


class AllColumns(SpectorTask):
    def preprocess(self, data):
        return data, data["grade"]


def test_what_no_regression_can_be_made_of(node):
    with pytest.raises(PlanError, match="expected a frame and a column"):
        TwoNumbers().build()
    with pytest.raises(PlanError, match=r"preprocess\(\) must take just"):
        OtherArguments().build()
    with pytest.raises(NodeError, match="does not list it"):
        node.create_task(AllColumns(file="unknown.csv"))
    assert "whose plan is written for a node" in repr(AllColumns().build())
    with pytest.raises(EngineError, match="complete separation"):
        debug(AllColumns(), data=pooled("spector.csv"))
