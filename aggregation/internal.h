/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_INTERNAL_H
#define SOTTO_AGGREGATION_INTERNAL_H

/* What the files of aggregation/ share; nothing outside includes it, tests excepted. Notation is
 * that of PROTOCOL.md. */

#include <sodium.h>
#include <sotto/session.h>

#define SCALAR_BYTES crypto_core_ristretto255_SCALARBYTES
#define POINT_BYTES crypto_core_ristretto255_BYTES
#define SALT_BYTES 16
#define HASH_BYTES SOTTO_DIGEST_BYTES

/* Group operations for this many parties are worth a second thread. */
#define PARALLEL_PARTIES 64

/* --- hash.c: H(label, ...) in pieces, and K(label, secret, a, b) --- */

struct sotto__hash {
    crypto_generichash_state state;
};

void sotto__hash_init(struct sotto__hash *hash, const char *label);
void sotto__hash_bytes(struct sotto__hash *hash, const void *data, size_t data_bytes);
void sotto__hash_u32(struct sotto__hash *hash, uint32_t value);
void sotto__hash_label(struct sotto__hash *hash, const struct sotto_session_label *label);
void sotto__hash_final(struct sotto__hash *hash, uint8_t out[HASH_BYTES]);

/* CT: in secret. */
void sotto__derive_key(uint8_t out[32], const char *label, const uint8_t secret[32],
                       const uint8_t session[SOTTO_SESSION_BYTES], const struct sotto_key *a,
                       const struct sotto_key *b);

/* --- group.c: ristretto255 --- */

enum sotto_status sotto__scalar_random(uint8_t out[SCALAR_BYTES],
                                       struct sotto_random random) SOTTO_NODISCARD;
/* A valid encoding of a point other than the identity. Public input. */
bool sotto__point_is_usable(const uint8_t point[POINT_BYTES]);
/* out = scalar G. Returns: false (and zeros) for a zero scalar. CT: in scalar. */
bool sotto__point_base(uint8_t out[POINT_BYTES], const uint8_t scalar[SCALAR_BYTES]);
/* out = scalar P for a usable point. Returns: false (and zeros) if that is the identity. */
bool sotto__point_multiply(uint8_t out[POINT_BYTES], const uint8_t scalar[SCALAR_BYTES],
                           const uint8_t point[POINT_BYTES]);

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
void sotto__shamir_extend(const struct sotto__shamir_dealer *dealer, uint8_t out[SCALAR_BYTES],
                          const uint8_t *weighted, uint32_t holder);

/* The Lagrange basis at 0 of these holders (distinct), basis[k] for holders[k], SCALAR_BYTES each.
 */
void sotto__shamir_basis(uint8_t *basis, const uint32_t *holders, uint32_t holders_len);

/* The secret: the sum of basis x share over len holders, SCALAR_BYTES each. A share that is not
 * below the order, which only its dealer can have made, gives another. CT: in the shares. */
void sotto__shamir_combine(uint8_t out[SCALAR_BYTES], const uint8_t *basis, const uint8_t *shares,
                           uint32_t len);

/* --- merkle.c --- */

enum sotto__share_kind { SHARE_OF_MASK_KEY = 0, SHARE_OF_SELF_SEED = 1 };

void sotto__share_leaf(uint8_t out[HASH_BYTES], const uint8_t session[SOTTO_SESSION_BYTES],
                       uint32_t dealer, uint32_t holder, enum sotto__share_kind kind,
                       const uint8_t salt[SALT_BYTES], const uint8_t share[SCALAR_BYTES]);

/* Levels of inner nodes above the pairs of leaves of n holders: the length of a path. */
uint32_t sotto__merkle_depth(uint32_t holders_len);

/* A tree over the 2n leaves of a dealer. Ownership: nodes is the tree's. */
struct sotto__merkle_tree {
    uint8_t *nodes; /* a heap: node 1 is the root, node k has children 2k and 2k + 1 */
    uint32_t pairs; /* holders, padded to a power of two */
};

