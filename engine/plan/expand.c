/* SPDX-License-Identifier: Apache-2.0 */

/* Takes the frames of a plan apart: each value of a series, frame or regression becomes a value
 * expression of its own. What expressions have in common is found again when they are compiled. */

#include "plan/expansion.h"

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
    size_t nodes_len; /* of all expressions */
    struct sotto_error *err;
};

static bool is_rounded(const struct sotto_schema_field *field)
{
    return field->type.kind == SOTTO_KIND_FLOAT64 && field->inexact;
}

static enum sotto_status no_memory(struct sotto_error *err)
{
    return sotto_error_no_memory(err);
}

static enum sotto_status too_many(const struct expander *expander)
{
    return sotto_error_set(expander->err, SOTTO_ERROR_LIMIT,
                           "expected at most %d operations, numbers and columns for a value of a "
                           "frame, %d in all, found more: name fewer columns",
                           SOTTO__VALUE_NODES_MAX, SOTTO__EXPRESSIONS_NODES_MAX);
}

/* --- Nodes --- */

static enum sotto_status add_node(struct expander *expander, size_t *out, struct sotto__node node)
{
    struct sotto__expression *target = expander->target;
    if (target->nodes_len == SOTTO__VALUE_NODES_MAX ||
        expander->nodes_len == SOTTO__EXPRESSIONS_NODES_MAX) {
        return too_many(expander);
    }
    void *nodes = target->nodes;
    if (sotto_array_reserve(&nodes, &target->nodes_capacity_len, target->nodes_len + 1,
                            sizeof node) != SOTTO_OK) {
        return no_memory(expander->err);
    }
    target->nodes = nodes;
    expander->nodes_len++;
    *out = target->nodes_len++;
    target->nodes[*out] = node;
    return SOTTO_OK;
}

/* kind of *in_out and right. Errors point at source node. */
static enum sotto_status add_infix(struct expander *expander, size_t *in_out,
                                   enum sotto__node_kind kind, size_t right, size_t node)
{
    return add_node(expander, in_out,
                    (struct sotto__node){.kind = kind,
                                         .left = *in_out,
                                         .right = right,
                                         .start = expander->source->nodes[node].start});
}

/* A function, of all rows or of one, of *in_out, right and third. */
static enum sotto_status add_function(struct expander *expander, size_t *in_out,
                                      enum sotto__function function, size_t right, size_t third,
                                      size_t node)
{
    bool is_call = sotto__function_rules(function)->of != SOTTO__FUNCTION_OF_ALL_ROWS;
    return add_node(expander, in_out,
                    (struct sotto__node){.kind = is_call ? SOTTO__NODE_CALL : SOTTO__NODE_AGGREGATE,
                                         .function = function,
                                         .left = *in_out,
                                         .right = right,
                                         .third = third,
                                         .start = expander->source->nodes[node].start});
}

static enum sotto_status add_number(struct expander *expander, size_t *out, int number, size_t node)
{
    return add_node(expander, out,
                    (struct sotto__node){.kind = SOTTO__NODE_LITERAL,
                                         .is_whole = true,
                                         .whole = number,
                                         .start = expander->source->nodes[node].start});
}

/* --- One element of a frame --- */

/* Adds source node as it is for an element: i for a series, (row, column) as row * ELEMENT_ROW +
 * column for a square frame, 0 for a single value. Recursion: as deep as the source's tree, which
 * has at most SOTTO__EXPRESSION_NODES_MAX levels. */
static enum sotto_status build(struct expander *expander, size_t *out, size_t node, size_t element);

#define ELEMENT_ROW ((size_t)1 << 16)

static enum sotto_status build_column(struct expander *expander, size_t *out, size_t node,
                                      size_t element)
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
    return add_node(expander, out, column);
}

/* The item that element falls into. */
static enum sotto_status build_item(struct expander *expander, size_t *out, size_t list,
                                    size_t element)
{
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    size_t len = sotto__list_items(lists, expander->source, list);
    for (size_t i = 0; i < len; i++) {
        size_t item = expander->source->nodes[lists[i]].right;
        const struct sotto__shape *shape = &expander->shapes[item];
        size_t width = shape->axes_len > 0 ? expander->out->axes[shape->axes[0]].len : 1;
        if (element < width) {
            return build(expander, out, item, element);
        }
        element -= width;
    }
    SOTTO_REQUIRE(false);
    return SOTTO_ERROR_STATE;
}

