/* SPDX-License-Identifier: Apache-2.0 */

/* Adverts, the roster that is made of them, and the session's id [PROTOCOL.md, ADVERT and ROSTER].
 * Leans on message.c for envelopes.
 *
 * The idea: the roster is a signed list of signed adverts, and a party computes the session's id
 * from it and from what it was shown itself. Whoever was shown something else has another id, and
 * with that other keys: two such parties can't exchange a valid message, so nobody has to compare
 * rosters.
 *
 * Adverts of a roster are taken apart when it is opened, but their signatures and points are
 * checked only by those who have to do with them, and then (sotto__roster_verify): a thousand
 * parties would otherwise check a thousand adverts each. */

#include "message/message.h"

#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

/* The flags of an advert: all bits that this version knows. */
#define FLAG_NEEDS_CONSENT 1
#define FLAG_NO_RECEIPTS 2
#define FLAG_KEEPS_TRANSCRIPTS 4
#define FLAGS_ALL (FLAG_NEEDS_CONSENT | FLAG_NO_RECEIPTS | FLAG_KEEPS_TRANSCRIPTS)

static void write_demands(struct sotto_writer *writer, const struct sotto_session_demands *demands)
{
    sotto_write_u32(writer, demands->min_parties);
    sotto_write_u16(writer, (uint16_t)demands->colluders);
    sotto_write_u8(writer, (uint8_t)((demands->needs_consent ? FLAG_NEEDS_CONSENT : 0) |
                                     (demands->no_receipts ? FLAG_NO_RECEIPTS : 0) |
                                     (demands->keeps_transcripts ? FLAG_KEEPS_TRANSCRIPTS : 0)));
}

/* Fails the reader for a flag that this version does not know: what it asks for would not be kept.
 */
static void read_demands(struct sotto_session_demands *out, struct sotto_reader *reader)
{
    out->min_parties = sotto_read_u32(reader);
    out->colluders = sotto_read_u16(reader);
    uint8_t flags = sotto_read_u8(reader);
    out->needs_consent = (flags & FLAG_NEEDS_CONSENT) != 0;
    out->keeps_transcripts = (flags & FLAG_KEEPS_TRANSCRIPTS) != 0;
    out->no_receipts = (flags & FLAG_NO_RECEIPTS) != 0;
    if ((flags & ~FLAGS_ALL) != 0) {
        sotto_reader_fail(reader);
    }
}

/* Keeps the larger of both demands. */
static void join_demands(struct sotto_session_demands *in_out,
                         const struct sotto_session_demands *other)
{
    if (other->min_parties > in_out->min_parties) {
        in_out->min_parties = other->min_parties;
    }
    if (other->colluders > in_out->colluders) {
        in_out->colluders = other->colluders;
    }
    in_out->needs_consent = in_out->needs_consent || other->needs_consent;
    in_out->no_receipts = in_out->no_receipts || other->no_receipts;
}

uint32_t sotto__roster_need(const struct sotto_roster *roster,
                            const struct sotto_session_terms *terms)
{
    uint32_t min_parties = terms->min_parties > roster->demands.min_parties
                               ? terms->min_parties
                               : roster->demands.min_parties;
    return sotto_session_need(&terms->graph, &roster->graph, roster->adverts_len, min_parties,
                              roster->demands.colluders);
}

enum sotto_status sotto__advert_seal(
    struct sotto_buffer *out, const struct sotto_invitation_terms *terms,
    const uint8_t channel_point[SOTTO__POINT_BYTES], const uint8_t mask_point[SOTTO__POINT_BYTES],
    const uint8_t nonce[SOTTO__NONCE_BYTES], const struct sotto_session_demands *demands,
    const uint8_t *payload, size_t payload_bytes, const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(&writer, SOTTO_MESSAGE_ADVERT, &terms->label, NULL, identity);
    sotto_write_bytes(&writer, terms->aggregator.bytes, sizeof terms->aggregator.bytes);
    sotto_write_bytes(&writer, terms->plan_digest, sizeof terms->plan_digest);
    sotto_write_bytes(&writer, channel_point, SOTTO__POINT_BYTES);
    sotto_write_bytes(&writer, mask_point, SOTTO__POINT_BYTES);
    sotto_write_bytes(&writer, nonce, SOTTO__NONCE_BYTES);
    write_demands(&writer, demands);
    sotto_write_blob(&writer, payload, payload_bytes);
    return sotto_message_finish(&writer, out, identity);
}

