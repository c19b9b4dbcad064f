/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a file before it is read: delimiter, decimal comma, missing words, types. */
#include "dataset/file/file.h"
#include "files.h"
#include "test.h"

#include <fcntl.h>
#include <sotto/alloc.h>
#include <sotto/bytes.h>

static struct sotto_csv *open_comma(const char *name, const char *content, char delimiter)
{
    struct sotto_csv_options options = {.delimiter = delimiter, .decimal_comma = true};
    struct sotto_csv *csv = NULL;
    assert_ok(sotto_csv_open_fd(&csv, test_file(content, strlen(content)), name, &options, NULL));
    return csv;
}

static void test_decimal_comma(void **state)
{
    (void)state;
    static const char *const names[] = {"t.csv", "t.tsv", "t.csv"};
    static const char *const texts[] = {
        "a;b;c;d;e\n1,25;1.5;-,5e1;7,;0,12345678901234567890123\n-3;2;1;;\n",
        "a\tb\tc\td\te\n1,25\t1.5\t-,5e1\t7,\t0,12345678901234567890123\n-3\t2\t1\t\t\n",
        "a|b|c|d|e\n1,25|1.5|\"-,5e1\"|7,|0,12345678901234567890123\n\"-3\"|2|1||\n"};
    static const char *const cells[] = {"1.25|-3.00|", "1.5|2|", "-0x1.4p+2|0x1p+0|", "7|NA|",
                                        "0x1.f9add3746f65fp-4|NA|"};
    for (int way = 0; way < 6; way++) {
        struct sotto_csv *csv = open_comma(names[way / 2], texts[way / 2], way / 2 == 2 ? '|' : 0);
        csv->serial = way % 2 != 0;
        struct sotto_catalogue *catalogue = test_catalogue(csv);
        struct sotto_table *table = test_table(csv, catalogue, false);
        assert_int_equal(catalogue->columns_len, 5);
        for (size_t i = 0; i < 5; i++) {
            struct sotto_column column = sotto_table_column(table, i);
            char *found = test_cells(&column);
            assert_string_equal(found, cells[i]);
            assert_int_equal(catalogue->columns[i].digits_lost, i == 4);
            sotto_free(found);
        }
        sotto_table_free(table);
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
    }
    struct sotto_csv *csv = open_comma("t.csv", "1,5;2\n", 0);
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_error err = {0};
    assert_int_equal(sotto_csv_catalogue(csv, &catalogue, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, "found only numbers");
    sotto_csv_close(csv);
    /* A missing-value word that is a number. */
    static const char *const words[] = {"-9,0"};
    struct sotto_csv_options options = {
        .decimal_comma = true, .na_words = words, .na_words_len = 1};
    assert_ok(sotto_csv_open_fd(&csv, test_file("a\n-9,0\n-9,00\n", 13), "t", &options, NULL));
    catalogue = test_catalogue(csv);
    assert_int_equal(catalogue->columns[0].missing, 1);
    assert_int_equal(catalogue->columns[0].type.scale, 2);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    options.delimiter = ',';
    assert_int_equal(sotto_csv_open_fd(&csv, test_file("a\n", 2), "t.csv", &options, &err),
                     SOTTO_ERROR_INPUT);
    assert_contains(err.text, "t.csv: a comma can't be the delimiter");
}

static void test_options(void **state)
{
    (void)state;
    static const char text[] = "a\tb\nx;y\t-999\n\t5\n";
    static const char *const words[] = {"-999"};
    struct sotto_csv *csv = NULL;
    assert_ok(sotto_csv_open_fd(&csv, test_file(text, strlen(text)), "t.tsv", NULL, NULL));
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    assert_int_equal(catalogue->columns_len, 2);
    assert_int_equal(catalogue->columns[0].missing, 1);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    struct sotto_csv_options options = {.delimiter = '\t', .na_words = words, .na_words_len = 1};
    assert_ok(sotto_csv_open_fd(&csv, test_file(text, strlen(text)), "t.csv", &options, NULL));
    catalogue = test_catalogue(csv);
    assert_int_equal(catalogue->columns[0].missing, 0);
    assert_int_equal(catalogue->columns[1].missing, 1);
    assert_int_equal(catalogue->columns[1].type.kind, SOTTO_KIND_INT64);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

static enum sotto_status catalogue_with(struct sotto_catalogue **out, struct sotto_csv **out_csv,
                                        const char *text, const struct sotto_csv_column *columns,
                                        size_t len, struct sotto_error *err)
{
    struct sotto_csv_options options = {.columns = columns, .columns_len = len};
    assert_ok(sotto_csv_open_fd(out_csv, test_file(text, strlen(text)), "t.csv", &options, NULL));
    return sotto_csv_catalogue(*out_csv, out, err);
}

static void test_stated_types(void **state)
{
    (void)state;
    static const struct sotto_csv_column columns[] = {
        {.name = "id", .typed = true, .type = {.kind = SOTTO_KIND_STRING}},
        {.name = "x", .typed = true, .type = {.kind = SOTTO_KIND_DECIMAL, .scale = 4}},
        {.name = "none", .typed = true, .type = {.kind = SOTTO_KIND_FLOAT64}},
        {.name = "secret", .hidden = true},
    };
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_error err = {0};
    assert_ok(catalogue_with(&catalogue, &csv, "id,x,none,secret\n007,1.5,,3\n8,2,NA,4\n", columns,
                             4, &err));
    assert_int_equal(catalogue->columns[0].type.kind, SOTTO_KIND_STRING);
    assert_int_equal(catalogue->columns[1].type.scale, 4);
    assert_int_equal(catalogue->columns[2].type.kind, SOTTO_KIND_FLOAT64);
    assert_int_equal(sotto_catalogue_find(catalogue, "none"), 2);
    assert_int_equal(sotto_catalogue_find(catalogue, "secret"), SOTTO_NONE);
    struct sotto_csv_wanted wanted = {.column = 3, .type = catalogue->columns[3].type};
    struct sotto_table *table = NULL;
    assert_int_equal(sotto_table_load(&table, csv, catalogue, &wanted, 1, &err),
                     SOTTO_ERROR_NOT_FOUND);
    wanted = (struct sotto_csv_wanted){.column = 1, .type = catalogue->columns[1].type};
    assert_ok(sotto_table_load(&table, csv, catalogue, &wanted, 1, &err));
    struct sotto_column column = sotto_table_column(table, 0);
    char *cells = test_cells(&column);
    assert_string_equal(cells, "1.5000|2.0000|");
    sotto_free(cells);
    sotto_table_free(table);
    /* All of it goes through bytes. */
    struct sotto_buffer bytes = {0};
    struct sotto_catalogue *decoded = NULL;
    assert_ok(sotto_catalogue_encode(catalogue, &bytes));
    assert_ok(sotto_catalogue_decode(&decoded, bytes.data, bytes.data_bytes));
    assert_int_equal(sotto_catalogue_find(decoded, "secret"), SOTTO_NONE);
    sotto_buffer_release(&bytes);
    sotto_catalogue_free(decoded);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

/* Dates as their owner writes them, by both readers; what a format reads as a number too. */
static void test_date_formats(void **state)
{
    (void)state;
    static const struct sotto_csv_column columns[] = {
        {.name = "d", .typed = true, .type = {.kind = SOTTO_KIND_DATE}, .date_format = "%d.%m.%Y"},
        {.name = "n", .typed = true, .type = {.kind = SOTTO_KIND_DATE}, .date_format = "%Y%m%d"},
    };
    for (int serial = 0; serial < 2; serial++) {
        struct sotto_csv *csv = NULL;
        struct sotto_catalogue *catalogue = NULL;
        struct sotto_error err = {0};
        const char text[] = "d,n,x\n31.12.2019,20200229,2020-01-31\nNA,NA,\n1.3.0001,99991231,\n";
        const struct sotto_csv_options options = {.columns = columns, .columns_len = 2};
        assert_ok(sotto_csv_open_fd(&csv, test_file(text, strlen(text)), "t.csv", &options, NULL));
        csv->serial = serial != 0;
        assert_ok(sotto_csv_catalogue(csv, &catalogue, &err));
        struct sotto_csv_wanted wanted[] = {{.column = 0, .type = catalogue->columns[0].type},
                                            {.column = 1, .type = catalogue->columns[1].type},
                                            {.column = 2, .type = catalogue->columns[2].type},
                                            {.column = 0, .type = {.kind = SOTTO_KIND_STRING}}};
        static const char *const cells[] = {"2019-12-31|NA|0001-03-01|",
                                            "2020-02-29|NA|9999-12-31|", "2020-01-31|NA|NA|",
                                            "31.12.2019|NA|1.3.0001|"};
        struct sotto_table *table = NULL;
        assert_ok(sotto_table_load(&table, csv, catalogue, wanted, 4, &err));
        for (size_t i = 0; i < 4; i++) {
            struct sotto_column column = sotto_table_column(table, i);
            char *found = test_cells(&column);
            assert_string_equal(found, cells[i]);
            sotto_free(found);
        }
        sotto_table_free(table);
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
    }
}

static void test_values_beyond_a_stated_type(void **state)
{
    (void)state;
    static const struct {
        struct sotto_csv_column column;
        const char *text;
        const char *part;
    } cases[] = {
        {{.name = "x", .typed = true, .type = {.kind = SOTTO_KIND_INT64}},
         "x\n1\n2.5\n",
         "t.csv:3: column \"x\": expected int64 as configured"},
        {{.name = "x", .typed = true, .type = {.kind = SOTTO_KIND_BOOL}},
         "x\nTrue\n\n1\n",
         "t.csv:4: column \"x\": expected bool"},
        {{.name = "x", .typed = true, .type = {.kind = SOTTO_KIND_DECIMAL, .scale = 1}},
         "x\n1.25\n",
         "t.csv:2: column \"x\": expected decimal"},
        {{.name = "x", .typed = true, .type = {.kind = SOTTO_KIND_DATE}},
         "x\n2020-01-31\n2023-02-29\n",
         "t.csv:3: column \"x\": expected date"},
        {{.name = "x", .typed = true, .type = {.kind = SOTTO_KIND_DATE}, .date_format = "%d.%m.%Y"},
         "x\n31.1.2020\n2020-01-31\n",
         "t.csv:3: column \"x\": expected date"},
        {{.name = "x", .typed = true, .type = {.kind = SOTTO_KIND_DATE}},
         "x\n2020-01-31\n7\n",
         "t.csv:3: column \"x\": expected date"},
        {{.name = "y"}, "x\n1\n", "t.csv:1: expected a column \"y\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sotto_csv *csv = NULL;
        struct sotto_catalogue *catalogue = NULL;
        struct sotto_error err = {0};
        assert_int_equal(catalogue_with(&catalogue, &csv, cases[i].text, &cases[i].column, 1, &err),
                         SOTTO_ERROR_INPUT);
        assert_contains(err.text, cases[i].part);
        sotto_csv_close(csv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal_comma),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_stated_types),
        cmocka_unit_test(test_date_formats),
        cmocka_unit_test(test_values_beyond_a_stated_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
