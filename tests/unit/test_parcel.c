/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/parcel.h>
#include <stdbool.h>
#include <stdio.h>

/* --- A table to send --- */

#define ROWS 1000
#define COLUMNS 9

/* Columns of all types, and one that is hidden. */
struct sample {
    struct sotto_parcel_column columns[COLUMNS];
    struct sotto_column values[COLUMNS];
    uint8_t validity[ROWS / 8];
    uint8_t bools[ROWS / 8];
    int64_t integers[ROWS];
    double doubles[ROWS];
    struct sotto_int128 wide[ROWS];
    int64_t dates[ROWS];
    int64_t times[ROWS];
    int64_t offsets[ROWS + 1];
    char texts[ROWS * 8];
    size_t missing;
};

static bool is_present(const struct sample *sample, size_t row)
{
    return (sample->validity[row / 8] >> (row % 8) & 1) != 0;
}

static void fill_row(struct sample *sample, size_t row)
{
    static const char *const words[] = {"", "a", "007", "\xC3\xA9t\xC3\xA9", "1e3"};
    const char *word = words[row % 5];
    bool here = row % 7 != 3;
    size_t bytes = here ? strlen(word) : 0;
    sample->validity[row / 8] |= (uint8_t)((unsigned)here << (row % 8));
    sample->bools[row / 8] |= (uint8_t)((unsigned)(here && row % 3 == 0) << (row % 8));
    sample->integers[row] = here ? INT64_MAX - (int64_t)row : 0;
    sample->doubles[row] = here ? (double)row / 3 : 0;
    sample->wide[row] = here ? (struct sotto_int128){.low = row} : (struct sotto_int128){0};
    sample->dates[row] = here ? (int64_t)row - 500 : 0;
    sample->times[row] = here ? (int64_t)row * 1000003 : 0;
    memcpy(sample->texts + sample->offsets[row], word, bytes);
    sample->offsets[row + 1] = sample->offsets[row] + (int64_t)bytes;
    sample->missing += !here;
}

static struct sample *make_sample(void)
{
    static const struct sotto_parcel_column columns[COLUMNS] = {
        {.name = "b", .type = {.kind = SOTTO_KIND_BOOL}},
        {.name = "i", .type = {.kind = SOTTO_KIND_INT64}},
        {.name = "list", .hidden = "list of \x1b[31mint"},
        {.name = "f", .type = {.kind = SOTTO_KIND_FLOAT64}},
        {.name = "d", .type = {.kind = SOTTO_KIND_DECIMAL, .scale = 2}},
        {.name = "s", .type = {.kind = SOTTO_KIND_STRING}},
        {.name = "day", .type = {.kind = SOTTO_KIND_DATE}},
        {.name = "at", .type = {.kind = SOTTO_KIND_DATETIME_UTC}},
        {.name = "n", .type = {.kind = SOTTO_KIND_NULL}},
    };
    struct sample *sample = sotto_alloc_zeroed(sizeof *sample);
    assert_non_null(sample);
    memcpy(sample->columns, columns, sizeof columns);
    for (size_t row = 0; row < ROWS; row++) {
        fill_row(sample, row);
    }
    const void *values[COLUMNS] = {sample->bools,   sample->integers, NULL,
                                   sample->doubles, sample->wide,     sample->texts,
                                   sample->dates,   sample->times,    NULL};
    for (size_t i = 0; i < COLUMNS; i++) {
        sample->values[i] = (struct sotto_column){.type = columns[i].type,
                                                  .wide = i == 4,
                                                  .len = ROWS,
                                                  .null_count = sample->missing,
                                                  .validity = sample->validity,
                                                  .values = values[i],
                                                  .offsets = i == 5 ? sample->offsets : NULL};
    }
    return sample;
}

/* All parcels of the sample, so many rows in each. */
static void write_sample(struct sotto_writer *writer, const struct sample *sample, size_t rows)
{
    sotto_writer_init(writer, SIZE_MAX);
    sotto_parcel_write_columns(writer, sample->columns, COLUMNS);
    for (size_t at = 0; at < ROWS;) {
        size_t some = ROWS - at < rows ? ROWS - at : rows;
        assert_int_equal(sotto_parcel_write_rows(writer, &some, sample->columns, sample->values,
                                                 COLUMNS, at, NULL),
                         SOTTO_OK);
        at += some;
    }
    sotto_parcel_write_end(writer, ROWS);
    assert_int_equal(sotto_writer_status(writer), SOTTO_OK);
}

