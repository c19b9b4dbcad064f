/* SPDX-License-Identifier: Apache-2.0 */

/* Refuses a plan that asks for a value which the party's file reads as missing: the question would
 * be answered as if nobody had it, and nobody would know why. It leans on the plan's trees, on the
 * types that the party offers, and on each file's own list of NA words.
 *
 * The one idea: a question names a value where it can be true of that value only, so of ==, != and
 * levels. A text of a column of text is a word as it stands; a number is the word of the same
 * number, and a boolean or a date that of the same one, however these are written. An order (<,
 * hist) names no value: what it asks is true of others too. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>
#include <string.h>

struct words {
    const struct sotto_plan *plan;
    const struct sotto_schema *offer;
    struct sotto_csv *const *files;
    struct sotto_error *err;
};

/* Null where it is not known: of a column without values, of "*". */
static enum sotto_kind find_kind(const struct words *words, const struct sotto__node *column)
{
    return column->kind == SOTTO__NODE_COLUMN ? words->offer->fields[column->column].type.kind
                                              : SOTTO_KIND_NULL;
}

/* Whether text is that number, however it is written: 0, -0.0, 0e0. */
static bool is_number(const char *text, unsigned long number)
{
    if (!sotto__is_decimal(text)) {
        return false;
    }
    struct sotto__value value;
    sotto__value_init(&value);
    sotto__decimal_set(&value, text);
    bool is_equal = mpq_cmp_ui(value.number, number, 1) == 0;
    sotto__value_clear(&value);
    return is_equal;
}

/* The word that a number, or a boolean, is where a column of this kind holds it. */
static const char *find_word(const struct sotto_csv *file, enum sotto_kind kind, const char *value)
{
    if (kind == SOTTO_KIND_STRING) {
        return NULL;
    }
    if (kind == SOTTO_KIND_BOOL && is_number(value, 1)) {
        return sotto_csv_na_word(file, "true");
    }
    if (kind == SOTTO_KIND_BOOL && is_number(value, 0)) {
        return sotto_csv_na_word(file, "false");
    }
    return sotto_csv_na_word(file, value);
}

/* is_text: it stands in quotes, where a number may stand too, as a level in JSON. */
static enum sotto_status check_value(const struct words *words, const struct sotto__node *column,
                                     const char *value, bool is_text)
{
    size_t dataset = column->dataset_index;
    enum sotto_kind kind = find_kind(words, column);
    const struct sotto_csv *file = words->files[dataset];
    const char *quote = is_text ? "\"" : "";
    if (file == NULL) {
        return SOTTO_OK;
    }
    const char *word = sotto_kind_is_date(kind) ? sotto_csv_na_date(file, column->name, kind, value)
                       : is_text && sotto_csv_is_na(file, value) ? value
                                                                 : find_word(file, kind, value);
    if (word == NULL) {
        return SOTTO_OK;
    }
    bool is_written = strcmp(word, value) == 0;
    return sotto_error_set(
        words->err, SOTTO_ERROR_PLAN,
        "%s%.80s%s is an NA word of %.200s%s%.80s: where %s%.80s has it, it is read as missing. "
        "Ask isna(...) for what is missing; or name the file's NA words without it, with --na (na "
        "in node.yaml), to keep it as a %s",
        quote, value, quote, words->plan->datasets[dataset].file, is_written ? "" : ", written ",
        is_written ? "" : word, column->kind == SOTTO__NODE_COLUMN ? "column " : "a column",
        column->kind == SOTTO__NODE_COLUMN ? column->name : "", is_text ? "text" : "value");
}

