/* SPDX-License-Identifier: Apache-2.0 */

/* Counts as bars in the terminal, for --plot: of a histogram or of levels. Leans on print.c for
 * texts of values and labels. */

#include "cli/print.h"

#include <jansson.h>
#include <sotto/status.h>
#include <stdio.h>
#include <string.h>

#define BAR_COLUMNS 40

/* Whether all values are counts; those that are withheld have no bar. *out_most: the largest. */
static bool are_counts(json_t *values, long long *out_most)
{
    size_t i;
    json_t *value;
    bool are = json_array_size(values) > 0;
    *out_most = 0;
    json_array_foreach(values, i, value)
    {
        json_t *count = json_object_get(value, "value");
        long long now = (long long)json_integer_value(count);
        are = are && (json_is_integer(count) || json_is_null(count));
        *out_most = now > *out_most ? now : *out_most;
    }
    return are && *out_most > 0;
}

static void write_label(char out[64], json_t *label)
{
    print_level_text(out, 64, label);
    sotto_text_sanitize(out); /* a result may come from another node */
}

bool print_bars(json_t *values, json_t *labels)
{
    static const char bar[] = "########################################";
    size_t i;
    json_t *value;
    long long most;
    int width = 0;
    char label[64];
    char text[64];
    if (!are_counts(values, &most)) {
        return false;
    }
    json_array_foreach(values, i, value)
    {
        write_label(label, json_array_get(labels, i));
        width = (int)strlen(label) > width ? (int)strlen(label) : width;
    }
    json_array_foreach(values, i, value)
    {
        long long count = (long long)json_integer_value(json_object_get(value, "value"));
        int len = (int)((count * BAR_COLUMNS + most - 1) / most); /* what there is is seen */
        write_label(label, json_array_get(labels, i));
        print_value_text(text, value, 0);
        (void)printf("  %-*s  %8s%s%.*s\n", width, label, text, len > 0 ? "  " : "", len, bar);
    }
    return true;
}
