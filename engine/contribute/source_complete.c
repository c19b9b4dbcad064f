/* SPDX-License-Identifier: Apache-2.0 */

/* A source of those rows of another one that have all of some columns. It leans on the other one
 * for reading. The one idea: which rows a file offers is decided once, by its owner and not by a
 * plan, so that no two answers differ by rows that lack a value; so the rows are left out before
 * anybody sees them, and nothing above knows. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

#define ALIGNMENT 64

struct complete_source {
    struct sotto_source base;
    struct sotto_source *inner;
    size_t *columns; /* of the catalogue */
    size_t columns_len;
};

/* A scan of the inner source. */
struct completing {
    const struct sotto_source_scan *scan;
    const size_t *needed; /* which of the columns that it hands out a row must have */
    size_t needed_len;
};

/* --- Rows of a block --- */

/* Lists the rows that have all needed columns. Returns: how many. */
static size_t list_rows(uint32_t *out, const struct completing *completing,
                        const struct sotto_column *columns, size_t rows)
{
    size_t len = 0;
    for (size_t i = 0; i < rows; i++) {
        bool is_complete = true;
        for (size_t j = 0; is_complete && j < completing->needed_len; j++) {
            const struct sotto_column *column = &columns[completing->needed[j]];
            is_complete = column->type.kind != SOTTO_KIND_NULL && sotto_column_is_valid(column, i);
        }
        out[len] = (uint32_t)i;
        len += is_complete;
    }
    return len;
}

static size_t round_up(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t value_bytes(const struct sotto_column *column)
{
    return column->type.kind == SOTTO_KIND_DECIMAL && column->wide ? sizeof(struct sotto_int128)
                                                                   : sizeof(uint64_t);
}

/* The memory that a column's rows take at most: values, offsets, validity. */
static size_t column_bytes(const struct sotto_column *column, size_t len)
{
    size_t bits = round_up(len / 8 + 1);
    switch (column->type.kind) {
    case SOTTO_KIND_NULL:
        return bits;
    case SOTTO_KIND_BOOL:
        return 2 * bits;
    case SOTTO_KIND_STRING:
        return bits + round_up((len + 1) * sizeof(int64_t)) +
               round_up((size_t)(column->offsets[column->len] - column->offsets[0]) + 1);
    default:
        return bits + round_up(len * value_bytes(column) + 1);
    }
}

static void take_bits(uint8_t *out, const uint8_t *from, const uint32_t *rows, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i / 8] |= (uint8_t)(((from[rows[i] / 8] >> (rows[i] % 8)) & 1) << (i % 8));
    }
}

static void take_texts(struct sotto_column *in_out, uint8_t *at, const struct sotto_column *from,
                       const uint32_t *rows, size_t len)
{
    int64_t *offsets = (int64_t *)(void *)at;
    uint8_t *bytes = at + round_up((len + 1) * sizeof(int64_t));
    offsets[0] = 0;
    for (size_t i = 0; i < len; i++) {
        int64_t first = from->offsets[rows[i]];
        int64_t text_bytes = from->offsets[rows[i] + 1] - first;
        if (text_bytes > 0) {
            memcpy(bytes + offsets[i], (const uint8_t *)from->values + first, (size_t)text_bytes);
        }
        offsets[i + 1] = offsets[i] + text_bytes;
    }
    in_out->offsets = offsets;
    in_out->values = bytes;
}

static void take_values(struct sotto_column *in_out, uint8_t *at, const struct sotto_column *from,
                        const uint32_t *rows, size_t len)
{
    size_t bytes = value_bytes(from);
    for (size_t i = 0; i < len; i++) {
        memcpy(at + i * bytes, (const uint8_t *)from->values + rows[i] * bytes, bytes);
    }
    in_out->values = at;
}

/* Copies rows of a column into memory, which is zero. Returns: the bytes that it took. */
static size_t take_column(struct sotto_column *out, uint8_t *memory,
                          const struct sotto_column *from, const uint32_t *rows, size_t len)
{
    uint8_t *values = memory + round_up(len / 8 + 1);
    *out = *from;
    out->len = len;
    out->null_count = 0;
    for (size_t i = 0; i < len; i++) {
        out->null_count +=
            from->type.kind == SOTTO_KIND_NULL || !sotto_column_is_valid(from, rows[i]);
    }
    if (from->validity != NULL) {
        take_bits(memory, from->validity, rows, len);
    }
    out->validity = from->validity != NULL && out->null_count > 0 ? memory : NULL;
    if (from->type.kind == SOTTO_KIND_BOOL) {
        take_bits(values, from->values, rows, len);
        out->values = values;
    } else if (from->type.kind == SOTTO_KIND_STRING) {
        take_texts(out, values, from, rows, len);
    } else if (from->type.kind != SOTTO_KIND_NULL) {
        take_values(out, values, from, rows, len);
    }
    return column_bytes(from, len);
}

/* Hands out the rows that are listed. */
static enum sotto_status hand_out(const struct sotto_source_scan *scan, size_t worker,
                                  uint64_t first_row, const struct sotto_column *columns,
                                  const uint32_t *rows, size_t len, struct sotto_error *err)
{
    size_t bytes = ALIGNMENT;
    for (size_t i = 0; i < scan->wanted_len; i++) {
        bytes += column_bytes(&columns[i], len);
    }
    struct sotto_column *taken = sotto_alloc_array(scan->wanted_len + 1, sizeof *taken);
    uint8_t *memory = sotto_alloc_aligned(bytes);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (taken == NULL || memory == NULL) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    memset(memory, 0, bytes);
    size_t at = 0;
    for (size_t i = 0; i < scan->wanted_len; i++) {
        at += take_column(&taken[i], memory + at, &columns[i], rows, len);
    }
    SOTTO_VERIFY(at <= bytes);
    status = scan->sink(scan->context, worker, first_row, taken, scan->wanted_len, len, err);
    sotto_wipe(memory, bytes);
out:
    sotto_free(taken);
    sotto_free(memory);
    return status;
}

