/* SPDX-License-Identifier: Apache-2.0 */

/* Rows go through the operations of a program, a block at a time, into a sink. It leans on load.c,
 * exact.c, divide.c and float.c for values; here are the states of rows and the order of things.
 *
 * The one idea: each operation has a register of its own, values and states of one block, which
 * stays in the caches and is allocated once. So an operation that many expressions share is
 * computed once for a block, and what depends on constants only is computed once for all.
 *
 * A row's state is 0 where it has a value, else why it has none. Operations join the states of
 * their operands; pointers say which states are shared or empty, so that blocks without a missing
 * value cost nothing. */

#include "rows/rows.h"
#include "kernels/blocks.h"

#include <math.h>
#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <string.h>

/* --- Bounds of doubles --- */

/* Sums of bounds are rounded; this is more than that can be. */
#define ABOVE_ROUNDING (1 + 0x1p-50)

static double read_bound(const struct sotto__register *reg)
{
    double bound;
    memcpy(&bound, &reg->bound, sizeof bound); /* unknown: NaN */
    return bound;
}

/* The bits of a bound that has been computed of others; SOTTO__BOUND_UNKNOWN if it is not finite.
 */
static uint64_t round_bound_up(double bound)
{
    uint64_t bits;
    double above = bound * ABOVE_ROUNDING + 0x1p-1022;
    memcpy(&bits, &above, sizeof bits);
    return above < (double)INFINITY ? bits : SOTTO__BOUND_UNKNOWN;
}

/* --- Storage --- */

static void fill_constant(struct sotto__register *reg, const struct sotto__op *op,
                          const struct sotto__constant *constant)
{
    for (size_t i = 0; op->type == SOTTO__ROW_FLOAT && i < SOTTO__ROWS_LEN; i++) {
        ((double *)reg->own_values)[i] = constant->number;
    }
    if (op->type == SOTTO__ROW_FLOAT) {
        reg->bound = sotto__blocks()->range(&reg->least, reg->own_values, SOTTO__ROWS_LEN);
    }
    for (size_t i = 0;
         op->type != SOTTO__ROW_FLOAT && op->bits <= SOTTO__PRODUCT_BITS_MAX && i < SOTTO__ROWS_LEN;
         i++) {
        memcpy((uint64_t *)reg->own_values + i * reg->limbs, constant->limbs,
               reg->limbs * sizeof(uint64_t));
    }
}

static void place_registers(struct sotto__rows *rows)
{
    const struct sotto__program *program = rows->program;
    uint8_t *at = rows->memory;
    for (size_t i = 0; i < program->ops_len; i++) {
        const struct sotto__op *op = &program->ops[i];
        struct sotto__register *reg = &rows->registers[i];
        reg->bits = op->bits;
        reg->bound = SOTTO__BOUND_UNKNOWN;
        reg->limbs = sotto__register_limbs(op);
        reg->own_values = at;
        at += SOTTO__ROWS_LEN * reg->limbs * sizeof(uint64_t);
        reg->own_state = at;
        at += reg->limbs > 0 ? SOTTO__ROWS_LEN : 0;
        reg->values = reg->own_values;
        reg->state = rows->no_state;
        if (op->is_idle) {
            continue;
        }
        if (op->kind == SOTTO__OP_CONSTANT && op->is_null) { /* its values stay 0 */
            memset(reg->own_state, SOTTO__ROW_MISSING, SOTTO__ROWS_LEN);
            reg->state = reg->own_state;
        } else if (op->kind == SOTTO__OP_CONSTANT) {
            fill_constant(reg, op, &program->constants[op->index]);
        }
    }
}

/* --- States --- */

const uint8_t *sotto__rows_join_states(uint8_t *room, const struct sotto__rows *rows,
                                       const struct sotto__register *a,
                                       const struct sotto__register *b, size_t len)
{
    if (a->state == b->state || b->state == rows->no_state) {
        return a->state;
    }
    if (a->state == rows->no_state) {
        return b->state;
    }
    const uint8_t *of_a = a->state;
    const uint8_t *of_b = b->state;
    for (size_t i = 0; i < len; i++) {
        room[i] = of_a[i] | of_b[i];
    }
    return room;
}

