/* SPDX-License-Identifier: Apache-2.0 */

/* Typing by place: an expression is a constant, row-wise (a value for each row, on the party) or an
 * aggregate (of all rows of all parties). Every output must be an aggregate. */

#include "internal.h"

#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

enum place { PLACE_CONSTANT, PLACE_ROW, PLACE_AGGREGATE };

static enum sotto_status find_dataset(const struct sotto_plan *plan, size_t *out,
                                      const struct sotto__expression *expression,
                                      const struct sotto__node *node, struct sotto_error *err)
{
    if (node->dataset == NULL && plan->datasets_len == 1) {
        *out = 0;
        return SOTTO_OK;
    }
    if (node->dataset == NULL) {
        return sotto__expression_error(expression->text, node->start, err,
                                       "\"%s\" must say its dataset, such as %s.%s", node->name,
                                       plan->datasets[0].alias, node->name);
    }
    const char *aliases[PLAN_DATASETS_MAX];
    for (size_t i = 0; i < plan->datasets_len; i++) {
        aliases[i] = plan->datasets[i].alias;
        if (strcmp(aliases[i], node->dataset) == 0) {
            *out = i;
            return SOTTO_OK;
        }
    }
    const char *nearest = sotto__nearest(node->dataset, aliases, plan->datasets_len);
    return sotto__expression_error(expression->text, node->start, err,
                                   "unknown dataset \"%s\"; did you mean \"%s\"?", node->dataset,
                                   nearest != NULL ? nearest : aliases[0]);
}

/* --- Places --- */

static enum sotto_status check_argument(const struct sotto__expression *expression,
                                        const struct sotto__node *call, enum place place,
                                        struct sotto_error *err)
{
    const struct sotto__node *argument = &expression->nodes[call->left];
    const char *function = sotto__function_name(call->function);
    if (argument->kind == NODE_COLUMN) {
        return SOTTO_OK;
    }
    if (place == PLACE_CONSTANT) {
        return sotto__expression_error(expression->text, argument->start, err,
                                       "%s takes a column, found a constant", function);
    }
    if (place == PLACE_AGGREGATE) {
        return sotto__expression_error(expression->text, argument->start, err,
                                       "an aggregate inside %s is not supported in this version",
                                       function);
    }
    return sotto__expression_error(expression->text, argument->start, err,
                                   "arithmetic inside %s is not supported in this version; "
                                   "calculate with aggregates instead, such as mean(a) * 2",
                                   function);
}

static enum place join_places(enum place a, enum place b)
{
    if (a == PLACE_ROW || b == PLACE_ROW) {
        return PLACE_ROW;
    }
    return a == PLACE_AGGREGATE || b == PLACE_AGGREGATE ? PLACE_AGGREGATE : PLACE_CONSTANT;
}

/* The place of the whole; children stand before parents, so that one pass does. */
static enum sotto_status find_place(enum place *out, const struct sotto__expression *expression,
                                    struct sotto_error *err)
{
    enum place places[EXPRESSION_NODES_MAX];
    SOTTO_REQUIRE(expression->nodes_len > 0);
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        enum sotto_status status = SOTTO_OK;
        switch (node->kind) {
        case NODE_LITERAL:
            places[i] = PLACE_CONSTANT;
            break;
        case NODE_COLUMN:
            places[i] = PLACE_ROW;
            break;
        case NODE_NEGATE:
            places[i] = places[node->left];
            break;
        case NODE_AGGREGATE:
            status = check_argument(expression, node, places[node->left], err);
            places[i] = PLACE_AGGREGATE;
            break;
        default:
            places[i] = join_places(places[node->left], places[node->right]);
            break;
        }
        if (status != SOTTO_OK) {
            return status;
        }
    }
    *out = places[expression->nodes_len - 1];
    return SOTTO_OK;
}

static const char *first_column(const struct sotto__expression *expression)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        if (expression->nodes[i].kind == NODE_COLUMN) {
            return expression->nodes[i].name;
        }
    }
    return "column";
}

static enum sotto_status check_output(const struct sotto__expression *expression,
                                      struct sotto_error *err)
{
    enum place place = PLACE_CONSTANT;
    enum sotto_status status = find_place(&place, expression, err);
    if (status != SOTTO_OK || place == PLACE_AGGREGATE) {
        return status;
    }
    return sotto_error_set(
        err, SOTTO_ERROR_PLAN, "\"%s\" is %s: an output must be an aggregate, such as mean(%s)",
        expression->text, place == PLACE_ROW ? "row-wise" : "a constant", first_column(expression));
}

/* --- Columns --- */

static int column_compare(const void *a, const void *b)
{
    const struct sotto_plan_column *x = a;
    const struct sotto_plan_column *y = b;
    if (x->dataset != y->dataset) {
        return x->dataset < y->dataset ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

/* One output's columns: their dataset into node->column for now, and all into plan->columns. */
static enum sotto_status collect(struct sotto_plan *plan, struct sotto__expression *expression,
                                 struct sotto_error *err)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        struct sotto__node *node = &expression->nodes[i];
        if (node->kind != NODE_COLUMN) {
            continue;
        }
        enum sotto_status status = find_dataset(plan, &node->column, expression, node, err);
        if (status != SOTTO_OK) {
            return status;
        }
        plan->columns[plan->columns_len++] =
            (struct sotto_plan_column){.dataset = node->column, .name = node->name};
    }
    return SOTTO_OK;
}

static void sort_columns(struct sotto_plan *plan)
{
    qsort(plan->columns, plan->columns_len, sizeof *plan->columns, column_compare);
    size_t len = 0;
    for (size_t i = 0; i < plan->columns_len; i++) {
        if (len == 0 || column_compare(&plan->columns[len - 1], &plan->columns[i]) != 0) {
            plan->columns[len++] = plan->columns[i];
        }
    }
    plan->columns_len = len;
}

static void number_columns(struct sotto_plan *plan, struct sotto__expression *expression)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        struct sotto__node *node = &expression->nodes[i];
        if (node->kind == NODE_COLUMN) {
            struct sotto_plan_column key = {.dataset = node->column, .name = node->name};
            const struct sotto_plan_column *found = bsearch(&key, plan->columns, plan->columns_len,
                                                            sizeof *plan->columns, column_compare);
            SOTTO_REQUIRE(found != NULL);
            node->column = (size_t)(found - plan->columns);
        }
    }
}

enum sotto_status sotto__plan_check(struct sotto_plan *plan, struct sotto_error *err)
{
    size_t nodes_len = 0;
    for (size_t i = 0; i < plan->outputs_len; i++) {
        nodes_len += plan->outputs[i].expression.nodes_len;
    }
    if (nodes_len > PLAN_NODES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "select: expected at most %d operations, numbers and columns in all "
                               "outputs, found %zu",
                               PLAN_NODES_MAX, nodes_len);
    }
    plan->columns = sotto_alloc_array(nodes_len, sizeof *plan->columns);
    if (plan->columns == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < plan->outputs_len; i++) {
        struct sotto__plan_output *output = &plan->outputs[i];
        enum sotto_status status = check_output(&output->expression, err);
        if (status == SOTTO_OK) {
            status = collect(plan, &output->expression, err);
        }
        if (status != SOTTO_OK) {
            (void)sotto_error_prefix(err, "output \"%s\"", output->name);
            return status;
        }
    }
    sort_columns(plan);
    for (size_t i = 0; i < plan->outputs_len; i++) {
        number_columns(plan, &plan->outputs[i].expression);
    }
    return SOTTO_OK;
}
