/* SPDX-License-Identifier: Apache-2.0 */

/* What a part is of: plan, types, round, snapshot; and which rows are in it: numbers of parts, and
 * how many rows. Leans on the reader and writer of base. The one idea: two parts go together where
 * all that they are of is the same, and each of them is there once. */

#include "parts/parts.h"

#include <sotto/alloc.h>
#include <string.h>

#define DATASETS_MAX 65536

bool sotto__part_is_snapshot(const char *text)
{
    bool is_one = strlen(text) < SOTTO_PART_SNAPSHOT_BYTES;
    for (const char *p = text; is_one && *p != '\0'; p++) {
        is_one = *p >= 0x20 && *p < 0x7F && *p != '"' && *p != '\\';
    }
    return is_one;
}

enum sotto_status sotto__part_head_init(struct sotto__part_head *out,
                                        const struct sotto_part_place *place, size_t datasets_len)
{
    *out = (struct sotto__part_head){.min_rows = place->min_rows,
                                     .parts_len = place->parts_len,
                                     .runs_len = 1,
                                     .datasets_len = datasets_len};
    memcpy(out->snapshot, place->snapshot, strlen(place->snapshot) + 1);
    out->runs = sotto_alloc_array(1, sizeof *out->runs);
    out->rows = sotto_alloc_array(datasets_len, sizeof *out->rows);
    if (out->runs == NULL || out->rows == NULL) {
        sotto__part_head_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    out->runs[0] = (struct sotto__part_run){place->part, place->part};
    return SOTTO_OK;
}

void sotto__part_head_release(struct sotto__part_head *head)
{
    sotto_free(head->runs);
    sotto_free(head->rows);
    *head = (struct sotto__part_head){0};
}

/* --- Bytes --- */

void sotto__part_head_write(const struct sotto__part_head *head, struct sotto_writer *writer)
{
    sotto_write_bytes(writer, head->plan, sizeof head->plan);
    sotto_write_bytes(writer, head->types, sizeof head->types);
    sotto_write_bytes(writer, head->round, sizeof head->round);
    sotto_write_u32(writer, head->number);
    sotto_write_u32(writer, head->min_rows);
    sotto_write_blob(writer, head->snapshot, strlen(head->snapshot));
    sotto_write_u32(writer, head->parts_len);
    sotto_write_u32(writer, (uint32_t)head->runs_len);
    for (size_t i = 0; i < head->runs_len; i++) {
        sotto_write_u32(writer, head->runs[i].first);
        sotto_write_u32(writer, head->runs[i].last);
    }
    sotto_write_u32(writer, (uint32_t)head->datasets_len);
    for (size_t i = 0; i < head->datasets_len; i++) {
        sotto_write_u64(writer, head->rows[i]);
    }
}

static void read_snapshot(struct sotto__part_head *out, struct sotto_reader *reader)
{
    size_t bytes = 0;
    const uint8_t *text = sotto_read_blob(reader, &bytes, sizeof out->snapshot - 1);
    if (text != NULL) {
        memcpy(out->snapshot, text, bytes);
    }
    if (strlen(out->snapshot) != bytes || !sotto__part_is_snapshot(out->snapshot)) {
        sotto_reader_fail(reader);
    }
}

static enum sotto_status read_runs(struct sotto__part_head *out, struct sotto_reader *reader)
{
    uint32_t len = sotto_read_u32(reader);
    uint32_t before = 0; /* the next one is not its neighbour */
    if (len == 0 || len > sotto_reader_left(reader) / sizeof *out->runs) {
        sotto_reader_fail(reader);
        return SOTTO_OK;
    }
    out->runs = sotto_alloc_array(len, sizeof *out->runs);
    if (out->runs == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (; out->runs_len < len; out->runs_len++) {
        struct sotto__part_run *run = &out->runs[out->runs_len];
        run->first = sotto_read_u32(reader);
        run->last = sotto_read_u32(reader);
        bool is_apart = out->runs_len == 0 ? run->first > 0 : run->first > before + 1;
        if (!is_apart || run->last < run->first || run->last > out->parts_len) {
            sotto_reader_fail(reader);
            return SOTTO_OK;
        }
        before = run->last;
    }
    return SOTTO_OK;
}

/* Adds up to no more than there may be. Returns: whether it can be. */
static bool count_all_rows(const struct sotto__part_head *head)
{
    uint64_t rows = 0;
    bool can = true;
    for (size_t i = 0; can && i < head->datasets_len; i++) {
        can = head->rows[i] <= SOTTO_ROWS_MAX - rows;
        rows += can ? head->rows[i] : 0;
    }
    return can;
}

static enum sotto_status read_rows(struct sotto__part_head *out, struct sotto_reader *reader)
{
    uint32_t len = sotto_read_u32(reader);
    if (len == 0 || len > DATASETS_MAX || len > sotto_reader_left(reader) / sizeof *out->rows) {
        sotto_reader_fail(reader);
        return SOTTO_OK;
    }
    out->rows = sotto_alloc_array(len, sizeof *out->rows);
    if (out->rows == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (; out->datasets_len < len; out->datasets_len++) {
        out->rows[out->datasets_len] = sotto_read_u64(reader);
    }
    if (!count_all_rows(out)) {
        sotto_reader_fail(reader);
    }
    return SOTTO_OK;
}

enum sotto_status sotto__part_head_read(struct sotto__part_head *out, struct sotto_reader *reader)
{
    sotto_read_copy(reader, out->plan, sizeof out->plan);
    sotto_read_copy(reader, out->types, sizeof out->types);
    sotto_read_copy(reader, out->round, sizeof out->round);
    out->number = sotto_read_u32(reader);
    out->min_rows = sotto_read_u32(reader);
    read_snapshot(out, reader);
    out->parts_len = sotto_read_u32(reader);
    if (out->parts_len == 0 || out->parts_len > SOTTO_PARTS_MAX || out->min_rows == 0 ||
        out->min_rows > SOTTO_PART_MIN_ROWS_MAX) {
        sotto_reader_fail(reader);
    }
    enum sotto_status status = read_runs(out, reader);
    if (status != SOTTO_OK) {
        return status;
    }
    return read_rows(out, reader);
}

/* --- Together --- */

static enum sotto_status fail_foreign(const char *name, const char *what, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "%s: expected a part of the same %s as the others, found another: make "
                           "it again with their plan, round and options",
                           name, what);
}

enum sotto_status sotto__part_head_check(const struct sotto__part_head *head,
                                         const struct sotto__part_head *other, const char *name,
                                         struct sotto_error *err)
{
    if (memcmp(head->plan, other->plan, sizeof head->plan) != 0) {
        return fail_foreign(name, "plan", err);
    }
    if (strcmp(head->snapshot, other->snapshot) != 0) {
        return fail_foreign(name, "snapshot", err);
    }
    if (head->number != other->number) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: expected a part of round %u, found one of round %u", name,
                               (unsigned)head->number, (unsigned)other->number);
    }
    if (memcmp(head->types, other->types, sizeof head->types) != 0) {
        return fail_foreign(name, "agreed types", err);
    }
    if (memcmp(head->round, other->round, sizeof head->round) != 0) {
        return fail_foreign(name, "round", err);
    }
    if (head->min_rows != other->min_rows) {
        return fail_foreign(name, "min_rows", err);
    }
    if (head->datasets_len != other->datasets_len) {
        return fail_foreign(name, "datasets", err);
    }
    return head->parts_len == other->parts_len ? SOTTO_OK
                                               : fail_foreign(name, "number of parts", err);
}

