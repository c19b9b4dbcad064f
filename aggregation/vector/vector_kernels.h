/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_VECTOR_KERNELS_H
#define SOTTO_AGGREGATION_VECTOR_KERNELS_H

/* Additions of elements, for the files that compile them for one SIMD level each.
 *
 * CT: all of it. No branch and no address depends on an element, only on how many there are.
 * Vectors hold a party's input, and then what differs from it by a mask. */

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

/* Elements of 40 bits, packed: eight of them are five words, and words are added whole.
 *
 * 1. A carry must not leave its element. The top bit of each element is therefore held back:
 *    without it, two elements and a carry from below are at most (2^39 - 1) + (2^39 - 1) + 1 <
 *    2^40, so what they carry ends in the place of their own top bit, which was cleared.
 *
 * 2. The top bits are added without a carry, by XOR: modulo 2^40 nothing goes further up.
 *
 * 3. Elements go over from one word to the next (the second one has 24 bits in word 0 and 16 in
 *    word 1), but SIMD lanes don't pass carries on. So words are added side by side first, and what
 *    each carries out of bit 63 is kept: the majority of both operands and the inverted sum at that
 *    bit (add_row_40).
 *
 * 4. Then each word gets the carry of the word below (carry_row_40). It enters the element that
 *    goes over into this word. With the top bit held back again it can't go further than that bit,
 *    which is in this word, since elements are shorter than words. So no word carries anything out
 *    of the second step, and one pass is enough.
 *
 * 5. A group of five words begins and ends with an element, so nothing is carried into it
 *    (carries[0] is 0) or out of it (the top bit of its last word is held back).
 *
 * 6. Differences are the same with borrows: with the top bits of the minuend set and those of the
 *    subtrahend cleared, no element borrows from the next one. */
#define TOPS_40                                                                                    \
    UINT64_C(0x0000008000000000), UINT64_C(0x0080000000008000), UINT64_C(0x0000000080000000),      \
        UINT64_C(0x0000800000000080), UINT64_C(0x8000000000800000)
#define ROW_WORDS 40 /* whole SIMD registers of whole groups of five words */
#define ROW_ELEMENTS (ROW_WORDS * 8 / 5)
/* Rows at a time: between the two steps their carries, 2.5 KiB, stay in the first-level cache. */
#define ROWS_MAX 8

/* The top bit of each element of a row. */
static const uint64_t tops_40[ROW_WORDS] = {TOPS_40, TOPS_40, TOPS_40, TOPS_40,
                                            TOPS_40, TOPS_40, TOPS_40, TOPS_40};

static inline uint64_t load_word(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* One element, its high bits 0. */
static uint64_t load_40(const uint8_t *from)
{
    uint64_t value = 0;
    memcpy(&value, from, 5);
    return value;
}

/* Step 3 for one row: carries[k + 1] comes out of word k. */
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

/* Step 4 for one row. */
static inline void carry_row_40(uint8_t *vector, const uint64_t *carries)
{
    for (size_t k = 0; k < ROW_WORDS; k++) {
        uint64_t a = load_word(vector + 8 * k);
        a = ((a & ~tops_40[k]) + carries[k]) ^ (a & tops_40[k]);
        memcpy(vector + 8 * k, &a, sizeof a);
    }
}

/* Step 6. The top bit of a - b is a ^ b ^ borrow, and of the word it is that with a set and b
 * cleared: ~borrow; so the XOR takes a ^ ~b. */
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
        /* Carries tell of the input, so they don't stay on the stack. */                          \
        if (elements_len >= ROW_ELEMENTS) {                                                        \
            sotto_wipe(carries, sizeof carries);                                                   \
        }                                                                                          \
    }

/* carries[r ROW_WORDS] is written by row r - 1 as 0, since an element ends with each row. */
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

/* Lanes: the specification of what the files for one SIMD level do with shuffles. A lane of 64 bits
 * takes an element and the 24 bits behind it, which are parts of the next one. Carries go up only,
 * so the low 40 bits are right modulo 2^40 after any number of additions, whatever stands above. */
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
