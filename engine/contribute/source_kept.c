/* SPDX-License-Identifier: Apache-2.0 */

/* A source whose rows are needed in several rounds: what its first scan hands out is kept in
 * memory, as typed blocks, and handed out again. It leans on another source for the first scan, and
 * for all of them where there is no room. The one idea: parsing is what a reading costs, so blocks
 * are kept as they were typed, and the same blocks come again, on as many workers. What was kept is
 * also what all later rounds see, whatever happens to a file meanwhile. */

#include "contribute/contribute.h"

#include <omp.h>
#include <pthread.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdatomic.h>
#include <string.h>

/* A block of the wanted columns, all of which lie in one piece of memory. */
struct kept_block {
    uint64_t first_row;
    size_t rows;
    struct sotto_column *columns;
    uint8_t *memory;
    size_t bytes;
};

struct kept_source {
    struct sotto_source base;
    struct sotto_source_ops ops; /* with the inner one's identity of rows */
    struct sotto_source *inner;
    size_t bytes_max;
    struct sotto_csv_wanted *wanted; /* of the blocks */
    size_t wanted_len;
    struct kept_block *blocks;
    size_t blocks_len;
    size_t blocks_capacity_len;
    size_t bytes;
    bool is_kept;         /* the blocks are all rows */
    bool is_full;         /* there is no room for them: nothing is kept any more */
    pthread_mutex_t lock; /* of the blocks, while they are collected */
};

/* --- Blocks --- */

#define ALIGNMENT 64