/* Takes bytes in pieces; then the table. *out is NULL on failure. */
static enum sotto_status receive(struct sotto_table **out, const uint8_t *data, size_t bytes,
                                 size_t piece, size_t bytes_max, struct sotto_error *err)
{
    struct sotto_parcels *parcels = NULL;
    *out = NULL;
    enum sotto_status status = sotto_parcels_new(&parcels, bytes_max, err);
    for (size_t at = 0; status == SOTTO_OK && at < bytes; at += piece) {
        status =
            sotto_parcels_take(parcels, data + at, bytes - at < piece ? bytes - at : piece, err);
    }
    if (status == SOTTO_OK) {
        status = sotto_parcels_table(out, parcels, err);
    }
    sotto_parcels_free(parcels);
    return status;
}

/* --- Whole tables --- */

static void check_row(const struct sample *sample, const struct sotto_table *table, size_t row)
{
    static const size_t of[] = {0, 1, 3, 4, 5, 6, 7};
    for (size_t i = 0; i < 7; i++) {
        struct sotto_column column = sotto_table_column(table, i);
        const struct sotto_column *sent = &sample->values[of[i]];
        assert_int_equal(sotto_column_is_valid(&column, row), is_present(sample, row));
        if (column.type.kind == SOTTO_KIND_BOOL) {
            assert_int_equal(((const uint8_t *)column.values)[row / 8] >> (row % 8) & 1,
                             sample->bools[row / 8] >> (row % 8) & 1);
        } else if (column.type.kind == SOTTO_KIND_STRING) {
            size_t len = (size_t)(sample->offsets[row + 1] - sample->offsets[row]);
            assert_int_equal(column.offsets[row + 1] - column.offsets[row], len);
            assert_memory_equal((const char *)column.values + column.offsets[row],
                                sample->texts + sample->offsets[row], len);
        } else {
            size_t bytes = column.type.kind == SOTTO_KIND_DECIMAL ? 16 : 8;
            assert_memory_equal((const uint8_t *)column.values + row * bytes,
                                (const uint8_t *)sent->values + row * bytes, bytes);
        }
    }
}

static void test_a_table_arrives_as_it_was(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 7, 8, 333, ROWS};
    static const size_t pieces[] = {1, 3, 4096, SIZE_MAX / 2};
    struct sample *sample = make_sample();
    for (size_t i = 0; i < 5; i++) {
        struct sotto_writer writer;
        write_sample(&writer, sample, rows[i]);
        for (size_t j = 0; j < 4; j++) {
            struct sotto_table *table;
            assert_int_equal(
                receive(&table, writer.data, writer.data_bytes, pieces[j], SIZE_MAX, NULL),
                SOTTO_OK);
            assert_int_equal(sotto_table_rows(table), ROWS);
            assert_int_equal(sotto_table_columns_len(table), COLUMNS - 1);
            assert_string_equal(sotto_table_name(table, 2), "f");
            assert_int_equal(sotto_table_column(table, 7).null_count, ROWS);
            for (size_t row = 0; row < ROWS; row++) {
                check_row(sample, table, row);
            }
            sotto_table_free(table);
        }
        sotto_writer_release(&writer);
    }
    sotto_free(sample);
}

static void test_hidden_columns_are_named(void **state)
{
    (void)state;
    struct sample *sample = make_sample();
    struct sotto_writer writer;
    struct sotto_parcels *parcels;
    sotto_writer_init(&writer, SIZE_MAX);
    sotto_parcel_write_columns(&writer, sample->columns, COLUMNS);
    assert_int_equal(sotto_parcels_new(&parcels, 1000, NULL), SOTTO_OK);
    assert_int_equal(sotto_parcels_take(parcels, writer.data, writer.data_bytes, NULL), SOTTO_OK);
    assert_int_equal(sotto_parcels_columns_len(parcels), COLUMNS);
    assert_string_equal(sotto_parcels_column(parcels, 2).name, "list");
    assert_string_equal(sotto_parcels_column(parcels, 2).hidden, "list of ?[31mint");
    assert_null(sotto_parcels_column(parcels, 3).hidden);
    assert_false(sotto_parcels_are_complete(parcels));
    sotto_parcels_free(parcels);
    sotto_writer_release(&writer);
    sotto_free(sample);
}

