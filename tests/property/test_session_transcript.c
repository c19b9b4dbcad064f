/* SPDX-License-Identifier: Apache-2.0 */
/* What opens a session, as its parties check it: of honest ones always right, whoever vanishes when
 * it still may; and whatever an aggregator changes in it, the parties see it. */
#include "test.h"

#include "cases.h"
#include "world.h"

#include "aggregation/message/message.h"
#include "aggregation/session/session_aggregator.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>

#define CONSENT_BYTES 68
#define MASKED_BYTES (WORLD_VECTOR_BYTES + 64)

/* --- Honest sessions --- */

static uint64_t draw(struct world *world, uint64_t below)
{
    uint8_t bytes[8];
    assert_ok(world->random.fill(world->random.context, bytes, sizeof bytes));
    return sotto_load_u64(bytes) % below;
}

static const struct sotto_buffer *transcript_of(const struct world *world)
{
    return sotto_session_aggregator_transcript(world->aggregator);
}

/* What a party finds in these bytes; *sum has WORLD_VECTOR_BYTES, aligned. */
static enum sotto_status verify(const struct world *world, uint32_t party, uint8_t *sum,
                                struct sotto_dispute *out, const uint8_t *bytes, size_t bytes_len)
{
    struct sotto_error err;
    return sotto_session_party_verify(world->parties[party].session, sum, world->vector_bytes, out,
                                      bytes, bytes_len, &err);
}

/* Every party that consented finds the sum of the living, and they all stand for the same. */
static void assert_all_verify(const struct world *world)
{
    bool lives[WORLD_PARTIES_MAX] = {false};
    struct sotto_session_opening opening;
    uint8_t *expected = sotto_alloc_aligned(world->vector_bytes);
    uint8_t *sum = sotto_alloc_aligned(world->vector_bytes);
    assert_true(expected != NULL && sum != NULL);
    for (uint32_t i = 0; i < world->parties_len; i++) {
        lives[world_party_at(world, i)] = sotto_session_aggregator_lives(world->aggregator, i);
    }
    world_expected(world, lives, expected);
    sotto_session_aggregator_opening(world->aggregator, &opening);
    assert_ok(sotto_session_aggregator_recheck(world->aggregator, NULL));
    uint32_t verified = 0;
    for (uint32_t i = 0; i < world->parties_len; i++) {
        const struct sotto_buffer *transcript = transcript_of(world);
        struct sotto_session_party *session = world->parties[i].session;
        struct sotto_session_opening own;
        struct sotto_dispute dispute;
        enum sotto_party_phase phase = sotto_session_party_phase(session);
        if (!lives[i] || phase < SOTTO_PARTY_CONSENTED || phase == SOTTO_PARTY_LEFT) {
            continue;
        }
        assert_ok(verify(world, i, sum, &dispute, transcript->data, transcript->data_bytes));
        assert_memory_equal(sum, expected, world->vector_bytes);
        sotto_session_party_opening(session, &own);
        assert_memory_equal(&own, &opening, sizeof own);
        assert_int_equal(sotto_session_party_phase(session), SOTTO_PARTY_OPENED);
        verified++;
    }
    assert_true(verified >= 2);
    assert_true(transcript_of(world)->data_bytes <=
                sotto_session_transcript_bytes(world->parties_len, world->vector_bytes));
    sotto_free(expected);
    sotto_free(sum);
}

/* Runs a session of any size, widths and demands in which parties vanish at any step. Returns:
 * whether it came to a sum. */
static bool run_any(uint64_t seed)
{
    static struct sotto_random_stream stream;
    static const uint32_t widths[] = {4, 5, 8, 16, 24, 272};
    struct world world = {.random = sotto_random_seeded(&stream, seed, 1)};
    struct sotto_vector_run runs[4];
    size_t runs_len = 1 + draw(&world, 4);
    uint32_t n = 3 + (uint32_t)draw(&world, 8);
    for (size_t k = 0; k < runs_len; k++) {
        runs[k] = (struct sotto_vector_run){widths[draw(&world, 6)], 1 + draw(&world, 20)};
    }
    for (uint32_t i = 0; i < n; i++) {
        world_demands[i].colluders = n >= 5 ? (uint32_t)draw(&world, 3) : 0;
        world_demands[i].needs_consent = draw(&world, 8) == 0;
    }
    assert_ok(world_init(&world, n, runs, runs_len, 3, world.random));
    world.terms.verifies = true;
    for (uint32_t i = 0; i < n; i++) {
        bool vanishes = draw(&world, n) == 0;
        world.parties[i].drop_from =
            vanishes ? (uint16_t)(SOTTO_MESSAGE_DEAL + draw(&world, 4)) : (uint16_t)0;
        world_demands[i] = (struct sotto_session_demands){0};
    }
    world.shuffle = draw(&world, 2) == 1;
    world.repeat = draw(&world, 3) == 1;
    bool summed = false;
    if (world_start(&world) == SOTTO_OK) {
        assert_ok(world_run(&world));
        summed = sotto_session_aggregator_phase(world.aggregator) == SOTTO_AGGREGATOR_SUMMED;
    }
    if (summed) {
        assert_all_verify(&world);
    }
    world_release(&world);
    return summed;
}

