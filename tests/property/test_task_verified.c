/* SPDX-License-Identifier: Apache-2.0 */
/* Sums that parties check: honest tasks end confirmed, whoever is silent is named, and whatever a
 * creator shows that is not what was opened ends in an error at every party. */
#include "net.h"
#include "test.h"

#include "cases.h"
#include "files.h"

#include "federation/task_aggregator.h"
#include "federation/task_party.h"
#include "federation/verified.h"
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>

#define HEAD                                                                                       \
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
#define TAIL                                                                                       \
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"               \
    " \"connection_timeout\": 5}}"
#define ONE_ROUND " \"select\": {\"m\": \"mean(pay)\", \"n\": \"count(pay)\"},"
#define PUBLISHED " \"results\": \"participants\","

static const char published[] = HEAD ONE_ROUND PUBLISHED TAIL;

/* A model in rounds, and rows that have one. */
static const char fitted[] =
    HEAD " \"select\": {\"m\": \"glm(ill, age, family=binomial)\"}," PUBLISHED TAIL;
static const char *const patients[4] = {
    "ill,age\n0,31\n1,52\n0,47\n1,66\n", "ill,age\n0,29\n0,58\n1,71\n",
    "ill,age\n1,44\n0,39\n1,60\n0,62\n", "ill,age\n1,55\n0,35\n0,50\n"};

static void begin(const char *format, size_t len)
{
    const char *const *texts = format == fitted ? patients : net_pays;
    assert_ok(net_begin_plan(texts, len, format, 3, (uint32_t)len));
}

/* --- Honest tasks --- */

static void assert_confirmed(void)
{
    char all[64];
    (void)snprintf(all, sizeof all, "confirmed by all %zu parties", net.len);
    assert_ok(net.ended);
    assert_true(net.has_result);
    assert_true(sotto_task_aggregator_is_confirmed(net.aggregator));
    assert_string_equal(sotto_task_aggregator_confirmation(net.aggregator), all);
    for (size_t i = 0; i < net.len; i++) {
        assert_true(net.hosts[i].done);
        assert_ok(net.hosts[i].ended);
        assert_true(sotto_task_party_is_confirmed(net.hosts[i].task));
        assert_string_equal(sotto_task_party_result(net.hosts[i].task),
                            sotto_task_aggregator_result(net.aggregator));
    }
}

static void test_all_confirm(void **state)
{
    (void)state;
    for (size_t len = 3; len <= 7; len++) {
        begin(len % 2 == 0 ? published : net_published_format, len);
        net.twice = len > 4;
        net_run();
        assert_int_equal(net.expiries, 0);
        assert_confirmed();
        /* What opens a round has a vector of each party: it is there once, and sent to all. */
        assert_int_equal(net.shared, len * net_count_in_log("[Start Round]") / 2);
        net_end();
    }
}

/* A later round confirms the one before; the last one is shown to nobody, and not confirmed. */
static void test_rounds_are_verified_before_the_next(void **state)
{
    (void)state;
    net_begin_rounds(4, 3);
    net_run();
    net_assert_result("\"v\": {\"value\": 4507.19921875", "\"survived\": 4");
    assert_false(net.has_result);
    assert_string_equal(sotto_task_aggregator_confirmation(net.aggregator), "");
    for (size_t i = 0; i < net.len; i++) {
        assert_ok(net.hosts[i].ended);
        assert_null(sotto_task_party_result(net.hosts[i].task));
        assert_int_equal(net.hosts[i].task->terms.label.round, 2);
    }
    net_end();
}

static void test_letters_that_overtake_each_other(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= test_cases(40); seed++) {
        begin(seed % 2 == 0 ? published : net_published_format, 4);
        net.shuffles = seed;
        net_run();
        assert_int_not_equal(net.ended, SOTTO_ERROR_PROTOCOL);
        for (size_t i = 0; i < net.len; i++) {
            assert_int_not_equal(net.hosts[i].ended, SOTTO_ERROR_PROTOCOL);
        }
        net_end();
    }
}

/* Which states there are: who vanishes before LIVING is not in the sum; who vanishes later is, and
 * does not confirm; more than the threshold allows, and there is no result. */
