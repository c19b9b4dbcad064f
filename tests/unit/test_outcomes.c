/* SPDX-License-Identifier: Apache-2.0 */

/* Rows of which there is little to say, each kind by its name, asked by every statistic: there is
 * an answer or a reason why there is none, never a failure, and the same one from three parties as
 * from one. What the reasons are: tests/unit/test_samples.c and test_counts.c; of guarded
 * quantiles: tests/property/test_guarded.c. */

#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const calls[] = {
    "count(x)",
    "sum(x)",
    "mean(x)",
    "var(x)",
    "std(x, ddof=0)",
    "sem(x)",
    "skew(x)",
    "kurt(x)",
    "any(x)",
    "all(x)",
    "cov(x, y)",
    "corr(x, y)",
    "dot(x, y)",
    "hist(x, 0, 1, 2)",
    "value_counts(x, 0, 1)",
    "mode(x, 0, 1)",
    "nunique(x, 0, 1)",
    "missing_patterns(x, y)",
    "median(x)",
    "quantile(x, 0.1, 0.9)",
    "describe([x, y], extremes=1)",
    "iqr(x)",
    "mad(x)",
    "missing(x)",
    "ttest(x, y)",
    "ttest(x, g in ('a', 'b'), equal_var=1)",
    "ttest_paired(x, y)",
    "ttest_one(x, alternative=less)",
    "weighted(x, w, weights=frequency)",
    "weighted(x, w, weights=probability)",
    "weighted_ttest(x, g in ('a', 'b'), w, weights=frequency)",
    "weighted_ttest(x, g in ('a', 'b'), w, weights=probability)",
    "smd(x, g in ('a', 'b'))",
    "anova(x, g in ('a', 'b', 'c'))",
    "anova_two(x, g in ('a', 'b'), w in (1, 2))",
    "pearson(x, y)",
    "var_ci(x)",
    "proportion(x > 1)",
    "binomial(x > 1, 0.25)",
    "crosstab(g in ('a', 'b'), w in (1, 2))",
    "chi2(g in ('a', 'b'), w in (1, 2))",
    "fisher(g in ('a', 'b'), w in (1, 2))",
};

static struct sotto_plan *make_plan(const char *keys, const char *call)
{
    char json[1000];
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s \"select\": {\"r\": \"%s\"}}",
                   keys, call);
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        fail_msg("%s: %s", call, err.text);
    }
    return plan;
}

/* The outputs of a result. Ended by sotto_free. */
static char *ask(const struct sotto_plan *plan, const char *const *texts, size_t texts_len,
                 const char *call)
{
    char *json = NULL;
    struct sotto_error err = {0};
    if (test_run(&json, NULL, plan, texts, texts_len, &err) != SOTTO_OK) {
        fail_msg("%s: %s", call, err.text);
    }
    char *end = strstr(json, ", \"parties\"");
    assert_non_null(end);
    *end = '\0';
    return json;
}

/* Every statistic of these rows, as one party's and dealt out to three, which need not have any. */
static void answers(const char *keys, const char *const *rows, size_t rows_len)
{
    static const char header[] = "g,x,y,w\n";
    char whole[2000];
    char parts[3][2000];
    const char *of[3] = {parts[0], parts[1], parts[2]};
    const char *text = whole;
    strcpy(whole, header);
    for (size_t i = 0; i < 3; i++) {
        strcpy(parts[i], header);
    }
    for (size_t i = 0; i < rows_len; i++) {
        strcat(whole, rows[i]);
        strcat(parts[i % 3 == 1 ? 1 : 0], rows[i]); /* the third has none */
    }
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct sotto_plan *plan = make_plan(keys, calls[i]);
        char *found = ask(plan, &text, 1, calls[i]);
        char *dealt = ask(plan, of, 3, calls[i]);
        assert_string_equal(found, dealt);
        bool is_without_answer =
            strstr(found, "\"p\": {\"value\": null, \"special\": \"NaN\"") != NULL ||
            strstr(found, "\"low\": {\"value\": null, \"special\": \"NaN\"") != NULL;
        if (is_without_answer && strstr(found, "\"status\"") == NULL) {
            fail_msg("%s: there is no reason in %s", calls[i], found);
        }
        sotto_free(found);
        sotto_free(dealt);
        sotto_plan_free(plan);
    }
}

#define ANSWERS(keys, ...)                                                                         \
    do {                                                                                           \
        static const char *const rows[] = {__VA_ARGS__};                                           \
        answers(keys, rows, sizeof rows / sizeof rows[0]);                                         \
    } while (0)

