/* SPDX-License-Identifier: Apache-2.0 */

/* What the API answers about tasks: how they are, their logs, and what is kept of each; API.md is
 * its specification. Leans on the store, which a reader of its own asks at once. The idea: what a
 * long poll waits for is answered by the same function as what is there already. */

#include "http/api_internal.h"
#include "store/store_found.h"
#include "store/store_models.h"
#include "store/store_receipt.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define LIST_LEN_MAX 256 /* so that CONNECTION_BYTES hold the longest */

static bool read_task_number(struct http_request *request, uint64_t *out)
{
    *out = 0;
    if (http_parameter(request, "task_id") == NULL) {
        http_answer_detail(request, MHD_HTTP_UNPROCESSABLE_CONTENT, SOTTO_ERROR_INPUT,
                           "task_id is missing: expected the number that POST /v1/task gave");
        return false;
    }
    return http_api__read_number(request, out, "task_id", 0, INT64_MAX);
}

/* Reads the task that the request names, or answers. */
static bool find_task(struct http_api *api, struct http_request *request, struct store_task *out)
{
    struct sotto_error err = {0};
    uint64_t number;
    if (!read_task_number(request, &number)) {
        return false;
    }
    enum sotto_status status = store_get_task(api->reader, out, number, &err);
    if (status != SOTTO_OK) {
        http_answer_detail(request,
                           status == SOTTO_ERROR_NOT_FOUND ? MHD_HTTP_BAD_REQUEST
                                                           : MHD_HTTP_INTERNAL_SERVER_ERROR,
                           status, "%s", err.text);
    }
    return status == SOTTO_OK;
}

/* --- Tasks --- */

static json_t *make_task_json(const struct store_task *task)
{
    return json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:b}", "id", (json_int_t)task->number,
                     "created_at", (json_int_t)task->created_ms, "name", task->name, "type",
                     task->type, "creator", task->creator, "status", task_state_name(task->state),
                     "enable_verify", (int)task->must_verify);
}

void http_api__get_metadata(struct http_api *api, struct http_request *request)
{
    struct store_task task;
    if (find_task(api, request, &task)) {
        http_answer_json(request, MHD_HTTP_OK, make_task_json(&task));
    }
}

/* How far the models of a task that failed have come. Returns: NULL if none has begun. */
static json_t *load_reached(const struct http_api *api, const struct store_task *task)
{
    char *json = NULL;
    bool has_failed = task->state == TASK_ERROR || task->state == TASK_CANCELLED;
    if (!has_failed || store_get_reached(api->reader, &json, task->number, NULL) != SOTTO_OK) {
        return NULL;
    }
    json_t *reached = json_loads(json, 0, NULL);
    sotto_free(json);
    return reached;
}

void http_api__answer_task_state(const struct http_api *api, struct http_request *request,
                                 const struct store_task *task)
{
    json_t *object = json_pack("{s:s}", "status", task_state_name(task->state));
    json_t *reached = load_reached(api, task);
    if (reached != NULL) {
        (void)json_object_set_new(object, "reached", reached);
    }
    if (task->error[0] != '\0') {
        (void)json_object_set_new(object, "error", json_string(task->error));
    }
    if (task->confirmation[0] != '\0') {
        (void)json_object_set_new(object, "confirmation", json_string(task->confirmation));
    }
    http_answer_json(request, MHD_HTTP_OK, object);
}

void http_api__get_status(struct http_api *api, struct http_request *request)
{
    struct store_task task;
    uint64_t wait_s = 0;
    if (!http_api__read_number(request, &wait_s, "wait", 0, POLL_SECONDS_MAX) ||
        !find_task(api, request, &task)) {
        return;
    }
    if (wait_s > 0 && !store_task_is_settled(&task)) {
        struct wait wait = {.kind = WAIT_FOR_END, .number = task.number};
        (void)http_api__wait_for(request, &wait, wait_s);
        return;
    }
    http_api__answer_task_state(api, request, &task);
}

struct list_query {
    struct http_api *api;
    struct http_request *request;
    json_t *array;
    size_t len;
    bool failed;
};

