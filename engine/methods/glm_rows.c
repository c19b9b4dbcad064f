/* SPDX-License-Identifier: Apache-2.0 */

/* What a round of a model asks of rows. It leans on recipes: every operation is rounded once, in
 * the order that stands here, and exp and log are those of elementary.c, so that each row has the
 * same bits everywhere. The one idea: there are no comparisons. A sum over the rows on one side of
 * a comparison would be a sum over a set of rows, with few in it perhaps; so formulas are of a form
 * that holds for all rows.
 *
 * The first round is a regression's, of y on x, with what log-likelihoods need of y. In the others,
 * eta being x'b,
 *
 *     binomial  with s = (2 y - 1) eta:  v = 1 / (1 + e^s)  is the probability of the other y,
 *               r = (2 y - 1) v,  w = t / (1 + t)^2  with t = e^-|eta|,  d / 2 = log(1 + e^-s)
 *     poisson   mu = e^eta,  r = y - mu,  w = mu,  d / 2 = y (log y - eta) - (y - mu)
 *     gaussian  mu = eta,    r = y - mu,  w = 1,   d / 2 = (y - mu)^2 / 2
 *     gamma     mu = 1 / eta,  r = mu - y,  w = mu^2,  d / 2 = y eta - 1 - log(y eta)
 *     levels    eta[j] of each level but the first, whose eta is 0;  m near the largest of them,
 *               e[j] = e^(eta[j] - m),  p[j] = e[j] / sum(e),  q[j] = 1 - p[j] by the other e's,
 *               r[j] = q[j] in its rows, else -p[j],  w[j, j] = p[j] q[j],  w[j, l] = -p[j] p[l],
 *               d / 2 = log(sum(e)) - (eta[y] - m)
 *
 * With likelihood=0 d lacks what is of y alone: mu - y eta, y eta - 1 - log eta. */

#include "methods/glm.h"

/* Rows of one call, in one round. */
struct model {
    struct sotto__recipe *recipe;
    enum sotto__family family;
    enum sotto__errors errors;
    bool likelihood; /* the deviance is whole: with what no coefficient changes */
    size_t y;        /* of levels: the first of these */
    size_t levels[SOTTO__METHOD_COEFFICIENTS_MAX]; /* 1 in the rows of each but the first, else 0 */
    size_t levels_len;                             /* 0: y is a number */
    size_t x[SOTTO__METHOD_COEFFICIENTS_MAX];      /* a column of ones for the intercept */
    size_t k;
    size_t weights; /* SOTTO_NONE: there are none; likewise the offset */
    size_t offset;
    size_t present;
    size_t finite;
    size_t weighed;
    size_t valid;
};

static size_t number(const struct model *model, double value)
{
    return sotto__recipe_constant(model->recipe, value);
}

static size_t apply(const struct model *model, enum sotto__op_kind kind, size_t a, size_t b)
{
    return sotto__recipe_apply(model->recipe, kind, a, b);
}

static size_t take(const struct model *model, enum sotto__op_kind kind, size_t a)
{
    return apply(model, kind, a, SOTTO_NONE);
}

/* a op number; number op a. */
static size_t with(const struct model *model, enum sotto__op_kind kind, size_t a, double value)
{
    return apply(model, kind, a, number(model, value));
}

static size_t from(const struct model *model, double value, enum sotto__op_kind kind, size_t a)
{
    return apply(model, kind, number(model, value), a);
}

static size_t add(const struct model *model, size_t a, size_t b)
{
    return apply(model, SOTTO__OP_ADD, a, b);
}

static size_t subtract(const struct model *model, size_t a, size_t b)
{
    return apply(model, SOTTO__OP_SUBTRACT, a, b);
}

static size_t multiply(const struct model *model, size_t a, size_t b)
{
    return apply(model, SOTTO__OP_MULTIPLY, a, b);
}

static size_t divide(const struct model *model, size_t a, size_t b)
{
    return apply(model, SOTTO__OP_DIVIDE, a, b);
}

/* A number in the rows that count. */
static size_t fill(const struct model *model, double value)
{
    return apply(model, SOTTO__OP_MASK, number(model, value), model->valid);
}

/* a, as one value: what judges rows takes sums and products apart, each part as if it were opened
 * alone, and of these only the whole is. */
static size_t seal(const struct model *model, size_t a)
{
    return with(model, SOTTO__OP_DIVIDE, a, 1);
}

/* 1 / (1 + e^a) */
static size_t make_share(const struct model *model, size_t a)
{
    size_t sum = with(model, SOTTO__OP_ADD, take(model, SOTTO__OP_EXP, a), 1);
    return from(model, 1, SOTTO__OP_DIVIDE, sum);
}

