/* SPDX-License-Identifier: Apache-2.0 */
#include "task/compute_internal.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define HTTP_OK 200
#define HTTP_BAD_REQUEST 400
#define HTTP_INTERNAL 500
#define HTTP_UNAVAILABLE 503

/* --- What a machine says --- */

/* Log lines may be lost with the power, so that a round does not wait for the disk. */
static void write_log(struct compute *compute, bool *in_transaction, uint64_t number,
                      const char *text)
{
    struct sotto_error err = {0};
    struct store *store = compute->config.store;
    enum sotto_status status = SOTTO_OK;
    if (!*in_transaction) {
        status = store_begin(store, false, &err);
        *in_transaction = status == SOTTO_OK;
    }
    if (status == SOTTO_OK) {
        status = store_log(store, number, clock_unix_ms(), text, &err);
    }
    if (status != SOTTO_OK) {
        log_line("task %llu: a log line is lost: %s", (unsigned long long)number, err.text);
    }
}

static void commit(struct compute *compute, bool *in_transaction)
{
    struct sotto_error err = {0};
    if (*in_transaction && store_commit(compute->config.store, &err) != SOTTO_OK) {
        log_line("%s", err.text);
        store_rollback(compute->config.store);
    }
    *in_transaction = false;
}

static enum task_state end_state(enum sotto_status status)
{
    return status == SOTTO_OK                ? TASK_FINISHED
           : status == SOTTO_ERROR_CANCELLED ? TASK_CANCELLED
                                             : TASK_ERROR;
}

/* The end of a task: state, reason and result in one durable transaction. */
static enum sotto_status write_end(struct compute *compute, const struct created *created,
                                   struct sotto_error *err)
{
    struct store *store = compute->config.store;
    enum task_state state = end_state(created->end_status);
    enum sotto_status status = store_begin(store, true, err);
    if (status == SOTTO_OK && state == TASK_FINISHED) {
        status = store_result(store, created->number,
                              sotto_task_aggregator_result(created->machine), err);
    }
    if (status == SOTTO_OK) {
        status = store_task_state(store, created->number, state,
                                  state == TASK_FINISHED ? "" : created->end_text, err);
    }
    if (status == SOTTO_OK) {
        status = store_commit(store, err);
    }
    store_rollback(store);
    return status;
}

#define END_RETRY_MS 2000

/* A full disk is told once, and waited for: until then the task is RUNNING for all who ask. */
static void end_created(struct compute *compute, struct created *created)
{
    struct sotto_error err = {0};
    const char *state = task_state_name(end_state(created->end_status));
    bool was_over = created->is_over;
    created->is_over = true;
    if (write_end(compute, created, &err) != SOTTO_OK) {
        if (!was_over) {
            log_line("task %llu is %s, and it can't be stored; it is tried again until it can: %s",
                     (unsigned long long)created->number, state, err.text);
        }
        created->deadline_ms = clock_ms() + END_RETRY_MS;
        return;
    }
    log_line("task %llu %s%s%s", (unsigned long long)created->number, state,
             created->end_status != SOTTO_OK ? ": " : "",
             created->end_status != SOTTO_OK ? created->end_text : "");
    created->has_ended = true;
}

/* Carries out everything that the machine wants. */
static void drain(struct compute *compute, struct created *created)
{
    bool in_transaction = false;
    struct sotto_action action;
    while (!created->has_ended && sotto_task_aggregator_next(created->machine, &action)) {
        switch (action.kind) {
        case SOTTO_ACTION_SEND:
            compute__send(compute, &action, created->patience_ms);
            break;
        case SOTTO_ACTION_TIMER:
            created->deadline_ms = action.deadline_ms;
            break;
        case SOTTO_ACTION_LOG:
            write_log(compute, &in_transaction, created->number, action.text);
            break;
        case SOTTO_ACTION_DONE:
            commit(compute, &in_transaction);
            created->end_status = action.status;
            (void)snprintf(created->end_text, sizeof created->end_text, "%s", action.text);
            end_created(compute, created);
            break;
        default:
            break;
        }
        sotto_action_release(&action);
    }
    commit(compute, &in_transaction);
    compute__changed(compute, created->number);
}

