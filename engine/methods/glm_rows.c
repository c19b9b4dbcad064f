/* SPDX-License-Identifier: Apache-2.0 */

/* What a round of a model asks of rows. It leans on recipes: every operation is rounded once, in
 * the order that stands here, and exp and log are those of elementary.c, so that each row has the
 * same bits everywhere. The first round is a regression's, of y on x, with what log-likelihoods
 * need of y. The others ask for what glm_families.c and glm_levels.c have of each row. */

#include "methods/glm_rows.h"

/* --- Variables --- */

/* a, missing where b is no number: infinite, or missing. */
static size_t keep_finite(const struct sotto__model *model, size_t a, size_t b)
{
    return apply(model, SOTTO__OP_MASK, a, subtract(model, b, b));
}

/* Something that is no number where the family has no such y. */
static size_t make_proof(const struct sotto__model *model)
{
    size_t proof = model->y;
    switch (model->family) {
    case SOTTO__FAMILY_BINOMIAL: /* 0 and 1 */
        return take(model, SOTTO__OP_TRUTH, proof);
    case SOTTO__FAMILY_POISSON: /* 0 and above */
        return take(model, SOTTO__OP_SQRT, proof);
    case SOTTO__FAMILY_GAMMA: /* above 0 */
        proof = take(model, SOTTO__OP_LOG, proof);
        return subtract(model, proof, proof);
    default:
        return proof;
    }
}

/* An argument as doubles. */
static size_t take_argument(const struct sotto__model *model, size_t argument)
{
    return take(model, SOTTO__OP_FLOAT, sotto__recipe_row(model->recipe, argument));
}

/* Finds what is explained. Returns: the first argument behind it. */
static size_t find_outcome(struct sotto__model *model, const struct sotto__node *call)
{
    if (call->row_levels_len == 0) {
        model->y = take_argument(model, 0);
        return 1;
    }
    model->family = SOTTO__FAMILY_MULTINOMIAL;
    model->levels_len = call->row_levels_len - 1;
    for (size_t i = 0; i < model->levels_len; i++) {
        model->levels[i] = take_argument(model, 1 + i);
    }
    model->y = model->levels[0];
    return 1 + model->levels_len;
}

/* Finds the weights and the offset among len arguments. Returns: how many of these they are. */
static size_t find_rows(struct sotto__model *model, const struct sotto__options *options,
                        size_t len)
{
    size_t found = (size_t)(options->weights_at > 0) + (size_t)(options->offset_at > 0);
    model->weights = model->offset = SOTTO_NONE;
    if (options->weights_at > 0) {
        model->weights = take_argument(model, len - found + options->weights_at - 1);
    }
    if (options->offset_at > 0) {
        model->offset = take_argument(model, len - found + options->offset_at - 1);
    }
    return found;
}

/* Leaves out rows without a weight, or an offset. */
static void keep_rows(struct sotto__model *model, size_t row)
{
    if (row != SOTTO_NONE) {
        model->finite = keep_finite(model, model->finite, row);
    }
}

/* Finds the variables, and masks each where any other one has no value. */
static void model_init(struct sotto__model *out, struct sotto__recipe *recipe,
                       const struct sotto__node *call)
{
    const struct sotto__options *options = &call->options;
    size_t len = sotto__recipe_arguments_len(recipe);
    *out = (struct sotto__model){.recipe = recipe,
                                 .family = options->family,
                                 .link = options->link,
                                 .errors = options->errors,
                                 .likelihood = options->likelihood};
    size_t first = find_outcome(out, call);
    len -= find_rows(out, options, len);
    out->has_intercept = options->intercept;
    out->k = options->intercept;
    out->x[0] = number(out, 1);
    out->present = out->y;
    for (size_t i = first; i < len; i++) {
        out->x[out->k] = take_argument(out, i);
        out->present = apply(out, SOTTO__OP_MASK, out->present, out->x[out->k++]);
    }
    if (out->weights != SOTTO_NONE) {
        out->present = apply(out, SOTTO__OP_MASK, out->present, out->weights);
    }
    if (out->offset != SOTTO_NONE) {
        out->present = apply(out, SOTTO__OP_MASK, out->present, out->offset);
    }
    out->finite = keep_finite(out, out->present, out->y);
    for (size_t i = options->intercept; i < out->k; i++) {
        out->finite = keep_finite(out, out->finite, out->x[i]);
    }
    keep_rows(out, out->weights);
    keep_rows(out, out->offset);
    out->weighed = out->finite;
    if (out->weights != SOTTO_NONE) { /* the logarithm of what is not above 0 is no number */
        out->weighed = keep_finite(out, out->finite, take(out, SOTTO__OP_LOG, out->weights));
    }
    size_t proof = make_proof(out);
    out->valid = apply(out, SOTTO__OP_MASK, out->weighed, proof);
    out->y = apply(out, SOTTO__OP_MASK, out->y, out->valid);
    for (size_t i = 0; i < out->k; i++) {
        out->x[i] = apply(out, SOTTO__OP_MASK, out->x[i], out->valid);
    }
    if (out->weights != SOTTO_NONE) {
        out->weights = apply(out, SOTTO__OP_MASK, out->weights, out->valid);
    }
    if (out->offset != SOTTO_NONE) {
        out->offset = apply(out, SOTTO__OP_MASK, out->offset, out->valid);
    }
    for (size_t i = 0; i < out->levels_len; i++) {
        out->levels[i] = apply(out, SOTTO__OP_MASK, out->levels[i], out->valid);
    }
}

