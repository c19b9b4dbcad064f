/* SPDX-License-Identifier: Apache-2.0 */

/* How many rounds a plan has, and what each of them opens, in words. It leans on places.c for the
 * rounds of each aggregate. The one idea: a plan's rounds are those that it may take; a method that
 * ends early leaves some of which nothing is asked. */

#include "expression/places.h"
#include "plan/plan.h"

#include <string.h>

#define WORDS_BYTES_MAX ((size_t)16 * 1024 * 1024)

uint32_t sotto_plan_rounds(const struct sotto_plan *plan)
{
    uint32_t rounds = plan->rounds;
    for (size_t i = 0; i < plan->outputs_len; i++) {
        struct sotto__places places;
        const struct sotto__expression *expression = &plan->outputs[i].expression;
        SOTTO_REQUIRE(expression->nodes_len > 0);
        sotto__places_find(&places, expression);
        uint32_t round = places.round[expression->nodes_len - 1];
        rounds = round > rounds ? round : rounds;
    }
    return rounds;
}

/* --- Words --- */

size_t sotto__call_bytes(const char *text)
{
    size_t depth = 0;
    char quote = '\0';
    size_t i = 0;
    for (; text[i] != '\0'; i++) {
        if (quote != '\0') {
            quote = text[i] == quote ? '\0' : quote;
        } else if (text[i] == '`' || text[i] == '\'' || text[i] == '"') {
            quote = text[i];
        } else if (text[i] == '(') {
            depth++;
        } else if (text[i] == ')' && --depth == 0) {
            return i + 1;
        }
    }
    return i;
}

/* Whether the line has a call already: each is one byte longer than a text, for its end. */
static bool has_call(const struct sotto_writer *calls, const char *text, size_t bytes)
{
    size_t at = 0;
    while (at < calls->data_bytes) {
        size_t known = strlen((const char *)calls->data + at);
        if (known == bytes && memcmp(calls->data + at, text, bytes) == 0) {
            return true;
        }
        at += known + 1;
    }
    return false;
}

/* Appends a call, if it does not stand in the line already. calls: those that do. */
static void write_call(struct sotto_writer *writer, struct sotto_writer *calls, const char *text,
                       size_t bytes)
{
    if (has_call(calls, text, bytes)) {
        return;
    }
    sotto_write_bytes(calls, text, bytes);
    sotto_write_u8(calls, 0);
    if (writer->data_bytes > 0) {
        sotto__json_raw(writer, ", ");
    }
    sotto_write_bytes(writer, text, bytes);
}

static bool has_ended(const struct sotto__ended_call *ended, size_t ended_len, size_t output,
                      size_t start)
{
    bool found = false;
    for (size_t i = 0; i < ended_len; i++) {
        found = found || (ended[i].output == output && ended[i].start == start);
    }
    return found;
}

enum sotto_status sotto__plan_round_words(const struct sotto_plan *plan, char **out, uint32_t round,
                                          const struct sotto__ended_call *ended, size_t ended_len,
                                          struct sotto_error *err)
{
    struct sotto_writer writer;
    struct sotto_writer calls;
    sotto_writer_init(&writer, WORDS_BYTES_MAX);
    sotto_writer_init(&calls, WORDS_BYTES_MAX);
    for (size_t i = 0; i < plan->outputs_len; i++) {
        struct sotto__places places;
        const struct sotto__expression *expression = &plan->outputs[i].expression;
        sotto__places_find(&places, expression);
        for (size_t j = 0; j < expression->nodes_len; j++) {
            size_t start = expression->nodes[j].start;
            const char *text = expression->text + start;
            if (sotto__opens_in_round(&places, expression, j, round) &&
                !has_ended(ended, ended_len, i, start)) {
                write_call(&writer, &calls, text, sotto__call_bytes(text));
            }
        }
    }
    writer.failed = writer.failed || calls.failed;
    sotto_writer_release(&calls);
    enum sotto_status status = sotto__json_finish(&writer, out);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

enum sotto_status sotto_plan_round_words(const struct sotto_plan *plan, uint32_t round, char **out,
                                         struct sotto_error *err)
{
    return sotto__plan_round_words(plan, out, round, NULL, 0, err);
}
