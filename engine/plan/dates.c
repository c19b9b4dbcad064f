/* SPDX-License-Identifier: Apache-2.0 */

/* What may be done with dates and times. It leans on the agreed types of columns, and runs on the
 * expressions that expand.c made, whose children stand before their parents.
 *
 * The one idea: a date is an integer of days and a time one of microseconds, a decimal of seconds,
 * which rows, sums, order statistics and all rules on rows treat as any other number. So only here
 * anybody asks whether a number is a date: a text in quotes beside one becomes the literal of its
 * days or seconds, seconds(a - b) becomes a - b, and what is not listed below (a sum of dates, a
 * date times two, a date beside a number) is refused. */

#include "plan/dates.h"

#include <sotto/datetime.h>
#include <string.h>

/* A difference of times, which has no unit until seconds() names one. */
#define KIND_DIFFERENCE SOTTO_KINDS_LEN

struct resolver {
    struct sotto__expression *expression;
    const struct sotto__expansion *expansion;
    unsigned kind[SOTTO__VALUE_NODES_MAX]; /* an enum sotto_kind, null for a number */
    enum sotto_status status;              /* the first failure */
    struct sotto_error *err;
};

/* Returns: SOTTO_KIND_NULL. */
static unsigned fail(struct resolver *resolver, const struct sotto__node *node, const char *what)
{
    if (resolver->status == SOTTO_OK) {
        resolver->status = sotto__expression_type_error(resolver->expression->text, node->start,
                                                        resolver->err, "%s", what);
    }
    return SOTTO_KIND_NULL;
}

/* A column that nobody has a value of, or na: it goes with anything. */
static bool is_nothing(const struct resolver *resolver, size_t i)
{
    const struct sotto__node *node = &resolver->expression->nodes[i];
    return node->kind == SOTTO__NODE_NA ||
           (node->kind == SOTTO__NODE_COLUMN &&
            resolver->expansion->columns[node->column].type.kind == SOTTO_KIND_NULL);
}

static bool is_date(const struct resolver *resolver, size_t i)
{
    return sotto_kind_is_date((enum sotto_kind)resolver->kind[i]);
}

/* Makes a text the literal of its days, or of its seconds. */
static void make_literal(struct resolver *resolver, size_t i, enum sotto_kind kind, int64_t value)
{
    struct sotto__node *node = &resolver->expression->nodes[i];
    *node = (struct sotto__node){.kind = SOTTO__NODE_LITERAL,
                                 .is_whole = true,
                                 .is_micro = kind != SOTTO_KIND_DATE,
                                 .whole = value,
                                 .start = node->start};
    resolver->kind[i] = kind;
}

/* What stands beside a date of this kind, in words. */
static const char *expected_beside(enum sotto_kind kind)
{
    switch (kind) {
    case SOTTO_KIND_DATE:
        return "expected a date beside a date, as \"2020-01-31\", a day that there is, or another "
               "column of dates; date(t) is the date of a time";
    case SOTTO_KIND_DATETIME:
        return "expected a time beside a time, as \"2020-01-31 12:00\" without a zone, or another "
               "column of times; date(t) is the date of a time";
    default:
        return "expected a time with a zone beside one, as \"2020-01-31T12:00Z\", or another "
               "column of times with a zone; date(t) is the date of a time, in UTC";
    }
}

/* Makes node i what stands beside it. */
static void take_beside(struct resolver *resolver, size_t i, enum sotto_kind kind)
{
    const struct sotto__node *node = &resolver->expression->nodes[i];
    int64_t value;
    if (resolver->kind[i] == kind || is_nothing(resolver, i)) {
        return;
    }
    if (node->kind == SOTTO__NODE_TEXT &&
        sotto_datetime_parse_kind(&value, kind, NULL, node->name, strlen(node->name))) {
        make_literal(resolver, i, kind, value);
        return;
    }
    (void)fail(resolver, node, expected_beside(kind));
}

/* A text beside a column that nobody has a value of: as if the column held such dates. */
static void take_beside_nothing(struct resolver *resolver, size_t a, size_t b)
{
    const struct sotto__node *node = &resolver->expression->nodes[b];
    enum sotto_kind kind;
    int64_t value;
    if (node->kind == SOTTO__NODE_TEXT && is_nothing(resolver, a) &&
        sotto_datetime_parse(&kind, &value, NULL, node->name, strlen(node->name))) {
        make_literal(resolver, b, kind, value); /* another text is refused later, as elsewhere */
    }
}