/* A NaN in a row whose operands are present was made by this operation. bound: of all magnitudes.
 */
static void mark_nan_made(struct sotto__register *out, uint64_t bound, size_t len)
{
    const double *values = out->values;
    out->bound = bound;
    if (out->bound <= SOTTO__INFINITY_BITS) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        bool made = values[i] != values[i] && out->state[i] == 0;
        out->own_state[i] = made ? SOTTO__ROW_MADE_NAN : out->state[i];
    }
    out->state = out->own_state;
    out->bound = SOTTO__BOUND_UNKNOWN;
}

/* --- Operations --- */

/* A division by 0 has no exact value, where its operands are present. */
static void mark_zero_divisors(const struct sotto__rows *rows, struct sotto__register *out,
                               const struct sotto__op *op, size_t len)
{
    const struct sotto__register *b = &rows->registers[op->b];
    const uint8_t *state = out->state;
    if (rows->program->ops[op->b].never_zero) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        bool made = state[i] == 0 && sotto__exact_is_zero(b, i);
        out->own_state[i] = made ? SOTTO__ROW_MADE_NAN : state[i];
    }
    out->state = out->own_state;
}

/* What bounds an operation whatever its operands are, unless one is NaN; 0: nothing does. */
static double find_own_bound(enum sotto__op_kind kind)
{
    switch (kind) {
    case SOTTO__OP_LOGIT_TAIL: /* rounded, perhaps above 1 and 1/4 */
    case SOTTO__OP_LOGIT_SHARE:
        return 1.5;
    case SOTTO__OP_LOGIT_SLOPE:
        return 0.375;
    default:
        return 0;
    }
}

/* Returns: what bounds the magnitudes of out, that of NaN too. */
static uint64_t compute_floats(double *out, uint64_t *out_least, const struct sotto__op *op,
                               const struct sotto__register *a, const struct sotto__register *b,
                               size_t len)
{
    static const struct {
        enum sotto__op_kind kind;
        enum sotto__arithmetic arithmetic;
    } kinds[] = {{SOTTO__OP_ADD, SOTTO__ARITHMETIC_ADD},
                 {SOTTO__OP_SUBTRACT, SOTTO__ARITHMETIC_SUBTRACT},
                 {SOTTO__OP_MULTIPLY, SOTTO__ARITHMETIC_MULTIPLY},
                 {SOTTO__OP_DIVIDE, SOTTO__ARITHMETIC_DIVIDE},
                 {SOTTO__OP_NEGATE, SOTTO__ARITHMETIC_NEGATE},
                 {SOTTO__OP_ABS, SOTTO__ARITHMETIC_ABS}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (op->kind == kinds[i].kind) {
            return sotto__blocks()->arithmetic(out, out_least, kinds[i].arithmetic, a->values,
                                               b->values, len);
        }
    }
    sotto__rows_float(out, op, a->values, b->values, len);
    double bound = find_own_bound(op->kind);
    if (bound > 0 && a->bound <= SOTTO__INFINITY_BITS && b->bound <= SOTTO__INFINITY_BITS) {
        return round_bound_up(bound);
    }
    return sotto__blocks()->range(out_least, out, len);
}

/* Whether an operation is x - x of finite doubles, which is how methods ask for these: it is 0. */
static bool is_difference_of_one(const struct sotto__op *op, const struct sotto__register *a)
{
    return op->kind == SOTTO__OP_SUBTRACT && op->a == op->b && a->bound < SOTTO__INFINITY_BITS;
}

/* Whether an operation is x / 1, which is how methods ask for x as one value. */
static bool is_quotient_by_one(const struct sotto__rows *rows, const struct sotto__op *op,
                               const struct sotto__register *a)
{
    const struct sotto__program *program = rows->program;
    return op->kind == SOTTO__OP_DIVIDE && program->ops[op->b].kind == SOTTO__OP_CONSTANT &&
           program->constants[program->ops[op->b].index].number == 1 &&
           a->bound <= SOTTO__INFINITY_BITS;
}

