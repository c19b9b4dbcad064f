/* SPDX-License-Identifier: Apache-2.0 */

/* What the sums of a round add up, row by row. It leans on the round's program, whose registers
 * hold the values, on monomials.c and on measure_words.c.
 *
 * The one idea: a sum of a polynomial tells the sums of its monomials (an asker solves for them),
 * so these are its measures, whatever its coefficients. Where a condition within a sum chooses
 * rows, it is the same measure, taken as if it counted them all: that refuses more, and what the
 * other rows are is known by it. Where missing values choose them they are the rows that count. */

#include "contribute/watching.h"

#include <float.h>
#include <sotto/alloc.h>
#include <string.h>

/* --- Measures --- */

/* Operands stand before their operations: one pass down finds all columns below the values, and
 * whether there are coefficients of a model. */
static bool find_columns(struct sotto__measure *in_out, const struct sotto_driver *driver)
{
    const struct sotto__program *program = driver->program;
    bool *is_read = sotto_alloc_zeroed(program->ops_len + 1);
    in_out->columns = sotto_alloc_array(driver->expansion.columns_len, sizeof *in_out->columns);
    if (is_read == NULL || in_out->columns == NULL) {
        sotto_free(is_read); /* the measure ends its columns */
        return false;
    }
    for (size_t i = 0; i < in_out->product.values_len; i++) {
        is_read[in_out->product.values[i]] = true;
    }
    for (size_t i = program->ops_len; i-- > 0;) {
        const struct sotto__op *op = &program->ops[i];
        const size_t operands[3] = {op->a, op->b, op->c};
        for (size_t j = 0; is_read[i] && j < 3; j++) {
            if (operands[j] != SOTTO_NONE) {
                is_read[operands[j]] = true;
            }
        }
        in_out->is_fitted = in_out->is_fitted || (is_read[i] && op->kind == SOTTO__OP_ADD_SCALED);
        if (is_read[i] && op->kind == SOTTO__OP_COLUMN) {
            in_out->columns[in_out->columns_len++] = driver->expansion.columns[op->index].name;
        }
    }
    sotto_free(is_read);
    return true;
}

/* Whether there is such a measure; of grids, with the same text. */
static bool has_measure(const struct sotto__measures *measures,
                        const struct sotto__measure *measure)
{
    for (size_t i = 0; i < measures->len; i++) {
        const struct sotto__measure *other = &measures->list[i];
        bool is_text = measure->kind != SOTTO__MEASURE_GRID ||
                       (other->kind == measure->kind && strcmp(other->text, measure->text) == 0);
        if (other->kind == measure->kind && is_text &&
            sotto__monomial_is_same(&other->product, &measure->product)) {
            return true;
        }
    }
    return false;
}

static bool append_measure(struct sotto__measures *in_out, const struct sotto__measure *measure)
{
    void *list = in_out->list;
    if (sotto_array_reserve(&list, &in_out->capacity_len, in_out->len + 1, sizeof *in_out->list) !=
        SOTTO_OK) {
        return false;
    }
    in_out->list = list;
    in_out->list[in_out->len++] = *measure;
    return true;
}

static void release_measure(struct sotto__measure *measure)
{
    sotto_free(measure->text);
    sotto_free(measure->columns);
}

static bool add_measure(struct sotto__measures *in_out, const struct sotto_driver *driver,
                        const uint64_t *hashes, const struct sotto__monomial *product,
                        enum sotto__measure_kind kind)
{
    struct sotto__measure measure = {.product = *product, .kind = kind};
    in_out->counts_rows = in_out->counts_rows || product->values_len == 0;
    if (product->values_len == 0 || has_measure(in_out, &measure)) {
        return true;
    }
    measure.text = sotto__measure_write(kind == SOTTO__MEASURE_CELLS ? SOTTO_WATCH_CELLS : "",
                                        driver, hashes, product);
    bool has_memory =
        measure.text != NULL && find_columns(&measure, driver) && append_measure(in_out, &measure);
    if (!has_memory) {
        release_measure(&measure);
    }
    return has_memory;
}

/* --- Grids --- */

/* Takes the text. Returns: false without memory. */
static bool add_grid_measure(struct sotto__measures *in_out, const struct sotto__monomial *value,
                             enum sotto__measure_kind kind, char *text)
{
    struct sotto__measure measure = {.product = *value, .kind = kind, .text = text};
    bool is_new = !has_measure(in_out, &measure);
    bool has_memory = !is_new || append_measure(in_out, &measure);
    if (!is_new || !has_memory) {
        sotto_free(text);
    }
    return has_memory;
}

