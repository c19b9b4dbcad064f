/* SPDX-License-Identifier: Apache-2.0 */
/* Parties that train a model, and vanish: with code that says so the rounds go on without them, and
 * every model is the exact mean over its round's survivors; with other code the task ends. */
#include "cases.h"
#include "files.h"
#include "net.h"
#include "test.h"

#include "aggregation/session/session_aggregator.h"
#include "federation/party_returned.h"
#include "federation/task_aggregator.h"
#include "federation/task_party.h"
#include <math.h>
#include <sodium.h>
#include <sotto/receipt.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 5
#define SCALE_BITS 20

static struct sotto_bundle code;
static const char *results = "initiator"; /* of the next plan */
static int64_t momentum_percent;          /* of the next code */

static void begin_drawing(size_t len, uint32_t min_clients, uint32_t max_clients,
                          enum sotto_bundle_strategy strategy)
{
    char hex[2 * SOTTO_BUNDLE_DIGEST_BYTES + 1];
    char format[512];
    const struct sotto_bundle_manifest manifest = {.entry = {"m:Model"},
                                                   .datasets = {{"numbers"}},
                                                   .datasets_len = 1,
                                                   .is_weighted = true,
                                                   .strategy = strategy,
                                                   .merge_every = 1,
                                                   .momentum_percent = momentum_percent,
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
                   "\"rounds\": %d, \"results\": \"%s\", \"strategy\": {\"min_clients\": %%u, "
                   "\"max_clients\": %%u, "
                   "\"wait_timeout\": 7, \"connection_timeout\": 5}}",
                   hex, ROUNDS, results);
    net_code = &code;
    assert_ok(net_begin_plan(net_pays, len, format, min_clients, max_clients));
}

static void begin(size_t len, uint32_t min_clients, bool is_tolerant)
{
    begin_drawing(len, min_clients, (uint32_t)len,
                  is_tolerant ? SOTTO_STRATEGY_FAULT_TOLERANT : SOTTO_STRATEGY_FEDAVG);
}

static void end(void)
{
    net_end();
    net_code = NULL;
    sotto_bundle_release(&code);
}

/* The hosts, as bits, that the last line of a round names; all where there is none. */
static uint32_t find_named(uint32_t round, const char *what)
{
    char line[64];
    uint32_t bits = 0;
    const char *last = NULL;
    (void)snprintf(line, sizeof line, "round %u %s [", round, what);
    for (const char *at = net.log; (at = strstr(at, line)) != NULL; at++) {
        last = at + strlen(line);
    }
    for (const char *at = last; at != NULL && *at != ']'; at++) {
        bits |= *at == 'n' ? 1U << strtoul(at + 1, NULL, 10) : 0;
    }
    return last != NULL ? bits : UINT32_MAX;
}

