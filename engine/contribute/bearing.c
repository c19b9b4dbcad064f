/* SPDX-License-Identifier: Apache-2.0 */

/* What a party says of the cells of guarded quantiles (methods/guarded.c): where it has few rows,
 * and where enough. It leans on the counts of evidence, which are of all of the party's rows. The
 * one idea: how many rows a party asks for is its own, so that what it says is found here, when its
 * rows are over, and not added up with them. A party without a judge asks for nothing and bears
 * all. */

#include "contribute/contribute.h"

static uint64_t count_rows(const uint64_t *digits, size_t first, size_t last)
{
    uint64_t rows = 0;
    for (size_t i = first; i < last; i++) {
        rows += digits[i];
    }
    return rows;
}

/* digits: rows by the numbers of the term's index. */
static bool find_answer(const struct sotto__term *term, const uint64_t *digits, uint64_t least)
{
    uint64_t rows = count_rows(digits, term->first, term->last);
    return term->kind == SOTTO__TERM_ASKING ||
           (rows > 0 && (rows < least) == (term->kind == SOTTO__TERM_FEW));
}

/* Where an index's numbers stand among a group's. */
static size_t find_digits(const struct sotto__program *program, size_t index)
{
    size_t at = 0;
    for (size_t i = 0; i < index; i++) {
        at += program->indices[i].is_borne ? sotto__index_bins(&program->indices[i]) : 0;
    }
    return at;
}

void sotto__bearing_say(uint64_t *limbs, const struct sotto_evidence *evidence, uint64_t least)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto__program *program = inquiry->program;
    size_t index = SOTTO_NONE;
    size_t at = 0;
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        if (!sotto__term_is_of_parties(term)) {
            continue;
        }
        at = term->index != index ? find_digits(program, term->index) : at;
        index = term->index;
        for (size_t group = 0; group < program->groups_len; group++) {
            limbs[group * program->group_limbs + term->offset] =
                find_answer(term, evidence->digits + group * inquiry->digits_len + at, least);
        }
    }
}
