/* SPDX-License-Identifier: Apache-2.0 */

/* A database as a source that sums up by itself what it can, and hands out rows for the rest. It
 * leans on a session, whose answers are all of one snapshot, and on the engine, which says what a
 * round asks. The one idea: rounds that are summed up and rounds whose rows are read see the same
 * rows, as it is one transaction that has both; where rows are in files these are looked at before
 * and after each answer. */

#include "source/pushed.h"

#include "source/files.h"

#include <sotto/alloc.h>
#include <string.h>

#define DOUBLE_DIGITS INT64_C(1000000000000000) /* 10^15: so many digits every double keeps */

struct pushed {
    struct sotto_source base;
    struct source_request request;
    struct source_session *session;
    struct source_facts opened;
    struct sotto_catalogue *catalogue;
    bool owns_catalogue;
    struct pushed_host host;
    uint64_t files;          /* the identity of the files before the first answer */
    struct summing *summing; /* of the round that can be summed up */
    struct sotto_classes *classes;
    /* A worker that failed when it was asked whether a round can be summed up. */
    struct sotto_error failure;
    struct sotto_source *rows;
};

static struct pushed *pushed_of(struct sotto_source *source)
{
    return (struct pushed *)source;
}

/* --- Files --- */

static enum sotto_status check_files(const struct pushed *pushed, struct sotto_error *err)
{
    return source_files_check(pushed->request.files, pushed->files, err);
}

