/* SPDX-License-Identifier: Apache-2.0 */
/* Whole tasks between hosts in this process: who joins, who vanishes when, who comes back, who
 * lies, and what the creator is told in the end. */
#include "fault.h"
#include "files.h"
#include "test.h"

#include "federation/internal.h"
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/simulate.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTIES_MAX 20

struct host {
    struct sotto_identity *identity;
    struct sotto_task_party *task;
    struct sotto_csv *csv;
    struct sotto_catalogue *catalogue;
    char name[24];
    bool off;             /* receives and sends nothing */
    uint16_t dies_before; /* the message type that it never sends, nor anything after */
    uint32_t dies_in;     /* the first round in which it may die */
    bool answered;        /* from an earlier life: see struct sotto_task_party_config */
    bool slow;            /* leaves PARTIAL to the test */
    size_t peers_len;     /* how many of the others it has pinned; 0: all */
    uint32_t min_parties;
    enum sotto_status ended; /* of DONE */
    char end_text[SOTTO_ERROR_TEXT_BYTES];
};

struct letter {
    size_t to; /* SOTTO_NONE: the aggregator */
    struct sotto_buffer bytes;
};

struct net {
    struct host hosts[PARTIES_MAX];
    struct sotto_peer peers[PARTIES_MAX];
    size_t len;
    struct sotto_random random;
    struct sotto_random_stream stream;
    struct sotto_task_aggregator *aggregator;
    struct letter letters[4000];
    size_t letters_head;
    size_t letters_len;
    uint64_t now_ms;
    uint64_t deadline_ms;
    uint64_t expiries;                    /* how often time had to pass */
    bool twice;                           /* every letter is delivered twice */
    uint64_t shuffles;                    /* not 0: letters overtake each other, by this state */
    void (*forge)(struct letter *letter); /* what the aggregator's host does to letters */
    bool done;
    enum sotto_status ended;
    char end_text[SOTTO_ERROR_TEXT_BYTES];
    char plan[1024];
    char log[16384];
};

static struct net net;

static const char plan_format[] =
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
    " \"select\": {\"m\": \"mean(pay)\", \"n\": \"count(pay)\"},"
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
    " \"connection_timeout\": 5}}";

/* Two rounds. */
static const char rounds_format[] =
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
    " \"select\": {\"m\": \"mean(pay)\", \"v\": \"mean((pay - mean(pay)) ** 2)\"},"
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
    " \"connection_timeout\": 5}}";

static void net_log(const char *text)
{
    size_t used = strlen(net.log);
    (void)snprintf(net.log + used, sizeof net.log - used, "%s\n", text);
}

static void post(size_t to, struct sotto_buffer *bytes)
{
    SOTTO_REQUIRE(net.letters_len < 4000);
    net.letters[net.letters_len++] = (struct letter){.to = to, .bytes = *bytes};
}

static size_t host_of(const struct sotto_key *key)
{
    size_t i = 0;
    while (i < net.len && !sotto_key_equal(&net.peers[i].key, key)) {
        i++;
    }
    return i;
}

/* --- Hosts of parties --- */

static void host_offer(struct host *host)
{
    struct sotto_schema schema;
    const struct sotto_catalogue *catalogue = host->catalogue;
    enum sotto_status status =
        sotto_schema_offer(&schema, sotto_task_party_plan(host->task), &catalogue, NULL);
    if (status != SOTTO_OK) {
        sotto_task_party_decline(host->task, status, NULL);
        return;
    }
    sotto_task_party_offer(host->task, &schema);
    sotto_schema_release(&schema);
}

static void host_partial(struct host *host)
{
    const struct sotto_driver *driver = sotto_task_party_driver(host->task);
    const struct sotto_catalogue *catalogue = host->catalogue;
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    enum sotto_status status = limbs == NULL ? SOTTO_ERROR_NO_MEMORY
                                             : sotto_driver_partial(driver, limbs, limbs_len,
                                                                    &host->csv, &catalogue, NULL);
    if (status == SOTTO_OK) {
        sotto_task_party_partial(host->task, limbs, limbs_len);
    } else {
        sotto_task_party_decline(host->task, status, NULL);
    }
    sotto_free(limbs);
}

static void host_send(struct host *host, struct sotto_buffer *bytes)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, bytes->data, bytes->data_bytes));
    if (host->dies_before != 0 && message.type >= host->dies_before &&
        message.label.round >= host->dies_in) {
        host->off = true;
    }
    if (host->off) {
        sotto_buffer_release(bytes);
        return;
    }
    post(SOTTO_NONE, bytes);
}

static void host_pump(struct host *host)
{
    struct sotto_action action;
    while (sotto_task_party_next(host->task, &action)) {
        switch (action.kind) {
        case SOTTO_ACTION_SEND:
            host_send(host, &action.bytes);
            continue;
        case SOTTO_ACTION_OFFER:
            host_offer(host);
            break;
        case SOTTO_ACTION_PARTIAL:
            if (!host->slow) {
                host_partial(host);
            }
            break;
        case SOTTO_ACTION_RECORD:
            sotto_task_party_recorded(host->task);
            break;
        case SOTTO_ACTION_DONE:
            host->ended = action.status;
            memcpy(host->end_text, action.text, sizeof host->end_text);
            break;
        default:
            break;
        }
        sotto_action_release(&action);
    }
}

