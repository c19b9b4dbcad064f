/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PROGRAM_INDEX_H
#define SOTTO_ENGINE_PROGRAM_INDEX_H

/* One number a row instead of many conditions: the level of a key, or the place of a value among
 * sorted numbers. */

#include "kernels/kernels.h"
#include "plan/plan.h"

/* --- levels.c: the values of a key column and their groups --- */

struct sotto__levels;
enum sotto_status sotto__levels_new(struct sotto__levels **out, const struct sotto__group_key *key,
                                    struct sotto_type type,
                                    struct sotto_error *err) SOTTO_NODISCARD;
void sotto__levels_free(struct sotto__levels *levels);
#define SOTTO__GROUP_NONE UINT32_MAX /* the row's key is missing */
#define SOTTO__GROUP_OTHER (UINT32_MAX - 1)
/* The levels of rows at to at + len of a key column's block. */
void sotto__levels_find(uint32_t *out, const struct sotto__levels *levels,
                        const struct sotto_column *block, size_t at, size_t len);
/* With the group of all others, if there is one. */
size_t sotto__levels_len(const struct sotto__levels *levels);

/* --- index.c: conditions on one value that are counted by one index --- */

/* The number of a row is how many of the sorted limits are at its value or below: 0 to len; or that
 * of its text among len texts, len for all others. A row without a value has number len + 1, one
 * that made NaN len + 2, one that is left out len + 3. */
struct sotto__index {
    size_t op; /* whose values they are: of numbers, or a column of texts */
    size_t len;
    size_t offset;     /* of its len + 4 counts among a group's */
    size_t padded_len; /* a power of two, less 1: limits beyond len are above all values */
    size_t narrow_len; /* limits that a value of 64 bits can reach */
    /* Those of exact values of one limb and of two, or of doubles; else NULL. */
    int64_t *narrow_limits;
    sotto__int128 *limits;
    double *double_limits;
    struct sotto__levels *levels; /* of texts */
    struct sotto__level *texts;
};

void sotto__index_release(struct sotto__index *index);

#endif