static void run_random(uint64_t seed)
{
    uint64_t draws = seed;
    size_t len = 3 + test_random_below(&draws, 6);
    bool has_two = test_random_below(&draws, 2) == 1;
    size_t dealt_not = 0;
    size_t masked_not = 0;
    size_t opened_not = 0;
    size_t silent = 0;
    assert_ok(net_begin_plan(net_pays, len, has_two ? net_published_format : published, 3,
                             (uint32_t)len));
    for (size_t i = 1; i < len; i++) {
        static const uint16_t types[] = {SOTTO_MESSAGE_DEAL, SOTTO_MESSAGE_MASKED,
                                         SOTTO_MESSAGE_CONSENT, SOTTO_MESSAGE_REVEAL,
                                         SOTTO_MESSAGE_CONFIRM};
        size_t *const counts[] = {&dealt_not, &masked_not, &opened_not, &opened_not, &silent};
        if (test_random_below(&draws, len) == 0) {
            size_t type = test_random_below(&draws, 5);
            net.hosts[i].dies_before = types[type];
            net.hosts[i].dies_in = has_two && type > 1 ? 2 : 1;
            (*counts[type])++;
        }
        net.hosts[i].demands.no_receipts = test_random_below(&draws, 12) == 0;
    }
    size_t unsigned_len = 0;
    for (size_t i = 1; i < len; i++) {
        uint16_t type = net.hosts[i].dies_before;
        unsigned_len +=
            net.hosts[i].demands.no_receipts && (type == 0 || type == SOTTO_MESSAGE_CONFIRM);
        silent -= net.hosts[i].demands.no_receipts && type == SOTTO_MESSAGE_CONFIRM;
    }
    net_run();
    bool has_ended_well = net.ended == SOTTO_OK;
    assert_int_not_equal(net.ended, SOTTO_ERROR_PROTOCOL);
    for (size_t i = 0; i < len; i++) {
        assert_int_not_equal(net.hosts[i].ended, SOTTO_ERROR_PROTOCOL);
    }
    if (dealt_not + masked_not + opened_not == 0) {
        assert_true(has_ended_well);
    }
    if (has_ended_well) {
        bool all = opened_not + silent + unsigned_len == 0;
        assert_int_equal(sotto_task_aggregator_is_confirmed(net.aggregator), all);
        for (size_t i = 0; i < len; i++) {
            if (net.hosts[i].dies_before == 0) {
                assert_ok(net.hosts[i].ended);
                assert_string_equal(sotto_task_party_result(net.hosts[i].task),
                                    sotto_task_aggregator_result(net.aggregator));
                assert_int_equal(sotto_task_party_is_confirmed(net.hosts[i].task), all);
            }
        }
    }
    net_end();
}

static void test_honest_tasks_end_as_they_should(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= test_cases(60); seed++) {
        run_random(seed * 7919);
    }
}

/* --- Silence --- */

static void test_who_is_silent_is_named(void **state)
{
    (void)state;
    for (uint16_t type = SOTTO_MESSAGE_CONSENT; type <= SOTTO_MESSAGE_CONFIRM; type++) {
        begin(published, 4);
        net.hosts[2].dies_before = type;
        net_deliver();
        assert_true(net.has_result); /* at once, whoever is silent */
        assert_false(net.done);
        net_run();
        net_assert_result_has("\"survived\": 4");
        assert_false(sotto_task_aggregator_is_confirmed(net.aggregator));
        assert_string_equal(sotto_task_aggregator_confirmation(net.aggregator),
                            "confirmed by 3 of 4 parties; no answer of n2");
        assert_ok(net.hosts[1].ended);
        assert_false(sotto_task_party_is_confirmed(net.hosts[1].task));
        assert_contains(net.hosts[1].end_text, "confirmed by 3 of 4 parties; no answer of n2");
        assert_non_null(sotto_task_party_result(net.hosts[1].task));
        net_end();
    }
}

/* Whoever leaves is not waited for. */
static void test_who_comes_back_does_not_confirm(void **state)
{
    (void)state;
    begin(published, 4);
    net.hosts[2].dies_before = SOTTO_MESSAGE_CONFIRM;
    net_deliver();
    sotto_task_aggregator_returned(net.aggregator, &net.peers[2].key, net.now_ms);
    net_pump();
    assert_true(net.done);
    assert_ok(net.ended);
    assert_contains(sotto_task_aggregator_confirmation(net.aggregator), "no answer of n2");
    net_end();
}

static void test_a_result_that_is_there_is_not_cancelled(void **state)
{
    (void)state;
    begin(published, 4);
    net.hosts[2].dies_before = SOTTO_MESSAGE_CONFIRM;
    net_deliver();
    sotto_task_aggregator_cancel(net.aggregator);
    net_pump();
    net_assert_result_has("\"survived\": 4");
    net_end();
}

/* Who confirmed has the result, whether or not it hears who else did. */
static void test_a_silent_aggregator_after_the_result(void **state)
{
    (void)state;
    begin(published, 4);
    net.hosts[2].dies_before = SOTTO_MESSAGE_CONFIRM;
    net_deliver();
    sotto_task_party_tick(net.hosts[1].task, 17000);
    net_host_pump(&net.hosts[1]);
    assert_true(net.hosts[1].done);
    assert_ok(net.hosts[1].ended);
    assert_contains(net.hosts[1].end_text, "did not say who else did");
    assert_non_null(sotto_task_party_result(net.hosts[1].task));
    assert_false(sotto_task_party_is_confirmed(net.hosts[1].task));
    net_end();
}

/* --- What a lying creator shows --- */

/* What becomes of the body of an OPENED; changes, and may not lengthen it. */
static void (*lie)(uint8_t *body, size_t *body_bytes);
static uint32_t lie_round;
static size_t lie_to; /* one party, or SOTTO_NONE: all */

static void reseal(struct net_letter *letter, const struct sotto_message *message,
                   const uint8_t *body, size_t body_bytes)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(&writer, (enum sotto_message_type)message->type, &message->label,
                        message->session, net.hosts[0].identity);
    sotto_write_bytes(&writer, body, body_bytes);
    sotto_buffer_release(&letter->bytes);
    assert_ok(sotto_message_finish(&writer, &letter->bytes, net.hosts[0].identity));
}

static void forge_opened(struct net_letter *letter)
{
    struct sotto_message message;
    struct sotto_buffer body;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type != SOTTO_MESSAGE_OPENED || message.label.round != lie_round ||
        (lie_to != SOTTO_NONE && lie_to != letter->to)) {
        return;
    }
    assert_ok(sotto_buffer_copy(&body, message.body, message.body_bytes));
    size_t body_bytes = body.data_bytes;
    lie(body.data, &body_bytes);
    reseal(letter, &message, body.data, body_bytes);
    sotto_buffer_release(&body);
}

