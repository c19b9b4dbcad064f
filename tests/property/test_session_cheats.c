/* SPDX-License-Identifier: Apache-2.0 */
/* Parties that cheat, and what any network may do. */
#include "test.h"
#include "world.h"

#include "aggregation/session/session_aggregator.h"
#include "aggregation/session/session_party.h"
#include <sodium.h>
#include <sotto/secret.h>

/* --- Cheating parties --- */

static uint32_t spoilt_holder;

static bool is_spoilt(uint32_t holder)
{
    return holder == spoilt_holder;
}

/* Whom LEAVE blames in the end. */
static struct sotto_key blamed;

static bool corrupt_ciphertext(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    const uint32_t *cheat = world->inspect_context;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_DEAL && letter->from == *cheat) {
        world_spoil_deal(&letter->bytes, world->parties[*cheat].identity, world->parties_len,
                         is_spoilt);
    }
    if (message.type == SOTTO_MESSAGE_LEAVE) {
        struct sotto_leave leave;
        assert_true(sotto_leave_parse(&leave, &message));
        blamed = leave.blamed;
        assert_ok(
            sotto_session_aggregator_drop(world->aggregator, world_index_of(world, letter->from)));
        return false;
    }
    return true;
}

/* The holder proves it: the session ends, and says who is to blame. */
static void test_a_holder_proves_who_dealt_a_bad_share(void **state)
{
    (void)state;
    struct world world;
    struct sotto_error err;
    bool final;
    char name[SOTTO_KEY_TEXT_BYTES];
    uint32_t cheat = 1;
    world_make(&world, 7, 12);
    world.inspect = corrupt_ciphertext;
    world.inspect_context = &cheat;
    assert_ok(world_start(&world));
    spoilt_holder = world_index_of(&world, cheat) == 6 ? 5 : 6;
    uint32_t victim = world_party_at(&world, spoilt_holder);
    struct sotto_key cheat_key = sotto_identity_key(world.parties[cheat].identity);
    assert_ok(world_run(&world));
    assert_int_equal(sotto_session_party_phase(world.parties[victim].session),
                     SOTTO_PARTY_COMPLAINED);
    assert_false(sotto_session_party_has_masked(world.parties[victim].session));
    world_assert_failed(&world, false, SOTTO_ERROR_PROTOCOL);
    assert_int_equal(sotto_session_aggregator_guilty(world.aggregator),
                     world_index_of(&world, cheat));
    (void)sotto_session_aggregator_failure(world.aggregator, &final, &err);
    sotto_key_to_text(&cheat_key, name);
    assert_contains(err.text, name);
    world_release(&world);
}

/* What the aggregator makes of a complaint of party 0 about party 1, which dealt well. change: of
 * which byte of it another bit is sent; UINT32_MAX: of none. */
static void complain_wrongly(uint32_t change, uint32_t about, bool of_another)
{
    struct world world;
    struct sotto_action action;
    struct sotto_message message;
    struct sotto_buffer forged;
    struct sotto_error err;
    char name[SOTTO_KEY_TEXT_BYTES];
    world_make(&world, 7, 50);
    world.holds_pledges = true;
    assert_ok(world_start(&world));
    assert_ok(world_deliver(&world));
    uint32_t holder = world_index_of(&world, 0);
    struct sotto_session_party *party = world.parties[0].session;
    assert_ok(sotto__party_complain(party, world_index_of(&world, about)));
    assert_true(sotto_session_party_next(party, &action));
    assert_true(sotto_message_parse(&message, action.bytes.data, action.bytes.data_bytes));
    assert_int_equal(message.type, SOTTO_MESSAGE_COMPLAINT);
    uint8_t *body = action.bytes.data + SOTTO_MESSAGE_HEADER_BYTES;
    if (of_another) {
        body[0] = (uint8_t)world_index_of(&world, about + 1); /* with a P that is not theirs */
    }
    if (change != UINT32_MAX) {
        body[change] ^= 1;
    }
    world_seal(&world, &forged, world.parties[0].identity, SOTTO_MESSAGE_COMPLAINT, message.session,
               message.body, message.body_bytes);
    assert_ok(sotto_message_open(&message, forged.data, forged.data_bytes, NULL));
    struct sotto_key key = sotto_identity_key(world.parties[0].identity);
    sotto_key_to_text(&key, name);
    assert_int_equal(sotto_session_aggregator_receive(world.aggregator, &message, &err),
                     SOTTO_ERROR_PROTOCOL);
    assert_contains(err.text, name); /* the holder, and nobody else */
    assert_true(world.aggregator->members[holder].left);
    assert_int_equal(sotto_session_aggregator_guilty(world.aggregator), UINT32_MAX);
    assert_int_equal(sotto_session_aggregator_phase(world.aggregator), SOTTO_AGGREGATOR_MASKING);
    assert_int_equal(sotto_session_aggregator_receive(world.aggregator, &message, NULL),
                     SOTTO_ERROR_STATE);
    sotto_action_release(&action);
    sotto_buffer_release(&forged);
    world_release(&world);
}

