# SPDX-License-Identifier: Apache-2.0
"""A learning task with every party on this machine, by the real protocol.

The code runs as nodes run it (_runner.py), a process for each party, but in no cage: it is the
user's own, and so is the data.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ._library import library
from .errors import EngineError, PlanError

_RUNNER = Path(__file__).with_name("_runner.py")
_FAILED = -9  # SOTTO_ERROR_STATE; what went wrong is raised here


class _Runner:
    """The code on the data of one folder, in a process that a `with` ends."""

    def __init__(self, python: str, folder: Path, bundle: bytes) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            words = [python, str(_RUNNER), str(folder), str(theirs.fileno())]
            self._process = subprocess.Popen(words, pass_fds=[theirs.fileno()])
        self._send(b"B", bundle)

    def __enter__(self) -> _Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _send(self, kind: bytes, data: bytes) -> None:
        try:
            self._socket.sendall(struct.pack("<cxxxI", kind, len(data)) + data)
        except OSError:
            self._fail()

    def _receive(self, kind: bytes) -> bytes:
        found, length = struct.unpack("<cxxxI", self._exactly(8))
        if found != kind:
            raise EngineError(f"the runner says {found!r}: expected {kind!r}")
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            try:
                more = self._socket.recv(length - len(data))
            except OSError:  # it ended with bytes unread
                more = b""
            if not more:
                self._fail()
            data += more
        return bytes(data)

    def _fail(self) -> None:
        code = self._process.wait()
        raise EngineError(
            f"the code ended with status {code}: its traceback stands above; python= names the "
            "interpreter that has what it imports"
        )

    def weights(self) -> bytes:
        """The weights with which the code begins, as safetensors."""
        self._send(b"J", b'{"do": "weights"}')
        return self._receive(b"B")

    def train(self, model: bytes, measures: bool, trains: bool) -> tuple[bytes, int]:
        """The weights after a round, and of how many rows they are."""
        asked = {"do": "train", "measures": measures, "trains": trains}
        self._send(b"J", json.dumps(asked).encode())
        self._send(b"B", model)
        rows = json.loads(self._receive(b"J"))["rows"]
        return self._receive(b"B"), rows


def practise(
    plan: str,
    bundle: bytes,
    folders: Sequence[str | os.PathLike[str]],
    python: str | None,
    seed: int,
    log: Callable[[str], Any] | None,
) -> dict[str, Any]:
    """The result of a learning task, as its JSON is, over parties with a folder each."""
    paths = [Path(folder).resolve() for folder in folders]
    for path in paths:
        if not path.is_dir():
            raise PlanError(f"expected a folder with the data of a party, found {path}")
    engine = library()
    ffi, raised, runners = engine.ffi, list[BaseException](), dict[int, _Runner]()
    interpreter = python if python is not None else sys.executable
    held: list[Any] = []  # what C borrows, until the next call
    with ExitStack() as stack:

        def run(party: int, model: bytes, measures: bool, trains: bool) -> tuple[bytes, int]:
            if party not in runners:
                runners[party] = stack.enter_context(_Runner(interpreter, paths[party], bundle))
            runner = runners[party]
            return runner.train(model, measures, trains) if model else (runner.weights(), 0)

        def train(_: Any, party: int, model: Any, model_bytes: int, out: Any) -> int:
            if raised:
                return _FAILED
            try:
                given = bytes(ffi.buffer(model, model_bytes)) if model else b""
                weights, rows = run(party, given, out.measures, out.trains)
                held[:] = [ffi.from_buffer(weights)]
                out.weights, out.weights_bytes, out.rows = held[0], len(weights), rows
            except BaseException as error:
                # C can't carry it: it is raised when the simulation is over.
                raised.append(error)
                return _FAILED
            return 0

        def tell(_: Any, line: Any) -> None:
            try:
                if log is not None and not raised:
                    log(engine.text(line))
            except BaseException as error:
                raised.append(error)

        text = plan.encode()
        code = ffi.from_buffer("char[]", text), ffi.from_buffer(bundle)
        calls = (
            ffi.callback(
                "int(void *, size_t, const void *, size_t, struct sotto_simulation_update *)", train
            ),
            ffi.callback("void(void *, const char *)", tell),
        )
        simulation = ffi.new("struct sotto_simulation *")
        simulation.plan_json, simulation.plan_json_bytes = code[0], len(text)
        simulation.bundle, simulation.bundle_bytes = code[1], len(bundle)
        simulation.parties_len, simulation.seed = len(paths), seed
        simulation.train, simulation.log = calls
        result = ffi.new("char **")
        try:
            engine.call("sotto_simulate", result, simulation)
        except EngineError:
            if raised:
                raise raised[0] from None
            raise
        stack.callback(engine.lib.sotto_free, result[0])
        if raised:
            raise raised[0]
        return json.loads(engine.text(result[0]))  # type: ignore[no-any-return]
