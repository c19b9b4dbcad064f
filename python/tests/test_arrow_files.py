# SPDX-License-Identifier: Apache-2.0
"""Arrow IPC files as `sotto local` reads them: the same numbers as of the same rows as CSV."""

import datetime
import decimal
import json
import os
import random
import re
import shlex
import subprocess
from pathlib import Path

import polars
import pyarrow
import pyarrow.csv
import pyarrow.feather
import pyarrow.ipc
import pytest

ASKED = [
    "sum(i)",
    "var(i)",
    "mean(f)",
    "var(f)",
    "sum(f * i)",
    "median(f)",
    "sum(d)",
    "var(d)",
    "mean(b)",
    "mean(year(day))",
    "mean(hour(t))",
    "mean(hour(z))",
    "count(s)",
    'value_counts(s, "a", "", "a text of more than twelve bytes", "\u6f22")',
    'value_counts(code, "007", "7")',
    'value_counts(large, "u", "v")',
    "count(i)",
]
CSV = ["--na", "NULL", *(f"--type={name}=string" for name in ("s", "code", "large"))]
CSV += ["--type=i=int64", "--type=f=float64", "--type=d=decimal(4)", "--type=b=bool"]
CSV += ["--type=day=date", "--type=t=datetime", "--type=z=datetime(utc)"]


def sotto(*arguments, **kwargs):
    """Runs the program, which finds no driver."""
    command = [os.environ["SOTTO_BINARY"], *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={}, **kwargs)


def ask(place, *options, plan=ASKED):
    """Answers of a plan; doubles have no exact text in CSV."""
    done = sotto("local", "--json", "--data", f"x={place}", *options, "--", *plan)
    assert done.returncode == 0, done.stderr
    text = json.loads(done.stdout)["outputs"]
    return json.loads(
        json.dumps(text), object_hook=lambda o: {k: v for k, v in o.items() if k != "exact"}
    )


def refused(place, *plan):
    """What is said of a place that can't be read."""
    done = sotto("local", "--data", f"x={place}", "--", *(plan or ["sum(i)"]))
    assert done.returncode == 1, done.stderr
    assert not done.stdout
    return done.stderr


def make_table(len_, seed=1):
    """A table of all types that there are here."""
    draw = random.Random(seed)

    def column(make, type_):
        values = [None if draw.random() < 0.2 else make() for _ in range(len_)]
        return pyarrow.array(values, type_)

    time = datetime.datetime(1969, 12, 31, 23, 59, 59, 7)
    texts = ["a", "", "a text of more than twelve bytes", "\u6f22"]
    return pyarrow.table(
        {
            "i": column(lambda: draw.randrange(-(10**6), 10**6), pyarrow.int64()),
            "f": column(
                lambda: draw.choice([-0.0, 5e-324, 1e308, 0.1, draw.random()]), pyarrow.float64()
            ),
            "d": column(
                lambda: decimal.Decimal(draw.randrange(10**6)) / 10**4, pyarrow.decimal128(30, 4)
            ),
            "b": column(lambda: draw.random() < 0.5, pyarrow.bool_()),
            "day": column(
                lambda: datetime.date(draw.randrange(1900, 2100), 2, 28), pyarrow.date32()
            ),
            "t": column(lambda: time, pyarrow.timestamp("us")),
            "z": column(lambda: time, pyarrow.timestamp("us", "UTC")),
            "s": column(lambda: draw.choice(texts), pyarrow.string()),
            "code": column(lambda: draw.choice(["007", "7"]), pyarrow.string()),
            "large": column(lambda: draw.choice("uv"), pyarrow.large_string()),
        }
    )


def write_csv(path, table):
    """Texts in quotes where they are there, as only NULL is missing."""

    def show(value):
        if isinstance(value, datetime.datetime):
            return f"{value:%Y-%m-%d %H:%M:%S.%f}" + ("+00:00" if value.tzinfo else "")
        if isinstance(value, str):
            return f'"{value}"'
        return "NULL" if value is None else str(value).lower()

    rows = zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True)
    lines = [table.column_names, *([show(value) for value in row] for row in rows)]
    path.write_text("".join(",".join(line) + "\n" for line in lines))


