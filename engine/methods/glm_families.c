/* SPDX-License-Identifier: Apache-2.0 */

/* What a row adds to the sums of a model, by its family and link. It leans on glm_rows.h: every
 * operation is rounded once, in the order that stands here. The one idea: there are no comparisons.
 * A sum over the rows on one side of a comparison would be a sum over a set of rows, with few in it
 * perhaps; so formulas are of a form that holds for all rows.
 *
 * eta being x'b, and o beside it where there is an offset,
 *
 *     binomial  with s = (2 y - 1) eta:
 *       logit   v = 1 / (1 + e^s)  is the probability of the other y,
 *               r = (2 y - 1) v,  w = t / (1 + t)^2  with t = e^-|eta|,  d / 2 = log(1 + e^-s)
 *       probit  h(s) is the normal's density over P(Z <= s),
 *               r = (2 y - 1) h(s),  w = h(s) h(-s),  w' = h(s) (h(s) + s),  d / 2 = -log P(Z <= s)
 *       cloglog with m = e^eta,  g = m / (e^m - 1):
 *               r = y g - (1 - y) m,  w = m g,  w' = y (w - g (1 - g)) + (1 - y) m,
 *               d / 2 = (1 - y) m - y log(1 - e^-m)
 *     poisson   mu = e^eta,  r = y - mu,  w = mu,  d / 2 = y (log y - eta) - (y - mu)
 *     gaussian  mu = eta,    r = y - mu,  w = 1,   d / 2 = (y - mu)^2 / 2
 *     gamma     q = y / mu,  d / 2 = q - 1 - log q
 *       inverse mu = 1 / eta,  r = mu - y,  w = mu^2
 *       log     mu = e^eta,    r = q - 1,   w = 1,  w' = q
 *
 * w is of the expected information, which standard errors are told of; w' is of the information as
 * it is at the row's y, by which steps go: of a canonical link both are the same. With likelihood=0
 * d lacks what is of y alone: mu - y eta, y eta - 1 - log eta, q + eta. */

#include "methods/glm_rows.h"

/* 2 y - 1 */
static size_t make_sign(const struct sotto__model *model)
{
    size_t sign = with(model, SOTTO__OP_MULTIPLY, model->y, 2);
    return with(model, SOTTO__OP_SUBTRACT, sign, 1);
}

static void set_logit(const struct sotto__model *model, struct sotto__model_at *out, size_t eta)
{
    size_t sign = make_sign(model);
    size_t s = multiply(model, sign, eta);
    size_t t = take(model, SOTTO__OP_LOGIT_TAIL, eta);
    out->r = multiply(model, sign, apply(model, SOTTO__OP_LOGIT_SHARE, s, t));
    out->w = take(model, SOTTO__OP_LOGIT_SLOPE, t);
    out->half = apply(model, SOTTO__OP_LOGIT_LOSS, s, t);
}

static void set_probit(const struct sotto__model *model, struct sotto__model_at *out, size_t eta)
{
    size_t sign = make_sign(model);
    size_t s = multiply(model, sign, eta);
    size_t slope = take(model, SOTTO__OP_NORMAL_SLOPE, s);
    size_t other = take(model, SOTTO__OP_NORMAL_SLOPE, take(model, SOTTO__OP_NEGATE, s));
    out->r = multiply(model, sign, slope);
    out->w = seal(model, multiply(model, slope, other));
    out->w_there = seal(model, multiply(model, slope, add(model, slope, s)));
    out->half = take(model, SOTTO__OP_NEGATE, take(model, SOTTO__OP_NORMAL_LOG, s));
}

/* (1 - y) e^eta as e^((1 - y) eta - 800 y), which is no product of 0 and infinity. */
static size_t make_mean_of_others(const struct sotto__model *model, size_t eta)
{
    size_t is_other = from(model, 1, SOTTO__OP_SUBTRACT, model->y);
    size_t below = with(model, SOTTO__OP_MULTIPLY, model->y, 800);
    return take(model, SOTTO__OP_EXP, subtract(model, multiply(model, is_other, eta), below));
}

