/* SPDX-License-Identifier: Apache-2.0 */

/* What later rounds need of the rounds before. It leans on places.c for who reads which aggregate
 * when, and on statistics.c for the values of aggregates.
 *
 * The one idea: who will read an aggregate is known from the plan alone. An aggregate is read when
 * its own round is opened, by outputs that are complete then and by numbers of the next round; what
 * is read later, mean(x) in mean(x) + sum(x - mean(x)), is kept as a value in each group. Slots
 * that were opened are not kept: a round costs the same whatever was opened before it. */

#include "answer/answer.h"
#include "expression/places.h"

#include <sotto/alloc.h>

/* Notes that whoever evaluates node root reads its aggregates when a round is opened. */
static void note_uses(struct sotto__kept_aggregate *aggregates,
                      const struct sotto__expression *expression, size_t root, unsigned round)
{
    bool needed[SOTTO__VALUE_NODES_MAX] = {false};
    size_t at = 0;
    sotto__needed_find(needed, expression, root);
    for (size_t i = 0; i <= root; i++) {
        if (expression->nodes[i].kind == SOTTO__NODE_AGGREGATE) {
            struct sotto__kept_aggregate *aggregate = &aggregates[at++];
            bool is_later = needed[i] && round > aggregate->last_use;
            aggregate->last_use = is_later ? round : aggregate->last_use;
        }
    }
}

/* Notes who reads the aggregates of one expression, whose output is complete after a round. */
static void note_expression(struct sotto__kept_aggregate *aggregates,
                            const struct sotto__expression *expression, unsigned output_round)
{
    struct sotto__places places;
    bool rows[SOTTO__VALUE_NODES_MAX];
    bool opened[SOTTO__VALUE_NODES_MAX] = {false};
    size_t root = expression->nodes_len - 1;
    sotto__places_find(&places, expression);
    note_uses(aggregates, expression, root, output_round);
    for (unsigned round = 2; round <= places.round[root]; round++) {
        for (size_t i = 0; i < expression->nodes_len; i++) {
            opened[i] = sotto__opens_in_round(&places, expression, i, round);
        }
        sotto__places_find_rows(rows, &places, expression, opened);
        for (size_t i = 0; i < expression->nodes_len; i++) {
            if (rows[i] && places.place[i] == SOTTO__PLACE_AGGREGATE) {
                note_uses(aggregates, expression, i, round - 1);
            }
        }
    }
}

/* Writes down the aggregates of an expression. Returns: how many there are. */
static size_t list_aggregates(struct sotto__kept_aggregate *out,
                              const struct sotto__expression *expression)
{
    struct sotto__places places;
    size_t len = 0;
    sotto__places_find(&places, expression);
    for (size_t i = 0; i < expression->nodes_len; i++) {
        if (expression->nodes[i].kind == SOTTO__NODE_AGGREGATE) {
            const struct sotto__node *node = &expression->nodes[i];
            out[len++] = (struct sotto__kept_aggregate){
                .node = node,
                .round = places.round[i],
                .place = SOTTO_NONE,
                .is_call = sotto__function_card(node->function)->method != NULL};
        }
    }
    return len;
}

/* The round after which all aggregates of an output are known. */
static unsigned find_output_round(const struct sotto__kept_aggregate *aggregates, size_t len)
{
    unsigned round = 1;
    for (size_t i = 0; i < len; i++) {
        round = aggregates[i].round > round ? aggregates[i].round : round;
    }
    return round;
}

static void note_output(struct sotto__kept *kept, size_t output,
                        const struct sotto__expansion *expansion)
{
    const struct sotto__output_values *values = &expansion->outputs[output];
    const struct sotto__value_expression *expressions = &expansion->expressions[values->first];
    struct sotto__kept_aggregate *aggregates = &kept->aggregates[kept->aggregates_len];
    size_t len = 0;
    for (size_t i = 0; i < values->expressions_len; i++) {
        len += list_aggregates(&aggregates[len], &expressions[i].expression);
    }
    kept->output_rounds[output] = find_output_round(aggregates, len);
    kept->aggregates_len += len;
    for (size_t i = 0; i < values->expressions_len; i++) {
        note_expression(aggregates, &expressions[i].expression, kept->output_rounds[output]);
        aggregates += sotto__aggregates_len(&expressions[i].expression);
    }
}