static enum sotto_status host_take(struct host *host, const struct sotto_buffer *bytes)
{
    enum sotto_status status;
    if (host->off) {
        return SOTTO_OK;
    }
    if (host->task != NULL) {
        status =
            sotto_task_party_receive(host->task, bytes->data, bytes->data_bytes, net.now_ms, NULL);
    } else {
        struct sotto_task_party_config config = {
            .identity = host->identity,
            .random = net.random,
            .peers = net.peers,
            .peers_len = host->peers_len > 0 ? host->peers_len : net.len,
            .min_parties = host->min_parties,
            .answered = host->answered,
            .now_ms = net.now_ms,
        };
        status = sotto_task_party_new(&host->task, &config, bytes->data, bytes->data_bytes, NULL);
    }
    if (host->task != NULL) {
        host_pump(host);
    }
    return status;
}

/* The process dies, and a new one starts with nothing but its disk. */
static void host_restart(struct host *host)
{
    sotto_task_party_free(host->task);
    host->task = NULL;
    host->off = false;
    host->dies_before = 0;
}

/* --- The net --- */

static void net_pump(void)
{
    struct sotto_action action;
    while (net.aggregator != NULL && sotto_task_aggregator_next(net.aggregator, &action)) {
        if (action.kind == SOTTO_ACTION_SEND) {
            size_t to = host_of(&action.peer);
            assert_true(to < net.len);
            post(to, &action.bytes);
            continue;
        }
        if (action.kind == SOTTO_ACTION_TIMER) {
            net.deadline_ms = action.deadline_ms;
        } else if (action.kind == SOTTO_ACTION_LOG) {
            net_log(action.text);
        } else if (action.kind == SOTTO_ACTION_DONE) {
            assert_false(net.done);
            net.done = true;
            net.ended = action.status;
            memcpy(net.end_text, action.text, sizeof net.end_text);
        }
        sotto_action_release(&action);
    }
}

static void deliver_all(void)
{
    while (net.letters_head < net.letters_len) {
        if (net.shuffles != 0) {
            size_t other = net.letters_head +
                           test_random_below(&net.shuffles, net.letters_len - net.letters_head);
            struct letter held = net.letters[other];
            net.letters[other] = net.letters[net.letters_head];
            net.letters[net.letters_head] = held;
        }
        struct letter letter = net.letters[net.letters_head++];
        if (net.forge != NULL) {
            net.forge(&letter);
        }
        for (int copy = 0; copy < (net.twice ? 2 : 1); copy++) {
            if (letter.to == SOTTO_NONE) {
                (void)!sotto_task_aggregator_receive(net.aggregator, letter.bytes.data,
                                                     letter.bytes.data_bytes, net.now_ms, NULL);
                net_pump();
            } else {
                (void)!host_take(&net.hosts[letter.to], &letter.bytes);
            }
        }
        sotto_buffer_release(&letter.bytes);
    }
}

static void run(void)
{
    deliver_all();
    while (!net.done) {
        net.expiries++;
        assert_true(net.expiries < 20);
        net.now_ms = net.deadline_ms;
        sotto_task_aggregator_tick(net.aggregator, net.now_ms);
        net_pump();
        deliver_all();
    }
}

/* For the next net: who is known not to be there. */
static bool away[PARTIES_MAX];

static enum sotto_status net_begin_plan(const char *const *texts, size_t len, const char *format,
                                        uint32_t min_clients, uint32_t max_clients)
{
    struct sotto_error err = {0};
    memset(&net, 0, sizeof net);
    net.random = sotto_random_seeded(&net.stream, len, min_clients);
    for (size_t i = 0; i < len; i++) {
        struct host *host = &net.hosts[i];
        enum sotto_status status = sotto_identity_generate(&host->identity, net.random);
        if (status != SOTTO_OK) {
            return status;
        }
        net.len++;
        host->csv = test_csv(texts[i % 20]);
        host->catalogue = test_catalogue(host->csv);
        (void)snprintf(host->name, sizeof host->name, "n%zu", i);
        net.peers[i] = (struct sotto_peer){sotto_identity_key(host->identity), host->name};
    }
    (void)snprintf(net.plan, sizeof net.plan, format, min_clients, max_clients);
    struct sotto_task_aggregator_config config = {
        .identity = net.hosts[0].identity,
        .id = {{1, 2, 3}},
        .number = 42,
        .plan_json = net.plan,
        .plan_json_bytes = strlen(net.plan),
        .invited = net.peers,
        .invited_len = len,
        .invited_away = away,
    };
    enum sotto_status status = sotto_task_aggregator_new(&net.aggregator, &config, &err);
    net_pump();
    return status;
}

