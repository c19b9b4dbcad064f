/* SPDX-License-Identifier: Apache-2.0 */

/* Frames, bins, levels, functions of a row, regressions: shapes, values that are known, what is
 * hostile. */

#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char table[] = "a,b,d,f,s\n1,True,0.5,1e0,x\n2,False,1.25,2.5e0,y\n"
                            "NA,NA,NA,NA,NA\n6,True,-3,-1e0,x\n";

static void refused(const char *output, const char *const *texts, size_t texts_len,
                    enum sotto_status expected, const char *part)
{
    char *json = NULL;
    struct sotto_error err = {0};
    struct sotto_plan *plan = test_plan_of(output);
    assert_int_equal(test_run(&json, NULL, plan, texts, texts_len, &err), expected);
    assert_contains(err.text, part);
    sotto_plan_free(plan);
}

static void refused1(const char *output, const char *text, enum sotto_status expected,
                     const char *part)
{
    refused(output, &text, 1, expected, part);
}

static void test_series(void **state)
{
    (void)state;
    test_gives1(
        "x=sum(t.*)", table,
        "{\"x\": {\"labels\": [[\"a\", \"b\", \"d\", \"f\"]], \"values\": [{\"value\": 9.0, "
        "\"exact\": \"9\"}, {\"value\": 2.0, \"exact\": \"2\"}, {\"value\": -1.25, "
        "\"exact\": \"-1.25\"}, {\"value\": 2.5, \"exact\": \"2.5\"}]}}");
    test_gives1("x=count(*)", table, "[{\"value\": 3, \"exact\": \"3\"}, {\"value\": 3,");
    test_gives1("x=sum([d, a * 2, t.*])", table,
                "\"labels\": [[\"d\", \"a * 2\", \"a\", \"b\", \"d\", \"f\"]]");
    test_gives1("x=sum([a, d] * 2 + 1) / count([a, d])", table,
                "[{\"value\": 7.0, \"exact\": \"7\"}, {\"value\": 0.16666666666666666, "
                "\"exact\": \"1/6\"}]");
    test_gives1("x=sum([a, b] - [a, b])", table, "[{\"value\": 0.0, \"exact\": \"0\"}, {\"value\"");
    test_gives1("x=any([a, b] == 2)", table, "[{\"value\": true}, {\"value\": false}]");
    test_gives1("x=sum(if(a > 1, [a, d], na))", table,
                "[{\"value\": 8.0, \"exact\": \"8\"}, {\"value\": -1.75, \"exact\": \"-1.75\"}]");
    refused1("x=sum([a, s])", table, SOTTO_ERROR_TYPE, "column t.s is string");
    refused1("x=sum(t.* + [a, b])", table, SOTTO_ERROR_PLAN, "these frames have different columns");
    refused1("x=mean(*)", "s\nx\n", SOTTO_ERROR_TYPE, "dataset \"t\" has no numeric columns");
}

static void test_square_frames(void **state)
{
    (void)state;
    test_gives1(
        "x=cov([a, d])", table,
        "\"labels\": [[\"a\", \"d\"], [\"a\", \"d\"]], \"values\": [[{\"value\": 7.0, "
        "\"exact\": \"7\"}, {\"value\": -5.625, \"exact\": \"-5.625\"}], [{\"value\": -5.625");
    test_gives1("x=corr([a, a * 2])", table,
                "[[{\"value\": 1.0, \"exact\": \"1\"}, {\"value\": 1.0, \"exact\": \"1\"}], [");
    test_gives1("x=cov([a, d], ddof=0) / cov([a, d])", table,
                "[[{\"value\": 0.6666666666666666, \"exact\": \"2/3\"}");
    test_gives1("x=cov(t.*, a)", table, "\"values\": [{\"value\": 7.0, \"exact\": \"7\"}, {");
    test_gives1("x=corr([f, d])", table, "{\"value\": 0.9623620501736339");
}

