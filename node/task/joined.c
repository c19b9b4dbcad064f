/* SPDX-License-Identifier: Apache-2.0 */

/* This node's part in tasks, its own ones too: asks policy and the owner, opens the files, computes
 * partials, records what it reveals. Leans on the party's machine (sotto/task.h), which says what
 * is next, on config/policy.c and on datasets.c. The idea: whatever this node can't or won't do it
 * declines; others learn the class of the reason, the owner's log has all of it. */

#include "config/policy.h"
#include "store/store_asked.h"
#include "store/store_record.h"
#include "task/learning.h"

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)

/* How long messages of a task without a readable plan are worth keeping. */
#define PATIENCE_MS_DEFAULT 60000

/* Whose lines the owner's log limits: nobody's, if the task is this node's own. */
static const char *name_creator(const struct compute *compute, const struct joined *joined)
{
    bool is_own = sotto_key_equal(&joined->creator, &compute->key);
    return is_own ? NULL : compute->peers[joined->peer_index].name;
}

/* --- The record --- */

/* Adds an entry to the owner's record. reason: of a refusal, else NULL. */
static enum sotto_status record_event(const struct compute *compute, const struct joined *joined,
                                      enum record_event event, const struct sotto_error *reason,
                                      struct sotto_error *err)
{
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    struct store_record entry = {.created_ms = clock_unix_ms()};
    (void)snprintf(entry.creator, sizeof entry.creator, "%s",
                   compute__peer_name(compute, &joined->creator));
    (void)snprintf(entry.name, sizeof entry.name, "%s", plan != NULL ? sotto_plan_name(plan) : "");
    if (event == RECORD_ANSWERED) {
        learning_describe(joined, entry.text, sizeof entry.text);
    }
    if (reason != NULL) {
        bool is_failure = reason->status != SOTTO_OK;
        (void)snprintf(entry.reason, sizeof entry.reason, "%s",
                       is_failure ? sotto_status_name(reason->status) : "");
        (void)snprintf(entry.text, sizeof entry.text, "%s", reason->text);
    }
    return store_record_add(compute->config.store, &entry, event, &joined->id, &joined->creator,
                            sotto_task_party_plan_json(joined->machine), err);
}

/* The same for what goes on without it: the owner's log then says why. */
static void record_or_say(const struct compute *compute, const struct joined *joined,
                          enum record_event event, const struct sotto_error *reason)
{
    struct sotto_error err = {0};
    if (record_event(compute, joined, event, reason, &err) != SOTTO_OK) {
        log_limited(LOG_DECLINED, name_creator(compute, joined), "%s: it is not in the record: %s",
                    joined->label, err.text);
    }
}

/* rule: of a refusal its rule's code, "policy" or "owner". */
static void record_decline(const struct compute *compute, const struct joined *joined,
                           const struct sotto_error *reason, const char *rule)
{
    record_or_say(compute, joined, RECORD_DECLINED, reason);
    metrics_decline(compute->config.metrics, reason->status, rule);
}

/* A plan that can't be read is declined by the machine itself. */
static void record_unread(const struct compute *compute, const struct joined *joined,
                          const struct sotto_action *done)
{
    struct sotto_error reason = {.status = done->status};
    if (sotto_task_party_plan(joined->machine) == NULL && !joined->is_recorded) {
        (void)snprintf(reason.text, sizeof reason.text, "%s", done->text);
        record_decline(compute, joined, &reason, "policy");
    }
}

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

/* Opens the plan's dataset i, or shares an earlier one of the same file: a file costs one
 * descriptor.
 */
static enum sotto_status open_dataset(struct compute *compute, struct joined *joined, size_t i,
                                      struct sotto_error *err)
{
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    const char *file = sotto_plan_dataset_file(plan, i);
    for (size_t j = 0; j < i; j++) {
        if (strcmp(sotto_plan_dataset_file(plan, j), file) == 0) {
            joined->datasets[i] = joined->datasets[j];
            return SOTTO_OK;
        }
    }
    return dataset_open(&joined->datasets[i], compute->policy, compute->config.store, file,
                        sotto_plan_rounds(plan) > 1, &compute->interrupt, err);
}

