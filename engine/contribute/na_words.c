/* SPDX-License-Identifier: Apache-2.0 */

/* Refuses a plan that compares a column with a text which the party's file reads as missing: the
 * comparison would be true in no row, and nobody would know why. It leans on the plan's trees and
 * on each file's own list of NA words. */

#include "contribute/contribute.h"

struct words {
    const struct sotto_plan *plan;
    struct sotto_csv *const *files;
    struct sotto_error *err;
};

static enum sotto_status check_word(const struct words *words, const struct sotto__node *column,
                                    const char *text)
{
    size_t dataset = column->dataset_index;
    if (!sotto_csv_is_na(words->files[dataset], text)) {
        return SOTTO_OK;
    }
    return sotto_error_set(
        words->err, SOTTO_ERROR_PLAN,
        "\"%.80s\" is an NA word of %.200s: where column %.80s has it, it is read as missing. Ask "
        "isna(...) for what is missing; or name the file's NA words without it, with --na (na in "
        "node.yaml), to keep it as a text",
        text, words->plan->datasets[dataset].file, column->name);
}

static enum sotto_status check_levels(const struct words *words, const struct sotto__node *column,
                                      const struct sotto__level *levels, size_t levels_len)
{
    for (size_t i = 0; i < levels_len; i++) {
        enum sotto_status status = SOTTO_OK;
        if (levels[i].kind == SOTTO__LEVEL_TEXT) {
            status = check_word(words, column, levels[i].text);
        }
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Checks column == "text", either way round, and value_counts(column, "text"). */
static enum sotto_status check_node(const struct words *words,
                                    const struct sotto__expression *expression,
                                    const struct sotto__node *node)
{
    const struct sotto__node *nodes = expression->nodes;
    if (node->kind == SOTTO__NODE_AGGREGATE &&
        sotto__function_card(node->function)->takes == SOTTO__TAKES_LEVELS) {
        const struct sotto__node *column = &nodes[node->left];
        return column->kind == SOTTO__NODE_COLUMN
                   ? check_levels(words, column, &expression->levels[node->levels],
                                  node->levels_len)
                   : SOTTO_OK;
    }
    if (node->kind != SOTTO__NODE_EQUAL && node->kind != SOTTO__NODE_UNEQUAL) {
        return SOTTO_OK;
    }
    bool is_left = nodes[node->left].kind == SOTTO__NODE_TEXT;
    const struct sotto__node *text = &nodes[is_left ? node->left : node->right];
    const struct sotto__node *column = &nodes[is_left ? node->right : node->left];
    return text->kind == SOTTO__NODE_TEXT && column->kind == SOTTO__NODE_COLUMN
               ? check_word(words, column, text->name)
               : SOTTO_OK;
}

static enum sotto_status check_expression(const struct words *words,
                                          const struct sotto__expression *expression)
{
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < expression->nodes_len; i++) {
        status = check_node(words, expression, &expression->nodes[i]);
    }
    return status;
}

enum sotto_status sotto_schema_check_words(const struct sotto_plan *plan,
                                           struct sotto_csv *const *files, struct sotto_error *err)
{
    const struct words words = {plan, files, err};
    for (size_t i = 0; i < plan->outputs_len; i++) {
        if (check_expression(&words, &plan->outputs[i].expression) != SOTTO_OK) {
            return sotto_error_prefix(err, "output \"%s\"", plan->outputs[i].name);
        }
    }
    if (check_expression(&words, &plan->where) != SOTTO_OK) {
        return sotto_error_prefix(err, "where");
    }
    for (size_t i = 0; i < plan->keys_len; i++) {
        const struct sotto__group_key *key = &plan->keys[i];
        if (check_levels(&words, &key->column.nodes[0], key->levels, key->levels_len) != SOTTO_OK) {
            return sotto_error_prefix(err, "group_by");
        }
    }
    return SOTTO_OK;
}
