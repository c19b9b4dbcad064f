# SPDX-License-Identifier: Apache-2.0
"""libsotto in this process: secure sums, and questions on tables in memory and on files."""

import datetime
import decimal
import itertools
import pathlib
import re
from fractions import Fraction

import cffi
import numpy
import pandas
import polars
import pyarrow
import pytest
from companies import NUMBERS, STAFF, pooled

import sotto
from sotto import _library
from sotto._expression import REDUCTIONS
from sotto._tables import record_batch
from sotto.debug import debug
from sotto.errors import (
    EngineError,
    LibraryNotFound,
    NotAnAggregate,
    PlanError,
    RuleRefused,
    SottoWarning,
)


@pytest.fixture
def files(tmp_path):
    paths = []
    for i, text in enumerate(NUMBERS):
        paths.append(tmp_path / f"{i}.csv")
        paths[i].write_text(text)
    return paths


@pytest.fixture(scope="module")
def frames():
    frame = pooled("numbers.csv")
    return [frame[:3], frame[3:7], frame[7:]]


@pytest.mark.parametrize(
    "values",
    [
        [1, 2**70],
        [None, -(2**63) - 1],
        numpy.array([1, 2**64 - 1], dtype="uint64"),
        pandas.array([None, 2**64 - 1], dtype="UInt64"),
        [numpy.uint64(1), numpy.uint64(2**64 - 1)],
        [decimal.Decimal(1), decimal.Decimal("Infinity")],
        [decimal.Decimal("0.5"), decimal.Decimal(10) ** 20],
        [decimal.Decimal(1), decimal.Decimal(10) ** 40],
    ],
    ids=repr,
)
@pytest.mark.parametrize("table", [dict, pandas.DataFrame])
def test_numbers_that_no_column_holds_are_named(table, values):
    if table is pandas.DataFrame and isinstance(values, list):
        values = pandas.Series(values, dtype=object)
    for data in ({"fine": [1, 2], "big": values}, {"big": values}):
        with pytest.raises(PlanError, match=r'column "big", row 1 .*found '):
            sotto.local(table(data), "count(big)")
        with pytest.raises(PlanError, match=r'column "big", row 1 .*found '):
            sotto.simulate([table(data)] * 3, "count(big)")


@pytest.mark.parametrize(
    "data",
    [
        {"d": numpy.array([1, 2], dtype="timedelta64[D]")},
        pyarrow.table([[1], [2]], names=["d", "d"]),
    ],
    ids=["days", "twice"],
)
def test_what_arrow_can_not_hold_is_refused(data):
    with pytest.raises(PlanError, match="can't be read as a table"):
        sotto.local(data, "count(d)")


def test_numbers_at_the_ends_of_64_bits_are_read():
    ends = numpy.array([1, 2**63 - 1], dtype="uint64")
    assert sotto.local(pandas.DataFrame({"x": ends}), "sum(x)", exact=True) == 2**63
    missing = pandas.DataFrame({"x": [decimal.Decimal(3), decimal.Decimal("NaN")]})
    assert sotto.local(missing, "count(x)") == 1
    assert sotto.local({"x": [-(2**63), 0]}, "sum(x)", exact=True) == -(2**63)


def test_lines_of_json(tmp_path):
    path = tmp_path / "t.ndjson"
    path.write_text('{"a": 1, "s": "5"}\n{"a": 2, "tags": []}\n{"b": 0.1, "a": null}\n')
    found = sotto.local(str(path), lambda df: {"m": df.a.mean(), "b": df.b.sum()})
    assert found["m"] == 1.5
    assert found["b"] == 0.1
    with pytest.raises(sotto.errors.SottoError, match="tags"):
        sotto.local(str(path), "count(tags)")
    totals = sotto.local(str(path), lambda df: df[["a", "b"]].sum())
    assert totals.tolist() == [3, 0.1]


