/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PEER_SERVER_H
#define SOTTO_NODE_PEER_SERVER_H

/* Peers call this node, and fetch what is for them (PEER.md). Threads: the loop's. */

#include "loop/shared.h"

struct peer_server;

/* Listens; *out_port is the port that it got. Ownership: borrows shared, whose config has a peer
 * listener; *out is ended by peer_server_free. */
enum sotto_status peer_server_new(struct peer_server **out, uint16_t *out_port,
                                  const struct shared *shared,
                                  struct sotto_error *err) SOTTO_NODISCARD;
void peer_server_free(struct peer_server *server);
/* EVENT_SEND: keeps the message until its peer fetches it. Takes the event's bytes. */
void peer_server_send(struct peer_server *server, struct job *event);
/* A peer is out: what waits for it is dropped, and its connections are cut. Another one has come.
 */
void peer_server_forget(struct peer_server *server, size_t peer_index);
void peer_server_welcome(struct peer_server *server, size_t peer_index);

/* As http_server_renew_tls, of the configuration in force. */
enum sotto_status peer_server_renew_tls(struct peer_server *server,
                                        struct sotto_error *err) SOTTO_NODISCARD;

/* So long a peer has to call again that has closed its connection, before it is away. */
#define PEER_GONE_SECONDS 5

/* Finds the connections that were closed while they waited; called every second. */
void peer_server_look(struct peer_server *server);
/* Whether the peer has called within the time of a poll, and not closed its connection since. */
bool peer_server_is_connected(const struct peer_server *server, size_t peer_index);
/* Whether the peer is not connected, and has had the time to be, or to come back. */
bool peer_server_is_away(const struct peer_server *server, size_t peer_index);
/* The bytes of all bodies that came and went. */
void peer_server_traffic(const struct peer_server *server, uint64_t *out_in, uint64_t *out_out);

#endif
