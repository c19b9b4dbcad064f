/* SPDX-License-Identifier: Apache-2.0 */

/* Commands for the owner of data: what others ask, and what becomes of it. Leans on client.c. */

#include "cli/check.h"
#include "cli/client.h"
#include "cli/print.h"
#include "cli/target.h"
#include "loop/log.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- What was asked --- */

static const char *get_text(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* So many blanks in a row are shown as their number: they could move the rest out of sight. */
#define BLANKS_SHOWN_MAX 8

/* Prints a line that others may have written, all of it. */
static void print_line(char *line)
{
    sotto_text_sanitize(line);
    while (*line != '\0') {
        size_t blanks = strspn(line, " ");
        size_t bytes = strcspn(line + blanks, " ");
        if (blanks > BLANKS_SHOWN_MAX) {
            (void)printf(" <%zu blanks> %.*s", blanks, (int)bytes, line + blanks);
        } else {
            (void)printf("%.*s", (int)(blanks + bytes), line);
        }
        line += blanks + bytes;
    }
    (void)putchar('\n');
}

/* Prints a text that others may have written line by line. Returns: false if there is no memory. */
static bool print_safely(const char *text)
{
    while (*text != '\0') {
        size_t bytes = strcspn(text, "\n");
        char *line = sotto_text_copy(text, bytes);
        if (line == NULL) {
            return false;
        }
        print_line(line);
        sotto_free(line);
        text += bytes;
        text += *text == '\n';
    }
    return true;
}

/* Prints a text that others wrote on one line. */
static bool print_written(const char *name, const char *text)
{
    size_t bytes = strlen(name) + strlen(text) + 8;
    char *line = sotto_alloc(bytes);
    if (line == NULL) {
        return false;
    }
    (void)snprintf(line, bytes, "  %s: %s", name, text);
    print_line(line); /* line breaks in it are made harmless too */
    sotto_free(line);
    return true;
}

static void print_asked(json_t *list)
{
    json_t *asked;
    size_t i;
    (void)printf("%6s  %-8s  %-19s  %-16s  %s\n", "number", "state", "until", "from", "name");
    json_array_foreach(list, i, asked)
    {
        char until[LOG_TIME_BYTES];
        char line[600];
        log_time(until, json_integer_value(json_object_get(asked, "deadline")));
        (void)snprintf(line, sizeof line, "%6lld  %-8s  %-19s  %-16s  %s",
                       (long long)json_integer_value(json_object_get(asked, "number")),
                       get_text(asked, "state"), until, get_text(asked, "creator"),
                       get_text(asked, "name"));
        sotto_text_sanitize(line);
        (void)puts(line);
    }
}

/* Says what the node would answer if it were approved, where its files are at hand: in its folder.
 */
static void foresee_answer(const struct args *args, json_t *asked)
{
    struct sotto_error err = {0};
    struct config config;
    struct sotto_plan *plan = NULL;
    const char *path = target_config(args);
    if (path == NULL || strcmp(get_text(asked, "state"), "WAITING") != 0) {
        return;
    }
    if (config_load(&config, path, &err) != SOTTO_OK) {
        (void)printf("what its rows and its ledger say isn't known: %s\n", err.text);
        return;
    }
    char *json = json_dumps(json_object_get(asked, "plan"), JSON_COMPACT);
    if (json != NULL && sotto_plan_parse(&plan, json, strlen(json), NULL) == SOTTO_OK &&
        sotto_plan_bundle(plan) == NULL) {
        const struct policy_question question = {
            .plan = plan, .asker = get_text(asked, "creator"), .has_leave = true};
        (void)check_question(&config, &question);
    }
    sotto_plan_free(plan);
    free(json); /* jansson's */
    config_release(&config);
}

static enum sotto_status print_asked_one(const struct args *args, json_t *asked,
                                         struct sotto_error *err)
{
    char until[LOG_TIME_BYTES];
    const char *result = get_text(asked, "result");
    log_time(until, json_integer_value(json_object_get(asked, "deadline")));
    (void)printf("number %lld, %s, until %s\n",
                 (long long)json_integer_value(json_object_get(asked, "number")),
                 get_text(asked, "state"), until);
    if (!print_safely(get_text(asked, "words"))) {
        return sotto_error_no_memory(err); /* what is not shown whole is not to be approved */
    }
    foresee_answer(args, asked);
    if (result[0] != '\0') {
        (void)printf("its result, as %s sent it:\n", get_text(asked, "creator"));
        (void)print_result(result, strlen(result), &(struct print_style){.format = PRINT_TABLE});
    }
    return SOTTO_OK;
}

/* Prints all entries of a list, or, where args has a number, that one alone. Returns: the exit
 * code. */
static int show_entries(const struct args *args, const char *all_path, const char *one_path,
                        enum sotto_status (*print)(const struct args *args, json_t *object,
                                                   bool is_one, struct sotto_error *err))
{
    struct sotto_error err = {0};
    struct client client;
    json_t *object = NULL;
    char path[96];
    uint64_t number = 0;
    bool is_one = args->positional_len > 0;
    if (is_one && !number_argument(args, &number)) {
        return EXIT_USAGE;
    }
    if (is_one) {
        (void)snprintf(path, sizeof path, "%s?number=%llu", one_path, (unsigned long long)number);
    }
    enum sotto_status status = client_init(&client, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = client_json(&client, &object, is_one ? path : all_path, NULL, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (args->json) {
        (void)printf("%.*s\n", (int)client.response.data_bytes, (const char *)client.response.data);
    } else {
        status = print(args, object, is_one, &err);
    }
out:
    json_decref(object);
    client_release(&client);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}

static enum sotto_status print_questions(const struct args *args, json_t *object, bool is_one,
                                         struct sotto_error *err)
{
    if (is_one) {
        return print_asked_one(args, object, err);
    }
    print_asked(json_object_get(object, "asked"));
    return SOTTO_OK;
}

int cmd_asked(const struct args *args)
{
    return show_entries(args, "/v1/asked", "/v1/asked/one", print_questions);
}

/* --- The record --- */

static void print_record_line(json_t *entry)
{
    char at[LOG_TIME_BYTES];
    char more[48] = "";
    char line[SOTTO_ERROR_TEXT_BYTES + 900];
    const char *reason = get_text(entry, "reason");
    long long times = (long long)json_integer_value(json_object_get(entry, "times"));
    log_time(at, json_integer_value(json_object_get(entry, "created_at")));
    if (times > 1) {
        (void)snprintf(more, sizeof more, "  (and %lld more)", times - 1);
    }
    /* Of the two texts only the second one may be written by others: its blanks are counted. */
    (void)snprintf(line, sizeof line, "%6lld  %s  %-8s  %-16s  ",
                   (long long)json_integer_value(json_object_get(entry, "number")), at,
                   get_text(entry, "event"), get_text(entry, "creator"));
    sotto_text_sanitize(line);
    (void)fputs(line, stdout);
    (void)snprintf(line, sizeof line, "%s  %s%s%s%s%s", get_text(entry, "name"),
                   reason[0] != '\0' ? "(" : "", reason, reason[0] != '\0' ? ") " : "",
                   get_text(entry, "text"), more);
    print_line(line);
}

static enum sotto_status print_record(const struct args *args, json_t *object, bool is_one,
                                      struct sotto_error *err)
{
    (void)args;
    json_t *entry;
    size_t i;
    if (is_one) {
        print_record_line(object);
        return print_written("plan", get_text(object, "plan")) ? SOTTO_OK
                                                               : sotto_error_no_memory(err);
    }
    (void)printf("%6s  %-19s  %-8s  %-16s  %s\n", "number", "time", "event", "from", "name");
    json_array_foreach(json_object_get(object, "record"), i, entry)
    {
        print_record_line(entry);
    }
    return SOTTO_OK;
}

int cmd_record(const struct args *args)
{
    return show_entries(args, "/v1/record?limit=100000", "/v1/record/one", print_record);
}

/* POSTs to a path and prints what was done, or an error. Returns: the exit code. */
static int post_path(const struct args *args, const char *path, const char *done)
{
    struct sotto_error err = {0};
    struct client client;
    enum sotto_status status = client_init(&client, args, &err);
    if (status == SOTTO_OK) {
        status = client_call(&client, path, "", &err);
    }
    client_release(&client);
    if (status != SOTTO_OK) {
        return command_failed(&err);
    }
    (void)puts(done);
    return EXIT_DONE;
}

static int post_decision(const struct args *args, const char *how, const char *done)
{
    char path[96];
    uint64_t number;
    if (!number_argument(args, &number)) {
        return EXIT_USAGE;
    }
    (void)snprintf(path, sizeof path, "/v1/asked/%s?number=%llu", how, (unsigned long long)number);
    return post_path(args, path, done);
}

int cmd_approve(const struct args *args)
{
    return post_decision(args, "approve",
                         "approved: where its task is over by now, the same question is answered "
                         "when it is asked again");
}

int cmd_reject(const struct args *args)
{
    return post_decision(args, "reject", "rejected");
}

int cmd_reload(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    json_t *answer = NULL;
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto reload");
    }
    enum sotto_status status = client_init(&client, args, &err);
    if (status == SOTTO_OK) {
        status = client_json(&client, &answer, "/v1/reload", "", &err);
    }
    client_release(&client);
    if (status != SOTTO_OK) {
        return command_failed(&err);
    }
    char keys[CLIENT_TEXT_BYTES];
    (void)client_reveal(keys, answer, "restart");
    (void)printf("reloaded%s%s\n", keys[0] != '\0' ? "; these keys need a restart: " : "", keys);
    json_decref(answer);
    return EXIT_DONE;
}
