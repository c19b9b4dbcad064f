/* SPDX-License-Identifier: Apache-2.0 */
/* Parties that train a model, and vanish: with code that says so the rounds go on without them, and
 * every model is the exact mean over its round's survivors; with other code the task ends. */
#include "cases.h"
#include "files.h"
#include "net.h"
#include "test.h"

#include "federation/party_returned.h"
#include "federation/task_party.h"
#include <math.h>
#include <sodium.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 5
#define SCALE_BITS 20

static struct sotto_bundle code;

static void begin(size_t len, uint32_t min_clients, bool is_tolerant)
{
    char hex[2 * SOTTO_BUNDLE_DIGEST_BYTES + 1];
    char format[512];
    const struct sotto_bundle_manifest manifest = {.entry = {"m:Model"},
                                                   .datasets = {{"numbers"}},
                                                   .datasets_len = 1,
                                                   .is_weighted = true,
                                                   .is_tolerant = is_tolerant,
                                                   .merge_every = 1,
                                                   .rounds = ROUNDS,
                                                   .parameters_max = NET_WEIGHTS,
                                                   .range_bits = 10,
                                                   .scale_bits = SCALE_BITS,
                                                   .rows_max = 100,
                                                   .memory_mib = 256,
                                                   .round_seconds = 60};
    const struct sotto_bundle_file file = {{"m.py"}, "class Model: pass\n", 18};
    assert_ok(sotto_bundle_make(&code, &manifest, &file, 1, NULL));
    (void)sodium_bin2hex(hex, sizeof hex, code.digest, sizeof code.digest);
    (void)snprintf(format, sizeof format,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"learning\", \"bundle\": \"%s\", "
                   "\"rounds\": %d, \"strategy\": {\"min_clients\": %%u, \"max_clients\": %%u, "
                   "\"wait_timeout\": 7, \"connection_timeout\": 5}}",
                   hex, ROUNDS);
    net_code = &code;
    assert_ok(net_begin_plan(net_pays, len, format, min_clients, (uint32_t)len));
}

static void end(void)
{
    net_end();
    net_code = NULL;
    sotto_bundle_release(&code);
}

/* Who is in the sum that a round opened, as bits of hosts: who lived in its last attempt. */
static uint32_t find_survivors(uint32_t round)
{
    char line[64];
    uint32_t bits = 0;
    const char *last = NULL;
    (void)snprintf(line, sizeof line, "round %u alive members [", round);
    for (const char *at = net.log; (at = strstr(at, line)) != NULL; at++) {
        last = at + strlen(line);
    }
    assert_non_null(last);
    for (const char *at = last; at != NULL && *at != ']'; at++) {
        bits |= *at == 'n' ? 1U << strtoul(at + 1, NULL, 10) : 0;
    }
    return bits;
}

/* The mean of the survivors' fixed-point weights by their rows, rounded once: both weights of all
 * hosts are the model's, and one more than the host's number. */
static double average(double weight, uint32_t survivors)
{
    int64_t sum = 0;
    int64_t rows = 0;
    for (size_t i = 0; i < net.len; i++) {
        int64_t k = (survivors >> i & 1) != 0 ? (int64_t)i + 1 : 0;
        sum += k * (int64_t)rint(ldexp(weight + (double)k, SCALE_BITS));
        rows += k;
    }
    return (double)sum / (double)(rows << SCALE_BITS);
}

static void assert_model_is_exact(void)
{
    double expected = 0;
    double found[NET_WEIGHTS];
    struct sotto_buffer weights = {0};
    uint8_t bytes[1024];
    uint32_t before = UINT32_MAX;
    assert_int_equal(net.ended, SOTTO_OK);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        uint32_t survivors = find_survivors(round);
        assert_int_equal(survivors & ~before, 0); /* nobody comes back */
        before = survivors;
        expected = average(expected, survivors);
    }
    const char *text = strstr(sotto_task_aggregator_result(net.aggregator), "\"weight\": \"");
    assert_non_null(text);
    text += strlen("\"weight\": \"");
    assert_int_equal(sodium_base642bin(bytes, sizeof bytes, text, strcspn(text, "\""), NULL,
                                       &weights.data_bytes, NULL, sodium_base64_VARIANT_ORIGINAL),
                     0);
    weights.data = bytes;
    net_read_weights(found, &weights);
    assert_true(found[0] == expected && found[1] == expected);
}

/* Where a process ends: before it sends something, or before its host does something. */
struct death {
    enum sotto_action_kind at;
    uint16_t before;
    bool counts; /* what it trained is in the sum of the round all the same */
};

static const struct death deaths[] = {
    {SOTTO_ACTION_SEND, SOTTO_MESSAGE_ADVERT, false},
    {SOTTO_ACTION_SEND, SOTTO_MESSAGE_DEAL, false},
    {SOTTO_ACTION_SEND, SOTTO_MESSAGE_MASKED, false},
    {SOTTO_ACTION_SEND, SOTTO_MESSAGE_CONSENT, true},
    {SOTTO_ACTION_SEND, SOTTO_MESSAGE_REVEAL, true},
    {SOTTO_ACTION_PARTIAL, 0, false},
    {SOTTO_ACTION_PLEDGE, 0, false},
    {SOTTO_ACTION_RECORD, 0, true},
};

#define DEATHS_LEN (sizeof deaths / sizeof deaths[0])

static void let_die(size_t host, const struct death *death, uint32_t round)
{
    net.hosts[host].dies_before = death->before;
    net.hosts[host].dies_at = death->at;
    net.hosts[host].dies_in = round;
}

