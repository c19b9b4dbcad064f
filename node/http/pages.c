/* SPDX-License-Identifier: Apache-2.0 */

/* The board's files over HTTP. Leans on http.c. The idea: whatever a peer's text might do in a
 * browser, the headers do not let it: nothing but this node's own files runs or is asked. */

#include "http/pages.h"

#include <string.h>

static const char content_policy[] = "default-src 'self'; object-src 'none'; base-uri 'none'; "
                                     "form-action 'none'; frame-ancestors 'none'";

/* What every page is sent with; of a packed one from the first on, of another from the third. */
static const char *const headers[] = {
    "Content-Encoding",
    "gzip",
    "Vary",
    "Accept-Encoding",
    "Content-Security-Policy",
    content_policy,
    "Referrer-Policy",
    "no-referrer",
    "X-Frame-Options",
    "DENY",
    "Cross-Origin-Opener-Policy",
    "same-origin",
    "Cross-Origin-Resource-Policy",
    "same-origin",
    NULL,
};

const struct page *pages_find(const char *path)
{
    for (size_t i = 0; i < pages_len; i++) {
        if (strcmp(pages[i].path, path) == 0) {
            return &pages[i];
        }
    }
    return NULL;
}

/* Whether the caller names gzip among what it takes. "gzip;q=0" means that it does not. */
static bool takes_packed(const struct http_request *request)
{
    const char *accepted =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Accept-Encoding");
    const char *at = accepted != NULL ? strstr(accepted, "gzip") : NULL;
    return at != NULL && strncmp(at + strlen("gzip"), ";q=0", strlen(";q=0")) != 0;
}

void pages_answer(struct http_request *request, const struct page *page)
{
    if (takes_packed(request)) {
        http_answer_static(request, page->content_type, headers, page->packed, page->packed_bytes);
    } else {
        http_answer_static(request, page->content_type, headers + 2, page->data, page->data_bytes);
    }
}
