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
    int64_t more;               /* how many more values there are now */
    struct sotto_sketch change; /* today's values less those of then */
};

/* Of a measure: each atom as the last answer told it. Zeros: of none. */
struct sotto__changed {
    struct sotto__changed_atom *list;
    size_t len;
    size_t capacity_len;
    uint64_t answer; /* the last one */
};

void sotto__changed_release(struct sotto__changed *changed);
/* Takes an entry of an atom, and its values of today; is_other: whether these are others. Entries
 * come by their numbers. Returns: false if there is no memory. */
bool sotto__changed_add(struct decision *decision, const struct sotto__ledger_entry *old,
                        const struct sotto_sketch *now, bool is_other, bool is_asked);
/* Fails what is asked of atoms of the measure whose changes cancel but for few values: to be called
 * when all entries were taken too. */
void sotto__changed_compare(struct decision *decision);
/* The same of a column and its product with one of zeros and ones. */
void sotto__changed_compare_pair(struct decision *decision, const struct sotto_ledger_pair *pair);

#endif
