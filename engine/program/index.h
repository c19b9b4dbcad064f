/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PROGRAM_INDEX_H
#define SOTTO_ENGINE_PROGRAM_INDEX_H

/* One number a row instead of many conditions: the level of a key, or the place of a value among
 * sorted numbers. */

#include "kernels/kernels.h"
#include "plan/plan.h"

/* --- levels.c: the values of a key column and their groups --- */

struct sotto__levels;
enum sotto_status sotto__levels_new(struct sotto__levels **out, const struct sotto__group_key *key,
                                    struct sotto_type type,
                                    struct sotto_error *err) SOTTO_NODISCARD;
void sotto__levels_free(struct sotto__levels *levels);
#define SOTTO__GROUP_NONE UINT32_MAX /* the row's key is missing */
#define SOTTO__GROUP_OTHER (UINT32_MAX - 1)
/* The levels of rows at to at + len of a key column's block. */
void sotto__levels_find(uint32_t *out, const struct sotto__levels *levels,
                        const struct sotto_column *block, size_t at, size_t len);
/* The part of a date in days, or of a datetime in microseconds. */
int64_t sotto__date_part(enum sotto__function part, enum sotto_kind kind, int64_t value);
/* Where the level of a value changes: at each bound (of exact numbers, or doubles), around each
 * number, or for each text. Borrows from the levels. */
struct sotto__level_cuts {
    size_t len;
    const struct sotto__level *texts;
    const double *doubles;
    const sotto__int128 *bounds;
    const void *numbers;
};
/* Returns: false where a column's values do not say it in their order, as parts of dates. */
bool sotto__levels_cuts(struct sotto__level_cuts *out, const struct sotto__levels *levels);
/* Exact cut i: a bound or a number. */
sotto__int128 sotto__levels_cut(const struct sotto__level_cuts *cuts, size_t i);
/* With the groups of all others and of missing values, if there are such. */
size_t sotto__levels_len(const struct sotto__levels *levels);

/* --- index.c: conditions on one value that are counted by one index --- */

/* The number of a row by one of these, with len + 1 numbers: */
enum sotto__index_kind {
    SOTTO__INDEX_LIMITS, /* how many of the len sorted limits are at its value or below */
    SOTTO__INDEX_LEVELS, /* that of its value among len levels; len: any other */
    SOTTO__INDEX_EDGES,  /* as limits, by doubles that each group has of its own */
    SOTTO__INDEX_DIGITS, /* cell * 2^bits + digit, by bases of each group's own; len: in no cell */
    SOTTO__INDEX_PARTS,  /* likewise, by cells of each group's own or by fixed limits, then by maps
                          */
    SOTTO__INDEX_LEAST,  /* which of len operations has the least value */
};

/* A row without a value has number len + 1, one that made NaN len + 2, one that is left out len
 * + 3.
 */
struct sotto__index {
    enum sotto__index_kind kind;
    bool is_asked; /* by a method, which has each number counted by itself */
    bool is_borne; /* likewise, but only parties with few and with enough rows are told, not rows */
    bool is_mapped; /* PARTS: the number is that which a map gives for the digit, in its cell */
    size_t map;     /* the map's place: SOTTO__MAP_WORDS for each cell, a byte for each digit */
    size_t op;      /* whose values they are: of numbers, or a column of texts */
    /* LEAST: the operations, op is the last one and has a value where all have. */
    size_t *ops;
    size_t ops_len;
    size_t place; /* EDGES, DIGITS, PARTS without limits: of the parameters */
    size_t cells_len;
    unsigned shift;
    unsigned digit_bits;
    unsigned key_bits; /* DIGITS, PARTS: bases are of keys plus 2^(key_bits - 1), which are not
                          negative */
    size_t len;
    size_t offset;     /* of its len + 4 counts among a group's */
    size_t twin;       /* the first index whose numbers are the same in all rows; may be itself */
    size_t padded_len; /* a power of two, less 1: limits beyond len are above all values */
    size_t narrow_len; /* limits that a value of 64 bits can reach */
    /* Those of exact values of one limb and of two, or of doubles; else NULL. */
    int64_t *narrow_limits;
    sotto__int128 *limits;
    double *double_limits;
    struct sotto__levels *levels; /* of a column */
    struct sotto__level *texts;
};

#define SOTTO__MAP_WORDS 32

/* The parameters of a cell of parts: its first key and how many follow it, of two words each; by
 * how many bits its digits are shifted. */
enum {
    SOTTO__CELL_FIRST = 0,
    SOTTO__CELL_SPAN = 2,
    SOTTO__CELL_SHIFT = 4,
    SOTTO__CELL_WORDS = 5,
};

/* The numbers that rows with a value may have, each of which can be counted. */
static inline size_t sotto__index_bins(const struct sotto__index *index)
{
    return index->len + (index->kind == SOTTO__INDEX_EDGES);
}

void sotto__index_release(struct sotto__index *index);
struct sotto__program;
/* Finds the twins of a program whose parameters are set: searches in one column begin in the same
 * cells. Until then each index is its own. */
void sotto__indices_find_twins(struct sotto__program *program);
/* Gives an index of exact values len rising limits: copies them. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__index_set_limits(struct sotto__index *index, const sotto__int128 *limits,
                                          size_t len) SOTTO_NODISCARD;

/* --- scale.c: the parts that keys are in before anything is known of them --- */

#define SOTTO__SCALE_PARTS_MAX 256
/* The first key of each of at most 2^bits parts, from 0 up, which cover all keys of key_bits bits;
 * 2^(key_bits - 1) is added to keys. Where two are equal the first part is empty. Returns: how many
 * there are. */
size_t sotto__scale_parts(sotto__uint128 *out, unsigned key_bits, unsigned bits, bool are_doubles);

#endif
