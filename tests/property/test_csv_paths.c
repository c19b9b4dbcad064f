/* SPDX-License-Identifier: Apache-2.0 */

/* Random texts through both readers, in spans on threads and line by line through libcsv: the same
 * catalogue, the same columns, the same error, wherever chunks and windows end. The grammar test
 * beside this one holds both against a naive reader. SOTTO_CASES scales how many texts. */

#include "cases.h"
#include "dataset/file/file.h"
#include "files.h"
#include "test.h"

#include <omp.h>
#include <sotto/alloc.h>
#include <sotto/cpu.h>
#include <sotto/datetime.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEXT_BYTES 4096

struct text {
    char bytes[TEXT_BYTES];
    size_t len;
    bool is_nameless; /* its first column has no name */
    struct sotto_csv_options options;
};

static void add(struct text *text, const char *bytes, size_t len)
{
    if (text->len + len <= sizeof text->bytes) {
        memcpy(text->bytes + text->len, bytes, len);
        text->len += len;
    }
}

#define PICK(random, list) (list)[test_random_below(random, sizeof(list) / sizeof *(list))]

/* Values of all types, of all lengths around the limits of the fast ways. */
static void add_value(struct text *text, uint64_t *random, unsigned flavour)
{
    static const char *const words[] = {"",           "NA",
                                        "nan",        "null",
                                        "True",       "false",
                                        "x",          "some longer text than sixteen",
                                        "inf",        "-Inf",
                                        "1e3",        "2E-7",
                                        "-",          ".",
                                        "+",          "1e",
                                        "5.",         ".5",
                                        "-0",         "007",
                                        "-0.00",      "+1.5",
                                        "0x1",        "1 2",
                                        "1.2.3",      "1e999",
                                        "-.25",       "--1",
                                        "\xc3\xa9",   "\xe2\x82\xac",
                                        "N",          "-NaN",
                                        "2020-02-29", "2023-02-29"};
    char number[64];
    size_t digits = 1 + test_random_below(random, 20);
    size_t point = test_random_below(random, 22);
    size_t len = 0;
    if (flavour == 0 || test_random_below(random, 12) == 0) {
        const char *word = PICK(random, words);
        add(text, word, strlen(word));
        return;
    }
    if (flavour == 4) {
        char date[SOTTO_DATETIME_TEXT_BYTES];
        int64_t days = (int64_t)test_random_below(random, 3652059) + SOTTO_DATE_MIN;
        bool is_time = test_random_below(random, 4) == 0; /* with dates beside it */
        sotto_datetime_text(date, is_time ? SOTTO_KIND_DATETIME : SOTTO_KIND_DATE,
                            is_time ? days * SOTTO_DATETIME_DAY + 59 : days);
        add(text, date, strlen(date));
        return;
    }
    if (flavour == 1) {
        digits = 1 + digits % 4;
        point = test_random_below(random, 3) == 0 ? 1 : 99;
    }
    if (test_random_below(random, 4) == 0) {
        number[len++] = '-';
    }
    for (size_t i = 0; i < digits; i++) {
        if (i == point) {
            number[len++] = '.';
        }
        number[len++] = (char)('0' + (int)test_random_below(random, 10));
    }
    if (flavour == 3 && test_random_below(random, 3) == 0) {
        len += (size_t)sprintf(number + len, "e%d", (int)test_random_below(random, 50) - 25);
    }
    if (test_random_below(random, 30) == 0) { /* beside the digits, and what numbers are made of */
        number[test_random_below(random, len)] = "/:;.eE+-@`0"[test_random_below(random, 11)];
    }
    add(text, number, len);
}

static void add_blanks(struct text *text, uint64_t *random)
{
    static const char *const blanks[] = {" ", "\t", "  ", " \t"};
    if (test_random_below(random, 10) == 0) {
        const char *some = PICK(random, blanks);
        add(text, some, strlen(some));
    }
}

