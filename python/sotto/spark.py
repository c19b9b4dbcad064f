# SPDX-License-Identifier: Apache-2.0
"""A party's rows in a Spark DataFrame: each partition makes a part, and a tree merges them.

part = sotto.spark.part(frame, ask, snapshot="v7")

ask is what a node asks the program that its dataset names as `workers` (node/SOURCES.md), or a
round of `sotto.parts`. Spark starts, retries and moves all work. Executors need this package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from . import parts

__all__ = ["part"]


def part(frame: Any, asked: parts.Round | str | bytes, *, snapshot: str) -> bytes:
    """What all rows of a frame say, as one part.

    frame: a pyspark DataFrame, each partition of which fits into the memory of a worker. asked: a
    round, or what a node asks. snapshot: a name of the state of the rows, as a table's version; it
    is for you to read the same rows in all rounds.
    Raises PlanError, EngineError (in an exception of Spark where a worker raises it).
    """
    from pyspark.sql.pandas.types import to_arrow_schema

    schema = to_arrow_schema(frame.schema)
    batches = frame.mapInArrow(_written, "batch binary").rdd
    # Of this very RDD: another plan of the same frame may have other partitions.
    parts_len = max(1, batches.getNumPartitions())

    def make(index: int, rows: Iterable[Any]) -> list[bytes]:
        table = _read(schema, rows)
        if isinstance(asked, parts.Round):
            return [asked.part(table, index + 1, parts_len, snapshot=snapshot)]
        return [parts.answer(asked, table, index + 1, parts_len, snapshot=snapshot)]

    if batches.getNumPartitions() == 0:
        return make(0, [])[0]
    merged: bytes = batches.mapPartitionsWithIndex(make).treeReduce(_merged)
    return merged


def _merged(one: bytes, other: bytes) -> bytes:
    return parts.merge([one, other])


def _written(batches: Iterator[Any]) -> Iterator[Any]:
    """Each batch as a row: Spark calls this for no partition without rows, and knows no index."""
    import pyarrow

    for batch in batches:
        written = batch.serialize().to_pybytes()
        yield pyarrow.record_batch({"batch": pyarrow.array([written], type=pyarrow.binary())})


def _read(schema: Any, rows: Iterable[Any]) -> Any:
    import pyarrow

    batches = [pyarrow.ipc.read_record_batch(bytes(row[0]), schema) for row in rows]
    return pyarrow.Table.from_batches(batches, schema=schema)