def test_words_that_a_file_reads_as_missing_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("country,x\nNA,1\nDE,2\n")
    with pytest.raises(EngineError, match='"NA" is an NA word'):
        sotto.local(path, "sum(country == 'NA')")
    with pytest.raises(EngineError, match='"NA" is an NA word'):
        sotto.simulate([path] * 3, "sum(country == 'NA')")


# --- Secure sums ---


def test_integers_are_summed_exactly():
    vectors = [numpy.array([[1, -2], [2**62, i]]) for i in range(4)]
    found = sotto.secure_sum(vectors, seed=7)
    assert found.survivors == 4
    assert found.sum.tolist() == [[4, -8], [0, 6]]  # modulo 2^64


@pytest.mark.parametrize(
    "kind",
    [list, numpy.array, pandas.Series, polars.Series, pyarrow.array],
    ids=lambda k: k.__name__,
)
def test_floats_of_any_library(kind):
    found = sotto.secure_sum([kind([0.5, -0.25])] * 5, bound=1)
    assert found.sum.tolist() == [2.5, -1.25]


def test_frames_are_summed_value_by_value():
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert sotto.secure_sum([frame] * 3, bound=4).sum.tolist() == (3 * frame).values.tolist()


@pytest.mark.parametrize("step", ["dealing", "masking", "consenting", "revealing"])
def test_a_party_may_vanish(step):
    found = sotto.secure_sum(lambda party: [party], parties=7, leaves={3: step})
    counted = step in ("consenting", "revealing")
    assert found.sum.tolist() == [21 if counted else 18]
    assert found.survivors == (7 if counted else 6)
    assert (found.costs.loc["total", ["party_ms", "aggregator_ms", "party_up_bytes"]] > 0).all()


def test_too_many_may_not():
    with pytest.raises(EngineError, match="answered") as caught:
        sotto.secure_sum([[1]] * 4, leaves={0: "masking", 1: "masking"})
    assert caught.value.status == "parties"


@pytest.mark.parametrize(
    ("vectors", "options", "words"),
    [
        ([[1]] * 2, {}, "3 to 1000"),
        ([[1.0]] * 3, {}, "bound"),
        ([[1.0], [2.0], [0.5]], {"bound": 1}, "party 1"),
        ([[1.0], [float("nan")], [0.5]], {"bound": 1}, "party 1"),
        ([[1], [1, 2], [3]], {}, "shape"),
        ([[1], [1.5], [3]], {}, "not integers"),
        ([["a"]] * 3, {}, "expected integers or floats"),
        ([[1]] * 3, {"leaves": {0: "lunch"}}, "lunch"),
        ([[1]] * 3, {"graph": "ring"}, "ring"),
        ([[1]] * 3, {"parties": 4}, "parties=4"),
        (lambda party: [1], {}, "parties="),
        ([[1.0]] * 3, {"bound": 1e30}, "bits"),
    ],
)
def test_bad_vectors_are_named(vectors, options, words):
    with pytest.raises((PlanError, EngineError), match=words):
        sotto.secure_sum(vectors, **options)


def test_an_error_in_a_partys_function_is_raised():
    def vector(party):
        return [1 // (2 - party)]

    with pytest.raises(ZeroDivisionError):
        sotto.secure_sum(vector, parties=5)


# --- Tables ---


def as_kinds(frame):
    arrow = pyarrow.Table.from_pandas(frame, preserve_index=False)
    return {
        "pandas": frame,
        "polars": polars.from_arrow(arrow),
        "pyarrow": arrow,
        "batch": arrow.combine_chunks().to_batches()[0],
        "chunks": pyarrow.concat_tables([arrow.slice(0, 2), arrow.slice(2)]),
        "numpy": {name: frame[name].to_numpy() for name in ("age", "wage", "bonus", "hours")},
    }


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "batch", "chunks", "numpy"])
def test_one_table_of_any_library(kind):
    frame = pooled("numbers.csv")
    table = as_kinds(frame)[kind]
    assert sotto.local(table, "mean(age)") == frame["age"].mean()
    found = sotto.local(table, {"s": "std(wage)", "n": "count(bonus)"}, where="age > 20")
    expected = frame[frame["age"] > 20]
    assert found == {
        "s": pytest.approx(expected["wage"].std(), rel=1e-12),
        "n": expected["bonus"].count(),
    }
    means = sotto.local(table, lambda wages: wages[["age", "hours"]].mean())
    pandas.testing.assert_series_equal(means, frame[["age", "hours"]].mean(), rtol=1e-12)


