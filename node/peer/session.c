/* SPDX-License-Identifier: Apache-2.0 */

/* Envelopes, replay windows and sessions, as PEER.md has them, without I/O; leans on libsodium and
 * on the identity of federation/. The idea: a session is made of the caller's nonce and the
 * callee's random id, and counts only once a request was signed under it; each counter in it is
 * good once. */

#include "peer/session.h"

#include <sodium.h>
#include <string.h>

#define ENVELOPE_VERSION 1
#define RESPONSE_BIT 0x80
#define REQUEST_LABEL "sotto peer request"
#define RESPONSE_LABEL "sotto peer response"

static const uint8_t envelope_magic[8] = {'s', 'o', 't', 't', 'o', 'p', 'e', 'r'};

enum sotto_status session_id_random(struct session_id *out, struct sotto_random random)
{
    return random.fill(random.context, out->bytes, sizeof out->bytes);
}

bool session_id_equal(const struct session_id *a, const struct session_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0; /* not a secret */
}

static const char *choose_label(const struct envelope *envelope)
{
    return envelope->is_response ? RESPONSE_LABEL : REQUEST_LABEL;
}

static void hash_body(uint8_t out[ENVELOPE_HASH_BYTES], const void *body, size_t body_bytes)
{
    (void)crypto_generichash(out, ENVELOPE_HASH_BYTES, body, body_bytes, NULL, 0);
}

void envelope_write(struct sotto_writer *writer, const struct sotto_identity *identity,
                    const struct envelope *envelope, const void *body, size_t body_bytes)
{
    SOTTO_REQUIRE(body_bytes <= UINT32_MAX);
    struct sotto_writer header;
    struct sotto_signature signature;
    struct sotto_key from = sotto_identity_key(identity);
    uint8_t hash[ENVELOPE_HASH_BYTES];
    uint8_t type = (uint8_t)(envelope->type | (envelope->is_response ? RESPONSE_BIT : 0));
    hash_body(hash, body, body_bytes);
    sotto_writer_init(&header, ENVELOPE_HEADER_BYTES);
    sotto_write_bytes(&header, envelope_magic, sizeof envelope_magic);
    sotto_write_u8(&header, ENVELOPE_VERSION);
    sotto_write_u8(&header, type);
    sotto_write_bytes(&header, from.bytes, sizeof from.bytes);
    sotto_write_bytes(&header, envelope->to.bytes, sizeof envelope->to.bytes);
    sotto_write_bytes(&header, envelope->session.bytes, SESSION_BYTES);
    sotto_write_u64(&header, envelope->counter);
    sotto_write_u32(&header, (uint32_t)body_bytes);
    sotto_write_bytes(&header, hash, sizeof hash);
    if (sotto_writer_status(&header) != SOTTO_OK) {
        writer->failed = true;
    } else {
        sotto_identity_sign(identity, &signature, choose_label(envelope), header.data,
                            header.data_bytes);
        sotto_write_bytes(writer, header.data, header.data_bytes);
        sotto_write_bytes(writer, signature.bytes, sizeof signature.bytes);
        sotto_write_bytes(writer, body, body_bytes);
    }
    sotto_writer_release(&header);
}

enum sotto_status envelope_read(struct envelope *out, const uint8_t *prefix, size_t prefix_bytes)
{
    struct sotto_reader reader;
    struct envelope envelope = {0};
    sotto_reader_init(&reader, prefix, prefix_bytes);
    const uint8_t *magic = sotto_read_bytes(&reader, sizeof envelope_magic);
    uint8_t version = sotto_read_u8(&reader);
    uint8_t type = sotto_read_u8(&reader);
    sotto_read_copy(&reader, envelope.from.bytes, sizeof envelope.from.bytes);
    sotto_read_copy(&reader, envelope.to.bytes, sizeof envelope.to.bytes);
    sotto_read_copy(&reader, envelope.session.bytes, SESSION_BYTES);
    envelope.counter = sotto_read_u64(&reader);
    envelope.body_bytes = sotto_read_u32(&reader);
    sotto_read_copy(&reader, envelope.body_hash, sizeof envelope.body_hash);
    (void)sotto_read_bytes(&reader, sizeof(struct sotto_signature));
    envelope.is_response = (type & RESPONSE_BIT) != 0;
    envelope.type = type & (uint8_t)~RESPONSE_BIT;
    if (!sotto_reader_finished(&reader) || magic == NULL ||
        memcmp(magic, envelope_magic, sizeof envelope_magic) != 0 || version != ENVELOPE_VERSION ||
        envelope.type < ENVELOPE_HELLO || envelope.type > ENVELOPE_MESSAGE) {
        return SOTTO_ERROR_INPUT;
    }
    *out = envelope;
    return SOTTO_OK;
}

