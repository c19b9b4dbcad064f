/* SPDX-License-Identifier: Apache-2.0 */

/* Strings and dictionaries of them. Leans on import.c for the checks of arrays.
 *
 * The idea: offsets are a producer's word, so they are all looked at once (strings_check): in
 * order, of allowed length, UTF-8 without NUL between them. After that they are trusted. Strings
 * are borrowed where offsets have 64 bits and begin at 0 and missing strings are empty; else
 * offsets are rewritten, and where missing strings have text, it is left out by a copy. */

#include "arrow/arrow.h"

#include <sotto/alloc.h>
#include <string.h>

/* The strings of an array, checked. */
struct strings {
    const struct ArrowArray *array;
    bool large; /* offsets of 64 bits */
    size_t begin;
    size_t len;
};

static int64_t strings_offset(const struct strings *strings, size_t i)
{
    return sotto__arrow_integer(strings->array->buffers[1], strings->large ? 'l' : 'i',
                                strings->begin + i);
}

static bool strings_present(const struct strings *strings, size_t i)
{
    return sotto__arrow_bit(strings->array->buffers[0], strings->begin + i);
}

static const char *strings_get(const struct strings *strings, size_t i, size_t *out_bytes)
{
    int64_t start = strings_offset(strings, i);
    *out_bytes = (size_t)(strings_offset(strings, i + 1) - start);
    return *out_bytes > 0 ? (const char *)strings->array->buffers[2] + start : "";
}

static enum sotto_status strings_check(const struct strings *strings,
                                       const struct sotto__arrow_source *source)
{
    for (size_t i = 0; i < strings->len; i++) {
        int64_t start = strings_offset(strings, i);
        int64_t end = strings_offset(strings, i + 1);
        if (start < 0 || end < start || (end > start && strings->array->buffers[2] == NULL)) {
            return sotto__arrow_failed(source, SOTTO_ERROR_INPUT, "its offsets are not in order");
        }
        if (end > SOTTO__ARROW_ROWS_MAX || end - start > (int64_t)SOTTO_CSV_FIELD_BYTES_MAX) {
            return sotto__arrow_failed(source, SOTTO_ERROR_LIMIT,
                                       "expected texts of at most 16 MiB, found a longer one");
        }
        size_t bytes;
        const char *text = strings_get(strings, i, &bytes);
        if (strings_present(strings, i) &&
            (memchr(text, 0, bytes) != NULL || sotto_utf8_valid_prefix(text, bytes) != bytes)) {
            return sotto__arrow_failed(source, SOTTO_ERROR_INPUT,
                                       "expected UTF-8 without NUL, found other bytes");
        }
    }
    return SOTTO_OK;
}

static enum sotto_status offsets_allocate(const struct sotto__arrow_source *source)
{
    source->column->offsets = sotto_alloc_aligned((source->len + 1) * sizeof(int64_t));
    source->column->view.offsets = source->column->offsets;
    return source->column->offsets != NULL ? SOTTO_OK : sotto__arrow_no_memory(source);
}

/* Whether they may be borrowed as they stand. *out_gaps: some missing string has text. */
static bool strings_fit(const struct strings *strings, const struct sotto__arrow_source *source,
                        bool *out_gaps)
{
    *out_gaps = false;
    for (size_t i = 0; i < strings->len; i++) {
        size_t bytes;
        (void)strings_get(strings, i, &bytes);
        *out_gaps = *out_gaps || (bytes > 0 && !sotto__arrow_bit(source->column->validity, i));
    }
    return strings->large && !*out_gaps && strings_offset(strings, 0) == 0 &&
           sotto__arrow_is_aligned(strings->array->buffers[1]);
}

/* Row i of the column is string pick[i], or i where pick is NULL. */
static enum sotto_status strings_copy(const struct strings *strings,
                                      const struct sotto__arrow_source *source, const size_t *pick)
{
    size_t total = 0; /* each at most 16 MiB, of at most 2^57 */
    size_t bytes = 0;
    for (size_t i = 0; i < source->len; i++) {
        if (sotto__arrow_bit(source->column->validity, i)) {
            (void)strings_get(strings, pick != NULL ? pick[i] : i, &bytes);
            if (__builtin_add_overflow(total, bytes, &total)) {
                return sotto__arrow_no_memory(source);
            }
        }
    }
    if (total > (size_t)SOTTO__ARROW_ROWS_MAX) {
        return sotto__arrow_no_memory(source);
    }
    enum sotto_status status = sotto__arrow_allocate(source, total);
    if (status != SOTTO_OK) {
        return status;
    }
    status = offsets_allocate(source);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t at = 0;
    for (size_t i = 0; i < source->len; i++) {
        if (sotto__arrow_bit(source->column->validity, i)) {
            const char *text = strings_get(strings, pick != NULL ? pick[i] : i, &bytes);
            memcpy((char *)source->column->values + at, text, bytes);
            at += bytes;
        }
        source->column->offsets[i + 1] = (int64_t)at;
    }
    return SOTTO_OK;
}