def test_columns_of_numbers_are_not_copied():
    values = numpy.arange(1000.0)
    borrowed = record_batch({"x": values}).column(0).buffers()[1].address
    assert borrowed == values.__array_interface__["data"][0]


def test_types_of_other_libraries():
    table = pyarrow.table(
        {
            "day": pyarrow.array([datetime.date(2026, 11, 23), None]),
            "view": pyarrow.array(["x", "y"], pyarrow.string_view()),
            "pay": pyarrow.array([decimal.Decimal("0.10"), decimal.Decimal("0.20")]),
            "big": pyarrow.array([1, 2], pyarrow.uint64()),
            "half": pyarrow.array(numpy.array([0.5, 1], numpy.float16)),
            "dept": pyarrow.array(["a", "b"]).dictionary_encode(),
        }
    )
    assert sotto.local(table, "sum(pay)", exact=True) == Fraction(3, 10)
    assert sotto.local(table, "value_counts(dept, 'b')").tolist() == [1]
    found = sotto.local(table, {c: f"count({c})" for c in table.column_names})
    assert found == {"day": 1, "view": 2, "pay": 2, "big": 2, "half": 2, "dept": 2}
    assert sotto.local(table, {"d": "sum(day == '2026-11-23')"}) == {"d": 1}


def test_a_table_without_rows():
    empty = pandas.DataFrame({"x": pandas.Series([], dtype="float64")})
    assert sotto.local(empty, "count(x)") == 0


def test_three_tables_are_as_one(frames):
    query = {"m": "mean(wage)", "s": "std(bonus)", "c": "corr(age, hours)"}
    together = sotto.simulate(frames, query, exact=True)
    assert together == sotto.local(pandas.concat(frames), query, exact=True)


def test_three_files_are_as_one(files, tmp_path):
    whole = tmp_path / "pooled.csv"
    pooled("numbers.csv").to_csv(whole, index=False)
    query = {"m": "mean(wage)", "s": "std(bonus)"}
    assert sotto.simulate(files, query) == sotto.local(whole, query)
    lines = []
    found = sotto.simulate(files, "mean(wage)", seed=3, log=lines.append)
    assert found == sotto.local(str(whole), "mean(wage)")
    assert "no dead members" in " ".join(lines)
    with pytest.raises(ZeroDivisionError):
        sotto.simulate(files, "mean(wage)", log=lambda line: 1 / 0)


def test_rounds_that_follow_each_other(frames):
    def centred(wages):
        return ((wages.age - wages.age.mean()) ** 2).mean()

    assert sotto.simulate(frames, centred) == pytest.approx(
        centred(pandas.concat(frames)), rel=1e-12
    )


@pytest.mark.parametrize(
    "columns",
    [[[2**53 + 1], [0.5], [1]], [[2**53 + 1, 2**63 - 1], [0.5, None], [1, 2]]],
)
def test_rounded_integers_are_told_and_never_exact(columns):
    tables = [pyarrow.table({"x": column}) for column in columns]
    with pytest.warns(SottoWarning, match="read as float64"):
        found = sotto.simulate(tables, "sum(x)", exact=True, seed=1)
    assert isinstance(found, float)


def test_integers_that_are_doubles_stay_exact():
    tables = [pyarrow.table({"x": column}) for column in ([10**14], [0.5], [1])]
    with pytest.warns(SottoWarning, match="read as float64"):
        found = sotto.simulate(tables, "sum(x)", exact=True, seed=1)
    assert found == Fraction(2 * 10**14 + 3, 2)


