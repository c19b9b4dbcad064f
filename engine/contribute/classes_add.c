/* SPDX-License-Identifier: Apache-2.0 */

/* Classes of rows, with how many rows each has and the sums of products of their columns, into a
 * contribution. It leans on classes.c for what was asked, and on the room rows.
 *
 * The one idea: of each class a row is made up that is in it, and goes through the operations as
 * any row does. So conditions, groups and the numbers of indices are found where they are always
 * found; only what is summed up is taken from the sums of the class, as the polynomial that the
 * operation is in it. */

#include "contribute/classes.h"

#include <math.h>
#include <sotto/secret.h>
#include <string.h>

#define DIGITS_MAX 400
#define SHIFT_MAX 5000
/* The last bit of a double is a multiple of 2^-1074. */
#define DOUBLE_UNIT 1074

static enum sotto_status refuse(const char *what, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a class of rows: expected %s", what);
}

/* --- A row of the class --- */

/* A value of the number among a column's cuts. Returns: false if there is none. */
static bool find_exact(sotto__int128 *out, const struct sotto__cuts *cuts, uint32_t number)
{
    if (number > 1) {
        *out = cuts->exact[number - 2];
    } else {
        *out = cuts->len > 0 ? cuts->exact[0] - 1 : 0;
    }
    return *out >= cuts->exact_min && *out <= cuts->exact_max;
}

static double find_double(const struct sotto__cuts *cuts, uint32_t number)
{
    if (number > 1) {
        return cuts->doubles[number - 2];
    }
    return cuts->len > 0 ? nextafter(cuts->doubles[0], -INFINITY) : 0;
}

/* Makes column i one row. Returns: false if no row has this number. */
static bool make_value(struct sotto_classes *classes, size_t i, uint32_t number)
{
    const struct sotto__cuts *cuts = &classes->cuts[i];
    struct sotto_column *column = &classes->values[i];
    uint64_t *words = classes->words[i];
    sotto__int128 exact = 0;
    bool is_there = number > 0;
    if (number > cuts->len + 1 || (is_there && classes->columns[i].type.kind == SOTTO_KIND_NULL)) {
        return false;
    }
    memset(words, 0, sizeof *classes->words);
    classes->validities[i] = is_there;
    *column = (struct sotto_column){.type = classes->columns[i].type,
                                    .len = 1,
                                    .null_count = !is_there,
                                    .validity = &classes->validities[i],
                                    .values = words};
    if (cuts->texts != NULL) {
        column->values = number > 1 ? cuts->texts[number - 2] : classes->other;
        classes->offsets[i][0] = 0;
        classes->offsets[i][1] = is_there ? (int64_t)strlen(column->values) : 0;
        column->offsets = classes->offsets[i];
    } else if (cuts->doubles != NULL) {
        double value = is_there ? find_double(cuts, number) : 0;
        memcpy(words, &value, sizeof value);
    } else if (cuts->exact != NULL) {
        if (is_there && !find_exact(&exact, cuts, number)) {
            return false;
        }
        words[0] = (uint64_t)(sotto__uint128)exact;
        words[1] = (uint64_t)((sotto__uint128)exact >> 64);
        column->wide = column->type.kind == SOTTO_KIND_DECIMAL;
    }
    classes->blocks[cuts->column] = column;
    return true;
}

/* --- What operations are in the class --- */

static mpz_t *find_factor(const struct sotto__form *form, size_t product)
{
    size_t i = 0;
    while (form->products[i] != product) {
        i++;
    }
    return &form->factors[i];
}

static void read_value(mpz_t out, const struct sotto__rows *rows, size_t op)
{
    const struct sotto__register *reg = &rows->registers[op];
    sotto__limbs_import(out, reg->values, reg->limbs);
}

/* Adds an operand's factors to those of out, times sign. */
static void add_form(const struct sotto_classes *classes, const struct sotto__form *out,
                     const struct sotto__rows *rows, size_t operand, int sign)
{
    const struct sotto__form *from = &classes->forms[operand];
    mpz_t value;
    if (from->kind != SOTTO__FORM_FIXED) {
        for (size_t i = 0; i < from->products_len; i++) {
            mpz_t *to = find_factor(out, from->products[i]);
            if (sign < 0) {
                mpz_sub(*to, *to, from->factors[i]);
            } else {
                mpz_add(*to, *to, from->factors[i]);
            }
        }
        return;
    }
    mpz_t *to = find_factor(out, 0);
    if (out->kind == SOTTO__FORM_FLOAT) { /* the register has it */
        mpz_set_ui(*to, 1);
        return;
    }
    mpz_init(value);
    read_value(value, rows, operand);
    if (sign < 0) {
        mpz_sub(*to, *to, value);
    } else {
        mpz_add(*to, *to, value);
    }
    mpz_clear(value);
}

