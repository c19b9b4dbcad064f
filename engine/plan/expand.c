/* SPDX-License-Identifier: Apache-2.0 */

/* Takes the frames of a plan apart: each value of a series or frame becomes a value expression of
 * its own. It leans on shapes.c, which says how many values an output has. What
 * expressions have in common is not looked for here: compiling finds it again.
 *
 * The expander keeps its first failure: its functions return the node that they added, and after a
 * failure they add nothing and return SOTTO_NONE, so that a formula is written down as it is. At
 * most one argument of a call adds nodes: C leaves open in which order arguments are evaluated, and
 * all parties must number their nodes alike. */

#include "plan/dates.h"

#include <sotto/alloc.h>
#include <string.h>

struct expander {
    struct sotto__expansion *out;
    const struct sotto_plan *plan;
    const struct sotto__expression *source;
    struct sotto__shape shapes[SOTTO__EXPRESSION_NODES_MAX];
    struct sotto__expression *target;
    /* The copy of each node of the source in the target, and for which element of its frame. */
    size_t copies[SOTTO__EXPRESSION_NODES_MAX];
    size_t elements[SOTTO__EXPRESSION_NODES_MAX];
    size_t start;             /* of the source's node that is built, where errors point */
    size_t nodes_len;         /* of all expressions */
    enum sotto_status status; /* the first failure, whose text is in err */
    struct sotto_error *err;
};

static bool is_rounded(const struct sotto_schema_field *field)
{
    return field->type.kind == SOTTO_KIND_FLOAT64 && (field->inexact || field->exponent_inexact);
}

/* --- Failures: the first one stays --- */

static size_t fail_no_memory(struct expander *expander)
{
    if (expander->status == SOTTO_OK) {
        expander->status = sotto_error_no_memory(expander->err);
    }
    return SOTTO_NONE;
}

static size_t fail_too_many(struct expander *expander)
{
    if (expander->status == SOTTO_OK) {
        expander->status =
            sotto_error_set(expander->err, SOTTO_ERROR_LIMIT,
                            "expected at most %d operations, numbers and columns for a value of a "
                            "frame, %d in all, found more: name fewer columns",
                            SOTTO__VALUE_NODES_MAX, SOTTO__EXPRESSIONS_NODES_MAX);
    }
    return SOTTO_NONE;
}

/* --- Nodes --- */

