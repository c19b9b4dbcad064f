/* SPDX-License-Identifier: Apache-2.0 */

/* The table of functions. What is known of a function stands on its card and nowhere else: the
 * parser, the compiler of sums, the classifier of plans and the texts of errors read it there, and
 * tests hold PLAN.md and the Python client to it. What a card does not say is refused, not allowed:
 * an aggregate whose card is silent about its sums is "other" to every policy. */

#include "expression/functions.h"

#include <sotto/status.h>
#include <string.h>

#define OF_ROW SOTTO__FUNCTION_OF_A_ROW
#define OF_ANY SOTTO__FUNCTION_OF_ANY

/* Rows of options: a whole number, and one of some words. */
#define WHOLE(of_kind, of_name, least, largest, otherwise)                                         \
    {                                                                                              \
        .kind = SOTTO__OPTION_##of_kind, .name = (of_name), .min = (least), .max = (largest),      \
        .absent = (otherwise)                                                                      \
    }
#define WORD(of_kind, of_name, list, last, otherwise)                                              \
    {                                                                                              \
        .kind = SOTTO__OPTION_##of_kind, .name = (of_name), .max = (int)(last),                    \
        .absent = (int)(otherwise), .words = (list)                                                \
    }

static const char *const interpolations[] = {"linear", "lower", "higher", "nearest", "midpoint"};
static const char *const alternatives[] = {"two_sided", "less", "greater"};
static const char *const families[] = {"gaussian", "binomial", "poisson", "gamma"};
static const char *const links[] = {"canonical", "identity", "logit",  "log",
                                    "inverse",   "probit",   "cloglog"};
static const char *const errors[] = {"nonrobust", "hc0", "hc1"};
static const char *const weights[] = {"frequency", "probability"};

#define EXACT WHOLE(EXACT, "exact", 0, 1, 0)
#define INTERCEPT WHOLE(INTERCEPT, "intercept", 0, 1, 1)
#define LEVEL WHOLE(LEVEL, "level", 1, 99, 95)
#define ALTERNATIVE                                                                                \
    WORD(ALTERNATIVE, "alternative", alternatives, SOTTO__ALTERNATIVE_GREATER,                     \
         SOTTO__ALTERNATIVE_TWO_SIDED)
#define ERRORS WORD(ERRORS, "cov", errors, SOTTO__ERRORS_HC1, SOTTO__ERRORS_NONROBUST)
#define WEIGHTS WORD(WEIGHTS, "weights", weights, SOTTO__WEIGHTS_PROBABILITY, SOTTO__OPTION_MUST)

/* What models may begin and end with, and be held up by. A ridge beyond that would be another
 * model, and one by which whoever asks could lead the coefficients. */
#define RIDGE                                                                                      \
    {                                                                                              \
        .kind = SOTTO__OPTION_RIDGE, .name = "ridge", .of = SOTTO__OPTION_OF_NUMBER, .most = 1e-6  \
    }
#define TOLERANCE                                                                                  \
    {                                                                                              \
        .kind = SOTTO__OPTION_TOLERANCE, .name = "tolerance", .of = SOTTO__OPTION_OF_NUMBER,       \
        .most = 1                                                                                  \
    }
#define STEPS WHOLE(STEPS, "maxiter", 1, SOTTO__MODEL_ROUNDS_MAX, SOTTO__MODEL_ROUNDS_MAX)
#define START                                                                                      \
    {                                                                                              \
        .kind = SOTTO__OPTION_START, .name = "start", .of = SOTTO__OPTION_OF_NUMBERS               \
    }

#define ROWS(of_kind, of_name)                                                                     \
    {                                                                                              \
        .kind = SOTTO__OPTION_##of_kind, .name = (of_name), .of = SOTTO__OPTION_OF_ROWS            \
    }

static const struct sotto__option ddof[] = {WHOLE(DDOF, "ddof", 0, SOTTO__DDOF_MAX, 1),
                                            {.name = NULL}};
static const struct sotto__option digits[] = {
    WHOLE(DIGITS, "digits", -SOTTO__ROUND_DIGITS_MAX, SOTTO__ROUND_DIGITS_MAX, 0), {.name = NULL}};
