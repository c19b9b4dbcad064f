/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_HTTP_H
#define SOTTO_NODE_HTTP_H

/* One HTTP listener in the loop, on libmicrohttpd: whole bodies up to a cap, answers now or later.
 * What is asked and answered is up to the handlers (api.c, peer/server.c). Threads: the loop's. */

#include "config/config.h"
#include "http/seats.h"
#include "loop/loop.h"
#include <microhttpd.h>
#include <sotto/bytes.h>

struct http_server;
struct http_connection;

/* A request, from its headers until its answer is sent. The server owns it. */
#define HTTP_ASKER_BYTES 33
#define HTTP_COOKIE_BYTES 192

struct http_request {
    struct http_request *next; /* of those that wait for an answer */
    struct http_server *server;
    struct http_connection *of;
    struct MHD_Connection *connection;
    char *url;
    char *method;
    struct sotto_writer body;
    size_t body_bytes_max;
    size_t drained_bytes; /* of the body, after a refusal */
    bool is_checked;      /* the prefix handler has seen it */
    bool is_answered;     /* status and answer are set */
    bool is_suspended;    /* waits for http_answer */
    int status;
    const char *content_type;   /* static storage */
    const char *allow;          /* of a 405: the methods there are; static storage */
    const char *const *headers; /* more of the answer: name, value, ..., NULL; static storage */
    bool is_static;             /* the answer is static storage */
    struct sotto_buffer answer;
    uint64_t id;          /* never reused */
    uint64_t deadline_ms; /* of a request that waits */
    void *context;        /* the handlers' own, from sotto_alloc: freed when the request is over */
    char asker[HTTP_ASKER_BYTES];   /* whose token it has, for the owner; "" if it has none */
    char cookie[HTTP_COOKIE_BYTES]; /* that the answer sets; "": none */
};

struct http_handlers {
    const char *name; /* in the owner's log: "api"; static storage */
    void *context;
    /* Headers are there: may answer, which ends the request without reading its body. */
    void (*begin)(void *context, struct http_request *request);
    /* prefix_bytes of the body are there: may answer; the rest of the body is not kept then. NULL
     * if not wanted. */
    void (*prefix)(void *context, struct http_request *request);
    size_t prefix_bytes;
    /* The whole body is there: must answer or http_wait. */
    void (*complete)(void *context, struct http_request *request);
    /* The time of a waiting request has come: must answer. */
    void (*expired)(void *context, struct http_request *request);
    /* The request is over, however it ended. NULL if not wanted. */
    void (*ended)(void *context, struct http_request *request);
    /* A connection is over on which an owner was proved (http_prove). NULL if not wanted. */
    void (*closed)(void *context, size_t owner);
    size_t body_bytes_max; /* unless begin says otherwise: http_limit_body */
    /* How many there are who can prove who they are (http_prove), and the connections of each. */
    size_t owners_len;
    size_t seats_of_owner;
};

/* Listens; *out_port is the port that it got. Ownership: handlers are copied, loop is borrowed;
 * *out is ended by http_server_free. */
enum sotto_status http_server_new(struct http_server **out, uint16_t *out_port, struct loop *loop,
                                  const struct config_listener *listener,
                                  const struct http_handlers *handlers,
                                  struct sotto_error *err) SOTTO_NODISCARD;
/* Goes over to the certificate that listener names, if it is another one: for connections from now
 * on; the others end with their next answer. On failure the one before stays. */
enum sotto_status http_server_renew_tls(struct http_server *server,
                                        const struct config_listener *listener,
                                        struct sotto_error *err) SOTTO_NODISCARD;
/* Waiting requests are answered 503 first. */
void http_server_free(struct http_server *server);

/* Answers. _take takes data (from sotto_alloc), _json a jansson object's reference, _detail sends
 * {"detail": text, "code": the name of code}, _status an empty body. A waiting request goes on. */
void http_answer_take(struct http_request *request, int status, const char *content_type,
                      void *data, size_t data_bytes);
struct json_t;
void http_answer_json(struct http_request *request, int status, struct json_t *object);
void http_answer_detail(struct http_request *request, int status, enum sotto_status code,
                        const char *format, ...) SOTTO_PRINTF(4, 5);
void http_answer_status(struct http_request *request, int status);
/* Answers 200 with data, content_type and headers (as in struct http_request) in static storage. */
void http_answer_static(struct http_request *request, const char *content_type,
                        const char *const *headers, const void *data, size_t data_bytes);

/* In begin: a body of this request has at most so many bytes. */
void http_limit_body(struct http_request *request, size_t bytes_max);
/* The request waits until it is answered, at the latest (expired) at deadline_ms. */
void http_wait(struct http_request *request, uint64_t deadline_ms);

/* Whether the caller of a request that waits has closed its connection. */
bool http_is_closed(const struct http_request *request);

/* The caller has proved to be owner: its connection no longer counts among those of strangers
 * (seats.h), and the body has BODY_SECONDS to be whole. */
void http_prove(struct http_request *request, size_t owner);

/* Cuts all connections of an owner: what is under way on them is not read any more. */
void http_server_cut(struct http_server *server, size_t owner);

/* The requests of a server that wait, and one of them by its id (or NULL). */
struct http_request *http_waiting(struct http_server *server);
struct http_request *http_find(struct http_server *server, uint64_t id);

/* A query parameter, or NULL. */
const char *http_parameter(const struct http_request *request, const char *name);

/* The bytes of all bodies that came, and that were sent. */
uint64_t http_server_bytes_in(const struct http_server *server);
uint64_t http_server_bytes_out(const struct http_server *server);

#endif
