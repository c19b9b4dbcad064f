/* SPDX-License-Identifier: Apache-2.0 */

/* What sums that were told give away beside those that are asked. Leans on mixture.c, which finds
 * combinations of few rows, and on span.c for what says nothing new.
 *
 * The one idea: whoever has sums over sets of rows has every combination of them, and nothing else.
 * A combination of few rows is one whose numbers are 0 but on few; so it is that which is asked
 * for, and not how many rows are in each cell of the sets' Venn diagram, whose sums nobody has:
 * from counts of ages and counts of departments no count of an age in a department follows.
 *
 * Most of what was told can have no part in such a combination, and is left out first. A sum with a
 * heavy column that is in no other sum has that column in every combination that it is part of;
 * left out, it may leave others alone with theirs. Of what is left, columns that have the same
 * numbers in all sums are one. Where no light column is left nothing is given away. */

#include "ledger_sums.h"
#include "mixture.h"

#include <sotto/alloc.h>
#include <sotto/span.h>
#include <stdlib.h>
#include <string.h>

/* Columns of what is held against what was told: 32 MB. More count as something new. */
#define SPAN_MAX 2048
/* Operations of one question, if no number were 0: seconds. What they don't reach fails. */
#define WORK_MAX (UINT64_C(1) << 33)

void sotto__given_release(struct sotto__given *given)
{
    sotto_free(given->rows);
    sotto_free(given->parts);
    given->rows = NULL;
    given->parts = NULL;
}

bool sotto__given_add_part(struct sotto__given *in_out, size_t column, uint64_t factor)
{
    void *parts = in_out->parts;
    if (factor == 0 || in_out->weights[column] == 0) {
        return true;
    }
    if (sotto_array_reserve(&parts, &in_out->parts_capacity_len, in_out->parts_len + 1,
                            sizeof *in_out->parts) != SOTTO_OK) {
        return false;
    }
    in_out->parts = parts;
    in_out->parts[in_out->parts_len++] =
        (struct sotto__given_part){.column = column, .factor = factor};
    return true;
}

bool sotto__given_end_row(struct sotto__given *in_out, size_t group)
{
    void *rows = in_out->rows;
    size_t first = in_out->rows_len > 0 ? in_out->rows[in_out->rows_len - 1].first +
                                              in_out->rows[in_out->rows_len - 1].len
                                        : 0;
    if (in_out->parts_len == first) {
        return true; /* a sum over nothing */
    }
    if (sotto_array_reserve(&rows, &in_out->rows_capacity_len, in_out->rows_len + 1,
                            sizeof *in_out->rows) != SOTTO_OK) {
        return false;
    }
    in_out->rows = rows;
    in_out->rows[in_out->rows_len++] =
        (struct sotto__given_row){.first = first, .len = in_out->parts_len - first, .group = group};
    return true;
}

/* --- What is looked at --- */

/* Some rows of a matrix, and their columns put together. */
struct looked_at {
    const struct sotto__given *given;
    uint8_t *is_used;  /* of each row */
    uint32_t *used_by; /* scratch, of each column: how many rows */
    uint64_t *hashes;  /* of each column: equal where its numbers are */
    size_t *order;     /* columns by their hashes */
    size_t *merged;    /* of each column: its place among those that were put together */
    uint64_t *weights; /* of these */
    size_t merged_len;
    uint64_t *factors; /* [row that is used * merged_len + merged] */
    size_t used_len;
    uint64_t work_left;
    bool is_limited; /* a search could not be ended: the next ones are not begun */
};

static void looked_at_release(struct looked_at *looked)
{
    sotto_free(looked->is_used);
    sotto_free(looked->used_by);
    sotto_free(looked->hashes);
    sotto_free(looked->order);
    sotto_free(looked->merged);
    sotto_free(looked->weights);
    sotto_free(looked->factors);
}