static enum sotto_status take_block(void *context, size_t worker, uint64_t first_row,
                                    const struct sotto_column *columns, size_t columns_len,
                                    size_t rows, struct sotto_error *err)
{
    const struct completing *completing = context;
    const struct sotto_source_scan *scan = completing->scan;
    uint32_t *list = sotto_alloc_array(rows + 1, sizeof *list);
    (void)columns_len;
    if (list == NULL) {
        return sotto_error_no_memory(err);
    }
    size_t len = list_rows(list, completing, columns, rows);
    enum sotto_status status = SOTTO_OK;
    if (len == rows) {
        status = scan->sink(scan->context, worker, first_row, columns, scan->wanted_len, rows, err);
    } else if (len > 0) {
        status = hand_out(scan, worker, first_row, columns, list, len, err);
    }
    sotto_free(list);
    return status;
}

/* --- The source --- */

static enum sotto_status complete_describe(struct sotto_source *source,
                                           const struct sotto_catalogue **out,
                                           const char *const *names, size_t names_len,
                                           struct sotto_error *err)
{
    struct sotto_source *inner = ((struct complete_source *)source)->inner;
    return inner->ops->describe(inner, out, names, names_len, err);
}

static enum sotto_status complete_pin(struct sotto_source *source, struct sotto_error *err)
{
    struct sotto_source *inner = ((struct complete_source *)source)->inner;
    return inner->ops->pin != NULL ? inner->ops->pin(inner, err) : SOTTO_OK;
}

static size_t complete_workers(const struct sotto_source *source)
{
    const struct sotto_source *inner = ((const struct complete_source *)source)->inner;
    return inner->ops->workers(inner);
}

/* Wants the columns that rows must have too, as they are: those of a scan may be of another type,
 * in which no value is lost. */
static enum sotto_status complete_scan(struct sotto_source *source,
                                       const struct sotto_source_scan *scan,
                                       struct sotto_error *err)
{
    const struct complete_source *of = (const struct complete_source *)source;
    struct sotto_source_scan inner = *scan;
    const struct sotto_catalogue *catalogue = NULL;
    enum sotto_status status = of->inner->ops->describe(of->inner, &catalogue, NULL, 0, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_csv_wanted *wanted =
        sotto_alloc_array(scan->wanted_len + of->columns_len, sizeof *wanted);
    size_t *needed = sotto_alloc_array(of->columns_len, sizeof *needed);
    if (wanted == NULL || needed == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    memcpy(wanted, scan->wanted, scan->wanted_len * sizeof *wanted);
    for (size_t i = 0; i < of->columns_len; i++) {
        size_t at = 0;
        while (at < inner.wanted_len && wanted[at].column != of->columns[i]) {
            at++;
        }
        needed[i] = at;
        if (at == inner.wanted_len) {
            wanted[inner.wanted_len++] = (struct sotto_csv_wanted){
                .column = of->columns[i], .type = catalogue->columns[of->columns[i]].type};
        }
    }
    struct completing completing = {.scan = scan, .needed = needed, .needed_len = of->columns_len};
    inner.wanted = wanted;
    inner.sink = take_block;
    inner.context = &completing;
    status = of->inner->ops->scan(of->inner, &inner, err);
out:
    sotto_free(wanted);
    sotto_free(needed);
    return status;
}

static void complete_free(struct sotto_source *source)
{
    struct complete_source *of = (struct complete_source *)source;
    sotto_source_free(of->inner);
    sotto_free(of->columns);
    sotto_free(of);
}

static const struct sotto_source_ops complete_ops = {
    .identity = SOTTO_ROWS_NUMBERED,
    .describe = complete_describe,
    .pin = complete_pin,
    .workers = complete_workers,
    .scan = complete_scan,
    .free = complete_free,
};

enum sotto_status sotto_source_new_complete(struct sotto_source **out, struct sotto_source *inner,
                                            const char *const *names, size_t names_len,
                                            struct sotto_error *err)
{
    const struct sotto_catalogue *catalogue = NULL;
    SOTTO_REQUIRE(inner->ops->identity == SOTTO_ROWS_NUMBERED && inner->ops->can_sum == NULL);
    enum sotto_status status = inner->ops->describe(inner, &catalogue, names, names_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t *columns = sotto_alloc_array(names_len, sizeof *columns);
    struct complete_source *source = sotto_alloc_zeroed(sizeof *source);
    if (columns == NULL || source == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    for (size_t i = 0; i < names_len; i++) {
        columns[i] = sotto_catalogue_find(catalogue, names[i]);
        if (columns[i] == SOTTO_NONE) {
            status = sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                     "files.complete: expected columns that tasks may name, found "
                                     "%.200s",
                                     names[i]);
            goto out;
        }
    }
    *source = (struct complete_source){.base = {.ops = &complete_ops},
                                       .inner = inner,
                                       .columns = columns,
                                       .columns_len = names_len};
    *out = &source->base;
    return SOTTO_OK;
out:
    sotto_free(columns);
    sotto_free(source);
    return status;
}
