/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/schema.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAD "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", "
#define DATA "\"datasets\": {\"wages\": \"wages.csv\"}"

static void refuses_bytes(const char *json, size_t bytes, enum sotto_status expected,
                          const char *part)
{
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    assert_int_equal(sotto_plan_parse(&plan, json, bytes, NULL), expected);
    assert_int_equal(sotto_plan_parse(&plan, json, bytes, &err), expected);
    assert_null(plan);
    assert_contains(err.text, part);
}

static void refuses(const char *json, const char *part)
{
    refuses_bytes(json, strlen(json), SOTTO_ERROR_PLAN, part);
}

static void refuses_output(const char *expression, const char *part)
{
    char json[600];
    (void)snprintf(json, sizeof json, HEAD DATA ", \"select\": {\"x\": \"%s\"}}", expression);
    refuses(json, part);
}

static void test_json_errors(void **state)
{
    (void)state;
    refuses("", "no valid JSON: line 1");
    refuses("{\"version\": 1,\n \"name\": }", "line 2, column");
    refuses("3", "plan: expected an object, found an integer");
    refuses("{\"a\": 1, \"a\": 2}", "duplicate");
    refuses("{} x", "no valid JSON");
    refuses_bytes("{\"a\0\": 1}", 9, SOTTO_ERROR_PLAN, "no valid JSON");
    refuses("{\"a\\u0000\": 1}", "no valid JSON");
    refuses("{\"a\": \"\xff\"}", "no valid JSON");
    refuses("{\"version\": 1, \"strategi\": {}}",
            "unknown key \"strategi\"; did you mean \"strategy\"?");
    refuses("{\"zzzzzzzz\": {}}", "unknown key \"zzzzzzzz\"");
    refuses("{}", "key \"version\" is missing");
    refuses("{\"version\": 2}", "version: expected 1, found 2");
    refuses("{\"version\": \"1\"}", "version: expected 1, found a string");
    refuses("{\"version\": 1}", "key \"type\" is missing");
    refuses("{\"version\": 1, \"type\": \"learning\"}", "expected \"analytics\"");
    refuses("{\"version\": 1, \"type\": 7}", "type: expected a string, found an integer");
    refuses("{\"version\": 1, \"type\": \"analytics\", \"enable_verify\": 1}", "a boolean");
    refuses("{\"version\": 1, \"type\": \"analytics\", \"enable_verify\": \"yes\"}",
            "a boolean or \"auto\"");
    refuses("{\"version\": 1, \"type\": \"analytics\", \"enable_verify\": null}", "found null");
    refuses("{\"version\": 1, \"type\": \"analytics\", \"results\": true}", "found a boolean");
    refuses("{\"version\": 1, \"type\": \"analytics\", \"results\": \"all\"}",
            "expected \"initiator\" or \"participants\", found \"all\"");
    refuses("{\"version\": 1, \"type\": \"analytics\"}", "key \"name\" is missing");
    refuses("{\"version\": 1, \"type\": \"analytics\", \"name\": \"\"}", "name: expected 1 to 256");
    refuses("{\"version\": 1, \"type\": \"analytics\", \"name\": \"a\\nb\"}", "control characters");
    char *large = malloc(SOTTO_PLAN_BYTES_MAX + 1);
    assert_non_null(large);
    memset(large, ' ', SOTTO_PLAN_BYTES_MAX + 1);
    refuses_bytes(large, SOTTO_PLAN_BYTES_MAX + 1, SOTTO_ERROR_LIMIT, "at most 262144 bytes");
    free(large);
}

static void test_datasets(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *part;
    } files[] = {
        {"/etc/passwd", "absolute"}, {"../x", "\\\"..\\\""}, {"a/../b", ".."},
        {".hidden", "hidden"},       {"a/.b", "hidden"},     {"a\\\\b", "backslash"},
        {"", "1 to 255 bytes"},      {"a\\nb", "control"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char json[300];
        (void)snprintf(json, sizeof json,
                       HEAD "\"datasets\": {\"w\": \"%s\"}, \"select\": {\"m\": \"mean(a)\"}}",
                       files[i].file);
        refuses(json, i == 1 ? "datasets.w: \"../x\": \"..\" is refused" : files[i].part);
    }
    refuses(HEAD "\"datasets\": {}}", "datasets: expected at least one");
    refuses(HEAD "\"datasets\": []}", "datasets: expected an object, found an array");
    refuses(HEAD "\"datasets\": {\"w\": 3}}", "datasets.w: expected a file name, found an integer");
    refuses(HEAD "\"datasets\": {\"a b\": \"f\"}}", "\"a b\" can't be a dataset's name");
    refuses(HEAD "\"select\": {}}", "key \"datasets\" is missing");
    refuses(HEAD DATA "}", "key \"select\" is missing");
    refuses(HEAD DATA ", \"select\": {}}", "select: expected at least one");
    refuses(HEAD DATA ", \"select\": {\"x\": 1}}", "select.x: expected an expression");
    refuses(HEAD DATA ", \"select\": {\"\": \"mean(a)\"}}", "an output's name");
}

