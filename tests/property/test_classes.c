/* SPDX-License-Identifier: Apache-2.0 */

/* Rounds by classes of rows: random plans are asked of a table, and of somebody who knows no plan
 * but counts the same rows by the cuts of columns and sums up products of their values. Partials
 * are the same to the bit, so are the verdicts of a judge who looks at sets of rows only, and how
 * many rounds can be asked so is counted. What a class can't be is refused. */

#include "cases.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <math.h>
#include <sotto/alloc.h>
#include <sotto/classes.h>
#include <sotto/contribution.h>
#include <sotto/disclosure.h>
#include <stdio.h>

#define ROWS_MAX 200
#define GROUPS_MAX 64

/* --- Somebody who counts --- */

struct counting {
    struct sotto_source base;
    struct sotto_source *rows; /* of the same table, who describes it */
    const struct sotto_table *table;
    struct sotto_classes *classes; /* of the round that can be summed up */
    size_t summed;
};

static struct counting *counting_of(struct sotto_source *source)
{
    return (struct counting *)source;
}

static enum sotto_status counting_describe(struct sotto_source *source,
                                           const struct sotto_catalogue **out,
                                           const char *const *names, size_t names_len,
                                           struct sotto_error *err)
{
    struct sotto_source *rows = counting_of(source)->rows;
    return rows->ops->describe(rows, out, names, names_len, err);
}

static size_t counting_workers(const struct sotto_source *source)
{
    const struct sotto_source *rows = ((const struct counting *)source)->rows;
    return rows->ops->workers(rows);
}

static enum sotto_status counting_scan(struct sotto_source *source,
                                       const struct sotto_source_scan *scan,
                                       struct sotto_error *err)
{
    struct sotto_source *rows = counting_of(source)->rows;
    return rows->ops->scan(rows, scan, err);
}

static bool counting_can_sum(struct sotto_source *source, struct sotto_contribution *contribution,
                             size_t dataset)
{
    struct counting *counting = counting_of(source);
    struct sotto_error err = {0};
    enum sotto_status status = sotto_classes_new(&counting->classes, contribution, dataset, &err);
    assert_true(status == SOTTO_OK || (status == SOTTO_ERROR_REFUSED && err.text[0] != '\0'));
    return status == SOTTO_OK;
}

static struct sotto_column find_values(const struct counting *counting, const char *name)
{
    size_t i = 0;
    while (strcmp(sotto_table_name(counting->table, i), name) != 0) {
        i++;
    }
    return sotto_table_column(counting->table, i);
}

static int64_t read_exact(const struct sotto_column *column, size_t row)
{
    if (column->type.kind == SOTTO_KIND_BOOL) {
        return (((const uint8_t *)column->values)[row / 8] >> (row % 8)) & 1;
    }
    return column->wide ? (int64_t)((const struct sotto_int128 *)column->values)[row].low
                        : ((const int64_t *)column->values)[row];
}

static double read_double(const struct sotto_column *column, size_t row)
{
    return ((const double *)column->values)[row];
}

static bool is_at(struct sotto_int128 cut, int64_t value)
{
    return cut.high < (value < 0 ? -1 : 0) ||
           (cut.high == (value < 0 ? -1 : 0) && cut.low <= (uint64_t)value);
}

/* The number of a row, as sotto/classes.h says. */
static uint32_t find_number(const struct sotto_classes_column *of,
                            const struct sotto_column *column, size_t row)
{
    uint32_t number = 1;
    if (of->type.kind == SOTTO_KIND_NULL || !sotto_column_is_valid(column, row) ||
        (of->double_cuts != NULL && isnan(read_double(column, row)))) {
        return 0;
    }
    for (size_t i = 0; i < of->cuts_len; i++) {
        if (of->texts != NULL) {
            const char *text = (const char *)column->values + column->offsets[row];
            size_t bytes = (size_t)(column->offsets[row + 1] - column->offsets[row]);
            bool is_same = strlen(of->texts[i]) == bytes && memcmp(of->texts[i], text, bytes) == 0;
            number = is_same ? (uint32_t)i + 2 : number;
        } else {
            number += of->double_cuts != NULL ? of->double_cuts[i] <= read_double(column, row)
                                              : is_at(of->cuts[i], read_exact(column, row));
        }
    }
    return number;
}

