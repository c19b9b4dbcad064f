/* SPDX-License-Identifier: Apache-2.0 */

/* Aggregates inside row-wise expressions: which round opens what, and what the numbers do. */

#include "engine/number/number.h"
#include "engine/program/program.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <math.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char text[] = "x,y,d,s,b\n1,2e0,0.5,p,true\n2,NA,0.25,q,false\n4,1e0,NA,p,true\n"
                           "NA,3e0,1.5,q,NA\n9,-2e0,-3,q,true\n";

static struct sotto_plan *plan_of_json(const char *keys, const char *select)
{
    char json[2000];
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s \"select\": {%s}}",
                   keys, select);
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    return plan;
}

static void json_gives(const char *keys, const char *select, const char *rows, const char *part)
{
    char *json = NULL;
    struct sotto_error err = {0};
    struct sotto_plan *plan = plan_of_json(keys, select);
    if (test_run(&json, NULL, plan, &rows, 1, &err) != SOTTO_OK) {
        print_error("%s: %s\n", select, err.text);
        fail();
    }
    assert_contains(json, part);
    sotto_free(json);
    sotto_plan_free(plan);
}

static void test_values(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"m=mean((x - mean(x)) ** 2)", "\"value\": 9.5"},
        {"m=sum(if(x > mean(x), x, 0))", "\"value\": 9.0"},
        {"m=sum(x >= mean(x))", "\"exact\": \"2\""}, /* a condition is exact */
        {"m=mean(fillna(x, mean(x)))", "\"value\": 4.0"},
        {"m=sum(x - sum(x) / count(x))", "\"value\": 0.0"},
        {"m=sum(exp(log(x) - mean(log(x))) > 1)", "\"exact\": \"2\""},
        {"m=sum(x * std(x) / std(x))", "\"value\": 16.0"},
        {"m=mean(x) + sum(x - mean(x)) * 2 + count(y)", "\"value\": 8.0"},
        /* mean 4; |x - 4|: 3 2 0 5, mean 2.5; of the larger ones 2 */
        {"m=sum(abs(x - mean(x)) > mean(abs(x - mean(x))))", "\"exact\": \"2\""},
        {"m=sum(d - mean(d))", "\"value\": 0.0"}, /* -0.1875, as a double */
        {"m=cov(x - mean(x), y * mean(y))", "\"value\": -8.333333333333334"},
        {"m=sum(x // mean(x))", "\"value\": 3.0"},
        {"m=any(x > 2 * mean(x))", "\"value\": true"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_gives1(cases[i][0], text, cases[i][1]);
    }
}

/* The number is the nearest double, no rational: of thirds a rest is left. */
static void test_inner_numbers_are_rounded(void **state)
{
    (void)state;
    static const char thirds[] = "x\n0\n0\n1\n";
    test_gives1("m=sum(x - mean(x))", thirds, "\"value\": 1.1102230246251565e-16");
    test_gives1("m=sum(x * 3 - mean(x) * 3)", thirds, "\"value\": 0.0"); /* 1, rounded once */
}

static void test_special_numbers(void **state)
{
    (void)state;
    /* mean of nothing: NaN is missing, and made where x is present */
    test_gives1("m=sum(x - mean(n))", "x,n\n1,NA\n2,NA\nNA,NA\n",
                "\"value\": 0.0, \"exact\": \"0\", \"nan_made\": 2");
    test_gives1("m=count(fillna(n, mean(n)))", "x,n\n1,NA\n", "\"value\": 0, \"exact\": \"0\"");
    test_gives1("m=sum(x / (count(n) / 0))", "x,n\n1,1\n2,NA\n", "\"value\": 0.0");
    test_gives1("m=sum(x - count(n) / 0)", "x,n\n1,1\n2,NA\n", "\"special\": \"-inf\"");
    test_gives1("m=sum(y - sum(y))", "y\n1e0\ninf\n", "\"special\": \"-inf\", \"nan_made\": 1");
    test_gives1("m=mean(x - mean(x))", "x\n", "\"special\": \"NaN\"");
    test_gives1("m=sum(x - sum(x))", "x\n1e308\n1e308\n", "\"special\": \"-inf\"");
}