static enum sotto_status net_begin(const char *const *texts, size_t len, uint32_t min_clients,
                                   uint32_t max_clients)
{
    return net_begin_plan(texts, len, plan_format, min_clients, max_clients);
}

static void net_end(void)
{
    for (size_t i = 0; i < net.len; i++) {
        struct host *host = &net.hosts[i];
        sotto_task_party_free(host->task);
        sotto_catalogue_free(host->catalogue);
        sotto_csv_close(host->csv);
    }
    sotto_task_aggregator_free(net.aggregator);
    for (size_t i = 0; i < net.len; i++) {
        sotto_identity_free(net.hosts[i].identity);
    }
    for (; net.letters_head < net.letters_len; net.letters_head++) {
        sotto_buffer_release(&net.letters[net.letters_head].bytes);
    }
}

static const char *const pays[20] = {
    "pay\n100\n200\n", "pay\n10.25\nNA\n", "pay\n1e2\n", "pay\n",         "pay\n7\n",
    "pay\n1.5\n",      "pay\n-3\n",        "pay\nNA\n",  "pay\n0.125\n",  "pay\n4\n5\n",
    "pay\n1\n",        "pay\n2\n",         "pay\n3\n",   "pay\n4\n",      "pay\n5.5\n",
    "pay\n6\n",        "pay\n7.75\n",      "pay\n8\n",   "pay\n9.0625\n", "pay\n10\n",
};

static void begin(size_t len, uint32_t min_clients, uint32_t max_clients)
{
    assert_ok(net_begin(pays, len, min_clients, max_clients));
}

static void begin_rounds(size_t len, uint32_t min_clients)
{
    assert_ok(net_begin_plan(pays, len, rounds_format, min_clients, (uint32_t)len));
}

static void assert_result_has(const char *part)
{
    assert_int_equal(net.ended, SOTTO_OK);
    const char *result = sotto_task_aggregator_result(net.aggregator);
    assert_non_null(result);
    assert_contains(result, part);
}

static void assert_result(const char *mean, const char *parties)
{
    assert_result_has(mean);
    assert_result_has(parties);
}

static void assert_ended(enum sotto_status status, const char *text)
{
    assert_int_equal(net.ended, status);
    assert_contains(net.end_text, text);
    assert_null(sotto_task_aggregator_result(net.aggregator));
    assert_contains(net.log, text); /* the reason is in the log */
}

/* --- Joining --- */

static void test_three_parties(void **state)
{
    (void)state;
    begin(3, 3, 3);
    run();
    assert_int_equal(net.expiries, 0); /* on the last answer, never on a timer */
    assert_result("102.5625", "\"invited\": 3, \"joined\": 3, \"survived\": 3");
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
    begin(4, 3, 4);
    net.twice = true;
    run();
    assert_result("102.5625", "\"survived\": 4");
    net_end();
}

static void test_twenty_parties(void **state)
{
    (void)state;
    begin(20, 3, 20);
    run();
    assert_result_has("\"survived\": 20");
    net_end();
}

/* Of more willing parties than max_clients those whose names come first take part, whoever answers
 * first; everybody is waited for. */
static void test_names_decide_who_fills_the_task(void **state)
{
    (void)state;
    for (uint64_t shuffles = 1; shuffles <= 40; shuffles++) {
        begin(5, 3, 3);
        net.shuffles = shuffles;
        run();
        assert_int_equal(net.expiries, 0);
        assert_result_has("\"invited\": 5, \"joined\": 3, \"survived\": 3, "
                          "\"names\": [\"n0\", \"n1\", \"n2\"], \"missing\": [{\"name\": \"n3\"");
        assert_result_has("102.5625");
        assert_result_has(
            "\"n4 was invited, and its rows are not in the result: max_clients others "
            "come before it in the order of names\"");
        net_end();
    }
    begin(5, 3, 3);
    net.hosts[1].off = true; /* costs a timeout, and gives its place to the next name */
    run();
    assert_int_equal(net.expiries, 1);
    assert_result_has("\"names\": [\"n0\", \"n2\", \"n3\"]");
    net_end();
}

/* Without max_clients all who are willing take part. */
static void test_all_who_are_willing_take_part(void **state)
{
    (void)state;
    static const char format[] =
        "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": "
        "{\"w\": \"w.csv\"}, \"select\": {\"n\": \"count(pay)\"}}";
    for (uint64_t shuffles = 1; shuffles <= 20; shuffles++) {
        assert_ok(net_begin_plan(pays, 7, format, 0, 0));
        net.shuffles = shuffles;
        run();
        assert_int_equal(net.expiries, 0);
        assert_result_has("\"invited\": 7, \"joined\": 7, \"survived\": 7, \"names\": [\"n0\", "
                          "\"n1\", \"n2\", \"n3\", \"n4\", \"n5\", \"n6\"]}");
        assert_result_has("\"warnings\": []");
        net_end();
    }
}

