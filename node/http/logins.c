/* SPDX-License-Identifier: Apache-2.0 */

/* The list of logins, on libsodium's comparison in constant time. The idea: who may begin one has
 * proved a token, so a token can only push out its own. */

#include "http/logins.h"

#include <sotto/random.h>
#include <sotto/secret.h>
#include <string.h>

static bool is_older(const struct login *login, const struct login *than)
{
    return than == NULL || login->ends_ms < than->ends_ms;
}

/* Where the next login of a token goes. All last equally long: the one that ends first is the
 * oldest, and a free one ends before all. */
static struct login *find_place(struct logins *logins, const uint8_t token[TOKEN_HASH_BYTES],
                                uint64_t now_ms)
{
    struct login *oldest = NULL;
    struct login *own = NULL;
    size_t own_len = 0;
    for (size_t i = 0; i < LOGINS_MAX; i++) {
        struct login *login = &logins->list[i];
        bool is_own = login->ends_ms > now_ms && memcmp(login->token, token, TOKEN_HASH_BYTES) == 0;
        oldest = is_older(login, oldest) ? login : oldest;
        own = is_own && is_older(login, own) ? login : own;
        own_len += is_own ? 1 : 0;
    }
    return own_len >= LOGINS_OF_TOKEN ? own : oldest;
}

enum sotto_status logins_begin(struct logins *logins, uint8_t out_id[LOGIN_BYTES],
                               const uint8_t token[TOKEN_HASH_BYTES], uint64_t now_ms)
{
    struct sotto_random source = sotto_random_system();
    struct login login = {.ends_ms = now_ms + LOGIN_SECONDS * UINT64_C(1000)};
    enum sotto_status status = source.fill(source.context, login.id, sizeof login.id);
    if (status != SOTTO_OK) {
        return status;
    }
    memcpy(login.token, token, sizeof login.token);
    memcpy(out_id, login.id, sizeof login.id);
    *find_place(logins, token, now_ms) = login;
    return SOTTO_OK;
}

/* Its place, or LOGINS_MAX. */
static size_t find_index(const struct logins *logins, const uint8_t id[LOGIN_BYTES])
{
    size_t found = LOGINS_MAX;
    for (size_t i = 0; i < LOGINS_MAX; i++) {
        bool is_it = sotto_equal_ct(id, logins->list[i].id, LOGIN_BYTES);
        found = is_it && logins->list[i].ends_ms != 0 ? i : found;
    }
    return found;
}

const uint8_t *logins_find(const struct logins *logins, const uint8_t id[LOGIN_BYTES],
                           uint64_t now_ms)
{
    size_t index = find_index(logins, id);
    return index < LOGINS_MAX && logins->list[index].ends_ms > now_ms ? logins->list[index].token
                                                                      : NULL;
}

void logins_end(struct logins *logins, const uint8_t id[LOGIN_BYTES])
{
    size_t index = find_index(logins, id);
    if (index < LOGINS_MAX) {
        sotto_wipe(&logins->list[index], sizeof logins->list[index]);
    }
}
