/* SPDX-License-Identifier: Apache-2.0 */

/* Calls to the peers that have a url (PEER.md), on libcurl in the loop. Each of them is one link
 * with two channels: hello and polls share one, messages have the other. The idea: every call may
 * be lost with its answer, so that every step can be made again.
 *
 *     state     has_session  is_up     under way                       goes on with
 *     new       no           no        hello                           open, waiting
 *     open      yes          yes       a poll; messages, if there are  open, lost, waiting
 *     lost      no           no        hello, at once the first time   open, waiting
 *     waiting   as before    no        nothing: retry is armed         what was before
 *
 *     a call ended               what it means, and what is next
 *     hello answered             a new session: counters begin at 1, nothing was seen yet
 *     poll answered              its messages go to the compute thread; the next poll says that
 *                                they are here (seen), only then does the peer drop them
 *     messages answered          what the call carried leaves the outbox
 *     409                        the peer doesn't know the session: lost. Twice in a row: waiting
 *     anything else, or nothing  waiting: 20 ms, doubled up to 2 s, then the same once more
 *
 * What a lost answer does:
 *
 * 1. Of a hello: the session that the peer made for it is never used; nothing of it is kept there.
 * 2. Of a poll: nothing was acknowledged, the next poll brings the same messages; those up to the
 *    number `seen` are dropped here.
 * 3. Of messages: the peer may have them. They go once more under a new counter, and a machine
 *    ignores what it has already.
 * 4. The peer was restarted: 409, a new session, `seen` begins anew as the peer's numbers do. Its
 *    outbox is gone; ours stays, and the new process ignores messages of tasks that it hasn't.
 * 5. This node was restarted: its polls have another instance. The peer drops what waited for the
 *    process before, and tells its tasks (JOB_RETURNED). */

#include "peer/client.h"

#include "config/proxy.h"
#include "http/http.h"
#include "loop/log.h"
#include "peer/outbox.h"
#include "peer/session.h"

#include <curl/curl.h>
#include <sodium.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/task.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define RETRY_MIN_MS 20
#define RETRY_MAX_MS 2000
#define CONNECT_SECONDS 5
#define HELLO_SECONDS 10
#define POLL_SECONDS (POLL_SECONDS_MAX + 15)
#define MESSAGE_SECONDS 120
#define MESSAGE_BATCH_BYTES ((size_t)1024 * 1024)
/* An answer to a poll has one message, which may be as long as a body, and small ones beside it. */
#define POLL_BYTES_BESIDE ((size_t)8 * 1024 * 1024)

struct link;

/* One of a link's two channels: hello and poll share one, messages have the other. */
struct call {
    struct link *link;
    CURL *easy;
    char url[512];
    struct envelope request;
    struct sotto_writer upload;
    struct sotto_writer response;
    struct envelope answer; /* of the response, once its prefix is sealed */
    bool has_answer;
    size_t response_bytes_max; /* behind the prefix of the answer */
    bool is_busy;
};

struct link {
    struct peer_client *client;
    const struct config_peer *peer;
    const uint8_t *pin; /* of its server's key, where peer->pin says so */
    struct sotto_key key;
    size_t index; /* of peer, in config's list */
    struct call poll;
    struct call message;
    bool has_session;
    struct session_share share; /* of the last hello */
    struct granted_session session;
    uint64_t counter;
    uint64_t seen; /* the last message that a poll brought */
    struct outbox outbox;
    uint64_t in_flight; /* the last message that the call under way carries */
    struct loop_timer retry;
    uint64_t retry_ms;
    bool was_in_conflict; /* since the last call that went well */
    bool is_up;
    long reported; /* what was last logged, so that each trouble is told once */
};

struct peer_client {
    const struct shared *shared;
    CURLM *multi;
    struct curl_slist *headers;
    struct loop_timer timer;
    struct session_id instance;
    struct link *links; /* as config's peers; those without url are unused */
    size_t links_len;
};

/* --- Calls --- */

/* Whether the answer that begins with this prefix is sealed by the peer that was called, and is one
 * to this request. Fills *out. */
static bool is_answer(struct envelope *out, const struct call *call, const uint8_t *prefix)
{
    const struct link *link = call->link;
    if (envelope_read(out, prefix, ENVELOPE_PREFIX_BYTES) != SOTTO_OK || !out->is_response ||
        out->type != call->request.type ||
        !session_id_equal(&out->session, &call->request.session) ||
        out->counter != call->request.counter ||
        !sotto_key_equal(&out->to, &link->client->shared->key) ||
        !sotto_key_equal(&out->from, &link->key)) {
        return false;
    }
    return out->type == ENVELOPE_HELLO ? envelope_is_signed(out, prefix, &link->key)
                                       : envelope_is_sealed(out, prefix, &link->session.keys);
}

