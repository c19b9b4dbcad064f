# SPDX-License-Identifier: Apache-2.0
"""Scripts written for delta-task."""

import os
import subprocess
import sys

import pytest
from companies import SPECTOR_BY_DELTA, pooled

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


def test_a_logistic_regression_is_confirmed(cluster, tmp_path):
    creator = cluster.nodes[0]
    done = run(tmp_path, LOGIT.replace("NODE_URL", creator.api_url), token=creator.token)
    assert done.returncode == 0, done.stderr
    assert 'results="participants"' in done.stderr
    assert "confirmed by all 3 parties" in done.stdout
    found = [float(word) for word in done.stdout.splitlines()[-1].split()]
    assert found == pytest.approx(SPECTOR_BY_DELTA, rel=1e-15, abs=0)


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

print("imported")
"""


def test_every_public_name_can_be_imported(tmp_path):
    done = run(tmp_path, IMPORTS, "--some", "argument")
    assert done.stdout == "imported\n", done.stderr


def test_names_of_the_first_versions_say_which_there_are(tmp_path):
    done = run(tmp_path, "from delta.task import LearningTask")
    assert "NotSupported: delta.task.LearningTask" in done.stderr
    assert "HorizontalLearning is in its place" in done.stderr


def test_usage(tmp_path):
    for arguments in ([], ["--help"], [str(tmp_path / "nothing.py")]):
        done = subprocess.run(
            [sys.executable, "-m", "sotto.delta", *arguments], capture_output=True, text=True
        )
        assert done.returncode == 2
        assert "usage" in done.stderr
