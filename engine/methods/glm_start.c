/* SPDX-License-Identifier: Apache-2.0 */

/* The first round of a model: whether its rows have one, and the coefficients of the second round.
 * It leans on glm_likelihood.c for the model in which all means are that of y, from which the first
 * step goes: its weights are all the same, so the sums of a linear regression are enough. The same
 * holds where all coefficients are 0, with the expected information. Only other ones that a plan
 * has are looked at first. */

#include "methods/glm.h"
#include "methods/glm_likelihood.h"

#include <math.h>
#include <sotto/alloc.h>

/* --- Rows that have no model --- */

/* Why levels have no model. NULL: they may have one. */
static const char *find_fault_of_levels(const struct sotto__fit *fit,
                                        const struct sotto__value *sums)
{
    mpq_t rest;
    mpq_init(rest);
    mpq_set(rest, sums[SOTTO__GLM_WEIGHT].number);
    bool has_all = true;
    for (size_t i = 0; i < fit->equations; i++) {
        mpq_srcptr rows = sums[SOTTO__GLM_LEVELS + i].number;
        has_all = has_all && mpq_sgn(rows) != 0;
        mpq_sub(rest, rest, rows);
    }
    has_all = has_all && mpq_sgn(rest) != 0;
    mpq_clear(rest);
    return has_all ? NULL : "no row has one of the levels of y";
}

/* Why y has no model of the family, whatever the regressors are. NULL: it may have one. */
static const char *find_fault_of_y(const struct sotto__fit *fit, const struct sotto__value *sums)
{
    static const char *const values[] = {
        [SOTTO__FAMILY_BINOMIAL] = "y is not 0 or 1 in some rows",
        [SOTTO__FAMILY_POISSON] = "y is below 0 in some rows",
        [SOTTO__FAMILY_GAMMA] = "y is 0 or below in some rows",
    };
    const struct sotto__value *y = &sums[SOTTO__GLM_Y];
    if (mpq_equal(sums[SOTTO__GLM_WEIGHED].number, sums[SOTTO__GLM_FINITE].number) == 0) {
        return "a weight is 0 or below in some rows";
    }
    if (fit->family == SOTTO__FAMILY_MULTINOMIAL) {
        return find_fault_of_levels(fit, sums);
    }
    if (mpq_equal(sums[SOTTO__GLM_VALID].number, sums[SOTTO__GLM_FINITE].number) == 0) {
        return values[fit->family];
    }
    if (fit->family == SOTTO__FAMILY_BINOMIAL &&
        (mpq_sgn(y->number) == 0 || mpq_equal(y->number, sums[SOTTO__GLM_WEIGHT].number) != 0)) {
        return "complete separation: y is the same in all rows";
    }
    if (fit->family == SOTTO__FAMILY_POISSON && mpq_sgn(y->number) == 0) {
        return "complete separation: y is 0 in all rows";
    }
    return NULL;
}

static bool are_finite(const struct sotto__value *sums, size_t len)
{
    bool finite = true;
    for (size_t i = 0; i < len; i++) {
        finite = finite && sums[i].kind == SOTTO__VALUE_FINITE;
    }
    return finite;
}

/* Why the first sums lead to no model. NULL: they may lead to one. *out_is_failure: an error, where
 * there are no groups; too few rows to ask for anything are none, as in ols. */
static const char *find_fault(bool *out_is_failure, const struct sotto__fit *fit,
                              const struct sotto__value *sums)
{
    mpq_srcptr present = sums[SOTTO__GLM_PRESENT].number;
    *out_is_failure = false;
    if (mpq_cmp_ui(present, fit->k, 1) <= 0) {
        return "no more rows than coefficients";
    }
    if (mpq_cmp(present, sums[SOTTO__GLM_FINITE].number) != 0) {
        return "infinite values";
    }
    *out_is_failure = true;
    const char *fault = find_fault_of_y(fit, sums);
    return fault == NULL && !are_finite(sums, fit->step->asked_len)
               ? "values are too large: scale them"
               : fault;
}

