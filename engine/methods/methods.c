/* SPDX-License-Identifier: Apache-2.0 */

/* The table of methods. It leans on nothing: what is known of a method before it is called stands
 * on its function's card (expression/functions.c), all else in its own file. */

#include "methods/methods.h"

const sotto__method_table sotto__methods = {
    [SOTTO__FUNCTION_ANOVA] = &sotto__method_anova,
    [SOTTO__FUNCTION_ANOVA_TWO] = &sotto__method_anova_two,
    [SOTTO__FUNCTION_BINOMIAL] = &sotto__method_binomial,
    [SOTTO__FUNCTION_CHI2] = &sotto__method_chi2,
    [SOTTO__FUNCTION_CROSSTAB] = &sotto__method_crosstab,
    [SOTTO__FUNCTION_FISHER] = &sotto__method_fisher,
    [SOTTO__FUNCTION_GLM] = &sotto__method_glm,
    [SOTTO__FUNCTION_MAD] = &sotto__method_mad,
    [SOTTO__FUNCTION_MEDIAN] = &sotto__method_median,
    [SOTTO__FUNCTION_MISSING_PATTERNS] = &sotto__method_missing_patterns,
    [SOTTO__FUNCTION_MNLOGIT] = &sotto__method_mnlogit,
    [SOTTO__FUNCTION_MODE] = &sotto__method_mode,
    [SOTTO__FUNCTION_NUNIQUE] = &sotto__method_nunique,
    [SOTTO__FUNCTION_OLS] = &sotto__method_ols,
    [SOTTO__FUNCTION_PEARSON] = &sotto__method_pearson,
    [SOTTO__FUNCTION_PROPORTION] = &sotto__method_proportion,
    [SOTTO__FUNCTION_QUANTILE] = &sotto__method_quantile,
    [SOTTO__FUNCTION_SMD] = &sotto__method_smd,
    [SOTTO__FUNCTION_TTEST] = &sotto__method_ttest,
    [SOTTO__FUNCTION_TTEST_ONE] = &sotto__method_ttest_one,
    [SOTTO__FUNCTION_TTEST_PAIRED] = &sotto__method_ttest_paired,
    [SOTTO__FUNCTION_VAR_CI] = &sotto__method_var_ci,
    [SOTTO__FUNCTION_WEIGHTED] = &sotto__method_weighted,
    [SOTTO__FUNCTION_WEIGHTED_TTEST] = &sotto__method_weighted_ttest,
};
