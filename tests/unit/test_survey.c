/* SPDX-License-Identifier: Apache-2.0 */

/* Summing up while a file is catalogued: the same partial as that of the second reading, bit for
 * bit, or none. */

#include "dataset/file/file.h"
#include "fault.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <omp.h>
#include <sotto/alloc.h>
#include <sotto/survey.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 60000

/* Small chunks and windows, so that each has its own types. */
static struct sotto_csv *open_with(const char *text, const struct sotto_csv_options *options)
{
    struct sotto_csv *csv = NULL;
    assert_ok(sotto_csv_open_fd(&csv, test_file(text, strlen(text)), "t.csv", options, NULL));
    csv->chunk_bytes = 256;
    csv->format.window_bytes = 64;
    return csv;
}

static struct sotto_csv *open_text(const char *text)
{
    return open_with(text, NULL);
}

/* Returns: whether the survey gave a partial, which then is right. */
static bool surveyed(const char *output, const char *text)
{
    struct sotto_csv *csv = open_text(text);
    struct sotto_plan *plan = test_plan_of(output);
    struct sotto_survey *survey = NULL;
    struct sotto_schema offer = {0};
    struct sotto_schema schema = {0};
    struct sotto_driver *driver = NULL;
    assert_ok(sotto_survey_new(&survey, plan, csv, NULL));
    const struct sotto_catalogue *catalogue = sotto_survey_catalogue(survey);
    assert_ok(sotto_schema_offer(&offer, plan, &catalogue, NULL));
    assert_ok(sotto_schema_agree(&schema, plan, &offer, NULL, 1, NULL));
    assert_ok(sotto_driver_new(&driver, plan, &schema, NULL));
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *wanted = sotto_alloc_array(limbs_len, sizeof *wanted);
    uint64_t *found = sotto_alloc_array(limbs_len, sizeof *found);
    assert_true(wanted != NULL && found != NULL);
    assert_ok(test_partial(driver, wanted, limbs_len, csv, catalogue, NULL));
    bool given = sotto_survey_partial(survey, driver, found, limbs_len);
    if (given) {
        assert_memory_equal(found, wanted, limbs_len * sizeof *found);
    }
    assert_false(sotto_survey_partial(survey, driver, found, limbs_len)); /* once */
    sotto_free(wanted);
    sotto_free(found);
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    sotto_schema_release(&offer);
    sotto_survey_free(survey);
    sotto_plan_free(plan);
    sotto_csv_close(csv);
    return given;
}

/* rows lines, of the kind that rank tells: the later, the wider. */
static void fill(char *text, size_t rows, unsigned kinds)
{
    static const char *const values[] = {"NA", "7", "-123456789", "0.5", "12.3456", "1e-3", "x"};
    size_t at = (size_t)sprintf(text, "a,b,s\n");
    for (size_t i = 0; i < rows; i++) {
        const char *value = values[i * kinds / rows];
        at += (size_t)sprintf(text + at, "%s,%zu.25,%s\n", value, i % 97, i % 3 == 0 ? "u" : "v");
    }
}

static const char *const outputs[] = {
    "x=sum(a)",
    "x=var(a) + mean(a * b) - cov(a, b)",
    "x=mean(if(s == 'u', a, b)) + kurt(a)",
    "x=sum(a // 0.3) + sum(a % 7) + sum(round(a, 1))",
    "x=count(s) + sum(a > 1) + any(a)",
    "x=dot(a, b) + sum(sqrt(b) * a)",
    "x=hist(a, -1, 0.5, 10)",
};

static void test_growing_types(void **state)
{
    (void)state;
    char *text = malloc(TEXT_BYTES);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        for (unsigned kinds = 1; kinds <= 5; kinds++) { /* up to decimals of four digits */
            fill(text, 700, kinds);
            assert_true(surveyed(outputs[i], text));
        }
        fill(text, 700, 6); /* a double at the end */
        assert_false(surveyed(outputs[i], text));
    }
    fill(text, 700, 7);
    assert_false(surveyed("x=count(a)", text));
    free(text);
}

static void test_one_type(void **state)
{
    (void)state;
    assert_true(surveyed("x=sum(a)", "a\n"));
    assert_true(surveyed("x=sum(a)", "a\n1e0\n2e0\ninf\n"));
    assert_true(surveyed("x=count(a)", "a\nx\n\"y\nz\"\n"));
    assert_true(surveyed("x=sum(a)", "a\nTrue\nNA\n"));
    assert_false(surveyed("x=sum(*)", "a\n1\n")); /* its columns are not known before */
}

