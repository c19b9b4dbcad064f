/* SPDX-License-Identifier: Apache-2.0 */

/* Frames in expressions: a dataset's numeric columns (wages.*) and lists ([a, b]). Operations and
 * functions work on each column; here is what comes out of them: single values, series, square
 * frames, and the labels along them. */

#include "plan/expansion.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shaping {
    struct sotto__shape *shapes;
    struct sotto__expansion *expansion;
    const struct sotto_plan *plan;
    const struct sotto__expression *expression;
    struct sotto_error *err;
};

static enum sotto_status no_memory(struct sotto_error *err)
{
    return sotto_error_no_memory(err);
}

static enum sotto_status wrong(const struct shaping *shaping, const struct sotto__node *node,
                               const char *what)
{
    return sotto__expression_error(shaping->expression->text, node->start, shaping->err, "%s",
                                   what);
}

/* --- Axes --- */

static enum sotto_status add_axis(const struct shaping *shaping, size_t *out, size_t len)
{
    struct sotto__expansion *expansion = shaping->expansion;
    void *axes = expansion->axes;
    if (sotto_array_reserve(&axes, &expansion->axes_capacity_len, expansion->axes_len + 1,
                            sizeof *expansion->axes) != SOTTO_OK) {
        return no_memory(shaping->err);
    }
    expansion->axes = axes;
    struct sotto__axis *axis = &expansion->axes[expansion->axes_len];
    *axis = (struct sotto__axis){.labels = sotto_alloc_zeroed((len + 1) * sizeof *axis->labels)};
    if (axis->labels == NULL) {
        return no_memory(shaping->err);
    }
    *out = expansion->axes_len++;
    return SOTTO_OK;
}

/* There is room for it. */
static enum sotto_status add_label(const struct shaping *shaping, size_t axis, const char *label,
                                   size_t label_bytes)
{
    struct sotto__axis *to = &shaping->expansion->axes[axis];
    to->labels[to->len] = sotto_text_copy(label, label_bytes);
    if (to->labels[to->len] == NULL) {
        return no_memory(shaping->err);
    }
    to->len++;
    return SOTTO_OK;
}

static enum sotto_status add_labels(const struct shaping *shaping, size_t axis, size_t from)
{
    enum sotto_status status = SOTTO_OK;
    const struct sotto__axis *axes = shaping->expansion->axes;
    for (size_t i = 0; status == SOTTO_OK && i < axes[from].len; i++) {
        status = add_label(shaping, axis, axes[from].labels[i], strlen(axes[from].labels[i]));
    }
    return status;
}

static bool same_axis(const struct sotto__axis *x, const struct sotto__axis *y)
{
    bool same = x->len == y->len;
    for (size_t i = 0; same && i < x->len; i++) {
        same = strcmp(x->labels[i], y->labels[i]) == 0;
    }
    return same || x->is_open || y->is_open;
}

void sotto__axes_release(struct sotto__expansion *expansion)
{
    for (size_t i = 0; i < expansion->axes_len; i++) {
        for (size_t j = 0; j < expansion->axes[i].len; j++) {
            sotto_free(expansion->axes[i].labels[j]);
        }
        sotto_free(expansion->axes[i].labels);
    }
    sotto_free(expansion->axes);
    expansion->axes = NULL;
    expansion->axes_len = 0;
    expansion->axes_capacity_len = 0;
}

/* --- Frames --- */

static enum sotto_status shape_star(const struct shaping *shaping, struct sotto__shape *out,
                                    const struct sotto__node *node)
{
    const struct sotto_schema *schema = shaping->expansion->schema;
    size_t len = schema != NULL ? schema->frame_len : 0;
    size_t axis = 0;
    enum sotto_status status = add_axis(shaping, &axis, len);
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        const struct sotto_schema_column *column = &schema->frame[i];
        if (column->dataset == node->dataset_index) {
            status = add_label(shaping, axis, column->name, strlen(column->name));
        }
    }
    if (status == SOTTO_OK && schema != NULL && shaping->expansion->axes[axis].len == 0) {
        return sotto__expression_type_error(shaping->expression->text, node->start, shaping->err,
                                            "dataset \"%s\" has no numeric columns",
                                            shaping->plan->datasets[node->dataset_index].alias);
    }
    if (status == SOTTO_OK) {
        shaping->expansion->axes[axis].is_open = schema == NULL;
        *out = (struct sotto__shape){.axes = {axis}, .axes_len = 1};
    }
    return status;
}

