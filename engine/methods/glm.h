/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_GLM_H
#define SOTTO_ENGINE_METHODS_GLM_H

/* Generalised linear models: what a round asks of rows (glm_rows.c), and what is made of it
 * (glm.c). */

#include "methods/methods.h"

#define SOTTO__GLM_COEFFICIENTS_MAX (1 + SOTTO__METHOD_COLUMNS_MAX)

/* A group's words; what is not said to be a count is a double. */
enum {
    SOTTO__GLM_BETA = 0, /* the coefficients at which the round computes */
    SOTTO__GLM_BEFORE = SOTTO__GLM_COEFFICIENTS_MAX, /* those that the last step started from */
    SOTTO__GLM_DEVIANCE = 2 * SOTTO__GLM_COEFFICIENTS_MAX, /* of these */
    SOTTO__GLM_NULL_DEVIANCE,
    SOTTO__GLM_CONSTANT,  /* of the log-likelihood: what no coefficient changes */
    SOTTO__GLM_DECREMENT, /* of the last step */
    SOTTO__GLM_ROWS,      /* a count */
    SOTTO__GLM_WITHHELD,  /* a count: parties that kept the group back in the first round */
    SOTTO__GLM_STEPS,     /* a count, as the next two */
    SOTTO__GLM_HALVINGS,  /* of the present step */
    SOTTO__GLM_RECEDING,  /* steps in a row that went as far as the one before */
    SOTTO__GLM_WORDS,
};

/* What the first round asks, in order: then X'1, X'y and X'X, k, k and k (k + 1) / 2 sums. */
enum {
    SOTTO__GLM_PRESENT, /* counts of rows that have all variables, */
    SOTTO__GLM_FINITE,  /* none of which is infinite, */
    SOTTO__GLM_VALID,   /* with a y that the family has */
    SOTTO__GLM_Y,       /* sums of y, */
    SOTTO__GLM_Y_OWN,   /* y^2, y log y or log y, as the family needs, */
    SOTTO__GLM_Y_OTHER, /* and for counts log y! less log(2 pi) / 2 */
    SOTTO__GLM_START_LEN,
};

/* What every other round asks: then the score and X'WX likewise. */
enum {
    SOTTO__GLM_VALUED,  /* rows with a mean */
    SOTTO__GLM_HALF,    /* half of the deviance */
    SOTTO__GLM_PEARSON, /* the sum of (y - mu)^2 / V(mu); of a known dispersion 0 */
    SOTTO__GLM_ROUND_LEN,
};

void sotto__glm_ask(struct sotto__recipe *recipe, unsigned round);

#endif
