/* SPDX-License-Identifier: Apache-2.0 */

/* The peer listener: nodes call here, say hello, send messages of their machines and fetch those
 * that are for them. PEER.md is the specification; leans on session.c (who is it, is it fresh),
 * outbox.c and http/. The idea: before a request is known to come from a pinned key it costs a few
 * hundred bytes and its answer says nothing; after that the peer can only fill what is its own. */

#include "peer/server.h"
#include "http/http.h"
#include "loop/log.h"
#include "peer/outbox.h"
#include "peer/session.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/task.h>
#include <string.h>

/* One poll brings at least one message, and further ones up to so many bytes. */
#define POLL_BYTES_MAX ((size_t)4 * 1024 * 1024)
/* All large bodies that are under way have at most so many bytes together, those of one peer twice
 * what one may have: a node sends one at a time, and once more what a connection lost. Small ones
 * are bounded by the number of connections. */
#define BODIES_BYTES_MAX (4 * BODY_BYTES_MAX)
#define BODY_BYTES_SMALL ((size_t)64 * 1024)
/* One request brings at most so many messages: what waits for a peer is never more. */
#define MESSAGES_MAX OUTBOX_LEN_MAX
/* A node uses two connections; the others are those that it lost without knowing. */
#define SEATS_OF_PEER 8
#define CONNECTED_MS ((POLL_SECONDS_MAX + 5) * 1000)

struct peer_state {
    struct peer_session session;
    bool has_instance; /* it has polled */
    struct session_id instance;
    struct outbox outbox;
    struct http_request *poll; /* the one that waits for the outbox, or NULL */
    uint64_t known_ms;         /* since when it is a peer; 0: the start */
    uint64_t last_seen_ms;
    uint64_t closed_ms;  /* since when its connection is closed; 0: it has called since */
    size_t bodies_bytes; /* of its large ones under way, as their headers say */
};

/* A request that a peer has sealed: its context. */
struct peer_call {
    struct peer_state *state;
    struct session_keys keys; /* of its session; a hello has none */
    size_t reserved_bytes;    /* its part of state->bodies_bytes */
};

struct peer_server {
    struct http_server *http;
    const struct shared *shared;
    struct peer_state *peers; /* as config's */
    size_t peers_len;
    struct session_maker sessions;
    uint64_t started_ms;
    size_t bodies_bytes; /* of all peers */
};

static const struct {
    const char *path;
    enum envelope_type type;
    size_t body_bytes_max;
} peer_routes[] = {
    {"/peer/v1/hello", ENVELOPE_HELLO, HELLO_BYTES},
    {"/peer/v1/poll", ENVELOPE_POLL, 8 + SESSION_BYTES},
    {"/peer/v1/message", ENVELOPE_MESSAGE, BODY_BYTES_MAX},
};

/* --- Answers --- */

/* A hello is answered with a signature, all else with the keys of its session. */
static void answer_body(struct peer_server *server, struct http_request *request, const void *body,
                        size_t body_bytes)
{
    const struct peer_call *call = request->context;
    struct envelope envelope;
    struct sotto_writer writer;
    sotto_writer_init(&writer, ENVELOPE_PREFIX_BYTES + body_bytes);
    SOTTO_REQUIRE(envelope_read(&envelope, request->body.data, ENVELOPE_PREFIX_BYTES) == SOTTO_OK);
    envelope.is_response = true;
    envelope.to = envelope.from;
    if (envelope.type == ENVELOPE_HELLO) {
        envelope_write_signed(&writer, server->shared->identity, &envelope, body, body_bytes);
    } else {
        envelope_write_sealed(&writer, &server->shared->key, &envelope, &call->keys, NULL, body,
                              body_bytes);
    }
    if (sotto_writer_status(&writer) != SOTTO_OK) {
        sotto_writer_release(&writer);
        http_answer_status(request, MHD_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
    size_t bytes;
    uint8_t *data = sotto_writer_take(&writer, &bytes);
    http_answer_take(request, MHD_HTTP_OK, "application/octet-stream", data, bytes);
}

/* Answers a poll with what is in the outbox: u64 sequence and a blob for each message. */
static void answer_poll(struct peer_server *server, struct peer_state *state,
                        struct http_request *request)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, BODY_BYTES_MAX + POLL_BYTES_MAX);
    for (const struct outgoing *out = state->outbox.head; out != NULL; out = out->next) {
        if (writer.data_bytes > 0 && writer.data_bytes + out->bytes.data_bytes > POLL_BYTES_MAX) {
            break;
        }
        sotto_write_u64(&writer, out->sequence);
        sotto_write_blob(&writer, out->bytes.data, out->bytes.data_bytes);
    }
    if (sotto_writer_status(&writer) == SOTTO_OK) {
        answer_body(server, request, writer.data, writer.data_bytes);
    } else {
        http_answer_status(request, MHD_HTTP_INTERNAL_SERVER_ERROR);
    }
    sotto_writer_release(&writer);
}

