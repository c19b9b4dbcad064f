/* SPDX-License-Identifier: Apache-2.0 */

/* Operations as sums of monomials. It leans on the round's program. The one idea: operands stand
 * before their operations, so that one pass expands all; what would be too many monomials, or too
 * many factors, is one value. */

#include "contribute/measures.h"

#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

#define MONOMIALS_MAX 64

static bool set_one(struct sotto__monomials *out, const struct sotto__monomial *monomial)
{
    out->list = sotto_alloc_array(1, sizeof *out->list);
    if (out->list == NULL) {
        return false;
    }
    out->list[0] = *monomial;
    out->len = 1;
    return true;
}

/* The operation itself is the value: whatever made it is not looked into. */
static bool set_value(struct sotto__monomials *out, size_t op)
{
    struct sotto__monomial monomial = {
        .values = {op}, .values_len = 1, .present = {op}, .present_len = 1};
    return set_one(out, &monomial);
}

static bool copy_monomials(struct sotto__monomials *out, const struct sotto__monomials *from)
{
    out->list = sotto_alloc_array(from->len, sizeof *out->list);
    if (out->list == NULL) {
        return false;
    }
    memcpy(out->list, from->list, from->len * sizeof *out->list);
    out->len = from->len;
    return true;
}

static int compare_sizes(const void *a, const void *b)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Returns: false if there are too many. */
static bool add_present(struct sotto__monomial *in_out, const struct sotto__monomial *from)
{
    for (size_t i = 0; i < from->present_len; i++) {
        bool is_there = false;
        for (size_t j = 0; j < in_out->present_len; j++) {
            is_there = is_there || in_out->present[j] == from->present[i];
        }
        if (!is_there && in_out->present_len == SOTTO__MEASURE_PRESENT_MAX) {
            return false;
        }
        if (!is_there) {
            in_out->present[in_out->present_len++] = from->present[i];
        }
    }
    qsort(in_out->present, in_out->present_len, sizeof in_out->present[0], compare_sizes);
    return true;
}

static bool add_all_present(struct sotto__monomial *in_out, const struct sotto__monomials *from)
{
    bool fits = true;
    for (size_t i = 0; fits && i < from->len; i++) {
        fits = add_present(in_out, &from->list[i]);
    }
    return fits;
}

/* Returns: false if the product has too many factors. */
static bool multiply_two(struct sotto__monomial *out, const struct sotto__monomial *x,
                         const struct sotto__monomial *y)
{
    if (x->values_len + y->values_len > SOTTO__MEASURE_VALUES_MAX) {
        return false;
    }
    *out = *x;
    for (size_t i = 0; i < y->values_len; i++) {
        out->values[out->values_len++] = y->values[i];
    }
    qsort(out->values, out->values_len, sizeof out->values[0], compare_sizes);
    return add_present(out, y);
}

bool sotto__monomial_is_same(const struct sotto__monomial *x, const struct sotto__monomial *y)
{
    return x->values_len == y->values_len && x->present_len == y->present_len &&
           memcmp(x->values, y->values, x->values_len * sizeof x->values[0]) == 0 &&
           memcmp(x->present, y->present, x->present_len * sizeof x->present[0]) == 0;
}

/* Returns: false if there are too many. */
static bool add_monomial(struct sotto__monomials *in_out, const struct sotto__monomial *monomial)
{
    for (size_t i = 0; i < in_out->len; i++) {
        if (sotto__monomial_is_same(&in_out->list[i], monomial)) {
            return true;
        }
    }
    if (in_out->len == MONOMIALS_MAX) {
        return false;
    }
    in_out->list[in_out->len++] = *monomial;
    return true;
}

/* Ends a list that could be made, or has op as its one value instead. */
static bool finish_list(struct sotto__monomials *out, bool fits, size_t op)
{
    if (out->list == NULL || fits) {
        return out->list != NULL;
    }
    sotto_free(out->list);
    return set_value(out, op);
}

/* A product counts where all of both is present. Returns: false if there are too many monomials, or
 * one has too many factors; or without memory, and then there is no list. */
static bool multiply_out(struct sotto__monomials *out, const struct sotto__monomials *x,
                         const struct sotto__monomials *y)
{
    bool fits = true;
    out->list = sotto_alloc_array(MONOMIALS_MAX, sizeof *out->list);
    out->len = 0;
    for (size_t i = 0; out->list != NULL && fits && i < x->len; i++) {
        for (size_t j = 0; fits && j < y->len; j++) {
            struct sotto__monomial product;
            fits = multiply_two(&product, &x->list[i], &y->list[j]) &&
                   add_all_present(&product, x) && add_all_present(&product, y) &&
                   add_monomial(out, &product);
        }
    }
    return fits && out->list != NULL;
}

