/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <string.h>

#include <sotto/alloc.h>

void sotto__plan_digest(uint8_t out[SOTTO_DIGEST_BYTES], const char *plan_json, size_t plan_bytes)
{
    sotto_digest(out, "sotto plan", plan_json, plan_bytes);
}

enum sotto_status sotto__opened_digest(uint8_t in_out[SOTTO_DIGEST_BYTES], const void *aggregate,
                                       size_t aggregate_bytes)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_write_bytes(&writer, in_out, SOTTO_DIGEST_BYTES);
    sotto_write_bytes(&writer, aggregate, aggregate_bytes);
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        sotto_digest(in_out, "sotto opened", writer.data, writer.data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}

enum sotto_status sotto__agreement_digest(uint8_t out[SOTTO_DIGEST_BYTES],
                                          const struct sotto_driver *driver,
                                          const uint8_t opened[SOTTO_DIGEST_BYTES])
{
    struct sotto_writer writer;
    size_t slots_len;
    const uint16_t *slots = sotto_driver_slots(driver, &slots_len);
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_schema_write(sotto_driver_schema(driver), &writer);
    sotto_write_u64(&writer, slots_len);
    for (size_t k = 0; k < slots_len; k++) {
        sotto_write_u16(&writer, slots[k]);
    }
    sotto_write_bytes(&writer, opened, SOTTO_DIGEST_BYTES);
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        sotto_digest(out, "sotto agreement", writer.data, writer.data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}

enum sotto_status sotto__driver_runs(struct sotto_vector_run **out, size_t *out_len,
                                     const struct sotto_driver *driver)
{
    size_t slots_len;
    const uint16_t *slots = sotto_driver_slots(driver, &slots_len);
    struct sotto_vector_run *runs = sotto_alloc_array(slots_len, sizeof *runs);
    size_t len = 0;
    if (runs == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t k = 0; k < slots_len; k++) {
        uint32_t element_bytes = (uint32_t)slots[k] * 8;
        if (len > 0 && runs[len - 1].element_bytes == element_bytes) {
            runs[len - 1].elements_len++;
        } else {
            runs[len++] = (struct sotto_vector_run){element_bytes, 1};
        }
    }
    *out = runs;
    *out_len = len;
    return SOTTO_OK;
}

/* Above this many parties a sparse graph is cheaper; below, everybody holds shares for everybody.
 */
#define COMPLETE_PARTIES_MAX 100

struct sotto_graph_terms sotto__graph_terms(size_t parties_len)
{
    return (struct sotto_graph_terms){
        .model =
            parties_len <= COMPLETE_PARTIES_MAX ? SOTTO_GRAPH_COMPLETE : SOTTO_GRAPH_SEMI_MALICIOUS,
        .corrupted_permille = 50,
        .dropped_permille = 330,
    };
}

static void wire_begin(struct sotto_writer *writer, enum sotto_message_type type,
                       const struct sotto_session_label *label,
                       const struct sotto_identity *identity)
{
    sotto_writer_init(writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(writer, type, label, NULL, identity);
}

enum sotto_status sotto__invitation_seal(struct sotto_buffer *out, const char *plan_json,
                                         size_t plan_bytes, const struct sotto_session_label *label,
                                         const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    wire_begin(&writer, SOTTO_MESSAGE_INVITATION, label, identity);
    sotto_write_bytes(&writer, plan_json, plan_bytes);
    return sotto_message_finish(&writer, out, identity);
}

enum sotto_status sotto__reopen_seal(struct sotto_buffer *out,
                                     const struct sotto_session_label *label,
                                     const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    wire_begin(&writer, SOTTO_MESSAGE_REOPEN, label, identity);
    return sotto_message_finish(&writer, out, identity);
}

enum sotto_status sotto__round_seal(struct sotto_buffer *out, const void *aggregate,
                                    size_t aggregate_bytes, const struct sotto_session_label *label,
                                    const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    wire_begin(&writer, SOTTO_MESSAGE_ROUND, label, identity);
    sotto_write_bytes(&writer, aggregate, aggregate_bytes);
    return sotto_message_finish(&writer, out, identity);
}

enum sotto_status sotto__finish_seal(struct sotto_buffer *out, enum sotto_status task_status,
                                     const char *result, const struct sotto_session_label *label,
                                     const struct sotto_identity *identity)
{
    struct sotto_writer writer;
    wire_begin(&writer, SOTTO_MESSAGE_FINISH, label, identity);
    sotto_write_status(&writer, task_status);
    sotto_write_bytes(&writer, result, result != NULL ? strlen(result) : 0);
    return sotto_message_finish(&writer, out, identity);
}

bool sotto__finish_parse(enum sotto_status *out, const uint8_t **out_result,
                         size_t *out_result_bytes, const struct sotto_message *message)
{
    struct sotto_reader reader;
    sotto_reader_init(&reader, message->body, message->body_bytes);
    enum sotto_status status = sotto_read_status(&reader);
    size_t result_bytes = sotto_reader_left(&reader);
    const uint8_t *result = sotto_read_bytes(&reader, result_bytes);
    if (!sotto_reader_finished(&reader) || (status != SOTTO_OK && result_bytes > 0)) {
        return false;
    }
    *out = status;
    *out_result = result;
    *out_result_bytes = result_bytes;
    return true;
}

enum sotto_status sotto__offer_encode(struct sotto_buffer *out, const struct sotto_schema *schema)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_ADVERT_PAYLOAD_MAX);
    sotto_schema_write(schema, &writer);
    enum sotto_status status = sotto_writer_status(&writer);
    *out = (struct sotto_buffer){0};
    if (status == SOTTO_OK) {
        out->data = sotto_writer_take(&writer, &out->data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}

enum sotto_status sotto__offer_decode(struct sotto_schema *out, const struct sotto_plan *plan,
                                      const struct sotto_advert *advert)
{
    struct sotto_reader reader;
    struct sotto_schema schema;
    sotto_reader_init(&reader, advert->payload, advert->payload_bytes);
    enum sotto_status status = sotto_schema_read(&schema, plan, &reader);
    if (status == SOTTO_OK && !sotto_reader_finished(&reader)) {
        sotto_schema_release(&schema);
        status = SOTTO_ERROR_INPUT;
    }
    if (status == SOTTO_OK) {
        *out = schema;
    }
    return status;
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
        .to_aggregator = message.type >= SOTTO_MESSAGE_ADVERT,
    };
    return true;
}
