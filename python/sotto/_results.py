# SPDX-License-Identifier: Apache-2.0
"""From a result as JSON (engine/PLAN.md, "Results") to pandas objects."""

from __future__ import annotations

import datetime
import html
import json
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import pandas

from ._fit import Fit, LevelsModel, Model, short
from .errors import SottoWarning

# A name, and its last part in brackets (_plan.py).
_PART = re.compile(r'(.*?)\[([^]["]*|"(?:[^"\\]|\\.)*")\]\Z', re.DOTALL)
_OF_TUPLE = re.compile(r"result \d+\Z")
_SPECIAL = {"NaN": math.nan, "inf": math.inf, "-inf": -math.inf, "withheld": math.nan}

Number = Callable[[Mapping[str, Any]], Any]


_STATISTICS = ("smd", "r", "t", "f", "chi2", "odds_ratio", "proportion", "variance")
_SCIPY = {"p": "pvalue", "expected": "expected_freq"}
# What an interval is of.
_ESTIMATES = ("smd", "r", "difference", "mean", "proportion", "variance")


class Test:
    """What sotto.stats gives: statistic, pvalue, df or dof and the rest by their names.

    It unpacks as in scipy: statistic, pvalue = result. status says why there is no answer, or is
    None.
    """

    def __init__(self, fields: Mapping[str, Any], status: str | None) -> None:
        self.status = status
        self._fields = dict(fields)
        for name, value in fields.items():
            setattr(self, _SCIPY.get(name, name), value)
        self.statistic = next(fields[name] for name in _STATISTICS if name in fields)
        if "chi2" in fields:
            self.dof = fields["df"]

    def confidence_interval(self) -> tuple[Any, Any]:
        """The bounds, of the level that was asked for."""
        if "low" not in self._fields:
            raise AttributeError("this test has no interval")
        return self._fields["low"], self._fields["high"]

    def __iter__(self) -> Iterator[Any]:
        yield self.statistic
        yield self._fields.get("p", math.nan)

    def plot(self, ax: Any = None) -> Any:
        """What was estimated, with its interval: the matplotlib.axes.Axes that it is drawn on."""
        from . import plot

        low, high = self.confidence_interval()
        name = next(name for name in _ESTIMATES if name in self._fields)
        return plot.interval(self._fields[name], low, high, name, ax)

    def __repr__(self) -> str:
        return _text_of(self._fields, self.status)

    def _repr_html_(self) -> str:
        return _html_of(self._fields, self.status)


class Missing:
    """What missing_patterns() gives: patterns and missing, Series of counts, and rows."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.patterns = fields["patterns"]
        self.missing = fields["missing"]
        self.rows = fields["rows"]
        self._fields = dict(fields)

    def __repr__(self) -> str:
        return _text_of(self._fields, None)

    def _repr_html_(self) -> str:
        return _html_of(self._fields, None)


def _parted(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Single values, and series and tables, by the names that scipy gives them."""
    named = {_SCIPY.get(name, name): value for name, value in fields.items()}
    tables = {
        name: value
        for name, value in named.items()
        if isinstance(value, pandas.Series | pandas.DataFrame)
    }
    return {name: value for name, value in named.items() if name not in tables}, tables


def _text_of(fields: Mapping[str, Any], status: str | None) -> str:
    single, tables = _parted(fields)
    width = max(map(len, single))
    lines = [f"{name:{width}}  {short(value)}" for name, value in single.items()]
    lines += [f"status: {status}"] if status else []
    return "\n".join(lines + [f"\n{name}\n{value}" for name, value in tables.items()])


def _html_of(fields: Mapping[str, Any], status: str | None) -> str:
    single, tables = _parted(fields)
    column = pandas.DataFrame({"": [short(value) for value in single.values()]}, index=list(single))
    parts = [column.to_html(header=False)]
    parts += [f"<p>{html.escape(status)}</p>"] if status else []
    for name, value in tables.items():
        table = value.to_frame("") if isinstance(value, pandas.Series) else value
        rendered = table.to_html(
            header=isinstance(value, pandas.DataFrame), float_format="{:.6g}".format
        )
        parts.append(f"<p>{html.escape(name)}</p>{rendered}")
    return "".join(parts)


