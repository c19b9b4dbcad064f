/* SPDX-License-Identifier: Apache-2.0 */

/* From the opened sums of a group to the values of its outputs. It leans on aggregate.c for single
 * values and those of frames, whose expressions are evaluated, and on ols.c for regressions, which
 * are solved from the values of theirs. The one idea: a result is one flat array, in which each
 * output knows its first value (struct sotto__output_values), the same in every group. */

#include "answer/results.h"

#include <sotto/alloc.h>
#include <string.h>

/* The number of NaN that an output's aggregates of this round made, each argument once. */
static uint64_t count_nan_made(const struct sotto__opened *opened, size_t first_moments,
                               size_t moments_len)
{
    const struct sotto__moments *moments = opened->program->moments; /* of other rounds: empty */
    uint64_t nan_made = 0;
    for (size_t i = first_moments; i < first_moments + moments_len; i++) {
        size_t term = moments[i].terms[SOTTO__MOMENT_NAN_MADE];
        bool is_new = term != SOTTO_NONE;
        for (size_t j = first_moments; j < i; j++) {
            is_new = is_new && moments[j].terms[SOTTO__MOMENT_NAN_MADE] != term;
        }
        if (is_new) {
            nan_made += mpz_get_ui(mpq_numref(opened->aggregate.terms[term].number));
        }
    }
    return nan_made;
}

/* Where the NaN that rows made for a method are told, among the values of its fields. */
static size_t find_telling(const struct sotto__output_values *output_values,
                           const struct sotto__expansion *expansion)
{
    size_t at = 0;
    for (size_t i = 0; i < output_values->fields_len; i++) {
        const struct sotto__method_field *field = &output_values->fields[i];
        if (field->tells_nan) {
            return at;
        }
        at += sotto__method_field_len(field, expansion, &output_values->shape);
    }
    SOTTO_REQUIRE(false);
    return 0;
}

/* Adds the NaN that this round made for each expression of an output. first_moments: the first
 * aggregate of the expressions among all. */
static void add_nan_made(struct sotto__results *results, size_t at, size_t first_moments,
                         const struct sotto__output_values *output_values,
                         const struct sotto__opened *opened)
{
    const struct sotto__expansion *expansion = results->expansion;
    for (size_t i = 0; i < output_values->expressions_len; i++) {
        size_t len =
            sotto__aggregates_len(&expansion->expressions[output_values->first + i].expression);
        uint64_t nan_made = count_nan_made(opened, first_moments, len);
        if (nan_made > 0 && output_values->method != NULL) {
            results->nan_made[at + find_telling(output_values, expansion)] += nan_made;
        } else {
            results->nan_made[at + i] += nan_made;
        }
        first_moments += len;
    }
}

/* Sets how many parties kept back what the values of an output count: the most of any of its cells
 * in this round. */
static void set_withheld(struct sotto__results *results, size_t at, size_t first_moments,
                         const struct sotto__output_values *output_values,
                         const struct sotto__opened *opened)
{
    const struct sotto__moments *moments = opened->program->moments;
    for (size_t i = 0; output_values->method == NULL && i < output_values->expressions_len; i++) {
        size_t len = sotto__aggregates_len(
            &results->expansion->expressions[output_values->first + i].expression);
        uint64_t most = 0;
        bool has_cells = false;
        for (size_t j = first_moments; j < first_moments + len; j++) {
            size_t term = moments[j].terms[SOTTO__MOMENT_X]; /* of other rounds: SOTTO_NONE */
            bool is_cell = term != SOTTO_NONE && opened->program->terms[term].is_cell;
            uint64_t parties = is_cell ? opened->aggregate.withheld[term] : 0;
            has_cells = has_cells || is_cell;
            most = parties > most ? parties : most;
        }
        if (has_cells) {
            results->cells_withheld[at + i] = most;
        }
        first_moments += len;
    }
}

/* Evaluates each expression of an output into out[i]. */
static enum sotto_status evaluate_expressions(struct sotto__value *out, size_t first_moments,
                                              const struct sotto__expansion *expansion,
                                              const struct sotto__output_values *output_values,
                                              const struct sotto__opened *opened,
                                              struct sotto_error *err)
{
    for (size_t i = 0; i < output_values->expressions_len; i++) {
        const struct sotto__expression *expression =
            &expansion->expressions[output_values->first + i].expression;
        enum sotto_status status = sotto__evaluate(&out[i], expression, expression->nodes_len - 1,
                                                   first_moments, opened, err);
        if (status != SOTTO_OK) {
            return status;
        }
        first_moments += sotto__aggregates_len(expression);
    }
    return SOTTO_OK;
}

