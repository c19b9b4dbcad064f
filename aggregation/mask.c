/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <openssl/evp.h>
#include <sotto/secret.h>
#include <string.h>

/* Keystream made at a time: stays in the first-level cache, and holds the widest slot. */
#define CHUNK_LIMBS 2048
_Static_assert(SOTTO_SLOT_LIMBS_MAX <= CHUNK_LIMBS, "a slot must fit a chunk");
/* The 32-bit block counter must not wrap. */
_Static_assert(SOTTO_SESSION_LIMBS_MAX * 8 / 16 < UINT32_MAX, "a vector must fit one counter");

/* slot += addend modulo 2^(64 limbs). The carry of a + b + c is at most 1: 2 (2^64 - 1) + 1 < 2^65.
 */
static void slot_add(uint64_t *slot, const uint8_t *addend, size_t limbs)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < limbs; i++) {
        uint64_t sum;
        uint64_t over = __builtin_add_overflow(slot[i], sotto_load_u64(addend + 8 * i), &sum);
        carry = over | __builtin_add_overflow(sum, carry, &slot[i]);
    }
}

static void slot_subtract(uint64_t *slot, const uint8_t *subtrahend, size_t limbs)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < limbs; i++) {
        uint64_t difference;
        uint64_t under =
            __builtin_sub_overflow(slot[i], sotto_load_u64(subtrahend + 8 * i), &difference);
        borrow = under | __builtin_sub_overflow(difference, borrow, &slot[i]);
    }
}

void sotto__vector_add(uint64_t *vector, const uint8_t *addend, const uint16_t *slots,
                       size_t slots_len)
{
    for (size_t k = 0; k < slots_len; k++) {
        slot_add(vector, addend, slots[k]);
        vector += slots[k];
        addend += (size_t)8 * slots[k];
    }
}

/* The slots from `first` on that together fit a chunk. Returns: their number, at least 1. */
static size_t chunk_of_slots(size_t *out_limbs, const uint16_t *slots, size_t slots_len,
                             size_t first)
{
    size_t limbs = 0;
    size_t end = first;
    while (end < slots_len && limbs + slots[end] <= CHUNK_LIMBS) {
        limbs += slots[end++];
    }
    *out_limbs = limbs;
    return end - first;
}

enum sotto_status sotto__mask_apply(uint64_t *vector, const uint16_t *slots, size_t slots_len,
                                    const uint8_t key[32], enum sotto__sign sign)
{
    static const uint8_t zeros[CHUNK_LIMBS * 8];
    uint8_t stream[CHUNK_LIMBS * 8];
    uint8_t counter_block[16] = {0};
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (cipher == NULL ||
        EVP_EncryptInit_ex(cipher, EVP_aes_256_ctr(), NULL, key, counter_block) != 1) {
        goto out;
    }
    for (size_t k = 0; k < slots_len;) {
        size_t limbs;
        size_t chunk_slots = chunk_of_slots(&limbs, slots, slots_len, k);
        int made = 0;
        if (EVP_EncryptUpdate(cipher, stream, &made, zeros, (int)(limbs * 8)) != 1 ||
            (size_t)made != limbs * 8) {
            goto out;
        }
        const uint8_t *from = stream;
        for (size_t end = k + chunk_slots; k < end; k++) {
            if (sign == MASK_ADD) {
                slot_add(vector, from, slots[k]);
            } else {
                slot_subtract(vector, from, slots[k]);
            }
            vector += slots[k];
            from += (size_t)8 * slots[k];
        }
    }
    status = SOTTO_OK;
out:
    EVP_CIPHER_CTX_free(cipher);
    sotto_wipe(stream, sizeof stream);
    return status;
}
