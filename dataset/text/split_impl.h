/* SPDX-License-Identifier: Apache-2.0 */

/* The split kernels, written once. A block of 64 bytes becomes masks of 64 bits, one bit a byte;
 * quotes are solved by a prefix XOR, so that no byte is ever branched on.
 *
 * The kernels are in terms of what each instruction set supplies before it includes this file:
 *
 *     struct block                                64 bytes
 *     block_load(p), block_equal(block, c), block_high(block)
 *                                                 bit i of a mask stands for byte i
 *     ends_write(ends, mask, base)                base + the positions of the set bits, in order;
 *                                                 may write SOTTO__SPLIT_SLACK elements */

#include "text/split.h"

/* Bit i: an odd number of bits of x at or below i is set. Six doublings sum 64 bits modulo 2. */
static inline uint64_t prefix_xor(uint64_t x)
{
    for (unsigned shift = 1; shift < 64; shift *= 2) {
        x ^= x << shift;
    }
    return x;
}

/* One block, of which the bytes of valid belong to the text. inside: all ones within quotes. */
static inline size_t split_block(uint32_t *ends, struct sotto__split *out, uint64_t *inside,
                                 const char *p, uint64_t valid, uint32_t base, char delimiter)
{
    struct block block = block_load(p);
    uint64_t row = block_equal(block, '\n') & valid;
    uint64_t cr = block_equal(block, '\r') & valid;
    uint64_t quote = block_equal(block, '"') & valid;
    out->nul = out->nul || (block_equal(block, 0) & valid) != 0;
    out->high = out->high || (block_high(block) & valid) != 0;
    /* A CR before an LF is no end of its own: the LF is. The byte behind the block decides for the
     * last CR, and is readable (SOTTO__SPLIT_BLOCK). */
    if (cr != 0) {
        uint64_t before_lf = (block_equal(block, '\n') >> 1) | (uint64_t)(p[64] == '\n') << 63;
        out->crlf = out->crlf || (cr & before_lf) != 0;
        row |= cr & ~before_lf;
    }
    uint64_t end = row | (block_equal(block, delimiter) & valid);
    if ((quote | *inside) != 0) {
        /* From an opening quote up to, but without, its closing one. A doubled quote closes and
         * opens again with nothing between, so it needs no care. The last bit is the state that the
         * next block starts with. */
        uint64_t quoted = prefix_xor(quote) ^ *inside;
        *inside = 0 - (quoted >> 63);
        out->quotes += (size_t)__builtin_popcountll(quote);
        row &= ~quoted;
        end &= ~quoted;
    }
    out->row_ends += (size_t)__builtin_popcountll(row);
    ends_write(ends, end, base);
    return (size_t)__builtin_popcountll(end);
}

static size_t split_text(uint32_t *ends, struct sotto__split *out, const char *text, size_t bytes,
                         char delimiter)
{
    size_t len = 0;
    uint64_t inside = 0;
    size_t i = 0;
    *out = (struct sotto__split){0};
    for (; i + 64 <= bytes; i += 64) {
        len += split_block(ends + len, out, &inside, text + i, UINT64_MAX, (uint32_t)i, delimiter);
    }
    if (i < bytes) {
        uint64_t valid = (UINT64_C(1) << (bytes - i)) - 1;
        len += split_block(ends + len, out, &inside, text + i, valid, (uint32_t)i, delimiter);
    }
    /* Of a last block in parts the bits behind the text repeat the state at its end. */
    out->inside = inside != 0;
    return len;
}

static size_t count_quotes(const char *text, size_t bytes)
{
    size_t count = 0;
    size_t i = 0;
    for (; i + 64 <= bytes; i += 64) {
        count += (size_t)__builtin_popcountll(block_equal(block_load(text + i), '"'));
    }
    if (i < bytes) {
        uint64_t valid = (UINT64_C(1) << (bytes - i)) - 1;
        count += (size_t)__builtin_popcountll(block_equal(block_load(text + i), '"') & valid);
    }
    return count;
}

/* For instruction sets without a compressing store. */
static inline void ends_write_bits(uint32_t *ends, uint64_t mask, uint32_t base)
{
    while (mask != 0) {
        /* Eight at a time: one branch that is mostly right instead of one for each. */
        for (size_t i = 0; i < 8; i++) {
            ends[i] = base + (uint32_t)(mask != 0 ? __builtin_ctzll(mask) : 0);
            mask &= mask - 1;
        }
        ends += 8;
    }
}
