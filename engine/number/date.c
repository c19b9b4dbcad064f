/* SPDX-License-Identifier: Apache-2.0 */

/* A number of days since 1970-01-01 as a date, and as a time of that day where it is no whole
 * number: the mean of two dates may be noon. It leans on sotto/date.h. */

#include "number/number.h"

#include <sotto/date.h>
#include <stdio.h>
#include <string.h>

#define MICROSECONDS 1000000
#define DAY_SECONDS 86400

/* Microseconds of days, up or down by the sign of direction, else to the nearest. */
static void set_microseconds(mpz_t out, const mpq_t days, int direction)
{
    mpq_t scaled;
    mpq_t factor;
    mpq_init(scaled);
    mpq_init(factor);
    mpq_set_si(factor, DAY_SECONDS, 1);
    mpq_mul(scaled, days, factor);
    mpq_set_si(factor, MICROSECONDS, 1);
    mpq_mul(scaled, scaled, factor);
    if (direction == 0) {
        mpq_set_si(factor, 1, 2);
        mpq_add(scaled, scaled, factor);
    }
    if (direction > 0) {
        mpz_cdiv_q(out, mpq_numref(scaled), mpq_denref(scaled));
    } else {
        mpz_fdiv_q(out, mpq_numref(scaled), mpq_denref(scaled));
    }
    mpq_clear(scaled);
    mpq_clear(factor);
}

bool sotto__days_text(char out[SOTTO__DAYS_TEXT_BYTES], const mpq_t days, int direction)
{
    mpz_t microseconds;
    mpz_t whole;
    mpz_init(microseconds);
    mpz_init(whole);
    set_microseconds(microseconds, days, direction);
    unsigned long fraction = mpz_fdiv_q_ui(whole, microseconds, MICROSECONDS);
    unsigned long seconds = mpz_fdiv_q_ui(whole, whole, DAY_SECONDS);
    bool is_date = mpz_cmp_si(whole, SOTTO_DATE_MIN) >= 0 && mpz_cmp_si(whole, SOTTO_DATE_MAX) <= 0;
    if (is_date) {
        sotto_date_text(out, mpz_get_si(whole));
        size_t at = strlen(out);
        int more = fraction > 0 ? 16 : seconds > 0 ? 9 : 0;
        char time[SOTTO__DAYS_TEXT_BYTES];
        (void)snprintf(time, sizeof time, "T%02lu:%02lu:%02lu.%06lu", seconds / 3600,
                       seconds / 60 % 60, seconds % 60, fraction);
        (void)snprintf(out + at, SOTTO__DAYS_TEXT_BYTES - at, "%.*s", more, time);
    }
    mpz_clear(microseconds);
    mpz_clear(whole);
    return is_date;
}