/* --- Functions of a frame's row --- */

/* ROW_SUM: the values that are present; ROW_COUNT: 1 for each; ROW_ANY, ROW_ALL: != 0. */
static enum sotto_status build_summand(struct expander *expander, size_t *in_out,
                                       enum sotto__function function, size_t node)
{
    size_t number = 0;
    enum sotto_status status = SOTTO_OK;
    if (function == SOTTO__FUNCTION_ROW_COUNT) {
        status = add_function(expander, in_out, SOTTO__FUNCTION_ISNA, SOTTO_NONE, SOTTO_NONE, node);
        return status == SOTTO_OK ? add_infix(expander, in_out, SOTTO__NODE_NOT, SOTTO_NONE, node)
                                  : status;
    }
    status = add_number(expander, &number, function == SOTTO__FUNCTION_ROW_ALL, node);
    if (status == SOTTO_OK) {
        status = add_function(expander, in_out, SOTTO__FUNCTION_FILLNA, number, SOTTO_NONE, node);
    }
    if (status == SOTTO_OK && function != SOTTO__FUNCTION_ROW_SUM) {
        status = add_number(expander, &number, 0, node);
        status = status == SOTTO_OK ? add_infix(expander, in_out, SOTTO__NODE_UNEQUAL, number, node)
                                    : status;
    }
    return status;
}