static const struct sotto__option exact[] = {EXACT, {.name = NULL}};
static const struct sotto__option interpolation_and_exact[] = {
    WORD(INTERPOLATION, "interpolation", interpolations, SOTTO__INTERPOLATION_MIDPOINT,
         SOTTO__INTERPOLATION_LINEAR),
    EXACT,
    {.name = NULL}};
static const struct sotto__option extremes_and_exact[] = {
    WHOLE(EXTREMES, "extremes", 0, 1, 0), EXACT, {.name = NULL}};
static const struct sotto__option level[] = {LEVEL, {.name = NULL}};
static const struct sotto__option of_lines[] = {
    INTERCEPT, LEVEL, ERRORS, ROWS(ROW_WEIGHTS, "weights"), {.name = NULL}};
static const struct sotto__option of_models[] = {
    WORD(FAMILY, "family", families, SOTTO__FAMILY_GAMMA, SOTTO__FAMILY_GAUSSIAN),
    WORD(LINK, "link", links, SOTTO__LINK_CLOGLOG, SOTTO__LINK_CANONICAL),
    INTERCEPT,
    LEVEL,
    WHOLE(LIKELIHOOD, "likelihood", 0, 1, 1),
    ERRORS,
    RIDGE,
    TOLERANCE,
    STEPS,
    START,
    ROWS(ROW_WEIGHTS, "weights"),
    ROWS(OFFSET, "offset"),
    {.name = NULL}};
static const struct sotto__option of_models_of_levels[] = {
    INTERCEPT,     LEVEL, ERRORS, RIDGE, TOLERANCE, STEPS, START, ROWS(ROW_WEIGHTS, "weights"),
    {.name = NULL}};
static const struct sotto__option level_and_alternative[] = {LEVEL, ALTERNATIVE, {.name = NULL}};
static const struct sotto__option alternative[] = {ALTERNATIVE, {.name = NULL}};
static const struct sotto__option level_equal_var_and_alternative[] = {
    LEVEL, WHOLE(EQUAL_VAR, "equal_var", 0, 1, 0), ALTERNATIVE, {.name = NULL}};
static const struct sotto__option weights_level_and_alternative[] = {
    WEIGHTS, LEVEL, ALTERNATIVE, {.name = NULL}};
static const struct sotto__option yates[] = {WHOLE(YATES, "yates", 0, 1, 0), {.name = NULL}};

static const struct sotto__method_card regression = {
    .rounds_max = 1, .rounds_robust = 2, .stands_alone = true, .axes = SOTTO__AXES_REGRESSORS};
/* Newton's method doubles the digits that are right in each round: few models take ten. */
static const struct sotto__method_card model = {
    .rounds_max = SOTTO__MODEL_ROUNDS_MAX, .stands_alone = true, .axes = SOTTO__AXES_REGRESSORS};
static const struct sotto__method_card model_of_levels = {
    .rounds_max = SOTTO__MODEL_ROUNDS_MAX, .stands_alone = true, .axes = SOTTO__AXES_EQUATIONS};
static const struct sotto__method_card single_values = {.rounds_max = 1, .stands_alone = true};
static const struct sotto__method_card samples = {
    .rounds_max = 1, .stands_alone = true, .axes = SOTTO__AXES_SAMPLES};
static const struct sotto__method_card terms = {
    .rounds_max = 1, .stands_alone = true, .axes = SOTTO__AXES_TERMS};
static const struct sotto__method_card table = {
    .rounds_max = 1, .stands_alone = true, .axes = SOTTO__AXES_TABLE};
static const struct sotto__method_card levels = {
    .rounds_max = 1, .stands_alone = true, .axes = SOTTO__AXES_LEVELS};
static const struct sotto__method_card patterns = {
    .rounds_max = 1, .stands_alone = true, .axes = SOTTO__AXES_PATTERNS};
/* When there are very many groups, 64 levels of 2 bits find 128 bits; guarded, there is one more,
 * and each takes two rounds. */