/* Takes an advert apart whose signature is, or will be, checked elsewhere. *out borrows from bytes.
 */
static enum sotto_status advert_read(struct sotto_advert *out, const struct sotto_message *message,
                                     const uint8_t *bytes, size_t bytes_len,
                                     const struct sotto_invitation_terms *terms,
                                     struct sotto_error *err)
{
    struct sotto_advert advert = {
        .sender = message->sender, .bytes = bytes, .bytes_len = bytes_len};
    struct sotto_reader reader;
    struct sotto_key aggregator;
    uint8_t plan_digest[SOTTO_DIGEST_BYTES];
    sotto_reader_init(&reader, message->body, message->body_bytes);
    sotto_read_copy(&reader, aggregator.bytes, sizeof aggregator.bytes);
    sotto_read_copy(&reader, plan_digest, sizeof plan_digest);
    sotto_read_copy(&reader, advert.channel_point, SOTTO__POINT_BYTES);
    sotto_read_copy(&reader, advert.mask_point, SOTTO__POINT_BYTES);
    (void)sotto_read_bytes(&reader, SOTTO__NONCE_BYTES); /* the nonce only has to be in the hash */
    read_demands(&advert.demands, &reader);
    advert.payload = sotto_read_blob(&reader, &advert.payload_bytes, SOTTO_ADVERT_PAYLOAD_MAX);
    if (message->type != SOTTO_MESSAGE_ADVERT || !sotto_reader_finished(&reader)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "an advert is malformed");
    }
    if (!sotto_session_label_equal(&message->label, &terms->label) ||
        !sotto_key_equal(&aggregator, &terms->aggregator) ||
        memcmp(plan_digest, terms->plan_digest, sizeof plan_digest) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "an advert was made for another task, attempt, plan or aggregator");
    }
    *out = advert;
    return SOTTO_OK;
}

enum sotto_status sotto_advert_open(struct sotto_advert *out, const uint8_t *bytes,
                                    size_t bytes_len, const struct sotto_invitation_terms *terms,
                                    struct sotto_error *err)
{
    struct sotto_message message;
    struct sotto_advert advert;
    enum sotto_status status = sotto_message_open(&message, bytes, bytes_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = advert_read(&advert, &message, bytes, bytes_len, terms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!sotto__point_is_usable(advert.channel_point) ||
        !sotto__point_is_usable(advert.mask_point)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "an advert holds an unusable point");
    }
    *out = advert;
    return SOTTO_OK;
}

void sotto_roster_release(struct sotto_roster *roster)
{
    sotto_buffer_release(&roster->message);
    sotto_free(roster->adverts);
    *roster = (struct sotto_roster){0};
}

/* Reads n and the graph, and allocates the adverts. */
static enum sotto_status roster_read_head(struct sotto_roster *roster, struct sotto_reader *reader,
                                          struct sotto_error *err)
{
    uint32_t parties_len = sotto_read_u32(reader);
    roster->graph.holders = sotto_read_u32(reader);
    roster->graph.masks = sotto_read_u32(reader);
    roster->graph.threshold = sotto_read_u32(reader);
    if (parties_len < 3 || parties_len > SOTTO_SESSION_PARTIES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES, "a roster of %u parties: expected 3 to %d",
                               parties_len, SOTTO_SESSION_PARTIES_MAX);
    }
    roster->adverts = sotto_alloc_array(parties_len, sizeof *roster->adverts);
    if (roster->adverts == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a roster");
    }
    roster->adverts_len = parties_len;
    return SOTTO_OK;
}