static void test_between_parties(void **state)
{
    (void)state;
    static const char *const orders[] = {"b,a\n1,2\n", "a,b\n10,0.5\n", "b,a\nNA,NA\n"};
    test_gives("x=sum(*)", orders, 3,
               "\"labels\": [[\"a\", \"b\"]], \"values\": [{\"value\": 12.0, \"exact\": \"12\"}, "
               "{\"value\": 1.5, \"exact\": \"1.5\"}]");
    test_gives("x=sum(* * 1e0)", orders, 3,
               "\"schema\": {\"t\": {\"a\": {\"type\": \"int64\"}, "
               "\"b\": {\"type\": \"decimal\", \"scale\": 1}}}");
    static const char *const texts[] = {"a,s\n1,x\n", "a\n2\n", "s,a,r\nNA,3,y\n"};
    test_gives("x=sum(*)", texts, 3, "\"labels\": [[\"a\"]], \"values\": [{\"value\": 6.0,");
    /* Nobody has a value of a column that somebody lacks. */
    static const char *const empty[] = {"a,t,u\n", "a,u\n2,NA\n", "u,a\nNA,3\n"};
    test_gives("x=sum(*)", empty, 3, "\"labels\": [[\"a\", \"u\"]], \"values\": [{\"value\": 5.0,");
    static const char *const missing[] = {"t,a\nNA,1\n", "a\n2\n", "a,t\n3,1\n"};
    refused("x=sum(*)", missing, 3, SOTTO_ERROR_TYPE,
            "\"*\" needs the same numeric columns everywhere, but party 2 has no column t.t");
    static const char *const lacking[] = {"a,b\n1,2\n", "a\n2\n"};
    refused("x=sum(*)", lacking, 2, SOTTO_ERROR_TYPE,
            "\"*\" needs the same numeric columns everywhere, but party 2 has no column t.b");
    static const char *const surplus[] = {"a\n1\n", "a,b\n2,3\n"};
    refused("x=sum(*)", surplus, 2, SOTTO_ERROR_TYPE, "party 1 has no column t.b");
    static const char *const mixed[] = {"a,b\n1,NA\n", "a,b\n2,3\n", "a,b\n2,x\n"};
    refused("x=sum(*)", mixed, 3, SOTTO_ERROR_TYPE,
            "column t.b is int64 at party 2, but string at party 3");
    static const char *const doubles[] = {"a,b\n1,0.5\n", "a,b\n2e0,3\n"};
    test_gives("x=sum(*) + sum(a)", doubles, 2,
               "[\"t.a: int64 or decimal at 1 of 2 parties, read as float64");
    test_gives("x=sum(*)", doubles, 2, "[\"t.a: int64 or decimal at 1 of 2 parties");
}

static void test_counts(void **state)
{
    (void)state;
    static const char values[] = "x,s\n-1,a\n0,b\n0.5,a\n1,NA\n2,c\nNA,a\n3,b\n";
    test_gives1("x=hist(x, 0, 1, 2)", values,
                "\"labels\": [[\"[0, 1)\", \"[1, 2]\"]], \"values\": [{\"value\": 2, \"exact\": "
                "\"2\"}, {\"value\": 2, \"exact\": \"2\"}]");
    test_gives1("x=hist(x, -1e0, 0.5)", values,
                "\"labels\": [[\"[-1e0, 0.5]\"]], \"values\": "
                "[{\"value\": 3,");
    test_gives1("x=hist(f, 0, 1) / count(f)", "f\ninf\n-inf\n0e0\n1e0\n",
                "[{\"value\": 0.5, \"exact\": \"0.5\"}]");
    test_gives1(
        "x=value_counts(s, 'b', 'a', 'z')", values,
        "\"labels\": [[\"b\", \"a\", \"z\"]], \"values\": [{\"value\": 2, \"exact\": \"2\"}, "
        "{\"value\": 3, \"exact\": \"3\"}, {\"value\": 0, \"exact\": \"0\"}]");
    test_gives1("x=value_counts(x, 1, -1, 0.50)", values,
                "\"labels\": [[\"1\", \"-1\", \"0.50\"]], \"values\": [{\"value\": 1,");
    test_gives1("x=hist(x, 0, 1)", "x\n", "[{\"value\": 0, \"exact\": \"0\"}]");
    refused1("x=hist(s, 0, 1)", values, SOTTO_ERROR_TYPE, "a column of text with a text in quotes");
    refused1("x=value_counts(s, 1)", values, SOTTO_ERROR_TYPE, "a text is compared with a column");
}