static const struct sotto__method_card order_statistic = {.rounds_max = 130, .cells_len = 2};
static const struct sotto__method_card deviation = {
    .rounds_max = 260, .cells_len = 2, .searches_len = 2};

static const struct sotto__function_card functions[SOTTO__FUNCTIONS_LEN] = {
    /* --- Of all rows: aggregates --- */
    [SOTTO__FUNCTION_COUNT] = {.name = "count",
                               .arguments_len = 1,
                               .opens = {SOTTO__OPENS_POWERS, .count = true},
                               .synonyms = "len length size"},
    [SOTTO__FUNCTION_SUM] = {.name = "sum",
                             .arguments_len = 1,
                             .opens = {SOTTO__OPENS_POWERS, .powers = 1},
                             .synonyms = "total"},
    [SOTTO__FUNCTION_MEAN] = {.name = "mean",
                              .arguments_len = 1,
                              .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 1},
                              .synonyms = "average avg"},
    [SOTTO__FUNCTION_VAR] = {.name = "var",
                             .arguments_len = 1,
                             .options = ddof,
                             .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2},
                             .synonyms = "variance"},
    [SOTTO__FUNCTION_STD] = {.name = "std",
                             .arguments_len = 1,
                             .options = ddof,
                             .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2},
                             .synonyms = "stddev stdev sd"},
    [SOTTO__FUNCTION_SEM] = {.name = "sem",
                             .arguments_len = 1,
                             .options = ddof,
                             .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2}},
    [SOTTO__FUNCTION_SKEW] = {.name = "skew",
                              .arguments_len = 1,
                              .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 3},
                              .synonyms = "skewness"},
    [SOTTO__FUNCTION_KURT] = {.name = "kurt",
                              .arguments_len = 1,
                              .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 4},
                              .synonyms = "kurtosis"},
    [SOTTO__FUNCTION_ANY] = {.name = "any",
                             .arguments_len = 1,
                             .opens = {SOTTO__OPENS_TRUTHS, .powers = 1}},
    [SOTTO__FUNCTION_ALL] = {.name = "all",
                             .arguments_len = 1,
                             .opens = {SOTTO__OPENS_TRUTHS, .count = true, .powers = 1}},
    [SOTTO__FUNCTION_COV] = {.name = "cov",
                             .arguments_len = 2,
                             .is_frame_enough = true,
                             .options = ddof,
                             .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 1,
                                       .y_powers = 1, .product = true},
                             .synonyms = "covariance"},
    [SOTTO__FUNCTION_CORR] = {.name = "corr",
                              .arguments_len = 2,
                              .is_frame_enough = true,
                              .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2,
                                        .y_powers = 2, .product = true},
                              .synonyms = "correlation"},
    [SOTTO__FUNCTION_DOT] = {.name = "dot",
                             .arguments_len = 2,
                             .opens = {SOTTO__OPENS_POWERS, .product = true}},
    [SOTTO__FUNCTION_HIST] = {.name = "hist",
                              .arguments_len = 2,
                              .is_variadic = true,
                              .takes = SOTTO__TAKES_EDGES,
                              .opens = {SOTTO__OPENS_TRUTHS, .powers = 1},
                              .synonyms = "histogram"},
    [SOTTO__FUNCTION_VALUE_COUNTS] = {.name = "value_counts",
                                      .arguments_len = 2,
                                      .is_variadic = true,
                                      .takes = SOTTO__TAKES_LEVELS,
                                      .opens = {SOTTO__OPENS_TRUTHS, .powers = 1},
                                      .instead_of = "unique",
                                      .gives = "how many values are equal to each level"},
    [SOTTO__FUNCTION_MODE] = {.name = "mode",
                              .arguments_len = 2,
                              .is_variadic = true,
                              .takes = SOTTO__TAKES_LEVELS,
                              .method = &levels,
                              .opens = {SOTTO__OPENS_TRUTHS, .powers = 1},
                              .synonyms = "modes most_frequent"},
    [SOTTO__FUNCTION_NUNIQUE] = {.name = "nunique",
                                 .arguments_len = 2,
                                 .is_variadic = true,
                                 .takes = SOTTO__TAKES_LEVELS,
                                 .method = &levels,
                                 .opens = {SOTTO__OPENS_TRUTHS, .powers = 1},
                                 .synonyms = "n_unique count_distinct n_distinct"},
    [SOTTO__FUNCTION_MISSING_PATTERNS] = {.name = "missing_patterns",
                                          .arguments_len = 1,
                                          .is_variadic = true,
                                          .takes = SOTTO__TAKES_COLUMNS,
                                          .method = &patterns,
                                          .opens = {SOTTO__OPENS_TRUTHS, .powers = 1},
                                          .synonyms = "md_pattern missing_table"},
    [SOTTO__FUNCTION_OLS] = {.name = "ols",
                             .arguments_len = 2,
                             .is_variadic = true,
                             .version = 1,
                             .options = of_lines,
                             .method = &regression,
                             .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2,
                                       .y_powers = 2, .product = true},
                             .synonyms = "lm linreg regression"},
    [SOTTO__FUNCTION_GLM] = {.name = "glm",
                             .arguments_len = 2,
                             .is_variadic = true,
                             .version = 2,
                             .options = of_models,
                             .method = &model,
                             .opens = {SOTTO__OPENS_FIT, .count = true, .powers = 2, .y_powers = 2,
                                       .product = true},
                             .harm = "sums of a model of what is computed",
                             .synonyms = "logit logistic probit cloglog poisson_regression"},
    [SOTTO__FUNCTION_MNLOGIT] = {.name = "mnlogit",
                                 .arguments_len = 2,
                                 .is_variadic = true,
                                 .version = 1,
                                 .takes = SOTTO__TAKES_OUTCOME,
                                 .options = of_models_of_levels,
                                 .method = &model_of_levels,
                                 .opens = {SOTTO__OPENS_FIT, .count = true, .powers = 2,
                                           .y_powers = 2, .product = true},
                                 .harm = "sums of a model of what is computed",
                                 .synonyms = "multinomial multinom softmax"},
    [SOTTO__FUNCTION_TTEST] = {.name = "ttest",
                               .arguments_len = 2,
                               .takes_samples = true,
                               .options = level_equal_var_and_alternative,
                               .method = &single_values,
                               .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2,
                                         .y_powers = 2},
                               .synonyms = "ttest_ind t_test welch"},
    [SOTTO__FUNCTION_TTEST_PAIRED] = {.name = "ttest_paired",
                                      .arguments_len = 2,
                                      .options = level_and_alternative,
                                      .method = &single_values,
                                      .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2,
                                                .y_powers = 2, .product = true},
                                      .synonyms = "ttest_rel"},
    [SOTTO__FUNCTION_TTEST_ONE] = {.name = "ttest_one",
                                   .arguments_len = 1,
                                   .options = level_and_alternative,
                                   .method = &single_values,
                                   .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2},
                                   .synonyms = "ttest_1samp mean_ci"},
    [SOTTO__FUNCTION_WEIGHTED] = {.name = "weighted",
                                  .arguments_len = 2,
                                  .options = weights_level_and_alternative,
                                  .method = &single_values,
                                  .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 1,
                                            .y_powers = 2, .product = true,
                                            .weighted_squares = true},
                                  .synonyms = "weighted_mean wtd_mean svymean DescrStatsW"},
    [SOTTO__FUNCTION_WEIGHTED_TTEST] = {.name = "weighted_ttest",
                                        .arguments_len = 3,
                                        .takes_samples = true,
                                        .options = weights_level_and_alternative,
                                        .method = &single_values,
                                        .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 1,
                                                  .y_powers = 2, .product = true,
                                                  .weighted_squares = true},
                                        .synonyms = "svyttest wtd_t_test"},
    [SOTTO__FUNCTION_SMD] = {.name = "smd",
                             .arguments_len = 2,
                             .takes_samples = true,
                             .options = level,
                             .method = &single_values,
                             .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2,
                                       .y_powers = 2},
                             .synonyms = "standardised_mean_difference cohens_d stddiff"},
    [SOTTO__FUNCTION_ANOVA] = {.name = "anova",
                               .arguments_len = 2,
                               .is_variadic = true,
                               .takes_samples = true,
                               .method = &samples,
                               .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2,
                                         .y_powers = 2},
                               .synonyms = "f_oneway aov"},
    [SOTTO__FUNCTION_ANOVA_TWO] = {.name = "anova_two",
                                   .arguments_len = 3,
                                   .takes = SOTTO__TAKES_TABLE,
                                   .method = &terms,
                                   .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2},
                                   .synonyms = "anova2 anova_lm"},
    [SOTTO__FUNCTION_PEARSON] = {.name = "pearson",
                                 .arguments_len = 2,
                                 .options = level_and_alternative,
                                 .method = &single_values,
                                 .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2,
                                           .y_powers = 2, .product = true},
                                 .synonyms = "pearsonr cor_test"},
    [SOTTO__FUNCTION_VAR_CI] = {.name = "var_ci",
                                .arguments_len = 1,
                                .options = level,
                                .method = &single_values,
                                .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 2},
                                .synonyms = "var_test"},
    [SOTTO__FUNCTION_PROPORTION] = {.name = "proportion",
                                    .arguments_len = 1,
                                    .options = level_and_alternative,
                                    .method = &single_values,
                                    .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 1},
                                    .synonyms = "proportion_confint"},
    [SOTTO__FUNCTION_BINOMIAL] = {.name = "binomial",
                                  .arguments_len = 2,
                                  .takes = SOTTO__TAKES_NUMBERS,
                                  .options = level_and_alternative,
                                  .method = &single_values,
                                  .opens = {SOTTO__OPENS_POWERS, .count = true, .powers = 1},
                                  .synonyms = "binomtest binom_test prop_test"},
    [SOTTO__FUNCTION_CROSSTAB] = {.name = "crosstab",
                                  .arguments_len = 2,
                                  .takes = SOTTO__TAKES_TABLE,
                                  .method = &table,
                                  .opens = {SOTTO__OPENS_TRUTHS, .powers = 1},
                                  .synonyms = "table xtabs"},
    [SOTTO__FUNCTION_CHI2] = {.name = "chi2",
                              .arguments_len = 2,
                              .takes = SOTTO__TAKES_TABLE,
                              .options = yates,
                              .method = &table,
                              .opens = {SOTTO__OPENS_TRUTHS, .powers = 1},
                              .synonyms = "chi2_contingency chisq"},
    [SOTTO__FUNCTION_FISHER] = {.name = "fisher",
                                .arguments_len = 2,
                                .takes = SOTTO__TAKES_TABLE,
                                .options = alternative,
                                .method = &table,
                                .opens = {SOTTO__OPENS_TRUTHS, .powers = 1},
                                .synonyms = "fisher_exact"},
    [SOTTO__FUNCTION_MEDIAN] = {.name = "median",
                                .version = 2,
                                .arguments_len = 1,
                                .options = exact,
                                .method = &order_statistic,
                                .opens = {.kind = SOTTO__OPENS_BINS},
                                .harm = "counts of what is computed, by its digits"},
    [SOTTO__FUNCTION_QUANTILE] = {.name = "quantile",
                                  .version = 2,
                                  .arguments_len = 2,
                                  .is_variadic = true,
                                  .takes = SOTTO__TAKES_NUMBERS,
                                  .options = interpolation_and_exact,
                                  .method = &order_statistic,
                                  .opens = {.kind = SOTTO__OPENS_BINS},
                                  .harm = "counts of what is computed, by its digits",
                                  .synonyms = "percentile",
                                  .instead_of = "min max minimum maximum",
                                  .gives = "of share 0 the least value, of 1 the greatest"},
    [SOTTO__FUNCTION_DESCRIBE] = {.name = "describe",
                                  .version = 2,
                                  .arguments_len = 1,
                                  .options = extremes_and_exact,
                                  .method = &order_statistic,
                                  .opens = {.kind = SOTTO__OPENS_BINS},
                                  .harm = "counts of what is computed, by its digits",
                                  .synonyms = "summary"},
    [SOTTO__FUNCTION_IQR] = {.name = "iqr",
                             .version = 2,
                             .arguments_len = 1,
                             .options = exact,
                             .method = &order_statistic,
                             .opens = {.kind = SOTTO__OPENS_BINS},
                             .harm = "counts of what is computed, by its digits"},
    [SOTTO__FUNCTION_MAD] = {.name = "mad",
                             .version = 2,
                             .arguments_len = 1,
                             .options = exact,
                             .method = &deviation,
                             .opens = {.kind = SOTTO__OPENS_BINS},
                             .harm = "counts of what is computed, by its digits"},
    [SOTTO__FUNCTION_MISSING] = {.name = "missing",
                                 .arguments_len = 1,
                                 .opens = {SOTTO__OPENS_TRUTHS, .powers = 1}},

    /* --- Of a frame's row --- */
    [SOTTO__FUNCTION_ROW_SUM] = {.name = "row_sum",
                                 .arguments_len = 1,
                                 .takes_frame = true,
                                 .of = OF_ROW},
    [SOTTO__FUNCTION_ROW_COUNT] = {.name = "row_count",
                                   .arguments_len = 1,
                                   .takes_frame = true,
                                   .of = OF_ROW},
    [SOTTO__FUNCTION_ROW_MEAN] = {.name = "row_mean",
                                  .arguments_len = 1,
                                  .takes_frame = true,
                                  .of = OF_ROW},
    [SOTTO__FUNCTION_ROW_VAR] =
        {.name = "row_var", .arguments_len = 1, .takes_frame = true, .of = OF_ROW, .options = ddof},
    [SOTTO__FUNCTION_ROW_STD] =
        {.name = "row_std", .arguments_len = 1, .takes_frame = true, .of = OF_ROW, .options = ddof},
    [SOTTO__FUNCTION_ROW_SEM] =
        {.name = "row_sem", .arguments_len = 1, .takes_frame = true, .of = OF_ROW, .options = ddof},
    [SOTTO__FUNCTION_ROW_ANY] = {.name = "row_any",
                                 .arguments_len = 1,
                                 .takes_frame = true,
                                 .of = OF_ROW},
    [SOTTO__FUNCTION_ROW_ALL] = {.name = "row_all",
                                 .arguments_len = 1,
                                 .takes_frame = true,
                                 .of = OF_ROW},

    /* --- Of a value --- */
    [SOTTO__FUNCTION_ABS] = {.name = "abs", .arguments_len = 1, .of = OF_ANY},
    [SOTTO__FUNCTION_SQRT] = {.name = "sqrt", .arguments_len = 1, .of = OF_ANY},
    [SOTTO__FUNCTION_ISNA] = {.name = "isna",
                              .arguments_len = 1,
                              .of = OF_ROW,
                              .synonyms = "isnull isnan is_na"},
    [SOTTO__FUNCTION_FILLNA] = {.name = "fillna",
                                .arguments_len = 2,
                                .of = OF_ROW,
                                .harm = "a choice, fillna",
                                .synonyms = "coalesce ifnull"},
    [SOTTO__FUNCTION_IF] = {.name = "if",
                            .arguments_len = 3,
                            .of = OF_ROW,
                            .harm = "a choice, if",
                            .synonyms = "ifelse"},
    [SOTTO__FUNCTION_CLIP] = {.name = "clip",
                              .arguments_len = 3,
                              .of = OF_ROW,
                              .harm = "a choice, clip",
                              .synonyms = "winsorize clamp"},
    [SOTTO__FUNCTION_FLOAT] = {.name = "float",
                               .arguments_len = 1,
                               .of = OF_ROW,
                               .synonyms = "double"},
    [SOTTO__FUNCTION_FLOOR] = {.name = "floor", .arguments_len = 1, .of = OF_ROW},
    [SOTTO__FUNCTION_CEIL] = {.name = "ceil",
                              .arguments_len = 1,
                              .of = OF_ROW,
                              .synonyms = "ceiling"},
    [SOTTO__FUNCTION_ROUND] = {.name = "round",
                               .arguments_len = 1,
                               .of = OF_ROW,
                               .options = digits},
    [SOTTO__FUNCTION_EXP] = {.name = "exp", .arguments_len = 1, .of = OF_ANY},
    [SOTTO__FUNCTION_LOG] = {.name = "log", .arguments_len = 1, .of = OF_ANY, .synonyms = "ln"},
    [SOTTO__FUNCTION_POW] = {.name = "pow", .arguments_len = 2, .of = OF_ROW, .synonyms = "power"},
    [SOTTO__FUNCTION_YEAR] = {.name = "year", .arguments_len = 1, .of = OF_ROW},
    [SOTTO__FUNCTION_MONTH] = {.name = "month",
                               .arguments_len = 1,
                               .of = OF_ROW,
                               .instead_of = "quarter",
                               .gives = "quarters are bins of it: hist(month(d), 1, 4, 7, 10, 13)"},
    [SOTTO__FUNCTION_DAY] = {.name = "day",
                             .arguments_len = 1,
                             .of = OF_ROW,
                             .synonyms = "dayofmonth mday"},
    [SOTTO__FUNCTION_WEEKDAY] = {.name = "weekday",
                                 .arguments_len = 1,
                                 .of = OF_ROW,
                                 .synonyms = "dayofweek wday"},
    [SOTTO__FUNCTION_HOUR] = {.name = "hour", .arguments_len = 1, .of = OF_ROW},
    [SOTTO__FUNCTION_MINUTE] = {.name = "minute", .arguments_len = 1, .of = OF_ROW},
    [SOTTO__FUNCTION_DATE] = {.name = "date",
                              .arguments_len = 1,
                              .of = OF_ROW,
                              .synonyms = "as_date to_date"},
    [SOTTO__FUNCTION_SECONDS] = {.name = "seconds",
                                 .arguments_len = 1,
                                 .of = OF_ANY,
                                 .synonyms = "total_seconds difftime"},
    [SOTTO__FUNCTION_STARTSWITH] = {.name = "startswith",
                                    .arguments_len = 2,
                                    .of = OF_ROW,
                                    .harm = "a condition on parts of texts",
                                    .synonyms = "starts_with"},
    [SOTTO__FUNCTION_CONTAINS] = {.name = "contains",
                                  .arguments_len = 2,
                                  .of = OF_ROW,
                                  .harm = "a condition on parts of texts",
                                  .synonyms = "str_detect like"},
    [SOTTO__FUNCTION_LOWER] = {.name = "lower",
                               .arguments_len = 1,
                               .of = OF_ROW,
                               .synonyms = "tolower lowercase"},
    [SOTTO__FUNCTION_STRIP] = {.name = "strip",
                               .arguments_len = 1,
                               .of = OF_ROW,
                               .synonyms = "trim str_trim trimws"},
    [SOTTO__FUNCTION_BETWEEN] = {.name = "between", .arguments_len = 3, .of = OF_ROW},
    [SOTTO__FUNCTION_CUT] = {.name = "cut",
                             .arguments_len = 3,
                             .is_variadic = true,
                             .of = OF_ROW,
                             .synonyms = "digitize findInterval"},
    [SOTTO__FUNCTION_RECODE] = {.name = "recode",
                                .arguments_len = 3,
                                .is_variadic = true,
                                .of = OF_ROW,
                                .synonyms = "case_when replace"},
    [SOTTO__FUNCTION_TOGETHER] = {.arguments_len = 2, .of = OF_ROW},
};