/* The innocent is never named: a complaint that is not right throws its holder out, and the session
 * goes on. */
static void test_a_wrong_complaint_falls_back_on_its_holder(void **state)
{
    (void)state;
    complain_wrongly(UINT32_MAX, 1, false);
    complain_wrongly(UINT32_MAX, 1, true);
    for (uint32_t at = 0; at < 100; at += 7) { /* who, P, challenge, response */
        complain_wrongly(at, 2, false);
    }
}

/* The aggregator relays another byte of `relayed` than the dealer signed: a share's path, leaf or
 * ciphertext, or the dealing itself. */
static size_t relayed;

static bool change_in_relay(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    const uint32_t *victim = world->inspect_context;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_SHARES && letter->to == *victim) {
        struct sotto_buffer forged;
        letter->bytes.data[SOTTO_MESSAGE_HEADER_BYTES + 1 + 4 + relayed] ^= 1;
        world_seal(world, &forged, world->aggregator_identity, SOTTO_MESSAGE_SHARES,
                   message.session, message.body, message.body_bytes);
        sotto_buffer_release(&letter->bytes);
        letter->bytes = forged;
    }
    return corrupt_ciphertext(world, letter);
}

/* A relay can't frame a dealer: its signature is over the ciphertexts too. */
static void test_a_share_that_was_changed_in_relay_is_not_its_dealers(void **state)
{
    (void)state;
    static const size_t places[] = {8 + 40, 8 + 100, 8 + 128 + 3, 8 + 192 + 3, 8 + 192 + 64 + 3};
    for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
        struct world world;
        uint32_t victim = 2;
        static const struct sotto_key nobody;
        relayed = places[k]; /* root, signature, path (2 x 32), leaves (64), ciphertext */
        memset(&blamed, 0xFF, sizeof blamed);
        world_make(&world, 4, 40 + k);
        world.inspect = change_in_relay;
        world.inspect_context = &victim;
        spoilt_holder = UINT32_MAX;
        assert_ok(world_start(&world));
        assert_ok(world_run(&world));
        bool lives[4] = {true, true, false, true};
        assert_int_equal(sotto_session_party_phase(world.parties[victim].session),
                         SOTTO_PARTY_LEFT);
        assert_memory_equal(&blamed, &nobody, sizeof nobody);
        world_assert_sum(&world, lives);
        world_release(&world);
    }
}

static bool replace_seed_point(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    const uint32_t *cheat = world->inspect_context;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_DEAL && letter->from == *cheat) {
        struct sotto__dealing dealing;
        struct sotto_reader reader;
        struct sotto_writer writer;
        struct sotto_buffer forged;
        uint8_t scalar[SOTTO__SCALAR_BYTES] = {7};
        sotto_reader_init(&reader, message.body, message.body_bytes);
        sotto__dealing_read(&dealing, &reader);
        assert_true(sotto__point_base(dealing.seed_point, scalar));
        sotto__dealing_sign(&dealing, message.session, world->parties[*cheat].identity);
        sotto_writer_init(&writer, message.body_bytes);
        sotto__dealing_write(&dealing, &writer);
        size_t rest = sotto_reader_left(&reader);
        sotto_write_bytes(&writer, sotto_read_bytes(&reader, rest), rest);
        world_seal(world, &forged, world->parties[*cheat].identity, SOTTO_MESSAGE_DEAL,
                   message.session, writer.data, writer.data_bytes);
        sotto_writer_release(&writer);
        sotto_buffer_release(&letter->bytes);
        letter->bytes = forged;
    }
    return true;
}