/* The square of *in_out's deviation from mean; 0 where there is no value. */
static enum sotto_status build_square(struct expander *expander, size_t *in_out, size_t mean,
                                      size_t node)
{
    size_t zero = 0;
    size_t is_missing = *in_out;
    size_t square = *in_out;
    enum sotto_status status =
        add_function(expander, &is_missing, SOTTO__FUNCTION_ISNA, SOTTO_NONE, SOTTO_NONE, node);
    status = status == SOTTO_OK ? add_number(expander, &zero, 0, node) : status;
    if (status == SOTTO_OK) {
        status = add_infix(expander, &square, SOTTO__NODE_SUBTRACT, mean, node);
    }
    if (status == SOTTO_OK) {
        status = add_infix(expander, &square, SOTTO__NODE_MULTIPLY, square, node);
    }
    *in_out = is_missing;
    return status == SOTTO_OK
               ? add_function(expander, in_out, SOTTO__FUNCTION_IF, zero, square, node)
               : status;
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

/* Sums up, or joins, what an expression gives for each column: of the frame itself, or, if mean is
 * no SOTTO_NONE, of the squares of deviations from it. */
static enum sotto_status build_over_row(struct expander *expander, size_t *out,
                                        enum sotto__function function, size_t node, size_t mean)
{
    size_t order[SOTTO__VALUE_NODES_MAX];
    size_t frame = expander->source->nodes[node].left;
    const struct sotto__axis *axis = &expander->out->axes[expander->shapes[frame].axes[0]];
    enum sotto__node_kind joins = function == SOTTO__FUNCTION_ROW_ANY   ? SOTTO__NODE_OR
                                  : function == SOTTO__FUNCTION_ROW_ALL ? SOTTO__NODE_AND
                                                                        : SOTTO__NODE_ADD;
    enum sotto_status status = SOTTO_OK;
    if (axis->len > SOTTO__VALUE_NODES_MAX) {
        return too_many(expander);
    }
    sort_elements(order, axis);
    for (size_t i = 0; status == SOTTO_OK && i < axis->len; i++) {
        size_t one = 0;
        status = build(expander, &one, frame, order[i]);
        if (status == SOTTO_OK && mean != SOTTO_NONE) {
            status = build_square(expander, &one, mean, node);
        } else if (status == SOTTO_OK) {
            status = build_summand(expander, &one, function, node);
        }
        if (status == SOTTO_OK && i > 0) {
            status = add_infix(expander, out, joins, one, node);
        } else {
            *out = one;
        }
    }
    return status;
}

/* The number of values in the row less ddof, missing where that is not positive: what a sum is
 * divided by. */
static enum sotto_status build_divisor(struct expander *expander, size_t *out, int ddof,
                                       size_t node)
{
    size_t number = 0;
    size_t na = 0;
    enum sotto_status status =
        build_over_row(expander, out, SOTTO__FUNCTION_ROW_COUNT, node, SOTTO_NONE);
    status = status == SOTTO_OK ? add_number(expander, &number, ddof, node) : status;
    status =
        status == SOTTO_OK ? add_infix(expander, out, SOTTO__NODE_SUBTRACT, number, node) : status;
    size_t value = *out;
    status = status == SOTTO_OK ? add_number(expander, &number, 0, node) : status;
    status =
        status == SOTTO_OK ? add_infix(expander, out, SOTTO__NODE_GREATER, number, node) : status;
    status = status == SOTTO_OK
                 ? add_node(expander, &na, (struct sotto__node){.kind = SOTTO__NODE_NA})
                 : status;
    return status == SOTTO_OK ? add_function(expander, out, SOTTO__FUNCTION_IF, value, na, node)
                              : status;
}

static enum sotto_status build_row_mean(struct expander *expander, size_t *out, size_t node)
{
    size_t divisor = 0;
    enum sotto_status status =
        build_over_row(expander, out, SOTTO__FUNCTION_ROW_SUM, node, SOTTO_NONE);
    status = status == SOTTO_OK ? build_divisor(expander, &divisor, 0, node) : status;
    return status == SOTTO_OK ? add_infix(expander, out, SOTTO__NODE_DIVIDE, divisor, node)
                              : status;
}

/* ROW_VAR, ROW_STD, ROW_SEM: from the deviations from the row's mean. */
static enum sotto_status build_row_spread(struct expander *expander, size_t *out, size_t node)
{
    const struct sotto__node *from = &expander->source->nodes[node];
    size_t mean = 0;
    size_t divisor = 0;
    enum sotto_status status = build_row_mean(expander, &mean, node);
    if (status == SOTTO_OK) {
        status = build_over_row(expander, out, SOTTO__FUNCTION_ROW_SUM, node, mean);
    }
    if (status == SOTTO_OK) {
        status = build_divisor(expander, &divisor, from->options.ddof, node);
    }
    status =
        status == SOTTO_OK ? add_infix(expander, out, SOTTO__NODE_DIVIDE, divisor, node) : status;
    if (status == SOTTO_OK && from->function == SOTTO__FUNCTION_ROW_SEM) {
        status = build_divisor(expander, &divisor, 0, node);
        status = status == SOTTO_OK ? add_infix(expander, out, SOTTO__NODE_DIVIDE, divisor, node)
                                    : status;
    }
    if (status == SOTTO_OK && from->function != SOTTO__FUNCTION_ROW_VAR) {
        status = add_function(expander, out, SOTTO__FUNCTION_SQRT, SOTTO_NONE, SOTTO_NONE, node);
    }
    return status;
}

static enum sotto_status build_row_function(struct expander *expander, size_t *out, size_t node)
{
    enum sotto__function function = expander->source->nodes[node].function;
    switch (function) {
    case SOTTO__FUNCTION_ROW_MEAN:
        return build_row_mean(expander, out, node);
    case SOTTO__FUNCTION_ROW_VAR:
    case SOTTO__FUNCTION_ROW_STD:
    case SOTTO__FUNCTION_ROW_SEM:
        return build_row_spread(expander, out, node);
    default:
        return build_over_row(expander, out, function, node, SOTTO_NONE);
    }
}

/* --- Aggregates of their own shape --- */

/* cov or corr of two elements of a frame. */
static enum sotto_status build_pair(struct expander *expander, size_t *out, size_t node,
                                    size_t element)
{
    struct sotto__node pair = expander->source->nodes[node];
    size_t frame = pair.left;
    enum sotto_status status = build(expander, &pair.left, frame, element / ELEMENT_ROW);
    status =
        status == SOTTO_OK ? build(expander, &pair.right, frame, element % ELEMENT_ROW) : status;
    return status == SOTTO_OK ? add_node(expander, out, pair) : status;
}

/* A level as the source has it. */
static enum sotto_status build_level(struct expander *expander, size_t *out,
                                     const struct sotto__level *level)
{
    const char *text = expander->source->text + level->start;
    bool is_negative = level->kind == SOTTO__LEVEL_NUMBER && *level->text == '-';
    struct sotto__node node = {
        .kind = SOTTO__NODE_TEXT, .name = level->text, .start = level->start};
    if (level->kind == SOTTO__LEVEL_NUMBER) {
        node = (struct sotto__node){.kind = SOTTO__NODE_LITERAL,
                                    .start = level->start + strspn(text, "- \t"),
                                    .bytes = strlen(level->text) - is_negative};
    }
    enum sotto_status status = add_node(expander, out, node);
    if (status == SOTTO_OK && is_negative) {
        status = add_node(
            expander, out,
            (struct sotto__node){.kind = SOTTO__NODE_NEGATE, .left = *out, .start = level->start});
    }
    return status;
}

/* The number of rows where x compares so with a level or an edge. */
static enum sotto_status build_count(struct expander *expander, size_t *out, size_t node,
                                     const struct sotto__level *level, enum sotto__node_kind kind)
{
    size_t constant = 0;
    enum sotto_status status = build(expander, out, expander->source->nodes[node].left, 0);
    status = status == SOTTO_OK ? build_level(expander, &constant, level) : status;
    status = status == SOTTO_OK ? add_infix(expander, out, kind, constant, node) : status;
    if (status == SOTTO_OK && kind != SOTTO__NODE_EQUAL) {
        expander->target->nodes[*out].is_edge = true;
    }
    return status == SOTTO_OK
               ? add_function(expander, out, SOTTO__FUNCTION_SUM, SOTTO_NONE, SOTTO_NONE, node)
               : status;
}

/* A bin counts what is at its lower edge or above, less what is at the upper one or above; the last
 * bin holds both its edges. */
static enum sotto_status build_counts(struct expander *expander, size_t *out, size_t node,
                                      size_t element)
{
    const struct sotto__node *from = &expander->source->nodes[node];
    const struct sotto__level *level = &expander->source->levels[from->levels + element];
    if (from->function == SOTTO__FUNCTION_VALUE_COUNTS) {
        return build_count(expander, out, node, level, SOTTO__NODE_EQUAL);
    }
    size_t above = 0;
    enum sotto_status status = build_count(expander, out, node, level, SOTTO__NODE_GREATER_EQUAL);
    if (status == SOTTO_OK) {
        status = build_count(expander, &above, node, level + 1,
                             element + 2 == from->levels_len ? SOTTO__NODE_GREATER
                                                             : SOTTO__NODE_GREATER_EQUAL);
    }
    return status == SOTTO_OK ? add_infix(expander, out, SOTTO__NODE_SUBTRACT, above, node)
                              : status;
}

/* --- Any node --- */

static enum sotto_status build_each(struct expander *expander, size_t *out, size_t node,
                                    size_t element)
{
    struct sotto__node copy = expander->source->nodes[node];
    size_t *const children[3] = {&copy.left, &copy.right, &copy.third};
    size_t unused[3];
    size_t children_len = sotto__node_children(&copy, unused);
    enum sotto_status status = SOTTO_OK;
    SOTTO_REQUIRE(children_len <= 3);
    for (size_t i = 0; status == SOTTO_OK && i < children_len; i++) {
        bool is_single = expander->shapes[*children[i]].axes_len == 0;
        status = build(expander, children[i], *children[i], is_single ? 0 : element);
    }
    return status == SOTTO_OK ? add_node(expander, out, copy) : status;
}

static enum sotto_status build_new(struct expander *expander, size_t *out, size_t node,
                                   size_t element)
{
    const struct sotto__node *from = &expander->source->nodes[node];
    bool is_aggregate = from->kind == SOTTO__NODE_AGGREGATE;
    if (from->kind == SOTTO__NODE_STAR) {
        return build_column(expander, out, node, element);
    }
    if (from->kind == SOTTO__NODE_LIST) {
        return build_item(expander, out, node, element);
    }
    if (from->kind == SOTTO__NODE_CALL && from->function >= SOTTO__FUNCTION_ROW_SUM &&
        from->function <= SOTTO__FUNCTION_ROW_ALL) {
        return build_row_function(expander, out, node);
    }
    if (is_aggregate && (from->function == SOTTO__FUNCTION_HIST ||
                         from->function == SOTTO__FUNCTION_VALUE_COUNTS)) {
        return build_counts(expander, out, node, element);
    }
    if (is_aggregate && from->right == SOTTO_NONE &&
        sotto__function_rules(from->function)->is_frame_enough) {
        return build_pair(expander, out, node, element);
    }
    return build_each(expander, out, node, element);
}

static enum sotto_status build(struct expander *expander, size_t *out, size_t node, size_t element)
{
    if (expander->elements[node] == element) {
        *out = expander->copies[node];
        return SOTTO_OK;
    }
    enum sotto_status status = build_new(expander, out, node, element);
    if (status == SOTTO_OK) {
        expander->elements[node] = element;
        expander->copies[node] = *out;
    }
    return status;
}

/* --- Cells --- */

static enum sotto_status start_expression(struct expander *expander)
{
    struct sotto__expansion *out = expander->out;
    void *expressions = out->expressions;
    if (out->expressions_len == SOTTO__EXPRESSIONS_MAX) {
        return sotto_error_set(expander->err, SOTTO_ERROR_LIMIT,
                               "expected at most %d values in all outputs, found more: name fewer "
                               "columns",
                               SOTTO__EXPRESSIONS_MAX);
    }
    if (sotto_array_reserve(&expressions, &out->expressions_capacity_len, out->expressions_len + 1,
                            sizeof *out->expressions) != SOTTO_OK) {
        return no_memory(expander->err);
    }
    out->expressions = expressions;
    out->expressions[out->expressions_len] =
        (struct sotto__value_expression){.expression = {.text = expander->source->text}};
    expander->target = &out->expressions[out->expressions_len++].expression;
    for (size_t i = 0; i < expander->source->nodes_len; i++) {
        expander->elements[i] = SOTTO_NONE;
    }
    return SOTTO_OK;
}

static bool counts(const struct sotto__expression *source)
{
    const struct sotto__node *root = &source->nodes[source->nodes_len - 1];
    return root->kind == SOTTO__NODE_AGGREGATE &&
           (root->function == SOTTO__FUNCTION_COUNT || root->function == SOTTO__FUNCTION_HIST ||
            root->function == SOTTO__FUNCTION_VALUE_COUNTS);
}

static enum sotto_status expand_output(struct expander *expander,
                                       struct sotto__output_values *output_values)
{
    struct sotto__expansion *out = expander->out;
    size_t root = expander->source->nodes_len - 1;
    output_values->shape = expander->shapes[root];
    size_t rows =
        output_values->shape.axes_len > 1 ? out->axes[output_values->shape.axes[0]].len : 1;
    size_t columns =
        output_values->shape.axes_len > 0
            ? out->axes[output_values->shape.axes[output_values->shape.axes_len - 1]].len
            : 1;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < rows * columns; i++) {
        size_t ignored = 0;
        status = start_expression(expander);
        if (status == SOTTO_OK) {
            out->expressions[out->expressions_len - 1].is_count = counts(expander->source);
            status = build(expander, &ignored, root, i / columns * ELEMENT_ROW + i % columns);
        }
    }
    output_values->values_len = rows * columns;
    return status;
}

