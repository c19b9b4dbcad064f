/* SPDX-License-Identifier: Apache-2.0 */

/* A regression's coefficients as one table, a row for each, as people know them. Leans on print.c
 * for texts of labels. Six digits are shown; --json has all of them. */

#include "cli/print.h"

#include <jansson.h>
#include <sotto/status.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_COLUMNS 12

/* The fields of the table, and their heads. Of t and statistic there is one. */
static const char *const columns[][2] = {
    {"coefficients", "coef"},
    {"standard_errors", "std err"},
    {"t", "t"},
    {"statistic", "stat"},
    {"p", "p"},
    {"low", "low"},
    {"high", "high"},
};
#define COLUMNS_LEN (sizeof columns / sizeof columns[0])

static json_t *values_of(json_t *fields, size_t column)
{
    return json_object_get(json_object_get(fields, columns[column][0]), "values");
}

static void write_label(char out[64], json_t *label)
{
    print_level_text(out, 64, label);
    sotto_text_sanitize(out); /* a result may come from another node */
}

static void print_number(json_t *output)
{
    char text[64];
    json_t *value = json_object_get(output, "value");
    if (json_is_real(value)) {
        (void)printf(" %*.6g", NUMBER_COLUMNS - 1, json_real_value(value));
    } else {
        print_value_text(text, output);
        (void)printf(" %*s", NUMBER_COLUMNS - 1, text);
    }
}

/* A table of numbers without groups. */
static bool has_table(json_t *fields, json_t *labels)
{
    size_t len = json_array_size(labels);
    bool has = len > 0 && values_of(fields, 0) != NULL;
    for (size_t i = 0; i < COLUMNS_LEN; i++) {
        json_t *values = values_of(fields, i);
        has = has && (values == NULL || json_array_size(values) == len);
    }
    return has && json_is_object(json_array_get(values_of(fields, 0), 0));
}

bool print_fit(json_t *fields)
{
    size_t i;
    json_t *label;
    char text[64];
    int width = 0;
    json_t *axes = json_object_get(json_object_get(fields, columns[0][0]), "labels");
    json_t *labels = json_array_get(axes, 0);
    if (json_array_size(axes) != 1 || !has_table(fields, labels)) {
        return false;
    }
    json_array_foreach(labels, i, label)
    {
        write_label(text, label);
        width = (int)strlen(text) > width ? (int)strlen(text) : width;
    }
    (void)printf("  %-*s", width, "");
    for (size_t j = 0; j < COLUMNS_LEN; j++) {
        if (values_of(fields, j) != NULL) {
            (void)printf(" %*s", NUMBER_COLUMNS - 1, columns[j][1]);
        }
    }
    (void)printf("\n");
    json_array_foreach(labels, i, label)
    {
        write_label(text, label);
        (void)printf("  %-*s", width, text);
        for (size_t j = 0; j < COLUMNS_LEN; j++) {
            if (values_of(fields, j) != NULL) {
                print_number(json_array_get(values_of(fields, j), i));
            }
        }
        (void)printf("\n");
    }
    return true;
}