static void test_honest_sessions_verify(void **state)
{
    (void)state;
    uint32_t summed = 0;
    size_t cases = test_cases(100);
    for (size_t i = 0; i < cases; i++) {
        summed += run_any(i);
    }
    assert_true(summed > cases / 4);
}

/* --- Lies --- */

/* A session that verifies and has summed, in which a party may have vanished before it uploaded. */
struct opened {
    struct world world;
    uint32_t verifier; /* a living party */
    uint8_t *sum;
    struct sotto_buffer bytes; /* a copy of the transcript, to be changed */
    uint32_t living_len;
    uint32_t dealers_len;
};

static struct opened opened;

static void open_living(uint32_t n, uint64_t seed, uint32_t living_len)
{
    opened = (struct opened){0};
    world_make(&opened.world, n, seed);
    opened.world.terms.verifies = true;
    opened.world.parties[n - 1].drop_from = living_len < n ? SOTTO_MESSAGE_MASKED : 0;
    assert_ok(world_start(&opened.world));
    assert_ok(world_run(&opened.world));
    assert_all_verify(&opened.world);
    memset(world_demands, 0, sizeof world_demands);
    const struct sotto_buffer *transcript = transcript_of(&opened.world);
    assert_ok(sotto_buffer_copy(&opened.bytes, transcript->data, transcript->data_bytes));
    opened.sum = sotto_alloc_aligned(opened.world.vector_bytes);
    assert_non_null(opened.sum);
    opened.dealers_len = n;
    opened.living_len = living_len;
}

/* With more than three parties one is dead. */
static void open_session(uint32_t n)
{
    open_living(n, n, n > 3 ? n - 1 : n);
}

static void close_session(void)
{
    sotto_buffer_release(&opened.bytes);
    sotto_free(opened.sum);
    world_release(&opened.world);
}

static uint8_t *masked_at(uint32_t place)
{
    return opened.bytes.data + (size_t)place * MASKED_BYTES;
}

static uint8_t *scalar_at(uint32_t place)
{
    return masked_at(opened.living_len) + (size_t)place * 32;
}

static uint8_t *consents(void)
{
    return scalar_at(opened.dealers_len);
}

/* The party whose masked input stands at a place. */
static uint32_t living_at(uint32_t place)
{
    uint32_t index = 0;
    while (!sotto_session_aggregator_lives(opened.world.aggregator, index) || place-- > 0) {
        index++;
    }
    return index;
}

static void refuse(enum sotto_dispute_kind kind)
{
    struct sotto_dispute dispute = {0};
    assert_int_equal(verify(&opened.world, opened.verifier, opened.sum, &dispute, opened.bytes.data,
                            opened.bytes.data_bytes),
                     SOTTO_ERROR_PROTOCOL);
    assert_int_equal(dispute.kind, kind);
}

static enum sotto_dispute_kind kind_of(size_t at)
{
    size_t count_at = (size_t)(consents() - opened.bytes.data);
    return at < (size_t)opened.living_len * MASKED_BYTES ? SOTTO_DISPUTE_MASKED
           : at < count_at                               ? SOTTO_DISPUTE_SECRET
           : at < count_at + 4                           ? SOTTO_DISPUTE_FORM
                                                         : SOTTO_DISPUTE_CONSENTS;
}

static void test_no_bit_of_it_can_be_another(void **state)
{
    (void)state;
    open_session(4);
    for (size_t at = 0; at < opened.bytes.data_bytes; at++) {
        uint8_t bit = (uint8_t)(1U << at % 8);
        opened.bytes.data[at] ^= bit;
        refuse(kind_of(at));
        opened.bytes.data[at] ^= bit;
    }
    close_session();
}

