/* SPDX-License-Identifier: Apache-2.0 */

/* Files with a JSON object in each line: what they hold, and what is refused and where. */

#include "dataset/file/file.h"
#include "files.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <stdio.h>
#include <stdlib.h>

static struct sotto_csv *open_text(const char *text, size_t bytes,
                                   const struct sotto_csv_options *options)
{
    struct sotto_csv *csv = NULL;
    assert_ok(sotto_csv_open_fd(&csv, test_file(text, bytes), "t.ndjson", options, NULL));
    return csv;
}

/* All columns, "name type: cells" for each, as their own types. */
static void reads_as(const char *text, const struct sotto_csv_options *options,
                     const char *expected)
{
    struct sotto_csv *csv = open_text(text, strlen(text), options);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    char found[2000] = "";
    size_t at = 0;
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        const struct sotto_catalogue_column *column = &catalogue->columns[i];
        struct sotto_csv_wanted wanted = {.column = i, .type = column->type};
        struct sotto_table *table = NULL;
        char type[SOTTO_TYPE_TEXT_BYTES];
        sotto_type_text(type, column->type);
        if (column->hidden) {
            assert_true(column->is_nested);
            assert_int_equal(sotto_table_load(&table, csv, catalogue, &wanted, 1, NULL),
                             SOTTO_ERROR_NOT_FOUND);
            at += (size_t)snprintf(found + at, sizeof found - at, "%s hidden; ", column->name);
            continue;
        }
        assert_ok(sotto_table_load(&table, csv, catalogue, &wanted, 1, NULL));
        struct sotto_column cells = sotto_table_column(table, 0);
        assert_int_equal(cells.null_count, column->missing);
        char *written = test_cells(&cells);
        at += (size_t)snprintf(found + at, sizeof found - at, "%s %s: %s; ", column->name, type,
                               written);
        sotto_free(written);
        sotto_table_free(table);
    }
    assert_string_equal(found, expected);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

static void reads(const char *text, const char *expected)
{
    reads_as(text, NULL, expected);
}

static void test_values(void **state)
{
    (void)state;
    reads("{\"a\": 1, \"b\": \"x\"}\n{\"a\": 2, \"b\": \"y\"}\n",
          "a int64: 1|2|; b string: x|y|; ");
    reads("\xef\xbb\xbf{\"a\":1}\r\n\n  \t\r\n\t{ \"a\" : -0 } ", "a int64: 1|0|; ");
    reads("{\"a\": 9007199254740993}\n{\"a\": 12.50}",
          "a decimal(2): 9007199254740993.00|12.50|; ");
    reads("{\"a\": 1e2}\n{\"a\": 0.5}", "a float64: 0x1.9p+6|0x1p-1|; ");
    reads("{\"a\": true}\n{\"a\": false}", "a bool: true|false|; ");
    reads("{\"a\": null}\n{}", "a null: NA|NA|; ");
    reads("{\"a\": 1}\n{\"b\": true}\n{\"b\": null, \"a\": 3}",
          "a int64: 1|NA|3|; b bool: NA|true|NA|; ");
    /* Strings are no numbers, and no words for missing values. */
    reads("{\"a\": \"12\"}\n{\"a\": 12.0}", "a string: 12|12.0|; ");
    reads("{\"a\": \"\"}\n{\"a\": \"NA\"}\n{\"a\": \"true\"}\n{\"a\": \"null\"}",
          "a string: |NA|true|null|; ");
    reads("{\"a\": \"1\"}\n{\"a\": \"2\"}", "a string: 1|2|; ");
    reads("{\"a\": \"2020-01-31\"}\n{\"a\": \"2020-01-31 12:00\"}",
          "a datetime: 2020-01-31T00:00:00|2020-01-31T12:00:00|; ");
    reads("{\"a\": \"2020-01-31\"}\n{\"a\": 5}", "a string: 2020-01-31|5|; ");
    reads("{\"a\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"}",
          "a string: \"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80|; ");
    reads("{\"\\u0061\": 1}\n{\"a\": 2}", "a int64: 1|2|; ");
    reads(
        "{\"a\": 1, \"n\": [1, [], {\"x\": {}, \"y\": \"]\"}]}\n{\"n\": 7, \"a\": {}}\n{\"b\": 1}",
        "a hidden; n hidden; b int64: NA|NA|1|; ");
}

