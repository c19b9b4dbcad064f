/* SPDX-License-Identifier: Apache-2.0 */

/* What a party's rows say about a round, beside its sums: the numbers of rows by which guard.c
 * judges. It leans on the registers of the room rows, which hold each operation of the program.
 *
 * The one idea: evidence of some rows and evidence of others are evidence of all, in any order.
 * Whatever is added here has to merge like that: numbers of rows by a sum; a largest value would by
 * a maximum, a set by a union. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>

/* --- Storage --- */

enum sotto_status sotto__evidence_init(struct sotto__evidence *out,
                                       const struct sotto__guard *guard)
{
    out->guard = guard;
    out->counts = sotto_alloc_array(guard->counts_len, sizeof *out->counts);
    return out->counts != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

void sotto__evidence_release(struct sotto__evidence *evidence)
{
    if (evidence->counts != NULL) {
        sotto_wipe(evidence->counts, evidence->guard->counts_len * sizeof *evidence->counts);
    }
    sotto_free(evidence->counts);
    *evidence = (struct sotto__evidence){0};
}

void sotto__evidence_merge(struct sotto__evidence *in_out, const struct sotto__evidence *other)
{
    for (size_t i = 0; i < in_out->guard->counts_len; i++) {
        in_out->counts[i] += other->counts[i];
    }
}

/* --- Rows --- */

/* Writes for each row on which side of a condition it is: 1 true, 0 false, 2 neither. */
static void find_truth(uint8_t *out, const struct sotto__rows *rows,
                       const struct sotto__condition *condition, size_t len)
{
    const struct sotto__register *reg = &rows->registers[condition->op];
    const struct sotto__op *op = &rows->program->ops[condition->op];
    const uint8_t *states[2] = {reg->state, reg->state};
    if (condition->kind == SOTTO__CONDITION_PRESENT || condition->compares) {
        states[0] = states[1] = rows->registers[op->a].state;
    }
    if (condition->compares && op->b != SOTTO_NONE) {
        states[1] = rows->registers[op->b].state;
    }
    for (size_t i = 0; i < len; i++) {
        bool is_present = (states[0][i] | states[1][i]) == 0;
        if (condition->kind == SOTTO__CONDITION_VALUES) {
            out[i] = is_present ? 1 : (states[0][i] & SOTTO__ROW_MADE_NAN) != 0 ? 0 : 2;
        } else if (condition->kind == SOTTO__CONDITION_PRESENT) {
            out[i] = is_present;
        } else {
            out[i] = is_present ? ((const int64_t *)reg->values)[i] != 0 : 2;
        }
    }
}

/* Rows of the block that have a value. */
static size_t count_present(const struct sotto_column *block, size_t len)
{
    size_t present = 0;
    if (block->type.kind == SOTTO_KIND_NULL) {
        return 0;
    }
    if (block->validity == NULL) {
        return len;
    }
    for (size_t i = 0; i < len / 8; i++) {
        present += (size_t)__builtin_popcount(block->validity[i]);
    }
    for (size_t i = len / 8 * 8; i < len; i++) {
        present += ((unsigned)block->validity[i / 8] >> (i % 8)) & 1U;
    }
    return present;
}

void sotto__evidence_take_block(struct sotto__evidence *in_out, size_t dataset,
                                const struct sotto_column *const *blocks, size_t len)
{
    const struct sotto_driver *driver = in_out->guard->driver;
    uint64_t *present = in_out->counts + driver->plan->datasets_len;
    in_out->counts[dataset] += len;
    for (size_t i = 0; i < driver->expansion.columns_len; i++) {
        present[i] += blocks[i] != NULL ? count_present(blocks[i], len) : 0;
    }
}

/* After the counts of columns: two numbers of each condition of where (false, true), then for each
 * group its rows and two numbers of each later condition. */
void sotto__evidence_take_rows(struct sotto__evidence *in_out, const struct sotto__rows *rows,
                               size_t dataset, size_t len)
{
    const struct sotto__guard *guard = in_out->guard;
    const struct sotto__program *program = rows->program;
    uint64_t *early = in_out->counts + guard->conditions_at;
    uint64_t *late = early + 2 * guard->early_len;
    bool selects = program->where != SOTTO_NONE || program->keys_len > 0;
    uint8_t truth[SOTTO__ROWS_LEN];
    for (size_t i = 0; dataset == 0 && i < len; i++) { /* groups are of one dataset */
        size_t group = program->keys_len > 0 && rows->skipped[i] == 0 ? rows->groups[i] : 0;
        late[group * guard->group_len] += !selects || rows->skipped[i] == 0;
    }
    for (size_t i = 0; i < guard->conditions_len; i++) {
        const struct sotto__condition *condition = &guard->conditions[i];
        bool is_early = i < guard->early_len;
        if (program->ops[condition->op].dataset != dataset || condition->term != SOTTO_NONE) {
            continue;
        }
        find_truth(truth, rows, condition, len);
        for (size_t j = 0; j < len; j++) {
            if (truth[j] == 2 || (!is_early && selects && rows->skipped[j] != 0)) {
                continue;
            }
            size_t group = !is_early && program->keys_len > 0 ? rows->groups[j] : 0;
            uint64_t *pair = is_early
                                 ? early + 2 * i
                                 : late + group * guard->group_len + 1 + 2 * (i - guard->early_len);
            pair[truth[j]]++;
        }
    }
}

/* --- Indices --- */

/* Adds the two numbers of a condition in one group, from the running totals of an index: what
 * find_truth says of its rows. */
static void add_indexed(uint64_t pair[2], const struct sotto__condition *condition,
                        const struct sotto__program *program, const uint64_t *totals)
{
    const struct sotto__term *term = &program->terms[condition->term];
    const struct sotto__index *index = &program->indices[term->index];
    const uint64_t *below = totals + index->offset;
    uint64_t present = below[index->len + 1];
    uint64_t holds = below[term->last] - below[term->first];
    if (condition->kind == SOTTO__CONDITION_TRUTH) {
        pair[0] += present - holds;
        pair[1] += holds;
        return;
    }
    bool is_left = program->ops[program->ops[condition->op].a].dataset != SOTTO_NONE;
    pair[0] += is_left ? below[index->len + 3] - below[index->len + 2] : 0;
    pair[1] += present;
}

/* Adds the counts by the indices of methods in one group. */
static void take_bins(struct sotto__evidence *in_out, const struct sotto__sums *sums, size_t group)
{
    const struct sotto__guard *guard = in_out->guard;
    const struct sotto__program *program = guard->program;
    uint64_t *bins = in_out->counts + guard->bins_at + group * guard->bins_len;
    const uint64_t *counts = sums->counts + group * program->group_counts;
    for (size_t i = 0; i < program->indices_len; i++) {
        const struct sotto__index *index = &program->indices[i];
        size_t bins_len = index->is_asked ? sotto__index_bins(index) : 0;
        for (size_t j = 0; j < bins_len; j++) {
            *bins++ += counts[index->offset + j];
        }
    }
}

void sotto__evidence_take_indices(struct sotto__evidence *in_out, const struct sotto__sums *sums)
{
    const struct sotto__guard *guard = in_out->guard;
    const struct sotto__program *program = guard->program;
    uint64_t *late = in_out->counts + guard->conditions_at + 2 * guard->early_len;
    for (size_t group = 0; program->indices_len > 0 && group < program->groups_len; group++) {
        take_bins(in_out, sums, group);
        sotto__indexed_add_up(sums, group);
        for (size_t i = guard->early_len; i < guard->conditions_len; i++) {
            uint64_t *pair = late + group * guard->group_len + 1 + 2 * (i - guard->early_len);
            if (guard->conditions[i].term != SOTTO_NONE) {
                add_indexed(pair, &guard->conditions[i], program, sums->totals);
            }
        }
    }
}