/* Nobody waits for who is known to be away; it takes part if it answers before the start. */
static void test_who_is_away_is_not_waited_for(void **state)
{
    (void)state;
    away[3] = true;
    begin(4, 3, 4);
    net.hosts[3].off = true;
    run();
    assert_int_equal(net.expiries, 0);
    assert_result_has("\"joined\": 3, \"survived\": 3, \"names\": [\"n0\", \"n1\", \"n2\"], "
                      "\"missing\": [{\"name\": \"n3\", \"why\": \"it was away\"}]");
    assert_result_has("\"warnings\": [\"n3 was invited, and its rows are not in the result: it was "
                      "away\"]");
    net_end();

    begin(4, 4, 4); /* where it is needed, there is time for it to come */
    net.hosts[3].off = true;
    deliver_all();
    assert_false(net.done);
    net.hosts[3].off = false;
    sotto_task_aggregator_returned(net.aggregator, &net.peers[3].key);
    net_pump();
    run();
    assert_int_equal(net.expiries, 0);
    assert_result_has("\"joined\": 4, \"survived\": 4");
    net_end();

    begin(4, 4, 4); /* though not for ever */
    net.hosts[3].off = true;
    run();
    assert_int_equal(net.expiries, 1);
    assert_ended(SOTTO_ERROR_PARTIES, "3 of 4 invited parties joined, at least 4 needed");
    net_end();
    away[3] = false;
}

/* The result says who is missing, and why. */
static void test_who_is_missing_is_named(void **state)
{
    (void)state;
    static const char *const texts[20] = {"pay\n1\n", "pay\n2\n", "pay\n3\n", "wage\n4\n",
                                          "pay\n5\n", "pay\n6\n", "pay\n7\n"};
    assert_ok(net_begin(texts, 7, 3, 7));
    net.hosts[4].off = true;
    net.hosts[5].dies_before = SOTTO_MESSAGE_MASKED;
    run();
    assert_result_has("\"names\": [\"n0\", \"n1\", \"n2\", \"n6\"], \"missing\": ["
                      "{\"name\": \"n3\", \"why\": \"it declined (not_found)\"}, "
                      "{\"name\": \"n4\", \"why\": \"it did not answer in time\"}, "
                      "{\"name\": \"n5\", \"why\": \"it dropped out\"}]");
    net_end();
}

/* Who was left out of the first round is in no later one. */
static void test_later_rounds_keep_the_choice(void **state)
{
    (void)state;
    for (uint64_t shuffles = 1; shuffles <= 10; shuffles++) {
        assert_ok(net_begin_plan(pays, 6, rounds_format, 3, 4));
        net.shuffles = shuffles;
        run();
        assert_int_equal(net.expiries, 0);
        assert_result_has("\"names\": [\"n0\", \"n1\", \"n2\", \"n3\"]");
        net_end();
    }
}

static void test_an_absent_party_costs_one_timeout(void **state)
{
    (void)state;
    begin(4, 3, 4);
    net.hosts[3].off = true;
    run();
    assert_int_equal(net.expiries, 1);
    assert_int_equal(net.now_ms, 5000);
    assert_result_has("\"invited\": 4, \"joined\": 3, \"survived\": 3");
    net_end();
}

static void test_too_few_join(void **state)
{
    (void)state;
    begin(4, 4, 4);
    net.hosts[3].off = true;
    run();
    assert_ended(SOTTO_ERROR_PARTIES, "3 of 4 invited parties joined, at least 4 needed");
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PARTIES); /* they are told */
    net_end();
}

static void test_a_refusal_ends_the_wait_at_once(void **state)
{
    (void)state;
    static const char *const texts[20] = {"pay\n1\n", "pay\n2\n", "wage\n3\n"};
    assert_ok(net_begin(texts, 3, 3, 3));
    run();
    assert_int_equal(net.expiries, 0);
    assert_ended(SOTTO_ERROR_PARTIES, "at least 3 needed");
    assert_contains(net.log, "n2 declined: not_found");
    assert_null(strstr(net.log, "wage")); /* the class, never the owner's text */
    net_end();
}

static void test_types_that_do_not_join(void **state)
{
    (void)state;
    static const char *const texts[20] = {"pay\n1\n", "pay\n2\n", "pay\nhigh\n"};
    assert_ok(net_begin(texts, 3, 3, 3));
    run();
    assert_int_equal(net.ended, SOTTO_ERROR_TYPE);
    assert_contains(net.end_text, "pay");
    assert_contains(net.end_text, "n2");
    net_end();
}

static void test_more_parties_than_peers_are_asked_for(void **state)
{
    (void)state;
    assert_int_equal(net_begin(pays, 3, 4, 4), SOTTO_ERROR_PARTIES);
    net_end();
}

static void test_the_owners_minimum(void **state)
{
    (void)state;
    begin(4, 3, 4);
    net.hosts[2].min_parties = 5;
    run();
    /* It leaves when it sees the roster; three are left of four, and go on. */
    assert_int_equal(net.hosts[2].ended, SOTTO_ERROR_PARTIES);
    assert_result_has("\"joined\": 4, \"survived\": 3");
    assert_contains(net.log, "n2 left: parties");
    net_end();
}