def test_a_list_of_expressions():
    frame = pandas.DataFrame({"x": [1, 2]})
    assert sotto.local(frame, ["mean(x)", "sum(x)"]) == {"mean(x)": 1.5, "sum(x)": 3}
    assert sotto.local(frame, ["mean(x)"], where="x > 1") == {"mean(x)": 2}
    for query in (3, None, ["mean(x)", 3]):
        with pytest.raises(PlanError, match="expected an expression, a dict or a list of them"):
            sotto.local(frame, query)


def test_two_datasets():
    data = {"wages": pooled("numbers.csv"), "staff": pooled("staff.csv")}
    found = sotto.local(data, lambda wages, staff: wages.age.mean() / staff.level.mean())
    assert found == pytest.approx(data["wages"].age.mean() / data["staff"].level.mean(), rel=1e-12)
    apart = sotto.local(data, lambda wages, staff: (wages.age - staff.level.mean()).abs().sum())
    assert apart == pytest.approx(
        (data["wages"].age - data["staff"].level.mean()).abs().sum(), rel=1e-12
    )
    assert sotto.local(data, "sum(staff.level)") == data["staff"].level.sum()


class WageAvg(sotto.HorizontalAnalytics):
    def dataset(self):
        return {"wages": sotto.dataset.DataFrame("wages.csv")}

    def execute(self, wages):
        return wages.mean()


def test_debug_runs_a_task_on_a_frame(tmp_path):
    frame = pandas.DataFrame({"wage": [1.0, 2.0, None], "name": ["a", "b", "c"]})
    task = WageAvg("wage_avg").build()
    expected = pandas.Series({"wage": 1.5})
    pandas.testing.assert_series_equal(debug(task, wages=frame), expected)
    pandas.testing.assert_series_equal(debug(WageAvg("wage_avg"), wages=frame), expected)
    path = tmp_path / "staff.csv"
    path.write_text(STAFF[0])
    assert debug(task, wages=path)["wage"] == pytest.approx(9749.54 / 3)
    with pytest.raises(PlanError, match="wages is missing; the task reads no staff"):
        debug(task, staff=frame)


@pytest.mark.parametrize(
    ("data", "query", "words"),
    [
        ({"x": [1]}, "mean(y)", "y"),
        ({"x": [1]}, "x", "aggregate"),
        ({"x": [1]}, "mean(", "column"),
        ({"x": ["a"]}, "mean(x)", "string|text"),
        ("/nowhere.csv", "mean(x)", "nowhere"),
        ({"x": [1, "a"]}, "mean(x)", "can't be read"),
        ({"x": [[1], [2]]}, "mean(x)", "x"),
        (5, "mean(x)", "can't be read"),
        ({"x": [1]}, lambda a, b: a.x.mean(), "dict of their tables"),
        ({"a": "x.csv", "b": pandas.DataFrame()}, "mean(a.x)", "all files or all tables"),
    ],
)
def test_bad_questions_are_named(data, query, words):
    with pytest.raises((PlanError, EngineError), match=words):
        sotto.local(data, query)


def test_rows_stay_where_they_are():
    with pytest.raises(NotAnAggregate):
        sotto.local({"x": [1]}, lambda wages: wages.x)
    with pytest.raises(PlanError, match="where="):
        sotto.local({"x": [1]}, lambda wages: wages.x.mean(), where="x > 1")
    with pytest.raises(PlanError, match="at least 3"):
        sotto.simulate([{"x": [1]}] * 2, "mean(x)")


# --- The library ---


def field_names(body):
    body = re.sub(r"\{[^{}]*\}", "", re.sub(r"/\*.*?\*/", "", body, flags=re.S))
    return re.findall(r"(\w+)(?:\[\w+\])?\)?(?:\([^()]*\))?\s*(?:,[^;]*)?;", body)


