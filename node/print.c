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

static void print_table(json_t *outputs)
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
        char value[64];
        const char *exact = json_string_value(json_object_get(output, "exact"));
        format_value(value, output);
        bool is_news = exact != NULL && strcmp(exact, value) != 0;
        (void)printf("%-*s  %s%s%s\n", width, name, value, is_news ? "  = " : "",
                     is_news ? exact : "");
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
    print_table(json_object_get(result, "outputs"));
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
