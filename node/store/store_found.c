/* SPDX-License-Identifier: Apache-2.0 */

/* Lists of tasks, of all or of some. Leans on store.c. */

#include "store/store_found.h"
#include "store/store_internal.h"

/* With state and name as arguments, each twice. */
#define WANTED " FROM tasks WHERE (?='' OR status=?) AND (?='' OR instr(lower(name), lower(?)))"

static const char *state_of(const struct store_filter *filter)
{
    return filter->state == TASK_STATES_LEN ? "" : task_state_name(filter->state);
}

enum sotto_status store_each_task(struct store *store, uint64_t offset, uint64_t limit,
                                  const struct store_filter *filter, store_task_visit *visit,
                                  void *context, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    const char *state = state_of(filter);
    enum sotto_status status = store__prepare(
        store, &statement, err,
        filter->descending ? "SELECT " STORE_TASK_COLUMNS WANTED
                             " ORDER BY id DESC LIMIT ? OFFSET ?"
                           : "SELECT " STORE_TASK_COLUMNS WANTED " ORDER BY id LIMIT ? OFFSET ?",
        "ttttii", state, state, filter->name, filter->name, limit, offset);
    if (status != SOTTO_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_task task;
        store__read_task(&task, statement);
        visit(context, &task);
    }
    return store__end_rows(store, statement, code, err);
}

/* Reads the one number that a statement gives. */
static enum sotto_status read_number(struct store *store, sqlite3_stmt *statement, uint64_t *out,
                                     struct sotto_error *err)
{
    int code;
    *out = 0;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        *out = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    return store__end_rows(store, statement, code, err);
}

/* By the states alone the index is enough: names are looked for in all rows. */
enum sotto_status store_count_found(struct store *store, uint64_t *out,
                                    const struct store_filter *filter, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    const char *state = state_of(filter);
    enum sotto_status status =
        filter->name[0] == '\0'
            ? store__prepare(store, &statement, err,
                             state[0] == '\0' ? "SELECT count(status) FROM tasks"
                                              : "SELECT count(status) FROM tasks WHERE status=?",
                             state[0] == '\0' ? "" : "t", state)
            : store__prepare(store, &statement, err, "SELECT count(*)" WANTED, "tttt", state, state,
                             filter->name, filter->name);
    if (status != SOTTO_OK) {
        return status;
    }
    return read_number(store, statement, out, err);
}

enum sotto_status store_find_previous(struct store *store, uint64_t *out, uint64_t number,
                                      struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status =
        store__prepare(store, &statement, err,
                       "SELECT id FROM tasks WHERE id<?"
                       " AND name=(SELECT name FROM tasks WHERE id=?) ORDER BY id DESC LIMIT 1",
                       "ii", number, number);
    if (status != SOTTO_OK) {
        return status;
    }
    return read_number(store, statement, out, err);
}
