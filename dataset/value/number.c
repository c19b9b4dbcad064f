/* SPDX-License-Identifier: Apache-2.0 */

/* The number grammar, and the double nearest to a number. Leans on digits.h (eight digits at a
 * time) and lemire.c (most of what is hard to round).
 *
 *     number   = blank* sign? (digits (point digits?)? | point digits) exponent? blank*
 *              | blank* sign? ("inf" | "infinity") blank*          in any case
 *     exponent = ("e" | "E") sign? digits
 *
 * 1. Without an exponent a number is exact if it can be: an int64, or a decimal whose digits fit an
 *    int64 at a scale of at most SOTTO_SCALE_MAX. Zeros at the end of the fraction count as digits
 *    as long as they fit, since they say how precise the column is; then they are dropped, and only
 *    then is the number a float64, which loses digits and says so.
 *
 * 2. With an exponent it is a float64 whatever its value: who writes one means a double.
 *
 * 3. A double is the one nearest to the text, ties to even, which is one answer for each text, on
 *    every machine. Three ways lead there, the fastest first; each either rounds correctly or
 *    declines.
 *
 * 4. Clinger: up to 2^53 the digits are a double, and so is 10^k up to k = 22; one multiplication
 *    or division of the two rounds once, which is correct rounding (convert_exactly, and the same
 *    test in sotto__number_quick, which has the digits in one word already).
 *
 * 5. Eisel and Lemire (lemire.c): up to 19 digits, powers from -64 to 64; declines where 128 bits
 *    can't tell.
 *
 * 6. strtod_l in the "C" locale (convert_slowly), which is correctly rounded in glibc and musl. It
 *    gets at most 800 digits and a sticky one: a tie between two doubles has at most 767 digits, so
 *    of what follows it matters only whether it is zero.
 *
 * 7. -0 becomes 0: a text has no sign of zero that a statistic should tell apart. */

#include "value/digits.h"
#include "value/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger exponents are cut to this: with at most SOTTO_CSV_FIELD_BYTES_MAX = 2^24 digits beside it,
 * 10^(10^9) is infinite and 10^(-10^9) is zero all the same. */
#define EXPONENT_MAX 1000000000

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* How many digits stand at p. */
static size_t count_digits(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && is_digit(*p)) {
        p++;
    }
    return (size_t)(p - start);
}

/* Whether [p, end) is word, in any case; word is lower case. */
static bool is_word(const char *p, const char *end, const char *word)
{
    for (; p < end && *word != '\0'; p++, word++) {
        if ((*p | 0x20) != *word) {
            return false;
        }
    }
    return p == end && *word == '\0';
}

/* What follows the letter e, all of it. Returns: false if it is no exponent. */
static bool parse_exponent(int64_t *out, const char *p, const char *end)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }
    if (p == end || count_digits(p, end) != (size_t)(end - p)) {
        return false;
    }
    int64_t value = 0;
    for (; p < end; p++) { /* below 10 EXPONENT_MAX + 10, so nothing overflows */
        value = value >= EXPONENT_MAX ? EXPONENT_MAX : value * 10 + (*p - '0');
    }
    value = value > EXPONENT_MAX ? EXPONENT_MAX : value;
    *out = negative ? -value : value;
    return true;
}

/* Appends the digits to *value, downwards from 0: the negative range is the larger one. */
static bool append_digits(int64_t *value, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (__builtin_mul_overflow(*value, (int64_t)10, value) ||
            __builtin_sub_overflow(*value, (int64_t)(p[i] - '0'), value)) {
            return false;
        }
    }
    return true;
}

/* Reads the value with `scale` digits of the fraction, of which the rest must be zeros. Returns:
 * false where it leaves 64 bits. */
static bool read_exactly(struct sotto__number *number, const char *integer, const char *fraction,
                         size_t scale)
{
    int64_t value = 0;
    if (!append_digits(&value, integer, number->integer_digits) ||
        !append_digits(&value, fraction, scale)) {
        return false;
    }
    if (!number->negative && __builtin_sub_overflow((int64_t)0, value, &value)) {
        return false;
    }
    number->digits = value;
    number->type.kind = scale == 0 ? SOTTO_KIND_INT64 : SOTTO_KIND_DECIMAL;
    number->type.scale = (uint8_t)scale;
    return true;
}

/* A number without exponent: exact if it can be, with as many of its zeros at the end as fit. */
static void choose_type(struct sotto__number *number, const char *integer, const char *fraction)
{
    size_t scale = number->fraction_digits;
    if (scale <= SOTTO_SCALE_MAX && read_exactly(number, integer, fraction, scale)) {
        return;
    }
    size_t least = scale; /* digits of the fraction up to the last one that is not 0 */
    while (least > 0 && fraction[least - 1] == '0') {
        least--;
    }
    scale = scale > SOTTO_SCALE_MAX ? SOTTO_SCALE_MAX : scale;
    for (size_t s = scale + 1; s-- > least;) {
        if (read_exactly(number, integer, fraction, s)) {
            return;
        }
    }
    number->type = (struct sotto_type){.kind = SOTTO_KIND_FLOAT64};
    number->digits_lost = true;
}

