/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "test.h"

#include <sotto/datetime.h>
#include <sotto/parcel.h>
#include <stdio.h>

/* A table of a text and an integer for each row; a text NULL is missing, and its integer too. */
struct sent {
    const char *const *texts;
    const int64_t *integers;
    size_t rows;
    const struct sotto_csv_column *stated;
    size_t stated_len;
    struct sotto_table *table; /* what came */
};

static void write_sent(struct sotto_writer *writer, const struct sent *sent)
{
    static const struct sotto_parcel_column columns[] = {
        {.name = "s", .type = {.kind = SOTTO_KIND_STRING}},
        {.name = "i", .type = {.kind = SOTTO_KIND_INT64}},
        {.name = "h", .hidden = "lists"},
    };
    char texts[1024];
    uint8_t present[8] = {0};
    int64_t integers[64] = {0};
    int64_t offsets[65] = {0};
    size_t missing = 0;
    for (size_t i = 0; i < sent->rows; i++) {
        size_t bytes = sent->texts[i] != NULL ? strlen(sent->texts[i]) : 0;
        if (sent->texts[i] != NULL) {
            memcpy(texts + offsets[i], sent->texts[i], bytes);
            integers[i] = sent->integers[i];
            present[i / 8] |= (uint8_t)(1U << (i % 8));
        } else {
            missing++;
        }
        offsets[i + 1] = offsets[i] + (int64_t)bytes;
    }
    struct sotto_column values[3] = {{.type = columns[0].type, .values = texts, .offsets = offsets},
                                     {.type = columns[1].type, .values = integers}};
    for (size_t i = 0; i < 2; i++) {
        values[i].len = sent->rows;
        values[i].null_count = missing;
        values[i].validity = present;
    }
    sotto_writer_init(writer, SIZE_MAX);
    sotto_parcel_write_columns(writer, columns, 3);
    size_t rows = sent->rows;
    if (rows > 0) {
        assert_ok(sotto_parcel_write_rows(writer, &rows, columns, values, 3, 0, NULL));
    }
    sotto_parcel_write_end(writer, rows);
}

