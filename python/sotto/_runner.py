# SPDX-License-Identifier: Apache-2.0
"""The runner of a learning task: trains the class of a bundle on one owner's data.

A node starts this file in a cage (node/cage/), by itself: it imports nothing of its package, and of
others only torch. Frames come and go on descriptor 3: a kind (J: JSON, B: bytes), three zero
bytes, a length of four bytes, and as many bytes.

    node                                            runner
    B  the bundle
    J  {"do": "weights"}                            B  weights, as its class begins
    J  {"do": "train", "measures": yes,             J  {"rows": n}, B  weights after training
        "trains": yes}, B  the model's weights

Weights are asked for in a cage that has no data, as others are told of them; what is asked after
that, in another one. The class takes no arguments and has these methods. ``data`` has the path of
each dataset by its name; a loader is any iterable of batches that has ``dataset`` with a length:
a torch DataLoader without workers, as a cage has no other processes.

    make_train_dataloader(data), make_validate_dataloader(data)
    train(batches)       trains on an iterator of batches that ends where the round does
    state_dict()         the tensors of the model themselves: new weights are copied into them

Where the bundle's ``validate_every`` is above 0, it also has

    metrics              the names of what is measured
    validate(batches)    returns a dict of numbers by these names

Metrics travel as tensors beside the weights, and so become their mean over the parties too. They
are of the model that a round begins with; the node says in which rounds (learning/README.md).

What goes wrong ends the runner with a traceback, which its owner's node keeps.
"""

import functools
import importlib
import importlib.abc
import importlib.machinery
import json
import math
import os
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import torch

METRIC = "validate()."  # before the name of one, among the weights
OWN_MODULES = frozenset(sys.modules)  # an import of theirs gives them, whatever a bundle has
SOCKET = 3
DATA = "/data"
TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
NAMES = {dtype: name for name, dtype in TYPES.items()}

Weights = dict[str, torch.Tensor]

# --- Frames ---