static void test_strategy(void **state)
{
    (void)state;
    static const struct {
        const char *strategy;
        const char *part;
    } cases[] = {
        {"[]", "strategy: expected an object"},
        {"{\"min_client\": 3}", "\"strategy.min_client\"; did you mean \"strategy.min_clients\"?"},
        {"{\"min_clients\": \"3\"}", "strategy.min_clients: expected an integer, found a string"},
        {"{\"min_clients\": 3.0}", "found a number with a fraction"},
        {"{\"min_clients\": 2}", "with two parties each learns the other's value"},
        {"{\"min_clients\": 1}", "strategy.min_clients: expected 3 to 1000, found 1"},
        {"{\"min_clients\": 0}", "strategy.min_clients: expected 3 to 1000, found 0"},
        {"{\"max_clients\": 0}", "strategy.max_clients: expected 3 to 1000, found 0"},
        {"{\"max_clients\": 1001}", "strategy.max_clients: expected 3 to 1000"},
        {"{\"min_clients\": 5, \"max_clients\": 4}", "at least min_clients, which is 5, found 4"},
        {"{\"wait_timeout\": -1}", "strategy.wait_timeout: expected 1 to 604800, found -1"},
        {"{\"connection_timeout\": 99999999999999999999}", "no valid JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[300];
        (void)snprintf(json, sizeof json,
                       HEAD DATA ", \"select\": {\"m\": \"mean(a)\"}, \"strategy\": %s}",
                       cases[i].strategy);
        refuses(json, cases[i].part);
    }
}

static void test_expression_errors(void **state)
{
    (void)state;
    refuses_output("wage", "output \"x\": \"wage\" is row-wise: an output must be an aggregate, "
                           "such as mean(wage)");
    refuses_output("wages.wage", "is row-wise: an output must be an aggregate");
    refuses_output("wage - mean(wage)", "is row-wise");
    refuses_output("1 + 2", "\"1 + 2\" is a constant: an output must be an aggregate");
    refuses_output("1 + medain(a)",
                   "output \"x\": column 5: unknown function \"medain\"; did you mean \"median\"?");
    refuses_output("frobnicate(a)", "there are count, sum, mean, var");
    refuses_output("zyxwvutsrq(a)", "row_any and more");
    refuses_output("mean(quarter(a))",
                   "nearest to it is \"month\": quarters are bins of it: hist(month(d), 1, 4,");
    refuses_output("mean(2 * 3)", "column 8: mean takes a column, found a constant");
    refuses_output("mean(a) > 2", "column 9: this works on rows, not on aggregates");
    refuses_output("isna(mean(a))", "column 1: this works on rows");
    refuses_output("not any(a)", "column 1: this works on rows");
    refuses_output("sum(mean(a))", "column 5: sum takes a column, found an aggregate");
    refuses_output("sum(2)", "column 5: sum takes a column, found a constant");
    refuses_output("sum()", "column 5: sum takes one argument, found none");
    refuses_output("sum(a, b)", "column 6: sum takes one argument, found more");
    refuses_output("", "column 1: expected a column, a number or a function, found the end");
    refuses_output("mean(a", "column 7: expected \")\", found the end");
    refuses_output("(mean(a)", "column 9: expected \")\"");
    refuses_output("mean(a) mean(b)", "column 9: expected an operator or the end, found \"mean\"");
    refuses_output("mean(a) +", "column 10: expected");
    refuses_output("sum(2 ** a)",
                   "column 10: expected the exponent: a whole number from -64 to 64");
    refuses_output("sum(a ** 2.5)", "column 10: expected the exponent");
    refuses_output("sum(a ** 65)", "column 10: expected the exponent");
    refuses_output("sum(a ** 2 ** 3)", "column 12: a power of a power needs brackets");
    refuses_output("sum(1 < a < 3)", "column 11: comparisons don't chain");
    refuses_output("cov(a)", "column 1: this takes two columns, or a frame, such as [a, b]");
    refuses_output("dot(a)", "column 6: dot takes two arguments, found fewer");
    refuses_output("cov(a, b, 1, 2)", "column 12: cov takes two arguments and ddof, found more");
    refuses_output("mean(ddof=1)", "column 10: expected \")\", found \"=\"");
    refuses_output("hist(a)", "column 7: hist takes two arguments or more, found fewer");
    refuses_output("hist(a, 1)", "column 1: hist takes at least two edges");
    refuses_output("hist(a, 1, 2, 2)", "column 15: expected edges that rise");
    refuses_output("hist(a, -1, -2)", "column 13: expected edges that rise");
    refuses_output("hist(a, 1, b)", "column 12: expected an edge: a number, written out");
    refuses_output("hist(a, [1, 2])", "2020-01-31 12:00\", without brackets");
    refuses_output("quantile(a, [0.5])", "a number, written out, without brackets");
    refuses_output("value_counts(a, ['x'])", "a number or a text, written out, without brackets");
    refuses_output("hist([a, b], 1, 2)", "column 1: this takes a single column");
    refuses_output("value_counts(a, 1, 1.0)", "column 20: this level is there already");
    refuses_output("value_counts(a, 'x', 'x')", "column 22: this level is there already");
    refuses_output("value_counts(a, b)", "column 17: expected a level: a number or a text");
    refuses_output("value_counts(a, 1, true)", "of a column of booleans 1 and 0");
    refuses_output("2 * ols(a, b)", "column 5: this stands alone");
    refuses_output("ols(a, b, intercept=2)",
                   "column 21: expected intercept: a whole number up to 1");
    refuses_output("ols([a, b], b)", "column 1: this explains a single column");
    refuses_output("mean([a, b] + [a, c])", "column 13: these frames have different columns");
    refuses_output("mean([a, corr([a, b])])", "column 10: ");
    refuses_output("corr([a, b]) + sum([a, b])", "column 14: these frames have different columns");
    refuses_output("mean(row_sum(a))", "column 6: this takes a frame, such as [a, b]");
    refuses_output("mean([])", "column 7: expected a column, a number or a function");
    refuses_output("mean([a, b)", "column 11: expected \"]\", found \")\"");
    refuses_output("sum(na)", "column 5: sum takes a column, found a constant");
    refuses_output("[mean(a), mean(b)]", "works on rows, not on aggregates");
    refuses_output("var(a, ddof=-1)", "column 13: expected ddof: a whole number up to 1000000");
    refuses_output("var(a, b)", "column 8: expected ddof");
    refuses_output("sum(a in b)", "column 10: expected \"(\", found \"b\"");
    refuses_output("sum(a not b)", "expected \"in\", found \"b\"");
    refuses_output("sum(s == 'x)", "column 10: the text has no closing '");
    refuses_output("sum(a = 2)", "column 7: expected \")\", found \"=\"");
    refuses_output("((((mean(a)**64)**64)**64)**64)", "this multiplies too many aggregates");
    refuses_output("mean(a) ! 2", "column 9: unexpected \"!\"");
    refuses_output("mean(1x)", "column 7: a number can't go on with \"x\"");
    refuses_output("mean(a) * 1e", "column 12: expected digits after the exponent's e");
    refuses_output("mean(a) * 1e401", "column 11: expected an exponent between -400 and 400");
    refuses_output("mean(`a)", "column 6: the name has no closing `");
    refuses_output("mean(``)", "the name is empty");
    refuses_output("mean(wagse.a)", "column 6: unknown dataset \"wagse\"; did you mean \"wages\"?");
    refuses_output("mean(wages.)", "column 12: expected a column's name");
    refuses_output("\xc3\xa9\xc3\xa9 + medain(a)", "column 6: unknown function");
    refuses(HEAD "\"datasets\": {\"a\": \"a\", \"b\": \"b\"}, \"select\": {\"m\": \"mean(c)\"}}",
            "\"c\" must say its dataset, such as a.c");
    refuses(HEAD
            "\"datasets\": {\"a\": \"a\", \"b\": \"b\"}, \"select\": {\"m\": \"sum(a.c * b.c)\"}}",
            "column 9: rows of two datasets can't be combined");
}

static void refuses_selection(const char *keys, const char *part)
{
    char json[600];
    (void)snprintf(json, sizeof json, HEAD DATA ", \"select\": {\"x\": \"sum(a)\"}, %s}", keys);
    refuses(json, part);
}

static void test_selection(void **state)
{
    (void)state;
    refuses_selection("\"where\": 3", "where: expected a condition as a string");
    refuses_selection("\"where\": \"a >\"", "where: column 4: expected a column");
    refuses_selection("\"where\": \"1 > 2\"", "where: \"1 > 2\" says nothing about rows");
    refuses_selection("\"where\": \"mean(a)\"", "where takes no aggregates");
    refuses_selection("\"where\": \"a > mean(a)\"", "where: column 5: where takes no aggregates");
    refuses_selection("\"group_by\": {}", "expected a list of 1 or 2 keys");
    refuses_selection("\"group_by\": [1, 2, 3]", "expected a list of 1 or 2 keys");
    refuses_selection("\"group_by\": [{}]", "expected {\"column\": \"dept\"");
    refuses_selection("\"group_by\": [{\"column\": \"a\", \"level\": [1]}]",
                      "group_by: expected {");
    refuses_selection("\"group_by\": [{\"column\": \"a\", \"levels\": []}]",
                      "with 1 to 4096 of them");
    refuses_selection("\"group_by\": [{\"column\": \"a\", \"levels\": [0.5]}]", "stands in quotes");
    refuses_selection("\"group_by\": [{\"column\": \"a+1\", \"levels\": [1]}]",
                      "\"a+1\" is no column");
    refuses_selection("\"group_by\": [{\"column\": \"b.a\", \"levels\": [1]}]",
                      "group_by: column 1: unknown dataset");
    /* No two groups have one label. */
    refuses_selection("\"group_by\": [{\"column\": \"a\", \"levels\": [\"x\", \"(other)\"], "
                      "\"other\": true}]",
                      "the level \"(other)\" has the name of the group of all other values");
    refuses_selection("\"group_by\": [{\"column\": \"a\", \"bins\": [1, 2]}, {\"column\": "
                      "\"wages.a\", \"levels\": [1]}]",
                      "group_by: expected keys of different columns, found \"a\" twice");
}

static void test_limits(void **state)
{
    (void)state;
    char *many = malloc(SOTTO_PLAN_BYTES_MAX);
    assert_non_null(many);
    strcpy(many, HEAD DATA ", \"select\": {\"o\": \"mean(a)\"");
    size_t bytes = strlen(many);
    for (int i = 0; i < 100; i++) {
        bytes += (size_t)sprintf(many + bytes, ", \"o%d\": \"mean(a)", i);
        for (int j = 0; j < 20; j++) {
            bytes += (size_t)sprintf(many + bytes, "+1");
        }
        bytes += (size_t)sprintf(many + bytes, "\"");
    }
    strcpy(many + bytes, "}}");
    refuses_bytes(many, strlen(many), SOTTO_ERROR_LIMIT,
                  "select: expected at most 4096 operations");
    free(many);
    char text[8000] = HEAD DATA ", \"select\": {\"m\": \"";
    for (int i = 0; i < 70; i++) {
        strcat(text, "(");
    }
    strcat(text, "\"}}");
    refuses_bytes(text, strlen(text), SOTTO_ERROR_LIMIT, "at most 64 levels");
    strcpy(text, HEAD DATA ", \"select\": {\"m\": \"mean(a)");
    for (int i = 0; i < 300; i++) {
        strcat(text, "+1");
    }
    strcat(text, "\"}}");
    refuses_bytes(text, strlen(text), SOTTO_ERROR_LIMIT, "at most 256 operations");
    strcpy(text, HEAD DATA ", \"select\": {\"m\": \"");
    size_t start = strlen(text);
    memset(text + start, ' ', 4097);
    strcpy(text + start + 4097, "mean(a)\"}}");
    struct sotto_plan *plan = NULL;
    assert_ok(sotto_plan_parse(&plan, text, strlen(text), NULL));
    sotto_plan_free(plan);
}

#define LEARNING "{\"version\": 1, \"name\": \"n\", \"type\": \"learning\""
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void refuses_task(const char *json, const char *part)
{
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    assert_int_equal(sotto_plan_parse_task(&plan, json, strlen(json), &err), SOTTO_ERROR_PLAN);
    assert_null(plan);
    assert_contains(err.text, part);
}

static void test_a_learning_task(void **state)
{
    (void)state;
    struct sotto_plan *plan = NULL;
    static const char json[] =
        LEARNING ", \"bundle\": \"" DIGEST "\", \"rounds\": 3, \"strategy\": {\"min_clients\": 4}}";
    assert_ok(sotto_plan_parse_task(&plan, json, strlen(json), NULL));
    assert_string_equal(sotto_plan_bundle(plan), DIGEST);
    assert_int_equal(sotto_plan_rounds(plan), 3);
    assert_int_equal(sotto_plan_strategy(plan)->min_clients, 4);
    assert_int_equal(sotto_plan_datasets_len(plan), 0);
    assert_false(sotto_plan_fits(plan));
    sotto_plan_free(plan);
    plan = NULL;
    refuses(json, "unknown key \"bundle\""); /* by who computes statistics */
    refuses_task(LEARNING "}", "bundle: expected the digest");
    refuses_task(LEARNING ", \"bundle\": \"" DIGEST "0\", \"rounds\": 3}", "64 hexadecimal");
    refuses_task(LEARNING ", \"bundle\": \"" DIGEST "\"}", "rounds: expected a whole number");
    refuses_task(LEARNING ", \"bundle\": \"" DIGEST "\", \"rounds\": 0}", "from 1 to 10000");
    refuses_task(LEARNING ", \"bundle\": \"" DIGEST "\", \"rounds\": 10001}", "from 1 to 10000");
    refuses_task(LEARNING ", " DATA "}", "unknown key \"datasets\"");
    refuses_task("{\"version\": 1, \"type\": \"training\"}", "\"analytics\" or \"learning\"");
    refuses_task("{\"version\": 1, \"type\": \"analytics\", \"bundle\": \"x\"}",
                 "unknown key \"bundle\"");
    static const char statistics[] = HEAD DATA ", \"select\": {\"m\": \"mean(a)\"}}";
    assert_ok(sotto_plan_parse_task(&plan, statistics, strlen(statistics), NULL));
    assert_null(sotto_plan_bundle(plan));
    sotto_plan_free(plan);
}

/* 1,024 digits of a number, before and behind the point, and not one more. */
static void test_digits_have_a_limit(void **state)
{
    (void)state;
    static const char *const starts[] = {"mean(a) * 1.", "mean(a) * ", "hist(a, 0, 1.",
                                         "sum(a > 1.", "quantile(a, 0."};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        char text[2000] = HEAD DATA ", \"select\": {\"m\": \"";
        strcat(text, starts[i]);
        size_t start = strlen(text);
        memset(text + start, '1', 1025);
        strcpy(text + start + 1025, i > 1 ? ")\"}}" : "\"}}");
        refuses_bytes(text, strlen(text), SOTTO_ERROR_LIMIT,
                      "expected at most 1024 digits of a number, found 102");
    }
    char most[2000] = HEAD DATA ", \"select\": {\"m\": \"quantile(a, 0.";
    size_t start = strlen(most);
    struct sotto_plan *plan = NULL;
    memset(most + start, '1', 1023);
    strcpy(most + start + 1023, ")\"}}");
    assert_ok(sotto_plan_parse(&plan, most, strlen(most), NULL));
    sotto_plan_free(plan);
}

