/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <string.h>

void sotto__value_init(struct sotto__value *value)
{
    value->kind = VALUE_FINITE;
    mpq_init(value->number);
}

void sotto__value_clear(struct sotto__value *value)
{
    mpq_clear(value->number);
}

void sotto__value_set_special(struct sotto__value *value, enum sotto__value_kind kind)
{
    value->kind = kind;
    mpq_set_ui(value->number, 0, 1);
}

void sotto__value_set_literal(struct sotto__value *value, const char *text, size_t text_bytes)
{
    mpz_ptr digits = mpq_numref(value->number);
    long power = 0;
    bool after_point = false;
    size_t i = 0;
    value->kind = VALUE_FINITE;
    mpq_set_ui(value->number, 0, 1);
    for (; i < text_bytes && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            after_point = true;
            continue;
        }
        mpz_mul_ui(digits, digits, 10);
        mpz_add_ui(digits, digits, (unsigned long)(text[i] - '0'));
        power -= after_point;
    }
    bool negative = i + 1 < text_bytes && text[i + 1] == '-';
    long exponent = 0; /* at most LITERAL_EXPONENT_MAX, by the parser */
    for (i++; i < text_bytes; i++) {
        exponent = text[i] >= '0' ? exponent * 10 + (text[i] - '0') : exponent;
    }
    power += negative ? -exponent : exponent;
    mpz_t scale;
    mpz_init(scale);
    mpz_ui_pow_ui(scale, 10, (unsigned long)(power < 0 ? -power : power));
    if (power < 0) {
        mpz_set(mpq_denref(value->number), scale);
    } else {
        mpz_mul(digits, digits, scale);
    }
    mpz_clear(scale);
    mpq_canonicalize(value->number);
}

/* -1, 0 or 1; 0 for NaN. */
static int sign(const struct sotto__value *value)
{
    switch (value->kind) {
    case VALUE_FINITE:
        return mpq_sgn(value->number);
    case VALUE_INFINITE:
        return 1;
    case VALUE_NEGATIVE_INFINITE:
        return -1;
    default:
        return 0;
    }
}

static bool is_infinite(const struct sotto__value *value)
{
    return value->kind == VALUE_INFINITE || value->kind == VALUE_NEGATIVE_INFINITE;
}

static void set_infinite(struct sotto__value *value, int sign_of)
{
    sotto__value_set_special(value, sign_of > 0 ? VALUE_INFINITE : VALUE_NEGATIVE_INFINITE);
}

void sotto__value_negate(struct sotto__value *value)
{
    if (is_infinite(value)) {
        set_infinite(value, -sign(value));
    }
    mpq_neg(value->number, value->number);
}

void sotto__value_add(struct sotto__value *a, const struct sotto__value *b)
{
    if (a->kind == VALUE_FINITE && b->kind == VALUE_FINITE) {
        mpq_add(a->number, a->number, b->number);
    } else if (a->kind == VALUE_NAN || b->kind == VALUE_NAN ||
               (is_infinite(a) && is_infinite(b) && a->kind != b->kind)) {
        sotto__value_set_special(a, VALUE_NAN);
    } else {
        set_infinite(a, is_infinite(a) ? sign(a) : sign(b));
    }
}

void sotto__value_multiply(struct sotto__value *a, const struct sotto__value *b)
{
    if (a->kind == VALUE_FINITE && b->kind == VALUE_FINITE) {
        mpq_mul(a->number, a->number, b->number);
    } else if (sign(a) * sign(b) == 0) { /* NaN, or infinity times zero */
        sotto__value_set_special(a, VALUE_NAN);
    } else {
        set_infinite(a, sign(a) * sign(b));
    }
}

void sotto__value_divide(struct sotto__value *a, const struct sotto__value *b)
{
    bool both_zero =
        a->kind == VALUE_FINITE && b->kind == VALUE_FINITE && sign(a) == 0 && sign(b) == 0;
    if (a->kind == VALUE_NAN || b->kind == VALUE_NAN || (is_infinite(a) && is_infinite(b)) ||
        both_zero) {
        sotto__value_set_special(a, VALUE_NAN);
    } else if (is_infinite(a)) {
        set_infinite(a, sign(b) < 0 ? -sign(a) : sign(a));
    } else if (is_infinite(b)) {
        mpq_set_ui(a->number, 0, 1);
    } else if (mpq_sgn(b->number) != 0) {
        mpq_div(a->number, a->number, b->number);
    } else {
        set_infinite(a, sign(a));
    }
}
