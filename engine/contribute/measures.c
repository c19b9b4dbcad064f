/* SPDX-License-Identifier: Apache-2.0 */

/* What the sums of a round add up, row by row. It leans on the round's program, whose registers
 * hold the values.
 *
 * The one idea: a sum of a polynomial tells the sums of its monomials (an asker solves for them),
 * so these are its measures, whatever its coefficients. Where a condition within a sum chooses
 * rows, it is the same measure, taken as if it counted them all: that refuses more, and what the
 * other rows are is known by it. Where missing values choose them they are the rows that count. */

#include "contribute/watching.h"

#include <float.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MONOMIALS_MAX 64

/* What an operation is a sum of. */
struct monomials {
    struct sotto__monomial *list;
    size_t len;
};

/* --- Monomials --- */

static bool set_one(struct monomials *out, const struct sotto__monomial *monomial)
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
static bool set_value(struct monomials *out, size_t op)
{
    struct sotto__monomial monomial = {
        .values = {op}, .values_len = 1, .present = {op}, .present_len = 1};
    return set_one(out, &monomial);
}

static bool copy_monomials(struct monomials *out, const struct monomials *from)
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

static bool add_all_present(struct sotto__monomial *in_out, const struct monomials *from)
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

static bool is_same_monomial(const struct sotto__monomial *x, const struct sotto__monomial *y)
{
    return x->values_len == y->values_len && x->present_len == y->present_len &&
           memcmp(x->values, y->values, x->values_len * sizeof x->values[0]) == 0 &&
           memcmp(x->present, y->present, x->present_len * sizeof x->present[0]) == 0;
}

