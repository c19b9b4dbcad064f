/* SPDX-License-Identifier: Apache-2.0 */

/* Reads a plan, which comes from outside as JSON. It leans on jansson for JSON and on the room
 * expression for the texts in it. Its one idea: what is not known is refused, a key, a kind or a
 * version, and each refusal says what was expected; a plan that was read needs no second look at
 * its bounds. The last thing done is check.c's work on the whole. */

#include "plan/learning.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <sotto/plan.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S_DEFAULT 60

/* --- JSON's kinds and keys --- */

static const char *json_kind(const json_t *value)
{
    if (value == NULL) {
        return "nothing";
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_NULL:
        return "null";
    default:
        return "a boolean";
    }
}

/* prefix is "" or ends with a dot. */
static enum sotto_status wrong_kind(const char *prefix, const char *key, const char *expected,
                                    const json_t *found, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_PLAN, "%s%s: expected %s, found %s", prefix, key,
                           expected, json_kind(found));
}

/* Refuses keys that are not among names; path is "" or ends with a dot. */
static enum sotto_status check_keys(json_t *object, const char *path, const char *const *names,
                                    size_t names_len, struct sotto_error *err)
{
    const char *key;
    const json_t *value;
    json_object_foreach(object, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < names_len; i++) {
            known = known || strcmp(names[i], key) == 0;
        }
        const char *nearest = known ? NULL : sotto_text_nearest(key, names, names_len);
        if (!known && nearest != NULL) {
            return sotto_error_set(err, SOTTO_ERROR_PLAN,
                                   "unknown key \"%s%s\"; did you mean \"%s%s\"?", path, key, path,
                                   nearest);
        }
        if (!known) {
            return sotto_error_set(err, SOTTO_ERROR_PLAN, "unknown key \"%s%s\"", path, key);
        }
    }
    return SOTTO_OK;
}

/* The string at a key that must be there, of 1 to max_bytes bytes without control characters.
 * Borrows. */
static enum sotto_status get_string(const json_t *object, const char **out, const char *key,
                                    size_t max_bytes, struct sotto_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN, "key \"%s\" is missing", key);
    }
    if (!json_is_string(value)) {
        return wrong_kind("", key, "a string", value, err);
    }
    const char *text = json_string_value(value);
    size_t bytes = json_string_length(value);
    if (bytes == 0 || bytes > max_bytes) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "%s: expected 1 to %zu bytes of text, found %zu", key, max_bytes,
                               bytes);
    }
    if (!sotto__text_is_plain(text, bytes)) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN, "%s: control characters are not allowed",
                               key);
    }
    *out = text;
    return SOTTO_OK;
}

/* The object at a key that must be there, with 1 to max_len members. Borrows. */
static enum sotto_status get_object(const json_t *object, json_t **out, const char *key,
                                    size_t max_len, struct sotto_error *err)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN, "key \"%s\" is missing", key);
    }
    if (!json_is_object(value)) {
        return wrong_kind("", key, "an object", value, err);
    }
    if (json_object_size(value) == 0) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN, "%s: expected at least one, found none", key);
    }
    if (json_object_size(value) > max_len) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "%s: expected at most %zu, found %zu", key,
                               max_len, json_object_size(value));
    }
    *out = value;
    return SOTTO_OK;
}

/* --- Datasets --- */

static enum sotto_status check_file(const char *alias, const char *file, size_t bytes,
                                    struct sotto_error *err)
{
    const char *wrong = NULL;
    if (bytes == 0 || bytes > 255) {
        wrong = "expected a file name of 1 to 255 bytes";
    } else if (file[0] == '/') {
        wrong = "absolute file names are refused: name a file of the data folder";
    } else if (strstr(file, "..") != NULL) {
        wrong = "\"..\" is refused: name a file of the data folder";
    } else if (file[0] == '.' || strstr(file, "/.") != NULL) {
        wrong = "hidden files are refused";
    } else if (strchr(file, '\\') != NULL) {
        wrong = "backslashes are refused in file names";
    } else if (!sotto__text_is_plain(file, bytes)) {
        wrong = "control characters are refused in file names";
    }
    if (wrong == NULL) {
        return SOTTO_OK;
    }
    return sotto_error_set(err, SOTTO_ERROR_PLAN, "datasets.%s: \"%s\": %s", alias, file, wrong);
}