void created_receive(struct compute *compute, struct created *created,
                     const struct sotto_buffer *message)
{
    struct sotto_error err = {0};
    if (created->has_ended) {
        return;
    }
    if (sotto_task_aggregator_receive(created->machine, message->data, message->data_bytes,
                                      clock_ms(), &err) != SOTTO_OK) {
        log_line("task %llu: a message is ignored: %s", (unsigned long long)created->number,
                 err.text);
    }
    drain(compute, created);
}

void created_returned(struct compute *compute, struct created *created,
                      const struct sotto_key *peer)
{
    if (!created->has_ended) {
        sotto_task_aggregator_returned(created->machine, peer);
        drain(compute, created);
    }
}

void created_tick(struct compute *compute, struct created *created)
{
    if (created->is_over && !created->has_ended) {
        end_created(compute, created);
        compute__changed(compute, created->number);
    } else if (!created->has_ended) {
        sotto_task_aggregator_tick(created->machine, clock_ms());
        drain(compute, created);
    }
}

void created_free(struct created *created)
{
    sotto_task_aggregator_free(created->machine);
    sotto_free(created);
}

/* --- Creating --- */

/* What this node can know before it asks anybody: names that lead out of data_dir, files that it
 * offers and that are not there or not readable, columns that they lack, texts that they read as
 * missing. */
static enum sotto_status check_own_data(struct compute *compute, const struct sotto_plan *plan,
                                        struct sotto_error *err)
{
    size_t len = sotto_plan_datasets_len(plan);
    struct dataset *datasets = sotto_alloc_zeroed((len + 1) * sizeof *datasets);
    const struct sotto_catalogue **catalogues = sotto_alloc_array(len + 1, sizeof(void *));
    struct sotto_csv **files = sotto_alloc_array(len + 1, sizeof(void *));
    bool has_all = true;
    enum sotto_status status = datasets == NULL || catalogues == NULL || files == NULL
                                   ? sotto_error_no_memory(err)
                                   : SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        const char *file = sotto_plan_dataset_file(plan, i);
        bool is_offered = config_offers(compute->policy, file);
        has_all = has_all && is_offered;
        if (is_offered || !config_is_safe_file_name(file)) {
            status = dataset_open(&datasets[i], compute->policy, compute->config.store, file,
                                  &compute->interrupt, err);
            catalogues[i] = datasets[i].catalogue;
            files[i] = datasets[i].csv;
        }
    }
    if (status == SOTTO_OK && has_all) {
        struct sotto_schema schema = {0};
        status = sotto_schema_offer(&schema, plan, catalogues, err);
        sotto_schema_release(&schema);
    }
    if (status == SOTTO_OK && has_all) {
        status = sotto_schema_check_words(plan, files, err);
    }
    for (size_t i = 0; datasets != NULL && i < len; i++) {
        dataset_release(&datasets[i]);
    }
    sotto_free(files);
    sotto_free(catalogues);
    sotto_free(datasets);
    return status;
}

static void describe(struct store_task *task, const struct compute *compute,
                     const struct sotto_plan *plan, const struct sotto_buffer *json)
{
    json_t *root = json_loadb((const char *)json->data, json->data_bytes, 0, NULL);
    const char *type = json_string_value(json_object_get(root, "type"));
    *task = (struct store_task){.created_ms = clock_unix_ms(), .state = TASK_PENDING};
    (void)snprintf(task->name, sizeof task->name, "%s", sotto_plan_name(plan));
    (void)snprintf(task->type, sizeof task->type, "%s", type != NULL ? type : "analytics");
    (void)snprintf(task->creator, sizeof task->creator, "%s", compute->config.config->file->name);
    json_decref(root);
}

