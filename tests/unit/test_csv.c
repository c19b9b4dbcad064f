/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/file/file.h"
#include "files.h"
#include "test.h"

#include <fcntl.h>
#include <fenv.h>
#include <omp.h>
#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

/* --- What is refused --- */

static void refuses_bytes(const void *data, size_t bytes, enum sotto_status expected,
                          const char *part)
{
    struct sotto_csv *csv = test_csv_bytes(data, bytes);
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_error err = {0};
    assert_int_equal(sotto_csv_catalogue(csv, &catalogue, &err), expected);
    assert_null(catalogue);
    assert_contains(err.text, part);
    sotto_csv_close(csv);
}

static void refuses(const char *text, const char *part)
{
    refuses_bytes(text, strlen(text), SOTTO_ERROR_INPUT, part);
}

static void test_malformed_texts(void **state)
{
    (void)state;
    refuses("", "t.csv:1: expected a header");
    refuses("\n\n  \n", "t.csv:1: expected a header");
    refuses("\xef\xbb\xbf", "found an empty file");
    refuses("a,b\n1,2\n3\n", "t.csv:3: expected 2 fields as in the header, found 1");
    refuses("a,b\n\n1,2,3\n", "t.csv:3: expected 2 fields as in the header, found 3");
    refuses("a;b\n1;2,5\n",
            "t.csv:2: expected 1 fields as in the header, found 2; is ';' the delimiter?");
    refuses("a,b\r\n\"1\r\n2\",3\r\n4\r\n", "t.csv:4: expected 2 fields");
    refuses("a\r1\r1,2\r", "t.csv:3: expected 1 fields");
    refuses("a,b\n1,\"2\n3\n", "t.csv:2: column \"b\": unclosed quote");
    refuses("a,b\n1\n2,3", "t.csv:2: expected 2 fields");
    refuses("a,b\n1,2\"\n", "t.csv:2: column \"b\": stray quote");
    refuses("a,b\n\"1\"x,2\n", "t.csv:2: column \"a\": stray quote");
    refuses("a,b\n\"1\n\"x,2\n", "t.csv:3: column \"a\": stray quote");
    refuses("a,\"b\n", "t.csv:1: column 2: unclosed quote");
    refuses("a,,c\n", "t.csv:1: column 2: expected a name");
    refuses("a,\" \",c\n", "t.csv:1: column 2: expected a name");
    refuses("a,b, a \n", "found \"a\" as column 1 and as column 3");
    refuses("1,2.5,-3e5\n4,5,6\n", "found only numbers");
    refuses("2024\n1\n", "found only numbers");
    refuses("a,b\n1,\xff\n", "t.csv:2: column \"b\": expected UTF-8");
    refuses("a,b\n1,\xed\xa0\x80\n", "column \"b\": expected UTF-8");
    refuses("a\xc3,b\n1,2\n", "t.csv:1: column 1: expected UTF-8");
    refuses_bytes("a,b\n1,x\0y\n", 10, SOTTO_ERROR_INPUT,
                  "t.csv:2: column \"b\": expected text, found a NUL");
    refuses_bytes("\xff\xfe"
                  "a\0,\0",
                  6, SOTTO_ERROR_INPUT, "found UTF-16");
}

static void test_a_header_of_numbers(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "inf", "-inf", "+inf",  "INF",  "Infinity", "-INFINITY", "1",       "+1",    "-.5",
        "5.",  "1e3",  "-1E-3", "1e99", "007",      "0x1p",      "9999e99", " 2.5 ", "\"7\""};
    struct sotto_csv_options comma = {.decimal_comma = true};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[64];
        bool is_number = strcmp(numbers[i], "0x1p") != 0;
        (void)snprintf(text, sizeof text, "%s\n3\n", numbers[i]);
        struct sotto__number number;
        const char *bare = numbers[i][0] == '"' ? "7" : numbers[i];
        assert_int_equal(sotto__number_parse(&number, bare, strlen(bare), '.'), is_number);
        if (is_number) {
            refuses(text, "t.csv:1: expected a header with the columns' names, found only numbers");
            (void)snprintf(text, sizeof text, "8.25,NA,%s\n3,4,5\n", numbers[i]);
            refuses(text, "found only numbers");
            (void)snprintf(text, sizeof text, "8.25,x,%s\n3,4,5\n", numbers[i]);
        }
        struct sotto_csv *csv = test_csv_bytes(text, strlen(text));
        sotto_catalogue_free(test_catalogue(csv));
        sotto_csv_close(csv);
    }
    static const char decimals[] = "2,5;inf\n3;4\n";
    struct sotto_csv *csv = NULL;
    struct sotto_error err = {0};
    struct sotto_catalogue *catalogue = NULL;
    assert_ok(
        sotto_csv_open_fd(&csv, test_file(decimals, sizeof decimals - 1), "t.csv", &comma, &err));
    assert_int_equal(sotto_csv_catalogue(csv, &catalogue, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, "found only numbers");
    sotto_csv_close(csv);
    /* With no number in it a row of such words is a header. */
    csv = test_csv_bytes("NA,null\n1,2\n", 12);
    sotto_catalogue_free(test_catalogue(csv));
    sotto_csv_close(csv);
}