bool sotto__number_parse(struct sotto__number *out, const char *text, size_t text_bytes, char point)
{
    const char *p = text;
    const char *end = text + text_bytes;
    while (p < end && is_blank(*p)) {
        p++;
    }
    while (p < end && is_blank(end[-1])) {
        end--;
    }
    *out = (struct sotto__number){.text = p, .negative = p < end && *p == '-'};
    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }
    const char *integer = p;
    out->integer_digits = count_digits(p, end);
    p += out->integer_digits;
    const char *fraction = p;
    if (p < end && *p == point) {
        out->has_point = true;
        fraction = ++p;
        out->fraction_digits = count_digits(p, end);
        p += out->fraction_digits;
    }
    if (out->integer_digits + out->fraction_digits == 0) {
        out->infinite = !out->has_point && (is_word(p, end, "inf") || is_word(p, end, "infinity"));
        out->type.kind = SOTTO_KIND_FLOAT64;
        return out->infinite;
    }
    if (p == end) {
        choose_type(out, integer, fraction);
        return true;
    }
    out->type.kind = SOTTO_KIND_FLOAT64;
    return (*p == 'e' || *p == 'E') && parse_exponent(&out->exponent, p + 1, end);
}

/* The digit at place i of all digits, the point left out. */
static char read_digit(const struct sotto__number *number, size_t i)
{
    const char *digits = number->text + (*number->text == '-' || *number->text == '+');
    return digits[i < number->integer_digits ? i : i + 1];
}

struct sotto__significant sotto__number_significant(const struct sotto__number *number)
{
    size_t end = number->integer_digits + number->fraction_digits;
    struct sotto__significant out = {.power = number->exponent - (int64_t)number->fraction_digits};
    while (out.first < end && read_digit(number, out.first) == '0') {
        out.first++;
    }
    while (out.first < end && read_digit(number, end - 1) == '0') {
        end--;
        out.power++;
    }
    out.len = end - out.first;
    return out;
}

/* The number is d x 5^p x 2^p with d < 10^15 < 2^50. For p < 0 it is a double where 5^-p divides d,
 * since what is left has 50 bits over a power of two, and 5^22 > 10^15 divides no d > 0. For p >= 0
 * it is where d x 5^p without its factors of 2 has at most 53 bits; 5^23 alone has more. */
bool sotto__number_is_double(const struct sotto__number *number)
{
    struct sotto__significant significant = sotto__number_significant(number);
    int64_t power = significant.power;
    uint64_t digits = 0;
    if (significant.len == 0 || power < -21 || power > 22) {
        return significant.len == 0;
    }
    for (size_t i = 0; i < significant.len; i++) {
        digits = digits * 10 + (uint64_t)(read_digit(number, significant.first + i) - '0');
    }
    uint64_t fives = 1;
    for (int64_t i = 0; i < (power < 0 ? -power : power); i++) {
        fives *= 5; /* to 5^22 < 2^52 */
    }
    if (power < 0) {
        return digits % fives == 0;
    }
    digits >>= __builtin_ctzll(digits);
    return digits <= (UINT64_C(1) << 53) / fives; /* 5^p divides 2^53 for no p but 0 */
}

bool sotto__number_equal(const struct sotto__number *x, const struct sotto__number *y)
{
    if (x->infinite || y->infinite) {
        return x->infinite && y->infinite && x->negative == y->negative;
    }
    struct sotto__significant a = sotto__number_significant(x);
    struct sotto__significant b = sotto__number_significant(y);
    bool is_equal =
        a.len == b.len && (a.len == 0 || (a.power == b.power && x->negative == y->negative));
    for (size_t i = 0; is_equal && i < a.len; i++) {
        is_equal = read_digit(x, a.first + i) == read_digit(y, b.first + i);
    }
    return is_equal;
}

/* The powers of ten that are doubles: 5^22 < 2^53. */
static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Clinger's fast path: an integer below 2^53 times or over a power of ten that is a double, both
 * exact, is one correctly rounded operation. Returns: false where it does not apply. */
static bool convert_exactly(double *out, const struct sotto__number *number)
{
    size_t digits = number->integer_digits + number->fraction_digits;
    /* 40 is far from overflow of the sum below, and beyond 22 it is declined anyway. */
    if (digits > 15 || number->exponent < -40 || number->exponent > 40) {
        return false;
    }
    int power = (int)number->exponent - (int)number->fraction_digits;
    if (power < -22 || power > 22) {
        return false;
    }
    uint64_t value = 0; /* < 10^15 < 2^53 */
    for (const char *p = number->text; digits > 0; p++) {
        if (is_digit(*p)) {
            value = value * 10 + (uint64_t)(*p - '0');
            digits--;
        }
    }
    double magnitude =
        power < 0 ? (double)value / powers_of_ten[-power] : (double)value * powers_of_ten[power];
    *out = number->negative ? -magnitude : magnitude;
    return true;
}

