/* SPDX-License-Identifier: Apache-2.0 */
/* Strangers, liars and who repeats himself: what they say changes no task. */
#include "net.h"
#include "test.h"
#include "world.h"

#include "aggregation/message/release.h"
#include "aggregation/session/session_party.h"
#include "federation/task_party.h"
#include "federation/verified.h"
#include <sotto/secret.h>
#include <sotto/simulate.h>
#include <stdio.h>

static void test_a_stranger_in_the_roster_makes_a_party_leave(void **state)
{
    (void)state;
    net_begin(4, 3, 4);
    net.hosts[1].peers_len = 3; /* it does not know n3 */
    net_run();
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_AUTH);
    assert_contains(net.hosts[1].end_text, "not among the peers");
    assert_contains(net.log, "n1 left: auth");
    net_assert_result_has("\"survived\": 3");
    net_end();
}

static const struct sotto_buffer no_code;

static void test_strangers_are_not_heard(void **state)
{
    (void)state;
    struct sotto_identity *stranger;
    struct sotto_buffer forged;
    struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 1, .attempt = 1};
    struct sotto_leave leave = {.reason = SOTTO_ERROR_REFUSED};
    net_begin(3, 3, 3);
    assert_ok(sotto_identity_generate(&stranger, net.random));
    assert_ok(sotto_leave_seal(&forged, &leave, &label, NULL, stranger));
    assert_int_equal(
        sotto_task_aggregator_receive(net.aggregator, forged.data, forged.data_bytes, 0, NULL),
        SOTTO_ERROR_AUTH);
    sotto_buffer_release(&forged);
    /* An invitation of a stranger, the end of a task told by one. */
    assert_ok(sotto__invitation_seal(&forged, "{}", 2, &no_code, &label, stranger));
    assert_int_equal(net_host_take(&net.hosts[0], &forged), SOTTO_ERROR_AUTH);
    assert_null(net.hosts[0].task);
    sotto_buffer_release(&forged);
    net_run();
    struct sotto__finish finish = {.status = SOTTO_OK};
    assert_ok(sotto__finish_seal(&forged, &finish, &label, stranger));
    assert_int_not_equal(net_host_take(&net.hosts[0], &forged), SOTTO_OK);
    sotto_buffer_release(&forged);
    net_assert_result_has("\"survived\": 3");
    sotto_identity_free(stranger);
    net_end();
}

/* Who left has left: saying so again writes no second line into the task's log. */
static void test_leaving_again_and_again(void **state)
{
    (void)state;
    struct sotto_buffer message;
    struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 1, .attempt = 1};
    struct sotto_leave leave = {.reason = SOTTO_ERROR_REFUSED};
    net_begin(5, 3, 5);
    net.hosts[4].dies_before = SOTTO_MESSAGE_DEAL;
    net_deliver(); /* a session is under way */
    assert_ok(sotto_leave_seal(&message, &leave, &label, NULL, net.hosts[4].identity));
    assert_ok(
        sotto_task_aggregator_receive(net.aggregator, message.data, message.data_bytes, 0, NULL));
    assert_int_equal(
        sotto_task_aggregator_receive(net.aggregator, message.data, message.data_bytes, 0, NULL),
        SOTTO_ERROR_STATE);
    sotto_buffer_release(&message);
    net_run();
    net_assert_result_has("\"survived\": 4");
    assert_int_equal(net_count_in_log("n4 left: refused"), 1);
    net_end();
}

static void test_a_plan_with_two_parties_is_declined_by_the_parties_too(void **state)
{
    (void)state;
    struct sotto_buffer invitation;
    struct sotto_session_label label = {.task = {{9}}, .round = 1, .attempt = 1};
    char plan[1024];
    net_begin(3, 3, 3);
    (void)snprintf(plan, sizeof plan, net_plan_format, 2, 3);
    assert_ok(sotto__invitation_seal(&invitation, plan, strlen(plan), &no_code, &label,
                                     net.hosts[0].identity));
    assert_ok(net_host_take(&net.hosts[1], &invitation));
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PLAN);
    sotto_buffer_release(&invitation);
    net_end();
}

static void make_code(struct sotto_bundle *out, int64_t rounds)
{
    const struct sotto_bundle_manifest manifest = {.entry = {"m:Model"},
                                                   .datasets = {{"numbers"}},
                                                   .datasets_len = 1,
                                                   .merge_every = 1,
                                                   .rounds = rounds,
                                                   .parameters_max = 10,
                                                   .range_bits = 5,
                                                   .scale_bits = 20,
                                                   .rows_max = 100,
                                                   .memory_mib = 256,
                                                   .round_seconds = 60};
    const struct sotto_bundle_file file = {{"m.py"}, "class Model: pass\n", 18};
    assert_ok(sotto_bundle_make(out, &manifest, &file, 1, NULL));
}

