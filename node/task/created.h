/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CREATED_H
#define SOTTO_NODE_CREATED_H

/* Tasks that were created here (created.c), their log (lines.c), what is said to them first
 * (own.c), and where they start (reached.c). Threads: the compute thread's. */

#include "task/compute_internal.h"

struct created_line; /* of a task's log: lines.c */

/* A task that was created here. */
struct created {
    struct created *next;
    struct sotto_task_aggregator *machine;
    struct sotto_task_id id;
    uint64_t number;
    uint64_t deadline_ms; /* when it is ticked next, of clock_ms */
    uint64_t notice_ms;   /* when its log says who is waited for; UINT64_MAX: never */
    uint64_t patience_ms; /* how long an undelivered message is worth keeping */
    size_t body_bytes;    /* what its parties may send at once */
    bool is_over;         /* the machine is done; its end may not be in the store yet */
    enum sotto_status end_status;
    char end_text[SOTTO_ERROR_TEXT_BYTES];
    struct created_line *first_line; /* of those that are not in the store yet */
    struct created_line *last_line;
    size_t lines_len;
    uint64_t lines_ms;      /* when they are written at the latest; UINT64_MAX: there are none */
    bool has_result;        /* the result is in the store */
    uint32_t reached_round; /* the last one before which its models were asked how far they are */
    bool has_reached;       /* coefficients of them are in the store */
    bool has_ended;         /* it is freed after this job */
};

/* Each does its job and answers. */
void created_create(struct compute *compute, const struct job *job);
void created_receipt(struct compute *compute, const struct job *job);
void created_cancel(struct compute *compute, const struct job *job);
/* A message, a peer that came back, the time: each goes to the machine, whose actions are done. */
void created_receive(struct compute *compute, struct created *created, const struct sotto_key *from,
                     const struct sotto_buffer *message);
void created_returned(struct compute *compute, struct created *created,
                      const struct sotto_key *peer);
/* Who is not there is not waited for. */
void created_away(struct compute *compute, struct created *created, const struct sotto_key *peer);
/* Who is no peer any more has left. */
void created_removed(struct compute *compute, struct created *created,
                     const struct sotto_key *peer);
/* Its log says who it waits for, if anybody. */
void created_notice(struct compute *compute, struct created *created);
void created_tick(struct compute *compute, struct created *created);
void created_free(struct created *created);

/* --- lines.c --- */

/* Adds a line to a task's log, which soon is in the store. */
void lines_add(struct compute *compute, struct created *created, const char *text);
/* Writes the lines into a transaction of the caller, who clears them once it is committed. */
enum sotto_status lines_store(struct store *store, const struct created *created,
                              struct sotto_error *err) SOTTO_NODISCARD;
/* Forgets the lines that are not in the store, or are now. */
void lines_clear(struct created *created);
/* Writes the lines, and tells those who wait for them. What can't be written is lost. */
void lines_write(struct compute *compute, struct created *created);

/* --- own.c --- */

/* Refuses what this node can know before it asks anybody: names that lead out of data_dir, files
 * that it offers and that are not there or not readable, columns that they lack, texts that they
 * read as missing; and what its own policy says to the plan and its types, where it offers all
 * files. may_continue: models may start from coefficients that this node computed itself, which it
 * finds out when it joins; the grammar is asked then. Returns: SOTTO_ERROR_REFUSED, *out_rule names
 * the rule (static storage); else as dataset_open and sotto_schema_offer. */
enum sotto_status own_check(struct compute *compute, const char **out_rule,
                            const struct sotto_plan *plan, bool may_continue,
                            struct sotto_error *err) SOTTO_NODISCARD;

/* Appends to rules, an array of JSON, what each rule of policy says: {"rule", "passes", "text"}.
 * The question has no schema: it gets this node's types, where it offers all files. Returns: as
 * own_check, where a file or a column is at fault. */
struct json_t;
struct policy_question;
enum sotto_status own_rules(struct compute *compute, struct json_t *rules,
                            struct policy_question *question,
                            struct sotto_error *err) SOTTO_NODISCARD;

/* --- reached.c --- */

/* Keeps how far the models of a task have come, once a round. */
void reached_keep(const struct compute *compute, struct created *created);
/* Keeps the model after a round of a learning task, where node.yaml has room for it. */
void reached_keep_model(const struct compute *compute, struct created *created);
/* The plan of a JOB_CREATE. Returns: as sotto_plan_start_from, SOTTO_ERROR_NOT_FOUND. Ownership:
 * *out is ended by sotto_buffer_release. */
enum sotto_status reached_plan(const struct compute *compute, struct sotto_buffer *out,
                               const struct job *job, struct sotto_error *err) SOTTO_NODISCARD;

#endif
