/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of a partial that parties open together, or not at all: its groups, and the bins and
 * levels of hist and value_counts in each. It leans on the plan's outputs alone for how many these
 * are, so that all parties, whatever their types, speak of the same parts; and on the program for
 * what stands behind each. */

#include "contribute/cover.h"
#include "contribute/contribute.h"

#include <sotto/alloc.h>
#include <string.h>

struct cell {
    size_t output; /* beyond all outputs: a method's call */
    size_t term;   /* SOTTO_NONE: nothing stands behind it, as no value of the column is this one */
};

static size_t count_aggregates(const struct sotto__expression *expression)
{
    size_t len = 0;
    for (size_t i = 0; i < expression->nodes_len; i++) {
        len += expression->nodes[i].kind == SOTTO__NODE_AGGREGATE;
    }
    return len;
}

/* Goes through the bins and levels of the driver's round, in the order of the plan, and then
 * through the cells that methods ask for, call by call. Zero-initialise a walk. */
struct walk {
    size_t output;
    size_t expression;
    size_t moments;
    size_t asked;
};

static bool next_asked(struct walk *walk, struct cell *out, const struct sotto_driver *driver)
{
    const struct sotto__program *program = driver->program;
    while (walk->asked < program->asked_len) {
        const struct sotto__asked *asked = &program->asked[walk->asked++];
        if (asked->is_cell) {
            *out = (struct cell){.output = driver->expansion.outputs_len + asked->call,
                                 .term = asked->moments.terms[SOTTO__MOMENT_X]};
            return true;
        }
    }
    return false;
}

static bool next_cell(struct walk *walk, struct cell *out, const struct sotto_driver *driver)
{
    const struct sotto__expansion *expansion = &driver->expansion;
    while (walk->expression < expansion->expressions_len) {
        const struct sotto__expression *at = &expansion->expressions[walk->expression].expression;
        const struct sotto__output_values *output = &expansion->outputs[walk->output];
        if (walk->expression == output->first + output->expressions_len) {
            walk->output++;
            continue;
        }
        size_t len = count_aggregates(at);
        const struct sotto__moments *moments = &driver->program->moments[walk->moments];
        bool is_cell =
            len == 1 && at->nodes[at->nodes_len - 1].is_cell && moments->round == driver->round;
        walk->expression++;
        walk->moments += len;
        if (is_cell) {
            *out = (struct cell){walk->output, moments->terms[SOTTO__MOMENT_X]};
            return true;
        }
    }
    return next_asked(walk, out, driver);
}

size_t sotto_driver_cover_cells_len(const struct sotto_driver *driver)
{
    struct walk walk = {0};
    struct cell cell;
    size_t len = 0;
    while (next_cell(&walk, &cell, driver)) {
        len++;
    }
    return len;
}

size_t sotto_driver_cover_len(const struct sotto_driver *driver)
{
    return driver->program->groups_len * (1 + sotto_driver_cover_cells_len(driver));
}

size_t sotto__parts_find_output(const struct sotto_driver *driver, size_t term)
{
    struct walk walk = {0};
    struct cell cell;
    while (next_cell(&walk, &cell, driver)) {
        if (cell.term == term) {
            return cell.output;
        }
    }
    return SOTTO_NONE;
}

/* The set that a cell's term counts, or SOTTO_NONE. */
static size_t find_set(const struct sotto__inquiry *inquiry, size_t term)
{
    for (size_t i = 0; term != SOTTO_NONE && i < inquiry->sets_len; i++) {
        const struct sotto_evidence_set *set = &inquiry->sets[i];
        if (set->cell != SOTTO_NONE && inquiry->cell_terms[set->cell] == term) {
            return i;
        }
    }
    return SOTTO_NONE;
}

void sotto_driver_cover_cells(const struct sotto_driver *driver, struct sotto_cover_cell *out,
                              const struct sotto_evidence *evidence)
{
    struct walk walk = {0};
    struct cell cell;
    while (next_cell(&walk, &cell, driver)) {
        bool is_read = cell.term != SOTTO_NONE && !driver->program->terms[cell.term].is_cell;
        *out++ = (struct sotto_cover_cell){
            .family = cell.output,
            .is_alone = !is_read,
            .set = evidence != NULL ? find_set(evidence->inquiry, cell.term) : SOTTO_NONE};
    }
}

