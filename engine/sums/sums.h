/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_SUMS_SUMS_H
#define SOTTO_ENGINE_SUMS_SUMS_H

/* Room sums: exact sums of what rows gave; accumulate.c for all rows together, grouped.c for groups
 * of them, indexed.c for many conditions on one value, binned.c for sums by an index. */

#include "kernels/blocks.h"
#include "rows/rows.h"

struct sotto__shared; /* of shared.c */

/* The grids that doubles of all groups are added up on (sotto__blocks's split). */
struct sotto__grids {
    int64_t exponent; /* as split has it */
    size_t rows; /* that came since they were empty; at most SOTTO__GRID_PARTS_MAX are on them */
    bool leaves_much; /* of the last rows, so that lower ones would do better */
};

/* The sums of one thread's rows. */
struct sotto__sums {
    const struct sotto__program *program;
    sotto__int128 *accumulators; /* of all groups, see accumulate.c */
    struct sotto__grids *grids;  /* [term's grids], see grouped.c */
    double *grid_sums;           /* of their groups */
    double *parts;               /* scratch: on each grid, and two rests; SOTTO__ROWS_LEN each */
    uint64_t *counts; /* [group * group_counts + an index's offset + number], see indexed.c */
    uint64_t *totals; /* scratch: of a group's counts */
    double *scratch;  /* four times SOTTO__ROWS_LEN */
    uint8_t *state;   /* of a term's rows */
    double *products; /* of two registers, rounded, and their rows' states */
    uint8_t *products_state;
    struct sotto__shared *shared; /* NULL: no columns have many products */
    size_t *added; /* the terms that blocks are added to; those of sotto__shared_sums come last */
    size_t added_len;
    size_t unshared_len; /* the others among them */
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
/* One finite double, in units of 2^(-1074 factors_len). */
void sotto__add_double(sotto__int128 *words, double value, size_t factors_len);
/* Sets out to the values of a term's one or two factors (a square's to the same), or to copies in
 * room, twice SOTTO__ROWS_LEN, with 0 where there is no value and up to a multiple of
 * SOTTO__BLOCK_STEP; all: there are values in all rows. out_bounds bound them. */
void sotto__find_factors(const double *out[2], uint64_t out_bounds[2], double *room,
                         const struct sotto__rows *rows, const struct sotto__term *term,
                         const uint8_t *state, bool all, size_t len);
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
/* Whether a term is the sum of a column, so that sotto__shared_begin may add it. shared: or NULL.
 */
bool sotto__shared_sums(const struct sotto__shared *shared, const struct sotto__program *program,
                        const struct sotto__term *term);
/* Begins a block of a dataset. Returns: whether all such terms are added already: they are not to
 * be added again. */
bool sotto__shared_begin(const struct sotto__sums *sums, const struct sotto__rows *rows,
                         size_t dataset, size_t len);
/* What sotto__shared_begin added to a term, as words; NULL if it never does. */
const sotto__int128 *sotto__shared_total(const struct sotto__sums *sums,
                                         const struct sotto__term *term);
/* Adds what waits to the accumulators. */
void sotto__shared_flush(const struct sotto__sums *sums);
/* Adds a term whose rows are all present. Returns: false if nothing was added. */
bool sotto__shared_add(const struct sotto__sums *sums, const struct sotto__rows *rows,
                       const struct sotto__term *term, size_t len);

/* binned.c: rows to the sums of an index's numbers; term: the first of them, which all follow. */
void sotto__binned_add(struct sotto__sums *sums, const struct sotto__rows *rows, size_t term,
                       size_t len);
/* The union of the states of a term's factors; a row that is not selected counts as missing. */
const uint8_t *sotto__term_state(const struct sotto__sums *sums, const struct sotto__rows *rows,
                                 const struct sotto__term *term, size_t len);

/* grouped.c: rows of a term to their groups' accumulators, or grids; state: 0, or wanted, for those
 * that count. */
void sotto__grouped_add(struct sotto__sums *sums, const struct sotto__rows *rows,
                        const struct sotto__term *term, const uint8_t *state, uint8_t wanted,
                        size_t len);
/* How many doubles stand on the grids of all terms. */
size_t sotto__grouped_sums_len(const struct sotto__program *program);
/* Empties all grids. */
void sotto__grouped_flush(struct sotto__sums *sums);

#endif
