/* SPDX-License-Identifier: Apache-2.0 */

/* Checks a parsed plan as far as that goes without types, and finds the columns that it reads. It
 * leans on places.c, which types by place: an expression is a constant, row-wise (a value for each
 * row, on the party) or an aggregate (of all rows of all parties). The one idea: every output must
 * be an aggregate, so nothing that belongs to a row can leave a party. */

#include "expression/places.h"
#include "plan/expansion.h"

#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

static enum sotto_status find_dataset(const struct sotto_plan *plan, size_t *out,
                                      const struct sotto__expression *expression,
                                      const struct sotto__node *node, struct sotto_error *err)
{
    if (node->dataset == NULL && plan->datasets_len == 1) {
        *out = 0;
        return SOTTO_OK;
    }
    if (node->dataset == NULL) {
        const char *name = node->kind == SOTTO__NODE_STAR ? "*" : node->name;
        return sotto__expression_error(expression->text, node->start, err,
                                       "\"%s\" must say its dataset, such as %s.%s", name,
                                       plan->datasets[0].alias, name);
    }
    const char *aliases[SOTTO__PLAN_DATASETS_MAX];
    for (size_t i = 0; i < plan->datasets_len; i++) {
        aliases[i] = plan->datasets[i].alias;
        if (strcmp(aliases[i], node->dataset) == 0) {
            *out = i;
            return SOTTO_OK;
        }
    }
    const char *nearest = sotto_text_nearest(node->dataset, aliases, plan->datasets_len);
    return sotto__expression_error(expression->text, node->start, err,
                                   "unknown dataset \"%s\"; did you mean \"%s\"?", node->dataset,
                                   nearest != NULL ? nearest : aliases[0]);
}

/* --- Places --- */

static enum sotto_status check_argument(const struct sotto__expression *expression,
                                        const struct sotto__node *call, size_t argument,
                                        enum sotto__place place, struct sotto_error *err)
{
    const char *function = sotto__function_card(call->function)->name;
    size_t start = expression->nodes[argument].start;
    if (place == SOTTO__PLACE_ROW) {
        return SOTTO_OK;
    }
    if (expression->nodes[argument].kind == SOTTO__NODE_TEXT) {
        return sotto__expression_error(expression->text, start, err,
                                       "%s takes a column, found a text: a column's name stands by "
                                       "itself, or in backticks, `as here`",
                                       function);
    }
    if (place == SOTTO__PLACE_CONSTANT) {
        return sotto__expression_error(expression->text, start, err,
                                       "%s takes a column, found a constant", function);
    }
    return sotto__expression_error(expression->text, start, err,
                                   "%s takes a column, found an aggregate: it is the same in every "
                                   "row",
                                   function);
}

/* Whether a node works on rows only: comparisons, logic, texts and most functions do. */
static bool is_of_rows(const struct sotto__node *node)
{
    switch (node->kind) {
    case SOTTO__NODE_NEGATE:
    case SOTTO__NODE_ADD:
    case SOTTO__NODE_SUBTRACT:
    case SOTTO__NODE_MULTIPLY:
    case SOTTO__NODE_DIVIDE:
    case SOTTO__NODE_POWER:
    case SOTTO__NODE_LITERAL:
    case SOTTO__NODE_COLUMN:
        return false;
    case SOTTO__NODE_CALL:
        return sotto__function_card(node->function)->of != SOTTO__FUNCTION_OF_ANY;
    default:
        return true;
    }
}

