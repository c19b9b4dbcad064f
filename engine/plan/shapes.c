/* SPDX-License-Identifier: Apache-2.0 */

/* The shape of every node: a dataset's numeric columns (wages.*) and lists ([a, b]) are frames,
 * operations and functions work on each of their columns, and what comes out is a single value, a
 * series or a square frame with labels along its axes. It leans on the agreed columns, and works
 * before there are any: a star's axis is open then, and agrees with every other one.
 *
 * The shaping keeps its first failure: its functions return what they made, nothing is added after
 * a failure, and who asked looks at shaping->status once. */

#include "expression/defined.h"
#include "expression/dummies.h"
#include "plan/expansion.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shaping {
    const struct sotto__shape *shapes; /* of the nodes before the one that is shaped */
    struct sotto__expansion *expansion;
    const struct sotto_plan *plan;
    const struct sotto__expression *expression;
    enum sotto_status status; /* the first failure, whose text is in err */
    struct sotto_error *err;
};

static const struct sotto__shape single_value = {.axes_len = 0};

static size_t fail_no_memory(struct shaping *shaping)
{
    if (shaping->status == SOTTO_OK) {
        shaping->status = sotto_error_no_memory(shaping->err);
    }
    return SOTTO_NONE;
}

/* start: where in the expression's text the error points. */
static struct sotto__shape fail_at(struct shaping *shaping, size_t start, const char *what)
{
    if (shaping->status == SOTTO_OK) {
        shaping->status =
            sotto__expression_error(shaping->expression->text, start, shaping->err, "%s", what);
    }
    return single_value;
}

/* --- Axes --- */

