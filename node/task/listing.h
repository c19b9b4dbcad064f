/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_LISTING_H
#define SOTTO_NODE_LISTING_H

/* What nodes publish of their files, as the JSON text of a LISTING (PROTOCOL.md, "Listings").
 * Threads: the compute thread. */

#include <sotto/bytes.h>
#include <sotto/task.h>

/* A peer has so long to answer. */
#define BROWSE_MS ((uint64_t)10 * 1000)

struct compute;

/* What this node publishes. */
struct listing_kept {
    char *text; /* jansson's; NULL: to be made */
    uint64_t policy_number;
    uint64_t until_ms;
};

/* Listings that a peer was told until until_ms. */
struct listings_told {
    uint64_t until_ms;
    unsigned len;
};

/* What this node publishes, as its configuration and files are; at most a minute old. Returns:
 * NULL without memory. Borrows from compute, until the next call. */
const char *listing_make(struct compute *compute);

/* A listing as this program understands it: what it does not know is left out. Returns: a JSON text
 * with "datasets", and "left_out" perhaps; NULL where a part is of a wrong kind, too long or too
 * many, or there is no memory. Ownership: ended by free. */
char *listing_read(const char *json, size_t json_bytes);

/* A BROWSE: answers with what this node publishes, or with nothing to who may not ask. */
void listing_tell(struct compute *compute, const struct sotto_message_route *route,
                  const struct sotto_buffer *message);

/* What was kept for listing_make. */
void listing_release(struct compute *compute);

#endif
