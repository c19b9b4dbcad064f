/* SPDX-License-Identifier: Apache-2.0 */

/* Schemas of Arrow IPC (Schema.fbs). Leans on flatbuffer.h. The idea: of a column that has no type
 * here all that must be known is how many nodes and buffers it takes of each batch, so that the
 * next column is found. */

#include "source/arrow_ipc.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* Schema.fbs, union Type. */
enum type {
    TYPE_NULL = 1,
    TYPE_INT = 2,
    TYPE_FLOAT = 3,
    TYPE_BINARY = 4,
    TYPE_UTF8 = 5,
    TYPE_BOOL = 6,
    TYPE_DECIMAL = 7,
    TYPE_DATE = 8,
    TYPE_TIME = 9,
    TYPE_TIMESTAMP = 10,
    TYPE_INTERVAL = 11,
    TYPE_LIST = 12,
    TYPE_STRUCT = 13,
    TYPE_UNION = 14,
    TYPE_FIXED_BINARY = 15,
    TYPE_FIXED_LIST = 16,
    TYPE_MAP = 17,
    TYPE_DURATION = 18,
    TYPE_LARGE_BINARY = 19,
    TYPE_LARGE_UTF8 = 20,
    TYPE_LARGE_LIST = 21,
    TYPE_RUN_ENDS = 22,
    TYPE_BINARY_VIEW = 23,
    TYPE_UTF8_VIEW = 24,
    TYPE_LIST_VIEW = 25,
    TYPE_LARGE_LIST_VIEW = 26,
    TYPES_LEN,
};

/* What is known of a type by its number alone. format NULL: its own fields say it. */
static const struct {
    const char *format;
    uint8_t buffers;
} types[TYPES_LEN] = {
    [TYPE_NULL] = {"n", 0},          [TYPE_INT] = {NULL, 2},
    [TYPE_FLOAT] = {NULL, 2},        [TYPE_BINARY] = {"z", 3},
    [TYPE_UTF8] = {"u", 3},          [TYPE_BOOL] = {"b", 2},
    [TYPE_DECIMAL] = {NULL, 2},      [TYPE_DATE] = {NULL, 2},
    [TYPE_TIME] = {"tt", 2},         [TYPE_TIMESTAMP] = {NULL, 2},
    [TYPE_INTERVAL] = {"ti", 2},     [TYPE_LIST] = {"+l", 2},
    [TYPE_STRUCT] = {"+s", 1},       [TYPE_UNION] = {NULL, 1},
    [TYPE_FIXED_BINARY] = {"w:", 2}, [TYPE_FIXED_LIST] = {"+w", 1},
    [TYPE_MAP] = {"+m", 2},          [TYPE_DURATION] = {"tD", 2},
    [TYPE_LARGE_BINARY] = {"Z", 3},  [TYPE_LARGE_UTF8] = {"U", 3},
    [TYPE_LARGE_LIST] = {"+L", 2},   [TYPE_RUN_ENDS] = {"?", 0},
    [TYPE_BINARY_VIEW] = {"z", 2},   [TYPE_UTF8_VIEW] = {"U", 2},
    [TYPE_LIST_VIEW] = {"+vl", 3},   [TYPE_LARGE_LIST_VIEW] = {"+vL", 3},
};

static void set_fixed(struct arrow_field *field, const char *format, size_t width)
{
    (void)snprintf(field->format, sizeof field->format, "%s", format);
    field->layout = ARROW_FIXED;
    field->width = width;
}

/* The letter of an integer in the C Data Interface. Returns: 0 for another width. */
static char find_letter(int64_t bits, bool is_signed)
{
    switch (bits) {
    case 8:
        return is_signed ? 'c' : 'C';
    case 16:
        return is_signed ? 's' : 'S';
    case 32:
        return is_signed ? 'i' : 'I';
    case 64:
        return is_signed ? 'l' : 'L';
    default:
        return '\0';
    }
}