/* Whether some rows have these sums of weights and of y, where nothing is at fault. */
static bool has_rows(const struct sotto__fit *fit, const struct sotto__value *sums)
{
    mpq_srcptr weight = sums[SOTTO__GLM_WEIGHT].number;
    bool is_of_levels = fit->family == SOTTO__FAMILY_MULTINOMIAL;
    size_t parts_len = is_of_levels ? fit->equations : fit->family != SOTTO__FAMILY_GAUSSIAN;
    bool has = mpq_sgn(weight) > 0 &&
               mpq_equal(sums[SOTTO__GLM_VALID].number, sums[SOTTO__GLM_FINITE].number) != 0;
    mpq_t rest;
    mpq_init(rest);
    mpq_set(rest, weight);
    for (size_t i = 0; i < parts_len; i++) {
        has = has && mpq_sgn(sums[SOTTO__GLM_Y + i].number) > 0;
        mpq_sub(rest, rest, sums[SOTTO__GLM_Y + i].number);
    }
    has = has && ((!is_of_levels && fit->family != SOTTO__FAMILY_BINOMIAL) || mpq_sgn(rest) > 0);
    mpq_clear(rest);
    return has;
}

/* Why equations have no solution, of the columns themselves. */
static enum sotto_status end_singular(const struct sotto__fit *fit,
                                      const struct sotto__equations *equations, size_t rank,
                                      struct sotto_error *err)
{
    return rank < equations->k && !fit->step->is_grouped
               ? sotto__normal_fail(&equations->normal, rank, fit->name, fit->labels, err)
               : sotto__fit_end_without(fit,
                                        "a regressor is a combination of the others, or nearly "
                                        "so, or 0 in every row",
                                        err);
}

/* --- What only the first round tells --- */

/* The deviance without regressors; without an intercept, of coefficients of 0. With an offset it is
 * not known yet. */
static double find_null_deviance(const struct sotto__fit *fit, const struct sotto__value *sums,
                                 bool has_intercept)
{
    mpq_srcptr n = sums[SOTTO__GLM_WEIGHT].number;
    if (fit->options->offset_at > 0) {
        return (double)NAN;
    }
    return fit->family == SOTTO__FAMILY_MULTINOMIAL
               ? sotto__glm_null_deviance_of_levels(n, &sums[SOTTO__GLM_LEVELS], fit->equations,
                                                    has_intercept)
               : sotto__glm_null_deviance(fit->family, fit->link, n, sums[SOTTO__GLM_Y].number,
                                          sums[SOTTO__GLM_Y_OWN].number, has_intercept);
}

static double find_constant(const struct sotto__fit *fit, const struct sotto__value *sums)
{
    return fit->family == SOTTO__FAMILY_MULTINOMIAL
               ? 0
               : sotto__glm_constant(fit->family, sums[SOTTO__GLM_WEIGHT].number,
                                     sums[SOTTO__GLM_Y].number, sums[SOTTO__GLM_Y_OWN].number,
                                     sums[SOTTO__GLM_Y_OTHER].number);
}

/* --- The coefficients of the second round --- */

/* What stands behind the first sums. */
struct products {
    const struct sotto__value *ones;   /* X'1 */
    const struct sotto__value *offset; /* X'o; NULL: there is none */
    const struct sotto__value *y;      /* X'y, of levels of each but the first */
    const struct sotto__value *x;      /* X'X, its upper triangle */
};

static struct products find_products(const struct sotto__fit *fit, const struct sotto__value *sums)
{
    size_t k = fit->regressors;
    bool is_of_levels = fit->family == SOTTO__FAMILY_MULTINOMIAL;
    const struct sotto__value *ones =
        &sums[is_of_levels ? SOTTO__GLM_LEVELS + fit->equations : SOTTO__GLM_START_LEN];
    bool has_offset = fit->options->offset_at > 0;
    const struct sotto__value *y = ones + k + (has_offset ? k : 0);
    return (struct products){
        .ones = ones, .offset = has_offset ? ones + k : NULL, .y = y, .x = y + fit->k};
}

static void keep_start(const struct sotto__fit *fit, const struct sotto__value *sums)
{
    fit->step->state[SOTTO__GLM_ROWS] = mpz_get_ui(mpq_numref(sums[SOTTO__GLM_VALID].number));
    fit->step->state[SOTTO__GLM_WITHHELD] = fit->step->withheld;
    sotto__fit_write(fit, SOTTO__GLM_NULL_DEVIANCE,
                     find_null_deviance(fit, sums, fit->options->intercept));
    sotto__fit_write(fit, SOTTO__GLM_CONSTANT, find_constant(fit, sums));
    sotto__fit_write(fit, SOTTO__GLM_DEVIANCE, (double)INFINITY);
    sotto__fit_write(fit, SOTTO__GLM_DECREMENT, (double)INFINITY);
    if (sotto__fit_has_null(fit)) {
        sotto__fit_start_null(fit, sums[SOTTO__GLM_WEIGHT].number, sums[SOTTO__GLM_Y].number,
                              find_products(fit, sums).offset[0].number);
    }
}