/* Writes all runs in order, and neighbours as one. Returns: the first part that both have, or 0. */
static uint32_t join_runs(struct sotto__part_run *out, size_t *out_len,
                          const struct sotto__part_head *a, const struct sotto__part_head *b)
{
    size_t at_a = 0;
    size_t at_b = 0;
    size_t len = 0;
    while (at_a < a->runs_len || at_b < b->runs_len) {
        bool is_a = at_b == b->runs_len ||
                    (at_a < a->runs_len && a->runs[at_a].first < b->runs[at_b].first);
        struct sotto__part_run run = is_a ? a->runs[at_a++] : b->runs[at_b++];
        if (len > 0 && run.first <= out[len - 1].last) {
            return run.first;
        }
        if (len > 0 && run.first == out[len - 1].last + 1) {
            out[len - 1].last = run.last;
        } else {
            out[len++] = run;
        }
    }
    *out_len = len;
    return 0;
}

enum sotto_status sotto__part_head_merge(struct sotto__part_head *in_out,
                                         const struct sotto__part_head *other, const char *name,
                                         struct sotto_error *err)
{
    size_t len = 0;
    struct sotto__part_run *runs =
        sotto_alloc_array(in_out->runs_len + other->runs_len, sizeof *runs);
    if (runs == NULL) {
        return sotto_error_no_memory(err);
    }
    uint32_t twin = join_runs(runs, &len, in_out, other);
    if (twin != 0) {
        sotto_free(runs);
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: expected each part once, found part %u of %u again: each part "
                               "says which it is, and of how many",
                               name, (unsigned)twin, (unsigned)in_out->parts_len);
    }
    sotto_free(in_out->runs);
    in_out->runs = runs;
    in_out->runs_len = len;
    for (size_t i = 0; i < in_out->datasets_len; i++) {
        in_out->rows[i] += other->rows[i];
    }
    return count_all_rows(in_out)
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "%s: expected at most 2^60 rows, found more", name);
}

enum sotto_status sotto__part_head_is_whole(const struct sotto__part_head *head,
                                            struct sotto_error *err)
{
    uint32_t found = 0;
    uint32_t missing = head->runs[0].first > 1 ? 1 : head->runs[0].last + 1;
    for (size_t i = 0; i < head->runs_len; i++) {
        found += head->runs[i].last - head->runs[i].first + 1;
    }
    return found == head->parts_len
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                 "expected all %u parts, found %u: part %u is missing",
                                 (unsigned)head->parts_len, (unsigned)found, (unsigned)missing);
}
