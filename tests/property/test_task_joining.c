/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of one round: who joins, who fills them, who is named as missing. */
#include "cases.h"
#include "net.h"
#include "test.h"

#include "federation/internal.h"
#include <sotto/secret.h>
#include <string.h>

static void test_three_parties(void **state)
{
    (void)state;
    net_begin(3, 3, 3);
    net_run();
    assert_int_equal(net.expiries, 0); /* on the last answer, never on a timer */
    net_assert_result("102.5625", "\"invited\": 3, \"joined\": 3, \"survived\": 3");
    assert_contains(net.log, "[Create Task] create task 42");
    assert_contains(net.log, "[Start Round] task 42 round 1 start");
    assert_contains(net.log, "no dead members");
    assert_contains(net.log, "[Finish Task] task 42 finished");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(net.hosts[i].ended, SOTTO_OK);
        assert_contains(net.hosts[i].end_text, "ended");
    }
    net_end();
}

static void test_everything_twice(void **state)
{
    (void)state;
    net_begin(4, 3, 4);
    net.twice = true;
    net_run();
    net_assert_result("102.5625", "\"survived\": 4");
    net_end();
}

static void test_twenty_parties(void **state)
{
    (void)state;
    net_begin(20, 3, 20);
    net_run();
    net_assert_result_has("\"survived\": 20");
    net_end();
}

/* Of more willing parties than max_clients those whose names come first take part, whoever answers
 * first; everybody is waited for. */
static void test_names_decide_who_fills_the_task(void **state)
{
    (void)state;
    for (uint64_t shuffles = 1, cases = test_cases(40); shuffles <= cases; shuffles++) {
        net_begin(5, 3, 3);
        net.shuffles = shuffles;
        net_run();
        assert_int_equal(net.expiries, 0);
        net_assert_result_has(
            "\"invited\": 5, \"joined\": 3, \"survived\": 3, "
            "\"names\": [\"n0\", \"n1\", \"n2\"], \"missing\": [{\"name\": \"n3\"");
        net_assert_result_has("102.5625");
        net_assert_result_has(
            "\"n4 was invited, and its rows are not in the result: max_clients others "
            "come before it in the order of names\"");
        net_end();
    }
    net_begin(5, 3, 3);
    net.hosts[1].off = true; /* costs a timeout, and gives its place to the next name */
    net_run();
    assert_int_equal(net.expiries, 1);
    net_assert_result_has("\"names\": [\"n0\", \"n2\", \"n3\"]");
    net_end();
}

/* Without max_clients all who are willing take part. */
static void test_all_who_are_willing_take_part(void **state)
{
    (void)state;
    static const char format[] =
        "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": "
        "{\"w\": \"w.csv\"}, \"select\": {\"n\": \"count(pay)\"}}";
    for (uint64_t shuffles = 1, cases = test_cases(20); shuffles <= cases; shuffles++) {
        assert_ok(net_begin_plan(net_pays, 7, format, 0, 0));
        net.shuffles = shuffles;
        net_run();
        assert_int_equal(net.expiries, 0);
        net_assert_result_has("\"invited\": 7, \"joined\": 7, \"survived\": 7, \"names\": [\"n0\", "
                              "\"n1\", \"n2\", \"n3\", \"n4\", \"n5\", \"n6\"]}");
        net_assert_result_has("\"warnings\": []");
        net_end();
    }
}

