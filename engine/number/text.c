/* SPDX-License-Identifier: Apache-2.0 */

/* Digits for people and programs: a double as the shortest text that reads back, an exact number as
 * an integer, a decimal that ends or a fraction. It leans on MPFR for decimal digits that are
 * rounded correctly, and on rounding.c to read them back.
 *
 * The one idea: whether a text is short enough and not too short is asked of the same rounding that
 * results go through, so that a printed double is always the double that was computed. */

#include "number/number.h"

#include <mpfr.h>
#include <sotto/alloc.h>
#include <sotto/driver.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 17

/* Whether 0.digits x 10^exponent reads back as value (> 0). */
static bool reads_back(const char *digits, long exponent, double value)
{
    mpq_t number;
    mpz_t scale;
    mpq_init(number);
    mpz_init(scale);
    long power = exponent - (long)strlen(digits);
    (void)mpz_set_str(mpq_numref(number), digits, 10);
    mpz_ui_pow_ui(scale, 10, (unsigned long)(power < 0 ? -power : power));
    if (power < 0) {
        mpz_set(mpq_denref(number), scale);
        mpq_canonicalize(number);
    } else {
        mpz_mul(mpq_numref(number), mpq_numref(number), scale);
    }
    double back = sotto__rational_to_double(number);
    mpz_clear(scale);
    mpq_clear(number);
    return back == value;
}

/* Writes the fewest digits that read back as value (> 0), of these the nearest. Returns: the
 * exponent of 0.digits. */
static long find_shortest_digits(char digits[DIGITS_MAX + 3], double value)
{
    static const mpfr_rnd_t directions[] = {MPFR_RNDN, MPFR_RNDU, MPFR_RNDD};
    mpfr_exp_t exponent = 0;
    mpfr_t number;
    mpfr_init2(number, 53);
    (void)mpfr_set_d(number, value, MPFR_RNDN);
    bool found = false;
    for (size_t len = 1; len <= DIGITS_MAX && !found; len++) {
        /* Beside a power of two the nearest text of some length may not read back, the next one
         * may. */
        for (size_t i = 0; i < 3 && !found; i++) {
            (void)mpfr_get_str(digits, &exponent, 10, len, number, directions[i]);
            found = reads_back(digits, exponent, value);
        }
    }
    mpfr_clear(number);
    SOTTO_VERIFY(found);
    size_t len = strlen(digits);
    while (len > 1 && digits[len - 1] == '0') {
        digits[--len] = '\0';
    }
    return exponent;
}

/* As Python's repr has it: positional from 1e-4 to below 1e16, else with an exponent. */
static void format_digits(char *out, size_t out_bytes, const char *digits, long exponent)
{
    int len = (int)strlen(digits);
    int point = (int)exponent; /* digits before the point */
    if (point > 16 || point < -3) {
        (void)snprintf(out, out_bytes, "%c%s%se%c%02d", digits[0], len > 1 ? "." : "", digits + 1,
                       point - 1 < 0 ? '-' : '+', point - 1 < 0 ? 1 - point : point - 1);
    } else if (point <= 0) {
        (void)snprintf(out, out_bytes, "0.%.*s%s", -point, "000", digits);
    } else if (point >= len) {
        (void)snprintf(out, out_bytes, "%s%.*s.0", digits, point - len, "0000000000000000");
    } else {
        (void)snprintf(out, out_bytes, "%.*s.%s", point, digits, digits + point);
    }
}

void sotto_double_text(char out[SOTTO_DOUBLE_TEXT_BYTES], double value)
{
    char digits[DIGITS_MAX + 3];
    SOTTO_REQUIRE(value - value == 0);
    if (value == 0) {
        (void)snprintf(out, SOTTO_DOUBLE_TEXT_BYTES, "0.0");
        return;
    }
    size_t sign = value < 0;
    out[0] = '-';
    long exponent = find_shortest_digits(digits, value < 0 ? -value : value);
    format_digits(out + sign, SOTTO_DOUBLE_TEXT_BYTES - sign, digits, exponent);
}

/* --- Exact texts --- */

static size_t count_digits(const mpz_t number)
{
    return mpz_sizeinbase(number, 10); /* exact, or 1 too many: room, not length */
}

/* A fraction in lowest terms ends where its denominator has no primes but 2 and 5, and has as many
 * decimals as the more frequent of the two. */
bool sotto__decimals(unsigned long *out, const mpz_t denominator)
{
    mpz_t rest;
    mpz_t five;
    mpz_init(rest);
    mpz_init_set_ui(five, 5);
    mp_bitcnt_t twos = mpz_scan1(denominator, 0);
    mpz_tdiv_q_2exp(rest, denominator, twos);
    mp_bitcnt_t fives = mpz_remove(rest, rest, five);
    bool ends = mpz_cmp_ui(rest, 1) == 0;
    *out = twos > fives ? twos : fives;
    mpz_clear(rest);
    mpz_clear(five);
    return ends;
}

static char *write_fraction(const mpq_t number)
{
    size_t bytes = count_digits(mpq_numref(number)) + count_digits(mpq_denref(number)) + 3;
    char *text = sotto_alloc(bytes);
    if (text != NULL) {
        (void)mpq_get_str(text, 10, number);
    }
    return text;
}

/* number x 10^places is an integer: its digits, with the point put in. Returns: NULL without
 * memory. */
static char *write_decimal(const mpq_t number, unsigned long places)
{
    mpz_t scaled;
    mpz_init(scaled);
    mpz_ui_pow_ui(scaled, 10, places);
    mpz_mul(scaled, scaled, mpq_numref(number));
    mpz_divexact(scaled, scaled, mpq_denref(number));
    mpz_abs(scaled, scaled);
    size_t room = count_digits(scaled) + places + 4;
    char *digits = sotto_alloc(room);
    char *text = sotto_alloc(room);
    if (digits != NULL && text != NULL) {
        (void)mpz_get_str(digits, 10, scaled);
        size_t len = strlen(digits);
        size_t at = 0;
        if (mpq_sgn(number) < 0) {
            text[at++] = '-';
        }
        for (size_t left = len > places ? len : places + 1; left > 0; left--) {
            text[at++] = left > len ? '0' : digits[len - left];
            if (left - 1 == places && places > 0) {
                text[at++] = '.';
            }
        }
        text[at] = '\0';
    } else {
        sotto_free(text);
        text = NULL;
    }
    sotto_free(digits);
    mpz_clear(scaled);
    return text;
}

bool sotto__exact_text(char **out, enum sotto_status *out_status, const mpq_t number)
{
    unsigned long places;
    *out_status = SOTTO_OK;
    size_t parts = count_digits(mpq_numref(number)) + count_digits(mpq_denref(number));
    if (parts > SOTTO__EXACT_BYTES_MAX) {
        return false;
    }
    bool ends = sotto__decimals(&places, mpq_denref(number));
    if (ends && places > SOTTO__EXACT_BYTES_MAX) {
        return false;
    }
    char *text = ends ? write_decimal(number, places) : write_fraction(number);
    if (text == NULL) {
        *out_status = SOTTO_ERROR_NO_MEMORY;
        return false;
    }
    *out = text;
    return true;
}
