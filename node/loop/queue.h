/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_QUEUE_H
#define SOTTO_NODE_QUEUE_H

/* What the two threads of the daemon say to each other.
 *
 * 1. The loop thread owns sockets, HTTP, links to peers and signals, and reads the store by a
 *    connection of its own. It must not wait: calls of the API, polls of peers and
 *    the last answer of a round all pass through it.
 * 2. The compute thread owns the machines of all tasks, the data files and all writes to the store.
 *    It may take minutes over one job (a CSV file), with OpenMP's threads below it.
 * 3. Two queues are all that they share, besides configurations, which nobody changes and both
 *    threads hold (config/places.h). A job belongs to who holds it, with all its bytes: nothing
 *    else has to be locked or counted.
 * 4. An API request that needs the compute thread waits in the loop under its number
 *    (job.request). The answer finds it by that number, or finds nothing, if the caller has gone.
 * 5. While one job takes long, others wait in memory, each in the lane of who sent it. So the loop
 *    thread takes nothing more from a peer while its lane is full (loop/shared.h): it answers 503
 *    and polls later, and what it did not take is not acknowledged and comes again.
 * 6. The lanes are served in turns, and this node's own lane after each of the others. So whoever
 *    sends much waits for itself, and the owner waits for one job.
 * 7. A reloaded configuration is in force for the loop thread at once: nothing comes from or goes
 *    to a peer that is out, and what waits in its lane is freed. The compute thread gets it as a
 *    job; tasks see it from then on, those that run before their next round. Both threads know a
 *    peer by its place, which is its own as long as the process lives.
 * 8. At the end compute_stop pushes JOB_STOP to wake the reader, joins the thread, and what is left
 *    in the queues is freed unread. */

#include <pthread.h>
#include <sotto/bytes.h>
#include <sotto/identity.h>

enum job_kind {
    /* to the compute thread */
    JOB_CREATE,      /* bytes: a plan, away; number: 0, or a task that it starts from, whose own
                        plan it is without bytes; answered by EVENT_REPLY to request */
    JOB_CANCEL,      /* number: a task; answered by EVENT_REPLY to request */
    JOB_MESSAGE,     /* bytes: a message of a machine, from peer */
    JOB_AWAY,        /* peer: is not there, and has had the time to come back */
    JOB_RETURNED,    /* peer: came on line with nothing of the past */
    JOB_RECEIPT,     /* number: a task whose full receipt is asked for; answered by EVENT_REPLY */
    JOB_COLUMNS,     /* bytes: the name of a file; answered by EVENT_REPLY to request */
    JOB_CHECK,       /* bytes: a plan; answered by EVENT_REPLY to request */
    JOB_WORDS,       /* number: a task; answered by EVENT_REPLY to request */
    JOB_RULES,       /* number: of what was asked; answered by EVENT_REPLY to request */
    JOB_IN_FORCE,    /* answered by EVENT_REPLY to request */
    JOB_LEDGER,      /* number: so many entries; answered by EVENT_REPLY to request */
    JOB_BROWSE,      /* away; answered by EVENT_REPLY to request */
    JOB_DECIDE,      /* number: of what was asked, approves; answered by EVENT_REPLY to request */
    JOB_OFFER_CODE,  /* bytes: a bundle; answered by EVENT_REPLY to request */
    JOB_DECIDE_CODE, /* bytes: a bundle's digest, then a peer's name ("": any), ended by a NUL;
                        approves, number: rounds (0: as many as the bundle asks for); answered by
                        EVENT_REPLY to request */
    JOB_CONFIG,      /* config: the new one; bytes: the answer to request, if that is not 0 */
    JOB_STOP,
    /* to the loop thread */
    EVENT_REPLY,   /* bytes: JSON; http_status */
    EVENT_SEND,    /* bytes: to peer, not after deadline_ms; by_calling: else it fetches them */
    EVENT_CHANGED, /* number: a task has new log lines or a new state */
};

/* One thing to do. Which fields count is said at its kind; the others are zero. */
struct job {
    struct job *next;
    enum job_kind kind;
    size_t lane;      /* LANE_OWN, or 1 + the index of the peer that it came from */
    uint64_t request; /* id of the API request that waits for it */
    uint64_t number;  /* of a task, or of what was asked, in the store */
    struct sotto_key peer;
    struct sotto_buffer bytes;
    int http_status;
    bool by_calling;
    bool approves;
    char asker[33]; /* whose token decides */
    uint64_t deadline_ms;
    bool *away;            /* owned: of each place, whether its peer is known to be away */
    struct config *config; /* held: who takes the job drops it; job_free leaves it */
};

/* Returns: NULL if there is no memory. Ownership: ended by job_free, or by queue_push. */
struct job *job_new(enum job_kind kind);
void job_free(struct job *job);

/* What this node's own people and machines send: lane 0 of every queue. */
#define LANE_OWN 0

/* The jobs of one sender, in their order. */
struct lane {
    struct job *head;
    struct job **tail;
    size_t bytes; /* of all of them together */
};

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    struct lane *lanes;
    size_t lanes_len;
    size_t jobs_len;
    size_t last_lane; /* of the peers' lanes, the one that was served last */
    bool own_is_next;
    int event_fd; /* readable when something arrived; -1 if nobody polls */
};

/* lanes_len: 1 for jobs of this node alone, 1 more for each peer. polled: the reader polls
 * event_fd; else it waits in queue_wait. Ownership: ended by queue_release. */
enum sotto_status queue_init(struct queue *queue, size_t lanes_len, bool polled,
                             struct sotto_error *err) SOTTO_NODISCARD;
/* Frees the queue and the jobs in it. Threads: no other uses it any more. */
void queue_release(struct queue *queue);

/* Adds a job at the end of its lane. Ownership: takes job. Threads: any. */
void queue_push(struct queue *queue, struct job *job);

/* Takes the next job off, without waiting. Returns: NULL if there is none. Threads: any. */
struct job *queue_pop(struct queue *queue);

/* The same, waiting for one until deadline_ms (of clock_ms; UINT64_MAX: for ever). */
struct job *queue_wait(struct queue *queue, uint64_t deadline_ms);

/* Frees the jobs of a lane that wait, unread. Threads: any. */
void queue_clear_lane(struct queue *queue, size_t lane);

/* How much memory the jobs in a lane hold. Threads: any. */
size_t queue_lane_bytes(struct queue *queue, size_t lane);

#endif
