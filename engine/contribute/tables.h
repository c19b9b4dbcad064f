/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_TABLES_H
#define SOTTO_ENGINE_CONTRIBUTE_TABLES_H

/* Tables of what rows are like, which merge in any order. */

#include "rows/rows.h"
#include <sotto/status.h>

/* --- atoms.c: rows by what holds of them --- */

/* Cells of the Venn diagram of a dataset's sets. A key is of words: the group, the row's number in
 * each index, and its bits. */
struct sotto__atoms {
    size_t words; /* of a key */
    uint32_t *keys;
    uint64_t *rows;
    size_t len;
    size_t capacity_len;
    uint32_t *slots; /* of the table: 1 + the number of an atom, 0 for none */
    size_t slots_len;
    enum sotto_status status;
};

/* Keys of a piece of rows, word by word. */
struct sotto__keys {
    uint32_t *words; /* [word * SOTTO__ROWS_LEN + row] */
    size_t *used;    /* the words that are set; all others are 0 */
    size_t used_len;
};

void sotto__atoms_init(struct sotto__atoms *out, size_t words);
void sotto__atoms_release(struct sotto__atoms *atoms);
/* Takes one more word of rows' keys into their hashes, 0 at first. Words that are 0 add nothing. */
void sotto__atoms_hash(uint64_t *in_out, const uint32_t *words, size_t word, size_t len);
uint64_t sotto__atoms_hash_key(const struct sotto__atoms *atoms, const uint32_t *key);
/* Adds rows to the atom of a key, whose hash it is. A failure is kept: SOTTO_ERROR_NO_MEMORY,
 * SOTTO_ERROR_LIMIT. */
void sotto__atoms_add(struct sotto__atoms *atoms, const uint32_t *key, uint64_t hash,
                      uint64_t rows);
/* Orders them by their keys; afterwards none can be added. */
void sotto__atoms_sort(struct sotto__atoms *atoms);

/* --- spread.c: how values are spread --- */

/* The different values of a column, as far as there are few. */
struct sotto__spread_values {
    uint64_t *values;
    uint64_t *counts; /* 0: an empty place of the table */
    size_t places_len;
    size_t len;
    bool is_over; /* there were more than may be */
    size_t last;  /* the place that was found last */
};

void sotto__spread_release(struct sotto__spread_values *spread);
/* Adds rows of a value, of at most max different ones. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__spread_add(struct sotto__spread_values *spread, uint64_t value,
                                    uint64_t rows, size_t max) SOTTO_NODISCARD;
enum sotto_status sotto__spread_merge(struct sotto__spread_values *in_out,
                                      const struct sotto__spread_values *other,
                                      size_t max) SOTTO_NODISCARD;

/* --- distinct.c: identifiers --- */

#define SOTTO__DISTINCT_LOTS 1024

/* How many different values a column has, about. Zeros: of no rows. */
struct sotto__distinct {
    uint8_t lots[SOTTO__DISTINCT_LOTS];
    double least;
    double most;
    double shortest; /* the least magnitude */
    uint64_t rows;
    bool is_broken; /* there is a fraction */
};

/* Takes values; NaN is none. */
void sotto__distinct_add(struct sotto__distinct *in_out, const double *values, size_t len);
void sotto__distinct_merge(struct sotto__distinct *in_out, const struct sotto__distinct *other);
/* Whether its values are whole numbers, nearly all different, and close together or long. */
bool sotto__distinct_identifies(const struct sotto__distinct *distinct);

/* --- affine.c: columns that are the same but for few rows --- */

/* Of a pair of columns, as far as all rows stand on one line. */
struct sotto__line {
    double u[2]; /* of two different points */
    double v[2];
    size_t points_len;
    bool is_broken; /* a row stands elsewhere */
};

/* Of the rows of a group. Nothing is allocated before the first one. */
struct sotto__affine {
    size_t columns_len;
    size_t sample_max; /* up to twice as many between two calls of _prune */
    size_t sample_len;
    size_t capacity_len;
    double *values; /* [row * columns_len + column] */
    uint64_t *hashes;
    uint64_t *sorted; /* for _prune */
    uint64_t *counts; /* how often the row occurs */
    uint32_t *slots;  /* of a table: 1 + the row, 0 for none */
    size_t slots_len;
    uint64_t limit;            /* rows with higher hashes are not in the sample */
    bool is_sampled;           /* there are such */
    struct sotto__line *lines; /* of all pairs */
    size_t open_len;           /* those that are not broken */
};

void sotto__affine_init(struct sotto__affine *out, size_t columns_len, size_t groups_len,
                        size_t min_rows);
void sotto__affine_release(struct sotto__affine *affine);
/* Takes one more column of rows into their hashes, 0 at first. */
void sotto__affine_hash(uint64_t *in_out, const double *values, size_t column, size_t len);
/* Takes a row of at least two columns, with its hash: a value for each, NaN where there is none.
 * Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__affine_add(struct sotto__affine *affine, const double *row,
                                    uint64_t hash) SOTTO_NODISCARD;
/* Whether a row with this hash changes nothing but that there was one. */
static inline bool sotto__affine_passes(struct sotto__affine *affine, uint64_t hash)
{
    bool passes = affine->lines != NULL && affine->open_len == 0 && hash > affine->limit;
    affine->is_sampled = affine->is_sampled || passes;
    return passes;
}
/* Makes room for the lines of rows that were looked at elsewhere, of at least two columns; a row of
 * their sample, with how often it occurs. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__affine_restore(struct sotto__affine *affine) SOTTO_NODISCARD;
enum sotto_status sotto__affine_restore_row(struct sotto__affine *affine, const double *row,
                                            uint64_t hash, uint64_t rows) SOTTO_NODISCARD;
void sotto__affine_prune(struct sotto__affine *affine);
/* Puts the sample in an order that its rows alone decide; afterwards none can be added. Returns:
 * SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__affine_sort(struct sotto__affine *affine) SOTTO_NODISCARD;
enum sotto_status sotto__affine_merge(struct sotto__affine *in_out,
                                      const struct sotto__affine *other) SOTTO_NODISCARD;
/* Of any fewer than min_rows rows, how many are not among the first rows_len of the sample: so many
 * or more, but once in a million times. */
uint64_t sotto__affine_count_few(const struct sotto__affine *affine, size_t rows_len,
                                 uint64_t min_rows);
/* Whether two columns are affine functions of each other but for some rows, and fewer than
 * min_rows.
 * Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__affine_is_near(bool *out, const struct sotto__affine *affine, size_t a,
                                        size_t b, uint64_t min_rows) SOTTO_NODISCARD;

#endif
