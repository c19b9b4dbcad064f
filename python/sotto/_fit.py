# SPDX-License-Identifier: Apache-2.0
"""What regressions give: ols() a Fit, glm() a Model, mnlogit() a LevelsModel, with the names of
statsmodels."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy
import pandas

# The mean at a linear predictor, by link.
_MEANS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda eta: eta,
    "logit": lambda eta: 1 / (1 + numpy.exp(-eta)),
    "log": numpy.exp,
    "inverse": lambda eta: 1 / eta,
    "probit": numpy.vectorize(lambda eta: math.erfc(-eta / math.sqrt(2)) / 2, otypes=[float]),
    "cloglog": lambda eta: -numpy.expm1(-numpy.exp(eta)),
}
# Families without a dispersion of their own, whose statistic is held against the normal.
_OF_Z = ("binomial", "poisson")


class _Coefficients:
    """What ols() and glm() have in common."""

    def __init__(
        self,
        fields: Mapping[str, Any],
        options: Mapping[str, Any],
        statistic: str,
        status: str | None,
    ) -> None:
        self.status = status
        self.params = fields["coefficients"]
        self.bse = fields["standard_errors"]
        self.tvalues = fields[statistic]
        self.pvalues = fields["p"]
        self.condition = fields["condition"]
        self.nobs = fields["count"]
        self.df_resid = fields["df"]
        self.confidence_level = options.get("level", 95) / 100
        self._bounds = fields["low"], fields["high"]
        self.cov_type = {"hc0": "HC0", "hc1": "HC1"}.get(options.get("cov", ""), "nonrobust")
        self._is_z = options.get("family") in _OF_Z

    def conf_int(self) -> pandas.DataFrame:
        """The bounds of each coefficient, of the level that was asked for (confidence_level)."""
        return pandas.DataFrame({"low": self._bounds[0], "high": self._bounds[1]})

    def summary_frame(self) -> pandas.DataFrame:
        """A row for each coefficient: coef, std err, z or t, p, and the bounds."""
        statistic = "z" if self._is_z else "t"
        tail = (1 - self.confidence_level) / 2
        columns = {
            "coef": self.params,
            "std err": self.bse,
            statistic: self.tvalues,
            f"P>|{statistic}|": self.pvalues,
            f"[{tail:.4g}": self._bounds[0],
            f"{1 - tail:.4g}]": self._bounds[1],
        }
        return pandas.DataFrame(columns)

    def _facts(self) -> str:
        raise NotImplementedError

    def _shown(self) -> pandas.DataFrame:
        """The summary as texts: numbers of one scale to the same decimals, else five digits."""
        frame = self.summary_frame()
        for column in frame.columns:
            frame[column] = [double(value) for value in frame[column]]
        errors = frame["std err"]
        scaled = _number_format(errors, frame.iloc[:, [0, 1, 4, 5]].abs().max().max())
        formats = [scaled.format, scaled.format, "{:.3f}".format, _p, scaled.format, scaled.format]
        for column, form in zip(frame.columns, formats, strict=True):
            frame[column] = [form(value) for value in frame[column]]
        return frame

    def summary(self) -> str:
        """The coefficients as a table, and what is known of all of them."""
        return f"{self._shown()}\n\n{self._notes()}"

    def _notes(self) -> str:
        status = f"status: {self.status}\n" if self.status else ""
        errors = f"errors {self.cov_type}, " if self.cov_type != "nonrobust" else ""
        return (
            f"{status}{errors}rows {self.nobs}, residual degrees of freedom {self.df_resid}\n"
            f"{self._facts()}"
        )

    def plot(self, ax: Any = None, *, exp: bool = False, intercept: bool = False) -> Any:
        """Each coefficient with its interval (sotto.plot.coefficients)."""
        from . import plot

        return plot.coefficients(self, ax, exp=exp, intercept=intercept)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        notes = "<br/>".join(map(html.escape, self._notes().split("\n")))
        return f"{self._shown().to_html()}<p>{notes}</p>"


def double(value: Any) -> float:
    """The double nearest to a number, an exact one too: fractions have no format before Python
    3.12."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def short(value: Any) -> str:
    """A number as six digits."""
    return f"{double(value):.6g}"


