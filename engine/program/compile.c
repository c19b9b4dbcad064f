/* SPDX-License-Identifier: Apache-2.0 */

/* Types the row-wise parts of a plan and writes them as operations, each different one once, and
 * the aggregates as sums over them. */

#include "program/compile.h"

#include <sotto/alloc.h>
#include <string.h>

/* --- Operations --- */

enum sotto_status sotto__compile_error(struct sotto__compiler *compiler, const char *what)
{
    return sotto__expression_type_error(compiler->expression->text, compiler->start, compiler->err,
                                        "%s", what);
}

enum sotto_status sotto__compile_too_wide(struct sotto__compiler *compiler)
{
    return sotto__expression_type_error(
        compiler->expression->text, compiler->start, compiler->err,
        "exact values here may need more than %d bits: say float(x) for the "
        "doubles nearest to x",
        SOTTO__VALUE_BITS_MAX);
}

static enum sotto_status no_memory(struct sotto__compiler *compiler)
{
    return sotto_error_no_memory(compiler->err);
}

static bool same_op(const struct sotto__op *x, const struct sotto__op *y)
{
    return x->kind == y->kind && x->a == y->a && x->b == y->b && x->c == y->c &&
           x->index == y->index && x->type == y->type && x->scale == y->scale &&
           x->digits == y->digits &&
           (x->text == y->text ||
            (x->text != NULL && y->text != NULL && strcmp(x->text, y->text) == 0));
}

/* Adds op, or finds the same one. */
static enum sotto_status add_op(struct sotto__compiler *compiler, size_t *out, struct sotto__op op)
{
    struct sotto__program *program = compiler->program;
    op.source = compiler->expression->text;
    op.start = compiler->start;
    if (op.type != SOTTO__ROW_FLOAT && op.kind != SOTTO__OP_CONSTANT &&
        (op.bits > compiler->bits_max || op.scale > SOTTO__VALUE_SCALE_MAX)) {
        return sotto__compile_too_wide(compiler);
    }
    for (size_t i = 0; i < program->ops_len; i++) {
        if (same_op(&program->ops[i], &op)) {
            *out = i;
            return SOTTO_OK;
        }
    }
    void *ops = program->ops;
    if (sotto_array_reserve(&ops, &program->ops_capacity_len, program->ops_len + 1, sizeof op) !=
        SOTTO_OK) {
        return no_memory(compiler);
    }
    program->ops = ops;
    *out = program->ops_len++;
    program->ops[*out] = op;
    return SOTTO_OK;
}

/* An operation on a, and on b if it is no SOTTO_NONE. Its type, bits and scale are the caller's. */
static struct sotto__op op_on(const struct sotto__compiler *compiler, enum sotto__op_kind kind,
                              size_t a, size_t b)
{
    const struct sotto__op *x = &compiler->program->ops[a];
    const struct sotto__op *y = b != SOTTO_NONE ? &compiler->program->ops[b] : x;
    return (struct sotto__op){
        .kind = kind,
        .type = SOTTO__ROW_BOOL,
        .makes_nan = x->makes_nan || y->makes_nan,
        .a = a,
        .b = b,
        .c = SOTTO_NONE,
        .dataset = x->dataset != SOTTO_NONE ? x->dataset : y->dataset,
        .index = SOTTO_NONE,
    };
}

/* SOTTO_NONE stands for a text in quotes, which has no operation. */
static enum sotto__row_kind type_of(const struct sotto__compiler *compiler, size_t op)
{
    return op != SOTTO_NONE ? compiler->program->ops[op].type : SOTTO__ROW_TEXT;
}

static bool is_float(const struct sotto__compiler *compiler, size_t op)
{
    return type_of(compiler, op) == SOTTO__ROW_FLOAT;
}

static bool is_text(const struct sotto__compiler *compiler, size_t op)
{
    return type_of(compiler, op) == SOTTO__ROW_TEXT;
}

/* A condition, or a column that is missing everywhere. */
static bool is_bool(const struct sotto__compiler *compiler, size_t op)
{
    return type_of(compiler, op) == SOTTO__ROW_BOOL ||
           (op != SOTTO_NONE && compiler->program->ops[op].is_null);
}

