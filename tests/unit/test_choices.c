/* SPDX-License-Identifier: Apache-2.0 */

/* between, cut and recode: the same as the comparisons and ifs that they stand for. */

#include "engine/plan/plan.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>

static const char rows[] = "a,b,d,s\n-1,1,2020-01-01,x\n0,2,2020-01-31,y\n17.5,3,2020-02-01,z\n"
                           "18,4,2020-02-29,x\n65,5,2021-01-01,\n65.5,6,,y\n,7,2022-01-01,x\n";

static char *result_of(const char *output)
{
    const char *const texts[] = {rows};
    char named[400];
    char *result = NULL;
    struct sotto_error err = {0};
    (void)snprintf(named, sizeof named, "x=%s", output);
    struct sotto_plan *plan = test_plan_of(named);
    enum sotto_status status = test_run(&result, NULL, plan, texts, 1, &err);
    if (status != SOTTO_OK) {
        print_error("%s: %s\n", output, err.text);
    }
    assert_ok(status);
    sotto_plan_free(plan);
    return result;
}

static void test_same_as_written_out(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"sum(between(a, 0, 18))", "sum(a >= 0 and a <= 18)"},
        {"sum(between(a, b, 18) * b)", "sum((a >= b and a <= 18) * b)"},
        {"sum(between(d, '2020-01-31', '2020-02-29'))",
         "sum(d >= '2020-01-31' and d <= '2020-02-29')"},
        {"sum(not between(b, 2, 3))", "sum(not (b >= 2 and b <= 3))"},
        {"sum(cut(a, 0, 18, 65) * b)", "sum(if(a < 0, na, if(a < 18, 0, if(a <= 65, 1, na))) * b)"},
        {"count(cut(a, 0, 18, 65))", "count(if(between(a, 0, 65), a, na))"},
        {"sum(cut(d, '2020-01-31', '2020-02-29', '2021-01-01') * b)",
         "sum(if(d < '2020-01-31', na, if(d < '2020-02-29', 0, if(d <= '2021-01-01', 1, na))) * "
         "b)"},
        {"value_counts(cut(a, 0, 18, 65), 0, 1)", "hist(a, 0, 18, 65)"},
        {"sum(recode(s, 'x', 10, 'y', 20) * b)", "sum(if(s == 'x', 10, if(s == 'y', 20, na)) * b)"},
        {"sum(recode(s, 'x', 10, 'y', 20, 7) * b)",
         "sum(if(s == 'x', 10, if(s == 'y', 20, 7)) * b)"},
        {"sum(recode(b, 3, a, b))", "sum(if(b == 3, a, b))"},
        {"sum(recode(d, '2020-01-01', 1, 0))", "sum(d == '2020-01-01')"},
        {"mean(recode(b, 1, 1.5, 1, 2))", "mean(if(b == 1, 1.5, na))"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *found = result_of(pairs[i][0]);
        char *expected = result_of(pairs[i][1]);
        const char *values = strstr(expected, "\"value");
        assert_non_null(values);
        char part[200] = "";
        (void)snprintf(part, sizeof part, "%.*s", (int)strcspn(values, "]}"), values);
        if (strstr(found, part) == NULL) {
            print_error("%s: %s, not %s\n", pairs[i][0], found, part);
        }
        assert_non_null(strstr(found, part));
        sotto_free(found);
        sotto_free(expected);
    }
}

/* What a ledger remembers of a plan can be parsed again, and is then the same. */
static void test_sets_that_are_remembered(void **state)
{
    (void)state;
    static const char *const outputs[] = {"sum(between(a, 0, 18))",
                                          "sum(cut(a, 0, 18, 65) == 1)",
                                          "sum(cut(b, 1, 2) > 0 and a > 1)",
                                          "sum(recode(s, 'x', 1, 'y', 2, 3) < 2)",
                                          "value_counts(cut(a, 0, 18, 65), 0, 1)",
                                          "sum(if(between(d, '2020-01-01', '2020-02-01'), a, na))",
                                          "value_counts(month(d), 1, 2)",
                                          "sum(startswith(s, 'x'))",
                                          "sum(b * contains(lower(s), 'x'))",
                                          "sum(strip(s) < 'x')"};
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        char output[400];
        struct sotto__row_sets sets[2];
        struct sotto_plan *plans[2];
        (void)snprintf(output, sizeof output, "x=%s", outputs[i]);
        plans[0] = test_plan_of(output);
        assert_ok(sotto__row_sets_find(&sets[0], plans[0], NULL));
        assert_true(sets[0].are_told);
        assert_int_not_equal(sets[0].len, 0);
        const char *text = sets[0].list[sets[0].len - 1].text;
        bool counts = strncmp(text, "value_counts(", 13) == 0;
        (void)snprintf(output, sizeof output, counts ? "x=%s" : "x=sum(%s)", text);
        plans[1] = test_plan_of(output);
        assert_ok(sotto__row_sets_find(&sets[1], plans[1], NULL));
        assert_string_equal(sets[1].list[sets[1].len - 1].text, text);
        for (size_t j = 0; j < 2; j++) {
            sotto__row_sets_release(&sets[j]);
            sotto_plan_free(plans[j]);
        }
    }
}

static void test_what_is_refused(void **state)
{
    (void)state;
    test_refuses_call("between(a, 1)", "between takes three arguments, found fewer");
    test_refuses_call("between(a, 1, 2, 3)", "between takes three arguments, found more");
    test_refuses_call("between()", "expected");
    test_refuses_call("cut(a, 1)", "cut takes three arguments or more, found fewer");
    test_refuses_call("recode(a, 1)", "recode takes three arguments or more, found fewer");
    test_refuses_call("recode(a, 1, 2", "expected");
    test_refuses_call("betwen(a, 1, 2)", "did you mean \"between\"");
    test_refuses_call("digitize(a, 1, 2)", "did you mean \"cut\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_written_out),
        cmocka_unit_test(test_sets_that_are_remembered),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
