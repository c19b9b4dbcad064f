/* SPDX-License-Identifier: Apache-2.0 */
/* Names for what is computed of columns: the plan's key "define". */
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>

#define HEAD                                                                                       \
    "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": {\"t\": \"t.csv\"}"

static struct sotto_plan *parse(const char *rest)
{
    char json[4096];
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    (void)snprintf(json, sizeof json, HEAD ", %s}", rest);
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        fail_msg("%s: %s", rest, err.text);
    }
    return plan;
}

static void refuses(const char *rest, enum sotto_status expected, const char *part)
{
    char json[4096];
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    (void)snprintf(json, sizeof json, HEAD ", %s}", rest);
    assert_int_equal(sotto_plan_parse(&plan, json, strlen(json), &err), expected);
    assert_contains(err.text, part);
}

static void assert_same_words(const struct sotto_plan *defined, const struct sotto_plan *plain)
{
    assert_int_equal(sotto_plan_rounds(defined), sotto_plan_rounds(plain));
    for (uint32_t round = 1; round <= sotto_plan_rounds(plain); round++) {
        char *words[2] = {NULL, NULL};
        assert_ok(sotto_plan_round_words(defined, round, &words[0], NULL));
        assert_ok(sotto_plan_round_words(plain, round, &words[1], NULL));
        assert_string_equal(words[0], words[1]);
        sotto_free(words[0]);
        sotto_free(words[1]);
    }
}

/* Whoever reads what a plan opens reads what is computed. */
static void test_what_is_computed_is_told(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"\"define\": {\"bmi\": \"kg / (m * m)\"}, \"select\": {\"x\": \"mean(bmi)\"}",
         "\"select\": {\"x\": \"mean((kg / (m * m)))\"}"},
        {"\"define\": {\"a\": \"x + 1\", \"b\": \"a * 2\"}, \"select\": {\"x\": \"sum(b) + "
         "sum(a)\"}",
         "\"select\": {\"x\": \"sum(((x + 1) * 2)) + sum((x + 1))\"}"},
        {"\"define\": {\"old\": \"age > 65\"}, \"where\": \"not old\", \"select\": {\"x\": "
         "\"sum(t.old)\"}",
         "\"where\": \"not (age > 65)\", \"select\": {\"x\": \"sum((age > 65))\"}"},
        {"\"define\": {\"z\": \"(x - mean(x)) / std(x)\"}, \"select\": {\"x\": \"sum(z ** 3)\"}",
         "\"select\": {\"x\": \"sum(((x - mean(x)) / std(x)) ** 3)\"}"},
        {"\"define\": {\"x\": \"x * 2\"}, \"select\": {\"x\": \"sum(x)\"}",
         "\"select\": {\"x\": \"sum((x * 2))\"}"},
        {"\"define\": {\"t.`a b`\": \"`c d`\"}, \"select\": {\"x\": \"sum(`a b`)\"}",
         "\"select\": {\"x\": \"sum(`c d`)\"}"},
        {"\"define\": {\"ddof\": \"x * 2\", \"sum\": \"y * 2\"}, \"select\": {\"x\": \"var(ddof, "
         "ddof=0) + sum(sum) + count('ddof' == y)\"}",
         "\"select\": {\"x\": \"var((x * 2), ddof=0) + sum((y * 2)) + count('ddof' == y)\"}"},
        {"\"define\": {\"w\": \"if(x < 3, w, 0)\", \"o\": \"u / 2\"}, \"select\": {\"x\": \"glm(y, "
         "x, "
         "weights=w*o, offset=o, family=poisson)\"}",
         "\"select\": {\"x\": \"glm(y, x, weights=(if(x < 3, w, 0))*(u / 2), offset=(u / 2), "
         "family=poisson)\"}"},
        {"\"define\": {\"d\": \"dept\"}, \"group_by\": [{\"column\": \"d\", \"levels\": "
         "[\"a\"]}], \"select\": {\"x\": \"sum(x)\"}",
         "\"group_by\": [{\"column\": \"dept\", \"levels\": [\"a\"]}], \"select\": {\"x\": "
         "\"sum(x)\"}"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct sotto_plan *defined = parse(pairs[i][0]);
        struct sotto_plan *plain = parse(pairs[i][1]);
        assert_same_words(defined, plain);
        assert_int_equal(sotto_plan_columns_len(defined), sotto_plan_columns_len(plain));
        sotto_plan_free(defined);
        sotto_plan_free(plain);
    }
}

