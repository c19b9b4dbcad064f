/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_COMPUTE_INTERNAL_H
#define SOTTO_NODE_COMPUTE_INTERNAL_H

/* What compute.c (thread and dispatch), created.c (tasks created here) and joined.c (this node's
 * part in tasks, its own ones too) share. Threads: the compute thread's, all of it. */

#include "loop/log.h"
#include "task/compute.h"
#include "task/datasets.h"
#include "task/listing.h"
#include "task/partial.h"
#include "task/remembered.h"
#include "task/replies.h"
#include <sotto/task.h>
#include <stdatomic.h>

/* Tasks joined, of all creators and of one, and created here. More are refused, not queued. */
#define JOINED_MAX 1024
#define JOINED_OF_ONE_MAX 256
#define CREATED_MAX 256
/* Of partials that were made when this node joined, of all tasks; more are made again. */
#define PREPARED_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct learning;
struct created; /* a task that was created here: created.h */

/* This node's part in a task. */
struct joined {
    struct joined *next;
    struct sotto_task_party *machine;
    struct sotto_task_id id;
    struct sotto_key creator;
    uint64_t deadline_ms;
    uint64_t patience_ms;
    size_t peer_index;            /* its creator's, in compute->peers */
    size_t body_bytes;            /* what its creator may send at once */
    struct sotto_plan *continues; /* see struct policy_question */
    struct learning *learning;    /* of a learning task, once its code runs: learning.c */
    struct dataset *datasets;
    size_t datasets_len;
    char label[STORE_NAME_BYTES]; /* what the owner's log calls the task */
    uint8_t *withheld;            /* groups that this node keeps back, in all rounds */
    uint64_t asked;               /* number in the store, if the owner decides; else 0 */
    struct prepared prepared;
    struct sotto_disclosure disclosure; /* what the rules said of the last partial */
    struct sotto_ledger_pending answer; /* of this session, if nothing became of it yet */
    uint64_t masked_before;             /* sotto_task_party_masked when it was written down */
    bool is_waiting;                    /* for the owner */
    bool is_answered;                   /* its rows have left, masked */
    bool lacks_column;                  /* a column of the plan is not in the files */
    bool needs_leave;      /* the grammar does not admit the plan, as the owner was told */
    bool follows_refusals; /* so many of its creator that the owner decides */
    bool is_recorded;      /* that it was declined before its plan was read */
    bool is_kept;          /* in the database, for a process that takes the place of this one */
    bool has_ended;
};

struct compute {
    struct compute_config config;
    const struct config *policy; /* the configuration in force */
    struct config *reloaded;     /* the same, held; NULL: it is that of the start */
    uint64_t policy_number;      /* how often it was reloaded */
    atomic_bool is_stopping;
    struct sotto_interrupt interrupt; /* of what takes long: the node stops */
    uint64_t housekeeping_ms;         /* when the store is tidied up next */
    uint64_t rest_ms;                 /* when memory that only tasks need is given back, unless
                                         one comes; UINT64_MAX: it was */
    uint64_t tells_after_ms;          /* when files may be read again to tell an owner more */
    struct sotto_key key;
    struct sotto_peer *peers; /* by their places; name NULL: nobody's; the last one: this node */
    size_t peers_len;
    struct sotto_peer *known; /* those that are no peers any more left out; this node is the last */
    size_t known_len;
    size_t *bytes_of_peers; /* publish_allowances's own */
    struct listing_kept listing;
    struct listings_told *listings_told; /* as peers */
    struct browse *first_browse;         /* browse.c */
    struct created *first_created;
    struct joined *first_joined;
    size_t created_len;
    size_t joined_len;
    pthread_t thread;
};

/* Hands a SEND to whom it is for, this node included. Ownership: takes action's bytes. */
void compute__send(struct compute *compute, struct sotto_action *action, uint64_t patience_ms);
/* Tells those who wait for news of a task. */
void compute__changed(struct compute *compute, uint64_t number);

/* Writes the log lines that wait, of all tasks that were created here: before what may take long.
 */
void lines_write_all(struct compute *compute);

/* The longest body with so many vectors in it. How long messages are kept. */
size_t compute__measure(const struct compute *compute, size_t vector_bytes, size_t vectors_len);
uint64_t compute__patience(const struct sotto_plan *plan);

/* Keeps how far the models of a task that failed have come, as this node computed it. */
void continued_keep(const struct compute *compute, const struct joined *joined);
/* The plan that a task goes on with from there. Returns: NULL if there is none. Ownership: ended by
 * sotto_plan_free. */
struct sotto_plan *continued_find(const struct compute *compute, const struct joined *joined);

/* An invitation: begins this node's part. */
void joined_invited(struct compute *compute, const struct sotto_message_route *route,
                    const struct sotto_buffer *message);
void joined_receive(struct compute *compute, struct joined *joined,
                    const struct sotto_buffer *message);
void joined_tick(struct compute *compute, struct joined *joined);
/* This node takes part no more; the log and the record say why. */
void joined_leave(struct compute *compute, struct joined *joined, const char *why);
/* Writes into the owner's log which values made text of columns that are numbers otherwise, after a
 * task that failed by its types; and which keys are in no group. creator: whose lines are limited
 * (log_limited). Does nothing where the last such reading of files was long and not long ago. */
void told_misfits(struct compute *compute, const struct joined *joined, const char *creator);
void told_strays(struct compute *compute, const struct joined *joined, const char *creator);
/* JOB_DECIDE: the owner's answer to what was asked. */
void joined_decide(struct compute *compute, const struct job *job);
void joined_free(struct joined *joined);

/* What this node is as a party; its files, opened. */
struct sotto_task_party_config joined_describe_party(const struct compute *compute);
enum sotto_status joined_open_datasets(struct compute *compute, struct joined *joined,
                                       struct sotto_error *err) SOTTO_NODISCARD;
/* Takes a task into the list, and begins with what its machine wants. */
void joined_adopt(struct compute *compute, struct joined *joined);

/* KEEP: has a round kept. The task is over: forgets its rounds. The thread starts: goes on with
 * what was under way. */
void resumed_keep(struct compute *compute, struct joined *joined, const struct sotto_buffer *round);
void resumed_forget(struct compute *compute, struct joined *joined);
void resumed_start(struct compute *compute);

/* In test builds the environment can make a node die at a step, as a power cut would. */
void compute__stop_for_test(const char *step);
/* The same in a round that the environment says, or a later one. */
void joined_stop_for_test(const struct joined *joined, const char *step);

/* The name of a key that is pinned, or was, or "?". Whether it is a peer's now, or this node's. */
const char *compute__peer_name(const struct compute *compute, const struct sotto_key *key);
bool compute__is_peer(const struct compute *compute, const struct sotto_key *key);
/* Makes the lists of peers; goes over to another configuration, which it takes (peers.c). */
enum sotto_status compute__list_peers(struct compute *compute,
                                      struct sotto_error *err) SOTTO_NODISCARD;
void compute__follow(struct compute *compute, struct config *config);

#endif
