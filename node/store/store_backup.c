/* SPDX-License-Identifier: Apache-2.0 */

/* Copies of a database. Leans on SQLite's online backup, which reads a snapshot while the node
 * writes on: what the copy has is what was committed at one moment, the ledger with the answers it
 * is of. The idea of the rest: an older copy must not be let do again what the newer one did. */

#include "store/store_backup.h"
#include "store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000

static enum sotto_status fail_copy(sqlite3 *db, const char *path, struct sotto_error *err)
{
    return db == NULL ? sotto_error_no_memory(err)
                      : sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, sqlite3_errmsg(db));
}

/* The file is one without a log beside it. */
static enum sotto_status copy_pages(sqlite3 *to, const char *to_path, sqlite3 *from,
                                    struct sotto_error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (backup == NULL) {
        return fail_copy(to, to_path, err);
    }
    (void)sqlite3_backup_step(backup, -1); /* what went wrong its end says */
    if (sqlite3_backup_finish(backup) != SQLITE_OK ||
        sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL) != SQLITE_OK) {
        return fail_copy(to, to_path, err);
    }
    return SOTTO_OK;
}

enum sotto_status store_copy(const char *to, const char *from, struct sotto_error *err)
{
    sqlite3 *source = NULL;
    sqlite3 *copy = NULL;
    int fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return sotto_error_set(err, errno == EEXIST ? SOTTO_ERROR_STATE : SOTTO_ERROR_IO, "%s: %s",
                               to, strerror(errno));
    }
    enum sotto_status status = SOTTO_OK;
    if (sqlite3_open_v2(from, &source, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        status = fail_copy(source, from, err);
        goto out;
    }
    (void)sqlite3_busy_timeout(source, BUSY_TIMEOUT_MS);
    if (sqlite3_open_v2(to, &copy, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        status = fail_copy(copy, to, err);
        goto out;
    }
    status = copy_pages(copy, to, source, err);
    if (status == SOTTO_OK && fsync(fd) != 0) {
        status = sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", to, strerror(errno));
    }
out:
    (void)sqlite3_close(copy);
    (void)sqlite3_close(source);
    (void)close(fd);
    if (status != SOTTO_OK) {
        (void)unlink(to);
    }
    return status;
}

/* The first text that a query gives, or before where it gives none. */
static enum sotto_status ask_text(struct store *store, char text[256], const char *query,
                                  struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(store, &statement, err, query, "");
    if (status == SOTTO_OK && sqlite3_step(statement) == SQLITE_ROW) {
        store__copy_text(text, 256, statement, 0);
    }
    store__end(store, statement);
    return status;
}

enum sotto_status store_check(struct store *store, struct sotto_error *err)
{
    char text[256] = "it can't be read";
    char other[256] = "";
    enum sotto_status status = ask_text(store, text, "PRAGMA integrity_check(1)", err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (strcmp(text, "ok") != 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "the database is damaged: %s", text);
    }
    status = ask_text(store, other,
                      "SELECT type || ' ' || name FROM sqlite_master"
                      " WHERE type IN ('trigger', 'view')",
                      err);
    if (status == SOTTO_OK && other[0] != '\0') {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "the database has a %s, and a node makes none: somebody else did",
                                 other);
    }
    return status;
}

enum sotto_status store_end_past(struct store *store, struct sotto_error *err)
{
    static const char *const past[] = {
        "DELETE FROM underway",
        "UPDATE asked SET state='ENDED' WHERE state IN ('WAITING', 'APPROVED')",
        "UPDATE code SET state='REVOKED', rounds_left=0 WHERE state='APPROVED'",
    };
    enum sotto_status status = store_begin(store, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < sizeof past / sizeof past[0]; i++) {
        status = store__write(store, err, past[i], "");
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = store_commit(store, err);
out:
    store_rollback(store);
    return status;
}
