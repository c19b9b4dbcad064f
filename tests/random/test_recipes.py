# SPDX-License-Identifier: Apache-2.0
"""A method that uses all that a recipe offers (recipes.c), against the same in Python: doubles where rows are rounded,
fractions where sums are exact. Two centers are moved to the means of the points that are nearest to them, until they
stay; beside them, counts of a linear combination between edges, and products with and without a weight. Split over 1,
3, 7 or 50 parties, some of them empty; with groups, which end in different rounds; with missing and infinite values.

40 tables, or SOTTO_CASES times as many. A failure names its seed: SOTTO_SEED=93 asks that one alone."""

import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from exact import F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from cases import cases  # noqa: E402

ONE_SEED = os.environ.get("SOTTO_SEED")
SEED = int(ONE_SEED or "1")
CASES = 1 if ONE_SEED else cases(40)
ROUNDS = 6
GROUPS = ["a", "b", "c"]


def random_rows(rng):
    doubles = rng.random() < 0.6
    rows_len = rng.choice([1, 2, 5, 30, 200])

    def number():
        if rng.random() < 0.05:
            return ""
        if doubles and rows_len > 2 and rng.random() < 0.01:
            return rng.choice(["inf", "-inf"])
        return f"{rng.choice([-3, 0, 2]) + rng.gauss(0, 1):.16e}" if doubles else f"{rng.gauss(0, 2):.2f}"
    # A column of nothing but "inf" is text: the first row has numbers.
    return [("1.5e0" if doubles and i == 0 else number(), "-0.5e0" if doubles and i == 0 else number(),
             str(rng.choice([-1, 0, 2])), rng.choice(GROUPS[:2])) for i in range(rows_len)]


def is_finite(point):
    return all(map(math.isfinite, point))


def total(values):
    """The exact sum, or the double that infinities make of it."""
    infinite = {value for value in values if isinstance(value, float) and math.isinf(value)}
    if infinite:
        return sum(infinite)
    return sum(map(F, values), F(0))


def mean(values):
    """The double nearest to the exact mean."""
    return share_of(total(values), len(values))


def share_of(found, count):
    return found if isinstance(found, float) else float(found / count)


def product(points, i, j):
    """Exact; NaN where a factor of any row is infinite."""
    return total([F(p[i]) * F(p[j]) for p in points]) if all(is_finite((p[i], p[j])) for p in points) else math.nan


def weighted(rows, i, j):
    """(weight times x_i, rounded) times x_j, rounded, added up exactly: of rows that are finite."""
    return total([weight * point[i] * point[j] for point, weight in rows])


def answer(points):
    """points: as the engine has them, fractions or doubles. Returns: the fields, or None for too few rows."""
    if len(points) < 2:
        return None
    middle = [mean([p[i] for p in points]) for i in (0, 1)]
    centers = [[m - 1 for m in middle], [m + 1 for m in middle]]
    rows = [tuple(map(float, p)) for p in points]
    for _ in range(ROUNDS - 1):
        distances = [[(r[0] - c[0]) * (r[0] - c[0]) + (r[1] - c[1]) * (r[1] - c[1]) for c in centers] for r in rows]
        # A row with a distance that is no number is nowhere.
        nearest = [None if any(map(math.isnan, d)) else int(d[1] < d[0]) for d in distances]
        counts = [nearest.count(k) for k in (0, 1)]
        moved = [[mean([p[i] for p, n in zip(points, nearest) if n == k]) for i in (0, 1)] if counts[k] else centers[k]
                 for k in (0, 1)]
        stays = moved == centers
        centers = moved
        if stays:
            break
    linear = [(r, r[0] * 0.5 + r[1] * -0.25) for r in rows]
    known = [(r, z) for r, z in linear if not math.isnan(z)]
    weights = [(r, 1.0 / (1.0 + z * z)) for r, z in known if is_finite(r)]
    return {"centers": centers, "counts": counts,
            "below": sum(z < -0.1 for _, z in known), "between": sum(-0.1 <= z < 0.3 for _, z in known),
            "above": sum(z >= 0.3 for _, z in known),
            "wxx": weighted(weights, 0, 0), "wxy": weighted(weights, 0, 1), "wyy": weighted(weights, 1, 1),
            "xx": product(points, 0, 0), "xy": product(points, 0, 1), "yy": product(points, 1, 1)}


def flatten(found):
    return [x for item in found for x in flatten(item)] if isinstance(found, list) else [found]


def same(found, expected):
    if isinstance(expected, float) and not math.isfinite(expected):
        special = "NaN" if math.isnan(expected) else "inf" if expected > 0 else "-inf"
        return found.get("special") == special
    return found["value"] is not None and float(found["value"]) == float(expected)