/* The poll that waits, which the caller answers. Returns: NULL if none does. */
static struct http_request *take_waiting_poll(struct peer_state *state)
{
    struct http_request *poll = state->poll;
    state->poll = NULL;
    return poll;
}

void peer_server_send(struct peer_server *server, struct job *event)
{
    size_t index = config_find_peer(server->shared->config, &event->peer);
    if (index == SOTTO_NONE) {
        log_limited(LOG_MESSAGES, "", "a message is lost: node.yaml lists no peer of its key");
        return;
    }
    struct peer_state *state = &server->peers[index];
    (void)outbox_drop(&state->outbox, 0, clock_ms());
    if (!outbox_add(&state->outbox, &event->bytes, event->deadline_ms)) {
        const char *name = server->shared->config->file->peers[index].name;
        log_limited(LOG_MESSAGES, name,
                    "a message to %s is dropped: it has not fetched those before", name);
        return;
    }
    struct http_request *poll = take_waiting_poll(state);
    if (poll != NULL) {
        answer_poll(server, state, poll);
    }
}

/* --- Requests --- */

static void on_begin(void *context, struct http_request *request)
{
    (void)context;
    bool is_known = false;
    for (size_t i = 0; i < sizeof peer_routes / sizeof peer_routes[0]; i++) {
        is_known = is_known || strcmp(peer_routes[i].path, request->url) == 0;
    }
    if (!is_known) {
        http_answer_status(request, MHD_HTTP_NOT_FOUND);
    } else if (strcmp(request->method, "POST") != 0) {
        request->allow = "POST";
        http_answer_status(request, MHD_HTTP_METHOD_NOT_ALLOWED);
    }
}

static size_t index_of(const struct peer_server *server, const struct peer_state *state)
{
    return (size_t)(state - server->peers);
}

static const char *name_of(const struct peer_server *server, const struct peer_state *state)
{
    return server->shared->config->file->peers[index_of(server, state)].name;
}

/* Which limit (CONFIG.md) a body would go beyond. Returns: NULL if there is room for it. */
static const char *find_exceeded(const struct peer_server *server, const struct peer_state *state,
                                 size_t body_bytes)
{
    size_t allowed_bytes = atomic_load(&server->shared->allowances.bytes[index_of(server, state)]);
    return body_bytes == 0 ? NULL
           : body_bytes > allowed_bytes
               ? "it is longer than any message of a task under way with it"
           : state->bodies_bytes + body_bytes > 2 * allowed_bytes ? "others of it are under way"
           : server->bodies_bytes + body_bytes > BODIES_BYTES_MAX
               ? "those of all peers under way are BODIES_BYTES_MAX"
               : NULL;
}

/* Sets aside the request's part of the bytes that its peer, and all of them, may have under way.
 * Returns: false, and it is answered, if there is no room. */
