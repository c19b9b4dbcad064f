/* SPDX-License-Identifier: Apache-2.0 */
/* What all parties compute alike may depend on no order: of the columns in a party's file, of the
 * parties, of their keys, of the offers. "*" stands in every place where the grammar takes it. */
#include "cases.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/simulate.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTIES_MAX 5
#define COLUMNS_LEN 7
#define ROWS_MAX 9
#define TEXT_BYTES 2048

static const char *const columns[COLUMNS_LEN] = {"wage", "age",  "rate",       "sick",
                                                 "name", "none", "B\xc3\xa9ta"};

/* Each has "*" in a place of its own. */
static const char *const selects[] = {
    "mean(*)",
    "sum(t.*)",
    "count(isna(*))",
    "var(*, ddof=0)",
    "skew(*)",
    "any(*)",
    "cov(*)",
    "corr(*)",
    "cov(*, wage)",
    "dot(*, age)",
    "sum([*, wage])",
    "sum([age, * * 2])",
    "sum([[*], [wage]])",
    "mean(-* + 1)",
    "sum(* * wage)",
    "sum(* - *)",
    "sum((* > 2) + (not * == 3))",
    "sum(* in (1, 2))",
    "sum(if(* > 1, *, 0))",
    "sum(fillna(*, 7))",
    "mean(row_sum(*))",
    "mean(row_mean(* + 0.5))",
    "mean(row_std(*))",
    "sum(row_count([*, age]))",
    "any(row_any(* > 90))",
    "sum(abs(round(*, 1)))",
    "mean((* - mean(*)) ** 2)",
    "sum(*) / count(*)",
    "sqrt(abs(sum(*))) + mean(*)",
    "ols(wage, *)",
    "ols(age, [*, rate ** 2])",
};
#define SELECTS_LEN (sizeof selects / sizeof selects[0])

static uint64_t state;

static size_t below(size_t limit)
{
    return test_random_below(&state, limit);
}

static void shuffle(size_t *order, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        size_t at = below(i + 1);
        order[i] = order[at];
        order[at] = i;
    }
}

/* --- Tables --- */

struct table {
    char cells[ROWS_MAX][COLUMNS_LEN][24];
    size_t rows;
};

static void make_cell(char out[24], size_t column, bool is_double, bool has_none)
{
    long number = (long)below(40) - 5;
    if (below(16) == 0 || (column == 5 && has_none)) {
        (void)snprintf(out, 24, "NA");
    } else if (column == 2) {
        (void)snprintf(out, 24, is_double ? "%lde-2" : "%ld.25", number);
    } else if (column == 3) {
        (void)snprintf(out, 24, number % 2 == 0 ? "true" : "false");
    } else {
        (void)snprintf(out, 24, column == 4 ? "n%ld" : "%ld", number);
    }
}

/* has_none: column 5 has no value. */
static void make_table(struct table *out, bool has_none)
{
    bool is_double = below(2) == 0;
    out->rows = 3 + below(ROWS_MAX - 2);
    for (size_t row = 0; row < out->rows; row++) {
        for (size_t column = 0; column < COLUMNS_LEN; column++) {
            make_cell(out->cells[row][column], column, is_double, has_none);
        }
    }
}

static void append(char text[TEXT_BYTES], const char *more, const char *after)
{
    size_t used = strlen(text);
    SOTTO_REQUIRE(snprintf(text + used, TEXT_BYTES - used, "%s%s", more, after) <
                  (int)(TEXT_BYTES - used));
}

/* The tables below each other, with their columns in this order. */
static void write_text(char out[TEXT_BYTES], const struct table *tables, size_t tables_len,
                       const size_t order[COLUMNS_LEN])
{
    out[0] = '\0';
    for (size_t i = 0; i < COLUMNS_LEN; i++) {
        append(out, columns[order[i]], i + 1 < COLUMNS_LEN ? "," : "\n");
    }
    for (size_t t = 0; t < tables_len; t++) {
        for (size_t row = 0; row < tables[t].rows; row++) {
            for (size_t i = 0; i < COLUMNS_LEN; i++) {
                append(out, tables[t].cells[row][order[i]], i + 1 < COLUMNS_LEN ? "," : "\n");
            }
        }
    }
}

/* --- Results by name --- */