/* Columns whose types change wherever they like. */
static void test_random_types(void **state)
{
    (void)state;
    static const char *const values[] = {"", "1", "22", "-3", "0.5", "4.25", "1.125", "5e-1"};
    char *text = malloc(TEXT_BYTES);
    uint64_t random = 3;
    size_t given = 0;
    assert_non_null(text);
    for (size_t i = 0; i < 300; i++) {
        size_t at = (size_t)sprintf(text, "a,b,s\n");
        size_t rows = test_random_below(&random, 400);
        size_t kinds = 1 + test_random_below(&random, 8);
        for (size_t row = 0; row < rows; row++) {
            size_t most = row * 5 < rows * test_random_below(&random, 6) ? kinds : 1 + kinds / 3;
            at += (size_t)sprintf(text + at, "%s,%s,u\n", values[test_random_below(&random, most)],
                                  values[test_random_below(&random, 1 + kinds / 2)]);
        }
        given += surveyed(outputs[i % (sizeof outputs / sizeof outputs[0])], text);
    }
    assert_true(given > 100);
    free(text);
}

static enum sotto_status survey_of(const char *text, const char *output)
{
    struct sotto_csv *csv = open_text(text);
    struct sotto_plan *plan = test_plan_of(output);
    struct sotto_survey *survey = NULL;
    enum sotto_status status = sotto_survey_new(&survey, plan, csv, NULL);
    sotto_survey_free(survey);
    sotto_plan_free(plan);
    sotto_csv_close(csv);
    return status;
}

static void test_errors(void **state)
{
    (void)state;
    assert_int_equal(survey_of("a,b\n1,2\n3\n", "x=sum(a)"), SOTTO_ERROR_INPUT);
    assert_int_equal(survey_of("a,b\n1,2\n3,\xff\n", "x=sum(a)"), SOTTO_ERROR_INPUT);
    assert_ok(survey_of("a,b\n1,2\n", "x=sum(c)")); /* the offer names it */
    assert_ok(survey_of("a,b\nx,2\n", "x=sum(a)")); /* the driver says so */
}

/* Of b nothing is known but its name, unless its type is stated: then its values must keep it. */
static void test_unread_columns(void **state)
{
    (void)state;
    static const struct sotto_csv_column stated = {
        .name = "b", .typed = true, .type = {.kind = SOTTO_KIND_INT64}};
    static const struct sotto_csv_options options = {.columns = &stated, .columns_len = 1};
    static const char *const texts[] = {"a,b\n1,2\n3,4\n", "a,b\n1,2\n3,x\n"};
    for (size_t i = 0; i < 4; i++) {
        bool is_stated = i % 2 != 0;
        struct sotto_csv *csv = open_with(texts[i / 2], is_stated ? &options : NULL);
        struct sotto_plan *plan = test_plan_of("x=sum(a)");
        struct sotto_survey *survey = NULL;
        enum sotto_status status = sotto_survey_new(&survey, plan, csv, NULL);
        assert_int_equal(status, i == 3 ? SOTTO_ERROR_INPUT : SOTTO_OK);
        if (status == SOTTO_OK) {
            const struct sotto_catalogue *catalogue = sotto_survey_catalogue(survey);
            size_t wanted = is_stated ? 1 : SOTTO_NONE;
            assert_int_equal(sotto_catalogue_find(catalogue, "a"), 0);
            assert_int_equal(sotto_catalogue_find(catalogue, "b"), wanted);
            assert_int_equal(catalogue->columns[1].is_unread, !is_stated);
            assert_int_equal(catalogue->rows, 2);
        }
        sotto_survey_free(survey);
        sotto_plan_free(plan);
        sotto_csv_close(csv);
    }
}

/* A survey does without what it has no memory for, a catalogue can't. */
static void test_lack_of_memory(void **state)
{
    (void)state;
    char *text = malloc(TEXT_BYTES);
    bool failed = true;
    assert_non_null(text);
    fill(text, 200, 4);
    omp_set_num_threads(1);
    for (size_t fail_at = 1; failed; fail_at++) {
        struct sotto_csv *csv = open_text(text);
        struct sotto_plan *plan = test_plan_of("x=sum(a)");
        struct sotto_survey *survey = NULL;
        fault_allocation_begin(fail_at);
        enum sotto_status status = sotto_survey_new(&survey, plan, csv, NULL);
        failed = fault_allocation_end();
        assert_true(status == SOTTO_OK || (failed && status == SOTTO_ERROR_NO_MEMORY));
        if (status == SOTTO_OK) {
            assert_int_equal(sotto_survey_catalogue(survey)->rows, 200);
        }
        sotto_survey_free(survey);
        sotto_plan_free(plan);
        sotto_csv_close(csv);
    }
    free(text);
}

int main(void)
{
    omp_set_num_threads(3);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growing_types),  cmocka_unit_test(test_one_type),
        cmocka_unit_test(test_random_types),   cmocka_unit_test(test_errors),
        cmocka_unit_test(test_unread_columns), cmocka_unit_test(test_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
