/* SPDX-License-Identifier: Apache-2.0 */

/* A part given to whoever has the plan. Leans on the driver and on what the round asks of rows. The
 * one idea: what a part says is compared with the round's own widths and lengths, and its counts
 * with each other, before anything of it is added; so that who looks at evidence later need not ask
 * whether it can be. */

#include "parts/parts.h"

#include <string.h>

/* Whether no group counts more rows than there are, and says nothing that is not of rows. */
static bool has_its_counts(const uint64_t *group, const struct sotto__program *program,
                           uint64_t rows)
{
    bool has = program->keys_len == 0 || group[program->group_limbs - 1] == 0;
    for (size_t i = 0; has && i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        const uint64_t *at = group + term->offset;
        uint64_t most = term->kind == SOTTO__TERM_BEARING ? 0 : rows;
        for (size_t j = 0; has && term->kind != SOTTO__TERM_SUM && j < term->limbs; j++) {
            has = at[j] <= most;
        }
        has = has && (!term->is_cell || at[term->limbs] == 0);
        for (size_t j = 0; has && term->has_infinities && j < 2; j++) {
            has = at[term->limbs + j] <= rows;
        }
    }
    return has;
}

static bool has_all_counts(const struct sotto__part *part, const struct sotto__program *program)
{
    uint64_t rows = 0;
    bool has = true;
    for (size_t i = 0; i < part->head.datasets_len; i++) {
        rows += part->head.rows[i];
    }
    for (size_t group = 0; has && group < program->groups_len; group++) {
        has = has_its_counts(part->limbs + group * program->group_limbs, program, rows);
    }
    return has;
}

/* Whether the numbers of atoms are those of the program, and all rows are told that it looks at. */
static bool has_its_rows(const struct sotto__part *part, const struct sotto__inquiry *inquiry,
                         size_t dataset)
{
    const struct sotto_evidence *evidence = &part->evidence;
    const struct sotto__program *program = inquiry->program;
    const struct sotto__atoms *atoms = &evidence->atoms[dataset];
    const struct sotto_evidence asked = {.inquiry = inquiry};
    uint64_t rows = evidence->outside[2 * dataset] + evidence->outside[2 * dataset + 1];
    bool has = true;
    for (size_t i = 0; i < atoms->len; i++) {
        const uint32_t *key = atoms->keys + i * atoms->words;
        rows += atoms->rows[i];
        for (size_t j = 0; has && j < program->indices_len; j++) {
            has = key[1 + j] <= program->indices[j].len + 3;
        }
    }
    bool reads = sotto_evidence_reads(&asked, dataset);
    return has && (reads || rows == 0) &&
           (!reads || program->is_complete || rows == part->head.rows[dataset]);
}

static uint64_t count_spread(const struct sotto__spread_values *spread)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < spread->places_len; i++) {
        rows += spread->counts[i];
    }
    return rows;
}

/* Whether each factor of a sum has as many values as the sum has rows. */
static bool has_its_values(const struct sotto_evidence *evidence,
                           const struct sotto__inquiry *inquiry, size_t group, size_t sum)
{
    const struct sotto_evidence_terms *terms = &evidence->terms[group * inquiry->sums_len + sum];
    bool has = true;
    for (size_t i = 0; i < 2 && inquiry->sums[sum].factors[i] != SOTTO_NONE; i++) {
        size_t at = inquiry->traces[sum].spreads[i];
        const struct sotto__spread_values *spread =
            &evidence->spreads[group * inquiry->spreads_len + at];
        has = has && (spread->is_over || count_spread(spread) == terms->rows);
    }
    return has;
}

static bool has_all_values(const struct sotto__part *part, const struct sotto__inquiry *inquiry)
{
    bool has = true;
    for (size_t group = 0; has && group < part->evidence.lens.groups; group++) {
        for (size_t i = 0; has && i < inquiry->sums_len; i++) {
            has = has_its_values(&part->evidence, inquiry, group, i);
        }
    }
    return has;
}

enum sotto_status sotto__part_give(const struct sotto__part *part,
                                   struct sotto_contribution *in_out, struct sotto_error *err)
{
    struct sotto__part own = {0};
    const struct sotto__evidence_lens *lens = &in_out->evidence.lens;
    if (part->evidence.status != SOTTO_OK) {
        return sotto__evidence_fail(part->evidence.status, err);
    }
    if (sotto__part_find_slots(&own, in_out->driver) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    bool is_of_round = sotto__part_has_slots(part, &own) && part->limbs_len == in_out->limbs_len &&
                       memcmp(&part->evidence.lens, lens, sizeof *lens) == 0;
    sotto__part_release(&own);
    for (size_t i = 0; is_of_round && i < lens->datasets; i++) {
        is_of_round = has_its_rows(part, &in_out->inquiry, i);
    }
    if (!is_of_round || !has_all_counts(part, in_out->driver->program) ||
        !has_all_values(part, &in_out->inquiry)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected the sums and the rows that the plan asks for, found "
                               "others: all parts are made by the same version of sotto");
    }
    sotto_driver_add(in_out->driver, in_out->limbs, part->limbs, part->limbs_len);
    sotto__evidence_merge(&in_out->evidence, &part->evidence);
    return in_out->evidence.status == SOTTO_OK ? SOTTO_OK
                                               : sotto__evidence_fail(in_out->evidence.status, err);
}
