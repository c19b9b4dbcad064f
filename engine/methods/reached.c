/* SPDX-License-Identifier: Apache-2.0 */

/* How far a plan's models have come: what a log says of a round, and what is left of a fit that
 * lost a party. It leans on the methods, each of which knows which of its words are coefficients
 * (struct sotto__method, reach). */

#include "methods/reached.h"
#include "expression/defined.h"

#include <inttypes.h>
#include <math.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

static void write_number(struct sotto_writer *writer, const char *name, double number)
{
    char text[SOTTO_DOUBLE_TEXT_BYTES] = "null";
    if (isfinite(number)) {
        sotto_double_text(text, number);
    }
    sotto__json_raw(writer, name);
    sotto__json_raw(writer, text);
}

static void write_coefficients(struct sotto_writer *writer, const struct sotto__step *step,
                               const struct sotto__reached *reached)
{
    sotto__json_raw(writer, ", \"names\": [");
    for (size_t i = 0; i < reached->words_len; i++) {
        struct sotto_writer name;
        sotto_writer_init(&name, SOTTO__REACHED_BYTES_MAX);
        if (step->column_labels_len > 0) { /* of a model of levels: equation after equation */
            sotto__json_raw(&name, step->labels[i / step->column_labels_len]);
            sotto__json_raw(&name, ": ");
            sotto__json_raw(&name, step->column_labels[i % step->column_labels_len]);
        } else {
            sotto__json_raw(&name, step->labels[i]);
        }
        sotto__json_raw(writer, i > 0 ? ", " : "");
        sotto__json_text(writer, &name);
    }
    sotto__json_raw(writer, "], \"coefficients\": [");
    for (size_t i = 0; i < reached->words_len; i++) {
        double coefficient;
        memcpy(&coefficient, &step->state[reached->first_word + i], sizeof coefficient);
        write_number(writer, i > 0 ? ", " : "", coefficient);
    }
    sotto__json_raw(writer, "]}");
}

/* The call as the plan has it. */
static void write_call(struct sotto_writer *writer, const struct sotto__call *call)
{
    size_t start = call->expression->nodes[call->node].start;
    const char *text = NULL;
    size_t bytes = sotto__defined_written(&text, call->expression, start,
                                          sotto__call_bytes(call->expression->text + start));
    struct sotto_writer words;
    sotto_writer_init(&words, SOTTO__REACHED_BYTES_MAX);
    sotto_write_bytes(&words, text, bytes);
    sotto__json_text(writer, &words);
}

/* A model that has begun: a call of no groups, and its step. Returns: false for any other call. */
static bool find_model(struct sotto__step *out, struct sotto__reached *out_reached,
                       const struct sotto__calls *calls, const struct sotto__results *results,
                       size_t call)
{
    const struct sotto__output_values *output = &results->expansion->outputs[calls->outputs[call]];
    if (results->plan->keys_len > 0 || calls->methods[call]->reach == NULL) {
        return false;
    }
    const struct sotto__axis *axis = &results->expansion->axes[output->shape.axes[0]];
    *out = (struct sotto__step){.call = &calls->calls[call],
                                .state = &calls->states[calls->offsets[call]],
                                .labels = axis->labels,
                                .labels_len = axis->len};
    if (output->shape.axes_len > 1) {
        const struct sotto__axis *columns = &results->expansion->axes[output->shape.axes[1]];
        out->column_labels = columns->labels;
        out->column_labels_len = columns->len;
    }
    calls->methods[call]->reach(out_reached, out);
    return out_reached->words_len > 0;
}

static const char *name_of(const struct sotto__calls *calls, const struct sotto__results *results,
                           size_t call)
{
    return results->plan->outputs[calls->outputs[call]].name;
}

void sotto__calls_write_reached(struct sotto_writer *writer, const struct sotto__calls *calls,
                                const struct sotto__results *results)
{
    struct sotto__step step;
    struct sotto__reached reached;
    sotto__json_raw(writer, "[");
    for (size_t i = 0; i < calls->len; i++) {
        if (!find_model(&step, &reached, calls, results, i)) {
            continue;
        }
        sotto__json_raw(writer, writer->data_bytes > 1 ? ", {\"output\": " : "{\"output\": ");
        sotto__json_string(writer, name_of(calls, results, i));
        sotto__json_raw(writer, ", \"call\": ");
        write_call(writer, step.call);
        sotto__json_raw(writer, ", \"iterations\": ");
        sotto__json_integer(writer, reached.iterations);
        write_number(writer, ", \"deviance\": ", reached.deviance);
        write_number(writer, ", \"step\": ", reached.step);
        write_coefficients(writer, &step, &reached);
    }
    sotto__json_raw(writer, "]");
}

void sotto__calls_write_reached_words(struct sotto_writer *writer, const struct sotto__calls *calls,
                                      const struct sotto__results *results)
{
    struct sotto__step step;
    struct sotto__reached reached;
    for (size_t i = 0; i < calls->len; i++) {
        char text[96];
        if (!find_model(&step, &reached, calls, results, i)) {
            continue;
        }
        sotto__json_raw(writer, writer->data_bytes > 0 ? "; " : "");
        sotto__json_raw(writer, name_of(calls, results, i));
        (void)snprintf(text, sizeof text, ": iteration %" PRIu64, reached.iterations);
        sotto__json_raw(writer, text);
        if (isfinite(reached.deviance)) {
            (void)snprintf(text, sizeof text, ", deviance %.8g", reached.deviance);
            sotto__json_raw(writer, text);
        }
        if (isfinite(reached.step)) {
            (void)snprintf(text, sizeof text, ", step of %.2g standard errors", reached.step);
            sotto__json_raw(writer, text);
        }
    }
}
