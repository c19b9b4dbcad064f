/* SPDX-License-Identifier: Apache-2.0 */

/* One HTTP listener. It leans on libmicrohttpd, which calls back for every piece of a request; this
 * file collects the pieces, and calls the few functions of http_handlers: headers are there, the
 * body is there, time is up, it is over. The idea: a request is answered once, by whoever knows the
 * answer first, at once or after it has waited (suspended). All of it happens on the loop thread,
 * where libmicrohttpd runs in each turn (before_wait). */

#include "http/http_internal.h"

#include "loop/log.h"
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDLE_SECONDS 120
/* After a refusal so much of the body is read and dropped, so that the caller reads the answer;
 * then the connection is cut. */
#define DRAIN_BYTES_MAX ((size_t)1024 * 1024)

/* What libmicrohttpd keeps for a connection: buffers for its headers, and for pieces of a body. */
#define CONNECTION_BYTES ((size_t)32 * 1024)

/* --- Answers --- */

/* Cuts the request's connection in so many seconds, unless the next step comes before. */
static void set_deadline(struct http_request *request, unsigned seconds)
{
    seats_set_deadline(&request->server->seats, &request->of->seat,
                       clock_ms() + seconds * UINT64_C(1000));
}

static void unlink_waiting(struct http_request *request)
{
    struct http_request **at = &request->server->waiting;
    while (*at != NULL && *at != request) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = request->next;
    }
}

void http_answer_take(struct http_request *request, int status, const char *content_type,
                      void *data, size_t data_bytes)
{
    SOTTO_REQUIRE(!request->is_answered);
    request->is_answered = true;
    request->status = status;
    request->content_type = content_type;
    request->answer = (struct sotto_buffer){.data = data, .data_bytes = data_bytes};
    if (request->is_suspended) {
        request->is_suspended = false;
        request->of->seat.is_waiting = false;
        unlink_waiting(request);
        MHD_resume_connection(request->connection);
    }
}

void http_answer_json(struct http_request *request, int status, json_t *object)
{
    char *text = object != NULL ? json_dumps(object, 0) : NULL;
    json_decref(object);
    size_t bytes = text != NULL ? strlen(text) : 0;
    char *copy = text != NULL ? sotto_text_copy(text, bytes) : NULL;
    free(text);
    http_answer_take(request, copy != NULL ? status : MHD_HTTP_INTERNAL_SERVER_ERROR,
                     "application/json", copy, copy != NULL ? bytes : 0);
}