static void test_rows_of_frames(void **state)
{
    (void)state;
    static const char values[] = "a,b,c\n1,2,3\n4,NA,6.5\nNA,NA,NA\n0,0,0\n";
    test_gives1("x=sum(row_sum(*))", values, "\"exact\": \"16.5\"");
    test_gives1("x=count(row_sum(*))", values, "\"value\": 4,");
    test_gives1("x=sum(row_count([a, b]))", values, "\"exact\": \"5\"");
    test_gives1("x=sum(row_mean(*))", values, "\"value\": 7.25,");
    test_gives1("x=count(row_mean(*))", values, "\"value\": 3,");
    test_gives1("x=sum(row_var([c, a]))", values, "\"value\": 5.125,");
    test_gives1("x=count(row_var([b, a]))", values, "\"value\": 2,");
    test_gives1("x=sum(row_var([c, a], ddof=0))", values, "\"value\": 2.5625,");
    test_gives1("x=sum(row_std([a, c]))", values, "\"value\": 3.18198051533946");
    test_gives1("x=sum(row_sem([a, c]))", values, "\"value\": 2.25,");
    test_gives1("x=sum(row_any(*))", values, "\"exact\": \"2\"");
    test_gives1("x=sum(row_all(*))", values, "\"exact\": \"3\""); /* of none: true */
    test_gives1("x=sum(row_all(not isna(*)))", values, "\"exact\": \"2\"");
    test_gives1("x=mean(row_var([f, g]))", "f,g\ninf,1e0\n1e0,3e0\n",
                "{\"value\": 2.0, \"exact\": \"2\", \"nan_made\": 1}");
}

/* Columns of x ** n for n up to 5 are as collinear as doubles can be told apart; rationals see
 * through them. */
static void test_regressions(void **state)
{
    (void)state;
    static const char line[] = "x,y\n1,3\n2,5\n3,7\nNA,9\n4,NA\n";
    test_gives1(
        "r=ols(y, x)", line,
        "{\"r\": {\"fields\": {\"coefficients\": {\"labels\": [[\"const\", \"x\"]], "
        "\"values\": [{\"value\": 1.0, \"exact\": \"1\"}, {\"value\": 2.0, \"exact\": "
        "\"2\"}]}, \"standard_errors\": {\"labels\": [[\"const\", \"x\"]], \"values\": "
        "[{\"value\": 0.0, \"exact\": \"0\"}, {\"value\": 0.0, \"exact\": \"0\"}]}, \"t\": "
        "{\"labels\": [[\"const\", \"x\"]], \"values\": [{\"value\": null, \"special\": "
        "\"inf\"}, {\"value\": null, \"special\": \"inf\"}]}, \"p\": {\"labels\": [[\"const\", "
        "\"x\"]], \"values\": [{\"value\": 0.0}, "
        "{\"value\": 0.0}]}, \"low\": {\"labels\": [[\"const\", \"x\"]], \"values\": "
        "[{\"value\": 1.0}, {\"value\": 2.0}]}, \"high\": {\"labels\": [[\"const\", "
        "\"x\"]], \"values\": [{\"value\": 1.0}, {\"value\": 2.0}]}, \"r2\": {\"value\": 1.0, "
        "\"exact\": \"1\"}, \"adjusted_r2\": {\"value\": 1.0, \"exact\": \"1\"}, "
        "\"residual_sd\": {\"value\": 0.0, \"exact\": \"0\"}, \"f\": {\"value\": null, "
        "\"special\": \"inf\"}, \"f_p\": {\"value\": 0.0}, \"condition\": {\"value\": ");
    test_gives1("r=ols(y, x)", line,
                "\"count\": {\"value\": 3, \"exact\": \"3\"}, \"df\": "
                "{\"value\": 1, \"exact\": \"1\"}}, \"options\": {\"intercept\": 1, "
                "\"level\": 95, \"cov\": \"nonrobust\"}}}");
    test_gives1("r=ols(y, x, intercept=0)", line,
                "\"coefficients\": {\"labels\": [[\"x\"]], "
                "\"values\": [{\"value\": 2.4285714285714284, "
                "\"exact\": \"17/7\"}]}");
    test_gives1(
        "r=ols(y, [x, x ** 2])", "x,y\n1,1\n2,4\n3,9\n4,16\n",
        "[[\"const\", \"x\", \"x ** 2\"]], \"values\": [{\"value\": 0.0, \"exact\": \"0\"}, "
        "{\"value\": 0.0, \"exact\": \"0\"}, {\"value\": 1.0, \"exact\": \"1\"}]}");
    static const char *const parts[] = {"x,y,z\n1,2,1e0\n2,1,0.1\n", "x,y,z\n", "x,y,z\n3,5,2\n"};
    test_gives("r=ols(y, x, z)", parts, 3, "\"df\": {\"value\": 0, \"exact\": \"0\"}");
    test_gives("r=ols(y, x, z)", parts, 3,
               "\"residual_sd\": {\"value\": null, \"special\": \"NaN\"}");
}

