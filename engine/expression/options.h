/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_EXPRESSION_OPTIONS_H
#define SOTTO_ENGINE_EXPRESSION_OPTIONS_H

/* What may follow the arguments of a call: ddof=0, interpolation=lower. */

#include <stdbool.h>

#define SOTTO__DDOF_MAX 1000000
/* round(x, digits): 10^22 is the largest power of ten that is a double. */
#define SOTTO__ROUND_DIGITS_MAX 22

/* What may follow the arguments of a call. */
enum sotto__option_kind {
    SOTTO__OPTION_DDOF,
    SOTTO__OPTION_DIGITS,
    SOTTO__OPTION_INTERCEPT,
    SOTTO__OPTION_INTERPOLATION,
    SOTTO__OPTION_LEVEL,
    SOTTO__OPTION_EQUAL_VAR,
    SOTTO__OPTION_YATES,
    SOTTO__OPTION_EXTREMES,
    SOTTO__OPTION_EXACT,
    SOTTO__OPTION_ALTERNATIVE,
    SOTTO__OPTION_WEIGHTS,
    SOTTO__OPTION_FAMILY,
    SOTTO__OPTION_LINK,
    SOTTO__OPTION_LIKELIHOOD,
    SOTTO__OPTION_RIDGE,
    SOTTO__OPTION_TOLERANCE,
    SOTTO__OPTION_STEPS,
    SOTTO__OPTION_START,
    SOTTO__OPTION_ERRORS,
    SOTTO__OPTION_ROW_WEIGHTS,
    SOTTO__OPTION_OFFSET,
};

/* The value between two, as pandas has it. */
enum sotto__interpolation {
    SOTTO__INTERPOLATION_LINEAR,
    SOTTO__INTERPOLATION_LOWER,
    SOTTO__INTERPOLATION_HIGHER,
    SOTTO__INTERPOLATION_NEAREST,
    SOTTO__INTERPOLATION_MIDPOINT,
};

/* What a test holds against that a mean is 0, or that two are equal. */
enum sotto__alternative {
    SOTTO__ALTERNATIVE_TWO_SIDED,
    SOTTO__ALTERNATIVE_LESS,
    SOTTO__ALTERNATIVE_GREATER,
};

/* What the weight of a row is: how many rows it stands for, or one over how likely it was to be
 * drawn. */
enum sotto__weights {
    SOTTO__WEIGHTS_FREQUENCY,
    SOTTO__WEIGHTS_PROBABILITY,
};

/* Of an option that must be there. */
#define SOTTO__OPTION_MUST (-1000000)

/* What errors of coefficients lean on: that all rows vary as the model says, or on each row's own
 * residual (White's), and that corrected for how many coefficients there are. */
enum sotto__errors {
    SOTTO__ERRORS_NONROBUST,
    SOTTO__ERRORS_HC0,
    SOTTO__ERRORS_HC1,
};

/* How what a model explains is distributed around its mean. */
enum sotto__family {
    SOTTO__FAMILY_GAUSSIAN,
    SOTTO__FAMILY_BINOMIAL,    /* 0 and 1 */
    SOTTO__FAMILY_POISSON,     /* counts */
    SOTTO__FAMILY_GAMMA,       /* above 0 */
    SOTTO__FAMILY_MULTINOMIAL, /* levels, log odds against the first one: of no option */
};

/* What of a mean is a sum of regressors times coefficients. */
enum sotto__model_link {
    SOTTO__LINK_CANONICAL, /* the family's own: once a call is parsed it is one of the others */
    SOTTO__LINK_IDENTITY,
    SOTTO__LINK_LOGIT, /* log odds */
    SOTTO__LINK_LOG,
    SOTTO__LINK_INVERSE,
    SOTTO__LINK_PROBIT,  /* the normal's quantile */
    SOTTO__LINK_CLOGLOG, /* the logarithm of -log(1 - mean) */
};

/* A whole number, "ddof=0", one of some words, or one or several numbers as they are written. The
 * first option needs no name if it is a whole number. */
struct sotto__option {
    enum sotto__option_kind kind;
    const char *name;
    int min;
    int max;
    int absent;               /* what it is where it is left out, or SOTTO__OPTION_MUST */
    const char *const *words; /* from 0 to max; NULL: it is a number */
    enum {
        SOTTO__OPTION_OF_ONE,     /* a whole number, or a word */
        SOTTO__OPTION_OF_NUMBER,  /* any from 0 to `most` */
        SOTTO__OPTION_OF_NUMBERS, /* several, in brackets */
        SOTTO__OPTION_OF_ROWS,    /* an expression: of each row its value */
    } of;
    double most;
};

/* The options of a call. Only a function whose rules name an option reads its field; all others are
 * 0. What the engine says to itself about a node is no option and stands in fields of its own. */
struct sotto__options {
    int ddof;
    int digits;
    bool intercept;
    enum sotto__interpolation interpolation;
    int level; /* of an interval, in per cent */
    enum sotto__alternative alternative;
    enum sotto__weights weights;
    enum sotto__family family;
    enum sotto__model_link link;
    enum sotto__errors errors;
    unsigned weights_at; /* which argument behind the list rows' weights are, from 1; 0: none */
    unsigned offset_at;  /* likewise what is added to rows' linear predictors */
    bool likelihood;     /* deviance and log-likelihood are told too */
    double ridge;        /* is added to each diagonal element of a row's information */
    double tolerance; /* of the largest element of a row's score, where a model ends; 0: as ever */
    int steps;        /* that a model may take: maxiter */
    bool equal_var;   /* two samples are held to vary alike */
    bool yates;       /* chi-squared of a table of two by two is corrected */
    bool extremes;    /* the least and the largest value are told */
    bool exact;       /* an order statistic is somebody's value, not an interval */
};

/* The links that models of a family take, the canonical one first, ended by SOTTO__LINK_CANONICAL.
 * Returns: static storage. */
const enum sotto__model_link *sotto__links_of(enum sotto__family family);
/* The word for a link. Returns: static storage. */
const char *sotto__link_word(enum sotto__model_link link);
bool sotto__options_equal(const struct sotto__options *a, const struct sotto__options *b);
/* What an option of one number or word is: of a word its place among struct sotto__option's. */
double sotto__option_value(const struct sotto__options *options, enum sotto__option_kind kind);

#endif
