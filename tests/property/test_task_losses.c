/* SPDX-License-Identifier: Apache-2.0 */
/* Who vanishes in a task and when, who comes back, and what is cancelled. */
#include "net.h"
#include "test.h"

#include <sotto/secret.h>

static void test_a_loss_at_every_step(void **state)
{
    (void)state;
    for (uint16_t type = SOTTO_MESSAGE_DEAL; type <= SOTTO_MESSAGE_REVEAL; type++) {
        bool counted = type > SOTTO_MESSAGE_MASKED; /* its input was in */
        net_begin(4, 3, 4);
        net.hosts[3].dies_before = type;
        net_run();
        net_assert_result_has(counted ? "\"joined\": 4, \"survived\": 4"
                                      : "\"joined\": 4, \"survived\": 3");
        assert_true(net.expiries <= 1);
        net_end();

        net_begin(4, 4, 4);
        net.hosts[3].dies_before = type;
        net_run();
        if (counted) {
            net_assert_result_has("\"survived\": 4");
        } else {
            net_assert_ended(SOTTO_ERROR_PARTIES, "3 of 4 parties answered, 4 needed");
        }
        net_end();
    }
}

static void test_a_loss_among_three_is_final(void **state)
{
    (void)state;
    for (uint16_t type = SOTTO_MESSAGE_DEAL; type <= SOTTO_MESSAGE_REVEAL; type++) {
        net_begin(3, 3, 3);
        net.hosts[1].dies_before = type;
        net_run();
        net_assert_ended(SOTTO_ERROR_PARTIES, "2 of 3 parties answered, 3 needed");
        net_end();
    }
}

static void test_an_unopened_session_starts_again(void **state)
{
    (void)state;
    net_begin(5, 3, 5); /* threshold 4: two losses are too many for one session */
    net.hosts[1].dies_before = SOTTO_MESSAGE_DEAL;
    net.hosts[2].dies_before = SOTTO_MESSAGE_DEAL;
    net_run();
    net_assert_result_has("\"joined\": 5, \"survived\": 3");
    assert_contains(net.log, "[Restart] task 42 round 1 dealing shares: 3 of 5 parties answered");
    net_end();

    net_begin(10, 3, 10); /* the six that masked give the attempt up first */
    for (size_t i = 3; i < 7; i++) {
        net.hosts[i].dies_before = SOTTO_MESSAGE_MASKED;
    }
    net_run();
    net_assert_result_has("\"joined\": 10, \"survived\": 6");
    assert_contains(net.log, "[Restart] task 42 round 1 masked inputs: 6 of 10 parties answered");
    net_end();
}

/* An attempt that may still be opened is the last one: too few are left to give it up. */
static void test_a_session_that_may_be_opened_does_not(void **state)
{
    (void)state;
    net_begin(5, 3, 5);
    net.hosts[1].dies_before = SOTTO_MESSAGE_MASKED;
    net.hosts[2].dies_before = SOTTO_MESSAGE_MASKED;
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES,
                     "masked inputs: 3 of 5 parties answered, 4 needed; to start again 4 of 5 "
                     "parties must give this attempt up, and 3 can");
    net_end();

    net_begin(10, 3, 10); /* six could, and one of them is lost meanwhile */
    for (size_t i = 3; i < 7; i++) {
        net.hosts[i].dies_before = SOTTO_MESSAGE_MASKED;
    }
    net.hosts[8].dies_before = SOTTO_MESSAGE_RELEASE;
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES, "to start again 6 of 10 parties must give this attempt "
                                          "up, and 5 can");
    net_end();
}

/* Who is slow gives the attempt up too, which lets the others start again; it is too late for the
 * next one. */
static void test_a_slow_party_helps_to_start_again(void **state)
{
    (void)state;
    net_begin(5, 3, 5);
    net.hosts[1].slow = true;
    net.hosts[2].dies_before = SOTTO_MESSAGE_MASKED;
    net_deliver();
    net.now_ms = net.deadline_ms;
    sotto_task_aggregator_tick(net.aggregator, net.now_ms);
    net_pump();
    net_deliver();                   /* the four give it up, and three begin anew */
    net_host_partial(&net.hosts[1]); /* of the attempt that it gave up: not used */
    net_host_pump(&net.hosts[1]);
    net_run();
    net_assert_result_has("\"joined\": 5, \"survived\": 3");
    net_end();
}

