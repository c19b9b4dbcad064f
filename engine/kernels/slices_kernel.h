/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_SLICES_KERNEL_H
#define SOTTO_ENGINE_SLICES_KERNEL_H

/* The kernels of many products of few columns, as X'X has them, for blocks_kernel.h, after Ozaki
 * and others (2012): each column is taken apart once, and what is left for each pair is plain
 * multiplications and additions without an error.
 *
 * For |x| < 2^E three slices are integers, x = 2^(E - 23) (n0 + n1 2^-24 + n2 2^-48): each rounds
 * to the nearest what those before it left, so that |n0| <= 2^23, and as what is left is at most
 * 1/2, |n1| and |n2| <= 2^24 / 2. A product of two is at most 2^46, and a lane adds up 2^7 of them:
 * 2^53, which doubles hold exactly. */

#define SLICE_ROWS ((size_t)128 * LANES) /* 2^7 for each lane */

static inline vector round_whole(vector x)
{
    const double zero = 0x1.8p52; /* whose last bit is worth 1 */
    vector sum = x + zero;
    return sum - zero;
}

static inline void take_slices(struct sotto__slices *out, const double *values, uint64_t bound,
                               size_t len)
{
    int64_t exponent = (int64_t)(bound >> 52); /* E + 1022 */
    const double step = 0x1p24;
    vectori any = {0};
    vectori third = {0};
    out->len = 0;
    out->exponent = exponent - 1022;
    if (is_extreme(exponent)) {
        return;
    }
    double scale; /* 2^(23 - E), which has a biased exponent of 23 - E + 1023 */
    uint64_t bits = (uint64_t)(23 + 1022 + 1023 - exponent) << 52;
    memcpy(&scale, &bits, sizeof scale);
    for (size_t i = 0; i < len; i += LANES) {
        vector x = load_vector(values + i);
        vector scaled = x * scale;
        vector n0 = round_whole(scaled);
        vector rest = (scaled - n0) * step;
        vector n1 = round_whole(rest);
        rest = (rest - n1) * step;
        vector n2 = round_whole(rest);
        any |= read_bits(rest - n2) | ((x != 0) & (scaled == 0)); /* too small even for a scale */
        third |= read_bits(n2);
        memcpy(out->values + i, &n0, sizeof n0);
        memcpy(out->values + SOTTO__ROWS_LEN + i, &n1, sizeof n1);
        memcpy(out->values + 2 * SOTTO__ROWS_LEN + i, &n2, sizeof n2);
    }
    out->len = is_any(any) ? 0 : is_any(third) ? 3 : 2;
}

/* sum - x y */
static inline vector subtract_product(vector sum, vector x, vector y)
{
#ifdef FNMADD
    return FNMADD(x, y, sum);
#else
    return sum - x * y;
#endif
}

/* Reads values into a register that is kept: compilers read them again for each product, and a CPU
 * reads fewer vectors at a time than it multiplies. */
static inline vector load_kept(const double *values)
{
    vector x = load_vector(values);
    __asm__("" : "+x"(x));
    return x;
}

/* With n slices of both that the compiler knows. */
static inline __attribute__((always_inline)) void
add_products_of_slices(int64_t *sums, const double *x, const double *y, size_t n, size_t len)
{
    vector totals[SOTTO__SLICES_MAX][SOTTO__SLICES_MAX];
    memset(totals, 0, sizeof totals);
    for (size_t i = 0; i < len; i += LANES) {
        vector others[SOTTO__SLICES_MAX];
        for (size_t k = 0; k < n; k++) {
            others[k] = load_kept(y + k * SOTTO__ROWS_LEN + i);
        }
        for (size_t j = 0; j < n; j++) {
            vector factor = load_kept(x + j * SOTTO__ROWS_LEN + i);
            for (size_t k = 0; k < n; k++) {
                totals[j][k] = subtract_product(totals[j][k], factor, others[k]);
            }
        }
    }
    vectori of[SOTTO__SLICE_SUMS] = {{0}};
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < n; k++) {
            of[j + k] -= __builtin_convertvector(totals[j][k], vectori);
        }
    }
    for (size_t j = 0; j < SOTTO__SLICE_SUMS; j++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            sums[j] += of[j][lane];
        }
    }
}

/* A sum has at most three products of a row: 3 x 512 x 2^46 < 2^57. */
static inline void multiply_slices(int64_t sums[SOTTO__SLICE_SUMS], const struct sotto__slices *x,
                                   const struct sotto__slices *y, size_t len)
{
    memset(sums, 0, SOTTO__SLICE_SUMS * sizeof *sums);
    for (size_t at = 0; at < len; at += SLICE_ROWS) {
        size_t now = len - at < SLICE_ROWS ? len - at : SLICE_ROWS;
        if (x->len == 3 || y->len == 3) {
            add_products_of_slices(sums, x->values + at, y->values + at, 3, now);
        } else {
            add_products_of_slices(sums, x->values + at, y->values + at, 2, now);
        }
    }
}

#endif
