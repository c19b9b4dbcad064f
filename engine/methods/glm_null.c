/* SPDX-License-Identifier: Apache-2.0 */

/* The deviance of a model without regressors where rows have an offset. Without one the mean of y
 * is all that is needed (glm_start.c); with one there are steps to take. They are taken beside
 * those of the model, in its rounds, of its one number: Newton's, halved where the deviance rises.
 * What never descends has no deviance (NaN), and holds nobody up. */

#include "methods/glm.h"
#include "methods/glm_likelihood.h"

#include <math.h>

#define ENOUGH                                                                                     \
    1e-17 /* of the deviance: what is left is about the decrement, and below rounding              \
           */

bool sotto__fit_has_null(const struct sotto__fit *fit)
{
    return fit->options->offset_at > 0 && sotto__fit_has_likelihood(fit) &&
           fit->options->likelihood;
}

/* Over, with no deviance unless there is one. */
static void end_null(const struct sotto__fit *fit, double deviance)
{
    sotto__fit_write(fit, SOTTO__GLM_NULL_DEVIANCE, deviance);
    fit->step->state[SOTTO__GLM_NULL_IS_OVER] = 1;
}

void sotto__fit_start_null(const struct sotto__fit *fit, mpq_srcptr n, mpq_srcptr y,
                           mpq_srcptr offset)
{
    double beta = 0;
    mpq_t mean;
    mpq_init(mean);
    if (fit->options->intercept && offset != NULL) {
        mpq_div(mean, offset, n);
        beta = sotto__glm_predictor(fit->link, n, y) - sotto__rational_to_double(mean);
    }
    mpq_clear(mean);
    sotto__fit_write(fit, SOTTO__GLM_NULL_BETA, beta);
    sotto__fit_write(fit, SOTTO__GLM_NULL_BEFORE, (double)NAN);
    sotto__fit_write(fit, SOTTO__GLM_NULL_DEVIANCE, (double)INFINITY);
    fit->step->state[SOTTO__GLM_NULL_HALVINGS] = 0;
    fit->step->state[SOTTO__GLM_NULL_IS_OVER] = 0;
}

/* Goes half of the way back, if there is a way. */
static void move_back(const struct sotto__fit *fit)
{
    double before = sotto__fit_read(fit, SOTTO__GLM_NULL_BEFORE);
    double half = (sotto__fit_read(fit, SOTTO__GLM_NULL_BETA) - before) / 2;
    if (isnan(before) || fit->step->state[SOTTO__GLM_NULL_HALVINGS] == SOTTO__GLM_HALVINGS_MAX) {
        end_null(fit, (double)NAN);
        return;
    }
    sotto__fit_write(fit, SOTTO__GLM_NULL_BETA, before + half);
    fit->step->state[SOTTO__GLM_NULL_HALVINGS]++;
}

/* Goes on from an intercept of this deviance, or ends there. */
static void move_on(const struct sotto__fit *fit, const struct sotto__value *null, double deviance)
{
    double before = sotto__fit_read(fit, SOTTO__GLM_NULL_BETA);
    mpq_srcptr score = null[SOTTO__GLM_NULL_SCORE].number;
    mpq_t step;
    mpq_t sum;
    mpq_inits(step, sum, NULL);
    mpq_div(step, score, null[SOTTO__GLM_NULL_INFORMATION].number);
    mpq_mul(sum, step, score);
    double decrement = sotto__rational_to_double(sum);
    mpq_set_d(sum, before);
    mpq_add(sum, sum, step);
    double after = sotto__rational_to_double(sum);
    mpq_clears(step, sum, NULL);
    if (decrement <= ENOUGH * deviance || after == before || !isfinite(after)) {
        end_null(fit, deviance);
        return;
    }
    sotto__fit_write(fit, SOTTO__GLM_NULL_BEFORE, before);
    sotto__fit_write(fit, SOTTO__GLM_NULL_BETA, after);
    sotto__fit_write(fit, SOTTO__GLM_NULL_DEVIANCE, deviance);
    fit->step->state[SOTTO__GLM_NULL_HALVINGS] = 0;
}

void sotto__fit_step_null(const struct sotto__fit *fit, const struct sotto__value *sums)
{
    const struct sotto__value *null = sotto__fit_find_sums(fit, sums).null;
    bool has_steps = fit->options->intercept;
    if (!sotto__fit_has_null(fit) || fit->step->state[SOTTO__GLM_NULL_IS_OVER] != 0) {
        return;
    }
    bool is_whole =
        mpq_cmp_ui(null[SOTTO__GLM_NULL_VALUED].number, fit->step->state[SOTTO__GLM_ROWS], 1) == 0;
    for (size_t i = 0; i < (has_steps ? SOTTO__GLM_NULL_LEN : SOTTO__GLM_NULL_SCORE); i++) {
        is_whole = is_whole && null[i].kind == SOTTO__VALUE_FINITE;
    }
    double deviance = 2 * sotto__value_double(&null[SOTTO__GLM_NULL_HALF]);
    if (!is_whole || sotto__fit_rises(sotto__fit_read(fit, SOTTO__GLM_NULL_DEVIANCE), deviance)) {
        move_back(fit);
    } else if (!has_steps) {
        end_null(fit, deviance);
    } else if (mpq_sgn(null[SOTTO__GLM_NULL_INFORMATION].number) <= 0 ||
               !isfinite(sotto__fit_read(fit, SOTTO__GLM_NULL_BETA))) {
        end_null(fit, (double)NAN);
    } else {
        move_on(fit, null, deviance);
    }
}