/* --- Constants --- */

static bool same_constant(const struct sotto__constant *x, const struct sotto__constant *y)
{
    return memcmp(x->limbs, y->limbs, sizeof x->limbs) == 0 && x->number == y->number;
}

/* The constant number / 10^scale. */
static enum sotto_status add_constant(struct sotto__compiler *compiler, size_t *out,
                                      const mpz_t number, unsigned scale)
{
    struct sotto__program *program = compiler->program;
    struct sotto__constant constant = {.number = 0};
    unsigned bits = (unsigned)mpz_sizeinbase(number, 2);
    if (bits <= SOTTO__VALUE_BITS_MAX) {
        (void)mpz_export(constant.limbs, NULL, -1, sizeof(uint64_t), 0, 0, number);
    }
    mpq_t value;
    mpq_init(value);
    mpz_set(mpq_numref(value), number);
    mpz_ui_pow_ui(mpq_denref(value), 10, scale);
    mpq_canonicalize(value);
    constant.number = sotto__rational_to_double(value);
    mpq_clear(value);
    size_t index = 0;
    while (index < program->constants_len &&
           !same_constant(&program->constants[index], &constant)) {
        index++;
    }
    if (index == program->constants_len) {
        void *constants = program->constants;
        if (sotto_array_reserve(&constants, &program->constants_capacity_len, index + 1,
                                sizeof constant) != SOTTO_OK) {
            return no_memory(compiler);
        }
        program->constants = constants;
        program->constants[program->constants_len++] = constant;
    }
    struct sotto__op op = {.kind = SOTTO__OP_CONSTANT,
                           .type = SOTTO__ROW_EXACT,
                           .never_zero = mpz_sgn(number) != 0,
                           .bits = bits,
                           .scale = scale};
    op.a = op.b = op.c = op.dataset = SOTTO_NONE;
    op.index = index;
    return add_op(compiler, out, op);
}

static enum sotto_status add_literal(struct sotto__compiler *compiler, size_t *out,
                                     const struct sotto__node *literal)
{
    struct sotto__value value;
    mpz_t digits;
    sotto__value_init(&value);
    mpz_init(digits);
    sotto__value_set_node(&value, compiler->expression, literal);
    unsigned long scale = 0;
    (void)sotto__decimals(&scale, mpq_denref(value.number));
    mpz_ui_pow_ui(digits, 10, scale);
    mpz_mul(digits, digits, mpq_numref(value.number));
    mpz_divexact(digits, digits, mpq_denref(value.number));
    enum sotto_status status = add_constant(compiler, out, digits, (unsigned)scale);
    mpz_clear(digits);
    sotto__value_clear(&value);
    return status;
}

enum sotto_status sotto__compile_zero(struct sotto__compiler *compiler, size_t *out)
{
    return add_literal(compiler, out,
                       &(struct sotto__node){.kind = SOTTO__NODE_LITERAL, .is_whole = true});
}

static enum sotto_status add_na(struct sotto__compiler *compiler, size_t *out)
{
    struct sotto__op op = {.kind = SOTTO__OP_CONSTANT, .type = SOTTO__ROW_EXACT, .is_null = true};
    op.a = op.b = op.c = op.dataset = op.index = SOTTO_NONE;
    return add_op(compiler, out, op);
}

static enum sotto_status add_power_of_ten(struct sotto__compiler *compiler, size_t *out,
                                          unsigned exponent)
{
    mpz_t number;
    mpz_init(number);
    mpz_ui_pow_ui(number, 10, exponent);
    enum sotto_status status = add_constant(compiler, out, number, 0);
    mpz_clear(number);
    return status;
}

/* --- Kinds --- */

