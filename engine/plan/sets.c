/* SPDX-License-Identifier: Apache-2.0 */

/* Which sets of rows a plan makes: by where, by groups, by bins and levels, by conditions on rows.
 * It leans on the parsed trees. The one idea: each set is written as a text that is the same
 * whatever a plan calls its dataset and however it is spaced, and that can be parsed again: so a
 * party that remembers it can look at its rows of another day, and for another plan. */

#include "plan/plan.h"

#include "expression/places.h"
#include <sotto/alloc.h>
#include <sotto/watch.h>
#include <stdio.h>
#include <string.h>

/* --- Texts --- */

static const char *const operators[] = {
    [SOTTO__NODE_ADD] = " + ",           [SOTTO__NODE_SUBTRACT] = " - ",
    [SOTTO__NODE_MULTIPLY] = " * ",      [SOTTO__NODE_DIVIDE] = " / ",
    [SOTTO__NODE_FLOOR_DIVIDE] = " // ", [SOTTO__NODE_MODULO] = " % ",
    [SOTTO__NODE_EQUAL] = " == ",        [SOTTO__NODE_UNEQUAL] = " != ",
    [SOTTO__NODE_LESS] = " < ",          [SOTTO__NODE_LESS_EQUAL] = " <= ",
    [SOTTO__NODE_GREATER] = " > ",       [SOTTO__NODE_GREATER_EQUAL] = " >= ",
    [SOTTO__NODE_AND] = " and ",         [SOTTO__NODE_OR] = " or ",
};

struct set_writer {
    struct sotto_writer text;
    const struct sotto__expression *expression;
    size_t dataset; /* of the columns so far; SOTTO_NONE: there is none */
    bool is_told;   /* everything so far could be written */
};

static void write_raw(struct set_writer *writer, const char *text)
{
    sotto_write_bytes(&writer->text, text, strlen(text));
}

/* Between two quotes, which are doubled within. */
static void write_quoted(struct set_writer *writer, const char *text, char quote)
{
    sotto_write_u8(&writer->text, (uint8_t)quote);
    for (; *text != '\0'; text++) {
        if (*text == quote) {
            sotto_write_u8(&writer->text, (uint8_t)quote);
        }
        sotto_write_u8(&writer->text, (uint8_t)*text);
    }
    sotto_write_u8(&writer->text, (uint8_t)quote);
}

static void write_column(struct set_writer *writer, const struct sotto__node *node)
{
    writer->is_told = writer->is_told &&
                      (writer->dataset == SOTTO_NONE || writer->dataset == node->dataset_index);
    writer->dataset = node->dataset_index;
    write_quoted(writer, node->name, '`');
}

static void write_node(struct set_writer *writer, size_t i);

/* A chain of one operator is written without brackets, so that it is no deeper than it was. */
static void write_infix(struct set_writer *writer, const struct sotto__node *node, bool is_chained)
{
    const struct sotto__node *left = &writer->expression->nodes[node->left];
    bool is_chain = node->kind == SOTTO__NODE_AND || node->kind == SOTTO__NODE_OR;
    write_raw(writer, is_chained ? "" : "(");
    if (is_chain && left->kind == node->kind) {
        write_infix(writer, left, true);
    } else {
        write_node(writer, node->left);
    }
    write_raw(writer, operators[node->kind]);
    write_node(writer, node->right);
    write_raw(writer, is_chained ? "" : ")");
}

/* Only what has no frames and no rounds can be told apart later. */
static void write_call(struct set_writer *writer, const struct sotto__node *node)
{
    const struct sotto__function_card *card = sotto__function_card(node->function);
    size_t children[3];
    size_t len = sotto__node_children(node, children);
    char digits[16];
    if (card->name == NULL || card->takes_frame || card->is_variadic) {
        writer->is_told = false;
        return;
    }
    write_raw(writer, card->name);
    for (size_t i = 0; i < len; i++) {
        write_raw(writer, i == 0 ? "(" : ", ");
        write_node(writer, children[i]);
    }
    if (card->options != NULL && card->options->kind == SOTTO__OPTION_DIGITS) {
        (void)snprintf(digits, sizeof digits, ", %d", node->options.digits);
        write_raw(writer, digits);
    }
    write_raw(writer, ")");
}