void http_answer_detail(struct http_request *request, int status, enum sotto_status code,
                        const char *format, ...)
{
    char text[SOTTO_ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text[sotto_utf8_valid_prefix(text, strlen(text))] = '\0';
    http_answer_json(request, status,
                     json_pack("{s:s, s:s}", "detail", text, "code", sotto_status_name(code)));
}

void http_answer_status(struct http_request *request, int status)
{
    http_answer_take(request, status, "application/octet-stream", NULL, 0);
}

void http_answer_static(struct http_request *request, const char *content_type,
                        const char *const *headers, const void *data, size_t data_bytes)
{
    request->is_static = true;
    request->headers = headers;
    http_answer_take(request, MHD_HTTP_OK, content_type, (void *)data, data_bytes);
}

void http_limit_body(struct http_request *request, size_t bytes_max)
{
    request->body_bytes_max = bytes_max;
    sotto_writer_init(&request->body, bytes_max);
}

void http_wait(struct http_request *request, uint64_t deadline_ms)
{
    SOTTO_REQUIRE(!request->is_answered && !request->is_suspended);
    request->is_suspended = true;
    request->deadline_ms = deadline_ms;
    request->next = request->server->waiting;
    request->server->waiting = request;
    request->of->seat.is_waiting = true;
    MHD_suspend_connection(request->connection);
}

/* A suspended connection is not watched by libmicrohttpd. */
bool http_is_closed(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd socket = {.fd = info != NULL ? info->connect_fd : -1, .events = POLLRDHUP};
    return poll(&socket, 1, 0) == 1 && (socket.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

struct http_request *http_waiting(struct http_server *server)
{
    return server->waiting;
}

struct http_request *http_find(struct http_server *server, uint64_t id)
{
    struct http_request *request = server->waiting;
    while (request != NULL && request->id != id) {
        request = request->next;
    }
    return request;
}

const char *http_parameter(const struct http_request *request, const char *name)
{
    const char *value = NULL;
    size_t bytes = 0;
    if (MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name,
                                      strlen(name), &value, &bytes) != MHD_YES) {
        return NULL;
    }
    /* A text that goes on behind a NUL (%00) is no value of any parameter. */
    return value != NULL && strlen(value) == bytes ? value : "";
}

void http_prove(struct http_request *request, size_t owner)
{
    struct seats *seats = &request->server->seats;
    seats_prove(seats, &request->of->seat, owner);
    set_deadline(request, BODY_SECONDS);
}

void http_server_cut(struct http_server *server, size_t owner)
{
    seats_cut(&server->seats, owner);
}

uint64_t http_server_bytes_in(const struct http_server *server)
{
    return server->bytes_in;
}

uint64_t http_server_bytes_out(const struct http_server *server)
{
    return server->bytes_out;
}

static void free_answer(void *data)
{
    sotto_free(data);
}

static void add_headers(struct MHD_Response *response, const struct http_request *request)
{
    (void)MHD_add_response_header(response, "Content-Type", request->content_type);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    for (const char *const *at = request->headers; at != NULL && *at != NULL; at += 2) {
        (void)MHD_add_response_header(response, at[0], at[1]);
    }
    if (request->cookie[0] != '\0') {
        (void)MHD_add_response_header(response, "Set-Cookie", request->cookie);
    }
    if (request->allow != NULL) {
        (void)MHD_add_response_header(response, "Allow", request->allow);
    }
    if (request->status == MHD_HTTP_UNAUTHORIZED) {
        (void)MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    }
}

static enum MHD_Result send_answer(struct http_request *request)
{
    size_t bytes = request->answer.data_bytes;
    void *data = request->answer.data;
    bool is_owned = data != NULL && !request->is_static;
    struct MHD_Response *response =
        is_owned ? MHD_create_response_from_buffer_with_free_callback(bytes, data, free_answer)
                 : MHD_create_response_from_buffer(bytes, data, MHD_RESPMEM_PERSISTENT);
    request->answer = (struct sotto_buffer){0};
    if (response == NULL) {
        sotto_free(is_owned ? data : NULL);
        return MHD_NO;
    }
    struct http_server *server = request->server;
    server->bytes_out += bytes;
    set_deadline(request, ANSWER_SECONDS);
    bool is_leaving =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_DAEMON)->daemon !=
        server->daemon; /* under another certificate than the present one */
    bool is_refused =
        request->of->seat.owner == SEAT_STRANGER && request->status >= MHD_HTTP_BAD_REQUEST;
    if (is_leaving || is_refused) {
        (void)MHD_add_response_header(response, "Connection", "close");
    }
    add_headers(response, request);
    enum MHD_Result result =
        MHD_queue_response(request->connection, (unsigned)request->status, response);
    MHD_destroy_response(response);
    return result;
}

/* --- Requests --- */

static void request_free(struct http_request *request)
{
    sotto_writer_release(&request->body);
    if (!request->is_static) {
        sotto_buffer_release(&request->answer);
    }
    sotto_free(request->context);
    sotto_free(request->url);
    sotto_free(request->method);
    sotto_free(request);
}

static struct http_request *request_new(struct http_server *server,
                                        struct MHD_Connection *connection, const char *url,
                                        const char *method)
{
    struct http_request *request = sotto_alloc_zeroed(sizeof *request);
    if (request == NULL) {
        return NULL;
    }
    request->server = server;
    request->connection = connection;
    request->of =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    request->id = ++server->last_id;
    request->url = sotto_text_copy(url, strlen(url));
    request->method = sotto_text_copy(method, strlen(method));
    http_limit_body(request, server->handlers.body_bytes_max);
    if (request->of == NULL || request->url == NULL || request->method == NULL) {
        request_free(request);
        return NULL;
    }
    return request;
}

/* Refuses a body whose Content-Length says that it is too long, before any of it is read. */
static void check_length(struct http_request *request)
{
    const char *length =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Content-Length");
    size_t max = request->body_bytes_max;
    if (length != NULL && strtoull(length, NULL, 10) > max) {
        http_answer_detail(request, MHD_HTTP_CONTENT_TOO_LARGE, SOTTO_ERROR_LIMIT,
                           "the body is longer than %zu bytes", max);
    }
}

static enum MHD_Result take_body(struct http_request *request, const char *data, size_t *data_bytes)
{
    const struct http_handlers *handlers = &request->server->handlers;
    size_t bytes = *data_bytes;
    *data_bytes = 0;
    request->server->bytes_in += bytes;
    if (request->is_answered) { /* refused: drain a little, so that the answer can be read */
        request->drained_bytes += bytes;
        return request->drained_bytes > DRAIN_BYTES_MAX ? MHD_NO : MHD_YES;
    }
    sotto_write_bytes(&request->body, data, bytes);
    if (sotto_writer_status(&request->body) != SOTTO_OK) {
        http_answer_detail(request, MHD_HTTP_CONTENT_TOO_LARGE, SOTTO_ERROR_LIMIT,
                           "the body is longer than %zu bytes", request->body_bytes_max);
    } else if (handlers->prefix != NULL && !request->is_checked &&
               request->body.data_bytes >= handlers->prefix_bytes) {
        request->is_checked = true;
        handlers->prefix(handlers->context, request);
    }
    if (request->is_answered) {
        sotto_writer_release(&request->body);
        sotto_writer_init(&request->body, 0);
    }
    return MHD_YES;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_bytes, void **state)
{
    struct http_server *server = context;
    struct http_request *request = *state;
    (void)version;
    if (request == NULL) {
        request = request_new(server, connection, url, method);
        if (request == NULL) {
            return MHD_NO;
        }
        *state = request;
        set_deadline(request, STRANGER_SECONDS);
        server->handlers.begin(server->handlers.context, request);
        if (!request->is_answered) {
            check_length(request);
        }
        return request->is_answered ? send_answer(request) : MHD_YES;
    }
    if (*data_bytes > 0) {
        return take_body(request, data, data_bytes);
    }
    if (!request->is_answered && server->is_stopping) {
        /* Nobody resumes what would wait now, and MHD_stop_daemon aborts on what does. */
        http_answer_detail(request, MHD_HTTP_SERVICE_UNAVAILABLE, SOTTO_ERROR_STATE,
                           "the node is stopping");
    } else if (!request->is_answered) {
        seats_set_deadline(&server->seats, &request->of->seat, UINT64_MAX);
        server->handlers.complete(server->handlers.context, request);
    }
    return request->is_answered ? send_answer(request) : MHD_YES;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct http_server *server = context;
    struct http_request *request = *state;
    (void)connection;
    (void)code;
    if (request != NULL) {
        if (request->is_suspended) {
            unlink_waiting(request);
        }
        if (server->handlers.ended != NULL) {
            server->handlers.ended(server->handlers.context, request);
        }
        seats_set_deadline(&server->seats, &request->of->seat, UINT64_MAX);
        request_free(request);
        *state = NULL;
    }
}

/* --- Connections --- */

/* A connection without its seat ends at once: what a cut connection says is not read. */
static void cut_connection(void *context)
{
    const struct http_connection *connection = context;
    (void)shutdown(connection->fd, SHUT_RDWR);
}

static void connection_start(struct http_server *server, struct MHD_Connection *connection,
                             void **socket_context)
{
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const struct sockaddr *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    struct http_connection *made = sotto_alloc_zeroed(sizeof *made);
    *socket_context = made;
    if (made == NULL) {
        (void)shutdown(fd, SHUT_RDWR);
        return;
    }
    made->server = server;
    made->fd = fd;
    seats_enter(&server->seats, &made->seat, address, made, clock_ms());
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = context;
    struct http_connection *ended = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_start(server, connection, socket_context);
    } else if (ended != NULL) {
        size_t owner = ended->seat.owner;
        seats_leave(&server->seats, &ended->seat);
        if (owner != SEAT_STRANGER && server->handlers.closed != NULL &&
            !seats_has(&server->seats, owner)) {
            server->handlers.closed(server->handlers.context, owner);
        }
        sotto_free(ended);
        *socket_context = NULL;
    }
}