/* An axis with room for len labels. Returns: its index, SOTTO_NONE after a failure. */
static size_t add_axis(struct shaping *shaping, size_t len)
{
    struct sotto__expansion *expansion = shaping->expansion;
    void *axes = expansion->axes;
    if (shaping->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    if (sotto_array_reserve(&axes, &expansion->axes_capacity_len, expansion->axes_len + 1,
                            sizeof *expansion->axes) != SOTTO_OK) {
        return fail_no_memory(shaping);
    }
    expansion->axes = axes;
    struct sotto__axis *axis = &expansion->axes[expansion->axes_len];
    *axis = (struct sotto__axis){.labels = sotto_alloc_zeroed((len + 1) * sizeof *axis->labels)};
    return axis->labels != NULL ? expansion->axes_len++ : fail_no_memory(shaping);
}

/* Copies a label; the axis has room for one more. */
static void add_label(struct shaping *shaping, size_t axis, const char *label, size_t label_bytes)
{
    if (shaping->status != SOTTO_OK) {
        return;
    }
    struct sotto__axis *to = &shaping->expansion->axes[axis];
    to->labels[to->len] = sotto_text_copy(label, label_bytes);
    if (to->labels[to->len] == NULL) {
        (void)fail_no_memory(shaping);
        return;
    }
    to->len++;
}

static void add_text_label(struct shaping *shaping, size_t axis, const char *label)
{
    add_label(shaping, axis, label, strlen(label));
}

static void copy_labels(struct shaping *shaping, size_t axis, size_t from)
{
    if (shaping->status != SOTTO_OK) {
        return;
    }
    struct sotto__axis *axes = shaping->expansion->axes;
    axes[axis].is_open = axes[axis].is_open || axes[from].is_open;
    for (size_t i = 0; i < axes[from].len; i++) {
        add_text_label(shaping, axis, axes[from].labels[i]);
    }
}

static struct sotto__shape make_series(size_t axis)
{
    return (struct sotto__shape){.axes = {axis}, .axes_len = 1};
}

static bool is_same_axis(const struct sotto__axis *x, const struct sotto__axis *y)
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

static struct sotto__shape shape_star(struct shaping *shaping, const struct sotto__node *node)
{
    const struct sotto_schema *schema = shaping->expansion->schema;
    size_t len = schema != NULL ? schema->frame_len : 0;
    size_t axis = add_axis(shaping, len);
    for (size_t i = 0; i < len; i++) {
        if (schema->frame[i].dataset == node->dataset_index) {
            add_text_label(shaping, axis, schema->frame[i].name);
        }
    }
    if (shaping->status != SOTTO_OK) {
        return single_value;
    }
    if (schema != NULL && shaping->expansion->axes[axis].len == 0) {
        shaping->status =
            sotto__expression_type_error(shaping->expression->text, node->start, shaping->err,
                                         "dataset \"%s\" has no numeric columns",
                                         shaping->plan->datasets[node->dataset_index].alias);
        return single_value;
    }
    shaping->expansion->axes[axis].is_open = schema == NULL;
    return make_series(axis);
}

/* The level that a sample is of, as it is written, but for quotes. */
static void label_sample(struct shaping *shaping, size_t axis, const struct sotto__node *sample)
{
    const struct sotto__expression *expression = shaping->expression;
    const struct sotto__node *level = &expression->nodes[expression->nodes[sample->left].right];
    if (level->kind == SOTTO__NODE_TEXT) {
        add_text_label(shaping, axis, level->name);
    } else {
        add_label(shaping, axis, expression->text + sample->start, sample->bytes);
    }
}

/* Writes the column and the level that a regressor of C() is of: dept[Sales]. Returns: its bytes.
 */
static size_t write_dummy(char *out, size_t out_bytes, const struct sotto__expression *expression,
                          const struct sotto__node *dummy)
{
    char level[SOTTO__LITERAL_BYTES_MAX + 1];
    const struct sotto__node *nodes = expression->nodes;
    sotto__dummy_write_level(level, sizeof level, expression, dummy, false);
    return (size_t)snprintf(out, out_bytes, "%.256s[%s]", nodes[nodes[dummy->left].left].name,
                            level);
}

/* dept[Sales], dept[Sales] * age, dept[Sales] * sex[f]. other: what it is multiplied with, NULL if
 * nothing; list: the regressor's, with the piece of text that other is, unless it is a level too.
 */
static void label_dummy(struct shaping *shaping, size_t axis, const struct sotto__node *dummy,
                        const struct sotto__node *other, const struct sotto__node *list)
{
    char label[2 * (SOTTO__PLAN_NAME_BYTES_MAX + SOTTO__LITERAL_BYTES_MAX) + 10];
    const struct sotto__expression *expression = shaping->expression;
    size_t len = write_dummy(label, sizeof label, expression, dummy);
    if (other != NULL && other->is_dummy) {
        len += (size_t)snprintf(label + len, sizeof label - len, " * ");
        len += write_dummy(label + len, sizeof label - len, expression, other);
    } else if (other != NULL) {
        const char *factor = NULL;
        size_t bytes = sotto__defined_written(&factor, expression, list->start, list->bytes);
        bytes = bytes < SOTTO__LITERAL_BYTES_MAX ? bytes : SOTTO__LITERAL_BYTES_MAX;
        len += (size_t)snprintf(label + len, sizeof label - len, " * %.*s", (int)bytes, factor);
    }
    add_label(shaping, axis, label, len);
}

static void label_item(struct shaping *shaping, size_t axis, const struct sotto__node *list)
{
    const struct sotto__expression *expression = shaping->expression;
    const struct sotto__node *item = &expression->nodes[list->right];
    const struct sotto__shape *shape = &shaping->shapes[list->right];
    const char *defined = sotto__defined_name(expression, list->start, list->bytes);
    if (item->is_sample) {
        label_sample(shaping, axis, item);
        return;
    }
    if (item->is_dummy) {
        label_dummy(shaping, axis, item, NULL, list);
        return;
    }
    if (item->kind == SOTTO__NODE_MULTIPLY && expression->nodes[item->left].is_dummy) {
        if (shape->axes_len > 0) {
            (void)fail_at(shaping, item->start, "this takes a single column");
        }
        label_dummy(shaping, axis, &expression->nodes[item->left], &expression->nodes[item->right],
                    list);
        return;
    }
    if (shape->axes_len == 2) {
        (void)fail_at(shaping, item->start, "a list has columns and frames of columns in it");
    } else if (shape->axes_len == 1) {
        copy_labels(shaping, axis, shape->axes[0]);
    } else if (defined != NULL) {
        add_text_label(shaping, axis, defined);
    } else if (item->kind == SOTTO__NODE_COLUMN) {
        add_text_label(shaping, axis, item->name);
    } else {
        const char *written = NULL;
        size_t bytes = sotto__defined_written(&written, expression, list->start, list->bytes);
        add_label(shaping, axis, written, bytes);
    }
}

static struct sotto__shape shape_list(struct shaping *shaping, size_t node)
{
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    size_t items_len = sotto__list_items(lists, shaping->expression, node);
    size_t len = 0;
    for (size_t i = 0; i < items_len; i++) {
        const struct sotto__shape *shape =
            &shaping->shapes[shaping->expression->nodes[lists[i]].right];
        len += shape->axes_len > 0 ? shaping->expansion->axes[shape->axes[0]].len : 1;
    }
    size_t axis = add_axis(shaping, len);
    for (size_t i = 0; i < items_len; i++) {
        label_item(shaping, axis, &shaping->expression->nodes[lists[i]]);
    }
    return make_series(axis);
}

/* --- Bins and levels --- */

/* A level and its number, for sorting. */
struct known_level {
    const struct sotto__level *level;
    struct sotto__value value; /* of a number */
    bool is_time;              /* a text that is written as a date or a time: */
    bool is_utc;
    int64_t time;
};

/* Orders texts before numbers, each kind in its own order: one time is equal, however written. */
static int level_compare(const void *a, const void *b)
{
    const struct known_level *x = a;
    const struct known_level *y = b;
    bool is_text = x->level->kind == SOTTO__LEVEL_TEXT;
    if (is_text != (y->level->kind == SOTTO__LEVEL_TEXT)) {
        return is_text ? -1 : 1;
    }
    if (!is_text) {
        return mpq_cmp(x->value.number, y->value.number);
    }
    if (x->is_time != y->is_time || x->is_utc != y->is_utc) {
        return x->is_time + x->is_utc < y->is_time + y->is_utc ? -1 : 1;
    }
    return x->is_time ? (x->time > y->time) - (x->time < y->time)
                      : strcmp(x->level->text, y->level->text);
}

/* Refuses edges that do not rise as they are written. */
static void check_rise(struct shaping *shaping, const struct known_level *levels, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        const struct known_level *before = &levels[i - 1];
        const struct known_level *after = &levels[i];
        bool rises = before->level->kind == SOTTO__LEVEL_TEXT
                         ? before->is_time && after->is_time && before->is_utc == after->is_utc &&
                               before->time < after->time
                         : level_compare(before, after) < 0;
        if (!rises) {
            (void)fail_at(shaping, levels[i].level->start, "expected edges that rise");
        }
    }
}