static void write_power(struct set_writer *writer, const struct sotto__node *node)
{
    char exponent[16];
    (void)snprintf(exponent, sizeof exponent, " ** %d)", node->exponent);
    write_raw(writer, "(");
    write_node(writer, node->left);
    write_raw(writer, exponent);
}

/* A number that the parser has added stands in no text. */
static void write_literal(struct set_writer *writer, const struct sotto__node *node)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%lld", (long long)node->whole);
    if (node->is_whole) {
        write_raw(writer, number);
    } else {
        sotto_write_bytes(&writer->text, writer->expression->text + node->start, node->bytes);
    }
}

/* Recursion: as deep as the expression. */
static void write_node(struct set_writer *writer, size_t i)
{
    const struct sotto__node *node = &writer->expression->nodes[i];
    switch (node->kind) {
    case SOTTO__NODE_LITERAL:
        write_literal(writer, node);
        break;
    case SOTTO__NODE_TEXT:
        write_quoted(writer, node->name, '"');
        break;
    case SOTTO__NODE_NA:
        write_raw(writer, "na");
        break;
    case SOTTO__NODE_COLUMN:
        write_column(writer, node);
        break;
    case SOTTO__NODE_NEGATE:
    case SOTTO__NODE_NOT:
        write_raw(writer, node->kind == SOTTO__NODE_NOT ? "(not " : "(-");
        write_node(writer, node->left);
        write_raw(writer, ")");
        break;
    case SOTTO__NODE_POWER:
        write_power(writer, node);
        break;
    case SOTTO__NODE_CALL:
        write_call(writer, node);
        break;
    case SOTTO__NODE_STAR:
    case SOTTO__NODE_LIST:
    case SOTTO__NODE_AGGREGATE:
        writer->is_told = false;
        break;
    default:
        write_infix(writer, node, false);
        break;
    }
}

static void write_levels(struct set_writer *writer, const struct sotto__level *levels,
                         size_t levels_len)
{
    for (size_t i = 0; i < levels_len; i++) {
        write_raw(writer, i > 0 ? ", " : "");
        if (levels[i].kind == SOTTO__LEVEL_TEXT) {
            write_quoted(writer, levels[i].text, '"');
        } else {
            write_raw(writer, levels[i].text);
        }
    }
    write_raw(writer, ")");
}

/* --- The list --- */

struct finder {
    struct sotto__row_sets *out;
    enum sotto_status status;
    size_t key; /* where the next set comes from */
    size_t output;
    bool are_groups;
    size_t used_by; /* the output in whose expression it is; or SOTTO_NONE */
};

static void writer_init(struct set_writer *out, const struct sotto__expression *expression)
{
    *out = (struct set_writer){.expression = expression, .dataset = SOTTO_NONE, .is_told = true};
    sotto_writer_init(&out->text, (size_t)8 * SOTTO__EXPRESSION_BYTES_MAX);
}

/* Finds a set. One that comes from two places comes from none of them alone. */
static size_t find_set(struct sotto__row_sets *sets, size_t dataset, const char *text)
{
    for (size_t i = 0; i < sets->len; i++) {
        if (sets->list[i].dataset == dataset && strcmp(sets->list[i].text, text) == 0) {
            sets->list[i].key = sets->list[i].output = SOTTO_NONE;
            sets->list[i].are_groups = false;
            return i;
        }
    }
    return SOTTO_NONE;
}

static void add_use(struct finder *finder, size_t set)
{
    struct sotto__row_sets *sets = finder->out;
    void *uses = sets->uses;
    if (finder->used_by == SOTTO_NONE || finder->status != SOTTO_OK) {
        return;
    }
    finder->status = sotto_array_reserve(&uses, &sets->uses_capacity_len, sets->uses_len + 1,
                                         sizeof *sets->uses);
    if (finder->status == SOTTO_OK) {
        sets->uses = uses;
        sets->uses[sets->uses_len++] =
            (struct sotto__row_set_use){.output = finder->used_by, .set = set};
    }
}