static enum sotto_status check_node(const struct sotto__places *places, size_t i,
                                    const struct sotto__expression *expression,
                                    struct sotto_error *err)
{
    const struct sotto__node *node = &expression->nodes[i];
    size_t children[3];
    size_t children_len = sotto__node_children(node, children);
    bool is_aggregate = node->kind == SOTTO__NODE_AGGREGATE;
    for (size_t j = 0; is_aggregate && j < children_len; j++) {
        enum sotto_status status =
            check_argument(expression, node, children[j], places->place[children[j]], err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (!is_aggregate && places->place[i] == SOTTO__PLACE_AGGREGATE && is_of_rows(node)) {
        return sotto__expression_error(expression->text, node->start, err,
                                       "this works on rows, not on aggregates");
    }
    if (places->round[i] > SOTTO__ROUNDS_MAX) {
        return sotto__expression_error(expression->text, node->start, err,
                                       "expected at most %d rounds, one for each aggregate inside "
                                       "another, found more",
                                       SOTTO__ROUNDS_MAX);
    }
    return SOTTO_OK;
}

/* The place of the expression as a whole. */
static enum sotto_status find_place(enum sotto__place *out,
                                    const struct sotto__expression *expression,
                                    struct sotto_error *err)
{
    struct sotto__places places;
    SOTTO_REQUIRE(expression->nodes_len > 0);
    sotto__places_find(&places, expression);
    for (size_t i = 0; i < expression->nodes_len; i++) {
        enum sotto_status status = check_node(&places, i, expression, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    *out = places.place[expression->nodes_len - 1];
    return SOTTO_OK;
}

/* Finds how many factors the result's numerator and denominator may have, powers multiplied out;
 * those of numbers inside row-wise expressions are added. */
static enum sotto_status check_size(size_t *out, const struct sotto__expression *expression,
                                    struct sotto_error *err)
{
    size_t sizes[SOTTO__EXPRESSION_NODES_MAX] = {0};
    struct sotto__places places;
    size_t inner = 0;
    sotto__places_find(&places, expression);
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        size_t children[3];
        size_t children_len = sotto__node_children(node, children);
        sizes[i] = children_len == 0;
        for (size_t j = 0; j < children_len; j++) {
            sizes[i] += sizes[children[j]];
            bool is_inner = places.place[i] == SOTTO__PLACE_ROW &&
                            places.place[children[j]] == SOTTO__PLACE_AGGREGATE;
            inner += is_inner ? sizes[children[j]] : 0;
        }
        if (node->kind == SOTTO__NODE_AGGREGATE) {
            sizes[i] = sotto__function_card(node->function)->arguments_len + 1;
        } else if (node->kind == SOTTO__NODE_POWER) {
            sizes[i] *= (size_t)abs(node->exponent) + 1;
        }
        if (sizes[i] > SOTTO__EXPRESSION_SIZE_MAX) {
            return sotto__expression_error(expression->text, node->start, err,
                                           "this multiplies too many aggregates and numbers");
        }
    }
    *out = sizes[expression->nodes_len - 1] + inner;
    return SOTTO_OK;
}

static const char *first_column(const struct sotto__expression *expression)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        if (sotto__reads_data(&expression->nodes[i])) {
            return expression->nodes[i].kind == SOTTO__NODE_STAR ? "*" : expression->nodes[i].name;
        }
    }
    return "column";
}

static enum sotto_status check_output(size_t *out_size, const struct sotto__expression *expression,
                                      struct sotto_error *err)
{
    enum sotto__place place = SOTTO__PLACE_CONSTANT;
    enum sotto_status status = find_place(&place, expression, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (place == SOTTO__PLACE_AGGREGATE) {
        return check_size(out_size, expression, err);
    }
    return sotto_error_set(err, SOTTO_ERROR_PLAN,
                           "\"%s\" is %s: an output must be an aggregate, such as mean(%s)",
                           expression->text, place == SOTTO__PLACE_ROW ? "row-wise" : "a constant",
                           first_column(expression));
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

/* Writes the dataset of each of an expression's columns into node->dataset_index, and the column
 * into plan->columns. */
static enum sotto_status collect_columns(struct sotto_plan *plan,
                                         struct sotto__expression *expression,
                                         struct sotto_error *err)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        struct sotto__node *node = &expression->nodes[i];
        if (!sotto__reads_data(node)) {
            continue;
        }
        enum sotto_status status = find_dataset(plan, &node->dataset_index, expression, node, err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (node->kind == SOTTO__NODE_STAR) {
            plan->datasets[node->dataset_index].is_framed = true;
        } else {
            plan->columns[plan->columns_len++] =
                (struct sotto_plan_column){.dataset = node->dataset_index, .name = node->name};
        }
    }
    return SOTTO_OK;
}

/* Refuses values of two datasets in one row. Uses what collect_columns found. */
static enum sotto_status check_datasets(const struct sotto__expression *expression,
                                        struct sotto_error *err)
{
    size_t datasets[SOTTO__EXPRESSION_NODES_MAX] = {0}; /* SOTTO_NONE: none */
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        size_t children[3];
        size_t children_len = sotto__node_children(node, children);
        datasets[i] = sotto__reads_data(node) ? node->dataset_index : SOTTO_NONE;
        for (size_t j = 0; j < children_len; j++) {
            size_t dataset = datasets[children[j]];
            if (dataset != SOTTO_NONE && datasets[i] != SOTTO_NONE && dataset != datasets[i]) {
                return sotto__expression_error(expression->text, node->start, err,
                                               "rows of two datasets can't be combined");
            }
            datasets[i] = dataset != SOTTO_NONE ? dataset : datasets[i];
        }
        if (node->kind == SOTTO__NODE_AGGREGATE) {
            datasets[i] = SOTTO_NONE;
        }
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
        if (node->kind == SOTTO__NODE_COLUMN) {
            struct sotto_plan_column key = {.dataset = node->dataset_index, .name = node->name};
            const struct sotto_plan_column *found = bsearch(&key, plan->columns, plan->columns_len,
                                                            sizeof *plan->columns, column_compare);
            SOTTO_REQUIRE(found != NULL);
            node->column = (size_t)(found - plan->columns);
        }
    }
}

/* --- Rounds --- */

/* How many groups the keys make. */
static size_t count_groups(const struct sotto_plan *plan)
{
    size_t groups = 1;
    for (size_t i = 0; i < plan->keys_len; i++) {
        groups *= sotto__count_key_groups(&plan->keys[i]);
    }
    return groups;
}

/* Cells of all groups in which methods count by digits; guarded, four numbers are told for each
 * digit (recipe.c). Frames count once: what a star stands for is not known yet, and all parties
 * must find the same number. */
static size_t count_cells(const struct sotto_plan *plan)
{
    size_t cells = 0;
    for (size_t i = 0; i < plan->outputs_len; i++) {
        const struct sotto__expression *expression = &plan->outputs[i].expression;
        for (size_t j = 0; j < expression->nodes_len; j++) {
            const struct sotto__node *node = &expression->nodes[j];
            const struct sotto__method_card *method = sotto__function_card(node->function)->method;
            bool is_call = node->kind == SOTTO__NODE_AGGREGATE && method != NULL;
            size_t calls = node->levels_len > 0 ? node->levels_len : 1; /* one for each share */
            cells += is_call ? method->cells_len * calls * (node->options.exact ? 1 : 4) : 0;
        }
    }
    return cells * count_groups(plan);
}

/* Finds how many bits the digits have that methods count by, and how many rounds that takes. */
static void set_rounds(struct sotto_plan *plan)
{
    size_t cells = count_cells(plan);
    plan->digit_bits = SOTTO__DIGIT_BITS_MAX;
    while (plan->digit_bits > SOTTO__DIGIT_BITS_MIN &&
           cells > SOTTO__DIGIT_COUNTS_MAX >> plan->digit_bits) {
        plan->digit_bits--;
    }
    for (size_t i = 0; i < plan->outputs_len; i++) {
        struct sotto__expression *expression = &plan->outputs[i].expression;
        for (size_t j = 0; j < expression->nodes_len; j++) {
            struct sotto__node *node = &expression->nodes[j];
            const struct sotto__method_card *method = sotto__function_card(node->function)->method;
            if (node->kind == SOTTO__NODE_AGGREGATE && method != NULL && method->cells_len > 0) {
                unsigned digits = (SOTTO__KEY_BITS_MAX + plan->digit_bits - 1) / plan->digit_bits;
                unsigned searches_len = method->searches_len > 0 ? method->searches_len : 1;
                node->rounds = node->options.exact ? digits : 2 * (digits + 1) * searches_len;
            }
        }
    }
}

/* --- The whole --- */

/* Checks one output by itself; the caller adds its name to an error. */
static enum sotto_status check_plan_output(struct sotto_plan *plan,
                                           struct sotto__plan_output *output,
                                           struct sotto_error *err)
{
    enum sotto_status status = check_output(&output->size, &output->expression, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = collect_columns(plan, &output->expression, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_datasets(&output->expression, err);
}

static enum sotto_status check_outputs(struct sotto_plan *plan, struct sotto_error *err)
{
    size_t sizes = 0;
    for (size_t i = 0; i < plan->outputs_len; i++) {
        struct sotto__plan_output *output = &plan->outputs[i];
        if (check_plan_output(plan, output, err) != SOTTO_OK) {
            sotto__defined_error(&output->expression, err);
            return sotto_error_prefix(err, "output \"%s\"", output->name);
        }
        sizes += output->size;
    }
    if (sizes > SOTTO__PLAN_SIZE_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "select: the outputs multiply too many aggregates and numbers");
    }
    return SOTTO_OK;
}

/* Refuses aggregates in where, also where they would leave it row-wise. */
static enum sotto_status check_no_aggregate(const struct sotto__expression *where,
                                            struct sotto_error *err)
{
    for (size_t i = 0; i < where->nodes_len; i++) {
        if (where->nodes[i].kind == SOTTO__NODE_AGGREGATE) {
            return sotto__expression_error(where->text, where->nodes[i].start, err,
                                           "where takes no aggregates, because it says which rows "
                                           "they are of: say if(x > mean(x), x, ...) inside an "
                                           "aggregate");
        }
    }
    return SOTTO_OK;
}

static enum sotto_status check_condition(struct sotto_plan *plan, struct sotto_error *err)
{
    enum sotto__place place = SOTTO__PLACE_CONSTANT;
    enum sotto_status status = check_no_aggregate(&plan->where, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = find_place(&place, &plan->where, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (place != SOTTO__PLACE_ROW) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "\"%s\" says nothing about rows: expected a condition on columns",
                               plan->where.text);
    }
    return collect_columns(plan, &plan->where, err);
}

static enum sotto_status check_where(struct sotto_plan *plan, struct sotto_error *err)
{
    if (plan->where.nodes_len > 0 && check_condition(plan, err) != SOTTO_OK) {
        sotto__defined_error(&plan->where, err);
        return sotto_error_prefix(err, "where");
    }
    return SOTTO_OK;
}

/* There is one dataset with keys: names are enough. */
static enum sotto_status check_keys_differ(const struct sotto_plan *plan, struct sotto_error *err)
{
    for (size_t i = 1; i < plan->keys_len; i++) {
        const struct sotto__expression *column = &plan->keys[i].column;
        const char *name = column->nodes[0].name;
        for (size_t j = 0; j < i; j++) {
            const struct sotto__expression *other = &plan->keys[j].column;
            bool are_parts = column->nodes_len > 1 && other->nodes_len > 1 &&
                             column->nodes[1].function != other->nodes[1].function;
            if (strcmp(other->nodes[0].name, name) == 0 && !are_parts) {
                return sotto_error_set(err, SOTTO_ERROR_PLAN,
                                       "group_by: expected keys of different columns, found "
                                       "\"%.80s\" twice",
                                       name);
            }
        }
    }
    return SOTTO_OK;
}

static enum sotto_status check_keys(struct sotto_plan *plan, struct sotto_error *err)
{
    if (plan->datasets_len > 1 && (plan->keys_len > 0 || plan->where.nodes_len > 0)) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "where and group_by select rows of one dataset: expected one in "
                               "datasets, found %zu",
                               plan->datasets_len);
    }
    for (size_t i = 0; i < plan->keys_len; i++) {
        enum sotto_status status = collect_columns(plan, &plan->keys[i].column, err);
        if (status != SOTTO_OK) {
            return sotto_error_prefix(err, "group_by");
        }
    }
    return check_keys_differ(plan, err);
}

enum sotto_status sotto__plan_check(struct sotto_plan *plan, struct sotto_error *err)
{
    size_t nodes_len = plan->where.nodes_len;
    for (size_t i = 0; i < plan->outputs_len; i++) {
        nodes_len += plan->outputs[i].expression.nodes_len;
    }
    if (nodes_len > SOTTO__PLAN_NODES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "select: expected at most %d operations, numbers and columns in all "
                               "outputs, found %zu",
                               SOTTO__PLAN_NODES_MAX, nodes_len);
    }
    plan->columns = sotto_alloc_array(nodes_len + plan->keys_len, sizeof *plan->columns);
    if (plan->columns == NULL) {
        return sotto_error_no_memory(err);
    }
    set_rounds(plan);
    enum sotto_status status = check_outputs(plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_where(plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_keys(plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sort_columns(plan);
    for (size_t i = 0; i < plan->outputs_len; i++) {
        number_columns(plan, &plan->outputs[i].expression);
    }
    number_columns(plan, &plan->where);
    for (size_t i = 0; i < plan->keys_len; i++) {
        number_columns(plan, &plan->keys[i].column);
    }
    return sotto__frames_check(plan, err);
}
