/* SPDX-License-Identifier: Apache-2.0 */
#include "party_memory.h"
#include "support.h"

#include <sotto/alloc.h>
#include <sotto/session.h>
#include <string.h>

struct world {
    uint32_t parties_len;
    struct sotto_vector_run run;
    struct sotto_session_terms terms;
    struct sotto_random random;
    struct sotto_identity *host;
    struct sotto_session_aggregator *aggregator;
    struct sotto_identity **identities;
    struct sotto_session_party **parties;
};

/* The one message that a party has to send. */
static struct sotto_buffer sent_by(struct sotto_session_party *party)
{
    struct sotto_action action;
    SOTTO_REQUIRE(sotto_session_party_next(party, &action) && action.kind == SOTTO_ACTION_SEND);
    return action.bytes;
}

/* The aggregator's next message and whom it is for. */
static uint32_t sent_to(const struct world *world, struct sotto_buffer *out)
{
    struct sotto_action action;
    uint32_t i = 0;
    SOTTO_REQUIRE(sotto_session_aggregator_next(world->aggregator, &action));
    for (; i < world->parties_len; i++) {
        struct sotto_key key = sotto_identity_key(world->identities[i]);
        if (sotto_key_equal(&key, &action.peer)) {
            break;
        }
    }
    SOTTO_REQUIRE(i < world->parties_len);
    *out = action.bytes;
    return i;
}

static void open_session(struct world *world)
{
    struct sotto_roster roster;
    struct sotto_buffer *adverts = sotto_alloc_array(world->parties_len, sizeof *adverts);
    static const struct sotto_session_demands demands;
    SOTTO_REQUIRE(adverts != NULL);
    SOTTO_REQUIRE(sotto_identity_generate(&world->host, world->random) == SOTTO_OK);
    world->terms.invitation.aggregator = sotto_identity_key(world->host);
    for (uint32_t i = 0; i < world->parties_len; i++) {
        SOTTO_REQUIRE(sotto_identity_generate(&world->identities[i], world->random) == SOTTO_OK);
        SOTTO_REQUIRE(sotto_session_party_new(&world->parties[i], world->identities[i],
                                              world->random, &world->terms.invitation, &demands,
                                              NULL, 0) == SOTTO_OK);
        adverts[i] = sent_by(world->parties[i]);
    }
    SOTTO_REQUIRE(sotto_roster_make(&roster, adverts, world->parties_len, &world->terms.invitation,
                                    &world->terms.graph, world->host, NULL) == SOTTO_OK);
    SOTTO_REQUIRE(sotto_session_aggregator_new(&world->aggregator, world->host, &roster,
                                               &world->terms, NULL) == SOTTO_OK);
    for (uint32_t i = 0; i < world->parties_len; i++) {
        sotto_buffer_release(&adverts[i]);
    }
    sotto_free(adverts);
}

/* All parties deal. */
static void deal(struct world *world)
{
    for (uint32_t k = 0; k < world->parties_len; k++) {
        struct sotto_buffer bytes;
        struct sotto_roster roster;
        struct sotto_message message;
        struct sotto_session_party *party = world->parties[sent_to(world, &bytes)];
        SOTTO_REQUIRE(sotto_roster_open(&roster, bytes.data, bytes.data_bytes,
                                        &world->terms.invitation, NULL) == SOTTO_OK);
        SOTTO_REQUIRE(sotto_session_party_start(party, &roster, &world->terms, NULL) == SOTTO_OK);
        sotto_buffer_release(&bytes);
        bytes = sent_by(party);
        SOTTO_REQUIRE(sotto_message_open(&message, bytes.data, bytes.data_bytes, NULL) == SOTTO_OK);
        SOTTO_REQUIRE(sotto_session_aggregator_receive(world->aggregator, &message, NULL) ==
                      SOTTO_OK);
        sotto_buffer_release(&bytes);
    }
}

/* The first party that gets its shares gives its vector and masks it. */
static double mask(const struct world *world)
{
    struct sotto_buffer shares;
    struct sotto_message message;
    struct sotto_session_party *party = world->parties[sent_to(world, &shares)];
    size_t vector_bytes = (size_t)world->run.elements_len * world->run.element_bytes;
    SOTTO_REQUIRE(sotto_message_open(&message, shares.data, shares.data_bytes, NULL) == SOTTO_OK);
    bench_reset_peak();
    double before_mb = bench_peak_mb();
    uint8_t *vector = sotto_alloc(vector_bytes);
    SOTTO_REQUIRE(vector != NULL);
    memset(vector, 1, vector_bytes);
    SOTTO_REQUIRE(sotto_session_party_input(party, vector, vector_bytes) == SOTTO_OK);
    SOTTO_REQUIRE(sotto_session_party_receive(party, &message, NULL) == SOTTO_OK);
    struct sotto_action pledge;
    SOTTO_REQUIRE(sotto_session_party_next(party, &pledge) && pledge.kind == SOTTO_ACTION_PLEDGE);
    sotto_action_release(&pledge);
    SOTTO_REQUIRE(sotto_session_party_recorded(party) == SOTTO_OK);
    struct sotto_buffer masked = sent_by(party);
    SOTTO_REQUIRE(masked.data_bytes > vector_bytes);
    double peak_mb = bench_peak_mb() - before_mb;
    sotto_buffer_release(&masked);
    sotto_buffer_release(&shares);
    sotto_free(vector);
    return peak_mb;
}

double party_memory_mb(uint32_t parties_len, uint32_t elements_len, uint32_t element_bytes)
{
    struct world world = {
        .parties_len = parties_len,
        .run = {element_bytes, elements_len},
        .random = sotto_random_system(),
        .terms = {.min_parties = 3, .runs_len = 1, .graph = {.model = SOTTO_GRAPH_COMPLETE}},
    };
    world.terms.runs = &world.run;
    world.terms.invitation.label.round = 1;
    world.terms.invitation.label.attempt = 1;
    world.identities = sotto_alloc_array(parties_len, sizeof *world.identities);
    world.parties = sotto_alloc_array(parties_len, sizeof *world.parties);
    SOTTO_REQUIRE(world.identities != NULL && world.parties != NULL);
    open_session(&world);
    deal(&world);
    double result_mb = mask(&world);
    for (uint32_t i = 0; i < parties_len; i++) {
        sotto_session_party_free(world.parties[i]);
        sotto_identity_free(world.identities[i]);
    }
    sotto_session_aggregator_free(world.aggregator);
    sotto_identity_free(world.host);
    sotto_free(world.identities);
    sotto_free(world.parties);
    return result_mb;
}