def _modes(fields: Mapping[str, Any], status: str | None) -> pandas.Series:
    if status is not None:
        _say(f"mode: {status}")
    marked = fields["is_mode"]
    return pandas.Series([label for label, is_one in marked.items() if is_one == 1], dtype=object)


def _of_fields(fields: Mapping[str, Any], output: Mapping[str, Any]) -> Any:
    options, status = output.get("options", {}), output.get("status")
    if isinstance(fields.get("coefficients"), pandas.DataFrame):
        return LevelsModel(fields, options, output["reference"], status)
    if "deviance" in fields:
        return Model(fields, options, status)
    if "coefficients" in fields:
        return Fit(fields, options, status)
    if "row_totals" in fields:
        return fields["counts"]
    if "is_mode" in fields:
        return _modes(fields, status)
    if "nunique" in fields:
        return fields["nunique"]
    if "patterns" in fields:
        return Missing(fields)
    return Test(fields, status)


def from_json(result: Mapping[str, Any], exact: bool = False) -> Any:
    """What execute() returned, as pandas: float, int or bool, Series or DataFrame, tuple or dict.

    exact: fractions.Fraction instead of float wherever the result has one.
    A guarded quantile that is not known is the pandas.Interval that holds it, closed at both ends.
    Warns (SottoWarning) of parties that are not in it, of values that were converted, of groups
    that parties withheld, and of what else the result says to people.
    """
    _warn(result)
    number = _exact if exact else _plain
    index = _group_index(result["groups"]) if "groups" in result else None
    outputs = _put_together(
        {name: _output(output, number, index) for name, output in result["outputs"].items()},
        index is not None,
    )
    if list(outputs) == ["result"]:
        return outputs["result"]
    if all(_OF_TUPLE.match(name) for name in outputs):
        return tuple(outputs.values())
    return outputs


def _put_together(
    values: Mapping[str, Any], grouped: bool, are_summaries: bool = False
) -> dict[str, Any]:
    """Outputs by their names, those of several parts as one, in the place of its first part."""
    outputs: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        part = _PART.match(name)
        if part is None:
            outputs[name] = value
            continue
        outputs.setdefault(part[1], None)
        label = json.loads(part[2]) if part[2].startswith('"') else part[2]
        parts.setdefault(part[1], {})[label] = value
    for name, values in parts.items():
        outputs[name] = _beside(values) if are_summaries else _summary(values, grouped)
    again = any(map(_PART.match, outputs))
    return _put_together(outputs, grouped, are_summaries=True) if again else outputs


def _warn(result: Mapping[str, Any]) -> None:
    parties = result.get("parties", {})
    joined, survived = parties.get("joined"), parties.get("survived")
    if "warnings" not in result and joined != survived:  # a node of before they were named
        _say(f"of {joined} parties {survived} are in the result: the others were lost on the way")
    for sentence in (*result.get("warnings", ()), *result.get("conversions", ())):
        _say(sentence)
    groups = result.get("groups", {})
    for label, parties in zip(groups.get("labels", ()), groups.get("withheld", ()), strict=False):
        if parties:
            _say(
                f"group {', '.join(map(str, label))}: withheld by {parties} "
                f"{'party' if parties == 1 else 'parties'}: too few rows in it, "
                "or in one that it would give away"
            )
    _say_rules(result)
    for name, output in result["outputs"].items():
        if output.get("nan_made"):
            _say(
                f"{name}: in {output['nan_made']} rows a value became NaN that was computed from "
                "values that are present (0/0, log(-1), ...); they count as missing"
            )


def _say_rules(result: Mapping[str, Any]) -> None:
    """By which rules parties withheld what is missing; where nothing is, nothing is said."""
    if "withheld" in result.get("groups", {}) or '"withheld"' in json.dumps(result["outputs"]):
        for rules in result.get("rules", ()):
            numbers = f"min_rows {rules['min_rows']}, dominance {rules['dominance']}"
            _say(f"rules of {rules['parties']} parties: profile {rules['profile']}, {numbers}")


