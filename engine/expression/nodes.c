/* SPDX-License-Identifier: Apache-2.0 */

/* What the nodes of a tree have in common, whatever they are: their children, and their end. All
 * who walk a tree ask here which of a node's indices are children, so that a new kind of node is
 * known to each of them. */

#include "expression/defined.h"
#include "expression/dummies.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

size_t sotto__node_children(const struct sotto__node *node, size_t out[3])
{
    out[0] = node->left;
    out[1] = node->right;
    out[2] = node->third;
    switch (node->kind) {
    case SOTTO__NODE_LITERAL:
    case SOTTO__NODE_TEXT:
    case SOTTO__NODE_NA:
    case SOTTO__NODE_COLUMN:
    case SOTTO__NODE_STAR:
        return 0;
    case SOTTO__NODE_NEGATE:
    case SOTTO__NODE_NOT:
    case SOTTO__NODE_POWER:
        return 1;
    case SOTTO__NODE_LIST:
        out[0] = node->right;
        out[1] = node->left;
        return node->left == SOTTO_NONE ? 1 : 2;
    case SOTTO__NODE_CALL:
    case SOTTO__NODE_AGGREGATE:
        return node->right == SOTTO_NONE ? 1 : node->third == SOTTO_NONE ? 2 : 3;
    default:
        return 2;
    }
}

void sotto__node_columns(const struct sotto__node *call, size_t out[2])
{
    bool has_value = call->third != SOTTO_NONE;
    out[0] = has_value ? call->right : call->left;
    out[1] = has_value ? call->third : call->right;
}

bool sotto__reads_data(const struct sotto__node *node)
{
    return node->kind == SOTTO__NODE_COLUMN || node->kind == SOTTO__NODE_STAR;
}

size_t sotto__columns_find(size_t *out, const struct sotto__expression *expression, size_t node)
{
    bool is_part[SOTTO__EXPRESSION_NODES_MAX] = {false};
    size_t len = 0;
    is_part[node] = true;
    for (size_t i = node + 1; i-- > 0;) { /* items stand before their lists */
        size_t parts[3];
        bool is_list = is_part[i] && expression->nodes[i].kind == SOTTO__NODE_LIST;
        size_t parts_len = is_list ? sotto__node_children(&expression->nodes[i], parts) : 0;
        for (size_t j = 0; j < parts_len; j++) {
            is_part[parts[j]] = true;
        }
        if (is_part[i] && !is_list && !sotto__reads_data(&expression->nodes[i])) {
            return 0;
        }
        is_part[i] = is_part[i] && !is_list;
    }
    for (size_t i = 0; i <= node; i++) {
        if (is_part[i]) {
            out[len++] = i;
        }
    }
    return len;
}

size_t sotto__list_items(size_t *out, const struct sotto__expression *expression, size_t list)
{
    size_t len = 0;
    for (size_t i = list; i != SOTTO_NONE; i = expression->nodes[i].left) {
        len++;
    }
    for (size_t i = list, at = len; i != SOTTO_NONE; i = expression->nodes[i].left) {
        out[--at] = i;
    }
    return len;
}

void sotto__dummy_write_level(char *out, size_t out_bytes,
                              const struct sotto__expression *expression,
                              const struct sotto__node *dummy, bool is_reference)
{
    const struct sotto__node *nodes = expression->nodes;
    while (is_reference && nodes[dummy->third].kind != SOTTO__NODE_NA) {
        dummy = &nodes[dummy->third]; /* the parts that are 0, the first level's last */
    }
    const struct sotto__node *equal = &nodes[dummy->left];
    const struct sotto__node *level = &nodes[equal->right];
    size_t bytes = strcspn(expression->text + equal->start, ",)");
    if (level->kind == SOTTO__NODE_TEXT) {
        (void)snprintf(out, out_bytes, "%s", level->name);
    } else {
        (void)snprintf(out, out_bytes, "%.*s", (int)bytes, expression->text + equal->start);
    }
}

const struct sotto__node *sotto__literal_find(bool *out_negative,
                                              const struct sotto__expression *expression,
                                              const struct sotto__node *node)
{
    bool is_negative = false;
    while (node->kind == SOTTO__NODE_NEGATE) {
        is_negative = !is_negative;
        node = &expression->nodes[node->left];
    }
    *out_negative = is_negative;
    return node->kind == SOTTO__NODE_LITERAL ? node : NULL;
}

void sotto__value_set_node(struct sotto__value *value, const struct sotto__expression *expression,
                           const struct sotto__node *literal)
{
    if (!literal->is_whole) {
        sotto__value_set_literal(value, expression->text + literal->start, literal->bytes);
        return;
    }
    sotto__value_set_special(value, SOTTO__VALUE_FINITE);
    mpq_set_si(value->number, literal->whole, literal->is_micro ? 1000000 : 1);
    mpq_canonicalize(value->number);
}

void sotto__expression_release(struct sotto__expression *expression)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        sotto_free(expression->nodes[i].dataset);
        sotto_free(expression->nodes[i].name);
    }
    sotto__levels_release(expression->levels, expression->levels_len);
    sotto__defined_free(expression->defined);
    sotto_free(expression->nodes);
    sotto_free(expression->text);
    *expression = (struct sotto__expression){0};
}
