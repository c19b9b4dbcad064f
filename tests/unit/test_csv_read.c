/* SPDX-License-Identifier: Apache-2.0 */
/* CSV texts as typed columns, and what the catalogue says of them. */
#include "dataset/file/file.h"
#include "files.h"
#include "test.h"

#include <fcntl.h>
#include <fenv.h>
#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <stdio.h>
#include <stdlib.h>

static void reads(const char *text, const char *expected)
{
    char *cells = test_read(text, NULL);
    assert_string_equal(cells, expected);
    sotto_free(cells);
}

static void test_grammar(void **state)
{
    (void)state;
    struct sotto_type string = {.kind = SOTTO_KIND_STRING};
    static const struct {
        const char *text;
        const char *cells;
    } cases[] = {
        {"\xef\xbb\xbf"
         "a,b\nx,1\n",
         "x|"},
        {"\xef\xbb\xbf\"a\",b\nx,1\n", "x|"},
        {"a\nx\r\ny\rz", "x|y|z|"},
        {"a\n\n  \nx\n\t\n\r\ny\n\n", "x|y|"},
        {"a,b\n x y\t, 2 \n", "x y|"},
        {"a,b\n \" x \" ,2\n", " x |"},
        {"a,b\n\"x\"\"y\",2\n", "x\"y|"},
        {"a,b\n\"x,\r\ny\",2\nz,1", "x,\r\ny|z|"},
        {"a,b\n\"\",2\n,3\n", "NA|NA|"},
        {"a\n\"\"\nx\n", "NA|x|"},
        {" a ,b\n007,1\n", "007|"},
        {"a\n\xe2\x82\xac\n", "\xe2\x82\xac|"},
        {"a", ""},
        {"a,b\r\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *cells = test_read(cases[i].text, &string);
        assert_string_equal(cells, cases[i].cells);
        sotto_free(cells);
    }
}

static void test_types_of_columns(void **state)
{
    (void)state;
    reads("a\n1\n-2\n\"3\"\n\" 4 \"\n", "1|-2|3|4|");
    reads("a\n1\n2.50\n-.125\nNA\n", "1.000|2.500|-0.125|NA|");
    reads("a\n1\n1e0\n-0.0\n", "0x1p+0|0x1p+0|0x0p+0|");
    reads("a\n1\ninf\n-Infinity\n", "0x1p+0|inf|-inf|");
    reads("a\nTrue\nnull\nfalse\n", "true|NA|false|");
    reads("a\nTrue\n1\n", "True|1|");
    reads("a\n1\nx\n1e5\n", "1|x|1e5|");
    reads("a\n2020-02-29\n \"0001-01-01\" \nNA\n9999-12-31\n",
          "2020-02-29|0001-01-01|NA|9999-12-31|");
    reads("a\n2020-02-29\n2023-02-29\n", "2020-02-29|2023-02-29|");
    reads("a\n2020-02-29\n20200229\n1.5\n", "2020-02-29|20200229|1.5|");
    reads("a\n7\n2020-02-29\n", "7|2020-02-29|");
    reads("a\nTrue\n2020-02-29\n", "True|2020-02-29|");
    reads("a\nNA\n\"NaN\"\n#N/A N/A\n", "NA|NA|NA|");
    reads("a\n9223372036854775807\n0.000000000000000001\n",
          "9223372036854775807.000000000000000000|0.000000000000000001|");
    reads("a\n5.\n-0\n", "5|0|");
    reads("a\n0.1\n12345678901234567890\n", "0x1.999999999999ap-4|0x1.56a95319d63e1p+63|");
}

static void test_catalogue_says_what_is_there(void **state)
{
    (void)state;
    struct sotto_csv *csv =
        test_csv("i,d,f,s,n,b,l\n1,1.25,1e3,x,,True,0.12345678901234567890123\n,3,2,,NA,,1\n");
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    static const struct sotto_type types[] = {
        {.kind = SOTTO_KIND_INT64},   {.kind = SOTTO_KIND_DECIMAL, .scale = 2},
        {.kind = SOTTO_KIND_FLOAT64}, {.kind = SOTTO_KIND_STRING},
        {.kind = SOTTO_KIND_NULL},    {.kind = SOTTO_KIND_BOOL},
        {.kind = SOTTO_KIND_FLOAT64},
    };
    static const uint64_t missing[] = {1, 0, 0, 1, 2, 1, 0};
    assert_int_equal(catalogue->rows, 2);
    assert_int_equal(catalogue->columns_len, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(catalogue->columns[i].type.kind, types[i].kind);
        assert_int_equal(catalogue->columns[i].type.scale, types[i].scale);
        assert_int_equal(catalogue->columns[i].missing, missing[i]);
        assert_int_equal(catalogue->columns[i].digits_lost, i == 6);
    }
    assert_int_equal(sotto_catalogue_find(catalogue, "s"), 3);
    assert_true(sotto_catalogue_find(catalogue, "S") == SOTTO_NONE);
    sotto_catalogue_free(catalogue);
    sotto_catalogue_free(NULL);
    sotto_csv_close(csv);
}

/* By both readers. */
static void loses_digits(const char *text, bool expected)
{
    for (int serial = 0; serial < 2; serial++) {
        struct sotto_csv *csv = test_csv(text);
        csv->serial = serial != 0;
        struct sotto_catalogue *catalogue = test_catalogue(csv);
        if (catalogue->columns[0].digits_lost != expected) {
            print_error("%s: digits_lost is %d\n", text, !expected);
            fail();
        }
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
    }
}

static void test_digits_that_are_lost(void **state)
{
    (void)state;
    loses_digits("a\n9007199254740993\n1e0\n", true);
    loses_digits("a\n1e0\n9007199254740993\n", true);
    loses_digits("a\n1e0\n-9007199254740993\n", true);
    loses_digits("a\n1e0\n9223372036854775807\n", true);
    loses_digits("a\n1e0\n-9223372036854775808\n", true);
    loses_digits("a\n1e0\n0.1234567890123456\n", true);
    loses_digits("a\ninf\n+1234567890.123456\n", true);
    loses_digits("a\n\"1e0\"\n\"12345678.12345678\"\n", true);
    loses_digits("a\n1e0\n12345678901234567890\n", true);
    /* 15 digits come back from a double, and zeros at the ends are none. */
    loses_digits("a\n1e0\n999999999999999\n0.123456789012345\n", false);
    loses_digits("a\n1e0\n1000000000000000\n-9000000000000000000\n", false);
    loses_digits("a\n1e0\n0000000000000001.5\n1.500000000000000000\n", false);
    /* An exponent changes nothing. */
    loses_digits("a\n9.007199254740993e15\n", true);
    loses_digits("a\n1e0\n-0.00012345678901234567e-300\n", true);
    loses_digits("a\n12345678901234567890e0\n", true);
    loses_digits("a\n0.1e0\n00123456789012345.000e7\n1e23\n1e-400\n1e400\n0e5\n", false);
    /* Other types keep them. */
    loses_digits("a\n9007199254740993\n0.5\n", false);
    loses_digits("a\n9007199254740993\n1e0\nx\n", false);
}

/* A number with an exponent that is no double is catalogued, by both readers, wherever it stands.
 */
static void test_exponents_that_are_no_doubles(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool expected;
    } cases[] = {
        {"0.1e0", true},
        {"1e-1", true},
        {"1e23", true},
        {"1e-400", true},
        {"1e400", true},
        {"-3e-1", true},
        {"1e22", false},
        {"-25e-2", false},
        {"0.5e0", false},
        {"1e3", false},
        {"0e-400", false},
        {"-0.000e9", false},
        {"inf", false},
        {"7e22", true},
        {"4e22", false},
        {"476837158203125e-21", false},
        {"476837158203125e-22", true},
        {"476837158203125e-15", false},
        {"19073486328125e-20", true},
        {"9007199254740993e0", false}, /* which loses digits */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int serial = 0; serial < 2; serial++) {
            char text[100];
            (void)snprintf(text, sizeof text, "a,b\n1e0,0\n%s,1e1\n,\n", cases[i].text);
            struct sotto_csv *csv = test_csv(text);
            csv->serial = serial != 0;
            struct sotto_catalogue *catalogue = test_catalogue(csv);
            if (catalogue->columns[0].exponent_inexact != cases[i].expected) {
                print_error("%s: exponent_inexact is %d\n", cases[i].text, !cases[i].expected);
                fail();
            }
            assert_false(catalogue->columns[1].exponent_inexact);
            sotto_catalogue_free(catalogue);
            sotto_csv_close(csv);
        }
    }
}

