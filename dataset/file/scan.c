/* SPDX-License-Identifier: Apache-2.0 */

/* A scan: the spans of the catalogue on all threads; or, without spans, line by line through
 * libcsv. Leans on spans.c for the text, block.c for the values and read.c for the words of an
 * error.
 *
 * The idea: a worker that meets what the catalogue does not say (a malformed text, a value of
 * another type, another count of rows) stops without a word. The file is then read once more, line
 * by line, only to find out what is wrong where; if nothing is, the file changed meanwhile. Its
 * identity, before and after, has the last word: a text in a file that changed is no error of the
 * text. */

#include "file/read.h"
#include "file/spans.h"

#include <omp.h>
#include <pthread.h>
#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <stdatomic.h>
#include <string.h>

struct scan {
    const struct sotto_csv *csv;
    const struct sotto_catalogue *catalogue;
    const struct sotto_csv_wanted *wanted;
    size_t wanted_len;
    sotto_csv_sink *sink; /* NULL: blocks are only checked */
    void *context;
    atomic_size_t next; /* span */
    atomic_bool stopped;
    struct sotto__stream *stream; /* of a packed file: whoever reads it holds the lock */
    pthread_mutex_t stream_lock;
};

static enum sotto_status report_changed(const struct scan *scan, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_CHANGED,
                           "%s: changed since it was catalogued; start again", scan->csv->name);
}

/* Whether the column may be read, and as this type without loss. */
static enum sotto_status check_wanted(const struct scan *scan,
                                      const struct sotto_csv_wanted *wanted,
                                      struct sotto_error *err)
{
    SOTTO_REQUIRE(wanted->column < scan->catalogue->columns_len);
    SOTTO_REQUIRE(wanted->type.scale <= SOTTO_SCALE_MAX);
    const struct sotto_catalogue_column *known = &scan->catalogue->columns[wanted->column];
    if (known->hidden && !known->is_key) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "%s: there is no column \"%s\"",
                               scan->csv->name, known->name);
    }
    if (sotto__type_is_above(wanted->type, known->type)) {
        return SOTTO_OK;
    }
    return sotto_error_set(err, SOTTO_ERROR_TYPE,
                           "%s: column \"%s\": it is %s of scale %d and can't be read as %s of "
                           "scale %d",
                           scan->csv->name, known->name, sotto_kind_name(known->type.kind),
                           known->type.scale, sotto_kind_name(wanted->type.kind),
                           wanted->type.scale);
}

