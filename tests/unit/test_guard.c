/* SPDX-License-Identifier: Apache-2.0 */

/* How many rows stand on both sides of conditions and in groups, and groups that are withheld. */

#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define MIN_ROWS 5

/* 20 rows: id 1 to 20, wage 10 id (missing where id is 20), dept a to 12, b to 17, then c, flag
 * true to 6, rare present to 3. */
static char *make_text(void)
{
    static char text[2000];
    size_t at = (size_t)snprintf(text, sizeof text, "id,wage,half,dept,flag,rare\n");
    for (int i = 1; i <= 20; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%d,%.0d,%d.5,%s,%s,%s\n", i,
                               i < 20 ? 10 * i : 0, i,
                               i <= 12   ? "a"
                               : i <= 17 ? "b"
                                         : "c",
                               i <= 6 ? "true" : "false", i <= 3 ? "7" : "");
    }
    return text;
}

struct guarded {
    struct sotto_plan *plan;
    struct sotto_csv *csv;
    struct sotto_catalogue *catalogue;
    struct sotto_schema schema;
    struct sotto_driver *driver;
    struct sotto_source *sources[2]; /* the file, and it as a table */
    struct sotto_table *table;
    uint8_t withheld[16];
};

static struct guarded begin(const char *keys, const char *select)
{
    char json[2000];
    struct guarded all = {0};
    struct sotto_error err = {0};
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s \"select\": {\"m\": \"%s\"}}",
                   keys, select);
    all.csv = test_csv(make_text());
    all.catalogue = test_catalogue(all.csv);
    if (sotto_plan_parse(&all.plan, json, strlen(json), &err) != SOTTO_OK ||
        sotto_schema_offer(&all.schema, all.plan,
                           (const struct sotto_catalogue *const *)&all.catalogue,
                           &err) != SOTTO_OK ||
        sotto_driver_new(&all.driver, all.plan, &all.schema, &err) != SOTTO_OK) {
        print_error("%s: %s\n", select, err.text);
        fail();
    }
    all.table = test_table(all.csv, all.catalogue, false);
    assert_ok(sotto_source_new_file(&all.sources[0], all.csv, all.catalogue, NULL));
    assert_ok(sotto_source_new_table(&all.sources[1], all.table, NULL));
    return all;
}

static void end(struct guarded *all)
{
    sotto_source_free(all->sources[0]);
    sotto_source_free(all->sources[1]);
    sotto_table_free(all->table);
    sotto_driver_free(all->driver);
    sotto_schema_release(&all->schema);
    sotto_plan_free(all->plan);
    sotto_catalogue_free(all->catalogue);
    sotto_csv_close(all->csv);
}

/* The contribution of the rows, from the file and from the table: of both the same partial, groups
 * and verdict, and nothing where they refuse. */
static enum sotto_status guard_of(struct guarded *all, uint64_t min_rows, struct sotto_error *err)
{
    size_t len = sotto_driver_limbs_len(all->driver);
    uint64_t *limbs = sotto_alloc_array(3 * len, sizeof *limbs);
    uint8_t withheld[sizeof all->withheld] = {0};
    struct sotto_error of_table = {0};
    assert_non_null(limbs);
    assert_true(sotto_driver_groups_len(all->driver) <= sizeof all->withheld);
    memset(limbs, 0xA5, 2 * len * sizeof *limbs);
    enum sotto_status status = sotto_driver_contribute(all->driver, limbs, len, all->withheld,
                                                       &all->sources[0], min_rows, err);
    assert_int_equal(sotto_driver_contribute(all->driver, limbs + len, len, withheld,
                                             &all->sources[1], min_rows, &of_table),
                     status);
    assert_memory_equal(limbs, limbs + len, len * sizeof *limbs);
    assert_memory_equal(withheld, all->withheld, sizeof withheld);
    if (status != SOTTO_OK) {
        assert_string_equal(of_table.text, err->text);
        assert_memory_equal(limbs, limbs + 2 * len, len * sizeof *limbs);
    }
    sotto_free(limbs);
    return status;
}

static enum sotto_status guard(struct guarded *all, struct sotto_error *err)
{
    return guard_of(all, MIN_ROWS, err);
}

