/* SPDX-License-Identifier: Apache-2.0 */

/* Whether whole numbers are an identifier: nearly all different, and either close together or long.
 * It leans on nothing. The one idea: how many values are different is estimated from the largest
 * run of zeros that a hash begins with, in each of 1,024 lots (HyperLogLog, Flajolet et al. 2007,
 * with linear counting below), within 3 %: of so many rows that draw from four times as many
 * numbers an eighth is there twice. Such estimates merge by their maxima. */

#include "contribute/tables.h"

#include <math.h>
#include <sotto/bytes.h>
#include <string.h>

#define LOTS_BITS 10
#define LOTS_LEN (1 << LOTS_BITS)
/* So many of 100 rows have a value of their own. */
#define DISTINCT_PERCENT 93
/* Times as many numbers lie between the least and the largest. */
#define DENSE 4
#define LONG 1e8 /* nine digits */

_Static_assert(LOTS_LEN == SOTTO__DISTINCT_LOTS, "one byte a lot");

static uint64_t hash_value(double value)
{
    uint64_t hash;
    memcpy(&hash, &value, sizeof hash);
    hash = (hash ^ (hash >> 31)) * UINT64_C(0x7FB5D329728EA185);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x81DADEF4BC2DD44D);
    return hash ^ (hash >> 33);
}

/* Whether a number has a fraction: from 2^52 on none has. NaN has none. */
static bool has_fraction(double value)
{
    return fabs(value) < 0x1p52 && (double)(int64_t)value != value;
}

/* A hash whose run is no longer than the shortest of all lots changes nothing. With many values
 * most hashes are so: they are above a bound. */
static void add_runs(uint8_t lots[LOTS_LEN], const double *values, size_t len)
{
    uint8_t shortest = UINT8_MAX;
    for (size_t i = 0; i < LOTS_LEN; i++) {
        shortest = lots[i] < shortest ? lots[i] : shortest;
    }
    uint64_t bound = UINT64_MAX >> shortest;
    for (size_t i = 0; i < len; i++) {
        uint64_t hash = hash_value(values[i] + 0.0);
        uint64_t rest = hash << LOTS_BITS | (uint64_t)1 << (LOTS_BITS - 1);
        if (rest > bound || values[i] != values[i]) {
            continue;
        }
        uint8_t run = (uint8_t)(__builtin_clzll(rest) + 1);
        uint8_t *lot = &lots[hash >> (64 - LOTS_BITS)];
        if (run > *lot) { /* seldom, so that no row waits for another's */
            *lot = run;
        }
    }
}

void sotto__distinct_add(struct sotto__distinct *in_out, const double *values, size_t len)
{
    uint64_t rows = 0;
    double least = in_out->rows > 0 ? in_out->least : INFINITY;
    double most = in_out->rows > 0 ? in_out->most : -INFINITY;
    double shortest = in_out->rows > 0 ? in_out->shortest : INFINITY;
    bool is_broken = in_out->is_broken;
    for (size_t i = 0; i < len; i++) { /* comparisons with NaN are false */
        double size = fabs(values[i]);
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
        shortest = size < shortest ? size : shortest;
    }
    for (size_t i = 0; i < len; i++) {
        bool is_number = values[i] == values[i];
        is_broken |= has_fraction(values[i]);
        rows += is_number;
    }
    add_runs(in_out->lots, values, len);
    in_out->is_broken = is_broken;
    in_out->least = least;
    in_out->most = most;
    in_out->shortest = shortest;
    in_out->rows += rows;
}

void sotto__distinct_merge(struct sotto__distinct *in_out, const struct sotto__distinct *other)
{
    bool is_first = in_out->rows == 0;
    for (size_t i = 0; i < LOTS_LEN; i++) {
        in_out->lots[i] = other->lots[i] > in_out->lots[i] ? other->lots[i] : in_out->lots[i];
    }
    if (other->rows > 0) {
        in_out->least = is_first || other->least < in_out->least ? other->least : in_out->least;
        in_out->most = is_first || other->most > in_out->most ? other->most : in_out->most;
        in_out->shortest =
            is_first || other->shortest < in_out->shortest ? other->shortest : in_out->shortest;
    }
    in_out->is_broken = in_out->is_broken || other->is_broken;
    in_out->rows += other->rows;
}

static double estimate(const struct sotto__distinct *distinct)
{
    double sum = 0;
    size_t empty = 0;
    for (size_t i = 0; i < LOTS_LEN; i++) {
        sum += ldexp(1, -distinct->lots[i]);
        empty += distinct->lots[i] == 0;
    }
    double raw = 0.7213 / (1 + 1.079 / LOTS_LEN) * LOTS_LEN * LOTS_LEN / sum;
    return raw <= 2.5 * LOTS_LEN && empty > 0 ? LOTS_LEN * log((double)LOTS_LEN / (double)empty)
                                              : raw;
}

bool sotto__distinct_identifies(const struct sotto__distinct *distinct)
{
    double rows = (double)distinct->rows;
    bool is_dense = distinct->most - distinct->least < DENSE * rows;
    if (distinct->rows == 0 || distinct->is_broken || (!is_dense && distinct->shortest < LONG)) {
        return false;
    }
    return 100 * estimate(distinct) >= DISTINCT_PERCENT * rows;
}
