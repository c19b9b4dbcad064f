/* SPDX-License-Identifier: Apache-2.0 */

/* The envelope of every message: header, body, signature [PROTOCOL.md, Messages]; and LEAVE, which
 * both sides may read. Leans on identity.c for signatures and on sotto/bytes.h for bytes from
 * outside.
 *
 * The idea: the header says everything that decides whether a message is for this session, and the
 * signature is over all of it, so that no part of a message can be moved to another one. A header
 * of another version is still read, so that it can be declined by name. */

#include "message/message.h"

#include <string.h>

static const uint8_t magic[4] = {'S', 'O', 'T', 'O'};
static const char signature_label[] = "sotto message";

bool sotto_session_label_equal(const struct sotto_session_label *a,
                               const struct sotto_session_label *b)
{
    return memcmp(a->task.bytes, b->task.bytes, sizeof a->task.bytes) == 0 &&
           a->round == b->round && a->attempt == b->attempt;
}

/* Takes a message apart, and believes nothing of it: the signature is checked by
 * sotto_message_open. */
bool sotto_message_parse(struct sotto_message *out, const uint8_t *bytes, size_t bytes_len)
{
    if (bytes_len < SOTTO_MESSAGE_HEADER_BYTES + SOTTO_MESSAGE_SIGNATURE_BYTES ||
        bytes_len > SOTTO_MESSAGE_BYTES_MAX || memcmp(bytes, magic, sizeof magic) != 0) {
        return false;
    }
    struct sotto_message message = {0};
    struct sotto_reader reader;
    sotto_reader_init(&reader, bytes + sizeof magic, SOTTO_MESSAGE_HEADER_BYTES - sizeof magic);
    message.version = sotto_read_u16(&reader);
    message.suite = sotto_read_u16(&reader);
    message.type = sotto_read_u16(&reader);
    uint16_t reserved = sotto_read_u16(&reader);
    sotto_read_copy(&reader, message.label.task.bytes, sizeof message.label.task.bytes);
    message.label.round = sotto_read_u32(&reader);
    message.label.attempt = sotto_read_u32(&reader);
    sotto_read_copy(&reader, message.session, sizeof message.session);
    sotto_read_copy(&reader, message.sender.bytes, sizeof message.sender.bytes);
    message.body = bytes + SOTTO_MESSAGE_HEADER_BYTES;
    message.body_bytes = bytes_len - SOTTO_MESSAGE_HEADER_BYTES - SOTTO_MESSAGE_SIGNATURE_BYTES;
    if (!sotto_reader_finished(&reader) || reserved != 0) {
        return false;
    }
    *out = message;
    return true;
}

enum sotto_status sotto_message_open(struct sotto_message *out, const uint8_t *bytes,
                                     size_t bytes_len, struct sotto_error *err)
{
    struct sotto_message message;
    if (!sotto_message_parse(&message, bytes, bytes_len)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "%zu bytes that are no Sotto message",
                               bytes_len);
    }
    memcpy(message.signature.bytes, bytes + bytes_len - sizeof message.signature.bytes,
           sizeof message.signature.bytes);
    sotto_signed_digest(message.signed_digest, signature_label, bytes,
                        bytes_len - sizeof message.signature.bytes);
    if (!sotto_key_verify_digest(&message.sender, &message.signature, message.signed_digest)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "the signature of a message is not right");
    }
    /* After the signature, so that nobody can make a party decline another's message by a forged
     * one. */
    if (message.version != SOTTO_PROTOCOL_VERSION || message.suite != SOTTO_PROTOCOL_SUITE) {
        *out = message;
        return sotto_error_set(err, SOTTO_ERROR_VERSION,
                               "a message of protocol version %u, suite %u; this program speaks "
                               "version %d, suite %d",
                               message.version, message.suite, SOTTO_PROTOCOL_VERSION,
                               SOTTO_PROTOCOL_SUITE);
    }
    *out = message;
    return SOTTO_OK;
}

void sotto__message_header(struct sotto_writer *writer, enum sotto_message_type type,
                           const struct sotto_session_label *label, const uint8_t *session,
                           const struct sotto_key *sender)
{
    static const uint8_t no_session[SOTTO_SESSION_BYTES];
    sotto_write_bytes(writer, magic, sizeof magic);
    sotto_write_u16(writer, SOTTO_PROTOCOL_VERSION);
    sotto_write_u16(writer, SOTTO_PROTOCOL_SUITE);
    sotto_write_u16(writer, (uint16_t)type);
    sotto_write_u16(writer, 0);
    sotto_write_bytes(writer, label->task.bytes, sizeof label->task.bytes);
    sotto_write_u32(writer, label->round);
    sotto_write_u32(writer, label->attempt);
    sotto_write_bytes(writer, session != NULL ? session : no_session, SOTTO_SESSION_BYTES);
    sotto_write_bytes(writer, sender->bytes, sizeof sender->bytes);
}

