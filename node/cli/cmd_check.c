/* SPDX-License-Identifier: Apache-2.0 */

/* sotto check: what a node would say to a plan, on its owner's machine. Leans on config/policy.c,
 * on the node's own files and judge, and on its ledger, so that all rules are those that the node
 * has. The idea: everything is asked that does not depend on others, in the order in which a node
 * asks it; nothing is written down, and nothing leaves. */

#include "cli/check.h"
#include "cli/command.h"
#include "cli/options.h"
#include "config/keys.h"
#include "loop/log.h"
#include "source/pushed.h"
#include "store/store_ledger.h"
#include "task/datasets.h"

#include <sotto/alloc.h>
#include <sotto/contribution.h>
#include <sotto/secret.h>
#include <sotto/tally.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LABEL "%-12s "

static void print_rule(const char *name, enum sotto_status status, const struct sotto_error *err)
{
    if (status == SOTTO_OK) {
        (void)printf(LABEL "lets it pass\n", name);
        return;
    }
    (void)printf(LABEL "refuses (%s)\n", name, sotto_status_name(status));
    (void)printf(LABEL "%s\n", "", err->text);
}

/* --- The plan --- */

/* Returns: whether every rule of policy lets it pass. */
static bool check_policy(const struct config *config, const struct policy_question *question)
{
    size_t len;
    bool passes = true;
    const struct policy_rule *rules = policy_rules(&len);
    for (size_t i = 0; i < len; i++) {
        struct sotto_error err = {0};
        enum sotto_status status = rules[i].judge(config, question, &err);
        print_rule(rules[i].name, status, &err);
        passes = passes && status == SOTTO_OK;
    }
    (void)printf(LABEL "%s\n", "approve",
                 config->approves_by_hand ? "manual: you are asked" : "automatic");
    return passes;
}

/* --- The rows --- */

/* What a plan asks of this node's files. */
struct checked {
    const struct config *config;
    const struct sotto_plan *plan;
    struct dataset *datasets;
    const struct sotto_catalogue **catalogues;
    struct sotto_source **sources;
    struct sotto_csv **files;
    size_t len;
    struct sotto_schema offer;
    struct sotto_schema schema;
    struct sotto_driver *driver;
    struct sotto_disclosure disclosure;
    uint8_t *withheld;
    uint8_t *cover;
    size_t cover_len;
    uint64_t *limbs;
    size_t limbs_len;
};

static void checked_release(struct checked *checked)
{
    if (checked->limbs != NULL) {
        sotto_wipe(checked->limbs, checked->limbs_len * sizeof *checked->limbs);
    }
    sotto_free(checked->limbs);
    sotto_free(checked->cover);
    sotto_free(checked->withheld);
    sotto_driver_free(checked->driver);
    sotto_schema_release(&checked->schema);
    sotto_schema_release(&checked->offer);
    for (size_t i = 0; checked->datasets != NULL && i < checked->len; i++) {
        dataset_release(&checked->datasets[i]);
    }
    sotto_free(checked->datasets);
    sotto_free(checked->catalogues);
    sotto_free(checked->sources);
    sotto_free(checked->files);
}

/* Where a round is summed up that rows of a database are asked in. */
static void print_sums(void *context, const char *sql, const char *why)
{
    (void)context;
    (void)printf(LABEL "%s: %s\n", "sums",
                 sql != NULL ? "by the database" : "by this node, of the rows",
                 sql != NULL ? sql : why);
}

