/* SPDX-License-Identifier: Apache-2.0 */
/* A party's process ends in a later round, and begins again with what is on its disk: the same
 * result, to the bit, or an error that names who was lost; and whatever happens, no input is in two
 * sessions that can be opened. */
#include "cases.h"
#include "files.h"
#include "net.h"
#include "test.h"

#include "federation/internal.h"
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>

#define ROUNDS 4
#define SESSIONS_MAX 400

/* --- What is watched of all letters to the aggregator --- */

/* Of one party in one session. */
struct said {
    struct sotto_key party;
    uint32_t round;
    uint8_t session[SOTTO_SESSION_BYTES];
    bool masked;
    bool consented;
    bool released;
};

static struct said said[SESSIONS_MAX];
static size_t said_len;

static struct said *find_said(const struct sotto_message *message)
{
    for (size_t i = 0; i < said_len; i++) {
        if (sotto_key_equal(&said[i].party, &message->sender) &&
            memcmp(said[i].session, message->session, sizeof said[i].session) == 0) {
            return &said[i];
        }
    }
    assert_true(said_len < SESSIONS_MAX);
    said[said_len] = (struct said){.party = message->sender, .round = message->label.round};
    memcpy(said[said_len].session, message->session, sizeof said[said_len].session);
    return &said[said_len++];
}

static uint32_t count_in(const uint8_t *session, bool releases)
{
    uint32_t count = 0;
    for (size_t i = 0; i < said_len; i++) {
        count += memcmp(said[i].session, session, sizeof said[i].session) == 0 &&
                 (releases ? said[i].released : said[i].consented);
    }
    return count;
}

/* A party that masks has masked in no other session of this round that can be opened. */
static void check_masked(const struct said *now)
{
    uint32_t n = (uint32_t)net.len;
    for (size_t i = 0; i < said_len; i++) {
        const struct said *before = &said[i];
        if (before != now && before->masked && before->round == now->round &&
            sotto_key_equal(&before->party, &now->party)) {
            assert_true(count_in(before->session, true) >= sotto_session_releases(n, 0));
        }
    }
}

static void watch(struct net_letter *letter)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to != SOTTO_NONE || message.type < SOTTO_MESSAGE_MASKED ||
        message.type > SOTTO_MESSAGE_RELEASE) {
        return;
    }
    struct said *now = find_said(&message);
    now->masked = now->masked || message.type == SOTTO_MESSAGE_MASKED;
    now->consented = now->consented || message.type == SOTTO_MESSAGE_CONSENT;
    now->released = now->released || message.type == SOTTO_MESSAGE_RELEASE;
    assert_false(now->consented && now->released);
    if (message.type == SOTTO_MESSAGE_MASKED) {
        check_masked(now);
    }
}

/* Of each round at most one session has consents enough to be opened. */
static void assert_opened_once(void)
{
    uint32_t threshold = sotto_session_threshold((uint32_t)net.len, 0);
    for (size_t i = 0; i < said_len; i++) {
        for (size_t j = 0; j < i; j++) {
            bool is_other = said[i].round == said[j].round &&
                            memcmp(said[i].session, said[j].session, sizeof said[i].session) != 0;
            assert_false(is_other && count_in(said[i].session, false) >= threshold &&
                         count_in(said[j].session, false) >= threshold);
        }
    }
}

/* --- Long tasks --- */

static void begin(size_t len, const char *format)
{
    said_len = 0;
    assert_ok(net_begin_plan(net_pays, len, format, 3, (uint32_t)len));
    net.forge = watch;
}

static void end(void)
{
    assert_opened_once();
    net_end();
}

/* The result when nobody is lost. Ownership: ended by sotto_free. */
static char *run_honestly(size_t len, const char *format)
{
    begin(len, format);
    net_run();
    assert_int_equal(net.ended, SOTTO_OK);
    const char *result = sotto_task_aggregator_result(net.aggregator);
    char *text = sotto_text_copy(result, strlen(result));
    end();
    assert_non_null(text);
    return text;
}

static void assert_same(const char *result)
{
    assert_int_equal(net.ended, SOTTO_OK);
    assert_string_equal(sotto_task_aggregator_result(net.aggregator), result);
}

/* Where a process ends: before it sends something, or before its host does something. */
struct death {
    uint16_t before;
    enum sotto_action_kind at;
};

static const struct death deaths[] = {
    {SOTTO_MESSAGE_ADVERT, SOTTO_ACTION_SEND},
    {SOTTO_MESSAGE_DEAL, SOTTO_ACTION_SEND},
    {SOTTO_MESSAGE_MASKED, SOTTO_ACTION_SEND},
    {SOTTO_MESSAGE_CONSENT, SOTTO_ACTION_SEND},
    {SOTTO_MESSAGE_REVEAL, SOTTO_ACTION_SEND},
    {0, SOTTO_ACTION_PARTIAL},
    {0, SOTTO_ACTION_PLEDGE},
    {0, SOTTO_ACTION_RECORD},
    {0, SOTTO_ACTION_KEEP},
};
#define DEATHS_LEN (sizeof deaths / sizeof deaths[0])

