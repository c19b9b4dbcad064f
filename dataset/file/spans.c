/* SPDX-License-Identifier: Apache-2.0 */

/* A file in parts that are read independently. Leans on the split kernels (which count quotes and
 * find fields), on facts.c and, while cataloguing, on handout.c.
 *
 * The idea: whether a byte is within quotes depends on all bytes before it, but only by the parity
 * of their quotes; one bit goes from chunk to chunk, and everything else is done side by side.
 *
 * 1. The rows are cut into chunks of equal size, which workers take in ascending order. A worker
 *    reads its chunk, and a tail behind it, and counts the chunk's quotes. For this it needs
 *    nothing of others.
 *
 * 2. parities[i] says whether chunk i begins within quotes. parities[0] is OUTSIDE, since rows
 *    begin behind the header's line. parities[i + 1] is told once, by the reader of chunk i: it is
 *    parities[i], flipped if the count of chunk i is odd. A quoted field has an even number of
 *    quotes, a doubled quote within it included.
 *
 * 3. So the reader of chunk i waits for that of chunk i - 1 (parity_before). That one took its
 *    chunk earlier, and waits for nobody but the reader before it; the lowest chunk under way finds
 *    its parity told. The waiting therefore ends, and it is short: nothing but reading and counting
 *    comes before telling. A worker that fails sets `stopped` and may tell nothing, and who waits
 *    looks at `stopped` too.
 *
 * 4. A chunk's records are those that begin behind the first row end in it (in chunk 0: at its
 *    start) and before the first row end at or after its end. Each record has one reader, the one
 *    in whose chunk it begins; a record that is longer than its chunk is read to its end by that
 *    worker, and the chunks that it covers have none. A CR LF is one row end even where a chunk
 *    ends between the two.
 *
 * 5. A stray quote turns all parities behind it around. Up to it they are right, so the record with
 *    the first stray quote is read, from its beginning, by the worker that it belongs to; libcsv
 *    refuses it there, and the whole file is read again line by line (cataloguing.c), which finds
 *    the first error and its line. No malformed text passes.
 *
 * 6. What was found are the spans of the catalogue: where each chunk's first record begins, and how
 *    many rows stand before it. A scan needs no parity, and knows its rows.
 *
 * 7. The text of a packed file can be had in order only. There a worker holds the lock while it
 *    unpacks a chunk up to the end of a record; what it got beyond that is carried to the next one.
 *    Chunks begin outside quotes then, nobody waits for a parity, and fields are split outside the
 *    lock. */

#include "file/spans.h"
#include "value/digits.h"

#include <errno.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* Read behind a chunk at first, to find the end of its last record. */
#define TAIL_BYTES ((size_t)16 * 1024)

/* --- Buffers --- */

/* Makes room for bytes bytes, of which the first keep are kept.
 *
 * Returns: SOTTO_ERROR_NO_MEMORY, and nothing changed. */
static enum sotto_status reserve_span(struct sotto__span_buffer *buffer, size_t bytes, size_t keep)
{
    size_t needed = SOTTO_ALIGNMENT + bytes + SOTTO__SPLIT_BLOCK + 1;
    if (needed > buffer->capacity) {
        char *grown = sotto_alloc_aligned(needed);
        if (grown == NULL) {
            return SOTTO_ERROR_NO_MEMORY;
        }
        if (keep > 0) {
            memcpy(grown + SOTTO_ALIGNMENT, buffer->text, keep);
        }
        sotto_free(buffer->memory);
        buffer->memory = grown;
        buffer->capacity = needed;
    }
    buffer->text = (char *)buffer->memory + SOTTO_ALIGNMENT;
    return SOTTO_OK;
}

void sotto__span_buffer_release(struct sotto__span_buffer *buffer)
{
    sotto_free(buffer->memory);
    *buffer = (struct sotto__span_buffer){0};
}

