/* SPDX-License-Identifier: Apache-2.0 */

/* The federation's own messages and digests as bytes (PROTOCOL.md, "Messages"). It leans on the
 * bounded reader and writer, whose failures stick: a body is written, or read, as it is, and asked
 * for once. */

#include "internal.h"

#include <pthread.h>
#include <string.h>

void sotto__task_plan_digest(uint8_t out[SOTTO_DIGEST_BYTES], const char *plan_json,
                             size_t plan_bytes)
{
    sotto_digest(out, "sotto plan", plan_json, plan_bytes);
}

void sotto__opened_link(uint8_t in_out[SOTTO_DIGEST_BYTES],
                        const struct sotto_session_opening *opening,
                        const uint8_t aggregate_digest[SOTTO_DIGEST_BYTES])
{
    uint8_t link[SOTTO_DIGEST_BYTES + SOTTO_SESSION_BYTES + 2 * SOTTO_DIGEST_BYTES];
    uint8_t *at = link;
    memcpy(at, in_out, SOTTO_DIGEST_BYTES);
    at += SOTTO_DIGEST_BYTES;
    memcpy(at, opening->session, SOTTO_SESSION_BYTES);
    at += SOTTO_SESSION_BYTES;
    memcpy(at, opening->survivors, SOTTO_DIGEST_BYTES);
    at += SOTTO_DIGEST_BYTES;
    memcpy(at, aggregate_digest, SOTTO_DIGEST_BYTES);
    sotto_digest(in_out, "sotto opened", link, sizeof link);
}

void sotto__opened_digest(uint8_t in_out[SOTTO_DIGEST_BYTES],
                          const struct sotto_session_opening *opening, const void *aggregate,
                          size_t aggregate_bytes)
{
    uint8_t digest[SOTTO_DIGEST_BYTES];
    sotto_digest(digest, "sotto aggregate", aggregate, aggregate_bytes);
    sotto__opened_link(in_out, opening, digest);
}

static void begin_message(struct sotto_writer *writer, enum sotto_message_type type,
                          const struct sotto_session_label *label,
                          const struct sotto_identity *identity)
{
    sotto_writer_init(writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(writer, type, label, NULL, identity);
}

enum sotto_status sotto__invitation_seal(struct sotto_buffer *out, const char *plan_json,
                                         size_t plan_bytes, const struct sotto_buffer *bundle,
                                         const struct sotto_session_label *label,
                                         const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    begin_message(&writer, SOTTO_MESSAGE_INVITATION, label, identity);
    sotto_write_bytes(&writer, plan_json, plan_bytes);
    if (bundle->data_bytes > 0) {
        sotto_write_u8(&writer, 0);
        sotto_write_bytes(&writer, bundle->data, bundle->data_bytes);
    }
    return sotto_message_finish(&writer, out, identity);
}

enum sotto_status sotto__reopen_seal(struct sotto_buffer *out, const struct sotto_buffer *releases,
                                     const struct sotto_session_label *label,
                                     const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    begin_message(&writer, SOTTO_MESSAGE_REOPEN, label, identity);
    sotto_write_bytes(&writer, releases->data, releases->data_bytes);
    return sotto_message_finish(&writer, out, identity);
}

enum sotto_status sotto__round_seal(struct sotto_buffer *out, const void *aggregate,
                                    size_t aggregate_bytes, const struct sotto_session_label *label,
                                    const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    begin_message(&writer, SOTTO_MESSAGE_ROUND, label, identity);
    sotto_write_bytes(&writer, aggregate, aggregate_bytes);
    return sotto_message_finish(&writer, out, identity);
}

enum sotto_status sotto__resume_seal(struct sotto_buffer *out, const struct sotto_writer *record,
                                     const void *shown, size_t shown_bytes,
                                     const struct sotto_session_label *label,
                                     const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    begin_message(&writer, SOTTO_MESSAGE_RESUME, label, identity);
    sotto_write_blob(&writer, record->data, record->data_bytes);
    sotto_write_bytes(&writer, shown, shown_bytes);
    return sotto_message_finish(&writer, out, identity);
}

enum sotto_status sotto__return_seal(struct sotto_buffer *out,
                                     const struct sotto_session_label *label,
                                     const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    begin_message(&writer, SOTTO_MESSAGE_RETURN, label, identity);
    return sotto_message_finish(&writer, out, identity);
}

/* --- Offers --- */

/* H("sotto engine", what the engine computes): made once. */
static enum sotto_status find_engine_digest(uint8_t out[SOTTO_DIGEST_BYTES])
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool is_made;
    static uint8_t digest[SOTTO_DIGEST_BYTES];
    enum sotto_status status = SOTTO_OK;
    (void)pthread_mutex_lock(&lock);
    if (!is_made) {
        struct sotto_writer writer;
        sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
        sotto_engine_write_statement(&writer);
        status = sotto_writer_status(&writer);
        if (status == SOTTO_OK) {
            sotto_digest(digest, "sotto engine", writer.data, writer.data_bytes);
            is_made = true;
        }
        sotto_writer_release(&writer);
    }
    memcpy(out, digest, SOTTO_DIGEST_BYTES);
    (void)pthread_mutex_unlock(&lock);
    return status;
}

