/* SPDX-License-Identifier: Apache-2.0 */

/* What every column that is handed out must be like (sotto/column.h), checked in VERIFY builds: by
 * each reader's blocks, by tables that were loaded and by tables that came through Arrow. Leans on
 * nothing.
 *
 * The idea: the engine adds values without looking at validity where it can, so a missing value
 * that is not 0 would be a wrong sum and nothing else would notice. */

#include "value/value.h"

#ifdef SOTTO_VERIFY_BUILD

#include <string.h>

static void verify_missing_is_zero(const struct sotto_column *column, size_t row)
{
    static const unsigned char zeros[sizeof(struct sotto_int128)];
    const unsigned char *values = column->values;
    size_t bytes = column->wide ? sizeof(struct sotto_int128) : sizeof(int64_t);
    switch (column->type.kind) {
    case SOTTO_KIND_NULL:
        break;
    case SOTTO_KIND_BOOL:
        SOTTO_VERIFY(((values[row / 8] >> (row % 8)) & 1) == 0);
        break;
    case SOTTO_KIND_STRING:
        SOTTO_VERIFY(column->offsets[row + 1] == column->offsets[row]);
        break;
    default: /* the bits of 0.0 too: it has no sign here */
        SOTTO_VERIFY(memcmp(values + row * bytes, zeros, bytes) == 0);
        break;
    }
}

static void verify_offsets(const struct sotto_column *column)
{
    SOTTO_VERIFY(column->offsets != NULL && column->offsets[0] == 0);
    for (size_t row = 0; row < column->len; row++) {
        SOTTO_VERIFY(column->offsets[row] <= column->offsets[row + 1]);
    }
}

void sotto__column_verify(const struct sotto_column *column)
{
    bool decimal = column->type.kind == SOTTO_KIND_DECIMAL;
    size_t missing = 0;
    SOTTO_VERIFY(column->type.scale <= (decimal ? SOTTO_SCALE_MAX : 0));
    SOTTO_VERIFY(decimal || !column->wide);
    SOTTO_VERIFY((column->validity == NULL) == (column->null_count == 0));
    SOTTO_VERIFY(column->type.kind != SOTTO_KIND_NULL || column->null_count == column->len);
    if (column->type.kind == SOTTO_KIND_STRING) {
        verify_offsets(column);
    }
    for (size_t row = 0; row < column->len; row++) {
        if (!sotto_column_is_valid(column, row)) {
            missing++;
            verify_missing_is_zero(column, row);
        }
    }
    SOTTO_VERIFY(missing == column->null_count);
}

#endif
