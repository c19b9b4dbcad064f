/* SPDX-License-Identifier: Apache-2.0 */

/* Rows by the classes of predicates. It leans on watch_predicates.c, which makes a program of them,
 * and on the registers of the round's own. The one idea: most predicates of a question are its own
 * conditions, which the round has computed when its rows are shown; so an operation that the round
 * has too is taken from there. */

#include "contribute/watching.h"
#include "program/compile.h"

#include <sotto/alloc.h>
#include <string.h>

/* --- Operations that the round has too --- */

/* Whether an operation of predicates and one of the round stand on the same ground: a column, a
 * constant, or operands alone. Any other index means something in its own program only. */
static bool is_same_source(const struct sotto__op *op, const struct sotto_driver *driver,
                           const struct sotto__op *other, const struct sotto_driver *round)
{
    if (op->kind == SOTTO__OP_COLUMN) {
        return strcmp(driver->expansion.columns[op->index].name,
                      round->expansion.columns[other->index].name) == 0;
    }
    if (op->kind == SOTTO__OP_CONSTANT) {
        return sotto__constant_is_same(&driver->program->constants[op->index],
                                       &round->program->constants[other->index]);
    }
    return op->index == SOTTO_NONE && other->index == SOTTO_NONE;
}

static bool is_same_operand(const size_t *twins, size_t operand, size_t other)
{
    return operand == SOTTO_NONE ? other == SOTTO_NONE : twins[operand] == other;
}

/* Whether two operations compute the same of the same rows, in the same words of memory. */
static bool are_twins(const size_t *twins, const struct sotto__op *op,
                      const struct sotto_driver *driver, const struct sotto__op *other,
                      const struct sotto_driver *round, size_t dataset)
{
    return sotto__op_does_same(op, other) && op->bits == other->bits &&
           op->is_null == other->is_null &&
           (op->dataset == SOTTO_NONE ? other->dataset == SOTTO_NONE : other->dataset == dataset) &&
           is_same_operand(twins, op->a, other->a) && is_same_operand(twins, op->b, other->b) &&
           is_same_operand(twins, op->c, other->c) && is_same_source(op, driver, other, round);
}

static void find_twins(size_t *out, const struct sotto_driver *driver,
                       const struct sotto_driver *round, size_t dataset)
{
    for (size_t i = 0; i < driver->program->ops_len; i++) {
        const struct sotto__op *ops = round->program->ops;
        size_t found = 0;
        while (found < round->program->ops_len &&
               !are_twins(out, &driver->program->ops[i], driver, &ops[found], round, dataset)) {
            found++;
        }
        out[i] = found < round->program->ops_len ? found : SOTTO_NONE;
    }
}

/* Wakes what predicates and the columns beside them ask for. */
static void wake_asked(struct sotto__predicates *predicates)
{
    struct sotto__program *program = predicates->driver->program;
    for (size_t i = 0; i < program->ops_len; i++) {
        program->ops[i].is_idle = true;
    }
    for (size_t i = 0; i < program->indices_len; i++) {
        const struct sotto__index *index = &program->indices[i];
        program->ops[index->op].is_idle = false;
        for (size_t j = 0; j < index->ops_len; j++) {
            program->ops[index->ops[j]].is_idle = false;
        }
    }
    for (size_t i = 0; i < predicates->len; i++) {
        for (size_t j = 0; j < predicates->list[i].parts_len; j++) {
            const struct sotto__predicate_part *part = &predicates->list[i].parts[j];
            for (size_t k = 0; k < part->ops_len; k++) {
                program->ops[part->ops[k]].is_idle = false;
            }
            for (size_t k = 0; k < part->values_len; k++) {
                program->ops[part->values[k]].is_idle = false;
            }
        }
    }
    for (size_t i = 0; i < predicates->columns_len; i++) {
        program->ops[predicates->column_ops[i]].is_idle = false;
    }
}

enum sotto_status sotto__predicates_share(struct sotto__predicates *in_out,
                                          const struct sotto__watched *watched,
                                          struct sotto_error *err)
{
    struct sotto__program *program = in_out->driver->program;
    in_out->twins = sotto_alloc_array(program->ops_len, sizeof *in_out->twins);
    if (in_out->twins == NULL) {
        return sotto_error_no_memory(err);
    }
    find_twins(in_out->twins, in_out->driver, watched->driver, watched->dataset);
    wake_asked(in_out);
    for (size_t i = program->ops_len; i-- > 0;) { /* operands stand before their operations */
        struct sotto__op *op = &program->ops[i];
        size_t twin = in_out->twins[i];
        bool is_shared = !op->is_idle && op->dataset != SOTTO_NONE && twin != SOTTO_NONE &&
                         !watched->driver->program->ops[twin].is_idle;
        const size_t operands[3] = {op->a, op->b, op->c};
        for (size_t j = 0; !op->is_idle && !is_shared && j < 3; j++) {
            if (operands[j] != SOTTO_NONE) {
                program->ops[operands[j]].is_idle = false;
            }
        }
        op->is_idle = op->is_idle || is_shared;
        in_out->twins[i] = is_shared ? twin : SOTTO_NONE;
    }
    return sotto__registers_measure(program, err);
}