/* Who lived in the attempt that a round opened. */
static uint32_t find_survivors(uint32_t round)
{
    return find_named(round, "alive members");
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
    double velocity = 0;
    double found[NET_WEIGHTS];
    struct sotto_buffer weights = {0};
    uint8_t bytes[1024];
    uint32_t before = UINT32_MAX;
    assert_int_equal(net.ended, SOTTO_OK);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        uint32_t survivors = find_survivors(round);
        assert_int_equal(survivors & ~before, 0); /* nobody comes back */
        before = survivors;
        double mean = average(expected, survivors & find_named(round, "drawn"));
        velocity = (double)momentum_percent / 100 * velocity + (mean - expected);
        expected = momentum_percent == 0 || round == 1
                       ? mean
                       : ldexp(rint(ldexp(expected + velocity, SCALE_BITS)), -SCALE_BITS);
        velocity = round == 1 ? 0 : velocity;
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

static void test_momentum(void **state)
{
    (void)state;
    momentum_percent = 70;
    begin(5, 3, true);
    let_die(2, &deaths[2], 3);
    net_run();
    assert_model_is_exact();
    end();
    momentum_percent = 0;
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
                sotto_task_aggregator_returned(net.aggregator, &net.peers[2].key, net.now_ms);
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

/* Too many die for the round to be opened: what is said is true of tolerant code. */
static void test_a_round_that_fails_for_good(void **state)
{
    (void)state;
    begin(5, 3, true);
    for (size_t i = 1; i < 4; i++) {
        let_die(i, &deaths[3], 3); /* masked, and asked to consent */
    }
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES, "was lost in round 3");
    net_assert_ended(SOTTO_ERROR_PARTIES, "too few of those that began it are left");
    assert_int_equal(net_count_in_log("must stay"), 0);
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
        party.course.bundle.manifest.strategy =
            is_tolerant ? SOTTO_STRATEGY_FAULT_TOLERANT : SOTTO_STRATEGY_FEDAVG;
        for (size_t k = 0; names[k] != '\0'; k++) {
            adverts[k].sender.bytes[0] = (uint8_t)names[k];
        }
        assert_int_equal(sotto__task_party_check_contributors(&party, &roster, NULL),
                         (is_tolerant ? rows[i / 2].tolerant : rows[i / 2].strict)
                             ? SOTTO_OK
                             : SOTTO_ERROR_PROTOCOL);
    }
}

/* Runs a task of which parties die. Returns: whether its models are exact; else too few are left.
 */
static bool run_to_an_end(void)
{
    net_run();
    bool is_well = net.ended == SOTTO_OK;
    if (is_well) {
        assert_model_is_exact();
    } else {
        assert_int_equal(net.ended, SOTTO_ERROR_PARTIES);
    }
    end();
    return is_well;
}

/* Several die, letters come in any order: a task ends with exact models, or says who is missing. */
static void test_any_deaths(void **state)
{
    (void)state;
    uint64_t seed = 7;
    size_t ended_well = 0;
    size_t cases = test_cases(5);
    for (size_t i = 0; i < cases; i++) {
        begin(6, 3, true);
        net.shuffles = 1 + test_random_below(&seed, 1000);
        net.twice = test_random_below(&seed, 4) == 0;
        for (size_t k = 1; k < 4; k++) {
            let_die(k, &deaths[test_random_below(&seed, DEATHS_LEN)],
                    2 + (uint32_t)test_random_below(&seed, ROUNDS - 1));
        }
        ended_well += run_to_an_end();
    }
    assert_true(ended_well > 0 || cases < 5); /* of few all may end badly */
}

/* --- Out of turn --- */

static bool is_from_to(const struct net_letter *letter, size_t from, size_t to, uint16_t type,
                       uint32_t round)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    const struct sotto_key *sender = &net.peers[from == SOTTO_NONE ? 0 : from].key;
    return letter->to == to && message.type == type && message.label.round == round &&
           sotto_key_equal(&message.sender, sender);
}

/* Host 2 says that it is back, where others deal. */
static void say_returned(struct net_letter *letter)
{
    struct sotto_message message;
    if (is_from_to(letter, 2, SOTTO_NONE, SOTTO_MESSAGE_DEAL, 2)) {
        assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
        sotto_buffer_release(&letter->bytes);
        assert_ok(sotto__return_seal(&letter->bytes, &message.label, net.hosts[2].identity));
    }
}

/* Who learns has nothing to return with: such a one is neither invited again nor shown a sum. */
static void test_a_return_is_refused(void **state)
{
    (void)state;
    begin(5, 3, true);
    net.forge = say_returned;
    net_run();
    assert_model_is_exact();
    assert_int_equal(find_survivors(2), 0x1B);
    assert_int_equal(net_count_in_log("is back"), 0);
    assert_int_equal(net.expiries, 1); /* nobody waits for it in the rounds after */
    end();
}

static void slow_down(struct net_letter *letter)
{
    if (is_from_to(letter, SOTTO_NONE, 2, SOTTO_MESSAGE_ROSTER, 3)) {
        net.hosts[2].slow = true;
    }
}

