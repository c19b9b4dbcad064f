/* SPDX-License-Identifier: Apache-2.0 */

/* Exact values of a block: 64 bits where the values of this block allow it, 128 bits, or as many
 * words as it takes. It leans on the bounds that load.c finds in a block's columns.
 *
 * The one idea: each operation computes from its operands' bits how many bits its results may have,
 * |v| <= 2^bits, and picks the width by that. So nothing can overflow, nothing is checked row by
 * row, and small numbers are added in machine words though their types would allow large ones. */

#include "kernels/blocks.h"
#include "rows/rows.h"

#include <string.h>

const uint64_t *sotto__exact_as(const struct sotto__register *from, unsigned limbs,
                                uint64_t *scratch, size_t len)
{
    const uint64_t *values = from->values;
    if (from->limbs == limbs) {
        return values;
    }
    unsigned kept = from->limbs < limbs ? from->limbs : limbs;
    for (size_t i = 0; i < len; i++) {
        const uint64_t *value = values + i * from->limbs;
        uint64_t sign = value[from->limbs - 1] >> 63 != 0 ? UINT64_MAX : 0;
        for (unsigned j = 0; j < kept; j++) {
            scratch[i * limbs + j] = value[j];
        }
        for (unsigned j = kept; j < limbs; j++) {
            scratch[i * limbs + j] = sign;
        }
    }
    return scratch;
}

unsigned sotto__exact_bits(enum sotto__op_kind kind, const struct sotto__register *a,
                           const struct sotto__register *b)
{
    switch (kind) {
    case SOTTO__OP_ADD:
    case SOTTO__OP_SUBTRACT:
        return (a->bits > b->bits ? a->bits : b->bits) + 1;
    case SOTTO__OP_MULTIPLY:
        return a->bits + b->bits;
    case SOTTO__OP_NEGATE:
    case SOTTO__OP_ABS:
        return a->bits;
    default:
        return 0; /* a condition is 0 or 1 */
    }
}

static void apply_64(int64_t *out, enum sotto__op_kind kind, const int64_t *a, const int64_t *b,
                     size_t len)
{
    for (size_t i = 0; kind == SOTTO__OP_ADD && i < len; i++) {
        out[i] = a[i] + b[i];
    }
    for (size_t i = 0; kind == SOTTO__OP_SUBTRACT && i < len; i++) {
        out[i] = a[i] - b[i];
    }
    for (size_t i = 0; kind == SOTTO__OP_MULTIPLY && i < len; i++) {
        out[i] = a[i] * b[i];
    }
    for (size_t i = 0; kind == SOTTO__OP_NEGATE && i < len; i++) {
        out[i] = -a[i];
    }
    for (size_t i = 0; kind == SOTTO__OP_ABS && i < len; i++) {
        out[i] = a[i] < 0 ? -a[i] : a[i];
    }
}

/* Operands of one word or two: a result has no fewer bits than they. */
static void apply_128(sotto__int128 *out, enum sotto__op_kind kind, const struct sotto__register *a,
                      const struct sotto__register *b, size_t len)
{
    static const enum sotto__arithmetic arithmetic[] = {
        [SOTTO__OP_NEGATE] = SOTTO__ARITHMETIC_NEGATE,
        [SOTTO__OP_ABS] = SOTTO__ARITHMETIC_ABS,
        [SOTTO__OP_ADD] = SOTTO__ARITHMETIC_ADD,
        [SOTTO__OP_SUBTRACT] = SOTTO__ARITHMETIC_SUBTRACT,
        [SOTTO__OP_MULTIPLY] = SOTTO__ARITHMETIC_MULTIPLY,
    };
    const struct sotto__words x = {a->values, .is_narrow = a->limbs == 1, .bits = a->bits};
    const struct sotto__words y = {b->values, .is_narrow = b->limbs == 1, .bits = b->bits};
    sotto__blocks()->wide(out, arithmetic[kind], &x, &y, len);
}

/* --- Words --- */

