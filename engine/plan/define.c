/* SPDX-License-Identifier: Apache-2.0 */

/* Reads a plan's key "define": names for what is computed of columns, {"bmi": "kg / (m * m)"}. It
 * leans on defined.c, which puts them into expressions. The one idea: a definition sees those
 * before it, and none that comes later, so that none can go round in a circle and their order,
 * which JSON doesn't keep, says nothing; in itself its name is the file's column. */

#include "expression/places.h"
#include "plan/plan.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <string.h>

/* Whether a name has a meaning of its own somewhere in an expression: as an option's value, too. */
static bool is_word(const char *name)
{
    static const char *const words[] = {"na", "true", "false", "other"};
    bool found = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        found = found || strcmp(words[i], name) == 0;
    }
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        const struct sotto__option *option = sotto__function_card((enum sotto__function)i)->options;
        for (; option != NULL && option->name != NULL; option++) {
            for (int j = 0; option->words != NULL && j <= option->max; j++) {
                found = found || strcmp(option->words[j], name) == 0;
            }
        }
    }
    return found;
}

/* Finds the dataset and the name that a key says: "bmi", or "people.bmi". */
static enum sotto_status read_key(struct sotto__definition *out, const struct sotto_plan *plan,
                                  const char *key, struct sotto_error *err)
{
    struct sotto__expression column = {0};
    enum sotto_status status = sotto__expression_parse(&column, key, err);
    if (status == SOTTO_ERROR_NO_MEMORY) {
        return status;
    }
    if (status != SOTTO_OK) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "expected a name, in backticks where it has other characters than "
                               "letters, digits and _");
    }
    const struct sotto__node *node = &column.nodes[column.nodes_len - 1];
    const char *alias = node->dataset != NULL ? node->dataset : plan->datasets[0].alias;
    bool is_known = node->dataset != NULL || plan->datasets_len == 1;
    bool is_name = node->kind == SOTTO__NODE_COLUMN && !is_word(node->name);
    bool has_dataset = false;
    for (size_t i = 0; i < plan->datasets_len; i++) {
        has_dataset = has_dataset || strcmp(plan->datasets[i].alias, alias) == 0;
    }
    if (!is_name) {
        status = sotto_error_set(err, SOTTO_ERROR_PLAN,
                                 "expected a name that is no word of the "
                                 "language");
    } else if (!is_known || !has_dataset) {
        status = sotto_error_set(err, SOTTO_ERROR_PLAN,
                                 "expected a dataset's name and a point before it, such as %s.%s",
                                 plan->datasets[0].alias, node->name);
    } else {
        out->dataset = sotto_text_copy(alias, strlen(alias));
        out->name = sotto_text_copy(node->name, strlen(node->name));
        out->is_bare = plan->datasets_len == 1;
        status = out->dataset != NULL && out->name != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    }
    sotto__expression_release(&column);
    return status;
}

/* Refuses what has not one value for each row of the definition's dataset, and names that later
 * ones of `len` definitions have. */
static enum sotto_status check_rows(const struct sotto_plan *plan, size_t len,
                                    const struct sotto__expression *expression,
                                    struct sotto_error *err)
{
    const struct sotto__definition *definition = &plan->definitions[plan->definitions_len];
    struct sotto__places places;
    sotto__places_find(&places, expression);
    if (places.place[expression->nodes_len - 1] != SOTTO__PLACE_ROW) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "expected something computed of columns, with a value for each row, "
                               "found \"%.80s\"",
                               expression->text);
    }
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        if (node->kind == SOTTO__NODE_STAR || node->kind == SOTTO__NODE_LIST) {
            return sotto__expression_error(expression->text, node->start, err,
                                           "expected one value for each row, found several");
        }
        if (node->kind == SOTTO__NODE_COLUMN && node->dataset != NULL &&
            strcmp(node->dataset, definition->dataset) != 0) {
            return sotto__expression_error(expression->text, node->start, err,
                                           "expected columns of %s, found one of %s",
                                           definition->dataset, node->dataset);
        }
        for (size_t j = plan->definitions_len + 1; node->kind == SOTTO__NODE_COLUMN && j < len;
             j++) {
            if (strcmp(plan->definitions[j].name, node->name) == 0 &&
                strcmp(plan->definitions[j].dataset, definition->dataset) == 0) {
                return sotto__expression_error(expression->text, node->start, err,
                                               "\"%s\" is defined later: define it before",
                                               node->name);
            }
        }
    }
    return SOTTO_OK;
}

