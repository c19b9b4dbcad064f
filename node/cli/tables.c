/* SPDX-License-Identifier: Apache-2.0 */

/* Files and locations of the command line as sources, by the datasets of a plan. Leans on options.c
 * for how a file is read, and on the room source for databases. The one idea: whoever computes
 * with rows does not ask where they come from. */

#include "cli/tables.h"
#include "source/location.h"

#include <sotto/alloc.h>
#include <string.h>

void tables_release(struct tables *tables)
{
    for (size_t i = 0; i < tables->len; i++) {
        sotto_source_free(tables->sources[i]);
        sotto_survey_free(tables->surveys[i]);
        sotto_csv_close(tables->files[i]);
        source_rows_release(&tables->rows[i]);
    }
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
    tables.catalogues = sotto_alloc_zeroed((len + 1) * sizeof *tables.catalogues);
    tables.surveys = sotto_alloc_zeroed((len + 1) * sizeof *tables.surveys);
    tables.sources = sotto_alloc_zeroed((len + 1) * sizeof *tables.sources);
    enum sotto_status status = SOTTO_OK;
    if (tables.files == NULL || tables.paths == NULL || tables.rows == NULL ||
        tables.catalogues == NULL || tables.surveys == NULL || tables.sources == NULL) {
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

enum sotto_status source_read_planned(struct source_rows *out, const char *where,
                                      const struct sotto_plan *plan, size_t dataset, bool is_all,
                                      const struct args *args, struct sotto_error *err)
{
    size_t len = sotto_plan_columns_len(plan);
    const char **names = sotto_alloc_array(len + 1, sizeof *names);
    struct source_wanted wanted = {.where = where,
                                   .name = sotto_plan_dataset_alias(plan, dataset),
                                   .is_all = is_all || sotto_plan_is_framed(plan, dataset),
                                   .names = names};
    if (names == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < len; i++) {
        struct sotto_plan_column column = sotto_plan_column(plan, i);
        if (column.dataset == dataset) {
            names[wanted.names_len++] = column.name;
        }
    }
    enum sotto_status status = source_read(out, &wanted, args, err);
    sotto_free(names);
    return status;
}

static enum sotto_status read_source(struct tables *tables, size_t i, const struct sotto_plan *plan,
                                     bool is_all, const struct args *args, struct sotto_error *err)
{
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
