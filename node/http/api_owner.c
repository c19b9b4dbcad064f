/* SPDX-License-Identifier: Apache-2.0 */

/* The routes for the owner of data: what others asked, the answer to it, policy read again. Leans
 * on api.c and the store; API.md is the specification. */

#include "http/api_internal.h"
#include "loop/log.h"
#include "store/store_asked.h"
#include "store/store_record.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <string.h>

#define ASKED_LEN_MAX 1000
#define RECORDS_LEN_DEFAULT 100
#define RECORDS_LEN_MAX 100000

static json_t *make_asked_json(const struct store_asked *asked)
{
    /* What waited while the node was down may be over by now. */
    bool is_late = asked->deadline_ms <= clock_unix_ms() &&
                   (asked->state == ASKED_WAITING || asked->state == ASKED_APPROVED);
    return json_pack("{s:I, s:I, s:I, s:s, s:s, s:s}", "number", (json_int_t)asked->number,
                     "created_at", (json_int_t)asked->created_ms, "deadline",
                     (json_int_t)asked->deadline_ms, "state",
                     asked_state_name(is_late ? ASKED_ENDED : asked->state), "creator",
                     asked->creator, "name", asked->name);
}

static void append_asked(void *context, const struct store_asked *asked)
{
    (void)json_array_append_new(context, make_asked_json(asked));
}

void http_api__get_asked(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    uint64_t waiting = 0;
    if (!http_api__read_number(request, &waiting, "waiting", 0, 1)) {
        return;
    }
    json_t *array = json_array();
    if (store_each_asked(api->reader, ASKED_LEN_MAX, waiting != 0, append_asked, array, &err) !=
        SOTTO_OK) {
        json_decref(array);
        http_api__answer_error(request, &err);
        return;
    }
    http_answer_json(request, MHD_HTTP_OK, json_pack("{s:o}", "asked", array));
}

static bool read_asked_number(struct http_request *request, uint64_t *out)
{
    *out = 0;
    if (http_parameter(request, "number") == NULL) {
        http_answer_detail(request, MHD_HTTP_UNPROCESSABLE_CONTENT, SOTTO_ERROR_INPUT,
                           "number is missing: expected one that the list gives");
        return false;
    }
    return http_api__read_number(request, out, "number", 0, INT64_MAX);
}

/* Answers one entry, with its plan as the JSON that it is and, where there is one, its result as a
 * text. */
void http_api__get_asked_one(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    struct store_asked asked;
    uint64_t number;
    char *plan = NULL;
    char *words = NULL;
    char *result = NULL;
    if (!read_asked_number(request, &number)) {
        return;
    }
    enum sotto_status status =
        store_get_asked(api->reader, &asked, &plan, &words, &result, number, &err);
    if (status == SOTTO_ERROR_NOT_FOUND) {
        http_answer_detail(request, MHD_HTTP_BAD_REQUEST, status, "%s", err.text);
    } else if (status != SOTTO_OK) {
        http_api__answer_error(request, &err);
    } else {
        json_t *object = make_asked_json(&asked);
        (void)json_object_set_new(object, "words", json_string(words));
        (void)json_object_set_new(object, "plan", json_loads(plan, 0, NULL));
        if (result[0] != '\0') { /* what the creator sent: a text, whatever it holds */
            (void)json_object_set_new(object, "result", json_string(result));
        }
        http_answer_json(request, MHD_HTTP_OK, object);
    }
    sotto_free(plan);
    sotto_free(words);
    sotto_free(result);
}

void http_api__get_asked_rules(struct http_api *api, struct http_request *request)
{
    uint64_t number;
    if (read_asked_number(request, &number)) {
        http_api__ask_compute(api, request, JOB_RULES, number, false);
    }
}

static void post_decision(struct http_api *api, struct http_request *request, bool approves)
{
    uint64_t number;
    if (read_asked_number(request, &number)) {
        http_api__ask_compute(api, request, JOB_DECIDE, number, approves);
    }
}

void http_api__post_approve(struct http_api *api, struct http_request *request)
{
    post_decision(api, request, true);
}

void http_api__post_reject(struct http_api *api, struct http_request *request)
{
    post_decision(api, request, false);
}

/* --- The record --- */

static json_t *make_record_json(const struct store_record *entry)
{
    return json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:I}", "number",
                     (json_int_t)entry->number, "created_at", (json_int_t)entry->created_ms,
                     "creator", entry->creator, "name", entry->name, "event", entry->event,
                     "reason", entry->reason, "text", entry->text, "times",
                     (json_int_t)entry->times);
}

static void append_record(void *context, const struct store_record *entry)
{
    (void)json_array_append_new(context, make_record_json(entry));
}

void http_api__get_record(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    uint64_t limit = RECORDS_LEN_DEFAULT;
    if (!http_api__read_number(request, &limit, "limit", 1, RECORDS_LEN_MAX)) {
        return;
    }
    json_t *array = json_array();
    if (store_each_record(api->reader, limit, append_record, array, &err) != SOTTO_OK) {
        json_decref(array);
        http_api__answer_error(request, &err);
        return;
    }
    http_answer_json(request, MHD_HTTP_OK, json_pack("{s:o}", "record", array));
}

void http_api__get_record_one(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    struct store_record entry;
    uint64_t number;
    char *plan = NULL;
    if (!read_asked_number(request, &number)) {
        return;
    }
    enum sotto_status status = store_get_record(api->reader, &entry, &plan, number, &err);
    if (status == SOTTO_ERROR_NOT_FOUND) {
        http_answer_detail(request, MHD_HTTP_BAD_REQUEST, status, "%s", err.text);
    } else if (status != SOTTO_OK) {
        http_api__answer_error(request, &err);
    } else {
        json_t *object = make_record_json(&entry);
        (void)json_object_set_new(object, "plan", json_string(plan)); /* null if it is no text */
        http_answer_json(request, MHD_HTTP_OK, object);
    }
    sotto_free(plan);
}

void http_api__get_policy(struct http_api *api, struct http_request *request)
{
    http_api__ask_compute(api, request, JOB_IN_FORCE, 0, false);
}

void http_api__get_ledger(struct http_api *api, struct http_request *request)
{
    uint64_t limit = RECORDS_LEN_DEFAULT;
    if (http_api__read_number(request, &limit, "limit", 1, RECORDS_LEN_MAX)) {
        http_api__ask_compute(api, request, JOB_LEDGER, limit, false);
    }
}

void http_api__post_reload(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    struct wait wait = {.kind = WAIT_FOR_COMPUTE};
    if (api->node.reload(api->node.context, request->id, &err) != SOTTO_OK) {
        http_answer_detail(request, MHD_HTTP_BAD_REQUEST, err.status,
                           "the old configuration stays in force: %s", err.text);
        return;
    }
    (void)http_api__wait_for(request, &wait, CREATE_SECONDS_MAX);
}
