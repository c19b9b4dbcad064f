/* SPDX-License-Identifier: Apache-2.0 */

/* What a party says of the cells of guarded quantiles (methods/guarded.c): where it has few rows,
 * and where enough. It leans on the counts of evidence, which are of all of the party's rows. The
 * one idea: how many rows a party asks for is its own, so that what it says is found here, when its
 * rows are over, and not added up with them. A party without a judge asks for nothing and bears
 * all. */

#include "contribute/contribute.h"

#include <string.h>

/* A sum of what 1,000 parties say has no more than 16 bits. */
_Static_assert(SOTTO_PLAN_MAX_CLIENTS < 1 << SOTTO__PARTIES_BITS, "counts of parties would carry");

static void say(uint64_t *limbs, size_t number, bool is_said)
{
    unsigned shift = SOTTO__PARTIES_BITS * (number % SOTTO__COUNTS_IN_LIMB);
    limbs[number / SOTTO__COUNTS_IN_LIMB] |= (uint64_t)is_said << shift;
}

/* What a party says of a cell. rows: by its parts. */
static void say_of_cell(uint64_t *limbs, const struct sotto__index *index, size_t cell,
                        const uint64_t *rows, uint64_t least)
{
    uint64_t nodes[2 * SOTTO__SCALE_PARTS_MAX];
    size_t parts_len = (size_t)1 << index->digit_bits;
    memcpy(nodes + parts_len, rows, parts_len * sizeof *nodes);
    for (size_t node = 2 * parts_len; node-- > 1;) {
        if (node < parts_len) {
            nodes[node] = nodes[2 * node] + nodes[2 * node + 1];
        }
        bool is_few = nodes[node] < least;
        say(limbs, sotto__few_at(index, cell, node), nodes[node] > 0 && is_few);
        say(limbs, sotto__enough_at(index, cell, node), nodes[node] > 0 && !is_few);
    }
    say(limbs, sotto__asking_at(index, cell), true);
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
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        if (term->kind != SOTTO__TERM_BEARING) {
            continue;
        }
        const struct sotto__index *index = &program->indices[term->index];
        const uint64_t *rows = evidence->digits + find_digits(program, term->index);
        for (size_t group = 0; group < program->groups_len; group++) {
            uint64_t *to = limbs + group * program->group_limbs + term->offset;
            memset(to, 0, term->limbs * sizeof *to);
            for (size_t cell = 0; cell < index->cells_len; cell++) {
                const uint64_t *of_cell =
                    rows + group * inquiry->digits_len + (cell << index->digit_bits);
                say_of_cell(to, index, cell, of_cell, least);
            }
        }
    }
}
