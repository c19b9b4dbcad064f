/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_CODE_H
#define SOTTO_NODE_STORE_CODE_H

/* The code of learning tasks, as bundles, and what the owner decided on each: a part of the store.
 * What runs is what stands here, byte for byte. */

#include "store/store.h"
#include <sotto/bundle.h>

enum code_state {
    CODE_OFFERED, /* and never decided on */
    CODE_APPROVED,
    CODE_REVOKED,
    CODE_STATES_LEN,
};

struct store_code {
    uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES];
    enum code_state state;
    int64_t offered_ms;
    struct sotto_key creator_key; /* who offered it first */
    char creator[STORE_NAME_BYTES];
    int64_t decided_ms;          /* 0: never */
    char peer[STORE_NAME_BYTES]; /* who alone may have it run; "": whoever may ask */
    struct sotto_key peer_key;   /* whose that name was when it was approved */
    uint64_t rounds_left;        /* that it may still run */
};

/* The word for a state as the API has it. Returns: static storage. */
const char *code_state_name(enum code_state state);

/* Keeps a bundle that somebody offers; one that is known stays as it is. code: digest, offered_ms,
 * creator and creator_key. Of what one creator offered and nobody decided on the last 20 are kept.
 */
enum sotto_status store_code_put(struct store *store, const struct store_code *code,
                                 const struct sotto_buffer *bytes,
                                 struct sotto_error *err) SOTTO_NODISCARD;

/* Takes down what the owner decided. code: digest, state, decided_ms, peer, peer_key,
 * rounds_left. Returns: SOTTO_ERROR_NOT_FOUND. */
enum sotto_status store_code_decide(struct store *store, const struct store_code *code,
                                    struct sotto_error *err) SOTTO_NODISCARD;

/* Takes a round off an approval, for a task of this peer, or of this node itself. Returns:
 * SOTTO_ERROR_REFUSED where it may not run for it, or no more. */
enum sotto_status store_code_use(struct store *store,
                                 const uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES],
                                 const struct sotto_key *peer,
                                 struct sotto_error *err) SOTTO_NODISCARD;

/* Returns: SOTTO_ERROR_NOT_FOUND. Ownership: *out_bytes (may be NULL) is ended by
 * sotto_buffer_release. */
enum sotto_status store_get_code(struct store *store, struct store_code *out,
                                 struct sotto_buffer *out_bytes,
                                 const uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES],
                                 struct sotto_error *err) SOTTO_NODISCARD;

/* The bundle of the same creator, other than code, that was approved last, now revoked or not.
 * Returns and ownership: as store_get_code. */
enum sotto_status store_get_code_before(struct store *store, struct store_code *out,
                                        struct sotto_buffer *out_bytes,
                                        const struct store_code *code,
                                        struct sotto_error *err) SOTTO_NODISCARD;

/* Calls visit for up to limit bundles, those that were offered last first. */
typedef void store_code_visit(void *context, const struct store_code *code);
enum sotto_status store_each_code(struct store *store, uint64_t limit, store_code_visit *visit,
                                  void *context, struct sotto_error *err) SOTTO_NODISCARD;

#endif