/* Invites the second host to a plan with some code, and says how that ended. Returns: SOTTO_OK if
 * it asks its host. */
static enum sotto_status invite_with(const char *plan, const struct sotto_buffer *code)
{
    struct sotto_buffer invitation;
    struct sotto_session_label label = {.task = {{9}}, .round = 1, .attempt = 1};
    struct sotto_task_party *task;
    const struct sotto_peer peer = {sotto_identity_key(net.hosts[0].identity), "n0"};
    const struct sotto_task_party_config config = {
        .identity = net.hosts[1].identity, .random = net.random, .peers = &peer, .peers_len = 1};
    struct sotto_action action = {.kind = SOTTO_ACTION_TIMER};
    assert_ok(sotto__invitation_seal(&invitation, plan, strlen(plan), code, &label,
                                     net.hosts[0].identity));
    assert_ok(sotto_task_party_new(&task, &config, invitation.data, invitation.data_bytes, NULL));
    while (action.kind != SOTTO_ACTION_DONE && action.kind != SOTTO_ACTION_OFFER) {
        assert_true(sotto_task_party_next(task, &action));
        if (action.kind == SOTTO_ACTION_SEND) {
            sotto_action_release(&action);
        }
    }
    enum sotto_status status = action.kind == SOTTO_ACTION_DONE ? action.status : SOTTO_OK;
    sotto_action_release(&action);
    sotto_task_party_free(task);
    sotto_buffer_release(&invitation);
    return status;
}

/* The code that comes is the one that the plan names, to the bit, or nobody is asked for anything.
 */
static void test_code_is_what_the_plan_names(void **state)
{
    (void)state;
    struct sotto_bundle code;
    struct sotto_bundle other;
    char hex[65];
    char plan[512];
    char statistics[1024];
    static const char format[] = "{\"version\": 1, \"name\": \"n\", \"type\": \"learning\", "
                                 "\"bundle\": \"%s\", \"rounds\": %d}";
    net_begin(3, 3, 3);
    (void)snprintf(statistics, sizeof statistics, net_plan_format, 3, 3);
    make_code(&code, 2);
    make_code(&other, 3);
    for (size_t i = 0; i < sizeof code.digest; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", code.digest[i]);
    }
    (void)snprintf(plan, sizeof plan, format, hex, 2);
    assert_ok(invite_with(plan, &code.bytes));
    assert_int_equal(invite_with(plan, &other.bytes), SOTTO_ERROR_INPUT);
    assert_int_equal(invite_with(plan, &no_code), SOTTO_ERROR_INPUT);
    assert_ok(invite_with(statistics, &no_code));
    assert_int_equal(invite_with(statistics, &code.bytes), SOTTO_ERROR_INPUT);
    for (size_t i = 0; i < 8 * code.bytes.data_bytes; i++) {
        code.bytes.data[i / 8] ^= (uint8_t)(1U << i % 8);
        assert_int_not_equal(invite_with(plan, &code.bytes), SOTTO_OK);
        code.bytes.data[i / 8] ^= (uint8_t)(1U << i % 8);
    }
    (void)snprintf(plan, sizeof plan, format, hex, 3); /* more rounds than the code asks for */
    assert_int_equal(invite_with(plan, &code.bytes), SOTTO_ERROR_PLAN);
    sotto_bundle_release(&code);
    sotto_bundle_release(&other);
    net_end();
}

/* After its masked input left, a party takes no new attempt at the round just because it is asked.
 */
static void test_no_second_answer_after_the_first(void **state)
{
    (void)state;
    for (uint16_t type = SOTTO_MESSAGE_MASKED; type <= SOTTO_MESSAGE_REVEAL; type++) {
        static const struct sotto_buffer nothing;
        struct sotto_buffer reopen;
        struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 1, .attempt = 2};
        net_begin(5, 3, 5);
        net.hosts[1].dies_before = type;
        net.hosts[2].dies_before = type;
        net_deliver(); /* the others have masked, consented, or revealed */
        assert_ok(sotto__reopen_seal(&reopen, &nothing, &label, net.hosts[0].identity));
        assert_int_equal(net_host_take(&net.hosts[3], &reopen), SOTTO_ERROR_PROTOCOL);
        sotto_buffer_release(&reopen);
        net_run();
        net_end();
    }
}