static bool reserve_body(struct peer_server *server, struct http_request *request,
                         struct peer_state *state, const struct session_keys *keys,
                         size_t body_bytes)
{
    size_t reserved_bytes = body_bytes > BODY_BYTES_SMALL ? body_bytes : 0;
    const char *exceeded = find_exceeded(server, state, reserved_bytes);
    struct peer_call *call = exceeded == NULL ? sotto_alloc_zeroed(sizeof *call) : NULL;
    if (call == NULL) {
        const char *name = name_of(server, state);
        log_limited(LOG_MESSAGES, name, "a body of %s with %zu bytes is refused: %s", name,
                    body_bytes, exceeded != NULL ? exceeded : "out of memory");
        http_answer_status(request, MHD_HTTP_SERVICE_UNAVAILABLE);
        return false;
    }
    *call = (struct peer_call){.state = state, .keys = *keys, .reserved_bytes = reserved_bytes};
    state->bodies_bytes += reserved_bytes;
    server->bodies_bytes += reserved_bytes;
    request->context = call;
    return true;
}

/* Who is it? *out_keys: of a request of a session, zeros of a hello. Returns: 0, or the status of
 * who is nobody. Strangers who say that they are a peer are told the same as other strangers, and
 * wait as long: what a peer says is checked of everybody. */
static int authenticate(const struct peer_server *server, size_t *out_index,
                        struct session_keys *out_keys, const struct envelope *envelope,
                        const uint8_t *prefix)
{
    size_t index = config_find_peer(server->shared->config, &envelope->from);
    bool is_peer = index != SOTTO_NONE;
    *out_index = index;
    memset(out_keys, 0, sizeof *out_keys);
    if (envelope->type == ENVELOPE_HELLO) {
        bool is_its = envelope_is_signed(envelope, prefix, &envelope->from);
        return is_its && is_peer ? 0 : MHD_HTTP_UNAUTHORIZED;
    }
    const struct peer_session none = {.issued = 0};
    const struct peer_session *session = is_peer ? &server->peers[index].session : &none;
    bool has_keys = peer_session_find_keys(out_keys, session, &server->sessions, envelope, prefix);
    if (!has_keys || !is_peer) {
        return MHD_HTTP_CONFLICT;
    }
    return envelope_is_sealed(envelope, prefix, out_keys) ? 0 : MHD_HTTP_UNAUTHORIZED;
}

/* Who is it, did they seal it, for this node, freshly? Answers if not. */
static void on_prefix(void *context, struct http_request *request)
{
    struct peer_server *server = context;
    struct envelope envelope;
    struct session_keys keys;
    size_t index;
    if (envelope_is_of_another_version(request->body.data)) {
        http_answer_status(request, MHD_HTTP_UPGRADE_REQUIRED);
        return;
    }
    if (envelope_read(&envelope, request->body.data, ENVELOPE_PREFIX_BYTES) != SOTTO_OK ||
        envelope.is_response || !sotto_key_equal(&envelope.to, &server->shared->key)) {
        http_answer_status(request, MHD_HTTP_UNAUTHORIZED);
        return;
    }
    int refusal = authenticate(server, &index, &keys, &envelope, request->body.data);
    if (refusal != 0) {
        http_answer_status(request, refusal);
        return;
    }
    for (size_t i = 0; i < sizeof peer_routes / sizeof peer_routes[0]; i++) {
        bool is_route = strcmp(peer_routes[i].path, request->url) == 0;
        if (is_route && (peer_routes[i].type != envelope.type ||
                         envelope.body_bytes > peer_routes[i].body_bytes_max)) {
            http_answer_status(request, MHD_HTTP_BAD_REQUEST);
            return;
        }
    }
    struct peer_state *state = &server->peers[index];
    if (envelope.type != ENVELOPE_HELLO && !peer_session_would_accept(&state->session, &envelope)) {
        http_answer_status(request, MHD_HTTP_CONFLICT);
        return;
    }
    if (!reserve_body(server, request, state, &keys, envelope.body_bytes)) {
        return;
    }
    if (envelope.type != ENVELOPE_HELLO) { /* anybody can send a hello that was sent before */
        http_prove(request, index);
    }
    request->body.limit_bytes = ENVELOPE_PREFIX_BYTES + (size_t)envelope.body_bytes;
    if (request->body.data_bytes > request->body.limit_bytes) {
        http_answer_status(request, MHD_HTTP_UNAUTHORIZED);
    }
}