/* Adds that a cell is divided, and then by which grid. They are of no columns. */
static bool add_grid(struct sotto__measures *in_out, const struct sotto_driver *driver,
                     const uint64_t *hashes, const struct sotto__monomial *value,
                     const struct sotto__index *index, size_t cell)
{
    for (int by_grid = 0; by_grid < 2; by_grid++) {
        char *text = sotto__measure_write_grid(driver, hashes, value, index, cell, by_grid);
        if (text == NULL || !add_grid_measure(in_out, value, SOTTO__MEASURE_GRID, text)) {
            return false;
        }
    }
    return true;
}

/* The products of the factors' monomials. */
static bool add_term(struct sotto__measures *const *in_out, const struct sotto_driver *driver,
                     const struct sotto__monomials *lists, const uint64_t *hashes,
                     const struct sotto__term *term)
{
    struct sotto__monomials product;
    struct sotto__measures *measures = in_out[driver->program->ops[term->factors[0]].dataset];
    size_t factors[SOTTO__TERM_FACTORS_MAX + 1];
    size_t len = term->factors_len;
    memcpy(factors, term->factors, len * sizeof factors[0]);
    if (term->times != SOTTO_NONE && !term->is_in_gram) {
        factors[len++] = term->times;
    }
    bool has_memory = sotto__monomials_find_product(&product, lists, factors, len);
    for (size_t i = 0; has_memory && i < product.len; i++) {
        has_memory = add_measure(measures, driver, hashes, &product.list[i], SOTTO__MEASURE_SUM);
    }
    sotto_free(product.list);
    return has_memory;
}

/* Adds the values of complete rows, which few of may change, in words of their own. */
static bool add_complete(struct sotto__measures *in_out, const struct sotto_driver *driver,
                         const uint64_t *hashes, const struct sotto__monomial *value)
{
    char *text = sotto__measure_write_complete(driver, hashes, value);
    return text != NULL && add_grid_measure(in_out, value, SOTTO__MEASURE_COMPLETE, text);
}

/* What an index of a method counts by the values' digits. */
static bool add_cells(struct sotto__measures *const *in_out, const struct sotto_driver *driver,
                      const uint64_t *hashes, const struct sotto__index *index)
{
    const struct sotto__program *program = driver->program;
    const struct sotto__op *op = &program->ops[index->op];
    if ((index->kind != SOTTO__INDEX_DIGITS && index->kind != SOTTO__INDEX_PARTS) ||
        op->dataset == SOTTO_NONE) {
        return true;
    }
    const struct sotto__monomial value = {.values = {sotto__measure_find_value(program, index->op)},
                                          .values_len = 1,
                                          .present = {index->op},
                                          .present_len = 1};
    struct sotto__measures *measures = in_out[op->dataset];
    bool has_memory = add_measure(measures, driver, hashes, &value, SOTTO__MEASURE_CELLS) &&
                      (!program->is_complete || add_complete(measures, driver, hashes, &value));
    for (size_t i = 0; index->is_mapped && has_memory && i < index->cells_len; i++) {
        has_memory = add_grid(measures, driver, hashes, &value, index, i);
    }
    return has_memory;
}

bool sotto__measures_find(struct sotto__measures *const *in_out, const struct sotto_driver *driver)
{
    const struct sotto__program *program = driver->program;
    struct sotto__monomials *lists = sotto_alloc_array(program->ops_len, sizeof *lists);
    uint64_t *hashes = sotto_alloc_array(program->ops_len, sizeof *hashes);
    bool has_memory = lists != NULL && hashes != NULL;
    for (size_t i = 0; has_memory && i < program->ops_len; i++) {
        has_memory = sotto__monomials_expand(lists, program, i);
        hashes[i] = sotto__measure_hash_op(hashes, driver, i);
    }
    for (size_t i = 0; has_memory && i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        size_t dataset = program->ops[term->factors[0]].dataset;
        bool is_sum = term->kind == SOTTO__TERM_SUM && term->index == SOTTO_NONE;
        if (dataset == SOTTO_NONE) {
            continue;
        }
        if (is_sum) {
            has_memory = add_term(in_out, driver, lists, hashes, term);
        } else if (term->kind != SOTTO__TERM_NAN_MADE) {
            in_out[dataset]->counts_rows = true;
        }
    }
    for (size_t i = 0; has_memory && i < program->indices_len; i++) {
        has_memory = add_cells(in_out, driver, hashes, &program->indices[i]);
    }
    for (size_t i = 0; lists != NULL && i < program->ops_len; i++) {
        sotto_free(lists[i].list);
    }
    sotto_free(lists);
    sotto_free(hashes);
    return has_memory;
}