static void apply_arithmetic(struct sotto__rows *rows, struct sotto__register *out,
                             const struct sotto__op *op, size_t len)
{
    const struct sotto__register *a = &rows->registers[op->a];
    const struct sotto__register *b = op->b != SOTTO_NONE ? &rows->registers[op->b] : a;
    out->state = sotto__rows_join_states(out->own_state, rows, a, b, len);
    if (op->kind == SOTTO__OP_FLOAT) {
        out->values = out->own_values;
        sotto__exact_to_float(out->own_values, a, rows->program->ops[op->a].scale, len);
        out->bound = SOTTO__BOUND_UNKNOWN;
    } else if (op->type == SOTTO__ROW_FLOAT && is_difference_of_one(op, a)) {
        static const double zeros[SOTTO__ROWS_LEN];
        out->values = zeros;
        out->bound = 0;
    } else if (op->type == SOTTO__ROW_FLOAT && is_quotient_by_one(rows, op, a)) {
        out->values = a->values;
        out->bound = a->bound;
        out->least = a->least;
    } else if (op->type == SOTTO__ROW_FLOAT) {
        out->values = out->own_values;
        mark_nan_made(out, compute_floats(out->own_values, &out->least, op, a, b, len), len);
    } else if (op->kind == SOTTO__OP_FLOOR_DIVIDE || op->kind == SOTTO__OP_MODULO ||
               op->kind == SOTTO__OP_ROUND_DIVIDE) {
        sotto__exact_divide(out, op->kind, a, b, op->bits, rows->scratch, len);
        mark_zero_divisors(rows, out, op, len);
    } else if (!sotto__rows_make_sum(rows, out, op, len)) {
        sotto__rows_make_values(rows, op, len);
        sotto__exact_apply(out, op->kind, a, b, rows->scratch, len);
    }
}

/* A comparison with what is missing is false, except that != is true; it is never missing. */
static void apply_comparison(struct sotto__rows *rows, struct sotto__register *out,
                             const struct sotto__op *op, size_t len)
{
    const struct sotto__register *a = &rows->registers[op->a];
    const struct sotto__register *b = &rows->registers[op->b];
    if (rows->program->ops[op->a].type == SOTTO__ROW_FLOAT) {
        sotto__rows_compare_float(out->own_values, op->kind, a->values, b->values, len);
    } else {
        sotto__exact_apply(out, op->kind, a, b, rows->scratch, len);
    }
    const uint8_t *state = sotto__rows_join_states(out->own_state, rows, a, b, len);
    int64_t *values = out->own_values;
    int64_t of_missing = op->kind == SOTTO__OP_UNEQUAL;
    for (size_t i = 0; state != rows->no_state && i < len; i++) {
        values[i] = state[i] != 0 ? of_missing : values[i];
    }
    out->state = rows->no_state;
}

/* Three-valued logic: what is missing may be true or false, and counts only where that decides. */
static void apply_logic(struct sotto__rows *rows, struct sotto__register *out,
                        const struct sotto__op *op, size_t len)
{
    const struct sotto__register *a = &rows->registers[op->a];
    const struct sotto__register *b = op->kind == SOTTO__OP_NOT ? a : &rows->registers[op->b];
    const int64_t *x = a->values;
    const int64_t *y = b->values;
    int64_t *values = out->own_values;
    for (size_t i = 0; op->kind == SOTTO__OP_NOT && i < len; i++) {
        values[i] = x[i] ^ 1;
    }
    out->state = op->kind == SOTTO__OP_NOT ? a->state : out->own_state;
    int64_t deciding = op->kind == SOTTO__OP_OR; /* one operand of this value decides */
    for (size_t i = 0; op->kind != SOTTO__OP_NOT && i < len; i++) {
        bool decided =
            (a->state[i] == 0 && x[i] == deciding) || (b->state[i] == 0 && y[i] == deciding);
        values[i] = decided ? deciding : !deciding;
        out->own_state[i] = decided ? 0 : a->state[i] | b->state[i];
    }
}