enum sotto_status joined_open_datasets(struct compute *compute, struct joined *joined,
                                       struct sotto_error *err)
{
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    size_t len = sotto_plan_datasets_len(plan);
    joined->datasets = sotto_alloc_zeroed((len + 1) * sizeof *joined->datasets);
    if (joined->datasets == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < len; i++) {
        enum sotto_status status = open_dataset(compute, joined, i, err);
        if (status != SOTTO_OK) {
            return status;
        }
        joined->datasets_len = i + 1;
    }
    return SOTTO_OK; /* a file of few rows is refused as any other: when its rows are judged */
}

/* The files of a joined task as the engine wants them. Returns: NULL if there is no memory.
 * Ownership: the list is ended by sotto_free. */
static struct sotto_csv **list_files(const struct joined *joined)
{
    struct sotto_csv **list = sotto_alloc_array(joined->datasets_len + 1, sizeof(void *));
    for (size_t i = 0; list != NULL && i < joined->datasets_len; i++) {
        list[i] = joined->datasets[i].csv;
    }
    return list;
}

static struct policy_question make_question(const struct compute *compute,
                                            const struct joined *joined,
                                            const struct sotto_schema *schema)
{
    struct sotto_key creator = sotto_task_party_creator(joined->machine);
    return (struct policy_question){.plan = sotto_task_party_plan(joined->machine),
                                    .continues = joined->continues,
                                    .asker = compute__peer_name(compute, &creator),
                                    .schema = schema,
                                    .has_leave = compute->policy->approves_by_hand,
                                    .follows_refusals = joined->follows_refusals};
}

