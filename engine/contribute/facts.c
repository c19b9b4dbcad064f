/* SPDX-License-Identifier: Apache-2.0 */

/* What evidence is kept in. It leans on the tables of this room, and knows neither rows nor, but
 * for how many of everything there are, what is asked of them.
 *
 * The one idea: evidence of some rows and evidence of others are evidence of all, in any order.
 * Whatever is added here has to merge like that: numbers of rows by a sum, a largest value by a
 * maximum, a set of values by a union. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

#define VALUES_MAX ((uint64_t)1 << 16) /* SOTTO_MIN_ROWS_MAX of sotto/disclosure.h */

/* --- Storage --- */

/* A key's words: the group, the number in each index, the bits, two for each level. */
static struct sotto__evidence_lens count_all(const struct sotto__inquiry *inquiry)
{
    const struct sotto__program *program = inquiry->program;
    size_t levels_first = 1 + program->indices_len +
                          (inquiry->told_len + SOTTO__BITS_OF_WORD - 1) / SOTTO__BITS_OF_WORD;
    return (struct sotto__evidence_lens){.datasets = inquiry->driver->plan->datasets_len,
                                         .groups = program->groups_len,
                                         .words = levels_first + 2 * inquiry->levels_len,
                                         .levels_first = levels_first,
                                         .columns = inquiry->columns_len,
                                         .sums = inquiry->sums_len,
                                         .bins = inquiry->bins_len,
                                         .digits = inquiry->digits_len,
                                         .spreads = inquiry->spreads_len,
                                         .levels = inquiry->levels_len,
                                         .multiplied = inquiry->multiplied_len};
}

static bool allocate_facts(struct sotto_evidence *out)
{
    const struct sotto__evidence_lens *lens = &out->lens;
    size_t groups = lens->groups;
    out->outside = sotto_alloc_array(2 * lens->datasets, sizeof *out->outside);
    out->atoms = sotto_alloc_array(lens->datasets, sizeof *out->atoms);
    out->terms = sotto_alloc_array(groups * lens->sums, sizeof *out->terms);
    out->bins = sotto_alloc_array(groups * lens->bins, sizeof *out->bins);
    out->digits = sotto_alloc_array(groups * lens->digits, sizeof *out->digits);
    out->spreads = sotto_alloc_array(groups * lens->spreads, sizeof *out->spreads);
    out->levels = sotto_alloc_array(lens->levels, sizeof *out->levels);
    out->distinct = sotto_alloc_array(lens->multiplied, sizeof *out->distinct);
    out->extents = sotto_alloc_array(groups * lens->spreads, sizeof *out->extents);
    out->affines = sotto_alloc_array(groups, sizeof *out->affines);
    return out->outside != NULL && out->atoms != NULL && out->terms != NULL && out->bins != NULL &&
           out->digits != NULL && out->spreads != NULL && out->levels != NULL &&
           out->distinct != NULL && out->extents != NULL && out->affines != NULL;
}

/* What is needed to take rows. */
static bool allocate_scratch(struct sotto_evidence *out)
{
    size_t values_len = (out->lens.columns + 1) * SOTTO__ROWS_LEN;
    size_t words = out->lens.words;
    out->row = sotto_alloc_array(out->lens.columns + 1, sizeof *out->row);
    out->signed_values = sotto_alloc_aligned(values_len * sizeof *out->signed_values);
    out->magnitudes = sotto_alloc_aligned(values_len * sizeof *out->magnitudes);
    out->keys.words = sotto_alloc_aligned(words * (SOTTO__ROWS_LEN + 1) * sizeof(uint32_t));
    out->keys.used = sotto_alloc_array(words, sizeof *out->keys.used);
    out->left_out = sotto_alloc_aligned(SOTTO__ROWS_LEN);
    out->kept = sotto_alloc_array(SOTTO__ROWS_LEN + 1, sizeof *out->kept);
    return out->row != NULL && out->signed_values != NULL && out->magnitudes != NULL &&
           out->keys.words != NULL && out->keys.used != NULL && out->left_out != NULL &&
           out->kept != NULL;
}

