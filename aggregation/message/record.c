/* SPDX-License-Identifier: Apache-2.0 */

/* The record of an opened session [PROTOCOL.md, Receipts]. Leans on roster.c for adverts and the
 * session's id, on transcript.c for consents.
 *
 * The idea: consents fix what a session can open, so they are worth keeping without it: a record
 * has who took part and the digests of what they sent, and from these alone anybody computes what
 * the living signed. What the sum was, those say who computed it (CONFIRM). */

#include <sotto/record.h>

#include "message/record.h"

#include <sotto/alloc.h>
#include <string.h>

void sotto__record_write(struct sotto_writer *writer, const struct sotto__opening *opening,
                         const uint8_t agreement[SOTTO_DIGEST_BYTES],
                         const struct sotto__dealing *const *dealings,
                         const struct sotto_signature *consents, const uint8_t *consenting)
{
    const struct sotto__survivors *survivors = &opening->survivors;
    uint32_t n = survivors->parties_len;
    const struct sotto_buffer *roster = &opening->roster->message;
    sotto_write_u32(writer, opening->label->round);
    sotto_write_u32(writer, opening->label->attempt);
    sotto_write_bytes(writer, agreement, SOTTO_DIGEST_BYTES);
    sotto_write_blob(writer, roster->data, roster->data_bytes);
    sotto_write_bytes(writer, survivors->dealers, bitmap_bytes(n));
    for (uint32_t i = 0; i < n; i++) {
        if (bitmap_get(survivors->dealers, i)) {
            sotto_write_bytes(writer, dealings[i]->seed_point, SOTTO__POINT_BYTES);
            sotto_write_bytes(writer, dealings[i]->root, SOTTO__HASH_BYTES);
        }
    }
    sotto_write_bytes(writer, survivors->living, bitmap_bytes(n));
    sotto_write_bytes(writer, survivors->masked,
                      (size_t)bitmap_count(survivors->living, n) * SOTTO__HASH_BYTES);
    sotto__consents_write(writer, consents, consenting, n);
}

/* A record taken apart; borrows the reader's bytes. */
struct parts {
    uint8_t agreement[SOTTO_DIGEST_BYTES];
    const uint8_t *dealers;
    const uint8_t *living;
    const uint8_t *masked;
    const uint8_t *consents;
    uint32_t consents_len;
    const uint8_t *dealings; /* what the dealers committed to: B and root of each */
    uint8_t dealings_digest[SOTTO__HASH_BYTES];
};

/* What comes behind the roster. Returns: false if it is malformed. */
static bool read_parts(struct parts *out, struct sotto_reader *reader, uint32_t parties_len)
{
    struct sotto__hash hash;
    out->dealers = sotto__bitmap_read(reader, parties_len);
    uint32_t dealers_len = out->dealers != NULL ? bitmap_count(out->dealers, parties_len) : 0;
    out->dealings =
        sotto_read_bytes(reader, (size_t)dealers_len * (SOTTO__POINT_BYTES + SOTTO__HASH_BYTES));
    out->living = sotto__bitmap_read(reader, parties_len);
    uint32_t living_len = out->living != NULL ? bitmap_count(out->living, parties_len) : 0;
    out->masked = sotto_read_bytes(reader, (size_t)living_len * SOTTO__HASH_BYTES);
    out->consents = sotto__consents_read(reader, &out->consents_len, parties_len);
    if (reader->failed) {
        return false;
    }
    sotto__hash_init(&hash, SOTTO__DEALINGS_LABEL);
    sotto__hash_bytes(&hash, out->dealings,
                      (size_t)dealers_len * (SOTTO__POINT_BYTES + SOTTO__HASH_BYTES));
    sotto__hash_final(&hash, out->dealings_digest);
    return true;
}

/* Adverts are signed, and the graph is the complete one that they ask for. */
static enum sotto_status check_roster(const struct sotto_roster *roster,
                                      const struct sotto_invitation_terms *terms,
                                      struct sotto_error *err)
{
    uint32_t n = roster->adverts_len;
    if (!sotto_graph_is_complete(&roster->graph, n) ||
        roster->graph.threshold != sotto_session_threshold(n, roster->demands.colluders)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "a roster has another threshold than its parties ask for");
    }
    for (uint32_t i = 0; i < n; i++) {
        enum sotto_status status = sotto__roster_verify(roster, i, terms, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Enough of the living, all of them dealers, consented to this. */
static enum sotto_status check_survivors(const struct sotto_record *record,
                                         const struct parts *parts,
                                         const struct sotto_session_terms *terms,
                                         struct sotto_error *err)
{
    uint32_t n = record->roster.adverts_len;
    uint32_t need = sotto__roster_need(&record->roster, terms);
    uint32_t outside = 0;
    for (uint32_t i = 0; i < n; i++) {
        outside += bitmap_get(parts->living, i) && !bitmap_get(parts->dealers, i);
    }
    if (outside > 0 || bitmap_count(parts->living, n) < need) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES,
                               "a sum over %u parties: at least %u needed, all of them dealers",
                               bitmap_count(parts->living, n), need);
    }
    if (!sotto__consents_suffice(&record->roster, parts->living, record->opening.survivors,
                                 parts->consents, parts->consents_len)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH,
                               "consents are missing, or one of them is not right");
    }
    return SOTTO_OK;
}