static enum MHD_Result list_task(void *context, enum MHD_ValueKind kind, const char *key,
                                 size_t key_bytes, const char *value, size_t value_bytes)
{
    struct list_query *query = context;
    struct sotto_error err = {0};
    struct store_task task;
    uint64_t number;
    (void)kind;
    (void)key_bytes;
    if (strcmp(key, "task_ids") != 0) {
        return MHD_YES;
    }
    query->failed = true;
    if (value == NULL || strlen(value) != value_bytes || !http_api__parse_number(&number, value) ||
        ++query->len > LIST_LEN_MAX) {
        http_answer_detail(query->request, MHD_HTTP_UNPROCESSABLE_CONTENT, SOTTO_ERROR_INPUT,
                           "task_ids: expected at most %d whole numbers, each as task_ids=NUMBER",
                           LIST_LEN_MAX);
        return MHD_NO;
    }
    if (store_get_task(query->api->reader, &task, number, &err) != SOTTO_OK) {
        http_answer_detail(query->request, MHD_HTTP_BAD_REQUEST, err.status, "%s", err.text);
        return MHD_NO;
    }
    query->failed = false;
    (void)json_array_append_new(query->array, make_task_json(&task));
    return MHD_YES;
}

void http_api__get_list(struct http_api *api, struct http_request *request)
{
    struct list_query query = {.api = api, .request = request, .array = json_array()};
    (void)MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, list_task,
                                      &query);
    if (query.failed) {
        json_decref(query.array);
    } else {
        http_answer_json(request, MHD_HTTP_OK, query.array);
    }
}

static void append_task(void *context, const struct store_task *task)
{
    (void)json_array_append_new(context, make_task_json(task));
}

/* Reads which tasks are wanted, or answers. */
static bool read_filter(struct http_request *request, struct store_filter *out)
{
    const char *state = http_parameter(request, "status");
    const char *name = http_parameter(request, "name");
    *out = (struct store_filter){.state = TASK_STATES_LEN, .name = name != NULL ? name : ""};
    for (int i = 0; state != NULL && i < TASK_STATES_LEN; i++) {
        if (strcmp(state, task_state_name((enum task_state)i)) == 0) {
            out->state = (enum task_state)i;
        }
    }
    if (state != NULL && out->state == TASK_STATES_LEN) {
        http_answer_detail(request, MHD_HTTP_UNPROCESSABLE_CONTENT, SOTTO_ERROR_INPUT,
                           "status: expected a state of a task, such as FINISHED");
        return false;
    }
    return true;
}

void http_api__get_tasks(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    uint64_t page = 1;
    uint64_t page_size = PAGE_SIZE_DEFAULT;
    struct store_filter filter;
    uint64_t len = 0;
    const char *order = http_parameter(request, "order");
    if (!http_api__read_number(request, &page, "page", 1, UINT32_MAX) ||
        !http_api__read_number(request, &page_size, "page_size", 1, PAGE_SIZE_MAX) ||
        !read_filter(request, &filter)) {
        return;
    }
    if (order != NULL && strcmp(order, "desc") != 0 && strcmp(order, "asc") != 0) {
        http_answer_detail(request, MHD_HTTP_UNPROCESSABLE_CONTENT, SOTTO_ERROR_INPUT,
                           "order: expected asc or desc");
        return;
    }
    json_t *array = json_array();
    filter.descending = order == NULL || strcmp(order, "desc") == 0;
    if (store_count_found(api->reader, &len, &filter, &err) != SOTTO_OK ||
        store_each_task(api->reader, (page - 1) * page_size, page_size, &filter, append_task, array,
                        &err) != SOTTO_OK) {
        json_decref(array);
        http_api__answer_error(request, &err);
        return;
    }
    http_answer_json(request, MHD_HTTP_OK,
                     json_pack("{s:o, s:I}", "tasks", array, "total_pages",
                               (json_int_t)http_api__count_pages(len, page_size)));
}

/* --- Logs and results --- */

static void append_log(void *context, uint64_t id, int64_t created_ms, const char *message)
{
    (void)json_array_append_new(context,
                                json_pack("{s:I, s:I, s:s}", "id", (json_int_t)id, "created_at",
                                          (json_int_t)created_ms, "message", message));
}

bool http_api__answer_logs(struct http_api *api, struct http_request *request,
                           const struct wait *wait, bool may_wait)
{
    struct sotto_error err = {0};
    json_t *array = json_array();
    if (store_each_log(api->reader, wait->number, wait->start, wait->limit, append_log, array,
                       &err) != SOTTO_OK) {
        json_decref(array);
        http_api__answer_error(request, &err);
        return true;
    }
    if (may_wait && json_array_size(array) == 0) {
        json_decref(array);
        return false;
    }
    http_answer_json(request, MHD_HTTP_OK, array);
    return true;
}