static enum sotto_status open_files(struct checked *checked, struct sotto_error *err)
{
    checked->len = sotto_plan_datasets_len(checked->plan);
    checked->datasets = sotto_alloc_zeroed((checked->len + 1) * sizeof *checked->datasets);
    checked->catalogues = sotto_alloc_array(checked->len + 1, sizeof *checked->catalogues);
    checked->sources = sotto_alloc_array(checked->len + 1, sizeof *checked->sources);
    checked->files = sotto_alloc_array(checked->len + 1, sizeof *checked->files);
    if (checked->datasets == NULL || checked->catalogues == NULL || checked->sources == NULL ||
        checked->files == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < checked->len; i++) {
        const char *file = sotto_plan_dataset_file(checked->plan, i);
        enum sotto_status status =
            dataset_open(&checked->datasets[i], checked->config, NULL, file, false, NULL, err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (checked->datasets[i].is_pushed) {
            pushed_set_tell(checked->datasets[i].source, print_sums, NULL);
        }
        checked->catalogues[i] = checked->datasets[i].catalogue;
        checked->sources[i] = checked->datasets[i].source;
        checked->files[i] = checked->datasets[i].csv;
    }
    return SOTTO_OK;
}

/* The driver that this node's types would make alone, and room for what comes of it. */
static enum sotto_status make_driver(struct checked *checked, struct sotto_error *err)
{
    const char *name = checked->config->file->name;
    enum sotto_status status =
        sotto_schema_offer(&checked->offer, checked->plan, checked->catalogues, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_schema_check_words(checked->plan, &checked->offer, checked->files, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_schema_agree(&checked->schema, checked->plan, &checked->offer, &name, 1, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_driver_new(&checked->driver, checked->plan, &checked->schema, err);
    if (status != SOTTO_OK) {
        return status;
    }
    checked->limbs_len = sotto_driver_limbs_len(checked->driver);
    checked->cover_len = sotto_driver_cover_len(checked->driver);
    checked->limbs = sotto_alloc_array(checked->limbs_len + 1, sizeof *checked->limbs);
    checked->cover = sotto_alloc_array(checked->cover_len, 1);
    checked->withheld = sotto_alloc_array(sotto_driver_groups_len(checked->driver) + 1, 1);
    return checked->limbs != NULL && checked->cover != NULL && checked->withheld != NULL
               ? SOTTO_OK
               : sotto_error_no_memory(err);
}

static struct sotto_ledger_question make_question(const struct checked *checked,
                                                  const struct sotto_tally *tally)
{
    struct sotto_ledger_question question = {
        .round = sotto_driver_round(checked->driver),
        .name = sotto_plan_name(checked->plan),
        .now_ms = clock_unix_ms(),
        .min_rows = checked->config->rules.min_rows,
        .dominance = checked->config->rules.is_on[SOTTO_RULE_DOMINANCE]
                         ? checked->config->rules.dominance
                         : 0,
        .groups_len = sotto_driver_groups_len(checked->driver),
    };
    question.files = sotto_tally_files(tally, &question.files_len);
    return question;
}

/* Counts the rows, and judges them; with a ledger (or NULL) also beside what was answered before.
 */
static enum sotto_status judge_rows(struct checked *checked, struct sotto_ledger *ledger,
                                    struct sotto_error *err)
{
    const struct sotto_judge *judge = &checked->disclosure.judge;
    struct sotto_tally *tally = NULL;
    struct sotto_error refusal = {0};
    enum sotto_status status;
    if (ledger == NULL) {
        status = sotto_driver_contribute(checked->driver, checked->limbs, checked->limbs_len,
                                         checked->withheld, checked->sources, judge, err);
        print_rule("rows", status, err);
        return status;
    }
    status =
        sotto_tally_new(&tally, ledger, checked->driver, checked->plan, checked->catalogues, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_tally_contribute(tally, checked->limbs, checked->limbs_len, checked->withheld,
                                    checked->sources, judge, err);
    print_rule("rows", status, err);
    if (status == SOTTO_OK) {
        struct sotto_ledger_question question = make_question(checked, tally);
        bool is_of_parties; /* nobody is asked here */
        status =
            sotto_ledger_foresee(ledger, &is_of_parties, checked->withheld, &question, &refusal);
        print_rule("ledger", status, &refusal);
    }
    sotto_tally_free(tally);
    return status;
}

/* What the node would keep back, and what others would stand behind. */
static void print_parts(const struct checked *checked)
{
    size_t groups_len = sotto_driver_groups_len(checked->driver);
    size_t groups = 0;
    size_t enough = 0;
    for (size_t i = 0; i < groups_len; i++) {
        groups += checked->withheld[i];
    }
    for (size_t i = 0; i < checked->cover_len; i++) {
        enough += checked->cover[i] == (SOTTO_COVER_ENOUGH | SOTTO_COVER_GIVEN);
    }
    if (groups > 0) {
        (void)printf(LABEL "%zu of %zu groups\n", "withholds", groups, groups_len);
    }
    if (checked->disclosure.cells_withheld > 0) {
        (void)printf(LABEL "%zu bins and levels\n", "withholds",
                     checked->disclosure.cells_withheld);
    }
    (void)printf(LABEL "this node has enough of %zu of %zu groups, bins and levels\n", "cover",
                 enough, checked->cover_len);
}

/* Opens the ledger, which a node without a database has not begun. */
static enum sotto_status open_ledger(const struct config *config, struct store **out_store,
                                     struct sotto_ledger **out, struct sotto_error *err)
{
    char path[4200];
    struct sotto_identity *identity = NULL;
    bool is_asked = sotto_rules_ask_ledger(&config->rules);
    (void)snprintf(path, sizeof path, "%s/node.db", config->file->state_dir);
    if (!is_asked) {
        return SOTTO_OK;
    }
    if (access(path, F_OK) != 0) {
        (void)printf(LABEL "empty: the node has not run yet\n", "ledger");
        return SOTTO_OK;
    }
    enum sotto_status status = store_open(out_store, path, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = identity_file_load(config->file->identity, &identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_ledger_open(out, *out_store, identity, err);
    sotto_identity_free(identity);
    return status;
}

/* Returns: SOTTO_ERROR_REFUSED, which is printed; else why the rows can't be asked. */
static enum sotto_status check_rows(const struct config *config, const struct sotto_plan *plan,
                                    struct sotto_error *err)
{
    struct store *store = NULL;
    struct sotto_ledger *ledger = NULL;
    struct checked checked = {.config = config, .plan = plan};
    enum sotto_status status = open_files(&checked, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = make_driver(&checked, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = open_ledger(config, &store, &ledger, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_disclosure_init(&checked.disclosure, &config->rules, (uint64_t)clock_unix_ms());
    checked.disclosure.kind_of = config_column_kind;
    checked.disclosure.kind_context = config;
    checked.disclosure.judge.cover = checked.cover;
    status = judge_rows(&checked, ledger, err);
    if (status == SOTTO_OK) {
        print_parts(&checked);
    }
out:
    sotto_ledger_free(ledger);
    store_close(store);
    checked_release(&checked);
    return status;
}

/* --- The command --- */

bool check_question(const struct config *config, const struct policy_question *question)
{
    struct sotto_error err = {0};
    enum sotto_status status = SOTTO_ERROR_REFUSED;
    if (check_policy(config, question)) {
        status = check_rows(config, question->plan, &err);
    }
    if (status != SOTTO_OK && status != SOTTO_ERROR_REFUSED) {
        (void)printf("\nPolicy lets it pass, and its rows can't be asked: %s\n", err.text);
        return false;
    }
    (void)printf("\n%s\n", status == SOTTO_OK
                               ? "This node lets it pass. What is opened is up to others too."
                               : "This node would decline.");
    return status == SOTTO_OK;
}

static int check_plan(const struct args *args, const struct config *config,
                      const struct sotto_plan *plan)
{
    char *words = NULL;
    struct sotto_error err = {0};
    struct policy_question question = {.plan = plan,
                                       .asker =
                                           args->from != NULL ? args->from : config->file->name,
                                       .has_leave = config->approves_by_hand};
    if (policy_words(&words, config, &question, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    (void)printf("%s\n", words);
    sotto_free(words);
    return check_question(config, &question) ? EXIT_DONE : EXIT_FAILED;
}

static bool knows_peer(const struct config *config, const char *name)
{
    bool known = name == NULL || strcmp(name, config->file->name) == 0;
    for (unsigned i = 0; !known && i < config->file->peers_count; i++) {
        known = strcmp(name, config->file->peers[i].name) == 0;
    }
    return known;
}

/* Reads the plan from a file, or composes it from the options. */
static enum sotto_status make_plan(struct sotto_plan **out, const struct args *args,
                                   struct sotto_error *err)
{
    char *json = NULL;
    size_t bytes = 0;
    enum sotto_status status =
        args->positional_len == 1
            ? file_read(args->positional[0], &json, &bytes, SOTTO_PLAN_BYTES_MAX, err)
            : compose_question(&json, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_plan_parse(out, json, bytes > 0 ? bytes : strlen(json), err);
    sotto_free(json);
    return status;
}

int cmd_check(const struct args *args)
{
    struct sotto_error err = {0};
    struct config config;
    struct sotto_plan *plan = NULL;
    bool has_file = args->positional_len == 1 && args->outputs_len == 0 && args->data_len == 0;
    bool has_parts = args->positional_len == 0 && args->outputs_len > 0 && args->data_len > 0;
    if (!has_file && !has_parts) {
        return command_usage("expected a plan file, or --data and expressions after --; see sotto "
                             "check --help");
    }
    if (has_file && args_refuse(args, OPTION_STRATEGY | OPTION_NAME | OPTION_ROWS,
                                "sotto check PLAN, which says it all itself,")) {
        return EXIT_USAGE;
    }
    const char *path = args->config != NULL ? args->config : "node.yaml";
    if (config_load(&config, path, &err) != SOTTO_OK) {
        return command_usage("%s", err.text);
    }
    enum sotto_status status = knows_peer(&config, args->from)
                                   ? make_plan(&plan, args, &err)
                                   : sotto_error_set(&err, SOTTO_ERROR_INPUT,
                                                     "--from %s: no peer is named so", args->from);
    int code = status == SOTTO_OK ? check_plan(args, &config, plan) : command_usage("%s", err.text);
    sotto_plan_free(plan);
    config_release(&config);
    return code;
}