bool envelope_is_signed(const struct envelope *envelope, const uint8_t *prefix,
                        const struct sotto_key *key)
{
    struct sotto_signature signature;
    memcpy(signature.bytes, prefix + ENVELOPE_HEADER_BYTES, sizeof signature.bytes);
    return sotto_key_verify(key, &signature, choose_label(envelope), prefix, ENVELOPE_HEADER_BYTES);
}

bool envelope_body_matches(const struct envelope *envelope, const void *body, size_t body_bytes)
{
    uint8_t hash[ENVELOPE_HASH_BYTES];
    hash_body(hash, body, body_bytes);
    return body_bytes == envelope->body_bytes &&
           memcmp(hash, envelope->body_hash, sizeof hash) == 0;
}

/* --- Replay --- */

#define WINDOW_BITS 64

bool replay_window_is_fresh(const struct replay_window *window, uint64_t counter)
{
    if (counter == 0) {
        return false;
    }
    if (counter > window->highest) {
        return true;
    }
    uint64_t age = window->highest - counter;
    return age < WINDOW_BITS && ((window->seen >> age) & 1) == 0;
}

void replay_window_accept(struct replay_window *window, uint64_t counter)
{
    SOTTO_REQUIRE(replay_window_is_fresh(window, counter));
    if (counter <= window->highest) {
        window->seen |= UINT64_C(1) << (window->highest - counter);
        return;
    }
    uint64_t step = counter - window->highest;
    window->seen = step < WINDOW_BITS ? (window->seen << step) | 1 : 1;
    window->highest = counter;
}

/* --- Sessions --- */

enum sotto_status peer_sessions_hello(struct peer_sessions *sessions, struct session_id *out,
                                      const struct session_id *nonce,
                                      const struct session_id *instance, struct sotto_random random)
{
    if (sessions->current.is_used && session_id_equal(&sessions->current.nonce, nonce)) {
        *out = sessions->current.id;
        return SOTTO_OK;
    }
    for (size_t i = 0; i < SESSION_CANDIDATES_LEN; i++) {
        const struct session *candidate = &sessions->candidates[i];
        if (candidate->is_used && session_id_equal(&candidate->nonce, nonce)) {
            *out = candidate->id;
            return SOTTO_OK;
        }
    }
    struct session fresh = {.is_used = true, .nonce = *nonce, .instance = *instance};
    enum sotto_status status = session_id_random(&fresh.id, random);
    if (status != SOTTO_OK) {
        return status;
    }
    sessions->candidates[sessions->next_candidate] = fresh;
    sessions->next_candidate = (sessions->next_candidate + 1) % SESSION_CANDIDATES_LEN;
    *out = fresh.id;
    return SOTTO_OK;
}

static const struct session *find_session(const struct peer_sessions *sessions,
                                          const struct session_id *id)
{
    if (sessions->current.is_used && session_id_equal(&sessions->current.id, id)) {
        return &sessions->current;
    }
    for (size_t i = 0; i < SESSION_CANDIDATES_LEN; i++) {
        const struct session *candidate = &sessions->candidates[i];
        if (candidate->is_used && session_id_equal(&candidate->id, id)) {
            return candidate;
        }
    }
    return NULL;
}

bool peer_sessions_would_accept(const struct peer_sessions *sessions, const struct session_id *id,
                                uint64_t counter)
{
    const struct session *session = find_session(sessions, id);
    return session != NULL && replay_window_is_fresh(&session->window, counter);
}

bool peer_sessions_accept(struct peer_sessions *sessions, const struct session_id *id,
                          uint64_t counter, bool *out_is_new, bool *out_returned)
{
    const struct session *session = find_session(sessions, id);
    if (session == NULL || !replay_window_is_fresh(&session->window, counter)) {
        return false;
    }
    *out_is_new = session != &sessions->current;
    *out_returned = false;
    if (*out_is_new) {
        struct session opened = *session;
        *out_returned =
            sessions->has_instance && !session_id_equal(&sessions->instance, &opened.instance);
        sessions->instance = opened.instance;
        sessions->has_instance = true;
        sessions->current = opened;
        memset(sessions->candidates, 0, sizeof sessions->candidates);
    }
    replay_window_accept(&sessions->current.window, counter);
    return true;
}