/* A process that lives and is too slow is lost as any other: nobody owes it what is opened then. */
static void test_who_is_too_slow_accuses_nobody(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        results = i == 0 ? "participants" : "initiator";
        begin(5, 3, true);
        net.forge = slow_down;
        net_run();
        assert_model_is_exact();
        assert_int_equal(find_survivors(3), 0x1B);
        assert_true(net.hosts[2].done);
        assert_string_equal(net.hosts[2].end_text, "the task ended without this party");
        assert_int_equal(net.hosts[2].ended, SOTTO_OK);
        assert_null(sotto_task_party_result(net.hosts[2].task));
        end();
    }
}

/* --- Receipts --- */

/* Verifies a receipt that its creator has signed anew. */
static enum sotto_status verify_signed(struct sotto_receipt *out, struct sotto_buffer *receipt,
                                       struct sotto_error *err)
{
    struct sotto_signature signature;
    size_t signed_bytes = receipt->data_bytes - sizeof signature.bytes;
    sotto_identity_sign(net.hosts[0].identity, &signature, "sotto receipt", receipt->data,
                        signed_bytes);
    memcpy(receipt->data + signed_bytes, signature.bytes, sizeof signature.bytes);
    return sotto_receipt_verify(out, receipt->data, receipt->data_bytes, net.peers, net.len, err);
}

/* It shows who confirmed a model, and no byte of it can be another: not even to its creator. */
static void test_a_model_has_a_receipt(void **state)
{
    (void)state;
    struct sotto_buffer receipt = {0};
    struct sotto_receipt said;
    struct sotto_error err = {0};
    results = "participants";
    begin(5, 3, true);
    let_die(2, &deaths[2], 3);
    net_run();
    assert_model_is_exact();
    assert_ok(sotto_task_aggregator_receipt(net.aggregator, &receipt, false, &err));
    assert_ok(verify_signed(&said, &receipt, &err));
    assert_int_equal(said.rounds, ROUNDS);
    assert_int_equal(said.parties_len, 4);
    assert_int_equal(said.confirmed_len, 4);
    assert_string_equal(said.result, sotto_task_aggregator_result(net.aggregator));
    assert_string_equal(said.plan_json, net.plan);
    sotto_receipt_release(&said);
    for (size_t at = 0; at + sizeof(struct sotto_signature) < receipt.data_bytes; at += 101) {
        receipt.data[at] ^= 1;
        assert_int_not_equal(verify_signed(&said, &receipt, &err), SOTTO_OK);
        receipt.data[at] ^= 1;
    }
    receipt.data[6] = 1; /* the flag of a full one */
    assert_int_equal(verify_signed(&said, &receipt, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, "a learning task has nothing that opens its sums");
    sotto_buffer_release(&receipt);
    assert_int_equal(sotto_task_aggregator_receipt(net.aggregator, &receipt, true, &err),
                     SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "what opens the sums of a learning task is not kept");
    end();
    results = "initiator";
}

/* --- Drawing --- */

static uint32_t count_bits(uint32_t bits)
{
    uint32_t count = 0;
    for (; bits != 0; bits &= bits - 1) {
        count++;
    }
    return count;
}

/* What host 0 knows of those that train, before a roster and when what they train is awaited. */
static void look_at_trainers(struct net_letter *letter)
{
    const struct sotto_task_party *task = net.hosts[0].task;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        if (is_from_to(letter, SOTTO_NONE, 0, SOTTO_MESSAGE_ROSTER, round)) {
            assert_true(sotto_task_party_is_drawn(task)); /* for all that it knows */
            assert_int_equal(sotto_task_party_trainers(task, NULL, 0), 0);
        } else if (is_from_to(letter, SOTTO_NONE, 0, SOTTO_MESSAGE_SHARES, round)) {
            assert_int_equal(sotto_task_party_trainers(task, NULL, 0), 4);
            assert_int_equal(sotto_task_party_is_drawn(task), find_named(round, "drawn") & 1);
        }
    }
}