/* Whether an operation is a column that misses no value. */
static bool is_whole(const struct sotto_driver *driver, size_t i,
                     const struct sotto_catalogue *catalogue)
{
    const struct sotto__op *op = &driver->program->ops[i];
    if (op->kind != SOTTO__OP_COLUMN) {
        return false;
    }
    size_t found = sotto_catalogue_find(catalogue, driver->expansion.columns[op->index].name);
    return found != SOTTO_NONE && catalogue->columns[found].missing == 0;
}

static bool list_factors(struct sotto__measures *in_out)
{
    sotto_free(in_out->factors);
    in_out->factors_len = 0;
    in_out->factors =
        sotto_alloc_array(in_out->len * SOTTO__MEASURE_VALUES_MAX + 1, sizeof *in_out->factors);
    for (size_t i = 0; in_out->factors != NULL && i < in_out->len; i++) {
        struct sotto__measure *measure = &in_out->list[i];
        for (size_t j = 0; j < measure->product.values_len; j++) {
            size_t at = 0;
            while (at < in_out->factors_len && in_out->factors[at] != measure->product.values[j]) {
                at++;
            }
            in_out->factors[at] = measure->product.values[j];
            in_out->factors_len += at == in_out->factors_len;
            measure->factors[j] = at;
        }
    }
    return in_out->factors != NULL;
}

bool sotto__measures_simplify(struct sotto__measures *in_out, const struct sotto_driver *driver,
                              const struct sotto_catalogue *catalogue)
{
    size_t len = in_out->len;
    in_out->len = 0;
    for (size_t i = 0; i < len; i++) {
        struct sotto__measure measure = in_out->list[i];
        struct sotto__monomial *product = &measure.product;
        size_t present_len = 0;
        for (size_t j = 0; j < product->present_len; j++) {
            if (!is_whole(driver, product->present[j], catalogue)) {
                product->present[present_len++] = product->present[j];
            }
        }
        product->present_len = present_len;
        if (has_measure(in_out, &measure)) {
            release_measure(&measure);
        } else {
            in_out->list[in_out->len++] = measure;
        }
    }
    return list_factors(in_out);
}

/* --- Values --- */

void sotto__measure_value(double *out, const struct sotto__rows *rows, size_t op, size_t len)
{
    const struct sotto__register *reg = &rows->registers[op];
    if (rows->program->ops[op].type == SOTTO__ROW_FLOAT) {
        memcpy(out, reg->values, len * sizeof *out);
    } else {
        sotto__exact_to_float(out, reg, rows->program->ops[op].scale, len);
    }
}

const double *sotto__measure_factor(double *room, const struct sotto__rows *rows, size_t op,
                                    size_t len)
{
    if (rows->program->ops[op].type == SOTTO__ROW_FLOAT) {
        return rows->registers[op].values;
    }
    sotto__measure_value(room, rows, op, len);
    return room;
}

/* A product of numbers that is no number (0 times infinity) is 0: it leaves the sum as it is. */
static void multiply_values(double *restrict out, const double *a, const double *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        double value = a[i] * b[i];
        out[i] = value == value ? value : 0;
    }
}

static void add_state(uint8_t *restrict out, const uint8_t *restrict state, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] |= state[i];
    }
}

static void find_states(uint8_t *out, const struct sotto__rows *rows,
                        const struct sotto__measure *measure, size_t len)
{
    const struct sotto__monomial *product = &measure->product;
    memset(out, 0, len);
    for (size_t i = 0; i < product->present_len; i++) {
        const uint8_t *state = rows->registers[product->present[i]].state;
        if (state != rows->no_state) {
            add_state(out, state, len);
        }
    }
}

const double *sotto__measure_rows(double *room, uint8_t *states, const double *const *factors,
                                  const struct sotto__measure *measure,
                                  const struct sotto__rows *rows, size_t len)
{
    const double *values = factors[measure->factors[0]];
    for (size_t i = 1; i < measure->product.values_len; i++) {
        multiply_values(room, values, factors[measure->factors[i]], len);
        values = room;
    }
    for (size_t i = 0; measure->kind != SOTTO__MEASURE_SUM && i < len; i++) {
        room[i] = values[i] == 0 ? DBL_TRUE_MIN : values[i]; /* nobody else counts by this number */
    }
    find_states(states, rows, measure, len);
    return measure->kind != SOTTO__MEASURE_SUM ? room : values;
}

void sotto__measures_release(struct sotto__measures *measures)
{
    for (size_t i = 0; i < measures->len; i++) {
        release_measure(&measures->list[i]);
    }
    sotto_free(measures->list);
    sotto_free(measures->factors);
    *measures = (struct sotto__measures){0};
}
