/* SPDX-License-Identifier: Apache-2.0 */

/* A table in memory: all workers of a scan put their blocks at the rows where they belong. Leans on
 * the scan, which says each block's first row, and on the catalogue, which says how many rows there
 * are.
 *
 * The idea: columns are allocated at their full length before the first block comes, so that
 * workers write side by side without a lock. Three things can't be placed like that. Bits share
 * bytes with the rows beside them: a block's first and last byte are joined atomically. Whether a
 * decimal column needs 128 bits is known when all of it was seen: if so, the scan is done again
 * with wider columns. Where a block's strings begin depends on all strings before them: blocks are
 * kept as segments, and copied in order at the end. */

#include "table/table.h"
#include "file/file.h"

#include <omp.h>
#include <sotto/alloc.h>
#include <sotto/table.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES ((size_t)4096)
#define HUGE_PAGE_BYTES ((size_t)2 * 1024 * 1024)

/* The strings of one block, copied as they come; put in order at the end, when it is known how many
 * bytes stand before them. */
struct sotto__segment {
    struct sotto__segment *next;
    uint64_t first_row;
    size_t rows;
    size_t bytes;
    char text[];
};

/* What workers share while they load. */
struct loading {
    struct sotto_table *table;
    atomic_size_t rows;
    atomic_size_t *null_counts;
    atomic_bool *needs_wide; /* a decimal column met a value beyond 64 bits */
};

/* A byte more than the rows need where they are a multiple of 8: it may be read, and is 0. */
static size_t bitmap_bytes(size_t rows)
{
    return rows / 8 + 1;
}

static size_t values_bytes(const struct sotto__table_column *column, size_t rows)
{
    switch (column->type.kind) {
    case SOTTO_KIND_BOOL:
        return bitmap_bytes(rows);
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_FLOAT64:
    case SOTTO_KIND_DATE:
    case SOTTO_KIND_DATETIME:
    case SOTTO_KIND_DATETIME_UTC:
        return rows * 8;
    case SOTTO_KIND_DECIMAL:
        return rows * (column->wide ? sizeof(struct sotto_int128) : 8);
    default:
        return 0;
    }
}

/* Zeros that are not touched before they are used: pages come on the threads that fill them, large
 * ones where there are some, since faults would cost as much as parsing. */
static void *pages_allocate(size_t bytes)
{
    void *memory = sotto_alloc_zeroed(bytes);
    uintptr_t start = (uintptr_t)memory;
    uintptr_t page = (start + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);
    if (memory != NULL && bytes >= 2 * HUGE_PAGE_BYTES) {
        /* A hint, no more. */
        (void)madvise((char *)memory + (page - start), bytes - PAGE_BYTES, MADV_HUGEPAGE);
    }
    return memory;
}