static void test_hostile_regressions(void **state)
{
    (void)state;
    static const char dependent[] =
        "y,a,b,c,z\n1,1,2,3,0\n2,2,1,3,0\n5,3,1,4,0\n1,5,0,5,0\n2,7,7,14,0\n";
    refused1("r=ols(y, a, b, c)", dependent, SOTTO_ERROR_INPUT,
             "output \"r\": ols: the regressor c is collinear with a, b: leave one of them out");
    refused1("r=ols(y, z, a)", dependent, SOTTO_ERROR_INPUT,
             "ols: the regressor z is 0 in every row: leave it out");
    refused1("r=ols(y, z + 1)", dependent, SOTTO_ERROR_INPUT, "z + 1 is collinear with const");
    refused1("r=ols(y, a, a)", dependent, SOTTO_ERROR_INPUT, "a is collinear with a");
    test_gives1("r=ols(y, a, b)", "y,a,b\n1,2,3\n2,1,1\n",
                "\"values\": [{\"value\": null, \"special\": \"NaN\"}, {");
    test_gives1("r=ols(y, a)", "y,a\n", "\"count\": {\"value\": 0, \"exact\": \"0\"}");
    test_gives1("r=ols(y, a)", "y,a\ninf,1\n2,2\n3,4\n",
                "\"r2\": {\"value\": null, \"special\": "
                "\"NaN\"}");
    test_gives1("r=ols(y, a)", "y,a\n1,inf\n2,2\n3,4\n", "\"count\": {\"value\": 3,");
    test_gives1("r=ols(y, a)", "y,a\n2,1\n2,2\n2,4\n",
                "\"r2\": {\"value\": null, \"special\": "
                "\"NaN\"}");
    refused1(
        "r=ols(s, a)", "s,a\nx,1\n", SOTTO_ERROR_TYPE,
        "ols takes numbers or booleans, but column t.s is string: of its levels terms are made by "
        "C(), such as C(ward in");
}

/* The number alone after a frame is the option, as after one column. */
static void test_ddof_of_a_frame(void **state)
{
    (void)state;
    static const char text[] = "x,y\n1,2\n3,5\n4,9\n";
    static const char *const same[][2] = {{"x=cov([x, y], 2)", "x=cov([x, y], ddof=2)"},
                                          {"x=cov(*, 0 )", "x=cov(*, ddof=0)"},
                                          {"x=cov(x, y, 2)", "x=cov(x, y, ddof=2)"}};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        const char *const texts[] = {text};
        char *results[2] = {NULL, NULL};
        for (size_t j = 0; j < 2; j++) {
            struct sotto_plan *plan = test_plan_of(same[i][j]);
            assert_ok(test_run(&results[j], NULL, plan, texts, 1, NULL));
            sotto_plan_free(plan);
        }
        assert_string_equal(results[0], results[1]);
        sotto_free(results[0]);
        sotto_free(results[1]);
    }
}