def write(path, table, rows=None, **options):
    """Writes a file, or by its end a stream, in batches of some rows."""
    new = pyarrow.ipc.new_stream if path.suffix == ".arrows" else pyarrow.ipc.new_file
    with new(path, table.schema, options=pyarrow.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=rows)


@pytest.fixture(scope="module")
def table():
    """Some hundred rows."""
    return make_table(300)


@pytest.fixture(scope="module")
def expected(table, tmp_path_factory):
    """What they are as CSV."""
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    write_csv(path, table)
    return ask(path, *CSV)


def with_views(table):
    """Texts as views, and as dictionaries with indexes of various widths."""
    names = {
        "s": pyarrow.string_view(),
        "large": pyarrow.dictionary(pyarrow.int8(), pyarrow.string()),
    }
    names["code"] = pyarrow.dictionary(pyarrow.uint32(), pyarrow.large_string())
    fields = [pyarrow.field(f.name, names.get(f.name, f.type)) for f in table.schema]
    return table.cast(pyarrow.schema(fields))


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("end", ["arrow", "arrows", "feather"])
@pytest.mark.parametrize("rows", [None, 7])
def test_files_are_as_csv(table, expected, tmp_path, compression, end, rows):
    """Same rows, same bits, however they are written."""
    write(tmp_path / f"x.{end}", table, rows, compression=compression)
    assert ask(tmp_path / f"x.{end}") == expected
    write(tmp_path / f"y.{end}", with_views(table), rows, compression=compression)
    assert ask(tmp_path / f"y.{end}") == expected


def test_what_libraries_write_by_default(table, expected, tmp_path):
    """pyarrow's feather and polars; slices too."""
    pyarrow.feather.write_feather(table, tmp_path / "x.feather")
    assert ask(tmp_path / "x.feather") == expected
    for compression in ["uncompressed", "lz4", "zstd"]:
        polars.from_arrow(table).write_ipc(tmp_path / "x.arrow", compression=compression)
        assert ask(tmp_path / "x.arrow") == expected
    longer = pyarrow.concat_tables([make_table(13, 2), table, make_table(5, 3)]).combine_chunks()
    write(tmp_path / "slice.arrow", longer.slice(13, table.num_rows), 11)
    assert ask(tmp_path / "slice.arrow") == expected


def test_folders_go_by_names(table, expected, tmp_path):
    """Files of a folder are one table; the order of columns is nobody's."""
    write(tmp_path / "a.arrow", table.slice(0, 100), compression="zstd")
    write(tmp_path / "b.arrow", table.slice(100).select(table.column_names[::-1]), 50)
    write(tmp_path / "c.arrow", table.slice(300))
    assert ask(tmp_path / "*.arrow") == expected
    write(tmp_path / "d.arrow", table.drop(["f"]))
    assert 'a column "f"' in refused(tmp_path / "*.arrow", "sum(f)")
    assert ask(tmp_path / "*.arrow", plan=["count(i)"])
    write(tmp_path / "d.arrow", table.set_column(0, "i", pyarrow.array(["1"] * 300)))
    assert "another type" in refused(tmp_path / "*.arrow")
    (tmp_path / "year=2024").mkdir()
    write(tmp_path / "year=2024/x.arrow", table)
    assert "folders such as year=2024" in refused(tmp_path / "*/*.arrow")
    assert "without **" in refused(tmp_path / "**/*.arrow")