static void add_field(struct text *text, uint64_t *random, unsigned flavour, bool quotes)
{
    static const char *const quoted[] = {"\"\"",      "\" x \"",    "\"a,b\"",  "\"c\nz\"",
                                         "\"e\r\n\"", "\"p\"\"q\"", "\"\"\"\"", "\" 5 \"",
                                         "\"NA\"",    "\"\r\""};
    add_blanks(text, random);
    if (quotes && test_random_below(random, 6) == 0) {
        const char *some = PICK(random, quoted);
        add(text, some, strlen(some));
    } else if (quotes && test_random_below(random, 6) == 0) {
        add(text, "\"", 1);
        add_value(text, random, flavour);
        add(text, "\"", 1);
    } else {
        add_value(text, random, flavour);
    }
    add_blanks(text, random);
}

/* A comment: mostly without quotes, which leave a file to the other reader. */
static void add_other_line(struct text *text, uint64_t *random, const char *end)
{
    static const char *const lines[] = {"#",   "# a, b",     "#1,2,3,4", "# \xff", "#x",
                                        "#\t", "# 5\" long", "#\"a,b\"", "# \"a\n"};
    size_t quoted = test_random_below(random, 4) == 0 ? 9 : 6;
    const char *line = lines[test_random_below(random, quoted)];
    add(text, line, strlen(line));
    add(text, end, strlen(end));
}

/* A table of a few columns and rows, mostly well formed, with one thing broken now and then. */
static void make(struct text *text, uint64_t *random)
{
    static const char *const ends[] = {"\n", "\r\n", "\r", "\n\n", " \n", "\r\n\r\n", "\n \t\r\n"};
    static const char *const breaks[] = {"\"",           ",",  "\xff", "\xc3",
                                         "\xed\xa0\x80", "\n", "\"\"", "a\"b"};
    unsigned flavours[6];
    size_t columns = 1 + test_random_below(random, 6);
    size_t rows = test_random_below(random, 30);
    bool quotes = test_random_below(random, 2) == 0;
    size_t mixed = test_random_below(random, 3); /* 0: LF; 1: one kind of end; 2: all kinds */
    const char *usual = mixed == 0 ? "\n" : PICK(random, ends);
    size_t broken = test_random_below(random, 4) == 0 ? test_random_below(random, 30) : SOTTO_NONE;
    text->len = 0;
    text->options = (struct sotto_csv_options){.footer = 0};
    if (test_random_below(random, 3) == 0) {
        text->options.comment = '#';
        text->options.skip = (uint32_t)test_random_below(random, 3);
        text->options.footer = (uint32_t)test_random_below(random, 3);
    }
    if (test_random_below(random, 8) == 0) {
        add(text, "\xef\xbb\xbf", 3);
    }
    for (uint32_t i = 0; i < text->options.skip; i++) {
        add_other_line(text, random, usual);
    }
    text->is_nameless = columns > 1 && test_random_below(random, 4) == 0;
    for (size_t i = 0; i < columns; i++) {
        char name[] = {(char)('a' + (int)i), ','};
        size_t from = i == 0 && text->is_nameless;
        add(text, name + from, (i + 1 < columns ? 2 : 1) - from);
        flavours[i] = (unsigned)test_random_below(random, 5);
    }
    add(text, usual, strlen(usual));
    for (size_t row = 0; row < rows; row++) {
        if (text->options.comment != 0 && test_random_below(random, 6) == 0) {
            add_other_line(text, random, usual);
        }
        for (size_t i = 0; i < columns; i++) {
            add_field(text, random, flavours[i], quotes);
            if (row == broken && test_random_below(random, columns) == 0) {
                const char *some = PICK(random, breaks);
                /* With its NUL now and then. */
                add(text, some, strlen(some) + (*some == 0 || test_random_below(random, 8) == 0));
            }
            add(text, ",", i + 1 < columns);
        }
        const char *end = mixed == 2 ? PICK(random, ends) : usual;
        add(text, end, row + 1 < rows || test_random_below(random, 2) == 0 ? strlen(end) : 0);
    }
}

