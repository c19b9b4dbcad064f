# SPDX-License-Identifier: Apache-2.0
"""One round of secure aggregation between parties in this process, measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import pandas

from ._library import Library, library
from .errors import EngineError, PlanError

MIN_PARTIES, MAX_PARTIES = 3, 1000
STEPS = ("dealing", "masking", "consenting", "revealing")
GRAPHS = ("complete", "curious", "semi_malicious")
_COSTS = {
    "party_ms": ("party_s", 1e3),
    "party_max_ms": ("party_max_s", 1e3),
    "aggregator_ms": ("aggregator_s", 1e3),
    "party_up_bytes": ("party_up_bytes", 1),
    "party_down_bytes": ("party_down_bytes", 1),
    "party_multiplications": ("party_group_operations", 1),
    "aggregator_multiplications": ("aggregator_group_operations", 1),
    "party_keystream_bytes": ("party_keystream_bytes", 1),
    "aggregator_keystream_bytes": ("aggregator_keystream_bytes", 1),
}


@dataclass(frozen=True)
class SecureSum:
    """The sum over the survivors, and what it cost.

    sum: of the vectors' shape; int64 of integers, else float64. survivors: how many are in it.
    costs: a row for each step and "total", with milliseconds, bytes, scalar multiplications and
    keystream. holders, masks, threshold: of the graph that was chosen (sotto/graph.h).
    """

    sum: numpy.ndarray[Any, Any]
    survivors: int
    costs: pandas.DataFrame
    holders: int
    masks: int
    threshold: int


def secure_sum(
    vectors: Sequence[Any] | Callable[[int], Any],
    *,
    parties: int | None = None,
    bound: float | None = None,
    scale_bits: int = 24,
    leaves: Mapping[int, str] | None = None,
    graph: str = "complete",
    corrupted: float = 0.05,
    dropped: float = 0.33,
    seed: int = 0,
) -> SecureSum:
    """Sums one vector of each party under the real protocol; nobody's vector is seen.

    vectors: an array of each party (NumPy, pandas, polars, pyarrow, lists), all of one shape; or a
    function of the party's number, with `parties`. Integers are summed modulo 2^64. Floats become
    fixed point in steps of 2^-scale_bits, none beyond `bound` in magnitude, and their sum is exact.
    leaves: {party: the step that it no longer answers}: dealing, masking, consenting, revealing.
    graph: "complete", or the sparse "curious" and "semi_malicious" for large numbers of parties,
    chosen for these fractions of parties that are corrupted and that drop.
    seed: of all keys, to repeat a run; 0: the system's randomness.
    Raises EngineError "parties" where too few survive, "limit" where values don't fit.
    """
    if callable(vectors):
        if parties is None:
            raise PlanError("secure_sum of a function: say how many parties there are, parties=20")
        vector_of = vectors
    else:
        listed = list(vectors)
        if parties not in (None, len(listed)):
            raise PlanError(f"parties={parties}, and there are {len(listed)} vectors")
        parties = len(listed)
        vector_of = listed.__getitem__
    if not MIN_PARTIES <= parties <= MAX_PARTIES:
        raise PlanError(f"{parties} parties: expected {MIN_PARTIES} to {MAX_PARTIES}")
    if graph not in GRAPHS:
        raise PlanError(f"graph={graph!r}: expected one of {', '.join(GRAPHS)}")
    for step in (leaves or {}).values():
        if step not in STEPS:
            raise PlanError(f"leaves: {step!r} is not one of {', '.join(STEPS)}")
    first = numpy.asarray(vector_of(0))
    coding = _coding(library(), first, parties, bound, scale_bits)
    terms = (GRAPHS.index(graph), round(corrupted * 1000), round(dropped * 1000))
    steps = {party: STEPS.index(step) for party, step in (leaves or {}).items()}
    return _run(library(), vector_of, parties, coding, steps, terms, seed)


class _Coding:
    """Vectors of one shape as bytes, and their sum back."""

    def __init__(self, engine: Library, shape: tuple[int, ...]) -> None:
        self.engine = engine
        self.shape = shape
        self.len = int(numpy.prod(shape))
        self.element_bytes = 8

    def checked(self, vector: Any, party: int) -> Any:
        found = numpy.asarray(vector)
        if found.shape != self.shape:
            raise PlanError(f"party {party} has a vector of shape {found.shape}, not {self.shape}")
        return found


class _Integers(_Coding):
    def encode(self, out: Any, vector: Any, party: int) -> None:
        found = self.checked(vector, party)
        if found.dtype.kind not in "iub":
            raise PlanError(f"party {party} has values of type {found.dtype}, not integers")
        whole = numpy.ascontiguousarray(found, dtype=numpy.int64)
        self.engine.ffi.memmove(out, self.engine.ffi.from_buffer(whole), 8 * self.len)

    def decode(self, bytes_: Any) -> numpy.ndarray[Any, Any]:
        buffer = self.engine.ffi.buffer(bytes_, 8 * self.len)
        return numpy.frombuffer(buffer, dtype="<i8").copy().reshape(self.shape)


class _Fixed(_Coding):
    def __init__(
        self, engine: Library, shape: tuple[int, ...], parties: int, bound: float, scale_bits: int
    ) -> None:
        super().__init__(engine, shape)
        for width in (4, 5, 8):
            self.fixed = engine.ffi.new("struct sotto_fixed *", [width, scale_bits, bound])
            self.element_bytes = width
            try:
                engine.call("sotto_fixed_check", self.fixed, parties)
            except EngineError:
                if width == 8:
                    raise
            else:
                break

    def encode(self, out: Any, vector: Any, party: int) -> None:
        found = self.checked(vector, party)
        values = numpy.ascontiguousarray(found, dtype=numpy.float64).reshape(-1)
        borrowed = self.engine.ffi.from_buffer("double[]", values)
        try:
            self.engine.call(
                "sotto_fixed_encode", out, self.engine.ffi.NULL, self.fixed, borrowed, self.len
            )
        except EngineError as error:
            raise EngineError(f"party {party}: {error}", error.status) from None

    def decode(self, bytes_: Any) -> numpy.ndarray[Any, Any]:
        out = numpy.empty(self.len)
        borrowed = self.engine.ffi.from_buffer("double[]", out)
        self.engine.lib.sotto_fixed_decode(borrowed, self.fixed, bytes_, self.len)
        return out.reshape(self.shape)


def _coding(
    engine: Library, first: Any, parties: int, bound: float | None, scale_bits: int
) -> _Integers | _Fixed:
    if first.dtype.kind in "iub":
        return _Integers(engine, first.shape)
    if first.dtype.kind != "f":
        raise PlanError(f"vectors of type {first.dtype}: expected integers or floats")
    if bound is None:
        raise PlanError(
            "secure_sum of floats: say how large a value may be, bound=1.0; larger ones are refused"
        )
    return _Fixed(engine, first.shape, parties, bound, scale_bits)


def _run(
    engine: Library,
    vector_of: Callable[[int], Any],
    parties: int,
    coding: _Integers | _Fixed,
    steps: Mapping[int, int],
    graph: tuple[int, int, int],
    seed: int,
) -> SecureSum:
    ffi = engine.ffi
    raised: list[BaseException] = []

    def write(context: Any, party: int, vector: Any, vector_bytes: int) -> None:
        try:
            coding.encode(vector, vector_of(party), party)
        except BaseException as error:
            # C can't carry it: it is raised when the session is over.
            raised.append(error)

    def step_of(context: Any, party: int) -> int:
        return steps.get(party, len(STEPS))

    c_write = ffi.callback("void(void *, uint32_t, uint8_t *, size_t)", write)
    c_step_of = ffi.callback("int(void *, uint32_t)", step_of)
    runs = ffi.new("struct sotto_vector_run *", [coding.element_bytes, coding.len])
    trial = ffi.new(
        "struct sotto_trial *",
        {
            "parties_len": parties,
            "min_parties": MIN_PARTIES,
            "graph": graph,
            "runs": runs,
            "runs_len": 1,
            "seed": seed,
            "input": c_write,
            "leaves": c_step_of,
        },
    )
    report = ffi.new("struct sotto_trial_report *")
    try:
        engine.call("sotto_trial_run", report, trial)
        if raised:
            raise raised[0]
        return _summary(coding, report)
    except EngineError:
        if raised:
            raise raised[0] from None
        raise
    finally:
        engine.lib.sotto_trial_report_release(report)


def _summary(coding: _Integers | _Fixed, report: Any) -> SecureSum:
    rows = {name: report.steps[i] for i, name in enumerate(STEPS)} | {"total": report.total}
    costs = {
        name: {label: getattr(row, field) * unit for label, (field, unit) in _COSTS.items()}
        for name, row in rows.items()
    }
    return SecureSum(
        coding.decode(report.sum),
        report.survivors,
        pandas.DataFrame.from_dict(costs, orient="index"),
        report.graph.holders,
        report.graph.masks,
        report.graph.threshold,
    )
