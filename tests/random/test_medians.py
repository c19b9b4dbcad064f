# SPDX-License-Identifier: Apache-2.0
"""Medians of values that are hard to sort: ties, integers at both ends of 64 bits, decimals of another scale at each
party, doubles of 17 digits, subnormals and infinities; by group and where; split over 1, 3, 7 or 50 parties, some of
them empty or with a single row. All splits give the same bytes, and Python's sorted() the same values.

15 tables, or SOTTO_CASES times as many. A failure names its seed: SOTTO_SEED=93 asks that one alone."""

import math
import os
import pathlib
import random
import struct
import sys

from exact import F

import engine

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from cases import cases  # noqa: E402

ONE_SEED = os.environ.get("SOTTO_SEED")
SEED = int(ONE_SEED or "1")
CASES = 1 if ONE_SEED else cases(15)
GROUPS = ["a", "b", "c", "d"]


def random_integer(rng):
    kind = rng.randint(0, 3)
    if kind == 0:
        return str(rng.randint(-3, 3))
    if kind == 1:
        return str(rng.choice([-1, 1]) * (2 ** 63 - rng.randint(1, 4)))
    return str(rng.randint(-2 ** 63, 2 ** 63 - 1) >> rng.randint(0, 62))


def random_decimal(rng, digits):
    return f"{rng.randint(-10 ** 6, 10 ** 6)}.{rng.randint(0, 10 ** digits - 1):0{digits}d}"


def random_double(rng):
    kind = rng.randint(0, 5)
    if kind == 0:
        return rng.choice(["inf", "-inf", "0e0", "-0e0", "1e0", "5e-324", "-5e-324", "2.2250738585072014e-308"])
    if kind == 1:
        return f"{rng.choice([-1, 1]) * rng.randint(1, 9) * 5e-324:e}"
    if kind == 2:
        bits = rng.getrandbits(64)
        number = struct.unpack("d", struct.pack("Q", bits))[0]
        return f"{number:.16e}" if math.isfinite(number) else "1e300"
    return f"{rng.gauss(0, 1):.16e}"


def random_parties(rng):
    """Rows (x, y, g) as texts, by party."""
    kind = rng.choice(["integer", "decimal", "double"])
    rows_len = rng.choice([1, 2, 3, 40, 41, 90])
    parties_len = 50 if rng.random() < 0.02 else rng.choice([1, 3, 3, 7, 7])
    parties = [[] for _ in range(parties_len)]
    digits = [rng.randint(1, 9) for _ in parties]
    for _ in range(rows_len):
        at = rng.randrange(parties_len) if rng.random() < 0.7 else 0
        x = {"integer": random_integer, "double": random_double}.get(
            kind, lambda r: random_decimal(r, digits[at]))(rng)  # noqa: B023
        x = "" if rng.random() < 0.1 else x
        parties[at].append((x, str(rng.randint(-5, 5)), rng.choice(GROUPS[:3])))
    return parties


INTERPOLATIONS = ["linear", "lower", "higher", "nearest", "midpoint"]


def quantile(values, share, interpolation):
    """As pandas, exactly; a share of an infinite value is infinite, of two different ones no number."""
    values = sorted(values)
    if not values:
        return math.nan
    place = share * (len(values) - 1)
    below = place.numerator // place.denominator
    rest = place - below
    low, high = values[below], values[below + (rest > 0)]
    if low == high:
        rest = F(0)
    rest = {"linear": rest, "lower": F(0), "higher": F(rest > 0), "midpoint": F(rest > 0) / 2,
            "nearest": F(rest > F(1, 2) or (rest == F(1, 2) and below % 2 == 1))}[interpolation]
    parts = [(one, part) for one, part in ((low, 1 - rest), (high, rest)) if part]
    if math.inf in (abs(one) for one, _ in parts):
        return sum(float(one) for one, _ in parts)
    return sum(F(one) * part for one, part in parts)


def median(values):
    return quantile(values, F(1, 2), "linear")


def same(found, expected):
    """Whether what the result says is the expected fraction, rounded once."""
    if isinstance(expected, float):
        special = "NaN" if math.isnan(expected) else "inf" if expected > 0 else "-inf"
        return found["value"] is None and found["special"] == special
    return found["value"] == float(expected) and F(found.get("exact", expected)) == expected


def check(asker, seed):
    rng = random.Random(seed)
    parties = random_parties(rng)
    rows = [row for party in parties for row in party]
    limit = rng.choice([None, None, -2, 5, 6])
    shares = [rng.choice(["0", "1", "0.5", "0.25", "0.9", f"{rng.random():.6f}"]) for _ in range(3)]
    interpolation = rng.choice(INTERPOLATIONS)
    exact = rng.choice(["", ", exact=1"])  # guarded by nobody, both are the same
    select = {"m": f"median(x{exact})", "y": "median(y)", "d": "mean(abs(y - median(y)))", "b": "median(y > 0)",
              "q": f"quantile(x, {shares[0]}, interpolation={interpolation}{exact})",
              "s": f"quantile(x, {shares[1]}, {shares[2]}, interpolation='{interpolation}')"}
    plan = {"version": 1, "name": "medians", "type": "analytics", "datasets": {"t": "t.csv"}, "select": select,
            "strategy": {"min_clients": max(3, len(parties)), "max_clients": max(3, len(parties))}}
    is_grouped = rng.random() < 0.5
    if is_grouped:
        plan["group_by"] = [{"column": "g", "levels": GROUPS}]
    if limit is not None:
        plan["where"] = f"y < {limit}"
    texts = ["x,y,g\n" + "".join(",".join(row) + "\n" for row in party) for party in parties]
    whole = "x,y,g\n" + "".join(",".join(row) + "\n" for row in rows)
    results = [asker.ask(plan, [whole])["outputs"], asker.ask(plan, texts, seed)["outputs"]]
    if results[0] != results[1]:
        raise SystemExit(f"seed {seed}: {results[0]} of all rows, {results[1]} of parties: {parties}")
    chosen = [row for row in rows if limit is None or int(row[1]) < limit]
    # A column in which anybody has a number in the notation of doubles holds doubles.
    read = float if any("e" in row[0] or "inf" in row[0] for row in rows) else F
    for i, group in enumerate(GROUPS if is_grouped else [None]):
        of = [row for row in chosen if group in (None, row[2])]
        ys = [int(row[1]) for row in of]
        middle = median(map(F, ys))
        expected = {"m": median(read(row[0]) for row in of if row[0]), "y": middle, "b": median(F(y > 0) for y in ys)}
        if ys:
            expected["d"] = sum(abs(y - middle) for y in ys) / F(len(ys))
        xs = [read(row[0]) for row in of if row[0]]
        expected["q"] = quantile(xs, F(shares[0]), interpolation)
        expected["s"] = [quantile(xs, F(share), interpolation) for share in shares[1:]]
        for name, value in expected.items():
            found = results[0][name]["values"] if name == "s" or is_grouped else results[0][name]
            found = found[i] if is_grouped else found
            pairs = zip(found, value, strict=True) if name == "s" else [(found, value)]
            if not all(same(one, wanted) for one, wanted in pairs):
                raise SystemExit(f"seed {seed}: {select[name]} of {group}: {found}, expected {value}: {of}")


def main():
    asker = engine.Engine(os.environ["SOTTO_ASK"])
    for seed in range(SEED, SEED + CASES):
        check(asker, seed)
    if asker.close() != 0:
        raise SystemExit("the engine did not end as it should")
    print(f"{CASES} tables")


if __name__ == "__main__":
    main()