void http_api__get_logs(struct http_api *api, struct http_request *request)
{
    struct store_task task;
    uint64_t wait_s = 0;
    struct wait wait = {.kind = WAIT_FOR_LOGS, .limit = PAGE_SIZE_DEFAULT};
    if (!http_api__read_number(request, &wait.start, "start", 0, INT64_MAX) ||
        !http_api__read_number(request, &wait.limit, "limit", 1, PAGE_SIZE_MAX) ||
        !http_api__read_number(request, &wait_s, "wait", 0, POLL_SECONDS_MAX) ||
        !find_task(api, request, &task)) {
        return;
    }
    wait.number = task.number;
    if (!http_api__answer_logs(api, request, &wait, wait_s > 0 && !store_task_is_settled(&task))) {
        (void)http_api__wait_for(request, &wait, wait_s);
    }
}

void http_api__get_result(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    struct store_task task;
    char *json = NULL;
    if (!find_task(api, request, &task)) {
        return;
    }
    if (!task_state_has_ended(task.state)) {
        http_answer_detail(request, MHD_HTTP_BAD_REQUEST, SOTTO_ERROR_STATE,
                           "task %llu is not finished", (unsigned long long)task.number);
    } else if (task.state != TASK_FINISHED && task.state != TASK_CONFIRMED) {
        json_t *reached = load_reached(api, &task);
        http_answer_detail(request, MHD_HTTP_BAD_REQUEST, SOTTO_ERROR_STATE,
                           "task %llu has no result, it is %s: %s%s",
                           (unsigned long long)task.number, task_state_name(task.state), task.error,
                           reached != NULL ? "; its models go on from their last coefficients in a "
                                             "task that starts from it (start_from)"
                                           : "");
        json_decref(reached);
    } else if (store_get_result(api->reader, &json, task.number, &err) != SOTTO_OK) {
        http_api__answer_error(request, &err);
    } else {
        http_answer_take(request, MHD_HTTP_OK, "application/json", json, strlen(json));
    }
}

void http_api__get_plan(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    struct store_task task;
    char *json = NULL;
    if (!find_task(api, request, &task)) {
        return;
    }
    if (store_get_plan(api->reader, &json, task.number, &err) != SOTTO_OK) {
        http_api__answer_error(request, &err);
    } else {
        http_answer_take(request, MHD_HTTP_OK, "application/json", json, strlen(json));
    }
}

void http_api__get_steps(struct http_api *api, struct http_request *request)
{
    struct store_task task;
    if (find_task(api, request, &task)) {
        http_api__answer_steps(api, request, task.number);
    }
}

void http_api__get_words(struct http_api *api, struct http_request *request)
{
    struct store_task task;
    if (find_task(api, request, &task)) {
        http_api__ask_compute(api, request, JOB_WORDS, task.number, false);
    }
}

/* What is kept of a task that is there, or why there is none. */
static void answer_kept(struct http_request *request, enum sotto_status status, char *json,
                        const struct sotto_error *err)
{
    if (status == SOTTO_ERROR_NOT_FOUND) {
        http_answer_detail(request, MHD_HTTP_BAD_REQUEST, status, "%s", err->text);
    } else if (status != SOTTO_OK) {
        http_api__answer_error(request, err);
    } else {
        http_answer_take(request, MHD_HTTP_OK, "application/json", json, strlen(json));
    }
}

/* A full receipt has all vectors of the task: another thread reads and encodes it. */
void http_api__get_receipt(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    struct store_task task;
    char *json = NULL;
    uint64_t is_full = 0;
    if (!http_api__read_number(request, &is_full, "full", 0, 1) ||
        !find_task(api, request, &task)) {
        return;
    }
    if (is_full == 1) {
        http_api__ask_compute(api, request, JOB_RECEIPT, task.number, false);
        return;
    }
    enum sotto_status status = store_receipt_json(api->reader, &json, &task, false, &err);
    answer_kept(request, status, json, &err);
}

void http_api__get_model(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    struct store_task task;
    char *json = NULL;
    uint64_t round = 0;
    if (!http_api__read_number(request, &round, "round", 0, SOTTO_PLAN_LEARNING_ROUNDS_MAX) ||
        !find_task(api, request, &task)) {
        return;
    }
    enum sotto_status status =
        store_model_json(api->reader, &json, task.number, (uint32_t)round, &err);
    answer_kept(request, status, json, &err);
}

void http_api__post_cancel(struct http_api *api, struct http_request *request)
{
    struct store_task task;
    if (find_task(api, request, &task)) {
        http_api__ask_compute(api, request, JOB_CANCEL, task.number, false);
    }
}
