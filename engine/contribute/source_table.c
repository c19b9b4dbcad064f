/* SPDX-License-Identifier: Apache-2.0 */

/* A table in memory as a source, read on all threads. It leans on source_tables.c, to which it
 * hands out the table in pieces. The one idea: a table does not change, so that whoever is free
 * takes the next piece. */

#include "contribute/contribute.h"

#include <omp.h>
#include <sotto/alloc.h>
#include <stdatomic.h>
#include <string.h>

#define PIECE_LEN ((size_t)8 * SOTTO__ROWS_LEN) /* rows that a worker takes at a time */

struct table_source {
    struct sotto_source base;
    const struct sotto_table *table;
    struct sotto_catalogue *catalogue;
    struct sotto_catalogue *own; /* NULL: it is borrowed */
};

/* --- Rows --- */

static size_t table_workers(const struct sotto_source *source)
{
    size_t rows = sotto_table_rows(((const struct table_source *)source)->table);
    size_t chunks = rows / PIECE_LEN + 1;
    size_t threads = (size_t)omp_get_max_threads();
    return chunks < threads ? chunks : threads;
}

/* One reading of it. */
struct table_pieces {
    const struct sotto_table *table;
    atomic_size_t next;
};

static enum sotto_status take_piece(void *context, size_t worker, struct sotto_table_rows *out,
                                    struct sotto_error *err)
{
    (void)worker;
    (void)err;
    struct table_pieces *pieces = context;
    size_t rows = sotto_table_rows(pieces->table);
    size_t first = atomic_fetch_add_explicit(&pieces->next, PIECE_LEN, memory_order_relaxed);
    size_t left = first < rows ? rows - first : 0;
    *out = (struct sotto_table_rows){
        .table = pieces->table, .first = first, .len = left < PIECE_LEN ? left : PIECE_LEN};
    return SOTTO_OK;
}

static enum sotto_status table_scan(struct sotto_source *source,
                                    const struct sotto_source_scan *scan, struct sotto_error *err)
{
    struct table_pieces pieces = {.table = ((const struct table_source *)source)->table};
    const struct sotto_tables tables = {
        .next = take_piece, .context = &pieces, .workers_len = table_workers(source)};
    return sotto_source_scan_tables(&tables, scan, err);
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