static void change_text(uint8_t *body, const char *old, const char *new)
{
    size_t len = strlen(old);
    uint8_t *at = body + 4;
    while (memcmp(at, old, len) != 0) {
        at++;
    }
    assert_int_equal(strlen(new), len);
    memcpy(at, new, len);
}

static void move_the_result(uint8_t *body, size_t *body_bytes)
{
    (void)body_bytes;
    change_text(body, "\"n\": {\"value\": 4", "\"n\": {\"value\": 5");
}

static void move_the_survivors(uint8_t *body, size_t *body_bytes)
{
    (void)body_bytes;
    change_text(body, "\"survived\": 4", "\"survived\": 3");
}

/* By one unit, in the first slot of the first masked input. */
static void move_the_sum(uint8_t *body, size_t *body_bytes)
{
    uint32_t text_bytes = (uint32_t)body[0] | (uint32_t)body[1] << 8;
    (void)body_bytes;
    body[4 + text_bytes]++;
}

static void cut_the_end(uint8_t *body, size_t *body_bytes)
{
    (void)body;
    (*body_bytes)--;
}

static void hide_the_result(uint8_t *body, size_t *body_bytes)
{
    uint32_t text_bytes = (uint32_t)body[0] | (uint32_t)body[1] << 8;
    memset(body, 0, 4);
    *body_bytes -= text_bytes;
    memmove(body + 4, body + 4 + text_bytes, *body_bytes - 4);
}

/* The first bytes of the transcript become a result's text. */
static void claim_a_result(uint8_t *body, size_t *body_bytes)
{
    (void)body_bytes;
    body[0] = 2;
}

/* Every party that was lied to ends with an error, and the task does. */
static void assert_lie_is_found(const char *format, uint32_t round,
                                void (*what)(uint8_t *body, size_t *body_bytes), const char *words)
{
    static const size_t liars[] = {1, SOTTO_NONE};
    lie = what;
    lie_round = round;
    for (size_t k = 0; k < 2; k++) {
        lie_to = liars[k];
        begin(format, 4);
        net.forge = forge_opened;
        net_run();
        assert_int_equal(net.ended, SOTTO_ERROR_PROTOCOL);
        assert_contains(net.end_text, words);
        assert_contains(net.end_text, "was shown something else than this node sent");
        for (size_t i = 0; i < net.len; i++) {
            assert_true(net.hosts[i].done);
            assert_int_equal(net.hosts[i].ended, SOTTO_ERROR_PROTOCOL);
            assert_false(sotto_task_party_is_confirmed(net.hosts[i].task));
        }
        assert_contains(net.hosts[1].end_text, "up to the aggregator");
        net_end();
    }
}

static void test_a_result_moved_by_one_unit(void **state)
{
    (void)state;
    assert_lie_is_found(published, 1, move_the_result, "disputes the result");
}

/* By 1e-6: its sixth decimal is another one. */
static void move_the_coefficient(uint8_t *body, size_t *body_bytes)
{
    static const char before[] =
        "\"coefficients\": {\"labels\": [[\"const\", \"age\"]], \"values\": "
        "[{\"value\": ";
    size_t len = strlen(before);
    uint8_t *at = body + 4;
    (void)body_bytes;
    while (memcmp(at, before, len) != 0) {
        at++;
    }
    at = memchr(at + len, '.', 10);
    assert_non_null(at);
    at[6] = (uint8_t)(at[6] == '9' ? '8' : at[6] + 1);
}

/* Whichever round is the last one: in it the result is shown. */
static uint32_t count_rounds_of_the_model(void)
{
    begin(fitted, 4);
    net_run();
    assert_confirmed();
    uint32_t rounds = net.hosts[1].task->terms.label.round;
    net_end();
    return rounds;
}

static void test_a_coefficient_moved_by_a_millionth(void **state)
{
    (void)state;
    uint32_t rounds = count_rounds_of_the_model();
    assert_true(rounds > 3);
    assert_lie_is_found(fitted, rounds, move_the_coefficient, "disputes the result");
    for (uint32_t round = 1; round <= rounds; round++) { /* or what they are computed from */
        assert_lie_is_found(fitted, round, move_the_sum, "disputes a masked input");
    }
}

static void test_more_or_fewer_survivors_than_there_are(void **state)
{
    (void)state;
    assert_lie_is_found(published, 1, move_the_survivors, "disputes the result");
}

static void test_a_last_sum_moved_by_one_unit(void **state)
{
    (void)state;
    assert_lie_is_found(published, 1, move_the_sum, "disputes a masked input");
    assert_lie_is_found(net_published_format, 2, move_the_sum, "disputes a masked input");
}

static void test_an_earlier_sum_moved_by_one_unit(void **state)
{
    (void)state;
    assert_lie_is_found(net_rounds_format, 1, move_the_sum, "disputes a masked input");
}

static void test_a_transcript_that_is_cut(void **state)
{
    (void)state;
    assert_lie_is_found(published, 1, cut_the_end, "disputes the form of the transcript");
    assert_lie_is_found(net_rounds_format, 1, cut_the_end, "disputes the form of the transcript");
}