static void take_hello(struct peer_server *server, struct http_request *request,
                       const struct sotto_key *caller, const uint8_t *body, size_t body_bytes)
{
    uint8_t answer[GRANT_BYTES];
    if (body_bytes != HELLO_BYTES) {
        http_answer_status(request, MHD_HTTP_BAD_REQUEST);
        return;
    }
    struct session_grant grant = session_make(&server->sessions, caller, body);
    session_grant_write(answer, &grant);
    answer_body(server, request, answer, sizeof answer);
}

/* Another process of the peer than the one before begins anew. */
static void take_instance(struct peer_server *server, struct peer_state *state,
                          const struct session_id *instance)
{
    size_t index = index_of(server, state);
    bool has_returned = state->has_instance && !session_id_equal(&state->instance, instance);
    state->has_instance = true;
    state->instance = *instance;
    if (!has_returned) {
        return;
    }
    const char *name = name_of(server, state);
    struct job *job = job_new(JOB_RETURNED);
    log_limited(LOG_CONNECTIONS, name, "%s is back, restarted", name);
    outbox_clear(&state->outbox); /* its messages were for a process that is no more */
    if (job != NULL) {
        job->peer = server->shared->config->peer_keys[index];
        job->lane = 1 + index;
        queue_push(server->shared->jobs, job);
    }
}

static void take_poll(struct peer_server *server, struct peer_state *state,
                      struct http_request *request, struct sotto_reader *body)
{
    struct session_id instance = {{0}};
    uint64_t sequence = sotto_read_u64(body);
    sotto_read_copy(body, instance.bytes, sizeof instance.bytes);
    if (!sotto_reader_finished(body)) {
        http_answer_status(request, MHD_HTTP_BAD_REQUEST);
        return;
    }
    take_instance(server, state, &instance);
    (void)outbox_drop(&state->outbox, sequence, clock_ms());
    struct http_request *earlier = take_waiting_poll(state);
    if (earlier != NULL) {
        /* Its connection may be dead: a peer has one poll at a time, the newest. */
        answer_body(server, earlier, NULL, 0);
    }
    if (state->outbox.head != NULL) {
        answer_poll(server, state, request);
    } else {
        state->poll = request;
        http_wait(request, clock_ms() + (uint64_t)POLL_SECONDS_MAX * 1000);
    }
}

static void take_messages(struct peer_server *server, struct http_request *request,
                          size_t peer_index, struct sotto_reader *body)
{
    struct sotto_reader again = *body;
    size_t bytes;
    size_t len = 0;
    while (sotto_reader_left(body) > 0) {
        const uint8_t *data = sotto_read_blob(body, &bytes, SOTTO_MESSAGE_BYTES_MAX);
        struct sotto_message_route route;
        /* What is no message is refused as a whole, before any of it costs a job. */
        if (data == NULL || !sotto_message_route(&route, data, bytes) || ++len > MESSAGES_MAX) {
            sotto_reader_fail(body);
        }
    }
    if (!sotto_reader_finished(body)) {
        const char *name = server->shared->config->file->peers[peer_index].name;
        log_limited(LOG_MESSAGES, name, "a request of %s is refused: %s", name,
                    len > MESSAGES_MAX ? "it has more than MESSAGES_MAX messages"
                                       : "a part of it is no message");
        http_answer_status(request, MHD_HTTP_BAD_REQUEST);
        return;
    }
    while (sotto_reader_left(&again) > 0) {
        const uint8_t *data = sotto_read_blob(&again, &bytes, SOTTO_MESSAGE_BYTES_MAX);
        struct job *job = job_new(JOB_MESSAGE);
        if (job == NULL || sotto_buffer_copy(&job->bytes, data, bytes) != SOTTO_OK) {
            job_free(job); /* those before it are taken; a machine ignores what comes twice */
            http_answer_status(request, MHD_HTTP_SERVICE_UNAVAILABLE);
            return;
        }
        job->peer = server->shared->config->peer_keys[peer_index];
        job->lane = 1 + peer_index;
        queue_push(server->shared->jobs, job);
    }
    answer_body(server, request, NULL, 0);
}

