# SPDX-License-Identifier: Apache-2.0
"""The code of a task that was written for Delta: what of it travels, and what is refused."""

from __future__ import annotations

import importlib.util
import sys
import warnings

import pytest

from sotto.delta._cage.dataset import load_dataset, split_dataset
from sotto.delta._code import gather
from sotto.delta.dataset import Dataset
from sotto.delta.task.learning import FaultTolerantFedAvg, FedAvg, HorizontalLearning
from sotto.errors import NotSupported, PlanError, SottoWarning

SCRIPT = """# What an owner reads.
import os
from parts.nets import width
from single import *

RATE = 0.1  # named below
OTHER = os.environ["NOBODY_HAS_THIS"] if False else None
node_url = "http://127.0.0.1:6700"


def half(x):
    return x * RATE * SCALE


SCALE: float = 2.0


class Learn:
    rate = half(1)


if __name__ == "__main__":
    print("never in a cage")
for _ in range(2):
    OTHER = Learn()
"""


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/__init__.py").write_text("from . import more\n")
    (tmp_path / "parts/more.py").write_text("deep = 1\n")
    (tmp_path / "parts/nets.py").write_text(
        "from .more import deep\n\n\ndef width():\n    return deep\n"
    )
    (tmp_path / "single.py").write_text("import sys\n")
    (tmp_path / "unused.py").write_text("import sys\n")
    monkeypatch.syspath_prepend(tmp_path)

    def load(text, name="learn"):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location("delta_script", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "delta_script", module)
        spec.loader.exec_module(module)
        return module

    return load


def test_definitions_travel_and_what_they_name(loaded):
    files, entry = gather(loaded(SCRIPT).Learn)
    assert entry == "delta_entry:Task"
    own = {name for name in files if not name.startswith("delta")}
    assert own == {"learn.py", "single.py", "parts/__init__.py", "parts/nets.py", "parts/more.py"}
    source = files["learn.py"]
    for kept in ("# What an owner reads.", "RATE = 0.1  # named below", "SCALE: float = 2.0"):
        assert kept in source
    for gone in ("OTHER", "node_url", "print", "for _"):
        assert gone not in source
    assert source.startswith("# What an owner reads.\nimport os\n")
    compile(source, "learn.py", "exec")


SECRETS = """import os
token = "a secret"
node = os.environ.get("NODE", "a secret")
TABLE = {}
try:
    import json
except ImportError:
    json = None
for i in range(3):
    TABLE[i] = i * i
count = 1
count += len(TABLE)
if __name__ == "__main__":
    TABLE[5] = "a secret"


class Learn:
    def train(self, batches, node=None):
        global count
        for token in batches:
            count = TABLE[token], json, node
        return [token for token in batches]
"""


def test_local_names_pull_nothing_in_and_others_all_that_sets_them(loaded):
    source = gather(loaded(SECRETS).Learn)[0]["learn.py"]
    assert "a secret" not in source
    scope = {"__name__": "learn"}
    exec(compile(source, "learn.py", "exec"), scope)
    assert (scope["TABLE"], scope["count"]) == ({0: 0, 1: 1, 2: 4}, 4)
    assert scope["json"] is not None


def test_what_is_imported_travels_whole(loaded):
    files, _ = gather(loaded(SCRIPT).Learn)
    assert files["parts/more.py"] == "deep = 1\n"


def test_code_that_would_be_another_in_a_cage(loaded):
    with pytest.raises(PlanError, match=r"line 2 of learn.py: expected a line of its own"):
        gather(loaded("a = 1\nimport os; a = 2\n\n\nclass Learn:\n    pass\n").Learn)
    text = "class Learn:\n    def train(self):\n        from . import single\n"
    with pytest.raises(PlanError, match=r"line 3 of learn.py: expected an import by the whole"):
        gather(loaded(text).Learn)
    files, _ = gather(loaded("\ufeffclass Learn:\n    pass\n").Learn)
    assert files["learn.py"] == "class Learn:\n    pass\n"


