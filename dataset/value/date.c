/* SPDX-License-Identifier: Apache-2.0 */

/* Dates: days to year, month and day and back, and to text. Leans on nothing.
 *
 * The idea: years that begin in March end with the day that leap years add, so that months have
 * fixed places in them, and 400 years always have DAYS_OF_ERA days [Hinnant, "chrono-compatible
 * low-level date algorithms"]. All is arithmetic of small integers: no time zone, no tables of the
 * system. */

#include <sotto/date.h>

#define DAYS_OF_ERA 146097  /* 400 years */
#define DAYS_TO_1970 719468 /* from 0000-03-01 */
#define DAYS_OF_CENTURY 36524
#define DAYS_OF_FOUR_YEARS 1460

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool sotto_date_days(int64_t *out, int year, int month, int day)
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