/* Whether another round follows is the driver's to say. */
static void test_a_round_more_or_less(void **state)
{
    (void)state;
    assert_lie_is_found(published, 1, hide_the_result, "disputes the result");
    assert_lie_is_found(net_published_format, 1, claim_a_result, "disputes the form");
}

/* The header says another session, and all else is right. */
static void forge_session(struct net_letter *letter)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_OPENED && letter->to == 1) {
        message.session[7] ^= 1;
        struct sotto_buffer body;
        assert_ok(sotto_buffer_copy(&body, message.body, message.body_bytes));
        reseal(letter, &message, body.data, body.data_bytes);
        sotto_buffer_release(&body);
    }
}

static void test_an_opening_of_another_session(void **state)
{
    (void)state;
    begin(published, 4);
    net.forge = forge_session;
    net_run();
    assert_int_equal(net.ended, SOTTO_ERROR_PROTOCOL);
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PROTOCOL);
    assert_contains(net.hosts[1].end_text, "of another session");
    net_end();
}

/* What nobody asked for is not looked at. */
static void test_openings_out_of_turn(void **state)
{
    (void)state;
    struct sotto_buffer message;
    struct sotto__shown shown = {.result = NULL};
    static const uint8_t session[SOTTO_SESSION_BYTES];
    struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 1, .attempt = 1};
    static const char *const formats[] = {HEAD ONE_ROUND TAIL, published};
    for (size_t k = 0; k < 2; k++) {
        begin(formats[k], 4);
        net.hosts[1].slow = true;
        net_deliver();                  /* n1 computes, the others have masked */
        label.attempt = k == 0 ? 1 : 2; /* where sums are not verified; of another attempt */
        assert_ok(sotto__opened_seal(&message, &shown, &label, session, net.hosts[0].identity));
        assert_int_equal(net_host_take(&net.hosts[1], &message), SOTTO_ERROR_STATE);
        assert_int_equal(net_host_take(&net.hosts[2], &message), SOTTO_ERROR_STATE);
        sotto_buffer_release(&message);
        net.hosts[1].slow = false;
        net_host_partial(&net.hosts[1]);
        net_host_pump(&net.hosts[1]);
        net_run();
        assert_ok(net.ended);
        net_end();
    }
}

/* --- Going without --- */

/* ROUND with the right aggregate, in OPENED's place. */
static void forge_round(struct net_letter *letter)
{
    struct sotto_message message;
    struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 2, .attempt = 1};
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to == 1 && message.type == SOTTO_MESSAGE_OPENED) {
        static const uint8_t aggregate[8];
        sotto_buffer_release(&letter->bytes);
        assert_ok(sotto__round_seal(&letter->bytes, aggregate, sizeof aggregate, &label,
                                    net.hosts[0].identity));
    }
}

static void test_a_round_that_is_only_told(void **state)
{
    (void)state;
    net_begin_rounds(4, 3);
    net.forge = forge_round;
    net_run();
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PROTOCOL);
    assert_contains(net.hosts[1].end_text, "does not show what opened");
    net_assert_ended(SOTTO_ERROR_PARTIES, "n1 was lost in round 2");
    net_end();
}

/* OPENED becomes a FINISH that tells a result, as where sums are not verified. */
static void forge_finish(struct net_letter *letter)
{
    struct sotto_message message;
    struct sotto__finish finish = {.status = SOTTO_OK, .result = "{}", .result_bytes = 2};
    struct sotto_buffer forged;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to == 1 && message.type == SOTTO_MESSAGE_OPENED) {
        assert_ok(sotto__finish_seal(&forged, &finish, &message.label, net.hosts[0].identity));
        sotto_buffer_release(&letter->bytes);
        letter->bytes = forged;
    }
}

static void test_a_result_that_is_only_told(void **state)
{
    (void)state;
    begin(published, 4);
    net.forge = forge_finish;
    net_run();
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PROTOCOL);
    assert_contains(net.hosts[1].end_text, "has not shown what opened the last round");
    assert_null(sotto_task_party_result(net.hosts[1].task));
    assert_contains(sotto_task_aggregator_confirmation(net.aggregator),
                    "confirmed by 3 of 4 parties; no answer of n1");
    net_end();
}

/* Who is too slow for the sum is told that the task ended, and by whom it was confirmed: that is no
 * lie of the creator's. */
static void test_who_is_too_late_blames_nobody(void **state)
{
    (void)state;
    begin(published, 5);
    net.hosts[4].slow = true;
    net_run();
    assert_string_equal(sotto_task_aggregator_confirmation(net.aggregator),
                        "confirmed by all 4 parties");
    assert_true(net.hosts[4].done);
    assert_ok(net.hosts[4].ended);
    assert_null(sotto_task_party_result(net.hosts[4].task));
    assert_false(sotto_task_party_is_confirmed(net.hosts[4].task));
    net_end();
}

/* n4 masks, and is never asked to consent: the others are enough. */
static void forge_unasked(struct net_letter *letter)
{
    struct sotto_message message;
    struct sotto__finish finish = {.status = SOTTO_OK, .result = "{}", .result_bytes = 2};
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to == 4 && message.type == SOTTO_MESSAGE_LIVING) {
        sotto_buffer_release(&letter->bytes);
        assert_ok(
            sotto__finish_seal(&letter->bytes, &finish, &message.label, net.hosts[0].identity));
    }
}

