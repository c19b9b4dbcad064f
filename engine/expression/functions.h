/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_EXPRESSION_FUNCTIONS_H
#define SOTTO_ENGINE_EXPRESSION_FUNCTIONS_H

/* What is known of each function before it is called: one card each, in one table. */

#include "expression/method_card.h"
#include "expression/options.h"
#include <stddef.h>

enum sotto__function {
    SOTTO__FUNCTION_COUNT,
    SOTTO__FUNCTION_SUM,
    SOTTO__FUNCTION_MEAN,
    SOTTO__FUNCTION_VAR,
    SOTTO__FUNCTION_STD,
    SOTTO__FUNCTION_SEM,
    SOTTO__FUNCTION_SKEW,
    SOTTO__FUNCTION_KURT,
    SOTTO__FUNCTION_ANY,
    SOTTO__FUNCTION_ALL,
    SOTTO__FUNCTION_COV,
    SOTTO__FUNCTION_CORR,
    SOTTO__FUNCTION_DOT,
    SOTTO__FUNCTION_HIST,
    SOTTO__FUNCTION_VALUE_COUNTS,
    SOTTO__FUNCTION_MODE,
    SOTTO__FUNCTION_NUNIQUE,
    SOTTO__FUNCTION_MISSING_PATTERNS,
    SOTTO__FUNCTION_OLS,
    SOTTO__FUNCTION_GLM,
    SOTTO__FUNCTION_MNLOGIT,
    SOTTO__FUNCTION_TTEST,
    SOTTO__FUNCTION_TTEST_PAIRED,
    SOTTO__FUNCTION_TTEST_ONE,
    SOTTO__FUNCTION_WEIGHTED,
    SOTTO__FUNCTION_WEIGHTED_TTEST,
    SOTTO__FUNCTION_SMD,
    SOTTO__FUNCTION_ANOVA,
    SOTTO__FUNCTION_ANOVA_TWO,
    SOTTO__FUNCTION_PEARSON,
    SOTTO__FUNCTION_VAR_CI,
    SOTTO__FUNCTION_PROPORTION,
    SOTTO__FUNCTION_BINOMIAL,
    SOTTO__FUNCTION_CROSSTAB,
    SOTTO__FUNCTION_CHI2,
    SOTTO__FUNCTION_FISHER,
    SOTTO__FUNCTION_MEDIAN,
    SOTTO__FUNCTION_QUANTILE,
    SOTTO__FUNCTION_DESCRIBE,
    SOTTO__FUNCTION_IQR, /* the parser writes this one and the next two out */
    SOTTO__FUNCTION_MAD,
    SOTTO__FUNCTION_MISSING,
    SOTTO__FUNCTION_ROW_SUM,
    SOTTO__FUNCTION_ROW_COUNT,
    SOTTO__FUNCTION_ROW_MEAN,
    SOTTO__FUNCTION_ROW_VAR,
    SOTTO__FUNCTION_ROW_STD,
    SOTTO__FUNCTION_ROW_SEM,
    SOTTO__FUNCTION_ROW_ANY,
    SOTTO__FUNCTION_ROW_ALL,
    SOTTO__FUNCTION_ABS,
    SOTTO__FUNCTION_SQRT,
    SOTTO__FUNCTION_ISNA,
    SOTTO__FUNCTION_FILLNA,
    SOTTO__FUNCTION_IF,
    SOTTO__FUNCTION_CLIP,
    SOTTO__FUNCTION_FLOAT,
    SOTTO__FUNCTION_FLOOR,
    SOTTO__FUNCTION_CEIL,
    SOTTO__FUNCTION_ROUND,
    SOTTO__FUNCTION_EXP,
    SOTTO__FUNCTION_LOG,
    SOTTO__FUNCTION_POW,
    SOTTO__FUNCTION_YEAR, /* of a date or a time, as the next six */
    SOTTO__FUNCTION_MONTH,
    SOTTO__FUNCTION_DAY,
    SOTTO__FUNCTION_WEEKDAY,
    SOTTO__FUNCTION_HOUR,
    SOTTO__FUNCTION_MINUTE,
    SOTTO__FUNCTION_DATE,
    SOTTO__FUNCTION_SECONDS,    /* of a difference of times */
    SOTTO__FUNCTION_STARTSWITH, /* of a text, as the next three */
    SOTTO__FUNCTION_CONTAINS,
    SOTTO__FUNCTION_LOWER,
    SOTTO__FUNCTION_STRIP,
    SOTTO__FUNCTION_BETWEEN, /* the parser writes this one and the next two out */
    SOTTO__FUNCTION_CUT,
    SOTTO__FUNCTION_RECODE,
    SOTTO__FUNCTION_TOGETHER, /* of expansions: a, missing where b is; both doubles if one is */
    SOTTO__FUNCTIONS_LEN,
};

