/* SPDX-License-Identifier: Apache-2.0 */

/* Tasks of several rounds that are under way, in the store's table `underway`. Leans on store.c.
 * The idea: entries are only added, one for each round, and all go when the task is over: what is
 * there after a crash is what was there before it. */

#include "store/store_underway.h"
#include "store/store_internal.h"

#include <sotto/alloc.h>

enum sotto_status store_underway_add(struct store *store, const struct sotto_task_id *id,
                                     const struct sotto_key *creator, const void *bytes,
                                     size_t bytes_len, struct sotto_error *err)
{
    return store__write(store, err, "INSERT INTO underway(uid, creator_key, bytes) VALUES (?,?,?)",
                        "bbb", id->bytes, sizeof id->bytes, creator->bytes, sizeof creator->bytes,
                        bytes, bytes_len);
}

enum sotto_status store_underway_forget(struct store *store, const struct sotto_task_id *id,
                                        const struct sotto_key *creator, struct sotto_error *err)
{
    return store__write(store, err, "DELETE FROM underway WHERE uid=? AND creator_key=?", "bb",
                        id->bytes, sizeof id->bytes, creator->bytes, sizeof creator->bytes);
}

enum sotto_status store_list_underway(struct store *store, struct store_underway *out, size_t max,
                                      size_t *out_len, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    size_t len = 0;
    enum sotto_status status =
        store__prepare(store, &statement, err,
                       "SELECT uid, creator_key FROM underway GROUP BY uid, creator_key"
                       " ORDER BY MIN(id) LIMIT ?",
                       "i", (uint64_t)max);
    if (status != SOTTO_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        out[len] = (struct store_underway){0};
        store__copy_blob(out[len].id.bytes, sizeof out[len].id.bytes, statement, 0);
        store__copy_blob(out[len].creator.bytes, sizeof out[len].creator.bytes, statement, 1);
        len++;
    }
    status = store__end_rows(store, statement, code, err);
    *out_len = status == SOTTO_OK ? len : 0;
    return status;
}

void store_free_underway(struct sotto_buffer *entries, size_t len)
{
    for (size_t i = 0; entries != NULL && i < len; i++) {
        sotto_buffer_release(&entries[i]);
    }
    sotto_free(entries);
}

/* Adds the row's blob to a growing list. */
static enum sotto_status read_entry(struct sotto_buffer **entries, size_t *len, size_t *capacity,
                                    sqlite3_stmt *statement)
{
    void *grown = *entries;
    enum sotto_status status = sotto_array_reserve(&grown, capacity, *len + 1, sizeof **entries);
    if (status != SOTTO_OK) {
        return status;
    }
    *entries = grown;
    const void *blob = sqlite3_column_blob(statement, 0);
    status = sotto_buffer_copy(&(*entries)[*len], blob, (size_t)sqlite3_column_bytes(statement, 0));
    *len += status == SOTTO_OK;
    return status;
}

enum sotto_status store_get_underway(struct store *store, struct sotto_buffer **out,
                                     size_t *out_len, const struct sotto_task_id *id,
                                     const struct sotto_key *creator, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    struct sotto_buffer *entries = NULL;
    size_t len = 0;
    size_t capacity = 0;
    enum sotto_status status =
        store__prepare(store, &statement, err,
                       "SELECT bytes FROM underway WHERE uid=? AND creator_key=? ORDER BY id", "bb",
                       id->bytes, sizeof id->bytes, creator->bytes, sizeof creator->bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    int code;
    while (status == SOTTO_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        status = read_entry(&entries, &len, &capacity, statement);
    }
    if (status != SOTTO_OK) {
        store__end(store, statement);
        status = sotto_error_no_memory(err);
    } else {
        status = store__end_rows(store, statement, code, err);
    }
    if (status != SOTTO_OK) {
        store_free_underway(entries, len);
        return status;
    }
    *out = entries;
    *out_len = len;
    return SOTTO_OK;
}
