/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATE_H
#define SOTTO_DATE_H

/* Dates as integers: days since 1970-01-01 in the Gregorian calendar, also before it was invented
 * (ISO 8601). From 0001-01-01 to 9999-12-31. */

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

#define SOTTO_DATE_MIN INT64_C(-719162) /* 0001-01-01 */
#define SOTTO_DATE_MAX INT64_C(2932896) /* 9999-12-31 */

struct sotto_date {
    int year;
    int month;   /* 1 to 12 */
    int day;     /* 1 to 31 */
    int weekday; /* 0: Monday, to 6 */
};

/* Requires SOTTO_DATE_MIN <= days <= SOTTO_DATE_MAX. */
SOTTO_API struct sotto_date sotto_date_of_days(int64_t days);

/* Reads YYYY-MM-DD, just so: ten bytes of a day that there is. Returns: false, and *out unchanged,
 * for any other text. */
SOTTO_API bool sotto_date_parse(int64_t *out, const char *text, size_t text_bytes);

#define SOTTO_DATE_TEXT_BYTES 11

/* Days as YYYY-MM-DD, terminated. Requires SOTTO_DATE_MIN <= days <= SOTTO_DATE_MAX. */
SOTTO_API void sotto_date_text(char out[SOTTO_DATE_TEXT_BYTES], int64_t days);

/* Whether text says how dates are written: %d, %m (one digit or two) and %Y (four) or %y (two: 69
 * to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068), or %b for a month's first three letters in
 * English, each of day, month and year once; other characters, no digits, stand for themselves. */
SOTTO_API bool sotto_date_format_is_valid(const char *format);

/* Reads a text that is written so. Requires a valid format; NULL: as sotto_date_parse. */
SOTTO_API bool sotto_date_parse_as(int64_t *out, const char *format, const char *text,
                                   size_t text_bytes);

SOTTO_END_DECLS

#endif