/* SOTTO__OP_FILL and SOTTO__OP_IF take the value of a or of b, row by row. */
static void apply_choice(struct sotto__rows *rows, struct sotto__register *out,
                         const struct sotto__op *op, size_t len)
{
    const struct sotto__register *a = &rows->registers[op->a];
    const struct sotto__register *b = &rows->registers[op->b];
    const struct sotto__register *c = op->kind == SOTTO__OP_IF ? &rows->registers[op->c] : NULL;
    out->bits = a->bits > b->bits ? a->bits : b->bits;
    out->limbs = op->type == SOTTO__ROW_FLOAT ? 1 : sotto__limbs_of_bits(out->bits);
    size_t limbs = out->limbs;
    const uint64_t *x = sotto__exact_as(a, out->limbs, rows->scratch[0], len);
    const uint64_t *y = sotto__exact_as(b, out->limbs, rows->scratch[1], len);
    uint64_t *values = out->own_values;
    for (size_t i = 0; i < len; i++) {
        bool first = c != NULL ? ((const int64_t *)c->values)[i] != 0 : a->state[i] == 0;
        const uint64_t *from = (first ? x : y) + i * limbs;
        for (size_t j = 0; j < limbs; j++) {
            values[i * limbs + j] = from[j];
        }
        unsigned state = first ? a->state[i] : b->state[i];
        out->own_state[i] = (uint8_t)(state | (c != NULL ? c->state[i] : 0U));
    }
    out->state = out->own_state;
}

static enum sotto__function find_part(enum sotto__op_kind kind)
{
    switch (kind) {
    case SOTTO__OP_YEAR:
        return SOTTO__FUNCTION_YEAR;
    case SOTTO__OP_MONTH:
        return SOTTO__FUNCTION_MONTH;
    case SOTTO__OP_DAY:
        return SOTTO__FUNCTION_DAY;
    case SOTTO__OP_WEEKDAY:
        return SOTTO__FUNCTION_WEEKDAY;
    case SOTTO__OP_HOUR:
        return SOTTO__FUNCTION_HOUR;
    case SOTTO__OP_MINUTE:
        return SOTTO__FUNCTION_MINUTE;
    default:
        return SOTTO__FUNCTION_DATE;
    }
}

static void apply_date_part(const struct sotto__rows *rows, struct sotto__register *out,
                            const struct sotto__op *op, size_t len)
{
    const struct sotto__register *a = &rows->registers[op->a];
    const int64_t *dates = a->values; /* one limb, as dates and times have few bits */
    int64_t *values = out->own_values;
    enum sotto__function part = find_part(op->kind);
    bool are_times = rows->program->ops[op->a].scale > 0;
    enum sotto_kind kind = are_times ? SOTTO_KIND_DATETIME : SOTTO_KIND_DATE;
    for (size_t i = 0; i < len; i++) {
        values[i] = a->state[i] == 0 ? sotto__date_part(part, kind, dates[i]) : 0;
    }
    out->bits = op->bits;
    out->limbs = 1;
    out->state = a->state;
}

static void test_missing(struct sotto__register *out, const struct sotto__register *a, size_t len)
{
    int64_t *values = out->own_values;
    for (size_t i = 0; i < len; i++) {
        values[i] = a->state[i] != 0;
    }
}

static void apply_mask(struct sotto__rows *rows, struct sotto__register *out,
                       const struct sotto__op *op, size_t len)
{
    const struct sotto__register *a = &rows->registers[op->a];
    out->values = a->values;
    out->limbs = a->limbs;
    out->bits = a->bits;
    out->bound = a->bound;
    out->least = a->least;
    out->state = sotto__rows_join_states(out->own_state, rows, a, &rows->registers[op->b], len);
}

/* The parameters that row i meets. */
static const uint64_t *find_parameters(const struct sotto__rows *rows, size_t i)
{
    const struct sotto__program *program = rows->program;
    bool is_grouped = program->keys_len > 0 && rows->skipped[i] == 0;
    size_t group = is_grouped ? rows->groups[i] : 0;
    return program->parameters + group * program->parameters_len;
}

