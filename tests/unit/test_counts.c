/* SPDX-License-Identifier: Apache-2.0 */

/* What counts of levels, and of missing values, say: ties, levels that nobody has, and what is
 * still known where parties kept some of their rows back. */

#include "engine/driver.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

static const char rows[] = "g,h,x,y\n"
                           "a,u,1,2\n"
                           "a,v,2,\n"
                           "b,u,,5\n"
                           "b,v,7,7\n"
                           "c,u,,\n"
                           ",u,3,3\n";

#define COUNT(n) "{\"value\": " #n ", \"exact\": \"" #n "\"}"
#define NAN_VALUE "{\"value\": null, \"special\": \"NaN\"}"

static void gives(const char *call, const char *part)
{
    char output[300];
    (void)snprintf(output, sizeof output, "r=%s", call);
    test_gives1(output, rows, part);
}

/* What a call says where one party withholds the cells that a bit is set for. Each cell is a count
 * of one limb, and one for who withholds it; the file's own counts stay. */
static void gives_withheld(const char *call, unsigned cells, const char *part)
{
    static const struct sotto_result_parties parties = {.invited = 4, .joined = 4, .survived = 4};
    char output[300];
    char *json = NULL;
    struct sotto_driver *driver = NULL;
    struct sotto_schema schema;
    (void)snprintf(output, sizeof output, "r=%s", call);
    struct sotto_plan *plan = test_plan_of(output);
    struct sotto_csv *csv = test_csv(rows);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    const struct sotto_catalogue *offered = catalogue;
    assert_ok(sotto_schema_offer(&schema, plan, &offered, NULL));
    assert_ok(sotto_driver_new(&driver, plan, &schema, NULL));
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    assert_ok(test_partial(driver, limbs, limbs_len, csv, catalogue, NULL));
    for (size_t i = 0; i < limbs_len / 2; i++) {
        limbs[2 * i + 1] = cells >> i & 1;
    }
    assert_ok(sotto_driver_advance(driver, limbs, limbs_len, NULL));
    assert_ok(sotto_driver_result(driver, &json, &parties, &schema, 1, NULL));
    assert_contains(json, part);
    sotto_free(json);
    sotto_free(limbs);
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    sotto_plan_free(plan);
}

static void test_all_modes_are_told(void **state)
{
    (void)state;
    gives("mode(h, 'v', 'u')", "\"is_mode\": {\"labels\": [[\"v\", \"u\"]], \"values\": [" COUNT(
                                   0) ", " COUNT(1) "]}, \"count\": " COUNT(4));
    gives("mode(g, 'a', 'b', 'c')",
          "\"values\": [" COUNT(1) ", " COUNT(1) ", " COUNT(0) "]}, \"count\": " COUNT(2));
    gives("mode(x, 7, 2.0, -1)", "\"values\": [" COUNT(1) ", " COUNT(1) ", " COUNT(0) "]}");
    /* The mode of the levels that are named, whatever others there are. */
    gives("mode(g, 'c')", "\"is_mode\": {\"labels\": [[\"c\"]], \"values\": [" COUNT(1) "]}");
}

static void test_no_level_occurs(void **state)
{
    (void)state;
    gives("mode(g, 'd', 'e')", "\"status\": \"no row has any of the levels\"");
    gives("mode(g, 'd', 'e')", "\"is_mode\": {\"labels\": [[\"d\", \"e\"]], \"values\": [" NAN_VALUE
                               ", " NAN_VALUE "]}");
    gives("mode(g, 'd', 'e')", "r: no row that takes part has \\\"d\\\", \\\"e\\\"");
    gives("nunique(g, 'd', 'e')", "\"nunique\": " COUNT(0));
}

static void test_levels_that_occur(void **state)
{
    (void)state;
    gives("nunique(g, 'a', 'd', 'c')",
          "\"counts\": {\"labels\": [[\"a\", \"d\", \"c\"]], \"values\": [" COUNT(2) ", " COUNT(
              0) ", " COUNT(1) "]}, \"nunique\": " COUNT(2) "}}");
    gives("nunique(x, 1, 2, 3, 4)", "\"nunique\": " COUNT(3));
}

