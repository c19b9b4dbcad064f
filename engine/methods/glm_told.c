/* SPDX-License-Identifier: Apache-2.0 */

/* What is told of a model that has converged. It leans on fields.c for tests and intervals, and on
 * glm_likelihood.c. */

#include "methods/fields.h"
#include "methods/glm.h"
#include "methods/glm_likelihood.h"
#include "methods/sandwich.h"

#include <math.h>

enum { COEFFICIENTS, STANDARD_ERRORS, STATISTIC, P, LOW, HIGH, SERIES_LEN };
enum {
    DEVIANCE,
    DEVIANCE_BEFORE,
    NULL_DEVIANCE,
    LOG_LIKELIHOOD,
    AIC,
    DISPERSION,
    STEPS,
    DECREMENT,
    CONDITION,
    COUNT,
    DF,
    SCALARS_LEN,
};

/* axes: of the series. */
#define FIELDS(axes)                                                                               \
    {                                                                                              \
        {.name = "coefficients", .axes_len = (axes)},                                              \
            {.name = "standard_errors", .axes_len = (axes)},                                       \
            {.name = "statistic", .axes_len = (axes)}, {.name = "p", .axes_len = (axes)},          \
            {.name = "low", .axes_len = (axes)}, {.name = "high", .axes_len = (axes)},             \
            {.name = "deviance"}, {.name = "deviance_before"}, {.name = "null_deviance"},          \
            {.name = "log_likelihood"}, {.name = "aic"}, {.name = "dispersion"},                   \
            {.name = "iterations", .is_count = true}, {.name = "decrement"},                       \
            {.name = "condition"}, {.name = "count", .is_count = true, .tells_nan = true},         \
            {.name = "df", .is_count = true},                                                      \
    }

const struct sotto__method_field sotto__fit_fields[SOTTO__FIT_FIELDS_LEN] = FIELDS(1);
const struct sotto__method_field sotto__fit_fields_of_levels[SOTTO__FIT_FIELDS_LEN] = FIELDS(2);

void sotto__fit_tell_nothing(const struct sotto__fit *fit, const char *reason,
                             const struct sotto__value *count)
{
    size_t len = SERIES_LEN * fit->k;
    sotto__value_set_nans(fit->step->values, len + SCALARS_LEN);
    if (count != NULL) {
        sotto__value_set(&fit->step->values[len + COUNT], count);
    }
    fit->step->outcome = reason;
    fit->step->is_done = true;
}

/* Sets out to the square of the error of coefficient i. sums: of the round. */
static enum sotto_status find_square(mpq_t out, const struct sotto__fit *fit,
                                     const struct sotto__equations *information,
                                     const struct sotto__value *sums, mpq_srcptr dispersion,
                                     size_t i, struct sotto_error *err)
{
    const struct sotto__value *squares = sotto__fit_find_sums(fit, sums).squares;
    if (squares != NULL) {
        return sotto__sandwich_set(out, &information->normal, squares, fit->equations, i,
                                   fit->step->state[SOTTO__GLM_ROWS], fit->options->errors, err);
    }
    sotto__normal_set_inverse(out, &information->normal, i, i);
    mpq_mul(out, out, dispersion);
    return SOTTO_OK;
}

/* square: of the coefficient's error. */
static void tell_coefficient(const struct sotto__fit *fit, size_t i, mpq_srcptr square)
{
    size_t k = fit->k;
    struct sotto__value *out = fit->step->values;
    double coefficient = sotto__fit_read(fit, SOTTO__GLM_BETA + i);
    mpq_t estimate;
    mpq_t freedom;
    mpq_inits(estimate, freedom, NULL);
    mpq_set_ui(freedom, fit->step->state[SOTTO__GLM_ROWS] - k, 1);
    mpq_srcptr of_t = sotto__fit_has_dispersion(fit) ? freedom : NULL;
    mpq_set_d(estimate, coefficient);
    sotto__value_set_rounded(&out[COEFFICIENTS * k + i], coefficient);
    sotto__value_set_root(&out[STANDARD_ERRORS * k + i], square);
    out[STANDARD_ERRORS * k + i].is_rounded = true;
    sotto__value_set_t(&out[STATISTIC * k + i], &out[P * k + i], estimate, square, of_t);
    out[STATISTIC * k + i].is_rounded = true;
    sotto__value_set_interval(&out[LOW * k + i], &out[HIGH * k + i], estimate, square, of_t,
                              fit->options->level);
    mpq_clears(estimate, freedom, NULL);
}