/* --- Regressions --- */

/* The column that is explained and the regressors, each missing where one of them is. */
struct regression_sums {
    size_t nodes[1 + SOTTO__OLS_REGRESSORS_MAX]; /* of the source */
    size_t elements[1 + SOTTO__OLS_REGRESSORS_MAX];
    size_t len;
};

static enum sotto_status add_variable(struct expander *expander, struct regression_sums *regression,
                                      size_t node, size_t element)
{
    if (regression->len == 1 + SOTTO__OLS_REGRESSORS_MAX) {
        return sotto_error_set(expander->err, SOTTO_ERROR_LIMIT,
                               "ols takes at most %d regressors, found more",
                               SOTTO__OLS_REGRESSORS_MAX);
    }
    regression->nodes[regression->len] = node;
    regression->elements[regression->len++] = element;
    return SOTTO_OK;
}

static enum sotto_status add_regressors(struct expander *expander,
                                        struct regression_sums *regression,
                                        const struct sotto__node *ols)
{
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    size_t items_len = sotto__list_items(lists, expander->source, ols->right);
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < items_len; i++) {
        size_t item = expander->source->nodes[lists[i]].right;
        const struct sotto__shape *shape = &expander->shapes[item];
        size_t len = shape->axes_len > 0 ? expander->out->axes[shape->axes[0]].len : 1;
        for (size_t j = 0; status == SOTTO_OK && j < len; j++) {
            status = add_variable(expander, regression, item, j);
        }
    }
    return status;
}