static void same_catalogues(const struct sotto_catalogue *a, const struct sotto_catalogue *b)
{
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->columns_len, b->columns_len);
    for (size_t i = 0; i < a->columns_len; i++) {
        const struct sotto_catalogue_column *x = &a->columns[i];
        const struct sotto_catalogue_column *y = &b->columns[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->hidden, y->hidden);
        assert_int_equal(x->type.kind, y->type.kind);
        assert_int_equal(x->type.scale, y->type.scale);
        assert_int_equal(x->missing, y->missing);
        assert_int_equal(x->digits_lost, y->digits_lost);
        assert_int_equal(x->inexact, y->inexact);
        assert_int_equal(x->exponent_inexact, y->exponent_inexact);
    }
}

static void same_tables(const struct sotto_table *a, const struct sotto_table *b, size_t columns)
{
    assert_int_equal(sotto_table_rows(a), sotto_table_rows(b));
    for (size_t i = 0; i < columns; i++) {
        struct sotto_column x = sotto_table_column(a, i);
        struct sotto_column y = sotto_table_column(b, i);
        assert_int_equal(x.null_count, y.null_count);
        assert_int_equal(x.wide, y.wide);
        char *cells = test_cells(&x);
        char *others = test_cells(&y);
        assert_string_equal(cells, others);
        sotto_free(cells);
        sotto_free(others);
    }
}

/* A type at or above the one that was found. */
static struct sotto_type type_above(struct sotto_type type, uint64_t *random)
{
    struct sotto_type above = {.kind = (enum sotto_kind)test_random_below(random, 6)};
    if (above.kind == SOTTO_KIND_DECIMAL) {
        above.scale = (uint8_t)test_random_below(random, SOTTO_SCALE_MAX + 1);
    }
    return sotto_type_join(type, above);
}