/* The doubles nearest to *in_out. */
enum sotto_status sotto__compile_float(struct sotto__compiler *compiler, size_t *in_out)
{
    if (is_float(compiler, *in_out)) {
        return SOTTO_OK;
    }
    struct sotto__op op = op_on(compiler, SOTTO__OP_FLOAT, *in_out, SOTTO_NONE);
    const struct sotto__op *from = &compiler->program->ops[*in_out];
    op.type = SOTTO__ROW_FLOAT;
    if (from->kind == SOTTO__OP_CONSTANT) {
        op = *from;
        op.type = SOTTO__ROW_FLOAT;
        op.bits = 0;
        op.scale = 0;
    }
    return add_op(compiler, in_out, op);
}

/* Multiplies *in_out's units so that its scale is scale. */
static enum sotto_status rescale(struct sotto__compiler *compiler, size_t *in_out, unsigned scale)
{
    size_t factor = 0;
    unsigned from = compiler->program->ops[*in_out].scale;
    if (from == scale) {
        return SOTTO_OK;
    }
    enum sotto_status status = add_power_of_ten(compiler, &factor, scale - from);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto__op op = op_on(compiler, SOTTO__OP_MULTIPLY, *in_out, factor);
    op.type = SOTTO__ROW_EXACT;
    op.never_zero = compiler->program->ops[*in_out].never_zero;
    op.bits = compiler->program->ops[*in_out].bits + compiler->program->ops[factor].bits;
    op.scale = scale;
    return add_op(compiler, in_out, op);
}

/* Both doubles, or both exact and of one scale. */
static enum sotto_status unify(struct sotto__compiler *compiler, size_t *a, size_t *b)
{
    enum sotto_status status;
    if (is_float(compiler, *a) || is_float(compiler, *b)) {
        status = sotto__compile_float(compiler, a);
        return status == SOTTO_OK ? sotto__compile_float(compiler, b) : status;
    }
    const struct sotto__op *ops = compiler->program->ops;
    unsigned scale = ops[*a].scale > ops[*b].scale ? ops[*a].scale : ops[*b].scale;
    status = rescale(compiler, a, scale);
    status = status == SOTTO_OK ? rescale(compiler, b, scale) : status;
    ops = compiler->program->ops;
    if (status == SOTTO_OK &&
        (ops[*a].bits > SOTTO__VALUE_BITS_MAX || ops[*b].bits > SOTTO__VALUE_BITS_MAX)) {
        return sotto__compile_too_wide(compiler);
    }
    return status;
}

static unsigned larger_bits(const struct sotto__compiler *compiler, size_t a, size_t b)
{
    const struct sotto__op *ops = compiler->program->ops;
    return ops[a].bits > ops[b].bits ? ops[a].bits : ops[b].bits;
}

static enum sotto_status check_number(struct sotto__compiler *compiler, size_t a)
{
    if (is_text(compiler, a)) {
        return sotto__compile_error(compiler, "expected numbers or booleans, found text");
    }
    return SOTTO_OK;
}

static enum sotto_status check_numbers(struct sotto__compiler *compiler, size_t a, size_t b)
{
    enum sotto_status status = check_number(compiler, a);
    return status == SOTTO_OK ? check_number(compiler, b) : status;
}

/* --- Arithmetic --- */

