/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_ORDER_H
#define SOTTO_ENGINE_METHODS_ORDER_H

/* What the exact search for an order statistic (quantile.c) and the guarded one (guarded.c) share:
 * what they know of a group between rounds, where a quantile is among its values, and what it is
 * once the cells of both values around it are found. */

#include "methods/methods.h"

/* A group's words. Keys here are unsigned: 2^(key_bits - 1) is added. */
enum {
    /* Exact only: of both cells the digits that are known, 0 for that of the next round; of two
     * words, as all keys, the low one first. */
    SOTTO__ORDER_BASES = 0,
    SOTTO__ORDER_RANKS = 4,    /* of both values in their cells, from 0 */
    SOTTO__ORDER_LENS = 6,     /* how many values are in both cells */
    SOTTO__ORDER_VALUES = 8,   /* how many there are in all */
    SOTTO__ORDER_WITHHELD = 9, /* parties that kept the group back in the first round */
    /* Guarded only: */
    SOTTO__ORDER_ENDED = 10, /* 1 where the search for a value is over */
    SOTTO__ORDER_LOWS = 12,  /* the least and the greatest key that it may have then */
    SOTTO__ORDER_HIGHS = 16,
    SOTTO__ORDER_CELLS = 20, /* of both values, as an index of parts has them */
    SOTTO__ORDER_MAPS = 30,  /* of both cells: the first digit of each digit's part of the grid */
    SOTTO__ORDER_WORDS = 30 + 2 * SOTTO__MAP_WORDS,
};

/* --- quantile.c --- */

/* Keys of two words at a place in a state. */
sotto__uint128 sotto__order_read(const uint64_t *state, size_t at);
void sotto__order_write(uint64_t *state, size_t at, sotto__uint128 key);
/* In the first round with counts: between which of the values the quantile is. Where there are none
 * the step is done. Returns: SOTTO_ERROR_PROTOCOL for more values than there can be. */
enum sotto_status sotto__order_begin(struct sotto__step *step, const struct sotto__index *index,
                                     struct sotto_error *err) SOTTO_NODISCARD;
/* Finds the digit of one of the two values, whose counts begin at number first, and what is known
 * of the value in that digit's cell. Returns: false if there are not as many values as in the round
 * before. */
bool sotto__order_find_digit(size_t *out, const struct sotto__step *step,
                             const struct sotto__index *index, size_t target, size_t first);
/* Sets the step's value to what is between two values, of which the least and the greatest keys
 * that they may have are at these places in the state; the step is done. */
void sotto__order_set_value(struct sotto__step *step, const struct sotto__index *index, size_t lows,
                            size_t highs);
void sotto__order_end_without_value(struct sotto__step *step);
enum sotto_status sotto__order_fail_other_rows(struct sotto_error *err) SOTTO_NODISCARD;

/* --- guarded.c --- */

void sotto__guarded_ask(struct sotto__recipe *recipe, unsigned round);
enum sotto_status sotto__guarded_step(struct sotto__step *step,
                                      struct sotto_error *err) SOTTO_NODISCARD;

#endif