#define REFUSES_START(start, part)                                                                 \
    refuses_bytes(start "\0\0\0 no,text\n1,2\n", sizeof(start "\0\0\0 no,text\n1,2\n") - 1,        \
                  SOTTO_ERROR_INPUT, "t.csv: expected CSV text in UTF-8, found " part)

static void test_files_that_are_no_text(void **state)
{
    (void)state;
    REFUSES_START("PK\x03\x04", "a zip archive, as Excel's xlsx are too: unpack it first, or save");
    REFUSES_START("PK\x05\x06", "an empty zip");
    REFUSES_START("PK\x07\x08", "a part of a zip");
    REFUSES_START("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel");
    REFUSES_START("\xfd"
                  "7zXZ\0",
                  "xz: unpack it first");
    REFUSES_START("BZh91AY&SY", "bzip2: unpack it first");
    REFUSES_START("BZh1\x17rE8P\x90", "bzip2");
    REFUSES_START("7z\xbc\xaf\x27\x1c", "a 7z archive");
    REFUSES_START("\x04\x22\x4d\x18", "lz4");
    REFUSES_START("PAR1\x15\x04", "Parquet: save or export");
    REFUSES_START("ARROW1\0\0", "an Arrow file");
    REFUSES_START("\xff\xff\xff\xff", "an Arrow stream");
    REFUSES_START("SQLite format 3\0", "an SQLite");
    REFUSES_START("%PDF-1.7\n", "PDF");
    REFUSES_START("\xff\xfe\0\0", "UTF-32");
    REFUSES_START("\xff\xfe"
                  "a",
                  "UTF-16: save the file as UTF-8");
    REFUSES_START("\xfe\xff", "UTF-16");
    /* A zip that looks like one column and no rows was read as that. */
    refuses_bytes("PK\x03\x04", 4, SOTTO_ERROR_INPUT, "zip");
    /* Names that begin alike are names. */
    static const char *const texts[] = {"PK,a\n1,2\n",  "PAR1,PAR2\n1,2\n", "BZh9,a\n1,2\n",
                                        "7z,xz\n1,2\n", "ARROW1,a\n1,2\n",  "%PDF,a\n1,2\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sotto_csv *csv = test_csv_bytes(texts[i], strlen(texts[i]));
        sotto_catalogue_free(test_catalogue(csv));
        sotto_csv_close(csv);
    }
}

static void test_limits(void **state)
{
    (void)state;
    size_t bytes = SOTTO_CSV_FIELD_BYTES_MAX + 1024 * 1024;
    char *text = malloc(bytes);
    assert_non_null(text);
    memset(text, 'x', bytes);
    memcpy(text, "a,b\n1,\"", 7);
    refuses_bytes(text, bytes, SOTTO_ERROR_LIMIT,
                  "t.csv:2: column \"b\": expected a field of at most 16 MiB");
    /* Exactly the limit is fine. */
    memcpy(text, "a\n", 2);
    memset(text + 2, 'x', bytes - 2);
    struct sotto_csv *csv = test_csv_bytes(text, SOTTO_CSV_FIELD_BYTES_MAX + 2);
    sotto_catalogue_free(test_catalogue(csv));
    sotto_csv_close(csv);
    size_t columns = SOTTO_CSV_COLUMNS_MAX + 1;
    for (size_t i = 0; i < columns; i++) {
        (void)snprintf(text + 8 * i, 9, "c%06zu,", i);
    }
    refuses_bytes(text, 8 * columns, SOTTO_ERROR_LIMIT, "at most 65536 columns");
    memset(text, 'n', SOTTO_CSV_NAME_BYTES_MAX + 1);
    refuses_bytes(text, SOTTO_CSV_NAME_BYTES_MAX + 1, SOTTO_ERROR_LIMIT, "at most 1024 bytes");
    free(text);
}