/* --- Losses --- */

static void test_a_loss_at_every_step(void **state)
{
    (void)state;
    for (uint16_t type = SOTTO_MESSAGE_DEAL; type <= SOTTO_MESSAGE_REVEAL; type++) {
        bool counted = type > SOTTO_MESSAGE_MASKED; /* its input was in */
        begin(4, 3, 4);
        net.hosts[3].dies_before = type;
        run();
        assert_result_has(counted ? "\"joined\": 4, \"survived\": 4"
                                  : "\"joined\": 4, \"survived\": 3");
        assert_true(net.expiries <= 1);
        net_end();

        begin(4, 4, 4);
        net.hosts[3].dies_before = type;
        run();
        if (counted) {
            assert_result_has("\"survived\": 4");
        } else {
            assert_ended(SOTTO_ERROR_PARTIES, "3 of 4 parties answered, 4 needed");
        }
        net_end();
    }
}

static void test_a_loss_among_three_is_final(void **state)
{
    (void)state;
    for (uint16_t type = SOTTO_MESSAGE_DEAL; type <= SOTTO_MESSAGE_REVEAL; type++) {
        begin(3, 3, 3);
        net.hosts[1].dies_before = type;
        run();
        assert_ended(SOTTO_ERROR_PARTIES, "2 of 3 parties answered, 3 needed");
        net_end();
    }
}

static void test_an_unopened_session_starts_again(void **state)
{
    (void)state;
    begin(5, 3, 5); /* threshold 4: two losses are too many for one session */
    net.hosts[1].dies_before = SOTTO_MESSAGE_MASKED;
    net.hosts[2].dies_before = SOTTO_MESSAGE_MASKED;
    run();
    assert_result_has("\"joined\": 5, \"survived\": 3");
    assert_contains(net.log, "[Restart] task 42 round 1 masked inputs: 3 of 5 parties answered");
    net_end();
}

/* After somebody may have consented to a survivor set there is no second try with fewer. */
static void test_a_session_with_consents_does_not(void **state)
{
    (void)state;
    static const char *const reasons[] = {"consents: 3 of 5 parties answered, 4 needed",
                                          "revealed shares: 3 of 5 parties answered, 4 needed"};
    for (uint16_t type = SOTTO_MESSAGE_CONSENT; type <= SOTTO_MESSAGE_REVEAL; type++) {
        begin(5, 3, 5);
        net.hosts[1].dies_before = type;
        net.hosts[2].dies_before = type;
        run();
        assert_ended(SOTTO_ERROR_PARTIES, reasons[type - SOTTO_MESSAGE_CONSENT]);
        assert_null(strstr(net.log, "[Restart]"));
        net_end();
    }
}

/* A host may take its time over a partial: the driver stands still, a new attempt waits. */
static void test_a_new_attempt_waits_for_the_partial(void **state)
{
    (void)state;
    begin(5, 3, 5);
    net.hosts[1].dies_before = SOTTO_MESSAGE_DEAL;
    net.hosts[2].dies_before = SOTTO_MESSAGE_DEAL;
    net.hosts[3].slow = true;
    deliver_all();
    const struct sotto_driver *driver = sotto_task_party_driver(net.hosts[3].task);
    net.now_ms = net.deadline_ms;
    sotto_task_aggregator_tick(net.aggregator, net.now_ms); /* too few dealt: again */
    net_pump();
    deliver_all();
    assert_contains(net.log, "[Restart] task 42 round 1 dealing shares: 3 of 5");
    assert_ptr_equal(sotto_task_party_driver(net.hosts[3].task), driver);
    net.hosts[3].slow = false;
    host_partial(&net.hosts[3]); /* of the attempt before: not used */
    host_pump(&net.hosts[3]);
    run();
    assert_result_has("\"joined\": 5, \"survived\": 3");
    net_end();
}

static void test_a_party_that_comes_back_before_the_start_takes_part(void **state)
{
    (void)state;
    begin(4, 4, 4);
    net.hosts[1].off = true;
    deliver_all(); /* three joined */
    host_restart(&net.hosts[1]);
    sotto_task_aggregator_returned(net.aggregator, &net.peers[1].key);
    net_pump();
    run();
    assert_int_equal(net.expiries, 0);
    assert_result_has("\"joined\": 4, \"survived\": 4");
    net_end();
}

static void test_a_party_that_joined_died_and_came_back_joins_anew(void **state)
{
    (void)state;
    begin(4, 4, 4);
    net.hosts[2].off = true;
    deliver_all();
    host_restart(&net.hosts[1]);
    sotto_task_aggregator_returned(net.aggregator, &net.peers[1].key);
    net_pump();
    deliver_all();
    assert_false(net.done);
    host_restart(&net.hosts[2]);
    sotto_task_aggregator_returned(net.aggregator, &net.peers[2].key);
    net_pump();
    run();
    assert_result_has("\"joined\": 4, \"survived\": 4");
    net_end();
}

