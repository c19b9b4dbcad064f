/* SPDX-License-Identifier: Apache-2.0 */
/* DEAL and REVEAL: what a member says is checked against its commitments before anything is kept.
 */
#include "session_aggregator.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* --- DEAL --- */

/* What a DEAL says; borrows but for holders, which is the caller's to free. */
struct deal {
    struct sotto__dealing dealing;
    uint32_t *holders;
    const uint8_t *leaves;
    const uint8_t *ciphers;
};

/* Reads the holders that a dealer drew: distinct, the dealer itself first. */
static bool read_holders(const struct sotto_session_aggregator *aggregator, uint32_t *holders,
                         uint32_t dealer, struct sotto_reader *reader)
{
    uint8_t seen[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
    holders[0] = dealer;
    bitmap_set(seen, dealer);
    for (uint32_t p = 1; p < aggregator->roster.graph.holders; p++) {
        holders[p] = sotto_read_u32(reader);
        if (holders[p] >= parties_len(aggregator) || bitmap_get(seen, holders[p])) {
            return false;
        }
        bitmap_set(seen, holders[p]);
    }
    return true;
}

static bool read_deal(const struct sotto_session_aggregator *aggregator, struct deal *deal,
                      uint32_t dealer, struct sotto_reader *reader)
{
    size_t holders_len = aggregator->roster.graph.holders;
    sotto__dealing_read(&deal->dealing, reader);
    if (!read_holders(aggregator, deal->holders, dealer, reader)) {
        return false;
    }
    deal->leaves = sotto_read_bytes(reader, 2 * holders_len * HASH_BYTES);
    deal->ciphers = sotto_read_bytes(reader, (holders_len - 1) * SHARE_CIPHER_BYTES);
    return sotto_reader_finished(reader);
}

static enum sotto_status check_deal(const struct sotto_session_aggregator *aggregator,
                                    uint32_t index, const struct deal *deal,
                                    struct sotto_error *err)
{
    struct sotto__merkle_tree tree;
    enum sotto_status status =
        sotto__merkle_build(&tree, deal->leaves, aggregator->roster.graph.holders);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "no memory for a commitment");
    }
    bool fits = memcmp(sotto__merkle_root(&tree), deal->dealing.root, HASH_BYTES) == 0;
    sotto__merkle_release(&tree);
    if (!fits || !sotto__dealing_verify(&deal->dealing, aggregator->session,
                                        member_key(aggregator, index))) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "a dealer's commitment does not fit its shares or its signature");
    }
    return SOTTO_OK;
}

static enum sotto_status keep_deal(struct sotto_session_aggregator *aggregator,
                                   struct member *member, struct deal *deal,
                                   struct sotto_error *err)
{
    size_t holders_len = aggregator->roster.graph.holders;
    struct sotto_buffer leaves;
    struct sotto_buffer ciphers = {0};
    enum sotto_status status =
        sotto_buffer_copy(&leaves, deal->leaves, 2 * holders_len * HASH_BYTES);
    if (status == SOTTO_OK) {
        status = sotto_buffer_copy(&ciphers, deal->ciphers, (holders_len - 1) * SHARE_CIPHER_BYTES);
    }
    if (status != SOTTO_OK) {
        sotto_buffer_release(&leaves);
        return sotto_error_set(err, status, "no memory for shares");
    }
    member->dealing = deal->dealing;
    member->holders = deal->holders;
    deal->holders = NULL;
    member->leaves = leaves.data;
    member->ciphers = ciphers.data;
    member->dealt = true;
    return SOTTO_OK;
}

enum sotto_status sotto__aggregator_take_deal(struct sotto_session_aggregator *aggregator,
                                              uint32_t index, struct sotto_reader *reader,
                                              struct sotto_error *err)
{
    struct deal deal = {
        .holders = sotto_alloc_array(aggregator->roster.graph.holders, sizeof *deal.holders)};
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (deal.holders == NULL) {
        (void)sotto_error_set(err, status, "no memory for shares");
    } else if (!read_deal(aggregator, &deal, index, reader)) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a DEAL message is malformed");
    } else {
        status = check_deal(aggregator, index, &deal, err);
        aggregator->counters.signatures++;
    }
    if (status == SOTTO_OK) {
        status = keep_deal(aggregator, &aggregator->members[index], &deal, err);
    }
    sotto_free(deal.holders);
    return status;
}

/* --- REVEAL --- */

/* What this living or dead dealer's holders reveal. */
static enum sotto__share_kind revealed_kind(const struct sotto_session_aggregator *aggregator,
                                            uint32_t dealer)
{
    return bitmap_get(aggregator->living, dealer) ? SHARE_OF_SELF_SEED : SHARE_OF_MASK_KEY;
}

/* Reads what a holder reveals into out, one share for each of its holdings. Returns: false if one
 * is not what its dealer committed to. */
