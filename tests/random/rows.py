# SPDX-License-Identifier: Apache-2.0
"""Row-wise expressions: their text, and what engine/PLAN.md says they are in a row. Exact values are fractions, doubles
are Python's, rounded at each operation; None is missing, MADE a NaN that was made from values that are present."""

import math

from exact import INF, F, nearest

MADE = object()
NUMBER_COLUMNS = "iwdfkqeb"


class Open(Exception):
    """What PLAN.md does not say to the last bit: it only has to be the same for all splits."""


class Row:
    """text; kind: "exact", "float", "bool", "text" or "null"; of(row, context): the value. A context has what inner
    aggregates are: context.inner(aggregate)."""

    def __init__(self, text, kind, of):
        self.text, self.kind, self.of = text, kind, of


def join(*kinds):
    if "float" in kinds:
        return "float"
    return "null" if set(kinds) == {"null"} else "exact"


def number(value):
    return F(value) if isinstance(value, bool) else value


def present(value):
    return value is not None and value is not MADE


def _made(value):
    return MADE if isinstance(value, float) and math.isnan(value) else value


def _lift(kind, operation, *operands):
    """Missing where an operand is; of doubles where the kind says so."""
    def of(row, context):
        values = [operand.of(row, context) for operand in operands]
        if any(value is None for value in values):
            return None
        if any(value is MADE for value in values):
            return MADE
        values = [number(value) for value in values]
        if kind == "float":
            values = [nearest(value) for value in values]
        return _made(operation(*values))
    return of


def divide(x, y):
    if y == 0:
        return math.nan if x == 0 or math.isnan(x) else math.copysign(INF, x) * math.copysign(1, y)
    return x / y


def numpy_divmod(x, y):
    """numpy's // and % of doubles."""
    if y == 0:
        return divide(x, y), math.nan
    if math.isinf(x):
        return math.nan, math.nan
    mod = math.fmod(x, y)
    div = (x - mod) / y
    if mod:
        if (y < 0) != (mod < 0):
            mod += y
            div -= 1
    else:
        mod = math.copysign(0, y)
    if not div:
        return math.copysign(0, divide(x, y)), mod
    floor = float(math.floor(div)) if math.isfinite(div) else div
    return floor + (1 if div - floor > 0.5 else 0), mod


def to_whole(operation):
    def of(x):
        if isinstance(x, F):
            return F(operation(x))
        return math.copysign(float(abs(operation(x))), x) if math.isfinite(x) else x
    return of


def floor_double(operation):
    def of(x):
        if isinstance(x, F):
            return F(operation(x))
        if not math.isfinite(x):
            return x
        whole = float(operation(x))
        return whole if whole else math.copysign(0, x)
    return of


def round_to(digits):
    def of(x):
        if isinstance(x, F):
            return F(round(x, digits))
        power = float(10 ** abs(digits))
        scaled = x * power if digits >= 0 else x / power
        if not math.isfinite(scaled):
            return x
        whole = math.copysign(float(abs(round(scaled))), scaled)
        return whole / power if digits >= 0 else whole * power
    return of


def _power(n):
    def of(x):
        result = F(1) if isinstance(x, F) else 1.0
        square = x
        rest = n
        while rest:
            if rest % 2:
                result = result * square
            rest //= 2
            square = square * square if rest else square
        return result
    return of


def column(name, table):
    return Row(name, table.kinds[name], lambda row, context: row[name])


def literal(text):
    value = F(text)
    return Row(text, "exact", lambda row, context: value)


def inner(aggregate):
    """An aggregate within rows: the double nearest to it, of the row's group."""
    def of(row, context):
        value = context.inner(aggregate)
        return MADE if math.isnan(value) else value
    return Row(f"({aggregate.text})", "float", of)


def random_literal(rng):
    if rng.random() < 0.02:
        return literal(rng.choice(["1e-330", "1e-30", "1e30", "9e100"]))
    return literal(rng.choice(["0", "1", "2", "0.5", "10", "0.1", "3.25", "100000000000000000000", "0.3"]))


