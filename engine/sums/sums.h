/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_SUMS_SUMS_H
#define SOTTO_ENGINE_SUMS_SUMS_H

/* Room sums: exact sums of what rows gave; accumulate.c for all rows together, grouped.c for groups
 * of them, indexed.c for many conditions on one value, binned.c for sums by an index. */

#include "kernels/blocks.h"
#include "rows/rows.h"

struct sotto__shared; /* of shared.c */

/* The sums of one thread's rows. */
struct sotto__sums {
    const struct sotto__program *program;
    sotto__int128 *accumulators; /* of all groups, see accumulate.c */
    double *buffers;             /* see grouped.c */
    uint16_t *fills;
    uint64_t *counts; /* [group * group_counts + an index's offset + number], see indexed.c */
    uint64_t *totals; /* scratch: of a group's counts */
    double *scratch;  /* four times SOTTO__ROWS_LEN */
    uint8_t *state;   /* of a term's rows */
    double *products; /* of two registers, rounded, and their rows' states */
    uint8_t *products_state;
    struct sotto__shared *shared; /* NULL: no columns have many products */
    size_t *added;                /* the terms that blocks are added to */
    size_t added_len;
};

/* Borrows program. Returns: SOTTO_ERROR_NO_MEMORY. Ended by sotto__sums_release. */
enum sotto_status sotto__sums_init(struct sotto__sums *out,
                                   const struct sotto__program *program) SOTTO_NODISCARD;
void sotto__sums_release(struct sotto__sums *sums);
/* Adds up, for all terms of a dataset, the rows that go into it. Borrows sums. */
struct sotto__rows_sink sotto__sums_sink(struct sotto__sums *sums);
/* Adds all of it to a partial. */
void sotto__sums_add_to(struct sotto__sums *sums, uint64_t *out);

/* accumulate.c: the product of a term's factors, by their bits, to its accumulator. */
void sotto__add_factors(sotto__int128 *words, const struct sotto__term *term,
                        const uint64_t *factors);
/* The sum of values, or of the products of two (factors_len), if the fast way takes them. bounds:
 * of their magnitudes. rests: room for len values each; len is a multiple of SOTTO__BLOCK_STEP, at
 * most SOTTO__ROWS_LEN. Returns: false if nothing was added. */
bool sotto__add_values(sotto__int128 *words, size_t factors_len, const double *const values[2],
                       const uint64_t bounds[2], double *const rests[2], size_t len);
/* value x 2^(unit - 2148), to the accumulator of a product of two. */
void sotto__add_integer(sotto__int128 *words, int64_t value, unsigned unit);
void sotto__add_exact(uint64_t *sum, const uint64_t *value, size_t value_limbs, size_t limbs);

/* indexed.c: rows to the counts of an index; the sums of a group's terms that are made of them. */
void sotto__indexed_add(struct sotto__sums *sums, const struct sotto__rows *rows, size_t index,
                        size_t len);
/* Sets totals, of each index in a group: at its offset + i, the rows with numbers below i. */
void sotto__indexed_add_up(const struct sotto__sums *sums, size_t group);
void sotto__indexed_add_to(const struct sotto__sums *sums, uint64_t *out, size_t group);

/* shared.c: what products of few columns of doubles share of a block; *out is NULL where that would
 * not pay, which the others take. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__shared_new(struct sotto__shared **out,
                                    const struct sotto__program *program) SOTTO_NODISCARD;
void sotto__shared_free(struct sotto__shared *shared);
void sotto__shared_begin(struct sotto__shared *shared);
/* Adds a term whose rows are all present. Returns: false if nothing was added. */
bool sotto__shared_add(const struct sotto__sums *sums, const struct sotto__rows *rows,
                       const struct sotto__term *term, size_t len);

/* binned.c: rows to the sums of an index's numbers; term: the first of them, which all follow. */
void sotto__binned_add(struct sotto__sums *sums, const struct sotto__rows *rows, size_t term,
                       size_t len);
/* The union of the states of a term's factors; a row that is not selected counts as missing. */
const uint8_t *sotto__term_state(const struct sotto__sums *sums, const struct sotto__rows *rows,
                                 const struct sotto__term *term, size_t len);

/* grouped.c: rows of a term to their groups' accumulators; state: 0, or wanted, for those that
 * count. Doubles wait in buffers until there are enough of a group for the fast way. */
void sotto__grouped_add(struct sotto__sums *sums, const struct sotto__rows *rows,
                        const struct sotto__term *term, const uint8_t *state, uint8_t wanted,
                        size_t len);
/* Empties the buffers. */
void sotto__grouped_flush(struct sotto__sums *sums);

#endif
