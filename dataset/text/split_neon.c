/* SPDX-License-Identifier: Apache-2.0 */

/* The split kernels of NEON: a block is four registers, and three pairwise additions make bits of
 * bytes. Leans on split_impl.h. Compiled on aarch64 only, where NEON is always there. */

#include "text/split.h"

#include <arm_neon.h>

struct block {
    uint8x16_t parts[4];
};

static inline struct block block_load(const char *p)
{
    const uint8_t *bytes = (const uint8_t *)p;
    return (struct block){.parts = {vld1q_u8(bytes), vld1q_u8(bytes + 16), vld1q_u8(bytes + 32),
                                    vld1q_u8(bytes + 48)}};
}

/* Bytes of all ones or all zeros to bits: each keeps the bit of its place among eight, and three
 * pairwise additions bring eight bytes into one. */
static inline uint64_t mask_of(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
    static const uint8_t places[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bits = vld1q_u8(places);
    uint8x16_t low = vpaddq_u8(vandq_u8(a, bits), vandq_u8(b, bits));
    uint8x16_t high = vpaddq_u8(vandq_u8(c, bits), vandq_u8(d, bits));
    uint8x16_t all = vpaddq_u8(low, high);
    all = vpaddq_u8(all, all);
    return vgetq_lane_u64(vreinterpretq_u64_u8(all), 0);
}

static inline uint64_t block_equal(struct block block, char c)
{
    uint8x16_t all = vdupq_n_u8((uint8_t)c);
    return mask_of(vceqq_u8(block.parts[0], all), vceqq_u8(block.parts[1], all),
                   vceqq_u8(block.parts[2], all), vceqq_u8(block.parts[3], all));
}

static inline uint64_t block_high(struct block block)
{
    uint8x16_t limit = vdupq_n_u8(0x80);
    return mask_of(vcgeq_u8(block.parts[0], limit), vcgeq_u8(block.parts[1], limit),
                   vcgeq_u8(block.parts[2], limit), vcgeq_u8(block.parts[3], limit));
}

static inline void ends_write_bits(uint32_t *ends, uint64_t mask, uint32_t base);

static inline void ends_write(uint32_t *ends, uint64_t mask, uint32_t base)
{
    ends_write_bits(ends, mask, base);
}

#include "text/split_impl.h"

const struct sotto__split_kernels sotto__split_neon = {
    .split = split_text,
    .quotes = count_quotes,
};
