/* SPDX-License-Identifier: Apache-2.0 */

/* Rows that an owner offers only where they have all of some columns: they are those of a file
 * without the others, whatever types the columns have and wherever rows are missing. */

#include "fault.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/source.h>
#include <stdio.h>
#include <string.h>

#define ROWS 3000
#define TEXT_BYTES ((size_t)ROWS * 120)

static const char header[] = "a,b,wide,c,d,e,f,g\n";
static const char *const names[] = {"b", "g"};

/* Fields of all types; column 6 has no value. */
static void write_field(char out[64], size_t column, uint64_t *random)
{
    static const char *const texts[] = {"x", "yy", "z", "a longer text"};
    int value = (int)test_random_below(random, 100000) - 50000;
    int digits = (int)test_random_below(random, 100);
    switch (column) {
    case 1:
        (void)snprintf(out, 64, "%d.%02d", value, digits);
        break;
    case 2:
        (void)snprintf(out, 64, "%d.%017d", value, digits);
        break;
    case 3:
        (void)snprintf(out, 64, "%d.5e0", value);
        break;
    case 4:
        (void)snprintf(out, 64, "%s", value % 2 == 0 ? "true" : "false");
        break;
    case 5:
        (void)snprintf(out, 64, "%s", texts[digits % 4]);
        break;
    default:
        (void)snprintf(out, 64, "%d", value);
        break;
    }
}

/* A row, with gaps. Returns: whether it has b and g. */
static bool write_row(char *out, size_t bytes, uint64_t *random, unsigned gaps)
{
    bool is_left = true;
    size_t at = 0;
    for (size_t i = 0; i < 8; i++) {
        char field[64] = "";
        bool is_there = test_random_below(random, 100) >= gaps && i != 6;
        if (is_there) {
            write_field(field, i, random);
        }
        is_left = is_left && (is_there || (i != 1 && i != 7));
        at += (size_t)snprintf(out + at, bytes - at, "%s%s", i > 0 ? "," : "", field);
        assert_true(at + 1 < bytes);
    }
    (void)snprintf(out + at, bytes - at, "\n");
    return is_left;
}

static struct sotto_driver *make_driver(struct sotto_plan *plan,
                                        const struct sotto_catalogue *catalogue)
{
    struct sotto_schema schema = {0};
    struct sotto_driver *driver = NULL;
    struct sotto_error err = {0};
    assert_ok(sotto_schema_offer(&schema, plan, &catalogue, &err));
    enum sotto_status status = sotto_driver_new(&driver, plan, &schema, &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
    sotto_schema_release(&schema);
    return driver;
}

static void contribute(uint64_t *out, size_t limbs_len, const struct sotto_driver *driver,
                       struct sotto_source *source)
{
    uint8_t withheld[1] = {0};
    struct sotto_error err = {0};
    enum sotto_status status =
        sotto_driver_contribute(driver, out, limbs_len, withheld, &source, NULL, &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
}

static void compare(char *whole, char *left, bool is_kept)
{
    static const char *const outputs[] = {"sum=sum(a) + sum(c)",
                                          "var=var(b)",
                                          "wide=sum(wide)",
                                          "true=sum(d)",
                                          "texts=value_counts(e, 'x', 'yy', 'z')",
                                          "null=count(f)",
                                          "bins=hist(a, -9, 0, 9000)",
                                          NULL};
    struct sotto_plan *plan = test_plan(outputs);
    struct sotto_csv *files[2] = {test_csv(whole), test_csv(left)};
    struct sotto_catalogue *catalogues[2] = {test_catalogue(files[0]), test_catalogue(files[1])};
    struct sotto_driver *driver = make_driver(plan, catalogues[0]);
    size_t len = sotto_driver_limbs_len(driver);
    uint64_t *limbs[2];
    for (size_t i = 0; i < 2; i++) {
        struct sotto_source *source = NULL;
        limbs[i] = sotto_alloc_array(len, sizeof *limbs[i]);
        assert_non_null(limbs[i]);
        assert_ok(sotto_source_new_file(&source, files[i], catalogues[i], NULL));
        if (i == 0) {
            assert_ok(sotto_source_new_complete(&source, source, names, 2, NULL));
        }
        if (i == 0 && is_kept) {
            assert_ok(sotto_source_new_kept(&source, source, SOTTO_KEPT_BYTES_DEFAULT, NULL));
            contribute(limbs[i], len, driver, source);
        }
        contribute(limbs[i], len, driver, source);
        sotto_source_free(source);
    }
    assert_memory_equal(limbs[0], limbs[1], len * sizeof *limbs[0]);
    for (size_t i = 0; i < 2; i++) {
        sotto_free(limbs[i]);
        sotto_catalogue_free(catalogues[i]);
        sotto_csv_close(files[i]);
    }
    sotto_driver_free(driver);
    sotto_plan_free(plan);
}

static void test_rows(void **state)
{
    (void)state;
    static char whole[TEXT_BYTES];
    static char left[TEXT_BYTES];
    uint64_t random = 20261129;
    for (unsigned gaps = 0; gaps <= 100; gaps += 20) {
        size_t at = (size_t)snprintf(whole, sizeof whole, "%s", header);
        size_t left_at = (size_t)snprintf(left, sizeof left, "%s", header);
        for (size_t i = 0; i < ROWS; i++) {
            bool is_left = write_row(whole + at, sizeof whole - at, &random, gaps);
            size_t bytes = strlen(whole + at);
            if (is_left) {
                memcpy(left + left_at, whole + at, bytes + 1);
                left_at += bytes;
            }
            at += bytes;
        }
        compare(whole, left, gaps % 40 == 0);
    }
}

static void test_unknown_columns(void **state)
{
    (void)state;
    static const char *const unknown[] = {"a", "z"};
    struct sotto_csv *csv = test_csv("a,b\n1,2\n");
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_source *source = NULL;
    struct sotto_error err = {0};
    assert_ok(sotto_source_new_file(&source, csv, catalogue, NULL));
    assert_int_equal(sotto_source_new_complete(&source, source, unknown, 2, &err),
                     SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "found z");
    sotto_source_free(source);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

/* Each allocation fails once. */
static void test_no_memory(void **state)
{
    (void)state;
    static const char *const columns[] = {"a"};
    static const char *const outputs[] = {"sum=sum(b)", NULL};
    struct sotto_plan *plan = test_plan(outputs);
    struct sotto_csv *csv = test_csv("a,b\n1,2\n,3\n4,5\n");
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_driver *driver = make_driver(plan, catalogue);
    size_t len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(len, sizeof *limbs);
    bool has_failed = true;
    assert_non_null(limbs);
    for (size_t i = 1; has_failed; i++) {
        struct sotto_source *source = NULL;
        uint8_t withheld[1] = {0};
        fault_allocation_begin(i);
        enum sotto_status status = sotto_source_new_file(&source, csv, catalogue, NULL);
        if (status == SOTTO_OK) {
            status = sotto_source_new_complete(&source, source, columns, 1, NULL);
        }
        if (status == SOTTO_OK) {
            status = sotto_driver_contribute(driver, limbs, len, withheld, &source, NULL, NULL);
        }
        has_failed = fault_allocation_end();
        sotto_source_free(source);
        assert_int_equal(status, has_failed ? SOTTO_ERROR_NO_MEMORY : SOTTO_OK);
    }
    sotto_free(limbs);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_unknown_columns),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