/* Keeps a piece of an answer: the prefix, and once that is sealed all that it announces. */
static size_t on_response(char *data, size_t size, size_t len, void *context)
{
    struct call *call = context;
    struct sotto_writer *response = &call->response;
    size_t bytes = size * len;
    size_t had = response->data_bytes;
    size_t missing = had < ENVELOPE_PREFIX_BYTES ? ENVELOPE_PREFIX_BYTES - had : 0;
    size_t first = missing < bytes ? missing : bytes;
    sotto_write_bytes(response, data, first);
    if (missing > 0 && first == missing && sotto_writer_status(response) == SOTTO_OK) {
        call->has_answer = is_answer(&call->answer, call, response->data);
        if (!call->has_answer || call->answer.body_bytes > call->response_bytes_max) {
            return 0;
        }
        response->limit_bytes = ENVELOPE_PREFIX_BYTES + (size_t)call->answer.body_bytes;
    }
    sotto_write_bytes(response, data + first, bytes - first);
    return sotto_writer_status(response) == SOTTO_OK ? bytes : 0;
}

static void call_start(struct call *call, enum envelope_type type, const struct session_id *session,
                       uint64_t counter, const void *body, size_t body_bytes, long timeout_s)
{
    static const char *const paths[] = {
        [ENVELOPE_HELLO] = "hello",
        [ENVELOPE_POLL] = "poll",
        [ENVELOPE_MESSAGE] = "message",
    };
    struct link *link = call->link;
    struct peer_client *client = link->client;
    size_t allowed_bytes = atomic_load(&client->shared->allowances.bytes[link->index]);
    const size_t answers_bytes_max[] = {
        [ENVELOPE_HELLO] = GRANT_BYTES,
        [ENVELOPE_POLL] = allowed_bytes + POLL_BYTES_BESIDE,
        [ENVELOPE_MESSAGE] = 0,
    };
    size_t url_bytes = strlen(link->peer->url);
    if (url_bytes > 0 && link->peer->url[url_bytes - 1] == '/') {
        url_bytes--;
    }
    (void)snprintf(call->url, sizeof call->url, "%.*s/peer/v1/%s", (int)url_bytes, link->peer->url,
                   paths[type]);
    call->request = (struct envelope){
        .type = (uint8_t)type,
        .to = link->key,
        .session = *session,
        .counter = counter,
    };
    sotto_writer_release(&call->upload);
    sotto_writer_init(&call->upload, ENVELOPE_PREFIX_BYTES + body_bytes);
    sotto_writer_release(&call->response);
    sotto_writer_init(&call->response, ENVELOPE_PREFIX_BYTES);
    call->has_answer = false;
    call->response_bytes_max = answers_bytes_max[type];
    if (type == ENVELOPE_HELLO) {
        envelope_write_signed(&call->upload, client->shared->identity, &call->request, body,
                              body_bytes);
    } else {
        envelope_write_sealed(&call->upload, &client->shared->key, &call->request,
                              &link->session.keys, &link->session.pass, body, body_bytes);
    }
    if (sotto_writer_status(&call->upload) != SOTTO_OK) {
        loop_timer_set(&link->retry, clock_ms() + RETRY_MAX_MS);
        return;
    }
    (void)curl_easy_setopt(call->easy, CURLOPT_URL, call->url);
    (void)curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->upload.data);
    (void)curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                           (curl_off_t)call->upload.data_bytes);
    (void)curl_easy_setopt(call->easy, CURLOPT_TIMEOUT, timeout_s);
    call->is_busy = curl_multi_add_handle(client->multi, call->easy) == CURLM_OK;
}

/* The body of the call's answer. Returns: NULL if the answer is not sealed, not by this peer or not
 * to this request. */
static const uint8_t *read_answer(const struct call *call, size_t *out_bytes)
{
    const struct sotto_writer *response = &call->response;
    if (!call->has_answer) {
        return NULL;
    }
    const uint8_t *body = response->data + ENVELOPE_PREFIX_BYTES;
    size_t bytes = response->data_bytes - ENVELOPE_PREFIX_BYTES;
    if (!envelope_body_matches(&call->answer, body, bytes)) {
        return NULL;
    }
    *out_bytes = bytes;
    return body;
}

