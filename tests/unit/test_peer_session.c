/* SPDX-License-Identifier: Apache-2.0 */
#include "node/peer/session.h"
#include "test.h"

#include <sotto/secret.h>

/* The window against a set of all counters that were accepted. */
static void test_window_matches_a_set(void **state)
{
    (void)state;
    enum { COUNTERS = 4096 };
    struct sotto_random_stream stream;
    struct sotto_random random = sotto_random_seeded(&stream, 7, 1);
    struct replay_window window = {0};
    static bool seen[COUNTERS];
    uint64_t highest = 0;
    for (int i = 0; i < 200000; i++) {
        uint16_t draw;
        assert_ok(random.fill(random.context, (uint8_t *)&draw, sizeof draw));
        uint64_t base = highest > 70 ? highest - 70 : 0;
        uint64_t counter = base + draw % 75;
        if (counter >= COUNTERS) {
            break;
        }
        bool is_fresh =
            counter != 0 && !seen[counter] && (counter > highest || highest - counter < 64);
        assert_int_equal(replay_window_is_fresh(&window, counter), is_fresh);
        if (is_fresh) {
            replay_window_accept(&window, counter);
            seen[counter] = true;
            highest = counter > highest ? counter : highest;
        }
    }
    assert_true(highest > 1000);
}

static void test_window_edges(void **state)
{
    (void)state;
    struct replay_window window = {0};
    assert_false(replay_window_is_fresh(&window, 0));
    replay_window_accept(&window, 64);
    assert_true(replay_window_is_fresh(&window, 1));
    replay_window_accept(&window, 1);
    assert_false(replay_window_is_fresh(&window, 1));
    replay_window_accept(&window, 65);
    assert_false(replay_window_is_fresh(&window, 1)); /* left the window */
    assert_true(replay_window_is_fresh(&window, 2));
    replay_window_accept(&window, UINT64_MAX);
    assert_false(replay_window_is_fresh(&window, UINT64_MAX));
    assert_false(replay_window_is_fresh(&window, 65));
    assert_true(replay_window_is_fresh(&window, UINT64_MAX - 63));
    assert_false(replay_window_is_fresh(&window, UINT64_MAX - 64));
}

static struct session_id id_of(uint8_t byte)
{
    struct session_id id = {{byte}};
    return id;
}

static void test_a_replayed_hello_changes_nothing(void **state)
{
    (void)state;
    struct sotto_random_stream stream;
    struct sotto_random random = sotto_random_seeded(&stream, 7, 2);
    struct peer_sessions sessions = {0};
    struct session_id nonce = id_of(1);
    struct session_id instance = id_of(2);
    struct session_id first;
    struct session_id other;
    bool is_new;
    bool has_returned;
    assert_ok(peer_sessions_hello(&sessions, &first, &nonce, &instance, random));
    assert_ok(peer_sessions_hello(&sessions, &other, &nonce, &instance, random));
    assert_true(session_id_equal(&first, &other)); /* the same hello, the same session */
    assert_true(peer_sessions_accept(&sessions, &first, 1, &is_new, &has_returned));
    assert_true(is_new);
    assert_false(has_returned);

    /* Hellos from long ago, replayed: only candidates that nobody can sign under. */
    for (uint8_t i = 10; i < 60; i++) {
        struct session_id old = id_of(i);
        assert_ok(peer_sessions_hello(&sessions, &other, &old, &instance, random));
    }
    assert_ok(peer_sessions_hello(&sessions, &other, &nonce, &instance, random));
    assert_true(session_id_equal(&first, &other));
    assert_true(peer_sessions_accept(&sessions, &first, 2, &is_new, &has_returned));
    assert_false(is_new);
    assert_false(peer_sessions_accept(&sessions, &first, 2, &is_new, &has_returned));
    other = id_of(99);
    assert_false(peer_sessions_would_accept(&sessions, &other, 1));
}

