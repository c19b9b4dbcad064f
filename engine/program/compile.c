/* SPDX-License-Identifier: Apache-2.0 */

/* Types the row-wise parts of a plan and writes them as operations on blocks of rows. It leans on
 * the expansion, where each value is an expression of its own, and on the agreed types.
 *
 * Two ideas. Each different operation is written once, however many expressions contain it (add_op
 * finds it again), so a program is a graph in which operands stand before what uses them. And each
 * operation bounds its exact values from its operands' bounds, before any row is seen: what could
 * become too wide is refused here, and rows are computed without a check. */

#include "program/compile.h"

#include <sotto/alloc.h>
#include <sotto/datetime.h>
#include <string.h>

#define DATE_BITS 22 /* of days: SOTTO_DATE_MIN and SOTTO_DATE_MAX are below 2^22 */
#define TIME_BITS 58 /* of microseconds, likewise */
#define TIME_SCALE 6 /* times are seconds in units of 10^-6 */

/* --- Failures --- */

size_t sotto__compile_keep(struct sotto__compiler *compiler, enum sotto_status status)
{
    if (compiler->status == SOTTO_OK) {
        compiler->status = status;
    }
    return SOTTO_NONE;
}

size_t sotto__compile_error(struct sotto__compiler *compiler, const char *what)
{
    if (compiler->status == SOTTO_OK) {
        compiler->status = sotto__expression_type_error(compiler->expression->text, compiler->start,
                                                        compiler->err, "%s", what);
    }
    return SOTTO_NONE;
}

size_t sotto__compile_too_wide(struct sotto__compiler *compiler, int bits_max)
{
    if (compiler->status == SOTTO_OK) {
        compiler->status = sotto__expression_type_error(
            compiler->expression->text, compiler->start, compiler->err,
            "exact values here may need more than %d bits: say float(x) for the "
            "doubles nearest to x",
            bits_max);
    }
    return SOTTO_NONE;
}

static size_t fail_no_memory(struct sotto__compiler *compiler)
{
    if (compiler->status == SOTTO_OK) {
        compiler->status = sotto_error_no_memory(compiler->err);
    }
    return SOTTO_NONE;
}

/* --- Operations --- */

const struct sotto__op *sotto__compile_op(const struct sotto__compiler *compiler, size_t op)
{
    static const struct sotto__op empty = {0};
    if (compiler->status != SOTTO_OK) {
        return &empty;
    }
    SOTTO_VERIFY(op < compiler->program->ops_len);
    return &compiler->program->ops[op];
}

bool sotto__op_does_same(const struct sotto__op *x, const struct sotto__op *y)
{
    return x->kind == y->kind && x->type == y->type && x->scale == y->scale &&
           x->digits == y->digits && x->clips == y->clips &&
           (x->text == y->text ||
            (x->text != NULL && y->text != NULL && strcmp(x->text, y->text) == 0));
}

static bool is_same_op(const struct sotto__op *x, const struct sotto__op *y)
{
    return sotto__op_does_same(x, y) && x->a == y->a && x->b == y->b && x->c == y->c &&
           x->index == y->index;
}