static void test_the_aggregator_names_a_dealer_of_another_secret(void **state)
{
    (void)state;
    struct world world;
    uint32_t cheat = 2;
    world_make(&world, 4, 13);
    world.inspect = replace_seed_point;
    world.inspect_context = &cheat;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    world_assert_failed(&world, true, SOTTO_ERROR_PROTOCOL);
    bool final;
    struct sotto_error err;
    char name[SOTTO_KEY_TEXT_BYTES];
    struct sotto_key key = sotto_identity_key(world.parties[cheat].identity);
    (void)sotto_session_aggregator_failure(world.aggregator, &final, &err);
    sotto_key_to_text(&key, name);
    assert_contains(err.text, name);
    world_release(&world);
}

static bool falsify_reveal(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    const uint32_t *cheat = world->inspect_context;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_REVEAL && letter->from == *cheat) {
        struct sotto_buffer forged;
        struct sotto_error err;
        struct sotto_message opened;
        char name[SOTTO_KEY_TEXT_BYTES];
        sotto_key_to_text(&message.sender, name);
        letter->bytes.data[SOTTO_MESSAGE_HEADER_BYTES + 5] ^= 1;
        world_seal(world, &forged, world->parties[*cheat].identity, SOTTO_MESSAGE_REVEAL,
                   message.session, message.body, message.body_bytes);
        assert_ok(sotto_message_open(&opened, forged.data, forged.data_bytes, NULL));
        enum sotto_status status =
            sotto_session_aggregator_receive(world->aggregator, &opened, &err);
        assert_int_equal(status, SOTTO_ERROR_PROTOCOL);
        assert_contains(err.text, name);
        sotto_buffer_release(&forged);
        return false;
    }
    return true;
}

static void test_a_holder_that_reveals_something_else_is_named_and_not_needed(void **state)
{
    (void)state;
    struct world world;
    uint32_t cheat = 0;
    world_make(&world, 4, 14);
    world.inspect = falsify_reveal;
    world.inspect_context = &cheat;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    bool lives[4] = {true, true, true, true}; /* its input is in the sum all the same */
    world_assert_sum(&world, lives);
    world_release(&world);

    world_make(&world, 3, 15); /* here everybody is needed */
    world.inspect = falsify_reveal;
    world.inspect_context = &cheat;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    world_assert_failed(&world, true, SOTTO_ERROR_PARTIES);
    world_release(&world);
}

/* --- What any network may do --- */

static bool shorten_or_change(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    struct sotto_buffer *bytes = &letter->bytes;
    (void)world;
    for (size_t cut = 0; cut < bytes->data_bytes; cut += 1 + cut) {
        assert_int_not_equal(sotto_message_open(&message, bytes->data, cut, NULL), SOTTO_OK);
    }
    for (size_t at = 0; at < bytes->data_bytes; at += 37) {
        bytes->data[at] ^= 0x10;
        assert_int_not_equal(sotto_message_open(&message, bytes->data, bytes->data_bytes, NULL),
                             SOTTO_OK);
        bytes->data[at] ^= 0x10;
    }
    return true;
}

static void test_changed_bytes_are_refused(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, 3, 16);
    world.inspect = shorten_or_change;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    bool lives[3] = {true, true, true};
    world_assert_sum(&world, lives);
    world_release(&world);
}

/* The masked inputs of two runs with the same inputs must look unrelated: a weak check that masks
 * are there and fresh. */
static bool keep_masked(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    struct sotto_buffer *kept = world->inspect_context;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_MASKED && letter->from == 0) {
        assert_ok(sotto_buffer_copy(kept, message.body, message.body_bytes));
    }
    return true;
}