static void test_opening(void **state)
{
    (void)state;
    struct sotto_csv *csv = NULL;
    struct sotto_error err = {0};
    assert_int_equal(sotto_csv_open(&csv, "/nonexistent/wages.csv", NULL, &err),
                     SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "/nonexistent/wages.csv: there is no such file");
    assert_int_equal(sotto_csv_open(&csv, "/", NULL, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, "found a directory");
    assert_int_equal(sotto_csv_open(&csv, "/dev/null", NULL, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, "regular file");
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(sotto_csv_open_fd(&csv, fds[0], "pipe", NULL, &err), SOTTO_ERROR_INPUT);
    assert_int_equal(fcntl(fds[0], F_GETFD), -1); /* it was taken */
    (void)close(fds[1]);
    struct sotto_csv_options options = {.delimiter = '"'};
    assert_int_equal(sotto_csv_open_fd(&csv, test_file("a", 1), "t.csv", &options, &err),
                     SOTTO_ERROR_INPUT);
    assert_contains(err.text, "can't be the delimiter");
    assert_null(csv);
    sotto_csv_close(NULL);
}

/* --- What is read --- */

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
    /* What is written with an exponent is a double by the writer's choice. */
    loses_digits("a\n9.007199254740993e15\n", false);
    /* Other types keep them. */
    loses_digits("a\n9007199254740993\n0.5\n", false);
    loses_digits("a\n9007199254740993\n1e0\nx\n", false);
}

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

/* --- A file that changes --- */

static enum sotto_status load_all(struct sotto_csv *csv, const struct sotto_catalogue *catalogue,
                                  struct sotto_error *err)
{
    struct sotto_csv_wanted wanted = {.column = 0, .type = catalogue->columns[0].type};
    struct sotto_table *table = NULL;
    enum sotto_status status = sotto_table_load(&table, csv, catalogue, &wanted, 1, err);
    sotto_table_free(table);
    return status;
}

static void test_a_changed_file_is_an_error(void **state)
{
    (void)state;
    int fd = test_file("a\n1\n2\n", 6);
    int mine = dup(fd);
    struct sotto_csv *csv = NULL;
    struct sotto_error err = {0};
    assert_ok(sotto_csv_open_fd(&csv, fd, "t.csv", NULL, NULL));
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    assert_ok(load_all(csv, catalogue, &err));
    assert_int_equal(pwrite(mine, "3\n", 2, 6), 2);
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    assert_contains(err.text, "t.csv: changed since it was catalogued");
    /* Same identity by accident (or by a lying catalogue): what is found decides. */
    assert_ok(sotto_csv_identity(csv, &catalogue->identity, NULL));
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    catalogue->text_bytes = catalogue->identity.size_bytes;
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    catalogue->rows = 4;
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    catalogue->rows = 3;
    assert_ok(load_all(csv, catalogue, &err));
    catalogue->columns[0].type.kind = SOTTO_KIND_BOOL;
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    assert_contains(err.text, "t.csv:2: column \"a\": expected bool");
    catalogue->columns[0].name[0] = 'b';
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    (void)close(mine);
}

struct meddling {
    int fd;
    bool grow;
};

static enum sotto_status meddling_sink(void *context, size_t worker, uint64_t first_row,
                                       const struct sotto_column *columns, size_t columns_len,
                                       size_t rows, struct sotto_error *err)
{
    (void)first_row;
    (void)worker;
    (void)columns;
    (void)columns_len;
    (void)rows;
    (void)err;
    struct meddling *meddling = context;
    if (meddling->grow) {
        assert_int_equal(pwrite(meddling->fd, "x", 1, 4 * 200000), 1);
    } else {
        assert_int_equal(ftruncate(meddling->fd, 4 * 100000 + 1), 0);
    }
    return SOTTO_OK;
}

static void test_a_file_that_changes_meanwhile(void **state)
{
    (void)state;
    for (int way = 0; way < 8; way++) {
        bool grow = way % 2 != 0;
        omp_set_num_threads(1 + way / 4);
        char *text = malloc(4 * 200000);
        assert_non_null(text);
        for (size_t i = 0; i < 200000; i++) {
            memcpy(text + 4 * i, i == 0 ? "a,b\n" : "1,2\n", 4);
        }
        int fd = test_file(text, 4 * 200000);
        struct meddling meddling = {.fd = dup(fd), .grow = grow};
        struct sotto_csv *csv = NULL;
        assert_ok(sotto_csv_open_fd(&csv, fd, "t.csv", NULL, NULL));
        csv->chunk_bytes = 20000;
        csv->serial = way % 4 >= 2 && way < 4;
        struct sotto_catalogue *catalogue = test_catalogue(csv);
        struct sotto_error err = {0};
        assert_int_equal(sotto_csv_scan(csv, catalogue, NULL, 0, meddling_sink, &meddling, &err),
                         SOTTO_ERROR_CHANGED);
        assert_contains(err.text, "changed");
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
        (void)close(meddling.fd);
        free(text);
    }
    omp_set_num_threads(1);
}

/* --- A file that another one is renamed over --- */

struct replacing {
    char path[32];
    char other[32];
    atomic_bool done;
    atomic_size_t ours; /* rows of the file that was opened */
    atomic_size_t rows;
};

static void write_file(char *path, char digit, size_t rows)
{
    (void)snprintf(path, 32, "/tmp/sotto-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    for (size_t i = 0; i <= rows; i++) {
        assert_true(fprintf(file, "%c\n", i == 0 ? 'a' : digit) > 0);
    }
    assert_int_equal(fclose(file), 0);
}

static enum sotto_status replacing_sink(void *context, size_t worker, uint64_t first_row,
                                        const struct sotto_column *columns, size_t columns_len,
                                        size_t rows, struct sotto_error *err)
{
    (void)worker;
    (void)first_row;
    (void)columns_len;
    (void)err;
    struct replacing *replacing = context;
    if (!atomic_exchange(&replacing->done, true)) {
        assert_int_equal(rename(replacing->other, replacing->path), 0);
    }
    for (size_t i = 0; i < rows; i++) {
        replacing->ours += ((const int64_t *)columns[0].values)[i] == 1;
    }
    replacing->rows += rows;
    return SOTTO_OK;
}

/* The open file is read to its end, or is an error because its times changed when it lost its name,
 * which is for the file system to say; rows of the other file are never among it. */
static void test_a_file_that_is_replaced_meanwhile(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct replacing replacing = {0};
        struct sotto_csv *csv = NULL;
        struct sotto_error err = {0};
        write_file(replacing.path, '1', 100000);
        write_file(replacing.other, '2', 100000);
        omp_set_num_threads(1 + way / 2);
        assert_ok(sotto_csv_open(&csv, replacing.path, NULL, NULL));
        csv->chunk_bytes = 5000;
        csv->serial = way == 1;
        struct sotto_catalogue *catalogue = test_catalogue(csv);
        struct sotto_csv_wanted wanted = {.column = 0, .type = catalogue->columns[0].type};
        enum sotto_status status =
            sotto_csv_scan(csv, catalogue, &wanted, 1, replacing_sink, &replacing, &err);
        assert_true(replacing.done);
        assert_int_equal(replacing.ours, replacing.rows);
        if (status == SOTTO_OK) {
            assert_int_equal(replacing.rows, 100000);
        } else {
            assert_int_equal(status, SOTTO_ERROR_CHANGED);
            assert_contains(err.text, "changed");
        }
        sotto_csv_close(csv);
        /* What the name stands for now is another file, though of the same size. */
        assert_ok(sotto_csv_open(&csv, replacing.path, NULL, NULL));
        assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
        assert_contains(err.text, "changed since it was catalogued");
        sotto_catalogue_free(catalogue);
        catalogue = test_catalogue(csv);
        assert_ok(load_all(csv, catalogue, &err));
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
        assert_int_equal(unlink(replacing.path), 0);
    }
    omp_set_num_threads(1);
}

