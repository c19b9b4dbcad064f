/* SPDX-License-Identifier: Apache-2.0 */

/* OPENED, CONFIRM, DISPUTE and FINISH as bytes, and what confirmations sign [PROTOCOL.md, Verified
 * sums]. It leans on the bounded reader and writer, whose failures stick.
 *
 * The idea: who confirms signs everything that made the result what it is, the plan, the types and
 * the chain of all sums, so that a confirmation can't be shown for another result, nor for the same
 * one of another question. A dispute has no words of its own: a class and a digest can be checked,
 * and can't carry anybody's data. */

#include "verified.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define CONFIRMATION_BYTES (4 + SOTTO_MESSAGE_SIGNATURE_BYTES)

static const char confirmed_label[] = "sotto confirmed";

static void begin_message(struct sotto_writer *writer, enum sotto_message_type type,
                          const struct sotto_session_label *label, const uint8_t *session,
                          const struct sotto_identity *identity)
{
    sotto_writer_init(writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(writer, type, label, session, identity);
}

/* --- OPENED --- */

enum sotto_status sotto__opened_seal(struct sotto_buffer *out, const struct sotto__shown *opened,
                                     const struct sotto_session_label *label,
                                     const uint8_t session[SOTTO_SESSION_BYTES],
                                     const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    begin_message(&writer, SOTTO_MESSAGE_OPENED, label, session, identity);
    sotto_writer_reserve(&writer, 4 + opened->result_bytes + opened->transcript_bytes +
                                      SOTTO_MESSAGE_SIGNATURE_BYTES);
    sotto_write_blob(&writer, opened->result, opened->result_bytes);
    sotto_write_bytes(&writer, opened->transcript, opened->transcript_bytes);
    return sotto_message_finish(&writer, out, identity);
}

bool sotto__opened_parse(struct sotto__shown *out, const struct sotto_message *message)
{
    struct sotto_reader reader;
    sotto_reader_init(&reader, message->body, message->body_bytes);
    out->result =
        (const char *)sotto_read_blob(&reader, &out->result_bytes, SOTTO_MESSAGE_BYTES_MAX);
    out->transcript_bytes = sotto_reader_left(&reader);
    out->transcript = sotto_read_bytes(&reader, out->transcript_bytes);
    return sotto_reader_finished(&reader);
}

void sotto__shown_digest(uint8_t out[SOTTO_DIGEST_BYTES], const struct sotto_buffer *opened)
{
    uint8_t signed_digest[SOTTO_SIGNED_DIGEST_BYTES];
    sotto_message_digest(signed_digest, opened->data, opened->data_bytes);
    sotto_digest(out, "sotto shown", signed_digest, sizeof signed_digest);
}

/* --- CONFIRM --- */

enum sotto_status sotto__confirmed_make(uint8_t out[SOTTO_DIGEST_BYTES],
                                        const struct sotto__confirmed *confirmed)
{
    struct sotto_writer writer;
    uint8_t digest[SOTTO_DIGEST_BYTES];
    const struct sotto_invitation_terms *terms = confirmed->terms;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_write_bytes(&writer, terms->label.task.bytes, sizeof terms->label.task.bytes);
    sotto_write_bytes(&writer, terms->plan_digest, sizeof terms->plan_digest);
    sotto_digest(digest, "sotto schema", confirmed->schema, confirmed->schema_bytes);
    sotto_write_bytes(&writer, digest, sizeof digest);
    sotto_write_bytes(&writer, confirmed->opened, SOTTO_DIGEST_BYTES);
    sotto_digest(digest, "sotto result", confirmed->result, confirmed->result_bytes);
    sotto_write_bytes(&writer, digest, sizeof digest);
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        sotto_digest(out, confirmed_label, writer.data, writer.data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}

enum sotto_status sotto__confirmed_digest(uint8_t out[SOTTO_DIGEST_BYTES],
                                          const struct sotto_invitation_terms *terms,
                                          const struct sotto__course *course,
                                          const uint8_t opened[SOTTO_DIGEST_BYTES],
                                          const char *result)
{
    struct sotto_writer schema;
    sotto_writer_init(&schema, SOTTO_MESSAGE_BYTES_MAX);
    sotto__course_write_types(course, &schema);
    enum sotto_status status = sotto_writer_status(&schema);
    if (status == SOTTO_OK) {
        struct sotto__confirmed confirmed = {.terms = terms,
                                             .schema = schema.data,
                                             .schema_bytes = schema.data_bytes,
                                             .opened = opened,
                                             .result = (const uint8_t *)result,
                                             .result_bytes = strlen(result)};
        status = sotto__confirmed_make(out, &confirmed);
    }
    sotto_writer_release(&schema);
    return status;
}

enum sotto_status sotto__confirm_seal(struct sotto_buffer *out,
                                      const uint8_t digest[SOTTO_DIGEST_BYTES],
                                      const struct sotto_session_label *label,
                                      const uint8_t session[SOTTO_SESSION_BYTES],
                                      const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    struct sotto_signature signature;
    sotto_identity_sign(identity, &signature, confirmed_label, digest, SOTTO_DIGEST_BYTES);
    begin_message(&writer, SOTTO_MESSAGE_CONFIRM, label, session, identity);
    sotto_write_bytes(&writer, signature.bytes, sizeof signature.bytes);
    return sotto_message_finish(&writer, out, identity);
}

bool sotto__confirm_open(struct sotto_signature *out, const struct sotto_message *message,
                         const uint8_t digest[SOTTO_DIGEST_BYTES])
{
    struct sotto_reader reader;
    struct sotto_signature signature;
    sotto_reader_init(&reader, message->body, message->body_bytes);
    sotto_read_copy(&reader, signature.bytes, sizeof signature.bytes);
    if (!sotto_reader_finished(&reader) ||
        !sotto_key_verify(&message->sender, &signature, confirmed_label, digest,
                          SOTTO_DIGEST_BYTES)) {
        return false;
    }
    *out = signature;
    return true;
}

/* --- DISPUTE --- */

enum sotto_status sotto__dispute_seal(struct sotto_buffer *out, const struct sotto_dispute *dispute,
                                      const uint8_t shown[SOTTO_DIGEST_BYTES],
                                      const struct sotto_session_label *label,
                                      const uint8_t session[SOTTO_SESSION_BYTES],
                                      const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    begin_message(&writer, SOTTO_MESSAGE_DISPUTE, label, session, identity);
    sotto_write_u8(&writer, (uint8_t)dispute->kind);
    sotto_write_bytes(&writer, shown, SOTTO_DIGEST_BYTES);
    return sotto_message_finish(&writer, out, identity);
}

bool sotto__dispute_parse(struct sotto_dispute *out, uint8_t out_shown[SOTTO_DIGEST_BYTES],
                          const struct sotto_message *message)
{
    struct sotto_reader reader;
    sotto_reader_init(&reader, message->body, message->body_bytes);
    uint8_t kind = sotto_read_u8(&reader);
    sotto_read_copy(&reader, out_shown, SOTTO_DIGEST_BYTES);
    out->kind = (enum sotto_dispute_kind)kind;
    return sotto_reader_finished(&reader) && kind >= SOTTO_DISPUTE_FORM &&
           kind <= SOTTO_DISPUTE_RESULT;
}

const char *sotto__dispute_text(enum sotto_dispute_kind kind)
{
    switch (kind) {
    case SOTTO_DISPUTE_CONSENTS:
        return "the consents";
    case SOTTO_DISPUTE_MASKED:
        return "a masked input";
    case SOTTO_DISPUTE_SECRET:
        return "a secret";
    case SOTTO_DISPUTE_SUM:
        return "the sum";
    case SOTTO_DISPUTE_RESULT:
        return "the result";
    case SOTTO_DISPUTE_FORM:
    default:
        return "the form of the transcript";
    }
}

/* --- FINISH --- */

enum sotto_status sotto__finish_seal(struct sotto_buffer *out, const struct sotto__finish *finish,
                                     const struct sotto_session_label *label,
                                     const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    begin_message(&writer, SOTTO_MESSAGE_FINISH, label, NULL, identity);
    sotto_write_status(&writer, finish->status);
    if (finish->status == SOTTO_OK) {
        sotto_write_blob(&writer, finish->result, finish->result_bytes);
        sotto_write_u32(&writer, finish->confirmations_len);
        for (uint32_t k = 0; k < finish->confirmations_len; k++) {
            const struct sotto__confirmation *confirmation = &finish->confirmations[k];
            sotto_write_u32(&writer, confirmation->index);
            sotto_write_bytes(&writer, confirmation->signature.bytes,
                              sizeof confirmation->signature.bytes);
        }
    }
    return sotto_message_finish(&writer, out, identity);
}

bool sotto__finish_parse(struct sotto__finish *out, const struct sotto_message *message)
{
    struct sotto_reader reader;
    struct sotto__finish finish = {0};
    sotto_reader_init(&reader, message->body, message->body_bytes);
    finish.status = sotto_read_status(&reader);
    if (finish.status == SOTTO_OK) {
        finish.result =
            (const char *)sotto_read_blob(&reader, &finish.result_bytes, SOTTO_MESSAGE_BYTES_MAX);
        finish.confirmations_len = sotto_read_u32(&reader);
        finish.confirmation_bytes =
            finish.confirmations_len <= SOTTO_SESSION_PARTIES_MAX
                ? sotto_read_bytes(&reader, (size_t)finish.confirmations_len * CONFIRMATION_BYTES)
                : NULL;
    }
    if (!sotto_reader_finished(&reader) || finish.confirmations_len > SOTTO_SESSION_PARTIES_MAX) {
        return false;
    }
    *out = finish;
    return true;
}

bool sotto__finish_verify(const struct sotto__finish *finish, bool *out_confirms,
                          const struct sotto_roster *roster, const bool *has,
                          const uint8_t digest[SOTTO_DIGEST_BYTES])
{
    struct sotto_reader reader;
    uint32_t least = 0;
    memset(out_confirms, 0, roster->adverts_len * sizeof *out_confirms);
    sotto_reader_init(&reader, finish->confirmation_bytes,
                      (size_t)finish->confirmations_len * CONFIRMATION_BYTES);
    for (uint32_t k = 0; k < finish->confirmations_len; k++) {
        struct sotto_signature signature;
        uint32_t index = sotto_read_u32(&reader);
        sotto_read_copy(&reader, signature.bytes, sizeof signature.bytes);
        if (index < least || index >= roster->adverts_len || !has[index] ||
            !sotto_key_verify(&roster->adverts[index].sender, &signature, confirmed_label, digest,
                              SOTTO_DIGEST_BYTES)) {
            return false;
        }
        out_confirms[index] = true;
        least = index + 1; /* ascending: nobody counts twice */
    }
    return true;
}

void sotto__unconfirmed_write(char *text, size_t *in_out_used, const char *name, bool signs_nothing)
{
    size_t left = SOTTO_ERROR_TEXT_BYTES - *in_out_used;
    int written = signs_nothing
                      ? snprintf(text + *in_out_used, left, "; %.64s signs no results", name)
                      : snprintf(text + *in_out_used, left, "; no answer of %.64s", name);
    *in_out_used += written > 0 ? (size_t)written : 0;
}