/* The advert of a host whose engine computes otherwise, which says so and else offers the same. */
static void make_other_advert(struct sotto_action *out, const struct net_host *host)
{
    struct sotto_buffer payload;
    struct sotto__offer offer = {0};
    struct sotto_plan *plan = NULL;
    const struct sotto_catalogue *catalogue = host->catalogue;
    struct sotto_session_party *party = NULL;
    struct sotto_invitation_terms terms = {.label = {.task = {{1, 2, 3}}, .round = 1, .attempt = 1},
                                           .aggregator = sotto_identity_key(net.hosts[0].identity)};
    sotto__task_plan_digest(terms.plan_digest, net.plan, strlen(net.plan));
    assert_ok(sotto_plan_parse(&plan, net.plan, strlen(net.plan), NULL));
    assert_ok(sotto_schema_offer(&offer.schema, plan, &catalogue, NULL));
    assert_ok(sotto__offer_encode(&payload, &offer));
    payload.data[5] ^= 1;
    assert_ok(sotto_session_party_new(&party, host->identity, net.random, &terms, &host->demands,
                                      payload.data, payload.data_bytes));
    assert_true(sotto_session_party_next(party, out));
    sotto_session_party_free(party);
    sotto_buffer_release(&payload);
    sotto_schema_release(&offer.schema);
    sotto_plan_free(plan);
}

/* Who computes other bits is named at once, and the others go on without it. */
static void test_an_engine_that_computes_otherwise(void **state)
{
    (void)state;
    struct sotto_action advert;
    net_begin(4, 3, 4);
    net.hosts[3].off = true;
    make_other_advert(&advert, &net.hosts[3]);
    assert_ok(sotto_task_aggregator_receive(net.aggregator, advert.bytes.data,
                                            advert.bytes.data_bytes, 0, NULL));
    sotto_action_release(&advert);
    net_pump();
    net_run();
    assert_int_equal(net.expiries, 0);
    assert_contains(net.log, "the engine of n3 computes other bits than this one");
    net_assert_result_has("\"survived\": 3, \"names\": [\"n0\", \"n1\", \"n2\"], \"missing\": "
                          "[{\"name\": \"n3\", \"why\": \"its engine computes other bits");
    net_end();
}

/* Nobody waits for who is known to be away; it takes part if it answers before the start. */
static void test_who_is_away_is_not_waited_for(void **state)
{
    (void)state;
    net_away[3] = true;
    net_begin(4, 3, 4);
    net.hosts[3].off = true;
    net_run();
    assert_int_equal(net.expiries, 0);
    net_assert_result_has("\"joined\": 3, \"survived\": 3, \"names\": [\"n0\", \"n1\", \"n2\"], "
                          "\"missing\": [{\"name\": \"n3\", \"why\": \"it was away\"}]");
    net_assert_result_has(
        "\"warnings\": [\"n3 was invited, and its rows are not in the result: it was "
        "away\"]");
    net_end();

    net_begin(4, 4, 4); /* where it is needed, there is time for it to come */
    net.hosts[3].off = true;
    net_deliver();
    assert_false(net.done);
    net.hosts[3].off = false;
    sotto_task_aggregator_returned(net.aggregator, &net.peers[3].key, net.now_ms);
    net_pump();
    net_run();
    assert_int_equal(net.expiries, 0);
    net_assert_result_has("\"joined\": 4, \"survived\": 4");
    net_end();

    net_begin(4, 4, 4); /* though not for ever */
    net.hosts[3].off = true;
    net_run();
    assert_int_equal(net.expiries, 1);
    net_assert_ended(SOTTO_ERROR_PARTIES, "3 of 4 invited parties joined, at least 4 needed");
    net_end();
    net_away[3] = false;
}

