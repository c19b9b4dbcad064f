/* SPDX-License-Identifier: Apache-2.0 */

/* A number of days since 1970-01-01 as a date, and as a time of that day where it is no whole
 * number: the mean of two dates may be noon. Likewise a number of seconds as a date with a time. It
 * leans on sotto/datetime.h. */

#include "number/number.h"

#define MICROSECONDS 1000000

/* Microseconds of a number of units, up or down by the sign of direction, else to the nearest. */
static void set_microseconds(mpz_t out, const mpq_t number, int64_t unit, int direction)
{
    mpq_t scaled;
    mpq_t factor;
    mpq_init(scaled);
    mpq_init(factor);
    mpq_set_si(factor, unit, 1);
    mpq_mul(scaled, number, factor);
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

bool sotto__date_text(char out[SOTTO_DATETIME_TEXT_BYTES], enum sotto_kind kind, const mpq_t number,
                      int direction)
{
    bool are_days = kind == SOTTO_KIND_DATE;
    mpz_t microseconds;
    mpz_init(microseconds);
    set_microseconds(microseconds, number, are_days ? SOTTO_DATETIME_DAY : MICROSECONDS, direction);
    bool is_date = mpz_cmp_si(microseconds, SOTTO_DATETIME_MIN) >= 0 &&
                   mpz_cmp_si(microseconds, SOTTO_DATETIME_MAX) <= 0;
    if (is_date) {
        int64_t value = mpz_get_si(microseconds);
        bool is_midnight = are_days && value % SOTTO_DATETIME_DAY == 0;
        sotto_datetime_text(out,
                            is_midnight ? SOTTO_KIND_DATE
                            : are_days  ? SOTTO_KIND_DATETIME
                                        : kind,
                            is_midnight ? value / SOTTO_DATETIME_DAY : value);
    }
    mpz_clear(microseconds);
    return is_date;
}
