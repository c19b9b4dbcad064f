/* SPDX-License-Identifier: Apache-2.0 */

/* The database of a node: its schema, transactions, tasks, the catalogue and what was answered.
 * Leans on SQLite. What it promises when the process is killed, or power fails, at any moment:
 *
 * 1. The write-ahead log keeps the database whole: a transaction is there, or it is not. The loop
 *    thread's connection sees committed ones only.
 * 2. A durable transaction (synchronous=FULL) is on the disk when commit returns. So is a single
 *    write outside of a transaction. Other commits (synchronous=NORMAL, the tasks' log lines)
 *    outlive the process, but not the power.
 * 3. A task is durable and RUNNING before its machine's first message leaves (task/created.c): what
 *    others were invited to is never unknown here.
 * 4. A task's state, reason and result are one durable transaction: nobody is told FINISHED by a
 *    node that then has no result.
 * 5. What a party's masked rows leave for is durable before they do, and again before its consent
 *    (store_answer). A party that begins anew is told so (store_has_answered, and
 *    store_get_last_answer for which session): two openings over different parties would open a
 *    single party's values.
 * 6. The start ends all tasks that were under way, in one durable transaction, with a line in each
 *    log (store_interrupt_tasks): no task hangs.
 * 7. A migration and its version number are one transaction: it was done, or is done again.
 * 8. What others asked stays, with the owner's decision: it counts when the invitation comes
 *    again.
 * 9. What the ledger of answers appends is one durable transaction (store_ledger.c).
 * 10. The owner's record says what was asked, and what became of it; that a task is answered stands
 *     there before the masked rows leave. Age alone removes an entry.
 * 11. Code of others is what was offered, byte for byte, under its digest; what the owner approved
 *     stays until it is revoked (store_code.c). */

#include "store/store_internal.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 5000

