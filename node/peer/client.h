/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PEER_CLIENT_H
#define SOTTO_NODE_PEER_CLIENT_H

/* This node calls the peers that have a url (PEER.md). Threads: the loop's. */

#include "loop/shared.h"

struct peer_client;

/* Begins to call all of them. Ownership: borrows shared; *out is ended by peer_client_free. */
enum sotto_status peer_client_new(struct peer_client **out, const struct shared *shared,
                                  struct sotto_error *err) SOTTO_NODISCARD;
void peer_client_free(struct peer_client *client);
/* EVENT_SEND: sends the message as soon as its peer can be reached. Takes the event's bytes. */
void peer_client_send(struct peer_client *client, struct job *event);
/* The configuration is another one: ends the links of who is out, begins those of who came, and
 * again those whose url, pin or ca changed. before: the one until now. */
void peer_client_follow(struct peer_client *client, const struct config *before);
/* Whether the peer's last answer was signed by its key, and no call has failed since. */
bool peer_client_is_connected(const struct peer_client *client, size_t peer_index);
/* Whether the peer was called, and could not be reached. */
bool peer_client_is_away(const struct peer_client *client, size_t peer_index);
/* Whom a CURL handle that calls a peer believes: who has the pinned key, else whom ca or the system
 * vouches for. */
void peer_client_trust(void *easy, const struct config_peer *peer,
                       const uint8_t pin[CONFIG_PIN_BYTES]);

#endif
