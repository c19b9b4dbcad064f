/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_EXPRESSION_FUNCTIONS_H
#define SOTTO_ENGINE_EXPRESSION_FUNCTIONS_H

/* What is known of each function before it is called. */

#include <stdbool.h>
#include <stddef.h>

#define SOTTO__DDOF_MAX 1000000
/* round(x, digits): 10^22 is the largest power of ten that is a double. */
#define SOTTO__ROUND_DIGITS_MAX 22

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
    SOTTO__FUNCTION_OLS,
    SOTTO__FUNCTION_ROW_SUM, /* of a frame, for each row: the first of these */
    SOTTO__FUNCTION_ROW_COUNT,
    SOTTO__FUNCTION_ROW_MEAN,
    SOTTO__FUNCTION_ROW_VAR,
    SOTTO__FUNCTION_ROW_STD,
    SOTTO__FUNCTION_ROW_SEM,
    SOTTO__FUNCTION_ROW_ANY,
    SOTTO__FUNCTION_ROW_ALL, /* the last one */
    SOTTO__FUNCTION_ABS,
    SOTTO__FUNCTION_SQRT,
    SOTTO__FUNCTION_ISNA,
    SOTTO__FUNCTION_FILLNA,
    SOTTO__FUNCTION_IF,
    SOTTO__FUNCTION_FLOAT,
    SOTTO__FUNCTION_FLOOR,
    SOTTO__FUNCTION_CEIL,
    SOTTO__FUNCTION_ROUND,
    SOTTO__FUNCTION_EXP,
    SOTTO__FUNCTION_LOG,
    SOTTO__FUNCTION_POW,
    SOTTO__FUNCTION_TOGETHER, /* of expansions only: a, missing where b is; doubles if one of them
                                 is */
};
#define SOTTO__FUNCTIONS_LEN (SOTTO__FUNCTION_POW + 1)

/* What may follow the arguments of a call. */
enum sotto__option_kind {
    SOTTO__OPTION_NONE,
    SOTTO__OPTION_DDOF,
    SOTTO__OPTION_DIGITS,
    SOTTO__OPTION_INTERCEPT
};

/* The rules of an option, a whole number: "ddof=0", or "0". */
struct sotto__option {
    enum sotto__option_kind kind;
    const char *name; /* NULL: there is none */
    int min;
    int max;
    int absent; /* what it is where it is left out */
};

/* The options of a call. Only a function whose rules name an option reads its field; all others are
 * 0. What the engine says to itself about a node is no option and stands in fields of its own. */
struct sotto__options {
    int ddof;
    int digits;
    bool intercept;
};

struct sotto__function_rules {
    const char *name;
    size_t arguments_len; /* 1 to 3 */
    enum { SOTTO__FUNCTION_OF_ALL_ROWS, SOTTO__FUNCTION_OF_A_ROW, SOTTO__FUNCTION_OF_ANY } of;
    struct sotto__option option;
    bool is_frame_enough; /* the second argument may be left out */
    bool is_variadic;     /* the last argument is a list of the others */
};

/* Returns: static storage. */
const struct sotto__function_rules *sotto__function_rules(enum sotto__function function);
/* Whether its last arguments are levels or edges, written out. */
bool sotto__takes_levels(enum sotto__function function);
bool sotto__options_equal(const struct sotto__options *a, const struct sotto__options *b);

#endif
