/* SPDX-License-Identifier: Apache-2.0 */

/* What others asked of this node, in the store's table `asked`: one entry for each creator and plan
 * that waits or was decided on, with the owner's decision and, if it was sent, the result. Leans on
 * store.c. The idea: an entry outlives its task and the process, so that an owner has time, and a
 * decision counts when the same is asked again. */

#include "store/store_asked.h"
#include "store/store_internal.h"

#include <sotto/alloc.h>
#include <string.h>

/* At most so many finished requests of one creator are kept; older ones are deleted. */
#define KEPT_OF_ONE 200
/* And their results have at most so many bytes together: those of older ones are deleted. */
#define RESULTS_BYTES_OF_ONE ((size_t)64 * 1024 * 1024)

static const char *const state_names[ASKED_STATES_LEN] = {
    [ASKED_WAITING] = "WAITING",
    [ASKED_APPROVED] = "APPROVED",
    [ASKED_REJECTED] = "REJECTED",
    [ASKED_ENDED] = "ENDED",
};

const char *asked_state_name(enum asked_state state)
{
    return state_names[state];
}

#define ASKED_COLUMNS "id, created_at, deadline, state, creator, name, uid, creator_key"

static void read_asked(struct store_asked *out, sqlite3_stmt *statement)
{
    char state[16];
    out->number = (uint64_t)sqlite3_column_int64(statement, 0);
    out->created_ms = sqlite3_column_int64(statement, 1);
    out->deadline_ms = sqlite3_column_int64(statement, 2);
    store__copy_text(state, sizeof state, statement, 3);
    store__copy_text(out->creator, sizeof out->creator, statement, 4);
    store__copy_text(out->name, sizeof out->name, statement, 5);
    store__copy_blob(out->id.bytes, sizeof out->id.bytes, statement, 6);
    store__copy_blob(out->creator_key.bytes, sizeof out->creator_key.bytes, statement, 7);
    out->state = ASKED_ENDED;
    for (int i = 0; i < ASKED_STATES_LEN; i++) {
        out->state = strcmp(state, state_names[i]) == 0 ? (enum asked_state)i : out->state;
    }
}

/* Finds the entry of a creator that has this very plan: this task's, or the newest of those that
 * still count at now_ms. out->number is 0 if there is none. */
static enum sotto_status find_asked(struct store *store, struct store_asked *out,
                                    const struct sotto_task_id *id, const struct sotto_key *creator,
                                    const char *plan_json, int64_t now_ms, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err,
        "SELECT " ASKED_COLUMNS " FROM asked WHERE creator_key=? AND plan=? AND (uid=? OR"
        " (state<>'ENDED' AND deadline>?)) ORDER BY uid=? DESC, id DESC LIMIT 1",
        "btbib", creator->bytes, sizeof creator->bytes, plan_json, id->bytes, sizeof id->bytes,
        (uint64_t)now_ms, id->bytes, sizeof id->bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    out->number = 0;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        read_asked(out, statement);
    } else if (code != SQLITE_DONE) {
        status = store__database_error(store, err);
    }
    store__end(store, statement);
    return status;
}

/* Deletes the oldest finished requests of a creator, so that one who asks without end fills no
 * disk.
 */
static enum sotto_status delete_old(struct store *store, const struct sotto_key *creator,
                                    struct sotto_error *err)
{
    return store__write(
        store, err,
        "DELETE FROM asked WHERE creator_key=? AND state IN ('ENDED', 'REJECTED') AND id <="
        " (SELECT id FROM asked WHERE creator_key=? ORDER BY id DESC LIMIT 1 OFFSET ?)",
        "bbi", creator->bytes, sizeof creator->bytes, creator->bytes, sizeof creator->bytes,
        (uint64_t)KEPT_OF_ONE);
}

