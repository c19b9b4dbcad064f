/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "config/keys.h"

#include <signal.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* sotto run: a task from the plan to the result, with its progress on standard error. */

#define LOGS_LIMIT 200
#define POLL_SECONDS 25
#define EXIT_INTERRUPTED 130

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    is_interrupted = 1;
}

/* libcurl calls it about once a second while it waits. */
static bool on_tick(void *context)
{
    if (context != NULL) {
        progress_tick(context);
    }
    return is_interrupted == 0;
}

/* The plan of `sotto run`: a file, or composed from the options. Ended by sotto_free. */
static enum sotto_status run_plan(char **out, const struct args *args, struct sotto_error *err)
{
    struct data_options data = {0};
    size_t bytes;
    if (args->positional_len == 1) {
        return file_read(args->positional[0], out, &bytes, SOTTO_PLAN_BYTES_MAX, err);
    }
    struct sotto_strategy strategy = args->strategy;
    if (strategy.min_clients == 0) {
        strategy.min_clients = SOTTO_PLAN_MIN_CLIENTS;
    }
    strategy.wait_timeout_s = strategy.wait_timeout_s == 0 ? 60 : strategy.wait_timeout_s;
    strategy.connection_timeout_s =
        strategy.connection_timeout_s == 0 ? 60 : strategy.connection_timeout_s;
    enum sotto_status status = data_options_parse(&data, args->data, args->data_len, err);
    if (status == SOTTO_OK) {
        status = compose_plan(out, &data, args, &strategy, err);
    }
    data_options_release(&data);
    return status;
}

static enum sotto_status take_logs(struct client *client, struct progress *progress,
                                   uint64_t *start, int wait_s, size_t *out_len,
                                   struct sotto_error *err)
{
    char path[192];
    json_t *array = NULL;
    json_t *line;
    size_t index;
    (void)snprintf(path, sizeof path, "/v1/task/logs?task_id=%llu&start=%llu&limit=%d&wait=%d",
                   (unsigned long long)progress->number, (unsigned long long)*start, LOGS_LIMIT,
                   wait_s);
    enum sotto_status status = client_json(client, &array, path, NULL, err);
    if (status != SOTTO_OK) {
        return status;
    }
    json_array_foreach(array, index, line)
    {
        const char *message = json_string_value(json_object_get(line, "message"));
        progress_take(progress, json_integer_value(json_object_get(line, "created_at")),
                      message != NULL ? message : "");
        *start = (uint64_t)json_integer_value(json_object_get(line, "id")) + 1;
    }
    *out_len = json_array_size(array);
    json_decref(array);
    return SOTTO_OK;
}

static enum sotto_status follow(struct client *client, struct progress *progress, bool *out_failed,
                                struct sotto_error *err)
{
    uint64_t start = 0;
    bool has_ended = false;
    size_t len = 0;
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && !(has_ended && len == 0)) {
        status = take_logs(client, progress, &start, has_ended ? 0 : POLL_SECONDS, &len, err);
        if (status == SOTTO_OK && !has_ended) {
            status = client_poll_end(client, progress->number, 0, &has_ended, out_failed, err);
            len = 1; /* lines that came between the two calls are fetched once more */
        }
    }
    return status;
}

static int interrupted(uint64_t number)
{
    if (number == 0) {
        (void)fputs("sotto: stopped; whether the node made a task of the plan, `sotto list` says\n",
                    stderr);
    } else {
        (void)fprintf(stderr,
                      "sotto: stopped watching; task %llu goes on at the node.\n"
                      "  sotto trace %llu     come back to it\n"
                      "  sotto result %llu    its result, once it has one\n"
                      "  sotto cancel %llu    end it\n",
                      (unsigned long long)number, (unsigned long long)number,
                      (unsigned long long)number, (unsigned long long)number);
    }
    return EXIT_INTERRUPTED;
}

static void watch_interrupts(struct client *client)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    client->tick = on_tick;
}

int cmd_run(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    struct progress progress;
    char *plan = NULL;
    uint64_t number = 0;
    bool has_failed = false;
    bool has_file = args->positional_len == 1 && args->outputs_len == 0 && args->data_len == 0;
    bool has_parts = args->positional_len == 0 && args->outputs_len > 0 && args->data_len > 0;
    if (!has_file && !has_parts) {
        return command_usage("expected a plan file, or --data and expressions after --; see sotto "
                             "run --help");
    }
    if (has_file && args_refuse(args, OPTION_STRATEGY | OPTION_NAME | OPTION_ROWS,
                                "sotto run PLAN, which says it all itself,")) {
        return EXIT_USAGE;
    }
    enum sotto_status status = client_init(&client, args, &err);
    if (status == SOTTO_OK) {
        status = run_plan(&plan, args, &err);
    }
    if (status == SOTTO_OK) {
        watch_interrupts(&client);
        status = client_create(&client, plan, &number, &err);
    }
    if (status == SOTTO_OK) {
        progress_begin(&progress, number);
        client.tick_context = &progress;
        status = follow(&client, &progress, &has_failed, &err);
        progress_end(&progress, status == SOTTO_OK && !has_failed);
    }
    int code = is_interrupted != 0  ? interrupted(number)
               : status != SOTTO_OK ? command_failed(&err)
               : has_failed         ? EXIT_FAILED
                                    : client_print_result(&client, number, args_format(args));
    sotto_free(plan);
    client_release(&client);
    return code;
}