static void test_who_is_not_asked_is_told_no_result(void **state)
{
    (void)state;
    begin(published, 5);
    net.forge = forge_unasked;
    net_run();
    assert_true(net.hosts[4].done);
    assert_null(sotto_task_party_result(net.hosts[4].task));
    assert_int_equal(net.hosts[4].ended, SOTTO_ERROR_PROTOCOL);
    net_end();
}

/* --- Confirmations --- */

/* What becomes of the first confirmation that FINISH shows to n1. */
enum { KEEP, SPOIL, TWICE, OF_NOBODY };
static int confirmation_lie;

static void forge_confirmations(struct net_letter *letter)
{
    struct sotto_message message;
    uint8_t body[1024];
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to != 1 || message.type != SOTTO_MESSAGE_FINISH || confirmation_lie == KEEP) {
        return;
    }
    assert_true(message.body_bytes <= sizeof body);
    memcpy(body, message.body, message.body_bytes);
    uint8_t *first = body + 1 + 4 + 4;
    if (confirmation_lie == SPOIL) {
        first[4 + 63] ^= 1;
    } else if (confirmation_lie == TWICE) {
        memcpy(first + 68, first, 68);
    } else {
        first[0] = 200;
    }
    reseal(letter, &message, body, message.body_bytes);
}

static void test_confirmations_that_are_not_right(void **state)
{
    (void)state;
    for (int what = KEEP; what <= OF_NOBODY; what++) {
        confirmation_lie = what;
        begin(published, 4);
        net.forge = forge_confirmations;
        net_run();
        assert_int_equal(net.hosts[1].ended, what == KEEP ? SOTTO_OK : SOTTO_ERROR_PROTOCOL);
        assert_int_equal(sotto_task_party_is_confirmed(net.hosts[1].task), what == KEEP);
        assert_true(sotto_task_party_is_confirmed(net.hosts[2].task));
        net_end();
    }
}

/* n3 is in no sum, and signs all the same: the creator shows that to n1. */
static void forge_outsider(struct net_letter *letter)
{
    struct sotto_message message;
    struct sotto_message confirm;
    struct sotto_buffer signed_by_it;
    struct sotto_buffer forged;
    struct sotto__finish finish = {.status = SOTTO_OK, .confirmations_len = 1};
    struct sotto__confirmation confirmation = {0};
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to != 1 || message.type != SOTTO_MESSAGE_FINISH) {
        return;
    }
    const struct sotto_task_party *task = net.hosts[1].task;
    assert_ok(sotto__confirm_seal(&signed_by_it, task->confirmed, &message.label, message.session,
                                  net.hosts[3].identity));
    assert_true(sotto_message_parse(&confirm, signed_by_it.data, signed_by_it.data_bytes));
    memcpy(confirmation.signature.bytes, confirm.body, sizeof confirmation.signature.bytes);
    confirmation.index =
        sotto_roster_find(sotto_session_party_roster(task->session), &net.peers[3].key);
    finish.confirmations = &confirmation;
    assert_ok(sotto__finish_seal(&forged, &finish, &message.label, net.hosts[0].identity));
    sotto_buffer_release(&signed_by_it);
    sotto_buffer_release(&letter->bytes);
    letter->bytes = forged;
}

static void test_who_is_not_in_the_sum_does_not_confirm(void **state)
{
    (void)state;
    begin(published, 4);
    net.hosts[3].dies_before = SOTTO_MESSAGE_MASKED;
    net.forge = forge_outsider;
    net_run();
    assert_string_equal(sotto_task_aggregator_confirmation(net.aggregator),
                        "confirmed by all 3 parties");
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PROTOCOL);
    assert_true(sotto_task_party_is_confirmed(net.hosts[2].task));
    net_end();
}

/* n2 signs another result than it was shown: that is no confirmation. */
static void forge_confirm(struct net_letter *letter)
{
    struct sotto_message message;
    uint8_t digest[SOTTO_DIGEST_BYTES] = {7};
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to == SOTTO_NONE && message.type == SOTTO_MESSAGE_CONFIRM &&
        sotto_key_equal(&message.sender, &net.peers[2].key)) {
        struct sotto_buffer forged;
        assert_ok(sotto__confirm_seal(&forged, digest, &message.label, message.session,
                                      net.hosts[2].identity));
        sotto_buffer_release(&letter->bytes);
        letter->bytes = forged;
    }
}

static void test_a_confirmation_of_something_else(void **state)
{
    (void)state;
    begin(published, 4);
    net.forge = forge_confirm;
    net_run();
    assert_ok(net.ended);
    assert_contains(sotto_task_aggregator_confirmation(net.aggregator), "no answer of n2");
    net_end();
}

/* --- Disputes --- */

static const struct sotto_dispute a_dispute = {.kind = SOTTO_DISPUTE_SUM};

/* n2 disputes what was right: whoever is named, it is n2. */
static void forge_dispute(struct net_letter *letter)
{
    struct sotto_message message;
    static uint8_t shown[SOTTO_DIGEST_BYTES];
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to == 2 && message.type == SOTTO_MESSAGE_OPENED) {
        sotto__shown_digest(shown, &letter->bytes);
    }
    if (letter->to == SOTTO_NONE && message.type == SOTTO_MESSAGE_CONFIRM &&
        sotto_key_equal(&message.sender, &net.peers[2].key)) {
        struct sotto_buffer forged;
        assert_ok(sotto__dispute_seal(&forged, &a_dispute, shown, &message.label, message.session,
                                      net.hosts[2].identity));
        sotto_buffer_release(&letter->bytes);
        letter->bytes = forged;
    }
}

