/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_TABLES_H
#define SOTTO_ENGINE_CONTRIBUTE_TABLES_H

/* Two tables of what rows are like, which merge in any order. */

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
    size_t last;   /* the atom that was found last */
    size_t before; /* and the one before it */
    enum sotto_status status;
};

void sotto__atoms_init(struct sotto__atoms *out, size_t words);
void sotto__atoms_release(struct sotto__atoms *atoms);
/* Adds rows to the atom of a key. A failure is kept: SOTTO_ERROR_NO_MEMORY, SOTTO_ERROR_LIMIT. */
void sotto__atoms_add(struct sotto__atoms *atoms, const uint32_t *key, uint64_t rows);
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

#endif