static void test_some_are_drawn_for_each_round(void **state)
{
    (void)state;
    uint32_t all = 0;
    uint32_t always = UINT32_MAX;
    begin_drawing(7, 3, 4, SOTTO_STRATEGY_DRAWN);
    net.forge = look_at_trainers;
    net_run();
    assert_model_is_exact();
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        uint32_t drawn = find_named(round, "drawn");
        assert_int_equal(find_survivors(round), 0x7F); /* all stay, and check each sum */
        assert_int_equal(count_bits(drawn), 4);
        all |= drawn;
        always &= drawn;
    }
    assert_true(count_bits(all) > 4 && count_bits(always) < 4);
    net_assert_result_has("\"survived\": 7");
    end();

    begin_drawing(7, 3, 4, SOTTO_STRATEGY_FAULT_TOLERANT); /* other code draws nobody */
    net_run();
    assert_model_is_exact();
    assert_int_equal(find_survivors(1), 0x0F);
    end();
}

/* Who is drawn is settled with the round before: who does not come then has no other in its place.
 */
static void test_nobody_takes_the_place_of_who_is_drawn(void **state)
{
    (void)state;
    size_t lost = 1;
    begin_drawing(8, 3, 5, SOTTO_STRATEGY_DRAWN);
    net_run();
    end();
    uint32_t drawn = find_named(3, "drawn");
    while ((drawn >> lost & 1) == 0) {
        lost++;
    }
    begin_drawing(8, 3, 5, SOTTO_STRATEGY_DRAWN);
    let_die(lost, &deaths[0], 3);
    net_run();
    assert_model_is_exact();
    assert_int_equal(find_named(3, "drawn"), drawn & ~(1U << lost));
    assert_int_equal(count_bits(find_named(4, "drawn")), 5);
    end();
}

/* Several die, drawn or not: the model is exact, or too few of the drawn are left. */
static void test_who_is_drawn_may_die(void **state)
{
    (void)state;
    uint64_t seed = 3;
    size_t ended_well = 0;
    size_t cases = test_cases(4);
    for (size_t i = 0; i < cases; i++) {
        begin_drawing(8, 3, 5, SOTTO_STRATEGY_DRAWN);
        for (size_t k = 1; k < 3; k++) {
            let_die(k, &deaths[test_random_below(&seed, DEATHS_LEN)],
                    1 + (uint32_t)test_random_below(&seed, ROUNDS));
        }
        ended_well += run_to_an_end();
    }
    assert_true(ended_well > 0 || cases < 4);
}

/* One of those that are drawn first, other than host 0. */
static size_t find_drawn(uint32_t drawn)
{
    size_t host = 1;
    while ((drawn >> host & 1) == 0) {
        host++;
    }
    return host;
}

static void want_nobody(struct net_letter *letter)
{
    if (is_from_to(letter, SOTTO_NONE, 0, SOTTO_MESSAGE_ROSTER, 1)) {
        net.aggregator->session->wanted_needed = 0;
    }
}

/* Where too few of the drawn are left for a sum, others are drawn; and each party sees to it that
 * it is of as many as any sum, whatever it is asked. */