static void negate_words(uint64_t *out, const uint64_t *a, unsigned limbs)
{
    uint64_t carry = 1;
    for (unsigned i = 0; i < limbs; i++) {
        out[i] = ~a[i] + carry;
        carry = carry != 0 && out[i] == 0;
    }
}

/* The product modulo 2^(64 limbs), which is right for two's complement without a case for signs. */
static void multiply_words(uint64_t *out, const uint64_t *a, const uint64_t *b, unsigned limbs)
{
    memset(out, 0, limbs * sizeof *out);
    for (unsigned i = 0; i < limbs; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; i + j < limbs; j++) {
            /* It fits: (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1. */
            sotto__uint128 sum = (sotto__uint128)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
    }
}

static int compare_words(const uint64_t *a, const uint64_t *b, unsigned limbs)
{
    const uint64_t sign = UINT64_C(1) << 63; /* flipped, the highest words compare as unsigned */
    uint64_t x = a[limbs - 1] ^ sign;
    uint64_t y = b[limbs - 1] ^ sign;
    for (unsigned i = limbs - 1; x == y && i-- > 0;) {
        x = a[i];
        y = b[i];
    }
    return (x > y) - (x < y);
}

static void apply_words(uint64_t *out, enum sotto__op_kind kind, const uint64_t *a,
                        const uint64_t *b, unsigned limbs)
{
    uint64_t negative[SOTTO__VALUE_LIMBS_MAX];
    switch (kind) {
    case SOTTO__OP_ADD:
        memcpy(out, a, limbs * sizeof *out);
        sotto__limbs_add(out, b, limbs);
        break;
    case SOTTO__OP_SUBTRACT:
        negate_words(negative, b, limbs);
        memcpy(out, a, limbs * sizeof *out);
        sotto__limbs_add(out, negative, limbs);
        break;
    case SOTTO__OP_MULTIPLY:
        multiply_words(out, a, b, limbs);
        break;
    case SOTTO__OP_ABS:
        if (a[limbs - 1] >> 63 == 0) {
            memcpy(out, a, limbs * sizeof *out);
            break;
        }
        negate_words(out, a, limbs);
        break;
    default:
        negate_words(out, a, limbs);
        break;
    }
}

/* --- Comparisons --- */

static bool is_in_order(enum sotto__op_kind kind, int order)
{
    switch (kind) {
    case SOTTO__OP_EQUAL:
        return order == 0;
    case SOTTO__OP_UNEQUAL:
        return order != 0;
    case SOTTO__OP_LESS:
        return order < 0;
    default:
        return order <= 0;
    }
}

static void compare_64(int64_t *out, enum sotto__op_kind kind, const int64_t *a, const int64_t *b,
                       size_t len)
{
    for (size_t i = 0; kind == SOTTO__OP_EQUAL && i < len; i++) {
        out[i] = a[i] == b[i];
    }
    for (size_t i = 0; kind == SOTTO__OP_UNEQUAL && i < len; i++) {
        out[i] = a[i] != b[i];
    }
    for (size_t i = 0; kind == SOTTO__OP_LESS && i < len; i++) {
        out[i] = a[i] < b[i];
    }
    for (size_t i = 0; kind == SOTTO__OP_LESS_EQUAL && i < len; i++) {
        out[i] = a[i] <= b[i];
    }
}

