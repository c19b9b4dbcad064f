/* SPDX-License-Identifier: Apache-2.0 */
/* Lying aggregators: they hold the aggregator's key, and may say anything. */
#include "test.h"
#include "world.h"

#include "aggregation/session/session_aggregator.h"
#include "aggregation/session/session_party.h"
#include <sotto/secret.h>
#include <stdlib.h>

static void learn_session(const struct world *world, uint8_t session[SOTTO_SESSION_BYTES])
{
    sotto__session_id(session, sotto_session_aggregator_roster(world->aggregator), &world->terms);
}

static bool lose_all_of(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    const uint16_t *type = world->inspect_context;
    return !sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes) ||
           message.type != *type;
}

/* Runs until no message of `type` would go on: the parties wait for it. */
static void world_until(struct world *world, uint16_t type)
{
    static uint16_t stop_at;
    stop_at = type;
    world->inspect = lose_all_of;
    world->inspect_context = &stop_at;
    assert_ok(world_start(world));
    assert_ok(world_deliver(world));
}

static enum sotto_status say(struct world *world, uint32_t party, enum sotto_message_type type,
                             const void *body, size_t body_bytes)
{
    uint8_t session[SOTTO_SESSION_BYTES];
    struct sotto_buffer message;
    learn_session(world, session);
    world_seal(world, &message, world->aggregator_identity, type, session, body, body_bytes);
    enum sotto_status status = world_give(world, party, &message, NULL);
    sotto_buffer_release(&message);
    return status;
}

/* The digests of the masked inputs of the living, at most 8, as an honest aggregator knows them. */
static size_t list_masked(const struct world *world, uint8_t *out, uint8_t living)
{
    size_t len = 0;
    for (uint32_t i = 0; i < world->parties_len; i++) {
        if (bitmap_get(&living, i)) {
            memcpy(out + len * SOTTO__HASH_BYTES, world->aggregator->members[i].masked_digest,
                   SOTTO__HASH_BYTES);
            len++;
        }
    }
    return len * SOTTO__HASH_BYTES;
}

/* LIVING with these living; other: of whom another masked input is listed, or UINT32_MAX. */
static enum sotto_status say_living_with(struct world *world, uint32_t party, uint8_t living,
                                         uint32_t other)
{
    uint8_t body[1 + 8 * SOTTO__HASH_BYTES] = {living};
    size_t bytes = 1 + list_masked(world, body + 1, living);
    if (other != UINT32_MAX) {
        body[1 + bitmap_count(&living, other) * SOTTO__HASH_BYTES] ^= 1;
    }
    return say(world, party, SOTTO_MESSAGE_LIVING, body, bytes);
}

static enum sotto_status say_living(struct world *world, uint32_t party, uint8_t living)
{
    return say_living_with(world, party, living, UINT32_MAX);
}

static bool is_silent(struct world *world, uint32_t party)
{
    struct sotto_action action;
    if (!sotto_session_party_next(world->parties[party].session, &action)) {
        return true;
    }
    sotto_action_release(&action);
    return false;
}