static void let_die(struct net_host *host, const struct death *death, uint32_t round)
{
    host->dies_before = death->before;
    host->dies_at = death->at;
    host->dies_in = round;
}

/* Its process is gone, and nothing else happens any more until it is back or time is over. */
static void run_until_dead(const struct net_host *host)
{
    net_deliver();
    assert_true(host->off);
    assert_false(net.done);
}

/* One of five, in each step of each later round, before or after the others notice. KEEP of the
 * first round is what a party comes back with, so from the second round on. */
static void test_one_of_five_comes_back(void **state)
{
    (void)state;
    char *result = run_honestly(5, net_long_format);
    for (uint32_t round = 2; round <= ROUNDS; round++) {
        for (size_t k = 0; k < DEATHS_LEN; k++) {
            bool is_last = round == ROUNDS;
            bool comes_late = deaths[k].before >= SOTTO_MESSAGE_CONSENT ||
                              deaths[k].at == SOTTO_ACTION_RECORD ||
                              deaths[k].at == SOTTO_ACTION_KEEP;
            if (is_last && comes_late) {
                continue; /* nobody waits for it any more */
            }
            begin(5, net_long_format);
            let_die(&net.hosts[2], &deaths[k], round);
            run_until_dead(&net.hosts[2]);
            if (k % 2 == 1) { /* they have noticed */
                net.now_ms = net.deadline_ms;
                sotto_task_aggregator_tick(net.aggregator, net.now_ms);
                net_pump();
                net_deliver();
            }
            assert_ok(net_host_return(&net.hosts[2]));
            net_run();
            assert_same(result);
            assert_int_equal(net.hosts[2].ended, SOTTO_OK);
            end();
        }
    }
    sotto_free(result);
}

static void test_who_stays_away_is_named(void **state)
{
    (void)state;
    for (uint32_t round = 2; round <= ROUNDS; round++) {
        for (size_t k = 0; k < 3; k++) {
            char text[64];
            begin(5, net_long_format);
            let_die(&net.hosts[2], &deaths[k], round);
            net_run();
            (void)snprintf(text, sizeof text, "n2 was lost in round %u (no answer)", round);
            net_assert_ended(SOTTO_ERROR_PARTIES, text);
            assert_int_equal(net_count_in_log("waits until all are there"), 1);
            for (size_t i = 0; i < 5; i++) {
                assert_true(i == 2 || net.hosts[i].ended == SOTTO_ERROR_PARTIES);
            }
            end();
        }
    }
}

/* Where parties check nothing, who comes back is told the sum as the others were. */
static void test_sums_that_nobody_checks(void **state)
{
    (void)state;
    static const char unverified[] =
        "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\","
        " \"datasets\": {\"w\": \"w.csv\"}, \"enable_verify\": false,"
        " \"select\": {\"v\": \"mean(abs(pay - mean(abs(pay - mean(abs(pay - mean(pay)))))))\"},"
        " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
        " \"connection_timeout\": 5}}";
    char *result = run_honestly(5, unverified);
    for (size_t k = 1; k < DEATHS_LEN; k += 3) {
        begin(5, unverified);
        let_die(&net.hosts[2], &deaths[k], 3);
        run_until_dead(&net.hosts[2]);
        assert_ok(net_host_return(&net.hosts[2]));
        net_run();
        assert_same(result);
        end();
    }
    sotto_free(result);
}

/* With three, nothing can be opened without it: before LIVING it is waited for, from then on it is
 * lost for good. */
static void test_one_of_three(void **state)
{
    (void)state;
    char *result = run_honestly(3, net_long_format);
    for (size_t k = 0; k < DEATHS_LEN; k++) {
        begin(3, net_long_format);
        let_die(&net.hosts[2], &deaths[k], 3);
        run_until_dead(&net.hosts[2]);
        assert_ok(net_host_return(&net.hosts[2]));
        net_run();
        if (deaths[k].before >= SOTTO_MESSAGE_CONSENT || deaths[k].at == SOTTO_ACTION_RECORD) {
            net_assert_ended(SOTTO_ERROR_PARTIES, "n2 was lost in round 3");
        } else {
            assert_same(result);
        }
        end();
    }
    sotto_free(result);
}

