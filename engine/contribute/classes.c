/* SPDX-License-Identifier: Apache-2.0 */

/* What a round asks of rows, by classes of them (sotto/classes.h). It leans on the round's program:
 * operations stand behind their operands, so that one pass says of each what it is in the rows of a
 * class.
 *
 * The one idea: whoever counts needs no conditions, logic or choices. Where a condition compares a
 * column with a number, the number becomes a cut; between cuts the condition is the same in all
 * rows, and so is all that is made of conditions. What is left are values that are summed up:
 * integer polynomials of columns, whose sums are made of sums of products of columns. An operation
 * that is not listed here makes the whole round one of rows. */

#include "contribute/classes.h"
#include "contribute/inquiring.h"

#include <float.h>
#include <math.h>
#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

/* --- Refusals --- */

static enum sotto_status refuse(const struct sotto_classes *classes, size_t op, const char *why,
                                struct sotto_error *err)
{
    const struct sotto__op *at = op != SOTTO_NONE ? &classes->program->ops[op] : NULL;
    return at != NULL && at->source != NULL
               ? sotto_error_set(err, SOTTO_ERROR_REFUSED, "%s (column %zu of %.160s)", why,
                                 at->start + 1, at->source)
               : sotto_error_set(err, SOTTO_ERROR_REFUSED, "%s", why);
}

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

static void mark_products(bool *in_out, const struct sotto__form *form)
{
    in_out[0] = in_out[0] || form->kind == SOTTO__FORM_FIXED;
    for (size_t i = 0; i < form->products_len; i++) {
        in_out[form->products[i]] = true;
    }
}

/* --- Cuts --- */

static bool is_exact(enum sotto_kind kind)
{
    return kind == SOTTO_KIND_INT64 || kind == SOTTO_KIND_DECIMAL || kind == SOTTO_KIND_BOOL;
}

/* Makes room for one more cut. */
static enum sotto_status reserve_cut(const struct sotto_classes *classes, size_t column,
                                     struct sotto_error *err)
{
    return classes->cuts[column].len < (size_t)2 * SOTTO_CLASSES_CUTS_MAX
               ? SOTTO_OK
               : refuse(classes, SOTTO_NONE, "there are too many limits on one column", err);
}

/* A cut beyond all values separates none. */
static enum sotto_status add_cut(struct sotto_classes *classes, size_t column, sotto__int128 cut,
                                 struct sotto_error *err)
{
    struct sotto__cuts *cuts = &classes->cuts[column];
    if (cut <= cuts->exact_min || cut > cuts->exact_max) {
        return SOTTO_OK;
    }
    enum sotto_status status = reserve_cut(classes, column, err);
    if (status == SOTTO_OK) {
        cuts->exact[cuts->len++] = cut;
    }
    return status;
}

static enum sotto_status add_double_cut(struct sotto_classes *classes, size_t column, double cut,
                                        struct sotto_error *err)
{
    struct sotto__cuts *cuts = &classes->cuts[column];
    if (cut != cut || (isinf(cut) && cut < 0)) {
        return SOTTO_OK;
    }
    enum sotto_status status = reserve_cut(classes, column, err);
    if (status == SOTTO_OK) {
        cuts->doubles[cuts->len++] = cut + 0.0; /* -0 is 0 */
    }
    return status;
}

/* Cuts a number off from those below and above. */
static enum sotto_status cut_double(struct sotto_classes *classes, size_t column, double number,
                                    struct sotto_error *err)
{
    enum sotto_status status = add_double_cut(classes, column, number, err);
    return status != SOTTO_OK || (isinf(number) && number > 0)
               ? status
               : add_double_cut(classes, column, nextafter(number + 0.0, INFINITY), err);
}

static enum sotto_status cut_mpz(struct sotto_classes *classes, size_t column, const mpz_t number,
                                 struct sotto_error *err)
{
    uint64_t limbs[2] = {0, 0};
    if (mpz_sizeinbase(number, 2) > 126) {
        return SOTTO_OK;
    }
    (void)mpz_export(limbs, NULL, -1, sizeof limbs[0], 0, 0, number);
    sotto__int128 magnitude = (sotto__int128)((sotto__uint128)limbs[1] << 64 | limbs[0]);
    return add_cut(classes, column, mpz_sgn(number) < 0 ? -magnitude : magnitude, err);
}