static void test_a_party_that_comes_back_too_late_is_lost_at_once(void **state)
{
    (void)state;
    begin(4, 3, 4);
    net.hosts[1].dies_before = SOTTO_MESSAGE_MASKED;
    deliver_all(); /* the others wait for it */
    assert_false(net.done);
    host_restart(&net.hosts[1]);
    sotto_task_aggregator_returned(net.aggregator, &net.peers[1].key);
    net_pump();
    run();
    assert_int_equal(net.expiries, 0);
    assert_result_has("\"joined\": 4, \"survived\": 3");
    net_end();
}

static void test_a_party_answers_a_task_once(void **state)
{
    (void)state;
    begin(4, 3, 4);
    net.hosts[3].answered = true;
    run();
    assert_contains(net.log, "n3 declined: state");
    assert_result_has("\"joined\": 3");
    net_end();
}

static void test_cancelling(void **state)
{
    (void)state;
    begin(4, 4, 4);
    net.hosts[3].off = true;
    deliver_all();
    sotto_task_aggregator_cancel(net.aggregator);
    net_pump();
    deliver_all();
    assert_true(net.done);
    assert_ended(SOTTO_ERROR_CANCELLED, "cancelled");
    assert_int_equal(net.hosts[0].ended, SOTTO_ERROR_CANCELLED);
    net_end();
}

/* --- Lies --- */

static void test_a_stranger_in_the_roster_makes_a_party_leave(void **state)
{
    (void)state;
    begin(4, 3, 4);
    net.hosts[1].peers_len = 3; /* it does not know n3 */
    run();
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_AUTH);
    assert_contains(net.hosts[1].end_text, "not among the peers");
    assert_contains(net.log, "n1 left: auth");
    assert_result_has("\"survived\": 3");
    net_end();
}

static void test_strangers_are_not_heard(void **state)
{
    (void)state;
    struct sotto_identity *stranger;
    struct sotto_buffer forged;
    struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 1, .attempt = 1};
    struct sotto_leave leave = {.reason = SOTTO_ERROR_REFUSED};
    begin(3, 3, 3);
    assert_ok(sotto_identity_generate(&stranger, net.random));
    assert_ok(sotto_leave_seal(&forged, &leave, &label, NULL, stranger));
    assert_int_equal(
        sotto_task_aggregator_receive(net.aggregator, forged.data, forged.data_bytes, 0, NULL),
        SOTTO_ERROR_AUTH);
    sotto_buffer_release(&forged);
    /* An invitation of a stranger, the end of a task told by one. */
    assert_ok(sotto__invitation_seal(&forged, "{}", 2, &label, stranger));
    assert_int_equal(host_take(&net.hosts[0], &forged), SOTTO_ERROR_AUTH);
    assert_null(net.hosts[0].task);
    sotto_buffer_release(&forged);
    run();
    assert_ok(sotto__finish_seal(&forged, SOTTO_OK, NULL, &label, stranger));
    assert_int_not_equal(host_take(&net.hosts[0], &forged), SOTTO_OK);
    sotto_buffer_release(&forged);
    assert_result_has("\"survived\": 3");
    sotto_identity_free(stranger);
    net_end();
}

static size_t count_in_log(const char *text)
{
    size_t count = 0;
    for (const char *at = net.log; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

/* Who left has left: saying so again writes no second line into the task's log. */
static void test_leaving_again_and_again(void **state)
{
    (void)state;
    struct sotto_buffer message;
    struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 1, .attempt = 1};
    struct sotto_leave leave = {.reason = SOTTO_ERROR_REFUSED};
    begin(5, 3, 5);
    net.hosts[4].dies_before = SOTTO_MESSAGE_DEAL;
    deliver_all(); /* a session is under way */
    assert_ok(sotto_leave_seal(&message, &leave, &label, NULL, net.hosts[4].identity));
    assert_ok(
        sotto_task_aggregator_receive(net.aggregator, message.data, message.data_bytes, 0, NULL));
    assert_int_equal(
        sotto_task_aggregator_receive(net.aggregator, message.data, message.data_bytes, 0, NULL),
        SOTTO_ERROR_STATE);
    sotto_buffer_release(&message);
    run();
    assert_result_has("\"survived\": 4");
    assert_int_equal(count_in_log("n4 left: refused"), 1);
    net_end();
}

static void test_a_plan_with_two_parties_is_declined_by_the_parties_too(void **state)
{
    (void)state;
    struct sotto_buffer invitation;
    struct sotto_session_label label = {.task = {{9}}, .round = 1, .attempt = 1};
    char plan[1024];
    begin(3, 3, 3);
    (void)snprintf(plan, sizeof plan, plan_format, 2, 3);
    assert_ok(
        sotto__invitation_seal(&invitation, plan, strlen(plan), &label, net.hosts[0].identity));
    assert_ok(host_take(&net.hosts[1], &invitation));
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PLAN);
    sotto_buffer_release(&invitation);
    net_end();
}