/* Refuses a level that stands there twice; the error points at the later one. */
static void check_differ(struct shaping *shaping, struct known_level *levels, size_t len)
{
    qsort(levels, len, sizeof *levels, level_compare);
    for (size_t i = 1; i < len; i++) {
        if (level_compare(&levels[i - 1], &levels[i]) == 0) {
            bool is_later = levels[i].level > levels[i - 1].level;
            (void)fail_at(shaping, levels[is_later ? i : i - 1].level->start,
                          "this level is there already");
        }
    }
}

/* Checks some levels of the expression; are_edges: that they rise, else that they differ. */
static void check_levels(struct shaping *shaping, size_t first, size_t levels_len, bool are_edges)
{
    const struct sotto__level *from = &shaping->expression->levels[first];
    struct known_level *levels = sotto_alloc_array(levels_len, sizeof *levels);
    if (levels == NULL) {
        (void)fail_no_memory(shaping);
        return;
    }
    for (size_t i = 0; i < levels_len; i++) {
        levels[i] = (struct known_level){.level = &from[i]};
        levels[i].is_time = sotto__level_time(&levels[i].time, &levels[i].is_utc, &from[i]);
        sotto__value_init(&levels[i].value);
        if (from[i].kind == SOTTO__LEVEL_NUMBER) {
            sotto__decimal_set(&levels[i].value, from[i].text);
        }
    }
    if (are_edges) {
        check_rise(shaping, levels, levels_len);
    } else {
        check_differ(shaping, levels, levels_len);
    }
    for (size_t i = 0; i < levels_len; i++) {
        sotto__value_clear(&levels[i].value);
    }
    sotto_free(levels);
}

/* Adds a bin's label: "[0, 10)", and for the last one "[10, 20]". */
static void label_bin(struct shaping *shaping, size_t axis, const char *from, const char *to,
                      bool is_last)
{
    char label[2 * SOTTO__LITERAL_BYTES_MAX + 8];
    int bytes = snprintf(label, sizeof label, "[%.*s, %.*s%c", SOTTO__LITERAL_BYTES_MAX, from,
                         SOTTO__LITERAL_BYTES_MAX, to, is_last ? ']' : ')');
    add_label(shaping, axis, label, (size_t)bytes);
}

static void check_shares(struct shaping *shaping, const struct sotto__node *node)
{
    const struct sotto__level *numbers = &shaping->expression->levels[node->levels];
    struct sotto__value number;
    sotto__value_init(&number);
    for (size_t i = 0; i < node->levels_len; i++) {
        sotto__decimal_set(&number, numbers[i].text);
        if (mpq_sgn(number.number) < 0 || mpq_cmp_ui(number.number, 1, 1) > 0) {
            (void)fail_at(shaping, numbers[i].start, "expected a number from 0 to 1");
        }
    }
    sotto__value_clear(&number);
}