static enum sotto_status label_item(const struct shaping *shaping, size_t axis,
                                    const struct sotto__node *list)
{
    const struct sotto__expression *expression = shaping->expression;
    const struct sotto__node *item = &expression->nodes[list->right];
    const struct sotto__shape *shape = &shaping->shapes[list->right];
    if (shape->axes_len == 2) {
        return wrong(shaping, item, "a list has columns and frames of columns in it");
    }
    if (shape->axes_len == 1) {
        struct sotto__axis *axes = shaping->expansion->axes;
        axes[axis].is_open = axes[axis].is_open || axes[shape->axes[0]].is_open;
        return add_labels(shaping, axis, shape->axes[0]);
    }
    if (item->kind == SOTTO__NODE_COLUMN) {
        return add_label(shaping, axis, item->name, strlen(item->name));
    }
    return add_label(shaping, axis, expression->text + list->start, list->bytes);
}

static enum sotto_status shape_list(const struct shaping *shaping, struct sotto__shape *out,
                                    size_t node)
{
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    size_t items_len = sotto__list_items(lists, shaping->expression, node);
    size_t len = 0;
    size_t axis = 0;
    for (size_t i = 0; i < items_len; i++) {
        const struct sotto__shape *shape =
            &shaping->shapes[shaping->expression->nodes[lists[i]].right];
        len += shape->axes_len > 0 ? shaping->expansion->axes[shape->axes[0]].len : 1;
    }
    enum sotto_status status = add_axis(shaping, &axis, len);
    for (size_t i = 0; status == SOTTO_OK && i < items_len; i++) {
        status = label_item(shaping, axis, &shaping->expression->nodes[lists[i]]);
    }
    *out = (struct sotto__shape){.axes = {axis}, .axes_len = 1};
    return status;
}

/* --- Bins and levels --- */

/* A level and its number, for sorting. */
struct known_level {
    const struct sotto__level *level;
    struct sotto__value value; /* of a number */
};

/* Texts first, each kind in its order. */
static int level_compare(const void *a, const void *b)
{
    const struct known_level *x = a;
    const struct known_level *y = b;
    bool is_text = x->level->kind == SOTTO__LEVEL_TEXT;
    if (is_text != (y->level->kind == SOTTO__LEVEL_TEXT)) {
        return is_text ? -1 : 1;
    }
    return is_text ? strcmp(x->level->text, y->level->text)
                   : mpq_cmp(x->value.number, y->value.number);
}

static enum sotto_status wrong_level(const struct shaping *shaping,
                                     const struct sotto__level *level, const char *what)
{
    return sotto__expression_error(shaping->expression->text, level->start, shaping->err, "%s",
                                   what);
}

/* Edges must rise as they are written. */
static enum sotto_status check_rise(const struct shaping *shaping, const struct known_level *levels,
                                    size_t len)
{
    for (size_t i = 1; i < len; i++) {
        if (level_compare(&levels[i - 1], &levels[i]) >= 0) {
            return wrong_level(shaping, levels[i].level, "expected edges that rise");
        }
    }
    return SOTTO_OK;
}

/* No level stands there twice; the error is at the later one. */
static enum sotto_status check_differ(const struct shaping *shaping, struct known_level *levels,
                                      size_t len)
{
    qsort(levels, len, sizeof *levels, level_compare);
    for (size_t i = 1; i < len; i++) {
        if (level_compare(&levels[i - 1], &levels[i]) == 0) {
            bool is_later = levels[i].level > levels[i - 1].level;
            return wrong_level(shaping, levels[is_later ? i : i - 1].level,
                               "this level is there already");
        }
    }
    return SOTTO_OK;
}

static enum sotto_status check_levels(const struct shaping *shaping, const struct sotto__node *node)
{
    const struct sotto__level *from = &shaping->expression->levels[node->levels];
    struct known_level *levels = sotto_alloc_array(node->levels_len, sizeof *levels);
    if (levels == NULL) {
        return no_memory(shaping->err);
    }
    for (size_t i = 0; i < node->levels_len; i++) {
        levels[i].level = &from[i];
        sotto__value_init(&levels[i].value);
        if (from[i].kind == SOTTO__LEVEL_NUMBER) {
            sotto__decimal_set(&levels[i].value, from[i].text);
        }
    }
    enum sotto_status status = sotto__function_card(node->function)->takes == SOTTO__TAKES_EDGES
                                   ? check_rise(shaping, levels, node->levels_len)
                                   : check_differ(shaping, levels, node->levels_len);
    for (size_t i = 0; i < node->levels_len; i++) {
        sotto__value_clear(&levels[i].value);
    }
    sotto_free(levels);
    return status;
}