enum sotto_status sotto__evidence_init(struct sotto_evidence *out,
                                       const struct sotto__inquiry *inquiry, uint64_t min_rows)
{
    struct sotto__evidence_lens lens = count_all(inquiry);
    enum sotto_status status = sotto__evidence_init_lens(out, &lens, min_rows);
    if (status != SOTTO_OK) {
        return status;
    }
    out->inquiry = inquiry;
    if (!allocate_scratch(out)) {
        sotto__evidence_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    return SOTTO_OK;
}

enum sotto_status sotto__evidence_init_lens(struct sotto_evidence *out,
                                            const struct sotto__evidence_lens *lens,
                                            uint64_t min_rows)
{
    *out = (struct sotto_evidence){.lens = *lens, .values_max = (size_t)min_rows, .weight = 1};
    if (min_rows > VALUES_MAX) {
        return SOTTO_ERROR_LIMIT;
    }
    if (!allocate_facts(out)) {
        sotto__evidence_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < lens->datasets; i++) {
        sotto__atoms_init(&out->atoms[i], lens->words);
    }
    for (size_t i = 0; i < lens->groups * lens->spreads; i++) {
        sotto__extent_init(&out->extents[i]);
    }
    for (size_t i = 0; i < lens->groups; i++) {
        sotto__affine_init(&out->affines[i], lens->columns, lens->groups, (size_t)min_rows);
    }
    return SOTTO_OK;
}

static void wipe(void *data, size_t bytes)
{
    if (data != NULL) {
        sotto_wipe(data, bytes);
    }
    sotto_free(data);
}

void sotto__evidence_release(struct sotto_evidence *evidence)
{
    const struct sotto__evidence_lens lens = evidence->lens;
    size_t values_len = (lens.columns + 1) * SOTTO__ROWS_LEN;
    size_t spreads_len = lens.groups * lens.spreads;
    for (size_t i = 0; evidence->atoms != NULL && i < lens.datasets; i++) {
        sotto__atoms_release(&evidence->atoms[i]);
    }
    for (size_t i = 0; evidence->spreads != NULL && i < spreads_len; i++) {
        sotto__spread_release(&evidence->spreads[i]);
    }
    for (size_t i = 0; evidence->levels != NULL && i < lens.levels; i++) {
        sotto__spread_release(&evidence->levels[i]);
    }
    for (size_t i = 0; evidence->affines != NULL && i < lens.groups; i++) {
        sotto__affine_release(&evidence->affines[i]);
    }
    sotto_free(evidence->outside);
    sotto_free(evidence->atoms);
    wipe(evidence->terms, lens.groups * lens.sums * sizeof *evidence->terms);
    sotto_free(evidence->spreads);
    sotto_free(evidence->levels);
    wipe(evidence->extents, spreads_len * sizeof *evidence->extents);
    sotto_free(evidence->distinct);
    sotto_free(evidence->affines);
    sotto_free(evidence->row);
    sotto_free(evidence->bins);
    sotto_free(evidence->digits);
    sotto_free(evidence->listed);
    wipe(evidence->signed_values, values_len * sizeof *evidence->signed_values);
    wipe(evidence->magnitudes, values_len * sizeof *evidence->magnitudes);
    sotto_free(evidence->keys.words);
    sotto_free(evidence->keys.used);
    sotto_free(evidence->left_out);
    sotto_free(evidence->kept);
    *evidence = (struct sotto_evidence){0};
}

void sotto__evidence_keep(struct sotto_evidence *evidence, enum sotto_status status)
{
    evidence->status = evidence->status == SOTTO_OK ? status : evidence->status;
}

/* --- Merging --- */

void sotto__evidence_take_magnitude(struct sotto_evidence_terms *terms, double magnitude)
{
    if (magnitude > terms->largest[0]) {
        terms->largest[1] = terms->largest[0];
        terms->largest[0] = magnitude;
    } else if (magnitude > terms->largest[1]) {
        terms->largest[1] = magnitude;
    }
}

static void merge_terms(struct sotto_evidence_terms *in_out,
                        const struct sotto_evidence_terms *other)
{
    in_out->rows += other->rows;
    in_out->infinite += other->infinite;
    in_out->total += other->total;
    sotto__evidence_take_magnitude(in_out, other->largest[0]);
    sotto__evidence_take_magnitude(in_out, other->largest[1]);
}

static void merge_atoms(struct sotto__atoms *in_out, const struct sotto__atoms *other)
{
    for (size_t i = 0; i < other->len; i++) {
        const uint32_t *key = other->keys + i * other->words;
        sotto__atoms_add(in_out, key, sotto__atoms_hash_key(other, key), other->rows[i]);
    }
}

static void add_counts(uint64_t *in_out, const uint64_t *other, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        in_out[i] += other[i];
    }
}

