/* SPDX-License-Identifier: Apache-2.0 */

/* The owner's record, in the store's table `record`: each question of a creator, what policy and
 * the owner said to it, and whether it was answered. Leans on store.c. The idea: nobody's traffic
 * pushes an entry out. Entries go by their age alone, and who asks without end only makes a number
 * grow. */

#include "store/store_record.h"
#include "store/store_internal.h"

#include <sotto/alloc.h>
#include <string.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)

static const char *const event_names[RECORD_EVENTS_LEN] = {
    [RECORD_DECLINED] = "DECLINED", [RECORD_WAITING] = "WAITING", [RECORD_APPROVED] = "APPROVED",
    [RECORD_REJECTED] = "REJECTED", [RECORD_JOINED] = "JOINED",   [RECORD_ANSWERED] = "ANSWERED",
};

const char *record_event_name(enum record_event event)
{
    return event_names[event];
}

/* What a creator has in the record of a day. */
struct day {
    uint64_t entries;     /* of the same event and class */
    uint64_t last;        /* the newest of them */
    uint64_t plans_bytes; /* of all its entries */
    bool has_plan;        /* of this very task */
};

/* Reads a row of numbers. */
static enum sotto_status read_numbers(struct store *store, sqlite3_stmt *statement, uint64_t *out,
                                      int out_len, struct sotto_error *err)
{
    int code = sqlite3_step(statement);
    for (int i = 0; code == SQLITE_ROW && i < out_len; i++) {
        out[i] = (uint64_t)sqlite3_column_int64(statement, i);
    }
    return store__end_rows(store, statement, code == SQLITE_ROW ? SQLITE_DONE : code, err);
}

static enum sotto_status read_day(struct store *store, struct day *out,
                                  const struct store_record *entry, enum record_event event,
                                  const struct sotto_task_id *id, const struct sotto_key *creator,
                                  struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    uint64_t numbers[4] = {0};
    uint64_t day = (uint64_t)(entry->created_ms / DAY_MS);
    enum sotto_status status = store__prepare(
        store, &statement, err,
        "SELECT COUNT(*), MAX(id), (SELECT TOTAL(plan_bytes) FROM record"
        " WHERE creator_key=? AND day=?),"
        " (SELECT COUNT(*) FROM record WHERE uid=? AND creator_key=? AND plan_bytes>0)"
        " FROM record WHERE creator_key=? AND day=? AND event=? AND reason=?",
        "bibbbitt", creator->bytes, sizeof creator->bytes, day, id->bytes, sizeof id->bytes,
        creator->bytes, sizeof creator->bytes, creator->bytes, sizeof creator->bytes, day,
        event_names[event], entry->reason);
    if (status != SOTTO_OK) {
        return status;
    }
    status = read_numbers(store, statement, numbers, 4, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *out = (struct day){numbers[0], numbers[1], numbers[2], numbers[3] > 0};
    return SOTTO_OK;
}

static enum sotto_status add_entry(struct store *store, const struct store_record *entry,
                                   enum record_event event, const struct sotto_task_id *id,
                                   const struct sotto_key *creator, const char *plan_json,
                                   struct sotto_error *err)
{
    struct day day;
    enum sotto_status status = read_day(store, &day, entry, event, id, creator, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (event != RECORD_ANSWERED && day.entries >= RECORDS_OF_DAY) {
        return store__write(store, err, "UPDATE record SET times=times+1 WHERE id=?", "i",
                            day.last);
    }
    bool is_kept = !day.has_plan && (event == RECORD_ANSWERED ||
                                     day.plans_bytes + strlen(plan_json) <= RECORD_PLANS_OF_DAY);
    return store__write(
        store, err,
        "INSERT INTO record(created_at, day, creator_key, creator, uid, name, event, reason, text,"
        " plan, plan_bytes) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        "iibtbttttti", (uint64_t)entry->created_ms, (uint64_t)(entry->created_ms / DAY_MS),
        creator->bytes, sizeof creator->bytes, entry->creator, id->bytes, sizeof id->bytes,
        entry->name, event_names[event], entry->reason, entry->text, is_kept ? plan_json : "",
        is_kept ? (uint64_t)strlen(plan_json) : 0);
}

enum sotto_status store_record_add(struct store *store, const struct store_record *entry,
                                   enum record_event event, const struct sotto_task_id *id,
                                   const struct sotto_key *creator, const char *plan_json,
                                   struct sotto_error *err)
{
    bool durable = event == RECORD_ANSWERED;
    bool is_within = store->in_transaction;
    enum sotto_status status = is_within ? SOTTO_OK : store_begin(store, durable, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = add_entry(store, entry, event, id, creator, plan_json, err);
    if (status == SOTTO_OK && !is_within) {
        status = store_commit(store, err);
    }
    if (status != SOTTO_OK && !is_within) {
        store_rollback(store);
    }
    return status;
}

/* --- Reading --- */

#define RECORD_COLUMNS "id, created_at, creator, name, event, reason, text, times"

static void read_record(struct store_record *out, sqlite3_stmt *statement)
{
    out->number = (uint64_t)sqlite3_column_int64(statement, 0);
    out->created_ms = sqlite3_column_int64(statement, 1);
    store__copy_text(out->creator, sizeof out->creator, statement, 2);
    store__copy_text(out->name, sizeof out->name, statement, 3);
    store__copy_text(out->event, sizeof out->event, statement, 4);
    store__copy_text(out->reason, sizeof out->reason, statement, 5);
    store__copy_text(out->text, sizeof out->text, statement, 6);
    out->times = (uint64_t)sqlite3_column_int64(statement, 7);
}

enum sotto_status store_each_record(struct store *store, uint64_t limit, store_record_visit *visit,
                                    void *context, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err, "SELECT " RECORD_COLUMNS " FROM record ORDER BY id DESC LIMIT ?",
        "i", limit);
    if (status != SOTTO_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_record entry;
        read_record(&entry, statement);
        visit(context, &entry);
    }
    return store__end_rows(store, statement, code, err);
}

enum sotto_status store_get_record(struct store *store, struct store_record *out, char **out_plan,
                                   uint64_t number, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err,
        "SELECT " RECORD_COLUMNS ", (SELECT plan FROM record AS other WHERE plan_bytes>0 AND"
        " other.uid=record.uid AND other.creator_key=record.creator_key LIMIT 1)"
        " FROM record WHERE id=?",
        "i", number);
    if (status != SOTTO_OK) {
        return status;
    }
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const char *plan = (const char *)sqlite3_column_text(statement, 8);
        read_record(out, statement);
        *out_plan = sotto_text_copy(plan != NULL ? plan : "", plan != NULL ? strlen(plan) : 0);
        status = *out_plan != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    } else if (code == SQLITE_DONE) {
        status = sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "the record has no number %llu",
                                 (unsigned long long)number);
    } else {
        status = store__database_error(store, err);
    }
    store__end(store, statement);
    return status;
}
