/* SPDX-License-Identifier: Apache-2.0 */

/* Many conditions on one value, which an index counts, against the same conditions asked one at a
 * time, which are compared with each row. */

#include "cases.h"
#include "engine/driver.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>

#define LEVELS_MAX 24
#define VALUES_MAX 200
#define TEXT_BYTES 100000

/* A text of each kind of column: int64, decimal, wide decimal, doubles, texts, and a key. */
static void write_rows(char *out, size_t rows, uint64_t *random)
{
    static const char *const doubles[] = {"inf", "-inf", "0e0", "-0e0", "5e-324", "2.5e0", "-7e0"};
    static const char *const integers[] = {"9223372036854775807", "-9223372036854775808", "0"};
    static const char *const wides[] = {"99999999999999999999.5", "-0.12345678901234567890", "3"};
    size_t at = (size_t)sprintf(out, "i,d,w,f,s,g\n");
    for (size_t row = 0; row < rows; row++) {
        int small = (int)test_random_below(random, 41) - 20;
        bool is_extreme = test_random_below(random, 5) == 0;
        at += test_random_below(random, 9) == 0 ? (size_t)sprintf(out + at, "NA,NA,NA,NA,NA,")
              : is_extreme ? (size_t)sprintf(out + at, "%s,%d.%02d,%s,%s,none,",
                                             integers[test_random_below(random, 3)], small,
                                             (int)test_random_below(random, 100),
                                             wides[test_random_below(random, 3)],
                                             doubles[test_random_below(random, 7)])
                           : (size_t)sprintf(out + at, "%d,%d,%d.5,%d.25e0,t%d,", small, small,
                                             small, small, small);
        at += (size_t)sprintf(out + at, "%c\n", "pq"[test_random_below(random, 2)]);
    }
}

/* Ascending numbers, of which some are beyond the columns' or between their values. */
static size_t draw_edges(char edges[LEVELS_MAX][32], size_t len, uint64_t *random)
{
    int edge = -30;
    for (size_t i = 0; i < len; i++) {
        static const char *const ends[] = {"", ".0", ".25", ".5", ".123456789012345678"};
        edge += 1 + (int)test_random_below(random, 4);
        const char *end = ends[edge < 0 ? 0 : test_random_below(random, 5)];
        (void)snprintf(edges[i], sizeof edges[i], "%d%s", edge, end);
    }
    if (test_random_below(random, 2) == 0) {
        (void)snprintf(edges[0], sizeof edges[0], "-1e30");
        (void)snprintf(edges[len - 1], sizeof edges[0], "9223372036854775807");
    }
    return len;
}

/* The values of an output, in all groups; how many indices its program has. */
static size_t values_of(double *out, size_t *out_indices, const char *keys, const char *output,
                        const char *rows)
{
    char json[3000];
    char *result = NULL;
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s \"select\": {\"m\": \"%s\"}}",
                   keys, output);
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK ||
        test_run(&result, NULL, plan, &rows, 1, &err) != SOTTO_OK) {
        print_error("%s: %s\n", output, err.text);
        fail();
    }
    size_t len = 0;
    for (const char *at = result; (at = strstr(at, "\"value\": ")) != NULL; at++) {
        assert_true(len < VALUES_MAX);
        out[len++] = strtod(at + strlen("\"value\": "), NULL);
    }
    if (out_indices != NULL) {
        struct sotto_schema schema = {.fields_len = sotto_plan_columns_len(plan)};
        struct sotto_driver *driver = NULL;
        schema.fields = sotto_alloc_array(schema.fields_len, sizeof *schema.fields);
        for (size_t i = 0; i < schema.fields_len; i++) {
            schema.fields[i].type.kind = SOTTO_KIND_INT64;
        }
        assert_ok(sotto_driver_new(&driver, plan, &schema, &err));
        *out_indices = driver->program->indices_len;
        sotto_driver_free(driver);
        sotto_schema_release(&schema);
    }
    sotto_free(result);
    sotto_plan_free(plan);
    return len;
}

