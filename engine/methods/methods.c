/* SPDX-License-Identifier: Apache-2.0 */

/* The table of methods. It leans on nothing: what is known of a method before it is called stands
 * on its function's card (expression/functions.c), all else in its own file. */

#include "methods/methods.h"

const sotto__method_table sotto__methods = {
    [SOTTO__FUNCTION_MEDIAN] = &sotto__method_median,
    [SOTTO__FUNCTION_OLS] = &sotto__method_ols,
    [SOTTO__FUNCTION_QUANTILE] = &sotto__method_quantile,
};