/* It consents to nothing that it can't see to be its own. */
static void test_another_round_than_its_own(void **state)
{
    (void)state;
    for (int lie = 0; lie < 3; lie++) {
        begin(5, net_long_format);
        let_die(&net.hosts[2], &deaths[4], 3); /* before REVEAL: round 3 is opened without it */
        run_until_dead(&net.hosts[2]);
        struct net_host *host = &net.hosts[2];
        if (lie == 0) {
            host->pledge.data[16 + 4 + 4] ^= 1; /* it masked in another session */
        } else if (lie == 1) {                  /* another sum before */
            host->kept[1].data[5 + 32 + 32 + 4] ^= 1;
        } else { /* another session before */
            host->kept[1].data[5] ^= 1;
        }
        assert_ok(net_host_return(host));
        net_run();
        net_assert_ended(SOTTO_ERROR_PARTIES, "n2 was lost in round 4");
        assert_int_equal(host->ended, SOTTO_ERROR_PROTOCOL);
        end();
    }
}

/* A disk that was changed, or is of another task, gives no task. */
static void test_a_past_that_is_none(void **state)
{
    (void)state;
    begin(5, net_long_format);
    let_die(&net.hosts[2], &deaths[1], 3);
    run_until_dead(&net.hosts[2]);
    struct net_host *host = &net.hosts[2];
    size_t bytes = host->kept[0].data_bytes;
    for (size_t cut = 1; cut <= bytes; cut += 1 + bytes / 97) {
        host->kept[0].data_bytes = bytes - cut;
        assert_int_not_equal(net_host_return(host), SOTTO_OK);
        host->off = true;
    }
    host->kept[0].data_bytes = bytes;
    size_t pledge_bytes = host->pledge.data_bytes;
    host->pledge.data_bytes = 20;
    assert_int_equal(net_host_return(host), SOTTO_ERROR_INPUT);
    host->pledge.data_bytes = pledge_bytes;
    size_t kept_len = host->kept_len;
    host->kept_len = 0;
    assert_int_equal(net_host_return(host), SOTTO_ERROR_INPUT);
    host->kept_len = kept_len;
    assert_ok(net_host_return(host));
    net_run();
    assert_int_equal(net.ended, SOTTO_OK);
    end();
}

/* A host that could not keep a round, and pledged its input to the next one, has no way back: not
 * into the round that it answered already. */
static void test_a_round_that_was_not_kept(void **state)
{
    (void)state;
    begin(5, net_long_format);
    let_die(&net.hosts[2], &deaths[4], 3);
    run_until_dead(&net.hosts[2]);
    sotto_buffer_release(&net.hosts[2].kept[--net.hosts[2].kept_len]);
    assert_int_equal(net_host_return(&net.hosts[2]), SOTTO_ERROR_INPUT);
    end();
}

/* --- At random --- */

/* Several processes end, and come back or not, in any order of letters. Every task ends: well and
 * with the same bits, or with a name. */
static void test_any_deaths(void **state)
{
    (void)state;
    uint64_t seed = 15;
    for (size_t i = 0; i < test_cases(6); i++) {
        size_t len = 3 + test_random_below(&seed, 4);
        char *result = run_honestly(len, net_long_format);
        begin(len, net_long_format);
        net.shuffles = 1 + test_random_below(&seed, 1000);
        net.twice = test_random_below(&seed, 4) == 0;
        size_t dead = 1 + test_random_below(&seed, 2);
        for (size_t k = 0; k < dead; k++) {
            let_die(&net.hosts[1 + k], &deaths[test_random_below(&seed, DEATHS_LEN)],
                    2 + (uint32_t)test_random_below(&seed, ROUNDS - 1));
        }
        net_deliver();
        while (!net.done) {
            for (size_t k = 0; k < len; k++) {
                if (net.hosts[k].off && test_random_below(&seed, 3) > 0) {
                    assert_ok(net_host_return(&net.hosts[k]));
                }
            }
            net_deliver();
            if (!net.done) {
                net.now_ms = net.deadline_ms;
                sotto_task_aggregator_tick(net.aggregator, net.now_ms);
                net_pump();
                net_deliver();
            }
        }
        if (net.ended == SOTTO_OK) {
            assert_same(result);
        } else {
            assert_int_equal(net.ended, SOTTO_ERROR_PARTIES);
            assert_contains(net.end_text, "was lost in round");
        }
        end();
        sotto_free(result);
    }
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_of_five_comes_back),
        cmocka_unit_test(test_one_of_three),
        cmocka_unit_test(test_who_stays_away_is_named),
        cmocka_unit_test(test_sums_that_nobody_checks),
        cmocka_unit_test(test_another_round_than_its_own),
        cmocka_unit_test(test_a_past_that_is_none),
        cmocka_unit_test(test_a_round_that_was_not_kept),
        cmocka_unit_test(test_any_deaths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
