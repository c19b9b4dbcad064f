/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_WIDE_KERNEL_H
#define SOTTO_ENGINE_WIDE_KERNEL_H

/* The kernels of exact values of two words, for blocks_kernel.h. Compilers have no vectors of such
 * values, and add them by a carry flag, one after the other. With AVX2 four go at a time, their low
 * words in one register and their high words in another: where a low word came out below one that
 * went into it, there was a carry. */

static inline sotto__int128 read_wide(const void *values, bool is_narrow, size_t i)
{
    return is_narrow ? ((const int64_t *)values)[i] : ((const sotto__int128 *)values)[i];
}

/* With widths that the compiler knows: a narrow value is extended where it is read, and two of them
 * are multiplied by one instruction. */
static inline __attribute__((always_inline)) void
combine_widths(sotto__int128 *restrict out, enum sotto__arithmetic op, const void *restrict x,
               bool x_is_narrow, const void *restrict y, bool y_is_narrow, size_t from, size_t len)
{
    for (size_t i = from; op == SOTTO__ARITHMETIC_ADD && i < len; i++) {
        out[i] = read_wide(x, x_is_narrow, i) + read_wide(y, y_is_narrow, i);
    }
    for (size_t i = from; op == SOTTO__ARITHMETIC_SUBTRACT && i < len; i++) {
        out[i] = read_wide(x, x_is_narrow, i) - read_wide(y, y_is_narrow, i);
    }
    for (size_t i = from; op == SOTTO__ARITHMETIC_MULTIPLY && i < len; i++) {
        out[i] = read_wide(x, x_is_narrow, i) * read_wide(y, y_is_narrow, i);
    }
    for (size_t i = from; op == SOTTO__ARITHMETIC_NEGATE && i < len; i++) {
        out[i] = -read_wide(x, x_is_narrow, i);
    }
    for (size_t i = from; op == SOTTO__ARITHMETIC_ABS && i < len; i++) {
        sotto__int128 value = read_wide(x, x_is_narrow, i);
        out[i] = value < 0 ? -value : value;
    }
}

#ifdef __AVX2__
/* Four values in the order 0, 2, 1, 3, in which halves of registers give and take them. */
struct four {
    __m256i low;
    __m256i high;
};

static inline __m256i load_words(const int64_t *values)
{
    __m256i words = _mm256_loadu_si256((const __m256i *)(const void *)values);
    return _mm256_permute4x64_epi64(words, 0xD8);
}

static inline struct four load_four(const void *values, bool is_narrow, size_t i)
{
    if (is_narrow) {
        __m256i low = load_words((const int64_t *)values + i);
        return (struct four){low, _mm256_cmpgt_epi64(_mm256_setzero_si256(), low)};
    }
    const __m256i *pairs = (const __m256i *)(const void *)((const sotto__int128 *)values + i);
    __m256i first = _mm256_loadu_si256(pairs);
    __m256i second = _mm256_loadu_si256(pairs + 1);
    return (struct four){_mm256_unpacklo_epi64(first, second),
                         _mm256_unpackhi_epi64(first, second)};
}

static inline void store_four(sotto__int128 *out, __m256i low, __m256i high)
{
    __m256i *pairs = (__m256i *)(void *)out;
    _mm256_storeu_si256(pairs, _mm256_unpacklo_epi64(low, high));
    _mm256_storeu_si256(pairs + 1, _mm256_unpackhi_epi64(low, high));
}

/* -1 where a is below b as words without a sign. */
static inline __m256i find_below(__m256i a, __m256i b)
{
    __m256i flip = _mm256_set1_epi64x(INT64_MIN);
    return _mm256_cmpgt_epi64(_mm256_xor_si256(b, flip), _mm256_xor_si256(a, flip));
}

/* Sums or differences, four at a time. Returns: how many there were. */
static inline __attribute__((always_inline)) size_t
add_fours(sotto__int128 *restrict out, bool subtracts, const void *restrict x, bool x_is_narrow,
          const void *restrict y, bool y_is_narrow, size_t len)
{
    size_t i = 0;
    for (; i + 4 <= len; i += 4) {
        struct four a = load_four(x, x_is_narrow, i);
        struct four b = load_four(y, y_is_narrow, i);
        __m256i low = subtracts ? _mm256_sub_epi64(a.low, b.low) : _mm256_add_epi64(a.low, b.low);
        __m256i high =
            subtracts ? _mm256_add_epi64(_mm256_sub_epi64(a.high, b.high), find_below(a.low, b.low))
                      : _mm256_sub_epi64(_mm256_add_epi64(a.high, b.high), find_below(low, b.low));
        store_four(out + i, low, high);
    }
    return i;
}

