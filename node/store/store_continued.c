/* SPDX-License-Identifier: Apache-2.0 */

/* What models had reached, in the store's table `continued`. Leans on store.c, which prunes it by
 * age. */

#include "store/store_continued.h"
#include "store/store_internal.h"

enum sotto_status store_continued_add(struct store *store, const struct sotto_key *creator,
                                      const char *plan_json, const char *reached, int64_t now_ms,
                                      struct sotto_error *err)
{
    enum sotto_status status = store__write(
        store, err,
        "INSERT INTO continued(creator_key, created_at, plan, reached) VALUES (?,?,?,?)", "bitt",
        creator->bytes, sizeof creator->bytes, (uint64_t)now_ms, plan_json, reached);
    if (status != SOTTO_OK) {
        return status;
    }
    return store__write(store, err,
                        "DELETE FROM continued WHERE creator_key=? AND id NOT IN (SELECT id FROM "
                        "continued WHERE creator_key=? ORDER BY id DESC LIMIT ?)",
                        "bbi", creator->bytes, sizeof creator->bytes, creator->bytes,
                        sizeof creator->bytes, (uint64_t)CONTINUED_OF_ONE);
}

enum sotto_status store_each_continued(struct store *store, const struct sotto_key *creator,
                                       store_continued_visit *visit, void *context,
                                       struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status =
        store__prepare(store, &statement, err,
                       "SELECT plan, reached FROM continued WHERE creator_key=? ORDER BY id DESC",
                       "b", creator->bytes, sizeof creator->bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    bool is_done = false;
    int code = SQLITE_DONE;
    while (!is_done && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *plan_json = (const char *)sqlite3_column_text(statement, 0);
        const char *reached = (const char *)sqlite3_column_text(statement, 1);
        is_done = plan_json != NULL && reached != NULL && visit(context, plan_json, reached);
    }
    return store__end_rows(store, statement, is_done ? SQLITE_DONE : code, err);
}
