/* SPDX-License-Identifier: Apache-2.0 */

/* The monomials of an operation, of at most two factors each. It leans on the round's program. The
 * one idea: what has more, or can't be multiplied out, is a factor itself. */

#include "contribute/inquiring.h"

size_t sotto__factors_peel(const struct sotto__program *program, size_t op)
{
    for (;;) {
        const struct sotto__op *at = &program->ops[op];
        bool is_scaled = at->kind == SOTTO__OP_MULTIPLY &&
                         program->ops[at->b].kind == SOTTO__OP_CONSTANT &&
                         program->ops[at->a].dataset != SOTTO_NONE;
        bool is_choice = at->kind == SOTTO__OP_IF && program->ops[at->b].is_null;
        if (at->kind != SOTTO__OP_MASK && at->kind != SOTTO__OP_FLOAT &&
            at->kind != SOTTO__OP_NEGATE && !is_scaled && !is_choice) {
            return op;
        }
        op = at->a;
    }
}

bool sotto__factors_add(struct sotto__factors *out, size_t a, size_t b)
{
    if (a == SOTTO_NONE || (b != SOTTO_NONE && b < a)) {
        size_t first = b;
        b = a;
        a = first;
    }
    for (size_t i = 0; i < out->len; i++) {
        if (out->factors[i][0] == a && out->factors[i][1] == b) {
            return true;
        }
    }
    if (out->len == SOTTO__FACTORS_MAX) {
        return false;
    }
    out->factors[out->len][0] = a;
    out->factors[out->len++][1] = b;
    return true;
}

bool sotto__factors_multiply(struct sotto__factors *out, const struct sotto__factors *a,
                             const struct sotto__factors *b)
{
    for (size_t i = 0; i < a->len; i++) {
        for (size_t j = 0; j < b->len; j++) {
            const size_t *x = a->factors[i];
            const size_t *y = b->factors[j];
            bool is_first = x[1] == SOTTO_NONE && y[1] == SOTTO_NONE;
            bool is_constant = x[0] == SOTTO_NONE || y[0] == SOTTO_NONE;
            if (!is_first && !is_constant) {
                return false;
            }
            const size_t *kept = x[0] == SOTTO_NONE ? y : x;
            if (!(is_constant ? sotto__factors_add(out, kept[0], kept[1])
                              : sotto__factors_add(out, x[0], y[0]))) {
                return false;
            }
        }
    }
    return true;
}

void sotto__factors_expand(const struct sotto__program *program, struct sotto__factors *out,
                           size_t op)
{
    op = sotto__factors_peel(program, op);
    const struct sotto__op *at = &program->ops[op];
    struct sotto__factors a = {.len = 0};
    struct sotto__factors b = {.len = 0};
    bool is_sum = at->kind == SOTTO__OP_ADD || at->kind == SOTTO__OP_SUBTRACT;
    out->len = 0;
    if (at->dataset == SOTTO_NONE) {
        (void)sotto__factors_add(out, SOTTO_NONE, SOTTO_NONE);
        return;
    }
    if (is_sum || at->kind == SOTTO__OP_MULTIPLY) {
        sotto__factors_expand(program, &a, at->a);
        sotto__factors_expand(program, &b, at->b);
    }
    bool is_known = at->kind == SOTTO__OP_MULTIPLY && sotto__factors_multiply(out, &a, &b);
    if (is_sum) {
        is_known = true;
        *out = a;
        for (size_t i = 0; i < b.len; i++) {
            is_known = is_known && sotto__factors_add(out, b.factors[i][0], b.factors[i][1]);
        }
    }
    if (!is_known) {
        out->len = 0;
        (void)sotto__factors_add(out, op, SOTTO_NONE);
    }
}
