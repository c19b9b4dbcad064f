/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PEER_SERVER_H
#define SOTTO_NODE_PEER_SERVER_H

/* Peers call us, and fetch what is for them. */

#include "loop/shared.h"

struct http_peer;

/* Borrows shared, whose config has a peer listener. Threads: the loop's, as all below. */
enum sotto_status http_peer_new(struct http_peer **out, uint16_t *out_port,
                                const struct shared *shared,
                                struct sotto_error *err) SOTTO_NODISCARD;
void http_peer_free(struct http_peer *peer);
/* EVENT_SEND: keeps the message until its peer fetches it. Takes the event's bytes. */
void http_peer_send(struct http_peer *peer, struct job *event);
bool http_peer_is_connected(const struct http_peer *peer, size_t peer_index);
/* It was connected and is not any more, or has had the time to be. */
bool http_peer_is_away(const struct http_peer *peer, size_t peer_index);
void http_peer_traffic(const struct http_peer *peer, uint64_t *out_in, uint64_t *out_out);

#endif
