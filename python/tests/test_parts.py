# SPDX-License-Identifier: Apache-2.0
"""Parts of a table, made and merged in any way, give what the table gives."""

import json
import pathlib
import pickle
import random
import re
import struct

import numpy
import pandas
import pytest

import sotto
from sotto import parts
from sotto.errors import EngineError, PlanError

TREE = pathlib.Path(__file__).resolve().parents[2]
QUERIES = [
    {"m": "median(x)", "v": "var(x * n)", "h": "hist(n, 0, 10, 50)"},
    {"f": "glm(ill, x, family=binomial)"},
    {"t": "ttest(x, dept in ('a', 'b'))", "d": "describe(n)"},
]


@pytest.fixture(scope="module")
def staff():
    rng = numpy.random.default_rng(22)
    frame = pandas.DataFrame(
        {
            "dept": rng.choice(["a", "b", "c"], 500),
            "x": rng.normal(50, 9, 500),
            "n": pandas.array(rng.integers(0, 50, 500), dtype="Int64"),
            "ill": rng.integers(0, 2, 500),
        }
    )
    frame.loc[::7, "n"] = pandas.NA
    return frame


def run(asked, frame, rng, **options):
    """Each round in as many parts as it likes, merged as a tree."""
    while not asked.is_over:
        asked = pickle.loads(pickle.dumps(asked))
        many = rng.randint(1, 6)
        made = [
            asked.part(frame.iloc[i::many], i + 1, many, **options)
            for i in rng.sample(range(many), many)
        ]
        while len(made) > 1:
            made = [parts.merge(made[:2]), *made[2:]]
        asked = asked.advance(made[0])
    return asked.result()


def test_a_node_is_answered(staff, tmp_path):
    ask = '{"sotto": "ask", "version": 1}'
    staff.to_csv(tmp_path / "staff.csv", index=False)
    of_table, of_file = (
        parts.answer(ask, rows, snapshot="v1") for rows in (staff, tmp_path / "staff.csv")
    )
    assert of_table[:60] == of_file[:60]  # of rows and snapshot
    two = [parts.answer(ask.encode(), staff.iloc[i::2], i + 1, 2, snapshot="v1") for i in (0, 1)]
    with pytest.raises(EngineError, match="part 1 of 2 again"):
        parts.merge([parts.merge(two), two[0]])
    for text in ("{}", "[]", "x", '{"sotto": "round"}'):
        with pytest.raises(PlanError, match="expected what a node asks"):
            parts.answer(text, staff, snapshot="v1")


def asked_by_a_ledger(rows):
    """What a ledger that knows nothing asks of the column n, with some sketch key."""

    def blob(data):
        return struct.pack("<I", len(data)) + data

    source = (TREE / "dataset/file/catalogue.c").read_text()
    version = int(re.search(r"CATALOGUE_VERSION (\d+)", source)[1])
    column = blob(b"n") + struct.pack("<3BQ", 2, 0, 0, 0)  # int64
    columns = b"SCAT" + struct.pack("<H7QI", version, 0, 0, 0, 0, 0, rows, rows, 1) + column
    key = [random.Random(i).getrandbits(64) | 1 for i in range(4)]
    return struct.pack("<4Q2I", *key, 0, 0) + blob(b"") + blob(columns + bytes(4))


def test_a_node_with_a_ledger_is_answered(staff):
    """What it asks for it is answered, in any tree: sums, and what the ledger has to see."""
    begun = parts.begin({"s": "sum(n)"})
    begun = begun.advance(begun.part(staff, snapshot="v1"))

    def answers(watched):
        ask = {
            "sotto": "ask",
            "version": 1,
            "min_rows": 10,
            "plan": begun.plan,
            "round": begun.text,
        }
        text = json.dumps(ask | watched)
        return [parts.answer(text, staff[i::3], i + 1, 3, snapshot="v1") for i in range(3)]

    watched = asked_by_a_ledger(len(staff))
    one, two, three = answers({"watched": watched.hex()})
    merged = parts.merge([parts.merge([two, one]), three])
    assert merged == parts.merge([one, parts.merge([three, two])])
    plain = parts.merge(answers({}))
    assert 300 < len(merged) - len(plain) < 1200  # a sketch is at most 1 KiB
    with pytest.raises(EngineError, match="expected a part of the same round"):
        parts.merge([plain, one])
    for wrong in (watched[:-1], watched + b"x", bytes(40)):
        with pytest.raises(EngineError, match="expected what a ledger asks of rows"):
            answers({"watched": wrong.hex()})


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("where", [None, "x > 45"])
def test_parts_give_what_the_table_gives(staff, query, where):
    whole = sotto.local(staff, query, where=where)
    found = run(parts.begin(query, where=where), staff, random.Random(1))
    assert str(found) == str(whole)


def test_the_example_of_the_document(staff, capsys):
    text = (TREE / "engine/PARTS.md").read_text()
    example = re.search(r"^```python\n(.*?)^```$", text, re.M | re.S)[1]
    frame = staff.rename(columns={"x": "pay"})
    exec(example, {"tables": [frame[:90], frame[90:]]})
    assert capsys.readouterr().out == f"{sotto.local(frame, {'m': 'median(pay)'})}\n"


def test_files_and_tables_are_parts_alike(staff, tmp_path):
    staff[:200].to_csv(tmp_path / "a.csv", index=False)
    asked = parts.begin({"s": "sum(n)", "c": "count(dept == 'a')"})
    while not asked.is_over:
        made = [asked.part(tmp_path / "a.csv", 1, 2), asked.part({"data": staff[200:]}, 2, 2)]
        asked = asked.advance(parts.merge(made))
    whole = sotto.local(staff, {"s": "sum(n)", "c": "count(dept == 'a')"}, exact=True)
    assert str(asked.result(exact=True)) == str(whole)


def test_what_does_not_go_together(staff):
    asked = parts.begin("mean(x)")
    first, second = (asked.part(staff[i::2], i + 1, 2) for i in range(2))
    with pytest.raises(EngineError, match=r"parts\[1\]: expected each part once, found part 1"):
        parts.merge([first, first])
    with pytest.raises(EngineError, match="expected all 2 parts, found 1: part 1 is missing"):
        asked.advance(second)
    other = parts.begin("var(x)").part(staff, 2, 2)
    with pytest.raises(EngineError, match="expected a part of the same plan"):
        parts.merge([first, other])
    with pytest.raises(EngineError, match="cut short or changed"):
        parts.merge([first[:-1]])
    strict = asked.part(staff, 2, 2, policy={"min_rows": 20})
    with pytest.raises(EngineError, match="the same min_rows"):
        parts.merge([first, strict])
    later = asked.advance(parts.merge([first, second]))
    with pytest.raises(EngineError, match='rows of snapshot "", as in round 0, found "v2"'):
        later.part(staff, snapshot="v2")
    with pytest.raises(EngineError, match="expected 500 rows in all parts, as in round 0, found 9"):
        later.advance(later.part(staff[:9]))
    with pytest.raises(PlanError, match="part 3 of 2"):
        asked.part(staff, 3, 2)
    with pytest.raises(PlanError, match="there are rounds to come"):
        later.result()
    with pytest.raises(PlanError, match="at least one part"):
        parts.merge([])


def test_a_function_of_a_frame(staff):
    asked = parts.begin(lambda staff: staff.x.mean())
    assert asked.advance(asked.part(staff)).plan == asked.plan
    with pytest.raises(PlanError, match="a task on all columns"):
        parts.begin(lambda staff: staff.drop(columns=["x"]).mean())
