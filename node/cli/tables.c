/* SPDX-License-Identifier: Apache-2.0 */

/* Files and locations of the command line as sources, by the datasets of a plan. Leans on options.c
 * for how a file is read, and on the room source for databases. The one idea: whoever computes
 * with rows does not ask where they come from. */

#include "cli/tables.h"
#include "source/pushed.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

void tables_release(struct tables *tables)
{
    for (size_t i = 0; i < tables->len; i++) {
        sotto_source_free(tables->sources[i]);
        sotto_survey_free(tables->surveys[i]);
        sotto_csv_close(tables->files[i]);
        source_rows_release(&tables->rows[i]);
        source_location_release(&tables->places[i].location);
        sotto_free(tables->places[i].names);
    }
    sotto_free(tables->places);
    sotto_free(tables->files);
    sotto_free(tables->paths);
    sotto_free(tables->rows);
    sotto_free(tables->surveys);
    sotto_free(tables->sources);
    sotto_free(tables->catalogues);
}

enum sotto_status tables_open(struct tables *out, const struct sotto_plan *plan,
                              const struct data_options *data, const struct args *args,
                              struct sotto_error *err)
{
    size_t len = sotto_plan_datasets_len(plan);
    struct tables tables = {0};
    tables.files = sotto_alloc_zeroed((len + 1) * sizeof *tables.files);
    tables.paths = sotto_alloc_zeroed((len + 1) * sizeof *tables.paths);
    tables.rows = sotto_alloc_zeroed((len + 1) * sizeof *tables.rows);
    tables.places = sotto_alloc_zeroed((len + 1) * sizeof *tables.places);
    tables.catalogues = sotto_alloc_zeroed((len + 1) * sizeof *tables.catalogues);
    tables.surveys = sotto_alloc_zeroed((len + 1) * sizeof *tables.surveys);
    tables.sources = sotto_alloc_zeroed((len + 1) * sizeof *tables.sources);
    enum sotto_status status = SOTTO_OK;
    if (tables.files == NULL || tables.paths == NULL || tables.rows == NULL ||
        tables.places == NULL || tables.catalogues == NULL || tables.surveys == NULL ||
        tables.sources == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    tables.len = len;
    for (size_t i = 0; i < len; i++) {
        const char *alias = sotto_plan_dataset_alias(plan, i);
        size_t at = 0;
        while (at + 1 < data->len && strcmp(data->aliases[at], alias) != 0) {
            at++;
        }
        tables.paths[i] = data->paths[at];
        status = source_is_location(data->paths[at])
                     ? SOTTO_OK /* its rows come when the plan's columns are asked for */
                     : args_open_file(&tables.files[i], data->paths[at], args, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    *out = tables;
    tables = (struct tables){0};
out:
    tables_release(&tables);
    return status;
}

/* The names of the columns of a dataset that a plan reads. Returns: NULL without memory. */
static const char **list_names(size_t *out_len, const struct sotto_plan *plan, size_t dataset)
{
    size_t len = sotto_plan_columns_len(plan);
    const char **names = sotto_alloc_array(len + 1, sizeof *names);
    *out_len = 0;
    for (size_t i = 0; names != NULL && i < len; i++) {
        struct sotto_plan_column column = sotto_plan_column(plan, i);
        if (column.dataset == dataset) {
            names[(*out_len)++] = column.name;
        }
    }
    return names;
}

/* --- Rows that stay where they are --- */

static void tell_round(void *context, const char *sql, const char *why)
{
    const struct source_place *place = context;
    (void)fprintf(stderr, "%s: %s: %s\n", place->alias,
                  sql != NULL ? "a round is summed up by the database"
                              : "rows are read for a round",
                  sql != NULL ? sql : why);
}

/* Has the database sum up what it can. Whatever is in the way of that, rows can still be read.
 * Returns: whether it does. */
static bool push(struct tables *tables, size_t i, const struct sotto_plan *plan,
                 const struct args *args)
{
    const struct source_limits limits = {.bytes_max = SOURCE_BYTES_MAX,
                                         .silence_s = SOURCE_SILENCE_SECONDS};
    struct source_place *place = &tables->places[i];
    struct sotto_error err = {0};
    bool has_rules = args->policy != NULL && strcmp(args->policy, "open") != 0;
    if (has_rules || args->words.types_count > 0 || file_words_find_text(&args->words) != NULL ||
        sotto_plan_is_framed(plan, i)) {
        return false;
    }
    place->alias = sotto_plan_dataset_alias(plan, i);
    place->names = list_names(&place->location.request.names_len, plan, i);
    size_t names_len = place->location.request.names_len;
    if (place->names == NULL ||
        source_location_init(&place->location, tables->paths[i], args->driver, &err) != SOTTO_OK) {
        return false;
    }
    place->location.request.names = place->names;
    place->location.request.names_len = names_len;
    const struct pushed_host host = {.tell = args->log ? tell_round : NULL,
                                     .tell_context = place,
                                     .reads_again = sotto_plan_rounds(plan) > 1};
    enum sotto_status status = pushed_new(&tables->sources[i], &place->location.request, &limits,
                                          place->alias, &host, &err);
    if (status != SOTTO_OK && args->log) {
        tell_round(place, NULL, err.text);
    }
    return status == SOTTO_OK;
}

enum sotto_status source_read_planned(struct source_rows *out, const char *where,
                                      const struct sotto_plan *plan, size_t dataset, bool is_all,
                                      const struct args *args, struct sotto_error *err)
{
    size_t len;
    const char **names = list_names(&len, plan, dataset);
    struct source_wanted wanted = {.where = where,
                                   .name = sotto_plan_dataset_alias(plan, dataset),
                                   .is_all = is_all || sotto_plan_is_framed(plan, dataset),
                                   .names = names,
                                   .names_len = len};
    if (names == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = source_read(out, &wanted, args, err);
    sotto_free(names);
    return status;
}

static enum sotto_status read_source(struct tables *tables, size_t i, const struct sotto_plan *plan,
                                     bool is_all, const struct args *args, struct sotto_error *err)
{
    if (!is_all && push(tables, i, plan, args)) {
        return SOTTO_OK;
    }
    enum sotto_status status =
        source_read_planned(&tables->rows[i], tables->paths[i], plan, i, is_all, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_source_new_table(&tables->sources[i], tables->rows[i].table, err);
}

static enum sotto_status survey_file(struct tables *tables, size_t i, const struct sotto_plan *plan,
                                     struct sotto_error *err)
{
    enum sotto_status status = sotto_survey_new(&tables->surveys[i], plan, tables->files[i], err);
    if (status != SOTTO_OK) {
        return status;
    }
    tables->catalogues[i] = sotto_survey_catalogue(tables->surveys[i]);
    status =
        sotto_source_new_file(&tables->sources[i], tables->files[i], tables->catalogues[i], err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_plan_rounds(plan) > 1
               ? sotto_source_new_kept(&tables->sources[i], tables->sources[i],
                                       SOTTO_KEPT_BYTES_DEFAULT, err)
               : SOTTO_OK;
}

enum sotto_status tables_survey(struct tables *tables, const struct sotto_plan *plan,
                                const struct args *args, struct sotto_error *err)
{
    for (size_t i = 0; i < tables->len; i++) {
        enum sotto_status status = tables->files[i] != NULL
                                       ? survey_file(tables, i, plan, err)
                                       : read_source(tables, i, plan, false, args, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

enum sotto_status tables_catalogue(struct tables *tables, const struct sotto_plan *plan,
                                   bool is_all, const struct args *args, struct sotto_error *err)
{
    for (size_t i = 0; i < tables->len; i++) {
        enum sotto_status status =
            tables->files[i] != NULL
                ? sotto_source_new_file(&tables->sources[i], tables->files[i], NULL, err)
                : read_source(tables, i, plan, is_all, args, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}