/* --- Decimal numbers as text --- */

/* One parcel of numerals, and what becomes of them behind one of scale 3. */
static enum sotto_status send_numerals(struct sotto_table **out, const char *const *texts,
                                       size_t len, struct sotto_error *err)
{
    const struct sotto_parcel_column column = {
        .name = "x", .type = {.kind = SOTTO_KIND_DECIMAL}, .is_numeral = true};
    char bytes[512] = "1.125";
    int64_t offsets[20] = {0, 5};
    for (size_t i = 0; i < len; i++) {
        offsets[i + 2] = offsets[i + 1] + (int64_t)strlen(texts[i]);
        memcpy(bytes + offsets[i + 1], texts[i], strlen(texts[i]));
    }
    const struct sotto_column values = {
        .type = {.kind = SOTTO_KIND_STRING}, .len = len + 1, .values = bytes, .offsets = offsets};
    struct sotto_writer writer;
    sotto_writer_init(&writer, SIZE_MAX);
    sotto_parcel_write_columns(&writer, &column, 1);
    size_t one = 1;
    assert_int_equal(sotto_parcel_write_rows(&writer, &one, &column, &values, 1, 0, NULL),
                     SOTTO_OK);
    size_t bytes_before = writer.data_bytes;
    enum sotto_status status = sotto_parcel_write_rows(&writer, &len, &column, &values, 1, 1, err);
    assert_true(status == SOTTO_OK || writer.data_bytes == bytes_before);
    if (status == SOTTO_OK) {
        sotto_parcel_write_end(&writer, len + 1);
        status = receive(out, writer.data, writer.data_bytes, 5, SIZE_MAX, err);
    }
    sotto_writer_release(&writer);
    return status;
}

static void check_numerals(const char *const *texts, size_t len, uint8_t scale,
                           const int64_t *values)
{
    struct sotto_table *table;
    assert_int_equal(send_numerals(&table, texts, len, NULL), SOTTO_OK);
    struct sotto_column column = sotto_table_column(table, 0);
    assert_int_equal(column.type.kind, SOTTO_KIND_DECIMAL);
    assert_int_equal(column.type.scale, scale);
    for (size_t i = 0; i < len; i++) {
        const struct sotto_int128 *value = (const struct sotto_int128 *)column.values + i + 1;
        assert_int_equal((int64_t)value->low, values[i]);
        assert_int_equal(value->high, values[i] < 0 ? -1 : 0);
    }
    sotto_table_free(table);
}

/* The largest that there is, at the largest scale: 2^63 - 10^-18. */
static void check_widest(void)
{
    static const char *const text = "9223372036854775807.999999999999999999";
    struct sotto_table *table;
    assert_int_equal(send_numerals(&table, &text, 1, NULL), SOTTO_OK);
    struct sotto_column column = sotto_table_column(table, 0);
    const struct sotto_int128 *value = (const struct sotto_int128 *)column.values + 1;
    assert_int_equal(column.type.scale, 18);
    assert_int_equal(value->high, (int64_t)(UINT64_C(1000000000000000000) / 2 - 1));
    assert_int_equal(value->low, UINT64_MAX);
    sotto_table_free(table);
}

static void test_numerals_are_decimals_of_one_scale(void **state)
{
    (void)state;
    static const char *const longer[] = {"2.5000", "-0.0001", "0", "-12"};
    static const char *const shorter[] = {"2.5", "-7", "NaN", "nan"};
    static const char *const zeros[] = {"1.50000000000000000000"};
    static const char *const largest[] = {"9223372036854775.807", "-9223372036854775.807"};
    check_numerals(longer, 4, 4, (const int64_t[]){25000, -1, 0, -120000});
    check_numerals(shorter, 4, 3, (const int64_t[]){2500, -7000, 0, 0});
    check_numerals(zeros, 1, 18, (const int64_t[]){1500000000000000000});
    check_numerals(largest, 2, 3, (const int64_t[]){INT64_MAX, -INT64_MAX});
    check_widest();
}

