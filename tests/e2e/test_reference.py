# SPDX-License-Identifier: Apache-2.0
"""Random tables, questions and splits: `simulate` over the pieces and `local` over the whole print the same bits, and
they are what exact arithmetic in Python says. Fractions for rationals, exact comparisons for roots."""

import fractions
import json
import math
import os
import pathlib
import random
import tempfile
import unittest

import support

F = fractions.Fraction
SEED = 2 if "SOTTO_CPU" in os.environ else 1  # other questions at the lower SIMD levels
CASES = support.cases(40)


# --- Tables: texts by party, and the values that they have under the agreed types ---

def number_text(rng, kind):
    if kind == "int":
        return str(rng.choice([0, 1, -1, 7, 10, -250, 10 ** 6, 2 ** 62, rng.randint(-99, 99)]))
    if kind == "decimal":
        scale = rng.randint(1, 4)
        digits = str(rng.randint(0, 10 ** rng.randint(1, 8))).rjust(scale + 1, "0")
        return rng.choice(["", "-"]) + digits[:-scale] + "." + digits[-scale:]
    mantissa = rng.choice(["0.1", "1", "3.25", "7.7", str(rng.random())])
    return rng.choice(["", "-"]) + mantissa + "e" + str(rng.choice([0, 0, 1, -3, 12, -20]))


def random_table(rng, parties):
    """Rows by party, as dicts of texts ("" is missing), and each column's agreed kind."""
    columns = {"i": ["int"], "d": ["int", "decimal"], "f": ["int", "decimal", "float"], "g": ["float"], "b": ["bool"],
               "s": ["text"]}
    rows = []
    for _ in range(parties):
        count = rng.choice([0, 1, 1, 2, 5, rng.randint(0, 30)])
        kinds = {name: rng.choice(options) for name, options in columns.items()}
        rows.append([{name: cell(rng, kind) for name, kind in kinds.items()} for _ in range(count)])
    return rows


def cell(rng, kind):
    if rng.random() < 0.12:
        return ""
    if kind == "bool":
        return rng.choice(["True", "false"])
    return rng.choice(["x", "y", "a,b"]) if kind == "text" else number_text(rng, kind)


def read(rows):
    """Values: Fraction, float, bool, str or None, by the types that all rows agree on; "floats" has the names of the
    columns of doubles."""
    floats = {name for name in "idfg" if any("e" in row[name] for row in rows)}
    table = []
    for row in rows:
        values = {"floats": floats}
        for name, text in row.items():
            if text == "":
                values[name] = None
            elif name in "bs":
                values[name] = text if name == "s" else text.lower() == "true"
            else:
                values[name] = float(text) if name in floats else F(text)
        table.append(values)
    return table


# --- Expressions on rows: text, a function of a row, the columns in it. With a double all are doubles ---

def both(a, b):
    if a is None or b is None:
        return None
    if isinstance(a, float) or isinstance(b, float):
        return float(a), float(b)
    return F(a), F(b)


def lifted(operation):
    def apply(a, b):
        pair = both(a, b)
        value = None if pair is None else operation(*pair)
        return None if isinstance(value, float) and math.isnan(value) else value
    return apply


def compared(operation, of_missing=False):
    def apply(a, b):
        pair = both(a, b)
        return of_missing if pair is None else operation(*pair)
    return apply


def finite(a):
    return lifted(lambda x, y: x)(a, a)


ARITHMETIC = {"+": lifted(lambda x, y: x + y), "-": lifted(lambda x, y: x - y), "*": lifted(lambda x, y: x * y)}
COMPARISONS = {"<": compared(lambda x, y: x < y), ">=": compared(lambda x, y: x >= y),
               "==": compared(lambda x, y: x == y), "!=": compared(lambda x, y: x != y, True)}


def random_rows(rng, depth):
    kind = rng.randint(0, 9) if depth > 0 else 0
    if kind <= 2:
        name = rng.choice("iddffgb")
        return name, lambda row: row[name], {name}
    x, of_x, names = random_rows(rng, depth - 1)
    if kind == 3:
        return f"abs({x})", lambda row: None if of_x(row) is None else abs(F(of_x(row)) if isinstance(of_x(row), bool)
                                                                           else of_x(row)), names
    if kind == 4:
        literal = rng.choice(["2", "0.5", "10", "0.1"])
        return f"({x} * {literal})", lambda row: ARITHMETIC["*"](of_x(row), F(literal)), names
    if kind == 5:
        literal = rng.choice(["0", "1.5"])
        return f"fillna({x}, {literal})", lambda row: (
            of_x(row) if of_x(row) is not None
            else float(F(literal)) if names & row["floats"] else F(literal)), names
    y, of_y, more = random_rows(rng, depth - 1)
    if kind == 6:
        sign = rng.choice(list(COMPARISONS))
        z, of_z, of_names = random_rows(rng, 0)
        return f"if({x} {sign} {y}, {z}, na)", lambda row: (
            of_z(row) if COMPARISONS[sign](of_x(row), of_y(row)) else None), of_names
    sign = rng.choice("+-*")
    return f"({x} {sign} {y})", lambda row: ARITHMETIC[sign](of_x(row), of_y(row)), names | more


# --- Aggregates: exact values, and roots by their squares ---

class Root:
    """The signed square root of a rational."""

    def __init__(self, square):
        self.square = square


