/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <sotto/alloc.h>
#include <sotto/table.h>
#include <string.h>

struct table_column {
    struct sotto_type type;
    bool wide;
    size_t null_count;
    uint8_t *validity;
    void *values;
    size_t values_bytes; /* capacity */
    int64_t *offsets;
};

struct sotto_table {
    size_t rows;     /* loaded so far */
    size_t capacity; /* rows of the catalogue */
    struct table_column *columns;
    size_t columns_len;
};

static size_t bitmap_bytes(size_t rows)
{
    return rows / 8 + 1;
}

static size_t narrow_bytes(enum sotto_kind kind, size_t rows)
{
    switch (kind) {
    case SOTTO_KIND_BOOL:
        return bitmap_bytes(rows);
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_DECIMAL:
    case SOTTO_KIND_FLOAT64:
        return rows * 8;
    default:
        return 0;
    }
}

static enum sotto_status column_init(struct table_column *column, struct sotto_type type,
                                     size_t rows)
{
    column->type = type;
    column->validity = sotto_alloc_aligned(bitmap_bytes(rows));
    if (column->validity == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (type.kind == SOTTO_KIND_STRING) {
        column->offsets = sotto_alloc_aligned((rows + 1) * sizeof *column->offsets);
        if (column->offsets == NULL) {
            return SOTTO_ERROR_NO_MEMORY;
        }
    }
    size_t bytes = narrow_bytes(type.kind, rows);
    return sotto__buffer_grow(&column->values, &column->values_bytes,
                              bytes > 0 ? bytes : SOTTO_ALIGNMENT);
}

/* --- Appending a block --- */

static void append_bits(uint8_t *bitmap, size_t at, const uint8_t *bits, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool bit = bits == NULL || ((bits[i / 8] >> (i % 8)) & 1) != 0;
        sotto__bit_set(bitmap, at + i, bit);
    }
}

static enum sotto_status append_decimals(struct table_column *column, size_t at, size_t capacity,
                                         const struct sotto_column *block)
{
    if (block->wide && !column->wide) {
        enum sotto_status status = sotto__buffer_grow(&column->values, &column->values_bytes,
                                                      capacity * sizeof(struct sotto_int128));
        if (status != SOTTO_OK) {
            return status;
        }
        sotto__values_widen(column->values, at);
        column->wide = true;
    }
    if (column->wide && !block->wide) {
        struct sotto_int128 *values = (struct sotto_int128 *)column->values + at;
        memcpy(values, block->values, block->len * sizeof(int64_t));
        sotto__values_widen(values, block->len);
        return SOTTO_OK;
    }
    size_t each = column->wide ? sizeof(struct sotto_int128) : sizeof(int64_t);
    memcpy((char *)column->values + at * each, block->values, block->len * each);
    return SOTTO_OK;
}

static enum sotto_status append_strings(struct table_column *column, size_t at,
                                        const struct sotto_column *block)
{
    size_t start = (size_t)column->offsets[at];
    size_t bytes = (size_t)block->offsets[block->len];
    enum sotto_status status =
        sotto__buffer_grow(&column->values, &column->values_bytes, start + bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    memcpy((char *)column->values + start, block->values, bytes);
    for (size_t i = 0; i < block->len; i++) {
        column->offsets[at + i + 1] = (int64_t)start + block->offsets[i + 1];
    }
    return SOTTO_OK;
}

static enum sotto_status append(struct table_column *column, size_t at, size_t capacity,
                                const struct sotto_column *block)
{
    append_bits(column->validity, at, block->validity, block->len);
    column->null_count += block->null_count;
    switch (column->type.kind) {
    case SOTTO_KIND_BOOL:
        append_bits(column->values, at, block->values, block->len);
        return SOTTO_OK;
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_FLOAT64:
        memcpy((char *)column->values + at * 8, block->values, block->len * 8);
        return SOTTO_OK;
    case SOTTO_KIND_DECIMAL:
        return append_decimals(column, at, capacity, block);
    case SOTTO_KIND_STRING:
        return append_strings(column, at, block);
    default:
        return SOTTO_OK;
    }
}

static enum sotto_status table_sink(void *context, size_t worker,
                                    const struct sotto_column *columns, size_t columns_len,
                                    size_t rows, struct sotto_error *err)
{
    (void)worker;
    struct sotto_table *table = context;
    /* A scan gives as many rows as were catalogued, or fails before. */
    SOTTO_REQUIRE(columns_len == table->columns_len && rows <= table->capacity - table->rows);
    for (size_t i = 0; i < columns_len; i++) {
        enum sotto_status status =
            append(&table->columns[i], table->rows, table->capacity, &columns[i]);
        if (status != SOTTO_OK) {
            return sotto_error_set(err, status, "loading a table: %s", sotto_status_text(status));
        }
    }
    table->rows += rows;
    return SOTTO_OK;
}

static enum sotto_status table_new(struct sotto_table **out, const struct sotto_csv_wanted *wanted,
                                   size_t wanted_len, uint64_t rows)
{
    struct sotto_table *table = sotto_alloc_zeroed(sizeof *table);
    if (table == NULL || rows > SIZE_MAX / sizeof(struct sotto_int128) - 1) {
        sotto_free(table);
        return SOTTO_ERROR_NO_MEMORY;
    }
    table->capacity = (size_t)rows;
    table->columns = sotto_alloc_array(wanted_len, sizeof *table->columns);
    enum sotto_status status = table->columns != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    for (size_t i = 0; status == SOTTO_OK && i < wanted_len; i++) {
        table->columns_len++;
        status = column_init(&table->columns[i], wanted[i].type, table->capacity);
    }
    if (status != SOTTO_OK) {
        sotto_table_free(table);
        return status;
    }
    *out = table;
    return SOTTO_OK;
}

enum sotto_status sotto_table_load(struct sotto_table **out, struct sotto_csv *csv,
                                   const struct sotto_catalogue *catalogue,
                                   const struct sotto_csv_wanted *wanted, size_t wanted_len,
                                   struct sotto_error *err)
{
    struct sotto_table *table;
    enum sotto_status status = table_new(&table, wanted, wanted_len, catalogue->rows);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "%s: out of memory", csv->name);
    }
    status = sotto_csv_scan(csv, catalogue, wanted, wanted_len, table_sink, table, err);
    if (status != SOTTO_OK) {
        sotto_table_free(table);
        return status;
    }
    *out = table;
    return SOTTO_OK;
}

void sotto_table_free(struct sotto_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; table->columns != NULL && i < table->columns_len; i++) {
        sotto_free(table->columns[i].validity);
        sotto_free(table->columns[i].values);
        sotto_free(table->columns[i].offsets);
    }
    sotto_free(table->columns);
    sotto_free(table);
}

size_t sotto_table_rows(const struct sotto_table *table)
{
    return table->rows;
}

struct sotto_column sotto_table_column(const struct sotto_table *table, size_t i)
{
    SOTTO_REQUIRE(i < table->columns_len);
    const struct table_column *column = &table->columns[i];
    return (struct sotto_column){
        .type = column->type,
        .wide = column->wide,
        .len = table->rows,
        .null_count = column->null_count,
        .validity = column->null_count > 0 ? column->validity : NULL,
        .values = column->type.kind == SOTTO_KIND_NULL ? NULL : column->values,
        .offsets = column->offsets,
    };
}
