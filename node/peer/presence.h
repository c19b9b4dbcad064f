/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PEER_PRESENCE_H
#define SOTTO_NODE_PEER_PRESENCE_H

/* Which peers are there, whoever calls whom. Threads: the loop's. */

#include "loop/shared.h"

struct presence;
struct peer_client;
struct peer_server;

/* Begins to look every second, and to tell the compute thread (JOB_AWAY) who has gone for good.
 * Ownership: borrows all, server may be NULL; *out is ended by presence_free. */
enum sotto_status presence_new(struct presence **out, const struct shared *shared,
                               struct peer_server *server, struct peer_client *client,
                               struct sotto_error *err) SOTTO_NODISCARD;
void presence_free(struct presence *presence);

bool presence_is_connected(const struct presence *presence, size_t peer_index);
/* Whether a peer is known not to be there. A node that has just started knows nothing, and waits
 * for all of its peers. */
bool presence_is_away(const struct presence *presence, size_t peer_index);

#endif