static void test_a_false_dispute_names_who_disputes(void **state)
{
    (void)state;
    begin(published, 4);
    net.forge = forge_dispute;
    net_run();
    net_assert_ended(SOTTO_ERROR_PROTOCOL, "n2 disputes the sum, and is not right");
    assert_non_null(sotto_task_aggregator_result(net.aggregator));
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PROTOCOL);
    assert_null(strstr(net.end_text, "n1"));
    assert_null(strstr(net.end_text, "n3"));
    net_end();
}

/* The result that this node holds is not what its sums give: whoever disputes it is right. */
static void forge_result(struct net_letter *letter)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (net.has_result && message.type == SOTTO_MESSAGE_OPENED) {
        char *value = strstr(net.aggregator->result, "\"value\": ");
        assert_non_null(value);
        value[9] = 'x';
    }
    forge_dispute(letter);
}

static void test_a_dispute_that_is_right_about_the_result(void **state)
{
    (void)state;
    begin(published, 4);
    net.forge = forge_result;
    net_run();
    net_assert_ended(SOTTO_ERROR_PROTOCOL, "n2 disputes the sum, and is right about what this node "
                                           "showed: the sums give another result");
    net_end();
}

/* n2 disputes, and names something that nobody was shown: that this node sent it another OPENED is
 * what n2 says, and no more. */
static void forge_shown(struct net_letter *letter)
{
    struct sotto_message message;
    static const uint8_t shown[SOTTO_DIGEST_BYTES] = {1};
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (letter->to == SOTTO_NONE && message.type == SOTTO_MESSAGE_CONFIRM &&
        sotto_key_equal(&message.sender, &net.peers[2].key)) {
        struct sotto_buffer forged;
        assert_ok(sotto__dispute_seal(&forged, &a_dispute, shown, &message.label, message.session,
                                      net.hosts[2].identity));
        sotto_buffer_release(&letter->bytes);
        letter->bytes = forged;
    }
}

static void test_a_dispute_of_what_nobody_was_shown(void **state)
{
    (void)state;
    begin(published, 4);
    net.forge = forge_shown;
    net_run();
    net_assert_ended(SOTTO_ERROR_PROTOCOL, "n2 disputes the sum, and says that it was shown "
                                           "something else than this node sent");
    net_end();
}

/* What is not of the session that was shown, or before anything was, ends nothing. */
static void test_disputes_out_of_turn(void **state)
{
    (void)state;
    struct sotto_buffer message;
    static const uint8_t session[SOTTO_SESSION_BYTES];
    static const uint8_t shown[SOTTO_DIGEST_BYTES];
    struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 1, .attempt = 1};
    begin(published, 4);
    assert_ok(
        sotto__dispute_seal(&message, &a_dispute, shown, &label, session, net.hosts[2].identity));
    assert_int_equal(
        sotto_task_aggregator_receive(net.aggregator, message.data, message.data_bytes, 0, NULL),
        SOTTO_ERROR_STATE);
    sotto_buffer_release(&message);
    net.hosts[1].dies_before = SOTTO_MESSAGE_CONFIRM;
    net_deliver(); /* n1 is awaited */
    assert_ok(
        sotto__dispute_seal(&message, &a_dispute, shown, &label, session, net.hosts[1].identity));
    assert_int_equal(
        sotto_task_aggregator_receive(net.aggregator, message.data, message.data_bytes, 0, NULL),
        SOTTO_ERROR_STATE);
    sotto_buffer_release(&message);
    net_run();
    assert_ok(net.ended);
    net_end();
}

/* With its ADVERT for the next round a party has confirmed the one before. */
static void test_a_dispute_after_the_next_advert(void **state)
{
    (void)state;
    struct sotto_buffer message;
    static const uint8_t shown[SOTTO_DIGEST_BYTES];
    struct sotto_session_label label = {.task = {{1, 2, 3}}, .round = 1, .attempt = 1};
    net_begin_rounds(4, 3);
    net.hosts[2].dies_before = SOTTO_MESSAGE_MASKED;
    net.hosts[2].dies_in = 2;
    net_deliver();
    assert_int_equal(net.aggregator->terms.label.round, 2);
    assert_ok(sotto__dispute_seal(&message, &a_dispute, shown, &label,
                                  net.aggregator->shown_session, net.hosts[1].identity));
    assert_int_equal(
        sotto_task_aggregator_receive(net.aggregator, message.data, message.data_bytes, 0, NULL),
        SOTTO_ERROR_STATE);
    sotto_buffer_release(&message);
    net_run();
    net_assert_ended(SOTTO_ERROR_PARTIES, "n2 was lost in round 2");
    net_end();
}

/* --- What is not verified says so --- */

static void assert_not_verified(const char *format, const char *why)
{
    begin(format, 4);
    net_run();
    assert_ok(net.ended);
    assert_false(net.has_result);
    assert_false(sotto_task_aggregator_is_confirmed(net.aggregator));
    assert_contains(sotto_task_aggregator_confirmation(net.aggregator), why);
    assert_ok(net.hosts[1].ended);
    net_end();
}

