/* SPDX-License-Identifier: Apache-2.0 */

/* A block of a column into a register. It leans on the layouts of sotto/column.h and on the
 * kernels.
 *
 * The one idea: here, where values are read for the first time, one pass finds how large they are
 * in these rows. All bounds of exact.c and of the sums grow from that. Values are borrowed from the
 * block where it holds them as a register does. */

#include "kernels/blocks.h"
#include "rows/rows.h"

#include <string.h>

static unsigned count_bits(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

static bool are_all_set(const uint8_t *bits, size_t len)
{
    unsigned all = 0xFF;
    for (size_t i = 0; i < len / 8; i++) {
        all &= bits[i];
    }
    unsigned last = (1U << (len % 8)) - 1;
    return all == 0xFF && (last == 0 || (bits[len / 8] & last) == last);
}

static void load_state(struct sotto__rows *rows, struct sotto__register *out,
                       const struct sotto_column *block, size_t at, size_t len)
{
    out->state = rows->no_state;
    if (block->type.kind == SOTTO_KIND_NULL) {
        memset(out->own_state, SOTTO__ROW_MISSING, len);
        out->state = out->own_state;
    } else if (block->validity != NULL && !are_all_set(block->validity + at / 8, len)) {
        const uint8_t *bits = block->validity + at / 8;
        uint8_t *state = out->own_state;
        for (size_t i = 0; i < len; i++) {
            state[i] = (uint8_t)(~((unsigned)bits[i / 8] >> (i % 8)) & SOTTO__ROW_MISSING);
        }
        out->state = state;
    }
}

static void load_bools(struct sotto__register *out, const uint8_t *bits, size_t len)
{
    int64_t *values = out->own_values;
    for (size_t i = 0; i < len; i++) {
        values[i] = ((unsigned)bits[i / 8] >> (i % 8)) & 1U;
    }
    out->values = values;
    out->bits = 0;
    out->limbs = 1;
}

static void load_integers(struct sotto__register *out, const int64_t *values, size_t len)
{
    out->bits = count_bits(sotto__blocks()->magnitudes(values, len));
    out->limbs = sotto__limbs_of_bits(out->bits);
    out->values = values;
    if (out->limbs > 1) { /* 63 bits: the bound 2^63 is no int64 */
        sotto__int128 *wide = out->own_values;
        for (size_t i = 0; i < len; i++) {
            wide[i] = values[i];
        }
        out->values = wide;
    }
}

static void load_wide(struct sotto__register *out, const struct sotto_int128 *values, size_t len)
{
    uint64_t any_low = 0;
    uint64_t any_high = 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t sign = values[i].high < 0 ? UINT64_MAX : 0;
        any_low |= values[i].low ^ sign;
        any_high |= (uint64_t)values[i].high ^ sign;
    }
    out->bits = any_high != 0 ? 64 + count_bits(any_high) : count_bits(any_low);
    out->limbs = sotto__limbs_of_bits(out->bits);
    out->values = out->own_values;
    for (size_t i = 0; i < len; i++) {
        if (out->limbs == 1) {
            ((uint64_t *)out->own_values)[i] = values[i].low;
        } else {
            ((uint64_t *)out->own_values)[2 * i] = values[i].low;
            ((uint64_t *)out->own_values)[2 * i + 1] = (uint64_t)values[i].high;
        }
    }
}

/* NaN in data is a missing value. */
static void load_doubles(struct sotto__register *out, const double *values, size_t len)
{
    out->values = values;
    out->bound = sotto__blocks()->range(&out->least, values, len);
    if (out->bound <= SOTTO__INFINITY_BITS) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        out->own_state[i] = values[i] != values[i] ? SOTTO__ROW_MISSING : out->state[i];
    }
    out->state = out->own_state;
    out->bound = SOTTO__BOUND_UNKNOWN;
}

void sotto__rows_load(struct sotto__rows *rows, struct sotto__register *out,
                      const struct sotto_column *block, size_t at, size_t len)
{
    load_state(rows, out, block, at, len);
    switch (block->type.kind) {
    case SOTTO_KIND_BOOL:
        load_bools(out, (const uint8_t *)block->values + at / 8, len);
        break;
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_DATE:
    case SOTTO_KIND_DATETIME:
    case SOTTO_KIND_DATETIME_UTC:
        load_integers(out, (const int64_t *)block->values + at, len);
        break;
    case SOTTO_KIND_DECIMAL:
        if (block->wide) {
            load_wide(out, (const struct sotto_int128 *)block->values + at, len);
        } else {
            load_integers(out, (const int64_t *)block->values + at, len);
        }
        break;
    case SOTTO_KIND_FLOAT64:
        load_doubles(out, (const double *)block->values + at, len);
        break;
    default: /* missing everywhere: values stay 0; texts are read where they are compared */
        out->bits = 0;
        out->limbs = 1;
        break;
    }
}