static enum sotto_status looked_at_init(struct looked_at *out, const struct sotto__given *given)
{
    size_t len = given->columns_len + 1;
    *out = (struct looked_at){.given = given, .work_left = WORK_MAX};
    out->is_used = sotto_alloc_zeroed(given->rows_len + 1);
    out->used_by = sotto_alloc_array(len, sizeof *out->used_by);
    out->hashes = sotto_alloc_array(len, sizeof *out->hashes);
    out->order = sotto_alloc_array(len, sizeof *out->order);
    out->merged = sotto_alloc_array(len, sizeof *out->merged);
    out->weights = sotto_alloc_array(len, sizeof *out->weights);
    bool has_memory = out->is_used != NULL && out->used_by != NULL && out->hashes != NULL &&
                      out->order != NULL && out->merged != NULL && out->weights != NULL;
    return has_memory ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

static const struct sotto__given_part *parts_of(const struct sotto__given *given, size_t row)
{
    return given->parts + given->rows[row].first;
}

static void count_uses(struct looked_at *looked, size_t row, uint32_t by)
{
    const struct sotto__given_part *parts = parts_of(looked->given, row);
    for (size_t i = 0; i < looked->given->rows[row].len; i++) {
        looked->used_by[parts[i].column] += by;
    }
}

/* Whether a row has a heavy column for itself. */
static bool is_covered(const struct looked_at *looked, size_t row, uint64_t min_rows)
{
    const struct sotto__given_part *parts = parts_of(looked->given, row);
    bool found = false;
    for (size_t i = 0; !found && i < looked->given->rows[row].len; i++) {
        found = looked->used_by[parts[i].column] == 1 &&
                looked->given->weights[parts[i].column] >= min_rows;
    }
    return found;
}

/* Leaves out rows that are covered, until none is. */
static void leave_out_covered(struct looked_at *looked, uint64_t min_rows)
{
    const struct sotto__given *given = looked->given;
    memset(looked->used_by, 0, given->columns_len * sizeof *looked->used_by);
    for (size_t i = 0; i < given->rows_len; i++) {
        if (looked->is_used[i] != 0) {
            count_uses(looked, i, 1);
        }
    }
    for (bool has_left = true; has_left;) {
        has_left = false;
        for (size_t i = given->rows_len; i-- > 0;) {
            if (looked->is_used[i] != 0 && is_covered(looked, i, min_rows)) {
                looked->is_used[i] = 0;
                count_uses(looked, i, UINT32_MAX); /* one less */
                has_left = true;
            }
        }
    }
}

/* --- Columns that are one --- */

static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

static int compare_hashes(const void *a, const void *b, void *context)
{
    const uint64_t *hashes = context;
    uint64_t x = hashes[*(const size_t *)a];
    uint64_t y = hashes[*(const size_t *)b];
    return (x > y) - (x < y);
}

/* Hashes are of numbers that the prime, which nobody knows, begins. */
static void hash_columns(struct looked_at *looked)
{
    const struct sotto__given *given = looked->given;
    memset(looked->hashes, 0, given->columns_len * sizeof *looked->hashes);
    for (size_t i = 0; i < given->rows_len; i++) {
        const struct sotto__given_part *parts = parts_of(given, i);
        for (size_t j = 0; looked->is_used[i] != 0 && j < given->rows[i].len; j++) {
            looked->hashes[parts[j].column] += mix(mix(given->prime + i) + parts[j].factor);
        }
    }
}

static void merge_columns(struct looked_at *looked)
{
    const struct sotto__given *given = looked->given;
    looked->merged_len = 0;
    hash_columns(looked);
    for (size_t i = 0; i < given->columns_len; i++) {
        looked->order[i] = i;
    }
    qsort_r(looked->order, given->columns_len, sizeof *looked->order, compare_hashes,
            looked->hashes);
    for (size_t i = 0; i < given->columns_len; i++) {
        size_t column = looked->order[i];
        uint64_t hash = looked->hashes[column];
        looked->merged[column] = SOTTO_NONE;
        if (hash == 0) {
            continue; /* it is in no row */
        }
        if (i == 0 || hash != looked->hashes[looked->order[i - 1]]) {
            looked->weights[looked->merged_len++] = 0;
        }
        looked->merged[column] = looked->merged_len - 1;
        looked->weights[looked->merged_len - 1] += given->weights[column];
    }
}

/* Writes the rows that are used as numbers of merged columns: told ones first. */
static enum sotto_status fill_factors(struct looked_at *looked)
{
    const struct sotto__given *given = looked->given;
    looked->used_len = 0;
    for (size_t i = 0; i < given->rows_len; i++) {
        looked->used_len += looked->is_used[i] != 0;
    }
    sotto_free(looked->factors);
    looked->factors =
        sotto_alloc_array(looked->used_len * looked->merged_len, sizeof *looked->factors);
    if (looked->factors == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    uint64_t *factors = looked->factors;
    for (size_t i = 0; i < given->rows_len; i++) {
        const struct sotto__given_part *parts = parts_of(given, i);
        for (size_t j = 0; looked->is_used[i] != 0 && j < given->rows[i].len; j++) {
            factors[looked->merged[parts[j].column]] = parts[j].factor;
        }
        factors += looked->is_used[i] != 0 ? looked->merged_len : 0;
    }
    return SOTTO_OK;
}

/* --- Questions --- */

/* Counts the operations of an elimination. Returns: false where there were too many. */
static bool spend(struct looked_at *looked)
{
    uint64_t least = looked->used_len < looked->merged_len ? looked->used_len : looked->merged_len;
    uint64_t work = (uint64_t)looked->used_len * looked->merged_len;
    bool is_left = least == 0 || work <= looked->work_left / least;
    looked->work_left -= is_left ? work * least : looked->work_left;
    return is_left;
}

static bool has_light(const struct looked_at *looked, uint64_t min_rows)
{
    bool found = false;
    for (size_t i = 0; !found && i < looked->merged_len; i++) {
        found = looked->weights[i] < min_rows;
    }
    return found;
}

/* Whether rows that are used give few away; what can't be said counts as that. */
static enum sotto_status give_away(struct looked_at *looked, bool *out, uint64_t min_rows)
{
    *out = false;
    leave_out_covered(looked, min_rows);
    merge_columns(looked);
    if (!has_light(looked, min_rows)) {
        return SOTTO_OK;
    }
    enum sotto_status status = fill_factors(looked);
    if (status != SOTTO_OK) {
        return status;
    }
    const struct sotto__mixture mixture = {.weights = looked->weights,
                                           .atoms_len = looked->merged_len,
                                           .factors = looked->factors,
                                           .sets_len = looked->used_len};
    *out = looked->is_limited || !spend(looked);
    if (*out) {
        return SOTTO_OK;
    }
    status = sotto__mixture_find(&mixture, out, NULL, min_rows, looked->given->prime);
    looked->is_limited = status == SOTTO_ERROR_LIMIT;
    *out = *out || status == SOTTO_ERROR_LIMIT;
    return status == SOTTO_ERROR_LIMIT ? SOTTO_OK : status;
}

static size_t count_asked(const struct looked_at *looked)
{
    size_t count = 0;
    for (size_t i = 0; i < looked->given->rows_len; i++) {
        count += looked->is_used[i] != 0 && looked->given->rows[i].group != SOTTO_NONE;
    }
    return count;
}

/* Whether rows of the question that are used are no combinations of those that were told, which
 * stand before them. What is in one row only is in no combination of the others. */
static enum sotto_status add_something(struct looked_at *looked, bool *out)
{
    const struct sotto__given *given = looked->given;
    struct sotto_span span = {0};
    size_t row = 0;
    size_t asked = count_asked(looked);
    leave_out_covered(looked, 0);
    merge_columns(looked);
    *out = count_asked(looked) < asked || looked->merged_len > SPAN_MAX;
    if (*out) {
        return SOTTO_OK;
    }
    enum sotto_status status = fill_factors(looked);
    if (status != SOTTO_OK) {
        return status;
    }
    *out = !spend(looked);
    status = *out ? SOTTO_OK : sotto_span_init(&span, looked->merged_len, given->prime);
    for (size_t i = 0; status == SOTTO_OK && !*out && i < given->rows_len; i++) {
        if (looked->is_used[i] != 0) {
            bool has_grown =
                sotto_span_add(&span, looked->factors + row++ * looked->merged_len, NULL);
            *out = has_grown && given->rows[i].group != SOTTO_NONE;
        }
    }
    sotto_span_release(&span);
    return status;
}

/* Uses what was told, and what is asked of groups up to one, of those that did not fail. */
static void use_rows(struct looked_at *looked, const uint8_t *is_failed, size_t group)
{
    const struct sotto__given *given = looked->given;
    for (size_t i = 0; i < given->rows_len; i++) {
        size_t of = given->rows[i].group;
        looked->is_used[i] = of == SOTTO_NONE || (of <= group && is_failed[of] == 0);
    }
}

static enum sotto_status judge_group(struct looked_at *looked, uint8_t *is_failed, size_t group,
                                     uint64_t min_rows)
{
    const struct sotto__given *given = looked->given;
    bool gives = false;
    bool adds = false;
    use_rows(looked, is_failed, group);
    enum sotto_status status = give_away(looked, &gives, min_rows);
    if (status != SOTTO_OK || !gives) {
        return status;
    }
    for (size_t i = 0; i < given->rows_len; i++) {
        size_t of = given->rows[i].group;
        looked->is_used[i] = of == SOTTO_NONE || of == group;
    }
    status = add_something(looked, &adds);
    is_failed[group] = status == SOTTO_OK && adds ? 1 : is_failed[group];
    return status;
}

static bool is_asked(const struct sotto__given *given, size_t group)
{
    bool found = false;
    for (size_t i = 0; !found && i < given->rows_len; i++) {
        found = given->rows[i].group == group;
    }
    return found;
}

enum sotto_status sotto__given_judge(const struct sotto__given *given, uint8_t *is_failed,
                                     size_t groups_len, uint64_t min_rows)
{
    struct looked_at looked;
    bool gives = false;
    enum sotto_status status = looked_at_init(&looked, given);
    if (status == SOTTO_OK) {
        use_rows(&looked, is_failed, groups_len);
        status = give_away(&looked, &gives, min_rows);
    }
    for (size_t i = 0; status == SOTTO_OK && gives && i < groups_len; i++) {
        if (is_failed[i] == 0 && is_asked(given, i)) {
            status = judge_group(&looked, is_failed, i, min_rows);
        }
    }
    looked_at_release(&looked);
    return status;
}