static void test_too_few_of_the_drawn_live(void **state)
{
    (void)state;
    begin_drawing(7, 3, 4, SOTTO_STRATEGY_DRAWN);
    net_run();
    end();
    size_t lost[ROUNDS + 1] = {0};
    lost[1] = find_drawn(find_named(1, "drawn"));
    lost[3] = find_drawn(find_named(3, "drawn"));
    for (uint32_t round = 1; round <= 3; round += 2) {
        begin_drawing(7, 3, 4, SOTTO_STRATEGY_DRAWN);
        let_die(lost[round], &deaths[2], round);
        net_run();
        assert_model_is_exact();
        assert_int_equal(count_bits(find_named(round, "drawn")), 4);
        assert_int_equal(find_named(round, "drawn") >> lost[round] & 1, 0);
        assert_int_equal(net_count_in_log("which a task does 3 times at most"), round == 3);
        end();
    }

    begin_drawing(7, 3, 4, SOTTO_STRATEGY_DRAWN);
    let_die(lost[1], &deaths[2], 1);
    net.forge = want_nobody;
    net_run();
    assert_int_equal(net.ended, SOTTO_ERROR_PARTIES);
    assert_int_equal(net.hosts[0].ended, SOTTO_ERROR_REFUSED);
    assert_contains(net.hosts[0].end_text, "rule cover");
    end();

    begin_drawing(7, 3, 3, SOTTO_STRATEGY_DRAWN);
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES,
                     "3 of 7 parties are drawn, of whom 3 are there, and a sum is of 4 at least");
    end();
}

/* Draws 10 of so many, who are called 1, 2, ...; is_missing: of each whether it is a contributor
 * that is in no roster; NULL: the round is the first. */
static enum sotto_status draw_without(struct sotto__draw *out, uint32_t len, uint8_t code_byte,
                                      uint8_t opened_byte, const bool *is_missing)
{
    static const char text[] =
        "{\"version\": 1, \"name\": \"n\", \"type\": \"learning\", \"rounds\": 2, \"bundle\": "
        "\"0000000000000000000000000000000000000000000000000000000000000000\", "
        "\"strategy\": {\"min_clients\": 3, \"max_clients\": 10}}";
    struct sotto_advert adverts[40] = {0};
    struct sotto_key contributors[40] = {0};
    const uint8_t opened[SOTTO_DIGEST_BYTES] = {opened_byte};
    struct sotto_roster roster = {.adverts = adverts};
    struct sotto__course course = {.bundle = {.digest = {code_byte}}};
    struct sotto_plan *plan = NULL;
    course.bundle.manifest.strategy = SOTTO_STRATEGY_DRAWN;
    for (uint32_t i = 0; i < len; i++) {
        contributors[i].bytes[0] = (uint8_t)(i + 1);
        if (is_missing == NULL || !is_missing[i + 1]) {
            adverts[roster.adverts_len++].sender = contributors[i];
        }
    }
    assert_ok(sotto_plan_parse_task(&plan, text, strlen(text), NULL));
    const struct sotto__draw_terms terms = {.plan = plan,
                                            .course = &course,
                                            .roster = &roster,
                                            .contributors =
                                                is_missing != NULL ? contributors : NULL,
                                            .contributors_len = len,
                                            .opened = opened};
    enum sotto_status status = sotto__draw_make(out, &terms, NULL);
    sotto_plan_free(plan);
    return status;
}

/* The same where one is missing, or in the first round (0). */
static void draw(struct sotto__draw *out, uint32_t len, uint8_t code_byte, uint8_t opened_byte,
                 uint32_t missing)
{
    bool is_missing[41] = {false};
    is_missing[missing] = true;
    *out = (struct sotto__draw){.redraws = 0};
    assert_ok(draw_without(out, len, code_byte, opened_byte, missing > 0 ? is_missing : NULL));
}