static void refuses(const char *keys, const char *select, const char *part)
{
    struct sotto_error err = {0};
    struct guarded all = begin(keys, select);
    if (guard(&all, &err) != SOTTO_ERROR_REFUSED) {
        print_error("%s %s passes\n", keys, select);
        fail();
    }
    assert_contains(err.text, part);
    end(&all);
}

static void passes(const char *keys, const char *select)
{
    struct sotto_error err = {0};
    struct guarded all = begin(keys, select);
    if (guard(&all, &err) != SOTTO_OK) {
        print_error("%s %s: %s\n", keys, select, err.text);
        fail();
    }
    end(&all);
}

static void test_where(void **state)
{
    (void)state;
    passes("\"where\": \"id > 10\",", "sum(wage)");
    passes("\"where\": \"id in (1, 2, 3, 4, 5)\",", "sum(wage)");
    passes("\"where\": \"dept == 'b'\",", "sum(wage)");
    passes("\"where\": \"flag\",", "sum(wage)");
    passes("\"where\": \"id > 10\",", "sum(if(id > 10, wage, 0))");
    refuses("\"where\": \"id == 17\",", "sum(wage)", "where id == 17 leaves 1 rows in and 19 out");
    refuses("\"where\": \"id != 17\",", "sum(wage)", "where id != 17 leaves 19 rows in and 1 out");
    refuses("\"where\": \"id == 17\",", "sum(wage * (id == 17))",
            "where id == 17 leaves 1 rows in");
    refuses("\"where\": \"id == 99\",", "sum(wage)", "leaves 0 rows in");
    refuses("\"where\": \"id > 10 or id == 3\",", "sum(wage)", "column 15 of id > 10 or id == 3");
    refuses("\"where\": \"id in (1, 2, 3, 4)\",", "sum(wage)", "leaves 4 rows in");
    refuses("\"where\": \"not (id > 16 or not flag)\",", "sum(wage)", "4 rows");
    refuses("\"where\": \"dept == 'c'\",", "sum(wage)", "3 rows in");
    /* Rows that were left over decide. */
    refuses("\"where\": \"id > 10\",", "sum(if(id > 17, wage, 0))", "true in 3 rows");
    refuses("\"where\": \"id > 10\",", "sum(rare + 1)", "column");
}

static void test_conditions(void **state)
{
    (void)state;
    passes("", "sum(if(id > 10, wage, 0))");
    passes("", "sum((id > 10) * wage)");
    passes("", "sum(flag)");
    passes("", "sum(flag * half)");
    passes("", "sum(fillna(half, 0))");
    passes("", "sum(isna(half))");
    passes("", "any(flag)");
    passes("", "value_counts(dept, 'a', 'b')");
    passes("", "hist(id, 0, 6, 11, 20)");
    passes("", "hist(half, -3, 0, 10.25, 99)");
    passes("", "cov(id, wage)");
    refuses("", "sum(if(id == 17, wage, 0))",
            "column 11 of sum(if(id == 17, wage, 0)) is true in 1");
    refuses("", "sum((id == 17) * wage)", "true in 1 rows");
    refuses("", "count(if(id < 20, 1, na))", "false in 1");
    refuses("", "sum(fillna(wage, 0))", "none in 1");
    refuses("", "sum(isna(wage))", "has values in 19 rows here and none in 1");
    refuses("", "any(id == 17)", "true in 1");
    refuses("", "all(id)", "false in 0");
    refuses("", "value_counts(dept, 'a', 'c')", "true in 3");
    refuses("", "hist(id, 0, 3, 20)", "true in 18 rows here and false in 2");
    /* Each edge parts enough, but 8 and 9 stand alone between two of them. */
    refuses("", "hist(id, 0, 8, 10, 20)", "2 rows between them");
    refuses("", "sum(if(id > 8, 1, 0)) - sum(if(half > 8, 1, 0)) + sum(if(id >= 8, 1, 0))",
            "1 rows between them");
    refuses("", "sum(if(half >= 8, wage, 0)) - sum(if(half > 8.5, wage, 0))", "between them");
    /* Enough edges for an index are judged one by one as well. */
    passes("", "hist(id, -8, -7, -6, -5, -4, -3, -2, -1, 0, 6, 11, 20)");
    refuses("", "hist(id, -8, -7, -6, -5, -4, -3, -2, -1, 0, 8, 10, 20)", "2 rows between them");
    refuses("", "value_counts(dept, 'a', 'b', 'd', 'e', 'f', 'g', 'h', 'i', 'c')", "");
    /* Where a value does not exist is a condition too. */
    passes("", "sum(log(id))");
    passes("", "sum(sqrt(id - 8.5))");
    refuses("", "sum(sqrt(id - 16.5))", "has values in 4 rows here and none in 16");
    refuses("", "sum(sqrt(16.5 - id))", "has values in 16 rows here and none in 4");
    refuses("", "sum(wage // (id - 17))", "none in 1");
    refuses("", "sum(0 / (id - 17) + wage)", "none in 1");
    refuses("", "sum(rare)", "t.rare has values in 3 rows");
    refuses("", "sum(if(flag and id > 3, wage, 0))", "false in 3");
}