/* After it has recorded its consent, a party takes no new attempt at the round. */
static void test_no_second_answer_after_the_first(void **state)
{
    (void)state;
    for (uint16_t type = SOTTO_MESSAGE_CONSENT; type <= SOTTO_MESSAGE_REVEAL; type++) {
        struct sotto_buffer reopen;
        struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 1, .attempt = 2};
        begin(5, 3, 5);
        net.hosts[1].dies_before = type;
        net.hosts[2].dies_before = type;
        deliver_all(); /* the others have consented, or revealed */
        assert_ok(sotto__reopen_seal(&reopen, &label, net.hosts[0].identity));
        assert_int_equal(host_take(&net.hosts[3], &reopen), SOTTO_ERROR_PROTOCOL);
        sotto_buffer_release(&reopen);
        run();
        net_end();
    }
}

static void test_a_silent_aggregator_is_left(void **state)
{
    (void)state;
    begin(4, 4, 4);
    net.hosts[3].off = true;
    deliver_all();
    sotto_task_party_tick(net.hosts[1].task, 16999); /* 7 + 2 x 5 seconds after it was heard */
    host_pump(&net.hosts[1]);
    assert_int_equal(net.hosts[1].ended, SOTTO_OK);
    sotto_task_party_tick(net.hosts[1].task, 17000);
    host_pump(&net.hosts[1]);
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_TIMEOUT);
    net_end();
}

static void test_simulating_nobody(void **state)
{
    (void)state;
    char plan[1024];
    char *result = NULL;
    struct sotto_error err = {0};
    (void)snprintf(plan, sizeof plan, plan_format, 3, 3);
    struct sotto_simulation simulation = {
        .plan_json = plan, .plan_json_bytes = strlen(plan), .datasets_len = 1};
    assert_int_equal(sotto_simulate(&result, &simulation, &err), SOTTO_ERROR_PARTIES);
    assert_null(result);
}

/* --- Several rounds --- */

static void test_two_rounds(void **state)
{
    (void)state;
    for (size_t twice = 0; twice < 2; twice++) {
        begin_rounds(4, 3);
        net.twice = twice == 1;
        run();
        assert_int_equal(net.expiries, 0);
        /* 100, 200, 10.25, 100 around 102.5625 */
        assert_result("\"v\": {\"value\": 4507.19921875", "\"survived\": 4");
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
    begin_rounds(4, 3);
    net.hosts[2].dies_before = SOTTO_MESSAGE_MASKED;
    run();
    assert_result("\"m\": {\"value\": 103.41666666666667", "\"joined\": 4, \"survived\": 3");
    net_end();
}

/* Later, it ends the task, as long as its numbers are not in. */
static void test_a_loss_after_the_first_opening(void **state)
{
    (void)state;
    for (uint16_t type = SOTTO_MESSAGE_ADVERT; type <= SOTTO_MESSAGE_REVEAL; type++) {
        begin_rounds(4, 3);
        net.hosts[2].dies_before = type;
        net.hosts[2].dies_in = 2;
        run();
        if (type <= SOTTO_MESSAGE_MASKED) {
            assert_ended(SOTTO_ERROR_PARTIES, "n2 was lost in round 2");
            assert_contains(net.end_text, "once round 1 is opened all its survivors must stay");
            assert_int_equal(count_in_log("[Restart]"), 0);
            assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PARTIES);
        } else {
            assert_result_has("\"survived\": 4");
        }
        net_end();
    }
    begin_rounds(4, 3);
    net.hosts[2].dies_before = SOTTO_MESSAGE_CONSENT; /* its rows are in the first sum */
    run();
    assert_ended(SOTTO_ERROR_PARTIES, "n2 was lost in round 2 (no answer)");
    net_end();
}

static void test_coming_back_between_rounds_is_too_late(void **state)
{
    (void)state;
    begin_rounds(4, 3);
    net.hosts[2].dies_before = SOTTO_MESSAGE_ADVERT;
    net.hosts[2].dies_in = 2;
    deliver_all();
    assert_false(net.done);
    host_restart(&net.hosts[2]);
    net.hosts[2].answered = true;
    sotto_task_aggregator_returned(net.aggregator, &net.peers[2].key);
    net_pump();
    assert_ended(SOTTO_ERROR_PARTIES, "n2 was lost in round 2 (it left)");
    net_end();
}

static void reseal_round(struct letter *letter, const struct sotto_message *message,
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

static void forge_aggregate(struct letter *letter)
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
        begin_rounds(4, 3);
        net.forge = forge_aggregate;
        run();
        if (forge_by == 0) {
            assert_result("\"v\": {\"value\": 4507.19921875", "\"survived\": 4");
        } else {
            assert_ended(SOTTO_ERROR_PARTIES, "n1 was lost in round 2");
            assert_int_equal(net.hosts[1].ended,
                             forge_by < 0 ? SOTTO_ERROR_PROTOCOL : SOTTO_ERROR_PARTIES);
        }
        net_end();
    }
}

