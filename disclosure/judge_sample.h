/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_JUDGE_SAMPLE_H
#define SOTTO_DISCLOSURE_JUDGE_SAMPLE_H

/* Rows that are looked at one by one, for judge_products.c and judge_dependences.c. */

#include "judge.h"

/* A value and how many rows have it. */
struct weighed {
    double value;
    uint64_t rows;
};

/* A column's value in a row of the sample, NaN where it has none; SOTTO_NONE: 1. */
static inline double sotto__judge_find_value(const struct judging *judging, size_t row,
                                             size_t column)
{
    return column == SOTTO_NONE
               ? 1
               : sotto_evidence_sample_value(judging->evidence, judging->group, row, column);
}
/* Finds the commonest value, of those that it sorts. *out_rows: rows of all. Returns: of that one.
 */
uint64_t sotto__judge_find_commonest(struct weighed *values, size_t len, double *out,
                                     uint64_t *out_rows);

#endif
