/* SPDX-License-Identifier: Apache-2.0 */

/* What the counts of a column's levels say of it, in one round: the mode, and how many of the
 * levels occur. It leans on cells (recipe.h), each of which a party can withhold alone. The one
 * idea: a count from which a party kept its rows back is only the least that it can be. So a mode
 * among such counts is not known, and how many levels occur is known to be in an interval; neither
 * tells more of a level that is withheld than its count does. */

#include "methods/fields.h"

/* Sets the counts of the levels, which are the first values. Returns: whether any is withheld. */
static bool set_counts(struct sotto__step *step, const struct sotto__value *counts)
{
    bool is_withheld = false;
    for (size_t i = 0; i < step->asked_len; i++) {
        step->cells_withheld[i] = sotto__step_withheld(step, i);
        sotto__value_set(&step->values[i], &counts[i]);
        is_withheld = is_withheld || step->cells_withheld[i] > 0;
    }
    return is_withheld;
}

/* --- The mode --- */

static const struct sotto__method_field mode_fields[] = {
    {.name = "counts", .axes_len = 1, .is_count = true},
    {.name = "is_mode", .axes_len = 1, .is_count = true},
    {.name = "count", .is_count = true, .tells_nan = true},
};

/* Marks the levels that no other one is above: all of them where several are alike. */
static void set_mode(struct sotto__step *step, const struct sotto__value *counts)
{
    struct sotto__value *is_mode = &step->values[step->asked_len];
    struct sotto__value *most = &step->values[2 * step->asked_len];
    bool is_withheld = set_counts(step, counts);
    for (size_t i = 0; i < step->asked_len; i++) {
        if (mpq_cmp(counts[i].number, most->number) > 0) {
            sotto__value_set(most, &counts[i]);
        }
    }
    step->outcome = is_withheld                  ? "levels are withheld"
                    : mpq_sgn(most->number) == 0 ? "no row has any of the levels"
                                                 : NULL;
    if (step->outcome != NULL) {
        sotto__value_set_nans(is_mode, step->asked_len + 1);
        return;
    }
    for (size_t i = 0; i < step->asked_len; i++) {
        mpq_set_ui(is_mode[i].number, mpq_equal(counts[i].number, most->number) != 0, 1);
    }
}

static enum sotto_status step_mode(struct sotto__step *step, struct sotto_error *err)
{
    return sotto__step_finish(step, set_mode, err);
}

const struct sotto__method sotto__method_mode = {
    .fields = mode_fields,
    .fields_len = sizeof mode_fields / sizeof mode_fields[0],
    .ask = sotto__ask_cells,
    .step = step_mode,
};

/* --- How many levels occur --- */

static const struct sotto__method_field nunique_fields[] = {
    {.name = "counts", .axes_len = 1, .is_count = true},
    {.name = "nunique", .is_count = true, .tells_nan = true},
};

/* A level of which no row is shown occurs perhaps, where somebody kept rows of it back. */
static void set_nunique(struct sotto__step *step, const struct sotto__value *counts)
{
    struct sotto__value least;
    struct sotto__value most;
    unsigned long seen = 0;
    unsigned long unknown = 0;
    (void)set_counts(step, counts);
    for (size_t i = 0; i < step->asked_len; i++) {
        bool is_seen = mpq_sgn(counts[i].number) > 0;
        seen += is_seen;
        unknown += !is_seen && step->cells_withheld[i] > 0;
    }
    sotto__value_init(&least);
    sotto__value_init(&most);
    mpq_set_ui(least.number, seen, 1);
    mpq_set_ui(most.number, seen + unknown, 1);
    sotto__value_set_between(&step->values[step->asked_len], &least, &most);
    sotto__value_clear(&least);
    sotto__value_clear(&most);
    step->outcome = unknown > 0 ? "levels are withheld" : NULL;
}

static enum sotto_status step_nunique(struct sotto__step *step, struct sotto_error *err)
{
    return sotto__step_finish(step, set_nunique, err);
}

const struct sotto__method sotto__method_nunique = {
    .fields = nunique_fields,
    .fields_len = sizeof nunique_fields / sizeof nunique_fields[0],
    .ask = sotto__ask_cells,
    .step = step_nunique,
};