static void multiply_forms(const struct sotto_classes *classes, const struct sotto__form *out,
                           const struct sotto__rows *rows, const struct sotto__op *op)
{
    const struct sotto__form *a = &classes->forms[op->a];
    const struct sotto__form *b = &classes->forms[op->b];
    bool is_scaled = a->kind == SOTTO__FORM_FIXED || b->kind == SOTTO__FORM_FIXED;
    const struct sotto__form *of = a->kind == SOTTO__FORM_FIXED ? b : a;
    mpz_t value;
    mpz_init(value);
    if (is_scaled) {
        read_value(value, rows, of == a ? op->b : op->a);
    }
    for (size_t i = 0; i < of->products_len; i++) {
        for (size_t j = 0; is_scaled ? j < 1 : j < b->products_len; j++) {
            size_t product =
                is_scaled ? of->products[i] : sotto__product_join(a->products[i], b->products[j]);
            mpz_addmul(*find_factor(out, product), of->factors[i],
                       is_scaled ? value : b->factors[j]);
        }
    }
    mpz_clear(value);
}

static void compute_form(const struct sotto_classes *classes, const struct sotto__rows *rows,
                         size_t i)
{
    const struct sotto__op *op = &classes->program->ops[i];
    const struct sotto__form *form = &classes->forms[i];
    bool is_first = true;
    for (size_t j = 0; j < form->products_len; j++) {
        mpz_set_ui(form->factors[j], op->kind == SOTTO__OP_COLUMN);
    }
    switch (op->kind) {
    case SOTTO__OP_COLUMN:
        break;
    case SOTTO__OP_IF:
        is_first = *(const int64_t *)rows->registers[op->c].values != 0;
        add_form(classes, form, rows, is_first ? op->a : op->b, 1);
        break;
    case SOTTO__OP_FILL:
        is_first = rows->registers[op->a].state[0] == 0;
        add_form(classes, form, rows, is_first ? op->a : op->b, 1);
        break;
    case SOTTO__OP_MULTIPLY:
        multiply_forms(classes, form, rows, op);
        break;
    case SOTTO__OP_NEGATE:
        add_form(classes, form, rows, op->a, -1);
        break;
    case SOTTO__OP_ADD:
    case SOTTO__OP_SUBTRACT:
        add_form(classes, form, rows, op->a, 1);
        add_form(classes, form, rows, op->b, op->kind == SOTTO__OP_ADD ? 1 : -1);
        break;
    default: /* SOTTO__OP_MASK */
        add_form(classes, form, rows, op->a, 1);
        break;
    }
}

/* --- Sums --- */

/* Adds a sum, modulo what its limbs hold. */
static void add_total(uint64_t *limbs, size_t len, mpz_t total)
{
    uint64_t words[(SOTTO__TERM_FACTORS_MAX * 2098 + 62) / 64 + 1] = {0};
    SOTTO_REQUIRE(len <= sizeof words / sizeof *words);
    mpz_fdiv_r_2exp(total, total, 64 * len);
    (void)mpz_export(words, NULL, -1, sizeof *words, 0, 0, total);
    sotto__limbs_add(limbs, words, len);
    sotto_wipe(words, len * sizeof *words);
}

/* Adds the sum of a product to a total, so many times. */
static void add_product(const struct sotto_classes *classes, mpz_t in_out, size_t product,
                        const mpz_t factor)
{
    size_t i = 0;
    if (product == 0) {
        mpz_t rows;
        mpz_init_set_ui(rows, classes->class_rows);
        mpz_addmul(in_out, rows, factor);
        mpz_clear(rows);
        return;
    }
    while (classes->numbers[i] != product) {
        i++;
    }
    mpz_addmul(in_out, classes->totals[i], factor);
}

