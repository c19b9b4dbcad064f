# SPDX-License-Identifier: Apache-2.0
"""From JSON to pandas, without a node."""

import math
from fractions import Fraction
from xml.etree import ElementTree

import pandas
import pytest
from companies import NUMBERS_OF_A_FIT

from sotto._results import Fit, Model, from_json
from sotto._results import Test as Answer
from sotto.errors import SottoWarning


def result(outputs, **more):
    parties = {"invited": 3, "joined": 3, "survived": 3}
    return {"outputs": outputs, "parties": parties, "conversions": [], **more}


def number(value):
    return {"value": value, "exact": str(value)}


def test_special_values():
    special = {name: {"value": None, "special": name} for name in ("NaN", "inf", "-inf")}
    found = from_json(result(special))
    assert pandas.isna(found["NaN"])
    assert found["inf"] == -found["-inf"] == float("inf")


def test_types_are_those_of_the_values():
    assert from_json(result({"result": number(3)})) == 3
    assert isinstance(from_json(result({"result": number(3)})), int)
    assert isinstance(from_json(result({"result": {"value": 3.0}})), float)
    assert from_json(result({"result": {"value": True}})) is True
    series = from_json(
        result({"result": {"labels": [["a", "b"]], "values": [number(1), number(2)]}})
    )
    assert series.dtype == "int64"


def test_exact_values_are_fractions():
    output = {"result": {"value": 0.3333333333333333, "exact": "1/3"}}
    assert from_json(result(output), exact=True) == Fraction(1, 3)
    assert from_json(result({"result": {"value": 1.4142135623730951}}), exact=True) > 1.4


def test_exact_values_are_shown_as_doubles_are():
    shown = []
    for form, high in ((float, math.inf), (Fraction, Fraction(10) ** 400)):
        tested = Answer({"t": form(0.125), "p": 0.5, "low": form(-1.5), "high": high}, None)
        series = dict.fromkeys((*SERIES, "t"), pandas.Series({"const": form(0.375)}))
        alone = dict.fromkeys(("r2", "adjusted_r2", "residual_sd", "f", "f_p"), form(2.5))
        alone |= dict.fromkeys(NUMBERS_OF_A_FIT, form(2.5))
        alone |= dict.fromkeys(("count", "df", "iterations"), 9)
        fit = Fit({**series, **alone}, {})
        model = Model({**series, **alone}, {"family": "binomial", "link": "logit"})
        shown.append([text for of in (tested, fit, model) for text in (repr(of), of._repr_html_())])
    assert shown[0] == shown[1]
    assert "0.125" in shown[0][0]
    assert "0.3750" in shown[0][2]


def test_names_of_outputs_make_the_shape():
    one = number(1)
    assert from_json(result({"result 1": one, "result 2": one})) == (1, 1)
    assert from_json(result({"m": one})) == {"m": 1}
    summary = from_json(result({"result[mean]": one, "result[count]": number(2)}))
    assert summary.to_dict() == {"mean": 1, "count": 2}
    both = from_json(result({"result 1[mean]": one, "result 2": one}))
    assert isinstance(both, tuple)
    assert isinstance(both[0], pandas.Series)


def test_withheld_groups_are_told():
    values = {"values": [{"value": 1.0}, {"value": 2.0}]}
    groups = {"keys": ["dept"], "labels": [["x"], ["y"]], "withheld": [0, 2]}
    with pytest.warns(SottoWarning, match="group y: withheld by 2 parties"):
        from_json(result({"result": values}, groups=groups))


def test_squares_of_groups():
    square = {"labels": [["a", "b"], ["a", "b"]], "values": [[[number(1), number(2)]] * 2] * 2}
    found = from_json(
        result({"result": square}, groups={"keys": ["dept"], "labels": [["x"], ["y"]]})
    )
    assert found.loc[("y", "b"), "a"] == 1
    assert found.index.names == ["dept", None]