void sotto_driver_cover_withhold(const struct sotto_driver *driver, uint8_t *in_out,
                                 const uint8_t *withheld)
{
    size_t stride = 1 + sotto_driver_cover_cells_len(driver);
    for (size_t i = 0; i < sotto_driver_groups_len(driver); i++) {
        if (withheld[i] != 0) {
            memset(in_out + i * stride, 0, stride);
        }
    }
}

/* --- The question --- */

/* The evidence of no rows, which comes first, and what it is evidence for. */
struct bare_evidence {
    struct sotto_evidence evidence;
    struct sotto__inquiry inquiry;
};

void sotto_evidence_free(struct sotto_evidence *evidence)
{
    struct bare_evidence *bare = (struct bare_evidence *)evidence;
    if (bare != NULL) {
        sotto__inquiry_release(&bare->inquiry);
        sotto_free(bare);
    }
}

enum sotto_status sotto_driver_evidence(struct sotto_evidence **out,
                                        const struct sotto_driver *driver, struct sotto_error *err)
{
    struct bare_evidence *bare = sotto_alloc_zeroed(sizeof *bare);
    if (bare == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = sotto__inquiry_init(&bare->inquiry, driver, err);
    if (status != SOTTO_OK) {
        sotto_evidence_free(&bare->evidence);
        return status;
    }
    bare->evidence.inquiry = &bare->inquiry;
    *out = &bare->evidence;
    return SOTTO_OK;
}

/* --- Taking out --- */

void sotto__parts_withhold_group(uint64_t *limbs, const struct sotto__program *program,
                                 size_t group)
{
    uint64_t *of = limbs + group * program->group_limbs;
    memset(of, 0, program->group_limbs * sizeof *of);
    of[program->group_limbs - 1] = 1;
}

void sotto__parts_withhold_cell(uint64_t *limbs, const struct sotto__program *program, size_t group,
                                size_t term)
{
    const struct sotto__term *of = &program->terms[term];
    uint64_t *at = limbs + group * program->group_limbs + of->offset;
    memset(at, 0, of->limbs * sizeof *at);
    at[of->limbs] = 1;
}

void sotto_driver_keep_back(const struct sotto_driver *driver, uint64_t *in_out,
                            const uint8_t *opened)
{
    const struct sotto__program *program = driver->program;
    for (size_t group = 0; group < program->groups_len; group++) {
        struct walk walk = {0};
        struct cell cell;
        bool is_open = *opened++ != 0;
        while (next_cell(&walk, &cell, driver)) {
            bool is_there = cell.term != SOTTO_NONE && program->terms[cell.term].is_cell;
            if (*opened++ == 0 && is_there) {
                sotto__parts_withhold_cell(in_out, program, group, cell.term);
            }
        }
        if (!is_open && driver->plan->keys_len > 0) {
            sotto__parts_withhold_group(in_out, program, group);
        }
    }
}

/* --- What a party says --- */

static uint8_t say(bool has_enough, bool is_given)
{
    return (uint8_t)((has_enough ? SOTTO_COVER_ENOUGH : 0) | (is_given ? SOTTO_COVER_GIVEN : 0));
}

/* A bin or level that others read too is a condition, which the judge has refused or not. */
static uint8_t say_of_cell(const struct sotto_withheld *withheld, size_t group,
                           const struct sotto__program *program,
                           const struct sotto__inquiry *inquiry, size_t term)
{
    size_t cell = 0;
    if (term == SOTTO_NONE || !program->terms[term].is_cell) {
        return say(term != SOTTO_NONE, true);
    }
    while (cell < inquiry->cells_len && inquiry->cell_terms[cell] != term) {
        cell++;
    }
    size_t at = group * inquiry->cells_len + cell;
    return cell < inquiry->cells_len ? say(withheld->few_cells[at] == 0, withheld->cells[at] == 0)
                                     : 0;
}

void sotto__parts_say(uint8_t *out, const struct sotto_driver *driver,
                      const struct sotto__inquiry *inquiry, const struct sotto_withheld *withheld)
{
    const struct sotto__program *program = driver->program;
    for (size_t group = 0; group < program->groups_len; group++) {
        struct walk walk = {0};
        struct cell cell;
        bool is_given = driver->plan->keys_len == 0 || withheld->groups[group] == 0;
        *out++ = is_given ? say(withheld->few_groups[group] == 0, true) : 0;
        while (next_cell(&walk, &cell, driver)) {
            *out++ = is_given ? say_of_cell(withheld, group, program, inquiry, cell.term) : 0;
        }
    }
}
