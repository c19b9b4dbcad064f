/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_ROWS_H
#define SOTTO_ENGINE_ROWS_H

#include "../internal.h"

/* rows_load.c: rows at to at + len of a column into a register, which may borrow from the block.
 * at is a multiple of ROWS_LEN. */
void sotto__rows_load(struct sotto__rows *rows, struct sotto__register *out,
                      const struct sotto_column *block, size_t at, size_t len);

/* rows_float.c: an operation that gives doubles, of doubles; a comparison. */
void sotto__rows_float(double *out, const struct sotto__op *op, const double *a, const double *b,
                       size_t len);
void sotto__rows_compare_float(int64_t *out, enum sotto__op_kind kind, const double *a,
                               const double *b, size_t len);

#endif