/* Nothing that a creator may choose anew for each task has a part in it; what was opened has. */
static void test_what_a_draw_depends_on(void **state)
{
    (void)state;
    struct sotto__draw draws[5];
    draw(&draws[0], 40, 1, 0, 0);
    draw(&draws[1], 40, 1, 0, 0);
    draw(&draws[2], 40, 2, 0, 0);
    draw(&draws[3], 40, 1, 1, 0);
    draw(&draws[4], 39, 1, 0, 0);
    uint32_t counts[5] = {0};
    for (uint32_t i = 0; i < 40; i++) {
        for (size_t k = 0; k < 5; k++) {
            counts[k] += sotto__draw_has(&draws[k], i);
        }
    }
    for (size_t k = 0; k < 5; k++) {
        assert_int_equal(counts[k], 10);
    }
    assert_memory_equal(draws[0].drawn, draws[1].drawn, sizeof draws[0].drawn);
    assert_memory_not_equal(draws[0].drawn, draws[2].drawn, sizeof draws[0].drawn);
    assert_memory_not_equal(draws[0].drawn, draws[3].drawn, sizeof draws[0].drawn);
    for (uint32_t i = 0; i < 39; i++) { /* one fewer: nobody loses a place for it */
        assert_true(!sotto__draw_has(&draws[0], i) || sotto__draw_has(&draws[4], i));
    }
    draw(&draws[0], 10, 1, 0, 0);
    assert_true(draws[0].is_of_all);
}

/* Whoever is left out of a roster once lots are known, no other trains in its place. */
static void test_a_roster_chooses_nobody(void **state)
{
    (void)state;
    struct sotto__draw all;
    struct sotto__draw less;
    draw(&all, 39, 1, 1, 40); /* there is no such contributor: all are there */
    for (uint32_t missing = 1; missing <= 39; missing++) {
        draw(&less, 39, 1, 1, missing);
        for (uint32_t i = 0; i < 38; i++) {
            assert_int_equal(sotto__draw_has(&less, i),
                             sotto__draw_has(&all, i + (i + 1 >= missing)));
        }
    }
    draw(&less, 11, 1, 1, 11); /* as few members as are drawn: not all of them for that */
    assert_false(less.is_of_all);
}

/* Lots are drawn again in their order among those who are there, in so few rounds of a task. */
static void test_lots_are_drawn_again(void **state)
{
    (void)state;
    struct sotto__draw all;
    struct sotto__draw again = {.redraws = 0};
    bool is_missing[41] = {false};
    draw(&all, 39, 1, 1, 40);
    assert_false(all.is_again);
    for (uint32_t i = 0; i < 39; i++) { /* of the ten drawn */
        is_missing[i + 1] = sotto__draw_has(&all, i);
    }
    for (uint32_t redraws = 1; redraws <= SOTTO__REDRAWS_MAX; redraws++) {
        uint32_t count = 0;
        assert_ok(draw_without(&again, 39, 1, 1, is_missing));
        assert_true(again.is_again && again.redraws == redraws);
        for (uint32_t i = 0; i < 29; i++) {
            count += sotto__draw_has(&again, i);
        }
        assert_int_equal(count, 10);
    }
    assert_int_equal(draw_without(&again, 39, 1, 1, is_missing), SOTTO_ERROR_PARTIES);
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_go_on_without_who_is_lost),
        cmocka_unit_test(test_momentum),
        cmocka_unit_test(test_who_is_restarted_is_lost_at_once),
        cmocka_unit_test(test_other_code_takes_no_loss),
        cmocka_unit_test(test_too_few_are_left),
        cmocka_unit_test(test_a_round_that_fails_for_good),
        cmocka_unit_test(test_an_owner_who_asks_for_more),
        cmocka_unit_test(test_a_roster_of_others_is_refused),
        cmocka_unit_test(test_any_deaths),
        cmocka_unit_test(test_a_return_is_refused),
        cmocka_unit_test(test_who_is_too_slow_accuses_nobody),
        cmocka_unit_test(test_a_model_has_a_receipt),
        cmocka_unit_test(test_some_are_drawn_for_each_round),
        cmocka_unit_test(test_nobody_takes_the_place_of_who_is_drawn),
        cmocka_unit_test(test_who_is_drawn_may_die),
        cmocka_unit_test(test_too_few_of_the_drawn_live),
        cmocka_unit_test(test_what_a_draw_depends_on),
        cmocka_unit_test(test_a_roster_chooses_nobody),
        cmocka_unit_test(test_lots_are_drawn_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
