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

static void make(struct session_maker *maker, uint64_t seed)
{
    struct sotto_random_stream stream;
    assert_ok(session_maker_init(maker, sotto_random_seeded(&stream, 7, seed)));
}

/* Hellos from long ago, replayed: whatever they get, nobody can sign under it, and the session that
 * an honest caller got before or meanwhile is as good as it was. */
static void test_a_replayed_hello_changes_nothing(void **state)
{
    (void)state;
    struct session_maker maker;
    struct peer_session current = {0};
    struct sotto_key caller = {{1}};
    bool is_new;
    make(&maker, 2);
    struct session_id first = session_make(&maker, &caller);
    for (int i = 0; i < 1000; i++) {
        (void)session_make(&maker, &caller);
    }
    assert_true(peer_session_accept(&current, &is_new, &maker, &caller, &first, 1));
    assert_true(is_new);
    for (int i = 0; i < 1000; i++) {
        (void)session_make(&maker, &caller);
    }
    assert_true(peer_session_accept(&current, &is_new, &maker, &caller, &first, 2));
    assert_false(is_new);
    assert_false(peer_session_accept(&current, &is_new, &maker, &caller, &first, 2));
}

/* Requests of an old session, of another caller or of another process of this node are refused. */
static void test_only_newer_sessions_of_this_process(void **state)
{
    (void)state;
    struct session_maker maker;
    struct session_maker restarted;
    struct peer_session current = {0};
    struct sotto_key caller = {{1}};
    struct sotto_key other = {{2}};
    bool is_new;
    make(&maker, 3);
    make(&restarted, 4);
    struct session_id first = session_make(&maker, &caller);
    struct session_id second = session_make(&maker, &caller);
    struct session_id others = session_make(&maker, &other);
    struct session_id third = session_make(&maker, &caller);
    assert_true(peer_session_accept(&current, &is_new, &maker, &caller, &second, 9));
    assert_false(peer_session_would_accept(&current, &maker, &caller, &first, 1));
    assert_false(peer_session_would_accept(&current, &maker, &caller, &others, 1));
    assert_false(peer_session_would_accept(&current, &maker, &caller, &third, 0));
    assert_true(peer_session_accept(&current, &is_new, &maker, &caller, &third, 1));
    assert_true(is_new);
    assert_false(peer_session_would_accept(&current, &maker, &caller, &second, 10));
    struct peer_session none = {0};
    assert_false(peer_session_would_accept(&none, &restarted, &caller, &third, 2));
    for (size_t bit = 0; bit < 8 * SESSION_BYTES; bit++) {
        struct session_id changed = third;
        changed.bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_false(peer_session_would_accept(&none, &maker, &caller, &changed, 2));
    }
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
        cmocka_unit_test(test_only_newer_sessions_of_this_process),
        cmocka_unit_test(test_every_bit_of_an_envelope_is_signed),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
