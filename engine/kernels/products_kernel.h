/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PRODUCTS_KERNEL_H
#define SOTTO_ENGINE_PRODUCTS_KERNEL_H

/* The kernels that sum products of doubles without error, rounded ones and exact ones, on the grids
 * of sums_kernel.h. */

/* Reads a block further ahead than others do (prefetch_next): products take the longest, and what
 * the others ask for is there by then. */
static inline void prefetch_far(const double *values)
{
    prefetch_next(values + SOTTO__ROWS_LEN);
}

_Static_assert(SOTTO__ROWS_LEN / LANES <= 256, "a lane of grids takes no more");

/* Puts doubles nearest to products of x and each of n ys onto grids of their own: n chains of
 * additions hide their latency. checks: looks for what is left. Returns: whether something is. */
static inline __attribute__((always_inline)) bool
put_products_on_grids(double sums[][2], const int64_t *exponents, bool checks, const double *x,
                      const struct sotto__factor *ys, size_t n, size_t len)
{
    struct grids grids[SOTTO__PRODUCTS_MAX];
    const double *values[SOTTO__PRODUCTS_MAX];
    vectori any = {0};
    for (size_t j = 0; j < n; j++) {
        grids[j] = make_grids(exponents[j]);
        values[j] = ys[j].values;
    }
    for (size_t i = 0; i < len; i += LANES) {
        vector factor = load_vector(x + i);
        if (i % CACHE_LINE_LEN == 0) {
            prefetch_far(values[0] + i);
        }
        for (size_t j = 0; j < n; j++) {
            vector r = put_on_grids(&grids[j], factor * load_vector(values[j] + i));
            any |= checks ? read_bits(r) : any;
        }
    }
    for (size_t j = 0; j < n; j++) {
        read_grids(sums[j], &grids[j], NULL);
    }
    return is_any(any);
}

/* A product is 0 or has a magnitude of at least 2^(leasts' biased exponents - 2046), and is a
 * multiple of 2^-52 of that: of the second grid, of 2^(exponent - 1022 - 86), where that is less.
 */
static inline bool leaves_nothing(int64_t exponent, uint64_t x_least, uint64_t y_least)
{
    int64_t x = (int64_t)(x_least >> 52);
    int64_t y = (int64_t)(y_least >> 52);
    return x > 0 && y > 0 && x + y - 2046 - 52 >= exponent - 1022 - 86;
}

/* Sets exponents to those of grids for each product. Returns: whether there are such. */
static inline bool find_exponents(int64_t *exponents, bool *out_checks,
                                  const struct sotto__factor *x, const struct sotto__factor *ys,
                                  size_t ys_len)
{
    *out_checks = false;
    for (size_t i = 0; i < ys_len; i++) {
        /* Products with zeros are zeros, on any grid. */
        uint64_t bound = ys[i].bound == 0 ? x->bound : ys[i].bound;
        exponents[i] = sotto__exponent_of_products(x->bound, bound);
        if (x->bound >= SOTTO__INFINITY_BITS || bound >= SOTTO__INFINITY_BITS ||
            is_extreme(exponents[i])) {
            return false;
        }
        *out_checks = *out_checks || !leaves_nothing(exponents[i], x->least, ys[i].least);
    }
    return true;
}

static inline enum sotto__blocks_result sum_rounded_products(double sums[][2],
                                                             const struct sotto__factor *x,
                                                             const struct sotto__factor *ys,
                                                             size_t ys_len, size_t len)
{
    int64_t exponents[SOTTO__PRODUCTS_MAX];
    bool checks;
    bool leaves = false;
    memset(sums, 0, ys_len * sizeof *sums);
    if (x->bound == 0) {
        return SOTTO__BLOCKS_SUMMED;
    }
    if (!find_exponents(exponents, &checks, x, ys, ys_len)) {
        return SOTTO__BLOCKS_REFUSED;
    }
    if (ys_len == 4 && !checks) {
        (void)put_products_on_grids(sums, exponents, false, x->values, ys, 4, len);
    } else if (ys_len == 3 && !checks) {
        (void)put_products_on_grids(sums, exponents, false, x->values, ys, 3, len);
    } else if (ys_len == 2 && !checks) {
        (void)put_products_on_grids(sums, exponents, false, x->values, ys, 2, len);
    } else {
        for (size_t i = 0; i < ys_len && !leaves; i++) {
            leaves =
                put_products_on_grids(&sums[i], &exponents[i], true, x->values, &ys[i], 1, len);
        }
    }
    return leaves ? SOTTO__BLOCKS_REFUSED : SOTTO__BLOCKS_SUMMED;
}

