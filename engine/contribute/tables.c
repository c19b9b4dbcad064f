/* SPDX-License-Identifier: Apache-2.0 */

/* Contributions from tables in memory, on all threads. It leans on the rooms rows and sums, as
 * files.c does. The one idea: a block of a table's column is a view into it, and only a column
 * whose type is not the agreed one is converted, block by block, into memory of its worker. */

#include "contribute/contribute.h"

#include <omp.h>
#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <stdatomic.h>
#include <string.h>

/* Rows that a worker takes at a time: a multiple of SOTTO__ROWS_LEN, so that bitmaps are cut at
 * bytes. */
#define CHUNK_LEN ((size_t)8 * SOTTO__ROWS_LEN)

/* A block of a column whose type is not the agreed one: there is room for CHUNK_LEN values. */
struct conversion {
    uint8_t *validity; /* all missing */
    int64_t *offsets;
    void *values;
};

/* One thread's. */
struct table_worker {
    struct sotto__worker own;
    struct sotto_column *columns;       /* [i]: a block of the expansion's column i */
    const struct sotto_column **blocks; /* NULL where it is another dataset's */
    struct conversion *conversions;     /* memory only where a column needs it */
    size_t columns_len;
    enum sotto_status status;
    struct sotto_error err;
};

struct table_reading {
    const struct sotto_driver *driver;
    const struct sotto_table *table;
    size_t dataset;
    size_t *columns; /* [i]: the table's column for the expansion's column i, or SOTTO_NONE */
    struct table_worker *workers;
    size_t workers_len;
};

/* --- Storage --- */

static void worker_release(struct table_worker *worker)
{
    for (size_t i = 0; worker->conversions != NULL && i < worker->columns_len; i++) {
        sotto_free(worker->conversions[i].validity);
        sotto_free(worker->conversions[i].offsets);
        sotto_free(worker->conversions[i].values);
    }
    sotto__worker_release(&worker->own);
    sotto_free(worker->conversions);
    sotto_free(worker->columns);
    sotto_free(worker->blocks);
}

static bool is_same_type(struct sotto_type a, struct sotto_type b)
{
    return a.kind == b.kind && a.scale == b.scale;
}

static enum sotto_status conversion_init(struct conversion *out)
{
    out->validity = sotto_alloc_zeroed(CHUNK_LEN / 8);
    out->offsets = sotto_alloc_zeroed((CHUNK_LEN + 1) * sizeof *out->offsets);
    out->values = sotto_alloc_zeroed(CHUNK_LEN * sizeof(struct sotto_int128));
    return out->validity != NULL && out->offsets != NULL && out->values != NULL
               ? SOTTO_OK
               : SOTTO_ERROR_NO_MEMORY;
}

