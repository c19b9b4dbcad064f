/* SPDX-License-Identifier: Apache-2.0 */

/* Decimals without an exponent, as levels and edges of a plan are written. */

#include "number/number.h"

#include <string.h>

bool sotto__is_decimal(const char *text)
{
    text += *text == '-';
    size_t digits = strspn(text, "0123456789");
    text += digits;
    if (digits > 0 && *text == '.') {
        text++;
        digits = strspn(text, "0123456789");
        text += digits;
    }
    return digits > 0 && *text == '\0';
}

void sotto__decimal_set(struct sotto__value *out, const char *text)
{
    bool negative = *text == '-';
    sotto__value_set_literal(out, text + negative, strlen(text + negative));
    if (negative) {
        sotto__value_negate(out);
    }
}
