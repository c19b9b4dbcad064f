/* SPDX-License-Identifier: Apache-2.0 */

/* Each function in words, for people who ask for it (`sotto functions`). It leans on the cards for
 * options and for what is opened, and holds only what no card says: how a call is written, what it
 * gives, and an example of a file that engine/PLAN.md shows.
 */

#include "expression/functions.h"

#include <sotto/plan.h>
#include <string.h>

struct explanation {
    const char *call;
    const char *gives;
    const char *example;
};

static const struct explanation explanations[SOTTO__FUNCTIONS_LEN] = {
    [SOTTO__FUNCTION_COUNT] = {"count(x)", "How many values are present.", "count(wage)"},
    [SOTTO__FUNCTION_SUM] = {"sum(x)", "The sum of the values; 0 of none.", "sum(wage)"},
    [SOTTO__FUNCTION_MEAN] = {"mean(x)", "The sum over the count; NaN of none.", "mean(wage)"},
    [SOTTO__FUNCTION_VAR] = {"var(x)", "The variance, over the count less ddof.", "var(age)"},
    [SOTTO__FUNCTION_STD] = {"std(x)", "The standard deviation, the root of var.", "std(wage)"},
    [SOTTO__FUNCTION_SEM] = {"sem(x)", "The standard error of the mean.", "sem(wage)"},
    [SOTTO__FUNCTION_SKEW] = {"skew(x)", "The skewness, unbiased; NaN below 3 values.",
                              "skew(age)"},
    [SOTTO__FUNCTION_KURT] = {"kurt(x)", "The excess kurtosis, unbiased; NaN below 4 values.",
                              "kurt(age)"},
    [SOTTO__FUNCTION_ANY] = {"any(x)", "Whether any value is not 0.", "any(age > 60)"},
    [SOTTO__FUNCTION_ALL] = {"all(x)", "Whether no value is 0.", "all(age > 20)"},
    [SOTTO__FUNCTION_COV] = {"cov(x, y)", "The covariance, over the rows where both are present.",
                             "cov(wage, age)"},
    [SOTTO__FUNCTION_CORR] = {"corr(x, y)", "The correlation; of a frame the table of all pairs.",
                              "corr([wage, age])"},
    [SOTTO__FUNCTION_DOT] = {"dot(x, y)", "The sum of x * y, where both are present.",
                             "dot(wage, age)"},
    [SOTTO__FUNCTION_HIST] = {"hist(x, edge, edge, ...)",
                              "How many values are in each bin; the last one holds both its edges.",
                              "hist(age, 20, 40, 60)"},
    [SOTTO__FUNCTION_VALUE_COUNTS] = {"value_counts(x, level, ...)",
                                      "How many values are equal to each level.",
                                      "value_counts(dept, 'R&D', 'HR')"},
    [SOTTO__FUNCTION_MODE] =
        {"mode(x, level, ...)",
         "Which of the levels occurs most often; all of them where several do.",
         "mode(dept, 'R&D', 'HR')"},
    [SOTTO__FUNCTION_NUNIQUE] = {"nunique(x, level, ...)",
                                 "How many of the levels occur, or an interval that holds it.",
                                 "nunique(dept, 'R&D', 'HR')"},
    [SOTTO__FUNCTION_MISSING_PATTERNS] =
        {"missing_patterns(column, ...)",
         "How many rows lack which columns together, up to 8; of a frame too.",
         "missing_patterns(wage, age)"},
    [SOTTO__FUNCTION_MEDIAN] =
        {"median(x)", "The middle value, or an interval that holds it; with exact=1 exactly.",
         "median(wage)"},
    [SOTTO__FUNCTION_QUANTILE] =
        {"quantile(x, share, ...)",
         "The values below which such shares of all are, or intervals, as median.",
         "quantile(wage, 0.25, 0.75)"},
    [SOTTO__FUNCTION_DESCRIBE] =
        {"describe(x)",
         "Count, mean, std and quartiles; of a frame a table. With extremes=1 also min and max.",
         "describe([wage, age])"},
    [SOTTO__FUNCTION_IQR] = {"iqr(x)", "The third quartile less the first one.", "iqr(age)"},
    [SOTTO__FUNCTION_MAD] = {"mad(x)", "The median of the distances from the median.", "mad(age)"},
    [SOTTO__FUNCTION_MISSING] = {"missing(x)", "How many values are not there.",
                                 "missing([wage, age])"},
    [SOTTO__FUNCTION_OLS] = {"ols(y, x, ...)",
                             "A linear regression: coefficients, errors, t, p, intervals, R2, F.",
                             "ols(wage, age)"},
    [SOTTO__FUNCTION_GLM] = {"glm(y, x, ...)",
                             "A generalised linear model: of family=gaussian, binomial (logistic; "
                             "link=probit or cloglog), poisson or gamma (link=log).",
                             "glm(wage, age, family=gamma)"},
    [SOTTO__FUNCTION_MNLOGIT] = {"mnlogit(column in (level, level, ...), x, ...)",
                                 "A multinomial logistic model: which of the levels a row has, "
                                 "against the first one.",
                                 "mnlogit(part_time in (0, 1), wage)"},
    [SOTTO__FUNCTION_TTEST] = {"ttest(x, y), ttest(x, column in (level, level))",
                               "Compares two means: Welch's t-test, or with equal_var=1 Student's.",
                               "ttest(wage, dept in ('R&D', 'Sales'))"},
    [SOTTO__FUNCTION_TTEST_PAIRED] = {"ttest_paired(x, y)",
                                      "Compares the means of two columns, row by row.",
                                      "ttest_paired(wage, age)"},
    [SOTTO__FUNCTION_TTEST_ONE] = {"ttest_one(x)",
                                   "Compares a mean with 0, and gives its interval.",
                                   "ttest_one(wage - 5000)"},
    [SOTTO__FUNCTION_WEIGHTED] = {"weighted(x, w, weights=...)",
                                  "The mean with weights w, with its test and interval; variance.",
                                  "weighted(wage, age, weights=frequency)"},
    [SOTTO__FUNCTION_WEIGHTED_TTEST] =
        {"weighted_ttest(x, y, w, weights=...), weighted_ttest(x, column in (level, level), w, "
         "...)",
         "Compares two means with weights w.",
         "weighted_ttest(wage, dept in ('R&D', 'Sales'), age, weights=frequency)"},
    [SOTTO__FUNCTION_SMD] =
        {"smd(x, y), smd(x, column in (level, level))",
         "The difference of two means in standard deviations, with its interval.",
         "smd(wage, dept in ('R&D', 'Sales'))"},
    [SOTTO__FUNCTION_ANOVA] = {"anova(x, y, ...), anova(x, column in (level, ...))",
                               "Analysis of variance of one way: whether means differ.",
                               "anova(wage, dept in ('R&D', 'Sales', 'HR'))"},
    [SOTTO__FUNCTION_ANOVA_TWO] =
        {"anova_two(x, column in (level, ...), column in (level, ...))",
         "Analysis of variance of two ways, type I: first the one column, "
         "then the other, then both together.",
         "anova_two(wage, dept in ('R&D', 'Sales'), part_time in (0, 1))"},
    [SOTTO__FUNCTION_PEARSON] = {"pearson(x, y)", "The correlation with its test and interval.",
                                 "pearson(wage, age)"},
    [SOTTO__FUNCTION_VAR_CI] = {"var_ci(x)", "The variance and its interval, by chi-squared.",
                                "var_ci(age)"},
    [SOTTO__FUNCTION_PROPORTION] = {"proportion(condition)",
                                    "The share of rows where it is true, and Wilson's interval.",
                                    "proportion(age > 30)"},
    [SOTTO__FUNCTION_BINOMIAL] = {"binomial(condition, share)",
                                  "The same, and the exact test of it against a share.",
                                  "binomial(age > 30, 0.5)"},
    [SOTTO__FUNCTION_CROSSTAB] = {"crosstab(column in (level, ...), column in (level, ...))",
                                  "How many rows have each pair of levels, with margins.",
                                  "crosstab(dept in ('R&D', 'Sales'), part_time in (0, 1))"},
    [SOTTO__FUNCTION_CHI2] =
        {"chi2(column in (level, ...), column in (level, ...))",
         "Whether two columns go together: chi-squared, expected counts, Cramer's V.",
         "chi2(dept in ('R&D', 'Sales'), part_time in (0, 1))"},
    [SOTTO__FUNCTION_FISHER] = {"fisher(column in (level, level), column in (level, level))",
                                "The same of two by two levels, exactly, however few rows.",
                                "fisher(dept in ('R&D', 'Sales'), part_time in (0, 1))"},
    [SOTTO__FUNCTION_ROW_SUM] = {"row_sum(frame)", "In each row the sum of what is present.",
                                 "sum(row_sum([wage, age]))"},
    [SOTTO__FUNCTION_ROW_COUNT] = {"row_count(frame)", "In each row how many values are present.",
                                   "sum(row_count([wage, age]))"},
    [SOTTO__FUNCTION_ROW_MEAN] = {"row_mean(frame)", "In each row the mean of what is present.",
                                  "mean(row_mean([wage, age]))"},
    [SOTTO__FUNCTION_ROW_VAR] = {"row_var(frame)", "In each row the variance.",
                                 "mean(row_var([wage, age]))"},
    [SOTTO__FUNCTION_ROW_STD] = {"row_std(frame)", "In each row the standard deviation.",
                                 "mean(row_std([wage, age]))"},
    [SOTTO__FUNCTION_ROW_SEM] = {"row_sem(frame)", "In each row the standard error of the mean.",
                                 "mean(row_sem([wage, age]))"},
    [SOTTO__FUNCTION_ROW_ANY] = {"row_any(frame)", "In each row whether any value is not 0.",
                                 "sum(row_any([age, part_time]))"},
    [SOTTO__FUNCTION_ROW_ALL] = {"row_all(frame)", "In each row whether no value is 0.",
                                 "sum(row_all([age, part_time]))"},
    [SOTTO__FUNCTION_ABS] = {"abs(x)", "The value without its sign.", "sum(abs(age - 40))"},
    [SOTTO__FUNCTION_SQRT] = {"sqrt(x)", "The square root; of an aggregate exact.",
                              "sqrt(sum(age))"},
    [SOTTO__FUNCTION_ISNA] = {"isna(x)", "Whether the value is missing.", "sum(isna(wage))"},
    [SOTTO__FUNCTION_FILLNA] = {"fillna(x, value)", "x, or the value where x is missing.",
                                "mean(fillna(wage, 0))"},
    [SOTTO__FUNCTION_IF] = {"if(condition, a, b)", "a where it is true, b where it is false.",
                            "mean(if(part_time, wage, na))"},
    [SOTTO__FUNCTION_CLIP] = {"clip(x, lo, hi)", "x, or the limit that it is beyond.",
                              "mean(clip(wage, 2550, 8900))"},
    [SOTTO__FUNCTION_FLOAT] = {"float(x)", "The nearest double.", "sum(float(wage))"},
    [SOTTO__FUNCTION_FLOOR] = {"floor(x)", "The next whole number below.", "sum(floor(wage))"},
    [SOTTO__FUNCTION_CEIL] = {"ceil(x)", "The next whole number above.", "sum(ceil(wage))"},
    [SOTTO__FUNCTION_ROUND] = {"round(x)", "x with so many decimals, half to even.",
                               "sum(round(wage, digits=1))"},
    [SOTTO__FUNCTION_EXP] = {"exp(x)", "e to the power x.", "exp(count(age))"},
    [SOTTO__FUNCTION_LOG] = {"log(x)", "The natural logarithm.", "mean(log(wage))"},
    [SOTTO__FUNCTION_STARTSWITH] = {"startswith(s, text)", "Whether a text begins so.",
                                    "sum(startswith(dept, 'S'))"},
    [SOTTO__FUNCTION_CONTAINS] = {"contains(s, text)", "Whether a text has this part.",
                                  "sum(contains(dept, '&'))"},
    [SOTTO__FUNCTION_LOWER] = {"lower(s)", "A text with a to z for A to Z, to compare.",
                               "sum(lower(dept) == 'sales')"},
    [SOTTO__FUNCTION_STRIP] = {"strip(s)", "A text without blanks around it, to compare.",
                               "sum(strip(dept) == 'HR')"},
    [SOTTO__FUNCTION_BETWEEN] = {"between(x, lo, hi)", "Whether lo <= x <= hi.",
                                 "sum(between(age, 30, 41))"},
    [SOTTO__FUNCTION_CUT] = {"cut(x, edge, edge, ...)",
                             "The number of the bin of x, from 0, as hist has them.",
                             "mean(cut(age, 20, 40, 60))"},
    [SOTTO__FUNCTION_RECODE] = {"recode(x, value, number, ...)",
                                "The number behind the value that x is; else the last one or na.",
                                "mean(recode(dept, 'R&D', 1, 'Sales', 2, 0))"},
    [SOTTO__FUNCTION_YEAR] = {"year(d)", "The year of a date.", "mean(year(joined))"},
    [SOTTO__FUNCTION_MONTH] = {"month(d)", "The month of a date, 1 to 12.",
                               "value_counts(month(joined), 2, 3, 10)"},
    [SOTTO__FUNCTION_DAY] = {"day(d)", "The day of a date in its month, 1 to 31.",
                             "sum(day(joined) == 1)"},
    [SOTTO__FUNCTION_WEEKDAY] = {"weekday(d)", "The weekday of a date, 0 (Monday) to 6.",
                                 "sum(weekday(joined) >= 5)"},
    [SOTTO__FUNCTION_HOUR] = {"hour(t)", "The hour of a time, 0 to 23.", "mean(hour(login))"},
    [SOTTO__FUNCTION_MINUTE] = {"minute(t)", "The minute of a time, 0 to 59.",
                                "sum(minute(login) == 30)"},
    [SOTTO__FUNCTION_DATE] = {"date(t)", "The date of a time.", "sum(date(login) == '2021-01-11')"},
    [SOTTO__FUNCTION_SECONDS] = {"seconds(a - b)", "The seconds between two times, exactly.",
                                 "mean(seconds(login - '2021-01-11'))"},
    [SOTTO__FUNCTION_POW] = {"pow(x, y)", "x to the power y.", "sum(pow(age, 0.5))"},
};