/* Who goes while others join is not waited for from then on, and is named meanwhile. */
static void test_who_goes_away_is_not_waited_for(void **state)
{
    (void)state;
    char text[64];
    net_begin(5, 3, 5);
    net.hosts[3].off = true;
    net.hosts[4].off = true;
    net_deliver();
    assert_true(sotto_task_aggregator_awaits(net.aggregator, text, sizeof text));
    assert_string_equal(text, "waits for n3, n4");
    sotto_task_aggregator_away(net.aggregator, &net.peers[1].key, 0); /* it has joined */
    sotto_task_aggregator_away(net.aggregator, &net.peers[3].key, 0);
    assert_true(sotto_task_aggregator_awaits(net.aggregator, text, sizeof text));
    assert_string_equal(text, "waits for n4; away: n3");
    assert_true(sotto_task_aggregator_awaits(net.aggregator, text, 40)); /* no name is cut */
    assert_string_equal(text, "waits for n4; away: 1 more");
    assert_true(sotto_task_aggregator_awaits(net.aggregator, text, 14)); /* what fits */
    assert_string_equal(text, "waits for 1 m");
    net_pump();
    net_deliver();
    assert_false(net.done);
    sotto_task_aggregator_away(net.aggregator, &net.peers[4].key, 0);
    assert_false(sotto_task_aggregator_awaits(net.aggregator, text, sizeof text));
    assert_string_equal(text, "");
    net_pump();
    net_run();
    assert_int_equal(net.expiries, 0);
    assert_contains(net.log, "[Join] task 42 round 1 n3 is away");
    net_assert_result_has("\"names\": [\"n0\", \"n1\", \"n2\"], \"missing\": [{\"name\": \"n3\", "
                          "\"why\": \"it was away\"}, {\"name\": \"n4\"");
    net_end();

    net_begin(4, 4, 4); /* where too few are left there is time to come back */
    net.hosts[3].off = true;
    net_deliver();
    sotto_task_aggregator_away(net.aggregator, &net.peers[3].key, 0);
    assert_true(sotto_task_aggregator_awaits(net.aggregator, text, sizeof text));
    assert_string_equal(text, "waits, away: n3");
    net_run();
    assert_int_equal(net.expiries, 1);
    net_assert_ended(SOTTO_ERROR_PARTIES,
                     "3 of 4 invited parties joined, at least 4 needed; away: n3");
    net_end();
}

/* The result says who is missing, and why. */
static void test_who_is_missing_is_named(void **state)
{
    (void)state;
    static const char *const texts[20] = {"pay\n1\n", "pay\n2\n", "pay\n3\n", "wage\n4\n",
                                          "pay\n5\n", "pay\n6\n", "pay\n7\n"};
    assert_ok(net_begin_texts(texts, 7, 3, 7));
    net.hosts[4].off = true;
    net.hosts[5].dies_before = SOTTO_MESSAGE_MASKED;
    net_run();
    net_assert_result_has("\"names\": [\"n0\", \"n1\", \"n2\", \"n6\"], \"missing\": ["
                          "{\"name\": \"n3\", \"why\": \"it declined (not_found)\"}, "
                          "{\"name\": \"n4\", \"why\": \"it did not answer in time\"}, "
                          "{\"name\": \"n5\", \"why\": \"it dropped out\"}]");
    net_end();
}

/* Who was left out of the first round is in no later one. */
static void test_later_rounds_keep_the_choice(void **state)
{
    (void)state;
    for (uint64_t shuffles = 1, cases = test_cases(10); shuffles <= cases; shuffles++) {
        assert_ok(net_begin_plan(net_pays, 6, net_rounds_format, 3, 4));
        net.shuffles = shuffles;
        net_run();
        assert_int_equal(net.expiries, 0);
        net_assert_result_has("\"names\": [\"n0\", \"n1\", \"n2\", \"n3\"]");
        net_end();
    }
}

static void test_an_absent_party_costs_one_timeout(void **state)
{
    (void)state;
    net_begin(4, 3, 4);
    net.hosts[3].off = true;
    net_run();
    assert_int_equal(net.expiries, 1);
    assert_int_equal(net.now_ms, 5000);
    net_assert_result_has("\"invited\": 4, \"joined\": 3, \"survived\": 3");
    net_end();
}

static void test_too_few_join(void **state)
{
    (void)state;
    net_begin(4, 4, 4);
    net.hosts[3].off = true;
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES, "3 of 4 invited parties joined, at least 4 needed");
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PARTIES); /* they are told */
    net_end();
}