/* The definition as it stands in the place of its name. */
static enum sotto_status set_text(struct sotto__definition *out,
                                  const struct sotto__expression *expression,
                                  struct sotto_error *err)
{
    bool is_column = expression->nodes_len == 1;
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO__EXPRESSION_BYTES_MAX + 3);
    sotto__json_raw(&writer, is_column ? "" : "(");
    sotto__json_raw(&writer, expression->text);
    sotto__json_raw(&writer, is_column ? "" : ")");
    return sotto__json_finish(&writer, &out->text) == SOTTO_OK ? SOTTO_OK
                                                               : sotto_error_no_memory(err);
}

/* Reads what the next definition stands for; `len` have names. */
static enum sotto_status read_text(struct sotto_plan *plan, size_t len, const json_t *value,
                                   struct sotto_error *err)
{
    if (!json_is_string(value)) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "expected an expression as a string, such as \"kg / (m * m)\"");
    }
    struct sotto__expression expression = {0};
    enum sotto_status status =
        sotto__plan_expression_parse(&expression, plan, json_string_value(value), err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_rows(plan, len, &expression, err);
    if (status != SOTTO_OK) {
        sotto__defined_error(&expression, err);
        goto out;
    }
    status = set_text(&plan->definitions[plan->definitions_len], &expression, err);
out:
    sotto__expression_release(&expression);
    return status;
}

/* Whether a definition before this one has its name. */
static bool is_twice(const struct sotto__definition *definitions, size_t at)
{
    bool found = false;
    for (size_t i = 0; i < at; i++) {
        found = found || (strcmp(definitions[i].name, definitions[at].name) == 0 &&
                          strcmp(definitions[i].dataset, definitions[at].dataset) == 0);
    }
    return found;
}

static void release_definition(struct sotto__definition *definition)
{
    sotto_free(definition->dataset);
    sotto_free(definition->name);
    sotto_free(definition->text);
    *definition = (struct sotto__definition){0};
}

/* Reads all names, *out_len of them, into the plan's definitions. */
static enum sotto_status read_keys(struct sotto_plan *plan, size_t *out_len, json_t *define,
                                   struct sotto_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(define, key, value)
    {
        enum sotto_status status = read_key(&plan->definitions[*out_len], plan, key, err);
        if (status == SOTTO_OK && is_twice(plan->definitions, (*out_len)++)) {
            status = sotto_error_set(err, SOTTO_ERROR_PLAN, "this name is defined twice");
        }
        if (status != SOTTO_OK) {
            return sotto_error_prefix(err, "define.%.80s", key);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status read_texts(struct sotto_plan *plan, size_t len, json_t *define,
                                    struct sotto_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(define, key, value)
    {
        if (read_text(plan, len, value, err) != SOTTO_OK) {
            return sotto_error_prefix(err, "define.%.80s", key);
        }
        plan->definitions_len++;
    }
    return SOTTO_OK;
}

enum sotto_status sotto__parse_definitions(struct sotto_plan *plan, const json_t *root,
                                           struct sotto_error *err)
{
    json_t *define = json_object_get(root, "define");
    size_t max = json_object_size(define); /* 0 if it is no object */
    size_t len = 0;
    if (define == NULL) {
        return SOTTO_OK;
    }
    if (max == 0 || max > SOTTO__PLAN_DEFINITIONS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "define: expected an object with 1 to %d names, such as {\"bmi\": "
                               "\"kg / (m * m)\"}",
                               SOTTO__PLAN_DEFINITIONS_MAX);
    }
    plan->definitions = sotto_alloc_zeroed(max * sizeof *plan->definitions);
    if (plan->definitions == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = read_keys(plan, &len, define, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = read_texts(plan, len, define, err);
    if (status == SOTTO_OK) {
        return SOTTO_OK;
    }
out: /* names without a text */
    for (size_t i = plan->definitions_len; i < max; i++) {
        release_definition(&plan->definitions[i]);
    }
    return status;
}

void sotto__definitions_release(struct sotto_plan *plan)
{
    for (size_t i = 0; i < plan->definitions_len; i++) {
        release_definition(&plan->definitions[i]);
    }
    sotto_free(plan->definitions);
}

enum sotto_status sotto__plan_expression_parse(struct sotto__expression *out,
                                               const struct sotto_plan *plan, const char *text,
                                               struct sotto_error *err)
{
    return sotto__expression_parse_defined(out, text, plan->definitions, plan->definitions_len,
                                           err);
}