static void test_a_plan(void **state)
{
    (void)state;
    static const char json[] =
        HEAD "\"datasets\": {\"z\": \"sub/z.csv\", \"a\": \"a.csv\"}, \"enable_verify\": false,"
             "\"select\": {\"m\": \"mean(z.wage) - mean(a.x)\", \"c\": \"count(a.`od``d`)\","
             "\"d\": \"sum(a.x)\"}, \"strategy\": {\"min_clients\": 5}}";
    struct sotto_plan *plan = NULL;
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    assert_string_equal(sotto_plan_name(plan), "n");
    assert_int_equal(sotto_plan_datasets_len(plan), 2);
    assert_string_equal(sotto_plan_dataset_alias(plan, 0), "a");
    assert_string_equal(sotto_plan_dataset_file(plan, 1), "sub/z.csv");
    assert_int_equal(sotto_plan_columns_len(plan), 3);
    static const char *const names[] = {"od`d", "x", "wage"};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(sotto_plan_column(plan, i).name, names[i]);
        assert_int_equal(sotto_plan_column(plan, i).dataset, i == 2);
    }
    const struct sotto_strategy *strategy = sotto_plan_strategy(plan);
    assert_int_equal(strategy->min_clients, 5);
    assert_int_equal(strategy->max_clients, 1000); /* all who are willing */
    assert_int_equal(strategy->wait_timeout_s, 60);
    assert_int_equal(strategy->connection_timeout_s, 60);
    assert_int_equal(sotto_plan_verify(plan), SOTTO_PLAN_VERIFY_NEVER);
    assert_false(sotto_plan_publishes(plan));
    sotto_plan_free(plan);
    sotto_plan_free(NULL);
}

