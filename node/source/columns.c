/* SPDX-License-Identifier: Apache-2.0 */

/* The types of a driver's columns. Leans on dataset for what can be imported. The idea: a type is
 * taken for what it is in Arrow only where the driver says nothing else beside it: metadata that
 * explain bytes or integers hide a column, but for PostgreSQL's numeric, which comes as text. */

#include "source/columns.h"

#include <string.h>

/* One text of the metadata, which has its length before it in the machine's byte order. */
static const char *read_text(const char **in_out_at, int32_t *out_bytes)
{
    memcpy(out_bytes, *in_out_at, sizeof *out_bytes);
    const char *text = *in_out_at + sizeof *out_bytes;
    *in_out_at = text + (*out_bytes > 0 ? *out_bytes : 0);
    return text;
}

/* The value of a key in Arrow's metadata (a count, then keys and values): its length is not told,
 * so the driver is believed; it runs in this process anyway. Returns: NULL where there is none. */
static const char *find_metadata(const struct ArrowSchema *column, const char *key,
                                 size_t *out_bytes)
{
    const char *at = column->metadata;
    int32_t pairs = 0;
    if (at == NULL) {
        return NULL;
    }
    memcpy(&pairs, at, sizeof pairs);
    at += sizeof pairs;
    for (int32_t i = 0; i < pairs; i++) {
        int32_t key_bytes;
        int32_t value_bytes;
        const char *found = read_text(&at, &key_bytes);
        const char *value = read_text(&at, &value_bytes);
        if (key_bytes == (int32_t)strlen(key) && value_bytes >= 0 &&
            memcmp(found, key, (size_t)key_bytes) == 0) {
            *out_bytes = (size_t)value_bytes;
            return value;
        }
    }
    return NULL;
}

static bool is_text(const char *text, size_t bytes, const char *other)
{
    return bytes == strlen(other) && memcmp(text, other, bytes) == 0;
}

/* What a type that can't be read is, in words. */
static const char *name_format(const char *format)
{
    static const struct {
        const char *begin;
        const char *name;
    } names[] = {
        {"+s", "objects (struct)"},
        {"+m", "maps"},
        {"+", "lists"},
        {"z", "bytes"},
        {"Z", "bytes"},
        {"w:", "bytes"},
        {"tt", "times of day"},
        {"ti", "intervals"},
        {"tD", "durations"},
        {"L", "unsigned integers of 64 bits"},
        {"d:", "decimals of more than 18 digits after the point"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(format, names[i].begin, strlen(names[i].begin)) == 0) {
            return names[i].name;
        }
    }
    return "of another type";
}

struct sotto_parcel_column source_column_find(const struct ArrowSchema *column)
{
    struct sotto_parcel_column out = {.name = column->name != NULL ? column->name : ""};
    const char *format = column->format != NULL ? column->format : "";
    bool is_string = strcmp(format, "u") == 0 || strcmp(format, "U") == 0;
    size_t bytes = 0;
    if (!sotto_arrow_column_type(&out.type, column)) {
        out.hidden = name_format(format);
        return out;
    }
    const char *type = find_metadata(column, "ADBC:postgresql:typname", &bytes);
    if (type != NULL && is_string && is_text(type, bytes, "numeric")) {
        out.is_numeral = true;
        out.type = (struct sotto_type){.kind = SOTTO_KIND_DECIMAL};
        return out;
    }
    type = type != NULL ? type : find_metadata(column, "ARROW:extension:name", &bytes);
    if (type != NULL && !is_string) {
        out.hidden = "of another type";
    }
    return out;
}
