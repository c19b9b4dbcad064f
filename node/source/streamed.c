/* SPDX-License-Identifier: Apache-2.0 */

/* Rows that a worker sends, summed up as they come. Leans on a session for them and on the engine
 * for the threads. The one idea: nothing is kept. Who is free takes what comes next, one at a time,
 * and all sum up at the same time; what was sent must be what the catalogue said. */

#include "source/pushed.h"

#include <omp.h>
#include <pthread.h>
#include <sotto/alloc.h>
#include <string.h>

struct streamed {
    struct sotto_source base;
    struct source_session *session;
    const struct sotto_catalogue *catalogue;
};

/* One reading. */
struct stream {
    const struct streamed *source;
    pthread_mutex_t lock;
    struct sotto_table **tables; /* [worker]: what it reads now */
    size_t workers_len;
    uint64_t rows;
    bool is_over;
};

static enum sotto_status refuse_change(struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_CHANGED, "there are other rows or types than before");
}

/* Whether a table has the columns of the catalogue; those of decimals, by some rows, may have fewer
 * digits after the point. */
static enum sotto_status check_columns(const struct sotto_table *table,
                                       const struct sotto_catalogue *catalogue,
                                       struct sotto_error *err)
{
    if (sotto_table_columns_len(table) != catalogue->columns_len) {
        return refuse_change(err);
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        const char *name = catalogue->columns[i].name;
        struct sotto_type own = catalogue->columns[i].type;
        struct sotto_type type = sotto_table_column(table, i).type;
        if (strcmp(sotto_table_name(table, i), name) != 0 || own.scale < type.scale) {
            return refuse_change(err);
        }
        if (own.kind != type.kind) { /* of SQLite's driver, where the first rows have no value */
            return sotto_error_set(err, SOTTO_ERROR_CHANGED,
                                   "column \"%s\": its values were %s, and come as %s: let a view "
                                   "or query begin with rows that have one",
                                   name, sotto_kind_name(own.kind), sotto_kind_name(type.kind));
        }
    }
    return SOTTO_OK;
}

/* Takes what comes next. Called under the lock. */
static enum sotto_status take_table(struct stream *stream, struct sotto_table **out,
                                    struct sotto_error *err)
{
    const struct sotto_catalogue *catalogue = stream->source->catalogue;
    enum sotto_status status = source_session_next(out, stream->source->session, err);
    stream->is_over = status != SOTTO_OK || *out == NULL;
    if (status != SOTTO_OK) {
        return status;
    }
    if (*out == NULL) {
        return stream->rows == catalogue->rows ? SOTTO_OK : refuse_change(err);
    }
    stream->rows += sotto_table_rows(*out);
    status =
        stream->rows <= catalogue->rows ? check_columns(*out, catalogue, err) : refuse_change(err);
    stream->is_over = status != SOTTO_OK;
    return status;
}

static enum sotto_status next_rows(void *context, size_t worker, struct sotto_table_rows *out,
                                   struct sotto_error *err)
{
    struct stream *stream = context;
    enum sotto_status status = SOTTO_OK;
    sotto_table_free(stream->tables[worker]);
    stream->tables[worker] = NULL;
    (void)pthread_mutex_lock(&stream->lock);
    if (!stream->is_over) {
        status = take_table(stream, &stream->tables[worker], err);
    }
    (void)pthread_mutex_unlock(&stream->lock);
    const struct sotto_table *table = stream->tables[worker];
    *out = (struct sotto_table_rows){.table = table,
                                     .len = table != NULL ? sotto_table_rows(table) : 0};
    return status;
}

static size_t streamed_workers(const struct sotto_source *source)
{
    (void)source;
    return (size_t)omp_get_max_threads();
}

static enum sotto_status streamed_scan(struct sotto_source *source,
                                       const struct sotto_source_scan *scan,
                                       struct sotto_error *err)
{
    struct stream stream = {.source = (const struct streamed *)source,
                            .workers_len = streamed_workers(source)};
    const struct sotto_tables tables = {
        .next = next_rows, .context = &stream, .workers_len = stream.workers_len};
    stream.tables = sotto_alloc_array(stream.workers_len, sizeof *stream.tables);
    if (stream.tables == NULL || pthread_mutex_init(&stream.lock, NULL) != 0) {
        sotto_free(stream.tables);
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = source_session_begin(stream.source->session, err);
    if (status == SOTTO_OK) {
        status = sotto_source_scan_tables(&tables, scan, err);
    }
    for (size_t i = 0; i < stream.workers_len; i++) {
        sotto_table_free(stream.tables[i]);
    }
    sotto_free(stream.tables);
    (void)pthread_mutex_destroy(&stream.lock);
    return status;
}

static enum sotto_status streamed_describe(struct sotto_source *source,
                                           const struct sotto_catalogue **out,
                                           const char *const *names, size_t names_len,
                                           struct sotto_error *err)
{
    (void)names;
    (void)names_len;
    (void)err;
    *out = ((const struct streamed *)source)->catalogue;
    return SOTTO_OK;
}

static void streamed_free(struct sotto_source *source)
{
    sotto_free(source);
}

static const struct sotto_source_ops ops = {.identity = SOTTO_ROWS_CONTENT,
                                            .describe = streamed_describe,
                                            .workers = streamed_workers,
                                            .scan = streamed_scan,
                                            .free = streamed_free};

enum sotto_status streamed_new(struct sotto_source **out, struct source_session *session,
                               const struct sotto_catalogue *catalogue, struct sotto_error *err)
{
    struct streamed *source = sotto_alloc_zeroed(sizeof *source);
    if (source == NULL) {
        return sotto_error_no_memory(err);
    }
    *source = (struct streamed){.base = {.ops = &ops}, .session = session, .catalogue = catalogue};
    *out = &source->base;
    return SOTTO_OK;
}
