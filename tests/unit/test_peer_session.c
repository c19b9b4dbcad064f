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

/* --- Two nodes --- */

/* A process that is called, and one that calls it. */
struct pair {
    struct session_maker maker;
    struct sotto_key callee;
    struct sotto_key caller;
    struct session_share share;
};

static void make(struct pair *out, uint64_t seed)
{
    struct sotto_random_stream stream;
    struct sotto_random random = sotto_random_seeded(&stream, 7, seed);
    *out = (struct pair){.callee = {{9}}, .caller = {{1}}};
    assert_ok(session_maker_init(&out->maker, random));
    assert_ok(session_share_make(&out->share, random));
}

static struct granted_session grant_to(struct pair *pair, const struct sotto_key *caller)
{
    uint8_t bytes[GRANT_BYTES];
    struct granted_session session;
    struct session_grant grant = session_make(&pair->maker, caller, pair->share.share);
    session_grant_write(bytes, &grant);
    assert_true(session_grant_take(&session, bytes, &pair->share, caller, &pair->callee));
    return session;
}

static void write_poll(uint8_t out[ENVELOPE_PREFIX_BYTES], const struct pair *pair,
                       const struct granted_session *session, uint64_t counter)
{
    struct sotto_writer writer;
    const struct envelope envelope = {
        .type = ENVELOPE_POLL, .to = pair->callee, .session = session->id, .counter = counter};
    sotto_writer_init(&writer, 4096);
    envelope_write_sealed(&writer, &pair->caller, &envelope, &session->keys, &session->pass, "body",
                          4);
    assert_ok(sotto_writer_status(&writer));
    assert_int_equal(writer.data_bytes, ENVELOPE_PREFIX_BYTES + 4);
    memcpy(out, writer.data, ENVELOPE_PREFIX_BYTES);
    sotto_writer_release(&writer);
}

/* As a node takes a request. */
static bool accepts(struct peer_session *current, const struct pair *pair, const uint8_t *prefix)
{
    struct envelope request;
    struct session_keys keys;
    bool is_new;
    return envelope_read(&request, prefix, ENVELOPE_PREFIX_BYTES) == SOTTO_OK &&
           sotto_key_equal(&request.to, &pair->callee) && !request.is_response &&
           peer_session_find_keys(&keys, current, &pair->maker, &request, prefix) &&
           envelope_is_sealed(&request, prefix, &keys) &&
           peer_session_accept(current, &is_new, &request, &keys);
}

static bool takes(struct peer_session *current, const struct pair *pair,
                  const struct granted_session *session, uint64_t counter)
{
    uint8_t prefix[ENVELOPE_PREFIX_BYTES];
    write_poll(prefix, pair, session, counter);
    return accepts(current, pair, prefix);
}

/* Hellos from long ago, replayed: whatever they get, nobody can seal under it, and the session that
 * an honest caller got before or meanwhile is as good as it was. */
static void test_a_replayed_hello_changes_nothing(void **state)
{
    (void)state;
    struct pair pair;
    struct peer_session current = {0};
    make(&pair, 2);
    struct granted_session first = grant_to(&pair, &pair.caller);
    for (int i = 0; i < 1000; i++) {
        (void)session_make(&pair.maker, &pair.caller, pair.share.share);
    }
    assert_true(takes(&current, &pair, &first, 1));
    struct granted_session replayed = grant_to(&pair, &pair.caller);
    memset(&replayed.keys, 7, sizeof replayed.keys); /* who replays has no secret to make them of */
    assert_false(takes(&current, &pair, &replayed, 1));
    assert_true(takes(&current, &pair, &first, 2));
    assert_false(takes(&current, &pair, &first, 2));
}

/* Requests of an old session, of another caller or of another process of this node are refused. */
static void test_only_newer_sessions_of_this_process(void **state)
{
    (void)state;
    struct pair pair;
    struct pair restarted;
    struct peer_session current = {0};
    const struct sotto_key other = {{2}};
    make(&pair, 3);
    make(&restarted, 4);
    struct granted_session first = grant_to(&pair, &pair.caller);
    struct granted_session second = grant_to(&pair, &pair.caller);
    struct granted_session others = grant_to(&pair, &other);
    struct granted_session third = grant_to(&pair, &pair.caller);
    assert_true(takes(&current, &pair, &second, 9));
    assert_false(takes(&current, &pair, &first, 1));
    assert_false(takes(&current, &pair, &others, 1));
    assert_false(takes(&current, &pair, &third, 0));
    assert_true(takes(&current, &pair, &third, 1));
    assert_false(takes(&current, &pair, &second, 10));
    struct peer_session none = {0};
    assert_false(takes(&none, &restarted, &third, 2));
    assert_true(takes(&none, &pair, &third, 2));
}