/* After somebody may have consented to a survivor set there is no second try with fewer. */
static void test_a_session_with_consents_does_not(void **state)
{
    (void)state;
    static const char *const reasons[] = {"consents: 3 of 5 parties answered, 4 needed",
                                          "revealed shares: 3 of 5 parties answered, 4 needed"};
    for (uint16_t type = SOTTO_MESSAGE_CONSENT; type <= SOTTO_MESSAGE_REVEAL; type++) {
        net_begin(5, 3, 5);
        net.hosts[1].dies_before = type;
        net.hosts[2].dies_before = type;
        net_run();
        net_assert_ended(SOTTO_ERROR_PARTIES, reasons[type - SOTTO_MESSAGE_CONSENT]);
        assert_null(strstr(net.log, "[Restart]"));
        net_end();
    }
}

/* A host may take its time over a partial: the driver stands still, a new attempt waits. */
static void test_a_new_attempt_waits_for_the_partial(void **state)
{
    (void)state;
    net_begin(5, 3, 5);
    net.hosts[1].dies_before = SOTTO_MESSAGE_DEAL;
    net.hosts[2].dies_before = SOTTO_MESSAGE_DEAL;
    net.hosts[3].slow = true;
    net_deliver();
    const struct sotto_driver *driver = sotto_task_party_driver(net.hosts[3].task);
    net.now_ms = net.deadline_ms;
    sotto_task_aggregator_tick(net.aggregator, net.now_ms); /* too few dealt: again */
    net_pump();
    net_deliver();
    assert_contains(net.log, "[Restart] task 42 round 1 dealing shares: 3 of 5");
    assert_ptr_equal(sotto_task_party_driver(net.hosts[3].task), driver);
    net.hosts[3].slow = false;
    net_host_partial(&net.hosts[3]); /* of the attempt before: not used */
    net_host_pump(&net.hosts[3]);
    net_run();
    net_assert_result_has("\"joined\": 5, \"survived\": 3");
    net_end();
}

static void test_a_party_that_comes_back_before_the_start_takes_part(void **state)
{
    (void)state;
    net_begin(4, 4, 4);
    net.hosts[1].off = true;
    net_deliver(); /* three joined */
    net_host_restart(&net.hosts[1]);
    sotto_task_aggregator_returned(net.aggregator, &net.peers[1].key, net.now_ms);
    net_pump();
    net_run();
    assert_int_equal(net.expiries, 0);
    net_assert_result_has("\"joined\": 4, \"survived\": 4");
    net_end();
}

static void test_a_party_that_joined_died_and_came_back_joins_anew(void **state)
{
    (void)state;
    net_begin(4, 4, 4);
    net.hosts[2].off = true;
    net_deliver();
    net_host_restart(&net.hosts[1]);
    sotto_task_aggregator_returned(net.aggregator, &net.peers[1].key, net.now_ms);
    net_pump();
    net_deliver();
    assert_false(net.done);
    net_host_restart(&net.hosts[2]);
    sotto_task_aggregator_returned(net.aggregator, &net.peers[2].key, net.now_ms);
    net_pump();
    net_run();
    net_assert_result_has("\"joined\": 4, \"survived\": 4");
    net_end();
}

static void test_a_party_that_comes_back_too_late_is_lost_at_once(void **state)
{
    (void)state;
    net_begin(4, 3, 4);
    net.hosts[1].dies_before = SOTTO_MESSAGE_MASKED;
    net_deliver(); /* the others wait for it */
    assert_false(net.done);
    net.now_ms = net.deadline_ms - 1; /* a step that begins now has its whole time */
    net_host_restart(&net.hosts[1]);
    sotto_task_aggregator_returned(net.aggregator, &net.peers[1].key, net.now_ms);
    net_pump();
    assert_int_equal(net.deadline_ms, net.now_ms + 5000);
    net_run();
    assert_int_equal(net.expiries, 0);
    net_assert_result_has("\"joined\": 4, \"survived\": 3");
    net_end();
}