/* Without rounding it makes no difference how a product is summed. */
static void test_dot(void **state)
{
    (void)state;
    test_gives1("x=dot(a, d)", table, "\"exact\": \"-15\"");
    test_gives1("x=dot(f, d)", table, "\"exact\": \"6.625\"");
    test_gives1("x=dot(f, g)", "f,g\n1e22,1e22\n-1e22,1e22\n3e0,NA\n", "\"exact\": \"0\"");
    test_gives1("x=dot(f, g)", "f,g\ninf,1e0\n2e0,1e0\n", "\"special\": \"NaN\"");
    test_gives1("x=sum(f * g) - dot(f, g)", "f,g\n134217729e0,134217729e0\n", "\"exact\": \"-1\"");
}

static void test_limits(void **state)
{
    (void)state;
    char *text = malloc(200000);
    assert_non_null(text);
    size_t at = 0;
    for (size_t i = 0; i < 100; i++) {
        at += (size_t)sprintf(text + at, "%sc%zu", i > 0 ? "," : "", i);
    }
    (void)strcpy(text + at, "\n");
    refused1("x=corr(*)", text, SOTTO_ERROR_LIMIT, "expected at most 4096 values in all outputs");
    test_gives1("x=sum(row_std(*))", text, "\"exact\": \"0\"");
    refused1("x=ols(c0, *)", text, SOTTO_ERROR_LIMIT, "ols takes at most 32 columns");
    refused1(
        "x=(mean(*) + 1) ** 64 * (mean(*) + 2) ** 64 * (mean(*) + 3) ** 64 * (mean(*) + 4) ** 64",
        text, SOTTO_ERROR_LIMIT, "the values multiply too many aggregates and numbers");
    test_gives1("x=sum(row_sum(*))", text, "\"exact\": \"0\"");
    for (size_t i = 100; i < 1100; i++) {
        at += (size_t)sprintf(text + at, ",c%zu", i);
        if (i == 600) {
            (void)strcpy(text + at, "\n");
            refused1("x=sum(row_std(*))", text, SOTTO_ERROR_LIMIT, "name fewer columns");
        }
    }
    (void)strcpy(text + at, "\n");
    refused1("x=sum(*)", text, SOTTO_ERROR_LIMIT, "\"*\" takes at most 1024 columns");
    at = (size_t)sprintf(text, "y");
    for (size_t i = 0; i < 32; i++) {
        at += (size_t)sprintf(text + at, ",x%zu", i);
    }
    for (size_t row = 0; row < 40; row++) {
        for (size_t i = 0; i <= 32; i++) {
            at +=
                (size_t)sprintf(text + at, "%s%zue%d", i > 0 ? "," : "\n", 1 + (row * row + i) % 97,
                                (int)((row * 31 + i * 17 + row * i) % 600) - 300);
        }
    }
    (void)strcpy(text + at, "\n");
    refused1("r=ols(y, *)", text, SOTTO_ERROR_LIMIT, "ols takes at most 32 columns");
    char output[400] = "r=ols(y";
    for (size_t i = 0; i < 32; i++) {
        (void)sprintf(output + strlen(output), ", x%zu", i);
    }
    (void)strcat(output, ")");
    refused1(output, text, SOTTO_ERROR_LIMIT, "span so many orders of magnitude");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_square_frames),
        cmocka_unit_test(test_between_parties),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_rows_of_frames),
        cmocka_unit_test(test_regressions),
        cmocka_unit_test(test_hostile_regressions),
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_ddof_of_a_frame),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