def structs(text):
    return dict(re.findall(r"^struct (sotto_\w+) \{(.*?)\}\s*;", text, flags=re.S | re.M))


def test_structures_are_those_of_the_headers():
    root = pathlib.Path(__file__).resolve().parents[2]
    headers = "\n".join(path.read_text() for path in root.glob("*/include/sotto/*.h"))
    ours, theirs = structs(_library.DECLARATIONS), structs(headers)
    assert len(ours) > 5
    for name, body in ours.items():
        assert field_names(body) == field_names(theirs[name]), name


def test_aggregates_are_those_of_the_engine():
    ffi = cffi.FFI()
    ffi.cdef("const char *sotto_statistic_name(size_t index);")
    engine = ffi.dlopen(_library._candidates()[0])
    names = iter(map(engine.sotto_statistic_name, itertools.count()))
    ours = {ffi.string(name).decode() for name in iter(lambda: next(names), ffi.NULL)}
    assert len(ours) > 10
    assert ours == REDUCTIONS


def test_a_library_of_another_version_is_refused(monkeypatch):
    monkeypatch.setattr(_library, "VERSION", (99, 0))
    with pytest.raises(LibraryNotFound, match=r"this package needs 99\.0"):
        _library.Library()


def test_a_library_that_is_not_there_says_what_to_do(monkeypatch):
    for path in ("/nowhere/libsotto.so", "libc.so.6"):
        monkeypatch.setenv("SOTTO_LIBRARY", path)
        with pytest.raises(LibraryNotFound, match="SOTTO_LIBRARY"):
            _library.Library()


# --- Rules ---


def rows(len_=60):
    return {"id": list(range(len_)), "wage": [2000 + 37 * i % 4000 for i in range(len_)]}


REFUSED = [
    ("sum(if(id == 17, wage, na))", "rows"),
    ("dot(wage, id)", "budget"),
    ("sum(exp(wage))", "grammar"),
]


@pytest.mark.parametrize(("query", "rule"), REFUSED)
def test_what_an_owner_would_refuse_is_refused_beforehand(query, rule):
    for run in (
        lambda **more: sotto.local(rows(), query, **more),
        lambda **more: sotto.simulate([rows()] * 3, query, **more),
    ):
        run()
        run(policy="open")
        with pytest.raises(RuleRefused) as caught:
            run(policy="safe")
        assert caught.value.rule == rule


def test_numbers_of_rules_can_be_set():
    sotto.local(rows(12), "mean(wage)", policy="safe")
    with pytest.raises(RuleRefused, match="12 rows here, at least 20"):
        sotto.local(rows(12), "mean(wage)", policy={"min_rows": 20})
    giant = {"pay": [*range(100, 130), 10**9]}
    with pytest.raises(RuleRefused, match="clip"):
        sotto.local(giant, "sum(pay)", policy={"profile": "safe"})
    sotto.local(giant, "sum(pay)", policy={"dominance": 0})


@pytest.mark.parametrize("policy", ["sage", {"profile": "x"}, {"budget": 3}])
def test_a_policy_that_is_none(policy):
    with pytest.raises(PlanError, match="expected safe or open"):
        sotto.local(rows(), "mean(wage)", policy=policy)


def test_the_rules_are_as_many_as_the_headers_have():
    root = pathlib.Path(__file__).resolve().parents[2]
    header = (root / "disclosure/include/sotto/disclosure.h").read_text()
    body = header.split("enum sotto_rule {")[1].split("SOTTO_RULES_LEN")[0]
    assert f"_Bool is_on[{len(re.findall(r'SOTTO_RULE_', body))}];" in _library.DECLARATIONS


def test_a_table_in_memory_has_no_file():
    with pytest.raises(EngineError, match=r'^dataset "d" has no column'):
        sotto.local(pandas.DataFrame({"wage": [1, 2]}), lambda d: d.wgae.mean())
