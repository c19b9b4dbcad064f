/* SPDX-License-Identifier: Apache-2.0 */

/* DEAL [PROTOCOL.md, DEAL], [BIKMMPRSS17, fig. 4, ShareKeys]: shares of the mask key and of the
 * self seed, committed to and encrypted to their holders. Leans on shamir.c, merkle.c and
 * dealing.c.
 *
 * The idea: each holder gets both shares of a dealer, in one ciphertext, and will open one of them.
 * Which one is decided after masking, by who lives.
 *
 * CT: in the secrets, polynomials, shares and salts, all of them in guarded memory. Who holds what
 * is public: DEAL says it. */

#include "session/session_party.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* What dealing needs for a moment. values and weighted have threshold scalars for each kind, pairs
 * one entry for each holder, by position; these three live in guarded memory. */
struct dealing_work {
    struct sotto__shamir_dealer *dealer;
    uint8_t *values[2];
    uint8_t *weighted[2];
    struct sotto__share_pair *pairs;
    uint8_t *leaves;  /* two hashes for each holder */
    uint8_t *ciphers; /* for each but the first, which is the dealer itself */
};

/* The secrets, and uniform shares for the first threshold - 1 holders: with these, polynomials. The
 * holders' order is as drawn, so the first one, which is this party itself, is among them. */
static enum sotto_status draw_polynomials(struct sotto_session_party *party,
                                          struct dealing_work *work)
{
    memcpy(work->values[SOTTO__SHARE_OF_MASK_KEY], party->secrets->mask_key, SOTTO__SCALAR_BYTES);
    memcpy(work->values[SOTTO__SHARE_OF_SELF_SEED], party->secrets->self_seed, SOTTO__SCALAR_BYTES);
    for (size_t kind = 0; kind < 2; kind++) {
        for (uint32_t k = 1; k < party->roster.graph.threshold; k++) {
            uint8_t *value = work->values[kind] + (size_t)k * SOTTO__SCALAR_BYTES;
            enum sotto_status status = sotto__scalar_random(value, party->random);
            if (status != SOTTO_OK) {
                return status;
            }
            memcpy(work->pairs[k - 1].share[kind], value, SOTTO__SCALAR_BYTES);
        }
        /* Once for a polynomial, so that each other share costs one sum of products. */
        sotto__shamir_weigh(work->dealer, work->weighted[kind], work->values[kind]);
    }
    return SOTTO_OK;
}

