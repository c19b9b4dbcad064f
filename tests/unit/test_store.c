/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store/store_asked.h"
#include "node/store/store_code.h"
#include "node/store/store_continued.h"
#include "node/store/store_found.h"
#include "node/store/store_internal.h"
#include "node/store/store_ledger.h"
#include "node/store/store_models.h"
#include "node/store/store_record.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];

static int make_path(void **state)
{
    (void)state;
    (void)strcpy(path, "/tmp/sotto-store-XXXXXX");
    int fd = mkstemp(path);
    return fd >= 0 ? close(fd) : -1;
}

static int remove_path(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[96];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
    return 0;
}

static struct store *open_store(bool read_only)
{
    struct store *store = NULL;
    struct sotto_error err = {0};
    enum sotto_status status = store_open(&store, path, read_only, &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
    return store;
}

static uint64_t create_task(struct store *store, uint8_t id_byte)
{
    struct sotto_task_id id = {{id_byte}};
    struct store_task task = {.created_ms = 1234, .name = "wage_avg", .type = "analytics"};
    uint64_t number = 0;
    struct sotto_error err;
    assert_ok(store_task_create(store, &number, &task, &id, "{}", &err));
    return number;
}

struct seen {
    uint64_t numbers[16];
    char last[64];
    size_t len;
};

static void see_task(void *context, const struct store_task *task)
{
    struct seen *seen = context;
    seen->numbers[seen->len++] = task->number;
}

static void see_log(void *context, uint64_t id, int64_t created_ms, const char *message)
{
    struct seen *seen = context;
    (void)created_ms;
    seen->numbers[seen->len++] = id;
    (void)snprintf(seen->last, sizeof seen->last, "%s", message);
}

static void test_a_task_and_its_result(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct store_task task;
    char *json = NULL;
    struct store *store = open_store(false);
    struct store *reader = open_store(true);
    uint64_t number = create_task(store, 1);
    assert_int_equal(number, 1);
    assert_ok(store_get_task(reader, &task, number, &err));
    assert_string_equal(task.name, "wage_avg");
    assert_int_equal(task.state, TASK_PENDING);
    assert_int_equal(task.created_ms, 1234);
    assert_int_equal(store_get_result(reader, &json, number, &err), SOTTO_ERROR_NOT_FOUND);

    assert_ok(store_begin(store, true, &err));
    assert_ok(store_result(store, number, "{\"outputs\": {}}", &err));
    assert_ok(store_task_state(store, number, TASK_FINISHED, "", &err));
    assert_ok(store_get_task(reader, &task, number, &err));
    assert_int_equal(task.state, TASK_PENDING); /* not before commit */
    assert_ok(store_commit(store, &err));
    assert_ok(store_get_task(reader, &task, number, &err));
    assert_int_equal(task.state, TASK_FINISHED);
    assert_ok(store_get_result(reader, &json, number, &err));
    assert_string_equal(json, "{\"outputs\": {}}");
    sotto_free(json);

    assert_int_equal(store_get_task(reader, &task, 7, &err), SOTTO_ERROR_NOT_FOUND);
    assert_string_equal(err.text, "task 7 does not exist");
    store_close(reader);
    store_close(store);
}

/* Of models so many bytes are kept, of all tasks together, the latest ones, and none for ever. */
static void test_models_of_rounds(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    uint8_t bytes[10] = {1, 2, 3};
    const struct sotto_buffer model = {.data = bytes, .data_bytes = 3};
    const struct sotto_buffer large = {.data = bytes, .data_bytes = sizeof bytes};
    struct store *store = open_store(false);
    char *json = NULL;
    uint64_t first = create_task(store, 1);
    uint64_t second = create_task(store, 2);
    for (uint32_t round = 1; round <= 3; round++) {
        assert_ok(store_model(store, first, round, &model, 9, &err));
    }
    assert_ok(store_model_json(store, &json, first, 1, &err));
    sotto_free(json);
    assert_ok(store_model(store, second, 9, &large, 9, &err)); /* nor do the others make room */
    assert_int_equal(store_model_json(store, &json, second, 9, &err), SOTTO_ERROR_NOT_FOUND);
    assert_ok(store_model_json(store, &json, first, 1, &err));
    sotto_free(json);
    assert_ok(store_model(store, second, 1, &model, 9, &err));
    assert_int_equal(store_model_json(store, &json, first, 1, &err), SOTTO_ERROR_NOT_FOUND);
    assert_ok(store_model_json(store, &json, first, 0, &err));
    assert_string_equal(json, "{\"round\": 3, \"weight\": \"AQID\"}");
    sotto_free(json);
    assert_ok(store_model(store, second, 2, &model, 2, &err)); /* no room for one */
    assert_int_equal(store_model_json(store, &json, second, 0, &err), SOTTO_ERROR_NOT_FOUND);
    assert_ok(store_model(store, second, 3, &model, 9, &err));
    assert_ok(store_prune(store, INT64_MAX, &err));
    assert_int_equal(store_model_json(store, &json, second, 0, &err), SOTTO_ERROR_NOT_FOUND);
    store_close(store);
}

/* Pages that were read stay in memory until the store rests. */
static void test_pages_are_given_back(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct store_task task;
    struct store *store = open_store(false);
    int before = 0;
    int after = 0;
    int most = 0;
    uint64_t number = create_task(store, 1);
    for (size_t i = 0; i < 1000; i++) {
        assert_ok(store_log(store, number, 1, "a line of a task's log, of some length", &err));
    }
    assert_int_equal(sqlite3_db_status(store->db, SQLITE_DBSTATUS_CACHE_USED, &before, &most, 0),
                     SQLITE_OK);
    store_rest(store);
    assert_int_equal(sqlite3_db_status(store->db, SQLITE_DBSTATUS_CACHE_USED, &after, &most, 0),
                     SQLITE_OK);
    assert_true(before > 50000 && after < before / 4);
    assert_ok(store_get_task(store, &task, number, &err));
    store_close(store);
}

static void test_lists_and_logs(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct seen seen = {0};
    uint64_t counts[TASK_STATES_LEN];
    struct store_filter down = {.state = TASK_STATES_LEN, .name = "", .descending = true};
    struct store_filter up = {.state = TASK_STATES_LEN, .name = ""};
    struct store *store = open_store(false);
    for (uint8_t i = 1; i <= 5; i++) {
        uint64_t number = create_task(store, i);
        assert_ok(store_log(store, number, 1, "first", &err));
        assert_ok(store_log(store, number, 2, "second", &err));
    }
    assert_ok(store_each_task(store, 1, 2, &down, see_task, &seen, &err));
    assert_int_equal(seen.len, 2);
    assert_int_equal(seen.numbers[0], 4);
    assert_int_equal(seen.numbers[1], 3);
    seen.len = 0;
    assert_ok(store_each_task(store, 4, 2, &up, see_task, &seen, &err));
    assert_int_equal(seen.len, 1);
    assert_int_equal(seen.numbers[0], 5);
    seen.len = 0;
    assert_ok(store_each_log(store, 3, 0, 20, see_log, &seen, &err));
    assert_int_equal(seen.len, 2);
    assert_string_equal(seen.last, "second");
    uint64_t second = seen.numbers[1];
    assert_true(second > seen.numbers[0]);
    seen.len = 0;
    assert_ok(store_each_log(store, 3, second, 20, see_log, &seen, &err)); /* inclusive */
    assert_int_equal(seen.len, 1);
    assert_ok(store_count_tasks(store, counts, &err));
    assert_int_equal(counts[TASK_PENDING], 5);
    assert_int_equal(store_log(store, 99, 1, "nobody's", &err), SOTTO_ERROR_IO); /* foreign key */
    store_close(store);
}

/* How many tasks a filter finds, which are as many as it counts. */
static size_t count_found(struct store *store, enum task_state state, const char *name)
{
    struct sotto_error err;
    struct seen seen = {0};
    struct store_filter filter = {.state = state, .name = name};
    uint64_t len = 0;
    assert_ok(store_each_task(store, 0, 10, &filter, see_task, &seen, &err));
    assert_ok(store_count_found(store, &len, &filter, &err));
    assert_int_equal(seen.len, len);
    return seen.len;
}

static void test_tasks_are_found(void **state)
{
    static const char *const names[] = {"Wage_avg", "wage%", "age", "wage%"};
    struct sotto_error err = {0};
    struct store *store = open_store(false);
    uint64_t previous = 9;
    (void)state;
    for (uint8_t i = 0; i < 4; i++) {
        struct sotto_task_id id = {{(uint8_t)(i + 1)}};
        struct store_task task = {.type = "analytics"};
        uint64_t number = 0;
        (void)snprintf(task.name, sizeof task.name, "%s", names[i]);
        assert_ok(store_task_create(store, &number, &task, &id, "{}", &err));
        assert_int_equal(number, i + 1);
    }
    assert_ok(store_task_state(store, 2, TASK_ERROR, "", &err));
    assert_int_equal(count_found(store, TASK_STATES_LEN, ""), 4);
    assert_int_equal(count_found(store, TASK_ERROR, ""), 1);
    assert_int_equal(count_found(store, TASK_RUNNING, ""), 0);
    assert_int_equal(count_found(store, TASK_STATES_LEN, "WAGE"), 3);
    assert_int_equal(count_found(store, TASK_STATES_LEN, "%"), 2); /* a character as any other */
    assert_int_equal(count_found(store, TASK_PENDING, "wage"), 2);
    assert_ok(store_find_previous(store, &previous, 4, &err));
    assert_int_equal(previous, 2);
    assert_ok(store_find_previous(store, &previous, 3, &err));
    assert_int_equal(previous, 0);
    store_close(store);
}

static void test_interrupted_tasks_end_in_error(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct seen seen = {0};
    struct store_task task;
    struct store *store = open_store(false);
    uint64_t running = create_task(store, 1);
    uint64_t finished = create_task(store, 2);
    assert_ok(store_task_state(store, running, TASK_RUNNING, "", &err));
    assert_ok(store_task_state(store, finished, TASK_FINISHED, "", &err));
    assert_ok(store_get_task(store, &task, finished, &err));
    assert_true(store_task_is_settled(&task));
    assert_ok(store_confirmation(store, finished, STORE_AWAITED, &err));
    assert_ok(store_get_task(store, &task, finished, &err));
    assert_false(store_task_is_settled(&task));
    store_close(store);
    store = open_store(false);
    assert_ok(store_interrupt_tasks(store, 5, "the node was restarted", &err));
    assert_ok(store_get_task(store, &task, running, &err));
    assert_int_equal(task.state, TASK_ERROR);
    assert_string_equal(task.error, "the node was restarted");
    assert_ok(store_each_log(store, running, 0, 20, see_log, &seen, &err));
    assert_string_equal(seen.last, "the node was restarted");
    assert_ok(store_get_task(store, &task, finished, &err));
    assert_int_equal(task.state, TASK_FINISHED);
    assert_string_equal(task.confirmation, "not confirmed: the node was restarted");
    assert_true(store_task_is_settled(&task));
    assert_int_equal(create_task(store, 3), 3); /* numbers are never used again */
    store_close(store);
}

static void test_answers_and_catalogue(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct sotto_task_id id = {{9}};
    struct sotto_task_id other = {{8}};
    struct sotto_key creators[2] = {{{1}}, {{2}}};
    struct sotto_buffer found = {0};
    bool has_answered = true;
    struct store *store = open_store(false);
    assert_ok(store_has_answered(store, &has_answered, &id, &creators[0], &err));
    assert_false(has_answered);
    assert_ok(store_answer(store, &id, &creators[0], "bytes", 5, 1, &err));
    assert_ok(store_answer(store, &id, &creators[0], "", 0, 1, &err));
    store_close(store);
    store = open_store(false);
    assert_ok(store_has_answered(store, &has_answered, &id, &creators[0], &err));
    assert_true(has_answered);
    assert_ok(store_has_answered(store, &has_answered, &other, &creators[0], &err));
    assert_false(has_answered);
    assert_ok(store_has_answered(store, &has_answered, &id, &creators[1], &err));
    assert_false(has_answered);
    assert_int_equal(store_catalogue_get(store, &found, "a.csv", "default", &err),
                     SOTTO_ERROR_NOT_FOUND);
    assert_ok(store_catalogue_put(store, "a.csv", "default", "old", 3, &err));
    assert_ok(store_catalogue_put(store, "a.csv", "default", "new!", 4, &err));
    assert_ok(store_catalogue_get(store, &found, "a.csv", "default", &err));
    assert_int_equal(found.data_bytes, 4);
    assert_memory_equal(found.data, "new!", 4);
    sotto_buffer_release(&found);
    store_close(store);
}

/* The results that one creator sent fill no disk: the oldest go first, and another's stay. */
static void test_results_of_one_creator(void **state)
{
    (void)state;
    enum { BYTES = 30 * 1024 * 1024, LEN = 4 };
    struct sotto_error err = {0};
    struct sotto_key creators[2] = {{{1}}, {{2}}};
    uint64_t numbers[LEN];
    char *result = sotto_alloc(BYTES + 1);
    assert_non_null(result);
    memset(result, 'x', BYTES);
    result[BYTES] = '\0';
    struct store *store = open_store(false);
    for (uint8_t i = 0; i < LEN; i++) {
        struct sotto_task_id id = {{i}};
        struct store_asked asked = {.state = ASKED_ENDED, .creator = "b", .name = "n"};
        assert_ok(store_asked_put(store, &asked, &id, &creators[i == 0], "{}", "words", &err));
        assert_ok(store_asked_result(store, asked.number, result, &err));
        numbers[i] = asked.number;
    }
    static const bool kept[LEN] = {true, false, true, true};
    for (size_t i = 0; i < LEN; i++) {
        struct store_asked asked;
        char *found = NULL;
        assert_ok(store_get_asked(store, &asked, NULL, NULL, &found, numbers[i], &err));
        assert_int_equal(strlen(found), kept[i] ? BYTES : 0);
        sotto_free(found);
    }
    sotto_free(result);
    store_close(store);
}

static void see_record(void *context, const struct store_record *entry)
{
    struct seen *seen = context;
    seen->len++;
    (void)snprintf(seen->last, sizeof seen->last, "%s %llu", entry->event,
                   (unsigned long long)entry->times);
}

/* Entries beyond the limit are counted, answers never; only age removes one. */
static void test_the_record(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct sotto_key creators[2] = {{{1}}, {{2}}};
    struct store_record entry = {.created_ms = 5000, .creator = "b", .name = "n"};
    struct store_record found;
    struct seen seen = {.len = 0};
    struct sotto_task_id id = {{1}};
    char *plan = NULL;
    struct store *store = open_store(false);
    assert_ok(store_record_add(store, &entry, RECORD_ANSWERED, &id, &creators[0], "{1}", &err));
    assert_ok(store_begin(store, false, &err)); /* so that the test is quick */
    for (int i = 0; i < RECORDS_OF_DAY + 9; i++) {
        assert_ok(store_record_add(store, &entry, RECORD_DECLINED, &id, &creators[1], "{2}", &err));
    }
    for (int i = 0; i < RECORDS_OF_DAY + 9; i++) {
        assert_ok(store_record_add(store, &entry, RECORD_ANSWERED, &id, &creators[1], "{2}", &err));
    }
    entry.created_ms += (int64_t)24 * 3600 * 1000;
    assert_ok(store_record_add(store, &entry, RECORD_DECLINED, &id, &creators[1], "{2}", &err));
    assert_ok(store_commit(store, &err));
    assert_ok(store_each_record(store, UINT32_MAX, see_record, &seen, &err));
    assert_int_equal(seen.len, 1 + RECORDS_OF_DAY + RECORDS_OF_DAY + 9 + 1);
    assert_string_equal(seen.last, "ANSWERED 1"); /* the first one */
    assert_ok(store_get_record(store, &found, &plan, 1 + RECORDS_OF_DAY, &err));
    assert_int_equal(found.times, 10);
    assert_string_equal(plan, "{2}");
    sotto_free(plan);
    assert_int_equal(store_get_record(store, &found, &plan, 99999, &err), SOTTO_ERROR_NOT_FOUND);
    assert_ok(store_prune(store, 5001, &err));
    seen.len = 0;
    assert_ok(store_each_record(store, UINT32_MAX, see_record, &seen, &err));
    assert_int_equal(seen.len, 1);
    store_close(store);
}

static void set_version(int version)
{
    char sql[64];
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version=%d", version);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

struct continued {
    char first[16]; /* that was visited */
    size_t len;
    size_t wanted; /* after so many it is done */
};

static bool count_continued(void *context, const char *plan_json, const char *reached)
{
    struct continued *continued = context;
    assert_string_equal(plan_json, "{}");
    if (continued->len++ == 0) {
        (void)snprintf(continued->first, sizeof continued->first, "%s", reached);
    }
    return continued->len == continued->wanted;
}

static void assert_continued(struct store *store, const struct sotto_key *creator, size_t wanted,
                             size_t len, const char *first)
{
    struct continued found = {.wanted = wanted};
    assert_ok(store_each_continued(store, creator, count_continued, &found, NULL));
    assert_int_equal(found.len, len);
    assert_string_equal(found.first, first);
}

/* Of each creator the last ones, the newest first; age removes them. */
static void test_what_models_had_reached(void **state)
{
    (void)state;
    static const struct sotto_key one = {{1}};
    static const struct sotto_key other = {{2}};
    struct store *store = open_store(false);
    char *json = NULL;
    uint64_t number = create_task(store, 9);
    assert_ok(store_get_reached(store, &json, number, NULL));
    assert_string_equal(json, "");
    sotto_free(json);
    assert_ok(store_reached(store, number, "[7]", NULL));
    assert_ok(store_get_reached(store, &json, number, NULL));
    assert_string_equal(json, "[7]");
    sotto_free(json);
    assert_int_equal(store_get_reached(store, &json, number + 1, NULL), SOTTO_ERROR_NOT_FOUND);
    assert_continued(store, &one, 0, 0, "");
    assert_ok(store_continued_add(store, &other, "{}", "[0]", 50, NULL));
    for (uint64_t i = 1; i <= CONTINUED_OF_ONE + 3; i++) {
        char reached[16];
        (void)snprintf(reached, sizeof reached, "[%u]", (unsigned)i);
        assert_ok(store_continued_add(store, &one, "{}", reached, (int64_t)(100 + i), NULL));
    }
    assert_continued(store, &one, 0, CONTINUED_OF_ONE, "[19]");
    assert_continued(store, &one, 3, 3, "[19]");
    assert_continued(store, &other, 0, 1, "[0]");
    assert_ok(store_prune(store, 115, NULL));
    assert_continued(store, &other, 0, 0, "");
    assert_continued(store, &one, 0, 5, "[19]");
    store_close(store);
}

/* --- Code --- */

/* Offers a bundle whose digest and bytes are these numbers. */
static void offer_code(struct store *store, uint8_t digest, uint8_t creator, int64_t now_ms)
{
    struct store_code code = {.digest = {digest},
                              .creator_key = {{creator}},
                              .creator = "birch",
                              .offered_ms = now_ms,
                              .state = CODE_APPROVED}; /* not read */
    struct sotto_buffer bytes = {.data = &digest, .data_bytes = 1};
    assert_ok(store_code_put(store, &code, &bytes, NULL));
}

static struct store_code get_code(struct store *store, uint8_t number)
{
    const uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES] = {number};
    struct store_code code;
    struct sotto_buffer bytes;
    assert_ok(store_get_code(store, &code, &bytes, digest, NULL));
    assert_int_equal(bytes.data_bytes, 1);
    assert_int_equal(bytes.data[0], number);
    sotto_buffer_release(&bytes);
    return code;
}

static void decide_code(struct store *store, uint8_t digest, enum code_state code_state,
                        int64_t now_ms)
{
    const struct store_code code = {.digest = {digest},
                                    .state = code_state,
                                    .decided_ms = now_ms,
                                    .peer = "birch",
                                    .peer_key = {{5}},
                                    .rounds_left = code_state == CODE_APPROVED ? 7 : 0};
    assert_ok(store_code_decide(store, &code, NULL));
}

static void count_code(void *context, const struct store_code *code)
{
    (void)code;
    ++*(size_t *)context;
}

static void test_code_and_its_approval(void **state)
{
    (void)state;
    struct store *store = open_store(false);
    struct store_code before;
    struct sotto_buffer bytes;
    struct sotto_error err;
    offer_code(store, 1, 9, 100);
    struct store_code code = get_code(store, 1);
    assert_int_equal(code.state, CODE_OFFERED);
    assert_int_equal(store_get_code_before(store, &before, &bytes, &code, &err),
                     SOTTO_ERROR_NOT_FOUND);
    decide_code(store, 1, CODE_APPROVED, 110);
    offer_code(store, 1, 8, 120); /* known: another creator changes nothing */
    code = get_code(store, 1);
    assert_int_equal(code.state, CODE_APPROVED);
    assert_int_equal(code.creator_key.bytes[0], 9);
    assert_int_equal(code.offered_ms, 100);
    assert_int_equal(code.rounds_left, 7);
    assert_string_equal(code.peer, "birch");
    assert_int_equal(code.peer_key.bytes[0], 5);
    decide_code(store, 1, CODE_REVOKED, 130);
    assert_int_equal(get_code(store, 1).rounds_left, 0);
    offer_code(store, 2, 9, 140);
    code = get_code(store, 2);
    assert_ok(store_get_code_before(store, &before, &bytes, &code, &err)); /* revoked by now */
    assert_int_equal(before.digest[0], 1);
    sotto_buffer_release(&bytes);
    offer_code(store, 3, 8, 150);
    code = get_code(store, 3); /* another creator's */
    assert_int_equal(store_get_code_before(store, &before, &bytes, &code, &err),
                     SOTTO_ERROR_NOT_FOUND);
    code.digest[0] = 77;
    assert_int_equal(store_code_decide(store, &code, &err), SOTTO_ERROR_NOT_FOUND);
    store_close(store);
}

/* An approval is for a peer, for so many rounds, until it is revoked. */
static void test_rounds_of_an_approval(void **state)
{
    (void)state;
    struct store *store = open_store(false);
    const uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES] = {1};
    const struct sotto_key birch = {{5}};
    const struct sotto_key cedar = {{6}};
    offer_code(store, 1, 9, 100);
    assert_int_equal(store_code_use(store, digest, &birch, NULL), SOTTO_ERROR_REFUSED);
    decide_code(store, 1, CODE_APPROVED, 110);
    assert_int_equal(store_code_use(store, digest, &cedar, NULL), SOTTO_ERROR_REFUSED);
    for (size_t i = 0; i < 7; i++) {
        assert_ok(store_code_use(store, digest, &birch, NULL));
    }
    assert_int_equal(store_code_use(store, digest, &birch, NULL), SOTTO_ERROR_REFUSED);
    assert_int_equal(get_code(store, 1).rounds_left, 0);
    decide_code(store, 1, CODE_APPROVED, 120);
    assert_ok(store_code_use(store, digest, &birch, NULL));
    decide_code(store, 1, CODE_REVOKED, 130);
    assert_int_equal(store_code_use(store, digest, &birch, NULL), SOTTO_ERROR_REFUSED);
    store_close(store);
}