/* A number that is NaN, such as the mean of nothing, makes NaN in every row that reads it. */
static void load_parameter(const struct sotto__rows *rows, struct sotto__register *out,
                           const struct sotto__op *op, size_t len)
{
    double *values = out->own_values;
    for (size_t i = 0; i < len; i++) {
        memcpy(&values[i], find_parameters(rows, i) + op->index, sizeof values[i]);
        out->own_state[i] = values[i] != values[i] ? SOTTO__ROW_MADE_NAN : 0;
    }
    out->state = out->own_state;
}

static void load_is_open(const struct sotto__rows *rows, struct sotto__register *out,
                         const struct sotto__op *op, size_t len)
{
    int64_t *values = out->own_values;
    bool all = true;
    for (size_t i = 0; i < len; i++) {
        values[i] = 1;
        bool is_open = find_parameters(rows, i)[op->index] != 0;
        out->own_state[i] = (uint8_t)(is_open ? 0 : SOTTO__ROW_MISSING);
        all = all && is_open;
    }
    out->state = all ? rows->no_state : out->own_state;
}

/* How many rows from this one on meet the same parameters: without groups all of them. */
static size_t count_alike(const struct sotto__rows *rows, size_t from, size_t len)
{
    const uint64_t *parameters = find_parameters(rows, from);
    size_t to = rows->program->keys_len == 0 ? len : from + 1;
    while (to < len && find_parameters(rows, to) == parameters) {
        to++;
    }
    return to - from;
}

static void apply_scaled(struct sotto__rows *rows, struct sotto__register *out,
                         const struct sotto__op *op, size_t len)
{
    const struct sotto__register *a = &rows->registers[op->a];
    const struct sotto__register *b = op->b != SOTTO_NONE ? &rows->registers[op->b] : a;
    const double *x = a->values;
    const double *sums = op->b != SOTTO_NONE ? (const double *)b->values : NULL;
    double *values = out->own_values;
    double largest = 0; /* of the parameters: once NaN, NaN */
    out->state = sotto__rows_join_states(out->own_state, rows, a, b, len);
    for (size_t i = 0, alike = 0; i < len; i += alike) {
        double parameter;
        memcpy(&parameter, find_parameters(rows, i) + op->index, sizeof parameter);
        alike = count_alike(rows, i, len);
        sotto__blocks()->add_scaled(values + i, sums != NULL ? sums + i : NULL, x + i, parameter,
                                    alike);
        largest = fabs(parameter) <= largest || largest != largest ? largest : fabs(parameter);
    }
    double bound = largest * read_bound(a) + (sums != NULL ? read_bound(b) : 0);
    uint64_t bits = round_bound_up(bound);
    mark_nan_made(
        out, bits != SOTTO__BOUND_UNKNOWN ? bits : sotto__blocks()->largest(out->values, len), len);
}

static void apply_key(const struct sotto__rows *rows, struct sotto__register *out,
                      const struct sotto__op *op, size_t len)
{
    const struct sotto__register *a = &rows->registers[op->a];
    sotto__blocks()->keys(out->own_values, a->values, len);
    out->limbs = 1;
    out->state = a->state;
}

