/* SPDX-License-Identifier: Apache-2.0 */

/* The slots of a round, which are what parties send. It leans on the terms only, so that all
 * parties lay out the same vector from plan and types, whatever their rows are.
 *
 * For each group there are the terms, each once, in the order in which outputs need them, and with
 * group_by the number of parties that withhold the group. A slot of values |v| <= 2^b has
 * ceil((b + 62) / 64) limbs: sums of up to 2^60 of them, and the sign. Powers of doubles are in
 * units of 2^-1074 to that power: |v| < 2^(2098 power). Accumulators, grids and registers of a
 * party are laid out here too, and bound its memory before a row is read. */

#include "program/compile.h"

#include <sotto/alloc.h>

#define DOUBLE_BITS 2098

static size_t count_limbs(const struct sotto__term *term)
{
    if (term->kind != SOTTO__TERM_SUM) {
        return term->counts_len > 0 ? term->counts_len : 1;
    }
    size_t bits = term->type == SOTTO__ROW_FLOAT ? DOUBLE_BITS * term->factors_len : term->bits;
    return (bits + 62 + 63) / 64;
}

/* How many slots of one limb stand after a term's sum. */
static size_t count_more(const struct sotto__term *term)
{
    return term->has_infinities ? 2 : term->is_cell;
}

/* In units of 128 bits: a count or exact limbs two by two; for doubles a unit for each limb of the
 * slot, one more, and one for both counts of infinities. */
static size_t measure_accumulator(const struct sotto__term *term)
{
    if (term->kind != SOTTO__TERM_SUM && term->index != SOTTO_NONE) {
        return 0; /* the index counts */
    }
    if (term->kind == SOTTO__TERM_SUM && term->type == SOTTO__ROW_FLOAT) {
        return term->limbs + 1 + 1;
    }
    return (term->limbs + 1) / 2;
}

static enum sotto_status place_terms(struct sotto__program *program, size_t *out_slots_len)
{
    for (size_t i = 0; i < program->terms_len; i++) {
        struct sotto__term *term = &program->terms[i];
        term->limbs = count_limbs(term);
        term->offset = program->group_limbs;
        term->accumulator = program->group_accumulators;
        program->group_limbs += term->limbs + count_more(term);
        program->group_accumulators += measure_accumulator(term);
        if (program->keys_len > 0 && sotto__term_has_grids(term)) {
            term->grids = program->grids_len++;
        }
        *out_slots_len += (term->counts_len > 0 ? term->counts_len : 1) + count_more(term);
    }
    if (program->keys_len > 0) { /* the parties that withhold the group */
        program->group_limbs++;
        (*out_slots_len)++;
    }
    return program->group_limbs <= SOTTO__ROUND_LIMBS_MAX / program->groups_len ? SOTTO_OK
                                                                                : SOTTO_ERROR_LIMIT;
}

#ifdef SOTTO_VERIFY_BUILD
/* Slots and accumulators of a group stand side by side without a gap and fill it; the slots that
 * are sent are the limbs of all groups. */
static void verify_slots(const struct sotto__program *program)
{
    size_t limbs = 0;
    size_t accumulators = 0;
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        SOTTO_VERIFY(term->offset == limbs && term->accumulator == accumulators);
        SOTTO_VERIFY(term->factors_len >= 1 && term->factors_len <= SOTTO__TERM_FACTORS_MAX);
        for (size_t j = 0; j < term->factors_len; j++) {
            SOTTO_VERIFY(term->factors[j] < program->ops_len);
        }
        if (program->keys_len > 0 && sotto__term_has_grids(term)) {
            SOTTO_VERIFY(term->grids < program->grids_len);
        }
        limbs += term->limbs + count_more(term);
        accumulators += measure_accumulator(term);
    }
    SOTTO_VERIFY(limbs + (program->keys_len > 0) == program->group_limbs);
    SOTTO_VERIFY(accumulators == program->group_accumulators);
    size_t sent = 0;
    for (size_t i = 0; i < program->slots_len; i++) {
        SOTTO_VERIFY(program->slots[i] > 0);
        sent += program->slots[i];
    }
    SOTTO_VERIFY(sent == program->limbs_len);
}
#else
#define verify_slots(program) ((void)0)
#endif

enum sotto_status sotto__layout(struct sotto__program *program, struct sotto_error *err)
{
    size_t slots_len = 0;
    if (place_terms(program, &slots_len) != SOTTO_OK) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected sums of at most %zu bytes in all groups, found more",
                               SOTTO__ROUND_LIMBS_MAX * sizeof(uint64_t));
    }
    program->limbs_len = program->group_limbs * program->groups_len;
    if (program->parameters_len > SOTTO__ROUND_LIMBS_MAX / program->groups_len) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected at most %zu numbers of earlier rounds in all groups, "
                               "found more",
                               SOTTO__ROUND_LIMBS_MAX);
    }
    program->slots = sotto_alloc_array(slots_len * program->groups_len, sizeof *program->slots);
    program->parameters = sotto_alloc_array(program->parameters_len * program->groups_len,
                                            sizeof *program->parameters);
    if (program->slots == NULL || program->parameters == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t group = 0; group < program->groups_len; group++) {
        for (size_t i = 0; i < program->terms_len; i++) {
            const struct sotto__term *term = &program->terms[i];
            size_t singles = term->counts_len + count_more(term);
            if (term->counts_len == 0) {
                program->slots[program->slots_len++] = (uint16_t)term->limbs;
            }
            for (size_t j = 0; j < singles; j++) {
                program->slots[program->slots_len++] = 1;
            }
        }
        if (program->keys_len > 0) {
            program->slots[program->slots_len++] = 1;
        }
    }
    verify_slots(program);
    return SOTTO_OK;
}

enum sotto_status sotto__registers_measure(struct sotto__program *program, struct sotto_error *err)
{
    program->rows_bytes = 0;
    for (size_t i = 0; i < program->ops_len; i++) {
        size_t limbs = sotto__register_limbs(&program->ops[i]);
        program->rows_bytes += SOTTO__ROWS_LEN * (limbs * sizeof(uint64_t) + (limbs > 0));
    }
    return program->rows_bytes <= SOTTO__ROWS_BYTES_MAX
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "the expressions need too much memory for exact values: say "
                                 "float(x) for the doubles nearest to x");
}
