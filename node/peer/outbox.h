/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PEER_OUTBOX_H
#define SOTTO_NODE_PEER_OUTBOX_H

/* The messages for one peer that wait to be fetched (server.c) or delivered (client.c): in order,
 * each with a number and a time after which it is worth nothing. Threads: the loop's. */

#include <sotto/bytes.h>

#define OUTBOX_LEN_MAX 4096
#define OUTBOX_BYTES_MAX ((size_t)1024 * 1024 * 1024)

struct outgoing {
    struct outgoing *next;
    uint64_t sequence; /* 1 more than that of the message before it, over the outbox's whole life */
    uint64_t deadline_ms;
    struct sotto_buffer bytes;
};

struct outbox {
    struct outgoing *head;
    struct outgoing **tail;
    size_t len;
    size_t bytes;
    uint64_t last_sequence;
};

void outbox_init(struct outbox *outbox);

/* Adds a message at the end. Returns: false, and nothing is taken, if the outbox is full or there
 * is no memory. Ownership: takes *in_out_bytes, which is empty afterwards. */
bool outbox_add(struct outbox *outbox, struct sotto_buffer *in_out_bytes, uint64_t deadline_ms);

/* Drops messages from the head on, as long as they are numbered up to sequence (delivered) or their
 * deadline has passed. Returns: how many of them were not delivered. */
size_t outbox_drop(struct outbox *outbox, uint64_t sequence, uint64_t now_ms);

/* Drops all messages; numbers go on. */
void outbox_clear(struct outbox *outbox);

#endif