#define PART_BITS 28

/* A product of words x and y of at most 2^55. A word is h 2^28 + l, with l from 0 to below 2^28 and
 * |h| <= 2^27, which is the lower half of what a shift without sign leaves. So
 * x y = a + b 2^28 + c 2^56, 0 <= a < 2^56, |b| < 2^56, |c| <= 2^54. */
struct parted {
    __m256i a;
    __m256i b;
    __m256i c;
};

static inline struct parted multiply_parts(__m256i xs, __m256i ys, bool is_square)
{
    const __m256i part = _mm256_set1_epi64x((1LL << PART_BITS) - 1);
    __m256i xl = _mm256_and_si256(xs, part);
    __m256i yl = _mm256_and_si256(ys, part);
    __m256i xh = _mm256_srli_epi64(xs, PART_BITS);
    __m256i yh = _mm256_srli_epi64(ys, PART_BITS);
    __m256i crossed = _mm256_mul_epi32(xh, yl);
    return (struct parted){
        .a = _mm256_mul_epu32(xl, yl),
        .b = _mm256_add_epi64(crossed, is_square ? crossed : _mm256_mul_epi32(xl, yh)),
        .c = _mm256_mul_epi32(xh, yh)};
}

/* Products of words of at most 2^55, four at a time. The high word of one is
 *
 *     floor((c + floor((b + floor(a / 2^28)) / 2^28)) / 2^8).
 *
 * AVX2 has no shift of words with a sign: 2^60 and 2^62 are added before those two, and what they
 * have become, 2^24 and 2^54, is taken off at the end. */
static inline __attribute__((always_inline)) size_t multiply_fours(sotto__int128 *restrict out,
                                                                   const int64_t *x,
                                                                   const int64_t *y, bool is_square,
                                                                   size_t len)
{
    const __m256i bias = _mm256_set1_epi64x(1LL << 60);
    const __m256i bias2 = _mm256_set1_epi64x(1LL << 62);
    const __m256i biases = _mm256_set1_epi64x((1LL << 24) + (1LL << 54));
    size_t i = 0;
    for (; i + 4 <= len; i += 4) {
        struct parted product = multiply_parts(load_words(x + i), load_words(y + i), is_square);
        __m256i low = _mm256_add_epi64(_mm256_slli_epi64(product.b, PART_BITS),
                                       _mm256_slli_epi64(product.c, 2 * PART_BITS));
        __m256i rest = _mm256_add_epi64(product.b, bias);
        rest = _mm256_add_epi64(rest, _mm256_srli_epi64(product.a, PART_BITS));
        rest = _mm256_srli_epi64(rest, PART_BITS);
        __m256i high = _mm256_add_epi64(_mm256_add_epi64(product.c, bias2), rest);
        high = _mm256_sub_epi64(_mm256_srli_epi64(high, 64 - 2 * PART_BITS), biases);
        store_four(out + i, _mm256_add_epi64(low, product.a), high);
    }
    return i;
}

static inline sotto__int128 add_lanes(__m256i lanes)
{
    int64_t words[4];
    sotto__int128 sum = 0;
    memcpy(words, &lanes, sizeof words);
    for (size_t i = 0; i < 4; i++) {
        sum += words[i];
    }
    return sum;
}

/* A lane has at most SOTTO__ROWS_LEN / 4 = 2^7 products: a, b and c of all are below 2^63. Returns:
 * how many there were. */
static inline __attribute__((always_inline)) size_t sum_product_fours(sotto__int128 *out,
                                                                      const int64_t *x,
                                                                      const int64_t *y,
                                                                      bool is_square, size_t len)
{
    struct parted sum = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    size_t i = 0;
    for (; i + 4 <= len; i += 4) {
        struct parted product =
            multiply_parts(_mm256_loadu_si256((const __m256i *)(const void *)(x + i)),
                           _mm256_loadu_si256((const __m256i *)(const void *)(y + i)), is_square);
        sum.a = _mm256_add_epi64(sum.a, product.a);
        sum.b = _mm256_add_epi64(sum.b, product.b);
        sum.c = _mm256_add_epi64(sum.c, product.c);
    }
    const sotto__int128 part = (sotto__int128)1 << PART_BITS;
    *out = add_lanes(sum.a) + (add_lanes(sum.b) + add_lanes(sum.c) * part) * part;
    return i;
}
#endif