/* --- What to do next --- */

static void start_hello(struct link *link)
{
    struct session_id nonce;
    if (session_id_random(&nonce, sotto_random_system()) == SOTTO_OK &&
        session_share_make(&link->share, sotto_random_system()) == SOTTO_OK) {
        call_start(&link->poll, ENVELOPE_HELLO, &nonce, 0, link->share.share, HELLO_BYTES,
                   HELLO_SECONDS);
    }
}

static void start_poll(struct link *link)
{
    uint8_t body[8 + SESSION_BYTES];
    sotto_store_u64(body, link->seen);
    memcpy(body + 8, link->client->instance.bytes, SESSION_BYTES);
    call_start(&link->poll, ENVELOPE_POLL, &link->session.id, ++link->counter, body, sizeof body,
               POLL_SECONDS);
}

static void start_message(struct link *link)
{
    struct sotto_writer body;
    uint64_t now_ms = clock_ms();
    for (size_t late = outbox_drop(&link->outbox, 0, now_ms); late > 0; late--) {
        log_limited(LOG_MESSAGES, link->peer->name,
                    "a message to %s is dropped: it could not be delivered in time",
                    link->peer->name);
    }
    if (link->outbox.head == NULL) {
        return;
    }
    sotto_writer_init(&body, BODY_BYTES_MAX);
    for (const struct outgoing *out = link->outbox.head; out != NULL; out = out->next) {
        if (body.data_bytes > 0 &&
            body.data_bytes + out->bytes.data_bytes + 4 > MESSAGE_BATCH_BYTES) {
            break;
        }
        sotto_write_blob(&body, out->bytes.data, out->bytes.data_bytes);
        link->in_flight = out->sequence;
    }
    if (sotto_writer_status(&body) == SOTTO_OK) {
        call_start(&link->message, ENVELOPE_MESSAGE, &link->session.id, ++link->counter, body.data,
                   body.data_bytes, MESSAGE_SECONDS);
    } else {
        loop_timer_set(&link->retry, now_ms + RETRY_MAX_MS);
    }
    sotto_writer_release(&body);
}

/* Starts what can be started; nothing while a retry is due. */
static void link_start_calls(struct link *link)
{
    if (link->retry.deadline_ms != UINT64_MAX) {
        return;
    }
    if (!link->has_session) {
        if (!link->poll.is_busy && !link->message.is_busy) {
            start_hello(link);
        }
        return;
    }
    if (!link->message.is_busy) {
        start_message(link);
    }
    if (!link->poll.is_busy) {
        if (shared_is_full(link->client->shared, link->index)) {
            loop_timer_set(&link->retry, clock_ms() + RETRY_MAX_MS);
        } else {
            start_poll(link);
        }
    }
}

static void on_retry(void *context)
{
    link_start_calls(context);
}

static bool is_loopback_url(const char *url)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
           strncmp(host, "localhost", 9) == 0;
}

/* A call has failed: nothing is called for a while. code: an HTTP status, or minus a CURLcode. */
static void link_wait(struct link *link, long code)
{
    if (link->is_up || link->reported != code) {
        const char *what = code < 0      ? curl_easy_strerror((CURLcode)-code)
                           : code == 200 ? "its answer is not signed by the key in node.yaml"
                           : code == 401 ? "it does not know this node's key, or has another one"
                           : code == 426 ? "it speaks another version of this protocol: both need "
                                           "the same version of sotto"
                                         : "it answers with an error";
        char proxy[PROXY_TEXT_BYTES] = "";
        if (!is_loopback_url(link->peer->url)) {
            proxy_describe(proxy, link->peer->url);
        }
        log_limited(LOG_CONNECTIONS, link->peer->name,
                    "%s can't be reached at %s%s (%s); trying on", link->peer->name,
                    link->peer->url, proxy, what);
    }
    link->is_up = false;
    link->reported = code;
    loop_timer_set(&link->retry, clock_ms() + link->retry_ms);
    link->retry_ms = link->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : link->retry_ms * 2;
}

/* The peer has proved its key. */
static void link_set_up(struct link *link)
{
    if (!link->is_up) {
        log_limited(LOG_CONNECTIONS, link->peer->name, "connected to %s at %s", link->peer->name,
                    link->peer->url);
    }
    link->is_up = true;
    link->reported = 0;
}

