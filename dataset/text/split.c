/* SPDX-License-Identifier: Apache-2.0 */

/* Finds where the fields of a text end (delimiters and row ends outside quotes), without SIMD, and
 * chooses the fastest kernel for this CPU. Leans on split_impl.h, where the loop over blocks of 64
 * bytes is written once; this file supplies the block, as eight words of 64 bits.
 *
 * The idea: these plain kernels define what splitting means. Those for AVX2, AVX-512 and NEON must
 * find the same ends, and tests compare them with this file. */

#include "text/split.h"

#include <sotto/cpu.h>
#include <string.h>

struct block {
    uint64_t words[8];
};

static inline struct block block_load(const char *p)
{
    struct block block;
    memcpy(&block, p, sizeof block);
    return block;
}

/* The high bit of each byte of word, as a mask of 8 bits: bit 8 i + 7 is multiplied up to bit
 * 56 + i, and no two products meet. The lowest byte is the first one, as on all CPUs we know. */
static inline uint64_t gather_high(uint64_t word)
{
    return ((word >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}

static inline uint64_t block_high(struct block block)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++) {
        mask |= gather_high(block.words[i] & UINT64_C(0x8080808080808080)) << (8 * i);
    }
    return mask;
}

static inline uint64_t block_equal(struct block block, char c)
{
    const uint64_t low = UINT64_C(0x7F7F7F7F7F7F7F7F);
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t x = block.words[i] ^ ((unsigned char)c * UINT64_C(0x0101010101010101));
        /* Equal bytes are 0 in x. Adding 0x7F to the low seven bits sets the high bit where they
         * are not all 0, and no carry leaves a byte: 0x7F + 0x7F < 0x100. */
        mask |= gather_high(~(((x & low) + low) | x | low)) << (8 * i);
    }
    return mask;
}

static inline void ends_write_bits(uint32_t *ends, uint64_t mask, uint32_t base);

static inline void ends_write(uint32_t *ends, uint64_t mask, uint32_t base)
{
    ends_write_bits(ends, mask, base);
}

#include "text/split_impl.h"

const struct sotto__split_kernels sotto__split_generic = {
    .split = split_text,
    .quotes = count_quotes,
};

const struct sotto__split_kernels *sotto__split_kernels(void)
{
    switch (sotto_cpu_level()) {
#if defined(__x86_64__)
    case SOTTO_CPU_AVX512:
        return &sotto__split_avx512;
    case SOTTO_CPU_AVX2:
        return &sotto__split_avx2;
#elif defined(__aarch64__)
    case SOTTO_CPU_NEON:
        return &sotto__split_neon;
#endif
    default:
        return &sotto__split_generic;
    }
}