enum sotto_status store_asked_put(struct store *store, struct store_asked *in_out,
                                  const struct sotto_task_id *id, const struct sotto_key *creator,
                                  const char *plan_json, const char *words, struct sotto_error *err)
{
    struct store_asked found;
    enum sotto_status status =
        find_asked(store, &found, id, creator, plan_json, in_out->created_ms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (found.number != 0) {
        in_out->number = found.number;
        in_out->state = found.state;
        return store__write(store, err, "UPDATE asked SET uid=? WHERE id=?", "bi", id->bytes,
                            sizeof id->bytes, found.number);
    }
    status = delete_old(store, creator, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store__write(
        store, err,
        "INSERT OR REPLACE INTO"
        " asked(uid, creator_key, creator, name, plan, words, state, created_at, deadline)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        "bbtttttii", id->bytes, sizeof id->bytes, creator->bytes, sizeof creator->bytes,
        in_out->creator, in_out->name, plan_json, words, state_names[in_out->state],
        (uint64_t)in_out->created_ms, (uint64_t)in_out->deadline_ms);
    if (status != SOTTO_OK) {
        return status;
    }
    in_out->number = (uint64_t)sqlite3_last_insert_rowid(store->db);
    return SOTTO_OK;
}

enum sotto_status store_asked_state(struct store *store, uint64_t number, enum asked_state state,
                                    int64_t deadline_ms, struct sotto_error *err)
{
    return store__write(store, err,
                        "UPDATE asked SET state=?, deadline=MAX(deadline, ?) WHERE id=?", "tii",
                        state_names[state], (uint64_t)deadline_ms, number);
}

enum sotto_status store_asked_result(struct store *store, uint64_t number, const char *json,
                                     struct sotto_error *err)
{
    enum sotto_status status =
        store__write(store, err, "UPDATE asked SET result=? WHERE id=?", "ti", json, number);
    if (status != SOTTO_OK) {
        return status;
    }
    return store__write(
        store, err,
        "UPDATE asked SET result='' WHERE result<>'' AND id IN (SELECT id FROM (SELECT id,"
        " SUM(LENGTH(CAST(result AS BLOB))) OVER (ORDER BY id DESC) AS total FROM asked"
        " WHERE creator_key=(SELECT creator_key FROM asked WHERE id=?)) WHERE total>?)",
        "ii", number, (uint64_t)RESULTS_BYTES_OF_ONE);
}

enum sotto_status store_asked_expire(struct store *store, int64_t now_ms, struct sotto_error *err)
{
    return store__write(
        store, err,
        "UPDATE asked SET state='ENDED' WHERE state IN ('WAITING', 'APPROVED') AND deadline<=?",
        "i", (uint64_t)now_ms);
}

/* Copies a column's text. out may be NULL. Returns: false if there is no memory. */
static bool copy_column(char **out, sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    size_t bytes = (size_t)sqlite3_column_bytes(statement, column);
    if (out == NULL) {
        return true;
    }
    *out = sotto_text_copy(text != NULL ? text : "", bytes);
    return *out != NULL;
}

/* Copies the columns from first on, or none of them. Returns: false if there is no memory. */
static bool copy_columns(char **outs[], size_t outs_len, sqlite3_stmt *statement, int first)
{
    for (size_t i = 0; i < outs_len; i++) {
        if (!copy_column(outs[i], statement, first + (int)i)) {
            while (i-- > 0) {
                if (outs[i] != NULL) {
                    sotto_free(*outs[i]);
                    *outs[i] = NULL;
                }
            }
            return false;
        }
    }
    return true;
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
    if (code == SQLITE_ROW) {
        read_asked(out, statement);
        status = copy_columns(texts, 3, statement, 8) ? SOTTO_OK : sotto_error_no_memory(err);
    } else if (code == SQLITE_DONE) {
        status = sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "nothing of number %llu was asked",
                                 (unsigned long long)number);
    } else {
        status = store__database_error(store, err);
    }
    store__end(store, statement);
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
        read_asked(&asked, statement);
        visit(context, &asked);
    }
    return store__end_rows(store, statement, code, err);
}