/* Migration i brings a database from version i to i + 1. Never edit one that was released: add. */
static const char *const migrations[] = {
    "CREATE TABLE tasks ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  uid BLOB NOT NULL UNIQUE,"
    "  name TEXT NOT NULL, type TEXT NOT NULL, creator TEXT NOT NULL,"
    "  status TEXT NOT NULL, plan TEXT NOT NULL, created_at INTEGER NOT NULL,"
    "  error TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX tasks_status ON tasks(status);"
    "CREATE TABLE logs ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  task_id INTEGER NOT NULL REFERENCES tasks(id),"
    "  created_at INTEGER NOT NULL, message TEXT NOT NULL);"
    "CREATE INDEX logs_task ON logs(task_id, id);"
    "CREATE TABLE results ("
    "  task_id INTEGER PRIMARY KEY REFERENCES tasks(id), document TEXT NOT NULL);"
    "CREATE TABLE catalogue ("
    "  file TEXT NOT NULL, options TEXT NOT NULL, encoded BLOB NOT NULL,"
    "  PRIMARY KEY (file, options));"
    "CREATE TABLE answered ("
    "  id INTEGER PRIMARY KEY, uid BLOB NOT NULL, created_at INTEGER NOT NULL,"
    "  bytes BLOB NOT NULL);"
    "CREATE INDEX answered_uid ON answered(uid);",
    "CREATE TABLE asked ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  uid BLOB NOT NULL, creator_key BLOB NOT NULL, creator TEXT NOT NULL,"
    "  name TEXT NOT NULL, plan TEXT NOT NULL, words TEXT NOT NULL, state TEXT NOT NULL,"
    "  created_at INTEGER NOT NULL, deadline INTEGER NOT NULL, result TEXT NOT NULL DEFAULT '',"
    "  UNIQUE (uid, creator_key));"
    "CREATE INDEX answered_created ON answered(created_at);",
    /* Of answers before, creator_key is unknown: they count for every creator. */
    "ALTER TABLE answered ADD COLUMN creator_key BLOB NOT NULL DEFAULT x'';",
    "CREATE TABLE ledger ("
    "  id INTEGER PRIMARY KEY, created_at INTEGER NOT NULL,"
    "  subject BLOB NOT NULL, digest BLOB NOT NULL, bytes BLOB NOT NULL);"
    "CREATE INDEX ledger_subject ON ledger(subject);",
    "CREATE TABLE record ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  created_at INTEGER NOT NULL, day INTEGER NOT NULL,"
    "  creator_key BLOB NOT NULL, creator TEXT NOT NULL, uid BLOB NOT NULL, name TEXT NOT NULL,"
    "  event TEXT NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL, plan TEXT NOT NULL,"
    "  plan_bytes INTEGER NOT NULL,"
    "  times INTEGER NOT NULL DEFAULT 1);"
    "CREATE INDEX record_day ON record(creator_key, day, event, reason, plan_bytes);"
    "CREATE INDEX record_uid ON record(uid);"
    "CREATE INDEX record_created ON record(created_at);",
    ("ALTER TABLE tasks ADD COLUMN must_verify INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE tasks ADD COLUMN confirmation TEXT NOT NULL DEFAULT '';"
     "CREATE TABLE receipts ("
     "  task_id INTEGER PRIMARY KEY REFERENCES tasks(id), bytes BLOB NOT NULL,"
     "  full_bytes BLOB);"),
    "CREATE TABLE underway ("
    "  id INTEGER PRIMARY KEY, uid BLOB NOT NULL, creator_key BLOB NOT NULL, bytes BLOB NOT NULL);"
    "CREATE INDEX underway_uid ON underway(uid);",
    ("ALTER TABLE tasks ADD COLUMN reached TEXT NOT NULL DEFAULT '';"
     "CREATE TABLE continued ("
     "  id INTEGER PRIMARY KEY, creator_key BLOB NOT NULL, created_at INTEGER NOT NULL,"
     "  plan TEXT NOT NULL, reached TEXT NOT NULL);"
     "CREATE INDEX continued_creator ON continued(creator_key);"),
    ("CREATE TABLE code ("
     "  id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL,"
     "  state TEXT NOT NULL, offered_at INTEGER NOT NULL,"
     "  creator_key BLOB NOT NULL, creator TEXT NOT NULL,"
     "  decided_at INTEGER NOT NULL DEFAULT 0, approved_at INTEGER NOT NULL DEFAULT 0,"
     "  peer TEXT NOT NULL DEFAULT '', rounds_left INTEGER NOT NULL DEFAULT 0);"
     "CREATE INDEX code_creator ON code(creator_key);"),
    "ALTER TABLE code ADD COLUMN peer_key BLOB NOT NULL DEFAULT x'';",
    ("CREATE TABLE models ("
     "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
     "  task_id INTEGER NOT NULL REFERENCES tasks(id), round INTEGER NOT NULL,"
     "  created_at INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (task_id, round));"),
};
static const int migrations_len = (int)(sizeof migrations / sizeof migrations[0]);

static const char *const state_names[TASK_STATES_LEN] = {
    [TASK_PENDING] = "PENDING",     [TASK_RUNNING] = "RUNNING", [TASK_FINISHED] = "FINISHED",
    [TASK_CONFIRMED] = "CONFIRMED", [TASK_ERROR] = "ERROR",     [TASK_CANCELLED] = "CANCELLED",
};

const char *task_state_name(enum task_state state)
{
    return state_names[state];
}

bool task_state_has_ended(enum task_state state)
{
    return state != TASK_PENDING && state != TASK_RUNNING;
}

bool store_task_is_settled(const struct store_task *task)
{
    return task_state_has_ended(task->state) && strcmp(task->confirmation, STORE_AWAITED) != 0;
}

static enum task_state parse_state(const char *name)
{
    for (int i = 0; i < TASK_STATES_LEN; i++) {
        if (strcmp(state_names[i], name) == 0) {
            return (enum task_state)i;
        }
    }
    return TASK_ERROR;
}

/* --- Statements --- */

