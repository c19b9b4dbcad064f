/* SPDX-License-Identifier: Apache-2.0 */

/* An outbox as a linked list. The idea: a message stays until its peer said that it has it, or
 * until nobody waits for it any more; sending is the business of who owns the outbox. */

#include "peer/outbox.h"

#include <sotto/alloc.h>

void outbox_init(struct outbox *outbox)
{
    *outbox = (struct outbox){0};
    outbox->tail = &outbox->head;
}

bool outbox_add(struct outbox *outbox, struct sotto_buffer *in_out_bytes, uint64_t deadline_ms)
{
    if (outbox->len >= OUTBOX_LEN_MAX ||
        in_out_bytes->data_bytes > OUTBOX_BYTES_MAX - outbox->bytes) {
        return false;
    }
    struct outgoing *message = sotto_alloc_zeroed(sizeof *message);
    if (message == NULL) {
        return false;
    }
    message->sequence = ++outbox->last_sequence;
    message->deadline_ms = deadline_ms;
    message->bytes = *in_out_bytes;
    *in_out_bytes = (struct sotto_buffer){0};
    *outbox->tail = message;
    outbox->tail = &message->next;
    outbox->len++;
    outbox->bytes += message->bytes.data_bytes;
    return true;
}

static void drop_first(struct outbox *outbox)
{
    struct outgoing *first = outbox->head;
    outbox->head = first->next;
    if (outbox->head == NULL) {
        outbox->tail = &outbox->head;
    }
    outbox->len--;
    outbox->bytes -= first->bytes.data_bytes;
    sotto_buffer_release(&first->bytes);
    sotto_free(first);
}

size_t outbox_drop(struct outbox *outbox, uint64_t sequence, uint64_t now_ms)
{
    size_t late = 0;
    while (outbox->head != NULL) {
        bool is_delivered = outbox->head->sequence <= sequence;
        if (!is_delivered && outbox->head->deadline_ms > now_ms) {
            break;
        }
        late += !is_delivered;
        drop_first(outbox);
    }
    return late;
}

void outbox_clear(struct outbox *outbox)
{
    while (outbox->head != NULL) {
        drop_first(outbox);
    }
}
