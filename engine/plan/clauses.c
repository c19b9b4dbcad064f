/* SPDX-License-Identifier: Apache-2.0 */

/* What the clauses of a plan are made of: facts by which a policy decides (sotto/plan.h). It leans
 * on the functions' cards for what sums an aggregate opens. The one idea: a form is recognised node
 * by node from below, and what is not recognised is SOTTO_FORM_OTHER; nothing is let through for
 * not being known. */

#include "expression/places.h"
#include "plan/plan.h"

#include <string.h>

/* What a node is made of; children are known before their parents. */
enum made_of {
    MADE_LITERAL,
    MADE_NA,
    MADE_TEXT,
    MADE_COLUMNS,
    MADE_POLYNOMIAL,
    MADE_CONDITION,
    MADE_CHOICE,
    MADE_OTHER,
};

struct made {
    enum made_of of;
    unsigned degree;  /* as a polynomial in columns */
    bool is_computed; /* there is arithmetic in it */
    bool has_doubles;
};

static unsigned least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned most_of(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* --- Nodes --- */

static bool has_doubles(const struct sotto__node *column, const struct sotto_schema *schema)
{
    bool found = false;
    if (schema == NULL) {
        return false;
    }
    for (size_t i = 0; column->kind == SOTTO__NODE_STAR && i < schema->frame_len; i++) {
        found = found || (schema->frame[i].dataset == column->dataset_index &&
                          schema->frame[i].field.type.kind == SOTTO_KIND_FLOAT64);
    }
    return found || (column->kind == SOTTO__NODE_COLUMN &&
                     schema->fields[column->column].type.kind == SOTTO_KIND_FLOAT64);
}

static bool is_value(struct made made)
{
    return made.of == MADE_LITERAL || made.of == MADE_COLUMNS || made.of == MADE_POLYNOMIAL;
}

/* A number, a date or a time: no other text stands where a number may. */
static bool is_written(struct made made)
{
    return made.of == MADE_LITERAL || made.of == MADE_TEXT;
}

static bool is_condition(struct made made)
{
    return made.of == MADE_CONDITION || made.of == MADE_COLUMNS;
}

/* Both: their degrees, and doubles of either. */
static struct made join_made(enum made_of of, struct made a, struct made b)
{
    return (struct made){.of = of,
                         .degree = most_of(a.degree, b.degree),
                         .is_computed = a.is_computed || b.is_computed,
                         .has_doubles = a.has_doubles || b.has_doubles};
}

static struct made make_arithmetic(const struct sotto__node *node, struct made a, struct made b)
{
    struct made made = join_made(MADE_POLYNOMIAL, a, b);
    made.is_computed = true;
    if (node->kind == SOTTO__NODE_SUBTRACT) { /* of dates or times */
        a.of = a.of == MADE_TEXT ? MADE_LITERAL : a.of;
        b.of = b.of == MADE_TEXT ? MADE_LITERAL : b.of;
    }
    if (!is_value(a) || !is_value(b)) {
        made.of = MADE_OTHER;
    } else if (node->kind == SOTTO__NODE_NEGATE && a.of == MADE_LITERAL) {
        return a;
    } else if (node->kind == SOTTO__NODE_MULTIPLY) {
        made.degree = least_of(a.degree + b.degree, SOTTO__DEGREE_OTHER);
    } else if (node->kind == SOTTO__NODE_POWER) {
        made.of = node->exponent >= 0 ? MADE_POLYNOMIAL : MADE_OTHER;
        made.degree = node->exponent >= 0
                          ? least_of(a.degree * (unsigned)node->exponent, SOTTO__DEGREE_OTHER)
                          : 0;
    }
    return made;
}

/* A column beside what is written out, on either side. */
static struct made make_comparison(struct made a, struct made b)
{
    bool is_plain =
        (a.of == MADE_COLUMNS && is_written(b)) || (b.of == MADE_COLUMNS && is_written(a));
    struct made made = join_made(is_plain ? MADE_CONDITION : MADE_OTHER, a, b);
    made.degree = 1;
    return made;
}

static struct made make_call(const struct sotto__node *node, const struct made children[3])
{
    struct made made = {.of = MADE_OTHER, .is_computed = true};
    if (node->function == SOTTO__FUNCTION_SECONDS && children[0].of == MADE_POLYNOMIAL) {
        made = children[0]; /* which it only names */
    } else if (node->function == SOTTO__FUNCTION_ISNA && children[0].of == MADE_COLUMNS) {
        made = (struct made){.of = MADE_CONDITION, .degree = 1};
    } else if (node->is_dummy && is_condition(children[0])) {
        made = children[0];
        made.of = MADE_CHOICE;
    } else if (node->function == SOTTO__FUNCTION_IF && is_condition(children[0]) &&
               is_value(children[1]) && children[2].of == MADE_NA) {
        made = children[1];
        made.of = MADE_CHOICE;
    } else if (node->function == SOTTO__FUNCTION_CLIP && children[0].of == MADE_COLUMNS &&
               is_written(children[1]) && is_written(children[2])) {
        made = children[0];
        made.of = MADE_POLYNOMIAL;
    }
    return made;
}

/* Conditions are in no list with what is chosen by one: nobody judges their products. */
static struct made make_list(struct made a, struct made b)
{
    bool is_mixed = (a.of == MADE_CONDITION && b.of == MADE_CHOICE) ||
                    (a.of == MADE_CHOICE && b.of == MADE_CONDITION);
    return join_made(is_mixed ? MADE_OTHER : most_of(a.of, b.of), a, b);
}

static struct made make_node(const struct made *below, const struct sotto__node *node,
                             const struct sotto_schema *schema)
{
    size_t at[3];
    size_t len = sotto__node_children(node, at);
    struct made children[3] = {{.of = MADE_LITERAL}, {.of = MADE_LITERAL}, {.of = MADE_LITERAL}};
    for (size_t i = 0; i < len; i++) {
        children[i] = below[at[i]];
    }
    switch (node->kind) {
    case SOTTO__NODE_LITERAL:
        return (struct made){.of = MADE_LITERAL};
    case SOTTO__NODE_NA:
        return (struct made){.of = MADE_NA};
    case SOTTO__NODE_TEXT:
        return (struct made){.of = MADE_TEXT};
    case SOTTO__NODE_COLUMN:
    case SOTTO__NODE_STAR:
        return (struct made){
            .of = MADE_COLUMNS, .degree = 1, .has_doubles = has_doubles(node, schema)};
    case SOTTO__NODE_LIST:
        return len == 1 ? children[0] : make_list(children[0], children[1]);
    case SOTTO__NODE_NEGATE:
    case SOTTO__NODE_ADD:
    case SOTTO__NODE_SUBTRACT:
    case SOTTO__NODE_MULTIPLY:
    case SOTTO__NODE_POWER:
        return make_arithmetic(node, children[0], children[1]);
    case SOTTO__NODE_EQUAL:
    case SOTTO__NODE_UNEQUAL:
    case SOTTO__NODE_LESS:
    case SOTTO__NODE_LESS_EQUAL:
    case SOTTO__NODE_GREATER:
    case SOTTO__NODE_GREATER_EQUAL:
        return make_comparison(children[0], children[1]);
    case SOTTO__NODE_AND:
    case SOTTO__NODE_OR:
    case SOTTO__NODE_NOT:
        return join_made(is_condition(children[0]) && (len == 1 || is_condition(children[1]))
                             ? MADE_CONDITION
                             : MADE_OTHER,
                         children[0], children[1]);
    case SOTTO__NODE_CALL:
        return make_call(node, children);
    default:
        return (struct made){.of = MADE_OTHER, .is_computed = true};
    }
}

/* --- Words --- */

/* Why a node is of no form, in words for the data owner; NULL where it may be of one. */
static const char *harm_of(const struct sotto__node *node)
{
    const struct sotto__function_card *card = sotto__function_card(node->function);
    switch (node->kind) {
    case SOTTO__NODE_EQUAL:
    case SOTTO__NODE_UNEQUAL:
    case SOTTO__NODE_LESS:
    case SOTTO__NODE_LESS_EQUAL:
    case SOTTO__NODE_GREATER:
    case SOTTO__NODE_GREATER_EQUAL:
    case SOTTO__NODE_AND:
    case SOTTO__NODE_OR:
    case SOTTO__NODE_NOT:
        return "a condition";
    case SOTTO__NODE_DIVIDE:
    case SOTTO__NODE_FLOOR_DIVIDE:
    case SOTTO__NODE_MODULO:
        return "a division";
    case SOTTO__NODE_CALL:
    case SOTTO__NODE_AGGREGATE:
        return card->harm != NULL ? card->harm : card->name;
    default:
        return NULL;
    }
}

/* The operation that makes a clause no form, in words: the last one below the node that is of none
 * itself, or else any; or the node itself. */
static const char *find_harm(const struct sotto__expression *expression, size_t node,
                             const struct made *made)
{
    bool below[SOTTO__EXPRESSION_NODES_MAX] = {false};
    const char *found = NULL;
    below[node] = true;
    for (size_t i = node + 1; i-- > 0;) {
        size_t children[3];
        size_t children_len = below[i] ? sotto__node_children(&expression->nodes[i], children) : 0;
        for (size_t j = 0; j < children_len; j++) {
            below[children[j]] = true;
        }
        const char *harm = below[i] && i != node ? harm_of(&expression->nodes[i]) : NULL;
        if (harm != NULL && made[i].of == MADE_OTHER) {
            return harm;
        }
        found = found == NULL ? harm : found;
    }
    found = found != NULL ? found : harm_of(&expression->nodes[node]);
    return found != NULL ? found : "what it is made of";
}

/* --- Clauses --- */

static bool is_summed(const struct made *made)
{
    return is_value(*made) || made->of == MADE_CHOICE;
}

/* What sums of powers and products are of: their arguments, together. */
static enum sotto_form find_form(const struct sotto__opened_sums *opens, const struct made *x,
                                 const struct made *y)
{
    if (x->of == MADE_CONDITION && y->of == MADE_CONDITION && !opens->product &&
        opens->powers <= 2) {
        return SOTTO_FORM_CONDITION;
    }
    if (!is_summed(x) || !is_summed(y)) {
        return SOTTO_FORM_OTHER;
    }
    if (x->of == MADE_CHOICE || y->of == MADE_CHOICE) {
        return SOTTO_FORM_CHOICE;
    }
    return x->of == MADE_COLUMNS && y->of == MADE_COLUMNS ? SOTTO_FORM_COLUMNS
                                                          : SOTTO_FORM_POLYNOMIAL;
}

/* Whether a call asks for the least or the greatest value. */
static bool asks_extreme(const struct sotto__expression *expression, const struct sotto__node *node)
{
    bool found = node->options.extremes;
    struct sotto__value share;
    sotto__value_init(&share);
    for (size_t i = 0; i < node->levels_len && !found; i++) {
        sotto__decimal_set(&share, expression->levels[node->levels + i].text);
        found = mpq_sgn(share.number) == 0 || mpq_cmp_ui(share.number, 1, 1) == 0;
    }
    sotto__value_clear(&share);
    return found;
}

/* Whether a model starts where the plan says, and not at coefficients of 0: then whoever asks has
 * the weights of all rows in hand, with 0 in all but few of them if they like. */
static bool chooses_coefficients(const struct sotto__expression *expression,
                                 const struct sotto__node *node)
{
    bool found = false;
    struct sotto__value number;
    sotto__value_init(&number);
    for (size_t i = 0; i < node->start_numbers_len && !found; i++) {
        sotto__decimal_set(&number, expression->levels[node->start_numbers + i].text);
        found = mpq_sgn(number.number) != 0;
    }
    sotto__value_clear(&number);
    return found;
}

/* What of a model the plan has in hand with which it could choose rows. NULL: nothing. */
static const char *find_choice(const struct sotto__expression *expression,
                               const struct sotto__node *node)
{
    if (node->options.weights_at > 0) {
        return "weights of rows: they choose the rows";
    }
    if (node->options.offset_at > 0) {
        return "an offset of rows: it chooses the rows";
    }
    return chooses_coefficients(expression, node)
               ? "coefficients that the plan chooses (start=): they choose the rows too"
               : NULL;
}

static void describe_aggregate(struct sotto_plan_clause *out,
                               const struct sotto__expression *expression, size_t i,
                               const struct made *made)
{
    const struct sotto__node *node = &expression->nodes[i];
    const struct sotto__function_card *card = sotto__function_card(node->function);
    struct made arguments[2] = {made[node->left], made[node->left]};
    const struct made *x = &arguments[0];
    const struct made *y = &arguments[1];
    const char *choice = find_choice(expression, node);
    if (node->right != SOTTO_NONE && (card->opens.product || card->opens.y_powers > 0)) {
        arguments[1] = made[node->right];
    }
    if (choice == NULL && node->third != SOTTO_NONE && card->takes == SOTTO__TAKES_EXPRESSIONS) {
        /* Two samples, and what both are multiplied with. */
        arguments[0] = join_made(most_of(x->of, y->of), *x, *y);
        arguments[1] = made[node->third];
    }
    out->degree = sotto__degree_of_sums(&card->opens, x->degree, y->degree);
    out->is_computed = x->is_computed || y->is_computed;
    out->has_doubles = x->has_doubles || y->has_doubles;
    if (choice != NULL) {
        out->form = SOTTO_FORM_OTHER;
    } else if (card->opens.kind == SOTTO__OPENS_TRUTHS && card->takes != SOTTO__TAKES_EXPRESSIONS &&
               x->of == MADE_COLUMNS && /* a table's too: nothing else may stand there */
               (card->takes != SOTTO__TAKES_TABLE || made[node->right].of == MADE_COLUMNS)) {
        out->form = SOTTO_FORM_CELLS;
        out->degree = 1;
    } else if (card->opens.kind == SOTTO__OPENS_BINS && x->of == MADE_COLUMNS) {
        out->form = node->options.exact ? SOTTO_FORM_ORDER : SOTTO_FORM_GRID;
        out->degree = 2; /* describe opens sums of squares too */
        out->is_extreme = asks_extreme(expression, node);
    } else if (card->opens.kind == SOTTO__OPENS_FIT && x->of == MADE_COLUMNS &&
               (y->of == MADE_COLUMNS || y->of == MADE_CHOICE) && !out->is_computed) {
        out->form = SOTTO_FORM_FIT;
        out->degree = 2;
    } else if (card->opens.kind == SOTTO__OPENS_POWERS && card->takes == SOTTO__TAKES_TABLE) {
        out->form = is_summed(x) ? SOTTO_FORM_CHOICE : SOTTO_FORM_OTHER; /* over its cells */
    } else if (card->opens.kind == SOTTO__OPENS_POWERS) {
        out->form = find_form(&card->opens, x, y);
    }
    if (node->options.errors != SOTTO__ERRORS_NONROBUST) {
        out->degree = 2 * out->degree; /* squares of residuals times two columns */
    }
    if (out->form == SOTTO_FORM_OTHER) {
        out->why = choice != NULL ? choice : find_harm(expression, i, made);
    }
}

static void make_all(struct made *out, const struct sotto__expression *expression,
                     const struct sotto_schema *schema)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        out[i] = make_node(out, &expression->nodes[i], schema);
    }
}