static void test_one_survivor_set_is_signed(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, 5, 7);
    world_until(&world, SOTTO_MESSAGE_LIVING);
    uint32_t victim = world_party_at(&world, 0);
    const uint8_t all = 0x1F, first = 0x0F, without_victim = 0x1E, three = 0x07, beyond = 0x3F;

    assert_int_equal(say_living(&world, victim, without_victim), SOTTO_ERROR_PARTIES);
    assert_int_equal(say_living(&world, victim, three), SOTTO_ERROR_PARTIES);
    assert_int_equal(say_living(&world, victim, beyond), SOTTO_ERROR_PROTOCOL);
    assert_int_equal(say(&world, victim, SOTTO_MESSAGE_LIVING, "", 0), SOTTO_ERROR_PROTOCOL);
    assert_true(is_silent(&world, victim));
    /* Nothing leaves before the host says that the record is durable. */
    struct sotto_action record, consent;
    struct sotto_session_party *party = world.parties[victim].session;
    assert_ok(say_living(&world, victim, first));
    assert_true(sotto_session_party_next(party, &record));
    assert_int_equal(record.kind, SOTTO_ACTION_RECORD);
    sotto_action_release(&record);
    assert_ok(say_living(&world, victim, first));
    assert_int_equal(say_living(&world, victim, all), SOTTO_ERROR_PROTOCOL);
    assert_true(is_silent(&world, victim));
    assert_ok(sotto_session_party_recorded(party));
    assert_true(sotto_session_party_next(party, &consent));
    assert_int_equal(say_living(&world, victim, all), SOTTO_ERROR_PROTOCOL);
    assert_true(is_silent(&world, victim));
    assert_ok(say_living(&world, victim, first));
    struct sotto_action again;
    assert_true(sotto_session_party_next(world.parties[victim].session, &again));
    assert_int_equal(again.bytes.data_bytes, consent.bytes.data_bytes);
    assert_memory_equal(again.bytes.data, consent.bytes.data, again.bytes.data_bytes);
    sotto_action_release(&again);
    sotto_action_release(&consent);
    world_release(&world);
}

/* What forged consents are to instead of what the aggregator knows. */
static enum { CHANGE_NOTHING, CHANGE_MASKED, CHANGE_DEALINGS } forgery;

static void change(struct sotto__survivors *survivors, uint8_t *masked)
{
    static const uint8_t others[SOTTO__HASH_BYTES] = {1, 2, 3};
    if (forgery == CHANGE_MASKED) {
        masked[40] ^= 1; /* of the second of the living */
    } else if (forgery == CHANGE_DEALINGS) {
        survivors->dealings = others;
    }
}

/* A list of consents for UNMASK, signed by these roster indices. */
static size_t forge_unmask(const struct world *world, uint8_t *out, const uint32_t *signers,
                           size_t signers_len, uint8_t dealers, uint8_t living)
{
    uint8_t session[SOTTO_SESSION_BYTES];
    uint8_t digest[SOTTO__HASH_BYTES];
    struct sotto_writer writer;
    learn_session(world, session);
    uint8_t masked[8 * SOTTO__HASH_BYTES];
    (void)list_masked(world, masked, living);
    struct sotto__survivors survivors = {.session = session,
                                         .dealers = &dealers,
                                         .living = &living,
                                         .parties_len = world->parties_len,
                                         .dealings = world->aggregator->dealings,
                                         .masked = masked};
    change(&survivors, masked);
    sotto__survivors_digest(digest, &survivors);
    sotto_writer_init(&writer, 4096);
    sotto_write_u32(&writer, (uint32_t)signers_len);
    for (size_t k = 0; k < signers_len; k++) {
        struct sotto_signature signature;
        uint32_t party = world_party_at(world, signers[k]);
        sotto_identity_sign(world->parties[party].identity, &signature, SOTTO__SURVIVORS_LABEL,
                            digest, sizeof digest);
        sotto_write_u32(&writer, signers[k]);
        sotto_write_bytes(&writer, signature.bytes, sizeof signature.bytes);
    }
    size_t bytes = writer.data_bytes;
    memcpy(out, writer.data, bytes);
    sotto_writer_release(&writer);
    return bytes;
}

static enum sotto_status unmask(struct world *world, uint32_t victim, const uint32_t *signers,
                                size_t signers_len, uint8_t dealers, uint8_t living)
{
    uint8_t body[2048];
    size_t bytes = forge_unmask(world, body, signers, signers_len, dealers, living);
    return say(world, victim, SOTTO_MESSAGE_UNMASK, body, bytes);
}

