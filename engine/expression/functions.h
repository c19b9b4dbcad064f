/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_EXPRESSION_FUNCTIONS_H
#define SOTTO_ENGINE_EXPRESSION_FUNCTIONS_H

/* What is known of each function before it is called. */

#include <stdbool.h>
#include <stddef.h>

#define DDOF_MAX 1000000
/* round(x, digits): 10^22 is the largest power of ten that is a double. */
#define ROUND_DIGITS_MAX 22

enum sotto__function {
    FUNCTION_COUNT,
    FUNCTION_SUM,
    FUNCTION_MEAN,
    FUNCTION_VAR,
    FUNCTION_STD,
    FUNCTION_SEM,
    FUNCTION_SKEW,
    FUNCTION_KURT,
    FUNCTION_ANY,
    FUNCTION_ALL,
    FUNCTION_COV,
    FUNCTION_CORR,
    FUNCTION_DOT,
    FUNCTION_HIST,
    FUNCTION_VALUE_COUNTS,
    FUNCTION_OLS,
    FUNCTION_ROW_SUM, /* of a frame, for each row: the first of these */
    FUNCTION_ROW_COUNT,
    FUNCTION_ROW_MEAN,
    FUNCTION_ROW_VAR,
    FUNCTION_ROW_STD,
    FUNCTION_ROW_SEM,
    FUNCTION_ROW_ANY,
    FUNCTION_ROW_ALL, /* the last one */
    FUNCTION_ABS,
    FUNCTION_SQRT,
    FUNCTION_ISNA,
    FUNCTION_FILLNA,
    FUNCTION_IF,
    FUNCTION_FLOAT,
    FUNCTION_FLOOR,
    FUNCTION_CEIL,
    FUNCTION_ROUND,
    FUNCTION_EXP,
    FUNCTION_LOG,
    FUNCTION_POW,
    FUNCTION_TOGETHER, /* of expansions only: a, missing where b is; doubles if one of them is */
};
#define FUNCTIONS_LEN (FUNCTION_POW + 1)

/* What may follow the arguments of a call. */
enum sotto__option_kind { OPTION_NONE, OPTION_DDOF, OPTION_DIGITS, OPTION_INTERCEPT };

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
    enum { FUNCTION_OF_ALL_ROWS, FUNCTION_OF_A_ROW, FUNCTION_OF_ANY } of;
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
