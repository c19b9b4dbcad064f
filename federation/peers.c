/* SPDX-License-Identifier: Apache-2.0 */

/* An owned list of keys and names. Names come from configurations and end up in logs and errors:
 * control characters are gone once they are copied. */

#include "internal.h"

#include <sotto/alloc.h>
#include <string.h>

/* peers has room for one more. */
static enum sotto_status add_peer(struct sotto__peers *peers, const struct sotto_peer *peer)
{
    if (sotto__peers_find(peers, &peer->key) != SOTTO_NONE) {
        return SOTTO_ERROR_INPUT;
    }
    char *name = sotto_text_copy(peer->name, strlen(peer->name));
    if (name == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    sotto_text_sanitize(name);
    peers->peers[peers->len++] = (struct sotto_peer){.key = peer->key, .name = name};
    return SOTTO_OK;
}

enum sotto_status sotto__peers_copy(struct sotto__peers *out, const struct sotto_peer *peers,
                                    size_t len)
{
    struct sotto__peers copy = {.peers = sotto_alloc_array(len, sizeof *copy.peers)};
    enum sotto_status status = SOTTO_OK;
    if (copy.peers == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < len; i++) {
        status = add_peer(&copy, &peers[i]);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    *out = copy;
    copy = (struct sotto__peers){0};
out:
    sotto__peers_release(&copy);
    return status;
}

void sotto__peers_release(struct sotto__peers *peers)
{
    for (size_t i = 0; i < peers->len; i++) {
        sotto_free((char *)peers->peers[i].name);
    }
    sotto_free(peers->peers);
    *peers = (struct sotto__peers){0};
}

size_t sotto__peers_find(const struct sotto__peers *peers, const struct sotto_key *key)
{
    for (size_t i = 0; i < peers->len; i++) {
        if (sotto_key_equal(&peers->peers[i].key, key)) {
            return i;
        }
    }
    return SOTTO_NONE;
}
