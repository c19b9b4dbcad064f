/* SPDX-License-Identifier: Apache-2.0 */

/* Guarded memory, wiping and comparison in constant time, all libsodium's. CT: sotto_equal_ct in
 * the bytes of both; sotto_wipe is never optimised away. */

#include <sotto/secret.h>

#include "internal.h"
#include <sodium.h>
#include <string.h>

enum sotto_status sotto_init(void)
{
    return sodium_init() < 0 ? SOTTO_ERROR_RANDOM : SOTTO_OK;
}

void *sotto_secret_alloc(size_t bytes)
{
    if (!sotto__alloc_allowed(bytes)) {
        return NULL;
    }
    void *secret = sodium_malloc(bytes);
    if (secret != NULL) {
        memset(secret, 0, bytes);
    }
    return secret;
}

void sotto_secret_free(void *secret)
{
    sodium_free(secret);
}

void sotto_wipe(void *memory, size_t bytes)
{
    sodium_memzero(memory, bytes);
}

bool sotto_equal_ct(const void *a, const void *b, size_t bytes)
{
    return sodium_memcmp(a, b, bytes) == 0;
}

void sotto_short_digest(uint8_t out[SOTTO_SHORT_DIGEST_BYTES], const void *data, size_t bytes)
{
    (void)crypto_generichash(out, SOTTO_SHORT_DIGEST_BYTES, data, bytes, NULL, 0);
}