static void test_unmasking_needs_enough_consents_to_the_same_set(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, 5, 8); /* threshold 4 */
    world_until(&world, SOTTO_MESSAGE_LIVING);
    uint32_t victim = world_party_at(&world, 0);
    const uint8_t living = 0x0F, other = 0x1F, dealers = 0x1F;
    static const uint32_t four[] = {0, 1, 2, 3}, twice[] = {0, 1, 1, 2}, down[] = {3, 2, 1, 0},
                          with_dead[] = {0, 1, 2, 4};

    assert_int_equal(unmask(&world, victim, four, 4, dealers, living), SOTTO_ERROR_STATE);
    struct sotto_session_party *party = world.parties[victim].session;
    assert_ok(say_living(&world, victim, living));
    assert_false(is_silent(&world, victim)); /* the record */
    assert_int_equal(unmask(&world, victim, four, 4, dealers, living), SOTTO_ERROR_STATE);
    assert_ok(sotto_session_party_recorded(party));
    assert_false(is_silent(&world, victim));
    assert_int_equal(unmask(&world, victim, four, 3, dealers, living), SOTTO_ERROR_PARTIES);
    assert_int_equal(unmask(&world, victim, four, 4, dealers, other), SOTTO_ERROR_AUTH);
    assert_int_equal(unmask(&world, victim, four, 4, living, living), SOTTO_ERROR_AUTH);
    assert_int_equal(unmask(&world, victim, twice, 4, dealers, living), SOTTO_ERROR_AUTH);
    assert_int_equal(unmask(&world, victim, down, 4, dealers, living), SOTTO_ERROR_AUTH);
    assert_int_equal(unmask(&world, victim, with_dead, 4, dealers, living), SOTTO_ERROR_AUTH);
    assert_int_equal(say(&world, victim, SOTTO_MESSAGE_UNMASK, "\xff\xff\xff\xff", 4),
                     SOTTO_ERROR_AUTH);
    assert_true(is_silent(&world, victim));

    assert_ok(unmask(&world, victim, four, 4, dealers, living));
    struct sotto_action reveal, again;
    assert_true(sotto_session_party_next(party, &reveal));
    assert_ok(unmask(&world, victim, four, 4, dealers, living));
    assert_true(sotto_session_party_next(party, &again));
    assert_memory_equal(again.bytes.data, reveal.bytes.data, reveal.bytes.data_bytes);
    sotto_action_release(&again);
    sotto_action_release(&reveal);
    world_release(&world);
}

/* One session opens one sum: who sees the others' sum first can't choose its input afterwards
 * (late.c of the review), nor show two inputs or two dealings to different parties. */
static void test_masked_inputs_are_fixed_before_anything_opens(void **state)
{
    (void)state;
    struct world world;
    const uint8_t living = 0x1F;
    static const uint32_t all[] = {0, 1, 2, 3, 4};
    world_make(&world, 5, 20);
    world_until(&world, SOTTO_MESSAGE_LIVING);
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t own = world_index_of(&world, i);
        uint32_t other = (own + 1) % 5;
        struct sotto_session_party *party = world.parties[i].session;
        /* Not with what this party did not send. */
        assert_int_equal(say_living_with(&world, i, living, own), SOTTO_ERROR_PROTOCOL);
        assert_true(is_silent(&world, i));
        assert_ok(say_living(&world, i, living));
        assert_false(is_silent(&world, i)); /* the record */
        /* Nor with another input of somebody, once there was one. */
        assert_int_equal(say_living_with(&world, i, living, other), SOTTO_ERROR_PROTOCOL);
        assert_ok(sotto_session_party_recorded(party));
        assert_false(is_silent(&world, i));
        assert_int_equal(say_living_with(&world, i, living, other), SOTTO_ERROR_PROTOCOL);
        forgery = CHANGE_MASKED; /* what others were shown */
        assert_int_equal(unmask(&world, i, all, 5, living, living), SOTTO_ERROR_AUTH);
        forgery = CHANGE_DEALINGS;
        assert_int_equal(unmask(&world, i, all, 5, living, living), SOTTO_ERROR_AUTH);
        forgery = CHANGE_NOTHING;
        assert_true(is_silent(&world, i));
        assert_ok(unmask(&world, i, all, 5, living, living));
        assert_false(is_silent(&world, i));
    }
    world_release(&world);
}