const struct sotto__function_card *sotto__function_card(enum sotto__function function)
{
    return &functions[function];
}

bool sotto__is_date_part(enum sotto__function function)
{
    return function >= SOTTO__FUNCTION_YEAR && function <= SOTTO__FUNCTION_DATE;
}

static unsigned take_larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

unsigned sotto__degree_of_sums(const struct sotto__opened_sums *opens, unsigned x_degree,
                               unsigned y_degree)
{
    if (opens->kind != SOTTO__OPENS_POWERS) {
        return SOTTO__DEGREE_OTHER;
    }
    /* A count tells where the argument has a value: as much as its sum at most. */
    unsigned powers = take_larger(opens->powers, opens->count);
    unsigned degree = take_larger(powers * x_degree, opens->y_powers * y_degree);
    degree = take_larger(degree, opens->product ? x_degree + y_degree : 0);
    return take_larger(degree, opens->weighted_squares ? 2 * (x_degree + y_degree) : 0);
}

bool sotto__has_word(const char *words, const char *word)
{
    size_t bytes = strlen(word);
    const char *at = words != NULL ? words : "";
    for (; *at != '\0'; at += strspn(at, " ")) {
        size_t here = strcspn(at, " ");
        if (here == bytes && memcmp(at, word, bytes) == 0) {
            return true;
        }
        at += here;
    }
    return false;
}