def random_number(rng, table, depth, inners=None):
    """inners: makes an inner aggregate, or None."""
    if depth <= 0 or rng.random() < 0.15:
        return column(rng.choice("iiwwdddffffkqeb"), table)
    x = random_number(rng, table, depth - 1, inners)
    if rng.random() < 0.03:
        return _elementary(rng, x)
    kind = rng.randint(0, 13)
    if kind <= 4:
        y = random_number(rng, table, depth - 1)
        if inners is not None and rng.random() < 0.8:
            y = inner(inners())
        elif rng.random() < 0.3:
            y = random_literal(rng)
        joined = join(x.kind, y.kind)
        sign = rng.choice("+-*")
        operation = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}[sign]
        return Row(f"({x.text} {sign} {y.text})", joined, _lift(joined, operation, x, y))
    if kind == 5:
        y = rng.choice([random_number(rng, table, 0), random_literal(rng)])
        return Row(f"({x.text} / {y.text})", "float", _lift("float", divide, x, y))
    if kind == 6:
        y = rng.choice([random_number(rng, table, 0), random_literal(rng)])
        joined = join(x.kind, y.kind)
        sign = rng.choice(["//", "%"])
        return Row(f"({x.text} {sign} {y.text})", joined, _lift(joined, _division(sign), x, y))
    if kind == 7:
        name = rng.choice(["abs", "-", "sqrt", "float"])
        joined = "float" if name in ("sqrt", "float") else join(x.kind)
        operation = {"abs": abs, "-": lambda a: -a, "float": lambda a: a,
                     "sqrt": lambda a: math.nan if a < 0 else math.sqrt(a)}[name]
        text = f"(-{x.text})" if name == "-" else f"{name}({x.text})"
        return Row(text, joined, _lift(joined, operation, x))
    if kind == 8:
        n = rng.randint(0, 4)
        joined = "exact" if n == 0 else join(x.kind)
        return Row(f"({x.text} ** {n})", joined, _lift(joined, _power(n) if n else lambda value: F(1), x))
    if kind == 9:
        name, operation = rng.choice([("floor", floor_double(math.floor)), ("ceil", floor_double(math.ceil)),
                                      ("round", to_whole(round))])
        return Row(f"{name}({x.text})", join(x.kind), _lift(join(x.kind), operation, x))
    if kind == 10:
        digits = rng.randint(-3, 4)
        return Row(f"round({x.text}, {digits})", join(x.kind), _lift(join(x.kind), round_to(digits), x))
    if kind == 11:
        return _fillna(x, random_literal(rng))
    if kind == 12:
        return _row_function(rng, table)
    return _choice(random_condition(rng, table, depth - 1, inners), x,
                   rng.choice([random_number(rng, table, 0), None]))


def _elementary(rng, x):
    """exp, log and pow are right within one unit in the last place."""
    def of(row, context):
        raise Open
    name = rng.choice(["exp", "log", "pow"])
    return Row(f"{name}({x.text}{', 0.5' if name == 'pow' else ''})", "float", of)


