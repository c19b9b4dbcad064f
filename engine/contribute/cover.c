/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of a partial that parties open together, or not at all: its groups, and the bins and
 * levels of hist and value_counts in each. It leans on the plan's outputs alone for how many these
 * are, so that all parties, whatever their types, speak of the same parts; and on the program for
 * what stands behind each. */

#include "contribute/cover.h"
#include "contribute/contribute.h"

#include <string.h>

struct cell {
    size_t output;
    size_t term; /* SOTTO_NONE: nothing stands behind it, as no value of the column is this one */
};

static size_t count_aggregates(const struct sotto__expression *expression)
{
    size_t len = 0;
    for (size_t i = 0; i < expression->nodes_len; i++) {
        len += expression->nodes[i].kind == SOTTO__NODE_AGGREGATE;
    }
    return len;
}

/* Goes through the bins and levels of the driver's round, in the order of the plan. Zero-initialise
 * a walk. */
struct walk {
    size_t output;
    size_t expression;
    size_t moments;
};

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
    return false;
}

void sotto_driver_cover_all(const struct sotto_driver *driver, uint8_t *out, size_t len)
{
    size_t groups_len = driver->program->groups_len;
    size_t cells_len = sotto_driver_cover_cells_len(driver);
    for (size_t i = 0; i < groups_len; i++) {
        uint8_t *group = out + i * (len / groups_len);
        memset(group, SOTTO_COVER_ENOUGH | SOTTO_COVER_GIVEN, len / groups_len);
        if (len / groups_len > 1 + cells_len) {
            memset(group + 1, 0, len / groups_len - 1 - cells_len);
        }
    }
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

/* Sums that are too many to be judged have none: who judges them takes no part. Returns: false if
 * there is no memory. */
static bool count_differences(size_t *out, const struct sotto_driver *driver)
{
    struct sotto__inquiry inquiry;
    enum sotto_status status = sotto__inquiry_init(&inquiry, driver, NULL);
    *out = status == SOTTO_OK ? sotto__parts_differences(&inquiry) : 0;
    sotto__inquiry_release(&inquiry);
    return status != SOTTO_ERROR_NO_MEMORY;
}

size_t sotto__parts_differences(const struct sotto__inquiry *inquiry)
{
    size_t len = 0;
    for (size_t i = 0; i < inquiry->sums_len; i++) {
        len += inquiry->sums[i].is_difference;
    }
    return len;
}

size_t sotto_driver_cover_differences_len(const struct sotto_driver *driver)
{
    size_t len;
    (void)count_differences(&len, driver);
    return len;
}

size_t sotto_driver_cover_len(const struct sotto_driver *driver)
{
    size_t differences_len;
    return count_differences(&differences_len, driver)
               ? driver->program->groups_len *
                     (1 + differences_len + sotto_driver_cover_cells_len(driver))
               : 0;
}

void sotto_driver_cover_cells(const struct sotto_driver *driver, struct sotto_cover_cell *out)
{
    struct walk walk = {0};
    struct cell cell;
    while (next_cell(&walk, &cell, driver)) {
        bool is_read = cell.term != SOTTO_NONE && !driver->program->terms[cell.term].is_cell;
        *out++ = (struct sotto_cover_cell){.family = cell.output, .is_alone = !is_read};
    }
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
    size_t differences_len = sotto_driver_cover_differences_len(driver);
    const struct sotto__program *program = driver->program;
    for (size_t group = 0; group < program->groups_len; group++) {
        struct walk walk = {0};
        struct cell cell;
        bool is_open = *opened++ != 0;
        opened += differences_len; /* they are opened with their sums */
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
        for (size_t i = 0; i < withheld->differences_len; i++) {
            *out++ = is_given ? withheld->differences[group * withheld->differences_len + i] : 0;
        }
        while (next_cell(&walk, &cell, driver)) {
            *out++ = is_given ? say_of_cell(withheld, group, program, inquiry, cell.term) : 0;
        }
    }
}
