/* SPDX-License-Identifier: Apache-2.0 */

/* The calls of methods in a plan, all in lockstep: a round's vector is the union of what the calls
 * ask that are not over. It leans on recipe.c for what they ask and on the files beside it for what
 * the sums say.
 *
 * The one idea: what a call knows of a group is an array of words, which its steps turn into the
 * next one. Words that a recipe names are the group's parameters. A group that is over keeps its
 * words and asks on with the others, but none of its rows counts any more (recipe.c), so that a
 * round has the same slots in all groups. States stand twice, before a round and after it: where a
 * step fails, the round can be taken again. */

#include "expression/places.h"
#include "methods/methods.h"

#include <mpfr.h>
#include <sotto/alloc.h>
#include <string.h>

/* Of a method that repeats: see struct sotto__method. */
#define ROUNDS_UNTIL_REPEATED 4

/* --- Making them --- */

static bool is_call(const struct sotto__node *node)
{
    return node->kind == SOTTO__NODE_AGGREGATE &&
           sotto__function_card(node->function)->method != NULL;
}

static size_t count_calls(const struct sotto__expansion *expansion)
{
    size_t len = 0;
    for (size_t i = 0; i < expansion->expressions_len; i++) {
        const struct sotto__expression *expression = &expansion->expressions[i].expression;
        for (size_t j = 0; j < expression->nodes_len; j++) {
            len += is_call(&expression->nodes[j]);
        }
    }
    return len;
}

/* Gives an output whose call stands alone its fields, and all outputs their places. */
static void place_outputs(struct sotto__expansion *expansion, const sotto__method_table methods)
{
    expansion->values_len = 0;
    for (size_t i = 0; i < expansion->outputs_len; i++) {
        struct sotto__output_values *output = &expansion->outputs[i];
        output->values = expansion->values_len;
        if (output->method != NULL) {
            const struct sotto__method *method = methods[output->method->function];
            output->fields = method->fields;
            output->fields_len = method->fields_len;
            output->values_len = 0;
            for (size_t j = 0; j < method->fields_len; j++) {
                output->values_len +=
                    sotto__method_field_len(&method->fields[j], expansion, &output->shape);
            }
        }
        expansion->values_len += output->values_len;
    }
}

/* Adds the calls of one expression of an output; aggregate: the first of its aggregates among all.
 */
static void add_calls(struct sotto__calls *calls, size_t output, size_t aggregate,
                      const struct sotto__expression *expression, const sotto__method_table methods)
{
    struct sotto__places places;
    sotto__places_find(&places, expression);
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        if (is_call(node)) {
            const struct sotto__method *method = methods[node->function];
            calls->calls[calls->len] =
                (struct sotto__call){.expression = expression,
                                     .node = i,
                                     .first_round = places.round[i] - node->rounds + 1,
                                     .ask = method->ask};
            calls->methods[calls->len] = method;
            calls->outputs[calls->len] = output;
            calls->aggregates[calls->len] = aggregate;
            calls->offsets[calls->len++] = calls->group_words;
            calls->group_words += method->state_words;
        }
        aggregate += node->kind == SOTTO__NODE_AGGREGATE;
    }
}

enum sotto_status sotto__calls_init(struct sotto__calls *out, struct sotto__expansion *expansion,
                                    const sotto__method_table methods, struct sotto_error *err)
{
    size_t len = count_calls(expansion);
    size_t aggregate = 0;
    *out = (struct sotto__calls){0};
    out->calls = sotto_alloc_array(len, sizeof *out->calls);
    out->methods = sotto_alloc_array(len, sizeof *out->methods);
    out->outputs = sotto_alloc_array(len, sizeof *out->outputs);
    out->aggregates = sotto_alloc_array(len, sizeof *out->aggregates);
    out->offsets = sotto_alloc_array(len, sizeof *out->offsets);
    if (out->calls == NULL || out->methods == NULL || out->outputs == NULL ||
        out->aggregates == NULL || out->offsets == NULL) {
        return sotto_error_no_memory(err);
    }
    place_outputs(expansion, methods);
    for (size_t i = 0; i < expansion->outputs_len; i++) {
        const struct sotto__output_values *output = &expansion->outputs[i];
        for (size_t j = 0; j < output->expressions_len; j++) {
            const struct sotto__expression *expression =
                &expansion->expressions[output->first + j].expression;
            add_calls(out, i, aggregate, expression, methods);
            aggregate += sotto__aggregates_len(expression);
        }
    }
    return SOTTO_OK;
}

