/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PROGRAM_OPERATIONS_H
#define SOTTO_ENGINE_PROGRAM_OPERATIONS_H

/* What is done to rows: one operation after the other, each on registers of a block. */

#include "kernels/kernels.h"

/* What a value inside an aggregate may take: beyond it the hint is float(x). Products of two, which
 * an aggregate makes itself, may take twice as much. */
#define SOTTO__VALUE_BITS_MAX 1024
#define SOTTO__PRODUCT_BITS_MAX 2048
#define SOTTO__VALUE_LIMBS_MAX 33
#define SOTTO__VALUE_SCALE_MAX 4096

/* What a ledger has of computed values depends on these numbers: new ones are the last. */
enum sotto__op_kind {
    SOTTO__OP_COLUMN,
    SOTTO__OP_CONSTANT,
    SOTTO__OP_PARAMETER, /* float64: a number that is known when the round begins, each group's */
    SOTTO__OP_IS_OPEN,   /* 1, missing in groups for which a method has ended */
    SOTTO__OP_NEGATE,    /* a */
    SOTTO__OP_ABS,
    SOTTO__OP_NOT,
    SOTTO__OP_SQRT, /* float64, as the next six */
    SOTTO__OP_EXP,
    SOTTO__OP_LOG,
    SOTTO__OP_NORMAL_LOG, /* of methods only, as the next three: kernels/links.h */
    SOTTO__OP_NORMAL_SLOPE,
    SOTTO__OP_LOGLOG_LOG,
    SOTTO__OP_LOGLOG_SLOPE,
    SOTTO__OP_IS_NA,      /* never missing */
    SOTTO__OP_FLOAT,      /* the nearest double of an exact a */
    SOTTO__OP_KEY,        /* exact: an integer of 64 bits for a double, in the same order */
    SOTTO__OP_ADD_SCALED, /* float64: a (SOTTO_NONE: 0) plus b times a parameter, rounded twice */
    SOTTO__OP_ADD,        /* a, b: of one scale */
    SOTTO__OP_SUBTRACT,
    SOTTO__OP_MULTIPLY,
    SOTTO__OP_DIVIDE, /* float64 */
    SOTTO__OP_POW,    /* float64 */
    SOTTO__OP_FLOOR_DIVIDE,
    SOTTO__OP_MODULO,
    SOTTO__OP_ROUND_DIVIDE, /* exact: the nearest integer, ties to even */
    SOTTO__OP_FLOOR,        /* float64, as the next two */
    SOTTO__OP_CEIL,
    SOTTO__OP_ROUND, /* to digits */
    SOTTO__OP_EQUAL, /* never missing, as the next three */
    SOTTO__OP_UNEQUAL,
    SOTTO__OP_LESS,
    SOTTO__OP_LESS_EQUAL,
    SOTTO__OP_TEXT_EQUAL, /* column a and the text */
    SOTTO__OP_AND,
    SOTTO__OP_OR,
    SOTTO__OP_FILL, /* a, where it is missing b */
    SOTTO__OP_MASK, /* a, missing also where b is */
    SOTTO__OP_IF,   /* c: a, else b */
    SOTTO__OP_YEAR, /* exact, of an exact date in days, or of a time, as the next three */
    SOTTO__OP_MONTH,
    SOTTO__OP_DAY,
    SOTTO__OP_WEEKDAY,
    SOTTO__OP_TEXT_LESS, /* as SOTTO__OP_TEXT_EQUAL, of the order of bytes */
    SOTTO__OP_TEXT_LESS_EQUAL,
    SOTTO__OP_TEXT_GREATER,
    SOTTO__OP_TEXT_GREATER_EQUAL,
    SOTTO__OP_TEXT_STARTS,
    SOTTO__OP_TEXT_CONTAINS,
    SOTTO__OP_TRUTH, /* float64: 0 where a is 0 or 1, else NaN; of methods only, as the next four */
    SOTTO__OP_LOGIT_TAIL,  /* kernels/elementary.h */
    SOTTO__OP_LOGIT_SHARE, /* a, b */
    SOTTO__OP_LOGIT_SLOPE,
    SOTTO__OP_LOGIT_LOSS, /* a, b */
    SOTTO__OP_HOUR,       /* as SOTTO__OP_YEAR, of an exact time in units of 10^-6 seconds */
    SOTTO__OP_MINUTE,
    SOTTO__OP_DATE,
};

#define SOTTO__TEXT_LOWER 1
#define SOTTO__TEXT_STRIP 2

static inline bool sotto__is_text_condition(enum sotto__op_kind kind)
{
    return kind == SOTTO__OP_TEXT_EQUAL ||
           (kind >= SOTTO__OP_TEXT_LESS && kind <= SOTTO__OP_TEXT_CONTAINS);
}

enum sotto__row_kind {
    SOTTO__ROW_BOOL, /* exact too: 0 and 1 */
    SOTTO__ROW_EXACT,
    SOTTO__ROW_FLOAT,
    SOTTO__ROW_TEXT,
};

/* Operations are shared: each different one stands in a program once, however many expressions hold
 * it, and so do the sums over them. That a party's evidence (contribute/inquiry.c) may name sets of
 * rows by operations, not by expressions, rests on this: a condition is about rows, not about who
 * asks. A sum is a cell, which can be withheld alone, only if nothing but a bin or a level reads
 * it. */

/* Operands stand before their operations. An exact value v is in units of 10^-scale,
 * |v| <= 2^bits. */
struct sotto__op {
    enum sotto__op_kind kind;
    enum sotto__row_kind type;
    bool makes_nan; /* it or an operand may give NaN for present inputs */
    bool is_null;   /* missing everywhere: a column, or the constant na */
    bool never_zero;
    bool clips;     /* SOTTO__OP_IF: the nearest value between limits, and no asker's choice */
    bool is_early;  /* where needs it: done before rows have groups */
    bool is_idle;   /* nobody computes it: an index counts for it */
    bool is_summed; /* nothing but sums of all rows reads its values */
    unsigned bits;
    unsigned scale;
    int digits; /* SOTTO__OP_ROUND; of a condition on texts: what is done to these before */
    size_t a;
    size_t b;
    size_t c;
    size_t dataset;     /* SOTTO_NONE: constant */
    size_t index;       /* column of the expansion, constant, place of a parameter */
    const char *text;   /* of a condition on texts; borrows from the plan */
    const char *source; /* the text that it was first written in, and where; borrows likewise */
    size_t start;
};

struct sotto__constant {
    uint64_t limbs[SOTTO__VALUE_LIMBS_MAX]; /* two's complement, if it is exact and not too wide */
    double number;                          /* nearest */
};

/* An exact register's limbs for |v| <= 2^bits. */
static inline unsigned sotto__limbs_of_bits(unsigned bits)
{
    return (bits + 65) / 64;
}

/* The limbs of an operation's register; 0 for one that is idle, which has none. */
static inline unsigned sotto__register_limbs(const struct sotto__op *op)
{
    bool is_one = op->type == SOTTO__ROW_FLOAT || op->bits > SOTTO__PRODUCT_BITS_MAX;
    return op->is_idle ? 0 : is_one ? 1 : sotto__limbs_of_bits(op->bits);
}

#endif