/* One advert, as it was signed. It borrows from the roster's message. */
static enum sotto_status roster_read_advert(struct sotto_advert *out, struct sotto_reader *reader,
                                            const struct sotto_invitation_terms *terms,
                                            struct sotto_error *err)
{
    struct sotto_message message;
    size_t bytes_len;
    const uint8_t *bytes = sotto_read_blob(reader, &bytes_len, SOTTO_MESSAGE_BYTES_MAX);
    if (bytes == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a roster is cut short");
    }
    if (!sotto_message_parse(&message, bytes, bytes_len)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "an advert is malformed");
    }
    return advert_read(out, &message, bytes, bytes_len, terms, err);
}

/* All of the roster's body; on failure the caller releases what was read. */
static enum sotto_status roster_read(struct sotto_roster *roster,
                                     const struct sotto_message *message,
                                     const struct sotto_invitation_terms *terms,
                                     struct sotto_error *err)
{
    struct sotto_reader reader;
    sotto_reader_init(&reader, message->body, message->body_bytes);
    enum sotto_status status = roster_read_head(roster, &reader, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        status = roster_read_advert(&roster->adverts[i], &reader, terms, err);
        if (status != SOTTO_OK) {
            return status;
        }
        join_demands(&roster->demands, &roster->adverts[i].demands);
        /* Ascending, so nobody stands there twice. */
        if (i > 0 &&
            sotto_key_compare(&roster->adverts[i - 1].sender, &roster->adverts[i].sender) >= 0) {
            return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                   "the parties of a roster are not in ascending order");
        }
    }
    if (!sotto_reader_finished(&reader)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a roster has bytes left over");
    }
    return SOTTO_OK;
}

enum sotto_status sotto__roster_verify(const struct sotto_roster *roster, uint32_t index,
                                       const struct sotto_invitation_terms *terms,
                                       struct sotto_error *err)
{
    struct sotto_advert advert;
    return sotto_advert_open(&advert, roster->adverts[index].bytes,
                             roster->adverts[index].bytes_len, terms, err);
}

/* Opens and reads the roster's message, which it holds; on failure the caller releases it. */
static enum sotto_status roster_open_message(struct sotto_roster *roster,
                                             const struct sotto_invitation_terms *terms,
                                             struct sotto_error *err)
{
    struct sotto_message opened;
    enum sotto_status status =
        sotto_message_open(&opened, roster->message.data, roster->message.data_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (opened.type != SOTTO_MESSAGE_ROSTER ||
        !sotto_session_label_equal(&opened.label, &terms->label) ||
        !sotto_key_equal(&opened.sender, &terms->aggregator)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "not the roster of this session");
    }
    return roster_read(roster, &opened, terms, err);
}

/* Takes message, also on failure. */
static enum sotto_status roster_from_message(struct sotto_roster *out, struct sotto_buffer *message,
                                             const struct sotto_invitation_terms *terms,
                                             struct sotto_error *err)
{
    struct sotto_roster roster = {.message = *message};
    *message = (struct sotto_buffer){0};
    enum sotto_status status = roster_open_message(&roster, terms, err);
    if (status != SOTTO_OK) {
        sotto_roster_release(&roster);
        return status;
    }
    *out = roster;
    return SOTTO_OK;
}

enum sotto_status sotto_roster_open(struct sotto_roster *out, const uint8_t *bytes,
                                    size_t bytes_len, const struct sotto_invitation_terms *terms,
                                    struct sotto_error *err)
{
    struct sotto_buffer copy;
    enum sotto_status status = sotto_buffer_copy(&copy, bytes, bytes_len);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "no memory for a roster");
    }
    return roster_from_message(out, &copy, terms, err);
}

/* By sender, whose key stands at a fixed offset of a message. */
static int compare_adverts(const void *a, const void *b)
{
    const struct sotto_buffer *first = *(const struct sotto_buffer *const *)a;
    const struct sotto_buffer *second = *(const struct sotto_buffer *const *)b;
    struct sotto_message x = {0};
    struct sotto_message y = {0};
    (void)sotto_message_parse(&x, first->data, first->data_bytes);
    (void)sotto_message_parse(&y, second->data, second->data_bytes);
    return sotto_key_compare(&x.sender, &y.sender);
}

