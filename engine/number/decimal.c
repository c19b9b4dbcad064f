/* SPDX-License-Identifier: Apache-2.0 */

/* Numbers as the levels and edges of a plan are written: "0.5" in JSON, -3 on a command line. It
 * leans on value.c for what a literal is. The one idea: they are the literals of expressions with a
 * minus before them, so that a number is the same one wherever it is written. */

#include "number/number.h"

#include <stdlib.h>
#include <string.h>

/* Whether text is an exponent, "e-12", or nothing. At most three digits are read after zeros, so
 * that strtol can't overflow. */
static bool is_exponent(const char *text)
{
    if (*text != 'e' && *text != 'E') {
        return *text == '\0';
    }
    text++;
    text += *text == '+' || *text == '-';
    size_t zeros = strspn(text, "0");
    size_t digits = strspn(text + zeros, "0123456789");
    return zeros + digits > 0 && digits <= 3 && text[zeros + digits] == '\0' &&
           strtol(text, NULL, 10) <= SOTTO__LITERAL_EXPONENT_MAX;
}

bool sotto__is_decimal(const char *text)
{
    text += *text == '-';
    size_t digits = strspn(text, "0123456789");
    text += digits;
    if (*text == '.') {
        text++;
        size_t decimals = strspn(text, "0123456789");
        digits += decimals;
        text += decimals;
    }
    return digits > 0 && is_exponent(text);
}

void sotto__decimal_set(struct sotto__value *out, const char *text)
{
    bool negative = *text == '-';
    sotto__value_set_literal(out, text + negative, strlen(text + negative));
    if (negative) {
        sotto__value_negate(out);
    }
}