static void set_cloglog(const struct sotto__model *model, struct sotto__model_at *out, size_t eta)
{
    size_t other = make_mean_of_others(model, eta);
    size_t slope = take(model, SOTTO__OP_LOGLOG_SLOPE, eta);
    size_t rest = from(model, 1, SOTTO__OP_SUBTRACT, slope);
    out->w = take(model, SOTTO__OP_EXP, add(model, eta, take(model, SOTTO__OP_LOG, slope)));
    out->r = seal(model, subtract(model, multiply(model, model->y, slope), other));
    rest = subtract(model, out->w, multiply(model, slope, rest));
    out->w_there = seal(model, add(model, multiply(model, model->y, rest), other));
    out->half = multiply(model, model->y, take(model, SOTTO__OP_LOGLOG_LOG, eta));
    out->half = subtract(model, other, out->half);
}

static void set_poisson(const struct sotto__model *model, struct sotto__model_at *out, size_t eta)
{
    out->w = take(model, SOTTO__OP_EXP, eta);
    out->r = subtract(model, model->y, out->w);
    if (model->likelihood) {
        out->half = subtract(model, make_log_of_count(model), eta);
        out->half = multiply(model, model->y, out->half);
        out->half = subtract(model, out->half, out->r);
    } else {
        out->half = subtract(model, out->w, multiply(model, model->y, eta));
    }
}

static void set_gaussian(const struct sotto__model *model, struct sotto__model_at *out, size_t eta)
{
    out->r = subtract(model, model->y, eta);
    out->w = fill(model, 1);
    out->pearson = multiply(model, out->r, out->r);
    out->half = with(model, SOTTO__OP_MULTIPLY, out->pearson, 0.5);
}

static void set_inverse_gamma(const struct sotto__model *model, struct sotto__model_at *out,
                              size_t eta)
{
    size_t mean = from(model, 1, SOTTO__OP_DIVIDE, eta);
    size_t ratio = multiply(model, model->y, eta);
    size_t excess = with(model, SOTTO__OP_SUBTRACT, ratio, 1);
    out->r = subtract(model, mean, model->y);
    out->w = multiply(model, mean, mean);
    out->pearson = multiply(model, excess, excess);
    out->half = take(model, SOTTO__OP_LOG, model->likelihood ? ratio : eta);
    out->half = subtract(model, excess, out->half);
}

static void set_log_gamma(const struct sotto__model *model, struct sotto__model_at *out, size_t eta)
{
    size_t ratio = take(model, SOTTO__OP_EXP, take(model, SOTTO__OP_NEGATE, eta));
    ratio = multiply(model, model->y, ratio);
    out->r = with(model, SOTTO__OP_SUBTRACT, ratio, 1);
    out->w = fill(model, 1);
    out->w_there = ratio;
    out->pearson = multiply(model, out->r, out->r);
    out->half = model->likelihood ? subtract(model, out->r, take(model, SOTTO__OP_LOG, ratio))
                                  : add(model, ratio, eta);
}

struct sotto__model_at sotto__model_find(const struct sotto__model *model, size_t eta)
{
    static void (*const setters[])(const struct sotto__model *model, struct sotto__model_at *out,
                                   size_t eta) = {
        [SOTTO__LINK_LOGIT] = set_logit,           [SOTTO__LINK_PROBIT] = set_probit,
        [SOTTO__LINK_CLOGLOG] = set_cloglog,       [SOTTO__LINK_IDENTITY] = set_gaussian,
        [SOTTO__LINK_INVERSE] = set_inverse_gamma, [SOTTO__LINK_LOG] = set_poisson};
    struct sotto__model_at at = {.pearson = fill(model, 0), .w_there = SOTTO_NONE};
    if (model->family == SOTTO__FAMILY_GAMMA && model->link == SOTTO__LINK_LOG) {
        set_log_gamma(model, &at, eta);
    } else {
        setters[model->link](model, &at, eta);
    }
    at.w_there = at.w_there == SOTTO_NONE ? at.w : at.w_there;
    return at;
}