def test_parties_of_a_simulation(table, tmp_path):
    """Each with a file of its own, of either kind: the protocol tells the same over both."""
    plan = ["--json", "--", "mean(f)", "median(i)", "sum(d)", 'value_counts(s, "a", "")']
    places = {"csv": [], "arrow": []}
    for party in range(3):
        rows = table.slice(100 * party, 100)
        for end, made in places.items():
            made.append(tmp_path / f"{party}.{end}")
        write_csv(tmp_path / f"{party}.csv", rows)
        write(tmp_path / f"{party}.arrow", rows, 30)
    done = [
        sotto("simulate", *options, *made, *plan)
        for made, options in [(places["csv"], CSV), (places["arrow"], [])]
    ]
    assert [one.returncode for one in done] == [0, 0], done
    outputs = [
        json.loads(one.stdout, object_hook=lambda o: {k: v for k, v in o.items() if k != "exact"})[
            "outputs"
        ]
        for one in done
    ]
    assert outputs[1] == outputs[0]


def test_dictionaries(tmp_path):
    """One that is replaced is that of the rows behind it; one that grows is refused."""
    parts = [pyarrow.array(["x", "y", None]), pyarrow.array(["z", "x", "x"])]
    batches = [
        pyarrow.record_batch({"i": pyarrow.array([1, 2, 3]), "s": part.dictionary_encode()})
        for part in parts
    ]
    for name, delta in [("x.arrows", False), ("y.arrows", True)]:
        options = pyarrow.ipc.IpcWriteOptions(emit_dictionary_deltas=delta)
        with pyarrow.ipc.new_stream(tmp_path / name, batches[0].schema, options=options) as writer:
            for batch in batches:
                writer.write_batch(batch)
    counts = ask(tmp_path / "x.arrows", plan=['value_counts(s, "x", "y", "z")'])
    assert [c["value"] for c in next(iter(counts.values()))["values"]] == [3, 1, 1]
    grown = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([0, 2]), pyarrow.array(["x", "y", "z"])
    )
    first = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 1]), pyarrow.array(["x", "y"]))
    schema = pyarrow.schema([("s", first.type)])
    options = pyarrow.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pyarrow.ipc.new_stream(tmp_path / "d.arrows", schema, options=options) as writer:
        writer.write_batch(pyarrow.record_batch([first], schema=schema))
        writer.write_batch(pyarrow.record_batch([grown], schema=schema))
    assert "a delta" in refused(tmp_path / "d.arrows", 'value_counts(s, "x")')


def test_types_that_are_not_here(table, tmp_path):
    """They are hidden, and said so; what stands beside them is read."""
    odd = {
        "list": pyarrow.array([[1], None, [2, 3]]),
        "object": pyarrow.array([{"a": 1, "b": ["x"]}] * 3),
        "map": pyarrow.array([[("k", 1)]] * 3, pyarrow.map_(pyarrow.string(), pyarrow.int64())),
        "bytes": pyarrow.array([b"x"] * 3),
        "clock": pyarrow.array([1] * 3, pyarrow.time64("us")),
        "span": pyarrow.array([1] * 3, pyarrow.duration("s")),
        "big": pyarrow.array([1] * 3, pyarrow.uint64()),
        "fixed": pyarrow.array([b"ab"] * 3, pyarrow.binary(2)),
        "view": pyarrow.array([b"x"] * 3, pyarrow.binary_view()),
        "listview": pyarrow.array([[1]] * 3, pyarrow.list_view(pyarrow.int64())),
        "ends": pyarrow.RunEndEncodedArray.from_arrays([3], [7]),
        "dense": pyarrow.UnionArray.from_dense(
            pyarrow.array([0, 0, 0], pyarrow.int8()),
            pyarrow.array([0, 1, 2], pyarrow.int32()),
            [pyarrow.array([1, 2, 3])],
        ),
        "numbers": pyarrow.array([5, 5, 6]).dictionary_encode(),
        "half": pyarrow.array([1.0] * 3).cast(pyarrow.float16()),
        "last": pyarrow.array([1, 2, None]),
    }
    write(tmp_path / "x.arrow", pyarrow.table(odd))
    assert ask(tmp_path / "x.arrow", plan=["sum(last)"])["sum(last)"]["value"] == 3
    described = sotto("describe", tmp_path / "x.arrow")
    assert described.returncode == 0, described.stderr
    lines = {line.split()[0]: line for line in described.stdout.splitlines() if line}
    for name in odd:
        assert ("can't be read" in lines[name]) == (name != "last"), lines[name]
        if name != "last":
            assert f'column "{name}"' in refused(tmp_path / "x.arrow", f"count({name})")


