/* SPDX-License-Identifier: Apache-2.0 */

/* Sums that one row makes up, beside those that were told. Leans on products.c for what products
 * with columns of few values leave.
 *
 * The one idea: atoms that are in the same sums are one block, of which nobody can tell them apart.
 * Where no block is one row's, no combination of sums is. */

#include "ledger_decide.h"
#include "ledger_odd.h"
#include "magnitude.h"

#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

/* --- Blocks --- */

struct blocks {
    size_t *of; /* of each atom: its block; SOTTO_NONE: it is in no sum */
    size_t len;
    uint8_t *is_known[2]; /* of each atom: it is in a sum of the measure that was told */
};

static void blocks_release(struct blocks *blocks)
{
    sotto_free(blocks->of);
    sotto_free(blocks->is_known[0]);
    sotto_free(blocks->is_known[1]);
}

static void hash_sums(uint64_t *hashes, uint8_t *is_known, const struct sotto__ledger_sums *sums,
                      size_t atoms_len, uint64_t salt)
{
    for (size_t i = 0; i < sums->len; i++) {
        uint64_t hash = sotto__ledger_sums_mark_atom((size_t)(salt + i));
        for (size_t j = 0; j < sums->list[i].len; j++) {
            size_t column = sums->columns[sums->list[i].first + j];
            if (column < atoms_len) {
                hashes[column] += hash;
                is_known[column] = 1;
            }
        }
    }
}

static int compare_hashes(const void *a, const void *b, void *context)
{
    const uint64_t *hashes = context;
    uint64_t x = hashes[*(const size_t *)a];
    uint64_t y = hashes[*(const size_t *)b];
    return (x > y) - (x < y);
}

/* Numbers atoms by their hashes. */
static enum sotto_status number_blocks(struct blocks *out, uint64_t *hashes, size_t atoms_len)
{
    size_t *order = sotto_alloc_array(atoms_len + 1, sizeof *order);
    if (order == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < atoms_len; i++) {
        order[i] = i;
    }
    qsort_r(order, atoms_len, sizeof *order, compare_hashes, hashes);
    for (size_t i = 0; i < atoms_len; i++) {
        bool is_new = i == 0 || hashes[order[i]] != hashes[order[i - 1]];
        out->len += hashes[order[i]] != 0 && is_new;
        out->of[order[i]] = hashes[order[i]] != 0 ? out->len - 1 : SOTTO_NONE;
    }
    sotto_free(order);
    return SOTTO_OK;
}

/* Finds the blocks that sums of measures make, told and asked. */
static enum sotto_status blocks_init(struct blocks *out, const struct decision *decision,
                                     const size_t *measures, size_t measures_len)
{
    size_t atoms_len = decision->file->atoms_len;
    uint64_t *hashes = sotto_alloc_array(atoms_len + 1, sizeof *hashes);
    uint8_t *unused = sotto_alloc_zeroed(atoms_len + 1);
    *out = (struct blocks){.of = sotto_alloc_array(atoms_len + 1, sizeof *out->of)};
    enum sotto_status status =
        hashes != NULL && unused != NULL && out->of != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    for (size_t i = 0; status == SOTTO_OK && i < measures_len; i++) {
        uint64_t salt = (uint64_t)(i + 1) << 40;
        out->is_known[i] = sotto_alloc_zeroed(atoms_len + 1);
        if (out->is_known[i] == NULL) {
            status = SOTTO_ERROR_NO_MEMORY;
            break;
        }
        hash_sums(hashes, out->is_known[i], &decision->told_sums[measures[i]], atoms_len, salt);
        if (!decision->file->measures[measures[i]].is_context) {
            hash_sums(hashes, unused, sotto__decision_asked(decision, measures[i]), atoms_len,
                      salt + ((uint64_t)1 << 32));
        }
    }
    if (status == SOTTO_OK) {
        status = number_blocks(out, hashes, atoms_len);
    }
    sotto_free(hashes);
    sotto_free(unused);
    return status;
}

