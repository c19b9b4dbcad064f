/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of DEAL, SHARES and CONSENT that both sides compute [PROTOCOL.md, DEAL and CONSENT].
 * Leans on crypto/ for points, hashes and signatures, on libsodium for XChaCha20-Poly1305.
 *
 * The idea: what a party signs and what the other side verifies is made by one function, so the two
 * can't differ. */

#include "message/message.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

static const char dealing_label[] = "sotto dealing";

#define DEALING_SIGNED_BYTES (SOTTO_SESSION_BYTES + SOTTO__POINT_BYTES + SOTTO__HASH_BYTES)

/* session || B || root: what the dealer signs. */
static void write_signed(uint8_t out[DEALING_SIGNED_BYTES], const struct sotto__dealing *dealing,
                         const uint8_t *session)
{
    memcpy(out, session, SOTTO_SESSION_BYTES);
    memcpy(out + SOTTO_SESSION_BYTES, dealing->seed_point, SOTTO__POINT_BYTES);
    memcpy(out + SOTTO_SESSION_BYTES + SOTTO__POINT_BYTES, dealing->root, SOTTO__HASH_BYTES);
}

void sotto__dealing_sign(struct sotto__dealing *dealing, const uint8_t *session,
                         const struct sotto_identity *identity)
{
    uint8_t message[DEALING_SIGNED_BYTES];
    write_signed(message, dealing, session);
    sotto_identity_sign(identity, &dealing->signature, dealing_label, message, sizeof message);
}

/* Variable-time: B, root and signature are public. */
bool sotto__dealing_verify(const struct sotto__dealing *dealing, const uint8_t *session,
                           const struct sotto_key *dealer)
{
    uint8_t message[DEALING_SIGNED_BYTES];
    write_signed(message, dealing, session);
    return sotto__point_is_usable(dealing->seed_point) &&
           sotto_key_verify(dealer, &dealing->signature, dealing_label, message, sizeof message);
}

void sotto__dealing_write(const struct sotto__dealing *dealing, struct sotto_writer *writer)
{
    sotto_write_bytes(writer, dealing->seed_point, SOTTO__POINT_BYTES);
    sotto_write_bytes(writer, dealing->root, SOTTO__HASH_BYTES);
    sotto_write_bytes(writer, dealing->signature.bytes, sizeof dealing->signature.bytes);
}

void sotto__dealing_read(struct sotto__dealing *dealing, struct sotto_reader *reader)
{
    sotto_read_copy(reader, dealing->seed_point, SOTTO__POINT_BYTES);
    sotto_read_copy(reader, dealing->root, SOTTO__HASH_BYTES);
    sotto_read_copy(reader, dealing->signature.bytes, sizeof dealing->signature.bytes);
}

#define SHARE_AD_BYTES (SOTTO_SESSION_BYTES + 8)

/* session || i u32 || j u32: a ciphertext is of one session, one dealer and one holder. */
static void write_associated_data(uint8_t out[SHARE_AD_BYTES], const uint8_t *session,
                                  uint32_t dealer, uint32_t holder)
{
    memcpy(out, session, SOTTO_SESSION_BYTES);
    sotto_store_u64(out + SOTTO_SESSION_BYTES, (uint64_t)holder << 32 | dealer); /* little endian */
}

/* The nonce may be a constant because the key serves one message: K takes in the session, and the
 * dealer and the holder in this order. */
static const uint8_t share_nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

/* [PROTOCOL.md, DEAL]. CT: in pair and key; sizes are fixed. */
void sotto__share_encrypt(uint8_t *out, const struct sotto__share_pair *pair,
                          const uint8_t key[SOTTO__KEY_BYTES], const uint8_t *session,
                          uint32_t dealer, uint32_t holder)
{
    uint8_t data[SHARE_AD_BYTES];
    write_associated_data(data, session, dealer, holder);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, (const uint8_t *)pair, sizeof *pair,
                                                     data, sizeof data, NULL, share_nonce, key);
}

/* [PROTOCOL.md, SHARES]. CT: in key and what it decrypts to. Whether it is authentic shows, and
 * may: the party says so when it leaves. */
bool sotto__share_decrypt(struct sotto__share_pair *out, const uint8_t *cipher,
                          const uint8_t key[SOTTO__KEY_BYTES], const uint8_t *session,
                          uint32_t dealer, uint32_t holder)
{
    uint8_t data[SHARE_AD_BYTES];
    write_associated_data(data, session, dealer, holder);
    int result = crypto_aead_xchacha20poly1305_ietf_decrypt((uint8_t *)out, NULL, NULL, cipher,
                                                            SOTTO__SHARE_CIPHER_BYTES, data,
                                                            sizeof data, share_nonce, key);
    if (result != 0) {
        sotto_wipe(out, sizeof *out);
    }
    return result == 0;
}

