/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_IDENTITY_H
#define SOTTO_IDENTITY_H

/* Long-lived Ed25519 identities. A node has one; the others pin its public key. */

#include <sotto/random.h>

SOTTO_BEGIN_DECLS

#define SOTTO_KEY_BYTES 32           /* an Ed25519 public key */
#define SOTTO_IDENTITY_SEED_BYTES 32 /* what an Ed25519 secret key is made of */
#define SOTTO_KEY_TEXT_BYTES 65      /* 64 lower-case hexadecimal digits and the NUL */

struct sotto_key {
    uint8_t bytes[SOTTO_KEY_BYTES];
};

struct sotto_signature {
    uint8_t bytes[64];
};

struct sotto_identity; /* holds the secret key in guarded memory */

/* A new identity from 32 bytes of random. Returns: SOTTO_ERROR_NO_MEMORY, or what random failed
 * with. Ownership: *out is ended by sotto_identity_free. CT: in the secret key. */
SOTTO_API enum sotto_status sotto_identity_generate(struct sotto_identity **out,
                                                    struct sotto_random random) SOTTO_NODISCARD;

/* The identity of a 32-byte seed. Returns: SOTTO_ERROR_NO_MEMORY. Ownership: copies the seed; the
 * caller wipes its own copy; *out is ended by sotto_identity_free. CT: in the seed. */
SOTTO_API enum sotto_status
sotto_identity_from_seed(struct sotto_identity **out,
                         const uint8_t seed[SOTTO_IDENTITY_SEED_BYTES]) SOTTO_NODISCARD;

/* The 32-byte seed of an identity, for a file of the caller's with mode 0600. Ownership: copies;
 * the caller wipes its copy (sotto_wipe). */
SOTTO_API void sotto_identity_seed(const struct sotto_identity *identity,
                                   uint8_t out[SOTTO_IDENTITY_SEED_BYTES]);

/* Wipes the secret key and frees the identity; NULL is fine. */
SOTTO_API void sotto_identity_free(struct sotto_identity *identity);

/* The public key of an identity, which peers pin. */
SOTTO_API struct sotto_key sotto_identity_key(const struct sotto_identity *identity);

/* No longer message can be signed. */
#define SOTTO_SIGNED_BYTES_MAX ((size_t)256 * 1024 * 1024)

/* What is signed of a message: BLAKE2b-512, as wide as the hash within Ed25519. */
#define SOTTO_SIGNED_DIGEST_BYTES 64

/* Signs label and message: the label ("sotto peer request") keeps signatures of one purpose from
 * standing for another; it is at most 64 bytes. Ed25519 over BLAKE2b-512(label, 0, message), above
 * 1 MiB over BLAKE2b-512(label, 1, the BLAKE2b-512 of each 1 MiB). CT: in the secret key. Threads:
 * uses OpenMP's for long messages. */
SOTTO_API void sotto_identity_sign(const struct sotto_identity *identity,
                                   struct sotto_signature *out, const char *label,
                                   const void *message, size_t message_bytes);

/* Whether signature is what sotto_identity_sign makes of label and message with the secret key of
 * key. message_bytes: at most SOTTO_SIGNED_BYTES_MAX. Variable time: all of it is public. Threads:
 * uses OpenMP's for long messages. */
SOTTO_API bool sotto_key_verify(const struct sotto_key *key,
                                const struct sotto_signature *signature, const char *label,
                                const void *message, size_t message_bytes);

/* The digest that sotto_identity_sign signs, for whoever needs it besides. Threads: uses OpenMP's
 * for long messages. */
SOTTO_API void sotto_signed_digest(uint8_t out[SOTTO_SIGNED_DIGEST_BYTES], const char *label,
                                   const void *message, size_t message_bytes);

/* Signs such a digest. CT: in the secret key. */
SOTTO_API void sotto_identity_sign_digest(const struct sotto_identity *identity,
                                          struct sotto_signature *out,
                                          const uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES]);
/* Whether a signature is of such a digest. Variable time: all of it is public. */
SOTTO_API bool sotto_key_verify_digest(const struct sotto_key *key,
                                       const struct sotto_signature *signature,
                                       const uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES]);

/* From here on, until sotto_signatures_forget, this process remembers some thousand signatures that
 * it made or found right, and finds such a one right without computing it again: for a host that
 * runs several machines, which otherwise check the same signature each. Calls are counted. Threads:
 * any. */
SOTTO_API void sotto_signatures_remember(void);
/* Ends one sotto_signatures_remember. */
SOTTO_API void sotto_signatures_forget(void);

/* Whether two public keys are the same. Variable time: public keys only. */
SOTTO_API bool sotto_key_equal(const struct sotto_key *a, const struct sotto_key *b);

/* Order of keys, as memcmp; public keys only. */
SOTTO_API int sotto_key_compare(const struct sotto_key *a, const struct sotto_key *b);

/* A key as 64 lower-case hexadecimal digits and a NUL. */
SOTTO_API void sotto_key_to_text(const struct sotto_key *key, char out[SOTTO_KEY_TEXT_BYTES]);

/* Returns: SOTTO_ERROR_INPUT unless text is 64 hexadecimal digits of a point of prime order. */
SOTTO_API enum sotto_status sotto_key_from_text(struct sotto_key *out,
                                                const char *text) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
