/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_COLUMN_H
#define SOTTO_COLUMN_H

/* Typed column buffers in the Arrow layout: values aligned to and padded to 64 bytes, least
 * significant bit first validity bitmaps. */

#include <sotto/type.h>

SOTTO_BEGIN_DECLS

/* A 128-bit two's complement integer as Arrow's decimal128 stores it. */
struct sotto_int128 {
    uint64_t low;
    int64_t high;
};

/* A view of a column, or of one block of it: borrows everything. Values at missing places are 0
 * (an empty string). */
struct sotto_column {
    struct sotto_type type;
    bool wide;               /* decimal only: values are struct sotto_int128 */
    size_t len;              /* rows */
    size_t null_count;       /* missing among them */
    const uint8_t *validity; /* bit i set: row i is present; NULL if null_count == 0 */
    const void *values;      /* null: NULL; bool: bitmap; int64: int64_t; decimal: int64_t or
                                struct sotto_int128; float64: double; string: bytes */
    const int64_t *offsets;  /* string only: len + 1 byte offsets into values */
};

/* Whether row is present. Requires row < column->len. */
static inline bool sotto_column_is_valid(const struct sotto_column *column, size_t row)
{
    return column->validity == NULL || ((column->validity[row / 8] >> (row % 8)) & 1) != 0;
}

SOTTO_END_DECLS

#endif