static void test_numerals_that_are_no_decimals_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sotto_status status;
    } rows[] = {
        {"Infinity", SOTTO_ERROR_INPUT},
        {"-Infinity", SOTTO_ERROR_INPUT},
        {"", SOTTO_ERROR_INPUT},
        {"-", SOTTO_ERROR_INPUT},
        {".5", SOTTO_ERROR_INPUT},
        {"1.2.3", SOTTO_ERROR_INPUT},
        {"1e3", SOTTO_ERROR_INPUT},
        {" 1", SOTTO_ERROR_INPUT},
        {"+1", SOTTO_ERROR_INPUT},
        {"9223372036854775808", SOTTO_ERROR_LIMIT},
        {"-9223372036854775809", SOTTO_ERROR_LIMIT},
        {"9223372036854775808.000000000000000000", SOTTO_ERROR_LIMIT},
        {"99999999999999999999999999999999999999999", SOTTO_ERROR_LIMIT},
        {"0.1234567890123456789", SOTTO_ERROR_LIMIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sotto_table *table;
        struct sotto_error err;
        assert_int_equal(send_numerals(&table, &rows[i].text, 1, &err), rows[i].status);
        assert_non_null(strstr(err.text, "\"x\""));
    }
}

/* --- What a hostile sender sends --- */

static void put_header(struct sotto_writer *writer, uint32_t kind, uint32_t bytes)
{
    sotto_writer_init(writer, SIZE_MAX);
    sotto_write_u32(writer, kind);
    sotto_write_u32(writer, bytes);
}

static void expect(enum sotto_status expected, const char *text, struct sotto_writer *writer)
{
    struct sotto_table *table;
    struct sotto_error err = {0};
    assert_int_equal(receive(&table, writer->data, writer->data_bytes, SIZE_MAX / 2, 1 << 20, &err),
                     expected);
    if (strstr(err.text, text) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", text, err.text);
    }
    sotto_writer_release(writer);
}

static void test_headers_are_checked(void **state)
{
    (void)state;
    static const uint32_t kinds[] = {0, 5, 256, 0x01000001, UINT32_MAX};
    struct sotto_writer writer;
    for (size_t i = 0; i < 5; i++) {
        put_header(&writer, kinds[i], 0);
        expect(SOTTO_ERROR_PROTOCOL, "none of its kinds", &writer);
    }
    put_header(&writer, SOTTO_PARCEL_COLUMNS, UINT32_MAX);
    expect(SOTTO_ERROR_PROTOCOL, "too long", &writer);
    put_header(&writer, SOTTO_PARCEL_COLUMNS, SOTTO_PARCEL_BYTES_MAX + 1);
    expect(SOTTO_ERROR_PROTOCOL, "too long", &writer);
    put_header(&writer, SOTTO_PARCEL_ROWS, 0); /* before the columns */
    expect(SOTTO_ERROR_PROTOCOL, "order", &writer);
    put_header(&writer, SOTTO_PARCEL_END, 0);
    expect(SOTTO_ERROR_PROTOCOL, "order", &writer);
    put_header(&writer, SOTTO_PARCEL_COLUMNS, 0);
    expect(SOTTO_ERROR_PROTOCOL, "", &writer);
}

static void test_columns_are_checked(void **state)
{
    (void)state;
    static const struct {
        uint8_t kind, scale;
        uint16_t bytes;
    } rows[] = {{SOTTO_KINDS_LEN, 0, 1},
                {254, 0, 1},
                {SOTTO_KIND_INT64, 1, 1},
                {SOTTO_KIND_DECIMAL, SOTTO_SCALE_MAX + 1, 1},
                {SOTTO_KIND_INT64, 0, 2},
                {SOTTO_KIND_INT64, 0, 0xFFFF},
                {255, 1, 1},
                {255, 0, 1}};
    struct sotto_writer writer;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_header(&writer, SOTTO_PARCEL_COLUMNS, 9);
        sotto_write_u32(&writer, 1);
        sotto_write_u8(&writer, rows[i].kind);
        sotto_write_u8(&writer, rows[i].scale);
        sotto_write_u16(&writer, rows[i].bytes);
        sotto_write_u8(&writer, 'x');
        expect(SOTTO_ERROR_PROTOCOL, "", &writer);
    }
    put_header(&writer, SOTTO_PARCEL_COLUMNS, 4);
    sotto_write_u32(&writer, 1000); /* of which none comes */
    expect(SOTTO_ERROR_PROTOCOL, "fewer columns", &writer);
    put_header(&writer, SOTTO_PARCEL_COLUMNS, 4);
    sotto_write_u32(&writer, UINT32_MAX);
    expect(SOTTO_ERROR_LIMIT, "columns", &writer);
}