enum sotto_status sotto__arrow_import_strings(const struct sotto__arrow_source *source)
{
    struct strings strings = {.array = source->array,
                              .large = source->schema->format[0] == 'U',
                              .begin = source->begin,
                              .len = source->len};
    bool gaps;
    if (source->len == 0) {
        enum sotto_status status = sotto__arrow_allocate(source, 0);
        if (status != SOTTO_OK) {
            return status;
        }
        return offsets_allocate(source);
    }
    enum sotto_status status = strings_check(&strings, source);
    if (status != SOTTO_OK) {
        return status;
    }
    const char *text = source->array->buffers[2];
    if (strings_fit(&strings, source, &gaps)) {
        source->column->view.values = text != NULL ? text : "";
        source->column->view.offsets = (const int64_t *)source->array->buffers[1] + source->begin;
        return SOTTO_OK;
    }
    if (gaps) {
        return strings_copy(&strings, source, NULL);
    }
    status = offsets_allocate(source);
    if (status != SOTTO_OK) {
        return status;
    }
    int64_t first = strings_offset(&strings, 0);
    for (size_t i = 0; i <= source->len; i++) {
        source->column->offsets[i] = strings_offset(&strings, i) - first;
    }
    source->column->view.values = text != NULL ? text + first : "";
    return SOTTO_OK;
}

/* --- Dictionaries of strings --- */

static enum sotto_status check_dictionary(const struct sotto__arrow_source *source,
                                          struct strings *out)
{
    const struct ArrowArray *array = source->array->dictionary;
    const char *format = source->schema->dictionary->format;
    if (format == NULL || (strcmp(format, "u") != 0 && strcmp(format, "U") != 0) ||
        source->schema->dictionary->dictionary != NULL) {
        return sotto__arrow_failed(
            source, SOTTO_ERROR_TYPE,
            "it is a dictionary of something else than strings: cast it to its values");
    }
    if (array == NULL || array->dictionary != NULL) {
        return sotto__arrow_failed(source, SOTTO_ERROR_INPUT, "its dictionary is missing");
    }
    *out = (struct strings){.array = array, .large = format[0] == 'U'};
    out->len = array->length > 0 ? (size_t)array->length : 0;
    enum sotto_status status = sotto__arrow_check(source, &out->begin, array, 0, out->len, 3);
    if (status != SOTTO_OK) {
        return status;
    }
    return strings_check(out, source);
}

/* Which string each row is; rows whose string is missing become so. */
static enum sotto_status pick_strings(const struct sotto__arrow_source *source, size_t *pick,
                                      const struct strings *strings)
{
    for (size_t i = 0; i < source->len; i++) {
        if (!sotto__arrow_bit(source->column->validity, i)) {
            continue;
        }
        int64_t index = sotto__arrow_integer(source->array->buffers[1], source->schema->format[0],
                                             source->begin + i);
        if (index < 0 || (size_t)index >= strings->len) {
            return sotto__arrow_failed(source, SOTTO_ERROR_INPUT,
                                       "an index points outside its dictionary");
        }
        pick[i] = (size_t)index;
        if (!strings_present(strings, pick[i])) {
            sotto__bit_set(source->column->validity, i, false);
        }
    }
    return SOTTO_OK;
}

enum sotto_status sotto__arrow_import_dictionary(const struct sotto__arrow_source *source)
{
    struct strings strings = {.array = NULL};
    enum sotto_status status = check_dictionary(source, &strings);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t *pick = sotto_alloc_array(source->len, sizeof *pick);
    if (pick == NULL) {
        return sotto__arrow_no_memory(source);
    }
    status = pick_strings(source, pick, &strings);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = strings_copy(&strings, source, pick);
out:
    sotto_free(pick);
    return status;
}