static enum sotto_status worker_init(struct table_worker *out, const struct table_reading *reading)
{
    const struct sotto__expansion *expansion = &reading->driver->expansion;
    out->columns_len = expansion->columns_len;
    out->columns = sotto_alloc_array(out->columns_len, sizeof *out->columns);
    out->blocks = sotto_alloc_array(out->columns_len, sizeof *out->blocks);
    out->conversions = sotto_alloc_array(out->columns_len, sizeof *out->conversions);
    if (out->columns == NULL || out->blocks == NULL || out->conversions == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < out->columns_len; i++) {
        if (reading->columns[i] == SOTTO_NONE ||
            is_same_type(sotto_table_column(reading->table, reading->columns[i]).type,
                         expansion->columns[i].type)) {
            continue;
        }
        enum sotto_status status = conversion_init(&out->conversions[i]);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return sotto__worker_init(&out->own, reading->driver->program);
}

static void reading_release(struct table_reading *reading)
{
    for (size_t i = 0; reading->workers != NULL && i < reading->workers_len; i++) {
        worker_release(&reading->workers[i]);
    }
    sotto_free(reading->workers);
    sotto_free(reading->columns);
}

static size_t find_column(const struct sotto_table *table, const char *name)
{
    size_t i = 0;
    while (i < sotto_table_columns_len(table) && strcmp(sotto_table_name(table, i), name) != 0) {
        i++;
    }
    return i;
}

/* Finds the table's columns and checks them against what was agreed on. *out_any: one is read. */
static enum sotto_status find_columns(struct table_reading *reading, bool *out_any,
                                      struct sotto_error *err)
{
    const struct sotto_driver *driver = reading->driver;
    *out_any = false;
    for (size_t i = 0; i < driver->expansion.columns_len; i++) {
        const struct sotto__column *column = &driver->expansion.columns[i];
        reading->columns[i] = SOTTO_NONE;
        if (column->dataset != reading->dataset || !sotto__program_reads(driver->program, i)) {
            continue;
        }
        size_t found = find_column(reading->table, column->name);
        if (found == sotto_table_columns_len(reading->table)) {
            return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                   "dataset \"%s\" has no column \"%s\"",
                                   driver->plan->datasets[reading->dataset].alias, column->name);
        }
        struct sotto_type joined;
        struct sotto_type own = sotto_table_column(reading->table, found).type;
        if (!sotto_type_agree(&joined, own, column->type) || !is_same_type(joined, column->type)) {
            return sotto_error_set(err, SOTTO_ERROR_TYPE,
                                   "column %s.%s is %s, but %s was agreed on",
                                   driver->plan->datasets[reading->dataset].alias, column->name,
                                   sotto_kind_name(own.kind), sotto_kind_name(column->type.kind));
        }
        reading->columns[i] = found;
        *out_any = true;
    }
    return SOTTO_OK;
}

/* --- Blocks --- */

/* A view of rows at .. at + len - 1 of a column; at is a multiple of CHUNK_LEN. */
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
static void write_doubles(double *out, const struct sotto_column *block, struct sotto__rows *rows)
{
    for (size_t at = 0; at < block->len; at += SOTTO__ROWS_LEN) {
        size_t len = block->len - at < SOTTO__ROWS_LEN ? block->len - at : SOTTO__ROWS_LEN;
        struct sotto__register from = {.own_values = rows->scratch[0], .own_state = rows->state};
        sotto__rows_load(rows, &from, block, at, len);
        sotto__exact_to_float(out + at, &from, block->type.scale, len);
    }
}

/* Makes *in_out, which is of another type, a block of the agreed one. */
static void convert_block(struct sotto_column *in_out, const struct conversion *memory,
                          struct sotto_type type, struct sotto__rows *rows)
{
    struct sotto_column block = *in_out;
    in_out->type = type;
    in_out->values = memory->values;
    in_out->wide = type.kind == SOTTO_KIND_DECIMAL;
    if (block.type.kind == SOTTO_KIND_NULL) {
        in_out->validity = memory->validity;
        in_out->offsets = memory->offsets;
        in_out->null_count = block.len;
    } else if (type.kind == SOTTO_KIND_FLOAT64) {
        write_doubles(memory->values, &block, rows);
    } else {
        write_decimals(memory->values, &block, type.scale);
    }
}

static enum sotto_status take_chunk(const struct table_reading *reading,
                                    struct table_worker *worker, size_t at, size_t len,
                                    struct sotto_error *err)
{
    const struct sotto__expansion *expansion = &reading->driver->expansion;
    for (size_t i = 0; i < expansion->columns_len; i++) {
        if (reading->columns[i] == SOTTO_NONE) {
            continue;
        }
        struct sotto_column column = sotto_table_column(reading->table, reading->columns[i]);
        worker->columns[i] = view_rows(&column, at, len);
        if (worker->conversions[i].values != NULL) {
            convert_block(&worker->columns[i], &worker->conversions[i], expansion->columns[i].type,
                          &worker->own.rows);
        }
        worker->blocks[i] = &worker->columns[i];
    }
    return sotto__rows_take(&worker->own.rows, reading->dataset, worker->blocks, len, err);
}

