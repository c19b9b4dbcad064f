/* SPDX-License-Identifier: Apache-2.0 */

/* The first parts of a guarded search. It leans on nothing. The one idea: numbers that people ask
 * about are small beside those that a type can hold, so that the parts are narrow near 0 and wide
 * far from it; two rounds or four tell a quantile of ages then, and not sixteen. 0 is where the
 * first half ends: most columns have no values below it. */

#include "program/index.h"

#include <string.h>

#define SIDE_PARTS_MAX (SOTTO__SCALE_PARTS_MAX / 2)
#define FRACTION_BITS 52 /* of a double */

/* The parts of keys from 0 up, which those below 0 mirror. */
struct side {
    sotto__uint128 firsts[SIDE_PARTS_MAX];
    size_t len;
};

static void add_part(struct side *side, sotto__uint128 first)
{
    side->firsts[side->len++] = first;
}

/* 0, 1, then the powers of two, as many of them in two halves as there is room for. */
static void add_integers(struct side *side, unsigned key_bits)
{
    unsigned powers = key_bits - 2;
    unsigned halved = SIDE_PARTS_MAX - 2 - powers;
    add_part(side, 0);
    add_part(side, 1);
    for (unsigned power = 1; power <= powers; power++) {
        sotto__uint128 first = (sotto__uint128)1 << power;
        add_part(side, first);
        if (power <= halved) {
            add_part(side, first + first / 2);
        }
    }
}

/* The exponents of a double where parts begin: 2^-31 to 2^64 have one each. */
static void add_doubles(struct side *side)
{
    static const unsigned below[] = {512, 768, 896, 960};
    static const unsigned above[] = {1088, 1152, 1280, 1536, 2047};
    add_part(side, 0);
    add_part(side, 1);
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
        add_part(side, (sotto__uint128)below[i] << FRACTION_BITS);
    }
    for (unsigned exponent = 992; exponent < 1088; exponent++) {
        add_part(side, (sotto__uint128)exponent << FRACTION_BITS);
    }
    for (size_t i = 0; i < sizeof above / sizeof above[0]; i++) {
        add_part(side, (sotto__uint128)above[i] << FRACTION_BITS);
    }
    add_part(side, ((sotto__uint128)2047 << FRACTION_BITS) + 1); /* beyond infinity */
}

static size_t add_equal_parts(sotto__uint128 *out, unsigned key_bits, unsigned bits)
{
    size_t len = (size_t)1 << bits;
    for (size_t i = 0; i < len; i++) {
        out[i] = (sotto__uint128)i << (key_bits - bits);
    }
    return len;
}

size_t sotto__scale_parts(sotto__uint128 *out, unsigned key_bits, unsigned bits, bool are_doubles)
{
    struct side side = {.len = 0};
    sotto__uint128 zero = (sotto__uint128)1 << (key_bits - 1);
    if (key_bits <= bits || (size_t)1 << bits < SOTTO__SCALE_PARTS_MAX) {
        return add_equal_parts(out, key_bits, key_bits < bits ? key_bits : bits);
    }
    if (are_doubles) {
        add_doubles(&side);
    } else {
        add_integers(&side, key_bits);
    }
    for (size_t i = 0; i < SIDE_PARTS_MAX; i++) {
        /* A key below 0 is -1 - m; the last of a part is where the one above it begins. */
        out[SIDE_PARTS_MAX - 1 - i] = i + 1 < side.len ? zero - side.firsts[i + 1] : 0;
    }
    for (size_t i = 0; i < side.len; i++) {
        out[SIDE_PARTS_MAX + i] = zero + side.firsts[i];
    }
    return SIDE_PARTS_MAX + side.len;
}
