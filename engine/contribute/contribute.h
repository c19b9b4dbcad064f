/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_CONTRIBUTE_H
#define SOTTO_ENGINE_CONTRIBUTE_CONTRIBUTE_H

/* Room contribute: a party's own rows, from any source, counted and summed up. */

#include "contribute/watching.h"
#include "driver.h"
#include "sums/sums.h"
#include <sotto/contribution.h>

/* --- guard.c: what is counted of rows, and judged --- */

/* What rows are counted on both sides of. */
enum sotto__condition_kind {
    SOTTO__CONDITION_TRUTH,   /* of a comparison, a boolean */
    SOTTO__CONDITION_PRESENT, /* whether the operand a has a value */
    SOTTO__CONDITION_VALUES,  /* whether the operation has one, or made NaN of values that are
                                 present */
};

struct sotto__condition {
    enum sotto__condition_kind kind;
    size_t op;
    bool compares;     /* the operation is a comparison */
    bool may_be_empty; /* a side of no rows at all is no concern */
    size_t limited;    /* what a limit is set to: an operation, or SOTTO_NONE */
    bool is_below;     /* the limit's true side: values below it */
    size_t term;       /* of a comparison that only an index counts: its term; or SOTTO_NONE */
};

/* What is counted in a round. Numbers of rows, all of which add up: of each dataset, as far as it
 * is read; with a value, of each column of the expansion; then those of conditions and groups.
 * Conditions of where come first: they are over all rows. */
struct sotto__guard {
    const struct sotto_driver *driver;
    const struct sotto__program *program;
    struct sotto__condition *conditions;
    size_t conditions_len;
    size_t capacity_len;
    size_t early_len;
    size_t group_len;     /* counts of a group: its rows, then two of each later condition */
    size_t conditions_at; /* where the counts of conditions and groups begin */
    size_t bins_at;       /* where the counts by the indices of methods begin */
    size_t bins_len;      /* of a group */
    size_t counts_len;
    bool asks;                /* of more than whether a column has values */
    enum sotto_status status; /* the first failure while conditions were collected */
};

/* Of the driver's round. Returns: SOTTO_ERROR_LIMIT, SOTTO_ERROR_NO_MEMORY. Ended by
 * sotto__guard_release, also after a failure. */
enum sotto_status sotto__guard_init(struct sotto__guard *out, const struct sotto_driver *driver,
                                    struct sotto_error *err) SOTTO_NODISCARD;
void sotto__guard_release(struct sotto__guard *guard);

struct sotto__evidence;

/* What the catalogues, of all datasets, say already. *out_counts: rows must be counted for the
 * rest. Returns: SOTTO_ERROR_REFUSED. */
enum sotto_status sotto__guard_foresee(bool *out_counts, const struct sotto__guard *guard,
                                       const struct sotto_catalogue *const *catalogues,
                                       uint64_t min_rows, struct sotto_error *err) SOTTO_NODISCARD;

/* Judges what rows said. Returns: SOTTO_ERROR_REFUSED. */
enum sotto_status sotto__guard_judge(const struct sotto__guard *guard, uint8_t *withheld,
                                     const struct sotto__evidence *evidence, uint64_t min_rows,
                                     struct sotto_error *err) SOTTO_NODISCARD;

/* --- evidence.c: what a party's rows say beside their sums --- */

/* Of some of the rows. */
struct sotto__evidence {
    const struct sotto__guard *guard;
    uint64_t *counts; /* guard->counts_len; NULL: nothing is counted */
};

/* Of no rows. Borrows guard. Returns: SOTTO_ERROR_NO_MEMORY. Ended by sotto__evidence_release,
 * which wipes it and bears zeros too. */
enum sotto_status sotto__evidence_init(struct sotto__evidence *out,
                                       const struct sotto__guard *guard) SOTTO_NODISCARD;
void sotto__evidence_release(struct sotto__evidence *evidence);
/* Adds what other rows say, under an equal guard. */
void sotto__evidence_merge(struct sotto__evidence *in_out, const struct sotto__evidence *other);
/* Counts a block of a dataset as it was read; and, in pieces, after its operations. */
void sotto__evidence_take_block(struct sotto__evidence *in_out, size_t dataset,
                                const struct sotto_column *const *blocks, size_t len);
void sotto__evidence_take_rows(struct sotto__evidence *in_out, const struct sotto__rows *rows,
                               size_t dataset, size_t len);
/* Counts what the indices of sums say of all blocks: once, when these were taken. */
void sotto__evidence_take_indices(struct sotto__evidence *in_out, const struct sotto__sums *sums);

/* --- worker.c: what one thread needs to sum up rows --- */

struct sotto__worker {
    struct sotto__rows rows;
    struct sotto__sums sums;
    struct sotto__evidence evidence;
    struct sotto__watcher *watcher;
};

/* Borrows program, guard (NULL: nothing is counted) and watcher (NULL: nobody is shown the rows);
 * *out stays where it is. Returns: SOTTO_ERROR_NO_MEMORY. Ended by sotto__worker_release, which a
 * worker of zeros bears too. */
enum sotto_status sotto__worker_init(struct sotto__worker *out,
                                     const struct sotto__program *program,
                                     const struct sotto__guard *guard,
                                     struct sotto__watcher *watcher) SOTTO_NODISCARD;
void sotto__worker_release(struct sotto__worker *worker);

/* --- contribution.c --- */

struct sotto_contribution {
    const struct sotto_driver *driver;
    struct sotto__guard guard;
    struct sotto_watch *watch; /* NULL: nobody is shown the rows */
    uint64_t *limbs;
    size_t limbs_len; /* the driver may have advanced when it is freed */
    bool is_judged;   /* and closed: what came later would leave unjudged */
    struct sotto__evidence evidence;
};

/* --- reading.c: one reading of a source --- */

/* Adds the rows of a source to a contribution, by the driver's own operations. Returns: as
 * sotto_contribution_add. */
enum sotto_status sotto__source_read(struct sotto_contribution *in_out, struct sotto_source *source,
                                     size_t dataset, struct sotto_error *err) SOTTO_NODISCARD;

#endif
