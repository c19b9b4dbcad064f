/* SPDX-License-Identifier: Apache-2.0 */

/* A table in memory as a source, read on all threads. It leans on load.c and exact.c of the room
 * rows for doubles. The one idea: a block of a table's column is a view into it, and only a column
 * whose type is not the wanted one is converted, block by block, into memory of its worker. */

#include "contribute/contribute.h"

#include <omp.h>
#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <sotto/bytes.h>
#include <stdatomic.h>
#include <string.h>

/* Rows that a worker takes at a time: a multiple of SOTTO__ROWS_LEN, so that bitmaps are cut at
 * bytes. */
#define CHUNK_LEN ((size_t)8 * SOTTO__ROWS_LEN)

struct table_source {
    struct sotto_source base;
    const struct sotto_table *table;
    struct sotto_catalogue *catalogue;
    struct sotto_catalogue *own; /* NULL: it is borrowed */
};

/* A block of a column whose type is not the wanted one: there is room for CHUNK_LEN values. */
struct conversion {
    uint8_t *validity; /* all missing */
    int64_t *offsets;
    void *values;
};

/* One thread's. */
struct table_worker {
    struct sotto_column *columns;   /* [i]: a block of wanted column i */
    struct conversion *conversions; /* memory only where a column needs it */
    size_t columns_len;
    enum sotto_status status;
    struct sotto_error err;
};