enum sotto_status sotto__merkle_build(struct sotto__merkle_tree *out, const uint8_t *leaves,
                                      uint32_t holders_len) SOTTO_NODISCARD;
void sotto__merkle_release(struct sotto__merkle_tree *tree);
const uint8_t *sotto__merkle_root(const struct sotto__merkle_tree *tree);
/* Writes the sotto__merkle_depth hashes beside the way from a holder's pair to the root. */
void sotto__merkle_path(const struct sotto__merkle_tree *tree, uint8_t *out, uint32_t holder);
/* Whether a holder's two leaves lead to root by that path. */
bool sotto__merkle_check(const uint8_t root[HASH_BYTES], const uint8_t leaf_mask_key[HASH_BYTES],
                         const uint8_t leaf_self_seed[HASH_BYTES], const uint8_t *path,
                         uint32_t holder, uint32_t holders_len);

/* --- keystream.c: AES-256-CTR from a library --- */

/* Keystream made at a time: it and what it is added to stay in the second-level cache, and the key
 * schedule is paid for. */
#define SOTTO__KEYSTREAM_BYTES_MAX ((size_t)16 * 1024)

struct sotto__keystream_library {
    const char *name;
    /* A state for one thread. Returns: NULL if there is no memory. */
    void *(*start)(void);
    /* Writes the keystream of key from offset on, which is a multiple of 16; at most
     * SOTTO__KEYSTREAM_BYTES_MAX bytes. */
    enum sotto_status (*make)(void *state, uint8_t *out, size_t bytes, const uint8_t key[32],
                              uint64_t offset);
    /* Wipes and frees. */
    void (*stop)(void *state);
};

/* The library for this much keystream in all. Never NULL. */
const struct sotto__keystream_library *sotto__keystream_library(size_t total_bytes);

/* --- vector.c --- */

enum sotto__sign { MASK_ADD, MASK_SUBTRACT };

/* By sign: vector += or -= addend, `len` elements of 32, 40 or 64 bits, or one element of len
 * words. */
typedef void sotto__elements_op(uint8_t *vector, const uint8_t *addend, size_t len);

/* By sign: lanes += or -= len elements of 40 bits, in the low bits of each; the high bits are
 * whatever. Reads up to SOTTO__LANES_SLACK bytes beyond the elements. */
typedef void sotto__lanes_op(uint64_t *lanes, const uint8_t *elements, size_t len);
#define SOTTO__LANES_SLACK 64

struct sotto__vector_ops {
    sotto__lanes_op *lanes_of_40[2];
    sotto__elements_op *of_32[2];
    sotto__elements_op *of_40[2];
    sotto__elements_op *of_64[2];
    sotto__elements_op *of_words[2];
};

/* vector_<level>.c: the same loops, compiled for one SIMD level each. */
extern const struct sotto__vector_ops sotto__vector_ops_generic;
extern const struct sotto__vector_ops sotto__vector_ops_avx2;
extern const struct sotto__vector_ops sotto__vector_ops_avx512;

/* vector += or -= addend, elements of one width. */
void sotto__elements_add(uint8_t *vector, const uint8_t *addend, size_t element_bytes,
                         size_t elements_len, enum sotto__sign sign);

/* The operations of this CPU. */
const struct sotto__vector_ops *sotto__vector_ops(void);

/* --- mask.c: keystreams added to vectors --- */

struct sotto__mask_key {
    uint8_t key[32];
    enum sotto__sign sign;
};

/* vector += or -= PRG(key) for each key, element by element. CT: in keys and vector. Threads: uses
 * OpenMP's where the work is long. Returns: SOTTO_ERROR_NO_MEMORY (the vector is then undefined).
 */
enum sotto_status sotto__mask_apply(uint8_t *vector, const struct sotto_vector_run *runs,
                                    size_t runs_len, const struct sotto__mask_key *keys,
                                    size_t keys_len) SOTTO_NODISCARD;

/* --- roster.c --- */