/* The signatures of these hosts that they gave a session up, as REOPEN carries them. */
static void write_releases(struct sotto_buffer *out, const uint8_t *session, const uint32_t *hosts,
                           size_t hosts_len)
{
    struct sotto_writer writer;
    uint32_t ascending[NET_PARTIES_MAX];
    const struct sotto_roster *roster = &net.hosts[4].task->session->roster;
    for (size_t k = 0; k < hosts_len; k++) {
        uint32_t index = sotto_roster_find(roster, &net.peers[hosts[k]].key);
        size_t place = k;
        for (; place > 0 && ascending[place - 1] > index; place--) {
            ascending[place] = ascending[place - 1];
        }
        ascending[place] = index;
    }
    sotto_writer_init(&writer, 4096);
    sotto_write_u32(&writer, (uint32_t)hosts_len);
    for (size_t k = 0; k < hosts_len; k++) {
        struct sotto_signature release;
        size_t host = 0;
        while (!sotto_key_equal(&net.peers[host].key, &roster->adverts[ascending[k]].sender)) {
            host++;
        }
        sotto__release_sign(&release, session, net.hosts[host].identity);
        sotto_write_u32(&writer, ascending[k]);
        sotto_write_bytes(&writer, release.bytes, sizeof release.bytes);
    }
    out->data = sotto_writer_take(&writer, &out->data_bytes);
    sotto_writer_release(&writer);
}

static enum sotto_status reopen_with(uint32_t host, const struct sotto_buffer *releases)
{
    struct sotto_buffer reopen;
    struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 1, .attempt = 2};
    assert_ok(sotto__reopen_seal(&reopen, releases, &label, net.hosts[0].identity));
    enum sotto_status status = net_host_take(&net.hosts[host], &reopen);
    sotto_buffer_release(&reopen);
    return status;
}

/* A lying aggregator has five of seven inputs opened in one attempt, and asks the other two, whose
 * masked inputs it has too, into another one: two sums of one task (twoopen.c of the review). */
static void test_no_attempt_beside_one_that_can_be_opened(void **state)
{
    (void)state;
    static const uint32_t some[] = {0, 1, 2, 3, 6}, twice[] = {0, 1, 2, 2, 3};
    struct sotto_buffer releases = {0};
    uint8_t session[SOTTO_SESSION_BYTES];
    net_begin(7, 3, 7); /* t = 5, c = 2: five must have given it up */
    net.hosts[6].dies_before = SOTTO_MESSAGE_MASKED;
    net_deliver();
    assert_int_equal(sotto_session_party_phase(net.hosts[4].task->session), SOTTO_PARTY_MASKED);
    memcpy(session, net.hosts[4].task->session->session, sizeof session);
    assert_int_equal(reopen_with(4, &releases), SOTTO_ERROR_PROTOCOL);
    write_releases(&releases, session, some, 4);
    assert_int_equal(reopen_with(4, &releases), SOTTO_ERROR_PROTOCOL);
    sotto_buffer_release(&releases);
    write_releases(&releases, session, twice, 5);
    assert_int_equal(reopen_with(4, &releases), SOTTO_ERROR_PROTOCOL);
    sotto_buffer_release(&releases);
    session[3] ^= 1; /* of another session */
    write_releases(&releases, session, some, 5);
    assert_int_equal(reopen_with(4, &releases), SOTTO_ERROR_PROTOCOL);
    sotto_buffer_release(&releases);
    session[3] ^= 1;
    write_releases(&releases, session, some, 5);
    releases.data[releases.data_bytes - 1] ^= 1; /* a signature that is none */
    assert_int_equal(reopen_with(4, &releases), SOTTO_ERROR_PROTOCOL);
    releases.data[releases.data_bytes - 1] ^= 1;
    assert_int_equal(sotto_task_party_masked(net.hosts[4].task), 1);
    assert_ok(reopen_with(4, &releases)); /* three of these five are honest, and never consent */
    assert_int_equal(sotto_task_party_masked(net.hosts[4].task), 0);
    sotto_buffer_release(&releases);
    net_run();
    net_end();
}

/* Host 1 deals badly to most others in the first attempt. */
static bool is_spoilt(uint32_t holder)
{
    return holder % 4 != 0;
}

static uint32_t bad_round = 1;

static void deal_badly(struct net_letter *letter)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_DEAL && message.label.attempt == 1 &&
        message.label.round == bad_round && sotto_key_equal(&message.sender, &net.peers[1].key)) {
        world_spoil_deal(&letter->bytes, net.hosts[1].identity, (uint32_t)net.len, is_spoilt);
    }
}