static void sum_exact(const struct sotto_classes *classes, mpz_t out,
                      const struct sotto__rows *rows, size_t op)
{
    const struct sotto__form *form = &classes->forms[op];
    if (form->kind == SOTTO__FORM_FIXED) {
        read_value(out, rows, op);
        mpz_mul_ui(out, out, classes->class_rows);
        return;
    }
    for (size_t i = 0; i < form->products_len; i++) {
        if (mpz_sgn(form->factors[i]) != 0) {
            add_product(classes, out, form->products[i], form->factors[i]);
        }
    }
}

/* The column that an operation on doubles is in the class; 0: it is a number. */
static size_t find_chosen(const struct sotto__form *form)
{
    size_t found = 0;
    for (size_t i = 0; i < form->products_len; i++) {
        found = mpz_sgn(form->factors[i]) != 0 ? form->products[i] : found;
    }
    return found;
}

/* In units of 2^-1074 for each factor. Returns: false where it adds infinities, or nothing. */
static bool sum_doubles(const struct sotto_classes *classes, mpz_t out,
                        const struct sotto__rows *rows, const struct sotto__term *term)
{
    size_t product = 0;
    mpz_t one;
    for (size_t i = 0; i < term->factors_len; i++) {
        size_t op = term->factors[i];
        size_t chosen = find_chosen(&classes->forms[op]);
        if (!isfinite(*(const double *)rows->registers[op].values)) {
            return false;
        }
        product = sotto__product_join(product, chosen);
    }
    mpz_init_set_ui(one, 1);
    if (product != 0) {
        add_product(classes, out, product, one);
    } else {
        int exponent;
        double part = frexp(*(const double *)rows->registers[term->factors[0]].values, &exponent);
        mpz_set_d(one, ldexp(part, 53));
        mpz_mul_ui(one, one, classes->class_rows);
        mpz_mul_2exp(one, one, DOUBLE_UNIT);
        exponent -= 53;
        if (exponent >= 0) {
            mpz_mul_2exp(one, one, (unsigned long)exponent);
        } else {
            mpz_fdiv_q_2exp(one, one, (unsigned long)-exponent);
        }
        mpz_add(out, out, one);
    }
    mpz_clear(one);
    return true;
}

static void add_term(struct sotto_classes *classes, const struct sotto__rows *rows,
                     const struct sotto__term *term, size_t group)
{
    uint64_t *limbs =
        classes->contribution->limbs + group * classes->program->group_limbs + term->offset;
    uint8_t wanted = term->kind == SOTTO__TERM_NAN_MADE ? SOTTO__ROW_MADE_NAN : 0;
    mpz_t total;
    if (sotto__term_state(&classes->sums, rows, term, 1)[0] != wanted) {
        return;
    }
    if (term->kind != SOTTO__TERM_SUM) {
        limbs[0] += classes->class_rows;
        return;
    }
    mpz_init(total);
    if (term->type != SOTTO__ROW_FLOAT) {
        sum_exact(classes, total, rows, term->factors[0]);
        add_total(limbs, term->limbs, total);
    } else if (sum_doubles(classes, total, rows, term)) {
        add_total(limbs, term->limbs, total);
    } else if (term->has_infinities) {
        bool is_negative = *(const double *)rows->registers[term->factors[0]].values < 0;
        limbs[term->limbs + is_negative] += classes->class_rows;
    }
    mpz_clear(total);
}

static void count_indices(struct sotto_classes *classes, const struct sotto__rows *rows,
                          size_t group)
{
    const struct sotto__program *program = classes->program;
    struct sotto__sums *sums = &classes->sums;
    uint64_t *counts = sums->counts + group * program->group_counts;
    memset(counts, 0, program->group_counts * sizeof *counts);
    for (size_t i = 0; i < program->indices_len; i++) {
        const struct sotto__index *index = &program->indices[i];
        if (program->ops[index->op].dataset == classes->dataset) {
            counts[index->offset + rows->numbers[i * SOTTO__ROWS_LEN]] = classes->class_rows;
        }
    }
    sotto__indexed_add_to(sums, classes->contribution->limbs, group);
}

