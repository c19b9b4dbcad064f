/* SPDX-License-Identifier: Apache-2.0 */

/* From the opened sums of a group to the values of its outputs: single values and those of frames
 * by evaluating their expressions, regressions by solving them from theirs. */

#include "answer/answer.h"

#include <sotto/alloc.h>

/* The number of NaN that an output's aggregates made, each argument once. */
static uint64_t count_nan_made(const struct sotto__opened *opened, size_t first_moments,
                               size_t moments_len)
{
    const struct sotto__moments *rounds = opened[0].program->moments;
    uint64_t nan_made = 0;
    for (size_t i = first_moments; i < first_moments + moments_len; i++) {
        const struct sotto__opened *by = &opened[rounds[i].round - 1];
        size_t term = by->program->moments[i].terms[SOTTO__MOMENT_NAN_MADE];
        bool is_new = term != SOTTO_NONE;
        for (size_t j = first_moments; j < i; j++) {
            is_new = is_new && (rounds[j].round != rounds[i].round ||
                                by->program->moments[j].terms[SOTTO__MOMENT_NAN_MADE] != term);
        }
        if (is_new) {
            nan_made += mpz_get_ui(mpq_numref(by->aggregate.terms[term].number));
        }
    }
    return nan_made;
}

static size_t count_aggregates(const struct sotto__expression *expression)
{
    size_t len = 0;
    for (size_t i = 0; i < expression->nodes_len; i++) {
        len += expression->nodes[i].kind == SOTTO__NODE_AGGREGATE;
    }
    return len;
}

/* A regression of one group, from its expressions. */
static enum sotto_status solve(struct sotto__results *results, struct sotto__value *out,
                               const struct sotto__output_values *output_values,
                               const struct sotto__value *expressions, struct sotto_error *err)
{
    const struct sotto__axis *axis = &results->expansion->axes[output_values->shape.axes[0]];
    bool intercept = output_values->ols->options.intercept;
    return sotto__ols(out, expressions, axis->len - intercept, intercept, axis->labels,
                      results->plan->keys_len > 0, results->interrupt, err);
}

/* An output of one group; *first_moments: the first aggregate of its expressions among all, moved
 * on. */
static enum sotto_status evaluate_output(struct sotto__results *results, size_t group,
                                         size_t output, size_t *first_moments,
                                         const struct sotto__opened *opened,
                                         struct sotto_error *err)
{
    const struct sotto__expansion *expansion = results->expansion;
    const struct sotto__output_values *output_values = &expansion->outputs[output];
    size_t at = group * expansion->values_len + output_values->values;
    struct sotto__value *sums = NULL;
    struct sotto__value *out = &results->values[at];
    enum sotto_status status = SOTTO_OK;
    if (output_values->ols != NULL) {
        sums = sotto_alloc_array(output_values->expressions_len, sizeof *sums);
        if (sums == NULL) {
            return sotto_error_no_memory(err);
        }
        for (size_t i = 0; i < output_values->expressions_len; i++) {
            sotto__value_init(&sums[i]);
        }
        out = sums;
    }
    for (size_t i = 0; status == SOTTO_OK && i < output_values->expressions_len; i++) {
        const struct sotto__expression *expression =
            &expansion->expressions[output_values->first + i].expression;
        size_t moments_len = count_aggregates(expression);
        uint64_t nan_made = count_nan_made(opened, *first_moments, moments_len);
        status = sotto__evaluate(&out[i], expression, expression->nodes_len - 1, *first_moments,
                                 opened, err);
        if (output_values->ols == NULL) {
            results->nan_made[at + i] = nan_made;
        } else {
            results->nan_made[at + output_values->values_len - SOTTO__OLS_SCALARS_LEN +
                              SOTTO__OLS_COUNT] = nan_made;
        }
        *first_moments += moments_len;
    }
    if (status == SOTTO_OK && output_values->ols != NULL) {
        status = solve(results, &results->values[at], output_values, sums, err);
    }
    for (size_t i = 0; sums != NULL && i < output_values->expressions_len; i++) {
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
    size_t first_moments = 0;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < results->plan->outputs_len; i++) {
        status = evaluate_output(results, group, i, &first_moments, opened, err);
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
    if (values_len > SOTTO__RESULT_VALUES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected at most %zu values in all groups, found %zu",
                               SOTTO__RESULT_VALUES_MAX, values_len);
    }
    out->values = sotto_alloc_array(values_len, sizeof *out->values);
    out->nan_made = sotto_alloc_array(values_len, sizeof *out->nan_made);
    out->withheld = sotto_alloc_array(program->groups_len, sizeof *out->withheld);
    out->is_zero = sotto_alloc_array(program->groups_len, sizeof *out->is_zero);
    if (out->values == NULL || out->nan_made == NULL || out->withheld == NULL ||
        out->is_zero == NULL) {
        return sotto_error_no_memory(err);
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
    sotto_free(results->nan_made);
    *results = (struct sotto__results){0};
}