/* A bad dealer throws out nobody but itself (baddealer.c of the review: ten became three of its
 * choice). */
static void test_a_bad_dealer_is_thrown_out_alone(void **state)
{
    (void)state;
    for (size_t len = 4; len <= 10; len++) {
        char parties[64];
        net_begin(len, 3, (uint32_t)len);
        net.forge = deal_badly;
        net_run();
        (void)snprintf(parties, sizeof parties, "\"joined\": %zu, \"survived\": %zu", len, len - 1);
        net_assert_result_has(parties);
        net_assert_result_has("what it dealt to others was not what it committed to");
        assert_contains(net.log, "n1 dealt shares that are not those that it committed to");
        for (size_t i = 2; i < len; i++) {
            assert_int_equal(net.hosts[i].ended, SOTTO_OK);
        }
        net_end();
    }
    net_begin(3, 3, 3); /* with two left there is nobody to start again with */
    net.forge = deal_badly;
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES, "2 parties are left to start again, at least 3 needed");
    net_assert_ended(SOTTO_ERROR_PARTIES, "dealt shares that are not those that it committed to");
    net_end();

    for (bad_round = 1; bad_round <= 2; bad_round++) {
        net_begin_rounds(5, 3);
        net.forge = deal_badly;
        net_run();
        if (bad_round == 1) {
            net_assert_result_has("\"survived\": 4");
        } else { /* in a later round there is no other attempt */
            net_assert_ended(SOTTO_ERROR_PROTOCOL, "dealt shares that are not those");
        }
        net_end();
    }
    bad_round = 1;
}

/* Who complains of a dealer that dealt well is out itself. */
static void test_a_wrong_complaint_throws_its_holder_out(void **state)
{
    (void)state;
    struct sotto_action action;
    net_begin(6, 3, 6);
    net.hosts[4].slow = true;
    net_deliver(); /* the others have masked */
    struct sotto_session_party *session = net.hosts[4].task->session;
    assert_int_equal(sotto_session_party_phase(session), SOTTO_PARTY_SHARED);
    uint32_t dealer = sotto_roster_find(&session->roster, &net.peers[2].key);
    assert_ok(sotto__party_complain(session, dealer));
    assert_true(sotto_session_party_next(session, &action));
    (void)!sotto_task_aggregator_receive(net.aggregator, action.bytes.data, action.bytes.data_bytes,
                                         net.now_ms, NULL);
    sotto_action_release(&action);
    net_pump();
    net_run();
    net_assert_result_has("\"joined\": 6, \"survived\": 5");
    assert_null(strstr(net.log, "n2 dealt shares"));
    assert_null(strstr(net.log, "[Restart]"));
    net_end();
}

static void test_a_silent_aggregator_is_left(void **state)
{
    (void)state;
    net_begin(4, 4, 4);
    net.hosts[3].off = true;
    net_deliver();
    sotto_task_party_tick(net.hosts[1].task, 16999); /* 7 + 2 x 5 seconds after it was heard */
    net_host_pump(&net.hosts[1]);
    assert_int_equal(net.hosts[1].ended, SOTTO_OK);
    sotto_task_party_tick(net.hosts[1].task, 17000);
    net_host_pump(&net.hosts[1]);
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_TIMEOUT);
    net_end();
}

static void test_simulating_nobody(void **state)
{
    (void)state;
    char plan[1024];
    char *result = NULL;
    struct sotto_error err = {0};
    (void)snprintf(plan, sizeof plan, net_plan_format, 3, 3);
    struct sotto_simulation simulation = {
        .plan_json = plan, .plan_json_bytes = strlen(plan), .datasets_len = 1};
    assert_int_equal(sotto_simulate(&result, &simulation, &err), SOTTO_ERROR_PARTIES);
    assert_null(result);
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stranger_in_the_roster_makes_a_party_leave),
        cmocka_unit_test(test_strangers_are_not_heard),
        cmocka_unit_test(test_leaving_again_and_again),
        cmocka_unit_test(test_a_plan_with_two_parties_is_declined_by_the_parties_too),
        cmocka_unit_test(test_code_is_what_the_plan_names),
        cmocka_unit_test(test_no_second_answer_after_the_first),
        cmocka_unit_test(test_no_attempt_beside_one_that_can_be_opened),
        cmocka_unit_test(test_a_bad_dealer_is_thrown_out_alone),
        cmocka_unit_test(test_a_wrong_complaint_throws_its_holder_out),
        cmocka_unit_test(test_a_silent_aggregator_is_left),
        cmocka_unit_test(test_simulating_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