void sotto__evidence_merge(struct sotto_evidence *in_out, const struct sotto_evidence *other)
{
    const struct sotto__evidence_lens *lens = &in_out->lens;
    add_counts(in_out->outside, other->outside, 2 * lens->datasets);
    add_counts(in_out->bins, other->bins, lens->groups * lens->bins);
    add_counts(in_out->digits, other->digits, lens->groups * lens->digits);
    for (size_t i = 0; i < lens->datasets; i++) {
        merge_atoms(&in_out->atoms[i], &other->atoms[i]);
        sotto__evidence_keep(in_out, in_out->atoms[i].status);
        sotto__evidence_keep(in_out, other->atoms[i].status);
    }
    for (size_t i = 0; i < lens->groups * lens->sums; i++) {
        merge_terms(&in_out->terms[i], &other->terms[i]);
    }
    for (size_t i = 0; i < lens->groups; i++) {
        sotto__evidence_keep(in_out, sotto__affine_merge(&in_out->affines[i], &other->affines[i]));
    }
    for (size_t i = 0; i < lens->groups * lens->spreads; i++) {
        sotto__evidence_keep(in_out, sotto__spread_merge(&in_out->spreads[i], &other->spreads[i],
                                                         in_out->values_max));
        sotto__extent_merge(&in_out->extents[i], &other->extents[i]);
    }
    for (size_t i = 0; i < lens->levels; i++) {
        sotto__evidence_keep(in_out, sotto__spread_merge(&in_out->levels[i], &other->levels[i],
                                                         SOTTO_EVIDENCE_LEVELS_MAX));
    }
    for (size_t i = 0; i < lens->multiplied; i++) {
        sotto__distinct_merge(&in_out->distinct[i], &other->distinct[i]);
    }
    sotto__evidence_keep(in_out, other->status);
}

/* --- An order that the rows alone decide --- */

/* Puts atoms together that were told apart by columns which turned out to have many values. */
static void forget_levels(struct sotto_evidence *evidence, struct sotto__atoms *in_out)
{
    const struct sotto__evidence_lens *lens = &evidence->lens;
    struct sotto__atoms merged;
    sotto__atoms_init(&merged, in_out->words);
    for (size_t i = 0; i < in_out->len; i++) {
        uint32_t *key = in_out->keys + i * in_out->words;
        for (size_t j = 0; j < lens->levels; j++) {
            uint32_t *words = key + lens->levels_first + 2 * j;
            words[0] = evidence->levels[j].is_over ? 0 : words[0];
            words[1] = evidence->levels[j].is_over ? 0 : words[1];
        }
        sotto__atoms_add(&merged, key, sotto__atoms_hash_key(&merged, key), in_out->rows[i]);
    }
    sotto__evidence_keep(evidence, merged.status);
    sotto__evidence_keep(evidence, in_out->status);
    sotto__atoms_release(in_out);
    *in_out = merged;
}

static bool has_many_values(const struct sotto_evidence *evidence)
{
    bool found = false;
    for (size_t i = 0; i < evidence->lens.levels; i++) {
        found = found || evidence->levels[i].is_over;
    }
    return found;
}

void sotto__evidence_settle(struct sotto_evidence *evidence)
{
    bool forgets = has_many_values(evidence);
    for (size_t i = 0; i < evidence->lens.datasets; i++) {
        if (forgets) {
            forget_levels(evidence, &evidence->atoms[i]);
        }
        sotto__atoms_sort(&evidence->atoms[i]);
        sotto__evidence_keep(evidence, evidence->atoms[i].status);
    }
    for (size_t i = 0; i < evidence->lens.groups; i++) {
        sotto__affine_prune(&evidence->affines[i]);
        sotto__evidence_keep(evidence, sotto__affine_sort(&evidence->affines[i]));
    }
}
