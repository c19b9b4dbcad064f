# SPDX-License-Identifier: Apache-2.0
"""Scripts written for delta-task."""

import math
import os
import subprocess
import sys

import numpy
import pytest
from companies import pooled

import sotto
from sotto.delta.debug import debug
from sotto.delta.delta_node import DeltaNode
from sotto.delta.statsmodel import LogitTask, MNLogitTask
from sotto.errors import EngineError, NodeError, NotSupported, PlanError

SCRIPT = """
from typing import Dict

import delta.dataset
from delta import pandas as pd
from delta.delta_node import DeltaNode
from delta.task import HorizontalAnalytics


class WageAvg(HorizontalAnalytics):
    def __init__(self) -> None:
        super().__init__(
            name="wage_avg",
            min_clients=MIN_CLIENTS,
            max_clients=3,
            wait_timeout=5,
            connection_timeout=5,
        )

    def dataset(self) -> Dict[str, delta.dataset.DataFrame]:
        return {"wages": delta.dataset.DataFrame("wages.csv")}

    def execute(self, wages: pd.DataFrame):
        return wages.mean()


if __name__ == "__main__":
    task = WageAvg().build()
    delta_node = DeltaNode("NODE_URL")
    task_id = delta_node.create_task(task)
    if delta_node.trace(task_id):
        res = delta_node.get_result(task_id)
        print(res)
    else:
        print("Task error")
"""


def run(folder, text, *arguments, token=""):
    script = folder / "script.py"
    script.write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "sotto.delta", str(script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SOTTO_TOKEN": token},
        cwd=folder,
    )


def average_wage(cluster, folder, min_clients):
    creator = cluster.nodes[0]
    text = SCRIPT.replace("NODE_URL", creator.api_url).replace("MIN_CLIENTS", str(min_clients))
    return run(folder, text, token=creator.token)


def test_the_average_wage_unchanged(cautious_cluster, tmp_path):
    done = average_wage(cautious_cluster, tmp_path, 3)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    *log, series, dtype = done.stdout.splitlines()
    assert "[Create Task]" in log[0]
    assert "[Finish Task]" in log[-1]
    assert [series, dtype] == str(pooled("wages.csv").mean()).splitlines()


def test_two_clients_become_three_with_a_warning(cluster, tmp_path):
    done = average_wage(cluster, tmp_path, 2)
    assert done.returncode == 0, done.stderr
    assert "min_clients=2 is raised to 3" in done.stderr
    assert "float64" in done.stdout


def test_enable_verify(cluster, tmp_path):
    creator = cluster.nodes[0]
    text = SCRIPT.replace("NODE_URL", creator.api_url).replace("MIN_CLIENTS", "3")
    text = text.replace("connection_timeout=5", "connection_timeout=5, enable_verify=True")
    done = run(tmp_path, text, token=creator.token)
    assert done.returncode == 0, done.stderr
    assert "confirmed by all 3 parties" in done.stdout
    assert "float64" in done.stdout


LOGIT = """
import delta.dataset
import pandas
from delta import DeltaNode
from delta.statsmodel import LogitTask


class SpectorLogitTask(LogitTask):
    def __init__(self) -> None:
        super().__init__(
            name="spector_logit",
            min_clients=2,
            max_clients=3,
            wait_timeout=5,
            connection_timeout=5,
            verify_timeout=360,
            enable_verify=True,
        )

    def dataset(self):
        return {"data": delta.dataset.DataFrame("spector.csv")}

    def preprocess(self, data: pandas.DataFrame):
        names = data.columns
        y_name = names[3]
        y = data[y_name].copy()
        x = data.drop([y_name], axis=1)
        return x, y


if __name__ == "__main__":
    task = SpectorLogitTask().build()
    delta_node = DeltaNode("NODE_URL")
    task_id = delta_node.create_task(task)
    if delta_node.trace(task_id):
        params, f_val, iterations = delta_node.get_result(task_id)
        print(*map(repr, params.tolist()), repr(f_val), iterations)
    else:
        print("Task error")
"""
# Of 32 rows in all, so under profile: open. f is 50 digits' value rounded; of the coefficients the
# last digit may be another.
GOLDEN = [0.29933592277495014, -0.10147248179221835, 1.6363573902308648, 0.5865803799171717, 4]


def test_a_logistic_regression_is_confirmed(cluster, tmp_path):
    creator = cluster.nodes[0]
    done = run(tmp_path, LOGIT.replace("NODE_URL", creator.api_url), token=creator.token)
    assert done.returncode == 0, done.stderr
    assert 'results="participants"' in done.stderr
    assert "confirmed by all 3 parties" in done.stdout
    found = [float(word) for word in done.stdout.splitlines()[-1].split()]
    assert found == pytest.approx(GOLDEN, rel=1e-15, abs=0)


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
    assert [*params, f_val, iterations] == pytest.approx(GOLDEN, rel=1e-15, abs=0)
    again = debugged({"start_params": params})
    assert again[0].tolist() == params.tolist()
    assert (again[1], again[2]) == (math.inf, 0)
    coarse = debugged({"tol": 0.1, "maxiter": 50})
    assert coarse[2] < 4


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
    "options", [{"method": "bfgs"}, {"ord": 2}, {"maxiter": 3}, {"solver": "newton"}]
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


IMPORTS = """
import sys
import delta, delta.core, delta.core.task, delta.core.strategy, delta.debug, delta.statsmodel
import delta.dataset, delta.pandas, delta.task.learning
from delta import DeltaNode
from delta.core.task import Task
from delta.debug import debug
from delta.pandas import DataFrame, Series
from delta.statsmodel import LogitTask, MNLogitTask
from delta.task import HorizontalAnalytics, HorizontalLearning
from delta.task.learning import FaultTolerantFedAvg, FedAvg
assert delta.pandas.DataFrame is DataFrame
assert sys.argv[1:] == ["--some", "argument"]


class Learn(HorizontalLearning):
    def __init__(self):
        super().__init__(name="x", max_rounds=2)

print("imported")
"""


def test_every_public_name_can_be_imported(tmp_path):
    done = run(tmp_path, IMPORTS, "--some", "argument")
    assert done.stdout == "imported\n", done.stderr


@pytest.mark.parametrize(
    "use",
    [
        "Learn()",
        "FaultTolerantFedAvg(min_clients=3)",
        "delta.dataset.Dataset('mnist')",
        "delta.dataset.load_dataframe('x.csv')",
    ],
)
def test_what_is_missing_says_so_when_it_is_used(tmp_path, use):
    done = run(tmp_path, IMPORTS + use, "--some", "argument")
    assert done.returncode == 1
    assert done.stdout == "imported\n"
    assert "not in this version of Sotto" in done.stderr


def test_usage(tmp_path):
    for arguments in ([], ["--help"], [str(tmp_path / "nothing.py")]):
        done = subprocess.run(
            [sys.executable, "-m", "sotto.delta", *arguments], capture_output=True, text=True
        )
        assert done.returncode == 2
        assert "usage" in done.stderr
