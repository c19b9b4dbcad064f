/* SPDX-License-Identifier: Apache-2.0 */

/* Dates: days to year, month and day and back, and how both are written. Leans on nothing.
 *
 * The idea: years that begin in March end with the day that leap years add, so that months have
 * fixed places in them, and 400 years always have DAYS_OF_ERA days [Hinnant, "chrono-compatible
 * low-level date algorithms"]. All is arithmetic of small integers: no time zone, no tables of the
 * system. */

#include <sotto/date.h>

#include <string.h>

#define DAYS_OF_ERA 146097  /* 400 years */
#define DAYS_TO_1970 719468 /* from 0000-03-01 */
#define DAYS_OF_CENTURY 36524
#define DAYS_OF_FOUR_YEARS 1460

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Sets *out to the days of a date, if there is such a day. */
static bool set_days(int64_t *out, int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (month == 2 && is_leap(year))) {
        return false;
    }
    int from_march = (month + 9) % 12;
    int shifted = year - (month <= 2); /* not negative */
    int64_t of_year = (153 * from_march + 2) / 5 + day - 1;
    *out = (int64_t)365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + of_year -
           DAYS_TO_1970;
    return true;
}

struct sotto_date sotto_date_of_days(int64_t days)
{
    SOTTO_REQUIRE(days >= SOTTO_DATE_MIN && days <= SOTTO_DATE_MAX);
    int shifted = (int)days + DAYS_TO_1970; /* positive, as is all that follows */
    int of_era = shifted % DAYS_OF_ERA;
    int year = (of_era - of_era / DAYS_OF_FOUR_YEARS + of_era / DAYS_OF_CENTURY -
                of_era / (DAYS_OF_ERA - 1)) /
               365;
    int of_year = of_era - (365 * year + year / 4 - year / 100);
    int from_march = (5 * of_year + 2) / 153;
    int month = from_march < 10 ? from_march + 3 : from_march - 9;
    return (struct sotto_date){
        .year = shifted / DAYS_OF_ERA * 400 + year + (month <= 2),
        .month = month,
        .day = of_year - (153 * from_march + 2) / 5 + 1,
        .weekday = (shifted + 2) % 7, /* 0000-03-01 was a Wednesday */
    };
}

/* --- Texts --- */

/* Reads from least to most digits at *at. Returns: -1 if there are fewer. */
static int read_digits(const char **at, const char *end, int least, int most)
{
    int number = 0;
    int len = 0;
    for (; len < most && *at < end && **at >= '0' && **at <= '9'; len++) {
        number = number * 10 + (*(*at)++ - '0');
    }
    return len >= least ? number : -1;
}

bool sotto_date_parse(int64_t *out, const char *text, size_t text_bytes)
{
    const char *at = text;
    const char *end = text + text_bytes;
    if (text_bytes != SOTTO_DATE_TEXT_BYTES - 1 || text[4] != '-' || text[7] != '-') {
        return false;
    }
    int year = read_digits(&at, end, 4, 4);
    at = text + 5;
    int month = read_digits(&at, end, 2, 2);
    at = text + 8;
    int day = read_digits(&at, end, 2, 2);
    return set_days(out, year, month, day);
}

/* The last len digits of a number, then a byte. */
static void write_digits(char **at, int number, int len, char after)
{
    for (int i = len; i > 0; i--) {
        (*at)[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    *at += len;
    *(*at)++ = after;
}

void sotto_date_text(char out[SOTTO_DATE_TEXT_BYTES], int64_t days)
{
    struct sotto_date date = sotto_date_of_days(days);
    write_digits(&out, date.year, 4, '-');
    write_digits(&out, date.month, 2, '-');
    write_digits(&out, date.day, 2, '\0');
}

bool sotto_date_format_is_valid(const char *format)
{
    int days = 0;
    int months = 0;
    int years = 0;
    for (const char *at = format; *at != '\0'; at++) {
        if (*at == '%') {
            at++;
            days += *at == 'd';
            months += *at == 'm' || *at == 'b';
            years += *at == 'Y' || *at == 'y';
            if (*at == '\0' || strchr("dmbYy", *at) == NULL) {
                return false;
            }
        } else if (*at >= '0' && *at <= '9') {
            return false;
        }
    }
    return days == 1 && months == 1 && years == 1;
}

/* Returns: 1 to 12, or -1. */
static int read_month_name(const char **at, const char *end)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (end - *at < 3) {
        return -1;
    }
    for (int i = 0; i < 12; i++) {
        bool is_same = true;
        for (int j = 0; is_same && j < 3; j++) {
            is_same = ((*at)[j] | 0x20) == names[3 * i + j]; /* small letters */
        }
        if (is_same) {
            *at += 3;
            return i + 1;
        }
    }
    return -1;
}

bool sotto_date_parse_as(int64_t *out, const char *format, const char *text, size_t text_bytes)
{
    const char *at = text;
    const char *end = text + text_bytes;
    int year = 0;
    int month = 0;
    int day = 0;
    if (format == NULL) {
        return sotto_date_parse(out, text, text_bytes);
    }
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            if (at == end || *at++ != *format) {
                return false;
            }
            continue;
        }
        switch (*++format) {
        case 'd':
            day = read_digits(&at, end, 1, 2);
            break;
        case 'm':
            month = read_digits(&at, end, 1, 2);
            break;
        case 'b':
            month = read_month_name(&at, end);
            break;
        case 'Y':
            year = read_digits(&at, end, 4, 4);
            break;
        default: /* y */
            year = read_digits(&at, end, 2, 2);
            year = year < 0 ? year : year + (year < 69 ? 2000 : 1900);
            break;
        }
    }
    return at == end && set_days(out, year, month, day);
}
