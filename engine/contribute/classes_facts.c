/* SPDX-License-Identifier: Apache-2.0 */

/* What a class of rows says of sums, for a judge who looks at no values: how many rows stand behind
 * each, whether they add anything, and whether a factor has more than one value. It leans on
 * classes_add.c, which has made a row of the class and knows what operations are in it. The one
 * idea: the least and the largest value of a column tell whether it has two, or any but 0. */

#include "contribute/classes.h"

#include <math.h>
#include <string.h>

/* The values of an operation in a class. */
struct values {
    uint64_t ends[2]; /* the first and the last one, as 64 bits: equal where they are */
    size_t product;   /* the column that they are made of, 0: none */
    bool is_any;      /* one of them is not 0 */
    bool are_all;     /* none is 0 */
};

static void set_double(struct values *out, size_t end, double value)
{
    double whole = value + 0.0; /* 0 and -0 are one */
    memcpy(&out->ends[end], &whole, sizeof whole);
}

static struct values find_doubles(const struct sotto_classes *classes,
                                  const struct sotto__form *form, double value)
{
    struct values out = {.product = 0};
    double least = value;
    double most = value;
    for (size_t i = 0; form->kind != SOTTO__FORM_FIXED && i < form->products_len; i++) {
        out.product = mpz_sgn(form->factors[i]) != 0 ? form->products[i] : out.product;
    }
    if (out.product != 0 && isfinite(value)) {
        least = classes->extents[out.product - 1].double_least;
        most = classes->extents[out.product - 1].double_most;
    }
    set_double(&out, 0, least);
    set_double(&out, 1, most);
    out.is_any = least != 0 || most != 0;
    out.are_all = least > 0 || most < 0;
    return out;
}

/* The bits of factor x value, and its sign. */
static int multiply(uint64_t *out, const mpz_t factor, int64_t value)
{
    mpz_t product;
    mpz_init(product);
    mpz_mul_si(product, factor, value);
    int sign = mpz_sgn(product);
    mpz_fdiv_r_2exp(product, product, 64);
    *out = mpz_get_ui(product);
    mpz_clear(product);
    return sign;
}

static struct values find_exacts(const struct sotto_classes *classes,
                                 const struct sotto__form *form, const struct sotto__register *reg)
{
    struct values out = {.product = 0};
    mpz_t factor;
    int signs[2];
    struct sotto_classes_extent extent = {.least = 1, .most = 1};
    mpz_init(factor);
    if (form->kind == SOTTO__FORM_FIXED) {
        sotto__limbs_import(factor, reg->values, reg->limbs);
    }
    for (size_t i = 0; form->kind != SOTTO__FORM_FIXED && i < form->products_len; i++) {
        if (mpz_sgn(form->factors[i]) != 0) {
            mpz_set(factor, form->factors[i]);
            out.product = form->products[i];
        }
    }
    if (out.product != 0) {
        extent = classes->extents[out.product - 1];
    }
    signs[0] = multiply(&out.ends[0], factor, extent.least);
    signs[1] = multiply(&out.ends[1], factor, extent.most);
    out.is_any = signs[0] != 0 || signs[1] != 0;
    out.are_all = signs[0] * signs[1] > 0;
    mpz_clear(factor);
    return out;
}

static struct values find_values(const struct sotto_classes *classes,
                                 const struct sotto__rows *rows, size_t op)
{
    const struct sotto__register *reg = &rows->registers[op];
    const struct sotto__form *form = &classes->forms[op];
    return classes->program->ops[op].type == SOTTO__ROW_FLOAT
               ? find_doubles(classes, form, *(const double *)reg->values)
               : find_exacts(classes, form, reg);
}

/* Whether a product is not 0 in any row. */
static bool is_product(const struct sotto_classes *classes, const struct values *a,
                       const struct values *b)
{
    bool are_one = a->product == b->product;
    bool is_told = a->product == 0 || b->product == 0 || a->are_all || b->are_all || are_one;
    if (!a->is_any || !b->is_any) {
        return false;
    }
    size_t joined = sotto__product_join(a->product, b->product);
    for (size_t i = 0; i < classes->products_len; i++) {
        if (classes->numbers[i] == joined && a->product != 0 && b->product != 0) {
            return classes->meet[i] != 0;
        }
    }
    return is_told;
}

static bool is_infinite(const struct sotto__rows *rows, size_t op)
{
    return rows->program->ops[op].type == SOTTO__ROW_FLOAT &&
           isinf(*(const double *)rows->registers[op].values);
}

/* Whether the row is one of those that a sum is opened over. */
static bool is_within(const struct sotto__rows *rows, size_t state, size_t minus)
{
    return rows->registers[state].state[0] == 0 &&
           (minus == SOTTO_NONE || rows->registers[minus].state[0] != 0);
}

static void take_sum(struct sotto_classes *classes, const struct sotto__rows *rows, size_t at,
                     size_t group)
{
    struct sotto_evidence *evidence = &classes->contribution->evidence;
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto_evidence_sum *sum = &inquiry->sums[at];
    struct sotto_evidence_terms *terms = &evidence->terms[group * inquiry->sums_len + at];
    struct values values[2] = {{.product = 0}};
    uint64_t infinite = 0;
    for (size_t i = 0; i < 2 && sum->factors[i] != SOTTO_NONE; i++) {
        size_t op = inquiry->column_ops[sum->factors[i]];
        values[i] = find_values(classes, rows, op);
        infinite += is_infinite(rows, op) && (i == 0 || sum->factors[0] != sum->factors[1]);
    }
    bool is_any = sum->factors[1] == SOTTO_NONE ? values[0].is_any
                                                : is_product(classes, &values[0], &values[1]);
    terms->rows += classes->class_rows;
    terms->infinite += infinite * classes->class_rows;
    /* How much it is all together nobody asks, but whether it is anything. */
    terms->total += infinite == 0 && is_any ? 1 : 0;
}

static void take_spread(struct sotto_classes *classes, const struct sotto__rows *rows, size_t at,
                        size_t group)
{
    struct sotto_evidence *evidence = &classes->contribution->evidence;
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    struct sotto__spread_values *spread = &evidence->spreads[group * inquiry->spreads_len + at];
    struct values values =
        find_values(classes, rows, inquiry->column_ops[inquiry->spreads[at].column]);
    for (size_t i = 0; i < 2 && !spread->is_over; i++) {
        uint64_t count = i == 0 ? classes->class_rows : values.ends[0] != values.ends[1];
        if (count > 0) {
            sotto__evidence_keep(
                evidence, sotto__spread_add(spread, values.ends[i], count, evidence->values_max));
        }
    }
}

void sotto__classes_take_facts(struct sotto_classes *classes, const struct sotto__rows *rows,
                               size_t group)
{
    const struct sotto__inquiry *inquiry = classes->contribution->evidence.inquiry;
    if (sotto__program_selects(rows->program) && rows->skipped[0] != 0) {
        return;
    }
    for (size_t i = 0; i < inquiry->sums_len; i++) {
        const struct sotto__trace *trace = &inquiry->traces[i];
        bool is_here = inquiry->columns[inquiry->sums[i].factors[0]].dataset == classes->dataset;
        if (is_here && is_within(rows, trace->state, trace->minus)) {
            take_sum(classes, rows, i, group);
        }
    }
    for (size_t i = 0; i < inquiry->spreads_len; i++) {
        const struct sotto__spread *spread = &inquiry->spreads[i];
        bool is_here = inquiry->columns[spread->column].dataset == classes->dataset;
        if (is_here && is_within(rows, spread->state, spread->minus)) {
            take_spread(classes, rows, i, group);
        }
    }
}
