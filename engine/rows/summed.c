/* SPDX-License-Identifier: Apache-2.0 */

/* Sums of a block in place of its values, for operations that nothing else reads
 * (program/summed.c). It leans on the bounds that exact.c computes, and on the kernels for sums.
 *
 * The one idea: what is linear adds up its operands' sums, each of which is made once for a block;
 * a product's is added up as it is made. A row without a value would need the others, so a block
 * that has one goes the usual way, and so does what comes of it. */

#include "kernels/blocks.h"
#include "rows/rows.h"

sotto__int128 sotto__register_sum(struct sotto__register *reg, size_t len)
{
    if (reg->summed_len != len) {
        SOTTO_REQUIRE(reg->values != NULL && reg->limbs <= 2);
        reg->sum = reg->limbs == 2 ? sotto__blocks()->sum_wide(reg->values, len)
                                   : sotto__blocks()->sum_narrow(reg->values, len);
        reg->summed_len = len;
    }
    return reg->sum;
}

static bool is_factor(const struct sotto__register *reg)
{
    return reg->limbs == 1 && reg->bits <= SOTTO__FACTOR_BITS_MAX;
}

bool sotto__rows_make_sum(const struct sotto__rows *rows, struct sotto__register *out,
                          const struct sotto__op *op, size_t len)
{
    struct sotto__register *a = &rows->registers[op->a];
    struct sotto__register *b = op->b != SOTTO_NONE ? &rows->registers[op->b] : a;
    unsigned bits = sotto__exact_bits(op->kind, a, b);
    bool is_product = op->kind == SOTTO__OP_MULTIPLY;
    if (!rows->makes_sums || !op->is_summed || out->state != rows->no_state ||
        bits > SOTTO__SUM_BITS_MAX || (is_product && (!is_factor(a) || !is_factor(b)))) {
        return false;
    }
    if (is_product) {
        out->sum = sotto__blocks()->sum_narrow_products(a->values, b->values, len);
    } else if (op->kind == SOTTO__OP_NEGATE) {
        out->sum = -sotto__register_sum(a, len);
    } else {
        sotto__int128 x = sotto__register_sum(a, len);
        sotto__int128 y = sotto__register_sum(b, len);
        out->sum = op->kind == SOTTO__OP_ADD ? x + y : x - y;
    }
    out->summed_len = len;
    out->values = NULL;
    out->bits = bits;
    out->limbs = sotto__limbs_of_bits(bits);
    return true;
}

void sotto__rows_make_values(const struct sotto__rows *rows, const struct sotto__op *before,
                             size_t len)
{
    const struct sotto__op *ops = rows->program->ops;
    size_t end = (size_t)(before - ops);
    bool is_needed = rows->registers[before->a].values == NULL ||
                     (before->b != SOTTO_NONE && rows->registers[before->b].values == NULL);
    for (size_t i = 0; is_needed && i < end; i++) {
        struct sotto__register *reg = &rows->registers[i];
        if (reg->values == NULL && ops[i].dataset == before->dataset && !ops[i].is_idle) {
            const struct sotto__register *a = &rows->registers[ops[i].a];
            const struct sotto__register *b =
                ops[i].b != SOTTO_NONE ? &rows->registers[ops[i].b] : a;
            sotto__exact_apply(reg, ops[i].kind, a, b, rows->scratch, len);
        }
    }
}