/* --- The first round --- */

/* log y! less log(2 pi) / 2, by Stirling's series for the factorial of y + 16, whose next term is
 * below 1e-16, and the product of 16 numbers. */
static size_t make_log_factorial(const struct sotto__model *model)
{
    static const double terms[] = {1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188};
    size_t z = with(model, SOTTO__OP_ADD, model->y, 17);
    size_t product = with(model, SOTTO__OP_ADD, model->y, 1);
    for (int i = 2; i <= 16; i++) {
        size_t factor = with(model, SOTTO__OP_ADD, model->y, i);
        product = multiply(model, product, factor);
    }
    size_t inverse = from(model, 1, SOTTO__OP_DIVIDE, z);
    size_t square = multiply(model, inverse, inverse);
    size_t series = number(model, 0);
    for (size_t i = sizeof terms / sizeof terms[0]; i-- > 0;) {
        series = with(model, SOTTO__OP_ADD, multiply(model, series, square), terms[i]);
    }
    series = multiply(model, series, inverse);
    size_t value = with(model, SOTTO__OP_SUBTRACT, z, 0.5);
    value = multiply(model, value, take(model, SOTTO__OP_LOG, z));
    value = add(model, subtract(model, value, z), series);
    return seal(model, subtract(model, value, take(model, SOTTO__OP_LOG, product)));
}

/* The sums of y that log-likelihoods need. */
static void ask_values(const struct sotto__model *model)
{
    size_t own = fill(model, 0);
    size_t other = own;
    bool is_needed = model->likelihood || model->family == SOTTO__FAMILY_GAUSSIAN;
    switch (is_needed ? model->family : SOTTO__FAMILY_BINOMIAL) {
    case SOTTO__FAMILY_GAUSSIAN:
        own = multiply(model, model->y, model->y);
        break;
    case SOTTO__FAMILY_POISSON:
        own = seal(model, multiply(model, model->y, make_log_of_count(model)));
        other = make_log_factorial(model);
        break;
    case SOTTO__FAMILY_GAMMA:
        own = take(model, SOTTO__OP_LOG, model->y);
        break;
    default:
        break;
    }
    (void)sotto__recipe_sum(model->recipe, weigh(model, model->y), SOTTO_NONE);
    (void)sotto__recipe_sum(model->recipe, weigh(model, own), SOTTO_NONE);
    (void)sotto__recipe_sum(model->recipe, weigh(model, other), SOTTO_NONE);
}

/* Asks for the sums of a times each regressor. */
static void ask_times_each(const struct sotto__model *model, size_t a)
{
    for (size_t i = 0; i < model->k; i++) {
        (void)sotto__recipe_sum(model->recipe, multiply(model, a, model->x[i]), SOTTO_NONE);
    }
}

void sotto__model_ask_score(const struct sotto__model *model, size_t r)
{
    if (model->has_intercept) {
        (void)sotto__recipe_sum(model->recipe, r, SOTTO_NONE);
    }
    for (size_t i = model->has_intercept; i < model->k; i++) {
        (void)sotto__recipe_rounded(model->recipe, r, model->x[i]);
    }
}

/* Asks for X'1, X'o, X'y and X'X of rows with weights, each product rounded. */
static void ask_weighted_products(const struct sotto__model *model)
{
    ask_times_each(model, model->weights);
    if (model->offset != SOTTO_NONE) {
        ask_times_each(model, weigh(model, model->offset));
    }
    for (size_t i = 0; i < model->levels_len; i++) {
        ask_times_each(model, weigh(model, model->levels[i]));
    }
    if (model->levels_len == 0) {
        ask_times_each(model, weigh(model, model->y));
    }
    (void)sotto__recipe_gram(model->recipe, model->x, model->k, model->weights);
}