static enum sotto_status check_words(const struct joined *joined, const struct sotto_plan *plan,
                                     const struct sotto_schema *offer, struct sotto_error *err)
{
    struct sotto_csv **files = list_files(joined);
    if (files == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = sotto_schema_check_words(plan, offer, files, err);
    sotto_free(files);
    return status;
}

static enum sotto_status make_offer(const struct compute *compute, struct joined *joined,
                                    struct sotto_schema *schema, const struct sotto_plan *plan,
                                    struct sotto_error *err)
{
    const struct sotto_catalogue **catalogues = partial_catalogues(joined);
    if (catalogues == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = sotto_schema_offer(schema, plan, catalogues, err);
    joined->lacks_column = status == SOTTO_ERROR_NOT_FOUND;
    sotto_free(catalogues);
    schema->rules = sotto_rules_offered(&compute->policy->rules);
    return status;
}

/* Asks all that is asked before this node joins (config/policy.c tells the order); *schema is what
 * it then offers. */
static enum sotto_status consider_joining(struct compute *compute, struct joined *joined,
                                          struct sotto_schema *schema, struct sotto_error *err)
{
    struct policy_question question = make_question(compute, joined, NULL);
    enum sotto_status status = policy_judge(compute->policy, &question, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = joined_open_datasets(compute, joined, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = make_offer(compute, joined, schema, question.plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_words(joined, question.plan, schema, err);
    if (status != SOTTO_OK) {
        return status;
    }
    question.schema = schema;
    joined->needs_leave = policy_judge_grammar(compute->policy, &question, NULL) != SOTTO_OK;
    return policy_judge(compute->policy, &question, err);
}

/* What the initiator learns beside the class of a failure, or NULL. Of a column that is not there
 * the text, if policy says so. Where this node is the initiator, what policy says to the plan; its
 * rows are the owner's, so of them only where to look. */
static const char *choose_said(const struct compute *compute, const struct joined *joined,
                               const struct sotto_error *err, const char *rule)
{
    bool is_own = sotto_key_equal(&joined->creator, &compute->key);
    bool is_of_plan = strcmp(rule, "policy") == 0 &&
                      (err->status == SOTTO_ERROR_REFUSED || err->status == SOTTO_ERROR_NOT_FOUND);
    if ((compute->policy->explains && joined->lacks_column) || (is_own && is_of_plan)) {
        return err->text;
    }
    if (!is_own) {
        return NULL;
    }
    return learning_is(joined) ? "this is the node that was asked: its owner reads why in its log"
                               : "this is the node that was asked: its owner reads why in its log, "
                                 "and sotto check says it there beforehand";
}

static void decline_task(const struct compute *compute, struct joined *joined,
                         const struct sotto_error *err, const char *rule)
{
    log_limited(LOG_DECLINED, name_creator(compute, joined), "%s: declined (%s): %s", joined->label,
                sotto_status_name(err->status), err->text);
    record_decline(compute, joined, err, rule);
    sotto_task_party_decline(joined->machine, err->status, choose_said(compute, joined, err, rule));
    if (err->status == SOTTO_ERROR_REFUSED) {
        remembered_refusal(compute, joined, rule);
    }
}

/* Writes down what is asked, for the owner to decide. *out_state: the decision, if one was made
 * before a restart, else state. */
static enum sotto_status ask_owner(struct compute *compute, struct joined *joined,
                                   enum asked_state *out_state, enum asked_state state,
                                   const struct sotto_schema *schema, struct sotto_error *err)
{
    char *words = NULL;
    struct policy_question question = make_question(compute, joined, schema);
    int64_t now_ms = clock_unix_ms();
    struct store_asked asked = {
        .state = state,
        .created_ms = now_ms,
        .deadline_ms = now_ms + compute->policy->approve_days * DAY_MS,
    };
    (void)snprintf(asked.creator, sizeof asked.creator, "%s", question.asker);
    (void)snprintf(asked.name, sizeof asked.name, "%s", sotto_plan_name(question.plan));
    enum sotto_status status = policy_words(&words, compute->policy, &question, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_asked_expire(compute->config.store, now_ms, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_asked_put(compute->config.store, &asked, &joined->id, &joined->creator,
                             sotto_task_party_plan_json(joined->machine), words, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    joined->asked = asked.number;
    *out_state = asked.state;
out:
    sotto_free(words);
    return status;
}

void joined_decline(const struct compute *compute, struct joined *joined,
                    const struct sotto_error *err, const char *rule)
{
    decline_task(compute, joined, err, rule);
}

const char *joined_creator_name(const struct compute *compute, const struct joined *joined)
{
    return name_creator(compute, joined);
}

static void release_datasets(struct joined *joined)
{
    for (size_t i = joined->datasets_len; i-- > 0;) {
        bool is_shared = false;
        for (size_t j = 0; j < i; j++) {
            is_shared = is_shared || joined->datasets[j].source == joined->datasets[i].source;
        }
        if (!is_shared) {
            dataset_release(&joined->datasets[i]);
        }
    }
    sotto_free(joined->datasets);
    joined->datasets = NULL;
    joined->datasets_len = 0;
}

/* Whether this node offers what *schema then holds: *out_state is ASKED_APPROVED, or ASKED_WAITING
 * for its owner. */
static enum sotto_status decide_offer(struct compute *compute, struct joined *joined,
                                      enum asked_state *out_state, struct sotto_schema *schema,
                                      struct sotto_error *err)
{
    bool is_own = sotto_key_equal(&joined->creator, &compute->key);
    *out_state = ASKED_APPROVED;
    enum sotto_status status = consider_joining(compute, joined, schema, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = remembered_waits(compute, &joined->follows_refusals, joined, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (is_own || (!compute->policy->approves_by_hand && !joined->follows_refusals)) {
        return SOTTO_OK;
    }
    status = ask_owner(compute, joined, out_state, ASKED_WAITING, schema, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (*out_state == ASKED_REJECTED) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED, "the owner rejected it");
    }
    if (*out_state == ASKED_ENDED) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "it was asked before, and its time is over");
    }
    return SOTTO_OK;
}

void joined_tell_joined(const struct compute *compute, const struct joined *joined)
{
    log_limited(LOG_JOINED, name_creator(compute, joined), "%s: joined", joined->label);
    record_or_say(compute, joined, RECORD_JOINED, NULL);
    atomic_fetch_add(&compute->config.metrics->joined, 1);
}

/* Joins, where the rows allow it. */
static void give_offer(const struct compute *compute, struct joined *joined,
                       const struct sotto_schema *schema, const char *what)
{
    struct sotto_error err = {0};
    enum sotto_rule rule = SOTTO_RULE_ROWS;
    if (partial_prepare(compute, joined, &rule, schema, &err) != SOTTO_OK) {
        decline_task(compute, joined, &err, sotto_rule_code(rule));
        return;
    }
    log_limited(LOG_JOINED, name_creator(compute, joined), "%s: %s", joined->label, what);
    record_or_say(compute, joined, RECORD_JOINED, NULL);
    atomic_fetch_add(&compute->config.metrics->joined, 1);
    const struct prepared *prepared = &joined->prepared;
    const struct sotto_task_cover cover = {.parts = prepared->cover,
                                           .parts_len = prepared->cover_len,
                                           .spans = prepared->spans.data,
                                           .spans_bytes = prepared->spans.data_bytes,
                                           .is_of_parties = prepared->is_of_parties};
    sotto_task_party_offer(joined->machine, schema, &cover);
}

static void wait_for_owner(const struct compute *compute, struct joined *joined)
{
    const struct sotto_error refusals = {.text = POLICY_FOLLOWS_REFUSALS};
    joined->is_waiting = true;
    record_or_say(compute, joined, RECORD_WAITING, joined->follows_refusals ? &refusals : NULL);
    log_limited(LOG_JOINED, name_creator(compute, joined),
                "%s: waits for its owner%s: sotto approve %llu, or sotto reject %llu",
                joined->label, joined->follows_refusals ? ", as " POLICY_FOLLOWS_REFUSALS : "",
                (unsigned long long)joined->asked, (unsigned long long)joined->asked);
    release_datasets(joined); /* offer_approved opens them again */
}

static void answer_offer(struct compute *compute, struct joined *joined)
{
    if (learning_is(joined)) {
        learning_offer(compute, joined);
        return;
    }
    struct sotto_error err = {0};
    struct sotto_schema schema = {0};
    enum asked_state state;
    enum sotto_status status = decide_offer(compute, joined, &state, &schema, &err);
    if (status != SOTTO_OK) {
        decline_task(compute, joined, &err, "policy");
    } else if (state == ASKED_WAITING) {
        wait_for_owner(compute, joined);
    } else {
        give_offer(compute, joined, &schema, "joined");
    }
    sotto_schema_release(&schema);
    compute__stop_for_test("offer");
}

/* Offers what was approved, if policy and files still allow it. */
static void offer_approved(struct compute *compute, struct joined *joined)
{
    struct sotto_error err = {0};
    struct sotto_schema schema = {0};
    joined->is_waiting = false;
    if (consider_joining(compute, joined, &schema, &err) == SOTTO_OK) {
        give_offer(compute, joined, &schema, "joined, as its owner approved");
    } else {
        decline_task(compute, joined, &err, "policy");
    }
    sotto_schema_release(&schema);
}

/* --- A round --- */

static void tell_withheld(struct compute *compute, const struct joined *joined,
                          const struct sotto_driver *driver)
{
    const struct sotto_disclosure *disclosure = &joined->disclosure;
    size_t groups_len = sotto_driver_groups_len(driver);
    size_t withheld = 0; /* by the ledger too */
    if (disclosure->in_no_group > 0) {
        log_limited(LOG_JOINED, name_creator(compute, joined),
                    "%s: %llu rows are in no group: their key is missing, or no level names it",
                    joined->label, (unsigned long long)disclosure->in_no_group);
        if (sotto_driver_round(driver) == 1) {
            told_strays(compute, joined, name_creator(compute, joined));
        }
    }
    for (size_t i = 0; i < groups_len; i++) {
        withheld += joined->withheld[i];
    }
    if (withheld > 0) {
        log_limited(LOG_JOINED, name_creator(compute, joined), "%s: %zu of %zu groups are withheld",
                    joined->label, withheld, groups_len);
    }
    if (disclosure->cells_withheld > 0) {
        log_limited(LOG_JOINED, name_creator(compute, joined),
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
        decline_task(compute, joined, &err, sotto_rule_code(SOTTO_RULE_COVER));
        return;
    }
    if (learning_is(joined)) {
        learning_partial(compute, joined);
        return;
    }
    /* Again with the types that were agreed on: doubles can pack rows where decimals can't. */
    struct policy_question question = make_question(compute, joined, sotto_driver_schema(driver));
    question.has_leave = question.has_leave && joined->needs_leave;
    enum sotto_status status = policy_judge(compute->policy, &question, &err);
    if (status != SOTTO_OK) {
        decline_task(compute, joined, &err, "policy");
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
        decline_task(compute, joined, &err, sotto_rule_code(rule));
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
    status = record_event(compute, joined, RECORD_ANSWERED, NULL, err);
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
        decline_task(compute, joined, &err, sotto_rule_code(SOTTO_RULE_COVER));
        return;
    }
    if (write_pledge(compute, joined, bytes, &err) != SOTTO_OK) {
        decline_task(compute, joined, &err, "owner");
        return;
    }
    joined->is_answered = true;
    joined_stop_for_test(joined, "pledge");
    sotto_task_party_recorded(joined->machine);
}

/* Of a learning task, whose weights the sum is of: it may be opened from here on. */
static void tell_survivors(const struct compute *compute, const struct joined *joined)
{
    char names[SOTTO_ERROR_TEXT_BYTES] = "";
    struct sotto_key keys[SOTTO_SESSION_PARTIES_MAX];
    size_t len = sotto_task_party_survivors(joined->machine, keys, SOTTO_SESSION_PARTIES_MAX);
    if (!learning_is(joined)) {
        return;
    }
    for (size_t i = 0, used = 0; i < len && used < sizeof names; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "",
                                 compute__peer_name(compute, &keys[i]));
    }
    log_limited(LOG_JOINED, name_creator(compute, joined), "%s: round %u opens the mean of %s",
                joined->label, sotto_task_party_round(joined->machine), names);
}

static void answer_record(struct compute *compute, struct joined *joined,
                          const struct sotto_buffer *bytes)
{
    struct sotto_error err = {0};
    enum sotto_status status = remembered_consent(compute, joined, &err);
    if (status == SOTTO_ERROR_REFUSED) {
        log_limited(LOG_DECLINED, name_creator(compute, joined), "%s: nothing is revealed: %s",
                    joined->label, err.text);
        remembered_refusal(compute, joined, sotto_rule_code(SOTTO_RULE_COVER));
        return;
    }
    if (status != SOTTO_OK ||
        store_answer(compute->config.store, &joined->id, &joined->creator, bytes->data,
                     bytes->data_bytes, clock_unix_ms(), &err) != SOTTO_OK) {
        log_limited(LOG_JOINED, name_creator(compute, joined),
                    "%s: nothing is revealed, because it can't be recorded: %s", joined->label,
                    err.text);
        return;
    }
    tell_survivors(compute, joined);
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
        enum sotto_status status = ask_owner(compute, joined, &state, ASKED_ENDED, NULL, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    enum sotto_status status =
        store_asked_result(compute->config.store, joined->asked, result, err);
    if (status != SOTTO_OK) {
        return status;
    }
    log_limited(LOG_JOINED, name_creator(compute, joined),
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
        log_limited(LOG_JOINED, name_creator(compute, joined), "%s: %s", joined->label, err.text);
    }
}

void joined_free(struct joined *joined)
{
    learning_release(joined);
    partial_release(joined); /* it borrows the machine's plan */
    sotto_plan_free(joined->continues);
    sotto_task_party_free(joined->machine);
    release_datasets(joined);
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
            log_limited(LOG_JOINED, name_creator(compute, joined), "%s: %s", joined->label,
                        action.text);
            break;
        case SOTTO_ACTION_OFFER:
            answer_offer(compute, joined);
            break;
        case SOTTO_ACTION_PARTIAL:
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
            record_unread(compute, joined, &action);
            log_limited(LOG_JOINED, name_creator(compute, joined), "%s: ended (%s)%s%s",
                        joined->label, sotto_status_name(action.status),
                        action.text[0] != '\0' ? ": " : "", action.text);
            if (action.status == SOTTO_ERROR_TYPE) {
                told_misfits(compute, joined, name_creator(compute, joined));
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
        log_limited(LOG_MESSAGES, name_creator(compute, joined), "%s: a message is ignored: %s",
                    joined->label, err.text);
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
        decline_task(compute, joined, &err, "owner");
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
            offer_approved(compute, joined);
        } else {
            joined->is_waiting = false;
            (void)sotto_error_set(&err, SOTTO_ERROR_REFUSED, "the owner rejected it");
            decline_task(compute, joined, &err, "owner");
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

struct sotto_task_party_config joined_describe_party(const struct compute *compute)
{
    return (struct sotto_task_party_config){
        .identity = compute->config.identity,
        .random = sotto_random_system(),
        .peers = compute->known,
        .peers_len = compute->known_len,
        .demands = list_demands(compute->policy),
        .interrupt = &compute->interrupt,
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
        log_limited(LOG_DECLINED, name_creator(compute, joined), "%s: declined (%s): %s",
                    joined->label, sotto_status_name(config.refusal), refusal.text);
        record_decline(compute, joined, &refusal, "policy");
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
