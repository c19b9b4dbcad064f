/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PROGRAM_PROGRAM_H
#define SOTTO_ENGINE_PROGRAM_PROGRAM_H

/* Room program: a round of a plan under the agreed types, as operations on rows and sums of them.
 */

#include "plan/expansion.h"
#include "program/index.h"
#include "program/operations.h"
#include "program/recipe.h"
#include "program/terms.h"

#define SOTTO__SUM_LIMBS_MAX                                                                       \
    ((SOTTO__PRODUCT_BITS_MAX + 62 + 63) / 64) /* of a slot of exact values */
#define SOTTO__GROUPS_MAX 10000
/* Of one round; of the memory for rows that one thread needs. */
#define SOTTO__ROUND_LIMBS_MAX ((size_t)1 << 22)
#define SOTTO__WANTED_MAX ((size_t)1 << 18) /* of a group: a sum takes some hundred bytes */
#define SOTTO__ROWS_BYTES_MAX ((size_t)64 << 20)

struct sotto__program {
    struct sotto__op *ops;
    size_t ops_len;
    size_t ops_capacity_len;
    struct sotto__constant *constants;
    size_t constants_len;
    size_t constants_capacity_len;
    struct sotto__term *terms;
    size_t terms_len;
    size_t terms_capacity_len;
    size_t wanted_len;              /* counts and sums of all terms */
    struct sotto__moments *moments; /* one for each aggregate, by value expression, then by node */
    size_t moments_len;
    struct sotto__earlier_number *earlier_numbers;
    size_t earlier_numbers_len;
    size_t earlier_numbers_capacity_len;
    uint64_t *parameters;  /* [group * parameters_len + place]: set when the round begins */
    size_t parameters_len; /* words of a group */
    struct sotto__index *indices;
    size_t indices_len;
    size_t indices_capacity_len;
    struct sotto__asked *asked; /* what methods ask, by call, in the order in which they do */
    size_t asked_len;
    size_t asked_capacity_len;
    struct sotto__link *links; /* parameters that methods have set */
    size_t links_len;
    size_t links_capacity_len;
    size_t group_counts; /* of all indices in a group */
    size_t where;        /* operation or SOTTO_NONE */
    bool is_complete;    /* rows count that have all columns of their dataset */
    size_t keys[SOTTO__GROUP_KEYS_MAX];
    struct sotto__levels *levels[SOTTO__GROUP_KEYS_MAX];
    size_t keys_len;
    size_t groups_len; /* 1 without keys */
    /* Of the round. With keys the last limb of a group counts the parties that withhold it. */
    uint16_t *slots;
    size_t slots_len;
    size_t group_limbs;
    size_t limbs_len;
    size_t group_accumulators; /* in units of 128 bits */
    size_t grids_len;          /* terms that have grids */
    size_t rows_bytes;         /* of the registers of one thread */
};

/* Of a round, from 1; earlier: the moments of all aggregates of the rounds before it, each of its
 * own round's program; calls: those of methods, by value expression, then by node. Returns:
 * SOTTO_ERROR_TYPE naming output and column where types do not fit, SOTTO_ERROR_LIMIT. Ownership:
 * borrows plan and expansion. err must not be NULL. */
enum sotto_status sotto__program_init(struct sotto__program *out, const struct sotto_plan *plan,
                                      const struct sotto__expansion *expansion,
                                      const struct sotto__moments *earlier,
                                      const struct sotto__call *calls, unsigned round,
                                      struct sotto_error *err) SOTTO_NODISCARD;
void sotto__program_release(struct sotto__program *program);
/* Whether the round reads a column of the expansion; whether it does not take all rows. */
bool sotto__program_reads(const struct sotto__program *program, size_t column);
static inline bool sotto__program_selects(const struct sotto__program *program)
{
    return program->where != SOTTO_NONE || program->keys_len > 0 || program->is_complete;
}

/* --- earlier.c: numbers that earlier rounds opened --- */

/* A number that earlier rounds opened, inside a row-wise expression: in each group a double. */
struct sotto__earlier_number {
    const struct sotto__expression *expression; /* borrows from the expansion */
    size_t node;
    size_t first_moments; /* of the expression's first aggregate among all */
    size_t place;         /* of the double among a group's parameters; set when it is added */
};

/* The place of a program's earlier number: that of the same one, or of a new one. earlier: as for
 * sotto__program_init. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__earlier_number_find(struct sotto__program *program, size_t *out,
                                             const struct sotto__earlier_number *number,
                                             const struct sotto__moments *earlier) SOTTO_NODISCARD;

#endif