static struct sotto_table *load(struct sotto_csv *csv, const struct sotto_catalogue *catalogue,
                                const struct sotto_csv_wanted *wanted)
{
    struct sotto_table *table = NULL;
    struct sotto_error err = {0};
    if (sotto_table_load(&table, csv, catalogue, wanted, catalogue->columns_len, &err) !=
        SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    return table;
}

/* Cut at random, on some threads. */
static void shuffle(struct sotto_csv *csv, uint64_t *random, bool threads)
{
    csv->chunk_bytes = 1 + test_random_below(random, test_random_below(random, 2) == 0 ? 20 : 800);
    csv->format.window_bytes =
        1 + test_random_below(random, test_random_below(random, 2) == 0 ? 20 : 500);
    omp_set_num_threads(threads ? 1 + (int)test_random_below(random, 3) : 1);
}

struct outcome {
    size_t good;
    size_t bad;
    size_t spans;
};

static struct sotto_csv *open_text(const struct text *text, bool comma)
{
    struct sotto_csv_options options = text->options;
    struct sotto_csv *csv = NULL;
    options.decimal_comma = comma;
    int fd = test_file(text->bytes, text->len);
    assert_ok(sotto_csv_open_fd(&csv, fd, "t.csv", &options, NULL));
    return csv;
}

static void compare(struct outcome *outcome, const struct text *text, uint64_t *random,
                    bool threads, bool comma)
{
    struct sotto_csv *serial = open_text(text, comma);
    struct sotto_csv *fast = open_text(text, comma);
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_catalogue *ours = NULL;
    struct sotto_error err = {0};
    struct sotto_error our_err = {0};
    serial->serial = true;
    shuffle(fast, random, threads);
    enum sotto_status status = sotto_csv_catalogue(serial, &catalogue, &err);
    enum sotto_status our_status = sotto_csv_catalogue(fast, &ours, &our_err);
    if (status != our_status || strcmp(err.text, our_err.text) != 0) {
        print_error("<<%.*s>>: serial '%s', fast '%s'\n", (int)text->len, text->bytes, err.text,
                    our_err.text);
        fail();
    }
    outcome->good += status == SOTTO_OK;
    outcome->bad += status != SOTTO_OK;
    if (status == SOTTO_OK) {
        same_catalogues(catalogue, ours);
        outcome->spans += ours->spans_len;
        /* Each file has its own identity. */
        struct sotto_csv_wanted wanted[6];
        size_t first = ours->columns[0].hidden; /* nobody can ask for it */
        for (size_t i = 0; i < ours->columns_len; i++) {
            wanted[i].column = first + test_random_below(random, ours->columns_len - first);
            wanted[i].type = type_above(ours->columns[wanted[i].column].type, random);
        }
        struct sotto_table *a = load(serial, catalogue, wanted);
        fast->format.window_bytes = 1 + test_random_below(random, 500);
        struct sotto_table *b = load(fast, ours, wanted);
        same_tables(a, b, ours->columns_len);
        sotto_table_free(a);
        sotto_table_free(b);
    }
    sotto_catalogue_free(catalogue);
    sotto_catalogue_free(ours);
    sotto_csv_close(serial);
    sotto_csv_close(fast);
}

static void test_random_texts(void **state)
{
    (void)state;
    uint64_t random = 11 + sotto_cpu_level(); /* ctest runs this at each level: other texts */
    struct outcome outcome = {0};
    size_t cases = test_cases(20000);
    for (size_t i = 0; i < cases; i++) {
        struct text text;
        make(&text, &random);
        compare(&outcome, &text, &random, i % 16 == 0, false);
    }
    omp_set_num_threads(1);
    /* Good ones, bad ones, and files of several spans were there. */
    assert_true(outcome.good > cases / 3 && outcome.bad > cases / 50);
    assert_true(outcome.spans > outcome.good);
}

/* What stands where with a decimal comma: delimiter and point, and what is neither. */
static void to_comma(char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)(bytes[i] == ','   ? ';'
                          : bytes[i] == '.' ? ','
                          : bytes[i] == ';' ? '.'
                                            : bytes[i]);
    }
}

/* The text with points, line by line, against the other one's catalogue and columns. */
static void compare_comma(const struct text *text, const struct text *comma, uint64_t *random)
{
    struct sotto_csv *a = open_text(text, false);
    struct sotto_csv *b = open_text(comma, true);
    struct sotto_catalogue *x = NULL;
    struct sotto_catalogue *y = NULL;
    struct sotto_error err = {0};
    struct sotto_error comma_err = {0};
    a->serial = true;
    shuffle(b, random, false);
    enum sotto_status status = sotto_csv_catalogue(a, &x, &err);
    assert_int_equal(sotto_csv_catalogue(b, &y, &comma_err), status);
    assert_string_equal(err.text, comma_err.text);
    if (status == SOTTO_OK) {
        same_catalogues(x, y);
        struct sotto_table *s = test_table(a, x, false);
        struct sotto_table *t = test_table(b, y, false);
        for (size_t i = 0; i < x->columns_len; i++) {
            struct sotto_column c = sotto_table_column(s, i);
            struct sotto_column d = sotto_table_column(t, i);
            char *cells = test_cells(&c);
            char *others = test_cells(&d);
            to_comma(cells, c.type.kind == SOTTO_KIND_STRING ? strlen(cells) : 0);
            assert_string_equal(cells, others);
            sotto_free(cells);
            sotto_free(others);
        }
        sotto_table_free(s);
        sotto_table_free(t);
    }
    sotto_catalogue_free(x);
    sotto_catalogue_free(y);
    sotto_csv_close(a);
    sotto_csv_close(b);
}