/* --- The loop --- */

static int before_wait(void *context)
{
    struct http_server *server = context;
    uint64_t now_ms = clock_ms();
    uint64_t deadline_ms = UINT64_MAX;
    if (server->is_stopping) {
        return -1;
    }
    for (struct http_request *request = server->waiting; request != NULL;) {
        struct http_request *next = request->next;
        if (request->deadline_ms <= now_ms) {
            server->handlers.expired(server->handlers.context, request);
        } else if (request->deadline_ms < deadline_ms) {
            deadline_ms = request->deadline_ms;
        }
        request = next;
    }
    uint64_t seat_ms = seats_sweep(&server->seats, now_ms);
    deadline_ms = seat_ms < deadline_ms ? seat_ms : deadline_ms;
    int wait_ms = http__run_daemon(server->daemon);
    int leaving_ms = http__run_leaving(server);
    wait_ms = wait_ms < 0 || (leaving_ms >= 0 && leaving_ms < wait_ms) ? leaving_ms : wait_ms;
    /* What MHD_run accepted or made wait is seen within a second: its deadline is later. */
    if (server->waiting != NULL || deadline_ms != UINT64_MAX || server->seats.oldest != NULL) {
        uint64_t left_ms = deadline_ms > now_ms + 1000 ? 1000 : deadline_ms - now_ms + 1;
        wait_ms = wait_ms < 0 || (uint64_t)wait_ms > left_ms ? (int)left_ms : wait_ms;
    }
    return wait_ms;
}

