/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>

static void test_values(void **state)
{
    (void)state;
    static const char ints[] = "a,b,s\n1,True,x\n2,False,\nNA,NA,y\n6,True,z\n";
    test_gives1("x=count(a)", ints, "{\"x\": {\"value\": 3, \"exact\": \"3\"}}");
    test_gives1("x=sum(a)", ints, "{\"value\": 9.0, \"exact\": \"9\"}");
    test_gives1("x=mean(a)", ints, "{\"value\": 3.0, \"exact\": \"3\"}");
    test_gives1("x=mean(b)", ints, "{\"value\": 0.6666666666666666, \"exact\": \"2/3\"}");
    test_gives1("x=sum(b)", ints, "\"exact\": \"2\"");
    test_gives1("x=count(s)", ints, "{\"value\": 3, \"exact\": \"3\"}");
    test_gives1("x=count(a) * 2", ints, "{\"value\": 6.0, \"exact\": \"6\"}");
    test_gives1("x=-(sum(a) - 10) / 4 + .5e1 * 1.25", ints, "{\"value\": 6.5, \"exact\": \"6.5\"}");
    test_gives1("x=mean(t.a) - mean(a)", ints, "{\"value\": 0.0, \"exact\": \"0\"}");
    test_gives1("x=2 - 3 - 4 + sum(a)", ints, "\"exact\": \"4\"");
    test_gives1("x=sum(a) / 2 / 3", ints, "\"exact\": \"1.5\"");
    test_gives1("x=sum(a) * 0.1 - 1", ints, "{\"value\": -0.1, \"exact\": \"-0.1\"}");
    test_gives1("x=mean(a)", "a\n0.1\n0.2\n", "{\"value\": 0.15, \"exact\": \"0.15\"}");
    test_gives1("x=sum(a)", "a\n1e0\n1e22\n-1e22\n", "{\"value\": 1.0, \"exact\": \"1\"}");
    test_gives1("x=sum(a)", "a\n5e-324\n0e0\n", "\"value\": 5e-324");
    test_gives1("x=sum(a)", "a\n9223372036854775807\n9223372036854775807\n",
                "{\"value\": 1.8446744073709552e+19, \"exact\": \"18446744073709551614\"}");
    test_gives1("x=sum(a)", "a\n-9223372036854775808\n0.000000000000000001\n",
                "\"exact\": \"-9223372036854775807.999999999999999999\"");
}

static void test_what_is_not_finite(void **state)
{
    (void)state;
    static const char empty[] = "a\n";
    static const char missing[] = "a\nNA\n\"\"\n";
    static const char infinite[] = "a\n1\ninf\n";
    static const char both[] = "a\ninf\n-inf\n";
    test_gives1("x=sum(a)", empty, "{\"value\": 0.0, \"exact\": \"0\"}");
    test_gives1("x=mean(a)", empty, "{\"x\": {\"value\": null, \"special\": \"NaN\"}}");
    test_gives1("x=count(a)", missing, "\"value\": 0,");
    test_gives1("x=mean(a)", missing, "\"special\": \"NaN\"");
    test_gives1("x=mean(a)", infinite, "{\"value\": null, \"special\": \"inf\"}");
    test_gives1("x=-sum(a)", infinite, "\"special\": \"-inf\"");
    test_gives1("x=count(a)", infinite, "\"value\": 2");
    test_gives1("x=sum(a) - sum(a)", infinite, "\"special\": \"NaN\"");
    test_gives1("x=sum(a)", both, "\"special\": \"NaN\"");
    test_gives1("x=1 / sum(a)", infinite, "{\"value\": 0.0, \"exact\": \"0\"}");
    test_gives1("x=sum(a) * 0", infinite, "\"special\": \"NaN\"");
    test_gives1("x=sum(a) * -2 + 1", infinite, "\"special\": \"-inf\"");
    test_gives1("x=sum(a) / sum(a)", infinite, "\"special\": \"NaN\"");
    test_gives1("x=sum(a) / -2", infinite, "\"special\": \"-inf\"");
    test_gives1("x=1 / sum(a)", "a\n0\n", "\"special\": \"inf\"");
    test_gives1("x=-1 / sum(a)", "a\n0\n", "\"special\": \"-inf\"");
    test_gives1("x=sum(a) / sum(a)", "a\n0\n", "\"special\": \"NaN\"");
    test_gives1("x=sum(a)", "a\n1.7e308\n1.7e308\n", "{\"value\": null, \"special\": \"inf\"}");
    test_gives1("x=sum(a ** 14)", "a\n1e22\n1e22\n",
                "{\"value\": null, \"special\": \"inf\", \"exact\":");
    test_gives1("x=mean(a)", "a\n1.5e308\n1.5e308\n", "{\"value\": 1.5e+308}");
}