/* Takes the request into its session. Returns: false if it is not fresh; answered then. */
static bool enter_session(struct peer_server *server, struct peer_state *state,
                          struct http_request *request, const struct envelope *envelope)
{
    const struct peer_call *call = request->context;
    bool is_new;
    if (!peer_session_accept(&state->session, &is_new, envelope, &call->keys)) {
        http_answer_status(request, MHD_HTTP_CONFLICT);
        return false;
    }
    if (is_new) {
        const char *name = name_of(server, state);
        log_limited(LOG_CONNECTIONS, name, "%s is connected", name);
    }
    return true;
}

static void on_complete(void *context, struct http_request *request)
{
    struct peer_server *server = context;
    const struct peer_call *call = request->context;
    struct envelope envelope;
    if (call == NULL ||
        envelope_read(&envelope, request->body.data, ENVELOPE_PREFIX_BYTES) != SOTTO_OK) {
        http_answer_status(request, MHD_HTTP_UNAUTHORIZED);
        return;
    }
    const uint8_t *data = request->body.data + ENVELOPE_PREFIX_BYTES;
    size_t bytes = request->body.data_bytes - ENVELOPE_PREFIX_BYTES;
    struct sotto_reader body;
    struct peer_state *state = call->state;
    bool is_peer = config_find_peer(server->shared->config, &envelope.from) != SOTTO_NONE;
    if (!is_peer || !envelope_body_matches(&envelope, data, bytes)) { /* it may be out by now */
        http_answer_status(request, MHD_HTTP_UNAUTHORIZED);
        return;
    }
    sotto_reader_init(&body, data, bytes);
    if (envelope.type == ENVELOPE_HELLO) {
        take_hello(server, request, &envelope.from, data, bytes);
        return;
    }
    if (shared_is_full(server->shared, index_of(server, state))) {
        log_limited(LOG_MESSAGES, name_of(server, state),
                    "a request of %s is refused: much of it waits for the compute thread",
                    name_of(server, state));
        http_answer_status(request, MHD_HTTP_SERVICE_UNAVAILABLE);
        return;
    }
    if (!enter_session(server, state, request, &envelope)) {
        return;
    }
    state->last_seen_ms = clock_ms();
    state->closed_ms = 0;
    if (envelope.type == ENVELOPE_POLL) {
        take_poll(server, state, request, &body);
    } else {
        take_messages(server, request, index_of(server, state), &body);
    }
}

static void on_expired(void *context, struct http_request *request)
{
    const struct peer_call *call = request->context;
    (void)take_waiting_poll(call->state); /* which is this one: only polls wait */
    answer_body(context, request, NULL, 0);
}

static void on_ended(void *context, struct http_request *request)
{
    struct peer_server *server = context;
    struct peer_call *call = request->context;
    if (call == NULL) {
        return;
    }
    sotto_wipe(&call->keys, sizeof call->keys);
    server->bodies_bytes -= call->reserved_bytes;
    call->state->bodies_bytes -= call->reserved_bytes;
    if (call->state->poll == request) {
        call->state->poll = NULL;
    }
}

/* A peer keeps a poll open: without one it is gone when its last connection is, or comes back at
 * once. */
static void on_closed(void *context, size_t peer_index)
{
    struct peer_server *server = context;
    struct peer_state *state = &server->peers[peer_index];
    if (state->poll == NULL && state->closed_ms == 0) {
        state->closed_ms = clock_ms();
    }
}

/* --- Start, stop, state --- */