/* The number is that of the row's own group, of the rows that take part. */
static void test_groups(void **state)
{
    (void)state;
    static const char by_s[] =
        "\"group_by\": [{\"column\": \"s\", \"levels\": [\"p\", \"none\"], \"other\": true}],";
    json_gives(by_s, "\"v\": \"mean((x - mean(x)) ** 2)\"", text,
               "[{\"value\": 2.25, \"exact\": \"2.25\"}, {\"value\": null, \"special\": \"NaN\"}, "
               "{\"value\": 12.25, \"exact\": \"12.25\"}]");
    json_gives(
        "\"where\": \"x < 9\", \"group_by\": [{\"column\": \"s\", \"levels\": [\"q\", "
        "\"p\"]}, {\"column\": \"b\", \"levels\": [true, false]}],",
        "\"v\": \"sum(x * 10 - sum(x))\"", text,
        "{\"values\": [{\"value\": 0.0, \"exact\": \"0\"}, {\"value\": 18.0, \"exact\": "
        "\"18\"}, {\"value\": 40.0, \"exact\": \"40\"}, {\"value\": 0.0, \"exact\": \"0\"}]}");
    json_gives("\"where\": \"b\",", "\"v\": \"sum(x - mean(x))\", \"m\": \"mean(x)\"", text,
               "\"m\": {\"value\": 4.666666666666667");
}

static void result_of_json(char **out, const char *keys, const char *select,
                           const char *const *rows, size_t rows_len)
{
    struct sotto_error err = {0};
    struct sotto_plan *plan = plan_of_json(keys, select);
    if (test_run(out, NULL, plan, rows, rows_len, &err) != SOTTO_OK) {
        print_error("%s: %s\n", select, err.text);
        fail();
    }
    sotto_plan_free(plan);
}

/* What a group has is what a plan has whose where takes that group only, however rows are split. */
static void test_a_group_is_a_where(void **state)
{
    (void)state;
    static const char select[] = "\"v\": \"sum((x - mean(x)) ** 2 * y - std(y) / mean(abs(x - "
                                 "mean(x)))) / count(x)\"";
    static char texts[3][12000];
    const char *const parts[3] = {texts[0], texts[1], texts[2]}; /* all rows are in the last */
    for (uint64_t seed = 0; seed < 60; seed++) {
        uint64_t random = seed;
        for (size_t i = 0; i < 3; i++) {
            strcpy(texts[i], "x,y,s\n");
        }
        for (size_t row = 0; row < 1 + seed * 4; row++) {
            char line[80];
            char number[20] = "NA";
            if (test_random_below(&random, 6) != 0) {
                (void)snprintf(number, sizeof number, "%d",
                               (int)test_random_below(&random, 2000) - 1000);
            }
            (void)snprintf(line, sizeof line, "%s,%zu.%zue%zu,%c\n", number,
                           test_random_below(&random, 9), test_random_below(&random, 9),
                           test_random_below(&random, 9), "pqr"[test_random_below(&random, 3)]);
            strcat(texts[test_random_below(&random, 2)], line);
            strcat(texts[2], line);
        }
        char *grouped = NULL;
        result_of_json(&grouped,
                       "\"group_by\": [{\"column\": \"s\", \"levels\": [\"p\", "
                       "\"q\", \"r\"]}],",
                       select, parts, 2);
        const char *at = grouped;
        for (size_t i = 0; i < 3; i++) {
            static const char *const wheres[] = {
                "\"where\": \"s == 'p'\",", "\"where\": \"s == 'q'\",", "\"where\": \"s == 'r'\","};
            char *alone = NULL;
            result_of_json(&alone, wheres[i], select, &parts[2], 1);
            at = strstr(at, "{\"value\":");
            const char *value = strstr(alone, "{\"value\":");
            assert_true(at != NULL && value != NULL);
            assert_memory_equal(at, value, (size_t)(strchr(value, '}') + 1 - value));
            at++;
            sotto_free(alone);
        }
        sotto_free(grouped);
    }
}