/* Conversions are said, and there is no "exact", however the rows are split. */
static void gives_nothing_exact(const char *output, const char *const *texts, size_t texts_len)
{
    struct sotto_plan *plan = test_plan_of(output);
    char pooled[256] = "a\n";
    const char *both[] = {pooled};
    for (size_t i = 0; i < texts_len; i++) {
        (void)strcat(pooled, strchr(texts[i], '\n') + 1);
    }
    for (int is_pooled = 0; is_pooled < 2; is_pooled++) {
        char *json = NULL;
        assert_ok(
            test_run(&json, NULL, plan, is_pooled ? both : texts, is_pooled ? 1 : texts_len, NULL));
        assert_null(strstr(json, "\"conversions\": []"));
        char *end = strstr(json, "\"parties\"");
        *end = '\0';
        char *count = strstr(json, "\"count\""); /* of a regression: rows, never rounded */
        *(count != NULL ? count : end) = '\0';
        if (strstr(json, "exact") != NULL) {
            print_error("%s: %s\n", output, json);
        }
        assert_null(strstr(json, "exact"));
        sotto_free(json);
    }
    sotto_plan_free(plan);
}

static void test_parties_of_different_types(void **state)
{
    (void)state;
    const char *exact[] = {"a\n1\n2\n", "a\n0.25\nNA\n", "a\n"};
    test_gives("x=mean(a)", exact, 3, "\"exact\": \"13/12\"");
    test_gives("x=mean(a)", exact, 3,
               "\"schema\": {\"t\": {\"a\": {\"type\": \"decimal\", \"scale\": 2}}}");
    test_gives("x=mean(a)", exact, 3, "\"conversions\": []");
    test_gives("x=mean(a)", exact, 3,
               "\"parties\": {\"invited\": 3, \"joined\": 3, \"survived\": 3}");
    const char *mixed[] = {"b,a\nx,1\n", "a\n0.1\n", "a\n1e1\n", "a\nNA\n"};
    test_gives("x=sum(a)", mixed, 4, "{\"value\": 11.1}");
    test_gives("x=sum(a)", mixed, 4, "{\"type\": \"float64\"}");
    test_gives("x=sum(a)", mixed, 4, "\"t.a: int64 or decimal at 2 of 4 parties, read as float64");
    /* What stands in the files was rounded, and no text beside it claims to be exact; what is a
     * double was not. */
    const char *rounded[][3] = {{"a\n0.1\n1e0\n", "a\n2\n", "a\n"},
                                {"a\n18446744073709551615\n", "a\n1\n", "a\n2\n"},
                                {"a\n1.5\n", "a\n1e0\n", "a\n9007199254740993\n"},
                                {"a\n0.25\n9007199254740993\n", "a\ninf\n", "a\n1\n"},
                                {"a\n0.10\n", "a\n1e0\n", "a\n1\n"}};
    for (size_t i = 0; i < sizeof rounded / sizeof rounded[0]; i++) {
        static const char *const outputs[] = {
            "x=sum(a)",        "x=mean(a)", "x=sum(*)", "x=var(a + 1)", "x=sum(if(a > 1, 1, 0))",
            "x=ols(a, a ** 2)"};
        for (size_t j = 0; j < sizeof outputs / sizeof outputs[0]; j++) {
            gives_nothing_exact(outputs[j], rounded[i], 3);
        }
    }
    /* With an exponent nothing is announced, and there is no exact text either. */
    const char *exponents[] = {"0.1e0", "1e23", "1e-400", "-1e400", "3e-1"};
    for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        char text[40];
        const char *one[] = {text, "a\n2\n5e-1\n"};
        (void)snprintf(text, sizeof text, "a\n4e0\n%s\n", exponents[i]);
        char *json = NULL;
        struct sotto_plan *plan = test_plan_of("x=sum(a)");
        assert_ok(test_run(&json, NULL, plan, one, 2, NULL));
        assert_null(strstr(json, "exact"));
        assert_contains(json, "\"conversions\": []");
        sotto_free(json);
        sotto_plan_free(plan);
    }
    const char *sixteen[] = {"a\n9.007199254740993e15\n", "a\n2e0\n"};
    test_gives("x=sum(a)", sixteen, 2,
               "\"t.a: float64 at 1 of 2 parties, with numbers of more digits than a double holds: "
               "digits are lost\"");
    gives_nothing_exact("x=sum(a)", sixteen, 2);
    test_gives("x=count(a)", rounded[0], 3, "{\"value\": 3, \"exact\": \"3\"}");
    const char *doubles[] = {"a\n0.5\n1e0\n", "a\n2\n", "a\n123456789012.250\n"};
    test_gives("x=sum(a)", doubles, 3, "\"exact\": \"123456789015.75\"");
    const char *alone[] = {"a\n0.1\n1e0\n", "a\n2\n"};
    test_gives(
        "x=sum(a)", alone, 2,
        "\"t.a: float64 at 1 of 2 parties, for an exponent or an infinity among its numbers: "
        "its decimals became the doubles nearest to them\"");
    const char *lost[] = {"a\n0.12345678901234567890\n", "a\n1e0\n"};
    test_gives("x=sum(a)", lost, 2,
               "\"t.a: float64 at 1 of 2 parties, with numbers of more digits than a double holds: "
               "digits are lost\"");
    /* Not for the number of digits, but beside an exponent. */
    const char *beside[] = {"a\n9007199254740993\n1e0\n", "a\n1\n"};
    test_gives("x=sum(a)", beside, 2,
               "\"t.a: float64 at 1 of 2 parties, with numbers of more digits");
}

