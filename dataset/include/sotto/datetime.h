/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATETIME_H
#define SOTTO_DATETIME_H

/* Dates with a time of day as integers: microseconds since 1970-01-01 00:00, of the clock on the
 * wall (SOTTO_KIND_DATETIME) or of UTC (SOTTO_KIND_DATETIME_UTC), each day having 86400 seconds.
 * From 0001-01-01 00:00:00 to 9999-12-31 23:59:59.999999. */

#include <sotto/date.h>
#include <sotto/type.h>

SOTTO_BEGIN_DECLS

#define SOTTO_DATETIME_DAY INT64_C(86400000000)
#define SOTTO_DATETIME_MIN (SOTTO_DATE_MIN * SOTTO_DATETIME_DAY)
#define SOTTO_DATETIME_MAX ((SOTTO_DATE_MAX + 1) * SOTTO_DATETIME_DAY - 1)

/* The day that a time is of, and the microseconds from its midnight: 0 to SOTTO_DATETIME_DAY - 1.
 * Requires SOTTO_DATETIME_MIN <= microseconds <= SOTTO_DATETIME_MAX. */
SOTTO_API int64_t sotto_datetime_days(int64_t *out_of_day, int64_t microseconds);

/* Whether text says how dates, or dates with times, are written. Of dates: %d, %m (one digit or
 * two) and %Y (four) or %y (two: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068), or %b for a
 * month's first three letters in English, each of day, month and year once. Of times as well: %H (0
 * to 23) or %I (1 to 12) and %p (AM or PM, in any case), of one digit or two, each at most once, as
 * all that follow; %M, with it %S (two digits each), with it %f (a fraction: one to nine digits, of
 * which those beyond the sixth are 0); %z, as Z, +HH:MM, +HHMM or +HH. Other characters, no digits,
 * stand for themselves. *out_kind: SOTTO_KIND_DATE; SOTTO_KIND_DATETIME; with %z
 * SOTTO_KIND_DATETIME_UTC. */
SOTTO_API bool sotto_datetime_form_is_valid(enum sotto_kind *out_kind, const char *form);

/* Reads a text that is written as a valid form says. NULL: as ISO 8601 has them, YYYY-MM-DD, or
 * that with T or a blank and HH:MM, HH:MM:SS or HH:MM:SS.FFFFFF (a fraction as %f, or behind a
 * comma) behind it, and perhaps a zone as %z. *out: days of a SOTTO_KIND_DATE, else microseconds,
 * where there is a zone those of UTC. Returns: false, and *out and *out_kind unchanged, for any
 * other text: a day or a time that there is not, a second 60. */
SOTTO_API bool sotto_datetime_parse(enum sotto_kind *out_kind, int64_t *out, const char *form,
                                    const char *text, size_t text_bytes);

/* As sotto_datetime_parse, of a column of that kind: dates are midnights where times of the clock
 * on the wall are wanted. Returns: false for another kind, too. */
SOTTO_API bool sotto_datetime_parse_kind(int64_t *out, enum sotto_kind kind, const char *form,
                                         const char *text, size_t text_bytes);

#define SOTTO_DATETIME_TEXT_BYTES 28

/* YYYY-MM-DDTHH:MM:SS, with a fraction of six digits where there is one, and Z where it is UTC's;
 * of days YYYY-MM-DD. Terminated. Requires a value that a column of that kind may have. */
SOTTO_API void sotto_datetime_text(char out[SOTTO_DATETIME_TEXT_BYTES], enum sotto_kind kind,
                                   int64_t value);

SOTTO_END_DECLS

#endif