static enum sotto_status add_text(struct sotto_classes *classes, size_t column, const char *text,
                                  struct sotto_error *err)
{
    struct sotto__cuts *cuts = &classes->cuts[column];
    for (size_t i = 0; i < cuts->len; i++) {
        if (strcmp(cuts->texts[i], text) == 0) {
            return SOTTO_OK;
        }
    }
    enum sotto_status status = reserve_cut(classes, column, err);
    if (status == SOTTO_OK) {
        cuts->texts[cuts->len++] = text;
    }
    return status;
}

/* Where the values of an exact column are 0, or not. */
static enum sotto_status cut_at(struct sotto_classes *classes, size_t column, int64_t number,
                                struct sotto_error *err)
{
    enum sotto_status status = add_cut(classes, column, number, err);
    return status == SOTTO_OK ? add_cut(classes, column, (sotto__int128)number + 1, err) : status;
}

static int compare_exact(const void *a, const void *b)
{
    sotto__int128 x = *(const sotto__int128 *)a;
    sotto__int128 y = *(const sotto__int128 *)b;
    return (x > y) - (x < y);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Puts the cuts in their order, each once. */
static void sort_cuts(struct sotto__cuts *cuts)
{
    size_t len = 0;
    if (cuts->exact != NULL) {
        qsort(cuts->exact, cuts->len, sizeof *cuts->exact, compare_exact);
    } else if (cuts->doubles != NULL) {
        qsort(cuts->doubles, cuts->len, sizeof *cuts->doubles, compare_doubles);
    }
    for (size_t i = 0; cuts->texts == NULL && i < cuts->len; i++) {
        bool is_new = len == 0 || (cuts->exact != NULL ? cuts->exact[len - 1] != cuts->exact[i]
                                                       : cuts->doubles[len - 1] < cuts->doubles[i]);
        if (is_new && cuts->exact != NULL) {
            cuts->exact[len++] = cuts->exact[i];
        } else if (is_new) {
            cuts->doubles[len++] = cuts->doubles[i];
        }
    }
    cuts->len = cuts->texts == NULL ? len : cuts->len;
    for (size_t i = 0; cuts->exact != NULL && i < cuts->len; i++) {
        cuts->words[i] =
            (struct sotto_int128){.low = (uint64_t)(sotto__uint128)cuts->exact[i],
                                  .high = (int64_t)((sotto__uint128)cuts->exact[i] >> 64)};
    }
}

/* --- Columns --- */

static enum sotto_status init_cuts(struct sotto__cuts *out, enum sotto_kind kind, unsigned bits)
{
    const size_t len = (size_t)2 * SOTTO_CLASSES_CUTS_MAX + 1;
    bool is_there = true;
    bool is_bool = kind == SOTTO_KIND_BOOL;
    sotto__int128 beyond = (sotto__int128)1 << bits;
    out->exact_min = kind == SOTTO_KIND_INT64 ? INT64_MIN : is_bool ? 0 : -beyond;
    out->exact_max = kind == SOTTO_KIND_INT64 ? INT64_MAX : is_bool ? 1 : beyond;
    if (is_exact(kind)) {
        out->exact = sotto_alloc_aligned(len * sizeof *out->exact);
        out->words = sotto_alloc_array(len, sizeof *out->words);
        is_there = out->exact != NULL && out->words != NULL;
    } else if (kind == SOTTO_KIND_FLOAT64) {
        out->doubles = sotto_alloc_array(len, sizeof *out->doubles);
        is_there = out->doubles != NULL;
    } else if (kind == SOTTO_KIND_STRING) {
        out->texts = sotto_alloc_array(len, sizeof *out->texts);
        is_there = out->texts != NULL;
    }
    return is_there ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

/* The number of a column of the expansion, which may be new. bits: of its values. */
static enum sotto_status find_column(size_t *out, struct sotto_classes *classes, size_t column,
                                     unsigned bits, struct sotto_error *err)
{
    const struct sotto__column *of = &classes->driver->expansion.columns[column];
    for (*out = 0; *out < classes->columns_len; (*out)++) {
        if (classes->cuts[*out].column == column) {
            return SOTTO_OK;
        }
    }
    if (sotto_kind_is_date(of->type.kind)) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED, "column %.100s is of dates or times",
                               of->name);
    }
    if (classes->columns_len == SOTTO_CLASSES_COLUMNS_MAX || bits > 125) {
        return refuse(classes, SOTTO_NONE, "there are too many columns, or too many digits", err);
    }
    struct sotto__cuts *cuts = &classes->cuts[classes->columns_len++];
    cuts->column = column;
    return init_cuts(cuts, of->type.kind, bits) == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

static unsigned count_bits(const struct sotto_classes *classes, size_t column)
{
    struct sotto_type type = classes->driver->expansion.columns[column].type;
    return type.kind == SOTTO_KIND_DECIMAL ? 63 + (type.scale * 10U + 2) / 3
           : type.kind == SOTTO_KIND_BOOL  ? 1
                                           : 63;
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
    enum sotto_status status = cut_mpz(classes, column, bound, err);
    mpz_fdiv_q(bound, offset, factor);
    mpz_add_ui(bound, bound, 1);
    status = status == SOTTO_OK ? cut_mpz(classes, column, bound, err) : status;
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
        status = refuse(classes, value, "a condition on more than one column", err);
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
static enum sotto_status fix(struct sotto_classes *classes, size_t op, struct sotto_error *err)
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
            enum sotto_status status = is_known ? add_cut(classes, column, 1, err) : SOTTO_OK;
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return is_known ? SOTTO_OK : refuse(classes, op, "a condition on more than one column", err);
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
        return fix(classes, value, err);
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
        return refuse(classes, value, "a condition on what is computed of doubles", err);
    }
    const double *number = classes->rows.registers[constant].values;
    return with->is_null ? SOTTO_OK
                         : cut_double(classes, (size_t)form->products[0] - 1, *number, err);
}

