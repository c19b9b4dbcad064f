/* SPDX-License-Identifier: Apache-2.0 */

/* The additions compiled for AVX2, and elements of 40 bits spread to lanes of 64 by a byte shuffle.
 * Leans on vector_kernels.h. */

#include "vector/vector_kernels.h"

#include <immintrin.h>

/* Four elements of 40 bits, two in each half, with zeros above them. A shuffle does not cross
 * halves, so each half loads its own ten bytes; 26 bytes are read for 20 (SOTTO__LANES_SLACK). */
static inline __m256i spread_40(const uint8_t *elements)
{
    const __m256i order = _mm256_setr_epi8(0, 1, 2, 3, 4, -1, -1, -1, 5, 6, 7, 8, 9, -1, -1, -1, 0,
                                           1, 2, 3, 4, -1, -1, -1, 5, 6, 7, 8, 9, -1, -1, -1);
    __m128i low = _mm_loadu_si128((const __m128i_u *)elements);
    __m128i high = _mm_loadu_si128((const __m128i_u *)(elements + 10));
    return _mm256_shuffle_epi8(_mm256_set_m128i(high, low), order);
}

#define DEFINE_LANES_40(name, op, rest)                                                            \
    static void name(uint64_t *lanes, const uint8_t *elements, size_t len)                         \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + 4 <= len; i += 4) {                                                             \
            __m256i_u *at = (__m256i_u *)(lanes + i);                                              \
            _mm256_storeu_si256(at, op(_mm256_loadu_si256(at), spread_40(elements + 5 * i)));      \
        }                                                                                          \
        rest(lanes + i, elements + 5 * i, len - i);                                                \
    }

DEFINE_LANES_40(spread_add_40, _mm256_add_epi64, lanes_add_40)
DEFINE_LANES_40(spread_subtract_40, _mm256_sub_epi64, lanes_subtract_40)

const struct sotto__vector_ops sotto__vector_ops_avx2 =
    VECTOR_OPS(spread_add_40, spread_subtract_40);
