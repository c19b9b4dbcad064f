/* SPDX-License-Identifier: Apache-2.0 */

/* Envelopes, replay windows and sessions, as PEER.md has them, without I/O; leans on libsodium and
 * on the identity of federation/. The idea: a session is a number that rises and a proof that this
 * process gave it to this caller, so that nothing has to be kept until a request is signed under
 * it; newer ones end older ones, and each counter in a session is good once. */

#include "peer/session.h"

#include <sodium.h>
#include <sotto/secret.h>
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

#define PROOF_BYTES 8

enum sotto_status session_maker_init(struct session_maker *maker, struct sotto_random random)
{
    maker->issued = 0;
    return random.fill(random.context, maker->secret, sizeof maker->secret);
}

static struct session_id name_session(const struct session_maker *maker,
                                      const struct sotto_key *caller, uint64_t issued)
{
    struct session_id id;
    uint8_t hash[crypto_generichash_BYTES_MIN];
    uint8_t text[sizeof caller->bytes + 8];
    _Static_assert(sizeof id.bytes == 8 + PROOF_BYTES && sizeof hash >= PROOF_BYTES, "its parts");
    memcpy(text, caller->bytes, sizeof caller->bytes);
    sotto_store_u64(text + sizeof caller->bytes, issued);
    (void)crypto_generichash(hash, sizeof hash, text, sizeof text, maker->secret,
                             sizeof maker->secret);
    sotto_store_u64(id.bytes, issued);
    memcpy(id.bytes + 8, hash, PROOF_BYTES);
    return id;
}

struct session_id session_make(struct session_maker *maker, const struct sotto_key *caller)
{
    return name_session(maker, caller, ++maker->issued);
}

bool peer_session_would_accept(const struct peer_session *session,
                               const struct session_maker *maker, const struct sotto_key *caller,
                               const struct session_id *id, uint64_t counter)
{
    uint64_t issued = sotto_load_u64(id->bytes);
    struct session_id made = name_session(maker, caller, issued);
    struct replay_window none = {0};
    return issued != 0 && issued >= session->issued &&
           sotto_equal_ct(made.bytes, id->bytes, sizeof made.bytes) &&
           replay_window_is_fresh(issued == session->issued ? &session->window : &none, counter);
}

bool peer_session_accept(struct peer_session *session, bool *out_is_new,
                         const struct session_maker *maker, const struct sotto_key *caller,
                         const struct session_id *id, uint64_t counter)
{
    if (!peer_session_would_accept(session, maker, caller, id, counter)) {
        return false;
    }
    uint64_t issued = sotto_load_u64(id->bytes);
    *out_is_new = issued != session->issued;
    if (*out_is_new) {
        *session = (struct peer_session){.issued = issued};
    }
    replay_window_accept(&session->window, counter);
    return true;
}