static void test_what_is_not_verified(void **state)
{
    (void)state;
    assert_not_verified(HEAD ONE_ROUND PUBLISHED " \"enable_verify\": false," TAIL,
                        "not verified: the plan says that parties don't check sums");
    assert_not_verified(HEAD ONE_ROUND TAIL, "");
}

static void test_must_be_verified_and_is_shown_to_nobody(void **state)
{
    (void)state;
    struct sotto_buffer invitation;
    static const struct sotto_buffer no_code;
    struct sotto_session_label label = {.task = {{9}}, .round = 1, .attempt = 1};
    char plan[1024];
    static const char format[] = HEAD ONE_ROUND " \"enable_verify\": true," TAIL;
    assert_int_equal(net_begin_plan(net_pays, 4, format, 3, 4), SOTTO_ERROR_PLAN);
    (void)snprintf(plan, sizeof plan, format, 3, 4);
    assert_ok(sotto__invitation_seal(&invitation, plan, strlen(plan), &no_code, &label,
                                     net.hosts[0].identity));
    assert_ok(net_host_take(&net.hosts[1], &invitation));
    assert_int_equal(net.hosts[1].ended, SOTTO_ERROR_PLAN);
    assert_contains(net.hosts[1].end_text, "needs \"results\": \"participants\"");
    sotto_buffer_release(&invitation);
    net_end();
}

/* The terms of a first round of this plan among so many. */
static enum sotto_status find_terms(struct sotto__round_terms *out, const char *plan_text,
                                    size_t parties_len, struct sotto_error *err)
{
    struct sotto_plan *plan = NULL;
    struct sotto__course course = {0};
    struct sotto_schema_field field = {.type = {.kind = SOTTO_KIND_FLOAT64}};
    struct sotto_schema schema = {.fields = &field, .fields_len = 1};
    struct sotto_invitation_terms invitation = {.label = {.round = 1, .attempt = 1}};
    static const uint8_t opened[SOTTO_DIGEST_BYTES];
    assert_ok(sotto_plan_parse(&plan, plan_text, strlen(plan_text), NULL));
    assert_ok(sotto_driver_new(&course.driver, plan, &schema, NULL));
    enum sotto_status status =
        sotto__round_terms_init(out, plan, &course, &invitation, opened, parties_len, err);
    sotto__course_release(&course);
    sotto_plan_free(plan);
    return status;
}

static bool is_result(const struct sotto__training *training, const char *text)
{
    bool is_it = true;
    assert_ok(sotto__training_is_result(training, &is_it, text, 3, NULL));
    return is_it;
}

/* What all sign of a learning task is the one text that its creator can send, also of the parties.
 */
static void test_a_result_of_learning(void **state)
{
    (void)state;
    uint8_t model[] = "a model";
    struct sotto__training_round over = {.counts = {.rows = 9}, .parties = 3};
    const struct sotto__training training = {.model = {.data = model, .data_bytes = sizeof model},
                                             .over = &over,
                                             .rounds = 1,
                                             .bundle = "00"};
    const char *names[] = {"a", "b", "c"};
    const struct sotto_result_absentee missing = {"d", "is away"};
    const struct sotto_result_parties parties = {.invited = 4,
                                                 .joined = 3,
                                                 .survived = 3,
                                                 .names = names,
                                                 .names_len = 3,
                                                 .missing = &missing,
                                                 .missing_len = 1};
    static const char *const lies[][2] = {
        {"\"rows\": 9", "\"rows\": 8"},
        {"\"parties\": 3", "\"parties\": 4"},
        {"\"joined\": 3", "\"joined\": 9"},
        {"\"joined\": 3", "\"joined\": 2"},
        {"\"invited\": 4", "\"invited\": 5"},
        {"\"c\"", "\"c\", \"e\""},
        {"\"c\"", "7"},
        {"\"is away\"", "\"is away\", \"x\": 1"},
        {"\"survived\": 3", "\"survived\": 3, \"x\": 1"},
        {"\"survived\": 3", "\"survived\": 2"},
        {"\"joined\": ", "\"joined\":"},
    };
    char *text = NULL;
    assert_ok(sotto__training_result(&training, &text, &parties, NULL));
    assert_true(is_result(&training, text));
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        char changed[1024];
        const char *at = strstr(text, lies[i][0]);
        assert_non_null(at);
        (void)snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, lies[i][1],
                       at + strlen(lies[i][0]));
        assert_false(is_result(&training, changed));
    }
    sotto_free(text);
}

/* A model that code trains on is checked as one of statistics is, also if that takes more than 16
 * MiB: who could make it up would choose what the next weights tell. */
static void test_models_that_code_trains_on(void **state)
{
    (void)state;
    struct sotto__round_terms terms = {0};
    struct sotto_error err = {0};
    struct sotto_plan *plan = NULL;
    struct sotto__training training = {.average = {.element_bytes = 8, .elements_len = 1 << 20}};
    struct sotto__course course = {.training = &training};
    struct sotto_invitation_terms invitation = {.label = {.round = 1, .attempt = 1}};
    static const uint8_t opened[SOTTO_DIGEST_BYTES];
    char text[256];
    training.round = 1;
    (void)snprintf(text, sizeof text,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"learning\", \"rounds\": 2, "
                   "\"bundle\": \"%064d\"}",
                   0);
    assert_ok(sotto_plan_parse_task(&plan, text, strlen(text), NULL));
    assert_ok(sotto__round_terms_init(&terms, plan, &course, &invitation, opened, 3, &err));
    assert_true(terms.terms.verifies);
    sotto__round_terms_release(&terms);
    assert_int_equal(sotto__round_terms_init(&terms, plan, &course, &invitation, opened, 101, &err),
                     SOTTO_ERROR_LIMIT);
    assert_contains(err.text, "a model's rounds are checked by all parties");
    sotto_plan_free(plan);
}

