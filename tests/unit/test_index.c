/* SPDX-License-Identifier: Apache-2.0 */

/* Many conditions on one value, which an index counts, against the same conditions asked one at a
 * time, which are compared with each row. */

#include "cases.h"
#include "engine/driver.h"
#include "engine/program/compile.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/contribution.h>
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
    ("\"where\": \"i > -5\", \"group_by\": [{\"column\": \"g\", \"levels\": [\"q\", \"r\"], "
     "\"other\": true}],"),
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
    (void)values_of(values, &indices, "", "hist(i, 0, 1, 2, 3, 4, 5, 6, 7, 8)", rows);
    assert_int_equal(indices, 1);
    (void)values_of(values, &indices, "",
                    "hist(i, 0, 1, 2, 3, 4, 5, 6, 7, 8) + hist(j, 0, 1, 2, 3, 4, 5, 6, 7, 8)",
                    rows);
    assert_int_equal(indices, 2);
    (void)values_of(
        values, &indices, "",
        "sum(i < 1) + sum(2 < i) + sum(i == 3) + sum(i <= 4) + sum(i >= 5) + sum(i > 6) "
        "+ sum(i < 7.5 and i >= -1) + sum(8 == i)",
        rows);
    assert_int_equal(indices, 1);
    assert_true(values[0] == 2);
}

/* Takes its indices from a driver of one round: all of its conditions are compared. */
static void forget_indices(struct sotto_driver *driver)
{
    struct sotto__program *program = driver->program;
    for (size_t i = 0; i < program->indices_len; i++) {
        sotto__index_release(&program->indices[i]);
    }
    program->indices_len = 0;
    for (size_t i = 0; i < program->ops_len; i++) {
        program->ops[i].is_idle = false;
    }
    for (size_t i = 0; i < program->terms_len; i++) {
        program->terms[i].index = SOTTO_NONE;
    }
    assert_ok(sotto__registers_measure(program, NULL));
}

static struct sotto_contribution *contribute(const struct sotto_driver *driver,
                                             struct sotto_csv *csv,
                                             const struct sotto_catalogue *catalogue)
{
    struct sotto_contribution *contribution = NULL;
    struct sotto_source *source = NULL;
    struct sotto_error err = {0};
    assert_ok(sotto_contribution_new(&contribution, driver, &test_evidence_judge, &err));
    assert_ok(sotto_source_new_file(&source, csv, catalogue, &err));
    assert_ok(sotto_contribution_add(contribution, source, 0, &err));
    sotto_source_free(source);
    return contribution;
}

/* The partial and the evidence are the same with indices and without. */
static void check_evidence(struct sotto_plan *plan, const char *rows)
{
    struct sotto_csv *csv = test_csv(rows);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_schema schema = {0};
    struct sotto_contribution *parts[2];
    struct sotto_driver *drivers[2] = {NULL, NULL};
    assert_ok(
        sotto_schema_offer(&schema, plan, (const struct sotto_catalogue *const *)&catalogue, NULL));
    for (size_t i = 0; i < 2; i++) {
        assert_ok(sotto_driver_new(&drivers[i], plan, &schema, NULL));
        assert_true(drivers[i]->program->indices_len > 0);
        if (i == 1) {
            forget_indices(drivers[i]);
        }
        parts[i] = contribute(drivers[i], csv, catalogue);
    }
    char *texts[2] = {test_evidence(drivers[0], parts[0]), test_evidence(drivers[1], parts[1])};
    assert_string_equal(texts[0], texts[1]);
    assert_memory_equal(sotto_contribution_partial(parts[0]), sotto_contribution_partial(parts[1]),
                        sotto_driver_limbs_len(drivers[0]) * sizeof(uint64_t));
    for (size_t i = 0; i < 2; i++) {
        sotto_free(texts[i]);
        sotto_contribution_free(parts[i]);
        sotto_driver_free(drivers[i]);
    }
    sotto_schema_release(&schema);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

static void test_evidence_with_indices(void **state)
{
    (void)state;
    static const char *const selects[] = {
        "hist(%s, -20, -12, -9, -8, -7, -3, 0, 2.5, 4, 11, 12, 20)",
        "value_counts(%s, -20, -7, -3, 0, 2.5, 1, 2, 3, 4, 5, 6)",
        "hist(%s, -20, -12, -9, -8, -7, -3, 0, 2, 4, 11) * sum(if(%s < 2, 1, 0))",
        "value_counts(s, 't0', 't1', 't2', 't3', 't4', 't5', 't6', 't7', 'none') + count(%s)",
    };
    static const char *const arguments[] = {"i", "d", "w", "f", "log(f)", "i + d", "fillna(d, 1)"};
    static char rows[TEXT_BYTES];
    for (uint64_t seed = 0; seed < test_cases(80); seed++) {
        uint64_t random = seed;
        const char *argument = arguments[test_random_below(&random, 7)];
        char output[300];
        char json[1000];
        struct sotto_plan *plan = NULL;
        struct sotto_error err = {0};
        (void)snprintf(output, sizeof output, selects[seed % 4], argument, argument);
        (void)snprintf(json, sizeof json,
                       "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                       "{\"t\": \"t.csv\"}, %s \"select\": {\"m\": \"%s\"}}",
                       selections[test_random_below(&random, 4)], output);
        if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
            print_error("%s: %s\n", output, err.text);
            fail();
        }
        write_rows(rows, 600, &random);
        check_evidence(plan, rows);
        sotto_plan_free(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_which),
        cmocka_unit_test(test_evidence_with_indices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
