/* SPDX-License-Identifier: Apache-2.0 */

/* Answers to the API, as events for the loop thread, which finds the request by its number or not
 * at all, if the caller has gone. Leans on loop/queue.c. */

#include "task/replies.h"

#include "task/compute_internal.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

void compute__reply(struct compute *compute, uint64_t request, int http_status, char *json)
{
    struct job *event = json != NULL ? job_new(EVENT_REPLY) : NULL;
    if (event == NULL) {
        sotto_free(json);
        log_warning("an API request gets no answer: out of memory");
        return; /* its connection times out */
    }
    event->request = request;
    event->http_status = http_status;
    event->bytes = (struct sotto_buffer){.data = (uint8_t *)json, .data_bytes = strlen(json)};
    queue_push(compute->config.events, event);
}

void compute__reply_json(struct compute *compute, uint64_t request, json_t *object)
{
    char *text = object != NULL ? json_dumps(object, 0) : NULL;
    json_decref(object);
    compute__reply(compute, request, HTTP_OK,
                   text != NULL ? sotto_text_copy(text, strlen(text)) : NULL);
    free(text);
}

static void reply_error(struct compute *compute, uint64_t request, int http_status,
                        enum sotto_status code, const char *detail, const char *rule)
{
    json_t *object = json_pack("{s:s, s:s, s:s*}", "detail", detail, "code",
                               sotto_status_name(code), "rule", rule);
    char *text = json_dumps(object, 0);
    json_decref(object);
    compute__reply(compute, request, http_status,
                   text != NULL ? sotto_text_copy(text, strlen(text)) : NULL);
    free(text);
}

void compute__reply_detail(struct compute *compute, uint64_t request, int http_status,
                           enum sotto_status code, const char *detail)
{
    reply_error(compute, request, http_status, code, detail, NULL);
}

void compute__reply_refused(struct compute *compute, uint64_t request, int http_status,
                            const struct sotto_error *err, const char *rule)
{
    reply_error(compute, request, http_status, err->status, err->text, rule);
}
