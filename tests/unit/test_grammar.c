/* SPDX-License-Identifier: Apache-2.0 */

/* What a plan may say under profile safe, and what its owner is shown of it. */

#include "test.h"

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <stdio.h>
#include <string.h>

static struct sotto_plan *parse(const char *keys, const char *select)
{
    char json[4000];
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s \"select\": {\"m\": \"%s\"}}",
                   keys, select);
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        print_error("%s %s: %s\n", keys, select, err.text);
        fail();
    }
    return plan;
}

/* The status of a plan whose columns are all of this kind; SOTTO_KINDS_LEN: nobody knows. */
static enum sotto_status judge(const char *keys, const char *select, enum sotto_kind kind,
                               struct sotto_error *err)
{
    struct sotto_rules rules;
    struct sotto_schema_field fields[8] = {0};
    struct sotto_plan *plan = parse(keys, select);
    struct sotto_schema schema = {.fields = fields, .fields_len = sotto_plan_columns_len(plan)};
    assert_true(schema.fields_len <= 8);
    for (size_t i = 0; i < schema.fields_len; i++) {
        fields[i].type.kind = kind;
    }
    sotto_rules_init(&rules, SOTTO_PROFILE_SAFE);
    enum sotto_status status =
        sotto_rules_judge_plan(&rules, plan, kind != SOTTO_KINDS_LEN ? &schema : NULL, err);
    rules.is_on[SOTTO_RULE_GRAMMAR] = false;
    assert_ok(sotto_rules_judge_plan(&rules, plan, NULL, NULL));
    sotto_plan_free(plan);
    return status;
}

static void admits(const char *keys, const char *select, enum sotto_kind kind)
{
    struct sotto_error err = {0};
    if (judge(keys, select, kind, &err) != SOTTO_OK) {
        print_error("%s %s: %s\n", keys, select, err.text);
        fail();
    }
}

static void refuses(const char *keys, const char *select, enum sotto_kind kind, const char *part)
{
    struct sotto_error err = {0};
    if (judge(keys, select, kind, &err) != SOTTO_ERROR_REFUSED) {
        print_error("%s %s passes\n", keys, select);
        fail();
    }
    assert_contains(err.text, part);
}

#define BY_MONTHS "\"group_by\": [{\"column\": \"month(a)\", \"levels\": [1, 2]}],"
#define BY_BINS "\"group_by\": [{\"column\": \"a\", \"bins\": [0, 18, 65]}],"

static void test_what_is_admitted(void **state)
{
    (void)state;
    static const char *const exact[] = {"mean(a) / count(b)",
                                        "std(a) + cov(a, b)",
                                        "sum(3 * a * b - a ** 2)",
                                        "var(a + b)",
                                        "sum((a + b) ** 2)",
                                        "sum(a > 1)",
                                        "mean(a in (1, 2) and not isna(b))",
                                        "median(a) + iqr(b)",
                                        "describe([a, b])",
                                        "var(clip(a, -1.5, 9)) + sum(clip(a, 0, 9) * b)",
                                        "mean(if(a > 1, b, na))",
                                        "sum(if(a > 1 or b == 2, a * b, na))",
                                        "var(if(isna(a), 1, na))",
                                        "hist(a, 0, 10, 20)",
                                        "value_counts(a, 1, 2)",
                                        "ols(a, b, c)",
                                        "ols(a, C(b in (1, 2, 3)), c)",
                                        "glm(a, b, C(c in (1, 2)), family=poisson)",
                                        "corr([a, b])",
                                        "sum(isna(a))"};
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++) {
        admits("", exact[i], SOTTO_KIND_INT64);
        admits("", exact[i], SOTTO_KINDS_LEN);
        admits("\"where\": \"a > 1 and not (b in (1, 2)) or isna(c)\",", exact[i],
               SOTTO_KIND_INT64);
        admits(BY_BINS, exact[i], SOTTO_KIND_INT64);
    }
    static const char *const doubles[] = {"mean(a)",       "std(a)",
                                          "ols(a, b)",     "glm(a, b, family=gamma)",
                                          "hist(a, 0, 1)", "mean(if(a > 1, b, na))",
                                          "sum(a > 1)"};
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        admits("", doubles[i], SOTTO_KIND_FLOAT64);
    }
    admits("", "sum(a < 'm')", SOTTO_KIND_STRING);
    static const char *const dates[] = {"mean(a)",
                                        "mean(a - b)",
                                        "sum(a - '2020-01-31')",
                                        "sum(a >= '2020-01-31')",
                                        "median(a)",
                                        "mean(clip(a, '2020-01-31', '2020-02-01'))",
                                        "hist(a, '2020-01-31', '2020-02-01')"};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        admits(BY_MONTHS, dates[i], SOTTO_KIND_DATE);
    }
    static const char *const times[] = {"mean(a)",
                                        "mean(seconds(a - b))",
                                        "dot(seconds(a - b), c)",
                                        "sum(seconds(a - '2020-01-31 12:00'))",
                                        "sum(a >= '2020-01-31 12:00')",
                                        "median(a)",
                                        "hist(a, '2020-01-31', '2020-01-31 12:00')"};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        admits(BY_MONTHS, times[i], SOTTO_KIND_DATETIME);
    }
}