static void test_withheld_levels_are_not_told(void **state)
{
    (void)state;
    /* Somebody kept rows of "c" back: it may be above "a" and "b". */
    gives_withheld("mode(g, 'a', 'b', 'c')", 4, "\"status\": \"levels are withheld\"");
    gives_withheld("mode(g, 'a', 'b', 'c')", 4,
                   "\"is_mode\": {\"labels\": [[\"a\", \"b\", \"c\"]], \"values\": [" NAN_VALUE
                   ", " NAN_VALUE ", " NAN_VALUE "]}, \"count\": " NAN_VALUE "}");
    gives_withheld("mode(g, 'a', 'b', 'c')", 4,
                   "{\"value\": 1, \"exact\": \"1\", \"withheld\": 1}");
    /* A level of which rows are shown occurs, whoever kept some back; of one without, it is open.
     */
    gives_withheld("nunique(g, 'a', 'b', 'c')", 4, "\"nunique\": " COUNT(3) "}}");
    gives_withheld("nunique(g, 'a', 'd', 'c')", 2,
                   "\"nunique\": {\"value\": null, \"special\": \"interval\", \"low\": 2.0, "
                   "\"high\": 3.0}}, \"status\": \"levels are withheld\"");
    gives_withheld("nunique(g, 'd', 'e', 'c')", 3, "\"low\": 1.0, \"high\": 3.0");
}

static void test_patterns(void **state)
{
    (void)state;
    gives("missing_patterns(x, y)",
          "\"patterns\": {\"labels\": [[\"(complete)\", \"y\", \"x\", \"x, y\"]], \"values\": "
          "[" COUNT(3) ", " COUNT(1) ", " COUNT(1) ", " COUNT(1) "]}");
    gives("missing_patterns(x, y)",
          "\"missing\": {\"labels\": [[\"x\", \"y\"]], \"values\": [" COUNT(2) ", " COUNT(
              2) "]}, \"rows\": " COUNT(6));
    gives("missing_patterns([y, g], x)",
          "[\"(complete)\", \"x\", \"g\", \"g, x\", \"y\", \"y, x\", \"y, g\", \"y, g, x\"]], "
          "\"values\": [" COUNT(2) ", " COUNT(1) ", " COUNT(1) ", " COUNT(0) ", " COUNT(
              1) ", " COUNT(1) ", ");
    gives("missing_patterns(h)",
          "\"patterns\": {\"labels\": [[\"(complete)\", \"h\"]], \"values\": [" COUNT(6) ", " COUNT(
              0) "]}");
}

/* A sum that lacks a pattern says so. */
static void test_withheld_patterns(void **state)
{
    (void)state;
    gives_withheld("missing_patterns(x, y)", 2,
                   "\"missing\": {\"labels\": [[\"x\", \"y\"]], \"values\": [" COUNT(
                       2) ", {\"value\": 2, \"exact\": \"2\", \"withheld\": 1}]}, \"rows\": "
                          "{\"value\": 6, \"exact\": \"6\", \"withheld\": 1}");
}

static void test_what_is_no_call(void **state)
{
    (void)state;
    test_refuses_call("mode(g)", "mode takes two arguments or more, found fewer");
    test_refuses_call("mode(g, h)", "expected a level: a number or a text, written out");
    test_refuses_call("nunique(g, 'a', 'a')", "column 17: this level is there already");
    test_refuses_call("nunique([x, y], 1)", "this takes single columns, not frames");
    test_refuses_call("mode(g, 'a') + 1", "this stands alone");
    test_refuses_call("missing_patterns()",
                      "missing_patterns takes one argument or more, found none");
    test_refuses_call("missing_patterns(*)",
                      "column 18: missing_patterns takes columns by their names");
    test_refuses_call("missing_patterns(x, [y, *])",
                      "column 25: missing_patterns takes columns by their names");
    test_refuses_call("missing_patterns(x + 1)", "missing_patterns takes columns");
    test_refuses_call("missing_patterns(x, [y, [g, x]])",
                      "column 29: this column is there already");
    test_refuses_call("missing_patterns(a, b, c, d, e, f, g, h, i)", "at most 8 columns");
    test_refuses_call("sum(missing_patterns(x))", "sum takes a column, found an aggregate");
}

static void test_levels_may_not_be_too_many(void **state)
{
    static char call[8000];
    static char json[9000];
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    (void)state;
    size_t at = (size_t)snprintf(call, sizeof call, "mode(x, 0");
    for (int i = 1; i < 1025; i++) {
        at += (size_t)snprintf(call + at, sizeof call - at, ", %d", i);
    }
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, \"select\": {\"r\": \"%s)\"}}",
                   call);
    assert_int_equal(sotto_plan_parse(&plan, json, strlen(json), &err), SOTTO_ERROR_PLAN);
    assert_contains(err.text, "at most 1024 levels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_modes_are_told),
        cmocka_unit_test(test_no_level_occurs),
        cmocka_unit_test(test_levels_that_occur),
        cmocka_unit_test(test_withheld_levels_are_not_told),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_withheld_patterns),
        cmocka_unit_test(test_what_is_no_call),
        cmocka_unit_test(test_levels_may_not_be_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
