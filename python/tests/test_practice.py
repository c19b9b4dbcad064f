# SPDX-License-Identifier: Apache-2.0
"""Learning tasks simulated on this machine: by the Python that has torch, as nodes use it."""

import subprocess
import sys
from fractions import Fraction

import numpy
import pytest

import sotto
from sotto.debug import debug
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
        folder.mkdir(parents=True)
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


MEASURES = TRAINS.replace(
    "class Model:",
    """class Model:
    metrics = ("loss", "size")

    def make_validate_dataloader(self, data):
        return self.make_train_dataloader(data)

    def validate(self, batches):
        distances = [abs(self.weight[0].item() - number) for number in batches]
        return {"size": len(distances), "loss": LOSS}
""",
)


def test_a_simulation_measures(tmp_path):
    """Each second round and a last one that trains nothing, of the model that it begins with."""
    asked = learning(
        MEASURES.replace("LOSS", "sum(distances) / len(distances)"),
        validate_every=2,
        weighted=False,
    )
    found, lines = practise(tmp_path, asked, 3)
    trained, _ = practise(tmp_path / "apart", learning(weighted=False), 3)
    assert list(found["weight"]["w"]) == list(trained["weight"]["w"])
    models = [0.5]
    for _ in range(3):
        models.append(models[-1] + sum(sum(part) / len(part) for part in NUMBERS[:3]) / 3)
    expected = [
        sum(sum(abs(model - each) for each in part) / len(part) for part in NUMBERS[:3]) / 3
        for model in models
    ]
    assert [set(each) - {"parties", "rows", "clipped"} for each in found["rounds"]] == [
        {"metrics"},
        set(),
        {"metrics"},
        {"metrics"},
    ]
    for number in (0, 2, 3):
        metrics = found["rounds"][number]["metrics"]
        assert metrics["loss"] == pytest.approx(expected[number], rel=1e-6)
        assert metrics["size"] == pytest.approx(2, rel=1e-6)
    assert found["metrics"] == found["rounds"][3]["metrics"]
    assert sum("; before it loss " in line for line in lines) == 3
    axes = sotto.plot.learning_curve(found)
    assert [line.get_label() for line in axes.get_lines()] == ["loss", "size"]
    assert list(axes.get_lines()[0].get_xdata()) == [0, 2, 3]


def test_a_simulation_stops_early(tmp_path):
    """The loss falls from the first round to the second, and not after that."""
    source = MEASURES.replace("LOSS", "1.0 if self.weight[0].item() == 0.5 else 0.25")
    found, _ = practise(tmp_path, learning(source, validate_every=1, stop_after=1), 3)
    assert [each["metrics"]["loss"] for each in found["rounds"]] == [1, 0.25, 0.25]
    numbers = [number for part in NUMBERS[:3] for number in part]
    assert found["weight"]["w"][0] == pytest.approx(0.5 + 2 * sum(numbers) / len(numbers), rel=1e-5)
    with pytest.raises(EngineError, match='a metric named "loss"'):
        practise(
            tmp_path / "none",
            learning(source.replace('"loss"', '"lost"'), validate_every=1, stop_after=1),
            3,
        )


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


def test_a_task_is_tried_on_the_rows_of_one(tmp_path, monkeypatch):
    """The mean of parties that have all the same rows is what each of them trains."""
    monkeypatch.setattr(sys, "executable", PYTHON)
    (folder,) = make_folders(tmp_path, NUMBERS[:1])
    found = debug(learning(min_clients=4), any_name=folder / "numbers")
    assert found["weight"]["w"].tolist() == [0.5 + 3 * 1.75, -1.25 + 3 * 1.75]
    assert [each["parties"] for each in found["rounds"]] == [4, 4, 4]
    with pytest.raises(PlanError, match="expected a path for each of numbers"):
        debug(learning())


def test_a_round_of_so_many_batches(tmp_path):
    """The next round goes on with the batches behind them, from the first one on after the last."""
    numbers_of = [[1.5, 2.0], [3.0], [0.25, 0.5, 1.0, 7.0]]
    folders = make_folders(tmp_path, numbers_of)
    found = learning(iterations=2, weighted=False).simulate(folders, python=PYTHON)
    steps = [1.75, 1.75, 1.75, 3, 3, 3, 0.375, 4, 0.375]  # means of two numbers, in three rounds
    expected = sum(steps) / 3
    assert found["weight"]["w"].tolist() == pytest.approx([0.5 + expected, -1.25 + expected], 1e-5)