static const char by_g[] = "\"group_by\": [{\"column\": \"g\", \"levels\": [\"a\", \"b\"]}],";

/* A column of texts and numbers, so that it has a type, and a condition that no row meets. */
static void test_no_rows(void **state)
{
    (void)state;
    ANSWERS("\"where\": \"w > 9\",", "a,1,2,1\n", "b,2,1,2\n");
}

static void test_one_row(void **state)
{
    (void)state;
    ANSWERS("", "a,1,2,1\n");
}

static void test_two_rows(void **state)
{
    (void)state;
    ANSWERS("", "a,1,2,1\n", "b,2,1,2\n");
    ANSWERS("", "a,1,2,1\n", "a,1,2,2\n");
    ANSWERS(by_g, "a,1,2,1\n", "b,2,1,1\n");
}

static void test_all_values_are_missing(void **state)
{
    (void)state;
    ANSWERS("\"where\": \"g != 'z'\",", "a,,,\n", "b,,,\n", "a,,,\n", "z,1,1,1\n");
}

static void test_one_group_is_empty(void **state)
{
    (void)state;
    ANSWERS(by_g, "a,1,2,1\n", "a,2,1,2\n", "a,4,4,2\n", "a,4,3,1\n");
}

static void test_a_level_that_nobody_has(void **state)
{
    (void)state;
    ANSWERS("", "c,1,2,3\n", "c,2,1,4\n", "c,4,4,3\n", "c,4,3,4\n");
}

static void test_constant_columns(void **state)
{
    (void)state;
    ANSWERS("", "a,5,5,1\n", "b,5,5,1\n", "c,5,5,1\n", "a,5,5,1\n", "b,5,5,1\n");
    ANSWERS("", "a,5e0,5e0,1\n", "b,5e0,5e0,1\n", "a,5e0,5e0,1\n", "b,5e0,5e0,1\n");
}

static void test_ties_everywhere(void **state)
{
    (void)state;
    ANSWERS("", "a,0,1,1\n", "b,0,1,2\n", "c,1,0,1\n", "a,1,0,2\n", "b,1,0,1\n", "a,1,1,2\n",
            "b,0,0,2\n");
}

static void test_infinities(void **state)
{
    (void)state;
    ANSWERS("", "a,inf,1,1\n", "b,2,inf,2\n", "a,3,2e0,1\n", "b,-inf,1,2\n", "a,1,2,2\n");
    ANSWERS("", "a,inf,inf,1\n", "b,inf,inf,2\n", "a,inf,inf,1\n", "b,inf,inf,2\n");
    ANSWERS(by_g, "a,inf,inf,1\n", "b,-inf,inf,2\n", "a,inf,-inf,1\n");
}

/* As many values as ddof or fewer: NaN, of each function that has it. */
static void test_ddof_is_too_large(void **state)
{
    static const char *const with_ddof[] = {"var(x, ddof=%d)", "std(x, ddof=%d)", "sem(x, ddof=%d)",
                                            "cov(x, y, ddof=%d)", "sum(row_var([x, y], ddof=%d))"};
    static const char text[] = "x,y\n1,2\n2,5\n4,4\n";
    (void)state;
    for (size_t i = 0; i < sizeof with_ddof / sizeof with_ddof[0]; i++) {
        for (int ddof = 2; ddof < 5; ddof++) {
            char output[100];
            int at = snprintf(output, sizeof output, "m=");
            (void)snprintf(output + at, sizeof output - (size_t)at, with_ddof[i], ddof);
            bool is_row = strncmp(with_ddof[i], "sum", 3) == 0; /* rows of two have no variance */
            test_gives1(output, text,
                        is_row     ? "\"value\": 0.0"
                        : ddof > 2 ? "{\"value\": null, \"special\": \"NaN\"}"
                                   : "\"value\": ");
        }
    }
    test_gives1("m=var(x, ddof=1000000)", text, "\"special\": \"NaN\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_one_row),
        cmocka_unit_test(test_two_rows),
        cmocka_unit_test(test_all_values_are_missing),
        cmocka_unit_test(test_one_group_is_empty),
        cmocka_unit_test(test_a_level_that_nobody_has),
        cmocka_unit_test(test_constant_columns),
        cmocka_unit_test(test_ties_everywhere),
        cmocka_unit_test(test_infinities),
        cmocka_unit_test(test_ddof_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
