/* SPDX-License-Identifier: Apache-2.0 */

/* Numbers as levels and edges of a plan are written. */

#include "number/number.h"

#include <stdlib.h>
#include <string.h>

/* At an exponent's "e", or at the end. */
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