/* Keeps the consents of a session, and the masked input of party 0. */
static struct sotto_buffer late_consents[5];
static struct sotto_buffer late_masked;

static bool keep_consents(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    (void)world;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_CONSENT) {
        assert_ok(
            sotto_buffer_copy(&late_consents[letter->from], message.body, message.body_bytes));
    } else if (message.type == SOTTO_MESSAGE_MASKED && letter->from == 0) {
        assert_ok(sotto_buffer_copy(&late_masked, message.body, message.body_bytes));
    }
    return true;
}

/* How many of the consents sign the survivors with this signed masked input of party 0. */
static uint32_t count_consents_with(struct world *world, const struct sotto_message *masked)
{
    uint8_t digest[SOTTO__HASH_BYTES];
    uint32_t count = 0;
    uint32_t own = world_index_of(world, 0); /* all five live */
    sotto__masked_digest(world->aggregator->masked + own * SOTTO__HASH_BYTES,
                         masked->signed_digest);
    sotto__aggregator_survivors(world->aggregator, digest);
    for (uint32_t i = 0; i < 5; i++) {
        struct sotto_key key = sotto_identity_key(world->parties[i].identity);
        struct sotto_signature signature;
        if (late_consents[i].data_bytes == sizeof signature.bytes) {
            memcpy(signature.bytes, late_consents[i].data, sizeof signature.bytes);
            count +=
                sotto_key_verify(&key, &signature, SOTTO__SURVIVORS_LABEL, digest, sizeof digest);
        }
    }
    return count;
}

/* A second masked input, signed when the sum is known, has a good signature and nobody's consent:
 * whoever checks a sum against consents sees which input it was opened with. */
static void test_an_input_signed_after_the_sum_has_no_consents(void **state)
{
    (void)state;
    struct world world;
    uint8_t session[SOTTO_SESSION_BYTES];
    bool lives[5] = {true, true, true, true, true};
    world_make(&world, 5, 21);
    world.inspect = keep_consents;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    world_assert_sum(&world, lives);
    learn_session(&world, session);
    for (uint8_t flip = 0; flip < 2; flip++) {
        struct sotto_buffer bytes;
        struct sotto_message masked;
        late_masked.data[0] ^= flip;
        world_seal(&world, &bytes, world.parties[0].identity, SOTTO_MESSAGE_MASKED, session,
                   late_masked.data, late_masked.data_bytes);
        assert_ok(sotto_message_open(&masked, bytes.data, bytes.data_bytes, NULL));
        uint32_t count = count_consents_with(&world, &masked);
        assert_true(flip == 0 ? count >= 4 : count == 0);
        assert_int_equal(sotto_session_aggregator_receive(world.aggregator, &masked, NULL),
                         SOTTO_ERROR_STATE);
        sotto_buffer_release(&bytes);
    }
    for (uint32_t i = 0; i < 5; i++) {
        sotto_buffer_release(&late_consents[i]);
    }
    sotto_buffer_release(&late_masked);
    world_release(&world);
}

/* Before its masked input leaves, a party's host has written down that it does. */
static void test_nothing_masked_leaves_before_the_pledge(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, 4, 22);
    world.holds_pledges = true;
    assert_ok(world_start(&world));
    assert_ok(world_deliver(&world));
    for (uint32_t i = 0; i < 4; i++) {
        struct sotto_session_party *party = world.parties[i].session;
        assert_int_equal(sotto_session_party_phase(party), SOTTO_PARTY_MASKING);
        assert_false(sotto_session_party_has_masked(party));
        assert_true(is_silent(&world, i));
        assert_false(sotto_session_aggregator_lives(world.aggregator, i));
    }
    for (uint32_t i = 0; i < 4; i++) {
        struct sotto_action action;
        struct sotto_message message;
        struct sotto_session_party *party = world.parties[i].session;
        assert_ok(sotto_session_party_recorded(party));
        assert_true(sotto_session_party_has_masked(party));
        assert_true(sotto_session_party_next(party, &action));
        assert_ok(sotto_message_open(&message, action.bytes.data, action.bytes.data_bytes, NULL));
        assert_int_equal(message.type, SOTTO_MESSAGE_MASKED);
        assert_ok(sotto_session_aggregator_receive(world.aggregator, &message, NULL));
        assert_true(sotto_session_aggregator_lives(world.aggregator, world_index_of(&world, i)));
        sotto_action_release(&action);
    }
    world_release(&world);
}

