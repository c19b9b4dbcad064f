/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_HTTP_PAGES_H
#define SOTTO_NODE_HTTP_PAGES_H

/* The board's files (node/board/dist), which are built in. They hold nothing of this node, so
 * anybody may have them; what they show they ask the API for. */

#include "http/http.h"

struct page {
    const char *path;
    const char *content_type;
    const uint8_t *data;
    size_t data_bytes;
    const uint8_t *packed; /* by gzip */
    size_t packed_bytes;
};

/* All of them, which the build writes. */
extern const struct page pages[];
extern const size_t pages_len;

/* The page at a path, or NULL. */
const struct page *pages_find(const char *path);
/* Answers with a page, packed where the caller takes that. */
void pages_answer(struct http_request *request, const struct page *page);

#endif