def nearest(value):
    """The double nearest to an exact value, ties to even, as repr."""
    if isinstance(value, F):
        try:
            return value.numerator / value.denominator
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    square = abs(value.square)
    digits = 2 ** (2 * max(0, 60 - (square.numerator.bit_length() - square.denominator.bit_length()) // 2))
    guess = F(math.isqrt(square.numerator * digits // square.denominator), math.isqrt(digits))
    low = guess.numerator / guess.denominator
    while F(low) ** 2 > square:
        low = math.nextafter(low, 0)
    while F(math.nextafter(low, math.inf)) ** 2 <= square:
        low = math.nextafter(low, math.inf)
    high = math.nextafter(low, math.inf)
    order = 4 * square - (F(low) + F(high)) ** 2
    even = low if int(math.frexp(low)[0] * 2 ** 53) % 2 == 0 else high
    found = even if order == 0 else high if order > 0 else low
    return math.copysign(found, value.square)


def deviations(xs, ys):
    return sum(x * y for x, y in zip(xs, ys)) - sum(xs) * sum(ys) / len(xs)


def aggregate(function, xs, ys):
    """None stands for NaN."""
    n = F(len(xs))
    if function == "count":
        return n
    if function == "sum":
        return sum(xs, F(0))
    if function == "mean":
        return sum(xs) / n if n else None
    if function == "dot":
        return sum((x * y for x, y in zip(xs, ys)), F(0))
    if n < 2:
        return None
    m2 = deviations(xs, xs)
    if function == "var":
        return m2 / (n - 1)
    if function in ("std", "sem"):
        return Root(m2 / (n - 1) / (n if function == "sem" else 1))
    if function == "cov":
        return deviations(xs, ys) / (n - 1)
    product = m2 * deviations(ys, ys)
    covariance = deviations(xs, ys)
    return Root(covariance * abs(covariance) / product) if product else None


def of_rows(function, of_x, of_y, table):
    pairs = [(of_x(row), of_y(row) if of_y else of_x(row)) for row in table]
    if function == "count":
        return F(sum(x is not None for x, _ in pairs))
    pairs = [pair for pair in pairs if None not in pair]
    if of_y and any(isinstance(value, float) for pair in pairs for value in pair):
        pairs = [(float(x), float(y)) for x, y in pairs]
    if any(isinstance(value, float) and math.isinf(value) for pair in pairs for value in pair):
        return "infinite"
    return aggregate(function, [F(x) for x, _ in pairs], [F(y) for _, y in pairs])


def random_question(rng):
    function = rng.choice(["count", "sum", "mean", "var", "std", "sem", "dot", "cov", "corr"])
    x, of_x, _ = random_rows(rng, 3)
    if function not in ("dot", "cov", "corr"):
        return f"{function}({x})", lambda table: of_rows(function, of_x, None, table)
    y, of_y, _ = random_rows(rng, 1)
    return f"{function}({x}, {y})", lambda table: of_rows(function, of_x, of_y, table)


class Reference(unittest.TestCase):
    def check_value(self, found, expected, text):
        if expected == "infinite":
            return
        if expected is None:
            self.assertEqual((found["value"], found["special"]), (None, "NaN"), text)
            return
        rounded = nearest(expected)
        if math.isinf(rounded):
            self.assertEqual(found["special"], "inf" if rounded > 0 else "-inf", text)
        else:
            self.assertEqual(float(found["value"]), rounded + 0.0, text)
        if isinstance(expected, F) and "exact" in found:
            self.assertEqual(F(found["exact"]), expected, text)

    def run_both(self, rng, folder, rows, arguments):
        header = list("idfgbs")
        files = []
        for i, part in enumerate(rows + [[row for part in rows for row in part]]):
            file = pathlib.Path(folder) / (f"{i}.csv" if i < len(rows) else "all.csv")
            lines = [",".join(header)]
            for row in part:
                cells = (f'"{row[name]}"' if "," in row[name] else row[name] for name in header)
                lines.append(",".join(cells))
            file.write_text("\n".join(lines) + "\n")
            files.append(str(file))
        threads = {"OMP_NUM_THREADS": str(rng.randint(1, 4))}
        federated = support.run("simulate", "--json", *files[:-1], *arguments, env=threads, check=False)
        pooled = support.run("local", "--json", "--data", files[-1], *arguments, env=threads, check=False)
        return federated, pooled

    def one(self, seed):
        rng = random.Random(seed)
        rows = random_table(rng, rng.choice([3, 3, 4, 7, rng.randint(3, 50)]))
        questions = {f"q{i}": random_question(rng) for i in range(4)}
        condition, of_condition, _ = random_rows(rng, 1)
        selects = rng.random() < 0.3
        groups = rng.random() < 0.3
        arguments = (["--where", f"{condition} > 0.5"] if selects else []) + (
            ["--by", 's in ("x", "a,b", other)'] if groups else []) + [
                "--", *(f"{name}={text}" for name, (text, _) in questions.items())]
        with tempfile.TemporaryDirectory() as folder:
            federated, pooled = self.run_both(rng, folder, rows, arguments)
        if federated.returncode == 1 and "1024 bits" in federated.stderr:
            return
        self.assertEqual((federated.returncode, pooled.returncode), (0, 0), federated.stderr + pooled.stderr)
        outputs = json.loads(federated.stdout)["outputs"]
        self.assertEqual(outputs, json.loads(pooled.stdout)["outputs"])
        table = read([row for part in rows for row in part])
        if selects:
            table = [row for row in table if COMPARISONS["<"](F(1, 2), of_condition(row))]
        for name, (text, of_table) in questions.items():
            if not groups:
                self.check_value(outputs[name], of_table(table), f"seed {seed}: {text}")
                continue
            for i, levels in enumerate([{"x"}, {"a,b"}, {"y"}]):
                of_group = [row for row in table if row["s"] in levels]
                self.check_value(outputs[name]["values"][i], of_table(of_group), f"seed {seed}: {text}")

    def test_random_questions(self):
        for seed in range(SEED * 100000, SEED * 100000 + CASES):
            with self.subTest(seed=seed):
                self.one(seed)


if __name__ == "__main__":
    unittest.main()
