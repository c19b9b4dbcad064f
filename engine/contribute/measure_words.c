/* SPDX-License-Identifier: Apache-2.0 */

/* Measures in words. It leans on the round's program and on the names of columns. The one idea: a
 * ledger knows a measure again by its text, so that this is the same however a plan was written. */

#include "contribute/watching.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>

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

uint64_t sotto__measure_hash_op(const uint64_t *hashes, const struct sotto_driver *driver, size_t i)
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

char *sotto__measure_write(const char *before, const struct sotto_driver *driver,
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

/* --- Grids --- */

size_t sotto__measure_find_value(const struct sotto__program *program, size_t op)
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
    const struct sotto__op *value = &program->ops[sotto__measure_find_value(program, index->op)];
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

char *sotto__measure_write_grid(const struct sotto_driver *driver, const uint64_t *hashes,
                                const struct sotto__monomial *value,
                                const struct sotto__index *index, size_t cell, bool by_grid)
{
    struct sotto_writer writer;
    char *text = sotto__measure_write(SOTTO_WATCH_CELLS, driver, hashes, value);
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

char *sotto__measure_write_complete(const struct sotto_driver *driver, const uint64_t *hashes,
                                    const struct sotto__monomial *value)
{
    struct sotto_writer writer;
    char *text = sotto__measure_write(SOTTO_WATCH_CELLS, driver, hashes, value);
    if (text == NULL) {
        return NULL;
    }
    sotto_writer_init(&writer, SIZE_MAX);
    write_completeness(&writer, driver);
    if (!append_digest(&text, SOTTO_WATCH_COMPLETE, &writer)) {
        sotto_free(text);
        return NULL;
    }
    return text;
}
