/* SPDX-License-Identifier: Apache-2.0 */

/* What the rounds of a model of levels ask of rows, but for the first one. It leans on glm_rows.h,
 * as glm_rows.c does. eta[j] is of each level but the first, whose eta is 0:
 *
 *     m near the largest of them,  e[j] = e^(eta[j] - m),  p[j] = e[j] / sum(e),
 *     q[j] = 1 - p[j] by the other e's,  r[j] = q[j] in its rows, else -p[j],
 *     w[j, j] = p[j] q[j],  w[j, l] = -p[j] p[l],  d / 2 = log(sum(e)) - (eta[y] - m) */

#include "methods/glm_rows.h"

/* What a row has of each level, the first one too. */
struct shares {
    size_t len;
    size_t below[1 + SOTTO__METHOD_COEFFICIENTS_MAX]; /* eta less the largest one */
    size_t e[1 + SOTTO__METHOD_COEFFICIENTS_MAX];     /* e^ that */
    size_t sum;                                       /* of these */
    size_t p[1 + SOTTO__METHOD_COEFFICIENTS_MAX];     /* the probability */
    size_t q[1 + SOTTO__METHOD_COEFFICIENTS_MAX];     /* that of all others */
};

/* The larger one, or a number beside it. */
static size_t take_larger(const struct sotto__model *model, size_t a, size_t b)
{
    size_t apart = take(model, SOTTO__OP_ABS, subtract(model, a, b));
    return with(model, SOTTO__OP_MULTIPLY, add(model, add(model, a, b), apart), 0.5);
}

static void set_below(const struct sotto__model *model, struct shares *out)
{
    size_t place =
        sotto__recipe_parameters(model->recipe, SOTTO__GLM_BETA, model->levels_len * model->k);
    size_t largest = fill(model, 0);
    out->len = 1 + model->levels_len;
    out->below[0] = largest;
    for (size_t i = 1; i < out->len; i++) {
        out->below[i] =
            sotto__recipe_linear(model->recipe, model->x, model->k, place + (i - 1) * model->k);
        largest = take_larger(model, largest, out->below[i]);
    }
    for (size_t i = 0; i < out->len; i++) {
        out->below[i] = subtract(model, out->below[i], largest);
    }
}

/* The sum of all of len numbers but one; SOTTO_NONE: of all. */
static size_t sum_others(const struct sotto__model *model, const size_t *rows, size_t len,
                         size_t one)
{
    size_t sum = rows[one == 0];
    for (size_t i = one == 0 ? 2 : 1; i < len; i++) {
        sum = i == one ? sum : add(model, sum, rows[i]);
    }
    return sum;
}

static void set_shares(const struct sotto__model *model, struct shares *out)
{
    set_below(model, out);
    for (size_t i = 0; i < out->len; i++) {
        out->e[i] = take(model, SOTTO__OP_EXP, out->below[i]);
    }
    out->sum = sum_others(model, out->e, out->len, SOTTO_NONE);
    for (size_t i = 1; i < out->len; i++) {
        out->p[i] = divide(model, out->e[i], out->sum);
        out->q[i] = divide(model, sum_others(model, out->e, out->len, i), out->sum);
    }
}

/* log(sum) less what the row's own level is below the largest one. */
static size_t make_loss(const struct sotto__model *model, const struct shares *shares)
{
    size_t first = fill(model, 1); /* 1 in the rows of the first level */
    size_t own = fill(model, 0);
    for (size_t i = 1; i < shares->len; i++) {
        size_t level = model->levels[i - 1];
        first = subtract(model, first, level);
        own = add(model, own, multiply(model, level, shares->below[i]));
    }
    own = add(model, own, multiply(model, first, shares->below[0]));
    return subtract(model, take(model, SOTTO__OP_LOG, shares->sum), own);
}

/* Sets out to what each level but the first adds to the score, the row's weight in it. */
static void make_scores(size_t *out, const struct sotto__model *model, const struct shares *shares)
{
    for (size_t i = 1; i < shares->len; i++) {
        size_t level = model->levels[i - 1];
        size_t other = with(model, SOTTO__OP_SUBTRACT, level, 1);
        size_t own = multiply(model, level, shares->q[i]);
        out[i] = weigh(model, add(model, own, multiply(model, other, shares->p[i])));
    }
}

/* Asks for x x' times what each two levels have of the information. */
static void ask_information(const struct sotto__model *model, const struct shares *shares)
{
    for (size_t i = 1; i < shares->len; i++) {
        size_t less = take(model, SOTTO__OP_NEGATE, shares->p[i]);
        for (size_t j = i; j < shares->len; j++) {
            size_t w = i == j ? multiply(model, shares->p[i], shares->q[i])
                              : multiply(model, less, shares->p[j]);
            (void)sotto__recipe_gram(model->recipe, model->x, model->k, weigh(model, w));
        }
    }
}

void sotto__model_ask_levels(const struct sotto__model *model)
{
    struct shares shares = {.len = 0};
    size_t scores[1 + SOTTO__METHOD_COEFFICIENTS_MAX];
    set_shares(model, &shares);
    make_scores(scores, model, &shares);
    sotto__model_ask_deviance(model, weigh(model, make_loss(model, &shares)));
    (void)sotto__recipe_sum(model->recipe, fill(model, 0), SOTTO_NONE);
    for (size_t i = 1; i < shares.len; i++) {
        sotto__model_ask_score(model, scores[i]);
    }
    ask_information(model, &shares);
    for (size_t i = 1; i < shares.len && model->errors != SOTTO__ERRORS_NONROBUST; i++) {
        for (size_t j = i; j < shares.len; j++) {
            size_t product = seal(model, multiply(model, scores[i], scores[j]));
            (void)sotto__recipe_gram(model->recipe, model->x, model->k, product);
        }
    }
}
