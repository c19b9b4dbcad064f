/* SPDX-License-Identifier: Apache-2.0 */

/* The rules of policy, one row of a table each, and a plan in words for its owner. Leans on the
 * grammar of sotto/disclosure.h and on what config_policy.c answers. When a plan is judged, and on
 * what:
 *
 * 1. `sotto check` judges a plan file by every rule of the table, for people, and then the rows.
 * 2. An invitation comes: every rule, on the plan alone (question.schema is NULL). A plan that is
 *    refused here costs no file.
 * 3. The files are open and their columns have types: every rule again, with this node's types,
 *    before it offers anything.
 * 4. `approve: manual`: the owner is asked in the words of this file, and decides on what the
 *    grammar does not admit too. 2 and 3 are done again when the answer comes, as policy and files
 *    may have changed meanwhile.
 * 5. Before each round: every rule, with the types that all parties agreed on. They may differ from
 *    this node's own (doubles can pack rows where decimals can't), and policy may have been
 *    reloaded. What the grammar admitted in 3 the owner was not asked about: it must still.
 * 6. min_rows is no row of the table, as it is about data: the files' rows are counted in 3, the
 *    rows on each side of a condition and in each group in 5 (sotto_driver_contribute, on the rows
 *    that are about to leave).
 *
 * A refusal ends this node's part in the task; the text stays with the owner, the initiator gets
 * the class (task/joined.c). */

#include "config/policy.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define WORDS_BYTES_MAX ((size_t)32 * 1024 * 1024)

static enum sotto_status judge_ask(const struct config *config,
                                   const struct policy_question *question, struct sotto_error *err)
{
    return config_may_ask(config, question->asker)
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_REFUSED, "policy.ask does not list %s",
                                 question->asker);
}

static enum sotto_status judge_min_parties(const struct config *config,
                                           const struct policy_question *question,
                                           struct sotto_error *err)
{
    uint32_t min_clients = sotto_plan_strategy(question->plan)->min_clients;
    unsigned min_parties = config->file->policy.min_parties;
    return min_clients >= min_parties
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "the plan's min_clients is %u, policy.min_parties is %u",
                                 (unsigned)min_clients, min_parties);
}

static enum sotto_status judge_datasets(const struct config *config,
                                        const struct policy_question *question,
                                        struct sotto_error *err)
{
    for (size_t i = 0; i < sotto_plan_datasets_len(question->plan); i++) {
        const char *file = sotto_plan_dataset_file(question->plan, i);
        if (!config_is_safe_file_name(file)) {
            return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                   "\"%s\" is refused: expected the name of a file below "
                                   "data_dir, without \"..\" and not absolute",
                                   file);
        }
        if (!config_offers(config, file)) {
            const char *nearest =
                sotto_text_nearest(file, (const char *const *)config->file->policy.datasets,
                                   config->file->policy.datasets_count);
            return sotto_error_set(
                err, SOTTO_ERROR_NOT_FOUND,
                "%s is not offered: policy.datasets of node.yaml does not list it%s%s%s", file,
                nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                nearest != NULL ? "\"?" : "");
        }
    }
    return SOTTO_OK;
}

static enum sotto_status judge_column(const struct config *config,
                                      const struct policy_question *question, size_t dataset,
                                      const char *name, struct sotto_error *err)
{
    const char *file = sotto_plan_dataset_file(question->plan, dataset);
    return config_shows(config, file, name)
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "policy.columns does not show column %s of %s", name, file);
}

/* The columns that the plan names, and those that its "*" means: the files were opened when policy
 * may have been another. */
