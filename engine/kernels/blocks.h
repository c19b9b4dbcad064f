/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_BLOCKS_H
#define SOTTO_ENGINE_BLOCKS_H

/* Blocks of values looked at and summed without error at the speed of memory. accumulate.c's
 * superaccumulator is the specification, and takes what is refused here. */

#include "kernels/kernels.h"

/* Magnitudes of doubles are given by their bits, which have the same order; those of NaN are above
 * infinity's. */
struct sotto__blocks {
    /* The largest magnitude of any number of values. What stands behind them is prefetched. */
    uint64_t (*largest)(const double *values, size_t len);
    /* Likewise, and sets *out_least to the least magnitude but 0; 0 if there is none. */
    uint64_t (*range)(uint64_t *out_least, const double *values, size_t len);
    /* The same for integers: the bits of all v >= 0 and -v - 1 together. */
    uint64_t (*magnitudes)(const int64_t *values, size_t len);
    /* Sets out to the doubles nearest to x op y, of any number of values; y is read where there are
     * two operands. Returns: the largest magnitude of them; *out_least as of range. out must not
     * overlap x and y. */
    uint64_t (*arithmetic)(double *out, uint64_t *out_least, enum sotto__arithmetic op,
                           const double *x, const double *y, size_t len);
    /* Sets out to sums (NULL: 0) plus x times factor, rounded twice, of any number of values. out
     * must not overlap sums and x. */
    void (*add_scaled)(double *out, const double *sums, const double *x, double factor, size_t len);
    /* The sum of at most SOTTO__ROWS_LEN values, and of that many products of two of at most
     * SOTTO__FACTOR_BITS_MAX bits. */
    sotto__int128 (*sum_narrow)(const int64_t *values, size_t len);
    sotto__int128 (*sum_narrow_products)(const int64_t *x, const int64_t *y, size_t len);
    /* Sets out to x op y, of any number of values, where all fit 127 bits; not of a division. y is
     * read where there are two operands. out must not overlap x and y. */
    void (*wide)(sotto__int128 *out, enum sotto__arithmetic op, const struct sotto__words *x,
                 const struct sotto__words *y, size_t len);
    /* The sum of at most SOTTO__ROWS_LEN values, which fits 127 bits. */
    sotto__int128 (*sum_wide)(const sotto__int128 *values, size_t len);
    /* Integers in the order of doubles, none of which is NaN; -0 is 0. */
    void (*keys)(int64_t *out, const double *values, size_t len);
    /* Sets out[i] to the number of each key by its digit; more: only for keys that have one. */
    void (*digits)(uint32_t *out, const int64_t *keys, const struct sotto__digits *digits,
                   size_t len);
    void (*more_digits)(uint32_t *out, const int64_t *keys, const struct sotto__digits *digits,
                        size_t len);
    /* Whether numbers, at least one, are all the first one or a second one; how many are the first.
     */
    bool (*are_two)(uint32_t *out_second, size_t *out_first_len, const uint32_t *numbers,
                    size_t len);
    /* Takes one more key's levels (found) into groups: groups * levels_len + found. Where found is
     * none or more, why is added to the bits of skipped; the group of a skipped row is 0. */
    void (*join_levels)(uint32_t *groups, uint8_t *skipped, const uint32_t *found,
                        uint32_t levels_len, uint32_t none, uint8_t why, size_t len);
    /* sums[0] + sums[1] + rest[0] + ... is the sum of values, exactly; rest may be values. len is a
     * multiple of SOTTO__BLOCK_STEP, at most SOTTO__ROWS_LEN. *in_out_bound: no magnitude is above
     * it; then none of rest. Refused for what is not finite or near the ends of the range. */
    enum sotto__blocks_result (*sum)(double sums[2], double *rest, uint64_t *in_out_bound,
                                     const double *values, size_t len);
    /* Likewise of products: the four sums and both rests together. bounds: in, of x and of y; out,
     * of the rests. Refused also for a product that is tiny. */
    enum sotto__blocks_result (*sum_products)(double sums[4], double *rest, double *rest2,
                                              uint64_t bounds[2], const double *x, const double *y,
                                              size_t len);
    /* For each of ys, 1 to SOTTO__PRODUCTS_MAX: sums[i][0] + sums[i][1] is the sum of the doubles
     * nearest to products of x and that one, exactly; len as above. All are refused where one is,
     * also where something would be left. What stands behind ys[0] is prefetched. */
    enum sotto__blocks_result (*sum_rounded_products)(double sums[][2],
                                                      const struct sotto__factor *x,
                                                      const struct sotto__factor *ys, size_t ys_len,
                                                      size_t len);
    /* Takes values apart into out->values; len as above, no magnitude is above bound. Refused for
     * what is not finite, near the ends of the range, or has bits more than 71 below 2^exponent. */
    void (*slice)(struct sotto__slices *out, const double *values, uint64_t bound, size_t len);
    /* The sum of products of x and y, of which none was refused, is exactly that of sums[i] times
     * 2^(x's and y's exponent - 46 - 24 i); |sums[i]| < 2^57. len as above. */
    void (*multiply_slices)(int64_t sums[SOTTO__SLICE_SUMS], const struct sotto__slices *x,
                            const struct sotto__slices *y, size_t len);
    /* Takes each x, or with y each product x y, apart onto the grids for E = exponent - 1022: it is
     * the sum of its parts[grid][row], of rests[0] and with y of rests[1], exactly. |x|, or |x y|,
     * is below 2^E; len as above. Refused near the ends of the range, and for a product that is
     * tiny; SOTTO__BLOCKS_SUMMED where all rests are 0. */
    enum sotto__blocks_result (*split)(double (*parts)[SOTTO__ROWS_LEN], double *const rests[2],
                                       int64_t exponent, const double *x, const double *y,
                                       size_t len);
    /* Adds the parts of each row to its group's: sums[group * SOTTO__GRIDS_LEN + grid], of every
     * other row so many doubles further on. */
    void (*add_parts)(double *sums, size_t apart, const uint32_t *groups,
                      double (*parts)[SOTTO__ROWS_LEN], size_t len);
};

/* Chosen once, by the CPU and SOTTO_CPU. Threads: safe. */
const struct sotto__blocks *sotto__blocks(void);

extern const struct sotto__blocks sotto__blocks_generic;
#ifdef __x86_64__
extern const struct sotto__blocks sotto__blocks_avx2; /* and FMA */
extern const struct sotto__blocks sotto__blocks_avx512;
#endif

#endif
