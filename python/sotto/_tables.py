# SPDX-License-Identifier: Apache-2.0
"""Tables of other libraries as Arrow record batches, without a copy where that is possible."""

from __future__ import annotations

import math
import numbers
import os
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pandas

from .errors import LibraryNotFound, PlanError


def is_path(data: Any) -> bool:
    """Whether data is the path of a file."""
    return isinstance(data, str | os.PathLike)


def is_table(data: Any) -> bool:
    """Whether data is one table: a frame, a batch, or a dict of columns."""
    if isinstance(data, Mapping):
        return bool(data) and not any(is_path(value) or _is_frame(value) for value in data.values())
    return _is_frame(data)


def _is_frame(data: Any) -> bool:
    return hasattr(data, "columns") or hasattr(data, "to_arrow")


def record_batch(data: Any) -> Any:
    """A pandas, polars or pyarrow table, or a dict of arrays, as one record batch.

    Columns of numbers are borrowed, not copied, where they are one piece of memory. Times without a
    zone that are all midnight are dates, as in a CSV file; durations are seconds; times of day
    alone become texts. Raises PlanError where there is no such table; it names column and row of a
    number that no column holds.
    """
    pyarrow = _pyarrow()
    try:
        table = _without_durations(pyarrow, _table(pyarrow, data))
        _check_numbers(pyarrow, table)
        fields = [
            (name, _readable(pyarrow, kind, table.column(name))) for name, kind in _fields(table)
        ]
        batches = table.cast(pyarrow.schema(fields)).combine_chunks().to_batches()
        return (
            batches[0] if batches else pyarrow.RecordBatch.from_pylist([], pyarrow.schema(fields))
        )
    except PlanError:
        raise
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError, KeyError) as error:
        _check_values(data)
        raise PlanError(f"this {type(data).__name__} can't be read as a table: {error}") from None


def column_names(data: Any) -> list[str]:
    """The names of a table's columns, or of those of a file of CSV or of lines of JSON."""
    if is_path(data) and re.search(r"\.(ndjson|jsonl)(\.gz|\.zst)?$", os.fspath(data)):
        return list(pandas.read_json(data, lines=True).columns)
    if is_path(data):
        return list(pandas.read_csv(data, nrows=0, sep=None, engine="python").columns)
    return list(_table(_pyarrow(), data).column_names)


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.compute
    except ImportError:
        raise LibraryNotFound(
            "tables in memory need the package pyarrow: "
            "pip install pyarrow, or the extra `research` of sotto-engine"
        ) from None
    return pyarrow


def _table(pyarrow: Any, data: Any) -> Any:
    if isinstance(data, pyarrow.Table):
        return data
    if isinstance(data, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([data])
    if isinstance(data, Mapping):
        return pyarrow.table({name: _column(pyarrow, values) for name, values in data.items()})
    if hasattr(data, "to_arrow"):  # polars
        return data.to_arrow()
    if hasattr(data, "columns"):
        return pyarrow.Table.from_pandas(data, preserve_index=False)
    raise TypeError("expected a pandas, polars or pyarrow table, or a dict of columns")


def _column(pyarrow: Any, values: Any) -> Any:
    return pyarrow.array(values, from_pandas=hasattr(values, "index"))


def _is_large(value: Any) -> bool:
    """Whether a number, or None, is no int64."""
    return value is not None and not -(2**63) <= value < 2**63


def _check_numbers(pyarrow: Any, table: Any) -> None:
    """Refuses what fits its Arrow type, but no column of ours: in units of a decimal's last digit
    too, values are of 64 bits."""
    for name, kind in _fields(table):
        if pyarrow.types.is_uint64(kind):
            values = table.column(name).to_pylist()
            _check_column(name, values, _is_large, "an integer below 2^63; make them float64")
        elif pyarrow.types.is_decimal(kind) and kind.precision > 18 and kind.scale <= 18:
            unit = 10**kind.scale
            values = table.column(name).to_pylist()
            _check_column(
                name,
                values,
                lambda value, unit=unit: value is not None and abs(int(value * unit)) >= 2**63,
                f"a decimal below 2^63 in units of 10^-{kind.scale}; make them float64",
            )


def _check_values(data: Any) -> None:
    """The same of Python's numbers, of which Arrow makes no column."""
    columns = data.items() if isinstance(data, Mapping) or hasattr(data, "items") else []
    for name, values in columns:
        _check_column(name, values, _is_unreadable, "an integer of 64 bits or a finite decimal")


def _is_unreadable(value: Any) -> bool:
    if isinstance(value, numbers.Integral) and type(value).__name__ != "timedelta64":
        return _is_large(int(value))
    return type(value).__name__ == "Decimal" and math.isinf(value)


def _check_column(name: Any, values: Iterable[Any], is_wrong: Any, expected: str) -> None:
    for row, value in enumerate(values):
        if is_wrong(value):
            raise PlanError(
                f'column "{name}", row {row} (from 0): expected {expected}, found {value}'
            )


def _fields(table: Any) -> list[tuple[str, Any]]:
    return [(field.name, field.type) for field in table.schema]


_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}  # of a second, in a unit


def _seconds(pyarrow: Any, column: Any) -> Any:
    """Durations as whole seconds, or as decimals with the digits of their unit."""
    digits = _DIGITS[column.type.unit]
    counts = column.cast(pyarrow.int64())
    whole = pyarrow.compute.divide(counts, 10**digits)
    if pyarrow.compute.multiply(whole, 10**digits).equals(counts):
        return whole
    unit = pyarrow.scalar(Decimal(1).scaleb(-digits), pyarrow.decimal128(digits, digits))
    return pyarrow.compute.multiply(counts.cast(pyarrow.decimal128(19, 0)), unit)


def _without_durations(pyarrow: Any, table: Any) -> Any:
    for i, (name, kind) in enumerate(_fields(table)):
        if pyarrow.types.is_duration(kind):
            table = table.set_column(i, name, _seconds(pyarrow, table.column(i)))
    return table


def _is_midnight(pyarrow: Any, column: Any) -> bool:
    return bool(column.cast(pyarrow.date32()).cast(column.type).equals(column))


def _readable(pyarrow: Any, kind: Any, column: Any) -> Any:
    """The type that libsotto takes for a column of some type; the same where it takes that."""
    types = pyarrow.types
    if types.is_dictionary(kind) and not types.is_string(kind.value_type):
        kind = kind.value_type
    is_local = types.is_timestamp(kind) and kind.tz is None
    if types.is_date(kind) or (is_local and _is_midnight(pyarrow, column)):
        return pyarrow.date32()
    if types.is_temporal(kind) and not types.is_timestamp(kind):
        return pyarrow.string()
    if str(kind) == "string_view":
        return pyarrow.large_string()
    if types.is_uint64(kind):
        return pyarrow.int64()
    if types.is_float16(kind):
        return pyarrow.float32()
    return kind