__attribute__((format(printf, 2, 0))) static void on_mhd_log(void *context, const char *format,
                                                             va_list args)
{
    const struct http_server *server = context;
    (void)format; /* it may quote what somebody sent */
    (void)args;
    log_limited(LOG_REQUESTS, server->handlers.name,
                "a request to the %s side is no HTTP, or its connection broke; ignored",
                server->handlers.name);
}

/* --- Start and stop --- */

/* Connections that were cut count until they are closed, in the next turn: as many again. */
static size_t count_connections_max(const struct http_handlers *handlers)
{
    return 2 * (SEATS_OF_STRANGERS + handlers->owners_len * handlers->seats_of_owner);
}

static enum sotto_status start_daemon(struct http_server *server, struct sotto_error *err)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    /* GnuTLS's NORMAL still takes TLS 1.0 and 1.1. */
    char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    flags |= server->cert != NULL ? MHD_USE_TLS : 0;
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_access, server, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, server,
        MHD_OPTION_LISTEN_SOCKET, server->listen_fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)count_connections_max(&server->handlers), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_ARRAY,
        server->cert != NULL ? tls : none, MHD_OPTION_END);
    if (server->daemon == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "the HTTP server does not start%s",
                               server->cert != NULL ? ": check tls_cert and tls_key" : "");
    }
    server->listen_fd = -1; /* the daemon's now */
    return SOTTO_OK;
}

