/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_EXTENTS_H
#define SOTTO_ENGINE_CONTRIBUTE_EXTENTS_H

/* How many bits the values of a column's rows are. */

#include "rows/rows.h"

struct sotto__extent {
    double least; /* above most: there are no values */
    double most;
    double step; /* all values are multiples of it: a power of two, or of exact numbers of ten */
};

/* A piece of a column, from one row to before another: its register, of exact numbers of a scale or
 * of doubles, and its values as doubles, NaN where there is none or it is not looked at. */
struct sotto__piece {
    const struct sotto__register *reg;
    const struct sotto__op *op;
    const double *values;
    size_t first;
    size_t last;
};

void sotto__extent_init(struct sotto__extent *out);
void sotto__extent_merge(struct sotto__extent *in_out, const struct sotto__extent *other);
void sotto__extent_take(struct sotto__extent *in_out, const struct sotto__piece *piece);
/* How many bits tell its values apart; 0 if there are not two. */
double sotto__extent_bits(const struct sotto__extent *extent);

#endif
