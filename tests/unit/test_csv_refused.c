/* SPDX-License-Identifier: Apache-2.0 */
/* CSV texts that are no tables, files that are no text, what is beyond a limit: where, and why. */
#include "dataset/file/file.h"
#include "files.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void refuses(const char *text, const char *part)
{
    test_refuses(text, strlen(text), SOTTO_ERROR_INPUT, part);
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
            "t.csv:2: expected 1 field as in the header, found 2; is ';' the delimiter?");
    refuses("a,b\r\n\"1\r\n2\",3\r\n4\r\n", "t.csv:4: expected 2 fields");
    refuses("a\r1\r1,2\r", "t.csv:3: expected 1 field");
    refuses("a,b\n1,\"2\n3\n", "t.csv:2: column \"b\": unclosed quote");
    refuses("a,b\n1\n2,3", "t.csv:2: expected 2 fields");
    refuses("a,b\n1,2\"\n", "t.csv:2: column \"b\": stray quote");
    refuses("a,b\n\"1\"x,2\n", "t.csv:2: column \"a\": stray quote");
    refuses("a,b\n\"1\n\"x,2\n", "t.csv:3: column \"a\": stray quote");
    refuses("a,\"b\n", "t.csv:1: column 2: unclosed quote");
    refuses("a,,c\n", "t.csv:1: column 2: expected a name");
    refuses("a,\" \",c\n", "t.csv:1: column 2: expected a name");
    refuses("\"\"\n1\n", "t.csv:1: column 1: expected a name");
    refuses(",a,,b\n", "t.csv:1: column 3: expected a name");
    refuses(",a,\n1,2,\n", "found \"\" as column 1 and as column 3");
    refuses(",1,2\n", "found only numbers");
    refuses("a,b\n1,2,\n", "found 3; it ends with a delimiter, the header does not");
    refuses("a,b, a \n", "found \"a\" as column 1 and as column 3");
    refuses("1,2.5,-3e5\n4,5,6\n", "found only numbers");
    refuses("2024\n1\n", "found only numbers");
    refuses("1,2.5,true\n2,3,false\n", "found only numbers and booleans");
    refuses("1,TRUE,NA\n2,False,3\n", "found only numbers and booleans");
    refuses("False,inf\n2,False,3\n", "found only numbers and booleans");
    refuses("a,b\n1,\xff\n", "t.csv:2: column \"b\": expected UTF-8");
    refuses("a,b\n1,\xed\xa0\x80\n", "column \"b\": expected UTF-8");
    refuses("a\xc3,b\n1,2\n", "t.csv:1: column 1: expected UTF-8");
    test_refuses("a,b\n1,x\0y\n", 10, SOTTO_ERROR_INPUT,
                 "t.csv:2: column \"b\": expected text, found a NUL");
    test_refuses("\xff\xfe"
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
    test_refuses(start "\0\0\0 no,text\n1,2\n", sizeof(start "\0\0\0 no,text\n1,2\n") - 1,         \
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
    REFUSES_START("Rar!\x1a\x07\x01", "a rar archive");
    REFUSES_START("\x1f\x9d\x90", "compress");
    REFUSES_START("\x89HDF\r\n\x1a\n", "HDF5");
    REFUSES_START("$FL2@(#) SPSS DATA FILE", "an SPSS file");
    REFUSES_START("<stata_dta><header>", "a Stata file");
    REFUSES_START("RDX3\nX\n\0\0", "R's data");
    REFUSES_START("\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60", "a SAS file");
    REFUSES_START("<!DOCTYPE html>\n<table>", "a page of HTML: save or export");
    /* UTF-16 without a mark, of letters of ASCII and of others, in both orders of bytes. */
#define REFUSES_UTF16(text)                                                                        \
    test_refuses(text, sizeof(text) - 1, SOTTO_ERROR_INPUT,                                        \
                 "found UTF-16 without a byte order mark: save the file as UTF-8")
    REFUSES_UTF16("a\0,\0b\0\n\0"
                  "1\0,\0"
                  "2\0\n\0");
    REFUSES_UTF16("\0a\0,\0b\0\n\0"
                  "1\0,\0"
                  "2\0\n");
    REFUSES_UTF16("\xd3\x59\x0d\x54,\0\x74\x5e\x84\x9f\n\0\x31\0,\0"
                  "2\0\n\0");
    test_refuses("a,b\n1\0,2\n", 9, SOTTO_ERROR_INPUT, "found a NUL byte");
    char tar[512] = "wages.csv";
    memcpy(tar + 257, "ustar", 5);
    test_refuses(tar, sizeof tar, SOTTO_ERROR_INPUT, "a tar archive: unpack it first");
    /* A zip that looks like one column and no rows was read as that. */
    test_refuses("PK\x03\x04", 4, SOTTO_ERROR_INPUT, "zip");
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
    test_refuses(text, bytes, SOTTO_ERROR_LIMIT,
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
    test_refuses(text, 8 * columns, SOTTO_ERROR_LIMIT, "at most 65536 columns");
    memset(text, 'n', SOTTO_CSV_NAME_BYTES_MAX + 1);
    test_refuses(text, SOTTO_CSV_NAME_BYTES_MAX + 1, SOTTO_ERROR_LIMIT, "at most 1024 bytes");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed_texts),
        cmocka_unit_test(test_a_header_of_numbers),
        cmocka_unit_test(test_files_that_are_no_text),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
