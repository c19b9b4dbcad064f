/* SPDX-License-Identifier: Apache-2.0 */

/* One reading of a source, by all workers, into a contribution. It leans on the source's scan,
 * which hands out typed blocks, and on the room rows, which computes them. The one idea: a block is
 * summed up and counted while it is there, so that partial and evidence are of the same rows. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>
#include <string.h>

/* The columns of one dataset that a round reads, and what each worker needs. */
struct source_reading {
    const struct sotto_contribution *contribution;
    const struct sotto_driver *driver;
    size_t dataset;
    struct sotto_csv_wanted *wanted;
    size_t *columns; /* of the expansion; SOTTO_NONE: only a watch wants it */
    size_t wanted_len;
    size_t *watched; /* [sotto__watch_column]: which of the wanted ones it is */
    size_t watched_len;
    size_t key; /* likewise, of the key; SOTTO_NONE */
    struct sotto__watcher *watchers;
    struct sotto__worker *workers;
    size_t workers_len;
    size_t workers_max;
    const struct sotto_column **blocks; /* [worker * columns_len + i]: the expansion's column i */
    size_t columns_len;
};

static void reading_release(struct source_reading *reading)
{
    for (size_t i = 0; i < reading->workers_len; i++) {
        sotto__worker_release(&reading->workers[i]);
    }
    for (size_t i = 0; reading->watchers != NULL && i < reading->workers_max; i++) {
        sotto__watcher_release(&reading->watchers[i]);
    }
    sotto_free(reading->watchers);
    sotto_free(reading->watched);
    sotto_free(reading->workers);
    sotto_free(reading->blocks);
    sotto_free(reading->wanted);
    sotto_free(reading->columns);
}

/* --- Which columns --- */

/* Finds the dataset's column of a name, and whether it can be read as a type. */
static enum sotto_status find_column(const struct source_reading *reading, size_t *out,
                                     const struct sotto_catalogue *catalogue, const char *name,
                                     struct sotto_type type, struct sotto_error *err)
{
    const char *alias = reading->driver->plan->datasets[reading->dataset].alias;
    size_t found = sotto_catalogue_find(catalogue, name);
    for (size_t i = 0; found == SOTTO_NONE && i < catalogue->columns_len; i++) {
        const struct sotto_catalogue_column *column = &catalogue->columns[i];
        found = column->is_key && strcmp(column->name, name) == 0 ? i : SOTTO_NONE;
    }
    if (found == SOTTO_NONE) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "dataset \"%s\" has no column \"%s\"",
                               alias, name);
    }
    struct sotto_type joined;
    struct sotto_type own = catalogue->columns[found].type;
    if (!sotto_type_agree(&joined, own, type) || joined.kind != type.kind ||
        joined.scale != type.scale) {
        return sotto_error_set(err, SOTTO_ERROR_TYPE, "column %s.%s is %s, but %s was agreed on",
                               alias, name, sotto_kind_name(own.kind), sotto_kind_name(type.kind));
    }
    *out = found;
    return SOTTO_OK;
}

/* Column i of the expansion, which the round reads of this dataset. */
static enum sotto_status want_column(struct source_reading *reading, size_t i,
                                     const struct sotto_catalogue *catalogue,
                                     struct sotto_error *err)
{
    const struct sotto__column *column = &reading->driver->expansion.columns[i];
    size_t found = SOTTO_NONE;
    enum sotto_status status =
        find_column(reading, &found, catalogue, column->name, column->type, err);
    if (status != SOTTO_OK) {
        return status;
    }
    reading->columns[reading->wanted_len] = i;
    reading->wanted[reading->wanted_len++] =
        (struct sotto_csv_wanted){.column = found, .type = column->type};
    return SOTTO_OK;
}