static void read_integer(struct arrow_field *field, struct flatbuffer *flat, struct flat_table type)
{
    int64_t bits = flat_number(flat, type, 0, 4, 0);
    char letter = find_letter(bits, flat_number(flat, type, 1, 1, 0) != 0);
    if (letter != '\0') {
        set_fixed(field, (const char[]){letter, '\0'}, (size_t)bits / 8);
    }
}

static void read_decimal(struct arrow_field *field, struct flatbuffer *flat, struct flat_table type)
{
    int64_t precision = flat_number(flat, type, 0, 4, 0);
    int64_t scale = flat_number(flat, type, 1, 4, 0);
    if (flat_number(flat, type, 2, 4, 128) == 128) {
        set_fixed(field, "", 16);
        (void)snprintf(field->format, sizeof field->format, "d:%d,%d", (int)precision, (int)scale);
    } else {
        (void)snprintf(field->format, sizeof field->format, "?");
    }
}

/* Types whose fields say more. */
static void read_details(struct arrow_field *field, struct flatbuffer *flat, struct flat_table type,
                         enum type number)
{
    static const char *const floats[] = {"e", "f", "g"};
    static const char units[] = "smun";
    size_t zone_bytes;
    int64_t unit = flat_number(flat, type, 0, 2, number == TYPE_DATE ? 1 : 0);
    switch (number) {
    case TYPE_INT:
        read_integer(field, flat, type);
        break;
    case TYPE_FLOAT:
        if (unit >= 0 && unit <= 2) {
            set_fixed(field, floats[unit], (size_t)2 << unit);
        }
        break;
    case TYPE_DECIMAL:
        read_decimal(field, flat, type);
        break;
    case TYPE_DATE:
        set_fixed(field, unit == 0 ? "tdD" : "tdm", unit == 0 ? 4 : 8);
        break;
    case TYPE_TIMESTAMP:
        if (unit >= 0 && unit < (int64_t)strlen(units)) {
            const char *zone = flat_text(flat, type, 1, &zone_bytes);
            set_fixed(field, "", 8);
            (void)snprintf(field->format, sizeof field->format, "ts%c:%s", units[unit],
                           zone != NULL && zone_bytes > 0 ? "Z" : "");
        }
        break;
    case TYPE_UNION:
        field->buffers = unit == 1 ? 2 : 1; /* dense ones have offsets */
        break;
    default:
        break;
    }
}

static void read_type(struct arrow_field *field, struct flatbuffer *flat, struct flat_table type,
                      enum type number)
{
    field->layout = ARROW_HIDDEN;
    field->buffers = types[number].buffers;
    (void)snprintf(field->format, sizeof field->format, "%s",
                   types[number].format != NULL ? types[number].format : "?");
    read_details(field, flat, type, number);
    if (number == TYPE_NULL) {
        field->layout = ARROW_NONE;
    } else if (number == TYPE_BOOL) {
        field->layout = ARROW_BITS;
    } else if (number == TYPE_UTF8 || number == TYPE_LARGE_UTF8) {
        field->layout = ARROW_TEXT;
        field->width = number == TYPE_UTF8 ? 4 : 8;
    } else if (number == TYPE_UTF8_VIEW) {
        field->layout = ARROW_VIEW;
    }
    field->views = number == TYPE_UTF8_VIEW || number == TYPE_BINARY_VIEW;
}

static void read_dictionary(struct arrow_field *field, struct flatbuffer *flat,
                            struct flat_table dictionary)
{
    struct flat_table type = flat_table(flat, dictionary, 1);
    int64_t bits = type.at == 0 ? 32 : flat_number(flat, type, 0, 4, 0);
    field->index[0] = find_letter(bits, type.at == 0 || flat_number(flat, type, 1, 1, 0) != 0);
    field->index_width = (size_t)bits / 8;
    field->dictionary = flat_number(flat, dictionary, 0, 8, 0);
    if (field->index[0] == '\0') {
        flat->failed = true;
    }
}

