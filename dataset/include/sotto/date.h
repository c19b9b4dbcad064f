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

/* Sets *out to the days of a date. Returns: false, and *out unchanged, where there is no such day
 * in the years 1 to 9999. */
SOTTO_API bool sotto_date_days(int64_t *out, int year, int month, int day);

/* Reads YYYY-MM-DD, just so: ten bytes of a day that there is. Returns: false, and *out unchanged,
 * for any other text. */
SOTTO_API bool sotto_date_parse(int64_t *out, const char *text, size_t text_bytes);

#define SOTTO_DATE_TEXT_BYTES 11

/* Days as YYYY-MM-DD, terminated. Requires SOTTO_DATE_MIN <= days <= SOTTO_DATE_MAX. */
SOTTO_API void sotto_date_text(char out[SOTTO_DATE_TEXT_BYTES], int64_t days);

SOTTO_END_DECLS

#endif