static void refused(const char *output, const char *const *texts, size_t texts_len,
                    enum sotto_status expected, const char *part)
{
    char *json = NULL;
    struct sotto_error err = {0};
    struct sotto_plan *plan = test_plan_of(output);
    assert_int_equal(test_run(&json, NULL, plan, texts, texts_len, &err), expected);
    assert_null(json);
    assert_contains(err.text, part);
    sotto_plan_free(plan);
}

static void test_types_that_do_not_fit(void **state)
{
    (void)state;
    const char *texts[] = {"wage\nNA\n", "wage\n1\n", "wage\nx\n"};
    refused("m=mean(wage)", texts, 3, SOTTO_ERROR_TYPE,
            "column t.wage is int64 at party 2, but string at party 3");
    refused("m=mean(wage)", &texts[2], 1, SOTTO_ERROR_TYPE,
            "output \"m\": mean takes numbers or booleans, but column t.wage is string");
    refused("m=mean(wgae)", texts, 1, SOTTO_ERROR_NOT_FOUND,
            "dataset \"t\" (t.csv) has no column \"wgae\"; did you mean \"wage\"?");
    refused("m=mean(zzz)", texts, 1, SOTTO_ERROR_NOT_FOUND, "it has wage");
}

/* --- The slots --- */

static struct sotto_driver *driver_of(const struct sotto_plan *plan, const struct sotto_type *types)
{
    struct sotto_schema schema = {.fields_len = sotto_plan_columns_len(plan)};
    schema.fields = sotto_alloc_array(schema.fields_len, sizeof *schema.fields);
    assert_non_null(schema.fields);
    for (size_t i = 0; i < schema.fields_len; i++) {
        schema.fields[i].type = types[i];
    }
    struct sotto_driver *driver = NULL;
    assert_ok(sotto_driver_new(&driver, plan, &schema, NULL));
    sotto_schema_release(&schema);
    return driver;
}

static const struct sotto_type all_types[] = {
    {.kind = SOTTO_KIND_INT64},
    {.kind = SOTTO_KIND_BOOL},
    {.kind = SOTTO_KIND_DECIMAL, .scale = 2},
    {.kind = SOTTO_KIND_FLOAT64},
    {.kind = SOTTO_KIND_NULL},
    {.kind = SOTTO_KIND_STRING},
};