/* The columns of one table, ready for a parcel of rows whose bytes follow. */
static void put_column(struct sotto_writer *writer, enum sotto_kind kind, uint32_t rows,
                       uint32_t bytes)
{
    const struct sotto_parcel_column column = {.name = "x", .type = {.kind = kind}};
    sotto_writer_init(writer, SIZE_MAX);
    sotto_parcel_write_columns(writer, &column, 1);
    sotto_write_u32(writer, SOTTO_PARCEL_ROWS);
    sotto_write_u32(writer, 4 + bytes);
    sotto_write_u32(writer, rows);
}

static void put_end(struct sotto_writer *writer, uint64_t rows)
{
    sotto_parcel_write_end(writer, rows);
}

static void test_rows_are_checked(void **state)
{
    (void)state;
    struct sotto_writer writer;
    static const uint32_t counts[] = {0, SOTTO_PARCEL_ROWS_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        put_column(&writer, SOTTO_KIND_INT64, counts[i], 0);
        expect(SOTTO_ERROR_PROTOCOL, "rows", &writer);
    }
    put_column(&writer, SOTTO_KIND_INT64, 2, 9); /* one value for two rows */
    sotto_write_bytes(&writer, "\0abcdefgh", 9);
    expect(SOTTO_ERROR_PROTOCOL, "cut off", &writer);
    put_column(&writer, SOTTO_KIND_INT64, 1, 10); /* a byte too many */
    sotto_write_bytes(&writer, "\0abcdefghi", 10);
    expect(SOTTO_ERROR_PROTOCOL, "too long", &writer);
    put_column(&writer, SOTTO_KIND_INT64, 1, 9);
    sotto_write_bytes(&writer, "\2abcdefgh", 9);
    expect(SOTTO_ERROR_PROTOCOL, "neither 0 nor 1", &writer);
    put_column(&writer, SOTTO_KIND_INT64, 1, 10);
    sotto_write_bytes(&writer, "\1\2abcdefgh", 10);
    expect(SOTTO_ERROR_PROTOCOL, "neither 0 nor 1", &writer);
    put_column(&writer, SOTTO_KIND_INT64, 2, 2); /* of one row whether it is there */
    sotto_write_bytes(&writer, "\1\1", 2);
    expect(SOTTO_ERROR_PROTOCOL, "cut off", &writer);
    put_column(&writer, SOTTO_KIND_INT64, 1, 0);
    expect(SOTTO_ERROR_PROTOCOL, "cut off", &writer);
    put_column(&writer, SOTTO_KIND_BOOL, 1, 2);
    sotto_write_bytes(&writer, "\0\7", 2);
    expect(SOTTO_ERROR_PROTOCOL, "neither 0 nor 1", &writer);
    put_column(&writer, SOTTO_KIND_DECIMAL, 1, 18);
    sotto_write_bytes(&writer, "\0\x13 123456789012345", 18);
    expect(SOTTO_ERROR_PROTOCOL, "decimals", &writer);
    put_column(&writer, SOTTO_KIND_DECIMAL, 1, 18);
    sotto_write_bytes(&writer, "\0\0\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\0", 18); /* 2^63 */
    expect(SOTTO_ERROR_LIMIT, "2^63", &writer);
}

