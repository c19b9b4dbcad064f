/* SPDX-License-Identifier: Apache-2.0 */

/* What the owner's record and log have of this node's part in a task, and what others learn where
 * it takes none. Leans on the store. The idea: a refusal is told three times, to the owner whole,
 * to who asked as its class, and to the ledger, which counts it. */

#include "task/recorded.h"

#include "config/policy.h"
#include "task/learning.h"

#include <stdio.h>
#include <string.h>

const char *joined_creator_name(const struct compute *compute, const struct joined *joined)
{
    bool is_own = sotto_key_equal(&joined->creator, &compute->key);
    return is_own ? NULL : compute->peers[joined->peer_index].name;
}

enum sotto_status recorded_add(const struct compute *compute, const struct joined *joined,
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

void recorded_add_or_say(const struct compute *compute, const struct joined *joined,
                         enum record_event event, const struct sotto_error *reason)
{
    struct sotto_error err = {0};
    if (recorded_add(compute, joined, event, reason, &err) != SOTTO_OK) {
        log_limited(LOG_DECLINED, joined_creator_name(compute, joined),
                    "%s: it is not in the record: %s", joined->label, err.text);
    }
}

void recorded_decline(const struct compute *compute, const struct joined *joined,
                      const struct sotto_error *reason, const char *rule)
{
    recorded_add_or_say(compute, joined, RECORD_DECLINED, reason);
    metrics_decline(compute->config.metrics, reason->status, rule);
}

void recorded_unread(const struct compute *compute, const struct joined *joined,
                     const struct sotto_action *done)
{
    struct sotto_error reason = {.status = done->status};
    if (sotto_task_party_plan(joined->machine) == NULL && !joined->is_recorded) {
        (void)snprintf(reason.text, sizeof reason.text, "%s", done->text);
        recorded_decline(compute, joined, &reason, "policy");
    }
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

void joined_decline(const struct compute *compute, struct joined *joined,
                    const struct sotto_error *err, const char *rule)
{
    log_limited(LOG_DECLINED, joined_creator_name(compute, joined), "%s: declined (%s): %s",
                joined->label, sotto_status_name(err->status), err->text);
    recorded_decline(compute, joined, err, rule);
    sotto_task_party_decline(joined->machine, err->status, choose_said(compute, joined, err, rule));
    if (err->status == SOTTO_ERROR_REFUSED) {
        remembered_refusal(compute, joined, rule);
    }
}

void joined_tell_joined(const struct compute *compute, const struct joined *joined)
{
    log_limited(LOG_JOINED, joined_creator_name(compute, joined), "%s: joined", joined->label);
    recorded_add_or_say(compute, joined, RECORD_JOINED, NULL);
    atomic_fetch_add(&compute->config.metrics->joined, 1);
}
