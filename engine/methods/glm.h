/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_GLM_H
#define SOTTO_ENGINE_METHODS_GLM_H

/* Generalised linear models, and models of several levels: what a round asks of rows (glm_rows.c),
 * how a fit begins (glm_start.c), goes on (glm.c), beside it the fit without regressors that an
 * offset needs (glm_null.c), and what is told (glm_told.c). */

#include "methods/glm_equations.h"

/* A group's words; what is not said to be a count is a double. */
enum {
    SOTTO__GLM_BETA = 0, /* the coefficients at which the round computes */
    SOTTO__GLM_BEFORE = SOTTO__METHOD_COEFFICIENTS_MAX, /* those that the last step started from */
    SOTTO__GLM_DEVIANCE = 2 * SOTTO__METHOD_COEFFICIENTS_MAX, /* of these */
    SOTTO__GLM_NULL_DEVIANCE,
    SOTTO__GLM_CONSTANT,      /* of the log-likelihood: what no coefficient changes */
    SOTTO__GLM_DECREMENT,     /* of the last step */
    SOTTO__GLM_ROWS,          /* a count */
    SOTTO__GLM_WITHHELD,      /* a count: parties that kept the group back in the first round */
    SOTTO__GLM_STEPS,         /* a count, as the next two */
    SOTTO__GLM_HALVINGS,      /* of the present step */
    SOTTO__GLM_RECEDING,      /* steps in a row that went as far as the one before */
    SOTTO__GLM_NULL_BETA,     /* of an offset: the intercept of the model without regressors, */
    SOTTO__GLM_NULL_BEFORE,   /* that which the last step started from, */
    SOTTO__GLM_NULL_HALVINGS, /* a count, of the present step, */
    SOTTO__GLM_NULL_IS_OVER,  /* and 1 where its deviance is known, or never will be */
    SOTTO__GLM_WORDS,
};

/* What the first round asks, in order: then X'1, of an offset o X'o, X'y (of levels of each but the
 * first) and the upper triangle of X'X. Where rows have weights, all sums are of weighted rows. */
enum {
    SOTTO__GLM_PRESENT, /* counts of rows that have all variables, */
    SOTTO__GLM_FINITE,  /* none of which is infinite, */
    SOTTO__GLM_WEIGHED, /* with a weight above 0, */
    SOTTO__GLM_VALID,   /* and with a y that the family has */
    SOTTO__GLM_WEIGHT,  /* the sum of weights, or these rows again */
    SOTTO__GLM_Y,       /* sums of y, */
    SOTTO__GLM_Y_OWN,   /* y^2, y log y or log y, as the family needs, */
    SOTTO__GLM_Y_OTHER, /* and for counts log y! less log(2 pi) / 2 */
    SOTTO__GLM_START_LEN,
    SOTTO__GLM_LEVELS = SOTTO__GLM_Y, /* of a model of levels: rows of each but the first */
};

/* What every other round asks first. */
enum {
    SOTTO__GLM_VALUED,  /* rows with a mean */
    SOTTO__GLM_HALF,    /* half of the deviance */
    SOTTO__GLM_PEARSON, /* the sum of (y - mu)^2 / V(mu); of a known dispersion 0 */
    SOTTO__GLM_ROUND_LEN,
};

/* Of an offset last: of the model without regressors. */
enum {
    SOTTO__GLM_NULL_VALUED,
    SOTTO__GLM_NULL_HALF,
    SOTTO__GLM_NULL_SCORE, /* with an intercept only, as the next one */
    SOTTO__GLM_NULL_INFORMATION,
    SOTTO__GLM_NULL_LEN,
};

#define SOTTO__GLM_HALVINGS_MAX 30 /* of a step */

void sotto__glm_ask(struct sotto__recipe *recipe, unsigned round);

/* --- glm.c: one fit, in the round of a step --- */

