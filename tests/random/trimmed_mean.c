/* SPDX-License-Identifier: Apache-2.0 */

/* The mean of x with weights w, of the values at most two standard deviations from the mean of all.
 * Its first round opens three sums, from which everybody computes the same two edges; the second
 * one opens the sums between them. */

#include "methods/methods.h"

#include <string.h>

enum { EDGES, STATE_WORDS = 2 }; /* of each group, doubles */

static void ask(struct sotto__recipe *recipe, unsigned round)
{
    size_t x = sotto__recipe_row(recipe, 0);
    size_t w = sotto__recipe_row(recipe, 1);
    x = sotto__recipe_together(recipe, x, w);
    w = sotto__recipe_together(recipe, w, x);
    size_t wx = sotto__recipe_apply(recipe, SOTTO__OP_MULTIPLY, w, x);
    if (round == 1) {
        size_t wxx = sotto__recipe_apply(recipe, SOTTO__OP_MULTIPLY, wx, x);
        sotto__recipe_tell_nan(recipe, wx);
        (void)sotto__recipe_sum(recipe, w, SOTTO_NONE);
        (void)sotto__recipe_sum(recipe, wx, SOTTO_NONE);
        (void)sotto__recipe_sum(recipe, wxx, SOTTO_NONE);
        return;
    }
    size_t place = sotto__recipe_parameters(recipe, EDGES, 2);
    size_t bins = sotto__recipe_edges(recipe, x, place, 2);
    (void)sotto__recipe_sum(recipe, w, bins);
    (void)sotto__recipe_sum(recipe, wx, bins);
}

/* Sets the edges to mean - 2 s and mean + 2 s. sums: of w, w x and w x^2; changed. */
static void set_edges(struct sotto__step *step, struct sotto__value *sums)
{
    struct sotto__value *mean = &sums[1];
    struct sotto__value *spread = &sums[2];
    sotto__value_divide(mean, &sums[0]);
    sotto__value_divide(spread, &sums[0]);
    sotto__value_set(&sums[0], mean);
    sotto__value_multiply(&sums[0], mean);
    sotto__value_negate(&sums[0]);
    sotto__value_add(spread, &sums[0]);
    sotto__value_sqrt(spread);
    for (size_t i = 0; i < 2; i++) {
        double sign = i == 0 ? -2 : 2;
        double edge = sotto__value_double(mean) + sign * sotto__value_double(spread);
        memcpy(&step->state[EDGES + i], &edge, sizeof edge);
    }
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    if (step->round == 1) {
        struct sotto__value *sums = NULL;
        enum sotto_status status = sotto__step_sums(&sums, step, err);
        if (status == SOTTO_OK) {
            set_edges(step, sums);
            sotto__step_sums_free(sums, step);
        }
        return status;
    }
    sotto__value_set(step->values, sotto__step_sum_of(step, 1, 1)); /* between the edges */
    sotto__value_divide(step->values, sotto__step_sum_of(step, 0, 1));
    step->is_done = true;
    return SOTTO_OK;
}

const struct sotto__method sotto__method_trimmed_mean = {
    .state_words = STATE_WORDS, .ask = ask, .step = step};
