/* SPDX-License-Identifier: Apache-2.0 */

/* Which classes of a plan's sets a round tells. It leans on what judges withheld, and on the
 * round's program for which term counts what. The one idea: a bin, a level or a cell that is
 * withheld from all groups is not told, so that nobody can tell its rows from those of none. */

#include "contribute/watching.h"
#include "program/compile.h"

#include <sotto/alloc.h>

size_t sotto__find_asked_term(const struct sotto__program *program, size_t call, size_t i)
{
    for (size_t j = 0; j < program->asked_len; j++) {
        if (program->asked[j].call == call && i-- == 0) {
            return program->asked[j].moments.terms[SOTTO__MOMENT_X];
        }
    }
    return SOTTO_NONE;
}

static bool is_shown(const struct sotto_withheld *withheld, size_t group)
{
    return withheld->groups == NULL || withheld->groups[group] == 0;
}

/* Whether any group of a level is shown. */
static bool is_level_told(const struct sotto_driver *driver, const struct sotto_withheld *withheld,
                          size_t key, size_t level)
{
    const struct sotto__program *program = driver->program;
    size_t rest = program->groups_len;
    bool found = false;
    for (size_t i = 0; i <= key; i++) {
        rest /= sotto__levels_len(program->levels[i]);
    }
    for (size_t i = 0; !found && i < program->groups_len; i++) {
        bool is_of_level = i / rest % sotto__levels_len(program->levels[key]) == level;
        found = is_of_level && is_shown(withheld, i);
    }
    return found;
}

/* Whether a bin or level is shown in any group; one that can't be found counts as told. */
static bool is_term_told(const struct sotto_driver *driver, const struct sotto_withheld *withheld,
                         const size_t *cell_terms, size_t term)
{
    size_t cell = 0;
    bool found = false;
    while (cell < withheld->cells_len && cell_terms[cell] != term) {
        cell++;
    }
    if (withheld->cells == NULL || cell == withheld->cells_len) {
        return true;
    }
    for (size_t i = 0; !found && i < driver->program->groups_len; i++) {
        found = is_shown(withheld, i) && withheld->cells[i * withheld->cells_len + cell] == 0;
    }
    return found;
}

/* The cells that a method asks for, if an output is one's: they are its call's arguments. Else 0.
 */
static size_t count_method_cells(const struct sotto_driver *driver, size_t output)
{
    const struct sotto__output_values *values = &driver->expansion.outputs[output];
    if (values->method == NULL) {
        return 0;
    }
    const struct sotto__expression *expression =
        &driver->expansion.expressions[values->first].expression;
    const struct sotto__node *call = &expression->nodes[expression->nodes_len - 1];
    size_t len = 1;
    for (size_t i = call->right; i != SOTTO_NONE; i = expression->nodes[i].left) {
        len++;
    }
    return len;
}

/* How many classes the set has that comes from keys or from an output. */
static size_t count_classes(const struct sotto_driver *driver, const struct sotto__row_set *set)
{
    if (set->are_groups) {
        return driver->program->groups_len;
    }
    if (set->key != SOTTO_NONE) {
        const struct sotto__group_key *key = &driver->plan->keys[set->key];
        return key->levels_len - key->are_edges;
    }
    size_t cells = count_method_cells(driver, set->output);
    return cells > 0 ? cells : driver->expansion.outputs[set->output].expressions_len;
}

static size_t count_aggregates(const struct sotto__expression *expression)
{
    size_t len = 0;
    for (size_t i = 0; i < expression->nodes_len; i++) {
        len += expression->nodes[i].kind == SOTTO__NODE_AGGREGATE;
    }
    return len;
}

/* What an expression of an output is made of, from its first aggregate on. */
static const struct sotto__moments *find_moments(const struct sotto_driver *driver, size_t output,
                                                 size_t i)
{
    const struct sotto__expansion *expansion = &driver->expansion;
    size_t at = expansion->outputs[output].first + i;
    size_t moments = 0;
    for (size_t j = 0; j < at; j++) {
        moments += count_aggregates(&expansion->expressions[j].expression);
    }
    return &driver->program->moments[moments];
}

/* Whether a bin or a level is all that an expression of an output counts. */
static bool is_one_cell(const struct sotto_driver *driver, size_t output, size_t i)
{
    const struct sotto__expansion *expansion = &driver->expansion;
    const struct sotto__expression *expression =
        &expansion->expressions[expansion->outputs[output].first + i].expression;
    return expression->nodes[expression->nodes_len - 1].is_cell &&
           count_aggregates(expression) == 1;
}

/* What tells class i of an output's set. */
static bool is_class_told(const struct sotto_driver *driver, const struct sotto_withheld *withheld,
                          const size_t *cell_terms, size_t output, size_t i)
{
    bool is_method = driver->expansion.outputs[output].method != NULL;
    if (!is_method && !is_one_cell(driver, output, i)) {
        return true;
    }
    const struct sotto__moments *moments = find_moments(driver, output, is_method ? 0 : i);
    size_t term = is_method ? sotto__find_asked_term(driver->program, moments->call, i)
                            : moments->terms[SOTTO__MOMENT_X];
    return moments->round == driver->round && is_term_told(driver, withheld, cell_terms, term);
}

uint8_t *sotto__find_told(size_t *out_len, const struct sotto_driver *driver,
                          const struct sotto__row_set *set, const struct sotto_withheld *withheld,
                          const size_t *cell_terms)
{
    size_t len = count_classes(driver, set);
    uint8_t *told = sotto_alloc_array(len + 1, sizeof *told);
    *out_len = len;
    for (size_t i = 0; told != NULL && i < len; i++) {
        told[i] = set->are_groups ? is_shown(withheld, i)
                  : set->key != SOTTO_NONE
                      ? is_level_told(driver, withheld, set->key, i)
                      : is_class_told(driver, withheld, cell_terms, set->output, i);
    }
    return told;
}
