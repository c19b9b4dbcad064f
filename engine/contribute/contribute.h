/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_CONTRIBUTE_H
#define SOTTO_ENGINE_CONTRIBUTE_CONTRIBUTE_H

/* Room contribute: a party's own rows, counted and summed up. */

#include "driver.h"
#include "sums/sums.h"

/* Counts of rows: one thread's, or all. */
struct sotto__guard;
struct sotto__row_counts {
    const struct sotto__guard *guard;
    uint64_t *numbers;
};

enum sotto_status sotto__row_counts_like(struct sotto__row_counts *out,
                                         const struct sotto__row_counts *total) SOTTO_NODISCARD;
void sotto__row_counts_add(struct sotto__row_counts *total, const struct sotto__row_counts *counts);
/* Counts the rows that go into it. Borrows counts. */
struct sotto__rows_sink sotto__row_counts_sink(struct sotto__row_counts *counts);

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

/* --- files.c --- */

/* Counts the rows of all files into total. */
enum sotto_status sotto__driver_count_rows(const struct sotto_driver *driver,
                                           struct sotto__row_counts *total,
                                           struct sotto_csv *const *files,
                                           const struct sotto_catalogue *const *catalogues,
                                           struct sotto_error *err) SOTTO_NODISCARD;

#endif