static enum sotto_status failing_sink(void *context, size_t worker, uint64_t first_row,
                                      const struct sotto_column *columns, size_t columns_len,
                                      size_t rows, struct sotto_error *err)
{
    (void)first_row;
    (void)context;
    (void)worker;
    (void)columns;
    (void)columns_len;
    (void)rows;
    return sotto_error_set(err, SOTTO_ERROR_CANCELLED, "enough");
}

static void test_a_sink_ends_the_scan(void **state)
{
    (void)state;
    struct sotto_csv *csv = test_csv("a\n1\n");
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_error err = {0};
    assert_int_equal(sotto_csv_scan(csv, catalogue, NULL, 0, failing_sink, NULL, &err),
                     SOTTO_ERROR_CANCELLED);
    assert_string_equal(err.text, "enough");
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

struct interrupting {
    struct sotto_interrupt interrupt;
    atomic_size_t rows;
};

static enum sotto_status interrupting_sink(void *context, size_t worker, uint64_t first_row,
                                           const struct sotto_column *columns, size_t columns_len,
                                           size_t rows, struct sotto_error *err)
{
    (void)worker;
    (void)first_row;
    (void)columns;
    (void)columns_len;
    (void)err;
    struct interrupting *interrupting = context;
    atomic_fetch_add(&interrupting->rows, rows);
    sotto_interrupt_set(&interrupting->interrupt);
    return SOTTO_OK;
}

static void test_an_interrupt_ends_every_reading(void **state)
{
    (void)state;
    const size_t rows = 1000000; /* more than any way reads at a time */
    char *text = sotto_alloc(2 * rows + 2);
    memcpy(text, "a\n", 2);
    for (size_t i = 1; i <= rows; i++) {
        memcpy(text + 2 * i, "1\n", 2);
    }
    for (int way = 0; way < 3; way++) {
        struct interrupting interrupting = {.rows = 0};
        struct sotto_csv *csv = NULL;
        struct sotto_catalogue *catalogue = NULL;
        struct sotto_catalogue *other = NULL;
        struct sotto_error err = {0};
        omp_set_num_threads(1 + way / 2);
        assert_ok(sotto_csv_open_fd(&csv, test_file(text, 2 * rows + 2), "t.csv", NULL, NULL));
        csv->chunk_bytes = 5000;
        csv->serial = way == 1;
        sotto_csv_heed(csv, &interrupting.interrupt);
        catalogue = test_catalogue(csv);
        struct sotto_csv_wanted wanted = {.column = 0, .type = catalogue->columns[0].type};
        assert_int_equal(
            sotto_csv_scan(csv, catalogue, &wanted, 1, interrupting_sink, &interrupting, &err),
            SOTTO_ERROR_CANCELLED);
        assert_string_equal(err.text, "t.csv: reading was interrupted");
        assert_in_range(interrupting.rows, 1, rows - 1);
        assert_int_equal(sotto_csv_catalogue(csv, &other, &err), SOTTO_ERROR_CANCELLED);
        sotto_csv_heed(csv, NULL);
        other = test_catalogue(csv);
        sotto_catalogue_free(other);
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
    }
    omp_set_num_threads(1);
    sotto_free(text);
}

/* --- Columns that the options speak of --- */

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

/* --- Packed files --- */

/* The text packed, in two members or frames. */
static size_t pack(char *out, size_t room, const char *text, size_t bytes, bool zstd)
{
    size_t at = 0;
    for (size_t part = 0; part < 2; part++) {
        const char *from = text + part * (bytes / 2);
        size_t len = part == 0 ? bytes / 2 : bytes - bytes / 2;
        if (zstd) {
            size_t made = ZSTD_compress(out + at, room - at, from, len, 1);
            assert_false(ZSTD_isError(made));
            at += made;
            continue;
        }
        z_stream gzip = {.next_in = (Bytef *)(uintptr_t)from,
                         .avail_in = (uInt)len,
                         .next_out = (Bytef *)out + at,
                         .avail_out = (uInt)(room - at)};
        assert_int_equal(deflateInit2(&gzip, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
        assert_int_equal(deflate(&gzip, Z_FINISH), Z_STREAM_END);
        at += gzip.total_out;
        assert_int_equal(deflateEnd(&gzip), Z_OK);
    }
    return at;
}

static struct sotto_csv *open_packed(const char *packed, size_t bytes, size_t chunk, bool serial)
{
    struct sotto_csv *csv = test_csv_bytes(packed, bytes);
    csv->chunk_bytes = chunk;
    csv->serial = serial;
    omp_set_num_threads(1 + (int)(chunk % 3));
    return csv;
}

/* Packed and cut anyhow, it is the same table. */
static void test_packed_files(void **state)
{
    (void)state;
    char text[20000];
    char packed[30000];
    size_t bytes = (size_t)sprintf(text, "a,b\r\n");
    for (size_t i = 0; bytes < sizeof text - 100; i++) {
        bytes += (size_t)sprintf(text + bytes, i % 9 == 0 ? "%zu,\"x\r\ny%zu\"\r\n" : "%zu,z%zu\n",
                                 i, i % 7);
    }
    struct sotto_csv *plain = test_csv_bytes(text, bytes);
    struct sotto_catalogue *catalogue = test_catalogue(plain);
    struct sotto_table *table = test_table(plain, catalogue, false);
    struct sotto_column expected = sotto_table_column(table, 1);
    char *cells = test_cells(&expected);
    for (size_t i = 0; i < 60; i++) {
        size_t packed_bytes = pack(packed, sizeof packed, text, bytes, i % 2 == 0);
        struct sotto_csv *csv = open_packed(packed, packed_bytes, 1 + i * i * 7, i < 4);
        struct sotto_catalogue *ours = test_catalogue(csv);
        assert_int_equal(ours->text_bytes, bytes);
        assert_int_equal(ours->rows, catalogue->rows);
        assert_true((ours->spans_len > 0) == (i >= 4));
        struct sotto_table *loaded = test_table(csv, ours, false);
        struct sotto_column column = sotto_table_column(loaded, 1);
        char *others = test_cells(&column);
        assert_string_equal(cells, others);
        sotto_free(others);
        sotto_table_free(loaded);
        sotto_catalogue_free(ours);
        sotto_csv_close(csv);
    }
    omp_set_num_threads(1);
    sotto_free(cells);
    sotto_table_free(table);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(plain);
}

static void test_damaged_packing(void **state)
{
    (void)state;
    static const char text[] = "a,b\n1,x\n2,y\n";
    char packed[1000];
    for (int zstd = 0; zstd < 2; zstd++) {
        size_t bytes = pack(packed, sizeof packed, text, sizeof text - 1, zstd != 0);
        refuses_bytes(packed, bytes - 1, SOTTO_ERROR_INPUT, "damaged or cut short");
        packed[bytes - 6] = (char)(packed[bytes - 6] + 1);
        packed[bytes - 3] = (char)(packed[bytes - 3] + 1);
        packed[bytes] = 'x'; /* what follows is no member either */
        refuses_bytes(packed, bytes + 1, SOTTO_ERROR_INPUT, "t.csv");
    }
    /* A row that is too short is found in the text, by its line. */
    size_t bytes = pack(packed, sizeof packed, "a,b\n1,x\n2\n", 10, false);
    refuses_bytes(packed, bytes, SOTTO_ERROR_INPUT, "t.csv:3: expected 2 fields");
}

/* --- The catalogue as bytes --- */

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
        cmocka_unit_test(test_malformed_texts),
        cmocka_unit_test(test_a_header_of_numbers),
        cmocka_unit_test(test_files_that_are_no_text),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_types_of_columns),
        cmocka_unit_test(test_catalogue_says_what_is_there),
        cmocka_unit_test(test_digits_that_are_lost),
        cmocka_unit_test(test_decimal_comma),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_read_as_a_type_above),
        cmocka_unit_test(test_types_below_are_refused),
        cmocka_unit_test(test_one_column_twice_and_many_blocks),
        cmocka_unit_test(test_rounding_mode_of_the_caller_does_not_matter),
        cmocka_unit_test(test_a_changed_file_is_an_error),
        cmocka_unit_test(test_a_file_that_changes_meanwhile),
        cmocka_unit_test(test_a_file_that_is_replaced_meanwhile),
        cmocka_unit_test(test_a_sink_ends_the_scan),
        cmocka_unit_test(test_an_interrupt_ends_every_reading),
        cmocka_unit_test(test_stated_types),
        cmocka_unit_test(test_values_beyond_a_stated_type),
        cmocka_unit_test(test_packed_files),
        cmocka_unit_test(test_damaged_packing),
        cmocka_unit_test(test_catalogue_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