static enum sotto_status judge_columns(const struct config *config,
                                       const struct policy_question *question,
                                       struct sotto_error *err)
{
    const struct sotto_schema *schema = question->schema;
    for (size_t i = 0; i < sotto_plan_columns_len(question->plan); i++) {
        struct sotto_plan_column column = sotto_plan_column(question->plan, i);
        enum sotto_status status = judge_column(config, question, column.dataset, column.name, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    for (size_t i = 0; schema != NULL && i < schema->frame_len; i++) {
        const struct sotto_schema_column *column = &schema->frame[i];
        enum sotto_status status =
            judge_column(config, question, column->dataset, column->name, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status judge_statistics(const struct config *config,
                                          const struct policy_question *question,
                                          struct sotto_error *err)
{
    const struct config_policy *policy = &config->file->policy;
    const char *other =
        policy->statistics == NULL
            ? NULL
            : sotto_plan_other_statistic(question->plan, (const char *const *)policy->statistics,
                                         policy->statistics_count);
    return other == NULL ? SOTTO_OK
                         : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                           "policy.statistics does not list %s", other);
}

static enum sotto_status judge_rounds(const struct config *config,
                                      const struct policy_question *question,
                                      struct sotto_error *err)
{
    uint32_t needed = sotto_plan_rounds(question->plan);
    return needed <= config->rounds
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "the plan takes %u rounds, policy.rounds is %u", (unsigned)needed,
                                 config->rounds);
}

/* With "auto" a sum may turn out to be too long to be checked, or the parties too many. */
static enum sotto_status judge_verify(const struct config *config,
                                      const struct policy_question *question,
                                      struct sotto_error *err)
{
    return !config->requires_verify || sotto_plan_verify(question->plan) == SOTTO_PLAN_VERIFY_ALWAYS
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "policy.verify is require, and the plan does not say "
                                 "\"enable_verify\": true");
}

/* Refuses a plan that says more than the profile admits, unless its owner decides on that. */
static enum sotto_status judge_grammar(const struct config *config,
                                       const struct policy_question *question,
                                       struct sotto_error *err)
{
    return question->has_leave ? SOTTO_OK : policy_judge_grammar(config, question, err);
}

static const struct policy_rule rules[] = {
    {"ask", judge_ask},         {"min_parties", judge_min_parties}, {"datasets", judge_datasets},
    {"columns", judge_columns}, {"statistics", judge_statistics},   {"rounds", judge_rounds},
    {"verify", judge_verify},   {"grammar", judge_grammar},
};

const struct policy_rule *policy_rules(size_t *out_len)
{
    *out_len = sizeof rules / sizeof rules[0];
    return rules;
}

enum sotto_status policy_judge(const struct config *config, const struct policy_question *question,
                               struct sotto_error *err)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        enum sotto_status status = rules[i].judge(config, question, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

enum sotto_status policy_judge_grammar(const struct config *config,
                                       const struct policy_question *question,
                                       struct sotto_error *err)
{
    const struct sotto_plan *plan =
        question->continues != NULL ? question->continues : question->plan;
    return sotto_rules_judge_plan(&config->rules, plan, question->schema, err);
}

/* --- Words --- */

static void write_text(struct sotto_writer *writer, const char *text)
{
    sotto_write_bytes(writer, text, strlen(text));
}

static void write_columns(struct sotto_writer *writer, const struct sotto_plan *plan)
{
    for (size_t i = 0; i < sotto_plan_columns_len(plan); i++) {
        struct sotto_plan_column column = sotto_plan_column(plan, i);
        write_text(writer, "reads ");
        sotto_text_show(writer, column.name);
        write_text(writer, " of ");
        sotto_text_show(writer, sotto_plan_dataset_file(plan, column.dataset));
        write_text(writer, "\n");
    }
}

static void write_rounds(struct sotto_writer *writer, const struct sotto_plan *plan)
{
    char line[160];
    if (sotto_plan_rounds(plan) > 1) {
        (void)snprintf(line, sizeof line,
                       "in %u rounds: every party sees what each of them opens, also where only "
                       "the initiator gets the result\n",
                       (unsigned)sotto_plan_rounds(plan));
        write_text(writer, line);
    }
}

enum sotto_status policy_words(char **out, const struct config *config,
                               const struct policy_question *question, struct sotto_error *err)
{
    char *words = NULL;
    char line[64];
    struct sotto_writer writer;
    const struct sotto_plan *plan = question->plan;
    enum sotto_status status =
        sotto_rules_words(&config->rules, &words, plan, question->schema, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_writer_init(&writer, WORDS_BYTES_MAX);
    size_t verdict_bytes = strcspn(words, "\n") + 1; /* what the grammar says comes first */
    sotto_write_bytes(&writer, words, verdict_bytes);
    write_text(&writer, question->asker);
    write_text(&writer, " asks for \"");
    sotto_text_show(&writer, sotto_plan_name(plan));
    (void)snprintf(line, sizeof line, "\", with at least %u parties\n",
                   (unsigned)sotto_plan_strategy(plan)->min_clients);
    write_text(&writer, line);
    if (question->follows_refusals) {
        write_text(&writer, "it waits for you, as " POLICY_FOLLOWS_REFUSALS "\n");
    }
    write_text(&writer, words + verdict_bytes);
    write_columns(&writer, plan);
    write_rounds(&writer, plan);
    sotto_write_u8(&writer, 0);
    status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        size_t bytes;
        *out = (char *)sotto_writer_take(&writer, &bytes);
    } else {
        (void)sotto_error_no_memory(err);
    }
    sotto_writer_release(&writer);
    sotto_free(words);
    return status;
}
