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

/* The cells of all columns, by both readers. */
static void check_cells(const char *text, const struct sotto_csv_options *options,
                        const char *const *cells, size_t columns_len)
{
    for (int serial = 0; serial < 2; serial++) {
        struct sotto_csv *csv = NULL;
        assert_ok(sotto_csv_open_fd(&csv, test_file(text, strlen(text)), "t.csv", options, NULL));
        csv->serial = serial == 1;
        csv->chunk_bytes = 7;
        csv->format.window_bytes = 5;
        struct sotto_catalogue *catalogue = test_catalogue(csv);
        struct sotto_table *table = test_table(csv, catalogue, false);
        assert_int_equal(catalogue->columns_len, columns_len);
        for (size_t i = 0; i < columns_len; i++) {
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

/* Lines around the table and among its rows that are none of it. */
static void test_lines_around(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct sotto_csv_options options;
        const char *cells[2];
    } cases[] = {
        {"A title, and\n\na,b\n1,2\n", {.skip = 1}, {"1|", "2|"}},
        {"\"open\r\n2\r\na,b\r\n1,2\r\n", {.skip = 2}, {"1|", "2|"}},
        {"x\ry\ra,b\r1,2\r", {.skip = 2}, {"1|", "2|"}},
        {"a,b\n1,2\n3,4\nsum,\n", {.footer = 1}, {"1|3|", "2|4|"}},
        {"a,b\n1,2\n3,4\n\n \nsum,4 \"6\nmade today\n\n\t\n", {.footer = 2}, {"1|3|", "2|4|"}},
        {"a,b\r\n1,2\r\nsum", {.footer = 1}, {"1|", "2|"}},
        {"a,b\r1,2\rsum,7\r", {.footer = 1}, {"1|", "2|"}},
        {"a,b\n1,2\n", {.footer = 1}, {"", ""}},
        {"# one, two\n#\na,b\n1,2\n#3,4\n5,6\n# end", {.comment = '#'}, {"1|5|", "2|6|"}},
        {"# it's 5\" long\na,b\n1,\"x\n#y\"\n# 6\" and\n5,z\n",
         {.comment = '#'},
         {"1|5|", "x\n#y|z|"}},
        {"%\r\na,b\r\n%\r\n1,2\r\n%\r\n", {.comment = '%'}, {"1|", "2|"}},
        {"a,b\n1, #2\n #3,4\n", {.comment = '#'}, {"1|#3|", "#2|4|"}},
        {"note\n# c\na,b\n1,2\n# c\nsum\n", {.skip = 1, .footer = 1, .comment = '#'}, {"1|", "2|"}},
        {"sep=;\na;b\n1;2\n", {.skip = 0}, {"1|", "2|"}},
        {"\xef\xbb\xbfsep=;\r\na;b\r\n1;2\r\n", {.delimiter = ';'}, {"1|", "2|"}},
        {"sep=,\na,b\n1,2\n", {.skip = 0}, {"1|", "2|"}},
        {"sep=|\na title\na|b\n1|2\n", {.skip = 2}, {"1|", "2|"}},
        {"sep=\t\na\tb\n1\t2\n", {.footer = 0}, {"1|", "2|"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_cells(cases[i].text, &cases[i].options, cases[i].cells, 2);
    }
    static const char *const names[] = {"1|"};
    check_cells("sep=a\n1\n", NULL, names, 1); /* that is a name */
    check_cells("sep=\n1\n", NULL, names, 1);
}

static void refuse_open(const char *text, size_t bytes, const struct sotto_csv_options *options,
                        const char *part)
{
    struct sotto_csv *csv = NULL;
    struct sotto_error err = {0};
    assert_int_equal(sotto_csv_open_fd(&csv, test_file(text, bytes), "t.csv", options, &err),
                     SOTTO_ERROR_INPUT);
    assert_contains(err.text, part);
}

static void test_lines_around_refused(void **state)
{
    (void)state;
    struct sotto_csv_options options = {.delimiter = ','};
    refuse_open("sep=;\na;b\n", 10, &options, "t.csv:1: sep=; tells another delimiter");
    options = (struct sotto_csv_options){.decimal_comma = true};
    refuse_open("sep=,\na,b\n", 10, &options, "sep=, tells another delimiter");
    options = (struct sotto_csv_options){.comment = 'x'};
    refuse_open("a\n", 2, &options, "'x' can't begin comments");
    options = (struct sotto_csv_options){.comment = ';', .delimiter = ';'};
    refuse_open("a\n", 2, &options, "that is not the delimiter");
    options = (struct sotto_csv_options){.footer = 1};
    refuse_open("\x1f\x8b\x08\0", 4, &options, "not packed: unpack it first");
    /* Lines of errors are those of the file. */
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_error err = {0};
    options = (struct sotto_csv_options){.skip = 1, .comment = '#'};
    assert_ok(
        sotto_csv_open_fd(&csv, test_file("x\na,b\n#\n1,2\n3\n", 15), "t.csv", &options, NULL));
    assert_int_equal(sotto_csv_catalogue(csv, &catalogue, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, "t.csv:5: expected 2 fields");
    sotto_csv_close(csv);
    options = (struct sotto_csv_options){.skip = 3};
    assert_ok(sotto_csv_open_fd(&csv, test_file("a,b\n1,2\n", 8), "t.csv", &options, NULL));
    assert_int_equal(sotto_csv_catalogue(csv, &catalogue, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, "found an empty file");
    sotto_csv_close(csv);
}

/* A column that is stated to be of booleans has the words that files have for them. */
static void test_booleans_by_other_words(void **state)
{
    (void)state;
    struct sotto_csv_column column = {
        .name = "a", .typed = true, .type = {.kind = SOTTO_KIND_BOOL}};
    struct sotto_csv_options options = {.columns = &column, .columns_len = 1};
    static const char *const cells[] = {"true|false|NA|true|false|true|false|true|false|true|"};
    check_cells("a\n1\n0\nNA\nYES\nno\ny\nN\n\"t\"\nF\nTrue\n", &options, cells, 1);
    static const char *const wrong[] = {"a\n1\n2\n", "a\n1\n01\n", "a\nyes\n1.0\n", "a\nja\nno\n",
                                        "a\n\x11\n1\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        for (int serial = 0; serial < 2; serial++) {
            struct sotto_csv *csv = NULL;
            struct sotto_catalogue *catalogue = NULL;
            struct sotto_error err = {0};
            assert_ok(sotto_csv_open_fd(&csv, test_file(wrong[i], strlen(wrong[i])), "t.csv",
                                        &options, NULL));
            csv->serial = serial == 1;
            assert_int_equal(sotto_csv_catalogue(csv, &catalogue, &err), SOTTO_ERROR_INPUT);
            assert_contains(err.text, "column \"a\": expected bool as configured, found \"");
            sotto_csv_close(csv);
        }
    }
}

/* By the owner's own words, and by no others. */
static void test_booleans_by_the_owners_words(void **state)
{
    (void)state;
    static const char *const forms[] = {"ja/nein", "1/2", "\xC3\xA4/TRUE"};
    static const char *const texts[] = {"a\nja\nnein\nNA\n\"ja\"\n", "a\n1\n2\nNA\n1\n",
                                        "a\n\xC3\xA4\nTRUE\nNA\n \xC3\xA4 \n"};
    static const char *const cells[] = {"true|false|NA|true|"};
    static const char *const wrong[] = {"a\nja\nJa\n", "a\ntrue\n", "a\nja\n1\n", "a\nja/nein\n",
                                        "a\nj\n"};
    struct sotto_csv_column column = {
        .name = "a", .typed = true, .type = {.kind = SOTTO_KIND_BOOL}};
    struct sotto_csv_options options = {.columns = &column, .columns_len = 1};
    struct sotto_csv *csv = NULL;
    struct sotto_error err = {0};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        column.form = forms[i];
        check_cells(texts[i], &options, cells, 1);
    }
    column.form = forms[0];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sotto_catalogue *catalogue = NULL;
        assert_ok(sotto_csv_open_fd(&csv, test_file(wrong[i], strlen(wrong[i])), "t.csv", &options,
                                    NULL));
        assert_int_equal(sotto_csv_catalogue(csv, &catalogue, &err), SOTTO_ERROR_INPUT);
        assert_contains(err.text, "expected \"ja\" or \"nein\" as configured, found \"");
        sotto_csv_close(csv);
    }
    column.form = "some/none";
    static const char *const na_words[] = {"none"};
    options.na_words = na_words;
    options.na_words_len = 1;
    assert_int_equal(sotto_csv_open_fd(&csv, test_file("a\n", 2), "t.csv", &options, &err),
                     SOTTO_ERROR_INPUT);
    assert_contains(err.text, "the word \"none\", which stands for a missing value");
    static const char *const no_words[] = {"",      "ja",    "/",     "ja/",   "/nein",
                                           "ja/ja", "a/b/c", " ja/b", "ja/b ", "ja /b"};
    for (size_t i = 0; i < sizeof no_words / sizeof no_words[0]; i++) {
        assert_false(sotto_csv_words_are_valid(no_words[i]));
    }
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
        {.name = "d", .typed = true, .type = {.kind = SOTTO_KIND_DATE}, .form = "%d.%m.%Y"},
        {.name = "n", .typed = true, .type = {.kind = SOTTO_KIND_DATE}, .form = "%Y%m%d"},
        {.name = "t", .typed = true, .type = {.kind = SOTTO_KIND_DATETIME}},
        {.name = "u",
         .typed = true,
         .type = {.kind = SOTTO_KIND_DATETIME_UTC},
         .form = "%H:%M %d.%m.%Y %z"},
    };
    for (int serial = 0; serial < 2; serial++) {
        struct sotto_csv *csv = NULL;
        struct sotto_catalogue *catalogue = NULL;
        struct sotto_error err = {0};
        const char text[] = "d,n,x,t,u,v\n"
                            "31.12.2019,20200229,2020-01-31,2020-01-31,1:00 31.1.2020 +02,\n"
                            "NA,NA,,NA,NA,2020-01-31 12:00\n"
                            "1.3.0001,99991231,,2020-01-31 07:00:00.5,0:00 1.1.1970 Z,NA\n";
        const struct sotto_csv_options options = {.columns = columns, .columns_len = 4};
        assert_ok(sotto_csv_open_fd(&csv, test_file(text, strlen(text)), "t.csv", &options, NULL));
        csv->serial = serial != 0;
        assert_ok(sotto_csv_catalogue(csv, &catalogue, &err));
        struct sotto_csv_wanted wanted[] = {{.column = 0, .type = catalogue->columns[0].type},
                                            {.column = 1, .type = catalogue->columns[1].type},
                                            {.column = 2, .type = catalogue->columns[2].type},
                                            {.column = 0, .type = {.kind = SOTTO_KIND_STRING}},
                                            {.column = 3, .type = catalogue->columns[3].type},
                                            {.column = 4, .type = catalogue->columns[4].type},
                                            {.column = 5, .type = {.kind = SOTTO_KIND_DATETIME}},
                                            {.column = 0, .type = {.kind = SOTTO_KIND_DATETIME}}};
        static const char *const cells[] = {"2019-12-31|NA|0001-03-01|",
                                            "2020-02-29|NA|9999-12-31|",
                                            "2020-01-31|NA|NA|",
                                            "31.12.2019|NA|1.3.0001|",
                                            "2020-01-31T00:00:00|NA|2020-01-31T07:00:00.500000|",
                                            "2020-01-30T23:00:00Z|NA|1970-01-01T00:00:00Z|",
                                            "NA|2020-01-31T12:00:00|NA|",
                                            "2019-12-31T00:00:00|NA|0001-03-01T00:00:00|"};
        struct sotto_table *table = NULL;
        assert_ok(sotto_table_load(&table, csv, catalogue, wanted, 8, &err));
        for (size_t i = 0; i < 8; i++) {
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
         "x\nTrue\n\n2\n",
         "t.csv:4: column \"x\": expected bool"},
        {{.name = "x", .typed = true, .type = {.kind = SOTTO_KIND_DECIMAL, .scale = 1}},
         "x\n1.25\n",
         "t.csv:2: column \"x\": expected decimal"},
        {{.name = "x", .typed = true, .type = {.kind = SOTTO_KIND_DATE}},
         "x\n2020-01-31\n2023-02-29\n",
         "t.csv:3: column \"x\": expected date"},
        {{.name = "x", .typed = true, .type = {.kind = SOTTO_KIND_DATE}, .form = "%d.%m.%Y"},
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
        cmocka_unit_test(test_lines_around),
        cmocka_unit_test(test_lines_around_refused),
        cmocka_unit_test(test_booleans_by_other_words),
        cmocka_unit_test(test_booleans_by_the_owners_words),
        cmocka_unit_test(test_stated_types),
        cmocka_unit_test(test_date_formats),
        cmocka_unit_test(test_values_beyond_a_stated_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