static void test_decimal_commas(void **state)
{
    (void)state;
    uint64_t random = 13 + sotto_cpu_level();
    struct outcome outcome = {0};
    size_t cases = test_cases(5000);
    for (size_t i = 0; i < cases; i++) {
        struct text text;
        make(&text, &random);
        struct text comma = text;
        to_comma(comma.bytes, comma.len);
        compare(&outcome, &comma, &random, i % 16 == 0, true);
        if (!text.is_nameless) {
            compare_comma(&text, &comma, &random);
        }
    }
    omp_set_num_threads(1);
    assert_true(outcome.good > cases / 3 && outcome.bad > cases / 50);
}

/* One text, cut at every offset, by windows and by chunks. */
static void test_every_offset(void **state)
{
    (void)state;
    static const char text[] =
        "\xef\xbb\xbf"
        "a,b,c\r\n1,\"x\r\ny\",0.5\r\n22,,\"\"\n\n3, z \t,7.25\r4,\"q\"\"r\",\xe2\x82\xac\n"
        "-5,plain text that is longer,1e3\r\n \r\n6,\"end\",NA";
    struct sotto_csv *csv = test_csv(text);
    csv->serial = true;
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_table *expected = test_table(csv, catalogue, false);
    assert_int_equal(catalogue->rows, 6);
    for (size_t chunk = 1; chunk < sizeof text; chunk++) {
        for (size_t window = 1; window < sizeof text; window += 1 + window / 8) {
            struct sotto_csv *fast = test_csv(text);
            fast->chunk_bytes = chunk;
            fast->format.window_bytes = window;
            struct sotto_catalogue *ours = test_catalogue(fast);
            same_catalogues(catalogue, ours);
            assert_true(ours->spans_len > 0);
            struct sotto_table *table = test_table(fast, ours, false);
            same_tables(expected, table, catalogue->columns_len);
            sotto_table_free(table);
            sotto_catalogue_free(ours);
            sotto_csv_close(fast);
        }
    }
    sotto_table_free(expected);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

/* The kernels of this level against the portable ones, on any bytes. */
static void test_kernels(void **state)
{
    (void)state;
    static const char bytes[] = "aaaa,,\n\r\"\"\x80;";
    const struct sotto__split_kernels *ours = sotto__split_kernels();
    uint64_t random = 12;
    for (size_t i = 0, cases = test_cases(20000); i < cases; i++) {
        char text[300 + SOTTO__SPLIT_BLOCK] = {0};
        uint32_t a_ends[300 + SOTTO__SPLIT_SLACK];
        uint32_t b_ends[300 + SOTTO__SPLIT_SLACK];
        struct sotto__split a;
        struct sotto__split b;
        size_t len = test_random_below(&random, 300);
        size_t kinds = 2 + test_random_below(&random, sizeof bytes - 1);
        for (size_t j = 0; j < sizeof text; j++) {
            text[j] = bytes[test_random_below(&random, kinds)];
        }
        size_t a_len = sotto__split_generic.split(a_ends, &a, text, len, ',');
        size_t b_len = ours->split(b_ends, &b, text, len, ',');
        assert_int_equal(a_len, b_len);
        assert_memory_equal(a_ends, b_ends, a_len * sizeof *a_ends);
        assert_int_equal(a.row_ends, b.row_ends);
        assert_int_equal(a.quotes, b.quotes);
        assert_int_equal(a.nul, b.nul);
        assert_int_equal(a.high, b.high);
        assert_int_equal(a.crlf, b.crlf);
        assert_int_equal(a.inside, b.inside);
        size_t quotes = 0;
        bool inside = false;
        size_t at = 0;
        for (size_t j = 0; j < len; j++) {
            quotes += text[j] == '"';
            inside = inside != (text[j] == '"');
            bool row = text[j] == '\n' || (text[j] == '\r' && text[j + 1] != '\n');
            if (!inside && (row || text[j] == ',')) {
                assert_true(at < a_len && a_ends[at] == j);
                at++;
            }
        }
        assert_int_equal(at, a_len);
        assert_int_equal(ours->quotes(text, len), quotes);
        assert_int_equal(inside, a.inside);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_every_offset),
        cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_decimal_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
