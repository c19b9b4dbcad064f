/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_QUEUE_H
#define SOTTO_NODE_QUEUE_H

/* What the two threads of the daemon say to each other. The loop thread owns sockets and HTTP, the
 * compute thread the machines, the data and all writes to the store; nothing else is shared. */

#include <pthread.h>
#include <sotto/bytes.h>
#include <sotto/identity.h>

enum job_kind {
    /* to the compute thread */
    JOB_CREATE,   /* bytes: a plan, away; answered by EVENT_REPLY to request */
    JOB_CANCEL,   /* number: a task; answered by EVENT_REPLY to request */
    JOB_MESSAGE,  /* bytes: a message of a machine, from peer */
    JOB_RETURNED, /* peer: came on line with nothing of the past */
    JOB_DECIDE,   /* number: of what was asked, approves; answered by EVENT_REPLY to request */
    JOB_POLICY,   /* policy: the new one */
    JOB_STOP,
    /* to the loop thread */
    EVENT_REPLY,   /* bytes: JSON; http_status */
    EVENT_SEND,    /* bytes: deliver to peer, not after deadline_ms; to_aggregator: by calling it */
    EVENT_CHANGED, /* number: a task has new log lines or a new state */
    EVENT_FAILED,  /* the compute thread can't go on */
};

struct job {
    struct job *next;
    enum job_kind kind;
    uint64_t request;
    uint64_t number;
    struct sotto_key peer;
    struct sotto_buffer bytes;
    int http_status;
    bool to_aggregator;
    bool approves;
    uint64_t deadline_ms;
    bool *away; /* owned: of each configured peer and this node, whether it is known to be away */
    struct config *policy; /* owned by the job until it is taken */
};

/* NULL if there is no memory. */
struct job *job_new(enum job_kind kind);
void job_free(struct job *job);

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    struct job *head;
    struct job **tail;
    size_t bytes; /* of all jobs together */
    int event_fd; /* readable when something arrived; -1 if nobody polls */
};

/* polled: makes the eventfd. */
enum sotto_status queue_init(struct queue *queue, bool polled,
                             struct sotto_error *err) SOTTO_NODISCARD;
void queue_release(struct queue *queue);

/* Takes job. Threads: any. */
void queue_push(struct queue *queue, struct job *job);

/* The next job, or NULL. Threads: any. */
struct job *queue_pop(struct queue *queue);

/* The same, waiting for one until deadline_ms (of clock_ms; UINT64_MAX: for ever). */
struct job *queue_wait(struct queue *queue, uint64_t deadline_ms);

size_t queue_bytes(struct queue *queue);

#endif
