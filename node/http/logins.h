/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_HTTP_LOGINS_H
#define SOTTO_NODE_HTTP_LOGINS_H

/* Who is logged in to the board, in memory only. A login stands for a token by its hash, so that it
 * ends with the token. Its id is the browser's cookie. No I/O here. Threads: the loop's. */

#include "config/tokens.h"

/* CONFIG.md ("Limits") has these with their reasons. */
#define LOGINS_MAX 256
#define LOGINS_OF_TOKEN 4
#define LOGIN_SECONDS 43200

#define LOGIN_BYTES 32

struct login {
    uint8_t id[LOGIN_BYTES];
    uint8_t token[TOKEN_HASH_BYTES];
    uint64_t ends_ms; /* of clock_ms; 0: this one is free */
};

struct logins {
    struct login list[LOGINS_MAX];
};

/* Begins a login of a token, which takes the place of that token's oldest where it has
 * LOGINS_OF_TOKEN, and of the oldest of all where there are LOGINS_MAX. Returns: what the
 * system's source of randomness does. */
enum sotto_status logins_begin(struct logins *logins, uint8_t out_id[LOGIN_BYTES],
                               const uint8_t token[TOKEN_HASH_BYTES],
                               uint64_t now_ms) SOTTO_NODISCARD;
/* The hash of the token of a login that is not over, or NULL. CT: in the id. */
const uint8_t *logins_find(const struct logins *logins, const uint8_t id[LOGIN_BYTES],
                           uint64_t now_ms);
/* Ends a login, if there is one of this id. */
void logins_end(struct logins *logins, const uint8_t id[LOGIN_BYTES]);

#endif
