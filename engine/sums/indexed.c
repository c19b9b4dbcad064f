/* SPDX-License-Identifier: Apache-2.0 */

/* Counts of rows by index and group, and the sums of conditions that are made of them. It leans on
 * rows/search.c for the number of each row. The one idea: a row adds to one count, however many
 * conditions there are; each condition's sum is a range of counts, read off their running totals
 * when the rows are over. */

#include "sums/sums.h"

#include <string.h>

/* Two cells of 2^8 digits; each lane has one more for all other rows. */
#define LANE_BINS_MAX ((size_t)2 << 8)
#define LANES 4

/* Counts a block whose rows have one number or two, as in the first rounds of a search and in the
 * last ones. Returns: false if there are more numbers; nothing is counted then. */
static bool count_pair(uint64_t *counts, const uint32_t *numbers, uint32_t bins_len, size_t len)
{
    uint32_t second;
    size_t first_len;
    if (!sotto__blocks()->are_two(&second, &first_len, numbers, len)) {
        return false;
    }
    counts[numbers[0]] += numbers[0] < bins_len ? first_len : 0;
    counts[second] += second < bins_len ? len - first_len : 0;
    return true;
}

/* Counts rows by number, below bins_len, without waiting for a count to be stored before it is
 * loaded again: neighbours, which often have the same number, add to different lanes. A block has
 * at most SOTTO__ROWS_LEN rows, so that a lane's counts fit 16 bits. */
static void count_in_lanes(uint64_t *counts, const uint32_t *numbers, uint32_t bins_len, size_t len)
{
    uint16_t lanes[LANES][LANE_BINS_MAX + 1];
    for (size_t lane = 0; lane < LANES; lane++) {
        memset(lanes[lane], 0, (bins_len + 1) * sizeof lanes[lane][0]);
    }
    for (size_t i = 0; i < len; i++) {
        lanes[i % LANES][numbers[i] < bins_len ? numbers[i] : bins_len]++;
    }
    for (size_t bin = 0; bin < bins_len; bin++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            counts[bin] += lanes[lane][bin];
        }
    }
}

/* Counts the rows that a method asks for, all in one group: in its later rounds few blocks have
 * any. */
static void count_asked(uint64_t *counts, const uint32_t *numbers, uint32_t bins_len, size_t len)
{
    uint32_t asked_len = 0;
    if (count_pair(counts, numbers, bins_len, len)) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        asked_len += numbers[i] < bins_len;
    }
    if (bins_len <= LANE_BINS_MAX && asked_len >= len / LANES) {
        count_in_lanes(counts, numbers, bins_len, len);
        return;
    }
    for (size_t i = 0; asked_len > 0 && i < len; i++) {
        if (numbers[i] < bins_len) {
            counts[numbers[i]]++;
        }
    }
}

/* Likewise in many groups, whose counts are stride apart. */
static void count_asked_by_group(uint64_t *counts, const struct sotto__rows *rows, size_t stride,
                                 const uint32_t *numbers, uint32_t bins_len, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (numbers[i] < bins_len) {
            counts[rows->groups[i] * stride + numbers[i]]++;
        }
    }
}

void sotto__indexed_add(struct sotto__sums *sums, const struct sotto__rows *rows, size_t index,
                        size_t len)
{
    const struct sotto__program *program = sums->program;
    const uint32_t *numbers = rows->numbers + index * SOTTO__ROWS_LEN;
    uint64_t *counts = sums->counts + program->indices[index].offset;
    uint32_t bins_len = (uint32_t)sotto__index_bins(&program->indices[index]);
    if (program->indices[index].is_asked && program->keys_len == 0) {
        count_asked(counts, numbers, bins_len, len);
        return;
    }
    if (program->indices[index].is_asked) {
        count_asked_by_group(counts, rows, program->group_counts, numbers, bins_len, len);
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

/* Rows were counted by the first of indices that give them the same numbers. */
static void copy_counts(const struct sotto__sums *sums, size_t group)
{
    const struct sotto__program *program = sums->program;
    uint64_t *counts = sums->counts + group * program->group_counts;
    for (size_t i = 0; i < program->indices_len; i++) {
        const struct sotto__index *index = &program->indices[i];
        const struct sotto__index *twin = &program->indices[index->twin];
        if (twin != index) {
            memcpy(counts + index->offset, counts + twin->offset, index->len * sizeof *counts);
        }
    }
}

void sotto__indexed_add_to(const struct sotto__sums *sums, uint64_t *out, size_t group)
{
    const struct sotto__program *program = sums->program;
    copy_counts(sums, group);
    sotto__indexed_add_up(sums, group);
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        uint64_t *to = out + group * program->group_limbs + term->offset;
        if (sotto__term_is_counted(term)) {
            const uint64_t *totals = sums->totals + program->indices[term->index].offset;
            SOTTO_VERIFY(term->limbs == 1 && term->first <= term->last);
            to[0] += totals[term->last] - totals[term->first];
        }
        for (size_t j = 0; term->kind == SOTTO__TERM_COUNTS && j < term->counts_len; j++) {
            to[j] += sums->counts[group * program->group_counts +
                                  program->indices[term->index].offset + j];
        }
    }
}