static enum sotto_status start_server(struct http_server *server, uint16_t *out_port,
                                      const struct config_listener *listener,
                                      struct sotto_error *err)
{
    enum sotto_status status = http__read_tls(&server->cert, &server->key, listener, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = http__open_listener(&server->listen_fd, out_port, listener->listen,
                                 server->handlers.name, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = start_daemon(server, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return http__watch_daemon(server, err);
}

/* Begins a daemon under the new certificate on the same socket; the old one's connections end with
 * their next answer. On failure the old one goes on. */
static enum sotto_status renew_daemon(struct http_server *server, struct sotto_error *err)
{
    struct MHD_Daemon *before = server->daemon;
    struct loop_source *source = server->source;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(before, MHD_DAEMON_INFO_LISTEN_FD);
    struct http_leaving *leaving = sotto_alloc_zeroed(sizeof *leaving);
    server->listen_fd = fcntl(info->listen_fd, F_DUPFD_CLOEXEC, 0);
    enum sotto_status status = leaving == NULL || server->listen_fd < 0 ? sotto_error_no_memory(err)
                                                                        : start_daemon(server, err);
    if (status == SOTTO_OK) {
        status = http__watch_daemon(server, err);
        if (status != SOTTO_OK) {
            MHD_stop_daemon(server->daemon);
        }
    }
    if (status != SOTTO_OK) {
        server->daemon = before;
        server->source = source;
        sotto_free(leaving);
        return status;
    }
    *leaving = (struct http_leaving){server->leaving, before, source};
    server->leaving = leaving;
    (void)close(MHD_quiesce_daemon(before));
    return SOTTO_OK;
}

/* Changes two texts over. */
static void exchange(char **a, char **b)
{
    char *kept = *a;
    *a = *b;
    *b = kept;
}

enum sotto_status http_server_renew_tls(struct http_server *server,
                                        const struct config_listener *listener,
                                        struct sotto_error *err)
{
    char *cert = NULL;
    char *key = NULL;
    enum sotto_status status = http__read_tls(&cert, &key, listener, err);
    if (status != SOTTO_OK || cert == NULL ||
        (strcmp(server->cert, cert) == 0 && strcmp(server->key, key) == 0)) {
        goto out;
    }
    exchange(&server->cert, &cert);
    exchange(&server->key, &key);
    status = renew_daemon(server, err);
    if (status != SOTTO_OK) {
        exchange(&server->cert, &cert);
        exchange(&server->key, &key);
    }
out:
    http__free_pem(cert);
    http__free_pem(key);
    return status;
}

enum sotto_status http_server_new(struct http_server **out, uint16_t *out_port, struct loop *loop,
                                  const struct config_listener *listener,
                                  const struct http_handlers *handlers, struct sotto_error *err)
{
    struct http_server *server = sotto_alloc_zeroed(sizeof *server);
    if (server == NULL) {
        return sotto_error_no_memory(err);
    }
    server->loop = loop;
    server->handlers = *handlers;
    server->listen_fd = -1;
    enum sotto_status status =
        seats_init(&server->seats, handlers->owners_len, handlers->seats_of_owner, cut_connection);
    if (status != SOTTO_OK) {
        http_server_free(server);
        return sotto_error_no_memory(err);
    }
    status = start_server(server, out_port, listener, err);
    if (status != SOTTO_OK) {
        http_server_free(server);
        return status;
    }
    loop_add_hook(loop, before_wait, server);
    *out = server;
    return SOTTO_OK;
}

void http_server_free(struct http_server *server)
{
    if (server == NULL) {
        return;
    }
    server->is_stopping = true;
    while (server->waiting != NULL) {
        http_answer_detail(server->waiting, MHD_HTTP_SERVICE_UNAVAILABLE, SOTTO_ERROR_STATE,
                           "the node is stopping");
    }
    http__stop_leaving(server);
    loop_remove(server->loop, server->source);
    if (server->daemon != NULL) {
        (void)MHD_run(server->daemon); /* sends what was just answered */
        MHD_stop_daemon(server->daemon);
    }
    if (server->listen_fd >= 0) {
        (void)close(server->listen_fd);
    }
    seats_release(&server->seats);
    http__free_pem(server->cert);
    http__free_pem(server->key);
    sotto_free(server);
}