def test_a_class_that_no_owner_could_read(loaded, tmp_path):
    with pytest.raises(NotSupported, match="stands in no file"):
        gather(type("Made", (), {"__module__": "nowhere"}))
    inner = loaded("def make():\n    class Inner:\n        pass\n    return Inner\n")
    with pytest.raises(PlanError, match="at the top level"):
        gather(inner.make())
    with pytest.raises(PlanError, match="another name"):
        gather(loaded("class Learn:\n    pass\n", "learn-2").Learn)


def test_strategies():
    assert FedAvg().merge_epoch == 1
    assert FedAvg(3, 5, 0, 7).merge_iteration == 7
    assert FaultTolerantFedAvg(merge_iteration=4, curve="secp256k1").precision == 8
    for arguments in ({}, {"merge_epoch": 1, "merge_iteration": 1}):
        with pytest.raises(ValueError, match="one of them"):
            FaultTolerantFedAvg(**arguments)


class Plain(HorizontalLearning):
    def dataset(self):
        return Dataset("rows.npy")

    def validate(self, dataloader):
        found = {}
        found["loss"] = 1.0
        return found


class Measured(Plain):
    def validate(self, dataloader):
        return {"loss": 1.0, "precision": 2.0}


def test_a_task_is_built_as_delta_says():
    with pytest.warns(SottoWarning, match="nothing is measured"):
        assert Plain("p", 2, strategy=FedAvg(3, 3)).build().plan["rounds"] == 2
    task = Measured("p", 2, strategy=FedAvg(3, 3)).build()
    assert task.plan["rounds"] == 3
    assert b"metrics = ('loss', 'precision')" in task.bundle
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        task = Plain("p", 4, 0, strategy=FedAvg(3, 5, 0, 10, wait_timeout=30)).build()
    assert task.plan["rounds"] == 4
    assert task.plan["strategy"]["max_clients"] == 5
    manifest = task.bundle[12 : task.bundle.index(b"}") + 1].decode()
    for part in (
        '"merge":"iteration","merge_every":10',
        '"round_seconds":30',
        '"strategy":"fedavg"',
        '"weighted":false',
        '["rows.npy"]',
    ):
        assert part in manifest
    tolerant = Plain("p", 4, 0, strategy=FaultTolerantFedAvg(3, 5, 1)).build()
    assert b'"strategy":"fault_tolerant_fedavg"' in tolerant.bundle
    with pytest.raises(NotSupported, match="Dataset"):
        type("Other", (Plain,), {"dataset": lambda self: "rows.npy"})("p", 2, 0).build()


def test_an_owners_files(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    rows = load_dataset(tmp_path / "t.csv")
    assert [list(rows[i]) for i in range(len(rows))] == [[1, 2], [3, 4]]
    for part, count in (("train", 3), ("val", 1)):
        (tmp_path / "both" / part).mkdir(parents=True)
        for i in range(count):
            (tmp_path / "both" / part / f"{i}.csv").write_text("a\n1\n")
    train, validate = load_dataset(tmp_path / "both")
    assert (len(train), len(validate)) == (3, 1)
    (tmp_path / "both/val").rename(tmp_path / "both/other")
    labelled = load_dataset(tmp_path / "both")
    assert [labelled[i][1] for i in range(4)] == ["other", "train", "train", "train"]
    (tmp_path / "both/stray.csv").write_text("a\n")
    with pytest.raises(ValueError, match="files only"):
        load_dataset(tmp_path / "both")
    drawn, left = split_dataset(list(range(10)), 0.3)
    assert (len(drawn), len(left)) == (3, 7)
    assert sorted([drawn[i] for i in range(3)] + [left[i] for i in range(7)]) == list(range(10))
    (tmp_path / "w.pt").write_bytes(b"")
    with pytest.raises(ValueError, match="would run what it holds"):
        load_dataset(tmp_path / "w.pt")
    with pytest.raises(ValueError, match="frac=1"):
        split_dataset([1], 1)