/* Where the options of the card stand after the first one, or NULL. */
static const struct sotto__option *option_at(const struct sotto__function_card *card, size_t index)
{
    for (const struct sotto__option *option = card->options; option != NULL && option->name != NULL;
         option++) {
        if (index-- == 0) {
            return option;
        }
    }
    return NULL;
}

bool sotto_function_describe(struct sotto_function *out, size_t index)
{
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        const struct sotto__function_card *card = sotto__function_card((enum sotto__function)i);
        if (card->name == NULL || index-- > 0) {
            continue;
        }
        *out = (struct sotto_function){.name = card->name,
                                       .call = explanations[i].call,
                                       .gives = explanations[i].gives,
                                       .example = explanations[i].example,
                                       .synonyms = card->synonyms,
                                       .is_of_all_rows = card->of == SOTTO__FUNCTION_OF_ALL_ROWS,
                                       .rounds_max =
                                           card->method != NULL ? card->method->rounds_max : 1,
                                       .count = card->opens.count,
                                       .powers = card->opens.powers,
                                       .product = card->opens.product,
                                       .weighted_squares = card->opens.weighted_squares,
                                       .counts_cells = card->opens.kind == SOTTO__OPENS_TRUTHS,
                                       .counts_digits = card->opens.kind == SOTTO__OPENS_BINS};
        return true;
    }
    return false;
}

bool sotto_function_option(struct sotto_function_option *out, const char *function, size_t index)
{
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        const struct sotto__function_card *card = sotto__function_card((enum sotto__function)i);
        bool is_it = card->name != NULL && strcmp(card->name, function) == 0;
        const struct sotto__option *option = is_it ? option_at(card, index) : NULL;
        if (option != NULL) {
            *out =
                (struct sotto_function_option){.name = option->name,
                                               .min = option->min,
                                               .max = option->max,
                                               .absent = option->absent,
                                               .words = option->words,
                                               .most = option->most,
                                               .is_list = option->of == SOTTO__OPTION_OF_NUMBERS,
                                               .is_of_rows = option->of == SOTTO__OPTION_OF_ROWS};
            return true;
        }
    }
    return false;
}