/* Closes a last line that has no end, so that each field has one; then zeros. */
static void buffer_close(struct sotto__span_buffer *buffer, bool is_last)
{
    char *end = buffer->text + buffer->bytes;
    if (is_last && buffer->bytes > 0 && end[-1] != '\n' && end[-1] != '\r') {
        *end++ = '\n';
        buffer->bytes++;
    }
    memset(end, 0, SOTTO__SPLIT_BLOCK);
}

enum sotto_status sotto__span_read(struct sotto__span_buffer *buffer, const struct sotto_csv *csv,
                                   struct sotto__stream *stream, uint64_t offset, size_t bytes,
                                   struct sotto_error *err)
{
    size_t got = bytes;
    if (reserve_span(buffer, bytes, 0) != SOTTO_OK) {
        return sotto__csv_no_memory(csv, err);
    }
    enum sotto_status status = stream != NULL
                                   ? sotto__stream_read(stream, buffer->text, &got, bytes, err)
                                   : sotto__csv_pread(csv, buffer->text, bytes, offset, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (got < bytes) {
        return sotto__csv_changed(csv, err);
    }
    buffer->bytes = bytes;
    buffer_close(buffer, true);
    return SOTTO_OK;
}

/* --- Cutting --- */

struct chunk {
    uint64_t offset; /* of its first record */
    uint64_t rows;
};

/* What all workers share. */
struct cutting {
    const struct sotto_csv *csv;
    const struct sotto_catalogue *catalogue;
    uint64_t start; /* of the rows */
    uint64_t end;   /* of the file */
    size_t chunks_len;
    struct chunk *chunks;
    /* Of the quotes before each chunk; told once, by whoever reads the chunk before. */
    _Atomic unsigned char *parities;
    atomic_size_t next;
    atomic_bool stopped;
    /* Of a packed file, under the lock: its text is cut as it comes. */
    pthread_mutex_t lock;
    struct sotto__stream *stream;
    struct sotto__span_buffer carry; /* what was read beyond the last chunk */
    uint64_t offset;                 /* of the next chunk */
    size_t chunks_capacity;
    bool ended;
    struct sotto__handout *handout;
};

/* Unknown is 0, so that fresh memory says it. */
enum parity { PARITY_UNKNOWN, PARITY_OUTSIDE, PARITY_INSIDE };

/* One worker's. */
struct cutter {
    struct cutting *cutting;
    struct sotto__span_buffer buffer;
    struct sotto__splitter splitter;
    struct sotto__column_facts *facts;
    struct sotto__handout_worker worker;
    uint64_t rows; /* of the current chunk */
    struct sotto_error err;
    enum sotto_status status;
};

/* Waits for the reader of the chunk before (step 3). Acquires what that one released. Returns:
 * PARITY_UNKNOWN if work stopped. */
static enum parity parity_before(struct cutting *cutting, size_t i)
{
    for (;;) {
        unsigned char parity = atomic_load_explicit(&cutting->parities[i], memory_order_acquire);
        if (parity != PARITY_UNKNOWN ||
            atomic_load_explicit(&cutting->stopped, memory_order_relaxed)) {
            return (enum parity)parity;
        }
        (void)sched_yield();
    }
}

/* The position behind the first row end in [from, to) outside quotes, a CR LF being one; SOTTO_NONE
 * if there is none. bytes: what can be looked at. */
static size_t find_row_end(const char *text, size_t bytes, size_t from, size_t to, bool inside)
{
    for (size_t i = from; i < to; i++) {
        char c = text[i];
        inside = inside != (c == '"');
        if (!inside && c == '\n') {
            return i + 1;
        }
        if (!inside && c == '\r') {
            return i + 1 + (i + 1 < bytes && text[i + 1] == '\n');
        }
    }
    return SOTTO_NONE;
}

/* Reads on until the record that begins before position `chunk` of the buffer ends; *out_end is
 * where. */
static enum sotto_status find_end(struct cutter *cutter, size_t *out_end, uint64_t offset,
                                  size_t chunk, bool inside)
{
    struct cutting *cutting = cutter->cutting;
    struct sotto__span_buffer *buffer = &cutter->buffer;
    size_t left = cutting->end - offset < SOTTO__SPAN_BYTES_MAX ? (size_t)(cutting->end - offset)
                                                                : SOTTO__SPAN_BYTES_MAX;
    if (offset + chunk == cutting->end) {
        *out_end = chunk;
        return SOTTO_OK;
    }
    for (size_t step = TAIL_BYTES;; step *= 2) {
        /* The last byte of the window may be a CR: its LF must be in sight. */
        bool all = offset + buffer->bytes == cutting->end;
        size_t to = all ? buffer->bytes : buffer->bytes - 1;
        *out_end = find_row_end(buffer->text, buffer->bytes, chunk, to, inside);
        if (*out_end != SOTTO_NONE || all) {
            *out_end = *out_end == SOTTO_NONE ? buffer->bytes : *out_end;
            return SOTTO_OK;
        }
        size_t more = left - buffer->bytes < step ? left - buffer->bytes : step;
        if (more == 0) {
            return SOTTO_ERROR_INPUT;
        }
        if (reserve_span(buffer, buffer->bytes + more, buffer->bytes) != SOTTO_OK) {
            return sotto__csv_no_memory(cutting->csv, &cutter->err);
        }
        enum sotto_status status = sotto__csv_pread(cutting->csv, buffer->text + buffer->bytes,
                                                    more, offset + buffer->bytes, &cutter->err);
        buffer->bytes += more;
        if (status != SOTTO_OK) {
            return status;
        }
    }
}

static enum sotto_status take_fields(void *context, const struct sotto__fields *fields)
{
    struct cutter *cutter = context;
    for (size_t i = 0; i < fields->columns_len; i++) {
        if (!cutter->cutting->catalogue->columns[i].is_unread) {
            sotto__column_facts_take_fields(&cutter->facts[i], &cutter->cutting->csv->format,
                                            fields, i);
        }
    }
    sotto__handout_take(&cutter->worker, cutter->facts, fields);
    cutter->rows += fields->rows;
    return SOTTO_OK;
}

/* The chunk's own records (step 4). */
static enum sotto_status cut_records(struct cutter *cutter, size_t i, uint64_t offset, size_t bytes,
                                     bool inside, bool inside_after)
{
    struct cutting *cutting = cutter->cutting;
    struct sotto__span_buffer *buffer = &cutter->buffer;
    size_t begin = i == 0 ? 0 : find_row_end(buffer->text, buffer->bytes, 0, bytes, inside);
    if (begin == SOTTO_NONE) {
        return SOTTO_OK; /* no record begins here */
    }
    size_t end = begin;
    enum sotto_status status = find_end(cutter, &end, offset, bytes, inside_after);
    if (status != SOTTO_OK || begin >= end) {
        return status;
    }
    buffer->bytes = end;
    buffer_close(buffer, offset + end == cutting->end);
    cutter->rows = 0;
    status = sotto__split_rows(&cutter->splitter, buffer->text + begin, buffer->bytes - begin,
                               take_fields, cutter);
    cutting->chunks[i] = (struct chunk){.offset = offset + begin, .rows = cutter->rows};
    return status;
}

/* Reads chunk i, tells its parity, and takes its records. */
static enum sotto_status cut_chunk(struct cutter *cutter, size_t i)
{
    struct cutting *cutting = cutter->cutting;
    const struct sotto_csv *csv = cutting->csv;
    struct sotto__span_buffer *buffer = &cutter->buffer;
    uint64_t offset = cutting->start + (uint64_t)i * csv->chunk_bytes;
    uint64_t left = cutting->end - offset;
    size_t bytes = left < csv->chunk_bytes ? (size_t)left : csv->chunk_bytes;
    size_t window = left < bytes + TAIL_BYTES ? (size_t)left : bytes + TAIL_BYTES;
    if (reserve_span(buffer, window, 0) != SOTTO_OK) {
        return sotto__csv_no_memory(csv, &cutter->err);
    }
    enum sotto_status status = sotto__csv_pread(csv, buffer->text, window, offset, &cutter->err);
    if (status != SOTTO_OK) {
        return status;
    }
    buffer->bytes = window;
    memset(buffer->text + window, 0, SOTTO__SPLIT_BLOCK);
    bool odd = cutter->splitter.kernels->quotes(buffer->text, bytes) % 2 != 0;
    enum parity before = parity_before(cutting, i);
    if (before == PARITY_UNKNOWN) {
        return SOTTO_OK;
    }
    bool inside = before == PARITY_INSIDE;
    bool inside_after = inside != odd;
    /* As soon as it is known: the next reader waits for it. */
    atomic_store_explicit(&cutting->parities[i + 1], inside_after ? PARITY_INSIDE : PARITY_OUTSIDE,
                          memory_order_release);
    return cut_records(cutter, i, offset, bytes, inside, inside_after);
}

static void cut_all(struct cutter *cutter)
{
    struct cutting *cutting = cutter->cutting;
    while (!atomic_load_explicit(&cutting->stopped, memory_order_relaxed)) {
        size_t i = atomic_fetch_add(&cutting->next, 1);
        if (i >= cutting->chunks_len) {
            break;
        }
        cutter->status = cut_chunk(cutter, i);
        if (cutter->status != SOTTO_OK) {
            atomic_store(&cutting->stopped, true);
            break;
        }
    }
}

/* --- Cutting a packed file --- */

/* Reads bytes more bytes of the stream; all: whether it is at its end. */
static enum sotto_status read_more(struct cutter *cutter, size_t bytes, bool *all)
{
    struct sotto__span_buffer *buffer = &cutter->buffer;
    size_t got = 0;
    if (buffer->bytes + bytes > SOTTO__SPAN_BYTES_MAX) {
        return SOTTO_ERROR_INPUT;
    }
    if (reserve_span(buffer, buffer->bytes + bytes, buffer->bytes) != SOTTO_OK) {
        return sotto__csv_no_memory(cutter->cutting->csv, &cutter->err);
    }
    enum sotto_status status = sotto__stream_read(
        cutter->cutting->stream, buffer->text + buffer->bytes, &got, bytes, &cutter->err);
    if (status != SOTTO_OK) {
        return status;
    }
    *all = got < bytes;
    buffer->bytes += got;
    return SOTTO_OK;
}

/* Reads on until the record that reaches over `mark` ends; *out_end is where. */
static enum sotto_status find_end_packed(struct cutter *cutter, size_t *out_end, bool *all,
                                         size_t mark)
{
    struct sotto__span_buffer *buffer = &cutter->buffer;
    bool inside = cutter->splitter.kernels->quotes(buffer->text, mark) % 2 != 0;
    for (size_t step = TAIL_BYTES;; step *= 2) {
        /* The last byte may be a CR: its LF must be in sight, or the text at its end. */
        size_t to = *all || buffer->bytes == mark ? buffer->bytes : buffer->bytes - 1;
        *out_end = find_row_end(buffer->text, buffer->bytes, mark, to, inside);
        if (*out_end != SOTTO_NONE || *all) {
            *out_end = *out_end == SOTTO_NONE ? buffer->bytes : *out_end;
            return SOTTO_OK;
        }
        enum sotto_status status = read_more(cutter, step, all);
        if (status != SOTTO_OK) {
            return status;
        }
    }
}

/* The next chunk: what was left over, at least chunk_bytes in all, up to the end of a record. */
static enum sotto_status read_packed(struct cutter *cutter)
{
    struct cutting *cutting = cutter->cutting;
    struct sotto__span_buffer *buffer = &cutter->buffer;
    size_t chunk = cutting->csv->chunk_bytes;
    size_t left = cutting->carry.bytes;
    bool all = false;
    buffer->bytes = 0;
    if (reserve_span(buffer, left + chunk, 0) != SOTTO_OK) {
        return sotto__csv_no_memory(cutting->csv, &cutter->err);
    }
    if (left > 0) {
        memcpy(buffer->text, cutting->carry.text, left);
        buffer->bytes = left;
    }
    if (left < chunk) {
        enum sotto_status status = read_more(cutter, chunk - left, &all);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    memset(buffer->text + buffer->bytes, 0, SOTTO__SPLIT_BLOCK);
    size_t end = SOTTO_NONE;
    enum sotto_status status =
        find_end_packed(cutter, &end, &all, chunk < buffer->bytes ? chunk : buffer->bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    cutting->ended = all && end == buffer->bytes;
    size_t rest = buffer->bytes - end;
    if (reserve_span(&cutting->carry, rest, 0) != SOTTO_OK) {
        return sotto__csv_no_memory(cutting->csv, &cutter->err);
    }
    memcpy(cutting->carry.text, buffer->text + end, rest);
    cutting->carry.bytes = rest;
    buffer->bytes = end;
    return SOTTO_OK;
}

/* Appends a chunk of what the buffer holds; *out_i is its number. */
static enum sotto_status append_chunk(struct cutter *cutter, size_t *out_i)
{
    struct cutting *cutting = cutter->cutting;
    void *chunks = cutting->chunks;
    if (sotto_array_reserve(&chunks, &cutting->chunks_capacity, cutting->chunks_len + 1,
                            sizeof *cutting->chunks) != SOTTO_OK) {
        return sotto__csv_no_memory(cutting->csv, &cutter->err);
    }
    cutting->chunks = chunks;
    *out_i = cutting->chunks_len++;
    cutting->chunks[*out_i] = (struct chunk){.offset = cutting->offset};
    cutting->offset += cutter->buffer.bytes;
    buffer_close(&cutter->buffer, cutting->ended);
    return SOTTO_OK;
}

/* Takes the next chunk; *out_i is its number, SOTTO_NONE if there is none. */
static enum sotto_status take_packed(struct cutter *cutter, size_t *out_i)
{
    struct cutting *cutting = cutter->cutting;
    enum sotto_status status = SOTTO_OK;
    *out_i = SOTTO_NONE;
    (void)pthread_mutex_lock(&cutting->lock);
    if (cutting->ended || atomic_load(&cutting->stopped)) {
        goto out;
    }
    status = read_packed(cutter);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = append_chunk(cutter, out_i);
out:
    if (status != SOTTO_OK) {
        atomic_store(&cutting->stopped, true);
    }
    (void)pthread_mutex_unlock(&cutting->lock);
    return status;
}

/* Takes a chunk and its records. *more: there was one. */
static enum sotto_status cut_packed_chunk(struct cutter *cutter, bool *more)
{
    struct cutting *cutting = cutter->cutting;
    size_t i;
    cutter->rows = 0;
    enum sotto_status status = take_packed(cutter, &i);
    *more = i != SOTTO_NONE;
    if (status != SOTTO_OK || i == SOTTO_NONE) {
        return status;
    }
    status = sotto__split_rows(&cutter->splitter, cutter->buffer.text, cutter->buffer.bytes,
                               take_fields, cutter);
    if (status != SOTTO_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&cutting->lock); /* the array may be moved while it grows */
    cutting->chunks[i].rows = cutter->rows;
    (void)pthread_mutex_unlock(&cutting->lock);
    return SOTTO_OK;
}

static void cut_packed(struct cutter *cutter)
{
    bool more = true;
    while (more && cutter->status == SOTTO_OK) {
        cutter->status = cut_packed_chunk(cutter, &more);
    }
    if (cutter->status != SOTTO_OK) {
        atomic_store(&cutter->cutting->stopped, true);
    }
}

/* --- What came of it --- */

/* Chunks with records become spans, and the rows are counted. Returns: SOTTO_ERROR_INPUT where a
 * scan could not read a span at once. */
static enum sotto_status keep_spans(const struct cutting *cutting,
                                    struct sotto_catalogue *catalogue, struct sotto_error *err)
{
    catalogue->spans = sotto_alloc_array(cutting->chunks_len, sizeof *catalogue->spans);
    if (catalogue->spans == NULL) {
        return sotto__csv_no_memory(cutting->csv, err);
    }
    for (size_t i = 0; i < cutting->chunks_len; i++) {
        const struct chunk *chunk = &cutting->chunks[i];
        if (chunk->rows > 0) {
            catalogue->spans[catalogue->spans_len++] = (struct sotto_catalogue_span){
                .offset = chunk->offset, .rows_before = catalogue->rows};
            catalogue->rows += chunk->rows;
        }
    }
    for (size_t i = 0; i < catalogue->spans_len; i++) {
        bool is_last = i + 1 == catalogue->spans_len;
        uint64_t end = is_last ? catalogue->text_bytes : catalogue->spans[i + 1].offset;
        if (end - catalogue->spans[i].offset > SOTTO__SPAN_BYTES_MAX) {
            return SOTTO_ERROR_INPUT; /* of blank lines, mostly */
        }
    }
    return SOTTO_OK;
}

/* Merges what one worker knows of the columns. */
static void keep_facts(struct sotto_catalogue *catalogue, const struct cutter *cutter)
{
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        struct sotto_catalogue_column *column = &catalogue->columns[i];
        struct sotto__column_facts all = {.type = column->type,
                                          .missing = column->missing,
                                          .digits_lost = column->digits_lost,
                                          .inexact = column->inexact,
                                          .exponent_inexact = column->exponent_inexact};
        sotto__column_facts_merge(&all, &cutter->facts[i]);
        column->type = all.type;
        column->missing = all.missing;
        column->digits_lost = all.digits_lost;
        column->inexact = all.inexact;
        column->exponent_inexact = all.exponent_inexact;
    }
}

/* The failure to report: lack of memory and failed reads before malformed texts. */
static enum sotto_status first_failure(const struct cutter *cutters, size_t len,
                                       struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < len; i++) {
        if (cutters[i].status == SOTTO_OK) {
            continue;
        }
        if (status == SOTTO_OK || status == SOTTO_ERROR_INPUT) {
            status = cutters[i].status;
            if (err != NULL) {
                *err = cutters[i].err;
            }
        }
    }
    return status;
}

static enum sotto_status cutters_init(struct cutter *cutters, size_t len, struct cutting *cutting)
{
    size_t columns_len = cutting->catalogue->columns_len;
    for (size_t i = 0; i < len; i++) {
        cutters[i].cutting = cutting;
        sotto__splitter_init(&cutters[i].splitter, &cutting->csv->format, columns_len);
        cutters[i].facts = sotto_alloc_array(columns_len, sizeof *cutters[i].facts);
        if (cutters[i].facts == NULL) {
            return SOTTO_ERROR_NO_MEMORY;
        }
        for (size_t j = 0; j < columns_len; j++) {
            const struct sotto_catalogue_column *column = &cutting->catalogue->columns[j];
            cutters[i].facts[j] = sotto__column_facts_begin(
                column->type, sotto__csv_form(cutting->csv, column->name));
        }
        if (sotto__handout_init(&cutters[i].worker, cutting->handout, i, cutting->csv,
                                cutting->catalogue) != SOTTO_OK) {
            return SOTTO_ERROR_NO_MEMORY;
        }
    }
    return SOTTO_OK;
}

static void cutters_free(struct cutter *cutters, size_t len)
{
    for (size_t i = 0; cutters != NULL && i < len; i++) {
        sotto__span_buffer_release(&cutters[i].buffer);
        sotto__splitter_release(&cutters[i].splitter);
        sotto__handout_release(&cutters[i].worker);
        sotto_free(cutters[i].facts);
    }
    sotto_free(cutters);
}

/* One worker's cutting. What it hands out holds doubles, which are rounded to nearest whatever the
 * caller's thread has set. */
static void run_cutter(struct cutter *cutter, void (*cut)(struct cutter *cutter))
{
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    cut(cutter);
    sotto__handout_end(&cutter->worker);
    sotto_arithmetic_leave(&arithmetic);
}

/* Cuts with all workers by `cut`, and keeps what they found. */
static enum sotto_status cut_with(struct cutting *cutting, void (*cut)(struct cutter *cutter),
                                  struct sotto_catalogue *catalogue, size_t workers,
                                  struct sotto_error *err)
{
    struct cutter *cutters = sotto_alloc_array(workers, sizeof *cutters);
    enum sotto_status status;
    if (cutters == NULL || cutters_init(cutters, workers, cutting) != SOTTO_OK) {
        status = sotto__csv_no_memory(cutting->csv, err);
        goto out;
    }
    if (workers == 1) {
        run_cutter(&cutters[0], cut);
    } else {
#pragma omp parallel num_threads((int)workers)
        run_cutter(&cutters[omp_get_thread_num()], cut);
    }
    status = first_failure(cutters, workers, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    for (size_t i = 0; i < workers; i++) {
        keep_facts(catalogue, &cutters[i]);
    }
out:
    cutters_free(cutters, workers);
    return status;
}

enum sotto_status sotto__spans_catalogue(const struct sotto_csv *csv,
                                         struct sotto_catalogue *catalogue, uint64_t rows_offset,
                                         struct sotto__handout *handout, struct sotto_error *err)
{
    struct cutting cutting = {.csv = csv,
                              .catalogue = catalogue,
                              .handout = handout,
                              .start = rows_offset,
                              .end = catalogue->text_bytes};
    uint64_t bytes = cutting.end - rows_offset;
    if (bytes == 0) {
        return SOTTO_OK;
    }
    cutting.chunks_len = (size_t)((bytes + csv->chunk_bytes - 1) / csv->chunk_bytes);
    size_t workers = sotto_csv_workers(csv);
    workers = workers < cutting.chunks_len ? workers : cutting.chunks_len;
    cutting.chunks = sotto_alloc_array(cutting.chunks_len, sizeof *cutting.chunks);
    cutting.parities = sotto_alloc_array(cutting.chunks_len + 1, sizeof *cutting.parities);
    enum sotto_status status;
    if (cutting.chunks == NULL || cutting.parities == NULL) {
        status = sotto__csv_no_memory(csv, err);
        goto out;
    }
    atomic_store(&cutting.parities[0], PARITY_OUTSIDE);
    status = cut_with(&cutting, cut_all, catalogue, workers, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = keep_spans(&cutting, catalogue, err);
out:
    sotto_free((void *)cutting.parities);
    sotto_free(cutting.chunks);
    return status;
}

enum sotto_status sotto__spans_catalogue_packed(const struct sotto_csv *csv,
                                                struct sotto_catalogue *catalogue,
                                                uint64_t rows_offset,
                                                struct sotto__handout *handout,
                                                struct sotto_error *err)
{
    struct cutting cutting = {.csv = csv,
                              .catalogue = catalogue,
                              .handout = handout,
                              .offset = rows_offset,
                              .lock = PTHREAD_MUTEX_INITIALIZER};
    enum sotto_status status = sotto__stream_new(&cutting.stream, csv, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__stream_skip(cutting.stream, rows_offset, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = cut_with(&cutting, cut_packed, catalogue, sotto_csv_workers(csv), err);
    if (status != SOTTO_OK) {
        goto out;
    }
    catalogue->text_bytes = cutting.offset;
    status = keep_spans(&cutting, catalogue, err);
out:
    sotto_free(cutting.chunks);
    sotto__span_buffer_release(&cutting.carry);
    sotto__stream_free(cutting.stream);
    return status;
}