static struct sotto_driver *driver_of(const struct sotto_plan *plan)
{
    struct sotto_schema schema = {.fields_len = sotto_plan_columns_len(plan)};
    struct sotto_driver *driver = NULL;
    schema.fields = sotto_alloc_array(schema.fields_len, sizeof *schema.fields);
    assert_non_null(schema.fields);
    for (size_t i = 0; i < schema.fields_len; i++) {
        schema.fields[i].type.kind = SOTTO_KIND_INT64;
    }
    assert_ok(sotto_driver_new(&driver, plan, &schema, NULL));
    sotto_schema_release(&schema);
    return driver;
}

/* What is needed in one round only is opened there, common slots once. */
static void test_slots(void **state)
{
    (void)state;
    static const char *const outputs[] = {"a=mean((x - mean(x)) ** 2)", "b=sum((x - mean(x)) ** 2)",
                                          "c=mean(x) + mean(y)",
                                          "d=sum((x - sum(x) / count(x)) ** 2)", NULL};
    struct sotto_plan *plan = test_plan(outputs);
    struct sotto_driver *driver = driver_of(plan);
    size_t slots_len;
    assert_int_equal(sotto_plan_rounds(plan), 2);
    const uint16_t *slots = sotto_driver_slots(driver, &slots_len);
    assert_int_equal(slots_len, 4); /* counts and sums of x and y */
    assert_int_equal(slots[1], 2);
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t limbs[64] = {0};
    assert_int_equal(sotto_driver_advance(driver, limbs, limbs_len + 1, NULL),
                     SOTTO_ERROR_PROTOCOL);
    limbs[0] = UINT64_MAX;
    assert_int_equal(sotto_driver_advance(driver, limbs, limbs_len, NULL), SOTTO_ERROR_PROTOCOL);
    assert_int_equal(sotto_driver_round(driver), 1);
    limbs[0] = 0;
    assert_ok(sotto_driver_advance(driver, limbs, limbs_len, NULL));
    assert_int_equal(sotto_driver_round(driver), 2);
    (void)sotto_driver_slots(driver, &slots_len);
    /* a and b: count, NaN made, sum with infinities; sum(x) / count(x) is another number, though
     * equal: shapes don't come from values. d: NaN made, sum with infinities */
    assert_int_equal(slots_len, 5 + 4);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
}

/* A plan of so many rounds, each of the rows' distances from the number of the one before. */
#define DEPTH 20
#define ROWS_LEN 5

/* The double nearest to the mean of rows, as mean gives it. */
static double mean_of(const double *rows)
{
    mpq_t sum;
    mpq_t row;
    mpq_inits(sum, row, NULL);
    for (size_t i = 0; i < ROWS_LEN; i++) {
        mpq_set_d(row, rows[i]);
        mpq_add(sum, sum, row);
    }
    mpq_set_ui(row, 1, ROWS_LEN);
    mpq_mul(sum, sum, row);
    double mean = sotto__rational_to_double(sum);
    mpq_clears(sum, row, NULL);
    return mean;
}

/* The value of the one output m. */
static double value_of(const char *output, const char *rows)
{
    char *json = NULL;
    struct sotto_error err = {0};
    struct sotto_plan *plan = test_plan_of(output);
    if (test_run(&json, NULL, plan, &rows, 1, &err) != SOTTO_OK) {
        print_error("%s: %s\n", output, err.text);
        fail();
    }
    const char *value = strstr(json, "\"value\": ");
    assert_non_null(value);
    double number = strtod(value + strlen("\"value\": "), NULL);
    sotto_free(json);
    sotto_plan_free(plan);
    return number;
}

