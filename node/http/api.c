/* SPDX-License-Identifier: Apache-2.0 */

/* The API's routes, what is asked of the compute thread, and what the node says of itself; API.md
 * is its specification. Reads come from the store at once; what changes anything goes to the
 * compute thread as a job, and the request waits. The idea: a request that waits carries what it
 * waits for (struct wait), and whatever happens (a reply, news of a task, its time) goes over those
 * that wait. */

#include "http/api_internal.h"
#include "http/pages.h"
#include "loop/log.h"

#include <errno.h>
#include <jansson.h>
#include <sotto/alloc.h>
#include <sotto/bundle.h>
#include <sotto/plan.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Connections under one token. */
#define SEATS_OF_TOKEN 64

typedef void route_handler(struct http_api *api, struct http_request *request);

/* --- Parameters --- */

bool http_api__parse_number(uint64_t *out, const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > INT64_MAX) {
        return false;
    }
    *out = value;
    return true;
}

bool http_api__read_number(struct http_request *request, uint64_t *out, const char *name,
                           uint64_t min, uint64_t max)
{
    const char *text = http_parameter(request, name);
    uint64_t value = 0;
    if (text == NULL) {
        return true; /* *out holds the default */
    }
    if (!http_api__parse_number(&value, text) || value < min || value > max) {
        http_answer_detail(request, MHD_HTTP_UNPROCESSABLE_CONTENT, SOTTO_ERROR_INPUT,
                           "%s: expected a whole number from %llu to %llu", name,
                           (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    *out = value;
    return true;
}

uint64_t http_api__count_pages(uint64_t len, uint64_t page_size)
{
    return (len + page_size - 1) / page_size;
}

void http_api__answer_error(struct http_request *request, const struct sotto_error *err)
{
    log_warning("%s", err->text);
    http_answer_detail(request, MHD_HTTP_INTERNAL_SERVER_ERROR, err->status, "%s", err->text);
}

/* --- Columns --- */

/* A file that was never read before is read to its end: the compute thread does that. */
static void get_columns(struct http_api *api, struct http_request *request)
{
    if (http_parameter(request, "dataset") == NULL) {
        http_answer_detail(request, MHD_HTTP_UNPROCESSABLE_CONTENT, SOTTO_ERROR_INPUT,
                           "dataset is missing: expected the name of a file, as plans have it");
        return;
    }
    http_api__ask_compute(api, request, JOB_COLUMNS, 0, false);
}

/* Which peers need not be waited for when something starts now. Returns: NULL if there is no
 * memory, and then all of them are waited for. */
static bool *find_away(const struct http_api *api)
{
    size_t len = api->shared->config->file->peers_count;
    bool *away = sotto_alloc_zeroed((api->shared->config->places_max + 1) * sizeof *away);
    for (size_t i = 0; away != NULL && i < len; i++) {
        away[i] =
            config_has_peer(api->shared->config, i) && api->node.is_away(api->node.context, i);
    }
    return away;
}

/* --- Commands --- */

bool http_api__wait_for(struct http_request *request, const struct wait *wait, uint64_t wait_s)
{
    struct wait *copy = sotto_alloc_zeroed(sizeof *copy);
    if (copy == NULL) {
        http_answer_detail(request, MHD_HTTP_INTERNAL_SERVER_ERROR, SOTTO_ERROR_NO_MEMORY,
                           "out of memory");
        return false;
    }
    *copy = *wait;
    request->context = copy;
    http_wait(request, clock_ms() + wait_s * 1000);
    return true;
}

void http_api__push_job(struct http_api *api, struct http_request *request, struct job *job)
{
    struct wait wait = {.kind = WAIT_FOR_COMPUTE, .number = job->number};
    job->lane = LANE_OWN;
    job->request = request->id;
    memcpy(job->asker, request->asker, sizeof job->asker);
    if (!http_api__wait_for(request, &wait, CREATE_SECONDS_MAX)) {
        job_free(job);
        return;
    }
    queue_push(api->shared->jobs, job);
}

void http_api__ask_compute(struct http_api *api, struct http_request *request, enum job_kind kind,
                           uint64_t number, bool approves)
{
    struct job *job = job_new(kind);
    if (job == NULL) {
        http_answer_detail(request, MHD_HTTP_INTERNAL_SERVER_ERROR, SOTTO_ERROR_NO_MEMORY,
                           "out of memory");
        return;
    }
    job->number = number;
    job->approves = approves;
    if (kind == JOB_CREATE || kind == JOB_BROWSE) {
        job->away = find_away(api);
    }
    if (kind == JOB_CREATE || kind == JOB_CHECK || kind == JOB_OFFER_CODE) {
        job->bytes.data = sotto_writer_take(&request->body, &job->bytes.data_bytes);
    } else if (kind == JOB_COLUMNS) {
        const char *dataset = http_parameter(request, "dataset");
        job->bytes.data = (uint8_t *)sotto_text_copy(dataset, strlen(dataset));
        job->bytes.data_bytes = strlen(dataset) + 1;
    }
    http_api__push_job(api, request, job);
}

static void get_datasets(struct http_api *api, struct http_request *request)
{
    http_api__ask_compute(api, request, JOB_BROWSE, 0, false);
}

static void post_task(struct http_api *api, struct http_request *request)
{
    uint64_t start_from = 0;
    if (!http_api__read_number(request, &start_from, "start_from", 1, INT64_MAX)) {
        return;
    }
    if (request->body.data_bytes == 0 && start_from == 0) {
        http_answer_detail(request, MHD_HTTP_BAD_REQUEST, SOTTO_ERROR_PLAN,
                           "the body is empty: expected a plan as JSON");
        return;
    }
    http_api__ask_compute(api, request, JOB_CREATE, start_from, false);
}

static void post_check(struct http_api *api, struct http_request *request)
{
    http_api__ask_compute(api, request, JOB_CHECK, 0, false);
}

/* --- The node itself --- */

static json_t *make_node_json(const struct http_api *api, size_t id)
{
    char key[SOTTO_KEY_TEXT_BYTES];
    const struct shared *shared = api->shared;
    const struct config_file *file = shared->config->file;
    bool is_self = id == 0;
    sotto_key_to_text(is_self ? &shared->key : &shared->config->peer_keys[id - 1], key);
    const char *url = is_self ? "" : file->peers[id - 1].url;
    return json_pack("{s:I, s:s, s:s, s:s, s:b}", "id", (json_int_t)id + 1, "url",
                     url != NULL ? url : "", "name",
                     is_self ? file->name : file->peers[id - 1].name, "key", key, "connected",
                     is_self || api->node.is_connected(api->node.context, id - 1));
}

static void get_nodes(struct http_api *api, struct http_request *request)
{
    uint64_t page = 1;
    uint64_t page_size = PAGE_SIZE_DEFAULT;
    const struct config *config = api->shared->config;
    uint64_t len = (uint64_t)config_count_peers(config) + 1;
    if (!http_api__read_number(request, &page, "page", 1, UINT32_MAX) ||
        !http_api__read_number(request, &page_size, "page_size", 1, PAGE_SIZE_MAX)) {
        return;
    }
    json_t *array = json_array();
    uint64_t at = 0; /* of those that are listed */
    for (uint64_t id = 0; id <= config->file->peers_count; id++) {
        bool is_listed = id == 0 || config_has_peer(config, id - 1);
        if (is_listed && at / page_size == page - 1) {
            (void)json_array_append_new(array, make_node_json(api, id));
        }
        at += is_listed;
    }
    http_answer_json(request, MHD_HTTP_OK,
                     json_pack("{s:o, s:I}", "nodes", array, "total_pages",
                               (json_int_t)http_api__count_pages(len, page_size)));
}

static void get_contract(struct http_api *api, struct http_request *request)
{
    (void)api;
    char *copy = sotto_text_copy((const char *)api_contract, api_contract_bytes);
    http_answer_take(request, copy != NULL ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR,
                     "application/json", copy, copy != NULL ? api_contract_bytes : 0);
}

/* --- Routes --- */

struct route {
    const char *method;
    const char *path;
    route_handler *handler;
    unsigned roles; /* who may, besides ROLE_ADMIN; ANYBODY: no token is needed */
};

#define ANYBODY (1U << 31)
#define READERS ((unsigned)ROLE_ASK | ROLE_READ)
#define EVERY_ROLE (READERS | ROLE_APPROVE | ROLE_WATCH)
#define WATCHERS ((unsigned)ROLE_WATCH | ROLE_APPROVE) /* refusals are for the owner */

static const struct route routes[] = {
    {"POST", "/v1/task", post_task, ROLE_ASK},
    {"GET", "/v1/task/metadata", http_api__get_metadata, READERS},
    {"GET", "/v1/task/status", http_api__get_status, READERS},
    {"GET", "/v1/task/list", http_api__get_list, READERS},
    {"GET", "/v1/tasks", http_api__get_tasks, READERS},
    {"GET", "/v1/task/logs", http_api__get_logs, READERS},
    {"GET", "/v1/task/plan", http_api__get_plan, READERS},
    {"GET", "/v1/task/words", http_api__get_words, READERS},
    {"GET", "/v1/task/steps", http_api__get_steps, READERS},
    {"GET", "/v1/task/result", http_api__get_result, READERS},
    {"GET", "/v1/task/receipt", http_api__get_receipt, READERS},
    {"GET", "/v1/task/model", http_api__get_model, READERS},
    {"GET", "/v1/columns", get_columns, ROLE_ASK},
    {"GET", "/v1/datasets", get_datasets, ROLE_ASK},
    {"POST", "/v1/login", http_api__post_login, ANYBODY},
    {"POST", "/v1/logout", http_api__post_logout, EVERY_ROLE},
    {"GET", "/v1/me", http_api__get_me, EVERY_ROLE},
    {"GET", "/v1/nodes", get_nodes, EVERY_ROLE},
    {"POST", "/v1/task/cancel", http_api__post_cancel, ROLE_ASK},
    {"POST", "/v1/task/check", post_check, ROLE_ASK},
    {"GET", "/v1/asked", http_api__get_asked, ROLE_APPROVE},
    {"GET", "/v1/asked/one", http_api__get_asked_one, ROLE_APPROVE},
    {"GET", "/v1/asked/rules", http_api__get_asked_rules, ROLE_APPROVE},
    {"POST", "/v1/asked/approve", http_api__post_approve, ROLE_APPROVE},
    {"POST", "/v1/asked/reject", http_api__post_reject, ROLE_APPROVE},
    {"GET", "/v1/code", http_api__get_code, ROLE_APPROVE},
    {"GET", "/v1/code/one", http_api__get_code_one, ROLE_APPROVE},
    {"POST", "/v1/code/offer", http_api__post_code_offer, ROLE_ASK},
    {"POST", "/v1/code/approve", http_api__post_code_approve, ROLE_APPROVE},
    {"POST", "/v1/code/revoke", http_api__post_code_revoke, ROLE_APPROVE},
    {"GET", "/v1/record", http_api__get_record, ROLE_APPROVE},
    {"GET", "/v1/record/one", http_api__get_record_one, ROLE_APPROVE},
    {"GET", "/v1/ledger", http_api__get_ledger, ROLE_APPROVE},
    {"GET", "/v1/policy", http_api__get_policy, ROLE_APPROVE},
    {"POST", "/v1/reload", http_api__post_reload, ROLE_ADMIN},
    {"GET", "/healthz", http_api__get_health, ANYBODY},
    {"GET", "/readyz", http_api__get_ready, EVERY_ROLE},
    {"GET", "/metrics", http_api__get_metrics, WATCHERS},
    {"GET", "/openapi.json", get_contract, ANYBODY},
};

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(routes[i].path, path) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

/* Answers if the role may not do this. */
static void check_role(struct http_request *request, const struct asker *asker,
                       const struct route *route)
{
    if (asker->role != ROLE_ADMIN && (route->roles & (asker->role | ANYBODY)) == 0) {
        http_answer_detail(request, MHD_HTTP_FORBIDDEN, SOTTO_ERROR_REFUSED,
                           "%s is not for the token %s, whose role is %s", route->path, asker->name,
                           token_role_name(asker->role));
    }
}

static bool has_body(const struct http_request *request)
{
    struct MHD_Connection *connection = request->connection;
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    return (length != NULL && strtoull(length, NULL, 10) > 0) ||
           MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding") != NULL;
}

static void on_begin(void *context, struct http_request *request)
{
    struct http_api *api = context;
    const struct route *route = find_route(request->url);
    bool is_page = pages_find(request->url) != NULL;
    bool is_open = is_page || (route != NULL && route->roles == ANYBODY);
    const char *method = is_page ? "GET" : route != NULL ? route->method : "";
    struct asker asker;
    bool is_known = http_api__find_asker(api, &asker, request);
    if (is_known) {
        http_prove(request, asker.owner);
        (void)snprintf(request->asker, sizeof request->asker, "%s", asker.name);
    }
    if (!is_known && !is_open) {
        http_api__answer_unknown(request);
    } else if (route == NULL && !is_page) {
        http_answer_detail(request, MHD_HTTP_NOT_FOUND, SOTTO_ERROR_NOT_FOUND,
                           "there is no such path");
    } else if (strcmp(method, request->method) != 0) {
        request->allow = method;
        http_answer_detail(request, MHD_HTTP_METHOD_NOT_ALLOWED, SOTTO_ERROR_INPUT, "%s takes %s",
                           request->url, method);
    } else if (!is_known && has_body(request)) { /* nothing of a stranger is kept in memory */
        http_answer_detail(request, MHD_HTTP_CONTENT_TOO_LARGE, SOTTO_ERROR_LIMIT,
                           "%s takes no body from who has no token", request->url);
    } else if (is_known && !is_page) {
        check_role(request, &asker, route);
    }
    if (!request->is_answered && route != NULL && route->handler == http_api__post_code_offer) {
        http_limit_body(request, SOTTO_BUNDLE_BYTES_MAX);
    }
}

static void on_complete(void *context, struct http_request *request)
{
    const struct route *route = find_route(request->url);
    const struct page *page = pages_find(request->url);
    if (page != NULL) {
        pages_answer(request, page);
    } else if (route != NULL) { /* on_begin has answered else */
        route->handler(context, request);
    }
}

/* Answers a long poll with what there is. */
static void finish_wait(struct http_api *api, struct http_request *request)
{
    struct sotto_error err = {0};
    struct store_task task;
    const struct wait *wait = request->context;
    switch (wait->kind) {
    case WAIT_FOR_LOGS:
        (void)http_api__answer_logs(api, request, wait, false);
        break;
    case WAIT_FOR_END:
        if (store_get_task(api->reader, &task, wait->number, &err) == SOTTO_OK) {
            http_api__answer_task_state(api, request, &task);
        } else {
            http_api__answer_error(request, &err);
        }
        break;
    case WAIT_TO_REFUSE:
        http_api__answer_unknown(request);
        break;
    case WAIT_FOR_COMPUTE:
        http_answer_detail(request, MHD_HTTP_SERVICE_UNAVAILABLE, SOTTO_ERROR_TIMEOUT,
                           "the node is busy: look at /v1/tasks for what became of this");
        break;
    }
}

static void on_expired(void *context, struct http_request *request)
{
    finish_wait(context, request);
}

void http_api_changed(struct http_api *api, uint64_t number)
{
    struct sotto_error err = {0};
    struct store_task task;
    bool has_ended = store_get_task(api->reader, &task, number, &err) != SOTTO_OK ||
                     store_task_is_settled(&task);
    for (struct http_request *request = http_waiting(api->server); request != NULL;) {
        struct http_request *next = request->next;
        const struct wait *wait = request->context;
        if (wait->number == number && wait->kind == WAIT_FOR_LOGS) {
            (void)http_api__answer_logs(api, request, wait, !has_ended);
        } else if (wait->number == number && wait->kind == WAIT_FOR_END && has_ended) {
            finish_wait(api, request);
        }
        request = next;
    }
}

enum sotto_status http_api_renew_tls(struct http_api *api, struct sotto_error *err)
{
    return http_server_renew_tls(api->server, &api->shared->config->file->api, err);
}

void http_api_reply(struct http_api *api, struct job *event)
{
    struct http_request *request = http_find(api->server, event->request);
    if (request != NULL) {
        http_answer_take(request, event->http_status, "application/json", event->bytes.data,
                         event->bytes.data_bytes);
        event->bytes = (struct sotto_buffer){0};
    }
}

enum sotto_status http_api_new(struct http_api **out, uint16_t *out_port,
                               const struct shared *shared, struct store *reader,
                               const struct api_node *node, struct sotto_error *err)
{
    struct http_api *api = sotto_alloc_zeroed(sizeof *api);
    if (api == NULL) {
        return sotto_error_no_memory(err);
    }
    const struct config_listener *listener = &shared->config->file->api;
    struct http_handlers handlers = {
        .name = "api",
        .context = api,
        .begin = on_begin,
        .complete = on_complete,
        .expired = on_expired,
        .body_bytes_max = SOTTO_PLAN_BYTES_MAX,
        .owners_len = 1 + TOKENS_MAX,
        .seats_of_owner = SEATS_OF_TOKEN,
    };
    api->shared = shared;
    api->reader = reader;
    api->node = *node;
    tokens_path(api->tokens_path, listener->token_file);
    enum sotto_status status = token_file_load(listener->token_file, api->token, true, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = http_server_new(&api->server, out_port, shared->loop, listener, &handlers, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out = api;
    api = NULL;
out:
    http_api_free(api);
    return status;
}

void http_api_free(struct http_api *api)
{
    if (api != NULL) {
        http_server_free(api->server);
        sotto_wipe(api->token, sizeof api->token);
        sotto_wipe(&api->logins, sizeof api->logins);
        sotto_free(api);
    }
}
