/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_GLM_ROWS_H
#define SOTTO_ENGINE_METHODS_GLM_ROWS_H

/* What the rounds of a model ask of rows, and how their formulas are written down. */

#include "methods/glm.h"

/* Rows of one call, in one round. */
struct sotto__model {
    struct sotto__recipe *recipe;
    enum sotto__family family;
    enum sotto__model_link link;
    enum sotto__errors errors;
    bool likelihood; /* the deviance is whole: with what no coefficient changes */
    size_t y;        /* of levels: the first of these */
    size_t levels[SOTTO__METHOD_COEFFICIENTS_MAX]; /* 1 in the rows of each but the first, else 0 */
    size_t levels_len;                             /* 0: y is a number */
    bool has_intercept;
    size_t x[SOTTO__METHOD_COEFFICIENTS_MAX]; /* a column of ones for the intercept, first */
    size_t k;
    size_t weights; /* SOTTO_NONE: there are none; likewise the offset */
    size_t offset;
    size_t present;
    size_t finite;
    size_t weighed;
    size_t valid;
};

static inline size_t number(const struct sotto__model *model, double value)
{
    return sotto__recipe_constant(model->recipe, value);
}

static inline size_t apply(const struct sotto__model *model, enum sotto__op_kind kind, size_t a,
                           size_t b)
{
    return sotto__recipe_apply(model->recipe, kind, a, b);
}

static inline size_t take(const struct sotto__model *model, enum sotto__op_kind kind, size_t a)
{
    return apply(model, kind, a, SOTTO_NONE);
}

/* a op number; number op a. */
static inline size_t with(const struct sotto__model *model, enum sotto__op_kind kind, size_t a,
                          double value)
{
    return apply(model, kind, a, number(model, value));
}

static inline size_t from(const struct sotto__model *model, double value, enum sotto__op_kind kind,
                          size_t a)
{
    return apply(model, kind, number(model, value), a);
}

static inline size_t add(const struct sotto__model *model, size_t a, size_t b)
{
    return apply(model, SOTTO__OP_ADD, a, b);
}

static inline size_t subtract(const struct sotto__model *model, size_t a, size_t b)
{
    return apply(model, SOTTO__OP_SUBTRACT, a, b);
}

static inline size_t multiply(const struct sotto__model *model, size_t a, size_t b)
{
    return apply(model, SOTTO__OP_MULTIPLY, a, b);
}

static inline size_t divide(const struct sotto__model *model, size_t a, size_t b)
{
    return apply(model, SOTTO__OP_DIVIDE, a, b);
}

/* A number in the rows that count. */
static inline size_t fill(const struct sotto__model *model, double value)
{
    return apply(model, SOTTO__OP_MASK, number(model, value), model->valid);
}

/* a, as one value: what judges rows takes sums and products apart, each part as if it were opened
 * alone, and of these only the whole is. */
static inline size_t seal(const struct sotto__model *model, size_t a)
{
    return with(model, SOTTO__OP_DIVIDE, a, 1);
}

/* log y, and of 0 a large negative number, which times 0 is 0. */
static inline size_t make_log_of_count(const struct sotto__model *model)
{
    return take(model, SOTTO__OP_LOG, with(model, SOTTO__OP_ADD, model->y, 1e-300));
}

/* a, as often as the row weighs. */
static inline size_t weigh(const struct sotto__model *model, size_t a)
{
    return model->weights == SOTTO_NONE ? a : multiply(model, model->weights, a);
}

/* --- glm_families.c, glm_levels.c --- */

/* What a row adds at coefficients. */
struct sotto__model_at {
    size_t r;       /* to the score, for each regressor */
    size_t w;       /* to the expected information, for each two of them */
    size_t w_there; /* likewise to the information as it is there: of a canonical link the same */
    size_t half;    /* to half of the deviance */
    size_t pearson;
};

/* At linear predictors, of a model without levels. */
struct sotto__model_at sotto__model_find(const struct sotto__model *model, size_t eta);
/* Counts and sums up half of a deviance. */
void sotto__model_ask_deviance(const struct sotto__model *model, size_t half);
/* Asks for the sums of what a row adds to the score, times each regressor, products rounded. */
void sotto__model_ask_score(const struct sotto__model *model, size_t r);
/* All rounds but the first one of a model of levels. */
void sotto__model_ask_levels(const struct sotto__model *model);

#endif
