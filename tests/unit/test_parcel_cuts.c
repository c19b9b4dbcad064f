/* SPDX-License-Identifier: Apache-2.0 */
/* Where streams of parcels are cut. */
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/parcel.h>

#define ROWS 24
#define BYTES_MAX ((size_t)1 << 20)

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* ROWS rows of columns of five types, some missing, so many rows in each parcel. */
static void write_stream(struct sotto_writer *writer, uint64_t *seed, size_t rows)
{
    static const struct sotto_parcel_column columns[] = {
        {.name = "b", .type = {.kind = SOTTO_KIND_BOOL}},
        {.name = "i", .type = {.kind = SOTTO_KIND_INT64}},
        {.name = "list", .hidden = "list"},
        {.name = "f", .type = {.kind = SOTTO_KIND_FLOAT64}},
        {.name = "d", .type = {.kind = SOTTO_KIND_DECIMAL, .scale = 2}},
        {.name = "s", .type = {.kind = SOTTO_KIND_STRING}},
    };
    uint8_t bits[ROWS / 8];
    int64_t numbers[ROWS];
    double doubles[ROWS];
    int64_t offsets[ROWS + 1] = {0};
    char texts[ROWS * 8];
    memset(texts, 'x', sizeof texts);
    for (size_t i = 0; i < ROWS; i++) {
        bits[i / 8] = (uint8_t)next_random(seed);
        numbers[i] = (int64_t)next_random(seed);
        doubles[i] = (double)numbers[i] / 7;
        offsets[i + 1] = offsets[i] + (int64_t)(next_random(seed) % 8);
    }
    const struct sotto_column values[] = {
        {.type = columns[0].type, .len = ROWS, .values = bits},
        {.type = columns[1].type, .len = ROWS, .values = numbers, .validity = bits},
        {.len = 0},
        {.type = columns[3].type, .len = ROWS, .values = doubles, .validity = bits},
        {.type = columns[4].type, .len = ROWS, .values = numbers},
        {.type = columns[5].type, .len = ROWS, .values = texts, .offsets = offsets},
    };
    size_t columns_len = sizeof columns / sizeof columns[0];
    sotto_writer_init(writer, SIZE_MAX);
    sotto_parcel_write_columns(writer, columns, columns_len);
    for (size_t at = 0; at < ROWS;) {
        size_t some = ROWS - at < rows ? ROWS - at : rows;
        assert_int_equal(
            sotto_parcel_write_rows(writer, &some, columns, values, columns_len, at, NULL),
            SOTTO_OK);
        at += some;
    }
    sotto_parcel_write_end(writer, ROWS);
    assert_int_equal(sotto_writer_status(writer), SOTTO_OK);
}

/* What became of a stream: its table, or why there is none. */
struct outcome {
    enum sotto_status status;
    struct sotto_error err;
    struct sotto_table *table;
};

/* Takes a stream in pieces of one length. */
static void receive_pieces(struct outcome *out, const struct sotto_writer *writer, size_t piece)
{
    struct sotto_parcels *parcels = NULL;
    *out = (struct outcome){.status = sotto_parcels_new(&parcels, BYTES_MAX, &out->err)};
    for (size_t at = 0; out->status == SOTTO_OK && at < writer->data_bytes; at += piece) {
        size_t left = writer->data_bytes - at;
        out->status =
            sotto_parcels_take(parcels, writer->data + at, left < piece ? left : piece, &out->err);
    }
    if (out->status == SOTTO_OK) {
        out->status = sotto_parcels_table(&out->table, parcels, &out->err);
    }
    sotto_parcels_free(parcels);
}

