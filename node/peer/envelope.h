/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PEER_ENVELOPE_H
#define SOTTO_NODE_PEER_ENVELOPE_H

/* How two nodes talk: envelopes under a session that both sides made fresh, so that nothing
 * recorded earlier, or meant for another node, is taken. PEER.md is the specification. No I/O here.
 *
 * An envelope is a header, a seal of the header, and the body, whose hash and length are in the
 * header: a receiver knows who is talking, and how much will come, before it stores any of it. A
 * hello and its answer are signed; what comes after it has a keyed hash, of keys that both made of
 * what they signed there, as a signature takes a hundred times as long.
 */

#include <sotto/bytes.h>
#include <sotto/identity.h>

#define SESSION_BYTES 16
#define ENVELOPE_HASH_BYTES 32
#define ENVELOPE_HEADER_BYTES (8 + 1 + 1 + 32 + 32 + SESSION_BYTES + 8 + 4 + ENVELOPE_HASH_BYTES)
#define SHARE_BYTES 32
#define TICKET_BYTES 16
#define SEAL_BYTES (SHARE_BYTES + TICKET_BYTES + 16)
#define ENVELOPE_PREFIX_BYTES (ENVELOPE_HEADER_BYTES + SEAL_BYTES)

enum envelope_type {
    ENVELOPE_HELLO = 1,   /* body: the caller's share; session: its nonce */
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

/* What envelopes of a session are sealed with. */
struct session_keys {
    uint8_t request[32];
    uint8_t response[32];
};

/* What a caller shows with each request, so that the callee keeps nothing of hellos: its share, and
 * that this process was told it under a signature. */
struct session_pass {
    uint8_t share[SHARE_BYTES];
    uint8_t ticket[TICKET_BYTES];
};

/* Writes the signed envelope of a body, of a hello or its answer. from, body_bytes and body_hash
 * are filled in. */
void envelope_write_signed(struct sotto_writer *writer, const struct sotto_identity *identity,
                           const struct envelope *envelope, const void *body, size_t body_bytes);
/* Likewise of all else, of from. pass: the caller's; NULL: an answer. */
void envelope_write_sealed(struct sotto_writer *writer, const struct sotto_key *from,
                           const struct envelope *envelope, const struct session_keys *keys,
                           const struct session_pass *pass, const void *body, size_t body_bytes);

/* Reads a header without any check of the seal. Returns: SOTTO_ERROR_INPUT if it is none. */
enum sotto_status envelope_read(struct envelope *out, const uint8_t *prefix,
                                size_t prefix_bytes) SOTTO_NODISCARD;

/* Whether a prefix that envelope_read does not take is an envelope of another version. */
bool envelope_is_of_another_version(const uint8_t prefix[ENVELOPE_PREFIX_BYTES]);

/* Whether the prefix that envelope_read took is signed by key; whether it is sealed with keys. */
bool envelope_is_signed(const struct envelope *envelope, const uint8_t *prefix,
                        const struct sotto_key *key);
bool envelope_is_sealed(const struct envelope *envelope, const uint8_t *prefix,
                        const struct session_keys *keys);

/* Whether this is the body that the header promises. */
bool envelope_body_matches(const struct envelope *envelope, const void *body, size_t body_bytes);

#endif
