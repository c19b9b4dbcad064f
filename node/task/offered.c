/* SPDX-License-Identifier: Apache-2.0 */

/* Whether this node takes part in a task, and of which types it then offers its columns: asks
 * policy, opens the files, asks the owner. Leans on config/policy.c and on datasets.c. The idea:
 * whatever this node can't or won't do it declines before its rows are read for a task. */

#include "task/offered.h"

#include "task/learning.h"
#include "task/recorded.h"

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <stdio.h>
#include <string.h>

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

struct policy_question offered_question(const struct compute *compute, const struct joined *joined,
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
    struct policy_question question = offered_question(compute, joined, NULL);
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

/* Writes down what is asked, for the owner to decide. *out_state: the decision, if one was made
 * before a restart, else state. */
enum sotto_status offered_ask_owner(struct compute *compute, struct joined *joined,
                                    enum asked_state *out_state, enum asked_state state,
                                    const struct sotto_schema *schema, struct sotto_error *err)
{
    char *words = NULL;
    struct policy_question question = offered_question(compute, joined, schema);
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

void offered_release(struct joined *joined)
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
    status = offered_ask_owner(compute, joined, out_state, ASKED_WAITING, schema, err);
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

/* Joins, where the rows allow it. */
static void give_offer(const struct compute *compute, struct joined *joined,
                       const struct sotto_schema *schema, const char *what)
{
    struct sotto_error err = {0};
    enum sotto_rule rule = SOTTO_RULE_ROWS;
    if (partial_prepare(compute, joined, &rule, schema, &err) != SOTTO_OK) {
        joined_decline(compute, joined, &err, sotto_rule_code(rule));
        return;
    }
    log_limited(LOG_JOINED, joined_creator_name(compute, joined), "%s: %s", joined->label, what);
    recorded_add_or_say(compute, joined, RECORD_JOINED, NULL);
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
    recorded_add_or_say(compute, joined, RECORD_WAITING,
                        joined->follows_refusals ? &refusals : NULL);
    log_limited(LOG_JOINED, joined_creator_name(compute, joined),
                "%s: waits for its owner%s: sotto approve %llu, or sotto reject %llu",
                joined->label, joined->follows_refusals ? ", as " POLICY_FOLLOWS_REFUSALS : "",
                (unsigned long long)joined->asked, (unsigned long long)joined->asked);
    offered_release(joined); /* offered_approved opens them again */
}

void offered_answer(struct compute *compute, struct joined *joined)
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
        joined_decline(compute, joined, &err, "policy");
    } else if (state == ASKED_WAITING) {
        wait_for_owner(compute, joined);
    } else {
        give_offer(compute, joined, &schema, "joined");
    }
    sotto_schema_release(&schema);
    compute__stop_for_test("offer");
}

/* Offers what was approved, if policy and files still allow it. */
void offered_approved(struct compute *compute, struct joined *joined)
{
    struct sotto_error err = {0};
    struct sotto_schema schema = {0};
    joined->is_waiting = false;
    if (consider_joining(compute, joined, &schema, &err) == SOTTO_OK) {
        give_offer(compute, joined, &schema, "joined, as its owner approved");
    } else {
        joined_decline(compute, joined, &err, "policy");
    }
    sotto_schema_release(&schema);
}
