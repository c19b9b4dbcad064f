/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_MAGNITUDE_H
#define SOTTO_DISCLOSURE_MAGNITUDE_H

/* How large the terms of a sum are: gathered row by row, and put together. */

#include <sotto/ledger.h>

/* Takes a value, 0 or above, as one of the two largest. The total is the caller's. */
static inline void sotto__magnitude_take(struct sotto_ledger_magnitude *in_out, double value)
{
    if (value > in_out->largest[1]) {
        bool is_largest = value > in_out->largest[0];
        in_out->largest[1] = is_largest ? in_out->largest[0] : value;
        in_out->largest[0] = is_largest ? value : in_out->largest[0];
    }
}

static inline void sotto__magnitude_add(struct sotto_ledger_magnitude *in_out,
                                        const struct sotto_ledger_magnitude *other)
{
    in_out->total += other->total;
    sotto__magnitude_take(in_out, other->largest[0]);
    sotto__magnitude_take(in_out, other->largest[1]);
}

/* Whether all values but the two largest are less than so many per cent of the largest. The total's
 * last bits depend on how rows were read: what is that near counts. */
static inline bool sotto__magnitude_is_dominated(const struct sotto_ledger_magnitude *magnitude,
                                                 unsigned dominance)
{
    double rest = magnitude->total - magnitude->largest[0] - magnitude->largest[1];
    double needed = magnitude->largest[0] * dominance / 100;
    return magnitude->largest[0] > 0 && rest <= needed + 1e-9 * magnitude->total;
}

#endif
