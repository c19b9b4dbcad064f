/* SPDX-License-Identifier: Apache-2.0 */

/* What a method's step reads of an opened round. It leans on statistics.c for what single counts
 * and sums are, and on aggregate.c, which held each of them against what rows can add up to. */

#include "methods/methods.h"

#include <sotto/alloc.h>

const struct sotto__options *sotto__step_options(const struct sotto__step *step)
{
    return &step->call->expression->nodes[step->call->node].options;
}

enum sotto_status sotto__step_sum(struct sotto__value *out, const struct sotto__step *step,
                                  size_t asked, struct sotto_error *err)
{
    SOTTO_REQUIRE(asked < step->asked_len && step->asked[asked].terms_len == 0);
    if (step->asked[asked].is_zero) {
        return SOTTO_OK;
    }
    struct sotto__node node = {.kind = SOTTO__NODE_AGGREGATE,
                               .function = step->asked[asked].function};
    return sotto__statistic(out, &node, &step->asked[asked].moments, step->sums, err);
}

enum sotto_status sotto__step_sums(struct sotto__value **out, const struct sotto__step *step,
                                   struct sotto_error *err)
{
    struct sotto__value *sums = sotto_alloc_array(step->asked_len, sizeof *sums);
    if (sums == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < step->asked_len; i++) {
        sotto__value_init(&sums[i]);
    }
    for (size_t i = 0; i < step->asked_len; i++) {
        enum sotto_status status = sotto__step_sum(&sums[i], step, i, err);
        if (status != SOTTO_OK) {
            sotto__step_sums_free(sums, step);
            return status;
        }
    }
    *out = sums;
    return SOTTO_OK;
}

void sotto__step_sums_free(struct sotto__value *sums, const struct sotto__step *step)
{
    for (size_t i = 0; i < step->asked_len; i++) {
        sotto__value_clear(&sums[i]);
    }
    sotto_free(sums);
}

enum sotto_status sotto__step_finish(struct sotto__step *step,
                                     void (*set_fields)(struct sotto__step *step,
                                                        const struct sotto__value *sums),
                                     struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    set_fields(step, sums);
    step->is_done = true;
    sotto__step_sums_free(sums, step);
    return SOTTO_OK;
}

uint64_t sotto__step_withheld(const struct sotto__step *step, size_t asked)
{
    SOTTO_REQUIRE(asked < step->asked_len && step->asked[asked].terms_len == 0);
    return step->sums->withheld[step->asked[asked].moments.terms[SOTTO__MOMENT_X]];
}

const struct sotto__value *sotto__step_sum_of(const struct sotto__step *step, size_t asked,
                                              size_t number)
{
    SOTTO_REQUIRE(asked < step->asked_len && number < step->asked[asked].terms_len);
    return &step->sums->terms[step->asked[asked].first_term + number];
}

uint64_t sotto__step_count(const struct sotto__step *step, size_t asked, size_t number)
{
    SOTTO_REQUIRE(asked < step->asked_len && step->asked[asked].terms_len == 1);
    const struct sotto__term *term = &step->program->terms[step->asked[asked].first_term];
    SOTTO_REQUIRE(number < sotto__term_numbers(term));
    /* At most SOTTO_ROWS_MAX: see aggregate.c. */
    return sotto__term_count(term, step->sums->limbs + term->offset, number);
}

const struct sotto__index *sotto__step_index(const struct sotto__step *step, size_t asked)
{
    const struct sotto__program *program = step->program;
    return &program->indices[program->terms[step->asked[asked].first_term].index];
}
