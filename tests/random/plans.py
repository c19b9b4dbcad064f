# SPDX-License-Identifier: Apache-2.0
"""Random plans over random tables: JSON for the engine, and the answers that engine/PLAN.md promises."""

import json
import math
import re

import aggregates
import exact
import rows
import tables
from exact import NAN, F, nearest

CATEGORIES = ["options and ddof", "two keys", "bins", "inner aggregates", "booleans", "infinities", "wide integers",
              "missing values"]


class Expected(Exception):
    """The plan has to be refused, for this reason."""


class Context:
    """The rows over which aggregates within rows are."""

    def __init__(self, own):
        self.own = own
        self.found = {}

    def inner(self, aggregate):
        if id(aggregate) not in self.found:
            value = aggregate.of(self.own, self)
            if isinstance(value, exact.Sum):
                value = value.value
            # What PLAN.md leaves open makes all that leans on it open.
            if value is exact.UNKNOWN:
                raise rows.Open
            self.found[id(aggregate)] = nearest(value)
        return self.found[id(aggregate)]


class Key:
    """A key of group_by: groups of values of a column."""

    def __init__(self, column, table, other, levels=None, bins=None):
        self.column, self.other, self.levels, self.bins = column, other, levels, bins
        self.is_float = table.kinds[column] == "float"
        self.len = (len(levels) if levels else len(bins) - 1) + other

    def json(self):
        part = {"levels": self.levels} if self.levels else {"bins": self.bins}
        return {"column": self.column, **part, **({"other": True} if self.other else {})}

    def at(self, value):
        """Which group a value is in; None: in no group, as no level names it."""
        if self.bins:
            at = aggregates.bin_of(value, [F(edge) for edge in self.bins], self.is_float)
        else:
            levels = [level if isinstance(level, bool) or isinstance(value, str) else F(level)
                      for level in self.levels]
            at = levels.index(value) if value in levels else None
        return self.len - 1 if at is None and self.other else at


def random_key(rng, table, taken, notes):
    column = rng.choice([name for name in "skqbidfwee" if name not in taken])
    other = rng.random() < 0.85
    if column == "s":
        return Key(column, table, other, levels=rng.sample(tables.TEXTS, rng.randint(1, 4)))
    if column == "b":
        return Key(column, table, False, levels=[True, False])
    if column in "kqe" and rng.random() < 0.5:
        levels = rng.sample([0, 1, 2, 3, 4] if column in "ke" else ["0.1", "0.25", "0.3", "0.7", 1], rng.randint(1, 5))
        return Key(column, table, other, levels=levels)
    notes.add("bins")
    return Key(column, table, other, bins=random_edges(rng, column))


def random_edges(rng, column, many=False):
    pool = {"w": ["-9223372036854775808", "-1000000", "0", "0.5", "9223372036854775800", "9223372036854775807"],
            "d": ["-1000", "-1", "-0.05", "0", "0.1", "10.25", "1000"]}.get(
                column, ["-10", "-0.3", "0", "0.1", "0.25", "0.3", "0.7", "1", "7", "10"])
    edges = rng.sample(pool, rng.randint(2, min(5, len(pool))))
    if many and rng.random() < 0.5:  # so many are looked up, not compared one by one
        edges += [str(eighth / 8 - 5) for eighth in rng.sample(range(80), rng.randint(7, 30))]
    edges = sorted({F(edge): edge for edge in edges}.values(), key=F)
    return [int(edge) if re.fullmatch(r"-?\d{1,9}", edge) and rng.random() < 0.5 else edge for edge in edges]


