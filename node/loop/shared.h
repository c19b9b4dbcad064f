/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SHARED_H
#define SOTTO_NODE_SHARED_H

/* What the parts on the loop thread (http/, peer/) share. */

#include "config/config.h"
#include "loop/loop.h"
#include "loop/queue.h"

/* A long poll is held no longer than this. */
#define POLL_SECONDS_MAX 25
/* While more than this waits for the compute thread, nothing else is taken from peers. */
#define JOBS_BYTES_MAX ((size_t)512 * 1024 * 1024)

/* Everything is borrowed from the daemon. */
struct shared {
    const struct config *config;
    const struct sotto_identity *identity;
    struct sotto_key key;
    struct loop *loop;
    struct queue *jobs; /* for the compute thread */
};

#endif
