/* SPDX-License-Identifier: Apache-2.0 */

/* Exact sums of rows by group. Each group has an accumulator of its own for each term; it leans on
 * accumulate.c, which adds values to one accumulator.
 *
 * The one idea: rows of all groups arrive mixed, but sums of doubles are fast only for many values
 * at once. So doubles wait in a small buffer for each group, and a buffer that is full is added
 * like a block. Integers and counts go to their group's accumulator at once. Which rows stood
 * together in a buffer leaves no trace: sums are exact. */

#include "sums/sums.h"

#include <string.h>

/* Returns: the buffer of a group for a term. Behind its values stand those of the other factor. */
static double *find_buffer(const struct sotto__sums *sums, const struct sotto__term *term,
                           size_t group)
{
    size_t width = sums->program->buffer_len * sotto__term_columns(term);
    return sums->buffers + sums->program->groups_len * term->buffer + group * width;
}

static sotto__int128 *find_accumulator(const struct sotto__sums *sums,
                                       const struct sotto__term *term, size_t group)
{
    return sums->accumulators + group * sums->program->group_accumulators + term->accumulator;
}

static void add_one_by_one(sotto__int128 *words, const struct sotto__term *term,
                           const double *const values[2], size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint64_t factors[2];
        memcpy(&factors[0], &values[0][i], sizeof factors[0]);
        memcpy(&factors[1], &values[1][i], sizeof factors[1]);
        sotto__add_factors(words, term, factors);
    }
}

/* Adds len waiting values of a group. What stands behind them, up to a whole step, becomes 0. */
static void flush_buffer(const struct sotto__sums *sums, const struct sotto__term *term,
                         size_t group, size_t len)
{
    double *buffer = find_buffer(sums, term, group);
    double *other = sotto__term_columns(term) > 1 ? buffer + sums->program->buffer_len : buffer;
    const double *const values[2] = {buffer, other};
    double *const rests[2] = {sums->scratch, sums->scratch + SOTTO__ROWS_LEN};
    sotto__int128 *words = find_accumulator(sums, term, group);
    size_t padded = (len + SOTTO__BLOCK_STEP - 1) & ~(size_t)(SOTTO__BLOCK_STEP - 1);
    memset(buffer + len, 0, (padded - len) * sizeof *buffer);
    memset(other + len, 0, (padded - len) * sizeof *other);
    uint64_t bounds[2] = {sotto__blocks()->largest(buffer, len), 0};
    bounds[1] = other == buffer ? bounds[0] : sotto__blocks()->largest(other, len);
    if (!sotto__add_values(words, term->factors_len, values, bounds, rests, padded)) {
        add_one_by_one(words, term, values, len);
    }
}

/* Branch-free: a row without a value is written as well, but the fill does not advance, so that the
 * next row overwrites it. */
static void put_doubles(struct sotto__sums *sums, const struct sotto__rows *rows,
                        const struct sotto__term *term, const uint8_t *state, size_t len)
{
    const double *x = rows->registers[term->factors[0]].values;
    const double *y = rows->registers[term->factors[term->factors_len - 1]].values;
    const uint32_t *groups = rows->groups;
    uint16_t *fills = sums->fills + sums->program->groups_len * term->fill;
    double *buffers = find_buffer(sums, term, 0);
    size_t buffer_len = sums->program->buffer_len;
    bool is_pair = sotto__term_columns(term) > 1;
    size_t width = buffer_len << is_pair;
    for (size_t i = 0; i < len; i++) {
        uint32_t group = groups[i];
        SOTTO_VERIFY(fills[group] < buffer_len);
        size_t at = fills[group];
        double *buffer = buffers + group * width + at;
        *buffer = x[i];
        if (is_pair) {
            buffer[buffer_len] = y[i];
        }
        at += state[i] == 0;
        fills[group] = (uint16_t)at;
        if (at == buffer_len) {
            flush_buffer(sums, term, group, buffer_len);
            fills[group] = 0;
        }
    }
}

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

/* Adds wide values, and products of more than two doubles, row by row. */
static void put_others(struct sotto__sums *sums, const struct sotto__rows *rows,
                       const struct sotto__term *term, const uint8_t *state, size_t len)
{
    const struct sotto__register *reg = &rows->registers[term->factors[0]];
    for (size_t i = 0; i < len; i++) {
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

void sotto__grouped_add(struct sotto__sums *sums, const struct sotto__rows *rows,
                        const struct sotto__term *term, const uint8_t *state, uint8_t wanted,
                        size_t len)
{
    for (size_t i = 0; i < len; i++) { /* rows that are left out have one too */
        SOTTO_VERIFY(rows->groups[i] < sums->program->groups_len);
    }
    if (term->kind != SOTTO__TERM_SUM) {
        put_counts(sums, rows, term, state, wanted, len);
    } else if (sotto__term_columns(term) > 0) {
        put_doubles(sums, rows, term, state, len);
    } else if (term->type != SOTTO__ROW_FLOAT && term->limbs == 2 &&
               rows->registers[term->factors[0]].limbs <= 2) {
        put_integers(sums, rows, term, state, len);
    } else {
        put_others(sums, rows, term, state, len);
    }
}

void sotto__grouped_flush(struct sotto__sums *sums)
{
    const struct sotto__program *program = sums->program;
    for (size_t i = 0; program->keys_len > 0 && i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        uint16_t *fills = sums->fills + program->groups_len * term->fill;
        for (size_t group = 0; sotto__term_columns(term) > 0 && group < program->groups_len;
             group++) {
            if (fills[group] > 0) {
                flush_buffer(sums, term, group, fills[group]);
                fills[group] = 0;
            }
        }
    }
}