/* Who gave a session up never consents in it, and who consented does not give it up. */
static void test_release_and_consent_exclude_each_other(void **state)
{
    (void)state;
    struct world world;
    const uint8_t living = 0x1F;
    world_make(&world, 5, 23);
    world_until(&world, SOTTO_MESSAGE_LIVING);
    struct sotto_session_party *party = world.parties[0].session;
    struct sotto_action first, again;
    struct sotto_message message;
    assert_int_equal(say(&world, 0, SOTTO_MESSAGE_WITHDRAW, "x", 1), SOTTO_ERROR_PROTOCOL);
    assert_true(is_silent(&world, 0));
    assert_ok(say(&world, 0, SOTTO_MESSAGE_WITHDRAW, "", 0));
    assert_true(sotto_session_party_next(party, &first));
    assert_ok(sotto_message_open(&message, first.bytes.data, first.bytes.data_bytes, NULL));
    assert_int_equal(message.type, SOTTO_MESSAGE_RELEASE);
    assert_null(party->secrets);
    assert_null(party->shares);
    assert_int_equal(say_living(&world, 0, living), SOTTO_ERROR_STATE);
    assert_true(is_silent(&world, 0));
    assert_ok(say(&world, 0, SOTTO_MESSAGE_WITHDRAW, "", 0));
    assert_true(sotto_session_party_next(party, &again));
    assert_memory_equal(again.bytes.data, first.bytes.data, first.bytes.data_bytes);
    sotto_action_release(&again);
    sotto_action_release(&first);

    assert_ok(say_living(&world, 1, living));
    assert_false(is_silent(&world, 1)); /* the record */
    assert_int_equal(say(&world, 1, SOTTO_MESSAGE_WITHDRAW, "", 0), SOTTO_ERROR_PROTOCOL);
    assert_ok(sotto_session_party_recorded(world.parties[1].session));
    assert_false(is_silent(&world, 1)); /* the consent */
    assert_int_equal(say(&world, 1, SOTTO_MESSAGE_WITHDRAW, "", 0), SOTTO_ERROR_PROTOCOL);
    assert_true(is_silent(&world, 1));
    world_release(&world);
}

/* What one owner demands holds for all: without it t others open its party's input. */
static void test_demands_of_one_bind_all(void **state)
{
    (void)state;
    struct world world;
    static const uint32_t all[] = {0, 1, 2, 3, 4};
    const uint8_t living = 0x1F;
    world_demands[2].min_parties = 5;
    world_make(&world, 5, 18);
    world_until(&world, SOTTO_MESSAGE_LIVING);
    for (uint32_t i = 0; i < 5; i++) { /* the others too refuse to open a sum over four */
        uint8_t four = (uint8_t)(0x1F & ~(1U << (world_index_of(&world, i) + 1) % 5));
        assert_int_equal(say_living(&world, i, four), SOTTO_ERROR_PARTIES);
    }
    world_release(&world);
    world_demands[2] = (struct sotto_session_demands){.needs_consent = true};
    world_make(&world, 5, 19); /* threshold 4 */
    world_until(&world, SOTTO_MESSAGE_LIVING);
    uint32_t owner = world_index_of(&world, 2);
    uint32_t four[4];
    for (uint32_t i = 0, k = 0; i < 5; i++) {
        if (i != owner) {
            four[k++] = i;
        }
    }
    for (uint32_t i = 0; i < 5; i++) {
        struct sotto_session_party *party = world.parties[i].session;
        assert_ok(say_living(&world, i, living));
        assert_false(is_silent(&world, i)); /* the record */
        assert_ok(sotto_session_party_recorded(party));
        assert_false(is_silent(&world, i));
        assert_int_equal(unmask(&world, i, four, 4, living, living), SOTTO_ERROR_PARTIES);
        assert_true(is_silent(&world, i));
        assert_ok(unmask(&world, i, all, 5, living, living));
        assert_false(is_silent(&world, i));
    }
    world_release(&world);
    world_demands[2] = (struct sotto_session_demands){0};
}

