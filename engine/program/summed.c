/* SPDX-License-Identifier: Apache-2.0 */

/* Which operations nobody needs the values of, only their sum over a block. Leans on the order of
 * operations: operands stand before what uses them.
 *
 * The one idea: a sum of x + y is the sum of x and that of y, and a sum of products of integers is
 * added up without the products being kept. So where all that reads an operation is a sum of all
 * rows, its values need not be made (rows.c), unless some row has none. */

#include "program/compile.h"

static bool is_linear(enum sotto__op_kind kind)
{
    return kind == SOTTO__OP_ADD || kind == SOTTO__OP_SUBTRACT || kind == SOTTO__OP_NEGATE;
}

static bool may_be_summed(const struct sotto__op *op)
{
    return (is_linear(op->kind) || op->kind == SOTTO__OP_MULTIPLY) &&
           op->type == SOTTO__ROW_EXACT && op->dataset != SOTTO_NONE && !op->is_early &&
           !op->is_idle;
}

/* A count reads states, which are made in any case. */
static bool reads_values(const struct sotto__term *term)
{
    return term->index != SOTTO_NONE || term->times != SOTTO_NONE || term->factors_len != 1;
}

static void need_values(struct sotto__program *program, size_t op)
{
    if (op != SOTTO_NONE) {
        program->ops[op].is_summed = false;
    }
}

void sotto__summed_find(struct sotto__program *program)
{
    for (size_t i = 0; i < program->ops_len; i++) {
        struct sotto__op *op = &program->ops[i];
        op->is_summed = !sotto__program_selects(program) && may_be_summed(op);
    }
    for (size_t i = 0; i < program->indices_len; i++) {
        const struct sotto__index *index = &program->indices[i];
        need_values(program, index->op);
        for (size_t j = 0; j < index->ops_len; j++) {
            need_values(program, index->ops[j]);
        }
    }
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        for (size_t j = 0; reads_values(term) && j < term->factors_len; j++) {
            need_values(program, term->factors[j]);
        }
        need_values(program, term->times);
    }
    for (size_t i = program->ops_len; i-- > 0;) {
        const struct sotto__op *op = &program->ops[i];
        if (!op->is_idle && !(op->is_summed && is_linear(op->kind))) {
            need_values(program, op->a);
            need_values(program, op->b);
            need_values(program, op->c);
        }
    }
}