static void take_session(struct link *link, const uint8_t *body, size_t body_bytes)
{
    if (body_bytes != GRANT_BYTES || !session_grant_take(&link->session, body, &link->share,
                                                         &link->client->shared->key, &link->key)) {
        link_wait(link, 200);
        return;
    }
    sotto_wipe(&link->share, sizeof link->share);
    link->has_session = true;
    link->counter = 0;
    link->seen = 0;
    link_set_up(link);
}

static void take_poll(struct link *link, const uint8_t *body, size_t body_bytes)
{
    struct sotto_reader reader;
    sotto_reader_init(&reader, body, body_bytes);
    while (sotto_reader_left(&reader) > 0) {
        size_t bytes;
        uint64_t sequence = sotto_read_u64(&reader);
        const uint8_t *data = sotto_read_blob(&reader, &bytes, SOTTO_MESSAGE_BYTES_MAX);
        struct sotto_message_route route;
        bool is_message = data != NULL && sotto_message_route(&route, data, bytes);
        struct job *job = is_message ? job_new(JOB_MESSAGE) : NULL;
        if (job == NULL || sotto_buffer_copy(&job->bytes, data, bytes) != SOTTO_OK) {
            job_free(job);
            log_limited(LOG_MESSAGES, link->peer->name,
                        "a message from %s is lost: malformed, or out of memory", link->peer->name);
            break; /* not acknowledged, comes again */
        }
        job->peer = link->key;
        job->lane = 1 + link->index;
        if (sequence > link->seen) {
            link->seen = sequence;
            queue_push(link->client->shared->jobs, job);
        } else {
            job_free(job);
        }
    }
}

/* The peer does not know the session (409): it was restarted, or has ended it. */
static void link_lose_session(struct link *link)
{
    struct call *calls[] = {&link->poll, &link->message};
    for (size_t i = 0; i < 2; i++) {
        if (calls[i]->is_busy) { /* goes nowhere either */
            (void)curl_multi_remove_handle(link->client->multi, calls[i]->easy);
            calls[i]->is_busy = false;
        }
    }
    link->has_session = false;
    link->is_up = false;
    if (link->was_in_conflict) {
        link_wait(link, MHD_HTTP_CONFLICT); /* the second time in a row: not at once */
    }
    link->was_in_conflict = true;
}

/* Heeds the sealed answer to a call. */
static void take_answer(struct link *link, const struct call *call, const uint8_t *body,
                        size_t body_bytes)
{
    if (call->request.type == ENVELOPE_HELLO) {
        take_session(link, body, body_bytes);
        return;
    }
    link_set_up(link);
    link->was_in_conflict = false;
    link->retry_ms = RETRY_MIN_MS;
    if (call->request.type == ENVELOPE_POLL) {
        take_poll(link, body, body_bytes);
    } else {
        (void)outbox_drop(&link->outbox, link->in_flight, 0);
    }
}

static void call_end(struct call *call, CURLcode code)
{
    struct link *link = call->link;
    long http_status = 0;
    size_t bytes = 0;
    bool has_status = code == CURLE_OK || code == CURLE_WRITE_ERROR; /* on_response took no more */
    call->is_busy = false;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &http_status);
    const uint8_t *body =
        code == CURLE_OK && http_status == MHD_HTTP_OK ? read_answer(call, &bytes) : NULL;
    if (body != NULL) {
        take_answer(link, call, body, bytes);
    } else if (has_status && http_status == MHD_HTTP_CONFLICT) {
        link_lose_session(link);
    } else {
        link_wait(link, has_status ? http_status : -(long)code);
    }
    link_start_calls(link);
}

void peer_client_send(struct peer_client *client, struct job *event)
{
    size_t index = config_find_peer(client->shared->config, &event->peer);
    struct link *link = index != SOTTO_NONE ? &client->links[index] : NULL;
    if (link == NULL || link->client == NULL) {
        const char *name =
            index != SOTTO_NONE ? client->shared->config->file->peers[index].name : "?";
        log_limited(LOG_MESSAGES, name,
                    "a message for %s is dropped: node.yaml has no url of that peer", name);
        return;
    }
    if (!outbox_add(&link->outbox, &event->bytes, event->deadline_ms)) {
        log_limited(LOG_MESSAGES, link->peer->name,
                    "a message for %s is dropped: too many wait already", link->peer->name);
        return;
    }
    link_start_calls(link);
}

bool peer_client_is_connected(const struct peer_client *client, size_t peer_index)
{
    return client->links[peer_index].is_up;
}

bool peer_client_is_away(const struct peer_client *client, size_t peer_index)
{
    const struct link *link = &client->links[peer_index];
    return !link->is_up && link->reported != 0;
}