enum sotto_status sotto__offer_encode(struct sotto_buffer *out, const struct sotto__offer *offer)
{
    struct sotto_writer writer;
    uint8_t engine[SOTTO_DIGEST_BYTES];
    *out = (struct sotto_buffer){0};
    enum sotto_status status = find_engine_digest(engine);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_writer_init(&writer, SOTTO_ADVERT_PAYLOAD_MAX);
    sotto_write_bytes(&writer, engine, sizeof engine);
    if (offer->model != NULL) {
        sotto_write_blob(&writer, offer->model, offer->model_bytes);
    } else {
        sotto_schema_write(&offer->schema, &writer);
        sotto_write_u32(&writer, offer->cover_len);
        sotto_write_bytes(&writer, offer->cover, SOTTO__COVER_BYTES((size_t)offer->cover_len));
        sotto_write_blob(&writer, offer->spans, offer->spans_bytes);
    }
    status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        *out = (struct sotto_buffer){0};
        out->data = sotto_writer_take(&writer, &out->data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}

/* Both bitmaps, the bits beyond len 0. Returns: NULL where they are not, or not there. */
static const uint8_t *read_cover(struct sotto_reader *reader, uint32_t len)
{
    size_t bytes = SOTTO__COVER_BYTES((size_t)len);
    const uint8_t *cover = sotto_read_bytes(reader, bytes);
    bool fits = cover != NULL;
    for (size_t i = 1; fits && len % 8 != 0 && i <= 2; i++) {
        fits = cover[i * (bytes / 2) - 1] >> len % 8 == 0;
    }
    return fits ? cover : NULL;
}

enum sotto_status sotto__offer_decode(struct sotto__offer *out, const struct sotto_plan *plan,
                                      const struct sotto_advert *advert)
{
    struct sotto_reader reader;
    struct sotto__offer offer = {0};
    uint8_t engine[SOTTO_DIGEST_BYTES];
    enum sotto_status status = find_engine_digest(engine);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_reader_init(&reader, advert->payload, advert->payload_bytes);
    const uint8_t *theirs = sotto_read_bytes(&reader, sizeof engine);
    if (theirs != NULL && memcmp(theirs, engine, sizeof engine) != 0) {
        return SOTTO_ERROR_VERSION;
    }
    if (sotto_plan_bundle(plan) != NULL) {
        offer.model = sotto_read_blob(&reader, &offer.model_bytes, SOTTO_ADVERT_PAYLOAD_MAX);
        *out = offer;
        return offer.model != NULL && sotto_reader_finished(&reader) ? SOTTO_OK : SOTTO_ERROR_INPUT;
    }
    status = sotto_schema_read(&offer.schema, plan, &reader);
    if (status != SOTTO_OK) {
        return status;
    }
    offer.cover_len = sotto_read_u32(&reader);
    offer.cover = read_cover(&reader, offer.cover_len);
    offer.spans = sotto_read_blob(&reader, &offer.spans_bytes, SOTTO_ADVERT_PAYLOAD_MAX);
    if (offer.cover == NULL || !sotto_reader_finished(&reader)) {
        sotto_schema_release(&offer.schema);
        return SOTTO_ERROR_INPUT;
    }
    *out = offer;
    return SOTTO_OK;
}

bool sotto_message_route(struct sotto_message_route *out, const uint8_t *bytes, size_t bytes_len)
{
    struct sotto_message message;
    if (!sotto_message_parse(&message, bytes, bytes_len)) {
        return false;
    }
    *out = (struct sotto_message_route){
        .task = message.label.task,
        .sender = message.sender,
        .is_invitation = message.type == SOTTO_MESSAGE_INVITATION,
        .is_browse = message.type == SOTTO_MESSAGE_BROWSE,
        .is_listing = message.type == SOTTO_MESSAGE_LISTING,
        .to_aggregator = message.type >= SOTTO_MESSAGE_ADVERT,
    };
    return true;
}