static enum sotto_status check_levels(const struct words *words, const struct sotto__node *column,
                                      const struct sotto__level *levels, size_t levels_len)
{
    for (size_t i = 0; i < levels_len; i++) {
        bool is_text = levels[i].kind == SOTTO__LEVEL_TEXT;
        enum sotto_status status = check_value(words, column, levels[i].text, is_text);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* What the columns in a side of a comparison, or in an argument, are compared with: a value, or
 * levels. */
struct asked {
    const char *value; /* NULL: levels */
    bool is_text;
    const struct sotto__level *levels;
    size_t levels_len;
};

static enum sotto_status check_columns(const struct words *words,
                                       const struct sotto__expression *expression, size_t at,
                                       const struct asked *asked)
{
    const struct sotto__node *node = &expression->nodes[at];
    if (node->kind == SOTTO__NODE_COLUMN || node->kind == SOTTO__NODE_STAR) {
        return asked->value != NULL ? check_value(words, node, asked->value, asked->is_text)
                                    : check_levels(words, node, asked->levels, asked->levels_len);
    }
    if (node->kind == SOTTO__NODE_CALL && node->function == SOTTO__FUNCTION_FLOAT) {
        return check_columns(words, expression, node->left, asked);
    }
    if (node->kind != SOTTO__NODE_LIST) {
        return SOTTO_OK;
    }
    size_t items[SOTTO__EXPRESSION_NODES_MAX];
    size_t items_len = sotto__list_items(items, expression, at);
    for (size_t i = 0; i < items_len; i++) {
        enum sotto_status status =
            check_columns(words, expression, expression->nodes[items[i]].right, asked);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Checks the columns of one side against the other side, if that is a text or a number. */
static enum sotto_status check_side(const struct words *words,
                                    const struct sotto__expression *expression, size_t columns,
                                    size_t value)
{
    const struct sotto__node *node = &expression->nodes[value];
    if (node->kind == SOTTO__NODE_TEXT) {
        return check_columns(words, expression, columns,
                             &(struct asked){.value = node->name, .is_text = true});
    }
    bool is_negative;
    const struct sotto__node *literal = sotto__literal_find(&is_negative, expression, node);
    if (literal == NULL) {
        return SOTTO_OK;
    }
    char *text = sotto_alloc(literal->bytes + 2);
    if (text == NULL) {
        return sotto_error_no_memory(words->err);
    }
    text[0] = '-';
    memcpy(text + is_negative, expression->text + literal->start, literal->bytes);
    text[literal->bytes + is_negative] = '\0';
    enum sotto_status status =
        check_columns(words, expression, columns, &(struct asked){.value = text});
    sotto_free(text);
    return status;
}

/* Checks the levels of both columns of a table. */
static enum sotto_status check_table(const struct words *words,
                                     const struct sotto__expression *expression,
                                     const struct sotto__node *node)
{
    const struct sotto__level *levels = &expression->levels[node->levels];
    const struct asked rows = {.levels = levels, .levels_len = node->row_levels_len};
    const struct asked columns = {.levels = levels + node->row_levels_len,
                                  .levels_len = node->levels_len - node->row_levels_len};
    size_t of[2];
    sotto__node_columns(node, of);
    enum sotto_status status = check_columns(words, expression, of[0], &rows);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_columns(words, expression, of[1], &columns);
}

/* Checks column == value, either way round, value_counts(column, value), and tables. */
static enum sotto_status check_node(const struct words *words,
                                    const struct sotto__expression *expression,
                                    const struct sotto__node *node)
{
    if (node->kind == SOTTO__NODE_AGGREGATE &&
        sotto__function_card(node->function)->takes == SOTTO__TAKES_LEVELS) {
        return check_columns(words, expression, node->left,
                             &(struct asked){.levels = &expression->levels[node->levels],
                                             .levels_len = node->levels_len});
    }
    if (node->kind == SOTTO__NODE_AGGREGATE &&
        sotto__function_card(node->function)->takes == SOTTO__TAKES_TABLE) {
        return check_table(words, expression, node);
    }
    if (node->kind != SOTTO__NODE_EQUAL && node->kind != SOTTO__NODE_UNEQUAL) {
        return SOTTO_OK;
    }
    enum sotto_status status = check_side(words, expression, node->left, node->right);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_side(words, expression, node->right, node->left);
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

/* The levels of a key; edges are an order. */
static enum sotto_status check_key(const struct words *words, const struct sotto__group_key *key)
{
    bool is_part = key->column.nodes_len > 1; /* month(column): no value of the file */
    return key->are_edges || is_part
               ? SOTTO_OK
               : check_levels(words, &key->column.nodes[0], key->levels, key->levels_len);
}

enum sotto_status sotto_schema_check_words(const struct sotto_plan *plan,
                                           const struct sotto_schema *offer,
                                           struct sotto_csv *const *files, struct sotto_error *err)
{
    const struct words words = {plan, offer, files, err};
    for (size_t i = 0; i < plan->outputs_len; i++) {
        if (check_expression(&words, &plan->outputs[i].expression) != SOTTO_OK) {
            return sotto_error_prefix(err, "output \"%s\"", plan->outputs[i].name);
        }
    }
    if (check_expression(&words, &plan->where) != SOTTO_OK) {
        return sotto_error_prefix(err, "where");
    }
    for (size_t i = 0; i < plan->keys_len; i++) {
        if (check_key(&words, &plan->keys[i]) != SOTTO_OK) {
            return sotto_error_prefix(err, "group_by");
        }
    }
    return SOTTO_OK;
}
