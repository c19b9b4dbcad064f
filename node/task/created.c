/* SPDX-License-Identifier: Apache-2.0 */

/* Tasks that were created here, from a plan that the API took to a result in the store. Leans on
 * the aggregator's machine (sotto/task.h), which decides; this file carries out what it wants. How
 * long a task lives, and when its end counts:
 *
 * 1. A plan that can't run here (wrong, a file that is not readable, columns that it lacks) is
 *    refused to the caller before a task exists.
 * 2. The task and its state RUNNING are durable before the machine's first message leaves. If that
 *    fails, nothing of the task remains.
 * 3. Log lines wait for each other, and are written together, not durable (lines.c). A line that
 *    can't be written is lost, the task goes on.
 * 4. The machine has a RESULT that its parties are asked to confirm: it is written, with FINISHED
 *    and that it is awaited. If that fails, it is written with the end.
 *    The machine is DONE: status and text are kept here, the result in the machine (is_over). Then
 *    state, reason and result are written in one durable transaction.
 * 5. If that fails (a full disk), the owner's log says so once, and it is tried again every two
 *    seconds. Until then the task is RUNNING for all who ask: a result that was told and then lost
 *    would be worse than one that is late.
 *    A receipt that alone does not fit is left out, and the task says so.
 * 6. Once it is written the task has ended: those who wait are told, and it is freed after the job.
 * 7. A node that is killed between 2 and 6 finds the task RUNNING when it starts, and ends it as
 *    ERROR (store_interrupt_tasks). The parties are not told by this node; their own times end
 *    their parts. */

#include "task/created.h"
#include "store/store_code.h"
#include "store/store_receipt.h"

#include <jansson.h>
#include <sodium.h>
#include <sotto/alloc.h>
#include <sotto/receipt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a bundle that travels with an invitation: within BODY_BYTES_MIN. */
#define CODE_OF_TASK_BYTES_MAX ((size_t)1024 * 1024)
#define END_RETRY_MS 2000
/* A task that has not begun by then says who it waits for. */
#define NOTICE_MS 3000

/* --- What a machine says --- */

static enum task_state choose_end_state(const struct created *created)
{
    if (created->end_status == SOTTO_OK) {
        return sotto_task_aggregator_is_confirmed(created->machine) ? TASK_CONFIRMED
                                                                    : TASK_FINISHED;
    }
    return created->end_status == SOTTO_ERROR_CANCELLED ? TASK_CANCELLED : TASK_ERROR;
}

/* Writes a result, once. */
static enum sotto_status write_result(struct store *store, const struct created *created,
                                      struct sotto_error *err)
{
    return created->has_result ? SOTTO_OK
                               : store_result(store, created->number,
                                              sotto_task_aggregator_result(created->machine), err);
}

/* Which receipts are written with the end of a task. */
enum receipts { RECEIPTS_ALL, RECEIPTS_SHORT, RECEIPTS_NONE };

/* Writes the receipts that there are; without memory for one the task has ended all the same. */
static enum sotto_status write_receipt(struct store *store, const struct created *created,
                                       enum receipts which, struct sotto_error *err)
{
    struct sotto_buffer receipt = {0};
    struct sotto_buffer full = {0};
    if (which == RECEIPTS_NONE ||
        sotto_task_aggregator_receipt(created->machine, &receipt, false, NULL) != SOTTO_OK) {
        return SOTTO_OK;
    }
    if (which == RECEIPTS_ALL) {
        (void)!sotto_task_aggregator_receipt(created->machine, &full, true, NULL);
    }
    enum sotto_status status = store_receipt(store, created->number, &receipt, &full, err);
    sotto_buffer_release(&receipt);
    sotto_buffer_release(&full);
    return status;
}