static void test_texts_are_checked(void **state)
{
    (void)state;
    struct sotto_writer writer;
    put_column(&writer, SOTTO_KIND_STRING, 2, 10); /* lengths of more than there is */
    sotto_write_bytes(&writer, "\0\1\0\0\0\1\0\0\0a", 10);
    expect(SOTTO_ERROR_PROTOCOL, "texts", &writer);
    put_column(&writer, SOTTO_KIND_STRING, 2, 9);
    sotto_write_bytes(&writer, "\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9);
    expect(SOTTO_ERROR_PROTOCOL, "texts", &writer);
    static const char *const wrong[] = {"\xC3(", "a\xFF"};
    for (size_t i = 0; i < 2; i++) {
        put_column(&writer, SOTTO_KIND_STRING, 1, 7);
        sotto_write_bytes(&writer, "\0\2\0\0\0", 5);
        sotto_write_bytes(&writer, wrong[i], 2);
        put_end(&writer, 1);
        expect(SOTTO_ERROR_INPUT, "UTF-8", &writer);
    }
    put_column(&writer, SOTTO_KIND_STRING, 1, 7);
    sotto_write_bytes(&writer, "\0\2\0\0\0a\0", 7);
    put_end(&writer, 1);
    expect(SOTTO_ERROR_INPUT, "NUL", &writer);
    put_column(&writer, SOTTO_KIND_DATE, 1, 5);
    sotto_write_bytes(&writer, "\0\xFF\xFF\xFF\x7F", 5);
    put_end(&writer, 1);
    expect(SOTTO_ERROR_LIMIT, "years 1 to 9999", &writer);
}

static void test_the_end_is_checked(void **state)
{
    (void)state;
    struct sotto_writer writer;
    for (uint64_t said = 0; said < 3; said++) {
        put_column(&writer, SOTTO_KIND_INT64, 1, 9);
        sotto_write_bytes(&writer, "\0abcdefgh", 9);
        if (said == 1) {
            put_end(&writer, 1);
            sotto_write_u8(&writer, SOTTO_PARCEL_ROWS); /* begins another parcel */
            expect(SOTTO_ERROR_PROTOCOL, "more behind", &writer);
        } else {
            put_end(&writer, said);
            expect(SOTTO_ERROR_PROTOCOL, "another number of rows", &writer);
        }
    }
    put_column(&writer, SOTTO_KIND_INT64, 1, 9);
    sotto_write_bytes(&writer, "\0abcdefgh", 9);
    expect(SOTTO_ERROR_PROTOCOL, "whole table", &writer); /* no end */
}

static void test_what_comes_is_bounded(void **state)
{
    (void)state;
    const struct sotto_parcel_column column = {.name = "x"};
    const struct sotto_column values = {.len = SOTTO_PARCEL_ROWS_MAX};
    struct sotto_writer writer;
    sotto_writer_init(&writer, SIZE_MAX);
    sotto_parcel_write_columns(&writer, &column, 1);
    for (size_t i = 0; i < 17; i++) { /* a MiB of rows without values, and some more */
        size_t rows = SIZE_MAX;
        assert_int_equal(sotto_parcel_write_rows(&writer, &rows, &column, &values, 1, 0, NULL),
                         SOTTO_OK);
        assert_int_equal(rows, SOTTO_PARCEL_ROWS_MAX);
    }
    assert_true(writer.data_bytes < 1000);
    expect(SOTTO_ERROR_LIMIT, "allow more memory", &writer);
}

/* Columns of no values cost what a table keeps of each: a bit for each row. */
static void test_columns_without_values_are_bounded(void **state)
{
    (void)state;
    enum { LEN = 200 };
    struct sotto_parcel_column columns[LEN];
    struct sotto_column values[LEN];
    char names[LEN][4];
    struct sotto_writer writer;
    for (size_t i = 0; i < LEN; i++) {
        (void)snprintf(names[i], sizeof names[i], "%zu", i);
        columns[i] = (struct sotto_parcel_column){.name = names[i]};
        values[i] = (struct sotto_column){.len = SOTTO_PARCEL_ROWS_MAX};
    }
    sotto_writer_init(&writer, SIZE_MAX);
    sotto_parcel_write_columns(&writer, columns, LEN);
    size_t rows = SOTTO_PARCEL_ROWS_MAX;
    assert_int_equal(sotto_parcel_write_rows(&writer, &rows, columns, values, LEN, 0, NULL),
                     SOTTO_OK);
    put_end(&writer, rows);
    expect(SOTTO_ERROR_LIMIT, "allow more memory", &writer);
}

static void test_failures_are_passed_on(void **state)
{
    (void)state;
    struct sotto_writer writer;
    sotto_writer_init(&writer, SIZE_MAX);
    sotto_parcel_write_failure(&writer, SOTTO_ERROR_IO, "no route\n to host");
    expect(SOTTO_ERROR_IO, "no route? to host", &writer);
    sotto_writer_init(&writer, SIZE_MAX);
    sotto_parcel_write_failure(&writer, SOTTO_ERROR_AUTH, "which is not the sender's to say");
    expect(SOTTO_ERROR_PROTOCOL, "none", &writer);
    sotto_writer_init(&writer, SIZE_MAX);
    sotto_parcel_write_failure(&writer, SOTTO_OK, "");
    expect(SOTTO_ERROR_PROTOCOL, "none", &writer);
}

/* Long texts: as many rows as fit, and what does not fit alone is refused. */
static void test_rows_are_as_many_as_fit(void **state)
{
    (void)state;
    enum { TEXT = 16 << 20, TEXTS = 6 };
    struct sotto_parcel_column columns[5];
    struct sotto_column values[5];
    int64_t offsets[TEXTS + 1];
    char *texts = sotto_alloc_zeroed((size_t)TEXT * TEXTS);
    assert_non_null(texts);
    memset(texts, 'x', (size_t)TEXT * TEXTS);
    for (size_t i = 0; i <= TEXTS; i++) {
        offsets[i] = (int64_t)i * TEXT;
    }
    for (size_t i = 0; i < 5; i++) {
        columns[i] = (struct sotto_parcel_column){.name = "x", .type = {.kind = SOTTO_KIND_STRING}};
        values[i] = (struct sotto_column){
            .type = columns[i].type, .len = TEXTS, .values = texts, .offsets = offsets};
    }
    struct sotto_writer writer;
    size_t rows = TEXTS;
    sotto_writer_init(&writer, SIZE_MAX);
    assert_int_equal(sotto_parcel_write_rows(&writer, &rows, columns, values, 1, 0, NULL),
                     SOTTO_OK);
    assert_int_equal(rows, 3);
    assert_int_equal(sotto_parcel_write_rows(&writer, &rows, columns, values, 5, 3, NULL),
                     SOTTO_ERROR_LIMIT);
    sotto_writer_release(&writer);
    sotto_free(texts);
}

/* Cut off anywhere it is no table, and no byte is read that did not come. */
static void test_cut_off_anywhere_it_is_no_table(void **state)
{
    (void)state;
    struct sample *sample = make_sample();
    struct sotto_writer writer;
    write_sample(&writer, sample, ROWS / 2);
    for (size_t bytes = 0; bytes < writer.data_bytes; bytes += 1 + bytes / 7) {
        struct sotto_table *table;
        uint8_t *exact = sotto_alloc(bytes);
        assert_non_null(exact);
        memcpy(exact, writer.data, bytes);
        assert_int_equal(receive(&table, exact, bytes, SIZE_MAX / 2, SIZE_MAX, NULL),
                         SOTTO_ERROR_PROTOCOL);
        sotto_free(exact);
    }
    sotto_writer_release(&writer);
    sotto_free(sample);
}

static enum sotto_status receive_all(void *context)
{
    const struct sotto_writer *writer = context;
    struct sotto_table *table;
    enum sotto_status status =
        receive(&table, writer->data, writer->data_bytes, SIZE_MAX / 2, SIZE_MAX, NULL);
    sotto_table_free(table);
    return status;
}

static void test_no_memory_is_no_table(void **state)
{
    (void)state;
    struct sample *sample = make_sample();
    struct sotto_writer writer;
    write_sample(&writer, sample, ROWS);
    assert_true(fault_each_allocation(receive_all, &writer) > 20);
    sotto_writer_release(&writer);
    sotto_free(sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_arrives_as_it_was),
        cmocka_unit_test(test_hidden_columns_are_named),
        cmocka_unit_test(test_numerals_are_decimals_of_one_scale),
        cmocka_unit_test(test_numerals_that_are_no_decimals_are_refused),
        cmocka_unit_test(test_headers_are_checked),
        cmocka_unit_test(test_columns_are_checked),
        cmocka_unit_test(test_rows_are_checked),
        cmocka_unit_test(test_texts_are_checked),
        cmocka_unit_test(test_the_end_is_checked),
        cmocka_unit_test(test_what_comes_is_bounded),
        cmocka_unit_test(test_rows_are_as_many_as_fit),
        cmocka_unit_test(test_columns_without_values_are_bounded),
        cmocka_unit_test(test_failures_are_passed_on),
        cmocka_unit_test(test_cut_off_anywhere_it_is_no_table),
        cmocka_unit_test(test_no_memory_is_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