/* "[0, 10)", and the last one "[10, 20]". */
static enum sotto_status label_bin(const struct shaping *shaping, size_t axis, const char *from,
                                   const char *to, bool is_last)
{
    char label[2 * SOTTO__LITERAL_BYTES_MAX + 8];
    int bytes = snprintf(label, sizeof label, "[%.*s, %.*s%c", SOTTO__LITERAL_BYTES_MAX, from,
                         SOTTO__LITERAL_BYTES_MAX, to, is_last ? ']' : ')');
    return add_label(shaping, axis, label, (size_t)bytes);
}

static enum sotto_status shape_counts(const struct shaping *shaping, struct sotto__shape *out,
                                      const struct sotto__node *node)
{
    const struct sotto__level *levels = &shaping->expression->levels[node->levels];
    bool are_edges = sotto__function_card(node->function)->takes == SOTTO__TAKES_EDGES;
    size_t len = node->levels_len;
    size_t axis = 0;
    if (shaping->shapes[node->left].axes_len > 0) {
        return wrong(shaping, node, "this takes a single column");
    }
    if (are_edges && len < 2) {
        return wrong(shaping, node, "hist takes at least two edges, such as hist(x, 0, 10, 20)");
    }
    enum sotto_status status = check_levels(shaping, node);
    status = status == SOTTO_OK ? add_axis(shaping, &axis, len) : status;
    for (size_t i = 0; status == SOTTO_OK && i + are_edges < len; i++) {
        status = are_edges
                     ? label_bin(shaping, axis, levels[i].text, levels[i + 1].text, i + 2 == len)
                     : add_label(shaping, axis, levels[i].text, strlen(levels[i].text));
    }
    *out = (struct sotto__shape){.axes = {axis}, .axes_len = 1};
    return status;
}

/* --- Operations and functions --- */

static enum sotto_status join(const struct shaping *shaping, struct sotto__shape *in_out,
                              const struct sotto__shape *other, const struct sotto__node *node)
{
    const struct sotto__axis *axes = shaping->expansion->axes;
    if (other->axes_len == 0) {
        return SOTTO_OK;
    }
    if (in_out->axes_len == 0) {
        *in_out = *other;
        return SOTTO_OK;
    }
    bool same = in_out->axes_len == other->axes_len;
    for (size_t i = 0; same && i < other->axes_len; i++) {
        same = same_axis(&axes[in_out->axes[i]], &axes[other->axes[i]]);
    }
    return same ? SOTTO_OK : wrong(shaping, node, "these frames have different columns");
}

static enum sotto_status shape_each(const struct shaping *shaping, struct sotto__shape *out,
                                    const struct sotto__node *node)
{
    size_t children[3];
    size_t children_len = sotto__node_children(node, children);
    enum sotto_status status = SOTTO_OK;
    *out = (struct sotto__shape){0};
    for (size_t i = 0; status == SOTTO_OK && i < children_len; i++) {
        status = join(shaping, out, &shaping->shapes[children[i]], node);
    }
    return status;
}

static bool is_row_function(const struct sotto__node *node)
{
    return node->kind == SOTTO__NODE_CALL && sotto__function_card(node->function)->takes_frame;
}

static enum sotto_status shape_ols(const struct shaping *shaping, struct sotto__shape *out,
                                   size_t node)
{
    const struct sotto__expression *expression = shaping->expression;
    const struct sotto__node *ols = &expression->nodes[node];
    *out = (struct sotto__shape){0};
    if (node + 1 != expression->nodes_len) {
        return wrong(shaping, ols, "ols stands alone: its output is a whole regression");
    }
    return shaping->shapes[ols->left].axes_len == 0
               ? SOTTO_OK
               : wrong(shaping, ols, "ols explains a single column");
}

