/* SPDX-License-Identifier: Apache-2.0 */

/* This node's part in tasks, its own ones too: computes partials, and writes down what it reveals.
 * Leans on the party's machine (sotto/task.h), which says what is next, on offered.c for whether
 * this node takes part at all, and on recorded.c for what is told of it. */

#include "task/learning.h"
#include "task/offered.h"
#include "task/recorded.h"
#include "task/worked.h"

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long messages of a task without a readable plan are worth keeping. */
#define PATIENCE_MS_DEFAULT 60000

/* --- Joining --- */

/* Refuses a task beyond those that one creator, or all of them, may have here: nobody's tasks may
 * leave no room for those of others. */
static enum sotto_status check_room(const struct compute *compute, const struct sotto_key *creator,
                                    struct sotto_error *err)
{
    size_t of_one = 0;
    for (const struct joined *other = compute->first_joined; other != NULL; other = other->next) {
        of_one += sotto_key_equal(&other->creator, creator);
    }
    if (of_one >= JOINED_OF_ONE_MAX || compute->joined_len >= JOINED_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "%zu tasks are under way, %zu of this node's: at most %d and %d",
                               compute->joined_len, of_one, JOINED_MAX, JOINED_OF_ONE_MAX);
    }
    return SOTTO_OK;
}

/* What is asked before the plan is read: that costs this node what its creator makes of it. */
static enum sotto_status consider_creator(const struct compute *compute,
                                          const struct sotto_key *creator, struct sotto_error *err)
{
    const char *asker = compute__peer_name(compute, creator);
    if (!config_may_ask(compute->policy, asker)) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED, "policy.ask does not list %s", asker);
    }
    return check_room(compute, creator, err);
}

/* --- A round --- */

static void tell_withheld(struct compute *compute, const struct joined *joined,
                          const struct sotto_driver *driver)
{
    const struct sotto_disclosure *disclosure = &joined->disclosure;
    size_t groups_len = sotto_driver_groups_len(driver);
    size_t withheld = 0; /* by the ledger too */
    if (disclosure->in_no_group > 0) {
        log_limited(LOG_JOINED, joined_creator_name(compute, joined),
                    "%s: %llu rows are in no group: their key is missing, or no level names it",
                    joined->label, (unsigned long long)disclosure->in_no_group);
        if (sotto_driver_round(driver) == 1) {
            told_strays(compute, joined, joined_creator_name(compute, joined));
        }
    }
    for (size_t i = 0; i < groups_len; i++) {
        withheld += joined->withheld[i];
    }
    if (withheld > 0) {
        log_limited(LOG_JOINED, joined_creator_name(compute, joined),
                    "%s: %zu of %zu groups are withheld", joined->label, withheld, groups_len);
    }
    if (disclosure->cells_withheld > 0) {
        log_limited(LOG_JOINED, joined_creator_name(compute, joined),
                    "%s: %zu bins or levels are withheld", joined->label,
                    disclosure->cells_withheld);
    }
}

void joined_stop_for_test(const struct joined *joined, const char *step)
{
#ifdef SOTTO_TEST_BUILD
    const char *round = getenv("SOTTO_TEST_STOP_ROUND");
    if (round == NULL || sotto_task_party_round(joined->machine) >= strtoul(round, NULL, 10)) {
        compute__stop_for_test(step);
    }
#else
    (void)joined;
    (void)step;
#endif
}