static void test_slots_are_what_is_needed(void **state)
{
    (void)state;
    const char *const outputs[] = {
        "mean(a) + sum(a)", "sum(b)",   "mean(c)", "d=mean(d) / count(d)",
        "sum(e)",           "count(f)", NULL};
    struct sotto_plan *plan = test_plan(outputs);
    struct sotto_driver *driver = driver_of(plan, all_types);
    static const uint16_t expected[] = {1, 2, 1, 1, 3, 1, 34, 1, 1, 1, 1};
    size_t slots_len;
    const uint16_t *slots = sotto_driver_slots(driver, &slots_len);
    assert_int_equal(sotto_driver_round(driver), 1);
    assert_int_equal(slots_len, sizeof expected / sizeof expected[0]);
    assert_memory_equal(slots, expected, sizeof expected);
    assert_int_equal(sotto_driver_limbs_len(driver), 47);
    sotto_driver_free(driver);
    sotto_driver_free(NULL);
    sotto_plan_free(plan);
}

/* Limbs of: a count, a sum (2); b sum; c count, sum (3); d count, sum (34), +inf, -inf; e sum; f
 * count
 */
enum { A_COUNT, A_SUM, B_SUM = 3, C_COUNT, C_SUM, D_COUNT = 8, D_SUM, D_INF = 43, E_SUM = 45 };

static void test_aggregates_that_cannot_be(void **state)
{
    (void)state;
    const char *const outputs[] = {"mean(a)", "sum(b)",   "mean(c)", "mean(d)",
                                   "sum(e)",  "count(f)", NULL};
    static const struct {
        size_t limb;
        uint64_t value;
        const char *part;
    } cases[] = {
        {A_COUNT, UINT64_MAX, "impossible count"},
        {A_COUNT, SOTTO_ROWS_MAX + 1, "impossible count"},
        {A_SUM, 1, "too large for its rows"},
        {B_SUM, UINT64_MAX, "too large for its rows"},
        {B_SUM, SOTTO_ROWS_MAX + 1, "too large for its rows"},
        {C_SUM + 2, UINT64_C(1) << 63, "too large for its rows"},
        {D_INF, 1, "number of infinities"},
        {D_SUM + 33, 1, "too large for its rows"},
        {E_SUM, 1, "too large for its rows"},
    };
    struct sotto_plan *plan = test_plan(outputs);
    struct sotto_driver *driver = driver_of(plan, all_types);
    uint64_t limbs[47] = {0};
    struct sotto_error err = {0};
    char *json = NULL;
    struct sotto_result_parties parties = {.invited = 3, .joined = 3, .survived = 3};
    assert_int_equal(sotto_driver_result(driver, &json, &parties, NULL, 0, &err),
                     SOTTO_ERROR_STATE);
    assert_int_equal(sotto_driver_advance(driver, limbs, 46, &err), SOTTO_ERROR_PROTOCOL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(limbs, 0, sizeof limbs);
        limbs[cases[i].limb] = cases[i].value;
        assert_int_equal(sotto_driver_advance(driver, limbs, 47, &err), SOTTO_ERROR_PROTOCOL);
        assert_contains(err.text, cases[i].part);
        assert_int_equal(sotto_driver_round(driver), 1);
    }
    memset(limbs, 0, sizeof limbs);
    limbs[D_COUNT] = 2;
    limbs[D_INF + 1] = 1;
    assert_ok(sotto_driver_advance(driver, limbs, 47, &err));
    assert_int_equal(sotto_driver_round(driver), 0);
    assert_int_equal(sotto_driver_limbs_len(driver), 0);
    assert_int_equal(sotto_driver_advance(driver, limbs, 47, &err), SOTTO_ERROR_STATE);
    assert_int_equal(test_partial(driver, limbs, 47, NULL, NULL, &err), SOTTO_ERROR_STATE);
    assert_ok(sotto_driver_result(driver, &json, &parties, NULL, 0, &err));
    assert_contains(json, "\"mean(d)\": {\"value\": null, \"special\": \"-inf\"}");
    sotto_free(json);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
}

static void test_a_failed_partial_is_zero(void **state)
{
    (void)state;
    struct sotto_plan *plan = test_plan_of("sum(a)");
    struct sotto_type type = {.kind = SOTTO_KIND_INT64};
    struct sotto_driver *driver = driver_of(plan, &type);
    struct sotto_csv *csv = test_csv("a\n0.5\n");
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    const struct sotto_catalogue *borrowed = catalogue;
    uint64_t limbs[2] = {7, 7};
    struct sotto_error err = {0};
    assert_int_equal(test_partial(driver, limbs, 2, csv, borrowed, &err), SOTTO_ERROR_TYPE);
    assert_true(limbs[0] == 0 && limbs[1] == 0);
    catalogue->columns[0].name[0] = 'z';
    assert_int_equal(test_partial(driver, limbs, 2, csv, borrowed, &err), SOTTO_ERROR_NOT_FOUND);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
}