static int dataset_compare(const void *a, const void *b)
{
    const struct sotto__plan_dataset *x = a;
    const struct sotto__plan_dataset *y = b;
    return strcmp(x->alias, y->alias);
}

static enum sotto_status parse_dataset(struct sotto_plan *plan, const char *alias,
                                       const json_t *value, struct sotto_error *err)
{
    if (!sotto__is_name(alias, strlen(alias)) || strlen(alias) > SOTTO__PLAN_NAME_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "datasets: \"%s\" can't be a dataset's name: use letters, digits "
                               "and _, at most %d bytes",
                               alias, SOTTO__PLAN_NAME_BYTES_MAX);
    }
    if (!json_is_string(value)) {
        return wrong_kind("datasets.", alias, "a file name", value, err);
    }
    const char *file = json_string_value(value);
    enum sotto_status status = check_file(alias, file, json_string_length(value), err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto__plan_dataset *dataset = &plan->datasets[plan->datasets_len++];
    dataset->alias = sotto_text_copy(alias, strlen(alias));
    dataset->file = sotto_text_copy(file, strlen(file));
    return dataset->alias != NULL && dataset->file != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

static enum sotto_status parse_datasets(struct sotto_plan *plan, const json_t *root,
                                        struct sotto_error *err)
{
    json_t *object = NULL;
    enum sotto_status status = get_object(root, &object, "datasets", SOTTO__PLAN_DATASETS_MAX, err);
    if (status != SOTTO_OK) {
        return status;
    }
    plan->datasets = sotto_alloc_array(json_object_size(object), sizeof *plan->datasets);
    if (plan->datasets == NULL) {
        return sotto_error_no_memory(err);
    }
    const char *alias;
    json_t *value;
    json_object_foreach(object, alias, value)
    {
        status = parse_dataset(plan, alias, value, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    qsort(plan->datasets, plan->datasets_len, sizeof *plan->datasets, dataset_compare);
    return SOTTO_OK;
}

/* --- Outputs --- */

static enum sotto_status parse_output(struct sotto_plan *plan, const char *name,
                                      const json_t *value, struct sotto_error *err)
{
    size_t bytes = strlen(name);
    if (bytes == 0 || bytes > SOTTO__PLAN_NAME_BYTES_MAX || !sotto__text_is_plain(name, bytes)) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "select: \"%.80s\": expected an output's name of 1 to %d bytes "
                               "without control characters",
                               name, SOTTO__PLAN_NAME_BYTES_MAX);
    }
    if (!json_is_string(value)) {
        return wrong_kind("select.", name, "an expression as a string", value, err);
    }
    struct sotto__plan_output *output = &plan->outputs[plan->outputs_len];
    enum sotto_status status =
        sotto__plan_expression_parse(&output->expression, plan, json_string_value(value), err);
    if (status != SOTTO_OK) {
        (void)sotto_error_prefix(err, "output \"%s\"", name);
        return status;
    }
    plan->outputs_len++;
    output->name = sotto_text_copy(name, bytes);
    return output->name != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

static enum sotto_status parse_select(struct sotto_plan *plan, const json_t *root,
                                      struct sotto_error *err)
{
    json_t *object = NULL;
    enum sotto_status status = get_object(root, &object, "select", SOTTO__PLAN_OUTPUTS_MAX, err);
    if (status != SOTTO_OK) {
        return status;
    }
    plan->outputs = sotto_alloc_array(json_object_size(object), sizeof *plan->outputs);
    if (plan->outputs == NULL) {
        return sotto_error_no_memory(err);
    }
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        status = parse_output(plan, name, value, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* --- Strategy --- */

/* The integer at strategy's key, if it is there. */
static enum sotto_status get_integer(const json_t *strategy, uint32_t *out, const char *key,
                                     json_int_t min, json_int_t max, struct sotto_error *err)
{
    const json_t *value = json_object_get(strategy, key);
    if (value == NULL) {
        return SOTTO_OK;
    }
    if (!json_is_integer(value)) {
        return wrong_kind("strategy.", key, "an integer", value, err);
    }
    json_int_t number = json_integer_value(value);
    if (number < min || number > max) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "strategy.%s: expected %" JSON_INTEGER_FORMAT
                               " to %" JSON_INTEGER_FORMAT ", found %" JSON_INTEGER_FORMAT "%s",
                               key, min, max, number,
                               number < min && min == SOTTO_PLAN_MIN_CLIENTS
                                   ? ": with two parties each learns the other's value by "
                                     "subtracting its own"
                                   : "");
    }
    *out = (uint32_t)number;
    return SOTTO_OK;
}

static enum sotto_status check_clients(const struct sotto_strategy *strategy,
                                       struct sotto_error *err)
{
    if (strategy->max_clients < strategy->min_clients) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "strategy.max_clients: expected at least min_clients, which is %u, "
                               "found %u",
                               strategy->min_clients, strategy->max_clients);
    }
    return SOTTO_OK;
}