/* Puts a stream where the parcels want it, by random amounts; never more than is wanted. */
static void receive_in_place(struct outcome *out, const struct sotto_writer *writer, uint64_t *seed)
{
    struct sotto_parcels *parcels = NULL;
    *out = (struct outcome){.status = sotto_parcels_new(&parcels, BYTES_MAX, &out->err)};
    for (size_t at = 0; out->status == SOTTO_OK && at < writer->data_bytes;) {
        size_t bytes;
        void *to = sotto_parcels_space(parcels, &bytes);
        if (to == NULL) { /* it is sotto_parcels_take that says so */
            assert_int_equal(bytes, 0);
            out->status = sotto_parcels_take(parcels, writer->data + at, 1, &out->err);
            break;
        }
        assert_true(bytes > 0);
        bytes = bytes < writer->data_bytes - at ? bytes : writer->data_bytes - at;
        bytes = next_random(seed) % 2 == 0 ? bytes : (size_t)(next_random(seed) % (bytes + 1));
        memcpy(to, writer->data + at, bytes);
        out->status = sotto_parcels_filled(parcels, bytes, &out->err);
        at += bytes;
    }
    if (out->status == SOTTO_OK) {
        out->status = sotto_parcels_table(&out->table, parcels, &out->err);
    }
    sotto_parcels_free(parcels);
}

/* Changes some bytes of a stream, most often of its lengths, or cuts it off. */
static void spoil(struct sotto_writer *writer, uint64_t *seed)
{
    for (uint64_t i = next_random(seed) % 3; i > 0; i--) {
        size_t range = next_random(seed) % 2 == 0 ? writer->data_bytes : 200;
        size_t at = (size_t)(next_random(seed) % range);
        writer->data[at < writer->data_bytes ? at : 0] = (uint8_t)next_random(seed);
    }
    if (next_random(seed) % 4 == 0) {
        writer->data_bytes -= (size_t)(next_random(seed) % writer->data_bytes);
    }
}

static void check_same_outcome(const struct outcome *a, const struct outcome *b)
{
    assert_int_equal(a->status, b->status);
    if (a->status != SOTTO_OK) {
        assert_string_equal(a->err.text, b->err.text);
        return;
    }
    assert_int_equal(sotto_table_rows(a->table), sotto_table_rows(b->table));
    assert_int_equal(sotto_table_columns_len(a->table), sotto_table_columns_len(b->table));
    for (size_t i = 0; i < sotto_table_columns_len(a->table); i++) {
        struct sotto_column mine = sotto_table_column(a->table, i);
        struct sotto_column theirs = sotto_table_column(b->table, i);
        assert_int_equal(mine.type.kind, theirs.type.kind);
        assert_int_equal(mine.null_count, theirs.null_count);
        for (size_t row = 0; row < mine.len; row++) {
            assert_int_equal(sotto_column_is_valid(&mine, row),
                             sotto_column_is_valid(&theirs, row));
        }
        if (mine.type.kind == SOTTO_KIND_INT64 || mine.type.kind == SOTTO_KIND_FLOAT64) {
            assert_memory_equal(mine.values, theirs.values, mine.len * sizeof(int64_t));
        }
    }
}

/* Whether a value is the same in two tables, a missing one too. */
static void check_same_value(const struct sotto_column *a, size_t at_a,
                             const struct sotto_column *b, size_t at_b)
{
    assert_int_equal(sotto_column_is_valid(a, at_a), sotto_column_is_valid(b, at_b));
    if (a->type.kind == SOTTO_KIND_BOOL) {
        assert_int_equal(((const uint8_t *)a->values)[at_a / 8] >> (at_a % 8) & 1,
                         ((const uint8_t *)b->values)[at_b / 8] >> (at_b % 8) & 1);
    } else if (a->type.kind == SOTTO_KIND_STRING) {
        int64_t bytes = a->offsets[at_a + 1] - a->offsets[at_a];
        assert_int_equal(bytes, b->offsets[at_b + 1] - b->offsets[at_b]);
        assert_memory_equal((const char *)a->values + a->offsets[at_a],
                            (const char *)b->values + b->offsets[at_b], (size_t)bytes);
    } else if (a->type.kind != SOTTO_KIND_NULL) {
        size_t bytes = a->type.kind == SOTTO_KIND_DECIMAL ? 16 : 8;
        assert_memory_equal((const uint8_t *)a->values + at_a * bytes,
                            (const uint8_t *)b->values + at_b * bytes, bytes);
    }
}