/* Finds op among the program's operations, or adds it. */
static size_t add_op(struct sotto__compiler *compiler, struct sotto__op op)
{
    struct sotto__program *program = compiler->program;
    if (compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    op.source = compiler->expression->text;
    op.start = compiler->start;
    if (op.type != SOTTO__ROW_FLOAT && op.kind != SOTTO__OP_CONSTANT &&
        (op.bits > compiler->bits_max || op.scale > SOTTO__VALUE_SCALE_MAX)) {
        return sotto__compile_too_wide(compiler, SOTTO__VALUE_BITS_MAX);
    }
    for (size_t i = 0; i < program->ops_len; i++) {
        if (is_same_op(&program->ops[i], &op)) {
            return i;
        }
    }
    void *ops = program->ops;
    if (sotto_array_reserve(&ops, &program->ops_capacity_len, program->ops_len + 1, sizeof op) !=
        SOTTO_OK) {
        return fail_no_memory(compiler);
    }
    program->ops = ops;
    program->ops[program->ops_len] = op;
    return program->ops_len++;
}

/* An operation on a, and on b if it is no SOTTO_NONE. Its type, bits and scale are the caller's. */
static struct sotto__op make_op(const struct sotto__compiler *compiler, enum sotto__op_kind kind,
                                size_t a, size_t b)
{
    const struct sotto__op *x = sotto__compile_op(compiler, a);
    const struct sotto__op *y = b != SOTTO_NONE ? sotto__compile_op(compiler, b) : x;
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
    return op != SOTTO_NONE ? sotto__compile_op(compiler, op)->type : SOTTO__ROW_TEXT;
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
           (op != SOTTO_NONE && sotto__compile_op(compiler, op)->is_null);
}

/* --- Constants --- */

bool sotto__constant_is_same(const struct sotto__constant *x, const struct sotto__constant *y)
{
    return memcmp(x->limbs, y->limbs, sizeof x->limbs) == 0 && x->number == y->number;
}

/* number / 10^scale in limbs, if it is not too wide, and as the nearest double. */
static struct sotto__constant make_constant(const mpz_t number, unsigned scale)
{
    struct sotto__constant constant = {.number = 0};
    if (mpz_sizeinbase(number, 2) <= SOTTO__PRODUCT_BITS_MAX) {
        (void)mpz_export(constant.limbs, NULL, -1, sizeof(uint64_t), 0, 0, number);
    }
    uint64_t carry = 1; /* -x is ~x + 1 */
    for (size_t i = 0; mpz_sgn(number) < 0 && i < SOTTO__VALUE_LIMBS_MAX; i++) {
        constant.limbs[i] = ~constant.limbs[i] + carry;
        carry = carry != 0 && constant.limbs[i] == 0;
    }
    mpq_t value;
    mpq_init(value);
    mpz_set(mpq_numref(value), number);
    mpz_ui_pow_ui(mpq_denref(value), 10, scale);
    mpq_canonicalize(value);
    constant.number = sotto__rational_to_double(value);
    mpq_clear(value);
    return constant;
}

/* Finds a constant among the program's, or adds it. Returns: its index. */
static size_t keep_constant(struct sotto__compiler *compiler,
                            const struct sotto__constant *constant)
{
    struct sotto__program *program = compiler->program;
    size_t index = 0;
    while (index < program->constants_len &&
           !sotto__constant_is_same(&program->constants[index], constant)) {
        index++;
    }
    if (index == program->constants_len) {
        void *constants = program->constants;
        if (sotto_array_reserve(&constants, &program->constants_capacity_len, index + 1,
                                sizeof *constant) != SOTTO_OK) {
            return fail_no_memory(compiler);
        }
        program->constants = constants;
        program->constants[program->constants_len++] = *constant;
    }
    return index;
}

static size_t add_constant_op(struct sotto__compiler *compiler, struct sotto__op op,
                              const struct sotto__constant *constant)
{
    op.kind = SOTTO__OP_CONSTANT;
    op.a = op.b = op.c = op.dataset = SOTTO_NONE;
    op.index = keep_constant(compiler, constant);
    return add_op(compiler, op);
}

/* The constant number / 10^scale. */
static size_t add_constant(struct sotto__compiler *compiler, const mpz_t number, unsigned scale)
{
    struct sotto__constant constant = make_constant(number, scale);
    struct sotto__op op = {.type = SOTTO__ROW_EXACT,
                           .never_zero = mpz_sgn(number) != 0,
                           .bits = (unsigned)mpz_sizeinbase(number, 2),
                           .scale = scale};
    return add_constant_op(compiler, op, &constant);
}

/* --- Literals --- */

/* A number that the plan has, with its sign. Ended by literal_release. */
struct literal {
    bool is_literal;
    bool is_time;
    struct sotto__value value;
};

/* Reads node i, if it is a literal, minus signs before it aside. */
static void literal_init(struct literal *out, const struct sotto__compiler *compiler, size_t i)
{
    bool is_negative;
    const struct sotto__expression *expression = compiler->expression;
    const struct sotto__node *node =
        sotto__literal_find(&is_negative, expression, &expression->nodes[i]);
    out->is_literal = node != NULL;
    out->is_time = node != NULL && node->is_micro;
    sotto__value_init(&out->value);
    if (node != NULL) {
        sotto__value_set_node(&out->value, expression, node);
    }
    if (is_negative && node != NULL) {
        sotto__value_negate(&out->value);
    }
}

static void literal_release(struct literal *literal)
{
    sotto__value_clear(&literal->value);
}

/* The literal as an exact constant. A time is known by its scale, also one of whole seconds. */
static size_t add_literal(struct sotto__compiler *compiler, const struct literal *literal)
{
    mpz_t digits;
    mpz_init(digits);
    unsigned long scale = 0;
    (void)sotto__decimals(&scale, mpq_denref(literal->value.number));
    scale = literal->is_time ? TIME_SCALE : scale;
    mpz_ui_pow_ui(digits, 10, scale);
    mpz_mul(digits, digits, mpq_numref(literal->value.number));
    mpz_divexact(digits, digits, mpq_denref(literal->value.number));
    size_t op = add_constant(compiler, digits, (unsigned)scale);
    mpz_clear(digits);
    return op;
}

/* No exact register stands beside it. */
size_t sotto__compile_double(struct sotto__compiler *compiler, double number)
{
    struct sotto__constant constant = {.number = number};
    return add_constant_op(compiler,
                           (struct sotto__op){.type = SOTTO__ROW_FLOAT, .never_zero = number != 0},
                           &constant);
}

/* The double nearest to the literal. */
static size_t add_float_literal(struct sotto__compiler *compiler, const struct literal *literal)
{
    return sotto__compile_double(compiler, sotto__value_double(&literal->value));
}

/* The operation of node i. A literal gets one only here, where somebody needs it as it is: what is
 * compared with it may not. */
size_t sotto__compile_operand(struct sotto__compiler *compiler, size_t i)
{
    struct literal literal;
    if (compiler->values[i] == SOTTO_NONE && compiler->status == SOTTO_OK) {
        literal_init(&literal, compiler, i);
        if (literal.is_literal) {
            compiler->values[i] = add_literal(compiler, &literal);
        }
        literal_release(&literal);
    }
    return compiler->values[i];
}

size_t sotto__compile_zero(struct sotto__compiler *compiler)
{
    mpz_t zero;
    mpz_init(zero);
    size_t op = add_constant(compiler, zero, 0);
    mpz_clear(zero);
    return op;
}

static size_t add_na(struct sotto__compiler *compiler)
{
    struct sotto__op op = {.kind = SOTTO__OP_CONSTANT, .type = SOTTO__ROW_EXACT, .is_null = true};
    op.a = op.b = op.c = op.dataset = op.index = SOTTO_NONE;
    return add_op(compiler, op);
}

static size_t add_power_of_ten(struct sotto__compiler *compiler, unsigned exponent)
{
    mpz_t number;
    if (compiler->status != SOTTO_OK) { /* the exponent means nothing then, and may be huge */
        return SOTTO_NONE;
    }
    mpz_init(number);
    mpz_ui_pow_ui(number, 10, exponent);
    size_t op = add_constant(compiler, number, 0);
    mpz_clear(number);
    return op;
}

/* --- Kinds --- */

size_t sotto__compile_float(struct sotto__compiler *compiler, size_t a)
{
    if (is_float(compiler, a)) {
        return a;
    }
    struct sotto__op op = make_op(compiler, SOTTO__OP_FLOAT, a, SOTTO_NONE);
    const struct sotto__op *from = sotto__compile_op(compiler, a);
    if (from->kind == SOTTO__OP_CONSTANT) {
        op = *from;
        op.bits = 0;
        op.scale = 0;
    }
    op.type = SOTTO__ROW_FLOAT;
    return add_op(compiler, op);
}

/* Multiplies a's units so that its scale is scale, which is not less than a's. */
static size_t rescale_units(struct sotto__compiler *compiler, size_t a, unsigned scale)
{
    unsigned from = sotto__compile_op(compiler, a)->scale;
    if (from == scale) {
        return a;
    }
    const struct sotto__op *x = sotto__compile_op(compiler, a);
    if (x->kind == SOTTO__OP_CONSTANT && x->is_null) { /* na stays na, for whoever looks for it */
        struct sotto__op na = *x;
        na.scale = scale;
        return add_op(compiler, na);
    }
    size_t factor = add_power_of_ten(compiler, scale - from);
    struct sotto__op op = make_op(compiler, SOTTO__OP_MULTIPLY, a, factor);
    x = sotto__compile_op(compiler, a);
    op.type = SOTTO__ROW_EXACT;
    op.never_zero = x->never_zero;
    op.bits = x->bits + sotto__compile_op(compiler, factor)->bits;
    op.scale = scale;
    return add_op(compiler, op);
}

static unsigned larger_bits(const struct sotto__compiler *compiler, size_t a, size_t b)
{
    const struct sotto__op *x = sotto__compile_op(compiler, a);
    const struct sotto__op *y = sotto__compile_op(compiler, b);
    return x->bits > y->bits ? x->bits : y->bits;
}

static unsigned larger_scale(const struct sotto__compiler *compiler, size_t a, size_t b)
{
    const struct sotto__op *x = sotto__compile_op(compiler, a);
    const struct sotto__op *y = sotto__compile_op(compiler, b);
    return x->scale > y->scale ? x->scale : y->scale;
}

/* Makes both of them doubles, or both exact and of one scale. */
static void unify_kinds(struct sotto__compiler *compiler, size_t *a, size_t *b)
{
    if (is_float(compiler, *a) || is_float(compiler, *b)) {
        *a = sotto__compile_float(compiler, *a);
        *b = sotto__compile_float(compiler, *b);
        return;
    }
    unsigned scale = larger_scale(compiler, *a, *b);
    *a = rescale_units(compiler, *a, scale);
    *b = rescale_units(compiler, *b, scale);
    if (larger_bits(compiler, *a, *b) > SOTTO__VALUE_BITS_MAX) {
        (void)sotto__compile_too_wide(compiler, SOTTO__VALUE_BITS_MAX);
    }
}

static void check_number(struct sotto__compiler *compiler, size_t a)
{
    if (is_text(compiler, a)) {
        (void)sotto__compile_error(compiler, "expected numbers or booleans, found text");
    }
}

static void check_numbers(struct sotto__compiler *compiler, size_t a, size_t b)
{
    check_number(compiler, a);
    check_number(compiler, b);
}

/* --- Arithmetic --- */

size_t sotto__compile_multiply(struct sotto__compiler *compiler, size_t a, size_t b)
{
    check_numbers(compiler, a, b);
    if (is_float(compiler, a) || is_float(compiler, b)) {
        unify_kinds(compiler, &a, &b);
    }
    struct sotto__op op = make_op(compiler, SOTTO__OP_MULTIPLY, a < b ? a : b, a < b ? b : a);
    const struct sotto__op *x = sotto__compile_op(compiler, a);
    const struct sotto__op *y = sotto__compile_op(compiler, b);
    op.type = x->type == SOTTO__ROW_FLOAT ? SOTTO__ROW_FLOAT : SOTTO__ROW_EXACT;
    op.makes_nan = op.makes_nan || op.type == SOTTO__ROW_FLOAT;
    if (op.type == SOTTO__ROW_EXACT) {
        op.bits = x->bits + y->bits;
        op.scale = x->scale + y->scale;
    }
    return add_op(compiler, op);
}

static size_t add_arithmetic(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                             size_t b)
{
    check_numbers(compiler, a, b);
    unify_kinds(compiler, &a, &b);
    if (kind == SOTTO__OP_DIVIDE || kind == SOTTO__OP_POW) {
        a = sotto__compile_float(compiler, a);
        b = sotto__compile_float(compiler, b);
    }
    struct sotto__op op = make_op(compiler, kind, a, b);
    op.type = is_float(compiler, a) ? SOTTO__ROW_FLOAT : SOTTO__ROW_EXACT;
    op.makes_nan = op.makes_nan || op.type == SOTTO__ROW_FLOAT;
    if (op.type == SOTTO__ROW_EXACT) {
        op.bits = larger_bits(compiler, a, b) + 1;
        op.scale = sotto__compile_op(compiler, a)->scale;
    }
    return add_op(compiler, op);
}

/* By squaring, from the exponent's highest bit; x ** 0 is 1 where x is present. */
static size_t add_power(struct sotto__compiler *compiler, size_t a, int exponent)
{
    if (exponent < 0) {
        return sotto__compile_error(compiler, "expected an exponent that is not negative on rows: "
                                              "say 1 / x ** 2 for x ** -2");
    }
    check_number(compiler, a);
    if (exponent == 0) {
        size_t one = add_power_of_ten(compiler, 0);
        return sotto__compile_mask(compiler, one, a);
    }
    int bit = 1;
    while (bit * 2 <= exponent) {
        bit *= 2;
    }
    size_t power = a;
    for (bit /= 2; bit > 0; bit /= 2) {
        power = sotto__compile_multiply(compiler, power, power);
        if ((exponent & bit) != 0) {
            power = sotto__compile_multiply(compiler, power, a);
        }
    }
    return power;
}

/* From SOTTO__OP_NEGATE to SOTTO__OP_LOGLOG_SLOPE. */
static size_t add_unary(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a)
{
    check_number(compiler, a);
    if (kind != SOTTO__OP_NEGATE && kind != SOTTO__OP_ABS) {
        a = sotto__compile_float(compiler, a);
    }
    struct sotto__op op = make_op(compiler, kind, a, SOTTO_NONE);
    const struct sotto__op *x = sotto__compile_op(compiler, a);
    op.type = x->type == SOTTO__ROW_FLOAT ? SOTTO__ROW_FLOAT : SOTTO__ROW_EXACT;
    op.bits = x->bits;
    op.scale = x->scale;
    op.never_zero = x->never_zero && op.type == SOTTO__ROW_EXACT;
    bool keeps_values = kind == SOTTO__OP_NEGATE || kind == SOTTO__OP_ABS || kind == SOTTO__OP_EXP;
    op.makes_nan = op.makes_nan || !keeps_values;
    return add_op(compiler, op);
}

/* --- Whole numbers --- */

/* a // b or a % b: in units of one scale both are divisions of integers. */
static size_t add_division(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                           size_t b)
{
    check_numbers(compiler, a, b);
    unify_kinds(compiler, &a, &b);
    struct sotto__op op = make_op(compiler, kind, a, b);
    const struct sotto__op *x = sotto__compile_op(compiler, a);
    const struct sotto__op *y = sotto__compile_op(compiler, b);
    op.type = x->type == SOTTO__ROW_FLOAT ? SOTTO__ROW_FLOAT : SOTTO__ROW_EXACT;
    op.makes_nan = op.makes_nan || op.type == SOTTO__ROW_FLOAT || !y->never_zero;
    if (op.type == SOTTO__ROW_EXACT) { /* |a // b| <= |a|, |a % b| < |b| */
        op.bits = kind == SOTTO__OP_MODULO ? y->bits : x->bits;
        op.scale = kind == SOTTO__OP_MODULO ? x->scale : 0;
    }
    return add_op(compiler, op);
}

/* Divides the units of exact a by a power of ten, so that scale decimals are left; kind is
 * SOTTO__OP_FLOOR_DIVIDE or SOTTO__OP_ROUND_DIVIDE. A negative scale leaves whole tens, hundreds
 * and so on. */
static size_t drop_decimals(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                            int scale)
{
    unsigned dropped = (unsigned)((int)sotto__compile_op(compiler, a)->scale - scale);
    size_t divisor = add_power_of_ten(compiler, dropped);
    struct sotto__op op = make_op(compiler, kind, a, divisor);
    unsigned bits = sotto__compile_op(compiler, a)->bits;
    unsigned fewer = sotto__compile_op(compiler, divisor)->bits - 1; /* 10^dropped >= 2^fewer */
    op.type = SOTTO__ROW_EXACT;
    op.bits = bits > fewer ? bits - fewer : 0;
    op.scale = scale > 0 ? (unsigned)scale : 0;
    size_t quotient = add_op(compiler, op);
    if (scale >= 0) {
        return quotient;
    }
    size_t factor = add_power_of_ten(compiler, (unsigned)-scale);
    return sotto__compile_multiply(compiler, quotient, factor);
}

/* floor, ceil, round; kind is that of doubles. */
static size_t add_whole(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                        int digits)
{
    check_number(compiler, a);
    if (is_float(compiler, a)) {
        struct sotto__op op = make_op(compiler, kind, a, SOTTO_NONE);
        op.type = SOTTO__ROW_FLOAT;
        op.digits = digits;
        return add_op(compiler, op);
    }
    if ((int)sotto__compile_op(compiler, a)->scale <= digits) {
        return a;
    }
    if (kind == SOTTO__OP_ROUND) {
        return drop_decimals(compiler, SOTTO__OP_ROUND_DIVIDE, a, digits);
    }
    if (kind == SOTTO__OP_FLOOR) {
        return drop_decimals(compiler, SOTTO__OP_FLOOR_DIVIDE, a, 0);
    }
    size_t negative = add_unary(compiler, SOTTO__OP_NEGATE, a); /* ceil(x) is -floor(-x) */
    size_t floor = drop_decimals(compiler, SOTTO__OP_FLOOR_DIVIDE, negative, 0);
    return add_unary(compiler, SOTTO__OP_NEGATE, floor);
}

/* --- Conditions --- */

static size_t add_bool(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                       size_t b)
{
    if (!is_bool(compiler, a) || (kind != SOTTO__OP_NOT && !is_bool(compiler, b))) {
        return sotto__compile_error(compiler, "expected conditions, found numbers or text");
    }
    return add_op(compiler, make_op(compiler, kind, a, b));
}

/* Whether a node is a text or a column of text; literals have no operation yet. */
static bool is_text_node(const struct sotto__compiler *compiler, size_t i)
{
    const struct sotto__node *node = &compiler->expression->nodes[i];
    size_t op = compiler->values[i];
    return node->kind == SOTTO__NODE_TEXT || (op != SOTTO_NONE && is_text(compiler, op));
}

/* The column that a node is, in small letters and without blanks where it says so. Returns: NULL
 * for any other node. */
static const struct sotto__node *find_text_column(int *out_digits,
                                                  const struct sotto__expression *expression,
                                                  const struct sotto__node *node)
{
    *out_digits = 0;
    while (node->kind == SOTTO__NODE_CALL &&
           (node->function == SOTTO__FUNCTION_LOWER || node->function == SOTTO__FUNCTION_STRIP)) {
        *out_digits |=
            node->function == SOTTO__FUNCTION_LOWER ? SOTTO__TEXT_LOWER : SOTTO__TEXT_STRIP;
        node = &expression->nodes[node->left];
    }
    return node->kind == SOTTO__NODE_COLUMN ? node : NULL;
}

/* A condition on a column of text and a text in quotes. */
static size_t add_text_condition(struct sotto__compiler *compiler, enum sotto__op_kind kind,
                                 const struct sotto__node *of, const struct sotto__node *text)
{
    int digits;
    const struct sotto__node *column = find_text_column(&digits, compiler->expression, of);
    if (column == NULL || text->kind != SOTTO__NODE_TEXT) {
        return sotto__compile_error(compiler, "a text is compared with a column, and a column of "
                                              "text with a text in quotes");
    }
    size_t from = compiler->values[column - compiler->expression->nodes];
    if (!is_text(compiler, from) && !sotto__compile_op(compiler, from)->is_null) {
        return sotto__compile_error(compiler, "this column holds numbers or booleans, not text");
    }
    struct sotto__op op = make_op(compiler, kind, from, SOTTO_NONE);
    op.text = text->name;
    op.digits = digits;
    return add_op(compiler, op);
}

static enum sotto__op_kind find_text_comparison(enum sotto__node_kind kind, bool is_left)
{
    static const enum sotto__op_kind kinds[2][4] = {
        {SOTTO__OP_TEXT_LESS, SOTTO__OP_TEXT_LESS_EQUAL, SOTTO__OP_TEXT_GREATER,
         SOTTO__OP_TEXT_GREATER_EQUAL},
        {SOTTO__OP_TEXT_GREATER, SOTTO__OP_TEXT_GREATER_EQUAL, SOTTO__OP_TEXT_LESS,
         SOTTO__OP_TEXT_LESS_EQUAL}};
    bool is_order = kind >= SOTTO__NODE_LESS && kind <= SOTTO__NODE_GREATER_EQUAL;
    return is_order ? kinds[is_left][kind - SOTTO__NODE_LESS] : SOTTO__OP_TEXT_EQUAL;
}

static size_t add_text_comparison(struct sotto__compiler *compiler, enum sotto__node_kind kind,
                                  const struct sotto__node *left, const struct sotto__node *right)
{
    int64_t date;
    enum sotto_kind date_kind;
    bool is_left = left->kind == SOTTO__NODE_TEXT; /* the text */
    const struct sotto__node *text = is_left ? left : right;
    if (find_text_comparison(kind, is_left) != SOTTO__OP_TEXT_EQUAL &&
        text->kind == SOTTO__NODE_TEXT &&
        sotto_datetime_parse(&date_kind, &date, NULL, text->name, strlen(text->name))) {
        return sotto__compile_error(compiler,
                                    "expected a column of dates, found text, whose order is "
                                    "another: a column has dates where each value is written "
                                    "2020-01-31, times where each is written 2020-01-31 12:00, or "
                                    "where its owner says how they are written");
    }
    size_t found = add_text_condition(compiler, find_text_comparison(kind, is_left),
                                      is_left ? right : left, text);
    return kind == SOTTO__NODE_UNEQUAL ? add_bool(compiler, SOTTO__OP_NOT, found, SOTTO_NONE)
                                       : found;
}

/* lower(s), strip(s): what is done to texts before they are compared has no operation. */
static size_t check_text(struct sotto__compiler *compiler, const struct sotto__node *node, size_t a)
{
    int digits;
    bool is_column = find_text_column(&digits, compiler->expression, node) != NULL;
    if (!is_column || (!is_text(compiler, a) && !sotto__compile_op(compiler, a)->is_null)) {
        return sotto__compile_error(compiler, "lower and strip take a column of text");
    }
    return a;
}

size_t sotto__compile_compare(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                              size_t b)
{
    check_numbers(compiler, a, b);
    unify_kinds(compiler, &a, &b);
    struct sotto__op op = make_op(compiler, kind, a, b);
    op.makes_nan = false; /* a comparison is never missing */
    return add_op(compiler, op);
}

static enum sotto__op_kind find_comparison(enum sotto__node_kind kind)
{
    switch (kind) {
    case SOTTO__NODE_EQUAL:
        return SOTTO__OP_EQUAL;
    case SOTTO__NODE_UNEQUAL:
        return SOTTO__OP_UNEQUAL;
    case SOTTO__NODE_LESS:
    case SOTTO__NODE_GREATER:
        return SOTTO__OP_LESS;
    default:
        return SOTTO__OP_LESS_EQUAL;
    }
}

/* Exact x, of |v| <= 2^bits units of 10^-scale, is compared with the literal L in these units, by
 * an integer t that stands for L: v < L is v < ceil(L), v <= L is v <= floor(L); L < v is floor(L)
 * < v, L <= v is ceil(L) <= v; v == L is v == L, or false where L is no integer. Where t is beyond
 * what v can be, the next integer beyond it stands for t, and for the integer that is not there. So
 * t has one bit more than v at most, whatever L is. */
static void set_threshold(mpz_t out, const struct sotto__op *x, const struct literal *literal,
                          enum sotto__op_kind kind, bool is_left)
{
    mpz_t scaled;
    mpz_t beyond;
    mpz_init(scaled);
    mpz_init_set_ui(beyond, 1);
    mpz_srcptr denominator = mpq_denref(literal->value.number);
    mpz_mul_2exp(beyond, beyond, x->bits);
    mpz_add_ui(beyond, beyond, 1);
    mpz_ui_pow_ui(scaled, 10, x->scale);
    mpz_mul(scaled, scaled, mpq_numref(literal->value.number));
    bool is_equality = kind == SOTTO__OP_EQUAL || kind == SOTTO__OP_UNEQUAL;
    if (is_equality && mpz_divisible_p(scaled, denominator) == 0) {
        mpz_set(out, beyond);
    } else if ((kind == SOTTO__OP_LESS) == is_left) {
        mpz_fdiv_q(out, scaled, denominator);
    } else {
        mpz_cdiv_q(out, scaled, denominator);
    }
    if (mpz_cmpabs(out, beyond) > 0) {
        mpz_mul_si(out, beyond, mpz_sgn(out));
    }
    mpz_clear(scaled);
    mpz_clear(beyond);
}

/* Compares x with a literal; is_left: the literal with x. */
static size_t compare_with_literal(struct sotto__compiler *compiler, enum sotto__op_kind kind,
                                   size_t x, const struct literal *literal, bool is_left)
{
    size_t value;
    check_number(compiler, x);
    if (compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    if (is_float(compiler, x)) {
        value = add_float_literal(compiler, literal);
    } else {
        mpz_t threshold;
        const struct sotto__op *from = sotto__compile_op(compiler, x);
        mpz_init(threshold);
        set_threshold(threshold, from, literal, kind, is_left);
        value = add_constant(compiler, threshold, from->scale);
        mpz_clear(threshold);
    }
    struct sotto__op op = make_op(compiler, kind, is_left ? value : x, is_left ? x : value);
    op.makes_nan = false;
    return add_op(compiler, op);
}

/* A comparison of numbers. */
static size_t add_number_comparison(struct sotto__compiler *compiler, enum sotto__op_kind kind,
                                    size_t left, size_t right)
{
    struct literal a;
    struct literal b;
    size_t comparison;
    literal_init(&a, compiler, left);
    literal_init(&b, compiler, right);
    if (b.is_literal) {
        size_t x = sotto__compile_operand(compiler, left);
        comparison = compare_with_literal(compiler, kind, x, &b, false);
    } else if (a.is_literal) {
        comparison = compare_with_literal(compiler, kind, compiler->values[right], &a, true);
    } else {
        comparison =
            sotto__compile_compare(compiler, kind, compiler->values[left], compiler->values[right]);
    }
    literal_release(&a);
    literal_release(&b);
    return comparison;
}

static size_t add_comparison(struct sotto__compiler *compiler, const struct sotto__node *node)
{
    const struct sotto__node *left = &compiler->expression->nodes[node->left];
    const struct sotto__node *right = &compiler->expression->nodes[node->right];
    bool is_swapped = node->kind == SOTTO__NODE_GREATER || node->kind == SOTTO__NODE_GREATER_EQUAL;
    if (is_text_node(compiler, node->left) || is_text_node(compiler, node->right)) {
        return add_text_comparison(compiler, node->kind, left, right);
    }
    return add_number_comparison(compiler, find_comparison(node->kind),
                                 is_swapped ? node->right : node->left,
                                 is_swapped ? node->left : node->right);
}

/* --- Choices --- */

size_t sotto__compile_mask(struct sotto__compiler *compiler, size_t a, size_t b)
{
    struct sotto__op op = make_op(compiler, SOTTO__OP_MASK, a, b);
    const struct sotto__op *x = sotto__compile_op(compiler, a);
    op.type = x->type;
    op.bits = x->bits;
    op.scale = x->scale;
    return add_op(compiler, op);
}

size_t sotto__compile_together(struct sotto__compiler *compiler, size_t a, size_t b)
{
    check_numbers(compiler, a, b);
    if (is_float(compiler, b)) {
        a = sotto__compile_float(compiler, a);
    }
    if (is_float(compiler, a)) {
        b = sotto__compile_float(compiler, b);
    }
    return sotto__compile_mask(compiler, a, b);
}

/* SOTTO__OP_FILL, or SOTTO__OP_IF with its condition. */
static struct sotto__op make_choice(struct sotto__compiler *compiler, enum sotto__op_kind kind,
                                    size_t a, size_t b, size_t condition)
{
    check_numbers(compiler, a, b);
    bool both_bool = is_bool(compiler, a) && is_bool(compiler, b);
    unify_kinds(compiler, &a, &b);
    struct sotto__op op = make_op(compiler, kind, a, b);
    op.c = condition;
    op.type = is_float(compiler, a) ? SOTTO__ROW_FLOAT
              : both_bool           ? SOTTO__ROW_BOOL
                                    : SOTTO__ROW_EXACT;
    op.bits = larger_bits(compiler, a, b);
    op.scale = sotto__compile_op(compiler, a)->scale;
    if (kind == SOTTO__OP_IF) {
        const struct sotto__op *from = sotto__compile_op(compiler, condition);
        op.makes_nan = op.makes_nan || from->makes_nan;
        op.dataset = op.dataset != SOTTO_NONE ? op.dataset : from->dataset;
    }
    return op;
}

static size_t add_choice(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                         size_t b, size_t condition)
{
    if (kind == SOTTO__OP_IF && !is_bool(compiler, condition)) {
        return sotto__compile_error(compiler, "if takes a condition, found numbers or text");
    }
    return add_op(compiler, make_choice(compiler, kind, a, b, condition));
}

/* limit where x is beyond it, else x. */
static size_t add_limit(struct sotto__compiler *compiler, size_t x, size_t limit, bool is_below)
{
    size_t beyond = sotto__compile_compare(compiler, SOTTO__OP_LESS, is_below ? x : limit,
                                           is_below ? limit : x);
    if (compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    struct sotto__op op = make_choice(compiler, SOTTO__OP_IF, limit, x, beyond);
    op.clips = true;
    return add_op(compiler, op);
}

static size_t add_clip(struct sotto__compiler *compiler, const struct sotto__node *node, size_t x,
                       size_t low, size_t high)
{
    size_t children[3];
    bool is_negative;
    const struct sotto__expression *expression = compiler->expression;
    SOTTO_REQUIRE(sotto__node_children(node, children) == 3);
    for (size_t i = 1; i < 3; i++) {
        if (sotto__literal_find(&is_negative, expression, &expression->nodes[children[i]]) ==
            NULL) {
            return sotto__compile_error(compiler, "clip takes limits that are written out");
        }
    }
    check_numbers(compiler, x, low);
    if (compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    return add_limit(compiler, add_limit(compiler, x, low, true), high, false);
}

static size_t add_is_na(struct sotto__compiler *compiler, size_t a)
{
    if (a == SOTTO_NONE) {
        return sotto__compile_error(compiler, "isna takes a column, found a text");
    }
    struct sotto__op op = make_op(compiler, SOTTO__OP_IS_NA, a, SOTTO_NONE);
    op.makes_nan = false;
    return add_op(compiler, op);
}

/* a: of dates or times, as plan/dates.c has it, or missing everywhere. */
static size_t add_date_part(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a)
{
    static const unsigned bits[] = {
        [SOTTO__OP_YEAR] = 14,        [SOTTO__OP_MONTH] = 4, [SOTTO__OP_DAY] = 5,
        [SOTTO__OP_WEEKDAY] = 3,      [SOTTO__OP_HOUR] = 5,  [SOTTO__OP_MINUTE] = 6,
        [SOTTO__OP_DATE] = DATE_BITS,
    };
    if (is_float(compiler, a)) {
        return sotto__compile_error(compiler, "expected dates of rows, found numbers that were "
                                              "opened before");
    }
    struct sotto__op op = make_op(compiler, kind, a, SOTTO_NONE);
    const struct sotto__op *from = sotto__compile_op(compiler, a);
    if (kind == SOTTO__OP_DATE && from->scale == 0) { /* it is one */
        return a;
    }
    SOTTO_REQUIRE(from->bits <= (from->scale == TIME_SCALE ? TIME_BITS : DATE_BITS));
    op.type = SOTTO__ROW_EXACT;
    op.bits = bits[kind];
    return add_op(compiler, op);
}

static size_t add_call(struct sotto__compiler *compiler, const struct sotto__node *node, size_t a,
                       size_t b, size_t third)
{
    switch (node->function) {
    case SOTTO__FUNCTION_ABS:
        return add_unary(compiler, SOTTO__OP_ABS, a);
    case SOTTO__FUNCTION_SQRT:
        return add_unary(compiler, SOTTO__OP_SQRT, a);
    case SOTTO__FUNCTION_ISNA:
        return add_is_na(compiler, a);
    case SOTTO__FUNCTION_EXP:
        return add_unary(compiler, SOTTO__OP_EXP, a);
    case SOTTO__FUNCTION_LOG:
        return add_unary(compiler, SOTTO__OP_LOG, a);
    case SOTTO__FUNCTION_POW:
        return add_arithmetic(compiler, SOTTO__OP_POW, a, b);
    case SOTTO__FUNCTION_FLOOR:
        return add_whole(compiler, SOTTO__OP_FLOOR, a, 0);
    case SOTTO__FUNCTION_CEIL:
        return add_whole(compiler, SOTTO__OP_CEIL, a, 0);
    case SOTTO__FUNCTION_ROUND:
        return add_whole(compiler, SOTTO__OP_ROUND, a, node->options.digits);
    case SOTTO__FUNCTION_FILLNA:
        return add_choice(compiler, SOTTO__OP_FILL, a, b, SOTTO_NONE);
    case SOTTO__FUNCTION_IF:
        return add_choice(compiler, SOTTO__OP_IF, b, third, a);
    case SOTTO__FUNCTION_CLIP:
        return add_clip(compiler, node, a, b, third);
    case SOTTO__FUNCTION_TOGETHER:
        return sotto__compile_together(compiler, a, b);
    case SOTTO__FUNCTION_STARTSWITH:
    case SOTTO__FUNCTION_CONTAINS:
        return add_text_condition(
            compiler,
            node->function == SOTTO__FUNCTION_CONTAINS ? SOTTO__OP_TEXT_CONTAINS
                                                       : SOTTO__OP_TEXT_STARTS,
            &compiler->expression->nodes[node->left], &compiler->expression->nodes[node->right]);
    case SOTTO__FUNCTION_LOWER:
    case SOTTO__FUNCTION_STRIP:
        return check_text(compiler, node, a);
    case SOTTO__FUNCTION_YEAR:
        return add_date_part(compiler, SOTTO__OP_YEAR, a);
    case SOTTO__FUNCTION_MONTH:
        return add_date_part(compiler, SOTTO__OP_MONTH, a);
    case SOTTO__FUNCTION_DAY:
        return add_date_part(compiler, SOTTO__OP_DAY, a);
    case SOTTO__FUNCTION_WEEKDAY:
        return add_date_part(compiler, SOTTO__OP_WEEKDAY, a);
    case SOTTO__FUNCTION_HOUR:
        return add_date_part(compiler, SOTTO__OP_HOUR, a);
    case SOTTO__FUNCTION_MINUTE:
        return add_date_part(compiler, SOTTO__OP_MINUTE, a);
    case SOTTO__FUNCTION_DATE:
        return add_date_part(compiler, SOTTO__OP_DATE, a);
    default:
        check_number(compiler, a);
        return sotto__compile_float(compiler, a);
    }
}

/* --- Nodes --- */

size_t sotto__compile_column(struct sotto__compiler *compiler, size_t column)
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
    case SOTTO_KIND_DATE:
        op.type = SOTTO__ROW_EXACT;
        op.bits = DATE_BITS;
        break;
    case SOTTO_KIND_DATETIME:
    case SOTTO_KIND_DATETIME_UTC:
        op.type = SOTTO__ROW_EXACT;
        op.bits = TIME_BITS;
        op.scale = TIME_SCALE;
        break;
    default:
        op.type = SOTTO__ROW_EXACT;
        op.scale = type.scale;
        /* An int64 times 10^scale; a digit takes less than 10 / 3 bits, as 10^3 < 2^10. */
        op.bits = op.is_null ? 0 : 63 + (type.scale * 10U + 2) / 3;
        break;
    }
    return add_op(compiler, op);
}

size_t sotto__compile_earlier_number(struct sotto__compiler *compiler, size_t i)
{
    struct sotto__earlier_number number = {
        .expression = compiler->expression, .node = i, .first_moments = compiler->first_moments};
    size_t place = 0;
    if (sotto__earlier_number_find(compiler->program, &place, &number, compiler->earlier) !=
        SOTTO_OK) {
        return fail_no_memory(compiler);
    }
    return sotto__compile_parameter(compiler, place);
}

/* --- Operations of methods --- */

/* With groups a parameter differs from row to row; there is one dataset then. */
static struct sotto__op make_parameter(const struct sotto__compiler *compiler, size_t place)
{
    struct sotto__op op = {.kind = SOTTO__OP_PARAMETER,
                           .dataset = compiler->plan->keys_len > 0 ? 0 : SOTTO_NONE,
                           .index = place};
    op.a = op.b = op.c = SOTTO_NONE;
    return op;
}

size_t sotto__compile_parameter(struct sotto__compiler *compiler, size_t place)
{
    struct sotto__op op = make_parameter(compiler, place);
    op.type = SOTTO__ROW_FLOAT;
    op.makes_nan = true; /* whether it is NaN may not change the shape of the round */
    return add_op(compiler, op);
}

size_t sotto__compile_is_open(struct sotto__compiler *compiler, size_t place)
{
    struct sotto__op op = make_parameter(compiler, place);
    op.kind = SOTTO__OP_IS_OPEN;
    op.type = SOTTO__ROW_BOOL;
    return add_op(compiler, op);
}

size_t sotto__compile_own(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                          size_t b, size_t index)
{
    struct sotto__op op = make_op(compiler, kind, a, b);
    op.index = index;
    op.type = SOTTO__ROW_EXACT;
    op.bits = 63;
    if (kind != SOTTO__OP_KEY) {
        op.type = SOTTO__ROW_FLOAT;
        op.bits = 0;
        op.makes_nan = true;
    }
    return add_op(compiler, op);
}

size_t sotto__compile_apply(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                            size_t b)
{
    switch (kind) {
    case SOTTO__OP_NEGATE:
    case SOTTO__OP_ABS:
    case SOTTO__OP_SQRT:
    case SOTTO__OP_EXP:
    case SOTTO__OP_LOG:
    case SOTTO__OP_NORMAL_LOG:
    case SOTTO__OP_NORMAL_SLOPE:
    case SOTTO__OP_LOGLOG_LOG:
    case SOTTO__OP_LOGLOG_SLOPE:
    case SOTTO__OP_TRUTH:
    case SOTTO__OP_LOGIT_TAIL:
    case SOTTO__OP_LOGIT_SLOPE:
        return add_unary(compiler, kind, a);
    case SOTTO__OP_FLOAT:
        return sotto__compile_float(compiler, a);
    case SOTTO__OP_MULTIPLY:
        return sotto__compile_multiply(compiler, a, b);
    case SOTTO__OP_MASK:
        return sotto__compile_mask(compiler, a, b);
    case SOTTO__OP_ADD:
    case SOTTO__OP_SUBTRACT:
    case SOTTO__OP_DIVIDE:
    case SOTTO__OP_POW:
    case SOTTO__OP_LOGIT_SHARE:
    case SOTTO__OP_LOGIT_LOSS:
        return add_arithmetic(compiler, kind, a, b);
    default: /* comparisons; the others are not asked for */
        SOTTO_REQUIRE(kind >= SOTTO__OP_EQUAL && kind <= SOTTO__OP_LESS_EQUAL);
        return sotto__compile_compare(compiler, kind, a, b);
    }
}

static bool is_comparison(enum sotto__node_kind kind)
{
    return kind == SOTTO__NODE_EQUAL || kind == SOTTO__NODE_UNEQUAL || kind == SOTTO__NODE_LESS ||
           kind == SOTTO__NODE_LESS_EQUAL || kind == SOTTO__NODE_GREATER ||
           kind == SOTTO__NODE_GREATER_EQUAL;
}

/* The operations of a node's children; out: SOTTO_NONE for what it has none of. */
static void find_operands(struct sotto__compiler *compiler, size_t out[3],
                          const struct sotto__node *node)
{
    size_t children[3];
    size_t len = sotto__node_children(node, children);
    for (size_t i = 0; i < 3; i++) {
        out[i] = i < len ? sotto__compile_operand(compiler, children[i]) : SOTTO_NONE;
    }
}

size_t sotto__compile_node(struct sotto__compiler *compiler, size_t i)
{
    const struct sotto__node *node = &compiler->expression->nodes[i];
    size_t operands[3];
    bool is_negative;
    compiler->start = node->start;
    if (is_comparison(node->kind)) {
        return add_comparison(compiler, node);
    }
    if (sotto__literal_find(&is_negative, compiler->expression, node) != NULL) {
        return SOTTO_NONE; /* see sotto__compile_operand */
    }
    find_operands(compiler, operands, node);
    size_t a = operands[0];
    size_t b = operands[1];
    switch (node->kind) {
    case SOTTO__NODE_NA:
        return add_na(compiler);
    case SOTTO__NODE_TEXT:
        return SOTTO_NONE; /* only add_text_condition takes it */
    case SOTTO__NODE_COLUMN:
        return sotto__compile_column(compiler, node->column);
    case SOTTO__NODE_NEGATE:
        return add_unary(compiler, SOTTO__OP_NEGATE, a);
    case SOTTO__NODE_NOT:
        return add_bool(compiler, SOTTO__OP_NOT, a, SOTTO_NONE);
    case SOTTO__NODE_ADD:
        return add_arithmetic(compiler, SOTTO__OP_ADD, a, b);
    case SOTTO__NODE_SUBTRACT:
        return add_arithmetic(compiler, SOTTO__OP_SUBTRACT, a, b);
    case SOTTO__NODE_MULTIPLY:
        return sotto__compile_multiply(compiler, a, b);
    case SOTTO__NODE_DIVIDE:
        return add_arithmetic(compiler, SOTTO__OP_DIVIDE, a, b);
    case SOTTO__NODE_FLOOR_DIVIDE:
        return add_division(compiler, SOTTO__OP_FLOOR_DIVIDE, a, b);
    case SOTTO__NODE_MODULO:
        return add_division(compiler, SOTTO__OP_MODULO, a, b);
    case SOTTO__NODE_POWER:
        return add_power(compiler, a, node->exponent);
    case SOTTO__NODE_AND:
        return add_bool(compiler, SOTTO__OP_AND, a, b);
    case SOTTO__NODE_OR:
        return add_bool(compiler, SOTTO__OP_OR, a, b);
    case SOTTO__NODE_CALL:
        return add_call(compiler, node, a, b, operands[2]);
    default:
        return SOTTO_NONE; /* no other node stands in a row-wise expression */
    }
}