/* A value expression: the sum of the products of two variables (y SOTTO_NONE: of one; x too: their
 * number), over rows where all variables are present, all of them doubles if one of them is. */
static enum sotto_status expand_product(struct expander *expander,
                                        const struct regression_sums *regression, size_t x,
                                        size_t y, size_t node)
{
    size_t all = 0;
    size_t factors[2] = {0};
    const size_t variables[2] = {x, y};
    enum sotto_status status = start_expression(expander);
    for (size_t i = 0; status == SOTTO_OK && i < regression->len; i++) {
        size_t one = 0;
        status = build(expander, &one, regression->nodes[i], regression->elements[i]);
        if (status == SOTTO_OK && i > 0) {
            status = add_function(expander, &all, SOTTO__FUNCTION_TOGETHER, one, SOTTO_NONE, node);
        } else {
            all = one;
        }
    }
    for (size_t i = 0; status == SOTTO_OK && i < 2 && variables[i] != SOTTO_NONE; i++) {
        size_t variable = variables[i];
        status = build(expander, &factors[i], regression->nodes[variable],
                       regression->elements[variable]);
        if (status == SOTTO_OK) {
            status = add_function(expander, &factors[i], SOTTO__FUNCTION_TOGETHER, all, SOTTO_NONE,
                                  node);
        }
    }
    if (status != SOTTO_OK) {
        return status;
    }
    if (x == SOTTO_NONE) {
        return add_function(expander, &all, SOTTO__FUNCTION_COUNT, SOTTO_NONE, SOTTO_NONE, node);
    }
    if (y == SOTTO_NONE) {
        return add_function(expander, &factors[0], SOTTO__FUNCTION_SUM, SOTTO_NONE, SOTTO_NONE,
                            node);
    }
    status = add_function(expander, &factors[0], SOTTO__FUNCTION_DOT, factors[1], SOTTO_NONE, node);
    expander->target->nodes[factors[0]].is_together = true;
    return status;
}

