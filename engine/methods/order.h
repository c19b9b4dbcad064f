/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_ORDER_H
#define SOTTO_ENGINE_METHODS_ORDER_H

/* What the exact search for an order statistic (quantile.c), the guarded one (guarded.c), and that
 * for the median of distances from it (mad.c) share:
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
/* Sets out to the value of a key. Out: initialised. */
void sotto__order_set_key(struct sotto__value *out, const struct sotto__step *step,
                          const struct sotto__index *index, sotto__uint128 base);
/* An end that is no number (a key beyond infinity; a share of both infinities) is as far out as it
 * can be. */
void sotto__order_open_end(struct sotto__value *end, enum sotto__value_kind outside);
/* Sets low and high to the least and the greatest that is between two values, as
 * sotto__order_set_value. Out: initialised. Returns: whether they are one, which may be NaN. */
bool sotto__order_find_ends(struct sotto__value *low, struct sotto__value *high,
                            const struct sotto__step *step, const struct sotto__index *index,
                            size_t lows, size_t highs);
/* Sets the step's value to what is between two values, of which the least and the greatest keys
 * that they may have are at these places in the state; the step is done. */
void sotto__order_set_value(struct sotto__step *step, const struct sotto__index *index, size_t lows,
                            size_t highs);
void sotto__order_end_without_value(struct sotto__step *step);
enum sotto_status sotto__order_fail_other_rows(struct sotto_error *err) SOTTO_NODISCARD;

/* --- guarded.c --- */

/* searches_len: so many may follow each other. Nothing is asked once they are over. */
void sotto__guarded_ask(struct sotto__recipe *recipe, unsigned round, unsigned searches_len);
bool sotto__guarded_is_bearing(unsigned round);
size_t sotto__guarded_level(unsigned round);
bool sotto__guarded_is_over(size_t level, unsigned searches_len, unsigned key_bits, unsigned bits);
enum sotto_status sotto__guarded_step(struct sotto__step *step,
                                      struct sotto_error *err) SOTTO_NODISCARD;
/* The same, but for the value. *out_has_ended: all is noted that will be known of both values. */
enum sotto_status sotto__guarded_search(struct sotto__step *step, bool *out_has_ended,
                                        struct sotto_error *err) SOTTO_NODISCARD;
/* Writes the map of a cell's common grid, of what was opened of it in a bearing round. */
void sotto__grid_map(uint64_t *map, const struct sotto__step *step,
                     const struct sotto__index *index, size_t cell);
/* How many parts the cell of the grid has that begins at part first. */
size_t sotto__grid_parts(const uint64_t *map, const struct sotto__index *index, size_t first);
/* The least and the greatest key of parts_len parts of a target's cell, of the scale on the first
 * level. Returns: false where there is no such key, so that nobody has rows there. */
bool sotto__grid_keys(sotto__uint128 *out_low, sotto__uint128 *out_high,
                      const struct sotto__step *step, const struct sotto__index *index,
                      size_t target, size_t first, size_t parts_len);
/* A target's cell is that of all keys from low to high now, divided into so many parts that they
 * fit a digit. */
void sotto__grid_enter(const struct sotto__step *step, const struct sotto__index *index,
                       size_t target, sotto__uint128 low, sotto__uint128 high);

#endif
