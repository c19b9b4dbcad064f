# SPDX-License-Identifier: Apache-2.0
"""Aggregates and arithmetic on them: their texts, and what engine/PLAN.md says they are over some rows."""

import math
import random

import exact
import rows
from exact import INF, NAN, UNKNOWN, F, Root, nearest

MOMENTS = ["var", "std", "sem"]
ONE = ["count", "sum", "sum", "mean", "mean", *MOMENTS, *MOMENTS, "skew", "kurt", "any", "all",
       "median", "median"]


class Aggregate:
    """of(rows, context): a value; a list for a series, a list of lists for a square frame, a dict for a regression.
    labels: of a series or frame, or None. shown: how the value is printed; made(rows, context): how many NaN were made,
    where the result says so."""

    def __init__(self, text, of, shown="number", labels=None, made=None):
        self.text, self.of, self.shown, self.labels, self.made = text, of, shown, labels, made


# --- Of one argument ---

def powers(values, ns):
    mean = sum(values, F(0)) / len(values)
    return [sum(((x - mean) ** n for x in values), F(0)) for n in ns]


def _summed(values):
    infinite = {x for x in values if isinstance(x, float) and math.isinf(x)}
    return sum(infinite) if infinite else sum(map(F, values), F(0))


def of_values(function, values, ddof=1):
    n = len(values)
    if function == "count":
        return F(n)
    if function == "median":
        ordered = sorted(values)
        return exact.divide(_summed([ordered[(n - 1) // 2], ordered[n // 2]]), F(2)) if n else NAN
    if function in ("any", "all"):
        return F(any(values) if function == "any" else all(values))
    if function in ("sum", "mean"):
        total = _summed(values)
        return total if function == "sum" else exact.divide(total, F(n))
    if n <= {"skew": 2, "kurt": 3}.get(function, ddof) or any(x in (INF, -INF) for x in values):
        return NAN
    values = [F(x) for x in values]
    if function == "skew":
        m2, m3 = powers(values, (2, 3))
        if m2 == 0:
            return F(0)
        return Root(m3 * abs(m3) * F(n * (n - 1), (n - 2) ** 2) * n / m2 ** 3)
    if function == "kurt":
        m2, m4 = powers(values, (2, 4))
        if m2 == 0:
            return F(0)
        return F(n * (n + 1) * (n - 1), (n - 2) * (n - 3)) * m4 / m2 ** 2 - F(3 * (n - 1) ** 2, (n - 2) * (n - 3))
    variance = powers(values, (2,))[0] / (n - ddof)
    return variance if function == "var" else Root(variance / (n if function == "sem" else 1))


def values_of(x, rows_, context):
    found = [x.of(row, context) for row in rows_]
    return [rows.number(value) for value in found if rows.present(value)]


def one(function, x, ddof=None):
    option = "" if ddof is None else f", ddof={ddof}"
    shown = {"count": "integer", "any": "boolean", "all": "boolean"}.get(function, "number")

    def of(rows_, context):
        return of_values(function, values_of(x, rows_, context), 1 if ddof is None else ddof)

    def made(rows_, context):
        return sum(x.of(row, context) is rows.MADE for row in rows_)
    return Aggregate(f"{function}({x.text}{option})", of, shown, made=made)


# --- Of two ---

def pairs_of(x, y, rows_, context):
    found = [(x.of(row, context), y.of(row, context)) for row in rows_]
    found = [(rows.number(a), rows.number(b)) for a, b in found if rows.present(a) and rows.present(b)]
    if "float" in (x.kind, y.kind):
        found = [(nearest(a), nearest(b)) for a, b in found]
    return found


def of_pairs(function, pairs, ddof=1):
    n = len(pairs)
    if any(value in (INF, -INF) for pair in pairs for value in pair):
        return NAN
    pairs = [(F(a), F(b)) for a, b in pairs]
    if function == "dot":
        return sum((a * b for a, b in pairs), F(0))
    if n == 0 or function == "cov" and n <= ddof:
        return NAN
    mean_a, mean_b = (sum((pair[i] for pair in pairs), F(0)) / n for i in (0, 1))
    product = sum(((a - mean_a) * (b - mean_b) for a, b in pairs), F(0))
    if function == "cov":
        return product / (n - ddof)
    squares = powers([a for a, _ in pairs], (2,))[0] * powers([b for _, b in pairs], (2,))[0]
    return Root(product * abs(product) / squares) if squares else NAN


def two(function, x, y, ddof=None):
    option = "" if ddof is None else f", ddof={ddof}"
    return Aggregate(f"{function}({x.text}, {y.text}{option})",
                     lambda rows_, context: of_pairs(function, pairs_of(x, y, rows_, context),
                                                     1 if ddof is None else ddof))


# --- Of frames ---

def series(function, names, columns, text, ddof=None):
    option = "" if ddof is None else f", ddof={ddof}"
    each = [one(function, column, ddof) for column in columns]
    return Aggregate(f"{function}({text}{option})", lambda rows_, context: [x.of(rows_, context) for x in each],
                     each[0].shown, labels=[names])


def square(function, names, columns, text, ddof=None):
    option = "" if ddof is None else f", ddof={ddof}"
    each = [[two(function, x, y, ddof) for y in columns] for x in columns]
    return Aggregate(f"{function}({text}{option})",
                     lambda rows_, context: [[x.of(rows_, context) for x in line] for line in each],
                     labels=[names, names])


# --- Counts ---

def bin_of(value, edges, is_float):
    """The number of the bin that a value is in, the last one with both its edges, or None. A double is compared with
    the doubles nearest to the edges."""
    edges = [nearest(edge) for edge in edges] if is_float else edges
    for i in range(len(edges) - 1):
        is_last = i == len(edges) - 2
        if edges[i] <= value and (value < edges[i + 1] or is_last and value == edges[i + 1]):
            return i
    return None


def hist(x, edges):
    def of(rows_, context):
        counts = [F(0)] * (len(edges) - 1)
        for value in values_of(x, rows_, context):
            at = bin_of(value, [F(edge) for edge in edges], x.kind == "float")
            if at is not None:
                counts[at] += 1
        return counts
    return Aggregate(f"hist({x.text}, {', '.join(edges)})", of, "integer", labels=[None])


def value_counts(x, levels):
    def of(rows_, context):
        values = [value for value in (x.of(row, context) for row in rows_) if rows.present(value)]
        if x.kind == "text":
            return [F(values.count(level)) for level in levels]
        numbers = [nearest(F(level)) if x.kind == "float" else F(level) for level in levels]
        return [F(sum(rows.number(value) == level for value in values)) for level in numbers]
    shown = [f'"{level}"' if x.kind == "text" else level for level in levels]
    return Aggregate(f"value_counts({x.text}, {', '.join(shown)})", of, "integer", labels=[None])


# --- Regression ---

class Collinear(Exception):
    pass


def _solved(matrix):
    """The inverse of a symmetric matrix. Raises Collinear."""
    k = len(matrix)
    left = [[*line, *(F(int(i == j)) for j in range(k))] for i, line in enumerate(matrix)]
    for i in range(k):
        pivot = next((j for j in range(i, k) if left[j][i]), None)
        if pivot is None:
            raise Collinear
        left[i], left[pivot] = left[pivot], left[i]
        left[i] = [value / left[i][i] for value in left[i]]
        for j in range(k):
            if j != i and left[j][i]:
                left[j] = [a - left[j][i] * b for a, b in zip(left[j], left[i])]
    return [line[k:] for line in left]


def ols(y, xs, has_constant=True):
    names = [*(["const"] if has_constant else []), *(x.text for x in xs)]
    is_float = "float" in (y.kind, *(x.kind for x in xs))

    def of(rows_, context):
        found = [[rows.number(each.of(row, context)) for each in (y, *xs)] for row in rows_]
        found = [line for line in found if all(map(rows.present, line))]
        if is_float:
            found = [[nearest(value) for value in line] for line in found]
        n, k = len(found), len(names)
        if n < k or any(value in (INF, -INF) for line in found for value in line):
            return {"coefficients": [NAN] * k, "standard_errors": [NAN] * k, "r2": NAN, "count": F(n)}
        found = [[F(value) for value in line] for line in found]
        xs_, ys = [[F(1)] * has_constant + line[1:] for line in found], [line[0] for line in found]
        inverse = _solved([[sum(a[i] * a[j] for a in xs_) for j in range(k)] for i in range(k)])
        moments = [sum(a[i] * b for a, b in zip(xs_, ys)) for i in range(k)]
        beta = [sum(a * b for a, b in zip(line, moments)) for line in inverse]
        rest = sum((b - sum(x * c for x, c in zip(a, beta))) ** 2 for a, b in zip(xs_, ys))
        total = powers(ys, (2,))[0] if has_constant else sum(b * b for b in ys)
        errors = [Root(inverse[i][i] * rest / (n - k)) if n > k else NAN for i in range(k)]
        return {"coefficients": beta, "standard_errors": errors, "r2": 1 - rest / total if total else UNKNOWN,
                "count": F(n)}
    option = "" if has_constant else ", intercept=0"
    return Aggregate(f"ols({y.text}, {', '.join(x.text for x in xs)}{option})", of, labels=[names])


# --- Random ones ---

OPERATIONS = {"+": exact.add, "-": exact.subtract, "*": exact.multiply, "/": exact.divide}


def combined(sign, a, b):
    return Aggregate(f"({a.text} {sign} {b.text})",
                     lambda rows_, context: OPERATIONS[sign](a.of(rows_, context), b.of(rows_, context)))


def constant(text):
    return Aggregate(text, lambda rows_, context: F(text))


def random_scalar(rng: random.Random, table, depth, inners=None, notes=None):
    """An aggregate of one value. notes takes what it has."""
    notes = set() if notes is None else notes
    x = rows.random_number(rng, table, depth, inners)
    function = rng.choice([*ONE, "cov", "cov", "corr", "dot"])
    ddof = rng.choice([None, 0, 1, 2, 3]) if function in (*MOMENTS, "cov") else None
    notes |= {"ddof"} if ddof is not None else set()
    if function == "any" and rng.random() < 0.5:
        x = rows.random_condition(rng, table, depth, inners)
    if function in ("cov", "corr", "dot"):
        return two(function, x, rows.random_number(rng, table, 1), ddof)
    return one(function, x, ddof)


def random_arithmetic(rng, table, inners=None, notes=None):
    a = random_scalar(rng, table, 1, inners, notes)
    kind = rng.randint(0, 5)
    if kind <= 2:
        b = random_scalar(rng, table, 1, None, notes) if rng.random() < 0.7 else constant(rng.choice(["2", "0.1", "3"]))
        return combined(rng.choice("+-*/"), a, b)
    if kind == 3:
        n = rng.randint(-2, 3)
        return Aggregate(f"({a.text} ** {n})", lambda rows_, context: exact.power(a.of(rows_, context), n))
    name, operation = rng.choice([("abs", exact.absolute), ("sqrt", exact.root)])
    return Aggregate(f"{name}({a.text})", lambda rows_, context: operation(a.of(rows_, context)))


