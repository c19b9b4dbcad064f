/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_LEDGER_CHANGED_H
#define SOTTO_DISCLOSURE_LEDGER_CHANGED_H

/* Atoms of which many values are others now, and what they say together (ledger_changed.c). */

#include "chain.h"

struct decision;

struct sotto__changed_atom {
    uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES];
    size_t predicates_len;
    uint64_t answer;
    bool is_asked;
    bool is_other;              /* some values are others now */
    bool is_new;                /* since what was compared last */
    struct sotto_sketch change; /* today's values less those of then */
    size_t told;                /* 1 + the last of what was told of it; 0: none is kept */
};

/* The values of an atom as an answer told them, other ones than the answer before. */
struct sotto__told_values {
    struct sotto_sketch sketch;
    int64_t more;  /* how many, as sotto_sketch_more */
    size_t before; /* 1 + what was told before; 0: nothing */
    bool is_other; /* some of them are others today */
};

/* Of a measure: each atom as the last answer told it. Zeros: of none. */
struct sotto__changed {
    struct sotto__changed_atom *list;
    size_t len;
    size_t capacity_len;
    int64_t *mores; /* of each atom how many more values it has now: apart, as pairs are many */
    size_t mores_capacity_len;
    size_t at;       /* of the atom that an entry was of last */
    uint64_t answer; /* the last one */
    struct sotto__told_values *told;
    size_t told_len;
    size_t told_capacity_len;
    struct sotto__changed_atom whole; /* all atoms together */
    struct sotto_sketch whole_told;   /* as they were told last, with most predicates */
};

void sotto__changed_release(struct sotto__changed *changed);
/* Takes an entry of an atom, and its values of today; is_other: whether these are others. Entries
 * come by their numbers. Returns: false if there is no memory. */
bool sotto__changed_add(struct decision *decision, const struct sotto__ledger_entry *old,
                        const struct sotto_sketch *now, bool is_other, bool is_asked);
/* Fails what is asked of atoms of the measure whose changes cancel but for few values: to be called
 * when all entries were taken too. */
void sotto__changed_compare(struct decision *decision);
/* Fails what is asked of an atom. */
void sotto__changed_fail(struct decision *decision, const struct sotto__changed_atom *atom);

#endif
