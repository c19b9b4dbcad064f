/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PROGRAM_TERMS_H
#define SOTTO_ENGINE_PROGRAM_TERMS_H

/* What a round sums up, and for whom. */

#include "expression/functions.h"
#include "program/operations.h"

enum sotto__term_kind {
    SOTTO__TERM_COUNT,    /* rows where a factor is present */
    SOTTO__TERM_NAN_MADE, /* rows where NaN was made */
    SOTTO__TERM_SUM,      /* the sum of the product of the factors; exact ones have one factor */
    /* Many counts: */
    SOTTO__TERM_COUNTS, /* rows by the numbers of an index, a limb each */
    /* For each cell of an index of parts, parties that ask for a number of rows in it, and of these
     * those with fewer, and with as many, in each node of a tree of halves (recipe.h). None is
     * neither. A party finds them when its rows are over. Four are in a limb. */
    SOTTO__TERM_BEARING,
};

/* Of counts of parties. */
#define SOTTO__COUNTS_IN_LIMB 4
#define SOTTO__PARTIES_BITS 16

#define SOTTO__TERM_FACTORS_MAX 4

struct sotto__term {
    enum sotto__term_kind kind;
    size_t factors[SOTTO__TERM_FACTORS_MAX]; /* operations */
    size_t factors_len;
    enum sotto__row_kind type;
    unsigned bits;
    unsigned scale;
    bool never_negative;
    bool has_infinities; /* a float64 of one factor: +inf and -inf, one limb each after the sum */
    bool is_cell; /* a bin or a level, and nothing else: after its limbs one that counts the parties
                     that withhold it */
    size_t counts_len; /* of many counts: their limbs; else 0 */
    size_t limbs;
    size_t offset;      /* in limbs, of the first group */
    size_t accumulator; /* offset in units of 128 bits, of the first group */
    size_t times;       /* doubles: each is multiplied by this one and rounded; or SOTTO_NONE */
    bool is_in_gram; /* of times: all products of a weighted row count as one measure, that row */
    /* SOTTO_NONE, or the index whose counts it is the sum of: of first, up to and without last. */
    size_t index;
    size_t first;
    size_t last;
    bool is_binned; /* not a count: the sum of the values whose number in the index is first */
    size_t grids;   /* with groups, where sotto__term_has_grids: which of the program's */
};

/* Whether, with groups, its values are added up on grids (sums/grouped.c). */
static inline bool sotto__term_has_grids(const struct sotto__term *term)
{
    return term->kind == SOTTO__TERM_SUM && term->type == SOTTO__ROW_FLOAT &&
           term->factors_len <= 2 && !term->is_binned;
}

/* Whether it is one sum of an index's counts. */
static inline bool sotto__term_is_counted(const struct sotto__term *term)
{
    return term->index != SOTTO_NONE && !term->is_binned && term->counts_len == 0;
}

/* How many counts a term has that is no sum. */
static inline size_t sotto__term_numbers(const struct sotto__term *term)
{
    size_t in_limb = term->kind == SOTTO__TERM_BEARING ? SOTTO__COUNTS_IN_LIMB : 1;
    return term->counts_len > 0 ? term->counts_len * in_limb : 1;
}

/* One of these. limbs: the term's. */
static inline uint64_t sotto__term_count(const struct sotto__term *term, const uint64_t *limbs,
                                         size_t number)
{
    if (term->kind != SOTTO__TERM_BEARING) {
        return limbs[number];
    }
    unsigned shift = SOTTO__PARTIES_BITS * (number % SOTTO__COUNTS_IN_LIMB);
    return limbs[number / SOTTO__COUNTS_IN_LIMB] >> shift &
           ((UINT64_C(1) << SOTTO__PARTIES_BITS) - 1);
}

/* What an aggregate is made of; indices of terms, SOTTO_NONE: not used. */
enum {
    SOTTO__MOMENT_COUNT,
    SOTTO__MOMENT_NAN_MADE,
    SOTTO__MOMENT_X,
    SOTTO__MOMENT_XX,
    SOTTO__MOMENT_XXX,
    SOTTO__MOMENT_XXXX,
    SOTTO__MOMENT_Y,
    SOTTO__MOMENT_YY,
    SOTTO__MOMENT_XY,
    SOTTO__MOMENTS_LEN
};
struct sotto__moments {
    size_t terms[SOTTO__MOMENTS_LEN];
    unsigned round; /* that opens it: the others' programs have no terms here */
    size_t call;    /* of a method, among all calls; else SOTTO_NONE */
};

/* What a call of a method asks of a round: a count, a sum or a product, with moments of its own; or
 * what is told of an index: its counts, one term, or sums, one term for each number. */
struct sotto__asked {
    size_t call;
    enum sotto__function function; /* SOTTO__FUNCTION_COUNT, _SUM or _DOT */
    struct sotto__moments moments;
    size_t first_term;
    size_t terms_len; /* 0: moments */
    bool is_cell;     /* it can be withheld alone */
    bool is_zero;     /* whatever the rows are: nothing is asked */
};

/* Words of a group's state that are its parameters. */
struct sotto__link {
    size_t call;
    size_t state_word; /* SOTTO_NONE: one word, whether the call goes on in the group */
    size_t words;
    size_t place;
};

#endif
