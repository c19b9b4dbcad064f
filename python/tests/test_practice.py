# SPDX-License-Identifier: Apache-2.0
"""Learning tasks simulated on this machine: by the Python that has torch, as nodes use it."""

import subprocess
from fractions import Fraction

import numpy
import pytest

import sotto
from sotto.errors import EngineError, PlanError, SottoWarning

PYTHON = "/usr/bin/python3"
if subprocess.run([PYTHON, "-c", "import torch"], capture_output=True).returncode != 0:
    pytest.skip("python3-torch is not installed", allow_module_level=True)

TRAINS = """import torch

class Rows(list):
    @property
    def dataset(self):
        return self

class Model:
    def __init__(self):
        self.weight = torch.tensor([0.5, -1.25], dtype=torch.float64)
        self.single = torch.tensor([0.1], dtype=torch.float32)

    def make_train_dataloader(self, data):
        with open(data["numbers"]) as file:
            return Rows(float(line) for line in file)

    def train(self, batches):
        numbers = list(batches)
        self.weight += sum(numbers) / len(numbers)

    def state_dict(self):
        return {"w": self.weight, "s": self.single}
"""
NUMBERS = [[1.5, 2.0], [0.1, 0.2, 0.7], [-3.0], [41.0]]


def learning(source=TRAINS, **options):
    return sotto.HorizontalLearning(
        "n", {"m.py": source}, "m:Model", ["numbers"], 3, range=1024, precision=6, **options
    )


def make_folders(tmp_path, numbers_of):
    """A folder for each party, with its numbers."""
    folders = [tmp_path / str(i) for i in range(len(numbers_of))]
    for folder, numbers in zip(folders, numbers_of, strict=True):
        folder.mkdir()
        (folder / "numbers").write_text("".join(f"{number}\n" for number in numbers))
    return folders


def practise(tmp_path, asked, parties):
    """A simulation by the Python that has torch, of parties with some numbers each."""
    lines = []
    folders = make_folders(tmp_path, NUMBERS[:parties])
    return asked.simulate(folders, python=PYTHON, seed=1, log=lines.append), lines


def test_a_simulation_trains_as_nodes_do(tmp_path):
    """The exact mean of fixed-point weights, rounded once: what nodes give in tests/e2e."""
    asked = learning()
    numbers_of = NUMBERS[:3]
    found, _ = practise(tmp_path, asked, 3)
    scale = asked.manifest["scale_bits"]
    model, total = [0.5, -1.25], sum(map(len, numbers_of))
    for _ in range(3):
        sums = [0, 0]
        for numbers in numbers_of:
            for i, weight in enumerate(model):
                trained = Fraction(weight + sum(numbers) / len(numbers))
                sums[i] += round(trained * 2**scale) * len(numbers)
        model = [float(Fraction(each, total << scale)) for each in sums]
    assert list(found["weight"]["w"]) == model
    single = Fraction(round(Fraction(float(numpy.float32(0.1))) * 2**scale), 2**scale)
    assert found["weight"]["s"][0] == numpy.float32(float(single))
    assert found["rounds"] == [{"parties": 3, "rows": total, "clipped": 0}] * 3


def test_a_simulation_draws_parties(tmp_path):
    asked = learning(strategy="drawn_fedavg", weighted=False, max_clients=3)
    found, lines = practise(tmp_path, asked, 4)
    assert [each["parties"] for each in found["rounds"]] == [3] * 3
    assert sum(" drawn [" in line for line in lines) == 3


def test_a_party_without_rows_is_no_party(tmp_path):
    """A node declines then: where the mean is not by rows, it would count as one that trained."""
    folders = make_folders(tmp_path, [*NUMBERS[:3], []])
    asked = learning(TRAINS.replace("sum(numbers) / len(numbers)", "1"), weighted=False)
    with pytest.warns(SottoWarning, match="party 4"):
        found = asked.simulate(folders, python=PYTHON)
    assert found["rounds"] == [{"parties": 3, "rows": 3, "clipped": 0}] * 3


def test_a_log_that_fails_ends_a_simulation(tmp_path):
    """What is raised there comes before any more is trained."""
    trained = tmp_path / "trained"
    source = TRAINS.replace("numbers = list", f"open({str(trained)!r}, 'w'); numbers = list")

    def fail(line):
        if "[Select Candidates]" in line:
            raise KeyboardInterrupt

    folders = make_folders(tmp_path, NUMBERS[:3])
    with pytest.raises(KeyboardInterrupt):
        learning(source).simulate(folders, python=PYTHON, log=fail)
    assert not trained.exists()


def test_code_that_fails_in_a_simulation(tmp_path, capfd):
    source = TRAINS.replace("numbers = list(batches)", "raise ValueError('of mine')")
    folders = make_folders(tmp_path, NUMBERS[:3])
    with pytest.raises(EngineError, match="the code ended with status 1"):
        learning(source).simulate(folders, python=PYTHON)
    assert "ValueError: of mine" in capfd.readouterr().err
    with pytest.raises(EngineError, match=r"status 1: .* python= names the interpreter"):
        learning("import nowhere_to_be_found\n" + TRAINS).simulate(folders, python=PYTHON)
    with pytest.raises(PlanError, match="2 folders: expected at least 3"):
        learning().simulate(folders[:2])
    with pytest.raises(PlanError, match="expected a folder"):
        learning().simulate([tmp_path / "nowhere"] * 3)
