/* SPDX-License-Identifier: Apache-2.0 */

/* The memory of columns: buffers that grow, bits, and integers that become wider in place. Leans on
 * sotto/alloc.h, whose aligned memory is zero and padded to 64 bytes.
 *
 * The idea: bits behind what was set are zero and stay so, which is what lets bitmaps be compared,
 * counted and joined by whole bytes. */

#include "value/value.h"

#include <sotto/alloc.h>
#include <string.h>

enum sotto_status sotto__buffer_grow(void **buffer, size_t *capacity_bytes, size_t needed_bytes)
{
    if (needed_bytes <= *capacity_bytes) {
        return SOTTO_OK;
    }
    /* Doubling: n bytes appended one by one are copied less than 2 n times in all. */
    size_t bytes = *capacity_bytes > SIZE_MAX / 2 ? needed_bytes : *capacity_bytes * 2;
    bytes = bytes < needed_bytes ? needed_bytes : bytes;
    void *grown = sotto_alloc_aligned(bytes);
    if (grown == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (*capacity_bytes > 0) {
        memcpy(grown, *buffer, *capacity_bytes);
    }
    sotto_free(*buffer);
    *buffer = grown;
    *capacity_bytes = bytes;
    return SOTTO_OK;
}

void sotto__bit_set(uint8_t *bitmap, size_t i, bool value)
{
    uint8_t mask = (uint8_t)(1U << (i % 8));
    bitmap[i / 8] = (uint8_t)(value ? bitmap[i / 8] | mask : bitmap[i / 8] & ~mask);
}

void sotto__bits_set(uint8_t *bitmap, size_t from, size_t len)
{
    /* Single bits up to a whole byte, whole bytes, and the bits that are left. */
    for (; len > 0 && from % 8 != 0; from++, len--) {
        sotto__bit_set(bitmap, from, true);
    }
    memset(bitmap + from / 8, 0xFF, len / 8);
    for (from += len / 8 * 8, len %= 8; len > 0; from++, len--) {
        sotto__bit_set(bitmap, from, true);
    }
}

void sotto__values_widen(void *values, size_t len)
{
    unsigned char *bytes = values;
    /* From the last one down: value i is written to bytes [16 i, 16 i + 16), and the values that
     * are still to be read end at 8 i. */
    for (size_t i = len; i-- > 0;) {
        int64_t narrow;
        memcpy(&narrow, bytes + i * sizeof narrow, sizeof narrow);
        /* The high word repeats the sign. */
        struct sotto_int128 wide = {.low = (uint64_t)narrow, .high = narrow < 0 ? -1 : 0};
        memcpy(bytes + i * sizeof wide, &wide, sizeof wide);
    }
}
