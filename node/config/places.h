/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PLACES_H
#define SOTTO_NODE_PLACES_H

/* How a node that runs goes over to a configuration that was read again. Peers are known by their
 * place everywhere in it, so a peer keeps its place for as long as the process lives. */

#include "config/config.h"

/* So many peers may come to a node that runs; for more it has to be restarted. */
#define CONFIG_PEERS_ADDED_MAX 64
#define CONFIG_RESTART_BYTES 512

/* A configuration that several threads hold: each ends its part with config_drop. */
struct config *config_hold(struct config *config);
/* Frees it where nobody holds it any more; NULL is fine. */
void config_drop(struct config *config);

/* Reads path again. A peer of before, known by its key, gets the place that it has there; one that
 * is in the file no more keeps its place too, `is_out`, under a name that no peer can have; others
 * come behind. What can't change while a node runs stays as in before: out_restart names these
 * keys, with commas, or is empty. Returns: as config_load; SOTTO_ERROR_LIMIT for more than
 * places_max. Ownership: *out is held once. */
enum sotto_status config_reload(struct config **out, char out_restart[CONFIG_RESTART_BYTES],
                                const char *path, const struct config *before,
                                struct sotto_error *err) SOTTO_NODISCARD;

/* Whether a key has the same text in both; NULL: it is left out. */
bool config_is_same_text(const char *a, const char *b);

/* The peers that are none any more take no part in these. */
size_t config_count_peers(const struct config *config);
/* Whether a place has a peer. */
static inline bool config_has_peer(const struct config *config, size_t place)
{
    return place < config->file->peers_count && !config->file->peers[place].is_out;
}

#endif
