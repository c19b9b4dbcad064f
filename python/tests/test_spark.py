# SPDX-License-Identifier: Apache-2.0
"""Rows in a Spark DataFrame give what the table gives, however they are partitioned.

Needs Java.
"""

import io
import os
import pathlib
import random
import re
import shutil
import sys
import types

import pandas
import pytest

import sotto
from sotto import parts, spark

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "node/SOURCES.md"
QUERY = {"c": "corr(x, n)", "f": "glm(ill, x, family=binomial)"}


@pytest.fixture(scope="module")
def session():
    from pyspark.sql import SparkSession

    if shutil.which("java") is None:
        sys.path.append(str(GUIDE.parents[1] / "tests/support"))
        from skip import record

        pytest.exit("no Java", returncode=record("python/spark", "Java is not there"))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "4")
    made = builder.config("spark.driver.host", "127.0.0.1").getOrCreate()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def staff():
    rng = random.Random(22)
    rows = [
        (rng.choice("ab"), rng.gauss(50, 9), rng.randrange(50), rng.randrange(2))
        for _ in range(600)
    ]
    return pandas.DataFrame(rows, columns=["dept", "x", "n", "ill"])


def test_partitions_give_what_the_table_gives(session, staff):
    asked = parts.begin(QUERY)
    many = 3
    while not asked.is_over:
        many = many % 3 + 1  # each round has its own
        frame = session.createDataFrame(staff).repartition(many)
        asked = asked.advance(spark.part(frame, asked, snapshot="v1"))
    assert str(asked.result()) == str(sotto.local(staff, QUERY))


def test_partitions_without_rows_have_a_part(session, staff):
    frame = session.createDataFrame(staff).repartition(3)
    first = parts.begin({"s": "sum(n)"})
    for condition in ("x > 1e9", "x > 68"):
        few = frame.where(condition)
        asked = first
        while not asked.is_over:
            asked = asked.advance(spark.part(few, asked, snapshot="v1"))
        whole = sotto.local(staff[staff.x > float(condition[4:])], {"s": "sum(n)"})
        assert str(asked.result()) == str(whole)


def test_the_guide_answers_a_node(session, staff, tmp_path, monkeypatch):
    ask = '{"sotto": "ask", "version": 1}'
    for i in range(2):
        (tmp_path / "wages").mkdir(exist_ok=True)
        staff.iloc[i::2].to_parquet(tmp_path / f"wages/{i}.parquet")
    script = re.search(r"^```python spark\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)[1]
    out = types.SimpleNamespace(buffer=io.BytesIO())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO(ask))
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        exec(script.replace('"wages"', f'"{tmp_path}/wages"'), {})
    made = [parts.answer(ask, staff.iloc[i::2], i + 1, 2, snapshot="v7") for i in range(2)]
    assert out.buffer.getvalue() == parts.merge(made)