def test_lost_parties_and_conversions_are_warned_of():
    lost = result({"result": number(1)})
    lost["parties"]["survived"] = 2
    with pytest.warns(SottoWarning, match="of 3 parties 2"):
        from_json(lost)
    sentence = "cedar was invited, and its rows are not in the result: it was away"
    with pytest.warns(SottoWarning, match=sentence) as caught:
        from_json(lost | {"warnings": [sentence]})
    assert len(caught) == 1
    with pytest.warns(SottoWarning, match="read as float64"):
        from_json(result({"result": number(1)}) | {"conversions": ["wage was read as float64"]})
    with pytest.warns(SottoWarning, match="takes part has"):
        from_json(result({"result": number(1)}, warnings=["m: no row that takes part has 7"]))
    with pytest.warns(SottoWarning, match="in 4 rows"):
        from_json(result({"result": {**number(1), "nan_made": 4}}))


SERIES = ("coefficients", "standard_errors", "statistic", "p", "low", "high")


def test_models_predict_by_levels_of_each_type():
    names = ["const", "age", "ward[b]", "floor[2]", "old[true]"]
    series = pandas.Series([1.0, 2.0, 4.0, 8.0, 16.0], names)
    fields = dict.fromkeys(("coefficients", "standard_errors", "statistic", "p"), series)
    fields |= dict.fromkeys(("low", "high"), series)
    others = dict.fromkeys(NUMBERS_OF_A_FIT, 1.0)
    fields |= others
    model = Model(fields, {"family": "gaussian", "link": "identity"})
    frame = {"age": [0.5, 1], "ward": ["a", "b"], "floor": [2.0, 1.0], "old": [False, True]}
    assert model.predict(pandas.DataFrame(frame)).tolist() == [10.0, 23.0]
    named = {"age": "t.age * t.`of stay`", "floor[2]": "age ** 2"}
    fields = {
        name: value.rename(named) if name in SERIES else value for name, value in fields.items()
    }
    products = Model(fields, {"family": "gaussian", "link": "identity"})
    rows = pandas.DataFrame({**frame, "of stay": [2, 3], "old": False})
    assert products.predict(rows).tolist() == [1 + 2 * 1 + 8 * 0.25, 1 + 2 * 3 + 4 + 8]
    both = {"age": "ward[b] * floor[2.5]", "ward[b]": "age * ward[b]"}
    fields = {
        name: value.rename(index=both) if name in SERIES else value
        for name, value in {**dict.fromkeys(SERIES, series), **others}.items()
    }
    interactions = Model(fields, {"family": "gaussian", "link": "identity"})
    rows = pandas.DataFrame({"age": [2, 3], "ward": ["b", "b"], "floor": [2.5, 2], "old": False})
    assert interactions.predict(rows).tolist() == [1 + 2 + 4 * 2, 1 + 4 * 3 + 8]
    with pytest.raises(KeyError, match="no column 'age'"):
        model.predict(pandas.DataFrame(frame).drop(columns="age"))


def test_results_are_tables_in_notebooks():
    series = pandas.Series({"R&D": 2.0, "HR": 1.5})
    test = Answer({"t": -1.25, "p": 0.04, "means": series}, "fewer < two")
    fit = Fit(
        {
            "coefficients": series,
            "standard_errors": series,
            "t": series,
            "p": series,
            "low": series,
            "high": series,
            "r2": 0.5,
            "adjusted_r2": 0.4,
            "residual_sd": 2.0,
            "f": 3.0,
            "f_p": 0.1,
            "condition": 1.0,
            "count": 9,
            "df": 7,
        },
        {"intercept": 1, "level": 95},
    )
    for result, tables, parts in (
        (test, 2, ["pvalue", "fewer < two"]),
        (fit, 1, ["R-squared 0.5"]),
    ):
        tree = ElementTree.fromstring(f"<div>{result._repr_html_()}</div>")
        text = "".join(tree.itertext())
        assert len(list(tree.iter("table"))) == tables
        assert all(part in text for part in [*parts, "R&D"])
