/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_METRICS_H
#define SOTTO_NODE_METRICS_H

/* What the compute thread counts of a node since its start, for GET /metrics. Labels have few
 * values, all of which are in lists here: nothing counts by creator, task, file or column.
 * Threads: any; who reads two numbers may see an event in one of them only. */

#include <sotto/status.h>
#include <stdatomic.h>
#include <stdio.h>

/* What this node does in tasks, its own and others'. */
enum metrics_step {
    METRICS_OFFER,   /* decides whether it joins: reads rows, asks rules and ledger */
    METRICS_PARTIAL, /* adds up its rows for a round, and decides again */
    METRICS_PLEDGE,  /* masks the sums, once the ledger has them */
    METRICS_RECORD,  /* writes down that they can be opened */
    METRICS_KEEP,    /* keeps what a later round goes on from */
    METRICS_TRAIN,   /* code of others trains for a round, in its cage */
    METRICS_STEPS_LEN,
};

/* Rules, what is no rule, and classes of failure: see metrics.c. */
#define METRICS_REASONS_ROOM 48

struct metrics {
    atomic_uint_fast64_t joined;
    atomic_uint_fast64_t answered;
    atomic_uint_fast64_t declined[METRICS_REASONS_ROOM];
    atomic_uint_fast64_t steps[METRICS_STEPS_LEN];
    atomic_uint_fast64_t steps_ms[METRICS_STEPS_LEN];
};

/* A task was declined: for a rule's code, "policy" or "owner" where it was refused, else for
 * status. */
void metrics_decline(struct metrics *metrics, enum sotto_status status, const char *refused_by);
/* A step is over that began at begin_ms (of clock_ms). */
void metrics_step(struct metrics *metrics, enum metrics_step step, uint64_t begin_ms);

/* The head of a family, and one number of it. labels: NULL, or as `rule="rows"`. */
void metrics_write_family(FILE *out, const char *family, const char *type, const char *help);
void metrics_write(FILE *out, const char *name, const char *labels, double value);
/* All that is counted here. */
void metrics_write_counts(FILE *out, const struct metrics *metrics);

#endif