/* Takes those that the plan has. Returns: whether one of them is not 0. */
static bool begin_there(const struct sotto__fit *fit)
{
    const struct sotto__expression *expression = fit->step->call->expression;
    const struct sotto__node *node = &expression->nodes[fit->step->call->node];
    bool is_elsewhere = false;
    struct sotto__value number;
    sotto__value_init(&number);
    for (size_t i = 0; i < node->start_numbers_len; i++) {
        sotto__decimal_set(&number, expression->levels[node->start_numbers + i].text);
        is_elsewhere = is_elsewhere || mpq_sgn(number.number) != 0;
        sotto__fit_write(fit, SOTTO__GLM_BETA + i, sotto__value_double(&number));
    }
    sotto__value_clear(&number);
    return is_elsewhere;
}

/* Takes those of a model of levels without regressors: logarithms of odds against the first one.
 * Rows with weights are as many as these. */
static void begin_at_levels(const struct sotto__fit *fit, const struct sotto__value *sums)
{
    mpq_t both;
    mpq_t first; /* rows of it */
    mpq_inits(both, first, NULL);
    mpq_set(first, sums[SOTTO__GLM_WEIGHT].number);
    for (size_t i = 0; i < fit->equations; i++) {
        mpq_sub(first, first, sums[SOTTO__GLM_LEVELS + i].number);
    }
    for (size_t i = 0; i < fit->equations; i++) {
        mpq_srcptr rows = sums[SOTTO__GLM_LEVELS + i].number;
        mpq_add(both, first, rows);
        sotto__fit_write(fit, SOTTO__GLM_BETA + i * fit->regressors,
                         sotto__glm_predictor(SOTTO__LINK_LOGIT, both, rows));
    }
    mpq_clears(both, first, NULL);
}

/* A model that says the same of all rows. Its first step is made of the first round's sums. */
struct flat {
    bool is_at_zero; /* all coefficients are 0; else those of levels without regressors */
    const struct sotto__glm_zero *zero; /* then, but of levels: NULL */
    mpq_t *means;                       /* of each equation */
    mpq_t *score;                       /* k */
    mpq_t *weights;                     /* k rows of k: X'WX */
};

static void flat_release(struct flat *flat, const struct sotto__fit *fit)
{
    for (size_t i = 0; flat->means != NULL && i < fit->equations + fit->k + fit->k * fit->k; i++) {
        mpq_clear(flat->means[i]);
    }
    sotto_free(flat->means);
}

static void set_means(const struct flat *flat, const struct sotto__fit *fit,
                      const struct sotto__value *sums)
{
    for (size_t i = 0; i < fit->equations; i++) {
        mpq_ptr mean = flat->means[i];
        if (flat->zero != NULL) {
            mpq_set_d(mean, flat->zero->mean);
        } else if (!flat->is_at_zero) {
            mpq_div(mean, sums[SOTTO__GLM_LEVELS + i].number, sums[SOTTO__GLM_WEIGHT].number);
        } else {
            mpq_set_ui(mean, 1, 1 + fit->equations);
        }
    }
}

/* Sets the weight that all rows have in two equations. */
static void set_weight(mpq_t out, const struct flat *flat, size_t i, size_t j)
{
    if (flat->zero != NULL) {
        mpq_set_d(out, flat->zero->weight);
        return;
    }
    mpq_set_ui(out, i == j, 1);
    mpq_sub(out, out, flat->means[j]);
    mpq_mul(out, out, flat->means[i]);
}

/* Sets the element of the score: X'(y - mean), times what a link that is not canonical has. */
static void set_score(const struct flat *flat, const struct products *products, size_t len,
                      size_t i)
{
    mpq_t scale;
    mpq_init(scale);
    mpq_mul(flat->score[i], flat->means[i / len], products->ones[i % len].number);
    mpq_sub(flat->score[i], products->y[i].number, flat->score[i]);
    if (flat->zero != NULL) {
        mpq_set_d(scale, flat->zero->scale);
        mpq_mul(flat->score[i], flat->score[i], scale);
    }
    mpq_clear(scale);
}