void sotto__predicates_borrow(const struct sotto__predicates *predicates, struct sotto__rows *rows,
                              const struct sotto__rows *round)
{
    for (size_t i = 0; i < rows->program->ops_len; i++) {
        if (predicates->twins[i] != SOTTO_NONE) {
            struct sotto__register *reg = &rows->registers[i];
            *reg = round->registers[predicates->twins[i]];
            reg->state = reg->state == round->no_state ? rows->no_state : reg->state;
        }
    }
}

/* --- Classing rows --- */

static void class_by_number(uint16_t *restrict out, const struct sotto__predicate_part *part,
                            const struct sotto__rows *rows, size_t len)
{
    const uint32_t *restrict numbers = rows->numbers + part->index * SOTTO__ROWS_LEN;
    const uint16_t *restrict class_of = part->class_of;
    for (size_t i = 0; i < len; i++) {
        out[i] = class_of[numbers[i]];
    }
}

static void class_by_op(uint16_t *restrict in_out, const struct sotto__register *reg,
                        uint16_t class_, size_t len)
{
    const uint8_t *restrict state = reg->state;
    const uint64_t *restrict values = reg->values;
    for (size_t i = 0; i < len; i++) {
        uint64_t is_true = (values[i] | (0 - values[i])) >> 63; /* without comparing words */
        uint16_t mask = (uint16_t)(0 - is_true) & (uint16_t)(state[i] == 0 ? UINT16_MAX : 0);
        in_out[i] = (uint16_t)((in_out[i] & ~mask) | (class_ & mask));
    }
}

static void class_unknown(uint16_t *restrict in_out, const uint8_t *restrict state, bool also_known,
                          size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_unknown = (state[i] != 0) & (also_known | (in_out[i] == 0));
        in_out[i] = is_unknown ? SOTTO_WATCH_CLASSES_MAX : in_out[i];
    }
}

static void class_by_ops(uint16_t *out, const struct sotto__predicate_part *part,
                         const struct sotto__rows *rows, size_t len)
{
    memset(out, 0, len * sizeof *out);
    for (size_t i = 0; i < part->ops_len; i++) {
        class_by_op(out, &rows->registers[part->ops[i]], (uint16_t)(i + 1), len);
    }
    /* Where it is not known whether a condition holds: neither a row of it nor of its opposite. */
    const uint8_t *state = part->ops_len == 1 ? rows->registers[part->ops[0]].state : NULL;
    if (state != NULL && state != rows->no_state) {
        class_unknown(out, state, true, len);
    }
    for (size_t i = 0; i < part->values_len; i++) {
        const uint8_t *missing = rows->registers[part->values[i]].state;
        if (missing != rows->no_state) {
            class_unknown(out, missing, false, len);
        }
    }
}

static void class_by_part(uint16_t *out, const struct sotto__predicate_part *part,
                          const struct sotto__rows *rows, size_t len)
{
    if (part->index != SOTTO_NONE) {
        class_by_number(out, part, rows, len);
    } else {
        class_by_ops(out, part, rows, len);
    }
    for (size_t i = 0; part->has_other && i < len; i++) {
        out[i] = out[i] == 0 ? (uint16_t)(part->classes_len + 1) : out[i];
    }
}

/* Adds what one more part says. Rows that are in no class of one are in none. */
static void join_part(uint16_t *in_out, const struct sotto__predicate_part *part,
                      const struct sotto__rows *rows, size_t len)
{
    uint16_t classes[SOTTO__ROWS_LEN];
    size_t own_len = part->classes_len + part->has_other;
    class_by_part(classes, part, rows, len);
    for (size_t i = 0; i < len; i++) {
        bool is_unknown =
            in_out[i] == SOTTO_WATCH_CLASSES_MAX || classes[i] == SOTTO_WATCH_CLASSES_MAX;
        bool is_none = in_out[i] == 0 || classes[i] == 0;
        in_out[i] = is_unknown ? SOTTO_WATCH_CLASSES_MAX
                    : is_none  ? 0
                               : (uint16_t)((in_out[i] - 1) * own_len + classes[i]);
    }
}

void sotto__predicates_class(const struct sotto__predicates *predicates, uint16_t *out, size_t i,
                             const struct sotto__rows *rows, size_t len)
{
    const struct sotto__predicate *predicate = &predicates->list[i];
    const uint8_t *is_left_out = predicate->is_left_out;
    class_by_part(out, &predicate->parts[0], rows, len);
    for (size_t j = 1; j < predicate->parts_len; j++) {
        join_part(out, &predicate->parts[j], rows, len);
    }
    for (size_t j = 0; is_left_out != NULL && j < len; j++) {
        bool is_class = out[j] > 0 && out[j] < SOTTO_WATCH_CLASSES_MAX;
        out[j] = is_class && is_left_out[out[j]] != 0 ? 0 : out[j];
    }
}