static enum sotto_status receive(struct sent *sent, const struct sotto_writer *writer,
                                 struct sotto_error *err)
{
    struct sotto_parcels *parcels;
    enum sotto_status status = sotto_parcels_new(&parcels, SIZE_MAX, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_parcels_take(parcels, writer->data, writer->data_bytes, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_parcels_state(parcels, sent->stated, sent->stated_len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    assert_int_equal(sotto_parcels_column(parcels, 0).type.kind, sent->stated[0].type.kind);
    status = sotto_parcels_table(&sent->table, parcels, err);
out:
    sotto_parcels_free(parcels);
    return status;
}

static enum sotto_status send(struct sent *sent, struct sotto_error *err)
{
    struct sotto_writer writer;
    write_sent(&writer, sent);
    enum sotto_status status = receive(sent, &writer, err);
    sotto_writer_release(&writer);
    return status;
}

static int64_t read_value(const struct sotto_table *table, size_t i, size_t row)
{
    struct sotto_column column = sotto_table_column(table, i);
    if (column.type.kind == SOTTO_KIND_BOOL) {
        return ((const uint8_t *)column.values)[row / 8] >> (row % 8) & 1;
    }
    if (column.wide) {
        return (int64_t)((const struct sotto_int128 *)column.values)[row].low;
    }
    return ((const int64_t *)column.values)[row];
}

static struct sotto_csv_column state(const char *name, enum sotto_kind kind, unsigned scale,
                                     const char *form)
{
    return (struct sotto_csv_column){
        .name = name, .typed = true, .type = {.kind = kind, .scale = (uint8_t)scale}, .form = form};
}

/* What a text and an integer become. */
static void expect_values(struct sotto_csv_column of_texts, struct sotto_csv_column of_integers,
                          const char *const *texts, const int64_t *integers, const int64_t *values)
{
    const struct sotto_csv_column stated[] = {of_texts, of_integers};
    struct sent sent = {texts, integers, 3, stated, 2, NULL};
    struct sotto_error err = {0};
    if (send(&sent, &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < 2; i++) {
        struct sotto_column column = sotto_table_column(sent.table, i);
        assert_int_equal(column.type.kind, stated[i].type.kind);
        assert_int_equal(column.null_count, 1);
        assert_false(sotto_column_is_valid(&column, 1));
        assert_int_equal(read_value(sent.table, i, 0), values[2 * i]);
        assert_int_equal(read_value(sent.table, i, 2), values[2 * i + 1]);
    }
    sotto_table_free(sent.table);
}

static void test_texts_and_integers_become_what_is_stated(void **context)
{
    (void)context;
    expect_values(state("s", SOTTO_KIND_DATE, 0, NULL), state("i", SOTTO_KIND_BOOL, 0, NULL),
                  (const char *const[]){"1970-01-03", NULL, "1969-12-31"}, (int64_t[]){1, 0, 0},
                  (int64_t[]){2, -1, 1, 0});
    expect_values(state("s", SOTTO_KIND_BOOL, 0, "ja/nein"), state("i", SOTTO_KIND_BOOL, 0, "2/1"),
                  (const char *const[]){"nein", NULL, "ja"}, (int64_t[]){2, 0, 1},
                  (int64_t[]){0, 1, 1, 0});
    expect_values(state("s", SOTTO_KIND_DATETIME, 0, NULL), state("i", SOTTO_KIND_DECIMAL, 2, NULL),
                  (const char *const[]){"1970-01-01", NULL, "1970-01-02 00:00:00.000001"},
                  (int64_t[]){INT64_MAX / 100, 0, -7},
                  (int64_t[]){0, SOTTO_DATETIME_DAY + 1, INT64_MAX / 100 * 100, -700});
    /* Texts stand side by side: where one ends, a digit of the next may follow. */
    expect_values(state("s", SOTTO_KIND_DECIMAL, 3, NULL), state("i", SOTTO_KIND_INT64, 0, NULL),
                  (const char *const[]){"1.25", NULL, "7"}, (int64_t[]){1, 0, 2},
                  (int64_t[]){1250, 7000, 1, 2});
    expect_values(state("s", SOTTO_KIND_INT64, 0, NULL), state("i", SOTTO_KIND_INT64, 0, NULL),
                  (const char *const[]){"-9223372036854775808", NULL, "12"}, (int64_t[]){1, 0, 2},
                  (int64_t[]){INT64_MIN, 12, 1, 2});
}

static void test_no_rows_are_of_any_type(void **context)
{
    (void)context;
    for (int kind = SOTTO_KIND_BOOL; kind < SOTTO_KINDS_LEN; kind++) {
        const struct sotto_csv_column stated = state("s", (enum sotto_kind)kind, 0, NULL);
        struct sent sent = {.stated = &stated, .stated_len = 1};
        if (kind != SOTTO_KIND_FLOAT64) {
            assert_ok(send(&sent, NULL));
            sotto_table_free(sent.table);
        }
    }
}

static void expect_refusal(struct sotto_csv_column stated, const char *text, int64_t integer,
                           enum sotto_status expected, const char *said)
{
    struct sent sent = {&text, &integer, 1, &stated, 1, NULL};
    struct sotto_error err = {0};
    assert_int_equal(send(&sent, &err), expected);
    if (strstr(err.text, said) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", said, err.text);
    }
}

static void test_what_does_not_fit_is_refused(void **context)
{
    (void)context;
    char longest[200];
    memset(longest, '1', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    static const struct {
        const char *text;
        enum sotto_kind kind;
    } rows[] = {
        {"", SOTTO_KIND_DATE},
        {"1970-02-30", SOTTO_KIND_DATE},
        {" 1970-02-03", SOTTO_KIND_DATE},
        {"1970-01-01T00:00Z", SOTTO_KIND_DATETIME},
        {"2", SOTTO_KIND_BOOL},
        {"", SOTTO_KIND_BOOL},
        {"1e3", SOTTO_KIND_DECIMAL},
        {"1.5", SOTTO_KIND_DECIMAL},
        {"", SOTTO_KIND_DECIMAL},
        {"9223372036854775808", SOTTO_KIND_INT64},
        {"1.0", SOTTO_KIND_INT64},
        {"NaN", SOTTO_KIND_DECIMAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char said[64];
        (void)snprintf(said, sizeof said, "as configured, found \"%s\"", rows[i].text);
        expect_refusal(state("s", rows[i].kind, 0, NULL), rows[i].text, 0, SOTTO_ERROR_INPUT, said);
    }
    expect_refusal(state("s", SOTTO_KIND_DECIMAL, 0, NULL), longest, 0, SOTTO_ERROR_INPUT, "1111");
    expect_refusal(state("i", SOTTO_KIND_BOOL, 0, NULL), "", 2, SOTTO_ERROR_INPUT, "found \"2\"");
    expect_refusal(state("i", SOTTO_KIND_STRING, 0, NULL), "", 2, SOTTO_ERROR_TYPE,
                   "expected string as configured, found int64");
    expect_refusal(state("s", SOTTO_KIND_FLOAT64, 0, NULL), "1", 2, SOTTO_ERROR_TYPE, "in a view");
    expect_refusal(state("nope", SOTTO_KIND_DATE, 0, NULL), "", 2, SOTTO_ERROR_NOT_FOUND, "nope");
}

static const char *const flags[] = {"yes", NULL, "f"};
static const int64_t flags_beside[] = {1, 0, 0};
static const struct sotto_csv_column flags_stated[] = {
    {.name = "s", .typed = true, .type = {.kind = SOTTO_KIND_BOOL}},
    {.name = "i", .typed = true, .type = {.kind = SOTTO_KIND_DECIMAL, .scale = 18}},
    {.name = "h", .typed = true, .type = {.kind = SOTTO_KIND_DATE}}, /* hidden: stays so */
};

static enum sotto_status receive_flags(void *context)
{
    struct sent sent = {flags, flags_beside, 3, flags_stated, 3, NULL};
    enum sotto_status status = receive(&sent, context, NULL);
    sotto_table_free(sent.table);
    return status;
}

static void test_no_memory_is_no_table(void **context)
{
    (void)context;
    const struct sent sent = {.texts = flags, .integers = flags_beside, .rows = 3};
    struct sotto_writer writer;
    write_sent(&writer, &sent);
    assert_ok(receive_flags(&writer));
    assert_true(fault_each_allocation(receive_flags, &writer) > 10);
    sotto_writer_release(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_and_integers_become_what_is_stated),
        cmocka_unit_test(test_no_rows_are_of_any_type),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_no_memory_is_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