/* Returns: what both are where one of two is a date, else null. */
static enum sotto_kind take_pair(struct resolver *resolver, size_t a, size_t b)
{
    take_beside_nothing(resolver, a, b);
    take_beside_nothing(resolver, b, a);
    if (!is_date(resolver, a) && !is_date(resolver, b)) {
        return SOTTO_KIND_NULL;
    }
    enum sotto_kind kind =
        (enum sotto_kind)(is_date(resolver, a) ? resolver->kind[a] : resolver->kind[b]);
    take_beside(resolver, a, kind);
    take_beside(resolver, b, kind);
    return kind;
}

/* Refuses dates among a node's children. */
static unsigned refuse_dates(struct resolver *resolver, const struct sotto__node *node)
{
    size_t children[3];
    size_t len = sotto__node_children(node, children);
    for (size_t i = 0; i < len; i++) {
        unsigned kind = resolver->kind[children[i]];
        if (kind != SOTTO_KIND_NULL) {
            return fail(resolver, node,
                        kind == SOTTO_KIND_DATE
                            ? "expected numbers or conditions here, found dates: a difference of "
                              "two dates is a number of days, and year(d), month(d), day(d) and "
                              "weekday(d) are numbers"
                            : "expected numbers or conditions here, found times: seconds(a - b) "
                              "is a number, and so are year(t), month(t), day(t), weekday(t), "
                              "hour(t) and minute(t)");
        }
    }
    return SOTTO_KIND_NULL;
}

/* Of dates the days between them; of times what seconds() takes. */
static unsigned resolve_difference(struct resolver *resolver, const struct sotto__node *node)
{
    enum sotto_kind kind = take_pair(resolver, node->left, node->right);
    return kind == SOTTO_KIND_NULL || kind == SOTTO_KIND_DATE ? SOTTO_KIND_NULL : KIND_DIFFERENCE;
}

/* Makes seconds(a - b) the node a - b, which is in seconds. */
static unsigned resolve_seconds(struct resolver *resolver, struct sotto__node *node)
{
    const struct sotto__node *of = &resolver->expression->nodes[node->left];
    bool is_of_nothing = of->kind == SOTTO__NODE_SUBTRACT &&
                         (is_nothing(resolver, of->left) || is_nothing(resolver, of->right));
    if (resolver->kind[node->left] != KIND_DIFFERENCE && !is_of_nothing) {
        return fail(resolver, node,
                    "expected a difference of two times, as seconds(left - came); of dates a "
                    "difference is a number of days already");
    }
    size_t start = node->start;
    *node = *of;
    node->start = start;
    return SOTTO_KIND_NULL;
}

static unsigned resolve_part(struct resolver *resolver, const struct sotto__node *node)
{
    unsigned of = resolver->kind[node->left];
    bool is_of_day =
        node->function == SOTTO__FUNCTION_HOUR || node->function == SOTTO__FUNCTION_MINUTE;
    if (is_of_day && of == SOTTO_KIND_DATE) {
        return fail(resolver, node,
                    "expected times, found dates, which have no time of day: a column holds times "
                    "where each value is written 2020-01-31 12:00, or where its owner says how "
                    "they are written (--type 'column=datetime(%d.%m.%Y %H:%M)')");
    }
    if (!is_date(resolver, node->left) && !is_nothing(resolver, node->left)) {
        return fail(resolver, node,
                    "expected dates, found others: a column holds dates where each value is "
                    "written 2020-01-31, times where each is written 2020-01-31 12:00, or where "
                    "its owner says how they are written (--type 'column=date(%d.%m.%Y)'), and "
                    "then is told which line has none");
    }
    return node->function == SOTTO__FUNCTION_DATE ? SOTTO_KIND_DATE : SOTTO_KIND_NULL;
}

/* Returns: what a call gives. */
static unsigned resolve_call(struct resolver *resolver, struct sotto__node *node)
{
    switch (node->function) {
    case SOTTO__FUNCTION_ISNA:
        return SOTTO_KIND_NULL;
    case SOTTO__FUNCTION_FILLNA:
        return take_pair(resolver, node->left, node->right);
    case SOTTO__FUNCTION_IF:
        return take_pair(resolver, node->right, node->third);
    case SOTTO__FUNCTION_CLIP:
        if (!is_date(resolver, node->left) && !is_nothing(resolver, node->left)) {
            return refuse_dates(resolver, node);
        }
        (void)take_pair(resolver, node->left, node->right);
        return take_pair(resolver, node->left, node->third);
    case SOTTO__FUNCTION_SECONDS:
        return resolve_seconds(resolver, node);
    case SOTTO__FUNCTION_YEAR:
    case SOTTO__FUNCTION_MONTH:
    case SOTTO__FUNCTION_DAY:
    case SOTTO__FUNCTION_WEEKDAY:
    case SOTTO__FUNCTION_HOUR:
    case SOTTO__FUNCTION_MINUTE:
    case SOTTO__FUNCTION_DATE:
        return resolve_part(resolver, node);
    default:
        return refuse_dates(resolver, node);
    }
}