static void test_masked_inputs_hide_the_input(void **state)
{
    (void)state;
    struct sotto_buffer kept[2] = {{0}};
    for (size_t run = 0; run < 2; run++) {
        struct world world;
        world_make(&world, 3, 17 + run);
        memset(world.parties[0].vector, 0, WORLD_VECTOR_BYTES);
        world.inspect = keep_masked;
        world.inspect_context = &kept[run];
        assert_ok(world_start(&world));
        assert_ok(world_run(&world));
        world_release(&world);
    }
    size_t zeros = 0, same = 0;
    for (size_t i = 0; i < kept[0].data_bytes; i++) {
        zeros += kept[0].data[i] == 0;
        same += kept[0].data[i] == kept[1].data[i];
    }
    assert_true(zeros < 20 && same < 20); /* of 459; one in 256 by chance */
    sotto_buffer_release(&kept[0]);
    sotto_buffer_release(&kept[1]);
}

/* --- Points that are none --- */

/* The identity, an integer that is not reduced, one that is on no curve, and a negative one. */
static const uint8_t no_points[][SOTTO__POINT_BYTES] = {
    {0},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x02},
    {0x01},
};
#define NO_POINTS_LEN (sizeof no_points / sizeof no_points[0])

static void refuse_advert(const struct world *world, const uint8_t *channel, const uint8_t *mask)
{
    static const struct sotto_session_demands demands;
    static const uint8_t nonce[SOTTO__NONCE_BYTES] = {7};
    const struct sotto_invitation_terms *terms = &world->terms.invitation;
    struct sotto_buffer bytes;
    struct sotto_advert advert;
    struct sotto_error err;
    assert_ok(sotto__advert_seal(&bytes, terms, channel, mask, nonce, &demands, NULL, 0,
                                 world->parties[0].identity));
    assert_int_equal(sotto_advert_open(&advert, bytes.data, bytes.data_bytes, terms, &err),
                     SOTTO_ERROR_PROTOCOL);
    assert_contains(err.text, "unusable point");
    sotto_buffer_release(&bytes);
}

/* The dealing of party 1 shows another B, signed by it. */
static bool change_seed_point(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    struct sotto__dealing dealing;
    struct sotto_reader reader;
    struct sotto_writer writer;
    const struct sotto_identity *dealer = world->parties[1].identity;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type != SOTTO_MESSAGE_DEAL || letter->from != 1) {
        return true;
    }
    sotto_reader_init(&reader, message.body, message.body_bytes);
    sotto__dealing_read(&dealing, &reader);
    memcpy(dealing.seed_point, world->inspect_context, sizeof dealing.seed_point);
    sotto__dealing_sign(&dealing, message.session, dealer);
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(&writer, SOTTO_MESSAGE_DEAL, &message.label, message.session, dealer);
    sotto__dealing_write(&dealing, &writer);
    sotto_write_bytes(&writer, message.body + SOTTO__DEALING_BYTES,
                      message.body_bytes - SOTTO__DEALING_BYTES);
    sotto_buffer_release(&letter->bytes);
    assert_ok(sotto_message_finish(&writer, &letter->bytes, dealer));
    return true;
}

/* Who shows one is not there, and the others have their sum: with the identity for a key, whatever
 * is derived from it would be known to all. */
static void test_points_that_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < NO_POINTS_LEN; i++) {
        static const bool lives[] = {true, false, true, true, true, true, true};
        uint8_t good[SOTTO__POINT_BYTES];
        uint8_t point[SOTTO__POINT_BYTES];
        struct world world;
        crypto_core_ristretto255_random(good);
        memcpy(point, no_points[i], sizeof point);
        world_make(&world, 7, 60 + i);
        refuse_advert(&world, point, good);
        refuse_advert(&world, good, point);
        world.inspect = change_seed_point;
        world.inspect_context = point;
        assert_ok(world_start(&world));
        assert_ok(world_run(&world));
        world_assert_sum(&world, lives);
        world_release(&world);
    }
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_holder_proves_who_dealt_a_bad_share),
        cmocka_unit_test(test_a_wrong_complaint_falls_back_on_its_holder),
        cmocka_unit_test(test_a_share_that_was_changed_in_relay_is_not_its_dealers),
        cmocka_unit_test(test_the_aggregator_names_a_dealer_of_another_secret),
        cmocka_unit_test(test_a_holder_that_reveals_something_else_is_named_and_not_needed),
        cmocka_unit_test(test_changed_bytes_are_refused),
        cmocka_unit_test(test_masked_inputs_hide_the_input),
        cmocka_unit_test(test_points_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