static enum sotto_status evaluate_output(struct sotto__results *results, size_t output,
                                         size_t first_moments, const struct sotto__opened *opened,
                                         struct sotto_error *err)
{
    const struct sotto__expansion *expansion = results->expansion;
    const struct sotto__output_values *output_values = &expansion->outputs[output];
    size_t at = opened->group * expansion->values_len + output_values->values;
    enum sotto_status status = SOTTO_OK;
    add_nan_made(results, at, first_moments, output_values, opened);
    set_withheld(results, at, first_moments, output_values, opened);
    if (opened->kept->output_rounds[output] != opened->round || output_values->method != NULL) {
        return SOTTO_OK; /* a method sets its own values */
    }
    status = evaluate_expressions(&results->values[at], first_moments, expansion, output_values,
                                  opened, err);
    return status == SOTTO_OK
               ? SOTTO_OK
               : sotto_error_prefix(err, "output \"%s\"", results->plan->outputs[output].name);
}

/* How many aggregates an output has. */
static size_t count_aggregates(const struct sotto__expansion *expansion, size_t output)
{
    const struct sotto__output_values *values = &expansion->outputs[output];
    size_t len = 0;
    for (size_t i = 0; i < values->expressions_len; i++) {
        len += sotto__aggregates_len(&expansion->expressions[values->first + i].expression);
    }
    return len;
}

enum sotto_status sotto__results_evaluate(struct sotto__results *results,
                                          const struct sotto__opened *opened,
                                          struct sotto_error *err)
{
    size_t first_moments = 0;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < results->plan->outputs_len; i++) {
        status = evaluate_output(results, i, first_moments, opened, err);
        first_moments += count_aggregates(results->expansion, i);
    }
    return status;
}

void sotto__results_begin(struct sotto__results *results)
{
    memcpy(results->nan_made, results->nan_made_before,
           results->values_len * sizeof *results->nan_made);
    memcpy(results->is_zero, results->is_zero_before,
           results->program->groups_len * sizeof *results->is_zero);
}

void sotto__results_commit(struct sotto__results *results)
{
    memcpy(results->nan_made_before, results->nan_made,
           results->values_len * sizeof *results->nan_made);
    memcpy(results->is_zero_before, results->is_zero,
           results->program->groups_len * sizeof *results->is_zero);
}

/* --- Storage --- */

enum sotto_status sotto__results_init(struct sotto__results *out, const struct sotto_plan *plan,
                                      const struct sotto__expansion *expansion,
                                      const struct sotto__program *program, struct sotto_error *err)
{
    size_t values_len = program->groups_len * expansion->values_len;
    *out = (struct sotto__results){.plan = plan, .expansion = expansion, .program = program};
    if (values_len > SOTTO__RESULT_VALUES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected at most %zu values in all groups, found %zu",
                               SOTTO__RESULT_VALUES_MAX, values_len);
    }
    out->values = sotto_alloc_array(values_len, sizeof *out->values);
    out->nan_made = sotto_alloc_array(values_len, sizeof *out->nan_made);
    out->cells_withheld = sotto_alloc_array(values_len, sizeof *out->cells_withheld);
    out->withheld = sotto_alloc_array(program->groups_len, sizeof *out->withheld);
    out->is_zero = sotto_alloc_array(program->groups_len, sizeof *out->is_zero);
    out->nan_made_before = sotto_alloc_array(values_len, sizeof *out->nan_made_before);
    out->is_zero_before = sotto_alloc_array(program->groups_len, sizeof *out->is_zero_before);
    out->outcomes =
        sotto_alloc_array(program->groups_len * expansion->outputs_len, sizeof *out->outcomes);
    if (out->values == NULL || out->nan_made == NULL || out->cells_withheld == NULL ||
        out->withheld == NULL || out->is_zero == NULL || out->nan_made_before == NULL ||
        out->is_zero_before == NULL || out->outcomes == NULL) {
        return sotto_error_no_memory(err);
    }
    memset(out->is_zero_before, true, program->groups_len * sizeof *out->is_zero_before);
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
    sotto_free(results->cells_withheld);
    sotto_free(results->withheld);
    sotto_free(results->is_zero);
    sotto_free(results->values);
    sotto_free(results->nan_made);
    sotto_free(results->nan_made_before);
    sotto_free(results->is_zero_before);
    sotto_free(results->outcomes);
    *results = (struct sotto__results){0};
}