/* Whether the file is the one that was catalogued. */
static enum sotto_status check_identity(const struct scan *scan, struct sotto_error *err)
{
    struct sotto_file_identity identity;
    enum sotto_status status = sotto_csv_identity(scan->csv, &identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    bool same = sotto_file_identity_equal(&identity, &scan->catalogue->identity) &&
                (scan->csv->packing != SOTTO__PACKING_NONE || scan->csv->footer > 0 ||
                 scan->catalogue->text_bytes == identity.size_bytes);
    return same ? SOTTO_OK : report_changed(scan, err);
}

/* --- Line by line --- */

struct serial {
    struct scan *scan;
    struct sotto__block block;
    uint64_t rows; /* with those of the block */
};

/* Hands the block out, and begins again. */
static enum sotto_status flush_serially(struct serial *serial, struct sotto_error *err)
{
    struct sotto__block *block = &serial->block;
    enum sotto_status status = SOTTO_OK;
    if (block->rows > 0 && serial->scan->sink != NULL) {
        status = serial->scan->sink(serial->scan->context, 0, serial->rows - block->rows,
                                    sotto__block_view(block), block->columns_len, block->rows, err);
    }
    sotto__block_clear(block);
    return status;
}

static enum sotto_status visit_header(void *context, struct sotto__csv_reader *reader,
                                      char *const *names, size_t names_len)
{
    const struct scan *scan = ((const struct serial *)context)->scan;
    bool same = names_len == scan->catalogue->columns_len;
    for (size_t i = 0; same && i < names_len; i++) {
        same = strcmp(names[i], scan->catalogue->columns[i].name) == 0;
    }
    return same ? SOTTO_OK : report_changed(scan, sotto__csv_reader_err(reader));
}

static enum sotto_status visit_field(void *context, struct sotto__csv_reader *reader, size_t column,
                                     const char *text, size_t text_bytes)
{
    struct serial *serial = context;
    const struct sotto__block *block = &serial->block;
    const enum sotto__ndjson_kind *kind = sotto__csv_reader_kind(reader);
    for (size_t i = block->heads[column]; i != SOTTO_NONE; i = block->columns[i].next) {
        if (kind != NULL && *kind == SOTTO__NDJSON_MISSING) {
            sotto__block_put_missing(&serial->block, i);
            continue;
        }
        enum sotto_status status = sotto__block_put(&serial->block, i, text, text_bytes);
        if (status == SOTTO_ERROR_CHANGED) {
            return sotto__csv_error(reader, status, column,
                                    "expected %s as catalogued, found another text: the file "
                                    "changed, or its missing-value words did; catalogue it again",
                                    sotto_kind_name(block->columns[i].wanted.type.kind));
        }
        if (status != SOTTO_OK) {
            return sotto__csv_error(reader, status, column, "out of memory");
        }
    }
    return SOTTO_OK;
}

static enum sotto_status visit_row(void *context, struct sotto__csv_reader *reader)
{
    struct serial *serial = context;
    serial->block.rows++;
    serial->rows++;
    if (serial->rows > serial->scan->catalogue->rows) {
        return report_changed(serial->scan, sotto__csv_reader_err(reader));
    }
    return sotto__block_is_full(&serial->block)
               ? flush_serially(serial, sotto__csv_reader_err(reader))
               : SOTTO_OK;
}

/* A block of what the scan wants. Returns: SOTTO_ERROR_NO_MEMORY; it is to be released all the
 * same.
 */
static enum sotto_status init_block(struct sotto__block *out, const struct scan *scan)
{
    const struct sotto_catalogue *catalogue = scan->catalogue;
    enum sotto_status status = sotto__block_init(out, &scan->csv->format, catalogue->columns_len,
                                                 scan->wanted, scan->wanted_len);
    for (size_t i = 0; status == SOTTO_OK && i < scan->wanted_len; i++) {
        const char *name = catalogue->columns[scan->wanted[i].column].name;
        out->columns[i].form = sotto__csv_form(scan->csv, name);
    }
    return status;
}

static enum sotto_status scan_serially(struct scan *scan, struct sotto_error *err)
{
    struct serial serial = {.scan = scan};
    struct sotto_file_identity identity;
    uint64_t text_bytes;
    struct sotto__csv_visitor visitor = {.header = visit_header,
                                         .field = visit_field,
                                         .row = visit_row,
                                         .context = &serial,
                                         .known = scan->catalogue};
    enum sotto_status status = init_block(&serial.block, scan);
    if (status != SOTTO_OK) {
        status = sotto__csv_no_memory(scan->csv, err);
        goto out;
    }
    status = sotto__csv_read(scan->csv, &identity, &text_bytes, &visitor, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    bool same = serial.rows == scan->catalogue->rows &&
                sotto_file_identity_equal(&identity, &scan->catalogue->identity);
    status = same ? flush_serially(&serial, err) : report_changed(scan, err);
out:
    sotto__block_release(&serial.block);
    return status;
}

/* --- Spans --- */

struct worker {
    struct scan *scan;
    size_t number;
    struct sotto__span_buffer buffer;
    struct sotto__splitter splitter;
    struct sotto__block block;
    uint64_t row;     /* the first one of the block */
    uint64_t row_end; /* of the span */
    bool is_said;     /* err has a text that stands: of the sink, of a read */
    struct sotto_error err;
    enum sotto_status status;
};

static enum sotto_status flush_block(struct worker *worker)
{
    struct sotto__block *block = &worker->block;
    enum sotto_status status = SOTTO_OK;
    if (block->rows > 0) {
        status = worker->scan->sink(worker->scan->context, worker->number, worker->row,
                                    sotto__block_view(block), block->columns_len, block->rows,
                                    &worker->err);
        worker->is_said = status != SOTTO_OK;
    }
    worker->row += block->rows;
    sotto__block_clear(block);
    return status;
}

static enum sotto_status take_fields(void *context, const struct sotto__fields *fields)
{
    struct worker *worker = context;
    struct sotto__block *block = &worker->block;
    if (fields->rows > worker->row_end - worker->row - block->rows) {
        return SOTTO_ERROR_CHANGED;
    }
    for (size_t row = 0; row < fields->rows;) {
        size_t rows = fields->rows - row;
        enum sotto_status status = sotto__block_append(block, &rows, fields, row);
        if (status != SOTTO_OK) {
            return status;
        }
        row += rows;
        if (sotto__block_is_full(block)) {
            status = flush_block(worker);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}

static uint64_t span_end(const struct sotto_catalogue *catalogue, size_t i)
{
    return i + 1 < catalogue->spans_len ? catalogue->spans[i + 1].offset : catalogue->text_bytes;
}

static enum sotto_status read_span(struct worker *worker, size_t i)
{
    const struct scan *scan = worker->scan;
    uint64_t start = scan->catalogue->spans[i].offset;
    uint64_t end = span_end(scan->catalogue, i);
    if (end <= start || end - start > SOTTO__SPAN_BYTES_MAX) {
        return SOTTO_ERROR_CHANGED; /* no catalogue of ours */
    }
    enum sotto_status status = sotto__span_read(&worker->buffer, scan->csv, scan->stream, start,
                                                (size_t)(end - start), &worker->err);
    worker->is_said = status == SOTTO_ERROR_IO;
    return status;
}

static enum sotto_status scan_span(struct worker *worker, size_t i)
{
    const struct sotto_catalogue *catalogue = worker->scan->catalogue;
    const struct sotto_catalogue_span *span = &catalogue->spans[i];
    worker->row = span->rows_before;
    worker->row_end = i + 1 < catalogue->spans_len ? span[1].rows_before : catalogue->rows;
    enum sotto_status status = sotto__split_rows(&worker->splitter, worker->buffer.text,
                                                 worker->buffer.bytes, take_fields, worker);
    if (status != SOTTO_OK) {
        return status;
    }
    status = flush_block(worker);
    if (status != SOTTO_OK) {
        return status;
    }
    return worker->row == worker->row_end ? SOTTO_OK : SOTTO_ERROR_CHANGED;
}

/* The next span into the worker's buffer. *out_i: which; SOTTO_NONE at the end. */
static enum sotto_status next_span(struct worker *worker, size_t *out_i)
{
    struct scan *scan = worker->scan;
    bool packed = scan->stream != NULL;
    enum sotto_status status = SOTTO_OK;
    if (packed) { /* one worker at a time takes a span and reads it, so spans come in order */
        (void)pthread_mutex_lock(&scan->stream_lock);
    }
    *out_i = atomic_fetch_add(&scan->next, 1);
    if (*out_i < scan->catalogue->spans_len && !atomic_load(&scan->stopped)) {
        status = read_span(worker, *out_i);
    } else {
        *out_i = SOTTO_NONE;
    }
    if (status != SOTTO_OK) {
        atomic_store(&scan->stopped, true);
    }
    if (packed) {
        (void)pthread_mutex_unlock(&scan->stream_lock);
    }
    return status;
}

/* Takes a span and hands its rows out. *more: there was one. */
static enum sotto_status scan_next(struct worker *worker, bool *more)
{
    size_t i;
    enum sotto_status status = next_span(worker, &i);
    *more = i != SOTTO_NONE;
    if (status != SOTTO_OK || i == SOTTO_NONE) {
        return status;
    }
    return scan_span(worker, i);
}

static void scan_spans(struct worker *worker)
{
    struct sotto_arithmetic arithmetic;
    bool more = true;
    sotto_arithmetic_enter(&arithmetic);
    while (more && worker->status == SOTTO_OK) {
        worker->status = scan_next(worker, &more);
    }
    if (worker->status != SOTTO_OK) {
        atomic_store(&worker->scan->stopped, true);
    }
    sotto_arithmetic_leave(&arithmetic);
}

/* Which failure says more: one with a text, then lack of memory, then a text to be read again. */
static int weigh_failure(const struct worker *worker)
{
    if (worker->status == SOTTO_OK) {
        return 0;
    }
    return worker->is_said ? 3 : worker->status == SOTTO_ERROR_NO_MEMORY ? 2 : 1;
}

/* Reads line by line what a worker found malformed or changed, to say what is wrong where. The text
 * was well formed when it was catalogued: if the file is another, that is what is wrong, whatever
 * its text is now. */
static enum sotto_status explain_failure(struct scan *scan, struct sotto_error *err)
{
    struct sotto_error other;
    scan->sink = NULL;
    enum sotto_status status = check_identity(scan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = scan_serially(scan, err);
    if (status == SOTTO_OK ||
        (status == SOTTO_ERROR_INPUT && check_identity(scan, &other) != SOTTO_OK)) {
        return report_changed(scan, err);
    }
    return status;
}

/* What the workers' failures come to. */
static enum sotto_status judge_failures(struct scan *scan, const struct worker *workers, size_t len,
                                        struct sotto_error *err)
{
    const struct worker *failed = &workers[0];
    for (size_t i = 1; i < len; i++) {
        failed = weigh_failure(&workers[i]) > weigh_failure(failed) ? &workers[i] : failed;
    }
    switch (weigh_failure(failed)) {
    case 0:
        return SOTTO_OK;
    case 1:
        return explain_failure(scan, err);
    case 2:
        return sotto__csv_no_memory(scan->csv, err);
    default:
        if (err != NULL) {
            *err = failed->err;
        }
        return failed->status;
    }
}

static enum sotto_status workers_init(struct worker *workers, size_t len, struct scan *scan)
{
    for (size_t i = 0; i < len; i++) {
        workers[i].scan = scan;
        workers[i].number = i;
        sotto__splitter_init(&workers[i].splitter, &scan->csv->format,
                             scan->catalogue->columns_len);
        enum sotto_status status = init_block(&workers[i].block, scan);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static void workers_free(struct worker *workers, size_t len)
{
    for (size_t i = 0; workers != NULL && i < len; i++) {
        sotto__span_buffer_release(&workers[i].buffer);
        sotto__splitter_release(&workers[i].splitter);
        sotto__block_release(&workers[i].block);
    }
    sotto_free(workers);
}

/* Whether the names are those that were catalogued; spans are then read without a look at it. */
static enum sotto_status check_header(struct scan *scan, struct sotto_error *err)
{
    struct serial serial = {.scan = scan};
    struct sotto__csv_visitor visitor = {.header = visit_header, .context = &serial};
    struct sotto_file_identity identity;
    uint64_t rows_offset;
    uint64_t text_bytes;
    enum sotto_status status =
        sotto__csv_read_header(scan->csv, &identity, &rows_offset, &text_bytes, &visitor, err);
    if (status != SOTTO_OK) {
        return status;
    }
    bool same = rows_offset <= scan->catalogue->spans[0].offset;
    return same ? SOTTO_OK : report_changed(scan, err);
}

/* The text of a packed file, at its first row. What has begun, the caller ends. */
static enum sotto_status open_stream(struct scan *scan, struct sotto_error *err)
{
    enum sotto_status status = sotto__stream_new(&scan->stream, scan->csv, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__stream_skip(scan->stream, scan->catalogue->spans[0].offset, err);
}

static enum sotto_status scan_in_parallel(struct scan *scan, struct sotto_error *err)
{
    enum sotto_status status = check_header(scan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t len = sotto_csv_workers(scan->csv);
    struct worker *workers = sotto_alloc_array(len, sizeof *workers);
    if (workers == NULL || workers_init(workers, len, scan) != SOTTO_OK) {
        status = sotto__csv_no_memory(scan->csv, err);
        goto out;
    }
    if (scan->csv->packing != SOTTO__PACKING_NONE) {
        status = open_stream(scan, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    if (len == 1) {
        scan_spans(&workers[0]);
    } else {
#pragma omp parallel num_threads((int)len)
        scan_spans(&workers[omp_get_thread_num()]);
    }
    status = judge_failures(scan, workers, len, err);
out:
    sotto__stream_free(scan->stream);
    workers_free(workers, len);
    return status;
}

/* --- Both --- */

enum sotto_status sotto_csv_scan(struct sotto_csv *csv, const struct sotto_catalogue *catalogue,
                                 const struct sotto_csv_wanted *wanted, size_t wanted_len,
                                 sotto_csv_sink *sink, void *context, struct sotto_error *err)
{
    struct scan scan = {
        .csv = csv,
        .catalogue = catalogue,
        .wanted = wanted,
        .wanted_len = wanted_len,
        .sink = sink,
        .context = context,
        .stream_lock = PTHREAD_MUTEX_INITIALIZER,
    };
    for (size_t i = 0; i < wanted_len; i++) {
        enum sotto_status status = check_wanted(&scan, &wanted[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    enum sotto_status status = check_identity(&scan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (csv->serial || catalogue->spans_len == 0) {
        return scan_serially(&scan, err);
    }
    status = scan_in_parallel(&scan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_identity(&scan, err);
}
