/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SHARED_H
#define SOTTO_NODE_SHARED_H

/* What the parts on the loop thread (http/, peer/) share. */

#include "config/places.h"
#include "loop/loop.h"
#include "loop/metrics.h"
#include "loop/queue.h"

#include <sotto/message.h>
#include <stdatomic.h>

/* A long poll is held no longer than this. */
#define POLL_SECONDS_MAX 25

/* With less room on its disk a node may lose what it has to remember of a day. */
#define FREE_BYTES_MIN ((uint64_t)64 * 1024 * 1024)

/* How long a body of a peer may be while no task is under way with it: an invitation is at most
 * SOTTO_PLAN_BYTES_MAX, and small messages travel together up to a mebibyte. */
#define BODY_BYTES_MIN ((size_t)2 * 1024 * 1024)
/* And at most: a message with its length, and room for small ones beside it. */
#define BODY_BYTES_MAX (SOTTO_MESSAGE_BYTES_MAX + (size_t)1024 * 1024)

/* How long a body of each peer may be, by its tasks that are under way (task/compute.c writes it,
 * the loop thread reads it). A late value makes a caller come again, no more. */
struct allowances {
    atomic_size_t *bytes; /* as config's peers */
};

/* Everything is borrowed from the daemon. */
struct shared {
    const struct config *config;
    const struct sotto_identity *identity;
    struct sotto_key key;
    struct loop *loop;
    struct queue *jobs; /* for the compute thread */
    struct allowances allowances;
    struct metrics *metrics;
};

/* Whether so much of a peer waits for the compute thread that nothing else is taken from it: twice
 * what one body of it may have. */
static inline bool shared_is_full(const struct shared *shared, size_t peer_index)
{
    return queue_lane_bytes(shared->jobs, 1 + peer_index) >
           2 * atomic_load(&shared->allowances.bytes[peer_index]);
}

#endif
