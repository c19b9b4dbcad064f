/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_GRIDS_KERNEL_H
#define SOTTO_ENGINE_GRIDS_KERNEL_H

/* The kernel that takes doubles apart onto grids that stay the same from block to block, so that
 * the parts of many values can be added up one by one, each group's on its own.
 *
 * For |x| < 2^E grid i has the unit u_i = 2^(E - 32 - 33 i). Each part is what those before it
 * left, rounded to a multiple of its unit: (r + sigma) - sigma, where sigma is 1.5 x 2^52 u_i and
 * |r| is at most 2^32 u_i, is exact, and leaves |r| <= u_i / 2 = 2^32 u_(i + 1). So 2^20 parts of a
 * grid add up to at most 2^52 of its units. A product is the nearest double, which has such parts,
 * and an error of at most 2^(E - 54) = 2^11 u_1, which has parts from grid 1 on, each at most 2^32
 * units: 2^20 of both add up to 2^53 units, which a double holds exactly. */

/* The sigmas of all grids; exponent as make_grids has it. */
static inline void make_sigmas(vector sigmas[SOTTO__GRIDS_LEN], int64_t exponent)
{
    for (int64_t i = 0; i < SOTTO__GRIDS_LEN; i++) {
        sigmas[i] = make_sigma(exponent + 21 - 33 * i);
    }
}

/* The next part of what is left. */
static inline vector take_part(vector *in_out_rest, vector sigma)
{
    vector sum = *in_out_rest + sigma;
    vector part = sum - sigma;
    *in_out_rest -= part;
    return part;
}

static inline enum sotto__blocks_result split_values(double (*parts)[SOTTO__ROWS_LEN], double *rest,
                                                     const vector *sigmas, const double *values,
                                                     size_t len)
{
    vectori any = {0};
    for (size_t i = 0; i < len; i += LANES) {
        vector r = load_vector(values + i);
        for (size_t j = 0; j < SOTTO__GRIDS_LEN; j++) {
            vector part = take_part(&r, sigmas[j]);
            memcpy(parts[j] + i, &part, sizeof part);
        }
        any |= read_bits(r);
        memcpy(rest + i, &r, sizeof r);
    }
    return is_any(any) ? SOTTO__BLOCKS_LEFT_REST : SOTTO__BLOCKS_SUMMED;
}

#ifdef __FP_FAST_FMA
static inline enum sotto__blocks_result split_products(double (*parts)[SOTTO__ROWS_LEN],
                                                       double *const rests[2], const vector *sigmas,
                                                       const double *x, const double *y, size_t len)
{
    vectori any = {0};
    vectori least = LEAST_PRODUCT_BITS - (vectori){0};
    for (size_t i = 0; i < len; i += LANES) {
        vector a = load_vector(x + i);
        vector b = load_vector(y + i);
        vector r = a * b;
        vector r2 = find_error(a, b, r);
        least = take_smaller(read_bits(r) & INT64_MAX, least);
        for (size_t j = 0; j < SOTTO__GRIDS_LEN; j++) {
            vector part = take_part(&r, sigmas[j]);
            part += j > 0 ? take_part(&r2, sigmas[j]) : (vector){0};
            memcpy(parts[j] + i, &part, sizeof part);
        }
        any |= read_bits(r) | read_bits(r2);
        memcpy(rests[0] + i, &r, sizeof r);
        memcpy(rests[1] + i, &r2, sizeof r2);
    }
    if (has_tiny(least, x, y, len)) {
        return SOTTO__BLOCKS_REFUSED;
    }
    return is_any(any) ? SOTTO__BLOCKS_LEFT_REST : SOTTO__BLOCKS_SUMMED;
}
#endif

/* A group's sums on all grids are one vector: loaded, added to and stored at once. */
static inline __attribute__((always_inline)) void
add_row(double *sums, uint32_t group, double (*parts)[SOTTO__ROWS_LEN], size_t row)
{
    typedef double grid_sums __attribute__((vector_size(8 * SOTTO__GRIDS_LEN)));
    double *at = sums + (size_t)group * SOTTO__GRIDS_LEN;
    grid_sums now;
    grid_sums more = {parts[0][row], parts[1][row], parts[2][row], parts[3][row]};
    memcpy(&now, at, sizeof now);
    now += more;
    memcpy(at, &now, sizeof now);
}

static inline void add_parts(double *sums, size_t apart, const uint32_t *groups,
                             double (*parts)[SOTTO__ROWS_LEN], size_t len)
{
    size_t i = 0;
    for (; i + 2 <= len; i += 2) {
        add_row(sums, groups[i], parts, i);
        add_row(sums + apart, groups[i + 1], parts, i + 1);
    }
    if (i < len) {
        add_row(sums, groups[i], parts, i);
    }
}

static inline enum sotto__blocks_result split(double (*parts)[SOTTO__ROWS_LEN],
                                              double *const rests[2], int64_t exponent,
                                              const double *x, const double *y, size_t len)
{
    vector sigmas[SOTTO__GRIDS_LEN];
    if (is_extreme(exponent)) {
        return SOTTO__BLOCKS_REFUSED;
    }
    make_sigmas(sigmas, exponent);
    if (y == NULL) {
        return split_values(parts, rests[0], sigmas, x, len);
    }
#ifdef __FP_FAST_FMA
    return split_products(parts, rests, sigmas, x, y, len);
#else
    return SOTTO__BLOCKS_REFUSED;
#endif
}

#endif