/* Makes the machine of a task, and the task durable. */
static enum sotto_status start(struct compute *compute, struct created *created,
                               const struct sotto_plan *plan, const struct job *job,
                               struct sotto_error *err)
{
    const struct sotto_buffer *json = &job->bytes;
    struct store *store = compute->config.store;
    struct sotto_random random = sotto_random_system();
    struct store_task task;
    char *text = NULL;
    describe(&task, compute, plan, json);
    enum sotto_status status =
        random.fill(random.context, created->id.bytes, sizeof created->id.bytes);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "%s", sotto_status_text(status));
    }
    text = sotto_text_copy((const char *)json->data, json->data_bytes);
    if (text == NULL) {
        return sotto_error_no_memory(err);
    }
    status = store_begin(store, true, err);
    if (status == SOTTO_OK) {
        status = store_task_create(store, &created->number, &task, &created->id, text, err);
    }
    /* A node without data of its own invites the others only. */
    bool has_data = compute->policy->file->policy.datasets_count > 0;
    struct sotto_task_aggregator_config config = {
        .identity = compute->config.identity,
        .id = created->id,
        .number = created->number,
        .plan_json = text,
        .plan_json_bytes = json->data_bytes,
        .invited = compute->peers,
        .invited_len = compute->peers_len - (has_data ? 0 : 1),
        .invited_away = job->away,
        .publishes = compute->policy->publishes,
        .hides_exact = compute->policy->hides_exact,
        .interrupt = &compute->interrupt,
        .now_ms = clock_ms(),
    };
    if (status == SOTTO_OK) {
        status = sotto_task_aggregator_new(&created->machine, &config, err);
    }
    if (status == SOTTO_OK) {
        status = store_task_state(store, created->number, TASK_RUNNING, "", err);
    }
    if (status == SOTTO_OK) {
        status = store_commit(store, err);
    }
    store_rollback(store); /* if it was not committed */
    sotto_free(text);
    return status;
}

static int http_status_of(enum sotto_status status)
{
    switch (status) {
    case SOTTO_ERROR_NO_MEMORY:
    case SOTTO_ERROR_RANDOM:
        return HTTP_INTERNAL;
    case SOTTO_ERROR_STATE:
        return HTTP_UNAVAILABLE;
    default:
        return HTTP_BAD_REQUEST;
    }
}

void created_create(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    struct sotto_plan *plan = NULL;
    struct created *created = sotto_alloc_zeroed(sizeof *created);
    enum sotto_status status =
        created == NULL ? sotto_error_no_memory(&err)
        : compute->created_len >= CREATED_MAX
            ? sotto_error_set(&err, SOTTO_ERROR_STATE,
                              "%d tasks are under way, and that is the most: try again later",
                              CREATED_MAX)
            : sotto_plan_parse(&plan, job->bytes.data, job->bytes.data_bytes, &err);
    if (status == SOTTO_OK) {
        status = check_own_data(compute, plan, &err);
    }
    if (status == SOTTO_OK) {
        created->deadline_ms = UINT64_MAX;
        created->patience_ms = compute__patience(plan);
        status = start(compute, created, plan, job, &err);
    }
    if (status != SOTTO_OK) {
        compute__reply_detail(compute, job->request, http_status_of(status), err.text);
        if (created != NULL) {
            created_free(created);
        }
        goto out;
    }
    created->next = compute->created;
    compute->created = created;
    compute->created_len++;
    log_line("task %llu \"%s\" created here", (unsigned long long)created->number,
             sotto_plan_name(plan));
    drain(compute, created);
    char reply[64];
    int reply_bytes =
        snprintf(reply, sizeof reply, "{\"task_id\": %llu}", (unsigned long long)created->number);
    compute__reply(compute, job->request, HTTP_OK, sotto_text_copy(reply, (size_t)reply_bytes));
out:
    sotto_plan_free(plan);
}

void created_cancel(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    struct store_task task;
    struct created *created = compute->created;
    while (created != NULL && (created->number != job->number || created->has_ended)) {
        created = created->next;
    }
    if (created != NULL) {
        sotto_task_aggregator_cancel(created->machine);
        drain(compute, created);
    }
    if (store_get_task(compute->config.store, &task, job->number, &err) == SOTTO_OK) {
        if (created != NULL && task.state == TASK_CANCELLED) {
            compute__reply(compute, job->request, HTTP_OK,
                           sotto_text_copy("{\"status\": \"CANCELLED\"}", 23));
            return;
        }
        (void)sotto_error_set(&err, SOTTO_ERROR_STATE, "task %llu has ended already: %s",
                              (unsigned long long)job->number, task_state_name(task.state));
    }
    compute__reply_detail(compute, job->request, HTTP_BAD_REQUEST, err.text);
}
