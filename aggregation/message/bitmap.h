/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_MESSAGE_BITMAP_H
#define SOTTO_AGGREGATION_MESSAGE_BITMAP_H

/* Bitmaps of parties, as messages carry them: least significant bit first. */

#include <sotto/bytes.h>

static inline size_t bitmap_bytes(uint32_t len)
{
    return ((size_t)len + 7) / 8;
}

static inline bool bitmap_get(const uint8_t *bitmap, uint32_t i)
{
    return ((bitmap[i / 8] >> (i % 8)) & 1) != 0;
}

static inline void bitmap_set(uint8_t *bitmap, uint32_t i)
{
    bitmap[i / 8] = (uint8_t)(bitmap[i / 8] | (1U << (i % 8)));
}

static inline uint32_t bitmap_count(const uint8_t *bitmap, uint32_t len)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < len; i++) {
        count += bitmap_get(bitmap, i);
    }
    return count;
}

/* Reads a bitmap of len bits, which borrows from the reader's bytes. Fails the reader, and gives
 * NULL, where bits beyond len are set: a set has one bitmap only, since bitmaps are signed. */
const uint8_t *sotto__bitmap_read(struct sotto_reader *reader, uint32_t len);

#endif
