/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_LEDGER_DECIDE_H
#define SOTTO_DISCLOSURE_LEDGER_DECIDE_H

/* What is decided about one file of a question, for the files that this is spread over: ledger.c
 * (questions, and what is written down), ledger_decide.c (the verdict), ledger_compare.c (earlier
 * answers), ledger_predicates.c (what a file was asked about). */

#include "chain.h"

/* A sum was told before; lately, so that it need not be written down again. */
enum {
    SOTTO__LEDGER_IS_REPEATED = 1,
    SOTTO__LEDGER_IS_WRITTEN = 2,
};

/* What is decided about one file. */
struct decision {
    const struct sotto_ledger_question *question;
    const struct sotto_ledger_file *file;
    struct sotto_ledger *ledger;
    uint64_t epoch;
    size_t measure;
    struct prefix **prefixes; /* [classes_len][atom]: by their first classes; NULL: not made yet */
    uint8_t *has_failed;      /* of each atom */
    uint8_t *is_known;        /* [measure * atoms_len + atom]: part of an earlier answer */
    uint8_t *is_written;      /* likewise: this very sketch is in the ledger */
    uint64_t stands;          /* number of the answer that the first failure is about; 0: none */
    uint64_t few_rows;        /* that are singled out; 0: none */
    bool is_dominated;        /* by one row */
    bool is_overlapping;      /* cells of a quantile would be cut by others, or by a condition */
    struct sotto_ledger_magnitude *added; /* scratch, of each group: what is not known */
    uint8_t *is_new;    /* scratch, of each group: it has an atom that is not known */
    uint64_t *new_rows; /* likewise: how many rows it has in these, or min_rows and more */
    uint8_t *repeats;   /* [measure * groups + group]: whether the sum was told before */
    uint8_t (*digests)[SOTTO_LEDGER_SUBJECT_BYTES]; /* of each group */
    size_t digests_of;                              /* so many predicates; SOTTO_NONE: none yet */
    uint8_t *is_missing; /* of each atom: few, and by missing values, see missing.c */
    size_t failed_measure;
    const struct sotto__ledger_set *parties;
    struct sotto_ledger_pending *pending; /* sets that the parties go with are added */
    struct told_set *told;                /* of the measure: all answers */
    size_t told_len;
    size_t told_capacity_len;
    bool has_same;    /* values of the measure are those of an earlier answer */
    uint8_t *is_told; /* of each measure: over these parties, lately */
};

/* Which group an atom is in, and how many there are: without groups, 0 of 1. */
static inline size_t sotto__decision_find_group(const struct decision *decision, size_t atom)
{
    return decision->question->groups_len > 0 ? decision->file->atoms[atom].group : 0;
}

static inline size_t sotto__decision_count_groups(const struct decision *decision)
{
    return decision->question->groups_len > 0 ? decision->question->groups_len : 1;
}

/* --- ledger_predicates.c --- */

/* Checks how long a text is; what: it, in words. Returns: SOTTO_ERROR_LIMIT. */
enum sotto_status sotto__ledger_check_text(const char *text, size_t bytes_max, const char *what,
                                           struct sotto_error *err) SOTTO_NODISCARD;
/* Reads the predicates of a file in an epoch, in their order. On failure *in_out has some of them.
 * Returns: SOTTO_ERROR_AUTH where one is missing; what storage returned. */
enum sotto_status sotto__ledger_read_predicates(struct sotto_ledger *ledger,
                                                struct sotto_ledger_texts *in_out, const char *file,
                                                uint64_t epoch,
                                                struct sotto_error *err) SOTTO_NODISCARD;
/* Adds a predicate; index: its place among those of the file. */
void sotto__ledger_add_predicate(struct sotto__ledger_batch *batch, const char *file,
                                 uint64_t epoch, size_t index, const char *text);

/* --- ledger_compare.c --- */

/* What an atom is known by, among those of one file and epoch. */
void sotto__ledger_digest_classes(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES], const uint16_t *classes,
                                  size_t len);
