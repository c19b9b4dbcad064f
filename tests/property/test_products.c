/* SPDX-License-Identifier: Apache-2.0 */

/* Sums of products of many pairs of columns of doubles, which share what they take of a block
 * (engine/sums/shared.c), and of the columns alone: rows of whole blocks and of parts of them, of
 * which some lack values, against sums made row by row. */

#include "cases.h"
#include "engine/contribute/contribute.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_LEN 6
#define OUTPUTS_LEN (COLUMNS_LEN + COLUMNS_LEN * (COLUMNS_LEN + 1) / 2)
#define ROWS_MAX (3 * SOTTO__ROWS_LEN + 40)

/* In units of 1/1024: a double says each sum of products. */
static int64_t values[COLUMNS_LEN][ROWS_MAX];
static bool present[COLUMNS_LEN][ROWS_MAX];
static size_t rows_len;
static char text[ROWS_MAX * COLUMNS_LEN * 24 + 32];

/* Half of the files end a block, or nearly. A column lacks values in some stretches of rows. */
static void fill(uint64_t *random)
{
    size_t blocks_len = 1 + test_random_below(random, 3);
    rows_len = test_random_below(random, 2) == 0
                   ? blocks_len * SOTTO__ROWS_LEN + test_random_below(random, 40)
                   : 1 + test_random_below(random, ROWS_MAX);
    char *at = text + sprintf(text, "a,b,c,d,e,f\n");
    unsigned lacking = (unsigned)test_random_below(random, 3);
    for (size_t row = 0; row < rows_len; row++) {
        for (size_t i = 0; i < COLUMNS_LEN; i++) {
            bool lacks = lacking == 0 && row / 256 % 3 == i % 3;
            present[i][row] = !lacks || test_random_below(random, 40) != 0;
            values[i][row] = (int64_t)test_random_below(random, 1 << 15) - (1 << 14);
            at += present[i][row] ? sprintf(at, "%.10fe0", (double)values[i][row] / 1024) : 0;
            *at++ = i + 1 < COLUMNS_LEN ? ',' : '\n';
        }
    }
    *at = '\0';
}

/* What is written before columns, done to their values. */
static void compute(void)
{
    for (size_t i = 0; i < COLUMNS_LEN; i++) {
        for (size_t row = 0; row < rows_len; row++) {
            values[i][row] = 1024 - values[i][row];
        }
    }
}

/* Sums of columns, and of pairs of them, as they are read (before: "") or computed ("1 - "). */
static void write_outputs(char outputs[OUTPUTS_LEN][32], const char *before)
{
    size_t len = 0;
    for (size_t i = 0; i < COLUMNS_LEN; i++) {
        char x = (char)('a' + i);
        (void)snprintf(outputs[len++], sizeof outputs[0], "s%zu=sum(%s%c)", i, before, x);
        for (size_t j = 0; j <= i; j++) {
            (void)snprintf(outputs[len++], sizeof outputs[0], "p%zu%zu=dot(%s%c, %s%c)", i, j,
                           before, x, before, (char)('a' + j));
        }
    }
}

/* other: SOTTO_NONE for the column alone. */
static void sum_is(const char *result, const char *output, size_t column, size_t other)
{
    char name[64];
    int64_t sum = 0;
    bool is_any = false;
    for (size_t row = 0; row < rows_len; row++) {
        if (present[column][row] && (other == SOTTO_NONE || present[other][row])) {
            sum += values[column][row] * (other != SOTTO_NONE ? values[other][row] : 1024);
            is_any = true;
        }
    }
    (void)snprintf(name, sizeof name, "\"%.*s\": {", (int)strcspn(output, "="), output);
    const char *at = strstr(result, name);
    assert_non_null(at);
    at = strstr(at, "\"value\": ");
    assert_non_null(at);
    double value = strtod(at + strlen("\"value\": "), NULL);
    double expected = (double)sum / (1024 * 1024);
    if (is_any && value != expected) {
        print_error("%s of %zu rows is %.17g, not %.17g\n", output, rows_len, value, expected);
        fail();
    }
}

static void test_pairs(void **state)
{
    (void)state;
    uint64_t random = 1;
    char outputs[OUTPUTS_LEN][32];
    const char *list[OUTPUTS_LEN + 1] = {NULL};
    for (size_t i = 0; i < OUTPUTS_LEN; i++) {
        list[i] = outputs[i];
    }
    for (size_t i = 0, cases = test_cases(200); i < cases; i++) {
        bool is_computed = test_random_below(&random, 2) == 0;
        struct sotto_error err = {0};
        const char *texts[] = {text};
        char *result = NULL;
        write_outputs(outputs, is_computed ? "1 - " : "");
        fill(&random);
        struct sotto_plan *plan = test_plan(list);
        if (test_run(&result, NULL, plan, texts, 1, &err) != SOTTO_OK) {
            print_error("%s\n", err.text);
            fail();
        }
        if (is_computed) {
            compute();
        }
        for (size_t j = 0, at = 0; j < COLUMNS_LEN; j++) {
            sum_is(result, outputs[at++], j, SOTTO_NONE);
            for (size_t k = 0; k <= j; k++) {
                sum_is(result, outputs[at++], j, k);
            }
        }
        sotto_free(result);
        sotto_plan_free(plan);
    }
}