/* --- All of a table --- */

static enum sotto_status take_rows(const struct table_reading *reading, struct sotto_error *err)
{
    size_t rows = sotto_table_rows(reading->table);
    atomic_size_t next = 0;
    atomic_bool failed = false;
#pragma omp parallel num_threads((int)reading->workers_len)
    {
        struct sotto_arithmetic arithmetic;
        struct table_worker *worker = &reading->workers[omp_get_thread_num()];
        sotto_arithmetic_enter(&arithmetic);
        while (worker->status == SOTTO_OK && !atomic_load_explicit(&failed, memory_order_relaxed)) {
            size_t at = atomic_fetch_add_explicit(&next, CHUNK_LEN, memory_order_relaxed);
            if (at >= rows) {
                break;
            }
            if (sotto_interrupt_is_set(reading->driver->interrupt)) {
                worker->status = sotto_error_set(&worker->err, SOTTO_ERROR_CANCELLED,
                                                 "reading a table was interrupted");
                break;
            }
            worker->status = take_chunk(
                reading, worker, at, rows - at < CHUNK_LEN ? rows - at : CHUNK_LEN, &worker->err);
        }
        sotto_arithmetic_leave(&arithmetic);
        if (worker->status != SOTTO_OK) {
            atomic_store_explicit(&failed, true, memory_order_relaxed);
        }
    }
    for (size_t i = 0; i < reading->workers_len; i++) {
        if (reading->workers[i].status != SOTTO_OK) {
            return sotto_error_set(err, reading->workers[i].status, "%s",
                                   reading->workers[i].err.text);
        }
    }
    return SOTTO_OK;
}

static size_t count_workers(size_t rows)
{
    size_t chunks = rows / CHUNK_LEN + 1;
    size_t threads = (size_t)omp_get_max_threads();
    return chunks < threads ? chunks : threads;
}

static enum sotto_status read_table(const struct sotto_driver *driver, uint64_t *out,
                                    size_t dataset, const struct sotto_table *table,
                                    struct sotto_error *err)
{
    struct table_reading reading = {.driver = driver,
                                    .table = table,
                                    .dataset = dataset,
                                    .workers_len = count_workers(sotto_table_rows(table))};
    bool any = false;
    reading.columns = sotto_alloc_array(driver->expansion.columns_len, sizeof *reading.columns);
    reading.workers = sotto_alloc_array(reading.workers_len, sizeof *reading.workers);
    enum sotto_status status;
    if (reading.columns == NULL || reading.workers == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    status = find_columns(&reading, &any, err);
    if (status != SOTTO_OK || !any) {
        goto out;
    }
    for (size_t i = 0; i < reading.workers_len; i++) {
        if (worker_init(&reading.workers[i], &reading) != SOTTO_OK) {
            status = sotto_error_no_memory(err);
            goto out;
        }
    }
    status = take_rows(&reading, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    /* Sums are exact: the order of workers does not matter. */
    for (size_t i = 0; i < reading.workers_len; i++) {
        sotto__sums_add_to(&reading.workers[i].own.sums, out);
    }
out:
    reading_release(&reading);
    return status;
}

enum sotto_status sotto_driver_partial_tables(const struct sotto_driver *driver, uint64_t *out,
                                              size_t limbs_len,
                                              const struct sotto_table *const *tables,
                                              struct sotto_error *err)
{
    memset(out, 0, limbs_len * sizeof *out);
    if (driver->round == 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "the last round is over");
    }
    SOTTO_REQUIRE(limbs_len == driver->program->limbs_len);
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < driver->plan->datasets_len; i++) {
        status = read_table(driver, out, i, tables[i], err);
    }
    if (status != SOTTO_OK) {
        memset(out, 0, limbs_len * sizeof *out);
    }
    return status;
}
