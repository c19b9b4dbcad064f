/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of several rounds: losses and lies between them. */
#include "net.h"
#include "test.h"

#include "federation/internal.h"
#include <sotto/secret.h>

static void test_two_rounds(void **state)
{
    (void)state;
    for (size_t twice = 0; twice < 2; twice++) {
        net_begin_rounds(4, 3);
        net.twice = twice == 1;
        net_run();
        assert_int_equal(net.expiries, 0);
        /* 100, 200, 10.25, 100 around 102.5625 */
        net_assert_result("\"v\": {\"value\": 4507.19921875", "\"survived\": 4");
        assert_contains(net.log, "[End Round] task 42 round 1 finish");
        assert_contains(net.log, "[Start Round] task 42 round 2 start");
        assert_contains(net.log, "round 1 opens mean(pay)\n");
        assert_contains(net.log, "round 2 opens mean((pay - mean(pay)) ** 2)\n");
        assert_contains(net.log, "[End Round] task 42 round 2 finish");
        net_end();
    }
}

/* Who was lost before the first opening is missed in no round. */
static void test_a_loss_before_the_first_opening(void **state)
{
    (void)state;
    net_begin_rounds(4, 3);
    net.hosts[2].dies_before = SOTTO_MESSAGE_MASKED;
    net_run();
    net_assert_result("\"m\": {\"value\": 103.41666666666667", "\"joined\": 4, \"survived\": 3");
    net_end();
}

/* Later, it is waited for, and in the end it ends the task, as long as its numbers are not in. */
static void test_a_loss_after_the_first_opening(void **state)
{
    (void)state;
    for (uint16_t type = SOTTO_MESSAGE_ADVERT; type <= SOTTO_MESSAGE_REVEAL; type++) {
        net_begin_rounds(4, 3);
        net.hosts[2].dies_before = type;
        net.hosts[2].dies_in = 2;
        net_run();
        if (type <= SOTTO_MESSAGE_MASKED) {
            net_assert_ended(SOTTO_ERROR_PARTIES, "n2 was lost in round 2 (no answer)");
            assert_contains(net.end_text, "once round 1 is opened all its survivors must stay");
            assert_int_equal(net_count_in_log("waits until all are there"), 1);
            assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PARTIES);
        } else {
            net_assert_result_has("\"survived\": 4");
        }
        net_end();
    }
    net_begin_rounds(4, 3);
    net.hosts[2].dies_before = SOTTO_MESSAGE_CONSENT; /* its rows are in the first sum */
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES, "n2 was lost in round 2 (no answer)");
    net_end();
}

static bool is_told;

/* n2 is restarted when its input is in, and before it consents. */
static void tell_of_n2(struct net_letter *letter)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (!is_told && message.type == SOTTO_MESSAGE_CONSENT) {
        is_told = true;
        sotto_task_aggregator_returned(net.aggregator, &net.peers[2].key, net.now_ms);
        net_pump();
    }
}

/* Who was restarted in the first round has nothing of the task on its disk: nobody waits for it. */
static void test_a_restart_in_the_first_round_is_a_loss(void **state)
{
    (void)state;
    is_told = false;
    net_begin_rounds(4, 3);
    net.hosts[2].dies_before = SOTTO_MESSAGE_CONSENT;
    net.forge = tell_of_n2;
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES, "n2 was lost in round 2 (it left)");
    assert_int_equal(net.expiries, 0);
    net_end();
}

static void reseal_round(struct net_letter *letter, const struct sotto_message *message,
                         const uint64_t *limbs)
{
    struct sotto_buffer forged;
    assert_ok(sotto__round_seal(&forged, limbs, message->body_bytes, &message->label,
                                net.hosts[0].identity));
    sotto_buffer_release(&letter->bytes);
    letter->bytes = forged;
}

/* n1 is shown another aggregate than the others: forge_by in its first limb, -1: in all bits. */
static int64_t forge_by;

static void forge_aggregate(struct net_letter *letter)
{
    struct sotto_message message;
    uint64_t limbs[200];
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to != 1 || message.type != SOTTO_MESSAGE_ROUND) {
        return;
    }
    assert_true(message.body_bytes <= sizeof limbs);
    memcpy(limbs, message.body, message.body_bytes);
    if (forge_by < 0) {
        memset(limbs, 0xff, sizeof limbs);
    } else {
        limbs[0] += (uint64_t)forge_by;
    }
    reseal_round(letter, &message, limbs);
}

/* One that can't be is refused at once; of one that can nobody learns anything more: sessions
 * differ. */
