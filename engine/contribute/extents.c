/* SPDX-License-Identifier: Apache-2.0 */

/* Between which values a column's rows lie, and in steps of what: how many bits one of them is. It
 * leans on the registers of the room rows. The one idea: the step is a power of two or of ten, so
 * that steps of some rows and of others merge by their minimum; where a value ends with enough
 * zeros, which most don't, nothing more is looked at. */

#include "contribute/extents.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double tens[SOTTO_SCALE_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                                 1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                                 1e14, 1e15, 1e16, 1e17, 1e18};

void sotto__extent_init(struct sotto__extent *out)
{
    *out = (struct sotto__extent){.least = INFINITY, .most = -INFINITY, .step = INFINITY};
}

void sotto__extent_merge(struct sotto__extent *in_out, const struct sotto__extent *other)
{
    in_out->least = other->least < in_out->least ? other->least : in_out->least;
    in_out->most = other->most > in_out->most ? other->most : in_out->most;
    in_out->step = other->step < in_out->step ? other->step : in_out->step;
}

/* The last digit of a double that is not 0, as a number; infinity of 0 and of NaN. Taking a 1 off
 * its word's end takes that digit off, or, of a power of two, leaves another one. */
static double find_last_bit(double value)
{
    uint64_t word;
    double rest;
    memcpy(&word, &value, sizeof word);
    bool is_power = (word & ((UINT64_C(1) << (DBL_MANT_DIG - 1)) - 1)) == 0;
    word &= word - 1;
    memcpy(&rest, &word, sizeof rest);
    double bit = is_power ? fabs(value) : fabs(value - rest);
    return bit > 0 ? bit : INFINITY;
}

static void take_floats(struct sotto__extent *in_out, const struct sotto__piece *piece)
{
    double step = in_out->step;
    for (size_t i = piece->first; i < piece->last; i++) {
        double bit = find_last_bit(piece->values[i]);
        step = bit < step ? bit : step;
    }
    in_out->step = step;
}

/* How many of its last digits are zeros, up to so many; of 0 as many. */
static unsigned count_zeros(const struct sotto__register *reg, size_t i, unsigned zeros_max)
{
    const uint64_t *limbs = (const uint64_t *)reg->values + i * reg->limbs;
    sotto__int128 value = (int64_t)limbs[0];
    unsigned zeros = 0;
    if (reg->limbs > 1) {
        value = (sotto__int128)((sotto__uint128)limbs[1] << 64 | limbs[0]);
    }
    if (reg->limbs > 2) {
        return 0;
    }
    while (zeros < zeros_max && value % 10 == 0) {
        value /= 10;
        zeros++;
    }
    return zeros;
}

static void take_exact(struct sotto__extent *in_out, const struct sotto__piece *piece)
{
    unsigned zeros = 0;
    while (zeros < piece->op->scale && tens[zeros] < in_out->step) {
        zeros++;
    }
    for (size_t i = piece->first; zeros > 0 && i < piece->last; i++) {
        if (piece->values[i] == piece->values[i]) {
            zeros = count_zeros(piece->reg, i, zeros);
        }
    }
    in_out->step = tens[zeros];
}

void sotto__extent_take(struct sotto__extent *in_out, const struct sotto__piece *piece)
{
    double least = in_out->least;
    double most = in_out->most;
    for (size_t i = piece->first; i < piece->last; i++) {
        double value = piece->values[i];
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    in_out->least = least;
    in_out->most = most;
    if (piece->op->type == SOTTO__ROW_FLOAT) {
        take_floats(in_out, piece);
    } else {
        take_exact(in_out, piece);
    }
}

double sotto__extent_bits(const struct sotto__extent *extent)
{
    if (!(extent->least < extent->most)) {
        return 0;
    }
    double steps = log2(extent->most / 2 - extent->least / 2) + 1 - log2(extent->step);
    return steps < DBL_MANT_DIG ? log2(exp2(steps) + 1) : steps;
}
