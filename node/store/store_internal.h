/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_INTERNAL_H
#define SOTTO_NODE_STORE_INTERNAL_H

/* What store.c (tasks, catalogue, answers) and store_asked.c share. Threads: the connection's. */

#include "store/store.h"
#include "store/store_kept.h"
#include <sqlite3.h>

/* More than the store has statements. */
#define STORE_STATEMENTS_MAX 96

/* A statement that was prepared once and is kept. */
struct store_statement {
    const char *sql; /* a literal */
    sqlite3_stmt *statement;
    bool is_running;
};

struct store {
    sqlite3 *db;
    bool in_transaction;
    bool durable; /* the present setting of PRAGMA synchronous */
    struct store_statement statements[STORE_STATEMENTS_MAX];
    size_t statements_len;
    struct store_kept_all kept;
};

/* Sets err to what SQLite says. Returns: SOTTO_ERROR_IO. */
enum sotto_status store__database_error(struct store *store,
                                        struct sotto_error *err) SOTTO_NODISCARD;

/* A statement with its arguments bound in order: format has one letter for each, i (uint64_t),
 * t (const char *), b (const void *, size_t). Texts are borrowed until store__end. sql: a literal.
 */
enum sotto_status store__prepare(struct store *store, sqlite3_stmt **out, struct sotto_error *err,
                                 const char *sql, const char *format, ...) SOTTO_NODISCARD;

/* Prepares a statement that gives no rows, runs it and ends it. Outside of a transaction it is
 * durable. */
enum sotto_status store__write(struct store *store, struct sotto_error *err, const char *sql,
                               const char *format, ...) SOTTO_NODISCARD;

/* Ends a statement of store__prepare, which may be run anew. */
void store__end(struct store *store, sqlite3_stmt *statement);
/* Ends a statement whose rows were read. code: of its last step. Returns: SOTTO_ERROR_IO unless
 * that was SQLITE_DONE. */
enum sotto_status store__end_rows(struct store *store, sqlite3_stmt *statement, int code,
                                  struct sotto_error *err) SOTTO_NODISCARD;

/* Copies a blob of exactly so many bytes from a row; zeros where it is another one. */
void store__copy_blob(void *out, size_t out_bytes, sqlite3_stmt *statement, int column);

/* Runs a statement that gives at most one value, and ends it. Returns: SOTTO_ERROR_NOT_FOUND. */
enum sotto_status store__read_bytes(struct store *store, struct sotto_buffer *out,
                                    sqlite3_stmt *statement,
                                    struct sotto_error *err) SOTTO_NODISCARD;

/* Writes bytes into JSON, in base64, which has no character that JSON would write otherwise: behind
 * a text that ends with the quote before them, and before a quote and a brace. Ownership: *out is
 * ended by sotto_free. */
enum sotto_status store__write_json(char **out, const char *before,
                                    const struct sotto_buffer *bytes,
                                    struct sotto_error *err) SOTTO_NODISCARD;

/* The columns of a task's row, and the task that is read from them. */
#define STORE_TASK_COLUMNS                                                                         \
    "id, created_at, name, type, creator, status, error, must_verify, confirmation"
void store__read_task(struct store_task *out, sqlite3_stmt *statement);

/* A column's text, cut where out ends. */
void store__copy_text(char *out, size_t out_bytes, sqlite3_stmt *statement, int column);

#endif