/* --- Rows straight into a worker --- */

#define OF_TABLE 3 /* columns */
#define TABLES_LEN 2
#define BLOCKS_LEN 600

/* "x0=dot(t.a, t.a)" and so on, of all pairs of both tables' columns, as a plan's selection. */
static void write_selection(char *out, size_t tables_len)
{
    size_t outputs_len = 0;
    for (size_t table = 0; table < tables_len; table++) {
        for (size_t i = 0; i < OF_TABLE; i++) {
            for (size_t j = 0; j <= i; j++, outputs_len++) {
                out +=
                    sprintf(out, "%s\"x%zu\": \"dot(%c.%c, %c.%c)\"", outputs_len > 0 ? ", " : "",
                            outputs_len, (char)('t' + (int)table), (char)('a' + (int)i),
                            (char)('t' + (int)table), (char)('a' + (int)j));
            }
        }
    }
}

/* The limbs of a plan's sums; blocks of both tables come in turns where it has two. Ended by
 * sotto_free. */
static uint64_t *add_blocks(const char *datasets, size_t tables_len, const char *more,
                            double (*columns)[SOTTO__ROWS_LEN], size_t *out_limbs_len)
{
    static const struct sotto_type type = {.kind = SOTTO_KIND_FLOAT64};
    struct sotto_schema_field fields[TABLES_LEN * OF_TABLE];
    struct sotto_column read[TABLES_LEN * OF_TABLE];
    const struct sotto_column *blocks[TABLES_LEN * OF_TABLE];
    char selection[1000];
    char json[1600];
    struct sotto_plan *plan = NULL;
    struct sotto_driver *driver = NULL;
    struct sotto__worker worker;
    size_t len = tables_len * OF_TABLE;
    for (size_t i = 0; i < len; i++) {
        fields[i] = (struct sotto_schema_field){.type = type};
        read[i] = (struct sotto_column){.type = type, .len = SOTTO__ROWS_LEN, .values = columns[i]};
        blocks[i] = &read[i];
    }
    struct sotto_schema schema = {.fields = fields, .fields_len = len};
    write_selection(selection, tables_len);
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {%s}, "
                   "\"select\": {%s}%s}",
                   datasets, selection, more);
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    assert_ok(sotto_driver_new(&driver, plan, &schema, NULL));
    assert_ok(sotto__worker_init(&worker, driver->program, NULL, NULL, 0));
    *out_limbs_len = driver->program->limbs_len;
    uint64_t *limbs = sotto_alloc_array(*out_limbs_len, sizeof *limbs);
    assert_non_null(limbs);
    for (size_t i = 0; i < BLOCKS_LEN * tables_len; i++) {
        sotto__rows_take(&worker.rows, i % tables_len, blocks, SOTTO__ROWS_LEN);
    }
    sotto__sums_add_to(&worker.sums, limbs);
    sotto__worker_release(&worker);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
    return limbs;
}

/* The sums of two tables are those of each, and so are those of rows that a condition keeps. The
 * largest slices there are, in more blocks than may wait. */
static void test_tables(void **state)
{
    (void)state;
    static double columns[TABLES_LEN * OF_TABLE][SOTTO__ROWS_LEN];
    uint64_t random = 9;
    size_t both_len;
    size_t one_len;
    for (size_t i = 0; i < (size_t)TABLES_LEN * OF_TABLE; i++) {
        for (size_t row = 0; row < SOTTO__ROWS_LEN; row++) {
            columns[i][row] =
                i == 0 ? 1 - 0x1p-23 : (double)test_random_below(&random, 1 << 20) / 7;
        }
    }
    uint64_t *both = add_blocks("\"t\": \"t.csv\", \"u\": \"u.csv\"", 2, "", columns, &both_len);
    uint64_t *first = add_blocks("\"t\": \"t.csv\"", 1, "", columns, &one_len);
    assert_int_equal(both_len, 2 * one_len);
    assert_memory_equal(both, first, one_len * sizeof *first);
    uint64_t *kept =
        add_blocks("\"t\": \"t.csv\"", 1, ", \"where\": \"t.a < 2\"", columns, &one_len);
    assert_memory_equal(kept, first, one_len * sizeof *first);
    uint64_t *none =
        add_blocks("\"t\": \"t.csv\"", 1, ", \"where\": \"t.a > 2\"", columns, &one_len);
    for (size_t i = 0; i < one_len; i++) {
        assert_int_equal(none[i], 0);
    }
    sotto_free(both);
    sotto_free(first);
    sotto_free(kept);
    sotto_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