/* The sums of a column of doubles, of some hundred bytes each, in so many groups. */
static char *make_long_plan(size_t groups, const char *keys)
{
    size_t capacity = 400 + groups * 12;
    char *text = sotto_alloc(capacity);
    assert_non_null(text);
    int used = snprintf(text, capacity,
                        HEAD "%s \"select\": {\"s\": \"sum(pay)\"}, \"group_by\": [{\"column\": "
                             "\"pay\", \"bins\": [0",
                        keys);
    for (size_t i = 1; i <= groups; i++) {
        used += snprintf(text + used, capacity - (size_t)used, ", %zu", i);
    }
    (void)snprintf(text + used, capacity - (size_t)used, "]}]}");
    return text;
}

static void test_limits_of_verification(void **state)
{
    (void)state;
    struct sotto__round_terms terms = {0};
    struct sotto_error err = {0};
    char *always = make_long_plan(4, PUBLISHED " \"enable_verify\": true,");
    char *few = make_long_plan(4, PUBLISHED);
    char *many = make_long_plan(900, PUBLISHED);
    char *hidden = make_long_plan(4, "");

    assert_ok(find_terms(&terms, few, 100, &err));
    assert_true(terms.terms.verifies);
    assert_null(terms.unverified);
    sotto__round_terms_release(&terms);
    assert_ok(find_terms(&terms, few, 101, &err));
    assert_false(terms.terms.verifies);
    assert_contains(terms.unverified, "more than 100 parties");
    sotto__round_terms_release(&terms);
    assert_ok(find_terms(&terms, hidden, 101, &err)); /* nobody is shown it */
    assert_false(terms.terms.verifies);
    assert_null(terms.unverified);
    sotto__round_terms_release(&terms);

    assert_ok(find_terms(&terms, many, 10, &err));
    assert_true(terms.terms.verifies);
    sotto__round_terms_release(&terms);
    assert_ok(find_terms(&terms, many, 100, &err));
    assert_false(terms.terms.verifies);
    assert_contains(terms.unverified, "more than 16 MiB");
    sotto__round_terms_release(&terms);

    assert_ok(find_terms(&terms, always, 100, &err));
    assert_true(terms.terms.verifies);
    sotto__round_terms_release(&terms);
    assert_int_equal(find_terms(&terms, always, 101, &err), SOTTO_ERROR_LIMIT);
    assert_contains(err.text, "enable_verify: true can't be kept");
    sotto_free(always);
    sotto_free(few);
    sotto_free(many);
    sotto_free(hidden);
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_confirm),
        cmocka_unit_test(test_rounds_are_verified_before_the_next),
        cmocka_unit_test(test_letters_that_overtake_each_other),
        cmocka_unit_test(test_honest_tasks_end_as_they_should),
        cmocka_unit_test(test_who_is_silent_is_named),
        cmocka_unit_test(test_who_comes_back_does_not_confirm),
        cmocka_unit_test(test_a_result_that_is_there_is_not_cancelled),
        cmocka_unit_test(test_a_silent_aggregator_after_the_result),
        cmocka_unit_test(test_a_result_moved_by_one_unit),
        cmocka_unit_test(test_a_coefficient_moved_by_a_millionth),
        cmocka_unit_test(test_more_or_fewer_survivors_than_there_are),
        cmocka_unit_test(test_a_last_sum_moved_by_one_unit),
        cmocka_unit_test(test_an_earlier_sum_moved_by_one_unit),
        cmocka_unit_test(test_a_transcript_that_is_cut),
        cmocka_unit_test(test_a_round_more_or_less),
        cmocka_unit_test(test_an_opening_of_another_session),
        cmocka_unit_test(test_openings_out_of_turn),
        cmocka_unit_test(test_a_round_that_is_only_told),
        cmocka_unit_test(test_a_result_that_is_only_told),
        cmocka_unit_test(test_who_is_too_late_blames_nobody),
        cmocka_unit_test(test_who_is_not_asked_is_told_no_result),
        cmocka_unit_test(test_confirmations_that_are_not_right),
        cmocka_unit_test(test_who_is_not_in_the_sum_does_not_confirm),
        cmocka_unit_test(test_a_confirmation_of_something_else),
        cmocka_unit_test(test_a_false_dispute_names_who_disputes),
        cmocka_unit_test(test_a_dispute_that_is_right_about_the_result),
        cmocka_unit_test(test_a_dispute_of_what_nobody_was_shown),
        cmocka_unit_test(test_disputes_out_of_turn),
        cmocka_unit_test(test_a_dispute_after_the_next_advert),
        cmocka_unit_test(test_what_is_not_verified),
        cmocka_unit_test(test_must_be_verified_and_is_shown_to_nobody),
        cmocka_unit_test(test_models_that_code_trains_on),
        cmocka_unit_test(test_a_result_of_learning),
        cmocka_unit_test(test_limits_of_verification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
