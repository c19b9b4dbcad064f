/* SPDX-License-Identifier: Apache-2.0 */

/* Evidence as it is looked at (sotto/evidence.h), once all rows were taken. It leans on inquiry.c
 * for what was asked of them, and on facts.c, which keeps what they said. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>
#include <string.h>

enum sotto_status sotto__evidence_fail(enum sotto_status status, struct sotto_error *err)
{
    return status == SOTTO_ERROR_LIMIT
               ? sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "the sets of rows that are asked for cut each other into too many "
                                 "pieces to be judged: ask for fewer at once")
               : sotto_error_no_memory(err);
}

enum sotto_status sotto__evidence_finish(struct sotto_evidence *evidence, struct sotto_error *err)
{
    size_t len = 0;
    size_t datasets_len = evidence->lens.datasets;
    sotto__evidence_settle(evidence);
    for (size_t i = 0; i < datasets_len; i++) {
        len += evidence->atoms[i].len;
    }
    evidence->listed = sotto_alloc_array(len, sizeof *evidence->listed);
    sotto__evidence_keep(evidence, evidence->listed != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY);
    if (evidence->status != SOTTO_OK) {
        return sotto__evidence_fail(evidence->status, err);
    }
    struct sotto_evidence_atom *out = evidence->listed;
    for (size_t i = 0; i < datasets_len; i++) {
        const struct sotto__atoms *atoms = &evidence->atoms[i];
        for (size_t j = 0; j < atoms->len; j++) {
            *out++ = (struct sotto_evidence_atom){.group = atoms->keys[j * atoms->words],
                                                  .rows = atoms->rows[j]};
        }
    }
    return SOTTO_OK;
}

size_t sotto_evidence_groups_len(const struct sotto_evidence *evidence)
{
    return evidence->inquiry->program->groups_len;
}

size_t sotto_evidence_datasets_len(const struct sotto_evidence *evidence)
{
    return evidence->inquiry->driver->plan->datasets_len;
}

bool sotto_evidence_reads(const struct sotto_evidence *evidence, size_t dataset)
{
    const struct sotto__program *program = evidence->inquiry->program;
    bool reads = program->keys_len > 0 && dataset == 0; /* groups are of one dataset */
    for (size_t i = 0; i < program->ops_len; i++) {
        reads = reads ||
                (program->ops[i].kind == SOTTO__OP_COLUMN && program->ops[i].dataset == dataset);
    }
    return reads;
}

bool sotto_evidence_has_where(const struct sotto_evidence *evidence)
{
    return evidence->inquiry->program->where != SOTTO_NONE;
}

bool sotto_evidence_has_groups(const struct sotto_evidence *evidence)
{
    return evidence->inquiry->program->keys_len > 0;
}

void sotto_evidence_outside(const struct sotto_evidence *evidence, uint64_t *out_left_out,
                            uint64_t *out_in_no_group, size_t dataset)
{
    *out_left_out = evidence->outside[2 * dataset];
    *out_in_no_group = evidence->outside[2 * dataset + 1];
}

const struct sotto_evidence_set *sotto_evidence_sets(const struct sotto_evidence *evidence,
                                                     size_t *out_len)
{
    *out_len = evidence->inquiry->sets_len;
    return evidence->inquiry->sets;
}

const struct sotto_evidence_sum *sotto_evidence_sums(const struct sotto_evidence *evidence,
                                                     size_t *out_len)
{
    *out_len = evidence->inquiry->sums_len;
    return evidence->inquiry->sums;
}

const struct sotto_evidence_column *sotto_evidence_columns(const struct sotto_evidence *evidence,
                                                           size_t *out_len)
{
    *out_len = evidence->inquiry->columns_len;
    return evidence->inquiry->columns;
}

const struct sotto_evidence_atom *sotto_evidence_atoms(const struct sotto_evidence *evidence,
                                                       size_t dataset, size_t *out_len)
{
    const struct sotto_evidence_atom *listed = evidence->listed;
    for (size_t i = 0; i < dataset; i++) {
        listed += evidence->atoms[i].len;
    }
    *out_len = evidence->atoms[dataset].len;
    return listed;
}

bool sotto_evidence_holds(const struct sotto_evidence *evidence, size_t atom, size_t set)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto__membership *member = &inquiry->members[set];
    const struct sotto__atoms *atoms = &evidence->atoms[inquiry->sets[set].dataset];
    const uint32_t *key = atoms->keys + atom * atoms->words;
    const uint32_t *words = key + 1 + inquiry->program->indices_len;
    bool holds = true;
    SOTTO_REQUIRE(inquiry->sets[set].is_told_apart);
    if (member->index != SOTTO_NONE) {
        uint32_t number = key[1 + member->index];
        holds = number >= member->first && number < member->last;
    }
    for (size_t i = 0; holds && i < member->bits_len; i++) {
        size_t at = inquiry->bits[inquiry->literals[member->bits_first + i]].at;
        holds = ((words[at / SOTTO__BITS_OF_WORD] >> at % SOTTO__BITS_OF_WORD) & 1) != 0;
    }
    return holds;
}