/* A method of a value and of numbers: one number gives a value, of each column of a frame too;
 * several of a single column a series. */
static struct sotto__shape shape_numbers(struct shaping *shaping, const struct sotto__node *node)
{
    const struct sotto__level *numbers = &shaping->expression->levels[node->levels];
    check_shares(shaping, node);
    if (node->levels_len == 1) {
        return shaping->shapes[node->left];
    }
    if (shaping->shapes[node->left].axes_len > 0) {
        return fail_at(shaping, node->start,
                       "this takes several numbers of a single column, or one "
                       "number of a frame");
    }
    size_t axis = add_axis(shaping, node->levels_len);
    for (size_t i = 0; i < node->levels_len; i++) {
        add_text_label(shaping, axis, numbers[i].text);
    }
    return make_series(axis);
}

/* describe: a series, or, of a frame, a table of a row for each number. */
static struct sotto__shape shape_description(struct shaping *shaping,
                                             const struct sotto__node *node)
{
    static const char *const names[] = {"count", "mean", "std", "min", "25%", "50%", "75%", "max"};
    const struct sotto__shape *of = &shaping->shapes[node->left];
    size_t len = sizeof names / sizeof names[0];
    if (of->axes_len > 1) {
        return fail_at(shaping, node->start, "this takes columns");
    }
    size_t axis = add_axis(shaping, len);
    for (size_t i = 0; i < len; i++) {
        bool is_extreme = strcmp(names[i], "min") == 0 || strcmp(names[i], "max") == 0;
        if (!is_extreme || node->options.extremes) {
            add_text_label(shaping, axis, names[i]);
        }
    }
    return of->axes_len == 0 ? make_series(axis)
                             : (struct sotto__shape){.axes = {axis, of->axes[0]}, .axes_len = 2};
}

static struct sotto__shape shape_counts(struct shaping *shaping, const struct sotto__node *node)
{
    const struct sotto__level *levels = &shaping->expression->levels[node->levels];
    bool are_edges = sotto__function_card(node->function)->takes == SOTTO__TAKES_EDGES;
    size_t len = node->levels_len;
    if (shaping->shapes[node->left].axes_len > 0) {
        return fail_at(shaping, node->start, "this takes a single column");
    }
    if (are_edges && len < 2) {
        return fail_at(shaping, node->start,
                       "hist takes at least two edges, such as hist(x, 0, 10, 20)");
    }
    check_levels(shaping, node->levels, len, are_edges);
    size_t axis = add_axis(shaping, len);
    for (size_t i = 0; i + are_edges < len; i++) {
        if (are_edges) {
            label_bin(shaping, axis, levels[i].text, levels[i + 1].text, i + 2 == len);
        } else {
            add_text_label(shaping, axis, levels[i].text);
        }
    }
    return make_series(axis);
}

/* --- Operations and functions --- */

/* What two operands have in common: a single value goes with each column of a frame. */
static struct sotto__shape join_shapes(struct shaping *shaping, const struct sotto__shape *shape,
                                       const struct sotto__shape *other,
                                       const struct sotto__node *node)
{
    const struct sotto__axis *axes = shaping->expansion->axes;
    if (other->axes_len == 0) {
        return *shape;
    }
    if (shape->axes_len == 0) {
        return *other;
    }
    bool same = shape->axes_len == other->axes_len;
    for (size_t i = 0; same && i < other->axes_len; i++) {
        same = is_same_axis(&axes[shape->axes[i]], &axes[other->axes[i]]);
    }
    return same ? *shape : fail_at(shaping, node->start, "these frames have different columns");
}

static struct sotto__shape shape_each(struct shaping *shaping, const struct sotto__node *node)
{
    size_t children[3];
    size_t children_len = sotto__node_children(node, children);
    struct sotto__shape shape = single_value;
    for (size_t i = 0; i < children_len; i++) {
        shape = join_shapes(shaping, &shape, &shaping->shapes[children[i]], node);
    }
    return shape;
}

static bool is_row_function(const struct sotto__node *node)
{
    return node->kind == SOTTO__NODE_CALL && sotto__function_card(node->function)->takes_frame;
}

static struct sotto__shape shape_row_function(struct shaping *shaping,
                                              const struct sotto__node *node)
{
    return shaping->shapes[node->left].axes_len == 1
               ? single_value
               : fail_at(shaping, node->start, "this takes a frame, such as [a, b]");
}