static void test_what_is_refused(void **state)
{
    (void)state;
    refuses("\"enable_verify\": false,", "glm(a, b)", SOTTO_KIND_INT64, "nobody checks");
    static const char *const others[][2] = {{"sum(a ** 3)", "above 2"},
                                            {"var(a * b)", "above 2"},
                                            {"skew(a)", "above 2"},
                                            {"kurt(a)", "above 2"},
                                            {"sum(if(c, a, 0))", "a choice, if"},
                                            {"sum(clip(a + b, 0, 9))", "a choice, clip"},
                                            {"sum(clip(a, 0, 9) > 5)", "a condition"},
                                            {"hist(clip(a, 0, 9), 0, 5, 9)", "a choice, clip"},
                                            {"sum(if(a > 1, na, b))", "a choice, if"},
                                            {"mean(if(a > b, a, na))", "a choice, if"},
                                            {"mean(if(2 * a < 22, a, na))", "a choice, if"},
                                            {"mean(if(a > 1, abs(b), na))", "a choice, if"},
                                            {"sum(a / b)", "a division"},
                                            {"sum(a // 2)", "a division"},
                                            {"sum(a % 2)", "a division"},
                                            {"sum(abs(a))", "abs"},
                                            {"sum(sqrt(a))", "sqrt"},
                                            {"sum(exp(a))", "exp"},
                                            {"sum(pow(a, 2))", "pow"},
                                            {"sum(floor(a))", "floor"},
                                            {"mean(year(a))", "year"},
                                            {"sum(startswith(a, 'x'))", "parts of texts"},
                                            {"sum(contains(a, 'x'))", "parts of texts"},
                                            {"sum(lower(a) == 'x')", "a condition"},
                                            {"value_counts(strip(a), 'x')", "value_counts"},
                                            {"sum(month(a) == 2)", "a condition"},
                                            {"value_counts(weekday(a), 0, 1)", "value_counts"},
                                            {"sum('2020-01-31' + a)", "sum"},
                                            {"sum(round(a, 1))", "round"},
                                            {"sum(fillna(a, 0))", "fillna"},
                                            {"sum(float(a))", "float"},
                                            {"sum(row_sum([a, b]))", "row_sum"},
                                            {"sum(row_count([a, b]))", "row_count"},
                                            {"any(a)", "any"},
                                            {"all(a)", "all"},
                                            {"any(a > 1)", "any"},
                                            {"hist(a + 0, 1, 2)", "hist"},
                                            {"value_counts(2 * a, 1)", "value_counts"},
                                            {"dot(a, b > 1)", "a condition"},
                                            {"sum(a * (b > 1))", "a condition"},
                                            {"sum((a + 0) > 1)", "a condition"},
                                            {"sum(2 * a < 22)", "a condition"},
                                            {"sum(a < b)", "a condition"},
                                            {"sum(isna(a + b))", "isna"},
                                            {"mean((a - mean(a)) ** 2)", "a later round"},
                                            {"mean(b) + sum(not (a + 1 > 2))", "column 11"}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        refuses("", others[i][0], SOTTO_KINDS_LEN, others[i][1]);
    }
    refuses("\"where\": \"2 * a < 22\",", "sum(b)", SOTTO_KINDS_LEN, "where");
    refuses("\"where\": \"a < b\",", "sum(b)", SOTTO_KINDS_LEN, "a condition");
    refuses("\"where\": \"a < 2 and abs(b) < 3\",", "sum(b)", SOTTO_KINDS_LEN, "where");
    static const char *const doubles[] = {"sum((a + 1e300) - 1e300)", "sum(a * b)", "sum(-a)",
                                          "mean(if(b > 1, 2 * a, na))", "dot(a + 0, b)"};
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        refuses("", doubles[i], SOTTO_KIND_FLOAT64, "doubles");
        admits("", doubles[i], SOTTO_KIND_INT64);
    }
}

/* The columns that "*" stands for are those of its own dataset, not of the first one. */
static void test_all_columns(void **state)
{
    (void)state;
    static const char json[] = "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", "
                               "\"datasets\": {\"a\": \"a.csv\", \"b\": \"b.csv\"}, \"select\": "
                               "{\"x\": \"sum(a.x)\", \"m\": \"sum(b.* * b.*)\"}}";
    struct sotto_plan *plan = NULL;
    struct sotto_rules rules;
    sotto_rules_init(&rules, SOTTO_PROFILE_SAFE);
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    struct sotto_schema_field field = {.type = {.kind = SOTTO_KIND_INT64}};
    char name[] = "y";
    struct sotto_schema_column frame = {
        .dataset = 1, .name = name, .field = {.type = {.kind = SOTTO_KIND_FLOAT64}}};
    struct sotto_schema schema = {
        .fields = &field, .fields_len = 1, .frame = &frame, .frame_len = 1};
    assert_int_equal(sotto_rules_judge_plan(&rules, plan, &schema, NULL), SOTTO_ERROR_REFUSED);
    frame.field.type.kind = SOTTO_KIND_INT64;
    assert_ok(sotto_rules_judge_plan(&rules, plan, &schema, NULL));
    sotto_plan_free(plan);
}

