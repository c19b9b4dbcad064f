/* SPDX-License-Identifier: Apache-2.0 */

/* Rows of a database as a dataset of this node. Leans on the room source, which reads them in a
 * process of its own, and on the engine's source of a table. The idea: a database has no file that
 * could be pinned, so a task has the rows that it first saw in memory, and nothing that happens to
 * the table reaches it; what all tasks hold so is bounded, and what the next task sees is for the
 * ledger to compare. */

#include "task/sourced.h"

#include "loop/log.h"
#include "source/digest.h"
#include "source/location.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define SOURCE_SILENCE_SECONDS 60
#define SOURCE_SECONDS_MAX 600
#define SOURCE_VAIN_SECONDS 1
#define REST_FACTOR 10 /* who kept this thread waiting is left alone for so many times as long */
#define RESTING_LEN 16

/* Of this process: tables of all tasks, and sources that were waited for in vain. */
static size_t held_bytes;
static struct {
    char file[256];
    uint64_t until_ms;
} resting[RESTING_LEN];
static size_t resting_at;

/* --- Sources that are waited for in vain --- */

/* Whoever may ask could else keep this thread, as the source fails again and again: whether it says
 * so itself or is given up. */
static void let_rest(const char *file, uint64_t took_ms)
{
    if (took_ms < SOURCE_VAIN_SECONDS * UINT64_C(1000)) {
        return;
    }
    (void)snprintf(resting[resting_at].file, sizeof resting[resting_at].file, "%s", file);
    resting[resting_at].until_ms = clock_ms() + REST_FACTOR * took_ms;
    resting_at = (resting_at + 1) % RESTING_LEN;
}

static enum sotto_status check_rested(const char *file, struct sotto_error *err)
{
    uint64_t now_ms = clock_ms();
    for (size_t i = 0; i < RESTING_LEN; i++) {
        if (strncmp(resting[i].file, file, sizeof resting[i].file - 1) == 0 &&
            now_ms < resting[i].until_ms) {
            return sotto_error_set(err, SOTTO_ERROR_TIMEOUT,
                                   "%s: it was waited for in vain before, and is asked again in "
                                   "%llu s, or after a reload",
                                   file,
                                   (unsigned long long)((resting[i].until_ms - now_ms) / 1000 + 1));
        }
    }
    return SOTTO_OK;
}

void sourced_wake(void)
{
    memset(resting, 0, sizeof resting);
}

/* --- Columns --- */

/* Which columns are read: those that policy lists, else all that it does not hide; and the key. */
static void add_names(struct source_request *request, const char **names,
                      const struct config *config, const char *file,
                      const struct config_columns *columns)
{
    const char *key = config_words_of(config, file)->key;
    for (unsigned i = 0; !request->is_all && i < columns->allow_count; i++) {
        if (config_shows(config, file, columns->allow[i])) {
            names[request->names_len++] = columns->allow[i];
        }
    }
    for (unsigned i = 0; request->is_all && i < columns->hide_count; i++) {
        if (key == NULL || strcmp(key, columns->hide[i]) != 0) {
            names[request->names_len++] = columns->hide[i];
        }
    }
}

static enum sotto_status choose_columns(struct source_request *request, const char ***out_names,
                                        const struct config *config, const char *file,
                                        struct sotto_error *err)
{
    const struct config_policy *policy = &config->file->policy;
    const char *key = config_words_of(config, file)->key;
    size_t len = 1;
    request->is_all = true;
    for (unsigned i = 0; i < policy->columns_count; i++) {
        const struct config_columns *columns = &policy->columns[i];
        if (strcmp(columns->dataset, file) == 0) {
            request->is_all = request->is_all && columns->allow == NULL;
            len += columns->allow_count + columns->hide_count;
        }
    }
    const char **names = sotto_alloc_array(len, sizeof *names);
    if (names == NULL) {
        return sotto_error_no_memory(err);
    }
    for (unsigned i = 0; i < policy->columns_count; i++) {
        const struct config_columns *columns = &policy->columns[i];
        if (strcmp(columns->dataset, file) == 0) {
            add_names(request, names, config, file, columns);
        }
    }
    if (!request->is_all && key != NULL) {
        names[request->names_len++] = key;
    }
    request->names = *out_names = names;
    return SOTTO_OK;
}

/* --- Reading --- */

static enum sotto_status ask_worker(struct dataset *dataset, const struct config *config,
                                    const char *file, const struct sotto_interrupt *interrupt,
                                    struct sotto_error *err)
{
    struct source_location location;
    struct file_options options = {0};
    const char **names = NULL;
    const char *wrong;
    const struct source_limits limits = {.bytes_max = config->sources_memory - held_bytes,
                                         .silence_s = SOURCE_SILENCE_SECONDS,
                                         .seconds_max = SOURCE_SECONDS_MAX,
                                         .interrupt = interrupt};
    uint64_t start_ms = clock_ms();
    enum sotto_status status = source_location_open(&location, config_source_of(config, file), err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(err, "%s", file);
    }
    status = choose_columns(&location.request, &names, config, file, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = file_options_init(&options, config_words_of(config, file), &wrong, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    location.request.types = options.csv.columns;
    location.request.types_len = options.csv.columns_len;
    status = source_rows_read(&dataset->rows, &location.request, &limits, file, err);
out:
    if (status != SOTTO_OK) {
        let_rest(file, clock_ms() - start_ms);
        source_location_hide(&location, err);
    }
    file_options_release(&options);
    sotto_free(names);
    source_location_release(&location);
    return status;
}

static enum sotto_status check_memory(const struct config *config, const char *file,
                                      struct sotto_error *err)
{
    return held_bytes < config->sources_memory
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "%s: rows of other tasks take the memory for sources: try again "
                                 "later",
                                 file);
}

/* What others learn of a failure is that the data can't be read, whatever a driver says it was. */
static enum sotto_status choose_class(enum sotto_status status)
{
    return status == SOTTO_ERROR_NO_MEMORY || status == SOTTO_ERROR_CANCELLED ? status
                                                                              : SOTTO_ERROR_INPUT;
}

enum sotto_status sourced_read(struct dataset *out, const struct config *config, const char *file,
                               bool has_digest, const struct sotto_interrupt *interrupt,
                               struct sotto_error *err)
{
    struct sotto_error why = {0};
    struct dataset dataset = {0};
    enum sotto_status status = check_memory(config, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_rested(file, &why);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = ask_worker(&dataset, config, file, interrupt, &why);
    if (status != SOTTO_OK) {
        goto out;
    }
    dataset.held_bytes = source_table_bytes(dataset.rows.table);
    held_bytes += dataset.held_bytes;
    status = sotto_table_catalogue(&dataset.catalogue, dataset.rows.table, &why);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (has_digest) {
        source_table_digest(&dataset.catalogue->identity, dataset.rows.table);
    }
    status =
        sotto_source_new_catalogued(&dataset.source, dataset.rows.table, dataset.catalogue, &why);
out:
    if (status != SOTTO_OK) {
        dataset_release(&dataset);
        return sotto_error_set(err, choose_class(status), "%s", why.text);
    }
    *out = dataset;
    return SOTTO_OK;
}

void sourced_release(struct dataset *dataset)
{
    held_bytes -= dataset->held_bytes;
    dataset->held_bytes = 0;
    source_rows_release(&dataset->rows);
}