/* The product of a row's values, a multiple of 1/4096 of doubles: below 2^63. Returns: false if
 * there is none that is finite. */
static bool find_product(int64_t *out, const struct counting *counting,
                         const struct sotto_classes_column *columns,
                         const struct sotto_classes_product *product, size_t row)
{
    *out = 1;
    for (size_t i = 0; i < 2; i++) {
        if (product->columns[i] == SOTTO_NONE) {
            continue;
        }
        const struct sotto_classes_column *of = &columns[product->columns[i]];
        struct sotto_column column = find_values(counting, of->name);
        bool is_float = of->type.kind == SOTTO_KIND_FLOAT64;
        if (find_number(of, &column, row) == 0 ||
            (is_float && !isfinite(read_double(&column, row)))) {
            return false;
        }
        *out *= is_float ? (int64_t)(read_double(&column, row) * 64) : read_exact(&column, row);
    }
    return true;
}

static void take_extent(struct sotto_classes_extent *in_out, const struct sotto_classes_column *of,
                        struct sotto_column column, size_t row, bool is_first)
{
    struct sotto_classes_extent now = {0};
    if (find_number(of, &column, row) == 0 || of->type.kind == SOTTO_KIND_STRING) {
        return;
    }
    if (of->type.kind == SOTTO_KIND_FLOAT64) {
        now.double_least = now.double_most = read_double(&column, row);
    } else {
        now.least = now.most = read_exact(&column, row);
    }
    if (is_first) {
        *in_out = now;
        return;
    }
    in_out->least = now.least < in_out->least ? now.least : in_out->least;
    in_out->most = now.most > in_out->most ? now.most : in_out->most;
    in_out->double_least = fmin(now.double_least, in_out->double_least);
    in_out->double_most = fmax(now.double_most, in_out->double_most);
}

/* Every row, or two that follow each other and are alike, as a class of its own: they add up. */
static enum sotto_status counting_sum(struct sotto_source *source,
                                      struct sotto_contribution *contribution, size_t dataset,
                                      struct sotto_error *err)
{
    struct counting *counting = counting_of(source);
    size_t columns_len;
    size_t products_len;
    const struct sotto_classes_column *columns =
        sotto_classes_columns(counting->classes, &columns_len);
    const struct sotto_classes_product *products =
        sotto_classes_products(counting->classes, &products_len);
    enum sotto_status status = SOTTO_OK;
    (void)contribution;
    (void)dataset;
    for (size_t row = 0, now = 1; status == SOTTO_OK && row < sotto_table_rows(counting->table);
         row += now) {
        uint32_t numbers[2][SOTTO_CLASSES_COLUMNS_MAX] = {{0}};
        struct sotto_classes_part parts[512];
        char texts[512][24];
        size_t len = 0;
        for (size_t i = 0; i < 2 && row + i < sotto_table_rows(counting->table); i++) {
            for (size_t j = 0; j < columns_len; j++) {
                struct sotto_column column = find_values(counting, columns[j].name);
                numbers[i][j] = find_number(&columns[j], &column, row + i);
            }
        }
        now = (size_t)1 + (row + 1 < sotto_table_rows(counting->table) &&
                           memcmp(numbers[0], numbers[1], sizeof numbers[0]) == 0);
        struct sotto_classes_extent extents[SOTTO_CLASSES_COLUMNS_MAX] = {{0}};
        uint8_t meet[256] = {0};
        for (size_t i = 0; i < columns_len; i++) {
            for (size_t j = 0; j < now; j++) {
                take_extent(&extents[i], &columns[i], find_values(counting, columns[i].name),
                            row + j, j == 0);
            }
        }
        for (size_t i = 0; i < products_len; i++) {
            bool is_float = columns[products[i].columns[0]].type.kind == SOTTO_KIND_FLOAT64;
            int shift = !is_float ? 0 : products[i].columns[1] == SOTTO_NONE ? -6 : -12;
            for (size_t j = 0; j < now; j++) {
                int64_t value;
                if (find_product(&value, counting, columns, &products[i], row + j)) {
                    (void)snprintf(texts[len], sizeof texts[len], "%lld", (long long)value);
                    parts[len] = (struct sotto_classes_part){i, shift, texts[len]};
                    len++;
                    meet[i] = meet[i] | (value != 0);
                }
            }
        }
        status =
            sotto_classes_add(counting->classes, numbers[0], now, parts, len, extents, meet, err);
    }
    sotto_classes_free(counting->classes);
    counting->summed++;
    return status;
}