static void set_count(struct sotto__value *out, uint64_t count)
{
    sotto__value_set_special(out, SOTTO__VALUE_FINITE);
    mpq_set_ui(out->number, count, 1);
}

/* half: of the deviance. */
static void tell_deviances(const struct sotto__fit *fit, mpq_srcptr half)
{
    struct sotto__value *out = &fit->step->values[SERIES_LEN * fit->k];
    double before = sotto__fit_read(fit, SOTTO__GLM_DEVIANCE);
    double null = sotto__fit_read(fit, SOTTO__GLM_NULL_DEVIANCE);
    bool is_known = !sotto__fit_has_null(fit) || fit->step->state[SOTTO__GLM_NULL_IS_OVER] != 0;
    size_t parameters = fit->k + sotto__fit_has_dispersion(fit);
    mpq_t number;
    mpq_init(number);
    mpq_set_ui(number, fit->step->state[SOTTO__GLM_ROWS], 1);
    double likelihood = sotto__glm_log_likelihood(fit->family, number, half,
                                                  sotto__fit_read(fit, SOTTO__GLM_CONSTANT));
    mpq_mul_2exp(number, half, 1);
    sotto__value_set_rounded(&out[DEVIANCE], sotto__rational_to_double(number));
    sotto__value_set_rounded(&out[DEVIANCE_BEFORE], isinf(before) ? (double)NAN : before);
    sotto__value_set_rounded(&out[NULL_DEVIANCE], is_known ? null : (double)NAN);
    sotto__value_set_rounded(&out[LOG_LIKELIHOOD], likelihood);
    sotto__value_set_rounded(&out[AIC], 2 * (double)parameters - 2 * likelihood);
    if (fit->options->weights_at > 0 && sotto__fit_has_dispersion(fit)) {
        sotto__value_set_nans(&out[LOG_LIKELIHOOD], 2); /* and AIC: what a weight is decides it */
    }
    if (!sotto__fit_has_likelihood(fit)) {
        sotto__value_set_nans(&out[DEVIANCE], DISPERSION - DEVIANCE);
    }
    mpq_clear(number);
}

enum sotto_status sotto__fit_tell(const struct sotto__fit *fit,
                                  const struct sotto__equations *equations,
                                  const struct sotto__equations *information,
                                  const struct sotto__value *sums, mpq_srcptr dispersion,
                                  double decrement, struct sotto_error *err)
{
    struct sotto__value *out = &fit->step->values[SERIES_LEN * fit->k];
    uint64_t rows = fit->step->state[SOTTO__GLM_ROWS];
    enum sotto_status status = SOTTO_OK;
    mpq_t square;
    mpq_init(square);
    for (size_t i = 0; i < fit->k && status == SOTTO_OK; i++) {
        status = find_square(square, fit, information, sums, dispersion, i, err);
        tell_coefficient(fit, i, square);
    }
    mpq_clear(square);
    tell_deviances(fit, sums[SOTTO__GLM_HALF].number);
    sotto__value_set_rounded(&out[DISPERSION], sotto__rational_to_double(dispersion));
    sotto__value_set_rounded(&out[DECREMENT], decrement);
    sotto__value_set_rounded(&out[CONDITION], sotto__equations_condition(equations));
    set_count(&out[STEPS], fit->step->state[SOTTO__GLM_STEPS]);
    set_count(&out[COUNT], rows);
    set_count(&out[DF], rows - fit->k);
    fit->step->is_done = true;
    return status;
}
