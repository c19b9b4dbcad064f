/* SPDX-License-Identifier: Apache-2.0 */

/* What operations are in the rows of a class. It leans on classes_cuts.c for where conditions
 * change. The one idea: operations stand behind their operands, so that one pass finds all; what is
 * not listed here is refused. */

#include "contribute/classes.h"
#include "contribute/inquiring.h"

#include <math.h>
#include <sotto/alloc.h>

/* --- Products --- */

size_t sotto__product_join(size_t a, size_t b)
{
    size_t columns[4] = {a / SOTTO__PRODUCT_BASE, a % SOTTO__PRODUCT_BASE, b / SOTTO__PRODUCT_BASE,
                         b % SOTTO__PRODUCT_BASE};
    size_t found[2] = {0, 0}; /* the larger one last */
    size_t len = 0;
    for (size_t i = 0; i < 4; i++) {
        if (columns[i] != 0 && len == 2) {
            return SOTTO_NONE;
        }
        if (columns[i] != 0) {
            found[1 - len++] = columns[i];
        }
    }
    size_t low = found[0] < found[1] ? found[0] : found[1];
    size_t high = found[0] < found[1] ? found[1] : found[0];
    return low * SOTTO__PRODUCT_BASE + high;
}

/* Gives an operation the products that are marked. */
static enum sotto_status set_products(struct sotto__form *out, const bool *marked)
{
    size_t len = 0;
    for (size_t i = 0; i < SOTTO__PRODUCTS_MAX_NUMBER; i++) {
        len += marked[i];
    }
    out->products = sotto_alloc_array(len + 1, sizeof *out->products);
    out->factors = sotto_alloc_array(len + 1, sizeof *out->factors);
    if (out->products == NULL || out->factors == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < SOTTO__PRODUCTS_MAX_NUMBER; i++) {
        if (marked[i]) {
            mpz_init(out->factors[out->products_len]);
            out->products[out->products_len++] = (uint8_t)i;
        }
    }
    return SOTTO_OK;
}

void sotto__products_mark(bool *in_out, const struct sotto__form *form)
{
    in_out[0] = in_out[0] || form->kind == SOTTO__FORM_FIXED;
    for (size_t i = 0; i < form->products_len; i++) {
        in_out[form->products[i]] = true;
    }
}

/* --- Operations --- */

static bool is_constant(const struct sotto_classes *classes, size_t op)
{
    return classes->program->ops[op].dataset == SOTTO_NONE;
}

/* The value of an exact constant, which the registers of all rows have. */
static void read_constant(mpz_t out, const struct sotto_classes *classes, size_t op)
{
    const struct sotto__register *reg = &classes->rows.registers[op];
    sotto__limbs_import(out, reg->values, reg->limbs);
}

/* Reads an operation as factor x column + offset. Recursion: as deep as the expression. Returns:
 * false if it is something else. */
static bool read_line(size_t *out_column, mpz_t factor, mpz_t offset,
                      const struct sotto_classes *classes, size_t op)
{
    const struct sotto__op *at = &classes->program->ops[op];
    const struct sotto__form *form = &classes->forms[op];
    if (form->kind != SOTTO__FORM_EXACT) {
        return false;
    }
    if (at->kind == SOTTO__OP_COLUMN) {
        *out_column = (size_t)form->products[0] - 1;
        mpz_set_ui(factor, 1);
        mpz_set_ui(offset, 0);
        return true;
    }
    if (at->kind == SOTTO__OP_MASK || at->kind == SOTTO__OP_NEGATE) {
        bool is_line = read_line(out_column, factor, offset, classes, at->a);
        if (is_line && at->kind == SOTTO__OP_NEGATE) {
            mpz_neg(factor, factor);
            mpz_neg(offset, offset);
        }
        return is_line;
    }
    bool is_here = at->kind == SOTTO__OP_ADD || at->kind == SOTTO__OP_SUBTRACT ||
                   at->kind == SOTTO__OP_MULTIPLY;
    if (!is_here || !is_constant(classes, at->b) || classes->program->ops[at->b].is_null ||
        !read_line(out_column, factor, offset, classes, at->a)) {
        return false;
    }
    mpz_t constant;
    mpz_init(constant);
    read_constant(constant, classes, at->b);
    if (at->kind == SOTTO__OP_ADD) {
        mpz_add(offset, offset, constant);
    } else if (at->kind == SOTTO__OP_SUBTRACT) {
        mpz_sub(offset, offset, constant);
    } else {
        mpz_mul(factor, factor, constant);
        mpz_mul(offset, offset, constant);
    }
    mpz_clear(constant);
    return mpz_sgn(factor) != 0;
}

