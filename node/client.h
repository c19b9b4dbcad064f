/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CLIENT_H
#define SOTTO_NODE_CLIENT_H

/* A node's API from the command line. */

#include "command.h"
#include <curl/curl.h>
#include <jansson.h>
#include <sotto/bytes.h>

struct client {
    CURL *easy;
    struct curl_slist *headers;
    const char *base;
    struct sotto_writer response;
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

/* The one positional argument as a number. Returns: false, and a line on standard error. */
bool number_argument(const struct args *args, uint64_t *out);

#endif
