/* SPDX-License-Identifier: Apache-2.0 */

/* The split kernels of AVX-512: a block is one register, comparisons leave masks of 64 bits, and
 * VBMI2 compresses the positions of the set bits. Leans on split_impl.h. Compiled with -mavx512f
 * -mavx512bw -mavx512vl -mavx512vbmi2 -mbmi -mbmi2 -mpopcnt. */

#include "text/split.h"

#include <immintrin.h>

struct block {
    __m512i bytes;
};

static inline struct block block_load(const char *p)
{
    return (struct block){.bytes = _mm512_loadu_si512(p)};
}

static inline uint64_t block_high(struct block block)
{
    return _mm512_movepi8_mask(block.bytes);
}

static inline uint64_t block_equal(struct block block, char c)
{
    return _mm512_cmpeq_epi8_mask(block.bytes, _mm512_set1_epi8(c));
}

/* The positions of the set bits, as bytes, are moved together in a register (the form that stores
 * is slow on Zen 4), and widened to 32 bits by sixteen. The first sixteen are always written; the
 * other three groups only where there are more than sixteen ends in 64 bytes, which is one field in
 * four bytes. */
static inline void ends_write(uint32_t *ends, uint64_t mask, uint32_t base)
{
    const __m512i positions = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i found = _mm512_maskz_compress_epi8(mask, positions);
    __m512i offset = _mm512_set1_epi32((int)base);
    __m128i part = _mm512_castsi512_si128(found);
    _mm512_storeu_si512(ends, _mm512_add_epi32(_mm512_cvtepu8_epi32(part), offset));
    if (__builtin_popcountll(mask) > 16) {
        part = _mm512_extracti32x4_epi32(found, 1);
        _mm512_storeu_si512(ends + 16, _mm512_add_epi32(_mm512_cvtepu8_epi32(part), offset));
        part = _mm512_extracti32x4_epi32(found, 2);
        _mm512_storeu_si512(ends + 32, _mm512_add_epi32(_mm512_cvtepu8_epi32(part), offset));
        part = _mm512_extracti32x4_epi32(found, 3);
        _mm512_storeu_si512(ends + 48, _mm512_add_epi32(_mm512_cvtepu8_epi32(part), offset));
    }
}

#include "text/split_impl.h"

const struct sotto__split_kernels sotto__split_avx512 = {
    .split = split_text,
    .quotes = count_quotes,
};
