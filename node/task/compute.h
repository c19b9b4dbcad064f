/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_COMPUTE_H
#define SOTTO_NODE_COMPUTE_H

/* The compute thread: the machines of all tasks, the data, the writes to the store. It takes jobs
 * and gives events (queue.h), and waits for nothing but its next job or its machines' next
 * deadline. */

#include "config/config.h"
#include "loop/shared.h"
#include "store/store.h"
#include <sotto/ledger.h>

struct compute;

struct compute_config {
    const struct config *config; /* borrowed until stop, as all else here */
    const struct sotto_identity *identity;
    struct store *store;         /* the connection that writes; used by the thread only */
    struct sotto_ledger *ledger; /* in store; likewise */
    struct queue *jobs;
    struct queue *events;
    struct allowances allowances;
    struct metrics *metrics;
};

/* Starts the thread. Ownership: config is copied, what it points to is borrowed; *out is ended by
 * compute_stop. */
enum sotto_status compute_start(struct compute **out, const struct compute_config *config,
                                struct sotto_error *err) SOTTO_NODISCARD;

/* Ends the thread after the job that it is at, without those that wait; reading a file and solving
 * a regression end early. Tasks that are under way stay so in the store until the next start. */
void compute_stop(struct compute *compute);

#endif