enum sotto_status sotto__calls_start(struct sotto__calls *calls, size_t groups_len,
                                     struct sotto_error *err)
{
    if (calls->group_words > SOTTO__ROUND_LIMBS_MAX / groups_len) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected at most %zu numbers between rounds in all groups, found "
                               "more: name fewer columns or groups",
                               SOTTO__ROUND_LIMBS_MAX);
    }
    calls->groups_len = groups_len;
    size_t words = groups_len * calls->group_words;
    size_t flags = groups_len * calls->len;
    calls->states = sotto_alloc_array(words, sizeof *calls->states);
    calls->next_states = sotto_alloc_array(words, sizeof *calls->next_states);
    calls->is_open = sotto_alloc_array(flags, sizeof *calls->is_open);
    calls->next_is_open = sotto_alloc_array(flags, sizeof *calls->next_is_open);
    if (calls->states == NULL || calls->next_states == NULL || calls->is_open == NULL ||
        calls->next_is_open == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < flags; i++) {
        calls->is_open[i] = true;
    }
    return SOTTO_OK;
}

void sotto__calls_release(struct sotto__calls *calls)
{
    sotto_free(calls->calls);
    sotto_free(calls->methods);
    sotto_free(calls->outputs);
    sotto_free(calls->aggregates);
    sotto_free(calls->offsets);
    sotto_free(calls->states);
    sotto_free(calls->next_states);
    sotto_free(calls->is_open);
    sotto_free(calls->next_is_open);
    *calls = (struct sotto__calls){0};
}

/* What is asked in a round is that of two rounds before once all calls that have begun repeat. Of
 * the call that began last the first four rounds are said to be new: in two of them it repeats
 * already, as all others do. */
bool sotto__calls_repeat(const struct sotto__calls *calls, unsigned round)
{
    for (size_t i = 0; i < calls->len; i++) {
        const struct sotto__call *call = &calls->calls[i];
        unsigned rounds = calls->methods[i]->repeats ? ROUNDS_UNTIL_REPEATED
                                                     : call->expression->nodes[call->node].rounds;
        if (round >= call->first_round && round - call->first_round < rounds) {
            return false;
        }
    }
    return true;
}

/* --- Steps --- */

void sotto__calls_begin(struct sotto__calls *calls)
{
    size_t words = calls->groups_len * calls->group_words;
    size_t flags = calls->groups_len * calls->len;
    memcpy(calls->next_states, calls->states, words * sizeof *calls->states);
    memcpy(calls->next_is_open, calls->is_open, flags * sizeof *calls->is_open);
}

/* What a call asked in the program's round. Returns: how much that was. */
static size_t find_asked(const struct sotto__asked **out, const struct sotto__program *program,
                         size_t call)
{
    size_t first = 0;
    while (first < program->asked_len && program->asked[first].call != call) {
        first++;
    }
    size_t last = first;
    while (last < program->asked_len && program->asked[last].call == call) {
        last++;
    }
    *out = &program->asked[first];
    return last - first;
}

/* Where the call's values go: to its output, or, a number, to the kept values. */
static struct sotto__value *find_values(const struct sotto__calls *calls, size_t call,
                                        const struct sotto__results *results,
                                        const struct sotto__kept *kept, size_t group)
{
    const struct sotto__expansion *expansion = results->expansion;
    if (calls->methods[call]->fields_len > 0) {
        return &results->values[group * expansion->values_len +
                                expansion->outputs[calls->outputs[call]].values];
    }
    return &kept->values[group * kept->group_len + kept->aggregates[calls->aggregates[call]].place];
}