/* factor x column + offset is the constant, below it or above it: where is that? */
static enum sotto_status cut_line(struct sotto_classes *classes, size_t column, const mpz_t factor,
                                  mpz_t offset, const mpz_t constant, struct sotto_error *err)
{
    mpz_t bound;
    mpz_init(bound);
    mpz_sub(offset, constant, offset);
    mpz_cdiv_q(bound, offset, factor);
    enum sotto_status status = sotto__cut_add_mpz(classes, column, bound, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    mpz_fdiv_q(bound, offset, factor);
    mpz_add_ui(bound, bound, 1);
    status = sotto__cut_add_mpz(classes, column, bound, err);
out:
    mpz_clear(bound);
    return status;
}

static enum sotto_status compare_exact_with(struct sotto_classes *classes, size_t value,
                                            size_t constant, struct sotto_error *err)
{
    mpz_t numbers[3];
    size_t column = 0;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < 3; i++) {
        mpz_init(numbers[i]);
    }
    if (!read_line(&column, numbers[0], numbers[1], classes, value)) {
        status = sotto__classes_refuse(classes, value, "a condition on more than one column", err);
    } else if (!classes->program->ops[constant].is_null) {
        read_constant(numbers[2], classes, constant);
        status = cut_line(classes, column, numbers[0], numbers[1], numbers[2], err);
    }
    for (size_t i = 0; i < 3; i++) {
        mpz_clear(numbers[i]);
    }
    return status;
}

