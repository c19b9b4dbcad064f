/* SPDX-License-Identifier: Apache-2.0 */

/* Ed25519 identities and signatures (PROTOCOL.md, "Messages"). Leans on libsodium, and on OpenMP to
 * hash long messages.
 *
 * The idea: what is signed is a digest of a label and the message, so that a signature for one
 * purpose is none for another, and a message of 240 MiB is hashed on all threads. BLAKE2b is
 * collision resistant, so a signature of the digest is one of the message; Ed25519 itself hashes
 * the digest again with the key. */

#include <sotto/identity.h>

#include "crypto/remembered.h"

#include <sodium.h>
#include <sotto/secret.h>
#include <string.h>

_Static_assert(SOTTO_IDENTITY_SEED_BYTES == crypto_sign_SEEDBYTES, "Ed25519");
_Static_assert(SOTTO_KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519");

/* Guarded memory holds the whole struct. */
struct sotto_identity {
    uint8_t seed[crypto_sign_SEEDBYTES];
    uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
    struct sotto_key key;
};

/* CT: in seed. The caller wipes its own copy. */
enum sotto_status sotto_identity_from_seed(struct sotto_identity **out,
                                           const uint8_t seed[SOTTO_IDENTITY_SEED_BYTES])
{
    struct sotto_identity *identity = sotto_secret_alloc(sizeof *identity);
    if (identity == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(identity->seed, seed, sizeof identity->seed);
    (void)crypto_sign_seed_keypair(identity->key.bytes, identity->secret_key, seed);
    *out = identity;
    return SOTTO_OK;
}

enum sotto_status sotto_identity_generate(struct sotto_identity **out, struct sotto_random random)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    enum sotto_status status = random.fill(random.context, seed, sizeof seed);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_identity_from_seed(out, seed);
out:
    sotto_wipe(seed, sizeof seed);
    return status;
}

void sotto_identity_seed(const struct sotto_identity *identity,
                         uint8_t out[SOTTO_IDENTITY_SEED_BYTES])
{
    memcpy(out, identity->seed, sizeof identity->seed);
}

void sotto_identity_free(struct sotto_identity *identity)
{
    sotto_secret_free(identity);
}

struct sotto_key sotto_identity_key(const struct sotto_identity *identity)
{
    return identity->key;
}

/* Longer messages are hashed in chunks of this size, on all threads. */
#define CHUNK_BYTES ((size_t)1024 * 1024)
#define CHUNKS_MAX (SOTTO_SIGNED_BYTES_MAX / CHUNK_BYTES + 1)

/* The label is not ended by a zero byte, but by `kind`, which no label contains. */
static void begin_digest(crypto_generichash_state *state, const char *label, uint8_t kind)
{
    size_t label_bytes = strlen(label);
    SOTTO_REQUIRE(label_bytes <= 64);
    (void)crypto_generichash_init(state, NULL, 0, SOTTO_SIGNED_DIGEST_BYTES);
    (void)crypto_generichash_update(state, (const uint8_t *)label, label_bytes);
    (void)crypto_generichash_update(state, &kind, 1);
}

/* What is signed. kind 0: of the message itself; kind 1: of the digests of its chunks. A short
 * message never has the digest of a long one, since their kinds differ. */
void sotto_signed_digest(uint8_t out[SOTTO_SIGNED_DIGEST_BYTES], const char *label,
                         const void *message, size_t message_bytes)
{
    crypto_generichash_state state;
    if (message_bytes <= CHUNK_BYTES) {
        begin_digest(&state, label, 0);
        (void)crypto_generichash_update(&state, message, message_bytes);
    } else {
        uint8_t digests[CHUNKS_MAX][SOTTO_SIGNED_DIGEST_BYTES];
        size_t chunks = (message_bytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
        SOTTO_REQUIRE(message_bytes <= SOTTO_SIGNED_BYTES_MAX);
#pragma omp parallel for schedule(static)
        for (size_t c = 0; c < chunks; c++) {
            size_t left = message_bytes - c * CHUNK_BYTES;
            (void)crypto_generichash(digests[c], SOTTO_SIGNED_DIGEST_BYTES,
                                     (const uint8_t *)message + c * CHUNK_BYTES,
                                     left < CHUNK_BYTES ? left : CHUNK_BYTES, NULL, 0);
        }
        begin_digest(&state, label, 1);
        (void)crypto_generichash_update(&state, digests[0], chunks * SOTTO_SIGNED_DIGEST_BYTES);
    }
    (void)crypto_generichash_final(&state, out, SOTTO_SIGNED_DIGEST_BYTES);
}

/* CT: in the secret key; the digest is public. Ed25519 draws no randomness, so signing the same
 * again gives the same bytes. */
void sotto_identity_sign_digest(const struct sotto_identity *identity, struct sotto_signature *out,
                                const uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES])
{
    (void)crypto_sign_detached(out->bytes, NULL, digest, SOTTO_SIGNED_DIGEST_BYTES,
                               identity->secret_key);
    sotto__remember(&identity->key, out, digest);
}

void sotto_identity_sign(const struct sotto_identity *identity, struct sotto_signature *out,
                         const char *label, const void *message, size_t message_bytes)
{
    uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES];
    sotto_signed_digest(digest, label, message, message_bytes);
    sotto_identity_sign_digest(identity, out, digest);
}

/* Variable-time: all of it is public. libsodium refuses keys of small order and values of s that
 * are not reduced, so that nobody but the signer can make a second signature of a message. */
bool sotto_key_verify_digest(const struct sotto_key *key, const struct sotto_signature *signature,
                             const uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES])
{
    if (sotto__remembers(key, signature, digest)) {
        return true;
    }
    bool is_right = crypto_sign_verify_detached(signature->bytes, digest, SOTTO_SIGNED_DIGEST_BYTES,
                                                key->bytes) == 0;
    if (is_right) {
        sotto__remember(key, signature, digest);
    }
    return is_right;
}

bool sotto_key_verify(const struct sotto_key *key, const struct sotto_signature *signature,
                      const char *label, const void *message, size_t message_bytes)
{
    uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES];
    sotto_signed_digest(digest, label, message, message_bytes);
    return sotto_key_verify_digest(key, signature, digest);
}

bool sotto_key_equal(const struct sotto_key *a, const struct sotto_key *b)
{
    return sotto_key_compare(a, b) == 0;
}

/* Variable-time: keys are public. */
int sotto_key_compare(const struct sotto_key *a, const struct sotto_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

void sotto_key_to_text(const struct sotto_key *key, char out[SOTTO_KEY_TEXT_BYTES])
{
    (void)sodium_bin2hex(out, SOTTO_KEY_TEXT_BYTES, key->bytes, sizeof key->bytes);
}

/* Public input. Only a point of the group of prime order is a key. */
enum sotto_status sotto_key_from_text(struct sotto_key *out, const char *text)
{
    struct sotto_key key;
    size_t bytes = 0;
    const char *end = NULL;
    size_t text_bytes = strnlen(text, SOTTO_KEY_TEXT_BYTES);
    if (text_bytes != SOTTO_KEY_TEXT_BYTES - 1 ||
        sodium_hex2bin(key.bytes, sizeof key.bytes, text, text_bytes, NULL, &bytes, &end) != 0 ||
        bytes != sizeof key.bytes || end != text + text_bytes ||
        crypto_core_ed25519_is_valid_point(key.bytes) != 1) {
        return SOTTO_ERROR_INPUT;
    }
    *out = key;
    return SOTTO_OK;
}
