/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_CRYPTO_CRYPTO_H
#define SOTTO_AGGREGATION_CRYPTO_CRYPTO_H

/* Room crypto: hashes, the group, shares and trees. Notation is that of PROTOCOL.md. */

#include <sodium.h>
#include <sotto/session.h>

#define SOTTO__SCALAR_BYTES crypto_core_ristretto255_SCALARBYTES
#define SOTTO__POINT_BYTES SOTTO_POINT_BYTES
/* K's secret and K's value: a key of AES-256 for masks, of XChaCha20-Poly1305 for shares. */
#define SOTTO__KEY_BYTES 32
#define SOTTO__SALT_BYTES 16
#define SOTTO__HASH_BYTES SOTTO_DIGEST_BYTES

_Static_assert(SOTTO_POINT_BYTES == crypto_core_ristretto255_BYTES, "ristretto255");

/* Group operations for this many parties are worth a second thread. */
#define SOTTO__PARALLEL_PARTIES 64

/* --- hash.c: H(label, ...) in pieces, and K(label, secret, a, b) --- */

struct sotto__hash {
    crypto_generichash_state state;
};

/* Begins H(label, ...). */
void sotto__hash_init(struct sotto__hash *hash, const char *label);
void sotto__hash_bytes(struct sotto__hash *hash, const void *data, size_t data_bytes);
void sotto__hash_u32(struct sotto__hash *hash, uint32_t value);
void sotto__hash_label(struct sotto__hash *hash, const struct sotto_session_label *label);
/* Ends it, and wipes the state. */
void sotto__hash_final(struct sotto__hash *hash, uint8_t out[SOTTO__HASH_BYTES]);

/* K(label, secret, a, b): the keys a and b in this order. CT: in secret. */
void sotto__derive_key(uint8_t out[SOTTO__KEY_BYTES], const char *label,
                       const uint8_t secret[SOTTO__KEY_BYTES],
                       const uint8_t session[SOTTO_SESSION_BYTES], const struct sotto_key *a,
                       const struct sotto_key *b);

/* --- group.c: ristretto255 --- */

/* Aborts where a scalar is not below the order, in VERIFY builds. These branch on secrets, so tests
 * of constant time don't run in them. */
#ifdef SOTTO_VERIFY_BUILD
void sotto__scalar_verify(const uint8_t scalar[SOTTO__SCALAR_BYTES]);
#else
static inline void sotto__scalar_verify(const uint8_t *scalar)
{
    (void)scalar;
}
#endif

/* A uniform scalar, zeros on failure. Returns: what the source returned. */
enum sotto_status sotto__scalar_random(uint8_t out[SOTTO__SCALAR_BYTES],
                                       struct sotto_random random) SOTTO_NODISCARD;
/* Whether a scalar is below the order of the group: else it would be a second text of one. Public
 * input. */
bool sotto__scalar_is_canonical(const uint8_t scalar[SOTTO__SCALAR_BYTES]);
/* A valid encoding of a point other than the identity. Public input. */
bool sotto__point_is_usable(const uint8_t point[SOTTO__POINT_BYTES]);
/* out = scalar G. Returns: false (and zeros) for a zero scalar. CT: in scalar. */
bool sotto__point_base(uint8_t out[SOTTO__POINT_BYTES], const uint8_t scalar[SOTTO__SCALAR_BYTES]);
/* out = scalar P for a usable point. Returns: false (and zeros) if that is the identity. CT: in
 * scalar. */
bool sotto__point_multiply(uint8_t out[SOTTO__POINT_BYTES],
                           const uint8_t scalar[SOTTO__SCALAR_BYTES],
                           const uint8_t point[SOTTO__POINT_BYTES]);

/* --- shared.c --- */

/* out = scalar P of another party, own being the point of scalar. points: what parties of this
 * process left for each other, or NULL. Returns: as sotto__point_multiply. CT: in scalar. */
struct sotto_shared_points;
bool sotto__point_share(struct sotto_shared_points *points, uint8_t out[SOTTO__POINT_BYTES],
                        const uint8_t scalar[SOTTO__SCALAR_BYTES],
                        const uint8_t own[SOTTO__POINT_BYTES],
                        const uint8_t other[SOTTO__POINT_BYTES]);

