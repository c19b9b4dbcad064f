/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shortest text that reads back as the same double. */
static void format_double(char out[40], double value)
{
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(out, 40, "%.*g", digits, value);
        if (strtod(out, NULL) == value) {
            return;
        }
    }
}

static void format_value(char out[64], json_t *output)
{
    json_t *value = json_object_get(output, "value");
    const char *special = json_string_value(json_object_get(output, "special"));
    if (json_is_integer(value)) {
        (void)snprintf(out, 64, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        format_double(out, json_real_value(value));
    } else if (json_is_boolean(value)) {
        (void)snprintf(out, 64, "%s", json_is_true(value) ? "true" : "false");
    } else {
        (void)snprintf(out, 64, "%s", special != NULL ? special : "missing");
    }
}

/* A value, its exact text if that says more, and how many NaN were made. */
static void print_value(json_t *output)
{
    char value[64];
    const char *exact = json_string_value(json_object_get(output, "exact"));
    json_t *made = json_object_get(output, "nan_made");
    format_value(value, output);
    bool is_news = exact != NULL && strcmp(exact, value) != 0;
    (void)printf("%s%s%s", value, is_news ? "  = " : "", is_news ? exact : "");
    if (made != NULL) {
        (void)printf("  (%lld NaN made)", (long long)json_integer_value(made));
    }
    (void)printf("\n");
}

static void print_label(json_t *label)
{
    size_t i;
    json_t *level;
    json_array_foreach(label, i, level)
    {
        (void)printf("%s", i > 0 ? ", " : "  ");
        if (json_is_string(level)) {
            (void)printf("%s", json_string_value(level));
        } else if (json_is_integer(level)) {
            (void)printf("%lld", (long long)json_integer_value(level));
        } else {
            (void)printf("%s", json_is_true(level) ? "true" : "false");
        }
    }
}

/* One line for each group. */
static void print_series(const char *name, json_t *values, json_t *labels)
{
    size_t i;
    json_t *value;
    (void)printf("%s\n", name);
    json_array_foreach(values, i, value)
    {
        print_label(json_array_get(labels, i));
        (void)printf(": ");
        print_value(value);
    }
}

static void print_table(json_t *outputs, json_t *labels)
{
    const char *name;
    json_t *output;
    int width = 0;
    json_object_foreach(outputs, name, output)
    {
        int bytes = (int)strlen(name);
        width = bytes > width ? bytes : width;
    }
    json_object_foreach(outputs, name, output)
    {
        json_t *values = json_object_get(output, "values");
        if (values != NULL) {
            print_series(name, values, labels);
        } else {
            (void)printf("%-*s  ", width, name);
            print_value(output);
        }
    }
}

int print_result(const char *json, size_t json_bytes, bool as_json)
{
    json_error_t error;
    if (as_json) {
        (void)printf("%.*s\n", (int)json_bytes, json);
        return EXIT_DONE;
    }
    json_t *result = json_loadb(json, json_bytes, 0, &error);
    if (result == NULL) {
        (void)fprintf(stderr, "sotto: the result is not JSON: %s\n", error.text);
        return EXIT_FAILED;
    }
    json_t *groups = json_object_get(result, "groups");
    print_table(json_object_get(result, "outputs"), json_object_get(groups, "labels"));
    json_t *parties = json_object_get(result, "parties");
    long long invited = json_integer_value(json_object_get(parties, "invited"));
    long long joined = json_integer_value(json_object_get(parties, "joined"));
    long long survived = json_integer_value(json_object_get(parties, "survived"));
    if (invited > 1) {
        (void)fprintf(stderr, "parties: %lld invited, %lld joined, %lld survived\n", invited,
                      joined, survived);
    }
    json_decref(result);
    return EXIT_DONE;
}
