/* SPDX-License-Identifier: Apache-2.0 */

/* What a plan could take out of single rows (LEAKAGE.md), in words that an owner can read. It leans
 * on the functions' cards for what sums an aggregate opens. The one idea: a sum of a polynomial of
 * low degree in the columns says little of a row, anything else may say all; so the degree of what
 * is summed up decides, and what is not known to be a polynomial is none. */

#include "expression/places.h"
#include "plan/plan.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define WORDS_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define DEGREE_ADMITTED 2

static unsigned least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned most_of(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* The degree of row-wise node i as a polynomial in columns, or SOTTO__DEGREE_OTHER. */
static unsigned degree_of(const unsigned *degrees, const struct sotto__node *node)
{
    size_t children[3];
    size_t children_len = sotto__node_children(node, children);
    unsigned a = children_len > 0 ? degrees[children[0]] : 0;
    unsigned b = children_len > 1 ? degrees[children[1]] : 0;
    switch (node->kind) {
    case SOTTO__NODE_LITERAL:
        return 0;
    case SOTTO__NODE_COLUMN:
    case SOTTO__NODE_STAR:
        return 1;
    case SOTTO__NODE_LIST:
        return most_of(a, b);
    case SOTTO__NODE_NEGATE:
        return a;
    case SOTTO__NODE_ADD:
    case SOTTO__NODE_SUBTRACT:
        return most_of(a, b);
    case SOTTO__NODE_MULTIPLY:
        return least_of(a + b, SOTTO__DEGREE_OTHER);
    case SOTTO__NODE_POWER:
        return node->exponent >= 0 ? least_of(a * (unsigned)node->exponent, SOTTO__DEGREE_OTHER)
                                   : SOTTO__DEGREE_OTHER;
    default:
        return SOTTO__DEGREE_OTHER;
    }
}

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

/* Writes the columns that are read below node. *out_bare: they are taken as they are. Returns:
 * false if there are doubles among them. */
static bool write_columns(struct sotto_writer *writer, bool *out_bare,
                          const struct sotto__expression *expression, size_t node,
                          const struct sotto_schema *schema)
{
    bool below[SOTTO__EXPRESSION_NODES_MAX] = {false};
    bool exact = true;
    bool first = true;
    below[node] = true;
    *out_bare = true;
    for (size_t i = node + 1; i-- > 0;) {
        const struct sotto__node *at = &expression->nodes[i];
        size_t children[3];
        size_t children_len = below[i] ? sotto__node_children(at, children) : 0;
        bool is_column = at->kind == SOTTO__NODE_COLUMN || at->kind == SOTTO__NODE_STAR;
        for (size_t j = 0; j < children_len; j++) {
            below[children[j]] = true;
        }
        if (below[i] && is_column) {
            sotto__json_raw(writer, first ? " " : ", ");
            sotto__json_raw(writer,
                            at->kind == SOTTO__NODE_STAR ? "all numeric columns" : at->name);
            first = false;
            exact = exact && !has_doubles(at, schema);
        } else if (below[i] && i != node && at->kind != SOTTO__NODE_LIST) {
            *out_bare = false;
        }
    }
    return exact;
}

/* Why a node is no polynomial, in words for the data owner; NULL where it is one. */
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

/* The operation that makes the argument no polynomial, in words: the last one below the node, or
 * the node itself. */
static const char *find_harm(const struct sotto__expression *expression, size_t node)
{
    bool below[SOTTO__EXPRESSION_NODES_MAX] = {false};
    below[node] = true;
    for (size_t i = node + 1; i-- > 0;) {
        size_t children[3];
        size_t children_len = below[i] ? sotto__node_children(&expression->nodes[i], children) : 0;
        for (size_t j = 0; j < children_len; j++) {
            below[children[j]] = true;
        }
        const char *harm = below[i] && i != node ? harm_of(&expression->nodes[i]) : NULL;
        if (harm != NULL) {
            return harm;
        }
    }
    return harm_of(&expression->nodes[node]);
}

static enum sotto_plan_class classify_aggregate(struct sotto_writer *writer,
                                                const struct sotto__expression *expression,
                                                size_t i, const struct sotto__places *places,
                                                const unsigned *degrees,
                                                const struct sotto_schema *schema)
{
    const struct sotto__node *node = &expression->nodes[i];
    const struct sotto__function_card *card = sotto__function_card(node->function);
    unsigned degree =
        sotto__degree_of_sums(&card->opens, degrees[node->left],
                              degrees[node->right != SOTTO_NONE ? node->right : node->left]);
    bool bare = false;
    char what[120];
    sotto__json_raw(writer, card->name != NULL ? card->name : "an aggregate");
    sotto__json_raw(writer, " of");
    bool exact = write_columns(writer, &bare, expression, i, schema);
    if (places->round[i] > 1) {
        (void)snprintf(what, sizeof what,
                       ": in round %u, with numbers that were opened before, which can single out "
                       "rows\n",
                       places->round[i]);
        sotto__json_raw(writer, what);
        return SOTTO_PLAN_OTHER;
    }
    if (bare && degree <= DEGREE_ADMITTED) {
        sotto__json_raw(writer, ": as they are\n");
        return SOTTO_PLAN_BARE;
    }
    if (degree >= SOTTO__DEGREE_OTHER) {
        const char *harm = find_harm(expression, i);
        (void)snprintf(what, sizeof what, ": by %s, which can single out rows\n",
                       harm != NULL ? harm : "a high power");
        sotto__json_raw(writer, what);
        return SOTTO_PLAN_OTHER;
    }
    (void)snprintf(what, sizeof what, ": opens sums of polynomials of degree %u%s\n", degree,
                   exact ? "" : ", of doubles, whose rounding can single out rows");
    sotto__json_raw(writer, what);
    return exact && degree <= DEGREE_ADMITTED ? SOTTO_PLAN_POLYNOMIAL : SOTTO_PLAN_OTHER;
}

static enum sotto_plan_class classify_output(struct sotto_writer *writer,
                                             const struct sotto__plan_output *output,
                                             const struct sotto_schema *schema)
{
    unsigned degrees[SOTTO__EXPRESSION_NODES_MAX] = {0};
    struct sotto__places places;
    enum sotto_plan_class worst = SOTTO_PLAN_BARE;
    sotto__places_find(&places, &output->expression);
    for (size_t i = 0; i < output->expression.nodes_len; i++) {
        const struct sotto__node *node = &output->expression.nodes[i];
        degrees[i] = degree_of(degrees, node);
        if (node->kind == SOTTO__NODE_AGGREGATE) {
            sotto__json_raw(writer, "output ");
            sotto__json_string(writer, output->name);
            sotto__json_raw(writer, ": ");
            enum sotto_plan_class found =
                classify_aggregate(writer, &output->expression, i, &places, degrees, schema);
            worst = found > worst ? found : worst;
        }
    }
    return worst;
}

enum sotto_status sotto_plan_classify(const struct sotto_plan *plan, enum sotto_plan_class *out,
                                      char **out_words, const struct sotto_schema *schema,
                                      struct sotto_error *err)
{
    SOTTO_REQUIRE(schema == NULL || schema->fields_len == plan->columns_len);
    struct sotto_writer writer;
    enum sotto_plan_class worst = SOTTO_PLAN_BARE;
    sotto_writer_init(&writer, WORDS_BYTES_MAX);
    if (plan->where.nodes_len > 0) {
        sotto__json_raw(&writer, "rows where ");
        sotto__json_raw(&writer, plan->where.text);
        sotto__json_raw(&writer, ": a condition can single out rows\n");
        worst = SOTTO_PLAN_OTHER;
    }
    for (size_t i = 0; i < plan->keys_len; i++) {
        sotto__json_raw(&writer, "by ");
        sotto__json_raw(&writer, plan->columns[plan->keys[i].column.nodes[0].column].name);
        sotto__json_raw(&writer, ": a group can be a single row\n");
        worst = SOTTO_PLAN_OTHER;
    }
    for (size_t i = 0; i < plan->outputs_len; i++) {
        enum sotto_plan_class found = classify_output(&writer, &plan->outputs[i], schema);
        worst = found > worst ? found : worst;
    }
    char *words = NULL;
    enum sotto_status status = sotto__json_finish(&writer, &words);
    if (status != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    *out = worst;
    if (out_words != NULL) {
        *out_words = words;
    } else {
        sotto_free(words);
    }
    return SOTTO_OK;
}

/* --- Statistics --- */

const char *sotto_statistic_name(size_t index)
{
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        const struct sotto__function_card *card = sotto__function_card((enum sotto__function)i);
        if (card->of == SOTTO__FUNCTION_OF_ALL_ROWS && index-- == 0) {
            return card->name;
        }
    }
    return NULL;
}

const char *sotto_plan_other_statistic(const struct sotto_plan *plan, const char *const *allowed,
                                       size_t allowed_len)
{
    for (size_t i = 0; i < plan->outputs_len; i++) {
        const struct sotto__expression *expression = &plan->outputs[i].expression;
        for (size_t j = 0; j < expression->nodes_len; j++) {
            const struct sotto__node *node = &expression->nodes[j];
            const char *name = sotto__function_card(node->function)->name;
            bool is_allowed = node->kind != SOTTO__NODE_AGGREGATE;
            for (size_t k = 0; !is_allowed && k < allowed_len; k++) {
                is_allowed = strcmp(name, allowed[k]) == 0;
            }
            if (!is_allowed) {
                return name;
            }
        }
    }
    return NULL;
}
