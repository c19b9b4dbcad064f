/* SPDX-License-Identifier: Apache-2.0 */

/* Which round opens what: an aggregate inside a row-wise expression must be known before rows are
 * read for the aggregate around it. */

#include "internal.h"

#include <sotto/alloc.h>
#include <string.h>

static enum sotto__place join_places(enum sotto__place a, enum sotto__place b)
{
    if (a == PLACE_ROW || b == PLACE_ROW) {
        return PLACE_ROW;
    }
    return a == PLACE_AGGREGATE || b == PLACE_AGGREGATE ? PLACE_AGGREGATE : PLACE_CONSTANT;
}

bool sotto__reads_data(const struct sotto__node *node)
{
    return node->kind == NODE_COLUMN || node->kind == NODE_STAR;
}

void sotto__places_find(struct sotto__places *out, const struct sotto__expression *expression)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        size_t children[3];
        size_t children_len = sotto__node_children(node, children);
        out->place[i] = sotto__reads_data(node) ? PLACE_ROW : PLACE_CONSTANT;
        out->round[i] = 0;
        for (size_t j = 0; j < children_len; j++) {
            size_t child = children[j];
            out->place[i] = join_places(out->place[i], out->place[child]);
            out->round[i] = out->round[child] > out->round[i] ? out->round[child] : out->round[i];
        }
        if (node->kind == NODE_AGGREGATE) {
            out->place[i] = PLACE_AGGREGATE;
            out->round[i]++;
        }
    }
}

uint32_t sotto_plan_rounds(const struct sotto_plan *plan)
{
    uint32_t rounds = 0;
    for (size_t i = 0; i < plan->outputs_len; i++) {
        struct sotto__places places;
        const struct sotto__expression *expression = &plan->outputs[i].expression;
        SOTTO_REQUIRE(expression->nodes_len > 0);
        sotto__places_find(&places, expression);
        uint32_t round = places.round[expression->nodes_len - 1];
        rounds = round > rounds ? round : rounds;
    }
    return rounds;
}

void sotto__places_find_rows(bool *out, const struct sotto__places *places,
                             const struct sotto__expression *expression, unsigned round)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        out[i] = false;
    }
    for (size_t i = expression->nodes_len; i-- > 0;) {
        const struct sotto__node *node = &expression->nodes[i];
        bool opened = node->kind == NODE_AGGREGATE && places->round[i] == round;
        bool known = places->place[i] == PLACE_AGGREGATE;
        size_t children[3];
        size_t children_len = sotto__node_children(node, children);
        for (size_t j = 0; j < children_len; j++) {
            out[children[j]] = out[children[j]] || opened || (out[i] && !known);
        }
    }
}

/* --- Numbers of earlier rounds --- */

/* A number as an expression on aggregates: a tree, whose leaves are aggregates and literals. */
struct number {
    const struct sotto__inner *inner;
    size_t node;
};

/* The sums behind an aggregate; of the round that opened it. */
static const struct sotto__of *of_number(const struct number *number,
                                         const struct sotto__program *earlier)
{
    const struct sotto__node *nodes = number->inner->expression->nodes;
    size_t at = number->inner->ofs_at;
    for (size_t i = 0; i < number->node; i++) {
        at += nodes[i].kind == NODE_AGGREGATE;
    }
    return &earlier[earlier[0].ofs[at].round - 1].ofs[at];
}

/* Recursion: as deep as the expression, at most EXPRESSION_NODES_MAX. */
static bool same_number(const struct number *x, const struct number *y,
                        const struct sotto__program *earlier)
{
    const struct sotto__expression *of_x = x->inner->expression;
    const struct sotto__expression *of_y = y->inner->expression;
    const struct sotto__node *a = &of_x->nodes[x->node];
    const struct sotto__node *b = &of_y->nodes[y->node];
    if (a->kind != b->kind || a->function != b->function || a->number != b->number) {
        return false;
    }
    if (a->kind == NODE_LITERAL) {
        return a->bytes == b->bytes && /* 0: it is number, not in the text */
               memcmp(of_x->text + a->start, of_y->text + b->start, a->bytes) == 0;
    }
    if (a->kind == NODE_AGGREGATE) {
        const struct sotto__of *m = of_number(x, earlier);
        const struct sotto__of *n = of_number(y, earlier);
        return m->round == n->round && memcmp(m->terms, n->terms, sizeof m->terms) == 0;
    }
    size_t m[3];
    size_t n[3];
    size_t len = sotto__node_children(a, m);
    bool same = len == sotto__node_children(b, n);
    for (size_t i = 0; same && i < len; i++) {
        same = same_number(&(struct number){x->inner, m[i]}, &(struct number){y->inner, n[i]},
                           earlier);
    }
    return same;
}

enum sotto_status sotto__inner_find(struct sotto__program *program, size_t *out,
                                    const struct sotto__inner *inner,
                                    const struct sotto__program *earlier)
{
    struct number wanted = {inner, inner->node};
    for (size_t i = 0; i < program->inners_len; i++) {
        struct number other = {&program->inners[i], program->inners[i].node};
        if (same_number(&wanted, &other, earlier)) {
            *out = i;
            return SOTTO_OK;
        }
    }
    void *inners = program->inners;
    if (sotto_array_reserve(&inners, &program->inners_capacity_len, program->inners_len + 1,
                            sizeof *inner) != SOTTO_OK) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    program->inners = inners;
    *out = program->inners_len++;
    program->inners[*out] = *inner;
    return SOTTO_OK;
}
