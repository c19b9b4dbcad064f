/* SPDX-License-Identifier: Apache-2.0 */

/* This node's answers and its ledger (sotto/ledger.h). Leans on the tally, which looks at the rows
 * while they are summed up. What is written down when:
 *
 * 1. Before a partial is given to the machine, which masks it, the ledger decides and has the
 *    answer on disk. A disk that is full, or a chain that can't be read, refuses: nothing leaves.
 * 2. From then on the answer counts as opened, whatever others say: with a masked partial they can
 *    open it without this node's consent.
 * 3. Only where the machine never masked it, because the session ended before, is the answer
 *    annulled: for another attempt, when the task ends. A node that dies between 1 and 3 leaves it
 *    as it is.
 * 4. Before a consent leaves, that is written down too.
 * 5. A refusal is written down when it is sent. */

#include "task/compute_internal.h"

#include <sotto/alloc.h>
#include <sotto/session.h>
#include <sotto/tally.h>
#include <stdio.h>
#include <string.h>

bool remembered_is_asked(const struct compute *compute)
{
    return sotto_rules_ask_ledger(&compute->policy->rules);
}

/* --- Parties --- */

/* Two sets of parties must differ by the colluders that this node counts on and two others: a
 * session has no fewer. */
static size_t find_least(const struct config_policy *policy, size_t parties_len)
{
    return (size_t)sotto_session_colluders((uint32_t)parties_len, policy->colluders) + 3;
}

static struct sotto_key *list_members(const struct joined *joined, size_t *out_len)
{
    *out_len = sotto_task_party_members(joined->machine, NULL, 0);
    struct sotto_key *keys = sotto_alloc_array(*out_len, sizeof *keys);
    if (keys != NULL) {
        (void)sotto_task_party_members(joined->machine, keys, *out_len);
    }
    return keys;
}

static bool is_with(const struct compute *compute, const struct sotto_key *key)
{
    const struct config_policy *policy = &compute->policy->file->policy;
    const char *name = compute__peer_name(compute, key);
    bool found = sotto_key_equal(key, &compute->key);
    for (unsigned i = 0; !found && i < policy->with_count; i++) {
        found = strcmp(policy->with[i], name) == 0;
    }
    return found;
}

static enum sotto_status fail_with(const struct config_policy *policy, size_t parties_len,
                                   struct sotto_error *err)
{
    char names[300] = "";
    for (unsigned i = 0; i < policy->with_count; i++) {
        size_t at = strlen(names);
        (void)snprintf(names + at, sizeof names - at, "%s%s", i > 0 ? ", " : "", policy->with[i]);
    }
    return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                           "policy.with: expected %s and this node, found %zu parties", names,
                           parties_len);
}

/* A session with somebody who is a peer no more is one that its owner would not have begun: the
 * sums may be shown to that party, and it was counted among those that hide this node's rows. */
static enum sotto_status check_peers(const struct compute *compute, const struct sotto_key *keys,
                                     size_t keys_len, struct sotto_error *err)
{
    for (size_t i = 0; i < keys_len; i++) {
        if (!compute__is_peer(compute, &keys[i])) {
            return sotto_error_set(err, SOTTO_ERROR_REFUSED, "%s is among the parties",
                                   compute__peer_name(compute, &keys[i]));
        }
    }
    return SOTTO_OK;
}

/* Keys of parties are all different: as many as there are names, and each of them named. */
static enum sotto_status check_with(const struct compute *compute, const struct sotto_key *keys,
                                    size_t keys_len, struct sotto_error *err)
{
    const struct config_policy *policy = &compute->policy->file->policy;
    bool fits = policy->with == NULL || keys_len == policy->with_count + 1;
    for (size_t i = 0; policy->with != NULL && fits && i < keys_len; i++) {
        fits = is_with(compute, &keys[i]);
    }
    return fits ? SOTTO_OK : fail_with(policy, keys_len, err);
}

