/* SPDX-License-Identifier: Apache-2.0 */

/* WITHDRAW and RELEASE, and whether another attempt may be joined [PROTOCOL.md, Steps, losses,
 * restarts]. Leans on release.c for what is signed.
 *
 * The idea: a party's input is in at most one session that can still be opened. Once it has masked,
 * t others can open it without asking, so it takes part in another session only when so many others
 * have signed that they won't. Who signs has wiped the session first, and has not consented. */

#include "message/release.h"
#include "session/session_party.h"

bool sotto_session_party_has_masked(const struct sotto_session_party *party)
{
    return party->has_masked;
}

enum sotto_status sotto_session_party_may_restart(const struct sotto_session_party *party,
                                                  const uint8_t *releases, size_t releases_bytes,
                                                  struct sotto_error *err)
{
    if (!party->has_masked ||
        sotto__releases_suffice(&party->roster, party->session, releases, releases_bytes)) {
        return SOTTO_OK;
    }
    return sotto_error_set(
        err, SOTTO_ERROR_PROTOCOL,
        "another attempt, and the one before can still be opened: expected %u of "
        "its %u parties to have signed that they gave it up",
        sotto_session_releases(party_count(party), party->roster.demands.colluders),
        party_count(party));
}

/* Wipes first: what it signs is true from then on, whatever becomes of the message. */
static enum sotto_status release_session(struct sotto_session_party *party)
{
    struct sotto_signature release;
    struct sotto_writer writer;
    sotto__party_wipe(party);
    party->phase = SOTTO_PARTY_RELEASED;
    sotto__release_sign(&release, party->session, party->identity);
    party->counters.signatures += 2;
    sotto__party_begin(party, &writer, SOTTO_MESSAGE_RELEASE);
    sotto_write_bytes(&writer, release.bytes, sizeof release.bytes);
    return sotto_message_finish(&writer, &party->release, party->identity);
}

enum sotto_status sotto__party_receive_withdraw(struct sotto_session_party *party,
                                                struct sotto_reader *reader,
                                                struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    if (!sotto_reader_finished(reader)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a withdrawal is malformed");
    }
    if (party->phase >= SOTTO_PARTY_RECORDING) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "asked to give up a session after its survivors were set");
    }
    if (party->release.data == NULL) {
        status = release_session(party);
    }
    if (status == SOTTO_OK) {
        status = sotto__party_send(party, &party->release);
    }
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "giving up a session: %s", sotto_status_text(status));
    }
    return SOTTO_OK;
}