/* Makes an operation the same in all rows of a class: one that is made of booleans only. */
enum sotto_status sotto__form_fix(struct sotto_classes *classes, size_t op, struct sotto_error *err)
{
    struct sotto__form *form = &classes->forms[op];
    if (form->kind == SOTTO__FORM_FIXED) {
        return SOTTO_OK;
    }
    bool is_known = form->kind == SOTTO__FORM_EXACT;
    for (size_t i = 0; is_known && i < form->products_len; i++) {
        size_t columns[2] = {form->products[i] / SOTTO__PRODUCT_BASE,
                             form->products[i] % SOTTO__PRODUCT_BASE};
        for (size_t j = 0; is_known && j < 2; j++) {
            if (columns[j] == 0) {
                continue;
            }
            size_t column = columns[j] - 1;
            enum sotto_kind kind =
                classes->driver->expansion.columns[classes->cuts[column].column].type.kind;
            is_known = kind == SOTTO_KIND_BOOL;
            enum sotto_status status =
                is_known ? sotto__cut_add(classes, column, 1, err) : SOTTO_OK;
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return is_known
               ? SOTTO_OK
               : sotto__classes_refuse(classes, op, "a condition on more than one column", err);
}

/* A comparison of what is not fixed with a constant: of a choice each of its values is compared.
 * Recursion: as deep as the expression. */
static enum sotto_status compare_with(struct sotto_classes *classes, size_t value, size_t constant,
                                      struct sotto_error *err)
{
    const struct sotto__form *form = &classes->forms[value];
    const struct sotto__op *at = &classes->program->ops[value];
    const struct sotto__op *with = &classes->program->ops[constant];
    if (form->kind == SOTTO__FORM_FIXED) {
        return SOTTO_OK;
    }
    if (!is_constant(classes, constant)) {
        return sotto__form_fix(classes, value, err);
    }
    if (at->kind == SOTTO__OP_IF || at->kind == SOTTO__OP_FILL || at->kind == SOTTO__OP_MASK) {
        enum sotto_status status = compare_with(classes, at->a, constant, err);
        return status == SOTTO_OK && at->kind != SOTTO__OP_MASK
                   ? compare_with(classes, at->b, constant, err)
                   : status;
    }
    if (form->kind == SOTTO__FORM_EXACT && with->bits > SOTTO__PRODUCT_BITS_MAX) {
        return SOTTO_OK; /* beyond all values, and compared as such */
    }
    if (form->kind == SOTTO__FORM_EXACT) {
        return compare_exact_with(classes, value, constant, err);
    }
    if (at->kind != SOTTO__OP_COLUMN || form->kind != SOTTO__FORM_FLOAT) {
        return sotto__classes_refuse(classes, value, "a condition on what is computed of doubles",
                                     err);
    }
    const double *number = classes->rows.registers[constant].values;
    return with->is_null ? SOTTO_OK
                         : sotto__cut_double(classes, (size_t)form->products[0] - 1, *number, err);
}

static enum sotto_status form_column(struct sotto_classes *classes, size_t op,
                                     struct sotto_error *err)
{
    const struct sotto__op *at = &classes->program->ops[op];
    struct sotto__form *form = &classes->forms[op];
    bool marked[SOTTO__PRODUCTS_MAX_NUMBER] = {false};
    size_t column;
    enum sotto_status status = sotto__cuts_find(&column, classes, at->index, at->bits, err);
    if (status != SOTTO_OK) {
        return status;
    }
    enum sotto_kind kind = classes->driver->expansion.columns[at->index].type.kind;
    form->is_plain = true;
    form->kind = kind == SOTTO_KIND_FLOAT64   ? SOTTO__FORM_FLOAT
                 : kind == SOTTO_KIND_STRING  ? SOTTO__FORM_TEXT
                 : sotto__kind_is_exact(kind) ? SOTTO__FORM_EXACT
                                              : SOTTO__FORM_FIXED;
    if (form->kind == SOTTO__FORM_FIXED) {
        return SOTTO_OK; /* it has no value in any row */
    }
    marked[column + 1] = true;
    return set_products(form, marked) == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

static bool is_arithmetic(enum sotto__op_kind kind)
{
    return kind == SOTTO__OP_NEGATE || kind == SOTTO__OP_ADD || kind == SOTTO__OP_SUBTRACT ||
           kind == SOTTO__OP_MULTIPLY;
}

/* Marks all products of a's with b's. Returns: false if one has more than two factors. */
bool sotto__products_mark_joined(bool *in_out, const struct sotto__form *a,
                                 const struct sotto__form *b)
{
    static uint8_t one[1] = {0};
    bool fits = true;
    const uint8_t *of_a = a->kind == SOTTO__FORM_FIXED ? one : a->products;
    const uint8_t *of_b = b->kind == SOTTO__FORM_FIXED ? one : b->products;
    size_t a_len = a->kind == SOTTO__FORM_FIXED ? 1 : a->products_len;
    size_t b_len = b->kind == SOTTO__FORM_FIXED ? 1 : b->products_len;
    for (size_t i = 0; fits && i < a_len; i++) {
        for (size_t j = 0; fits && j < b_len; j++) {
            size_t joined = sotto__product_join(of_a[i], of_b[j]);
            fits = joined != SOTTO_NONE;
            in_out[fits ? joined : 0] = true;
        }
    }
    return fits;
}

/* A value that is taken from operands, or a polynomial of them. */
static enum sotto_status form_value(struct sotto_classes *classes, size_t op,
                                    struct sotto_error *err)
{
    const struct sotto__op *at = &classes->program->ops[op];
    bool marked[SOTTO__PRODUCTS_MAX_NUMBER] = {false};
    bool is_float = at->type == SOTTO__ROW_FLOAT;
    bool is_choice = at->kind == SOTTO__OP_IF || at->kind == SOTTO__OP_FILL;
    bool is_known =
        is_choice || at->kind == SOTTO__OP_MASK || (!is_float && is_arithmetic(at->kind));
    const struct sotto__form *a = &classes->forms[at->a];
    const struct sotto__form *b = at->b != SOTTO_NONE ? &classes->forms[at->b] : a;
    if (at->kind == SOTTO__OP_MASK) {
        b = a;
    }
    is_known = is_known && a->kind != SOTTO__FORM_TEXT && b->kind != SOTTO__FORM_TEXT;
    if (!is_known) {
        return sotto__classes_refuse(classes, op,
                                     "what is computed of each row is no sum of products", err);
    }
    if (at->kind == SOTTO__OP_IF) {
        enum sotto_status status = sotto__form_fix(classes, at->c, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (at->kind == SOTTO__OP_MULTIPLY) {
        is_known = sotto__products_mark_joined(marked, a, b);
    } else {
        sotto__products_mark(marked, a);
        sotto__products_mark(marked, b);
    }
    if (!is_known) {
        return sotto__classes_refuse(classes, op, "a product of more than two columns", err);
    }
    bool is_sum = at->kind == SOTTO__OP_ADD || at->kind == SOTTO__OP_SUBTRACT;
    bool is_product = at->kind == SOTTO__OP_MULTIPLY && a->kind != SOTTO__FORM_FIXED &&
                      b->kind != SOTTO__FORM_FIXED;
    classes->forms[op].is_plain = !is_sum && !is_product &&
                                  (a->is_plain || a->kind == SOTTO__FORM_FIXED) &&
                                  (b->is_plain || b->kind == SOTTO__FORM_FIXED);
    classes->forms[op].kind = is_float ? SOTTO__FORM_FLOAT : SOTTO__FORM_EXACT;
    return set_products(&classes->forms[op], marked) == SOTTO_OK ? SOTTO_OK
                                                                 : sotto_error_no_memory(err);
}

/* A comparison, or logic, of two operands. */
static enum sotto_status form_pair(struct sotto_classes *classes, const struct sotto__op *at,
                                   struct sotto_error *err)
{
    bool is_logic = sotto__op_is_logic(at->kind);
    bool are_values = at->b != SOTTO_NONE && classes->forms[at->a].kind != SOTTO__FORM_FIXED &&
                      classes->forms[at->b].kind != SOTTO__FORM_FIXED;
    enum sotto_status status = is_logic || are_values ? sotto__form_fix(classes, at->a, err)
                                                      : compare_with(classes, at->a, at->b, err);
    if (status != SOTTO_OK || at->b == SOTTO_NONE) {
        return status;
    }
    return is_logic || are_values ? sotto__form_fix(classes, at->b, err)
                                  : compare_with(classes, at->b, at->a, err);
}

/* A condition, which is the same in all rows of a class. */
static enum sotto_status form_condition(struct sotto_classes *classes, size_t op,
                                        struct sotto_error *err)
{
    const struct sotto__op *at = &classes->program->ops[op];
    classes->forms[op].kind = SOTTO__FORM_FIXED;
    if (at->kind == SOTTO__OP_IS_NA) {
        return SOTTO_OK;
    }
    if (!sotto__is_text_condition(at->kind)) {
        return form_pair(classes, at, err);
    }
    const struct sotto__form *text = &classes->forms[at->a];
    if (at->kind != SOTTO__OP_TEXT_EQUAL || at->digits != 0) {
        return sotto__classes_refuse(classes, op, "a condition on texts that is more than ==", err);
    }
    return text->kind == SOTTO__FORM_TEXT
               ? sotto__cut_add_text(classes, (size_t)text->products[0] - 1, at->text, err)
               : SOTTO_OK;
}

/* Whether all operands of an operation are the same in all rows of a class. */
static bool are_fixed(const struct sotto_classes *classes, const struct sotto__op *at)
{
    const size_t operands[3] = {at->a, at->b, at->c};
    bool all = at->kind != SOTTO__OP_COLUMN;
    for (size_t i = 0; all && i < 3; i++) {
        all = operands[i] == SOTTO_NONE || classes->forms[operands[i]].kind == SOTTO__FORM_FIXED;
    }
    return all;
}

enum sotto_status sotto__form_find(struct sotto_classes *classes, size_t op,
                                   struct sotto_error *err)
{
    const struct sotto__op *at = &classes->program->ops[op];
    bool is_condition = at->kind == SOTTO__OP_IS_NA || sotto__op_is_logic(at->kind) ||
                        (at->kind >= SOTTO__OP_EQUAL && at->kind <= SOTTO__OP_LESS_EQUAL) ||
                        sotto__is_text_condition(at->kind);
    if (at->is_idle || (at->dataset != classes->dataset && at->dataset != SOTTO_NONE)) {
        return SOTTO_OK;
    }
    if (at->kind == SOTTO__OP_COLUMN) {
        return form_column(classes, op, err);
    }
    if (are_fixed(classes, at)) {
        classes->forms[op].kind = SOTTO__FORM_FIXED;
        return SOTTO_OK;
    }
    return is_condition ? form_condition(classes, op, err) : form_value(classes, op, err);
}
