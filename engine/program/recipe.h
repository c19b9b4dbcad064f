/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PROGRAM_RECIPE_H
#define SOTTO_ENGINE_PROGRAM_RECIPE_H

/* Recipes: what a method asks of a round, a statistic that has rounds of its own.
 *
 * A recipe is a builder. Its functions return the index of an operation, of an index, or of what
 * was asked; after a failure they add nothing and return SOTTO_NONE, so that a formula is written
 * down as it is. Everything is counted and summed up in each of the plan's groups. What a recipe
 * adds may depend on the call, the agreed types and the round, and on nothing that was opened: that
 * comes in by parameters, which each group has its own of. */

#include "plan/plan.h"
#include "program/operations.h"

struct sotto__compiler;
struct sotto__recipe;

/* A call of a method in a plan. */
struct sotto__call {
    const struct sotto__expression *expression; /* borrows from the expansion */
    size_t node;
    unsigned first_round;
    bool is_done; /* in all groups: it asks no more */
    /* Says what a round of the call needs, its first one is 1. It may ask nothing, and is over
     * then.
     */
    void (*ask)(struct sotto__recipe *recipe, unsigned round);
};

struct sotto__recipe {
    struct sotto__compiler *compiler;
    const struct sotto__call *call;
    size_t call_index;              /* among all calls */
    unsigned round;                 /* of the call, from 1 */
    struct sotto__moments *moments; /* of the call's node */
    size_t is_open;                 /* operation: see sotto__recipe_row; or SOTTO_NONE */
};

/* --- Rows --- */

/* How many arguments the call has. */
size_t sotto__recipe_arguments_len(const struct sotto__recipe *recipe);
/* The rows of an argument; in groups where the call is over, none of them has a value. */
size_t sotto__recipe_row(struct sotto__recipe *recipe, size_t argument);
/* The rows of an argument that must be a condition, or a column of booleans. */
size_t sotto__recipe_condition(struct sotto__recipe *recipe, size_t argument);
/* The rows of an argument that must be whole numbers. what: is said where they are not. */
size_t sotto__recipe_whole(struct sotto__recipe *recipe, size_t argument, const char *what);
/* The rows of a where b has a value too; both are doubles then if one of them is. */
size_t sotto__recipe_together(struct sotto__recipe *recipe, size_t a, size_t b);
/* A double, the same in each row. */
size_t sotto__recipe_constant(struct sotto__recipe *recipe, double number);
/* An operation on one row value or on two (b: SOTTO_NONE), as in expressions. */
size_t sotto__recipe_apply(struct sotto__recipe *recipe, enum sotto__op_kind kind, size_t a,
                           size_t b);
/* Tells in the result how many of these rows have no value because a computation made NaN. */
void sotto__recipe_tell_nan(struct sotto__recipe *recipe, size_t row);

/* --- Parameters --- */

/* words 64-bit words of a group's state, at state_word, as they are when the round begins. Returns:
 * their place. */
size_t sotto__recipe_parameters(struct sotto__recipe *recipe, size_t state_word, size_t words);
/* The double at a place, in each row. */
size_t sotto__recipe_number(struct sotto__recipe *recipe, size_t place);
/* The sum of rows[i], doubles, times the double at place + i, i rising, each product and each sum
 * rounded once. */
size_t sotto__recipe_linear(struct sotto__recipe *recipe, const size_t *rows, size_t len,
                            size_t place);

/* --- Indices: one number a row --- */

/* Integers in the order of the values. *out_bits: -2^(bits - 1) <= key < 2^(bits - 1). Exact values
 * are their own keys, in units of 10^-scale; doubles are those of sotto__key_double. Returns: after
 * SOTTO_ERROR_TYPE, for values that may need more than SOTTO__KEY_BITS_MAX bits, SOTTO_NONE. */