/* A table's levels, and how many cells they make. */
static void check_table(struct shaping *shaping, const struct sotto__node *call)
{
    size_t rows = call->row_levels_len;
    size_t columns = call->levels_len - rows;
    check_levels(shaping, call->levels, rows, false);
    check_levels(shaping, call->levels + rows, columns, false);
    if (call->function == SOTTO__FUNCTION_FISHER && (rows != 2 || columns != 2)) {
        (void)fail_at(shaping, call->start, "fisher takes two levels of each column");
    }
    if (rows * columns > SOTTO__METHOD_CELLS_MAX) {
        (void)fail_at(shaping, call->start,
                      "this table has more than 1024 cells: name fewer levels");
    }
}

/* The columns whose values may be missing together. */
static void check_patterns(struct shaping *shaping, const struct sotto__node *call)
{
    const struct sotto__expression *expression = shaping->expression;
    size_t columns[SOTTO__EXPRESSION_NODES_MAX];
    size_t len = sotto__columns_find(columns, expression, call->left);
    if (len == 0) {
        (void)fail_at(shaping, call->start, "missing_patterns takes columns");
    }
    if (len > SOTTO__METHOD_PATTERN_COLUMNS_MAX) {
        (void)fail_at(shaping, call->start, "missing_patterns takes at most 8 columns");
    }
    for (size_t i = 0; i < len; i++) {
        const struct sotto__node *column = &expression->nodes[columns[i]];
        if (column->kind == SOTTO__NODE_STAR) {
            (void)fail_at(shaping, column->start, "missing_patterns takes columns by their names");
        }
        for (size_t j = 0; j < i && column->kind != SOTTO__NODE_STAR; j++) {
            if (strcmp(expression->nodes[columns[j]].name, column->name) == 0) {
                (void)fail_at(shaping, column->start, "this column is there already");
            }
        }
    }
}

static void check_method_levels(struct shaping *shaping, const struct sotto__node *call)
{
    check_levels(shaping, call->levels, call->levels_len, false);
    if (call->levels_len > SOTTO__METHOD_CELLS_MAX) {
        (void)fail_at(shaping, call->start, "this takes at most 1024 levels");
    }
}

/* What a method takes besides expressions. */
static void check_written(struct shaping *shaping, const struct sotto__node *call)
{
    switch (sotto__function_card(call->function)->takes) {
    case SOTTO__TAKES_TABLE:
        check_table(shaping, call);
        break;
    case SOTTO__TAKES_LEVELS:
        check_method_levels(shaping, call);
        break;
    case SOTTO__TAKES_COLUMNS:
        check_patterns(shaping, call);
        break;
    case SOTTO__TAKES_NUMBERS:
        check_shares(shaping, call);
        break;
    default:
        break;
    }
}

/* How many regressors stand for the levels of what a model explains; 0: it explains a number. */
static size_t count_equations(const struct sotto__node *call)
{
    bool is_of_levels = sotto__function_card(call->function)->takes == SOTTO__TAKES_OUTCOME;
    return is_of_levels ? call->row_levels_len - 1 : 0;
}

/* How many coefficients a model has; with a star, that of the other regressors. *out_is_open: a
 * star is among them, and what it stands for is not known before the types are agreed. */
static size_t count_coefficients(bool *out_is_open, const struct shaping *shaping,
                                 const struct sotto__node *call)
{
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    size_t items_len = sotto__list_items(lists, shaping->expression, call->right);
    size_t equations = count_equations(call);
    size_t len = call->options.intercept;
    *out_is_open = false;
    for (size_t i = equations; i < items_len; i++) {
        const struct sotto__shape *shape =
            &shaping->shapes[shaping->expression->nodes[lists[i]].right];
        const struct sotto__axis *axis = &shaping->expansion->axes[shape->axes[0]];
        len += shape->axes_len > 0 ? axis->len : 1;
        *out_is_open = *out_is_open || (shape->axes_len > 0 && axis->is_open);
    }
    return equations > 0 ? len * equations : len;
}

/* That there are not too many coefficients, and start= has a number for each. */
static void check_coefficients(struct shaping *shaping, const struct sotto__node *call)
{
    char text[200];
    bool is_open = false;
    size_t len = shaping->status == SOTTO_OK ? count_coefficients(&is_open, shaping, call) : 0;
    if (len > SOTTO__METHOD_COEFFICIENTS_MAX) {
        (void)snprintf(text, sizeof text, "this model has %zu coefficients, at most %d are fitted",
                       len, SOTTO__METHOD_COEFFICIENTS_MAX);
        (void)fail_at(shaping, call->start, text);
    }
    if (!is_open && call->start_numbers_len > 0 && len != call->start_numbers_len) {
        (void)snprintf(text, sizeof text,
                       "start has %zu coefficients, the model has %zu: %s%sthe regressors in order",
                       call->start_numbers_len, len,
                       count_equations(call) > 0 ? "for each level but the first " : "",
                       call->options.intercept ? "const, then " : "");
        (void)fail_at(shaping, call->start, text);
    }
}