static void test_its_length_is_right_to_the_byte(void **state)
{
    (void)state;
    open_session(3);
    size_t bytes = opened.bytes.data_bytes;
    uint8_t *longer = sotto_alloc_zeroed(bytes + CONSENT_BYTES);
    assert_non_null(longer);
    memcpy(longer, opened.bytes.data, bytes);
    sotto_free(opened.bytes.data);
    opened.bytes.data = longer;
    for (size_t len = 0; len < bytes; len += len < 100 ? 1 : 37) {
        opened.bytes.data_bytes = len;
        (void)refuse(SOTTO_DISPUTE_FORM);
    }
    for (size_t more = 1; more <= CONSENT_BYTES; more += CONSENT_BYTES - 1) {
        opened.bytes.data_bytes = bytes + more;
        (void)refuse(SOTTO_DISPUTE_FORM);
    }
    opened.bytes.data_bytes = bytes;
    close_session();
}

/* The aggregator's own party signs a masked input after it has seen the others' sum. */
static void test_an_input_that_is_signed_after_the_reveals(void **state)
{
    (void)state;
    open_session(3);
    struct sotto_session_opening opening;
    struct sotto_buffer late;
    uint32_t liar = world_party_at(&opened.world, living_at(1));
    opened.verifier = world_party_at(&opened.world, living_at(2));
    sotto_session_aggregator_opening(opened.world.aggregator, &opening);
    masked_at(1)[0] ^= 1;
    world_seal(&opened.world, &late, opened.world.parties[liar].identity, SOTTO_MESSAGE_MASKED,
               opening.session, masked_at(1), WORLD_VECTOR_BYTES);
    memcpy(masked_at(1) + WORLD_VECTOR_BYTES, late.data + late.data_bytes - 64, 64);
    refuse(SOTTO_DISPUTE_MASKED);
    sotto_buffer_release(&late);
    close_session();
}

/* An aggregator that lists a masked input that nobody sent, to all but the party that it says it is
 * of: the others are enough. Then it shows the one that the party sent. That proves nothing about
 * the party, which signed once. */
static bool list_another(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    struct member *first = &world->aggregator->members[world_index_of(world, 0)];
    bool *is_done = world->inspect_context;
    if (message.type == SOTTO_MESSAGE_MASKED && letter->from != 0 && first->masked && !*is_done) {
        first->masked_digest[0] ^= 1;
        *is_done = true;
    }
    return true;
}

static void test_an_input_that_nobody_sent_is_listed(void **state)
{
    (void)state;
    bool is_done = false;
    opened = (struct opened){.verifier = 1};
    world_make(&opened.world, 5, 5);
    opened.world.terms.verifies = true;
    opened.world.inspect = list_another;
    opened.world.inspect_context = &is_done;
    assert_ok(world_start(&opened.world));
    assert_ok(world_run(&opened.world));
    assert_true(is_done);
    assert_int_equal(sotto_session_aggregator_phase(opened.world.aggregator),
                     SOTTO_AGGREGATOR_SUMMED);
    const struct sotto_buffer *transcript = transcript_of(&opened.world);
    assert_ok(sotto_buffer_copy(&opened.bytes, transcript->data, transcript->data_bytes));
    opened.sum = sotto_alloc_aligned(opened.world.vector_bytes);
    assert_non_null(opened.sum);
    refuse(SOTTO_DISPUTE_MASKED);
    close_session();
}

/* A digest that t parties consented to is not yet an input that its party sent. */
static void test_an_input_that_its_party_did_not_sign(void **state)
{
    (void)state;
    open_session(3);
    memcpy(masked_at(0) + WORLD_VECTOR_BYTES, masked_at(1) + WORLD_VECTOR_BYTES, 64);
    refuse(SOTTO_DISPUTE_MASKED);
    close_session();
}

static void test_inputs_of_two_parties_are_not_swapped(void **state)
{
    (void)state;
    open_session(3);
    uint8_t first[MASKED_BYTES];
    memcpy(first, masked_at(0), MASKED_BYTES);
    memcpy(masked_at(0), masked_at(1), MASKED_BYTES);
    memcpy(masked_at(1), first, MASKED_BYTES);
    (void)refuse(SOTTO_DISPUTE_MASKED);
    close_session();
}

/* The order of the group, little endian. */
static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                  0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                  0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

static void test_scalars_are_below_the_order(void **state)
{
    (void)state;
    open_session(4);
    for (uint32_t place = 0; place < opened.dealers_len; place++) {
        uint8_t kept[32];
        unsigned carry = 0;
        memcpy(kept, scalar_at(place), sizeof kept);
        for (size_t b = 0; b < sizeof kept; b++) {
            carry += (unsigned)kept[b] + order[b];
            scalar_at(place)[b] = (uint8_t)carry;
            carry >>= 8;
        }
        (void)refuse(SOTTO_DISPUTE_SECRET);
        memset(scalar_at(place), 0, sizeof kept);
        (void)refuse(SOTTO_DISPUTE_SECRET);
        memcpy(scalar_at(place), kept, sizeof kept);
    }
    close_session();
}

