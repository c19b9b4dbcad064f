/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the network as an envelope of the peer side, and its session and counter as requests
 * to this process's sessions. */
#include "node/peer/session.h"

#include <sotto/secret.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct session_maker maker;
    struct peer_session current = {0};
    struct envelope envelope;
    bool is_new;
    SOTTO_REQUIRE(sotto_init() == SOTTO_OK);
    if (size < ENVELOPE_PREFIX_BYTES ||
        envelope_read(&envelope, data, ENVELOPE_PREFIX_BYTES) != SOTTO_OK) {
        return 0;
    }
    (void)envelope_is_signed(&envelope, data, &envelope.from);
    (void)envelope_body_matches(&envelope, data + ENVELOPE_PREFIX_BYTES,
                                size - ENVELOPE_PREFIX_BYTES);
    if (maker.issued == 0) {
        SOTTO_REQUIRE(session_maker_init(&maker, sotto_random_system()) == SOTTO_OK);
    }
    /* Nobody else's session is one of ours. */
    SOTTO_REQUIRE(!peer_session_accept(&current, &is_new, &maker, &envelope.from, &envelope.session,
                                       envelope.counter));
    struct session_id session = session_make(&maker, &envelope.from);
    bool would =
        peer_session_would_accept(&current, &maker, &envelope.from, &session, envelope.counter);
    bool does =
        peer_session_accept(&current, &is_new, &maker, &envelope.from, &session, envelope.counter);
    SOTTO_REQUIRE(would == does && does == (envelope.counter != 0));
    SOTTO_REQUIRE(!peer_session_accept(&current, &is_new, &maker, &envelope.from, &session,
                                       envelope.counter)); /* never twice */
    return 0;
}
