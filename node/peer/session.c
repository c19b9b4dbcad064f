/* SPDX-License-Identifier: Apache-2.0 */

/* Replay windows and sessions, as PEER.md has them, without I/O; leans on libsodium. The idea: a
 * session is a number that rises and a proof that this process gave it to this caller for this
 * share, so that nothing has to be kept until a request is sealed under it; newer ones end older
 * ones, and each counter in a session is good once. */

#include "peer/session.h"

#include <sodium.h>
#include <sotto/secret.h>
#include <string.h>

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

/* --- Keys --- */

#define KEYS_LABEL "sotto peer keys"

enum sotto_status session_share_make(struct session_share *out, struct sotto_random random)
{
    enum sotto_status status = random.fill(random.context, out->secret, sizeof out->secret);
    if (status != SOTTO_OK) {
        return status;
    }
    (void)crypto_scalarmult_base(out->share, out->secret);
    return SOTTO_OK;
}

/* What both have said to each other of a session goes into its keys. */
struct session_sides {
    const struct sotto_key *caller;
    const struct sotto_key *callee;
    const struct session_id *session;
    const uint8_t *caller_share;
    const uint8_t *callee_share;
};

/* Returns: false if the other's share is one that gives every secret the same keys. */
static bool derive_keys(struct session_keys *out, const uint8_t secret[SHARE_BYTES],
                        const uint8_t other[SHARE_BYTES], const struct session_sides *sides)
{
    uint8_t shared[crypto_scalarmult_BYTES];
    crypto_generichash_state state;
    _Static_assert(sizeof *out == crypto_generichash_BYTES_MAX, "both at once");
    bool is_good = crypto_scalarmult(shared, secret, other) == 0;
    (void)crypto_generichash_init(&state, shared, sizeof shared, sizeof *out);
    (void)crypto_generichash_update(&state, (const uint8_t *)KEYS_LABEL, sizeof KEYS_LABEL);
    (void)crypto_generichash_update(&state, sides->caller->bytes, sizeof sides->caller->bytes);
    (void)crypto_generichash_update(&state, sides->callee->bytes, sizeof sides->callee->bytes);
    (void)crypto_generichash_update(&state, sides->session->bytes, SESSION_BYTES);
    (void)crypto_generichash_update(&state, sides->caller_share, SHARE_BYTES);
    (void)crypto_generichash_update(&state, sides->callee_share, SHARE_BYTES);
    uint8_t both[sizeof *out];
    (void)crypto_generichash_final(&state, both, sizeof both);
    memcpy(out->request, both, sizeof out->request);
    memcpy(out->response, both + sizeof out->request, sizeof out->response);
    sotto_wipe(both, sizeof both);
    sotto_wipe(shared, sizeof shared);
    return is_good;
}

void session_grant_write(uint8_t out[GRANT_BYTES], const struct session_grant *grant)
{
    memcpy(out, grant->session.bytes, SESSION_BYTES);
    memcpy(out + SESSION_BYTES, grant->ticket, TICKET_BYTES);
    memcpy(out + SESSION_BYTES + TICKET_BYTES, grant->share, SHARE_BYTES);
}

bool session_grant_take(struct granted_session *out, const uint8_t grant[GRANT_BYTES],
                        const struct session_share *own, const struct sotto_key *caller,
                        const struct sotto_key *callee)
{
    const uint8_t *share = grant + SESSION_BYTES + TICKET_BYTES;
    memcpy(out->id.bytes, grant, SESSION_BYTES);
    memcpy(out->pass.share, own->share, SHARE_BYTES);
    memcpy(out->pass.ticket, grant + SESSION_BYTES, TICKET_BYTES);
    return derive_keys(&out->keys, own->secret, share,
                       &(struct session_sides){caller, callee, &out->id, own->share, share});
}

/* --- Sessions --- */

#define PROOF_BYTES 8

