/* SPDX-License-Identifier: Apache-2.0 */

/* sotto describe: what is in a file, by the rules that a task reads it by. Leans on the CSV reader:
 * one reading finds the types, a second one counts different strings, each worker in sets of its
 * own, which are merged at the end. */

#include "cli/options.h"
#include "cli/reading.h"
#include "cli/source.h"
#include "source/location.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <sotto/csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to so many different strings of a column are counted. */
#define NAMELESS "-" /* a column that nobody can ask for */
#define DISTINCT_MAX ((size_t)100000)
#define SLOTS_MIN ((size_t)1024)

/* --- Different strings --- */

struct text {
    char *bytes; /* NULL: an empty slot */
    size_t len;
    uint64_t hash;
};

/* A set of strings: open addressing, at most half full. */
struct text_set {
    struct text *slots;
    size_t slots_len; /* a power of two, or 0 */
    size_t len;       /* DISTINCT_MAX + 1: more than are counted; the set is empty then */
};

static void set_clear(struct text_set *set)
{
    for (size_t i = 0; i < set->slots_len; i++) {
        sotto_free(set->slots[i].bytes);
    }
    sotto_free(set->slots);
    set->slots = NULL;
    set->slots_len = 0;
}

/* FNV-1a, which somebody could flood with equal hashes; but the data is the user's own. */
static uint64_t hash_text(const char *bytes, size_t len)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001B3);
    }
    return hash ^ hash >> 32;
}

static struct text *set_slot(const struct text_set *set, const char *bytes, size_t len,
                             uint64_t hash)
{
    for (size_t i = (size_t)hash;; i++) {
        struct text *slot = &set->slots[i & (set->slots_len - 1)];
        if (slot->bytes == NULL ||
            (slot->hash == hash && slot->len == len && memcmp(slot->bytes, bytes, len) == 0)) {
            return slot;
        }
    }
}

static enum sotto_status set_grow(struct text_set *set)
{
    struct text_set grown = {.slots_len = set->slots_len > 0 ? 2 * set->slots_len : SLOTS_MIN};
    grown.slots = sotto_alloc_array(grown.slots_len, sizeof *grown.slots);
    if (grown.slots == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < set->slots_len; i++) {
        const struct text *text = &set->slots[i];
        if (text->bytes != NULL) {
            *set_slot(&grown, text->bytes, text->len, text->hash) = *text;
        }
    }
    sotto_free(set->slots);
    set->slots = grown.slots;
    set->slots_len = grown.slots_len;
    return SOTTO_OK;
}

