/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_LISTING_H
#define SOTTO_LISTING_H

/* What a node publishes of its files: asked for by BROWSE, told by LISTING (PROTOCOL.md,
 * "Listings"). Neither belongs to a task: an id, drawn at random by who asks, holds question and
 * answer together. */

#include <sotto/message.h>

SOTTO_BEGIN_DECLS

/* No listing is longer. */
#define SOTTO_LISTING_BYTES_MAX ((size_t)256 * 1024)

/* A signed BROWSE. Returns: SOTTO_ERROR_NO_MEMORY. Ownership: *out is ended by
 * sotto_buffer_release. */
SOTTO_API enum sotto_status
sotto_browse_seal(struct sotto_buffer *out, const struct sotto_task_id *id,
                  const struct sotto_identity *identity) SOTTO_NODISCARD;

/* A signed LISTING that answers the BROWSE of this id. json: at most SOTTO_LISTING_BYTES_MAX.
 * Returns: SOTTO_ERROR_NO_MEMORY. Ownership: as above. */
SOTTO_API enum sotto_status
sotto_listing_seal(struct sotto_buffer *out, const char *json, size_t json_bytes,
                   const struct sotto_task_id *id,
                   const struct sotto_identity *identity) SOTTO_NODISCARD;

/* Whether bytes are a BROWSE, signed by who it says sends it. Returns: SOTTO_ERROR_PROTOCOL,
 * SOTTO_ERROR_VERSION or SOTTO_ERROR_AUTH. */
SOTTO_API enum sotto_status sotto_browse_open(const uint8_t *bytes, size_t bytes_len,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* The text of a signed LISTING, of which nothing else is checked. Returns: likewise; *out_json
 * borrows from bytes, and no NUL ends it. */
SOTTO_API enum sotto_status sotto_listing_open(const char **out_json, size_t *out_bytes,
                                               const uint8_t *bytes, size_t bytes_len,
                                               struct sotto_error *err) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