/* Appends a number of so many rounds. */
static void nest(char *output, size_t rounds)
{
    for (size_t round = rounds; round > 1; round--) {
        strcat(output, "mean(abs(x - ");
    }
    strcat(output, "mean(x)");
    for (size_t round = rounds; round > 1; round--) {
        strcat(output, "))");
    }
}

static void test_depth(void **state)
{
    (void)state;
    static const char rows_text[] = "x\n1\n2e0\n4.75\n7.1\n0.1\n";
    double far[ROWS_LEN] = {1, 2, 4.75, 7.1, 0.1};
    const double rows[ROWS_LEN] = {1, 2, 4.75, 7.1, 0.1};
    double known = 0;
    for (size_t round = 1; round <= DEPTH; round++) {
        for (size_t i = 0; round > 1 && i < ROWS_LEN; i++) {
            far[i] = fabs(rows[i] - known);
        }
        known = mean_of(far);
        char output[1000] = "m=";
        nest(output, round);
        struct sotto_plan *plan = test_plan_of(output);
        assert_int_equal(sotto_plan_rounds(plan), round);
        sotto_plan_free(plan);
        assert_true(value_of(output, rows_text) == known);
    }
    /* An output that reads numbers of the first, a middle and the last round, when that is opened.
     */
    char output[2000] = "m=";
    nest(output, 7);
    strcat(output, " * mean(x) / ");
    nest(output, DEPTH);
    char seventh[400] = "m=";
    nest(seventh, 7);
    double expected = value_of(seventh, rows_text) * value_of("m=mean(x)", rows_text) / known;
    assert_true(fabs(value_of(output, rows_text) - expected) <= 1e-14);
}

static void test_words(void **state)
{
    (void)state;
    char *words = NULL;
    struct sotto_plan *plan =
        plan_of_json("", "\"a\": \"mean(x) + sum(if(s == ')', x - mean(x), `y)`))\", \"b\": "
                         "\"mean(x)\", \"c\": \"count(y)\", \"d\": "
                         "\"sum(row_count([x, y]))\", \"e\": \"count([x, y])\"");
    assert_ok(sotto_plan_round_words(plan, 1, &words, NULL));
    /* A call that another one ends in is told all the same. */
    assert_string_equal(words, "mean(x), count(y), sum(row_count([x, y])), count([x, y])");
    sotto_free(words);
    assert_ok(sotto_plan_round_words(plan, 2, &words, NULL));
    assert_string_equal(words, "sum(if(s == ')', x - mean(x), `y)`))");
    sotto_free(words);
    sotto_plan_free(plan);
}

/* A file that changes between rounds is an error. */
static void test_a_file_that_changes(void **state)
{
    (void)state;
    char path[] = "/tmp/sotto_rounds_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x\n1\n2\n", 6), 6);
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_error err = {0};
    struct sotto_plan *plan = test_plan_of("m=mean(x - mean(x))");
    struct sotto_driver *driver = driver_of(plan);
    uint64_t limbs[64] = {0};
    assert_ok(sotto_csv_open(&csv, path, NULL, &err));
    assert_ok(sotto_csv_catalogue(csv, &catalogue, &err));
    const struct sotto_catalogue *borrowed = catalogue;
    size_t limbs_len = sotto_driver_limbs_len(driver);
    assert_ok(test_partial(driver, limbs, limbs_len, csv, borrowed, &err));
    assert_ok(sotto_driver_advance(driver, limbs, limbs_len, &err));
    assert_int_equal(write(fd, "3\n", 2), 2);
    limbs_len = sotto_driver_limbs_len(driver);
    assert_int_not_equal(test_partial(driver, limbs, limbs_len, csv, borrowed, &err), SOTTO_OK);
    assert_contains(err.text, "changed");
    assert_int_equal(limbs[0], 0);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    (void)close(fd);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_inner_numbers_are_rounded),
        cmocka_unit_test(test_special_numbers),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_a_group_is_a_where),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_a_file_that_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