def test_empty_files(table, tmp_path):
    """No rows, no columns."""
    write(tmp_path / "x.arrow", table.slice(0, 0))
    assert ask(tmp_path / "x.arrow", plan=["count(i)"])["count(i)"]["value"] == 0
    write(tmp_path / "y.arrows", pyarrow.table({}))
    assert "there is no column" in refused(tmp_path / "y.arrows")
    assert "no such file" in refused(tmp_path / "z.arrow") + refused(tmp_path / "z*.arrow")


def test_what_is_refused(table, tmp_path):
    """Other files, with what to do."""
    path = tmp_path / "x.arrow"
    path.write_text("i,f\n1,2\n3,4\n")
    assert "Arrow IPC" in refused(path)
    big = pyarrow.table({"i": pyarrow.array([1, 2])})
    write(path, big, metadata_version=pyarrow.ipc.MetadataVersion.V4)
    assert "version 5" in refused(path)
    write(tmp_path / "s.arrows", table)
    whole = (tmp_path / "s.arrows").read_bytes()
    (tmp_path / "s.arrows").write_bytes(whole[:-8])
    assert "no end mark" in refused(tmp_path / "s.arrows")
    (tmp_path / "s.arrows").write_bytes(whole + whole)
    assert "behind its end mark" in refused(tmp_path / "s.arrows")


def test_a_footer_that_lists_a_batch_twice(tmp_path):
    """Its rows would count twice, in place of another's."""
    path = tmp_path / "x.arrow"
    write(path, pyarrow.table({"i": list(range(100))}), rows=50)
    data = path.read_bytes()
    starts = [m.start() for m in re.finditer(b"\xff\xff\xff\xff", data) if m.start() % 8 == 0]
    first, second = starts[1], starts[2]  # behind the schema
    blocks = data.rindex(first.to_bytes(8, "little")), data.rindex(second.to_bytes(8, "little"))
    assert abs(blocks[1] - blocks[0]) == 24
    block = data[blocks[0] : blocks[0] + 24]
    path.write_bytes(data[: blocks[1]] + block + data[blocks[1] + 24 :])
    assert "x.arrow: expected a footer that lists each batch once" in refused(path)


def test_the_guide(tmp_path):
    """A node's folder as node/SOURCES.md has it, with its commands."""
    text = (Path(__file__).resolve().parents[2] / "node" / "SOURCES.md").read_text()
    blocks = dict(re.findall(r"(?ms)^```\w+ (\w+)\n(.*?)^```$", text))
    for folder in ("data", "wages"):
        (tmp_path / folder).mkdir()
    sotto("keygen", "--out", tmp_path / "node.key")
    head = "name: n\ndata_dir: data\nstate_dir: state\nidentity: node.key\n"
    (tmp_path / "node.yaml").write_text(head + blocks["arrow"])
    table = pyarrow.table({"id": list(range(1000)), "wage": [3000 + i % 7 for i in range(1000)]})
    write(tmp_path / "wages/0.arrow", table.slice(0, 400), 100, compression="lz4")
    write(tmp_path / "wages/1.arrow", table.slice(400))
    told = ""
    for line in blocks["try"].splitlines():
        done = sotto(*shlex.split(line)[1:], cwd=tmp_path)
        told += done.stdout + done.stderr
    assert "wage    int64                  may name it" in told
    assert "wages: 1000 rows" in told
    assert "This node lets it pass" in told
    assert "wages/*.arrow" in sotto("sources", cwd=tmp_path).stdout
    wrong = "source: {adbc: /bin/true, uri"
    (tmp_path / "node.yaml").write_text(head + blocks["arrow"].replace("source: {uri", wrong))
    assert "no driver beside Arrow files" in sotto("sources", cwd=tmp_path).stderr
