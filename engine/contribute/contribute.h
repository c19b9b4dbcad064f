/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_CONTRIBUTE_H
#define SOTTO_ENGINE_CONTRIBUTE_CONTRIBUTE_H

/* Room contribute: a party's own rows, counted and summed up. */

#include "driver.h"
#include "sums/sums.h"

/* --- worker.c: what one thread needs to sum up rows --- */

struct sotto__worker {
    struct sotto__rows rows;
    struct sotto__sums sums;
};

/* Borrows program; *out stays where it is. Returns: SOTTO_ERROR_NO_MEMORY. Ended by
 * sotto__worker_release, which a worker of zeros bears too. */
enum sotto_status sotto__worker_init(struct sotto__worker *out,
                                     const struct sotto__program *program) SOTTO_NODISCARD;
void sotto__worker_release(struct sotto__worker *worker);

/* --- files.c: one reading of a party's files --- */

/* What becomes of the rows that are read: each worker has a sink of its own, and in the end all of
 * them are merged. For each file start, then sink_of for each worker, then end. */
struct sotto__rows_use {
    /* Makes the sinks of so many workers. Returns: SOTTO_ERROR_NO_MEMORY; end is called all the
     * same. */
    enum sotto_status (*start)(void *context, size_t workers_len);
    struct sotto__rows_sink (*sink_of)(void *context, size_t worker);
    /* Merges what went into the sinks, if all rows did (is_complete), and releases them. */
    void (*end)(void *context, bool is_complete);
    void *context;
};

/* Reads the columns of all files, [dataset], that the driver's round reads, and lets use have their
 * rows. Returns: as sotto_csv_scan; SOTTO_ERROR_NOT_FOUND, SOTTO_ERROR_LIMIT, SOTTO_ERROR_INPUT for
 * a key that is no level. */
enum sotto_status sotto__files_read(const struct sotto_driver *driver,
                                    const struct sotto__rows_use *use,
                                    struct sotto_csv *const *files,
                                    const struct sotto_catalogue *const *catalogues,
                                    struct sotto_error *err) SOTTO_NODISCARD;

#endif
