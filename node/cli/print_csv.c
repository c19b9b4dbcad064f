/* SPDX-License-Identifier: Apache-2.0 */

/* A result as CSV: a line for each value, with the columns output, the keys of group_by, row and
 * column (labels of series and frames, fields of regressions), value, exact. */

#include "cli/print.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* What stands before the values of a line. */
struct place {
    const char *output;
    json_t *group; /* labels of the keys, or NULL */
    size_t keys_len;
};

static void print_cell(const char *text, bool is_last)
{
    bool quoted = strpbrk(text, ",\"\r\n") != NULL || text[0] == ' ';
    if (quoted) {
        (void)putchar('"');
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"') {
            (void)putchar('"');
        }
        (void)putchar(*at);
    }
    (void)fputs(quoted ? "\"" : "", stdout);
    (void)putchar(is_last ? '\n' : ',');
}

static void print_label(json_t *label)
{
    char text[1024] = "";
    if (label != NULL) {
        print_level_text(text, sizeof text, label);
    }
    print_cell(text, false);
}

static void print_line(const struct place *place, json_t *row, json_t *column, json_t *value)
{
    char text[64];
    const char *exact = json_string_value(json_object_get(value, "exact"));
    print_value_text(text, value, 0);
    print_cell(place->output, false);
    for (size_t i = 0; i < place->keys_len; i++) {
        print_label(json_array_get(place->group, i));
    }
    print_label(row);
    print_label(column);
    print_cell(text, false);
    print_cell(exact != NULL ? exact : "", true);
}

/* Prints one group's values, which have no axis, one or two. */
static void print_values(const struct place *place, json_t *values, json_t *axes)
{
    size_t i;
    size_t j;
    json_t *row;
    json_t *value;
    if (json_array_size(axes) == 0) {
        print_line(place, NULL, NULL, values);
        return;
    }
    json_array_foreach(values, i, row)
    {
        json_t *label = json_array_get(json_array_get(axes, 0), i);
        if (json_array_size(axes) == 1) {
            print_line(place, label, NULL, row);
            continue;
        }
        json_array_foreach(row, j, value)
        {
            print_line(place, label, json_array_get(json_array_get(axes, 1), j), value);
        }
    }
}

static void print_output(const char *name, json_t *output, json_t *groups)
{
    size_t i;
    json_t *label;
    json_t *axes = json_object_get(output, "labels");
    json_t *values = json_object_get(output, "values");
    struct place place = {.output = name,
                          .keys_len = json_array_size(json_object_get(groups, "keys"))};
    if (groups == NULL) {
        print_values(&place, values != NULL ? values : output, axes);
        return;
    }
    json_array_foreach(json_object_get(groups, "labels"), i, label)
    {
        place.group = label;
        print_values(&place, json_array_get(values, i), axes);
    }
}

void print_csv(json_t *result)
{
    size_t i;
    const char *name;
    json_t *output;
    json_t *key;
    json_t *groups = json_object_get(result, "groups");
    print_cell("output", false);
    json_array_foreach(json_object_get(groups, "keys"), i, key)
    {
        print_label(key);
    }
    (void)puts("row,column,value,exact");
    json_object_foreach(json_object_get(result, "outputs"), name, output)
    {
        json_t *fields = json_object_get(output, "fields");
        const char *field;
        json_t *of_field;
        if (fields == NULL) {
            print_output(name, output, groups);
            continue;
        }
        json_object_foreach(fields, field, of_field)
        {
            char text[512];
            (void)snprintf(text, sizeof text, "%.400s.%.100s", name, field);
            print_output(text, of_field, groups);
        }
    }
}