static void test_read_as_a_type_above(void **state)
{
    (void)state;
    struct sotto_type scale4 = {.kind = SOTTO_KIND_DECIMAL, .scale = 4};
    struct sotto_type scale18 = {.kind = SOTTO_KIND_DECIMAL, .scale = 18};
    struct sotto_type real = {.kind = SOTTO_KIND_FLOAT64};
    struct sotto_type string = {.kind = SOTTO_KIND_STRING};
    static const char text[] = "a\n1\n2.5\nNA\n-0.1\n";
    char *cells = test_read(text, &scale4);
    assert_string_equal(cells, "1.0000|2.5000|NA|-0.1000|");
    sotto_free(cells);
    cells = test_read("a\n-9223372036854775808\nNA\n3\n", &scale18);
    assert_string_equal(cells, "-9223372036854775808.000000000000000000|NA|3.000000000000000000|");
    sotto_free(cells);
    cells = test_read(text, &real);
    assert_string_equal(cells, "0x1p+0|0x1.4p+1|NA|-0x1.999999999999ap-4|");
    sotto_free(cells);
    cells = test_read("a\n007\n-0\n+1.50\n", &string);
    assert_string_equal(cells, "007|-0|+1.50|");
    sotto_free(cells);
    cells = test_read("a\nNA\n\"\"\n", &scale4);
    assert_string_equal(cells, "NA|NA|");
    sotto_free(cells);
}