static void test_a_party_answers_a_task_once(void **state)
{
    (void)state;
    net_begin(4, 3, 4);
    net.hosts[3].answered = true;
    net_run();
    assert_contains(net.log, "n3 declined: state");
    net_assert_result_has("\"joined\": 3");
    net_end();
}

static void remove_peer(size_t host)
{
    sotto_task_aggregator_removed(net.aggregator, &net.peers[host].key, net.now_ms);
    net_pump();
}

/* Removed while others join, a peer is in no roster, whether it had joined, or would have. */
static void test_a_peer_that_is_removed_is_not_waited_for(void **state)
{
    (void)state;
    for (size_t removed = 1; removed < 3; removed++) {
        net_begin(5, 4, 5);
        net.hosts[1].off = true;
        net_deliver(); /* n1 has not answered, the others have joined */
        assert_false(net.done);
        remove_peer(removed);
        if (removed == 2) {
            net_host_restart(&net.hosts[1]);
            sotto_task_aggregator_returned(net.aggregator, &net.peers[1].key, net.now_ms);
            net_pump();
        }
        net_run();
        assert_int_equal(net.expiries, 0);
        net_assert_result_has("\"joined\": 4, \"survived\": 4");
        net_assert_result_has("it is no peer of the node that asks any more");
        assert_int_equal(net_count_in_log("declined: it is no peer any more"), 1);
        net_end();
    }
}

/* Removed in a session it is lost at once, in whatever step, and says nothing more. */
static void test_a_peer_that_is_removed_later_is_lost_at_once(void **state)
{
    (void)state;
    static const uint16_t types[] = {SOTTO_MESSAGE_DEAL, SOTTO_MESSAGE_MASKED};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        net_begin(4, 3, 4);
        net.hosts[3].dies_before = types[i];
        net_deliver(); /* the others wait for it */
        assert_false(net.done);
        remove_peer(3);
        net_run();
        assert_int_equal(net.expiries, 0);
        net_assert_result_has("\"joined\": 4, \"survived\": 3");
        remove_peer(3); /* after the end it changes nothing */
        net_end();
    }
    net_begin_rounds(3, 3);
    net.hosts[1].dies_before = SOTTO_MESSAGE_ADVERT;
    net.hosts[1].dies_in = 2;
    net_deliver();
    assert_false(net.done);
    remove_peer(1);
    net_run();
    assert_int_equal(net.expiries, 0);
    net_assert_ended(SOTTO_ERROR_PARTIES, "n1 was lost in round 2 (it left)");
    net_end();
}

static void test_cancelling(void **state)
{
    (void)state;
    net_begin(4, 4, 4);
    net.hosts[3].off = true;
    net_deliver();
    sotto_task_aggregator_cancel(net.aggregator);
    net_pump();
    net_deliver();
    assert_true(net.done);
    net_assert_ended(SOTTO_ERROR_CANCELLED, "cancelled");
    assert_int_equal(net.hosts[0].ended, SOTTO_ERROR_CANCELLED);
    net_end();
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_loss_at_every_step),
        cmocka_unit_test(test_a_loss_among_three_is_final),
        cmocka_unit_test(test_an_unopened_session_starts_again),
        cmocka_unit_test(test_a_session_that_may_be_opened_does_not),
        cmocka_unit_test(test_a_slow_party_helps_to_start_again),
        cmocka_unit_test(test_a_session_with_consents_does_not),
        cmocka_unit_test(test_a_new_attempt_waits_for_the_partial),
        cmocka_unit_test(test_a_party_that_comes_back_before_the_start_takes_part),
        cmocka_unit_test(test_a_party_that_joined_died_and_came_back_joins_anew),
        cmocka_unit_test(test_a_party_that_comes_back_too_late_is_lost_at_once),
        cmocka_unit_test(test_a_party_answers_a_task_once),
        cmocka_unit_test(test_a_peer_that_is_removed_is_not_waited_for),
        cmocka_unit_test(test_a_peer_that_is_removed_later_is_lost_at_once),
        cmocka_unit_test(test_cancelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
