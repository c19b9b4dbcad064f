# SPDX-License-Identifier: Apache-2.0
"""Pictures of results: what is drawn where."""

import matplotlib
import pandas
import pytest
from companies import NUMBERS_OF_A_FIT

import sotto

matplotlib.use("Agg")


@pytest.fixture
def axes():
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    yield axes
    pyplot.close(figure)


def bars(axes):
    return [(bar.get_x(), bar.get_y(), bar.get_width(), bar.get_height()) for bar in axes.patches]


def test_bins_are_as_wide_as_they_are(axes):
    counts = pandas.Series([85, 406, 109], index=["[0, 30)", "[30, 60)", "[60, 100]"])
    assert sotto.plot.hist(counts, axes) is axes
    assert bars(axes) == [(0, 0, 30, 85), (30, 0, 30, 406), (60, 0, 40, 109)]


def test_levels_stand_side_by_side(axes):
    sotto.plot.hist(pandas.Series([3, 1], index=["R&D", "HR"]), axes)
    assert [bar[3] for bar in bars(axes)] == [3, 1]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["R&D", "HR"]


def test_a_box_shows_its_intervals(axes):
    closed = {"closed": "both"}
    description = pandas.DataFrame(
        {
            "age": [
                600,
                45.7,
                14.8,
                pandas.Interval(32.0, 35.0, **closed),
                pandas.Interval(44.0, 47.0, **closed),
                56.0,
            ]
        },
        index=["count", "mean", "std", "25%", "50%", "75%"],
    )
    sotto.plot.box(description, axes)
    assert [(bar[1], bar[3]) for bar in bars(axes)] == [(32, 24), (35, 21), (44, 3)]
    with pytest.raises(ValueError, match="describe"):
        sotto.plot.box(description.drop(index="50%"), axes)


def test_an_estimate_has_its_interval(axes):
    fields = {"r": 0.5, "p": 0.01, "low": 0.2, "high": 0.7, "count": 30}
    assert sotto._results.Test(fields, None).plot(axes) is axes
    assert [tuple(line.get_xdata()) for line in axes.lines] == [(0.5,), (0.5, 0.2), (0.5, 0.7)]
    assert axes.get_xlabel() == "r"


def test_an_open_end_is_an_arrow(axes):
    sotto.plot.interval(3, 1, float("inf"), "difference", axes)
    assert [line.get_marker() for line in axes.lines] == ["o", "|", ">"]
    assert [tuple(line.get_xdata()) for line in axes.lines] == [(3,), (3, 1), (3, 5)]


def test_what_has_no_interval_is_not_drawn(axes):
    with pytest.raises(AttributeError, match="no interval"):
        sotto._results.Test({"chi2": 3.0, "p": 0.1, "df": 1}, None).plot(axes)


def model(bounds):
    names = ["const", "age", "ward[b]"]
    low, high = (pandas.Series(side, index=names) for side in zip(*bounds, strict=True))
    middle = (low + high) / 2
    series = {"coefficients": middle, "low": low, "high": high}
    series |= dict.fromkeys(("standard_errors", "statistic", "p"), middle)
    numbers = dict.fromkeys(NUMBERS_OF_A_FIT, 1.0)
    return sotto._fit.Model(series | numbers, {"family": "binomial", "link": "logit", "level": 90})


def test_coefficients_have_their_intervals(axes):
    found = model([(-3, -1), (0.5, 1.5), (-1, 2)])
    assert found.plot(axes) is axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["age", "ward[b]"]
    (lines,) = axes.collections
    assert [tuple(line[:, 0]) for line in lines.get_segments()] == [(0.5, 1.5), (-1, 2)]
    assert tuple(axes.lines[1].get_xdata()) == (1.0, 0.5)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first one is on top
    assert axes.get_xlabel() == "coefficient, 90% interval"


def test_odds_ratios_have_a_logarithmic_scale(axes):
    model([(-3, -1), (0, 0), (-1, 1)]).plot(axes, exp=True, intercept=True)
    assert axes.get_xscale() == "log"
    assert tuple(axes.lines[0].get_xdata()) == (1, 1)
    assert tuple(axes.lines[1].get_xdata())[1:] == (1.0, 1.0)
    assert axes.get_yticklabels()[0].get_text() == "const"


def test_a_coefficient_that_is_no_number_is_left_out(axes):
    nan = float("nan")
    model([(0, 1), (nan, nan), (1, 2)]).plot(axes)
    axes.figure.canvas.draw()
    assert [text.get_text() for text in axes.get_yticklabels()] == ["age", "ward[b]"]


def test_results_draw_themselves(axes):
    counts = pandas.Series([3, 1], index=["[0, 1)", "[1, 2]"])
    counts.sotto.plot(axes)
    description = pandas.Series(
        [9, 1, 1, 2.0, 3.0, 5.0], ["count", "mean", "std", "25%", "50%", "75%"]
    )
    description.sotto.plot(axes)
    assert [(bar[1], bar[3]) for bar in bars(axes)][2:] == [(2, 3), (2, 3), (3, 0)]