/* Which sums of its arguments x and y an aggregate opens. Both the compiler, which sends these sums
 * and no others, and the classifier, which tells owners and policies of them, read it here. */
struct sotto__opened_sums {
    enum {
        SOTTO__OPENS_UNSTATED, /* nobody has said: other to every policy, and refused to compile */
        SOTTO__OPENS_POWERS,   /* of polynomials in x and y: the sums below */
        SOTTO__OPENS_TRUTHS,   /* likewise, of conditions on x: 1 where it holds, else 0 */
        SOTTO__OPENS_BINS,     /* counts of rows by bins of x that what was opened has placed */
        SOTTO__OPENS_FIT,      /* of a model's rows, at coefficients that were opened */
    } kind;
    bool count;            /* the rows where the arguments are present */
    unsigned powers;       /* x, x^2, ... up to this one */
    unsigned y_powers;     /* likewise of y */
    bool product;          /* x y */
    bool weighted_squares; /* x^2 times y, and x and x^2 times y^2 */
};

#define SOTTO__DEGREE_OTHER 1000 /* of what is no polynomial in columns */

struct sotto__function_card {
    const char *name;     /* NULL: no text has it */
    unsigned version;     /* rises when it asks something else of rows, or computes it otherwise */
    size_t arguments_len; /* 1 to 3 */
    bool is_variadic;     /* the last argument is a list of the others */
    bool is_frame_enough; /* the second argument may be left out: all pairs of the first one */
    bool takes_frame;     /* of each row, its values in a frame's columns */
    enum {
        SOTTO__TAKES_EXPRESSIONS,
        SOTTO__TAKES_LEVELS,  /* the last arguments are levels, written out */
        SOTTO__TAKES_EDGES,   /* likewise edges of bins */
        SOTTO__TAKES_NUMBERS, /* likewise numbers */
        SOTTO__TAKES_TABLE,   /* the last two are columns and their levels: column in (levels) */
        SOTTO__TAKES_OUTCOME, /* the first one is column in (levels), as the parser writes it out */
        SOTTO__TAKES_COLUMNS, /* all are columns, of which only counts whether they have a value */
    } takes;
    bool takes_samples; /* instead of further arguments column in (levels): samples by level */
    enum { SOTTO__FUNCTION_OF_ALL_ROWS, SOTTO__FUNCTION_OF_A_ROW, SOTTO__FUNCTION_OF_ANY } of;
    const struct sotto__option *options;     /* ended by one without a name; NULL: there is none */
    const struct sotto__method_card *method; /* NULL: it is none */
    struct sotto__opened_sums opens;         /* of all rows: must be stated */
    const char *harm;       /* why it is no polynomial, for owners; NULL: its name */
    const char *synonyms;   /* names that others give it, blanks between them */
    const char *instead_of; /* likewise, of what is not there and is most nearly answered by it */
    const char *gives;      /* where instead_of is: what it gives */
};

const struct sotto__function_card *sotto__function_card(enum sotto__function function);
bool sotto__is_date_part(enum sotto__function function); /* year to date */
/* The degree of the sums that an aggregate opens, of arguments of these degrees (y_degree: x_degree
 * if there is one argument). Returns: at least SOTTO__DEGREE_OTHER for what is no polynomial, or
 * not stated. */
unsigned sotto__degree_of_sums(const struct sotto__opened_sums *opens, unsigned x_degree,
                               unsigned y_degree);
/* Whether words, with blanks between them, hold this one. words may be NULL. */
bool sotto__has_word(const char *words, const char *word);

#endif