static void apply_operation(struct sotto__rows *rows, const struct sotto__op *op,
                            const struct sotto_column *const *blocks, size_t at, size_t len)
{
    struct sotto__register *out = &rows->registers[op - rows->program->ops];
    out->least = 0; /* until it is known */
    out->summed_len = 0;
    switch (op->kind) {
    case SOTTO__OP_COLUMN:
        sotto__rows_load(rows, out, blocks[op->index], at, len);
        break;
    case SOTTO__OP_PARAMETER:
        load_parameter(rows, out, op, len);
        break;
    case SOTTO__OP_IS_OPEN:
        load_is_open(rows, out, op, len);
        break;
    case SOTTO__OP_ADD_SCALED:
        apply_scaled(rows, out, op, len);
        break;
    case SOTTO__OP_KEY:
        apply_key(rows, out, op, len);
        break;
    case SOTTO__OP_NOT:
    case SOTTO__OP_AND:
    case SOTTO__OP_OR:
        apply_logic(rows, out, op, len);
        break;
    case SOTTO__OP_IS_NA:
        test_missing(out, &rows->registers[op->a], len);
        break;
    case SOTTO__OP_EQUAL:
    case SOTTO__OP_UNEQUAL:
    case SOTTO__OP_LESS:
    case SOTTO__OP_LESS_EQUAL:
        apply_comparison(rows, out, op, len);
        break;
    case SOTTO__OP_TEXT_EQUAL:
    case SOTTO__OP_TEXT_LESS:
    case SOTTO__OP_TEXT_LESS_EQUAL:
    case SOTTO__OP_TEXT_GREATER:
    case SOTTO__OP_TEXT_GREATER_EQUAL:
    case SOTTO__OP_TEXT_STARTS:
    case SOTTO__OP_TEXT_CONTAINS:
        sotto__rows_text(out->own_values, op, blocks[rows->program->ops[op->a].index], at, len);
        break;
    case SOTTO__OP_FILL:
    case SOTTO__OP_IF:
        apply_choice(rows, out, op, len);
        break;
    case SOTTO__OP_MASK:
        apply_mask(rows, out, op, len);
        break;
    case SOTTO__OP_YEAR:
    case SOTTO__OP_MONTH:
    case SOTTO__OP_DAY:
    case SOTTO__OP_WEEKDAY:
    case SOTTO__OP_HOUR:
    case SOTTO__OP_MINUTE:
    case SOTTO__OP_DATE:
        apply_date_part(rows, out, op, len);
        break;
    default:
        apply_arithmetic(rows, out, op, len);
        break;
    }
    sotto__register_verify(out, op, len);
}

/* --- Making one --- */