/* Adds to out what values hold under "label", "label|label". */
static void name_values(json_t *out, const char *prefix, json_t *axes, size_t axis, json_t *values)
{
    size_t i;
    json_t *value;
    if (axis == json_array_size(axes)) {
        assert_int_equal(json_object_set(out, prefix, values), 0);
        return;
    }
    json_array_foreach(values, i, value)
    {
        char name[512];
        const char *label = json_string_value(json_array_get(json_array_get(axes, axis), i));
        (void)snprintf(name, sizeof name, "%.300s|%.100s", prefix, label);
        name_values(out, name, axes, axis + 1, value);
    }
}

static void name_output(json_t *out, const char *name, json_t *output, size_t groups)
{
    json_t *axes = json_object_get(output, "labels");
    json_t *values = json_object_get(output, "values");
    const char *field;
    json_t *of_field;
    json_object_foreach(json_object_get(output, "fields"), field, of_field)
    {
        name_output(out, field, of_field, groups);
    }
    for (size_t group = 0; group < groups && values != NULL; group++) {
        char prefix[256];
        (void)snprintf(prefix, sizeof prefix, "%s %zu", name, group);
        name_values(out, prefix, axes, 0, json_array_get(values, group));
    }
    if (groups == 0 && json_object_get(output, "fields") == NULL) {
        name_values(out, name, axes, 0, values != NULL ? values : output);
    }
}

/* The outputs of a result with every value under its names, which then are sorted. Ended by free.
 */
static char *by_name(const char *json)
{
    json_t *result = json_loads(json, 0, NULL);
    json_t *names = json_object();
    const char *name;
    json_t *output;
    json_t *groups = json_object_get(json_object_get(result, "groups"), "labels");
    json_object_foreach(json_object_get(result, "outputs"), name, output)
    {
        name_output(names, name, output, json_array_size(groups));
    }
    char *text = json_dumps(names, JSON_SORT_KEYS);
    assert_non_null(text);
    json_decref(names);
    json_decref(result);
    return text;
}

/* --- Whole tasks --- */

static void write_plan(char out[TEXT_BYTES], const char *select, size_t variant, size_t parties_len)
{
    static const char *const more[] = {
        "", ", \"where\": \"row_count(t.*) > 2\"",
        ", \"group_by\": [{\"column\": \"sick\", \"levels\": [true, false], \"other\": true}]"};
    (void)snprintf(out, TEXT_BYTES,
                   "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", "
                   "\"datasets\": {\"t\": \"t.csv\"}, \"select\": {\"x\": \"%s\"}%s, "
                   "\"strategy\": {\"min_clients\": %zu}}",
                   select, more[variant], parties_len);
}

/* The same plan over the tables in one file, without any protocol. */
static char *pooled_result(const char *plan_json, const struct table *tables, size_t len)
{
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    char text[TEXT_BYTES];
    const char *texts[] = {text};
    char *json = NULL;
    size_t order[COLUMNS_LEN] = {0, 1, 2, 3, 4, 5, 6};
    shuffle(order, COLUMNS_LEN);
    write_text(text, tables, len, order);
    assert_ok(sotto_plan_parse(&plan, plan_json, strlen(plan_json), &err));
    enum sotto_status status = test_run(&json, NULL, plan, texts, 1, &err);
    if (status != SOTTO_OK) {
        print_error("%s: %s\n", plan_json, err.text);
    }
    assert_ok(status);
    sotto_plan_free(plan);
    char *names = by_name(json);
    sotto_free(json);
    return names;
}

static void check_task(const char *plan_json, const struct table *tables, size_t len,
                       const char *expected, bool all_alike)
{
    struct sotto_csv *files[PARTIES_MAX];
    size_t parties[PARTIES_MAX];
    size_t order[COLUMNS_LEN];
    struct sotto_error err = {0};
    char *json = NULL;
    char text[TEXT_BYTES];
    shuffle(parties, len);
    shuffle(order, COLUMNS_LEN);
    for (size_t i = 0; i < len; i++) {
        if (!all_alike) {
            shuffle(order, COLUMNS_LEN);
        }
        write_text(text, &tables[parties[i]], 1, order);
        files[i] = test_csv(text);
    }
    struct sotto_simulation simulation = {.plan_json = plan_json,
                                          .plan_json_bytes = strlen(plan_json),
                                          .files = files,
                                          .datasets_len = 1,
                                          .parties_len = len,
                                          .seed = 1 + below(1000000)};
    enum sotto_status status = sotto_simulate(&json, &simulation, &err);
    if (status != SOTTO_OK) {
        print_error("%s: %s\n", plan_json, err.text);
    }
    assert_ok(status);
    char *names = by_name(json);
    assert_string_equal(names, expected);
    free(names);
    sotto_free(json);
    for (size_t i = 0; i < len; i++) {
        sotto_csv_close(files[i]);
    }
}