enum sotto_status store__database_error(struct store *store, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_IO, "the node's database: %s",
                           sqlite3_errmsg(store->db));
}

static enum sotto_status execute_sql(struct store *store, const char *sql, struct sotto_error *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? SOTTO_OK
               : store__database_error(store, err);
}

static int bind_all(sqlite3_stmt *statement, const char *format, va_list args)
{
    int code = SQLITE_OK;
    for (int i = 1; format[i - 1] != '\0' && code == SQLITE_OK; i++) {
        if (format[i - 1] == 'i') {
            code = sqlite3_bind_int64(statement, i, (sqlite3_int64)va_arg(args, uint64_t));
        } else if (format[i - 1] == 't') {
            code = sqlite3_bind_text(statement, i, va_arg(args, const char *), -1, SQLITE_STATIC);
        } else {
            const void *data = va_arg(args, const void *);
            size_t bytes = va_arg(args, size_t);
            code = sqlite3_bind_blob64(statement, i, data, bytes, SQLITE_STATIC);
        }
    }
    return code;
}

/* Keeps a statement, if there is room. */
static void keep_statement(struct store *store, const char *sql, sqlite3_stmt *statement)
{
    if (store->statements_len < STORE_STATEMENTS_MAX) {
        store->statements[store->statements_len++] =
            (struct store_statement){.sql = sql, .statement = statement, .is_running = true};
    }
}

/* A statement that is kept and not running; NULL: there is none. */
static sqlite3_stmt *take_statement(struct store *store, const char *sql)
{
    for (size_t i = 0; i < store->statements_len; i++) {
        struct store_statement *kept = &store->statements[i];
        if (!kept->is_running && strcmp(kept->sql, sql) == 0) {
            kept->is_running = true;
            return kept->statement;
        }
    }
    return NULL;
}

void store__end(struct store *store, sqlite3_stmt *statement)
{
    for (size_t i = 0; i < store->statements_len; i++) {
        struct store_statement *kept = &store->statements[i];
        if (kept->statement == statement) {
            (void)sqlite3_reset(statement); /* what its last step said was said already */
            (void)sqlite3_clear_bindings(statement);
            kept->is_running = false;
            return;
        }
    }
    (void)sqlite3_finalize(statement);
}

static enum sotto_status prepare_list(struct store *store, sqlite3_stmt **out,
                                      struct sotto_error *err, const char *sql, const char *format,
                                      va_list args)
{
    sqlite3_stmt *statement = take_statement(store, sql);
    if (statement == NULL) {
        if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
            SQLITE_OK) {
            return store__database_error(store, err);
        }
        keep_statement(store, sql, statement);
    }
    if (bind_all(statement, format, args) != SQLITE_OK) {
        enum sotto_status status = store__database_error(store, err);
        store__end(store, statement);
        return status;
    }
    *out = statement;
    return SOTTO_OK;
}

enum sotto_status store__prepare(struct store *store, sqlite3_stmt **out, struct sotto_error *err,
                                 const char *sql, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum sotto_status status = prepare_list(store, out, err, sql, format, args);
    va_end(args);
    return status;
}

