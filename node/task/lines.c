/* SPDX-License-Identifier: Apache-2.0 */

/* Log lines of the tasks that were created here, on their way into the store. Leans on the store.
 *
 * The idea: a transaction costs more than a round of three nodes takes to check a message, so lines
 * wait for the next ones, LINES_WAIT_MS at most, and are written together: with the task's end,
 * before this node does anything but take messages, which may take long, when it stops, or when
 * their time has come. They are not durable until the task's end is: a round does not wait for the
 * disk, and a node that is killed loses the lines of its last moment. */

#include "task/created.h"

#include <sotto/alloc.h>
#include <string.h>

/* Nobody who follows a task sees that its lines come so much later. */
#define LINES_WAIT_MS 20
#define LINES_TOGETHER 256

struct created_line {
    struct created_line *next;
    int64_t created_ms;
    char text[];
};

void lines_add(struct compute *compute, struct created *created, const char *text)
{
    size_t bytes = strlen(text) + 1;
    struct created_line *line = sotto_alloc(sizeof *line + bytes);
    if (line == NULL) {
        log_warning("task %llu: a log line is lost: out of memory",
                    (unsigned long long)created->number);
        return;
    }
    line->next = NULL;
    line->created_ms = clock_unix_ms();
    memcpy(line->text, text, bytes);
    *(created->first_line == NULL ? &created->first_line : &created->last_line->next) = line;
    created->last_line = line;
    created->lines_len++;
    if (created->lines_len == 1) {
        created->lines_ms = clock_ms() + LINES_WAIT_MS;
    } else if (created->lines_len >= LINES_TOGETHER) {
        lines_write(compute, created);
    }
}

enum sotto_status lines_store(struct store *store, const struct created *created,
                              struct sotto_error *err)
{
    for (const struct created_line *line = created->first_line; line != NULL; line = line->next) {
        enum sotto_status status =
            store_log(store, created->number, line->created_ms, line->text, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

void lines_clear(struct created *created)
{
    while (created->first_line != NULL) {
        struct created_line *line = created->first_line;
        created->first_line = line->next;
        sotto_free(line);
    }
    created->last_line = NULL;
    created->lines_len = 0;
    created->lines_ms = UINT64_MAX;
}

/* Writes the lines in a transaction of their own. */
static enum sotto_status write_alone(struct store *store, const struct created *created,
                                     struct sotto_error *err)
{
    enum sotto_status status = store_begin(store, false, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = lines_store(store, created, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_commit(store, err);
out:
    store_rollback(store);
    return status;
}

void lines_write(struct compute *compute, struct created *created)
{
    struct sotto_error err = {0};
    if (created->first_line == NULL) {
        return;
    }
    if (write_alone(compute->config.store, created, &err) != SOTTO_OK) {
        log_warning("task %llu: %zu log lines are lost: %s", (unsigned long long)created->number,
                    created->lines_len, err.text);
    }
    lines_clear(created);
    compute__changed(compute, created->number);
}

void lines_write_all(struct compute *compute)
{
    for (struct created *created = compute->first_created; created != NULL;
         created = created->next) {
        lines_write(compute, created);
    }
}