/* Attack S10: two names of one file, for limits that must not be near each other. */
static void test_a_file_under_two_names(void **state)
{
    (void)state;
    static const char json[] = "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", "
                               "\"datasets\": {\"u\": \"w.csv\", \"v\": \"w.csv\"}, \"select\": "
                               "{\"x\": \"sum(if(u.id < 30, u.w, na))\", \"m\": \"sum(if(v.id < "
                               "31, v.w, na))\"}}";
    struct sotto_plan *plan = NULL;
    struct sotto_rules rules;
    struct sotto_error err = {0};
    char *words = NULL;
    sotto_rules_init(&rules, SOTTO_PROFILE_SAFE);
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    assert_int_equal(sotto_rules_judge_plan(&rules, plan, NULL, &err), SOTTO_ERROR_REFUSED);
    assert_contains(err.text, "that u and v are both w.csv");
    assert_ok(sotto_rules_words(&rules, &words, plan, NULL, NULL));
    assert_contains(words, "grammar REFUSES a file under two names\n");
    sotto_free(words);
    rules.is_on[SOTTO_RULE_GRAMMAR] = false;
    assert_int_equal(sotto_rules_judge_plan(&rules, plan, NULL, &err), SOTTO_ERROR_REFUSED);
    rules.is_on[SOTTO_RULE_ROWS] = false; /* nobody judges rows */
    assert_ok(sotto_rules_judge_plan(&rules, plan, NULL, NULL));
    sotto_plan_free(plan);
}

/* --- Words --- */

static char *words_of(const char *keys, const char *select, enum sotto_profile profile)
{
    struct sotto_rules rules;
    struct sotto_plan *plan = parse(keys, select);
    char *words = NULL;
    sotto_rules_init(&rules, profile);
    assert_ok(sotto_rules_words(&rules, &words, plan, NULL, NULL));
    sotto_plan_free(plan);
    return words;
}

static void test_words(void **state)
{
    (void)state;
    char *words =
        words_of("\"where\": \"id > 3\"," BY_BINS, "mean(a) + sum(a // 2)", SOTTO_PROFILE_SAFE);
    assert_string_equal(words,
                        "grammar REFUSES 1 of its 4 clauses, which can single out rows\n"
                        "where id > 3\n"
                        "    admitted, column 1: rows by a condition\n"
                        "by a\n"
                        "    admitted, column 1: rows by bins or levels\n"
                        "output \"m\": mean(a) + sum(a // 2)\n"
                        "    admitted, column 1: sums of columns, of squares, or of products of "
                        "two\n"
                        "    REFUSED by grammar, column 11: a division\n");
    sotto_free(words);
    words = words_of("", "sum(a // 2)", SOTTO_PROFILE_OPEN);
    assert_contains(words, "grammar, which profile open does not ask, would refuse 1 of its 1");
    assert_contains(words, "can single out rows, column 1: a division");
    sotto_free(words);
}

/* Attack S4: a long condition, blanks before its end, or characters that are not seen. */
static void test_words_are_whole(void **state)
{
    (void)state;
    char where[2100];
    (void)snprintf(where, sizeof where, "\"where\": \"id >= 0%*sand id == 17\",", 1500, "");
    char *words = words_of(where, "sum(a)", SOTTO_PROFILE_SAFE);
    assert_contains(words, "where id >= 0 [1500 blanks] and id == 17\n");
    sotto_free(words);
    char sum[2400] = "sum(a";
    for (size_t i = 0; i < 40; i++) {
        strcat(sum, " + 0 * a + 0000000000000000000000");
    }
    strcat(sum, " + if(id == 17, 1000000 * a, 0))");
    words = words_of("", sum, SOTTO_PROFILE_SAFE);
    assert_contains(words, "grammar REFUSES 1 of its 1 clause");
    assert_contains(words, sum);
    sotto_free(words);
    words = words_of("\"where\": \"s == 'a\u202Eb\u200Bc\u00A0d'\",", "sum(a)", SOTTO_PROFILE_SAFE);
    assert_contains(words, "where s == 'a<U+202E>b<U+200B>c<U+00A0>d'\n");
    sotto_free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_admitted), cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_all_columns),      cmocka_unit_test(test_words),
        cmocka_unit_test(test_words_are_whole),  cmocka_unit_test(test_a_file_under_two_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