/* What goes in vectors. Returns: how many values there were. */
static inline __attribute__((always_inline)) size_t
combine_vectors(sotto__int128 *out, enum sotto__arithmetic op, const struct sotto__words *x,
                bool x_is_narrow, const struct sotto__words *y, bool y_is_narrow, size_t len)
{
#ifdef __AVX2__
    if (op == SOTTO__ARITHMETIC_ADD) {
        return add_fours(out, false, x->values, x_is_narrow, y->values, y_is_narrow, len);
    }
    if (op == SOTTO__ARITHMETIC_SUBTRACT) {
        return add_fours(out, true, x->values, x_is_narrow, y->values, y_is_narrow, len);
    }
    bool are_short = x_is_narrow && y_is_narrow && x->bits <= SOTTO__FACTOR_BITS_MAX &&
                     y->bits <= SOTTO__FACTOR_BITS_MAX;
    if (op == SOTTO__ARITHMETIC_MULTIPLY && are_short && x->values == y->values) {
        return multiply_fours(out, x->values, x->values, true, len);
    }
    if (op == SOTTO__ARITHMETIC_MULTIPLY && are_short) {
        return multiply_fours(out, x->values, y->values, false, len);
    }
#else
    (void)out;
    (void)op;
    (void)x;
    (void)x_is_narrow;
    (void)y;
    (void)y_is_narrow;
    (void)len;
#endif
    return 0;
}

static inline __attribute__((always_inline)) void
combine_words(sotto__int128 *out, enum sotto__arithmetic op, const struct sotto__words *x,
              bool x_is_narrow, const struct sotto__words *y, bool y_is_narrow, size_t len)
{
    size_t from = combine_vectors(out, op, x, x_is_narrow, y, y_is_narrow, len);
    combine_widths(out, op, x->values, x_is_narrow, y->values, y_is_narrow, from, len);
}

static inline void apply_wide(sotto__int128 *out, enum sotto__arithmetic op,
                              const struct sotto__words *x, const struct sotto__words *y,
                              size_t len)
{
    if (x->is_narrow && y->is_narrow) {
        combine_words(out, op, x, true, y, true, len);
    } else if (x->is_narrow) {
        combine_words(out, op, x, true, y, false, len);
    } else if (y->is_narrow) {
        combine_words(out, op, x, false, y, true, len);
    } else {
        combine_words(out, op, x, false, y, false, len);
    }
}

static inline sotto__int128 sum_narrow_products(const int64_t *x, const int64_t *y, size_t len)
{
    sotto__int128 sum = 0;
    size_t i = 0;
#ifdef __AVX2__
    i = x == y ? sum_product_fours(&sum, x, x, true, len)
               : sum_product_fours(&sum, x, y, false, len);
#endif
    for (; i < len; i++) {
        sum += (sotto__int128)x[i] * y[i];
    }
    return sum;
}

/* Lanes add up halves of words, as if these had 2^63 more: at most SOTTO__ROWS_LEN values below
 * 2^32 each have no carry. */
static inline sotto__int128 sum_narrow(const int64_t *values, size_t len)
{
    const uint64_t more = UINT64_C(1) << 63;
    vectoru low = {0};
    vectoru high = {0};
    size_t i = 0;
    for (; i + LANES <= len; i += LANES) {
        vectoru words;
        memcpy(&words, values + i, sizeof words);
        low += words & UINT32_MAX;
        high += (words ^ more) >> 32;
    }
    sotto__int128 sum = -(sotto__int128)more * (sotto__int128)i;
    for (size_t j = 0; j < LANES; j++) {
        sum += (sotto__int128)low[j] + ((sotto__int128)high[j] << 32);
    }
    for (; i < len; i++) {
        sum += values[i];
    }
    return sum;
}

/* Lanes add up halves of words, of at most SOTTO__ROWS_LEN values below 2^32 each: they have no
 * carry. Modulo 2^128, which the sum's sign survives. */
static inline sotto__int128 sum_wide(const sotto__int128 *values, size_t len)
{
    vectoru low = {0};
    vectoru high = {0};
    size_t i = 0;
    for (; i + LANES / 2 <= len; i += LANES / 2) {
        vectoru words;
        memcpy(&words, values + i, sizeof words);
        low += words & UINT32_MAX;
        high += words >> 32;
    }
    sotto__uint128 sum = 0;
    for (size_t j = 0; j < LANES; j++) {
        sum += ((sotto__uint128)low[j] + ((sotto__uint128)high[j] << 32)) << (j % 2 * 64);
    }
    for (; i < len; i++) {
        sum += (sotto__uint128)values[i];
    }
    return (sotto__int128)sum;
}

#endif
