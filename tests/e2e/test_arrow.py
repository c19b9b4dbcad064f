#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tables to and from pyarrow through the Arrow C Data Interface: test_arrow.py LIBSOTTO

It runs in build/venv, where ./dev test all installs pyarrow.
"""
import ctypes
import datetime
import gc
import math
import os
import pathlib
import random
import sys
import tempfile
from decimal import Decimal

import pyarrow as pa

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from cases import cases  # noqa: E402

# --- libsotto through ctypes ---

KINDS = ["null", "bool", "int64", "decimal", "float64", "string", "date"]


class Type(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("scale", ctypes.c_uint8)]


class Column(ctypes.Structure):
    _fields_ = [("type", Type), ("wide", ctypes.c_bool), ("len", ctypes.c_size_t), ("null_count", ctypes.c_size_t),
                ("validity", ctypes.c_void_p), ("values", ctypes.c_void_p), ("offsets", ctypes.c_void_p)]


class CatalogueColumn(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", Type), ("missing", ctypes.c_uint64), ("hidden", ctypes.c_bool),
                ("digits_lost", ctypes.c_bool), ("inexact", ctypes.c_bool), ("exponent_inexact", ctypes.c_bool)]


class Catalogue(ctypes.Structure):
    _fields_ = [("identity", ctypes.c_uint64 * 5), ("text_bytes", ctypes.c_uint64), ("rows", ctypes.c_uint64),
                ("columns", ctypes.POINTER(CatalogueColumn)), ("columns_len", ctypes.c_size_t)]


class Wanted(ctypes.Structure):
    _fields_ = [("column", ctypes.c_size_t), ("type", Type)]


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("text", ctypes.c_char * 512)]


class Refused(Exception):
    pass


class Sotto:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        self.lib.sotto_table_column.restype = Column
        self.lib.sotto_table_rows.restype = ctypes.c_size_t
        self.lib.sotto_table_name.restype = ctypes.c_char_p
        for name in ("column", "rows", "name", "columns_len", "free"):
            getattr(self.lib, "sotto_table_" + name).argtypes = \
                [ctypes.c_void_p, ctypes.c_size_t] if name in ("column", "name") else [ctypes.c_void_p]
        self.lib.sotto_table_columns_len.restype = ctypes.c_size_t

    def call(self, name, *arguments):
        error = Error()
        if getattr(self.lib, name)(*arguments, ctypes.byref(error)) != 0:
            raise Refused(error.text.decode())

    def load(self, text):
        """A CSV text as a table."""
        csv, catalogue, table = ctypes.c_void_p(), ctypes.POINTER(Catalogue)(), ctypes.c_void_p()
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            file.write(text.encode())
            file.flush()
            self.call("sotto_csv_open", ctypes.byref(csv), file.name.encode(), None)
            self.call("sotto_csv_catalogue", csv, ctypes.byref(catalogue))
            known = catalogue.contents
            wanted = (Wanted * known.columns_len)()
            for i in range(known.columns_len):
                wanted[i] = Wanted(i, known.columns[i].type)
            self.call("sotto_table_load", ctypes.byref(table), csv, catalogue, wanted, ctypes.c_size_t(len(wanted)))
        self.lib.sotto_catalogue_free(catalogue)
        self.lib.sotto_csv_close(csv)
        return table

    def export(self, table):
        # Room for the two structs of the interface: 72 and 80 bytes.
        schema, array = (ctypes.c_char * 72)(), (ctypes.c_char * 80)()
        self.call("sotto_arrow_export", schema, array, table)
        batch = pa.RecordBatch._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))
        batch.validate(full=True)
        return batch

    def take(self, batch):
        schema, array, table = (ctypes.c_char * 72)(), (ctypes.c_char * 80)(), ctypes.c_void_p()
        batch._export_to_c(ctypes.addressof(array), ctypes.addressof(schema))
        self.call("sotto_arrow_import", ctypes.byref(table), schema, array)
        return table

    def there_and_back(self, batch):
        table = self.take(batch)
        back = self.export(table)
        self.free(table)
        return back

    def free(self, table):
        self.lib.sotto_table_free(table)


# --- What is expected ---

def expected(batch):
    """The lists that the import of a batch stands for."""
    out = []
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        values = column.to_pylist()
        if pa.types.is_floating(column.type):
            values = [None if value is None or math.isnan(value) else value + 0.0 for value in values]
        out.append(values)
    return out


def check(sotto, batch):
    back = sotto.there_and_back(batch)
    assert back.schema.names == batch.schema.names
    assert back.num_rows == batch.num_rows
    assert [column.to_pylist() for column in back.columns] == expected(batch), (batch, back)
    assert [column.null_count for column in back.columns] == [values.count(None) for values in expected(batch)]
    for column in back.columns:
        if pa.types.is_floating(column.type):
            assert all(value is None or math.copysign(1, value) == 1 or value != 0 for value in column.to_pylist())


def random_batch(rng):
    rows = rng.choice([0, 1, 7, 8, 9, 63, 64, 65, 200])
    words = ["", "a", "Zürich", "日本語", "x" * 70]
    missing = rng.choice([0, 0.3, 1])

    def values(make):
        return [None if rng.random() < missing else make() for _ in range(rows)]

    def integers(bits, signed):
        low = -(1 << (bits - 1)) if signed else 0
        return lambda: rng.choice([low, low + (1 << bits) - 1, rng.randrange(low, low + (1 << bits))])

    scale = rng.randrange(19)
    columns = {
        "bool": pa.array(values(lambda: rng.random() < 0.5), pa.bool_()),
        "float64": pa.array(values(lambda: rng.choice([-0.0, math.nan, math.inf, 5e-324, rng.gauss(0, 1e9)])), pa.float64()),
        "float32": pa.array(values(lambda: rng.choice([-0.0, math.nan, -math.inf, 0.5])), pa.float32()),
        "decimal": pa.array(values(lambda: Decimal(rng.randrange(-10**18, 10**18)).scaleb(-scale)), pa.decimal128(38, scale)),
        "string": pa.array(values(lambda: rng.choice(words)), pa.string()),
        "large": pa.array(values(lambda: rng.choice(words)), pa.large_string()),
        "date": pa.array(values(lambda: datetime.date.fromordinal(rng.randrange(1, 3652060))), pa.date32()),
        "date64": pa.array(values(lambda: datetime.date.fromordinal(rng.randrange(1, 3652060))), pa.date64()),
        "null": pa.nulls(rows),
    }
    for unit, size in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        step = 1000 if unit == "ns" else 1
        kind = pa.timestamp(unit, rng.choice([None, "UTC", "Asia/Tokyo"]))
        columns[unit] = pa.array(values(lambda: rng.randrange(-2**33 * size, 2**33 * size) // step * step), pa.int64()).cast(kind)
    for bits in (8, 16, 32, 64):
        columns[f"int{bits}"] = pa.array(values(integers(bits, True)), getattr(pa, f"int{bits}")())
        if bits < 64:
            columns[f"uint{bits}"] = pa.array(values(integers(bits, False)), getattr(pa, f"uint{bits}")())
        dictionary = pa.array(words + [None], rng.choice([pa.string(), pa.large_string()]))
        indices = pa.array(values(lambda: rng.randrange(6)), getattr(pa, rng.choice(["", "u"]) + f"int{bits}")())
        columns[f"dictionary{bits}"] = pa.DictionaryArray.from_arrays(indices, dictionary)
    batch = pa.record_batch(columns)
    start = rng.randrange(rows + 1)
    return rng.choice([batch, batch.slice(start), batch.slice(start, rng.randrange(rows + 1))])


# --- The tests ---

def test_a_csv_table_is_a_record_batch(sotto):
    table = sotto.load("i,d,w,f,s,b,n,t\n1,1.5,9223372036854775807,1e3,x,True,,2020-02-29\n"
                       ",-2.25,0.000000000000000001,,\"y,z\",,,\n3,,,2.5,,False,,0001-01-01\n")
    batch = sotto.export(table)
    again = sotto.export(table)
    sotto.free(table)
    assert batch.equals(again)
    assert [str(field.type) for field in batch.schema] == [
        "int64", "decimal128(38, 2)", "decimal128(38, 18)", "double", "large_string", "bool", "null", "date32[day]"]
    assert all(field.nullable for field in batch.schema)
    assert batch.to_pydict() == {
        "i": [1, None, 3], "d": [Decimal("1.50"), Decimal("-2.25"), None],
        "w": [Decimal("9223372036854775807.000000000000000000"), Decimal("0.000000000000000001"), None],
        "f": [1000.0, None, 2.5], "s": ["x", "y,z", None], "b": [True, None, False], "n": [None] * 3,
        "t": [datetime.date(2020, 2, 29), None, datetime.date(1, 1, 1)]}
    column = batch.column(4)
    del batch, again
    gc.collect()
    assert column.to_pylist() == ["x", "y,z", None]  # the table lives on for its last child


def test_a_table_of_no_rows(sotto):
    table = sotto.load("a,b\n")
    batch = sotto.export(table)
    sotto.free(table)
    assert batch.num_rows == 0 and batch.schema.names == ["a", "b"]


def test_random_batches(sotto):
    for seed in range(cases(300)):
        check(sotto, random_batch(random.Random(seed)))


def test_what_fits_is_not_copied(sotto):
    arrays = {"i": pa.array([1, 2, 3]), "f": pa.array([0.5, -1, math.inf]), "s": pa.array(["a", "b", "cd"], pa.large_string()),
              "t": pa.array(["a", "b", "cd"]), "d": pa.array([Decimal("1.2"), Decimal(3), Decimal(4)], pa.decimal128(10, 1))}
    table = sotto.take(pa.record_batch(arrays))
    for i, array in enumerate(arrays.values()):
        assert sotto.lib.sotto_table_column(table, i).values == array.buffers()[-1].address, i
    assert sotto.lib.sotto_table_column(table, 2).offsets == arrays["s"].buffers()[1].address
    sotto.free(table)


def test_batches_are_released(sotto):
    gc.collect()
    before = pa.total_allocated_bytes()
    batch = pa.record_batch({"i": pa.array(range(100000)), "when": pa.array([0] * 100000, pa.time32("s"))})
    try:
        sotto.take(batch)
        raise AssertionError("a time of no day was taken")
    except Refused as refusal:
        assert 'column "when": its type "tts"' in str(refusal), refusal
    table = sotto.take(batch.select(["i"]))
    del batch
    gc.collect()
    assert pa.total_allocated_bytes() >= before + 800000
    assert sotto.export(table).column(0)[99999].as_py() == 99999
    sotto.free(table)
    gc.collect()
    assert pa.total_allocated_bytes() == before


def test_other_types_are_refused(sotto):
    for kind in (pa.uint64(), pa.float16(), pa.time32("s"), pa.binary(), pa.list_(pa.int64()), pa.decimal128(38, 19),
                 pa.decimal256(50, 2), pa.string_view(), pa.dictionary(pa.int8(), pa.int64())):
        try:
            sotto.take(pa.record_batch({"good": pa.array([1]), "odd": pa.nulls(1, kind)}))
        except Refused as refusal:
            assert 'column "odd"' in str(refusal), refusal
        else:
            raise AssertionError(f"{kind} was taken")


def main():
    sotto = Sotto(sys.argv[1])
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test(sotto)
            print("ok", name, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
