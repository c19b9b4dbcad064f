/* SPDX-License-Identifier: Apache-2.0 */
/* Parties that cheat, and what any network may do. */
#include "test.h"
#include "world.h"

#include "aggregation/message/message.h"
#include <sotto/secret.h>

/* --- Cheating parties --- */

static bool corrupt_ciphertext(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    const uint32_t *cheat = world->inspect_context;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_DEAL && letter->from == *cheat) {
        /* One bit of the last ciphertext, sealed again by the dealer itself. */
        struct sotto_buffer forged;
        letter->bytes.data[letter->bytes.data_bytes - 70] ^= 1;
        world_seal(world, &forged, world->parties[*cheat].identity, SOTTO_MESSAGE_DEAL,
                   message.session, message.body, message.body_bytes);
        sotto_buffer_release(&letter->bytes);
        letter->bytes = forged;
    }
    if (message.type == SOTTO_MESSAGE_LEAVE) {
        struct sotto_leave leave;
        struct sotto_key cheat_key = sotto_identity_key(world->parties[*cheat].identity);
        assert_true(sotto_leave_parse(&leave, &message));
        assert_true(sotto_key_equal(&leave.blamed, &cheat_key));
        assert_ok(
            sotto_session_aggregator_drop(world->aggregator, world_index_of(world, letter->from)));
        return false;
    }
    return true;
}

static void test_a_holder_names_the_dealer_of_a_bad_share(void **state)
{
    (void)state;
    struct world world;
    uint32_t cheat = 1;
    world_make(&world, 4, 12);
    world.inspect = corrupt_ciphertext;
    world.inspect_context = &cheat;
    assert_ok(world_start(&world));
    /* The last ciphertext goes to the last party of the roster (or the one before, the dealer). */
    uint32_t victim_index = world_index_of(&world, cheat) == 3 ? 2 : 3;
    uint32_t victim = world_party_at(&world, victim_index);
    assert_ok(world_run(&world));
    bool lives[4] = {true, true, true, true};
    lives[victim] = false;
    assert_int_equal(sotto_session_party_phase(world.parties[victim].session), SOTTO_PARTY_LEFT);
    world_assert_sum(&world, lives);
    world_release(&world);
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

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_holder_names_the_dealer_of_a_bad_share),
        cmocka_unit_test(test_the_aggregator_names_a_dealer_of_another_secret),
        cmocka_unit_test(test_a_holder_that_reveals_something_else_is_named_and_not_needed),
        cmocka_unit_test(test_changed_bytes_are_refused),
        cmocka_unit_test(test_masked_inputs_hide_the_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