static void answer_partial(struct compute *compute, struct joined *joined)
{
    struct sotto_error err = {0};
    const struct sotto_driver *driver = sotto_task_party_driver(joined->machine);
    joined_stop_for_test(joined, "partial");
    if (remembered_members(compute, joined, &err) != SOTTO_OK) {
        joined_decline(compute, joined, &err, sotto_rule_code(SOTTO_RULE_COVER));
        return;
    }
    if (learning_is(joined)) {
        learning_partial(compute, joined);
        return;
    }
    /* Again with the types that were agreed on: doubles can pack rows where decimals can't. */
    struct policy_question question =
        offered_question(compute, joined, sotto_driver_schema(driver));
    question.has_leave = question.has_leave && joined->needs_leave;
    enum sotto_status status = policy_judge(compute->policy, &question, &err);
    if (status != SOTTO_OK) {
        joined_decline(compute, joined, &err, "policy");
        return;
    }
    enum sotto_rule rule = SOTTO_RULE_ROWS;
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len + 1, sizeof *limbs);
    status = limbs == NULL ? sotto_error_no_memory(&err)
                           : partial_compute(compute, joined, &rule, limbs, limbs_len, &err);
    if (status == SOTTO_OK) {
        tell_withheld(compute, joined, driver);
        sotto_task_party_partial(joined->machine, limbs, limbs_len);
    } else {
        joined_decline(compute, joined, &err, sotto_rule_code(rule));
    }
    if (limbs != NULL) {
        sotto_wipe(limbs, limbs_len * sizeof *limbs);
    }
    sotto_free(limbs);
}

/* An owner's decision is for one answer, and ends before that leaves: another task that came with
 * the same decision finds it used, and so does a process that takes the place of this one. */
static enum sotto_status use_decision(const struct compute *compute, const struct joined *joined,
                                      struct sotto_error *err)
{
    struct store *store = compute->config.store;
    struct store_asked asked;
    if (joined->asked == 0 || joined->is_answered) { /* policy's; or another attempt */
        return SOTTO_OK;
    }
    enum sotto_status status = store_get_asked(store, &asked, NULL, NULL, NULL, joined->asked, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (asked.state != ASKED_APPROVED) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "what the owner approved as number %llu was answered in another "
                               "task, or its time is over: ask again",
                               (unsigned long long)joined->asked);
    }
    return store_asked_state(store, joined->asked, ASKED_ENDED, 0, err);
}