size_t sotto__recipe_key(struct sotto__recipe *recipe, unsigned *out_bits, size_t row);
/* The double of a key. */
double sotto__key_double(int64_t key);
/* The bits of a digit: the same in all calls of a plan. */
unsigned sotto__recipe_digit_bits(const struct sotto__recipe *recipe);
/* By how much (key + 2^(key_bits - 1)) >> shift is above one of cells_len bases, from 0 to 2^bits -
 * 1: of the first such cell. The number is cell * 2^bits + that. Bases are unsigned integers of 128
 * bits at place, the low word first; two of them may be equal. */
size_t sotto__recipe_digits(struct sotto__recipe *recipe, size_t key, unsigned key_bits,
                            unsigned shift, unsigned bits, size_t place, size_t cells_len);
/* The number of a key by parts: as digits, of cells at place (SOTTO__CELL_WORDS), unless place is
 * SOTTO_NONE: of one cell, whose digits are the parts of a scale (index.h). */
size_t sotto__recipe_parts(struct sotto__recipe *recipe, size_t key, unsigned key_bits,
                           unsigned bits, size_t place, size_t cells_len);
/* Has these numbers put together: rows with a digit of a cell get the number of the digit that the
 * digit's byte of the map at place has (SOTTO__MAP_WORDS for each cell). */
void sotto__recipe_map(struct sotto__recipe *recipe, size_t index, size_t place);
/* How many of the rising doubles at place are at the row's value or below: len + 1 numbers. */
size_t sotto__recipe_edges(struct sotto__recipe *recipe, size_t row, size_t place, size_t len);
/* Which of the rows, doubles, is the least; the first one of several. */
size_t sotto__recipe_least(struct sotto__recipe *recipe, const size_t *rows, size_t len);

/* Which of the levels an argument, a column, has: len numbers; none for other values. Borrows
 * levels for the time of the call. */
size_t sotto__recipe_levels(struct sotto__recipe *recipe, size_t argument,
                            struct sotto__level *levels, size_t len);

/* --- What is asked --- */

/* Each returns its number among what the call asks in this round. index: SOTTO_NONE, or there is a
 * count or a sum for each number of the index, in order. */
size_t sotto__recipe_count(struct sotto__recipe *recipe, size_t row);
size_t sotto__recipe_counts(struct sotto__recipe *recipe, size_t index);
/* No counts, but, of each cell of an index of parts, how many parties ask for a number of rows, and
 * how many of these have fewer, and enough, in each node of a tree of halves. Its nodes are
 * numbered from 1, the halves of node n are 2n and 2n + 1. */
size_t sotto__recipe_bearing(struct sotto__recipe *recipe, size_t index);
/* Where these stand of a cell, and of a node of its tree, among what was asked. */
size_t sotto__asking_at(const struct sotto__index *index, size_t cell);
size_t sotto__few_at(const struct sotto__index *index, size_t cell, size_t node);
size_t sotto__enough_at(const struct sotto__index *index, size_t cell, size_t node);
/* In how many rows a condition is true: a cell, which a party can withhold alone. */
size_t sotto__recipe_cell(struct sotto__recipe *recipe, size_t row);
size_t sotto__recipe_sum(struct sotto__recipe *recipe, size_t row, size_t index);
/* The exact sum of the product of 2 to 4 rows, all exact or all doubles, that have values together.
 * Infinite ones are left out: ask for their own sums. */
size_t sotto__recipe_product(struct sotto__recipe *recipe, const size_t *rows, size_t len);
/* That of two rows, or of one with itself; of levels of one C() as few sums as tell them. */
size_t sotto__recipe_pair(struct sotto__recipe *recipe, size_t a, size_t b);
/* That of the doubles nearest to the products of two rows, as doubles. */
size_t sotto__recipe_rounded(struct sotto__recipe *recipe, size_t a, size_t b);
/* The exact sums of the products of all pairs of rows with values together, row by row of the upper
 * triangle. With a weight, doubles: of the doubles nearest to (weight * row) * row, the first
 * product rounded too; infinite rows count as NaN made. What is 0 in every row, as of two levels of
 * one C(), is not asked for. Returns: the first one's number. */
size_t sotto__recipe_gram(struct sotto__recipe *recipe, const size_t *rows, size_t len,
                          size_t weight);

#endif
