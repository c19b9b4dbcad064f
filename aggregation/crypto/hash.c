/* SPDX-License-Identifier: Apache-2.0 */

/* H and K of PROTOCOL.md ("Notation"). Leans on libsodium's BLAKE2b.
 *
 * The idea: each use of a hash has a label of its own, ended by a zero byte, so that no input of
 * one use can be an input of another. BLAKE2b has a keyed mode, so K needs no HMAC; the state is
 * wiped when a hash ends, since it may hold a secret.
 *
 * CT: BLAKE2b has neither branch nor table that depends on its input; lengths and labels are
 * public. */

#include "crypto/crypto.h"

#include <sotto/secret.h>
#include <string.h>

void sotto__hash_init(struct sotto__hash *hash, const char *label)
{
    (void)crypto_generichash_init(&hash->state, NULL, 0, SOTTO__HASH_BYTES);
    sotto__hash_bytes(hash, label, strlen(label) + 1); /* its NUL ends the label */
}

void sotto__hash_bytes(struct sotto__hash *hash, const void *data, size_t data_bytes)
{
    (void)crypto_generichash_update(&hash->state, data, data_bytes);
}

/* Little endian, whatever the CPU is. */
void sotto__hash_u32(struct sotto__hash *hash, uint32_t value)
{
    uint8_t bytes[4];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    sotto__hash_bytes(hash, bytes, sizeof bytes);
}

void sotto__hash_label(struct sotto__hash *hash, const struct sotto_session_label *label)
{
    sotto__hash_bytes(hash, label->task.bytes, sizeof label->task.bytes);
    sotto__hash_u32(hash, label->round);
    sotto__hash_u32(hash, label->attempt);
}

void sotto__hash_final(struct sotto__hash *hash, uint8_t out[SOTTO__HASH_BYTES])
{
    (void)crypto_generichash_final(&hash->state, out, SOTTO__HASH_BYTES);
    sotto_wipe(hash, sizeof *hash);
}

void sotto_digest(uint8_t out[SOTTO_DIGEST_BYTES], const char *label, const void *data,
                  size_t data_bytes)
{
    struct sotto__hash hash;
    sotto__hash_init(&hash, label);
    sotto__hash_bytes(&hash, data, data_bytes);
    sotto__hash_final(&hash, out);
}

/* K(label, secret, a, b) [PROTOCOL.md, Notation]. The session stands for all that the parties
 * agreed on, so a key of one session is none of another. */
void sotto__derive_key(uint8_t out[SOTTO__KEY_BYTES], const char *label,
                       const uint8_t secret[SOTTO__KEY_BYTES],
                       const uint8_t session[SOTTO_SESSION_BYTES], const struct sotto_key *a,
                       const struct sotto_key *b)
{
    struct sotto__hash hash;
    (void)crypto_generichash_init(&hash.state, secret, SOTTO__KEY_BYTES, SOTTO__KEY_BYTES);
    sotto__hash_bytes(&hash, label, strlen(label) + 1);
    sotto__hash_bytes(&hash, session, SOTTO_SESSION_BYTES);
    sotto__hash_bytes(&hash, a->bytes, sizeof a->bytes);
    sotto__hash_bytes(&hash, b->bytes, sizeof b->bytes);
    sotto__hash_final(&hash, out);
}
