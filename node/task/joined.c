/* SPDX-License-Identifier: Apache-2.0 */
#include "config/policy.h"
#include "task/compute_internal.h"

#include <signal.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In test builds the environment can make a node die at a step, as a power cut would. */
static void test_stop(const char *step)
{
#ifdef SOTTO_TEST_BUILD
    const char *at = getenv("SOTTO_TEST_STOP_AT");
    if (at != NULL && strcmp(at, step) == 0) {
        (void)raise(SIGKILL);
    }
#else
    (void)step;
#endif
}

/* --- Joining --- */

/* Nobody's tasks may leave no room for those of others. */
static enum sotto_status check_room(const struct compute *compute, const struct seat *seat,
                                    struct sotto_error *err)
{
    size_t of_one = 0;
    for (const struct seat *other = compute->seats; other != NULL; other = other->next) {
        of_one += sotto_key_equal(&other->creator, &seat->creator);
    }
    if (of_one > SEATS_OF_ONE_MAX || compute->seats_len > SEATS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "%zu tasks are under way, %zu of this node's: at most %d and %d",
                               compute->seats_len - 1, of_one - 1, SEATS_MAX, SEATS_OF_ONE_MAX);
    }
    return SOTTO_OK;
}

/* Opens the plan's dataset i, or takes another of the same file: it costs one descriptor. */
static enum sotto_status open_dataset(struct compute *compute, struct seat *seat, size_t i,
                                      struct sotto_error *err)
{
    const struct sotto_plan *plan = sotto_task_party_plan(seat->machine);
    const char *file = sotto_plan_dataset_file(plan, i);
    for (size_t j = 0; j < i; j++) {
        if (strcmp(sotto_plan_dataset_file(plan, j), file) == 0) {
            seat->datasets[i] = seat->datasets[j];
            return SOTTO_OK;
        }
    }
    return dataset_open(&seat->datasets[i], compute->policy, compute->config.store, file,
                        &compute->interrupt, err);
}

static enum sotto_status open_datasets(struct compute *compute, struct seat *seat,
                                       struct sotto_error *err)
{
    const struct sotto_plan *plan = sotto_task_party_plan(seat->machine);
    uint64_t min_rows = compute->policy->min_rows;
    size_t len = sotto_plan_datasets_len(plan);
    seat->datasets = sotto_alloc_zeroed((len + 1) * sizeof *seat->datasets);
    if (seat->datasets == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < len; i++) {
        const char *file = sotto_plan_dataset_file(plan, i);
        enum sotto_status status = open_dataset(compute, seat, i, err);
        if (status != SOTTO_OK) {
            return status;
        }
        seat->datasets_len = i + 1;
        uint64_t rows = seat->datasets[i].catalogue->rows;
        if (rows < min_rows) {
            return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                   "%s has %llu rows, policy.min_rows is %llu", file,
                                   (unsigned long long)rows, (unsigned long long)min_rows);
        }
    }
    return SOTTO_OK;
}

/* The files or catalogues of a seat as the engine wants them. Ended by sotto_free. */
static const struct sotto_catalogue **seat_catalogues(const struct seat *seat)
{
    const struct sotto_catalogue **list = sotto_alloc_array(seat->datasets_len + 1, sizeof(void *));
    for (size_t i = 0; list != NULL && i < seat->datasets_len; i++) {
        list[i] = seat->datasets[i].catalogue;
    }
    return list;
}

static struct sotto_csv **seat_files(const struct seat *seat)
{
    struct sotto_csv **list = sotto_alloc_array(seat->datasets_len + 1, sizeof(void *));
    for (size_t i = 0; list != NULL && i < seat->datasets_len; i++) {
        list[i] = seat->datasets[i].csv;
    }
    return list;
}

static struct policy_question question_of(const struct compute *compute, const struct seat *seat,
                                          const struct sotto_schema *schema)
{
    struct sotto_key creator = sotto_task_party_creator(seat->machine);
    return (struct policy_question){.plan = sotto_task_party_plan(seat->machine),
                                    .asker = compute__peer_name(compute, &creator),
                                    .schema = schema};
}

