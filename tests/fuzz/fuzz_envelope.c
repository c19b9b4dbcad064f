/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the network as an envelope of the peer side, and its session and counter as requests
 * to this process's sessions. */
#include "node/peer/session.h"

#include <sotto/secret.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether the request, whose prefix is sealed anew with the keys of its session, is taken. */
static bool is_taken(struct peer_session *current, const struct session_maker *maker,
                     const struct envelope *request, const uint8_t *prefix)
{
    struct session_keys keys;
    bool is_new;
    return peer_session_find_keys(&keys, current, maker, request, prefix) &&
           envelope_is_sealed(request, prefix, &keys) &&
           peer_session_accept(current, &is_new, request, &keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct session_maker maker;
    static struct session_share own;
    struct peer_session current = {0};
    struct envelope envelope;
    struct granted_session session;
    struct sotto_writer writer;
    uint8_t granted[GRANT_BYTES];
    SOTTO_REQUIRE(sotto_init() == SOTTO_OK);
    if (maker.issued == 0) {
        SOTTO_REQUIRE(session_maker_init(&maker, sotto_random_system()) == SOTTO_OK &&
                      session_share_make(&own, sotto_random_system()) == SOTTO_OK);
    }
    if (size < ENVELOPE_PREFIX_BYTES ||
        envelope_read(&envelope, data, ENVELOPE_PREFIX_BYTES) != SOTTO_OK) {
        return 0;
    }
    (void)envelope_is_signed(&envelope, data, &envelope.from);
    (void)envelope_body_matches(&envelope, data + ENVELOPE_PREFIX_BYTES,
                                size - ENVELOPE_PREFIX_BYTES);
    /* Nobody else's session is one of ours. */
    SOTTO_REQUIRE(!is_taken(&current, &maker, &envelope, data));
    struct session_grant grant = session_make(&maker, &envelope.from, own.share);
    session_grant_write(granted, &grant);
    SOTTO_REQUIRE(session_grant_take(&session, granted, &own, &envelope.from, &envelope.to));
    envelope.session = session.id;
    envelope.is_response = false;
    sotto_writer_init(&writer, ENVELOPE_PREFIX_BYTES);
    envelope_write_sealed(&writer, &envelope.from, &envelope, &session.keys, &session.pass, NULL,
                          0);
    SOTTO_REQUIRE(sotto_writer_status(&writer) == SOTTO_OK);
    SOTTO_REQUIRE(is_taken(&current, &maker, &envelope, writer.data) == (envelope.counter != 0));
    SOTTO_REQUIRE(!is_taken(&current, &maker, &envelope, writer.data)); /* never twice */
    sotto_writer_release(&writer);
    return 0;
}