struct sotto__fit {
    struct sotto__step *step;
    const struct sotto__options *options;
    const char *name; /* of the function, for errors */
    enum sotto__family family;
    enum sotto__model_link link;
    size_t equations;    /* 1; of a model of levels: levels but the first */
    size_t regressors;   /* with the intercept */
    size_t k;            /* coefficients, equation after equation */
    char *const *labels; /* of the regressors */
};

/* The sums of a round behind its first ones, in order. A triangle is X'WX, its upper one; of
 * several equations that of each two of them, the first one with each other one before. */
struct sotto__fit_sums {
    const struct sotto__value *score;
    const struct sotto__value *steps;       /* a triangle: the information as it is there */
    const struct sotto__value *information; /* the expected one: the same of a canonical link */
    const struct sotto__value *squares;     /* of what rows add to the score; NULL: not asked for */
    const struct sotto__value *null;        /* behind the others, where they are asked for */
};

struct sotto__fit_sums sotto__fit_find_sums(const struct sotto__fit *fit,
                                            const struct sotto__value *sums);
double sotto__fit_read(const struct sotto__fit *fit, size_t word);
void sotto__fit_write(const struct sotto__fit *fit, size_t word, double number);
/* Whether the dispersion is estimated; whether the deviance is whole; whether the plan says from
 * which coefficients the fit begins. */
bool sotto__fit_has_dispersion(const struct sotto__fit *fit);
bool sotto__fit_has_likelihood(const struct sotto__fit *fit);
bool sotto__fit_begins_elsewhere(const struct sotto__fit *fit);
/* Whether a deviance is above the one before by more than rounding. */
bool sotto__fit_rises(double before, double deviance);
/* Whether the model without regressors takes steps of its own. */
bool sotto__fit_has_null(const struct sotto__fit *fit);
/* Moves the coefficients by the solution. Returns: whether any has changed. */
bool sotto__fit_move(const struct sotto__fit *fit, const struct sotto__equations *equations);
/* Whether tolerance= is given, and a row's share of the score is below it. */
bool sotto__fit_is_within_tolerance(const struct sotto__fit *fit,
                                    const struct sotto__equations *equations);
/* The model has no coefficients, for this reason. Of a group it is the group's outcome, else an
 * error. reason: static. */
enum sotto_status sotto__fit_end_without(const struct sotto__fit *fit, const char *reason,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* --- glm_start.c --- */

/* Takes the sums of the first round. Returns: as a step. */
enum sotto_status sotto__fit_start(const struct sotto__fit *fit, const struct sotto__value *sums,
                                   struct sotto_error *err) SOTTO_NODISCARD;

/* --- glm_null.c: the deviance without regressors, with an offset --- */

/* Sets where it begins, or that there is nothing to do. offset: the sum of all, or NULL. */
void sotto__fit_start_null(const struct sotto__fit *fit, mpq_srcptr n, mpq_srcptr y,
                           mpq_srcptr offset);
/* Takes a step by the sums of a round, if it is not over. */
void sotto__fit_step_null(const struct sotto__fit *fit, const struct sotto__value *sums);

/* --- glm_told.c --- */

#define SOTTO__FIT_FIELDS_LEN 17
/* Of a model, and of a model of levels. */
extern const struct sotto__method_field sotto__fit_fields[SOTTO__FIT_FIELDS_LEN];
extern const struct sotto__method_field sotto__fit_fields_of_levels[SOTTO__FIT_FIELDS_LEN];

/* Nothing but why, and how many rows there are (NULL: not even that). */
void sotto__fit_tell_nothing(const struct sotto__fit *fit, const char *reason,
                             const struct sotto__value *count);
/* All of the coefficients of this round, whose equations are solved and whose sums these are.
 * information: the expected one, inverted. decrement: over the dispersion. Returns:
 * SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__fit_tell(const struct sotto__fit *fit,
                                  const struct sotto__equations *equations,
                                  const struct sotto__equations *information,
                                  const struct sotto__value *sums, mpq_srcptr dispersion,
                                  double decrement, struct sotto_error *err) SOTTO_NODISCARD;

#endif
