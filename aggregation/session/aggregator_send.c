/* SPDX-License-Identifier: Apache-2.0 */

/* What the aggregator sends: ROSTER, SHARES, LIVING, UNMASK [PROTOCOL.md]. Leans on message.c and
 * merkle.c.
 *
 * The idea: messages that are the same for all are made once and copied; the others are made on all
 * threads and queued in the roster's order, so that a run can be repeated. */

#include "session/session_aggregator.h"

#include <sotto/alloc.h>
#include <string.h>

static void aggregator_begin(const struct sotto_session_aggregator *aggregator,
                             struct sotto_writer *writer, enum sotto_message_type type)
{
    sotto_writer_init(writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(writer, type, &aggregator->label, aggregator->session,
                        aggregator->identity);
}

/* Queues bytes to a member; takes them. */
static enum sotto_status aggregator_push(struct sotto_session_aggregator *aggregator,
                                         struct sotto_buffer *bytes, uint32_t index)
{
    aggregator->counters.bytes_out += bytes->data_bytes;
    return sotto_action_push_send(&aggregator->queue, member_key(aggregator, index), bytes);
}

/* Queues a copy of one message to every member of a bitmap (NULL: all). */
static enum sotto_status send_copies(struct sotto_session_aggregator *aggregator,
                                     const struct sotto_buffer *message, const uint8_t *bitmap)
{
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        struct sotto_buffer copy;
        if (bitmap != NULL && !bitmap_get(bitmap, i)) {
            continue;
        }
        enum sotto_status status = sotto_buffer_copy(&copy, message->data, message->data_bytes);
        if (status != SOTTO_OK) {
            return status;
        }
        status = aggregator_push(aggregator, &copy, i);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

typedef enum sotto_status make_message(const struct sotto_session_aggregator *aggregator,
                                       struct sotto_buffer *out, uint32_t index);

/* Makes, on all threads, and queues, in order, a message to every member of a bitmap. */
static enum sotto_status send_each(struct sotto_session_aggregator *aggregator,
                                   const uint8_t *bitmap, make_message *make)
{
    uint32_t n = parties_len(aggregator);
    struct sotto_buffer *messages = sotto_alloc_array(n, sizeof *messages);
    if (messages == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    enum sotto_status result = SOTTO_OK;
#pragma omp parallel for schedule(dynamic, 4) if (n > SOTTO__PARALLEL_PARTIES)
    for (uint32_t i = 0; i < n; i++) {
        if (bitmap_get(bitmap, i)) {
            enum sotto_status status = make(aggregator, &messages[i], i);
            if (status != SOTTO_OK) {
#pragma omp atomic write
                result = status;
            }
        }
    }
    for (uint32_t i = 0; i < n; i++) { /* all are released, whatever failed */
        if (result == SOTTO_OK && bitmap_get(bitmap, i)) {
            result = aggregator_push(aggregator, &messages[i], i);
            aggregator->counters.signatures++;
        }
        sotto_buffer_release(&messages[i]);
    }
    sotto_free(messages);
    return result;
}

enum sotto_status sotto__aggregator_send_roster(struct sotto_session_aggregator *aggregator)
{
    return send_copies(aggregator, &aggregator->roster.message, NULL);
}

/* --- SHARES --- */

static enum sotto_status make_shares(const struct sotto_session_aggregator *aggregator,
                                     struct sotto_buffer *out, uint32_t holder)
{
    size_t path_bytes =
        (size_t)sotto__merkle_depth(aggregator->roster.graph.holders) * SOTTO__HASH_BYTES;
    /* All but its own. */
    size_t first = aggregator->starts[holder];
    size_t end = aggregator->starts[holder + 1];
    struct sotto_writer writer;
    aggregator_begin(aggregator, &writer, SOTTO_MESSAGE_SHARES);
    sotto_writer_reserve(&writer,
                         bitmap_bytes(parties_len(aggregator)) + 4 +
                             (end - first - 1) * (8 + SOTTO__DEALING_BYTES + path_bytes +
                                                  SOTTO__LEAVES_BYTES + SOTTO__SHARE_CIPHER_BYTES) +
                             SOTTO_MESSAGE_SIGNATURE_BYTES);
    sotto_write_bytes(&writer, aggregator->dealers, bitmap_bytes(parties_len(aggregator)));
    sotto_write_u32(&writer, (uint32_t)(end - first - 1));
    for (size_t k = first; k < end; k++) {
        const struct holding *holding = &aggregator->holdings[k];
        const struct member *dealer = &aggregator->members[holding->dealer];
        if (holding->dealer == holder) {
            continue;
        }
        sotto_write_u32(&writer, holding->dealer);
        sotto_write_u32(&writer, holding->position);
        sotto__dealing_write(&dealer->dealing, &writer);
        uint8_t *path = sotto_write_space(&writer, path_bytes);
        if (path != NULL) {
            sotto__merkle_path(&dealer->tree, path, holding->position);
        }
        sotto_write_bytes(&writer, dealer->leaves + holding->position * SOTTO__LEAVES_BYTES,
                          SOTTO__LEAVES_BYTES);
        sotto_write_bytes(
            &writer, dealer->ciphers + (size_t)(holding->position - 1) * SOTTO__SHARE_CIPHER_BYTES,
            SOTTO__SHARE_CIPHER_BYTES);
    }
    return sotto_message_finish(&writer, out, aggregator->identity);
}

enum sotto_status sotto__aggregator_send_shares(struct sotto_session_aggregator *aggregator)
{
    return send_each(aggregator, aggregator->dealers, make_shares);
}

/* --- LIVING --- */

enum sotto_status sotto__aggregator_send_living(struct sotto_session_aggregator *aggregator)
{
    struct sotto_writer writer;
    struct sotto_buffer message;
    aggregator_begin(aggregator, &writer, SOTTO_MESSAGE_LIVING);
    sotto_write_bytes(&writer, aggregator->living, bitmap_bytes(parties_len(aggregator)));
    sotto_write_bytes(&writer, aggregator->masked,
                      (size_t)bitmap_count(aggregator->living, parties_len(aggregator)) *
                          SOTTO__HASH_BYTES);
    enum sotto_status status = sotto_message_finish(&writer, &message, aggregator->identity);
    aggregator->counters.signatures++;
    if (status != SOTTO_OK) {
        return status;
    }
    status = send_copies(aggregator, &message, aggregator->living);
    sotto_buffer_release(&message);
    return status;
}

void sotto__aggregator_survivors(const struct sotto_session_aggregator *aggregator,
                                 uint8_t out_digest[SOTTO__HASH_BYTES])
{
    struct sotto__survivors survivors = {.session = aggregator->session,
                                         .dealers = aggregator->dealers,
                                         .living = aggregator->living,
                                         .parties_len = parties_len(aggregator),
                                         .dealings = aggregator->dealings,
                                         .masked = aggregator->masked};
    sotto__survivors_digest(out_digest, &survivors);
}

/* --- WITHDRAW --- */

enum sotto_status sotto__aggregator_send_withdraw(struct sotto_session_aggregator *aggregator,
                                                  const uint8_t *members)
{
    struct sotto_writer writer;
    struct sotto_buffer message;
    aggregator_begin(aggregator, &writer, SOTTO_MESSAGE_WITHDRAW);
    enum sotto_status status = sotto_message_finish(&writer, &message, aggregator->identity);
    aggregator->counters.signatures++;
    if (status != SOTTO_OK) {
        return status;
    }
    status = send_copies(aggregator, &message, members);
    sotto_buffer_release(&message);
    return status;
}

/* --- UNMASK --- */

/* Marks the holders of a member that consented, the first ones, as many as it needs. Returns: how
 * many. */
static uint32_t mark_consenting_holders(const struct sotto_session_aggregator *aggregator,
                                        uint8_t *marks, uint32_t index)
{
    uint8_t consented[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
    uint32_t len = 0;
    for (uint32_t p = 0; p < aggregator->roster.graph.holders; p++) {
        uint32_t holder = aggregator->members[index].holders[p];
        if (aggregator->members[holder].consented) {
            bitmap_set(consented, holder);
        }
    }
    for (uint32_t i = 0; i < parties_len(aggregator) && len < aggregator->roster.graph.threshold;
         i++) {
        if (bitmap_get(consented, i)) {
            bitmap_set(marks, i);
            len++;
        }
    }
    return len;
}

/* Marks those of the living without whose consent nothing may be opened: they have consented, else
 * the step would not have ended well. */
static void mark_needed_consents(const struct sotto_session_aggregator *aggregator, uint8_t *marks)
{
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        if (bitmap_get(aggregator->living, i) &&
            aggregator->roster.adverts[i].demands.needs_consent) {
            bitmap_set(marks, i);
        }
    }
}

void sotto__aggregator_mark_consents(const struct sotto_session_aggregator *aggregator,
                                     uint8_t *marks)
{
    uint32_t len = 0;
    for (uint32_t i = 0; i < parties_len(aggregator) && len < aggregator->roster.graph.threshold;
         i++) {
        if (aggregator->members[i].consented) {
            bitmap_set(marks, i);
            len++;
        }
    }
    mark_needed_consents(aggregator, marks);
}

static enum sotto_status make_unmask(const struct sotto_session_aggregator *aggregator,
                                     struct sotto_buffer *out, uint32_t index)
{
    uint8_t shown[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
    struct sotto_writer writer;
    (void)mark_consenting_holders(aggregator, shown, index);
    mark_needed_consents(aggregator, shown);
    aggregator_begin(aggregator, &writer, SOTTO_MESSAGE_UNMASK);
    sotto_write_u32(&writer, bitmap_count(shown, parties_len(aggregator)));
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        const struct sotto_signature *consent = &aggregator->members[i].consent;
        if (bitmap_get(shown, i)) {
            sotto_write_u32(&writer, i);
            sotto_write_bytes(&writer, consent->bytes, sizeof consent->bytes);
        }
    }
    return sotto_message_finish(&writer, out, aggregator->identity);
}

enum sotto_status sotto__aggregator_send_unmask(struct sotto_session_aggregator *aggregator)
{
    uint8_t asked[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
    for (uint32_t j = 0; j < parties_len(aggregator); j++) {
        uint8_t holders[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
        if (bitmap_get(aggregator->living, j) &&
            mark_consenting_holders(aggregator, holders, j) >= aggregator->roster.graph.threshold) {
            bitmap_set(asked, j);
        }
    }
    return send_each(aggregator, asked, make_unmask);
}
