/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <sotto/alloc.h>
#include <string.h>

enum sotto_status sotto__peers_copy(struct sotto__peers *out, const struct sotto_peer *peers,
                                    size_t len)
{
    struct sotto__peers copy = {.peers = sotto_alloc_array(len, sizeof *copy.peers)};
    enum sotto_status status = copy.peers != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        if (sotto__peers_find(&copy, &peers[i].key) != SOTTO_NONE) {
            status = SOTTO_ERROR_INPUT;
            break;
        }
        char *name = sotto_text_copy(peers[i].name, strlen(peers[i].name));
        if (name == NULL) {
            status = SOTTO_ERROR_NO_MEMORY;
            break;
        }
        sotto_text_sanitize(name);
        copy.peers[copy.len++] = (struct sotto_peer){.key = peers[i].key, .name = name};
    }
    if (status != SOTTO_OK) {
        sotto__peers_release(&copy);
        return status;
    }
    *out = copy;
    return SOTTO_OK;
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
