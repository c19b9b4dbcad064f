/* SPDX-License-Identifier: Apache-2.0 */
/* Plans whose models start where others have ended. */
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/plan.h>
#include <stdio.h>
#include <string.h>

#define PLAN_OF(select)                                                                            \
    "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": {\"t\": "            \
    "\"t.csv\"}, "                                                                                 \
    "\"select\": {" select "}}"
#define REACHED(output, call)                                                                      \
    "[{\"output\": \"" output "\", \"call\": \"" call                                              \
    "\", \"iterations\": 2, \"deviance\": null, "                                                  \
    "\"step\": 0.5, \"names\": [\"(intercept)\", \"x\"], \"coefficients\": [-0.1, 2.5e-07]}]"
#define STARTED "start=(-0.1, 2.5e-07))"

/* The plan has this output then, and can be asked. */
static void starts(const char *plan, const char *reached, const char *output)
{
    char *started = NULL;
    struct sotto_plan *parsed = NULL;
    assert_ok(sotto_plan_start_from(&started, plan, strlen(plan), reached, NULL));
    assert_contains(started, output);
    assert_ok(sotto_plan_parse(&parsed, started, strlen(started), NULL));
    sotto_plan_free(parsed);
    sotto_free(started);
}

static void test_calls_get_their_coefficients(void **state)
{
    (void)state;
    starts(PLAN_OF("\"f\": \"glm(y, x)\", \"m\": \"mean(y)\""), REACHED("f", "glm(y, x)"),
           "\"f\": \"glm(y, x, " STARTED "\", \"m\": \"mean(y)\"");
    starts(PLAN_OF("\"f\": \" glm( y, x, family = binomial ) \""),
           REACHED("f", "glm( y, x, family = binomial )"),
           "\" glm( y, x, family = binomial , " STARTED " \"");
    starts(PLAN_OF("\"f\": \"glm(y, C(g in ('a)', 'start=')), level=90)\""),
           REACHED("f", "glm(y, C(g in ('a)', 'start=')), level=90)"),
           "\"glm(y, C(g in ('a)', 'start=')), level=90, " STARTED "\"");
}

static void test_coefficients_replace_those_of_before(void **state)
{
    (void)state;
    starts(PLAN_OF("\"f\": \"glm(y, x, start=(0, 1), level=90)\""),
           REACHED("f", "glm(y, x, start=(0, 1), level=90)"),
           "\"glm(y, x, level=90, " STARTED "\"");
    starts(PLAN_OF("\"f\": \"glm(y, x, level=90 , start =(0, 1) )\""),
           REACHED("f", "glm(y, x, level=90 , start =(0, 1) )"), "\"glm(y, x, level=90 , " STARTED);
    /* A column of that name is none. */
    starts(PLAN_OF("\"f\": \"glm(y, start)\""), REACHED("f", "glm(y, start)"),
           "\"glm(y, start, " STARTED "\"");
}

static void refuses(const char *plan, const char *reached, enum sotto_status status,
                    const char *words)
{
    char *started = NULL;
    struct sotto_error err = {0};
    assert_int_equal(sotto_plan_start_from(&started, plan, strlen(plan), reached, &err), status);
    assert_contains(err.text, words);
    assert_null(started);
}

static void test_other_plans_are_refused(void **state)
{
    (void)state;
    static const char plan[] = PLAN_OF("\"f\": \"glm(y, x)\"");
    refuses(plan, "[]", SOTTO_ERROR_INPUT, "there is no model to go on with");
    refuses(plan, REACHED("g", "glm(y, x)"), SOTTO_ERROR_INPUT, "no output \"g\" with the model");
    refuses(plan, REACHED("f", "glm(y, z)"), SOTTO_ERROR_INPUT, "glm(y, z)");
    refuses(plan, REACHED("f", ""), SOTTO_ERROR_INPUT, "malformed");
    refuses(plan, "[{\"output\": \"f\"}]", SOTTO_ERROR_INPUT, "malformed");
    refuses("{", REACHED("f", "glm(y, x)"), SOTTO_ERROR_PLAN, "no JSON");
    refuses("[]", REACHED("f", "glm(y, x)"), SOTTO_ERROR_INPUT, "no output");
    refuses("{\"select\": 1}", REACHED("f", "glm(y, x)"), SOTTO_ERROR_INPUT, "no output");
    refuses(PLAN_OF("\"f\": 3"), REACHED("f", "glm(y, x)"), SOTTO_ERROR_INPUT, "no output");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_get_their_coefficients),
        cmocka_unit_test(test_coefficients_replace_those_of_before),
        cmocka_unit_test(test_other_plans_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