static enum sotto_status write_pledge(const struct compute *compute, const struct joined *joined,
                                      const struct sotto_buffer *bytes, struct sotto_error *err)
{
    struct store *store = compute->config.store;
    enum sotto_status status = store_begin(store, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = use_decision(compute, joined, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = learning_use(compute, joined, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = recorded_add(compute, joined, RECORD_ANSWERED, NULL, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_answer(store, &joined->id, &joined->creator, bytes->data, bytes->data_bytes,
                          clock_unix_ms(), err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_commit(store, err);
    if (status == SOTTO_OK) {
        atomic_fetch_add(&compute->config.metrics->answered, 1);
    }
out:
    store_rollback(store);
    return status;
}

/* Others can open a masked partial without this node: so what is asked counts as answered before it
 * leaves. After a crash the node takes no part in the task any more. */
static void answer_pledge(struct compute *compute, struct joined *joined,
                          const struct sotto_buffer *bytes)
{
    struct sotto_error err = {0};
    if (remembered_members(compute, joined, &err) != SOTTO_OK) { /* one is a peer no more */
        joined_decline(compute, joined, &err, sotto_rule_code(SOTTO_RULE_COVER));
        return;
    }
    if (learning_is(joined) && remembered_training(compute, joined, &err) != SOTTO_OK) {
        joined_decline(compute, joined, &err, sotto_rule_code(SOTTO_RULE_LEDGER));
        return;
    }
    if (write_pledge(compute, joined, bytes, &err) != SOTTO_OK) {
        joined_decline(compute, joined, &err, "owner");
        return;
    }
    joined->is_answered = true;
    joined_stop_for_test(joined, "pledge");
    sotto_task_party_recorded(joined->machine);
}

/* Of a learning task, whose weights the sum is of: it may be opened from here on. */
static void tell_trainers(const struct compute *compute, const struct joined *joined)
{
    char names[SOTTO_ERROR_TEXT_BYTES] = "";
    struct sotto_key keys[SOTTO_SESSION_PARTIES_MAX];
    if (!learning_is(joined)) {
        return;
    }
    size_t len = sotto_task_party_trainers(joined->machine, keys, SOTTO_SESSION_PARTIES_MAX);
    for (size_t i = 0, used = 0; i < len && used < sizeof names; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "",
                                 compute__peer_name(compute, &keys[i]));
    }
    log_limited(LOG_JOINED, joined_creator_name(compute, joined),
                "%s: round %u opens the mean of %s", joined->label,
                sotto_task_party_round(joined->machine), names);
}

static void answer_record(struct compute *compute, struct joined *joined,
                          const struct sotto_buffer *bytes)
{
    struct sotto_error err = {0};
    enum sotto_status status = remembered_consent(compute, joined, &err);
    if (status == SOTTO_ERROR_REFUSED) {
        log_limited(LOG_DECLINED, joined_creator_name(compute, joined),
                    "%s: nothing is revealed: %s", joined->label, err.text);
        remembered_refusal(compute, joined, sotto_rule_code(SOTTO_RULE_COVER));
        return;
    }
    if (status != SOTTO_OK ||
        store_answer(compute->config.store, &joined->id, &joined->creator, bytes->data,
                     bytes->data_bytes, clock_unix_ms(), &err) != SOTTO_OK) {
        log_limited(LOG_JOINED, joined_creator_name(compute, joined),
                    "%s: nothing is revealed, because it can't be recorded: %s", joined->label,
                    err.text);
        return;
    }
    tell_trainers(compute, joined);
    joined_stop_for_test(joined, "record");
    sotto_task_party_recorded(joined->machine);
}

#define RESULT_BYTES_MAX (4 * 1024 * 1024)

/* Keeps a result that was sent to all who took part, for the owner. */
static enum sotto_status keep_result(struct compute *compute, struct joined *joined,
                                     const char *result, struct sotto_error *err)
{
    if (strlen(result) > RESULT_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "its result is not kept: more than %d bytes",
                               RESULT_BYTES_MAX);
    }
    if (joined->asked == 0) {
        enum asked_state state;
        enum sotto_status status =
            offered_ask_owner(compute, joined, &state, ASKED_ENDED, NULL, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    enum sotto_status status =
        store_asked_result(compute->config.store, joined->asked, result, err);
    if (status != SOTTO_OK) {
        return status;
    }
    log_limited(LOG_JOINED, joined_creator_name(compute, joined),
                "%s: its result is here: sotto asked %llu", joined->label,
                (unsigned long long)joined->asked);
    return SOTTO_OK;
}

static void end_joined(struct compute *compute, struct joined *joined, bool is_well)
{
    struct sotto_error err = {0};
    const char *result = sotto_task_party_result(joined->machine);
    bool is_own = sotto_key_equal(&joined->creator, &compute->key);
    joined->has_ended = true;
    learning_end(compute, joined);
    remembered_end(compute, joined);
    resumed_forget(compute, joined);
    if (!is_well) {
        continued_keep(compute, joined);
    }
    if (result != NULL && !is_own && !learning_is(joined) &&
        keep_result(compute, joined, result, &err) != SOTTO_OK) {
        log_limited(LOG_JOINED, joined_creator_name(compute, joined), "%s: %s", joined->label,
                    err.text);
    }
}

void joined_free(struct joined *joined)
{
    learning_release(joined);
    partial_release(joined); /* it borrows the machine's plan */
    sotto_plan_free(joined->continues);
    sotto_task_party_free(joined->machine);
    offered_release(joined);
    sotto_free(joined->withheld);
    sotto_ledger_pending_release(&joined->answer);
    sotto_free(joined);
}

/* In test builds: before it sends a message of a type, "send-17" say. */
static void stop_before_sending(const struct joined *joined, const struct sotto_buffer *bytes)
{
    struct sotto_message message;
    char step[16];
    if (sotto_message_parse(&message, bytes->data, bytes->data_bytes)) {
        (void)snprintf(step, sizeof step, "send-%u", message.type);
        joined_stop_for_test(joined, step);
    }
}

static void count_step(const struct compute *compute, enum sotto_action_kind kind,
                       uint64_t begin_ms)
{
    static const struct {
        enum sotto_action_kind kind;
        enum metrics_step step;
    } steps[] = {{SOTTO_ACTION_OFFER, METRICS_OFFER},
                 {SOTTO_ACTION_PARTIAL, METRICS_PARTIAL},
                 {SOTTO_ACTION_PLEDGE, METRICS_PLEDGE},
                 {SOTTO_ACTION_RECORD, METRICS_RECORD},
                 {SOTTO_ACTION_KEEP, METRICS_KEEP}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i].kind == kind) {
            metrics_step(compute->config.metrics, steps[i].step, begin_ms);
        }
    }
}

static void carry_out(struct compute *compute, struct joined *joined)
{
    struct sotto_action action;
    while (!joined->has_ended && sotto_task_party_next(joined->machine, &action)) {
        uint64_t begin_ms = clock_ms();
        switch (action.kind) {
        case SOTTO_ACTION_SEND:
            stop_before_sending(joined, &action.bytes);
            compute__send(compute, &action, joined->patience_ms);
            break;
        case SOTTO_ACTION_TIMER:
            joined->deadline_ms = action.deadline_ms;
            break;
        case SOTTO_ACTION_LOG:
            log_limited(LOG_JOINED, joined_creator_name(compute, joined), "%s: %s", joined->label,
                        action.text);
            break;
        case SOTTO_ACTION_OFFER:
            lines_write_all(compute); /* reading rows may take long */
            offered_answer(compute, joined);
            break;
        case SOTTO_ACTION_PARTIAL:
            lines_write_all(compute);
            answer_partial(compute, joined);
            break;
        case SOTTO_ACTION_PLEDGE:
            answer_pledge(compute, joined, &action.bytes);
            break;
        case SOTTO_ACTION_RECORD:
            answer_record(compute, joined, &action.bytes);
            break;
        case SOTTO_ACTION_KEEP:
            joined_stop_for_test(joined, "opened");
            resumed_keep(compute, joined, &action.bytes);
            joined_stop_for_test(joined, "keep");
            break;
        case SOTTO_ACTION_DONE:
            recorded_unread(compute, joined, &action);
            log_limited(LOG_JOINED, joined_creator_name(compute, joined), "%s: ended (%s)%s%s",
                        joined->label, sotto_status_name(action.status),
                        action.text[0] != '\0' ? ": " : "", action.text);
            if (action.status == SOTTO_ERROR_TYPE) {
                told_misfits(compute, joined, joined_creator_name(compute, joined));
            }
            end_joined(compute, joined, action.status == SOTTO_OK);
            break;
        case SOTTO_ACTION_RESULT: /* of aggregators only */
            break;
        }
        count_step(compute, action.kind, begin_ms);
        sotto_action_release(&action);
    }
    /* A creator that shows what opened a sum sends the vectors of all. */
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    bool verifies = plan != NULL && sotto_plan_verify(plan) != SOTTO_PLAN_VERIFY_NEVER;
    joined->body_bytes = compute__measure(compute, sotto_task_party_vector_bytes(joined->machine),
                                          verifies ? compute->known_len : 1);
}

void joined_receive(struct compute *compute, struct joined *joined,
                    const struct sotto_buffer *message)
{
    struct sotto_error err = {0};
    if (joined->has_ended) {
        return;
    }
    if (sotto_task_party_receive(joined->machine, message->data, message->data_bytes, clock_ms(),
                                 &err) != SOTTO_OK) {
        log_limited(LOG_MESSAGES, joined_creator_name(compute, joined),
                    "%s: a message is ignored: %s", joined->label, err.text);
    }
    carry_out(compute, joined);
}

void joined_tick(struct compute *compute, struct joined *joined)
{
    if (!joined->has_ended) {
        sotto_task_party_tick(joined->machine, clock_ms());
        carry_out(compute, joined);
    }
}

void joined_leave(struct compute *compute, struct joined *joined, const char *why)
{
    struct sotto_error err = {0};
    if (!joined->has_ended) {
        joined->is_waiting = false;
        (void)sotto_error_set(&err, SOTTO_ERROR_REFUSED, "%s", why);
        joined_decline(compute, joined, &err, "owner");
        carry_out(compute, joined);
    }
}

void joined_step(struct compute *compute, struct joined *joined)
{
    if (learning_step(compute, joined)) {
        carry_out(compute, joined);
    }
}

/* --- The owner's decision --- */

/* Writes down who decided what, for the owner. */
static enum sotto_status record_decision(const struct compute *compute, const struct job *job,
                                         const struct store_asked *asked, const char *plan_json,
                                         struct sotto_error *err)
{
    struct store_record entry = {.created_ms = clock_unix_ms()};
    (void)snprintf(entry.creator, sizeof entry.creator, "%s", asked->creator);
    (void)snprintf(entry.name, sizeof entry.name, "%s", asked->name);
    (void)snprintf(entry.text, sizeof entry.text, "by the token %s", job->asker);
    return store_record_add(compute->config.store, &entry,
                            job->approves ? RECORD_APPROVED : RECORD_REJECTED, &asked->id,
                            &asked->creator_key, plan_json, err);
}

/* A decision stands for as long as policy gives an owner to decide, from now on. */
static enum sotto_status take_decision(struct compute *compute, const struct job *job,
                                       struct store_asked *asked, struct sotto_error *err)
{
    struct store *store = compute->config.store;
    char *plan_json = NULL;
    int64_t now_ms = clock_unix_ms();
    enum sotto_status status = store_asked_expire(store, now_ms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_get_asked(store, asked, &plan_json, NULL, NULL, job->number, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (asked->state != ASKED_WAITING) {
        status = sotto_error_set(err, SOTTO_ERROR_STATE, "number %llu waits no longer: it is %s",
                                 (unsigned long long)job->number, asked_state_name(asked->state));
        goto out;
    }
    status = record_decision(compute, job, asked, plan_json, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    asked->state = job->approves ? ASKED_APPROVED : ASKED_REJECTED;
    status = store_asked_state(store, job->number, asked->state,
                               now_ms + compute->policy->approve_days * DAY_MS, err);
out:
    sotto_free(plan_json);
    return status;
}

void joined_decide(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    struct store_asked asked;
    char reply[64];
    if (take_decision(compute, job, &asked, &err) != SOTTO_OK) {
        compute__reply_detail(compute, job->request, HTTP_BAD_REQUEST, err.status, err.text);
        return;
    }
    for (struct joined *joined = compute->first_joined; joined != NULL; joined = joined->next) {
        if (joined->asked != job->number || !joined->is_waiting || joined->has_ended) {
            continue;
        }
        if (job->approves) {
            offered_approved(compute, joined);
        } else {
            joined->is_waiting = false;
            (void)sotto_error_set(&err, SOTTO_ERROR_REFUSED, "the owner rejected it");
            joined_decline(compute, joined, &err, "owner");
        }
        carry_out(compute, joined);
    }
    int bytes = snprintf(reply, sizeof reply, "{\"state\": \"%s\"}", asked_state_name(asked.state));
    compute__reply(compute, job->request, HTTP_OK, sotto_text_copy(reply, (size_t)bytes));
}

/* Names the task in the owner's log: "task 1f0c23ab of alpha (wage_avg)". */
static void label_joined(const struct compute *compute, struct joined *joined)
{
    char digits[9];
    struct sotto_key creator = sotto_task_party_creator(joined->machine);
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(digits + 2 * i, 3, "%02x", joined->id.bytes[i]);
    }
    (void)snprintf(joined->label, sizeof joined->label, "task %s of %.64s (%.64s)", digits,
                   compute__peer_name(compute, &creator),
                   plan != NULL ? sotto_plan_name(plan) : "its plan is not read");
}

/* The index of a creator in compute->peers, where everybody is who can invite. */
static size_t find_peer(const struct compute *compute, const struct sotto_key *key)
{
    size_t i = 0;
    while (i + 1 < compute->peers_len && !sotto_key_equal(&compute->peers[i].key, key)) {
        i++;
    }
    return i;
}

/* What this node's owner demands of every session. policy.with looks at the survivors too, and all
 * of them must be there. */
static struct sotto_session_demands list_demands(const struct config *config)
{
    const struct config_policy *policy = &config->file->policy;
    uint32_t with = policy->with != NULL ? policy->with_count + 1 : 0;
    return (struct sotto_session_demands){
        .min_parties = with > policy->min_parties ? with : policy->min_parties,
        .colluders = policy->colluders,
        .needs_consent = policy->with != NULL,
        .no_receipts = config->signs_nothing,
        .keeps_transcripts = config->keeps_transcripts,
    };
}

static bool has_workers(const struct config *config)
{
    bool found = false;
    for (unsigned i = 0; !found && i < config->file->files_count; i++) {
        found = worked_program(config, config->file->files[i].file) != NULL;
    }
    return found;
}

struct sotto_task_party_config joined_describe_party(const struct compute *compute)
{
    return (struct sotto_task_party_config){
        .identity = compute->config.identity,
        .random = sotto_random_system(),
        .peers = compute->known,
        .peers_len = compute->known_len,
        .demands = list_demands(compute->policy),
        .interrupt = &compute->interrupt,
        .keeps_opened = has_workers(compute->policy),
        .now_ms = clock_ms(),
    };
}

void joined_adopt(struct compute *compute, struct joined *joined)
{
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    joined->peer_index = find_peer(compute, &joined->creator);
    joined->deadline_ms = UINT64_MAX;
    joined->patience_ms = plan != NULL ? compute__patience(plan) : PATIENCE_MS_DEFAULT;
    label_joined(compute, joined);
    joined->continues = continued_find(compute, joined);
    joined->next = compute->first_joined;
    compute->first_joined = joined;
    compute->joined_len++;
    carry_out(compute, joined);
}

static enum sotto_status make_joined(struct compute *compute, struct joined **out,
                                     const struct sotto_message_route *route,
                                     const struct sotto_buffer *message, struct sotto_error *err)
{
    bool has_answered = false;
    enum sotto_status status =
        store_has_answered(compute->config.store, &has_answered, &route->task, &route->sender, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_error refusal = {0};
    struct sotto_task_party_config config = joined_describe_party(compute);
    config.refusal = consider_creator(compute, &route->sender, &refusal);
    config.refusal_text = refusal.text;
    config.answered = has_answered;
    struct joined *joined = sotto_alloc_zeroed(sizeof *joined);
    if (joined == NULL) {
        return sotto_error_no_memory(err);
    }
    status =
        sotto_task_party_new(&joined->machine, &config, message->data, message->data_bytes, err);
    if (status != SOTTO_OK) {
        sotto_free(joined);
        return status;
    }
    joined->id = sotto_task_party_id(joined->machine);
    joined->creator = sotto_task_party_creator(joined->machine);
    label_joined(compute, joined);
    if (config.refusal != SOTTO_OK) {
        log_limited(LOG_DECLINED, joined_creator_name(compute, joined), "%s: declined (%s): %s",
                    joined->label, sotto_status_name(config.refusal), refusal.text);
        recorded_decline(compute, joined, &refusal, "policy");
        joined->is_recorded = true;
    }
    *out = joined;
    return SOTTO_OK;
}

void joined_invited(struct compute *compute, const struct sotto_message_route *route,
                    const struct sotto_buffer *message)
{
    struct sotto_error err = {0};
    struct joined *joined = NULL;
    enum sotto_status status = make_joined(compute, &joined, route, message, &err);
    if (status != SOTTO_OK || joined == NULL) {
        log_limited(LOG_MESSAGES, compute__peer_name(compute, &route->sender),
                    "an invitation of %s is ignored: %s",
                    compute__peer_name(compute, &route->sender), err.text);
        return;
    }
    joined_adopt(compute, joined);
}