/* All that is asked before this node joins; *schema is what it then offers. */
static enum sotto_status consider(struct compute *compute, struct seat *seat,
                                  struct sotto_schema *schema, struct sotto_error *err)
{
    const struct sotto_catalogue **catalogues = NULL;
    struct sotto_csv **files = NULL;
    struct policy_question question = question_of(compute, seat, NULL);
    enum sotto_status status = check_room(compute, seat, err);
    if (status == SOTTO_OK) {
        status = policy_judge(compute->policy, &question, err);
    }
    if (status == SOTTO_OK) {
        status = open_datasets(compute, seat, err);
    }
    if (status == SOTTO_OK) {
        files = seat_files(seat);
        status = files == NULL ? sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory")
                               : sotto_schema_check_words(question.plan, files, err);
    }
    if (status == SOTTO_OK) {
        catalogues = seat_catalogues(seat);
        status = catalogues == NULL ? sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory")
                                    : sotto_schema_offer(schema, question.plan, catalogues, err);
        seat->lacks_column = status == SOTTO_ERROR_NOT_FOUND;
    }
    if (status == SOTTO_OK) {
        question.schema = schema;
        status = policy_judge(compute->policy, &question, err);
    }
    sotto_free(files);
    sotto_free(catalogues);
    return status;
}

/* The initiator learns the class; of a column that is not there also the text, if policy says so.
 */
static void decline(const struct compute *compute, struct seat *seat, const struct sotto_error *err)
{
    bool explains = compute->policy->explains && seat->lacks_column;
    log_line("%s: declined (%s): %s", seat->label, sotto_status_name(err->status), err->text);
    sotto_task_party_decline(seat->machine, err->status, explains ? err->text : NULL);
}

/* Writes down what is asked, for the owner to decide. A decision that was made before a restart
 * counts: *out_state. */
static enum sotto_status ask_owner(struct compute *compute, struct seat *seat,
                                   enum asked_state *out_state, enum asked_state state,
                                   const struct sotto_schema *schema, struct sotto_error *err)
{
    char *words = NULL;
    struct policy_question question = question_of(compute, seat, schema);
    const struct sotto_strategy *strategy = sotto_plan_strategy(question.plan);
    int64_t now_ms = clock_unix_ms();
    struct store_asked asked = {
        .state = state,
        .created_ms = now_ms,
        .deadline_ms = now_ms + (int64_t)strategy->connection_timeout_s * 1000,
    };
    (void)snprintf(asked.creator, sizeof asked.creator, "%s", question.asker);
    (void)snprintf(asked.name, sizeof asked.name, "%s", sotto_plan_name(question.plan));
    enum sotto_status status = policy_words(&words, &question, err);
    if (status == SOTTO_OK) {
        status = store_asked_expire(compute->config.store, now_ms, err);
    }
    if (status == SOTTO_OK) {
        status = store_asked_put(compute->config.store, &asked, &seat->id, &seat->creator,
                                 sotto_task_party_plan_json(seat->machine), words, err);
    }
    sotto_free(words);
    seat->asked = asked.number;
    *out_state = asked.state;
    return status;
}

static void release_datasets(struct seat *seat)
{
    for (size_t i = seat->datasets_len; i-- > 0;) {
        bool is_shared = false;
        for (size_t j = 0; j < i; j++) {
            is_shared = is_shared || seat->datasets[j].csv == seat->datasets[i].csv;
        }
        if (!is_shared) {
            dataset_release(&seat->datasets[i]);
        }
    }
    sotto_free(seat->datasets);
    seat->datasets = NULL;
    seat->datasets_len = 0;
}