enum sotto_status sotto_roster_make(struct sotto_roster *out, const struct sotto_buffer *adverts,
                                    size_t adverts_len, const struct sotto_invitation_terms *terms,
                                    const struct sotto_graph_terms *graph_terms,
                                    const struct sotto_identity *identity, struct sotto_error *err)
{
    struct sotto_graph graph;
    struct sotto_session_demands demands = {0};
    if (adverts_len < 3 || adverts_len > SOTTO_SESSION_PARTIES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES, "%zu parties: a session takes 3 to %d",
                               adverts_len, SOTTO_SESSION_PARTIES_MAX);
    }
    const struct sotto_buffer **sorted = sotto_alloc_array(adverts_len, sizeof *sorted);
    if (sorted == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a roster");
    }
    for (size_t i = 0; i < adverts_len; i++) {
        struct sotto_message message;
        struct sotto_advert advert;
        sorted[i] = &adverts[i];
        if (sotto_message_parse(&message, adverts[i].data, adverts[i].data_bytes) &&
            advert_read(&advert, &message, adverts[i].data, adverts[i].data_bytes, terms, NULL) ==
                SOTTO_OK) {
            join_demands(&demands, &advert.demands);
        } /* what is no advert is found when the roster is opened, below */
    }
    qsort(sorted, adverts_len, sizeof *sorted, compare_adverts);
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(&writer, SOTTO_MESSAGE_ROSTER, &terms->label, NULL, identity);
    sotto_graph_choose(&graph, graph_terms, (uint32_t)adverts_len, demands.colluders);
    sotto_write_u32(&writer, (uint32_t)adverts_len);
    sotto_write_u32(&writer, graph.holders);
    sotto_write_u32(&writer, graph.masks);
    sotto_write_u32(&writer, graph.threshold);
    for (size_t i = 0; i < adverts_len; i++) {
        sotto_write_blob(&writer, sorted[i]->data, sorted[i]->data_bytes);
    }
    sotto_free(sorted);
    struct sotto_buffer message;
    enum sotto_status status = sotto_message_finish(&writer, &message, identity);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "no memory for a roster");
    }
    return roster_from_message(out, &message, terms, err);
}

/* By halving: keys ascend. */
uint32_t sotto_roster_find(const struct sotto_roster *roster, const struct sotto_key *key)
{
    uint32_t low = 0;
    uint32_t high = roster->adverts_len;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = sotto_key_compare(&roster->adverts[middle].sender, key);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return UINT32_MAX;
}

/* [PROTOCOL.md, ROSTER]. All of it is public. */
void sotto__session_id(uint8_t out[SOTTO_SESSION_BYTES], const struct sotto_roster *roster,
                       const struct sotto_session_terms *terms)
{
    const struct sotto_invitation_terms *invitation = &terms->invitation;
    struct sotto__hash hash;
    sotto__hash_init(&hash, "sotto session");
    sotto__hash_label(&hash, &invitation->label);
    sotto__hash_bytes(&hash, invitation->aggregator.bytes, sizeof invitation->aggregator.bytes);
    sotto__hash_bytes(&hash, invitation->plan_digest, sizeof invitation->plan_digest);
    sotto__hash_bytes(&hash, terms->agreement, sizeof terms->agreement);
    sotto__hash_u32(&hash, roster->graph.holders);
    sotto__hash_u32(&hash, roster->graph.masks);
    sotto__hash_u32(&hash, roster->graph.threshold);
    sotto__hash_u32(&hash, terms->min_parties);
    sotto__hash_u32(&hash, roster->adverts_len);
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        uint8_t digest[SOTTO_DIGEST_BYTES];
        sotto_digest(digest, "sotto advert", roster->adverts[i].bytes,
                     roster->adverts[i].bytes_len);
        sotto__hash_bytes(&hash, digest, sizeof digest);
    }
    sotto__hash_final(&hash, out);
}
