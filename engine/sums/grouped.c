/* SPDX-License-Identifier: Apache-2.0 */

/* Exact sums of rows by group. Each group has an accumulator of its own for each term; it leans on
 * accumulate.c, which adds values to one accumulator, and on the kernel of grids.
 *
 * The one idea: rows of all groups arrive mixed, and an accumulator is slow to add one double to.
 * So doubles and products of two are taken apart onto grids that are the same for all groups and
 * many blocks, and each group adds up the parts of its rows, four plain additions without an error.
 * Accumulators get these sums when rows of other magnitudes come, and in the end. Which rows were
 * added up together leaves no trace: sums are exact. Integers and counts go to their group's
 * accumulator at once. */

#include "sums/sums.h"

#include <string.h>

#define PIECE_LEN 128 /* so that parts stay in the first-level cache */

_Static_assert(PIECE_LEN % SOTTO__BLOCK_STEP == 0 && SOTTO__ROWS_LEN % PIECE_LEN == 0, "");

static sotto__int128 *find_accumulator(const struct sotto__sums *sums,
                                       const struct sotto__term *term, size_t group)
{
    return sums->accumulators + group * sums->program->group_accumulators + term->accumulator;
}

/* Adds wide values, and doubles that no grid takes, row by row, from row first on. */
static void put_one_by_one(struct sotto__sums *sums, const struct sotto__rows *rows,
                           const struct sotto__term *term, const uint8_t *state, size_t first,
                           size_t len)
{
    const struct sotto__register *reg = &rows->registers[term->factors[0]];
    for (size_t i = first; i < len; i++) {
        if (state[i] != 0) {
            continue;
        }
        sotto__int128 *words = find_accumulator(sums, term, rows->groups[i]);
        if (term->type != SOTTO__ROW_FLOAT) {
            sotto__add_exact((uint64_t *)words, (const uint64_t *)reg->values + i * reg->limbs,
                             reg->limbs, term->limbs);
            continue;
        }
        uint64_t factors[SOTTO__TERM_FACTORS_MAX];
        for (size_t j = 0; j < term->factors_len; j++) {
            const double *values = rows->registers[term->factors[j]].values;
            memcpy(&factors[j], &values[i], sizeof factors[j]);
        }
        sotto__add_factors(words, term, factors);
    }
}

/* --- Grids --- */

/* With few groups neighbours are often of one, and each would wait for the other's sum to be
 * stored: they have two sums then, for rows in turn. */
#define GROUPS_FEW 64

static size_t count_sums(const struct sotto__program *program)
{
    return program->groups_len * (program->groups_len <= GROUPS_FEW ? 2 : 1);
}

size_t sotto__grouped_sums_len(const struct sotto__program *program)
{
    return program->grids_len * count_sums(program) * SOTTO__GRIDS_LEN;
}

static double *find_sums(const struct sotto__sums *sums, const struct sotto__term *term)
{
    return sums->grid_sums + term->grids * count_sums(sums->program) * SOTTO__GRIDS_LEN;
}

/* Adds what stands on a term's grids to its accumulators. */
static void empty_grids(struct sotto__sums *sums, const struct sotto__term *term)
{
    double *at = find_sums(sums, term);
    size_t len = count_sums(sums->program);
    for (size_t i = 0; i < len; i++) {
        sotto__int128 *words = find_accumulator(sums, term, i % sums->program->groups_len);
        for (size_t j = 0; j < SOTTO__GRIDS_LEN; j++, at++) {
            sotto__add_double(words, *at, term->factors_len);
            *at = 0;
        }
    }
    sums->grids[term->grids].rows = 0;
}

/* Makes the grids such that they take len more values of an exponent. To empty them takes about as
 * long as adding one row for each group, so they are not before there were so many, whatever values
 * come. Returns: false where they don't take them now. */
static bool prepare_grids(struct sotto__sums *sums, const struct sotto__term *term,
                          int64_t exponent, size_t len)
{
    struct sotto__grids *grids = &sums->grids[term->grids];
    bool is_wrong =
        exponent > grids->exponent || (grids->leaves_much && exponent < grids->exponent);
    bool is_due = grids->rows >= sums->program->groups_len;
    if (grids->rows > 0 && ((is_wrong && is_due) || grids->rows + len > SOTTO__GRID_PARTS_MAX)) {
        empty_grids(sums, term);
    }
    if (grids->rows == 0) {
        grids->exponent = exponent;
    }
    grids->rows += len; /* also those that are added one by one */
    return exponent <= grids->exponent;
}

/* Adds what grids left. Returns: of how many rows. */
static size_t add_rests(const struct sotto__sums *sums, const struct sotto__term *term,
                        const uint32_t *groups, const double *rest, size_t len)
{
    size_t rests_len = 0;
    for (size_t i = 0; i < len; i++) {
        if (rest[i] != 0) {
            sotto__add_double(find_accumulator(sums, term, groups[i]), rest[i], term->factors_len);
            rests_len++;
        }
    }
    return rests_len;
}

static bool are_all_present(const uint8_t *state, size_t len)
{
    unsigned any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= state[i];
    }
    return any == 0;
}

/* values: of the factors, 0 where there are none, up to a multiple of SOTTO__BLOCK_STEP; at: the
 * first row. Returns: false where the kernel refuses them; nothing is added then. */