enum sotto_status sotto__rows_init(struct sotto__rows *out, const struct sotto__program *program,
                                   struct sotto__rows_sink sink)
{
    const size_t scratch_bytes =
        (size_t)SOTTO__ROWS_LEN * SOTTO__VALUE_LIMBS_MAX * sizeof(uint64_t);
    *out = (struct sotto__rows){.program = program, .sink = sink};
    out->registers = sotto_alloc_array(program->ops_len + 1, sizeof *out->registers);
    out->memory = sotto_alloc_aligned(program->rows_bytes);
    out->scratch[0] = sotto_alloc_aligned(scratch_bytes);
    out->scratch[1] = sotto_alloc_aligned(scratch_bytes);
    out->skipped = sotto_alloc_aligned(SOTTO__ROWS_LEN);
    out->state = sotto_alloc_aligned(SOTTO__ROWS_LEN);
    out->no_state = sotto_alloc_aligned(SOTTO__ROWS_LEN);
    out->groups = sotto_alloc_aligned(SOTTO__ROWS_LEN * sizeof *out->groups);
    out->numbers =
        sotto_alloc_aligned(program->indices_len * SOTTO__ROWS_LEN * sizeof *out->numbers);
    if (out->registers == NULL || out->memory == NULL || out->scratch[0] == NULL ||
        out->scratch[1] == NULL || out->skipped == NULL || out->state == NULL ||
        out->no_state == NULL || out->groups == NULL || out->numbers == NULL) {
        sotto__rows_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    place_registers(out);
    for (size_t i = 0; i < program->ops_len; i++) {
        const struct sotto__op *op = &program->ops[i];
        if (op->dataset == SOTTO_NONE && !op->is_idle && op->kind != SOTTO__OP_CONSTANT) {
            /* only constants go into it, no column: computed once */
            static const struct sotto_column *const no_blocks[1];
            apply_operation(out, op, no_blocks, 0, SOTTO__ROWS_LEN);
        }
    }
    sotto_arithmetic_leave(&arithmetic);
    return SOTTO_OK;
}

void sotto__rows_release(struct sotto__rows *rows)
{
    sotto_free(rows->registers);
    sotto_free(rows->memory);
    sotto_free(rows->scratch[0]);
    sotto_free(rows->scratch[1]);
    sotto_free(rows->skipped);
    sotto_free(rows->state);
    sotto_free(rows->no_state);
    sotto_free(rows->groups);
    sotto_free(rows->numbers);
    *rows = (struct sotto__rows){0};
}

/* --- Which rows, which groups --- */

static void find_groups(struct sotto__rows *rows, const struct sotto_column *const *blocks,
                        size_t at, size_t len)
{
    const struct sotto__program *program = rows->program;
    uint32_t *found = rows->scratch[0];
    memset(rows->groups, 0, len * sizeof *rows->groups);
    for (size_t key = 0; key < program->keys_len; key++) {
        const struct sotto__levels *levels = program->levels[key];
        sotto__levels_find(found, levels, blocks[program->keys[key]], at, len);
        sotto__blocks()->join_levels(rows->groups, rows->skipped, found,
                                     (uint32_t)sotto__levels_len(levels), SOTTO__GROUP_OTHER,
                                     SOTTO__ROW_SKIPPED | SOTTO__ROW_IN_NO_GROUP, len);
    }
}

/* Skips rows that lack a column of the dataset: all that the plan reads have an operation. */
static void skip_incomplete(struct sotto__rows *rows, size_t dataset, size_t len)
{
    const struct sotto__program *program = rows->program;
    for (size_t i = 0; i < program->ops_len; i++) {
        const uint8_t *state = rows->registers[i].state;
        bool is_column =
            program->ops[i].kind == SOTTO__OP_COLUMN && program->ops[i].dataset == dataset;
        for (size_t j = 0; is_column && state != rows->no_state && j < len; j++) {
            rows->skipped[j] |= state[j] != 0 ? SOTTO__ROW_SKIPPED | SOTTO__ROW_INCOMPLETE : 0;
        }
    }
}

static void select_rows(struct sotto__rows *rows, size_t dataset,
                        const struct sotto_column *const *blocks, size_t at, size_t len)
{
    const struct sotto__program *program = rows->program;
    memset(rows->skipped, 0, len);
    if (program->where != SOTTO_NONE) {
        const struct sotto__register *where = &rows->registers[program->where];
        for (size_t i = 0; i < len; i++) {
            rows->skipped[i] = where->state[i] != 0 || ((const int64_t *)where->values)[i] == 0;
        }
    }
    if (program->is_complete) {
        skip_incomplete(rows, dataset, len);
    }
    if (program->keys_len > 0) {
        find_groups(rows, blocks, at, len);
    }
}

/* early: the operations that where depends on, which run before rows have groups; else all others.
 */
static void apply_operations(struct sotto__rows *rows, size_t dataset, bool early,
                             const struct sotto_column *const *blocks, size_t at, size_t len)
{
    const struct sotto__program *program = rows->program;
    for (size_t i = 0; i < program->ops_len; i++) {
        const struct sotto__op *op = &program->ops[i];
        if (op->dataset == dataset && op->is_early == early && !op->is_idle) {
            apply_operation(rows, &program->ops[i], blocks, at, len);
        }
    }
}

void sotto__rows_take_piece(struct sotto__rows *rows, size_t dataset,
                            const struct sotto_column *const *blocks, size_t at, size_t len)
{
    apply_operations(rows, dataset, true, blocks, at, len);
    if (sotto__program_selects(rows->program)) {
        select_rows(rows, dataset, blocks, at, len);
    }
    apply_operations(rows, dataset, false, blocks, at, len);
    sotto__rows_search(rows, dataset, blocks, at, len);
    rows->sink.take(rows->sink.context, rows, dataset, len);
}

void sotto__rows_take(struct sotto__rows *rows, size_t dataset,
                      const struct sotto_column *const *blocks, size_t len)
{
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    for (size_t at = 0; at < len; at += SOTTO__ROWS_LEN) {
        size_t now = len - at < SOTTO__ROWS_LEN ? len - at : SOTTO__ROWS_LEN;
        sotto__rows_take_piece(rows, dataset, blocks, at, now);
    }
    sotto_arithmetic_leave(&arithmetic);
}
