# SPDX-License-Identifier: Apache-2.0
"""Random edges and levels of any size, up to 1e400, over columns and parties of mixed types: hist, comparisons,
value_counts and the groups of bins say the same, and it is what Python's fractions say, which know no widths. Where a
column is read as float64 the numbers of the plan are the doubles nearest to them.

200 questions, or SOTTO_CASES times as many. A failure names its seed: SOTTO_SEED=93 asks that one alone."""

import math
import os
import pathlib
import random
import re
import sys

from exact import F

import engine

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from cases import cases  # noqa: E402

ONE_SEED = os.environ.get("SOTTO_SEED")
SEED = int(ONE_SEED or "1")
CASES = 1 if ONE_SEED else cases(200)
INTEGERS = ["0", "1", "-1", "2", "7", "-9223372036854775808", "9223372036854775807", "10", "-3"]
DECIMALS = ["0.5", "-0.5", "1.50", "0.000000000000000001", "-9.223372036854775808", "2.5", "-1.25", "0.1", "10.0"]
DOUBLES = ["1e0", "-1e-1", "5e-324", "-1.5e308", "1e308", "inf", "-inf", "1e22", "0e0", "3e-1", "2.5e0"]


def nearest(number):
    """The double nearest to a fraction, which may be infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def random_number(rng):
    """A literal, perhaps with a minus."""
    sign = rng.choice(["", "", "-"])
    kind = rng.randint(0, 4)
    if kind == 0:
        return rng.choice([*INTEGERS, *DECIMALS])
    if kind == 1:
        return sign + str(rng.randint(0, 2 ** rng.randint(1, 70)))
    if kind == 2:
        return sign + f"{rng.randint(0, 99)}.{rng.randint(0, 10 ** 6)}"
    digits = rng.choice(["1", "9", "1.5", "17976931348623157", "4.9", "0.1", "0"])
    return sign + digits + "e" + str(rng.choice([400, 308, 309, 324, 22, 18, 19, 5, 1]) * rng.choice([-1, 1]))


def random_edges(rng):
    """Literals that ascend, exactly and as doubles."""
    found = {}
    for text in (random_number(rng) for _ in range(rng.randint(2, 8))):
        found.setdefault(nearest(F(text)), text)
    return sorted(found.values(), key=F)


def random_parties(rng):
    kinds = rng.choice([[INTEGERS], [INTEGERS, DECIMALS], [DECIMALS], [INTEGERS, DOUBLES], [DECIMALS, DOUBLES],
                        [INTEGERS, DECIMALS, DOUBLES], [DOUBLES]])
    return [[rng.choice(kind) if rng.random() < 0.9 else "" for _ in range(rng.randint(0, 9))]
            for kind in rng.choices(kinds, k=rng.randint(3, 5))]


def read_values(parties):
    """Fractions, or doubles if somebody has one, and how a number of the plan stands beside them."""
    texts = [text for party in parties for text in party if text]
    if any(re.search("[ef]", text) for text in texts):
        return [float(text) for text in texts], lambda text: nearest(F(text))
    return [F(text) for text in texts], F


def count_bins(values, edges):
    bins = [sum(low <= value < high for value in values) for low, high in zip(edges, edges[1:])]
    bins[-1] += sum(value == edges[-1] for value in values)
    return bins


def read_numbers(output):
    return [int(value["value"]) for value in output["values"]] if "values" in output else int(output["value"])


def make_plan(select, **more):
    return {"version": 1, "name": "edges", "type": "analytics", "datasets": {"t": "t.csv"}, "select": select,
            "strategy": {"min_clients": 3, "max_clients": 9}, **more}


def check_case(ask, seed):
    rng = random.Random(seed)
    parties = random_parties(rng)
    values, read = read_values(parties)
    edges = random_edges(rng)
    while len(edges) < 2:
        edges = random_edges(rng)
    limit = rng.choice([*edges, random_number(rng)])
    texts = ["".join(f"{line}\n" for line in ["x,y", *(f"{text},1" for text in party)]) for party in parties]
    expected = {"h": count_bins(values, list(map(read, edges))),
                "l": sum(value < read(limit) for value in values),
                "g": sum(read(limit) >= value for value in values),
                "e": sum(value == read(limit) for value in values),
                "u": sum(value != read(limit) for value in values) + sum(not text for party in parties for text in party),
                "i": sum(any(value == read(edge) for edge in edges) for value in values),
                "v": [sum(value == read(edge) for value in values) for edge in edges]}
    listed = ", ".join(edges)
    select = {"h": f"hist(x, {listed})", "l": f"sum(x < {limit})", "g": f"sum({limit} >= x)", "e": f"sum(x == {limit})",
              "u": f"sum({limit} != x)", "i": f"sum(x in ({listed}))", "v": f"value_counts(x, {listed})"}
    groups = {"group_by": [{"column": "x", "bins": edges, "other": True}]}
    for split in (texts, ["".join([texts[0], *(text.split("\n", 1)[1] for text in texts[1:])])]):
        result = ask(make_plan(select), split)
        found = {name: read_numbers(output) for name, output in result["outputs"].items()}
        if found != expected:
            raise SystemExit(f"seed {seed}: {select} of {parties}: {found}, expected {expected}")
        grouped = read_numbers(ask(make_plan({"c": "count(y)"}, **groups), split)["outputs"]["c"])
        if grouped[:-1] != expected["h"]:
            raise SystemExit(f"seed {seed}: bins {edges} of {parties}: {grouped}, expected {expected['h']}")


def main(path):
    asked = engine.Engine(path)
    for seed in range(SEED, SEED + CASES):
        check_case(asked.ask, seed)
    if asked.close() != 0:
        raise SystemExit("the engine did not end well")
    print(f"{CASES} questions")


if __name__ == "__main__":
    main(os.environ["SOTTO_ASK"])