static void composes(const char *const *outputs, size_t outputs_len, const char *part)
{
    static const char *const alias = "t";
    static const char *const file = "t\"x.csv";
    struct sotto_plan_parts parts = {.name = "n",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &file,
                                     .datasets_len = 1,
                                     .outputs = outputs,
                                     .outputs_len = outputs_len,
                                     .strategy = {.min_clients = 4, .wait_timeout_s = 7}};
    char *json = NULL;
    struct sotto_plan *plan = NULL;
    assert_ok(sotto_plan_compose(&json, &parts, NULL));
    assert_contains(json, part);
    assert_contains(json, "\"strategy\": {\"min_clients\": 4, \"wait_timeout\": 7}");
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    assert_string_equal(sotto_plan_dataset_file(plan, 0), file);
    sotto_plan_free(plan);
    sotto_free(json);
}

static void composes_by(const char *by, const char *part)
{
    static const char *const alias = "t";
    static const char *const output = "count(a)";
    struct sotto_plan_parts parts = {.name = "n",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &alias,
                                     .datasets_len = 1,
                                     .outputs = &output,
                                     .outputs_len = 1,
                                     .where = "a > 'q'",
                                     .by = &by,
                                     .by_len = 1};
    char *json = NULL;
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    if (sotto_plan_compose(&json, &parts, &err) != SOTTO_OK) {
        assert_contains(err.text, part);
        return;
    }
    assert_contains(json, part);
    assert_contains(json, "\"where\": \"a > 'q'\"");
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        assert_contains(err.text, "numbers that rise");
    }
    sotto_plan_free(plan);
    sotto_free(json);
}

