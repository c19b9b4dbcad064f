/* SPDX-License-Identifier: Apache-2.0 */

/* Counts of rows by index and group, and the sums of conditions that are made of them. It leans on
 * rows/search.c for the number of each row. The one idea: a row adds to one count, however many
 * conditions there are; each condition's sum is a range of counts, read off their running totals
 * when the rows are over. */

#include "sums/sums.h"

/* Counts the rows that a method asks for: in its later rounds few blocks have any. */
static void count_asked(uint64_t *counts, const struct sotto__rows *rows,
                        const struct sotto__index *index, const uint32_t *numbers, size_t len)
{
    const struct sotto__program *program = rows->program;
    uint32_t bins_len = (uint32_t)sotto__index_bins(index);
    uint32_t asked_len = 0;
    for (size_t i = 0; i < len; i++) {
        asked_len += numbers[i] < bins_len;
    }
    for (size_t i = 0; asked_len > 0 && i < len; i++) {
        if (numbers[i] < bins_len) {
            size_t group = program->keys_len > 0 ? rows->groups[i] : 0;
            counts[group * program->group_counts + numbers[i]]++;
        }
    }
}

void sotto__indexed_add(struct sotto__sums *sums, const struct sotto__rows *rows, size_t index,
                        size_t len)
{
    const struct sotto__program *program = sums->program;
    const uint32_t *numbers = rows->numbers + index * SOTTO__ROWS_LEN;
    uint64_t *counts = sums->counts + program->indices[index].offset;
    if (program->indices[index].is_asked) {
        count_asked(counts, rows, &program->indices[index], numbers, len);
        return;
    }
    for (size_t i = 0; program->keys_len == 0 && i < len; i++) {
        counts[numbers[i]]++;
    }
    for (size_t i = 0; program->keys_len > 0 && i < len; i++) {
        counts[rows->groups[i] * program->group_counts + numbers[i]]++;
    }
}

/* Sets totals[i] to the sum of an index's counts before i. */
static void add_up(uint64_t *totals, const uint64_t *counts, const struct sotto__index *index)
{
    uint64_t total = 0;
    for (size_t i = 0; i < index->len + 4; i++) {
        totals[index->offset + i] = total;
        total += counts[index->offset + i];
    }
}

void sotto__indexed_add_up(const struct sotto__sums *sums, size_t group)
{
    const struct sotto__program *program = sums->program;
    const uint64_t *counts = sums->counts + group * program->group_counts;
    for (size_t i = 0; i < program->indices_len; i++) {
        add_up(sums->totals, counts, &program->indices[i]);
    }
}

void sotto__indexed_add_to(const struct sotto__sums *sums, uint64_t *out, size_t group)
{
    const struct sotto__program *program = sums->program;
    sotto__indexed_add_up(sums, group);
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        if (sotto__term_is_counted(term)) {
            const uint64_t *totals = sums->totals + program->indices[term->index].offset;
            uint64_t count = totals[term->last] - totals[term->first];
            SOTTO_VERIFY(term->limbs == 1 && term->first <= term->last);
            sotto__limbs_add(out + group * program->group_limbs + term->offset, &count, 1);
        }
    }
}
