/* SPDX-License-Identifier: Apache-2.0 */

/* From the opened sums of a group to the values of its outputs: single values and those of frames
 * by evaluating their cells, regressions by solving them from theirs. */

#include "answer/answer.h"

#include <sotto/alloc.h>

/* The number of NaN that an output's aggregates made, each argument once. */
static uint64_t count_made(const struct sotto__opened *opened, size_t ofs_at, size_t ofs_len)
{
    const struct sotto__of *rounds = opened[0].program->ofs;
    uint64_t made = 0;
    for (size_t i = ofs_at; i < ofs_at + ofs_len; i++) {
        const struct sotto__opened *by = &opened[rounds[i].round - 1];
        size_t term = by->program->ofs[i].terms[OF_MADE];
        bool is_new = term != SIZE_MAX;
        for (size_t j = ofs_at; j < i; j++) {
            is_new = is_new && (rounds[j].round != rounds[i].round ||
                                by->program->ofs[j].terms[OF_MADE] != term);
        }
        if (is_new) {
            made += mpz_get_ui(mpq_numref(by->aggregate.terms[term].number));
        }
    }
    return made;
}

static size_t count_aggregates(const struct sotto__expression *expression)
{
    size_t len = 0;
    for (size_t i = 0; i < expression->nodes_len; i++) {
        len += expression->nodes[i].kind == NODE_AGGREGATE;
    }
    return len;
}

/* A regression of one group, from its cells. */
static enum sotto_status solve(struct sotto__results *results, struct sotto__value *out,
                               const struct sotto__part *part, const struct sotto__value *cells,
                               struct sotto_error *err)
{
    const struct sotto__axis *axis = &results->expansion->axes[part->shape.axes[0]];
    bool intercept = part->ols->options.intercept;
    return sotto__ols(out, cells, axis->len - intercept, intercept, axis->labels,
                      results->plan->keys_len > 0, results->interrupt, err);
}

/* An output of one group; *ofs_at: the first aggregate of its cells among all, moved on. */
static enum sotto_status evaluate_part(struct sotto__results *results, size_t group, size_t output,
                                       size_t *ofs_at, const struct sotto__opened *opened,
                                       struct sotto_error *err)
{
    const struct sotto__expansion *expansion = results->expansion;
    const struct sotto__part *part = &expansion->parts[output];
    size_t at = group * expansion->values_len + part->values;
    struct sotto__value *sums = NULL;
    struct sotto__value *out = &results->values[at];
    enum sotto_status status = SOTTO_OK;
    if (part->ols != NULL) {
        sums = sotto_alloc_array(part->cells_len, sizeof *sums);
        if (sums == NULL) {
            return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
        }
        for (size_t i = 0; i < part->cells_len; i++) {
            sotto__value_init(&sums[i]);
        }
        out = sums;
    }
    for (size_t i = 0; status == SOTTO_OK && i < part->cells_len; i++) {
        const struct sotto__expression *cell = &expansion->cells[part->first + i].expression;
        size_t ofs_len = count_aggregates(cell);
        uint64_t made = count_made(opened, *ofs_at, ofs_len);
        status = sotto__evaluate(&out[i], cell, cell->nodes_len - 1, *ofs_at, opened, err);
        if (part->ols == NULL) {
            results->made[at + i] = made;
        } else {
            results->made[at + part->values_len - OLS_SCALARS_LEN + OLS_COUNT] = made;
        }
        *ofs_at += ofs_len;
    }
    if (status == SOTTO_OK && part->ols != NULL) {
        status = solve(results, &results->values[at], part, sums, err);
    }
    for (size_t i = 0; sums != NULL && i < part->cells_len; i++) {
        sotto__value_clear(&sums[i]);
    }
    sotto_free(sums);
    return status == SOTTO_OK
               ? status
               : sotto_error_prefix(err, "output \"%s\"", results->plan->outputs[output].name);
}

enum sotto_status sotto__results_evaluate(struct sotto__results *results, size_t group,
                                          const struct sotto__opened *opened,
                                          struct sotto_error *err)
{
    size_t ofs_at = 0;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < results->plan->outputs_len; i++) {
        status = evaluate_part(results, group, i, &ofs_at, opened, err);
    }
    return status;
}

/* --- Storage --- */

enum sotto_status sotto__results_init(struct sotto__results *out, const struct sotto_plan *plan,
                                      const struct sotto__expansion *expansion,
                                      const struct sotto__program *program, struct sotto_error *err)
{
    size_t values_len = program->groups_len * expansion->values_len;
    *out = (struct sotto__results){.plan = plan, .expansion = expansion, .program = program};
    if (values_len > RESULT_VALUES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected at most %zu values in all groups, found %zu",
                               RESULT_VALUES_MAX, values_len);
    }
    out->values = sotto_alloc_array(values_len, sizeof *out->values);
    out->made = sotto_alloc_array(values_len, sizeof *out->made);
    out->withheld = sotto_alloc_array(program->groups_len, sizeof *out->withheld);
    out->is_zero = sotto_alloc_array(program->groups_len, sizeof *out->is_zero);
    if (out->values == NULL || out->made == NULL || out->withheld == NULL || out->is_zero == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    for (; out->values_len < values_len; out->values_len++) {
        sotto__value_init(&out->values[out->values_len]);
    }
    return SOTTO_OK;
}

void sotto__results_release(struct sotto__results *results)
{
    for (size_t i = 0; i < results->values_len; i++) {
        sotto__value_clear(&results->values[i]);
    }
    sotto_free(results->withheld);
    sotto_free(results->is_zero);
    sotto_free(results->values);
    sotto_free(results->made);
    *results = (struct sotto__results){0};
}
