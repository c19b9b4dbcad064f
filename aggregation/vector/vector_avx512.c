/* SPDX-License-Identifier: Apache-2.0 */

/* The additions compiled for AVX-512, and elements of 40 bits spread to lanes of 64 by words of 16
 * bits. Leans on vector_kernels.h. */

#include "vector/vector_kernels.h"

#include <immintrin.h>

/* Eight elements of 40 bits: element i starts at byte 5 i, so for each the four words of 16 bits
 * from there, or where that is odd from a byte before, which is then shifted out. What stands above
 * the 40 bits is part of the next element, and does not matter (lanes_add_40). 64 bytes are read
 * for 40 (SOTTO__LANES_SLACK). */
static inline __m512i spread_40(const uint8_t *elements)
{
    const __m512i order = _mm512_set_epi16(20, 19, 18, 17, 18, 17, 16, 15, 15, 14, 13, 12, 13, 12,
                                           11, 10, 10, 9, 8, 7, 8, 7, 6, 5, 5, 4, 3, 2, 3, 2, 1, 0);
    const __m512i shifts = _mm512_set_epi64(8, 0, 8, 0, 8, 0, 8, 0);
    __m512i words = _mm512_permutexvar_epi16(order, _mm512_loadu_si512(elements));
    return _mm512_srlv_epi64(words, shifts);
}

#define DEFINE_LANES_40(name, op, rest)                                                            \
    static void name(uint64_t *lanes, const uint8_t *elements, size_t len)                         \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + 8 <= len; i += 8) {                                                             \
            __m512i sum = op(_mm512_loadu_si512(lanes + i), spread_40(elements + 5 * i));          \
            _mm512_storeu_si512(lanes + i, sum);                                                   \
        }                                                                                          \
        rest(lanes + i, elements + 5 * i, len - i);                                                \
    }

DEFINE_LANES_40(spread_add_40, _mm512_add_epi64, lanes_add_40)
DEFINE_LANES_40(spread_subtract_40, _mm512_sub_epi64, lanes_subtract_40)

const struct sotto__vector_ops sotto__vector_ops_avx512 =
    VECTOR_OPS(spread_add_40, spread_subtract_40);
