/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_H
#define SOTTO_NODE_STORE_H

/* What a node remembers, in SQLite: tasks, their logs and results, the catalogue of its files and
 * which tasks it has answered. One store object is one connection for one thread; the daemon opens
 * one to write (compute thread) and one to read (loop thread). */

#include <sotto/bytes.h>
#include <sotto/task.h>

struct store;

/* Opens or makes the database, and brings older ones to the present form. Returns:
 * SOTTO_ERROR_STATE for one of a newer version. Ownership: *out is ended by store_close. */
enum sotto_status store_open(struct store **out, const char *path, bool read_only,
                             struct sotto_error *err) SOTTO_NODISCARD;
void store_close(struct store *store);

/* Gives back the memory of what was read: it is read again when it is needed. */
void store_rest(struct store *store);

/* A transaction. Durable: once commit returns, power may fail; else only the process may. Without
 * one, each write is its own durable transaction. */
enum sotto_status store_begin(struct store *store, bool durable,
                              struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status store_commit(struct store *store, struct sotto_error *err) SOTTO_NODISCARD;
/* Takes back what was not committed; nothing after a commit. */
void store_rollback(struct store *store);

#define STORE_NAME_BYTES 260 /* a plan's name has at most 256 bytes */

enum task_state {
    TASK_PENDING,
    TASK_RUNNING,
    TASK_FINISHED,
    TASK_CONFIRMED,
    TASK_ERROR,
    TASK_CANCELLED,
    TASK_STATES_LEN,
};

/* The word for a state as the API has it. Returns: static storage. */
const char *task_state_name(enum task_state state);
bool task_state_has_ended(enum task_state state);

struct store_task {
    uint64_t number;
    int64_t created_ms;
    char name[STORE_NAME_BYTES];
    char type[32];
    char creator[STORE_NAME_BYTES];
    enum task_state state;
    char error[SOTTO_ERROR_TEXT_BYTES];        /* why it ended, if it did not finish */
    bool must_verify;                          /* the plan says enable_verify: true */
    char confirmation[SOTTO_ERROR_TEXT_BYTES]; /* who confirmed the result; STORE_AWAITED */
};

/* The result is there, and its parties are asked to confirm it. */
#define STORE_AWAITED "awaited"

/* Whether nothing about a task will change any more. */
bool store_task_is_settled(const struct store_task *task);

/* Makes a task; fills *out_number. task->number is not read. */
enum sotto_status store_task_create(struct store *store, uint64_t *out_number,
                                    const struct store_task *task, const struct sotto_task_id *id,
                                    const char *plan_json, struct sotto_error *err) SOTTO_NODISCARD;
/* Sets the state. error: why the task ended, "" for none. */
enum sotto_status store_task_state(struct store *store, uint64_t number, enum task_state state,
                                   const char *error, struct sotto_error *err) SOTTO_NODISCARD;
/* Says who confirmed the task's result, or STORE_AWAITED. */
enum sotto_status store_confirmation(struct store *store, uint64_t number, const char *text,
                                     struct sotto_error *err) SOTTO_NODISCARD;
/* Keeps how far the task's models have come (sotto_driver_reached). */
enum sotto_status store_reached(struct store *store, uint64_t number, const char *json,
                                struct sotto_error *err) SOTTO_NODISCARD;
/* Adds a line to the task's log. */
enum sotto_status store_log(struct store *store, uint64_t number, int64_t created_ms,
                            const char *message, struct sotto_error *err) SOTTO_NODISCARD;
/* Keeps the task's result. */
enum sotto_status store_result(struct store *store, uint64_t number, const char *json,
                               struct sotto_error *err) SOTTO_NODISCARD;

/* Ends every task that was under way, with a line in its log. */
enum sotto_status store_interrupt_tasks(struct store *store, int64_t now_ms, const char *message,
                                        struct sotto_error *err) SOTTO_NODISCARD;

/* Returns: SOTTO_ERROR_NOT_FOUND. */
enum sotto_status store_get_task(struct store *store, struct store_task *out, uint64_t number,
                                 struct sotto_error *err) SOTTO_NODISCARD;
/* Returns: SOTTO_ERROR_NOT_FOUND. Ownership: *out_json is ended by sotto_free. */
enum sotto_status store_get_result(struct store *store, char **out_json, uint64_t number,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* The plan of a task, and how far its models have come, "" where none has begun. Returns and
 * ownership: likewise. */
enum sotto_status store_get_plan(struct store *store, char **out_json, uint64_t number,
                                 struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status store_get_reached(struct store *store, char **out_json, uint64_t number,
                                    struct sotto_error *err) SOTTO_NODISCARD;

/* How many tasks are in each state. */
enum sotto_status store_count_tasks(struct store *store, uint64_t counts[TASK_STATES_LEN],
                                    struct sotto_error *err) SOTTO_NODISCARD;

/* Calls visit for up to limit lines of a task's log, from the line of id start on. */
typedef void store_log_visit(void *context, uint64_t id, int64_t created_ms, const char *message);
enum sotto_status store_each_log(struct store *store, uint64_t number, uint64_t start,
                                 uint64_t limit, store_log_visit *visit, void *context,
                                 struct sotto_error *err) SOTTO_NODISCARD;

/* The catalogue: bytes of sotto_catalogue_encode for a file read with some options; those of other
 * options are dropped. */
enum sotto_status store_catalogue_put(struct store *store, const char *file, const char *options,
                                      const void *encoded, size_t encoded_bytes,
                                      struct sotto_error *err) SOTTO_NODISCARD;
/* Returns: SOTTO_ERROR_NOT_FOUND. Ownership: *out is ended by sotto_buffer_release. */
enum sotto_status store_catalogue_get(struct store *store, struct sotto_buffer *out,
                                      const char *file, const char *options,
                                      struct sotto_error *err) SOTTO_NODISCARD;

/* What this node's masked rows, and then its consent, leave for: durable before they do. */
enum sotto_status store_answer(struct store *store, const struct sotto_task_id *id,
                               const struct sotto_key *creator, const void *bytes, size_t bytes_len,
                               int64_t now_ms, struct sotto_error *err) SOTTO_NODISCARD;
/* Whether store_answer was called for a task of this creator: ids are drawn by creators, and
 * nobody's can stand for another's. */
enum sotto_status store_has_answered(struct store *store, bool *out, const struct sotto_task_id *id,
                                     const struct sotto_key *creator,
                                     struct sotto_error *err) SOTTO_NODISCARD;

/* The last bytes of store_answer for a task. Returns: SOTTO_ERROR_NOT_FOUND. Ownership: *out is
 * ended by sotto_buffer_release. */
enum sotto_status store_get_last_answer(struct store *store, struct sotto_buffer *out,
                                        const struct sotto_task_id *id,
                                        const struct sotto_key *creator,
                                        struct sotto_error *err) SOTTO_NODISCARD;

/* Deletes what was answered, reached, kept, asked or offered by others, and what the record has,
 * before a time; not code that is approved. */
enum sotto_status store_prune(struct store *store, int64_t before_ms,
                              struct sotto_error *err) SOTTO_NODISCARD;

#endif
