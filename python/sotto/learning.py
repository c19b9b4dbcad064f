# SPDX-License-Identifier: Apache-2.0
"""Learning tasks: code that all owners approve trains at every party, and only sums leave."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import struct
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy

from ._practice import practise
from ._secure_sum import MIN_PARTIES
from .errors import PlanError, SottoWarning
from .task import HorizontalAnalytics, Task

_STRATEGIES = ("fedavg", "fault_tolerant_fedavg", "drawn_fedavg")

_METRIC = "validate()."  # before the name of one, among the tensors

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}


class LearningTask(Task):
    """A built learning task: its plan, and the bundle whose digest the plan names."""

    def __init__(self, plan: Mapping[str, Any], bundle: bytes) -> None:
        super().__init__(plan)
        object.__setattr__(self, "bundle", bundle)

    bundle: bytes

    @property
    def datasets(self) -> list[str]:
        """The names of the data that every party has."""
        (length,) = struct.unpack_from("<I", self.bundle, 8)
        names: list[str] = json.loads(self.bundle[12 : 12 + length])["datasets"]
        return names

    def __repr__(self) -> str:
        return f"<LearningTask {self.name!r}, code {self.plan['bundle']}>"


class HorizontalLearning:
    """A model that several parties train, each on its own rows. build() makes the task.

    name: for people. files: the code, as paths, or as {name in the bundle: source}; what stands in
    them runs at every party whose owner has read and approved it, and nothing else does. entry:
    "module:Class"; python/sotto/_runner.py says which methods the class has. It begins with the
    same weights everywhere: it sets a seed. datasets: names of files or folders that every party
    has. rounds: how often weights are averaged. weighted: by rows. strategy: "fedavg", where a
    party that is lost in a later round ends the task; "fault_tolerant_fedavg", where the rounds go
    on without it; or "drawn_fedavg", where besides max_clients parties are drawn for each round.
    Owners approve it with the code (engine/LEAKAGE.md says what it opens).
    epochs, or instead of them iterations: passes over the rows, or batches, in a round.
    validate_every: after how many rounds the class's validate() measures the model, whose `metrics`
    names what that returns; one round more, the last, only measures. 0: never. stop_after: the task
    ends after so many measurements in a row whose metric "loss" is not less than all before; 0:
    never.
    server_momentum: so much of the step before is added to each step of the mean, from the second
    round on: 0 to 0.99, in hundredths.
    range: no weight is larger, or it becomes that and is counted; precision: decimals that are kept
    of a weight. parameters, rows: the most that the model, and one party, may have.
    memory_mib, round_seconds: what one runner may take.
    The others are as in HorizontalAnalytics.
    """

    def __init__(
        self,
        name: str,
        files: Sequence[str | Path] | Mapping[str, str],
        entry: str,
        datasets: Sequence[str],
        rounds: int,
        *,
        weighted: bool = True,
        strategy: str = "fedavg",
        epochs: int = 1,
        iterations: int | None = None,
        validate_every: int = 0,
        stop_after: int = 0,
        server_momentum: float = 0,
        range: float = 64,
        precision: int = 8,
        parameters: int = 10_000_000,
        rows: int = 1_000_000,
        memory_mib: int = 4096,
        round_seconds: int = 3600,
        **options: Any,
    ) -> None:
        if strategy not in _STRATEGIES:
            raise PlanError(
                f"strategy={strategy!r}: expected {' or '.join(map(repr, _STRATEGIES))}"
            )
        asked = HorizontalAnalytics(name, **options)
        self.name = name
        self._showing, self._strategy = asked.showing, asked.strategy
        self.files = _read_files(files)
        self.manifest = {
            "datasets": sorted(datasets),
            "entry": entry,
            "memory_mib": memory_mib,
            "merge": "epoch" if iterations is None else "iteration",
            "merge_every": epochs if iterations is None else iterations,
            "parameters_max": parameters,
            "range_bits": math.ceil(math.log2(range)),
            "round_seconds": round_seconds,
            "rounds": rounds + (validate_every > 0),
            "rows_max": rows,
            "scale_bits": math.ceil(precision * math.log2(10)),
            "strategy": strategy,
            "validate_every": validate_every,
            "weighted": weighted,
            **({"stop_after": stop_after} if stop_after else {}),
            **({"momentum_percent": _percent_of(server_momentum)} if server_momentum else {}),
        }

    def simulate(
        self,
        folders: Sequence[str | Path],
        *,
        python: str | None = None,
        seed: int = 0,
        log: Callable[[str], Any] | None = None,
    ) -> dict[str, Any]:
        """What get_result() would give, with every party on this machine: a folder for each.

        Each folder has the datasets by their names. The parties' sums go through the real protocol
        in this process, so that the weights are those that nodes give, to the bit, where torch
        computes alike. The code runs as at a node, a process for each party, but in no cage and
        unread: only run your own so, on your own data. python: the interpreter that has torch;
        None: this one. seed: of all keys, to repeat who is drawn; 0: none. log: takes each line of
        the aggregator's log, such as print.
        """
        if len(folders) < MIN_PARTIES:
            raise PlanError(
                f"{len(folders)} folders: expected at least {MIN_PARTIES}, one for each party"
            )
        task = self.build()
        return learned(practise(task.json, task.bundle, folders, python, seed, log))

    def build(self) -> LearningTask:
        """The task, for create_task()."""
        bundle = write_bundle(self.manifest, self.files)
        plan = {
            "version": 1,
            "name": self.name,
            "type": "learning",
            "bundle": hashlib.sha256(bundle).hexdigest(),
            "rounds": self.manifest["rounds"],
            "strategy": self._strategy,
            **self._showing,
        }
        return LearningTask(plan, bundle)


def _percent_of(momentum: float) -> int:
    percent = next((n for n in range(100) if math.isclose(n / 100, momentum)), None)
    if percent is None:
        raise PlanError(f"server_momentum={momentum!r}: expected 0 to 0.99, in hundredths")
    return percent


def _read_files(files: Sequence[str | Path] | Mapping[str, str]) -> dict[str, str]:
    if isinstance(files, Mapping):
        return dict(files)
    if isinstance(files, str | Path):
        raise PlanError(f"files={files!r}: expected a list of paths, or {{name: source}}")
    read: dict[str, str] = {}
    for path in map(Path, files):
        if path.name in read:
            raise PlanError(f"two files are named {path.name}: give {{name: source}} instead")
        read[path.name] = path.read_text(encoding="utf-8")
    return read


def write_bundle(manifest: Mapping[str, Any], files: Mapping[str, str]) -> bytes:
    """The one encoding of a bundle (learning/README.md). The node checks it."""

    def text(data: str) -> bytes:
        encoded = data.encode()
        return struct.pack("<I", len(encoded)) + encoded

    stated = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    parts = [b"SOTB\1\0\0\0", text(stated), struct.pack("<I", len(files))]
    parts += [text(name) + text(files[name]) for name in sorted(files, key=str.encode)]
    return b"".join(parts)


def read_tensors(data: bytes) -> dict[str, Any]:
    """Safetensors by their names: torch tensors where torch is imported, else numpy arrays."""
    (length,) = struct.unpack_from("<Q", data)
    tensors: dict[str, Any] = {}
    torch = sys.modules.get("torch")
    for name, entry in json.loads(data[8 : 8 + length]).items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        kind = entry["dtype"]
        if kind not in _TYPES and torch is None:
            raise NotImplementedError(f"{name} is {kind}, which numpy lacks: import torch first")
        flat: Any
        if kind in _TYPES:
            flat = numpy.frombuffer(data[begin:end], _TYPES[kind]).copy()
            flat = flat if torch is None else torch.from_numpy(flat)
        else:
            flat = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.bfloat16)  # type: ignore[union-attr]
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def learned(result: Mapping[str, Any]) -> dict[str, Any]:
    """What get_result() gives: {"weight": tensors by name, "metrics": of the last model, "rounds":
    of each parties, rows and clipped, and the metrics of the model that it began with}.

    Warns (SottoWarning) of parties that are not in it, and of weights and metrics that were
    clipped.
    """
    for absent in result["parties"].get("missing", ()):
        warnings.warn(
            f"{absent['name']} was invited, and its rows are not in the result: {absent['why']}",
            SottoWarning,
            stacklevel=3,
        )
    clipped = sum(each["clipped"] for each in result["rounds"])
    if clipped > 0:
        warnings.warn(
            f"{clipped} weights or metrics were beyond the range, and became its end: give a "
            "larger range",
            SottoWarning,
            stacklevel=3,
        )
    return read_model(result["weight"]) | {"rounds": result["rounds"]}


def read_model(text: str) -> dict[str, Any]:
    """{"weight": tensors by name, "metrics": numbers by name} of safetensors in base64."""
    tensors = read_tensors(base64.b64decode(text))
    names = [name for name in tensors if name.startswith(_METRIC)]
    metrics = {name.removeprefix(_METRIC): float(tensors.pop(name)) for name in names}
    return {"weight": tensors, "metrics": metrics}
