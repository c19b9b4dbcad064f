/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_SESSION_PARTY_H
#define SOTTO_AGGREGATION_SESSION_PARTY_H

/* The state of a party's session, for the files that it is spread over: session_party.c (advert,
 * roster, masks), party_deal.c (DEAL), party_shares.c (SHARES), party_unmask.c (LIVING, UNMASK),
 * party_pledge.c (what its host keeps), party_release.c (WITHDRAW). */

#include "message/message.h"
#include "vector/vector.h"

_Static_assert(SOTTO__MASK_KEY_BYTES == SOTTO__KEY_BYTES, "K makes the keys of masks");

/* Lives in guarded memory. */
struct party_secrets {
    uint8_t channel_key[SOTTO__SCALAR_BYTES]; /* c */
    uint8_t mask_key[SOTTO__SCALAR_BYTES];    /* m */
    uint8_t self_seed[SOTTO__SCALAR_BYTES];   /* b */
    struct sotto__share_pair own_share;
};

/* c_i C_j. Secret. */
struct channel {
    uint8_t point[SOTTO__POINT_BYTES];
};

struct sotto_session_party {
    const struct sotto_identity *identity;
    struct sotto_random random;
    struct sotto_invitation_terms invitation;
    struct party_secrets *secrets;
    struct sotto_shared_points *shared_points; /* borrowed; NULL but in a simulation */
    struct sotto_buffer advert;
    struct sotto_action_queue queue;
    enum sotto_party_phase phase;
    struct sotto_session_counters counters;

    /* From the roster on. */
    struct sotto_roster roster;
    struct sotto_vector_run *runs;
    size_t runs_len;
    size_t vector_bytes;
    bool verifies;
    uint32_t own;  /* index of this party */
    uint32_t need; /* survivors, at least */
    uint8_t session[SOTTO_SESSION_BYTES];
    uint32_t *holders;   /* graph.holders of them, in the order drawn: the first is this party */
    uint8_t *my_holders; /* bitmaps of parties */
    uint8_t *verified;   /* whose adverts were checked */
    uint8_t *partners;   /* with whom there is a pair mask */
    uint8_t *dealers;
    uint8_t *living;
    struct sotto__dealing dealing; /* of this party */
    struct channel *channels;      /* with the holders, by position, until SHARES came; guarded */

    /* From the shares on: of whom this party holds shares, ascending, itself among them. */
    uint32_t *held;
    uint32_t held_len;
    struct sotto__share_pair *shares; /* by place in held; guarded */

    /* From masking on: the partners that dealt, ascending; keys of their masks and of its own. */
    uint32_t *mask_partners;
    uint32_t mask_partners_len;
    struct sotto__mask_key *mask_keys; /* guarded */

    uint8_t dealings[SOTTO__HASH_BYTES]; /* as struct sotto__survivors has it; from SHARES on */
    uint8_t *seed_points; /* B of each dealer, by index; likewise, on a complete graph */
    uint8_t masked[SOTTO__HASH_BYTES]; /* the digest of what this party sent as MASKED */
    uint8_t *living_masked;            /* from LIVING on: the digests of all the living */
    uint8_t *vector; /* the input, then the masked input; NULL until there is an input */
    bool has_masked; /* the masked input has left */
    struct sotto_buffer consent;
    struct sotto_buffer reveal;
    struct sotto_buffer release;
};

static inline const struct sotto_key *party_key(const struct sotto_session_party *party,
                                                uint32_t index)
{
    return &party->roster.adverts[index].sender;
}

static inline uint32_t party_count(const struct sotto_session_party *party)
{
    return party->roster.adverts_len;
}

/* --- session_party.c --- */

/* Begins a message of this session; finishes and queues it to the aggregator. */
void sotto__party_begin(const struct sotto_session_party *party, struct sotto_writer *writer,
                        enum sotto_message_type type);
enum sotto_status sotto__party_finish(struct sotto_session_party *party,
                                      struct sotto_writer *writer) SOTTO_NODISCARD;

/* Queues a copy of bytes to the aggregator. */
enum sotto_status sotto__party_send(struct sotto_session_party *party,
                                    const struct sotto_buffer *bytes) SOTTO_NODISCARD;

/* After this nothing can be revealed any more. */
void sotto__party_wipe(struct sotto_session_party *party);

/* The secret of both channels with a peer. CT: in the channel key. */
void sotto__party_channel(const struct sotto_session_party *party, uint8_t out[SOTTO__POINT_BYTES],
                          uint32_t peer);

/* Checks the adverts of these parties that were not checked yet. */
enum sotto_status sotto__party_verify(struct sotto_session_party *party, const uint32_t *indices,
                                      uint32_t indices_len,
                                      struct sotto_error *err) SOTTO_NODISCARD;

/* Whether the parties of a bitmap are enough, for everybody and for this party's own secrets. */
bool sotto__party_has_enough(const struct sotto_session_party *party, const uint8_t *parties);

/* Asks the host to record that the masked vector leaves: PLEDGE. On failure the party has left. */
enum sotto_status sotto__party_pledge(struct sotto_session_party *party) SOTTO_NODISCARD;

/* --- party_deal.c, party_shares.c, party_unmask.c --- */
/* Draws polynomials, commits to their shares, and sends DEAL [PROTOCOL.md, DEAL]. CT: in the
 * secrets. */
enum sotto_status sotto__party_deal(struct sotto_session_party *party) SOTTO_NODISCARD;
/* Each reads the body of one message, and answers it. Returns: why it was not taken, and the phase
 * is as it was; or SOTTO_PARTY_LEFT, where what was wrong is another's. */
enum sotto_status sotto__party_receive_shares(struct sotto_session_party *party,
                                              struct sotto_reader *reader,
                                              struct sotto_error *err) SOTTO_NODISCARD;
/* Queues a COMPLAINT about a dealer. */
enum sotto_status sotto__party_complain(struct sotto_session_party *party,
                                        uint32_t dealer) SOTTO_NODISCARD;
enum sotto_status sotto__party_receive_living(struct sotto_session_party *party,
                                              struct sotto_reader *reader,
                                              struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__party_receive_unmask(struct sotto_session_party *party,
                                              struct sotto_reader *reader,
                                              struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__party_receive_withdraw(struct sotto_session_party *party,
                                                struct sotto_reader *reader,
                                                struct sotto_error *err) SOTTO_NODISCARD;

/* Masks the vector and sends it; the RECORD of a consent is durable: sends it. */
enum sotto_status sotto__party_mask(struct sotto_session_party *party) SOTTO_NODISCARD;
enum sotto_status sotto__party_consent(struct sotto_session_party *party) SOTTO_NODISCARD;

/* --- party_pledge.c --- */
/* Has the host keep what sotto_session_pledge_read reads, and what follows. */
enum sotto_status sotto__party_push_record(struct sotto_session_party *party,
                                           enum sotto_action_kind kind, const void *rest,
                                           size_t rest_bytes) SOTTO_NODISCARD;

#endif