static bool put_piece(struct sotto__sums *sums, const struct sotto__rows *rows,
                      const struct sotto__term *term, const double *const values[2], size_t at,
                      size_t len)
{
    struct sotto__grids *grids = &sums->grids[term->grids];
    double(*parts)[SOTTO__ROWS_LEN] = (double(*)[SOTTO__ROWS_LEN])sums->parts;
    double *rest = sums->parts + (size_t)SOTTO__GRIDS_LEN * SOTTO__ROWS_LEN;
    double *const rests[2] = {rest, rest + SOTTO__ROWS_LEN};
    const uint32_t *groups = rows->groups + at;
    size_t padded = (len + SOTTO__BLOCK_STEP - 1) & ~(size_t)(SOTTO__BLOCK_STEP - 1);
    size_t rests_len = 0;
    enum sotto__blocks_result result =
        sotto__blocks()->split(parts, rests, grids->exponent, values[0] + at,
                               values[1] != NULL ? values[1] + at : NULL, padded);
    if (result == SOTTO__BLOCKS_REFUSED) {
        grids->leaves_much = true;
        return false;
    }
    size_t apart = (count_sums(sums->program) - sums->program->groups_len) * SOTTO__GRIDS_LEN;
    sotto__blocks()->add_parts(find_sums(sums, term), apart, groups, parts, len);
    for (size_t i = 0; result == SOTTO__BLOCKS_LEFT_REST && i < term->factors_len; i++) {
        rests_len += add_rests(sums, term, groups, rests[i], len);
    }
    grids->leaves_much = rests_len > len / 8;
    return true;
}

static void put_doubles(struct sotto__sums *sums, const struct sotto__rows *rows,
                        const struct sotto__term *term, const uint8_t *state, size_t len)
{
    const double *values[2] = {NULL, NULL};
    uint64_t bounds[2] = {0, 0};
    bool is_zero = false;
    bool is_finite = true;
    size_t at = 0;
    sotto__find_factors(values, bounds, sums->scratch, rows, term, state,
                        are_all_present(state, len), len);
    for (size_t i = 0; i < term->factors_len; i++) {
        is_zero = is_zero || bounds[i] == 0;
        is_finite = is_finite && bounds[i] < SOTTO__INFINITY_BITS;
    }
    if (is_zero) {
        return;
    }
    int64_t exponent = term->factors_len == 1 ? (int64_t)(bounds[0] >> 52)
                                              : sotto__exponent_of_products(bounds[0], bounds[1]);
    if (is_finite && prepare_grids(sums, term, exponent, len)) {
        while (at < len && put_piece(sums, rows, term, values, at,
                                     len - at < PIECE_LEN ? len - at : PIECE_LEN)) {
            at += PIECE_LEN;
        }
    }
    put_one_by_one(sums, rows, term, state, at, len);
}

/* --- Others --- */

/* Adds values of one or two words to sums of two words. */
static void put_integers(struct sotto__sums *sums, const struct sotto__rows *rows,
                         const struct sotto__term *term, const uint8_t *state, size_t len)
{
    const struct sotto__register *reg = &rows->registers[term->factors[0]];
    const int64_t *narrow = reg->values;
    const sotto__int128 *wide = reg->values;
    const uint32_t *groups = rows->groups;
    sotto__int128 *totals = find_accumulator(sums, term, 0);
    size_t stride = sums->program->group_accumulators;
    for (size_t i = 0; reg->limbs == 1 && i < len; i++) {
        totals[groups[i] * stride] += state[i] == 0 ? narrow[i] : 0;
    }
    for (size_t i = 0; reg->limbs == 2 && i < len; i++) {
        totals[groups[i] * stride] += state[i] == 0 ? wide[i] : 0;
    }
}

static void put_counts(struct sotto__sums *sums, const struct sotto__rows *rows,
                       const struct sotto__term *term, const uint8_t *state, uint8_t wanted,
                       size_t len)
{
    const uint32_t *groups = rows->groups;
    uint64_t *counts = (uint64_t *)find_accumulator(sums, term, 0);
    size_t stride = sums->program->group_accumulators * 2; /* a count is the first word of two */
    for (size_t i = 0; i < len; i++) {
        counts[groups[i] * stride] += state[i] == wanted;
    }
}

void sotto__grouped_add(struct sotto__sums *sums, const struct sotto__rows *rows,
                        const struct sotto__term *term, const uint8_t *state, uint8_t wanted,
                        size_t len)
{
    for (size_t i = 0; i < len; i++) { /* rows that are left out have one too */
        SOTTO_VERIFY(rows->groups[i] < sums->program->groups_len);
    }
    if (term->kind != SOTTO__TERM_SUM) {
        put_counts(sums, rows, term, state, wanted, len);
    } else if (sotto__term_has_grids(term)) {
        put_doubles(sums, rows, term, state, len);
    } else if (term->type != SOTTO__ROW_FLOAT && term->limbs == 2 &&
               rows->registers[term->factors[0]].limbs <= 2) {
        put_integers(sums, rows, term, state, len);
    } else {
        put_one_by_one(sums, rows, term, state, 0, len);
    }
}

void sotto__grouped_flush(struct sotto__sums *sums)
{
    const struct sotto__program *program = sums->program;
    for (size_t i = 0; program->keys_len > 0 && i < program->terms_len; i++) {
        if (sotto__term_has_grids(&program->terms[i])) {
            empty_grids(sums, &program->terms[i]);
        }
    }
}