static enum sotto_status values_allocate(struct sotto__table_column *column, size_t bytes)
{
    /* calloc's large blocks are fresh pages, which nobody has to clear, but are not aligned to 64
     * bytes: padded to the alignment, and moved to it. */
    column->values_memory = pages_allocate(bytes + 2 * (size_t)SOTTO_ALIGNMENT);
    if (column->values_memory == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    uintptr_t start = (uintptr_t)column->values_memory;
    column->values = (char *)column->values_memory + (-start & (SOTTO_ALIGNMENT - 1));
    return SOTTO_OK;
}

static enum sotto_status column_init(struct sotto__table_column *column, size_t rows,
                                     size_t workers)
{
    column->validity = sotto_alloc_aligned(bitmap_bytes(rows));
    if (column->validity == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (column->type.kind == SOTTO_KIND_STRING) {
        column->offsets = pages_allocate((rows + 1) * sizeof *column->offsets);
        column->segments = sotto_alloc_array(workers, sizeof(struct sotto__segment *));
        return column->offsets != NULL && column->segments != NULL ? SOTTO_OK
                                                                   : SOTTO_ERROR_NO_MEMORY;
    }
    return values_allocate(column, values_bytes(column, rows));
}

static void segments_free(struct sotto__table_column *column, size_t workers)
{
    for (size_t i = 0; column->segments != NULL && i < workers; i++) {
        for (struct sotto__segment *segment = column->segments[i]; segment != NULL;) {
            struct sotto__segment *next = segment->next;
            sotto_free(segment);
            segment = next;
        }
    }
    sotto_free(column->segments);
    column->segments = NULL;
}

static void column_release(struct sotto__table_column *column, size_t workers)
{
    segments_free(column, workers);
    sotto_free(column->validity);
    sotto_free(column->values_memory);
    sotto_free(column->offsets);
    *column = (struct sotto__table_column){
        .type = column->type, .wide = column->wide, .name = column->name};
}

/* --- Appending a block --- */

/* ORs bits into zeros at an offset; bits NULL: ones. len > 0. Only the first and the last byte can
 * have bits of another worker: these are joined atomically, relaxed, since nobody reads them before
 * all workers are done. Bits behind the last row stay 0. */
static void put_bits(uint8_t *bitmap, size_t at, const uint8_t *bits, size_t len)
{
    unsigned shift = at % 8;
    uint8_t *to = bitmap + at / 8;
    unsigned carry = 0;
    size_t last = (shift + len - 1) / 8;
    for (size_t i = 0; i <= last; i++) {
        unsigned byte = 0;
        if (8 * i < len) {
            size_t left = len - 8 * i;
            byte = bits != NULL ? bits[i] : 0xFF;
            byte &= left < 8 ? (1U << left) - 1 : 0xFF;
        }
        uint8_t value = (uint8_t)(byte << shift | carry);
        carry = byte << shift >> 8;
        if (i == 0 || i == last) {
            (void)__atomic_fetch_or(&to[i], value, __ATOMIC_RELAXED);
        } else {
            to[i] = value;
        }
    }
}

/* A wide block in a narrow column is not put: needs_wide says that the scan must be done again. */
static void put_decimals(struct loading *loading, size_t i, size_t at,
                         const struct sotto_column *block)
{
    struct sotto__table_column *column = &loading->table->columns[i];
    if (!column->wide && block->wide) {
        atomic_store_explicit(&loading->needs_wide[i], true, memory_order_relaxed);
        return;
    }
    size_t each = column->wide ? sizeof(struct sotto_int128) : sizeof(int64_t);
    char *to = (char *)column->values + at * each;
    memcpy(to, block->values, block->len * (block->wide ? sizeof(struct sotto_int128) : 8));
    if (column->wide && !block->wide) {
        sotto__values_widen(to, block->len);
    }
}

/* Keeps the strings as a segment; offsets wait at their rows, counted from the segment's start. */
static enum sotto_status put_strings(struct sotto__table_column *column, size_t worker, size_t at,
                                     const struct sotto_column *block)
{
    size_t bytes = (size_t)block->offsets[block->len];
    struct sotto__segment *segment = sotto_alloc(sizeof *segment + bytes);
    if (segment == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    *segment = (struct sotto__segment){
        .next = column->segments[worker], .first_row = at, .rows = block->len, .bytes = bytes};
    memcpy(segment->text, block->values, bytes);
    memcpy(column->offsets + at, block->offsets, block->len * sizeof *block->offsets);
    column->segments[worker] = segment;
    return SOTTO_OK;
}

static enum sotto_status put_column(struct loading *loading, size_t i, size_t worker, size_t at,
                                    const struct sotto_column *block)
{
    struct sotto__table_column *column = &loading->table->columns[i];
    put_bits(column->validity, at, block->validity, block->len);
    atomic_fetch_add_explicit(&loading->null_counts[i], block->null_count, memory_order_relaxed);
    switch (column->type.kind) {
    case SOTTO_KIND_BOOL:
        put_bits(column->values, at, block->values, block->len);
        return SOTTO_OK;
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_FLOAT64:
    case SOTTO_KIND_DATE:
    case SOTTO_KIND_DATETIME:
    case SOTTO_KIND_DATETIME_UTC:
        memcpy((char *)column->values + at * 8, block->values, block->len * 8);
        return SOTTO_OK;
    case SOTTO_KIND_DECIMAL:
        put_decimals(loading, i, at, block);
        return SOTTO_OK;
    case SOTTO_KIND_STRING:
        return put_strings(column, worker, at, block);
    default:
        return SOTTO_OK;
    }
}

static enum sotto_status table_sink(void *context, size_t worker, uint64_t first_row,
                                    const struct sotto_column *columns, size_t columns_len,
                                    size_t rows, struct sotto_error *err)
{
    struct loading *loading = context;
    struct sotto_table *table = loading->table;
    /* A scan gives the rows that were catalogued, or fails before. */
    SOTTO_REQUIRE(columns_len == table->columns_len && worker < table->workers);
    SOTTO_REQUIRE(first_row <= table->rows && rows <= table->rows - first_row);
    for (size_t i = 0; i < columns_len; i++) {
        enum sotto_status status = put_column(loading, i, worker, (size_t)first_row, &columns[i]);
        if (status != SOTTO_OK) {
            return sotto_error_set(err, status, "loading a table: %s", sotto_status_text(status));
        }
    }
    atomic_fetch_add_explicit(&loading->rows, rows, memory_order_relaxed);
    return SOTTO_OK;
}

/* --- Strings in order --- */

static int compare_segments(const void *a, const void *b)
{
    const struct sotto__segment *x = *(const struct sotto__segment *const *)a;
    const struct sotto__segment *y = *(const struct sotto__segment *const *)b;
    return (x->first_row > y->first_row) - (x->first_row < y->first_row);
}

/* All workers' segments, in the order of their rows. Returns: how many. */
static size_t segments_order(struct sotto__segment **out, struct sotto__table_column *column,
                             size_t workers)
{
    size_t len = 0;
    for (size_t i = 0; i < workers; i++) {
        for (struct sotto__segment *at = column->segments[i]; at != NULL; at = at->next) {
            out[len++] = at;
        }
    }
    qsort(out, len, sizeof(struct sotto__segment *), compare_segments);
    return len;
}

/* Copies the segments behind one another, and moves their offsets by what stands before. */
static enum sotto_status strings_join(struct sotto__table_column *column, size_t rows,
                                      size_t workers)
{
    size_t len = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < workers; i++) {
        for (const struct sotto__segment *at = column->segments[i]; at != NULL; at = at->next) {
            len++;
            bytes += at->bytes;
        }
    }
    struct sotto__segment **ordered = sotto_alloc_array(len, sizeof(struct sotto__segment *));
    size_t *starts = sotto_alloc_array(len, sizeof *starts);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (ordered == NULL || starts == NULL || values_allocate(column, bytes) != SOTTO_OK) {
        goto out;
    }
    (void)segments_order(ordered, column, workers);
    for (size_t i = 1; i < len; i++) {
        starts[i] = starts[i - 1] + ordered[i - 1]->bytes;
    }
#pragma omp parallel for schedule(dynamic, 16) num_threads((int)workers) if (workers > 1)
    for (size_t i = 0; i < len; i++) {
        const struct sotto__segment *segment = ordered[i];
        int64_t *offsets = column->offsets + segment->first_row;
        memcpy((char *)column->values + starts[i], segment->text, segment->bytes);
        for (size_t row = 0; row < segment->rows; row++) {
            offsets[row] += (int64_t)starts[i];
        }
    }
    column->offsets[rows] = (int64_t)bytes;
    segments_free(column, workers);
    status = SOTTO_OK;
out:
    sotto_free(starts);
    sotto_free(ordered);
    return status;
}

/* --- Loading --- */

enum sotto_status sotto__table_new(struct sotto_table **out, size_t columns_len, size_t rows,
                                   size_t workers)
{
    struct sotto_table *table = sotto_alloc_zeroed(sizeof *table);
    if (table == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    table->rows = rows;
    table->workers = workers;
    atomic_init(&table->holds, 1);
    table->columns = sotto_alloc_array(columns_len, sizeof *table->columns);
    if (table->columns == NULL) {
        sotto_table_free(table);
        return SOTTO_ERROR_NO_MEMORY;
    }
    *out = table;
    return SOTTO_OK;
}

struct sotto_table *sotto__table_hold(struct sotto_table *table)
{
    (void)atomic_fetch_add_explicit(&table->holds, 1, memory_order_relaxed);
    return table;
}

/* A table of the wanted columns, with their names, and no memory for values yet. */
static enum sotto_status table_new_for(struct sotto_table **out,
                                       const struct sotto_catalogue *catalogue,
                                       const struct sotto_csv_wanted *wanted, size_t wanted_len,
                                       size_t workers)
{
    struct sotto_table *table = NULL;
    if (catalogue->rows > SIZE_MAX / sizeof(struct sotto_int128) - 16 ||
        sotto__table_new(&table, wanted_len, (size_t)catalogue->rows, workers) != SOTTO_OK) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < wanted_len; i++) {
        SOTTO_REQUIRE(wanted[i].column < catalogue->columns_len);
        const char *name = catalogue->columns[wanted[i].column].name;
        table->columns_len++;
        table->columns[i].type = wanted[i].type;
        table->columns[i].name = sotto_text_copy(name, strlen(name));
        if (table->columns[i].name == NULL) {
            sotto_table_free(table);
            return SOTTO_ERROR_NO_MEMORY;
        }
    }
    *out = table;
    return SOTTO_OK;
}

/* Empties the columns and allocates them as wide as they are known to be. */
static enum sotto_status begin_loading(struct loading *loading)
{
    struct sotto_table *table = loading->table;
    loading->rows = 0;
    for (size_t i = 0; i < table->columns_len; i++) {
        column_release(&table->columns[i], table->workers);
        loading->null_counts[i] = 0;
        loading->needs_wide[i] = false;
        enum sotto_status status = column_init(&table->columns[i], table->rows, table->workers);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* One scan into empty columns. *again: it has to be done once more, with wider columns. */
static enum sotto_status load_once(struct loading *loading, bool *again, struct sotto_csv *csv,
                                   const struct sotto_catalogue *catalogue,
                                   const struct sotto_csv_wanted *wanted, struct sotto_error *err)
{
    struct sotto_table *table = loading->table;
    if (begin_loading(loading) != SOTTO_OK) {
        return sotto__csv_no_memory(csv, err);
    }
    enum sotto_status status =
        sotto_csv_scan(csv, catalogue, wanted, table->columns_len, table_sink, loading, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *again = false;
    for (size_t i = 0; i < table->columns_len; i++) {
        struct sotto__table_column *column = &table->columns[i];
        column->null_count = loading->null_counts[i];
        column->wide = column->wide || loading->needs_wide[i];
        *again = *again || loading->needs_wide[i];
        if (column->type.kind == SOTTO_KIND_STRING &&
            strings_join(column, table->rows, table->workers) != SOTTO_OK) {
            return sotto__csv_no_memory(csv, err);
        }
    }
    SOTTO_REQUIRE(loading->rows == table->rows);
    return SOTTO_OK;
}

static void view_columns(struct sotto_table *table)
{
    for (size_t i = 0; i < table->columns_len; i++) {
        struct sotto__table_column *column = &table->columns[i];
        column->view = (struct sotto_column){
            .type = column->type,
            .wide = column->wide,
            .len = table->rows,
            .null_count = column->null_count,
            .validity = column->null_count > 0 ? column->validity : NULL,
            .values = column->type.kind == SOTTO_KIND_NULL ? NULL : column->values,
            .offsets = column->offsets,
        };
        sotto__column_verify(&column->view);
    }
}

enum sotto_status sotto_table_load(struct sotto_table **out, struct sotto_csv *csv,
                                   const struct sotto_catalogue *catalogue,
                                   const struct sotto_csv_wanted *wanted, size_t wanted_len,
                                   struct sotto_error *err)
{
    struct sotto_table *table = NULL;
    struct loading loading = {0};
    enum sotto_status status =
        table_new_for(&table, catalogue, wanted, wanted_len, sotto_csv_workers(csv));
    loading.table = table;
    loading.null_counts = sotto_alloc_array(wanted_len, sizeof *loading.null_counts);
    loading.needs_wide = sotto_alloc_array(wanted_len, sizeof *loading.needs_wide);
    if (status != SOTTO_OK || loading.null_counts == NULL || loading.needs_wide == NULL) {
        status = sotto__csv_no_memory(csv, err);
        goto out;
    }
    for (bool again = true; again;) {
        status = load_once(&loading, &again, csv, catalogue, wanted, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    view_columns(table);
    *out = table;
    table = NULL;
out:
    sotto_free(loading.needs_wide);
    sotto_free(loading.null_counts);
    sotto_table_free(table);
    return status;
}

void sotto_table_free(struct sotto_table *table)
{
    if (table == NULL || atomic_fetch_sub_explicit(&table->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (size_t i = 0; table->columns != NULL && i < table->columns_len; i++) {
        column_release(&table->columns[i], table->workers);
        sotto_free(table->columns[i].name);
    }
    if (table->owner.release != NULL) {
        table->owner.release(&table->owner);
    }
    sotto_free(table->columns);
    sotto_free(table);
}

size_t sotto_table_rows(const struct sotto_table *table)
{
    return table->rows;
}

size_t sotto_table_columns_len(const struct sotto_table *table)
{
    return table->columns_len;
}

struct sotto_column sotto_table_column(const struct sotto_table *table, size_t i)
{
    SOTTO_REQUIRE(i < table->columns_len);
    return table->columns[i].view;
}

const char *sotto_table_name(const struct sotto_table *table, size_t i)
{
    SOTTO_REQUIRE(i < table->columns_len);
    return table->columns[i].name;
}