enum sotto_status peer_server_new(struct peer_server **out, uint16_t *out_port,
                                  const struct shared *shared, struct sotto_error *err)
{
    struct peer_server *server = sotto_alloc_zeroed(sizeof *server);
    if (server == NULL) {
        return sotto_error_no_memory(err);
    }
    server->started_ms = clock_ms();
    struct http_handlers handlers = {
        .name = "peer",
        .context = server,
        .begin = on_begin,
        .prefix = on_prefix,
        .prefix_bytes = ENVELOPE_PREFIX_BYTES,
        .complete = on_complete,
        .expired = on_expired,
        .ended = on_ended,
        .closed = on_closed,
        .body_bytes_max = ENVELOPE_PREFIX_BYTES + BODY_BYTES_MAX,
        .owners_len = shared->config->places_max,
        .seats_of_owner = SEATS_OF_PEER,
    };
    server->shared = shared;
    server->peers_len = shared->config->places_max;
    server->peers = sotto_alloc_zeroed((server->peers_len + 1) * sizeof *server->peers);
    enum sotto_status status = SOTTO_OK;
    if (server->peers == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    status = session_maker_init(&server->sessions, sotto_random_system());
    if (status != SOTTO_OK) {
        (void)sotto_error_set(err, status, "%s", sotto_status_text(status));
        goto out;
    }
    for (size_t i = 0; i < server->peers_len; i++) {
        outbox_init(&server->peers[i].outbox);
    }
    status = http_server_new(&server->http, out_port, shared->loop, shared->config->file->peer,
                             &handlers, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out = server;
    server = NULL;
out:
    peer_server_free(server);
    return status;
}

void peer_server_free(struct peer_server *server)
{
    if (server != NULL) {
        http_server_free(server->http);
        for (size_t i = 0; server->peers != NULL && i < server->peers_len; i++) {
            outbox_clear(&server->peers[i].outbox);
            sotto_wipe(&server->peers[i].session, sizeof server->peers[i].session);
        }
        sotto_wipe(&server->sessions, sizeof server->sessions);
        sotto_free(server->peers);
        sotto_free(server);
    }
}

bool peer_server_is_connected(const struct peer_server *server, size_t peer_index)
{
    const struct peer_state *state = &server->peers[peer_index];
    return state->last_seen_ms != 0 && state->closed_ms == 0 &&
           state->last_seen_ms + CONNECTED_MS > clock_ms();
}

void peer_server_forget(struct peer_server *server, size_t peer_index)
{
    struct peer_state *state = &server->peers[peer_index];
    struct http_request *poll = take_waiting_poll(state);
    if (poll != NULL) {
        http_answer_status(poll, MHD_HTTP_UNAUTHORIZED);
    }
    outbox_clear(&state->outbox);
    peer_session_end(&state->session, &server->sessions);
    state->has_instance = false;
    state->last_seen_ms = 0;
    state->closed_ms = 0;
    http_server_cut(server->http, peer_index);
}

void peer_server_welcome(struct peer_server *server, size_t peer_index)
{
    server->peers[peer_index].known_ms = clock_ms();
}

enum sotto_status peer_server_renew_tls(struct peer_server *server, struct sotto_error *err)
{
    return http_server_renew_tls(server->http, server->shared->config->file->peer, err);
}

void peer_server_look(struct peer_server *server)
{
    for (size_t i = 0; i < server->peers_len; i++) {
        struct peer_state *state = &server->peers[i];
        if (state->poll != NULL && http_is_closed(state->poll)) {
            answer_body(server, take_waiting_poll(state), NULL, 0); /* then it is closed here */
        }
    }
}

bool peer_server_is_away(const struct peer_server *server, size_t peer_index)
{
    const struct peer_state *state = &server->peers[peer_index];
    uint64_t known_ms = state->known_ms != 0 ? state->known_ms : server->started_ms;
    uint64_t since_ms = state->last_seen_ms != 0 ? state->last_seen_ms : known_ms;
    bool is_gone = state->closed_ms != 0 &&
                   state->closed_ms + PEER_GONE_SECONDS * UINT64_C(1000) <= clock_ms();
    return is_gone || since_ms + CONNECTED_MS <= clock_ms();
}

void peer_server_traffic(const struct peer_server *server, uint64_t *out_in, uint64_t *out_out)
{
    *out_in = http_server_bytes_in(server->http);
    *out_out = http_server_bytes_out(server->http);
}