static bool check_openings(const struct sotto_session_aggregator *aggregator, uint8_t *out,
                           uint32_t holder, struct sotto_reader *reader)
{
    for (size_t k = aggregator->starts[holder]; k < aggregator->starts[holder + 1]; k++) {
        const struct holding *holding = &aggregator->holdings[k];
        uint8_t *share = out + (k - aggregator->starts[holder]) * SCALAR_BYTES;
        uint8_t salt[SALT_BYTES];
        uint8_t leaf[HASH_BYTES];
        enum sotto__share_kind kind = revealed_kind(aggregator, holding->dealer);
        sotto_read_copy(reader, share, SCALAR_BYTES);
        sotto_read_copy(reader, salt, SALT_BYTES);
        sotto__share_leaf(leaf, aggregator->session, holding->dealer, holder, kind, salt, share);
        const uint8_t *committed = aggregator->members[holding->dealer].leaves +
                                   ((size_t)2 * holding->position + kind) * HASH_BYTES;
        if (memcmp(leaf, committed, HASH_BYTES) != 0) {
            return false;
        }
    }
    return true;
}

/* Reads the keys of the pair masks with the dead. They are not checked: whoever lies about one
 * could as well have lied about its input. */
static enum sotto_status read_pair_keys(struct sotto_session_aggregator *aggregator, uint32_t index,
                                        struct sotto_reader *reader)
{
    uint32_t partners[SOTTO_SESSION_PARTIES_MAX];
    uint32_t len = sotto__aggregator_dead_partners(aggregator, partners, index);
    struct member *member = &aggregator->members[index];
    const uint8_t *keys = sotto_read_bytes(reader, (size_t)len * 32);
    if (!sotto_reader_finished(reader)) {
        return SOTTO_ERROR_PROTOCOL;
    }
    uint8_t *copy = sotto_alloc((size_t)len * 32);
    if (copy == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(copy, keys, (size_t)len * 32);
    member->pair_keys = copy;
    member->pair_keys_len = len;
    return SOTTO_OK;
}

/* Makes room for shares of every dealer that a holder reveals shares of. */
static enum sotto_status reserve_shares(struct sotto_session_aggregator *aggregator,
                                        uint32_t holder)
{
    for (size_t k = aggregator->starts[holder]; k < aggregator->starts[holder + 1]; k++) {
        struct member *dealer = &aggregator->members[aggregator->holdings[k].dealer];
        if (dealer->shares == NULL) {
            dealer->shares =
                sotto_alloc_array(aggregator->roster.graph.threshold, sizeof *dealer->shares);
            if (dealer->shares == NULL) {
                return SOTTO_ERROR_NO_MEMORY;
            }
        }
    }
    return SOTTO_OK;
}

/* Keeps the first threshold shares of each secret. */
static void keep_shares(struct sotto_session_aggregator *aggregator, const uint8_t *shares,
                        uint32_t holder)
{
    uint32_t threshold = aggregator->roster.graph.threshold;
    for (size_t k = aggregator->starts[holder]; k < aggregator->starts[holder + 1]; k++) {
        struct member *dealer = &aggregator->members[aggregator->holdings[k].dealer];
        if (dealer->shares_len < threshold) {
            struct revealed *kept = &dealer->shares[dealer->shares_len++];
            kept->holder = holder;
            memcpy(kept->share, shares + (k - aggregator->starts[holder]) * SCALAR_BYTES,
                   SCALAR_BYTES);
            aggregator->complete_secrets += dealer->shares_len == threshold;
        }
    }
}

enum sotto_status sotto__aggregator_take_reveal(struct sotto_session_aggregator *aggregator,
                                                uint32_t index, struct sotto_reader *reader,
                                                struct sotto_error *err)
{
    size_t held = aggregator->starts[index + 1] - aggregator->starts[index];
    uint8_t *shares = sotto_alloc_array(held, SCALAR_BYTES);
    if (shares == NULL || reserve_shares(aggregator, index) != SOTTO_OK) {
        sotto_free(shares);
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for shares");
    }
    enum sotto_status status = check_openings(aggregator, shares, index, reader)
                                   ? read_pair_keys(aggregator, index, reader)
                                   : SOTTO_ERROR_PROTOCOL;
    if (status == SOTTO_OK) {
        keep_shares(aggregator, shares, index);
        aggregator->missing_keys -= aggregator->members[index].pair_keys_len;
        aggregator->members[index].revealed = true;
    } else if (status == SOTTO_ERROR_PROTOCOL) {
        char name[SOTTO_KEY_TEXT_BYTES];
        sotto_key_to_text(member_key(aggregator, index), name);
        aggregator->members[index].left = true; /* it will not do better a second time */
        (void)sotto_error_set(err, status, "holder %s revealed shares that nobody dealt to it",
                              name);
    } else {
        (void)sotto_error_set(err, status, "no memory for keys");
    }
    sotto_wipe(shares, held * SCALAR_BYTES);
    sotto_free(shares);
    return status;
}