/* --- libcurl in the loop --- */

static void end_finished_calls(struct peer_client *client)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            struct call *call = NULL;
            CURLcode code = message->data.result;
            CURL *easy = message->easy_handle;
            (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)(void *)&call);
            (void)curl_multi_remove_handle(client->multi, easy);
            call_end(call, code);
        }
    }
}

struct watched {
    struct peer_client *client;
    struct loop_source *source;
    curl_socket_t socket;
};

static void on_socket_ready(void *context, uint32_t events)
{
    const struct watched *watched = context;
    struct peer_client *client = watched->client; /* watched may be gone after the next call */
    int running;
    int flags = ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                ((events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    (void)curl_multi_socket_action(client->multi, watched->socket, flags, &running);
    end_finished_calls(client);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context,
                     void *socket_context)
{
    struct peer_client *client = context;
    struct watched *watched = socket_context;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watched != NULL) {
            loop_remove(client->shared->loop, watched->source);
            sotto_free(watched);
        }
        return 0;
    }
    uint32_t events = ((what & CURL_POLL_IN) != 0 ? (uint32_t)EPOLLIN : 0) |
                      ((what & CURL_POLL_OUT) != 0 ? (uint32_t)EPOLLOUT : 0);
    if (watched != NULL) {
        loop_change(client->shared->loop, watched->source, events);
        return 0;
    }
    watched = sotto_alloc_zeroed(sizeof *watched);
    if (watched == NULL) {
        return -1;
    }
    watched->client = client;
    watched->socket = socket;
    if (loop_add(client->shared->loop, &watched->source, socket, events, on_socket_ready, watched,
                 NULL) != SOTTO_OK) {
        sotto_free(watched);
        return -1;
    }
    (void)curl_multi_assign(client->multi, socket, watched);
    return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *context)
{
    struct peer_client *client = context;
    (void)multi;
    loop_timer_set(&client->timer, timeout_ms < 0 ? UINT64_MAX : clock_ms() + (uint64_t)timeout_ms);
    return 0;
}

static void on_timer(void *context)
{
    struct peer_client *client = context;
    int running;
    (void)curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    end_finished_calls(client);
}

/* --- Start and stop --- */

void peer_client_trust(void *easy, const struct config_peer *peer,
                       const uint8_t pin[CONFIG_PIN_BYTES])
{
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (is_loopback_url(peer->url)) {
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    if (peer->ca != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, peer->ca);
    }
    if (peer->pin != NULL) { /* the key itself is known: names and signatures say nothing */
        static const char scheme[] = "sha256//";
        char text[sodium_base64_ENCODED_LEN(CONFIG_PIN_BYTES, sodium_base64_VARIANT_ORIGINAL) +
                  sizeof scheme];
        (void)snprintf(text, sizeof text, "%s", scheme);
        (void)sodium_bin2base64(text + sizeof scheme - 1, sizeof text - sizeof scheme + 1, pin,
                                CONFIG_PIN_BYTES, sodium_base64_VARIANT_ORIGINAL);
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
        (void)curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, text);
    }
}

static bool call_init(struct call *call, struct link *link)
{
    call->link = link;
    call->easy = curl_easy_init();
    if (call->easy == NULL) {
        return false;
    }
    (void)curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, link->client->headers);
    (void)curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_response);
    (void)curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    (void)curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(call->easy, CURLOPT_USERAGENT, "sotto");
    (void)curl_easy_setopt(call->easy, CURLOPT_TCP_KEEPALIVE, 1L); /* a peer without power */
    (void)curl_easy_setopt(call->easy, CURLOPT_TCP_KEEPIDLE, 15L);
    (void)curl_easy_setopt(call->easy, CURLOPT_TCP_KEEPINTVL, 5L);
    peer_client_trust(call->easy, link->peer, link->pin);
    return true;
}

static bool link_init(struct link *link, struct peer_client *client, size_t index)
{
    const struct config *config = client->shared->config;
    link->client = client;
    link->peer = &config->file->peers[index];
    link->key = config->peer_keys[index];
    link->index = index;
    link->pin = config->peer_pins[index];
    outbox_init(&link->outbox);
    link->retry_ms = RETRY_MIN_MS;
    loop_timer_add(client->shared->loop, &link->retry, on_retry, link);
    return call_init(&link->poll, link) && call_init(&link->message, link);
}