/* The session id (PROTOCOL.md, "ROSTER"). */
void sotto__session_id(uint8_t out[SOTTO_SESSION_BYTES], const struct sotto_roster *roster,
                       const struct sotto_session_terms *terms);

/* Checks the signature and the points of one advert. */
enum sotto_status sotto__roster_verify(const struct sotto_roster *roster, uint32_t index,
                                       const struct sotto_invitation_terms *terms,
                                       struct sotto_error *err) SOTTO_NODISCARD;

enum sotto_status sotto__advert_seal(struct sotto_buffer *out,
                                     const struct sotto_invitation_terms *terms,
                                     const uint8_t channel_point[POINT_BYTES],
                                     const uint8_t mask_point[POINT_BYTES], const uint8_t nonce[16],
                                     const uint8_t *payload, size_t payload_bytes,
                                     const struct sotto_identity *identity) SOTTO_NODISCARD;

/* --- dealing.c: the parts of DEAL and SHARES that both sides know --- */

struct sotto__dealing {
    uint8_t seed_point[POINT_BYTES]; /* B */
    uint8_t root[HASH_BYTES];
    struct sotto_signature signature;
};

#define DEALING_BYTES (POINT_BYTES + HASH_BYTES + SOTTO_MESSAGE_SIGNATURE_BYTES)

void sotto__dealing_sign(struct sotto__dealing *dealing, const uint8_t *session,
                         const struct sotto_identity *identity);
bool sotto__dealing_verify(const struct sotto__dealing *dealing, const uint8_t *session,
                           const struct sotto_key *dealer);
void sotto__dealing_write(const struct sotto__dealing *dealing, struct sotto_writer *writer);
void sotto__dealing_read(struct sotto__dealing *dealing, struct sotto_reader *reader);

/* Of the key that encrypts shares. */
#define CHANNEL_LABEL "sotto channel"

/* The shares of one dealer for one holder. Secret. */
struct sotto__share_pair {
    uint8_t share[2][SCALAR_BYTES]; /* by enum sotto__share_kind */
    uint8_t salt[2][SALT_BYTES];
};

#define SHARE_CIPHER_BYTES                                                                         \
    (sizeof(struct sotto__share_pair) + crypto_aead_xchacha20poly1305_ietf_ABYTES)
_Static_assert(sizeof(struct sotto__share_pair) == 96, "share pairs go on the wire as they are");

void sotto__share_encrypt(uint8_t *out, const struct sotto__share_pair *pair, const uint8_t key[32],
                          const uint8_t *session, uint32_t dealer, uint32_t holder);
bool sotto__share_decrypt(struct sotto__share_pair *out, const uint8_t *cipher,
                          const uint8_t key[32], const uint8_t *session, uint32_t dealer,
                          uint32_t holder);

/* The digest that CONSENT signs, and that signature. */
void sotto__survivors_digest(uint8_t out[HASH_BYTES], const uint8_t *session,
                             const uint8_t *dealers, const uint8_t *living, uint32_t parties_len);

#define SURVIVORS_LABEL "sotto survivors"

/* --- bitmaps of parties, least significant bit first --- */

static inline size_t bitmap_bytes(uint32_t len)
{
    return ((size_t)len + 7) / 8;
}

static inline bool bitmap_get(const uint8_t *bitmap, uint32_t i)
{
    return ((bitmap[i / 8] >> (i % 8)) & 1) != 0;
}

static inline void bitmap_set(uint8_t *bitmap, uint32_t i)
{
    bitmap[i / 8] = (uint8_t)(bitmap[i / 8] | (1U << (i % 8)));
}

static inline uint32_t bitmap_count(const uint8_t *bitmap, uint32_t len)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < len; i++) {
        count += bitmap_get(bitmap, i);
    }
    return count;
}

/* Reads a bitmap of len bits. Fails the reader where bits beyond len are set. */
const uint8_t *sotto__bitmap_read(struct sotto_reader *reader, uint32_t len);

#endif