/* The number of rows, the sums of the variables, and of their products by row of the upper
 * triangle; the column that is explained comes first. */
static enum sotto_status expand_ols(struct expander *expander,
                                    struct sotto__output_values *output_values, size_t node)
{
    const struct sotto__node *ols = &expander->source->nodes[node];
    struct regression_sums regression = {.len = 0};
    enum sotto_status status = add_variable(expander, &regression, ols->left, 0);
    status = status == SOTTO_OK ? add_regressors(expander, &regression, ols) : status;
    if (status == SOTTO_OK) {
        status = expand_product(expander, &regression, SOTTO_NONE, SOTTO_NONE, node);
    }
    for (size_t i = 0; status == SOTTO_OK && i < regression.len; i++) {
        status = expand_product(expander, &regression, i, SOTTO_NONE, node);
    }
    for (size_t i = 0; status == SOTTO_OK && i < regression.len; i++) {
        for (size_t j = i; status == SOTTO_OK && j < regression.len; j++) {
            status = expand_product(expander, &regression, i, j, node);
        }
    }
    if (status == SOTTO_OK) {
        status = sotto__frames_regressors(&output_values->shape, expander->out, expander->shapes,
                                          expander->source, ols, expander->err);
    }
    output_values->ols = ols;
    output_values->values_len = sotto__ols_values_len(regression.len - 1, ols->options.intercept);
    return status;
}

/* --- The whole --- */

