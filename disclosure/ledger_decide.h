/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_LEDGER_DECIDE_H
#define SOTTO_DISCLOSURE_LEDGER_DECIDE_H

/* What is decided about one file of a question, for the files that this is spread over: ledger.c
 * (questions, and what is written down), ledger_decide.c (the verdict), ledger_compare.c (earlier
 * answers), ledger_predicates.c (what a file was asked about). */

#include "ledger_changed.h"
#include "ledger_parties.h"
#include "ledger_sums.h"

/* A sum was told before; lately, so that it need not be written down again. */
enum {
    SOTTO__LEDGER_IS_REPEATED = 1,
    SOTTO__LEDGER_IS_WRITTEN = 2,
};

/* An atom by its first classes. */
struct prefix {
    uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES];
    size_t atom;
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
    bool are_few;             /* that are singled out */
    bool is_dominated;        /* by one row */
    char quantile_of[104];    /* what has cells that others, or a condition, would cut; "": none */
    struct sotto__ledger_sums asked[2];   /* of measures that are sums, and of the count */
    struct sotto__ledger_sums *told_sums; /* of each measure, once it was compared */
    struct sotto__changed *changed;       /* likewise */
    uint64_t *values;                     /* [measure * atoms_len + atom]: how many it is told of */
    uint8_t *repeats;    /* [measure * groups + group]: whether all that is asked was told before */
    uint8_t *is_missing; /* of each atom: few, and by missing values, see missing.c */
    size_t failed_measure;
    const struct sotto__ledger_set *parties;
    struct sotto_ledger_pending *pending; /* sets that the parties go with are added */
    struct told_set *told;                /* of the measure: all answers */
    size_t told_len;
    size_t told_capacity_len;
    bool has_same;      /* values of the measure are those of an earlier answer */
    bool is_of_parties; /* values of some measure are: it matters who the parties are */
    uint8_t *is_told;   /* of each measure: over these parties, lately */
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

/* Whether two multisets differ, but by fewer values than rows are needed. */
static inline bool sotto__decision_is_few(const struct decision *decision,
                                          const struct sotto_sketch *one,
                                          const struct sotto_sketch *other)
{
    return sotto_sketch_is_near(one, other, decision->question->min_rows);
}

/* The sums that are asked of a measure. */
static inline const struct sotto__ledger_sums *
sotto__decision_asked(const struct decision *decision, size_t measure)
{
    return &decision->asked[decision->file->measures[measure].is_count ? 1 : 0];
}

/* --- ledger_keys.c --- */

/* Checks that the file has the key of all answers of this epoch. predicates_len: those that it was
 * asked about. Returns: SOTTO_ERROR_REFUSED, SOTTO_ERROR_NO_MEMORY; what storage returned. */
enum sotto_status sotto__decision_check_key(const struct decision *decision, size_t predicates_len,
                                            struct sotto_error *err) SOTTO_NODISCARD;

/* --- ledger_asked.c, ledger_told.c --- */

/* Lists the sums that are asked. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__decision_list_asked(struct decision *decision,
                                             struct sotto_error *err) SOTTO_NODISCARD;
/* Lists the sums that were told of the measure, by its entries, whose atoms are sorted here. */
enum sotto_status sotto__decision_list_told(struct decision *decision, struct sotto__old *old,
                                            struct sotto_error *err) SOTTO_NODISCARD;

/* --- ledger_few.c, ledger_dominance.c --- */

/* Fails what gives few rows away beside what was told: of the measure, which was compared; of a
 * product beside its other factor. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__decision_check_few(struct decision *decision,
                                            struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__decision_check_pair(struct decision *decision,
                                             const struct sotto_ledger_pair *pair,
                                             struct sotto_error *err) SOTTO_NODISCARD;
/* The same of sums that one row makes up. */
enum sotto_status sotto__decision_check_dominance(struct decision *decision,
                                                  struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__decision_check_odd(struct decision *decision,
                                            const struct sotto_ledger_pair *pair,
                                            struct sotto_error *err) SOTTO_NODISCARD;

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

#endif
