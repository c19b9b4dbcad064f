/* SPDX-License-Identifier: Apache-2.0 */

/* Random CSV texts, read by libcsv and our glue on the one hand, by a naive reader on the other. */

#include "cases.h"
#include "files.h"
#include "test.h"

#include <sotto/alloc.h>

#define TEXT_BYTES 400

/* What the naive reader makes of a text: all fields of all rows, each followed by '|', each row by
 * '\n'; or malformed. */
struct naive {
    const char *p;
    const char *end;
    bool comments; /* lines that begin with # are none */
    bool malformed;
    size_t rows;
    size_t columns; /* of the header */
    char out[8 * TEXT_BYTES];
    size_t out_bytes;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_end(const struct naive *naive)
{
    return naive->p == naive->end || *naive->p == '\n' || *naive->p == '\r';
}

static void put(struct naive *naive, char c)
{
    assert_true(naive->out_bytes < sizeof naive->out);
    naive->out[naive->out_bytes++] = c;
}

static void skip_blanks(struct naive *naive)
{
    while (naive->p < naive->end && is_blank(*naive->p)) {
        naive->p++;
    }
}

static void naive_quoted(struct naive *naive)
{
    for (naive->p++;; naive->p++) {
        if (naive->p == naive->end) {
            naive->malformed = true;
            return;
        }
        if (*naive->p == '"' && naive->p + 1 < naive->end && naive->p[1] == '"') {
            naive->p++;
        } else if (*naive->p == '"') {
            break;
        }
        put(naive, *naive->p);
    }
    naive->p++;
    skip_blanks(naive);
    naive->malformed = !is_end(naive) && *naive->p != ',';
}

static void naive_field(struct naive *naive)
{
    skip_blanks(naive);
    size_t start = naive->out_bytes;
    if (naive->p < naive->end && *naive->p == '"') {
        naive_quoted(naive);
    } else {
        while (!is_end(naive) && *naive->p != ',') {
            naive->malformed = naive->malformed || *naive->p == '"';
            put(naive, *naive->p++);
        }
        while (naive->out_bytes > start && is_blank(naive->out[naive->out_bytes - 1])) {
            naive->out_bytes--;
        }
    }
    if (naive->out_bytes == start) {
        put(naive, 'N');
        put(naive, 'A');
    }
    put(naive, '|');
}

/* Passes over a comment, if a line that is one begins here. */
static bool skip_comment(struct naive *naive)
{
    if (!naive->comments || naive->p == naive->end || *naive->p != '#') {
        return false;
    }
    while (!is_end(naive)) {
        naive->p++;
    }
    return true;
}

/* Blank lines, and the line feed of a CR LF. */
static void skip_blank_lines(struct naive *naive)
{
    for (const char *p = naive->p; p < naive->end && (is_blank(*p) || *p == '\r' || *p == '\n');) {
        p++;
        if (p[-1] == '\r' || p[-1] == '\n' || p == naive->end) {
            naive->p = p;
        }
    }
}

/* All lines that are none of the table. */
static void skip_lines(struct naive *naive)
{
    do {
        skip_blank_lines(naive);
    } while (skip_comment(naive));
}

static void naive_read(struct naive *naive)
{
    for (skip_lines(naive); naive->p < naive->end; skip_lines(naive)) {
        size_t fields = 0;
        bool more = true;
        while (more && !naive->malformed) {
            naive_field(naive);
            fields++;
            more = naive->p < naive->end && *naive->p == ',';
            naive->p += more;
        }
        if (naive->rows == 0) {
            naive->columns = fields;
            naive->out_bytes = 0;
        }
        naive->malformed = naive->malformed || fields != naive->columns;
        if (naive->malformed) {
            return;
        }
        if (naive->rows++ > 0) {
            put(naive, '\n');
        }
    }
}

static size_t random_text(char *text, uint64_t *random)
{
    static const char *const pieces[] = {"a",  "b",    "7",        ",",  ",",    "\n",
                                         "\n", "\r",   "\"",       "\"", "\"\"", " ",
                                         "\t", "\r\n", "\xc3\xa9", ".5", "#"};
    static const char *const tidy[] = {"\"x\"", ",",       "\n",       "y z", "\"p\"\"q\"",
                                       " 5 ",   "\"a,b\"", "\"c\n8\"", "#q\n"};
    static const char *const headers[] = {"h", "h,i", " h , \"i\",j\r", "h,i\r\n", "\"h\ni\",j"};
    size_t bytes = 0;
    bool is_tidy = test_random_below(random, 2) == 0;
    size_t header = test_random_below(random, sizeof headers / sizeof headers[0]);
    memcpy(text, headers[header], strlen(headers[header]));
    bytes += strlen(headers[header]);
    text[bytes++] = '\n';
    for (size_t len = test_random_below(random, 24); len > 0; len--) {
        const char *piece =
            is_tidy ? tidy[test_random_below(random, 9)] : pieces[test_random_below(random, 17)];
        memcpy(text + bytes, piece, strlen(piece));
        bytes += strlen(piece);
    }
    return bytes;
}

static void compare_rows(const struct naive *naive, struct sotto_csv *csv,
                         const struct sotto_catalogue *catalogue)
{
    struct sotto_table *table = test_table(csv, catalogue, true);
    char ours[8 * TEXT_BYTES];
    size_t bytes = 0;
    for (size_t row = 0; row < sotto_table_rows(table); row++) {
        for (size_t i = 0; i < catalogue->columns_len; i++) {
            struct sotto_column column = sotto_table_column(table, i);
            char *cell = test_cell(&column, row);
            assert_true(bytes + strlen(cell) + 2 < sizeof ours);
            memcpy(ours + bytes, cell, strlen(cell));
            bytes += strlen(cell);
            ours[bytes++] = '|';
            sotto_free(cell);
        }
        ours[bytes++] = '\n';
    }
    assert_int_equal(bytes, naive->out_bytes);
    assert_memory_equal(ours, naive->out, bytes);
    sotto_table_free(table);
}

static void test_random_texts(void **state)
{
    (void)state;
    uint64_t random = 7;
    size_t good = 0;
    size_t bad = 0;
    size_t cases = test_cases(20000);
    for (size_t i = 0; i < cases; i++) {
        char text[TEXT_BYTES];
        size_t bytes = random_text(text, &random);
        struct naive naive = {.p = text, .end = text + bytes, .comments = i % 2 == 1};
        naive_read(&naive);
        struct sotto_csv_options options = {.comment = naive.comments ? '#' : '\0'};
        struct sotto_csv *csv = NULL;
        assert_ok(sotto_csv_open_fd(&csv, test_file(text, bytes), "t.csv", &options, NULL));
        struct sotto_catalogue *catalogue = NULL;
        struct sotto_error err = {0};
        enum sotto_status status = sotto_csv_catalogue(csv, &catalogue, &err);
        if (status != (naive.malformed ? SOTTO_ERROR_INPUT : SOTTO_OK)) {
            print_error("<<%.*s>> is %s, but: %s\n", (int)bytes, text,
                        naive.malformed ? "malformed" : "well formed", err.text);
            fail();
        }
        good += !naive.malformed;
        bad += naive.malformed;
        if (!naive.malformed) {
            assert_int_equal(catalogue->rows, naive.rows - 1);
            compare_rows(&naive, csv, catalogue);
        }
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
    }
    /* Both kinds were there. */
    assert_true(cases < 1000 || (good > cases / 10 && bad > cases / 10));
}

/* Rows of a few hundred bytes over several blocks: every field comes back, wherever a block ends.
 */
static void test_block_boundaries(void **state)
{
    (void)state;
    uint64_t random = 8;
    size_t rows = 6000;
    char *text = sotto_alloc(rows * 300);
    assert_non_null(text);
    size_t bytes = 0;
    size_t lengths[6000];
    memcpy(text, "h\n", 2);
    bytes = 2;
    for (size_t row = 0; row < rows; row++) {
        lengths[row] = 1 + test_random_below(&random, 140);
        text[bytes++] = '"';
        for (size_t i = 0; i < lengths[row]; i++) {
            memcpy(text + bytes, i % 2 == 0 ? "\xc3\xa9" : "\"\"", 2);
            bytes += 2;
        }
        memcpy(text + bytes, "\"\r\n", 3);
        bytes += 3;
    }
    struct sotto_csv *csv = test_csv_bytes(text, bytes);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_table *table = test_table(csv, catalogue, false);
    assert_int_equal(sotto_table_rows(table), rows);
    struct sotto_column column = sotto_table_column(table, 0);
    for (size_t row = 0; row < rows; row++) {
        size_t expected = 2 * ((lengths[row] + 1) / 2) + lengths[row] / 2;
        assert_int_equal(column.offsets[row + 1] - column.offsets[row], expected);
    }
    sotto_table_free(table);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    sotto_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_block_boundaries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
