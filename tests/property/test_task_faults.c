/* SPDX-License-Identifier: Apache-2.0 */
/* A task whose allocations fail, each one once. */
#include "fault.h"
#include "net.h"
#include "test.h"
#include "world.h"

#include <sotto/secret.h>

/* Every allocation of a task fails once. Whoever meets it, the task ends: with a result among those
 * that are left (never three of three), or with an error. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    const char *const formats[] = {net_unverified_format, net_published_format};
    for (size_t k = 0; k < sizeof formats / sizeof formats[0]; k++) {
        size_t failures = 0;
        bool injected = true;
        for (size_t fail_at = 1; injected; fail_at = fault_next(fail_at)) {
            assert_ok(net_begin_plan(net_pays, 3, formats[k], 3, 3));
            fault_allocation_begin(fail_at);
            net_run();
            injected = fault_allocation_end();
            if (net.ended == SOTTO_OK) {
                net_assert_result("102.5625", "\"survived\": 3");
            } else {
                failures++;
            }
            /* Nobody is called a liar for it. */
            assert_int_not_equal(net.ended, SOTTO_ERROR_PROTOCOL);
            for (size_t i = 0; i < net.len; i++) {
                assert_int_not_equal(net.hosts[i].ended, SOTTO_ERROR_PROTOCOL);
            }
            net_end();
        }
        assert_true(failures > 100);
    }
}

static size_t fail_at;

static bool is_spoilt(uint32_t holder)
{
    return holder != 2;
}

/* Host 1 deals badly to most, once; from then on an allocation fails. */
static void deal_badly(struct net_letter *letter)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_DEAL && message.label.attempt == 1 &&
        sotto_key_equal(&message.sender, &net.peers[1].key)) {
        world_spoil_deal(&letter->bytes, net.hosts[1].identity, (uint32_t)net.len, is_spoilt);
        fault_allocation_begin(fail_at);
    }
}

/* Complaints, releases and another attempt, and every allocation of them fails once: whatever comes
 * of it, the cheat is in no result, and nobody else is called one. */
static void test_every_allocation_after_a_bad_dealing_may_fail(void **state)
{
    (void)state;
    size_t failures = 0;
    bool injected = true;
    for (fail_at = 1; injected; fail_at = fault_next(fail_at)) {
        net_begin(4, 3, 4);
        net.forge = deal_badly;
        net_run();
        injected = fault_allocation_end();
        if (net.ended == SOTTO_OK) {
            net_assert_result_has("{\"name\": \"n1\", \"why\"");
            assert_int_equal(net_count_in_log("dealt shares that"),
                             net_count_in_log("n1 dealt shares that"));
        } else {
            failures++;
        }
        net_end();
    }
    assert_true(failures > 20);
}

static bool is_injecting;
static bool was_injected;

/* From the ADVERT of who came back on, all is as in any other round. */
static void stop_at_advert(struct net_letter *letter)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (is_injecting && message.type == SOTTO_MESSAGE_ADVERT &&
        sotto_key_equal(&message.sender, &net.peers[2].key)) {
        is_injecting = false;
        was_injected = fault_allocation_end();
    }
}

/* A process that ended in the second round begins again, and every allocation fails once until it
 * takes part again: for a round that is dealt again, and for one that it missed. */
static void test_every_allocation_after_a_restart_may_fail(void **state)
{
    (void)state;
    static const uint16_t deaths[] = {SOTTO_MESSAGE_MASKED, SOTTO_MESSAGE_CONSENT};
    for (size_t k = 0; k < 2; k++) {
        size_t failures = 0;
        was_injected = true;
        for (size_t at = 1; was_injected; at = fault_next(at)) {
            assert_ok(net_begin_plan(net_pays, 4, net_long_format, 3, 4));
            net.hosts[2].dies_before = deaths[k];
            net.hosts[2].dies_in = 2;
            net_deliver();
            net.forge = stop_at_advert;
            is_injecting = true;
            fault_allocation_begin(at);
            enum sotto_status status = net_host_return(&net.hosts[2]);
            assert_true(status == SOTTO_OK || status == SOTTO_ERROR_NO_MEMORY);
            if (status == SOTTO_OK) {
                net_run();
            }
            was_injected = is_injecting ? fault_allocation_end() : was_injected;
            failures += status != SOTTO_OK || net.ended != SOTTO_OK;
            assert_int_not_equal(net.ended, SOTTO_ERROR_PROTOCOL);
            assert_int_not_equal(net.hosts[2].ended, SOTTO_ERROR_PROTOCOL);
            net_end();
        }
        assert_true(failures > 10);
    }
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_every_allocation_after_a_bad_dealing_may_fail),
        cmocka_unit_test(test_every_allocation_after_a_restart_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
