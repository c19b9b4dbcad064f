/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_EXPRESSION_METHOD_CARD_H
#define SOTTO_ENGINE_EXPRESSION_METHOD_CARD_H

/* What is known of a function with rounds or fields of its own before it is called. */

#include <stdbool.h>
#include <stddef.h>

/* Of models in rounds. */
#define SOTTO__MODEL_ROUNDS_MAX 40

/* Of a method, whose code is in engine/methods/. */
struct sotto__method_card {
    unsigned rounds_max;    /* that it ever takes */
    unsigned rounds_robust; /* the same where errors lean on residuals; 0: as many */
    unsigned cells_len;     /* in how many cells at once it counts by digits; 0: it does not */
    unsigned searches_len;  /* that follow each other, guarded; 0: one */
    bool stands_alone;      /* its output is all of its fields; else one number */
    enum {
        SOTTO__AXES_NONE,       /* all fields are single values */
        SOTTO__AXES_REGRESSORS, /* series along the intercept and the list of arguments */
        SOTTO__AXES_EQUATIONS,  /* tables of levels but the first, and of these */
        SOTTO__AXES_SAMPLES,    /* series along all arguments */
        SOTTO__AXES_TABLE,      /* tables of the levels of two columns */
        SOTTO__AXES_TERMS,      /* series along two columns, both together, and what is left */
        SOTTO__AXES_LEVELS,     /* series along the levels of a column */
        SOTTO__AXES_PATTERNS,   /* series along all arguments, and along sets of them */
    } axes;
};

#endif