/* Whether rows are those of a whole table from `first` on. */
static void check_rows_of(const struct sotto_table *whole, size_t first,
                          const struct sotto_table *rows)
{
    assert_int_equal(sotto_table_columns_len(whole), sotto_table_columns_len(rows));
    assert_in_range(sotto_table_rows(rows), 1, sotto_table_rows(whole) - first);
    for (size_t i = 0; i < sotto_table_columns_len(whole); i++) {
        struct sotto_column of_whole = sotto_table_column(whole, i);
        struct sotto_column own = sotto_table_column(rows, i);
        assert_int_equal(of_whole.type.kind, own.type.kind);
        assert_int_equal(of_whole.type.scale, own.type.scale);
        for (size_t row = 0; row < own.len; row++) {
            check_same_value(&of_whole, first + row, &own, row);
        }
    }
}

/* Takes rows as they come: all of the whole table's, or there is no whole one. */
static void check_rows(const struct outcome *whole, const struct sotto_writer *writer,
                       uint64_t *seed)
{
    struct sotto_parcels *parcels = NULL;
    size_t rows = 0;
    enum sotto_status status = sotto_parcels_new(&parcels, BYTES_MAX, NULL);
    for (size_t at = 0; status == SOTTO_OK && at < writer->data_bytes;) {
        size_t bytes = 1 + (size_t)(next_random(seed) % 200);
        struct sotto_table *table = NULL;
        bytes = bytes < writer->data_bytes - at ? bytes : writer->data_bytes - at;
        status = sotto_parcels_take(parcels, writer->data + at, bytes, NULL);
        if (status == SOTTO_OK) {
            status = sotto_parcels_rows(&table, parcels, NULL);
        }
        if (table != NULL && whole->table != NULL) {
            check_rows_of(whole->table, rows, table);
        }
        rows += table != NULL ? sotto_table_rows(table) : 0;
        sotto_table_free(table);
        at += bytes;
    }
    bool is_whole = status == SOTTO_OK && sotto_parcels_are_complete(parcels);
    assert_int_equal(is_whole, whole->status == SOTTO_OK);
    if (is_whole) {
        struct sotto_table *table;
        assert_int_equal(rows, sotto_table_rows(whole->table));
        assert_int_equal(sotto_parcels_table(&table, parcels, NULL), SOTTO_ERROR_PROTOCOL);
    }
    sotto_parcels_free(parcels);
}

/* Where a stream is cut, and whether it is copied, changes nothing: 10,000 streams, most of them
 * spoiled, give the same table or the same refusal in one piece, in small ones and in place, and
 * the same rows where they are taken as they come. */
static void test_cuts_change_nothing(void **state)
{
    uint64_t seed = 22;
    size_t good = 0;
    (void)state;
    for (size_t run = 0; run < 10000; run++) {
        struct sotto_writer writer;
        struct outcome whole;
        struct outcome pieces;
        struct outcome placed;
        write_stream(&writer, &seed, 1 + (size_t)(next_random(&seed) % 12));
        spoil(&writer, &seed);
        receive_pieces(&whole, &writer, writer.data_bytes);
        receive_pieces(&pieces, &writer, 1 + (size_t)(next_random(&seed) % 40));
        receive_in_place(&placed, &writer, &seed);
        check_same_outcome(&whole, &pieces);
        check_same_outcome(&whole, &placed);
        check_rows(&whole, &writer, &seed);
        good += whole.status == SOTTO_OK;
        sotto_table_free(whole.table);
        sotto_table_free(pieces.table);
        sotto_table_free(placed.table);
        sotto_writer_release(&writer);
    }
    assert_in_range(good, 1000, 9000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
