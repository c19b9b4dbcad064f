/* SPDX-License-Identifier: Apache-2.0 */

/* What may be done with dates. It leans on the agreed types of columns, and runs on the expressions
 * that expand.c made, whose children stand before their parents.
 *
 * The one idea: a date is an integer of days, which rows, sums, order statistics and all rules on
 * rows treat as any other integer. So only here anybody asks whether a number is a date: a text in
 * quotes beside one becomes the literal of its days, and what is not listed below (a sum of dates,
 * a date times two, a date beside a number) is refused. */

#include "plan/dates.h"

#include <sotto/date.h>
#include <string.h>

struct resolver {
    struct sotto__expression *expression;
    const struct sotto__expansion *expansion;
    bool is_date[SOTTO__VALUE_NODES_MAX];
    enum sotto_status status; /* the first failure */
    struct sotto_error *err;
};

static bool fail(struct resolver *resolver, const struct sotto__node *node, const char *what)
{
    if (resolver->status == SOTTO_OK) {
        resolver->status = sotto__expression_type_error(resolver->expression->text, node->start,
                                                        resolver->err, "%s", what);
    }
    return false;
}

/* A column that nobody has a value of, or na: it goes with anything. */
static bool is_nothing(const struct resolver *resolver, size_t i)
{
    const struct sotto__node *node = &resolver->expression->nodes[i];
    return node->kind == SOTTO__NODE_NA ||
           (node->kind == SOTTO__NODE_COLUMN &&
            resolver->expansion->columns[node->column].type.kind == SOTTO_KIND_NULL);
}

/* Makes a text the literal of its days. Returns: false where it is no date. */
static bool make_literal(struct resolver *resolver, size_t i)
{
    struct sotto__node *node = &resolver->expression->nodes[i];
    int64_t days;
    if (!sotto_date_parse(&days, node->name, strlen(node->name))) {
        return false;
    }
    *node = (struct sotto__node){
        .kind = SOTTO__NODE_LITERAL, .is_whole = true, .whole = (int)days, .start = node->start};
    resolver->is_date[i] = true;
    return true;
}

/* Makes node i a date, which stands beside one. */
static void take_date(struct resolver *resolver, size_t i)
{
    const struct sotto__node *node = &resolver->expression->nodes[i];
    if (resolver->is_date[i] || is_nothing(resolver, i)) {
        return;
    }
    if (node->kind != SOTTO__NODE_TEXT) {
        (void)fail(resolver, node,
                   "expected a date beside a date, as \"2020-01-31\" or another column of dates");
    } else if (!make_literal(resolver, i)) {
        (void)fail(resolver, node,
                   "expected a date beside a date, written \"2020-01-31\", a day that there is");
    }
}

/* A text beside a column that nobody has a value of: as if the column held dates. */
static void take_beside_nothing(struct resolver *resolver, size_t a, size_t b)
{
    bool is_text = resolver->expression->nodes[b].kind == SOTTO__NODE_TEXT;
    if (is_text && is_nothing(resolver, a)) {
        (void)make_literal(resolver, b); /* another text is refused later, as elsewhere */
    }
}

/* Whether one of two is a date: then both are. */
static bool take_pair(struct resolver *resolver, size_t a, size_t b)
{
    take_beside_nothing(resolver, a, b);
    take_beside_nothing(resolver, b, a);
    if (!resolver->is_date[a] && !resolver->is_date[b]) {
        return false;
    }
    take_date(resolver, a);
    take_date(resolver, b);
    return true;
}

/* Refuses dates among a node's children. */
static bool refuse_dates(struct resolver *resolver, const struct sotto__node *node)
{
    size_t children[3];
    size_t len = sotto__node_children(node, children);
    for (size_t i = 0; i < len; i++) {
        if (resolver->is_date[children[i]]) {
            return fail(resolver, node,
                        "expected numbers or conditions here, found dates: a difference of two "
                        "dates is a number of days, and year(d), month(d), day(d) and weekday(d) "
                        "are numbers");
        }
    }
    return false;
}

/* Returns: whether a call gives a date. */
static bool resolve_call(struct resolver *resolver, const struct sotto__node *node)
{
    const bool *is_date = resolver->is_date;
    switch (node->function) {
    case SOTTO__FUNCTION_ISNA:
        return false;
    case SOTTO__FUNCTION_FILLNA:
        return take_pair(resolver, node->left, node->right);
    case SOTTO__FUNCTION_IF:
        return take_pair(resolver, node->right, node->third);
    case SOTTO__FUNCTION_CLIP:
        return (is_date[node->left] || is_nothing(resolver, node->left)) &&
               take_pair(resolver, node->left, node->right) &&
               take_pair(resolver, node->left, node->third);
    case SOTTO__FUNCTION_YEAR:
    case SOTTO__FUNCTION_MONTH:
    case SOTTO__FUNCTION_DAY:
    case SOTTO__FUNCTION_WEEKDAY:
        return !is_date[node->left] && !is_nothing(resolver, node->left) &&
               fail(resolver, node,
                    "expected dates, found others: a column holds dates where each value is "
                    "written 2020-01-31, or where its owner says how they are written "
                    "(--type 'column=date(%d.%m.%Y)'), and then is told which line has none");
    default:
        return refuse_dates(resolver, node);
    }
}

/* Returns: whether an aggregate gives a date. */
static bool resolve_aggregate(struct resolver *resolver, const struct sotto__node *node)
{
    switch (node->function) {
    case SOTTO__FUNCTION_MEAN:
    case SOTTO__FUNCTION_MEDIAN:
    case SOTTO__FUNCTION_QUANTILE:
        return resolver->is_date[node->left];
    case SOTTO__FUNCTION_COUNT:
    case SOTTO__FUNCTION_STD: /* in days */
        return false;
    default:
        return refuse_dates(resolver, node);
    }
}

/* Returns: whether the node is a date. */
static bool resolve_node(struct resolver *resolver, size_t i)
{
    const struct sotto__node *node = &resolver->expression->nodes[i];
    switch (node->kind) {
    case SOTTO__NODE_COLUMN:
        return resolver->expansion->columns[node->column].type.kind == SOTTO_KIND_DATE;
    case SOTTO__NODE_LESS:
    case SOTTO__NODE_LESS_EQUAL:
    case SOTTO__NODE_GREATER:
    case SOTTO__NODE_GREATER_EQUAL:
    case SOTTO__NODE_EQUAL:
    case SOTTO__NODE_UNEQUAL:
    case SOTTO__NODE_SUBTRACT:
        (void)take_pair(resolver, node->left, node->right);
        return false;
    case SOTTO__NODE_CALL:
        return resolve_call(resolver, node);
    case SOTTO__NODE_AGGREGATE:
        return resolve_aggregate(resolver, node);
    default:
        return refuse_dates(resolver, node);
    }
}

enum sotto_status sotto__dates_resolve(bool *out_is_date, struct sotto__expression *expression,
                                       const struct sotto__expansion *expansion,
                                       struct sotto_error *err)
{
    struct resolver resolver = {.expression = expression, .expansion = expansion, .err = err};
    for (size_t i = 0; i < expression->nodes_len && resolver.status == SOTTO_OK; i++) {
        resolver.is_date[i] = resolve_node(&resolver, i) || resolver.is_date[i];
    }
    *out_is_date = expression->nodes_len > 0 && resolver.is_date[expression->nodes_len - 1];
    return resolver.status;
}