/* That weights= and offset= are one number a row. */
static void check_rows(struct shaping *shaping, const struct sotto__node *call)
{
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    size_t len = call->options.weights_at > 0 || call->options.offset_at > 0
                     ? sotto__list_items(lists, shaping->expression, call->third)
                     : 0;
    for (size_t i = 0; i < len; i++) {
        const struct sotto__node *item = &shaping->expression->nodes[lists[i]];
        if (shaping->shapes[item->right].axes_len > 0) {
            (void)fail_at(shaping, item->start, "this takes a single column");
        }
    }
}

/* A method whose output is all of its fields. */
static struct sotto__shape shape_method(struct shaping *shaping, size_t node)
{
    const struct sotto__expression *expression = shaping->expression;
    const struct sotto__node *call = &expression->nodes[node];
    if (node + 1 != expression->nodes_len) {
        return fail_at(shaping, call->start,
                       "this stands alone: its output is several values, not a number");
    }
    const struct sotto__function_card *card = sotto__function_card(call->function);
    if (shaping->shapes[call->left].axes_len > 0) {
        return fail_at(shaping, call->start,
                       card->method->axes == SOTTO__AXES_REGRESSORS
                           ? "this explains a single column"
                           : "this takes single columns, not frames");
    }
    size_t more[2] = {call->right, call->third};
    for (size_t i = 0; i < 2 && !card->is_variadic && card->takes != SOTTO__TAKES_TABLE; i++) {
        if (more[i] != SOTTO_NONE && shaping->shapes[more[i]].axes_len > 0) {
            return fail_at(shaping, call->start, "this takes single columns, not frames");
        }
    }
    check_written(shaping, call);
    check_rows(shaping, call);
    if (card->opens.kind == SOTTO__OPENS_FIT) {
        check_coefficients(shaping, call);
    }
    return single_value;
}

/* The square frame that cov or corr makes of a frame with itself. */
static struct sotto__shape shape_square(struct shaping *shaping, const struct sotto__node *node)
{
    const struct sotto__shape *frame = &shaping->shapes[node->left];
    if (frame->axes_len != 1) {
        return fail_at(shaping, node->start, "this takes two columns, or a frame, such as [a, b]");
    }
    return (struct sotto__shape){.axes = {frame->axes[0], frame->axes[0]}, .axes_len = 2};
}

static struct sotto__shape shape_aggregate(struct shaping *shaping, size_t i)
{
    const struct sotto__node *node = &shaping->expression->nodes[i];
    const struct sotto__function_card *card = sotto__function_card(node->function);
    if (card->method != NULL && card->method->stands_alone) {
        return shape_method(shaping, i);
    }
    if (node->function == SOTTO__FUNCTION_DESCRIBE) {
        return shape_description(shaping, node);
    }
    if (card->takes == SOTTO__TAKES_NUMBERS) {
        return shape_numbers(shaping, node);
    }
    if (card->takes != SOTTO__TAKES_EXPRESSIONS) {
        return shape_counts(shaping, node);
    }
    return node->right == SOTTO_NONE && card->is_frame_enough ? shape_square(shaping, node)
                                                              : shape_each(shaping, node);
}

static struct sotto__shape shape_node(struct shaping *shaping, size_t i)
{
    const struct sotto__node *node = &shaping->expression->nodes[i];
    if (node->kind == SOTTO__NODE_STAR) {
        return shape_star(shaping, node);
    }
    if (node->kind == SOTTO__NODE_LIST) {
        return shape_list(shaping, i);
    }
    if (node->kind == SOTTO__NODE_AGGREGATE) {
        return shape_aggregate(shaping, i);
    }
    return is_row_function(node) ? shape_row_function(shaping, node) : shape_each(shaping, node);
}

/* The axis of a list of arguments, which head stands before (NULL: nothing does). */
static size_t add_list_axis(struct shaping *shaping, const struct sotto__node *method,
                            const char *head)
{
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    size_t items_len = sotto__list_items(lists, shaping->expression, method->right);
    size_t axis = add_axis(shaping, 1 + SOTTO__METHOD_COLUMNS_MAX);
    if (head != NULL) {
        add_text_label(shaping, axis, head);
    }
    for (size_t i = count_equations(method); i < items_len; i++) {
        label_item(shaping, axis, &shaping->expression->nodes[lists[i]]);
    }
    return axis;
}