/* A value half way between two doubles has at most 767 digits: of what is behind these it only
 * matters whether it is 0. */
#define DIGITS_MAX ((size_t)800)

/* The text that strtod_l gets has digits and an exponent, but no point: the locale's point plays no
 * part, and 800 digits of it are on the stack. */
static double convert_slowly(const struct sotto__number *number, locale_t c_locale)
{
    char text[DIGITS_MAX + 32];
    size_t len = 0;
    int64_t exponent = number->exponent - (int64_t)number->fraction_digits;
    bool rest = false;
    const char *p = number->text;
    for (size_t left = number->integer_digits + number->fraction_digits; left > 0; p++) {
        if (!is_digit(*p)) {
            continue; /* the sign, the point */
        }
        left--;
        if (len == 0 && *p == '0') {
            continue; /* zeros before the first digit say nothing */
        }
        if (len < DIGITS_MAX) {
            text[len++] = *p;
        } else {
            exponent++; /* a digit that is left out still moves the point */
            rest = rest || *p != '0';
        }
    }
    if (len == 0) {
        return 0;
    }
    if (rest) { /* a sticky digit: above what was kept, below the next */
        text[len++] = '1';
        exponent--;
    }
    (void)snprintf(text + len, sizeof text - len, "e%lld", (long long)exponent);
    double magnitude = strtod_l(text, NULL, c_locale); /* correctly rounded by glibc and musl */
    return number->negative ? -magnitude : magnitude;
}

double sotto__number_double(const struct sotto__number *number, locale_t c_locale)
{
    double value;
    if (number->infinite) {
        return number->negative ? -__builtin_inf() : __builtin_inf();
    }
    if (!convert_exactly(&value, number)) {
        value = convert_slowly(number, c_locale);
    }
    return value == 0 ? 0.0 : value;
}

/* Appends the digits at p to *value, modulo 2^64: the caller counts them, and beyond 19 does not
 * use the value. Eight digits at a time read up to 8 bytes before p + 8, which is p itself.
 * Returns: where they end. */
static const char *take_digits(uint64_t *value, const char *p, const char *end)
{
    uint64_t eight;
    while (end - p >= 8 && digits8(&eight, p + 8, 8)) {
        *value = *value * 100000000 + eight;
        p += 8;
    }
    while (p < end && is_digit(*p)) {
        *value = *value * 10 + (uint64_t)(*p++ - '0');
    }
    return p;
}

bool sotto__number_quick(double *out, const char *text, size_t text_bytes, char point)
{
    const char *p = text;
    const char *end = text + text_bytes;
    uint64_t digits = 0;
    int64_t power = 0;
    bool negative = text_bytes > 0 && *p == '-';
    const char *integer = p + negative;
    p = take_digits(&digits, integer, end);
    ptrdiff_t len = p - integer;
    if (len == 0) {
        return false;
    }
    if (p < end && *p == point) {
        const char *fraction = p + 1;
        p = take_digits(&digits, fraction, end);
        power = fraction - p; /* minus the digits of the fraction */
        len += p - fraction;
    }
    if (len > 19) { /* 10^19 < 2^64 */
        return false;
    }
    if (p < end) {
        int64_t exponent;
        if ((*p != 'e' && *p != 'E') || !parse_exponent(&exponent, p + 1, end)) {
            return false;
        }
        power += exponent;
    }
    double value; /* by Clinger, or by Eisel and Lemire */
    if (digits < UINT64_C(1) << 53 && power >= -22 && power <= 22) {
        value = power < 0 ? (double)digits / powers_of_ten[-power]
                          : (double)digits * powers_of_ten[power];
    } else if (!sotto__nearest_double(&value, digits, power)) {
        return false;
    }
    *out = negative && value != 0 ? -value : value;
    return true;
}

bool sotto__bool_parse(bool *out, const char *text, size_t text_bytes)
{
    static const char *const words[] = {"False", "FALSE", "false", "True", "TRUE", "true"};
    /* The true words are the last three. */
    for (size_t i = 0; (text_bytes == 4 || text_bytes == 5) && i < 6; i++) {
        if (strlen(words[i]) == text_bytes && memcmp(words[i], text, text_bytes) == 0) {
            *out = i >= 3;
            return true;
        }
    }
    return false;
}

bool sotto__bool_word(bool *out, const char *text, size_t text_bytes)
{
    static const char *const words[] = {"false", "no", "n", "f", "true", "yes", "y", "t"};
    if (text_bytes == 1 && (*text == '0' || *text == '1')) {
        *out = *text == '1';
        return true;
    }
    /* The true words are the last four. */
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (is_word(text, text + text_bytes, words[i])) {
            *out = i >= 4;
            return true;
        }
    }
    return false;
}