static void test_a_new_process_is_noticed_once(void **state)
{
    (void)state;
    struct sotto_random_stream stream;
    struct sotto_random random = sotto_random_seeded(&stream, 7, 3);
    struct peer_sessions sessions = {0};
    struct session_id nonce = id_of(1);
    struct session_id instance = id_of(2);
    struct session_id first;
    struct session_id second;
    bool is_new;
    bool has_returned;
    assert_ok(peer_sessions_hello(&sessions, &first, &nonce, &instance, random));
    assert_true(peer_sessions_accept(&sessions, &first, 1, &is_new, &has_returned));
    nonce = id_of(3); /* the same process connects again */
    assert_ok(peer_sessions_hello(&sessions, &second, &nonce, &instance, random));
    assert_true(peer_sessions_would_accept(&sessions, &first, 2));
    assert_true(peer_sessions_accept(&sessions, &second, 1, &is_new, &has_returned));
    assert_true(is_new && !has_returned);
    assert_false(peer_sessions_would_accept(&sessions, &first, 2)); /* the old one is over */
    nonce = id_of(4);
    instance = id_of(5); /* another process */
    assert_ok(peer_sessions_hello(&sessions, &first, &nonce, &instance, random));
    assert_true(peer_sessions_accept(&sessions, &first, 1, &is_new, &has_returned));
    assert_true(is_new && has_returned);
    assert_true(peer_sessions_accept(&sessions, &first, 2, &is_new, &has_returned));
    assert_false(is_new || has_returned);
}

static void test_every_bit_of_an_envelope_is_signed(void **state)
{
    (void)state;
    struct sotto_random_stream stream;
    struct sotto_random random = sotto_random_seeded(&stream, 7, 4);
    struct sotto_identity *identity = NULL;
    struct sotto_writer writer;
    struct envelope read;
    struct envelope envelope = {.type = ENVELOPE_MESSAGE, .counter = 77, .session = id_of(9)};
    assert_ok(sotto_identity_generate(&identity, random));
    struct sotto_key key = sotto_identity_key(identity);
    sotto_writer_init(&writer, 4096);
    envelope_write(&writer, identity, &envelope, "body", 4);
    assert_ok(sotto_writer_status(&writer));
    assert_int_equal(writer.data_bytes, ENVELOPE_PREFIX_BYTES + 4);
    assert_ok(envelope_read(&read, writer.data, ENVELOPE_PREFIX_BYTES));
    assert_true(envelope_is_signed(&read, writer.data, &key));
    assert_true(envelope_body_matches(&read, writer.data + ENVELOPE_PREFIX_BYTES, 4));
    assert_false(envelope_body_matches(&read, writer.data + ENVELOPE_PREFIX_BYTES, 3));
    assert_false(envelope_body_matches(&read, "bodY", 4));
    assert_int_equal(read.counter, 77);
    assert_true(sotto_key_equal(&read.from, &key));
    for (size_t bit = 0; bit < 8 * ENVELOPE_PREFIX_BYTES; bit++) {
        writer.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_false(envelope_read(&read, writer.data, ENVELOPE_PREFIX_BYTES) == SOTTO_OK &&
                     envelope_is_signed(&read, writer.data, &key));
        writer.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    for (size_t bytes = 0; bytes < ENVELOPE_PREFIX_BYTES; bytes++) {
        assert_int_equal(envelope_read(&read, writer.data, bytes), SOTTO_ERROR_INPUT);
    }
    sotto_writer_release(&writer);
    sotto_identity_free(identity);
}

static int setup(void **state)
{
    (void)state;
    return sotto_init() == SOTTO_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window_matches_a_set),
        cmocka_unit_test(test_window_edges),
        cmocka_unit_test(test_a_replayed_hello_changes_nothing),
        cmocka_unit_test(test_a_new_process_is_noticed_once),
        cmocka_unit_test(test_every_bit_of_an_envelope_is_signed),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