static enum sotto_status form_column(struct sotto_classes *classes, size_t op,
                                     struct sotto_error *err)
{
    const struct sotto__op *at = &classes->program->ops[op];
    struct sotto__form *form = &classes->forms[op];
    bool marked[SOTTO__PRODUCTS_MAX_NUMBER] = {false};
    size_t column;
    enum sotto_status status = find_column(&column, classes, at->index, at->bits, err);
    if (status != SOTTO_OK) {
        return status;
    }
    enum sotto_kind kind = classes->driver->expansion.columns[at->index].type.kind;
    form->is_plain = true;
    form->kind = kind == SOTTO_KIND_FLOAT64  ? SOTTO__FORM_FLOAT
                 : kind == SOTTO_KIND_STRING ? SOTTO__FORM_TEXT
                 : is_exact(kind)            ? SOTTO__FORM_EXACT
                                             : SOTTO__FORM_FIXED;
    if (form->kind == SOTTO__FORM_FIXED) {
        return SOTTO_OK; /* it has no value in any row */
    }
    marked[column + 1] = true;
    return set_products(form, marked) == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

bool sotto__form_is_arithmetic(enum sotto__op_kind kind)
{
    return kind == SOTTO__OP_NEGATE || kind == SOTTO__OP_ADD || kind == SOTTO__OP_SUBTRACT ||
           kind == SOTTO__OP_MULTIPLY;
}

/* Marks all products of a's with b's. Returns: false if one has more than two factors. */
static bool mark_joined(bool *in_out, const struct sotto__form *a, const struct sotto__form *b)
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
    bool is_known = is_choice || at->kind == SOTTO__OP_MASK ||
                    (!is_float && sotto__form_is_arithmetic(at->kind));
    const struct sotto__form *a = &classes->forms[at->a];
    const struct sotto__form *b = at->b != SOTTO_NONE ? &classes->forms[at->b] : a;
    if (at->kind == SOTTO__OP_MASK) {
        b = a;
    }
    is_known = is_known && a->kind != SOTTO__FORM_TEXT && b->kind != SOTTO__FORM_TEXT;
    if (!is_known) {
        return refuse(classes, op, "what is computed of each row is no sum of products", err);
    }
    if (at->kind == SOTTO__OP_IF) {
        enum sotto_status status = fix(classes, at->c, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (at->kind == SOTTO__OP_MULTIPLY) {
        is_known = mark_joined(marked, a, b);
    } else {
        mark_products(marked, a);
        mark_products(marked, b);
    }
    if (!is_known) {
        return refuse(classes, op, "a product of more than two columns", err);
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

/* A condition, which is the same in all rows of a class. */
static enum sotto_status form_condition(struct sotto_classes *classes, size_t op,
                                        struct sotto_error *err)
{
    const struct sotto__op *at = &classes->program->ops[op];
    enum sotto_status status = SOTTO_OK;
    if (at->kind == SOTTO__OP_IS_NA) {
        status = SOTTO_OK;
    } else if (sotto__op_is_logic(at->kind)) {
        status = fix(classes, at->a, err);
        status = status == SOTTO_OK && at->b != SOTTO_NONE ? fix(classes, at->b, err) : status;
    } else if (sotto__is_text_condition(at->kind)) {
        const struct sotto__form *text = &classes->forms[at->a];
        if (at->kind != SOTTO__OP_TEXT_EQUAL || at->digits != 0) {
            return refuse(classes, op, "a condition on texts that is more than ==", err);
        }
        status = text->kind == SOTTO__FORM_TEXT
                     ? add_text(classes, (size_t)text->products[0] - 1, at->text, err)
                     : SOTTO_OK;
    } else if (classes->forms[at->a].kind != SOTTO__FORM_FIXED &&
               classes->forms[at->b].kind != SOTTO__FORM_FIXED) {
        status = fix(classes, at->a, err);
        status = status == SOTTO_OK ? fix(classes, at->b, err) : status;
    } else {
        status = compare_with(classes, at->a, at->b, err);
        status = status == SOTTO_OK ? compare_with(classes, at->b, at->a, err) : status;
    }
    classes->forms[op].kind = SOTTO__FORM_FIXED;
    return status;
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

static enum sotto_status form_operation(struct sotto_classes *classes, size_t op,
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

/* --- What is asked of operations --- */

static enum sotto_status ask_sum(struct sotto_classes *classes, const struct sotto__term *term,
                                 struct sotto_error *err)
{
    const struct sotto__form *a = &classes->forms[term->factors[0]];
    const struct sotto__form *b = &classes->forms[term->factors[1]];
    bool is_float = term->type == SOTTO__ROW_FLOAT;
    if (term->factors_len > 2 || a->kind == SOTTO__FORM_TEXT || a->kind == SOTTO__FORM_UNKNOWN) {
        return refuse(classes, term->factors[0], "a sum of products of more than two", err);
    }
    if (term->factors_len == 2) {
        (void)mark_joined(classes->is_wanted, a, b);
    } else {
        mark_products(classes->is_wanted, a);
    }
    for (size_t i = 0; is_float && i < term->factors_len; i++) {
        const struct sotto__form *of = &classes->forms[term->factors[i]];
        bool has_constant = of->kind == SOTTO__FORM_FIXED;
        for (size_t j = 0; j < of->products_len; j++) {
            size_t column = of->products[j];
            has_constant = has_constant || column == 0;
            enum sotto_status status =
                column > 0 ? add_double_cut(classes, column - 1, -DBL_MAX, err) : SOTTO_OK;
            status = status == SOTTO_OK && column > 0
                         ? add_double_cut(classes, column - 1, INFINITY, err)
                         : status;
            if (status != SOTTO_OK) {
                return status;
            }
        }
        if (has_constant && term->factors_len == 2) {
            return refuse(classes, term->factors[i], "a product of doubles with a number", err);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status ask_terms(struct sotto_classes *classes, struct sotto_error *err)
{
    const struct sotto__program *program = classes->program;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        if (program->ops[term->factors[0]].dataset != classes->dataset) {
            continue;
        }
        bool is_plain = term->times == SOTTO_NONE && term->counts_len == 0 && !term->is_binned;
        if (!is_plain) {
            return refuse(classes, term->factors[0], "a method counts or weighs rows one by one",
                          err);
        }
        if (term->index == SOTTO_NONE && term->kind == SOTTO__TERM_SUM) {
            status = ask_sum(classes, term, err);
        }
    }
    return status;
}

static enum sotto_status ask_index(struct sotto_classes *classes, const struct sotto__index *index,
                                   struct sotto_error *err)
{
    const struct sotto__form *form = &classes->forms[index->op];
    bool is_column =
        classes->program->ops[index->op].kind == SOTTO__OP_COLUMN && form->products_len == 1;
    bool is_plain = !index->is_asked && index->ops_len == 0 &&
                    (index->kind == SOTTO__INDEX_LIMITS || index->kind == SOTTO__INDEX_LEVELS);
    if (!is_column || !is_plain) {
        return refuse(classes, index->op, "a method counts rows by what it found before", err);
    }
    size_t column = (size_t)form->products[0] - 1;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < index->len; i++) {
        if (index->kind == SOTTO__INDEX_LEVELS) {
            status = add_text(classes, column, index->texts[i].text, err);
        } else if (index->double_limits != NULL) {
            status = add_double_cut(classes, column, index->double_limits[i], err);
        } else {
            status = add_cut(classes, column, index->limits[i], err);
        }
    }
    return status;
}

static enum sotto_status ask_indices(struct sotto_classes *classes, struct sotto_error *err)
{
    const struct sotto__program *program = classes->program;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < program->indices_len; i++) {
        if (program->ops[program->indices[i].op].dataset == classes->dataset) {
            status = ask_index(classes, &program->indices[i], err);
        }
    }
    return status;
}

/* Where the level of a key changes. */
static enum sotto_status ask_keys(struct sotto_classes *classes, struct sotto_error *err)
{
    const struct sotto__program *program = classes->program;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < program->keys_len; i++) {
        size_t column;
        struct sotto__level_cuts cuts;
        status = find_column(&column, classes, program->keys[i],
                             count_bits(classes, program->keys[i]), err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (!sotto__levels_cuts(&cuts, program->levels[i])) {
            return refuse(classes, SOTTO_NONE, "groups by a part of dates", err);
        }
        for (size_t j = 0; status == SOTTO_OK && j < cuts.len; j++) {
            if (cuts.texts != NULL) {
                status = classes->cuts[column].texts != NULL
                             ? add_text(classes, column, cuts.texts[j].text, err)
                             : SOTTO_OK;
            } else if (classes->cuts[column].doubles != NULL) {
                status = add_double_cut(classes, column, cuts.doubles[j], err);
            } else if (classes->cuts[column].exact != NULL) {
                status = add_cut(classes, column, sotto__levels_cut(&cuts, j), err);
                status = status == SOTTO_OK && cuts.bounds == NULL
                             ? add_cut(classes, column, sotto__levels_cut(&cuts, j) + 1, err)
                             : status;
            }
        }
    }
    return status;
}

/* What evidence tells rows apart by. */
static enum sotto_status ask_bits(struct sotto_classes *classes, struct sotto_error *err)
{
    const struct sotto__inquiry *inquiry = &classes->contribution->inquiry;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < inquiry->bits_len; i++) {
        const struct sotto__bit *bit = &inquiry->bits[i];
        const struct sotto__op *op = &classes->program->ops[bit->op];
        const struct sotto__form *form = &classes->forms[bit->op];
        if (!bit->is_told_apart || op->dataset != classes->dataset ||
            form->kind == SOTTO__FORM_FIXED) {
            continue;
        }
        bool is_value = bit->kind == SOTTO__BIT_TRUE || bit->kind == SOTTO__BIT_NONZERO;
        bool is_column = op->kind == SOTTO__OP_COLUMN && form->products_len == 1;
        size_t column = is_column ? (size_t)form->products[0] - 1 : 0;
        if (is_value && is_column && form->kind == SOTTO__FORM_FLOAT) {
            status = cut_double(classes, column, 0, err);
        } else if (is_value && is_column && form->kind == SOTTO__FORM_EXACT) {
            status = cut_at(classes, column, 0, err);
        } else if (is_value) {
            status = fix(classes, bit->op, err);
        } else if (form->kind == SOTTO__FORM_UNKNOWN) {
            status = refuse(classes, bit->op, "its rules look at what nobody computes", err);
        }
    }
    return status;
}

/* What evidence says of sums, which it does of columns and of products of two. */
static enum sotto_status ask_facts(struct sotto_classes *classes, struct sotto_error *err)
{
    const struct sotto__inquiry *inquiry = &classes->contribution->inquiry;
    for (size_t i = 0; i < inquiry->columns_len; i++) {
        const struct sotto__form *form = &classes->forms[inquiry->column_ops[i]];
        bool is_known = form->kind == SOTTO__FORM_FIXED || form->is_plain;
        if (inquiry->columns[i].dataset == classes->dataset && !is_known) {
            return refuse(classes, inquiry->column_ops[i],
                          "rules look at values that are computed of each row", err);
        }
        if (inquiry->columns[i].dataset == classes->dataset) {
            mark_products(classes->is_wanted, form);
        }
    }
    for (size_t i = 0; i < inquiry->sums_len; i++) {
        const size_t *factors = inquiry->sums[i].factors;
        if (inquiry->columns[factors[0]].dataset == classes->dataset && factors[1] != SOTTO_NONE) {
            (void)mark_joined(classes->is_wanted, &classes->forms[inquiry->column_ops[factors[0]]],
                              &classes->forms[inquiry->column_ops[factors[1]]]);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status ask_all(struct sotto_classes *classes, struct sotto_error *err)
{
    const struct sotto__program *program = classes->program;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < program->ops_len; i++) {
        status = form_operation(classes, i, err);
    }
    if (status == SOTTO_OK && program->where != SOTTO_NONE) {
        status = fix(classes, program->where, err);
    }
    status = status == SOTTO_OK ? ask_keys(classes, err) : status;
    status = status == SOTTO_OK ? ask_terms(classes, err) : status;
    status = status == SOTTO_OK ? ask_indices(classes, err) : status;
    if (status != SOTTO_OK || classes->contribution->judge == NULL) {
        return status;
    }
    status = ask_bits(classes, err);
    return status == SOTTO_OK ? ask_facts(classes, err) : status;
}

/* --- Making them --- */

static enum sotto_status list_products(struct sotto_classes *classes)
{
    classes->is_wanted[0] = false; /* the rows of the class */
    for (size_t i = 0; i < SOTTO__PRODUCTS_MAX_NUMBER; i++) {
        classes->products_len += classes->is_wanted[i];
    }
    size_t len = classes->products_len + 1;
    classes->products = sotto_alloc_array(len, sizeof *classes->products);
    classes->numbers = sotto_alloc_array(len, sizeof *classes->numbers);
    classes->totals = sotto_alloc_array(len, sizeof *classes->totals);
    classes->is_told = sotto_alloc_array(len, sizeof *classes->is_told);
    if (classes->products == NULL || classes->numbers == NULL || classes->totals == NULL ||
        classes->is_told == NULL) {
        classes->products_len = 0;
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0, at = 0; i < SOTTO__PRODUCTS_MAX_NUMBER; i++) {
        if (classes->is_wanted[i]) {
            size_t first = i / SOTTO__PRODUCT_BASE;
            size_t last = i % SOTTO__PRODUCT_BASE;
            classes->products[at].columns[0] = (first > 0 ? first : last) - 1;
            classes->products[at].columns[1] = first > 0 ? last - 1 : SOTTO_NONE;
            mpz_init(classes->totals[at]);
            classes->numbers[at++] = (uint8_t)i;
        }
    }
    return SOTTO_OK;
}

/* A text longer than all others is none of them. */
static enum sotto_status list_columns(struct sotto_classes *classes, struct sotto_error *err)
{
    size_t bytes = 1;
    for (size_t i = 0; i < classes->columns_len; i++) {
        struct sotto__cuts *cuts = &classes->cuts[i];
        const struct sotto__column *column = &classes->driver->expansion.columns[cuts->column];
        sort_cuts(cuts);
        if (cuts->len > SOTTO_CLASSES_CUTS_MAX) {
            return refuse(classes, SOTTO_NONE, "there are too many limits on one column", err);
        }
        classes->columns[i] = (struct sotto_classes_column){.name = column->name,
                                                            .type = column->type,
                                                            .cuts_len = cuts->len,
                                                            .cuts = cuts->words,
                                                            .double_cuts = cuts->doubles,
                                                            .texts = cuts->texts};
        for (size_t j = 0; cuts->texts != NULL && j < cuts->len; j++) {
            size_t len = strlen(cuts->texts[j]) + 1;
            bytes = len > bytes ? len : bytes;
        }
    }
    classes->other = sotto_alloc(bytes + 1);
    if (classes->other == NULL) {
        return sotto_error_no_memory(err);
    }
    memset(classes->other, 'x', bytes);
    classes->other[bytes] = '\0';
    return SOTTO_OK;
}

static enum sotto_status classes_init(struct sotto_classes *out, struct sotto_error *err)
{
    const struct sotto__program *program = out->program;
    const struct sotto__rows_sink sink = {.take = sotto__classes_take, .context = out};
    out->forms = sotto_alloc_array(program->ops_len + 1, sizeof *out->forms);
    out->blocks = sotto_alloc_array(out->driver->expansion.columns_len + 1, sizeof *out->blocks);
    out->words = sotto_alloc_aligned(SOTTO_CLASSES_COLUMNS_MAX * sizeof *out->words);
    if (out->forms == NULL || out->blocks == NULL || out->words == NULL ||
        sotto__rows_init(&out->rows, program, sink) != SOTTO_OK ||
        sotto__sums_init(&out->sums, program) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = ask_all(out, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = list_columns(out, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return list_products(out) == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

enum sotto_status sotto_classes_new(struct sotto_classes **out,
                                    struct sotto_contribution *contribution, size_t dataset,
                                    struct sotto_error *err)
{
    const struct sotto_judge *judge = contribution->judge;
    if (contribution->watch != NULL) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED, "a ledger is shown each row");
    }
    if (judge != NULL && !judge->asks_classes_only) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED, "rules look at the values of rows");
    }
    struct sotto_classes *made = sotto_alloc_zeroed(sizeof *made);
    if (made == NULL) {
        return sotto_error_no_memory(err);
    }
    made->contribution = contribution;
    made->driver = contribution->driver;
    made->program = contribution->driver->program;
    made->dataset = dataset;
    enum sotto_status status = classes_init(made, err);
    if (status != SOTTO_OK) {
        sotto_classes_free(made);
        return status;
    }
    if (judge != NULL) {
        sotto__evidence_forget_values(&contribution->evidence);
    }
    *out = made;
    return SOTTO_OK;
}

void sotto_classes_free(struct sotto_classes *classes)
{
    if (classes == NULL) {
        return;
    }
    for (size_t i = 0; classes->forms != NULL && i < classes->program->ops_len; i++) {
        for (size_t j = 0; j < classes->forms[i].products_len; j++) {
            mpz_clear(classes->forms[i].factors[j]);
        }
        sotto_free(classes->forms[i].products);
        sotto_free(classes->forms[i].factors);
    }
    for (size_t i = 0; i < classes->columns_len; i++) {
        sotto_free(classes->cuts[i].exact);
        sotto_free(classes->cuts[i].words);
        sotto_free(classes->cuts[i].doubles);
        sotto_free(classes->cuts[i].texts);
    }
    for (size_t i = 0; i < classes->products_len; i++) {
        mpz_clear(classes->totals[i]);
    }
    sotto__rows_release(&classes->rows);
    sotto__sums_release(&classes->sums);
    sotto_free(classes->forms);
    sotto_free(classes->blocks);
    sotto_free(classes->words);
    sotto_free(classes->products);
    sotto_free(classes->numbers);
    sotto_free(classes->totals);
    sotto_free(classes->is_told);
    sotto_free(classes->other);
    sotto_free(classes);
}

const struct sotto_classes_column *sotto_classes_columns(const struct sotto_classes *classes,
                                                         size_t *out_len)
{
    *out_len = classes->columns_len;
    return classes->columns;
}

const struct sotto_classes_product *sotto_classes_products(const struct sotto_classes *classes,
                                                           size_t *out_len)
{
    *out_len = classes->products_len;
    return classes->products;
}

bool sotto_classes_have_extents(const struct sotto_classes *classes)
{
    return classes->contribution->judge != NULL;
}