static void test_what_can_not_be_defined(void **state)
{
    (void)state;
#define SELECT ", \"select\": {\"x\": \"mean(a)\"}"
    static const char *const cases[][2] = {
        {"\"define\": 1" SELECT, "define: expected an object with 1 to 256 names"},
        {"\"define\": {}" SELECT, "define: expected an object with 1 to 256 names"},
        {"\"define\": {\"a\": 1}" SELECT, "define.a: expected an expression as a string"},
        {"\"define\": {\"a\": \"\"}" SELECT, "define.a: column 1: expected"},
        {"\"define\": {\"a\": \"3\"}" SELECT, "define.a: expected something computed of columns"},
        {"\"define\": {\"a\": \"mean(x)\"}" SELECT, "with a value for each row"},
        {"\"define\": {\"a\": \"*\"}" SELECT,
         "define.a: column 1: expected one value for each row"},
        {"\"define\": {\"a\": \"[x, y]\"}" SELECT,
         "expected one value for each row, found several"},
        {"\"define\": {\"a\": \"x) + (y\"}" SELECT, "define.a: column 2: expected"},
        {"\"define\": {\"a\": \"u.x\"}" SELECT,
         "define.a: column 1: expected columns of t, found one "
         "of u"},
        {"\"define\": {\"a b\": \"x\"}" SELECT, "define.a b: expected a name, in backticks"},
        {"\"define\": {\"x + 1\": \"x\"}" SELECT, "define.x + 1: expected a name"},
        {"\"define\": {\"na\": \"x\"}" SELECT, "define.na: expected a name"},
        {"\"define\": {\"true\": \"x\"}" SELECT, "define.true: expected a name that is no word"},
        {"\"define\": {\"frequency\": \"x\"}" SELECT,
         "define.frequency: expected a name that is no"},
        {"\"define\": {\"probit\": \"x\"}" SELECT,
         "define.probit: expected a name that is no word"},
        {"\"define\": {\"q\": \"age * 2\", \"age\": \"u\"}, \"select\": {\"x\": \"mean(q)\"}",
         "define.q: column 1: \"age\" is defined later: define it before"},
        {"\"define\": {\"not\": \"x\"}" SELECT, "define.not: expected a name"},
        {"\"define\": {\"u.a\": \"x\"}" SELECT,
         "a dataset's name and a point before it, such as t.a"},
        {"\"define\": {\"a\": \"x\", \"t.a\": \"y\"}" SELECT,
         "define.t.a: this name is defined twice"},
        {"\"define\": {\"a\": \"x + 1\"}, \"select\": {\"x\": \"mean(a b)\"}",
         "output \"x\": with its definitions \"mean((x + 1) b)\": column 14"},
        {"\"define\": {\"a\": \"x + 1\"}, \"select\": {\"x\": \"a\"}",
         "output \"x\": with its definitions \"(x + 1)\": \"(x + 1)\" is row-wise"},
        {"\"define\": {\"a\": \"x - mean(x)\"}, \"where\": \"a > 0\", \"select\": {\"x\": "
         "\"mean(x)\"}",
         "where: with its definitions \"(x - mean(x)) > 0\": column 6: where takes no aggregates"},
        {"\"define\": {\"a\": \"x + 1\"}, \"group_by\": [{\"column\": \"a\", \"levels\": [1]}], "
         "\"select\": {\"x\": \"mean(x)\"}",
         "group_by: \"(x + 1)\" is no column"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refuses(cases[i][0], SOTTO_ERROR_PLAN, cases[i][1]);
    }
}

/* Definitions of definitions grow fast; they are stopped as any long expression is. */
static void test_definitions_have_limits(void **state)
{
    (void)state;
    char rest[4096];
    int len = snprintf(rest, sizeof rest, "\"define\": {\"a0\": \"x + 1\"");
    for (int i = 1; i < 30; i++) {
        len += snprintf(rest + len, sizeof rest - (size_t)len, ", \"a%d\": \"a%d * a%d\"", i, i - 1,
                        i - 1);
    }
    (void)snprintf(rest + len, sizeof rest - (size_t)len, "}, \"select\": {\"x\": \"mean(a29)\"}");
    refuses(rest, SOTTO_ERROR_LIMIT, "define.a");
    len = snprintf(rest, sizeof rest, "\"define\": {\"a\": \"x\"}, \"select\": {\"x\": \"sum(a");
    for (int i = 0; i < 256; i++) {
        len += snprintf(rest + len, sizeof rest - (size_t)len, "+a");
    }
    (void)snprintf(rest + len, sizeof rest - (size_t)len, ")\"}");
    refuses(rest, SOTTO_ERROR_LIMIT, "expected at most 256 defined names");
}

static void gives(const char *rest, const char *part)
{
    static const char *const texts[] = {"kg,m\n80,2\n45,1.5\n", "kg,m\n20,1\n,1\n", "kg,m\n"};
    struct sotto_plan *plan = parse(rest);
    char *result = NULL;
    struct sotto_error err = {0};
    if (test_run(&result, NULL, plan, texts, 3, &err) != SOTTO_OK) {
        fail_msg("%s: %s", rest, err.text);
    }
    assert_contains(result, part);
    sotto_free(result);
    sotto_plan_free(plan);
}

static void test_results_have_the_names(void **state)
{
    (void)state;
#define BMI "\"define\": {\"bmi\": \"kg / (m * m)\", \"mass\": \"kg\"}, \"select\": {\"x\": "
    gives(BMI "\"mean(bmi)\"}", "{\"x\": {\"value\": 20.0, \"exact\": \"20\"}}");
    gives(BMI "\"mean([bmi, mass, t.bmi * 2, m])\"}",
          "\"labels\": [[\"bmi\", \"mass\", \"t.bmi * 2\", \"m\"]]");
    gives(BMI "\"mean([m, t.bmi])\"}", "\"labels\": [[\"m\", \"bmi\"]]");
}

/* What a model has reached is its call as the plan has it, and is put into that. */
static void test_models_that_go_on(void **state)
{
    (void)state;
    static const char json[] = HEAD ", \"define\": {\"b\": \"x * 2\"}, \"select\": {\"f\": "
                                    "\"glm(y, t.b, family=binomial)\"}}";
    static const char reached[] =
        "[{\"output\": \"f\", \"call\": \"glm(y, t.b, family=binomial)\", \"coefficients\": [1, "
        "0.5]}]";
    char *started = NULL;
    assert_ok(sotto_plan_start_from(&started, json, strlen(json), reached, NULL));
    assert_contains(started, "glm(y, t.b, family=binomial, start=(1.0, 0.5))");
    struct sotto_plan *plan = NULL;
    assert_ok(sotto_plan_parse(&plan, started, strlen(started), NULL));
    sotto_plan_free(plan);
    sotto_free(started);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_computed_is_told),
        cmocka_unit_test(test_what_can_not_be_defined),
        cmocka_unit_test(test_definitions_have_limits),
        cmocka_unit_test(test_results_have_the_names),
        cmocka_unit_test(test_models_that_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