static enum sotto_status shape_node(const struct shaping *shaping, size_t i)
{
    const struct sotto__node *node = &shaping->expression->nodes[i];
    struct sotto__shape *out = &shaping->shapes[i];
    if (node->kind == SOTTO__NODE_STAR) {
        return shape_star(shaping, out, node);
    }
    if (node->kind == SOTTO__NODE_LIST) {
        return shape_list(shaping, out, i);
    }
    if (is_row_function(node)) {
        *out = (struct sotto__shape){0};
        return shaping->shapes[node->left].axes_len == 1
                   ? SOTTO_OK
                   : wrong(shaping, node, "this takes a frame, such as [a, b]");
    }
    if (node->kind != SOTTO__NODE_AGGREGATE) {
        return shape_each(shaping, out, node);
    }
    const struct sotto__function_card *card = sotto__function_card(node->function);
    if (card->takes != SOTTO__TAKES_EXPRESSIONS) {
        return shape_counts(shaping, out, node);
    }
    if (node->function == SOTTO__FUNCTION_OLS) {
        return shape_ols(shaping, out, i);
    }
    if (node->right == SOTTO_NONE && card->is_frame_enough) {
        const struct sotto__shape *of = &shaping->shapes[node->left];
        *out = (struct sotto__shape){.axes = {of->axes[0], of->axes[0]}, .axes_len = 2};
        return of->axes_len == 1
                   ? SOTTO_OK
                   : wrong(shaping, node, "this takes two columns, or a frame, such as [a, b]");
    }
    return shape_each(shaping, out, node);
}

enum sotto_status sotto__frames_regressors(struct sotto__shape *out,
                                           struct sotto__expansion *expansion,
                                           const struct sotto__shape *shapes,
                                           const struct sotto__expression *expression,
                                           const struct sotto__node *ols, struct sotto_error *err)
{
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    struct shaping shaping = {.shapes = (struct sotto__shape *)shapes, /* only read */
                              .expansion = expansion,
                              .expression = expression,
                              .err = err};
    size_t items_len = sotto__list_items(lists, expression, ols->right);
    size_t axis = 0;
    enum sotto_status status = add_axis(&shaping, &axis, 1 + SOTTO__OLS_REGRESSORS_MAX);
    if (status == SOTTO_OK && ols->options.intercept) {
        status = add_label(&shaping, axis, "const", strlen("const"));
    }
    for (size_t i = 0; status == SOTTO_OK && i < items_len; i++) {
        status = label_item(&shaping, axis, &expression->nodes[lists[i]]);
    }
    *out = (struct sotto__shape){.axes = {axis}, .axes_len = 1};
    return status;
}

/* Lists whose items are arguments, or go on: nothing asks for their shape. */
static void find_parts(bool *out, const struct sotto__expression *expression)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        if (node->kind == SOTTO__NODE_LIST && node->left != SOTTO_NONE) {
            out[node->left] = true;
        }
        if (node->kind == SOTTO__NODE_AGGREGATE && node->function == SOTTO__FUNCTION_OLS) {
            out[node->right] = true;
        }
    }
}

enum sotto_status sotto__frames_shapes(struct sotto__shape *out, struct sotto__expansion *expansion,
                                       const struct sotto_plan *plan,
                                       const struct sotto__expression *expression,
                                       struct sotto_error *err)
{
    bool is_part[SOTTO__EXPRESSION_NODES_MAX] = {false};
    struct shaping shaping = {
        .shapes = out, .expansion = expansion, .plan = plan, .expression = expression, .err = err};
    enum sotto_status status = SOTTO_OK;
    find_parts(is_part, expression);
    for (size_t i = 0; status == SOTTO_OK && i < expression->nodes_len; i++) {
        out[i] = (struct sotto__shape){0};
        status = is_part[i] ? SOTTO_OK : shape_node(&shaping, i);
    }
    return status;
}

enum sotto_status sotto__frames_check(const struct sotto_plan *plan, struct sotto_error *err)
{
    struct sotto__shape shapes[SOTTO__EXPRESSION_NODES_MAX];
    struct sotto__expansion expansion = {0};
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < plan->outputs_len; i++) {
        status = sotto__frames_shapes(shapes, &expansion, plan, &plan->outputs[i].expression, err);
        if (status != SOTTO_OK) {
            (void)sotto_error_prefix(err, "output \"%s\"", plan->outputs[i].name);
        }
        sotto__axes_release(&expansion);
    }
    if (status == SOTTO_OK && plan->where.nodes_len > 0) {
        status = sotto__frames_shapes(shapes, &expansion, plan, &plan->where, err);
        if (status == SOTTO_OK && shapes[plan->where.nodes_len - 1].axes_len > 0) {
            status = sotto_error_set(err, SOTTO_ERROR_PLAN,
                                     "expected a condition, found a frame: say row_all(...) or "
                                     "row_any(...) of it");
        }
        if (status != SOTTO_OK) {
            (void)sotto_error_prefix(err, "where");
        }
        sotto__axes_release(&expansion);
    }
    return status;
}

size_t sotto__ols_values_len(size_t regressors, bool intercept)
{
    return SOTTO__OLS_SCALARS_LEN + 3 * (regressors + intercept);
}