static enum sotto_status set_add(struct text_set *set, const char *bytes, size_t len)
{
    if (set->len > DISTINCT_MAX) {
        return SOTTO_OK;
    }
    if (2 * (set->len + 1) > set->slots_len && set_grow(set) != SOTTO_OK) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    uint64_t hash = hash_text(bytes, len);
    struct text *slot = set_slot(set, bytes, len, hash);
    if (slot->bytes != NULL) {
        return SOTTO_OK;
    }
    char *copy = sotto_text_copy(bytes, len);
    if (copy == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    *slot = (struct text){.bytes = copy, .len = len, .hash = hash};
    if (++set->len > DISTINCT_MAX) {
        set_clear(set);
    }
    return SOTTO_OK;
}

static enum sotto_status set_merge(struct text_set *set, const struct text_set *other)
{
    if (other->len > DISTINCT_MAX) {
        set_clear(set);
        set->len = other->len;
    }
    for (size_t i = 0; i < other->slots_len; i++) {
        const struct text *text = &other->slots[i];
        if (text->bytes != NULL && set_add(set, text->bytes, text->len) != SOTTO_OK) {
            return SOTTO_ERROR_NO_MEMORY;
        }
    }
    return SOTTO_OK;
}

/* --- Describing --- */

struct description {
    struct sotto_csv *csv;
    struct sotto_catalogue *catalogue;
    struct sotto_csv_wanted *wanted; /* the string columns */
    size_t wanted_len;
    struct sotto_csv_misfit *misfits; /* of the same columns */
    struct text_set *sets; /* [worker * wanted_len + i]; those of worker 0 are the result */
    size_t sets_len;
};

static void description_release(struct description *description)
{
    for (size_t i = 0; i < description->sets_len; i++) {
        set_clear(&description->sets[i]);
    }
    sotto_free(description->sets);
    sotto_free(description->misfits);
    sotto_free(description->wanted);
    sotto_catalogue_free(description->catalogue);
    sotto_csv_close(description->csv);
}

static enum sotto_status add_strings(struct text_set *set, const struct sotto_column *column,
                                     size_t rows)
{
    const char *bytes = column->values;
    const int64_t *offsets = column->offsets;
    for (size_t row = 0; row < rows; row++) {
        if (sotto_column_is_valid(column, row) &&
            set_add(set, bytes + offsets[row], (size_t)(offsets[row + 1] - offsets[row])) !=
                SOTTO_OK) {
            return SOTTO_ERROR_NO_MEMORY;
        }
    }
    return SOTTO_OK;
}

/* A block of rows from the CSV reader, on one of its workers. */
static enum sotto_status take_strings(void *context, size_t worker, uint64_t first_row,
                                      const struct sotto_column *columns, size_t columns_len,
                                      size_t rows, struct sotto_error *err)
{
    (void)first_row;
    const struct description *description = context;
    for (size_t i = 0; i < columns_len; i++) {
        struct text_set *set = &description->sets[worker * columns_len + i];
        if (add_strings(set, &columns[i], rows) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status count_strings(struct description *description, struct sotto_error *err)
{
    const struct sotto_catalogue *catalogue = description->catalogue;
    size_t workers = sotto_csv_workers(description->csv);
    description->wanted = sotto_alloc_array(catalogue->columns_len, sizeof *description->wanted);
    if (description->wanted == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        const struct sotto_catalogue_column *column = &catalogue->columns[i];
        if (column->type.kind == SOTTO_KIND_STRING && !column->hidden) {
            description->wanted[description->wanted_len++] =
                (struct sotto_csv_wanted){.column = i, .type = column->type};
        }
    }
    size_t len = description->wanted_len;
    if (len == 0) {
        return SOTTO_OK;
    }
    description->sets = sotto_alloc_array(workers * len, sizeof *description->sets);
    if (description->sets == NULL) {
        return sotto_error_no_memory(err);
    }
    description->sets_len = workers * len;
    enum sotto_status status = sotto_csv_scan(description->csv, catalogue, description->wanted, len,
                                              take_strings, description, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = len; i < description->sets_len; i++) {
        if (set_merge(&description->sets[i % len], &description->sets[i]) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

/* Finds which values made text of columns that are numbers or booleans otherwise. */
static enum sotto_status find_misfits(struct description *description, struct sotto_error *err)
{
    size_t len = description->wanted_len;
    description->misfits = sotto_alloc_array(len + 1, sizeof *description->misfits);
    if (description->misfits == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < len; i++) {
        description->misfits[i].column = description->wanted[i].column;
    }
    return sotto_csv_find_misfits(description->csv, description->catalogue, description->misfits,
                                  len, err);
}

static enum sotto_status describe_file(struct description *description, const struct args *args,
                                       struct sotto_error *err)
{
    enum sotto_status status = args_open_file(&description->csv, args->positional[0], args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct reading *reading = reading_show(&description->csv, 1, 2);
    status = sotto_csv_catalogue(description->csv, &description->catalogue, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = count_strings(description, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = find_misfits(description, err);
out:
    reading_end(reading);
    return status;
}

/* --- Telling --- */

/* The set of a column's strings. Returns: NULL if it is no string column. */
static const struct text_set *find_set(const struct description *description, size_t column)
{
    for (size_t i = 0; i < description->wanted_len; i++) {
        if (description->wanted[i].column == column) {
            return &description->sets[i];
        }
    }
    return NULL;
}

/* Why a column is text, if there is something to say; else "". */
static const char *find_misfit(const struct description *description, size_t column)
{
    for (size_t i = 0; i < description->wanted_len; i++) {
        if (description->misfits[i].column == column) {
            return description->misfits[i].text;
        }
    }
    return "";
}

static json_t *describe_column(const struct description *description, size_t i)
{
    const struct sotto_catalogue_column *column = &description->catalogue->columns[i];
    const struct text_set *set = find_set(description, i);
    json_t *out =
        json_pack("{s:s, s:s, s:I}", "name", column->name, "type",
                  sotto_kind_name(column->type.kind), "missing", (json_int_t)column->missing);
    if (column->type.kind == SOTTO_KIND_DECIMAL) {
        (void)json_object_set_new(out, "scale", json_integer(column->type.scale));
    }
    if (column->digits_lost) {
        (void)json_object_set_new(out, "digits_lost", json_true());
    }
    if (column->is_nested) {
        (void)json_object_set_new(out, "nested", json_true());
    }
    if (find_misfit(description, i)[0] != '\0') {
        (void)json_object_set_new(out, "text_because", json_string(find_misfit(description, i)));
    }
    if (set != NULL && set->len > DISTINCT_MAX) {
        (void)json_object_set_new(out, "distinct_above", json_integer((json_int_t)DISTINCT_MAX));
    } else if (set != NULL) {
        (void)json_object_set_new(out, "distinct", json_integer((json_int_t)set->len));
    }
    return out;
}

static int print_json(const struct description *description, const char *path)
{
    const struct sotto_catalogue *catalogue = description->catalogue;
    json_t *columns = json_array();
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        (void)json_array_append_new(columns, describe_column(description, i));
    }
    json_t *out = json_pack("{s:s, s:I, s:I, s:o}", "file", path, "bytes",
                            (json_int_t)catalogue->identity.size_bytes, "rows",
                            (json_int_t)catalogue->rows, "columns", columns);
    char *text = out != NULL ? json_dumps(out, JSON_INDENT(2)) : NULL;
    json_decref(out);
    if (text == NULL) {
        return command_usage("out of memory, or a file name that is not UTF-8");
    }
    (void)puts(text);
    free(text); /* jansson's */
    return EXIT_DONE;
}

static void format_type(char out[40], const struct sotto_catalogue_column *column)
{
    char type[SOTTO_TYPE_TEXT_BYTES];
    sotto_type_text(type, column->type);
    (void)snprintf(out, 40, "%s%s", column->is_nested ? "lists or objects" : type,
                   column->digits_lost ? ", digits lost" : "");
}

static void print_description(const struct description *description)
{
    const struct sotto_catalogue *catalogue = description->catalogue;
    int width = (int)strlen("column");
    bool has_misfits = false;
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        int bytes = (int)strlen(catalogue->columns[i].name);
        width = bytes > width ? bytes : width;
    }
    (void)printf("%llu row%s\n\n%-*s  %-21s  %12s  %12s\n", (unsigned long long)catalogue->rows,
                 catalogue->rows == 1 ? "" : "s", width, "column", "type", "missing", "distinct");
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        const struct sotto_catalogue_column *column = &catalogue->columns[i];
        const struct text_set *set = find_set(description, i);
        char type[40];
        char distinct[40] = "";
        char missing[24];
        char name[SOTTO_CSV_NAME_BYTES_MAX + 1];
        format_type(type, column);
        if (set != NULL) {
            bool above = set->len > DISTINCT_MAX;
            (void)snprintf(distinct, sizeof distinct, "%s%zu", above ? "> " : "",
                           above ? DISTINCT_MAX : set->len);
        }
        const char *shown = column->name[0] == '\0' ? NAMELESS : column->name;
        sotto_text_reveal(name, sizeof name, shown, strlen(shown));
        (void)snprintf(missing, sizeof missing, "%llu", (unsigned long long)column->missing);
        (void)printf("%-*s  %-21s  %12s  %12s\n", width, name, type,
                     column->is_nested ? "" : missing, distinct);
    }
    for (size_t i = 0; i < description->wanted_len; i++) {
        if (description->misfits[i].text[0] != '\0') {
            (void)printf("%s%s\n", has_misfits ? "" : "\n", description->misfits[i].text);
            has_misfits = true;
        }
    }
}

int cmd_describe(const struct args *args)
{
    if (args->positional_len != 1 || args->outputs_len > 0) {
        return command_usage("expected: sotto describe FILE");
    }
    if (source_is_location(args->positional[0])) {
        return source_describe(args);
    }
    struct sotto_error err = {0};
    struct description description = {0};
    int code = EXIT_DONE;
    if (describe_file(&description, args, &err) != SOTTO_OK) {
        code = command_failed(&err);
    } else if (args->json) {
        code = print_json(&description, args->positional[0]);
    } else {
        print_description(&description);
    }
    description_release(&description);
    return code;
}