enum sotto_status sotto__compile_multiply(struct sotto__compiler *compiler, size_t *out, size_t a,
                                          size_t b)
{
    enum sotto_status status = check_numbers(compiler, a, b);
    if (status == SOTTO_OK && (is_float(compiler, a) || is_float(compiler, b))) {
        status = unify(compiler, &a, &b);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto__op op = op_on(compiler, SOTTO__OP_MULTIPLY, a < b ? a : b, a < b ? b : a);
    const struct sotto__op *ops = compiler->program->ops;
    op.type = ops[a].type == SOTTO__ROW_FLOAT ? SOTTO__ROW_FLOAT : SOTTO__ROW_EXACT;
    op.makes_nan = op.makes_nan || op.type == SOTTO__ROW_FLOAT;
    if (op.type == SOTTO__ROW_EXACT) {
        op.bits = ops[a].bits + ops[b].bits;
        op.scale = ops[a].scale + ops[b].scale;
    }
    return add_op(compiler, out, op);
}

static enum sotto_status add_arithmetic(struct sotto__compiler *compiler, size_t *out,
                                        enum sotto__op_kind kind, size_t a, size_t b)
{
    enum sotto_status status = check_numbers(compiler, a, b);
    status = status == SOTTO_OK ? unify(compiler, &a, &b) : status;
    if (status == SOTTO_OK && (kind == SOTTO__OP_DIVIDE || kind == SOTTO__OP_POW)) {
        status = sotto__compile_float(compiler, &a);
        status = status == SOTTO_OK ? sotto__compile_float(compiler, &b) : status;
    }
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto__op op = op_on(compiler, kind, a, b);
    op.type = is_float(compiler, a) ? SOTTO__ROW_FLOAT : SOTTO__ROW_EXACT;
    op.makes_nan = op.makes_nan || op.type == SOTTO__ROW_FLOAT;
    if (op.type == SOTTO__ROW_EXACT) {
        op.bits = larger_bits(compiler, a, b) + 1;
        op.scale = compiler->program->ops[a].scale;
    }
    return add_op(compiler, out, op);
}

/* By squaring, from the exponent's highest bit; x ** 0 is 1 where x is present. */
static enum sotto_status add_power(struct sotto__compiler *compiler, size_t *out, size_t a,
                                   int exponent)
{
    if (exponent < 0) {
        return sotto__compile_error(compiler, "expected an exponent that is not negative on rows: "
                                              "say 1 / x ** 2");
    }
    enum sotto_status status = check_number(compiler, a);
    if (status == SOTTO_OK && exponent == 0) {
        size_t one = 0;
        status = add_power_of_ten(compiler, &one, 0);
        return status == SOTTO_OK ? sotto__compile_mask(compiler, out, one, a) : status;
    }
    *out = a;
    int bit = 1;
    while (bit * 2 <= exponent) {
        bit *= 2;
    }
    for (bit /= 2; status == SOTTO_OK && bit > 0; bit /= 2) {
        status = sotto__compile_multiply(compiler, out, *out, *out);
        if (status == SOTTO_OK && (exponent & bit) != 0) {
            status = sotto__compile_multiply(compiler, out, *out, a);
        }
    }
    return status;
}

/* SOTTO__OP_NEGATE, SOTTO__OP_ABS, SOTTO__OP_SQRT, SOTTO__OP_EXP, SOTTO__OP_LOG. */
static enum sotto_status add_unary(struct sotto__compiler *compiler, size_t *out,
                                   enum sotto__op_kind kind, size_t a)
{
    enum sotto_status status = check_number(compiler, a);
    bool of_floats = kind == SOTTO__OP_SQRT || kind == SOTTO__OP_EXP || kind == SOTTO__OP_LOG;
    if (status == SOTTO_OK && of_floats) {
        status = sotto__compile_float(compiler, &a);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto__op op = op_on(compiler, kind, a, SOTTO_NONE);
    op.type = is_float(compiler, a) ? SOTTO__ROW_FLOAT : SOTTO__ROW_EXACT;
    op.bits = compiler->program->ops[a].bits;
    op.scale = compiler->program->ops[a].scale;
    op.never_zero = compiler->program->ops[a].never_zero && op.type == SOTTO__ROW_EXACT;
    op.makes_nan = op.makes_nan || kind == SOTTO__OP_SQRT || kind == SOTTO__OP_LOG;
    return add_op(compiler, out, op);
}

/* --- Whole numbers --- */

/* a // b or a % b: in units of one scale both are divisions of integers. */
static enum sotto_status add_division(struct sotto__compiler *compiler, size_t *out,
                                      enum sotto__op_kind kind, size_t a, size_t b)
{
    enum sotto_status status = check_numbers(compiler, a, b);
    status = status == SOTTO_OK ? unify(compiler, &a, &b) : status;
    if (status != SOTTO_OK) {
        return status;
    }
    const struct sotto__op *ops = compiler->program->ops;
    struct sotto__op op = op_on(compiler, kind, a, b);
    op.type = is_float(compiler, a) ? SOTTO__ROW_FLOAT : SOTTO__ROW_EXACT;
    op.makes_nan = op.makes_nan || op.type == SOTTO__ROW_FLOAT || !ops[b].never_zero;
    if (op.type == SOTTO__ROW_EXACT) { /* |a // b| <= |a|, |a % b| < |b| */
        op.bits = kind == SOTTO__OP_MODULO ? ops[b].bits : ops[a].bits;
        op.scale = kind == SOTTO__OP_MODULO ? ops[a].scale : 0;
    }
    return add_op(compiler, out, op);
}

/* The exact value's units by a power of ten, so that scale decimals are left;
 * SOTTO__OP_FLOOR_DIVIDE or SOTTO__OP_ROUND_DIVIDE. */
static enum sotto_status drop_decimals(struct sotto__compiler *compiler, size_t *in_out,
                                       enum sotto__op_kind kind, int scale)
{
    size_t divisor = 0;
    unsigned dropped = (unsigned)((int)compiler->program->ops[*in_out].scale - scale);
    enum sotto_status status = add_power_of_ten(compiler, &divisor, dropped);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto__op op = op_on(compiler, kind, *in_out, divisor);
    unsigned bits = compiler->program->ops[*in_out].bits;
    unsigned fewer = compiler->program->ops[divisor].bits - 1; /* 10^dropped >= 2^fewer */
    op.type = SOTTO__ROW_EXACT;
    op.bits = bits > fewer ? bits - fewer : 0;
    op.scale = scale > 0 ? (unsigned)scale : 0;
    status = add_op(compiler, in_out, op);
    if (status != SOTTO_OK || scale >= 0) {
        return status;
    }
    status = add_power_of_ten(compiler, &divisor, (unsigned)-scale);
    return status == SOTTO_OK ? sotto__compile_multiply(compiler, in_out, *in_out, divisor)
                              : status;
}

/* floor, ceil, round; kind is that of doubles. */
static enum sotto_status add_whole(struct sotto__compiler *compiler, size_t *out,
                                   enum sotto__op_kind kind, size_t a, int digits)
{
    enum sotto_status status = check_number(compiler, a);
    if (status != SOTTO_OK) {
        return status;
    }
    if (is_float(compiler, a)) {
        struct sotto__op op = op_on(compiler, kind, a, SOTTO_NONE);
        op.type = SOTTO__ROW_FLOAT;
        op.digits = digits;
        return add_op(compiler, out, op);
    }
    *out = a;
    if ((int)compiler->program->ops[a].scale <= digits) {
        return SOTTO_OK;
    }
    if (kind == SOTTO__OP_ROUND) {
        return drop_decimals(compiler, out, SOTTO__OP_ROUND_DIVIDE, digits);
    }
    if (kind == SOTTO__OP_CEIL) { /* -floor(-x) */
        status = add_unary(compiler, out, SOTTO__OP_NEGATE, *out);
    }
    if (status == SOTTO_OK) {
        status = drop_decimals(compiler, out, SOTTO__OP_FLOOR_DIVIDE, 0);
    }
    return status == SOTTO_OK && kind == SOTTO__OP_CEIL
               ? add_unary(compiler, out, SOTTO__OP_NEGATE, *out)
               : status;
}

/* --- Conditions --- */

static enum sotto_status add_bool(struct sotto__compiler *compiler, size_t *out,
                                  enum sotto__op_kind kind, size_t a, size_t b)
{
    if (!is_bool(compiler, a) || (kind != SOTTO__OP_NOT && !is_bool(compiler, b))) {
        return sotto__compile_error(compiler, "expected conditions, found numbers or text");
    }
    return add_op(compiler, out, op_on(compiler, kind, a, b));
}

static enum sotto_status add_text_equal(struct sotto__compiler *compiler, size_t *out,
                                        enum sotto__node_kind kind, const struct sotto__node *left,
                                        const struct sotto__node *right)
{
    const struct sotto__node *text = left->kind == SOTTO__NODE_TEXT ? left : right;
    const struct sotto__node *other = left->kind == SOTTO__NODE_TEXT ? right : left;
    size_t column = compiler->values[other - compiler->expression->nodes];
    if (kind != SOTTO__NODE_EQUAL && kind != SOTTO__NODE_UNEQUAL) {
        return sotto__compile_error(compiler, "texts are equal or not, and have no order here");
    }
    if (other->kind != SOTTO__NODE_COLUMN || text->kind != SOTTO__NODE_TEXT) {
        return sotto__compile_error(compiler, "a text is compared with a column, and a column of "
                                              "text with a text in quotes");
    }
    const struct sotto__op *from = &compiler->program->ops[column];
    if (from->type != SOTTO__ROW_TEXT && !from->is_null) {
        return sotto__compile_error(compiler, "this column holds numbers or booleans, not text");
    }
    struct sotto__op op = op_on(compiler, SOTTO__OP_TEXT_EQUAL, column, SOTTO_NONE);
    op.text = text->name;
    enum sotto_status status = add_op(compiler, out, op);
    if (status == SOTTO_OK && kind == SOTTO__NODE_UNEQUAL) {
        status = add_bool(compiler, out, SOTTO__OP_NOT, *out, SOTTO_NONE);
    }
    return status;
}

enum sotto_status sotto__compile_compare(struct sotto__compiler *compiler, size_t *out,
                                         enum sotto__op_kind kind, size_t a, size_t b)
{
    enum sotto_status status = check_numbers(compiler, a, b);
    status = status == SOTTO_OK ? unify(compiler, &a, &b) : status;
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto__op op = op_on(compiler, kind, a, b);
    op.makes_nan = false; /* a comparison is never missing */
    return add_op(compiler, out, op);
}

static enum sotto_status add_comparison(struct sotto__compiler *compiler, size_t *out,
                                        const struct sotto__node *node)
{
    const struct sotto__node *left = &compiler->expression->nodes[node->left];
    const struct sotto__node *right = &compiler->expression->nodes[node->right];
    size_t a = compiler->values[node->left];
    size_t b = compiler->values[node->right];
    if (left->kind == SOTTO__NODE_TEXT || right->kind == SOTTO__NODE_TEXT || is_text(compiler, a) ||
        is_text(compiler, b)) {
        return add_text_equal(compiler, out, node->kind, left, right);
    }
    switch (node->kind) {
    case SOTTO__NODE_EQUAL:
        return sotto__compile_compare(compiler, out, SOTTO__OP_EQUAL, a, b);
    case SOTTO__NODE_UNEQUAL:
        return sotto__compile_compare(compiler, out, SOTTO__OP_UNEQUAL, a, b);
    case SOTTO__NODE_LESS:
        return sotto__compile_compare(compiler, out, SOTTO__OP_LESS, a, b);
    case SOTTO__NODE_LESS_EQUAL:
        return sotto__compile_compare(compiler, out, SOTTO__OP_LESS_EQUAL, a, b);
    case SOTTO__NODE_GREATER:
        return sotto__compile_compare(compiler, out, SOTTO__OP_LESS, b, a);
    default:
        return sotto__compile_compare(compiler, out, SOTTO__OP_LESS_EQUAL, b, a);
    }
}

/* --- Choices --- */

enum sotto_status sotto__compile_mask(struct sotto__compiler *compiler, size_t *out, size_t a,
                                      size_t b)
{
    struct sotto__op op = op_on(compiler, SOTTO__OP_MASK, a, b);
    op.type = compiler->program->ops[a].type;
    op.bits = compiler->program->ops[a].bits;
    op.scale = compiler->program->ops[a].scale;
    return add_op(compiler, out, op);
}

enum sotto_status sotto__compile_together(struct sotto__compiler *compiler, size_t *out, size_t a,
                                          size_t b)
{
    enum sotto_status status = check_numbers(compiler, a, b);
    if (status == SOTTO_OK && is_float(compiler, b)) {
        status = sotto__compile_float(compiler, &a);
    }
    if (status == SOTTO_OK && is_float(compiler, a)) {
        status = sotto__compile_float(compiler, &b);
    }
    return status == SOTTO_OK ? sotto__compile_mask(compiler, out, a, b) : status;
}

/* SOTTO__OP_FILL, or SOTTO__OP_IF with its condition. */
static enum sotto_status add_choice(struct sotto__compiler *compiler, size_t *out,
                                    enum sotto__op_kind kind, size_t a, size_t b, size_t condition)
{
    enum sotto_status status = check_numbers(compiler, a, b);
    bool both_bool = is_bool(compiler, a) && is_bool(compiler, b);
    if (status == SOTTO_OK && kind == SOTTO__OP_IF && !is_bool(compiler, condition)) {
        return sotto__compile_error(compiler, "if takes a condition, found numbers or text");
    }
    status = status == SOTTO_OK ? unify(compiler, &a, &b) : status;
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto__op op = op_on(compiler, kind, a, b);
    op.c = condition;
    op.type = is_float(compiler, a) ? SOTTO__ROW_FLOAT
              : both_bool           ? SOTTO__ROW_BOOL
                                    : SOTTO__ROW_EXACT;
    op.bits = larger_bits(compiler, a, b);
    op.scale = compiler->program->ops[a].scale;
    if (kind == SOTTO__OP_IF) {
        const struct sotto__op *from = &compiler->program->ops[condition];
        op.makes_nan = op.makes_nan || from->makes_nan;
        op.dataset = op.dataset != SOTTO_NONE ? op.dataset : from->dataset;
    }
    return add_op(compiler, out, op);
}

static enum sotto_status add_call(struct sotto__compiler *compiler, size_t *out,
                                  const struct sotto__node *node)
{
    size_t a = compiler->values[node->left];
    size_t b = node->right != SOTTO_NONE ? compiler->values[node->right] : SOTTO_NONE;
    struct sotto__op op;
    enum sotto_status status;
    switch (node->function) {
    case SOTTO__FUNCTION_ABS:
        return add_unary(compiler, out, SOTTO__OP_ABS, a);
    case SOTTO__FUNCTION_SQRT:
        return add_unary(compiler, out, SOTTO__OP_SQRT, a);
    case SOTTO__FUNCTION_ISNA:
        if (a == SOTTO_NONE) {
            return sotto__compile_error(compiler, "isna takes a column, found a text");
        }
        op = op_on(compiler, SOTTO__OP_IS_NA, a, SOTTO_NONE);
        op.makes_nan = false;
        return add_op(compiler, out, op);
    case SOTTO__FUNCTION_EXP:
        return add_unary(compiler, out, SOTTO__OP_EXP, a);
    case SOTTO__FUNCTION_LOG:
        return add_unary(compiler, out, SOTTO__OP_LOG, a);
    case SOTTO__FUNCTION_POW:
        return add_arithmetic(compiler, out, SOTTO__OP_POW, a, b);
    case SOTTO__FUNCTION_FLOOR:
        return add_whole(compiler, out, SOTTO__OP_FLOOR, a, 0);
    case SOTTO__FUNCTION_CEIL:
        return add_whole(compiler, out, SOTTO__OP_CEIL, a, 0);
    case SOTTO__FUNCTION_ROUND:
        return add_whole(compiler, out, SOTTO__OP_ROUND, a, node->options.digits);
    case SOTTO__FUNCTION_FILLNA:
        return add_choice(compiler, out, SOTTO__OP_FILL, a, b, SOTTO_NONE);
    case SOTTO__FUNCTION_IF:
        return add_choice(compiler, out, SOTTO__OP_IF, b, compiler->values[node->third], a);
    case SOTTO__FUNCTION_TOGETHER:
        return sotto__compile_together(compiler, out, a, b);
    default:
        status = check_number(compiler, a);
        *out = a;
        return status == SOTTO_OK ? sotto__compile_float(compiler, out) : status;
    }
}

/* --- Nodes --- */

static enum sotto_status add_column(struct sotto__compiler *compiler, size_t *out, size_t column)
{
    struct sotto_type type = compiler->expansion->columns[column].type;
    struct sotto__op op = {.kind = SOTTO__OP_COLUMN,
                           .dataset = compiler->expansion->columns[column].dataset,
                           .index = column,
                           .is_null = type.kind == SOTTO_KIND_NULL};
    op.a = op.b = op.c = SOTTO_NONE;
    switch (type.kind) {
    case SOTTO_KIND_BOOL:
        op.type = SOTTO__ROW_BOOL;
        break;
    case SOTTO_KIND_FLOAT64:
        op.type = SOTTO__ROW_FLOAT;
        break;
    case SOTTO_KIND_STRING:
        op.type = SOTTO__ROW_TEXT;
        break;
    default:
        op.type = SOTTO__ROW_EXACT;
        op.scale = type.scale;
        /* 10^18 < 2^60, and so on down. */
        op.bits = op.is_null ? 0 : 63 + (type.scale * 10U + 2) / 3;
        break;
    }
    return add_op(compiler, out, op);
}

enum sotto_status sotto__compile_earlier_number(struct sotto__compiler *compiler, size_t *out,
                                                size_t i)
{
    struct sotto__earlier_number number = {compiler->expression, i, compiler->first_moments};
    /* With groups it differs from row to row; there is one dataset then. Whether it is NaN may not
     * change the shape of the round. */
    struct sotto__op op = {.kind = SOTTO__OP_EARLIER_NUMBER,
                           .type = SOTTO__ROW_FLOAT,
                           .makes_nan = true,
                           .dataset = compiler->plan->keys_len > 0 ? 0 : SOTTO_NONE};
    op.a = op.b = op.c = SOTTO_NONE;
    if (sotto__earlier_number_find(compiler->program, &op.index, &number, compiler->earlier) !=
        SOTTO_OK) {
        return no_memory(compiler);
    }
    return add_op(compiler, out, op);
}

enum sotto_status sotto__compile_node(struct sotto__compiler *compiler, size_t *out, size_t i)
{
    const struct sotto__node *node = &compiler->expression->nodes[i];
    size_t a = compiler->values[node->left];
    size_t b = node->right != SOTTO_NONE ? compiler->values[node->right] : SOTTO_NONE;
    compiler->start = node->start;
    switch (node->kind) {
    case SOTTO__NODE_LITERAL:
        return add_literal(compiler, out, node);
    case SOTTO__NODE_NA:
        return add_na(compiler, out);
    case SOTTO__NODE_TEXT:
        *out = SOTTO_NONE; /* only add_text_equal takes it */
        return SOTTO_OK;
    case SOTTO__NODE_COLUMN:
        return add_column(compiler, out, node->column);
    case SOTTO__NODE_NEGATE:
        return add_unary(compiler, out, SOTTO__OP_NEGATE, a);
    case SOTTO__NODE_NOT:
        return add_bool(compiler, out, SOTTO__OP_NOT, a, SOTTO_NONE);
    case SOTTO__NODE_ADD:
        return add_arithmetic(compiler, out, SOTTO__OP_ADD, a, b);
    case SOTTO__NODE_SUBTRACT:
        return add_arithmetic(compiler, out, SOTTO__OP_SUBTRACT, a, b);
    case SOTTO__NODE_MULTIPLY:
        return sotto__compile_multiply(compiler, out, a, b);
    case SOTTO__NODE_DIVIDE:
        return add_arithmetic(compiler, out, SOTTO__OP_DIVIDE, a, b);
    case SOTTO__NODE_FLOOR_DIVIDE:
        return add_division(compiler, out, SOTTO__OP_FLOOR_DIVIDE, a, b);
    case SOTTO__NODE_MODULO:
        return add_division(compiler, out, SOTTO__OP_MODULO, a, b);
    case SOTTO__NODE_POWER:
        return add_power(compiler, out, a, node->exponent);
    case SOTTO__NODE_AND:
        return add_bool(compiler, out, SOTTO__OP_AND, a, b);
    case SOTTO__NODE_OR:
        return add_bool(compiler, out, SOTTO__OP_OR, a, b);
    case SOTTO__NODE_CALL:
        return add_call(compiler, out, node);
    default:
        break;
    }
    enum sotto_status status = add_comparison(compiler, out, node);
    if (status == SOTTO_OK && !node->is_edge) {
        compiler->program->ops[*out].is_asked = true;
    }
    return status;
}
