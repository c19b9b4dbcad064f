/* SPDX-License-Identifier: Apache-2.0 */

/* Policy and ledger for their owner. Leans on config/config.h, which has what is in force, and on
 * store/store_audit.c. The idea: what is shown is what decides, not the file that it came from. */

#include "task/owner.h"

#include "store/store_audit.h"
#include "task/compute_internal.h"

#include <jansson.h>

/* --- Policy --- */

static json_t *list_texts(char *const *texts, unsigned len)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < len; i++) {
        (void)json_array_append_new(list, json_string(texts[i]));
    }
    return list;
}

/* A list whose absence means all. */
static json_t *list_or(char *const *texts, unsigned len, const char *otherwise)
{
    return len > 0 ? list_texts(texts, len) : json_string(otherwise);
}

static json_t *list_columns(const struct config_policy *policy)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < policy->columns_count; i++) {
        const struct config_columns *columns = &policy->columns[i];
        (void)json_array_append_new(
            list, json_pack("{s:s, s:o, s:o, s:o, s:o}", "dataset", columns->dataset, "allow",
                            list_or(columns->allow, columns->allow_count, "all"), "hide",
                            list_texts(columns->hide, columns->hide_count), "identifiers",
                            list_texts(columns->identifiers, columns->identifiers_count),
                            "multiply", list_texts(columns->multiply, columns->multiply_count)));
    }
    return list;
}

static const char *extremes_word(enum sotto_extremes extremes)
{
    return extremes == SOTTO_EXTREMES_DENIED    ? "deny"
           : extremes == SOTTO_EXTREMES_GUARDED ? "guarded"
                                                : "exact";
}

static json_t *list_rules(const struct sotto_rules *rules)
{
    json_t *list = json_array();
    for (size_t i = 0; i < SOTTO_RULES_LEN; i++) {
        if (rules->is_on[i]) {
            (void)json_array_append_new(list, json_string(sotto_rule_code((enum sotto_rule)i)));
        }
    }
    return list;
}

static void put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

/* What is asked of plans, before any row is read. */
static void put_plans(json_t *object, const struct config *config)
{
    const struct config_policy *policy = &config->file->policy;
    put(object, "profile", json_string(sotto_profile_name(config->rules.profile)));
    put(object, "approve", json_string(config->approves_by_hand ? "manual" : "automatic"));
    put(object, "approve_days", json_integer(config->approve_days));
    put(object, "ask", list_or(policy->ask, policy->ask_count, "every peer"));
    put(object, "with", list_or(policy->with, policy->with_count, "any"));
    put(object, "min_parties", json_integer(policy->min_parties));
    put(object, "colluders", json_integer(policy->colluders));
    put(object, "datasets", list_texts(policy->datasets, policy->datasets_count));
    put(object, "columns", list_columns(policy));
    put(object, "statistics", list_or(policy->statistics, policy->statistics_count, "all"));
    put(object, "code", json_string(config->runs_code ? "approved" : "deny"));
    put(object, "rounds", json_integer(config->rounds));
    put(object, "refusals", json_integer(config->refusals));
    put(object, "verify", json_string(config->requires_verify ? "require" : "allow"));
}

/* What is asked of rows, and what is told. */
static void put_rows(json_t *object, const struct config *config)
{
    const struct sotto_rules *rules = &config->rules;
    put(object, "rules", list_rules(rules));
    put(object, "min_rows", json_integer((json_int_t)rules->min_rows));
    put(object, "dominance", json_integer(rules->dominance));
    put(object, "budget", json_integer(rules->is_on[SOTTO_RULE_BUDGET] ? rules->budget : 0));
    put(object, "budget_strict", json_boolean(rules->charges_rounds));
    put(object, "cover", json_boolean(rules->is_on[SOTTO_RULE_COVER]));
    put(object, "quantiles", json_string(rules->tells_values ? "exact" : "guarded"));
    put(object, "extremes", json_string(extremes_word(rules->extremes)));
    put(object, "exact", json_boolean(!config->hides_exact));
    put(object, "explain", json_boolean(config->explains));
    put(object, "results", json_string(config->publishes ? "participants" : "initiator"));
    put(object, "confirm", json_boolean(!config->signs_nothing));
    put(object, "transcripts", json_string(config->keeps_transcripts ? "keep" : "drop"));
}

void owner_policy(struct compute *compute, const struct job *job)
{
    json_t *object = json_object();
    put_plans(object, compute->policy);
    put_rows(object, compute->policy);
    compute__reply_json(compute, job->request, object);
}

/* --- The ledger --- */

void owner_ledger(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    json_t *object = NULL;
    struct store_audit audit = {
        .ledger = compute->config.ledger,
        .config = compute->policy,
        .own = compute->key,
        .limit = job->number,
    };
    if (store_audit_json(&audit, &object, &err) != SOTTO_OK) {
        log_warning("%s", err.text);
        compute__reply_detail(compute, job->request, HTTP_INTERNAL, err.status, err.text);
        return;
    }
    compute__reply_json(compute, job->request, object);
}
