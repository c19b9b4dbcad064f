/* SPDX-License-Identifier: Apache-2.0 */

/* From the opened sums of a group to the values of its outputs. It leans on aggregate.c for single
 * values and those of frames, whose expressions are evaluated, and on ols.c for regressions, which
 * are solved from the values of theirs. The one idea: a result is one flat array, in which each
 * output knows its first value (struct sotto__output_values), the same in every group. */

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

/* Solves a regression of one group from the values of its expressions. */
static enum sotto_status solve_regression(struct sotto__results *results, struct sotto__value *out,
                                          const struct sotto__output_values *output_values,
                                          const struct sotto__value *expressions,
                                          struct sotto_error *err)
{
    const struct sotto__axis *axis = &results->expansion->axes[output_values->shape.axes[0]];
    bool intercept = output_values->ols->options.intercept;
    return sotto__ols(out, expressions, axis->len - intercept, intercept, axis->labels,
                      results->plan->keys_len > 0, results->interrupt, err);
}

/* Evaluates each expression of an output into out[i], and writes how many NaN it made to
 * nan_made[i * nan_made_step]: with a step of 0 the last expression's number stays. *first_moments:
 * the first aggregate of the expressions among all, moved on. */
static enum sotto_status evaluate_expressions(struct sotto__value *out, uint64_t *nan_made,
                                              size_t nan_made_step, size_t *first_moments,
                                              const struct sotto__expansion *expansion,
                                              const struct sotto__output_values *output_values,
                                              const struct sotto__opened *opened,
                                              struct sotto_error *err)
{
    for (size_t i = 0; i < output_values->expressions_len; i++) {
        const struct sotto__expression *expression =
            &expansion->expressions[output_values->first + i].expression;
        size_t moments_len = count_aggregates(expression);
        nan_made[i * nan_made_step] = count_nan_made(opened, *first_moments, moments_len);
        enum sotto_status status = sotto__evaluate(&out[i], expression, expression->nodes_len - 1,
                                                   *first_moments, opened, err);
        if (status != SOTTO_OK) {
            return status;
        }
        *first_moments += moments_len;
    }
    return SOTTO_OK;
}

/* Evaluates a regression of one group: its sums, then what is solved from them. The NaN made are
 * told with its number of rows. */
static enum sotto_status evaluate_regression(struct sotto__results *results, size_t at,
                                             size_t *first_moments,
                                             const struct sotto__output_values *output_values,
                                             const struct sotto__opened *opened,
                                             struct sotto_error *err)
{
    size_t count = at + output_values->values_len - SOTTO__OLS_SCALARS_LEN + SOTTO__OLS_COUNT;
    size_t sums_len = output_values->expressions_len;
    struct sotto__value *sums = sotto_alloc_array(sums_len, sizeof *sums);
    if (sums == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < sums_len; i++) {
        sotto__value_init(&sums[i]);
    }
    enum sotto_status status =
        evaluate_expressions(sums, &results->nan_made[count], 0, first_moments, results->expansion,
                             output_values, opened, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = solve_regression(results, &results->values[at], output_values, sums, err);
out:
    for (size_t i = 0; i < sums_len; i++) {
        sotto__value_clear(&sums[i]);
    }
    sotto_free(sums);
    return status;
}

static enum sotto_status evaluate_output(struct sotto__results *results, size_t group,
                                         size_t output, size_t *first_moments,
                                         const struct sotto__opened *opened,
                                         struct sotto_error *err)
{
    const struct sotto__expansion *expansion = results->expansion;
    const struct sotto__output_values *output_values = &expansion->outputs[output];
    size_t at = group * expansion->values_len + output_values->values;
    enum sotto_status status;
    if (output_values->ols != NULL) {
        status = evaluate_regression(results, at, first_moments, output_values, opened, err);
    } else {
        status = evaluate_expressions(&results->values[at], &results->nan_made[at], 1,
                                      first_moments, expansion, output_values, opened, err);
    }
    return status == SOTTO_OK
               ? SOTTO_OK
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
    out->is_uncounted = sotto_alloc_array(program->groups_len, sizeof *out->is_uncounted);
    if (out->values == NULL || out->nan_made == NULL || out->withheld == NULL ||
        out->is_uncounted == NULL) {
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
    sotto_free(results->is_uncounted);
    sotto_free(results->values);
    sotto_free(results->nan_made);
    *results = (struct sotto__results){0};
}