static enum sotto_status find_columns(struct source_reading *reading,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    const struct sotto_driver *driver = reading->driver;
    size_t wanted_max = reading->columns_len + reading->watched_len + 1;
    reading->wanted = sotto_alloc_array(wanted_max, sizeof *reading->wanted);
    reading->columns = sotto_alloc_array(wanted_max, sizeof *reading->columns);
    if (reading->wanted == NULL || reading->columns == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < reading->columns_len; i++) {
        if (driver->expansion.columns[i].dataset != reading->dataset ||
            !sotto__program_reads(driver->program, i)) {
            continue;
        }
        enum sotto_status status = want_column(reading, i, catalogue, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Finds a column that a watch reads among those that are wanted as this type, or wants it too: a
 * key is the file's own, whatever type others made all read it as. Who makes a part has a watch
 * that was prepared by the catalogue of all parts. */
static enum sotto_status want_watched(struct source_reading *reading, size_t *out,
                                      const struct sotto_catalogue *catalogue, const char *name,
                                      struct sotto_type type, struct sotto_error *err)
{
    size_t found = SOTTO_NONE;
    size_t at = 0;
    enum sotto_status status = find_column(reading, &found, catalogue, name, type, err);
    if (status != SOTTO_OK) {
        return status;
    }
    while (at < reading->wanted_len &&
           (reading->wanted[at].column != found || reading->wanted[at].type.kind != type.kind ||
            reading->wanted[at].type.scale != type.scale)) {
        at++;
    }
    if (at == reading->wanted_len) {
        reading->columns[at] = SOTTO_NONE;
        reading->wanted[at] = (struct sotto_csv_wanted){.column = found, .type = type};
        reading->wanted_len++;
    }
    *out = at;
    return SOTTO_OK;
}

/* The columns that a watch reads, and the key. */
static enum sotto_status find_watched(struct source_reading *reading,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    const struct sotto_watch *watch = reading->contribution->watch;
    reading->watched = sotto_alloc_array(reading->watched_len, sizeof *reading->watched);
    if (reading->watched == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < reading->watched_len; i++) {
        const struct sotto__column *column = sotto__watch_column(watch, reading->dataset, i);
        enum sotto_status status =
            want_watched(reading, &reading->watched[i], catalogue, column->name, column->type, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    const struct sotto_catalogue_column *key =
        watch != NULL ? sotto__watch_key(watch, reading->dataset) : NULL;
    return key != NULL ? want_watched(reading, &reading->key, catalogue, key->name, key->type, err)
                       : SOTTO_OK;
}

/* --- Reading --- */

static enum sotto_status start_watchers(struct source_reading *reading, size_t workers_len,
                                        struct sotto_error *err)
{
    struct sotto_watch *watch = reading->contribution->watch;
    reading->watchers = sotto_alloc_array(workers_len, sizeof *reading->watchers);
    if (reading->watchers == NULL) {
        return sotto_error_no_memory(err);
    }
    reading->workers_max = workers_len;
    for (size_t i = 0; i < workers_len; i++) {
        if (sotto__watcher_init(&reading->watchers[i], watch, reading->dataset, i) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
    }
    return sotto__watch_begin(watch, reading->dataset, workers_len, err);
}

static enum sotto_status start_workers(struct source_reading *reading, size_t workers_len,
                                       struct sotto_error *err)
{
    const struct sotto_contribution *contribution = reading->contribution;
    reading->workers = sotto_alloc_array(workers_len, sizeof *reading->workers);
    reading->blocks =
        sotto_alloc_array(workers_len * reading->columns_len, sizeof *reading->blocks);
    if (reading->workers == NULL || reading->blocks == NULL) {
        return sotto_error_no_memory(err);
    }
    for (; reading->workers_len < workers_len; reading->workers_len++) {
        const struct sotto_judge *judge = contribution->judge;
        enum sotto_status status = sotto__worker_init(
            &reading->workers[reading->workers_len], reading->driver->program,
            reading->watchers != NULL ? &reading->watchers[reading->workers_len] : NULL,
            judge != NULL ? &contribution->inquiry : NULL, judge != NULL ? judge->min_rows : 0);
        if (status != SOTTO_OK) {
            return sotto__evidence_fail(status, err);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status take_block(void *context, size_t index, uint64_t first_row,
                                    const struct sotto_column *columns, size_t columns_len,
                                    size_t rows, struct sotto_error *err)
{
    (void)first_row;
    struct source_reading *reading = context;
    struct sotto__worker *worker = &reading->workers[index];
    const struct sotto_column **blocks = reading->blocks + index * reading->columns_len;
    for (size_t i = 0; i < columns_len; i++) {
        if (reading->columns[i] != SOTTO_NONE) {
            blocks[reading->columns[i]] = &columns[i];
        }
    }
    if (worker->watcher == NULL) {
        sotto__rows_take(&worker->rows, reading->dataset, blocks, rows);
        return SOTTO_OK;
    }
    for (size_t i = 0; i < reading->watched_len; i++) {
        worker->watcher->blocks[i] = &columns[reading->watched[i]];
    }
    worker->watcher->key_block = reading->key != SOTTO_NONE ? &columns[reading->key] : NULL;
    enum sotto_status status = sotto__watcher_take_block(worker->watcher, rows, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__rows_take(&worker->rows, reading->dataset, blocks, rows);
    return worker->watcher->status == SOTTO_OK
               ? SOTTO_OK
               : sotto_error_set(err, worker->watcher->status, "%s", worker->watcher->err.text);
}

/* Sums are exact: the order of workers does not matter. */
static void add_workers(struct sotto_contribution *in_out, const struct source_reading *reading)
{
    for (size_t i = 0; i < reading->workers_len; i++) {
        struct sotto__worker *worker = &reading->workers[i];
        sotto__sums_add_to(&worker->sums, in_out->limbs);
        if (worker->evidence.inquiry != NULL) {
            sotto__evidence_take_bins(&worker->evidence, &worker->sums);
            sotto__evidence_merge(&in_out->evidence, &worker->evidence);
        }
    }
}

static enum sotto_status scan_source(struct source_reading *reading, struct sotto_source *source,
                                     struct sotto_error *err)
{
    const struct sotto_source_scan scan = {.wanted = reading->wanted,
                                           .wanted_len = reading->wanted_len,
                                           .sink = take_block,
                                           .context = reading,
                                           .interrupt = reading->driver->interrupt};
    size_t workers_len = source->ops->workers(source);
    if (reading->contribution->watch != NULL) {
        enum sotto_status status = start_watchers(reading, workers_len, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    enum sotto_status status = start_workers(reading, workers_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return source->ops->scan(source, &scan, err);
}

enum sotto_status sotto__source_read(struct sotto_contribution *in_out, struct sotto_source *source,
                                     size_t dataset, struct sotto_error *err)
{
    const struct sotto_driver *driver = in_out->driver;
    const struct sotto_catalogue *catalogue = NULL;
    struct source_reading reading = {.contribution = in_out,
                                     .driver = driver,
                                     .dataset = dataset,
                                     .key = SOTTO_NONE,
                                     .columns_len = driver->expansion.columns_len};
    enum sotto_status status = source->ops->describe(source, &catalogue, NULL, 0, err);
    if (status != SOTTO_OK) {
        return status;
    }
    while (in_out->watch != NULL &&
           sotto__watch_column(in_out->watch, dataset, reading.watched_len) != NULL) {
        reading.watched_len++;
    }
    status = find_columns(&reading, catalogue, err);
    if (status != SOTTO_OK || reading.wanted_len == 0) {
        goto out;
    }
    status = find_watched(&reading, catalogue, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (catalogue->rows != SOTTO_ROWS_UNKNOWN && catalogue->rows > SOTTO_ROWS_MAX) {
        status = sotto_error_set(err, SOTTO_ERROR_LIMIT, "dataset \"%s\" has more than 2^60 rows",
                                 driver->plan->datasets[dataset].alias);
        goto out;
    }
    status = scan_source(&reading, source, err);
    if (status == SOTTO_OK) {
        add_workers(in_out, &reading);
    }
out:
    reading_release(&reading);
    return status;
}
