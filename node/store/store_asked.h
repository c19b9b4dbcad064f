/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_ASKED_H
#define SOTTO_NODE_STORE_ASKED_H

/* What others asked of this node, where its owner has to know: a part of the store. */

#include "store/store.h"

enum asked_state {
    ASKED_WAITING,  /* for the owner, also when its task is over */
    ASKED_APPROVED, /* and not answered yet */
    ASKED_REJECTED,
    ASKED_ENDED, /* answered, or its time is over */
    ASKED_STATES_LEN,
};

struct store_asked {
    uint64_t number;
    int64_t created_ms;
    int64_t deadline_ms;
    enum asked_state state;
    char creator[STORE_NAME_BYTES];
    char name[STORE_NAME_BYTES];
    struct sotto_task_id id; /* of the task that asked last */
    struct sotto_key creator_key;
};

/* The word for a state as the API has it. Returns: static storage. */
const char *asked_state_name(enum asked_state state);

/* Makes an entry, or finds the one that was made for this creator and plan, by this task, or by
 * another one and its time is not over: *in_out then has its number and state, and the entry is
 * this task's. An entry of this task with another plan begins anew with this one. */
enum sotto_status store_asked_put(struct store *store, struct store_asked *in_out,
                                  const struct sotto_task_id *id, const struct sotto_key *creator,
                                  const char *plan_json, const char *words,
                                  struct sotto_error *err) SOTTO_NODISCARD;
/* Sets the state of an entry. deadline_ms: till when it stands, or 0: as before. */
enum sotto_status store_asked_state(struct store *store, uint64_t number, enum asked_state state,
                                    int64_t deadline_ms, struct sotto_error *err) SOTTO_NODISCARD;
/* Keeps the result that its creator sent, and of its older results at most 64 MiB together. */
enum sotto_status store_asked_result(struct store *store, uint64_t number, const char *json,
                                     struct sotto_error *err) SOTTO_NODISCARD;
/* Ends the entries whose deadline has passed. */
enum sotto_status store_asked_expire(struct store *store, int64_t now_ms,
                                     struct sotto_error *err) SOTTO_NODISCARD;
/* Returns: SOTTO_ERROR_NOT_FOUND. Ownership: the texts, each of which may be NULL, are ended by
 * sotto_free. */
enum sotto_status store_get_asked(struct store *store, struct store_asked *out, char **out_plan,
                                  char **out_words, char **out_result, uint64_t number,
                                  struct sotto_error *err) SOTTO_NODISCARD;

/* Calls visit for up to limit entries, the newest first. */
typedef void store_asked_visit(void *context, const struct store_asked *asked);
enum sotto_status store_each_asked(struct store *store, uint64_t limit, bool waiting_only,
                                   store_asked_visit *visit, void *context,
                                   struct sotto_error *err) SOTTO_NODISCARD;

#endif