const enum sotto__model_link *sotto__links_of(enum sotto__family family)
{
    static const enum sotto__model_link links_of[][4] = {
        [SOTTO__FAMILY_GAUSSIAN] = {SOTTO__LINK_IDENTITY},
        [SOTTO__FAMILY_BINOMIAL] = {SOTTO__LINK_LOGIT, SOTTO__LINK_PROBIT, SOTTO__LINK_CLOGLOG},
        [SOTTO__FAMILY_POISSON] = {SOTTO__LINK_LOG},
        [SOTTO__FAMILY_GAMMA] = {SOTTO__LINK_INVERSE, SOTTO__LINK_LOG},
        [SOTTO__FAMILY_MULTINOMIAL] = {SOTTO__LINK_LOGIT},
    };
    return links_of[family];
}

const char *sotto__link_word(enum sotto__model_link link)
{
    return links[link];
}

bool sotto__options_equal(const struct sotto__options *a, const struct sotto__options *b)
{
    return a->ddof == b->ddof && a->digits == b->digits && a->intercept == b->intercept &&
           a->interpolation == b->interpolation && a->level == b->level &&
           a->equal_var == b->equal_var && a->yates == b->yates && a->extremes == b->extremes &&
           a->exact == b->exact && a->alternative == b->alternative && a->weights == b->weights &&
           a->family == b->family && a->link == b->link && a->errors == b->errors &&
           a->weights_at == b->weights_at && a->offset_at == b->offset_at &&
           a->likelihood == b->likelihood && a->ridge == b->ridge && a->tolerance == b->tolerance &&
           a->steps == b->steps;
}

