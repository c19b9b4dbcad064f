/* SPDX-License-Identifier: Apache-2.0 */

/* Which nodes are row-wise, and which round opens what. It leans on the order of nodes: one pass up
 * finds places and rounds, one pass down what a round computes for its rows.
 *
 * The one idea: an aggregate inside a row-wise expression must be known before rows are read for
 * the aggregate around it. */

#include "expression/places.h"

#include <sotto/alloc.h>
#include <string.h>

static enum sotto__place join_places(enum sotto__place a, enum sotto__place b)
{
    if (a == SOTTO__PLACE_ROW || b == SOTTO__PLACE_ROW) {
        return SOTTO__PLACE_ROW;
    }
    return a == SOTTO__PLACE_AGGREGATE || b == SOTTO__PLACE_AGGREGATE ? SOTTO__PLACE_AGGREGATE
                                                                      : SOTTO__PLACE_CONSTANT;
}

void sotto__places_find(struct sotto__places *out, const struct sotto__expression *expression)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        size_t children[3];
        size_t children_len = sotto__node_children(node, children);
        out->place[i] = sotto__reads_data(node) ? SOTTO__PLACE_ROW : SOTTO__PLACE_CONSTANT;
        out->round[i] = 0;
        for (size_t j = 0; j < children_len; j++) {
            size_t child = children[j];
            out->place[i] = join_places(out->place[i], out->place[child]);
            out->round[i] = out->round[child] > out->round[i] ? out->round[child] : out->round[i];
        }
        if (node->kind == SOTTO__NODE_AGGREGATE) {
            out->place[i] = SOTTO__PLACE_AGGREGATE;
            out->round[i] += node->rounds;
        }
    }
}

bool sotto__opens_in_round(const struct sotto__places *places,
                           const struct sotto__expression *expression, size_t i, unsigned round)
{
    const struct sotto__node *node = &expression->nodes[i];
    return node->kind == SOTTO__NODE_AGGREGATE && round <= places->round[i] &&
           round + node->rounds > places->round[i];
}

void sotto__places_find_rows(bool *out, const struct sotto__places *places,
                             const struct sotto__expression *expression, const bool *opened)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        out[i] = false;
    }
    for (size_t i = expression->nodes_len; i-- > 0;) {
        const struct sotto__node *node = &expression->nodes[i];
        bool known = places->place[i] == SOTTO__PLACE_AGGREGATE;
        size_t children[3];
        size_t children_len = sotto__node_children(node, children);
        for (size_t j = 0; j < children_len; j++) {
            out[children[j]] = out[children[j]] || opened[i] || (out[i] && !known);
        }
    }
}
