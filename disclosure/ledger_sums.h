/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_LEDGER_SUMS_H
#define SOTTO_DISCLOSURE_LEDGER_SUMS_H

/* Sums over sets of atoms, asked for and told: ledger_asked.c lists those of a question,
 * ledger_told.c those of earlier answers, ledger_given.c decides what they give away together. */

#include "chain.h"

/* Atoms as the sets of sums see them. A column is an atom of today or, from atoms_len on, an atom
 * as it was in an earlier answer, or what changed in it since. */
struct sotto__ledger_sums {
    struct sotto__ledger_sum *list;
    size_t len;
    size_t capacity_len;
    uint32_t *columns; /* of all of them, one sum after the other */
    size_t columns_len;
    size_t columns_capacity_len;
    uint64_t *old_weights; /* values of columns from atoms_len on */
    size_t old_len;
    size_t old_capacity_len;
    uint64_t *lost; /* of each atom: values that it did not have yet; NULL: all are as they were */
};

struct sotto__ledger_sum {
    size_t first; /* of its columns */
    size_t len;
    size_t group;                     /* of the question; 0 without groups */
    bool is_whole;                    /* all that is asked of the group */
    uint64_t mark;                    /* equal where the sets of today's atoms are */
    bool is_old;                      /* told of values of which some are others now */
    bool is_written;                  /* lately, in words of as many predicates as there are now */
    struct sotto__ledger_words words; /* of a sum that is asked */
};

/* Frees what sums hold and leaves none. */
void sotto__ledger_sums_release(struct sotto__ledger_sums *sums);
/* Adds a column to the sum that is added next; ends that sum. Return: false if there is no memory.
 */
bool sotto__ledger_sums_add_column(struct sotto__ledger_sums *in_out, size_t column);
bool sotto__ledger_sums_add(struct sotto__ledger_sums *in_out, const struct sotto__ledger_sum *sum);
/* What today's atoms are marked by. */
uint64_t sotto__ledger_sums_mark_atom(size_t atom);

/* --- ledger_told.c: what entries of a measure say --- */

/* A sum that was told. */
struct sotto__old_sum {
    uint64_t answer;
    size_t predicates_len;
    bool is_young;
    struct sotto__ledger_words words;
};

/* An atom as it was. */
struct sotto__old_atom {
    uint64_t digest[2]; /* of its classes, as numbers: 10,000 are sorted at a time */
    size_t predicates_len;
    uint64_t number; /* of the entry */
    uint64_t answer;
    uint64_t version; /* equal where the values are */
    uint64_t values;
    uint64_t distance; /* to today's values */
};

struct sotto__old {
    struct sotto__old_sum *sums;
    size_t sums_len;
    size_t sums_capacity_len;
    struct sotto__old_atom *atoms;
    size_t atoms_len;
    size_t atoms_capacity_len;
};

/* Empties what was collected of a measure. */
void sotto__old_release(struct sotto__old *old);
/* Adds what an entry says. Return: false if there is no memory. */
bool sotto__old_add_sum(struct sotto__old *in_out, const struct sotto__ledger_entry *entry,
                        bool is_young);
bool sotto__old_add_atom(struct sotto__old *in_out, const struct sotto__ledger_entry *entry,
                         uint64_t distance);
/* How many values a sketch is of. */
uint64_t sotto__sketch_values(const struct sotto_sketch *sketch);

/* --- ledger_given.c --- */

/* A matrix of what sums have of columns, each with a weight, of which some sums are looked at. */
struct sotto__given {
    struct sotto__given_row *rows;
    size_t rows_len;
    size_t rows_capacity_len;
    struct sotto__given_part *parts;
    size_t parts_len;
    size_t parts_capacity_len;
    const uint64_t *weights; /* of columns */
    size_t columns_len;
    uint64_t prime;
};

struct sotto__given_part {
    size_t column;
    uint64_t factor; /* below the prime */
};

struct sotto__given_row {
    size_t first;
    size_t len;
    size_t group; /* of the question; SOTTO_NONE: it was told before */
};

void sotto__given_release(struct sotto__given *given);
/* Adds to the row that is ended next; ends it. Return: false if there is no memory. */
bool sotto__given_add_part(struct sotto__given *in_out, size_t column, uint64_t factor);
bool sotto__given_end_row(struct sotto__given *in_out, size_t group);
/* Marks (with 1 in is_failed) groups whose sums, beside those that were told and those of groups
 * before that did not fail, give away 1 to min_rows - 1 of the columns' weight; but none whose sums
 * say nothing new. Groups that failed already have no sums. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__given_judge(const struct sotto__given *given, uint8_t *is_failed,
                                     size_t groups_len, uint64_t min_rows) SOTTO_NODISCARD;

#endif
