/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/server.h"
#include "http/http.h"
#include "loop/log.h"
#include "peer/session.h"

#include <sotto/alloc.h>
#include <sotto/task.h>
#include <string.h>

/* The peer side: nodes call here, say hello, send messages of their machines and fetch those that
 * are for them. PEER.md is the specification. Before a request is known to come
 * from a pinned key, it costs a few hundred bytes and its answer says nothing. */

#define OUTBOX_LEN_MAX 4096
#define OUTBOX_BYTES_MAX ((size_t)1024 * 1024 * 1024)
/* One poll brings at least one message, and further ones up to this. */
#define POLL_BYTES_MAX ((size_t)4 * 1024 * 1024)
/* A message with its length, and room for small ones beside it. */
#define MESSAGE_BODY_MAX (SOTTO_MESSAGE_BYTES_MAX + 1024 * 1024)
/* Of all large bodies of one peer that are under way. A node sends one at a time, and once more
 * what a connection lost. Small ones are bounded by the number of connections. */
#define BODIES_BYTES_MAX (2 * MESSAGE_BODY_MAX)
#define BODY_BYTES_SMALL ((size_t)64 * 1024)
#define CONNECTED_MS ((POLL_SECONDS_MAX + 5) * 1000)

struct outgoing {
    struct outgoing *next;
    uint64_t sequence;
    uint64_t deadline_ms;
    struct sotto_buffer bytes;
};

struct peer_state {
    struct peer_sessions sessions;
    struct outgoing *head;
    struct outgoing **tail;
    size_t outbox_len;
    size_t outbox_bytes;
    uint64_t last_sequence;
    uint64_t last_seen_ms;
    size_t bodies_bytes; /* of its large ones under way, as their headers say */
};

struct http_peer {
    struct http_server *server;
    const struct shared *shared;
    struct peer_state *peers; /* as config's */
    size_t peers_len;
    uint64_t started_ms;
};

static const struct {
    const char *path;
    enum envelope_type type;
    size_t body_bytes_max;
} peer_routes[] = {
    {"/peer/v1/hello", ENVELOPE_HELLO, SESSION_BYTES},
    {"/peer/v1/poll", ENVELOPE_POLL, 8},
    {"/peer/v1/message", ENVELOPE_MESSAGE, MESSAGE_BODY_MAX},
};

/* --- Outbox --- */

static void outbox_drop_head(struct peer_state *state)
{
    struct outgoing *first = state->head;
    state->head = first->next;
    if (state->head == NULL) {
        state->tail = &state->head;
    }
    state->outbox_len--;
    state->outbox_bytes -= first->bytes.data_bytes;
    sotto_buffer_release(&first->bytes);
    sotto_free(first);
}

static void outbox_clear(struct peer_state *state)
{
    while (state->head != NULL) {
        outbox_drop_head(state);
    }
}

static void outbox_acknowledge(struct peer_state *state, uint64_t sequence)
{
    uint64_t now_ms = clock_ms();
    while (state->head != NULL &&
           (state->head->sequence <= sequence || state->head->deadline_ms <= now_ms)) {
        outbox_drop_head(state);
    }
}

/* --- Answers --- */

static void answer_signed(struct http_peer *peer, struct http_request *request, const void *body,
                          size_t body_bytes)
{
    struct envelope envelope;
    struct sotto_writer writer;
    sotto_writer_init(&writer, ENVELOPE_PREFIX_BYTES + body_bytes);
    SOTTO_REQUIRE(envelope_read(&envelope, request->body.data, ENVELOPE_PREFIX_BYTES) == SOTTO_OK);
    envelope.is_response = true;
    envelope.to = envelope.from;
    envelope_write(&writer, peer->shared->identity, &envelope, body, body_bytes);
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
static void answer_poll(struct http_peer *peer, struct peer_state *state,
                        struct http_request *request)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, MESSAGE_BODY_MAX + POLL_BYTES_MAX);
    for (const struct outgoing *out = state->head; out != NULL; out = out->next) {
        if (writer.data_bytes > 0 && writer.data_bytes + out->bytes.data_bytes > POLL_BYTES_MAX) {
            break;
        }
        sotto_write_u64(&writer, out->sequence);
        sotto_write_blob(&writer, out->bytes.data, out->bytes.data_bytes);
    }
    if (sotto_writer_status(&writer) == SOTTO_OK) {
        answer_signed(peer, request, writer.data, writer.data_bytes);
    } else {
        http_answer_status(request, MHD_HTTP_INTERNAL_SERVER_ERROR);
    }
    sotto_writer_release(&writer);
}

