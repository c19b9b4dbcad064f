/* SPDX-License-Identifier: Apache-2.0 */

/* Rows that come as tables, handed out in blocks on all threads. It leans on load.c and exact.c of
 * the room rows for doubles. The one idea: a block of a table's column is a view into it, and only
 * a column whose type is not the wanted one is converted, block by block, into memory of its
 * worker. */

#include "contribute/contribute.h"

#include <omp.h>
#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <sotto/bytes.h>
#include <stdatomic.h>
#include <string.h>

/* Rows of a block: a multiple of SOTTO__ROWS_LEN, so that bitmaps are cut at bytes. */
#define BLOCK_LEN ((size_t)8 * SOTTO__ROWS_LEN)

/* A block of a column whose type is not the wanted one: there is room for BLOCK_LEN values. */
struct conversion {
    uint8_t *validity; /* all missing */
    int64_t *offsets;
    void *values;
};

/* One thread's. */
struct tables_worker {
    struct sotto_column *columns;   /* [i]: a block of wanted column i */
    struct conversion *conversions; /* memory once a column needs it */
    size_t columns_len;
    enum sotto_status status;
    struct sotto_error err;
};

struct tables_reading {
    const struct sotto_tables *tables;
    const struct sotto_source_scan *scan;
    struct tables_worker *workers;
};

/* --- Storage --- */

static void worker_release(struct tables_worker *worker)
{
    for (size_t i = 0; worker->conversions != NULL && i < worker->columns_len; i++) {
        sotto_free(worker->conversions[i].validity);
        sotto_free(worker->conversions[i].offsets);
        sotto_free(worker->conversions[i].values);
    }
    sotto_free(worker->conversions);
    sotto_free(worker->columns);
}

static enum sotto_status conversion_prepare(struct conversion *in_out)
{
    if (in_out->values != NULL) {
        return SOTTO_OK;
    }
    struct conversion made = {.validity = sotto_alloc_zeroed(BLOCK_LEN / 8),
                              .offsets = sotto_alloc_zeroed((BLOCK_LEN + 1) * sizeof(int64_t)),
                              .values =
                                  sotto_alloc_zeroed(BLOCK_LEN * sizeof(struct sotto_int128))};
    if (made.validity == NULL || made.offsets == NULL || made.values == NULL) {
        sotto_free(made.validity);
        sotto_free(made.offsets);
        sotto_free(made.values);
        return SOTTO_ERROR_NO_MEMORY;
    }
    *in_out = made;
    return SOTTO_OK;
}