static void test_a_refusal_ends_the_wait_at_once(void **state)
{
    (void)state;
    static const char *const texts[20] = {"pay\n1\n", "pay\n2\n", "wage\n3\n"};
    assert_ok(net_begin_texts(texts, 3, 3, 3));
    net_run();
    assert_int_equal(net.expiries, 0);
    net_assert_ended(SOTTO_ERROR_PARTIES, "at least 3 needed");
    assert_contains(net.log, "n2 declined: not_found");
    assert_null(strstr(net.log, "wage")); /* the class, never the owner's text */
    net_end();
}

static void test_types_that_do_not_join(void **state)
{
    (void)state;
    static const char *const texts[20] = {"pay\n1\n", "pay\n2\n", "pay\nhigh\n"};
    assert_ok(net_begin_texts(texts, 3, 3, 3));
    net_run();
    assert_int_equal(net.ended, SOTTO_ERROR_TYPE);
    assert_contains(net.end_text, "pay");
    assert_contains(net.end_text, "n2");
    net_end();
}

static void test_more_parties_than_peers_are_asked_for(void **state)
{
    (void)state;
    assert_int_equal(net_begin_texts(net_pays, 3, 4, 4), SOTTO_ERROR_PARTIES);
    net_end();
}

static void test_the_owners_minimum(void **state)
{
    (void)state;
    net_begin(4, 3, 4);
    net.hosts[2].demands.min_parties = 5;
    net_run();
    /* With it nobody would start; three are left of four, and go on. */
    net_assert_result_has("\"joined\": 4, \"survived\": 3");
    net_assert_result_has("its owner asks for more parties than joined");
    assert_contains(net.log, "without n2: 4 parties joined, and its owner asks for at least 5");
    net_end();

    /* One that is left out may have been what another asks for. */
    net_begin(6, 3, 6);
    net.hosts[2].demands.min_parties = 7;
    net.hosts[4].demands.min_parties = 6;
    net.hosts[1].demands.colluders = 1;
    net_run();
    net_assert_result_has("\"joined\": 6, \"survived\": 4");
    net_end();

    net_begin(5, 4, 5);
    net.hosts[1].demands.colluders = 3;
    net.hosts[2].demands.min_parties = 5;
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES, "3 of 5 invited parties joined, at least 4 needed");
    net_end();
}

/* An owner's minimum holds for everybody: its party's input is in no sum over fewer. */
static void test_an_owners_minimum_binds_the_others(void **state)
{
    (void)state;
    net_begin(7, 3, 7);
    net.hosts[6].demands.min_parties = 7;
    net.hosts[5].dies_before = SOTTO_MESSAGE_DEAL;
    net_run();
    assert_contains(net.log, "dealing shares: 6 of 7 parties answered, 7 needed");
    assert_contains(net.log, "without n6: 6 parties joined");
    net_assert_result_has("\"joined\": 7, \"survived\": 5");
    net_end();
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_parties),
        cmocka_unit_test(test_an_engine_that_computes_otherwise),
        cmocka_unit_test(test_everything_twice),
        cmocka_unit_test(test_twenty_parties),
        cmocka_unit_test(test_names_decide_who_fills_the_task),
        cmocka_unit_test(test_all_who_are_willing_take_part),
        cmocka_unit_test(test_who_is_away_is_not_waited_for),
        cmocka_unit_test(test_who_goes_away_is_not_waited_for),
        cmocka_unit_test(test_who_is_missing_is_named),
        cmocka_unit_test(test_later_rounds_keep_the_choice),
        cmocka_unit_test(test_an_absent_party_costs_one_timeout),
        cmocka_unit_test(test_too_few_join),
        cmocka_unit_test(test_a_refusal_ends_the_wait_at_once),
        cmocka_unit_test(test_types_that_do_not_join),
        cmocka_unit_test(test_more_parties_than_peers_are_asked_for),
        cmocka_unit_test(test_the_owners_minimum),
        cmocka_unit_test(test_an_owners_minimum_binds_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