def read_exactly(length: int) -> bytearray:
    """Read so many bytes of the socket; exit where the node closed it."""
    data = bytearray()
    while len(data) < length:
        more = os.read(SOCKET, length - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data


def receive(kind: bytes) -> bytearray:
    """Take the next frame, which must be of this kind."""
    found, length = struct.unpack("<cxxxI", read_exactly(8))
    if found != kind:
        raise ValueError(f"expected a frame {kind!r}, found {found!r}")
    return read_exactly(length)


def send(kind: bytes, data: bytes) -> None:
    """Send a frame."""
    rest = memoryview(struct.pack("<cxxxI", kind, len(data)) + data)
    while rest:
        rest = rest[os.write(SOCKET, rest) :]


# --- Bundles ---


def read_bundle(data: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """Take a bundle apart: its manifest, and its files by name. The node has checked it."""
    at = 8

    def blob() -> bytes:
        nonlocal at
        (length,) = struct.unpack_from("<I", data, at)
        at += 4 + length
        return data[at - length : at]

    manifest = json.loads(blob())
    (files,) = struct.unpack_from("<I", data, at)
    at += 4
    return manifest, {blob().decode(): blob().decode() for _ in range(files)}


class BundleFinder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports modules from the files of a bundle, before any other of the same name."""

    def __init__(self, files: Mapping[str, str]):
        self.files = files

    def _find(self, fullname: str) -> str | None:
        stem = fullname.replace(".", "/")
        names = (f"{stem}.py", f"{stem}/__init__.py")
        return next((name for name in names if name in self.files), None)

    def _is_folder(self, fullname: str) -> bool:
        stem = fullname.replace(".", "/") + "/"
        return any(name.startswith(stem) and name.endswith(".py") for name in self.files)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the place of a module that the bundle has, else None."""
        name = self._find(fullname)
        if name is None and not self._is_folder(fullname):
            return None
        origin = f"bundle:{name}" if name is not None else None
        return importlib.machinery.ModuleSpec(
            fullname, self, origin=origin, is_package=self.is_package(fullname)
        )

    def is_package(self, fullname: str) -> bool:
        """Whether a name has modules below it."""
        name = self._find(fullname)
        return name is None or name.endswith("/__init__.py")

    def get_source(self, fullname: str) -> str:
        """Return a module's source; a folder without one of its own is empty."""
        name = self._find(fullname)
        return self.files[name] if name is not None else ""

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's source."""
        name = self._find(module.__name__)
        source = self.get_source(module.__name__)
        exec(compile(source, f"bundle:{name}", "exec", dont_inherit=True), module.__dict__)


def make_task(manifest: Mapping[str, Any], files: Mapping[str, str]) -> Any:
    """Import the entry of a bundle, and construct its class."""
    for file in files:
        name = file.partition("/")[0].removesuffix(".py")
        if name in OWN_MODULES:
            raise ImportError(f"{file}: the module {name!r} is Python's own: expected another name")
    sys.meta_path.insert(0, BundleFinder(files))
    module, name = manifest["entry"].split(":")
    return getattr(importlib.import_module(module), name)()


# --- Tensors ---


def write_tensors(weights: Mapping[str, torch.Tensor]) -> bytes:
    """Write tensors as safetensors: wider types first, then by name."""
    header: dict[str, Any] = {}
    parts: list[bytes] = []
    end = 0
    for name in sorted(weights, key=lambda name: (-weights[name].element_size(), name)):
        tensor = weights[name].detach().cpu().contiguous()
        if tensor.dtype not in NAMES:
            raise TypeError(
                f"state_dict()[{name!r}] is {tensor.dtype}: expected {', '.join(NAMES.values())}"
            )
        data = tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [end, end + len(data)],
        }
        end += len(data)
        parts.append(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def read_tensors(data: bytearray) -> Weights:
    """Read safetensors, which the node has written."""
    (length,) = struct.unpack_from("<Q", data)
    weights = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        dtype, shape = TYPES[entry["dtype"]], entry["shape"]
        if begin == end:
            weights[name] = torch.empty(shape, dtype=dtype)
            continue
        flat = torch.frombuffer(data[begin:end], dtype=dtype)
        weights[name] = flat.reshape(shape)
    return weights


def load_weights(tensors: Callable[[], Weights], weights: Weights) -> None:
    """Copy weights into a model's tensors, and see that they are its own."""
    with torch.no_grad():
        for name, tensor in tensors().items():
            tensor.copy_(weights[name])
    for name, tensor in tensors().items():
        if not torch.equal(tensor, weights[name]):
            raise ValueError(f"state_dict()[{name!r}] is a copy: expected the model's own tensor")


# --- A task ---


def count_rows(loader: Any) -> int:
    """Return how many rows a loader reads in one pass."""
    try:
        return len(loader.dataset)
    except (AttributeError, TypeError):
        raise TypeError(
            "a loader has no dataset with a length: expected a DataLoader, or an iterable with one"
        ) from None


def endless(loader: Any) -> Iterator[Any]:
    """Batches of one pass after the other."""
    while True:
        some = False
        for batch in loader:
            some = True
            yield batch
        if not some:
            raise ValueError("a loader gave no batch: expected at least one")


def find_metrics(task: Any, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of what a task measures: none where the model is never validated."""
    if manifest["validate_every"] == 0:
        return ()
    names = getattr(task, "metrics", None)
    if not isinstance(names, list | tuple) or not names:
        raise TypeError(
            f"metrics is {names!r}: expected a tuple of what validate() measures, such as "
            '("loss",), as validate_every is above 0'
        )
    return tuple(names)


class Runner:
    """One task on one owner's data."""

    def __init__(self, manifest: Mapping[str, Any], files: Mapping[str, str], folder: str = DATA):
        self.manifest = manifest
        self.task = make_task(manifest, files)
        self.data = {name: f"{folder}/{name}" for name in manifest["datasets"]}
        self.metrics = {
            name: torch.zeros((), dtype=torch.float64) for name in find_metrics(self.task, manifest)
        }

    @functools.cached_property
    def train_loader(self) -> Any:
        """The loader of all rounds: there is no data where only weights are asked for."""
        return self.task.make_train_dataloader(self.data)

    @functools.cached_property
    def batches(self) -> Iterator[Any]:
        """Its batches, on from where the round before ended."""
        return endless(self.train_loader)

    def round_batches(self) -> Iterator[Any]:
        """Batches up to where the round ends: so many passes, or so many batches."""
        steps = self.manifest["merge_every"]
        if self.manifest["merge"] == "iteration":
            for _ in range(steps):
                yield next(self.batches)
        else:
            for _ in range(steps):
                yield from self.train_loader

    def tensors(self) -> Weights:
        """Return the model's tensors, and what was measured beside them."""
        weights: Weights = self.task.state_dict()
        for name in weights:
            if name.startswith(METRIC):
                raise ValueError(f"state_dict() has {name!r}: expected a name that is no metric's")
        measured = {METRIC + name: tensor for name, tensor in self.metrics.items()}
        return {**weights, **measured}

    def train(self, weights: Weights, measures: bool, trains: bool) -> tuple[int, Weights]:
        """Measure the model and train it. Return the rows that the weights stand for, and these."""
        load_weights(self.tensors, weights)
        if measures:
            self.validate()
        if trains:
            self.task.train(self.round_batches())
        return count_rows(self.train_loader), self.tensors()

    def validate(self) -> None:
        """Measure the model as it is."""
        loader = self.task.make_validate_dataloader(self.data)
        with torch.no_grad():
            found = self.task.validate(loader)
        for name, tensor in self.metrics.items():
            value = float(found[name])
            if not math.isfinite(value):
                raise ValueError(f"the metric {name!r} is {value}: expected a finite number")
            tensor.fill_(value)


def serve(runner: Runner) -> None:
    """Do what the node asks, until it closes the socket."""
    while True:
        asked = json.loads(receive(b"J"))
        if asked["do"] == "weights":
            send(b"B", write_tensors(runner.tensors()))
        elif asked["do"] == "train":
            model = read_tensors(receive(b"B"))
            rows, weights = runner.train(model, asked["measures"], asked["trains"])
            send(b"J", json.dumps({"rows": rows}).encode())
            send(b"B", write_tensors(weights))
        else:
            raise ValueError(f"expected to be asked for weights or to train, found {asked}")


if __name__ == "__main__":
    # Without a cage (_practice.py) the folder and the descriptor are others.
    FOLDER, SOCKET = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else (DATA, SOCKET)
    serve(Runner(*read_bundle(bytes(receive(b"B"))), FOLDER))
