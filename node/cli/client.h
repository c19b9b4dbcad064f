/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CLIENT_H
#define SOTTO_NODE_CLIENT_H

/* A node's API from the command line: client.c calls it, cmd_client.c has the steps of commands. */

#include "cli/print.h"
#include "cli/target.h"
#include <curl/curl.h>
#include <jansson.h>
#include <sotto/bytes.h>

#define CLIENT_TEXT_BYTES 512

struct client {
    CURL *easy;
    struct curl_slist *headers;
    struct target target;
    struct sotto_writer response;
    bool (*tick)(void *context); /* while a call waits; false: it is given up. NULL: none */
    void *tick_context;
};

/* Ended by client_release, also after a failure. */
enum sotto_status client_init(struct client *client, const struct args *args,
                              struct sotto_error *err) SOTTO_NODISCARD;
void client_release(struct client *client);

/* GETs path, or POSTs body to it if that is not NULL. The answer is in client->response. */
enum sotto_status client_call(struct client *client, const char *path, const char *body,
                              struct sotto_error *err) SOTTO_NODISCARD;

/* The same, and the answer as JSON; *out is ended by json_decref. */
enum sotto_status client_json(struct client *client, json_t **out, const char *path,
                              const char *body, struct sotto_error *err) SOTTO_NODISCARD;

/* A member as text, its hidden characters written out and cut to fit; "" where there is none.
 * Returns: out. */
const char *client_reveal(char out[CLIENT_TEXT_BYTES], const json_t *object, const char *key);

/* Gives a plan to the node. start_from: 0, or a task where its models start, whose plan it is where
 * plan is "". */
enum sotto_status client_create(struct client *client, const char *plan, uint32_t start_from,
                                uint64_t *out_number, struct sotto_error *err) SOTTO_NODISCARD;
/* Whether the task has ended, after at most wait_s; *out_failed: it has, and without a result. */
enum sotto_status client_poll_end(struct client *client, uint64_t number, int wait_s,
                                  bool *out_ended, bool *out_failed,
                                  struct sotto_error *err) SOTTO_NODISCARD;
/* Calls visit for each line of the task's log, old ones first, until the task has ended. */
typedef void client_log_visit(void *context, int64_t created_ms, const char *message);
enum sotto_status client_follow(struct client *client, uint64_t number, client_log_visit *visit,
                                void *context, bool *out_failed,
                                struct sotto_error *err) SOTTO_NODISCARD;
/* Fetches and prints the result. Returns: the exit code. */
int client_print_result(struct client *client, uint64_t number, const struct print_style *style);

/* The one positional argument as a number. Returns: false, and a line on standard error. */
bool number_argument(const struct args *args, uint64_t *out);

#endif
