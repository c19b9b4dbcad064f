/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_VECTOR_KERNELS_H
#define SOTTO_AGGREGATION_VECTOR_KERNELS_H

/* Additions of elements, for the files that compile them for one SIMD level each. */

#include "vector/vector.h"

#include <sotto/secret.h>
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
 * carry. Words are added side by side first. What one then carries into the next, where an element
 * goes on, is added to all of them afterwards: it ripples no further than that element's top bit,
 * which is in that word, because elements are shorter than words. */
#define TOPS_40                                                                                    \
    UINT64_C(0x0000008000000000), UINT64_C(0x0080000000008000), UINT64_C(0x0000000080000000),      \
        UINT64_C(0x0000800000000080), UINT64_C(0x8000000000800000)
#define ROW_WORDS 40 /* whole SIMD registers of whole groups of five words */
#define ROW_ELEMENTS (ROW_WORDS * 8 / 5)
#define ROWS_MAX                                                                                   \
    8 /* at a time: between the two steps their carries stay in the first-level cache */

/* The top bit of each element of a row. */
static const uint64_t tops_40[ROW_WORDS] = {TOPS_40, TOPS_40, TOPS_40, TOPS_40,
                                            TOPS_40, TOPS_40, TOPS_40, TOPS_40};

static inline uint64_t load_word(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static uint64_t load_40(const uint8_t *from)
{
    uint64_t value = 0;
    memcpy(&value, from, 5);
    return value;
}

/* Of words, all but what is carried between them; carries[k] comes out of word k - 1. */
static inline void add_row_40(uint8_t *vector, const uint8_t *addend, uint64_t *carries)
{
    for (size_t k = 0; k < ROW_WORDS; k++) {
        uint64_t a = load_word(vector + 8 * k);
        uint64_t b = load_word(addend + 8 * k);
        uint64_t tops = (a ^ b) & tops_40[k];
        a &= ~tops_40[k];
        b &= ~tops_40[k];
        uint64_t sum = a + b;
        carries[k + 1] = ((a & b) | ((a | b) & ~sum)) >> 63;
        sum ^= tops;
        memcpy(vector + 8 * k, &sum, sizeof sum);
    }
}

static inline void carry_row_40(uint8_t *vector, const uint64_t *carries)
{
    for (size_t k = 0; k < ROW_WORDS; k++) {
        uint64_t a = load_word(vector + 8 * k);
        a = ((a & ~tops_40[k]) + carries[k]) ^ (a & tops_40[k]);
        memcpy(vector + 8 * k, &a, sizeof a);
    }
}

/* As above: with its top bit set, no element of a borrows from the next. */
static inline void subtract_row_40(uint8_t *vector, const uint8_t *subtrahend, uint64_t *borrows)
{
    for (size_t k = 0; k < ROW_WORDS; k++) {
        uint64_t a = load_word(vector + 8 * k);
        uint64_t b = load_word(subtrahend + 8 * k);
        uint64_t tops = (a ^ ~b) & tops_40[k];
        a |= tops_40[k];
        b &= ~tops_40[k];
        uint64_t difference = a - b;
        borrows[k + 1] = ((~a & b) | ((~a | b) & difference)) >> 63;
        difference ^= tops;
        memcpy(vector + 8 * k, &difference, sizeof difference);
    }
}

static inline void borrow_row_40(uint8_t *vector, const uint64_t *borrows)
{
    for (size_t k = 0; k < ROW_WORDS; k++) {
        uint64_t a = load_word(vector + 8 * k);
        a = ((a | tops_40[k]) - borrows[k]) ^ (~a & tops_40[k]);
        memcpy(vector + 8 * k, &a, sizeof a);
    }
}

#define DEFINE_40(name, op, row, carry_row)                                                        \
    static void name(uint8_t *vector, const uint8_t *addend, size_t elements_len)                  \
    {                                                                                              \
        uint64_t carries[ROWS_MAX * ROW_WORDS + 1];                                                \
        carries[0] = 0;                                                                            \
        size_t i = 0;                                                                              \
        while (elements_len - i >= ROW_ELEMENTS) {                                                 \
            size_t rows = (elements_len - i) / ROW_ELEMENTS;                                       \
            rows = rows < ROWS_MAX ? rows : ROWS_MAX;                                              \
            for (size_t r = 0; r < rows; r++) {                                                    \
                size_t at = 5 * (i + r * ROW_ELEMENTS);                                            \
                row(vector + at, addend + at, carries + r * ROW_WORDS);                            \
            }                                                                                      \
            for (size_t r = 0; r < rows; r++) {                                                    \
                carry_row(vector + 5 * (i + r * ROW_ELEMENTS), carries + r * ROW_WORDS);           \
            }                                                                                      \
            i += rows * ROW_ELEMENTS;                                                              \
        }                                                                                          \
        for (; i < elements_len; i++) {                                                            \
            uint64_t sum = load_40(vector + 5 * i) op load_40(addend + 5 * i);                     \
            memcpy(vector + 5 * i, &sum, 5);                                                       \
        }                                                                                          \
        if (elements_len >= ROW_ELEMENTS) {                                                        \
            sotto_wipe(carries, sizeof carries);                                                   \
        }                                                                                          \
    }

/* carries[0] stays 0, and so does what comes out of the last word of a row: elements end there. */
DEFINE_40(add_40, +, add_row_40, carry_row_40)
DEFINE_40(subtract_40, -, subtract_row_40, borrow_row_40)

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

/* Lanes: the specification of what the files for one SIMD level do with shuffles. Carries go up, so
 * that the high bits, which hold parts of the next element, never matter. */
static inline void lanes_add_40(uint64_t *lanes, const uint8_t *elements, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        lanes[i] += load_word(elements + 5 * i);
    }
}

static inline void lanes_subtract_40(uint64_t *lanes, const uint8_t *elements, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        lanes[i] -= load_word(elements + 5 * i);
    }
}

#define VECTOR_OPS(lanes_add, lanes_subtract)                                                      \
    {                                                                                              \
        {lanes_add, lanes_subtract}, {add_32, subtract_32}, {add_40, subtract_40},                 \
            {add_64, subtract_64},                                                                 \
        {                                                                                          \
            add_wide, subtract_wide                                                                \
        }                                                                                          \
    }

#endif