/* An extension says that values mean something else than their type. */
static bool is_extension(struct flatbuffer *flat, struct flat_table table)
{
    static const char key[] = "ARROW:extension:name";
    struct flat_vector pairs = flat_vector(flat, table, 6, 4);
    bool is_found = false;
    for (size_t i = 0; i < pairs.len && !flat->failed; i++) {
        size_t bytes;
        const char *text = flat_text(flat, flat_element(flat, pairs, i), 0, &bytes);
        is_found = is_found || (text != NULL && bytes == sizeof key - 1 &&
                                memcmp(text, key, sizeof key - 1) == 0);
    }
    return is_found;
}

/* Reads a field but its name, and what is nested in it. seen: fields so far; tables may be shared,
 * so that a short schema could have very many. */
static void read_field(struct arrow_field *field, struct flatbuffer *flat, struct flat_table table,
                       size_t *in_out_seen, unsigned depth)
{
    int64_t number = flat_number(flat, table, 2, 1, 0) & 0xFF;
    if (number < TYPE_NULL || number >= TYPES_LEN || depth > ARROW_DEPTH_MAX ||
        ++*in_out_seen > ARROW_FIELDS_MAX) {
        flat->failed = true;
    }
    if (flat->failed) {
        return;
    }
    read_type(field, flat, flat_table(flat, table, 3), (enum type)number);
    field->nodes = 1;
    struct flat_table dictionary = flat_table(flat, table, 4);
    if (dictionary.at != 0) {
        read_dictionary(field, flat, dictionary);
        field->buffers = 2; /* indexes; what is nested stands in the dictionary */
        field->views = 0;
    }
    struct flat_vector children = flat_vector(flat, table, 5, 4);
    for (size_t i = 0; i < children.len && dictionary.at == 0 && !flat->failed; i++) {
        struct arrow_field child = {0};
        read_field(&child, flat, flat_element(flat, children, i), in_out_seen, depth + 1);
        field->nodes += child.nodes;
        field->buffers += child.buffers;
        field->views += child.views;
    }
    bool is_text = field->layout == ARROW_TEXT || field->layout == ARROW_VIEW;
    if ((dictionary.at != 0 && !is_text) || (!is_text && is_extension(flat, table))) {
        field->layout = ARROW_HIDDEN;
        field->index[0] = '\0';
        (void)snprintf(field->format, sizeof field->format, "?");
    } else if (field->layout != ARROW_HIDDEN && children.len > 0) {
        flat->failed = true;
    }
}

enum sotto_status arrow_fields_read(struct arrow_fields *out, struct flatbuffer *flat,
                                    struct flat_table schema, struct sotto_error *err)
{
    struct flat_vector fields = flat_vector(flat, schema, 1, 4);
    size_t seen = 0;
    *out = (struct arrow_fields){0};
    if (flat_number(flat, schema, 0, 2, 0) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected little-endian values, found big-endian ones: write the "
                               "file on another machine");
    }
    if (fields.len > ARROW_FIELDS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "expected at most %zu columns, found %zu",
                               ARROW_FIELDS_MAX, fields.len);
    }
    out->fields = sotto_alloc_zeroed((fields.len + 1) * sizeof *out->fields);
    if (out->fields == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < fields.len && !flat->failed; i++) {
        struct arrow_field *field = &out->fields[i];
        struct flat_table table = flat_element(flat, fields, i);
        size_t bytes;
        const char *name = flat_text(flat, table, 0, &bytes);
        read_field(field, flat, table, &seen, 0);
        if (name != NULL && memchr(name, 0, bytes) != NULL) {
            flat->failed = true;
        }
        field->name = sotto_text_copy(name != NULL ? name : "", name != NULL ? bytes : 0);
        if (field->name == NULL) {
            return sotto_error_no_memory(err);
        }
        out->len = i + 1;
    }
    return !flat->failed
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "expected a schema of Arrow, found something else, or types that "
                                 "came after this program, or fields nested %d deep",
                                 ARROW_DEPTH_MAX);
}

void arrow_fields_release(struct arrow_fields *fields)
{
    for (size_t i = 0; i < fields->len; i++) {
        sotto_free(fields->fields[i].name);
    }
    sotto_free(fields->fields);
    *fields = (struct arrow_fields){0};
}