enum sotto_status session_maker_init(struct session_maker *maker, struct sotto_random random)
{
    maker->issued = 0;
    enum sotto_status status = random.fill(random.context, maker->secret, sizeof maker->secret);
    if (status != SOTTO_OK) {
        return status;
    }
    return session_share_make(&maker->own, random);
}

/* The session of a number, and the ticket of its caller: both say that it is of this process. */
static void name_session(struct session_id *out, uint8_t out_ticket[TICKET_BYTES],
                         const struct session_maker *maker, const struct sotto_key *caller,
                         const uint8_t share[SHARE_BYTES], uint64_t issued)
{
    uint8_t hash[PROOF_BYTES + TICKET_BYTES];
    uint8_t text[sizeof caller->bytes + SHARE_BYTES + 8];
    _Static_assert(sizeof out->bytes == 8 + PROOF_BYTES, "its parts");
    memcpy(text, caller->bytes, sizeof caller->bytes);
    memcpy(text + sizeof caller->bytes, share, SHARE_BYTES);
    sotto_store_u64(text + sizeof caller->bytes + SHARE_BYTES, issued);
    (void)crypto_generichash(hash, sizeof hash, text, sizeof text, maker->secret,
                             sizeof maker->secret);
    sotto_store_u64(out->bytes, issued);
    memcpy(out->bytes + 8, hash, PROOF_BYTES);
    memcpy(out_ticket, hash + PROOF_BYTES, TICKET_BYTES);
}

struct session_grant session_make(struct session_maker *maker, const struct sotto_key *caller,
                                  const uint8_t share[SHARE_BYTES])
{
    struct session_grant grant;
    name_session(&grant.session, grant.ticket, maker, caller, share, ++maker->issued);
    memcpy(grant.share, maker->own.share, SHARE_BYTES);
    return grant;
}

static struct session_pass read_pass(const uint8_t *prefix)
{
    struct session_pass pass = {.share = {0}};
    memcpy(pass.share, prefix + ENVELOPE_HEADER_BYTES, SHARE_BYTES);
    memcpy(pass.ticket, prefix + ENVELOPE_HEADER_BYTES + SHARE_BYTES, TICKET_BYTES);
    return pass;
}

bool peer_session_find_keys(struct session_keys *out, const struct peer_session *session,
                            const struct session_maker *maker, const struct envelope *request,
                            const uint8_t *prefix)
{
    struct session_pass pass = read_pass(prefix);
    struct session_id id;
    uint8_t ticket[TICKET_BYTES];
    uint64_t issued = sotto_load_u64(request->session.bytes);
    name_session(&id, ticket, maker, &request->from, pass.share, issued);
    if (issued == 0 || !sotto_equal_ct(id.bytes, request->session.bytes, SESSION_BYTES) ||
        !sotto_equal_ct(ticket, pass.ticket, TICKET_BYTES)) {
        return false;
    }
    if (issued == session->issued) {
        *out = session->keys;
        return true;
    }
    return derive_keys(
        out, maker->own.secret, pass.share,
        &(struct session_sides){&request->from, &request->to, &id, pass.share, maker->own.share});
}

bool peer_session_would_accept(const struct peer_session *session, const struct envelope *request)
{
    uint64_t issued = sotto_load_u64(request->session.bytes);
    struct replay_window none = {0};
    return issued >= session->issued &&
           replay_window_is_fresh(issued == session->issued ? &session->window : &none,
                                  request->counter);
}

bool peer_session_accept(struct peer_session *session, bool *out_is_new,
                         const struct envelope *request, const struct session_keys *keys)
{
    if (!peer_session_would_accept(session, request)) {
        return false;
    }
    uint64_t issued = sotto_load_u64(request->session.bytes);
    *out_is_new = issued != session->issued;
    if (*out_is_new) {
        *session = (struct peer_session){.issued = issued, .keys = *keys};
    }
    replay_window_accept(&session->window, request->counter);
    return true;
}

void peer_session_end(struct peer_session *session, struct session_maker *maker)
{
    sotto_wipe(session, sizeof *session);
    session->issued = ++maker->issued; /* which nobody has a proof of */
}
