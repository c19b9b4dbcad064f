/* SPDX-License-Identifier: Apache-2.0 */

/* sotto run: a task from the plan to the result, with its progress on standard error. Leans on the
 * steps of cmd_client.c. The idea: the task belongs to the node, so Ctrl-C ends the watching only,
 * and says how to come back. */

#include "cli/client.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "config/keys.h"

#include <jansson.h>
#include <signal.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define EXIT_INTERRUPTED 130

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    is_interrupted = 1;
}

/* Draws the progress; libcurl calls it about once a second while it waits. Returns: false to give
 * the call up. */
static bool on_tick(void *context)
{
    if (context != NULL) {
        progress_tick(context);
    }
    return is_interrupted == 0;
}

/* Reads the plan of `sotto run` from a file, or composes it from the options; it is "" where it is
 * that of the task to start from. Ownership: *out is ended by sotto_free. */
static enum sotto_status make_plan(char **out, const struct args *args, struct sotto_error *err)
{
    size_t bytes;
    if (args->positional_len == 1) {
        return file_read(args->positional[0], out, &bytes, SOTTO_PLAN_BYTES_MAX, err);
    }
    if (args->start_from > 0) {
        *out = sotto_text_copy("", 0);
        return *out != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    }
    return compose_question(out, args, err);
}

static int report_interrupt(uint64_t number)
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

static void show_line(void *context, int64_t created_ms, const char *message)
{
    progress_take(context, created_ms, message);
}

static enum sotto_status watch_task(struct client *client, uint64_t number, bool *out_failed,
                                    struct sotto_error *err)
{
    struct progress progress;
    progress_begin(&progress, number);
    client->tick_context = &progress;
    enum sotto_status status = client_follow(client, number, show_line, &progress, out_failed, err);
    progress_end(&progress, status == SOTTO_OK && !*out_failed);
    client->tick_context = NULL;
    return status;
}

static enum sotto_status run_task(struct client *client, const struct args *args,
                                  uint64_t *out_number, bool *out_failed, struct sotto_error *err)
{
    char *plan = NULL;
    enum sotto_status status = make_plan(&plan, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    watch_interrupts(client);
    status = client_create(client, plan, args->start_from, out_number, err);
    sotto_free(plan);
    if (status != SOTTO_OK) {
        return status;
    }
    return watch_task(client, *out_number, out_failed, err);
}

/* Prints the plan that would be sent. */
static int print_plan(const struct args *args)
{
    struct sotto_error err = {0};
    struct sotto_plan *parsed = NULL;
    char *plan = NULL;
    enum sotto_status status = make_plan(&plan, args, &err);
    if (status == SOTTO_OK) {
        status = sotto_plan_parse(&parsed, plan, strlen(plan), &err);
    }
    json_t *object = status == SOTTO_OK ? json_loads(plan, 0, NULL) : NULL;
    if (object != NULL) {
        (void)json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        (void)putchar('\n');
    }
    json_decref(object);
    sotto_plan_free(parsed);
    sotto_free(plan);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}

int cmd_run(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    uint64_t number = 0;
    bool has_failed = false;
    bool has_file = (args->positional_len == 1 || args->start_from > 0) &&
                    args->positional_len <= 1 && args->outputs_len == 0 && args->data_len == 0;
    bool has_parts = args->positional_len == 0 && args->outputs_len > 0 && args->data_len > 0;
    if (!has_file && !has_parts) {
        return command_usage("expected a plan file, or --data and expressions after --; see sotto "
                             "run --help");
    }
    if (has_file && args_refuse(args, OPTION_STRATEGY | OPTION_NAME | OPTION_ROWS,
                                "sotto run PLAN, which says it all itself,")) {
        return EXIT_USAGE;
    }
    if (args->is_dry && args->start_from > 0) {
        return command_usage("--dry-run prints a plan; what --start-from adds to it only the node "
                             "knows");
    }
    if (args->is_dry) {
        return print_plan(args);
    }
    enum sotto_status status = client_init(&client, args, &err);
    if (status == SOTTO_OK) {
        status = run_task(&client, args, &number, &has_failed, &err);
    }
    struct print_style style = args_style(args);
    int code = is_interrupted != 0  ? report_interrupt(number)
               : status != SOTTO_OK ? command_failed(&err)
               : has_failed         ? EXIT_FAILED
                                    : client_print_result(&client, number, &style);
    client_release(&client);
    return code;
}
