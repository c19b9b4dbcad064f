/* SPDX-License-Identifier: Apache-2.0 */

/* Conditions on texts, against a plain reading of them; and what is refused. */

#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>

static const char rows[] =
    "s,x\nAnn,1\nann,2\n\" Bob \",3\nbobby,4\n\xc3\x84rger,5\n,6\nZoe,7\n\"\tann\",8\n";

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        int sum; /* of x where it holds */
    } cases[] = {
        {"s == 'ann'", 2},
        {"lower(s) == 'ann'", 1 + 2},
        {"strip(s) == 'ann'", 2 + 8},
        {"lower(strip(s)) == 'ann'", 1 + 2 + 8},
        {"strip(lower(s)) == 'bob'", 3},
        {"lower(s) == 'Ann'", 0},
        {"lower(s) != 'ann'", 3 + 4 + 5 + 6 + 7 + 8}, /* as != of what is missing elsewhere */
        {"s < 'a'", 1 + 3 + 7 + 8},
        {"s <= 'ann'", 1 + 2 + 3 + 7 + 8},
        {"s > 'ann'", 4 + 5},
        {"s >= 'ann'", 2 + 4 + 5},
        {"'ann' <= s", 2 + 4 + 5},
        {"'ann' > s", 1 + 3 + 7 + 8},
        {"s > 'bob' and s < 'bobc'", 4},
        {"strip(lower(s)) < 'bob'", 1 + 2 + 8},
        {"startswith(s, 'bob')", 4},
        {"startswith(lower(strip(s)), 'bob')", 3 + 4},
        {"startswith(s, '')", 1 + 2 + 3 + 4 + 5 + 7 + 8},
        {"startswith(s, 'bobbyx')", 0},
        {"contains(s, 'n')", 1 + 2 + 8},
        {"contains(s, 'bb')", 4},
        {"contains(s, '\xc3\x84')", 5},
        {"contains(lower(s), '\xc3\xa4')", 0}, /* only A to Z have a small form */
        {"contains(s, 'y')", 4},
        {"contains(s, 'bobbyy')", 0},
        {"not contains(s, 'n')", 3 + 4 + 5 + 6 + 7},
        {"s in ('Ann', 'Zoe')", 1 + 7},
        {"between(s, 'A', 'B')", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char output[100];
        char part[40];
        (void)snprintf(output, sizeof output, "n=sum((%s) * x)", cases[i].condition);
        (void)snprintf(part, sizeof part, "\"exact\": \"%d\"", cases[i].sum);
        test_gives1(output, rows, part);
    }
    test_gives1("n=value_counts(lower(s), 'ann', 'zoe')", rows,
                "[{\"value\": 2, \"exact\": \"2\"}, {\"value\": 1, \"exact\": \"1\"}]");
    test_gives1("n=sum(s < 'b')", "s,x\n,1\n", "\"exact\": \"0\"");
    test_gives1("n=sum(contains(lower(s), 'b'))", "s,x\n,1\n", "\"exact\": \"0\"");
    test_gives1("n=mean(recode(strip(s), 'Bob', 5, 'ann', 2, 0))", rows, "\"exact\": \"1.125\"");
}

/* Random texts of few letters, against strcmp and strstr; over three parties as over one. */
static void test_against_the_c_library(void **state)
{
    (void)state;
    uint64_t random = 77;
    for (size_t round = 0; round < 30; round++) {
        char texts[3][400] = {"s\n", "s\n", "s\n"};
        const char *const parties[] = {texts[0], texts[1], texts[2]};
        char with[4] = "";
        int less = 0;
        int starts = 0;
        int has = 0;
        for (size_t i = test_random_below(&random, 4); i-- > 0;) {
            with[i] = (char)('a' + (int)test_random_below(&random, 3));
        }
        for (size_t i = 0; i < 60; i++) {
            char text[8] = "x"; /* never empty, which is missing */
            size_t bytes = 1 + test_random_below(&random, 5);
            for (size_t j = 0; j < bytes; j++) {
                text[j] = (char)('a' + (int)test_random_below(&random, 3));
            }
            (void)strcat(strcat(texts[i % 3], text), "\n");
            less += strcmp(text, with) < 0;
            starts += strncmp(text, with, strlen(with)) == 0;
            has += strstr(text, with) != NULL;
        }
        static const char *const forms[] = {"x=sum(s < '%s')", "x=sum(startswith(s, '%s'))",
                                            "x=sum(contains(s, '%s'))"};
        const int expected[] = {less, starts, has};
        for (size_t i = 0; i < 3; i++) {
            char output[60];
            char part[40];
            size_t before = strcspn(forms[i], "%");
            (void)snprintf(output, sizeof output, "%.*s%s%s", (int)before, forms[i], with,
                           forms[i] + before + 2);
            (void)snprintf(part, sizeof part, "\"exact\": \"%d\"", expected[i]);
            test_gives(output, parties, 3, part);
        }
    }
}

static void refuses(const char *output, const char *part)
{
    const char *const texts[] = {rows};
    char named[200];
    char *result = NULL;
    struct sotto_error err = {0};
    (void)snprintf(named, sizeof named, "n=%s", output);
    struct sotto_plan *plan = test_plan_of(named);
    assert_int_not_equal(test_run(&result, NULL, plan, texts, 1, &err), SOTTO_OK);
    assert_contains(err.text, part);
    sotto_plan_free(plan);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    refuses("sum(lower(x) == 'a')", "take a column of text");
    refuses("sum(lower(s) == lower(s))", "compared with a column");
    refuses("sum(s < s)", "compared with a column");
    refuses("sum(startswith(x, 'a'))", "holds numbers or booleans");
    refuses("sum(startswith(s, s))", "compared with a column");
    refuses("sum(contains(s, 1))", "compared with a column");
    refuses("sum(contains('a', s))", "compared with a column");
    refuses("sum(x < 'a')", "holds numbers or booleans");
    refuses("sum(lower(s))", "text");
    refuses("mean(if(x > 1, lower(s), na))", "text");
    refuses("sum(lower(s > 'a') == 'x')", "take a column of text");
    refuses("sum(s > '2020-01-01')", "expected a column of dates");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_against_the_c_library),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