static void test_different_aggregates_are_an_error(void **state)
{
    (void)state;
    for (forge_by = -1; forge_by <= 1; forge_by++) {
        assert_ok(net_begin_plan(net_pays, 4, net_unverified_format, 3, 4));
        net.forge = forge_aggregate;
        net_run();
        if (forge_by == 0) {
            net_assert_result("\"v\": {\"value\": 4507.19921875", "\"survived\": 4");
        } else {
            net_assert_ended(SOTTO_ERROR_PARTIES, "n1 was lost in round 2");
            assert_int_equal(net.hosts[1].ended,
                             forge_by < 0 ? SOTTO_ERROR_PROTOCOL : SOTTO_ERROR_PARTIES);
        }
        net_end();
    }
}

/* The second round without n3: n1 must not answer, the difference would be n3's. */
static void forge_roster(struct net_letter *letter)
{
    struct sotto_message message;
    struct sotto_roster roster;
    struct sotto_roster smaller;
    struct sotto_buffer adverts[NET_PARTIES_MAX];
    struct sotto_invitation_terms terms = {.aggregator = net.peers[0].key};
    size_t len = 0;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to != 1 || message.type != SOTTO_MESSAGE_ROSTER || message.label.round != 2) {
        return;
    }
    terms.label = message.label;
    sotto__task_plan_digest(terms.plan_digest, net.plan, strlen(net.plan));
    assert_ok(
        sotto_roster_open(&roster, letter->bytes.data, letter->bytes.data_bytes, &terms, NULL));
    for (uint32_t i = 0; i < roster.adverts_len; i++) {
        if (!sotto_key_equal(&roster.adverts[i].sender, &net.peers[3].key)) {
            assert_ok(sotto_buffer_copy(&adverts[len++], roster.adverts[i].bytes,
                                        roster.adverts[i].bytes_len));
        }
    }
    struct sotto_graph_terms graph = sotto__graph_terms(len);
    assert_ok(
        sotto_roster_make(&smaller, adverts, len, &terms, &graph, net.hosts[0].identity, NULL));
    sotto_buffer_release(&letter->bytes);
    assert_ok(sotto_buffer_copy(&letter->bytes, smaller.message.data, smaller.message.data_bytes));
    sotto_roster_release(&roster);
    sotto_roster_release(&smaller);
    while (len > 0) {
        sotto_buffer_release(&adverts[--len]);
    }
}

static void test_later_rounds_are_of_the_same_parties(void **state)
{
    (void)state;
    net_begin_rounds(5, 3);
    net.forge = forge_roster;
    net_run();
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PROTOCOL);
    assert_contains(net.hosts[1].end_text, "round 2 has other parties");
    net_assert_ended(SOTTO_ERROR_PARTIES, "n1 was lost in round 2");
    net_end();
}

/* A round that comes before the consent to the one before waits for it; others are refused. */
static void test_rounds_out_of_turn(void **state)
{
    (void)state;
    static const uint64_t limbs[1] = {0};
    struct sotto_buffer forged;
    struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 2, .attempt = 1};
    assert_ok(net_begin_plan(net_pays, 4, net_unverified_format, 3, 4));
    net.hosts[1].slow = true;
    net_deliver(); /* n1 computes */
    assert_ok(sotto__round_seal(&forged, limbs, 8, &label, net.hosts[0].identity));
    assert_ok(net_host_take(&net.hosts[1], &forged));
    assert_int_equal(net_host_take(&net.hosts[1], &forged), SOTTO_ERROR_STATE);
    sotto_buffer_release(&forged);
    label.round = 3;
    assert_ok(sotto__round_seal(&forged, limbs, 8, &label, net.hosts[0].identity));
    assert_int_equal(net_host_take(&net.hosts[2], &forged), SOTTO_ERROR_STATE);
    sotto_buffer_release(&forged);
    net.hosts[1].slow = false;
    net_host_partial(&net.hosts[1]);
    net_host_pump(&net.hosts[1]);
    net_run();
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PROTOCOL); /* the forged one, after all */
    assert_contains(net.hosts[1].end_text, "limbs, expected");
    net_end();
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_rounds),
        cmocka_unit_test(test_a_loss_before_the_first_opening),
        cmocka_unit_test(test_a_loss_after_the_first_opening),
        cmocka_unit_test(test_a_restart_in_the_first_round_is_a_loss),
        cmocka_unit_test(test_different_aggregates_are_an_error),
        cmocka_unit_test(test_later_rounds_are_of_the_same_parties),
        cmocka_unit_test(test_rounds_out_of_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
