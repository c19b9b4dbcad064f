/* SPDX-License-Identifier: Apache-2.0 */

/* WITHDRAW and RELEASE [PROTOCOL.md, Steps, losses, restarts]. Leans on release.c for what is
 * signed.
 *
 * The idea: a party that gives a session up says only what is true whatever happens next. It wipes
 * its secrets, and then signs that it never consents. */

#include "message/release.h"
#include "session/session_party.h"

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