/* log y, and of 0 a large negative number, which times 0 is 0. */
static size_t make_log_of_count(const struct model *model)
{
    return take(model, SOTTO__OP_LOG, with(model, SOTTO__OP_ADD, model->y, 1e-300));
}

/* --- Variables --- */

/* a, missing where b is no number: infinite, or missing. */
static size_t keep_finite(const struct model *model, size_t a, size_t b)
{
    return apply(model, SOTTO__OP_MASK, a, subtract(model, b, b));
}

/* Something that is no number where the family has no such y. */
static size_t make_proof(const struct model *model)
{
    size_t proof = model->y;
    switch (model->family) {
    case SOTTO__FAMILY_BINOMIAL: /* 0 and 1 */
        proof = from(model, 1, SOTTO__OP_SUBTRACT, proof);
        proof = multiply(model, proof, model->y);
        proof = take(model, SOTTO__OP_ABS, proof);
        proof = take(model, SOTTO__OP_NEGATE, proof);
        return take(model, SOTTO__OP_SQRT, proof);
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
static size_t take_argument(const struct model *model, size_t argument)
{
    return take(model, SOTTO__OP_FLOAT, sotto__recipe_row(model->recipe, argument));
}

/* Finds what is explained. Returns: the first argument behind it. */
static size_t find_outcome(struct model *model, const struct sotto__node *call)
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
static size_t find_rows(struct model *model, const struct sotto__options *options, size_t len)
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
static void keep_rows(struct model *model, size_t row)
{
    if (row != SOTTO_NONE) {
        model->finite = keep_finite(model, model->finite, row);
    }
}

/* a, as often as the row weighs. */
static size_t weigh(const struct model *model, size_t a)
{
    return model->weights == SOTTO_NONE ? a : multiply(model, model->weights, a);
}

/* Finds the variables, and masks each where any other one has no value. */
static void model_init(struct model *out, struct sotto__recipe *recipe,
                       const struct sotto__node *call)
{
    const struct sotto__options *options = &call->options;
    size_t len = sotto__recipe_arguments_len(recipe);
    *out = (struct model){.recipe = recipe,
                          .family = options->family,
                          .errors = options->errors,
                          .likelihood = options->likelihood};
    size_t first = find_outcome(out, call);
    len -= find_rows(out, options, len);
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
static size_t make_log_factorial(const struct model *model)
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
static void ask_values(const struct model *model)
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
static void ask_times_each(const struct model *model, size_t a)
{
    for (size_t i = 0; i < model->k; i++) {
        (void)sotto__recipe_sum(model->recipe, multiply(model, a, model->x[i]), SOTTO_NONE);
    }
}

/* Asks for X'1, X'o, X'y and X'X of rows with weights, each product rounded. */
static void ask_weighted_products(const struct model *model)
{
    ask_times_each(model, model->weights);
    if (model->offset != SOTTO_NONE) {
        ask_times_each(model, weigh(model, model->offset));
    }
    ask_times_each(model, weigh(model, model->y));
    (void)sotto__recipe_gram(model->recipe, model->x, model->k, model->weights);
}

/* Asks for X'1, X'o, X'y and X'X. */
static void ask_products(const struct model *model)
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

static void ask_start(const struct model *model)
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
        (void)sotto__recipe_sum(model->recipe, model->levels[i], SOTTO_NONE);
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

/* What a row adds at the coefficients. */
struct at {
    size_t r;
    size_t w;
    size_t half; /* of its deviance */
    size_t pearson;
};

/* log(1 + e^-s) = max(-s, 0) + log(u) - ((u - 1) - t) / u, t = e^-|s|, u = 1 + t rounded: what
 * rounding has taken is put back. */
static size_t make_loss(const struct model *model, size_t s, size_t t, size_t u)
{
    size_t beyond = take(model, SOTTO__OP_ABS, s);
    beyond = with(model, SOTTO__OP_MULTIPLY, subtract(model, beyond, s), 0.5);
    size_t lost = with(model, SOTTO__OP_SUBTRACT, u, 1);
    lost = divide(model, subtract(model, lost, t), u);
    size_t log = take(model, SOTTO__OP_LOG, u);
    return add(model, beyond, subtract(model, log, lost));
}

static void set_binomial(const struct model *model, struct at *out, size_t eta)
{
    size_t sign = with(model, SOTTO__OP_MULTIPLY, model->y, 2);
    sign = with(model, SOTTO__OP_SUBTRACT, sign, 1);
    size_t s = multiply(model, sign, eta);
    size_t t = take(model, SOTTO__OP_NEGATE, take(model, SOTTO__OP_ABS, eta));
    t = take(model, SOTTO__OP_EXP, t);
    size_t u = with(model, SOTTO__OP_ADD, t, 1);
    out->r = multiply(model, sign, make_share(model, s));
    out->w = divide(model, t, multiply(model, u, u));
    out->half = make_loss(model, s, t, u);
}

static void set_poisson(const struct model *model, struct at *out, size_t eta)
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

static void set_gaussian(const struct model *model, struct at *out, size_t eta)
{
    out->r = subtract(model, model->y, eta);
    out->w = fill(model, 1);
    out->pearson = multiply(model, out->r, out->r);
    out->half = with(model, SOTTO__OP_MULTIPLY, out->pearson, 0.5);
}

static void set_gamma(const struct model *model, struct at *out, size_t eta)
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

static void ask_deviance(const struct model *model, size_t half, size_t pearson)
{
    half = seal(model, half);
    (void)sotto__recipe_count(model->recipe, half);
    (void)sotto__recipe_sum(model->recipe, half, SOTTO_NONE);
    (void)sotto__recipe_sum(model->recipe, pearson, SOTTO_NONE);
}

static void ask_round(const struct model *model)
{
    struct at at = {.pearson = fill(model, 0)};
    size_t place = sotto__recipe_parameters(model->recipe, SOTTO__GLM_BETA, model->k);
    size_t eta = sotto__recipe_linear(model->recipe, model->x, model->k, place);
    if (model->offset != SOTTO_NONE) {
        eta = add(model, eta, model->offset);
    }
    switch (model->family) {
    case SOTTO__FAMILY_BINOMIAL:
        set_binomial(model, &at, eta);
        break;
    case SOTTO__FAMILY_POISSON:
        set_poisson(model, &at, eta);
        break;
    case SOTTO__FAMILY_GAMMA:
        set_gamma(model, &at, eta);
        break;
    default:
        set_gaussian(model, &at, eta);
        break;
    }
    at.r = weigh(model, at.r);
    ask_deviance(model, weigh(model, at.half), weigh(model, at.pearson));
    ask_times_each(model, at.r);
    (void)sotto__recipe_gram(model->recipe, model->x, model->k, weigh(model, at.w));
    if (model->errors != SOTTO__ERRORS_NONROBUST) {
        size_t square = multiply(model, at.r, at.r);
        (void)sotto__recipe_gram(model->recipe, model->x, model->k, square);
    }
}

/* --- The other rounds of levels --- */

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
static size_t take_larger(const struct model *model, size_t a, size_t b)
{
    size_t apart = take(model, SOTTO__OP_ABS, subtract(model, a, b));
    return with(model, SOTTO__OP_MULTIPLY, add(model, add(model, a, b), apart), 0.5);
}

static void set_below(const struct model *model, struct shares *out)
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
static size_t sum_others(const struct model *model, const size_t *rows, size_t len, size_t one)
{
    size_t sum = rows[one == 0];
    for (size_t i = one == 0 ? 2 : 1; i < len; i++) {
        sum = i == one ? sum : add(model, sum, rows[i]);
    }
    return sum;
}

static void set_shares(const struct model *model, struct shares *out)
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
static size_t make_loss_of_levels(const struct model *model, const struct shares *shares)
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

static void ask_round_of_levels(const struct model *model)
{
    struct shares shares = {.len = 0};
    set_shares(model, &shares);
    ask_deviance(model, make_loss_of_levels(model, &shares), fill(model, 0));
    for (size_t i = 1; i < shares.len; i++) {
        size_t level = model->levels[i - 1];
        size_t other = with(model, SOTTO__OP_SUBTRACT, level, 1);
        size_t residual = multiply(model, level, shares.q[i]);
        ask_times_each(model, add(model, residual, multiply(model, other, shares.p[i])));
    }
    for (size_t i = 1; i < shares.len; i++) {
        size_t less = take(model, SOTTO__OP_NEGATE, shares.p[i]);
        for (size_t j = i; j < shares.len; j++) {
            size_t w = i == j ? multiply(model, shares.p[i], shares.q[i])
                              : multiply(model, less, shares.p[j]);
            (void)sotto__recipe_gram(model->recipe, model->x, model->k, w);
        }
    }
}

void sotto__glm_ask(struct sotto__recipe *recipe, unsigned round)
{
    struct model model;
    model_init(&model, recipe, &recipe->call->expression->nodes[recipe->call->node]);
    if (round == 1) {
        sotto__recipe_tell_nan(recipe, model.present);
        ask_start(&model);
    } else if (model.levels_len > 0) {
        ask_round_of_levels(&model);
    } else {
        ask_round(&model);
    }
}
