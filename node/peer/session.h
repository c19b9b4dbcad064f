/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PEER_SESSION_H
#define SOTTO_NODE_PEER_SESSION_H

/* Which envelopes are taken: those of a session that both sides made fresh, each once. PEER.md is
 * the specification. No I/O here. */

#include "peer/envelope.h"

#define HELLO_BYTES SHARE_BYTES
#define GRANT_BYTES (SESSION_BYTES + TICKET_BYTES + SHARE_BYTES)

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

/* What one side gives towards the keys of sessions, and keeps of it: an X25519 key pair. */
struct session_share {
    uint8_t secret[SHARE_BYTES];
    uint8_t share[SHARE_BYTES];
};
enum sotto_status session_share_make(struct session_share *out,
                                     struct sotto_random random) SOTTO_NODISCARD;

/* The answer to a hello. */
struct session_grant {
    struct session_id session;
    uint8_t ticket[TICKET_BYTES];
    uint8_t share[SHARE_BYTES]; /* the callee's */
};
void session_grant_write(uint8_t out[GRANT_BYTES], const struct session_grant *grant);

/* A session as its caller has it. */
struct granted_session {
    struct session_id id;
    struct session_pass pass;
    struct session_keys keys;
};
/* Takes the answer of callee to a hello of caller, which gave own. Returns: false if its share is
 * of no use. */
bool session_grant_take(struct granted_session *out, const uint8_t grant[GRANT_BYTES],
                        const struct session_share *own, const struct sotto_key *caller,
                        const struct sotto_key *callee);

/* What this process makes sessions with. Nothing is kept of the sessions that it gives away. */
struct session_maker {
    uint8_t secret[32];
    struct session_share own;
    uint64_t issued; /* the last one's number */
};

enum sotto_status session_maker_init(struct session_maker *maker,
                                     struct sotto_random random) SOTTO_NODISCARD;
/* A session for whoever says hello with this key and share. */
struct session_grant session_make(struct session_maker *maker, const struct sotto_key *caller,
                                  const uint8_t share[SHARE_BYTES]);

/* The session that one peer has with this node: the newest one that it sealed a request under. */
struct peer_session {
    uint64_t issued; /* 0: none yet */
    struct session_keys keys;
    struct replay_window window;
};

/* The keys of the session that a request, whose prefix envelope_read took, says it is of. Returns:
 * false if this process gave its caller none such. */
bool peer_session_find_keys(struct session_keys *out, const struct peer_session *session,
                            const struct session_maker *maker, const struct envelope *request,
                            const uint8_t *prefix);

/* Whether a request that is sealed would be taken: its session is the current one or a newer one,
 * and its counter new. */
bool peer_session_would_accept(const struct peer_session *session, const struct envelope *request);

/* Takes a request whose seal, with these keys, and body were checked. Returns: false if it is not
 * fresh. *out_is_new: it opened the session. */
bool peer_session_accept(struct peer_session *session, bool *out_is_new,
                         const struct envelope *request, const struct session_keys *keys);

/* Ends the session of a peer that is out, and all that it was given before: what was sealed under
 * one of them and comes late is not taken, also where its key becomes a peer's anew. */
void peer_session_end(struct peer_session *session, struct session_maker *maker);

#endif
