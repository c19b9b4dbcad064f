/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_NUMBER_NUMBER_H
#define SOTTO_ENGINE_NUMBER_NUMBER_H

/* Room number: what aggregates are computed with, and how numbers become text. */

#include <gmp.h>
#include <sotto/bytes.h>
#include <sotto/datetime.h>

/* mpz_get_ui and its like carry limbs here. */
_Static_assert(sizeof(unsigned long) == sizeof(uint64_t), "GMP's unsigned long must have 64 bits");

#define SOTTO__LITERAL_EXPONENT_MAX 400
/* What a rational costs grows with its digits, and it may be computed for each group. */
#define SOTTO__LITERAL_DIGITS_MAX 1024
/* Longer exact texts are left out of results. */
#define SOTTO__EXACT_BYTES_MAX 4096

/* --- value.c: rationals, signed roots, and what is not finite --- */

enum sotto__value_kind {
    SOTTO__VALUE_FINITE,
    SOTTO__VALUE_INFINITE,
    SOTTO__VALUE_NEGATIVE_INFINITE,
    SOTTO__VALUE_NAN
};

/* Exact, unless it is marked; zero has no sign. A root is the signed square root of number:
 * -sqrt(2) has -2. It is irrational: roots that are rational are kept as rationals. What is only
 * known to be in an interval is its lowest number, and has the highest one beside it. */
struct sotto__value {
    enum sotto__value_kind kind;
    bool is_root;
    bool is_rounded; /* a double stands for what is no rational and no root */
    bool is_interval;
    mpq_t number; /* canonical; 0 unless finite */
    /* Of an interval; initialised of no other value. A rational, or infinite. */
    enum sotto__value_kind high_kind;
    mpq_t high;
};

void sotto__value_init(struct sotto__value *value);
void sotto__value_clear(struct sotto__value *value);
void sotto__value_set(struct sotto__value *value, const struct sotto__value *from);
void sotto__value_set_special(struct sotto__value *value, enum sotto__value_kind kind);
/* Exactly the double, infinite or NaN too. Whatever sets a value forgets an interval; arithmetic is
 * of numbers (answer/intervals.c has intervals'). */
void sotto__value_set_double(struct sotto__value *value, double number);
/* An unsigned decimal literal, digits with a point and an exponent. */
void sotto__value_set_literal(struct sotto__value *value, const char *text, size_t text_bytes);
void sotto__value_negate(struct sotto__value *value);
/* a = a op b, with the rules of IEEE 754 for what is not finite and for division by zero. The sum
 * of a root and another number is that of the doubles nearest to them, rounded. */
void sotto__value_add(struct sotto__value *a, const struct sotto__value *b);
void sotto__value_multiply(struct sotto__value *a, const struct sotto__value *b);
void sotto__value_divide(struct sotto__value *a, const struct sotto__value *b);
/* a = a ** exponent. */
void sotto__value_power(struct sotto__value *a, int exponent);
void sotto__value_sqrt(struct sotto__value *value);
/* Of the nearest double, rounded once. */
void sotto__value_exp(struct sotto__value *value);
void sotto__value_log(struct sotto__value *value);
/* Sets value to the interval from low to high, which are numbers, high not below low; where they
 * are equal to low. Ends that are roots become doubles just outside. */
void sotto__value_set_between(struct sotto__value *value, const struct sotto__value *low,
                              const struct sotto__value *high);
/* The ends of an interval; of a number itself. */
void sotto__value_ends(struct sotto__value *low, struct sotto__value *high,
                       const struct sotto__value *value);
/* Below 0, 0 or above: of what is no interval, no root and not NaN. */
int sotto__value_compare(const struct sotto__value *a, const struct sotto__value *b);
/* The double nearest to what is no interval, but not on the other side of it than sign says: it is
 * at it or below (-1), at it or above (1). */
double sotto__value_double_beyond(const struct sotto__value *value, int sign);
/* The signed root of the number that value is. */
void sotto__value_signed_root(struct sotto__value *value);
/* The nearest double; NaN and infinities too. */
double sotto__value_double(const struct sotto__value *value);
#ifdef SOTTO_VERIFY_BUILD
/* The number is canonical, 0 unless finite, and no root of a square of rationals is marked as one.
 */
void sotto__value_verify(const struct sotto__value *value);
#else
#define sotto__value_verify(value) ((void)0)
#endif

/* --- decimal.c: numbers as levels and edges have them --- */

/* [-] digits [. digits] [e [+ or -] digits], as numbers in expressions; the exponent is at most
 * SOTTO__LITERAL_EXPONENT_MAX. */
bool sotto__is_decimal(const char *text);
/* Such a number. */
void sotto__decimal_set(struct sotto__value *out, const char *text);

/* --- limbs.c: sums as they are sent --- */

/* Two's complement. */
void sotto__limbs_import(mpz_t out, const uint64_t *limbs, size_t len);
/* a += b, len limbs, modulo 2^(64 len). */
void sotto__limbs_add(uint64_t *a, const uint64_t *b, size_t len);

/* --- rounding.c: from an exact value to a double, once --- */

/* The double nearest to number (canonical), ties to even, subnormals and overflow to infinity
 * included; never -0. */
double sotto__rational_to_double(const mpq_t number);
/* The double nearest to the signed square root of number, likewise. */
double sotto__root_to_double(const mpq_t number);

/* --- text.c: digits --- */

/* The number of decimals of a fraction with this denominator. Returns: false if it does not end. */
bool sotto__decimals(unsigned long *out, const mpz_t denominator);

/* The exact value: an integer, a terminating decimal or a fraction. Returns: false if it is longer
 * than SOTTO__EXACT_BYTES_MAX, or there is no memory (*out_status). *out is ended by sotto_free. */
bool sotto__exact_text(char **out, enum sotto_status *out_status, const mpq_t number);

/* --- date.c --- */

/* Days since 1970-01-01, of a SOTTO_KIND_DATE, as "2020-01-31", where they are no whole number to
 * the microsecond as "2020-01-31T12:00:00.500000" or without these digits; of the kinds of
 * datetimes seconds since then, with Z where they are UTC's. Up or down by the sign of direction,
 * else to the nearest. Returns: false beyond the years 1 to 9999. */
bool sotto__date_text(char out[SOTTO_DATETIME_TEXT_BYTES], enum sotto_kind kind, const mpq_t number,
                      int direction);

/* --- json.c: JSON into a writer --- */

/* Whether text is UTF-8 without control characters. */
bool sotto__text_is_plain(const char *text, size_t text_bytes);
void sotto__json_raw(struct sotto_writer *writer, const char *text);
/* A string with its quotes; text is UTF-8. */
void sotto__json_string(struct sotto_writer *writer, const char *text);
void sotto__json_integer(struct sotto_writer *writer, uint64_t value);
/* A string of all that text holds, which is UTF-8; releases text. Fails writer if text failed. */
void sotto__json_text(struct sotto_writer *writer, struct sotto_writer *text);
/* Ends the text; *out is ended by sotto_free. */
enum sotto_status sotto__json_finish(struct sotto_writer *writer, char **out) SOTTO_NODISCARD;

#endif
