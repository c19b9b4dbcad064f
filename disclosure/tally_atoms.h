/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_TALLY_ATOMS_H
#define SOTTO_DISCLOSURE_TALLY_ATOMS_H

/* The atoms that a party's rows fall into, with what is gathered of each: tally_atoms.c, and
 * tally_products.c for the levels of pairs. */

#include <sotto/bytes.h>
#include <sotto/ledger.h>

#define SOTTO__TALLY_NOT_ASKED UINT32_MAX /* the group of rows that are not asked */

/* The different values of a column, if few. */
struct levels {
    double values[SOTTO_LEDGER_LEVELS];
    size_t len;
    bool is_over;
};

/* What rows are counted by for a pair: whether alone is 0, and the level of by. Of columns that are
 * shown; SOTTO_NONE: 1. */
struct pair {
    size_t alone;
    size_t by[2];
    size_t measures[2]; /* alone's, and the product's */
};

/* Of keys in a sample. */
#define SOTTO__TALLY_KEYS_MAX 1024

/* The smallest hashes of keys, in order. */
struct seen_keys {
    uint64_t hashes[SOTTO__TALLY_KEYS_MAX];
    size_t len;
    bool has_twins; /* two rows have the same */
};

struct atoms {
    const struct pair *pairs;
    size_t pairs_len;
    struct levels *levels; /* of each pair */
    struct sotto_ledger_slice
        *slices; /* [(atom * pairs_len + pair) * SOTTO_LEDGER_LEVELS + level] */
    size_t predicates_len;
    size_t measures_len;
    uint16_t *classes; /* [atom * predicates_len + predicate] */
    uint32_t *groups;  /* SOTTO__TALLY_NOT_ASKED, or the group (0 where there are none) */
    uint64_t *rows;
    struct sotto_sketch *sketches;             /* [atom * measures_len + measure] */
    struct sotto_ledger_magnitude *magnitudes; /* likewise */
    size_t len;
    bool are_too_many;      /* of some rows: more than a ledger takes */
    struct seen_keys *keys; /* of rows in parts, if these have a key; else NULL */
    size_t capacity_len;
    uint32_t *slots; /* hash table: atom + 1, or 0 */
    size_t slots_len;
    uint32_t *atom_of;     /* [number of the row]: atom + 1, or 0 */
    uint16_t *row_classes; /* scratch: of one row */
    uint32_t *places;      /* scratch: of some rows */
    uint32_t *found;       /* likewise: atoms */
    double *values;        /* likewise */
    uint8_t *states;       /* likewise */
    size_t places_len;
};

/* --- tally_atoms.c --- */

/* Wipes what sketches hold of values. */
void sotto__tally_release_atoms(struct atoms *atoms);
/* Returns: SOTTO_ERROR_LIMIT, saying so. */
enum sotto_status sotto__tally_fail_too_many(struct sotto_error *err) SOTTO_NODISCARD;
/* Finds the atom of these classes and group, or makes it. Returns: SOTTO_ERROR_LIMIT for more than
 * a ledger takes, SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__tally_find_atom(struct atoms *atoms, size_t *out, const uint16_t *classes,
                                         uint32_t group, struct sotto_error *err) SOTTO_NODISCARD;
struct placed_atom {
    const struct atoms *atoms;
    size_t at;
};
/* Whether atom i comes before atom j, by classes and group. */
bool sotto__tally_is_before(const struct atoms *atoms, size_t i, size_t j);
/* All atoms in this order, whatever the order of rows was. Returns: NULL if there is no memory.
 * Ended by sotto_free. */
struct placed_atom *sotto__tally_sort_atoms(const struct atoms *atoms) SOTTO_NODISCARD;
/* Adds the rows of another's atom i to one. */
void sotto__tally_add_atom(struct atoms *in_out, size_t atom, const struct atoms *other, size_t i);
/* Adds all atoms of another. Returns: as sotto__tally_find_atom. */
enum sotto_status sotto__tally_merge_atoms(struct atoms *in_out, const struct atoms *other,
                                           struct sotto_error *err) SOTTO_NODISCARD;

/* --- tally_products.c --- */

void sotto__tally_add_levels(struct atoms *in_out, size_t atom, const struct atoms *other, size_t i,
                             size_t pair);

/* --- tally_keys.c --- */

/* Takes keys' hashes, 0 where there is none. */
void sotto__tally_take_keys(struct seen_keys *in_out, const uint64_t *hashes, size_t len);
void sotto__tally_merge_keys(struct seen_keys *in_out, const struct seen_keys *other);
void sotto__tally_write_keys(struct sotto_writer *writer, const struct seen_keys *keys);
/* Into zeros. Makes the reader fail for what nobody writes. */
void sotto__tally_read_keys(struct seen_keys *out, struct sotto_reader *reader);

/* --- tally_bytes.c --- */

/* Writes what atoms are of, and atoms. Returns: SOTTO_ERROR_NO_MEMORY; else a failure is the
 * writer's. */
enum sotto_status sotto__tally_write_atoms(const struct atoms *atoms,
                                           struct sotto_writer *writer) SOTTO_NODISCARD;
/* Reads how many predicates, measures and pairs atoms are of, with the levels of pairs, into atoms
 * of zeros; then the atoms. Make the reader fail for what no rows say. Return:
 * SOTTO_ERROR_NO_MEMORY, as sotto__tally_find_atom. Ended by sotto__tally_release_atoms, after a
 * failure too. */
enum sotto_status sotto__tally_read_lens(struct atoms *out,
                                         struct sotto_reader *reader) SOTTO_NODISCARD;
enum sotto_status sotto__tally_read_atoms(struct atoms *in_out, struct sotto_reader *reader,
                                          struct sotto_error *err) SOTTO_NODISCARD;
/* How many rows all atoms hold, or some number above 2^60. */
uint64_t sotto__tally_count_rows(const struct atoms *atoms);

#endif