struct table_reading {
    const struct sotto_table *table;
    const struct sotto_source_scan *scan;
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
    sotto_free(worker->conversions);
    sotto_free(worker->columns);
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
    const struct sotto_source_scan *scan = reading->scan;
    out->columns_len = scan->wanted_len;
    out->columns = sotto_alloc_array(out->columns_len, sizeof *out->columns);
    out->conversions = sotto_alloc_array(out->columns_len, sizeof *out->conversions);
    if (out->columns == NULL || out->conversions == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < out->columns_len; i++) {
        struct sotto_type own = sotto_table_column(reading->table, scan->wanted[i].column).type;
        enum sotto_status status = is_same_type(own, scan->wanted[i].type)
                                       ? SOTTO_OK
                                       : conversion_init(&out->conversions[i]);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static void reading_release(struct table_reading *reading)
{
    for (size_t i = 0; reading->workers != NULL && i < reading->workers_len; i++) {
        worker_release(&reading->workers[i]);
    }
    sotto_free(reading->workers);
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
        in_out->validity = memory->validity;
        in_out->offsets = memory->offsets;
        in_out->null_count = block.len;
    } else if (type.kind == SOTTO_KIND_FLOAT64) {
        write_doubles(memory->values, &block);
    } else {
        write_decimals(memory->values, &block, type.scale);
    }
}

static enum sotto_status take_chunk(const struct table_reading *reading, size_t index, size_t at,
                                    size_t len, struct sotto_error *err)
{
    const struct sotto_source_scan *scan = reading->scan;
    struct table_worker *worker = &reading->workers[index];
    for (size_t i = 0; i < scan->wanted_len; i++) {
        struct sotto_column column = sotto_table_column(reading->table, scan->wanted[i].column);
        worker->columns[i] = view_rows(&column, at, len);
        if (worker->conversions[i].values != NULL) {
            convert_block(&worker->columns[i], &worker->conversions[i], scan->wanted[i].type);
        }
    }
    return scan->sink(scan->context, index, at, worker->columns, scan->wanted_len, len, err);
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
        size_t index = (size_t)omp_get_thread_num();
        struct table_worker *worker = &reading->workers[index];
        sotto_arithmetic_enter(&arithmetic);
        while (worker->status == SOTTO_OK && !atomic_load_explicit(&failed, memory_order_relaxed)) {
            size_t at = atomic_fetch_add_explicit(&next, CHUNK_LEN, memory_order_relaxed);
            if (at >= rows) {
                break;
            }
            if (sotto_interrupt_is_set(reading->scan->interrupt)) {
                worker->status = sotto_error_set(&worker->err, SOTTO_ERROR_CANCELLED,
                                                 "reading a table was interrupted");
                break;
            }
            worker->status = take_chunk(
                reading, index, at, rows - at < CHUNK_LEN ? rows - at : CHUNK_LEN, &worker->err);
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

static size_t table_workers(const struct sotto_source *source)
{
    size_t rows = sotto_table_rows(((const struct table_source *)source)->table);
    size_t chunks = rows / CHUNK_LEN + 1;
    size_t threads = (size_t)omp_get_max_threads();
    return chunks < threads ? chunks : threads;
}

static enum sotto_status table_scan(struct sotto_source *source,
                                    const struct sotto_source_scan *scan, struct sotto_error *err)
{
    struct table_reading reading = {.table = ((const struct table_source *)source)->table,
                                    .scan = scan,
                                    .workers_len = table_workers(source)};
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    reading.workers = sotto_alloc_array(reading.workers_len, sizeof *reading.workers);
    for (size_t i = 0; reading.workers != NULL && i < reading.workers_len; i++) {
        status = worker_init(&reading.workers[i], &reading);
        if (status != SOTTO_OK) {
            break;
        }
    }
    status = status != SOTTO_OK ? sotto_error_no_memory(err) : take_rows(&reading, err);
    reading_release(&reading);
    return status;
}

/* --- The source --- */

#define DOUBLE_DIGITS INT64_C(1000000000000000) /* 10^15: so many digits every double keeps */

/* Whether a column of a table in memory may be rounded as doubles: decimals are taken to be, as few
 * of them are doubles; zeros at the end of integers are not looked for. */
static bool is_inexact(const struct sotto_column *column)
{
    if (column->type.kind != SOTTO_KIND_INT64) {
        return column->type.kind == SOTTO_KIND_DECIMAL;
    }
    const int64_t *values = column->values;
    bool found = false;
    for (size_t row = 0; !found && row < column->len; row++) {
        found = (values[row] >= DOUBLE_DIGITS || values[row] <= -DOUBLE_DIGITS) &&
                sotto_column_is_valid(column, row);
    }
    return found;
}

static enum sotto_status table_describe(struct sotto_source *source,
                                        const struct sotto_catalogue **out,
                                        const char *const *names, size_t names_len,
                                        struct sotto_error *err)
{
    (void)err;
    const struct table_source *of = (const struct table_source *)source;
    for (size_t i = 0; i < names_len; i++) {
        size_t found = sotto_catalogue_find(of->catalogue, names[i]);
        if (found != SOTTO_NONE) {
            struct sotto_column column = sotto_table_column(of->table, found);
            of->catalogue->columns[found].inexact = is_inexact(&column);
        }
    }
    *out = of->catalogue;
    return SOTTO_OK;
}

static void table_free(struct sotto_source *source)
{
    struct table_source *of = (struct table_source *)source;
    sotto_catalogue_free(of->own);
    sotto_free(of);
}

/* No pin: a table does not change. */
static const struct sotto_source_ops table_ops = {
    .identity = SOTTO_ROWS_NUMBERED,
    .describe = table_describe,
    .workers = table_workers,
    .scan = table_scan,
    .free = table_free,
};

static enum sotto_status catalogue_table(struct sotto_catalogue *out,
                                         const struct sotto_table *table)
{
    size_t len = sotto_table_columns_len(table);
    out->rows = sotto_table_rows(table);
    out->columns = sotto_alloc_array(len, sizeof *out->columns);
    if (out->columns == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (; out->columns_len < len; out->columns_len++) {
        struct sotto_column column = sotto_table_column(table, out->columns_len);
        const char *name = sotto_table_name(table, out->columns_len);
        char *copy = sotto_text_copy(name, strlen(name));
        if (copy == NULL) {
            return SOTTO_ERROR_NO_MEMORY;
        }
        out->columns[out->columns_len] = (struct sotto_catalogue_column){
            .name = copy, .type = column.type, .missing = column.null_count};
    }
    return SOTTO_OK;
}

/* Ownership: *out is ended by sotto_catalogue_free. */
static enum sotto_status make_catalogue(struct sotto_catalogue **out,
                                        const struct sotto_table *table, struct sotto_error *err)
{
    struct sotto_catalogue *catalogue = sotto_alloc_zeroed(sizeof *catalogue);
    if (catalogue == NULL || catalogue_table(catalogue, table) != SOTTO_OK) {
        sotto_catalogue_free(catalogue);
        return sotto_error_no_memory(err);
    }
    *out = catalogue;
    return SOTTO_OK;
}

enum sotto_status sotto_table_catalogue(struct sotto_catalogue **out,
                                        const struct sotto_table *table, struct sotto_error *err)
{
    enum sotto_status status = make_catalogue(out, table, err);
    for (size_t i = 0; status == SOTTO_OK && i < (*out)->columns_len; i++) {
        struct sotto_column column = sotto_table_column(table, i);
        (*out)->columns[i].inexact = is_inexact(&column);
    }
    return status;
}

enum sotto_status sotto_source_new_catalogued(struct sotto_source **out,
                                              const struct sotto_table *table,
                                              struct sotto_catalogue *catalogue,
                                              struct sotto_error *err)
{
    struct table_source *source = sotto_alloc_zeroed(sizeof *source);
    if (source == NULL) {
        return sotto_error_no_memory(err);
    }
    *source =
        (struct table_source){.base = {.ops = &table_ops}, .table = table, .catalogue = catalogue};
    *out = &source->base;
    return SOTTO_OK;
}

enum sotto_status sotto_source_new_table(struct sotto_source **out, const struct sotto_table *table,
                                         struct sotto_error *err)
{
    struct sotto_catalogue *catalogue;
    enum sotto_status status = make_catalogue(&catalogue, table, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_source_new_catalogued(out, table, catalogue, err);
    if (status != SOTTO_OK) {
        sotto_catalogue_free(catalogue);
        return status;
    }
    ((struct table_source *)*out)->own = catalogue;
    return SOTTO_OK;
}
