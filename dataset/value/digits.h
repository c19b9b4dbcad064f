/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_DIGITS_H
#define SOTTO_DATASET_DIGITS_H

/* Short numbers in place. Each of these answers false where a text is not of its simple form, which
 * does not mean that it is no number: sotto__number_parse knows. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* They stand in loops over the rows of a column, where calls would cost more than the work. */
#define SOTTO__DIGITS_INLINE static inline __attribute__((always_inline))

/* Bytes before a text that must be readable: digits are loaded backwards from its end. */
#define SOTTO__DIGITS_BEFORE 16

/* The value of the len digits that end at end, 1 <= len <= 8. */
SOTTO__DIGITS_INLINE bool digits8(uint64_t *out, const char *end, size_t len)
{
    uint64_t word;
    memcpy(&word, end - 8, sizeof word);
    unsigned before = 8 * (8 - (unsigned)len); /* bits of what stands before the digits */
    /* '0' to '9' are 0x30 to 0x39, so digits become their values; bytes from before the text, which
     * are the lowest ones, become zeros. */
    word = (word ^ UINT64_C(0x3030303030303030)) >> before << before;
    /* Now bytes of 0 to 9: 10 to 0x89 get their high bit by the addition, the others, from which
     * alone carries come, have it. */
    if ((((word + UINT64_C(0x7676767676767676)) | word) & UINT64_C(0x8080808080808080)) != 0) {
        return false;
    }
    /* Pairs below 100, then fours below 10^4, then all eight; the first digit is the lowest byte.
     * No lane overflows: 9 x 10 + 9 < 2^8, 99 x 100 + 99 < 2^16, 9999 x 10^4 + 9999 < 2^32. */
    word = (word * 10 + (word >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
    word = (word * 100 + (word >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
    *out = (uint32_t)(word * 10000 + (word >> 32));
    return true;
}

/* The value of the len digits that end at end, 1 <= len <= 16; false for any other len. Below
 * 10^16, so that a sign never overflows. */
SOTTO__DIGITS_INLINE bool digits16(uint64_t *out, const char *end, size_t len)
{
    uint64_t low;
    uint64_t high;
    if (len - 1 < 8) {
        return digits8(out, end, len);
    }
    if (len - 1 >= 16 || !digits8(&low, end, 8) || !digits8(&high, end - 8, len - 8)) {
        return false;
    }
    *out = high * 100000000 + low;
    return true;
}

/* The value of -?\d{1,16}. bytes > 0. */
SOTTO__DIGITS_INLINE bool digits_int64(int64_t *out, const char *text, size_t bytes)
{
    uint64_t value;
    bool negative = *text == '-';
    if (!digits16(&value, text + bytes, bytes - negative)) {
        return false;
    }
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* The digits, without the point, of -?\d{1,d}point\d{scale} with 1 <= scale and d + scale <= 16.
 * bytes > 0. */
SOTTO__DIGITS_INLINE bool digits_decimal(int64_t *out, const char *text, size_t bytes, size_t scale,
                                         char point)
{
    uint64_t integer;
    uint64_t fraction;
    static const uint64_t powers[17] = {1,
                                        10,
                                        100,
                                        1000,
                                        10000,
                                        100000,
                                        1000000,
                                        10000000,
                                        100000000,
                                        1000000000,
                                        10000000000,
                                        100000000000,
                                        1000000000000,
                                        10000000000000,
                                        100000000000000,
                                        1000000000000000,
                                        10000000000000000};
    bool negative = *text == '-';
    size_t digits = bytes - negative - 1; /* wraps where there is no room for the point */
    const char *end = text + bytes;
    if (digits - 1 >= 16 || digits <= scale || end[-(ptrdiff_t)scale - 1] != point ||
        !digits16(&fraction, end, scale) || !digits16(&integer, end - scale - 1, digits - scale)) {
        return false;
    }
    uint64_t value = integer * powers[scale] + fraction; /* below 10^16 */
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* How many digits stand behind the point, if there are at most 16; 0 if there is no point. Only the
 * place is looked for: whether these bytes are digits, digits_decimal asks. */
static inline size_t digits_fraction_len(const char *text, size_t bytes, char point)
{
    for (size_t i = 1; i <= bytes && i <= 17; i++) {
        if (text[bytes - i] == point) {
            return i - 1;
        }
    }
    return 0;
}

#endif