static size_t add_node(struct expander *expander, struct sotto__node node)
{
    struct sotto__expression *target = expander->target;
    if (expander->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    if (target->nodes_len == SOTTO__VALUE_NODES_MAX ||
        expander->nodes_len == SOTTO__EXPRESSIONS_NODES_MAX) {
        return fail_too_many(expander);
    }
    void *nodes = target->nodes;
    if (sotto_array_reserve(&nodes, &target->nodes_capacity_len, target->nodes_len + 1,
                            sizeof node) != SOTTO_OK) {
        return fail_no_memory(expander);
    }
    target->nodes = nodes;
    target->nodes[target->nodes_len] = node;
    expander->nodes_len++;
    return target->nodes_len++;
}

static size_t add_infix(struct expander *expander, enum sotto__node_kind kind, size_t left,
                        size_t right)
{
    return add_node(
        expander,
        (struct sotto__node){.kind = kind, .left = left, .right = right, .start = expander->start});
}

static size_t add_prefix(struct expander *expander, enum sotto__node_kind kind, size_t operand)
{
    return add_infix(expander, kind, operand, SOTTO_NONE);
}

/* Adds a call of a function, of all rows or of one row, with three arguments; with two; with one.
 */
static size_t add_call3(struct expander *expander, enum sotto__function function, size_t first,
                        size_t second, size_t third)
{
    bool is_call = sotto__function_card(function)->of != SOTTO__FUNCTION_OF_ALL_ROWS;
    SOTTO_REQUIRE(is_call || sotto__function_card(function)->method == NULL);
    return add_node(expander,
                    (struct sotto__node){.kind = is_call ? SOTTO__NODE_CALL : SOTTO__NODE_AGGREGATE,
                                         .function = function,
                                         .left = first,
                                         .right = second,
                                         .third = third,
                                         .rounds = is_call ? 0 : 1,
                                         .start = expander->start});
}

static size_t add_call2(struct expander *expander, enum sotto__function function, size_t first,
                        size_t second)
{
    return add_call3(expander, function, first, second, SOTTO_NONE);
}

static size_t add_call1(struct expander *expander, enum sotto__function function, size_t argument)
{
    return add_call3(expander, function, argument, SOTTO_NONE, SOTTO_NONE);
}

static size_t add_number(struct expander *expander, int number)
{
    return add_node(expander, (struct sotto__node){.kind = SOTTO__NODE_LITERAL,
                                                   .is_whole = true,
                                                   .whole = number,
                                                   .start = expander->start});
}

static size_t add_na(struct expander *expander)
{
    return add_node(expander, (struct sotto__node){.kind = SOTTO__NODE_NA});
}

/* --- One element of a frame --- */

/* Adds source node as it is for an element: i for a series, (row, column) as row * ELEMENT_ROW +
 * column for a square frame, 0 for a single value. Recursion: as deep as the source's tree, which
 * has at most SOTTO__EXPRESSION_NODES_MAX levels. */
static size_t build_node(struct expander *expander, size_t node, size_t element);

#define ELEMENT_ROW ((size_t)1 << 16)

/* How many elements a node has along its first axis. */
static size_t width_of(const struct expander *expander, size_t node)
{
    const struct sotto__shape *shape = &expander->shapes[node];
    return shape->axes_len > 0 ? expander->out->axes[shape->axes[0]].len : 1;
}

static size_t build_column(struct expander *expander, size_t node, size_t element)
{
    const struct sotto__node *star = &expander->source->nodes[node];
    const struct sotto__axis *axis = &expander->out->axes[expander->shapes[node].axes[0]];
    struct sotto__node column = {.kind = SOTTO__NODE_COLUMN, .start = star->start};
    for (size_t i = 0; i < expander->out->columns_len; i++) {
        const struct sotto__column *at = &expander->out->columns[i];
        if (at->dataset == star->dataset_index && strcmp(at->name, axis->labels[element]) == 0) {
            column.name = axis->labels[element];
            column.column = i;
        }
    }
    SOTTO_REQUIRE(column.name != NULL);
    return add_node(expander, column);
}

/* The item of a list that an element falls into. */
static size_t build_item(struct expander *expander, size_t list, size_t element)
{
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    size_t len = sotto__list_items(lists, expander->source, list);
    for (size_t i = 0; i < len; i++) {
        size_t item = expander->source->nodes[lists[i]].right;
        size_t width = width_of(expander, item);
        if (element < width) {
            return build_node(expander, item, element);
        }
        element -= width;
    }
    SOTTO_REQUIRE(false);
    return SOTTO_NONE;
}

/* --- Functions of a frame's row --- */

/* What a value adds to its row: itself where it is present (ROW_SUM), 1 (ROW_COUNT), or whether it
 * differs from 0 (ROW_ANY, ROW_ALL). */
static size_t build_summand(struct expander *expander, enum sotto__function function, size_t value)
{
    if (function == SOTTO__FUNCTION_ROW_COUNT) {
        size_t is_missing = add_call1(expander, SOTTO__FUNCTION_ISNA, value);
        return add_prefix(expander, SOTTO__NODE_NOT, is_missing);
    }
    size_t neutral = add_number(expander, function == SOTTO__FUNCTION_ROW_ALL);
    size_t filled = add_call2(expander, SOTTO__FUNCTION_FILLNA, value, neutral);
    if (function == SOTTO__FUNCTION_ROW_SUM) {
        return filled;
    }
    return add_infix(expander, SOTTO__NODE_UNEQUAL, filled, add_number(expander, 0));
}

/* The square of a value's deviation from mean; 0 where there is no value. */
static size_t build_square(struct expander *expander, size_t value, size_t mean)
{
    size_t is_missing = add_call1(expander, SOTTO__FUNCTION_ISNA, value);
    size_t zero = add_number(expander, 0);
    size_t deviation = add_infix(expander, SOTTO__NODE_SUBTRACT, value, mean);
    size_t square = add_infix(expander, SOTTO__NODE_MULTIPLY, deviation, deviation);
    return add_call3(expander, SOTTO__FUNCTION_IF, is_missing, zero, square);
}

/* The elements of an axis by label, so that sums of doubles do not depend on the order of columns
 * in files. */
static void sort_elements(size_t *out, const struct sotto__axis *axis)
{
    for (size_t i = 0; i < axis->len; i++) {
        size_t at = i;
        for (; at > 0 && strcmp(axis->labels[out[at - 1]], axis->labels[i]) > 0; at--) {
            out[at] = out[at - 1];
        }
        out[at] = i;
    }
}

/* Sums up, or joins, what an expression gives for each column of a frame: of the value itself, or,
 * if mean is no SOTTO_NONE, of the square of its deviation from it. */
static size_t build_over_row(struct expander *expander, enum sotto__function function, size_t frame,
                             size_t mean)
{
    size_t order[SOTTO__VALUE_NODES_MAX];
    const struct sotto__axis *axis = &expander->out->axes[expander->shapes[frame].axes[0]];
    enum sotto__node_kind joins = function == SOTTO__FUNCTION_ROW_ANY   ? SOTTO__NODE_OR
                                  : function == SOTTO__FUNCTION_ROW_ALL ? SOTTO__NODE_AND
                                                                        : SOTTO__NODE_ADD;
    if (axis->len > SOTTO__VALUE_NODES_MAX) {
        return fail_too_many(expander);
    }
    sort_elements(order, axis);
    size_t all = SOTTO_NONE;
    for (size_t i = 0; i < axis->len; i++) {
        size_t value = build_node(expander, frame, order[i]);
        size_t one = mean != SOTTO_NONE ? build_square(expander, value, mean)
                                        : build_summand(expander, function, value);
        all = i > 0 ? add_infix(expander, joins, all, one) : one;
    }
    return all;
}

/* The number of values in the row less ddof, missing where that is not positive: what a sum is
 * divided by. */
static size_t build_divisor(struct expander *expander, size_t frame, int ddof)
{
    size_t count = build_over_row(expander, SOTTO__FUNCTION_ROW_COUNT, frame, SOTTO_NONE);
    size_t n = add_infix(expander, SOTTO__NODE_SUBTRACT, count, add_number(expander, ddof));
    size_t positive = add_infix(expander, SOTTO__NODE_GREATER, n, add_number(expander, 0));
    return add_call3(expander, SOTTO__FUNCTION_IF, positive, n, add_na(expander));
}

static size_t build_row_mean(struct expander *expander, size_t frame)
{
    size_t sum = build_over_row(expander, SOTTO__FUNCTION_ROW_SUM, frame, SOTTO_NONE);
    return add_infix(expander, SOTTO__NODE_DIVIDE, sum, build_divisor(expander, frame, 0));
}

/* Builds row_var, row_std or row_sem from the deviations from the row's mean. */
static size_t build_row_spread(struct expander *expander, const struct sotto__node *from)
{
    size_t mean = build_row_mean(expander, from->left);
    size_t squares = build_over_row(expander, SOTTO__FUNCTION_ROW_SUM, from->left, mean);
    size_t spread = add_infix(expander, SOTTO__NODE_DIVIDE, squares,
                              build_divisor(expander, from->left, from->options.ddof));
    if (from->function == SOTTO__FUNCTION_ROW_SEM) {
        spread =
            add_infix(expander, SOTTO__NODE_DIVIDE, spread, build_divisor(expander, from->left, 0));
    }
    return from->function == SOTTO__FUNCTION_ROW_VAR
               ? spread
               : add_call1(expander, SOTTO__FUNCTION_SQRT, spread);
}

static size_t build_row_function(struct expander *expander, const struct sotto__node *from)
{
    switch (from->function) {
    case SOTTO__FUNCTION_ROW_MEAN:
        return build_row_mean(expander, from->left);
    case SOTTO__FUNCTION_ROW_VAR:
    case SOTTO__FUNCTION_ROW_STD:
    case SOTTO__FUNCTION_ROW_SEM:
        return build_row_spread(expander, from);
    default:
        return build_over_row(expander, from->function, from->left, SOTTO_NONE);
    }
}

/* --- Aggregates of their own shape --- */

/* Builds cov or corr of two elements of a frame. */
static size_t build_pair(struct expander *expander, size_t node, size_t element)
{
    struct sotto__node pair = expander->source->nodes[node];
    size_t frame = pair.left;
    pair.left = build_node(expander, frame, element / ELEMENT_ROW);
    pair.right = build_node(expander, frame, element % ELEMENT_ROW);
    return add_node(expander, pair);
}

/* Builds a level as the source has it. */
static size_t build_level(struct expander *expander, const struct sotto__level *level)
{
    const char *text = expander->source->text + level->start;
    if (level->kind != SOTTO__LEVEL_NUMBER) {
        return add_node(expander, (struct sotto__node){.kind = SOTTO__NODE_TEXT,
                                                       .name = level->text,
                                                       .start = level->start});
    }
    bool is_negative = *level->text == '-';
    size_t number =
        add_node(expander, (struct sotto__node){.kind = SOTTO__NODE_LITERAL,
                                                .start = level->start + strspn(text, "- \t"),
                                                .bytes = strlen(level->text) - is_negative});
    if (!is_negative) {
        return number;
    }
    return add_node(
        expander,
        (struct sotto__node){.kind = SOTTO__NODE_NEGATE, .left = number, .start = level->start});
}

/* Builds the condition that x compares so with a level or an edge. */
static size_t build_limit(struct expander *expander, enum sotto__node_kind kind, size_t x,
                          const struct sotto__level *level)
{
    size_t value = build_node(expander, x, 0);
    size_t limit = build_level(expander, level);
    return add_infix(expander, kind, value, limit);
}

/* A bin counts what is at its lower edge or above and below the upper one; the last bin holds both
 * its edges. */
static size_t build_counts(struct expander *expander, const struct sotto__node *from,
                           size_t element)
{
    const struct sotto__level *level = &expander->source->levels[from->levels + element];
    size_t holds;
    if (sotto__function_card(from->function)->takes == SOTTO__TAKES_LEVELS) {
        holds = build_limit(expander, SOTTO__NODE_EQUAL, from->left, level);
    } else {
        bool is_last = element + 2 == from->levels_len;
        enum sotto__node_kind is_below = is_last ? SOTTO__NODE_LESS_EQUAL : SOTTO__NODE_LESS;
        size_t from_here = build_limit(expander, SOTTO__NODE_GREATER_EQUAL, from->left, level);
        size_t below = build_limit(expander, is_below, from->left, level + 1);
        holds = add_infix(expander, SOTTO__NODE_AND, from_here, below);
    }
    size_t count = add_call1(expander, SOTTO__FUNCTION_SUM, holds);
    if (expander->status == SOTTO_OK) {
        expander->target->nodes[count].is_cell = true;
    }
    return count;
}

/* Builds a method of one of several numbers, or of one number and an element of a frame. */
static size_t build_number(struct expander *expander, size_t node, size_t element)
{
    struct sotto__node copy = expander->source->nodes[node];
    bool is_series = copy.levels_len > 1;
    copy.left = build_node(expander, copy.left, is_series ? 0 : element);
    copy.levels += is_series ? element : 0;
    copy.levels_len = 1;
    return add_node(expander, copy);
}

/* Builds one of the numbers that describe a column: count, mean, std, then quantiles. */
static size_t build_description(struct expander *expander, size_t node, size_t element)
{
    static const enum sotto__function moments[] = {SOTTO__FUNCTION_COUNT, SOTTO__FUNCTION_MEAN,
                                                   SOTTO__FUNCTION_STD};
    struct sotto__node copy = expander->source->nodes[node];
    bool is_frame = expander->shapes[node].axes_len > 1;
    size_t number = is_frame ? element / ELEMENT_ROW : element;
    bool is_moment = number < sizeof moments / sizeof moments[0];
    copy.left = build_node(expander, copy.left, is_frame ? element % ELEMENT_ROW : 0);
    copy.function = is_moment ? moments[number] : SOTTO__FUNCTION_QUANTILE;
    copy.rounds = is_moment ? 1 : copy.rounds;
    copy.options = (struct sotto__options){.ddof = copy.function == SOTTO__FUNCTION_STD,
                                           .exact = copy.options.exact && !is_moment};
    copy.levels += is_moment ? 0 : number - sizeof moments / sizeof moments[0];
    copy.levels_len = !is_moment;
    return add_node(expander, copy);
}

/* --- Any node --- */

static size_t build_each(struct expander *expander, size_t node, size_t element)
{
    struct sotto__node copy = expander->source->nodes[node];
    size_t *const children[3] = {&copy.left, &copy.right, &copy.third};
    size_t unused[3];
    size_t children_len = sotto__node_children(&copy, unused);
    SOTTO_REQUIRE(children_len <= 3);
    for (size_t i = 0; i < children_len; i++) {
        bool is_single = expander->shapes[*children[i]].axes_len == 0;
        *children[i] = build_node(expander, *children[i], is_single ? 0 : element);
    }
    return add_node(expander, copy);
}

static size_t build_by_kind(struct expander *expander, size_t node, size_t element)
{
    const struct sotto__node *from = &expander->source->nodes[node];
    bool is_aggregate = from->kind == SOTTO__NODE_AGGREGATE;
    if (from->kind == SOTTO__NODE_STAR) {
        return build_column(expander, node, element);
    }
    if (from->kind == SOTTO__NODE_LIST) {
        return build_item(expander, node, element);
    }
    const struct sotto__function_card *card = sotto__function_card(from->function);
    if (from->kind == SOTTO__NODE_CALL && card->takes_frame) {
        return build_row_function(expander, from);
    }
    if (is_aggregate && from->function == SOTTO__FUNCTION_DESCRIBE) {
        return build_description(expander, node, element);
    }
    if (is_aggregate && card->takes == SOTTO__TAKES_NUMBERS) {
        return build_number(expander, node, element);
    }
    if (is_aggregate && card->takes != SOTTO__TAKES_EXPRESSIONS) {
        return build_counts(expander, from, element);
    }
    if (is_aggregate && from->right == SOTTO_NONE && card->is_frame_enough) {
        return build_pair(expander, node, element);
    }
    return build_each(expander, node, element);
}

static size_t build_node(struct expander *expander, size_t node, size_t element)
{
    if (expander->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    if (expander->elements[node] != element) {
        size_t start = expander->start;
        expander->start = expander->source->nodes[node].start;
        size_t copy = build_by_kind(expander, node, element);
        expander->start = start;
        expander->elements[node] = element;
        expander->copies[node] = copy;
    }
    return expander->copies[node];
}

/* --- Values --- */

static void start_expression(struct expander *expander)
{
    struct sotto__expansion *out = expander->out;
    void *expressions = out->expressions;
    if (expander->status != SOTTO_OK) {
        return;
    }
    if (out->expressions_len == SOTTO__EXPRESSIONS_MAX) {
        expander->status = sotto_error_set(
            expander->err, SOTTO_ERROR_LIMIT,
            "expected at most %d values in all outputs, found more: name fewer columns",
            SOTTO__EXPRESSIONS_MAX);
        return;
    }
    if (sotto_array_reserve(&expressions, &out->expressions_capacity_len, out->expressions_len + 1,
                            sizeof *out->expressions) != SOTTO_OK) {
        (void)fail_no_memory(expander);
        return;
    }
    out->expressions = expressions;
    out->expressions[out->expressions_len] = (struct sotto__value_expression){
        .expression = {.text = expander->source->text,
                       .defined = expander->source->defined,
                       .levels = expander->source->levels,
                       .levels_len = expander->source->levels_len}};
    expander->target = &out->expressions[out->expressions_len++].expression;
    for (size_t i = 0; i < expander->source->nodes_len; i++) {
        expander->elements[i] = SOTTO_NONE;
    }
}

/* is_first: of the first number of a description. */
static bool is_count(const struct sotto__expression *source, bool is_first)
{
    const struct sotto__node *root = &source->nodes[source->nodes_len - 1];
    if (root->kind == SOTTO__NODE_AGGREGATE && root->function == SOTTO__FUNCTION_DESCRIBE) {
        return is_first;
    }
    return root->kind == SOTTO__NODE_AGGREGATE &&
           (root->function == SOTTO__FUNCTION_COUNT ||
            (sotto__function_card(root->function)->method == NULL &&
             sotto__function_card(root->function)->takes != SOTTO__TAKES_EXPRESSIONS));
}

static void expand_output(struct expander *expander, struct sotto__output_values *output_values)
{
    struct sotto__expansion *out = expander->out;
    size_t root = expander->source->nodes_len - 1;
    const struct sotto__shape *shape = &expander->shapes[root];
    size_t rows = shape->axes_len > 1 ? out->axes[shape->axes[0]].len : 1;
    size_t columns = shape->axes_len > 0 ? out->axes[shape->axes[shape->axes_len - 1]].len : 1;
    output_values->shape = *shape;
    output_values->values_len = rows * columns;
    for (size_t i = 0; i < rows * columns && expander->status == SOTTO_OK; i++) {
        start_expression(expander);
        (void)build_node(expander, root, i / columns * ELEMENT_ROW + i % columns);
        if (expander->status == SOTTO_OK) {
            out->expressions[out->expressions_len - 1].is_count =
                is_count(expander->source, i < (rows > 1 ? columns : 1));
        }
    }
}

/* --- Methods that stand alone --- */

/* Adds item element of the source's node to a list, which it is the len'th of. */
static size_t add_item(struct expander *expander, size_t list, size_t len, size_t node,
                       size_t element)
{
    const char *name =
        sotto__function_card(expander->source->nodes[expander->source->nodes_len - 1].function)
            ->name;
    if (expander->status == SOTTO_OK && len == SOTTO__METHOD_COLUMNS_MAX) {
        expander->status =
            sotto_error_set(expander->err, SOTTO_ERROR_LIMIT,
                            "%s takes at most %d columns after the first one, found more", name,
                            SOTTO__METHOD_COLUMNS_MAX);
    }
    size_t item = build_node(expander, node, element);
    return add_infix(expander, SOTTO__NODE_LIST, list, item);
}

/* The list of a call's last argument, frames taken apart. Returns: SOTTO_NONE if there is none. */
static size_t build_list(struct expander *expander, size_t list)
{
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    size_t items_len = sotto__list_items(lists, expander->source, list);
    size_t built = SOTTO_NONE;
    size_t len = 0;
    for (size_t i = 0; i < items_len; i++) {
        size_t item = expander->source->nodes[lists[i]].right;
        size_t width = width_of(expander, item);
        for (size_t j = 0; j < width && expander->status == SOTTO_OK; j++) {
            built = add_item(expander, built, len++, item, j);
        }
    }
    return built;
}

/* Adds an argument of a call, a cell, which comes behind len others. */
static void add_cell(struct expander *expander, struct sotto__node *call, size_t len, size_t cell)
{
    if (len == 0) {
        call->left = cell;
        call->right = SOTTO_NONE;
    } else {
        call->right = add_infix(expander, SOTTO__NODE_LIST, call->right, cell);
    }
}

/* Adds the conditions that a column has each of some levels. out: levels_len nodes. */
static void build_equals(struct expander *expander, size_t *out, size_t column, size_t levels,
                         size_t levels_len)
{
    for (size_t i = 0; i < levels_len; i++) {
        out[i] =
            build_limit(expander, SOTTO__NODE_EQUAL, column, &expander->source->levels[levels + i]);
    }
}

/* Sets the arguments of a table's call to the conditions of its cells, row by row, or to a value's
 * samples in these. */
static void build_table(struct expander *expander, struct sotto__node *copy)
{
    size_t equals[2 * SOTTO__METHOD_CELLS_MAX];
    size_t columns[2];
    size_t rows_len = copy->row_levels_len;
    size_t columns_len = copy->levels_len - rows_len;
    bool has_value = copy->third != SOTTO_NONE;
    sotto__node_columns(copy, columns);
    size_t value = has_value ? build_node(expander, copy->left, 0) : SOTTO_NONE;
    build_equals(expander, equals, columns[0], copy->levels, rows_len);
    build_equals(expander, equals + rows_len, columns[1], copy->levels + rows_len, columns_len);
    copy->right = copy->third = SOTTO_NONE;
    for (size_t i = 0; i < rows_len * columns_len; i++) {
        size_t cell = add_infix(expander, SOTTO__NODE_AND, equals[i / columns_len],
                                equals[rows_len + i % columns_len]);
        if (has_value) {
            size_t na = add_na(expander);
            cell = add_call3(expander, SOTTO__FUNCTION_IF, cell, value, na);
        }
        add_cell(expander, copy, i, cell);
    }
}

/* Sets the arguments of a call to the conditions that a column has each of its levels. */
static void build_levels(struct expander *expander, struct sotto__node *copy)
{
    size_t equals[SOTTO__METHOD_CELLS_MAX];
    build_equals(expander, equals, copy->left, copy->levels, copy->levels_len);
    for (size_t i = 0; i < copy->levels_len; i++) {
        add_cell(expander, copy, i, equals[i]);
    }
}

/* Sets the arguments of a call to the conditions that of some columns just these are missing, for
 * each set of them: the last column changes fastest. */
static void build_patterns(struct expander *expander, struct sotto__node *copy)
{
    size_t columns[SOTTO__EXPRESSION_NODES_MAX];
    size_t cells[(size_t)1 << SOTTO__METHOD_PATTERN_COLUMNS_MAX] = {SOTTO_NONE};
    size_t columns_len = sotto__columns_find(columns, expander->source, copy->left);
    size_t len = 1;
    for (size_t i = 0; i < columns_len; i++, len *= 2) {
        size_t column = build_node(expander, columns[i], 0);
        size_t is_missing = add_call1(expander, SOTTO__FUNCTION_ISNA, column);
        size_t is_present = add_prefix(expander, SOTTO__NODE_NOT, is_missing);
        for (size_t j = len; j-- > 0;) {
            size_t of = cells[j];
            cells[2 * j] =
                i > 0 ? add_infix(expander, SOTTO__NODE_AND, of, is_present) : is_present;
            cells[2 * j + 1] =
                i > 0 ? add_infix(expander, SOTTO__NODE_AND, of, is_missing) : is_missing;
        }
    }
    for (size_t i = 0; i < len; i++) {
        add_cell(expander, copy, i, cells[i]);
    }
}

/* Sets the arguments of a call that stands alone. */
static void build_arguments(struct expander *expander, struct sotto__node *copy)
{
    const struct sotto__function_card *card = sotto__function_card(copy->function);
    switch (card->takes) {
    case SOTTO__TAKES_TABLE:
        build_table(expander, copy);
        break;
    case SOTTO__TAKES_LEVELS:
        build_levels(expander, copy);
        break;
    case SOTTO__TAKES_COLUMNS:
        build_patterns(expander, copy);
        break;
    default:
        copy->left = build_node(expander, copy->left, 0);
        if (copy->right != SOTTO_NONE) {
            copy->right = card->is_variadic ? build_list(expander, copy->right)
                                            : build_node(expander, copy->right, 0);
        }
        if (copy->third != SOTTO_NONE) {
            bool is_list = expander->source->nodes[copy->third].kind == SOTTO__NODE_LIST;
            copy->third =
                is_list ? build_list(expander, copy->third) : build_node(expander, copy->third, 0);
        }
        break;
    }
}

/* Expands a call whose output is a method's fields into one expression, the call. */
static void expand_method(struct expander *expander, struct sotto__output_values *output_values,
                          const struct sotto__node *call)
{
    struct sotto__node copy = *call;
    expander->start = call->start;
    start_expression(expander);
    build_arguments(expander, &copy);
    (void)add_node(expander, copy);
    if (expander->status == SOTTO_OK) {
        expander->status =
            sotto__frames_method_axes(&output_values->shape, expander->out, expander->shapes,
                                      expander->source, call, expander->err);
    }
    output_values->method = call;
}

/* --- The whole --- */

static void add_column(struct sotto__expansion *out, size_t dataset, const char *name,
                       const struct sotto_schema_field *field)
{
    out->columns[out->columns_len++] = (struct sotto__column){
        .dataset = dataset, .name = name, .type = field->type, .is_rounded = is_rounded(field)};
}

static bool is_in_plan(const struct sotto_plan *plan, const struct sotto_schema_column *column)
{
    bool found = false;
    for (size_t i = 0; !found && i < plan->columns_len; i++) {
        found = plan->columns[i].dataset == column->dataset &&
                strcmp(plan->columns[i].name, column->name) == 0;
    }
    return found;
}

static void expand_columns(struct expander *expander)
{
    struct sotto__expansion *out = expander->out;
    const struct sotto_plan *plan = expander->plan;
    const struct sotto_schema *schema = out->schema;
    out->columns = sotto_alloc_array(plan->columns_len + schema->frame_len, sizeof *out->columns);
    if (out->columns == NULL) {
        (void)fail_no_memory(expander);
        return;
    }
    for (size_t i = 0; i < plan->columns_len; i++) {
        add_column(out, plan->columns[i].dataset, plan->columns[i].name, &schema->fields[i]);
    }
    for (size_t i = 0; i < schema->frame_len; i++) {
        if (!is_in_plan(plan, &schema->frame[i])) {
            add_column(out, schema->frame[i].dataset, schema->frame[i].name,
                       &schema->frame[i].field);
        }
    }
}

/* Makes an expression of the plan the source, and finds the shapes of its nodes. */
static void start_source(struct expander *expander, const struct sotto__expression *source)
{
    expander->source = source;
    if (expander->status == SOTTO_OK) {
        expander->status = sotto__frames_shapes(expander->shapes, expander->out, expander->plan,
                                                source, expander->err);
    }
}

/* Dates and what stands beside them, in the value expressions from first on. */
static void resolve_dates(struct expander *expander, size_t first)
{
    struct sotto__expansion *out = expander->out;
    for (size_t i = first; i < out->expressions_len && expander->status == SOTTO_OK; i++) {
        struct sotto__value_expression *value = &out->expressions[i];
        expander->status =
            sotto__dates_resolve(&value->calendar, &value->expression, out, expander->err);
    }
}

/* size: factors of aggregates in all value expressions up to here, powers multiplied out. */
static void expand_plan_output(struct expander *expander, size_t *size,
                               const struct sotto__plan_output *output)
{
    struct sotto__expansion *out = expander->out;
    const struct sotto__node *root = &output->expression.nodes[output->expression.nodes_len - 1];
    struct sotto__output_values *output_values = &out->outputs[out->outputs_len++];
    *output_values =
        (struct sotto__output_values){.first = out->expressions_len, .values = out->values_len};
    start_source(expander, &output->expression);
    if (expander->status == SOTTO_OK) {
        const struct sotto__method_card *method = sotto__function_card(root->function)->method;
        if (root->kind == SOTTO__NODE_AGGREGATE && method != NULL && method->stands_alone) {
            expand_method(expander, output_values, root);
        } else {
            expand_output(expander, output_values);
        }
    }
    resolve_dates(expander, output_values->first);
    output_values->expressions_len = out->expressions_len - output_values->first;
    out->values_len += output_values->values_len;
    *size += output_values->expressions_len * output->size;
    if (expander->status == SOTTO_OK && *size > SOTTO__EXPANSION_SIZE_MAX) {
        expander->status = sotto_error_set(expander->err, SOTTO_ERROR_LIMIT,
                                           "the values multiply too many aggregates and numbers: "
                                           "name fewer columns");
    }
    if (expander->status != SOTTO_OK) {
        (void)sotto_error_prefix(expander->err, "output \"%s\"", output->name);
    }
}

static void expand_outputs(struct expander *expander)
{
    size_t size = 0;
    for (size_t i = 0; i < expander->plan->outputs_len && expander->status == SOTTO_OK; i++) {
        expand_plan_output(expander, &size, &expander->plan->outputs[i]);
    }
}

static void expand_where(struct expander *expander)
{
    const struct sotto__expression *where = &expander->plan->where;
    struct sotto__expansion *out = expander->out;
    if (where->nodes_len == 0 || expander->status != SOTTO_OK) {
        return;
    }
    start_source(expander, where);
    start_expression(expander);
    (void)build_node(expander, where->nodes_len - 1, 0);
    resolve_dates(expander, out->expressions_len - (expander->status == SOTTO_OK));
    if (expander->status == SOTTO_OK) {
        out->where = out->expressions[--out->expressions_len].expression;
    } else {
        (void)sotto_error_prefix(expander->err, "where");
    }
}

enum sotto_status sotto__expand(struct sotto__expansion *out, const struct sotto_plan *plan,
                                const struct sotto_schema *schema, struct sotto_error *err)
{
    *out = (struct sotto__expansion){.schema = schema};
    enum sotto_status status = SOTTO_OK;
    struct expander *expander = sotto_alloc_zeroed(sizeof *expander);
    out->outputs = sotto_alloc_array(plan->outputs_len, sizeof *out->outputs);
    if (expander == NULL || out->outputs == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    expander->out = out;
    expander->plan = plan;
    expander->err = err;
    expand_columns(expander);
    expand_outputs(expander);
    expand_where(expander);
    status = expander->status;
out:
    sotto_free(expander);
    if (status != SOTTO_OK) {
        sotto__expansion_release(out);
        return status;
    }
    sotto__expansion_verify(out);
    return SOTTO_OK;
}

void sotto__expansion_release(struct sotto__expansion *expansion)
{
    for (size_t i = 0; i < expansion->expressions_len; i++) {
        sotto_free(expansion->expressions[i].expression.nodes);
    }
    sotto_free(expansion->where.nodes);
    sotto_free(expansion->expressions);
    sotto_free(expansion->outputs);
    sotto_free(expansion->columns);
    sotto__axes_release(expansion);
    *expansion = (struct sotto__expansion){0};
}