static const char spread_of_times[] =
    "expected numbers here, found times: quantile(t, 0.25, 0.75) and std(t) tell how they are "
    "spread";

/* Of dates in days. */
static unsigned resolve_deviation(struct resolver *resolver, const struct sotto__node *node)
{
    unsigned kind = resolver->kind[node->left];
    return kind == SOTTO_KIND_NULL || kind == SOTTO_KIND_DATE
               ? SOTTO_KIND_NULL
               : fail(resolver, node, spread_of_times);
}

/* Returns: what an aggregate gives. */
static unsigned resolve_aggregate(struct resolver *resolver, const struct sotto__node *node)
{
    switch (node->function) {
    case SOTTO__FUNCTION_MEAN:
    case SOTTO__FUNCTION_MEDIAN:
    case SOTTO__FUNCTION_QUANTILE:
        return resolver->kind[node->left];
    case SOTTO__FUNCTION_MAD:
        return resolve_deviation(resolver, node);
    case SOTTO__FUNCTION_COUNT:
    case SOTTO__FUNCTION_STD: /* in days, or seconds */
        return SOTTO_KIND_NULL;
    default:
        return refuse_dates(resolver, node);
    }
}

/* iqr(x) and mad(x, exact=1) are written out as such. */
static bool is_distance_of_quantiles(const struct resolver *resolver,
                                     const struct sotto__node *node)
{
    const struct sotto__node *nodes = resolver->expression->nodes;
    return node->kind == SOTTO__NODE_CALL && node->function == SOTTO__FUNCTION_ABS &&
           nodes[nodes[node->left].right].kind == SOTTO__NODE_AGGREGATE;
}

/* Nobody but seconds() takes a difference of times. */
static void refuse_differences(struct resolver *resolver, const struct sotto__node *node)
{
    size_t children[3];
    size_t len = sotto__node_children(node, children);
    bool is_seconds = node->kind == SOTTO__NODE_CALL && node->function == SOTTO__FUNCTION_SECONDS;
    for (size_t i = 0; i < len && !is_seconds; i++) {
        if (resolver->kind[children[i]] == KIND_DIFFERENCE) {
            (void)fail(resolver, &resolver->expression->nodes[children[i]],
                       is_distance_of_quantiles(resolver, node)
                           ? spread_of_times
                           : "expected numbers or conditions here, found a difference of times: "
                             "seconds(a - b) is its number of seconds");
        }
    }
}

/* Returns: what the node is. */
static unsigned resolve_node(struct resolver *resolver, size_t i)
{
    struct sotto__node *node = &resolver->expression->nodes[i];
    refuse_differences(resolver, node);
    switch (node->kind) {
    case SOTTO__NODE_COLUMN: {
        enum sotto_kind kind = resolver->expansion->columns[node->column].type.kind;
        return sotto_kind_is_date(kind) ? kind : SOTTO_KIND_NULL;
    }
    case SOTTO__NODE_LESS:
    case SOTTO__NODE_LESS_EQUAL:
    case SOTTO__NODE_GREATER:
    case SOTTO__NODE_GREATER_EQUAL:
    case SOTTO__NODE_EQUAL:
    case SOTTO__NODE_UNEQUAL:
        (void)take_pair(resolver, node->left, node->right);
        return SOTTO_KIND_NULL;
    case SOTTO__NODE_SUBTRACT:
        return resolve_difference(resolver, node);
    case SOTTO__NODE_CALL:
        return resolve_call(resolver, node);
    case SOTTO__NODE_AGGREGATE:
        return resolve_aggregate(resolver, node);
    default:
        return refuse_dates(resolver, node);
    }
}

enum sotto_status sotto__dates_resolve(enum sotto_kind *out_kind,
                                       struct sotto__expression *expression,
                                       const struct sotto__expansion *expansion,
                                       struct sotto_error *err)
{
    struct resolver resolver = {.expression = expression, .expansion = expansion, .err = err};
    size_t len = expression->nodes_len;
    for (size_t i = 0; i < len && resolver.status == SOTTO_OK; i++) {
        unsigned kind = resolve_node(&resolver, i);
        resolver.kind[i] = kind != SOTTO_KIND_NULL ? kind : resolver.kind[i];
    }
    if (len > 0 && resolver.kind[len - 1] == KIND_DIFFERENCE) {
        (void)fail(&resolver, &expression->nodes[len - 1],
                   "this is a difference of times: seconds(a - b) is its number of seconds");
    }
    *out_kind = len > 0 ? (enum sotto_kind)resolver.kind[len - 1] : SOTTO_KIND_NULL;
    return resolver.status;
}