static void test_who_is_shown_what(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        enum sotto_plan_verify verify;
        bool publishes;
    } cases[] = {
        {"", SOTTO_PLAN_VERIFY_AUTO, false},
        {", \"enable_verify\": \"auto\", \"results\": \"initiator\"", SOTTO_PLAN_VERIFY_AUTO,
         false},
        {", \"enable_verify\": true, \"results\": \"participants\"", SOTTO_PLAN_VERIFY_ALWAYS,
         true},
        {", \"enable_verify\": false, \"results\": \"participants\"", SOTTO_PLAN_VERIFY_NEVER,
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[300];
        struct sotto_plan *plan = NULL;
        int bytes = snprintf(json, sizeof json, HEAD DATA ", \"select\": {\"x\": \"sum(x)\"}%s}",
                             cases[i].keys);
        assert_ok(sotto_plan_parse(&plan, json, (size_t)bytes, NULL));
        assert_int_equal(sotto_plan_verify(plan), cases[i].verify);
        assert_int_equal(sotto_plan_publishes(plan), cases[i].publishes);
        sotto_plan_free(plan);
    }
}

static void test_compose_groups(void **state)
{
    (void)state;
    composes_by("dept in ('R&D', \"it's\", other)",
                "\"group_by\": [{\"column\": \"`dept`\", \"levels\": [\"R&D\", \"it's\"], "
                "\"other\": true}]");
    composes_by("t.`a in ``b` in ('x')", "{\"column\": \"t.`a in ``b`\", \"levels\": [\"x\"]}");
    composes_by("a == 007", "{\"column\": \"`a`\", \"levels\": [7]}");
    composes_by("a in (-1, 0.50, -1e3, 00)", "\"levels\": [-1, \"0.50\", \"-1e3\", 0]");
    composes_by("hist(age, 0, -1.5, other)",
                "{\"column\": \"`age`\", \"bins\": [0, \"-1.5\"], \"other\": true}");
    composes_by("hist(age, 0, b)", "expected a column and its levels");
    composes_by("b in (true, false)", "\"levels\": [true, false]");
    composes_by("b in (false, other)", "\"levels\": [false], \"other\": true}");
    composes_by("b == true", "\"levels\": [true]");
    composes_by("b in ('true', 'other', other)", "[\"true\", \"other\"], \"other\": true}");
    composes_by("hist(b, true, 1)", "column 9: expected an edge");
    composes_by("hist in (1)", "{\"column\": \"`hist`\", \"levels\": [1]}");
    composes_by("hist(age + 1, 0, 1)", "or bins, such as hist(age, 0, 18, other)");
    composes_by("a in (b)", "by: \"a in (b)\": expected a column and its levels");
    composes_by("a not in (1)", "expected a column and its levels");
    composes_by("a in (1) or b == 2", "expected a column and its levels");
    composes_by("a", "expected a column and its levels");
    composes_by("a in (", "column 7: expected a level");
    composes_by("a in ('x', other, other)", "expected \"other\" once, after all levels or edges");
    composes_by("a in (other, 'x')", "expected \"other\" once, after all levels or edges");
    composes_by("hist(a, 0, other, 5)", "expected \"other\" once, after all levels or edges");
}

