/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_SESSION_AGGREGATOR_H
#define SOTTO_AGGREGATION_SESSION_AGGREGATOR_H

/* The state of an aggregator's session, for the files that it is spread over: session_aggregator.c
 * (steps), aggregator_send.c and aggregator_receive.c (messages), aggregator_sum.c (unmasking),
 * aggregator_release.c (giving up). */

#include "message/transcript.h"
#include "vector/vector.h"

struct member {
    bool left;
    bool dealt;
    bool masked;
    bool consented;
    bool revealed;
    bool released;
    struct sotto__dealing dealing;
    uint8_t masked_digest[SOTTO__HASH_BYTES];
    uint8_t *vector; /* of MASKED, where the session verifies, until there is a transcript */
    struct sotto_signature masked_signature;
    uint32_t *holders; /* graph.holders, by position; the first is the member itself */
    uint8_t *leaves;   /* two hashes for each position */
    /* Until SHARES are sent: over the pairs. Until then, on a complete graph until the end, for
     * complaints: SOTTO__SHARE_CIPHER_BYTES for each position but the first. */
    struct sotto__merkle_tree tree;
    uint8_t *ciphers;
    struct sotto_signature consent;
    struct sotto_signature release;
    /* Of this member's secret: the first threshold shares that came, and who revealed them. */
    uint8_t *shares;
    uint32_t *sharers;
    uint32_t shares_len;
    uint8_t
        *pair_keys; /* SOTTO__MASK_KEY_BYTES for each of its dead partners, as it revealed them */
    uint32_t pair_keys_len;
};

/* That `dealer` dealt a share to somebody, at a position of its holders. */
struct holding {
    uint32_t dealer;
    uint32_t position;
};

struct sotto_session_aggregator {
    const struct sotto_identity *identity;
    struct sotto_roster roster;
    struct sotto_session_label label;
    uint8_t session[SOTTO_SESSION_BYTES];
    uint32_t need;
    uint8_t *wanted;        /* of each member 1 or 0; NULL: nobody in particular */
    uint32_t wanted_needed; /* of those so many */
    struct sotto_vector_run *runs;
    size_t runs_len;
    size_t vector_bytes;
    bool verifies;
    uint8_t agreement[SOTTO_DIGEST_BYTES];
    struct sotto_action_queue queue;
    enum sotto_aggregator_phase phase;
    enum sotto_aggregator_phase step; /* the phase, or the last one before the end */
    struct sotto_session_counters counters;
    struct member *members;
    uint8_t *dealers; /* bitmaps, fixed when their step ends */
    uint8_t *living;
    uint8_t dealings[SOTTO__HASH_BYTES]; /* as struct sotto__survivors has them */
    uint8_t *masked;
    /* From the end of dealing on: what member j holds is holdings[starts[j]] to
     * holdings[starts[j + 1] - 1], ascending by dealer, its own share among them. */
    struct holding *holdings;
    size_t *starts;
    uint32_t complete_secrets; /* dealers of whom threshold shares were revealed */
    size_t missing_keys;       /* pair masks between living and dead whose keys were not revealed */
    uint8_t *sum;              /* of the masked inputs, in the end of the inputs */
    struct sotto_buffer transcript; /* of a session that verifies, once it has summed */
    uint32_t guilty;                /* the dealer about whom a complaint was right, or UINT32_MAX */
    struct sotto_error failure;
};

static inline uint32_t parties_len(const struct sotto_session_aggregator *aggregator)
{
    return aggregator->roster.adverts_len;
}

static inline const struct sotto_key *member_key(const struct sotto_session_aggregator *aggregator,
                                                 uint32_t index)
{
    return &aggregator->roster.adverts[index].sender;
}

/* --- session_aggregator.c --- */

/* Whether a member was asked for an answer to the step under way, or gave one. */
bool sotto__aggregator_asks(const struct sotto_session_aggregator *aggregator, uint32_t index);
bool sotto__aggregator_has_answer(const struct sotto_session_aggregator *aggregator,
                                  uint32_t index);

/* Ends the current step if nobody more is awaited (or, expired, can be awaited): goes on or fails.
 */
enum sotto_status sotto__aggregator_advance(struct sotto_session_aggregator *aggregator,
                                            bool expired) SOTTO_NODISCARD;

/* --- aggregator_send.c --- */

/* Each queues one message: ROSTER to everybody, SHARES to the dealers, LIVING to the living, UNMASK
 * to those of the living whose holders consented. */
enum sotto_status
sotto__aggregator_send_roster(struct sotto_session_aggregator *aggregator) SOTTO_NODISCARD;
enum sotto_status
sotto__aggregator_send_shares(struct sotto_session_aggregator *aggregator) SOTTO_NODISCARD;
enum sotto_status
sotto__aggregator_send_living(struct sotto_session_aggregator *aggregator) SOTTO_NODISCARD;
enum sotto_status
sotto__aggregator_send_unmask(struct sotto_session_aggregator *aggregator) SOTTO_NODISCARD;

/* Queues WITHDRAW to the members of a bitmap. */
enum sotto_status sotto__aggregator_send_withdraw(struct sotto_session_aggregator *aggregator,
                                                  const uint8_t *members) SOTTO_NODISCARD;

/* --- aggregator_release.c --- */

/* Ends the step WITHDRAWING when all have answered who can, or time is over. */
void sotto__aggregator_advance_withdrawing(struct sotto_session_aggregator *aggregator,
                                           bool expired);

/* What the members are asked to consent to. */
void sotto__aggregator_survivors(const struct sotto_session_aggregator *aggregator,
                                 uint8_t out_digest[SOTTO__HASH_BYTES]);

/* --- aggregator_sum.c --- */

/* The dead dealers with whom a living member has pair masks, ascending; out has room for all
 * parties. Returns: how many. */
uint32_t sotto__aggregator_dead_partners(const struct sotto_session_aggregator *aggregator,
                                         uint32_t *out, uint32_t index);

/* Marks the members whose consents open the session, on a complete graph: the first threshold of
 * them, and all whose adverts ask for it. */
void sotto__aggregator_mark_consents(const struct sotto_session_aggregator *aggregator,
                                     uint8_t *marks);

/* Recovers secrets and takes all masks out of the sum: SUMMED, or failure says who cheated. */
enum sotto_status
sotto__aggregator_finish_sum(struct sotto_session_aggregator *aggregator) SOTTO_NODISCARD;

#endif