/* What options say holds of strings too. */
static void test_options(void **state)
{
    (void)state;
    static const struct sotto_csv_column columns[] = {
        {.name = "a", .typed = true, .type = {.kind = SOTTO_KIND_DECIMAL, .scale = 2}},
        {.name = "d", .typed = true, .type = {.kind = SOTTO_KIND_DATE}, .form = "%d.%m.%Y"},
    };
    static const char *const words[] = {"-999", "none"};
    const struct sotto_csv_options options = {
        .columns = columns, .columns_len = 2, .na_words = words, .na_words_len = 2};
    reads_as("{\"a\": \"1.5\", \"d\": \"31.1.2020\"}\n{\"a\": -999, \"d\": \"none\"}\n{\"a\": 2}",
             &options, "a decimal(2): 1.50|NA|2.00|; d date: 2020-01-31|NA|NA|; ");
    static const struct sotto_csv_options wrong[] = {
        {.delimiter = ';'}, {.decimal_comma = true}, {.skip = 1}, {.footer = 1}, {.comment = '#'}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sotto_csv *csv = NULL;
        struct sotto_error err = {0};
        assert_int_equal(sotto_csv_open_fd(&csv, test_file("{}", 2), "t.jsonl.gz", &wrong[i], &err),
                         SOTTO_ERROR_INPUT);
        assert_contains(err.text, "has no delimiter");
    }
    const struct sotto_csv_options as_csv = {.format = SOTTO_TEXT_CSV};
    struct sotto_csv *csv = open_text("a\n1\n", 4, &as_csv);
    sotto_catalogue_free(test_catalogue(csv));
    sotto_csv_close(csv);
}