static void test_compose(void **state)
{
    (void)state;
    const char *const named[] = {" m = mean(a) ", "mean(a)"};
    composes(named, 2, "\"select\": {\"m\": \"mean(a)\", \"mean(a)\": \"mean(a)\"}");
    const char *const odd[] = {"mean(`a=b`)"};
    composes(odd, 1, "\"mean(`a=b`)\": \"mean(`a=b`)\"");
    const char *const twice[] = {"m=mean(a)", "m=sum(a)"};
    const char *const invalid[] = {"m=mean(\xff)"};
    struct sotto_plan_parts parts = {.name = "n", .outputs = twice, .outputs_len = 2};
    struct sotto_error err = {0};
    char *json = NULL;
    assert_int_equal(sotto_plan_compose(&json, &parts, &err), SOTTO_ERROR_PLAN);
    assert_contains(err.text, "two outputs are named \"m\"");
    parts.outputs = invalid;
    parts.outputs_len = 1;
    assert_int_equal(sotto_plan_compose(&json, &parts, &err), SOTTO_ERROR_PLAN);
    assert_contains(err.text, "UTF-8");
    assert_null(json);
}

/* Outputs that are named by texts beyond 256 bytes, which begin alike, are told apart. */
static void test_compose_long_names(void **state)
{
    (void)state;
    char texts[4][600];
    const char *outputs[4];
    static const char *const alias = "t";
    for (size_t i = 0; i < 4; i++) {
        size_t at = (size_t)snprintf(texts[i], sizeof texts[i], "value_counts(a");
        for (size_t level = 0; level < 90; level++) {
            at += (size_t)snprintf(texts[i] + at, sizeof texts[i] - at, ", %zu", level);
        }
        (void)snprintf(texts[i] + at, sizeof texts[i] - at, ", %zu)", 100 + i);
        outputs[i] = texts[i];
    }
    struct sotto_plan_parts parts = {.name = "n",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &alias,
                                     .datasets_len = 1,
                                     .outputs = outputs,
                                     .outputs_len = 4};
    struct sotto_error err = {0};
    struct sotto_plan *plan = NULL;
    char *json = NULL;
    assert_ok(sotto_plan_compose(&json, &parts, &err));
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), &err));
    assert_contains(json, "...\": \"value_counts(a, 0,");
    assert_contains(json, "...2\": \"value_counts(a, 0,");
    assert_contains(json, "...4\": \"value_counts(a, 0,");
    sotto_plan_free(plan);
    sotto_free(json);
    json = NULL;
    for (size_t again = 0; again < 3; again++) {
        outputs[3] = texts[again];
        assert_int_equal(sotto_plan_compose(&json, &parts, &err), SOTTO_ERROR_PLAN);
        assert_contains(err.text, "two outputs are named \"value_counts(a, 0,");
    }
    assert_null(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compose_long_names),
        cmocka_unit_test(test_json_errors),
        cmocka_unit_test(test_datasets),
        cmocka_unit_test(test_strategy),
        cmocka_unit_test(test_expression_errors),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_digits_have_a_limit),
        cmocka_unit_test(test_a_plan),
        cmocka_unit_test(test_who_is_shown_what),
        cmocka_unit_test(test_a_learning_task),
        cmocka_unit_test(test_compose),
        cmocka_unit_test(test_compose_groups),
        cmocka_unit_test(test_selection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