/* Gives a place to each aggregate that is read after its own round, and to each number that a
 * method sets. */
static void place_aggregates(struct sotto__kept *kept)
{
    for (size_t i = 0; i < kept->aggregates_len; i++) {
        struct sotto__kept_aggregate *aggregate = &kept->aggregates[i];
        const struct sotto__method_card *method =
            sotto__function_card(aggregate->node->function)->method;
        bool is_number = aggregate->is_call && !method->stands_alone;
        if (is_number || (aggregate->last_use > aggregate->round && !aggregate->is_call)) {
            aggregate->place = kept->group_len++;
        }
    }
}

static enum sotto_status alloc_values(struct sotto__kept *kept, size_t groups_len,
                                      struct sotto_error *err)
{
    if (kept->group_len > SOTTO__RESULT_VALUES_MAX / groups_len) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected at most %zu values that later rounds need in all groups, "
                               "found %zu in each of %zu groups",
                               SOTTO__RESULT_VALUES_MAX, kept->group_len, groups_len);
    }
    size_t values_len = kept->group_len * groups_len;
    kept->values = sotto_alloc_array(values_len, sizeof *kept->values);
    if (kept->values == NULL) {
        return sotto_error_no_memory(err);
    }
    for (; kept->values_len < values_len; kept->values_len++) {
        sotto__value_init(&kept->values[kept->values_len]);
    }
    return SOTTO_OK;
}

enum sotto_status sotto__kept_init(struct sotto__kept *out,
                                   const struct sotto__expansion *expansion, size_t groups_len,
                                   struct sotto_error *err)
{
    size_t len = 0;
    *out = (struct sotto__kept){0};
    for (size_t i = 0; i < expansion->expressions_len; i++) {
        len += sotto__aggregates_len(&expansion->expressions[i].expression);
    }
    out->aggregates = sotto_alloc_array(len, sizeof *out->aggregates);
    out->moments = sotto_alloc_array(len, sizeof *out->moments);
    out->output_rounds = sotto_alloc_array(expansion->outputs_len, sizeof *out->output_rounds);
    if (out->aggregates == NULL || out->moments == NULL || out->output_rounds == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < expansion->outputs_len; i++) {
        note_output(out, i, expansion);
    }
    place_aggregates(out);
    return alloc_values(out, groups_len, err);
}

void sotto__kept_release(struct sotto__kept *kept)
{
    for (size_t i = 0; i < kept->values_len; i++) {
        sotto__value_clear(&kept->values[i]);
    }
    sotto_free(kept->values);
    sotto_free(kept->aggregates);
    sotto_free(kept->moments);
    sotto_free(kept->output_rounds);
    *kept = (struct sotto__kept){0};
}

bool sotto__kept_opens(const struct sotto__kept *kept, unsigned round)
{
    bool found = false;
    for (size_t i = 0; !found && i < kept->aggregates_len; i++) {
        found = kept->aggregates[i].round == round;
    }
    return found;
}

void sotto__kept_learn(struct sotto__kept *kept, const struct sotto__program *program,
                       unsigned round)
{
    SOTTO_REQUIRE(program->moments_len == kept->aggregates_len);
    for (size_t i = 0; i < kept->aggregates_len; i++) {
        SOTTO_VERIFY(program->moments[i].round == kept->aggregates[i].round);
        if (kept->aggregates[i].round == round) {
            kept->moments[i] = program->moments[i];
        }
    }
}

enum sotto_status sotto__kept_add(struct sotto__kept *kept, const struct sotto__opened *opened,
                                  struct sotto_error *err)
{
    for (size_t i = 0; i < kept->aggregates_len; i++) {
        const struct sotto__kept_aggregate *aggregate = &kept->aggregates[i];
        if (aggregate->place == SOTTO_NONE || aggregate->round != opened->round ||
            aggregate->is_call) {
            continue;
        }
        struct sotto__value *value =
            &kept->values[opened->group * kept->group_len + aggregate->place];
        sotto__value_set_special(value, SOTTO__VALUE_FINITE);
        enum sotto_status status =
            sotto__statistic(value, aggregate->node, &kept->moments[i], &opened->aggregate, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}