static void compare_values(struct sotto__register *out, enum sotto__op_kind kind,
                           const struct sotto__register *a, const struct sotto__register *b,
                           void *const scratch[2], size_t len)
{
    unsigned limbs = a->limbs > b->limbs ? a->limbs : b->limbs;
    const uint64_t *x = sotto__exact_as(a, limbs, scratch[0], len);
    const uint64_t *y = sotto__exact_as(b, limbs, scratch[1], len);
    int64_t *values = out->own_values;
    if (limbs == 1) {
        compare_64(values, kind, (const int64_t *)x, (const int64_t *)y, len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        values[i] = is_in_order(kind, compare_words(x + i * limbs, y + i * limbs, limbs));
    }
}

void sotto__exact_apply(struct sotto__register *out, enum sotto__op_kind kind,
                        const struct sotto__register *a, const struct sotto__register *b,
                        void *const scratch[2], size_t len)
{
    out->bits = sotto__exact_bits(kind, a, b);
    out->limbs = sotto__limbs_of_bits(out->bits);
    out->values = out->own_values;
    if (kind == SOTTO__OP_EQUAL || kind == SOTTO__OP_UNEQUAL || kind == SOTTO__OP_LESS ||
        kind == SOTTO__OP_LESS_EQUAL) {
        compare_values(out, kind, a, b, scratch, len);
        return;
    }
    if (out->limbs == 1) {
        apply_64(out->own_values, kind, a->values, b->values, len);
        return;
    }
    if (out->limbs == 2) {
        apply_128(out->own_values, kind, a, b, len);
        return;
    }
    const uint64_t *x = sotto__exact_as(a, out->limbs, scratch[0], len);
    const uint64_t *y = sotto__exact_as(b, out->limbs, scratch[1], len);
    for (size_t i = 0; i < len * out->limbs; i += out->limbs) {
        apply_words((uint64_t *)out->own_values + i, kind, x + i, y + i, out->limbs);
    }
}

/* --- Doubles --- */

/* The doubles nearest to values of any width and scale, by GMP. */
static void convert_slowly(double *out, const struct sotto__register *a, unsigned scale, size_t len)
{
    mpq_t number;
    mpz_t power;
    mpq_init(number);
    mpz_init(power);
    mpz_ui_pow_ui(power, 10, scale);
    for (size_t i = 0; i < len; i++) {
        uint64_t value[SOTTO__VALUE_LIMBS_MAX];
        memcpy(value, (const uint64_t *)a->values + i * a->limbs, a->limbs * sizeof *value);
        bool negative = value[a->limbs - 1] >> 63 != 0;
        if (negative) {
            uint64_t positive[SOTTO__VALUE_LIMBS_MAX];
            negate_words(positive, value, a->limbs);
            memcpy(value, positive, a->limbs * sizeof *value);
        }
        mpz_import(mpq_numref(number), a->limbs, -1, sizeof *value, 0, 0, value);
        mpz_set(mpq_denref(number), power);
        mpq_canonicalize(number);
        double magnitude = sotto__rational_to_double(number);
        out[i] = negative && magnitude != 0 ? -magnitude : magnitude; /* never -0 */
    }
    mpz_clear(power);
    mpq_clear(number);
}

/* Whole numbers of so many bits are added to the word of 1.5 * 2^52, whose last bit is worth 1. */
#define WHOLE_BITS 51
#define WHOLE_ZERO 0x1.8p52

/* A loop that also goes in vectors without instructions for words. */
static void convert_narrow(double *restrict out, const int64_t *restrict values, size_t len)
{
    uint64_t zero;
    const double of_zero = WHOLE_ZERO;
    memcpy(&zero, &of_zero, sizeof zero);
    for (size_t i = 0; i < len; i++) {
        uint64_t word = zero + (uint64_t)values[i];
        double value;
        memcpy(&value, &word, sizeof value);
        out[i] = value - WHOLE_ZERO;
    }
}

static void divide_by(double *in_out, double by, size_t len)
{
    for (size_t i = 0; by > 1 && i < len; i++) {
        in_out[i] /= by;
    }
}

void sotto__exact_to_float(double *out, const struct sotto__register *a, unsigned scale, size_t len)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const int64_t *values = a->values;
    if (a->bits <= WHOLE_BITS && scale < sizeof tens / sizeof tens[0]) {
        convert_narrow(out, values, len);
        divide_by(out, tens[scale], len);
    } else if (a->limbs == 1 && scale == 0) {
        for (size_t i = 0; i < len; i++) {
            out[i] = (double)values[i];
        }
    } else if (a->bits <= 53 && scale < sizeof tens / sizeof tens[0]) {
        /* Both are doubles exactly, so that the quotient is rounded once. */
        for (size_t i = 0; i < len; i++) {
            out[i] = (double)values[i] / tens[scale];
        }
    } else {
        convert_slowly(out, a, scale, len);
    }
}