/* Adds what was written, once; ends the writer. */
static void finish_set(struct finder *finder, struct set_writer *writer)
{
    struct sotto__row_sets *sets = finder->out;
    size_t bytes;
    void *list = sets->list;
    sotto_write_u8(&writer->text, 0);
    if (finder->status == SOTTO_OK) {
        finder->status = sotto_writer_status(&writer->text);
    }
    if (finder->status == SOTTO_OK) {
        finder->status =
            sotto_array_reserve(&list, &sets->capacity_len, sets->len + 1, sizeof *sets->list);
    }
    if (finder->status != SOTTO_OK) {
        sotto_writer_release(&writer->text);
        return;
    }
    sets->list = list;
    sets->are_told = sets->are_told && writer->is_told;
    bool is_set = writer->is_told && writer->dataset != SOTTO_NONE; /* a constant makes none */
    size_t found =
        is_set ? find_set(sets, writer->dataset, (const char *)writer->text.data) : SOTTO_NONE;
    if (!is_set || found != SOTTO_NONE) {
        sotto_writer_release(&writer->text);
        if (is_set) {
            add_use(finder, found);
        }
        return;
    }
    add_use(finder, sets->len);
    size_t dataset = writer->dataset;
    sets->list[sets->len++] =
        (struct sotto__row_set){.dataset = dataset,
                                .text = (char *)sotto_writer_take(&writer->text, &bytes),
                                .key = finder->key,
                                .output = finder->output,
                                .are_groups = finder->are_groups};
}

static void add_condition(struct finder *finder, const struct sotto__expression *expression,
                          size_t node)
{
    struct set_writer writer;
    writer_init(&writer, expression);
    write_node(&writer, node);
    finish_set(finder, &writer);
}

static bool are_truths(const struct sotto__group_key *key)
{
    return key->levels_len > 0 && key->levels[0].kind == SOTTO__LEVEL_BOOL;
}

/* true and false are no levels that an expression can count: a key of these is two conditions,
 * whether it is true and whether it is missing. They are of no key: what is withheld is told too.
 */
static void add_truths(struct finder *finder, const struct sotto__group_key *key)
{
    static const char *const around[2][2] = {{"", ""}, {"isna(", ")"}};
    size_t kept = finder->key;
    finder->key = SOTTO_NONE;
    for (size_t i = 0; i < 2; i++) {
        struct set_writer writer;
        writer_init(&writer, &key->column);
        write_raw(&writer, around[i][0]);
        write_node(&writer, key->column.nodes_len - 1);
        write_raw(&writer, around[i][1]);
        finish_set(finder, &writer);
    }
    finder->key = kept;
}

/* The levels of a key, or the edges of its bins. */
static void write_key(struct set_writer *writer, const struct sotto__group_key *key)
{
    writer->expression = &key->column;
    write_raw(writer, key->are_edges ? "hist(" : "value_counts(");
    write_node(writer, key->column.nodes_len - 1);
    write_raw(writer, ", ");
    write_levels(writer, key->levels, key->levels_len);
}

static void add_key(struct finder *finder, const struct sotto__group_key *key)
{
    struct set_writer writer;
    writer_init(&writer, &key->column);
    write_key(&writer, key);
    finish_set(finder, &writer);
}

/* A group of missing values is a condition beside the levels, whose counts know no missing value.
 * It is of no key: what is withheld is told too. */
static void add_missing(struct finder *finder, const struct sotto__group_key *key)
{
    size_t kept = finder->key;
    struct set_writer writer;
    finder->key = SOTTO_NONE;
    writer_init(&writer, &key->column);
    write_raw(&writer, "isna(");
    write_node(&writer, 0); /* the column, also where the key is a part of its dates */
    write_raw(&writer, ")");
    finish_set(finder, &writer);
    finder->key = kept;
}

/* The groups of several keys, each of which is told or not, whatever levels it has. Returns: false
 * if there are more than can be told apart, or some have no such levels. */