/* Everything but the labels before it. */
static enum sotto_status read_session(struct sotto_record *record, struct sotto_reader *reader,
                                      const struct sotto_invitation_terms *invitation,
                                      uint32_t min_parties, struct sotto_error *err)
{
    struct parts parts;
    struct sotto_session_terms terms = {.invitation = *invitation};
    size_t roster_bytes;
    sotto_read_copy(reader, terms.agreement, sizeof terms.agreement);
    const uint8_t *roster = sotto_read_blob(reader, &roster_bytes, SOTTO_MESSAGE_BYTES_MAX);
    if (roster == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the record of a round is malformed");
    }
    enum sotto_status status =
        sotto_roster_open(&record->roster, roster, roster_bytes, invitation, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_roster(&record->roster, invitation, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!read_parts(&parts, reader, record->roster.adverts_len)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the record of a round is malformed");
    }
    terms.min_parties = min_parties > 0 ? min_parties : record->roster.adverts_len;
    sotto__session_id(record->opening.session, &record->roster, &terms);
    struct sotto__survivors survivors = {.session = record->opening.session,
                                         .dealers = parts.dealers,
                                         .living = parts.living,
                                         .parties_len = record->roster.adverts_len,
                                         .dealings = parts.dealings_digest,
                                         .masked = parts.masked};
    sotto__survivors_digest(record->opening.survivors, &survivors);
    memcpy(record->agreement, terms.agreement, sizeof record->agreement);
    record->dealers = parts.dealers;
    record->dealings = parts.dealings;
    record->masked = parts.masked;
    memcpy(record->dealings_digest, parts.dealings_digest, sizeof parts.dealings_digest);
    memcpy(record->living, parts.living, bitmap_bytes(record->roster.adverts_len));
    return check_survivors(record, &parts, &terms, err);
}

enum sotto_status sotto_record_read(struct sotto_record *out, struct sotto_reader *reader,
                                    const struct sotto_invitation_terms *invitation,
                                    uint32_t min_parties, struct sotto_error *err)
{
    struct sotto_record record = {.label = invitation->label};
    struct sotto_invitation_terms terms = *invitation;
    record.label.round = sotto_read_u32(reader);
    record.label.attempt = sotto_read_u32(reader);
    terms.label = record.label;
    enum sotto_status status = read_session(&record, reader, &terms, min_parties, err);
    if (status != SOTTO_OK) {
        sotto_record_release(&record);
        return status;
    }
    *out = record;
    return SOTTO_OK;
}

bool sotto_record_lives(const struct sotto_record *record, uint32_t index)
{
    SOTTO_REQUIRE(index < record->roster.adverts_len);
    return bitmap_get(record->living, index);
}

enum sotto_status sotto_record_open(const struct sotto_record *record, uint8_t *sum,
                                    const struct sotto_vector_run *runs, size_t runs_len,
                                    const uint8_t *transcript, size_t transcript_bytes,
                                    struct sotto_error *err)
{
    struct sotto_dispute dispute;
    uint32_t n = record->roster.adverts_len;
    struct sotto__opening opening = {.roster = &record->roster,
                                     .label = &record->label,
                                     .survivors = {.session = record->opening.session,
                                                   .dealers = record->dealers,
                                                   .living = record->living,
                                                   .parties_len = n,
                                                   .dealings = record->dealings_digest,
                                                   .masked = record->masked},
                                     .runs = runs,
                                     .runs_len = runs_len};
    if (sotto_vector_bytes(&opening.vector_bytes, runs, runs_len) != SOTTO_OK) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "a round whose vectors are none");
    }
    uint8_t *seed_points = sotto_alloc_array(n, SOTTO__POINT_BYTES);
    if (seed_points == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory to check a transcript");
    }
    for (uint32_t i = 0, place = 0; i < n; i++) {
        if (bitmap_get(record->dealers, i)) {
            memcpy(seed_points + (size_t)i * SOTTO__POINT_BYTES,
                   record->dealings + (size_t)place++ * (SOTTO__POINT_BYTES + SOTTO__HASH_BYTES),
                   SOTTO__POINT_BYTES);
        }
    }
    opening.seed_points = seed_points;
    enum sotto_status status =
        sotto__transcript_open(&opening, sum, &dispute, transcript, transcript_bytes, err);
    sotto_free(seed_points);
    return status;
}

void sotto_record_release(struct sotto_record *record)
{
    sotto_roster_release(&record->roster);
}