class Plan:
    """json; categories; answers(): by output the values of all groups, or rows.Open. Raises Expected."""

    def __init__(self, rng, table):
        self.table = table
        self.notes = set()
        self.where = rows.random_condition(rng, table, 2) if rng.random() < 0.25 else None
        self.keys = []
        for _ in range(rng.choice([0, 0, 1, 2, 2])):
            self.keys.append(random_key(rng, table, [key.column for key in self.keys], self.notes))
        self.inner_len = 0
        self.outputs = {f"o{i}": self.checked_output(rng) for i in range(rng.randint(2, 4))}
        self.json = {"version": 1, "name": "random", "type": "analytics", "datasets": {"t": "t.csv"},
                     "select": {name: output.text for name, output in self.outputs.items()},
                     "strategy": {"min_clients": len(table.parties), "max_clients": len(table.parties)}}
        if self.where:
            self.json["where"] = self.where.text
        if self.keys:
            self.json["group_by"] = [key.json() for key in self.keys]
        self.categories = self.find_categories()
        for output in self.outputs.values():
            output.is_rounded = self.leans_on_rounded(output)

    def checked_output(self, rng):
        """NaN that inner aggregates make are counted too: only outputs without them are checked."""
        before = self.inner_len
        output = self.random_output(rng)
        output.made = output.made if self.inner_len == before else None
        return output

    def random_output(self, rng):
        table = self.table

        def inners():
            self.notes.add("inner aggregates")
            self.inner_len += 1
            if rng.random() < 0.2:
                return aggregates.random_arithmetic(rng, table, None, self.notes)
            deeper = (lambda: aggregates.random_scalar(rng, table, 0, None, self.notes)) if rng.random() < 0.2 else None
            return aggregates.random_scalar(rng, table, 1 if deeper else 0, deeper, self.notes)
        kind = rng.randint(0, 11)
        if kind <= 4:
            return aggregates.random_scalar(rng, table, rng.randint(0, 3), inners if rng.random() < 0.7 else None,
                                            self.notes)
        if kind <= 6:
            return aggregates.random_arithmetic(rng, table, inners if rng.random() < 0.3 else None, self.notes)
        if kind == 7:
            self.notes.add("bins")
            x = rows.random_number(rng, table, rng.randint(0, 1))
            return aggregates.hist(x, list(map(str, random_edges(rng, x.text, many=True))))
        if kind == 8:
            return self.random_counts(rng)
        if kind == 9:
            return self.random_ols(rng)
        return self.random_frame(rng)

    def random_counts(self, rng):
        column = rng.choice("skqiwdfb")
        if column == "s" and self.table.kinds["s"] == "text":
            return aggregates.value_counts(rows.column("s", self.table), rng.sample(tables.TEXTS, 2))
        column = "k" if column in "sb" else column
        levels = rng.sample(["0", "1", "0.1", "0.25", "0.3", "7", "9223372036854775807", "-1"], 3)
        return aggregates.value_counts(rows.column(column, self.table), levels)

    def random_ols(self, rng):
        names = rng.sample("iwdfkq", rng.randint(2, 3))
        y, *xs = (rows.column(name, self.table) for name in names)
        has_constant = rng.random() < 0.7
        self.notes |= set() if has_constant else {"ddof"}
        return aggregates.ols(y, xs, has_constant)

    def random_frame(self, rng):
        function = rng.choice(["sum", "mean", "count", "var", "std", "cov", "corr"])
        ddof = rng.choice([None, 0, 2]) if function in ("var", "std", "cov") else None
        self.notes |= {"ddof"} if ddof is not None else set()
        make = aggregates.square if function in ("cov", "corr") else aggregates.series
        if rng.random() < 0.3:
            columns = [rows.random_number(rng, self.table, rng.randint(0, 1)) for _ in range(rng.randint(1, 3))]
            return make(function, [column.text for column in columns], columns,
                        f"[{', '.join(column.text for column in columns)}]", ddof)
        self.notes.add("*")
        names = [name for name in self.table.header if self.table.kinds[name] != "text"]
        columns = [rows.column(name, self.table) for name in names]
        return make(function, names, columns, "t.*", ddof)

    def leans_on_rounded(self, output):
        """None: what it leans on may be rounded, in where, a key or one column of many."""
        rounded = self.table.rounded
        if re.fullmatch(r"(sum|mean|var|std)\([iwdfkqe]\)", output.text):
            if output.text[-2] in rounded:
                return True
        asked = json.dumps(self.json)
        names = set(re.findall(r"\b[iwdfkqe]\b", asked)) | (set("iwdfkqe") if "t.*" in asked else set())
        return None if names & rounded else False

    def find_categories(self):
        texts = [*(output.text for output in self.outputs.values()), self.where.text if self.where else "",
                 *(key.column for key in self.keys)]
        used = set(re.findall(r"\b[iwdfkqebs]\b", " ".join(re.sub(r'"[^"]*"', "", text) for text in texts)))
        used |= set("iwdfkqeb") if "*" in self.notes else set()
        values = {name: [row[name] for row in self.table.rows] for name in used}
        found = {"ddof": "options and ddof", "bins": "bins", "inner aggregates": "inner aggregates"}
        categories = {found[note] for note in self.notes if note in found}
        categories |= {"two keys"} if len(self.keys) == 2 else set()
        categories |= {"booleans"} if any(isinstance(x, bool) for x in values.get("b", [])) else set()
        floats = [x for name in used for x in values[name] if isinstance(x, float)]
        categories |= {"infinities"} if any(map(math.isinf, floats)) else set()
        wide = [x for x in values.get("w", []) if isinstance(x, F) and abs(x.numerator) > 2 ** 53]
        categories |= {"wide integers"} if wide else set()
        categories |= {"missing values"} if any(None in column for column in values.values()) else set()
        return categories

    # --- What is promised ---

    def groups(self):
        """The rows of each group, those that take part."""
        context = Context([])
        taken = [row for row in self.table.rows if not self.where or self.where.of(row, context) is True]
        len_ = math.prod(key.len for key in self.keys)
        groups = [[] for _ in range(len_)]
        for row in taken:
            if any(row[key.column] is None for key in self.keys):
                continue
            places = [key.at(row[key.column]) for key in self.keys]
            if None in places:
                continue
            at = 0
            for key, place in zip(self.keys, places):
                at = at * key.len + place
            groups[at].append(row)
        return groups

    def answers(self):
        """By output a list of (value, NaN made or None), one for each group; rows.Open where PLAN.md leaves it open."""
        try:
            groups = self.groups()
        except rows.Open:
            return dict.fromkeys(self.outputs, rows.Open)
        found = {}
        for name, output in self.outputs.items():
            try:
                found[name] = [self.answer(output, group) for group in groups]
            except rows.Open:
                found[name] = rows.Open
        return found

    def answer(self, output, group):
        context = Context(group)
        try:
            value = output.of(group, context)
        except aggregates.Collinear:
            if not self.keys:
                raise Expected("collinear") from None
            k = len(output.labels[0])
            value = {"coefficients": [NAN] * k, "standard_errors": [NAN] * k, "r2": NAN}
        return value, output.made(group, context) if output.made else None


def random_plan(rng):
    return Plan(rng, tables.random_table(rng))