static enum sotto_status tell_output(const struct sotto__plan_output *output, bool is_checked,
                                     sotto_plan_clause_sink *sink, void *context,
                                     const struct sotto_schema *schema, struct sotto_error *err)
{
    struct made made[SOTTO__EXPRESSION_NODES_MAX];
    struct sotto__places places;
    const struct sotto__expression *expression = &output->expression;
    make_all(made, expression, schema);
    sotto__places_find(&places, expression);
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        if (node->kind != SOTTO__NODE_AGGREGATE) {
            continue;
        }
        struct sotto_plan_clause clause = {.kind = SOTTO_CLAUSE_AGGREGATE,
                                           .output = output->name,
                                           .text = expression->text,
                                           .start = node->start,
                                           .bytes =
                                               sotto__call_bytes(expression->text + node->start),
                                           .form = SOTTO_FORM_OTHER,
                                           .is_checked = is_checked,
                                           .round = places.round[i] - node->rounds + 1};
        describe_aggregate(&clause, expression, i, made);
        enum sotto_status status = sink(context, &clause, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status tell_where(const struct sotto_plan *plan, sotto_plan_clause_sink *sink,
                                    void *context, const struct sotto_schema *schema,
                                    struct sotto_error *err)
{
    struct made made[SOTTO__EXPRESSION_NODES_MAX];
    const struct sotto__expression *where = &plan->where;
    if (where->nodes_len == 0) {
        return SOTTO_OK;
    }
    make_all(made, where, schema);
    struct sotto_plan_clause clause = {.kind = SOTTO_CLAUSE_WHERE,
                                       .text = where->text,
                                       .bytes = strlen(where->text),
                                       .form = SOTTO_FORM_OTHER};
    if (is_condition(made[where->nodes_len - 1])) {
        clause.form = SOTTO_FORM_CONDITION;
    } else {
        clause.why = find_harm(where, where->nodes_len - 1, made);
    }
    return sink(context, &clause, err);
}

enum sotto_status sotto_plan_clauses(const struct sotto_plan *plan, sotto_plan_clause_sink *sink,
                                     void *context, const struct sotto_schema *schema,
                                     struct sotto_error *err)
{
    SOTTO_REQUIRE(schema == NULL || schema->fields_len == plan->columns_len);
    enum sotto_status status = tell_where(plan, sink, context, schema, err);
    for (size_t i = 0; status == SOTTO_OK && i < plan->keys_len; i++) {
        const struct sotto__expression *of = &plan->keys[i].column;
        const char *column = of->nodes_len > 1 ? of->text : plan->columns[of->nodes[0].column].name;
        struct sotto_plan_clause clause = {.kind = SOTTO_CLAUSE_KEY,
                                           .text = column,
                                           .bytes = strlen(column),
                                           .form = SOTTO_FORM_CELLS};
        status = sink(context, &clause, err);
    }
    for (size_t i = 0; status == SOTTO_OK && i < plan->outputs_len; i++) {
        status = tell_output(&plan->outputs[i], plan->verify != SOTTO_PLAN_VERIFY_NEVER, sink,
                             context, schema, err);
    }
    return status;
}
