/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_SUMS_KERNEL_H
#define SOTTO_ENGINE_SUMS_KERNEL_H

/* The kernels that sum doubles without error, for blocks_kernel.h, which has the vectors. The
 * file that includes that one may define FNMADD(a, b, c): c - a b, rounded once.
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
    vector rest = r - (sum2 - grids->sum2);
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

/* The exponent for grids that products of values with these bounds go onto. */
static inline int64_t find_exponent_of_products(uint64_t x_bound, uint64_t y_bound)
{
    return (int64_t)(x_bound >> 52) + (int64_t)(y_bound >> 52) - 1022;
}

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
        exponents[i] = find_exponent_of_products(x->bound, bound);
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
    int64_t exponent = find_exponent_of_products(bounds[0], bounds[1]);
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
