/* SPDX-License-Identifier: Apache-2.0 */

/* Missing values of the columns of a catalogue in parts. Leans on nothing but arrays. The one idea:
 * they are counted by the names of columns, so that they add up whatever the order of columns in
 * each part is, and what parts say of their columns stays the same few texts. */

#include "parts/parts.h"

#include <sotto/alloc.h>
#include <string.h>

bool sotto__part_is_catalogue(const struct sotto__part_head *head)
{
    static const uint8_t no_plan[SOTTO_SHORT_DIGEST_BYTES] = {0};
    return head->number == 0 && memcmp(head->plan, no_plan, sizeof no_plan) == 0;
}

void sotto__part_release_missing(struct sotto__part *part)
{
    for (size_t i = 0; i < part->missing_len; i++) {
        sotto_free(part->missing[i].name);
    }
    sotto_free(part->missing);
}

/* Finds the first column whose name is not below this one. Returns: whether it has this name. */
static bool find_place(const struct sotto__part *part, size_t *out, const char *name)
{
    size_t low = 0;
    size_t high = part->missing_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool is_below = strcmp(part->missing[middle].name, name) < 0;
        low = is_below ? middle + 1 : low;
        high = is_below ? high : middle;
    }
    *out = low;
    return low < part->missing_len && strcmp(part->missing[low].name, name) == 0;
}

enum sotto_status sotto__part_add_missing(struct sotto__part *in_out, const char *name,
                                          size_t name_bytes, uint64_t rows)
{
    size_t at = 0;
    void *missing = in_out->missing;
    char *copy = sotto_text_copy(name, name_bytes);
    if (copy == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (find_place(in_out, &at, copy)) {
        in_out->missing[at].rows += rows; /* heads of parts add up to no more than 2^60 rows */
        sotto_free(copy);
        return SOTTO_OK;
    }
    if (sotto_array_reserve(&missing, &in_out->missing_capacity_len, in_out->missing_len + 1,
                            sizeof *in_out->missing) != SOTTO_OK) {
        sotto_free(copy);
        return SOTTO_ERROR_NO_MEMORY;
    }
    in_out->missing = missing;
    memmove(in_out->missing + at + 1, in_out->missing + at,
            (in_out->missing_len - at) * sizeof *in_out->missing);
    in_out->missing[at] = (struct sotto__part_missing){.name = copy, .rows = rows};
    in_out->missing_len++;
    return SOTTO_OK;
}

uint64_t sotto__part_find_missing(const struct sotto__part *part, const char *name)
{
    size_t at = 0;
    return find_place(part, &at, name) ? part->missing[at].rows : part->head.rows[0];
}

/* --- Bytes --- */

void sotto__part_write_missing(struct sotto_writer *writer, const struct sotto__part *part)
{
    sotto_write_u32(writer, (uint32_t)part->missing_len);
    for (size_t i = 0; i < part->missing_len; i++) {
        sotto_write_blob(writer, part->missing[i].name, strlen(part->missing[i].name));
        sotto_write_u64(writer, part->missing[i].rows);
    }
}

enum sotto_status sotto__part_read_missing(struct sotto__part *out, struct sotto_reader *reader)
{
    uint32_t len = sotto_read_u32(reader);
    for (uint32_t i = 0; i < len && !reader->failed; i++) {
        size_t bytes = 0;
        const char *name = (const char *)sotto_read_blob(reader, &bytes, SOTTO_CSV_NAME_BYTES_MAX);
        uint64_t rows = sotto_read_u64(reader);
        if (name == NULL || bytes == 0 || memchr(name, 0, bytes) != NULL ||
            rows > out->head.rows[0]) {
            sotto_reader_fail(reader);
            return SOTTO_OK;
        }
        if (sotto__part_add_missing(out, name, bytes, rows) != SOTTO_OK) {
            return SOTTO_ERROR_NO_MEMORY;
        }
        bool is_in_order = out->missing_len == (size_t)i + 1 &&
                           (i == 0 || strcmp(out->missing[i - 1].name, out->missing[i].name) < 0) &&
                           strlen(out->missing[i].name) == bytes &&
                           memcmp(out->missing[i].name, name, bytes) == 0;
        if (!is_in_order) {
            sotto_reader_fail(reader);
        }
    }
    return SOTTO_OK;
}