static const struct sotto_source_ops counting_ops = {.identity = SOTTO_ROWS_CONTENT,
                                                     .describe = counting_describe,
                                                     .workers = counting_workers,
                                                     .scan = counting_scan,
                                                     .can_sum = counting_can_sum,
                                                     .sum = counting_sum};

/* --- Rows and plans --- */

static void write_rows(char *out, size_t out_bytes, uint64_t *random)
{
    static const char *const doubles[] = {"-0e0", "1.5e0", "inf", "-inf", "0.25e0", "-3.75e1"};
    static const char *const texts[] = {"a", "b", "c d", "aa", "x"};
    size_t at = (size_t)snprintf(out, out_bytes, "i,d,f,g,b,s\n1,0.25,0.5e0,1e0,true,a\n");
    size_t rows = test_random_below(random, ROWS_MAX);
    for (size_t i = 0; i < rows; i++) {
        char values[6][24];
        long long cents = (long long)test_random_below(random, 2001) - 1000;
        (void)snprintf(values[0], 24, "%lld", (long long)test_random_below(random, 9) - 4);
        (void)snprintf(values[1], 24, "%s%lld.%02lld", cents < 0 ? "-" : "",
                       (cents < 0 ? -cents : cents) / 100, (cents < 0 ? -cents : cents) % 100);
        (void)snprintf(values[2], 24, "%s", doubles[test_random_below(random, 6)]);
        (void)snprintf(values[3], 24, "%.3fe0", 0.125 * (double)test_random_below(random, 99));
        (void)snprintf(values[4], 24, "%s", test_random_below(random, 2) != 0 ? "true" : "false");
        (void)snprintf(values[5], 24, "%s", texts[test_random_below(random, 5)]);
        for (size_t j = 0; j < 6; j++) {
            bool is_there = test_random_below(random, 5) != 0;
            at += (size_t)snprintf(out + at, out_bytes - at, "%s%s", is_there ? values[j] : "",
                                   j < 5 ? "," : "\n");
        }
    }
}

#define PICK(list, random) ((list)[test_random_below(random, sizeof(list) / sizeof *(list))])

static void write_condition(char *out, size_t out_bytes, uint64_t *random)
{
    static const char *const conditions[] = {"i > 2",
                                             "i == 3",
                                             "d <= 2.5",
                                             "d < 0.333",
                                             "b",
                                             "not b",
                                             "f > 1.5",
                                             "f == 0",
                                             "isna(d)",
                                             "s == 'a'",
                                             "s != 'b'",
                                             "i in (1, -2)",
                                             "3 * i - 1 >= 5",
                                             "-d > 1.25",
                                             "g < 1e308",
                                             "s in ('c d', 'aa')",
                                             "1 > i",
                                             "(i > 2) == b",
                                             "d > i",
                                             "year(i) > 3"};
    static const char *const joints[] = {"and", "or"};
    const size_t len = sizeof conditions / sizeof *conditions - 1; /* the last one is wrong */
    if (test_random_below(random, 3) != 0) {
        (void)snprintf(out, out_bytes, "%s", conditions[test_random_below(random, len)]);
        return;
    }
    (void)snprintf(out, out_bytes, "(%s) %s (%s)", conditions[test_random_below(random, len)],
                   PICK(joints, random), conditions[test_random_below(random, len)]);
}