static void test_rounds_go_on_without_who_is_lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEATHS_LEN; i++) {
        begin(5, 3, true);
        let_die(2, &deaths[i], 3);
        net_run();
        assert_model_is_exact();
        for (uint32_t round = 1; round <= ROUNDS; round++) {
            bool is_in = round < 3 || (round == 3 && deaths[i].counts);
            assert_int_equal(find_survivors(round), is_in ? 0x1F : 0x1B);
        }
        net_assert_result_has("\"names\": [\"n0\", \"n1\", \"n3\", \"n4\"]");
        net_assert_result_has("{\"name\": \"n2\", \"why\": \"it dropped out\"}");
        end();
    }
}

/* Its host need not wait for who it knows to be another process, which has nothing of the task. */
static void test_who_is_restarted_is_lost_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * DEATHS_LEN; i++) {
        bool is_tolerant = i % 2 == 0;
        begin(5, 3, is_tolerant);
        let_die(2, &deaths[i / 2], 3);
        net_deliver();
        while (!net.done) {
            if (net.hosts[2].off) {
                net_host_restart(&net.hosts[2]);
                net.hosts[2].off = true; /* it has no task, and hears of none */
                sotto_task_aggregator_returned(net.aggregator, &net.peers[2].key);
                net_pump();
            }
            net_deliver();
        }
        if (is_tolerant) {
            assert_model_is_exact();
        } else {
            net_assert_ended(SOTTO_ERROR_PARTIES, "n2 was lost in round");
        }
        assert_int_equal(net.expiries, 0);
        end();
    }
}

static void test_other_code_takes_no_loss(void **state)
{
    (void)state;
    begin(5, 3, false);
    let_die(2, &deaths[2], 3);
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES, "n2 was lost in round 3");
    end();
}

static void test_too_few_are_left(void **state)
{
    (void)state;
    begin(5, 4, true);
    let_die(2, &deaths[0], 2);
    let_die(3, &deaths[0], 4);
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES,
                     "3 of 5 invited parties joined this round, at least 4 needed");
    end();
}

/* What an owner demands holds of each round: with fewer it is out, and the others go on. */
static void test_an_owner_who_asks_for_more(void **state)
{
    (void)state;
    begin(5, 3, true);
    net.hosts[4].demands.min_parties = 5;
    let_die(2, &deaths[2], 3);
    net_run();
    assert_model_is_exact();
    assert_int_equal(find_survivors(2), 0x1F);
    assert_int_equal(find_survivors(3), 0x0B);
    net_assert_result_has("{\"name\": \"n4\", \"why\": \"its owner asks for more parties than "
                          "joined\"}");
    end();
}

/* The parties see to it themselves: a round is of those whose sum the one before opened. */
static void test_a_roster_of_others_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *roster;
        bool tolerant, strict;
    } rows[] = {{"bcde", true, true},    {"bce", true, false},    {"e", true, false},
                {"abcde", false, false}, {"bcdef", false, false}, {"bcf", false, false},
                {"abc", false, false},   {"bbc", false, false}};
    struct sotto_key contributors[] = {{"b"}, {"c"}, {"d"}, {"e"}};
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof rows[0]); i++) {
        struct sotto_advert adverts[8] = {0};
        const char *names = rows[i / 2].roster;
        bool is_tolerant = i % 2 == 0;
        const struct sotto_roster roster = {.adverts = adverts,
                                            .adverts_len = (uint32_t)strlen(names)};
        struct sotto_task_party party = {.contributors = contributors, .contributors_len = 4};
        party.course.bundle.manifest.is_tolerant = is_tolerant;
        for (size_t k = 0; names[k] != '\0'; k++) {
            adverts[k].sender.bytes[0] = (uint8_t)names[k];
        }
        assert_int_equal(sotto__task_party_check_contributors(&party, &roster, NULL),
                         (is_tolerant ? rows[i / 2].tolerant : rows[i / 2].strict)
                             ? SOTTO_OK
                             : SOTTO_ERROR_PROTOCOL);
    }
}

/* Several die, letters come in any order: a task ends with exact models, or says who is missing. */
static void test_any_deaths(void **state)
{
    (void)state;
    uint64_t seed = 7;
    size_t ended_well = 0;
    size_t cases = test_cases(12);
    for (size_t i = 0; i < cases; i++) {
        begin(6, 3, true);
        net.shuffles = 1 + test_random_below(&seed, 1000);
        net.twice = test_random_below(&seed, 4) == 0;
        for (size_t k = 1; k < 4; k++) {
            let_die(k, &deaths[test_random_below(&seed, DEATHS_LEN)],
                    2 + (uint32_t)test_random_below(&seed, ROUNDS - 1));
        }
        net_run();
        ended_well += net.ended == SOTTO_OK;
        if (net.ended == SOTTO_OK) {
            assert_model_is_exact();
        } else {
            assert_int_equal(net.ended, SOTTO_ERROR_PARTIES);
        }
        end();
    }
    assert_true(ended_well > 0);
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_go_on_without_who_is_lost),
        cmocka_unit_test(test_who_is_restarted_is_lost_at_once),
        cmocka_unit_test(test_other_code_takes_no_loss),
        cmocka_unit_test(test_too_few_are_left),
        cmocka_unit_test(test_an_owner_who_asks_for_more),
        cmocka_unit_test(test_a_roster_of_others_is_refused),
        cmocka_unit_test(test_any_deaths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
