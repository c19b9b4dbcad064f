/* SPDX-License-Identifier: Apache-2.0 */

/* Which peers are there. Leans on client.c and server.c, which know of their own connections. The
 * idea: a task does not wait for who is away, and a lost connection alone is no absence: whoever
 * can cut one for a moment must not choose who takes part. So a peer has a grace of
 * PEER_GONE_SECONDS to come back before tasks that are joining are told. */

#include "peer/presence.h"
#include "loop/log.h"
#include "peer/client.h"
#include "peer/server.h"

#include <sotto/alloc.h>

#define LOOK_MS 1000

struct absence {
    uint64_t since_ms; /* not connected; 0: connected */
    bool is_told;
};

struct presence {
    const struct shared *shared;
    struct peer_server *server; /* NULL: no peer listener */
    struct peer_client *client;
    struct absence *absences; /* as config's peers */
    struct loop_timer timer;
};

bool presence_is_connected(const struct presence *presence, size_t peer_index)
{
    return (presence->server != NULL && peer_server_is_connected(presence->server, peer_index)) ||
           peer_client_is_connected(presence->client, peer_index);
}

bool presence_is_away(const struct presence *presence, size_t peer_index)
{
    const char *url = presence->shared->config->file->peers[peer_index].url;
    if (presence_is_connected(presence, peer_index)) {
        return false;
    }
    return url != NULL
               ? peer_client_is_away(presence->client, peer_index)
               : presence->server == NULL || peer_server_is_away(presence->server, peer_index);
}

static void tell_absence(struct presence *presence, size_t peer_index)
{
    struct job *job = job_new(JOB_AWAY);
    if (job != NULL) { /* else it is tried again in a second */
        job->peer = presence->shared->config->peer_keys[peer_index];
        queue_push(presence->shared->jobs, job);
        presence->absences[peer_index].is_told = true;
    }
}

static void on_look(void *context)
{
    struct presence *presence = context;
    if (presence->server != NULL) {
        peer_server_look(presence->server);
    }
    const struct config *config = presence->shared->config;
    for (size_t i = 0; i < config->file->peers_count; i++) {
        struct absence *absence = &presence->absences[i];
        if (!config_has_peer(config, i) || presence_is_connected(presence, i)) {
            *absence = (struct absence){0};
            continue;
        }
        absence->since_ms = absence->since_ms != 0 ? absence->since_ms : clock_ms();
        bool is_over = absence->since_ms + PEER_GONE_SECONDS * UINT64_C(1000) <= clock_ms();
        if (!absence->is_told && is_over && presence_is_away(presence, i)) {
            tell_absence(presence, i);
        }
    }
    loop_timer_set(&presence->timer, clock_ms() + LOOK_MS);
}

enum sotto_status presence_new(struct presence **out, const struct shared *shared,
                               struct peer_server *server, struct peer_client *client,
                               struct sotto_error *err)
{
    struct presence *presence = sotto_alloc_zeroed(sizeof *presence);
    if (presence == NULL) {
        return sotto_error_no_memory(err);
    }
    presence->shared = shared;
    presence->server = server;
    presence->client = client;
    presence->absences =
        sotto_alloc_array(shared->config->places_max + 1, sizeof *presence->absences);
    if (presence->absences == NULL) {
        sotto_free(presence);
        return sotto_error_no_memory(err);
    }
    loop_timer_add(shared->loop, &presence->timer, on_look, presence);
    loop_timer_set(&presence->timer, clock_ms() + LOOK_MS);
    *out = presence;
    return SOTTO_OK;
}

void presence_free(struct presence *presence)
{
    if (presence != NULL) {
        loop_timer_remove(presence->shared->loop, &presence->timer);
        sotto_free(presence->absences);
        sotto_free(presence);
    }
}
