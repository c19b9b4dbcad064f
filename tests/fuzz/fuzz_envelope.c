/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the network as an envelope of the peer side, and its session and counter as requests
 * to a table of sessions. */
#include "node/peer/session.h"

#include <sotto/secret.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct peer_sessions sessions;
    struct envelope envelope;
    struct session_id session;
    bool is_new;
    bool has_returned;
    SOTTO_REQUIRE(sotto_init() == SOTTO_OK);
    if (size < ENVELOPE_PREFIX_BYTES ||
        envelope_read(&envelope, data, ENVELOPE_PREFIX_BYTES) != SOTTO_OK) {
        return 0;
    }
    (void)envelope_is_signed(&envelope, data, &envelope.from);
    (void)envelope_body_matches(&envelope, data + ENVELOPE_PREFIX_BYTES,
                                size - ENVELOPE_PREFIX_BYTES);
    SOTTO_REQUIRE(peer_sessions_hello(&sessions, &session, &envelope.session, &envelope.session,
                                      sotto_random_system()) == SOTTO_OK);
    bool would = peer_sessions_would_accept(&sessions, &session, envelope.counter);
    bool does = peer_sessions_accept(&sessions, &session, envelope.counter, &is_new, &has_returned);
    SOTTO_REQUIRE(would == does);
    SOTTO_REQUIRE(!peer_sessions_accept(&sessions, &session, envelope.counter, &is_new,
                                        &has_returned)); /* never twice */
    return 0;
}