static const char *const selections[] = {
    "",
    "\"where\": \"d < 7\",",
    "\"group_by\": [{\"column\": \"g\", \"levels\": [\"p\", \"q\"]}],",
    "\"where\": \"i > -5\", \"group_by\": [{\"column\": \"g\", \"levels\": [\"q\", \"r\"], "
    "\"other\": true}],",
};

/* hist(x, all edges) or value_counts(x, all levels) is each bin, each level alone. */
static void check_pieces(const char *function, const char *argument, const char *keys,
                         char levels[LEVELS_MAX][32], size_t len, const char *rows)
{
    static double together[VALUES_MAX];
    double alone[VALUES_MAX];
    bool are_edges = strcmp(function, "hist") == 0;
    char output[1500];
    size_t at = (size_t)sprintf(output, "%s(%s", function, argument);
    for (size_t i = 0; i < len; i++) {
        at += (size_t)sprintf(output + at, ", %s", levels[i]);
    }
    (void)sprintf(output + at, ")");
    size_t together_len = values_of(together, NULL, keys, output, rows);
    size_t pieces = len - are_edges;
    for (size_t i = 0; i < pieces; i++) {
        bool is_last = i + 1 == pieces; /* which holds its upper edge */
        (void)sprintf(output, "%s(%s, %s%s%s%s)", function, argument, levels[i],
                      are_edges ? ", " : "", are_edges ? levels[i + 1] : "",
                      are_edges && !is_last ? ", 1e40" : "");
        size_t step = are_edges && !is_last ? 2 : 1;
        size_t alone_len = values_of(alone, NULL, keys, output, rows);
        assert_int_equal(alone_len / step * pieces, together_len);
        for (size_t group = 0; group < alone_len / step; group++) {
            if (alone[group * step] != together[group * pieces + i]) {
                print_error("%s %s in group %zu: %g, not %g\n", keys, output, group,
                            together[group * pieces + i], alone[group * step]);
                fail();
            }
        }
    }
}

static void test_pieces(void **state)
{
    (void)state;
    static const char *const arguments[] = {"i",      "d",  "w",      "f",           "i + d",
                                            "d * 10", "-f", "abs(w)", "d - mean(d)", "i // 3"};
    static char rows[TEXT_BYTES];
    for (uint64_t seed = 0; seed < test_cases(60); seed++) {
        uint64_t random = seed;
        char levels[LEVELS_MAX][32];
        const char *argument = arguments[test_random_below(&random, 10)];
        const char *keys = selections[test_random_below(&random, 4)];
        write_rows(rows, seed % 3 == 0 ? seed / 3 : 600, &random);
        size_t len = draw_edges(levels, 10 + test_random_below(&random, 12), &random);
        check_pieces(seed % 2 == 0 ? "hist" : "value_counts", argument, keys, levels, len, rows);
        for (size_t i = 0; i < len; i++) {
            (void)snprintf(levels[i], sizeof levels[i], "'t%d'", 2 * (int)i - 20);
        }
        check_pieces("value_counts", "s", keys, levels, len, rows);
    }
}

/* Few conditions are compared, many are looked up, whoever asks. */
static void test_which(void **state)
{
    (void)state;
    static const char rows[] = "i,j\n1,2\n";
    double values[VALUES_MAX];
    size_t indices = 0;
    (void)values_of(values, &indices, "", "hist(i, 0, 1, 2)", rows);
    assert_int_equal(indices, 0);
    (void)values_of(values, &indices, "", "hist(i, 0, 1, 2, 3, 4, 5, 6, 7)", rows);
    assert_int_equal(indices, 1);
    (void)values_of(values, &indices, "",
                    "hist(i, 0, 1, 2, 3, 4, 5, 6, 7) + hist(j, 0, 1, 2, 3, 4, 5, 6, 7)", rows);
    assert_int_equal(indices, 2);
    (void)values_of(
        values, &indices, "",
        "sum(i < 1) + sum(2 < i) + sum(i == 3) + sum(i <= 4) + sum(i >= 5) + sum(i > 6) "
        "+ sum(i < 7.5) + sum(8 == i)",
        rows);
    assert_int_equal(indices, 1);
    assert_true(values[0] == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