/* --- One measure --- */

/* What the sums of a group add to those that were told. */
struct addition {
    struct sotto_ledger_magnitude magnitude;
    bool is_new; /* it has a block that was not told */
};

/* Fails what is asked of a group, or (SOTTO_NONE) of all. */
static void fail_group(struct decision *decision, size_t group)
{
    const struct sotto_ledger_file *file = decision->file;
    for (size_t i = 0; i < file->atoms_len; i++) {
        bool is_its = group == SOTTO_NONE || sotto__decision_find_group(decision, i) == group;
        if (file->atoms[i].is_asked && is_its) {
            decision->has_failed[i] = 1;
            decision->is_dominated = true;
        }
    }
}

/* Whether a block that was told is one row's. blocks_of: scratch, of each block. */
static bool has_dominated(const struct decision *decision, const struct blocks *blocks,
                          struct sotto_ledger_magnitude *blocks_of)
{
    const struct sotto_ledger_file *file = decision->file;
    bool found = false;
    for (size_t i = 0; i < file->atoms_len; i++) {
        if (blocks->is_known[0][i] != 0) {
            sotto__magnitude_add(&blocks_of[blocks->of[i]],
                                 &file->atoms[i].magnitudes[decision->measure]);
        }
    }
    for (size_t i = 0; !found && i < blocks->len; i++) {
        found = sotto__magnitude_is_dominated(&blocks_of[i], decision->question->dominance);
    }
    return found;
}

/* A group with a block that was not told can't be taken apart with what was: nothing else has that
 * block. Any other one is made of blocks that were. */
static void judge_groups(struct decision *decision, const struct blocks *blocks,
                         struct addition *additions, bool is_known_dominated)
{
    const struct sotto_ledger_file *file = decision->file;
    for (size_t i = 0; i < file->atoms_len; i++) {
        struct addition *addition = &additions[sotto__decision_find_group(decision, i)];
        if (file->atoms[i].is_asked && blocks->is_known[0][i] == 0) {
            addition->is_new = true;
            sotto__magnitude_add(&addition->magnitude,
                                 &file->atoms[i].magnitudes[decision->measure]);
        }
    }
    for (size_t i = 0; i < sotto__decision_count_groups(decision); i++) {
        bool fails = additions[i].is_new
                         ? sotto__magnitude_is_dominated(&additions[i].magnitude,
                                                         decision->question->dominance)
                         : is_known_dominated;
        if (fails) {
            fail_group(decision, i);
        }
    }
}

