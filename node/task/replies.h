/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_REPLIES_H
#define SOTTO_NODE_REPLIES_H

/* How the compute thread answers requests of the API, which wait in the loop thread. */

#include <sotto/status.h>

struct compute;
struct json_t;

#define HTTP_OK 200
#define HTTP_BAD_REQUEST 400
#define HTTP_INTERNAL 500
#define HTTP_UNAVAILABLE 503

/* Answers an API request that waits. Ownership: takes json, which may be NULL (no memory). */
void compute__reply(struct compute *compute, uint64_t request, int http_status, char *json);
/* The same, 200 with a jansson object, whose reference is taken; NULL: no memory. */
void compute__reply_json(struct compute *compute, uint64_t request, struct json_t *object);
/* The same with {"detail": detail, "code": the name of code}. */
void compute__reply_detail(struct compute *compute, uint64_t request, int http_status,
                           enum sotto_status code, const char *detail);
/* The same of an error, with "rule" where policy refuses (else NULL). */
void compute__reply_refused(struct compute *compute, uint64_t request, int http_status,
                            const struct sotto_error *err, const char *rule);

#endif
