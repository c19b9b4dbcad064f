/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_internal.h"

#include <sotto/alloc.h>
#include <string.h>

#define STATES_LEN 4
/* Of one creator: what is over is forgotten beyond so many. */
#define KEPT_OF_ONE 200

static const char *const state_names[STATES_LEN] = {
    [ASKED_WAITING] = "WAITING",
    [ASKED_APPROVED] = "APPROVED",
    [ASKED_REJECTED] = "REJECTED",
    [ASKED_ENDED] = "ENDED",
};

const char *asked_state_name(enum asked_state state)
{
    return state_names[state];
}

#define ASKED_COLUMNS "id, created_at, deadline, state, creator, name"

static void from_row(struct store_asked *out, sqlite3_stmt *statement)
{
    char state[16];
    out->number = (uint64_t)sqlite3_column_int64(statement, 0);
    out->created_ms = sqlite3_column_int64(statement, 1);
    out->deadline_ms = sqlite3_column_int64(statement, 2);
    store__copy_text(state, sizeof state, statement, 3);
    store__copy_text(out->creator, sizeof out->creator, statement, 4);
    store__copy_text(out->name, sizeof out->name, statement, 5);
    out->state = ASKED_ENDED;
    for (int i = 0; i < STATES_LEN; i++) {
        out->state = strcmp(state, state_names[i]) == 0 ? (enum asked_state)i : out->state;
    }
}

/* The entry of a task and its creator that has this very plan, else number 0. */
static enum sotto_status find(struct store *store, struct store_asked *out,
                              const struct sotto_task_id *id, const struct sotto_key *creator,
                              const char *plan_json, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err,
        "SELECT " ASKED_COLUMNS " FROM asked WHERE uid=? AND creator_key=? AND plan=?", "bbt",
        id->bytes, sizeof id->bytes, creator->bytes, sizeof creator->bytes, plan_json);
    if (status != SOTTO_OK) {
        return status;
    }
    out->number = 0;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        from_row(out, statement);
    } else if (code != SQLITE_DONE) {
        status = store__database_error(store, err);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* A creator that asks without end fills no disk. */
static enum sotto_status forget(struct store *store, const struct sotto_key *creator,
                                struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err,
        "DELETE FROM asked WHERE creator_key=? AND state IN ('ENDED', 'REJECTED') AND id <="
        " (SELECT id FROM asked WHERE creator_key=? ORDER BY id DESC LIMIT 1 OFFSET ?)",
        "bbi", creator->bytes, sizeof creator->bytes, creator->bytes, sizeof creator->bytes,
        (uint64_t)KEPT_OF_ONE);
    return status == SOTTO_OK ? store__run(store, statement, err) : status;
}

enum sotto_status store_asked_put(struct store *store, struct store_asked *in_out,
                                  const struct sotto_task_id *id, const struct sotto_key *creator,
                                  const char *plan_json, const char *words, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    struct store_asked found;
    enum sotto_status status = find(store, &found, id, creator, plan_json, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (found.number != 0) {
        in_out->number = found.number;
        in_out->state = found.state;
        return SOTTO_OK;
    }
    status = forget(store, creator, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store__prepare(
        store, &statement, err,
        "INSERT OR REPLACE INTO"
        " asked(uid, creator_key, creator, name, plan, words, state, created_at, deadline)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        "bbtttttii", id->bytes, sizeof id->bytes, creator->bytes, sizeof creator->bytes,
        in_out->creator, in_out->name, plan_json, words, state_names[in_out->state],
        (uint64_t)in_out->created_ms, (uint64_t)in_out->deadline_ms);
    status = status == SOTTO_OK ? store__run(store, statement, err) : status;
    if (status == SOTTO_OK) {
        in_out->number = (uint64_t)sqlite3_last_insert_rowid(store->db);
    }
    return status;
}

enum sotto_status store_asked_state(struct store *store, uint64_t number, enum asked_state state,
                                    struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status =
        store__prepare(store, &statement, err, "UPDATE asked SET state=? WHERE id=?", "ti",
                       state_names[state], number);
    return status == SOTTO_OK ? store__run(store, statement, err) : status;
}

enum sotto_status store_asked_result(struct store *store, uint64_t number, const char *json,
                                     struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err, "UPDATE asked SET result=? WHERE id=?", "ti", json, number);
    return status == SOTTO_OK ? store__run(store, statement, err) : status;
}

enum sotto_status store_asked_expire(struct store *store, int64_t now_ms, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err,
        "UPDATE asked SET state='ENDED' WHERE state IN ('WAITING', 'APPROVED') AND deadline<=?",
        "i", (uint64_t)now_ms);
    return status == SOTTO_OK ? store__run(store, statement, err) : status;
}

static enum sotto_status take_text(char **out, sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    size_t bytes = (size_t)sqlite3_column_bytes(statement, column);
    if (out != NULL) {
        *out = sotto_text_copy(text != NULL ? text : "", bytes);
    }
    return out == NULL || *out != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

enum sotto_status store_get_asked(struct store *store, struct store_asked *out, char **out_plan,
                                  char **out_words, char **out_result, uint64_t number,
                                  struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    char **texts[3] = {out_plan, out_words, out_result};
    enum sotto_status status = store__prepare(
        store, &statement, err,
        "SELECT " ASKED_COLUMNS ", plan, words, result FROM asked WHERE id=?", "i", number);
    if (status != SOTTO_OK) {
        return status;
    }
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) {
        status = sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "nothing of number %llu was asked",
                                 (unsigned long long)number);
    } else if (code != SQLITE_ROW) {
        status = store__database_error(store, err);
    } else {
        from_row(out, statement);
        for (int i = 0; status == SOTTO_OK && i < 3; i++) {
            status = take_text(texts[i], statement, 6 + i);
        }
        for (int i = 0; status != SOTTO_OK && i < 3; i++) {
            if (texts[i] != NULL) {
                sotto_free(*texts[i]);
                *texts[i] = NULL;
            }
        }
        status = status == SOTTO_OK ? status : sotto_error_set(err, status, "out of memory");
    }
    (void)sqlite3_finalize(statement);
    return status;
}

enum sotto_status store_each_asked(struct store *store, uint64_t limit, bool waiting_only,
                                   store_asked_visit *visit, void *context, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err,
        waiting_only ? "SELECT " ASKED_COLUMNS
                       " FROM asked WHERE state='WAITING' ORDER BY id DESC LIMIT ?"
                     : "SELECT " ASKED_COLUMNS " FROM asked ORDER BY id DESC LIMIT ?",
        "i", limit);
    if (status != SOTTO_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_asked asked;
        from_row(&asked, statement);
        visit(context, &asked);
    }
    if (code != SQLITE_DONE) {
        status = store__database_error(store, err);
    }
    (void)sqlite3_finalize(statement);
    return status;
}