static void test_no_order_changes_an_answer(void **unused)
{
    (void)unused;
    state = 7;
    for (size_t i = 0; i < 3 * SELECTS_LEN; i++) {
        struct table tables[PARTIES_MAX];
        char plan_json[TEXT_BYTES];
        size_t len = 3 + below(PARTIES_MAX - 2);
        bool has_none = below(3) == 0;
        for (size_t party = 0; party < len; party++) {
            make_table(&tables[party], has_none);
        }
        write_plan(plan_json, selects[i % SELECTS_LEN], i / SELECTS_LEN, len);
        char *expected = pooled_result(plan_json, tables, len);
        check_task(plan_json, tables, len, expected, true);
        check_task(plan_json, tables, len, expected, false);
        check_task(plan_json, tables, len, expected, false);
        free(expected);
    }
}

/* --- The schema --- */

/* What the offers of these texts agree on, as bytes. */
static void agree(struct sotto_writer *out, const struct sotto_plan *plan,
                  char (*texts)[TEXT_BYTES], size_t len)
{
    struct sotto_schema offers[PARTIES_MAX] = {0};
    struct sotto_schema agreed = {0};
    for (size_t i = 0; i < len; i++) {
        struct sotto_csv *csv = test_csv(texts[i]);
        struct sotto_catalogue *catalogue = test_catalogue(csv);
        const struct sotto_catalogue *list[] = {catalogue};
        assert_ok(sotto_schema_offer(&offers[i], plan, list, NULL));
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
    }
    assert_ok(sotto_schema_agree(&agreed, plan, offers, NULL, len, NULL));
    sotto_schema_write(&agreed, out);
    assert_ok(sotto_writer_status(out));
    sotto_schema_release(&agreed);
    for (size_t i = 0; i < len; i++) {
        sotto_schema_release(&offers[i]);
    }
}

static void test_no_order_of_offers_changes_the_schema(void **unused)
{
    (void)unused;
    state = 11;
    struct sotto_plan *plan = test_plan_of("cov(*, wage)");
    for (size_t i = 0, cases = test_cases(200); i < cases; i++) {
        char texts[PARTIES_MAX][TEXT_BYTES];
        char other[PARTIES_MAX][TEXT_BYTES];
        size_t parties[PARTIES_MAX];
        size_t order[COLUMNS_LEN];
        size_t len = 2 + below(PARTIES_MAX - 1);
        struct sotto_writer first;
        struct sotto_writer second;
        for (size_t party = 0; party < len; party++) {
            struct table table;
            make_table(&table, below(2) == 0);
            shuffle(order, COLUMNS_LEN);
            write_text(texts[party], &table, 1, order);
        }
        shuffle(parties, len);
        for (size_t party = 0; party < len; party++) {
            memcpy(other[party], texts[parties[party]], TEXT_BYTES);
        }
        sotto_writer_init(&first, 1 << 16);
        sotto_writer_init(&second, 1 << 16);
        agree(&first, plan, texts, len);
        agree(&second, plan, other, len);
        assert_int_equal(first.data_bytes, second.data_bytes);
        assert_memory_equal(first.data, second.data, first.data_bytes);
        sotto_writer_release(&first);
        sotto_writer_release(&second);
    }
    sotto_plan_free(plan);
}

/* "*" is in the order of the files where they have one, else in that of names. */
static void test_the_order_of_a_star(void **unused)
{
    (void)unused;
    static const struct {
        const char *texts[2];
        const char *labels;
    } cases[] = {
        {{"b,a,c\n1,2,3\n", "b,a,c\n1,2,3\n"}, "[[\"b\", \"a\", \"c\"]]"},
        {{"b,s,a,c\n1,x,2,3\n", "s,b,a,t,c\ny,1,2,x,3\n"}, "[[\"b\", \"a\", \"c\"]]"},
        {{"b,a,c\n1,2,3\n", "c,a,b\n1,2,3\n"}, "[[\"a\", \"b\", \"c\"]]"},
        {{"c,a,b\n1,2,3\n", "c,b,a\n1,2,3\n"}, "[[\"a\", \"b\", \"c\"]]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_gives("m=mean(*)", cases[i].texts, 2, cases[i].labels);
        test_gives("m=mean(*)", (const char *const[]){cases[i].texts[1], cases[i].texts[0]}, 2,
                   cases[i].labels);
    }
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_order_changes_an_answer),
        cmocka_unit_test(test_no_order_of_offers_changes_the_schema),
        cmocka_unit_test(test_the_order_of_a_star),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