static void answer_offer(struct compute *compute, struct seat *seat)
{
    struct sotto_error err = {0};
    struct sotto_schema schema = {0};
    enum asked_state state = ASKED_APPROVED;
    bool is_own = sotto_key_equal(&seat->creator, &compute->key);
    enum sotto_status status = consider(compute, seat, &schema, &err);
    if (status == SOTTO_OK && compute->policy->approves_by_hand && !is_own) {
        status = ask_owner(compute, seat, &state, ASKED_WAITING, &schema, &err);
    }
    if (status == SOTTO_OK && (state == ASKED_REJECTED || state == ASKED_ENDED)) {
        status =
            sotto_error_set(&err, SOTTO_ERROR_REFUSED,
                            state == ASKED_REJECTED ? "the owner rejected it"
                                                    : "it was asked before, and its time is over");
    }
    if (status != SOTTO_OK) {
        decline(compute, seat, &err);
    } else if (state == ASKED_WAITING) {
        seat->is_waiting = true;
        log_line("%s: waits for its owner: sotto approve %llu, or sotto reject %llu", seat->label,
                 (unsigned long long)seat->asked, (unsigned long long)seat->asked);
        release_datasets(seat); /* they are looked at again */
    } else {
        log_line("%s: joined", seat->label);
        sotto_task_party_offer(seat->machine, &schema);
    }
    sotto_schema_release(&schema);
    test_stop("offer");
}

/* Offers what was approved, if policy and files still allow it. */
static void offer_approved(struct compute *compute, struct seat *seat)
{
    struct sotto_error err = {0};
    struct sotto_schema schema = {0};
    seat->is_waiting = false;
    if (consider(compute, seat, &schema, &err) == SOTTO_OK) {
        log_line("%s: joined, as its owner approved", seat->label);
        sotto_task_party_offer(seat->machine, &schema);
    } else {
        decline(compute, seat, &err);
    }
    sotto_schema_release(&schema);
}

/* --- A round --- */