/* The axis of the levels that a model explains, but for the first. */
static size_t add_equations_axis(struct shaping *shaping, const struct sotto__node *method)
{
    char label[SOTTO__LITERAL_BYTES_MAX + 1];
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    const struct sotto__expression *expression = shaping->expression;
    size_t len = count_equations(method);
    size_t axis = add_axis(shaping, len);
    (void)sotto__list_items(lists, expression, method->right);
    for (size_t i = 0; i < len; i++) {
        sotto__dummy_write_level(label, sizeof label, expression,
                                 &expression->nodes[expression->nodes[lists[i]].right], false);
        add_text_label(shaping, axis, label);
    }
    return axis;
}

/* The axis of a method's samples: its first argument, and the list of the others. */
static size_t add_samples_axis(struct shaping *shaping, const struct sotto__node *method)
{
    size_t lists[SOTTO__EXPRESSION_NODES_MAX];
    const struct sotto__expression *expression = shaping->expression;
    size_t items_len = sotto__list_items(lists, expression, method->right);
    size_t axis = add_axis(shaping, 1 + SOTTO__METHOD_COLUMNS_MAX);
    size_t start = method->start + strcspn(expression->text + method->start, "(") + 1;
    start += strspn(expression->text + start, " \t");
    const struct sotto__node first = {
        .right = method->left, .start = start, .bytes = method->bytes};
    label_item(shaping, axis, &first);
    for (size_t i = 0; i < items_len; i++) {
        label_item(shaping, axis, &expression->nodes[lists[i]]);
    }
    return axis;
}

/* The columns of a table, both together, and what is left. */
static size_t add_terms_axis(struct shaping *shaping, const struct sotto__node *method)
{
    const struct sotto__node *nodes = shaping->expression->nodes;
    char both[2 * SOTTO__PLAN_NAME_BYTES_MAX + 2];
    size_t columns[2];
    size_t axis = add_axis(shaping, 4);
    sotto__node_columns(method, columns);
    add_text_label(shaping, axis, nodes[columns[0]].name);
    add_text_label(shaping, axis, nodes[columns[1]].name);
    (void)snprintf(both, sizeof both, "%.256s:%.256s", nodes[columns[0]].name,
                   nodes[columns[1]].name);
    add_text_label(shaping, axis, both);
    add_text_label(shaping, axis, "residual");
    return axis;
}

static size_t add_columns_axis(struct shaping *shaping, const struct sotto__node *method)
{
    size_t columns[SOTTO__EXPRESSION_NODES_MAX];
    size_t len = sotto__columns_find(columns, shaping->expression, method->left);
    size_t axis = add_axis(shaping, len);
    for (size_t i = 0; i < len; i++) {
        add_text_label(shaping, axis, shaping->expression->nodes[columns[i]].name);
    }
    return axis;
}

/* Writes a pattern by the names of the columns that are missing. label: room for all names. */
static void label_pattern(struct shaping *shaping, size_t axis, char *label, size_t label_bytes,
                          const struct sotto__axis *names, size_t pattern)
{
    size_t bytes = 0;
    for (size_t i = 0; i < names->len; i++) {
        if ((pattern >> (names->len - 1 - i) & 1) != 0) {
            bytes += (size_t)snprintf(label + bytes, label_bytes - bytes, "%s%s",
                                      bytes > 0 ? ", " : "", names->labels[i]);
        }
    }
    if (bytes == 0) {
        add_text_label(shaping, axis, "(complete)");
    } else {
        add_label(shaping, axis, label, bytes);
    }
}