static enum sotto_status parse_strategy(struct sotto_plan *plan, const json_t *root,
                                        struct sotto_error *err)
{
    static const char *const keys[] = {"min_clients", "max_clients", "wait_timeout",
                                       "connection_timeout"};
    json_t *strategy = json_object_get(root, "strategy");
    if (strategy == NULL) {
        return SOTTO_OK;
    }
    if (!json_is_object(strategy)) {
        return wrong_kind("", "strategy", "an object", strategy, err);
    }
    struct sotto_strategy *out = &plan->strategy;
    const struct {
        uint32_t *out;
        json_int_t min;
        json_int_t max;
    } fields[] = {
        {&out->min_clients, SOTTO_PLAN_MIN_CLIENTS, SOTTO_PLAN_MAX_CLIENTS},
        {&out->max_clients, SOTTO_PLAN_MIN_CLIENTS, SOTTO_PLAN_MAX_CLIENTS},
        {&out->wait_timeout_s, 1, SOTTO_PLAN_TIMEOUT_S_MAX},
        {&out->connection_timeout_s, 1, SOTTO_PLAN_TIMEOUT_S_MAX},
    };
    enum sotto_status status = check_keys(strategy, "strategy.", keys, 4, err);
    for (size_t i = 0; status == SOTTO_OK && i < 4; i++) {
        status = get_integer(strategy, fields[i].out, keys[i], fields[i].min, fields[i].max, err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    return check_clients(out, err);
}

/* --- The whole --- */

static enum sotto_status parse_verify(struct sotto_plan *plan, const json_t *root,
                                      struct sotto_error *err)
{
    const json_t *verify = json_object_get(root, "enable_verify");
    const char *word = json_string_value(verify);
    if (verify != NULL && !json_is_boolean(verify) && (word == NULL || strcmp(word, "auto") != 0)) {
        return wrong_kind("", "enable_verify", "a boolean or \"auto\"", verify, err);
    }
    plan->verify = json_is_true(verify)    ? SOTTO_PLAN_VERIFY_ALWAYS
                   : json_is_false(verify) ? SOTTO_PLAN_VERIFY_NEVER
                                           : SOTTO_PLAN_VERIFY_AUTO;
    return SOTTO_OK;
}

static enum sotto_status parse_results(struct sotto_plan *plan, const json_t *root,
                                       struct sotto_error *err)
{
    const json_t *results = json_object_get(root, "results");
    const char *word = json_string_value(results);
    plan->publishes = word != NULL && strcmp(word, "participants") == 0;
    if (results != NULL && word == NULL) {
        return wrong_kind("", "results", "\"initiator\" or \"participants\"", results, err);
    }
    if (word != NULL && !plan->publishes && strcmp(word, "initiator") != 0) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "results: expected \"initiator\" or \"participants\", found "
                               "\"%.40s\"",
                               word);
    }
    return SOTTO_OK;
}

