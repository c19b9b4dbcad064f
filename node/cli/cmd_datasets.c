/* SPDX-License-Identifier: Apache-2.0 */

/* What all nodes publish of their files. Leans on client.c. All texts are other organisations':
 * what can't be seen in them is written out. */

#include "cli/client.h"

#include <stdio.h>
#include <string.h>

#define NAME_WIDTH_MAX 24
#define TYPE_WIDTH 7 /* of the longest ones, decimal and float64 */

/* A list of texts with something between them; what does not fit is left out. */
static const char *reveal_list(char out[CLIENT_TEXT_BYTES], const json_t *object, const char *key,
                               const char *between)
{
    size_t i;
    json_t *text;
    size_t at = 0;
    out[0] = '\0';
    json_array_foreach(json_object_get(object, key), i, text)
    {
        char part[CLIENT_TEXT_BYTES];
        sotto_text_reveal(part, sizeof part, json_string_value(text), json_string_length(text));
        if (at + strlen(part) + strlen(between) + sizeof "..." > CLIENT_TEXT_BYTES) {
            (void)snprintf(out + at, CLIENT_TEXT_BYTES - at, "...");
            break;
        }
        at +=
            (size_t)snprintf(out + at, CLIENT_TEXT_BYTES - at, "%s%s", i > 0 ? between : "", part);
    }
    return out;
}

static void print_padded(const char *text, int width)
{
    int blanks = width - print_width(text);
    (void)printf("%s%*s", text, blanks > 0 ? blanks : 0, "");
}

/* Prints "  text" where there is one. */
static void print_part(const char *text)
{
    (void)printf("%s%s", text[0] != '\0' ? "  " : "", text);
}

static int measure_names(const json_t *columns)
{
    size_t i;
    json_t *column;
    int widest = 0;
    json_array_foreach(columns, i, column)
    {
        char text[CLIENT_TEXT_BYTES];
        int width = print_width(client_reveal(text, column, "name"));
        widest = width > widest ? width : widest;
    }
    return widest < NAME_WIDTH_MAX ? widest : NAME_WIDTH_MAX;
}

static void print_dataset(const char *node, const json_t *dataset)
{
    size_t i;
    json_t *column;
    char text[CLIENT_TEXT_BYTES];
    const json_t *columns = json_object_get(dataset, "columns");
    int width = measure_names(columns);
    json_int_t rows = json_integer_value(json_object_get(dataset, "rows"));
    (void)printf("%s  %s", node, client_reveal(text, dataset, "dataset"));
    if (rows > 0) {
        (void)printf("  at least %lld rows", (long long)rows);
    }
    print_part(client_reveal(text, dataset, "description"));
    (void)printf("\n");
    json_array_foreach(columns, i, column)
    {
        (void)printf("  ");
        print_padded(client_reveal(text, column, "name"), width);
        bool is_alone = json_object_size(column) <= 2; /* name and type */
        (void)printf("  %-*s", is_alone ? 0 : TYPE_WIDTH, client_reveal(text, column, "type"));
        print_part(client_reveal(text, column, "unit"));
        print_part(reveal_list(text, column, "range", " to "));
        print_part(reveal_list(text, column, "levels", ", "));
        print_part(client_reveal(text, column, "description"));
        (void)printf("\n");
    }
}

/* Prints what one node publishes, of the dataset of that name if it is not NULL. Returns: how many
 * datasets there were. */
static size_t print_node(const json_t *node, const char *wanted)
{
    size_t i;
    json_t *dataset;
    char name[CLIENT_TEXT_BYTES];
    char state[CLIENT_TEXT_BYTES];
    size_t printed = 0;
    const json_t *datasets = json_object_get(node, "datasets");
    json_int_t left_out = json_integer_value(json_object_get(node, "left_out"));
    bool has_answered = strcmp(client_reveal(state, node, "state"), "answered") == 0;
    (void)client_reveal(name, node, "name");
    json_array_foreach(datasets, i, dataset)
    {
        const char *file = json_string_value(json_object_get(dataset, "dataset"));
        if (wanted == NULL || (file != NULL && strcmp(file, wanted) == 0)) {
            print_dataset(name, dataset);
            printed++;
        }
    }
    if (!has_answered) {
        (void)printf("%s  %s\n", name,
                     strcmp(state, "away") == 0     ? "is not connected"
                     : strcmp(state, "silent") == 0 ? "has not answered in time"
                                                    : "says what can't be read");
    } else if (printed == 0) {
        (void)printf("%s  publishes nothing%s\n", name, wanted != NULL ? " of that name" : "");
    }
    if (left_out > 0) {
        (void)printf("%s  and %lld more, for which there was no room\n", name, (long long)left_out);
    }
    return printed;
}

int cmd_datasets(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    json_t *object = NULL;
    size_t printed = 0;
    size_t i;
    json_t *node;
    const char *wanted = args->positional_len > 0 ? args->positional[0] : NULL;
    if (args->positional_len > 1 || args->outputs_len > 0) {
        return command_usage("expected: sotto datasets [NAME]");
    }
    enum sotto_status status = client_init(&client, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = client_json(&client, &object, "/v1/datasets", NULL, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (args->json) {
        (void)printf("%.*s\n", (int)client.response.data_bytes, (const char *)client.response.data);
        goto out;
    }
    json_array_foreach(json_object_get(object, "nodes"), i, node)
    {
        printed += print_node(node, wanted);
    }
    if (wanted != NULL && printed == 0) {
        status = sotto_error_set(&err, SOTTO_ERROR_NOT_FOUND,
                                 "no node that answered publishes %s (policy.publish of its "
                                 "node.yaml); it may offer it all the same",
                                 wanted);
    }
out:
    json_decref(object);
    client_release(&client);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}
