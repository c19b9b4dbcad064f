/* SPDX-License-Identifier: Apache-2.0 */

/* Numbers that earlier rounds opened and that row-wise expressions of this round read, mean(x) in
 * mean((x - mean(x)) ** 2). It leans on the moments of the rounds before: by which sums an
 * aggregate was opened.
 *
 * The one idea: two such numbers are the same one if their trees are alike and their aggregates
 * have the same function, options and sums. Texts may differ. So a number is computed
 * once, and what is built on it is shared (operations.h), whichever outputs ask for it. */

#include "program/program.h"

#include <sotto/alloc.h>
#include <string.h>

/* A place in a number's expression, which is a tree with aggregates and literals as its leaves. */
struct earlier_place {
    const struct sotto__earlier_number *inner;
    size_t node;
};

/* Returns: the sums behind an aggregate, in the program of the round that opened it. earlier: of
 * all aggregates. */
static const struct sotto__moments *find_moments(const struct earlier_place *number,
                                                 const struct sotto__moments *earlier)
{
    const struct sotto__node *nodes = number->inner->expression->nodes;
    size_t at = number->inner->first_moments;
    for (size_t i = 0; i < number->node; i++) {
        at += nodes[i].kind == SOTTO__NODE_AGGREGATE;
    }
    return &earlier[at];
}

/* Recursion: as deep as the expression, which has at most SOTTO__EXPRESSION_NODES_MAX levels. */
static bool is_same_number(const struct earlier_place *x, const struct earlier_place *y,
                           const struct sotto__moments *earlier)
{
    const struct sotto__expression *of_x = x->inner->expression;
    const struct sotto__expression *of_y = y->inner->expression;
    const struct sotto__node *a = &of_x->nodes[x->node];
    const struct sotto__node *b = &of_y->nodes[y->node];
    if (a->kind != b->kind || a->function != b->function || a->exponent != b->exponent ||
        !sotto__options_equal(&a->options, &b->options)) {
        return false;
    }
    if (a->kind == SOTTO__NODE_LITERAL) {
        return a->is_whole == b->is_whole && a->whole == b->whole && a->is_micro == b->is_micro &&
               a->bytes == b->bytes &&
               memcmp(of_x->text + a->start, of_y->text + b->start, a->bytes) == 0;
    }
    if (a->kind == SOTTO__NODE_AGGREGATE) {
        const struct sotto__moments *m = find_moments(x, earlier);
        const struct sotto__moments *n = find_moments(y, earlier);
        return m->round == n->round && m->call == n->call &&
               memcmp(m->terms, n->terms, sizeof m->terms) == 0;
    }
    size_t m[3];
    size_t n[3];
    size_t len = sotto__node_children(a, m);
    bool same = len == sotto__node_children(b, n);
    for (size_t i = 0; same && i < len; i++) {
        same = is_same_number(&(struct earlier_place){x->inner, m[i]},
                              &(struct earlier_place){y->inner, n[i]}, earlier);
    }
    return same;
}

enum sotto_status sotto__earlier_number_find(struct sotto__program *program, size_t *out,
                                             const struct sotto__earlier_number *inner,
                                             const struct sotto__moments *earlier)
{
    struct earlier_place wanted = {inner, inner->node};
    for (size_t i = 0; i < program->earlier_numbers_len; i++) {
        struct earlier_place other = {&program->earlier_numbers[i],
                                      program->earlier_numbers[i].node};
        if (is_same_number(&wanted, &other, earlier)) {
            *out = program->earlier_numbers[i].place;
            return SOTTO_OK;
        }
    }
    void *earlier_numbers = program->earlier_numbers;
    if (sotto_array_reserve(&earlier_numbers, &program->earlier_numbers_capacity_len,
                            program->earlier_numbers_len + 1, sizeof *inner) != SOTTO_OK) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    program->earlier_numbers = earlier_numbers;
    struct sotto__earlier_number *added = &program->earlier_numbers[program->earlier_numbers_len++];
    *added = *inner;
    added->place = program->parameters_len++;
    *out = added->place;
    return SOTTO_OK;
}
