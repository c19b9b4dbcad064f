/* SPDX-License-Identifier: Apache-2.0 */

/* The owner's key of a file: the column whose value says which person or thing a row is about. It
 * leans on the reader. The one idea: a key is known by a hash of its text, a whole number's too, so
 * that the same person has the same hash where another export has other types; and as no two rows
 * of a file may share one, all hashes are sorted once, and lines are looked up only for an error.
 */

#include "contribute/contribute.h"
#include "contribute/watching.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_BYTES 24

/* --- Hashes --- */

/* Never 0, which stands for no key. */
static uint64_t hash_text(const char *text, size_t bytes)
{
    uint64_t hash = UINT64_C(0x9E3779B97F4A7C15) * (bytes + 1);
    for (size_t at = 0; at < bytes; at += 8) {
        uint64_t word = 0;
        memcpy(&word, text + at, bytes - at < 8 ? bytes - at : 8);
        hash = (hash ^ word) * UINT64_C(0xD6E8FEB86659FD93);
        hash ^= hash >> 32;
    }
    hash *= UINT64_C(0xC4CEB9FE1A85EC53);
    return (hash ^ hash >> 29) | 1;
}

static uint64_t hash_number(int64_t number)
{
    char text[DIGITS_BYTES];
    size_t at = sizeof text;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        text[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        text[--at] = '-';
    }
    return hash_text(text + at, sizeof text - at);
}

void sotto__key_hash(uint64_t *out, const struct sotto_column *block, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (block->type.kind == SOTTO_KIND_NULL || !sotto_column_is_valid(block, i)) {
            out[i] = 0;
        } else if (block->type.kind == SOTTO_KIND_STRING) {
            out[i] = hash_text((const char *)block->values + block->offsets[i],
                               (size_t)(block->offsets[i + 1] - block->offsets[i]));
        } else {
            out[i] = hash_number(((const int64_t *)block->values)[i]);
        }
    }
}

/* --- Whether it is one --- */

/* All keys of a file, by row; or the first two rows that have one of them. */
struct key_search {
    uint64_t *hashes;
    uint64_t rows;
};

static enum sotto_status take_keys(void *context, size_t worker, uint64_t first_row,
                                   const struct sotto_column *columns, size_t columns_len,
                                   size_t rows, struct sotto_error *err)
{
    const struct key_search *search = context;
    (void)worker;
    (void)columns_len;
    (void)err;
    SOTTO_REQUIRE(first_row + rows <= search->rows);
    sotto__key_hash(search->hashes + first_row, &columns[0], rows);
    return SOTTO_OK;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x;
    uint64_t y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Finds a key that two rows have. Sorts the hashes. Returns: 0 if there is none. */
static uint64_t find_twin(uint64_t *hashes, size_t len)
{
    uint64_t twin = 0;
    if (len > 1) {
        qsort(hashes, len, sizeof *hashes, compare_hashes);
    }
    for (size_t i = 1; twin == 0 && i < len; i++) {
        twin = hashes[i] == hashes[i - 1] ? hashes[i] : 0;
    }
    return twin;
}

/* The lines of the rows that share a key. */
struct twin_search {
    uint64_t hash;
    uint64_t lines[2];
    size_t len;
};

static bool see_key(void *context, size_t i, uint64_t row, uint64_t line, const char *text,
                    size_t text_bytes)
{
    struct twin_search *search = context;
    (void)i;
    (void)row;
    char *end = NULL;
    int64_t number = strtoll(text, &end, 10);
    bool is_it = hash_text(text, text_bytes) == search->hash ||
                 (end != text && *end == '\0' && hash_number(number) == search->hash);
    if (is_it) {
        search->lines[search->len++] = line;
    }
    return search->len < 2;
}

static enum sotto_status fail_twin(const struct sotto_csv *file, size_t column, uint64_t hash,
                                   const char *name, const char *key, struct sotto_error *err)
{
    struct twin_search search = {.hash = hash};
    if (file == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: key \"%s\": expected another value in each row, found one in "
                               "two rows: name a column without repeated values, or none",
                               name, key);
    }
    enum sotto_status status = sotto_csv_visit(file, &column, 1, see_key, &search, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "%s:%llu: key \"%s\": expected another value in each row, found that of "
                           "line %llu: name a column without repeated values, or none",
                           name, (unsigned long long)search.lines[1], key,
                           (unsigned long long)search.lines[0]);
}

/* Reads all keys, and finds one that two rows have. *out_twin: 0 if there is none. */
static enum sotto_status search_twin(uint64_t *out_twin, struct sotto_source *source, size_t column,
                                     const struct sotto_catalogue *catalogue,
                                     struct sotto_error *err)
{
    struct key_search search = {.rows = catalogue->rows};
    const struct sotto_csv_wanted wanted = {.column = column,
                                            .type = catalogue->columns[column].type};
    const struct sotto_source_scan scan = {
        .wanted = &wanted, .wanted_len = 1, .sink = take_keys, .context = &search};
    search.hashes = sotto_alloc_array(catalogue->rows, sizeof *search.hashes);
    if (search.hashes == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = source->ops->scan(source, &scan, err);
    *out_twin = status == SOTTO_OK ? find_twin(search.hashes, catalogue->rows) : 0;
    sotto_wipe(search.hashes, catalogue->rows * sizeof *search.hashes);
    sotto_free(search.hashes);
    return status;
}

enum sotto_status sotto_catalogue_check_key(const struct sotto_catalogue *catalogue, size_t column,
                                            const char *name, struct sotto_error *err)
{
    const struct sotto_catalogue_column *key = &catalogue->columns[column];
    if (catalogue->rows == 0) {
        return SOTTO_OK;
    }
    if (key->type.kind != SOTTO_KIND_INT64 && key->type.kind != SOTTO_KIND_STRING) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: key \"%s\": expected whole numbers or texts, found %s", name,
                               key->name, sotto_kind_name(key->type.kind));
    }
    return key->missing == 0
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "%s: key \"%s\": expected a value in each row, found none in %llu",
                                 name, key->name, (unsigned long long)key->missing);
}

enum sotto_status sotto_source_check_key(struct sotto_source *source, const struct sotto_csv *file,
                                         size_t column, const char *name, struct sotto_error *err)
{
    const struct sotto_catalogue *catalogue;
    uint64_t twin = 0;
    enum sotto_status status = source->ops->describe(source, &catalogue, NULL, 0, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_catalogue_check_key(catalogue, column, name, err);
    if (status != SOTTO_OK || catalogue->rows == 0) {
        return status;
    }
    status = search_twin(&twin, source, column, catalogue, err);
    return twin == 0 ? status
                     : fail_twin(file, column, twin, name, catalogue->columns[column].name, err);
}
