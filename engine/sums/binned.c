/* SPDX-License-Identifier: Apache-2.0 */

/* Sums of values by the number of their rows in an index, in each group. It leans on rows/search.c
 * for the numbers, and on accumulate.c for one value into one accumulator. The one idea: each
 * number has a term of its own, and these follow one another, so that a row costs the same however
 * many numbers there are. */

#include "sums/sums.h"

#include <string.h>

void sotto__binned_add(struct sotto__sums *sums, const struct sotto__rows *rows, size_t term,
                       size_t len)
{
    const struct sotto__program *program = sums->program;
    const struct sotto__term *terms = &program->terms[term];
    const struct sotto__register *reg = &rows->registers[terms->factors[0]];
    const uint32_t *numbers = rows->numbers + terms->index * SOTTO__ROWS_LEN;
    const uint8_t *state = sotto__term_state(sums, rows, terms, len);
    const struct sotto__index *index = &program->indices[terms->index];
    size_t bins_len = sotto__index_bins(index);
    for (size_t i = 0; i < len; i++) {
        if (state[i] != 0 || numbers[i] >= bins_len) {
            continue;
        }
        size_t group = program->keys_len > 0 ? rows->groups[i] : 0;
        const struct sotto__term *bin = &terms[numbers[i]];
        sotto__int128 *words =
            sums->accumulators + group * program->group_accumulators + bin->accumulator;
        if (bin->type == SOTTO__ROW_FLOAT) {
            uint64_t factor;
            memcpy(&factor, (const double *)reg->values + i, sizeof factor);
            sotto__add_factors(words, bin, &factor);
        } else {
            sotto__add_exact((uint64_t *)words, (const uint64_t *)reg->values + i * reg->limbs,
                             reg->limbs, bin->limbs);
        }
    }
}