/* Returns: false if there are too many. */
static bool add_monomial(struct monomials *in_out, const struct sotto__monomial *monomial)
{
    for (size_t i = 0; i < in_out->len; i++) {
        if (is_same_monomial(&in_out->list[i], monomial)) {
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
static bool finish_list(struct monomials *out, bool fits, size_t op)
{
    if (out->list == NULL || fits) {
        return out->list != NULL;
    }
    sotto_free(out->list);
    return set_value(out, op);
}

/* A product counts where all of both is present. Returns: false if there are too many monomials, or
 * one has too many factors; or without memory, and then there is no list. */
static bool multiply_out(struct monomials *out, const struct monomials *x,
                         const struct monomials *y)
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
static bool set_product(struct monomials *out, const struct monomials *x, const struct monomials *y,
                        size_t op)
{
    bool fits = multiply_out(out, x, y);
    return finish_list(out, fits, op);
}

/* are_both: a row counts where x and y are present. Else x or y counts, whichever a condition says:
 * each is taken as if it counted in all rows. */
static bool set_sum(struct monomials *out, const struct monomials *x, const struct monomials *y,
                    bool are_both, size_t op)
{
    const struct monomials *all[2] = {x, y};
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
static bool set_mask(struct monomials *out, const struct monomials *x, const struct monomials *y,
                     size_t op)
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

/* Returns: false if there is no memory. */
static bool expand_op(struct monomials *lists, const struct sotto__program *program, size_t i)
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

/* --- Words --- */

/* FNV-1a: two values of one number are compared as if they were one, which refuses more. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t bytes)
{
    const uint8_t *from = data;
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ from[i]) * UINT64_C(0x100000001B3);
    }
    return hash;
}

/* With other parameters, which each group has, it is another operation: what stayed the same of few
 * values, or did not, then says nothing of rows. Those of the first round have none. */
static uint64_t hash_parameter(uint64_t hash, const struct sotto__program *program, size_t place)
{
    for (size_t group = 0; group < program->groups_len; group++) {
        const uint64_t *parameters = program->parameters + group * program->parameters_len;
        hash = hash_bytes(hash, &parameters[place], sizeof parameters[place]);
    }
    return hash;
}

/* A number for what an operation computes, of the columns' names and not of their places. */
static uint64_t hash_op(const uint64_t *hashes, const struct sotto_driver *driver, size_t i)
{
    const struct sotto__op *op = &driver->program->ops[i];
    const size_t operands[3] = {op->a, op->b, op->c};
    uint64_t hash = hash_bytes(UINT64_C(0xCBF29CE484222325), &op->kind, sizeof op->kind);
    for (size_t j = 0; j < 3; j++) {
        uint64_t operand = operands[j] != SOTTO_NONE ? hashes[operands[j]] : 0;
        hash = hash_bytes(hash, &operand, sizeof operand);
    }
    hash = hash_bytes(hash, &op->digits, sizeof op->digits);
    if (op->kind == SOTTO__OP_COLUMN) {
        const char *name = driver->expansion.columns[op->index].name;
        hash = hash_bytes(hash, name, strlen(name));
    } else if (op->kind == SOTTO__OP_CONSTANT && !op->is_null) { /* na is no number */
        const struct sotto__constant *constant = &driver->program->constants[op->index];
        hash = hash_bytes(hash, constant->limbs, sizeof constant->limbs);
        hash = hash_bytes(hash, &constant->number, sizeof constant->number);
        hash = hash_bytes(hash, &op->scale, sizeof op->scale);
    } else if (sotto__is_text_condition(op->kind)) {
        hash = hash_bytes(hash, op->text, strlen(op->text));
    } else if (op->kind == SOTTO__OP_PARAMETER || op->kind == SOTTO__OP_ADD_SCALED) {
        hash = hash_parameter(hash, driver->program, op->index);
    }
    return hash;
}

/* What an operation clips, but for its units: most rows have that value, so that it counts as the
 * same measure. */
static size_t find_clipped(const struct sotto__program *program, size_t i)
{
    const struct sotto__op *op = &program->ops[i];
    bool is_scaled = false;
    for (; op->clips || is_scaled; op = &program->ops[i]) {
        i = op->clips ? op->b : op->a;
        const struct sotto__op *next = &program->ops[i];
        is_scaled =
            next->kind == SOTTO__OP_FLOAT ||
            (next->kind == SOTTO__OP_MULTIPLY && program->ops[next->b].kind == SOTTO__OP_CONSTANT);
    }
    return i;
}

static void write_value(struct sotto_writer *writer, const struct sotto_driver *driver,
                        const uint64_t *hashes, size_t i)
{
    const struct sotto__op *op = &driver->program->ops[find_clipped(driver->program, i)];
    char text[32];
    if (op->kind != SOTTO__OP_COLUMN) {
        (void)snprintf(text, sizeof text, "(computed %016llx)", (unsigned long long)hashes[i]);
        sotto__json_raw(writer, text);
        return;
    }
    sotto__json_raw(writer, "`");
    sotto__json_raw(writer, driver->expansion.columns[op->index].name);
    sotto__json_raw(writer, "`");
}

/* Operations may stand in another order in another plan: the words of factors are sorted. */
static char *write_measure(const struct sotto_driver *driver, const uint64_t *hashes,
                           const struct sotto__monomial *product)
{
    struct sotto_writer texts[SOTTO__MEASURE_VALUES_MAX];
    struct sotto_writer all;
    size_t bytes;
    size_t order[SOTTO__MEASURE_VALUES_MAX];
    for (size_t i = 0; i < product->values_len; i++) {
        sotto_writer_init(&texts[i], SOTTO_PLAN_BYTES_MAX);
        write_value(&texts[i], driver, hashes, product->values[i]);
        sotto_write_u8(&texts[i], 0);
        size_t at = i;
        for (; at > 0 && !texts[i].failed && !texts[order[at - 1]].failed &&
               strcmp((const char *)texts[order[at - 1]].data, (const char *)texts[i].data) > 0;
             at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    sotto_writer_init(&all, (size_t)8 * SOTTO_PLAN_BYTES_MAX);
    for (size_t i = 0; i < product->values_len; i++) {
        const struct sotto_writer *text = &texts[order[i]];
        all.failed = all.failed || text->failed;
        sotto__json_raw(&all, i > 0 ? " * " : "");
        sotto__json_raw(&all, text->failed ? "" : (const char *)text->data);
    }
    sotto_write_u8(&all, 0);
    for (size_t i = 0; i < product->values_len; i++) {
        sotto_writer_release(&texts[i]);
    }
    if (sotto_writer_status(&all) != SOTTO_OK) {
        sotto_writer_release(&all);
        return NULL;
    }
    return (char *)sotto_writer_take(&all, &bytes);
}

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
            is_same_monomial(&other->product, &measure->product)) {
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

/* Writes a text before that of a product. Returns: NULL without memory. */
static char *write_after(const char *before, const struct sotto_driver *driver,
                         const uint64_t *hashes, const struct sotto__monomial *product)
{
    char *text = write_measure(driver, hashes, product);
    size_t bytes = text != NULL ? strlen(before) + strlen(text) + 1 : 0;
    char *out = text != NULL ? sotto_alloc(bytes) : NULL;
    if (out != NULL) {
        (void)snprintf(out, bytes, "%s%s", before, text);
    }
    sotto_free(text);
    return out;
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
    measure.text =
        write_after(kind == SOTTO__MEASURE_CELLS ? SOTTO_WATCH_CELLS : "", driver, hashes, product);
    bool has_memory =
        measure.text != NULL && find_columns(&measure, driver) && append_measure(in_out, &measure);
    if (!has_memory) {
        release_measure(&measure);
    }
    return has_memory;
}

/* --- Grids --- */

/* What a method counts the keys of. */
static size_t find_value(const struct sotto__program *program, size_t op)
{
    while (program->ops[op].kind == SOTTO__OP_KEY || program->ops[op].kind == SOTTO__OP_MASK) {
        op = program->ops[op].a;
    }
    return op;
}

static void write_words(struct sotto_writer *writer, const struct sotto__program *program,
                        size_t group, size_t place, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sotto_write_u64(writer, program->parameters[group * program->parameters_len + place + i]);
    }
}

/* Which cells are divided: one, or, where there are groups, whichever this round divides in them.
 */
static void write_cell(struct sotto_writer *writer, const struct sotto_driver *driver,
                       const struct sotto__index *index, size_t cell)
{
    if (driver->program->groups_len > 1) {
        sotto_write_u64(writer, driver->round);
    } else if (index->place != SOTTO_NONE) {
        write_words(writer, driver->program, 0, index->place + cell * SOTTO__CELL_WORDS,
                    SOTTO__CELL_WORDS);
    }
}

/* Which rows are complete, where only these count: those that have all columns of the plan. */
static void write_completeness(struct sotto_writer *writer, const struct sotto_driver *driver)
{
    for (size_t i = 0; driver->program->is_complete && i < driver->expansion.columns_len; i++) {
        const struct sotto__column *column = &driver->expansion.columns[i];
        sotto_write_u64(writer, column->dataset);
        sotto_write_blob(writer, column->name, strlen(column->name));
    }
}

/* How they are: by keys of which numbers, of which rows, and in all groups where, and the map of
 * the grid. Other types have other keys: doubles, or one decimal more. */
static void write_grid(struct sotto_writer *writer, const struct sotto_driver *driver,
                       const struct sotto__index *index, size_t cell)
{
    const struct sotto__program *program = driver->program;
    const struct sotto__op *value = &program->ops[find_value(program, index->op)];
    sotto_write_u8(writer, value->type == SOTTO__ROW_FLOAT);
    sotto_write_u32(writer, (uint32_t)value->scale);
    sotto_write_u32(writer, index->key_bits);
    write_completeness(writer, driver);
    for (size_t group = 0; group < program->groups_len; group++) {
        if (index->place != SOTTO_NONE) {
            write_words(writer, program, group, index->place + cell * SOTTO__CELL_WORDS,
                        SOTTO__CELL_WORDS);
        }
        write_words(writer, program, group, index->map + cell * SOTTO__MAP_WORDS, SOTTO__MAP_WORDS);
    }
}

/* Appends a word and the digest of what was written, which it ends. Returns: false without memory.
 */
static bool append_digest(char **in_out, const char *word, struct sotto_writer *writer)
{
    uint8_t digest[SOTTO_SHORT_DIGEST_BYTES];
    size_t bytes = strlen(*in_out) + strlen(word) + 2 * sizeof digest + 1;
    bool has_memory = sotto_writer_status(writer) == SOTTO_OK;
    char *out = has_memory ? sotto_alloc(bytes) : NULL;
    if (out != NULL) {
        int len = snprintf(out, bytes, "%s%s", *in_out, word);
        sotto_short_digest(digest, writer->data, writer->data_bytes);
        for (size_t i = 0; i < sizeof digest; i++) {
            len += snprintf(out + len, bytes - (size_t)len, "%02x", digest[i]);
        }
        sotto_free(*in_out);
        *in_out = out;
    }
    sotto_writer_release(writer);
    return out != NULL;
}

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

/* The text of cells of a value, in one cell, and (by_grid) by how it is divided. Returns: NULL
 * without memory. */
static char *write_grid_text(const struct sotto_driver *driver, const uint64_t *hashes,
                             const struct sotto__monomial *value, const struct sotto__index *index,
                             size_t cell, bool by_grid)
{
    struct sotto_writer writer;
    char *text = write_after(SOTTO_WATCH_CELLS, driver, hashes, value);
    if (text == NULL) {
        return NULL;
    }
    sotto_writer_init(&writer, SIZE_MAX);
    write_cell(&writer, driver, index, cell);
    bool has_memory = append_digest(&text, SOTTO_WATCH_IN_CELL, &writer);
    if (has_memory && by_grid) {
        sotto_writer_init(&writer, SIZE_MAX);
        write_grid(&writer, driver, index, cell);
        has_memory = append_digest(&text, SOTTO_WATCH_BY_GRID, &writer);
    }
    if (!has_memory) {
        sotto_free(text);
        return NULL;
    }
    return text;
}

/* Adds that a cell is divided, and then by which grid. They are of no columns. */
static bool add_grid(struct sotto__measures *in_out, const struct sotto_driver *driver,
                     const uint64_t *hashes, const struct sotto__monomial *value,
                     const struct sotto__index *index, size_t cell)
{
    for (int by_grid = 0; by_grid < 2; by_grid++) {
        char *text = write_grid_text(driver, hashes, value, index, cell, by_grid);
        if (text == NULL || !add_grid_measure(in_out, value, SOTTO__MEASURE_GRID, text)) {
            return false;
        }
    }
    return true;
}

/* The product of operations, multiplied out, or where that is too much of them as they are: it is
 * another measure than each of them. Returns: false without memory. */
static bool find_product(struct monomials *out, const struct monomials *lists,
                         const size_t *factors, size_t len)
{
    struct sotto__monomial plain = {0};
    bool fits = true;
    if (!copy_monomials(out, &lists[factors[0]])) {
        return false;
    }
    for (size_t i = 1; fits && i < len; i++) {
        struct monomials next;
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

/* The products of the factors' monomials. */
static bool add_term(struct sotto__measures *const *in_out, const struct sotto_driver *driver,
                     const struct monomials *lists, const uint64_t *hashes,
                     const struct sotto__term *term)
{
    struct monomials product;
    struct sotto__measures *measures = in_out[driver->program->ops[term->factors[0]].dataset];
    size_t factors[SOTTO__TERM_FACTORS_MAX + 1];
    size_t len = term->factors_len;
    memcpy(factors, term->factors, len * sizeof factors[0]);
    if (term->times != SOTTO_NONE && !term->is_in_gram) {
        factors[len++] = term->times;
    }
    bool has_memory = find_product(&product, lists, factors, len);
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
    struct sotto_writer writer;
    char *text = write_after(SOTTO_WATCH_CELLS, driver, hashes, value);
    if (text == NULL) {
        return false;
    }
    sotto_writer_init(&writer, SIZE_MAX);
    write_completeness(&writer, driver);
    if (!append_digest(&text, SOTTO_WATCH_COMPLETE, &writer)) {
        sotto_free(text);
        return false;
    }
    return add_grid_measure(in_out, value, SOTTO__MEASURE_COMPLETE, text);
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
    const struct sotto__monomial value = {.values = {find_value(program, index->op)},
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
    struct monomials *lists = sotto_alloc_array(program->ops_len, sizeof *lists);
    uint64_t *hashes = sotto_alloc_array(program->ops_len, sizeof *hashes);
    bool has_memory = lists != NULL && hashes != NULL;
    for (size_t i = 0; has_memory && i < program->ops_len; i++) {
        has_memory = expand_op(lists, program, i);
        hashes[i] = hash_op(hashes, driver, i);
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