/* Adverts of parties with one change, as a roster signed by the aggregator. */
static enum sotto_status roster_with(struct world *world, struct sotto_buffer *adverts,
                                     uint32_t adverts_len, uint32_t threshold, uint32_t victim)
{
    struct sotto_writer writer;
    struct sotto_buffer message;
    struct sotto_error err;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(&writer, SOTTO_MESSAGE_ROSTER, &world->terms.invitation.label, NULL,
                        world->aggregator_identity);
    sotto_write_u32(&writer, adverts_len);
    sotto_write_u32(&writer, adverts_len);
    sotto_write_u32(&writer, adverts_len - 1);
    sotto_write_u32(&writer, threshold);
    for (uint32_t i = 0; i < adverts_len; i++) {
        sotto_write_blob(&writer, adverts[i].data, adverts[i].data_bytes);
    }
    assert_ok(sotto_message_finish(&writer, &message, world->aggregator_identity));
    enum sotto_status status = world_give(world, victim, &message, &err);
    sotto_buffer_release(&message);
    return status;
}

static int by_sender(const void *a, const void *b)
{
    struct sotto_message x, y;
    const struct sotto_buffer *first = a, *second = b;
    (void)sotto_message_parse(&x, first->data, first->data_bytes);
    (void)sotto_message_parse(&y, second->data, second->data_bytes);
    return sotto_key_compare(&x.sender, &y.sender);
}

static void test_rosters_are_checked(void **state)
{
    (void)state;
    struct world world;
    struct sotto_buffer adverts[5], changed[5];
    world_make(&world, 5, 9);
    for (uint32_t i = 0; i < 5; i++) {
        struct sotto_action action;
        assert_true(sotto_session_party_next(world.parties[i].session, &action));
        adverts[i] = action.bytes;
    }
    qsort(adverts, 5, sizeof adverts[0], by_sender);
    struct sotto_key zero = sotto_identity_key(world.parties[0].identity);
    struct sotto_message own;
    uint32_t own_index = 0;
    while (sotto_message_parse(&own, adverts[own_index].data, adverts[own_index].data_bytes) &&
           !sotto_key_equal(&own.sender, &zero)) {
        own_index++;
    }
    assert_int_equal(roster_with(&world, adverts, 5, 3, 1), SOTTO_ERROR_PROTOCOL); /* threshold */
    assert_int_equal(roster_with(&world, adverts, 2, 2, 0), SOTTO_ERROR_PARTIES);

    memcpy(changed, adverts, sizeof changed);
    changed[1] = adverts[0]; /* one party twice */
    assert_int_equal(roster_with(&world, changed, 5, 4, 0), SOTTO_ERROR_PROTOCOL);

    memcpy(changed, adverts, sizeof changed);
    changed[0] = adverts[1];
    changed[1] = adverts[0]; /* not ascending */
    assert_int_equal(roster_with(&world, changed, 5, 4, 0), SOTTO_ERROR_PROTOCOL);

    uint32_t other = own_index == 0 ? 1 : 0;
    adverts[other].data[170] ^= 1; /* a point, changed by somebody who can't sign */
    assert_int_equal(roster_with(&world, adverts, 5, 4, 2), SOTTO_ERROR_AUTH);
    adverts[other].data[170] ^= 1;
    adverts[other].data[110] ^= 1; /* another aggregator */
    assert_int_equal(roster_with(&world, adverts, 5, 4, 0), SOTTO_ERROR_PROTOCOL);
    adverts[other].data[110] ^= 1;

    /* Another advert of the same party, honestly signed: the party sees that it is not its own. */
    struct sotto_session_party *twin;
    struct sotto_action twin_advert;
    assert_ok(sotto_session_party_new(&twin, world.parties[0].identity, world.random,
                                      &world.terms.invitation, &world_demands[0], NULL, 0));
    assert_true(sotto_session_party_next(twin, &twin_advert));
    memcpy(changed, adverts, sizeof changed);
    changed[own_index] = twin_advert.bytes;
    assert_int_equal(roster_with(&world, changed, 5, 4, 0), SOTTO_ERROR_PROTOCOL);
    assert_int_equal(sotto_session_party_phase(world.parties[0].session), SOTTO_PARTY_ADVERTISED);
    sotto_action_release(&twin_advert);
    sotto_session_party_free(twin);
    for (uint32_t i = 0; i < 5; i++) {
        sotto_buffer_release(&adverts[i]);
    }
    world_release(&world);
}