static void test_secrets_of_two_parties_are_not_swapped(void **state)
{
    (void)state;
    open_session(4);
    uint8_t first[32];
    memcpy(first, scalar_at(0), sizeof first);
    memcpy(scalar_at(0), scalar_at(1), sizeof first);
    memcpy(scalar_at(1), first, sizeof first);
    (void)refuse(SOTTO_DISPUTE_SECRET);
    close_session();
}

static void test_consents_are_threshold_of_the_living(void **state)
{
    (void)state;
    open_session(4);
    uint8_t kept[3 * CONSENT_BYTES];
    uint8_t *first = consents() + 4;
    assert_int_equal(consents()[0], 3);
    memcpy(kept, first, sizeof kept);

    /* One of them twice; two in another order. */
    memcpy(first + CONSENT_BYTES, first, CONSENT_BYTES);
    (void)refuse(SOTTO_DISPUTE_CONSENTS);
    memcpy(first, kept + CONSENT_BYTES, CONSENT_BYTES);
    memcpy(first + CONSENT_BYTES, kept, CONSENT_BYTES);
    (void)refuse(SOTTO_DISPUTE_CONSENTS);

    /* One too few. */
    memcpy(first, kept, sizeof kept);
    consents()[0] = 2;
    opened.bytes.data_bytes -= CONSENT_BYTES;
    (void)refuse(SOTTO_DISPUTE_CONSENTS);
    close_session();
}

/* A consent of the party that did not upload is of nobody whose input is in the sum. */
static void test_who_is_dead_does_not_consent(void **state)
{
    (void)state;
    open_session(4);
    struct sotto_session_opening opening;
    struct sotto_signature consent;
    uint32_t dead = world_index_of(&opened.world, 3);
    sotto_session_aggregator_opening(opened.world.aggregator, &opening);
    sotto_identity_sign(opened.world.parties[3].identity, &consent, SOTTO__SURVIVORS_LABEL,
                        opening.survivors, sizeof opening.survivors);
    /* In the place of one of the three, so that indices ascend. */
    uint32_t place = dead == 3 ? 2 : dead;
    uint8_t *at = consents() + 4 + (size_t)place * CONSENT_BYTES;
    at[0] = (uint8_t)dead;
    memcpy(at + 4, consent.bytes, sizeof consent.bytes);
    (void)refuse(SOTTO_DISPUTE_CONSENTS);
    close_session();
}

/* Four of five consents are enough, but not without the one whose advert asks for its own. Where it
 * stands in the roster is drawn: it is the last one in some of these sessions. */
static void test_nothing_is_opened_without_a_consent_that_is_asked_for(void **state)
{
    (void)state;
    uint32_t tried = 0;
    for (uint32_t seed = 0; seed < 30; seed++) {
        uint32_t asking = seed % 5;
        world_demands[asking].needs_consent = true;
        open_living(5, seed, 5);
        if (world_index_of(&opened.world, asking) == 4) {
            assert_int_equal(consents()[0], 5);
            consents()[0] = 4;
            opened.bytes.data_bytes -= CONSENT_BYTES;
            (void)refuse(SOTTO_DISPUTE_CONSENTS);
            tried++;
        }
        close_session();
    }
    assert_true(tried > 0);
}

/* A right transcript of one session proves nothing in another. */
static void test_a_transcript_of_another_session(void **state)
{
    (void)state;
    open_session(3);
    struct sotto_buffer other = opened.bytes;
    opened.bytes = (struct sotto_buffer){0};
    close_session();
    open_living(3, 4, 3);
    sotto_buffer_release(&opened.bytes);
    opened.bytes = other;
    (void)refuse(SOTTO_DISPUTE_CONSENTS);
    close_session();
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest_sessions_verify),
        cmocka_unit_test(test_no_bit_of_it_can_be_another),
        cmocka_unit_test(test_its_length_is_right_to_the_byte),
        cmocka_unit_test(test_an_input_that_is_signed_after_the_reveals),
        cmocka_unit_test(test_an_input_that_nobody_sent_is_listed),
        cmocka_unit_test(test_an_input_that_its_party_did_not_sign),
        cmocka_unit_test(test_inputs_of_two_parties_are_not_swapped),
        cmocka_unit_test(test_scalars_are_below_the_order),
        cmocka_unit_test(test_secrets_of_two_parties_are_not_swapped),
        cmocka_unit_test(test_consents_are_threshold_of_the_living),
        cmocka_unit_test(test_who_is_dead_does_not_consent),
        cmocka_unit_test(test_nothing_is_opened_without_a_consent_that_is_asked_for),
        cmocka_unit_test(test_a_transcript_of_another_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