static void write_output(char *out, size_t out_bytes, uint64_t *random)
{
    static const char *const values[] = {"i",
                                         "d",
                                         "f",
                                         "g",
                                         "b",
                                         "i + d",
                                         "2 * i - d",
                                         "i * d",
                                         "-i",
                                         "fillna(d, 1.5)",
                                         "fillna(f, g)",
                                         "clip(d, -1, 2)",
                                         "d - 0.5",
                                         "fillna(i, b)",
                                         "b * d",
                                         "i * i * i"};
    static const char *const aggregates[] = {"sum", "mean", "var", "count", "std"};
    static const char *const others[] = {"cov(i, d)",
                                         "corr(f, g)",
                                         "hist(d, -5, 0, 2.5, 9)",
                                         "value_counts(s, 'a', 'c d')",
                                         "hist(g, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)",
                                         "value_counts(i, 1, 2)",
                                         "median(i)",
                                         "hist(i, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5)",
                                         "corr(i, b)",
                                         "sum(f * g)"};
    char condition[200];
    const char *value = PICK(values, random);
    write_condition(condition, sizeof condition, random);
    switch (test_random_below(random, 4)) {
    case 0:
        (void)snprintf(out, out_bytes, "%s", PICK(others, random));
        return;
    case 1:
        (void)snprintf(out, out_bytes, "%s(if(%s, %s, %s))", PICK(aggregates, random), condition,
                       value, test_random_below(random, 2) != 0 ? "na" : "0");
        return;
    case 2:
        (void)snprintf(out, out_bytes, "sum((%s) * d)", condition);
        return;
    default:
        (void)snprintf(out, out_bytes, "%s(%s)", PICK(aggregates, random), value);
        return;
    }
}

static struct sotto_plan *make_plan(uint64_t *random)
{
    static const char *const groups[] = {
        "",
        "",
        "",
        "\"group_by\": [{\"column\": \"s\", \"levels\": [\"a\", \"aa\"]}],",
        "\"group_by\": [{\"column\": \"i\", \"levels\": [1, 3, -2], \"other\": true, \"na\": "
        "true}],",
        "\"group_by\": [{\"column\": \"g\", \"bins\": [0, \"2.5\", 7]}, {\"column\": \"b\", "
        "\"levels\": [true, false]}],"};
    char json[4000];
    char condition[300];
    char where[400] = "";
    char outputs[2][500];
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    write_condition(condition, sizeof condition, random);
    if (test_random_below(random, 2) != 0) {
        (void)snprintf(where, sizeof where, "\"where\": \"%s\",", condition);
    }
    write_output(outputs[0], sizeof outputs[0], random);
    write_output(outputs[1], sizeof outputs[1], random);
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s %s %s \"select\": {\"x\": \"%s\", \"y\": \"%s\"}}",
                   where, PICK(groups, random),
                   test_random_below(random, 6) == 0 ? "\"rows\": \"complete\"," : "", outputs[0],
                   outputs[1]);
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        fail_msg("%s: %s", json, err.text);
    }
    return plan;
}

/* --- The same --- */