/* Sets whether the next transaction is durable. Within one nothing changes. */
static enum sotto_status set_durable(struct store *store, bool durable, struct sotto_error *err)
{
    if (store->in_transaction || store->durable == durable) {
        return SOTTO_OK;
    }
    enum sotto_status status =
        execute_sql(store, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", err);
    if (status == SOTTO_OK) {
        store->durable = durable;
    }
    return status;
}

enum sotto_status store__write(struct store *store, struct sotto_error *err, const char *sql,
                               const char *format, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list args;
    va_start(args, format);
    enum sotto_status status = prepare_list(store, &statement, err, sql, format, args);
    va_end(args);
    if (status != SOTTO_OK) {
        return status;
    }
    status = set_durable(store, true, err);
    if (status == SOTTO_OK && sqlite3_step(statement) != SQLITE_DONE) {
        status = store__database_error(store, err);
    }
    store__end(store, statement);
    return status;
}

void store__copy_blob(void *out, size_t out_bytes, sqlite3_stmt *statement, int column)
{
    const void *blob = sqlite3_column_blob(statement, column);
    memset(out, 0, out_bytes);
    if (blob != NULL && (size_t)sqlite3_column_bytes(statement, column) == out_bytes) {
        memcpy(out, blob, out_bytes);
    }
}

enum sotto_status store__end_rows(struct store *store, sqlite3_stmt *statement, int code,
                                  struct sotto_error *err)
{
    enum sotto_status status = code == SQLITE_DONE ? SOTTO_OK : store__database_error(store, err);
    store__end(store, statement);
    return status;
}

/* --- Opening --- */

static enum sotto_status read_version(struct store *store, int *out, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(store, &statement, err, "PRAGMA user_version", "");
    if (status != SOTTO_OK) {
        return status;
    }
    if (sqlite3_step(statement) == SQLITE_ROW) {
        *out = sqlite3_column_int(statement, 0);
    } else {
        status = store__database_error(store, err);
    }
    store__end(store, statement);
    return status;
}

static enum sotto_status apply_migration(struct store *store, int version, struct sotto_error *err)
{
    char set[64];
    (void)snprintf(set, sizeof set, "PRAGMA user_version=%d", version + 1);
    enum sotto_status status = store_begin(store, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = execute_sql(store, migrations[version], err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = execute_sql(store, set, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_commit(store, err);
out:
    store_rollback(store);
    return status;
}

static enum sotto_status migrate_schema(struct store *store, struct sotto_error *err)
{
    int version = 0;
    enum sotto_status status = read_version(store, &version, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (version > migrations_len) {
        return sotto_error_set(err, SOTTO_ERROR_STATE,
                               "the node's database is of version %d, this program knows up to "
                               "%d: use a newer sotto",
                               version, migrations_len);
    }
    for (; version < migrations_len; version++) {
        status = apply_migration(store, version, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

void store_rest(struct store *store)
{
    (void)sqlite3_db_release_memory(store->db);
    store__kept_release(&store->kept);
}

static enum sotto_status prepare_to_write(struct store *store, struct sotto_error *err)
{
    enum sotto_status status = execute_sql(store, "PRAGMA journal_mode=WAL", err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = execute_sql(store, "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL", err);
    if (status != SOTTO_OK) {
        return status;
    }
    store->durable = true;
    return migrate_schema(store, err);
}

enum sotto_status store_open(struct store **out, const char *path, bool read_only,
                             struct sotto_error *err)
{
    struct store *store = sotto_alloc_zeroed(sizeof *store);
    if (store == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "%s: out of memory", path);
    }
    int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    enum sotto_status status = SOTTO_OK;
    if (sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        status = store->db != NULL ? store__database_error(store, err) : sotto_error_no_memory(err);
        goto out;
    }
    (void)sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    (void)sqlite3_extended_result_codes(store->db, 1);
    if (!read_only) {
        status = prepare_to_write(store, err);
    }
out:
    if (status != SOTTO_OK) {
        if (err != NULL) {
            (void)sotto_error_prefix(err, "%s", path);
        }
        store_close(store);
        return status;
    }
    *out = store;
    return SOTTO_OK;
}

void store_close(struct store *store)
{
    if (store != NULL) {
        for (size_t i = 0; i < store->statements_len; i++) {
            (void)sqlite3_finalize(store->statements[i].statement);
        }
        (void)sqlite3_close_v2(store->db);
        store__kept_release(&store->kept);
        sotto_free(store);
    }
}

enum sotto_status store_begin(struct store *store, bool durable, struct sotto_error *err)
{
    SOTTO_REQUIRE(!store->in_transaction);
    enum sotto_status status = set_durable(store, durable, err);
    if (status == SOTTO_OK) {
        status = execute_sql(store, "BEGIN IMMEDIATE", err);
    }
    store->in_transaction = status == SOTTO_OK;
    return status;
}

enum sotto_status store_commit(struct store *store, struct sotto_error *err)
{
    enum sotto_status status = execute_sql(store, "COMMIT", err);
    if (status == SOTTO_OK) {
        store->in_transaction = false;
    }
    return status;
}

void store_rollback(struct store *store)
{
    if (store->in_transaction) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        store->in_transaction = false;
    }
}

/* --- Tasks --- */

enum sotto_status store_task_create(struct store *store, uint64_t *out_number,
                                    const struct store_task *task, const struct sotto_task_id *id,
                                    const char *plan_json, struct sotto_error *err)
{
    enum sotto_status status =
        store__write(store, err,
                     "INSERT INTO tasks(uid, name, type, creator, status, plan, created_at,"
                     " must_verify) VALUES (?,?,?,?,?,?,?,?)",
                     "btttttii", id->bytes, sizeof id->bytes, task->name, task->type, task->creator,
                     state_names[task->state], plan_json, (uint64_t)task->created_ms,
                     (uint64_t)task->must_verify);
    if (status != SOTTO_OK) {
        return status;
    }
    *out_number = (uint64_t)sqlite3_last_insert_rowid(store->db);
    return SOTTO_OK;
}

enum sotto_status store_task_state(struct store *store, uint64_t number, enum task_state state,
                                   const char *error, struct sotto_error *err)
{
    return store__write(store, err, "UPDATE tasks SET status=?, error=? WHERE id=?", "tti",
                        state_names[state], error, number);
}

enum sotto_status store_confirmation(struct store *store, uint64_t number, const char *text,
                                     struct sotto_error *err)
{
    return store__write(store, err, "UPDATE tasks SET confirmation=? WHERE id=?", "ti", text,
                        number);
}

enum sotto_status store_reached(struct store *store, uint64_t number, const char *json,
                                struct sotto_error *err)
{
    return store__write(store, err, "UPDATE tasks SET reached=? WHERE id=?", "ti", json, number);
}

enum sotto_status store_log(struct store *store, uint64_t number, int64_t created_ms,
                            const char *message, struct sotto_error *err)
{
    return store__write(store, err, "INSERT INTO logs(task_id, created_at, message) VALUES (?,?,?)",
                        "iit", number, (uint64_t)created_ms, message);
}

enum sotto_status store_result(struct store *store, uint64_t number, const char *json,
                               struct sotto_error *err)
{
    return store__write(store, err, "INSERT INTO results(task_id, document) VALUES (?,?)", "it",
                        number, json);
}

enum sotto_status store_interrupt_tasks(struct store *store, int64_t now_ms, const char *message,
                                        struct sotto_error *err)
{
    enum sotto_status status = store_begin(store, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status =
        store__write(store, err,
                     "INSERT INTO logs(task_id, created_at, message) SELECT id, ?, ? FROM tasks"
                     " WHERE status IN ('PENDING', 'RUNNING') ORDER BY id",
                     "it", (uint64_t)now_ms, message);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store__write(store, err,
                          "UPDATE tasks SET status='ERROR', error=?"
                          " WHERE status IN ('PENDING', 'RUNNING')",
                          "t", message);
    if (status != SOTTO_OK) {
        goto out;
    }
    /* Of these there is a result, and nobody to say any more who confirms it. */
    status = store__write(store, err,
                          "UPDATE tasks SET confirmation='not confirmed: ' || ?"
                          " WHERE confirmation='" STORE_AWAITED "'",
                          "t", message);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_commit(store, err);
out:
    store_rollback(store);
    return status;
}

void store__copy_text(char *out, size_t out_bytes, sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    (void)snprintf(out, out_bytes, "%s", text != NULL ? (const char *)text : "");
}

void store__read_task(struct store_task *out, sqlite3_stmt *statement)
{
    char state[16];
    out->number = (uint64_t)sqlite3_column_int64(statement, 0);
    out->created_ms = sqlite3_column_int64(statement, 1);
    store__copy_text(out->name, sizeof out->name, statement, 2);
    store__copy_text(out->type, sizeof out->type, statement, 3);
    store__copy_text(out->creator, sizeof out->creator, statement, 4);
    store__copy_text(state, sizeof state, statement, 5);
    store__copy_text(out->error, sizeof out->error, statement, 6);
    out->must_verify = sqlite3_column_int64(statement, 7) != 0;
    store__copy_text(out->confirmation, sizeof out->confirmation, statement, 8);
    out->state = parse_state(state);
}

enum sotto_status store_get_task(struct store *store, struct store_task *out, uint64_t number,
                                 struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err, "SELECT " STORE_TASK_COLUMNS " FROM tasks WHERE id=?", "i", number);
    if (status != SOTTO_OK) {
        return status;
    }
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        store__read_task(out, statement);
    } else if (code == SQLITE_DONE) {
        status = sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "task %llu does not exist",
                                 (unsigned long long)number);
    } else {
        status = store__database_error(store, err);
    }
    store__end(store, statement);
    return status;
}

enum sotto_status store_count_tasks(struct store *store, uint64_t counts[TASK_STATES_LEN],
                                    struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    memset(counts, 0, TASK_STATES_LEN * sizeof counts[0]);
    enum sotto_status status = store__prepare(
        store, &statement, err, "SELECT status, count(*) FROM tasks GROUP BY status", "");
    if (status != SOTTO_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        char state[16];
        store__copy_text(state, sizeof state, statement, 0);
        counts[parse_state(state)] += (uint64_t)sqlite3_column_int64(statement, 1);
    }
    return store__end_rows(store, statement, code, err);
}

enum sotto_status store_each_log(struct store *store, uint64_t number, uint64_t start,
                                 uint64_t limit, store_log_visit *visit, void *context,
                                 struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(store, &statement, err,
                                              "SELECT id, created_at, message FROM logs"
                                              " WHERE task_id=? AND id>=? ORDER BY id LIMIT ?",
                                              "iii", number, start, limit);
    if (status != SOTTO_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const unsigned char *message = sqlite3_column_text(statement, 2);
        visit(context, (uint64_t)sqlite3_column_int64(statement, 0),
              sqlite3_column_int64(statement, 1), message != NULL ? (const char *)message : "");
    }
    return store__end_rows(store, statement, code, err);
}

enum sotto_status store__read_bytes(struct store *store, struct sotto_buffer *out,
                                    sqlite3_stmt *statement, struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const void *data = sqlite3_column_blob(statement, 0);
        status = sotto_buffer_copy(out, data, (size_t)sqlite3_column_bytes(statement, 0));
        if (status != SOTTO_OK) {
            (void)sotto_error_no_memory(err);
        }
    } else if (code == SQLITE_DONE) {
        status = sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "no such entry");
    } else {
        status = store__database_error(store, err);
    }
    store__end(store, statement);
    return status;
}

/* Reads one text of a task. Returns: SOTTO_ERROR_NOT_FOUND. */
static enum sotto_status read_text(struct store *store, char **out, const char *sql,
                                   uint64_t number, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    struct sotto_buffer document = {0};
    enum sotto_status status = store__prepare(store, &statement, err, sql, "i", number);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store__read_bytes(store, &document, statement, err);
    if (status != SOTTO_OK) {
        return status;
    }
    char *json = sotto_text_copy((const char *)document.data, document.data_bytes);
    sotto_buffer_release(&document);
    if (json == NULL) {
        return sotto_error_no_memory(err);
    }
    *out = json;
    return SOTTO_OK;
}

enum sotto_status store_get_result(struct store *store, char **out_json, uint64_t number,
                                   struct sotto_error *err)
{
    return read_text(store, out_json, "SELECT document FROM results WHERE task_id=?", number, err);
}

enum sotto_status store_get_plan(struct store *store, char **out_json, uint64_t number,
                                 struct sotto_error *err)
{
    return read_text(store, out_json, "SELECT plan FROM tasks WHERE id=?", number, err);
}

enum sotto_status store_get_reached(struct store *store, char **out_json, uint64_t number,
                                    struct sotto_error *err)
{
    return read_text(store, out_json, "SELECT reached FROM tasks WHERE id=?", number, err);
}

/* --- Catalogue and answers --- */

enum sotto_status store_catalogue_put(struct store *store, const char *file, const char *options,
                                      const void *encoded, size_t encoded_bytes,
                                      struct sotto_error *err)
{
    enum sotto_status status = store__write(
        store, err, "DELETE FROM catalogue WHERE file=? AND options<>?", "tt", file, options);
    if (status != SOTTO_OK) {
        return status;
    }
    return store__write(store, err,
                        "INSERT INTO catalogue(file, options, encoded) VALUES (?,?,?)"
                        " ON CONFLICT(file, options) DO UPDATE SET encoded=excluded.encoded",
                        "ttb", file, options, encoded, encoded_bytes);
}

enum sotto_status store_catalogue_get(struct store *store, struct sotto_buffer *out,
                                      const char *file, const char *options,
                                      struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err, "SELECT encoded FROM catalogue WHERE file=? AND options=?", "tt",
        file, options);
    if (status != SOTTO_OK) {
        return status;
    }
    return store__read_bytes(store, out, statement, err);
}

enum sotto_status store_answer(struct store *store, const struct sotto_task_id *id,
                               const struct sotto_key *creator, const void *bytes, size_t bytes_len,
                               int64_t now_ms, struct sotto_error *err)
{
    return store__write(
        store, err, "INSERT INTO answered(uid, creator_key, bytes, created_at) VALUES (?,?,?,?)",
        "bbbi", id->bytes, sizeof id->bytes, creator->bytes, sizeof creator->bytes, bytes,
        bytes_len, (uint64_t)now_ms);
}

enum sotto_status store_get_last_answer(struct store *store, struct sotto_buffer *out,
                                        const struct sotto_task_id *id,
                                        const struct sotto_key *creator, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status =
        store__prepare(store, &statement, err,
                       "SELECT bytes FROM answered WHERE uid=? AND creator_key=?"
                       " ORDER BY id DESC LIMIT 1",
                       "bb", id->bytes, sizeof id->bytes, creator->bytes, sizeof creator->bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    return store__read_bytes(store, out, statement, err);
}

enum sotto_status store_prune(struct store *store, int64_t before_ms, struct sotto_error *err)
{
    enum sotto_status status = store__write(store, err, "DELETE FROM answered WHERE created_at < ?",
                                            "i", (uint64_t)before_ms);
    if (status != SOTTO_OK) {
        return status;
    }
    status =
        store__write(store, err, "DELETE FROM asked WHERE deadline < ?", "i", (uint64_t)before_ms);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store__write(store, err, "DELETE FROM continued WHERE created_at < ?", "i",
                          (uint64_t)before_ms);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store__write(store, err, "DELETE FROM models WHERE created_at < ?", "i",
                          (uint64_t)before_ms);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store__write(store, err,
                          "DELETE FROM code WHERE state<>'APPROVED' AND"
                          " MAX(offered_at, decided_at) < ?",
                          "i", (uint64_t)before_ms);
    if (status != SOTTO_OK) {
        return status;
    }
    return store__write(store, err, "DELETE FROM record WHERE created_at < ?", "i",
                        (uint64_t)before_ms);
}

enum sotto_status store_has_answered(struct store *store, bool *out, const struct sotto_task_id *id,
                                     const struct sotto_key *creator, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status =
        store__prepare(store, &statement, err,
                       "SELECT 1 FROM answered WHERE uid=? AND creator_key IN (?, x'') LIMIT 1",
                       "bb", id->bytes, sizeof id->bytes, creator->bytes, sizeof creator->bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    int code = sqlite3_step(statement);
    bool found = code == SQLITE_ROW;
    status = store__end_rows(store, statement, found ? SQLITE_DONE : code, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *out = found;
    return SOTTO_OK;
}