static enum sotto_status count_sink(void *context, size_t worker, uint64_t first_row,
                                    const struct sotto_column *columns, size_t columns_len,
                                    size_t rows, struct sotto_error *err)
{
    (void)first_row;
    (void)columns;
    (void)err;
    assert_int_equal(worker, 0);
    assert_int_equal(columns_len, 0);
    *(size_t *)context += rows;
    return SOTTO_OK;
}

static void test_types_below_are_refused(void **state)
{
    (void)state;
    struct sotto_csv *csv = test_csv("a,b\n1.5,x\n");
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_csv_wanted wanted = {.column = 0, .type = {.kind = SOTTO_KIND_INT64}};
    struct sotto_table *table = NULL;
    struct sotto_error err = {0};
    assert_int_equal(sotto_table_load(&table, csv, catalogue, &wanted, 1, &err), SOTTO_ERROR_TYPE);
    assert_contains(err.text, "column \"a\"");
    wanted = (struct sotto_csv_wanted){.column = 1, .type = {.kind = SOTTO_KIND_FLOAT64}};
    assert_int_equal(sotto_table_load(&table, csv, catalogue, &wanted, 1, &err), SOTTO_ERROR_TYPE);
    size_t rows = 0;
    assert_int_equal(sotto_csv_workers(csv), 1);
    assert_ok(sotto_csv_scan(csv, catalogue, NULL, 0, count_sink, &rows, &err));
    assert_int_equal(rows, 1);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

static void test_one_column_twice_and_many_blocks(void **state)
{
    (void)state;
    size_t rows = 30000;
    char *text = malloc(rows * 16);
    assert_non_null(text);
    size_t at = (size_t)sprintf(text, "a,b\n");
    for (size_t i = 0; i < rows; i++) {
        /* The last row makes the last block wide. */
        at += (size_t)sprintf(text + at, i + 1 < rows ? "%zu,%s\n" : "%zu,9e0\n",
                              i + 1 < rows ? i : (size_t)99999999999, i % 3 == 0 ? "" : "0.5");
    }
    struct sotto_csv *csv = test_csv_bytes(text, at);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_csv_wanted wanted[] = {
        {.column = 0, .type = {.kind = SOTTO_KIND_DECIMAL, .scale = 12}},
        {.column = 1, .type = {.kind = SOTTO_KIND_STRING}},
        {.column = 0, .type = {.kind = SOTTO_KIND_INT64}},
    };
    struct sotto_table *table = NULL;
    assert_ok(sotto_table_load(&table, csv, catalogue, wanted, 3, NULL));
    assert_int_equal(sotto_table_rows(table), rows);
    for (size_t i = 0; i < rows; i++) {
        struct sotto_column columns[] = {sotto_table_column(table, 0), sotto_table_column(table, 1),
                                         sotto_table_column(table, 2)};
        char expected[64];
        unsigned long long value = i + 1 < rows ? i : 99999999999;
        assert_true(((const int64_t *)columns[2].values)[i] == (int64_t)value);
        (void)snprintf(expected, sizeof expected, "%llu.000000000000", value);
        char *cell = test_cell(&columns[0], i);
        assert_string_equal(cell, expected);
        sotto_free(cell);
        cell = test_cell(&columns[1], i);
        assert_string_equal(cell, i + 1 == rows ? "9e0" : i % 3 == 0 ? "NA" : "0.5");
        sotto_free(cell);
    }
    assert_true(sotto_table_column(table, 0).wide);
    sotto_table_free(table);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    free(text);
}

static void test_rounding_mode_of_the_caller_does_not_matter(void **state)
{
    (void)state;
    assert_int_equal(fesetround(FE_UPWARD), 0);
    reads("a\n1e0\n0.1\n0.12345678901234567890\n",
          "0x1p+0|0x1.999999999999ap-4|0x1.f9add3746f65fp-4|");
    assert_int_equal(fegetround(), FE_UPWARD);
    assert_int_equal(fesetround(FE_TONEAREST), 0);
}

/* Row names of R and pandas, and a delimiter at each line's end, make columns that nobody finds. */
static void test_columns_without_a_name(void **state)
{
    (void)state;
    static const char *const texts[] = {"\"\",\"x\"\n\"ann\",3\n\"bob\",4\n", "x, \n3,\n4,\n"};
    for (size_t i = 0; i < 2; i++) {
        struct sotto_csv *csv = test_csv(texts[i]);
        struct sotto_catalogue *catalogue = test_catalogue(csv);
        struct sotto_catalogue *decoded = NULL;
        struct sotto_buffer bytes = {0};
        assert_int_equal(catalogue->columns_len, 2);
        assert_int_equal(catalogue->rows, 2);
        assert_string_equal(catalogue->columns[i].name, "");
        assert_true(catalogue->columns[i].hidden);
        assert_int_equal(sotto_catalogue_find(catalogue, ""), SOTTO_NONE);
        assert_int_equal(sotto_catalogue_find(catalogue, "x"), 1 - i);
        assert_int_equal(catalogue->columns[1 - i].type.kind, SOTTO_KIND_INT64);
        assert_ok(sotto_catalogue_encode(catalogue, &bytes));
        assert_ok(sotto_catalogue_decode(&decoded, bytes.data, bytes.data_bytes));
        assert_true(decoded->columns[i].hidden);
        sotto_catalogue_free(decoded);
        sotto_buffer_release(&bytes);
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
    }
}

static void test_catalogue_bytes(void **state)
{
    (void)state;
    struct sotto_csv *csv = test_csv("a,\xc3\xa9,c\n1,0.25,1e3\n,NA,2\n");
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_buffer bytes = {0};
    assert_ok(sotto_catalogue_encode(catalogue, &bytes));
    struct sotto_catalogue *decoded = NULL;
    assert_ok(sotto_catalogue_decode(&decoded, bytes.data, bytes.data_bytes));
    assert_true(sotto_file_identity_equal(&catalogue->identity, &decoded->identity));
    assert_int_equal(decoded->rows, 2);
    assert_int_equal(decoded->columns_len, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(decoded->columns[i].name, catalogue->columns[i].name);
        assert_int_equal(decoded->columns[i].type.kind, catalogue->columns[i].type.kind);
        assert_int_equal(decoded->columns[i].type.scale, catalogue->columns[i].type.scale);
        assert_int_equal(decoded->columns[i].missing, catalogue->columns[i].missing);
    }
    sotto_catalogue_free(decoded);
    decoded = NULL;
    for (size_t cut = 0; cut < bytes.data_bytes; cut++) {
        assert_int_equal(sotto_catalogue_decode(&decoded, bytes.data, cut), SOTTO_ERROR_INPUT);
    }
    /* Any byte may be wrong: no crash, and nothing impossible comes out. */
    for (size_t i = 0; i < bytes.data_bytes; i++) {
        for (int value = 0; value < 256; value += 5) {
            uint8_t before = bytes.data[i];
            bytes.data[i] = (uint8_t)value;
            if (sotto_catalogue_decode(&decoded, bytes.data, bytes.data_bytes) == SOTTO_OK) {
                assert_true(decoded->rows <= decoded->text_bytes);
                sotto_catalogue_free(decoded);
            }
            bytes.data[i] = before;
        }
    }
    sotto_buffer_release(&bytes);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_types_of_columns),
        cmocka_unit_test(test_catalogue_says_what_is_there),
        cmocka_unit_test(test_digits_that_are_lost),
        cmocka_unit_test(test_exponents_that_are_no_doubles),
        cmocka_unit_test(test_read_as_a_type_above),
        cmocka_unit_test(test_types_below_are_refused),
        cmocka_unit_test(test_one_column_twice_and_many_blocks),
        cmocka_unit_test(test_rounding_mode_of_the_caller_does_not_matter),
        cmocka_unit_test(test_columns_without_a_name),
        cmocka_unit_test(test_catalogue_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
