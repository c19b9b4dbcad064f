# SPDX-License-Identifier: Apache-2.0
"""Linear regression and generalised linear models."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from typing import Any

from .._expression import (
    Column,
    Expression,
    Filtered,
    Operation,
    Option,
    binary,
    call,
    literal,
)
from ..errors import PlanError
from ._aggregate import Aggregate
from ._frame import DataFrame
from ._refusals import not_supported
from ._rowwise import check_one_dataset
from ._series import Series

# The links of each family, the one that it has by default first.
FAMILIES = {
    "gaussian": ("identity",),
    "binomial": ("logit", "probit", "cloglog"),
    "poisson": ("log",),
    "gamma": ("inverse", "log"),
}
_ERRORS = {"nonrobust": {}, "HC0": {"cov": "hc0"}, "HC1": {"cov": "hc1"}}


def _errors(cov_type: str) -> dict[str, str]:
    if cov_type not in _ERRORS:
        raise PlanError(f"cov_type={cov_type!r}: expected one of {', '.join(_ERRORS)}")
    return _ERRORS[cov_type]


def ols(
    y: Series, *x: Series | DataFrame, intercept: bool = True, cov_type: str = "nonrobust"
) -> Aggregate:
    """Ordinary least squares of y on columns and frames x, over the rows where all are present.

    cov_type: "HC0" or "HC1" for errors that hold though rows vary unlike each other.

    The result has params, bse, tvalues and pvalues as Series ("const" is the intercept),
    conf_int(), rsquared, rsquared_adj, residual_sd, fvalue, f_pvalue, nobs, df_resid, and condition
    (engine/PLAN.md).
    """
    if not isinstance(y, Series):
        raise PlanError(f"ols({y!r}, ...): expected a column to explain, such as df['wage']")
    if not x or not all(isinstance(regressor, Series | DataFrame) for regressor in x):
        raise PlanError("ols(y, x1, x2, ...): expected columns or frames to explain it by")
    if any(regressor._condition != y._condition for regressor in x):
        raise PlanError("ols(): expected y and the regressors to be filtered alike")
    check_one_dataset(y._expression, *(regressor._expression for regressor in x))
    arguments = [part._rows.only_where_filtered() for part in (y, *x)]
    options: dict[str, int | str] = {} if intercept else {"intercept": 0}
    return Aggregate(call("ols", *arguments, **options, **_errors(cov_type)), "fit")


def glm(
    formula: str,
    data: DataFrame,
    family: str = "gaussian",
    *,
    link: str | None = None,
    confidence_level: float = 0.95,
    likelihood: bool = True,
    start: Sequence[float] | None = None,
    cov_type: str = "nonrobust",
    weights: Series | None = None,
    offset: Series | None = None,
) -> Aggregate:
    """A generalised linear model: "ill ~ age + C(ward, levels=['a', 'b', 'c'])".

    family: "gaussian", "binomial" (y is 0 or 1: logistic regression), "poisson" or "gamma". link:
    what of the mean is linear, "probit" or "cloglog" of binomial, "log" of gamma; by default logit
    of binomial, log of poisson, inverse of gamma.

    In a formula stand columns, Q("odd names"), I(arithmetic of columns), products of two columns,
    a:b, or a*b for these and their product, and the levels of a column as regressors, the first one
    of which is what the others are compared with; C(...) may stand first in a product, or twice.
    "- 1" leaves the intercept out. likelihood=False leaves out sums of y that only the deviance and
    the log-likelihood of a poisson or gamma model need, and that give rare counts away. start: the
    first coefficients, to go on from those of another fit: list(result.params). cov_type: "HC0" or
    "HC1" for errors that hold though rows vary unlike each other. weights: what each row counts,
    above 0. offset: a column that is added with the coefficient 1. Both are of the frame's rows, or
    of all rows before it was filtered.

    The result has params, bse, tvalues and pvalues as Series ("const" is the intercept),
    conf_int(), summary(), predict(frame), deviance, null_deviance, llf, aic, scale, iterations,
    condition, nobs and df_resid.
    """
    if family not in FAMILIES:
        raise PlanError(f"family={family!r}: expected one of {', '.join(FAMILIES)}")
    if link is not None and link not in FAMILIES[family]:
        raise PlanError(f"link={link!r}: expected of {family} {', '.join(FAMILIES[family])}")
    percent = round(confidence_level * 100, 9)
    if percent != int(percent) or not 1 <= percent <= 99:
        raise PlanError(
            f"confidence_level={confidence_level!r}: expected whole per cents, 0.01 to 0.99"
        )
    if not isinstance(data, DataFrame):
        raise PlanError(f"glm(..., {data!r}): expected a dataset's frame")
    y, regressors, has_intercept = _Formula(formula, data).parts()
    if data._condition is not None:
        y = Filtered(data._condition, y)
        regressors = [Filtered(data._condition, part) for part in regressors]
    options: dict[str, Option] = {"family": family}
    options |= {} if link is None else {"link": link}
    options |= {} if has_intercept else {"intercept": 0}
    options |= {} if percent == 95 else {"level": int(percent)}
    options |= {} if likelihood else {"likelihood": 0}
    options |= _start(start) | _errors(cov_type)
    for name, series in (("weights", weights), ("offset", offset)):
        options |= {} if series is None else {name: _of_rows(name, series, y, data._condition)}
    return Aggregate(call("glm", y, *regressors, **options), "fit")


class Logit:
    """Logistic regression by columns, with the names of statsmodels: Logit(df["ill"], df[["age"]]).

    As there, no intercept is added; intercept=True adds one.
    """

    def __init__(self, endog: Series, exog: Series | DataFrame, *, intercept: bool = False) -> None:
        if not isinstance(endog, Series) or not isinstance(exog, Series | DataFrame):
            raise PlanError("Logit(endog, exog): expected a column, and columns that explain it")
        if exog._condition != endog._condition:
            raise PlanError("Logit(): expected both to be filtered alike")
        check_one_dataset(endog._expression, exog._expression)
        self._arguments = [part._rows.only_where_filtered() for part in (endog, exog)]
        self._options: dict[str, int | str] = {"family": "binomial"}
        self._options |= {} if intercept else {"intercept": 0}

    def fit(
        self, start_params: Sequence[float] | None = None, *, cov_type: str = "nonrobust"
    ) -> Aggregate:
        """What a task returns: its result is as that of glm(). start_params: where it begins.
        cov_type: as that of glm()."""
        options = self._options | _start(start_params) | _errors(cov_type)
        return Aggregate(call("glm", *self._arguments, **options), "fit")


class MNLogit:
    """Which of several levels a column has, with the names of statsmodels:
    MNLogit(df["ward"], df[["age"]], levels=["a", "b", "c"]).

    The first level is what the others are compared with. As there, no intercept is added;
    intercept=True adds one.
    """

    def __init__(
        self,
        endog: Series,
        exog: Series | DataFrame,
        *,
        levels: Sequence[Any],
        intercept: bool = False,
    ) -> None:
        if not isinstance(endog, Series) or not isinstance(endog._expression, Column):
            raise PlanError("MNLogit(endog, exog): expected a column of levels")
        if not isinstance(exog, Series | DataFrame):
            raise PlanError("MNLogit(endog, exog): expected columns that explain it")
        if endog._condition is not None or exog._condition is not None:
            raise PlanError("MNLogit() of filtered rows: filter all results of the task alike")
        if len(levels) < 2:
            raise PlanError(f"levels={levels!r}: expected at least two, written out")
        check_one_dataset(endog._expression, exog._expression)
        side = Operation("in", (endog._expression, *map(literal, levels)))
        self._arguments = [side, exog._expression]
        self._options: dict[str, int | str] = {} if intercept else {"intercept": 0}

    def fit(
        self,
        start_params: Sequence[float] | None = None,
        *,
        cov_type: str = "nonrobust",
        weights: Series | None = None,
    ) -> Aggregate:
        """What a task returns. Its result has params, bse, tvalues and pvalues as frames with a
        column for each level but the first, levels, which has a result as that of glm() for each of
        them, conf_int(), summary(), predict(frame), plot(), deviance, llf, aic and more.

        start_params: where it begins, level after level. cov_type, weights: as those of glm()."""
        options: dict[str, Option] = {**self._options, **_start(start_params), **_errors(cov_type)}
        if weights is not None:
            options["weights"] = _of_rows("weights", weights, self._arguments[0], None)
        return Aggregate(call("mnlogit", *self._arguments, **options), "fit")


def _of_rows(name: str, series: Series, y: Expression, condition: Expression | None) -> Expression:
    """An option that has a value for each row that a model is of, or for all rows."""
    if not isinstance(series, Series):
        raise PlanError(f"{name}={series!r}: expected a column, or what is computed of columns")
    check_one_dataset(y, series._expression)
    if series._condition is not None and series._condition != condition:
        raise not_supported(
            f"{name}={series!r} of rows that are filtered otherwise than the model's",
            f"filter the frame, and take {name} of it: rows = df[df['age'] >= 18]",
        )
    return series._expression


def _start(params: Sequence[float] | None) -> dict[str, str]:
    return {} if params is None else {"start": f"({', '.join(map(repr, map(float, params)))})"}


def _with_products(side: str) -> str:
    """A side of a formula as Python: "a:b", a product, is "a@b" there."""
    depth = 0
    tokens = []
    for token in tokenize.generate_tokens(io.StringIO(side).readline):
        depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
        is_product = token.string == ":" and depth == 0
        tokens.append((token.type, "@" if is_product else token.string))
    return tokenize.untokenize(tokens).strip()


class _Formula:
    """A formula over a frame's columns. It is read as Python, and nothing of it is run."""

    def __init__(self, text: str, data: DataFrame) -> None:
        self.text = text
        self.data = data

    def parts(self) -> tuple[Expression, list[Expression], bool]:
        """What is explained, what explains it, and whether there is an intercept."""
        sides = self.text.split("~") if isinstance(self.text, str) else []
        if len(sides) != 2:
            raise PlanError(f'{self.text!r}: expected a formula, such as "ill ~ age + weight"')
        left, right = (self._parsed(side) for side in sides)
        regressors = []
        has_intercept = True
        for term, is_left_out in self._terms(right):
            number = term.value if isinstance(term, ast.Constant) else None
            if number in (0, 1) and not isinstance(number, bool):
                has_intercept = (number == 1) != is_left_out
            elif is_left_out:
                raise self._unknown(term)
            else:
                regressors.append(self._regressor(term))
        if not regressors:
            raise PlanError(f"{self.text!r}: expected columns that explain it")
        return self._value(left), regressors, has_intercept

    def _parsed(self, side: str) -> ast.expr:
        try:
            return ast.parse(_with_products(side.strip()), mode="eval").body
        except (SyntaxError, tokenize.TokenError):
            raise PlanError(f"{self.text!r}: {side.strip()!r} is no part of a formula") from None

    def _unknown(self, term: ast.expr) -> PlanError:
        return PlanError(
            f"{self.text!r}: {ast.unparse(term)!r} is not known here: expected columns, Q('name'), "
            "C(column, levels=[...]), I(arithmetic), columns with : or * between, and + between "
            "all; of another function a column of its own, df['log_x'] = np.log(df['x'])"
        )

    def _terms(self, node: ast.expr, is_left_out: bool = False) -> Iterator[tuple[ast.expr, bool]]:
        match node:
            case ast.BinOp(left, ast.Add(), right):
                yield from self._terms(left)
                yield from self._terms(self._one_term(right))
            case ast.BinOp(left, ast.Sub(), right):
                yield from self._terms(left)
                yield from self._terms(self._one_term(right), True)
            case ast.BinOp(left, ast.Mult(), right):
                left, right = self._one_term(left), self._one_term(right)
                yield from self._terms(left)
                yield from self._terms(right)
                yield ast.BinOp(left, ast.MatMult(), right), is_left_out
            case _:
                yield node, is_left_out

    def _one_term(self, node: ast.expr) -> ast.expr:
        """An operand, which is no sum in brackets. Raises PlanError."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            raise PlanError(
                f"{self.text!r}: expected no sum in brackets, ({ast.unparse(node)}): write its "
                "terms one by one"
            )
        return node

    def _regressor(self, term: ast.expr) -> Expression:
        match term:
            case ast.Call(ast.Name("C"), [column], [ast.keyword("levels", levels)]):
                return self._factor(column, levels)
            case ast.BinOp(
                ast.Call(ast.Name("C")) as one, ast.MatMult(), ast.Call(ast.Name("C")) as other
            ):
                return binary("*", *self._unlike(self._regressor(one), self._regressor(other)))
            case ast.BinOp(ast.Call(ast.Name("C")) as factor, ast.MatMult(), right):
                return binary("*", self._regressor(factor), self._value(right))
            case ast.BinOp(left, ast.MatMult(), right):
                sides = self._unlike(self._value(left), self._value(right))
                return (Series(sides[0]) * Series(sides[1]))._expression
            case ast.Call(ast.Name("C")):
                raise PlanError(
                    f"{self.text!r}: {ast.unparse(term)} needs levels=[...]: no party tells which "
                    "it has"
                )
        return self._value(term)

    def _unlike(self, one: Expression, other: Expression) -> tuple[Expression, Expression]:
        """The sides of a product. Raises PlanError where they are the same column."""
        if one == other:
            raise PlanError(
                f"{self.text!r}: a column with itself is that column in a formula: write it once, "
                "or I(column ** 2) for its square"
            )
        return one, other

    def _factor(self, column: ast.expr, levels: ast.expr) -> Expression:
        value = self._value(column)
        try:
            listed = ast.literal_eval(levels)
        except ValueError:
            listed = None
        if not isinstance(value, Column) or not isinstance(listed, list) or len(listed) < 2:
            raise PlanError(
                f"{self.text!r}: expected C(column, levels=[...]) with at least two levels, "
                "written out"
            )
        return call("C", Operation("in", (value, *map(literal, listed))))

    def _value(self, term: ast.expr) -> Expression:
        match term:
            case ast.Name(name):
                return self.data[name]._expression
            case ast.Call(ast.Name("Q"), [ast.Constant(str(name))], []):
                return self.data[name]._expression
            case ast.Call(ast.Name("I"), [inner], []):
                value = self._arithmetic(inner)
                if isinstance(value, Series):
                    return value._expression
        raise self._unknown(term)

    def _arithmetic(self, node: ast.expr) -> Series | float:
        match node:
            case ast.BinOp(left, ast.Add(), right):
                return self._arithmetic(left) + self._arithmetic(right)
            case ast.BinOp(left, ast.Sub(), right):
                return self._arithmetic(left) - self._arithmetic(right)
            case ast.BinOp(left, ast.Mult(), right):
                return self._arithmetic(left) * self._arithmetic(right)
            case ast.BinOp(left, ast.Div(), right):
                return self._arithmetic(left) / self._arithmetic(right)
            case ast.BinOp(left, ast.Pow(), ast.Constant(int(exponent))):
                return self._arithmetic(left) ** exponent
            case ast.UnaryOp(ast.USub(), operand):
                return -self._arithmetic(operand)
            case ast.Constant(int(number) | float(number)):
                return number
            case ast.Name() | ast.Call(ast.Name("Q")):
                return Series(self._value(node))
        raise self._unknown(node)