static void test_adverts_are_bound_to_their_invitation(void **state)
{
    (void)state;
    struct world world;
    struct sotto_action action;
    struct sotto_advert advert;
    world_make(&world, 3, 10);
    assert_true(sotto_session_party_next(world.parties[0].session, &action));
    const struct sotto_buffer *bytes = &action.bytes;
    struct sotto_invitation_terms terms = world.terms.invitation;
    assert_ok(sotto_advert_open(&advert, bytes->data, bytes->data_bytes, &terms, NULL));
    assert_int_equal(advert.payload_bytes, 5);
    terms.label.attempt = 2;
    assert_int_equal(sotto_advert_open(&advert, bytes->data, bytes->data_bytes, &terms, NULL),
                     SOTTO_ERROR_PROTOCOL);
    terms = world.terms.invitation;
    terms.plan_digest[3] ^= 1;
    assert_int_equal(sotto_advert_open(&advert, bytes->data, bytes->data_bytes, &terms, NULL),
                     SOTTO_ERROR_PROTOCOL);
    terms = world.terms.invitation;
    terms.aggregator = sotto_identity_key(world.parties[1].identity);
    assert_int_equal(sotto_advert_open(&advert, bytes->data, bytes->data_bytes, &terms, NULL),
                     SOTTO_ERROR_PROTOCOL);
    sotto_action_release(&action);
    world_release(&world);
}

/* Two parties that are told different terms end up in different sessions. */
static void test_a_split_view_gives_no_sum(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, 4, 11);
    assert_ok(world_start(&world));
    struct world_letter *letter = &world.letters[0]; /* a ROSTER */
    struct sotto_session_terms honest = world.terms;
    world.terms.agreement[0] ^= 1;
    assert_ok(world_give(&world, letter->to, &letter->bytes, NULL));
    world.terms = honest;
    uint32_t victim = letter->to;
    assert_ok(world_run(&world));
    bool lives[4] = {true, true, true, true};
    lives[victim] = false; /* its DEAL was of another session */
    world_assert_sum(&world, lives);
    world_release(&world);
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_survivor_set_is_signed),
        cmocka_unit_test(test_unmasking_needs_enough_consents_to_the_same_set),
        cmocka_unit_test(test_nothing_masked_leaves_before_the_pledge),
        cmocka_unit_test(test_release_and_consent_exclude_each_other),
        cmocka_unit_test(test_demands_of_one_bind_all),
        cmocka_unit_test(test_masked_inputs_are_fixed_before_anything_opens),
        cmocka_unit_test(test_an_input_signed_after_the_sum_has_no_consents),
        cmocka_unit_test(test_rosters_are_checked),
        cmocka_unit_test(test_adverts_are_bound_to_their_invitation),
        cmocka_unit_test(test_a_split_view_gives_no_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
