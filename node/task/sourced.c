/* SPDX-License-Identifier: Apache-2.0 */

/* Rows of a database as a dataset of this node. Leans on the room source, which reads them in a
 * process of its own, and on the engine's source of a table. The idea: a database has no file that
 * could be pinned, so a task has the rows that it first saw in memory, and nothing that happens to
 * the table reaches it; what all tasks hold so is bounded, and what the next task sees is for the
 * ledger to compare. A slow database is read once for all tasks that come within a while. */

#include "task/sourced.h"

#include "loop/log.h"
#include "source/digest.h"
#include "source/location.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define SOURCE_VAIN_SECONDS 1
#define SOURCE_LONG_SECONDS 5
#define REST_FACTOR 10 /* who kept this thread waiting is left alone for so many times as long */
#define RESTING_LEN 16

/* Of this process: tables of all tasks, those that more tasks may share, and sources that were
 * waited for in vain. */
static size_t held_bytes;
static struct sourced *first_young;
static struct {
    char file[256];
    uint64_t until_ms;
} resting[RESTING_LEN];
static size_t resting_at;

/* --- Sources that are waited for in vain --- */

void sourced_rest(const char *file, uint64_t took_ms)
{
    if (took_ms < SOURCE_VAIN_SECONDS * UINT64_C(1000)) {
        return;
    }
    (void)snprintf(resting[resting_at].file, sizeof resting[resting_at].file, "%s", file);
    resting[resting_at].until_ms = clock_ms() + REST_FACTOR * took_ms;
    resting_at = (resting_at + 1) % RESTING_LEN;
}

enum sotto_status sourced_check_rested(const char *file, struct sotto_error *err)
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

/* --- Rows that tasks share --- */

/* Whoever may ask could else keep this thread, and take the memory, as a source answers slowly
 * again and again. */
static void let_share(struct sourced *sourced, uint64_t took_ms)
{
    if (took_ms < SOURCE_LONG_SECONDS * UINT64_C(1000)) {
        return;
    }
    sourced->old_ms = clock_ms() + REST_FACTOR * took_ms;
    sourced->holders++;
    sourced->next = first_young;
    first_young = sourced;
}

/* Returns: NULL where the rows have to be read. */
static struct sourced *find_young(const char *file)
{
    struct sourced *sourced = first_young;
    while (sourced != NULL && strcmp(sourced->file, file) != 0) {
        sourced = sourced->next;
    }
    return sourced;
}

static void drop(struct sourced *sourced)
{
    if (sourced == NULL || --sourced->holders > 0) {
        return;
    }
    held_bytes -= sourced->held_bytes;
    source_rows_release(&sourced->rows);
    sotto_free(sourced->file);
    sotto_free(sourced);
}

/* Shares no more what is old at now_ms, or only what no task has. Returns: whether there was any.
 */
static bool drop_young(uint64_t now_ms, bool unused_only)
{
    bool is_any = false;
    for (struct sourced **at = &first_young; *at != NULL;) {
        struct sourced *sourced = *at;
        if (sourced->old_ms > now_ms || (unused_only && sourced->holders > 1)) {
            at = &sourced->next;
            continue;
        }
        *at = sourced->next;
        drop(sourced);
        is_any = true;
    }
    return is_any;
}

void sourced_wake(void)
{
    memset(resting, 0, sizeof resting);
    (void)drop_young(UINT64_MAX, false);
}

uint64_t sourced_deadline(void)
{
    uint64_t deadline_ms = UINT64_MAX;
    for (const struct sourced *sourced = first_young; sourced != NULL; sourced = sourced->next) {
        deadline_ms = sourced->old_ms < deadline_ms ? sourced->old_ms : deadline_ms;
    }
    return deadline_ms;
}