/* Both salts of each holder. */
static enum sotto_status draw_salts(struct sotto_session_party *party, struct dealing_work *work)
{
    for (uint32_t p = 0; p < party->roster.graph.holders; p++) {
        enum sotto_status status = party->random.fill(party->random.context, work->pairs[p].salt[0],
                                                      sizeof work->pairs[p].salt);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* The other shares, and the leaves that commit to all of them (two hashes a holder). */
static void make_shares(const struct sotto_session_party *party, struct dealing_work *work,
                        uint8_t *leaves)
{
    uint32_t threshold = party->roster.graph.threshold;
    uint32_t holders_len = party->roster.graph.holders;
#pragma omp parallel for schedule(dynamic, 8) if (holders_len > SOTTO__PARALLEL_PARTIES)
    for (uint32_t p = 0; p < holders_len; p++) {
        struct sotto__share_pair *pair = &work->pairs[p];
        for (size_t kind = 0; kind < 2; kind++) {
            if (p + 1 >= threshold) {
                sotto__shamir_extend(work->dealer, pair->share[kind], work->weighted[kind],
                                     party->holders[p]);
            }
            sotto__share_leaf(leaves + ((size_t)2 * p + kind) * SOTTO__HASH_BYTES, party->session,
                              party->own, party->holders[p], (enum sotto__share_kind)kind,
                              pair->salt[kind], pair->share[kind]);
        }
    }
}

/* Encrypts each holder's pair; the channels are kept, since the holders that deal to this party use
 * them the other way. */
static void make_ciphers(struct sotto_session_party *party, const struct dealing_work *work,
                         uint8_t *ciphers)
{
    uint32_t holders_len = party->roster.graph.holders;
#pragma omp parallel for schedule(static) if (holders_len > SOTTO__PARALLEL_PARTIES)
    for (uint32_t p = 1; p < holders_len; p++) {
        uint8_t key[SOTTO__KEY_BYTES];
        uint32_t holder = party->holders[p];
        sotto__party_channel(party, party->channels[p].point, holder);
        sotto__derive_key(key, SOTTO__CHANNEL_LABEL, party->channels[p].point, party->session,
                          party_key(party, party->own), party_key(party, holder));
        sotto__share_encrypt(ciphers + (size_t)(p - 1) * SOTTO__SHARE_CIPHER_BYTES, &work->pairs[p],
                             key, party->session, party->own, holder);
        sotto_wipe(key, sizeof key);
    }
    party->counters.group_operations += holders_len - 1;
}

/* B, the root, and their signature. */
static enum sotto_status party_commit(struct sotto_session_party *party,
                                      const struct dealing_work *work,
                                      struct sotto__dealing *dealing)
{
    struct sotto__merkle_tree tree;
    enum sotto_status status =
        sotto__dealing_tree(&tree, work->leaves, work->ciphers, party->roster.graph.holders);
    if (status != SOTTO_OK) {
        return status;
    }
    memcpy(dealing->root, sotto__merkle_root(&tree), SOTTO__HASH_BYTES);
    sotto__merkle_release(&tree);
    if (!sotto__point_base(dealing->seed_point, party->secrets->self_seed)) {
        return SOTTO_ERROR_RANDOM;
    }
    sotto__dealing_sign(dealing, party->session, party->identity);
    party->counters.group_operations++;
    party->counters.signatures++;
    return SOTTO_OK;
}

static enum sotto_status party_write_deal(struct sotto_session_party *party,
                                          struct dealing_work *work)
{
    uint32_t holders_len = party->roster.graph.holders;
    enum sotto_status status = draw_polynomials(party, work);
    if (status != SOTTO_OK) {
        return status;
    }
    status = draw_salts(party, work);
    if (status != SOTTO_OK) {
        return status;
    }
    make_shares(party, work, work->leaves);
    make_ciphers(party, work, work->ciphers);
    status = party_commit(party, work, &party->dealing);
    if (status != SOTTO_OK) {
        return status;
    }
    party->secrets->own_share = work->pairs[0]; /* of its own secrets a party holds shares too */

    struct sotto_writer writer;
    sotto__party_begin(party, &writer, SOTTO_MESSAGE_DEAL);
    sotto__dealing_write(&party->dealing, &writer);
    for (uint32_t p = 1; p < holders_len; p++) {
        sotto_write_u32(&writer, party->holders[p]);
    }
    sotto_write_bytes(&writer, work->leaves, holders_len * SOTTO__LEAVES_BYTES);
    sotto_write_bytes(&writer, work->ciphers,
                      (size_t)(holders_len - 1) * SOTTO__SHARE_CIPHER_BYTES);
    return sotto__party_finish(party, &writer);
}

enum sotto_status sotto__party_deal(struct sotto_session_party *party)
{
    size_t holders_len = party->roster.graph.holders;
    size_t polynomial_bytes = (size_t)party->roster.graph.threshold * SOTTO__SCALAR_BYTES;
    uint8_t *scalars = sotto_secret_alloc(4 * polynomial_bytes);
    struct dealing_work work = {
        .leaves = sotto_alloc_array(holders_len, SOTTO__LEAVES_BYTES),
        .ciphers = sotto_alloc_array(holders_len, SOTTO__SHARE_CIPHER_BYTES),
        .pairs = sotto_secret_alloc(holders_len * sizeof *work.pairs),
    };
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (work.leaves == NULL || work.ciphers == NULL || scalars == NULL || work.pairs == NULL) {
        goto out;
    }
    for (size_t kind = 0; kind < 2; kind++) {
        work.values[kind] = scalars + 2 * kind * polynomial_bytes;
        work.weighted[kind] = work.values[kind] + polynomial_bytes;
    }
    status = sotto__shamir_dealer_new(&work.dealer, party->holders, party->roster.graph.threshold,
                                      party_count(party));
    if (status != SOTTO_OK) {
        goto out;
    }
    status = party_write_deal(party, &work);
out:
    sotto__shamir_dealer_free(work.dealer);
    sotto_secret_free(work.pairs);
    sotto_secret_free(scalars);
    sotto_free(work.ciphers);
    sotto_free(work.leaves);
    return status;
}