/* Asks for X'1, X'o, X'y and X'X. */
static void ask_products(const struct sotto__model *model)
{
    const size_t *y = model->levels_len > 0 ? model->levels : &model->y;
    size_t y_len = model->levels_len > 0 ? model->levels_len : 1;
    for (size_t i = 0; i < model->k; i++) {
        (void)sotto__recipe_sum(model->recipe, model->x[i], SOTTO_NONE);
    }
    if (model->offset != SOTTO_NONE) {
        ask_times_each(model, model->offset);
    }
    for (size_t i = 0; i < y_len * model->k; i++) {
        (void)sotto__recipe_pair(model->recipe, model->x[i % model->k], y[i / model->k]);
    }
    (void)sotto__recipe_gram(model->recipe, model->x, model->k, SOTTO_NONE);
}

static void ask_start(const struct sotto__model *model)
{
    (void)sotto__recipe_count(model->recipe, model->present);
    (void)sotto__recipe_count(model->recipe, model->finite);
    (void)sotto__recipe_count(model->recipe, model->weighed);
    (void)sotto__recipe_count(model->recipe, model->valid);
    if (model->weights != SOTTO_NONE) {
        (void)sotto__recipe_sum(model->recipe, model->weights, SOTTO_NONE);
    } else {
        (void)sotto__recipe_count(model->recipe, model->valid);
    }
    for (size_t i = 0; i < model->levels_len; i++) {
        (void)sotto__recipe_sum(model->recipe, weigh(model, model->levels[i]), SOTTO_NONE);
    }
    if (model->levels_len == 0) {
        ask_values(model);
    }
    if (model->weights != SOTTO_NONE) {
        ask_weighted_products(model);
    } else {
        ask_products(model);
    }
}

/* --- The other rounds --- */

void sotto__model_ask_deviance(const struct sotto__model *model, size_t half)
{
    half = seal(model, half);
    (void)sotto__recipe_count(model->recipe, half);
    (void)sotto__recipe_sum(model->recipe, half, SOTTO_NONE);
}

/* Asks for the sums of the model of an intercept and the offset; or of the offset alone. */
static void ask_null(const struct sotto__model *model)
{
    size_t place = sotto__recipe_parameters(model->recipe, SOTTO__GLM_NULL_BETA, 1);
    size_t eta = add(model, sotto__recipe_number(model->recipe, place), model->offset);
    const struct sotto__model_at at = sotto__model_find(model, eta);
    sotto__model_ask_deviance(model, weigh(model, at.half));
    if (model->has_intercept) {
        (void)sotto__recipe_sum(model->recipe, weigh(model, at.r), SOTTO_NONE);
        (void)sotto__recipe_sum(model->recipe, weigh(model, at.w_there), SOTTO_NONE);
    }
}

static void ask_round(const struct sotto__model *model)
{
    struct sotto__recipe *recipe = model->recipe;
    size_t place = sotto__recipe_parameters(recipe, SOTTO__GLM_BETA, model->k);
    size_t eta = sotto__recipe_linear(recipe, model->x, model->k, place);
    if (model->offset != SOTTO_NONE) {
        eta = add(model, eta, model->offset);
    }
    const struct sotto__model_at at = sotto__model_find(model, eta);
    size_t r = weigh(model, at.r);
    sotto__model_ask_deviance(model, weigh(model, at.half));
    (void)sotto__recipe_sum(recipe, weigh(model, at.pearson), SOTTO_NONE);
    sotto__model_ask_score(model, r);
    (void)sotto__recipe_gram(recipe, model->x, model->k, weigh(model, at.w_there));
    if (at.w_there != at.w) {
        (void)sotto__recipe_gram(recipe, model->x, model->k, weigh(model, at.w));
    }
    if (model->errors != SOTTO__ERRORS_NONROBUST) {
        (void)sotto__recipe_gram(recipe, model->x, model->k, multiply(model, r, r));
    }
    if (model->offset != SOTTO_NONE && model->likelihood) {
        ask_null(model);
    }
}

void sotto__glm_ask(struct sotto__recipe *recipe, unsigned round)
{
    struct sotto__model model;
    const struct sotto__node *call = &recipe->call->expression->nodes[recipe->call->node];
    model_init(&model, recipe, call);
    if (round == 1) {
        sotto__recipe_tell_nan(recipe, model.present);
        ask_start(&model);
    } else if (model.levels_len > 0) {
        sotto__model_ask_levels(&model);
    } else {
        ask_round(&model);
    }
}
