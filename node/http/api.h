/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_API_H
#define SOTTO_NODE_API_H

/* The API: what owners and analysts ask their own node (API.md). Threads: the loop's. */

#include "loop/shared.h"
#include "store/store.h"

struct http_api;

/* What the API asks the daemon of its other parts. */
struct api_node {
    void *context;
    bool (*is_connected)(const void *context, size_t peer_index);
    /* Known not to be there: it need not be waited for. */
    bool (*is_away)(const void *context, size_t peer_index);
    /* Bytes over the peer listener. */
    void (*traffic)(const void *context, uint64_t *out_in, uint64_t *out_out);
    /* Goes over to node.yaml as it is now; request is answered when all of the node has. Returns:
     * why not, and then nothing changed, and it is not answered. */
    enum sotto_status (*reload)(void *context, uint64_t request, struct sotto_error *err);
};

/* Listens; *out_port is the port that it got. Ownership: borrows shared and reader, copies node;
 * *out is ended by http_api_free. */
enum sotto_status http_api_new(struct http_api **out, uint16_t *out_port,
                               const struct shared *shared, struct store *reader,
                               const struct api_node *node,
                               struct sotto_error *err) SOTTO_NODISCARD;
void http_api_free(struct http_api *api);
/* As http_server_renew_tls, of the configuration in force. */
enum sotto_status http_api_renew_tls(struct http_api *api, struct sotto_error *err) SOTTO_NODISCARD;
/* EVENT_REPLY: answers the request that waits for it. */
void http_api_reply(struct http_api *api, struct job *event);
/* EVENT_CHANGED: answers those that wait for news of the task. */
void http_api_changed(struct http_api *api, uint64_t number);

#endif
