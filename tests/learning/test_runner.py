#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The runner of learning tasks, without its cage: bundles, tensors, rounds, and what is refused.

Arguments: the folder of _runner.py, tests/support and the options of unittest."""

import struct
import sys
import unittest

sys.path[:0] = [sys.argv.pop(1), sys.argv.pop(1)]
import skip  # noqa: E402

try:
    import torch
except ImportError:
    skip.skip("learning/runner", "python3-torch is not installed")
import _runner  # noqa: E402


class Rows(list):
    """A loader: batches, and how many rows they have."""

    dataset = range(7)


class Task:
    """Adds each batch to its weights."""

    metrics = ("loss",)

    def __init__(self):
        self.w = torch.ones(3)
        self.loss = 0.5
        self.loader = Rows([1, 2, 3])

    def make_train_dataloader(self, data):
        return self.loader

    def make_validate_dataloader(self, data):
        return Rows([1])

    def train(self, batches):
        self.seen = list(batches)
        self.w += sum(self.seen)

    def validate(self, batches):
        return {"loss": self.loss}

    def state_dict(self):
        return {"w": self.w}


def manifest(**changes):
    base = {"entry": "task_of_test:Task", "datasets": ["a"], "merge": "epoch", "merge_every": 1}
    return {**base, "validate_every": 0, **changes}


SOURCE = "import __main__\nclass Task(__main__.Task): pass\n"


def make_runner(source=SOURCE, **changes):
    sys.modules.pop("task_of_test", None)
    return _runner.Runner(manifest(**changes), {"task_of_test.py": source})


class Bundles(unittest.TestCase):
    def setUp(self):
        self.path = list(sys.meta_path)

    def tearDown(self):
        sys.meta_path[:] = self.path

    def test_reading(self):
        def blob(text):
            return struct.pack("<I", len(text.encode())) + text.encode()

        data = b"SOTB\1\0\0\0" + blob('{"entry":"m:C"}') + struct.pack("<I", 2)
        data += blob("m.py") + blob("x = '\u5e73'\n") + blob("n.py") + blob("")
        found = _runner.read_bundle(data)
        self.assertEqual(found, ({"entry": "m:C"}, {"m.py": "x = '\u5e73'\n", "n.py": ""}))

    def test_modules_come_from_the_bundle(self):
        files = {
            "deep/folder/net.py": "from .parts import size\nfrom deep import top\n"
            "class Net: value = size + top\n",
            "deep/folder/parts.py": "size = 2\n",
            "deep/__init__.py": "top = 40\n",
        }
        task = _runner.make_task({"entry": "deep.folder.net:Net"}, files)
        self.assertEqual(task.value, 42)
        self.assertEqual(type(task).__module__, "deep.folder.net")

    def test_a_file_that_would_not_be_imported(self):
        for file, entry in (
            ("json.py", "json:JSONDecoder"),
            ("torch/nn/new.py", "torch.nn.new:Net"),
            ("__main__.py", "__main__:Task"),
        ):
            with self.assertRaisesRegex(ImportError, "is Python's own: expected another name"):
                _runner.make_task({"entry": entry}, {file: "class Net: pass\n"})

    def test_what_is_not_there(self):
        with self.assertRaisesRegex(ModuleNotFoundError, "nothing_there"):
            make_runner("import nothing_there\n")
        with self.assertRaisesRegex(AttributeError, "Task"):
            make_runner("class Net: pass\n")
        with self.assertRaises(SyntaxError) as caught:
            make_runner("class Task:\n    def f(:\n")
        self.assertEqual(
            (caught.exception.filename, caught.exception.lineno), ("bundle:task_of_test.py", 2)
        )


class Tensors(unittest.TestCase):
    def test_round_trip(self):
        weights = {
            name: torch.arange(6).to(dtype).reshape(2, 3) for name, dtype in _runner.TYPES.items()
        }
        weights |= {
            "scalar": torch.tensor(2.5),
            "none": torch.empty(0, 4),
            "turned": torch.ones(2, 3).t(),
        }
        found = _runner.read_tensors(bytearray(_runner.write_tensors(weights)))
        self.assertEqual(set(found), set(weights))
        for name, tensor in weights.items():
            self.assertEqual((found[name].dtype, found[name].shape), (tensor.dtype, tensor.shape))
            self.assertTrue(torch.equal(found[name], tensor))

    def test_types_that_are_refused(self):
        with self.assertRaisesRegex(TypeError, "complex64: expected F64"):
            _runner.write_tensors({"w": torch.zeros(2, dtype=torch.complex64)})


class Rounds(unittest.TestCase):
    def test_passes(self):
        runner = make_runner(merge_every=2)
        rows, weights = runner.train({"w": torch.tensor([1.0, 2.0, 3.0])}, False, True)
        self.assertEqual((rows, runner.task.seen), (7, [1, 2, 3, 1, 2, 3]))
        self.assertEqual(weights["w"].tolist(), [13, 14, 15])

    def test_batches_go_on_in_the_next_round(self):
        runner = make_runner(merge="iteration", merge_every=2)
        seen = []
        for _ in range(3):
            runner.train({"w": torch.zeros(3)}, False, True)
            seen.append(runner.task.seen)
        self.assertEqual(seen, [[1, 2], [3, 1], [2, 3]])

    def test_validation(self):
        """Where it is asked for, before training or alone; else what was measured stays."""
        runner = make_runner(validate_every=2)
        for measures, trains, known in ((True, True, 1), (False, True, 9), (True, False, 3)):
            runner.task.loss = known
            given = {"w": torch.zeros(3), "validate().loss": torch.tensor(9.0, dtype=torch.float64)}
            rows, weights = runner.train(given, measures, trains)
            self.assertEqual(weights["validate().loss"].item(), known)
            self.assertEqual((rows, weights["w"].tolist()), (7, [6 * trains] * 3))
        runner.task.loss = float("nan")
        with self.assertRaisesRegex(ValueError, "the metric 'loss' is nan"):
            runner.train(given, True, True)

    def test_names_of_metrics(self):
        for names in ('"loss"', "()", "None"):
            with self.assertRaisesRegex(TypeError, "metrics is .*: expected a tuple of"):
                make_runner(SOURCE.replace("pass", f"metrics = {names}"), validate_every=1)
        runner = make_runner(validate_every=1)
        runner.task.state_dict = lambda: {"w": runner.task.w, "validate().loss": runner.task.w}
        with self.assertRaisesRegex(ValueError, "expected a name that is no metric's"):
            runner.tensors()

    def test_what_is_refused(self):
        runner = make_runner()
        runner.train_loader = [1]
        with self.assertRaisesRegex(TypeError, "a loader has no dataset with a length"):
            runner.train({"w": torch.zeros(3)}, False, True)
        with self.assertRaisesRegex(ValueError, "a loader gave no batch"):
            next(_runner.endless([]))
        runner = make_runner()
        runner.task.state_dict = lambda: {"w": runner.task.w.clone()}
        with self.assertRaisesRegex(ValueError, "is a copy: expected the model's own tensor"):
            runner.train({"w": torch.zeros(3)}, False, True)


if __name__ == "__main__":
    unittest.main()
