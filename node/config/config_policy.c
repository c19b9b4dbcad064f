/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of node.yaml that say what tasks may do, policy and files: what the other rooms ask of
 * them, and the checks at the start. Leans on config.h. The idea: a policy that names what is not
 * there (a peer, a statistic, a dataset) does not mean what its owner thinks, so it is refused,
 * with its line and the nearest name. */

#include "config/config.h"

#include <ctype.h>
#include <sotto/graph.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_ROUNDS_DEFAULT 80
#define CONFIG_REFUSALS_DEFAULT 5
#define CONFIG_APPROVE_DAYS_DEFAULT 7
#define CONFIG_APPROVE_DAYS_MAX 365

#define BUDGET_MAX 1000000
#define ROUNDS_MAX 260 /* more than any plan has */

bool config_may_ask(const struct config *config, const char *peer_name)
{
    const struct config_policy *policy = &config->file->policy;
    for (unsigned i = 0; i < policy->ask_count; i++) {
        if (strcmp(policy->ask[i], peer_name) == 0) {
            return true;
        }
    }
    return policy->ask_count == 0 || strcmp(config->file->name, peer_name) == 0;
}

bool config_offers(const struct config *config, const char *file_name)
{
    const struct config_policy *policy = &config->file->policy;
    for (unsigned i = 0; i < policy->datasets_count; i++) {
        if (strcmp(policy->datasets[i], file_name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_among(char *const *names, unsigned len, const char *name)
{
    bool found = false;
    for (unsigned i = 0; i < len; i++) {
        found = found || strcmp(names[i], name) == 0;
    }
    return found;
}

bool config_shows(const struct config *config, const char *file_name, const char *column)
{
    const struct config_policy *policy = &config->file->policy;
    bool shows = true;
    for (unsigned i = 0; i < policy->columns_count; i++) {
        const struct config_columns *columns = &policy->columns[i];
        if (strcmp(columns->dataset, file_name) == 0) {
            shows =
                shows && !is_among(columns->hide, columns->hide_count, column) &&
                (columns->allow == NULL || is_among(columns->allow, columns->allow_count, column));
        }
    }
    return shows;
}

enum sotto_column_kind config_column_kind(const void *config, const char *file_name,
                                          const char *column)
{
    const struct config_policy *policy = &((const struct config *)config)->file->policy;
    enum sotto_column_kind kind = SOTTO_COLUMN_UNDECLARED;
    for (unsigned i = 0; i < policy->columns_count; i++) {
        const struct config_columns *columns = &policy->columns[i];
        if (strcmp(columns->dataset, file_name) != 0) {
            continue;
        }
        if (is_among(columns->identifiers, columns->identifiers_count, column)) {
            return SOTTO_COLUMN_IDENTIFIER;
        }
        kind = is_among(columns->multiply, columns->multiply_count, column)
                   ? SOTTO_COLUMN_MULTIPLIED
                   : kind;
    }
    return kind;
}

const struct file_words *config_words_of(const struct config *config, const char *file_name)
{
    for (unsigned i = 0; i < config->file->files_count; i++) {
        if (strcmp(config->file->files[i].file, file_name) == 0) {
            return &config->file->files[i];
        }
    }
    return NULL;
}

const struct source_words *config_source_of(const struct config *config, const char *file_name)
{
    const struct file_words *words = config_words_of(config, file_name);
    return words != NULL ? words->source : NULL;
}

/* --- Checks --- */

/* Sets the error "node.yaml: line 12: policy.ask: text". */
SOTTO_PRINTF(4, 5)
static enum sotto_status refuse_key(const char *path, const char *key, struct sotto_error *err,
                                    const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: line %u: %s: %s", path,
                           config_line(path, key), key, text);
}

/* The error for a text that is not among names, with the nearest one of them. */
static enum sotto_status refuse_name(const char *path, const char *key, const char *what,
                                     const char *found, const char *const *names, size_t names_len,
                                     struct sotto_error *err)
{
    const char *nearest = sotto_text_nearest(found, names, names_len);
    return refuse_key(path, key, err, "%s \"%s\"%s%s%s", what, found,
                      nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                      nearest != NULL ? "\"?" : "");
}

/* A key whose value is one of a few words. */
struct choice {
    const char *key;
    const char *text; /* NULL: left out */
    const char *const *words;
    size_t words_len;
    size_t index; /* of the word that was chosen; before, of the one that stands for NULL */
};

static enum sotto_status read_choice(struct choice *choice, const char *path,
                                     struct sotto_error *err)
{
    char expected[160] = "";
    if (choice->text == NULL) {
        return SOTTO_OK;
    }
    for (size_t i = 0; i < choice->words_len; i++) {
        size_t used = strlen(expected);
        const char *before = i == 0 ? "" : i + 1 == choice->words_len ? " or " : ", ";
        (void)snprintf(expected + used, sizeof expected - used, "%s%s", before, choice->words[i]);
        if (strcmp(choice->words[i], choice->text) == 0) {
            choice->index = i;
            return SOTTO_OK;
        }
    }
    return refuse_key(path, choice->key, err, "\"%s\": expected %s", choice->text, expected);
}

static enum sotto_status read_choices(struct config *config, const char *path,
                                      struct sotto_error *err)
{
    const char *profiles[] = {sotto_profile_name(SOTTO_PROFILE_SAFE),
                              sotto_profile_name(SOTTO_PROFILE_OPEN)};
    static const char *const approvals[] = {"automatic", "manual"};
    static const char *const truths[] = {"false", "true"};
    static const char *const readers[] = {"initiator", "participants"};
    static const char *const fates[] = {"drop", "keep"};
    static const char *const checks[] = {"allow", "require"};
    static const char *const quantiles[] = {"guarded", "exact"};
    static const char *const extremes[] = {"deny", "guarded", "exact"};
    static const char *const codes[] = {"deny", "approved"};
    enum {
        PROFILE,
        APPROVE,
        RESULTS,
        EXACT,
        EXPLAIN,
        VERIFY,
        CONFIRM,
        TRANSCRIPTS,
        COVER,
        QUANTILES,
        EXTREMES,
        CODE,
        CHOICES_LEN
    };
    const struct config_policy *policy = &config->file->policy;
    struct choice choices[CHOICES_LEN] = {
        [PROFILE] = {"policy.profile", policy->profile, profiles, 2, SOTTO_PROFILE_SAFE},
        [APPROVE] = {"policy.approve", policy->approve, approvals, 2, 0},
        [RESULTS] = {"policy.results", policy->results, readers, 2, 0},
        [EXACT] = {"policy.exact", policy->exact, truths, 2, 1},
        [EXPLAIN] = {"policy.explain", policy->explain, truths, 2, 0},
        [VERIFY] = {"policy.verify", policy->verify, checks, 2, 0},
        [CONFIRM] = {"policy.confirm", policy->confirm, truths, 2, 1},
        [TRANSCRIPTS] = {"policy.transcripts", policy->transcripts, fates, 2, 0},
        [COVER] = {"policy.cover", policy->cover, truths, 2, 1},
        [QUANTILES] = {"policy.quantiles", policy->quantiles, quantiles, 2, 0},
        [EXTREMES] = {"policy.extremes", policy->extremes, extremes, 3, 0},
        [CODE] = {"policy.code", policy->code, codes, 2, 0},
    };
    for (size_t i = 0; i < CHOICES_LEN; i++) {
        enum sotto_status status = read_choice(&choices[i], path, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    sotto_rules_init(&config->rules, (enum sotto_profile)choices[PROFILE].index);
    if (policy->quantiles != NULL) {
        config->rules.tells_values = choices[QUANTILES].index == 1;
    }
    if (policy->extremes != NULL) {
        config->rules.extremes = (enum sotto_extremes)choices[EXTREMES].index;
    }
    config->rules.is_on[SOTTO_RULE_COVER] = choices[COVER].index == 1;
    config->approves_by_hand = choices[APPROVE].index == 1;
    config->runs_code = choices[CODE].index == 1;
    config->publishes = choices[RESULTS].index == 1;
    config->hides_exact = choices[EXACT].index == 0;
    config->explains = choices[EXPLAIN].index == 1;
    config->requires_verify = choices[VERIFY].index == 1;
    config->keeps_transcripts = choices[TRANSCRIPTS].index == 1;
    config->signs_nothing = choices[CONFIRM].index == 0;
    return SOTTO_OK;
}

/* "20", "strict" or "20 strict"; text: NULL leaves what the profile says. */
static bool read_budget(struct sotto_rules *in_out, const char *text)
{
    if (text == NULL) {
        return true;
    }
    char *end = NULL;
    unsigned long budget = in_out->budget;
    if (isdigit((unsigned char)text[0])) {
        budget = strtoul(text, &end, 10);
        text = end + strspn(end, " ");
    }
    bool is_strict = strcmp(text, "strict") == 0;
    if (budget < 1 || budget > BUDGET_MAX || (!is_strict && (end == NULL || text[0] != '\0'))) {
        return false;
    }
    in_out->budget = (unsigned)budget;
    in_out->charges_rounds = is_strict;
    return true;
}

static enum sotto_status read_numbers(struct config *config, const char *path,
                                      struct sotto_error *err)
{
    const struct config_policy *policy = &config->file->policy;
    if (policy->min_rows != NULL) {
        sotto_rules_set_min_rows(&config->rules, *policy->min_rows);
    }
    if (policy->min_rows != NULL && *policy->min_rows > SOTTO_MIN_ROWS_MAX) {
        return refuse_key(path, "policy.min_rows", err, "%u: expected %d at most",
                          *policy->min_rows, SOTTO_MIN_ROWS_MAX);
    }
    if (policy->dominance != NULL && *policy->dominance > 100) {
        return refuse_key(path, "policy.dominance", err, "%u: expected 0 to 100 per cent",
                          *policy->dominance);
    }
    if (policy->dominance != NULL) {
        sotto_rules_set_dominance(&config->rules, *policy->dominance);
    }
    if (policy->min_parties > SOTTO_PLAN_MAX_CLIENTS) {
        return refuse_key(path, "policy.min_parties", err, "%u: no task has more than %d parties",
                          policy->min_parties, SOTTO_PLAN_MAX_CLIENTS);
    }
    if (policy->colluders > SOTTO_SESSION_COLLUDERS_MAX) {
        return refuse_key(path, "policy.colluders", err,
                          "%u: expected at most %d, so that two honest parties are left in a task",
                          policy->colluders, SOTTO_SESSION_COLLUDERS_MAX);
    }
    config->rounds = policy->rounds != NULL ? *policy->rounds : CONFIG_ROUNDS_DEFAULT;
    if (config->rounds < 1 || config->rounds > ROUNDS_MAX) {
        return refuse_key(path, "policy.rounds", err,
                          "%u: expected 1 to %d, no plan has more rounds", config->rounds,
                          ROUNDS_MAX);
    }
    if (!read_budget(&config->rules, policy->budget)) {
        return refuse_key(path, "policy.budget", err,
                          "%.40s: expected 1 to %d sums of a column per 100 rows, \"strict\", or "
                          "both (\"20 strict\")",
                          policy->budget, BUDGET_MAX);
    }
    config->refusals = policy->refusals != NULL ? *policy->refusals : CONFIG_REFUSALS_DEFAULT;
    if (config->refusals < 1) {
        return refuse_key(path, "policy.refusals", err,
                          "0: expected 1 or more; with approve: manual all plans wait");
    }
    config->approve_days =
        policy->approve_days != NULL ? *policy->approve_days : CONFIG_APPROVE_DAYS_DEFAULT;
    if (config->approve_days < 1 || config->approve_days > CONFIG_APPROVE_DAYS_MAX) {
        return refuse_key(path, "policy.approve_days", err, "%u: expected 1 to %d days",
                          config->approve_days, CONFIG_APPROVE_DAYS_MAX);
    }
    return SOTTO_OK;
}

static bool has_peer(const struct config_file *file, const char *name)
{
    for (unsigned i = 0; i < file->peers_count; i++) {
        if (strcmp(name, file->peers[i].name) == 0) {
            return true;
        }
    }
    return false;
}

static enum sotto_status check_ask(const struct config *config, const char *path,
                                   struct sotto_error *err)
{
    const struct config_file *file = config->file;
    for (unsigned i = 0; i < file->policy.ask_count; i++) {
        if (strcmp(file->policy.ask[i], file->name) != 0 && !has_peer(file, file->policy.ask[i])) {
            return refuse_key(path, "policy.ask", err, "no peer is named \"%s\"",
                              file->policy.ask[i]);
        }
    }
    return SOTTO_OK;
}

/* Two names of one peer would be a set that no task has. */
static enum sotto_status check_with(const struct config *config, const char *path,
                                    struct sotto_error *err)
{
    const struct config_policy *policy = &config->file->policy;
    for (unsigned i = 0; i < policy->with_count; i++) {
        if (!has_peer(config->file, policy->with[i])) {
            return refuse_key(path, "policy.with", err, "no peer is named \"%s\"", policy->with[i]);
        }
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(policy->with[i], policy->with[j]) == 0) {
                return refuse_key(path, "policy.with", err, "\"%s\" is there twice",
                                  policy->with[i]);
            }
        }
    }
    return SOTTO_OK;
}

#define STATISTICS_MAX 64

static enum sotto_status check_statistics(const struct config *config, const char *path,
                                          struct sotto_error *err)
{
    const char *names[STATISTICS_MAX];
    size_t len = 0;
    while (len < STATISTICS_MAX && sotto_statistic_name(len) != NULL) {
        names[len] = sotto_statistic_name(len);
        len++;
    }
    const struct config_policy *policy = &config->file->policy;
    for (unsigned i = 0; i < policy->statistics_count; i++) {
        bool known = false;
        for (size_t j = 0; j < len; j++) {
            known = known || strcmp(policy->statistics[i], names[j]) == 0;
        }
        if (!known) {
            return refuse_name(path, "policy.statistics", "there is no statistic",
                               policy->statistics[i], names, len, err);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status check_datasets(const struct config *config, const char *path,
                                        struct sotto_error *err)
{
    const struct config_file *file = config->file;
    struct stat info;
    for (unsigned i = 0; i < file->policy.datasets_count; i++) {
        if (!config_is_safe_file_name(file->policy.datasets[i])) {
            return refuse_key(path, "policy.datasets", err,
                              "\"%s\": expected the name of a file below data_dir",
                              file->policy.datasets[i]);
        }
    }
    if (file->policy.datasets_count > 0 && file->data_dir == NULL) {
        return refuse_key(path, "policy.datasets", err, "offers files, but there is no data_dir");
    }
    if (file->data_dir != NULL && (stat(file->data_dir, &info) != 0 || !S_ISDIR(info.st_mode))) {
        return refuse_key(path, "data_dir", err,
                          "%s is not a directory: make it, with the files to offer",
                          file->data_dir);
    }
    return SOTTO_OK;
}

/* The keys policy.columns and files may name only datasets of policy.datasets. */
static enum sotto_status check_offered(const struct config *config, const char *path,
                                       const char *key, const char *file_name,
                                       struct sotto_error *err)
{
    const struct config_policy *policy = &config->file->policy;
    return config_offers(config, file_name)
               ? SOTTO_OK
               : refuse_name(path, key, "policy.datasets does not list", file_name,
                             (const char *const *)policy->datasets, policy->datasets_count, err);
}

static enum sotto_status check_columns(const struct config *config, const char *path,
                                       struct sotto_error *err)
{
    const struct config_policy *policy = &config->file->policy;
    for (unsigned i = 0; i < policy->columns_count; i++) {
        const struct config_columns *columns = &policy->columns[i];
        enum sotto_status status =
            check_offered(config, path, "policy.columns", columns->dataset, err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (columns->allow == NULL && columns->hide == NULL && columns->identifiers == NULL &&
            columns->multiply == NULL) {
            return refuse_key(path, "policy.columns", err,
                              "%s: expected allow, hide, identifiers or multiply",
                              columns->dataset);
        }
    }
    return SOTTO_OK;
}

/* An entry names an offered file, once, and columns that tasks may name. */
static enum sotto_status check_published(const struct config *config, const char *path, unsigned at,
                                         struct sotto_error *err)
{
    const struct config_publish *entry = &config->file->policy.publish[at];
    char why[384];
    enum sotto_status status = check_offered(config, path, "policy.publish", entry->dataset, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (unsigned i = 0; i < at; i++) {
        if (strcmp(config->file->policy.publish[i].dataset, entry->dataset) == 0) {
            return refuse_key(path, "policy.publish", err, "%s is there twice", entry->dataset);
        }
    }
    for (unsigned i = 0; i < entry->columns_count; i++) {
        if (!config_shows(config, entry->dataset, entry->columns[i].column)) {
            return refuse_key(path, "policy.publish", err, "%s: policy.columns hides \"%s\"",
                              entry->dataset, entry->columns[i].column);
        }
    }
    return publish_check(entry, why, sizeof why)
               ? SOTTO_OK
               : refuse_key(path, "policy.publish", err, "%s: %s", entry->dataset, why);
}

static enum sotto_status check_publish(const struct config *config, const char *path,
                                       struct sotto_error *err)
{
    for (unsigned i = 0; i < config->file->policy.publish_count; i++) {
        enum sotto_status status = check_published(config, path, i, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status check_source(const struct file_words *words, const char *path,
                                      struct sotto_error *err)
{
    struct sotto_error why;
    const char *name = "";
    char key[32];
    const char *of_text = file_words_find_text(words);
    if (of_text != NULL) {
        (void)snprintf(key, sizeof key, "files.%s", of_text);
        return refuse_key(path, key, err,
                          "%s: it is for files of text, expected none beside source: cast columns "
                          "in a view or query",
                          words->file);
    }
    enum sotto_status status = source_words_check(words->source, &name, &why);
    (void)snprintf(key, sizeof key, "files.source.%s", name);
    return status == SOTTO_OK ? status
                              : refuse_key(path, key, err, "%s: %s", words->file, why.text);
}

/* What stands beside workers, who read the rows as they like; or NULL. */
static const char *find_beside_workers(const struct file_words *words)
{
    const char *of_text = file_words_find_text(words);
    return words->source != NULL       ? "source"
           : words->types_count > 0    ? "types"
           : words->complete_count > 0 ? "complete"
                                       : of_text;
}

static enum sotto_status check_workers(const struct file_words *words, const char *path,
                                       struct sotto_error *err)
{
    char key[32];
    const char *beside = find_beside_workers(words);
    if (beside == NULL) {
        return SOTTO_OK;
    }
    (void)snprintf(key, sizeof key, "files.%s", beside);
    return refuse_key(path, key, err,
                      "%s: expected none beside workers, who read the rows themselves",
                      words->file);
}

static enum sotto_status check_words(const struct config *config, const char *path, unsigned at,
                                     struct sotto_error *err)
{
    const struct file_words *words = &config->file->files[at];
    struct file_options options;
    struct sotto_error why;
    const char *name = "";
    char key[32];
    enum sotto_status status = check_offered(config, path, "files", words->file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (unsigned i = 0; i < at; i++) {
        if (strcmp(config->file->files[i].file, words->file) == 0) {
            return refuse_key(path, "files", err, "%s is there twice", words->file);
        }
    }
    if (words->workers != NULL) {
        return check_workers(words, path, err);
    }
    if (words->source != NULL) {
        status = check_source(words, path, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    status = file_options_init(&options, words, &name, &why);
    if (status == SOTTO_OK) {
        file_options_release(&options);
        return status;
    }
    (void)snprintf(key, sizeof key, "files.%s", name);
    return refuse_key(path, key, err, "%s: %s", words->file, why.text);
}

static enum sotto_status check_files(const struct config *config, const char *path,
                                     struct sotto_error *err)
{
    for (unsigned i = 0; i < config->file->files_count; i++) {
        enum sotto_status status = check_words(config, path, i, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

typedef enum sotto_status policy_check(const struct config *config, const char *path,
                                       struct sotto_error *err);

enum sotto_status config_check_policy(struct config *config, const char *path,
                                      struct sotto_error *err)
{
    static policy_check *const checks[] = {check_ask,      check_with,    check_statistics,
                                           check_datasets, check_columns, check_publish,
                                           check_files};
    enum sotto_status status = read_choices(config, path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = read_numbers(config, path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        status = checks[i](config, path, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}