enum sotto_status sotto__decision_check_dominance(struct decision *decision,
                                                  struct sotto_error *err)
{
    struct blocks blocks;
    struct sotto_ledger_magnitude *blocks_of = NULL;
    struct addition *additions = NULL;
    enum sotto_status status = blocks_init(&blocks, decision, &decision->measure, 1);
    if (status != SOTTO_OK) {
        goto out;
    }
    blocks_of = sotto_alloc_array(blocks.len + 1, sizeof *blocks_of);
    additions = sotto_alloc_array(sotto__decision_count_groups(decision), sizeof *additions);
    if (blocks_of == NULL || additions == NULL) {
        status = SOTTO_ERROR_NO_MEMORY;
        goto out;
    }
    judge_groups(decision, &blocks, additions, has_dominated(decision, &blocks, blocks_of));
out:
    sotto_free(additions);
    sotto_free(blocks_of);
    blocks_release(&blocks);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

/* --- A product beside its other factor --- */

/* Whether the sums of a group that are asked of a pair were told before. */
static bool is_pair_repeated(const struct decision *decision, const struct sotto_ledger_pair *pair,
                             size_t group)
{
    const struct sotto_ledger_file *file = decision->file;
    size_t groups_len = sotto__decision_count_groups(decision);
    const size_t measures[2] = {pair->product, pair->alone};
    bool is_repeated = true;
    for (size_t i = 0; i < 2; i++) {
        is_repeated = is_repeated && (file->measures[measures[i]].is_context ||
                                      (decision->repeats[measures[i] * groups_len + group] &
                                       SOTTO__LEDGER_IS_REPEATED) != 0);
    }
    return is_repeated;
}

/* A block's rows by the values of the factor that has few. */
struct block_slices {
    struct sotto_ledger_slice slices[SOTTO_LEDGER_LEVELS];
    bool is_known[2]; /* of the product, and of the sum alone; what is asked for counts */
    bool is_asked;
    size_t group;
};

static void fill_slices(struct block_slices *out, const struct decision *decision,
                        const struct blocks *blocks, const struct sotto_ledger_pair *pair)
{
    const struct sotto_ledger_file *file = decision->file;
    const size_t measures[2] = {pair->product, pair->alone};
    for (size_t i = 0; i < file->atoms_len; i++) {
        if (blocks->of[i] == SOTTO_NONE) {
            continue;
        }
        struct block_slices *block = &out[blocks->of[i]];
        for (size_t j = 0; j < pair->values_len; j++) {
            const struct sotto_ledger_slice *slice = &pair->slices[i * pair->stride + j];
            block->slices[j].rows += slice->rows;
            sotto__magnitude_add(&block->slices[j].magnitude, &slice->magnitude);
        }
        for (size_t j = 0; j < 2; j++) {
            bool is_asked = file->atoms[i].is_asked && !file->measures[measures[j]].is_context;
            block->is_known[j] = block->is_known[j] || blocks->is_known[j][i] != 0 || is_asked;
        }
        block->is_asked = block->is_asked || file->atoms[i].is_asked;
        block->group = sotto__decision_find_group(decision, i);
    }
}

/* In all groups together, or in one, whose sums are told by themselves. odd: of each group, then of
 * all. */
static void judge_odd(struct decision *decision, const struct sotto_ledger_pair *pair,
                      const struct block_slices *blocks, size_t blocks_len,
                      struct sotto__ledger_odd *odd)
{
    size_t groups_len = sotto__decision_count_groups(decision);
    for (size_t i = 0; i < blocks_len; i++) {
        const struct block_slices *block = &blocks[i];
        sotto__ledger_odd_add(&odd[groups_len], pair, block->slices, block->is_known[0],
                              block->is_known[1]);
        if (block->is_asked && !is_pair_repeated(decision, pair, block->group)) {
            sotto__ledger_odd_add(&odd[block->group], pair, block->slices, block->is_known[0],
                                  block->is_known[1]);
        }
    }
    for (size_t i = 0; i <= groups_len; i++) {
        if (sotto__ledger_odd_is_dominated(&odd[i], pair, decision->question->dominance)) {
            fail_group(decision, i < groups_len ? i : SOTTO_NONE);
        }
    }
}

enum sotto_status sotto__decision_check_odd(struct decision *decision,
                                            const struct sotto_ledger_pair *pair,
                                            struct sotto_error *err)
{
    const size_t measures[2] = {pair->product, pair->alone};
    struct blocks blocks;
    struct block_slices *slices = NULL;
    struct sotto__ledger_odd *odd = NULL;
    enum sotto_status status = blocks_init(&blocks, decision, measures, 2);
    if (status != SOTTO_OK) {
        goto out;
    }
    slices = sotto_alloc_array(blocks.len + 1, sizeof *slices);
    odd = sotto_alloc_array(sotto__decision_count_groups(decision) + 1, sizeof *odd);
    if (slices == NULL || odd == NULL) {
        status = SOTTO_ERROR_NO_MEMORY;
        goto out;
    }
    fill_slices(slices, decision, &blocks, pair);
    judge_odd(decision, pair, slices, blocks.len, odd);
out:
    sotto_free(odd);
    sotto_free(slices);
    blocks_release(&blocks);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}
