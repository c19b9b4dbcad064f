/* SPDX-License-Identifier: Apache-2.0 */

/* The ledger's rows, in the store's table `ledger`. Leans on store.c, and on store_kept.c for what
 * was read before. The idea: the table is what disclosure/chain.c makes of it; here rows are only
 * appended, deleted at the old end, and read in their order. */

#include "store/store_ledger.h"
#include "store/store_internal.h"

#include <sotto/secret.h>
#include <string.h>

static enum sotto_status insert_row(struct store *store, const struct sotto_ledger_row *row,
                                    struct sotto_error *err)
{
    return store__write(store, err,
                        "INSERT INTO ledger(id, created_at, subject, digest, bytes)"
                        " VALUES (?,?,?,?,?)",
                        "iibbb", row->number, (uint64_t)row->created_ms, row->subject,
                        sizeof row->subject, row->digest, sizeof row->digest, row->bytes,
                        row->bytes_len);
}

static enum sotto_status append_rows(void *context, const struct sotto_ledger_row *rows,
                                     size_t rows_len, uint64_t forget_below,
                                     struct sotto_error *err)
{
    struct store *store = context;
    enum sotto_status status = store_begin(store, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < rows_len; i++) {
        status = insert_row(store, &rows[i], err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    if (forget_below > 0) {
        status = store__write(store, err, "DELETE FROM ledger WHERE id < ?", "i", forget_below);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = store_commit(store, err);
    if (forget_below > 0) {
        store__kept_release(&store->kept);
    }
out:
    store_rollback(store);
    return status;
}

/* Of all rows; subject: of its rows, 10,000 at a time, of which only what they say is wanted. A
 * subject or a digest of another length is one of zeros, which fits no chain. */
static void read_row(struct sotto_ledger_row *out, sqlite3_stmt *statement, const uint8_t *subject)
{
    out->number = (uint64_t)sqlite3_column_int64(statement, 0);
    out->created_ms = sqlite3_column_int64(statement, 1);
    out->bytes = sqlite3_column_blob(statement, 2);
    out->bytes_len = (size_t)sqlite3_column_bytes(statement, 2);
    if (subject != NULL) {
        memcpy(out->subject, subject, sizeof out->subject);
        memset(out->digest, 0, sizeof out->digest);
    } else {
        store__copy_blob(out->subject, sizeof out->subject, statement, 3);
        store__copy_blob(out->digest, sizeof out->digest, statement, 4);
    }
}

static enum sotto_status each_of_all(struct store *store, sotto_ledger_see_row *see,
                                     void *see_context, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status =
        store__prepare(store, &statement, err,
                       "SELECT id, created_at, bytes, subject, digest FROM ledger ORDER BY id", "");
    if (status != SOTTO_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct sotto_ledger_row row;
        read_row(&row, statement, NULL);
        status = see(see_context, &row, err);
        if (status != SOTTO_OK) {
            store__end(store, statement);
            return status;
        }
    }
    return store__end_rows(store, statement, code, err);
}

/* A subject's rows that are not kept yet, which are then. */
static enum sotto_status each_behind(struct store *store, struct store_kept *kept,
                                     const uint8_t *subject, sotto_ledger_see_row *see,
                                     void *see_context, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool has_room = true;
    enum sotto_status status =
        store__prepare(store, &statement, err,
                       "SELECT id, created_at, bytes FROM ledger"
                       " WHERE subject=? AND id>? ORDER BY id",
                       "bi", subject, (size_t)SOTTO_LEDGER_SUBJECT_BYTES, store__kept_last(kept));
    if (status != SOTTO_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct sotto_ledger_row row;
        read_row(&row, statement, subject);
        has_room = has_room && store__kept_add(&store->kept, kept, &row);
        status = see(see_context, &row, err);
        if (status != SOTTO_OK) {
            store__end(store, statement);
            return status;
        }
    }
    return store__end_rows(store, statement, code, err);
}

static enum sotto_status read_number(struct store *store, uint64_t *out, const char *sql,
                                     struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    *out = 0;
    enum sotto_status status = store__prepare(store, &statement, err, sql, "");
    if (status != SOTTO_OK) {
        return status;
    }
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *out = (uint64_t)sqlite3_column_int64(statement, 0);
        code = sqlite3_step(statement);
    }
    return store__end_rows(store, statement, code, err);
}

/* Forgets what is kept if another connection wrote since. */
static enum sotto_status check_kept(struct store *store, struct sotto_error *err)
{
    uint64_t version;
    enum sotto_status status = read_number(store, &version, "PRAGMA data_version", err);
    if (status == SOTTO_OK && version != store->kept.version) {
        store__kept_release(&store->kept);
        store->kept.version = version;
    }
    return status;
}

static enum sotto_status each_row(void *context, const uint8_t *subject, sotto_ledger_see_row *see,
                                  void *see_context, struct sotto_error *err)
{
    struct store *store = context;
    if (subject == NULL) {
        return each_of_all(store, see, see_context, err);
    }
    enum sotto_status status = check_kept(store, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct store_kept *kept = store__kept_find(&store->kept, subject);
    if (kept == NULL) {
        return sotto_error_no_memory(err);
    }
    status = store__kept_each(kept, see, see_context, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return each_behind(store, kept, subject, see, see_context, err);
}

/* Ids have no gaps: entries are appended, and only the oldest are forgotten. */
enum sotto_status store_count_ledger(struct store *store, uint64_t *out, struct sotto_error *err)
{
    /* Two selects: SQLite looks up one end of a table, and reads all of it for both. */
    return read_number(
        store, out,
        "SELECT coalesce((SELECT max(id) FROM ledger) - (SELECT min(id) FROM ledger) + 1, 0)", err);
}

struct sotto_ledger_storage store_ledger_storage(struct store *store)
{
    return (struct sotto_ledger_storage){.context = store, .append = append_rows, .each = each_row};
}

/* Whoever has the database alone can neither write entries nor try values out on sketches: for both
 * the identity's file is needed too. */
enum sotto_status store_ledger_open(struct sotto_ledger **out, struct store *store,
                                    const struct sotto_identity *identity, struct sotto_error *err)
{
    struct sotto_ledger_storage storage = store_ledger_storage(store);
    uint8_t seed[SOTTO_IDENTITY_SEED_BYTES];
    sotto_identity_seed(identity, seed);
    enum sotto_status status = sotto_ledger_open(out, &storage, seed, err);
    sotto_wipe(seed, sizeof seed);
    return status;
}
