/* SPDX-License-Identifier: Apache-2.0 */

/* The split kernels of AVX2: a block is two registers, a comparison leaves one byte per byte, and
 * movemask makes them bits. Leans on split_impl.h. Compiled with -mavx2 -mbmi -mbmi2 -mpopcnt. */

#include "text/split.h"

#include <immintrin.h>

struct block {
    __m256i low;
    __m256i high;
};

static inline struct block block_load(const char *p)
{
    return (struct block){.low = _mm256_loadu_si256((const __m256i *)p),
                          .high = _mm256_loadu_si256((const __m256i *)(p + 32))};
}

static inline uint64_t block_high(struct block block)
{
    return (uint32_t)_mm256_movemask_epi8(block.low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(block.high) << 32;
}

static inline uint64_t block_equal(struct block block, char c)
{
    __m256i all = _mm256_set1_epi8(c);
    return block_high((struct block){.low = _mm256_cmpeq_epi8(block.low, all),
                                     .high = _mm256_cmpeq_epi8(block.high, all)});
}

static inline void ends_write_bits(uint32_t *ends, uint64_t mask, uint32_t base);

static inline void ends_write(uint32_t *ends, uint64_t mask, uint32_t base)
{
    ends_write_bits(ends, mask, base);
}

#include "text/split_impl.h"

const struct sotto__split_kernels sotto__split_avx2 = {
    .split = split_text,
    .quotes = count_quotes,
};
