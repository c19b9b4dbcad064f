/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_GLM_LIKELIHOOD_H
#define SOTTO_ENGINE_METHODS_GLM_LIKELIHOOD_H

/* How likely rows are under a model, of the sums that its rounds opened. */

#include "methods/glm.h"

/* n: rows, at least one. y: their sum; own, other: what else the first round sums up (glm.h). */

/* The deviance without regressors, of the mean of y, or, has_intercept being false, of a predictor
 * of 0; NaN where that has none. */
double sotto__glm_null_deviance(enum sotto__family family, enum sotto__model_link link,
                                mpq_srcptr n, mpq_srcptr y, mpq_srcptr own, bool has_intercept);
/* That of levels: rows of each but the first. */
double sotto__glm_null_deviance_of_levels(mpq_srcptr n, const struct sotto__value *rows,
                                          size_t rows_len, bool has_intercept);
/* At a linear predictor of 0: the mean, what y - mean is multiplied with in the score, and the
 * weight of the expected information; of a link but the inverse. */
struct sotto__glm_zero {
    double mean;
    double scale;
    double weight;
};
/* Returns: static storage. */
const struct sotto__glm_zero *sotto__glm_at_zero(enum sotto__model_link link);

/* The linear predictor of the mean of y, which is none of the ends of what the family has. */
double sotto__glm_predictor(enum sotto__model_link link, mpq_srcptr n, mpq_srcptr y);
/* How the predictor changes with the mean there. */
double sotto__glm_slope(enum sotto__model_link link, mpq_srcptr n, mpq_srcptr y);
/* What of the log-likelihood no coefficient changes. */
double sotto__glm_constant(enum sotto__family family, mpq_srcptr n, mpq_srcptr y, mpq_srcptr own,
                           mpq_srcptr other);
/* The log-likelihood at half a deviance. */
double sotto__glm_log_likelihood(enum sotto__family family, mpq_srcptr n, mpq_srcptr half,
                                 double constant);

#endif
