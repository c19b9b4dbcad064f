/* SPDX-License-Identifier: Apache-2.0 */

/* Whether the column that an owner names as the key of rows in parts is one: nobody has all keys in
 * one place, nor could a part hold all of its own. Leans on the engine's watch, which hashes them.
 *
 * The one idea: the smallest hashes of all rows are the smallest of those of the parts, so a sample
 * of them merges in any tree, and in it each key is there as often as in all rows. Of up to
 * SOTTO__TALLY_KEYS_MAX rows it is all of them; of more, a column in which one key in a hundred is
 * there twice is found out but for a chance of 4 in 100,000. */

#include "tally_atoms.h"

#include <sotto/alloc.h>
#include <string.h>

static void take_key(struct seen_keys *in_out, uint64_t hash)
{
    size_t low = 0;
    size_t high = in_out->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool is_below = in_out->hashes[middle] < hash;
        low = is_below ? middle + 1 : low;
        high = is_below ? high : middle;
    }
    if (low < in_out->len && in_out->hashes[low] == hash) {
        in_out->has_twins = true;
        return;
    }
    if (low == SOTTO__TALLY_KEYS_MAX) {
        return;
    }
    in_out->len -= in_out->len == SOTTO__TALLY_KEYS_MAX; /* the largest one makes room */
    memmove(in_out->hashes + low + 1, in_out->hashes + low,
            (in_out->len - low) * sizeof *in_out->hashes);
    in_out->hashes[low] = hash;
    in_out->len++;
}

void sotto__tally_take_keys(struct seen_keys *in_out, const uint64_t *hashes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_large = in_out->len == SOTTO__TALLY_KEYS_MAX &&
                        hashes[i] > in_out->hashes[SOTTO__TALLY_KEYS_MAX - 1];
        if (hashes[i] != 0 && !is_large) {
            take_key(in_out, hashes[i]);
        }
    }
}

void sotto__tally_merge_keys(struct seen_keys *in_out, const struct seen_keys *other)
{
    in_out->has_twins = in_out->has_twins || other->has_twins;
    sotto__tally_take_keys(in_out, other->hashes, other->len);
}

void sotto__tally_write_keys(struct sotto_writer *writer, const struct seen_keys *keys)
{
    sotto_write_u8(writer, keys->has_twins);
    sotto_write_u32(writer, (uint32_t)keys->len);
    for (size_t i = 0; i < keys->len; i++) {
        sotto_write_u64(writer, keys->hashes[i]);
    }
}

void sotto__tally_read_keys(struct seen_keys *out, struct sotto_reader *reader)
{
    unsigned has_twins = sotto_read_u8(reader);
    uint32_t len = sotto_read_u32(reader);
    if (has_twins > 1 || len > SOTTO__TALLY_KEYS_MAX) {
        sotto_reader_fail(reader);
    }
    out->has_twins = has_twins == 1;
    for (uint32_t i = 0; !reader->failed && i < len; i++) {
        uint64_t hash = sotto_read_u64(reader);
        if (hash <= (i > 0 ? out->hashes[i - 1] : 0)) { /* in order, and never 0 */
            sotto_reader_fail(reader);
        }
        out->hashes[out->len++] = hash;
    }
}