void sotto__pair_hash(uint8_t out[SOTTO__HASH_BYTES], const uint8_t leaves[SOTTO__LEAVES_BYTES],
                      const uint8_t *cipher)
{
    struct sotto__hash hash;
    uint8_t cipher_digest[SOTTO__HASH_BYTES] = {0};
    if (cipher != NULL) {
        sotto_digest(cipher_digest, "sotto cipher", cipher, SOTTO__SHARE_CIPHER_BYTES);
    }
    sotto__hash_init(&hash, "sotto pair");
    sotto__hash_bytes(&hash, leaves, SOTTO__LEAVES_BYTES);
    sotto__hash_bytes(&hash, cipher_digest, sizeof cipher_digest);
    sotto__hash_final(&hash, out);
}

enum sotto_status sotto__dealing_tree(struct sotto__merkle_tree *out, const uint8_t *leaves,
                                      const uint8_t *ciphers, uint32_t holders_len)
{
    uint8_t *pairs = sotto_alloc_array(holders_len, SOTTO__HASH_BYTES);
    if (pairs == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (uint32_t p = 0; p < holders_len; p++) {
        sotto__pair_hash(pairs + (size_t)p * SOTTO__HASH_BYTES, leaves + p * SOTTO__LEAVES_BYTES,
                         p == 0 ? NULL : ciphers + (size_t)(p - 1) * SOTTO__SHARE_CIPHER_BYTES);
    }
    enum sotto_status status = sotto__merkle_build(out, pairs, holders_len);
    sotto_free(pairs);
    return status;
}

/* [PROTOCOL.md, SHARES]. CT: as sotto__share_decrypt; a leaf is public. */
bool sotto__shares_open(struct sotto__share_pair *out, const uint8_t leaves[SOTTO__LEAVES_BYTES],
                        const uint8_t *cipher, const uint8_t key[SOTTO__KEY_BYTES],
                        const uint8_t *session, uint32_t dealer, uint32_t holder)
{
    bool right = sotto__share_decrypt(out, cipher, key, session, dealer, holder);
    for (size_t kind = 0; right && kind < 2; kind++) {
        uint8_t leaf[SOTTO__HASH_BYTES];
        sotto__share_leaf(leaf, session, dealer, holder, (enum sotto__share_kind)kind,
                          out->salt[kind], out->share[kind]);
        right = memcmp(leaf, leaves + kind * SOTTO__HASH_BYTES, sizeof leaf) == 0;
    }
    if (!right) {
        sotto_wipe(out, sizeof *out);
    }
    return right;
}

void sotto__dealings_add(struct sotto__hash *hash, const struct sotto__dealing *dealing)
{
    sotto__hash_bytes(hash, dealing->seed_point, SOTTO__POINT_BYTES);
    sotto__hash_bytes(hash, dealing->root, SOTTO__HASH_BYTES);
}

/* [PROTOCOL.md, LIVING]. */
void sotto__masked_digest(uint8_t out[SOTTO__HASH_BYTES],
                          const uint8_t signed_digest[SOTTO_SIGNED_DIGEST_BYTES])
{
    sotto_digest(out, "sotto masked", signed_digest, SOTTO_SIGNED_DIGEST_BYTES);
}

/* [PROTOCOL.md, CONSENT]; after [BBGLR20, sec. 4] and [BIKMMPRSS17, fig. 4, ConsistencyCheck]. */
void sotto__survivors_digest(uint8_t out[SOTTO__HASH_BYTES],
                             const struct sotto__survivors *survivors)
{
    struct sotto__hash hash;
    size_t bitmap_len = bitmap_bytes(survivors->parties_len);
    sotto__hash_init(&hash, SOTTO__SURVIVORS_LABEL);
    sotto__hash_bytes(&hash, survivors->session, SOTTO_SESSION_BYTES);
    sotto__hash_bytes(&hash, survivors->dealers, bitmap_len);
    sotto__hash_bytes(&hash, survivors->living, bitmap_len);
    sotto__hash_bytes(&hash, survivors->dealings, SOTTO__HASH_BYTES);
    sotto__hash_bytes(&hash, survivors->masked,
                      (size_t)bitmap_count(survivors->living, survivors->parties_len) *
                          SOTTO__HASH_BYTES);
    sotto__hash_final(&hash, out);
}

const uint8_t *sotto__bitmap_read(struct sotto_reader *reader, uint32_t len)
{
    const uint8_t *bitmap = sotto_read_bytes(reader, bitmap_bytes(len));
    if (bitmap != NULL && len % 8 != 0 && bitmap[len / 8] >> (len % 8) != 0) {
        sotto_reader_fail(reader);
        return NULL;
    }
    return bitmap;
}
