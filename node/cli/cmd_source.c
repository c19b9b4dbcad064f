/* SPDX-License-Identifier: Apache-2.0 */

/* Rows in databases, for commands: what the command line says of them, their description, and
 * the processes that the program starts itself: workers, and keepers in units. Leans on the rooms
 * source and cage for all else. */

#include "cage/cage.h"
#include "cli/print.h"
#include "cli/source.h"
#include "source/command.h"
#include "source/location.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sotto_status source_read(struct source_rows *out, const struct source_wanted *wanted,
                              const struct args *args, struct sotto_error *err)
{
    const struct source_limits limits = {.bytes_max = SOURCE_BYTES_MAX,
                                         .silence_s = SOURCE_SILENCE_SECONDS};
    const char *of_text = file_words_find_text(&args->words);
    struct source_location location = {0};
    struct file_options options = {0};
    if (of_text != NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "--%s is for files of text: a database says itself what its values "
                               "are; change them in a view, or say --type",
                               of_text);
    }
    enum sotto_status status = args_read_words(&options, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = source_location_init(&location, wanted->where, args->driver, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    location.request.names = wanted->names;
    location.request.names_len = wanted->is_all ? 0 : wanted->names_len;
    location.request.is_all = wanted->is_all;
    location.request.types = options.csv.columns;
    location.request.types_len = options.csv.columns_len;
    status = source_rows_read(out, &location.request, &limits, wanted->name, err);
    if (status != SOTTO_OK || wanted->is_all) {
        goto out;
    }
    status = source_rows_check(out, wanted->names, wanted->names_len, err);
    if (status != SOTTO_OK) {
        source_rows_release(out);
        (void)sotto_error_prefix(err, "%s", wanted->name);
    }
out:
    file_options_release(&options);
    source_location_release(&location);
    return status;
}

/* --- Description --- */

/* A column, and its values where there are some. */
struct described {
    struct sotto_parcel_column column;
    struct sotto_column values;
};

static struct described *describe_columns(const struct source_rows *rows, size_t len)
{
    struct described *out = sotto_alloc_array(len + 1, sizeof *out);
    for (size_t i = 0, at = 0; out != NULL && i < len; i++) {
        out[i].column = sotto_parcels_column(rows->parcels, i);
        if (out[i].column.hidden == NULL) {
            out[i].values = sotto_table_column(rows->table, at++);
        }
    }
    return out;
}

static int print_json(const struct described *columns, size_t len, const struct source_rows *rows)
{
    json_t *list = json_array();
    for (size_t i = 0; i < len; i++) {
        const struct sotto_column *values = &columns[i].values;
        const char *hidden = columns[i].column.hidden;
        json_t *column =
            hidden != NULL
                ? json_pack("{s:s, s:s}", "name", columns[i].column.name, "unreadable", hidden)
                : json_pack("{s:s, s:s, s:I}", "name", columns[i].column.name, "type",
                            sotto_kind_name(values->type.kind), "missing",
                            (json_int_t)values->null_count);
        if (hidden == NULL && values->type.kind == SOTTO_KIND_DECIMAL) {
            (void)json_object_set_new(column, "scale", json_integer(values->type.scale));
        }
        (void)json_array_append_new(list, column);
    }
    json_t *out =
        json_pack("{s:I, s:o}", "rows", (json_int_t)sotto_table_rows(rows->table), "columns", list);
    char *text = out != NULL ? json_dumps(out, JSON_INDENT(2)) : NULL;
    json_decref(out);
    if (text == NULL) {
        return command_usage("out of memory");
    }
    (void)puts(text);
    free(text); /* jansson's */
    return EXIT_DONE;
}

static void print_columns(const struct described *columns, size_t len,
                          const struct source_rows *rows)
{
    int width = (int)strlen("column");
    size_t count = sotto_table_rows(rows->table);
    for (size_t i = 0; i < len; i++) {
        int bytes = (int)strlen(columns[i].column.name);
        width = bytes > width ? bytes : width;
    }
    (void)printf("%zu row%s\n\n%-*s  %-21s  %12s\n", count, count == 1 ? "" : "s", width, "column",
                 "type", "missing");
    for (size_t i = 0; i < len; i++) {
        char name[SOTTO_CSV_NAME_BYTES_MAX + 1];
        char type[SOTTO_TYPE_TEXT_BYTES];
        const char *said = columns[i].column.name;
        sotto_text_reveal(name, sizeof name, said, strlen(said));
        if (columns[i].column.hidden != NULL) {
            (void)printf("%-*s  %s, which can't be read\n", width, name, columns[i].column.hidden);
            continue;
        }
        sotto_type_text(type, columns[i].values.type);
        (void)printf("%-*s  %-21s  %12zu\n", width, name, type, columns[i].values.null_count);
    }
}

int source_describe(const struct args *args)
{
    struct sotto_error err = {0};
    struct source_rows rows = {0};
    const struct source_wanted wanted = {
        .where = args->positional[0], .name = args->positional[0], .is_all = true};
    if (source_read(&rows, &wanted, args, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    size_t len = sotto_parcels_columns_len(rows.parcels);
    struct described *columns = describe_columns(&rows, len);
    int code = EXIT_DONE;
    if (columns == NULL) {
        code = command_usage("out of memory");
    } else if (args->json) {
        code = print_json(columns, len, &rows);
    } else {
        print_columns(columns, len, &rows);
    }
    sotto_free(columns);
    source_rows_release(&rows);
    return code;
}

/* --- The worker --- */

int cmd_source_worker(const struct args *args)
{
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto source-worker");
    }
    return source_work() ? EXIT_DONE : EXIT_FAILED;
}

int cmd_command_watch(const struct args *args)
{
    if (args->positional_len != 2 || args->outputs_len > 0 ||
        !command_watch(args->positional[0], args->positional[1])) {
        return command_usage("expected: sotto command-watch GROUP SECONDS");
    }
    return EXIT_DONE;
}

int cmd_keeper(const struct args *args)
{
    size_t len = args->positional_len;
    const char *kind = len > 0 ? args->positional[0] : "";
    if (strcmp(kind, "runner") == 0 && len <= 2 && args->outputs_len == 0) {
        return cage_keep(len == 2 ? args->positional[1] : SOTTO_LIBEXEC "/sotto-fence")
                   ? EXIT_DONE
                   : EXIT_FAILED;
    }
    if (strcmp(kind, "source") == 0 && len == 1 && args->outputs_len == 0) {
        return source_keep() ? EXIT_DONE : EXIT_FAILED;
    }
    return command_usage("expected: sotto keeper runner [FENCE], or sotto keeper source");
}