/* --- Results of others --- */

/* Replaces the first `old` of text by `new`, in a copy that is ended by free. */
static char *change(const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);
    assert_non_null(at);
    char *out = malloc(strlen(text) + strlen(new) + 1);
    assert_non_null(out);
    (void)sprintf(out, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    return out;
}

static bool is_result(const struct sotto_driver *driver, const char *text, uint32_t survived)
{
    bool is = false;
    assert_ok(sotto_driver_is_result(driver, &is, text, survived, NULL, 0, NULL));
    return is;
}

static void test_a_result_of_another(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b \"q\" \xc3\xa4", "c"};
    static const struct sotto_result_absentee missing[] = {{"d", "it was away"}};
    static const struct {
        const char *old;
        const char *new;
    } lies[] = {
        {"1200.0", "1201.0"},
        {"\"exact\": \"1200\"", "\"exact\": \"1201\""},
        {"\"survived\": 3", "\"survived\": 4"},
        {"\"joined\": 3", "\"joined\": 2"},
        {"\"joined\": 3", "\"joined\": 5"},
        {"\"joined\": 3", "\"joined\": -1"},
        {"\"joined\": 3", "\"joined\": \"3\""},
        {"\"invited\": 4", "\"invited\": 5"},
        {"\"names\": [\"a\", ", "\"names\": ["},
        {"\"names\": [\"a\", ", "\"names\": [3, "},
        {"it was away", "it was away\", \"a\": \"b"},
        {"\"why\"", "\"how\""},
        {"\"parties\"", "\"partys\""},
        {"int64", "decimal"},
        {"\"conversions\": []", "\"conversions\": [\"none\"]"},
        {"{\"outputs\"", " {\"outputs\""},
        {"{\"outputs\"", "[{\"outputs\""},
    };
    struct sotto_plan *plan = test_plan_of("sum(a)");
    struct sotto_type type = {.kind = SOTTO_KIND_INT64};
    struct sotto_driver *driver = driver_of(plan, &type);
    struct sotto_result_parties parties = {.invited = 4,
                                           .joined = 3,
                                           .survived = 3,
                                           .names = names,
                                           .names_len = 3,
                                           .missing = missing,
                                           .missing_len = 1};
    uint64_t limbs[4] = {0};
    char *json = NULL;
    assert_int_equal(sotto_driver_limbs_len(driver), 2);
    limbs[0] = 1200;
    assert_ok(sotto_driver_advance(driver, limbs, 2, NULL));
    assert_ok(sotto_driver_result(driver, &json, &parties, NULL, 0, NULL));
    assert_true(is_result(driver, json, 3));
    assert_false(is_result(driver, json, 4));
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        char *lie = change(json, lies[i].old, lies[i].new);
        assert_false(is_result(driver, lie, 3));
        free(lie);
    }
    assert_false(is_result(driver, "", 3));
    assert_false(is_result(driver, "{}", 3));

    /* Other people's names are theirs to say; exact texts may be left out. */
    char *renamed = change(json, "\"c\"]", "\"carol\"]");
    assert_true(is_result(driver, renamed, 3));
    free(renamed);
    sotto_result_strip_exact(json);
    assert_true(is_result(driver, json, 3));
    sotto_free(json);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
}

/* --- The schema as bytes --- */

