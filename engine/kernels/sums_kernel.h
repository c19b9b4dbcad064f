/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_SUMS_KERNEL_H
#define SOTTO_ENGINE_SUMS_KERNEL_H

/* The kernel that sums doubles without error, for blocks_kernel.h, which has the vectors, and the
 * grids that products_kernel.h puts products onto. The file that includes that one may define
 * FNMADD(a, b, c): c - a b, rounded once.
 *
 * Rump's extraction: for |x| < 2^E and a sigma from 2^(E+9) to below 2^(E+10), which is a multiple
 * of 2^(E-43), q = (sigma + x) - sigma is x rounded to such a multiple, and x - q is exact and at
 * most 2^(E-44). The sum of q begins at 1.5 x 2^(E+9) and is the sigma of the next x: a lane adds
 * at most 256 of them, which don't lead out of that range. What is left goes onto a second grid, of
 * 2^(E-86), in the same way; only values that span more than 32 binades with the largest one leave
 * a rest, of at most 2^(E-87). */

/* 1.5 x 2^(biased - 1023) in all lanes. */
static inline vector make_sigma(int64_t biased)
{
    vectori bits = ((biased << 52) | INT64_C(1) << 51) - (vectori){0};
    vector value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Two grids: the sigma that each begins at, and with it the sum of what was put onto the grid. */
struct grids {
    vector sigma;
    vector sigma2;
    vector sum;
    vector sum2;
    vector one;
};

/* The grids for values |x| < 2^(exponent - 1022). */
static inline struct grids make_grids(int64_t exponent)
{
    vector sigma = make_sigma(exponent + 10);
    vector sigma2 = make_sigma(exponent - 33);
    vector one = 1 - (vector){0};
    __asm__("" : "+x"(one));
    return (struct grids){
        .sigma = sigma, .sigma2 = sigma2, .sum = sigma, .sum2 = sigma2, .one = one};
}

/* Whether a sigma, or a rest, would leave the range of normal doubles. */
static inline bool is_extreme(int64_t exponent)
{
    return exponent < 150 || exponent > 2000;
}

/* x - y. As a fused multiplication, by a one that the compiler does not know, it goes through the
 * multipliers, which have nothing else to do here: many CPUs have two adders beside them. */
static inline vector subtract_fused(vector x, vector y, vector one)
{
#ifdef FNMADD
    return FNMADD(y, one, x);
#else
    (void)one;
    return x - y;
#endif
}

/* Puts x onto both grids. Returns: what is left of each lane. */
static inline vector put_on_grids(struct grids *grids, vector x)
{
    vector sum = grids->sum + x;
    vector r = subtract_fused(x, sum - grids->sum, grids->one);
    vector sum2 = grids->sum2 + r;
    vector rest = subtract_fused(r, sum2 - grids->sum2, grids->one);
    grids->sum = sum;
    grids->sum2 = sum2;
    return rest;
}

static inline uint64_t bound_rest(int64_t exponent)
{
    return (uint64_t)(exponent - 86) << 52;
}

/* The sum of the lanes: multiples of one unit that fit a double together are exact in any order. */
static inline double sum_lanes(vector total)
{
    double lanes[LANES];
    memcpy(lanes, &total, sizeof lanes);
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        for (size_t j = 0; j < half; j++) {
            lanes[j] += lanes[j + half];
        }
    }
    return lanes[0];
}

/* Sets sums to what was put onto each of both grids, here and onto the same grids elsewhere. */
static inline void read_grids(double sums[2], const struct grids *grids, const struct grids *others)
{
    vector total = grids->sum - grids->sigma;
    vector total2 = grids->sum2 - grids->sigma2;
    if (others != NULL) {
        total += others->sum - others->sigma;
        total2 += others->sum2 - others->sigma2;
    }
    sums[0] = sum_lanes(total);
    sums[1] = sum_lanes(total2);
}

/* Whether some lane is not +-0. */
static inline bool is_any(vectori lanes)
{
    int64_t some = 0;
    for (size_t j = 0; j < LANES; j++) {
        some |= lanes[j];
    }
    return (some & INT64_MAX) != 0;
}

static inline vectori read_bits(vector x)
{
    vectori bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline enum sotto__blocks_result
sum_block(double sums[2], double *rest, uint64_t *in_out_bound, const double *values, size_t len)
{
    int64_t exponent = (int64_t)(*in_out_bound >> 52);
    sums[0] = 0;
    sums[1] = 0;
    if (*in_out_bound == 0) {
        return SOTTO__BLOCKS_SUMMED;
    }
    if (is_extreme(exponent)) {
        return SOTTO__BLOCKS_REFUSED;
    }
    *in_out_bound = bound_rest(exponent);
    struct grids grids = make_grids(exponent);
    struct grids others = grids; /* two chains of additions hide their latency */
    vectori any = {0};
    for (size_t i = 0; i < len; i += 2 * LANES) {
        prefetch_next(values + i);
        prefetch_next(values + i + LANES);
        vector r = put_on_grids(&grids, load_vector(values + i));
        vector r2 = put_on_grids(&others, load_vector(values + i + LANES));
        any |= read_bits(r) | read_bits(r2);
        memcpy(rest + i, &r, sizeof r);
        memcpy(rest + i + LANES, &r2, sizeof r2);
    }
    read_grids(sums, &grids, &others);
    return is_any(any) ? SOTTO__BLOCKS_LEFT_REST : SOTTO__BLOCKS_SUMMED;
}

#endif
