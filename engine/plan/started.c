/* SPDX-License-Identifier: Apache-2.0 */

/* A plan whose models start where others have ended (sotto_plan_start_from). It leans on what
 * reached.c writes: each model's call, as the plan has it, gets an option start= with its
 * coefficients, in the place of one that stands there. */

#include "plan/plan.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <sotto/driver.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)SOTTO_PLAN_BYTES_MAX)

struct span {
    size_t begin;
    size_t end;
};

/* Whether the option start= stands here. */
static bool is_start(const char *text)
{
    text += strspn(text, " \t\r\n");
    if (strncmp(text, "start", 5) != 0) {
        return false;
    }
    text += 5;
    text += strspn(text, " \t\r\n");
    return text[0] == '=' && text[1] != '=';
}

/* The option start= of a call, from its comma on; where there is none, nothing before the call's
 * last bracket. */
static struct span find_start(const char *call, size_t bytes)
{
    struct span found = {bytes - 1, bytes - 1};
    bool is_within = false;
    char quote = '\0';
    size_t depth = 0;
    for (size_t i = 0; i + 1 < bytes; i++) {
        if (quote != '\0') {
            quote = call[i] == quote ? '\0' : quote;
        } else if (call[i] == '`' || call[i] == '\'' || call[i] == '"') {
            quote = call[i];
        } else if (call[i] == '(') {
            depth++;
        } else if (call[i] == ')') {
            depth--;
        } else if (call[i] == ',' && depth == 1 && is_within) {
            found.end = i;
            return found;
        } else if (call[i] == ',' && depth == 1 && is_start(&call[i + 1])) {
            found.begin = i;
            is_within = true;
        }
    }
    return found;
}

static void write_numbers(struct sotto_writer *writer, const json_t *coefficients)
{
    size_t i;
    json_t *coefficient;
    json_array_foreach(coefficients, i, coefficient)
    {
        char text[SOTTO_DOUBLE_TEXT_BYTES];
        sotto_double_text(text, json_number_value(coefficient));
        sotto__json_raw(writer, i > 0 ? ", " : "");
        sotto__json_raw(writer, text);
    }
}

/* An output's expression in which the call starts there. *out is ended by sotto_free. Returns:
 * SOTTO_ERROR_NOT_FOUND where it has no such call. */
static enum sotto_status start_call(char **out, const char *expression, const char *call,
                                    const json_t *coefficients)
{
    const char *found = strstr(expression, call);
    if (found == NULL) {
        return SOTTO_ERROR_NOT_FOUND;
    }
    size_t bytes = strlen(call);
    struct span option = find_start(found, bytes);
    struct sotto_writer writer;
    sotto_writer_init(&writer, TEXT_BYTES_MAX);
    sotto_write_bytes(&writer, expression, (size_t)(found - expression));
    sotto_write_bytes(&writer, found, option.begin);
    sotto_write_bytes(&writer, found + option.end, bytes - 1 - option.end);
    sotto__json_raw(&writer, ", start=(");
    write_numbers(&writer, coefficients);
    sotto__json_raw(&writer, "))");
    sotto__json_raw(&writer, found + bytes);
    return sotto__json_finish(&writer, out);
}

static enum sotto_status start_model(json_t *select, const json_t *reached, struct sotto_error *err)
{
    const char *output = json_string_value(json_object_get(reached, "output"));
    const char *call = json_string_value(json_object_get(reached, "call"));
    const json_t *coefficients = json_object_get(reached, "coefficients");
    if (output == NULL || call == NULL || call[0] == '\0' || json_array_size(coefficients) == 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "what a model has reached is malformed");
    }
    const char *expression = json_string_value(json_object_get(select, output));
    char *started = NULL;
    enum sotto_status status = expression != NULL
                                   ? start_call(&started, expression, call, coefficients)
                                   : SOTTO_ERROR_NOT_FOUND;
    if (status == SOTTO_ERROR_NOT_FOUND) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "the plan has no output \"%s\" with the model that is to go on, "
                               "%.200s",
                               output, call);
    }
    if (status != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    bool is_set = json_object_set_new(select, output, json_string(started)) == 0;
    sotto_free(started);
    return is_set ? SOTTO_OK : sotto_error_no_memory(err);
}

static enum sotto_status start_models(json_t *plan, const json_t *reached, struct sotto_error *err)
{
    size_t i;
    json_t *model;
    if (json_array_size(reached) == 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "there is no model to go on with: only those without groups that "
                               "have opened a round can be");
    }
    json_array_foreach(reached, i, model)
    {
        enum sotto_status status = start_model(json_object_get(plan, "select"), model, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

enum sotto_status sotto_plan_start_from(char **out, const void *json, size_t json_bytes,
                                        const char *reached, struct sotto_error *err)
{
    json_t *plan = json_loadb(json, json_bytes, JSON_REJECT_DUPLICATES, NULL);
    json_t *models = json_loads(reached, 0, NULL);
    char *text = NULL;
    enum sotto_status status;
    if (plan == NULL || !json_is_array(models)) {
        status = sotto_error_set(err, SOTTO_ERROR_PLAN, "the plan is no JSON");
        goto out;
    }
    status = start_models(plan, models, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    text = json_dumps(plan, JSON_PRESERVE_ORDER);
    *out = text != NULL ? sotto_text_copy(text, strlen(text)) : NULL;
    status = *out != NULL ? SOTTO_OK : sotto_error_no_memory(err);
out:
    free(text);
    json_decref(models);
    json_decref(plan);
    return status;
}