static enum sotto_status worker_init(struct tables_worker *out, size_t columns_len)
{
    out->columns_len = columns_len;
    out->columns = sotto_alloc_array(columns_len, sizeof *out->columns);
    out->conversions = sotto_alloc_array(columns_len, sizeof *out->conversions);
    return out->columns != NULL && out->conversions != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

/* --- Blocks --- */

static bool is_same_type(struct sotto_type a, struct sotto_type b)
{
    return a.kind == b.kind && a.scale == b.scale;
}

/* A view of rows at .. at + len - 1 of a column; at is a multiple of 8. */
static struct sotto_column view_rows(const struct sotto_column *column, size_t at, size_t len)
{
    struct sotto_column out = *column;
    out.len = len;
    out.validity = column->validity != NULL ? column->validity + at / 8 : NULL;
    switch (column->type.kind) {
    case SOTTO_KIND_BOOL:
        out.values = (const uint8_t *)column->values + at / 8;
        break;
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_FLOAT64:
    case SOTTO_KIND_DATE:
    case SOTTO_KIND_DATETIME:
    case SOTTO_KIND_DATETIME_UTC:
        out.values = (const uint64_t *)column->values + at;
        break;
    case SOTTO_KIND_DECIMAL:
        out.values = column->wide ? (const void *)((const struct sotto_int128 *)column->values + at)
                                  : (const void *)((const int64_t *)column->values + at);
        break;
    case SOTTO_KIND_STRING:
        out.offsets = column->offsets + at;
        break;
    default:
        break;
    }
    return out;
}

static sotto__int128 value_at(const struct sotto_column *block, size_t row)
{
    if (block->wide) {
        const struct sotto_int128 *value = (const struct sotto_int128 *)block->values + row;
        return (sotto__int128)((sotto__uint128)(uint64_t)value->high << 64 | value->low);
    }
    return ((const int64_t *)block->values)[row];
}

/* Writes values as multiples of 10^-scale: |v| < 2^63 10^18 fits 128 bits. */
static void write_decimals(struct sotto_int128 *out, const struct sotto_column *block,
                           uint8_t scale)
{
    int64_t factor = 1;
    for (unsigned i = block->type.scale; i < scale; i++) {
        factor *= 10;
    }
    for (size_t i = 0; i < block->len; i++) {
        sotto__uint128 value = (sotto__uint128)(value_at(block, i) * factor);
        out[i] = (struct sotto_int128){.low = (uint64_t)value, .high = (int64_t)(value >> 64)};
    }
}

/* Writes the nearest doubles, by way of a register of each SOTTO__ROWS_LEN values. */
static void write_doubles(double *out, const struct sotto_column *block)
{
    sotto__int128 values[SOTTO__ROWS_LEN];
    uint8_t state[SOTTO__ROWS_LEN] = {0};
    struct sotto__rows rows = {.no_state = state};
    for (size_t at = 0; at < block->len; at += SOTTO__ROWS_LEN) {
        uint8_t own_state[SOTTO__ROWS_LEN];
        size_t len = block->len - at < SOTTO__ROWS_LEN ? block->len - at : SOTTO__ROWS_LEN;
        struct sotto__register from = {.own_values = values, .own_state = own_state};
        sotto__rows_load(&rows, &from, block, at, len);
        sotto__exact_to_float(out + at, &from, block->type.scale, len);
    }
}

/* Makes *in_out, which is of another type, a block of the wanted one. */
static void convert_block(struct sotto_column *in_out, const struct conversion *memory,
                          struct sotto_type type)
{
    struct sotto_column block = *in_out;
    in_out->type = type;
    in_out->values = memory->values;
    in_out->wide = type.kind == SOTTO_KIND_DECIMAL;
    if (block.type.kind == SOTTO_KIND_NULL) {
        /* What is missing is 0; a table before may have had values here. */
        memset(memory->values, 0, block.len * sizeof(struct sotto_int128));
        in_out->validity = memory->validity;
        in_out->offsets = memory->offsets;
        in_out->null_count = block.len;
    } else if (type.kind == SOTTO_KIND_FLOAT64) {
        write_doubles(memory->values, &block);
    } else {
        write_decimals(memory->values, &block, type.scale);
    }
}

/* Hands out a block: rows of a table from `first` on, a multiple of 8. */
static enum sotto_status hand_out(const struct tables_reading *reading, size_t index,
                                  const struct sotto_table *table, size_t first, size_t len,
                                  struct sotto_error *err)
{
    const struct sotto_source_scan *scan = reading->scan;
    struct tables_worker *worker = &reading->workers[index];
    for (size_t i = 0; i < scan->wanted_len; i++) {
        struct sotto_column column = sotto_table_column(table, scan->wanted[i].column);
        worker->columns[i] = view_rows(&column, first, len);
        if (is_same_type(column.type, scan->wanted[i].type)) {
            continue;
        }
        if (conversion_prepare(&worker->conversions[i]) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
        convert_block(&worker->columns[i], &worker->conversions[i], scan->wanted[i].type);
    }
    return scan->sink(scan->context, index, first, worker->columns, scan->wanted_len, len, err);
}

/* --- All tables --- */

/* Takes what comes next. Returns: whether there may be more. */
static bool take_next(const struct tables_reading *reading, size_t index)
{
    struct tables_worker *worker = &reading->workers[index];
    struct sotto_table_rows rows = {0};
    if (sotto_interrupt_is_set(reading->scan->interrupt)) {
        worker->status =
            sotto_error_set(&worker->err, SOTTO_ERROR_CANCELLED, "reading a table was interrupted");
        return false;
    }
    worker->status = reading->tables->next(reading->tables->context, index, &rows, &worker->err);
    for (size_t at = 0; worker->status == SOTTO_OK && at < rows.len; at += BLOCK_LEN) {
        size_t len = rows.len - at < BLOCK_LEN ? rows.len - at : BLOCK_LEN;
        worker->status = hand_out(reading, index, rows.table, rows.first + at, len, &worker->err);
    }
    return worker->status == SOTTO_OK && rows.len > 0;
}

static enum sotto_status take_all(const struct tables_reading *reading, struct sotto_error *err)
{
    size_t workers_len = reading->tables->workers_len;
    atomic_bool failed = false;
#pragma omp parallel num_threads((int)workers_len)
    {
        struct sotto_arithmetic arithmetic;
        size_t index = (size_t)omp_get_thread_num();
        sotto_arithmetic_enter(&arithmetic);
        bool has_more = true;
        while (has_more && !atomic_load_explicit(&failed, memory_order_relaxed)) {
            has_more = take_next(reading, index);
        }
        sotto_arithmetic_leave(&arithmetic);
        if (reading->workers[index].status != SOTTO_OK) {
            atomic_store_explicit(&failed, true, memory_order_relaxed);
        }
    }
    for (size_t i = 0; i < workers_len; i++) {
        if (reading->workers[i].status != SOTTO_OK) {
            return sotto_error_set(err, reading->workers[i].status, "%s",
                                   reading->workers[i].err.text);
        }
    }
    return SOTTO_OK;
}

enum sotto_status sotto_source_scan_tables(const struct sotto_tables *tables,
                                           const struct sotto_source_scan *scan,
                                           struct sotto_error *err)
{
    struct tables_reading reading = {.tables = tables, .scan = scan};
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    reading.workers = sotto_alloc_array(tables->workers_len, sizeof *reading.workers);
    for (size_t i = 0; reading.workers != NULL && i < tables->workers_len; i++) {
        status = worker_init(&reading.workers[i], scan->wanted_len);
        if (status != SOTTO_OK) {
            break;
        }
    }
    status = status != SOTTO_OK ? sotto_error_no_memory(err) : take_all(&reading, err);
    for (size_t i = 0; reading.workers != NULL && i < tables->workers_len; i++) {
        worker_release(&reading.workers[i]);
    }
    sotto_free(reading.workers);
    return status;
}