/* What is no sum of few monomials of few factors is one value. */
static bool set_product(struct sotto__monomials *out, const struct sotto__monomials *x,
                        const struct sotto__monomials *y, size_t op)
{
    bool fits = multiply_out(out, x, y);
    return finish_list(out, fits, op);
}

/* are_both: a row counts where x and y are present. Else x or y counts, whichever a condition says:
 * each is taken as if it counted in all rows. */
static bool set_sum(struct sotto__monomials *out, const struct sotto__monomials *x,
                    const struct sotto__monomials *y, bool are_both, size_t op)
{
    const struct sotto__monomials *all[2] = {x, y};
    bool fits = true;
    out->list = sotto_alloc_array(MONOMIALS_MAX, sizeof *out->list);
    out->len = 0;
    for (size_t i = 0; out->list != NULL && i < 2; i++) {
        for (size_t j = 0; fits && j < all[i]->len; j++) {
            struct sotto__monomial monomial = all[i]->list[j];
            fits =
                (!are_both || (add_all_present(&monomial, x) && add_all_present(&monomial, y))) &&
                add_monomial(out, &monomial);
        }
    }
    return finish_list(out, fits, op);
}

/* x, where y is present. */
static bool set_mask(struct sotto__monomials *out, const struct sotto__monomials *x,
                     const struct sotto__monomials *y, size_t op)
{
    bool fits = true;
    if (!copy_monomials(out, x)) {
        return false;
    }
    for (size_t i = 0; fits && i < out->len; i++) {
        fits = add_all_present(&out->list[i], y);
    }
    return finish_list(out, fits, op);
}

bool sotto__monomials_expand(struct sotto__monomials *lists, const struct sotto__program *program,
                             size_t i)
{
    const struct sotto__op *op = &program->ops[i];
    const struct sotto__monomial nothing = {0};
    bool is_condition = op->type == SOTTO__ROW_BOOL && op->kind != SOTTO__OP_COLUMN;
    if (op->dataset == SOTTO_NONE || op->kind == SOTTO__OP_PARAMETER) {
        return set_one(&lists[i], &nothing);
    }
    switch (op->kind) {
    case SOTTO__OP_NEGATE:
    case SOTTO__OP_FLOAT:
        return copy_monomials(&lists[i], &lists[op->a]);
    case SOTTO__OP_MASK:
        return set_mask(&lists[i], &lists[op->a], &lists[op->b], i);
    case SOTTO__OP_ADD:
    case SOTTO__OP_SUBTRACT:
        return set_sum(&lists[i], &lists[op->a], &lists[op->b], true, i);
    case SOTTO__OP_ADD_SCALED: /* a parameter is a coefficient */
        return op->a != SOTTO_NONE && op->b != SOTTO_NONE
                   ? set_sum(&lists[i], &lists[op->a], &lists[op->b], true, i)
                   : copy_monomials(&lists[i], &lists[op->a != SOTTO_NONE ? op->a : op->b]);
    case SOTTO__OP_IF:
        if (op->clips) {
            return set_value(&lists[i], i);
        }
        return set_sum(&lists[i], &lists[op->a], &lists[op->b], false, i);
    case SOTTO__OP_MULTIPLY:
        return set_product(&lists[i], &lists[op->a], &lists[op->b], i);
    default: /* a condition is a factor of 1 */
        return is_condition ? set_one(&lists[i], &nothing) : set_value(&lists[i], i);
    }
}

bool sotto__monomials_find_product(struct sotto__monomials *out,
                                   const struct sotto__monomials *lists, const size_t *factors,
                                   size_t len)
{
    struct sotto__monomial plain = {0};
    bool fits = true;
    if (!copy_monomials(out, &lists[factors[0]])) {
        return false;
    }
    for (size_t i = 1; fits && i < len; i++) {
        struct sotto__monomials next;
        fits = multiply_out(&next, out, &lists[factors[i]]);
        sotto_free(out->list);
        *out = next;
    }
    if (fits || out->list == NULL) {
        return out->list != NULL;
    }
    for (size_t i = 0; i < len; i++) {
        const struct sotto__monomial before = plain;
        const struct sotto__monomial factor = {
            .values = {factors[i]}, .values_len = 1, .present = {factors[i]}, .present_len = 1};
        SOTTO_REQUIRE(multiply_two(&plain, &before, &factor));
    }
    sotto_free(out->list);
    return set_one(out, &plain);
}