static void refuses_bytes(const char *text, size_t bytes, const char *part)
{
    struct sotto_csv *csv = open_text(text, bytes, NULL);
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_error err = {0};
    assert_int_not_equal(sotto_csv_catalogue(csv, &catalogue, &err), SOTTO_OK);
    assert_contains(err.text, part);
    sotto_csv_close(csv);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"", "t.ndjson:1: expected an object in each line"},
        {"{}\n", "found no names"},
        {"[{\"a\": 1}]", "jq -c"},
        {"{\"a\": 1}\n12", "t.ndjson:2: byte 1: expected an object"},
        {"{\"a\": 1}\n\n{\"a\": 1, \"a\": 2}", "t.ndjson:3: expected each name once, found \"a\""},
        {"{\"a\": 1, \"\\u0061\": 2}", "expected each name once"},
        {"{\"a\": 1} {\"a\": 2}", "byte 10: expected the end of the line"},
        {"{\"a\": 1", "expected a comma or }, found the end of the line"},
        {"{\"a\": 1,}", "byte 9: expected a name in quotes, found \"}\""},
        {"{\"a\" 1}", "expected a colon"},
        {"{a: 1}", "expected a name in quotes"},
        {"{'a': 1}", "expected a name in quotes"},
        {"{\"a\": NaN}", "byte 7: expected a value"},
        {"{\"a\": -Infinity}", "what is no number is null"},
        {"{\"a\": 01}", "byte 8: expected a comma or }"},
        {"{\"a\": +1}", "expected a value"},
        {"{\"a\": .5}", "expected a value"},
        {"{\"a\": 5.}", "expected digits behind the point"},
        {"{\"a\": 1e}", "expected digits of an exponent"},
        {"{\"a\": 0x1}", "expected a comma or }"},
        {"{\"a\": trues}", "expected a comma or }"},
        {"{\"a\": nul}", "expected a value"},
        {"{\"a\": }", "expected a value"},
        {"{\"a\": [1, ]}", "expected a value"},
        {"{\"a\": [1 2]}", "expected a comma or ]"},
        {"{\"a\": {\"b\" 2}}", "expected a colon"},
        {"{\"a\": [1}", "expected a comma or ]"},
        {"{\"a\": \"x}", "expected a closing quote"},
        {"{\"a\": \"x\ty\"}", "no control character"},
        {"{\"a\": \"\\x\"}", "behind a backslash"},
        {"{\"a\": \"\\u12g4\"}", "four hexadecimal digits"},
        {"{\"a\": \"\\u0000\"}", "text without \\u0000"},
        {"{\"a\": \"\\ud800\"}", "second half of a character"},
        {"{\"a\": \"\\ud800\\n\"}", "second half of a character"},
        {"{\"a\": \"\\ud800\\ud800\"}", "second half of a character"},
        {"{\"a\": \"\\udc00\"}", "second half of a character"},
        {"{\"a\": \"\xff\"}", "byte 8: expected UTF-8"},
        {"{\"a\": \"\xed\xa0\x80\"}", "expected UTF-8"},
        {"{\"a\": 1}\n{\"a\": 1 // x\n}", "expected a comma or }"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refuses_bytes(cases[i].text, strlen(cases[i].text), cases[i].part);
    }
    refuses_bytes("{\"a\": \"\0\"}", 10, "no control character");
    refuses_bytes("{\"a\": 1}\0", 9, "expected the end of the line");
    char deep[300] = "{\"a\": ";
    memset(deep + 6, '[', 64);
    refuses_bytes(deep, strlen(deep), "at most 64 lists");
    memset(deep + 6 + 63, ']', 63);
    deep[6 + 63 + 63] = '}';
    reads(deep, "a hidden; ");
}

/* Lines that blocks cut, and one that is too long. */
static void test_long_lines(void **state)
{
    (void)state;
    size_t bytes = (size_t)17 * 1024 * 1024;
    char *text = malloc(bytes);
    assert_non_null(text);
    memset(text, 'x', bytes);
    memcpy(text, "{\"a\": \"", 7);
    memcpy(text + 600000, "\"}\n{\"a\": \"", 10);
    memcpy(text + 1200000, "\"}\n", 3);
    struct sotto_csv *csv = open_text(text, 1200003, NULL);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_csv_wanted wanted = {.column = 0, .type = {.kind = SOTTO_KIND_STRING}};
    struct sotto_table *table = NULL;
    assert_ok(sotto_table_load(&table, csv, catalogue, &wanted, 1, NULL));
    struct sotto_column column = sotto_table_column(table, 0);
    assert_int_equal(column.len, 2);
    assert_int_equal(column.offsets[1], 600000 - 7);
    sotto_table_free(table);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    memset(text + 600000, 'x', bytes - 600000);
    memcpy(text + bytes - 2, "\"}", 2);
    refuses_bytes(text, bytes, "at most 16 MiB");
    free(text);
}

static void test_catalogues_as_bytes(void **state)
{
    (void)state;
    const char text[] = "{\"a\": 1, \"n\": []}";
    struct sotto_csv *csv = open_text(text, strlen(text), NULL);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_catalogue *decoded = NULL;
    struct sotto_buffer bytes;
    assert_ok(sotto_catalogue_encode(catalogue, &bytes));
    assert_ok(sotto_catalogue_decode(&decoded, bytes.data, bytes.data_bytes));
    assert_true(decoded->columns[1].is_nested && decoded->columns[1].hidden);
    assert_false(decoded->columns[0].is_nested);
    sotto_buffer_release(&bytes);
    sotto_catalogue_free(decoded);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_catalogues_as_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
