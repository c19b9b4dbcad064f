/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PROGRAM_OPERATIONS_H
#define SOTTO_ENGINE_PROGRAM_OPERATIONS_H

/* What is done to rows: one operation after the other, each on registers of a block. */

#include "kernels/kernels.h"

/* What a value inside an aggregate may take: beyond it the hint is float(x). Products of two, which
 * an aggregate makes itself, may take twice as much. */
#define VALUE_BITS_MAX 1024
#define PRODUCT_BITS_MAX 2048
#define VALUE_LIMBS_MAX 33
#define VALUE_SCALE_MAX 4096

enum sotto__op_kind {
    OP_COLUMN,
    OP_CONSTANT,
    OP_INNER,  /* float64: a number of an earlier round, in each group its own */
    OP_NEGATE, /* a */
    OP_ABS,
    OP_NOT,
    OP_SQRT, /* float64, as the next two */
    OP_EXP,
    OP_LOG,
    OP_IS_NA, /* never missing */
    OP_FLOAT, /* the nearest double of an exact a */
    OP_ADD,   /* a, b: of one scale */
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE, /* float64 */
    OP_POW,    /* float64 */
    OP_FLOOR_DIVIDE,
    OP_MODULO,
    OP_ROUND_DIVIDE, /* exact: the nearest integer, ties to even */
    OP_FLOOR,        /* float64, as the next two */
    OP_CEIL,
    OP_ROUND, /* to digits */
    OP_EQUAL, /* never missing, as the next three */
    OP_UNEQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_TEXT_EQUAL, /* column a and the text */
    OP_AND,
    OP_OR,
    OP_FILL, /* a, where it is missing b */
    OP_MASK, /* a, missing also where b is */
    OP_IF,   /* c: a, else b */
};

enum sotto__row_kind {
    ROW_BOOL, /* exact too: 0 and 1 */
    ROW_EXACT,
    ROW_FLOAT,
    ROW_TEXT,
};

/* Operands stand before their operations. An exact value v is in units of 10^-scale,
 * |v| <= 2^bits. */
struct sotto__op {
    enum sotto__op_kind kind;
    enum sotto__row_kind type;
    bool makes_nan; /* it or an operand may give NaN for present inputs */
    bool is_null;   /* missing everywhere: a column, or the constant na */
    bool never_zero;
    bool is_early; /* where needs it: done before rows have groups */
    bool is_asked; /* a comparison that is not only an edge of hist */
    unsigned bits;
    unsigned scale;
    int digits; /* OP_ROUND */
    size_t a;
    size_t b;
    size_t c;
    size_t dataset;     /* SIZE_MAX: constant */
    size_t index;       /* column of the expansion, constant, inner number */
    const char *text;   /* OP_TEXT_EQUAL; borrows from the plan */
    const char *source; /* the text that it was first written in, and where; borrows likewise */
    size_t start;
};

struct sotto__constant {
    uint64_t limbs[VALUE_LIMBS_MAX]; /* two's complement, if it is exact and not too wide */
    double number;                   /* nearest */
};

/* An exact register's limbs for |v| <= 2^bits. */
static inline unsigned sotto__bits_limbs(unsigned bits)
{
    return (bits + 65) / 64;
}

#endif