static size_t round_up(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* The bytes of a column's values. */
static size_t values_bytes(const struct sotto_column *column)
{
    switch (column->type.kind) {
    case SOTTO_KIND_NULL:
        return 0;
    case SOTTO_KIND_BOOL:
        return (column->len + 7) / 8;
    case SOTTO_KIND_DECIMAL:
        return column->len * (column->wide ? sizeof(struct sotto_int128) : sizeof(int64_t));
    case SOTTO_KIND_STRING:
        return (size_t)(column->offsets[column->len] - column->offsets[0]);
    default:
        return column->len * sizeof(uint64_t);
    }
}

static size_t offsets_bytes(const struct sotto_column *column)
{
    return column->type.kind == SOTTO_KIND_STRING ? (column->len + 1) * sizeof(int64_t) : 0;
}

static size_t validity_bytes(const struct sotto_column *column)
{
    return column->validity != NULL ? (column->len + 7) / 8 : 0;
}

static const void *copy_bytes(uint8_t **in_out_at, const void *from, size_t bytes)
{
    uint8_t *to = *in_out_at;
    if (bytes == 0) {
        return NULL;
    }
    memcpy(to, from, bytes);
    *in_out_at += round_up(bytes);
    return to;
}

/* Texts of a block may begin anywhere in their bytes: in the copy they begin at 0. */
static void copy_texts(struct sotto_column *out, const struct sotto_column *from, uint8_t **at)
{
    int64_t *offsets = (int64_t *)(void *)*at;
    *at += round_up(offsets_bytes(from));
    for (size_t i = 0; i <= from->len; i++) {
        offsets[i] = from->offsets[i] - from->offsets[0];
    }
    out->offsets = offsets;
    out->values =
        copy_bytes(at, (const uint8_t *)from->values + from->offsets[0], values_bytes(from));
    out->values = out->values != NULL ? out->values : *at; /* no text has a byte */
}

static void copy_column(struct sotto_column *out, const struct sotto_column *from, uint8_t **at)
{
    *out = *from;
    out->validity = copy_bytes(at, from->validity, validity_bytes(from));
    if (from->type.kind == SOTTO_KIND_STRING) {
        copy_texts(out, from, at);
    } else {
        out->values = copy_bytes(at, from->values, values_bytes(from));
    }
}

static void block_release(struct kept_block *block)
{
    if (block->memory != NULL) {
        sotto_wipe(block->memory, block->bytes);
    }
    sotto_free(block->memory);
    sotto_free(block->columns);
    *block = (struct kept_block){0};
}

/* Returns: SOTTO_ERROR_NO_MEMORY. */
static enum sotto_status block_init(struct kept_block *out, uint64_t first_row,
                                    const struct sotto_column *columns, size_t columns_len,
                                    size_t rows)
{
    *out = (struct kept_block){.first_row = first_row, .rows = rows};
    for (size_t i = 0; i < columns_len; i++) {
        out->bytes += round_up(values_bytes(&columns[i])) + round_up(offsets_bytes(&columns[i])) +
                      round_up(validity_bytes(&columns[i]));
    }
    out->bytes += ALIGNMENT;
    out->columns = sotto_alloc_array(columns_len, sizeof *out->columns);
    out->memory = sotto_alloc_aligned(out->bytes);
    if (out->columns == NULL || out->memory == NULL) {
        block_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    uint8_t *at = out->memory;
    for (size_t i = 0; i < columns_len; i++) {
        copy_column(&out->columns[i], &columns[i], &at);
    }
    SOTTO_VERIFY(at <= out->memory + out->bytes);
    return SOTTO_OK;
}

/* --- Keeping --- */

static void drop_blocks(struct kept_source *source)
{
    for (size_t i = 0; i < source->blocks_len; i++) {
        block_release(&source->blocks[i]);
    }
    source->blocks_len = 0;
    source->bytes = 0;
    source->is_kept = false;
}

/* Takes a block, or gives up on all of them. Returns: whether it was taken. Called under the lock.
 */
static bool add_block(struct kept_source *source, const struct kept_block *block)
{
    void *blocks = source->blocks;
    if (source->is_full || block->bytes > source->bytes_max - source->bytes ||
        sotto_array_reserve(&blocks, &source->blocks_capacity_len, source->blocks_len + 1,
                            sizeof *block) != SOTTO_OK) {
        drop_blocks(source);
        source->is_full = true;
        return false;
    }
    source->blocks = blocks;
    source->blocks[source->blocks_len++] = *block;
    source->bytes += block->bytes;
    return true;
}

/* A scan of the inner source, whose blocks are copied on their way. */
struct keeping {
    struct kept_source *source;
    const struct sotto_source_scan *scan;
};

static void keep_block(struct kept_source *source, uint64_t first_row,
                       const struct sotto_column *columns, size_t columns_len, size_t rows)
{
    struct kept_block block;
    (void)pthread_mutex_lock(&source->lock);
    bool is_wanted = !source->is_full;
    (void)pthread_mutex_unlock(&source->lock);
    if (!is_wanted) {
        return;
    }
    bool is_made = block_init(&block, first_row, columns, columns_len, rows) == SOTTO_OK;
    (void)pthread_mutex_lock(&source->lock);
    if (!is_made) {
        drop_blocks(source);
        source->is_full = true;
    }
    bool is_taken = is_made && add_block(source, &block);
    (void)pthread_mutex_unlock(&source->lock);
    if (is_made && !is_taken) {
        block_release(&block);
    }
}

static enum sotto_status take_block(void *context, size_t worker, uint64_t first_row,
                                    const struct sotto_column *columns, size_t columns_len,
                                    size_t rows, struct sotto_error *err)
{
    const struct keeping *keeping = context;
    const struct sotto_source_scan *scan = keeping->scan;
    keep_block(keeping->source, first_row, columns, columns_len, rows);
    return scan->sink(scan->context, worker, first_row, columns, columns_len, rows, err);
}

static enum sotto_status keep_wanted(struct kept_source *source,
                                     const struct sotto_source_scan *scan, struct sotto_error *err)
{
    sotto_free(source->wanted);
    source->wanted_len = 0;
    source->wanted = sotto_alloc_array(scan->wanted_len, sizeof *source->wanted);
    if (source->wanted == NULL) {
        return sotto_error_no_memory(err);
    }
    memcpy(source->wanted, scan->wanted, scan->wanted_len * sizeof *source->wanted);
    source->wanted_len = scan->wanted_len;
    return SOTTO_OK;
}

static enum sotto_status scan_inner(struct kept_source *source,
                                    const struct sotto_source_scan *scan, struct sotto_error *err)
{
    struct keeping keeping = {.source = source, .scan = scan};
    struct sotto_source_scan copying = *scan;
    if (source->is_full) {
        return source->inner->ops->scan(source->inner, scan, err);
    }
    drop_blocks(source);
    enum sotto_status status = keep_wanted(source, scan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    copying.sink = take_block;
    copying.context = &keeping;
    status = source->inner->ops->scan(source->inner, &copying, err);
    if (status == SOTTO_OK && !source->is_full) {
        source->is_kept = true;
    } else {
        drop_blocks(source);
    }
    return status;
}

/* --- Handing out again --- */

/* Which of the kept columns each wanted one is. Returns: false if one is not kept. */
static bool find_kept(size_t *out, const struct kept_source *source,
                      const struct sotto_source_scan *scan)
{
    for (size_t i = 0; i < scan->wanted_len; i++) {
        const struct sotto_csv_wanted *wanted = &scan->wanted[i];
        out[i] = SOTTO_NONE;
        for (size_t j = 0; j < source->wanted_len; j++) {
            const struct sotto_csv_wanted *kept = &source->wanted[j];
            if (kept->column == wanted->column && kept->type.kind == wanted->type.kind &&
                kept->type.scale == wanted->type.scale) {
                out[i] = j;
            }
        }
        if (out[i] == SOTTO_NONE) {
            return false;
        }
    }
    return true;
}

/* One thread's. */
struct handout {
    struct sotto_column *columns;
    enum sotto_status status;
    struct sotto_error err;
};

static void hand_out(struct handout *handout, size_t worker, const struct kept_source *source,
                     const struct sotto_source_scan *scan, const size_t *places, size_t block)
{
    const struct kept_block *from = &source->blocks[block];
    if (sotto_interrupt_is_set(scan->interrupt)) {
        handout->status =
            sotto_error_set(&handout->err, SOTTO_ERROR_CANCELLED, "reading was interrupted");
        return;
    }
    for (size_t i = 0; i < scan->wanted_len; i++) {
        handout->columns[i] = from->columns[places[i]];
    }
    handout->status = scan->sink(scan->context, worker, from->first_row, handout->columns,
                                 scan->wanted_len, from->rows, &handout->err);
}

static enum sotto_status scan_blocks(const struct kept_source *source,
                                     const struct sotto_source_scan *scan, const size_t *places,
                                     struct handout *handouts, size_t workers)
{
    atomic_size_t next = 0;
    atomic_bool failed = false;
#pragma omp parallel num_threads((int)workers)
    {
        size_t worker = (size_t)omp_get_thread_num();
        struct handout *own = &handouts[worker];
        while (own->status == SOTTO_OK && !atomic_load_explicit(&failed, memory_order_relaxed)) {
            size_t block = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed);
            if (block >= source->blocks_len) {
                break;
            }
            hand_out(own, worker, source, scan, places, block);
        }
        if (own->status != SOTTO_OK) {
            atomic_store_explicit(&failed, true, memory_order_relaxed);
        }
    }
    size_t first = 0;
    while (first < workers && handouts[first].status == SOTTO_OK) {
        first++;
    }
    return first < workers ? handouts[first].status : SOTTO_OK;
}

static enum sotto_status scan_kept(const struct kept_source *source,
                                   const struct sotto_source_scan *scan, const size_t *places,
                                   struct sotto_error *err)
{
    size_t workers = source->inner->ops->workers(source->inner);
    enum sotto_status status = SOTTO_OK;
    struct handout *handouts = sotto_alloc_array(workers, sizeof *handouts);
    if (handouts == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < workers && status == SOTTO_OK; i++) {
        handouts[i].columns = sotto_alloc_array(scan->wanted_len, sizeof *handouts[i].columns);
        status = handouts[i].columns != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    }
    if (status == SOTTO_OK) {
        status = scan_blocks(source, scan, places, handouts, workers);
        for (size_t i = 0; status != SOTTO_OK && i < workers; i++) {
            if (handouts[i].status == status && err != NULL) {
                *err = handouts[i].err;
            }
        }
    }
    for (size_t i = 0; i < workers; i++) {
        sotto_free(handouts[i].columns);
    }
    sotto_free(handouts);
    return status;
}

/* --- The source --- */

static enum sotto_status kept_describe(struct sotto_source *source,
                                       const struct sotto_catalogue **out, const char *const *names,
                                       size_t names_len, struct sotto_error *err)
{
    struct sotto_source *inner = ((struct kept_source *)source)->inner;
    return inner->ops->describe(inner, out, names, names_len, err);
}

/* What is kept stays as it is. */
static enum sotto_status kept_pin(struct sotto_source *source, struct sotto_error *err)
{
    const struct kept_source *of = (const struct kept_source *)source;
    return of->is_kept || of->inner->ops->pin == NULL ? SOTTO_OK
                                                      : of->inner->ops->pin(of->inner, err);
}

static size_t kept_workers(const struct sotto_source *source)
{
    const struct sotto_source *inner = ((const struct kept_source *)source)->inner;
    return inner->ops->workers(inner);
}

static enum sotto_status kept_scan(struct sotto_source *source,
                                   const struct sotto_source_scan *scan, struct sotto_error *err)
{
    struct kept_source *of = (struct kept_source *)source;
    size_t *places = sotto_alloc_array(scan->wanted_len, sizeof *places);
    if (places == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = of->is_kept && find_kept(places, of, scan)
                                   ? scan_kept(of, scan, places, err)
                                   : scan_inner(of, scan, err);
    sotto_free(places);
    return status;
}

static void kept_free(struct sotto_source *source)
{
    struct kept_source *of = (struct kept_source *)source;
    drop_blocks(of);
    sotto_source_free(of->inner);
    (void)pthread_mutex_destroy(&of->lock);
    sotto_free(of->blocks);
    sotto_free(of->wanted);
    sotto_free(of);
}

static const struct sotto_source_ops kept_ops = {
    .describe = kept_describe,
    .pin = kept_pin,
    .workers = kept_workers,
    .scan = kept_scan,
    .free = kept_free,
};

enum sotto_status sotto_source_new_kept(struct sotto_source **out, struct sotto_source *inner,
                                        size_t bytes_max, struct sotto_error *err)
{
    SOTTO_REQUIRE(inner->ops->can_sum == NULL);
    struct kept_source *source = sotto_alloc_zeroed(sizeof *source);
    if (source == NULL || pthread_mutex_init(&source->lock, NULL) != 0) {
        sotto_free(source);
        return sotto_error_no_memory(err);
    }
    source->ops = kept_ops;
    source->ops.identity = inner->ops->identity;
    source->base.ops = &source->ops;
    source->inner = inner;
    source->bytes_max = bytes_max;
    *out = &source->base;
    return SOTTO_OK;
}
