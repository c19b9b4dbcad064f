/* SPDX-License-Identifier: Apache-2.0 */

/* Commands against a node's API: create, trace, wait, result, list, cancel, and the steps of `sotto
 * run`. Leans on client.c. Each is a call or two, and what came is printed. */

#include "cli/client.h"
#include "cli/print.h"
#include "config/keys.h"
#include "loop/log.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGS_LIMIT 200
#define POLL_SECONDS 25
#define LIST_LEN_DEFAULT 1000U

/* --- Steps --- */

enum sotto_status client_create(struct client *client, const char *plan, uint32_t start_from,
                                uint64_t *out_number, struct sotto_error *err)
{
    char path[64] = "/v1/task";
    json_t *object = NULL;
    if (start_from > 0) {
        (void)snprintf(path, sizeof path, "/v1/task?start_from=%" PRIu32, start_from);
    }
    enum sotto_status status = client_json(client, &object, path, plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *out_number = (uint64_t)json_integer_value(json_object_get(object, "task_id"));
    json_decref(object);
    return SOTTO_OK;
}

enum sotto_status client_poll_end(struct client *client, uint64_t number, int wait_s,
                                  bool *out_ended, bool *out_failed, struct sotto_error *err)
{
    char path[128];
    json_t *object = NULL;
    (void)snprintf(path, sizeof path, "/v1/task/status?task_id=%llu&wait=%d",
                   (unsigned long long)number, wait_s);
    enum sotto_status status = client_json(client, &object, path, NULL, err);
    if (status != SOTTO_OK) {
        return status;
    }
    const char *state = json_string_value(json_object_get(object, "status"));
    state = state != NULL ? state : "";
    const char *confirmation = json_string_value(json_object_get(object, "confirmation"));
    bool is_awaited = confirmation != NULL && strcmp(confirmation, "awaited") == 0;
    *out_ended = strcmp(state, "PENDING") != 0 && strcmp(state, "RUNNING") != 0 && !is_awaited;
    *out_failed = *out_ended && strcmp(state, "FINISHED") != 0 && strcmp(state, "CONFIRMED") != 0;
    json_decref(object);
    return SOTTO_OK;
}

/* Visits the lines from *in_out_start on, waiting for one at most wait_s. */
static enum sotto_status visit_logs(struct client *client, uint64_t number, uint64_t *in_out_start,
                                    int wait_s, client_log_visit *visit, void *context,
                                    size_t *out_len, struct sotto_error *err)
{
    char path[192];
    json_t *array = NULL;
    json_t *line;
    size_t index;
    (void)snprintf(path, sizeof path, "/v1/task/logs?task_id=%llu&start=%llu&limit=%d&wait=%d",
                   (unsigned long long)number, (unsigned long long)*in_out_start, LOGS_LIMIT,
                   wait_s);
    enum sotto_status status = client_json(client, &array, path, NULL, err);
    if (status != SOTTO_OK) {
        return status;
    }
    json_array_foreach(array, index, line)
    {
        const char *message = json_string_value(json_object_get(line, "message"));
        visit(context, json_integer_value(json_object_get(line, "created_at")),
              message != NULL ? message : "");
        *in_out_start = (uint64_t)json_integer_value(json_object_get(line, "id")) + 1;
    }
    *out_len = json_array_size(array);
    json_decref(array);
    return SOTTO_OK;
}

enum sotto_status client_follow(struct client *client, uint64_t number, client_log_visit *visit,
                                void *context, bool *out_failed, struct sotto_error *err)
{
    uint64_t start = 0;
    bool has_ended = false;
    size_t len = 0;
    while (!has_ended || len > 0) {
        enum sotto_status status = visit_logs(client, number, &start, has_ended ? 0 : POLL_SECONDS,
                                              visit, context, &len, err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (!has_ended) {
            status = client_poll_end(client, number, 0, &has_ended, out_failed, err);
            if (status != SOTTO_OK) {
                return status;
            }
            len = 1; /* lines that came between the two calls are fetched once more */
        }
    }
    return SOTTO_OK;
}

int client_print_result(struct client *client, uint64_t number, const struct print_style *style)
{
    char path[64];
    struct sotto_error err = {0};
    (void)snprintf(path, sizeof path, "/v1/task/result?task_id=%llu", (unsigned long long)number);
    if (client_call(client, path, NULL, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    return print_result((const char *)client->response.data, client->response.data_bytes, style);
}

/* --- Commands --- */

bool number_argument(const struct args *args, uint64_t *out)
{
    char *end = NULL;
    if (args->positional_len != 1 || args->outputs_len > 0) {
        (void)command_usage("expected one task number");
        return false;
    }
    const char *text = args->positional[0];
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) {
        (void)command_usage("\"%s\" is not a task number", text);
        return false;
    }
    return true;
}

int cmd_create(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    char *plan = NULL;
    size_t plan_bytes;
    uint64_t number = 0;
    bool has_plan = args->positional_len == 1;
    if ((!has_plan && args->start_from == 0) || args->positional_len > 1 || args->outputs_len > 0) {
        return command_usage("expected: sotto create plan.json");
    }
    enum sotto_status status = client_init(&client, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (has_plan) {
        status = file_read(args->positional[0], &plan, &plan_bytes, SOTTO_PLAN_BYTES_MAX, &err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    status = client_create(&client, has_plan ? plan : "", args->start_from, &number, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    (void)printf(args->json ? "{\"task_id\": %llu}\n" : "%llu\n", (unsigned long long)number);
out:
    sotto_free(plan);
    client_release(&client);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}

static void print_log_line(void *context, int64_t created_ms, const char *message)
{
    char when[LOG_TIME_BYTES];
    char text[2048];
    (void)context;
    log_time(when, created_ms);
    (void)snprintf(text, sizeof text, "%s", message);
    sotto_text_sanitize(text);
    (void)printf("%s  %s\n", when, text);
    (void)fflush(stdout);
}

int cmd_trace(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    uint64_t number;
    bool has_failed = false;
    if (!number_argument(args, &number)) {
        return EXIT_USAGE;
    }
    enum sotto_status status = client_init(&client, args, &err);
    if (status == SOTTO_OK) {
        status = client_follow(&client, number, print_log_line, NULL, &has_failed, &err);
    }
    client_release(&client);
    return status != SOTTO_OK ? command_failed(&err) : has_failed ? EXIT_FAILED : EXIT_DONE;
}

int cmd_wait(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    uint64_t number;
    bool has_ended = false;
    bool has_failed = false;
    if (!number_argument(args, &number)) {
        return EXIT_USAGE;
    }
    enum sotto_status status = client_init(&client, args, &err);
    while (status == SOTTO_OK && !has_ended) {
        status = client_poll_end(&client, number, POLL_SECONDS, &has_ended, &has_failed, &err);
    }
    client_release(&client);
    return status != SOTTO_OK ? command_failed(&err) : has_failed ? EXIT_FAILED : EXIT_DONE;
}

int cmd_result(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    uint64_t number;
    if (!number_argument(args, &number)) {
        return EXIT_USAGE;
    }
    struct print_style style = args_style(args);
    int code = client_init(&client, args, &err) == SOTTO_OK
                   ? client_print_result(&client, number, &style)
                   : command_failed(&err);
    client_release(&client);
    return code;
}

static void print_tasks(json_t *tasks)
{
    json_t *task;
    size_t index;
    (void)printf("%6s  %-9s  %-19s  %s\n", "task", "status", "created", "name");
    json_array_foreach(tasks, index, task)
    {
        char when[LOG_TIME_BYTES];
        const char *state = json_string_value(json_object_get(task, "status"));
        const char *name = json_string_value(json_object_get(task, "name"));
        char text[256];
        log_time(when, json_integer_value(json_object_get(task, "created_at")));
        (void)snprintf(text, sizeof text, "%s", name != NULL ? name : "");
        sotto_text_sanitize(text);
        (void)printf("%6lld  %-9s  %-19s  %s\n",
                     (long long)json_integer_value(json_object_get(task, "id")),
                     state != NULL ? state : "", when, text);
    }
}

int cmd_list(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    json_t *object = NULL;
    char path[64];
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto list");
    }
    enum sotto_status status = client_init(&client, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    (void)snprintf(path, sizeof path, "/v1/tasks?page_size=%u&order=desc",
                   args->limit > 0 ? (unsigned)args->limit : LIST_LEN_DEFAULT);
    status = client_json(&client, &object, path, NULL, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (args->json) {
        (void)printf("%.*s\n", (int)client.response.data_bytes, (const char *)client.response.data);
    } else {
        print_tasks(json_object_get(object, "tasks"));
    }
out:
    json_decref(object);
    client_release(&client);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}

int cmd_cancel(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    uint64_t number;
    char path[64];
    if (!number_argument(args, &number)) {
        return EXIT_USAGE;
    }
    (void)snprintf(path, sizeof path, "/v1/task/cancel?task_id=%llu", (unsigned long long)number);
    enum sotto_status status = client_init(&client, args, &err);
    if (status == SOTTO_OK) {
        status = client_call(&client, path, "", &err);
    }
    client_release(&client);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}