/* --- shamir.c: shares over the scalars --- */

/* What dealing to some of parties_len holders needs that is public: the first threshold - 1 of them
 * (distinct) get uniform shares, which with the secret are a polynomial; the others' shares follow.
 */
struct sotto__shamir_dealer;
enum sotto_status sotto__shamir_dealer_new(struct sotto__shamir_dealer **out,
                                           const uint32_t *holders, uint32_t threshold,
                                           uint32_t parties_len) SOTTO_NODISCARD;
void sotto__shamir_dealer_free(struct sotto__shamir_dealer *dealer);
/* Prepares one polynomial: values holds the secret, then the first threshold - 1 shares. weighted
 * has threshold scalars. CT: in values. */
void sotto__shamir_weigh(const struct sotto__shamir_dealer *dealer, uint8_t *weighted,
                         const uint8_t *values);
/* The share of another holder. CT: in weighted. */
void sotto__shamir_extend(const struct sotto__shamir_dealer *dealer,
                          uint8_t out[SOTTO__SCALAR_BYTES], const uint8_t *weighted,
                          uint32_t holder);

/* The Lagrange basis at 0 of these holders (distinct), basis[k] for holders[k], SOTTO__SCALAR_BYTES
 *
 * each. CT: nothing here is secret: who holds what is known to the aggregator. */
void sotto__shamir_basis(uint8_t *basis, const uint32_t *holders, uint32_t holders_len);

/* The secret: the sum of basis x share over len holders, SOTTO__SCALAR_BYTES each. A share that is
 * not below the order, which only its dealer can have made, gives another. CT: in the shares. */
void sotto__shamir_combine(uint8_t out[SOTTO__SCALAR_BYTES], const uint8_t *basis,
                           const uint8_t *shares, uint32_t len);

/* --- merkle.c --- */

enum sotto__share_kind { SOTTO__SHARE_OF_MASK_KEY = 0, SOTTO__SHARE_OF_SELF_SEED = 1 };

/* What a share is committed to by. */
void sotto__share_leaf(uint8_t out[SOTTO__HASH_BYTES], const uint8_t session[SOTTO_SESSION_BYTES],
                       uint32_t dealer, uint32_t holder, enum sotto__share_kind kind,
                       const uint8_t salt[SOTTO__SALT_BYTES],
                       const uint8_t share[SOTTO__SCALAR_BYTES]);

/* Levels of inner nodes above the pairs of leaves of n holders: the length of a path. */
uint32_t sotto__merkle_depth(uint32_t holders_len);

/* A tree over what a dealer dealt to n holders. Ownership: nodes is the tree's. */
struct sotto__merkle_tree {
    uint8_t *nodes; /* a heap: node 1 is the root, node k has children 2k and 2k + 1 */
    uint32_t pairs; /* holders, padded to a power of two */
};

/* Over the pair hashes of holders_len holders, 1 <= holders_len <= SOTTO_SESSION_PARTIES_MAX.
 * Returns: SOTTO_ERROR_NO_MEMORY, and *out unchanged. */
enum sotto_status sotto__merkle_build(struct sotto__merkle_tree *out, const uint8_t *pairs,
                                      uint32_t holders_len) SOTTO_NODISCARD;
void sotto__merkle_release(struct sotto__merkle_tree *tree);
/* Borrows from the tree. */
const uint8_t *sotto__merkle_root(const struct sotto__merkle_tree *tree);
/* Writes the sotto__merkle_depth hashes beside the way from a holder's pair to the root. */
void sotto__merkle_path(const struct sotto__merkle_tree *tree, uint8_t *out, uint32_t holder);
/* Whether a holder's pair hash leads to root by that path. */
bool sotto__merkle_check(const uint8_t root[SOTTO__HASH_BYTES],
                         const uint8_t pair[SOTTO__HASH_BYTES], const uint8_t *path,
                         uint32_t holder, uint32_t holders_len);

#endif
