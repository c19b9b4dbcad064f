# SPDX-License-Identifier: Apache-2.0
"""Random tables, split over parties, as texts of CSV files and as the values that dataset/README.md gives these."""

import math
import re

from exact import F

NUMBERS = "iwdfkqe"
HEADER = [*NUMBERS, "b", "s"]
TEXTS = ["x", "y", "a,b", "z"]
BOOLEANS = ["true", "False", "TRUE", "false"]


class Table:
    """parties: rows by party, as dicts of texts; headers: each party's order of columns; header: that of the whole;
    rows: values of all parties; kinds: "exact", "float", "bool", "text" or "null", by column; rounded: the columns whose
    numbers had to be."""


def _decimal(rng, most_digits, scale):
    digits = str(rng.randint(0, 10 ** rng.randint(1, most_digits) - 1)).rjust(scale + 1, "0")
    return rng.choice(["", "-"]) + (digits[:-scale] + "." + digits[-scale:] if scale else digits)


def _wide(rng, mode):
    if mode == "beyond":
        return rng.choice(["", "-"]) + str(rng.choice([2 ** 63, 2 ** 64 + 1, 10 ** 25, 7]))
    if mode == "decimal":
        return _decimal(rng, 17, rng.choice([2, 3, 6]))
    return str(rng.choice([2 ** 63 - 1, -2 ** 63, 2 ** 63 - rng.randint(1, 99), -2 ** 62 - 1, rng.randint(-9, 9)]))


def _double(rng, mode):
    if mode == "inf" and rng.random() < 0.2:
        return rng.choice(["inf", "-inf", "Infinity", "-INF", "1e999"])
    if mode == "plain" or rng.random() < 0.3:
        return rng.choice(["1e0", "-2.5e0", "0.1e0", "3e-1", "0.7e0", "-0e0", "1e1"])
    if rng.random() < 0.2:
        return rng.choice(["5e-324", "-2.3e-310", "1.7976931348623157e308", "-1e308", "1e-160", "3e150"])
    return repr(rng.uniform(-9, 9)) + "e" + str(rng.randint(-20, 20))


def _cell(rng, name, modes):
    if name == "i":
        return str(rng.choice([0, 1, -1, 7, 10 ** 6, rng.randint(-99, 99)]))
    if name == "w":
        return _wide(rng, modes["w"])
    if name == "d":
        return _decimal(rng, 6, modes["d"])
    if name == "f":
        return _double(rng, modes["f"])
    if name == "k":
        return str(rng.randint(0, 4))
    if name == "q":
        return rng.choice(["0.1", "0.25", "0.3", "0.30", "0.7", "1"])
    if name == "e":
        return str(rng.randint(-3, 3))
    return rng.choice(BOOLEANS if name == "b" else TEXTS)


def random_table(rng):
    table = Table()
    missing = rng.choice([0, 0.1, 0.1, 0.3])
    empty = {name for name in HEADER if rng.random() < (0.6 if name == "e" else 0.02)}
    wide = rng.choice(["mixed", "mixed", "int", "beyond"])
    double = rng.choice(["inf", "inf", "finite", "plain"])
    is_shuffled = rng.random() < 0.3
    table.parties, table.headers = [], []
    for _ in range(rng.randint(3, 6)):
        modes = {"w": rng.choice(["int", "decimal"]) if wide == "mixed" else wide, "d": rng.randint(0, 5), "f": double}
        table.parties.append([
            {name: "" if name in empty or rng.random() < missing else _cell(rng, name, modes) for name in HEADER}
            for _ in range(rng.choice([0, 1, 1, 2, 3, 5, rng.randint(0, 16)]))])
        table.headers.append(rng.sample(HEADER, len(HEADER)) if is_shuffled else HEADER)
    texts = [row for party in table.parties for row in party]
    table.kinds = {name: _kind(name, [row[name] for row in texts if row[name]]) for name in HEADER}
    table.rows = [{name: _value(text, table.kinds[name]) for name, text in row.items()} for row in texts]
    table.header = _canonical(table)
    table.rounded = {name for name in NUMBERS if table.kinds[name] == "float"
                     and any(row[name] and _is_rounded(row[name]) for row in texts)}
    return table


def _canonical(table):
    """The order that "*" has: the files' where all have it, else that of the names."""
    orders = [[name for name in header if table.kinds[name] != "text"] for header in table.headers]
    return table.headers[0] if all(order == orders[0] for order in orders) else sorted(HEADER)


def _is_float(text):
    if re.fullmatch(r"[+-]?\d+(\.\d+)?", text) is None:
        return True
    digits, _, fraction = text.partition(".")
    return len(fraction) > 18 or not -2 ** 63 <= int(digits + fraction) < 2 ** 63


def _is_rounded(text):
    """Whether a number is no double, or has more digits than one is sure to keep."""
    if not re.match(r"[+-]?[\d.]", text):
        return False
    digits = re.sub(r"[eE].*|[-+.]", "", text).strip("0")
    return not math.isfinite(float(text)) or F(text) != F(float(text)) or len(digits) > 15


def _kind(name, texts):
    if not texts:
        return "null"
    if name in "bs":
        return "bool" if name == "b" else "text"
    return "float" if any(map(_is_float, texts)) else "exact"


def _value(text, kind):
    if text == "":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "text":
        return text
    return float(text) + 0.0 if kind == "float" else F(text)


def csv_text(header, rows):
    lines = [",".join(f'"{row[name]}"' if "," in row[name] else row[name] or "NA" * (i % 2) for name in header)
             for i, row in enumerate(rows)]
    return "\n".join([",".join(header), *lines]) + "\n"