static enum sotto_status step_call(struct sotto__calls *calls, size_t call,
                                   const struct sotto__asked *asked, size_t asked_len,
                                   struct sotto__results *results, const struct sotto__kept *kept,
                                   const struct sotto__opened *opened, struct sotto_error *err)
{
    size_t output = calls->outputs[call];
    const struct sotto__output_values *output_values = &results->expansion->outputs[output];
    const struct sotto__method *method = calls->methods[call];
    bool has_fields = method->fields_len > 0;
    const struct sotto__shape *shape = &output_values->shape;
    const struct sotto__axis none = {.len = 0};
    const struct sotto__axis *axes[2] = {&none, &none};
    for (size_t i = 0; i < shape->axes_len && has_fields; i++) {
        axes[i] = &results->expansion->axes[shape->axes[i]];
    }
    struct sotto__step step = {
        .call = &calls->calls[call],
        .program = opened->program,
        .asked = asked,
        .asked_len = asked_len,
        .sums = &opened->aggregate,
        .round = opened->round - calls->calls[call].first_round + 1,
        .state = &calls->next_states[opened->group * calls->group_words + calls->offsets[call]],
        .values = find_values(calls, call, results, kept, opened->group),
        .cells_withheld =
            has_fields ? &results->cells_withheld[opened->group * results->expansion->values_len +
                                                  output_values->values]
                       : NULL,
        .labels = axes[0]->labels,
        .labels_len = axes[0]->len,
        .column_labels = axes[1]->labels,
        .column_labels_len = axes[1]->len,
        .is_grouped = results->plan->keys_len > 0,
        .withheld = results->withheld[opened->group],
        .needed = calls->needed,
        .interrupt = results->interrupt};
    for (size_t i = 0; i < (has_fields ? output_values->values_len : 1); i++) {
        sotto__value_set_special(&step.values[i], SOTTO__VALUE_FINITE); /* a failed attempt's */
    }
    enum sotto_status status = method->step(&step, err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(err, "output \"%s\"", results->plan->outputs[output].name);
    }
    if (sotto_interrupt_is_set(step.interrupt)) { /* a step of a group may take 0.1 s */
        return sotto_error_set(err, SOTTO_ERROR_CANCELLED,
                               "output \"%s\": computing was interrupted",
                               results->plan->outputs[output].name);
    }
    results->outcomes[opened->group * results->plan->outputs_len + output] = step.outcome;
    calls->next_is_open[opened->group * calls->len + call] = !step.is_done;
    return SOTTO_OK;
}

enum sotto_status sotto__calls_step(struct sotto__calls *calls, struct sotto__results *results,
                                    struct sotto__kept *kept, const struct sotto__opened *opened,
                                    struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < calls->len; i++) {
        const struct sotto__asked *asked = NULL;
        size_t asked_len = find_asked(&asked, opened->program, i);
        if (asked_len > 0 && calls->is_open[opened->group * calls->len + i]) {
            status = step_call(calls, i, asked, asked_len, results, kept, opened, err);
        }
    }
    mpfr_free_cache(); /* it is per thread, and a thread that ends would leak it */
    return status;
}

void sotto__calls_mark(struct sotto__calls *calls, bool is_taken_back)
{
    const bool *is_open = is_taken_back ? calls->is_open : calls->next_is_open;
    for (size_t i = 0; i < calls->len; i++) {
        bool any = false;
        for (size_t group = 0; group < calls->groups_len; group++) {
            any = any || is_open[group * calls->len + i];
        }
        calls->calls[i].is_done = !any;
    }
}

void sotto__calls_set_parameters(const struct sotto__calls *calls, struct sotto__program *next)
{
    for (size_t group = 0; group < next->groups_len; group++) {
        for (size_t i = 0; i < next->links_len; i++) {
            const struct sotto__link *link = &next->links[i];
            uint64_t *to = next->parameters + group * next->parameters_len + link->place;
            const uint64_t *from =
                calls->next_states + group * calls->group_words + calls->offsets[link->call];
            if (link->state_word == SOTTO_NONE) {
                *to = calls->next_is_open[group * calls->len + link->call];
            } else {
                memcpy(to, from + link->state_word, link->words * sizeof *to);
            }
        }
    }
}

void sotto__calls_commit(struct sotto__calls *calls)
{
    uint64_t *states = calls->states;
    bool *is_open = calls->is_open;
    calls->states = calls->next_states;
    calls->next_states = states;
    calls->is_open = calls->next_is_open;
    calls->next_is_open = is_open;
}
