/* SPDX-License-Identifier: Apache-2.0 */

/* Everything that is known of each function before it is called. */

#include "expression/functions.h"

#define OF_ALL SOTTO__FUNCTION_OF_ALL_ROWS
#define OF_ROW SOTTO__FUNCTION_OF_A_ROW
#define NO_OPTION                                                                                  \
    {                                                                                              \
        SOTTO__OPTION_NONE, NULL, 0, 0, 0                                                          \
    }
#define DDOF                                                                                       \
    {                                                                                              \
        SOTTO__OPTION_DDOF, "ddof", 0, SOTTO__DDOF_MAX, 1                                          \
    }
#define DIGITS                                                                                     \
    {                                                                                              \
        SOTTO__OPTION_DIGITS, "digits", -SOTTO__ROUND_DIGITS_MAX, SOTTO__ROUND_DIGITS_MAX, 0       \
    }
#define INTERCEPT                                                                                  \
    {                                                                                              \
        SOTTO__OPTION_INTERCEPT, "intercept", 0, 1, 1                                              \
    }

static const struct sotto__function_rules functions[] = {
    [SOTTO__FUNCTION_COUNT] = {"count", 1, OF_ALL, NO_OPTION, false, false},
    [SOTTO__FUNCTION_SUM] = {"sum", 1, OF_ALL, NO_OPTION, false, false},
    [SOTTO__FUNCTION_MEAN] = {"mean", 1, OF_ALL, NO_OPTION, false, false},
    [SOTTO__FUNCTION_VAR] = {"var", 1, OF_ALL, DDOF, false, false},
    [SOTTO__FUNCTION_STD] = {"std", 1, OF_ALL, DDOF, false, false},
    [SOTTO__FUNCTION_SEM] = {"sem", 1, OF_ALL, DDOF, false, false},
    [SOTTO__FUNCTION_SKEW] = {"skew", 1, OF_ALL, NO_OPTION, false, false},
    [SOTTO__FUNCTION_KURT] = {"kurt", 1, OF_ALL, NO_OPTION, false, false},
    [SOTTO__FUNCTION_ANY] = {"any", 1, OF_ALL, NO_OPTION, false, false},
    [SOTTO__FUNCTION_ALL] = {"all", 1, OF_ALL, NO_OPTION, false, false},
    [SOTTO__FUNCTION_COV] = {"cov", 2, OF_ALL, DDOF, true, false},
    [SOTTO__FUNCTION_CORR] = {"corr", 2, OF_ALL, NO_OPTION, true, false},
    [SOTTO__FUNCTION_DOT] = {"dot", 2, OF_ALL, NO_OPTION, false, false},
    [SOTTO__FUNCTION_HIST] = {"hist", 2, OF_ALL, NO_OPTION, false, true},
    [SOTTO__FUNCTION_VALUE_COUNTS] = {"value_counts", 2, OF_ALL, NO_OPTION, false, true},
    [SOTTO__FUNCTION_OLS] = {"ols", 2, OF_ALL, INTERCEPT, false, true},
    [SOTTO__FUNCTION_ROW_SUM] = {"row_sum", 1, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_ROW_COUNT] = {"row_count", 1, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_ROW_MEAN] = {"row_mean", 1, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_ROW_VAR] = {"row_var", 1, OF_ROW, DDOF, false, false},
    [SOTTO__FUNCTION_ROW_STD] = {"row_std", 1, OF_ROW, DDOF, false, false},
    [SOTTO__FUNCTION_ROW_SEM] = {"row_sem", 1, OF_ROW, DDOF, false, false},
    [SOTTO__FUNCTION_ROW_ANY] = {"row_any", 1, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_ROW_ALL] = {"row_all", 1, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_ABS] = {"abs", 1, SOTTO__FUNCTION_OF_ANY, NO_OPTION, false, false},
    [SOTTO__FUNCTION_SQRT] = {"sqrt", 1, SOTTO__FUNCTION_OF_ANY, NO_OPTION, false, false},
    [SOTTO__FUNCTION_ISNA] = {"isna", 1, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_FILLNA] = {"fillna", 2, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_IF] = {"if", 3, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_FLOAT] = {"float", 1, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_FLOOR] = {"floor", 1, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_CEIL] = {"ceil", 1, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_ROUND] = {"round", 1, OF_ROW, DIGITS, false, false},
    [SOTTO__FUNCTION_EXP] = {"exp", 1, SOTTO__FUNCTION_OF_ANY, NO_OPTION, false, false},
    [SOTTO__FUNCTION_LOG] = {"log", 1, SOTTO__FUNCTION_OF_ANY, NO_OPTION, false, false},
    [SOTTO__FUNCTION_POW] = {"pow", 2, OF_ROW, NO_OPTION, false, false},
    [SOTTO__FUNCTION_TOGETHER] = {"", 2, OF_ROW, NO_OPTION, false, false},
};

const struct sotto__function_rules *sotto__function_rules(enum sotto__function function)
{
    return &functions[function];
}

bool sotto__takes_levels(enum sotto__function function)
{
    return function == SOTTO__FUNCTION_HIST || function == SOTTO__FUNCTION_VALUE_COUNTS;
}

bool sotto__options_equal(const struct sotto__options *a, const struct sotto__options *b)
{
    return a->ddof == b->ddof && a->digits == b->digits && a->intercept == b->intercept;
}
