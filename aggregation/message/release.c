/* SPDX-License-Identifier: Apache-2.0 */

/* RELEASE, and the list of them in REOPEN [PROTOCOL.md, Steps, losses, restarts]. Leans on
 * identity.c for signatures.
 *
 * The idea: a party can't know what others answered in a session, but it can know what can't be any
 * more. Where n - t + c + 1 members have signed that they never consent, any t that consent have
 * c + 1 of them among themselves, an honest one too, and that one keeps its word. */

#include "message/release.h"

static const char release_label[] = "sotto release";

void sotto__release_sign(struct sotto_signature *out, const uint8_t *session,
                         const struct sotto_identity *identity)
{
    sotto_identity_sign(identity, out, release_label, session, SOTTO_SESSION_BYTES);
}

/* Variable-time: all of it is public. */
bool sotto__release_verify(const struct sotto_signature *release, const uint8_t *session,
                           const struct sotto_key *key)
{
    return sotto_key_verify(key, release, release_label, session, SOTTO_SESSION_BYTES);
}

/* Ascending by index, so that nobody counts twice; one that is wrong spoils all. */
bool sotto__releases_suffice(const struct sotto_key *keys, uint32_t parties_len, uint32_t colluders,
                             const uint8_t *session, const uint8_t *bytes, size_t bytes_len)
{
    struct sotto_reader reader;
    uint32_t least = 0;
    sotto_reader_init(&reader, bytes, bytes_len);
    uint32_t len = sotto_read_u32(&reader);
    if (len > parties_len) {
        return false;
    }
    for (uint32_t k = 0; k < len; k++) {
        struct sotto_signature release;
        uint32_t index = sotto_read_u32(&reader);
        sotto_read_copy(&reader, release.bytes, sizeof release.bytes);
        if (index < least || index >= parties_len ||
            !sotto__release_verify(&release, session, &keys[index])) {
            return false;
        }
        least = index + 1;
    }
    return sotto_reader_finished(&reader) && len >= sotto_session_releases(parties_len, colluders);
}