def _division(sign):
    def of(x, y):
        if isinstance(x, float):
            return numpy_divmod(x, y)[sign == "%"]
        if y == 0:
            return math.nan
        return F(x // y) if sign == "//" else x % y
    return of


def _fillna(x, value):
    joined = join(x.kind, value.kind)

    def of(row, context):
        found = number(x.of(row, context))
        found = found if present(found) else value.of(row, context)
        return nearest(found) if joined == "float" else found
    return Row(f"fillna({x.text}, {value.text})", joined, of)


def _choice(condition, x, y):
    joined = join(x.kind, y.kind if y else "null")

    def of(row, context):
        chosen = condition.of(row, context)
        branch = None if chosen is None else x if chosen else y
        found = number(branch.of(row, context)) if branch else None
        return nearest(found) if joined == "float" and present(found) else found
    return Row(f"if({condition.text}, {x.text}, {y.text if y else 'na'})", joined, of)


def _row_function(rng, table):
    names = rng.sample("iwdfkqeb", 3)
    names = names if rng.random() < 0.3 else [name for name in names if table.kinds[name] != "float"] or ["i"]
    function = rng.choice(["row_sum", "row_count", "row_any", "row_all", "row_mean"])
    ddof = rng.choice([None, 0, 1, 2])
    if rng.random() < 0.3:
        function = rng.choice(["row_var", "row_std", "row_sem"])
    kind = join(*(table.kinds[name] for name in names))
    kind = "float" if function == "row_sum" and kind == "float" else "exact"

    def of(row, context):
        values = [number(row[name]) for name in names if row[name] is not None]
        if function == "row_count":
            return F(len(values))
        if function in ("row_any", "row_all"):
            return F(any(values) if function == "row_any" else all(values))
        # Sums of doubles in a row, and what is divided, have roundings of their own. A decimal beside a float column
        # is a double, also where the float is missing.
        if function != "row_sum" or (kind == "float" and len(values) > 1):
            raise Open
        if kind == "float":
            return nearest(values[0]) if values else 0.0
        return sum(values, F(0))
    option = f", ddof={ddof}" if ddof is not None and function in ("row_var", "row_std", "row_sem") else ""
    kind = "float" if function in ("row_mean", "row_var", "row_std", "row_sem") else kind
    return Row(f"{function}([{', '.join(names)}]{option})", kind, of)


def _compared(sign, x, y):
    operation = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
                 ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b}[sign]
    kind = join(x.kind, y.kind)

    def of(row, context):
        a, b = number(x.of(row, context)), number(y.of(row, context))
        if not (present(a) and present(b)):
            return sign == "!="
        if isinstance(a, str):
            return operation(a, b)
        return operation(nearest(a), nearest(b)) if kind == "float" else operation(a, b)
    return Row(f"({x.text} {sign} {y.text})", "bool", of)


def _text(value):
    return Row(f'"{value}"', "text", lambda row, context: value)


def random_condition(rng, table, depth, inners=None):
    kind = rng.randint(0, 9)
    if kind == 0 and table.kinds["s"] == "text":
        return _compared(rng.choice(["==", "!="]), column("s", table), _text(rng.choice(["x", "a,b"])))
    if kind == 1:
        return column("b", table)
    if kind == 2:
        x = random_number(rng, table, min(depth, 1))
        return Row(f"isna({x.text})", "bool", lambda row, context: not present(x.of(row, context)))
    if kind == 3:
        x = column(rng.choice("kqid"), table)
        levels = [literal(text) for text in rng.sample(["0", "1", "2", "0.25", "0.3"], 2)]
        any_of = [_compared("==", x, level) for level in levels]
        return Row(f"({x.text} in ({', '.join(level.text for level in levels)}))", "bool",
                   lambda row, context: any(each.of(row, context) for each in any_of))
    if kind <= 5 and depth > 0:
        x, y = random_condition(rng, table, depth - 1, inners), random_condition(rng, table, depth - 1)
        return _logic(rng.choice(["and", "or", "not"]), x, y)
    x = random_number(rng, table, min(depth, 1), inners)
    y = random_number(rng, table, 0) if rng.random() < 0.5 else random_literal(rng)
    return _compared(rng.choice(["<", "<=", ">", ">=", "==", "!="]), x, y)


def _logic(word, x, y):
    if word == "not":
        def negation(row, context):
            value = x.of(row, context)
            return None if value is None else not value
        return Row(f"(not {x.text})", "bool", negation)

    def of(row, context):
        values = x.of(row, context), y.of(row, context)
        decisive = word == "or"
        if any(value is decisive for value in values):
            return decisive
        return None if None in values else not decisive
    return Row(f"({x.text} {word} {y.text})", "bool", of)