/* This node's own rows, as few as they may be on a side of a condition or in a group. */
static enum sotto_status guard(const struct compute *compute, struct seat *seat,
                               const struct sotto_driver *driver, struct sotto_csv *const *files,
                               const struct sotto_catalogue *const *catalogues,
                               struct sotto_error *err)
{
    size_t groups_len = sotto_driver_groups_len(driver);
    size_t withheld = 0;
    if (seat->withheld == NULL) {
        seat->withheld = sotto_alloc_zeroed(groups_len + 1);
    }
    if (seat->withheld == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    enum sotto_status status = sotto_driver_guard(driver, seat->withheld, files, catalogues,
                                                  compute->policy->min_rows, err);
    if (status == SOTTO_ERROR_REFUSED) {
        return sotto_error_prefix(err, "policy.min_rows");
    }
    for (size_t i = 0; i < groups_len; i++) {
        withheld += seat->withheld[i];
    }
    if (status == SOTTO_OK && withheld > 0) {
        log_line("%s: %zu of %zu groups are withheld, policy.min_rows is %llu", seat->label,
                 withheld, groups_len, (unsigned long long)compute->policy->min_rows);
    }
    return status;
}

static void answer_partial(const struct compute *compute, struct seat *seat)
{
    struct sotto_error err = {0};
    const struct sotto_driver *driver = sotto_task_party_driver(seat->machine);
    test_stop("partial");
    test_stop(sotto_driver_round(driver) > 1 ? "later" : "");
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len + 1, sizeof *limbs);
    const struct sotto_catalogue **catalogues = seat_catalogues(seat);
    struct sotto_csv **files = seat_files(seat);
    /* Again with the types that were agreed on: doubles can pack rows where decimals can't. */
    struct policy_question question = question_of(compute, seat, sotto_driver_schema(driver));
    enum sotto_status status = policy_judge(compute->policy, &question, &err);
    if (status == SOTTO_OK && (limbs == NULL || catalogues == NULL || files == NULL)) {
        status = sotto_error_set(&err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    if (status == SOTTO_OK) {
        status = guard(compute, seat, driver, files, catalogues, &err);
    }
    if (status == SOTTO_OK) {
        status = sotto_driver_partial(driver, limbs, limbs_len, files, catalogues, &err);
    }
    if (status == SOTTO_OK) {
        sotto_driver_withhold(driver, limbs, limbs_len, seat->withheld);
        sotto_task_party_partial(seat->machine, limbs, limbs_len);
    } else {
        decline(compute, seat, &err);
    }
    if (limbs != NULL) {
        sotto_wipe(limbs, limbs_len * sizeof *limbs);
    }
    sotto_free(limbs);
    sotto_free(catalogues);
    sotto_free(files);
}

static void answer_record(struct compute *compute, struct seat *seat,
                          const struct sotto_buffer *bytes)
{
    struct sotto_error err = {0};
    if (store_answer(compute->config.store, &seat->id, bytes->data, bytes->data_bytes,
                     clock_unix_ms(), &err) != SOTTO_OK) {
        log_line("%s: nothing is revealed, because it can't be recorded: %s", seat->label,
                 err.text);
        return;
    }
    test_stop("record");
    sotto_task_party_recorded(seat->machine);
}

#define RESULT_BYTES_MAX (4 * 1024 * 1024)

/* A result that was sent to all who took part is kept for the owner. */
static enum sotto_status keep_result(struct compute *compute, struct seat *seat, const char *result,
                                     struct sotto_error *err)
{
    enum asked_state state;
    enum sotto_status status = SOTTO_OK;
    if (strlen(result) > RESULT_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "its result is not kept: more than %d bytes",
                               RESULT_BYTES_MAX);
    }
    if (seat->asked == 0) {
        status = ask_owner(compute, seat, &state, ASKED_ENDED, NULL, err);
    }
    if (status == SOTTO_OK) {
        status = store_asked_result(compute->config.store, seat->asked, result, err);
    }
    if (status == SOTTO_OK) {
        log_line("%s: its result is here: sotto asked %llu", seat->label,
                 (unsigned long long)seat->asked);
    }
    return status;
}

static void end_seat(struct compute *compute, struct seat *seat)
{
    struct sotto_error err = {0};
    struct store_asked asked;
    const char *result = sotto_task_party_result(seat->machine);
    bool is_own = sotto_key_equal(&seat->creator, &compute->key);
    enum sotto_status status = SOTTO_OK;
    seat->has_ended = true;
    if (result != NULL && !is_own) {
        status = keep_result(compute, seat, result, &err);
    }
    if (status == SOTTO_OK && seat->asked != 0) {
        status =
            store_get_asked(compute->config.store, &asked, NULL, NULL, NULL, seat->asked, &err);
        if (status == SOTTO_OK && asked.state != ASKED_REJECTED) {
            status = store_asked_state(compute->config.store, seat->asked, ASKED_ENDED, &err);
        }
    }
    if (status != SOTTO_OK) {
        log_line("%s: %s", seat->label, err.text);
    }
}

void seat_free(struct seat *seat)
{
    sotto_task_party_free(seat->machine);
    release_datasets(seat);
    sotto_free(seat->withheld);
    sotto_free(seat);
}

static void drain(struct compute *compute, struct seat *seat)
{
    struct sotto_action action;
    while (!seat->has_ended && sotto_task_party_next(seat->machine, &action)) {
        switch (action.kind) {
        case SOTTO_ACTION_SEND:
            compute__send(compute, &action, seat->patience_ms);
            break;
        case SOTTO_ACTION_TIMER:
            seat->deadline_ms = action.deadline_ms;
            break;
        case SOTTO_ACTION_LOG:
            log_line("%s: %s", seat->label, action.text);
            break;
        case SOTTO_ACTION_OFFER:
            answer_offer(compute, seat);
            break;
        case SOTTO_ACTION_PARTIAL:
            answer_partial(compute, seat);
            break;
        case SOTTO_ACTION_RECORD:
            answer_record(compute, seat, &action.bytes);
            break;
        case SOTTO_ACTION_DONE:
            log_line("%s: ended (%s)%s%s", seat->label, sotto_status_name(action.status),
                     action.text[0] != '\0' ? ": " : "", action.text);
            end_seat(compute, seat);
            break;
        }
        sotto_action_release(&action);
    }
}

void seat_receive(struct compute *compute, struct seat *seat, const struct sotto_buffer *message)
{
    struct sotto_error err = {0};
    if (seat->has_ended) {
        return;
    }
    if (sotto_task_party_receive(seat->machine, message->data, message->data_bytes, clock_ms(),
                                 &err) != SOTTO_OK) {
        log_line("%s: a message is ignored: %s", seat->label, err.text);
    }
    drain(compute, seat);
}

void seat_tick(struct compute *compute, struct seat *seat)
{
    if (!seat->has_ended) {
        sotto_task_party_tick(seat->machine, clock_ms());
        drain(compute, seat);
    }
}

/* --- The owner's decision --- */

static enum sotto_status decide(struct compute *compute, const struct job *job,
                                struct store_asked *asked, struct sotto_error *err)
{
    struct store *store = compute->config.store;
    enum sotto_status status = store_asked_expire(store, clock_unix_ms(), err);
    if (status == SOTTO_OK) {
        status = store_get_asked(store, asked, NULL, NULL, NULL, job->number, err);
    }
    if (status == SOTTO_OK && asked->state != ASKED_WAITING) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "number %llu waits no longer: it is %s",
                               (unsigned long long)job->number, asked_state_name(asked->state));
    }
    asked->state = job->approves ? ASKED_APPROVED : ASKED_REJECTED;
    return status == SOTTO_OK ? store_asked_state(store, job->number, asked->state, err) : status;
}

