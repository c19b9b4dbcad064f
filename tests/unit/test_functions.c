/* SPDX-License-Identifier: Apache-2.0 */

/* Row-wise functions: values that pandas and numpy give, and the documented departures. */

#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>

/* What output, an expression of x and y, gives of one row. */
static void gives(const char *expression, const char *x, const char *y, const char *part)
{
    char output[200];
    char text[200];
    (void)snprintf(output, sizeof output, "m=sum(%s)", expression);
    (void)snprintf(text, sizeof text, "x,y\n%s,%s\n", x, y);
    test_gives1(output, text, part);
}

static void refused(const char *expression, enum sotto_status expected, const char *part)
{
    char json[400];
    struct sotto_error err = {0};
    struct sotto_plan *plan = NULL;
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, \"select\": {\"m\": \"%s\"}}",
                   expression);
    assert_int_equal(sotto_plan_parse(&plan, json, strlen(json), &err), expected);
    assert_contains(err.text, part);
}

struct division {
    const char *x;
    const char *y;
    const char *quotient;
    const char *modulo;
};

static void test_exact_division(void **state)
{
    (void)state;
    static const struct division cases[] = {
        {"7", "2", "\"exact\": \"3\"", "\"exact\": \"1\""},
        {"-7", "2", "\"exact\": \"-4\"", "\"exact\": \"1\""},
        {"7", "-2", "\"exact\": \"-4\"", "\"exact\": \"-1\""},
        {"-7", "-2", "\"exact\": \"3\"", "\"exact\": \"-1\""},
        {"6", "-3", "\"exact\": \"-2\"", "\"exact\": \"0\""},
        {"0", "5", "\"exact\": \"0\"", "\"exact\": \"0\""},
        {"1.0", "0.1", "\"exact\": \"10\"", "\"exact\": \"0\""}, /* of doubles: 9, 0.0999... */
        {"-0.25", "0.1", "\"exact\": \"-3\"", "\"exact\": \"0.05\""},
        {"-9223372036854775808", "-1", "\"exact\": \"9223372036854775808\"", "\"exact\": \"0\""},
        {"True", "True", "\"exact\": \"1\"", "\"exact\": \"0\""},
        {"5", "NA", "\"exact\": \"0\"", "\"exact\": \"0\""},
        {"5", "0", "\"exact\": \"0\", \"nan_made\": 1", "\"exact\": \"0\", \"nan_made\": 1"},
        {"0", "0.0", "\"exact\": \"0\", \"nan_made\": 1", "\"exact\": \"0\", \"nan_made\": 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gives("x // y", cases[i].x, cases[i].y, cases[i].quotient);
        gives("x % y", cases[i].x, cases[i].y, cases[i].modulo);
    }
    gives("-7 // x * 2 % 5", "2", "0", "\"exact\": \"2\""); /* ((-7 // 2) * 2) % 5 */
    gives("float(x) // 2", "7", "0", "3.0");
}

static void test_float_division(void **state)
{
    (void)state;
    static const struct division cases[] = {
        {"7e0", "2", "\"value\": 3.0", "\"value\": 1.0"},
        {"-7e0", "2", "\"value\": -4.0", "\"value\": 1.0"},
        {"5.5e0", "-2", "\"value\": -3.0", "\"value\": -0.5"},
        {"1e0", "0.1", "\"value\": 9.0", "\"value\": 0.09999999999999995"},
        {"1e0", "0", "\"special\": \"inf\"", "\"value\": 0.0, \"exact\": \"0\", \"nan_made\": 1"},
        {"-1e0", "0", "\"special\": \"-inf\"", "\"nan_made\": 1"},
        {"0e0", "0", "\"nan_made\": 1", "\"nan_made\": 1"},
        {"-1e0", "inf", "\"value\": -1.0", "\"special\": \"inf\""},
        {"inf", "2", "\"nan_made\": 1", "\"nan_made\": 1"},
        {"1e300", "1e-300", "\"special\": \"inf\"", "\"value\": "},
        {"5e-324", "-1", "\"value\": -1.0", "\"value\": -1.0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gives("x // y", cases[i].x, cases[i].y, cases[i].quotient);
        gives("x % y", cases[i].x, cases[i].y, cases[i].modulo);
    }
}

static void test_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *x;
        const char *part;
    } cases[] = {
        {"floor(x)", "-2.5", "\"exact\": \"-3\""},
        {"ceil(x)", "-2.5", "\"exact\": \"-2\""},
        {"ceil(x)", "2.01", "\"exact\": \"3\""},
        {"floor(x)", "7", "\"exact\": \"7\""},
        {"round(x)", "2.5", "\"exact\": \"2\""},
        {"round(x)", "3.5", "\"exact\": \"4\""},
        {"round(x)", "-3.5", "\"exact\": \"-4\""},
        {"round(x, 2)", "2.675", "\"exact\": \"2.68\""},
        {"round(x, digits=2)", "2.665", "\"exact\": \"2.66\""},
        {"round(x, 3)", "2.665", "\"exact\": \"2.665\""},
        {"round(x, -2)", "1250", "\"exact\": \"1200\""},
        {"round(x, digits = -2)", "-1250.01", "\"exact\": \"-1300\""},
        {"round(x, -22)", "9223372036854775807", "\"exact\": \"0\""},
        {"round(x)", "True", "\"exact\": \"1\""},
        {"floor(x)", "-2.5e0", "\"value\": -3.0"},
        {"ceil(x)", "2.1e0", "\"value\": 3.0"},
        {"floor(x)", "-inf", "\"special\": \"-inf\""},
        {"round(x)", "2.5e0", "\"value\": 2.0"},
        {"round(x)", "-3.5e0", "\"value\": -4.0"},
        {"round(x, 2)", "2.675e0", "\"value\": 2.68"}, /* 2.675 * 100 is 267.5 */
        {"round(x, -2)", "1250e0", "\"value\": 1200.0"},
        {"round(x, 22)", "1e300", "\"value\": 1e+300"}, /* numpy: inf */
        {"round(x)", "4503599627370497.5e0", "\"value\": 4503599627370498.0"},
        {"1 / x // 1", "0", "\"nan_made\": 1"},
        {"x // 2 * 2 == x", "3", "\"exact\": \"0\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gives(cases[i].expression, cases[i].x, "0", cases[i].part);
    }
}

/* Beyond 128 bits: products of ten to the power of 45. */
static void test_wide_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *part;
    } cases[] = {
        {"round(x * 1e44 + 0.5) - x * 1e44", "\"exact\": \"0\""},
        {"round(x * 1e44 + 1.5) - x * 1e44", "\"exact\": \"2\""},
        {"round(-x * 1e44 - 1.5) + x * 1e44", "\"exact\": \"-2\""},
        {"round(x * 1e44 + 0.51) - x * 1e44", "\"exact\": \"1\""},
        {"floor(-x * 1e44 - 0.01) + x * 1e44", "\"exact\": \"-1\""},
        {"ceil(-x * 1e44 - 0.99) + x * 1e44", "\"exact\": \"0\""},
        {"(x * 1e44 + 1) // (x * -1e44)", "\"exact\": \"-2\""},
        {"(x * 1e44 + 1) % (x * -1e44) + x * 1e44", "\"exact\": \"1\""},
        {"(x * -1e44 - 1) % (x * 1e44) - x * 1e44", "\"exact\": \"-1\""},
        {"(x * 1e44) % (x * -1e22)", "\"exact\": \"0\""},
        {"1 % (x * -1e44) + x * 1e44", "\"exact\": \"1\""},
        {"x * 1e44 // y", "\"nan_made\": 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gives(cases[i].expression, "5", "0", cases[i].part);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    refused("sum(round(x, 23))", SOTTO_ERROR_PLAN, "a whole number up to 22");
    refused("sum(round(x, y))", SOTTO_ERROR_PLAN, "expected digits: a whole number");
    refused("sum(floor(x, 2))", SOTTO_ERROR_PLAN, "floor takes one argument, found more");
    refused("sum(x) // 2", SOTTO_ERROR_PLAN, "this works on rows, not on aggregates");
    refused("round(mean(x), 2)", SOTTO_ERROR_PLAN, "this works on rows, not on aggregates");
    refused("sum(x // )", SOTTO_ERROR_PLAN, "expected a column, a number or a function");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_division), cmocka_unit_test(test_float_division),
        cmocka_unit_test(test_whole_numbers),  cmocka_unit_test(test_wide_whole_numbers),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