/* Of who is out nothing is taken that was sealed before, whether it came or not. */
static void test_a_session_is_ended(void **state)
{
    (void)state;
    struct pair pair;
    struct peer_session current = {0};
    make(&pair, 8);
    struct granted_session first = grant_to(&pair, &pair.caller);
    struct granted_session unused = grant_to(&pair, &pair.caller);
    assert_true(takes(&current, &pair, &first, 1));
    peer_session_end(&current, &pair.maker);
    assert_false(takes(&current, &pair, &first, 1));
    assert_false(takes(&current, &pair, &first, 2));
    assert_false(takes(&current, &pair, &unused, 1));
    struct granted_session anew = grant_to(&pair, &pair.caller);
    assert_true(takes(&current, &pair, &anew, 1));
}

/* A share of small order gives everybody the same secret. */
static void test_shares_of_no_use(void **state)
{
    (void)state;
    struct pair pair;
    struct peer_session current = {0};
    uint8_t bytes[GRANT_BYTES];
    struct granted_session session;
    make(&pair, 5);
    struct session_grant grant = session_make(&pair.maker, &pair.caller, pair.share.share);
    memset(grant.share, 0, sizeof grant.share);
    session_grant_write(bytes, &grant);
    assert_false(session_grant_take(&session, bytes, &pair.share, &pair.caller, &pair.callee));
    memset(pair.share.share, 0, sizeof pair.share.share);
    session = grant_to(&pair, &pair.caller);
    assert_false(takes(&current, &pair, &session, 1));
}

static void test_every_bit_of_a_request_is_sealed(void **state)
{
    (void)state;
    struct pair pair;
    uint8_t prefix[ENVELOPE_PREFIX_BYTES];
    make(&pair, 6);
    struct granted_session session = grant_to(&pair, &pair.caller);
    write_poll(prefix, &pair, &session, 77);
    for (size_t known = 0; known < 2; known++) { /* keys are made anew, or those of the session */
        struct peer_session current = {0};
        assert_true(known == 0 || takes(&current, &pair, &session, 76));
        for (size_t bit = 0; bit < 8 * ENVELOPE_PREFIX_BYTES; bit++) {
            prefix[bit / 8] ^= (uint8_t)(1U << (bit % 8));
            assert_false(accepts(&current, &pair, prefix));
            prefix[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        }
        assert_true(accepts(&current, &pair, prefix));
    }
}

/* Nobody who called can be made to take its own request for an answer. */
static void test_answers_have_keys_of_their_own(void **state)
{
    (void)state;
    struct pair pair;
    struct sotto_writer writer;
    struct envelope read;
    make(&pair, 7);
    struct granted_session session = grant_to(&pair, &pair.caller);
    struct session_keys turned;
    memcpy(turned.request, session.keys.response, sizeof turned.request);
    memcpy(turned.response, session.keys.request, sizeof turned.response);
    const struct envelope envelope = {
        .type = ENVELOPE_POLL, .is_response = true, .to = pair.caller, .session = session.id};
    sotto_writer_init(&writer, 4096);
    envelope_write_sealed(&writer, &pair.callee, &envelope, &session.keys, NULL, NULL, 0);
    assert_ok(envelope_read(&read, writer.data, ENVELOPE_PREFIX_BYTES));
    assert_true(envelope_is_sealed(&read, writer.data, &session.keys));
    assert_false(envelope_is_sealed(&read, writer.data, &turned));
    sotto_writer_release(&writer);
}

static void test_every_bit_of_a_hello_is_signed(void **state)
{
    (void)state;
    struct sotto_random_stream stream;
    struct sotto_random random = sotto_random_seeded(&stream, 7, 4);
    struct sotto_identity *identity = NULL;
    struct sotto_writer writer;
    struct envelope read;
    struct envelope envelope = {.type = ENVELOPE_HELLO, .counter = 77, .session = {{9}}};
    assert_ok(sotto_identity_generate(&identity, random));
    struct sotto_key key = sotto_identity_key(identity);
    sotto_writer_init(&writer, 4096);
    envelope_write_signed(&writer, identity, &envelope, "body", 4);
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
        cmocka_unit_test(test_a_session_is_ended),
        cmocka_unit_test(test_shares_of_no_use),
        cmocka_unit_test(test_every_bit_of_a_request_is_sealed),
        cmocka_unit_test(test_answers_have_keys_of_their_own),
        cmocka_unit_test(test_every_bit_of_a_hello_is_signed),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