def ask(folder, plan, texts, method="centers"):
    for i, text in enumerate([json.dumps(plan), *texts]):
        (folder / str(i)).write_text(text)
    out = subprocess.run([os.environ["SOTTO_RECIPES"], method, *(folder / str(i) for i in range(len(texts) + 1))],
                         capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(f"{plan}: {out.stderr}")
    return json.loads(out.stdout)["outputs"]["r"]


def check(folder, seed):
    rng = random.Random(seed)
    rows = random_rows(rng)
    is_grouped = rng.random() < 0.5
    parties_len = rng.choice([1, 3, 7, 50])
    parties = [[] for _ in range(parties_len)]
    for row in rows:  # infinite numbers stay beside the first row's
        parties[0 if row is rows[0] or "inf" in row[0] + row[1] else rng.randrange(parties_len)].append(row)
    plan = {"version": 1, "name": "recipes", "type": "analytics", "datasets": {"t": "t.csv"},
            "select": {"r": "ols(x, y, n, intercept=0)"}}
    if is_grouped:
        plan["group_by"] = [{"column": "g", "levels": GROUPS}]
    head = "x,y,n,g\n"
    texts = [head + "".join(",".join(row) + "\n" for row in party) for party in parties]
    results = [ask(folder, plan, [head + "".join(",".join(row) + "\n" for row in rows)]), ask(folder, plan, texts)]
    if results[0] != results[1]:
        raise SystemExit(f"seed {seed}: {results[0]} of all rows, {results[1]} of parties")
    reads = [float if any("e" in row[i] or "inf" in row[i] for row in rows) else F for i in (0, 1)]
    for at, group in enumerate(GROUPS if is_grouped else [None]):
        known = [row for row in rows if row[0] and row[1] and group in (None, row[3])]
        points = [(reads[0](row[0]), reads[1](row[1])) for row in known]
        if float in reads:
            points = [tuple(map(float, point)) for point in points]
        expected = answer(points)
        for level, number in (("a", "-1"), ("b", "2")) if expected else ():
            # What has the level counts, with or without x and y.
            has = [row for row in rows if row[2] == number and group in (None, row[3])]
            expected[f"level_{level}"] = len(has)
            of_level = [point[0] for point, row in zip(points, known) if row[2] == number]
            expected[f"mean_{level}"] = share_of(total(of_level), len(has)) if has else 0.0
        status = results[0].get("status", "ok")
        status = status[at] if isinstance(status, list) else status
        if status != ("too few rows" if expected is None else "ok"):
            raise SystemExit(f"seed {seed}, {group}: {status}, expected {expected}")
        for name, values in (expected or {}).items():
            field = results[0]["fields"][name]
            found = field["values"] if "values" in field else field
            found = found[at] if is_grouped else found
            for one, wanted in zip(flatten(found), flatten(values), strict=True):
                if not same(one, wanted):
                    raise SystemExit(f"seed {seed}, {group}: {name} is {found}, expected {values}: {points}")


def nearest_root(square):
    """The double nearest to the root: the one whose square is nearest, looked for around a first guess."""
    guess = math.sqrt(square)
    around = [guess, math.nextafter(guess, 0), math.nextafter(guess, math.inf)]
    return min(around, key=lambda x: abs(F(x) ** 2 - square))


def check_trimmed(folder, seed):
    """The example of engine/README.md: a weighted mean of what is near the mean."""
    rng = random.Random(seed)
    rows = [(rng.randint(-9, 9) * 10 ** rng.randint(0, 2), rng.randint(1, 4)) for _ in range(rng.randint(2, 90))]
    parties = [[] for _ in range(rng.choice([1, 3, 7]))]
    for row in rows:
        parties[rng.randrange(len(parties))].append(row)
    plan = {"version": 1, "name": "trimmed", "type": "analytics", "datasets": {"t": "t.csv"},
            "select": {"r": "ols(x, w)"}}
    texts = ["x,w\n" + "".join(f"{x},{w}\n" for x, w in party) for party in parties]
    found = ask(folder, plan, texts, "trimmed")["fields"]["mean"]
    weight = sum(w for _, w in rows)
    middle = F(sum(x * w for x, w in rows), weight)
    variance = F(sum(x * x * w for x, w in rows), weight) - middle ** 2
    spread = nearest_root(variance)
    low, high = float(middle) - 2 * spread, float(middle) + 2 * spread
    kept = [(x, w) for x, w in rows if low <= x < high]
    expected = float(F(sum(x * w for x, w in kept), sum(w for _, w in kept))) if kept else math.nan
    if not same(found, expected):
        raise SystemExit(f"seed {seed}: {found}, expected {expected}: {rows}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(SEED, SEED + CASES):
            check(pathlib.Path(folder), seed)
            check_trimmed(pathlib.Path(folder), seed)
    print(f"{CASES} tables")


if __name__ == "__main__":
    main()