/* Which columns of an axis a row can lack, the last one changing fastest. */
static size_t add_patterns_axis(struct shaping *shaping, size_t columns)
{
    if (shaping->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    struct sotto__axis names = shaping->expansion->axes[columns]; /* axes move when one is added */
    size_t label_bytes = 1;
    for (size_t i = 0; i < names.len; i++) {
        label_bytes += strlen(names.labels[i]) + 2;
    }
    size_t axis = add_axis(shaping, (size_t)1 << names.len);
    char *label = sotto_alloc(label_bytes);
    if (label == NULL) {
        return fail_no_memory(shaping);
    }
    for (size_t i = 0; i < (size_t)1 << names.len; i++) {
        label_pattern(shaping, axis, label, label_bytes, &names, i);
    }
    sotto_free(label);
    return axis;
}

static size_t add_levels_axis(struct shaping *shaping, size_t first, size_t len)
{
    size_t axis = add_axis(shaping, len);
    for (size_t i = 0; i < len; i++) {
        add_text_label(shaping, axis, shaping->expression->levels[first + i].text);
    }
    return axis;
}

enum sotto_status sotto__frames_method_axes(struct sotto__shape *out,
                                            struct sotto__expansion *expansion,
                                            const struct sotto__shape *shapes,
                                            const struct sotto__expression *expression,
                                            const struct sotto__node *method,
                                            struct sotto_error *err)
{
    struct shaping shaping = {
        .shapes = shapes, .expansion = expansion, .expression = expression, .err = err};
    size_t rows = method->row_levels_len;
    *out = single_value;
    switch (sotto__function_card(method->function)->method->axes) {
    case SOTTO__AXES_REGRESSORS:
        *out = make_series(
            add_list_axis(&shaping, method, method->options.intercept ? "const" : NULL));
        break;
    case SOTTO__AXES_EQUATIONS:
        out->axes[0] = add_equations_axis(&shaping, method);
        out->axes[1] = add_list_axis(&shaping, method, method->options.intercept ? "const" : NULL);
        out->axes_len = 2;
        break;
    case SOTTO__AXES_SAMPLES:
        *out = make_series(add_samples_axis(&shaping, method));
        break;
    case SOTTO__AXES_TERMS:
        *out = make_series(add_terms_axis(&shaping, method));
        break;
    case SOTTO__AXES_LEVELS:
        *out = make_series(add_levels_axis(&shaping, method->levels, method->levels_len));
        break;
    case SOTTO__AXES_PATTERNS:
        out->axes[0] = add_columns_axis(&shaping, method);
        out->axes[1] = add_patterns_axis(&shaping, out->axes[0]);
        out->axes_len = 2;
        break;
    case SOTTO__AXES_TABLE:
        out->axes[0] = add_levels_axis(&shaping, method->levels, rows);
        out->axes[1] = add_levels_axis(&shaping, method->levels + rows, method->levels_len - rows);
        out->axes_len = 2;
        break;
    default:
        break;
    }
    return shaping.status;
}

/* Marks the lists whose items are arguments, or that another list goes on: nothing asks for their
 * shape. */
static void find_parts(bool *out, const struct sotto__expression *expression)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        if (node->kind == SOTTO__NODE_LIST && node->left != SOTTO_NONE) {
            out[node->left] = true;
        }
        const struct sotto__method_card *method = sotto__function_card(node->function)->method;
        bool is_call = node->kind == SOTTO__NODE_AGGREGATE && method != NULL;
        if (is_call && method->stands_alone && node->right != SOTTO_NONE &&
            sotto__function_card(node->function)->is_variadic) {
            out[node->right] = true;
        }
        if (is_call && (node->options.weights_at > 0 || node->options.offset_at > 0)) {
            out[node->third] = true;
        }
        if (is_call && sotto__function_card(node->function)->takes == SOTTO__TAKES_COLUMNS) {
            out[node->left] = true;
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
    find_parts(is_part, expression);
    for (size_t i = 0; shaping.status == SOTTO_OK && i < expression->nodes_len; i++) {
        out[i] = is_part[i] ? single_value : shape_node(&shaping, i);
    }
    return shaping.status;
}

static enum sotto_status check_output(const struct sotto__plan_output *output,
                                      const struct sotto_plan *plan, struct sotto_error *err)
{
    struct sotto__shape shapes[SOTTO__EXPRESSION_NODES_MAX];
    struct sotto__expansion expansion = {0};
    enum sotto_status status =
        sotto__frames_shapes(shapes, &expansion, plan, &output->expression, err);
    sotto__axes_release(&expansion);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_prefix(err, "output \"%s\"", output->name);
}

static enum sotto_status check_where(const struct sotto_plan *plan, struct sotto_error *err)
{
    struct sotto__shape shapes[SOTTO__EXPRESSION_NODES_MAX];
    struct sotto__expansion expansion = {0};
    enum sotto_status status = sotto__frames_shapes(shapes, &expansion, plan, &plan->where, err);
    sotto__axes_release(&expansion);
    if (status == SOTTO_OK && shapes[plan->where.nodes_len - 1].axes_len > 0) {
        status = sotto_error_set(err, SOTTO_ERROR_PLAN,
                                 "expected a condition, found a frame: say row_all(...) or "
                                 "row_any(...) of it");
    }
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_prefix(err, "where");
}

enum sotto_status sotto__frames_check(const struct sotto_plan *plan, struct sotto_error *err)
{
    for (size_t i = 0; i < plan->outputs_len; i++) {
        enum sotto_status status = check_output(&plan->outputs[i], plan, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return plan->where.nodes_len > 0 ? check_where(plan, err) : SOTTO_OK;
}