/* Who offers without end pushes out what it offered, and nothing else. */
static void test_offers_of_code_without_end(void **state)
{
    (void)state;
    struct store *store = open_store(false);
    struct store_code code;
    size_t len = 0;
    offer_code(store, 200, 8, 100);
    offer_code(store, 201, 9, 100);
    decide_code(store, 201, CODE_APPROVED, 110);
    for (uint8_t i = 1; i <= 30; i++) {
        offer_code(store, i, 9, 120);
    }
    assert_ok(store_each_code(store, 1000, count_code, &len, NULL));
    assert_int_equal(len, 22);
    (void)get_code(store, 200);
    (void)get_code(store, 201);
    (void)get_code(store, 11);
    const uint8_t gone[SOTTO_BUNDLE_DIGEST_BYTES] = {10};
    assert_int_equal(store_get_code(store, &code, NULL, gone, NULL), SOTTO_ERROR_NOT_FOUND);
    assert_ok(store_prune(store, 1000, NULL)); /* what is approved is not pruned */
    len = 0;
    assert_ok(store_each_code(store, 1000, count_code, &len, NULL));
    assert_int_equal(len, 1);
    (void)get_code(store, 201);
    store_close(store);
}

static void test_versions(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct store *store = open_store(false); /* version 0, an empty file: migrated */
    (void)create_task(store, 1);
    store_close(store);
    store = open_store(false); /* the present version: untouched */
    assert_int_equal(create_task(store, 2), 2);
    store_close(store);
    set_version(1000);
    assert_int_equal(store_open(&store, path, false, &err), SOTTO_ERROR_STATE);
    assert_contains(err.text, "newer sotto");
    set_version(0); /* tables of a later version under an older number: an error, not a mess */
    assert_int_equal(store_open(&store, path, false, &err), SOTTO_ERROR_IO);
    assert_contains(err.text, "already exists");
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("this is no database, whatever its name says", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(store_open(&store, path, false, &err), SOTTO_ERROR_IO);
}

/* --- The ledger of answers --- */

static const uint8_t ledger_secret[SOTTO_LEDGER_SECRET_BYTES] = {7};

static enum sotto_status open_ledger(struct sotto_ledger **out, struct store *store,
                                     struct sotto_error *err)
{
    struct sotto_ledger_storage storage = store_ledger_storage(store);
    return sotto_ledger_open(out, &storage, ledger_secret, err);
}

/* A sum of 20 values of these kinds of rows, each an atom. */
static enum sotto_status answer_atoms(struct sotto_ledger *ledger, size_t atoms_len,
                                      struct sotto_error *err)
{
    static struct sotto_sketch sketches[2000];
    static struct sotto_ledger_atom atoms[2000];
    static uint16_t classes[2000];
    const char *predicate = "by dept";
    const struct sotto_ledger_measure measure = {.text = "wage"};
    enum sotto_rule rule;
    uint8_t withheld = 0;
    struct sotto_ledger_pending pending = {0};
    for (size_t i = 0; i < atoms_len; i++) {
        sketches[i].cells[i % SOTTO_SKETCH_CELLS] = 20 + ((uint64_t)i << 24);
        classes[i] = (uint16_t)i;
        atoms[i] = (struct sotto_ledger_atom){
            .classes = &classes[i], .rows = 20, .is_asked = true, .sketches = &sketches[i]};
    }
    struct sotto_ledger_file file = {.file = "wages.csv",
                                     .predicates = &predicate,
                                     .predicates_len = 1,
                                     .measures = &measure,
                                     .measures_len = 1,
                                     .atoms = atoms,
                                     .atoms_len = atoms_len};
    struct sotto_ledger_question question = {
        .name = "q", .min_rows = 10, .files = &file, .files_len = 1};
    enum sotto_status status =
        sotto_ledger_answer(ledger, &pending, &rule, &withheld, &question, err);
    sotto_ledger_pending_release(&pending);
    return status;
}

static void test_a_ledger_outlives_its_process(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct sotto_ledger *ledger = NULL;
    uint8_t before[SOTTO_LEDGER_DIGEST_BYTES];
    uint8_t after[SOTTO_LEDGER_DIGEST_BYTES];
    uint64_t entries = 1;
    struct store *store = open_store(false);
    assert_ok(store_count_ledger(store, &entries, &err));
    assert_int_equal(entries, 0);
    assert_ok(open_ledger(&ledger, store, &err));
    assert_ok(answer_atoms(ledger, 3, &err));
    assert_int_equal(sotto_ledger_head(ledger, before), 8);
    sotto_ledger_free(ledger);
    struct store *reader = open_store(true); /* as sotto audit beside a node */
    assert_ok(open_ledger(&ledger, reader, &err));
    assert_int_equal(sotto_ledger_head(ledger, after), 8);
    assert_ok(store_count_ledger(reader, &entries, &err));
    assert_int_equal(entries, 8);
    assert_memory_equal(before, after, sizeof before);
    sotto_ledger_free(ledger);
    store_close(reader);
    assert_int_equal(
        sqlite3_exec(store->db, "UPDATE ledger SET bytes=x'01' WHERE id=3", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(open_ledger(&ledger, store, &err), SOTTO_ERROR_AUTH);
    assert_contains(err.text, "entry 3 is not what was written");
    assert_int_equal(
        sqlite3_exec(store->db, "UPDATE ledger SET digest=x'' WHERE id=3", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(open_ledger(&ledger, store, &err), SOTTO_ERROR_AUTH);
    store_close(store);
}

/* 1,500 entries do not fit: none is there, and the next answer goes on from where it was. */
static void test_a_ledger_on_a_full_disk(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct sotto_ledger *ledger = NULL;
    uint8_t digest[SOTTO_LEDGER_DIGEST_BYTES];
    struct store *store = open_store(false);
    assert_ok(open_ledger(&ledger, store, &err));
    assert_ok(answer_atoms(ledger, 3, &err));
    assert_int_equal(sqlite3_exec(store->db, "PRAGMA max_page_count=100", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(answer_atoms(ledger, 1500, &err), SOTTO_ERROR_IO);
    assert_contains(err.text, "full");
    assert_int_equal(sotto_ledger_head(ledger, digest), 8);
    assert_int_equal(sqlite3_exec(store->db, "PRAGMA max_page_count=100000", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_ok(answer_atoms(ledger, 1500, &err));
    sotto_ledger_free(ledger);
    assert_ok(open_ledger(&ledger, store, &err));
    assert_int_equal(sotto_ledger_head(ledger, digest), 8 + 2 + 1500 - 3);
    sotto_ledger_free(ledger);
    store_close(store);
}

#define LARGE_BYTES ((size_t)5 << 20) /* four have room */

/* Four rows. Row i is of subject i % 2, and says 2 bytes of i, each fourth LARGE_BYTES of them. */
static void append_numbered(const struct sotto_ledger_storage *storage, uint64_t first,
                            uint64_t forget_below)
{
    static uint8_t bytes[4][LARGE_BYTES];
    struct sotto_ledger_row rows[4];
    struct sotto_error err = {0};
    for (size_t i = 0; i < 4; i++) {
        uint64_t number = first + i;
        rows[i] = (struct sotto_ledger_row){.number = number,
                                            .created_ms = (int64_t)number + 100,
                                            .subject = {(uint8_t)(number % 2)},
                                            .bytes = bytes[i],
                                            .bytes_len = number % 4 != 3 ? 2 : LARGE_BYTES};
        memset(bytes[i], (int)number, rows[i].bytes_len);
    }
    assert_ok(storage->append(storage->context, rows, 4, forget_below, &err));
}

struct numbered {
    uint64_t next;
    uint64_t seen;
    uint64_t stop; /* at this row; 0: at none */
};

static enum sotto_status see_numbered(void *context, const struct sotto_ledger_row *row,
                                      struct sotto_error *err)
{
    struct numbered *numbered = context;
    assert_int_equal(row->number, numbered->next);
    assert_int_equal(row->created_ms, row->number + 100);
    assert_int_equal(row->subject[0], row->number % 2);
    assert_int_equal(row->bytes_len, row->number % 4 != 3 ? 2 : LARGE_BYTES);
    assert_int_equal(row->bytes[0], row->number);
    assert_int_equal(row->bytes[row->bytes_len - 1], row->number);
    numbered->next += 2;
    numbered->seen++;
    return row->number == numbered->stop ? sotto_error_set(err, SOTTO_ERROR_STATE, "stop")
                                         : SOTTO_OK;
}

/* From the first row that is there, so many. */
static void check_numbered(const struct sotto_ledger_storage *storage, uint64_t first, uint64_t len)
{
    struct sotto_error err = {0};
    for (uint64_t i = 0; i < 2; i++) {
        const uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES] = {(uint8_t)((first + i) % 2)};
        struct numbered numbered = {.next = first + i};
        assert_ok(storage->each(storage->context, subject, see_numbered, &numbered, &err));
        assert_int_equal(numbered.seen, len / 2);
    }
}

/* The same rows are seen whether they were kept or not: those that were just appended, what has no
 * room, after a visit that was stopped, when old ones are forgotten, and when somebody else wrote.
 */
static void test_rows_that_are_kept(void **state)
{
    (void)state;
    const uint8_t odd[SOTTO_LEDGER_SUBJECT_BYTES] = {1};
    struct sotto_error err = {0};
    struct numbered stopped = {.next = 1, .stop = 3};
    struct store *store = open_store(false);
    const struct sotto_ledger_storage storage = store_ledger_storage(store);
    append_numbered(&storage, 1, 0);
    assert_int_equal(storage.each(storage.context, odd, see_numbered, &stopped, &err),
                     SOTTO_ERROR_STATE);
    check_numbered(&storage, 1, 4);
    for (uint64_t first = 5; first < 25; first += 4) {
        append_numbered(&storage, first, 0);
        check_numbered(&storage, 1, first + 3);
    }
    check_numbered(&storage, 1, 24); /* what had no room, and a small one behind it */
    store_rest(store);
    check_numbered(&storage, 1, 24);
    append_numbered(&storage, 25, 21);
    check_numbered(&storage, 21, 8);
    struct store *other = open_store(false);
    assert_int_equal(sqlite3_exec(other->db, "DELETE FROM ledger WHERE id < 23", NULL, NULL, NULL),
                     SQLITE_OK);
    store_close(other);
    check_numbered(&storage, 23, 6);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_task_and_its_result, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_models_of_rounds, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_pages_are_given_back, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_lists_and_logs, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_tasks_are_found, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_interrupted_tasks_end_in_error, make_path,
                                        remove_path),
        cmocka_unit_test_setup_teardown(test_answers_and_catalogue, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_the_record, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_results_of_one_creator, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_what_models_had_reached, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_code_and_its_approval, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_rounds_of_an_approval, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_offers_of_code_without_end, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_versions, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_a_ledger_outlives_its_process, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_a_ledger_on_a_full_disk, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_rows_that_are_kept, make_path, remove_path),
    };
    return sotto_init() == SOTTO_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
