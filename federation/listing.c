/* SPDX-License-Identifier: Apache-2.0 */

/* BROWSE and LISTING as bytes (PROTOCOL.md, "Listings"). Leans on the envelope of all messages. The
 * idea: both are signed and bound to one question as a task's messages are to their task, and carry
 * a text that only hosts understand, so that no machine has to know of files. */

#include <sotto/listing.h>

static struct sotto_session_label label_of(const struct sotto_task_id *id)
{
    return (struct sotto_session_label){.task = *id, .round = 1, .attempt = 1};
}

static enum sotto_status seal_message(struct sotto_buffer *out, enum sotto_message_type type,
                                      const char *body, size_t body_bytes,
                                      const struct sotto_task_id *id,
                                      const struct sotto_identity *identity)
{
    struct sotto_session_label label = label_of(id);
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_LISTING_BYTES_MAX + SOTTO_MESSAGE_HEADER_BYTES +
                                   SOTTO_MESSAGE_SIGNATURE_BYTES);
    sotto_message_begin(&writer, type, &label, NULL, identity);
    sotto_write_bytes(&writer, body, body_bytes);
    return sotto_message_finish(&writer, out, identity);
}

enum sotto_status sotto_browse_seal(struct sotto_buffer *out, const struct sotto_task_id *id,
                                    const struct sotto_identity *identity)
{
    return seal_message(out, SOTTO_MESSAGE_BROWSE, NULL, 0, id, identity);
}

enum sotto_status sotto_listing_seal(struct sotto_buffer *out, const char *json, size_t json_bytes,
                                     const struct sotto_task_id *id,
                                     const struct sotto_identity *identity)
{
    return seal_message(out, SOTTO_MESSAGE_LISTING, json, json_bytes, id, identity);
}

/* Opens a message of this type. */
static enum sotto_status open_message(struct sotto_message *out, enum sotto_message_type type,
                                      size_t body_bytes_max, const uint8_t *bytes, size_t bytes_len,
                                      struct sotto_error *err)
{
    enum sotto_status status = sotto_message_open(out, bytes, bytes_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return out->type == type && out->body_bytes <= body_bytes_max
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "expected a message of type %d with %zu bytes at most, found type "
                                 "%u with %zu",
                                 (int)type, body_bytes_max, out->type, out->body_bytes);
}

enum sotto_status sotto_browse_open(const uint8_t *bytes, size_t bytes_len, struct sotto_error *err)
{
    struct sotto_message message;
    return open_message(&message, SOTTO_MESSAGE_BROWSE, 0, bytes, bytes_len, err);
}

enum sotto_status sotto_listing_open(const char **out_json, size_t *out_bytes, const uint8_t *bytes,
                                     size_t bytes_len, struct sotto_error *err)
{
    struct sotto_message message;
    enum sotto_status status = open_message(&message, SOTTO_MESSAGE_LISTING,
                                            SOTTO_LISTING_BYTES_MAX, bytes, bytes_len, err);
    if (status == SOTTO_OK) {
        *out_json = (const char *)message.body;
        *out_bytes = message.body_bytes;
    }
    return status;
}