double sotto__option_value(const struct sotto__options *options, enum sotto__option_kind kind)
{
    switch (kind) {
    case SOTTO__OPTION_DDOF:
        return options->ddof;
    case SOTTO__OPTION_DIGITS:
        return options->digits;
    case SOTTO__OPTION_INTERCEPT:
        return options->intercept;
    case SOTTO__OPTION_INTERPOLATION:
        return (double)options->interpolation;
    case SOTTO__OPTION_LEVEL:
        return options->level;
    case SOTTO__OPTION_EQUAL_VAR:
        return options->equal_var;
    case SOTTO__OPTION_YATES:
        return options->yates;
    case SOTTO__OPTION_EXTREMES:
        return options->extremes;
    case SOTTO__OPTION_EXACT:
        return options->exact;
    case SOTTO__OPTION_ALTERNATIVE:
        return (double)options->alternative;
    case SOTTO__OPTION_WEIGHTS:
        return (double)options->weights;
    case SOTTO__OPTION_FAMILY:
        return (double)options->family;
    case SOTTO__OPTION_LINK:
        return (double)options->link;
    case SOTTO__OPTION_ERRORS:
        return (double)options->errors;
    case SOTTO__OPTION_LIKELIHOOD:
        return options->likelihood;
    case SOTTO__OPTION_RIDGE:
        return options->ridge;
    case SOTTO__OPTION_TOLERANCE:
        return options->tolerance;
    case SOTTO__OPTION_STEPS:
        return options->steps;
    case SOTTO__OPTION_START:
    case SOTTO__OPTION_ROW_WEIGHTS:
    case SOTTO__OPTION_OFFSET:
        break; /* a list, and expressions */
    }
    SOTTO_REQUIRE(false);
    return 0;
}
