/* SPDX-License-Identifier: Apache-2.0 */

/* Who this node's peers are, for the compute thread, and what becomes of tasks when one is none any
 * more. Leans on the configuration, where each has a place (config/places.h). What its removal
 * does, from the moment on in which the thread takes it:
 *
 * 1. Nothing that it says is taken, and it is invited to nothing.
 * 2. In tasks that were created here it has left: others go on without it, or the task ends.
 * 3. This node leaves tasks that it created.
 * 4. In tasks of others this node masks nothing in a session with it (remembered_members), and
 *    consents to no survivors with it (remembered_consent). What left masked before that others can
 *    open, as ever. */

#include "task/created.h"
#include "task/sourced.h"

#include <sotto/alloc.h>

const char *compute__peer_name(const struct compute *compute, const struct sotto_key *key)
{
    for (size_t i = 0; i < compute->peers_len; i++) {
        if (compute->peers[i].name != NULL && sotto_key_equal(&compute->peers[i].key, key)) {
            return compute->peers[i].name;
        }
    }
    return "?";
}

bool compute__is_peer(const struct compute *compute, const struct sotto_key *key)
{
    return sotto_key_equal(key, &compute->key) ||
           config_find_peer(compute->policy, key) != SOTTO_NONE;
}

/* Takes the names of the configuration in force, which it borrows. */
static void name_peers(struct compute *compute)
{
    const struct config *config = compute->policy;
    size_t own = compute->peers_len - 1;
    compute->known_len = 0;
    compute->peers[own] =
        (struct sotto_peer){.key = compute->key, .name = compute->config.config->file->name};
    for (size_t i = 0; i < config->file->peers_count; i++) {
        compute->peers[i] =
            (struct sotto_peer){.key = config->peer_keys[i], .name = config->file->peers[i].name};
        if (config_has_peer(config, i)) {
            compute->known[compute->known_len++] = compute->peers[i];
        }
    }
    compute->known[compute->known_len++] = compute->peers[own];
}

enum sotto_status compute__list_peers(struct compute *compute, struct sotto_error *err)
{
    compute->peers_len = compute->policy->places_max + 1;
    compute->peers = sotto_alloc_array(compute->peers_len, sizeof *compute->peers);
    compute->known = sotto_alloc_array(compute->peers_len, sizeof *compute->known);
    compute->bytes_of_peers =
        sotto_alloc_array(compute->peers_len, sizeof *compute->bytes_of_peers);
    compute->listings_told = sotto_alloc_array(compute->peers_len, sizeof *compute->listings_told);
    if (compute->peers == NULL || compute->known == NULL || compute->bytes_of_peers == NULL ||
        compute->listings_told == NULL) {
        return sotto_error_no_memory(err);
    }
    name_peers(compute);
    return SOTTO_OK;
}

static void remove_peer(struct compute *compute, const struct sotto_key *key)
{
    for (struct created *created = compute->first_created; created != NULL;
         created = created->next) {
        created_removed(compute, created, key);
    }
    for (struct joined *joined = compute->first_joined; joined != NULL; joined = joined->next) {
        if (sotto_key_equal(&joined->creator, key)) {
            joined_leave(compute, joined, "its creator is no peer any more");
        }
    }
}

void compute__follow(struct compute *compute, struct config *config)
{
    const struct config *before = compute->policy;
    struct config *dropped = compute->reloaded;
    compute->policy = config;
    compute->reloaded = config;
    sourced_wake();
    compute->policy_number++;
    name_peers(compute);
    for (size_t i = 0; i < before->file->peers_count; i++) {
        if (config_has_peer(before, i) && !config_has_peer(config, i)) {
            remove_peer(compute, &config->peer_keys[i]);
        }
    }
    config_drop(dropped);
}
