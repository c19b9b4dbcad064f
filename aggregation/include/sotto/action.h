/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ACTION_H
#define SOTTO_ACTION_H

/* What a sans-I/O machine asks its host to do. */

#include <sotto/message.h>

SOTTO_BEGIN_DECLS

enum sotto_action_kind {
    SOTTO_ACTION_SEND,    /* deliver bytes to peer (which may be the host's own key) */
    SOTTO_ACTION_TIMER,   /* call tick at or after deadline_ms; replaces the earlier deadline */
    SOTTO_ACTION_LOG,     /* text is a line of the task's log */
    SOTTO_ACTION_OFFER,   /* party of a task: see sotto_task_party_offer */
    SOTTO_ACTION_PARTIAL, /* party of a task: see sotto_task_party_partial */
    SOTTO_ACTION_PLEDGE,  /* party: its masked input is about to leave; make bytes durable, then say
                             so: ..._recorded */
    SOTTO_ACTION_RECORD,  /* party: its consent is about to leave; likewise */
    SOTTO_ACTION_KEEP,    /* party of a task: a round was opened, and another follows; make bytes
                             durable before anything else, beside those of the rounds before: see
                             sotto_task_party_resume */
    SOTTO_ACTION_RESULT,  /* aggregator of a task: there is a result, and parties are asked to
                             confirm  it: see sotto_task_aggregator_result */
    SOTTO_ACTION_DONE,    /* the last action of a task: status and text tell the end */
};

/* Ownership: the host's, ended by sotto_action_release. */
struct sotto_action {
    enum sotto_action_kind kind;
    struct sotto_key peer;
    struct sotto_buffer bytes;
    uint64_t deadline_ms;
    enum sotto_status status;
    char text[SOTTO_ERROR_TEXT_BYTES]; /* LOG, DONE; empty in the others */
};

/* Frees what an action holds (its bytes), and leaves it empty. Once for each action that a
 * machine's _next gave. */
SOTTO_API void sotto_action_release(struct sotto_action *action);

/* A first in, first out queue of actions. Zero-initialise. */
struct sotto_action_queue {
    struct sotto_action *actions;
    size_t head;
    size_t len;
    size_t capacity;
};

/* Takes action->bytes, also on failure. Returns: SOTTO_ERROR_NO_MEMORY. */
SOTTO_API enum sotto_status sotto_action_push(struct sotto_action_queue *queue,
                                              const struct sotto_action *action) SOTTO_NODISCARD;

/* Takes the oldest action out of the queue. Returns: false, and *out unchanged, if there is none.
 * Ownership: *out is the caller's, ended by sotto_action_release. */
SOTTO_API bool sotto_action_pop(struct sotto_action_queue *queue, struct sotto_action *out);

/* Frees the queue and all actions that are left in it, and leaves it empty. */
SOTTO_API void sotto_action_queue_release(struct sotto_action_queue *queue);

/* Shorthands for the most frequent kind; takes *bytes. */
SOTTO_API enum sotto_status sotto_action_push_send(struct sotto_action_queue *queue,
                                                   const struct sotto_key *peer,
                                                   struct sotto_buffer *bytes) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