/* Has the worker answer, of files that are what they were. */
static enum sotto_status ask(struct source_rows *out, struct pushed *pushed, const char *sql,
                             struct sotto_error *err)
{
    enum sotto_status status = check_files(pushed, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = source_session_ask(out, pushed->session, sql, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_files(pushed, err);
    if (status != SOTTO_OK) {
        source_rows_release(out);
    }
    return status;
}

/* What is passed on of a failure. */
static enum sotto_status pass_on(const struct pushed *pushed, enum sotto_status status,
                                 struct sotto_error *err)
{
    return status == SOTTO_OK || pushed->host.fail == NULL || err == NULL
               ? status
               : pushed->host.fail(pushed->host.context, err);
}

/* --- Rows --- */

static enum sotto_status read_rows(const struct pushed *pushed,
                                   const struct sotto_source_scan *scan, struct sotto_error *err)
{
    enum sotto_status status = check_files(pushed, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = pushed->rows->ops->scan(pushed->rows, scan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_files(pushed, err);
}

static enum sotto_status scan(struct sotto_source *source, const struct sotto_source_scan *scan,
                              struct sotto_error *err)
{
    const struct pushed *pushed = pushed_of(source);
    return pass_on(pushed, read_rows(pushed, scan, err), err);
}

static size_t count_workers(const struct sotto_source *source)
{
    const struct pushed *pushed = (const struct pushed *)source;
    return pushed->rows->ops->workers(pushed->rows);
}

static enum sotto_status describe(struct sotto_source *source, const struct sotto_catalogue **out,
                                  const char *const *names, size_t names_len,
                                  struct sotto_error *err)
{
    struct sotto_source *rows = pushed_of(source)->rows;
    return rows->ops->describe(rows, out, names, names_len, err);
}

/* --- Sums --- */

static void forget_round(struct pushed *pushed)
{
    summing_free(pushed->summing);
    sotto_classes_free(pushed->classes);
    pushed->summing = NULL;
    pushed->classes = NULL;
}

static void tell_round(const struct pushed *pushed, const char *sql, const char *why)
{
    if (pushed->host.tell != NULL) {
        pushed->host.tell(pushed->host.tell_context, sql, why);
    }
}

/* Looks at the columns that a round asks for, of files that are what they were. */
static enum sotto_status look(struct pushed *pushed, struct sotto_error *err)
{
    enum sotto_status status = check_files(pushed, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = opened_look(&pushed->opened, pushed->session, &pushed->request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_files(pushed, err);
}

static enum sotto_status open_round(struct pushed *pushed, struct sotto_contribution *contribution,
                                    size_t dataset, struct sotto_error *err)
{
    enum sotto_status status = sotto_classes_new(&pushed->classes, contribution, dataset, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = summing_new(&pushed->summing, pushed->classes, &pushed->opened, &pushed->request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = look(pushed, err);
    if (status != SOTTO_OK) {
        pushed->failure = *err;
        return status;
    }
    return summing_choose(pushed->summing, err);
}

/* A failure of the worker is for prepare to tell: nothing can be asked any more. */
static bool can_sum(struct sotto_source *source, struct sotto_contribution *contribution,
                    size_t dataset)
{
    struct pushed *pushed = pushed_of(source);
    struct sotto_error err = {0};
    forget_round(pushed);
    enum sotto_status status = open_round(pushed, contribution, dataset, &err);
    tell_round(pushed, status == SOTTO_OK ? summing_sql(pushed->summing) : NULL, err.text);
    if (status != SOTTO_OK) {
        forget_round(pushed);
    }
    return status == SOTTO_OK;
}

static enum sotto_status sum(struct sotto_source *source, struct sotto_contribution *contribution,
                             size_t dataset, struct sotto_error *err)
{
    struct pushed *pushed = pushed_of(source);
    struct source_rows rows = {0};
    (void)contribution; /* the classes' */
    (void)dataset;
    enum sotto_status status = ask(&rows, pushed, summing_sql(pushed->summing), err);
    if (status == SOTTO_OK) {
        status = summing_take(pushed->summing, rows.table, err);
    }
    source_rows_release(&rows);
    forget_round(pushed);
    return pass_on(pushed, status, err);
}

static enum sotto_status prepare(struct sotto_source *source, struct sotto_error *err)
{
    const struct pushed *pushed = pushed_of(source);
    if (pushed->failure.status == SOTTO_OK) {
        return SOTTO_OK;
    }
    (void)sotto_error_set(err, pushed->failure.status, "%s", pushed->failure.text);
    return pass_on(pushed, pushed->failure.status, err);
}

static void free_pushed(struct sotto_source *source)
{
    struct pushed *pushed = pushed_of(source);
    forget_round(pushed);
    sotto_source_free(pushed->rows);
    opened_release(&pushed->opened);
    source_session_close(pushed->session);
    if (pushed->owns_catalogue) {
        sotto_catalogue_free(pushed->catalogue);
    }
    if (pushed->host.free != NULL) {
        pushed->host.free(pushed->host.context);
    }
    sotto_free(pushed);
}

static const struct sotto_source_ops ops = {.identity = SOTTO_ROWS_CONTENT,
                                            .describe = describe,
                                            .workers = count_workers,
                                            .prepare = prepare,
                                            .scan = scan,
                                            .can_sum = can_sum,
                                            .sum = sum,
                                            .free = free_pushed};

/* --- Opening --- */

static enum sotto_status make_catalogue(struct pushed *pushed, struct sotto_error *err)
{
    struct sotto_catalogue *catalogue = sotto_alloc_zeroed(sizeof *catalogue);
    if (catalogue == NULL) {
        return sotto_error_no_memory(err);
    }
    pushed->catalogue = catalogue;
    pushed->owns_catalogue = true;
    catalogue->columns = sotto_alloc_array(pushed->opened.len + 1, sizeof *catalogue->columns);
    if (catalogue->columns == NULL) {
        return sotto_error_no_memory(err);
    }
    catalogue->rows = pushed->opened.rows;
    for (; catalogue->columns_len < pushed->opened.len; catalogue->columns_len++) {
        const struct opened_column *of = &pushed->opened.columns[catalogue->columns_len];
        bool is_long = of->type.kind == SOTTO_KIND_INT64 &&
                       (of->least <= -DOUBLE_DIGITS || of->most >= DOUBLE_DIGITS);
        char *name = sotto_text_copy(of->name, strlen(of->name));
        if (name == NULL) {
            return sotto_error_no_memory(err);
        }
        catalogue->columns[catalogue->columns_len] = (struct sotto_catalogue_column){
            .name = name,
            .type = of->type,
            .missing = pushed->opened.rows - of->filled,
            .inexact = of->type.kind == SOTTO_KIND_DECIMAL || is_long};
    }
    return SOTTO_OK;
}

static enum sotto_status open_session(struct pushed *pushed, const struct source_limits *limits,
                                      const char *name, bool reads_again, struct sotto_error *err)
{
    enum sotto_status status =
        source_session_open(&pushed->session, &pushed->request, limits, name, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = opened_ask(&pushed->opened, pushed->session, &pushed->request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!pushed->request.is_all && pushed->opened.len < pushed->request.names_len) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED, "a column is not there, or of no type");
    }
    status = check_files(pushed, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = make_catalogue(pushed, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = streamed_new(&pushed->rows, pushed->session, pushed->catalogue, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return reads_again ? sotto_source_new_kept(&pushed->rows, pushed->rows, limits->bytes_max, err)
                       : SOTTO_OK;
}

enum sotto_status pushed_new(struct sotto_source **out, const struct source_request *request,
                             const struct source_limits *limits, const char *name,
                             const struct pushed_host *host, struct sotto_error *err)
{
    if (request->dialect == NULL || request->types_len > 0) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED, "%s",
                               request->dialect == NULL ? "no database has them"
                                                        : "types are stated");
    }
    struct pushed *pushed = sotto_alloc_zeroed(sizeof *pushed);
    if (pushed == NULL) {
        return sotto_error_no_memory(err);
    }
    pushed->base.ops = &ops;
    pushed->request = *request;
    pushed->request.first = request->dialect->begin;
    pushed->request.is_session = true;
    pushed->files = source_files_identify(request->files);
    enum sotto_status status = open_session(pushed, limits, name, host->reads_again, err);
    if (status != SOTTO_OK) {
        free_pushed(&pushed->base);
        return status;
    }
    pushed->host = *host;
    *out = &pushed->base;
    return SOTTO_OK;
}

struct sotto_catalogue *pushed_take_catalogue(struct sotto_source *source)
{
    struct pushed *pushed = pushed_of(source);
    pushed->owns_catalogue = false;
    return pushed->catalogue;
}

void pushed_set_tell(struct sotto_source *source,
                     void (*tell)(void *context, const char *sql, const char *why), void *context)
{
    pushed_of(source)->host.tell = tell;
    pushed_of(source)->host.tell_context = context;
}
