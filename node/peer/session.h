/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PEER_SESSION_H
#define SOTTO_NODE_PEER_SESSION_H

/* How two nodes talk: signed envelopes under a session that both sides made fresh, so that nothing
 * recorded earlier, or meant for another node, is taken. PEER.md is the specification. No I/O here.
 *
 * An envelope is a header, a signature of the header, and the body, whose hash and length are in
 * the header: a receiver knows who is talking, and how much will come, before it stores any of it.
 */

#include <sotto/bytes.h>
#include <sotto/identity.h>

#define SESSION_BYTES 16
#define ENVELOPE_HASH_BYTES 32
#define ENVELOPE_HEADER_BYTES (8 + 1 + 1 + 32 + 32 + SESSION_BYTES + 8 + 4 + ENVELOPE_HASH_BYTES)
#define ENVELOPE_PREFIX_BYTES (ENVELOPE_HEADER_BYTES + 64) /* header and signature */

enum envelope_type {
    ENVELOPE_HELLO = 1,   /* no body; session: the caller's nonce */
    ENVELOPE_POLL = 2,    /* body: u64, the last message seen; instance of the caller */
    ENVELOPE_MESSAGE = 3, /* body: blobs, one for each message */
};

/* A session id, drawn at random: also nonces and instances of nodes. */
struct session_id {
    uint8_t bytes[SESSION_BYTES];
};

enum sotto_status session_id_random(struct session_id *out,
                                    struct sotto_random random) SOTTO_NODISCARD;
bool session_id_equal(const struct session_id *a, const struct session_id *b);

struct envelope {
    uint8_t type;
    bool is_response;
    struct sotto_key from;
    struct sotto_key to;
    struct session_id session;
    uint64_t counter; /* a response repeats its request's */
    uint32_t body_bytes;
    uint8_t body_hash[ENVELOPE_HASH_BYTES];
};

/* Writes the signed envelope of a body. from, body_bytes and body_hash are filled in. */
void envelope_write(struct sotto_writer *writer, const struct sotto_identity *identity,
                    const struct envelope *envelope, const void *body, size_t body_bytes);

/* Reads a header without any check of the signature. Returns: SOTTO_ERROR_INPUT if it is none. */
enum sotto_status envelope_read(struct envelope *out, const uint8_t *prefix,
                                size_t prefix_bytes) SOTTO_NODISCARD;

/* Whether the prefix that envelope_read took is signed by key. */
bool envelope_is_signed(const struct envelope *envelope, const uint8_t *prefix,
                        const struct sotto_key *key);

/* Whether this is the body that the header promises. */
bool envelope_body_matches(const struct envelope *envelope, const void *body, size_t body_bytes);

/* Anti-replay as in RFC 4303, 3.4.3: counters above the highest are new, those up to 63 below it
 * are remembered, older ones refused. Counter 0 is never used. */
struct replay_window {
    uint64_t highest;
    uint64_t seen; /* bit i: highest - i was accepted */
};

/* Whether a counter can be accepted. */
bool replay_window_is_fresh(const struct replay_window *window, uint64_t counter);
/* Remembers a counter, which must be fresh. */
void replay_window_accept(struct replay_window *window, uint64_t counter);

/* What this process makes sessions with. Nothing is kept of the sessions that it gives away. */
struct session_maker {
    uint8_t secret[32];
    uint64_t issued; /* the last one's number */
};

enum sotto_status session_maker_init(struct session_maker *maker,
                                     struct sotto_random random) SOTTO_NODISCARD;
/* A session for whoever says hello with this key. */
struct session_id session_make(struct session_maker *maker, const struct sotto_key *caller);

/* The session that one peer has with this node: the newest one that it signed a request under. */
struct peer_session {
    uint64_t issued; /* 0: none yet */
    struct replay_window window;
};

/* Whether a request of caller under this session and counter would be taken. */
bool peer_session_would_accept(const struct peer_session *session,
                               const struct session_maker *maker, const struct sotto_key *caller,
                               const struct session_id *id, uint64_t counter);

/* Takes a request whose signature and body were checked. Returns: false if it is not fresh.
 * *out_is_new: it opened the session. */
bool peer_session_accept(struct peer_session *session, bool *out_is_new,
                         const struct session_maker *maker, const struct sotto_key *caller,
                         const struct session_id *id, uint64_t counter);

#endif