#ifdef __FP_FAST_FMA
#define LEAST_PRODUCT_BITS (INT64_C(323) << 52) /* 2^-700 */

/* x y - product, which a fused multiplication gives exactly. */
static inline vector find_error(vector x, vector y, vector product)
{
    vector error;
    for (size_t j = 0; j < LANES; j++) {
        error[j] = __builtin_fma(x[j], y[j], -product[j]);
    }
    return error;
}

/* Whether some product is below the least magnitude, and not because a factor is 0. */
static inline bool has_tiny(vectori magnitudes, const double *x, const double *y, size_t len)
{
    vectori tiny = magnitudes < LEAST_PRODUCT_BITS;
    if (!is_any(tiny)) {
        return false;
    }
    vectori bad = {0};
    for (size_t i = 0; i < len; i += LANES) {
        vector a = load_vector(x + i);
        vector b = load_vector(y + i);
        bad |= ((read_bits(a * b) & INT64_MAX) < LEAST_PRODUCT_BITS) & (a != 0) & (b != 0);
    }
    return is_any(bad);
}
#endif

/* A product of doubles is the nearest double and an error of at most half a unit in its last place,
 * exactly, which is a double too where the product is 0 or at least 2^-700: a multiple of 2^-806.
 */
static inline enum sotto__blocks_result sum_products(double sums[4], double *rest, double *rest2,
                                                     uint64_t bounds[2], const double *x,
                                                     const double *y, size_t len)
{
    memset(sums, 0, 4 * sizeof *sums);
    if (bounds[0] == 0 || bounds[1] == 0) {
        return SOTTO__BLOCKS_SUMMED;
    }
#ifdef __FP_FAST_FMA
    int64_t exponent = sotto__exponent_of_products(bounds[0], bounds[1]);
    if (bounds[0] >= SOTTO__INFINITY_BITS || bounds[1] >= SOTTO__INFINITY_BITS ||
        is_extreme(exponent) || is_extreme(exponent - 53)) {
        return SOTTO__BLOCKS_REFUSED;
    }
    struct grids grids = make_grids(exponent);
    struct grids errors = make_grids(exponent - 53);
    vectori any = {0};
    vectori least = LEAST_PRODUCT_BITS - (vectori){0};
    for (size_t i = 0; i < len; i += LANES) {
        prefetch_next(x + i);
        vector a = load_vector(x + i);
        vector b = load_vector(y + i);
        vector product = a * b;
        vector r = put_on_grids(&grids, product);
        vector r2 = put_on_grids(&errors, find_error(a, b, product));
        least = take_smaller(read_bits(product) & INT64_MAX, least);
        any |= read_bits(r) | read_bits(r2);
        memcpy(rest + i, &r, sizeof r);
        memcpy(rest2 + i, &r2, sizeof r2);
    }
    if (has_tiny(least, x, y, len)) {
        return SOTTO__BLOCKS_REFUSED;
    }
    read_grids(sums, &grids, NULL);
    read_grids(sums + 2, &errors, NULL);
    bounds[0] = bound_rest(exponent);
    bounds[1] = bound_rest(exponent - 53);
    return is_any(any) ? SOTTO__BLOCKS_LEFT_REST : SOTTO__BLOCKS_SUMMED;
#else
    (void)rest;
    (void)rest2;
    (void)x;
    (void)y;
    (void)len;
    return SOTTO__BLOCKS_REFUSED;
#endif
}

#endif
