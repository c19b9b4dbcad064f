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

#include <float.h>
#include <math.h>
#include <sotto/alloc.h>
#include <string.h>

/* --- Refusals --- */

enum sotto_status sotto__classes_refuse(const struct sotto_classes *classes, size_t op,
                                        const char *why, struct sotto_error *err)
{
    const struct sotto__op *at = op != SOTTO_NONE ? &classes->program->ops[op] : NULL;
    return at != NULL && at->source != NULL
               ? sotto_error_set(err, SOTTO_ERROR_REFUSED, "%s (column %zu of %.160s)", why,
                                 at->start + 1, at->source)
               : sotto_error_set(err, SOTTO_ERROR_REFUSED, "%s", why);
}

/* --- What is asked of operations --- */

static unsigned count_bits(const struct sotto_classes *classes, size_t column)
{
    struct sotto_type type = classes->driver->expansion.columns[column].type;
    return type.kind == SOTTO_KIND_DECIMAL ? 63 + (type.scale * 10U + 2) / 3
           : type.kind == SOTTO_KIND_BOOL  ? 1
                                           : 63;
}

static enum sotto_status ask_sum(struct sotto_classes *classes, const struct sotto__term *term,
                                 struct sotto_error *err)
{
    const struct sotto__form *a = &classes->forms[term->factors[0]];
    const struct sotto__form *b = &classes->forms[term->factors[1]];
    bool is_float = term->type == SOTTO__ROW_FLOAT;
    if (term->factors_len > 2 || a->kind == SOTTO__FORM_TEXT || a->kind == SOTTO__FORM_UNKNOWN) {
        return sotto__classes_refuse(classes, term->factors[0],
                                     "a sum of products of more than two", err);
    }
    if (term->factors_len == 2) {
        (void)sotto__products_mark_joined(classes->is_wanted, a, b);
    } else {
        sotto__products_mark(classes->is_wanted, a);
    }
    for (size_t i = 0; is_float && i < term->factors_len; i++) {
        const struct sotto__form *of = &classes->forms[term->factors[i]];
        bool has_constant = of->kind == SOTTO__FORM_FIXED;
        for (size_t j = 0; j < of->products_len; j++) {
            size_t column = of->products[j];
            has_constant = has_constant || column == 0;
            enum sotto_status status =
                column > 0 ? sotto__cut_add_double(classes, column - 1, -DBL_MAX, err) : SOTTO_OK;
            status = status == SOTTO_OK && column > 0
                         ? sotto__cut_add_double(classes, column - 1, INFINITY, err)
                         : status;
            if (status != SOTTO_OK) {
                return status;
            }
        }
        if (has_constant && term->factors_len == 2) {
            return sotto__classes_refuse(classes, term->factors[i],
                                         "a product of doubles with a number", err);
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
            return sotto__classes_refuse(classes, term->factors[0],
                                         "a method counts or weighs rows one by one", err);
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
        return sotto__classes_refuse(classes, index->op,
                                     "a method counts rows by what it found before", err);
    }
    size_t column = (size_t)form->products[0] - 1;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < index->len; i++) {
        if (index->kind == SOTTO__INDEX_LEVELS) {
            status = sotto__cut_add_text(classes, column, index->texts[i].text, err);
        } else if (index->double_limits != NULL) {
            status = sotto__cut_add_double(classes, column, index->double_limits[i], err);
        } else {
            status = sotto__cut_add(classes, column, index->limits[i], err);
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
        status = sotto__cuts_find(&column, classes, program->keys[i],
                                  count_bits(classes, program->keys[i]), err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (!sotto__levels_cuts(&cuts, program->levels[i])) {
            return sotto__classes_refuse(classes, SOTTO_NONE, "groups by a part of dates", err);
        }
        for (size_t j = 0; status == SOTTO_OK && j < cuts.len; j++) {
            if (cuts.texts != NULL) {
                status = classes->cuts[column].texts != NULL
                             ? sotto__cut_add_text(classes, column, cuts.texts[j].text, err)
                             : SOTTO_OK;
            } else if (classes->cuts[column].doubles != NULL) {
                status = sotto__cut_add_double(classes, column, cuts.doubles[j], err);
            } else if (classes->cuts[column].exact != NULL) {
                status = sotto__cut_add(classes, column, sotto__levels_cut(&cuts, j), err);
                status = status == SOTTO_OK && cuts.bounds == NULL
                             ? sotto__cut_add(classes, column, sotto__levels_cut(&cuts, j) + 1, err)
                             : status;
            }
        }
    }
    return status;
}

static enum sotto_status ask_operations(struct sotto_classes *classes, struct sotto_error *err)
{
    const struct sotto__program *program = classes->program;
    for (size_t i = 0; i < program->ops_len; i++) {
        enum sotto_status status = sotto__form_find(classes, i, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return program->where != SOTTO_NONE ? sotto__form_fix(classes, program->where, err) : SOTTO_OK;
}

/* What evidence tells rows apart by, if there is any. */
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
            status = sotto__cut_double(classes, column, 0, err);
        } else if (is_value && is_column && form->kind == SOTTO__FORM_EXACT) {
            status = sotto__cut_around(classes, column, 0, err);
        } else if (is_value) {
            status = sotto__form_fix(classes, bit->op, err);
        } else if (form->kind == SOTTO__FORM_UNKNOWN) {
            status = sotto__classes_refuse(classes, bit->op,
                                           "its rules look at what nobody computes", err);
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
            return sotto__classes_refuse(classes, inquiry->column_ops[i],
                                         "rules look at values that are computed of each row", err);
        }
        if (inquiry->columns[i].dataset == classes->dataset) {
            sotto__products_mark(classes->is_wanted, form);
        }
    }
    for (size_t i = 0; i < inquiry->sums_len; i++) {
        const size_t *factors = inquiry->sums[i].factors;
        if (inquiry->columns[factors[0]].dataset == classes->dataset && factors[1] != SOTTO_NONE) {
            (void)sotto__products_mark_joined(classes->is_wanted,
                                              &classes->forms[inquiry->column_ops[factors[0]]],
                                              &classes->forms[inquiry->column_ops[factors[1]]]);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status ask_all(struct sotto_classes *classes, struct sotto_error *err)
{
    static enum sotto_status (*const asks[])(struct sotto_classes * classes,
                                             struct sotto_error * err) = {
        ask_operations, ask_keys, ask_terms, ask_indices, ask_bits, ask_facts};
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        enum sotto_status status = asks[i](classes, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
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
        sotto__cuts_sort(cuts);
        if (cuts->len > SOTTO_CLASSES_CUTS_MAX) {
            return sotto__classes_refuse(classes, SOTTO_NONE,
                                         "there are too many limits on one column", err);
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
