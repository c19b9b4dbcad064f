/* SPDX-License-Identifier: Apache-2.0 */

/* Rows in databases, or in parts, that a node offers, for its owner: which there are, and whether
 * they can be read. Leans on task/datasets.c, which reads them as for a task. The idea: whoever
 * tries a source sees what tasks would see, and what they would not and why; but no value. */

#include "cli/print.h"
#include "config/config.h"
#include "task/sourced.h"
#include "task/worked.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_object(json_t *object)
{
    char *text = object != NULL ? json_dumps(object, JSON_INDENT(2)) : NULL;
    json_decref(object);
    if (text == NULL) {
        return command_usage("out of memory");
    }
    (void)puts(text);
    free(text); /* jansson's */
    return EXIT_DONE;
}

/* --- Which there are --- */

static json_t *describe_place(const char *file, const struct source_words *words,
                              const char *workers)
{
    if (workers != NULL) {
        return json_pack("{s:s, s:s}", "dataset", file, "workers", workers);
    }
    return json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*}", "dataset", file, "adbc", words->adbc,
                     "uri", words->uri, "uri_file", words->uri_file, "table", words->table, "query",
                     words->query);
}

static void print_place(const char *file, const struct source_words *words, const char *workers)
{
    if (workers != NULL) {
        (void)printf("%s: in parts, by %s\n", file, workers);
        return;
    }
    const char *rows = words->table != NULL ? words->table : "";
    rows = words->query != NULL ? words->query : rows;
    (void)printf("%s: %s%s%s%s%s\n", file, rows, rows[0] != '\0' ? " of " : "",
                 words->uri != NULL ? words->uri : words->uri_file,
                 words->adbc != NULL ? ", by " : "", words->adbc != NULL ? words->adbc : "");
}

static int list_sources(const struct config *config, bool is_json)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < config->file->files_count; i++) {
        const struct file_words *words = &config->file->files[i];
        if (words->source == NULL && words->workers == NULL) {
            continue;
        }
        if (is_json) {
            (void)json_array_append_new(list,
                                        describe_place(words->file, words->source, words->workers));
        } else {
            print_place(words->file, words->source, words->workers);
        }
    }
    if (is_json) {
        return print_object(json_pack("{s:o}", "sources", list));
    }
    json_decref(list);
    return EXIT_DONE;
}

/* --- One of them --- */

/* What tasks may do with a column that was read. */
static const char *name_use(const struct sotto_catalogue_column *column)
{
    if (column->is_key) {
        return column->hidden ? "the key, hidden by policy" : "the key";
    }
    return column->hidden ? "hidden by policy" : "";
}

static json_t *describe_column(const struct sotto_catalogue_column *column)
{
    char type[SOTTO_TYPE_TEXT_BYTES];
    sotto_type_text(type, column->type);
    return json_pack("{s:s, s:s, s:s}", "name", column->name, "type", type, "use",
                     name_use(column));
}

/* Of a column that was not read: policy hides it, or it has no type here. */
static json_t *describe_unread(const struct sotto_parcel_column *column)
{
    bool is_hidden = column->hidden[0] == '\0';
    return json_pack("{s:s, s:s, s:s}", "name", column->name, "type",
                     is_hidden ? "" : column->hidden, "use",
                     is_hidden ? "hidden by policy, not read" : "can't be read");
}

/* All columns, in the order of the database. */
static json_t *describe_columns(const struct dataset *dataset)
{
    json_t *list = json_array();
    size_t at = 0;
    for (size_t i = 0; dataset->sourced == NULL && i < dataset->catalogue->columns_len; i++) {
        (void)json_array_append_new(list, describe_column(&dataset->catalogue->columns[i]));
    }
    const struct sourced *sourced = dataset->sourced;
    size_t len = sourced != NULL ? sotto_parcels_columns_len(sourced->rows.parcels) : 0;
    for (size_t i = 0; i < len; i++) {
        struct sotto_parcel_column column = sotto_parcels_column(sourced->rows.parcels, i);
        (void)json_array_append_new(
            list, column.hidden != NULL ? describe_unread(&column)
                                        : describe_column(&dataset->catalogue->columns[at++]));
    }
    return list;
}

static void print_columns(const json_t *columns)
{
    size_t i;
    json_t *column;
    int width = (int)strlen("column");
    json_array_foreach(columns, i, column)
    {
        int bytes = (int)json_string_length(json_object_get(column, "name"));
        width = bytes > width ? bytes : width;
    }
    (void)printf("\n%-*s  %-21s  %s\n", width, "column", "type", "tasks");
    json_array_foreach(columns, i, column)
    {
        char name[SOTTO_CSV_NAME_BYTES_MAX + 1];
        const json_t *said = json_object_get(column, "name");
        const char *use = json_string_value(json_object_get(column, "use"));
        sotto_text_reveal(name, sizeof name, json_string_value(said), json_string_length(said));
        (void)printf("%-*s  %-21s  %s\n", width, name,
                     json_string_value(json_object_get(column, "type")),
                     use[0] != '\0' ? use : "may name it");
    }
}

static int try_source(const struct config *config, const char *file, bool is_json)
{
    struct sotto_error err = {0};
    struct dataset dataset = {0};
    if (config_source_of(config, file) == NULL && worked_program(config, file) == NULL) {
        (void)fprintf(stderr, "sotto: %s: node.yaml has no such dataset with source or workers\n",
                      file);
        return EXIT_FAILED;
    }
    if (dataset_open(&dataset, config, NULL, file, false, NULL, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    json_int_t rows = (json_int_t)dataset.catalogue->rows;
    json_t *columns = describe_columns(&dataset);
    dataset_release(&dataset);
    if (is_json) {
        return print_object(
            json_pack("{s:s, s:I, s:o}", "dataset", file, "rows", rows, "columns", columns));
    }
    (void)printf("%s: %lld row%s\n", file, (long long)rows, rows == 1 ? "" : "s");
    print_columns(columns);
    json_decref(columns);
    return EXIT_DONE;
}

int cmd_sources(const struct args *args)
{
    struct sotto_error err = {0};
    struct config config = {0};
    if (args->positional_len > 1) {
        return command_usage("expected: sotto sources [NAME]");
    }
    if (config_load(&config, args->config != NULL ? args->config : "node.yaml", &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    int code = args->positional_len == 1 ? try_source(&config, args->positional[0], args->json)
                                         : list_sources(&config, args->json);
    config_release(&config);
    return code;
}