static enum sotto_status expand_columns(struct sotto__expansion *out, const struct sotto_plan *plan,
                                        struct sotto_error *err)
{
    const struct sotto_schema *schema = out->schema;
    out->columns = sotto_alloc_array(plan->columns_len + schema->frame_len, sizeof *out->columns);
    if (out->columns == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < plan->columns_len; i++) {
        out->columns[out->columns_len++] =
            (struct sotto__column){.dataset = plan->columns[i].dataset,
                                   .name = plan->columns[i].name,
                                   .type = schema->fields[i].type,
                                   .is_rounded = is_rounded(&schema->fields[i])};
    }
    for (size_t i = 0; i < schema->frame_len; i++) {
        const struct sotto_schema_column *column = &schema->frame[i];
        bool is_new = true;
        for (size_t j = 0; is_new && j < plan->columns_len; j++) {
            is_new = plan->columns[j].dataset != column->dataset ||
                     strcmp(plan->columns[j].name, column->name) != 0;
        }
        if (is_new) {
            out->columns[out->columns_len++] =
                (struct sotto__column){.dataset = column->dataset,
                                       .name = column->name,
                                       .type = column->field.type,
                                       .is_rounded = is_rounded(&column->field)};
        }
    }
    return SOTTO_OK;
}

static enum sotto_status expand_outputs(struct expander *expander)
{
    struct sotto__expansion *out = expander->out;
    size_t size = 0;
    for (size_t i = 0; i < expander->plan->outputs_len; i++) {
        const struct sotto__plan_output *output = &expander->plan->outputs[i];
        const struct sotto__node *nodes = output->expression.nodes;
        size_t root = output->expression.nodes_len - 1;
        struct sotto__output_values *output_values = &out->outputs[out->outputs_len++];
        expander->source = &output->expression;
        *output_values =
            (struct sotto__output_values){.first = out->expressions_len, .values = out->values_len};
        enum sotto_status status = sotto__frames_shapes(expander->shapes, out, expander->plan,
                                                        &output->expression, expander->err);
        if (status == SOTTO_OK) {
            bool is_ols = nodes[root].kind == SOTTO__NODE_AGGREGATE &&
                          nodes[root].function == SOTTO__FUNCTION_OLS;
            status = is_ols ? expand_ols(expander, output_values, root)
                            : expand_output(expander, output_values);
        }
        output_values->expressions_len = out->expressions_len - output_values->first;
        out->values_len += output_values->values_len;
        size += output_values->expressions_len * output->size;
        if (status == SOTTO_OK && size > SOTTO__EXPANSION_SIZE_MAX) {
            status = sotto_error_set(expander->err, SOTTO_ERROR_LIMIT,
                                     "the values multiply too many aggregates and numbers: name "
                                     "fewer columns");
        }
        if (status != SOTTO_OK) {
            return sotto_error_prefix(expander->err, "output \"%s\"", output->name);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status expand_where(struct expander *expander)
{
    size_t ignored = 0;
    expander->source = &expander->plan->where;
    if (expander->source->nodes_len == 0) {
        return SOTTO_OK;
    }
    enum sotto_status status = sotto__frames_shapes(expander->shapes, expander->out, expander->plan,
                                                    expander->source, expander->err);
    status = status == SOTTO_OK ? start_expression(expander) : status;
    status =
        status == SOTTO_OK ? build(expander, &ignored, expander->source->nodes_len - 1, 0) : status;
    if (status == SOTTO_OK) {
        expander->out->where =
            expander->out->expressions[--expander->out->expressions_len].expression;
    }
    return status == SOTTO_OK ? status : sotto_error_prefix(expander->err, "where");
}

enum sotto_status sotto__expand(struct sotto__expansion *out, const struct sotto_plan *plan,
                                const struct sotto_schema *schema, struct sotto_error *err)
{
    *out = (struct sotto__expansion){.schema = schema};
    struct expander *expander = sotto_alloc_zeroed(sizeof *expander);
    out->outputs = sotto_alloc_array(plan->outputs_len, sizeof *out->outputs);
    enum sotto_status status = SOTTO_OK;
    if (expander == NULL || out->outputs == NULL) {
        status = no_memory(err);
        goto out;
    }
    expander->out = out;
    expander->plan = plan;
    expander->err = err;
    status = expand_columns(out, plan, err);
    status = status == SOTTO_OK ? expand_outputs(expander) : status;
    status = status == SOTTO_OK ? expand_where(expander) : status;
out:
    sotto_free(expander);
    if (status != SOTTO_OK) {
        sotto__expansion_release(out);
    }
    return status;
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