static void test_schema_bytes(void **state)
{
    (void)state;
    struct sotto_plan *plan = test_plan_of("mean(a) + mean(b)");
    struct sotto_schema_field fields[] = {
        {.type = {.kind = SOTTO_KIND_DECIMAL, .scale = 18}},
        {.type = {.kind = SOTTO_KIND_FLOAT64}, .digits_lost = true, .exponent_inexact = true}};
    struct sotto_schema schema = {
        .fields = fields,
        .fields_len = 2,
        .rules = {.profile = "safe", .min_rows = 10, .dominance = 12},
    };
    struct sotto_schema back = {0};
    struct sotto_writer writer;
    struct sotto_reader reader;
    sotto_writer_init(&writer, 100);
    sotto_schema_write(&schema, &writer);
    assert_int_equal(writer.data_bytes, 34);
    sotto_reader_init(&reader, writer.data, writer.data_bytes);
    assert_ok(sotto_schema_read(&back, plan, &reader));
    assert_true(sotto_reader_finished(&reader));
    assert_int_equal(back.fields[0].type.scale, 18);
    assert_true(back.fields[1].digits_lost && back.fields[1].exponent_inexact);
    assert_string_equal(back.rules.profile, "safe");
    assert_int_equal(back.rules.min_rows, 10);
    assert_int_equal(back.rules.dominance, 12);
    sotto_schema_release(&back);
    for (size_t cut = 0; cut < writer.data_bytes; cut++) {
        sotto_reader_init(&reader, writer.data, cut);
        assert_int_equal(sotto_schema_read(&back, plan, &reader), SOTTO_ERROR_INPUT);
        assert_null(back.fields);
    }
    static const uint8_t wrong[][2] = {{4, 6}, {5, 19}, {6, 4}, {6, 1},  {6, 8},   {7, 6},   {8, 1},
                                       {9, 8}, {0, 3},  {4, 1}, {10, 1}, {14, 16}, {18, 'S'}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t before = writer.data[wrong[i][0]];
        writer.data[wrong[i][0]] = wrong[i][1];
        sotto_reader_init(&reader, writer.data, writer.data_bytes);
        assert_int_equal(sotto_schema_read(&back, plan, &reader), SOTTO_ERROR_INPUT);
        writer.data[wrong[i][0]] = before;
    }
    sotto_writer_release(&writer);
    sotto_plan_free(plan);
}

/* --- NIST's NumAcc, from their definitions --- */

static void num_acc(const char *first, const char *odd, const char *even, const char *mean)
{
    char *parties[3] = {NULL};
    for (size_t party = 0; party < 3; party++) {
        parties[party] = malloc(8192);
        assert_non_null(parties[party]);
        strcpy(parties[party], "y\n");
    }
    for (size_t i = 0; i < 1001; i++) {
        char *text = parties[i * i % 3];
        strcat(text, i == 0 ? first : i % 2 == 1 ? odd : even);
        strcat(text, "\n");
    }
    char part[100];
    (void)snprintf(part, sizeof part, "{\"value\": %s, \"exact\": \"%s\"}", mean, mean);
    test_gives("x=mean(y)", (const char *const *)parties, 3, part);
    for (size_t party = 0; party < 3; party++) {
        free(parties[party]);
    }
}

static void test_nist_num_acc(void **state)
{
    (void)state;
    test_gives1("x=mean(y)", "y\n10000001\n10000003\n10000002\n",
                "{\"value\": 10000002.0, \"exact\": \"10000002\"}");
    num_acc("1.2", "1.1", "1.3", "1.2");
    num_acc("1000000.2", "1000000.1", "1000000.3", "1000000.2");
    num_acc("10000000.2", "10000000.1", "10000000.3", "10000000.2");
}

/* The data part of a file of NIST's as a CSV file of one column. */
static void nist_file(const char *name, const char *part)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", SOTTO_TEST_NIST, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = malloc(65536);
    assert_non_null(text);
    size_t bytes = fread(text, 1, 65535, file);
    (void)fclose(file);
    text[bytes] = '\0';
    char *data = strstr(text, "Data: Y\n");
    assert_non_null(data);
    data = strchr(data + 8, '\n'); /* after the rule of dashes */
    assert_non_null(data);
    data[-1] = 'y'; /* the last dash becomes the header */
    test_gives1("x=mean(y)", data - 1, part);
    free(text);
}

static void test_nist_files(void **state)
{
    (void)state;
    nist_file("NumAcc4.dat", "{\"value\": 10000000.2, \"exact\": \"10000000.2\"}");
    nist_file("Lottery.dat", "{\"value\": 518.9587155963303, \"exact\": \"113133/218\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_what_is_not_finite),
        cmocka_unit_test(test_parties_of_different_types),
        cmocka_unit_test(test_types_that_do_not_fit),
        cmocka_unit_test(test_slots_are_what_is_needed),
        cmocka_unit_test(test_aggregates_that_cannot_be),
        cmocka_unit_test(test_a_failed_partial_is_zero),
        cmocka_unit_test(test_a_result_of_another),
        cmocka_unit_test(test_schema_bytes),
        cmocka_unit_test(test_nist_num_acc),
        cmocka_unit_test(test_nist_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
