/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_WORLD_H
#define SOTTO_TEST_WORLD_H

/* One session between parties and an aggregator in this process, with every message in the test's
 * hands: lost, repeated, reordered, changed. */

#include <sotto/session.h>

#define WORLD_PARTIES_MAX 200
#define WORLD_AGGREGATOR UINT32_MAX

struct world_letter {
    uint32_t from; /* index in `parties`, or WORLD_AGGREGATOR */
    uint32_t to;
    struct sotto_buffer bytes;
};

struct world_party {
    struct sotto_identity *identity;
    struct sotto_session_party *session;
    uint8_t *vector;
    uint16_t drop_from; /* its messages of this type and later get lost; 0: none */
};

struct world {
    uint32_t parties_len;
    struct sotto_random random;
    struct sotto_identity *aggregator_identity;
    struct sotto_session_aggregator *aggregator;
    struct world_party parties[WORLD_PARTIES_MAX];
    struct sotto_session_terms terms;
    size_t vector_bytes;
    struct world_letter *letters;
    size_t letters_len;
    size_t letters_capacity;
    bool shuffle;       /* deliver in random order */
    bool repeat;        /* deliver everything twice */
    bool holds_pledges; /* a party's PLEDGE is left to the test, and what comes after it */
    bool remembers;     /* signatures, as a node does */
    bool at_once;       /* the aggregator takes all that is under way to it at once */
    /* Sees every letter before it is delivered; false loses it. May be NULL. */
    bool (*inspect)(struct world *world, struct world_letter *letter);
    void *inspect_context;
};

/* For the next world: what the adverts of its parties demand. */
extern struct sotto_session_demands world_demands[WORLD_PARTIES_MAX];

/* Parties with fresh identities, random vectors, and their adverts under way, on a complete graph
 * (until world_start: terms.graph can be changed). runs is borrowed. */
enum sotto_status world_init(struct world *world, uint32_t parties_len,
                             const struct sotto_vector_run *runs, size_t runs_len,
                             uint32_t min_parties, struct sotto_random random);
void world_release(struct world *world);

/* Collects the adverts and starts the aggregator and, with its ROSTER, the parties. */
enum sotto_status world_start(struct world *world);

/* Delivers until nothing is under way and the aggregator has summed or failed; steps that hang
 * expire. Returns: a failure of memory or randomness, else SOTTO_OK. */
enum sotto_status world_run(struct world *world);

/* Delivers what is under way, without letting a step expire. */
enum sotto_status world_deliver(struct world *world);

/* The party whose key stands at an index of the roster, and the other way round. */
uint32_t world_party_at(const struct world *world, uint32_t roster_index);
uint32_t world_index_of(const struct world *world, uint32_t party);

/* The sum of the vectors of the parties that `lives` says yes to, element by element, into out. */
void world_expected(const struct world *world, const bool *lives, uint8_t *out);

/* Seals a message of the aggregator's, or of a party's, in this session. */
void world_seal(const struct world *world, struct sotto_buffer *out,
                const struct sotto_identity *identity, enum sotto_message_type type,
                const uint8_t session[SOTTO_SESSION_BYTES], const void *body, size_t body_bytes);

/* A DEAL in which a bit of the ciphertexts for some holders (by their index in the roster) is
 * another, signed again by its dealer as if it had been so from the start. */
void world_spoil_deal(struct sotto_buffer *deal, const struct sotto_identity *dealer,
                      uint32_t holders_len, bool (*spoils)(uint32_t holder));

/* Gives bytes to a party's session, as its host would. */
enum sotto_status world_give(struct world *world, uint32_t party, const struct sotto_buffer *bytes,
                             struct sotto_error *err);

/* --- Sessions of one shape, and how they end --- */

#define WORLD_VECTOR_BYTES 459 /* of all widths that slots may have */

/* world_init with vectors of WORLD_VECTOR_BYTES, min_parties 3 and seeded randomness. Ends the test
 * where that fails, as the next two do where it did not come so. */
void world_make(struct world *world, uint32_t parties_len, uint64_t seed);

/* The aggregator has summed, and the sum is that of the parties that lives says yes to. */
void world_assert_sum(const struct world *world, const bool *lives);

/* The aggregator has failed with this status, for good or not, and says why. */
void world_assert_failed(const struct world *world, bool final, enum sotto_status status);

#endif