static void link_release(struct link *link)
{
    struct call *calls[] = {&link->poll, &link->message};
    for (size_t i = 0; i < 2; i++) {
        if (calls[i]->is_busy) {
            (void)curl_multi_remove_handle(link->client->multi, calls[i]->easy);
        }
        curl_easy_cleanup(calls[i]->easy);
        sotto_writer_release(&calls[i]->upload);
        sotto_writer_release(&calls[i]->response);
    }
    outbox_clear(&link->outbox);
    loop_timer_remove(link->client->shared->loop, &link->retry);
    sotto_wipe(&link->share, sizeof link->share);
    sotto_wipe(&link->session, sizeof link->session);
}

enum sotto_status peer_client_new(struct peer_client **out, const struct shared *shared,
                                  struct sotto_error *err)
{
    size_t len = shared->config->places_max;
    struct peer_client *client = sotto_alloc_zeroed(sizeof *client);
    if (client == NULL) {
        return sotto_error_no_memory(err);
    }
    client->shared = shared;
    loop_timer_add(shared->loop, &client->timer, on_timer, client);
    client->links = sotto_alloc_zeroed((len + 1) * sizeof *client->links);
    client->multi = curl_multi_init();
    client->headers = curl_slist_append(NULL, "Content-Type: application/octet-stream");
    struct curl_slist *more = curl_slist_append(client->headers, "Expect:");
    bool good = client->links != NULL && client->multi != NULL && more != NULL &&
                session_id_random(&client->instance, sotto_random_system()) == SOTTO_OK;
    if (good) {
        (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
        (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
        (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
        client->links_len = len;
    }
    for (size_t i = 0; good && i < shared->config->file->peers_count; i++) {
        if (shared->config->file->peers[i].url != NULL) {
            good = link_init(&client->links[i], client, i);
        }
    }
    if (!good) {
        peer_client_free(client);
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "libcurl does not start");
    }
    for (size_t i = 0; i < client->links_len; i++) {
        if (client->links[i].client != NULL) {
            link_start_calls(&client->links[i]);
        }
    }
    *out = client;
    return SOTTO_OK;
}

/* Whether a link calls the same place, believed in the same way. */
static bool is_same_link(const struct config_peer *a, const struct config_peer *b)
{
    return config_is_same_text(a->url, b->url) && config_is_same_text(a->pin, b->pin) &&
           config_is_same_text(a->ca, b->ca);
}

/* Ends a link, and begins it again where there is somebody to call: what waits for a peer that
 * stays waits on. */
static void renew_link(struct peer_client *client, size_t index)
{
    const struct config *config = client->shared->config;
    const struct config_peer *peer = &config->file->peers[index];
    struct link *link = &client->links[index];
    struct outbox waiting;
    outbox_init(&waiting);
    if (link->client != NULL) {
        if (config_has_peer(config, index) && link->outbox.head != NULL) {
            waiting = link->outbox;
            outbox_init(&link->outbox);
        }
        link_release(link);
        *link = (struct link){0};
    }
    if (!config_has_peer(config, index) || peer->url == NULL) {
        outbox_clear(&waiting);
        return;
    }
    if (!link_init(link, client, index)) {
        log_warning("%s is not called: out of memory", peer->name);
        link_release(link);
        *link = (struct link){0};
        outbox_clear(&waiting);
        return;
    }
    if (waiting.head != NULL) {
        link->outbox = waiting;
    }
    link_start_calls(link);
}

static void follow_peer(struct peer_client *client, size_t index, const struct config *before)
{
    const struct config *config = client->shared->config;
    const struct config_peer *peer = &config->file->peers[index];
    struct link *link = &client->links[index];
    bool stays = config_has_peer(config, index) && index < before->file->peers_count &&
                 is_same_link(peer, &before->file->peers[index]);
    if (stays) {
        link->peer = peer;
        link->pin = config->peer_pins[index];
        return;
    }
    renew_link(client, index);
}

void peer_client_follow(struct peer_client *client, const struct config *before)
{
    for (size_t i = 0; i < client->shared->config->file->peers_count; i++) {
        follow_peer(client, i, before);
    }
}

void peer_client_free(struct peer_client *client)
{
    if (client == NULL) {
        return;
    }
    for (size_t i = 0; client->links != NULL && i < client->links_len; i++) {
        if (client->links[i].client != NULL) {
            link_release(&client->links[i]);
        }
    }
    (void)curl_multi_cleanup(client->multi);
    curl_slist_free_all(client->headers);
    loop_timer_remove(client->shared->loop, &client->timer);
    sotto_free(client->links);
    sotto_free(client);
}