/* The second round without n3: n1 must not answer, the difference would be n3's. */
static void forge_roster(struct letter *letter)
{
    struct sotto_message message;
    struct sotto_roster roster;
    struct sotto_roster smaller;
    struct sotto_buffer adverts[PARTIES_MAX];
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
    begin_rounds(5, 3);
    net.forge = forge_roster;
    run();
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PROTOCOL);
    assert_contains(net.hosts[1].end_text, "round 2 has other parties");
    assert_ended(SOTTO_ERROR_PARTIES, "n1 was lost in round 2");
    net_end();
}

/* A round that comes before the consent to the one before waits for it; others are refused. */
static void test_rounds_out_of_turn(void **state)
{
    (void)state;
    static const uint64_t limbs[1] = {0};
    struct sotto_buffer forged;
    struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 2, .attempt = 1};
    begin_rounds(4, 3);
    net.hosts[1].slow = true;
    deliver_all(); /* n1 computes */
    assert_ok(sotto__round_seal(&forged, limbs, 8, &label, net.hosts[0].identity));
    assert_ok(host_take(&net.hosts[1], &forged));
    assert_int_equal(host_take(&net.hosts[1], &forged), SOTTO_ERROR_STATE);
    sotto_buffer_release(&forged);
    label.round = 3;
    assert_ok(sotto__round_seal(&forged, limbs, 8, &label, net.hosts[0].identity));
    assert_int_equal(host_take(&net.hosts[2], &forged), SOTTO_ERROR_STATE);
    sotto_buffer_release(&forged);
    net.hosts[1].slow = false;
    host_partial(&net.hosts[1]);
    host_pump(&net.hosts[1]);
    run();
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PROTOCOL); /* the forged one, after all */
    assert_contains(net.hosts[1].end_text, "limbs, expected");
    net_end();
}

/* --- Faults --- */

/* Every allocation of a task fails once. Whoever meets it, the task ends: with a result among those
 * that are left (never three of three), or with an error. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (int rounds = 1; rounds <= 2; rounds++) {
        size_t failures = 0;
        bool injected = true;
        for (size_t fail_at = 1; injected; fail_at++) {
            if (rounds == 1) {
                begin(3, 3, 3);
            } else {
                begin_rounds(3, 3);
            }
            fault_allocation_begin(fail_at);
            run();
            injected = fault_allocation_end();
            if (net.ended == SOTTO_OK) {
                assert_result("102.5625", "\"survived\": 3");
            } else {
                failures++;
            }
            net_end();
        }
        assert_true(failures > 100);
    }
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_parties),
        cmocka_unit_test(test_everything_twice),
        cmocka_unit_test(test_twenty_parties),
        cmocka_unit_test(test_names_decide_who_fills_the_task),
        cmocka_unit_test(test_all_who_are_willing_take_part),
        cmocka_unit_test(test_who_is_away_is_not_waited_for),
        cmocka_unit_test(test_who_is_missing_is_named),
        cmocka_unit_test(test_later_rounds_keep_the_choice),
        cmocka_unit_test(test_an_absent_party_costs_one_timeout),
        cmocka_unit_test(test_too_few_join),
        cmocka_unit_test(test_a_refusal_ends_the_wait_at_once),
        cmocka_unit_test(test_types_that_do_not_join),
        cmocka_unit_test(test_more_parties_than_peers_are_asked_for),
        cmocka_unit_test(test_the_owners_minimum),
        cmocka_unit_test(test_a_loss_at_every_step),
        cmocka_unit_test(test_a_loss_among_three_is_final),
        cmocka_unit_test(test_an_unopened_session_starts_again),
        cmocka_unit_test(test_a_session_with_consents_does_not),
        cmocka_unit_test(test_a_new_attempt_waits_for_the_partial),
        cmocka_unit_test(test_a_party_that_comes_back_before_the_start_takes_part),
        cmocka_unit_test(test_a_party_that_joined_died_and_came_back_joins_anew),
        cmocka_unit_test(test_a_party_that_comes_back_too_late_is_lost_at_once),
        cmocka_unit_test(test_a_party_answers_a_task_once),
        cmocka_unit_test(test_cancelling),
        cmocka_unit_test(test_a_stranger_in_the_roster_makes_a_party_leave),
        cmocka_unit_test(test_strangers_are_not_heard),
        cmocka_unit_test(test_leaving_again_and_again),
        cmocka_unit_test(test_a_plan_with_two_parties_is_declined_by_the_parties_too),
        cmocka_unit_test(test_no_second_answer_after_the_first),
        cmocka_unit_test(test_a_silent_aggregator_is_left),
        cmocka_unit_test(test_simulating_nobody),
        cmocka_unit_test(test_two_rounds),
        cmocka_unit_test(test_a_loss_before_the_first_opening),
        cmocka_unit_test(test_a_loss_after_the_first_opening),
        cmocka_unit_test(test_coming_back_between_rounds_is_too_late),
        cmocka_unit_test(test_different_aggregates_are_an_error),
        cmocka_unit_test(test_later_rounds_are_of_the_same_parties),
        cmocka_unit_test(test_rounds_out_of_turn),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