static void test_a_column_of_booleans_is_a_condition(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct guarded all = begin("", "cov(flag, half)");
    assert_int_equal(guard(&all, &err), SOTTO_OK);
    assert_int_equal(guard_of(&all, 7, &err), SOTTO_ERROR_REFUSED);
    assert_contains(err.text, "true in 6 rows");
    end(&all);
}

#define BY_DEPT "\"group_by\": [{\"column\": \"dept\", \"levels\": [\"a\", \"b\", \"c\", \"d\"]}],"

static void withholds(const char *keys, const char *select, const uint8_t expected[4])
{
    struct sotto_error err = {0};
    struct guarded all = begin(keys, select);
    assert_int_equal(guard(&all, &err), SOTTO_OK);
    assert_memory_equal(all.withheld, expected, 4);
    end(&all);
}

static void test_groups(void **state)
{
    (void)state;
    withholds(BY_DEPT, "sum(id)", (const uint8_t[4]){0, 0, 1, 1});
    withholds(BY_DEPT "\"where\": \"id > 8\",", "sum(id)", (const uint8_t[4]){1, 0, 1, 1});
    withholds(BY_DEPT, "sum(if(id > 6, wage, 0))", (const uint8_t[4]){0, 1, 1, 1});
    withholds(BY_DEPT, "sum(rare)", (const uint8_t[4]){1, 0, 1, 1});
    refuses(BY_DEPT "\"where\": \"id == 17\",", "sum(id)", "1 rows in");
}

/* A partial with groups taken out sums up with another's, and the result says how many. */
static void test_withheld_in_the_result(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    char *json = NULL;
    struct guarded all = begin(BY_DEPT, "sum(id)");
    size_t len = sotto_driver_limbs_len(all.driver);
    uint64_t *sum = sotto_alloc_array(2 * len, sizeof *sum);
    for (int party = 0; party < 2; party++) {
        assert_ok(sotto_driver_contribute(all.driver, sum + len, len, all.withheld, &all.sources[0],
                                          party == 0 ? MIN_ROWS : 0, &err));
        memset(all.withheld, 0, sizeof all.withheld);
        sotto_driver_add(all.driver, sum, sum + len, len);
    }
    assert_int_equal(sotto_driver_advance(all.driver, sum, len, &err), SOTTO_OK);
    const struct sotto_result_parties parties = {.invited = 2, .joined = 2, .survived = 2};
    assert_int_equal(sotto_driver_result(all.driver, &json, &parties, NULL, 0, &err), SOTTO_OK);
    assert_contains(json, "\"withheld\": [0, 0, 1, 1]}");
    assert_contains(json, "{\"value\": 156.0, \"exact\": \"156\"}, {\"value\": 150.0");
    assert_contains(json, "{\"value\": 57.0, \"exact\": \"57\"}, {\"value\": 0.0");
    sotto_free(json);
    sotto_free(sum);
    end(&all);
}

static void test_an_impossible_number_of_parties(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct guarded all = begin(BY_DEPT, "sum(id)");
    size_t len = sotto_driver_limbs_len(all.driver);
    uint64_t *limbs = sotto_alloc_array(len, sizeof *limbs);
    limbs[len - 1] = UINT64_MAX;
    assert_int_equal(sotto_driver_advance(all.driver, limbs, len, &err), SOTTO_ERROR_PROTOCOL);
    sotto_free(limbs);
    end(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_a_column_of_booleans_is_a_condition),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_withheld_in_the_result),
        cmocka_unit_test(test_an_impossible_number_of_parties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