enum sotto_status sotto_evidence_is_near(bool *out, const struct sotto_evidence *evidence,
                                         size_t group, size_t a, size_t b)
{
    return sotto__affine_is_near(out, &evidence->affines[group], a, b, evidence->values_max);
}

size_t sotto_evidence_sample_len(const struct sotto_evidence *evidence, size_t group)
{
    return evidence->affines[group].sample_len;
}

uint64_t sotto_evidence_sample_few(const struct sotto_evidence *evidence, bool *out_is_all,
                                   size_t group, size_t rows_len)
{
    const struct sotto__affine *affine = &evidence->affines[group];
    *out_is_all = !affine->is_sampled && rows_len == affine->sample_len;
    return *out_is_all ? evidence->values_max
                       : sotto__affine_count_few(affine, rows_len, evidence->values_max);
}

uint64_t sotto_evidence_sample_rows(const struct sotto_evidence *evidence, size_t group, size_t row)
{
    const struct sotto__affine *affine = &evidence->affines[group];
    return affine->is_sampled ? 1 : affine->counts[row];
}

double sotto_evidence_sample_value(const struct sotto_evidence *evidence, size_t group, size_t row,
                                   size_t column)
{
    const struct sotto__affine *affine = &evidence->affines[group];
    return affine->values[row * affine->columns_len + column];
}

bool sotto_evidence_is_identifier(const struct sotto_evidence *evidence, size_t column)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    bool found = false;
    for (size_t i = 0; i < inquiry->multiplied_len; i++) {
        found = found || (inquiry->multiplied[i] == column &&
                          sotto__distinct_identifies(&evidence->distinct[i]));
    }
    return found;
}

double sotto_evidence_bits(const struct sotto_evidence *evidence, double *out_step, size_t group,
                           size_t sum, size_t factor)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    size_t spread = inquiry->traces[sum].spreads[factor];
    const struct sotto__extent *extent = &evidence->extents[group * inquiry->spreads_len + spread];
    *out_step = extent->step;
    return sotto__extent_bits(extent);
}

static size_t find_level(const struct sotto__inquiry *inquiry, size_t column)
{
    size_t found = 0;
    while (found < inquiry->levels_len && inquiry->levels[found] != column) {
        found++;
    }
    return found;
}

bool sotto_evidence_has_levels(const struct sotto_evidence *evidence, size_t column)
{
    size_t level = find_level(evidence->inquiry, column);
    return level < evidence->inquiry->levels_len && !evidence->levels[level].is_over;
}

double sotto_evidence_level(const struct sotto_evidence *evidence, size_t atom, size_t column)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto__atoms *atoms = &evidence->atoms[inquiry->columns[column].dataset];
    const uint32_t *words = atoms->keys + atom * atoms->words + evidence->lens.levels_first +
                            2 * find_level(inquiry, column);
    uint64_t word = words[0] | (uint64_t)words[1] << 32;
    double value;
    memcpy(&value, &word, sizeof value);
    return value;
}

const uint64_t *sotto_evidence_bins(const struct sotto_evidence *evidence, size_t group,
                                    size_t *out_len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    *out_len = inquiry->bins_len - inquiry->values_len;
    return evidence->bins + group * inquiry->bins_len;
}

const uint64_t *sotto_evidence_values(const struct sotto_evidence *evidence, size_t group,
                                      size_t *out_len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    *out_len = inquiry->values_len;
    return evidence->bins + (group + 1) * inquiry->bins_len - inquiry->values_len;
}

struct sotto_evidence_terms sotto_evidence_terms_of(const struct sotto_evidence *evidence,
                                                    size_t group, size_t sum)
{
    return evidence->terms[group * evidence->inquiry->sums_len + sum];
}

struct sotto_evidence_values sotto_evidence_values_of(const struct sotto_evidence *evidence,
                                                      size_t group, size_t sum, size_t factor)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto__spread_values *spread =
        &evidence->spreads[group * inquiry->spreads_len + inquiry->traces[sum].spreads[factor]];
    uint64_t rows = evidence->terms[group * inquiry->sums_len + sum].rows;
    uint64_t most = 0;
    uint64_t least = rows;
    for (size_t i = 0; i < spread->places_len; i++) {
        uint64_t count = spread->counts[i];
        most = count > most ? count : most;
        least = count > 0 && count < least ? count : least;
    }
    return (struct sotto_evidence_values){.rows = rows,
                                          .differing = spread->is_over ? rows : rows - most,
                                          .least = least,
                                          .distinct = spread->len,
                                          .is_counted = !spread->is_over};
}
