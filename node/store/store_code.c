/* SPDX-License-Identifier: Apache-2.0 */

/* The store's table `code`: bundles by their digests, and what the owner decided. Leans on store.c.
 * The idea: a bundle is kept when it is offered, so that what is shown to the owner, what is
 * approved and what runs are the same bytes; and what was decided on is never pushed out by what
 * others offer. */

#include "store/store_code.h"
#include "store/store_internal.h"

#include <string.h>

/* Of what one creator offered and nobody decided on, so many are kept. */
#define OFFERED_OF_ONE 20

static const char *const state_names[CODE_STATES_LEN] = {
    [CODE_OFFERED] = "OFFERED",
    [CODE_APPROVED] = "APPROVED",
    [CODE_REVOKED] = "REVOKED",
};

const char *code_state_name(enum code_state state)
{
    return state_names[state];
}

#define CODE_COLUMNS                                                                               \
    "digest, state, offered_at, creator_key, creator, decided_at, peer, rounds_left, "             \
    "peer_key"

/* A state that is no known one counts as revoked. */
static void read_code(struct store_code *out, sqlite3_stmt *statement)
{
    char state[16];
    store__copy_blob(out->digest, sizeof out->digest, statement, 0);
    store__copy_text(state, sizeof state, statement, 1);
    out->offered_ms = sqlite3_column_int64(statement, 2);
    store__copy_blob(out->creator_key.bytes, sizeof out->creator_key.bytes, statement, 3);
    store__copy_text(out->creator, sizeof out->creator, statement, 4);
    out->decided_ms = sqlite3_column_int64(statement, 5);
    store__copy_text(out->peer, sizeof out->peer, statement, 6);
    out->rounds_left = (uint64_t)sqlite3_column_int64(statement, 7);
    store__copy_blob(out->peer_key.bytes, sizeof out->peer_key.bytes, statement, 8);
    out->state = CODE_REVOKED;
    for (int i = 0; i < CODE_STATES_LEN; i++) {
        out->state = strcmp(state, state_names[i]) == 0 ? (enum code_state)i : out->state;
    }
}

enum sotto_status store_code_put(struct store *store, const struct store_code *code,
                                 const struct sotto_buffer *bytes, struct sotto_error *err)
{
    enum sotto_status status = store__write(
        store, err,
        "INSERT OR IGNORE INTO code(digest, bytes, state, offered_at, creator_key, creator)"
        " VALUES (?,?,?,?,?,?)",
        "bbtibt", code->digest, sizeof code->digest, bytes->data, bytes->data_bytes,
        state_names[CODE_OFFERED], (uint64_t)code->offered_ms, code->creator_key.bytes,
        sizeof code->creator_key.bytes, code->creator);
    if (status != SOTTO_OK) {
        return status;
    }
    return store__write(store, err,
                        "DELETE FROM code WHERE creator_key=? AND state='OFFERED' AND id <="
                        " (SELECT id FROM code WHERE creator_key=? AND state='OFFERED'"
                        " ORDER BY id DESC LIMIT 1 OFFSET ?)",
                        "bbi", code->creator_key.bytes, sizeof code->creator_key.bytes,
                        code->creator_key.bytes, sizeof code->creator_key.bytes,
                        (uint64_t)OFFERED_OF_ONE);
}

static enum sotto_status fail_to_find(struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                           "no code of this digest was offered: expected one that `sotto code` "
                           "lists");
}

enum sotto_status store_code_decide(struct store *store, const struct store_code *code,
                                    struct sotto_error *err)
{
    enum sotto_status status = store__write(
        store, err,
        "UPDATE code SET state=?, decided_at=?, approved_at=MAX(approved_at, ?), peer=?,"
        " peer_key=?, rounds_left=? WHERE digest=?",
        "tiitbib", state_names[code->state], (uint64_t)code->decided_ms,
        code->state == CODE_APPROVED ? (uint64_t)code->decided_ms : 0, code->peer,
        code->peer_key.bytes, sizeof code->peer_key.bytes, code->rounds_left, code->digest,
        sizeof code->digest);
    if (status != SOTTO_OK) {
        return status;
    }
    return sqlite3_changes(store->db) == 1 ? SOTTO_OK : fail_to_find(err);
}

enum sotto_status store_code_use(struct store *store,
                                 const uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES],
                                 const struct sotto_key *peer, struct sotto_error *err)
{
    enum sotto_status status = store__write(
        store, err,
        "UPDATE code SET rounds_left=rounds_left-1 WHERE digest=? AND state='APPROVED' AND"
        " (peer='' OR peer_key=?) AND rounds_left>0",
        "bb", digest, (size_t)SOTTO_BUNDLE_DIGEST_BYTES, peer->bytes, sizeof peer->bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    return sqlite3_changes(store->db) == 1
               ? SOTTO_OK
               : sotto_error_set(
                     err, SOTTO_ERROR_REFUSED,
                     "the owner has not approved a round more of this code for who asks");
}

/* Reads the one row of a statement, whose last column is the bytes, and ends it. */
static enum sotto_status read_one(struct store *store, struct store_code *out,
                                  struct sotto_buffer *out_bytes, sqlite3_stmt *statement,
                                  struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) {
        status = fail_to_find(err);
    } else if (code != SQLITE_ROW) {
        status = store__database_error(store, err);
    } else {
        read_code(out, statement);
        if (out_bytes != NULL) {
            status = sotto_buffer_copy(out_bytes, sqlite3_column_blob(statement, 9),
                                       (size_t)sqlite3_column_bytes(statement, 9));
        }
        if (status != SOTTO_OK) {
            (void)sotto_error_no_memory(err);
        }
    }
    store__end(store, statement);
    return status;
}

enum sotto_status store_get_code(struct store *store, struct store_code *out,
                                 struct sotto_buffer *out_bytes,
                                 const uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES],
                                 struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err, "SELECT " CODE_COLUMNS ", bytes FROM code WHERE digest=?", "b",
        digest, (size_t)SOTTO_BUNDLE_DIGEST_BYTES);
    if (status != SOTTO_OK) {
        return status;
    }
    return read_one(store, out, out_bytes, statement, err);
}

enum sotto_status store_get_code_before(struct store *store, struct store_code *out,
                                        struct sotto_buffer *out_bytes,
                                        const struct store_code *code, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status =
        store__prepare(store, &statement, err,
                       "SELECT " CODE_COLUMNS ", bytes FROM code WHERE creator_key=? AND digest<>?"
                       " AND approved_at>0 ORDER BY approved_at DESC, id DESC LIMIT 1",
                       "bb", code->creator_key.bytes, sizeof code->creator_key.bytes, code->digest,
                       sizeof code->digest);
    if (status != SOTTO_OK) {
        return status;
    }
    return read_one(store, out, out_bytes, statement, err);
}

enum sotto_status store_each_code(struct store *store, uint64_t limit, store_code_visit *visit,
                                  void *context, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status =
        store__prepare(store, &statement, err,
                       "SELECT " CODE_COLUMNS " FROM code ORDER BY id DESC LIMIT ?", "i", limit);
    if (status != SOTTO_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_code found;
        read_code(&found, statement);
        visit(context, &found);
    }
    return store__end_rows(store, statement, code, err);
}