void sotto_message_begin(struct sotto_writer *writer, enum sotto_message_type type,
                         const struct sotto_session_label *label, const uint8_t *session,
                         const struct sotto_identity *identity)
{
    struct sotto_key sender = sotto_identity_key(identity);
    sotto__message_header(writer, type, label, session, &sender);
}

void sotto__message_signed_digest(uint8_t out[SOTTO_SIGNED_DIGEST_BYTES], const uint8_t *bytes,
                                  size_t bytes_len)
{
    sotto_signed_digest(out, signature_label, bytes, bytes_len);
}

void sotto_message_digest(uint8_t out[SOTTO_SIGNED_DIGEST_BYTES], const uint8_t *bytes,
                          size_t bytes_len)
{
    SOTTO_REQUIRE(bytes_len >= SOTTO_MESSAGE_SIGNATURE_BYTES);
    sotto__message_signed_digest(out, bytes, bytes_len - SOTTO_MESSAGE_SIGNATURE_BYTES);
}

enum sotto_status sotto__message_finish_digest(struct sotto_writer *writer,
                                               struct sotto_buffer *out,
                                               uint8_t out_signed_digest[SOTTO_SIGNED_DIGEST_BYTES],
                                               const struct sotto_identity *identity)
{
    size_t signed_bytes = writer->data_bytes;
    uint8_t *space = sotto_write_space(writer, SOTTO_MESSAGE_SIGNATURE_BYTES);
    struct sotto_signature signature;
    enum sotto_status status = sotto_writer_status(writer);
    *out = (struct sotto_buffer){0};
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_signed_digest(out_signed_digest, signature_label, writer->data, signed_bytes);
    sotto_identity_sign_digest(identity, &signature, out_signed_digest);
    memcpy(space, signature.bytes, sizeof signature.bytes);
    *out = (struct sotto_buffer){0};
    out->data = sotto_writer_take(writer, &out->data_bytes);
out:
    sotto_writer_release(writer);
    return status;
}

enum sotto_status sotto_message_finish(struct sotto_writer *writer, struct sotto_buffer *out,
                                       const struct sotto_identity *identity)
{
    uint8_t signed_digest[SOTTO_SIGNED_DIGEST_BYTES];
    return sotto__message_finish_digest(writer, out, signed_digest, identity);
}

/* As a byte without its sign: codes are 0 to -17. */
void sotto_write_status(struct sotto_writer *writer, enum sotto_status status)
{
    sotto_write_u8(writer, (uint8_t) - (int)status);
}

/* Only codes that exist: what is read is shown to people by its text. */
enum sotto_status sotto_read_status(struct sotto_reader *reader)
{
    int value = -(int)sotto_read_u8(reader);
    switch (value) {
#define STATUS_CASE(code, number, name, text) case number:
        SOTTO_STATUS_TABLE(STATUS_CASE)
#undef STATUS_CASE
        return (enum sotto_status)value;
    default:
        sotto_reader_fail(reader);
        return SOTTO_ERROR_PROTOCOL;
    }
}

enum sotto_status sotto_leave_seal(struct sotto_buffer *out, const struct sotto_leave *leave,
                                   const struct sotto_session_label *label, const uint8_t *session,
                                   const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(&writer, SOTTO_MESSAGE_LEAVE, label, session, identity);
    sotto_write_status(&writer, leave->reason);
    sotto_write_bytes(&writer, leave->blamed.bytes, sizeof leave->blamed.bytes);
    sotto_write_bytes(&writer, leave->text, strnlen(leave->text, sizeof leave->text - 1));
    return sotto_message_finish(&writer, out, identity);
}

bool sotto_leave_parse(struct sotto_leave *out, const struct sotto_message *message)
{
    struct sotto_reader reader;
    struct sotto_leave leave = {0};
    sotto_reader_init(&reader, message->body, message->body_bytes);
    leave.reason = sotto_read_status(&reader);
    sotto_read_copy(&reader, leave.blamed.bytes, sizeof leave.blamed.bytes);
    size_t text_bytes = sotto_reader_left(&reader);
    if (text_bytes >= sizeof leave.text) {
        return false;
    }
    sotto_read_copy(&reader, leave.text, text_bytes);
    if (!sotto_reader_finished(&reader) || leave.reason == SOTTO_OK) {
        return false;
    }
    *out = leave;
    return true;
}