/* Ended by flat_release, also after a failure. */
static enum sotto_status flat_init(struct flat *out, const struct sotto__fit *fit,
                                   const struct sotto__value *sums,
                                   const struct sotto__equations *of_x, bool is_at_zero,
                                   struct sotto_error *err)
{
    size_t k = fit->k;
    size_t len = fit->regressors;
    const struct products products = find_products(fit, sums);
    bool is_of_levels = fit->family == SOTTO__FAMILY_MULTINOMIAL;
    *out =
        (struct flat){.is_at_zero = is_at_zero,
                      .zero = is_at_zero && !is_of_levels ? sotto__glm_at_zero(fit->link) : NULL};
    out->means = sotto_alloc_array(fit->equations + k + k * k, sizeof *out->means);
    if (out->means == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < fit->equations + k + k * k; i++) {
        mpq_init(out->means[i]);
    }
    out->score = out->means + fit->equations;
    out->weights = out->score + k;
    set_means(out, fit, sums);
    for (size_t i = 0; i < k; i++) {
        set_score(out, &products, len, i);
        for (size_t j = 0; j < k; j++) {
            mpq_ptr weight = out->weights[i * k + j];
            set_weight(weight, out, i / len, j / len);
            mpq_mul(weight, weight, of_x->normal.matrix[i % len * len + j % len]);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status solve_flat(const struct sotto__fit *fit, const struct flat *flat,
                                    struct sotto__equations *equations, struct sotto_error *err)
{
    bool is_singular = false;
    size_t rank = 0;
    for (size_t i = 0; i < fit->k; i++) {
        equations->moments[i] = flat->score[i];
        for (size_t j = 0; j < fit->k; j++) {
            equations->normal.matrix[i * fit->k + j] = flat->weights[i * fit->k + j];
        }
    }
    sotto__equations_add_ridge(equations, fit->options->ridge, fit->step->state[SOTTO__GLM_ROWS]);
    enum sotto_status status = sotto__equations_invert(equations, &rank, &is_singular, fit->name,
                                                       fit->step->interrupt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (is_singular) {
        return sotto__fit_end_without(
            fit, "a regressor is a combination of the others, or nearly so", err);
    }
    sotto__equations_solve(equations);
    if (!sotto__fit_is_within_tolerance(fit, equations)) {
        (void)sotto__fit_move(fit, equations);
    }
    return SOTTO_OK;
}

static enum sotto_status step_from_flat(const struct sotto__fit *fit, const struct flat *flat,
                                        struct sotto_error *err)
{
    struct sotto__equations equations;
    enum sotto_status status = sotto__equations_init(&equations, fit->k, err);
    if (status == SOTTO_OK) {
        status = solve_flat(fit, flat, &equations, err);
    }
    sotto__equations_release(&equations);
    return status;
}

/* of_x: X'X. */
static enum sotto_status begin_at_flat(const struct sotto__fit *fit,
                                       const struct sotto__value *sums,
                                       const struct sotto__equations *of_x, bool is_at_zero,
                                       struct sotto_error *err)
{
    struct flat flat;
    if (!is_at_zero) {
        begin_at_levels(fit, sums);
    }
    if (sotto__fit_has_likelihood(fit)) {
        sotto__fit_write(fit, SOTTO__GLM_DEVIANCE, find_null_deviance(fit, sums, !is_at_zero));
    }
    enum sotto_status status = flat_init(&flat, fit, sums, of_x, is_at_zero, err);
    if (status == SOTTO_OK) {
        status = step_from_flat(fit, &flat, err);
    }
    flat_release(&flat, fit);
    return status;
}

/* Solves X'X b = part X'1 - X'o + slope X'y (slope: NULL: 0), and writes b at a word. */
static void solve_line(const struct sotto__fit *fit, struct sotto__equations *equations,
                       const struct sotto__value *sums, mpq_srcptr part, mpq_srcptr slope,
                       size_t word)
{
    const struct products products = find_products(fit, sums);
    for (size_t i = 0; i < fit->k; i++) {
        mpq_t *right = &equations->room[i];
        mpq_mul(*right, products.ones[i].number, part);
        if (products.offset != NULL) {
            mpq_sub(*right, *right, products.offset[i].number);
        }
        if (slope != NULL) {
            mpq_mul(equations->solution[i], products.y[i].number, slope);
            mpq_add(*right, *right, equations->solution[i]);
        }
        equations->moments[i] = *right;
    }
    sotto__equations_solve(equations);
    for (size_t i = 0; i < fit->k; i++) {
        sotto__fit_write(fit, word + i, sotto__rational_to_double(equations->solution[i]));
    }
}

/* Sets the coefficients before the first step, X b + o being near the predictor p of the mean m,
 * and after it: X'X b = X'(p - o + d (y - m)), d being the slope. */
static enum sotto_status make_first_step(const struct sotto__fit *fit,
                                         struct sotto__equations *equations,
                                         const struct sotto__value *sums, struct sotto_error *err)
{
    mpq_srcptr n = sums[SOTTO__GLM_WEIGHT].number;
    mpq_srcptr y = sums[SOTTO__GLM_Y].number;
    bool is_known = fit->options->intercept && sotto__fit_has_likelihood(fit) &&
                    fit->options->offset_at == 0; /* the deviance before the step */
    double of_mean = sotto__glm_predictor(fit->link, n, y);
    double of_slope = sotto__glm_slope(fit->link, n, y);
    if (!isfinite(of_mean) || !isfinite(of_slope)) {
        return sotto__fit_end_without(fit, "the mean of y is too near its limit: scale y", err);
    }
    mpq_t predictor;
    mpq_t slope;
    mpq_t part;
    mpq_inits(predictor, slope, part, NULL);
    mpq_set_d(predictor, of_mean);
    mpq_set_d(slope, of_slope);
    solve_line(fit, equations, sums, predictor, NULL, SOTTO__GLM_BEFORE);
    mpq_mul(part, y, slope);
    mpq_div(part, part, n);
    mpq_sub(part, predictor, part); /* p - d m */
    solve_line(fit, equations, sums, part, slope, SOTTO__GLM_BETA);
    if (is_known) {
        sotto__fit_write(fit, SOTTO__GLM_DEVIANCE, sotto__fit_read(fit, SOTTO__GLM_NULL_DEVIANCE));
    }
    fit->step->state[SOTTO__GLM_STEPS] = 1;
    mpq_clears(predictor, slope, part, NULL);
    return SOTTO_OK;
}

/* equations: of X'X. */
static enum sotto_status begin(const struct sotto__fit *fit, struct sotto__equations *equations,
                               const struct sotto__value *sums, struct sotto_error *err)
{
    bool is_of_levels = fit->family == SOTTO__FAMILY_MULTINOMIAL;
    bool has_start = sotto__fit_begins_elsewhere(fit);
    bool is_singular = false;
    size_t rank = 0;
    sotto__equations_set_block(equations, 0, 0, find_products(fit, sums).x, fit->regressors);
    enum sotto_status status = sotto__equations_invert(equations, &rank, &is_singular, fit->name,
                                                       fit->step->interrupt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (is_singular) {
        return end_singular(fit, equations, rank, err);
    }
    bool is_flat = fit->link != SOTTO__LINK_INVERSE && fit->options->offset_at == 0;
    if (begin_there(fit) || (has_start && !is_flat)) {
        return SOTTO_OK;
    }
    if (has_start || is_of_levels) {
        return begin_at_flat(fit, sums, equations, has_start || !fit->options->intercept, err);
    }
    return make_first_step(fit, equations, sums, err);
}

enum sotto_status sotto__fit_start(const struct sotto__fit *fit, const struct sotto__value *sums,
                                   struct sotto_error *err)
{
    struct sotto__equations equations;
    bool is_failure = false;
    const char *fault = find_fault(&is_failure, fit, sums);
    if (fault != NULL && is_failure) {
        return sotto__fit_end_without(fit, fault, err);
    }
    if (fault != NULL) {
        sotto__fit_tell_nothing(fit, fault, &sums[SOTTO__GLM_PRESENT]);
        return SOTTO_OK;
    }
    if (!has_rows(fit, sums)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the aggregate has sums of y that no parties' rows have");
    }
    keep_start(fit, sums);
    enum sotto_status status = sotto__equations_init(&equations, fit->regressors, err);
    if (status == SOTTO_OK) {
        status = begin(fit, &equations, sums, err);
    }
    sotto__equations_release(&equations);
    return status;
}