enum sotto_status remembered_members(const struct compute *compute, const struct joined *joined,
                                     struct sotto_error *err)
{
    size_t len;
    struct sotto_key *keys = list_members(joined, &len);
    if (keys == NULL) {
        return sotto_error_no_memory(err);
    }
    /* In a task of its own this node has dropped such a party: what it survives is asked below. */
    bool is_own = sotto_key_equal(&joined->creator, &compute->key);
    enum sotto_status status = is_own ? SOTTO_OK : check_peers(compute, keys, len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = check_with(compute, keys, len, err);
out:
    sotto_free(keys);
    return status;
}

/* --- An answer --- */

_Static_assert(sizeof(struct sotto_key) == SOTTO_LEDGER_KEY_BYTES, "keys are their bytes");

/* Of no file, without parties. */
static struct sotto_ledger_question begin_question(const struct compute *compute,
                                                   const struct joined *joined, uint32_t round)
{
    const char *plan_json = sotto_task_party_plan_json(joined->machine);
    struct sotto_ledger_question question = {
        .round = round,
        .name = sotto_plan_name(sotto_task_party_plan(joined->machine)),
        .now_ms = clock_unix_ms(),
        .min_rows = compute->policy->rules.min_rows,
    };
    _Static_assert(sizeof question.task == sizeof joined->id.bytes, "a task's id");
    memcpy(question.task, joined->id.bytes, sizeof question.task);
    memcpy(question.creator, joined->creator.bytes, sizeof question.creator);
    sotto_digest(question.plan_digest, "sotto ledger plan", plan_json, strlen(plan_json));
    return question;
}

static struct sotto_ledger_question make_question(const struct compute *compute,
                                                  const struct joined *joined,
                                                  const struct sotto_driver *driver,
                                                  const struct sotto_tally *tally)
{
    const struct sotto_rules *rules = &compute->policy->rules;
    struct sotto_ledger_question question =
        begin_question(compute, joined, sotto_driver_round(driver));
    question.budget = rules->is_on[SOTTO_RULE_BUDGET] ? rules->budget : 0;
    question.charges_rounds = rules->charges_rounds;
    question.dominance = rules->is_on[SOTTO_RULE_DOMINANCE] ? rules->dominance : 0;
    question.groups_len = sotto_driver_groups_len(driver);
    question.files = sotto_tally_files(tally, &question.files_len);
    return question;
}

enum sotto_status remembered_foresee(const struct compute *compute, bool *out_is_of_parties,
                                     struct joined *joined, enum sotto_rule *out_rule,
                                     const struct sotto_tally *tally, struct sotto_error *err)
{
    struct sotto_ledger_question question =
        make_question(compute, joined, joined->prepared.driver, tally);
    *out_rule = SOTTO_RULE_LEDGER;
    return sotto_ledger_foresee(compute->config.ledger, out_is_of_parties, joined->withheld,
                                &question, err);
}

/* In: the question without its parties. */
static enum sotto_status ask(const struct compute *compute, struct joined *joined,
                             enum sotto_rule *out_rule, struct sotto_ledger_question *in_out,
                             struct sotto_error *err)
{
    struct sotto_key *keys = list_members(joined, &in_out->parties_len);
    if (keys == NULL) {
        return sotto_error_no_memory(err);
    }
    in_out->parties = (const struct sotto_ledger_party *)keys;
    in_out->parties_least = find_least(&compute->policy->file->policy, in_out->parties_len);
    joined->masked_before = sotto_task_party_masked(joined->machine);
    enum sotto_status status = sotto_ledger_answer(compute->config.ledger, &joined->answer,
                                                   out_rule, joined->withheld, in_out, err);
    sotto_free(keys);
    if (status == SOTTO_OK) {
        joined_stop_for_test(joined, "ledger");
    }
    return status;
}

enum sotto_status remembered_answer(const struct compute *compute, struct joined *joined,
                                    enum sotto_rule *out_rule, const struct sotto_tally *tally,
                                    struct sotto_error *err)
{
    struct sotto_ledger_question question =
        make_question(compute, joined, sotto_task_party_driver(joined->machine), tally);
    return ask(compute, joined, out_rule, &question, err);
}

enum sotto_status remembered_training(const struct compute *compute, struct joined *joined,
                                      struct sotto_error *err)
{
    enum sotto_rule rule;
    remembered_end(compute, joined); /* the session before */
    if (!remembered_is_asked(compute) || !sotto_task_party_is_drawn(joined->machine)) {
        return SOTTO_OK;
    }
    struct sotto_ledger_question question =
        begin_question(compute, joined, sotto_task_party_round(joined->machine));
    return ask(compute, joined, &rule, &question, err);
}

enum sotto_status remembered_consent(const struct compute *compute, struct joined *joined,
                                     struct sotto_error *err)
{
    size_t len = sotto_task_party_survivors(joined->machine, NULL, 0);
    struct sotto_key *keys = sotto_alloc_array(len, sizeof *keys);
    if (keys == NULL) {
        return sotto_error_no_memory(err);
    }
    (void)sotto_task_party_survivors(joined->machine, keys, len);
    enum sotto_status status = check_peers(compute, keys, len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = check_with(compute, keys, len, err);
    if (status != SOTTO_OK || joined->answer.number == 0) {
        goto out;
    }
    status =
        sotto_ledger_consent(compute->config.ledger, &joined->answer,
                             (const struct sotto_ledger_party *)keys, len, clock_unix_ms(), err);
    if (status == SOTTO_OK) {
        sotto_ledger_pending_release(&joined->answer);
        joined_stop_for_test(joined, "consent");
    }
out:
    sotto_free(keys);
    return status;
}

/* Where annulling fails the answer counts: that refuses more, and never less. */
void remembered_end(const struct compute *compute, struct joined *joined)
{
    struct sotto_error err = {0};
    bool is_masked = sotto_task_party_masked(joined->machine) != joined->masked_before;
    if (joined->answer.number != 0 && !is_masked &&
        sotto_ledger_annul(compute->config.ledger, joined->answer.number, clock_unix_ms(), &err) !=
            SOTTO_OK) {
        log_warning("%s: its answer counts, though it never left: %s", joined->label, err.text);
    }
    sotto_ledger_pending_release(&joined->answer);
}

/* --- Refusals --- */

void remembered_refusal(const struct compute *compute, const struct joined *joined,
                        const char *reason)
{
    struct sotto_error err = {0};
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    if (sotto_ledger_refuse(compute->config.ledger, joined->id.bytes, joined->creator.bytes, reason,
                            plan != NULL ? sotto_plan_name(plan) : "", clock_unix_ms(),
                            &err) != SOTTO_OK) {
        log_warning("%s: the refusal is not in the ledger: %s", joined->label, err.text);
    }
}

enum sotto_status remembered_waits(const struct compute *compute, bool *out,
                                   const struct joined *joined, struct sotto_error *err)
{
    uint64_t refusals = 0;
    *out = false;
    if (!remembered_is_asked(compute)) {
        return SOTTO_OK;
    }
    enum sotto_status status = sotto_ledger_refusals(compute->config.ledger, &refusals,
                                                     joined->creator.bytes, clock_unix_ms(), err);
    *out = status == SOTTO_OK && refusals >= compute->policy->refusals;
    return status;
}