void sotto__decision_find_subject(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES],
                                  const struct decision *decision, size_t measure);
/* Holds a measure, which becomes that of the decision, against all that was answered of it.
 * Returns: SOTTO_ERROR_AUTH for an entry that can't be read, SOTTO_ERROR_NO_MEMORY; what storage
 * returned. */
enum sotto_status sotto__decision_compare(struct decision *decision, size_t measure,
                                          struct sotto_error *err) SOTTO_NODISCARD;
/* Checks the parties of a measure that was compared. Where the values are those of an earlier
 * answer, it is not known of which: of all. Returns: SOTTO_ERROR_REFUSED, SOTTO_ERROR_NO_MEMORY;
 * what storage returned. */
enum sotto_status sotto__decision_check_parties(struct decision *decision,
                                                struct sotto_error *err) SOTTO_NODISCARD;
/* Makes the digests of all groups, for so many predicates; those of the last number are kept. */
enum sotto_status sotto__decision_find_digests(struct decision *decision, size_t predicates_len,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* --- ledger_decide.c --- */

/* Ended by sotto__decision_release, also after a failure. */
enum sotto_status sotto__decision_init(struct decision *out, struct sotto_ledger *ledger,
                                       const struct sotto_ledger_question *question,
                                       const struct sotto_ledger_file *file,
                                       const struct sotto__ledger_set *parties,
                                       struct sotto_ledger_pending *pending,
                                       struct sotto_error *err) SOTTO_NODISCARD;
void sotto__decision_release(struct decision *decision);
/* Decides about one file; *decision is then what its part of the entry is made of. *out_known_len:
 * of how many predicates the ledger has. */
enum sotto_status sotto__decision_decide(struct decision *decision, size_t *out_known_len,
                                         uint8_t *withheld,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* --- cells.c --- */

/* Whether a measure is what a quantile counts by cells, and no sum. */
bool sotto__ledger_counts_cells(const struct sotto_ledger_measure *measure);
/* Holds such a measure, which was compared, against what was told of others of these rows. */
void sotto__decision_check_cells(struct decision *decision);
/* Holds their edges against those that were told of the same rows in the same cell. */
void sotto__decision_check_grids(struct decision *decision);
/* Holds cells that are asked for against all predicates, and predicates that the ledger does not
 * have yet against cells that were told. Returns: SOTTO_ERROR_NO_MEMORY; what storage returned. */
enum sotto_status sotto__decision_check_conditions(struct decision *decision, size_t known_len,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

/* --- products.c --- */

/* What a pair gives away of some atoms: all 0 at first. */
struct sotto__ledger_odd {
    uint64_t rows;                                         /* but for each atom's commonest value */
    struct sotto_ledger_magnitude magnitude;               /* of these */
    struct sotto_ledger_slice both[SOTTO_LEDGER_LEVELS];   /* of atoms that are known of both */
    struct sotto_ledger_slice others[SOTTO_LEDGER_LEVELS]; /* not known of the sum alone */
};
/* Adds an atom. */
void sotto__ledger_odd_add(struct sotto__ledger_odd *in_out, const struct sotto_ledger_pair *pair,
                           size_t atom, bool is_product_known, bool is_alone_known);
/* How many rows the pair gives away; 0: none, or min_rows at least. */
uint64_t sotto__ledger_odd_count(const struct sotto__ledger_odd *odd,
                                 const struct sotto_ledger_file *file,
                                 const struct sotto_ledger_pair *pair, uint64_t min_rows);
/* Whether one row dominates what it gives away. */
bool sotto__ledger_odd_is_dominated(const struct sotto__ledger_odd *odd,
                                    const struct sotto_ledger_pair *pair, unsigned dominance);
/* Rows of an atom in which the product is not 0; *out_is_pure: its factor has one value in all of
 * the atom, so that the product tells the sum alone there. */
uint64_t sotto__ledger_count_factor(const struct sotto_ledger_pair *pair, bool *out_is_pure,
                                    size_t atom);

#endif
