/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_CONTRIBUTE_H
#define SOTTO_ENGINE_CONTRIBUTE_CONTRIBUTE_H

/* Room contribute: a party's own rows, from any source, counted and summed up. */

#include "contribute/evidence.h"
#include "contribute/watching.h"
#include "sums/sums.h"
#include <sotto/contribution.h>
#include <sotto/evidence.h>

/* --- worker.c: what one thread needs to sum up rows --- */

struct sotto__worker {
    struct sotto__rows rows;
    struct sotto__sums sums;
    struct sotto_evidence evidence;
    struct sotto__watcher *watcher;
};

/* Borrows program, watcher (NULL: nobody is shown the rows) and inquiry (NULL: nothing is counted);
 * *out stays where it is. Returns: SOTTO_ERROR_NO_MEMORY, SOTTO_ERROR_LIMIT. Ended by
 * sotto__worker_release, which a worker of zeros bears too. */
enum sotto_status sotto__worker_init(struct sotto__worker *out,
                                     const struct sotto__program *program,
                                     struct sotto__watcher *watcher,
                                     const struct sotto__inquiry *inquiry,
                                     uint64_t min_rows) SOTTO_NODISCARD;
void sotto__worker_release(struct sotto__worker *worker);

/* --- bearing.c --- */

/* Sets what this party says of cells; least: rows that it asks for in one that has any. Evidence is
 * complete. */
void sotto__bearing_say(uint64_t *limbs, const struct sotto_evidence *evidence, uint64_t least);

/* --- contribution.c --- */

struct sotto_contribution {
    const struct sotto_driver *driver;
    const struct sotto_judge *judge; /* NULL: nothing is counted */
    struct sotto__inquiry inquiry;
    struct sotto_watch *watch; /* NULL: nobody is shown the rows */
    uint64_t *limbs;
    size_t limbs_len; /* the driver may have advanced when it is freed */
    bool is_judged;   /* and closed: what came later would leave unjudged */
    struct sotto_evidence evidence;
};

/* --- reading.c: one reading of a source --- */

/* Adds the rows of a source to a contribution, by the driver's own operations. Returns: as
 * sotto_contribution_add. */
enum sotto_status sotto__source_read(struct sotto_contribution *in_out, struct sotto_source *source,
                                     size_t dataset, struct sotto_error *err) SOTTO_NODISCARD;

#endif