static bool add_groups(struct finder *finder, const struct sotto_plan *plan)
{
    struct set_writer writer;
    size_t groups_len = 1;
    for (size_t i = 0; i < plan->keys_len; i++) {
        const struct sotto__group_key *key = &plan->keys[i];
        groups_len *= sotto__count_key_groups(key);
        if (groups_len >= SOTTO_WATCH_CLASSES_MAX || are_truths(key) || key->na) {
            return false;
        }
    }
    writer_init(&writer, &plan->keys[0].column);
    for (size_t i = 0; i < plan->keys_len; i++) {
        write_raw(&writer, i > 0 ? SOTTO__SET_BY : "");
        write_key(&writer, &plan->keys[i]);
        write_raw(&writer, plan->keys[i].other ? SOTTO__SET_OR_OTHER : "");
    }
    finish_set(finder, &writer);
    return true;
}

static void write_in(struct set_writer *writer, size_t column, const struct sotto__level *levels,
                     size_t levels_len)
{
    write_node(writer, column);
    write_raw(writer, " in (");
    write_levels(writer, levels, levels_len);
}

/* The cells of a table, whatever is computed of them. */
static void add_table(struct finder *finder, const struct sotto__expression *expression,
                      const struct sotto__node *node)
{
    struct set_writer writer;
    size_t columns[2];
    const struct sotto__level *levels = expression->levels + node->levels;
    size_t rows_len = node->row_levels_len;
    writer_init(&writer, expression);
    sotto__node_columns(node, columns);
    write_raw(&writer, "crosstab(");
    write_in(&writer, columns[0], levels, rows_len);
    write_raw(&writer, ", ");
    write_in(&writer, columns[1], levels + rows_len, node->levels_len - rows_len);
    write_raw(&writer, ")");
    finish_set(finder, &writer);
}

/* The bins or levels of an output, whatever is computed of their counts. */
static void add_counts(struct finder *finder, const struct sotto__expression *expression,
                       const struct sotto__node *node)
{
    struct set_writer writer;
    bool are_edges = sotto__function_card(node->function)->takes == SOTTO__TAKES_EDGES;
    writer_init(&writer, expression);
    write_raw(&writer, are_edges ? "hist(" : "value_counts(");
    write_node(&writer, node->left);
    write_raw(&writer, ", ");
    write_levels(&writer, expression->levels + node->levels, node->levels_len);
    finish_set(finder, &writer);
}

/* The columns of a pattern, each of which a row lacks or not. */
static void add_patterns(struct finder *finder, const struct sotto__expression *expression,
                         const struct sotto__node *node)
{
    size_t columns[SOTTO__EXPRESSION_NODES_MAX];
    size_t len = sotto__columns_find(columns, expression, node->left);
    struct set_writer writer;
    writer_init(&writer, expression);
    write_raw(&writer, "missing_patterns(");
    for (size_t i = 0; i < len; i++) {
        write_raw(&writer, i > 0 ? ", " : "");
        write_node(&writer, columns[i]);
    }
    write_raw(&writer, ")");
    finish_set(finder, &writer);
}

/* Whether the rows of an aggregate are classed by what it writes out, or by what they lack. */
static bool has_classes(const struct sotto__node *node)
{
    switch (sotto__function_card(node->function)->takes) {
    case SOTTO__TAKES_LEVELS:
    case SOTTO__TAKES_EDGES:
    case SOTTO__TAKES_TABLE:
    case SOTTO__TAKES_COLUMNS:
        return true;
    default:
        return false;
    }
}

static void add_classes(struct finder *finder, const struct sotto__expression *expression,
                        const struct sotto__node *node)
{
    switch (sotto__function_card(node->function)->takes) {
    case SOTTO__TAKES_TABLE:
        add_table(finder, expression, node);
        break;
    case SOTTO__TAKES_COLUMNS:
        add_patterns(finder, expression, node);
        break;
    default:
        add_counts(finder, expression, node);
        break;
    }
}

