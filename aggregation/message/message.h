/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_MESSAGE_MESSAGE_H
#define SOTTO_AGGREGATION_MESSAGE_MESSAGE_H

/* Room message: what is sent, and what both sides compute of it. Notation is that of PROTOCOL.md.
 */

#include "crypto/crypto.h"
#include "message/bitmap.h"

/* Of an advert: makes it one that was never seen before. */
#define SOTTO__NONCE_BYTES 16

/* --- message.c --- */

/* Writes the header that a sender of this key writes, as sotto_message_begin does. */
void sotto__message_header(struct sotto_writer *writer, enum sotto_message_type type,
                           const struct sotto_session_label *label, const uint8_t *session,
                           const struct sotto_key *sender);

/* What a message's signature signs of header and body. */
void sotto__message_signed_digest(uint8_t out[SOTTO_SIGNED_DIGEST_BYTES], const uint8_t *bytes,
                                  size_t bytes_len);

/* sotto_message_finish, which also tells what the signature signs. */
enum sotto_status
sotto__message_finish_digest(struct sotto_writer *writer, struct sotto_buffer *out,
                             uint8_t out_signed_digest[SOTTO_SIGNED_DIGEST_BYTES],
                             const struct sotto_identity *identity) SOTTO_NODISCARD;

/* --- roster.c --- */

/* The session id (PROTOCOL.md, "ROSTER"). */
void sotto__session_id(uint8_t out[SOTTO_SESSION_BYTES], const struct sotto_roster *roster,
                       const struct sotto_session_terms *terms);

/* Checks the signature and the points of one advert. Returns: SOTTO_ERROR_AUTH,
 * SOTTO_ERROR_PROTOCOL. */
enum sotto_status sotto__roster_verify(const struct sotto_roster *roster, uint32_t index,
                                       const struct sotto_invitation_terms *terms,
                                       struct sotto_error *err) SOTTO_NODISCARD;

/* Makes and signs an ADVERT. Ownership: *out is the caller's. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__advert_seal(struct sotto_buffer *out,
                                     const struct sotto_invitation_terms *terms,
                                     const uint8_t channel_point[SOTTO__POINT_BYTES],
                                     const uint8_t mask_point[SOTTO__POINT_BYTES],
                                     const uint8_t nonce[SOTTO__NONCE_BYTES],
                                     const struct sotto_session_demands *demands,
                                     const uint8_t *payload, size_t payload_bytes,
                                     const struct sotto_identity *identity) SOTTO_NODISCARD;

/* The least number of survivors of a session: the plan's minimum, and what all adverts demand. */
uint32_t sotto__roster_need(const struct sotto_roster *roster,
                            const struct sotto_session_terms *terms);

/* --- dealing.c: the parts of DEAL and SHARES that both sides know --- */

struct sotto__dealing {
    uint8_t seed_point[SOTTO__POINT_BYTES]; /* B */
    uint8_t root[SOTTO__HASH_BYTES];
    struct sotto_signature signature;
};

#define SOTTO__DEALING_BYTES                                                                       \
    (SOTTO__POINT_BYTES + SOTTO__HASH_BYTES + SOTTO_MESSAGE_SIGNATURE_BYTES)

/* Signs B and root, which stand in *dealing already. CT: in the identity. */
void sotto__dealing_sign(struct sotto__dealing *dealing, const uint8_t *session,
                         const struct sotto_identity *identity);
/* Whether B is usable and the dealer signed it with root. */
bool sotto__dealing_verify(const struct sotto__dealing *dealing, const uint8_t *session,
                           const struct sotto_key *dealer);
void sotto__dealing_write(const struct sotto__dealing *dealing, struct sotto_writer *writer);
void sotto__dealing_read(struct sotto__dealing *dealing, struct sotto_reader *reader);

/* H("sotto dealings", B || root of each dealer, ascending): begun by sotto__hash_init with this
 * label. */
#define SOTTO__DEALINGS_LABEL "sotto dealings"
void sotto__dealings_add(struct sotto__hash *hash, const struct sotto__dealing *dealing);

/* Of the key that encrypts shares. */
#define SOTTO__CHANNEL_LABEL "sotto channel"

/* The shares of one dealer for one holder. Secret. */
struct sotto__share_pair {
    uint8_t share[2][SOTTO__SCALAR_BYTES]; /* by enum sotto__share_kind */
    uint8_t salt[2][SOTTO__SALT_BYTES];
};

#define SOTTO__SHARE_CIPHER_BYTES                                                                  \
    (sizeof(struct sotto__share_pair) + crypto_aead_xchacha20poly1305_ietf_ABYTES)
_Static_assert(sizeof(struct sotto__share_pair) == 96, "share pairs go on the wire as they are");

/* Writes SOTTO__SHARE_CIPHER_BYTES. CT: in pair and key. */
void sotto__share_encrypt(uint8_t *out, const struct sotto__share_pair *pair,
                          const uint8_t key[SOTTO__KEY_BYTES], const uint8_t *session,
                          uint32_t dealer, uint32_t holder);
/* Returns: false, and zeros in *out, if cipher was not made with this key for these two. CT: in
 * key. */
bool sotto__share_decrypt(struct sotto__share_pair *out, const uint8_t *cipher,
                          const uint8_t key[SOTTO__KEY_BYTES], const uint8_t *session,
                          uint32_t dealer, uint32_t holder);

/* What the tree of a dealer has at a holder: the hash of its pair of leaves and of the ciphertext
 * of its shares (NULL: the dealer itself, which gets none). */
#define SOTTO__LEAVES_BYTES ((size_t)2 * SOTTO__HASH_BYTES)
void sotto__pair_hash(uint8_t out[SOTTO__HASH_BYTES], const uint8_t leaves[SOTTO__LEAVES_BYTES],
                      const uint8_t *cipher);
/* The tree over all of them: by position, leaves of every holder, ciphers of all but the first.
 * Returns: SOTTO_ERROR_NO_MEMORY. Ownership: *out is ended by sotto__merkle_release. */
enum sotto_status sotto__dealing_tree(struct sotto__merkle_tree *out, const uint8_t *leaves,
                                      const uint8_t *ciphers, uint32_t holders_len) SOTTO_NODISCARD;

/* Decrypts a holder's shares, and checks them against its leaves. Returns: false, and zeros in
 * *out, if they are not those. CT: in key. */
bool sotto__shares_open(struct sotto__share_pair *out, const uint8_t leaves[SOTTO__LEAVES_BYTES],
                        const uint8_t *cipher, const uint8_t key[SOTTO__KEY_BYTES],
                        const uint8_t *session, uint32_t dealer, uint32_t holder);

/* The digest of a masked input, by which LIVING names it: of what the signature of MASKED signs. */
void sotto__masked_digest(uint8_t out[SOTTO__HASH_BYTES],
                          const uint8_t signed_digest[SOTTO_SIGNED_DIGEST_BYTES]);

/* What CONSENT signs: a set of survivors, and all that their sum depends on. Borrows. */
struct sotto__survivors {
    const uint8_t *session;
    const uint8_t *dealers; /* bitmaps */
    const uint8_t *living;
    uint32_t parties_len;
    const uint8_t *dealings; /* H("sotto dealings", ...) of all dealers; zeros on a sparse graph */
    const uint8_t *masked;   /* the digest of each of the living, ascending */
};

void sotto__survivors_digest(uint8_t out[SOTTO__HASH_BYTES],
                             const struct sotto__survivors *survivors);

#define SOTTO__SURVIVORS_LABEL "sotto survivors"

#endif