void sotto__classes_take(void *context, const struct sotto__rows *rows, size_t dataset, size_t len)
{
    struct sotto_classes *classes = context;
    const struct sotto__program *program = classes->program;
    size_t group = program->keys_len > 0 ? rows->groups[0] : 0;
    SOTTO_REQUIRE(len == 1);
    for (size_t i = 0; i < program->ops_len; i++) {
        if (classes->forms[i].products_len > 0) {
            compute_form(classes, rows, i);
        }
    }
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        if (term->index == SOTTO_NONE && program->ops[term->factors[0]].dataset == dataset) {
            add_term(classes, rows, term, group);
        }
    }
    if (program->indices_len > 0) {
        count_indices(classes, rows, group);
    }
    if (classes->contribution->judge != NULL) {
        sotto__evidence_take_class(&classes->contribution->evidence, rows, dataset,
                                   classes->class_rows);
        sotto__classes_take_facts(classes, rows, group);
    }
}

/* --- Parts --- */

static bool is_integer(const char *text)
{
    size_t at = text[0] == '-';
    size_t digits = strspn(text + at, "0123456789");
    return digits > 0 && digits <= DIGITS_MAX && text[at + digits] == '\0';
}

/* Adds a part to its product's total. Returns: false if it is none. */
static bool take_part(struct sotto_classes *classes, const struct sotto_classes_part *part)
{
    if (part->product >= classes->products_len || !is_integer(part->text) ||
        part->shift < -SHIFT_MAX || part->shift > SHIFT_MAX) {
        return false;
    }
    const struct sotto_classes_product *product = &classes->products[part->product];
    bool is_float = classes->columns[product->columns[0]].type.kind == SOTTO_KIND_FLOAT64;
    int units = is_float ? DOUBLE_UNIT * (product->columns[1] != SOTTO_NONE ? 2 : 1) : 0;
    int shift = part->shift + units;
    mpz_t number;
    bool fits = true;
    mpz_init_set_str(number, part->text, 10);
    if (shift >= 0) {
        mpz_mul_2exp(number, number, (unsigned long)shift);
    } else {
        fits = mpz_divisible_2exp_p(number, (unsigned long)-shift) != 0;
        mpz_fdiv_q_2exp(number, number, (unsigned long)-shift);
    }
    mpz_add(classes->totals[part->product], classes->totals[part->product], number);
    classes->is_told[part->product] = true;
    mpz_clear(number);
    return fits;
}

/* Whether the sums of all products came that the class has values for, but for infinities. */
static bool are_told(const struct sotto_classes *classes, const uint32_t *numbers)
{
    bool all = true;
    for (size_t i = 0; all && i < classes->products_len; i++) {
        bool is_needed = true;
        for (size_t j = 0; j < 2; j++) {
            size_t column = classes->products[i].columns[j];
            if (column == SOTTO_NONE) {
                continue;
            }
            double value = 0;
            if (classes->cuts[column].doubles != NULL) {
                memcpy(&value, classes->words[column], sizeof value);
            }
            is_needed = is_needed && numbers[column] > 0 && isfinite(value);
        }
        all = classes->is_told[i] || !is_needed;
    }
    return all;
}

enum sotto_status sotto_classes_add(struct sotto_classes *classes, const uint32_t *numbers,
                                    uint64_t rows, const struct sotto_classes_part *parts,
                                    size_t parts_len, const struct sotto_classes_extent *extents,
                                    const uint8_t *meet, struct sotto_error *err)
{
    bool has_extents = sotto_classes_have_extents(classes);
    SOTTO_REQUIRE(!has_extents || (extents != NULL && meet != NULL));
    if (rows == 0 || rows > SOTTO_ROWS_MAX) {
        return refuse("a number of rows, 1 to 2^60", err);
    }
    for (size_t i = 0; i < classes->columns_len; i++) {
        if (!make_value(classes, i, numbers[i])) {
            return refuse("a number for each column that its values can have", err);
        }
    }
    for (size_t i = 0; i < classes->products_len; i++) {
        mpz_set_ui(classes->totals[i], 0);
        classes->is_told[i] = false;
    }
    for (size_t i = 0; i < parts_len; i++) {
        if (!take_part(classes, &parts[i])) {
            return refuse("integers as sums", err);
        }
    }
    if (!are_told(classes, numbers)) {
        return refuse("the sums of all products that it has values for", err);
    }
    classes->class_rows = rows;
    classes->extents = extents;
    classes->meet = meet;
    sotto__rows_take(&classes->rows, classes->dataset, classes->blocks, 1);
    return SOTTO_OK;
}
