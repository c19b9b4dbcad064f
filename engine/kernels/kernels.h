/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_KERNELS_KERNELS_H
#define SOTTO_ENGINE_KERNELS_KERNELS_H

/* Room kernels: loops over blocks, once for each instruction set; what they and their callers
 * share. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 sotto__int128;
__extension__ typedef unsigned __int128 sotto__uint128;

/* Rows that go through the operations at a time: registers stay in the caches. */
#define SOTTO__ROWS_LEN 512

/* The bits of a double's infinity: those of a larger magnitude are NaN. */
#define SOTTO__INFINITY_BITS (UINT64_C(0x7FF) << 52)

/* Magnitudes of doubles with these bounds' bits are below 2^(e - 1022), where e is the first 12 of
 * the bits; their products are below 2^(this - 1022). */
static inline int64_t sotto__exponent_of_products(uint64_t x_bound, uint64_t y_bound)
{
    return (int64_t)(x_bound >> 52) + (int64_t)(y_bound >> 52) - 1022;
}

/* A multiple of it is how many doubles are summed. */
#define SOTTO__BLOCK_STEP 16

/* What is rounded once, of two operands or of x alone. */
enum sotto__arithmetic {
    SOTTO__ARITHMETIC_ADD,
    SOTTO__ARITHMETIC_SUBTRACT,
    SOTTO__ARITHMETIC_MULTIPLY,
    SOTTO__ARITHMETIC_DIVIDE,
    SOTTO__ARITHMETIC_NEGATE,
    SOTTO__ARITHMETIC_ABS,
};

enum sotto__blocks_result {
    SOTTO__BLOCKS_SUMMED,
    SOTTO__BLOCKS_LEFT_REST, /* some element of rest is not 0 */
    SOTTO__BLOCKS_REFUSED,   /* nothing is said; the caller takes the slow way */
};

/* A key's number is first + digit where digit = (key >> shift) - base is from 0 to below 2^bits,
 * else none. shift and bits are at most 63. */
struct sotto__digits {
    unsigned shift;
    unsigned bits;
    int64_t base;
    uint32_t first;
    uint32_t none;
};

/* Exact values of one word each, or of two; |v| <= 2^bits. */
struct sotto__words {
    const void *values;
    bool is_narrow;
    unsigned bits;
};

/* |v| <= 2^bits: of values whose sum for a block fits 127 bits, and of factors whose products are
 * summed. */
#define SOTTO__SUM_BITS_MAX 117
#define SOTTO__FACTOR_BITS_MAX 55

/* How many products of one factor are summed at once. */
#define SOTTO__PRODUCTS_MAX 4

struct sotto__factor {
    const double *values;
    uint64_t bound; /* no magnitude is above it */
    uint64_t least; /* none but 0 is below it; 0: unknown */
};

#define SOTTO__SLICES_MAX 3
#define SOTTO__SLICE_SUMS (2 * SOTTO__SLICES_MAX - 1)
#define SOTTO__SLICE_BITS 23

/* Doubles as sums of slices, which are integers: x = 2^(exponent - 23) (n0 + n1 2^-24 + n2 2^-48).
 */
struct sotto__slices {
    double *values;   /* [slice * SOTTO__ROWS_LEN + row] */
    int64_t exponent; /* no magnitude is 2^exponent or above */
    size_t len;       /* how many slices are not all 0, at least 2; 0: refused */
};

/* Grids of doubles below 2^E in magnitude: the unit of grid i is 2^(E - 32 - 33 i). So many parts
 * of a grid add up in a double without an error. */
#define SOTTO__GRIDS_LEN 4
#define SOTTO__GRID_PARTS_MAX ((size_t)1 << 20)

#endif