def _say(sentence: str) -> None:
    warnings.warn(sentence, SottoWarning, stacklevel=5)


def _plain(value: Mapping[str, Any]) -> Any:
    if isinstance(value["value"], str):
        return _date(value["value"])
    if value["value"] is not None:
        return value["value"]
    if value["special"] == "interval":
        return pandas.Interval(*_ends(value["low"], value["high"]), closed="both")
    return _SPECIAL[value["special"]]


def _ends(low: Any, high: Any) -> tuple[Any, Any]:
    if any(str(end)[4:5] == "-" and str(end)[:4].isdigit() for end in (low, high)):  # dates
        return (
            pandas.Timestamp.min if low == "-inf" else pandas.Timestamp(low),
            pandas.Timestamp.max if high == "inf" else pandas.Timestamp(high),
        )
    return float(low), float(high)


def _date(text: str) -> datetime.date:
    """A date; a time, or an average of dates that falls between two days, with its time of day, in
    UTC where the times have a zone."""
    return (datetime.datetime if "T" in text else datetime.date).fromisoformat(text)


def _exact(value: Mapping[str, Any]) -> Any:
    """Of a date the days since 1970-01-01, of a time the seconds, where its text is another."""
    if "exact" not in value:
        return _plain(value)
    number = Fraction(value["exact"])
    return _plain(value) if _is_of_text(number, value["value"]) else number


def _is_of_text(number: Fraction, text: Any) -> bool:
    """Whether a text is the date of a number of days, or the time of a number of seconds."""
    if not isinstance(text, str):
        return False
    moment = datetime.datetime.fromisoformat(text).replace(tzinfo=None)
    since = (moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
    return Fraction(since, 10**6) in (number, number * 86400)


def _group_index(groups: Mapping[str, Any]) -> pandas.Index:
    if len(groups["keys"]) == 1:
        return pandas.Index([label for (label,) in groups["labels"]], name=groups["keys"][0])
    return pandas.MultiIndex.from_tuples(map(tuple, groups["labels"]), names=groups["keys"])


def _output(output: Mapping[str, Any], number: Number, index: pandas.Index | None) -> Any:
    if "fields" in output:
        fields = {name: _output(field, number, None) for name, field in output["fields"].items()}
        return _of_fields(fields, output)
    axes = output.get("labels", [])
    if index is None:
        return _shaped(output["values"] if axes else output, axes, number)
    if not axes:
        return pandas.Series([number(value) for value in output["values"]], index=index)
    if len(axes) == 1:
        frame = _square(output["values"], index, axes[0], number)
        # As in pandas, a key is no column of its groups.
        return frame.drop(columns=[name for name in index.names if name in frame.columns])
    squares = [_shaped(values, axes, number) for values in output["values"]]
    return pandas.concat(squares, keys=list(index), names=list(index.names))


def _shaped(values: Any, axes: list[list[str]], number: Number) -> Any:
    if not axes:
        return number(values)
    if len(axes) == 1:
        return pandas.Series([number(value) for value in values], index=axes[0])
    return _square(values, axes[0], axes[1], number)


def _square(values: Any, index: Any, columns: Any, number: Number) -> pandas.DataFrame:
    rows = [[number(value) for value in row] for row in values]
    return pandas.DataFrame(rows, index=index, columns=columns)


def _beside(summaries: Mapping[str, Any]) -> pandas.DataFrame:
    """Summaries of columns: NaN where a column's lacks what another one has."""
    rows = dict.fromkeys(label for summary in summaries.values() for label in summary.index)
    beside = pandas.concat(summaries, axis=1)
    return beside if beside.columns.nlevels > 1 else beside.reindex(list(rows))


def _summary(parts: Mapping[str, Any], grouped: bool) -> pandas.Series | pandas.DataFrame:
    first = next(iter(parts.values()))
    if not grouped:
        if isinstance(first, pandas.Series):
            return pandas.DataFrame(parts).T
        return pandas.Series(parts)
    if isinstance(first, pandas.Series):
        return pandas.DataFrame(parts)
    beside = pandas.concat(parts, axis=1).swaplevel(axis=1)
    order = [(column, part) for column in first.columns for part in parts]
    return beside[order]