/* *out_learns: the type is "learning", which only some take. */
static enum sotto_status check_version_and_type(bool *out_learns, const json_t *root,
                                                bool takes_learning, struct sotto_error *err)
{
    const json_t *version = json_object_get(root, "version");
    if (version == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN, "key \"version\" is missing");
    }
    if (!json_is_integer(version)) {
        return wrong_kind("", "version", "1", version, err);
    }
    if (json_integer_value(version) != 1) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "version: expected 1, found %" JSON_INTEGER_FORMAT,
                               json_integer_value(version));
    }
    const char *type = NULL;
    enum sotto_status status = get_string(root, &type, "type", SOTTO__PLAN_NAME_BYTES_MAX, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *out_learns = takes_learning && strcmp(type, "learning") == 0;
    if (!*out_learns && strcmp(type, "analytics") != 0) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "type: expected \"analytics\"%s, found \"%s\"",
                               takes_learning ? " or \"learning\"" : "", type);
    }
    return SOTTO_OK;
}

static enum sotto_status check_root(bool *out_learns, json_t *root, bool takes_learning,
                                    struct sotto_error *err)
{
    static const char *const keys[] = {"version",       "name",     "type",     "datasets",
                                       "select",        "where",    "group_by", "rows",
                                       "enable_verify", "strategy", "results",  "define"};
    static const char *const learning_keys[] = {"version", "name",          "type",     "bundle",
                                                "rounds",  "enable_verify", "strategy", "results"};
    if (!json_is_object(root)) {
        return wrong_kind("", "plan", "an object", root, err);
    }
    const char *type = json_string_value(json_object_get(root, "type"));
    bool learns = takes_learning && type != NULL && strcmp(type, "learning") == 0;
    enum sotto_status status = learns
                                   ? check_keys(root, "", learning_keys,
                                                sizeof learning_keys / sizeof learning_keys[0], err)
                                   : check_keys(root, "", keys, sizeof keys / sizeof keys[0], err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_version_and_type(out_learns, root, takes_learning, err);
}

static enum sotto_status parse_name(struct sotto_plan *plan, const json_t *root,
                                    struct sotto_error *err)
{
    const char *name = NULL;
    enum sotto_status status = get_string(root, &name, "name", SOTTO__PLAN_NAME_BYTES_MAX, err);
    if (status != SOTTO_OK) {
        return status;
    }
    plan->name = sotto_text_copy(name, strlen(name));
    return plan->name != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

typedef enum sotto_status parse_part(struct sotto_plan *plan, const json_t *root,
                                     struct sotto_error *err);

/* Reads the parts in this order, which decides which error of several is told. */
static enum sotto_status parse_root(struct sotto_plan *plan, json_t *root, bool takes_learning,
                                    struct sotto_error *err)
{
    static parse_part *const parts[] = {
        parse_verify,   parse_results,          parse_name,
        parse_datasets, parse_strategy,         sotto__parse_definitions,
        parse_select,   sotto__parse_selection, NULL};
    static parse_part *const learning_parts[] = {parse_verify,          parse_results,  parse_name,
                                                 sotto__parse_learning, parse_strategy, NULL};
    bool learns = false;
    enum sotto_status status = check_root(&learns, root, takes_learning, err);
    parse_part *const *part = learns ? learning_parts : parts;
    while (status == SOTTO_OK && *part != NULL) {
        status = (*part++)(plan, root, err);
    }
    if (status != SOTTO_OK || learns) {
        return status;
    }
    return sotto__plan_check(plan, err);
}

static enum sotto_status load_json(json_t **out, const void *json, size_t json_bytes,
                                   struct sotto_error *err)
{
    if (json_bytes > SOTTO_PLAN_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected a plan of at most %d bytes, found %zu",
                               SOTTO_PLAN_BYTES_MAX, json_bytes);
    }
    json_error_t where;
    *out = json_loadb(json, json_bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (*out == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN, "no valid JSON: line %d, column %d: %s",
                               where.line, where.column, where.text);
    }
    return SOTTO_OK;
}

static enum sotto_status parse_plan(struct sotto_plan **out, const void *json, size_t json_bytes,
                                    bool takes_learning, struct sotto_error *err)
{
    struct sotto_error unwanted = {0};
    err = err != NULL ? err : &unwanted;
    json_t *root = NULL;
    enum sotto_status status = load_json(&root, json, json_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_plan *plan = sotto_alloc_zeroed(sizeof *plan);
    if (plan == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    plan->strategy = (struct sotto_strategy){
        .min_clients = SOTTO_PLAN_MIN_CLIENTS,
        .max_clients = SOTTO_PLAN_MAX_CLIENTS,
        .wait_timeout_s = TIMEOUT_S_DEFAULT,
        .connection_timeout_s = TIMEOUT_S_DEFAULT,
    };
    plan->text = sotto_text_copy(json, json_bytes);
    if (plan->text == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    status = parse_root(plan, root, takes_learning, err);
    if (status == SOTTO_OK) {
        *out = plan;
        plan = NULL;
    }
out:
    sotto_plan_free(plan);
    json_decref(root);
    return status;
}

enum sotto_status sotto_plan_parse(struct sotto_plan **out, const void *json, size_t json_bytes,
                                   struct sotto_error *err)
{
    return parse_plan(out, json, json_bytes, false, err);
}

enum sotto_status sotto_plan_parse_task(struct sotto_plan **out, const void *json,
                                        size_t json_bytes, struct sotto_error *err)
{
    return parse_plan(out, json, json_bytes, true, err);
}

void sotto_plan_free(struct sotto_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->datasets_len; i++) {
        sotto_free(plan->datasets[i].alias);
        sotto_free(plan->datasets[i].file);
    }
    for (size_t i = 0; i < plan->outputs_len; i++) {
        sotto_free(plan->outputs[i].name);
        sotto__expression_release(&plan->outputs[i].expression);
    }
    sotto__selection_release(plan);
    sotto__definitions_release(plan);
    sotto_free(plan->datasets);
    sotto_free(plan->outputs);
    sotto_free(plan->columns);
    sotto_free(plan->bundle);
    sotto_free(plan->name);
    sotto_free(plan->text);
    sotto_free(plan);
}

const char *sotto_plan_name(const struct sotto_plan *plan)
{
    return plan->name;
}

enum sotto_plan_verify sotto_plan_verify(const struct sotto_plan *plan)
{
    return plan->verify;
}

bool sotto_plan_fits(const struct sotto_plan *plan)
{
    for (size_t i = 0; i < plan->outputs_len; i++) {
        const struct sotto__expression *expression = &plan->outputs[i].expression;
        const struct sotto__node *root = &expression->nodes[expression->nodes_len - 1];
        if (sotto__function_card(root->function)->opens.kind == SOTTO__OPENS_FIT) {
            return true; /* it stands alone */
        }
    }
    return false;
}

bool sotto_plan_publishes(const struct sotto_plan *plan)
{
    return plan->publishes;
}

const struct sotto_strategy *sotto_plan_strategy(const struct sotto_plan *plan)
{
    return &plan->strategy;
}

size_t sotto_plan_datasets_len(const struct sotto_plan *plan)
{
    return plan->datasets_len;
}

const char *sotto_plan_dataset_alias(const struct sotto_plan *plan, size_t dataset)
{
    SOTTO_REQUIRE(dataset < plan->datasets_len);
    return plan->datasets[dataset].alias;
}

const char *sotto_plan_dataset_file(const struct sotto_plan *plan, size_t dataset)
{
    SOTTO_REQUIRE(dataset < plan->datasets_len);
    return plan->datasets[dataset].file;
}

bool sotto_plan_is_framed(const struct sotto_plan *plan, size_t dataset)
{
    SOTTO_REQUIRE(dataset < plan->datasets_len);
    return plan->datasets[dataset].is_framed;
}

size_t sotto_plan_columns_len(const struct sotto_plan *plan)
{
    return plan->columns_len;
}

struct sotto_plan_column sotto_plan_column(const struct sotto_plan *plan, size_t column)
{
    SOTTO_REQUIRE(column < plan->columns_len);
    return plan->columns[column];
}
