/* SPDX-License-Identifier: Apache-2.0 */
#include "compute_internal.h"

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

void seat_free(struct seat *seat)
{
    sotto_task_party_free(seat->machine);
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
    sotto_free(seat);
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

static enum sotto_status check_policy(const struct compute *compute, const struct seat *seat,
                                      struct sotto_error *err)
{
    const struct config *config = compute->config.config;
    const struct sotto_plan *plan = sotto_task_party_plan(seat->machine);
    struct sotto_key creator = sotto_task_party_creator(seat->machine);
    const char *name = compute__peer_name(compute, &creator);
    uint32_t min_clients = sotto_plan_strategy(plan)->min_clients;
    if (!config_may_ask(config, name)) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED, "policy.ask does not list %s", name);
    }
    if (min_clients < config->file->policy.min_parties) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "the plan's min_clients is %u, policy.min_parties is %u",
                               (unsigned)min_clients, config->file->policy.min_parties);
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
    return dataset_open(&seat->datasets[i], compute->config.config, compute->config.store, file,
                        err);
}

static enum sotto_status open_datasets(struct compute *compute, struct seat *seat,
                                       struct sotto_error *err)
{
    const struct sotto_plan *plan = sotto_task_party_plan(seat->machine);
    uint64_t min_rows = compute->config.config->min_rows;
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

/* What the plan could take out of single rows (engine/PLAN.md, "What a plan can leak"). */
static enum sotto_status check_expressions(const struct compute *compute, const struct seat *seat,
                                           const struct sotto_schema *schema,
                                           struct sotto_error *err)
{
    enum sotto_plan_class class;
    char *words = NULL;
    enum sotto_status status =
        sotto_plan_classify(sotto_task_party_plan(seat->machine), &class, &words, schema, err);
    if (status == SOTTO_OK && class > compute->config.config->expressions) {
        status = sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "policy.expressions does not take what the plan opens: %s", words);
    }
    sotto_free(words);
    return status;
}

static void answer_offer(struct compute *compute, struct seat *seat)
{
    struct sotto_error err = {0};
    struct sotto_schema schema = {0};
    const struct sotto_catalogue **catalogues = NULL;
    enum sotto_status status = check_room(compute, seat, &err);
    if (status == SOTTO_OK) {
        status = check_policy(compute, seat, &err);
    }
    if (status == SOTTO_OK) {
        status = open_datasets(compute, seat, &err);
    }
    if (status == SOTTO_OK) {
        catalogues = seat_catalogues(seat);
        status = catalogues == NULL
                     ? sotto_error_set(&err, SOTTO_ERROR_NO_MEMORY, "out of memory")
                     : sotto_schema_offer(&schema, sotto_task_party_plan(seat->machine), catalogues,
                                          &err);
    }
    if (status == SOTTO_OK) {
        status = check_expressions(compute, seat, &schema, &err);
    }
    if (status == SOTTO_OK) {
        log_line("%s: joined", seat->label);
        sotto_task_party_offer(seat->machine, &schema);
    } else {
        log_line("%s: declined (%s): %s", seat->label, sotto_status_name(status), err.text);
        sotto_task_party_decline(seat->machine, status);
    }
    sotto_schema_release(&schema);
    sotto_free(catalogues);
    test_stop("offer");
}

/* --- A round --- */

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
    enum sotto_status status = check_expressions(compute, seat, sotto_driver_schema(driver), &err);
    if (status == SOTTO_OK && (limbs == NULL || catalogues == NULL || files == NULL)) {
        status = sotto_error_set(&err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    if (status == SOTTO_OK) {
        status = sotto_driver_partial(driver, limbs, limbs_len, files, catalogues, &err);
    }
    if (status == SOTTO_OK) {
        sotto_task_party_partial(seat->machine, limbs, limbs_len);
    } else {
        log_line("%s: declined (%s): %s", seat->label, sotto_status_name(status), err.text);
        sotto_task_party_decline(seat->machine, status);
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
            seat->has_ended = true;
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
        .min_parties = compute->config.config->file->policy.min_parties,
        .answered = has_answered,
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
