/* SPDX-License-Identifier: Apache-2.0 */

/* What a party's host keeps of a session (PLEDGE, RECORD), and whether the party may join another
 * attempt [PROTOCOL.md, Steps, losses, restarts; Long tasks]. Leans on release.c.
 *
 * The idea: a party's input is in at most one session that can still be opened. Once it has masked,
 * t others can open it without asking, so it takes part in another session only when so many others
 * have signed that they won't. To judge that it needs the session's id and no secret: so it can
 * still judge it when its process is gone. */

#include "message/release.h"
#include "session/session_party.h"

#include <string.h>

bool sotto_session_party_has_masked(const struct sotto_session_party *party)
{
    return party->has_masked;
}

static struct sotto_session_pledge describe_session(const struct sotto_session_party *party)
{
    struct sotto_session_pledge pledge = {
        .label = party->invitation.label,
        .colluders = party->roster.demands.colluders,
        .is_complete = sotto_graph_is_complete(&party->roster.graph, party_count(party)),
    };
    memcpy(pledge.session, party->session, sizeof pledge.session);
    return pledge;
}

enum sotto_status sotto__party_push_record(struct sotto_session_party *party,
                                           enum sotto_action_kind kind, const void *rest,
                                           size_t rest_bytes)
{
    struct sotto_action action = {.kind = kind};
    struct sotto_session_pledge pledge = describe_session(party);
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_write_bytes(&writer, pledge.label.task.bytes, sizeof pledge.label.task.bytes);
    sotto_write_u32(&writer, pledge.label.round);
    sotto_write_u32(&writer, pledge.label.attempt);
    sotto_write_bytes(&writer, pledge.session, sizeof pledge.session);
    sotto_write_u32(&writer, pledge.colluders);
    sotto_write_u8(&writer, pledge.is_complete);
    sotto_write_blob(&writer, party->dealers, bitmap_bytes(party->roster.adverts_len));
    sotto_write_bytes(&writer, rest, rest_bytes);
    enum sotto_status status = sotto_writer_status(&writer);
    if (status != SOTTO_OK) {
        goto out;
    }
    action.bytes.data = sotto_writer_take(&writer, &action.bytes.data_bytes);
    status = sotto_action_push(&party->queue, &action);
out:
    sotto_writer_release(&writer);
    return status;
}

bool sotto_session_pledge_read(struct sotto_session_pledge *out, const void *bytes,
                               size_t bytes_len)
{
    struct sotto_reader reader;
    struct sotto_session_pledge pledge = {0};
    size_t dealers_bytes;
    sotto_reader_init(&reader, bytes, bytes_len);
    sotto_read_copy(&reader, pledge.label.task.bytes, sizeof pledge.label.task.bytes);
    pledge.label.round = sotto_read_u32(&reader);
    pledge.label.attempt = sotto_read_u32(&reader);
    sotto_read_copy(&reader, pledge.session, sizeof pledge.session);
    pledge.colluders = sotto_read_u32(&reader);
    pledge.is_complete = sotto_read_u8(&reader) != 0;
    (void)sotto_read_blob(&reader, &dealers_bytes, bytes_len);
    pledge.may_have_consented = sotto_reader_left(&reader) > 0;
    if (reader.failed) {
        return false;
    }
    *out = pledge;
    return true;
}

enum sotto_status sotto_session_pledge_may_restart(const struct sotto_session_pledge *pledge,
                                                   const struct sotto_key *keys,
                                                   uint32_t parties_len, const uint8_t *releases,
                                                   size_t releases_bytes, struct sotto_error *err)
{
    if (pledge->may_have_consented) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "another attempt, and this party may have consented in the one "
                               "before");
    }
    if (pledge->is_complete && sotto__releases_suffice(keys, parties_len, pledge->colluders,
                                                       pledge->session, releases, releases_bytes)) {
        return SOTTO_OK;
    }
    return sotto_error_set(
        err, SOTTO_ERROR_PROTOCOL,
        "another attempt, and the one before can still be opened: expected %u of "
        "its %u parties to have signed that they gave it up",
        sotto_session_releases(parties_len, pledge->colluders), parties_len);
}

enum sotto_status sotto_session_party_may_restart(const struct sotto_session_party *party,
                                                  const uint8_t *releases, size_t releases_bytes,
                                                  struct sotto_error *err)
{
    struct sotto_key keys[SOTTO_SESSION_PARTIES_MAX];
    struct sotto_session_pledge pledge = describe_session(party);
    if (!party->has_masked) {
        return SOTTO_OK;
    }
    for (uint32_t i = 0; i < party_count(party); i++) {
        keys[i] = *party_key(party, i);
    }
    return sotto_session_pledge_may_restart(&pledge, keys, party_count(party), releases,
                                            releases_bytes, err);
}
