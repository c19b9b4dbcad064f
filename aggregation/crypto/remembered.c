/* SPDX-License-Identifier: Apache-2.0 */

/* Signatures that were found right, or made here, in this process. Leans on hash.c, and on C11's
 * atomics.
 *
 * The idea: whether a signature is right follows from key, digest and signature alone and never
 * changes. So a host that runs both sides of a task asks libsodium once for each, whichever side
 * asks first, and the other one finds it here.
 *
 * 1. What is kept is H("sotto right signature", key || digest || signature), all three of fixed
 *    length: another signature, or the same one under another key, has another entry.
 * 2. Only right ones are kept, so that what is found is right; what is not found is computed, so
 *    that nothing is wrong for not being found.
 * 3. A set has room for WAYS of them, and the oldest makes room: whoever makes many fall into one
 *    set has others computed again, and nothing else.
 * 4. Nobody waits: who finds a set in use computes.
 *
 * All of it is public: time may show what is there. */

#include "crypto/remembered.h"

#include <stdatomic.h>
#include <string.h>

#define LABEL "sotto right signature"
/* A session of 200 parties has some 600 at a time that are asked for more than once. */
#define SETS_LEN 1024
#define WAYS 4

struct set {
    atomic_bool is_used;
    uint8_t entries[WAYS][SOTTO__HASH_BYTES]; /* the newest first; zeros: none */
};

static struct set sets[SETS_LEN];
static atomic_uint hosts_len;

void sotto_signatures_remember(void)
{
    atomic_fetch_add(&hosts_len, 1);
}

void sotto_signatures_forget(void)
{
    unsigned before = atomic_fetch_sub(&hosts_len, 1);
    SOTTO_REQUIRE(before > 0);
}

static void digest_entry(uint8_t out[SOTTO__HASH_BYTES], const struct sotto_key *key,
                         const struct sotto_signature *signature,
                         const uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES])
{
    struct sotto__hash hash;
    sotto__hash_init(&hash, LABEL);
    sotto__hash_bytes(&hash, key->bytes, sizeof key->bytes);
    sotto__hash_bytes(&hash, digest, SOTTO_SIGNED_DIGEST_BYTES);
    sotto__hash_bytes(&hash, signature->bytes, sizeof signature->bytes);
    sotto__hash_final(&hash, out);
}

/* The set of an entry, which is this thread's until it is given back. Returns: NULL if another
 * thread has it. */
static struct set *take_set(const uint8_t entry[SOTTO__HASH_BYTES])
{
    struct set *set = &sets[((size_t)entry[0] | (size_t)entry[1] << 8) % SETS_LEN];
    return atomic_exchange_explicit(&set->is_used, true, memory_order_acquire) ? NULL : set;
}

static void give_set(struct set *set)
{
    atomic_store_explicit(&set->is_used, false, memory_order_release);
}

bool sotto__remembers(const struct sotto_key *key, const struct sotto_signature *signature,
                      const uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES])
{
    uint8_t entry[SOTTO__HASH_BYTES];
    if (atomic_load_explicit(&hosts_len, memory_order_relaxed) == 0) {
        return false;
    }
    digest_entry(entry, key, signature, digest);
    struct set *set = take_set(entry);
    bool is_found = false;
    for (size_t way = 0; set != NULL && !is_found && way < WAYS; way++) {
        is_found = memcmp(set->entries[way], entry, sizeof entry) == 0;
    }
    if (set != NULL) {
        give_set(set);
    }
    return is_found;
}

void sotto__remember(const struct sotto_key *key, const struct sotto_signature *signature,
                     const uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES])
{
    uint8_t entry[SOTTO__HASH_BYTES];
    if (atomic_load_explicit(&hosts_len, memory_order_relaxed) == 0) {
        return;
    }
    digest_entry(entry, key, signature, digest);
    struct set *set = take_set(entry);
    if (set != NULL) {
        memmove(set->entries[1], set->entries[0], (WAYS - 1) * sizeof set->entries[0]);
        memcpy(set->entries[0], entry, sizeof entry);
        give_set(set);
    }
}