static struct http_request *waiting_poll(const struct http_peer *peer,
                                         const struct peer_state *state)
{
    struct http_request *request = http_waiting(peer->server);
    while (request != NULL && request->owner != state) {
        request = request->next;
    }
    return request;
}

void http_peer_send(struct http_peer *peer, struct job *event)
{
    size_t index = config_find_peer(peer->shared->config, &event->peer);
    struct outgoing *out = index != SOTTO_NONE ? sotto_alloc_zeroed(sizeof *out) : NULL;
    if (out == NULL) {
        log_line("a message is lost: out of memory, or a peer that is none");
        return;
    }
    struct peer_state *state = &peer->peers[index];
    outbox_acknowledge(state, 0); /* drops what is too old */
    if (state->outbox_len >= OUTBOX_LEN_MAX ||
        state->outbox_bytes + event->bytes.data_bytes > OUTBOX_BYTES_MAX) {
        log_line("a message to %s is dropped: it has not fetched those before",
                 peer->shared->config->file->peers[index].name);
        sotto_free(out);
        return;
    }
    out->sequence = ++state->last_sequence;
    out->deadline_ms = event->deadline_ms;
    out->bytes = event->bytes;
    event->bytes = (struct sotto_buffer){0};
    *state->tail = out;
    state->tail = &out->next;
    state->outbox_len++;
    state->outbox_bytes += out->bytes.data_bytes;
    struct http_request *poll = waiting_poll(peer, state);
    if (poll != NULL) {
        answer_poll(peer, state, poll);
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

/* Who is it, did they sign it, for us, freshly? Answers if not. */
static void on_prefix(void *context, struct http_request *request)
{
    struct http_peer *peer = context;
    struct envelope envelope;
    if (envelope_read(&envelope, request->body.data, ENVELOPE_PREFIX_BYTES) != SOTTO_OK ||
        envelope.is_response || !sotto_key_equal(&envelope.to, &peer->shared->key)) {
        http_answer_status(request, MHD_HTTP_UNAUTHORIZED);
        return;
    }
    size_t index = config_find_peer(peer->shared->config, &envelope.from);
    if (index == SOTTO_NONE || !envelope_is_signed(&envelope, request->body.data, &envelope.from)) {
        http_answer_status(request, MHD_HTTP_UNAUTHORIZED);
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
    struct peer_state *state = &peer->peers[index];
    if (envelope.type != ENVELOPE_HELLO &&
        !peer_sessions_would_accept(&state->sessions, &envelope.session, envelope.counter)) {
        http_answer_status(request, MHD_HTTP_CONFLICT);
        return;
    }
    if (envelope.body_bytes > BODY_BYTES_SMALL) {
        if (envelope.body_bytes > BODIES_BYTES_MAX - state->bodies_bytes) {
            http_answer_status(request, MHD_HTTP_SERVICE_UNAVAILABLE);
            return;
        }
        request->reserved_bytes = envelope.body_bytes;
        request->reserved_of = &state->bodies_bytes;
        state->bodies_bytes += request->reserved_bytes;
    }
    request->body.limit_bytes = ENVELOPE_PREFIX_BYTES + (size_t)envelope.body_bytes;
    if (request->body.data_bytes > request->body.limit_bytes) {
        http_answer_status(request, MHD_HTTP_UNAUTHORIZED);
    }
}

static void take_hello(struct http_peer *peer, struct peer_state *state,
                       struct http_request *request, const struct envelope *envelope,
                       struct sotto_reader *body)
{
    struct session_id instance;
    struct session_id session;
    sotto_read_copy(body, instance.bytes, sizeof instance.bytes);
    if (!sotto_reader_finished(body)) {
        http_answer_status(request, MHD_HTTP_BAD_REQUEST);
    } else if (peer_sessions_hello(&state->sessions, &session, &envelope->session, &instance,
                                   sotto_random_system()) != SOTTO_OK) {
        http_answer_status(request, MHD_HTTP_INTERNAL_SERVER_ERROR);
    } else {
        answer_signed(peer, request, session.bytes, sizeof session.bytes);
    }
}

static void take_poll(struct http_peer *peer, struct peer_state *state,
                      struct http_request *request, struct sotto_reader *body)
{
    uint64_t sequence = sotto_read_u64(body);
    if (!sotto_reader_finished(body)) {
        http_answer_status(request, MHD_HTTP_BAD_REQUEST);
        return;
    }
    outbox_acknowledge(state, sequence);
    struct http_request *earlier = waiting_poll(peer, state);
    if (earlier != NULL) {
        answer_signed(peer, earlier, NULL, 0); /* its connection may be dead: one poll at a time */
    }
    if (state->head != NULL) {
        answer_poll(peer, state, request);
    } else {
        request->owner = state;
        http_wait(request, clock_ms() + (uint64_t)POLL_SECONDS_MAX * 1000);
    }
}

static void take_messages(struct http_peer *peer, struct http_request *request,
                          const struct sotto_key *from, struct sotto_reader *body)
{
    struct sotto_reader again = *body;
    size_t bytes;
    while (sotto_reader_left(body) > 0) {
        const uint8_t *data = sotto_read_blob(body, &bytes, SOTTO_MESSAGE_BYTES_MAX);
        struct sotto_message_route route;
        /* Nothing that is cheaper to send than to take. */
        if (data == NULL || !sotto_message_route(&route, data, bytes)) {
            sotto_reader_fail(body);
        }
    }
    if (!sotto_reader_finished(body)) {
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
        job->peer = *from;
        queue_push(peer->shared->jobs, job);
    }
    answer_signed(peer, request, NULL, 0);
}

/* Takes the request into its session. Returns: false if it is not fresh; answered then. */
static bool enter_session(struct http_peer *peer, struct peer_state *state,
                          struct http_request *request, const struct envelope *envelope)
{
    bool is_new;
    bool has_returned;
    if (!peer_sessions_accept(&state->sessions, &envelope->session, envelope->counter, &is_new,
                              &has_returned)) {
        http_answer_status(request, MHD_HTTP_CONFLICT);
        return false;
    }
    size_t index = (size_t)(state - peer->peers);
    const char *name = peer->shared->config->file->peers[index].name;
    if (has_returned) {
        struct job *job = job_new(JOB_RETURNED);
        log_line("%s is back, restarted", name);
        outbox_clear(state); /* was for a process that is no more */
        if (job != NULL) {
            job->peer = envelope->from;
            queue_push(peer->shared->jobs, job);
        }
    } else if (is_new) {
        log_line("%s is connected", name);
    }
    return true;
}

static void on_complete(void *context, struct http_request *request)
{
    struct http_peer *peer = context;
    struct envelope envelope;
    if (!request->is_checked ||
        envelope_read(&envelope, request->body.data, ENVELOPE_PREFIX_BYTES) != SOTTO_OK) {
        http_answer_status(request, MHD_HTTP_UNAUTHORIZED);
        return;
    }
    const uint8_t *data = request->body.data + ENVELOPE_PREFIX_BYTES;
    size_t bytes = request->body.data_bytes - ENVELOPE_PREFIX_BYTES;
    struct sotto_reader body;
    struct peer_state *state = &peer->peers[config_find_peer(peer->shared->config, &envelope.from)];
    if (!envelope_body_matches(&envelope, data, bytes)) {
        http_answer_status(request, MHD_HTTP_UNAUTHORIZED);
        return;
    }
    sotto_reader_init(&body, data, bytes);
    if (envelope.type == ENVELOPE_HELLO) {
        take_hello(peer, state, request, &envelope, &body);
        return;
    }
    if (queue_bytes(peer->shared->jobs) > JOBS_BYTES_MAX) {
        http_answer_status(request, MHD_HTTP_SERVICE_UNAVAILABLE);
        return;
    }
    if (!enter_session(peer, state, request, &envelope)) {
        return;
    }
    state->last_seen_ms = clock_ms();
    if (envelope.type == ENVELOPE_POLL) {
        take_poll(peer, state, request, &body);
    } else {
        take_messages(peer, request, &envelope.from, &body);
    }
}

static void on_expired(void *context, struct http_request *request)
{
    answer_signed(context, request, NULL, 0);
}

static void on_ended(void *context, struct http_request *request)
{
    (void)context;
    if (request->reserved_of != NULL) {
        *request->reserved_of -= request->reserved_bytes;
    }
}

/* --- Start, stop, state --- */

enum sotto_status http_peer_new(struct http_peer **out, uint16_t *out_port,
                                const struct shared *shared, struct sotto_error *err)
{
    struct http_peer *peer = sotto_alloc_zeroed(sizeof *peer);
    if (peer == NULL) {
        return sotto_error_no_memory(err);
    }
    peer->started_ms = clock_ms();
    struct http_handlers handlers = {
        .context = peer,
        .begin = on_begin,
        .prefix = on_prefix,
        .prefix_bytes = ENVELOPE_PREFIX_BYTES,
        .complete = on_complete,
        .expired = on_expired,
        .ended = on_ended,
        .body_bytes_max = ENVELOPE_PREFIX_BYTES + MESSAGE_BODY_MAX,
    };
    peer->shared = shared;
    peer->peers = sotto_alloc_zeroed((shared->config->file->peers_count + 1) * sizeof *peer->peers);
    enum sotto_status status = peer->peers == NULL
                                   ? sotto_error_no_memory(err)
                                   : http_server_new(&peer->server, out_port, shared->loop,
                                                     shared->config->file->peer, &handlers, err);
    if (status != SOTTO_OK) {
        http_peer_free(peer);
        return status;
    }
    peer->peers_len = shared->config->file->peers_count;
    for (size_t i = 0; i < peer->peers_len; i++) {
        peer->peers[i].tail = &peer->peers[i].head;
    }
    *out = peer;
    return SOTTO_OK;
}

void http_peer_free(struct http_peer *peer)
{
    if (peer != NULL) {
        http_server_free(peer->server);
        for (size_t i = 0; peer->peers != NULL && i < peer->peers_len; i++) {
            outbox_clear(&peer->peers[i]);
        }
        sotto_free(peer->peers);
        sotto_free(peer);
    }
}

bool http_peer_is_connected(const struct http_peer *peer, size_t peer_index)
{
    uint64_t seen_ms = peer->peers[peer_index].last_seen_ms;
    return seen_ms != 0 && seen_ms + CONNECTED_MS > clock_ms();
}

bool http_peer_is_away(const struct http_peer *peer, size_t peer_index)
{
    uint64_t seen_ms = peer->peers[peer_index].last_seen_ms;
    uint64_t since_ms = seen_ms != 0 ? seen_ms : peer->started_ms;
    return since_ms + CONNECTED_MS <= clock_ms();
}

void http_peer_traffic(const struct http_peer *peer, uint64_t *out_in, uint64_t *out_out)
{
    *out_in = http_server_bytes_in(peer->server);
    *out_out = http_server_bytes_out(peer->server);
}
