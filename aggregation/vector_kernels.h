/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_VECTOR_KERNELS_H
#define SOTTO_AGGREGATION_VECTOR_KERNELS_H

/* Additions of elements, for the files that compile them for one SIMD level each. */

#include "internal.h"

#include <string.h>

/* 32 and 64 bits: plain loops, which the compiler turns into SIMD of the file that includes them.
 */
#define DEFINE_ADD(name, type, op)                                                                 \
    static void name(uint8_t *vector, const uint8_t *addend, size_t elements_len)                  \
    {                                                                                              \
        for (size_t i = 0; i < elements_len; i++) {                                                \
            type a;                                                                                \
            type b;                                                                                \
            memcpy(&a, vector + i * sizeof a, sizeof a);                                           \
            memcpy(&b, addend + i * sizeof b, sizeof b);                                           \
            a = a op b;                                                                            \
            memcpy(vector + i * sizeof a, &a, sizeof a);                                           \
        }                                                                                          \
    }

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "vectors are little endian in memory; big-endian hosts need swapped loads here"
#endif

DEFINE_ADD(add_32, uint32_t, +)
DEFINE_ADD(subtract_32, uint32_t, -)
DEFINE_ADD(add_64, uint64_t, +)
DEFINE_ADD(subtract_64, uint64_t, -)

/* 40 bits: eight elements are five words. With the top bit of each element held back no carry
 * leaves an element, so that one long addition adds all eight; the top bits are added without
 * carry. `top` has the top bit of each element set. */
static const uint64_t top_40[5] = {
    UINT64_C(0x0000008000000000), UINT64_C(0x0080000000008000), UINT64_C(0x0000000080000000),
    UINT64_C(0x0000800000000080), UINT64_C(0x8000000000800000),
};

static uint64_t load_40(const uint8_t *from)
{
    uint64_t value = 0;
    memcpy(&value, from, 5);
    return value;
}

static void add_40(uint8_t *vector, const uint8_t *addend, size_t elements_len)
{
    size_t i = 0;
    for (; i + 8 <= elements_len; i += 8) {
        uint64_t a[5];
        uint64_t b[5];
        uint64_t carry = 0;
        memcpy(a, vector + 5 * i, sizeof a);
        memcpy(b, addend + 5 * i, sizeof b);
        for (size_t k = 0; k < 5; k++) {
            uint64_t tops = (a[k] ^ b[k]) & top_40[k];
            uint64_t over = __builtin_add_overflow(a[k] & ~top_40[k], b[k] & ~top_40[k], &a[k]);
            carry = over | __builtin_add_overflow(a[k], carry, &a[k]);
            a[k] ^= tops;
        }
        memcpy(vector + 5 * i, a, sizeof a);
    }
    for (; i < elements_len; i++) {
        uint64_t sum = load_40(vector + 5 * i) + load_40(addend + 5 * i);
        memcpy(vector + 5 * i, &sum, 5);
    }
}

/* As add_40: with its top bit set, no element of a borrows from the next. */
static void subtract_40(uint8_t *vector, const uint8_t *subtrahend, size_t elements_len)
{
    size_t i = 0;
    for (; i + 8 <= elements_len; i += 8) {
        uint64_t a[5];
        uint64_t b[5];
        uint64_t borrow = 0;
        memcpy(a, vector + 5 * i, sizeof a);
        memcpy(b, subtrahend + 5 * i, sizeof b);
        for (size_t k = 0; k < 5; k++) {
            uint64_t tops = (a[k] ^ ~b[k]) & top_40[k];
            uint64_t under = __builtin_sub_overflow(a[k] | top_40[k], b[k] & ~top_40[k], &a[k]);
            borrow = under | __builtin_sub_overflow(a[k], borrow, &a[k]);
            a[k] ^= tops;
        }
        memcpy(vector + 5 * i, a, sizeof a);
    }
    for (; i < elements_len; i++) {
        uint64_t difference = load_40(vector + 5 * i) - load_40(subtrahend + 5 * i);
        memcpy(vector + 5 * i, &difference, 5);
    }
}

/* Elements of several words. The carry of a + b + c is at most 1: 2 (2^64 - 1) + 1 < 2^65. */
static void add_wide(uint8_t *vector, const uint8_t *addend, size_t words)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < words; i++) {
        uint64_t a;
        uint64_t b;
        memcpy(&a, vector + 8 * i, sizeof a);
        memcpy(&b, addend + 8 * i, sizeof b);
        uint64_t over = __builtin_add_overflow(a, b, &a);
        carry = over | __builtin_add_overflow(a, carry, &a);
        memcpy(vector + 8 * i, &a, sizeof a);
    }
}

static void subtract_wide(uint8_t *vector, const uint8_t *subtrahend, size_t words)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < words; i++) {
        uint64_t a;
        uint64_t b;
        memcpy(&a, vector + 8 * i, sizeof a);
        memcpy(&b, subtrahend + 8 * i, sizeof b);
        uint64_t under = __builtin_sub_overflow(a, b, &a);
        borrow = under | __builtin_sub_overflow(a, borrow, &a);
        memcpy(vector + 8 * i, &a, sizeof a);
    }
}

#define VECTOR_OPS                                                                                 \
    {                                                                                              \
        {add_32, subtract_32}, {add_40, subtract_40}, {add_64, subtract_64},                       \
        {                                                                                          \
            add_wide, subtract_wide                                                                \
        }                                                                                          \
    }

#endif