def _p(value: float) -> str:
    return f"{value:.2e}" if value < 0.001 else f"{value:.4f}"


def _number_format(errors: pandas.Series, largest: float) -> str:
    """As many decimals as give the smallest standard error four digits, where they fit."""
    sizes = [error for error in errors if error > 0]
    if not sizes or not math.isfinite(largest) or not math.isfinite(min(sizes)):
        return "{:.5g}"
    decimals = max(0, 3 - math.floor(math.log10(min(sizes))))
    digits = math.floor(math.log10(max(largest, 1)))
    return f"{{:.{decimals}f}}" if decimals <= 8 and digits + decimals <= 8 else "{:.5g}"


class Fit(_Coefficients):
    """What ols() gives: params, bse (standard errors), tvalues, pvalues as Series, conf_int() as a
    DataFrame; the rest as numbers."""

    def __init__(
        self, fields: Mapping[str, Any], options: Mapping[str, Any], status: str | None = None
    ) -> None:
        super().__init__(fields, options, "t", status)
        self.rsquared = fields["r2"]
        self.rsquared_adj = fields["adjusted_r2"]
        self.residual_sd = fields["residual_sd"]
        self.fvalue = fields["f"]
        self.f_pvalue = fields["f_p"]

    def _facts(self) -> str:
        return (
            f"R-squared {short(self.rsquared)}, adjusted {short(self.rsquared_adj)}, "
            f"F {short(self.fvalue)}, p {short(self.f_pvalue)}"
        )


class Model(_Coefficients):
    """What glm() gives, with the names of statsmodels. tvalues are z where the family has no
    dispersion."""

    def __init__(
        self, fields: Mapping[str, Any], options: Mapping[str, Any], status: str | None = None
    ) -> None:
        super().__init__(fields, options, "statistic", status)
        self.family, self.link = options["family"], options["link"]
        self.deviance = fields["deviance"]
        self.deviance_before = fields["deviance_before"]
        self.null_deviance = fields["null_deviance"]
        self.llf = fields["log_likelihood"]
        self.aic = fields["aic"]
        self.scale = fields["dispersion"]
        self.iterations = fields["iterations"]
        self.decrement = fields["decrement"]

    def _facts(self) -> str:
        return (
            f"{self.family} ({self.link}): "
            f"deviance {short(self.deviance)} of {short(self.null_deviance)}, log-likelihood "
            f"{short(self.llf)}, AIC {short(self.aic)}, {self.iterations} iterations"
        )

    def predict(self, frame: pandas.DataFrame) -> pandas.Series:
        """The means that the model gives rows of one's own.

        frame has the columns that explain, by their names, and those of C() with their levels: a
        value that is no level counts as the first one. Products and powers of columns are computed;
        what else a plan computes of columns must be a column of the frame, by the name it has here.
        """
        return pandas.Series(_MEANS[self.link](self._predictor(frame)), index=frame.index)

    def _predictor(self, frame: pandas.DataFrame) -> Any:
        return sum(value * _regressor(frame, name) for name, value in self.params.items())


_SERIES = ("coefficients", "standard_errors", "statistic", "p", "low", "high")


