/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_PARCEL_PARCEL_H
#define SOTTO_DATASET_PARCEL_PARCEL_H

/* Room parcel: tables from another process, in parcels. send.c writes them, receive.c takes them
 * apart, and unpack.c makes a table of what came. */

#include "arrow/arrow.h"
#include <sotto/parcel.h>

__extension__ typedef __int128 sotto__wide;
__extension__ typedef unsigned __int128 sotto__uwide;

/* 10^power, of at most SOTTO_SCALE_MAX. */
static inline sotto__wide sotto__parcel_power(unsigned power)
{
    sotto__wide out = 1;
    for (unsigned i = 0; i < power; i++) {
        out *= 10;
    }
    return out;
}

/* Whether digits x 10^-scale is below 2^63 in magnitude, as sotto_arrow_import wants it. At any
 * larger scale it fits 128 bits. */
static inline bool sotto__parcel_is_decimal(sotto__wide digits, uint8_t scale)
{
    sotto__wide limit = ((sotto__wide)1 << 63) * sotto__parcel_power(scale);
    return digits >= -limit && digits < limit;
}

#define SOTTO__PARCEL_HIDDEN 255 /* in place of a kind */

/* Bytes that grow; bits of bitmaps are counted by their owner. */
struct sotto__pile {
    void *data;
    size_t bytes;
    size_t capacity;
};

/* What came of one column: as Arrow has it, but for memory that is not padded. */
struct sotto__parcel_column {
    char *name;
    char *hidden; /* NULL: it has values */
    struct sotto_type type;
    struct sotto__pile validity; /* a bitmap */
    struct sotto__pile offsets;  /* string: int64_t, one more than rows */
    struct sotto__pile values;   /* bool: a bitmap; decimal: struct sotto_int128; string: texts */
};

enum sotto__parcels_state {
    SOTTO__PARCELS_AWAIT_COLUMNS,
    SOTTO__PARCELS_AWAIT_ROWS,
    SOTTO__PARCELS_COMPLETE,
    SOTTO__PARCELS_FAILED,
    SOTTO__PARCELS_TAKEN,
};

struct sotto_parcels {
    enum sotto__parcels_state state;
    uint8_t header[SOTTO_PARCEL_HEADER_BYTES];
    size_t header_bytes; /* of it that came */
    bool is_in_body;
    uint8_t *body; /* of the parcel that is on its way; later ones take the same memory */
    size_t body_capacity;
    size_t body_bytes;
    size_t body_len; /* of it that came */
    struct sotto__parcel_column *columns;
    size_t columns_len;
    uint64_t rows; /* that came */
    size_t piled;  /* of them, that are in the piles */
    size_t bytes;  /* of all piles */
    size_t bytes_max;
};

#endif
