# SPDX-License-Identifier: Apache-2.0
"""Pictures of results, by matplotlib, which the extra "notebooks" of python/ installs.

    found = task.get_result()
    sotto.plot.hist(found["ages"])          # of hist() or value_counts()
    sotto.plot.box(found["description"])    # of describe()
    found["ages"].sotto.plot()              # either of them
    found["test"].plot()                    # an estimate of sotto.stats, with its interval
    found["model"].plot(exp=True)           # coefficients of a regression, with their intervals
    sotto.plot.learning_curve(found)        # of HorizontalLearning: metrics by round

Each returns the matplotlib.axes.Axes that it drew on.
"""

from __future__ import annotations

import math
from typing import Any

import pandas

__all__ = ["box", "coefficients", "hist", "interval", "learning_curve"]

_QUARTILES = ("25%", "50%", "75%")


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "pictures need the package matplotlib: "
            "pip install matplotlib, or the extra `notebooks` of sotto-engine"
        ) from error
    return pyplot


def _axes(ax: Any) -> Any:
    return ax if ax is not None else _pyplot().gca()


def hist(counts: pandas.Series, ax: Any = None) -> Any:
    """Bars as wide as their bins, where the labels are bins of hist(); else one for each level.

    What parties kept back is not drawn.
    """
    axes = _axes(ax)
    try:
        edges = [tuple(map(float, str(label)[1:-1].split(","))) for label in counts.index]
    except ValueError:
        edges = []
    if edges and all(len(pair) == 2 for pair in edges):
        lefts = [low for low, _ in edges]
        widths = [high - low for low, high in edges]
        axes.bar(lefts, counts.to_numpy(), width=widths, align="edge", edgecolor="white")
        axes.set_xticks([*lefts, edges[-1][1]])
    else:
        axes.bar([str(label) for label in counts.index], counts.to_numpy())
    axes.set_ylabel("rows")
    return axes


def _ends(value: Any) -> tuple[float, float]:
    """The least and the greatest number that a quantile can be."""
    if isinstance(value, pandas.Interval):
        return float(value.left), float(value.right)
    return float(value), float(value)


def box(description: pandas.DataFrame | pandas.Series, ax: Any = None) -> Any:
    """A box for each column of describe(): from quartile to quartile, and a line at the median.

    Where a quartile is an interval the box is pale in all of it, and dark where it certainly is;
    the median is as thick as its interval. There are no whiskers: extremes are single rows.
    """
    axes = _axes(ax)
    frame = description.to_frame("") if isinstance(description, pandas.Series) else description
    missing = [name for name in _QUARTILES if name not in frame.index]
    if missing:
        raise ValueError(f"expected what describe() gives, with {', '.join(_QUARTILES)}")
    for i, column in enumerate(frame.columns):
        first, median, third = (_ends(frame.loc[name, column]) for name in _QUARTILES)
        for (low, high), shade in (((first[0], third[1]), 0.3), ((first[1], third[0]), 0.6)):
            axes.bar(i, max(high - low, 0), bottom=low, width=0.5, color="C0", alpha=shade)
        axes.bar(i, median[1] - median[0], bottom=median[0], width=0.5, color="C1", alpha=0.6)
        for end in median:
            axes.hlines(end, i - 0.25, i + 0.25, color="C1")
    axes.set_xticks(range(len(frame.columns)), [str(column) for column in frame.columns])
    axes.set_xlim(-0.75, len(frame.columns) - 0.25)
    axes.use_sticky_edges = False  # a box does not stand on the frame
    axes.autoscale_view(scalex=False)
    return axes


def interval(estimate: float, low: float, high: float, name: str, ax: Any = None) -> Any:
    """A point, and lines to both ends of its interval; an end that is infinite is an arrow."""
    axes = _axes(ax)
    reach = max((abs(end - estimate) for end in (low, high) if math.isfinite(end)), default=1.0)
    axes.plot([estimate], [0], "o", color="C0")
    for end, arrow, side in ((low, "<", -1), (high, ">", 1)):
        is_open = math.isinf(end)
        shown = estimate + side * reach if is_open else end
        marker = arrow if is_open else "|"
        axes.plot([estimate, shown], [0, 0], marker=marker, markevery=[1], color="C0")
    axes.set_yticks([])
    axes.set_xlabel(name)
    return axes


def coefficients(fit: Any, ax: Any = None, *, exp: bool = False, intercept: bool = False) -> Any:
    """The coefficients of ols() or glm(), the first one on top, each with its interval, and a line
    where there is no effect.

    exp: e to their power, on a logarithmic scale: odds ratios of a logistic model, ratios of rates
    of a Poisson model. intercept: "const" too, which is no effect of anything. What is no number is
    not drawn.
    """
    axes = _axes(ax)
    bounds = fit.conf_int()
    names = [name for name in fit.params.index if intercept or name != "const"]
    shown = [fit.params[names], bounds.loc[names, "low"], bounds.loc[names, "high"]]
    estimates, lows, highs = ([math.exp(x) if exp else x for x in one] for one in shown)
    places = range(len(names))
    axes.axvline(1 if exp else 0, color="0.7", linewidth=1, zorder=0)
    axes.hlines(places, lows, highs, color="C0")
    axes.plot(estimates, places, "o", color="C0")
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    if exp:
        from matplotlib.ticker import LogFormatter

        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(LogFormatter())
        axes.xaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False))
    name = "exp(coefficient)" if exp else "coefficient"
    axes.set_xlabel(f"{name}, {fit.confidence_level:.0%} interval")
    return axes


def learning_curve(found: Any, ax: Any = None) -> Any:
    """Lines of the metrics of a learning task's result, by how many rounds the model had then.

    Raises ValueError where nothing was measured (validate_every).
    """
    measured = [
        (number, each["metrics"])
        for number, each in enumerate(found["rounds"])
        if "metrics" in each
    ]
    if not measured:
        raise ValueError("nothing was measured: expected a task with validate_every")
    axes = _axes(ax)
    rounds = [number for number, _ in measured]
    for name in measured[0][1]:
        axes.plot(rounds, [metrics[name] for _, metrics in measured], marker="o", label=name)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("rounds")
    axes.legend()
    return axes


@pandas.api.extensions.register_series_accessor("sotto")
@pandas.api.extensions.register_dataframe_accessor("sotto")
class Accessor:
    """result.sotto: what can be drawn of a result."""

    def __init__(self, result: pandas.DataFrame | pandas.Series) -> None:
        self._result = result

    def plot(self, ax: Any = None) -> Any:
        """A box of describe(), bars of hist() or value_counts()."""
        is_described = all(name in self._result.index for name in _QUARTILES)
        return (box if is_described else hist)(self._result, ax)