class LevelsModel:
    """What mnlogit() gives: params, bse, tvalues, pvalues as frames, with a column for each level
    but the first, which is reference; levels has the Model of each; the rest is as a Model has
    it."""

    def __init__(
        self,
        fields: Mapping[str, Any],
        options: Mapping[str, Any],
        reference: str,
        status: str | None = None,
    ) -> None:
        self.status = status
        self.reference = reference
        # Each level against the first one is a logistic regression with errors of its own.
        of_one = {**options, "family": "binomial", "link": "logit"}
        self.levels = {
            level: Model({**fields, **{name: fields[name].loc[level] for name in _SERIES}}, of_one)
            for level in fields["coefficients"].index
        }
        self.deviance, self.deviance_before = fields["deviance"], fields["deviance_before"]
        self.null_deviance = fields["null_deviance"]
        self.iterations, self.decrement = fields["iterations"], fields["decrement"]
        self.params = fields["coefficients"].T
        self.bse = fields["standard_errors"].T
        self.tvalues = fields["statistic"].T
        self.pvalues = fields["p"].T
        self.llf, self.aic = fields["log_likelihood"], fields["aic"]
        self.nobs, self.df_resid = fields["count"], fields["df"]
        self.condition = fields["condition"]

    def conf_int(self) -> pandas.DataFrame:
        """The bounds of each coefficient, by level."""
        return pandas.concat({level: model.conf_int() for level, model in self.levels.items()})

    def summary(self) -> str:
        """The coefficients of each level as a table, and what is known of all of them."""
        tables = [f"{level}\n{model._shown()}\n" for level, model in self.levels.items()]
        last = next(reversed(self.levels.values()))
        status = f"status: {self.status}\n" if self.status else ""
        return "\n".join([*tables, f"against {self.reference}\n{status}{last._notes()}"])

    def predict(self, frame: pandas.DataFrame) -> pandas.DataFrame:
        """How likely each level is for rows of one's own, the first one (reference) first."""
        log_odds = pandas.DataFrame({self.reference: 0.0}, index=frame.index)
        for level, model in self.levels.items():
            log_odds[level] = model._predictor(frame)
        odds = numpy.exp(log_odds.sub(log_odds.max(axis=1), axis=0))
        return odds.div(odds.sum(axis=1), axis=0)

    def plot(self, ax: Any = None, *, exp: bool = False, intercept: bool = False) -> Any:
        """Each coefficient with its interval, levels side by side: an array of Axes."""
        from . import plot

        if ax is None:
            _, ax = plot._pyplot().subplots(1, len(self.levels), sharey=True, squeeze=False)
        axes = numpy.ravel(ax)
        for place, (level, model) in zip(axes, self.levels.items(), strict=True):
            model.plot(place, exp=exp, intercept=intercept).set_title(level)
        return axes

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return "".join(
            f"<p>{html.escape(level)}</p>{model._repr_html_()}"
            for level, model in self.levels.items()
        )


def _regressor(frame: pandas.DataFrame, name: str) -> Any:
    if name in frame.columns:
        return frame[name].astype(float)
    first, found, second = name.partition("] * ")
    if found and "[" in first:
        return _regressor(frame, f"{first}]") * _operand(frame, second)
    column, bracket, level = name.partition("[")
    if bracket and column in frame.columns and name.endswith("]"):
        return _has_level(frame[column], level[:-1]).where(frame[column].notna())
    if name == "const":
        return 1.0
    for operator, together in ((" * ", numpy.multiply), (" ** ", numpy.power)):
        left, found, right = name.rpartition(operator)
        if found:
            return together(_operand(frame, left), _operand(frame, right))
    raise KeyError(f"the frame has no column {name!r}")


def _operand(frame: pandas.DataFrame, text: str) -> Any:
    """A number, a level of a column, or a column as a plan names it: age, patients.age,
    patients.`body mass`."""
    if text.isdigit():
        return int(text)
    name, bracket, level = text.partition("[")
    column = name if name in frame.columns else name[name.find(".") + 1 :]
    return _regressor(frame, f"{column.strip('`')}{bracket}{level}")


def _has_level(column: pandas.Series, level: str) -> pandas.Series:
    if pandas.api.types.is_bool_dtype(column):
        return (column.astype(str).str.lower() == level).astype(float)
    if pandas.api.types.is_numeric_dtype(column):
        return (column == float(level)).astype(float)
    return (column.astype(str) == level).astype(float)
