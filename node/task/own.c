/* SPDX-License-Identifier: Apache-2.0 */

/* What this node can say to a plan that is to be a task here, before it asks anybody: by its own
 * files and its own policy. Leans on datasets.c and on config/policy.c. The idea: who is told at
 * once need not look for the reason in the owner's log, and is told no more than an offer tells:
 * columns that policy hides are not there. */

#include "config/policy.h"
#include "task/created.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* The files of a plan that this node offers, open; an entry of one that it doesn't is zero. */
struct own_data {
    struct dataset *datasets;
    const struct sotto_catalogue **catalogues;
    struct sotto_csv **files;
    size_t len;
    bool has_all;
};

static void release_own_data(struct own_data *data)
{
    for (size_t i = 0; data->datasets != NULL && i < data->len; i++) {
        dataset_release(&data->datasets[i]);
    }
    sotto_free(data->files);
    sotto_free(data->catalogues);
    sotto_free(data->datasets);
}

/* What is wrong in a file may be a value, or name a column that policy hides: the owner is told,
 * and whoever asks only the line. */
static enum sotto_status hide_value(enum sotto_status status, const char *file,
                                    struct sotto_error *err)
{
    if (status != SOTTO_ERROR_INPUT) {
        return status;
    }
    log_warning("a task was to be created: %s", err->text);
    size_t bytes = strlen(file);
    const char *line = strncmp(err->text, file, bytes) == 0 ? err->text + bytes : "";
    size_t line_bytes = *line == ':' ? 1 + strspn(line + 1, "0123456789") : 0;
    char place[32];
    (void)snprintf(place, sizeof place, "%.*s", line_bytes > 1 ? (int)line_bytes : 0, line);
    return sotto_error_set(
        err, status, "%s%s: it can't be read: the owner's log of this node says why", file, place);
}

/* Opens what policy offers, and refuses names that lead out of data_dir. Ownership: ended by
 * release_own_data, also after a failure. */
static enum sotto_status open_own_data(struct own_data *data, struct compute *compute,
                                       const struct sotto_plan *plan, struct sotto_error *err)
{
    size_t len = sotto_plan_datasets_len(plan);
    *data = (struct own_data){.len = len, .has_all = true};
    data->datasets = sotto_alloc_zeroed((len + 1) * sizeof *data->datasets);
    data->catalogues = sotto_alloc_array(len + 1, sizeof(void *));
    data->files = sotto_alloc_array(len + 1, sizeof(void *));
    if (data->datasets == NULL || data->catalogues == NULL || data->files == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < len; i++) {
        const char *file = sotto_plan_dataset_file(plan, i);
        bool is_offered = config_offers(compute->policy, file);
        data->has_all = data->has_all && is_offered;
        if (!is_offered && config_is_safe_file_name(file)) {
            continue;
        }
        enum sotto_status status =
            dataset_open(&data->datasets[i], compute->policy, compute->config.store, file, false,
                         &compute->interrupt, err);
        if (status != SOTTO_OK) {
            return hide_value(status, file, err);
        }
        data->catalogues[i] = data->datasets[i].catalogue;
        data->files[i] = data->datasets[i].csv;
    }
    return SOTTO_OK;
}

/* What this node's own policy says to the plan and its types, before anybody is asked. Columns that
 * policy hides are not in the schema: whoever asks for one has been told that there is none. */
static enum sotto_status check_own_policy(const struct compute *compute, const char **out_rule,
                                          const struct policy_question *question,
                                          struct sotto_error *err)
{
    size_t len;
    const struct policy_rule *rules = policy_rules(&len);
    for (size_t i = 0; i < len; i++) {
        if (rules[i].judge(compute->policy, question, err) != SOTTO_OK) {
            *out_rule = rules[i].name;
            return sotto_error_prefix(err, "this node's own policy refuses it (%s)", rules[i].name);
        }
    }
    return SOTTO_OK;
}

/* The types of this node's own columns, and that no text of the plan is read as missing. Where it
 * does not offer all files there are none. Ownership: data is ended by release_own_data, schema by
 * sotto_schema_release, also after a failure. */
static enum sotto_status find_own_types(struct own_data *data, struct sotto_schema *schema,
                                        struct compute *compute, const struct sotto_plan *plan,
                                        struct sotto_error *err)
{
    enum sotto_status status = open_own_data(data, compute, plan, err);
    if (status != SOTTO_OK || !data->has_all) {
        return status;
    }
    status = sotto_schema_offer(schema, plan, data->catalogues, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_schema_check_words(plan, schema, data->files, err);
}

enum sotto_status own_check(struct compute *compute, const char **out_rule,
                            const struct sotto_plan *plan, bool may_continue,
                            struct sotto_error *err)
{
    struct policy_question question = {
        .plan = plan,
        .asker = compute->config.config->file->name,
        .has_leave = compute->policy->approves_by_hand || may_continue,
    };
    struct own_data data;
    struct sotto_schema schema = {0};
    enum sotto_status status = find_own_types(&data, &schema, compute, plan, err);
    if (status != SOTTO_OK || !data.has_all) {
        goto out;
    }
    question.schema = &schema;
    status = check_own_policy(compute, out_rule, &question, err);
out:
    sotto_schema_release(&schema);
    release_own_data(&data);
    return status;
}

enum sotto_status own_rules(struct compute *compute, json_t *rules,
                            struct policy_question *question, struct sotto_error *err)
{
    struct own_data data;
    struct sotto_schema schema = {0};
    size_t len;
    const struct policy_rule *list = policy_rules(&len);
    enum sotto_status status = find_own_types(&data, &schema, compute, question->plan, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    question->schema = data.has_all ? &schema : NULL;
    for (size_t i = 0; i < len; i++) {
        struct sotto_error refusal = {0};
        bool passes = list[i].judge(compute->policy, question, &refusal) == SOTTO_OK;
        (void)json_array_append_new(rules,
                                    json_pack("{s:s, s:b, s:s}", "rule", list[i].name, "passes",
                                              (int)passes, "text", passes ? "" : refusal.text));
    }
    question->schema = NULL;
out:
    sotto_schema_release(&schema);
    release_own_data(&data);
    return status;
}