/* Writes a result that is there, and that its parties are asked to confirm it. */
static enum sotto_status write_awaited(struct compute *compute, const struct created *created,
                                       struct sotto_error *err)
{
    struct store *store = compute->config.store;
    enum sotto_status status = store_begin(store, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = lines_store(store, created, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = write_result(store, created, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_task_state(store, created->number, TASK_FINISHED, "", err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_confirmation(store, created->number, STORE_AWAITED, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_commit(store, err);
out:
    store_rollback(store);
    return status;
}

static void keep_awaited(struct compute *compute, struct created *created)
{
    struct sotto_error err = {0};
    if (write_awaited(compute, created, &err) == SOTTO_OK) {
        created->has_result = true;
        lines_clear(created);
        compute__changed(compute, created->number);
    } else {
        log_warning("task %llu has a result, which is stored when it ends: %s",
                    (unsigned long long)created->number, err.text);
    }
}

/* Who confirmed, and which receipt is not there: lost, if not NULL, says why. */
static void describe_confirmation(char out[SOTTO_ERROR_TEXT_BYTES], const struct created *created,
                                  enum receipts which, const struct sotto_error *lost)
{
    const char *said =
        created->end_status == SOTTO_OK ? sotto_task_aggregator_confirmation(created->machine) : "";
    (void)snprintf(out, SOTTO_ERROR_TEXT_BYTES, "%.300s%s%.160s", said,
                   which == RECEIPTS_ALL     ? ""
                   : which == RECEIPTS_SHORT ? "; its full receipt can't be stored: "
                                             : "; its receipt can't be stored: ",
                   lost != NULL ? lost->text : "");
}

/* Says in its log how a task whose models have come somewhere can go on. */
static enum sotto_status write_hint(struct store *store, const struct created *created,
                                    struct sotto_error *err)
{
    char text[SOTTO_ERROR_TEXT_BYTES];
    (void)snprintf(text, sizeof text,
                   "[Error] task %llu: its models can go on from their last coefficients: sotto "
                   "create --start-from %llu",
                   (unsigned long long)created->number, (unsigned long long)created->number);
    return store_log(store, created->number, clock_unix_ms(), text, err);
}

/* Writes the end of a task: its last lines, state, reason and result in one durable transaction. */
static enum sotto_status write_end(struct compute *compute, const struct created *created,
                                   enum receipts which, const struct sotto_error *lost,
                                   struct sotto_error *err)
{
    struct store *store = compute->config.store;
    bool is_well = created->end_status == SOTTO_OK;
    char confirmation[SOTTO_ERROR_TEXT_BYTES];
    describe_confirmation(confirmation, created, which, lost);
    enum sotto_status status = store_begin(store, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = lines_store(store, created, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (is_well) {
        status = write_result(store, created, err);
    } else if (created->has_reached) {
        status = write_hint(store, created, err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    if (is_well) {
        status = write_receipt(store, created, which, err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_task_state(store, created->number, choose_end_state(created),
                              is_well ? "" : created->end_text, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_confirmation(store, created->number, confirmation, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_commit(store, err);
out:
    store_rollback(store);
    return status;
}

static bool has_receipt(const struct created *created)
{
    struct sotto_buffer receipt = {0};
    bool found = created->end_status == SOTTO_OK &&
                 sotto_task_aggregator_receipt(created->machine, &receipt, false, NULL) == SOTTO_OK;
    sotto_buffer_release(&receipt);
    return found;
}

/* A receipt for which there is no room is given up, the full one first: a task does not wait for
 * ever for a proof of itself, and says that it has none. */
static enum sotto_status write_some_end(struct compute *compute, const struct created *created,
                                        struct sotto_error *err)
{
    struct sotto_error lost = {0};
    enum sotto_status status = write_end(compute, created, RECEIPTS_ALL, NULL, &lost);
    if (status == SOTTO_OK || !has_receipt(created)) {
        *err = lost;
        return status;
    }
    status = write_end(compute, created, RECEIPTS_SHORT, &lost, err);
    return status == SOTTO_OK ? SOTTO_OK : write_end(compute, created, RECEIPTS_NONE, &lost, err);
}

/* Ends a task whose machine is done, or lets it be tried again if the store can't take the end. */
static void end_created(struct compute *compute, struct created *created)
{
    struct sotto_error err = {0};
    const char *state = task_state_name(choose_end_state(created));
    bool was_over = created->is_over;
    created->is_over = true;
    if (write_some_end(compute, created, &err) != SOTTO_OK) {
        if (!was_over) {
            log_warning(
                "task %llu is %s, and it can't be stored; it is tried again until it can: %s",
                (unsigned long long)created->number, state, err.text);
        }
        created->deadline_ms = clock_ms() + END_RETRY_MS;
        return;
    }
    log_line("task %llu %s%s%s", (unsigned long long)created->number, state,
             created->end_status != SOTTO_OK ? ": " : "",
             created->end_status != SOTTO_OK ? created->end_text : "");
    created->has_ended = true;
    lines_clear(created);
    compute__changed(compute, created->number);
}

/* Carries out everything that the machine wants. */
static void carry_out(struct compute *compute, struct created *created)
{
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
            lines_add(compute, created, action.text);
            break;
        case SOTTO_ACTION_RESULT:
            keep_awaited(compute, created);
            break;
        case SOTTO_ACTION_DONE:
            created->end_status = action.status;
            (void)snprintf(created->end_text, sizeof created->end_text, "%s", action.text);
            end_created(compute, created);
            break;
        default:
            break;
        }
        sotto_action_release(&action);
    }
    reached_keep(compute, created);
    reached_keep_model(compute, created);
    created->body_bytes =
        compute__measure(compute, sotto_task_aggregator_vector_bytes(created->machine), 1);
}

void created_receive(struct compute *compute, struct created *created, const struct sotto_key *from,
                     const struct sotto_buffer *message)
{
    struct sotto_error err = {0};
    if (created->has_ended) {
        return;
    }
    if (sotto_task_aggregator_receive(created->machine, message->data, message->data_bytes,
                                      clock_ms(), &err) != SOTTO_OK) {
        const char *name = compute__peer_name(compute, from);
        log_limited(LOG_MESSAGES, name, "task %llu: a message of %s is ignored: %s",
                    (unsigned long long)created->number, name, err.text);
    }
    carry_out(compute, created);
}

void created_returned(struct compute *compute, struct created *created,
                      const struct sotto_key *peer)
{
    if (!created->has_ended) {
        sotto_task_aggregator_returned(created->machine, peer, clock_ms());
        carry_out(compute, created);
    }
}

void created_away(struct compute *compute, struct created *created, const struct sotto_key *peer)
{
    if (!created->has_ended) {
        sotto_task_aggregator_away(created->machine, peer, clock_ms());
        carry_out(compute, created);
    }
}

void created_removed(struct compute *compute, struct created *created, const struct sotto_key *peer)
{
    if (!created->has_ended) {
        sotto_task_aggregator_removed(created->machine, peer, clock_ms());
        carry_out(compute, created);
    }
}

void created_notice(struct compute *compute, struct created *created)
{
    char names[SOTTO_ERROR_TEXT_BYTES];
    char text[SOTTO_ERROR_TEXT_BYTES + 96];
    if (created->has_ended ||
        !sotto_task_aggregator_awaits(created->machine, names, sizeof names)) {
        return;
    }
    (void)snprintf(text, sizeof text, "[Join] task %llu round 1 %s",
                   (unsigned long long)created->number, names);
    sotto_text_sanitize(text);
    lines_add(compute, created, text);
}

void created_tick(struct compute *compute, struct created *created)
{
    if (created->is_over && !created->has_ended) {
        end_created(compute, created);
    } else if (!created->has_ended) {
        sotto_task_aggregator_tick(created->machine, clock_ms());
        carry_out(compute, created);
    }
}

void created_free(struct created *created)
{
    lines_clear(created);
    sotto_task_aggregator_free(created->machine);
    sotto_free(created);
}

/* --- Creating --- */

/* Others take part in a task at the peer side of the node where it was created. */
static enum sotto_status check_guests(const struct compute *compute, struct sotto_error *err)
{
    const struct config_file *file = compute->config.config->file;
    return file->peer != NULL
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_PARTIES,
                                 "this node has no section `peer` in its node.yaml, so no other "
                                 "can take part in tasks that are created here: create them at a "
                                 "node that has one, or add it (sotto init --listen shows how)");
}

static void describe_task(struct store_task *task, const struct compute *compute,
                          const struct sotto_plan *plan, const struct sotto_buffer *json)
{
    json_t *root = json_loadb((const char *)json->data, json->data_bytes, 0, NULL);
    const char *type = json_string_value(json_object_get(root, "type"));
    *task = (struct store_task){.created_ms = clock_unix_ms(),
                                .state = TASK_PENDING,
                                .must_verify = sotto_plan_verify(plan) == SOTTO_PLAN_VERIFY_ALWAYS};
    (void)snprintf(task->name, sizeof task->name, "%s", sotto_plan_name(plan));
    (void)snprintf(task->type, sizeof task->type, "%s", type != NULL ? type : "analytics");
    (void)snprintf(task->creator, sizeof task->creator, "%s", compute->config.config->file->name);
    json_decref(root);
}

/* Of those that are known, this node the last one: who is away. away has all places; NULL: nobody
 * is. Returns: NULL if there is no memory. Ownership: ended by sotto_free. */
static bool *list_away(const struct compute *compute, const bool *away)
{
    const struct config *config = compute->policy;
    bool *list = sotto_alloc_array(compute->known_len, sizeof *list);
    for (size_t i = 0, len = 0; list != NULL && i < config->file->peers_count; i++) {
        if (config_has_peer(config, i)) {
            list[len++] = away != NULL && away[i];
        }
    }
    return list;
}

static enum sotto_status make_machine(struct compute *compute, struct created *created,
                                      const char *plan_json, size_t plan_json_bytes,
                                      const struct sotto_buffer *bundle, const bool *away,
                                      struct sotto_error *err)
{
    /* A node without data of its own invites the others only. */
    bool has_data = compute->policy->file->policy.datasets_count > 0;
    bool *known_away = list_away(compute, away);
    if (known_away == NULL) {
        return sotto_error_no_memory(err);
    }
    struct sotto_task_aggregator_config config = {
        .identity = compute->config.identity,
        .id = created->id,
        .number = created->number,
        .plan_json = plan_json,
        .plan_json_bytes = plan_json_bytes,
        .bundle = bundle->data,
        .bundle_bytes = bundle->data_bytes,
        .invited = compute->known,
        .invited_len = compute->known_len - (has_data ? 0 : 1),
        .invited_away = known_away,
        .hides_exact = compute->policy->hides_exact,
        .interrupt = &compute->interrupt,
        .now_ms = clock_ms(),
    };
    enum sotto_status status = sotto_task_aggregator_new(&created->machine, &config, err);
    sotto_free(known_away);
    return status;
}

/* The plan's text, which says who gets the result: where its author did not, as policy.results has
 * it. So all parties know what they are asked for. Ownership: *out is ended by sotto_free. */
static enum sotto_status complete_plan(const struct compute *compute, char **out,
                                       const struct sotto_buffer *json, struct sotto_error *err)
{
    json_t *root = json_loadb((const char *)json->data, json->data_bytes, 0, NULL);
    char *text = NULL;
    if (!compute->policy->publishes || json_object_get(root, "results") != NULL) {
        *out = sotto_text_copy((const char *)json->data, json->data_bytes);
        goto out;
    }
    if (json_object_set_new(root, "results", json_string("participants")) == 0) {
        text = json_dumps(root, 0);
    }
    *out = text != NULL ? sotto_text_copy(text, strlen(text)) : NULL;
    free(text);
out:
    json_decref(root);
    return *out != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

/* The code that a plan names, which was offered here before (POST /v1/code/offer). Out: empty where
 * the plan is of statistics. */
static enum sotto_status load_code(const struct compute *compute, struct sotto_buffer *out,
                                   const struct sotto_plan *plan, struct sotto_error *err)
{
    struct store_code code;
    uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES];
    const char *hex = sotto_plan_bundle(plan);
    if (hex == NULL) {
        return SOTTO_OK;
    }
    (void)sodium_hex2bin(digest, sizeof digest, hex, strlen(hex), NULL, NULL, NULL);
    enum sotto_status status = store_get_code(compute->config.store, &code, out, digest, err);
    if (status == SOTTO_OK && out->data_bytes > CODE_OF_TASK_BYTES_MAX) {
        sotto_buffer_release(out);
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "the code of a task has at most %zu bytes, as it travels with the "
                               "invitation",
                               CODE_OF_TASK_BYTES_MAX);
    }
    return status;
}

/* Makes the machine of a task, and the task durable. */
static enum sotto_status start_task(struct compute *compute, struct created *created,
                                    const struct sotto_plan *plan, const struct sotto_buffer *json,
                                    const bool *away, struct sotto_error *err)
{
    char *text = NULL;
    struct sotto_buffer bundle = {0};
    struct store *store = compute->config.store;
    struct sotto_random random = sotto_random_system();
    struct store_task task;
    describe_task(&task, compute, plan, json);
    enum sotto_status status =
        random.fill(random.context, created->id.bytes, sizeof created->id.bytes);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "%s", sotto_status_text(status));
    }
    status = load_code(compute, &bundle, plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = complete_plan(compute, &text, json, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_begin(store, true, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_task_create(store, &created->number, &task, &created->id, text, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = make_machine(compute, created, text, strlen(text), &bundle, away, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_task_state(store, created->number, TASK_RUNNING, "", err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_commit(store, err);
out:
    store_rollback(store); /* if it was not committed */
    sotto_buffer_release(&bundle);
    sotto_free(text);
    return status;
}

static int choose_http_status(enum sotto_status status)
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

static enum sotto_status make_created(struct compute *compute, struct created **out,
                                      const char **out_rule, const struct job *job,
                                      struct sotto_error *err)
{
    struct sotto_plan *plan = NULL;
    struct sotto_buffer json = {0};
    if (compute->created_len >= CREATED_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_STATE,
                               "%d tasks are under way, and that is the most: try again later",
                               CREATED_MAX);
    }
    struct created *created = sotto_alloc_zeroed(sizeof *created);
    if (created == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = reached_plan(compute, &json, job, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_plan_parse_task(&plan, json.data, json.data_bytes, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    bool may_continue = sotto_plan_fits(plan) && memmem(json.data, json.data_bytes, "start", 5);
    if (sotto_plan_bundle(plan) == NULL) { /* what this node says to code it says as a party */
        status = own_check(compute, out_rule, plan, may_continue, err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    status = check_guests(compute, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    created->deadline_ms = UINT64_MAX;
    created->lines_ms = UINT64_MAX;
    created->notice_ms = clock_ms() + NOTICE_MS;
    created->patience_ms = compute__patience(plan);
    status = start_task(compute, created, plan, &json, job->away, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    log_line("task %llu \"%s\" created here", (unsigned long long)created->number,
             sotto_plan_name(plan));
    *out = created;
    created = NULL;
out:
    if (created != NULL) {
        created_free(created);
    }
    sotto_buffer_release(&json);
    sotto_plan_free(plan);
    return status;
}

void created_create(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    struct created *created = NULL;
    char reply[64];
    const char *rule = NULL;
    enum sotto_status status = make_created(compute, &created, &rule, job, &err);
    if (created == NULL) {
        compute__reply_refused(compute, job->request, choose_http_status(status), &err, rule);
        return;
    }
    created->next = compute->first_created;
    compute->first_created = created;
    compute->created_len++;
    carry_out(compute, created);
    int reply_bytes =
        snprintf(reply, sizeof reply, "{\"task_id\": %llu}", (unsigned long long)created->number);
    compute__reply(compute, job->request, HTTP_OK, sotto_text_copy(reply, (size_t)reply_bytes));
}

void created_receipt(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    struct store_task task;
    char *json = NULL;
    enum sotto_status status = store_get_task(compute->config.store, &task, job->number, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_receipt_json(compute->config.store, &json, &task, true, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    compute__reply(compute, job->request, HTTP_OK, json);
out:
    if (status != SOTTO_OK) {
        int answer = status == SOTTO_ERROR_NOT_FOUND ? HTTP_BAD_REQUEST : HTTP_INTERNAL;
        compute__reply_detail(compute, job->request, answer, status, err.text);
    }
}

void created_cancel(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    struct store_task task;
    struct created *created = compute->first_created;
    while (created != NULL && (created->number != job->number || created->has_ended)) {
        created = created->next;
    }
    if (created != NULL) {
        sotto_task_aggregator_cancel(created->machine);
        carry_out(compute, created);
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
    compute__reply_detail(compute, job->request, HTTP_BAD_REQUEST, err.status, err.text);
}