static bool is_condition(const struct sotto__node *node)
{
    return (node->kind >= SOTTO__NODE_EQUAL && node->kind <= SOTTO__NODE_OR) ||
           node->kind == SOTTO__NODE_NOT ||
           (node->kind == SOTTO__NODE_CALL && (node->function == SOTTO__FUNCTION_ISNA ||
                                               node->function == SOTTO__FUNCTION_STARTSWITH ||
                                               node->function == SOTTO__FUNCTION_CONTAINS));
}

/* Marks conditions that are parts of others. */
static void mark_parts(bool *out, const struct sotto__expression *expression)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        bool joins = node->kind == SOTTO__NODE_AND || node->kind == SOTTO__NODE_OR ||
                     node->kind == SOTTO__NODE_NOT;
        size_t children[3];
        size_t len = joins ? sotto__node_children(node, children) : 0;
        for (size_t j = 0; j < len; j++) {
            out[children[j]] = true;
        }
    }
}

/* The conditions on rows in an output: each whole, and what if asks. */
static void add_output(struct finder *finder, size_t output,
                       const struct sotto__expression *expression)
{
    struct sotto__places places;
    bool is_part[SOTTO__EXPRESSION_NODES_MAX] = {false};
    size_t columns[SOTTO__EXPRESSION_NODES_MAX];
    sotto__places_find(&places, expression);
    mark_parts(is_part, expression);
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        bool is_of_rows = places.place[i] == SOTTO__PLACE_ROW;
        bool is_all = i + 1 == expression->nodes_len;
        if (node->kind == SOTTO__NODE_AGGREGATE &&
            sotto__function_card(node->function)->opens.kind == SOTTO__OPENS_BINS &&
            sotto__columns_find(columns, expression, node->left) == 0) {
            finder->out->are_told = false; /* no condition on columns says what their cells are */
        }
        if (node->kind == SOTTO__NODE_AGGREGATE && has_classes(node)) {
            finder->output = is_all ? output : SOTTO_NONE;
            add_classes(finder, expression, node);
            finder->output = SOTTO_NONE;
        } else if (is_of_rows && is_condition(node) && !is_part[i]) {
            add_condition(finder, expression, i);
        } else if (is_of_rows && node->kind == SOTTO__NODE_CALL &&
                   node->function == SOTTO__FUNCTION_IF) {
            add_condition(finder, expression, node->left);
        }
    }
}

enum sotto_status sotto__row_sets_find(struct sotto__row_sets *out, const struct sotto_plan *plan,
                                       struct sotto_error *err)
{
    struct finder finder = {
        .out = out, .key = SOTTO_NONE, .output = SOTTO_NONE, .used_by = SOTTO_NONE};
    *out = (struct sotto__row_sets){.are_told = true};
    if (plan->where.nodes_len > 0) {
        add_condition(&finder, &plan->where, plan->where.nodes_len - 1);
    }
    finder.are_groups = plan->keys_len > 1;
    bool is_joined = plan->keys_len > 1 && add_groups(&finder, plan);
    finder.are_groups = false;
    for (size_t i = 0; !is_joined && i < plan->keys_len; i++) {
        finder.key = i;
        if (are_truths(&plan->keys[i])) {
            add_truths(&finder, &plan->keys[i]);
        } else {
            add_key(&finder, &plan->keys[i]);
            if (plan->keys[i].na) {
                add_missing(&finder, &plan->keys[i]);
            }
        }
    }
    finder.key = SOTTO_NONE;
    for (size_t i = 0; i < plan->outputs_len; i++) {
        finder.used_by = i;
        add_output(&finder, i, &plan->outputs[i].expression);
    }
    if (finder.status != SOTTO_OK) {
        sotto__row_sets_release(out);
        return sotto_error_no_memory(err);
    }
    return SOTTO_OK;
}

void sotto__row_sets_release(struct sotto__row_sets *sets)
{
    for (size_t i = 0; i < sets->len; i++) {
        sotto_free(sets->list[i].text);
    }
    sotto_free(sets->list);
    sotto_free(sets->uses);
    *sets = (struct sotto__row_sets){0};
}