void seat_decide(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    struct store_asked asked;
    char reply[64];
    if (decide(compute, job, &asked, &err) != SOTTO_OK) {
        compute__reply_detail(compute, job->request, 400, err.text);
        return;
    }
    for (struct seat *seat = compute->seats; seat != NULL; seat = seat->next) {
        if (seat->asked == job->number && seat->is_waiting && !seat->has_ended) {
            if (job->approves) {
                offer_approved(compute, seat);
            } else {
                seat->is_waiting = false;
                (void)sotto_error_set(&err, SOTTO_ERROR_REFUSED, "the owner rejected it");
                decline(compute, seat, &err);
            }
            drain(compute, seat);
        }
    }
    int bytes = snprintf(reply, sizeof reply, "{\"state\": \"%s\"}", asked_state_name(asked.state));
    compute__reply(compute, job->request, 200, sotto_text_copy(reply, (size_t)bytes));
}

/* "task 1f0c23ab of alpha (wage_avg)" */
static void name_seat(const struct compute *compute, struct seat *seat)
{
    char digits[9];
    struct sotto_key creator = sotto_task_party_creator(seat->machine);
    const struct sotto_plan *plan = sotto_task_party_plan(seat->machine);
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(digits + 2 * i, 3, "%02x", seat->id.bytes[i]);
    }
    (void)snprintf(seat->label, sizeof seat->label, "task %s of %.64s (%.64s)", digits,
                   compute__peer_name(compute, &creator),
                   plan != NULL ? sotto_plan_name(plan) : "no plan of this version");
}

void seat_invited(struct compute *compute, const struct sotto_message_route *route,
                  const struct sotto_buffer *message)
{
    struct sotto_error err = {0};
    bool has_answered = false;
    struct seat *seat = sotto_alloc_zeroed(sizeof *seat);
    enum sotto_status status =
        seat == NULL ? sotto_error_set(&err, SOTTO_ERROR_NO_MEMORY, "out of memory")
                     : store_has_answered(compute->config.store, &has_answered, &route->task, &err);
    struct sotto_task_party_config config = {
        .identity = compute->config.identity,
        .random = sotto_random_system(),
        .peers = compute->peers,
        .peers_len = compute->peers_len,
        .min_parties = compute->policy->file->policy.min_parties,
        .answered = has_answered,
        .interrupt = &compute->interrupt,
        .now_ms = clock_ms(),
    };
    if (status == SOTTO_OK) {
        status =
            sotto_task_party_new(&seat->machine, &config, message->data, message->data_bytes, &err);
    }
    if (status != SOTTO_OK) {
        log_line("an invitation is ignored: %s", err.text);
        sotto_free(seat);
        return;
    }
    const struct sotto_plan *plan = sotto_task_party_plan(seat->machine);
    seat->id = sotto_task_party_id(seat->machine);
    seat->creator = sotto_task_party_creator(seat->machine);
    seat->deadline_ms = UINT64_MAX;
    seat->patience_ms = plan != NULL ? compute__patience(plan) : 60000;
    name_seat(compute, seat);
    seat->next = compute->seats;
    compute->seats = seat;
    compute->seats_len++;
    drain(compute, seat);
}