void sourced_tick(void)
{
    (void)drop_young(clock_ms(), false);
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

enum sotto_status sourced_choose_columns(struct source_request *request, const char ***out_names,
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

static enum sotto_status ask_worker(struct source_rows *out, const struct config *config,
                                    const char *file, const struct sotto_interrupt *interrupt,
                                    struct sotto_error *err)
{
    struct source_location location;
    struct file_options options = {0};
    const char **names = NULL;
    const char *wrong;
    const struct source_limits limits = {.bytes_max = config->sources_memory - held_bytes,
                                         .silence_s = SOURCED_SILENCE_SECONDS,
                                         .seconds_max = SOURCED_SECONDS_MAX,
                                         .interrupt = interrupt};
    enum sotto_status status = source_location_open(&location, config_source_of(config, file), err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(err, "%s", file);
    }
    status = sourced_choose_columns(&location.request, &names, config, file, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = file_options_init(&options, config_words_of(config, file), &wrong, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    location.request.types = options.csv.columns;
    location.request.types_len = options.csv.columns_len;
    status = source_rows_read(out, &location.request, &limits, file, err);
out:
    if (status != SOTTO_OK) {
        source_location_hide(&location, err);
    }
    file_options_release(&options);
    sotto_free(names);
    source_location_release(&location);
    return status;
}

/* Rows that no task has give way to those of one that comes. */
static enum sotto_status find_memory(const struct config *config, const char *file,
                                     struct sotto_error *err)
{
    bool is_room = held_bytes < config->sources_memory ||
                   (drop_young(UINT64_MAX, true) && held_bytes < config->sources_memory);
    return is_room ? SOTTO_OK
                   : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                     "%s: rows of other tasks take the memory for sources: try "
                                     "again later",
                                     file);
}

/* Reads the rows anew. Ownership: *out is ended by drop. */
static enum sotto_status read_anew(struct sourced **out, const struct config *config,
                                   const char *file, const struct sotto_interrupt *interrupt,
                                   struct sotto_error *err)
{
    uint64_t start_ms = clock_ms();
    struct sourced *sourced = sotto_alloc_zeroed(sizeof *sourced);
    char *name = sotto_text_copy(file, strlen(file));
    enum sotto_status status =
        sourced != NULL && name != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = ask_worker(&sourced->rows, config, file, interrupt, err);
    if (status == SOTTO_ERROR_LIMIT && drop_young(UINT64_MAX, true)) {
        status = ask_worker(&sourced->rows, config, file, interrupt, err);
    }
    if (status != SOTTO_OK) {
        sourced_rest(file, clock_ms() - start_ms);
        goto out;
    }
    sourced->file = name;
    sourced->held_bytes = source_table_bytes(sourced->rows.table);
    sourced->holders = 1;
    held_bytes += sourced->held_bytes;
    let_share(sourced, clock_ms() - start_ms);
    *out = sourced;
    sourced = NULL;
    name = NULL;
out:
    sotto_free(name);
    sotto_free(sourced);
    return status;
}

/* What others learn of a failure is that the data can't be read, whatever a driver says it was. */
static enum sotto_status choose_class(enum sotto_status status)
{
    return status == SOTTO_ERROR_NO_MEMORY || status == SOTTO_ERROR_CANCELLED ? status
                                                                              : SOTTO_ERROR_INPUT;
}

enum sotto_status sourced_answer_class(enum sotto_status status)
{
    return status == SOTTO_ERROR_CHANGED || status == SOTTO_ERROR_REFUSED ? status
                                                                          : choose_class(status);
}

/* Rows that are young, or else anew. Ownership: *out is ended by drop. */
static enum sotto_status find_rows(struct sourced **out, const struct config *config,
                                   const char *file, const struct sotto_interrupt *interrupt,
                                   struct sotto_error *err)
{
    struct sotto_error why = {0};
    sourced_tick();
    *out = find_young(file);
    if (*out != NULL) {
        (*out)->holders++;
        return SOTTO_OK;
    }
    enum sotto_status status = find_memory(config, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sourced_check_rested(file, &why);
    if (status == SOTTO_OK) {
        status = read_anew(out, config, file, interrupt, &why);
    }
    return status == SOTTO_OK ? SOTTO_OK
                              : sotto_error_set(err, choose_class(status), "%s", why.text);
}

enum sotto_status sourced_read(struct dataset *out, const struct config *config, const char *file,
                               bool has_digest, const struct sotto_interrupt *interrupt,
                               struct sotto_error *err)
{
    struct sotto_error why = {0};
    struct dataset dataset = {0};
    enum sotto_status status = find_rows(&dataset.sourced, config, file, interrupt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    const struct sotto_table *table = dataset.sourced->rows.table;
    status = sotto_table_catalogue(&dataset.catalogue, table, &why);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (has_digest) {
        source_table_digest(&dataset.catalogue->identity, table);
    }
    status = sotto_source_new_catalogued(&dataset.source, table, dataset.catalogue, &why);
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
    drop(dataset->sourced);
    dataset->sourced = NULL;
}