/* A contribution that is judged by rules that look at sets only. */
static uint64_t *contribute(const struct sotto_driver *driver, struct sotto_source *source,
                            uint8_t *withheld, uint8_t *cover, struct sotto_writer *spans)
{
    struct sotto_rules rules;
    struct sotto_disclosure disclosure;
    struct sotto_error err = {0};
    size_t len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(len + 1, sizeof *limbs);
    assert_non_null(limbs);
    sotto_rules_init(&rules, SOTTO_PROFILE_OPEN);
    sotto_disclosure_init(&disclosure, &rules, 1);
    disclosure.judge.cover = cover;
    disclosure.spans = spans;
    disclosure.spans_prime = 2147483629;
    if (sotto_driver_contribute(driver, limbs, len, withheld, &source,
                                sotto_disclosure_judge(&disclosure), &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    return limbs;
}

static void same_round(const struct sotto_driver *driver, struct sotto_source *rows,
                       struct sotto_source *counting)
{
    uint8_t withheld[2][GROUPS_MAX] = {{0}};
    size_t cover_len = sotto_driver_cover_len(driver);
    size_t len = sotto_driver_limbs_len(driver);
    uint8_t *covers = sotto_alloc_array(2 * cover_len + 1, sizeof *covers);
    struct sotto_writer spans[2];
    uint64_t *limbs[2];
    assert_non_null(covers);
    for (size_t i = 0; i < 2; i++) {
        sotto_writer_init(&spans[i], (size_t)1 << 20);
        limbs[i] = contribute(driver, i == 0 ? rows : counting, withheld[i], covers + i * cover_len,
                              &spans[i]);
    }
    assert_memory_equal(limbs[0], limbs[1], len * sizeof *limbs[0]);
    assert_memory_equal(withheld[0], withheld[1], sizeof withheld[0]);
    assert_memory_equal(covers, covers + cover_len, cover_len);
    assert_int_equal(spans[0].data_bytes, spans[1].data_bytes);
    assert_true(spans[0].data_bytes == 0 ||
                memcmp(spans[0].data, spans[1].data, spans[0].data_bytes) == 0);
    uint64_t *alone = sotto_alloc_array(len + 1, sizeof *alone); /* judged by nobody */
    assert_non_null(alone);
    assert_ok(sotto_driver_contribute(driver, alone, len, NULL, &counting, NULL, NULL));
    assert_ok(sotto_driver_contribute(driver, limbs[1], len, NULL, &rows, NULL, NULL));
    assert_memory_equal(alone, limbs[1], len * sizeof *alone);
    sotto_free(alone);
    for (size_t i = 0; i < 2; i++) {
        sotto_writer_release(&spans[i]);
        sotto_free(limbs[i]);
    }
    sotto_free(covers);
}

static void test_classes_are_rows(void **state)
{
    size_t rounds = 0;
    size_t summed = 0;
    const uint64_t seed = 20261130;
    (void)state;
    for (size_t i = 0; i < test_cases(400); i++) {
        uint64_t random = seed + i;
        static char text[ROWS_MAX * 150];
        struct sotto_schema offer = {0};
        struct sotto_schema agreed = {0};
        struct sotto_driver *driver = NULL;
        struct counting counting = {.base = {.ops = &counting_ops}};
        write_rows(text, sizeof text, &random);
        struct sotto_csv *csv = test_csv(text);
        struct sotto_catalogue *catalogue = test_catalogue(csv);
        struct sotto_table *table = test_table(csv, catalogue, false);
        struct sotto_plan *plan = make_plan(&random);
        struct sotto_error err = {0};
        assert_ok(sotto_source_new_table(&counting.rows, table, NULL));
        counting.table = table;
        assert_ok(sotto_source_offer(&offer, plan, &counting.rows, NULL));
        assert_ok(sotto_schema_agree(&agreed, plan, &offer, NULL, 1, NULL));
        if (sotto_driver_new(&driver, plan, &agreed, &err) != SOTTO_OK) {
            fail_msg("%s", err.text);
        }
        while (sotto_driver_round(driver) != 0) {
            size_t len = sotto_driver_limbs_len(driver);
            uint64_t *limbs = sotto_alloc_array(len + 1, sizeof *limbs);
            assert_non_null(limbs);
            same_round(driver, counting.rows, &counting.base);
            rounds++;
            summed += counting.summed / 2; /* judged, and not */
            counting.summed = 0;
            assert_ok(
                sotto_driver_contribute(driver, limbs, len, NULL, &counting.rows, NULL, NULL));
            assert_ok(sotto_driver_advance(driver, limbs, len, NULL));
            sotto_free(limbs);
        }
        sotto_driver_free(driver);
        sotto_schema_release(&agreed);
        sotto_schema_release(&offer);
        sotto_plan_free(plan);
        sotto_source_free(counting.rows);
        sotto_table_free(table);
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
    }
    print_message("%zu of %zu rounds by classes\n", summed, rounds);
    assert_true(5 * summed > 2 * rounds); /* a part of the plans needs rows */
}

/* --- What is no class --- */

static void test_what_no_rows_can_be(void **state)
{
    static const char json[] = "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", "
                               "\"datasets\": {\"t\": \"t.csv\"}, "
                               "\"where\": \"i > 2 and b\", \"select\": {\"x\": \"sum(f)\"}}";
    const char *const texts[] = {"i,f,b\n1,0.5e0,true\n"};
    struct sotto_plan *plan = NULL;
    struct sotto_schema offer = {0};
    struct sotto_schema agreed = {0};
    struct sotto_driver *driver = NULL;
    struct sotto_contribution *contribution = NULL;
    struct sotto_classes *classes = NULL;
    struct sotto_source *source = NULL;
    struct sotto_csv *csv = test_csv(texts[0]);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    size_t len;
    size_t f = 0;
    (void)state;
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    assert_ok(sotto_source_new_file(&source, csv, catalogue, NULL));
    assert_ok(sotto_source_offer(&offer, plan, &source, NULL));
    assert_ok(sotto_schema_agree(&agreed, plan, &offer, NULL, 1, NULL));
    assert_ok(sotto_driver_new(&driver, plan, &agreed, NULL));
    assert_ok(sotto_contribution_new(&contribution, driver, NULL, NULL));
    assert_ok(sotto_classes_new(&classes, contribution, 0, NULL));
    const struct sotto_classes_column *columns = sotto_classes_columns(classes, &len);
    assert_int_equal(len, 3);
    while (columns[f].double_cuts == NULL) {
        f++;
    }
    uint32_t numbers[3] = {1, 1, 1};
    numbers[f] = 2; /* finite: behind the cut at the least double */
    const struct sotto_classes_part whole = {0, -1, "-12"};
    const struct sotto_classes_part wrong[] = {{0, -1, "1x"},   {0, -1, ""},      {1, 0, "1"},
                                               {0, -1075, "1"}, {0, 100000, "1"}, {0, 0, "--1"}};
    assert_ok(sotto_classes_add(classes, numbers, 3, &whole, 1, NULL, NULL, NULL));
    const uint64_t before = sotto_contribution_partial(contribution)[0];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(sotto_classes_add(classes, numbers, 3, &wrong[i], 1, NULL, NULL, NULL),
                         SOTTO_ERROR_PROTOCOL);
    }
    assert_int_equal(sotto_classes_add(classes, numbers, 3, NULL, 0, NULL, NULL, NULL),
                     SOTTO_ERROR_PROTOCOL); /* without the sum */
    assert_int_equal(sotto_classes_add(classes, numbers, 0, &whole, 1, NULL, NULL, NULL),
                     SOTTO_ERROR_PROTOCOL);
    for (size_t i = 0; i < 3; i++) {
        uint32_t beyond[3] = {numbers[0], numbers[1], numbers[2]};
        beyond[i] = (uint32_t)columns[i].cuts_len + 2;
        assert_int_equal(sotto_classes_add(classes, beyond, 3, &whole, 1, NULL, NULL, NULL),
                         SOTTO_ERROR_PROTOCOL);
    }
    assert_int_equal(before, sotto_contribution_partial(contribution)[0]);
    sotto_classes_free(classes);
    sotto_contribution_free(contribution);
    sotto_driver_free(driver);
    sotto_schema_release(&agreed);
    sotto_schema_release(&offer);
    sotto_plan_free(plan);
    sotto_source_free(source);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_classes_are_rows),
                                       cmocka_unit_test(test_what_no_rows_can_be)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
